/* SPDX-License-Identifier: BSD-3-Clause */
/* tran_sock.c with deadlines, whole messages, and one descriptor per REGION_INFO reply.
 *
 * Mended: a client that connects and says nothing held the thread for ever (the handshake blocks even in non-blocking
 * mode), and so did one that never reads its replies.  A message body that arrived in two pieces left the stream out
 * of step; so did a header that cannot be right.  Where the stream can no longer be trusted the session ends.
 * A reply announced one descriptor per sparse area although all are the same file; QEMU takes one.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/param.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "private.h"

#define FDS_MAX 253                 /* the kernel's own limit for one message */
static int mend_accept(int listen_fd);
static int accepted;                /* the last attach got as far as accept(); one thread attaches */

/* The library's backlog of 0 sends a second client away with EAGAIN while the first is still being let in. */
#define listen(fd, backlog) listen(fd, SOMAXCONN)
#define accept(fd, addr, len) mend_accept(fd)
#define tran_sock_ops lib_tran_sock_ops
#include "tran_sock.c"
#undef tran_sock_ops
#undef accept
#undef listen

#include "mend.h"
#include "glue.h"

static int mend_accept(int listen_fd)
{
    int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);

    accepted = fd != -1;
#ifndef WITHOUT_DEADLINE
    if (fd != -1) {
        const struct timeval limit = {.tv_sec = MEND_DEADLINE_S};

        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    }
#endif
    return fd;
}

static int attach(vfu_ctx_t *ctx)
{
    int ret = tran_sock_attach(ctx);

    if (ret < 0 && accepted && (errno == EAGAIN || errno == EWOULDBLOCK))
        errno = ETIMEDOUT;
    accepted = 0;
#ifndef WITHOUT_ONE_FD
    /* The library refuses a client that takes fewer descriptors than there are areas; we only ever send one. */
    if (ret == 0 && ctx->client_max_fds > 0)
        ctx->client_max_fds = FDS_MAX;
#endif
    return ret;
}

static void close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
}

static int get_request_header(vfu_ctx_t *ctx, struct vfio_user_header *hdr, int *fds, size_t *nr_fds)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * FDS_MAX)];
    } control;
    const int sock = ((tran_sock_t *)ctx->tran_data)->conn_fd;
    struct iovec iov = {.iov_base = hdr, .iov_len = sizeof(*hdr)};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    ssize_t got;

    *nr_fds = 0;
    if (sock == -1)
        return ERROR_INT(ENOTCONN);
    got = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0)
        return -1;
    for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg); cmsg != NULL; cmsg = CMSG_NXTHDR(&msg, cmsg)) {
        if (cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS) {
            *nr_fds = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            memcpy(fds, CMSG_DATA(cmsg), *nr_fds * sizeof(int));
        }
    }
    if (got == 0)
        return ERROR_INT(ENOMSG);
    if ((size_t)got < sizeof(*hdr)) {
        ssize_t rest = recv(sock, (char *)hdr + got, sizeof(*hdr) - (size_t)got, MSG_WAITALL);

        got = rest < 0 ? got : got + rest;
    }
    if ((size_t)got < sizeof(*hdr) || (msg.msg_flags & MSG_CTRUNC)) {
        vfu_log(ctx, LOG_ERR, "dropping a client: %s",
                msg.msg_flags & MSG_CTRUNC ? "its file descriptors did not arrive (RLIMIT_NOFILE?)" : "half a header");
    } else if (hdr->flags.type != VFIO_USER_F_TYPE_COMMAND || hdr->msg_size < sizeof(*hdr) ||
               hdr->msg_size > SERVER_MAX_MSG_SIZE) {
        vfu_log(ctx, LOG_ERR, "dropping a client: no command can have type %u and size %u", hdr->flags.type,
                hdr->msg_size);
        (void)tran_sock_send_iovec(sock, hdr->msg_id, true, hdr->cmd, NULL, 0, NULL, 0, EINVAL);
    } else {
        return (int)got;
    }
    close_all(fds, *nr_fds);
    *nr_fds = 0;
    return ERROR_INT(ECONNRESET);
}

