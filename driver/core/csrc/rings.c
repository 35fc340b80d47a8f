/* SPDX-License-Identifier: BSD-3-Clause */
/* Descriptor rings, from the driver's side.
 *
 * Who owns what.  The NIC owns the descriptors from its head up to, but not including, the tail register; we own the rest.
 * One slot always stays ours: a tail equal to the head would mean "nothing here", not "everything here".
 * A descriptor changes hands twice: to the NIC by the tail write, back to us by a bit in it that the family knows.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include "mmio.h"
#include "rings.h"
#include "ring_steps.h"
#include "ring_lock.h"

#define RX_REFILL_BATCH 32
#define RX_REFILL_TRAPPED 128        /* where the tail write is a message: a system call here, two there */
#define TX_PIECES 64

_Static_assert(RING_EINVAL == EINVAL && RING_EAGAIN == EAGAIN, "what rings.h tells Python");

/* ---- receive ---------------------------------------------------------------------------------------------------- */

int rx_harvest(struct rx_ring *ring, struct rx_frame *out, uint32_t budget)
{
    return ring->ops->harvest(ring, out, budget);
}

int rx_refill(struct rx_ring *ring)
{
    /* Ours are the slots from next_to_use round to next_to_clean; one of them stays empty. */
    uint32_t ours = ring->count - 1 - rx_with_nic(ring);

    if (ours < RX_REFILL_BATCH && ours < ring->count / 4)
        return 0;
    if (ours < RX_REFILL_TRAPPED && ours < ring->count / 4 && !mmio_is_mapped(ring->bar, ring->tail_offset))
        return 0;
    ring->ops->refill(ring, ours);
    ring->next_to_use = ring_add(ring->next_to_use, ours, ring->count);
    atomic_thread_fence(memory_order_release);   /* descriptors before the tail that gives them away */
    mmio_write32(ring->bar, ring->tail_offset, ring->next_to_use);
    return (int)ours;
}

/* ---- transmit --------------------------------------------------------------------------------------------------- */

uint32_t tx_free(const struct tx_ring *ring)
{
    return tx_room(ring);
}

int tx_clean(struct tx_ring *ring, uint32_t budget, uint64_t now_ns)
{
    struct ring_lock *lock = ring->lock;
    int done;

    ring_lock(lock);
    done = ring->ops->clean(ring, budget);
    if (done || ring->next_to_clean == ring->next_to_use)
        ring->stuck_ns = 0;
    else if (!ring->stuck_ns)
        ring->stuck_ns = now_ns;
    ring_unlock(lock);
    return done;
}

static inline uint32_t tx_buffers(const struct tx_ring *ring, uint32_t len_bytes)
{
    return (len_bytes + ring->buf_bytes - 1) / ring->buf_bytes;
}

/* Whether anything is left of the frame behind the headers that every segment gets; without segments, whether there is a frame. */
static inline int tx_sensible(uint32_t len_bytes, const struct tx_offload *off)
{
    uint32_t header = off->mss ? (uint32_t)off->l4_offset + off->l4_len_bytes : 0;

    return header < len_bytes;
}

/* Describe a frame that already lies in the buffers after next_to_use.  The buffers a frame uses are numbered one past the
 * slot it starts at, so that a context descriptor, needed or not, never moves them. */
int tx_commit(struct tx_ring *ring, uint32_t len_bytes, const struct tx_offload *off)
{
    if (!tx_sensible(len_bytes, off))
        return -EINVAL;
    if (tx_free(ring) < tx_buffers(ring, len_bytes) + 1)
        return -EAGAIN;
    ring->ops->commit(ring, len_bytes, off);
    return 1;
}

/* By commit: the frame asks for something, is long, or the family has no quicker way. */
static int tx_post_any(struct tx_ring *ring, const uint8_t *frame, uint32_t len_bytes, const struct tx_offload *off)
{
    uint32_t buf = ring_next(ring->next_to_use, ring->count);

    if (tx_room(ring) < tx_buffers(ring, len_bytes) + 1) {
        ring->stats.busy++;
        return -EAGAIN;
    }
    if (!tx_sensible(len_bytes, off))
        return -EINVAL;
    for (uint32_t at = 0; at < len_bytes; buf = ring_next(buf, ring->count)) {
        uint32_t part = len_bytes - at < ring->buf_bytes ? len_bytes - at : ring->buf_bytes;
        uint8_t *place = ring->buf + (uint64_t)buf * ring->buf_bytes;

        if (place != frame + at)
            memcpy(place, frame + at, part);
        at += part;
    }
    ring->ops->commit(ring, len_bytes, off);
    return 1;
}

static const struct tx_offload no_offload;

int tx_post_many(struct tx_ring *ring, const struct tx_piece *frames, uint32_t n)
{
    uint32_t posted = 0;
    int rc = 0;

    while (posted < n && rc >= 0) {
        if (ring->ops->post != NULL)
            posted += (uint32_t)ring->ops->post(ring, frames + posted, n - posted);
        if (posted < n) {                /* too long for one buffer, empty, or there is no room: this says which */
            rc = tx_post_any(ring, frames[posted].data, frames[posted].len_bytes, &no_offload);
            posted += rc > 0;
        }
    }
    return posted || rc == -EAGAIN ? (int)posted : rc;
}

int tx_post_packed(struct tx_ring *ring, const uint8_t *frames, const uint32_t *len_bytes, uint32_t n)
{
    struct tx_piece piece[TX_PIECES];
    uint32_t posted = 0;

    while (posted < n) {
        uint32_t ready = 0;
        int rc;

        for (; ready < TX_PIECES && posted + ready < n; ready++) {
            piece[ready] = (struct tx_piece){ frames, len_bytes[posted + ready] };
            frames += len_bytes[posted + ready];
        }
        rc = tx_post_many(ring, piece, ready);
        if (rc < 0)
            return posted ? (int)posted : rc;
        posted += (uint32_t)rc;
        if ((uint32_t)rc < ready)
            break;
    }
    return (int)posted;
}

uint8_t *tx_place(const struct tx_ring *ring, uint32_t n)
{
    return ring->buf + (uint64_t)ring_add(ring->next_to_use, n + 1, ring->count) * ring->buf_bytes;
}

int tx_post(struct tx_ring *ring, const uint8_t *frame, uint32_t len_bytes, const struct tx_offload *off)
{
    if (off == NULL && ring->ops->post_one != NULL && ring->ops->post_one(ring, frame, len_bytes))
        return 1;
    return tx_post_any(ring, frame, len_bytes, off ? off : &no_offload);
}

void tx_flush(struct tx_ring *ring)
{
    if (ring->tail_written == ring->next_to_use)
        return;
    ring->tail_written = ring->next_to_use;
    atomic_thread_fence(memory_order_release);   /* descriptors and payload before the tail that gives them away */
    mmio_write32(ring->bar, ring->tail_offset, ring->next_to_use);
}
