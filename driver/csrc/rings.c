/* SPDX-License-Identifier: BSD-3-Clause */
/* Descriptor rings, from the driver's side.
 *
 * Who owns what.  The NIC owns the descriptors from its head up to, but not including, the tail register; we own the rest.
 * One slot always stays ours: a tail equal to the head would mean "nothing here", not "everything here".
 * A descriptor changes hands twice: to the NIC by the tail write, back to us by the DD bit.
 *
 * Ref: 82599 datasheet, receive and transmit descriptor queue structure.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include "desc.h"
#include "regs.h"
#include "core.h"

#define RX_REFILL_BATCH 32

_Static_assert(RX_STATUS_VP == RXD_STAT_VP && RING_EINVAL == EINVAL && RING_EAGAIN == EAGAIN, "what core.h tells Python");

static inline uint32_t ring_next(uint32_t slot, uint32_t count)
{
    return slot + 1 == count ? 0 : slot + 1;
}

static inline uint32_t ring_add(uint32_t slot, uint32_t n, uint32_t count)
{
    slot += n;
    return slot >= count ? slot - count : slot;
}

static inline uint32_t ring_distance(uint32_t from, uint32_t to, uint32_t count)
{
    return to >= from ? to - from : to + count - from;
}

/* ---- receive ---------------------------------------------------------------------------------------------------- */

/* The NIC stores this qword whole and last, so one load tells everything about the slot. */
static inline uint64_t rx_writeback(const struct rx_ring *ring, uint32_t slot)
{
    return __atomic_load_n(&ring->desc[2 * slot + 1], __ATOMIC_ACQUIRE);
}

/* Describe the frame that starts at next_to_clean.  Returns the slots it takes, 0 if its last buffer is not there yet,
 * or -EMSGSIZE with out->slots set if it spans more buffers than anyone may send us. */
static int rx_one(const struct rx_ring *ring, uint32_t available, struct rx_frame *out)
{
    uint32_t slot = ring->next_to_clean;

    out->bufs = 0;
    out->total_bytes = 0;
    for (uint32_t n = 1; n <= available; n++, slot = ring_next(slot, ring->count)) {
        uint64_t q1 = rx_writeback(ring, slot);
        uint32_t len = (uint32_t)((q1 & RXD_LENGTH) >> RXD_LENGTH_SHIFT);

        if (!(q1 & RXD_STAT_DD))
            return 0;
        if (n == 1)
            __builtin_prefetch(ring->buf + (uint64_t)slot * ring->buf_bytes);
        if (len > ring->buf_bytes)       /* a NIC that lies about lengths must not make us read a neighbour's buffer */
            len = ring->buf_bytes;
        if (out->bufs < RX_FRAME_BUFS) {
            out->data[out->bufs] = ring->buf + (uint64_t)slot * ring->buf_bytes;
            out->len_bytes[out->bufs] = len;
            out->total_bytes += len;
        }
        out->bufs++;
        if (q1 & RXD_STAT_EOP) {
            uint64_t q0 = ring->desc[2 * slot];

            out->slots = (uint16_t)n;
            out->status = (uint32_t)q1;
            out->vlan_tci = (uint16_t)(q1 >> RXD_VLAN_SHIFT);
            out->rss_type = (uint16_t)((q0 & RXDADV_RSSTYPE) >> RXDADV_RSSTYPE_SHIFT);
            out->packet_type = (uint16_t)((q0 & RXDADV_PKTTYPE) >> RXDADV_PKTTYPE_SHIFT);
            out->rss_hash = (uint32_t)(q0 >> RXDADV_RSS_HASH_SHIFT);
            return out->bufs <= RX_FRAME_BUFS ? (int)n : -EMSGSIZE;
        }
    }
    return 0;
}

int rx_harvest(struct rx_ring *ring, struct rx_frame *out, uint32_t budget)
{
    uint32_t taken = 0;
    uint32_t available = ring_distance(ring->next_to_clean, ring->next_to_use, ring->count);

    while (taken < budget) {
        struct rx_frame *frame = &out[taken];
        int slots = rx_one(ring, available, frame);

        if (slots == 0)
            break;
        ring->next_to_clean = ring_add(ring->next_to_clean, frame->slots, ring->count);
        available -= frame->slots;
        if (slots < 0) {
            ring->stats.errors++;
            continue;
        }
        ring->stats.packets++;
        ring->stats.bytes += frame->total_bytes;
        if (frame->status & RXD_ERR_TCPE)
            ring->stats.csum_errors++;
        taken++;
    }
    return (int)taken;
}

int rx_refill(struct rx_ring *ring)
{
    /* Ours are the slots from next_to_use round to next_to_clean; one of them stays empty. */
    uint32_t ours = ring->count - 1 - ring_distance(ring->next_to_clean, ring->next_to_use, ring->count);
    uint32_t batch = ring->count / 4 < RX_REFILL_BATCH ? ring->count / 4 : RX_REFILL_BATCH;
    uint32_t slot = ring->next_to_use;

    if (ours < batch)
        return 0;
    for (uint32_t n = 0; n < ours; n++, slot = ring_next(slot, ring->count)) {
        ring->desc[2 * slot] = ring->buf_iova + (uint64_t)slot * ring->buf_bytes;
        ring->desc[2 * slot + 1] = 0;    /* no stale DD */
    }
    ring->next_to_use = slot;
    atomic_thread_fence(memory_order_release);   /* descriptors before the tail that gives them away */
    mmio_write32(ring->bar, ring->tail_offset, slot);
    return (int)ours;
}

/* ---- transmit --------------------------------------------------------------------------------------------------- */

