/* SPDX-License-Identifier: BSD-3-Clause */
/* The interrupt registers: what reads of them give and writes of them do.  intr.c holds the rest of the block. */
#include <stdint.h>
#include "regs.h"
#include "machine/clock.h"
#include "machine/irq.h"
#include "machine/regfile.h"
#include "i82599/chip.h"
#include "i82599/intr/intr.h"

#define NS_PER_ITR_COUNTER 8000ull    /* Guess: the visible counter is the upper 7 of 9 bits */
#define OTHER_CAUSES (~(uint32_t)(EICR_RTX_QUEUE | EICR_OTHER))

static uint32_t causes(const struct intr *intr)
{
    return ((uint32_t)intr->cause_q & EICR_RTX_QUEUE) | intr->cause | (intr->cause ? EICR_OTHER : 0u);
}

/* GPIE.EIAME moves auto-masking from EICR accesses to messages. */
static void automask_by_access(struct intr *intr, uint64_t queues)
{
    if (reg(intr->regs, R_GPIE) & GPIE_EIAME)
        return;
    intr->mask_q &= ~(intr->automask_q & queues);
    intr->mask &= ~intr->automask;
}

uint32_t intr_peek(void *arg, uint32_t offset)
{
    const struct intr *intr = arg;

    switch (offset) {
    case R_EICR:
    case R_EICS: return causes(intr);
    case R_EIMS:
    case R_EIMC: return ((uint32_t)intr->mask_q & EIMS_RTX_QUEUE) | intr->mask;
    case R_EIAC: return intr->autoclear;
    case R_EIAM: return ((uint32_t)intr->automask_q & EIAM_RTX_QUEUE) | intr->automask;
    case R_EICR_EX(0):
    case R_EICS_EX(0): return (uint32_t)intr->cause_q;
    case R_EICR_EX(1):
    case R_EICS_EX(1): return (uint32_t)(intr->cause_q >> 32);
    case R_EIMS_EX(0):
    case R_EIMC_EX(0): return (uint32_t)intr->mask_q;
    case R_EIMS_EX(1):
    case R_EIMC_EX(1): return (uint32_t)(intr->mask_q >> 32);
    case R_EIAM_EX(0): return (uint32_t)intr->automask_q;
    case R_EIAM_EX(1): return (uint32_t)(intr->automask_q >> 32);
    default: return reg(intr->regs, offset);
    }
}

uint32_t intr_read(void *arg, uint32_t offset)
{
    struct intr *intr = arg;
    uint32_t value = intr_peek(intr, offset);

    switch (offset) {
    case R_EICR:
        intr->cause = 0;
        if (!(reg(intr->regs, R_GPIE) & GPIE_OCD))
            intr->cause_q &= ~(uint64_t)EICR_RTX_QUEUE;
        automask_by_access(intr, EICR_RTX_QUEUE);
        break;
    case R_EICR_EX(0):
        intr->cause_q &= ~(uint64_t)UINT32_MAX;
        automask_by_access(intr, UINT32_MAX);
        break;
    case R_EICR_EX(1):
        intr->cause_q &= UINT32_MAX;
        automask_by_access(intr, ~(uint64_t)UINT32_MAX);
        break;
    default:
        return value;
    }
    intr_fall(intr);
    return value;
}

/* EICS: causes by software.  Those that EIAM names are unmasked with it (the datasheet's auto-mask works both ways), so
 * the watchdog's kick of a vector always ends in a message.  GPIE.EIMEN: it does not wait for EITR. */
static void set_causes(struct intr *intr, uint64_t queues, uint32_t others)
{

    intr->cause_q |= queues;
    intr->cause |= others;
    intr->mask_q |= queues & intr->automask_q;
    intr->mask |= others & intr->automask;
    intr_raise(intr, queues, others, (reg(intr->regs, R_GPIE) & GPIE_EIMEN) != 0);
}

static void clear_causes(struct intr *intr, uint64_t queues, uint32_t others, uint64_t accessed)
{
    intr->cause_q &= ~queues;
    intr->cause &= ~others;
    automask_by_access(intr, accessed);
    intr_fall(intr);
}

static void unmask(struct intr *intr, uint64_t queues, uint32_t others)
{
    uint64_t fresh_q = queues & ~intr->mask_q;
    uint32_t fresh = others & ~intr->mask;

    intr->mask_q |= queues;
    intr->mask |= others;
    intr_raise(intr, fresh_q, fresh, 0);
}

static void mask(struct intr *intr, uint64_t queues, uint32_t others)
{
    intr->mask_q &= ~queues;
    intr->mask &= ~others;
    intr_fall(intr);
}

/* The value of a moderation register changed.  CNT_WDIS keeps the running interval as it is. */
static void eitr_write(struct intr *intr, uint32_t vector, uint32_t value)
{
    if (vector >= INTR_VECTORS)
        return;
    if (!(value & EITR_CNT_WDIS)) {
        uint64_t counter = (value & EITR_ITR_COUNTER) / (1u << EITR_ITR_COUNTER_SHIFT);

        intr->next_ns[vector] = counter ? clock_now(intr->clock) + counter * NS_PER_ITR_COUNTER : 0;
    }
    if (intr->waiting & (1ull << vector)) {
        intr->deadline_ns = 0;              /* look again at the next turn */
        intr_run(intr);
    }
}

void intr_write(void *arg, uint32_t offset, uint32_t old, uint32_t seen, uint32_t value)
{
    struct intr *intr = arg;
    uint64_t low = value, high = (uint64_t)value << 32, queues = value & EICR_RTX_QUEUE;
    uint32_t others = value & OTHER_CAUSES;

    (void)old;
    (void)seen;

    switch (offset) {
    case R_EICR: clear_causes(intr, queues, others, EICR_RTX_QUEUE); break;
    case R_EICS: set_causes(intr, queues, others); break;
    case R_EIMS: unmask(intr, queues, others); break;
    case R_EIMC: mask(intr, queues, others); break;
    case R_EIAC: intr->autoclear = reg(intr->regs, R_EIAC); break;
    case R_EIAM:
        intr->automask_q = (intr->automask_q & ~(uint64_t)EIAM_RTX_QUEUE) | queues;
        intr->automask = others;
        break;
    case R_TCPTIMER:
        if (intr_timer_write(intr, value))
            intr_cause(intr, EICR_TCP_TIMER);
        break;
    case R_EICR_EX(0): clear_causes(intr, low, 0, UINT32_MAX); break;
    case R_EICR_EX(1): clear_causes(intr, high, 0, ~(uint64_t)UINT32_MAX); break;
    case R_EICS_EX(0): set_causes(intr, low, 0); break;
    case R_EICS_EX(1): set_causes(intr, high, 0); break;
    case R_EIMS_EX(0): unmask(intr, low, 0); break;
    case R_EIMS_EX(1): unmask(intr, high, 0); break;
    case R_EIMC_EX(0): mask(intr, low, 0); break;
    case R_EIMC_EX(1): mask(intr, high, 0); break;
    case R_EIAM_EX(0): intr->automask_q = (intr->automask_q & ~(uint64_t)UINT32_MAX) | low; break;
    case R_EIAM_EX(1): intr->automask_q = (intr->automask_q & UINT32_MAX) | high; break;
    default:
        if (offset >= R_EITR(0) && offset <= R_EITR(23))
            eitr_write(intr, (offset - R_EITR(0)) / 4, value);
        else if (offset >= R_EITR(24) && offset <= R_EITR(128))
            eitr_write(intr, 24 + (offset - R_EITR(24)) / 4, value);
        break;
    }
}
