/* SPDX-License-Identifier: BSD-3-Clause */
/* One client after another: let in, heard a request at a time, and seen off. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <syslog.h>

#include "libvfio-user.h"
#include "callers.h"
#include "conn.h"
#include "mend.h"
#include "glue.h"

/* What the loop waits for: somebody to come, the client to speak, or the client to fetch its answer. */
void vdev_watch(struct vdev *v)
{
    if (v->conn == NULL)
        *v->watch = v->callers->wait_fd;
    else if (v->hold.body != NULL)
        *v->watch = v->hold.watch_fd;
    else
        *v->watch = v->conn->unsent != NULL ? v->conn->wait_fd : v->conn_fd;
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
    vdev_watch(v);
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
    vdev_watch(v);
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
        vdev_watch(v);
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
            vdev_watch(v);
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
        vdev_watch(v);
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
    vdev_watch(v);
    if (c->taken != taken || !skips)
        burst_found(v, c->taken == taken);
    v->count.requests += c->taken - taken;
    return (int)(c->cost - cost);
}

int vdev_dma_regions(struct vdev *v)
{
    return v->ctx == NULL ? 0 : mend_dma_regions(v->ctx);
}
