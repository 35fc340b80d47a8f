/* SPDX-License-Identifier: BSD-3-Clause */
/* A wire that brings back what was sent, in order. */
#include <stdint.h>
#include <string.h>

#include "machine/wire/port.h"
#include "machine/wire/loopback.h"

static uint32_t loopback_send(struct port *port, const struct frame *frames, uint32_t n)
{
    struct loopback_port *ring = port->state;
    uint32_t sent = 0;

    while (sent < n && ring->under_way < ring->slots) {
        uint32_t at = ring->first + ring->under_way;

        if (at >= ring->slots)
            at -= ring->slots;
        memcpy(port->slot[at], frames[sent].data, frames[sent].len_bytes);
        ring->len_bytes[at] = frames[sent].len_bytes;
        ring->under_way++;
        sent++;
    }
    return sent;
}

static uint32_t loopback_recv(struct port *port, struct frame *frames, uint32_t n, const struct clock *clock)
{
    struct loopback_port *ring = port->state;
    uint32_t got = 0;

    (void)clock;
    while (got < n && ring->under_way) {
        uint32_t at = ring->first;

        frames[got++] = (struct frame){ .data = port->slot[at], .len_bytes = ring->len_bytes[at] };
        ring->first = at + 1 < ring->slots ? at + 1 : 0;
        ring->under_way--;
    }
    return got;
}

/* Nothing may be under way: what was sent before comes back before. */
static uint32_t loopback_loops(const struct port *port, uint32_t n)
{
    const struct loopback_port *ring = port->state;

    if (ring->under_way || ring->keeps)
        return 0;
    return n < ring->slots ? n : ring->slots;
}

const struct port_ops loopback_ops = { .send = loopback_send, .recv = loopback_recv, .loops = loopback_loops };
