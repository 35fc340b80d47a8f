/* SPDX-License-Identifier: BSD-3-Clause */
/* What all ports share: batches, counts, and what an error means.
 *
 * Nothing here waits.  A world that is full, slow or gone costs its own frames, which are counted, and no time.
 * When the other end of an fd is gone its `fd` becomes -1, so that the loop does not wake for it for ever; Python still
 * owns the descriptor, closes it and may put a new one in.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "machine/eth.h"
#include "machine/wire/port.h"
#include "machine/super.h"

#define TOUCH_BYTES 4096              /* no page is smaller */

_Static_assert(sizeof(struct frame) <= 32, "two frames in a cache line");
_Static_assert(PORT_SLOT_BYTES > FRAME_MAX_BYTES, "a slot shows that a frame was too long");

/* What a failed send or receive means: the world is busy (nothing), is gone, or something else went wrong. */
void port_failed(struct port *port, int error)
{
    switch (error) {
    case EAGAIN:
    case EINTR:
    case ENOBUFS:
        return;
    case EBADF:
    case EBADFD: /* tap: the interface was deleted */
    case ENODEV:
    case EPIPE:
    case ECONNRESET:
    case ENOTCONN:
        port->carrier = 0;
        port->fd = -1;
        break;
    default: /* among them EIO: the tap is administratively down */
        break;
    }
    port->last_errno = error;
    port->count.errors++;
}

/* The rare frame that asks for something: may a port with these caps have it? */
static int able(uint32_t caps, const struct frame *frame)
{
    static const uint32_t cap_of[] = { [FRAME_TCP4] = PORT_TCP4, [FRAME_TCP6] = PORT_TCP6, [FRAME_UDP] = PORT_UDP };

    if (frame->kind != FRAME_WHOLE) {
        if (frame->kind >= sizeof(cap_of) / sizeof(cap_of[0]) || !(caps & cap_of[frame->kind]) || !frame->segment_bytes)
            return 0;
    }
    if (frame->csum_start) {
        if (!(caps & PORT_CSUM) || (uint32_t)frame->csum_start + frame->csum_offset + 2 > frame->len_bytes)
            return 0;
    }
    return 1;
}

uint32_t port_caps(const struct port *port)
{
    return port->ops->caps & ~port->lacks;
}

/* How many of the first frames the port can send as they ask. */
static uint32_t sendable(uint32_t caps, const struct frame *frames, uint32_t n)
{
    uint32_t i = 0;

    while (i < n && frames[i].len_bytes <= (frames[i].kind ? SUPER_MAX_BYTES : FRAME_MAX_BYTES) &&
           (!(frames[i].kind | frames[i].csum_start) || able(caps, &frames[i])))
        i++;
    return i;
}

/* A frame may lie in memory that went away.  A system call says EFAULT of it, or stops before it, and nobody knows why;
 * a look at it is what the guard sees. */
static void touch(const struct frame *frame)
{
    for (uint32_t at = 0; at < frame->len_bytes; at += TOUCH_BYTES)
        (void)*(const volatile uint8_t *)&frame->data[at];
    if (frame->len_bytes)
        (void)*(const volatile uint8_t *)&frame->data[frame->len_bytes - 1];
}

int port_offer(struct port *port, const struct frame *frames, uint32_t n)
{
    uint32_t done = 0, sent = 0, caps = port_caps(port);

    port->full = 0;
    while (done < n && sent == done) {
        uint32_t part = sendable(caps, frames + done, n - done < FRAME_BATCH ? n - done : FRAME_BATCH);

        if (!part)
            break;
        sent += port->ops->send(port, frames + done, part);
        done += part;
    }
    if (sent < n)
        touch(&frames[sent]);
    port->count.tx_frames += super_count(frames, sent, &port->count.tx_bytes);
    return (int)sent;
}

int port_send(struct port *port, const struct frame *frames, uint32_t n)
{
    int sent = port_offer(port, frames, n);

    port->count.tx_dropped += n - (uint32_t)sent;
    return sent;
}

int port_recv(struct port *port, struct frame *frames, uint32_t n, const struct clock *clock)
{
    uint32_t got = port->ops->recv(port, frames, n < FRAME_BATCH ? n : FRAME_BATCH, clock);

    port->count.rx_frames += super_count(frames, got, &port->count.rx_bytes);
    return (int)got;
}

void port_looped(struct port *port, uint32_t frames, uint64_t bytes)
{
    port->full = 0;
    port->count.tx_frames += frames;
    port->count.tx_bytes += bytes;
    port->count.rx_frames += frames;
    port->count.rx_bytes += bytes;
}

uint32_t port_keep(struct port *port, struct frame *frames, uint32_t got, uint8_t *data, uint64_t len_bytes)
{
    if (len_bytes < ETH_HEADER_BYTES || len_bytes > FRAME_MAX_BYTES) {
        port->count.rx_dropped++;
        return got;
    }
    frames[got] = (struct frame){ .data = data, .len_bytes = (uint32_t)len_bytes };
    return got + 1;
}

/* Readable from the start and until it is set anew: the loop stays awake while there is something to bring. */
int port_timer(void)
{
    struct itimerspec at_once = { .it_value = { .tv_nsec = 1 } };
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), error;

    if (fd < 0)
        return -errno;
    if (timerfd_settime(fd, 0, &at_once, NULL) < 0) {
        error = errno;
        close(fd);
        return -error;
    }
    return fd;
}
