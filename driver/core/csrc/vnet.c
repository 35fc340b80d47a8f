/* SPDX-License-Identifier: BSD-3-Clause */
/* The virtio-net header that comes with every frame of a tap: what the kernel left for the NIC to do, as struct tx_offload
 * can say it, and what the NIC found out, as the kernel wants to hear it.
 *
 * Ref: linux/virtio_net.h (struct virtio_net_hdr).
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>
#include "rings.h"
#include "vnet.h"

#define VNET_F_NEEDS_CSUM 1
#define VNET_F_DATA_VALID 2
#define VNET_GSO_NONE 0
#define VNET_GSO_TCPV4 1
#define VNET_GSO_TCPV6 4
#define VNET_GSO_UDP_L4 5
#define VNET_GSO_ECN 0x80

#define L4_TYPE_UDP 0
#define L4_TYPE_TCP 1
#define ETHER_BYTES 14
#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86DD
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_SVLAN 0x88A8
#define VLAN_TAGS_MAX 2
#define IPV4_BYTES 20
#define IPV4_FRAGMENT 0x3FFF             /* more fragments, or the offset of one */
#define IPV6_BYTES 40
#define PROTO_TCP 6
#define TCP_BYTES 20
#define TCP_CSUM_AT 16
#define UDP_BYTES 8
#define UDP_CSUM_AT 6

struct vnet_hdr {                        /* in the byte order of this machine: the interface was made that way */
    uint8_t flags;
    uint8_t gso_type;
    uint16_t hdr_len;
    uint16_t gso_size;
    uint16_t csum_start;
    uint16_t csum_offset;
};
_Static_assert(sizeof(struct vnet_hdr) == VNET_HDR_BYTES, "virtio_net_hdr without mergeable buffers");

static uint16_t be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static void put_be16(uint8_t *p, uint16_t value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

/* A sum of 16-bit words as one of them: what is carried out comes in again at the bottom. */
static uint16_t fold(uint64_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xFFFF) + (sum >> 16);
    return (uint16_t)sum;
}

/* Ethertype of the packet behind the Ethernet header and up to two VLAN tags; *l3 is where it starts.  0: cut short. */
static uint16_t skip_tags(const uint8_t *frame, uint32_t len_bytes, uint32_t *l3)
{
    uint16_t type = 0;

    for (uint32_t tags = 0, at = 12; tags <= VLAN_TAGS_MAX && at + 2 <= len_bytes; tags++, at += 4) {
        type = be16(frame + at);
        *l3 = at + 2;
        if (type != ETHERTYPE_VLAN && type != ETHERTYPE_SVLAN)
            return type;
    }
    return 0;
}

int vnet_to_offload(const uint8_t *vnet, const uint8_t *frame, uint32_t len_bytes, uint32_t ip_max_bytes, struct tx_offload *off)
{
    struct vnet_hdr hdr;
    uint32_t l3 = 0;
    uint16_t type;
    uint8_t gso;
    int tcp, udp;

    memcpy(&hdr, vnet, sizeof hdr);
    memset(off, 0, sizeof *off);
    gso = hdr.gso_type & (uint8_t)~VNET_GSO_ECN;
    if (len_bytes < ETHER_BYTES)
        return -EINVAL;
    if (!(hdr.flags & VNET_F_NEEDS_CSUM))
        return gso == VNET_GSO_NONE ? 0 : -EINVAL;
    if (hdr.csum_start < ETHER_BYTES || (uint32_t)hdr.csum_start + hdr.csum_offset + 2 > len_bytes)
        return -EINVAL;
    type = skip_tags(frame, len_bytes, &l3);
    tcp = hdr.csum_offset == TCP_CSUM_AT;
    udp = hdr.csum_offset == UDP_CSUM_AT;
    if ((!tcp && !udp) || (type != ETHERTYPE_IPV4 && type != ETHERTYPE_IPV6) || hdr.csum_start <= l3 ||
        hdr.csum_start - l3 > ip_max_bytes)
        return gso == VNET_GSO_NONE ? 1 : -EINVAL;
    off->l3_offset = (uint16_t)l3;
    off->l4_offset = hdr.csum_start;
    off->ipv4 = type == ETHERTYPE_IPV4;
    off->l4_csum = 1;
    off->l4_type = tcp ? L4_TYPE_TCP : L4_TYPE_UDP;
    switch (gso) {
    case VNET_GSO_NONE:
        return 0;
    case VNET_GSO_TCPV4:
    case VNET_GSO_TCPV6:
        if (!tcp)
            return -EINVAL;
        off->l4_len_bytes = (uint16_t)((frame[hdr.csum_start + 12] >> 4) * 4);
        if (off->l4_len_bytes < TCP_BYTES)
            return -EINVAL;
        break;
    case VNET_GSO_UDP_L4:
        if (!udp)
            return -EINVAL;
        off->l4_len_bytes = UDP_BYTES;
        break;
    default:
        return -EINVAL;
    }
    if (hdr.gso_size == 0 || (uint32_t)off->l4_offset + off->l4_len_bytes > len_bytes)
        return -EINVAL;
    off->mss = hdr.gso_size;
    off->ip_csum = off->ipv4;
    return 0;
}

