/* SPDX-License-Identifier: BSD-3-Clause */
/* Transmit queues: doorbells, whose turn it is, and the order in which results become visible.
 *
 * A doorbell only marks a queue.  tx_run() gives marked queues turns, round robin, at most NIC_BATCH frames each, so one
 * queue cannot starve the others and nobody can keep the device busy beyond its budget.  A queue whose ring or
 * descriptors make no sense stands still until software enables it again; all others go on.
 */
#include <stdint.h>
#include <string.h>

#include "desc.h"
#include "regs.h"
#include "core.h"

#define QUEUE_STRIDE (R_TDBAL(1) - R_TDBAL(0))
#define QUEUES_START R_TDBAL(0)
#define QUEUES_END (QUEUES_START + NIC_QUEUES * QUEUE_STRIDE)
#define ARENA_ALIGN_BYTES 64
#define PAD_BYTES 60      /* the shortest Ethernet frame, FCS not counted */
#define MAC_PAIR_BYTES 12 /* destination and source, in front of a VLAN tag */
#define VLAN_TAG_BYTES 4

/* In shared-doorbell mode the guest's stores land in these words at any moment. */
static uint32_t reg(const struct nic *nic, uint32_t offset)
{
    return __atomic_load_n(&nic->word[offset / 4], __ATOMIC_ACQUIRE);
}

static void queue_unmark(struct nic *nic, uint32_t q)
{
    nic->tx_pending[q / 64] &= ~(1ull << (q % 64));
}

/* Mark the queue if it has something to do and may do it. */
static void queue_mark(struct nic *nic, uint32_t q)
{
    if ((reg(nic, R_TXDCTL(q)) & TXDCTL_ENABLE) && !nic->txq[q].fault && reg(nic, R_TDH(q)) != reg(nic, R_TDT(q)))
        nic->tx_pending[q / 64] |= 1ull << (q % 64);
}

static void queue_fault(struct nic *nic, uint32_t q, uint32_t fault)
{
    nic->txq[q].fault = fault;
    nic->count.faults++;
    queue_unmark(nic, q);
    if (nic->on_fault)
        nic->on_fault(nic->self, 1, q, fault);
}

void tx_reset(struct nic *nic)
{
    memset(nic->txq, 0, sizeof(nic->txq));
    memset(nic->tx_pending, 0, sizeof(nic->tx_pending));
    nic->tx_next = 0;
}

/* Enabling starts afresh: no fault, no contexts, no packet half segmented. */
static void queue_enable(struct nic *nic, uint32_t q, int was_on, int is_on)
{
    if (was_on == is_on)
        return;
    queue_unmark(nic, q);
    memset(&nic->txq[q], 0, sizeof(nic->txq[q]));
    if (is_on)
        queue_mark(nic, q);
}

void tx_write(struct nic *nic, uint32_t offset, uint32_t old, uint32_t value)
{
    if (offset >= QUEUES_START && offset < QUEUES_END) {
        uint32_t q = (offset - QUEUES_START) / QUEUE_STRIDE;
        uint32_t of_queue_0 = offset - q * QUEUE_STRIDE;

        if (of_queue_0 == R_TXDCTL(0)) {
            queue_enable(nic, q, !!(old & TXDCTL_ENABLE), !!(value & TXDCTL_ENABLE));
            return;
        }
        if (of_queue_0 == R_TDT(0) && !nic->shared_doorbells) /* those are counted where they are found */
            nic->count.doorbells++;
        queue_mark(nic, q);
        return;
    }
    for (uint32_t q = 0; q < NIC_QUEUES; q++) /* DMATXCTL, RTTDCS: what stood still may go on */
        queue_mark(nic, q);
}

/* ---- a turn's results -------------------------------------------------------------------------------------------- */

static uint32_t frames_out(struct tx_turn *turn)
{
    struct nic *nic = turn->nic;

    if (reg(nic, R_HLREG0) & HLREG0_LPBK) {
        for (uint32_t i = 0; i < turn->frames; i++)
            turn->frame[i].flags |= FRAME_LOOPBACK;
        rx_frames(nic, turn->frame, turn->frames);
        return turn->frames;
    }
    if (!nic->link_up || !nic->port)
        return 0;
    return (uint32_t)port_send(nic->port, turn->frame, turn->frames);
}

