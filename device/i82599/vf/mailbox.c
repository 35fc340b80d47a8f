/* SPDX-License-Identifier: BSD-3-Clause */
/* The mailbox of each virtual function: sixteen words that both sides see, a lock, and who is told what.
 *
 * The lock is PFU in PFMAILBOX or VFU in VFMAILBOX: who writes 1 gets it if the other has not got it, and reads back to
 * see; who writes without it lets go of it.  REQ, STS and ACK are pulses: they read as 0, and tell the other side once.
 * The locks live in PFMAILBOX(v), all else that VFMAILBOX shows in vf->box.
 */
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

#define PER_MBVFICR 16u               /* VFs of one MBVFICR: requests in its low half, acknowledgements in its high half */
#define MBVFICR_ACK_SHIFT 16u
#define LOCKS (PFMAILBOX_PFU | PFMAILBOX_VFU)

static inline uint32_t locks(const struct vfs *vfs, uint32_t v)
{
    return reg(vfs->regs, R_PFMAILBOX(v)) & LOCKS;
}

/* Guess: a VF that PFMBIMR leaves out shows in MBVFICR and VFLRE all the same, and does not interrupt. */
static void tell_pf(struct vfs *vfs, uint32_t v)
{
    if (reg(vfs->regs, R_PFMBIMR(v / 32)) >> v % 32 & 1)
        vfs->cause(vfs->intr, EICR_MAILBOX);
}

static void mark(struct vfs *vfs, uint32_t v, uint32_t shift)
{
    uint32_t at = R_MBVFICR(v / PER_MBVFICR);

    reg_set(vfs->regs, at, reg(vfs->regs, at) | 1u << (v % PER_MBVFICR + shift));
    tell_pf(vfs, v);
}

static void tell_vf(struct vf *vf, uint32_t what)
{
    vf->box |= what;
    vf_intr_mailbox(vf);
}

void vfs_tell_reset(struct vfs *vfs, uint32_t v)
{
    uint32_t at = R_VFLRE(v / 32);

    reg_set(vfs->regs, at, reg(vfs->regs, at) | 1u << v % 32);
    tell_pf(vfs, v);
}

void vfs_mailbox_reset(struct vfs *vfs, uint32_t v)
{
    reg_set(vfs->regs, R_PFMAILBOX(v), 0);
    vfs->vf[v].box &= VF_BOX_RSTI | VF_BOX_RSTD;
}

uint32_t vf_mailbox_peek(const struct vf *vf)
{
    uint32_t held = locks(vf->all, vf->n);

    return (held & PFMAILBOX_VFU ? VFMAILBOX_VFU : 0) | (held & PFMAILBOX_PFU ? VFMAILBOX_PFU : 0) |
           (vf->box & VF_BOX_PFSTS ? VFMAILBOX_PFSTS : 0) | (vf->box & VF_BOX_PFACK ? VFMAILBOX_PFACK : 0) |
           (vf->box & VF_BOX_RSTI ? VFMAILBOX_RSTI : 0) | (vf->box & VF_BOX_RSTD ? VFMAILBOX_RSTD : 0);
}

/* PFSTS, PFACK and RSTD are told once; RSTI is a level. */
uint32_t vf_mailbox_read(struct vf *vf)
{
    uint32_t value = vf_mailbox_peek(vf);

    vf->box &= VF_BOX_RSTI;
    return value;
}

void vf_mailbox_write(struct vf *vf, uint32_t written)
{
    struct vfs *vfs = vf->all;
    uint32_t held = locks(vfs, vf->n);

    if (!(written & VFMAILBOX_VFU))
        held &= ~(uint32_t)PFMAILBOX_VFU;
    else if (!(held & PFMAILBOX_PFU))
        held |= PFMAILBOX_VFU;
    reg_set(vfs->regs, R_PFMAILBOX(vf->n), held);
    if (written & VFMAILBOX_REQ) {
        vf->count.requests++;
        mark(vfs, vf->n, 0);
    }
    if (written & VFMAILBOX_ACK) {
        vf->count.acks++;
        mark(vfs, vf->n, MBVFICR_ACK_SHIFT);
    }
}

void vfs_mailbox_write(struct vfs *vfs, uint32_t v, uint32_t old, uint32_t written)
{
    uint32_t held = old & LOCKS;

    if (written & PFMAILBOX_RVFU)
        held &= ~(uint32_t)PFMAILBOX_VFU;
    if (!(written & PFMAILBOX_PFU))
        held &= ~(uint32_t)PFMAILBOX_PFU;
    else if (!(held & PFMAILBOX_VFU))
        held |= PFMAILBOX_PFU;
    reg_set(vfs->regs, R_PFMAILBOX(v), held);
    if (v >= vfs->count)
        return;
    if (written & PFMAILBOX_STS)
        tell_vf(&vfs->vf[v], VF_BOX_PFSTS);
    if (written & PFMAILBOX_ACK)
        tell_vf(&vfs->vf[v], VF_BOX_PFACK);
}
