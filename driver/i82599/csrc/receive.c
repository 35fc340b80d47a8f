/* SPDX-License-Identifier: BSD-3-Clause */
/* The 82599's receive descriptors: one frame behind the other, or, where a queue coalesces, packets of many frames whose
 * descriptors lie between those of others.
 *
 * Ref: 82599 datasheet, receive descriptor queue structure and receive side coalescing; ixgbe_is_non_eop().
 */
#include <stdint.h>
#include "rings.h"
#include "ring_steps.h"
#include "descriptors.h"
#include "../../../device/regs/i82599/regs.h"

#define RX_AHEAD_QWORDS 16               /* eight descriptors, two cache lines: fetched while these are looked at */
#define PASSED RXD_STAT_DD               /* a descriptor that holds nothing and ends nothing: no NIC writes one */

_Static_assert(RX_FRAME_BUFS == 16, "the most descriptors of a coalesced packet, by RSCCTL.MAXDESC");

/* The NIC stores this qword whole and last, so one load tells everything about the slot. */
static inline uint64_t rx_writeback(const uint64_t *desc)
{
    return __atomic_load_n(&desc[1], __ATOMIC_ACQUIRE);
}

/* What the NIC found out, in the words of rings.h; the two common answers first. */
static inline uint32_t rx_flags(uint64_t q1)
{
    uint32_t seen = (uint32_t)q1 & (uint32_t)(RXD_STAT_VP | RXD_STAT_L4CS | RXD_ERR_TCPE | RXD_ERR_IPE);

    if (__builtin_expect((seen & ~(uint32_t)RXD_STAT_L4CS) == 0, 1))
        return seen ? RX_CSUM_GOOD : 0;
    return (seen & RXD_STAT_VP ? RX_VLAN : 0) | (seen & RXD_ERR_TCPE ? RX_L4_CSUM_BAD : 0) |
           ((seen & ~(uint32_t)RXD_STAT_VP) == RXD_STAT_L4CS ? RX_CSUM_GOOD : 0);
}

/* A NIC that lies about lengths must not make us read a neighbour's buffer. */
static inline uint32_t rx_len(uint64_t q1, uint32_t buf_bytes)
{
    uint32_t len = (uint32_t)((q1 & RXD_LENGTH) >> RXD_LENGTH_SHIFT);

    return len < buf_bytes ? len : buf_bytes;
}

/* The frame of several buffers that starts at `slot`: its last slot, or -1 if that is not there yet.  It may have more
 * buffers than there is room to tell of. */
static int64_t rx_chain(const struct rx_ring *ring, uint32_t slot, struct rx_frame *out)
{
    out->bufs = 0;
    out->total_bytes = 0;
    for (; slot != ring->next_to_use; slot = ring_next(slot, ring->count)) {
        uint64_t q1 = rx_writeback(&ring->desc[2 * slot]);

        if (!(q1 & RXD_STAT_DD))
            return -1;
        if (out->bufs < RX_FRAME_BUFS) {
            out->data[out->bufs] = ring->buf + (uint64_t)slot * ring->buf_bytes;
            out->len_bytes[out->bufs] = rx_len(q1, ring->buf_bytes);
            out->total_bytes += out->len_bytes[out->bufs];
        }
        out->bufs++;
        if (q1 & RXD_STAT_EOP)
            return slot;
    }
    return -1;
}

/* ---- coalesced packets ------------------------------------------------------------------------------------------ */

/* Frames that begin in this descriptor; 0: nothing was coalesced. */
static inline uint32_t rsc_begun(uint64_t q0)
{
    uint32_t count = (uint32_t)((q0 & RXDADV_RSCCNT) >> RXDADV_RSCCNT_SHIFT);

    return count ? count - 1 : 0;
}

/* The packet of several buffers whose first slot is reached: the slots that it uses go to `slots`.  How many they are; 0: it
 * is not complete yet.  Negative: so many, and then NEXTP leads where no packet can go on, which is only forward, to slots
 * that the NIC has, and not for ever. */
static int rsc_chain(const struct rx_ring *ring, uint32_t first, struct rx_frame *out, uint32_t *slots)
{
    uint32_t with_nic = ring_distance(first, ring->next_to_use, ring->count), at = 0, slot = first, segments = 0;

    out->total_bytes = 0;
    for (int n = 0; n < RX_FRAME_BUFS; n++) {
        uint64_t q1 = rx_writeback(&ring->desc[2 * slot]), q0;
        uint32_t ahead;

        if (!(q1 & RXD_STAT_DD))
            return 0;
        if (q1 == PASSED)
            return -n;
        q0 = ring->desc[2 * slot];       /* valid once DD is seen, and not before */
        slots[n] = slot;
        segments += rsc_begun(q0);
        out->data[n] = ring->buf + (uint64_t)slot * ring->buf_bytes;
        out->len_bytes[n] = rx_len(q1, ring->buf_bytes);
        out->total_bytes += out->len_bytes[n];
        if (q1 & RXD_STAT_EOP) {
            out->bufs = (uint32_t)n + 1;
            out->segments = (uint16_t)segments;
            return n + 1;
        }
        slot = q0 & RXDADV_RSCCNT ? (uint32_t)((q1 & RXDRSC_NEXTP) >> RXDRSC_NEXTP_SHIFT) : ring_next(slot, ring->count);
        ahead = slot < ring->count ? ring_distance(first, slot, ring->count) : 0;
        if (ahead <= at || ahead >= with_nic)
            return -n - 1;
        at = ahead;
    }
    return -RX_FRAME_BUFS;
}

