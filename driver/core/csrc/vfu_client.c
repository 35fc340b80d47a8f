/* SPDX-License-Identifier: BSD-3-Clause */
/* vfio-user client: one socket, one request at a time, every wait bounded.
 *
 * Owner of the byte stream is whoever holds the lock.  Anything that leaves the stream in an unknown state (timeout, short
 * reply, foreign id) breaks the connection for good: the next byte could belong to any message.  The socket itself
 * belongs to the caller; vfu_client_close only shuts it down, so a thread that waits in here wakes up.
 *
 * Servers of the libvfio-user family read a body with one recv, so every message leaves in one sendmsg and stays small.
 * Registers are read in vfu_reads.c.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include "mmio.h"
#include "turns.h"
#include "vfu_client.h"
#include "vfu_stream.h"

#define FLAG_REPLY 1u
#define FLAG_ERROR 0x20u
#define TYPE_BITS 0xFu
#define BODY_MAX 131072u
#define ERRNO_MAX 4095u

int vfu_client_open(struct vfu_client *c, int fd, int timeout_ms)
{
    /* The kernel keeps the time of a single recv; vfu_stream.c keeps the time of the whole, and of a send. */
    struct timeval limit = {timeout_ms / 1000, (timeout_ms % 1000) * 1000};
    if (timeout_ms < 0)
        return -EINVAL;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit))
        return -errno;
    if (c->lock == NULL)
        c->lock = turns_new();
    if (c->lock == NULL)
        return -ENOMEM;
    c->fd = fd;
    c->timeout_ms = timeout_ms;
    c->error = 0;
    return 0;
}

void vfu_client_close(struct vfu_client *c)
{
    if (c->lock == NULL || c->fd < 0)
        return;
    shutdown(c->fd, SHUT_RDWR);          /* wakes a thread that waits for a reply; it lets go of the lock */
    turns_take(c->lock);
    vfu_broken(c, -ENODEV);
    c->fd = -1;
    turns_give(c->lock);
}

void vfu_client_free(struct vfu_client *c)
{
    turns_free(c->lock);
    c->lock = NULL;
}

/* Is this the reply we wait for?  0 yes, else -errno; a plain refusal by the server leaves the connection sound. */
int vfu_judge(struct vfu_client *c, const struct vfu_header *reply, const struct vfu_header *request)
{
    if (reply->id != request->id || reply->command != request->command || (reply->flags & TYPE_BITS) != FLAG_REPLY ||
        reply->size < sizeof *reply)
        return vfu_broken(c, -EPROTO);
    if (!(reply->flags & FLAG_ERROR))
        return 0;
    if (reply->size != sizeof *reply)
        return vfu_broken(c, -EPROTO);
    return reply->error == 0 || reply->error > ERRNO_MAX ? -EIO : -(int)reply->error;
}

struct vfu_header vfu_request(struct vfu_client *c, uint16_t command, uint32_t body_bytes, uint32_t flags)
{
    struct vfu_header h = {c->id++, command, (uint32_t)sizeof h + body_bytes, flags, 0};
    return h;
}

static int call_locked(struct vfu_client *c, uint16_t command, struct msghdr *msg, uint32_t body_bytes, void *reply,
                       uint32_t reply_bytes, struct vfu_inbox *in)
{
    struct vfu_header ask = vfu_request(c, command, body_bytes, 0), answer;
    int64_t deadline = vfu_deadline_ms(c);
    msg->msg_iov[0] = (struct iovec){&ask, sizeof ask};
    int rc = vfu_send(c, msg, sizeof ask + body_bytes, deadline);
    if (rc == 0)
        rc = vfu_recv(c, &answer, sizeof answer, in, deadline);
    if (rc == 0)
        rc = vfu_judge(c, &answer, &ask);
    if (rc < 0)
        return rc;
    uint32_t len = answer.size - (uint32_t)sizeof answer;
    if (len > reply_bytes)
        return vfu_broken(c, -EPROTO);
    rc = vfu_recv(c, reply, len, in, deadline);
    return rc < 0 ? rc : (int)len;
}

int vfu_client_call(struct vfu_client *c, uint16_t command, const void *body, uint32_t body_bytes, const int *fds,
                    uint32_t fd_count, void *reply, uint32_t reply_bytes, int *reply_fds, uint32_t reply_fd_max)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * VFU_FDS_MAX)];
    } control;
    struct iovec iov[2] = {{NULL, 0}, {(void *)(uintptr_t)body, body_bytes}};
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = body_bytes ? 2 : 1};
    struct vfu_inbox in = {reply_fds, reply_fd_max, 0};

    for (uint32_t i = 0; i < reply_fd_max; i++)
        reply_fds[i] = -1;
    if (body_bytes > BODY_MAX || reply_bytes > BODY_MAX || fd_count > VFU_FDS_MAX)
        return -EMSGSIZE;
    if (c->lock == NULL)
        return -ENODEV;
    if (fd_count > 0) {
        memset(&control, 0, sizeof control);
        msg.msg_control = control.bytes;
        msg.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);
        cm->cmsg_level = SOL_SOCKET;
        cm->cmsg_type = SCM_RIGHTS;
        cm->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memcpy(CMSG_DATA(cm), fds, sizeof(int) * fd_count);
    }
    turns_take(c->lock);
    int rc = c->error ? c->error : call_locked(c, command, &msg, body_bytes, reply, reply_bytes, &in);
    turns_give(c->lock);
    for (uint32_t i = 0; rc < 0 && i < in.count; i++) {
        close(reply_fds[i]);
        reply_fds[i] = -1;
    }
    return rc;
}

struct write_message {
    struct vfu_header header;
    struct vfu_access access;
    uint32_t value;
} __attribute__((packed));

/* Posted: nobody answers, later reads on the same socket are ordered behind it.  Nothing is queued here: a server that
 * does not read fills the socket, and then this waits as long as for an answer, and breaks the connection. */
int vfu_client_write32(void *client, uint64_t offset, uint32_t value)
{
    struct vfu_client *c = client;
    struct write_message post = {.access = {offset, c->region, sizeof value}, .value = value};
    struct iovec iov = {&post, sizeof post};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

    if (c->lock == NULL)
        return -ENODEV;
    turns_take(c->lock);
    int rc = c->error;
    if (rc == 0) {
        post.header = vfu_request(c, VFU_REGION_WRITE, sizeof post - sizeof post.header, VFU_NO_REPLY);
        rc = vfu_send(c, &msg, sizeof post, vfu_deadline_ms(c));
    }
    turns_give(c->lock);
    return rc;
}
