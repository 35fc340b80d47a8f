/* SPDX-License-Identifier: BSD-3-Clause */
/* Steps round a ring, for those who go it slot by slot: rings.c and the families.  Inline, so that no frame pays a call;
 * cffi does not read this file.
 */
#include <string.h>

#define TX_SHORT_BYTES 64

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

static inline uint32_t tx_room(const struct tx_ring *ring)
{
    return ring->count - 1 - ring_distance(ring->next_to_clean, ring->next_to_use, ring->count);
}

/* Most frames are short, and those are not worth a call: their first and their last half, which may overlap. */
static inline int tx_short(uint32_t len_bytes)
{
    return len_bytes - TX_SHORT_BYTES / 2 <= TX_SHORT_BYTES / 2;
}

static inline void tx_copy_short(uint8_t *place, const uint8_t *frame, uint32_t len_bytes)
{
    uint32_t behind = len_bytes - TX_SHORT_BYTES / 2;

    if (frame == place)
        return;
    memcpy(place, frame, TX_SHORT_BYTES / 2);
    memcpy(place + behind, frame + behind, TX_SHORT_BYTES / 2);
}

/* A frame into its place, unless it lies there. */
static inline void tx_copy(uint8_t *place, const uint8_t *frame, uint32_t len_bytes)
{
    if (__builtin_expect(tx_short(len_bytes), 1))
        tx_copy_short(place, frame, len_bytes);
    else if (frame != place)
        memcpy(place, frame, len_bytes);
}

/* Put a frame on the list of those under way.  The list has room for one a slot. */
static inline uint64_t tx_note(uint32_t eop, uint32_t sent_bytes)
{
    return (uint64_t)sent_bytes << 32 | eop;
}

/* A frame has been described in the slots from next_to_use to `last`. */
static inline void tx_described(struct tx_ring *ring, uint32_t last, uint32_t len_bytes)
{
    ring->sent_bytes += len_bytes;
    ring->sent[ring->sent_to_use] = tx_note(last, ring->sent_bytes);
    ring->sent_to_use = ring_next(ring->sent_to_use, ring->count);
    ring->next_to_use = ring_next(last, ring->count);
}

static inline uint32_t tx_under_way(const struct tx_ring *ring)
{
    return ring_distance(ring->sent_to_clean, ring->sent_to_use, ring->count);
}

/* Last slot of the frame that has n before it on the list. */
static inline uint32_t tx_eop(const struct tx_ring *ring, uint32_t n)
{
    return (uint32_t)ring->sent[ring_add(ring->sent_to_clean, n, ring->count)];
}

/* The first n frames of the list, one at least, have been sent. */
static inline void tx_completed(struct tx_ring *ring, uint32_t n)
{
    uint64_t note = ring->sent[ring_add(ring->sent_to_clean, n - 1, ring->count)];

    ring->stats.packets += n;
    ring->stats.bytes += (uint32_t)(note >> 32) - ring->cleaned_bytes;
    ring->cleaned_bytes = (uint32_t)(note >> 32);
    ring->next_to_clean = ring_next((uint32_t)note, ring->count);
    ring->sent_to_clean = ring_add(ring->sent_to_clean, n, ring->count);
}
