/* SPDX-License-Identifier: BSD-3-Clause */
/* An answer that is kept for a while: how a fault makes a register slow without anybody else waiting.
 *
 * Meanwhile nothing is read from this client, so its later requests stay in order behind the answer; the loop waits for
 * the timer and for the client's end, by way of one epoll descriptor in place of the socket.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "glue.h"
#include "mend.h"

#define NS_PER_S 1000000000ull

void hold_end(struct vdev *v)
{
    struct vdev_hold *hold = &v->hold;

    if (hold->timer_fd >= 0)
        close(hold->timer_fd);
    if (hold->watch_fd >= 0)
        close(hold->watch_fd);
    free(hold->body);
    *hold = (struct vdev_hold){.timer_fd = -1, .watch_fd = -1};
}

static int wake_after(struct vdev_hold *hold, int conn_fd, uint64_t ns)
{
    const struct itimerspec due = {.it_value = {.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)}};
    struct epoll_event timer = {.events = EPOLLIN}, gone = {.events = EPOLLRDHUP};

    hold->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    hold->watch_fd = epoll_create1(EPOLL_CLOEXEC);
    if (hold->timer_fd < 0 || hold->watch_fd < 0 || timerfd_settime(hold->timer_fd, 0, &due, NULL) < 0 ||
        epoll_ctl(hold->watch_fd, EPOLL_CTL_ADD, hold->timer_fd, &timer) < 0 ||
        epoll_ctl(hold->watch_fd, EPOLL_CTL_ADD, conn_fd, &gone) < 0)
        return -errno;
    return 0;
}

int hold_reply(struct vdev *v, uint16_t id, uint16_t command, const void *body, size_t body_bytes, int error)
{
    struct vdev_hold *hold = &v->hold;
    uint64_t ns = v->hold_ns == NULL ? 0 : *v->hold_ns;

    if (ns == 0)
        return 0;
    *v->hold_ns = 0;
    hold->body = malloc(body_bytes + 1);
    if (hold->body == NULL || wake_after(hold, v->conn_fd, ns) < 0) {
        hold_end(v);                    /* then it is answered at once */
        return 0;
    }
    if (body_bytes)
        memcpy(hold->body, body, body_bytes);
    hold->body_bytes = body_bytes;
    hold->id = id;
    hold->command = command;
    hold->error = error;
    return 1;
}

int hold_run(struct vdev *v, int (*send)(struct vdev *v))
{
    struct epoll_event event;
    uint64_t expired;
    int due, rc = 1;

    if (epoll_wait(v->hold.watch_fd, &event, 1, 0) <= 0)
        return 0;
    due = read(v->hold.timer_fd, &expired, sizeof(expired)) == sizeof(expired);
    if (due)
        rc = send(v);
    hold_end(v);                        /* sent, or the client is gone: its socket tells */
    return rc;
}
