/* SPDX-License-Identifier: BSD-3-Clause */
/* libvfio-user.c with room for a vIOMMU's page-sized regions, and a way to end a session from our side.
 *
 * Mended: MAX_DMA_REGIONS is 16, but intel-iommu maps page by page, so a 128 KiB buffer already needs 32 regions.
 * 65536 is as many mappings as a Linux process may have by default (vm.max_map_count).
 */
#include <stdbool.h>
#include <stdint.h>

#include "dma.h"
#include "private.h"
#ifndef WITHOUT_MANY_REGIONS
#undef MAX_DMA_REGIONS
#define MAX_DMA_REGIONS 65536
#endif

#include <unistd.h>

#include "libvfio-user.h"
#include "mend.h"

/* What it closes came from a client and was refused, or was one too many. */
#define close(fd) mend_let_go(fd)
#include "libvfio-user.c"
#undef close

void mend_drop_client(vfu_ctx_t *ctx)
{
    (void)vfu_reset_ctx(ctx, ECONNRESET);
}
