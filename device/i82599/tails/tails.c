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
#define PART_OF_PAUSE 16              /* tails that have stood still for T are looked at after another T / 16 */
#define SILENT_TIMES 20               /* but no more rarely than every so many every_ns, if a client stores without waking us */
#define WOKEN_TIMES 400               /* and this, if none does */
#define PAUSE_NS 1000000ull           /* a store so long after the last one should have come with a message */
#define OFF_TIMES 100                 /* and the registers of queues that are off still more rarely */

#define BLOCK_BYTES 0x40              /* all registers of one queue */
#define BLOCK_WORDS (BLOCK_BYTES / 4)
#define PAGE_QUEUES (REG_PAGE_BYTES / BLOCK_BYTES)

/* Within a block control and tail are where Rx queues have them. */
#define CONTROL_WORD (R_RXDCTL(0) % BLOCK_BYTES / 4)
#define TAIL_WORD (R_RDT(0) % BLOCK_BYTES / 4)

_Static_assert(R_TXDCTL(0) % BLOCK_BYTES == R_RXDCTL(0) % BLOCK_BYTES && R_TDT(0) % BLOCK_BYTES == R_RDT(0) % BLOCK_BYTES &&
               RXDCTL_ENABLE == TXDCTL_ENABLE, "Rx and Tx queues look alike");

/* Tx before Rx: a frame that comes back finds the Rx ring as it was when the frame was given to us. */
static const uint32_t PAGES[TAILS_PAGES] = { R_TDBAL(0), R_TDBAL(64), R_RDBAL(0), R_RDBAL(64) };

void tails_reset(struct tails *tails)
{
    memset(tails->rx_on, 0, sizeof(tails->rx_on));
    memset(tails->tx_on, 0, sizeof(tails->tx_on));
    tails->known = 0;
    tails->silent = 0;
    tails->doubt_ns = 0;
}

int tails_show(struct tails *tails, uint64_t every_ns)
{
    tails->every_ns = every_ns;
    return regfile_show(tails->regs, PAGES, TAILS_PAGES);
}

/* PAGES[page] holds the queues of one word of rx_on or tx_on. */
static uint64_t *on_in(struct tails *tails, uint32_t page)
{
    return page < 2 ? &tails->tx_on[page] : &tails->rx_on[page - 2];
}

static inline int differs(const struct regfile *regs, uint32_t offset)
{
    return __atomic_load_n(&regs->shown[offset / 4], __ATOMIC_ACQUIRE) != regs->word[offset / 4];
}

/* All of one queue's registers, taken in the order in which drivers store: a ring is described, its queue enabled, then
 * given descriptors.  We look in the opposite order: where we see a doorbell we see what was stored before it.  A queue
 * that is enabled, or rung, while we take the rest is left for the next look. */
static uint32_t take_block(struct regfile *regs, uint32_t block)
{
    const int rung = differs(regs, block + TAIL_WORD * 4), switched = differs(regs, block + CONTROL_WORD * 4);
    uint32_t moved = 0;

    for (uint32_t word = 0; word < BLOCK_WORDS; word++)
        if (word != CONTROL_WORD && word != TAIL_WORD)
            moved += (uint32_t)reg_take(regs, block + word * 4);
    if (switched)
        moved += (uint32_t)reg_take(regs, block + CONTROL_WORD * 4);
    if (rung)
        moved += (uint32_t)reg_take(regs, block + TAIL_WORD * 4);
    return moved;
}

/* Queues that are on: their tails, and whether they still are. */
static uint32_t look_on(struct tails *tails, uint32_t page)
{
    struct regfile *regs = tails->regs;
    uint32_t moved = 0;

    for (uint64_t on = *on_in(tails, page); on; on &= on - 1) {
        uint32_t block = PAGES[page] + (uint32_t)__builtin_ctzll(on) * BLOCK_BYTES;

        if (differs(regs, block + CONTROL_WORD * 4))
            moved += take_block(regs, block);
        else if (differs(regs, block + TAIL_WORD * 4))
            moved += (uint32_t)reg_take(regs, block + TAIL_WORD * 4);
    }
    return moved;
}

