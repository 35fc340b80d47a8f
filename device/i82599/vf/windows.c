/* SPDX-License-Identifier: BSD-3-Clause */
/* A virtual function's registers: windows onto the physical function's, interrupts, and the mailbox.
 *
 * A queue register is one of the card's: an access to it goes on as an access to queue n * queues of a pool + i, with
 * that register's rule and hook.  What lies behind a window that is shut (there are no pools, or the pool has fewer queues)
 * reads as 0 and takes no writes.
 */
#include <stdint.h>
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

#define BLOCK_BYTES (R_VFRDBAL(1) - R_VFRDBAL(0))     /* all registers of one queue */
#define RX_END (R_VFRDBAL(0) + VF_QUEUES * BLOCK_BYTES)
#define TX_END (R_VFTDBAL(0) + VF_QUEUES * BLOCK_BYTES)
#define SHUT UINT32_MAX

/* The pool's own counters, which every pool has: they need no queue. */
static uint32_t counter(const struct vf *vf, uint32_t offset)
{
    switch (offset) {
    case R_VFGPRC: return R_PVFGPRC(vf->n);
    case R_VFGORC_LSB: return R_PVFGORC_LSB(vf->n);
    case R_VFGORC_MSB: return R_PVFGORC_MSB(vf->n);
    case R_VFMPRC: return R_PVFMPRC(vf->n);
    case R_VFGPTC: return R_PVFGPTC(vf->n);
    case R_VFGOTC_LSB: return R_PVFGOTC_LSB(vf->n);
    case R_VFGOTC_MSB: return R_PVFGOTC_MSB(vf->n);
    default: return 0;
    }
}

static uint32_t queue_window(const struct vf *vf, uint32_t offset, uint32_t first, int is_tx)
{
    uint32_t i = (offset - first) / BLOCK_BYTES, in_block = (offset - first) % BLOCK_BYTES, queue;

    _Static_assert(R_RDBAL(1) - R_RDBAL(0) == BLOCK_BYTES && R_TDBAL(1) - R_TDBAL(0) == BLOCK_BYTES &&
                   R_VFRDT(0) - R_VFRDBAL(0) == R_RDT(0) - R_RDBAL(0) && R_VFSRRCTL(0) - R_VFRDBAL(0) == R_SRRCTL(0) - R_RDBAL(0) &&
                   R_VFRXDCTL(0) - R_VFRDBAL(0) == R_RXDCTL(0) - R_RDBAL(0) && R_VFTDT(0) - R_VFTDBAL(0) == R_TDT(0) - R_TDBAL(0) &&
                   R_VFTXDCTL(0) - R_VFTDBAL(0) == R_TXDCTL(0) - R_TDBAL(0) && R_VFTDWBAL(0) - R_VFTDBAL(0) == R_TDWBAL(0) - R_TDBAL(0),
                   "a window shows each register where the card has it within its queue's block");

    if (vf->n >= vf->all->enabled || i >= vf->all->queues)
        return SHUT;
    queue = vf->n * vf->all->queues + i;
    if (queue >= CHIP_QUEUES)         /* the pools are fewer than the functions: those behind the last one have no queues */
        return SHUT;
    return (is_tx ? R_TDBAL(queue) : R_RDBAL(queue)) + in_block;
}

/* Where the physical function has what this offset shows; SHUT: nowhere now; 0: it is the virtual function's own. */
static uint32_t window(const struct vf *vf, uint32_t offset)
{
    uint32_t of_pool = counter(vf, offset);

    if (of_pool)
        return of_pool;
    if (offset >= R_VFRDBAL(0) && offset < RX_END)
        return queue_window(vf, offset, R_VFRDBAL(0), 0);
    if (offset >= R_VFTDBAL(0) && offset < TX_END)
        return queue_window(vf, offset, R_VFTDBAL(0), 1);
    if (IS_VFMBMEM(offset))
        return R_PFMBMEM(vf->n * VFMBMEM_COUNT + N_VFMBMEM(offset));
    if (offset == R_VFPSRTYPE)
        return vf->n < vf->all->enabled ? R_PSRTYPE(vf->n) : SHUT;
    return 0;
}

/* Guess: no link is shown while the physical function is being reset. */
static uint32_t links(const struct vf *vf)
{
    return vf->box & VF_BOX_RSTI ? 0 : reg(vf->all->regs, R_LINKS) & (VFLINKS_UP | VFLINKS_SPEED);
}

static uint32_t own(const struct vf *vf, uint32_t offset)
{
    switch (offset) {
    case R_VFLINKS: return links(vf);
    case R_VFFRTIMER: return reg_peek(vf->all->regs, R_FRTIMER);
    case R_VTEICR:
    case R_VTEICS: return vf->intr.cause;
    case R_VTEIMS:
    case R_VTEIMC: return vf->intr.mask;
    case R_VTEIAC: return vf->intr.autoclear;
    case R_VTEIAM: return vf->intr.automask;
    case R_VFMAILBOX: return vf_mailbox_peek(vf);
    default: return reg(&vf->function.regs, offset);
    }
}

uint32_t vf_peek(void *arg, uint32_t offset)
{
    const struct vf *vf = arg;
    uint32_t at = window(vf, offset);

    if (at)
        return at == SHUT ? 0 : reg_peek(vf->all->regs, at);
    return own(vf, offset);
}

uint32_t vf_read(void *arg, uint32_t offset)
{
    struct vf *vf = arg;
    uint32_t at = window(vf, offset), value;

    if (at)
        return at == SHUT ? 0 : reg_read(vf->all->regs, at);
    if (offset == R_VFMAILBOX)
        return vf_mailbox_read(vf);
    if (offset == R_VFFRTIMER)
        return reg_read(vf->all->regs, R_FRTIMER);
    value = own(vf, offset);
    if (offset == R_VTEICR)
        vf->intr.cause = 0;
    return value;
}

static void intr_write(struct vf *vf, uint32_t offset, uint32_t written)
{
    struct vf_intr *intr = &vf->intr;

    written &= VTEICR_VECTORS;
    switch (offset) {
    case R_VTEICR: intr->cause &= ~written; break;
    case R_VTEICS: intr->cause |= written; break;
    case R_VTEIMS: intr->mask |= written; break;
    case R_VTEIMC: intr->mask &= ~written; break;
    case R_VTEIAC: intr->autoclear = written; break;
    case R_VTEIAM: intr->automask = written; break;
    default: return;
    }
    if (offset == R_VTEICS || offset == R_VTEIMS)
        vf_intr_raise(vf, written, 0);
}

void vf_write(void *arg, uint32_t offset, uint32_t old, uint32_t seen, uint32_t written)
{
    struct vf *vf = arg;
    uint32_t at = window(vf, offset);

    (void)old;
    if (at) {
        if (at != SHUT)
            reg_write(vf->all->regs, at, written);
        return;
    }
    if (offset == R_VFCTRL) {
        if (seen & VFCTRL_RST)
            function_reset(&vf->function, 1);
    } else if (offset == R_VFMAILBOX) {
        vf_mailbox_write(vf, written);
    } else {
        intr_write(vf, offset, written);
    }
}
