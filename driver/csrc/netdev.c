/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the rings and a tap interface.  Every frame on the tap carries a virtio-net header, and that is how the kernel
 * and the NIC hand each other checksums and segmentation: what the kernel left undone becomes a context descriptor, what
 * the NIC verified becomes "data valid".
 *
 * Ref: linux/virtio_net.h (struct virtio_net_hdr); 82599 datasheet, transmit context descriptor.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include "desc.h"
#include "regs.h"
#include "fast.h"

#define VNET_F_NEEDS_CSUM 1
#define VNET_F_DATA_VALID 2
#define VNET_GSO_NONE 0
#define VNET_GSO_TCPV4 1
#define VNET_GSO_TCPV6 4
#define VNET_GSO_UDP_L4 5
#define VNET_GSO_ECN 0x80

#define FRAME_MAX_BYTES 65550            /* a GSO frame: 64 KiB of IP packet and its Ethernet header */
#define TX_IOV_MAX 48
#define L4_TYPE_UDP 0
#define L4_TYPE_TCP 1
#define ETHER_BYTES 14
#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86DD
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_SVLAN 0x88A8
#define VLAN_TAGS_MAX 2
#define TCP_BYTES 20
#define TCP_CSUM_AT 16
#define UDP_BYTES 8
#define UDP_CSUM_AT 6
#define IPLEN_MAX 511                    /* TXCTX0_IPLEN has nine bits */

struct vnet_hdr {                        /* in the byte order of this machine: the interface was made that way */
    uint8_t flags;
    uint8_t gso_type;
    uint16_t hdr_len;
    uint16_t gso_size;
    uint16_t csum_start;
    uint16_t csum_offset;
};
_Static_assert((uint64_t)IPLEN_MAX == TXCTX0_IPLEN >> TXCTX0_IPLEN_SHIFT, "the longest IP header a context can tell");
_Static_assert(sizeof(struct vnet_hdr) == VNET_HDR_BYTES, "virtio_net_hdr without mergeable buffers");

static uint16_t be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
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

int vnet_to_offload(const uint8_t *vnet, const uint8_t *frame, uint32_t len_bytes, struct tx_offload *off)
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
        hdr.csum_start - l3 > IPLEN_MAX)
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
static void sum_in_software(const struct iovec *part, uint32_t len_bytes, const uint8_t *vnet)
{
    struct vnet_hdr hdr;
    uint64_t sum = 0;
    uint8_t *field;

    memcpy(&hdr, vnet, sizeof hdr);
    field = (uint8_t *)part->iov_base + hdr.csum_start + hdr.csum_offset;
    for (uint32_t at = 0, base = 0; at < len_bytes; at++) {
        if (at - base == part->iov_len) {
            base = at;
            part++;
        }
        if (at >= hdr.csum_start) {
            uint8_t byte = ((const uint8_t *)part->iov_base)[at - base];

            sum += (at - hdr.csum_start) % 2 ? byte : (uint64_t)byte << 8;
        }
    }
    while (sum >> 16)
        sum = (sum & 0xFFFF) + (sum >> 16);
    sum = sum == 0xFFFF ? 0xFFFF : ~sum;         /* 0 would mean "no checksum" to UDP */
    field[0] = (uint8_t)(sum >> 8);
    field[1] = (uint8_t)sum;
}

/* The kernel seeds the TCP/UDP checksum with a pseudo header that counts the whole length; the NIC wants a seed without it,
 * because every segment has a length of its own.  Ones' complement: adding ~length takes it out. */
static void tso_seed(uint8_t *frame, uint32_t len_bytes, const struct tx_offload *off)
{
    uint8_t *field = frame + off->l4_offset + (off->l4_type == L4_TYPE_TCP ? TCP_CSUM_AT : UDP_CSUM_AT);
    uint32_t sum = be16(field) + (uint16_t)~(len_bytes - off->l4_offset);

    sum = (sum & 0xFFFF) + (sum >> 16);
    field[0] = (uint8_t)(sum >> 8);
    field[1] = (uint8_t)sum;
    if (off->ipv4) {                     /* the NIC sums the header with this field in place */
        frame[off->l3_offset + 10] = 0;
        frame[off->l3_offset + 11] = 0;
    }
}

