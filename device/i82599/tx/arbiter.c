/* SPDX-License-Identifier: BSD-3-Clause */
/* Which queue sends next: round robin over all, or by the weights of their traffic classes.
 *
 * Strict classes go first, the highest before the others.  The rest share what is left by their credits: a class that
 * has frames gets its refill each round and sends until it is used up, so over time the bytes are as the refills are.
 * The chip has two such arbiters in a row.  Between two that both have enough to choose from the last one decides, so
 * the credits are RTTPT2C's if RTTPCS says weighted, else RTTDT2C's if RTTDCS does.
 * Ref: ixgbe_dcb_config_tx_desc_arbiter_82599, ..._data_arbiter_82599; a credit is 64 bytes (DCB_CREDIT_QUANTUM).
 */
#include <stdint.h>
#include <string.h>
#include "desc.h"
#include "regs.h"
#include "machine/eth.h"
#include "machine/dma.h"
#include "machine/regfile.h"
#include "machine/parse.h"
#include "machine/wire/port.h"
#include "i82599/chip.h"
#include "i82599/pass.h"
#include "i82599/tx/tx.h"

#define CREDIT_BYTES 64
#define ROUNDS_MOST (FRAME_MAX_BYTES / CREDIT_BYTES + 2)   /* after the longest frame, with the smallest refill */

_Static_assert(RTTDT2C_CRQ == RTTPT2C_CRQ && RTTDT2C_MCL == RTTPT2C_MCL && RTTDT2C_LSP == RTTPT2C_LSP, "both look alike");

void tx_arbiter_reset(struct tx *tx)
{
    memset(tx->share, 0, sizeof(tx->share));
    tx->next = tx->share_next = 0;
    tx->stale = 1;
}

/* Guess: no refill is the smallest one, and a limit below the refill is the refill. */
void tx_arbiter_refresh(struct tx *tx)
{
    uint32_t mtqc = reg(tx->regs, R_MTQC), packet_plane = reg(tx->regs, R_RTTPCS) & RTTPCS_TPPAC;

    tx->stale = 0;
    tx->weighted = (mtqc & MTQC_RT_ENA) && (packet_plane || (reg(tx->regs, R_RTTDCS) & RTTDCS_TDPAC));
    for (uint32_t tc = 0; tc < CHIP_CLASSES; tc++) {
        uint32_t credits = reg(tx->regs, packet_plane ? R_RTTPT2C(tc) : R_RTTDT2C(tc));
        struct tx_share *share = &tx->share[tc];

        share->strict = (credits & RTTDT2C_LSP) != 0;
        share->refill_bytes = CREDIT_BYTES * (field(credits, RTTDT2C_CRQ) ? field(credits, RTTDT2C_CRQ) : 1);
        share->most_bytes = CREDIT_BYTES * (int64_t)field(credits, RTTDT2C_MCL);
        if (share->most_bytes < share->refill_bytes)
            share->most_bytes = share->refill_bytes;
        memset(share->queues, 0, sizeof(share->queues));
    }
    for (uint32_t q = 0; q < CHIP_QUEUES; q++)
        tx->share[tx_class_of(mtqc, q)].queues[q / 64] |= 1ull << q % 64;
}

/* The next marked queue at or after `from`, wrapping round; CHIP_QUEUES when none is marked. */
uint32_t tx_next_marked(const uint64_t *marks, uint32_t from)
{
    uint64_t here = marks[from / 64] >> (from % 64);

    if (here)
        return from + (uint32_t)__builtin_ctzll(here);
    for (uint32_t i = 1; i <= 2; i++) {
        uint32_t half = (from / 64 + i) % 2;
        if (marks[half])
            return half * 64 + (uint32_t)__builtin_ctzll(marks[half]);
    }
    return CHIP_QUEUES;
}

/* The class's next queue that has work. */
static uint32_t queue_in(const struct tx *tx, const struct tx_share *share)
{
    const uint64_t ready[2] = { tx->pending[0] & share->queues[0], tx->pending[1] & share->queues[1] };

    return tx_next_marked(ready, share->next);
}

/* A class that has nothing to send gets nothing: what it would have had is the others'. */
static void refill(struct tx_share *share, int has_work)
{
    if (has_work)
        share->credit_bytes += share->refill_bytes;
    if (share->credit_bytes > share->most_bytes)
        share->credit_bytes = share->most_bytes;
}

uint32_t tx_arbiter_next(struct tx *tx, struct tx_share **of)
{
    for (uint32_t left = CHIP_CLASSES; left > 0; left--) {
        struct tx_share *share = &tx->share[left - 1];
        uint32_t q = share->strict ? queue_in(tx, share) : CHIP_QUEUES;

        if (q < CHIP_QUEUES) {
            share->next = (q + 1) % CHIP_QUEUES;
            *of = NULL;
            return q;
        }
    }
    for (uint32_t looked = 0; (tx->pending[0] | tx->pending[1]) && looked < ROUNDS_MOST * CHIP_CLASSES; looked++) {
        struct tx_share *share = &tx->share[tx->share_next];
        uint32_t q = queue_in(tx, share);

        if (q < CHIP_QUEUES && share->credit_bytes > 0) {
            share->next = (q + 1) % CHIP_QUEUES;
            *of = share;
            return q;
        }
        tx->share_next = (tx->share_next + 1) % CHIP_CLASSES;
        share = &tx->share[tx->share_next];
        refill(share, queue_in(tx, share) < CHIP_QUEUES);
    }
    return CHIP_QUEUES;
}
