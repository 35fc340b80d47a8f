/* SPDX-License-Identifier: BSD-3-Clause */
/* dma.c with the unmap rule of the kernel's VFIO, and without an open file per region.
 *
 * Mended, 1: the library removes a region only on an exact match.  A VMM's IOMMU listener follows the kernel instead:
 * an unmap takes every region inside its range, and a range that holds none is fine.  With exact matches a guest that
 * reboots, rebinds or loses its driver leaves old regions behind, and DMA goes to the wrong pages without a word.
 *
 * Mended, 2: a mapping does not need its file descriptor.  One kept per region runs into RLIMIT_NOFILE, and then
 * recvmsg() loses descriptors and the connection.  So it is closed once mapped; region->fd keeps a fingerprint of the
 * file (never -1, which means "no file") to recognise a repeated map.
 *
 * Mended, 3: a repeated map is not always a no-op.  Memory that went away under us (guard.h) is empty pages by now, so
 * it is unmapped and mapped anew, as if the client had asked for both.
 *
 * Mended, 4: the table of regions is written only as far as it is used, when it is made and when a client goes.  It is
 * 5 MB, one for each of 64 functions, and few clients have more than a hundred regions.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "dma.h"
#include "private.h"

static int mend_close(int fd);

#define dma_controller_remove_region lib_remove_region
#define dma_controller_add_region lib_add_region
#define dma_controller_create lib_create
#define dma_controller_remove_all_regions lib_remove_all
#define close mend_close
#include "dma.c"
#undef close
#undef dma_controller_create
#undef dma_controller_remove_all_regions
#undef dma_controller_add_region
#undef dma_controller_remove_region

#include "mend.h"

dma_controller_t *dma_controller_create(vfu_ctx_t *vfu_ctx, size_t max_regions, size_t max_size)
{
    dma_controller_t *dma = calloc(1, offsetof(dma_controller_t, regions) + max_regions * sizeof(dma->regions[0]));

    if (dma == NULL)
        return NULL;
    dma->vfu_ctx = vfu_ctx;
    dma->max_regions = (int)max_regions;
    dma->max_size = max_size;
    return dma;
}

/* The library clears what the table might hold; behind the last region nothing has been left. */
void dma_controller_remove_all_regions(dma_controller_t *dma, vfu_dma_unregister_cb_t *dma_unregister, void *data)
{
    int most = dma->max_regions;

    dma->max_regions = dma->nregions;
    lib_remove_all(dma, dma_unregister, data);
    dma->max_regions = most;
}

#ifdef WITHOUT_FD_CLOSE
static int mend_close(int fd)
{
    return close(fd);
}
#else
/* Stands in for dma.c's close().  What it closes is a fingerprint, or (after a failed mmap) an fd its caller closes too. */
static int mend_close(int fd)
{
    (void)fd;
    return 0;
}

static int fingerprint(const struct stat *st)
{
    uint64_t mix = ((uint64_t)st->st_ino * 0x9E3779B97F4A7C15u) ^ ((uint64_t)st->st_dev * 0xC2B2AE3D27D4EB4Fu);

    return (int)((mix ^ mix >> 32) & INT_MAX);
}
#endif

