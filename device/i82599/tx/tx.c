/* SPDX-License-Identifier: BSD-3-Clause */
/* Transmit queues: doorbells, and whose turn it is.
 *
 * A doorbell only marks a queue.  tx_run() gives marked queues turns (arbiter.c), at most FRAME_BATCH frames each, so one
 * queue cannot starve the others and nobody can keep the device busy beyond its budget.  A queue whose ring or
 * descriptors make no sense stands still until software enables it again; all others go on.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include "desc.h"
#include "regs.h"
#include "machine/eth.h"
#include "machine/dma.h"
#include "machine/stall.h"
#include "machine/regfile.h"
#include "machine/parse.h"
#include "machine/wire/port.h"
#include "i82599/chip.h"
#include "i82599/pass.h"
#include "i82599/tx/tx.h"

#define QUEUE_STRIDE (R_TDBAL(1) - R_TDBAL(0))
#define QUEUES_START R_TDBAL(0)
#define QUEUES_END (QUEUES_START + CHIP_QUEUES * QUEUE_STRIDE)

/* Descriptors that a turn of all queues looks at before it ends.  Frames have a budget of their own, but contexts, nulls
 * and packets without an end are no frames, and 128 rings may hold 65535 each. */
#define WALK_MOST 4096

static void queue_unmark(struct tx *tx, uint32_t q)
{
    tx->pending[q / 64] &= ~(1ull << (q % 64));
    tx->waits[q / 64] &= ~(1ull << (q % 64));
}

/* Mark the queue if it has something to do and may do it. */
static void queue_mark(struct tx *tx, uint32_t q)
{
    if (!(reg(tx->regs, R_TXDCTL(q)) & TXDCTL_ENABLE) || tx->queue[q].stall || reg(tx->regs, R_TDH(q)) == reg(tx->regs, R_TDT(q)))
        return;
    if (__builtin_expect((int)(tx->frozen[q / 64] >> (q % 64) & 1), 0)) {
        tx->frozen_felt = 1;
        return;
    }
    if (!tx->rate[q].factor || !tx_rate_waits(tx, q))
        tx->pending[q / 64] |= 1ull << (q % 64);
}

static void queue_stop(struct tx *tx, uint32_t q, uint32_t why)
{
    tx->queue[q].stall = why;
    queue_unmark(tx, q);
    tx->stopped[q / 64] |= 1ull << (q % 64);
}

/* A fault: these queues stand still, and all others go on. */
void tx_freeze(struct tx *tx, uint64_t low, uint64_t high)
{
    tx->frozen[0] = low;
    tx->frozen[1] = high;
    tx->frozen_felt = 0;
    for (uint32_t q = 0; q < CHIP_QUEUES; q++) {
        queue_unmark(tx, q);
        queue_mark(tx, q);
    }
}

void tx_reset(struct tx *tx)
{
    if (tx->frozen_felt)
        memset(tx->frozen, 0, sizeof(tx->frozen));
    tx->frozen_felt = 0;
    for (uint32_t q = 0; q < CHIP_QUEUES; q++)
        tx->queue[q] = (struct txq){ .dma = tx->queue[q].dma };
    memset(tx->pending, 0, sizeof(tx->pending));
    memset(tx->early, 0, sizeof(tx->early));
    tx_rate_reset(tx);
    tx_arbiter_reset(tx);
}

/* Enabling starts afresh: no stall, no contexts, no packet half segmented. */
static void queue_enable(struct tx *tx, uint32_t q, int was_on, int is_on)
{
    if (was_on == is_on)
        return;
    queue_unmark(tx, q);
    tx->queue[q] = (struct txq){ .dma = tx->queue[q].dma };
    if (is_on)
        queue_mark(tx, q);
}

/* A tail of a queue that is off.  With shared doorbells nobody knows what came first. */
static __attribute__((noinline)) void tail_early(struct tx *tx, uint32_t q)
{
    uint64_t bit = 1ull << q % 64;

    tx->early[q / 64] &= ~bit;
    if (!tx->regs->shared && reg(tx->regs, R_TDT(q)) != reg(tx->regs, R_TDH(q)))
        tx->early[q / 64] |= bit;
}

