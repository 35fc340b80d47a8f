/* SPDX-License-Identifier: BSD-3-Clause */
/* Rx descriptor rings: where frames become guest memory.
 *
 * Between RDH and RDT descriptors are ours, everything else is software's.  A queue whose ring or buffers make no sense
 * stands still (STALL_*) until it is disabled and enabled again; the other queues go on.
 *
 * Registers and mappings cannot change during a batch, because the thread that runs it also changes them.  So a ring is
 * looked at once per batch (rx_ring_open) and its head, counters and interrupt follow once at the end (rx_ring_close).
 * The memory itself is the guest's and may change at any time: every descriptor is read once.
 */
#include <stdint.h>
#include <string.h>
#include "desc.h"
#include "regs.h"
#include "machine/bytes.h"
#include "machine/eth.h"
#include "machine/csum.h"
#include "machine/dma.h"
#include "machine/stall.h"
#include "machine/regfile.h"
#include "machine/parse.h"
#include "machine/wire/port.h"
#include "i82599/chip.h"
#include "i82599/pass.h"
#include "i82599/rx/rx.h"
#include "i82599/rx/steps.h"

#define KIB 1024
#define BUFFER_KIB_MAX 16

_Static_assert(sizeof(struct rx_desc) == RX_DESC_BYTES, "descriptors are 16 bytes");
_Static_assert(sizeof(struct rx_info) == 32, "frames in the packet buffer stay aligned");

/* A stored frame is up to three pieces of what arrived: before the VLAN tag, after it, and the FCS. */
struct pieces {
    const uint8_t *data[3];
    uint32_t len_bytes[3];
    uint32_t at;
};

static inline void mark_open(struct rx *rx, uint32_t queue)
{
    rx->queue[queue].open = 1;
    rx->open[queue / 64] |= 1ull << queue % 64;
}

static void stop(struct rx *rx, uint32_t queue, uint32_t stall)
{
    rx->queue[queue].stall = stall;
    rx->queue[queue].open = 0;        /* the batch's next frame does not get in; what is written is told of as ever */
    rx->stopped[queue / 64] |= 1ull << queue % 64;
}

/* Memory inside the region dma_ptr() last found; NULL when it reaches out of it, which may still be legal. */
static inline uint8_t *last_region(const struct dma *dma, uint64_t iova, uint64_t len_bytes, uint32_t prot)
{
    const struct dma_region *region = &dma->region[dma->hit];
    uint64_t inside;

    if (dma->hit >= dma->count || dma->broken)
        return NULL;
    inside = iova - region->iova;     /* below the start wraps to something huge */
    if (inside >= region->len_bytes || len_bytes > region->len_bytes - inside || (region->prot & prot) != prot)
        return NULL;
    return region->ptr + inside;
}

uint8_t *rx_far(struct rxq *q, uint64_t iova, uint32_t bytes)
{
    struct dma *dma = q->dma;
    uint8_t *to = dma->broken ? NULL : dma_try(dma, iova, bytes, DMA_WRITE);

    if (to) {
        const struct dma_region *region = &dma->region[dma->hit];

        q->near_iova = region->iova;
        q->near_ptr = region->ptr;
        q->near_starts = region->len_bytes >= q->usual_bytes ? region->len_bytes - q->usual_bytes + 1 : 0;
    }
    return to;
}

static struct rx_desc *descriptor(const struct rxq *q, uint32_t i)
{
    uint8_t *at = q->ring;

    if (at)
        return (struct rx_desc *)(at + (uint64_t)i * RX_DESC_BYTES);
    at = dma_ptr(q->dma, q->base + (uint64_t)i * RX_DESC_BYTES, RX_DESC_BYTES, DMA_READ | DMA_WRITE);
    if ((uintptr_t)at % sizeof(uint64_t))
        return NULL;                  /* nobody maps memory like that, and 8-byte stores would not be atomic */
    return (struct rx_desc *)at;
}

/* The ring, if it lies in one piece in the region last found; else its descriptors are looked up one by one. */
static uint8_t *whole_ring(const struct rxq *q)
{
    uint8_t *at = last_region(q->dma, q->base, (uint64_t)q->count * RX_DESC_BYTES, DMA_READ | DMA_WRITE);

    return (uintptr_t)at % sizeof(uint64_t) ? NULL : at;
}

