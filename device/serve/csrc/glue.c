/* SPDX-License-Identifier: BSD-3-Clause */
/* A device at its socket: how it is made, and what the library asks of it.  Its clients are session.c's. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/uio.h>

#include "libvfio-user.h"
#include "machine/irq.h"
#include "callers.h"
#include "mend.h"
#include "glue.h"

static struct vdev *of(vfu_ctx_t *ctx)
{
    return vfu_get_private(ctx);
}

/* ---- the library calls us ---- */

static ssize_t access_region(vfu_ctx_t *ctx, int index, char *buf, size_t count, loff_t offset, bool is_write)
{
    struct vdev *v = of(ctx);
    int64_t done = v->region[index].access(v->region[index].arg, (uint8_t *)buf, count, (uint64_t)offset, is_write);

    /* A failure without errno would be answered as a success. */
    if (done < 0) {
        errno = (int)-done;
        return -1;
    }
    return (ssize_t)done;
}

#define REGION_CALLBACK(index) \
    static ssize_t region##index(vfu_ctx_t *ctx, char *buf, size_t count, loff_t offset, bool is_write) \
    { \
        return access_region(ctx, index, buf, count, offset, is_write); \
    }
REGION_CALLBACK(0)
REGION_CALLBACK(1)
REGION_CALLBACK(2)
REGION_CALLBACK(3)
REGION_CALLBACK(4)
REGION_CALLBACK(5)
REGION_CALLBACK(6)
REGION_CALLBACK(7)
static vfu_region_access_cb_t *const REGION[] = {region0, region1, region2, region3, region4, region5, region6, region7};

static void dma_register(vfu_ctx_t *ctx, vfu_dma_info_t *info)
{
    struct vdev *v = of(ctx);
    uint64_t iova = (uint64_t)(uintptr_t)info->iova.iov_base;

    v->count.dma_maps++;
    /* Without an fd (a VM's ROM) there is nothing we could reach: an access there is a DMA error like any other. */
    if (info->vaddr == NULL || v->dma_add == NULL)
        return;
    if (v->dma_add(v->dma, iova, info->iova.iov_len, info->vaddr, info->prot) < 0) {
        v->count.dma_refused++;
        return;
    }
    if (v->dma_guard != NULL &&
        v->dma_guard(v->dma, iova, info->mapping.iov_base, info->mapping.iov_len, v->at_file) < 0) {
        (void)v->dma_del(v->dma, iova, info->iova.iov_len);
        v->count.dma_refused++;
    }
}

static void dma_unregister(vfu_ctx_t *ctx, vfu_dma_info_t *info)
{
    struct vdev *v = of(ctx);

    v->count.dma_unmaps++;
    if (info->vaddr != NULL && v->dma_del != NULL)
        (void)v->dma_del(v->dma, (uint64_t)(uintptr_t)info->iova.iov_base, info->iova.iov_len);
}

static int reset(vfu_ctx_t *ctx, vfu_reset_type_t type)
{
    struct vdev *v = of(ctx);
    int ret;

    vdev_reset_state(v);
    if (type == VFU_RESET_LOST_CONN) {
        v->armed = IRQ_NONE;
        v->intx_masked = 0;
    }
    if (v->on_reset == NULL)
        return 0;
    ret = v->on_reset(v->self, (int)type);
    if (ret < 0) {
        errno = -ret;
        return -1;
    }
    return 0;
}

static void on_log(vfu_ctx_t *ctx, int level, const char *text)
{
    struct vdev *v = of(ctx);

    if (v->on_log != NULL)
        v->on_log(v->self, level, text);
}

/* ---- we call the library ---- */

struct vdev *vdev_new(void)
{
    struct vdev *v = calloc(1, sizeof(*v));

    mend_eventfds_prepare();
    if (v != NULL) {
        v->conn_fd = v->fd = -1;
        v->watch = &v->fd;
        v->hold = (struct vdev_hold){.timer_fd = -1, .watch_fd = -1};
        v->armed = IRQ_NONE;
        vdev_reset_state(v);
    }
    return v;
}

