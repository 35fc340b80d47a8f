/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes of a vfio-user connection, with a deadline: whole, or the connection is broken for good.
 *
 * Owner of the byte stream is whoever holds the client's lock.  Anything that leaves the stream in an unknown state (timeout,
 * short reply) breaks it: the next byte could belong to any message.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "mmio.h"
#include "vfu_client.h"
#include "vfu_stream.h"

#define LOOK_LONGEST_MS 20           /* between two looks whether the server has read something */

int64_t vfu_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* When the answer to a question asked now is too late. */
int64_t vfu_deadline_ms(const struct vfu_client *c)
{
    return c->timeout_ms ? vfu_now_ms() + c->timeout_ms : VFU_NEVER_MS;
}

/* Shut the socket too: other clients on the same one (a BAR each, sharing the lock) must not go on either. */
int vfu_broken(struct vfu_client *c, int rc)
{
    if (c->error == 0) {
        c->error = rc;
        if (rc == -ETIMEDOUT && ioctl(c->fd, SIOCOUTQ, &c->unread_bytes) < 0)
            c->unread_bytes = 0;
        shutdown(c->fd, SHUT_RDWR);
    }
    return c->error;
}

/* What a failed send or recv means: 0 = try again.  A signal ends a wait that would have no end: Python acts on it only
 * after the return. */
static int trouble(int64_t deadline)
{
    if (errno == EINTR && deadline == VFU_NEVER_MS)
        return -EINTR;
    if (errno == EINTR && vfu_now_ms() < deadline)
        return 0;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? -ETIMEDOUT : -errno;
}

/* The kernel calls a UNIX socket writable only when three quarters of what it holds were read, and wakes nobody before:
 * with a slow server that can take the whole deadline, though there is room for one message long before.  So the wait is
 * cut into short ones, and after each the caller tries again.  What fits into the socket is all that ever waits. */
static int wait_for_room(const struct vfu_client *c, int64_t deadline, int *look_ms)
{
    struct pollfd fd = {.fd = c->fd, .events = POLLOUT};
    int64_t left_ms = deadline - vfu_now_ms();

    if (left_ms <= 0)
        return -ETIMEDOUT;
    if (poll(&fd, 1, *look_ms < left_ms ? *look_ms : (int)left_ms) < 0)
        return trouble(deadline);
    *look_ms = *look_ms * 2 < LOOK_LONGEST_MS ? *look_ms * 2 : LOOK_LONGEST_MS;
    return 0;
}

int vfu_send(struct vfu_client *c, struct msghdr *msg, size_t left, int64_t deadline)
{
    int look_ms = 1;

    while (left > 0) {
        ssize_t n = sendmsg(c->fd, msg, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0) {
            int rc = errno == EAGAIN || errno == EWOULDBLOCK ? wait_for_room(c, deadline, &look_ms) : trouble(deadline);
            if (rc)
                return vfu_broken(c, rc);
            continue;
        }
        left -= (size_t)n;
        msg->msg_controllen = 0;         /* fds went with the first byte */
        msg->msg_control = NULL;
        while (msg->msg_iovlen > 0 && (size_t)n >= msg->msg_iov->iov_len) {
            n -= (ssize_t)msg->msg_iov->iov_len;
            msg->msg_iov++;
            msg->msg_iovlen--;
        }
        if (left > 0) {
            msg->msg_iov->iov_base = (char *)msg->msg_iov->iov_base + n;
            msg->msg_iov->iov_len -= (size_t)n;
            if (vfu_now_ms() >= deadline)
                return vfu_broken(c, -ETIMEDOUT);
        }
    }
    return 0;
}

static int take_fds(struct msghdr *msg, struct vfu_inbox *in)
{
    for (struct cmsghdr *cm = CMSG_FIRSTHDR(msg); cm; cm = CMSG_NXTHDR(msg, cm)) {
        if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(cm) + i * sizeof fd, sizeof fd);
            if (in->count < in->max)
                in->fds[in->count++] = fd;
            else
                close(fd);
        }
    }
    return msg->msg_flags & MSG_CTRUNC ? -EPROTO : 0;
}

/* `in` NULL: no fds expected, none accepted. */
ssize_t vfu_recv_some(struct vfu_client *c, void *buf, size_t most, struct vfu_inbox *in, int64_t deadline)
{
    for (;;) {
        union {
            struct cmsghdr align;
            char bytes[CMSG_SPACE(sizeof(int) * VFU_FDS_MAX)];
        } control;
        struct iovec iov = {buf, most};
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
        if (in) {
            msg.msg_control = control.bytes;
            msg.msg_controllen = sizeof control.bytes;
        }
        ssize_t n = recvmsg(c->fd, &msg, MSG_CMSG_CLOEXEC);
        if (n == 0)
            return vfu_broken(c, -ECONNRESET);
        if (n < 0) {
            int rc = trouble(deadline);
            if (rc)
                return vfu_broken(c, rc);
            continue;
        }
        if (in && take_fds(&msg, in) < 0)
            return vfu_broken(c, -EPROTO);
        return n;
    }
}

/* Exactly `len` bytes, never more: fds belong to the bytes they came with. */
int vfu_recv(struct vfu_client *c, void *buf, size_t len, struct vfu_inbox *in, int64_t deadline)
{
    size_t got = 0;

    while (got < len) {
        ssize_t n = vfu_recv_some(c, (char *)buf + got, len - got, in, deadline);
        if (n < 0)
            return (int)n;
        got += (size_t)n;
        if (got < len && vfu_now_ms() >= deadline)
            return vfu_broken(c, -ETIMEDOUT);
    }
    return 0;
}