/* Checksums that the NIC has no descriptor for (a tunnel's, a protocol's that is neither TCP nor UDP): sum what lies from
 * csum_start on, over the seed the kernel left, as its own skb_checksum_help() would have done. */
void vnet_sum(struct tx_ring *ring, uint32_t buf, uint32_t len_bytes, const uint8_t *vnet)
{
    struct vnet_hdr hdr;
    uint8_t *part = ring->buf + (uint64_t)buf * ring->buf_bytes, *field;
    uint64_t sum = 0;

    memcpy(&hdr, vnet, sizeof hdr);
    field = part + hdr.csum_start + hdr.csum_offset;
    for (uint32_t at = 0, base = 0; at < len_bytes; at++) {
        if (at - base == ring->buf_bytes) {
            base = at;
            buf = buf + 1 == ring->count ? 0 : buf + 1;
            part = ring->buf + (uint64_t)buf * ring->buf_bytes;
        }
        if (at >= hdr.csum_start)
            sum += (at - hdr.csum_start) % 2 ? part[at - base] : (uint64_t)part[at - base] << 8;
    }
    sum = fold(sum);
    put_be16(field, (uint16_t)(sum == 0xFFFF ? 0xFFFF : ~sum));  /* 0 would mean "no checksum" to UDP */
}

/* The kernel seeds the TCP/UDP checksum with a pseudo header that counts the whole length; the NIC wants a seed without it,
 * because every segment has a length of its own.  Ones' complement: adding ~length takes it out. */
void vnet_tso_seed(uint8_t *frame, uint32_t len_bytes, const struct tx_offload *off)
{
    uint8_t *field = frame + off->l4_offset + (off->l4_type == L4_TYPE_TCP ? TCP_CSUM_AT : UDP_CSUM_AT);
    uint32_t sum = be16(field) + (uint16_t)~(len_bytes - off->l4_offset);

    put_be16(field, fold(sum));
    if (off->ipv4) {                     /* the NIC sums the header with this field in place */
        frame[off->l3_offset + 10] = 0;
        frame[off->l3_offset + 11] = 0;
    }
}

/* A packet that the NIC made of many frames, as its own headers describe it. */
struct super {
    uint32_t l4, header_bytes;           /* where TCP starts, and where the payload does */
    uint32_t addresses, addresses_bytes;
    uint8_t gso_type;
};

/* 0, or -EINVAL: it is no TCP packet of that size, or its headers do not lie in the first buffer. */
static int super_look(const uint8_t *data, uint32_t len_bytes, uint32_t total_bytes, struct super *out)
{
    uint32_t l3 = 0, end;
    uint16_t type = skip_tags(data, len_bytes, &l3);
    const uint8_t *ip = data + l3;

    if (type == ETHERTYPE_IPV4 && l3 + IPV4_BYTES <= len_bytes) {
        if (ip[0] >> 4 != 4 || ip[9] != PROTO_TCP || (be16(ip + 6) & IPV4_FRAGMENT) || (ip[0] & 15) * 4 < IPV4_BYTES)
            return -EINVAL;
        *out = (struct super){ .l4 = l3 + (ip[0] & 15) * 4u, .addresses = l3 + 12, .addresses_bytes = 8, .gso_type = VNET_GSO_TCPV4 };
        end = l3 + be16(ip + 2);
    } else if (type == ETHERTYPE_IPV6 && l3 + IPV6_BYTES <= len_bytes) {
        if (ip[0] >> 4 != 6 || ip[6] != PROTO_TCP)
            return -EINVAL;
        *out = (struct super){ .l4 = l3 + IPV6_BYTES, .addresses = l3 + 8, .addresses_bytes = 32, .gso_type = VNET_GSO_TCPV6 };
        end = out->l4 + be16(ip + 4);
    } else {
        return -EINVAL;
    }
    if (end != total_bytes || out->l4 + TCP_BYTES > len_bytes)
        return -EINVAL;
    out->header_bytes = out->l4 + (data[out->l4 + 12] >> 4) * 4u;
    if (out->header_bytes < out->l4 + TCP_BYTES || out->header_bytes > len_bytes || out->header_bytes >= total_bytes)
        return -EINVAL;
    return 0;
}

