/* SPDX-License-Identifier: BSD-3-Clause */
/* A connection, and what comes in at it; what goes out is conn_reply.c. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "conn.h"
#include "mend.h"

#define NS_PER_S 1000000000ull
#define NS_PER_MS 1000000ull
#define HEADER_BYTES sizeof(struct vfio_user_header)

uint64_t conn_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

struct conn *conn_new(int fd)
{
    struct conn *c = malloc(sizeof(*c));

    if (c == NULL)
        return NULL;
    memset(c, 0, offsetof(struct conn, ahead));
    c->fd = fd;
    c->unsent_fd = c->wait_fd = -1;
    c->since_ns = conn_now_ns();      /* the handshake's time runs from here */
    return c;
}

static void close_fds(struct conn *c)
{
    for (uint32_t i = 0; i < c->fd_count; i++)
        if (c->fds[i] >= 0)
            (void)mend_let_go(c->fds[i]);
    c->fd_count = 0;
}

void conn_free(struct conn *c)
{
    if (c == NULL)
        return;
    close_fds(c);
    if (c->wait_fd >= 0)
        close(c->wait_fd);
    free(c->large);
    free(c->spent);
    free(c->unsent);
    free(c);
}

static uint64_t age_ms(uint64_t since_ns)
{
    return since_ns == 0 ? 0 : (conn_now_ns() - since_ns) / NS_PER_MS;
}

int conn_late(const struct conn *c)
{
    return age_ms(c->unsent != NULL ? c->unsent_ns : c->since_ns) >= SOCKET_DEADLINE_MS;
}

void conn_resume(struct conn *c)
{
    if (c->since_ns != 0)
        c->since_ns = conn_now_ns();
}

static struct vfio_user_header header_at(const struct conn *c, uint32_t at)
{
    struct vfio_user_header header;

    memcpy(&header, c->ahead + at, sizeof(header));
    return header;
}

static int possible(const struct vfio_user_header *header)
{
    return header->flags.type == VFIO_USER_F_TYPE_COMMAND && header->msg_size >= HEADER_BYTES &&
           header->msg_size <= CONN_MESSAGE_MAX_BYTES;
}

static int not_whole(struct conn *c)
{
    if (c->since_ns == 0 && (c->end > c->start || c->large != NULL))
        c->since_ns = conn_now_ns();
    return 0;
}

int conn_next(struct conn *c, struct conn_message *message)
{
    const uint8_t *bytes = c->ahead + c->start;
    uint32_t have = c->end - c->start;
    struct vfio_user_header header;

    free(c->spent);
    c->spent = NULL;
    if (c->large != NULL) {
        bytes = c->large;
        have = c->large_have;
        memcpy(&header, bytes, sizeof(header));
    } else {
        if (have < HEADER_BYTES)
            return not_whole(c);
        header = header_at(c, c->start);
    }
    message->header = header;
    if (!possible(&header))
        return -EBADMSG;
    if (have < header.msg_size && header.msg_size > sizeof(c->ahead) && c->large == NULL) {
        c->large = malloc(header.msg_size);
        if (c->large == NULL)
            return -ENOMEM;
        memcpy(c->large, bytes, have);
        c->large_bytes = header.msg_size;
        c->large_have = have;
        c->start = c->end = c->fds_at = 0;      /* its descriptors, if any came, stay with it */
    }
    if (have < header.msg_size)
        return not_whole(c);
    c->since_ns = 0;
    message->body = bytes + HEADER_BYTES;
    message->body_bytes = header.msg_size - HEADER_BYTES;
    message->fds = c->fds;
    message->fd_count = c->fds_at == c->start ? c->fd_count : 0;
    return 1;
}

void conn_take(struct conn *c)
{
    uint32_t len = c->large != NULL ? c->large_bytes : header_at(c, c->start).msg_size;

    if (c->fds_at == c->start)
        close_fds(c);
    if (c->large != NULL) {
        c->spent = c->large;
        c->large = NULL;
    } else {
        c->start += len;
    }
    c->taken++;
    c->cost += 1 + len / SOCKET_MESSAGE_BYTES;
}

/* How much may be read now.  While a message is on its way that has descriptors, only the rest of it: those of a later
 * one would have no place. */
static size_t room(const struct conn *c)
{
    uint32_t have = c->end - c->start;

    if (c->fd_count == 0)
        return sizeof(c->ahead) - c->end;
    return (have < HEADER_BYTES ? HEADER_BYTES : header_at(c, c->start).msg_size) - have;
}

/* Where the last message begins of which something is there. */
static uint32_t last_begun(const struct conn *c)
{
    uint32_t at = c->start;

    while (c->end - at >= HEADER_BYTES) {
        struct vfio_user_header header = header_at(c, at);

        if (!possible(&header) || header.msg_size >= c->end - at)
            break;
        at += header.msg_size;
    }
    return at;
}

/* Closing the last descriptor of a TCP socket that lingers waits for its other end: not here, whoever has it later. */
static void without_linger(int fd)
{
    const struct linger off = {0};

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof(off));   /* what is no socket has none */
}

/* Descriptors travel with the first byte of what one sendmsg() sent, and a read ends with those bytes.  So they belong to
 * the last message that begins in what was read (Ref: Linux, unix(7), SCM_RIGHTS: they are a barrier in the stream). */
static int keep_fds(struct conn *c, struct msghdr *msg)
{
    for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg != NULL; cmsg = CMSG_NXTHDR(msg, cmsg)) {
        const size_t count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
            continue;
        if (c->fd_count == 0 && c->large == NULL)
            c->fds_at = last_begun(c);
        for (size_t i = 0; i < count; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(fd));
            without_linger(fd);
            if (c->fd_count < CONN_FDS)
                c->fds[c->fd_count++] = fd;
            else
                (void)mend_let_go(fd);
        }
    }
    return msg->msg_flags & MSG_CTRUNC ? -EMFILE : 0;
}

int conn_fill(struct conn *c)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * CONN_FDS)];
    } control;
    struct iovec iov;
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    ssize_t got;

    if (c->empty) {                   /* then look at others first; the next call reads */
        c->empty = 0;
        return 0;
    }
    if (c->large != NULL) {
        iov = (struct iovec){c->large + c->large_have, c->large_bytes - c->large_have};
    } else {
        if (c->start > 0) {
            memmove(c->ahead, c->ahead + c->start, c->end - c->start);
            c->fds_at -= c->fd_count ? c->start : c->fds_at;
            c->end -= c->start;
            c->start = 0;
        }
        iov = (struct iovec){c->ahead + c->end, room(c)};
    }
    got = recvmsg(c->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -errno;
    if (c->large != NULL) {
        c->large_have += (uint32_t)got;
        c->cost++;
        if (keep_fds(c, &msg) < 0)
            return -EMFILE;
        return got == 0 ? -ENOMSG : 1;
    }
    c->end += (uint32_t)got;
    c->empty = (size_t)got < iov.iov_len && msg.msg_controllen == 0;
    if (keep_fds(c, &msg) < 0)
        return -EMFILE;
    if (got == 0)
        return -ENOMSG;
    return 1;
}
