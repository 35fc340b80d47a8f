/* SPDX-License-Identifier: BSD-3-Clause */
/* NAPI in user space: an interrupt schedules a vector, polling empties its rings within a budget, and only a poll that
 * found less than its budget arms the interrupt again.  The NIC masked the vector itself when it fired, so between the two
 * nothing interrupts us.
 *
 * Ref: Linux Documentation/networking/napi.rst.
 */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "mmio.h"
#include "rings.h"
#include "netdev.h"
#include "xdp.h"
#include "napi.h"

#define NAPI_MAX 64                      /* vectors one thread serves */
#define NAPI_TX_MAX 128                  /* Tx rings one thread serves */
#define NAPI_LOOK_TURNS 64               /* while there is work, a thread asks who else wants it after so many turns ... */
#define NAPI_LOOK_NS 20000               /* ... or so long, whichever is first: a system call a turn would cost more than the turn */

uint64_t napi_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int sink_echo(struct napi *napi, struct rx_ring *rx, uint32_t budget)
{
    struct tx_ring *tx = napi->tx_count ? napi->tx[0] : NULL;
    struct rx_frame frame[NAPI_WEIGHT];
    struct tx_piece back[NAPI_WEIGHT];
    int n = rx_harvest(rx, frame, budget < NAPI_WEIGHT ? budget : NAPI_WEIGHT);
    int left = rx->xdp ? xdp_run(rx, frame, n) : n, sent = 0;
    uint32_t able = 0;

    for (int i = 0; i < left; i++) {
        uint8_t *data = frame[i].data[0], mac[6];

        if (frame[i].bufs != 1 || frame[i].total_bytes < 14 || tx == NULL)
            continue;
        memcpy(mac, data, 6);
        memcpy(data, data + 6, 6);
        memcpy(data + 6, mac, 6);
        back[able++] = (struct tx_piece){ data, frame[i].total_bytes };
    }
    if (tx != NULL) {
        sent = tx_post_many(tx, back, able);
        tx_flush(tx);
    }
    rx->stats.drops += (uint64_t)(left - sent);
    rx_refill(rx);
    return n;
}

static int sink_drop(struct rx_ring *rx, uint32_t budget)
{
    struct rx_frame frame[NAPI_WEIGHT];
    int n = rx_harvest(rx, frame, budget < NAPI_WEIGHT ? budget : NAPI_WEIGHT);

    rx->stats.drops += (uint64_t)(rx->xdp ? xdp_run(rx, frame, n) : n);
    rx_refill(rx);
    return n;
}

static int poll_rx(struct napi *napi, uint32_t i, uint32_t budget)
{
    struct rx_ring *rx = napi->rx[i];

    switch (napi->sink) {
    case SINK_DROP:
        return sink_drop(rx, budget);
    case SINK_NETDEV:
        return netdev_rx(rx, napi->rx_tap[i], budget, &napi->netdev);
    case SINK_ECHO:
        return sink_echo(napi, rx, budget);
    default:
        return 0;
    }
}

int napi_poll(struct napi *napi, int budget, uint64_t now_ns)
{
    int complete = 1, work = 0, per_ring = budget;

    napi->polls++;
    for (uint32_t i = 0; i < napi->tx_count; i++) {
        int done = tx_clean(napi->tx[i], NAPI_TX_WEIGHT, now_ns);

        napi->tx_work += (uint64_t)done;
        if (done == NAPI_TX_WEIGHT)
            complete = 0;
        if (done && napi->tx_blocked[i]) {       /* netif_wake_queue */
            napi->tx_blocked[i] = 0;
            napi->tx[i]->stats.restarts++;
        }
    }
    if (budget <= 0)                     /* Tx only: the caller has no room for frames, so nothing is re-armed */
        return budget;
    if (napi->rx_count > 1)
        per_ring = budget / (int)napi->rx_count > 1 ? budget / (int)napi->rx_count : 1;
    for (uint32_t i = 0; i < napi->rx_count; i++) {
        int done = poll_rx(napi, i, (uint32_t)per_ring);

        if (done < 0)
            continue;
        work += done;
        if (done >= per_ring)
            complete = 0;
    }
    napi->work += (uint64_t)work;
    if (!complete) {
        napi->budget_spent++;
        return budget;
    }
    return work < budget ? work : budget - 1;
}

/* Moderation looks at a vector when it completes, as Linux does: after enough events, but not too often; and after a long
 * time in any case, so that one that became idle is seen to be (the service task's kick completes it every 2 s). */
static int decision_due(const struct napi *napi, uint64_t now_ns)
{
    uint64_t since_us = now_ns > napi->decided_ns ? (now_ns - napi->decided_ns) / 1000u : 0;

    return since_us >= NAPI_DECIDE_STALE_US ||
           (since_us >= NAPI_DECIDE_GAP_US && napi->events - napi->decided_events >= napi->decide_events);
}

/* napi_complete_done(): nothing more to do, so the vector may interrupt again.  Whatever came meanwhile waits in the NIC
 * as a pending cause and fires on this write. */
