/* SPDX-License-Identifier: BSD-3-Clause */
/* What goes out at a connection: an answer goes at once, or is kept until it can. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "conn.h"

static ssize_t send_some(int sock, const struct iovec *iov, size_t count, int fd)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.align = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))}};
    struct msghdr msg = {.msg_iov = (struct iovec *)iov, .msg_iovlen = count};
    ssize_t sent;

    if (fd >= 0) {
        memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
        msg.msg_control = &control;
        msg.msg_controllen = sizeof(control.bytes);
    }
    sent = sendmsg(sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -errno;
    return sent;
}

/* Whoever polls wait_fd wakes when there is room again, or the client is gone. */
static int begin_waiting(struct conn *c)
{
    struct epoll_event can_send = {.events = EPOLLOUT};

    c->unsent_ns = conn_now_ns();
    if (c->wait_fd >= 0)
        return 0;
    c->wait_fd = epoll_create1(EPOLL_CLOEXEC);
    if (c->wait_fd < 0 || epoll_ctl(c->wait_fd, EPOLL_CTL_ADD, c->fd, &can_send) < 0)
        return -errno;
    return 0;
}

void conn_hang_up(struct conn *c)
{
    (void)shutdown(c->fd, SHUT_RDWR);
}

static void copy_pieces(uint8_t *to, const struct iovec *iov, size_t count)
{
    for (size_t i = 0; i < count; to += iov[i++].iov_len)
        if (iov[i].iov_len)
            memcpy(to, iov[i].iov_base, iov[i].iov_len);
}

/* Behind what has not left yet: reads that came together, the last of which was answered late. */
static int keep_more(struct conn *c, const struct iovec *iov, size_t count, size_t total, int fd)
{
    uint8_t *more = fd < 0 ? realloc(c->unsent, c->unsent_bytes + total) : NULL;

    if (more == NULL)
        return fd < 0 ? -ENOMEM : -EBUSY;     /* a descriptor leaves with the first byte of all */
    copy_pieces(more + c->unsent_bytes, iov, count);
    c->unsent = more;
    c->unsent_bytes += total;
    return 0;
}

/* All of it leaves, or what does not is kept. */
static int send_or_keep(struct conn *c, const struct iovec *iov, size_t count, int fd)
{
    ssize_t sent;
    size_t total = 0;

    for (size_t i = 0; i < count; i++)
        total += iov[i].iov_len;
    c->cost += (uint32_t)(total / SOCKET_MESSAGE_BYTES);
    if (c->unsent != NULL)
        return keep_more(c, iov, count, total, fd);
    sent = send_some(c->fd, iov, count, fd);
    if (sent < 0 || (size_t)sent == total)
        return sent < 0 ? (int)sent : 0;
    c->unsent = malloc(total);
    if (c->unsent == NULL)
        return -ENOMEM;
    copy_pieces(c->unsent, iov, count);
    c->unsent_bytes = total;
    c->unsent_at = (size_t)sent;
    c->unsent_fd = sent == 0 ? fd : -1;
    return begin_waiting(c);
}

static struct vfio_user_header header_of(uint16_t id, uint16_t command, int error, size_t body_bytes)
{
    struct vfio_user_header header = {.msg_id = id, .cmd = command, .flags = {.type = VFIO_USER_F_TYPE_REPLY}};

    header.msg_size = (uint32_t)(sizeof(header) + body_bytes);
    if (error != 0) {
        header.flags.error = 1;
        header.error_no = (uint32_t)error;
    }
    return header;
}

int conn_reply(struct conn *c, uint16_t id, uint16_t command, int error, struct iovec *iov, size_t count, int fd)
{
    struct vfio_user_header header;
    size_t body_bytes = 0;

    for (size_t i = 1; i < count; i++)
        body_bytes += iov[i].iov_len;
    header = header_of(id, command, error, body_bytes);
    iov[0] = (struct iovec){&header, sizeof(header)};
    return send_or_keep(c, iov, count, fd);
}

void conn_gather(struct conn_answers *to, uint16_t id, uint16_t command, int error, const void *body, size_t body_bytes)
{
    const struct vfio_user_header header = header_of(id, command, error, body_bytes);

    memcpy(to->data + to->bytes, &header, sizeof(header));
    memcpy(to->data + to->bytes + sizeof(header), body, body_bytes);
    to->bytes += sizeof(header) + body_bytes;
}

int conn_send_gathered(struct conn *c, struct conn_answers *from)
{
    const struct iovec iov = {from->data, from->bytes};

    if (from->bytes == 0)
        return 0;
    from->bytes = 0;
    return send_or_keep(c, &iov, 1, -1);
}

int conn_flush(struct conn *c)
{
    struct iovec rest = {c->unsent + c->unsent_at, c->unsent_bytes - c->unsent_at};
    ssize_t sent = send_some(c->fd, &rest, 1, c->unsent_fd);

    if (sent < 0)
        return (int)sent;
    if (sent > 0)
        c->unsent_fd = -1;
    c->unsent_at += (size_t)sent;
    c->cost += 1 + (uint32_t)((size_t)sent / SOCKET_MESSAGE_BYTES);
    if (c->unsent_at < c->unsent_bytes)
        return 0;
    free(c->unsent);
    c->unsent = NULL;
    conn_resume(c);
    return 1;
}
