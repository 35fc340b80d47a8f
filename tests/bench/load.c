/* SPDX-License-Identifier: BSD-3-Clause */
/* The far end of a NIC's peer cable: sends frames that a driver sends back, at a rate or as many as fit a window, and says
 * how many came back and how long they took.  It sleeps between frames, so that it takes no core from those it measures.
 * usage: load FD DST_MAC_HEX LEN_BYTES RATE WINDOW MS    RATE 0: no pause but the window's
 * prints: sent received elapsed_ns p50_ns p99_ns */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#define FRAME_MAX 16384
#define FRAME_MIN 60
#define ETHERTYPE_AT 12
#define NUMBER_AT 14
#define TIME_AT 22
#define SAMPLES_MAX 4000000u
#define LINGER_NS 200000000u             /* how long frames that are under way at the end are waited for */

static uint32_t took_ns[SAMPLES_MAX];

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* Take what has come back; returns how many frames, or ends the program when the cable does. */
static uint64_t take(int fd, uint64_t received)
{
    uint8_t frame[FRAME_MAX];
    uint64_t taken = 0;

    for (;;) {
        ssize_t got = recv(fd, frame, sizeof frame, MSG_DONTWAIT);
        uint64_t sent_ns;

        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return taken;
        if (got <= 0) {
            fprintf(stderr, "load: the cable is gone: %s\n", got ? strerror(errno) : "hung up");
            exit(1);
        }
        if (got < FRAME_MIN || frame[ETHERTYPE_AT] != 0x88 || frame[ETHERTYPE_AT + 1] != 0xb5)
            continue;
        memcpy(&sent_ns, frame + TIME_AT, sizeof sent_ns);
        if (received + taken < SAMPLES_MAX)
            took_ns[received + taken] = (uint32_t)(now() - sent_ns);
        taken++;
    }
}

int main(int argc, char **argv)
{
    static const uint8_t source[6] = { 2, 0, 0, 0, 0, 1 };
    uint8_t frame[FRAME_MAX] = { 0 };
    uint64_t sent = 0, received = 0, last_ns = 0;

    if (argc != 7)
        return 2;
    int fd = atoi(argv[1]);
    uint32_t len = (uint32_t)atoi(argv[3]);
    uint64_t rate = strtoull(argv[4], NULL, 10), window = strtoull(argv[5], NULL, 10), ms = strtoull(argv[6], NULL, 10);
    for (int i = 0; i < 6; i++) {
        unsigned byte;

        if (sscanf(argv[2] + 2 * i, "%2x", &byte) != 1)
            return 2;
        frame[i] = (uint8_t)byte;
    }
    if (len < FRAME_MIN || len > FRAME_MAX || window == 0)
        return 2;
    memcpy(frame + 6, source, sizeof source);
    frame[ETHERTYPE_AT] = 0x88;
    frame[ETHERTYPE_AT + 1] = 0xb5;
    prctl(PR_SET_TIMERSLACK, 1);

    uint64_t start_ns = now(), end_ns = start_ns + ms * 1000000u;
    for (;;) {
        uint64_t now_ns = now();
        uint64_t due = rate ? (now_ns - start_ns) * rate / 1000000000u + 1 : UINT64_MAX;
        struct pollfd wait = { fd, POLLIN, 0 };
        struct timespec pause = { 0, 1000000 };
        int full = 0;

        if (now_ns >= end_ns && (received >= sent || now_ns >= end_ns + LINGER_NS))
            break;
        while (now_ns < end_ns && sent < due && sent - received < window) {
            memcpy(frame + NUMBER_AT, &sent, sizeof sent);
            now_ns = now();
            memcpy(frame + TIME_AT, &now_ns, sizeof now_ns);
            if (send(fd, frame, len, MSG_DONTWAIT) < 0) {
                full = 1;
                break;
            }
            sent++;
        }
        uint64_t taken = take(fd, received);
        received += taken;
        if (taken)
            last_ns = now();
        if (taken)
            continue;
        if (rate && sent < due + window && sent - received < window) {
            int64_t left = (int64_t)(start_ns + sent * 1000000000u / rate - now());

            pause.tv_nsec = left < 0 ? 0 : left < 1000000 ? left : 1000000;
        }
        if (full)
            wait.events |= POLLOUT;
        ppoll(&wait, 1, &pause, NULL);
    }
    uint64_t counted = received < SAMPLES_MAX ? received : SAMPLES_MAX;
    qsort(took_ns, counted, sizeof took_ns[0], by_size);
    printf("%llu %llu %llu %u %u\n", (unsigned long long)sent, (unsigned long long)received,
           (unsigned long long)((last_ns > end_ns ? last_ns : end_ns) - start_ns), counted ? took_ns[counted / 2] : 0,
           counted ? took_ns[counted * 99 / 100] : 0);
    return 0;
}
