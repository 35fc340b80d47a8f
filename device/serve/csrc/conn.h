/* SPDX-License-Identifier: BSD-3-Clause */
/* One connection of a vfio-user client: messages gathered and answers sent without ever waiting.  cffi never reads this.
 *
 * The rule it keeps is machine/socket_rule.h.  A message is read by conn_next(), obeyed, and given back by conn_take();
 * conn_fill() reads more when conn_next() has none.  So a burst is one recvmsg() and then only memory, and whoever wants
 * to look at the next messages before they are obeyed looks there.
 */
#ifndef IXLAB_CONN_H
#define IXLAB_CONN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "vfio-user.h"
#include "machine/socket_rule.h"

#define CONN_FDS 253                  /* the kernel's own limit for one message */
#define CONN_MESSAGE_MAX_BYTES (1048576 + sizeof(struct vfio_user_header) + sizeof(struct vfio_user_region_access))

struct conn {
    int fd;                           /* its owner closes it */
    uint64_t since_ns;                /* when the message began that is not whole yet; 0: there is none */
    uint64_t taken;                   /* messages */
    uint32_t cost;                    /* spent so far, in messages of SOCKET_MESSAGE_BYTES */
    int empty;                        /* the last read left nothing behind */
    uint32_t start, end;              /* what has come and was not taken: bytes [start, end) of ahead */
    uint8_t *large;                   /* or a message that is too long for it, by itself */
    uint32_t large_bytes, large_have;
    uint8_t *spent;                   /* the large message that was taken last; its body may still be in use */
    int fds[CONN_FDS];                /* descriptors, all of the message at fds_at */
    uint32_t fd_count, fds_at;
    uint8_t *unsent;                  /* the rest of an answer, from unsent_at; NULL: there is none */
    size_t unsent_bytes, unsent_at;
    int unsent_fd;                    /* goes with its first byte; or -1 */
    uint64_t unsent_ns;               /* when it was to leave */
    int wait_fd;                      /* epoll: readable when more can be sent; or -1 */
    uint8_t ahead[SOCKET_AHEAD_BYTES];
};

struct conn_message {
    struct vfio_user_header header;
    const uint8_t *body;              /* readable until the next conn_fill() or conn_next() that follows conn_take() */
    size_t body_bytes;
    int *fds;
    uint32_t fd_count;
};

#define CONN_GATHERED_BYTES 64        /* longest answer that is gathered */
struct conn_answers {                 /* short answers that leave together */
    size_t bytes;
    uint8_t data[SOCKET_TURN_MESSAGES * CONN_GATHERED_BYTES];
};

uint64_t conn_now_ns(void);
struct conn *conn_new(int fd);
void conn_free(struct conn *c);       /* closes descriptors that nobody took, but not fd */

/* 1: a whole message; 0: not yet; -EBADMSG: no command can begin so; -ENOMEM. */
int conn_next(struct conn *c, struct conn_message *message);
/* Read more, once conn_next() said 0.  1: something came; 0: nothing did; -ENOMSG: the client has left; -errno. */
int conn_fill(struct conn *c);
/* The message of the last conn_next() is done with; descriptors still in it are closed. */
void conn_take(struct conn *c);
/* Whether the message that is not whole, or the answer that is not gone, has had its time. */
int conn_late(const struct conn *c);
/* The client could not know that we did not read: its time begins anew. */
void conn_resume(struct conn *c);

/* A reply: iov[0] is left for its header.  0: gone, or kept until it can go; -errno: the connection is lost. */
int conn_reply(struct conn *c, uint16_t id, uint16_t command, int error, struct iovec *iov, size_t count, int fd);

/* The same with several in one message of the socket: all that a turn obeys have room. */
void conn_gather(struct conn_answers *to, uint16_t id, uint16_t command, int error, const void *body, size_t body_bytes);
int conn_send_gathered(struct conn *c, struct conn_answers *from);

/* The client no longer takes what we send: it counts as gone, and the next look at its socket finds its end. */
void conn_hang_up(struct conn *c);
/* Send what was kept.  1: it is gone; 0: not yet; -errno. */
int conn_flush(struct conn *c);

#endif
