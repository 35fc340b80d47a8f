/* SPDX-License-Identifier: BSD-3-Clause */
/* One frame at a time: from its doorbell to the moment when a driver that spins, or is woken by its interrupt, holds it. */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include "mmio.h"
#include "rings.h"
#include "traffic.h"
#include "latency.h"

#define GIVE_UP_MS 2000
#define WAKES_MAX 8                      /* interrupts for one frame: that it has left, and that it is here */
#define QUIET_MS 1                       /* an interrupt that is left over comes sooner */
#define CLEAN_MAX 64

static void arm(const struct latency *l, const struct traffic_calls *calls)
{
    calls->write32(l->rx->bar, l->rearm_offset, l->rearm_value);
}

/* Arm the vector so that nothing is left over that would wake us at once: an interrupt masks it again. */
static void arm_quietly(const struct latency *l, const struct traffic_calls *calls)
{
    struct pollfd fd = { .fd = l->irq_fd, .events = POLLIN };
    uint64_t fired;

    for (int wakes = 0; wakes < WAKES_MAX; wakes++) {
        arm(l, calls);
        if (poll(&fd, 1, QUIET_MS) != 1)
            return;
        (void)!read(l->irq_fd, &fired, sizeof fired);
    }
}

/* Spin until the frame is there; 0, or -errno. */
static int spin(const struct latency *l, const struct traffic_calls *calls, struct rx_frame *got, uint64_t start_ns)
{
    for (uint64_t looks = 1;; looks++) {
        if (calls->harvest(l->rx, got, 1) > 0)
            return 0;
        if (looks % 4096 == 0 && calls->now() - start_ns > GIVE_UP_MS * 1000000ull)
            return l->rx->bar->error ? l->rx->bar->error : -ETIMEDOUT;
    }
}

/* Sleep until the interrupt brings it; one that came for something else is answered, as NAPI does. */
static int sleep_for(const struct latency *l, const struct traffic_calls *calls, struct rx_frame *got)
{
    for (int wakes = 0; wakes < WAKES_MAX; wakes++) {
        struct pollfd fd = { .fd = l->irq_fd, .events = POLLIN };
        uint64_t fired;

        if (poll(&fd, 1, GIVE_UP_MS) != 1 || read(l->irq_fd, &fired, sizeof fired) != sizeof fired)
            return -ETIMEDOUT;
        if (calls->harvest(l->rx, got, 1) > 0)
            return 0;
        arm(l, calls);
    }
    return -ETIMEDOUT;
}

int latency_run(const struct latency *l, const struct traffic_calls *calls)
{
    for (uint32_t i = 0; i < l->times; i++) {
        struct rx_frame got;
        uint64_t start_ns;
        int rc;

        if (l->irq_fd >= 0)
            arm_quietly(l, calls);
        if (l->pause_us) {
            usleep(l->pause_us);
            l->tx->bar->slept = 1;           /* as napi_run() notes after a sleep */
        }
        start_ns = calls->now();
        if (calls->post(l->tx, l->frame, l->len_bytes, NULL) < 0)
            return -EAGAIN;
        calls->flush(l->tx);
        rc = l->irq_fd < 0 ? spin(l, calls, &got, start_ns) : sleep_for(l, calls, &got);
        if (rc < 0)
            return rc;
        l->out_ns[i] = calls->now() - start_ns;
        if (got.total_bytes != l->len_bytes || memcmp(got.data[0], l->frame, l->len_bytes) != 0)
            return -EBADMSG;
        calls->refill(l->rx);
        calls->clean(l->tx, CLEAN_MAX, start_ns);
    }
    return 0;
}
