/* SPDX-License-Identifier: BSD-3-Clause */
/* The 82599's descriptors: 16 bytes each, advanced format; DD says that one is ours again.
 *
 * Ref: 82599 datasheet, receive and transmit descriptor queue structure.
 */
#include <stdint.h>
#include "rings.h"
#include "ring_steps.h"
#include "descriptors.h"
#include "../../../device/regs/i82599/regs.h"

#define IP_HEADER_MAX_BYTES 511
#define RX_AHEAD_QWORDS 16               /* eight descriptors, two cache lines: fetched while these are looked at */

_Static_assert((uint64_t)IP_HEADER_MAX_BYTES == TXCTX0_IPLEN >> TXCTX0_IPLEN_SHIFT, "the longest IP header a context can tell");

/* ---- receive ---------------------------------------------------------------------------------------------------- */

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

/* One pass over what the NIC wrote back.  Nearly every frame lies in one buffer. */
static int harvest(struct rx_ring *ring, struct rx_frame *out, uint32_t budget)
{
    const uint32_t buf_bytes = ring->buf_bytes;
    const uint64_t *const base = ring->desc, *const wrap = base + 2 * ring->count, *const end = base + 2 * ring->next_to_use;
    const uint64_t *desc = base + 2 * ring->next_to_clean;
    uint8_t *data = ring->buf + (uint64_t)ring->next_to_clean * buf_bytes;
    struct rx_frame *frame = out, *const full = out + budget;
    uint64_t bytes = 0;

    while (frame != full && desc != end) {
        uint64_t q1 = rx_writeback(desc), q0;

        if (!(q1 & RXD_STAT_DD))
            break;
        __builtin_prefetch(data);
        __builtin_prefetch(desc + RX_AHEAD_QWORDS);
        if (__builtin_expect((q1 & RXD_STAT_EOP) != 0, 1)) {
            frame->bufs = 1;
            frame->data[0] = data;
            frame->total_bytes = frame->len_bytes[0] = rx_len(q1, buf_bytes);
        } else {
            int64_t last = rx_chain(ring, (uint32_t)((desc - base) / 2), frame);

            if (last < 0)
                break;
            desc = base + 2 * last;
            data = ring->buf + (uint64_t)last * buf_bytes;
            q1 = rx_writeback(desc);
        }
        q0 = desc[0];
        desc += 2;
        data += buf_bytes;
        if (__builtin_expect(desc == wrap, 0)) {
            desc = base;
            data = ring->buf;
        }
        if (__builtin_expect(frame->bufs > RX_FRAME_BUFS, 0)) {      /* nobody may send us such a one */
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
        bytes += frame->total_bytes;
        frame++;
    }
    rx_taken(ring, (uint32_t)((desc - base) / 2), (uint64_t)(frame - out), bytes);
    return (int)(frame - out);
}

/* Both qwords, each time: the NIC wrote over them, and a stale DD would be believed. */
static void refill(struct rx_ring *ring, uint32_t slots)
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

/* ---- transmit --------------------------------------------------------------------------------------------------- */

/* Frames leave a queue in order: one that is done speaks for all before it.  So the last is asked first, and if it is not
 * done, halves find the first that is not. */
static int clean(struct tx_ring *ring, uint32_t budget)
{
    uint32_t under_way = tx_under_way(ring), done = 0, most = budget < under_way ? budget : under_way;

    for (uint32_t ask = most; done < most; ask = done + (most - done + 1) / 2) {
        if (__atomic_load_n(&ring->desc[2 * tx_eop(ring, ask - 1) + 1], __ATOMIC_ACQUIRE) & TXD_STAT_DD)
            done = ask;
        else
            most = ask - 1;
    }
    if (done)
        tx_completed(ring, done);
    return (int)done;
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

static void commit(struct tx_ring *ring, uint32_t len_bytes, const struct tx_offload *off)
{
    uint32_t slot = ring->next_to_use, buf = ring_next(slot, ring->count), last = slot;
    int context = off->l4_csum || off->ip_csum || off->mss || off->vlan;
    uint32_t header = off->mss ? (uint32_t)off->l4_offset + off->l4_len_bytes : 0;
    uint64_t q1 = TXDADV_DCMD_DEXT | TXDADV_DTYP_DATA | TXDADV_DCMD_IFCS | (off->vlan ? TXDADV_DCMD_VLE : 0) |
                  (off->mss ? TXDADV_DCMD_TSE : 0) | (off->stamp ? TXDADV_MAC_TSTAMP : 0) |
                  (off->ip_csum ? TXDADV_POPTS_IXSM : 0) | (off->l4_csum ? TXDADV_POPTS_TXSM : 0) |
                  (uint64_t)(len_bytes - header) << TXDADV_PAYLEN_SHIFT;

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
    tx_described(ring, last, len_bytes);
}

/* What commit writes for a frame that asks for nothing and lies in one buffer.  RS on each, as Linux has it: with WTHRESH
 * above 0 a NIC need not report the others. */
static inline void tx_plain(uint64_t *desc, uint64_t iova, uint32_t len_bytes)
{
    const uint64_t q1 = TXDADV_DCMD_DEXT | TXDADV_DTYP_DATA | TXDADV_DCMD_IFCS | TXDADV_DCMD_EOP | TXDADV_DCMD_RS;

    desc[0] = iova;
    desc[1] = q1 | (uint64_t)len_bytes << TXDADV_PAYLEN_SHIFT | (uint64_t)len_bytes << TXDADV_DTALEN_SHIFT;
}

static inline uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Frames into neighbouring slots and buffers, none of which is the first again; how many before one that is too long. */
static inline uint32_t post_run(struct tx_ring *ring, const struct tx_piece *frames, uint32_t n)
{
    const uint32_t buf_bytes = ring->buf_bytes, first = ring->next_to_use;
    const uint64_t start = (uint64_t)ring_next(first, ring->count) * buf_bytes;
    uint64_t *desc = &ring->desc[2 * first], *sent = &ring->sent[ring->sent_to_use];
    uint8_t *place = ring->buf + start;
    uint64_t iova = ring->buf_iova + start;
    uint32_t bytes = ring->sent_bytes, i;

    for (i = 0; i < n && frames[i].len_bytes - 1 < buf_bytes; i++) {
        const uint32_t len_bytes = frames[i].len_bytes;

        tx_copy(place, frames[i].data, len_bytes);
        tx_plain(desc, iova, len_bytes);
        bytes += len_bytes;
        *sent++ = tx_note(first + i, bytes);
        desc += 2;
        place += buf_bytes;
        iova += buf_bytes;
    }
    ring->sent_bytes = bytes;
    ring->next_to_use = ring_add(first, i, ring->count);
    ring->sent_to_use = ring_add(ring->sent_to_use, i, ring->count);
    return i;
}

/* Behind each frame room is kept for the context that another could need. */
static int post_batch(struct tx_ring *ring, const struct tx_piece *frames, uint32_t n)
{
    const uint32_t count = ring->count, free = tx_room(ring), most = n < free ? n : free ? free - 1 : 0;
    uint32_t posted = 0, run, done;

    do {
        const uint32_t slot = ring->next_to_use, slots = slot + 1 < count ? count - 1 - slot : 1;

        run = least(most - posted, least(slots, count - ring->sent_to_use));
        done = post_run(ring, frames + posted, run);
        posted += done;
    } while (posted < most && done == run);
    return (int)posted;
}

/* One frame, without what only a batch pays back. */
static int post_one(struct tx_ring *ring, const uint8_t *frame, uint32_t len_bytes)
{
    uint32_t slot = ring->next_to_use, count = ring->count, buf = ring_next(slot, count), clean = ring->next_to_clean;
    uint64_t place = (uint64_t)buf * ring->buf_bytes;

    if (!tx_short(len_bytes)) {
        const struct tx_piece piece = { frame, len_bytes };

        return post_batch(ring, &piece, 1);
    }
    if (buf == clean || ring_next(buf, count) == clean)
        return 0;
    tx_copy_short(ring->buf + place, frame, len_bytes);
    tx_plain(&ring->desc[2 * slot], ring->buf_iova + place, len_bytes);
    tx_described(ring, slot, len_bytes);
    return 1;
}

static int post(struct tx_ring *ring, const struct tx_piece *frames, uint32_t n)
{
    return n == 1 ? post_one(ring, frames->data, frames->len_bytes) : post_batch(ring, frames, n);
}

static const struct ring_ops ops = {
    .ip_header_max_bytes = IP_HEADER_MAX_BYTES,
    .harvest = harvest,
    .refill = refill,
    .clean = clean,
    .commit = commit,
    .post_one = post_one,
    .post = post,
};

const struct ring_ops *const i82599_ring_ops = &ops;