/* What else it takes: see rsc.c. */
int rx_rsc_on(const struct rx *rx, uint32_t queue)
{
    const struct regfile *regs = rx->regs;
    uint32_t srrctl = reg(regs, R_SRRCTL(queue));

    return (reg(regs, R_RSCCTL(queue)) & RSCCTL_RSCEN) && !rx->pools && !(reg(regs, R_RFCTL) & RFCTL_RSC_DIS) &&
           !(reg(regs, R_RDRXCTL) & RDRXCTL_AGGDIS) && (srrctl & SRRCTL_DESCTYPE) == SRRCTL_DESCTYPE_ADV_ONEBUF &&
           (srrctl & SRRCTL_BSIZEHEADER) && (reg(regs, R_PSRTYPE(0)) & PSRTYPE_TCPHDR) &&
           ((reg(regs, R_HLREG0) & HLREG0_RXCRCSTRP) || (reg(regs, R_RDRXCTL) & RDRXCTL_CRCSTRIP));
}

int rx_ring_open(struct rx *rx, uint32_t queue)
{
    struct rxq *q = &rx->queue[queue];
    const struct regfile *regs = rx->regs;
    uint32_t stall = STALL_NONE, kib;

    if (!q->on || q->stall)
        return 0;
    if (q->open)
        return 1;
    if (q->ring && q->seen_regs == regs->changes && q->seen_dma == q->dma->changes && !q->dma->broken && q->tail < q->count) {
        q->written = q->batch_frames = 0;     /* as it was; head and tail alone have moved */
        q->batch_bytes = 0;
        mark_open(rx, queue);
        return 1;
    }
    q->seen_regs = regs->changes;
    q->seen_dma = q->dma->changes;
    q->count = (reg(regs, R_RDLEN(queue)) & RDLEN_LEN) / RX_DESC_BYTES;
    q->base = (reg(regs, R_RDBAL(queue)) & RDBAL_BASE) | (uint64_t)reg(regs, R_RDBAH(queue)) << 32;
    q->srrctl = reg(regs, R_SRRCTL(queue));
    q->rxdctl = reg(regs, R_RXDCTL(queue)) | q->strips;
    q->keeps_fcs = !(reg(regs, R_HLREG0) & HLREG0_RXCRCSTRP) && !(reg(regs, R_RDRXCTL) & RDRXCTL_CRCSTRIP);
    q->splits = (q->srrctl & SRRCTL_DESCTYPE) == SRRCTL_DESCTYPE_HDR_SPLIT ||
                (q->srrctl & SRRCTL_DESCTYPE) == SRRCTL_DESCTYPE_HDR_SPLIT_ALWAYS;
    q->never_whole = q->keeps_fcs | q->splits;
    q->rsc = (uint32_t)rx_rsc_on(rx, queue);
    kib = field(q->srrctl, SRRCTL_BSIZEPACKET);
    q->buffer_bytes = (kib > BUFFER_KIB_MAX ? BUFFER_KIB_MAX : kib) * KIB;
    q->ring = NULL;
    q->written = 0;
    q->batch_frames = 0;
    q->batch_bytes = 0;
    if (!q->count)
        stall = STALL_RING_LEN;
    else if (q->tail >= q->count || q->head >= q->count)
        stall = STALL_TAIL;
    else if (!(q->ring = whole_ring(q)) && !descriptor(q, q->head))
        stall = STALL_RING_UNMAPPED;
    if (stall) {
        stop(rx, queue, stall);
        return 0;
    }
    if (!q->ring)
        q->ring = whole_ring(q);      /* descriptor() has found its region */
    q->near_starts = 0;
    q->usual_bytes = q->buffer_bytes;
    if (!q->ring || (q->never_whole | q->rsc) || (q->srrctl & SRRCTL_DESCTYPE) == SRRCTL_DESCTYPE_LEGACY)
        q->usual_bytes = 0;
    mark_open(rx, queue);
    return 1;
}

static inline void piece_add(struct pieces *pieces, const uint8_t *data, uint32_t len_bytes)
{
    pieces->data[pieces->at] = data;
    pieces->len_bytes[pieces->at++] = len_bytes;
}

/* The next bytes of a frame into one buffer; 0 or -errno.  Only the bytes written need to be mapped. */
static int buffer_fill(struct dma *dma, uint64_t iova, uint32_t bytes, struct pieces *pieces)
{
    uint8_t *to = last_region(dma, iova, bytes, DMA_WRITE);

    while (bytes) {
        uint32_t part = pieces->len_bytes[pieces->at];

        if (part > bytes)
            part = bytes;
        if (to) {
            memmove(to, pieces->data[pieces->at], part);   /* a looped-back frame may lie in guest memory */
            to += part;
        } else {
            int rc = dma_copy_out(dma, iova, pieces->data[pieces->at], part);

            if (rc < 0)
                return rc;
            iova += part;
        }
        bytes -= part;
        pieces->data[pieces->at] += part;
        pieces->len_bytes[pieces->at] -= part;
        if (!pieces->len_bytes[pieces->at])
            pieces->at++;
    }
    return 0;
}

