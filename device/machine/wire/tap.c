/* SPDX-License-Identifier: BSD-3-Clause */
/* A wire into the kernel's network stack: one system call a frame. */
#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include "machine/wire/port.h"

static uint32_t tap_send(struct port *port, const struct frame *frames, uint32_t n)
{
    uint32_t sent = 0;

    while (sent < n && port->fd >= 0) {
        if (write(port->fd, frames[sent].data, frames[sent].len_bytes) < 0) {
            port_failed(port, errno);
            break;
        }
        sent++;
    }
    return sent;
}

static uint32_t tap_recv(struct port *port, struct frame *frames, uint32_t n, const struct clock *clock)
{
    uint32_t got = 0;

    (void)clock;
    for (uint32_t turn = 0; turn < n && port->fd >= 0; turn++) {
        uint8_t *data = port->slot[turn];
        ssize_t len_bytes = read(port->fd, data, FRAME_MAX_BYTES + 1);

        if (len_bytes < 0) {
            port_failed(port, errno);
            break;
        }
        got = port_keep(port, frames, got, data, (uint64_t)len_bytes);
    }
    return got;
}

/* The kernel keeps what we leave, and counts at the interface what it had no room for. */
const struct port_ops tap_ops = { .send = tap_send, .recv = tap_recv, .caps = PORT_KEEPS };
