/* SPDX-License-Identifier: BSD-3-Clause */
/* The card's ways with pools: a received frame's copies, and what the switch does with sent ones.
 *
 * A sent frame is copied out of its sender's memory before anybody looks at it (tx/frame.c), so that what was judged is
 * what leaves.  Copies to other pools are made at once, and a copy never makes another: a frame costs at most one copy a
 * pool.
 */
#include <stdint.h>
#include <string.h>
#include "desc.h"
#include "regs.h"
#include "machine/clock.h"
#include "machine/eth.h"
#include "machine/trace.h"
#include "machine/dma.h"
#include "machine/irq.h"
#include "machine/stall.h"
#include "machine/regfile.h"
#include "machine/toeplitz.h"
#include "machine/parse.h"
#include "machine/wire/port.h"
#include "machine/faults.h"
#include "machine/function.h"
#include "i82599/chip.h"
#include "i82599/pass.h"
#include "i82599/intr/intr.h"
#include "i82599/filters/filters.h"
#include "i82599/rss/rss.h"
#include "i82599/fdir/fdir.h"
#include "i82599/rx/rx.h"
#include "i82599/stats/stats.h"
#include "i82599/tx/tx.h"
#include "i82599/flow/flow.h"
#include "i82599/time/timesync.h"
#include "i82599/tails/tails.h"
#include "i82599/virt/virt.h"
#include "i82599/vf/vf.h"
#include "i82599/card.h"

static void refresh(struct card *card)
{
    virt_refresh(&card->virt);
    card->rx.pools = card->virt.on;
    card->tx.pools = card->virt.on;
}

int card_has_pools(struct card *card)
{
    refresh(card);
    return card->virt.on != 0;
}

/* ---- received ---------------------------------------------------------------------------------------------------- */

/* A filter may name a queue of another pool.  One that alone has the frame then loses it to that pool, if that may have
 * it; of several copies each stays in its pool, or the other pool would have the frame twice.  Guess, all of it. */
static int settle(struct card *card, struct rx_pass *copy, uint32_t own_queue, uint64_t pools, uint64_t may)
{
    uint32_t shift = card->rss.pool_shift, pool = copy->info.queue >> shift;

    if (!shift || pool == copy->info.pool)
        return 1;
    if ((pools & (pools - 1)) && copy->steered != STEERED_TO_DROP) {
        copy->info.queue = own_queue;
        return 1;
    }
    copy->info.pool = (uint16_t)pool;
    return may >> pool & 1;
}

/* One copy for each pool, with a queue of that pool. */
static int copies(struct card *card, const struct rx_pass *pass, uint64_t pools, uint64_t may)
{
    int switched = (pass->frame->flags & FRAME_SWITCHED) != 0, is_stamped = switched, made = 0;
    uint32_t stamped = 0;

    for (uint64_t left = pools; left; left &= left - 1) {
        struct rx_pass copy = *pass;
        uint32_t own_queue;

        copy.info.pool = (uint16_t)__builtin_ctzll(left);
        rss_pool_stage(&card->rss, &copy);
        own_queue = copy.info.queue;
        queue_filters_stage(&card->filters, &copy);
        if (card->timesync.rx_on && !is_stamped) {
            timesync_stage(&card->timesync, &copy);
            stamped = copy.info.status & RXD_STAT_TS;
            is_stamped = 1;
        }
        copy.info.status |= stamped;
        fdir_stage(&card->fdir, &copy);
        if (!settle(card, &copy, own_queue, pools, may))
            continue;
        rx_store_copy(&card->rx, &copy);
        stats_rx_copy(&card->pf.regs, pass->info.len_bytes, switched, made);
        card->virt.count.pool_copies += (uint64_t)made;
        made = 1;
    }
    return made;
}

/* A frame of the wire passed the filters of size and MAC control; one that another pool sent has seen no MAC at all, and
 * the counters of the MAC know nothing of it.  Guess: it is as long as the MAC would let it be. */
int card_receive_pools(struct card *card, struct rx_pass *pass)
{
    const struct frame *frame = pass->frame;
    uint32_t from_pool = frame->flags & FRAME_SWITCHED;
    struct virt_way way;

    if (from_pool) {
        way = card->virt.switched[frame->flags >> FRAME_PLACE_SHIFT & (FRAME_BATCH - 1)];
        pass->info.status |= RXD_STAT_LB;
        if (!filters_fits(&card->filters, frame->len_bytes, &pass->packet))
            return 0;
    } else {
        if (!filters_admit_stage(&card->filters, pass))
            return 0;
        way = virt_received(&card->virt, frame->data, &pass->packet);
    }
    if (!way.pools) {
        card->virt.count.rx_no_pool++;
        return 0;
    }
    if (way.inexact)
        pass->info.status |= RXD_STAT_PIF;
    if (!from_pool)
        stats_stage(&card->pf.regs, pass);
    rx_checksum_stage(&card->rx, pass);
    if (!from_pool && (pass->info.status & (RXD_ERR_IPE | RXD_ERR_TCPE)))
        bump(&card->pf.regs, R_XEC, 1);
    rss_stage(&card->rss, pass);
    if (!card->rss.pool_shift)        /* queues that belong to no pool have it once */
        way.pools &= 0 - way.pools;
    return copies(card, pass, way.pools, way.may);
}

