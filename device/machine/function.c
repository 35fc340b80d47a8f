/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include "machine/clock.h"
#include "machine/trace.h"
#include "machine/dma.h"
#include "machine/irq.h"
#include "machine/regfile.h"
#include "machine/function.h"

#define NS_PER_S 1000000000ull

int function_init(struct function *function, uint32_t index, uint64_t bar0_bytes, const struct clock *clock, void *chip,
                  const struct chip_ops *ops)
{
    memset(function, 0, sizeof(*function));
    function->index = index;
    function->chip = chip;
    function->ops = ops;
    function->dma.off = DMA_OFF_MASTER;
    return regfile_init(&function->regs, bar0_bytes, clock);
}

void function_free(struct function *function)
{
    regfile_free(&function->regs);
    dma_free(&function->dma);
}

void function_reset(struct function *function, int keep)
{
    struct regfile *regs = &function->regs;

    if (regs->trace && !keep)
        trace_note(regs->trace, clock_now(regs->clock), TRACE_RESET, 0, 0, 0);
    regfile_load(regs, keep);
    function->ops->reset(function->chip, function->index);
}

/* The driver's own thread waits for a late answer here; behind a socket the connection does (device/serve). */
static void wait_for_answer(struct regfile *regs)
{
    struct timespec left = { .tv_sec = (time_t)(regs->hold_ns / NS_PER_S), .tv_nsec = (long)(regs->hold_ns % NS_PER_S) };

    regs->hold_ns = 0;
    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;                             /* ends: what is left shrinks */
}

static inline int access32(struct function *function, uint64_t offset, uint32_t *value, int is_write)
{
    int64_t rc = regfile_access(&function->regs, (uint8_t *)value, sizeof(*value), offset, is_write);

    if (rc < 0)
        return (int)rc;
    function->ops->step(function->chip);
    if (function->regs.hold_ns)
        wait_for_answer(&function->regs);
    return 0;
}

int function_read32(void *function, uint64_t offset, uint32_t *value)
{
    return access32(function, offset, value, 0);
}

int function_write32(void *function, uint64_t offset, uint32_t value)
{
    return access32(function, offset, &value, 1);
}