/* The order is the contract: payload read and gone, then TDH, then DD.  Software that sees DD may reuse the buffers. */
void tx_flush(struct tx_turn *turn)
{
    struct nic *nic = turn->nic;

    if (turn->frames) {
        uint32_t sent = frames_out(turn);
        for (uint32_t i = 0; i < sent; i++) {
            stats_tx(nic, &turn->frame[i]);
            stats_tx_queue(nic, turn->queue, turn->frame[i].len_bytes);
            nic->count.tx_bytes += turn->frame[i].len_bytes;
        }
        nic->word[R_TXDGPC / 4] += sent;
        nic->count.tx_frames += sent;
        nic->count.tx_dropped += turn->frames - sent;
        turn->sent += turn->frames;
        turn->frames = 0;
    }
    turn->arena_used = 0;
    __atomic_store_n(&nic->word[R_TDH(turn->queue) / 4], turn->head, __ATOMIC_RELEASE);
    for (uint32_t i = 0; i < turn->dones; i++)
        __atomic_store_n(&turn->done[i]->q1, turn->done_q1[i], __ATOMIC_RELEASE);
    if (turn->head_due) {
        uint64_t iova = (uint64_t)reg(nic, R_TDWBAH(turn->queue)) << 32 | (reg(nic, R_TDWBAL(turn->queue)) & TDWBAL_ADDR);
        uint32_t *where = dma_ptr(nic, iova, sizeof(*where), DMA_WRITE);
        if (where && !((uintptr_t)where % sizeof(*where)))
            __atomic_store_n(where, turn->head, __ATOMIC_RELEASE);
    }
    turn->report |= turn->dones || turn->head_due;
    turn->dones = 0;
    turn->head_due = 0;
}

int tx_full(const struct tx_turn *turn)
{
    return turn->sent + turn->frames >= turn->budget;
}

uint8_t *tx_slot(struct tx_turn *turn, uint32_t len_bytes)
{
    uint64_t room = ((uint64_t)len_bytes + ARENA_ALIGN_BYTES - 1) / ARENA_ALIGN_BYTES * ARENA_ALIGN_BYTES;
    uint8_t *slot;

    if (turn->frames == NIC_BATCH || room > turn->nic->tx_arena_bytes - turn->arena_used)
        tx_flush(turn);
    if (room > turn->nic->tx_arena_bytes)
        return NULL;
    slot = turn->nic->tx_arena + turn->arena_used;
    turn->arena_used += room;
    return slot;
}

void tx_emit(struct tx_turn *turn, uint8_t *data, uint32_t len_bytes)
{
    turn->frame[turn->frames++] = (struct frame){ data, len_bytes, 0 };
}

/* A frame built in a slot that has VLAN_TAG_BYTES of room in front of it and PAD_BYTES in all. */
void tx_emit_built(struct tx_turn *turn, const struct tx_packet *pkt, uint8_t *data, uint32_t len_bytes)
{
    struct nic *nic = turn->nic;

    if (pkt->vle) {
        uint16_t tag[2] = { __builtin_bswap16((uint16_t)((reg(nic, R_DMATXCTL) & DMATXCTL_VT) >> DMATXCTL_VT_SHIFT)),
                            __builtin_bswap16(pkt->vlan_tci) };
        memmove(data - VLAN_TAG_BYTES, data, MAC_PAIR_BYTES);
        data -= VLAN_TAG_BYTES;
        memcpy(data + MAC_PAIR_BYTES, tag, sizeof(tag));
        len_bytes += VLAN_TAG_BYTES;
    }
    if (len_bytes < PAD_BYTES && (reg(nic, R_HLREG0) & HLREG0_TXPADEN)) {
        memset(data + len_bytes, 0, PAD_BYTES - len_bytes);
        len_bytes = PAD_BYTES;
    }
    tx_emit(turn, data, len_bytes);
}

/* ---- turns ------------------------------------------------------------------------------------------------------- */

