/* SPDX-License-Identifier: BSD-3-Clause */
/* A wire to another device: one message a frame, one system call a batch. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sendmmsg, recvmmsg */
#endif
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "machine/wire/port.h"
#include "machine/wire/peer.h"

static uint32_t peer_send(struct port *port, const struct frame *frames, uint32_t n)
{
    struct mmsghdr message[FRAME_BATCH];
    struct iovec part[FRAME_BATCH];
    int sent;

    if (port->fd < 0)
        return 0;
    for (uint32_t i = 0; i < n; i++) {
        part[i] = (struct iovec){ frames[i].data, frames[i].len_bytes };
        message[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &part[i], .msg_iovlen = 1 } };
    }
    sent = sendmmsg(port->fd, message, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
        port->full = errno == EAGAIN;
        port_failed(port, errno);
        return 0;
    }
    port->full = (uint32_t)sent < n;
    return (uint32_t)sent;
}

/* The other device says whether it sends light: that is our carrier. */
static int peer_hello(struct port *port, const uint8_t *data, uint32_t len_bytes)
{
    static const uint8_t expected[] = { 'I', 'X', 'L', 'A', 'B', PEER_HELLO_VERSION };

    if (len_bytes != PEER_HELLO_BYTES || memcmp(data, expected, sizeof(expected)))
        return 0;
    port->carrier = !!data[sizeof(expected)];
    return 1;
}

static uint32_t peer_recv(struct port *port, struct frame *frames, uint32_t n, const struct clock *clock)
{
    struct mmsghdr message[FRAME_BATCH];
    struct iovec part[FRAME_BATCH];
    uint32_t got = 0;
    int messages;

    (void)clock;
    if (port->fd < 0)
        return 0;
    for (uint32_t i = 0; i < n; i++) {
        part[i] = (struct iovec){ port->slot[i], FRAME_MAX_BYTES + 1 };
        message[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &part[i], .msg_iovlen = 1 } };
    }
    messages = recvmmsg(port->fd, message, n, MSG_DONTWAIT, NULL);
    if (messages < 0) {
        port_failed(port, errno);
        return 0;
    }
    for (int i = 0; i < messages; i++) {
        if (!message[i].msg_len) { /* end of file: nobody sends empty messages */
            port_failed(port, ECONNRESET);
            break;
        }
        if (!peer_hello(port, port->slot[i], message[i].msg_len))
            got = port_keep(port, frames, got, port->slot[i], message[i].msg_len);
    }
    return got;
}

const struct port_ops peer_ops = { .send = peer_send, .recv = peer_recv };