/* The library reads some of these structures before it looks at how long the message is. */
static bool long_enough(const vfu_msg_t *msg)
{
    const size_t len = msg->in.iov.iov_len;

    switch (msg->hdr.cmd) {
    case VFIO_USER_DMA_MAP:
        return len >= sizeof(struct vfio_user_dma_map);
    case VFIO_USER_DMA_UNMAP:
        return len >= sizeof(struct vfio_user_dma_unmap) &&
               !(((struct vfio_user_dma_unmap *)msg->in.iov.iov_base)->flags & VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP);
    case VFIO_USER_REGION_READ:
    case VFIO_USER_REGION_WRITE:
        return len >= sizeof(struct vfio_user_region_access);
    default:
        return true;
    }
}

static int recv_body(vfu_ctx_t *ctx, vfu_msg_t *msg)
{
    const int sock = ((tran_sock_t *)ctx->tran_data)->conn_fd;
    ssize_t got;

    if (sock == -1)
        return ERROR_INT(ENOTCONN);
    msg->in.iov.iov_base = malloc(msg->in.iov.iov_len);
    if (msg->in.iov.iov_base == NULL)
        return ERROR_INT(ENOMEM);
    got = recv(sock, msg->in.iov.iov_base, msg->in.iov.iov_len, MSG_WAITALL);
    if (got < 0 || (size_t)got != msg->in.iov.iov_len) {
        vfu_log(ctx, LOG_ERR, "dropping a client: %zd of %zu bytes of command %u came", got < 0 ? (ssize_t)0 : got,
                msg->in.iov.iov_len, msg->hdr.cmd);
        /* The next look at the socket finds its end, and the library cleans up as after any client that left. */
        (void)shutdown(sock, SHUT_RDWR);
        return ERROR_INT(ECONNRESET);
    }
    if (!long_enough(msg))
        return ERROR_INT(EINVAL);
    return 0;
}

/* A client that no longer takes it has left: the next look at its socket finds that out. */
int mend_send_held(struct vdev *v)
{
    struct iovec iov[2] = {{NULL, 0}, {.iov_base = v->hold.body, .iov_len = v->hold.body_bytes}};

    if (tran_sock_send_iovec(v->conn_fd, v->hold.id, true, v->hold.command, iov, 2, NULL, 0, v->hold.error) < 0)
        (void)shutdown(v->conn_fd, SHUT_RDWR);
    return 1;
}

static int reply(vfu_ctx_t *ctx, vfu_msg_t *msg, int err)
{
    const struct iovec body = msg->out.iov;
    int ret;

    if (msg->out_iovecs == NULL && msg->out.nr_fds == 0 &&
        hold_reply(vfu_get_private(ctx), msg->hdr.msg_id, msg->hdr.cmd, body.iov_base, err ? 0 : body.iov_len, err))
        return 0;

#ifndef WITHOUT_ONE_FD
    if (msg->hdr.cmd == VFIO_USER_DEVICE_GET_REGION_INFO && msg->out.nr_fds > 1)
        msg->out.nr_fds = 1;
#endif
    /* An error reply is a header and nothing else. */
    if (err != 0 && msg->out_iovecs == NULL)
        msg->out.iov.iov_len = 0;
    ret = tran_sock_reply(ctx, msg, err);
    msg->out.iov = body;
    if (ret < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        errno = ECONNRESET;
    return ret;
}

struct transport_ops tran_sock_ops = {
    .init = tran_sock_init,
    .get_poll_fd = tran_sock_get_poll_fd,
    .attach = attach,
    .get_request_header = get_request_header,
    .recv_body = recv_body,
    .reply = reply,
    .recv_msg = tran_sock_recv_msg,
    .send_msg = tran_sock_send_msg,
    .detach = tran_sock_detach,
    .fini = tran_sock_fini,
};