int dma_controller_add_region(dma_controller_t *dma, vfu_dma_addr_t dma_addr, size_t size, int fd, off_t offset,
                              uint32_t prot)
{
    struct stat st = {0};
    uintptr_t iova = (uintptr_t)dma_addr;
    int idx;

    if (size == 0 || iova + (size - 1) < iova || offset < 0)
        return ERROR_INT(EINVAL);
    if (glue_memory_refused(dma->vfu_ctx, (uint64_t)iova, size))
        return ERROR_INT(EFAULT);
    if (fd != -1) {
        if (glue_file(dma->vfu_ctx, (uint64_t)iova, size, fd) != 0 || fstat(fd, &st) != 0)
            return -1;
        /* Touching a mapping behind the end of its file is SIGBUS: our death by somebody else's mistake. */
        if (S_ISREG(st.st_mode) && (st.st_size < offset || (uint64_t)(st.st_size - offset) < size))
            return ERROR_INT(EINVAL);
        /* The library maps round_up(size) from round_down(offset): too little if the range straddles a big page. */
        if (st.st_blksize > 0 && (uint64_t)offset % st.st_blksize != 0 &&
            (uint64_t)offset % st.st_blksize + size > ROUND_UP(size, (size_t)MAX(st.st_blksize, getpagesize())))
            return ERROR_INT(EINVAL);
    }
    glue_memory(dma->vfu_ctx, (uint64_t)iova, size, prot, fd, fd == -1 ? NULL : &st);
#ifdef WITHOUT_FD_CLOSE
    return lib_add_region(dma, dma_addr, size, fd, offset, prot);
#else
    for (idx = 0; idx < dma->nregions; idx++) {
        dma_memory_region_t *region = &dma->regions[idx];

        if (region->info.iova.iov_base != dma_addr || region->info.iova.iov_len != size)
            continue;
        if (region->offset != offset || region->info.prot != prot || region->fd != (fd == -1 ? -1 : fingerprint(&st)))
            return ERROR_INT(EEXIST);
        if (glue_memory_lost(dma->vfu_ctx, (uint64_t)iova, size)) {
            if (dma_controller_remove_region(dma, dma_addr, size, dma->vfu_ctx->dma_unregister, dma->vfu_ctx) != 0)
                return -1;
            break;
        }
        if (fd != -1)
            close(fd);
        return idx;
    }
    idx = lib_add_region(dma, dma_addr, size, fd, offset, prot);
    if (idx >= 0 && fd != -1) {
        close(fd);
        dma->regions[idx].fd = fingerprint(&st);
    }
    return idx;
#endif
}

#ifndef WITHOUT_RANGE_UNMAP
int dma_controller_remove_region(dma_controller_t *dma, vfu_dma_addr_t dma_addr, size_t size,
                                 vfu_dma_unregister_cb_t *dma_unregister, void *data)
{
    uintptr_t first = (uintptr_t)dma_addr;
    uintptr_t last = first + (size - 1);
    int from, to = 0;

    /* 2^64 bytes from 0 are written as size 0. */
    if (size == 0 && first != 0)
        return ERROR_INT(EINVAL);
    if (last < first)
        last = UINTPTR_MAX;

    /* Like type1 v2, refuse to cut a region in two. */
    for (from = 0; from < dma->nregions; from++) {
        uintptr_t start = (uintptr_t)dma->regions[from].info.iova.iov_base;
        uintptr_t end = start + (dma->regions[from].info.iova.iov_len - 1);

        if (start <= last && end >= first && (start < first || end > last))
            return ERROR_INT(EINVAL);
    }
    for (from = 0; from < dma->nregions; from++) {
        dma_memory_region_t *region = &dma->regions[from];
        uintptr_t start = (uintptr_t)region->info.iova.iov_base;

        if (start < first || start > last) {
            if (to != from)
                dma->regions[to] = *region;
            to++;
            continue;
        }
        if (dma_unregister != NULL) {
            dma->vfu_ctx->in_cb = CB_DMA_UNREGISTER;
            dma_unregister(data, &region->info);
            dma->vfu_ctx->in_cb = CB_NONE;
        }
        if (region->info.vaddr != NULL)
            dma_controller_unmap_region(dma, region);
    }
    /* The lookup hint may point behind the last region: leave nothing there that looks mapped. */
    memset(&dma->regions[to], 0, (size_t)(dma->nregions - to) * sizeof(dma->regions[0]));
    dma->nregions = to;
    return 0;
}
#else
int dma_controller_remove_region(dma_controller_t *dma, vfu_dma_addr_t dma_addr, size_t size,
                                 vfu_dma_unregister_cb_t *dma_unregister, void *data)
{
    return lib_remove_region(dma, dma_addr, size, dma_unregister, data);
}
#endif

int mend_dma_regions(vfu_ctx_t *ctx)
{
    return ctx->dma == NULL ? 0 : ctx->dma->nregions;
}
