/* SPDX-License-Identifier: BSD-3-Clause */
/* The usual way of descriptors: frames that lie in one descriptor each, one loop for all of them.
 *
 * A descriptor is usual when it is an advanced data descriptor and the whole of a frame that needs no padding, with the MAC's
 * own FCS, and asks for nothing but checksums: no tag, segmentation or time stamp.  Its buffer is in one DMA region.  A frame
 * without checksums to be made leaves as it lies in memory, one with them is copied once.  Contexts that want no report are
 * usual, too.  The first one that is not usual ends the loop and goes the exact way (desc.c, frame.c), which alone says what
 * a descriptor means.
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

#define KIND (TXD_CMD_DEXT | TXDADV_DTYP)
#define LOOKED_AT (KIND | TXD_CMD_IFCS | TXD_CMD_EOP | TXDADV_DCMD_TSE | TXD_CMD_VLE | TXDADV_MAC_TSTAMP)
#define USUAL (TXD_CMD_DEXT | TXDADV_DTYP_DATA | TXD_CMD_IFCS | TXD_CMD_EOP)
#define CONTEXT (TXD_CMD_DEXT | TXDADV_DTYP_CTXT)
#define BY_CONTEXT (TXDADV_POPTS_IXSM | TXDADV_POPTS_TXSM | TXDADV_CC)

/* The DMA region of the last buffer, if it may be read: the next one lies there, too, as a rule. */
struct near {
    uint64_t iova, bytes;
    uint8_t *ptr;
};

static inline struct near near_of(const struct dma_region *region)
{
    return (struct near){ region->iova, region->prot & DMA_READ ? region->len_bytes : 0, region->ptr };
}

/* A copy with its checksums; NULL: the exact way will see why. */
static __attribute__((noinline)) uint8_t *summed(struct tx_turn *turn, uint64_t q1, const uint8_t *from, uint32_t len_bytes)
{
    uint32_t idx = field(q1, TXDADV_IDX);
    const struct tx_context *context = &turn->q->context[idx % 2];
    struct tx_packet pkt;
    uint8_t *data;

    if (idx >= 2 || !context->valid)
        return NULL;
    pkt.ixsm = !!(q1 & TXDADV_POPTS_IXSM);
    pkt.txsm = !!(q1 & TXDADV_POPTS_TXSM);
    pkt.ip_len = field((uint64_t)context->dword0, TXCTX0_IPLEN);
    pkt.mac_len = field((uint64_t)context->dword0, TXCTX0_MACLEN);
    pkt.l4t = context->dword2 & (uint32_t)TXCTX1_L4T;
    data = tx_slot(turn, ETH_TAG_BYTES + len_bytes);
    if (!data)
        return NULL;
    data += ETH_TAG_BYTES;
    memcpy(data, from, len_bytes);
    return tx_insert_sums(&pkt, data, len_bytes) ? NULL : data;
}

/* What the loop below keeps at hand, into the turn. */
static inline void note(struct tx_turn *turn, uint32_t head, uint32_t frames, uint32_t dones)
{
    turn->head = head;
    turn->frames = frames;
    if (turn->head_write_back)
        turn->head_due |= dones != turn->dones;
    else
        turn->dones = dones;
}

/* How many descriptors may be looked at: those there are, each of which is a frame and one to be reported, at most. */
static inline uint32_t limit(const struct tx_turn *turn, uint32_t most)
{
    uint32_t used = turn->sent + turn->frames + turn->more, there = turn->tail - turn->head;

    if (turn->tail < turn->head)
        there += turn->count;
    if (used >= turn->budget)
        return 0;
    if (most > there)
        most = there;
    if (most > turn->budget - used)
        most = turn->budget - used;
    return most < FRAME_BATCH - turn->dones ? most : FRAME_BATCH - turn->dones;
}

uint32_t tx_usual(struct tx_turn *turn, uint32_t most)
{
    struct tx_desc *ring = (struct tx_desc *)turn->ring;
    struct dma *dma = turn->q->dma;
    uint32_t at = turn->head, frames = turn->frames, dones = turn->dones, walked = 0;
    struct near near;

    if (dma->broken || dma->hit >= dma->count)
        return 0;
    most = limit(turn, most);
    near = near_of(&dma->region[dma->hit]);
    for (; walked < most; walked++) {
        struct tx_desc *desc = &ring[at];
        uint64_t q1 = __atomic_load_n(&desc->q1, __ATOMIC_RELAXED), q0 = __atomic_load_n(&desc->q0, __ATOMIC_RELAXED);
        uint64_t inside = q0 - near.iova;
        uint32_t len_bytes = field(q1, TXD_LENGTH);
        uint8_t *data = (uint8_t *)((uintptr_t)near.ptr + (uintptr_t)inside);

        if ((q1 & LOOKED_AT) != USUAL) {
            if ((q1 & (KIND | TXD_CMD_RS)) != CONTEXT || tx_context_load(turn->q, q0, q1))
                break;
            turn->tx->usual_frames--;
            at = at + 1 == turn->count ? 0 : at + 1;
            continue;
        }
        if (len_bytes - ETH_FRAME_MIN_BYTES > FRAME_MAX_BYTES - ETH_FRAME_MIN_BYTES)
            break;                    /* a shorter one wraps to something huge */
        if (__builtin_expect(inside >= near.bytes || len_bytes > near.bytes - inside, 0)) {
            data = dma_try(dma, q0, len_bytes, DMA_READ);
            if (!data)
                break;
            near = near_of(&dma->region[dma->hit]);
        }
        if (q1 & BY_CONTEXT) {
            note(turn, at, frames, dones);
            data = summed(turn, q1, data, len_bytes);
            frames = turn->frames;    /* there may have been no room, and these have left */
            dones = turn->dones;
            if (!data)
                break;
        }
        if (dma->broken)
            break;
        __builtin_prefetch(data);     /* whoever takes it, software's core had it last */
        turn->frame[frames++] = (struct frame){ .data = data, .len_bytes = len_bytes };
        if (q1 & TXD_CMD_RS) {
            turn->done[dones] = desc;
            turn->done_q1[dones++] = (q1 & UINT32_MAX) | TXD_STAT_DD;
        }
        at = at + 1 == turn->count ? 0 : at + 1;
    }
    note(turn, at, frames, dones);
    turn->tx->usual_frames += walked;
    return walked;
}