/* A packet that the NIC made of many frames: the kernel is told how to cut it again, and gets the sum of the pseudo header that
 * it needs for that, as if it were the sender.  The NIC saw that each frame's checksum was right.  Nobody knows how large the
 * frames were: as the kernel's drivers have it, the payload by their number, rounded up. */
static int vnet_super(const struct rx_frame *frame, uint32_t tag_bytes, uint8_t *vnet)
{
    uint8_t *data = frame->data[0];
    uint32_t payload, sum;
    struct vnet_hdr hdr;
    struct super seen;
    int rc = super_look(data, frame->len_bytes[0], frame->total_bytes, &seen);

    if (rc < 0)
        return rc;
    payload = frame->total_bytes - seen.header_bytes;
    sum = PROTO_TCP + frame->total_bytes - seen.l4;
    for (uint32_t at = 0; at < seen.addresses_bytes; at += 2)
        sum += be16(data + seen.addresses + at);
    put_be16(data + seen.l4 + TCP_CSUM_AT, fold(sum));
    hdr = (struct vnet_hdr){
        .flags = VNET_F_NEEDS_CSUM,
        .gso_type = seen.gso_type,
        .hdr_len = (uint16_t)(seen.header_bytes + tag_bytes),
        .gso_size = (uint16_t)((payload + frame->segments - 1) / frame->segments),
        .csum_start = (uint16_t)(seen.l4 + tag_bytes),
        .csum_offset = TCP_CSUM_AT,
    };
    memcpy(vnet, &hdr, sizeof hdr);
    return 0;
}

void vnet_from_flags(uint32_t flags, uint8_t *vnet)
{
    struct vnet_hdr hdr = { 0 };

    if (flags & RX_CSUM_GOOD)
        hdr.flags = VNET_F_DATA_VALID;
    memcpy(vnet, &hdr, sizeof hdr);
}

int vnet_write(int tap_fd, const struct rx_frame *frame)
{
    struct iovec iov[RX_FRAME_BUFS + 3];
    uint8_t vnet[VNET_HDR_BYTES], tag[4];
    int parts = 0;

    if (__builtin_expect((frame->flags & RX_COALESCED) != 0, 0)) {
        int rc = vnet_super(frame, frame->flags & RX_VLAN ? sizeof tag : 0, vnet);

        if (rc < 0)
            return rc;
    } else {
        vnet_from_flags(frame->flags, vnet);
    }
    iov[parts++] = (struct iovec){ vnet, sizeof vnet };
    if ((frame->flags & RX_VLAN) && frame->len_bytes[0] > 12) {
        /* The NIC took the tag out; a tap has no other place for it than back where it was. */
        tag[0] = 0x81;
        tag[1] = 0x00;
        tag[2] = (uint8_t)(frame->vlan_tci >> 8);
        tag[3] = (uint8_t)frame->vlan_tci;
        iov[parts++] = (struct iovec){ frame->data[0], 12 };
        iov[parts++] = (struct iovec){ tag, sizeof tag };
        iov[parts++] = (struct iovec){ frame->data[0] + 12, frame->len_bytes[0] - 12 };
    } else {
        iov[parts++] = (struct iovec){ frame->data[0], frame->len_bytes[0] };
    }
    for (uint32_t b = 1; b < frame->bufs; b++)
        iov[parts++] = (struct iovec){ frame->data[b], frame->len_bytes[b] };
    return writev(tap_fd, iov, parts) < 0 ? -errno : 0;
}
