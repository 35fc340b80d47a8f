/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
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
#include "machine/super.h"
#include "machine/faults.h"
#include "machine/function.h"
#include "i82599/chip.h"
#include "i82599/pass.h"
#include "i82599/intr/intr.h"
#include "i82599/filters/filters.h"
#include "i82599/rss/rss.h"
#include "i82599/fdir/fdir.h"
#include "i82599/rx/rx.h"
#include "i82599/rx/rsc.h"
#include "i82599/stats/stats.h"
#include "i82599/tx/tx.h"
#include "i82599/flow/flow.h"
#include "i82599/time/timesync.h"
#include "i82599/tails/tails.h"
#include "i82599/virt/virt.h"
#include "i82599/vf/vf.h"
#include "i82599/card.h"
#include "i82599/card_ways.h"

#define TX_ARENA_BYTES (2ull * FRAME_BATCH * FRAME_MAX_BYTES)

/* With this much waiting for descriptors a store of frames is left alone. */
#define FIFO_PAUSE_BYTES (RX_FIFO_BYTES / 4)

/* A wire that has been full for so long is read by nobody: frames are lost again. */
#define KEPT_MOST_NS 1000000000ull

/* ---- a turn ------------------------------------------------------------------------------------------------------ */

/* Whether no function at all may do DMA. */
static inline int all_off(const struct card *card)
{
    return card->pf.dma.off && !card->vfs.enabled;
}

/* How many frames the port may bring now.  A wire brings what it brings, and what the packet buffer cannot take is missed
 * (MPC).  With XOFF to send it is not read beyond what surely fits: the other end has been told, or is about to be.  A store
 * of frames loses none by being left alone.  A capture waits until somebody listens. */
static uint32_t may_bring(struct card *card)
{
    uint32_t caps = card->port ? port_caps(card->port) : 0;

    if (!card->port || ((caps & PORT_KEEPS) && card->rx.fifo.used_bytes >= FIFO_PAUSE_BYTES))
        return 0;
    if ((caps & PORT_WAITS) && (all_off(card) || !card->rx.link_up || !(reg(&card->pf.regs, R_RXCTRL) & RXCTRL_RXEN)))
        return 0;
    if (card_ways(card) & (card->rx.fifo.used_bytes ? USUAL_NO_XOFF : USUAL_NO_XOFF | USUAL_ROOM))
        return FRAME_BATCH;
    return flow_room(&card->flow, card->rx.fifo.used_of);
}

/* Whether the MAC counts what comes.  Ref: 82598 datasheet 4.4.3.9.37 f. */
static inline int counts_all(const struct card *card)
{
    return card->rx.link_up && (reg(&card->pf.regs, R_RXCTRL) & RXCTRL_RXEN);
}

static inline int wire_is_faulty(const struct card *card)
{
    return (card->wire_faults.lose_every | card->wire_faults.damage_every) != 0;
}

static struct port *listens(void *arg)
{
    struct card *card = arg;

    return may_bring(card) ? card->port : NULL;
}

/* Frames that wait in the packet buffer, then those that came off the wire; returns how many left the buffer. */
static uint32_t from_wire(struct card *card, const struct frame *frames, uint32_t n)
{
    if (all_off(card))
        card->rx.count.rx_disabled += n;
    else if (n | card->rx.fifo.frames)
        return (uint32_t)rx_frames(&card->rx, frames, n);
    return 0;
}

/* What the wire brings.  Of super-frames so many pieces are taken in a turn as there would be frames, and the rest waits. */
static uint32_t take_from_wire(struct card *card)
{
    struct super_cutter *cutter = card->cutter;
    uint32_t n = 0, left, most = may_bring(card);
    struct frame *some = NULL;

    if (most && cutter->at == cutter->n) {
        cutter->n = (uint32_t)port_recv(card->port, cutter->received, most, &card->clock);
        cutter->at = cutter->cut_bytes = 0;
    }
    if (most)
        n = super_next(cutter, most, &some);
    left = n;
    if (wire_is_faulty(card))
        left = wire_faults_in(&card->wire_faults, some, n);
    if (left && counts_all(card))
        stats_rx_total(&card->pf.regs, some, left);
    return n + from_wire(card, some, left);
}

static void drop_kept(struct card *card)
{
    if (card->port)
        card->port->count.tx_dropped += card->flow.kept;
    (void)flow_kept_sent(&card->flow, card->flow.kept);
}

