/* SPDX-License-Identifier: BSD-3-Clause */
/* Why a client has to go, or that it left in the middle of a message. */
#include <errno.h>
#include <stdint.h>
#include <syslog.h>

#include "libvfio-user.h"
#include "conn.h"
#include "mend.h"

/* Answer what cannot be obeyed; it is not worth keeping if it does not go. */
static void refuse(struct conn *c, const struct vfio_user_header *header)
{
    struct iovec iov[1];

    (void)conn_reply(c, header->msg_id, header->cmd, EINVAL, iov, 1, -1);
}

void mend_last_words(vfu_ctx_t *ctx, struct conn *c, const struct conn_message *message, int rc)
{
    switch (rc) {
    case 0:
        vfu_log(ctx, LOG_ERR, "dropping a client: %u bytes of a message came in %u s, and not the rest",
                c->large != NULL ? c->large_have : c->end - c->start, SOCKET_DEADLINE_MS / 1000);
        break;
    case -EBADMSG:
        vfu_log(ctx, LOG_ERR, "dropping a client: no command can have type %u and size %u", message->header.flags.type,
                message->header.msg_size);
        refuse(c, &message->header);
        break;
    case -EMFILE:
        vfu_log(ctx, LOG_ERR, "dropping a client: its file descriptors did not arrive (RLIMIT_NOFILE?)");
        break;
    case -ENOMEM:
        vfu_log(ctx, LOG_ERR, "dropping a client: no memory for a message of %u bytes", message->header.msg_size);
        break;
    case -ENOMSG:
        if (c->end > c->start || c->large != NULL)
            vfu_log(ctx, LOG_ERR, "a client left in the middle of a message");
        break;
    }
}
