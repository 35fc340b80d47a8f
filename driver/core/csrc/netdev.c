/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the rings and a tap interface.  Every frame on the tap carries a virtio-net header (vnet.c), and that is how the
 * kernel and the NIC hand each other checksums and segmentation.  Nothing is copied twice: the tap reads and writes the
 * rings' own buffers.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include "mmio.h"
#include "rings.h"
#include "vnet.h"
#include "netdev.h"
#include "xdp.h"
#include "napi.h"

#define FRAME_MAX_BYTES 65550            /* a GSO frame: 64 KiB of IP packet and its Ethernet header */
#define TX_IOV_MAX 48

/* Turn what was read from the tap into descriptors.  1; 0 if the frame had to be dropped. */
static int tx_one(struct tx_ring *ring, const uint8_t *vnet, uint32_t len, struct netdev_stats *stats)
{
    uint32_t buf = ring->next_to_use + 1 == ring->count ? 0 : ring->next_to_use + 1;
    uint8_t *first = ring->buf + (uint64_t)buf * ring->buf_bytes;
    struct tx_offload off;
    /* Headers lie in the first buffer: no protocol's reach past the 2 KiB that buf_bytes is at least. */
    uint32_t whole = len < ring->buf_bytes ? len : ring->buf_bytes;
    int rc = vnet_to_offload(vnet, first, whole, ring->ops->ip_header_max_bytes, &off);

    if (rc < 0)
        return 0;
    if (rc > 0) {
        vnet_sum(ring, buf, len, vnet);
        stats->csum_soft++;
    }
    if (off.mss && (uint32_t)off.l4_offset + off.l4_len_bytes + off.mss >= len)
        off.mss = 0, off.ip_csum = 0;    /* one segment: an ordinary frame, whose seed already counts its length */
    if (off.mss)
        vnet_tso_seed(first, len, &off);
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
        if (!tx_one(ring, vnet, len, stats)) {
            stats->tx_dropped++;
            continue;
        }
        stats->tx_frames++;
        stats->tx_bytes += len;
    }
    tx_flush(ring);
    return taken ? (int)taken : rc;
}

int netdev_rx(struct rx_ring *ring, int tap_fd, uint32_t budget, struct netdev_stats *stats)
{
    struct rx_frame frame[NAPI_WEIGHT];
    int n = rx_harvest(ring, frame, budget < NAPI_WEIGHT ? budget : NAPI_WEIGHT);
    int left = ring->xdp ? xdp_run(ring, frame, n) : n;

    for (int i = 0; i < left; i++) {
        stats->csum_good += (frame[i].flags & RX_CSUM_GOOD) != 0;
        if (vnet_write(tap_fd, &frame[i]) < 0) {
            stats->rx_dropped++;         /* interface down, or its queue is full: as a NIC without room */
            continue;
        }
        stats->rx_frames++;
        stats->rx_bytes += frame[i].total_bytes;
    }
    rx_refill(ring);
    return n;
}