/* What the ring registers say now.  They are looked at every turn: with shared doorbells nothing in them is trusted. */
static int turn_open(struct tx_turn *turn, struct nic *nic, uint32_t q, uint32_t budget)
{
    uint64_t errors = nic->count.dma_errors;
    uint32_t ring_bytes = reg(nic, R_TDLEN(q)) & TDLEN_LEN;

    turn->nic = nic;
    turn->queue = q;
    turn->tail = reg(nic, R_TDT(q)); /* acquire: descriptors written before the doorbell are seen after it */
    turn->head = reg(nic, R_TDH(q));
    turn->base = (uint64_t)reg(nic, R_TDBAH(q)) << 32 | (reg(nic, R_TDBAL(q)) & TDBAL_BASE);
    turn->count = ring_bytes / sizeof(struct tx_desc);
    turn->budget = budget < NIC_BATCH ? budget : NIC_BATCH;
    turn->sent = turn->frames = turn->dones = 0;
    turn->arena_used = 0;
    turn->head_write_back = !!(reg(nic, R_TDWBAL(q)) & TDWBAL_HEAD_WB_EN);
    turn->head_due = turn->report = 0;
    turn->ring = NULL;
    if (turn->head == turn->tail)
        return 0;
    if (!turn->count)
        return FAULT_RING_LEN;
    if (turn->head >= turn->count || turn->tail >= turn->count)
        return FAULT_TAIL;
    turn->ring = dma_ptr(nic, turn->base, ring_bytes, DMA_READ | DMA_WRITE);
    if (!turn->ring)
        nic->count.dma_errors = errors; /* not in one piece; txdesc.c looks closer and counts if it is an error */
    return 0;
}

/* Returns frames used up.  The mark goes unless the budget was what ended the turn. */
static uint32_t queue_turn(struct nic *nic, uint32_t q, uint32_t budget)
{
    struct tx_turn turn;
    int rc = turn_open(&turn, nic, q, budget);

    if (rc) {
        queue_fault(nic, q, (uint32_t)rc);
        return 0;
    }
    while (!rc && turn.head != turn.tail && !tx_full(&turn)) {
        struct tx_packet pkt;
        rc = tx_next(&turn, &pkt);
        if (rc)
            break;
        if (pkt.len_bytes) {
            rc = pkt.tse ? tso_send(&turn, &pkt) : tx_frame(&turn, &pkt);
            if (rc)
                break;
        }
        if (pkt.rs)
            rc = tx_done(&turn, (pkt.first + pkt.descs - 1) % turn.count);
        turn.head = (pkt.first + pkt.descs) % turn.count;
    }
    tx_flush(&turn);
    if (turn.report)
        intr_tx(nic, q);
    if (rc > 0)
        queue_fault(nic, q, (uint32_t)rc);
    else if (turn.head == turn.tail || !tx_full(&turn))
        queue_unmark(nic, q); /* all done, or a packet whose end has not been posted yet */
    return turn.sent;
}

/* The next marked queue at or after `from`, wrapping round; NIC_QUEUES when none is marked. */
static uint32_t next_marked(const struct nic *nic, uint32_t from)
{
    uint64_t here = nic->tx_pending[from / 64] >> (from % 64);

    if (here)
        return from + (uint32_t)__builtin_ctzll(here);
    for (uint32_t i = 1; i <= 2; i++) {
        uint32_t half = (from / 64 + i) % 2;
        if (nic->tx_pending[half])
            return half * 64 + (uint32_t)__builtin_ctzll(nic->tx_pending[half]);
    }
    return NIC_QUEUES;
}

/* Marked queues keep their mark while DMA is off as a whole; whatever turns it on again finds them. */
int tx_run(struct nic *nic, uint32_t budget_frames)
{
    uint32_t sent = 0;

    if (!(nic->tx_pending[0] | nic->tx_pending[1]) || !nic->bus_master || (reg(nic, R_CTRL) & CTRL_GIO_DIS) ||
        !(reg(nic, R_DMATXCTL) & DMATXCTL_TE) || (reg(nic, R_RTTDCS) & RTTDCS_ARBDIS))
        return 0;
    while (sent < budget_frames) {
        uint32_t q = next_marked(nic, nic->tx_next);
        if (q == NIC_QUEUES)
            break;
        nic->tx_next = (q + 1) % NIC_QUEUES;
        if (reg(nic, R_TXDCTL(q)) & TXDCTL_ENABLE)
            sent += queue_turn(nic, q, budget_frames - sent);
        else
            queue_unmark(nic, q);
    }
    return (int)sent;
}
