/* SPDX-License-Identifier: BSD-3-Clause */
/* tran_sock.c on connections that are never waited for (conn.c), and one descriptor per REGION_INFO reply.
 *
 * Mended: the library reads and writes blocking, so a client that connected and said nothing, that stopped in the middle
 * of a message or never read its replies held the thread for ever.  A message body that arrived in two pieces left the
 * stream out of step; so did a header that cannot be right.  Where the stream can no longer be trusted the session ends.
 * A reply announced one descriptor per sparse area although all are the same file; QEMU takes one.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/param.h>
#include <sys/socket.h>
#include <unistd.h>

#include "private.h"

/* The library's backlog of 0 sends a second client away with EAGAIN while the first is still being let in. */
#define listen(fd, backlog) listen(fd, SOMAXCONN)
#define tran_sock_ops lib_tran_sock_ops
#include "tran_sock.c"
#undef tran_sock_ops
#undef listen

#include "conn.h"
#include "mend.h"
#include "pieces.h"
#include "glue.h"

#define CAPABILITIES_BYTES 1024
#define REPLY_PIECES 2              /* of the version reply; every other one has one */

int mend_listen_fd(vfu_ctx_t *ctx)
{
    return ((tran_sock_t *)ctx->tran_data)->listen_fd;
}

static struct conn *conn_of(vfu_ctx_t *ctx)
{
    return ((struct vdev *)vfu_get_private(ctx))->conn;
}

static void end_pieces(struct vdev *v)
{
    free(v->pieces);
    v->pieces = NULL;
}

static void detach(vfu_ctx_t *ctx)
{
    struct vdev *v = vfu_get_private(ctx);

    end_pieces(v);
    conn_free(v->conn);               /* its descriptors are closed before the client sees its end */
    v->conn = NULL;
    tran_sock_detach(ctx);
}

/* session.c has put a caller into vdev.conn whose first message is here, or never will be. */
static int attach(vfu_ctx_t *ctx)
{
    tran_sock_t *ts = ctx->tran_data;
    struct vdev *v = vfu_get_private(ctx);

    ts->conn_fd = v->conn->fd;
    if (tran_negotiate(ctx) < 0) {
        int why = errno;

        detach(ctx);
        return ERROR_INT(why);
    }
    /* The library refuses a client that takes fewer descriptors than there are areas; we only ever send one. */
    if (ctx->client_max_fds > 0)
        ctx->client_max_fds = CONN_FDS;
    return 0;
}

static int end_session(vfu_ctx_t *ctx, int err)
{
    struct vdev *v = vfu_get_private(ctx);

    v->count.dropped += err != ENOMSG;
    return ERROR_INT(err == ENOMSG ? ENOMSG : ECONNRESET);
}

/* The next message, whole.  EAGAIN: none yet; ENOMSG: the client has left; ECONNRESET: it has to. */
static int next_message(vfu_ctx_t *ctx, struct conn *c, struct conn_message *message)
{
    int rc = conn_next(c, message), got = 1;

    if (rc == 0) {
        got = conn_fill(c);
        rc = got > 0 ? conn_next(c, message) : got;
    }
    if (rc > 0)
        return 0;
    if (rc == 0 && !(got == 0 && conn_late(c)))
        return ERROR_INT(EAGAIN);
    mend_last_words(ctx, c, message, rc);
    return end_session(ctx, -rc);
}

static struct pieces *take_to_pieces(vfu_ctx_t *ctx, const struct conn_message *message)
{
    const struct vfio_user_region_access *access = (const void *)message->body;

    if ((message->header.cmd != VFIO_USER_REGION_READ && message->header.cmd != VFIO_USER_REGION_WRITE) ||
        message->body_bytes < sizeof(*access) || access->count <= PIECE_BYTES || access->region >= ctx->nr_regions)
        return NULL;
    return pieces_new(message, ctx->reg_info[access->region].size);
}

static int get_request_header(vfu_ctx_t *ctx, struct vfio_user_header *hdr, int *fds, size_t *nr_fds)
{
    struct vdev *v = vfu_get_private(ctx);
    struct conn_message message;

    *nr_fds = 0;
    if (v->conn == NULL)
        return ERROR_INT(ENOTCONN);
    if (v->pieces != NULL && v->pieces->done == v->pieces->access.count)
        end_pieces(v);                /* nobody wanted an answer to it */
    if (v->pieces != NULL) {
        *hdr = pieces_header(v->pieces);
        return sizeof(*hdr);
    }
    if (next_message(ctx, v->conn, &message) < 0)
        return -1;
    if (message.header.cmd == VDEV_WRITE_MULTI) {     /* just read: the library would refuse it */
        v->multi_waits = 1;
        return ERROR_INT(EAGAIN);
    }
    *hdr = message.header;
    v->pieces = take_to_pieces(ctx, &message);
    if (v->pieces != NULL)
        *hdr = pieces_header(v->pieces);
    for (uint32_t i = 0; i < message.fd_count; i++) {
        fds[(*nr_fds)++] = message.fds[i];
        message.fds[i] = -1;
    }
    v->body = message.body;
    conn_take(v->conn);
    return sizeof(*hdr);
}

/* The library reads some of these structures before it looks at how long the message is; and it takes the first of too
 * many descriptors. */
