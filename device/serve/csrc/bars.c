/* SPDX-License-Identifier: BSD-3-Clause */
/* The two small BARs: BAR4 with the MSI-X table, BAR2 with a window to BAR0 in I/O space. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "glue.h"

#define ENTRY_BYTES 16
#define ENTRY_CONTROL 12            /* Vector Control: bit 0 masks, the rest is reserved */
#define IOADDR 0
#define IODATA 4

void vdev_reset_state(struct vdev *v)
{
    memset(v->msix, 0, sizeof(v->msix));
    for (uint32_t i = 0; i < VDEV_VECTORS; i++)
        v->msix[i * ENTRY_BYTES + ENTRY_CONTROL] = 1;
    v->io_addr = 0;
}

/* The table is storage.  Whether a vector is heard is decided by its eventfd: a VMM keeps the guest's table to itself, and
 * a client without a VM need not write one. */
int64_t vdev_msix_access(void *arg, uint8_t *buf, uint64_t count, uint64_t offset, int is_write)
{
    struct vdev *v = arg;

    if (offset > VDEV_MSIX_BYTES || count > VDEV_MSIX_BYTES - offset)
        return -EINVAL;
    if (!is_write) {
        memcpy(buf, v->msix + offset, count);
        return (int64_t)count;
    }
    for (uint64_t i = 0; i < count; i++) {
        uint64_t at = offset + i;

        if (at >= VDEV_VECTORS * ENTRY_BYTES)
            break;                  /* pending bits are read-only, the rest is empty */
        if (at % ENTRY_BYTES < ENTRY_CONTROL)
            v->msix[at] = buf[i];
        else if (at % ENTRY_BYTES == ENTRY_CONTROL)
            v->msix[at] = buf[i] & 1;
    }
    return (int64_t)count;
}

/* Ref: 82599 datasheet, I/O-mapped access: write a register's offset to IOADDR, then use IODATA.  Dwords only. */
int64_t vdev_io_access(void *arg, uint8_t *buf, uint64_t count, uint64_t offset, int is_write)
{
    struct vdev *v = arg;

    if (offset == IODATA && count == sizeof(uint32_t) && v->io_addr % sizeof(uint32_t) == 0) {
        int64_t done = v->region[0].access(v->region[0].arg, buf, count, v->io_addr, is_write);

        if (done == (int64_t)count)
            return done;
    }
    if (is_write) {
        if (offset == IOADDR && count == sizeof(uint32_t))
            memcpy(&v->io_addr, buf, sizeof(v->io_addr));
        return (int64_t)count;
    }
    memset(buf, 0, count);
    if (offset == IOADDR && count == sizeof(uint32_t))
        memcpy(buf, &v->io_addr, sizeof(v->io_addr));
    return (int64_t)count;
}