/* The next bytes into the buffers of a descriptor: so many for the header's, then the packet's. */
static int buffers_fill(struct dma *dma, const struct rx_desc *desc, uint32_t header_bytes, uint32_t bytes, struct pieces *pieces)
{
    int rc = 0;

    if (header_bytes)
        rc = buffer_fill(dma, __atomic_load_n(&desc->q1, __ATOMIC_RELAXED) & ~(uint64_t)RXD_STAT_DD, header_bytes, pieces);
    return rc < 0 ? rc : buffer_fill(dma, __atomic_load_n(&desc->q0, __ATOMIC_RELAXED), bytes, pieces);
}

/* The legacy format: status byte and error byte are the low and the high byte of the advanced dword, but for RXE. */
static inline uint64_t legacy_word(const struct rx_info *info, uint32_t status, uint32_t bytes, uint64_t vlan, int pcsd)
{
    uint64_t sum = pcsd ? 0 : info->hash >> 16, errors = 0;

    if (status & (RXD_ERR_TCPE | RXD_ERR_IPE | RXD_ERR_RXE))
        errors = (status & RXD_ERR_TCPE ? RXDLEG_ERR_TCPE : 0) | (status & RXD_ERR_IPE ? RXDLEG_ERR_IPE : 0) |
                 (status & RXD_ERR_RXE ? RXDLEG_ERR_RXE : 0);
    return bytes | sum << 16 | (uint64_t)(status & 0xFF) << 32 | errors | vlan << 48;
}

static void count_no_desc(struct rx *rx, uint32_t queue)
{
    rx->count.rx_no_desc++;
    rx->counted(rx->stats, queue, 0, 0, 1);
}

/* A descriptor goes back to software: its last bytes, `tag` and all of `status` if it is the frame's last one. */
static inline void give_back(struct rx *rx, struct rxq *q, struct rx_desc *desc, const struct rx_info *info, uint32_t type,
                             uint32_t status, uint32_t bytes, uint64_t tag)
{
    if ((q->srrctl & SRRCTL_DESCTYPE) == SRRCTL_DESCTYPE_LEGACY)
        rx_publish(desc, 1, 0, legacy_word(info, status, bytes, tag, (reg(rx->regs, R_RXCSUM) & RXCSUM_PCSD) != 0));
    else
        rx_publish(desc, 0, type | (uint64_t)info->hash << 32, status | (uint64_t)bytes << 32 | tag << 48);
    q->written |= status;             /* DD, at least */
    if (++q->head == q->count)
        q->head = 0;
}

/* The usual frame: stored as it came, in one buffer, which lies where the last one did.  0: it is not one. */
static inline int put_whole(struct rx *rx, struct rxq *q, const struct rx_info *info, const uint8_t *data)
{
    uint32_t bytes = info->len_bytes;
    struct rx_desc *desc;
    uint8_t *to;

    if (!q->ring || q->head == q->tail || q->never_whole || !bytes || bytes > q->buffer_bytes ||
        (info->vlan_offset && (q->rxdctl & RXDCTL_VME)))
        return 0;
    desc = descriptor(q, q->head);
    to = last_region(q->dma, __atomic_load_n(&desc->q0, __ATOMIC_RELAXED), bytes, DMA_WRITE);
    if (!to)
        return 0;
    memmove(to, data, bytes);         /* a looped-back frame may lie in guest memory */
    give_back(rx, q, desc, info, info->type, info->status | RXD_STAT_DD | RXD_STAT_EOP, bytes, 0);
    rx_count_put(rx, q, bytes);
    return 1;
}

