/* SPDX-License-Identifier: BSD-3-Clause */
/* A wire made of capture files: plays one, records another.  Format: the classic pcap of draft-ietf-opsawg-pcap. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "machine/clock.h"
#include "machine/csum.h"
#include "machine/eth.h"
#include "machine/wire/port.h"
#include "machine/wire/pcap.h"

#define NS_PER_S 1000000000ull
#define PCAP_RECORD_BYTES 16

_Static_assert(PCAP_REST_BYTES == PCAP_RECORD_BYTES + FRAME_MAX_BYTES, "the longest record");

/* What a pipe did not take of a record it has the beginning of.  True: it is whole now. */
static int rest_goes(struct pcap_port *pcap)
{
    while (pcap->rest_bytes) {
        ssize_t written = write(pcap->fd_out, pcap->rest, pcap->rest_bytes);

        if (written <= 0)
            return 0;
        pcap->rest_bytes -= (uint32_t)written;
        memmove(pcap->rest, pcap->rest + written, pcap->rest_bytes);
    }
    return 1;
}

/* `n` frames are lost.  Their port is no worse for it: a file that is full may have room again. */
static void record_failed(struct port *port, uint32_t n, int error)
{
    struct pcap_port *pcap = port->state;

    pcap->failing = 1;
    pcap->lost_errno = error;
    pcap->lost += n;
    if (error != EAGAIN) {
        port->last_errno = error;
        port->count.errors++;
    }
}

/* Keep the end of a record that a pipe has the beginning of: `skip` bytes of it are there. */
static void keep_rest(struct pcap_port *pcap, const uint32_t *header, const struct frame *frame, uint64_t skip)
{
    memcpy(pcap->rest, header, PCAP_RECORD_BYTES);
    memcpy(pcap->rest + PCAP_RECORD_BYTES, frame->data, frame->len_bytes);
    pcap->rest_bytes = PCAP_RECORD_BYTES + frame->len_bytes - (uint32_t)skip;
    memmove(pcap->rest, pcap->rest + skip, pcap->rest_bytes);
}

/* One writev per batch.  A record that was only half written is cut off again (disk full), or finished later (a pipe):
 * what is there can be read. */
static uint32_t pcap_send(struct port *port, const struct frame *frames, uint32_t n)
{
    struct pcap_port *pcap = port->state;
    uint32_t header[FRAME_BATCH][4];
    struct iovec part[2 * FRAME_BATCH];
    struct timespec now;
    uint64_t left;
    uint32_t sent = 0;
    ssize_t written;

    if (pcap->fd_out < 0)
        return n; /* plays only: what comes back is taken and forgotten */
    clock_gettime(CLOCK_REALTIME, &now);
    for (uint32_t i = 0; i < n; i++) {
        header[i][0] = (uint32_t)now.tv_sec;
        header[i][1] = (uint32_t)now.tv_nsec;
        header[i][2] = header[i][3] = frames[i].len_bytes;
        part[2 * i] = (struct iovec){ header[i], PCAP_RECORD_BYTES };
        part[2 * i + 1] = (struct iovec){ frames[i].data, frames[i].len_bytes };
    }
    written = rest_goes(pcap) ? writev(pcap->fd_out, part, (int)(2 * n)) : -1;
    if (written < 0) {
        record_failed(port, n, errno);
        return 0;
    }
    pcap->failing = 0;
    left = (uint64_t)written;
    while (sent < n && left >= PCAP_RECORD_BYTES + (uint64_t)frames[sent].len_bytes) {
        left -= PCAP_RECORD_BYTES + (uint64_t)frames[sent].len_bytes;
        sent++;
    }
    if (sent < n) {
        off_t end = lseek(pcap->fd_out, -(off_t)left, SEEK_CUR);
        int pipe = end < 0;

        if (pipe && left)
            keep_rest(pcap, header[sent], &frames[sent], left);
        if (!pipe && ftruncate(pcap->fd_out, end) < 0)
            lseek(pcap->fd_out, 0, SEEK_END);
        sent += pipe && left;
        if (sent < n)
            record_failed(port, n - sent, pipe ? EAGAIN : ENOSPC);
    }
    return sent;
}