void tx_write(void *arg, uint32_t offset, uint32_t old, uint32_t seen, uint32_t written)
{
    struct tx *tx = arg;

    (void)written;
    if (offset >= QUEUES_START && offset < QUEUES_END) {
        uint32_t q = (offset - QUEUES_START) / QUEUE_STRIDE;
        uint32_t of_queue_0 = offset - q * QUEUE_STRIDE;

        tx->regs->changes += of_queue_0 != R_TDT(0);
        if (of_queue_0 == R_TXDCTL(0)) {
            queue_enable(tx, q, !!(old & TXDCTL_ENABLE), !!(seen & TXDCTL_ENABLE));
            return;
        }
        if (of_queue_0 == R_TDT(0)) {
            tx->count.doorbells++;
            if (!(reg(tx->regs, R_TXDCTL(q)) & TXDCTL_ENABLE))
                tail_early(tx, q);
        }
        queue_mark(tx, q);
        return;
    }
    tx->regs->changes++;
    if (offset == R_RTTDQSEL || offset == R_RTTBCNRC || offset == R_RTTDT1C) {
        if (tx_rate_write(tx, offset, seen)) {
            queue_unmark(tx, reg(tx->regs, R_RTTDQSEL) & RTTDQSEL_TXDQ_IDX);
            queue_mark(tx, reg(tx->regs, R_RTTDQSEL) & RTTDQSEL_TXDQ_IDX);
        }
        return;
    }
    tx->stale = 1;
    for (uint32_t q = 0; q < CHIP_QUEUES; q++) /* DMATXCTL, RTTDCS, RTTPCS: what stood still may go on */
        queue_mark(tx, q);
}

/* ---- turns ------------------------------------------------------------------------------------------------------- */

/* What the ring registers say now: a client may change them at any time, and they are checked every turn. */
static int turn_open(struct tx_turn *turn, struct tx *tx, uint32_t q, uint32_t budget)
{
    uint32_t ring_bytes = reg(tx->regs, R_TDLEN(q)) & TDLEN_LEN;

    turn->tx = tx;
    turn->q = &tx->queue[q];
    turn->queue = q;
    turn->tail = reg(tx->regs, R_TDT(q));
    turn->head = reg(tx->regs, R_TDH(q));
    turn->base = (uint64_t)reg(tx->regs, R_TDBAH(q)) << 32 | (reg(tx->regs, R_TDBAL(q)) & TDBAL_BASE);
    turn->count = ring_bytes / sizeof(struct tx_desc);
    turn->budget = budget < FRAME_BATCH ? budget : FRAME_BATCH;
    turn->sent = turn->frames = turn->dones = turn->more = 0;
    turn->arena_used = 0;
    turn->no_fcs = !(reg(tx->regs, R_HLREG0) & HLREG0_TXCRCEN);
    turn->head_write_back = !!(reg(tx->regs, R_TDWBAL(q)) & TDWBAL_HEAD_WB_EN);
    turn->head_due = turn->report = 0;
    turn->rate = &tx->rate[q];
    turn->byte_units = 0;
    turn->vmvir = __builtin_expect(tx->pools, 0) ? tx->pool_rule(tx->card, q) : 0;
    turn->pools = tx->pools;
    turn->ring = NULL;
    if (turn->head == turn->tail)
        return 0;
    if (!turn->count)
        return STALL_RING_LEN;
    if (turn->head >= turn->count || turn->tail >= turn->count)
        return STALL_TAIL;
    turn->ring = turn->q->dma->broken ? NULL : dma_try(turn->q->dma, turn->base, ring_bytes, DMA_READ | DMA_WRITE);
    /* NULL: not in one piece; desc.c looks closer and counts if it is an error. */
    return 0;
}

static inline int send(struct tx_turn *turn, const struct tx_packet *pkt)
{
    return pkt->tse ? tso_send(turn, pkt) : tx_frame(turn, pkt);
}

/* One that asks for a time stamp leaves by itself, so that the stamp is its own.  Of a segmented packet the first segment
 * is stamped. */
static __attribute__((noinline)) int send_stamped(struct tx_turn *turn, const struct tx_packet *pkt)
{
    int rc;

    tx_flush(turn);
    turn->tx->stamps = !turn->q->tso_sent_bytes;
    rc = send(turn, pkt);
    tx_flush(turn);
    turn->tx->stamps = 0;
    return rc;
}