/* XOFF or XON, when one is due.  A MAC that loops has no other end to tell. */
static void tell_other_end(struct card *card)
{
    struct frame frame;
    uint32_t sent;
    int what;

    for (uint32_t i = 0; i < CHIP_CLASSES; i++) {  /* one for each class, at most */
        what = flow_due(&card->flow, card->rx.fifo.used_of, &frame);
        if (!what)
            return;
        if (!card->rx.link_up || !card->port || (reg(&card->pf.regs, R_HLREG0) & HLREG0_LPBK))
            sent = 0;
        else
            sent = (uint32_t)port_offer(card->port, &frame, 1);
        if (sent)
            stats_tx_mac(&card->pf.regs, &frame, 1);
        flow_said(&card->flow, what, sent);
    }
}

static void count_sent(struct card *card, uint32_t queue, const struct frame *frames, uint32_t n, struct tally *tally)
{
    stats_tx(&card->pf.regs, queue, frames, n, tally);
    card->tx.count.tx_bytes += tally->bytes;
    if (card->pf.regs.shared)
        stats_tx_group(&card->stats, queue, tally->frames, tally->octets);
}

static void count_one(struct card *card, uint32_t queue, const struct frame *frame)
{
    struct tally tally;

    if (card->tx.pools)
        card_pools_sent(card, queue, frame, 1);
    else
        count_sent(card, queue, frame, 1, &tally);
}

/* What a full wire has not taken yet; it is lost when the wire is no longer full but gone, or stays as it is for long. */
static uint32_t send_kept(struct card *card)
{
    struct flow *flow = &card->flow;
    struct frame *first = &flow->kept_frame[flow->kept_first];
    uint32_t sent = 0, tries = flow->kept;

    if (card->port && card->rx.link_up)
        sent = (uint32_t)port_offer(card->port, first, tries);
    for (uint32_t i = 0; i < sent; i++)
        count_one(card, flow->kept_queue[flow->kept_first + i], &first[i]);
    if (flow_kept_sent(flow, sent) && !(card->port && card->port->full && clock_now(&card->clock) - flow->kept_ns < KEPT_MOST_NS))
        drop_kept(card);
    return sent;
}

/* Transmit, as far as the other end lets it. */
static uint32_t transmit(struct card *card)
{
    uint64_t held[2];
    uint32_t work = 0;

    if (card->tx.waits[0] | card->tx.waits[1])
        tx_rate_release(&card->tx);
    if (card->flow.paused)
        flow_ends(&card->flow);
    if (card->flow.kept && !(card->flow.paused & 1))
        work += send_kept(card);
    if (card->flow.kept || all_off(card) || !(card->tx.pending[0] | card->tx.pending[1])) /* rings stand still */
        return work;
    card->tx.supers = card_supers(card);
    if (!(card->flow.paused | card->tx.pools))
        return work + (uint32_t)tx_run(&card->tx, FRAME_BATCH);
    for (uint32_t half = 0; half < 2; half++)
        held[half] = card->tx.pending[half] & card->flow.held[half];
    if (card->tx.pools)
        card_pools_hold(card, held);
    for (uint32_t half = 0; half < 2; half++)
        card->tx.pending[half] &= ~held[half];
    work += (uint32_t)tx_run(&card->tx, FRAME_BATCH);
    for (uint32_t half = 0; half < 2; half++)
        card->tx.pending[half] |= held[half];
    return work;
}

static void tell(struct card *card, int is_tx, uint64_t stopped[2])
{
    for (uint32_t half = 0; half < 2; half++) {
        for (; stopped[half]; stopped[half] &= stopped[half] - 1) {
            uint32_t queue = half * 64 + (uint32_t)__builtin_ctzll(stopped[half]);

            stall_tell(&card->stalls, is_tx, queue, is_tx ? card->tx.queue[queue].stall : card->rx.queue[queue].stall);
        }
    }
}

/* Python hears of queues that stopped here, at the end of a turn, and never in the middle of a batch. */
void card_tell_stalls(struct card *card)
{
    tell(card, 0, card->rx.stopped);
    tell(card, 1, card->tx.stopped);
}

/* Virtual functions: memory that was lost in the last turn, and messages that are due. */
static __attribute__((noinline)) void turn_of_vfs(struct card *card)
{
    for (uint32_t v = 0; card->vfs.alarm && v < card->vfs.count; v++)
        dma_turn(&card->vfs.vf[v].function.dma);
    card->vfs.alarm = 0;
    if (card->vfs.due_ns != UINT64_MAX)
        vfs_intr_run(&card->vfs);
}

