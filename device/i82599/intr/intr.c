/* SPDX-License-Identifier: BSD-3-Clause */
/* Ref: 82599 datasheet, "Interrupts"; facts the Linux driver relies on are named where they are obeyed. */
#include <stdint.h>
#include "regs.h"
#include "machine/clock.h"
#include "machine/irq.h"
#include "machine/regfile.h"
#include "i82599/chip.h"
#include "i82599/intr/intr.h"

#define NS_PER_ITR 2000ull            /* EITR interval unit at 10 Gb/s */
#define OTHER_CAUSES (~(uint32_t)(EICR_RTX_QUEUE | EICR_OTHER))
#define IVAR_VALID IVAR_RX0_VALID     /* one byte of IVAR or IVAR_MISC */
#define IVAR_VECTOR IVAR_RX0
#define LEGACY_QUEUE_BITS 16u
#define JUST_NOW_NS 2000u             /* whoever has to have something ready before a message is asked so much earlier */

static inline uint64_t bit(uint32_t vector)
{
    return 1ull << vector;
}

/* One vector per cause?  Before PCI has chosen a kind of interrupt the driver's own setting counts. */
static inline int per_vector(const struct intr *intr)
{
    return (intr->irq->kind == IRQ_MSIX || intr->irq->kind == IRQ_NONE) && (reg(intr->regs, R_GPIE) & GPIE_MSIX_MODE);
}

static inline int ivar_misc_is(const struct intr *intr, uint32_t byte, uint32_t vector)
{
    uint32_t entry = reg(intr->regs, R_IVAR_MISC) >> (8 * byte);

    return (entry & IVAR_VALID) && (entry & IVAR_VECTOR) == vector;
}

/* Which of EICR[30:16] are told by this vector. */
static uint32_t others_of(const struct intr *intr, uint32_t vector)
{
    uint32_t causes = 0;

    if (!per_vector(intr))
        return OTHER_CAUSES;
    if (ivar_misc_is(intr, 0, vector))
        causes |= EICR_TCP_TIMER;
    if (ivar_misc_is(intr, 1, vector))
        causes |= OTHER_CAUSES & ~(uint32_t)EICR_TCP_TIMER;
    return causes;
}

static inline uint64_t queues_of(const struct intr *intr, uint32_t vector)
{
    return per_vector(intr) ? bit(vector) : EICR_RTX_QUEUE;
}

static int pending(const struct intr *intr, uint32_t vector)
{
    return (intr->cause_q & intr->mask_q & queues_of(intr, vector)) ||
           (intr->cause & intr->mask & others_of(intr, vector));
}

static inline uint64_t interval_ns(const struct intr *intr, uint32_t vector)
{
    uint32_t eitr = reg(intr->regs, R_EITR(vector));

    return (eitr & EITR_ITR_INTERVAL) / (1u << EITR_ITR_INTERVAL_SHIFT) * NS_PER_ITR;
}

/* A message went out: causes that EIAC names are done with, and GPIE.EIAME masks what the message told.
 * Vectors above 15 have no EIAC bit the driver could set, so theirs always clear.  A vector that also tells other
 * causes keeps the two apart: Linux re-arms those through EIMS only, so they never touch EIMS_EX bits. */
static void sent(struct intr *intr, uint32_t vector)
{
    uint64_t told_q = intr->cause_q & intr->mask_q & queues_of(intr, vector);
    uint32_t told = intr->cause & intr->mask & others_of(intr, vector);

    if (intr->irq->kind != IRQ_MSIX)
        return;
    intr->cause_q &= ~(told_q & (~(uint64_t)EICR_RTX_QUEUE | intr->autoclear));
    intr->cause &= ~(told & intr->autoclear);
    if (reg(intr->regs, R_GPIE) & GPIE_EIAME) {
        intr->mask_q &= ~(told_q & intr->automask_q);
        intr->mask &= ~(told & intr->automask);
    }
}

static void wait_for(struct intr *intr, uint32_t vector)
{
    if (!(intr->waiting & bit(vector)))
        intr->count.irqs_moderated++;
    intr->waiting |= bit(vector);
    if (intr->next_ns[vector] < intr->deadline_ns)
        intr->deadline_ns = intr->next_ns[vector];
}

/* Something is pending on the vector; at_once: whatever EITR says.  When the world cannot take a message the causes stay
 * latched: the next event, unmasking, or intr_changed() tries again. */
static void fire(struct intr *intr, uint32_t vector, int at_once)
{
    uint64_t interval = interval_ns(intr, vector), now = 0;

    if (intr->irq->kind == IRQ_INTX && intr->irq->level)
        return;
    if (__builtin_expect(intr->irq->delay_ns != 0, 0)) {
        now = clock_now(intr->clock);
        if (!(intr->late & bit(vector))) {
            intr->late |= bit(vector);
            intr->next_ns[vector] = now + intr->irq->delay_ns;
        }
        if (now < intr->next_ns[vector]) {
            wait_for(intr, vector);
            return;
        }
    }
    intr->late &= ~bit(vector);
    if (interval) {
        now = clock_now(intr->clock);
        if (now < intr->next_ns[vector] && !at_once) {
            wait_for(intr, vector);
            return;
        }
    }
    intr->waiting &= ~bit(vector);
    if (irq_send(intr->irq, vector) < 0)
        return;
    intr->count.irqs++;
    intr->next_ns[vector] = now + interval;
    sent(intr, vector);
}

