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

#define BLOCK_BYTES 0x40              /* all registers of one queue */
#define BLOCK_WORDS (BLOCK_BYTES / 4)
#define PAGE_QUEUES (REG_PAGE_BYTES / BLOCK_BYTES)

/* Within a block control and tail are where Rx queues have them. */
#define CONTROL_WORD (R_RXDCTL(0) % BLOCK_BYTES / 4)
#define TAIL_WORD (R_RDT(0) % BLOCK_BYTES / 4)

_Static_assert(R_TXDCTL(0) % BLOCK_BYTES == R_RXDCTL(0) % BLOCK_BYTES && R_TDT(0) % BLOCK_BYTES == R_RDT(0) % BLOCK_BYTES &&
               RXDCTL_ENABLE == TXDCTL_ENABLE, "Rx and Tx queues look alike");

static const uint32_t PAGES[TAILS_PAGES] = { R_RDBAL(0), R_RDBAL(64), R_TDBAL(0), R_TDBAL(64) };

void tails_reset(struct tails *tails)
{
    memset(tails->rx_on, 0, sizeof(tails->rx_on));
    memset(tails->tx_on, 0, sizeof(tails->tx_on));
}

int tails_show(struct tails *tails, uint64_t every_ns)
{
    tails->every_ns = every_ns;
    return regfile_show(tails->regs, PAGES, TAILS_PAGES);
}

/* PAGES[page] holds the queues of one word of rx_on or tx_on. */
static uint64_t *on_in(struct tails *tails, uint32_t page)
{
    return page < 2 ? &tails->rx_on[page] : &tails->tx_on[page - 2];
}

static inline int differs(const struct regfile *regs, uint32_t offset)
{
    return __atomic_load_n(&regs->shown[offset / 4], __ATOMIC_ACQUIRE) != regs->word[offset / 4];
}

/* All of one queue's registers.  The order is the one drivers use: a ring is described, its queue enabled, then given
 * descriptors. */
static uint32_t take_block(struct regfile *regs, uint32_t block)
{
    uint32_t moved = 0;

    for (uint32_t word = 0; word < BLOCK_WORDS; word++)
        if (word != CONTROL_WORD && word != TAIL_WORD)
            moved += (uint32_t)reg_take(regs, block + word * 4);
    moved += (uint32_t)reg_take(regs, block + CONTROL_WORD * 4);
    return moved + (uint32_t)reg_take(regs, block + TAIL_WORD * 4);
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

/* Everything, and which queues are on now: a trapped write may have switched one, too. */
static uint32_t look_page(struct tails *tails, uint32_t page)
{
    struct regfile *regs = tails->regs;
    uint64_t on = 0;
    uint32_t moved = 0;
    const int same = !memcmp(&regs->shown[PAGES[page] / 4], &regs->word[PAGES[page] / 4], REG_PAGE_BYTES);

    for (uint32_t n = 0; n < PAGE_QUEUES; n++) {
        uint32_t block = PAGES[page] + n * BLOCK_BYTES;

        if (!same && memcmp(&regs->shown[block / 4], &regs->word[block / 4], BLOCK_BYTES))
            moved += take_block(regs, block);
        on |= (uint64_t)!!(regs->word[block / 4 + CONTROL_WORD] & RXDCTL_ENABLE) << n;
    }
    *on_in(tails, page) = on;
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
    if (moved && turn % LOOK_EVERY)
        return moved;
    for (uint32_t page = 0; page < TAILS_PAGES; page++)
        moved += look_page(tails, page);
    return moved;
}

/* A client that sends now and then is heard soon; one that is silent costs little, and its next doorbell up to a
 * millisecond. */
uint64_t tails_wait_ns(const struct tails *tails)
{
    if (!tails->regs->shared || !tails->every_ns)
        return UINT64_MAX;
    if (!(tails->rx_on[0] | tails->rx_on[1] | tails->tx_on[0] | tails->tx_on[1]))
        return tails->every_ns * OFF_TIMES;
    return clock_mono() - tails->busy_ns < QUIET_NS ? tails->every_ns : tails->every_ns * QUIET_TIMES;
}