int card_step(void *arg)
{
    struct card *card = arg;
    uint32_t work = 0;

    card->turns++;
    if (card->pf.dma.broken)
        dma_turn(&card->pf.dma);
    if (card->vfs.alarm || card->vfs.due_ns != UINT64_MAX)
        turn_of_vfs(card);
    if (card->pf.regs.shared && !card->pf.regs.off)
        work += tails_look(&card->tails, card->turns, card->worked);
    if (card->flow.paused | card->flow.kept |
        !!(card->tx.pending[0] | card->tx.pending[1] | card->tx.waits[0] | card->tx.waits[1]))
        work += transmit(card);
    work += take_from_wire(card);
    if (card->flow.xoff | card->rx.fifo.frames)
        tell_other_end(card);
    if (card->rx.rsc->used)           /* before the message that tells of it */
        rsc_run(&card->rx);
    intr_run(&card->intr);
    if (card->rx.stopped[0] | card->rx.stopped[1] | card->tx.stopped[0] | card->tx.stopped[1])
        card_tell_stalls(card);
    card->worked = work;
    return (int)work;
}

static uint64_t may_sleep(void *arg)
{
    const struct card *card = arg;
    uint64_t message_ns = intr_wait_ns(&card->intr), tails_ns = tails_wait_ns(&card->tails);
    uint64_t flow_ns = flow_wait_ns(&card->flow), tx_ns = tx_wait_ns(&card->tx);

    if (tails_ns < message_ns)
        message_ns = tails_ns;
    if (tx_ns < message_ns)
        message_ns = tx_ns;
    if (rsc_wait_ns(&card->rx) < message_ns)
        message_ns = rsc_wait_ns(&card->rx);
    if (card->vfs.due_ns != UINT64_MAX) {
        uint64_t now_ns = clock_now(&card->clock), vf_ns = card->vfs.due_ns > now_ns ? card->vfs.due_ns - now_ns : 0;

        if (vf_ns < message_ns)
            message_ns = vf_ns;
    }
    return message_ns < flow_ns ? message_ns : flow_ns;
}

/* The way of a received frame, stage by stage; 0: it is damaged, or not for us, and ends before it is counted as good. */
static int receive(void *arg, struct rx_pass *pass)
{
    struct card *card = arg;

    if (!rx_parse_stage(&card->rx, pass) || !filters_stage(&card->filters, pass))
        return 0;
    stats_stage(&card->pf.regs, pass);
    rx_checksum_stage(&card->rx, pass);
    if (pass->info.status & (RXD_ERR_IPE | RXD_ERR_TCPE))
        bump(&card->pf.regs, R_XEC, 1);
    rss_stage(&card->rss, pass);
    queue_filters_stage(&card->filters, pass);
    if (__builtin_expect(card->timesync.rx_on, 0))
        timesync_stage(&card->timesync, pass);
    fdir_stage(&card->fdir, pass);
    rx_store_stage(&card->rx, pass);
    return 1;
}

/* The same while there are pools, and once more after a register changed that might make some. */
static int receive_pools(void *arg, struct rx_pass *pass)
{
    struct card *card = arg;

    if (card_has_pools(card))
        return rx_parse_stage(&card->rx, pass) && card_receive_pools(card, pass);
    card->rx.pass_on = receive;
    return receive(card, pass);
}

static void pools_changed(void *arg)
{
    struct card *card = arg;

    virt_changed(&card->virt);
    filters_changed(&card->filters);
    rss_changed(&card->rss);
    card->rx.pass_on = receive_pools;
    card->tx.pools = 1;               /* until somebody has looked */
}

/* How many of n frames the port would bring back in the next turn, as it got them, if it had them now.  They need not lie
 * in its slots meanwhile. */
static uint32_t comes_back(struct card *card, uint32_t n)
{
    const struct port *port = card->port;

    if (!port->ops->loops || card->usual.off || card->flow.kept || card->tx.damaged || card->tx.stamps || wire_is_faulty(card) ||
        card->cutter->at != card->cutter->n)
        return 0;
    if (!(reg(&card->pf.regs, R_RXCTRL) & RXCTRL_RXEN) || may_bring(card) < n)
        return 0;
    return port->ops->loops(port, n);
}

/* Frames that the port brings back, straight from where they lie. */
static void loop_back(struct card *card, uint32_t queue, const struct frame *frames, uint32_t n)
{
    struct tally tally;

    count_sent(card, queue, frames, n, &tally);
    port_looped(card->port, n, tally.bytes);
    if (counts_all(card))
        stats_rx_all(&card->pf.regs, n, tally.octets);
    (void)from_wire(card, frames, n);
}

