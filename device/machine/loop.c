/* SPDX-License-Identifier: BSD-3-Clause */
/* The loop: registers, port, rings and interrupts of some functions, one turn after another, on one thread. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE                   /* ppoll */
#endif
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>
#include "desc.h"
#include "regs.h"
#include "core.h"

#define FDS_MAX 64
#define SOURCE_BUDGET 32              /* messages of one source in one turn, so that no client starves the port */
#define LOOK_EVERY 16                 /* busy turns between two looks at queues that were off */
#define STOP_EVERY 64                 /* busy turns between two looks at stop_fd */
#define QUIET_NS (3 * NS_PER_S / 2)   /* shared tails that stood still for so long are looked at */
#define QUIET_TIMES 20                /* so many times more rarely */
#define OFF_TIMES 100                 /* and the registers of queues that are off still more rarely */
#define NS_PER_US 1000ull
#define NS_PER_S 1000000000ull
#define FOREVER UINT64_MAX

/* With this much waiting for descriptors new frames are left in the port, where the sender can see the queue fill. */
#define FIFO_PAUSE_BYTES (NIC_FIFO_BYTES / 4)

static uint64_t mono_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* PCI or the driver forbids DMA: rings stand still. */
static int dma_off(const struct nic *nic)
{
    return !nic->bus_master || (nic->word[R_CTRL / 4] & CTRL_GIO_DIS);
}

/* A wire brings what it brings; a capture waits until somebody listens. */
static int takes_frames(const struct nic *nic)
{
    const struct port *port = nic->port;

    if (!port || nic->fifo_used_bytes >= FIFO_PAUSE_BYTES)
        return 0;
    if (port->kind != PORT_PCAP)
        return 1;
    return !dma_off(nic) && nic->link_up && (nic->word[R_RXCTRL / 4] & RXCTRL_RXEN);
}

static uint32_t receive(struct nic *nic, int quiet)
{
    struct frame frames[NIC_BATCH];
    int n = port_recv(nic->port, frames, NIC_BATCH, nic_now(nic));

    if (n <= 0)
        return 0;
    for (int i = 0; nic->link_up && i < n; i++)
        stats_rx_total(nic, &frames[i]);
    if (quiet)
        nic->count.rx_disabled += (uint32_t)n;
    else
        rx_frames(nic, frames, (uint32_t)n);
    return (uint32_t)n;
}

int nic_step(struct nic *nic)
{
    int quiet = dma_off(nic), rc;
    uint32_t work = 0;

    nic->count.loop_turns++;
    if (nic->shared_doorbells && !nic->memory_off)
        work += nic_poll_tails(nic);
    if (!quiet && (nic->tx_pending[0] | nic->tx_pending[1])) {
        rc = tx_run(nic, NIC_BATCH);
        work += rc > 0 ? (uint32_t)rc : 0;
    }
    if (!quiet && nic->fifo_frames) {
        rc = rx_drain(nic);
        work += rc > 0 ? (uint32_t)rc : 0;
    }
    if (takes_frames(nic))
        work += receive(nic, quiet);
    intr_run(nic);
    return (int)work;
}

/* One queue's control and tail registers as the client left them in shared memory, against what was seen before.  The
 * order is the one drivers use: a queue is enabled, then given descriptors; disabled before anything else counts. */
static inline uint32_t look(struct nic *nic, uint32_t ctl, uint32_t enable, uint32_t tail, uint8_t *seen_on,
                            uint16_t *seen, void (*hook)(struct nic *, uint32_t, uint32_t, uint32_t))
{
    uint32_t control = __atomic_load_n(&nic->word[ctl / 4], __ATOMIC_RELAXED);
    /* Acquire: the descriptors behind the tail were written before it. */
    uint16_t now = (uint16_t)__atomic_load_n(&nic->word[tail / 4], __ATOMIC_ACQUIRE), old = *seen;
    uint8_t on = (control & enable) != 0, was_on = *seen_on;

    if (on == was_on && now == old)
        return 0;
    *seen_on = on;
    *seen = now;
    nic->seen_on += (uint32_t)on - was_on;
    if (on != was_on)
        hook(nic, ctl, on ? control & ~enable : control | enable, control);
    if (now != old) {
        hook(nic, tail, old, now);
        nic->count.doorbells++;
    }
    return (on != was_on) + (now != old);
}

static uint32_t look_rx(struct nic *nic, uint32_t q)
{
    return look(nic, R_RXDCTL(q), RXDCTL_ENABLE, R_RDT(q), &nic->seen_rx_on[q], &nic->seen_rdt[q], rx_write);
}

static uint32_t look_tx(struct nic *nic, uint32_t q)
{
    return look(nic, R_TXDCTL(q), TXDCTL_ENABLE, R_TDT(q), &nic->seen_tx_on[q], &nic->seen_tdt[q], tx_write);
}

/* Queues that are on get a look every turn, all the others when that found nothing, or after LOOK_EVERY turns: a queue
 * switched on or off is noticed in well under the millisecond drivers wait between two looks of theirs. */
