/* SPDX-License-Identifier: BSD-3-Clause */
/* Steps of an Rx ring that no frame should pay a call for: ring.c, and the usual way of frames (usual.c of the card).
 *
 * For C only: cffi does not read this.  Include after rx.h, machine/bytes.h and machine/dma.h.
 */

#define RX_DESC_BYTES 16
#define RX_SOON 8                     /* descriptors ahead */

/* Payload is in memory.  Software may poll DD or the length, so both appear last and together: payload before qword 0
 * before qword 1, and qword 1 in one aligned store. */
static inline void rx_publish(struct rx_desc *desc, int is_legacy, uint64_t q0, uint64_t q1)
{
    __atomic_thread_fence(__ATOMIC_RELEASE);
    if (!is_legacy)
        __atomic_store_n(&desc->q0, q0, __ATOMIC_RELAXED);
    __atomic_store_n(&desc->q1, q1, __ATOMIC_RELEASE);
}

/* A short frame in four loads before four stores, so that it may overlap itself as in memmove(). */
static inline void rx_copy(uint8_t *to, const uint8_t *from, uint32_t bytes)
{
    if (bytes >= 32 && bytes <= 64) {
        const bytes_16 *first = (const bytes_16 *)from, *last = (const bytes_16 *)(from + bytes - 32);
        const bytes_16 a = first[0], b = first[1], c = last[0], d = last[1];

        ((bytes_16 *)to)[0] = a;
        ((bytes_16 *)to)[1] = b;
        ((bytes_16 *)(to + bytes - 32))[0] = c;
        ((bytes_16 *)(to + bytes - 32))[1] = d;
    } else {
        __builtin_memmove(to, from, bytes);      /* a looped-back frame may lie in guest memory */
    }
}

/* A frame was stored, as so many bytes. */
static inline void rx_count_put(struct rx *rx, struct rxq *q, uint32_t stored)
{
    rx->count.rx_frames++;
    rx->count.rx_bytes += stored;
    q->batch_frames++;
    q->batch_bytes += stored;
}

/* Whether the queue takes frames in this batch: it is open, or can be opened now.  What a queue costs that is off, or not
 * to be reached, is the exact way's to say. */
static inline int rx_ready(struct rx *rx, uint32_t queue)
{
    const struct rxq *q = &rx->queue[queue];

    if (q->open)
        return 1;
    return !q->dma->off && !(rx->frozen[queue / 64] >> (queue % 64) & 1) && rx_ring_open(rx, queue);
}

/* Buffers that come soon are asked for now: software's core had them last, and each takes as long as a frame.  One of
 * another region is asked for when it comes. */
static inline void rx_prefetch(const struct rxq *q, uint32_t head)
{
    uint32_t soon = head + RX_SOON < q->count ? head + RX_SOON : head;
    const struct rx_desc *desc = (const struct rx_desc *)(q->ring + (uint64_t)soon * RX_DESC_BYTES);
    uint64_t inside = __atomic_load_n(&desc->q0, __ATOMIC_RELAXED) - q->near_iova;

    __builtin_prefetch((const void *)((uintptr_t)q->near_ptr + (uintptr_t)inside), 1);
}

/* A frame with nothing to cut out or put in, as it came, into one buffer, in the advanced format.  0: it cannot be done so.
 * rx.count is the caller's. */
static inline __attribute__((always_inline)) int rx_put_usual(struct rxq *q, const uint8_t *data, uint32_t bytes, uint64_t q0, uint32_t status)
{
    uint32_t head = q->head, next = head + 1 == q->count ? 0 : head + 1;
    struct rx_desc *desc = (struct rx_desc *)(q->ring + (uint64_t)head * RX_DESC_BYTES);
    uint64_t iova, inside;
    uint8_t *to;

    if (bytes > q->usual_bytes || head == q->tail)
        return 0;
    iova = __atomic_load_n(&desc->q0, __ATOMIC_RELAXED);
    inside = iova - q->near_iova;     /* below the start wraps to something huge */
    to = (uint8_t *)((uintptr_t)q->near_ptr + (uintptr_t)inside);
    if (__builtin_expect(inside >= q->near_starts || q->dma->broken, 0)) {
        to = rx_far(q, iova, bytes);
        if (!to)
            return 0;
    }
    rx_prefetch(q, head);
    q->head = next;
    q->written |= RXD_STAT_DD;
    q->batch_frames++;
    q->batch_bytes += bytes;
    rx_copy(to, data, bytes);
    rx_publish(desc, 0, q0, status | RXD_STAT_DD | RXD_STAT_EOP | (uint64_t)bytes << 32);
    return 1;
}
