/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "libvfio-user.h"
#include "machine/irq.h"
#include "callers.h"
#include "glue.h"

#define NS_PER_MS 1000000ull

struct callers *callers_new(int listen_fd)
{
    struct epoll_event coming = {.events = EPOLLIN};
    struct callers *callers = calloc(1, sizeof(*callers));

    if (callers == NULL)
        return NULL;
    callers->listen_fd = listen_fd;
    callers->wait_fd = epoll_create1(EPOLL_CLOEXEC);
    if (callers->wait_fd < 0 || epoll_ctl(callers->wait_fd, EPOLL_CTL_ADD, listen_fd, &coming) < 0) {
        int error = errno;

        callers_free(callers);
        errno = error;
        return NULL;
    }
    return callers;
}

static struct conn *remove_at(struct callers *callers, uint32_t at)
{
    struct conn *c = callers->caller[at];

    callers->count--;
    memmove(&callers->caller[at], &callers->caller[at + 1], (callers->count - at) * sizeof(callers->caller[0]));
    (void)epoll_ctl(callers->wait_fd, EPOLL_CTL_DEL, c->fd, NULL);
    return c;
}

static void send_away(struct callers *callers, uint32_t at)
{
    struct conn *c = remove_at(callers, at);
    int fd = c->fd;

    conn_free(c);
    close(fd);
}

void callers_free(struct callers *callers)
{
    if (callers == NULL)
        return;
    while (callers->count > 0)
        send_away(callers, 0);
    if (callers->wait_fd >= 0)
        close(callers->wait_fd);
    free(callers);
}

static uint32_t said_bytes(const struct conn *c)
{
    return c->large != NULL ? c->large_have : c->end - c->start;
}

/* A client that has left, though its session is not over yet, is no reason to turn anybody away. */
static int is_busy(const struct vdev *v)
{
    struct pollfd fd = {.fd = v->conn_fd, .events = POLLRDHUP};

    return v->conn_fd != -1 && poll(&fd, 1, 0) == 0;
}

static void turn_away(struct vdev *v, uint32_t at)
{
    struct conn *c = v->callers->caller[at];
    struct vfio_user_header header = {.cmd = VFIO_USER_VERSION};
    struct iovec iov[1];

    if (said_bytes(c) >= sizeof(header))
        memcpy(&header, c->ahead + c->start, sizeof(header));
    (void)conn_reply(c, header.msg_id, header.cmd, EBUSY, iov, 1, -1);
    v->count.turned_away++;
    if (v->on_turned_away != NULL)
        v->on_turned_away(v->self, c->fd, v->conn_fd);
    send_away(v->callers, at);
}

static void make_room(struct vdev *v, int busy)
{
    struct callers *callers = v->callers;

    for (uint32_t i = 0; i < callers->count; i++) {
        if (said_bytes(callers->caller[i]) == 0) {
            v->count.refused += !busy;
            send_away(callers, i);
            return;
        }
    }
    if (busy)
        turn_away(v, 0);
    else
        send_away(callers, 0);
}

/* Without descriptors or memory the queue stays as it is, and the listening socket readable: not looked at for a while,
 * so that nobody spins. */
static void be_deaf(struct vdev *v, const char *why)
{
    (void)epoll_ctl(v->callers->wait_fd, EPOLL_CTL_DEL, v->callers->listen_fd, NULL);
    v->callers->deaf_ns = conn_now_ns();
    vfu_log(v->ctx, LOG_ERR, "a client cannot be let in: %s; free some or raise the limit (RLIMIT_NOFILE)", why);
}

static void hear_again(struct callers *callers)
{
    struct epoll_event coming = {.events = EPOLLIN};

    if (callers->deaf_ns == 0 || conn_now_ns() - callers->deaf_ns < SOCKET_DEAF_MS * NS_PER_MS)
        return;
    callers->deaf_ns = 0;
    (void)epoll_ctl(callers->wait_fd, EPOLL_CTL_ADD, callers->listen_fd, &coming);
}

static int let_in(struct vdev *v, int busy)
{
    struct callers *callers = v->callers;
    int came = 0;

    while (came < SOCKET_CALLERS && callers->deaf_ns == 0) {
        struct epoll_event speaks = {.events = EPOLLIN};
        int fd = accept4(callers->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        struct conn *c;

        if (fd < 0) {
            if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR && errno != ECONNABORTED)
                be_deaf(v, strerror(errno));
            break;
        }
        came++;
        c = conn_new(fd);
        if (c == NULL || epoll_ctl(callers->wait_fd, EPOLL_CTL_ADD, fd, &speaks) < 0) {
            be_deaf(v, strerror(errno));
            conn_free(c);
            close(fd);
            break;
        }
        if (callers->count == SOCKET_CALLERS)
            make_room(v, busy);
        callers->caller[callers->count++] = c;
    }
    return came;
}

/* 1: its first message is whole, or never will be; 0: not yet; -1: it has left. */
static int listen_to(struct conn *c)
{
    struct conn_message message;
    int rc = conn_next(c, &message);

    if (rc == 0) {
        c->empty = 0;
        rc = conn_fill(c);
        if (rc > 0)
            rc = conn_next(c, &message);
        else if (rc < 0)
            return -1;
    }
    /* The longest handshake fits what is read ahead; nothing more is kept of a stranger. */
    return rc != 0 || c->large != NULL;
}

static void lose(struct vdev *v, uint32_t at, int busy, int late)
{
    struct conn *c = v->callers->caller[at];

    if (late && !busy)
        vfu_log(v->ctx, LOG_ERR, "a client that said %u bytes in %u s, and no whole handshake, was sent away",
                said_bytes(c), SOCKET_DEADLINE_MS / 1000);
    v->count.refused += !busy;
    send_away(v->callers, at);
}

int callers_tend(struct vdev *v)
{
    struct callers *callers = v->callers;
    struct epoll_event event;
    int busy, work;

    hear_again(callers);
    if (callers->count == 0 && epoll_wait(callers->wait_fd, &event, 1, 0) <= 0)
        return 0;
    busy = is_busy(v);
    work = let_in(v, busy);
    for (uint32_t at = 0; at < callers->count;) {
        struct conn *c = callers->caller[at];
        uint32_t before = callers->count;
        int rc = listen_to(c), late = rc == 0 && conn_late(c);

        if (rc < 0 || (late && (!busy || said_bytes(c) == 0)))
            lose(v, at, busy, late);
        else if (busy && (rc > 0 || late || said_bytes(c) >= sizeof(struct vfio_user_header)))
            turn_away(v, at);
        work += callers->count != before;
        at += callers->count == before;
    }
    return work;
}

struct conn *callers_pick(struct callers *callers)
{
    struct conn_message message;

    for (uint32_t at = 0; at < callers->count; at++)
        if (conn_next(callers->caller[at], &message) != 0 || callers->caller[at]->large != NULL)
            return remove_at(callers, at);
    return NULL;
}
