/* SPDX-License-Identifier: BSD-3-Clause */
/* The numbers of Ethernet and IP headers that C files share. */

#define ETH_ADDR_BYTES 6
#define ETH_TYPE_OFFSET 12            /* where the ethertype, or a VLAN tag, begins */
#define ETH_HEADER_BYTES 14
#define ETH_TAG_BYTES 4
#define ETH_FCS_BYTES 4
#define ETH_FRAME_MIN_BYTES 60        /* without FCS */
#define ETH_FRAME_MAX_BYTES 1518      /* with FCS, without tags */

#define ETH_TYPE_IPV4 0x0800
#define ETH_TYPE_VLAN 0x8100
#define ETH_TYPE_IPV6 0x86DD
#define ETH_TYPE_LEAST 0x600          /* below it is a length */
#define ETH_TYPE_MAC_CONTROL 0x8808
#define ETH_TYPE_EXPERIMENTAL 0x88B5  /* the first of the two for local experiments */
#define ETH_TYPE_VLAN_OUTER 0x88A8    /* 802.1ad */

#define TCI_VID 0x0FFF                /* of a VLAN tag */
#define TCI_CFI 0x1000
#define TCI_PRIORITY_SHIFT 13

#define PROTO_TCP 6
#define PROTO_UDP 17
#define PROTO_SCTP 132

#define IPV4_HEADER_BYTES 20          /* without options */
#define IPV4_LENGTH 2                 /* offsets of fields in their headers */
#define IPV4_ID 4
#define IPV4_FRAGMENT 6
#define IPV4_FRAGMENT_OFFSET 0x1FFF   /* of that field: where the piece belongs, units of 8 bytes */
#define IPV4_PROTO 9
#define IPV4_CHECK 10
#define IPV4_SRC 12
#define IPV6_HEADER_BYTES 40          /* without extensions */
#define IPV6_LENGTH 4
#define IPV6_NEXT 6
#define IPV6_SRC 8
#define TCP_HEADER_BYTES 20
#define TCP_SEQ 4
#define TCP_FLAGS 12                  /* data offset 15:12, flags 11:0 */
#define TCP_CHECK 16
#define UDP_HEADER_BYTES 8
#define UDP_LENGTH 4
#define UDP_CHECK 6
#define SCTP_HEADER_BYTES 12
#define SCTP_CHECK 8