/* Everything, and which queues are on now, unless that is known: a trapped write may have switched one, too. */
static uint32_t look_page(struct tails *tails, uint32_t page, int known)
{
    struct regfile *regs = tails->regs;
    uint64_t on = 0;
    uint32_t moved = 0;
    const int same = !memcmp(&regs->shown[PAGES[page] / 4], &regs->word[PAGES[page] / 4], REG_PAGE_BYTES);

    if (same && known)
        return 0;
    for (uint32_t n = 0; n < PAGE_QUEUES; n++) {
        uint32_t block = PAGES[page] + n * BLOCK_BYTES;

        if (!same && memcmp(&regs->shown[block / 4], &regs->word[block / 4], BLOCK_BYTES))
            moved += take_block(regs, block);
        on |= (uint64_t)!!(regs->word[block / 4 + CONTROL_WORD] & RXDCTL_ENABLE) << n;
    }
    *on_in(tails, page) = on;
    return moved;
}

static inline uint64_t accesses(const struct regfile *regs)
{
    return regs->count.reg_reads + regs->count.reg_writes;
}

static inline uint64_t pause_ns(const struct tails *tails)
{
    return clock_mono() - tails->busy_ns;
}

/* There was no message since the last look.  A client's message follows its store, so it has some time to come. */
static __attribute__((noinline)) void doubt(struct tails *tails)
{
    uint64_t now_ns = clock_mono();

    if (!tails->doubt_ns && pause_ns(tails) >= PAUSE_NS) {
        tails->doubt_ns = now_ns;
    } else if (tails->doubt_ns && now_ns - tails->doubt_ns >= PAUSE_NS) {
        tails->silent = 1;
        tails->doubt_ns = 0;
    }
}

static uint32_t look_everywhere(struct tails *tails)
{
    const uint32_t changes = tails->regs->changes;
    const int known = tails->known && tails->seen == changes;
    uint32_t moved = 0;

    for (uint32_t page = 0; page < TAILS_PAGES; page++)
        moved += look_page(tails, page, known);
    tails->known = 1;
    tails->seen = changes;            /* what changed on the way is looked at next time */
    return moved;
}

/* Queues that are on get a look every turn, everything else when that found nothing, or after LOOK_EVERY turns: a queue
 * switched on is noticed in well under the millisecond drivers wait between two looks of theirs. */
uint32_t tails_look(struct tails *tails, uint64_t turn, uint32_t busy)
{
    uint32_t moved = 0;

    if (busy)
        tails->busy_ns = clock_mono();
    for (uint32_t page = 0; page < TAILS_PAGES; page++)
        moved += look_on(tails, page);
    if (!moved || turn % LOOK_EVERY == 0)
        moved += look_everywhere(tails);
    if (accesses(tails->regs) != tails->accesses)
        tails->doubt_ns = 0;
    else if (tails->doubt_ns || (moved && !busy))
        doubt(tails);
    tails->accesses = accesses(tails->regs);
    return moved;
}

/* The longer nobody stored, the more rarely we look: a store waits for a sixteenth of the pause before it.  After a pause
 * our driver's first doorbell comes with a message, which wakes us; a stock driver's does not, so once one was seen no wait
 * is longer than a millisecond. */
uint64_t tails_wait_ns(const struct tails *tails)
{
    uint64_t wait_ns, most_ns;

    if (!tails->regs->shared || !tails->every_ns)
        return UINT64_MAX;
    if (!(tails->rx_on[0] | tails->rx_on[1] | tails->tx_on[0] | tails->tx_on[1]))
        return tails->every_ns * OFF_TIMES;
    wait_ns = pause_ns(tails) / PART_OF_PAUSE;
    most_ns = tails->every_ns * (tails->silent ? SILENT_TIMES : WOKEN_TIMES);
    if (wait_ns < tails->every_ns)
        return tails->every_ns;
    return wait_ns < most_ns ? wait_ns : most_ns;
}
