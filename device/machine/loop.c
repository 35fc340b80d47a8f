/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE                   /* ppoll */
#endif
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <time.h>
#include "machine/clock.h"
#include "machine/dma.h"
#include "machine/irq.h"
#include "machine/regfile.h"
#include "machine/wire/port.h"
#include "machine/function.h"
#include "machine/socket_rule.h"
#include "machine/loop.h"

#define FDS_MAX (2 + LOOP_SOURCES_MAX + LOOP_CHIPS_MAX)
#define NS_PER_US 1000ull
#define NS_PER_S 1000000000ull
#define FOREVER UINT64_MAX
#define FEW_SOURCES 4u                /* so many are all asked in every turn */
#define IDLE_TURNS 64u                /* a source that had nothing for so long is idle */
#define LOOK_NS 200000ull             /* idle sources are looked at so often, all at once: some 8 us for 63 */
#define LOOKS_OF_ALL 256u             /* and every so many looks each is asked, for what it does by time */

/* One source: as much as a turn allows.  Its fd is read anew each time: its run() may have opened or closed it. */
static int run_source(struct loop_source *source, uint32_t *work)
{
    uint32_t spent = 0;

    while (spent < SOCKET_TURN_MESSAGES && source->fd >= 0 && source->run) {
        int rc = source->run(source->arg);

        if (rc < 0)
            return rc;
        if (rc == 0)
            break;
        spent += (uint32_t)rc;
        ++*work;
    }
    source->idle = spent ? 0 : source->idle + 1;
    return 0;
}

/* Which idle sources have something to do: one call for all of them.  They count as busy then. */
static void look_at_idle(struct loop *loop)
{
    struct pollfd fds[LOOP_SOURCES_MAX];
    int all = ++loop->looks % LOOKS_OF_ALL == 0;

    for (uint32_t i = 0; i < loop->sources; i++)
        fds[i] = (struct pollfd){ .fd = loop->source[i].idle < IDLE_TURNS ? -1 : loop->source[i].fd, .events = POLLIN };
    if (poll(fds, loop->sources, 0) <= 0 && !all)
        return;
    for (uint32_t i = 0; i < loop->sources; i++)
        if (fds[i].revents)
            loop->source[i].idle = 0;
        else if (all && loop->source[i].idle >= IDLE_TURNS)
            loop->source[i].idle = IDLE_TURNS - 1;    /* asked once */
}

/* One turn of everything.  With many sources those that have been idle are not asked each time. */
static int turn(struct loop *loop, uint64_t now, uint32_t *work)
{
    int many = loop->sources > FEW_SOURCES;

    *work = 0;
    if (many && now - loop->looked_ns >= LOOK_NS) {
        look_at_idle(loop);
        loop->looked_ns = now;
    }
    for (uint32_t i = 0; i < loop->sources; i++) {
        int rc = many && loop->source[i].idle >= IDLE_TURNS ? 0 : run_source(&loop->source[i], work);

        if (rc < 0)
            return rc;
    }
    for (uint32_t i = 0; i < loop->chips; i++)
        *work += (uint32_t)loop->chip[i].ops->step(loop->chip[i].chip);
    return 0;
}

/* Whether to stop, or somebody else has work. */
static int is_wanted(int stop_fd, int wake_fd)
{
    struct pollfd fds[] = {{.fd = stop_fd, .events = POLLIN}, {.fd = wake_fd, .events = POLLIN}};

    return poll(fds, 2, 0) > 0;       /* poll skips an fd of -1 */
}

/* Wait until something can have happened.  A wire is left out while its frames would have no place to go, and for good
 * once its other end is gone and it would wake us for ever. */
static int sleep_on(struct loop *loop, uint64_t longest_ns)
{
    struct pollfd fds[FDS_MAX];
    struct port *port_of[FDS_MAX] = { 0 };
    struct timespec ts;
    nfds_t n = 0;
    int rc;

    loop->sleeps++;
    fds[n++] = (struct pollfd){ .fd = loop->stop_fd, .events = POLLIN };      /* poll skips an fd of -1 */
    fds[n++] = (struct pollfd){ .fd = loop->wake_fd, .events = POLLIN };
    for (uint32_t i = 0; i < loop->sources; i++)
        fds[n++] = (struct pollfd){ .fd = loop->source[i].fd, .events = POLLIN };
    for (uint32_t i = 0; i < loop->chips; i++) {
        struct loop_chip *chip = &loop->chip[i];
        uint64_t ns = chip->ops->may_sleep(chip->chip);
        struct port *port = chip->ops->listens(chip->chip);

        if (ns < longest_ns)
            longest_ns = ns;
        if (port) {
            port_of[n] = port;
            fds[n++] = (struct pollfd){ .fd = port->fd, .events = POLLIN };
        }
    }
    ts = (struct timespec){ .tv_sec = (time_t)(longest_ns / NS_PER_S), .tv_nsec = (long)(longest_ns % NS_PER_S) };
    rc = ppoll(fds, n, longest_ns == FOREVER ? NULL : &ts, NULL);
    if (rc < 0)
        return -errno;
    for (uint32_t i = 0; i < loop->sources; i++)
        if (fds[2 + i].revents)
            loop->source[i].idle = 0;
    for (nfds_t i = 2; i < n; i++)
        if (port_of[i] && (fds[i].revents & (POLLERR | POLLHUP | POLLNVAL)) && !(fds[i].revents & POLLIN))
            port_failed(port_of[i], EPIPE);
    return ((fds[0].revents | fds[1].revents) & POLLIN) ? 1 : 0;
}

int loop_run(struct loop *loop, int64_t timeout_ns)
{
    uint64_t start = clock_mono(), looked = start, now = start, end = FOREVER;
    uint32_t work;
    int rc;

    if (loop->sources > LOOP_SOURCES_MAX || loop->chips > LOOP_CHIPS_MAX)
        return -E2BIG;
    if (is_wanted(loop->stop_fd, -1))
        return 0;
    if (timeout_ns >= 0)
        end = start + (loop->idle_ns > (uint64_t)timeout_ns ? loop->idle_ns : (uint64_t)timeout_ns);
    for (;;) {
        if (now - looked >= SOCKET_LOOK_US * NS_PER_US) {
            if (is_wanted(loop->stop_fd, loop->wake_fd))
                return 0;
            looked = now;
        }
        rc = turn(loop, now, &work);
        if (rc < 0)
            return rc;
        now = clock_mono();
        if (now >= end)
            return 0;
        if (work) {
            if (timeout_ns >= 0 && end - now > (uint64_t)timeout_ns)
                end = now + (uint64_t)timeout_ns;
            loop->worked_ns = now;
            continue;
        }
        if (now - loop->worked_ns < loop->spin_us * NS_PER_US)
            continue;
        rc = sleep_on(loop, end == FOREVER ? FOREVER : end - now);
        if (rc < 0)
            return rc;
        if (rc > 0)
            return 0;
        /* Spin again only after work: a timer or a look at the tails that finds nothing goes straight back to sleep. */
    }
}