/* A pool counts what lies in its memory. */
void card_pool_stored(void *arg, const struct rx_info *info, const uint8_t *data)
{
    struct card *card = arg;

    stats_rx_pool(&card->pf.regs, info->pool, data, info->len_bytes);
}

/* ---- sent -------------------------------------------------------------------------------------------------------- */

/* Queues with work that have to wait: their pool may not send now, or their function may not master the bus. */
void card_pools_hold(struct card *card, uint64_t held[2])
{
    uint32_t shift = tx_pool_shift(reg(&card->pf.regs, R_MTQC));

    if (!card_has_pools(card))
        return;
    for (uint32_t half = 0; half < 2; half++) {
        for (uint64_t left = card->tx.pending[half]; left; left &= left - 1) {
            uint32_t queue = half * 64 + (uint32_t)__builtin_ctzll(left);

            if (card->tx.queue[queue].dma->off || (shift && !reg_bit(&card->pf.regs, R_VFTE(0), queue >> shift)))
                held[half] |= left & (0 - left);
        }
    }
}

/* Whether pools hear each other: Rx and Tx must deal out their queues in the same way.  Guess. */
static int switches(const struct card *card)
{
    const struct regfile *regs = &card->pf.regs;

    return (reg(regs, R_PFDTXGSWC) & PFDTXGSWC_VT_LBEN) && rx_pool_shift(reg(regs, R_MRQC)) == tx_pool_shift(reg(regs, R_MTQC));
}

/* What the queue and its pool count of a frame that left them.  The MAC counts only what reaches it; TXDGPC and the queue
 * count what the switch took, too, and no frame that the pool may not send.  Guess: so do PVFGPTC and PVFGOTC. */
static void count_queue(struct card *card, uint32_t queue, const struct frame *frame)
{
    uint32_t shift = tx_pool_shift(reg(&card->pf.regs, R_MTQC));

    card->tx.count.tx_bytes += frame->len_bytes;
    stats_tx_queue(&card->pf.regs, queue, frame);
    if (card->pf.regs.shared)
        stats_tx_group(&card->stats, queue, 1, stats_octets(frame->len_bytes));
    if (shift)
        stats_tx_pool(&card->pf.regs, queue >> shift, frame);
}

void card_pools_sent(struct card *card, uint32_t queue, const struct frame *frames, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!(frames[i].flags & FRAME_COUNTED))
            count_queue(card, queue, &frames[i]);
    stats_tx_mac(&card->pf.regs, frames, n);
}

uint32_t card_pools_rule(void *arg, uint32_t queue)
{
    struct card *card = arg;
    uint32_t shift = tx_pool_shift(reg(&card->pf.regs, R_MTQC));

    return card_has_pools(card) && shift ? reg(&card->pf.regs, R_VMVIR(queue >> shift)) : 0;
}

static void drop_spoofed(struct card *card, uint32_t pool)
{
    card->virt.count.tx_spoofed++;
    if (virt_counts_spoofs(&card->virt, pool))
        bump(&card->pf.regs, R_SSVPC, 1);
}

/* Copies for other pools, and no more left in frames[] than what is for the wire; returns how many that are.  *local: of
 * those that are gone, how many another pool was offered.  Without a link there is no switch either. */
uint32_t card_switch(struct card *card, uint32_t queue, struct frame *frames, uint32_t n, uint32_t *local)
{
    uint32_t shift = tx_pool_shift(reg(&card->pf.regs, R_MTQC)), pool = queue >> shift, wire = 0, inside = 0;
    struct frame switched[FRAME_BATCH];
    int on;

    *local = 0;
    if (!card_has_pools(card) || !shift)
        return n;
    on = switches(card) && card->rx.link_up && (reg(&card->pf.regs, R_RXCTRL) & RXCTRL_RXEN);
    rx_tags(&card->rx);
    for (uint32_t i = 0; i < n; i++) {
        struct virt_way way = { .to_wire = 1 };
        struct packet pkt;

        parse_tagged(frames[i].data, frames[i].len_bytes, card->rx.vet, card->rx.vet_outer, &pkt);
        if (!virt_may_send(&card->virt, pool, frames[i].data, &pkt)) {
            drop_spoofed(card, pool);
            continue;
        }
        if (on && !(frames[i].flags & FRAME_BAD_CRC))
            way = virt_sent(&card->virt, pool, frames[i].data, &pkt);
        if (way.pools) {
            count_queue(card, queue, &frames[i]);
            card->virt.count.switched_frames++;
            card->virt.switched[inside] = way;
            switched[inside] = frames[i];
            switched[inside].flags |= FRAME_SWITCHED | inside << FRAME_PLACE_SHIFT;
            frames[i].flags |= FRAME_COUNTED;
            inside++;
        }
        if (way.to_wire)
            frames[wire++] = frames[i];
        else
            *local += way.pools != 0;
    }
    if (inside)
        rx_frames(&card->rx, switched, inside);
    return wire;
}
