/* SPDX-License-Identifier: BSD-3-Clause */
/* Interrupts as eventfds: where they go in tests and for a driver in the same process. */
#include <stdint.h>
#include <unistd.h>
#include "machine/irq.h"

static int eventfd_add(int fd)
{
    uint64_t one = 1;

    if (fd == IRQ_FD_COUNT)
        return 0;
    return fd >= 0 && write(fd, &one, sizeof(one)) == sizeof(one) ? 0 : -1;
}

int irq_fds_send(void *irq_fds, uint32_t vector)
{
    struct irq_fds *fds = irq_fds;

    if (vector >= fds->vectors || eventfd_add(fds->vector[vector]) < 0)
        return -1;
    fds->sent[vector]++;
    return 0;
}

int irq_fds_line(void *irq_fds, int level)
{
    struct irq_fds *fds = irq_fds;

    if (level && !fds->level && eventfd_add(fds->intx) < 0)
        return -1;
    if (level && !fds->level)
        fds->sent[0]++;
    fds->level = level;
    return 0;
}