static void napi_rearm(struct napi *napi, uint64_t now_ns)
{
    napi->scheduled = 0;
    if (napi->mode == NAPI_POLL || napi->irq_fd < 0)
        return;
    if (napi->decide_events && decision_due(napi, now_ns))
        napi->owes = 1;
    napi->rearms++;
    mmio_write32(napi->bar, napi->rearm_offset, napi->rearm_value);
}

/* What the interface wants sent, each of its queues on the ring that is its own; frames taken, or -errno. */
static int pump_tx(struct napi *napi)
{
    int sent = 0;

    if (napi->sink != SINK_NETDEV)
        return 0;
    for (uint32_t i = 0; i < napi->tx_count; i++) {
        int rc;

        if (napi->tx_blocked[i] || napi->tx_tap[i] < 0)
            continue;
        rc = netdev_tx(napi->tx[i], napi->tx_tap[i], NAPI_WEIGHT, &napi->netdev);
        if (rc == -EAGAIN) {
            napi->tx_blocked[i] = 1;
        } else if (rc < 0) {
            napi->tap_error = rc;
            return rc;
        } else {
            sent += rc;
        }
    }
    return sent;
}

/* One turn of one vector; returns work done. */
static int napi_turn(struct napi *napi, uint64_t now_ns)
{
    uint64_t completed = napi->tx_work;
    int work = pump_tx(napi), done;

    if (work < 0)
        return work;
    if (napi->mode != NAPI_POLL && !napi->scheduled)
        return work;
    done = napi_poll(napi, (int)napi->weight, now_ns);
    work += done;
    if (work || napi->tx_work != completed)
        napi->busy_ns = now_ns;
    if (done < (int)napi->weight && napi->mode != NAPI_POLL &&
        (napi->mode == NAPI_IRQ || now_ns - napi->busy_ns >= (uint64_t)napi->spin_us * 1000u))
        napi_rearm(napi, now_ns);
    return work;
}

static void irq_taken(struct napi *napi)
{
    uint64_t fired;

    if (read(napi->irq_fd, &fired, sizeof fired) == sizeof fired) {
        napi->irqs += fired;
        if (napi->rx_count + napi->tx_count)
            napi->events += fired;
        napi->scheduled = 1;
    }
}

/* What may end a wait: a request to stop, the vectors' interrupts, and, where nobody reads it anyway on the next turn, what the
 * interface has to send. */
static nfds_t watched(struct napi **napi, uint32_t count, int stop_fd, int busy, struct pollfd *fds)
{
    nfds_t n = 0;

    fds[n++] = (struct pollfd){ .fd = stop_fd, .events = POLLIN };
    for (uint32_t i = 0; i < count; i++)
        fds[n++] = (struct pollfd){ .fd = napi[i]->mode == NAPI_POLL ? -1 : napi[i]->irq_fd, .events = POLLIN };
    for (uint32_t i = 0; i < count && !busy; i++)
        for (uint32_t ring = 0; napi[i]->sink == SINK_NETDEV && ring < napi[i]->tx_count; ring++)
            if (!napi[i]->tx_blocked[ring])
                fds[n++] = (struct pollfd){ .fd = napi[i]->tx_tap[ring], .events = POLLIN };
    return n;
}

int napi_run(struct napi **napi, uint32_t count, int stop_fd, int64_t timeout_ns)
{
    struct pollfd fds[1 + NAPI_MAX + NAPI_TX_MAX];
    uint64_t looked_ns = napi_now(), end_ns = looked_ns + (uint64_t)timeout_ns;
    uint32_t rings = 0, turns = 0;

    for (uint32_t i = 0; i < count; i++)
        rings += napi[i]->tx_count;
    if (count > NAPI_MAX || rings > NAPI_TX_MAX)
        return -E2BIG;
    for (;;) {
        uint64_t now_ns = napi_now();
        int busy = 0, owes = 0, rc;
        nfds_t n;

        if (timeout_ns >= 0 && now_ns >= end_ns)
            return 0;
        for (uint32_t i = 0; i < count; i++) {
            rc = napi_turn(napi[i], now_ns);
            if (rc < 0)
                return rc;
            if (napi[i]->bar->error)
                return napi[i]->bar->error;
            owes |= napi[i]->owes;
            busy |= rc || napi[i]->scheduled || napi[i]->mode == NAPI_POLL;
        }
        if (owes)
            return NAPI_DECIDE;
        if (busy && ++turns < NAPI_LOOK_TURNS && now_ns - looked_ns < NAPI_LOOK_NS)
            continue;
        turns = 0;
        looked_ns = now_ns;
        n = watched(napi, count, stop_fd, busy, fds);
        rc = poll(fds, n, busy ? 0 : timeout_ns < 0 ? -1 : (int)((end_ns - now_ns) / 1000000u + 1));
        if (rc < 0 && errno != EINTR)
            return -errno;
        if (!busy && napi_now() - now_ns > NAPI_SLEPT_NS)
            for (uint32_t i = 0; i < count; i++)
                napi[i]->bar->slept = 1;
        if (rc <= 0)
            continue;
        if (fds[0].revents)
            return 0;
        for (uint32_t i = 0; i < count; i++)
            if (fds[1 + i].revents)
                irq_taken(napi[i]);
    }
}
