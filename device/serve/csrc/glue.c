/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <syslog.h>

#include "libvfio-user.h"
#include "machine/irq.h"
#include "callers.h"
#include "conn.h"
#include "mend.h"
#include "glue.h"

static struct vdev *of(vfu_ctx_t *ctx)
{
    return vfu_get_private(ctx);
}

/* What the loop waits for: somebody to come, the client to speak, or the client to fetch its answer. */
static void watch(struct vdev *v)
{
    if (v->conn == NULL)
        *v->watch = v->callers->wait_fd;
    else if (v->hold.body != NULL)
        *v->watch = v->hold.watch_fd;
    else
        *v->watch = v->conn->unsent != NULL ? v->conn->wait_fd : v->conn_fd;
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
        return -ENOMEM;
    watch(v);
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

int vdev_set_msix(struct vdev *v, uint32_t msix)
{
    if (msix > v->msix_max)
        return -EINVAL;
    return vfu_setup_device_nr_irqs(v->ctx, VFU_DEV_MSIX_IRQ, msix) == 0 ? 0 : -errno;
}

static int attach(struct vdev *v)
{
    int work = callers_tend(v);

    do {
        v->conn = callers_pick(v->callers);
        if (v->conn == NULL)
            return work;
        work++;
        if (vfu_attach_ctx(v->ctx) == 0)
            break;
        v->count.refused++;
    } while (v->conn == NULL);
    v->count.sessions++;
    v->conn_fd = v->conn->fd;
    watch(v);
    v->without_fd_before = v->count.dma_without_fd;
    v->files = 0;
    if (v->on_client != NULL)
        v->on_client(v->self, 1);
    return work;
}

static void detached(struct vdev *v)
{
    hold_end(v);
    v->multi_waits = 0;
    v->multi_done = v->multi_refused = 0;
    v->behind_ns = 0;
    v->conn_fd = -1;
    watch(v);
    if (v->on_client != NULL)
        v->on_client(v->self, 0);
}

void vdev_drop(struct vdev *v)
{
    if (v->conn_fd == -1)
        return;
    v->count.dropped++;
    mend_drop_client(v->ctx);
    detached(v);
}

void vdev_tend(struct vdev *v)
{
    if (v->conn_fd != -1)
        (void)callers_tend(v);
}

/* An answer that the client has not fetched: nothing more is read from it until it has. */
static int fetch_run(struct vdev *v)
{
    int rc = conn_flush(v->conn);

    if (rc > 0) {
        watch(v);
        return 1;
    }
    if (rc == 0 && !conn_late(v->conn))
        return 0;
    if (rc == 0)
        vfu_log(v->ctx, LOG_ERR, "dropping a client: it has not read its answers for %u s", SOCKET_DEADLINE_MS / 1000);
    vdev_drop(v);
    return 1;
}

/* As burst_run(), with what follows from it. */
static int run_burst(struct vdev *v)
{
    int rc = burst_run(v);

    if (rc > 0) {
        burst_found(v, false);
        if (v->conn != NULL)
            watch(v);
    }
    return rc;
}

/* One request a call: the loop calls again while there is work and the turn's budget lasts, and looks at its other
 * sources in between. */
int vdev_run(void *arg)
{
    struct vdev *v = arg;
    struct conn *c = v->conn;
    uint64_t taken;
    uint32_t cost;
    int skips, rc;

    if (v->conn_fd == -1)
        return attach(v);
    if (v->hold.body != NULL) {
        v->behind_ns = 0;               /* nothing is read meanwhile: the fault's doing, not the client's */
        rc = hold_run(v, mend_send_held);
        watch(v);
        return rc;
    }
    if (c->unsent != NULL)
        return fetch_run(v);
    if (v->hold_ns != NULL)
        *v->hold_ns = 0;                /* from an access that wanted no answer: the next one's is not to be kept */
    rc = v->pieces == NULL ? run_burst(v) : 0;      /* a long access in pieces comes first */
    if (rc > 0)
        return rc;
    taken = c->taken;
    cost = c->cost;
    skips = c->empty;
    rc = vfu_run_ctx(v->ctx);
    if (rc < 0 && errno == EINTR)
        return 0;
    if (rc < 0 && errno != ENOTCONN) {
        vdev_drop(v);
        return 1;
    }
    /* When a reply cannot be sent the library lets go of the client and reports success. */
    if (rc < 0 || v->conn == NULL) {
        detached(v);
        return 1;
    }
    if (v->multi_waits) {
        v->multi_waits = 0;
        return run_burst(v);
    }
    watch(v);
    if (c->taken != taken || !skips)
        burst_found(v, c->taken == taken);
    v->count.requests += c->taken - taken;
    return (int)(c->cost - cost);
}

int vdev_dma_regions(struct vdev *v)
{
    return v->ctx == NULL ? 0 : mend_dma_regions(v->ctx);
}
