/* SPDX-License-Identifier: BSD-3-Clause */
/* What a frame is, found once.  Offsets from the start of the frame, in bytes; 0 = not there. */

#define PACKET_IPV4 0x01          /* what struct packet's `kind` is made of */
#define PACKET_IPV4_EX 0x02       /* IPv4 with options */
#define PACKET_IPV6 0x04
#define PACKET_IPV6_EX 0x08       /* IPv6 with extension headers */
#define PACKET_TCP 0x10
#define PACKET_UDP 0x20
#define PACKET_SCTP 0x40

struct packet {
    uint16_t ethertype;           /* innermost after at most one VLAN tag (two with double VLAN) */
    uint16_t vlan_tci;
    uint16_t l3;                  /* IP header */
    uint16_t l4;                  /* TCP/UDP/SCTP header; 0 for fragments */
    uint16_t l4_len_bytes;        /* from l4 to the end of the IP packet */
    uint8_t has_vlan;
    uint8_t ip_version;           /* 4, 6 or 0 */
    uint8_t ip_options;           /* IPv4 options or IPv6 extension headers */
    uint8_t fragment;
    uint8_t l4_proto;             /* 6, 17, 132 or 0 */
    uint8_t has_outer_vlan;       /* double VLAN: a tag before that */
    uint32_t kind;                /* PACKET_* */
    uint16_t home_src;            /* IPv6 source in a home address option */
    uint16_t route_dst;           /* IPv6 destination in a type 2 routing header */
    uint16_t rerouted;            /* 1: one of these, or another routing header: L4 checksums cover other addresses */
};

/* vet, vet_outer: ethertypes of a VLAN tag and of one outside it; vet_outer 0: there is no outer tag.
 * 1: there is an Ethernet header; 0: not even that, and out is all zero. */
int parse_tagged(const uint8_t *data, uint32_t len_bytes, uint32_t vet, uint32_t vet_outer, struct packet *out);
int parse_frame(const uint8_t *data, uint32_t len_bytes, int double_vlan, struct packet *out); /* 0x8100, 0x88A8 outside */
