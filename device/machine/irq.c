/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdint.h>
#include "machine/irq.h"

int irq_send(struct irq *irq, uint32_t vector)
{
    if (irq->gone)
        return 0;
    if (irq->kind == IRQ_INTX) {
        if (irq->level)
            return 0;
        if (irq->lost & 1)
            return 0;
        if (!irq->line || irq->line(irq->arg, 1) < 0)
            return -1;
        irq->level = 1;
        return 0;
    }
    if (vector < 64 && irq->lost >> vector & 1)
        return 0;
    if (irq->kind == IRQ_NONE || !irq->send || irq->send(irq->arg, vector) < 0)
        return -1;
    return 0;
}

void irq_lower(struct irq *irq)
{
    if (!irq->level)
        return;
    irq->level = 0;
    if (irq->line)
        irq->line(irq->arg, 0);
}

void irq_set_kind(struct irq *irq, int kind)
{
    irq->kind = kind;
    if (irq->changed)
        irq->changed(irq->chip);
}
