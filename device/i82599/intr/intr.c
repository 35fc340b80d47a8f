/* SPDX-License-Identifier: BSD-3-Clause */
/* Causes, masks, moderation, and the way to a message or a line.
 *
 * Causes live in two words: cause_q has one bit per queue vector (EICR_EX; its low 16 are EICR's), cause has the other
 * causes (EICR[30:16]).  A cause latches whatever the mask says; what is latched and unmasked is pending and belongs to
 * a vector.  A vector with something pending sends at once or, when EITR forbids it, at next_ns.
 * In legacy ways (INTx, MSI, or MSI-X without GPIE.MSIX_MODE) there is one vector, 0.
 * Ref: 82599 datasheet, "Interrupts"; facts the Linux driver relies on are named where they are obeyed.
 */
#include <stdint.h>
#include "desc.h"
#include "regs.h"
#include "core.h"

#define NS_PER_ITR 2000ull            /* EITR interval unit at 10 Gb/s */
#define OTHER_CAUSES (~(uint32_t)(EICR_RTX_QUEUE | EICR_OTHER))
#define IVAR_VALID IVAR_RX0_VALID     /* one byte of IVAR or IVAR_MISC */
#define IVAR_VECTOR IVAR_RX0
#define LEGACY_QUEUE_BITS 16u

static inline uint64_t bit(uint32_t vector)
{
    return 1ull << vector;
}

static inline uint32_t word(const struct nic *nic, uint32_t offset)
{
    return nic->word[offset / 4];
}

/* One vector per cause?  Before PCI has chosen a kind of interrupt the driver's own setting counts. */
static inline int per_vector(const struct nic *nic)
{
    return (nic->irq_mode == IRQ_MSIX || nic->irq_mode == IRQ_NONE) && (word(nic, R_GPIE) & GPIE_MSIX_MODE);
}

static inline int ivar_misc_is(const struct nic *nic, uint32_t byte, uint32_t vector)
{
    uint32_t entry = word(nic, R_IVAR_MISC) >> (8 * byte);

    return (entry & IVAR_VALID) && (entry & IVAR_VECTOR) == vector;
}

/* Which of EICR[30:16] are told by this vector. */
static uint32_t others_of(const struct nic *nic, uint32_t vector)
{
    uint32_t causes = 0;

    if (!per_vector(nic))
        return OTHER_CAUSES;
    if (ivar_misc_is(nic, 0, vector))
        causes |= EICR_TCP_TIMER;
    if (ivar_misc_is(nic, 1, vector))
        causes |= OTHER_CAUSES & ~(uint32_t)EICR_TCP_TIMER;
    return causes;
}

static inline uint64_t queues_of(const struct nic *nic, uint32_t vector)
{
    return per_vector(nic) ? bit(vector) : EICR_RTX_QUEUE;
}

static int pending(const struct nic *nic, uint32_t vector)
{
    const struct intr *intr = &nic->intr;

    return (intr->cause_q & intr->mask_q & queues_of(nic, vector)) ||
           (intr->cause & intr->mask & others_of(nic, vector));
}

static inline uint64_t interval_ns(const struct nic *nic, uint32_t vector)
{
    uint32_t eitr = word(nic, R_EITR(vector));

    return (eitr & EITR_ITR_INTERVAL) / (1u << EITR_ITR_INTERVAL_SHIFT) * NS_PER_ITR;
}

/* A message went out: causes that EIAC names are done with, and GPIE.EIAME masks what the message told.
 * Vectors above 15 have no EIAC bit the driver could set, so theirs always clear.  A vector that also tells other
 * causes keeps the two apart: Linux re-arms those through EIMS only, so they never touch EIMS_EX bits. */
static void sent(struct nic *nic, uint32_t vector)
{
    struct intr *intr = &nic->intr;
    uint64_t told_q = intr->cause_q & intr->mask_q & queues_of(nic, vector);
    uint32_t told = intr->cause & intr->mask & others_of(nic, vector);

    if (nic->irq_mode != IRQ_MSIX)
        return;
    intr->cause_q &= ~(told_q & (~(uint64_t)EICR_RTX_QUEUE | intr->autoclear));
    intr->cause &= ~(told & intr->autoclear);
    if (word(nic, R_GPIE) & GPIE_EIAME) {
        intr->mask_q &= ~(told_q & intr->automask_q);
        intr->mask &= ~(told & intr->automask);
    }
}

static void wait_for(struct nic *nic, uint32_t vector)
{
    struct intr *intr = &nic->intr;

    if (!(intr->waiting & bit(vector)))
        nic->count.irqs_moderated++;
    intr->waiting |= bit(vector);
    if (intr->next_ns[vector] < intr->deadline_ns)
        intr->deadline_ns = intr->next_ns[vector];
}

static int send(struct nic *nic, uint32_t vector)
{
    struct intr *intr = &nic->intr;

    if (nic->irq_mode == IRQ_INTX) {
        if (intr->level)
            return 0;
        if (!nic->intx_level || nic->intx_level(nic->irq_arg, 1) < 0)
            return -1;
        intr->level = 1;
        return 0;
    }
    if (nic->irq_mode == IRQ_NONE || !nic->irq_send)
        return -1;
    return nic->irq_send(nic->irq_arg, vector);
}

/* Something is pending on the vector; soft: because EICS said so.  When the world cannot take a message the causes stay
 * latched: the next event, unmasking, or intr_mode() tries again. */