/* INTx goes down by itself as soon as nothing is pending. */
void intr_fall(struct intr *intr)
{
    if (intr->irq->level && !(intr->irq->kind == IRQ_INTX && pending(intr, 0)))
        irq_lower(intr->irq);
}

/* These causes were just latched, or unmasked while latched. */
void intr_raise(struct intr *intr, uint64_t queues, uint32_t others, int at_once)
{
    uint64_t vectors = queues & intr->cause_q & intr->mask_q;

    others &= intr->cause & intr->mask;
    if (!per_vector(intr)) {
        if ((vectors & EICR_RTX_QUEUE) || others)
            fire(intr, 0, at_once);
        return;
    }
    if (others) {
        uint32_t misc = reg(intr->regs, R_IVAR_MISC);

        if (ivar_misc_is(intr, 0, misc & IVAR_MISC_TCP_TIMER) && (others & EICR_TCP_TIMER))
            vectors |= bit(misc & IVAR_MISC_TCP_TIMER);
        misc = (misc & IVAR_MISC_OTHER) >> IVAR_MISC_OTHER_SHIFT;
        if (ivar_misc_is(intr, 1, misc) && (others & ~(uint32_t)EICR_TCP_TIMER))
            vectors |= bit(misc);
    }
    while (vectors) {
        uint32_t vector = (uint32_t)__builtin_ctzll(vectors);

        vectors &= vectors - 1;
        fire(intr, vector, at_once);
    }
}

static void queue_event(struct intr *intr, uint32_t queue, uint32_t is_tx, int at_once)
{
    uint32_t entry;
    uint64_t cause;

        /* IVAR bytes: Rx 2n, Tx 2n, Rx 2n+1, Tx 2n+1. */
    entry = reg(intr->regs, R_IVAR(queue / 2)) >> (8 * (2 * (queue % 2) + is_tx));
    if (!(entry & IVAR_VALID))
        return;
    entry &= IVAR_VECTOR;
    cause = bit(per_vector(intr) ? entry : entry % LEGACY_QUEUE_BITS);
    intr->cause_q |= cause;
    intr_raise(intr, cause, 0, at_once);
}

void intr_rx(void *intr, uint32_t queue)
{
    queue_event(intr, queue, 0, 0);
}

void intr_rx_at_once(void *intr, uint32_t queue)
{
    queue_event(intr, queue, 0, 1);
}

uint64_t intr_rx_wait_ns(void *arg, uint32_t queue)
{
    struct intr *intr = arg;
    uint32_t entry = reg(intr->regs, R_IVAR(queue / 2)) >> (16 * (queue % 2)), vector;
    uint64_t now;

    vector = per_vector(intr) ? entry & IVAR_VECTOR : 0;
    if (!(entry & IVAR_VALID) || !interval_ns(intr, vector))
        return 0;
    now = clock_now(intr->clock);
    return intr->next_ns[vector] > now + JUST_NOW_NS ? intr->next_ns[vector] - JUST_NOW_NS - now : 0;
}

void intr_tx(void *intr, uint32_t queue)
{
    queue_event(intr, queue, 1, 0);
}

/* The pins raise their causes only as far as GPIE lets them. */
static uint32_t pins_enabled(struct intr *intr, uint32_t causes)
{
    uint32_t gpie = reg(intr->regs, R_GPIE);

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

void intr_cause(void *arg, uint32_t causes)
{
    struct intr *intr = arg;

    causes = pins_enabled(intr, causes & OTHER_CAUSES);
    intr->cause |= causes;
    intr_raise(intr, 0, causes, 0);
}

void intr_run(struct intr *intr)
{
    uint64_t vectors, now;

    if (intr->timer_ns != UINT64_MAX && intr_timer_run(intr))
        intr_cause(intr, EICR_TCP_TIMER);
    vectors = intr->waiting;
    if (!vectors)
        return;
    now = clock_now(intr->clock);
    if (now < intr->deadline_ns)
        return;
    intr->deadline_ns = UINT64_MAX;
    while (vectors) {
        uint32_t vector = (uint32_t)__builtin_ctzll(vectors);

        vectors &= vectors - 1;
        if (!pending(intr, vector)) {           /* cleared or masked meanwhile; unmasking fires again */
            intr->waiting &= ~bit(vector);
            intr->late &= ~bit(vector);
        } else if ((interval_ns(intr, vector) || (intr->late & bit(vector))) && now < intr->next_ns[vector])
            wait_for(intr, vector);
        else
            fire(intr, vector, 0);
    }
}

uint64_t intr_wait_ns(const struct intr *intr)
{
    uint64_t next_ns = intr->waiting && intr->deadline_ns < intr->timer_ns ? intr->deadline_ns : intr->timer_ns, now;

    if (next_ns == UINT64_MAX)
        return UINT64_MAX;
    now = clock_now(intr->clock);
    return next_ns > now ? next_ns - now : 0;
}

void intr_changed(void *arg)
{
    struct intr *intr = arg;

    if (intr->irq->kind != IRQ_INTX)
        intr_fall(intr);
    intr_raise(intr, ~0ull, OTHER_CAUSES, 0);
}

void intr_reset(struct intr *intr)
{
    *intr = (struct intr){
        .regs = intr->regs, .irq = intr->irq, .clock = intr->clock, .count = intr->count, .deadline_ns = UINT64_MAX,
        .timer_ns = UINT64_MAX,
    };
    intr_fall(intr);
}