static uint32_t swapped(const struct pcap_port *pcap, uint32_t value)
{
    return pcap->swapped ? __builtin_bswap32(value) : value;
}

/* Nothing more to wake for.  Python owns the descriptor. */
static void play_ends(struct port *port, struct pcap_port *pcap)
{
    pcap->play_offset = pcap->play_bytes;
    port->fd = -1;
}

/* Sleep until the next record is due: the loop's fd is a timer then. */
static void play_wakes_at(struct port *port, struct pcap_port *pcap, uint64_t due_ns, uint64_t now_ns)
{
    struct itimerspec when = {
        .it_value = { .tv_sec = (time_t)((due_ns - now_ns) / NS_PER_S), .tv_nsec = (long)((due_ns - now_ns) % NS_PER_S) },
    };

    if (pcap->due_ns == due_ns || port->fd < 0)
        return;
    pcap->due_ns = due_ns;
    if (timerfd_settime(port->fd, 0, &when, NULL) < 0)
        port_failed(port, errno);
}

/* When the record is due.  A clock that ran backwards while recording costs no time here. */
static uint64_t record_due_ns(struct pcap_port *pcap, const uint32_t *record, uint64_t now_ns)
{
    uint64_t fraction = swapped(pcap, record[1]);
    uint64_t stamp_ns = swapped(pcap, record[0]) * NS_PER_S + (pcap->nsec ? fraction : fraction * 1000);

    if (!pcap->paced)
        return 0;
    if (!pcap->started) {
        pcap->started = 1;
        pcap->first_ns = stamp_ns;
        pcap->start_ns = now_ns;
    }
    return stamp_ns > pcap->first_ns ? pcap->start_ns + (stamp_ns - pcap->first_ns) : 0;
}

/* One with an FCS says whether it is whole, and how long it was, however short. */
static uint32_t keep_record(struct port *port, struct frame *frames, uint32_t got, uint8_t *data, uint32_t len_bytes)
{
    const struct pcap_port *pcap = port->state;
    uint32_t fcs;

    if (!pcap->fcs_bytes)
        return port_keep(port, frames, got, data, len_bytes);
    if (len_bytes <= ETH_FCS_BYTES || len_bytes - ETH_FCS_BYTES > FRAME_MAX_BYTES) {
        port->count.rx_dropped++;
        return got;
    }
    len_bytes -= ETH_FCS_BYTES;
    memcpy(&fcs, data + len_bytes, sizeof(fcs));
    frames[got] = (struct frame){ .data = data, .len_bytes = len_bytes, .flags = FRAME_EXACT };
    if (fcs != crc32_fcs(data, len_bytes))
        frames[got].flags |= FRAME_BAD_CRC;
    return got + 1;
}

static uint32_t pcap_recv(struct port *port, struct frame *frames, uint32_t n, const struct clock *clock)
{
    struct pcap_port *pcap = port->state;
    uint64_t now_ns = clock_now(clock);
    uint32_t got = 0;

    for (uint32_t turn = 0; turn < n && port->link && pcap->play_offset < pcap->play_bytes; turn++) {
        uint64_t left = pcap->play_bytes - pcap->play_offset, due_ns;
        uint32_t record[4], len_bytes;

        if (left < PCAP_RECORD_BYTES) {
            play_ends(port, pcap);
            break;
        }
        memcpy(record, pcap->play + pcap->play_offset, sizeof(record));
        len_bytes = swapped(pcap, record[2]);
        if (len_bytes > left - PCAP_RECORD_BYTES) { /* Python checked the file: it changed under us */
            play_ends(port, pcap);
            break;
        }
        due_ns = record_due_ns(pcap, record, now_ns);
        if (due_ns > now_ns) {
            play_wakes_at(port, pcap, due_ns, now_ns);
            break;
        }
        got = keep_record(port, frames, got, pcap->play + pcap->play_offset + PCAP_RECORD_BYTES, len_bytes);
        pcap->play_offset += PCAP_RECORD_BYTES + (uint64_t)len_bytes;
        pcap->played++;
        if (pcap->play_offset == pcap->play_bytes)
            play_ends(port, pcap);
    }
    return got;
}

const struct port_ops pcap_ops = { .send = pcap_send, .recv = pcap_recv, .caps = PORT_WAITS | PORT_KEEPS };
