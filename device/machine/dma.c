/* SPDX-License-Identifier: BSD-3-Clause */
/* DMA memory: which iova lies where in this process.
 *
 * Regions come and go with the guest's IOMMU mappings, so nothing may keep a pointer longer than one call, unless it
 * looks at dma.changes before it uses that pointer again.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "machine/dma.h"
#include "machine/guard.h"

#define REGIONS_FIRST 64

/* Index of the first region that ends after iova; count when none does. */
static uint32_t region_after(const struct dma *dma, uint64_t iova)
{
    uint32_t low = 0, high = dma->count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        const struct dma_region *region = &dma->region[mid];

        if (region->iova + (region->len_bytes - 1) < iova)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

int dma_add(void *arg, uint64_t iova, uint64_t len_bytes, void *ptr, uint32_t prot)
{
    struct dma *dma = arg;
    uint32_t at;

    if (!len_bytes || !ptr || iova > UINT64_MAX - (len_bytes - 1))
        return -EINVAL;
    if (dma->reach && iova + (len_bytes - 1) > dma->reach)
        return -EFAULT;
    at = region_after(dma, iova);
    if (at < dma->count && dma->region[at].iova <= iova + (len_bytes - 1))
        return -EEXIST;
    if (dma->count == dma->capacity) {
        uint32_t capacity = dma->capacity ? dma->capacity * 2 : REGIONS_FIRST;
        struct dma_region *region = realloc(dma->region, capacity * sizeof(*region));

        if (!region)
            return -ENOMEM;
        dma->region = region;
        dma->capacity = capacity;
    }
    memmove(&dma->region[at + 1], &dma->region[at], (dma->count - at) * sizeof(dma->region[0]));
    dma->region[at] = (struct dma_region){ .iova = iova, .len_bytes = len_bytes, .ptr = ptr, .prot = prot };
    dma->count++;
    dma->changes++;
    dma->hit = at;
    return 0;
}

int dma_del(void *arg, uint64_t iova, uint64_t len_bytes)
{
    struct dma *dma = arg;
    uint32_t from, kept, last = dma->count;

    if (!len_bytes || iova > UINT64_MAX - (len_bytes - 1))
        return -EINVAL;
    from = region_after(dma, iova);
    kept = from;
    for (uint32_t i = from; i < last; i++) {
        const struct dma_region *region = &dma->region[i];

        if (region->iova >= iova && region->iova + (region->len_bytes - 1) <= iova + (len_bytes - 1))
            continue;
        dma->region[kept++] = dma->region[i];
    }
    dma->count = kept;
    dma->changes++;
    dma->hit = 0;
    return (int)(last - kept);
}

/* For the handler (guard.h). */
static int lose(void *arg, uint8_t *at, uint8_t **map, uint64_t *map_bytes)
{
    struct dma *dma = arg;

    for (uint32_t i = 0; i < dma->count; i++) {
        struct dma_region *region = &dma->region[i];

        if (!region->map || (uint64_t)(at - region->map) >= region->map_bytes)
            continue;
        if (!dma->lost.regions++) {
            dma->lost.iova = region->iova;
            dma->lost.len_bytes = region->len_bytes;
            dma->lost.at = region->iova + (at > region->ptr ? (uint64_t)(at - region->ptr) : 0);
            dma->lost.file = region->file;
        }
        region->prot = 0;
        dma->changes++;
        dma->broken |= DMA_BROKEN_LOST;
        if (dma->alarm)
            *dma->alarm = 1;
        dma->errors++;
        *map = region->map;
        *map_bytes = region->map_bytes;
        return 1;
    }
    return 0;
}

int dma_guard(void *arg, uint64_t iova, void *map, uint64_t map_bytes, uint32_t file)
{
    struct dma *dma = arg;
    uint32_t at = region_after(dma, iova);
    int rc;

    if (at == dma->count || dma->region[at].iova != iova)
        return -ENOENT;
    rc = guard_arm();
    if (rc < 0)
        return rc;
    if (!dma->guard)
        dma->guard = guard_new(lose, dma);
    if (!dma->guard)
        return -ENOMEM;
    dma->region[at].map = map;
    dma->region[at].map_bytes = map_bytes;
    dma->region[at].file = file;
    return 0;
}

int dma_is_lost(void *arg, uint64_t iova, uint64_t len_bytes)
{
    struct dma *dma = arg;
    uint32_t at = region_after(dma, iova);

    return at < dma->count && dma->region[at].iova == iova && dma->region[at].len_bytes == len_bytes &&
           dma->region[at].map && !dma->region[at].prot;
}

void dma_turn(struct dma *dma)
{
    dma->broken &= ~DMA_BROKEN_LOST;
}

void dma_free(struct dma *dma)
{
    guard_free(dma->guard);
    dma->guard = NULL;
    free(dma->region);
    dma->region = NULL;
    dma->count = dma->capacity = dma->hit = 0;
    dma->changes++;
}

static inline int covers(const struct dma_region *region, uint64_t iova)
{
    return iova - region->iova < region->len_bytes;   /* below the start wraps to something huge */
}

static struct dma_region *region_of(struct dma *dma, uint64_t iova, uint32_t prot)
{
    uint32_t at = dma->hit;

    if (at >= dma->count || !covers(&dma->region[at], iova)) {
        at = region_after(dma, iova);
        if (at == dma->count || !covers(&dma->region[at], iova))
            return NULL;
        dma->hit = at;
    }
    return (dma->region[at].prot & prot) == prot ? &dma->region[at] : NULL;   /* lost memory has no prot */
}

/* Whether this access may not be made; a fault that is for the next ones only has one less to go. */
static inline int refused(struct dma *dma)
{
    if (__builtin_expect(!(dma->off | dma->broken), 1))
        return 0;
    if (!dma->off && dma->broken == DMA_BROKEN_NEXT && !--dma->fail_next)
        dma->broken = 0;
    return 1;
}

void *dma_try(struct dma *dma, uint64_t iova, uint64_t len_bytes, uint32_t prot)
{
    struct dma_region *region = refused(dma) ? NULL : region_of(dma, iova, prot);

    if (!region || len_bytes > region->len_bytes - (iova - region->iova))
        return NULL;
    return region->ptr + (iova - region->iova);
}

void *dma_ptr(struct dma *dma, uint64_t iova, uint64_t len_bytes, uint32_t prot)
{
    void *at = dma_try(dma, iova, len_bytes, prot);

    dma->errors += !at;
    return at;
}

/* Neighbours in iova need not be neighbours in this process, so a copy goes region by region. */
static int copy(struct dma *dma, uint64_t iova, uint8_t *buf, uint64_t len_bytes, uint32_t prot)
{
    while (len_bytes) {
        struct dma_region *region = refused(dma) ? NULL : region_of(dma, iova, prot);
        uint64_t inside, part;

        if (!region) {
            dma->errors++;
            return -EFAULT;
        }
        inside = iova - region->iova;
        part = region->len_bytes - inside;
        if (part > len_bytes)
            part = len_bytes;
        if (prot == DMA_WRITE)
            memmove(region->ptr + inside, buf, part);   /* a frame looped back by the MAC lies in guest memory too */
        else
            memcpy(buf, region->ptr + inside, part);
        buf += part;
        iova += part;
        len_bytes -= part;
        if (len_bytes && !iova) {     /* ran off the end of the address space */
            dma->errors++;
            return -EFAULT;
        }
    }
    /* The last piece may have gone away while it was copied; it was counted then. */
    return *(const volatile uint32_t *)&dma->broken ? -EFAULT : 0;
}

int dma_copy_out(struct dma *dma, uint64_t iova, const void *src, uint64_t len_bytes)
{
    return copy(dma, iova, (uint8_t *)(uintptr_t)src, len_bytes, DMA_WRITE);
}

int dma_copy_in(struct dma *dma, void *dst, uint64_t iova, uint64_t len_bytes)
{
    return copy(dma, iova, dst, len_bytes, DMA_READ);
}