static bool makes_sense(const vfu_msg_t *msg)
{
    const size_t len = msg->in.iov.iov_len;

    switch (msg->hdr.cmd) {
    case VFIO_USER_DMA_MAP:
        return len >= sizeof(struct vfio_user_dma_map) && msg->in.nr_fds <= 1;
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
    struct vdev *v = vfu_get_private(ctx);

    if (v->pieces != NULL) {
        v->conn->cost += PIECE_COST;
        msg->in.iov.iov_base = pieces_body(v->pieces);
        return msg->in.iov.iov_base == NULL ? ERROR_INT(ENOMEM) : 0;
    }
    msg->in.iov.iov_base = malloc(msg->in.iov.iov_len);
    if (msg->in.iov.iov_base == NULL)
        return ERROR_INT(ENOMEM);
    memcpy(msg->in.iov.iov_base, v->body, msg->in.iov.iov_len);
    if (!makes_sense(msg))
        return ERROR_INT(EINVAL);
    return 0;
}

/* A caller's first message, for the library's handshake.  Descriptors that came with it are closed. */
static int recv_msg(vfu_ctx_t *ctx, vfu_msg_t *msg)
{
    struct conn *c = conn_of(ctx);
    struct conn_message message;

    if (conn_next(c, &message) <= 0)
        return ERROR_INT(EINVAL);
    msg->hdr = message.header;
    msg->in.iov.iov_len = message.body_bytes;
    if (message.body_bytes > 0) {
        msg->in.iov.iov_base = malloc(message.body_bytes);
        if (msg->in.iov.iov_base == NULL)
            return ERROR_INT(ENOMEM);
        memcpy(msg->in.iov.iov_base, message.body, message.body_bytes);
    }
    conn_take(c);
    return 0;
}

int mend_send_held(struct vdev *v)
{
    struct iovec iov[2] = {{NULL, 0}, {.iov_base = v->hold.body, .iov_len = v->hold.body_bytes}};

    if (conn_reply(v->conn, v->hold.id, v->hold.command, v->hold.error, iov, 2, -1) < 0)
        conn_hang_up(v->conn);
    conn_resume(v->conn);
    return 1;
}

/* An answer, now or when a fault lets it go. */
static int answer(vfu_ctx_t *ctx, const vfu_msg_t *msg, struct iovec body, int err)
{
    struct iovec iov[2] = {{NULL, 0}, body};
    int fd = msg->out.nr_fds > 0 ? msg->out.fds[0] : -1;

    /* An error reply is a header and nothing else. */
    if (fd == -1 && hold_reply(vfu_get_private(ctx), msg->hdr.msg_id, msg->hdr.cmd, body.iov_base, err ? 0 : body.iov_len,
                               err))
        return 0;
    return conn_reply(conn_of(ctx), msg->hdr.msg_id, msg->hdr.cmd, err, iov, err ? 1 : 2, fd);
}

/* The answer to a piece; with the last one the client gets its own. */
static int answer_piece(vfu_ctx_t *ctx, const vfu_msg_t *msg, int err)
{
    struct vdev *v = vfu_get_private(ctx);
    struct pieces *p = v->pieces;
    int rc;

    if (v->hold_ns != NULL && *v->hold_ns > p->hold_ns)
        p->hold_ns = *v->hold_ns;
    if (err == 0) {
        pieces_answer(p, msg->out.iov.iov_base, msg->out.iov.iov_len);
        if (p->done < p->access.count)
            return 0;
    }
    if (v->hold_ns != NULL)
        *v->hold_ns = p->hold_ns;
    rc = answer(ctx, msg, (struct iovec){p->data, pieces_answer_bytes(p)}, err);
    end_pieces(v);
    return rc;
}

static int reply(vfu_ctx_t *ctx, vfu_msg_t *msg, int err)
{
    struct vdev *v = vfu_get_private(ctx);
    struct iovec iov[REPLY_PIECES + 1];
    char said[CAPABILITIES_BYTES];
    int rc;

    if (v->pieces != NULL) {
        rc = answer_piece(ctx, msg, err);
    } else if (msg->out_iovecs == NULL) {
        rc = answer(ctx, msg, msg->out.iov, err);
    } else if (msg->nr_out_iovecs > REPLY_PIECES) {
        return ERROR_INT(EMSGSIZE);
    } else {
        memcpy(iov + 1, msg->out_iovecs, msg->nr_out_iovecs * sizeof(*iov));
#ifndef WITHOUT_MULTI
        if (msg->hdr.cmd == VFIO_USER_VERSION && msg->nr_out_iovecs == REPLY_PIECES)
            iov[REPLY_PIECES] = burst_offer(iov[REPLY_PIECES], said, sizeof(said));
#endif
        rc = conn_reply(v->conn, msg->hdr.msg_id, msg->hdr.cmd, err, iov, msg->nr_out_iovecs + 1, -1);
    }
    return rc < 0 ? ERROR_INT(ECONNRESET) : 0;
}

/* The library never asks: it has no use for messages of its own here, and would wait for their replies. */
static int send_msg(vfu_ctx_t *ctx, uint16_t msg_id, enum vfio_user_command cmd, void *send_data, size_t send_len,
                    struct vfio_user_header *hdr, void *recv_data, size_t recv_len)
{
    return ERROR_INT(ENOTSUP);
}

struct transport_ops tran_sock_ops = {
    .init = tran_sock_init,
    .get_poll_fd = tran_sock_get_poll_fd,
    .attach = attach,
    .get_request_header = get_request_header,
    .recv_body = recv_body,
    .reply = reply,
    .recv_msg = recv_msg,
    .send_msg = send_msg,
    .detach = detach,
    .fini = tran_sock_fini,
};
