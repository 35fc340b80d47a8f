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

_Static_assert((uint64_t)IP_HEADER_MAX_BYTES == TXCTX0_IPLEN >> TXCTX0_IPLEN_SHIFT, "the longest IP header a context can tell");

/* ---- receive ---------------------------------------------------------------------------------------------------- */

/* The NIC stores this qword whole and last, so one load tells everything about the slot. */
static inline uint64_t rx_writeback(const struct rx_ring *ring, uint32_t slot)
{
    return __atomic_load_n(&ring->desc[2 * slot + 1], __ATOMIC_ACQUIRE);
}

/* What the NIC found out, in the words of rings.h; the two common answers first. */
static inline uint16_t rx_flags(uint64_t q1)
{
    uint64_t seen = q1 & (RXD_STAT_VP | RXD_STAT_L4CS | RXD_ERR_TCPE | RXD_ERR_IPE);

    if (seen == RXD_STAT_L4CS)
        return RX_CSUM_GOOD;
    if (seen == 0)
        return 0;
    return (uint16_t)((seen & RXD_STAT_VP ? RX_VLAN : 0) | (seen & RXD_ERR_TCPE ? RX_L4_CSUM_BAD : 0) |
                      ((seen & ~RXD_STAT_VP) == RXD_STAT_L4CS ? RX_CSUM_GOOD : 0));
}

/* Describe the frame that starts at next_to_clean: 1, or 0 if its last buffer is not there yet. */
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
            out->flags = rx_flags(q1);
            out->vlan_tci = (uint16_t)(q1 >> RXD_VLAN_SHIFT);
            out->rss_type = (uint16_t)((q0 & RXDADV_RSSTYPE) >> RXDADV_RSSTYPE_SHIFT);
            out->packet_type = (uint16_t)((q0 & RXDADV_PKTTYPE) >> RXDADV_PKTTYPE_SHIFT);
            out->rss_hash = (uint32_t)(q0 >> RXDADV_RSS_HASH_SHIFT);
            return 1;
        }
    }
    return 0;
}

static int harvest(struct rx_ring *ring, struct rx_frame *out, uint32_t budget)
{
    uint32_t taken = 0;
    uint32_t available = rx_with_nic(ring);

    while (taken < budget && rx_one(ring, available, &out[taken])) {
        int usable = out[taken].bufs <= RX_FRAME_BUFS;   /* one that spans more, nobody may send us */

        available -= out[taken].slots;
        rx_taken(ring, &out[taken], usable);
        taken += usable;
    }
    return (int)taken;
}

static void refill(struct rx_ring *ring, uint32_t slots)
{
    uint32_t slot = ring->next_to_use;

    for (uint32_t n = 0; n < slots; n++, slot = ring_next(slot, ring->count)) {
        ring->desc[2 * slot] = ring->buf_iova + (uint64_t)slot * ring->buf_bytes;
        ring->desc[2 * slot + 1] = 0;    /* no stale DD */
    }
}

/* ---- transmit --------------------------------------------------------------------------------------------------- */

static int clean(struct tx_ring *ring, uint32_t budget)
{
    uint32_t done = 0;

    for (; done < budget && ring->next_to_clean != ring->next_to_use; done++) {
        uint32_t eop = ring->eop_of[ring->next_to_clean];

        if (!(__atomic_load_n(&ring->desc[2 * eop + 1], __ATOMIC_ACQUIRE) & TXD_STAT_DD))
            break;
        tx_completed(ring);
    }
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

static const struct ring_ops ops = {
    .ip_header_max_bytes = IP_HEADER_MAX_BYTES,
    .harvest = harvest,
    .refill = refill,
    .clean = clean,
    .commit = commit,
};

const struct ring_ops *const i82599_ring_ops = &ops;
