/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames in and out of the world: one small function per kind of port and direction.
 *
 * Nothing here waits.  A world that is full, slow or gone costs its own frames, which are counted, and no time.
 * When the other end of an fd is gone its `fd` becomes -1, so that the loop does not wake for it for ever; Python still
 * owns the descriptor, closes it and may put a new one in (device/ports/).
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sendmmsg, recvmmsg */
#endif
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include "machine/wire/port.h"

#define ETH_HEADER_BYTES 14
#define GENERATE_ETHERTYPE 0x88B5 /* IEEE 802 local experimental 1 */
#define GENERATE_MIN_BYTES 60

_Static_assert(PORT_SLOT_BYTES > FRAME_MAX_BYTES, "a slot shows that a frame was too long");

static void port_dead(struct port *port, int error)
{
    port->last_errno = error;
    port->count.errors++;
    port->carrier = 0;
    port->fd = -1;
}

/* What a failed send or receive means: the world is busy (nothing), is gone, or something else went wrong. */
void port_failed(struct port *port, int error)
{
    switch (error) {
    case EAGAIN:
    case EINTR:
    case ENOBUFS:
        break;
    case EBADF:
    case EBADFD: /* tap: the interface was deleted */
    case ENODEV:
    case EPIPE:
    case ECONNRESET:
    case ENOTCONN:
        port_dead(port, error);
        break;
    default: /* among them EIO: the tap is administratively down */
        port->last_errno = error;
        port->count.errors++;
        break;
    }
}

static uint8_t *slot(const struct port *port, uint32_t i)
{
    return port->arena + (uint64_t)i * PORT_SLOT_BYTES;
}

/* ---- out: each returns how many of the first frames the world accepted ------------------------------------------ */

static uint32_t loopback_send(struct port *port, const struct frame *frames, uint32_t n)
{
    uint32_t sent = 0;

    while (sent < n && port->slots && port->ring_tail - port->ring_head < port->slots) {
        uint32_t at = port->ring_tail % port->slots;
        memcpy(slot(port, at), frames[sent].data, frames[sent].len_bytes);
        port->ring_len_bytes[at] = frames[sent].len_bytes;
        port->ring_tail++;
        sent++;
    }
    return sent;
}

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
        port_failed(port, errno);
        return 0;
    }
    return (uint32_t)sent;
}

static uint32_t batch_send(struct port *port, const struct frame *frames, uint32_t n)
{
    switch (port->kind) {
    case PORT_NULL: return n;
    case PORT_LOOPBACK: return loopback_send(port, frames, n);
    case PORT_TAP: return tap_send(port, frames, n);
    case PORT_PCAP: return pcap_send(port, frames, n);
    case PORT_PEER: return peer_send(port, frames, n);
    default: return 0;
    }
}

/* The accepted frames are always the first ones: after a refusal the rest of the batch is dropped with it. */
int port_send(struct port *port, const struct frame *frames, uint32_t n)
{
    uint32_t done = 0, sent = 0;

    while (done < n && sent == done) {
        uint32_t part = n - done < FRAME_BATCH ? n - done : FRAME_BATCH;
        for (uint32_t i = 0; i < part; i++)
            if (frames[done + i].len_bytes > FRAME_MAX_BYTES)
                part = i;
        if (!part)
            break;
        sent += batch_send(port, frames + done, part);
        done += part;
    }
    for (uint32_t i = 0; i < sent; i++)
        port->count.tx_bytes += frames[i].len_bytes;
    port->count.tx_frames += sent;
    port->count.tx_dropped += n - sent;
    return (int)sent;
}

/* ---- in: each fills frames[] and returns how many ---------------------------------------------------------------- */

static uint32_t loopback_recv(struct port *port, struct frame *frames, uint32_t n)
{
    uint32_t got = 0;

    while (got < n && port->ring_head != port->ring_tail) {
        uint32_t at = port->ring_head % port->slots;
        frames[got++] = (struct frame){ slot(port, at), port->ring_len_bytes[at], 0 };
        port->ring_head++;
    }
    return got;
}

/* A frame that cannot be one, or does not fit, is dropped here. */
uint32_t port_keep(struct port *port, struct frame *frames, uint32_t got, uint8_t *data, uint64_t len_bytes)
{
    if (len_bytes < ETH_HEADER_BYTES || len_bytes > FRAME_MAX_BYTES) {
        port->count.rx_dropped++;
        return got;
    }
    frames[got] = (struct frame){ data, (uint32_t)len_bytes, 0 };
    return got + 1;
}

