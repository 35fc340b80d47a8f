/* SPDX-License-Identifier: BSD-3-Clause */
/* What two processes can do at best without sharing memory: one writes an eventfd, the other answers with a second one.
 * usage: eventfds TIMES PAUSE_US      PAUSE_US 0: both spin; else both sleep, and the first waits so long before each try
 * prints: p50_ns p99_ns, there and back */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "times.h"

#define TIMES_MAX 1000000u
#define GIVE_UP_MS 10000

static uint64_t took_ns[TIMES_MAX];

/* 0, or -1 when nothing came for long. */
static int take(int fd, int spins)
{
    uint64_t value, start_ns = now();
    struct pollfd ready = { fd, POLLIN, 0 };

    for (uint64_t looks = 0;; looks++) {
        if (!spins && poll(&ready, 1, GIVE_UP_MS) != 1)
            return -1;
        if (read(fd, &value, sizeof value) == sizeof value)
            return 0;
        if (spins && looks % 1024 == 0 && now() - start_ns > GIVE_UP_MS * 1000000ull)
            return -1;
    }
}

static void give(int fd)
{
    uint64_t one = 1;

    if (write(fd, &one, sizeof one) != sizeof one)
        exit(1);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    uint32_t times = (uint32_t)atoi(argv[1]), pause_us = (uint32_t)atoi(argv[2]);
    int there = eventfd(0, EFD_NONBLOCK), back = eventfd(0, EFD_NONBLOCK), spins = pause_us == 0;

    if (!times || times > TIMES_MAX || there < 0 || back < 0)
        return 2;
    pid_t other = fork();
    if (other < 0)
        return 1;
    if (other == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (uint32_t i = 0; i < times && take(there, spins) == 0; i++)
            give(back);
        _exit(0);
    }
    for (uint32_t i = 0; i < times; i++) {
        if (pause_us)
            usleep(pause_us);
        uint64_t start_ns = now();

        give(there);
        if (take(back, spins)) {
            fprintf(stderr, "eventfds: no answer\n");
            return 1;
        }
        took_ns[i] = now() - start_ns;
    }
    waitpid(other, NULL, 0);
    qsort(took_ns, times, sizeof took_ns[0], by_size);
    printf("%llu %llu\n", (unsigned long long)took_ns[times / 2], (unsigned long long)took_ns[(uint64_t)times * 99 / 100]);
    return 0;
}
