/* SPDX-License-Identifier: BSD-3-Clause */
/* What a turn of transmit leaves behind: frames for the wire, and the order in which their results become visible. */
#include <stdint.h>
#include <string.h>
#include "desc.h"
#include "regs.h"
#include "machine/csum.h"
#include "machine/eth.h"
#include "machine/dma.h"
#include "machine/regfile.h"
#include "machine/parse.h"
#include "machine/wire/port.h"
#include "machine/super.h"
#include "i82599/chip.h"
#include "i82599/pass.h"
#include "i82599/tx/tx.h"

#define ARENA_ALIGN_BYTES 64

/* The order is the contract: payload read and gone, then TDH, then DD.  Software that sees DD may reuse the buffers. */
void tx_flush(struct tx_turn *turn)
{
    struct tx *tx = turn->tx;

    if (turn->frames) {
        uint32_t sent = tx->out(tx->card, turn->queue, turn->frame, turn->frames);
        uint32_t all = turn->frames + turn->more, gone = turn->more ? super_count(turn->frame, sent, &(uint64_t){ 0 }) : sent;

        tx->count.tx_frames += gone;
        tx->count.tx_dropped += all - gone;
        turn->sent += all;
        turn->frames = turn->more = 0;
    }
    turn->arena_used = 0;
    reg_publish(tx->regs, R_TDH(turn->queue), turn->head);
    for (uint32_t i = 0; i < turn->dones; i++)
        __atomic_store_n(&turn->done[i]->q1, turn->done_q1[i], __ATOMIC_RELEASE);
    if (turn->head_due) {
        uint64_t iova = (uint64_t)reg(tx->regs, R_TDWBAH(turn->queue)) << 32 |
                        (reg(tx->regs, R_TDWBAL(turn->queue)) & TDWBAL_ADDR);
        uint32_t *where = dma_ptr(turn->q->dma, iova, sizeof(*where), DMA_WRITE);
        if (where && !((uintptr_t)where % sizeof(*where)))
            __atomic_store_n(where, turn->head, __ATOMIC_RELEASE);
    }
    turn->report |= turn->dones || turn->head_due;
    turn->dones = 0;
    turn->head_due = 0;
}

int tx_full(const struct tx_turn *turn)
{
    return turn->sent + turn->frames + turn->more >= turn->budget;
}

uint8_t *tx_slot(struct tx_turn *turn, uint32_t len_bytes)
{
    uint64_t room = ((uint64_t)len_bytes + ARENA_ALIGN_BYTES - 1) / ARENA_ALIGN_BYTES * ARENA_ALIGN_BYTES;
    uint8_t *slot;

    if (turn->frames == FRAME_BATCH || room > turn->tx->arena_bytes - turn->arena_used)
        tx_flush(turn);
    if (room > turn->tx->arena_bytes)
        return NULL;
    slot = turn->tx->arena + turn->arena_used;
    turn->arena_used += room;
    return slot;
}

/* The turn ends when its time or its credits are used up.  Guess: credits, too, count frames as they lie in memory. */
static __attribute__((noinline)) void spend(struct tx_turn *turn, uint32_t len_bytes)
{
    if (turn->byte_units)
        tx_rate_spend(turn, len_bytes);
    if (!turn->share)
        return;
    turn->share->credit_bytes -= len_bytes;
    if (turn->share->credit_bytes <= 0)
        turn->budget = 0;
}

void tx_emit(struct tx_turn *turn, uint8_t *data, uint32_t len_bytes)
{
    if (__builtin_expect(turn->metered, 0))
        spend(turn, len_bytes);
    turn->frame[turn->frames++] = (struct frame){ .data = data, .len_bytes = len_bytes };
}

/* Without HLREG0.TXCRCEN, or IFCS in the descriptor, the frame leaves as it is, and its last four bytes are its FCS.
 * A wrong one is for our own receiver, if the MAC loops, to see; no wire here can carry it.
 * Guess: such a frame is not padded, as that would need a new FCS; and segments get theirs whatever IFCS says. */
static __attribute__((noinline)) void emit_with_own_fcs(struct tx_turn *turn, uint8_t *data, uint32_t len_bytes)
{
    uint32_t fcs = crc32_fcs(data, len_bytes - ETH_FCS_BYTES);
    int damaged = memcmp(&fcs, data + len_bytes - ETH_FCS_BYTES, sizeof(fcs)) != 0;

    if (damaged)
        tx_flush(turn);
    tx_emit(turn, data, len_bytes - ETH_FCS_BYTES);
    turn->frame[turn->frames - 1].flags = FRAME_EXACT | (damaged ? FRAME_BAD_CRC : 0);
    if (!damaged)
        return;
    turn->tx->damaged = 1;
    tx_flush(turn);
    turn->tx->damaged = 0;
}

/* A frame built in a slot that has ETH_TAG_BYTES of room in front of it and ETH_FRAME_MIN_BYTES in all. */
void tx_emit_built(struct tx_turn *turn, const struct tx_packet *pkt, uint8_t *data, uint32_t len_bytes)
{
    struct tx *tx = turn->tx;

    if (pkt->vle) {
        uint16_t tag[2] = { __builtin_bswap16((uint16_t)field(reg(tx->regs, R_DMATXCTL), DMATXCTL_VT)),
                            __builtin_bswap16(pkt->vlan_tci) };
        memmove(data - ETH_TAG_BYTES, data, ETH_TYPE_OFFSET);
        data -= ETH_TAG_BYTES;
        memcpy(data + ETH_TYPE_OFFSET, tag, sizeof(tag));
        len_bytes += ETH_TAG_BYTES;
    }
    if (__builtin_expect(pkt->own_fcs && !pkt->tse, 0)) {
        emit_with_own_fcs(turn, data, len_bytes);
        return;
    }
    if (len_bytes < ETH_FRAME_MIN_BYTES && (reg(tx->regs, R_HLREG0) & HLREG0_TXPADEN)) {
        memset(data + len_bytes, 0, ETH_FRAME_MIN_BYTES - len_bytes);
        len_bytes = ETH_FRAME_MIN_BYTES;
    }
    tx_emit(turn, data, len_bytes);
}
