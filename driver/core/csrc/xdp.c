/* SPDX-License-Identifier: BSD-3-Clause */
/* XDP in user space: the program runs between the ring and whoever takes its frames, on the thread that polls the ring.
 *
 * A frame that is to go on stays in the NIC's buffer; one that is to be sent is copied into the buffer of a Tx ring, so that
 * its own goes back to the NIC like any other.
 *
 * Who may change what: the polling thread reads rx_ring.xdp once a batch, between two steps of xdp_turn, which is odd
 * meanwhile.  Whoever takes a program away waits for that number to move.
 *
 * Ref: Linux Documentation/bpf (what the verdicts mean).
 */
#include <errno.h>
#include <stdint.h>
#include <time.h>
#include "mmio.h"
#include "rings.h"
#include "vnet.h"
#include "xdp.h"
#include "ring_lock.h"

#define FRAME_MIN_BYTES 14               /* an Ethernet header */
#define LOOK_AGAIN_NS 20000

static void out_send(struct xdp_out *out, const struct rx_frame *frame)
{
    const struct tx_offload tag = { .vlan = 1, .vlan_tci = frame->vlan_tci };
    struct xdp_port *port = out->port;
    int rc = -ENETDOWN;

    ring_lock(port->lock);
    if (port->ring != NULL)
        rc = tx_post(port->ring, frame->data[0], frame->len_bytes[0], frame->flags & RX_VLAN ? &tag : NULL);
    else if (port->tap_fd >= 0)
        rc = vnet_write(port->tap_fd, frame);
    ring_unlock(port->lock);
    if (rc < 0) {
        out->lost++;
        return;
    }
    out->sent++;
    out->unflushed++;
}

static void out_flush(struct xdp_out *out)
{
    if (out == NULL || !out->unflushed)
        return;
    out->unflushed = 0;
    ring_lock(out->port->lock);
    if (out->port->ring != NULL)
        tx_flush(out->port->ring);
    ring_unlock(out->port->lock);
}

void xdp_plug(struct xdp_port *port, struct tx_ring *ring, int tap_fd)
{
    ring_lock(port->lock);
    port->ring = ring;
    port->tap_fd = tap_fd;
    ring_unlock(port->lock);
}

/* What the program wants with a frame, whose place and length it may have changed. */
static uint32_t verdict(struct xdp *xdp, const struct rx_ring *ring, struct rx_frame *frame, uint32_t *target)
{
    uint64_t slot = (uint64_t)(frame->data[0] - ring->buf) / ring->buf_bytes;
    struct xdp_frame seen = {
        .data = frame->data[0], .len_bytes = frame->len_bytes[0], .buf = ring->buf + slot * ring->buf_bytes,
        .buf_bytes = ring->buf_bytes, .queue = ring->queue, .rss_hash = frame->rss_hash, .flags = frame->flags,
        .vlan_tci = frame->vlan_tci,
    };
    const uint8_t *buf = seen.buf;
    uint32_t said, at;

    if (frame->bufs != 1)                /* a frame must lie in one piece: who attaches a program sees to that by the MTU */
        return XDP_ABORTED;
    said = xdp->program(&seen, xdp->context);
    if (seen.data < buf || seen.data > buf + ring->buf_bytes)
        return XDP_ABORTED;
    at = (uint32_t)(seen.data - buf);
    if (seen.len_bytes < FRAME_MIN_BYTES || seen.len_bytes > ring->buf_bytes - at)
        return XDP_ABORTED;
    frame->data[0] = seen.data;
    frame->len_bytes[0] = frame->total_bytes = seen.len_bytes;
    *target = seen.target;
    return said;
}

static struct xdp_out *way_out(const struct xdp *xdp, uint32_t said, uint32_t target)
{
    if (said == XDP_TX)
        return xdp->tx;
    return target < xdp->target_count ? xdp->targets[target] : NULL;
}

static int run(struct xdp *xdp, struct rx_ring *ring, struct rx_frame *frame, int n)
{
    int kept = 0;

    for (int i = 0; i < n; i++) {
        uint32_t target = 0, said = verdict(xdp, ring, &frame[i], &target);

        if (said == XDP_PASS) {
            if (kept != i)
                frame[kept] = frame[i];
            kept++;
        } else if (said == XDP_TX || said == XDP_REDIRECT) {
            struct xdp_out *out = way_out(xdp, said, target);

            if (out != NULL)
                out_send(out, &frame[i]);
            else
                said = XDP_ABORTED;
        } else if (said != XDP_DROP) {
            said = XDP_ABORTED;
        }
        xdp->seen[said]++;
    }
    out_flush(xdp->tx);
    for (uint32_t t = 0; t < xdp->target_count; t++)
        out_flush(xdp->targets[t]);
    return kept;
}

int xdp_run(struct rx_ring *ring, struct rx_frame *frame, int n)
{
    struct xdp *xdp;

    if (n <= 0)
        return n;
    __atomic_add_fetch(&ring->xdp_turn, 1, __ATOMIC_SEQ_CST);
    xdp = __atomic_load_n(&ring->xdp, __ATOMIC_SEQ_CST);
    if (xdp != NULL)
        n = run(xdp, ring, frame, n);
    __atomic_add_fetch(&ring->xdp_turn, 1, __ATOMIC_SEQ_CST);
    return n;
}

int xdp_set(struct rx_ring *ring, struct xdp *xdp, uint64_t timeout_ns)
{
    const struct timespec pause = { .tv_nsec = LOOK_AGAIN_NS };
    uint32_t turn;

    __atomic_store_n(&ring->xdp, xdp, __ATOMIC_SEQ_CST);
    turn = __atomic_load_n(&ring->xdp_turn, __ATOMIC_SEQ_CST);
    if (turn % 2 == 0)
        return 0;
    for (uint64_t waited_ns = 0; waited_ns < timeout_ns; waited_ns += LOOK_AGAIN_NS) {
        if (__atomic_load_n(&ring->xdp_turn, __ATOMIC_SEQ_CST) != turn)
            return 0;
        nanosleep(&pause, NULL);
    }
    return -ETIMEDOUT;
}
