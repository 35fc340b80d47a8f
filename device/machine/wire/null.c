/* SPDX-License-Identifier: BSD-3-Clause */
/* A wire into nothing, which can bring frames out of nothing. */
#include <stdint.h>
#include <string.h>

#include "machine/eth.h"
#include "machine/wire/port.h"
#include "machine/wire/null.h"

static uint32_t null_send(struct port *port, const struct frame *frames, uint32_t n)
{
    (void)port;
    (void)frames;
    return n;
}

/* Counted frames: addresses, an experimental EtherType, a 64-bit sequence number, zeros. */
static uint32_t null_recv(struct port *port, struct frame *frames, uint32_t n, const struct clock *clock)
{
    struct null_port *null = port->state;
    uint32_t got = 0, len_bytes = null->len_bytes;

    (void)clock;
    if (len_bytes < ETH_FRAME_MIN_BYTES)
        len_bytes = ETH_FRAME_MIN_BYTES;
    if (len_bytes > FRAME_MAX_BYTES)
        len_bytes = FRAME_MAX_BYTES;
    while (got < n && port->link && null->generate) {
        uint8_t *data = port->slot[got];
        uint16_t ethertype = __builtin_bswap16(ETH_TYPE_EXPERIMENTAL);
        uint64_t seq = __builtin_bswap64(null->seq++);

        memcpy(data, null->dst, ETH_ADDR_BYTES);
        memcpy(data + ETH_ADDR_BYTES, null->src, ETH_ADDR_BYTES);
        memcpy(data + ETH_TYPE_OFFSET, &ethertype, sizeof(ethertype));
        memcpy(data + ETH_HEADER_BYTES, &seq, sizeof(seq));
        frames[got++] = (struct frame){ .data = data, .len_bytes = len_bytes };
        if (!--null->generate)
            port->fd = -1; /* nothing more to wake for */
    }
    return got;
}

const struct port_ops null_ops = { .send = null_send, .recv = null_recv, .caps = PORT_KEEPS };