static void fire(struct nic *nic, uint32_t vector, int soft)
{
    struct intr *intr = &nic->intr;
    uint64_t interval = interval_ns(nic, vector), now = 0;

    if (nic->irq_mode == IRQ_INTX && intr->level)
        return;
    if (interval) {
        now = nic_now(nic);
        if (now < intr->next_ns[vector] && !(soft && (word(nic, R_GPIE) & GPIE_EIMEN))) {
            wait_for(nic, vector);
            return;
        }
    }
    intr->waiting &= ~bit(vector);
    if (send(nic, vector) < 0)
        return;
    nic->count.irqs++;
    intr->next_ns[vector] = now + interval;
    sent(nic, vector);
}

/* INTx goes down by itself as soon as nothing is pending. */
void intr_fall(struct nic *nic)
{
    if (nic->intr.level && !(nic->irq_mode == IRQ_INTX && pending(nic, 0))) {
        nic->intr.level = 0;
        if (nic->intx_level)
            nic->intx_level(nic->irq_arg, 0);
    }
}

/* These causes were just latched, or unmasked while latched. */
void intr_raise(struct nic *nic, uint64_t queues, uint32_t others, int soft)
{
    struct intr *intr = &nic->intr;
    uint64_t vectors = queues & intr->cause_q & intr->mask_q;

    others &= intr->cause & intr->mask;
    if (!per_vector(nic)) {
        if ((vectors & EICR_RTX_QUEUE) || others)
            fire(nic, 0, soft);
        return;
    }
    if (others) {
        uint32_t misc = word(nic, R_IVAR_MISC);

        if (ivar_misc_is(nic, 0, misc & IVAR_MISC_TCP_TIMER) && (others & EICR_TCP_TIMER))
            vectors |= bit(misc & IVAR_MISC_TCP_TIMER);
        misc = (misc & IVAR_MISC_OTHER) >> IVAR_MISC_OTHER_SHIFT;
        if (ivar_misc_is(nic, 1, misc) && (others & ~(uint32_t)EICR_TCP_TIMER))
            vectors |= bit(misc);
    }
    while (vectors) {
        uint32_t vector = (uint32_t)__builtin_ctzll(vectors);

        vectors &= vectors - 1;
        fire(nic, vector, soft);
    }
}

static void queue_event(struct nic *nic, uint32_t queue, uint32_t is_tx)
{
    uint32_t entry;
    uint64_t cause;

    if (queue >= NIC_QUEUES)
        return;
    /* IVAR bytes: Rx 2n, Tx 2n, Rx 2n+1, Tx 2n+1. */
    entry = word(nic, R_IVAR(queue / 2)) >> (8 * (2 * (queue % 2) + is_tx));
    if (!(entry & IVAR_VALID))
        return;
    entry &= IVAR_VECTOR;
    cause = bit(per_vector(nic) ? entry : entry % LEGACY_QUEUE_BITS);
    nic->intr.cause_q |= cause;
    intr_raise(nic, cause, 0, 0);
}

void intr_rx(struct nic *nic, uint32_t queue)
{
    queue_event(nic, queue, 0);
}

void intr_tx(struct nic *nic, uint32_t queue)
{
    queue_event(nic, queue, 1);
}

/* The pins raise their causes only as far as GPIE lets them. */
static uint32_t pins_enabled(struct nic *nic, uint32_t causes)
{
    uint32_t gpie = word(nic, R_GPIE);

    if (!(gpie & GPIE_SDP0_GPIEN))
        causes &= ~(uint32_t)EICR_GPI_SDP0;
    if (!(gpie & GPIE_SDP1_GPIEN))
        causes &= ~(uint32_t)EICR_GPI_SDP1;
    if (!(gpie & GPIE_SDP2_GPIEN))
        causes &= ~(uint32_t)EICR_GPI_SDP2;
    if (!(gpie & GPIE_SDP3_GPIEN))
        causes &= ~(uint32_t)EICR_GPI_SDP3;
    return causes;
}

void intr_cause(struct nic *nic, uint32_t causes)
{
    causes = pins_enabled(nic, causes & OTHER_CAUSES);
    nic->intr.cause |= causes;
    intr_raise(nic, 0, causes, 0);
}

void intr_run(struct nic *nic)
{
    struct intr *intr = &nic->intr;
    uint64_t vectors = intr->waiting, now;

    if (!vectors)
        return;
    now = nic_now(nic);
    if (now < intr->deadline_ns)
        return;
    intr->deadline_ns = UINT64_MAX;
    while (vectors) {
        uint32_t vector = (uint32_t)__builtin_ctzll(vectors);

        vectors &= vectors - 1;
        if (!pending(nic, vector))
            intr->waiting &= ~bit(vector);      /* cleared or masked meanwhile; unmasking fires again */
        else if (interval_ns(nic, vector) && now < intr->next_ns[vector])
            wait_for(nic, vector);
        else
            fire(nic, vector, 0);
    }
}

void intr_mode(struct nic *nic, int irq_mode)
{
    nic->irq_mode = irq_mode;
    if (irq_mode != IRQ_INTX)
        intr_fall(nic);
    intr_raise(nic, ~0ull, OTHER_CAUSES, 0);
}

void intr_reset(struct nic *nic)
{
    nic->intr = (struct intr){ .deadline_ns = UINT64_MAX, .level = nic->intr.level };
    intr_fall(nic);
}