/* Any frame: cut at its VLAN tag, with its FCS, over as many buffers as it takes.  0: it must wait for descriptors. */
static int put_pieces(struct rx *rx, struct rxq *q, const struct rx_info *info, const uint8_t *data)
{
    uint32_t left = info->len_bytes, need, have, fcs, stored, status = info->status;
    struct pieces pieces = { .at = 0 };
    struct rx_split split = { 0 };
    uint64_t vlan = 0;

    if (info->vlan_offset && (q->rxdctl & RXDCTL_VME)) {
        piece_add(&pieces, data, info->vlan_offset);
        piece_add(&pieces, data + info->vlan_offset + ETH_TAG_BYTES, left - info->vlan_offset - ETH_TAG_BYTES);
        left -= ETH_TAG_BYTES;
        if (!(q->qde & PFQDE_HIDE_VLAN)) {
            vlan = info->vlan_tci;
            status |= RXD_STAT_VP;
        }
    } else {
        piece_add(&pieces, data, left);
    }
    if (q->splits) {
        split = rx_split(rx, q->srrctl, info, data, left);
        status |= split.status;
    }
    if (q->keeps_fcs) {
        fcs = crc32_fcs(data, info->len_bytes);
        if (info->flags & FRAME_BAD_CRC)
            fcs = ~fcs;
        piece_add(&pieces, (const uint8_t *)&fcs, ETH_FCS_BYTES);
        left += ETH_FCS_BYTES;
    }
    pieces.at = 0;

    if (!q->buffer_bytes) {
        stop(rx, info->queue, STALL_DESC);
        rx->count.rx_disabled++;
        return 1;
    }
    need = (left - split.bytes + q->buffer_bytes - 1) / q->buffer_bytes;
    need += !need;                    /* all of it is in the header buffer, which belongs to a descriptor too */
    have = q->tail >= q->head ? q->tail - q->head : q->tail + q->count - q->head;
    if (need > have) {
        /* One descriptor always stays software's, so a frame that needs them all would wait for ever. */
        if (!((q->srrctl & SRRCTL_DROP_EN) | (q->qde & PFQDE_QDE) | (reg(rx->regs, R_DROPEN) >> info->tc & 1)) && need < q->count)
            return 0;
        count_no_desc(rx, info->queue);
        return 1;
    }
    stored = left;
    while (need--) {
        struct rx_desc *desc = descriptor(q, q->head);
        uint32_t bytes;

        left -= split.bytes;
        bytes = left < q->buffer_bytes ? left : q->buffer_bytes;
        if (!desc || buffers_fill(q->dma, desc, split.bytes, bytes, &pieces) < 0) {
            stop(rx, info->queue, desc ? STALL_BUFFER : STALL_RING_UNMAPPED);
            rx->count.rx_disabled++;
            return 1;
        }
        left -= bytes;
        if (need)
            give_back(rx, q, desc, info, info->type | split.type, RXD_STAT_DD, bytes, 0);
        else
            give_back(rx, q, desc, info, info->type | split.type, RXD_STAT_DD | RXD_STAT_EOP | status, bytes, vlan);
        split.bytes = split.type = 0; /* only the first descriptor's header buffer is used */
    }
    rx_count_put(rx, q, stored);
    return 1;
}

/* One frame into its queue.  0: it must wait: no descriptors are free and the queue does not drop, or DMA is off. */
int rx_ring_put(struct rx *rx, const struct rx_info *info, const uint8_t *data)
{
    struct rxq *q = &rx->queue[info->queue];

    if (!q->open) {                   /* the first frame of this batch */
        if (q->dma->off) {            /* its function may not master the bus now: it waits, unless others would with it */
            rx->count.rx_disabled += rx->pools != 0;
            return rx->pools != 0;
        }
        if (__builtin_expect((int)(rx->frozen[info->queue / 64] >> (info->queue % 64) & 1), 0)) {
            rx->frozen_felt = 1;
            return 0;
        }
        if (!rx_ring_open(rx, info->queue)) {
            rx->count.rx_disabled++;
            return 1;
        }
    }
    if (__builtin_expect(q->rsc, 0) && rx->coalesce(rx, info, data))
        return 1;
    return put_whole(rx, q, info, data) || put_pieces(rx, q, info, data);
}

/* Returns the queues that got something. */
int rx_ring_close(struct rx *rx)
{
    int used = 0;

    for (uint32_t half = 0; half < 2; half++) {
        while (rx->open[half]) {
            uint32_t queue = half * 64 + (uint32_t)__builtin_ctzll(rx->open[half]);
            struct rxq *q = &rx->queue[queue];

            rx->open[half] &= rx->open[half] - 1;
            if (__builtin_expect(q->rsc, 0))
                rx->batch_ends(rx, queue);
            q->open = 0;
            if (!q->written)
                continue;
            reg_publish(rx->regs, R_RDH(queue), q->head);
            rx->counted(rx->stats, queue, q->batch_frames, q->batch_bytes, 0);
            (q->written & RXD_STAT_LLINT ? rx->at_once : rx->written)(rx->card, queue);
            used++;
        }
    }
    return used;
}