/* All of a packet is taken when its first slot is reached; the others are passed over when it is their turn, so that each
 * slot goes back once, and in order.  1; 0: it is not complete yet; -1: it is broken, and dropped as far as it went. */
static int rsc_take(struct rx_ring *ring, uint32_t first, struct rx_frame *out, uint64_t *q0, uint64_t *q1)
{
    uint32_t slots[RX_FRAME_BUFS];
    int n = rsc_chain(ring, first, out, slots), used = n < 0 ? -n : n;

    if (n > 0) {
        *q0 = ring->desc[2 * slots[n - 1]];
        *q1 = rx_writeback(&ring->desc[2 * slots[n - 1]]);
    }
    for (int i = 1; i < used; i++)
        ring->desc[2 * slots[i] + 1] = PASSED;
    ring->stats.errors += n < 0;
    return n < 0 ? -1 : n > 0;
}

/* ---- both ------------------------------------------------------------------------------------------------------- */

/* One pass over what the NIC wrote back.  Nearly every frame lies in one buffer. */
static inline __attribute__((always_inline)) int harvest(struct rx_ring *ring, struct rx_frame *out, uint32_t budget, const int rsc)
{
    const uint32_t buf_bytes = ring->buf_bytes;
    const uint64_t *const base = ring->desc, *const wrap = base + 2 * ring->count, *const end = base + 2 * ring->next_to_use;
    const uint64_t *desc = base + 2 * ring->next_to_clean;
    uint8_t *data = ring->buf + (uint64_t)ring->next_to_clean * buf_bytes;
    struct rx_frame *frame = out, *const full = out + budget;
    uint64_t bytes = 0;

    while (frame != full && desc != end) {
        uint64_t q1 = rx_writeback(desc), q0;
        int taken = 1;

        if (!(q1 & RXD_STAT_DD))
            break;
        __builtin_prefetch(data);
        __builtin_prefetch(desc + RX_AHEAD_QWORDS);
        q0 = desc[0];
        if (__builtin_expect((q1 & RXD_STAT_EOP) != 0, 1)) {
            frame->bufs = 1;
            frame->data[0] = data;
            frame->total_bytes = frame->len_bytes[0] = rx_len(q1, buf_bytes);
            if (rsc)
                frame->segments = (uint16_t)rsc_begun(q0);
        } else if (rsc) {
            taken = q1 == PASSED ? -1 : rsc_take(ring, (uint32_t)((desc - base) / 2), frame, &q0, &q1);
            if (!taken)
                break;
        } else {
            int64_t last = rx_chain(ring, (uint32_t)((desc - base) / 2), frame);

            if (last < 0)
                break;
            desc = base + 2 * last;
            data = ring->buf + (uint64_t)last * buf_bytes;
            q0 = desc[0];
            q1 = rx_writeback(desc);
        }
        desc += 2;
        data += buf_bytes;
        if (__builtin_expect(desc == wrap, 0)) {
            desc = base;
            data = ring->buf;
        }
        if (rsc && taken < 0)
            continue;
        if (!rsc && __builtin_expect(frame->bufs > RX_FRAME_BUFS, 0)) {      /* nobody may send us such a one */
            ring->stats.errors++;
            continue;
        }
        frame->found = (uint32_t)q0;
        frame->rss_hash = (uint32_t)(q0 >> RXDADV_RSS_HASH_SHIFT);
        frame->status = (uint32_t)q1;
        frame->vlan_tci = (uint16_t)(q1 >> RXD_VLAN_SHIFT);
        frame->flags = rx_flags(q1);
        if (__builtin_expect(frame->flags & RX_L4_CSUM_BAD, 0))
            ring->stats.csum_errors++;
        if (rsc && frame->segments > 1) {
            frame->flags |= RX_COALESCED;
            ring->stats.lro_packets++;
            ring->stats.lro_frames += frame->segments;
        }
        bytes += frame->total_bytes;
        frame++;
    }
    rx_taken(ring, (uint32_t)((desc - base) / 2), (uint64_t)(frame - out), bytes);
    return (int)(frame - out);
}

int i82599_harvest(struct rx_ring *ring, struct rx_frame *out, uint32_t budget)
{
    return harvest(ring, out, budget, 0);
}

int i82599_harvest_rsc(struct rx_ring *ring, struct rx_frame *out, uint32_t budget)
{
    return harvest(ring, out, budget, 1);
}

/* Both qwords, each time: the NIC wrote over them, and a stale DD would be believed. */
void i82599_refill(struct rx_ring *ring, uint32_t slots)
{
    uint32_t slot = ring->next_to_use;

    while (slots) {
        uint32_t run = slots < ring->count - slot ? slots : ring->count - slot;
        uint64_t *desc = &ring->desc[2 * slot], *const end = desc + 2 * run;
        uint64_t iova = ring->buf_iova + (uint64_t)slot * ring->buf_bytes;

        for (; desc != end; desc += 2, iova += ring->buf_bytes) {
            desc[0] = iova;
            desc[1] = 0;
        }
        slots -= run;
        slot = 0;
    }
}
