/* SPDX-License-Identifier: BSD-3-Clause */
/* The handler runs in the thread that touched the memory, between two instructions of ours; the lists below change only
 * in code that touches no such memory.  mmap() is not on POSIX's list of what a handler may call, but on Linux it is a
 * system call and nothing else.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "machine/guard.h"

#define SPARE_PAGES 5                 /* every other one may be touched, so each is a mapping of its own */
#define SPARE_PAGE_BYTES 4096

static struct guard *guards;
static struct sigaction before;
static uint8_t *spare;                /* mappings to give back when the process has as many as it may have */

/* A range in the middle of a larger mapping takes two mappings more. */
static int replace(uint8_t *start, uint64_t len_bytes)
{
    for (int once = 0; once < 2; once++) {
        if (mmap(start, len_bytes, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
                 0) != MAP_FAILED)
            return 1;
        if (errno != ENOMEM || !spare)
            break;
        munmap(spare, SPARE_PAGES * SPARE_PAGE_BYTES);
        spare = NULL;
    }
    return 0;
}

static int replaced(uint8_t *at)
{
    uint8_t *map;
    uint64_t map_bytes;

    for (struct guard *guard = guards; guard; guard = guard->next)
        if (guard->lose(guard->owner, at, &map, &map_bytes))
            return replace(map, map_bytes);
    return 0;
}

static void on_bus_error(int number, siginfo_t *info, void *context)
{
    int error = errno, from_kernel = info->si_code > 0;

    (void)context;
    if (!(from_kernel && replaced(info->si_addr))) {
        sigaction(SIGBUS, &before, NULL);         /* the access is made again, and theirs to deal with */
        if (!from_kernel)
            raise(number);
    }
    errno = error;
}

static void keep_spare(void)
{
    uint8_t *at;

    if (spare)
        return;
    at = mmap(NULL, SPARE_PAGES * SPARE_PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return;
    for (int i = 1; i < SPARE_PAGES; i += 2)
        (void)mprotect(at + i * SPARE_PAGE_BYTES, SPARE_PAGE_BYTES, PROT_READ);
    spare = at;
}

/* Whoever set a handler of his own in the meantime (Python's faulthandler) becomes the one that was there before. */
int guard_arm(void)
{
    struct sigaction now, ours = { .sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_ONSTACK };

    if (sigaction(SIGBUS, NULL, &now) < 0)
        return -errno;
    if ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_bus_error)
        return 0;
    before = now;
    keep_spare();
    return sigaction(SIGBUS, &ours, NULL) < 0 ? -errno : 0;
}

struct guard *guard_new(int (*lose)(void *, uint8_t *, uint8_t **, uint64_t *), void *owner)
{
    struct guard *guard = malloc(sizeof(*guard));

    if (!guard)
        return NULL;
    *guard = (struct guard){ .lose = lose, .owner = owner, .next = guards };
    guards = guard;
    return guard;
}

void guard_free(struct guard *guard)
{
    for (struct guard **at = &guards; *at && guard; at = &(*at)->next) {
        if (*at == guard) {
            *at = guard->next;
            break;
        }
    }
    free(guard);
}