static uint32_t tap_recv(struct port *port, struct frame *frames, uint32_t n)
{
    uint32_t got = 0;

    for (uint32_t turn = 0; turn < n && port->fd >= 0; turn++) {
        uint8_t *data = slot(port, turn);
        ssize_t len_bytes = read(port->fd, data, FRAME_MAX_BYTES + 1);
        if (len_bytes < 0) {
            port_failed(port, errno);
            break;
        }
        got = port_keep(port, frames, got, data, (uint64_t)len_bytes);
    }
    return got;
}

/* The other device says whether it sends light: that is our carrier. */
static int peer_hello(struct port *port, const uint8_t *data, uint32_t len_bytes)
{
    static const uint8_t expected[] = { 'I', 'X', 'L', 'A', 'B', PORT_HELLO_VERSION };

    if (len_bytes != PORT_HELLO_BYTES || memcmp(data, expected, sizeof(expected)))
        return 0;
    port->carrier = !!data[sizeof(expected)];
    return 1;
}

static uint32_t peer_recv(struct port *port, struct frame *frames, uint32_t n)
{
    struct mmsghdr message[FRAME_BATCH];
    struct iovec part[FRAME_BATCH];
    uint32_t got = 0;
    int messages;

    if (port->fd < 0)
        return 0;
    for (uint32_t i = 0; i < n; i++) {
        part[i] = (struct iovec){ slot(port, i), FRAME_MAX_BYTES + 1 };
        message[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &part[i], .msg_iovlen = 1 } };
    }
    messages = recvmmsg(port->fd, message, n, MSG_DONTWAIT, NULL);
    if (messages < 0) {
        port_failed(port, errno);
        return 0;
    }
    for (int i = 0; i < messages; i++) {
        if (!message[i].msg_len) { /* end of file: nobody sends empty messages */
            port_dead(port, ECONNRESET);
            break;
        }
        if (!peer_hello(port, slot(port, (uint32_t)i), message[i].msg_len))
            got = port_keep(port, frames, got, slot(port, (uint32_t)i), message[i].msg_len);
    }
    return got;
}

/* Counted frames: addresses, an experimental EtherType, a 64-bit sequence number, zeros. */
static uint32_t null_recv(struct port *port, struct frame *frames, uint32_t n)
{
    uint32_t got = 0, len_bytes = port->generate_len_bytes;

    if (len_bytes < GENERATE_MIN_BYTES)
        len_bytes = GENERATE_MIN_BYTES;
    if (len_bytes > FRAME_MAX_BYTES)
        len_bytes = FRAME_MAX_BYTES;
    while (got < n && port->link && port->generate) {
        uint8_t *data = slot(port, got);
        uint16_t ethertype = __builtin_bswap16(GENERATE_ETHERTYPE);
        uint64_t seq = __builtin_bswap64(port->generate_seq++);
        memcpy(data, port->generate_dst, 6);
        memcpy(data + 6, port->generate_src, 6);
        memcpy(data + 12, &ethertype, sizeof(ethertype));
        memcpy(data + ETH_HEADER_BYTES, &seq, sizeof(seq));
        frames[got++] = (struct frame){ data, len_bytes, 0 };
        if (!--port->generate)
            port->fd = -1; /* nothing more to wake for */
    }
    return got;
}

int port_recv(struct port *port, struct frame *frames, uint32_t n, uint64_t now_ns)
{
    uint32_t got = 0;

    if (n > FRAME_BATCH)
        n = FRAME_BATCH;
    switch (port->kind) {
    case PORT_NULL: got = null_recv(port, frames, n); break;
    case PORT_LOOPBACK: got = loopback_recv(port, frames, n); break;
    case PORT_TAP: got = tap_recv(port, frames, n); break;
    case PORT_PCAP: got = pcap_recv(port, frames, n, now_ns); break;
    case PORT_PEER: got = peer_recv(port, frames, n); break;
    default: break;
    }
    for (uint32_t i = 0; i < got; i++)
        port->count.rx_bytes += frames[i].len_bytes;
    port->count.rx_frames += got;
    return (int)got;
}
