/* SPDX-License-Identifier: BSD-3-Clause */
/* Transmit descriptors: from ring slots to one packet, and back to DD.
 *
 * A descriptor is loaded once and judged by that copy: the other side may change it at any time.
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

#define field(value, FIELD) ((uint32_t)(((value) & (FIELD)) >> FIELD##_SHIFT))

/* One descriptor, whatever its format. */
enum kind { LEGACY, CONTEXT, DATA, UNKNOWN };

static enum kind kind_of(const struct tx_desc *desc)
{
    if (!(desc->q1 & TXD_CMD_DEXT))
        return LEGACY;
    switch (desc->q1 & TXDADV_DTYP) {
    case TXDADV_DTYP_CTXT: return CONTEXT;
    case TXDADV_DTYP_DATA: return DATA;
    default: return UNKNOWN;
    }
}

static struct tx_desc *slot_of(struct tx_turn *turn, uint32_t at)
{
    uint64_t skip = (uint64_t)at * sizeof(struct tx_desc);
    void *ptr = turn->ring ? turn->ring + skip
                           : dma_ptr(turn->q->dma, turn->base + skip, sizeof(struct tx_desc), DMA_READ | DMA_WRITE);

    return (uintptr_t)ptr % sizeof(uint64_t) ? NULL : ptr;
}

int tx_fetch(struct tx_turn *turn, uint32_t at, struct tx_desc *out)
{
    struct tx_desc *desc = slot_of(turn, at);

    if (!desc)
        return STALL_RING_UNMAPPED;
    out->q0 = __atomic_load_n(&desc->q0, __ATOMIC_RELAXED);
    out->q1 = __atomic_load_n(&desc->q1, __ATOMIC_RELAXED);
    return 0;
}

/* DD shares its 8 bytes with the command; nothing else of the descriptor is touched. */
int tx_done(struct tx_turn *turn, uint32_t at)
{
    struct tx_desc desc;
    int rc;

    if (turn->head_write_back) { /* replaces the marks on single descriptors */
        turn->head_due = 1;
        return 0;
    }
    rc = tx_fetch(turn, at, &desc);
    if (rc)
        return rc;
    if (turn->dones == FRAME_BATCH)
        tx_flush(turn);
    turn->done[turn->dones] = slot_of(turn, at);
    turn->done_q1[turn->dones++] = kind_of(&desc) == LEGACY ? desc.q1 | TXD_STAT_DD : (desc.q1 & UINT32_MAX) | TXD_STAT_DD;
    return 0;
}

int tx_done_early(struct tx_turn *turn, const struct tx_packet *pkt)
{
    int rc = 0;

    for (uint32_t i = 0; !rc && i + 1 < pkt->descs; i++) {
        uint32_t at = (pkt->first + i) % turn->count;
        struct tx_desc desc;

        rc = tx_fetch(turn, at, &desc);
        if (!rc && (desc.q1 & TXD_CMD_RS))
            rc = tx_done(turn, at);
    }
    return rc;
}

int tx_context_load(struct txq *q, uint64_t q0, uint64_t q1)
{
    uint32_t idx = field(q1, TXCTX1_IDX);

    if (idx >= 2)
        return STALL_DESC;
    q->context[idx] = (struct tx_context){
        .dword0 = (uint32_t)q0,
        .dword1 = (uint32_t)(q0 >> 32),
        .dword2 = (uint32_t)q1,
        .dword3 = (uint32_t)(q1 >> 32),
        .valid = 1,
    };
    return 0;
}

/* Legacy: the first descriptor of a packet says what to do with it (82598 datasheet 3.5.3.3.1.1). */
static int legacy_first(struct tx_packet *pkt, const struct tx_desc *desc)
{
    pkt->ic = !!(desc->q1 & TXD_CMD_IC);
    pkt->vle = !!(desc->q1 & TXD_CMD_VLE);
    pkt->cso = field(desc->q1, TXD_CSO);
    pkt->css = field(desc->q1, TXD_CSS);
    pkt->vlan_tci = (uint16_t)field(desc->q1, TXD_VLAN);
    return 0;
}

