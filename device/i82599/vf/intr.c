/* SPDX-License-Identifier: BSD-3-Clause */
/* Interrupts of a virtual function: three vectors, each with its cause, its mask and its moderation.  Ref: VTEICR …, VTIVAR. */
#include <stdint.h>
#include "regs.h"
#include "machine/clock.h"
#include "machine/trace.h"
#include "machine/dma.h"
#include "machine/irq.h"
#include "machine/regfile.h"
#include "machine/function.h"
#include "i82599/chip.h"
#include "i82599/vf/vf.h"

#define NS_PER_ITR 2000ull            /* VTEITR's unit at 10 Gb/s, as EITR's */
#define ENTRY_VALID VTIVAR_RX0_VALID  /* one byte of VTIVAR or VTIVAR_MISC */
#define ENTRY_VECTOR VTIVAR_RX0

static inline uint64_t interval_ns(const struct vf *vf, uint32_t vector)
{
    return field(reg(&vf->function.regs, R_VTEITR(vector)), VTEITR_ITR_INTERVAL) * NS_PER_ITR;
}

void vf_intr_reset(struct vf *vf)
{
    vf->intr = (struct vf_intr){ .cause = 0 };
}

static void wait_for(struct vf *vf, uint32_t vector)
{
    if (!(vf->intr.waiting >> vector & 1))
        vf->count.irqs_moderated++;
    vf->intr.waiting |= 1u << vector;
    if (vf->intr.next_ns[vector] < vf->all->due_ns)
        vf->all->due_ns = vf->intr.next_ns[vector];
}

/* When the world cannot take a message the cause stays latched: the next event, unmasking, or vf_intr_changed() tries
 * again.  Guess: a message applies VTEIAM and VTEIAC whatever the PF's GPIE says; drivers of VFs expect both. */
static void fire(struct vf *vf, uint32_t vector, int at_once)
{
    struct vf_intr *intr = &vf->intr;
    uint64_t interval = interval_ns(vf, vector), now = 0;
    uint32_t bit = 1u << vector;

    if (interval) {
        now = clock_now(vf->all->clock);
        if (now < intr->next_ns[vector] && !at_once) {
            wait_for(vf, vector);
            return;
        }
    }
    intr->waiting &= ~bit;
    if (irq_send(&vf->function.irq, vector) < 0)
        return;
    vf->count.irqs++;
    intr->next_ns[vector] = now + interval;
    intr->cause &= ~(bit & intr->autoclear);
    intr->mask &= ~(bit & intr->automask);
}

void vf_intr_raise(struct vf *vf, uint32_t vectors, int at_once)
{
    vectors &= vf->intr.cause & vf->intr.mask;
    for (uint32_t vector = 0; vector < VF_VECTORS; vector++)
        if (vectors >> vector & 1)
            fire(vf, vector, at_once);
}

static void event(struct vf *vf, uint32_t entry, int at_once)
{
    uint32_t vector = entry & ENTRY_VECTOR;

    if (!(entry & ENTRY_VALID) || vector >= VF_VECTORS)
        return;
    vf->intr.cause |= 1u << vector;
    vf_intr_raise(vf, 1u << vector, at_once);
}

/* VTIVAR's bytes: Rx 2n, Tx 2n, Rx 2n+1, Tx 2n+1. */
void vf_intr_queue(struct vf *vf, uint32_t queue, int is_tx, int at_once)
{
    event(vf, reg(&vf->function.regs, R_VTIVAR(queue / 2)) >> 8 * (2 * (queue % 2) + (is_tx != 0)), at_once);
}

void vf_intr_mailbox(struct vf *vf)
{
    event(vf, reg(&vf->function.regs, R_VTIVAR_MISC), 0);
}

void vf_intr_changed(void *arg)
{
    struct vf *vf = arg;

    vf_intr_raise(vf, vf->intr.cause, 0);
}

void vfs_intr_run(struct vfs *vfs)
{
    uint64_t now = clock_now(vfs->clock);

    if (now < vfs->due_ns)
        return;
    vfs->due_ns = UINT64_MAX;
    for (uint32_t v = 0; v < vfs->count; v++) {
        struct vf *vf = &vfs->vf[v];

        for (uint32_t vector = 0; vf->intr.waiting && vector < VF_VECTORS; vector++) {
            if (!(vf->intr.waiting >> vector & 1))
                continue;
            if (now < vf->intr.next_ns[vector]) {
                wait_for(vf, vector);
            } else {
                vf->intr.waiting &= ~(1u << vector);
                vf_intr_raise(vf, 1u << vector, 0);
            }
        }
    }
}