/* Turn what was read from the tap into descriptors.  1; 0 if the frame had to be dropped. */
static int tx_one(struct tx_ring *ring, struct iovec *iov, uint32_t len, struct netdev_stats *stats)
{
    const uint8_t *vnet = iov[0].iov_base;
    uint8_t *first = iov[1].iov_base;
    struct tx_offload off;
    /* Headers lie in the first buffer: no protocol's reach past the 2 KiB that buf_bytes is at least. */
    int rc = vnet_to_offload(vnet, first, len < ring->buf_bytes ? len : ring->buf_bytes, &off);

    if (rc < 0)
        return 0;
    if (rc > 0) {
        sum_in_software(iov + 1, len, vnet);
        stats->csum_soft++;
    }
    if (off.mss && (uint32_t)off.l4_offset + off.l4_len_bytes + off.mss >= len)
        off.mss = 0, off.ip_csum = 0;    /* one segment: an ordinary frame, whose seed already counts its length */
    if (off.mss)
        tso_seed(first, len, &off);
    if (tx_commit(ring, len, &off) < 0)
        return 0;
    stats->tx_gso += off.mss != 0;
    stats->csum_left += off.l4_csum;
    return 1;
}

int netdev_tx(struct tx_ring *ring, int tap_fd, uint32_t budget, struct netdev_stats *stats)
{
    uint32_t need = (FRAME_MAX_BYTES + ring->buf_bytes - 1) / ring->buf_bytes;
    uint32_t taken = 0;
    int rc = 0;

    if (need + 1 > TX_IOV_MAX)
        return -EINVAL;
    while (taken < budget) {
        struct iovec iov[TX_IOV_MAX];
        uint8_t vnet[VNET_HDR_BYTES];
        uint32_t buf = ring->next_to_use, len;
        ssize_t got;

        if (tx_free(ring) < need + 1) {  /* netif_stop_queue: what we have not read waits in the interface */
            ring->stats.busy++;
            rc = -EAGAIN;
            break;
        }
        iov[0] = (struct iovec){ vnet, sizeof vnet };
        for (uint32_t n = 1; n <= need; n++) {
            buf = buf + 1 == ring->count ? 0 : buf + 1;
            iov[n] = (struct iovec){ ring->buf + (uint64_t)buf * ring->buf_bytes, ring->buf_bytes };
        }
        got = readv(tap_fd, iov, (int)need + 1);
        if (got < 0) {
            if (errno != EAGAIN && errno != EINTR)
                rc = -errno;
            break;
        }
        taken++;
        len = got > VNET_HDR_BYTES ? (uint32_t)got - VNET_HDR_BYTES : 0;
        if (!tx_one(ring, iov, len, stats)) {
            stats->tx_dropped++;
            continue;
        }
        stats->tx_frames++;
        stats->tx_bytes += len;
    }
    tx_flush(ring);
    return taken ? (int)taken : rc;
}

void vnet_from_status(uint32_t status, uint8_t *vnet)
{
    struct vnet_hdr hdr = { 0 };

    if ((status & RXD_STAT_L4CS) && !(status & (RXD_ERR_TCPE | RXD_ERR_IPE)))
        hdr.flags = VNET_F_DATA_VALID;
    memcpy(vnet, &hdr, sizeof hdr);
}

int netdev_rx(struct rx_ring *ring, int tap_fd, uint32_t budget, struct netdev_stats *stats)
{
    struct rx_frame frame[NAPI_WEIGHT];
    int n = rx_harvest(ring, frame, budget < NAPI_WEIGHT ? budget : NAPI_WEIGHT);

    for (int i = 0; i < n; i++) {
        struct iovec iov[RX_FRAME_BUFS + 3];
        uint8_t vnet[VNET_HDR_BYTES], tag[4];
        int parts = 0;

        vnet_from_status(frame[i].status, vnet);
        stats->csum_good += vnet[0] == VNET_F_DATA_VALID;
        iov[parts++] = (struct iovec){ vnet, sizeof vnet };
        if ((frame[i].status & RXD_STAT_VP) && frame[i].len_bytes[0] > 12) {
            /* The NIC took the tag out; a tap has no other place for it than back where it was. */
            tag[0] = 0x81;
            tag[1] = 0x00;
            tag[2] = (uint8_t)(frame[i].vlan_tci >> 8);
            tag[3] = (uint8_t)frame[i].vlan_tci;
            iov[parts++] = (struct iovec){ frame[i].data[0], 12 };
            iov[parts++] = (struct iovec){ tag, sizeof tag };
            iov[parts++] = (struct iovec){ frame[i].data[0] + 12, frame[i].len_bytes[0] - 12 };
        } else {
            iov[parts++] = (struct iovec){ frame[i].data[0], frame[i].len_bytes[0] };
        }
        for (uint32_t b = 1; b < frame[i].bufs; b++)
            iov[parts++] = (struct iovec){ frame[i].data[b], frame[i].len_bytes[b] };
        if (writev(tap_fd, iov, parts) < 0) {
            stats->rx_dropped++;         /* interface down, or its queue is full: as a NIC without room */
            continue;
        }
        stats->rx_frames++;
        stats->rx_bytes += frame[i].total_bytes;
    }
    rx_refill(ring);
    return n;
}
