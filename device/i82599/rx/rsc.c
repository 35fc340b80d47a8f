/* SPDX-License-Identifier: BSD-3-Clause */
/* Receive side coalescing.
 *
 * The bytes of a frame that continues a flow go right behind those of the one before.  What software sees at the end is one
 * packet: the first frame's header with the whole length and the last frame's acknowledgment, window and time stamps, in
 * descriptors that each say how many frames begin in them (RSCCNT, one more than that) and, but for the last, which one is
 * next (NEXTP): descriptors of other frames may lie between.
 *
 * A packet ends when the queue's interrupt may be sent, so it never makes software wait; at the end of the batch, if nothing
 * moderates that.  It ends before a frame that does not continue it, and when it can grow no more.
 * Ref: 82599 datasheet, "Receive Side Coalescing"; ixgbe_is_non_eop() and ixgbe_set_rsc_gso_size() of the Linux driver.
 * Guess: without SRRCTL.BSIZEHEADER, PSRTYPE.TCPHDR and stripped FCS nothing is coalesced; neither is what goes to header
 * buffers, IPv6 (drivers call what is coalesced TCP over IPv4), or an acknowledgment without data, whatever RSCACKC and
 * RSCACKDIS say.  One frame alone is written back as ever, with RSCCNT 0.  Counters of the queue count frames.
 */
#include <stdint.h>
#include <string.h>
#include "desc.h"
#include "regs.h"
#include "machine/bytes.h"
#include "machine/clock.h"
#include "machine/csum.h"
#include "machine/eth.h"
#include "machine/dma.h"
#include "machine/regfile.h"
#include "machine/parse.h"
#include "machine/wire/port.h"
#include "i82599/chip.h"
#include "i82599/pass.h"
#include "i82599/rx/rx.h"
#include "i82599/rx/steps.h"
#include "i82599/rx/rsc.h"

#define BEGUN_MOST 14u                /* RSCCNT has four bits */
#define TCP_WINDOW 14                 /* offset */

static uint32_t descs_most(const struct rx *rx, uint32_t queue)
{
    static const uint8_t most[] = { 1, 4, 8, 16 };

    return most[field(reg(rx->regs, R_RSCCTL(queue)), RSCCTL_MAXDESC)];
}

