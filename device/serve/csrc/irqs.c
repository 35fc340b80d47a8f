/* SPDX-License-Identifier: BSD-3-Clause */
/* Interrupts: an eventfd per vector, a pending bit where nobody listens, and the INTx line. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "libvfio-user.h"
#include "machine/irq.h"
#include "mend.h"
#include "glue.h"

static struct vdev *of(vfu_ctx_t *ctx)
{
    return vfu_get_private(ctx);
}

/* VFIO's INTx masks itself when it fires; unmasking asks whether the line is still high. */
void glue_intx_state(vfu_ctx_t *ctx, uint32_t start, uint32_t count, bool mask)
{
    struct vdev *v = of(ctx);

    if (start != 0 || count == 0)
        return;
    v->intx_masked = mask;
    if (!mask && v->intx)
        (void)vdev_irq_send(v, 0);
}

/* VFIO's index of a kind of interrupt is our number less one; -1 is none. */
int glue_armed(vfu_ctx_t *ctx)
{
    return of(ctx)->armed - 1;
}

int glue_irqs_refused(vfu_ctx_t *ctx, uint32_t index)
{
    const struct vdev *v = of(ctx);

    if (v->irq_refuse_in != NULL && *v->irq_refuse_in != 0 && --*v->irq_refuse_in == 0)
        return 1;
    return v->irq_refused != NULL && *v->irq_refused >> (index + 1) & 1;
}

static uint8_t *pending(struct vdev *v, uint32_t vector)
{
    return &v->msix[VDEV_PBA + vector / 8];
}

int vdev_vectors_armed(struct vdev *v)
{
    int armed = 0;

    for (uint32_t i = 0; v->ctx != NULL && i < VDEV_VECTORS; i++)
        armed += mend_irq_fd(v->ctx, i) >= 0;
    return armed;
}

void glue_irqs(vfu_ctx_t *ctx, uint32_t index, uint32_t start, uint32_t count, int armed)
{
    struct vdev *v = of(ctx);
    int before = v->armed;

    v->armed = vdev_vectors_armed(v) ? (int)index + 1 : IRQ_NONE;
    if (armed && index + 1 == IRQ_INTX) {
        v->intx_masked = 0;
        if (v->intx)
            (void)vdev_irq_send(v, 0);
    }
    /* A vector that was unheard is delivered when somebody listens, as an unmasked MSI-X vector is. */
    for (uint32_t i = start; armed && index + 1 == IRQ_MSIX && i < start + count && i < VDEV_VECTORS; i++) {
        if (*pending(v, i) & 1u << i % 8)
            (void)vdev_irq_send(v, i);
    }
    if (v->armed != before && v->on_irqs != NULL)
        v->on_irqs(v->self, v->armed);
}

int vdev_irq_send(void *arg, uint32_t vector)
{
    struct vdev *v = arg;
    int fd = v->ctx == NULL ? -1 : mend_irq_fd(v->ctx, vector);

    if (vector >= VDEV_VECTORS)
        return -EINVAL;
    if (fd == -1) {
        v->count.irqs_unheard++;
        *pending(v, vector) |= (uint8_t)(1u << vector % 8);
        return -ENOENT;
    }
    *pending(v, vector) &= (uint8_t)~(1u << vector % 8);
    v->count.irqs++;
    return mend_eventfd_signal(fd);
}

int vdev_intx_level(void *arg, int level)
{
    struct vdev *v = arg;
    int rose = level && !v->intx;

    v->intx = level != 0;
    if (!rose || v->intx_masked)
        return 0;
    if (v->armed != IRQ_INTX) {
        v->count.irqs_unheard++;
        return -ENOENT;
    }
    return vdev_irq_send(v, 0);
}