static int data_first(const struct tx_turn *turn, struct tx_packet *pkt, const struct tx_desc *desc)
{
    uint32_t idx = field(desc->q1, TXDADV_IDX);
    const struct tx_context *context;
    uint64_t ctx0, ctx1;

    pkt->tse = !!(desc->q1 & TXDADV_DCMD_TSE);
    pkt->vle = !!(desc->q1 & TXD_CMD_VLE);
    pkt->stamp = !!(desc->q1 & TXDADV_MAC_TSTAMP);
    pkt->ixsm = !!(desc->q1 & TXDADV_POPTS_IXSM);
    pkt->txsm = !!(desc->q1 & TXDADV_POPTS_TXSM);
    pkt->payload_bytes = field(desc->q1, TXDADV_PAYLEN);
    if (!(pkt->tse || pkt->vle || pkt->ixsm || pkt->txsm || (desc->q1 & TXDADV_CC)))
        return 0;
    if (idx >= 2 || !turn->q->context[idx].valid)
        return STALL_CONTEXT;
    context = &turn->q->context[idx];
    ctx0 = (uint64_t)context->dword1 << 32 | context->dword0;
    ctx1 = (uint64_t)context->dword3 << 32 | context->dword2;
    pkt->ip_len = field(ctx0, TXCTX0_IPLEN);
    pkt->mac_len = field(ctx0, TXCTX0_MACLEN);
    pkt->vlan_tci = (uint16_t)field(ctx0, TXCTX0_VLAN);
    pkt->ipv4 = !!(ctx1 & TXCTX1_IPV4);
    pkt->l4t = (uint32_t)(ctx1 & TXCTX1_L4T);
    pkt->l4_len = field(ctx1, TXCTX1_L4LEN);
    pkt->mss = field(ctx1, TXCTX1_MSS);
    return 0;
}

/* From the head on: contexts are loaded and passed over until a packet is complete.  A packet of length 0 means that only
 * contexts, or a null descriptor (no data, EOP; allowed between packets), were there. */
int tx_next(struct tx_turn *turn, struct tx_packet *pkt)
{
    uint32_t at = turn->head, longest = FRAME_MAX_BYTES;
    enum kind kind = UNKNOWN;
    struct tx_desc desc;

    memset(pkt, 0, sizeof(*pkt));
    pkt->first = at;
    for (;;) { /* ends at the tail, which is inside the ring */
        uint32_t len_bytes;
        int rc;

        if (at == turn->tail) /* a full ring holds count - 1 descriptors: more cannot come */
            return pkt->descs + 1 >= turn->count ? STALL_DESC : -EAGAIN;
        rc = tx_fetch(turn, at, &desc);
        if (rc)
            return rc;
        if (!pkt->descs) {
            kind = kind_of(&desc);
            pkt->buffer = desc.q0;
            pkt->own_fcs = turn->no_fcs || !(desc.q1 & TXD_CMD_IFCS);
            rc = kind == LEGACY ? legacy_first(pkt, &desc) : kind == DATA ? data_first(turn, pkt, &desc) : 0;
        } else if (kind_of(&desc) != kind) {
            rc = STALL_DESC;
        }
        if (rc || kind == UNKNOWN)
            return rc ? rc : STALL_DESC;
        pkt->descs++;
        pkt->rs_early |= pkt->rs;
        pkt->rs = !!(desc.q1 & TXD_CMD_RS);
        if (kind == CONTEXT)
            return tx_context_load(turn->q, desc.q0, desc.q1);
        len_bytes = field(desc.q1, TXD_LENGTH);
        if (!len_bytes && (pkt->descs > 1 || !(desc.q1 & TXD_CMD_EOP)))
            return STALL_DESC;
        if (pkt->tse)
            longest = (uint32_t)(TXDADV_PAYLEN >> TXDADV_PAYLEN_SHIFT);
        pkt->len_bytes += len_bytes;
        if (pkt->len_bytes > longest + (pkt->tse ? FRAME_MAX_BYTES : 0) - (pkt->vle ? ETH_TAG_BYTES : 0))
            return STALL_DESC;
        if (desc.q1 & TXD_CMD_EOP)
            return 0;
        at = (at + 1) % turn->count;
    }
}

void tx_rewind(const struct tx_packet *pkt, struct tx_cursor *cursor)
{
    *cursor = (struct tx_cursor){ .at = pkt->first, .descs = pkt->descs };
}

int tx_read(struct tx_turn *turn, struct tx_cursor *cursor, uint8_t *dst, uint32_t len_bytes)
{
    while (len_bytes) { /* each round ends a descriptor or the request */
        uint32_t part;

        if (!cursor->left_bytes) {
            struct tx_desc desc;
            int rc;

            if (!cursor->descs)
                return STALL_DESC; /* shorter than when it was measured */
            rc = tx_fetch(turn, cursor->at, &desc);
            if (rc)
                return rc;
            cursor->at = (cursor->at + 1) % turn->count;
            cursor->descs--;
            cursor->iova = desc.q0;
            cursor->left_bytes = field(desc.q1, TXD_LENGTH);
            continue;
        }
        part = len_bytes < cursor->left_bytes ? len_bytes : cursor->left_bytes;
        if (dst) {
            if (dma_copy_in(turn->q->dma, dst, cursor->iova, part) < 0)
                return STALL_BUFFER;
            dst += part;
        }
        cursor->iova += part;
        cursor->left_bytes -= part;
        len_bytes -= part;
    }
    return 0;
}
