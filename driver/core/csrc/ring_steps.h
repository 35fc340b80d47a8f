/* SPDX-License-Identifier: BSD-3-Clause */
/* Steps round a ring, for those who go it slot by slot: rings.c and the families.  Inline, so that no frame pays a call;
 * cffi does not read this file.
 */

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

/* Slots that the NIC may have written to. */
static inline uint32_t rx_with_nic(const struct rx_ring *ring)
{
    return ring_distance(ring->next_to_clean, ring->next_to_use, ring->count);
}

/* The slots up to next_to_clean are ours now; so many frames lay in them. */
static inline void rx_taken(struct rx_ring *ring, uint32_t next_to_clean, uint64_t frames, uint64_t bytes)
{
    ring->next_to_clean = next_to_clean;
    ring->stats.packets += frames;
    ring->stats.bytes += bytes;
}

/* The frame that starts at next_to_clean has been sent. */
static inline void tx_completed(struct tx_ring *ring)
{
    uint32_t first = ring->next_to_clean;

    ring->stats.packets++;
    ring->stats.bytes += ring->len_of[first];
    ring->next_to_clean = ring_next(ring->eop_of[first], ring->count);
}

/* A frame has been described in the slots from next_to_use to `last`. */
static inline void tx_described(struct tx_ring *ring, uint32_t last, uint32_t len_bytes)
{
    ring->eop_of[ring->next_to_use] = last;
    ring->len_of[ring->next_to_use] = len_bytes;
    ring->next_to_use = ring_next(last, ring->count);
}