void vdev_free(struct vdev *v)
{
    if (v == NULL)
        return;
    if (v->ctx != NULL)
        vfu_destroy_ctx(v->ctx);
    callers_free(v->callers);
    hold_end(v);
    *v->watch = -1;
    free(v);
}

int vdev_open(struct vdev *v, const char *path, int log_level)
{
    v->ctx = vfu_create_ctx(VFU_TRANS_SOCK, path, LIBVFIO_USER_FLAG_ATTACH_NB, v, VFU_DEV_TYPE_PCI);
    if (v->ctx == NULL)
        return -errno;
    if (vfu_setup_log(v->ctx, on_log, log_level) != 0 || vfu_setup_device_reset_cb(v->ctx, reset) != 0 ||
        vfu_setup_device_dma(v->ctx, dma_register, dma_unregister) != 0)
        return -errno;
    v->callers = callers_new(mend_listen_fd(v->ctx));
    if (v->callers == NULL)
        return -errno;
    vdev_watch(v);
    return 0;
}

int vdev_add_region(struct vdev *v, int index, uint32_t len_bytes, int flags, const struct vdev_area *areas, uint32_t n,
                    int fd)
{
    struct iovec map[VDEV_AREAS_MAX];

    if (index < 0 || index >= (int)(sizeof(REGION) / sizeof(REGION[0])) || n > VDEV_AREAS_MAX ||
        v->region[index].access == NULL)
        return -EINVAL;
    for (uint32_t i = 0; i < n; i++) {
        map[i].iov_base = (void *)(uintptr_t)areas[i].offset;
        map[i].iov_len = areas[i].len_bytes;
        if (areas[i].len_bytes > v->area_bytes)
            v->area_bytes = areas[i].len_bytes;
    }
    if (vfu_setup_region(v->ctx, index, len_bytes, REGION[index], flags, n ? map : NULL, n, n ? fd : -1, 0) != 0)
        return -errno;
    v->region[index].len_bytes = len_bytes;
    return 0;
}

int vdev_realize(struct vdev *v, uint32_t msi, uint32_t msix)
{
    /* ERR and REQ are offered with no vector: we never raise them, and the library would store them as vector 0. */
    if (msi > VDEV_VECTORS || msix > VDEV_VECTORS)
        return -EINVAL;
    if (vfu_setup_device_nr_irqs(v->ctx, VFU_DEV_INTX_IRQ, 1) != 0 ||
        vfu_setup_device_nr_irqs(v->ctx, VFU_DEV_MSI_IRQ, msi) != 0 ||
        vfu_setup_device_nr_irqs(v->ctx, VFU_DEV_MSIX_IRQ, msix) != 0 ||
        vfu_setup_device_nr_irqs(v->ctx, VFU_DEV_ERR_IRQ, 0) != 0 ||
        vfu_setup_device_nr_irqs(v->ctx, VFU_DEV_REQ_IRQ, 0) != 0 ||
        vfu_setup_irq_state_callback(v->ctx, VFU_DEV_INTX_IRQ, glue_intx_state) != 0 || vfu_realize_ctx(v->ctx) != 0)
        return -errno;
    v->msix_max = msix;
    return 0;
}

int vdev_set_intx_msi(struct vdev *v, uint32_t intx, uint32_t msi)
{
    if (intx > 1 || msi > 1)
        return -EINVAL;
    if (vfu_setup_device_nr_irqs(v->ctx, VFU_DEV_INTX_IRQ, intx) != 0 ||
        vfu_setup_device_nr_irqs(v->ctx, VFU_DEV_MSI_IRQ, msi) != 0)
        return -errno;
    return 0;
}

int vdev_set_msix(struct vdev *v, uint32_t msix)
{
    if (msix > v->msix_max)
        return -EINVAL;
    return vfu_setup_device_nr_irqs(v->ctx, VFU_DEV_MSIX_IRQ, msix) == 0 ? 0 : -errno;
}
