/* SPDX-License-Identifier: BSD-3-Clause */
/* The 82599's transmit descriptors, and all that its rings do: 16 bytes each, advanced format; DD says that one is ours again.
 *
 * Ref: 82599 datasheet, transmit descriptor queue structure.
 */
#include <stdint.h>
#include "rings.h"
#include "ring_steps.h"
#include "descriptors.h"
#include "../../../device/regs/i82599/regs.h"

#define IP_HEADER_MAX_BYTES 511

_Static_assert((uint64_t)IP_HEADER_MAX_BYTES == TXCTX0_IPLEN >> TXCTX0_IPLEN_SHIFT, "the longest IP header a context can tell");

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

#define OPS_BUT_HARVEST \
    .ip_header_max_bytes = IP_HEADER_MAX_BYTES, .refill = i82599_refill, \
    .clean = clean, .commit = commit, .post_one = post_one, .post = post

static const struct ring_ops ops = { .harvest = i82599_harvest, OPS_BUT_HARVEST };
static const struct ring_ops rsc_ops = { .harvest = i82599_harvest_rsc, OPS_BUT_HARVEST };

const struct ring_ops *const i82599_ring_ops = &ops;
const struct ring_ops *const i82599_rsc_ring_ops = &rsc_ops;
