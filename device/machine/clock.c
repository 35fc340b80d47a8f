/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdint.h>
#include <time.h>
#include "machine/clock.h"

#define NS_PER_S 1000000000ull

uint64_t clock_mono(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t clock_now(const struct clock *clock)
{
    return clock->now ? clock->now(clock->arg) : clock_mono();
}

uint64_t clock_manual(void *clock)
{
    return ((struct clock *)clock)->manual_ns;
}
