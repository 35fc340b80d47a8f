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
#include "machine/wire/port.h"

#define NS_PER_S 1000000000ull
#define PCAP_RECORD_BYTES 16

/* One writev per batch.  A record that was only half written (disk full) is cut off again: the file stays readable. */
uint32_t pcap_send(struct port *port, const struct frame *frames, uint32_t n)
{
    uint32_t header[FRAME_BATCH][4];
    struct iovec part[2 * FRAME_BATCH];
    struct timespec now;
    uint64_t left;
    uint32_t sent = 0;
    ssize_t written;

    if (port->fd_out < 0)
        return n; /* plays only: what comes back is taken and forgotten */
    clock_gettime(CLOCK_REALTIME, &now);
    for (uint32_t i = 0; i < n; i++) {
        header[i][0] = (uint32_t)now.tv_sec;
        header[i][1] = (uint32_t)now.tv_nsec;
        header[i][2] = header[i][3] = frames[i].len_bytes;
        part[2 * i] = (struct iovec){ header[i], PCAP_RECORD_BYTES };
        part[2 * i + 1] = (struct iovec){ frames[i].data, frames[i].len_bytes };
    }
    written = writev(port->fd_out, part, (int)(2 * n));
    if (written < 0) {
        port_failed(port, errno);
        return 0;
    }
    left = (uint64_t)written;
    while (sent < n && left >= PCAP_RECORD_BYTES + (uint64_t)frames[sent].len_bytes) {
        left -= PCAP_RECORD_BYTES + (uint64_t)frames[sent].len_bytes;
        sent++;
    }
    if (sent < n) {
        off_t end = lseek(port->fd_out, -(off_t)left, SEEK_CUR);
        port->last_errno = ENOSPC;
        port->count.errors++;
        if (end < 0 || ftruncate(port->fd_out, end) < 0)
            port->fd_out = -1; /* a pipe in mid-record: nothing more can be recorded there */
    }
    return sent;
}

static uint32_t swapped(const struct port *port, uint32_t value)
{
    return port->play_swapped ? __builtin_bswap32(value) : value;
}

/* Nothing more to wake for.  Python owns the descriptor. */
static void play_ends(struct port *port)
{
    port->play_offset = port->play_bytes;
    port->fd = -1;
}

/* Readable from the start and until it is set anew: the loop stays awake while there is something to play. */
int play_timer(void)
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

/* Sleep until the next record is due: the loop's fd is a timer then. */
static void play_wakes_at(struct port *port, uint64_t due_ns, uint64_t now_ns)
{
    struct itimerspec when = {
        .it_value = { .tv_sec = (time_t)((due_ns - now_ns) / NS_PER_S), .tv_nsec = (long)((due_ns - now_ns) % NS_PER_S) },
    };

    if (port->play_ns == due_ns || port->fd < 0)
        return;
    port->play_ns = due_ns;
    if (timerfd_settime(port->fd, 0, &when, NULL) < 0)
        port_failed(port, errno);
}

/* When the record is due.  A clock that ran backwards while recording costs no time here. */
static uint64_t record_due_ns(struct port *port, const uint32_t *record, uint64_t now_ns)
{
    uint64_t fraction = swapped(port, record[1]);
    uint64_t stamp_ns = swapped(port, record[0]) * NS_PER_S + (port->play_nsec ? fraction : fraction * 1000);

    if (!port->play_paced)
        return 0;
    if (!port->play_started) {
        port->play_started = 1;
        port->play_first_ns = stamp_ns;
        port->play_start_ns = now_ns;
    }
    return stamp_ns > port->play_first_ns ? port->play_start_ns + (stamp_ns - port->play_first_ns) : 0;
}

uint32_t pcap_recv(struct port *port, struct frame *frames, uint32_t n, uint64_t now_ns)
{
    uint32_t got = 0;

    for (uint32_t turn = 0; turn < n && port->link && port->play_offset < port->play_bytes; turn++) {
        uint64_t left = port->play_bytes - port->play_offset, due_ns;
        uint32_t record[4], len_bytes;

        if (left < PCAP_RECORD_BYTES) {
            play_ends(port);
            break;
        }
        memcpy(record, port->play + port->play_offset, sizeof(record));
        len_bytes = swapped(port, record[2]);
        if (len_bytes > left - PCAP_RECORD_BYTES) { /* Python checked the file: it changed under us */
            play_ends(port);
            break;
        }
        due_ns = record_due_ns(port, record, now_ns);
        if (due_ns > now_ns) {
            play_wakes_at(port, due_ns, now_ns);
            break;
        }
        got = port_keep(port, frames, got, port->play + port->play_offset + PCAP_RECORD_BYTES, len_bytes);
        port->play_offset += PCAP_RECORD_BYTES + (uint64_t)len_bytes;
        port->ring_head++;
        if (port->play_offset == port->play_bytes)
            play_ends(port);
    }
    return got;
}
