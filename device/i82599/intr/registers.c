/* SPDX-License-Identifier: BSD-3-Clause */
/* The interrupt registers: what reads of them give and writes of them do.  intr.c holds the rest of the block. */
#include <stdint.h>
#include "desc.h"
#include "regs.h"
#include "core.h"

#define NS_PER_ITR_COUNTER 8000ull    /* Guess: the visible counter is the upper 7 of 9 bits */
#define OTHER_CAUSES (~(uint32_t)(EICR_RTX_QUEUE | EICR_OTHER))

static inline uint32_t word(const struct nic *nic, uint32_t offset)
{
    return nic->word[offset / 4];
}


static uint32_t causes(const struct intr *intr)
{
    return ((uint32_t)intr->cause_q & EICR_RTX_QUEUE) | intr->cause | (intr->cause ? EICR_OTHER : 0u);
}

/* GPIE.EIAME moves auto-masking from EICR accesses to messages. */
static void automask_by_access(struct nic *nic, uint64_t queues)
{
    if (word(nic, R_GPIE) & GPIE_EIAME)
        return;
    nic->intr.mask_q &= ~(nic->intr.automask_q & queues);
    nic->intr.mask &= ~nic->intr.automask;
}

uint32_t intr_peek(struct nic *nic, uint32_t offset)
{
    const struct intr *intr = &nic->intr;

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
    default: return word(nic, offset);
    }
}

uint32_t intr_read(struct nic *nic, uint32_t offset)
{
    uint32_t value = intr_peek(nic, offset);

    switch (offset) {
    case R_EICR:
        nic->intr.cause = 0;
        if (!(word(nic, R_GPIE) & GPIE_OCD))
            nic->intr.cause_q &= ~(uint64_t)EICR_RTX_QUEUE;
        automask_by_access(nic, EICR_RTX_QUEUE);
        break;
    case R_EICR_EX(0):
        nic->intr.cause_q &= ~(uint64_t)UINT32_MAX;
        automask_by_access(nic, UINT32_MAX);
        break;
    case R_EICR_EX(1):
        nic->intr.cause_q &= UINT32_MAX;
        automask_by_access(nic, ~(uint64_t)UINT32_MAX);
        break;
    default:
        return value;
    }
    intr_fall(nic);
    return value;
}

/* EICS: causes by software.  Those that EIAM names are unmasked with it (the datasheet's auto-mask works both ways), so
 * the watchdog's kick of a vector always ends in a message. */
static void set_causes(struct nic *nic, uint64_t queues, uint32_t others)
{
    struct intr *intr = &nic->intr;

    intr->cause_q |= queues;
    intr->cause |= others;
    intr->mask_q |= queues & intr->automask_q;
    intr->mask |= others & intr->automask;
    intr_raise(nic, queues, others, 1);
}

static void clear_causes(struct nic *nic, uint64_t queues, uint32_t others, uint64_t accessed)
{
    nic->intr.cause_q &= ~queues;
    nic->intr.cause &= ~others;
    automask_by_access(nic, accessed);
    intr_fall(nic);
}

static void unmask(struct nic *nic, uint64_t queues, uint32_t others)
{
    struct intr *intr = &nic->intr;
    uint64_t fresh_q = queues & ~intr->mask_q;
    uint32_t fresh = others & ~intr->mask;

    intr->mask_q |= queues;
    intr->mask |= others;
    intr_raise(nic, fresh_q, fresh, 0);
}

static void mask(struct nic *nic, uint64_t queues, uint32_t others)
{
    nic->intr.mask_q &= ~queues;
    nic->intr.mask &= ~others;
    intr_fall(nic);
}

/* The value of a moderation register changed.  CNT_WDIS keeps the running interval as it is. */
static void eitr_write(struct nic *nic, uint32_t vector, uint32_t value)
{
    if (vector >= NIC_VECTORS)
        return;
    if (!(value & EITR_CNT_WDIS)) {
        uint64_t counter = (value & EITR_ITR_COUNTER) / (1u << EITR_ITR_COUNTER_SHIFT);

        nic->intr.next_ns[vector] = counter ? nic_now(nic) + counter * NS_PER_ITR_COUNTER : 0;
    }
    if (nic->intr.waiting & (1ull << vector)) {
        nic->intr.deadline_ns = 0;              /* look again at the next turn */
        intr_run(nic);
    }
}

void intr_write(struct nic *nic, uint32_t offset, uint32_t value)
{
    uint64_t low = value, high = (uint64_t)value << 32, queues = value & EICR_RTX_QUEUE;
    uint32_t others = value & OTHER_CAUSES;
    struct intr *intr = &nic->intr;

    switch (offset) {
    case R_EICR: clear_causes(nic, queues, others, EICR_RTX_QUEUE); break;
    case R_EICS: set_causes(nic, queues, others); break;
    case R_EIMS: unmask(nic, queues, others); break;
    case R_EIMC: mask(nic, queues, others); break;
    case R_EIAC: intr->autoclear = word(nic, R_EIAC); break;
    case R_EIAM:
        intr->automask_q = (intr->automask_q & ~(uint64_t)EIAM_RTX_QUEUE) | queues;
        intr->automask = others;
        break;
    case R_EICR_EX(0): clear_causes(nic, low, 0, UINT32_MAX); break;
    case R_EICR_EX(1): clear_causes(nic, high, 0, ~(uint64_t)UINT32_MAX); break;
    case R_EICS_EX(0): set_causes(nic, low, 0); break;
    case R_EICS_EX(1): set_causes(nic, high, 0); break;
    case R_EIMS_EX(0): unmask(nic, low, 0); break;
    case R_EIMS_EX(1): unmask(nic, high, 0); break;
    case R_EIMC_EX(0): mask(nic, low, 0); break;
    case R_EIMC_EX(1): mask(nic, high, 0); break;
    case R_EIAM_EX(0): intr->automask_q = (intr->automask_q & ~(uint64_t)UINT32_MAX) | low; break;
    case R_EIAM_EX(1): intr->automask_q = (intr->automask_q & UINT32_MAX) | high; break;
    default:
        if (offset >= R_EITR(0) && offset <= R_EITR(23))
            eitr_write(nic, (offset - R_EITR(0)) / 4, value);
        else if (offset >= R_EITR(24) && offset <= R_EITR(128))
            eitr_write(nic, 24 + (offset - R_EITR(24)) / 4, value);
        break;
    }
}