/* What VMVIR says of tags, whatever the descriptor says. */
static int tag_by_pool(const struct tx_turn *turn, struct tx_packet *pkt)
{
    if (turn->vmvir & VMVIR_VLANA_NEVER) {
        pkt->vle = 0;
    } else if (turn->vmvir & VMVIR_VLANA_DEFAULT) {
        pkt->vle = 1;
        pkt->vlan_tci = (uint16_t)field(turn->vmvir, VMVIR_PORT_VLAN_ID);
        if (!pkt->tse && pkt->len_bytes > FRAME_MAX_BYTES - ETH_TAG_BYTES)
            return STALL_DESC;
    }
    return 0;
}

static __attribute__((noinline)) int send_specially(struct tx_turn *turn, struct tx_packet *pkt)
{
    int rc = turn->pools ? tag_by_pool(turn, pkt) : 0;

    pkt->copied = turn->pools != 0;
    if (rc)
        return rc;
    return pkt->stamp ? send_stamped(turn, pkt) : send(turn, pkt);
}

/* Returns frames used up; adds the descriptors looked at to *walked.  The mark goes unless a budget was what ended the
 * turn. */
static uint32_t queue_turn(struct tx *tx, uint32_t q, struct tx_share *share, uint32_t budget, uint32_t *walked)
{
    struct tx_turn turn;
    int usual, rc = turn_open(&turn, tx, q, budget);

    if (rc) {
        queue_stop(tx, q, (uint32_t)rc);
        return 0;
    }
    turn.share = share;
    if (__builtin_expect(turn.rate->factor, 0))
        tx_rate_open(&turn);
    turn.metered = turn.byte_units || share;
    usual = !(tx->usual_off | turn.metered | turn.no_fcs | turn.pools) && turn.ring && !((uintptr_t)turn.ring % sizeof(uint64_t));
    while (!rc && turn.head != turn.tail && !tx_full(&turn) && *walked < WALK_MOST) {
        struct tx_packet pkt;

        if (usual) {
            uint32_t passed = tx_usual(&turn, WALK_MOST - *walked);

            *walked += passed;
            if (passed)
                continue;
        }
        rc = tx_next(&turn, &pkt);
        *walked += pkt.descs;
        if (rc)
            break;
        if (pkt.len_bytes) {
            rc = __builtin_expect(pkt.stamp | turn.pools, 0) ? send_specially(&turn, &pkt) : send(&turn, &pkt);
            if (rc)
                break;
        }
        if (__builtin_expect(pkt.rs_early, 0))
            rc = tx_done_early(&turn, &pkt);
        if (!rc && pkt.rs)
            rc = tx_done(&turn, (pkt.first + pkt.descs - 1) % turn.count);
        turn.head = (pkt.first + pkt.descs) % turn.count;
    }
    tx_flush(&turn);
    if (turn.report)
        tx->written(tx->card, q);
    if (rc > 0)
        queue_stop(tx, q, (uint32_t)rc);
    else if (turn.head == turn.tail || rc == -EAGAIN)
        queue_unmark(tx, q); /* all done, or a packet whose end has not been posted yet */
    if (turn.byte_units)
        tx_rate_close(&turn, rc <= 0 && turn.head != turn.tail && rc != -EAGAIN);
    return turn.sent;
}

/* Marked queues keep their mark while DMA is off, for their function or as a whole; whatever turns it on again finds them. */
int tx_run(struct tx *tx, uint32_t budget_frames)
{
    uint32_t sent = 0, walked = 0, passed_over = 0;

    if (!(tx->pending[0] | tx->pending[1]) || !(reg(tx->regs, R_DMATXCTL) & DMATXCTL_TE) ||
        (reg(tx->regs, R_RTTDCS) & RTTDCS_ARBDIS) || (reg(tx->regs, R_RTTPCS) & RTTPCS_ARBDIS))
        return 0;
    if (tx->stale)
        tx_arbiter_refresh(tx);
    while (sent < budget_frames && walked < WALK_MOST && passed_over < CHIP_QUEUES) {
        struct tx_share *share = NULL;
        uint32_t q = tx->weighted ? tx_arbiter_next(tx, &share) : tx_next_marked(tx->pending, tx->next);
        if (q == CHIP_QUEUES)
            break;
        tx->next = (q + 1) % CHIP_QUEUES;
        if (tx->queue[q].dma->off) {
            passed_over++;
            continue;
        }
        passed_over = 0;
        if (reg(tx->regs, R_TXDCTL(q)) & TXDCTL_ENABLE)
            sent += queue_turn(tx, q, share, budget_frames - sent, &walked);
        else
            queue_unmark(tx, q);
    }
    return sent ? (int)sent : walked >= WALK_MOST;   /* more may be left: the loop is not to sleep */
}
