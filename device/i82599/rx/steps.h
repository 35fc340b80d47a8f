/* SPDX-License-Identifier: BSD-3-Clause */
/* Steps of an Rx ring that no frame should pay a call for: ring.c, and the usual way of frames (usual.c of the card).
 *
 * For C only: cffi does not read this.  Include after rx.h and machine/dma.h.
 */

#define RX_DESC_BYTES 16
#define RX_SOON 8                     /* descriptors ahead */

/* Memory inside one region, *hit of them; NULL when it reaches out of it, which may still be legal. */
static inline uint8_t *rx_in_region(const struct dma *dma, uint32_t hit, uint64_t iova, uint64_t len_bytes, uint32_t prot)
{
    const struct dma_region *region = &dma->region[hit];
    uint64_t inside;

    if (hit >= dma->count || dma->broken)
        return NULL;
    inside = iova - region->iova;     /* below the start wraps to something huge */
    if (inside >= region->len_bytes || len_bytes > region->len_bytes - inside || (region->prot & prot) != prot)
        return NULL;
    return region->ptr + inside;
}

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
        struct { uint64_t word[4]; } head, tail;

        __builtin_memcpy(&head, from, 32);
        __builtin_memcpy(&tail, from + bytes - 32, 32);
        __builtin_memcpy(to, &head, 32);
        __builtin_memcpy(to + bytes - 32, &tail, 32);
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

/* Buffers that come soon are asked for now: software's core had them last, and each takes as long as a frame.  skew: from an
 * iova of this buffer's region to its place here; a buffer of another region is asked for when it comes. */
static inline void rx_prefetch(const struct rxq *q, uintptr_t skew)
{
    uint32_t soon = q->head + RX_SOON < q->count ? q->head + RX_SOON : q->head;
    const struct rx_desc *desc = (const struct rx_desc *)(q->ring + (uint64_t)soon * RX_DESC_BYTES);

    __builtin_prefetch((const void *)(uintptr_t)(skew + __atomic_load_n(&desc->q0, __ATOMIC_RELAXED)), 1);
}

/* A frame with nothing to cut out or put in, as it came, into one buffer, in the advanced format.  0: it cannot be done so.
 * rx.count is the caller's. */
static inline int rx_put_usual(struct rxq *q, const uint8_t *data, uint32_t bytes, uint64_t q0, uint32_t status)
{
    struct dma *dma = q->dma;
    struct rx_desc *desc;
    uint64_t iova;
    uint8_t *to;

    if (bytes > q->usual_bytes || q->head == q->tail)
        return 0;
    desc = (struct rx_desc *)(q->ring + (uint64_t)q->head * RX_DESC_BYTES);
    iova = __atomic_load_n(&desc->q0, __ATOMIC_RELAXED);
    to = rx_in_region(dma, q->hit, iova, bytes, DMA_WRITE);
    if (__builtin_expect(!to, 0)) {
        to = dma->broken ? NULL : dma_try(dma, iova, bytes, DMA_WRITE);
        if (!to)
            return 0;
        q->hit = dma->hit;
    }
    rx_prefetch(q, (uintptr_t)to - (uintptr_t)iova);
    rx_copy(to, data, bytes);
    rx_publish(desc, 0, q0, status | RXD_STAT_DD | RXD_STAT_EOP | (uint64_t)bytes << 32);
    q->written |= RXD_STAT_DD;
    if (++q->head == q->count)
        q->head = 0;
    q->batch_frames++;
    q->batch_bytes += bytes;
    return 1;
}