void rsc_reset(struct rsc *rsc)
{
    rsc->used = 0;
    rsc->deadline_ns = UINT64_MAX;
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

/* Memory in one region, or NULL, which is no error here: ring.c finds out what is the matter. */
static uint8_t *mapped(struct rxq *q, uint64_t iova, uint32_t len_bytes, uint32_t prot)
{
    return q->dma->broken ? NULL : dma_try(q->dma, iova, len_bytes, prot);
}

static struct rx_desc *descriptor(struct rxq *q, uint32_t at)
{
    uint8_t *desc = q->ring ? q->ring + (uint64_t)at * sizeof(struct rx_desc)
                            : mapped(q, q->base + (uint64_t)at * sizeof(struct rx_desc), sizeof(struct rx_desc), DMA_READ | DMA_WRITE);

    return (uintptr_t)desc % sizeof(uint64_t) ? NULL : (struct rx_desc *)desc;
}

/* The next bytes of a packet, `header` before `data`, in as many descriptors as they need; 0: they do not fit, and nothing
 * has changed. */
static int append(struct rx *rx, struct rxq *q, struct rsc_flow *flow, const uint8_t *header, uint32_t header_bytes,
                  const uint8_t *data, uint32_t data_bytes)
{
    uint32_t have = q->tail >= q->head ? q->tail - q->head : q->tail + q->count - q->head, most = descs_most(rx, flow->info.queue);
    uint32_t descs = flow->descs, head = q->head, fill = flow->fill_bytes, parts = 0, len_bytes = header_bytes + data_bytes;
    struct { uint8_t *to; uint32_t bytes; } part[RSC_DESCS_MAX + 1];

    if (!flow->buffer_bytes)
        return 0;
    for (uint32_t left = len_bytes; left; left -= part[parts++].bytes) {
        if (!descs || fill == flow->buffer_bytes) {
            struct rx_desc *desc = have && descs < most ? descriptor(q, head) : NULL;

            if (!desc)
                return 0;
            flow->desc[descs++] = (struct rsc_desc){ .iova = __atomic_load_n(&desc->q0, __ATOMIC_RELAXED), .at = head };
            head = head + 1 == q->count ? 0 : head + 1;
            have--;
            fill = 0;
        }
        part[parts].bytes = left < flow->buffer_bytes - fill ? left : flow->buffer_bytes - fill;
        part[parts].to = mapped(q, flow->desc[descs - 1].iova + fill, part[parts].bytes, DMA_WRITE);
        if (!part[parts].to)
            return 0;
        fill += part[parts].bytes;
    }
    for (uint32_t i = 0; i < parts; i++) {
        uint32_t of_header = header_bytes < part[i].bytes ? header_bytes : part[i].bytes, of_data = part[i].bytes - of_header;

        memcpy(part[i].to, header, of_header);
        memmove(part[i].to + of_header, data, of_data);         /* a looped-back frame may lie in guest memory */
        header += of_header;
        header_bytes -= of_header;
        data += of_data;
    }
    q->head = head;
    flow->len_bytes += len_bytes;
    flow->descs = descs;
    flow->fill_bytes = fill;
    return 1;
}

/* ---- the end of a packet ----------------------------------------------------------------------------------------- */

/* The header as it is for all of the packet: lengths and the IP checksum; acknowledgment and the like are there already. */
static void finish_header(struct rxq *q, struct rsc_flow *flow)
{
    uint8_t *ip = flow->header + flow->l3, *to;

    put_be16(ip + IPV4_LENGTH, flow->len_bytes - flow->l3);
    put_be16(ip + IPV4_CHECK, 0);
    put_be16(ip + IPV4_CHECK, csum_fold(csum_add(0, ip, IPV4_HEADER_BYTES)));
    to = mapped(q, flow->desc[0].iova, flow->header_bytes, DMA_WRITE);
    if (to)
        memcpy(to, flow->header, flow->header_bytes);
}

static void give_back(struct rxq *q, const struct rsc_flow *flow, uint32_t i)
{
    uint64_t count = flow->frames > 1 ? flow->desc[i].begun + 1 : 0, q1 = RXD_STAT_DD, tag = 0;
    struct rx_desc *desc = flow->desc[i].at < q->count ? descriptor(q, flow->desc[i].at) : NULL;

    if (!desc)                        /* the ring has another place now, or none */
        return;
    if (i + 1 < flow->descs) {
        q1 |= (uint64_t)flow->buffer_bytes << 32 | (flow->frames > 1 ? (uint64_t)flow->desc[i + 1].at << RXDRSC_NEXTP_SHIFT : 0);
    } else {
        if (flow->info.vlan_offset && (q->rxdctl & RXDCTL_VME) && !(q->qde & PFQDE_HIDE_VLAN)) {
            tag = flow->info.vlan_tci;
            q1 |= RXD_STAT_VP;
        }
        q1 |= RXD_STAT_EOP | flow->info.status | (uint64_t)flow->fill_bytes << 32 | tag << 48;
    }
    __atomic_thread_fence(__ATOMIC_RELEASE);
    __atomic_store_n(&desc->q0, flow->info.type | count << RXDADV_RSCCNT_SHIFT | (uint64_t)flow->info.hash << 32, __ATOMIC_RELAXED);
    __atomic_store_n(&desc->q1, q1, __ATOMIC_RELEASE);
    q->written |= (uint32_t)q1 & (RXD_STAT_DD | RXD_STAT_LLINT);
}

static void end(struct rx *rx, struct rsc_flow *flow)
{
    struct rxq *q = &rx->queue[flow->info.queue];

    rx->rsc->used &= ~(1u << (flow - rx->rsc->flow));
    if (q->dma->off || !rx_ring_open(rx, flow->info.queue)) {     /* its descriptors are nobody's any more */
        rx->count.rx_disabled += flow->frames;
        return;
    }
    if (flow->frames > 1) {
        finish_header(q, flow);
        rx->rsc->packets++;
        rx->rsc->frames += flow->frames;
    }
    for (uint32_t i = 0; i < flow->descs; i++)
        give_back(q, flow, i);
}

static void end_all_of(struct rx *rx, uint32_t queue)
{
    for (uint32_t left = rx->rsc->used; left; left &= left - 1) {
        struct rsc_flow *flow = &rx->rsc->flow[__builtin_ctz(left)];

        if (flow->info.queue == queue)
            end(rx, flow);
    }
}

static int has_any(const struct rsc *rsc, uint32_t queue)
{
    for (uint32_t left = rsc->used; left; left &= left - 1)
        if (rsc->flow[__builtin_ctz(left)].info.queue == queue)
            return 1;
    return 0;
}

/* ---- frames ------------------------------------------------------------------------------------------------------ */

/* The first frame of a packet. */
static int begin(struct rx *rx, struct rxq *q, const struct rx_info *info, const struct rsc_segment *seg, const uint8_t *payload)
{
    struct rsc *rsc = rx->rsc;
    struct rsc_flow *flow;

    if (!~rsc->used) {                /* Guess: the oldest makes room */
        flow = &rsc->flow[0];
        for (uint32_t i = 1; i < RSC_FLOWS; i++)
            if (rsc->flow[i].born < flow->born)
                flow = &rsc->flow[i];
        end(rx, flow);
    }
    flow = &rsc->flow[__builtin_ctz(~rsc->used)];
    flow->info = *info;
    flow->descs = flow->fill_bytes = flow->len_bytes = 0;
    flow->buffer_bytes = q->buffer_bytes;
    if (!append(rx, q, flow, seg->header, seg->header_bytes, payload, seg->payload_bytes))
        return 0;
    memcpy(flow->header, seg->header, seg->header_bytes);
    flow->header_bytes = seg->header_bytes;
    flow->l3 = seg->l3;
    flow->l4 = seg->l4;
    flow->next_seq = be32(seg->header + seg->l4 + TCP_SEQ) + seg->payload_bytes;
    flow->desc[0].begun = flow->frames = 1;
    flow->born = rsc->births++;
    rsc->used |= 1u << (flow - rsc->flow);
    return 1;
}

/* One more. */
static int grow(struct rx *rx, struct rxq *q, struct rsc_flow *flow, const struct rsc_segment *seg, const uint8_t *payload)
{
    uint32_t at = flow->fill_bytes == flow->buffer_bytes ? flow->descs : flow->descs - 1;
    uint8_t *had = flow->header + flow->l4;
    const uint8_t *has = seg->header + seg->l4;

    if ((at < flow->descs && flow->desc[at].begun == BEGUN_MOST) || !append(rx, q, flow, has, 0, payload, seg->payload_bytes))
        return 0;
    flow->desc[at].begun++;
    flow->frames++;
    flow->next_seq += seg->payload_bytes;
    memcpy(had + RSC_TCP_ACK, has + RSC_TCP_ACK, 4);
    memcpy(had + TCP_WINDOW, has + TCP_WINDOW, 2);
    memcpy(had + TCP_HEADER_BYTES, has + TCP_HEADER_BYTES, seg->header_bytes - seg->l4 - TCP_HEADER_BYTES);
    return 1;
}

int rsc_put(struct rx *rx, const struct rx_info *info, const uint8_t *data)
{
    struct rxq *q = &rx->queue[info->queue];
    const uint8_t *payload;
    struct rsc_flow *flow;
    struct rsc_segment seg;

    if (!rsc_look(rx, info, data, &seg))
        return 0;
    payload = data + seg.header_bytes + seg.cut_bytes;
    flow = rsc_flow_of(rx->rsc, info->queue, &seg);
    if (!flow || !rsc_continues(flow, info, &seg) || !grow(rx, q, flow, &seg, payload)) {
        if (flow)
            end(rx, flow);
        if (!seg.fit || !begin(rx, q, info, &seg, payload))
            return 0;
    }
    rx_count_put(rx, q, info->len_bytes - seg.cut_bytes);
    return 1;
}

/* ---- time -------------------------------------------------------------------------------------------------------- */

static void end_by(struct rsc *rsc, uint64_t ns)
{
    if (ns < rsc->deadline_ns)
        rsc->deadline_ns = ns;
}

void rsc_batch_ends(struct rx *rx, uint32_t queue)
{
    struct rxq *q = &rx->queue[queue];
    uint64_t wait_ns;

    if (!has_any(rx->rsc, queue))
        return;
    wait_ns = rx->untold_ns(rx->intr, queue);
    if (!wait_ns) {
        end_all_of(rx, queue);
        return;
    }
    end_by(rx->rsc, clock_now(rx->rsc->clock) + wait_ns);
    if (!q->written && q->batch_frames) {         /* nothing to tell software yet; the counters know */
        reg_publish(rx->regs, R_RDH(queue), q->head);
        rx->counted(rx->stats, queue, q->batch_frames, q->batch_bytes, 0);
    }
}

void rsc_run(struct rx *rx)
{
    struct rsc *rsc = rx->rsc;
    uint64_t now_ns = clock_now(rsc->clock);

    if (now_ns < rsc->deadline_ns)
        return;
    rsc->deadline_ns = UINT64_MAX;
    for (uint32_t left = rsc->used; left; left &= left - 1) {
        struct rsc_flow *flow = &rsc->flow[__builtin_ctz(left)];
        uint64_t wait_ns = rx->untold_ns(rx->intr, flow->info.queue);

        if (wait_ns)
            end_by(rsc, now_ns + wait_ns);
        else
            end(rx, flow);
    }
    rx_ring_close(rx);
}

uint64_t rsc_wait_ns(const struct rx *rx)
{
    uint64_t now_ns;

    if (!rx->rsc->used || rx->rsc->deadline_ns == UINT64_MAX)
        return UINT64_MAX;
    now_ns = clock_now(rx->rsc->clock);
    return rx->rsc->deadline_ns > now_ns ? rx->rsc->deadline_ns - now_ns : 0;
}

/* ---- the queue --------------------------------------------------------------------------------------------------- */

void rsc_queue_ends(struct rx *rx, uint32_t queue)
{
    end_all_of(rx, queue);
    rx_ring_close(rx);
}

void rsc_forget(struct rx *rx, uint32_t queue)
{
    for (uint32_t left = rx->rsc->used; left; left &= left - 1)
        if (rx->rsc->flow[__builtin_ctz(left)].info.queue == queue)
            rx->rsc->used &= ~(left & (0 - left));
}
