/* SPDX-License-Identifier: BSD-3-Clause */
/* How virtual functions come and go, who owns which queue, and what resets do to whom. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include "regs.h"
#include "machine/clock.h"
#include "machine/trace.h"
#include "machine/dma.h"
#include "machine/irq.h"
#include "machine/regfile.h"
#include "machine/function.h"
#include "machine/parse.h"
#include "machine/wire/port.h"
#include "i82599/chip.h"
#include "i82599/pass.h"
#include "i82599/vf/vf.h"

int vfs_make(struct vfs *vfs, uint32_t count, const struct chip_ops *ops)
{
    if (count > VFS_MAX || vfs->vf)
        return -EINVAL;
    vfs->due_ns = UINT64_MAX;
    if (!count)
        return 0;
    vfs->vf = calloc(count, sizeof(*vfs->vf));
    if (!vfs->vf)
        return -ENOMEM;
    for (; vfs->count < count; vfs->count++) {
        struct vf *vf = &vfs->vf[vfs->count];
        int rc = function_init(&vf->function, vfs->count + 1, VF_BAR0_BYTES, vfs->clock, vfs->card, ops);

        if (rc < 0)
            return rc;
        vf->all = vfs;
        vf->n = vfs->count;
        vf->box = VF_BOX_RSTI;
        vf->function.dma.alarm = &vfs->alarm;
        vf->function.irq.changed = vf_intr_changed;
        vf->function.irq.chip = vf;
        vf->function.regs.hook[HOOK_VF_BAR0] = (struct reg_hook){ .read = vf_read, .peek = vf_peek, .write = vf_write, .block = vf };
    }
    return 0;
}

void vfs_free(struct vfs *vfs)
{
    for (uint32_t v = 0; v < vfs->count; v++)
        function_free(&vfs->vf[v].function);
    free(vfs->vf);
    vfs->vf = NULL;
    vfs->count = 0;
}

/* A queue that is on stops before another function owns it: its ring's address means nothing there. */
static void queue_off(struct vfs *vfs, uint32_t queue)
{
    uint32_t rx = reg(vfs->regs, R_RXDCTL(queue)), tx = reg(vfs->regs, R_TXDCTL(queue));

    if (rx & RXDCTL_ENABLE)
        reg_write(vfs->regs, R_RXDCTL(queue), rx & ~(uint32_t)RXDCTL_ENABLE);
    if (tx & TXDCTL_ENABLE)
        reg_write(vfs->regs, R_TXDCTL(queue), tx & ~(uint32_t)TXDCTL_ENABLE);
}

void vfs_owners(struct vfs *vfs)
{
    uint32_t queues = queues_of_pool(vfs->regs);

    for (uint32_t queue = 0; vfs->count && queue < CHIP_QUEUES; queue++) {
        uint32_t v = queues ? queue / queues : VFS_MAX;
        struct function *owner = v < vfs->enabled ? &vfs->vf[v].function : vfs->pf;

        if (owner == vfs->owner_of_queue[queue])
            continue;
        queue_off(vfs, queue);
        vfs->own(vfs->card, queue, owner);
    }
    vfs->queues = queues;
}

/* Those that leave are in reset until they come again. */
void vfs_enable(struct vfs *vfs, uint32_t enabled)
{
    vfs->enabled = enabled < vfs->count ? enabled : vfs->count;
    vfs_owners(vfs);
    for (uint32_t v = vfs->enabled; v < vfs->count; v++) {
        vfs->vf[v].box = VF_BOX_RSTI;
        vf_intr_reset(&vfs->vf[v]);
    }
    if (reg(vfs->regs, R_CTRL_EXT) & CTRL_EXT_PFRSTD)
        vfs_pf_ready(vfs);
}

void vfs_pf_reset(struct vfs *vfs)
{
    for (uint32_t v = 0; v < vfs->count; v++) {
        vfs->vf[v].box = VF_BOX_RSTI;
        vfs_mailbox_reset(vfs, v);
    }
    vfs_owners(vfs);
}

void vfs_pf_ready(struct vfs *vfs)
{
    for (uint32_t v = 0; v < vfs->enabled; v++) {
        struct vf *vf = &vfs->vf[v];

        if (!(vf->box & VF_BOX_RSTI))
            continue;
        vf->box = (vf->box & ~(uint32_t)VF_BOX_RSTI) | VF_BOX_RSTD;
        vf_intr_mailbox(vf);
    }
}

/* Its DMA stops: queues keep all of their registers but ENABLE. */
void vf_reset(struct vf *vf)
{
    struct vfs *vfs = vf->all;

    vf->count.resets++;
    vf_intr_reset(vf);
    vfs_mailbox_reset(vfs, vf->n);
    if (vf->n >= vfs->enabled)
        return;
    for (uint32_t i = 0; i < vfs->queues; i++)
        queue_off(vfs, vf->n * vfs->queues + i);
    vfs_tell_reset(vfs, vf->n);
}

void vfs_write(void *arg, uint32_t offset, uint32_t old, uint32_t seen, uint32_t written)
{
    struct vfs *vfs = arg;

    (void)seen;
    if (IS_PFMAILBOX(offset)) {
        vfs_mailbox_write(vfs, N_PFMAILBOX(offset), old, written);
    } else if (IS_VFLREC(offset)) {
        uint32_t at = R_VFLRE(N_VFLREC(offset));

        reg_set(vfs->regs, at, reg(vfs->regs, at) & ~written);
    } else if (offset == R_GCR_EXT) {
        vfs_owners(vfs);
    }
}
