/* SPDX-License-Identifier: BSD-3-Clause */
/* How fast a queue may send: RTTBCNRC, one for each queue behind RTTDQSEL.
 *
 * A frame of a limited queue moves the time from which on it may send the next one; until then the queue waits, and the
 * others go on.  Nobody sleeps here: the loop is told when the first queue is due.
 * Ref: ixgbe_tx_maxrate, ixgbe_set_vf_rate_limit: the factor is the link's speed over the rate, with 14 binary places.
 */
#include <stdint.h>
#include <string.h>
#include "desc.h"
#include "regs.h"
#include "machine/clock.h"
#include "machine/eth.h"
#include "machine/dma.h"
#include "machine/regfile.h"
#include "machine/parse.h"
#include "machine/wire/port.h"
#include "i82599/chip.h"
#include "i82599/pass.h"
#include "i82599/tx/tx.h"

#define UNITS_PER_NS (10ull << 14)    /* a byte's time at the link's speed is in tenths of ns, the factor has 14 places */
#define CATCH_UP_NS 2000000ull        /* a queue that had frames all the time loses none of it if we are later than this */

void tx_rate_reset(struct tx *tx)
{
    memset(tx->rate, 0, sizeof(tx->rate));
    memset(tx->waits, 0, sizeof(tx->waits));
    tx->wake_ns = UINT64_MAX;
}

static void wait_for(struct tx *tx, uint32_t q)
{
    tx->waits[q / 64] |= 1ull << q % 64;
    tx->rate[q].behind = 1;
    if (tx->rate[q].due_ns < tx->wake_ns)
        tx->wake_ns = tx->rate[q].due_ns;
}

int tx_rate_waits(struct tx *tx, uint32_t q)
{
    if (clock_now(tx->clock) >= tx->rate[q].due_ns) {
        tx->waits[q / 64] &= ~(1ull << q % 64);
        return 0;
    }
    wait_for(tx, q);
    return 1;
}

/* Which queue's limit and credits are shown, or the value of one of them. */
int tx_rate_write(struct tx *tx, uint32_t offset, uint32_t seen)
{
    uint32_t q = reg(tx->regs, R_RTTDQSEL) & RTTDQSEL_TXDQ_IDX;
    struct tx_rate *rate = &tx->rate[q];

    if (offset == R_RTTDQSEL) {
        reg_set(tx->regs, R_RTTBCNRC, rate->rttbcnrc);
        reg_set(tx->regs, R_RTTDT1C, rate->rttdt1c);
    } else if (offset == R_RTTDT1C) {
        rate->rttdt1c = seen;
    } else if (seen != rate->rttbcnrc) {
        rate->rttbcnrc = seen;
        rate->factor = seen & RTTBCNRC_RS_ENA ? seen & (RTTBCNRC_RF_INT | RTTBCNRC_RF_DEC) : 0;
        rate->due_ns = rate->part = rate->behind = 0;  /* the new rate holds from the next frame on */
        return 1;
    }
    return 0;
}

/* Guess: frames count as they lie in memory, with what was put in and without FCS, preamble and gap.
 * Guess: a queue that had nothing to send may make up for MMW_SIZE KiB of it. */
void tx_rate_open(struct tx_turn *turn)
{
    static const uint32_t tenths[] = { 8, 800, 80, 8 };        /* of a nanosecond a byte, by LINKS.SPEED; 0: 10 Gb/s, too */
    const struct tx *tx = turn->tx;
    struct tx_rate *rate = turn->rate;
    uint64_t late_ns = CATCH_UP_NS;

    turn->now_ns = clock_now(tx->clock);
    turn->byte_units = (uint64_t)rate->factor * tenths[field(reg(tx->regs, R_LINKS), LINKS_SPEED)];
    if (!rate->behind)
        late_ns = field(reg(tx->regs, R_RTTBCNRM), RTTBCNRM_MMW_SIZE) * 1024ull * turn->byte_units / UNITS_PER_NS;
    if (turn->now_ns > late_ns && rate->due_ns < turn->now_ns - late_ns)
        rate->due_ns = turn->now_ns - late_ns;
}

void tx_rate_spend(struct tx_turn *turn, uint32_t len_bytes)
{
    struct tx_rate *rate = turn->rate;
    uint64_t units = rate->part + len_bytes * turn->byte_units;

    rate->due_ns += units / UNITS_PER_NS;
    rate->part = units % UNITS_PER_NS;
    if (rate->due_ns > turn->now_ns)
        turn->budget = 0;             /* the turn ends with this frame */
}

/* The turn is over; left: the queue has more to send. */
void tx_rate_close(struct tx_turn *turn, int left)
{
    struct tx *tx = turn->tx;

    turn->rate->behind = (uint32_t)left;
    if (left && turn->rate->due_ns > turn->now_ns) {
        tx->pending[turn->queue / 64] &= ~(1ull << turn->queue % 64);
        wait_for(tx, turn->queue);
    }
}

void tx_rate_release(struct tx *tx)
{
    uint64_t now_ns = clock_now(tx->clock);

    if (now_ns < tx->wake_ns)
        return;
    tx->wake_ns = UINT64_MAX;
    for (uint32_t half = 0; half < 2; half++) {
        for (uint64_t left = tx->waits[half]; left; left &= left - 1) {
            uint32_t n = (uint32_t)__builtin_ctzll(left);

            if (tx->rate[half * 64 + n].due_ns > now_ns) {
                wait_for(tx, half * 64 + n);
                continue;
            }
            tx->waits[half] &= ~(1ull << n);
            tx->pending[half] |= 1ull << n;
        }
    }
}

uint64_t tx_wait_ns(const struct tx *tx)
{
    uint64_t now_ns;

    if (!(tx->waits[0] | tx->waits[1]))
        return UINT64_MAX;
    now_ns = clock_now(tx->clock);
    return tx->wake_ns > now_ns ? tx->wake_ns - now_ns : 0;
}
