/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include "dma.h"
#include "private.h"
#include "mend.h"

int mend_irq_fd(vfu_ctx_t *ctx, uint32_t vector)
{
    if (ctx->irqs == NULL || vector >= ctx->irqs->max_ivs)
        return -1;
    return ctx->irqs->efds[vector];
}
