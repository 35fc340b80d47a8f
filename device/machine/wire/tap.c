/* SPDX-License-Identifier: BSD-3-Clause */
/* A wire into the kernel's network stack: one system call a frame, or a super-frame.
 *
 * Ref: linux/virtio_net.h: the header in front of each, in this machine's byte order.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/uio.h>
#include <unistd.h>

#include "machine/bytes.h"
#include "machine/eth.h"
#include "machine/wire/port.h"
#include "machine/wire/tap.h"
#include "machine/super.h"

#define NEEDS_CSUM 1                  /* flags */
#define GSO_TCP4 1                    /* gso_type */
#define GSO_TCP6 4
#define GSO_UDP 5
#define GSO_ECN 0x80                  /* with one of TCP's: the first piece alone has CWR */
#define TCP_CWR 0x80
#define BATCH_MOST_BYTES 196608       /* of a receive, and the last frame beyond: with what waits it fits the packet buffer */

struct header {
    uint8_t flags, gso_type;
    uint16_t header_bytes, segment_bytes, csum_start, csum_offset;
};

_Static_assert(SUPER_MAX_BYTES + 1 <= TAP_SLOTS_MORE * PORT_SLOT_BYTES, "one fits behind the last slot but one");
_Static_assert(sizeof(struct header) == 10, "as linux/virtio_net.h has it");

static struct header header_of(const struct frame *frame)
{
    static const uint8_t type_of[] = { [FRAME_TCP4] = GSO_TCP4, [FRAME_TCP6] = GSO_TCP6, [FRAME_UDP] = GSO_UDP };
    struct header header = { 0 };

    if (frame->csum_start) {
        header.flags = NEEDS_CSUM;
        header.csum_start = frame->csum_start;
        header.csum_offset = frame->csum_offset;
    }
    if (frame->kind != FRAME_WHOLE) {
        header.gso_type = type_of[frame->kind];
        header.segment_bytes = frame->segment_bytes;
        header.header_bytes = (uint16_t)super_header_bytes(frame);
        if (frame->kind != FRAME_UDP && (be16(frame->data + frame->csum_start + TCP_FLAGS) & TCP_CWR))
            header.gso_type |= GSO_ECN;
    }
    return header;
}

static ssize_t put(const struct port *port, const struct frame *frame)
{
    const struct tap_port *tap = port->state;
    struct header header;
    struct iovec part[2];

    if (!tap->header)
        return write(port->fd, frame->data, frame->len_bytes);
    header = header_of(frame);
    part[0] = (struct iovec){ &header, sizeof(header) };
    part[1] = (struct iovec){ frame->data, frame->len_bytes };
    return writev(port->fd, part, 2);
}

static uint32_t tap_send(struct port *port, const struct frame *frames, uint32_t n)
{
    uint32_t sent = 0;

    while (sent < n && port->fd >= 0) {
        if (put(port, &frames[sent]) < 0) {
            port_failed(port, errno);
            break;
        }
        sent++;
    }
    return sent;
}

/* One more behind the `got` ones; what its header says of it is checked here. */
static uint32_t keep(struct port *port, struct frame *frames, uint32_t got, const struct header *header, uint8_t *data, uint32_t len_bytes)
{
    uint32_t type = header->gso_type & ~GSO_ECN, at = (uint32_t)header->csum_start + header->csum_offset;
    struct frame frame = { .data = data, .len_bytes = len_bytes };

    if (header->flags & NEEDS_CSUM) {
        frame.csum_start = header->csum_start;
        frame.csum_offset = header->csum_offset;
    }
    if (!type && !frame.csum_start)
        return port_keep(port, frames, got, data, len_bytes);
    if (type) {
        frame.kind = type == GSO_TCP4 ? FRAME_TCP4 : FRAME_TCP6;
        frame.segment_bytes = header->segment_bytes;
    }
    if ((type && type != GSO_TCP4 && type != GSO_TCP6) || frame.csum_start < ETH_HEADER_BYTES || at + 2 > len_bytes ||
        len_bytes > (type ? SUPER_MAX_BYTES : FRAME_MAX_BYTES) || (type && (!frame.segment_bytes || !super_header_bytes(&frame) ||
        super_header_bytes(&frame) + frame.segment_bytes > FRAME_MAX_BYTES))) {
        port->count.rx_dropped++;
        return got;
    }
    frames[got] = frame;
    return got + 1;
}

/* A super-frame takes several slots, which lie one behind the other. */
static uint32_t recv_supers(struct port *port, struct frame *frames, uint32_t n)
{
    uint32_t got = 0, slot = 0, bytes = 0;

    for (uint32_t turn = 0; turn < n && port->fd >= 0 && slot < FRAME_BATCH && bytes < BATCH_MOST_BYTES; turn++) {
        struct header header;
        struct iovec part[2] = { { &header, sizeof(header) }, { port->slot[slot], SUPER_MAX_BYTES + 1 } };
        ssize_t len_bytes = readv(port->fd, part, 2);

        if (len_bytes < 0) {
            port_failed(port, errno);
            break;
        }
        len_bytes -= (ssize_t)sizeof(header);
        if (len_bytes < 0)
            len_bytes = 0;
        got = keep(port, frames, got, &header, port->slot[slot], (uint32_t)len_bytes);
        slot += 1 + (uint32_t)len_bytes / PORT_SLOT_BYTES;
        bytes += (uint32_t)len_bytes;
    }
    return got;
}

static ssize_t get(const struct port *port, uint8_t *data)
{
    const struct tap_port *tap = port->state;
    struct header header;
    struct iovec part[2] = { { &header, sizeof(header) }, { data, FRAME_MAX_BYTES + 1 } };
    ssize_t len_bytes;

    if (!tap->header)
        return read(port->fd, data, FRAME_MAX_BYTES + 1);
    len_bytes = readv(port->fd, part, 2);
    return len_bytes > (ssize_t)sizeof(header) ? len_bytes - (ssize_t)sizeof(header) : len_bytes < 0 ? len_bytes : 0;
}

static uint32_t tap_recv(struct port *port, struct frame *frames, uint32_t n, const struct clock *clock)
{
    const struct tap_port *tap = port->state;
    uint32_t got = 0;

    (void)clock;
    if (tap->supers)
        return recv_supers(port, frames, n);
    for (uint32_t turn = 0; turn < n && port->fd >= 0; turn++) {
        uint8_t *data = port->slot[turn];
        ssize_t len_bytes = get(port, data);

        if (len_bytes < 0) {
            port_failed(port, errno);
            break;
        }
        got = port_keep(port, frames, got, data, (uint64_t)len_bytes);
    }
    return got;
}

/* The kernel keeps what we leave, and counts at the interface what it had no room for. */
const struct port_ops tap_ops = {
    .send = tap_send,
    .recv = tap_recv,
    .caps = PORT_KEEPS | PORT_CSUM | PORT_TCP4 | PORT_TCP6 | PORT_UDP,
};
