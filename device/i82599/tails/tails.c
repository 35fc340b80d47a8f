/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdint.h>
#include <string.h>
#include "regs.h"
#include "machine/clock.h"
#include "machine/parse.h"
#include "machine/regfile.h"
#include "i82599/chip.h"
#include "i82599/pass.h"
#include "i82599/tails/tails.h"

#define LOOK_EVERY 16                 /* busy turns between two looks at queues that were off */
#define QUIET_NS 1500000000ull        /* shared tails that stood still for so long are looked at */
#define QUIET_TIMES 20                /* so many times more rarely */
#define OFF_TIMES 100                 /* and the registers of queues that are off still more rarely */

void tails_reset(struct tails *tails)
{
    memset(tails->rdt, 0, sizeof(tails->rdt));
    memset(tails->tdt, 0, sizeof(tails->tdt));
    memset(tails->rx_on, 0, sizeof(tails->rx_on));
    memset(tails->tx_on, 0, sizeof(tails->tx_on));
    tails->on = 0;
}

/* One queue's control and tail registers as the client left them in shared memory, against what was seen before.  The
 * order is the one drivers use: a queue is enabled, then given descriptors; disabled before anything else counts. */
static inline uint32_t look(struct tails *tails, uint32_t ctl, uint32_t enable, uint32_t tail, uint8_t *seen_on,
                            uint16_t *seen)
{
    uint32_t control = reg_announced(tails->regs, ctl);
    uint16_t now = (uint16_t)reg_announced(tails->regs, tail), old = *seen;
    uint8_t on = (control & enable) != 0, was_on = *seen_on;

    if (on == was_on && now == old)
        return 0;
    *seen_on = on;
    *seen = now;
    tails->on += (uint32_t)on - was_on;
    if (on != was_on)
        reg_poked(tails->regs, ctl, on ? control & ~enable : control | enable, control);
    if (now != old) {
        reg_poked(tails->regs, tail, old, now);
        tails->count.doorbells++;
    }
    return (on != was_on) + (now != old);
}

static uint32_t look_rx(struct tails *tails, uint32_t q)
{
    return look(tails, R_RXDCTL(q), RXDCTL_ENABLE, R_RDT(q), &tails->rx_on[q], &tails->rdt[q]);
}

static uint32_t look_tx(struct tails *tails, uint32_t q)
{
    return look(tails, R_TXDCTL(q), TXDCTL_ENABLE, R_TDT(q), &tails->tx_on[q], &tails->tdt[q]);
}

/* Queues that are on get a look every turn, all the others when that found nothing, or after LOOK_EVERY turns: a queue
 * switched on or off is noticed in well under the millisecond drivers wait between two looks of theirs. */
uint32_t tails_look(struct tails *tails, uint64_t turn, uint32_t busy)
{
    uint32_t moved = 0;

    if (busy)
        tails->busy_ns = clock_mono();
    for (uint32_t q = 0; q < CHIP_QUEUES; q++) {
        if (tails->rx_on[q])
            moved += look_rx(tails, q);
        if (tails->tx_on[q])
            moved += look_tx(tails, q);
    }
    if (moved && turn % LOOK_EVERY)
        return moved;
    for (uint32_t q = 0; q < CHIP_QUEUES; q++)
        moved += look_rx(tails, q) + look_tx(tails, q);
    return moved;
}

/* A client that sends now and then is heard soon; one that is silent costs little, and its next doorbell up to a
 * millisecond. */
uint64_t tails_wait_ns(const struct tails *tails)
{
    if (!tails->regs->shared || !tails->every_ns)
        return UINT64_MAX;
    if (!tails->on)
        return tails->every_ns * OFF_TIMES;
    return clock_mono() - tails->busy_ns < QUIET_NS ? tails->every_ns : tails->every_ns * QUIET_TIMES;
}