/* What transmit hands out: back to our own receiver when the MAC loops, else to the wire. */
static uint32_t out(void *arg, uint32_t queue, struct frame *frames, uint32_t n)
{
    struct card *card = arg;
    uint64_t stamp = card->tx.stamps ? timesync_now(&card->timesync) : 0;  /* before the far end can have the frame */
    uint32_t sent = 0, kept = 0, local = 0;
    struct tally tally;

    if (__builtin_expect(card->tx.pools, 0))
        n = card_switch(card, queue, frames, n, &local);
    if (reg(&card->pf.regs, R_HLREG0) & HLREG0_LPBK) {
        for (uint32_t i = 0; i < n; i++)
            frames[i].flags |= FRAME_LOOPBACK;
        rx_frames(&card->rx, frames, n);
        sent = n;
    } else if (card->rx.link_up && card->port) {
        if (!card->tx.pools && n && comes_back(card, n) == n) {
            loop_back(card, queue, frames, n);
            return n;
        }
        if (!(card->flow.kept | card->tx.damaged))   /* whoever is at the other end would throw a damaged one away */
            sent = (uint32_t)port_offer(card->port, frames, n);
        if (sent < n && (card->port->full | card->flow.kept) && !card->tx.damaged)
            kept = flow_keep(&card->flow, queue, frames + sent, n - sent);
        card->port->count.tx_dropped += super_count(frames + sent + kept, n - sent - kept, &(uint64_t){ 0 });
    }
    if (card->tx.stamps && sent + kept + local) {
        timesync_sent(&card->timesync, stamp);
        card->tx.stamps = 0;
    }
    if (sent && __builtin_expect(card->tx.pools, 0))
        card_pools_sent(card, queue, frames, sent);
    else if (sent)
        count_sent(card, queue, frames, sent, &tally);
    return sent + kept + local;
}

/* ---- making, resetting ------------------------------------------------------------------------------------------- */

static void reset(void *arg, uint32_t function)
{
    struct card *card = arg;

    if (function != card->pf.index) {
        if (function <= card->vfs.count)
            vf_reset(&card->vfs.vf[function - 1]);
        return;
    }
    tails_reset(&card->tails);
    pools_changed(card);
    intr_reset(&card->intr);
    rx_reset(&card->rx);
    tx_reset(&card->tx);
    fdir_reset(&card->fdir);
    timesync_reset(&card->timesync);
    stats_reset(&card->stats);
    drop_kept(card);
    flow_reset(&card->flow);
    vfs_pf_reset(&card->vfs);
}

int card_make_vfs(struct card *card, uint32_t count)
{
    return vfs_make(&card->vfs, count, card_ops());
}

static const struct chip_ops ops = { .step = card_step, .may_sleep = may_sleep, .listens = listens, .reset = reset };

const struct chip_ops *card_ops(void)
{
    return &ops;
}

/* What a queue's interrupts are: the vectors of the function that owns it. */
static void told(struct card *card, uint32_t queue, int is_tx, int at_once)
{
    struct function *owner = card->owner_of_queue[queue];

    if (owner->index == 0 || owner->index > card->vfs.count) {
        if (is_tx)
            intr_tx(&card->intr, queue);
        else
            (at_once ? intr_rx_at_once : intr_rx)(&card->intr, queue);
    } else {
        vf_intr_queue(&card->vfs.vf[owner->index - 1], queue % card->vfs.queues, is_tx, at_once);
    }
}

static void rx_told(void *card, uint32_t queue)
{
    told(card, queue, 0, 0);
}

static void rx_told_at_once(void *card, uint32_t queue)
{
    told(card, queue, 0, 1);
}

static void tx_told(void *card, uint32_t queue)
{
    told(card, queue, 1, 0);
}

static void own_queue(void *card, uint32_t queue, struct function *function)
{
    card_own_queue(card, queue, function);
}

void card_own_queue(struct card *card, uint32_t queue, struct function *function)
{
    card->owner_of_queue[queue] = function;
    card->rx.queue[queue].dma = &function->dma;
    card->rx.queue[queue].ring = NULL;         /* it was found in other memory */
    card->tx.queue[queue].dma = &function->dma;
}