uint32_t nic_poll_tails(struct nic *nic)
{
    uint32_t moved = 0;

    for (uint32_t q = 0; q < NIC_QUEUES; q++) {
        if (nic->seen_rx_on[q])
            moved += look_rx(nic, q);
        if (nic->seen_tx_on[q])
            moved += look_tx(nic, q);
    }
    if (moved && nic->count.loop_turns % LOOK_EVERY)
        return moved;
    for (uint32_t q = 0; q < NIC_QUEUES; q++)
        moved += look_rx(nic, q) + look_tx(nic, q);
    return moved;
}

/* One turn of everything.  A source's fd is read anew each time: its run() may have opened or closed it. */
static int turn(struct loop *loop, uint32_t *work)
{
    uint32_t moved = 0;

    *work = 0;
    for (uint32_t i = 0; i < loop->sources; i++) {
        struct loop_source *source = &loop->source[i];

        for (uint32_t n = 0; n < SOURCE_BUDGET && source->fd >= 0 && source->run; n++) {
            int rc = source->run(source->arg);

            if (rc < 0)
                return rc;
            if (rc == 0)
                break;
            ++*work;
        }
    }
    for (uint32_t i = 0; i < loop->nics; i++)
        moved += (uint32_t)nic_step(loop->nic[i]);
    if (moved && loop->poll_tails_us)
        loop->busy_ns = mono_ns();
    *work += moved;
    return 0;
}

/* How long this function may be left alone, in ns. */
static uint64_t may_sleep(struct nic *nic)
{
    uint64_t now;

    if (!nic->intr.waiting)
        return FOREVER;
    now = nic_now(nic);
    return nic->intr.deadline_ns > now ? nic->intr.deadline_ns - now : 0;
}

/* When to look at shared tails again, in ns from now.  A client that sends now and then is heard soon; one that is
 * silent costs little, and its next doorbell up to a millisecond. */
static uint64_t look_again(const struct loop *loop, const struct nic *nic)
{
    uint64_t ns = loop->poll_tails_us * NS_PER_US;

    if (!nic->shared_doorbells || !ns)
        return FOREVER;
    if (!nic->seen_on)
        return ns * OFF_TIMES;
    return mono_ns() - loop->busy_ns < QUIET_NS ? ns : ns * QUIET_TIMES;
}

static int stop_asked(int stop_fd)
{
    struct pollfd fd = { .fd = stop_fd, .events = POLLIN };

    return stop_fd >= 0 && poll(&fd, 1, 0) > 0;
}

/* Wait until something can have happened.  A port is left out while its frames would have no place to go, and for good
 * once its other end is gone and it would wake us for ever. */
static int sleep_on(struct loop *loop, uint64_t longest_ns)
{
    struct pollfd fds[FDS_MAX];
    struct port *port_of[FDS_MAX] = { 0 };
    struct timespec ts;
    nfds_t n = 0;
    int rc;

    fds[n++] = (struct pollfd){ .fd = loop->stop_fd, .events = POLLIN };      /* poll skips an fd of -1 */
    fds[n++] = (struct pollfd){ .fd = loop->wake_fd, .events = POLLIN };
    for (uint32_t i = 0; i < loop->sources; i++)
        fds[n++] = (struct pollfd){ .fd = loop->source[i].fd, .events = POLLIN };
    for (uint32_t i = 0; i < loop->nics; i++) {
        struct nic *nic = loop->nic[i];
        uint64_t ns = may_sleep(nic);

        nic->count.loop_sleeps++;
        if (ns < longest_ns)
            longest_ns = ns;
        ns = look_again(loop, nic);
        if (ns < longest_ns)
            longest_ns = ns;
        if (takes_frames(nic)) {
            port_of[n] = nic->port;
            fds[n++] = (struct pollfd){ .fd = nic->port->fd, .events = POLLIN };
        }
    }
    ts = (struct timespec){ .tv_sec = (time_t)(longest_ns / NS_PER_S), .tv_nsec = (long)(longest_ns % NS_PER_S) };
    rc = ppoll(fds, n, longest_ns == FOREVER ? NULL : &ts, NULL);
    if (rc < 0)
        return -errno;
    for (nfds_t i = 2; i < n; i++)
        if (port_of[i] && (fds[i].revents & (POLLERR | POLLHUP | POLLNVAL)) && !(fds[i].revents & POLLIN))
            port_failed(port_of[i], EPIPE);
    return ((fds[0].revents | fds[1].revents) & POLLIN) ? 1 : 0;
}

int nic_loop(struct loop *loop, int64_t timeout_ns)
{
    uint64_t start = mono_ns(), idle_since = start, now, left;
    uint32_t turns = 0, work;
    int rc;

    if (2 + (uint64_t)loop->sources + loop->nics > FDS_MAX)
        return -E2BIG;
    for (;;) {
        if (turns++ % STOP_EVERY == 0 && stop_asked(loop->stop_fd))
            return 0;
        rc = turn(loop, &work);
        if (rc < 0)
            return rc;
        now = mono_ns();
        if (timeout_ns >= 0 && now - start >= (uint64_t)timeout_ns)
            return 0;
        if (work) {
            idle_since = now;
            continue;
        }
        if (now - idle_since < loop->spin_us * NS_PER_US)
            continue;
        left = timeout_ns < 0 ? FOREVER : (uint64_t)timeout_ns - (now - start);
        rc = sleep_on(loop, left);
        if (rc < 0)
            return rc;
        if (rc > 0)
            return 0;
        /* Spin again only after work: a timer or a look at the tails that finds nothing goes straight back to sleep. */
    }
}