uint32_t tx_free(const struct tx_ring *ring)
{
    return ring->count - 1 - ring_distance(ring->next_to_clean, ring->next_to_use, ring->count);
}

int tx_clean(struct tx_ring *ring, uint32_t budget, uint64_t now_ns)
{
    uint32_t done = 0;

    while (done < budget && ring->next_to_clean != ring->next_to_use) {
        uint32_t first = ring->next_to_clean;
        uint32_t eop = ring->eop_of[first];

        if (!(__atomic_load_n(&ring->desc[2 * eop + 1], __ATOMIC_ACQUIRE) & TXD_STAT_DD))
            break;
        ring->stats.packets++;
        ring->stats.bytes += ring->len_of[first];
        ring->next_to_clean = ring_next(eop, ring->count);
        done++;
    }
    if (done || ring->next_to_clean == ring->next_to_use)
        ring->stuck_ns = 0;
    else if (!ring->stuck_ns)
        ring->stuck_ns = now_ns;
    return (int)done;
}

static inline uint32_t tx_buffers(const struct tx_ring *ring, uint32_t len_bytes)
{
    return (len_bytes + ring->buf_bytes - 1) / ring->buf_bytes;
}

static void tx_context(struct tx_ring *ring, uint32_t slot, const struct tx_offload *off)
{
    uint64_t dword0 = (uint64_t)off->vlan_tci << TXCTX0_VLAN_SHIFT | (uint64_t)off->l3_offset << TXCTX0_MACLEN_SHIFT |
                      (uint64_t)(off->l4_offset > off->l3_offset ? off->l4_offset - off->l3_offset : 0) << TXCTX0_IPLEN_SHIFT;
    uint64_t q1 = TXCTX1_DCMD_DEXT | TXCTX1_DTYP_CTXT | (off->ipv4 ? TXCTX1_IPV4 : 0) |
                  (uint64_t)off->l4_type << TXCTX1_L4T_SHIFT | (uint64_t)off->mss << TXCTX1_MSS_SHIFT |
                  (uint64_t)off->l4_len_bytes << TXCTX1_L4LEN_SHIFT;

    ring->desc[2 * slot] = dword0;
    ring->desc[2 * slot + 1] = q1;
}

/* Describe a frame that already lies in the buffers after next_to_use.  The buffers a frame uses are numbered one past the
 * slot it starts at, so that a context descriptor, needed or not, never moves them. */
int tx_commit(struct tx_ring *ring, uint32_t len_bytes, const struct tx_offload *off)
{
    uint32_t first = ring->next_to_use, buf = ring_next(first, ring->count), slot = first, last = first;
    uint32_t bufs = tx_buffers(ring, len_bytes);
    int context = off->l4_csum || off->ip_csum || off->mss || off->vlan;
    uint32_t header = off->mss ? (uint32_t)off->l4_offset + off->l4_len_bytes : 0;
    uint64_t q1 = TXDADV_DCMD_DEXT | TXDADV_DTYP_DATA | TXDADV_DCMD_IFCS | (off->vlan ? TXDADV_DCMD_VLE : 0) |
                  (off->mss ? TXDADV_DCMD_TSE : 0) | (off->ip_csum ? TXDADV_POPTS_IXSM : 0) | (off->l4_csum ? TXDADV_POPTS_TXSM : 0) |
                  (uint64_t)(len_bytes - header) << TXDADV_PAYLEN_SHIFT;

    if (len_bytes == 0 || header >= len_bytes + !off->mss)
        return -EINVAL;
    if (tx_free(ring) < bufs + 1)
        return -EAGAIN;
    if (context) {
        tx_context(ring, slot, off);
        slot = ring_next(slot, ring->count);
    }
    for (uint32_t left = len_bytes; left;) {
        uint32_t part = left < ring->buf_bytes ? left : ring->buf_bytes;

        left -= part;
        ring->desc[2 * slot] = ring->buf_iova + (uint64_t)buf * ring->buf_bytes;
        ring->desc[2 * slot + 1] = q1 | (uint64_t)part << TXDADV_DTALEN_SHIFT | (left ? 0 : TXDADV_DCMD_EOP | TXDADV_DCMD_RS);
        last = slot;
        slot = ring_next(slot, ring->count);
        buf = ring_next(buf, ring->count);
    }
    ring->eop_of[first] = last;
    ring->len_of[first] = len_bytes;
    ring->next_to_use = slot;
    return 1;
}

int tx_post(struct tx_ring *ring, const uint8_t *frame, uint32_t len_bytes, const struct tx_offload *off)
{
    static const struct tx_offload none;
    uint32_t buf = ring_next(ring->next_to_use, ring->count);

    if (tx_free(ring) < tx_buffers(ring, len_bytes) + 1) {
        ring->stats.busy++;
        return -EAGAIN;
    }
    for (uint32_t at = 0; at < len_bytes; buf = ring_next(buf, ring->count)) {
        uint32_t part = len_bytes - at < ring->buf_bytes ? len_bytes - at : ring->buf_bytes;

        memcpy(ring->buf + (uint64_t)buf * ring->buf_bytes, frame + at, part);
        at += part;
    }
    return tx_commit(ring, len_bytes, off ? off : &none);
}

void tx_flush(struct tx_ring *ring)
{
    if (ring->tail_written == ring->next_to_use)
        return;
    ring->tail_written = ring->next_to_use;
    atomic_thread_fence(memory_order_release);   /* descriptors and payload before the tail that gives them away */
    mmio_write32(ring->bar, ring->tail_offset, ring->next_to_use);
}