static void tie_hooks(struct card *card)
{
    struct reg_hook *hook = card->pf.regs.hook;

    hook[HOOK_INTR] = (struct reg_hook){ .read = intr_read, .peek = intr_peek, .write = intr_write, .block = &card->intr,
                                          .quiet = 1 };
    hook[HOOK_RX] = (struct reg_hook){ .write = rx_write, .block = &card->rx, .quiet = 1 };
    hook[HOOK_TX] = (struct reg_hook){ .write = tx_write, .block = &card->tx, .quiet = 1 };
    hook[HOOK_FILTERS] = (struct reg_hook){ .changed = pools_changed, .block = card };
    hook[HOOK_RSS] = hook[HOOK_VIRT] = hook[HOOK_FILTERS];
    hook[HOOK_FDIR] = (struct reg_hook){ .write = fdir_write, .block = &card->fdir };
    hook[HOOK_STATS] = (struct reg_hook){ .read = stats_read, .peek = stats_peek, .block = &card->stats };
    hook[HOOK_TIMESYNC] = (struct reg_hook){ .read = timesync_read, .peek = timesync_peek, .write = timesync_write,
                                                .block = &card->timesync };
    hook[HOOK_VFS] = (struct reg_hook){ .write = vfs_write, .block = &card->vfs };
}

/* Who asks whom: every block gets the registers and no more than what it needs besides. */
static void tie_blocks(struct card *card)
{
    struct regfile *regs = &card->pf.regs;

    card->intr.regs = card->filters.regs = card->rss.regs = card->fdir.regs = card->virt.regs = regs;
    card->rx.regs = card->tx.regs = card->timesync.regs = card->tails.regs = card->stats.regs = card->flow.regs = regs;
    card->flow.clock = card->tx.clock = &card->clock;
    card->filters.control = flow_control;
    card->filters.flow = &card->flow;
    card->intr.irq = &card->pf.irq;
    card->intr.clock = card->timesync.clock = &card->clock;
    card->pf.irq.changed = intr_changed;
    card->pf.irq.chip = &card->intr;
    card->rx.written = rx_told;
    card->rx.at_once = rx_told_at_once;
    card->rx.cause = intr_cause;
    card->rx.coalesce = rsc_put;
    card->rx.batch_ends = rsc_batch_ends;
    card->rx.untold_ns = intr_rx_wait_ns;
    card->rx.rsc->clock = &card->clock;
    card->tx.written = tx_told;
    card->fdir.cause = card->vfs.cause = intr_cause;
    card->rx.intr = card->fdir.intr = card->vfs.intr = &card->intr;
    card->rx.usual = card_receive_usual;
    card->rx.counted = stats_rx_group;
    card->rx.stats = &card->stats;
    card->rx.of_pool = card_pool_stored;
    card->rx.card = card->tx.card = card->vfs.card = card;
    card->vfs.regs = regs;
    card->vfs.clock = &card->clock;
    card->vfs.pf = &card->pf;
    card->vfs.own = own_queue;
    card->vfs.owner_of_queue = card->owner_of_queue;
    card->vfs.due_ns = UINT64_MAX;
    card->tx.out = out;
    card->tx.pool_rule = card_pools_rule;
    for (uint32_t queue = 0; queue < CHIP_QUEUES; queue++)
        card_own_queue(card, queue, &card->pf);
}

void card_free(struct card *card)
{
    if (!card)
        return;
    function_free(&card->pf);
    vfs_free(&card->vfs);
    free(card->tx.arena);
    free(card->rx.fifo.data);
    free(card->rx.rsc);
    free(card->cutter);
    free(card->fdir.filter);
    free(card->flow.slot);
    free(card);
}

struct card *card_new(void)
{
    struct card *card = calloc(1, sizeof(*card));
    int rc;

    if (!card)
        return NULL;
    rc = function_init(&card->pf, 0, CARD_BAR0_BYTES, &card->clock, card, &ops);
    card->tx.arena = calloc(1, TX_ARENA_BYTES);
    card->tx.arena_bytes = TX_ARENA_BYTES;
    card->cutter = calloc(1, sizeof(*card->cutter));
    card->rx.rsc = calloc(1, sizeof(*card->rx.rsc));
    card->rx.fifo.data = calloc(CHIP_CLASSES, RX_FIFO_BYTES);
    card->fdir.filter = calloc(FDIR_FILTERS_MAX, sizeof(*card->fdir.filter));
    card->flow.slot = calloc(FLOW_KEPT_MAX, sizeof(*card->flow.slot));
    if (rc < 0 || !card->flow.slot || !card->rx.rsc || !card->cutter || !card->tx.arena || !card->rx.fifo.data || !card->fdir.filter) {
        card_free(card);
        return NULL;
    }
    rx_reset(&card->rx);
    tie_blocks(card);
    tie_hooks(card);
    card->pf.regs.changes++;          /* nobody has looked yet */
    card->intr.deadline_ns = card->intr.timer_ns = UINT64_MAX;
    pools_changed(card);
    card->fdir.stale = 1;
    return card;
}
