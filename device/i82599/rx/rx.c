/* SPDX-License-Identifier: BSD-3-Clause */
/* What the receive registers do, and the first and the last stage of a frame's way from the wire to a ring. */
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
#include "i82599/rx/rx.h"
#include "i82599/rx/rsc.h"

/* Packet types of the descriptor are the parser's kinds in place. */
_Static_assert(RXDADV_PKTTYPE_IPV4 == PACKET_IPV4 << RXDADV_PKTTYPE_SHIFT && RXDADV_PKTTYPE_IPV4_EX == PACKET_IPV4_EX << RXDADV_PKTTYPE_SHIFT &&
               RXDADV_PKTTYPE_IPV6 == PACKET_IPV6 << RXDADV_PKTTYPE_SHIFT && RXDADV_PKTTYPE_IPV6_EX == PACKET_IPV6_EX << RXDADV_PKTTYPE_SHIFT &&
               RXDADV_PKTTYPE_TCP == PACKET_TCP << RXDADV_PKTTYPE_SHIFT && RXDADV_PKTTYPE_UDP == PACKET_UDP << RXDADV_PKTTYPE_SHIFT &&
               RXDADV_PKTTYPE_SCTP == PACKET_SCTP << RXDADV_PKTTYPE_SHIFT, "kinds are packet types");

/* ---- registers -------------------------------------------------------------------------------------------------- */

void rx_reset(struct rx *rx)
{
    if (rx->frozen_felt)
        memset(rx->frozen, 0, sizeof(rx->frozen));
    rx->frozen_felt = 0;
    for (uint32_t i = 0; i < CHIP_QUEUES; i++)
        rx->queue[i] = (struct rxq){ .dma = rx->queue[i].dma };
    rsc_reset(rx->rsc);
    memset(rx->open, 0, sizeof(rx->open));
    memset(rx->early, 0, sizeof(rx->early));
    rx_fifo_reset(rx);
}

/* The enable bit is the guest's to set and ours to act on at once: nothing of a queue is in flight between batches. */
static void queue_enable(struct rx *rx, uint32_t queue, int on)
{
    struct rxq *q = &rx->queue[queue];

    if (on == (int)q->on)
        return;
    if (!on && rx->rsc->used)
        rsc_queue_ends(rx, queue);
    q->on = (uint32_t)on;
    q->stall = STALL_NONE;
    if (!on)
        return;
    q->head = reg(rx->regs, R_RDH(queue)) & RDH_RDH;
    /* A tail written before the queue was on is not honoured.  With shared doorbells the order cannot be seen. */
    q->tail = rx->regs->shared ? reg(rx->regs, R_RDT(queue)) & RDT_RDT : q->head;
}

/* Whether frames may go to memory now.  A security engine on pause lets them wait (so does a function that may not master
 * the bus, ring.c); nothing is lost as long as the buffer holds them. */
static int flows(const struct rx *rx)
{
    return (reg(rx->regs, R_RXCTRL) & RXCTRL_RXEN) && !(reg(rx->regs, R_SECRXCTRL) & SECRXCTRL_RX_DIS);
}

/* A tail of a queue that is off.  With shared doorbells nobody knows what came first. */
static __attribute__((noinline)) void tail_early(struct rx *rx, uint32_t queue, uint32_t tail)
{
    uint64_t bit = 1ull << queue % 64;

    rx->early[queue / 64] &= ~bit;
    if (!rx->regs->shared && tail != (reg(rx->regs, R_RDH(queue)) & RDH_RDH))
        rx->early[queue / 64] |= bit;
}

static void tail_written(struct rx *rx, uint32_t queue, uint32_t tail)
{
    struct rxq *q = &rx->queue[queue];

    rx->count.doorbells++;
    if (!q->on) {
        tail_early(rx, queue, tail);
        return;
    }
    q->tail = tail;
    if (flows(rx) && !q->dma->off) {              /* a ring that cannot work is told about now, not at the first frame */
        rx_ring_open(rx, queue);
        rx_ring_close(rx);
    }
}

/* One entry of the table behind PFQDE: written, or shown to the next read. */
static void qde_access(struct rx *rx, uint32_t written)
{
    uint32_t queue = field(written, PFQDE_IDX);

    if (written & PFQDE_WE)
        rx->queue[queue].qde = written & (PFQDE_QDE | PFQDE_HIDE_VLAN);
    rx->queue[queue].strips = rx->queue[queue].qde & PFQDE_HIDE_VLAN ? (uint32_t)RXDCTL_VME : 0;
    if (written & (PFQDE_WE | PFQDE_RE))
        reg_set(rx->regs, R_PFQDE, (written & PFQDE_IDX) | rx->queue[queue].qde);
}

void rx_write(void *arg, uint32_t offset, uint32_t old, uint32_t seen, uint32_t written)
{
    struct rx *rx = arg;

    (void)old;
    if (IS_RDT(offset)) {
        tail_written(rx, N_RDT(offset), seen & RDT_RDT);
        return;
    }
    rx->regs->changes++;
    if (offset == R_RXCTRL) {
        if (!(seen & RXCTRL_RXEN))
            rx_fifo_clear(rx);
    } else if (IS_RXDCTL(offset)) {
        queue_enable(rx, N_RXDCTL(offset), (seen & RXDCTL_ENABLE) != 0);
    } else if (IS_RDH(offset)) {
        rx->queue[N_RDH(offset)].head = seen & RDH_RDH;
        rsc_forget(rx, N_RDH(offset));
    } else if (offset == R_PFQDE) {
        qde_access(rx, written);
    }
}

/* ---- stages ----------------------------------------------------------------------------------------------------- */

/* What this batch's tags look like; vet_outer 0: there are no outer ones.  EXVET 0, its reset value, leaves 802.1ad's. */
void rx_tags(struct rx *rx)
{
    rx->vet = field(reg(rx->regs, R_VLNCTRL), VLNCTRL_VET);
    rx->vet_outer = 0;
    if (reg(rx->regs, R_CTRL_EXT) & CTRL_EXT_EXTENDED_VLAN) {
        uint32_t ext = field(reg(rx->regs, R_EXVET), EXVET_VET_EXT);

        rx->vet_outer = ext ? ext : ETH_TYPE_VLAN_OUTER;
    }
}

/* One counter for each damaged frame: a fragment, a jabber, or one of a size that could be. */
static __attribute__((noinline)) void count_damaged(struct rx *rx, uint32_t len_bytes)
{
    uint32_t hlreg0 = reg(rx->regs, R_HLREG0), longest = ETH_FRAME_MAX_BYTES;

    if (hlreg0 & HLREG0_JUMBOEN)
        longest = field(reg(rx->regs, R_MAXFRS), MAXFRS_MFS);
    if (len_bytes < ETH_FRAME_MIN_BYTES)
        bump(rx->regs, R_RFC, 1);
    else
        bump(rx->regs, len_bytes + ETH_FCS_BYTES > longest + 2 * ETH_TAG_BYTES ? R_RJC : R_CRCERRS, 1);
}

/* Whether a frame's length field, where others have a type, says what is there; less than fits into the shortest frame
 * is padded.  Ref: HLREG0.RXLNGTHERREN; IEEE 802.3 clause 3.2.6. */
static __attribute__((noinline)) int length_agrees(const struct rx *rx, const struct rx_pass *pass)
{
    uint32_t header_bytes = ETH_HEADER_BYTES, len_bytes = pass->frame->len_bytes;

    if (pass->info.vlan_offset)
        header_bytes = pass->info.vlan_offset + ETH_TAG_BYTES + ETH_HEADER_BYTES - ETH_TYPE_OFFSET;
    else if (pass->packet.has_outer_vlan)
        header_bytes += ETH_TAG_BYTES;
    if (pass->frame->flags & FRAME_SWITCHED)          /* no MAC has seen it */
        return 1;
    if (!(reg(rx->regs, R_HLREG0) & HLREG0_RXLNGTHERREN) || len_bytes < ETH_FRAME_MIN_BYTES)
        return 1;
    if (header_bytes + pass->packet.ethertype == len_bytes)
        return 1;
    return header_bytes + pass->packet.ethertype < len_bytes && len_bytes <= ETH_FRAME_MIN_BYTES + header_bytes - ETH_HEADER_BYTES;
}

int rx_parse_stage(struct rx *rx, struct rx_pass *pass)
{
    const struct frame *frame = pass->frame;

    parse_tagged(frame->data, frame->len_bytes, rx->vet, rx->vet_outer, &pass->packet);
    pass->info.type = pass->packet.kind << RXDADV_PKTTYPE_SHIFT;
    if (pass->packet.has_vlan) {
        pass->info.vlan_tci = pass->packet.vlan_tci;
        pass->info.vlan_offset = (uint16_t)(ETH_TYPE_OFFSET + (rx->vet_outer ? ETH_TAG_BYTES : 0));
    }
    if (pass->packet.has_outer_vlan)
        pass->info.status = RXD_STAT_VEXT;
    if (frame->flags & FRAME_BAD_CRC) {
        count_damaged(rx, frame->len_bytes);
        if (!(reg(rx->regs, R_FCTRL) & FCTRL_SBP))
            return 0;
        pass->info.status |= RXD_ERR_RXE;
    } else if (pass->packet.ethertype < ETH_TYPE_LEAST && !length_agrees(rx, pass)) {
        bump(rx->regs, R_RLEC, 1);
        if (!(reg(rx->regs, R_FCTRL) & FCTRL_SBP))
            return 0;
        pass->info.status |= RXD_ERR_RXE;
    }
    return 1;
}

void rx_store_stage(struct rx *rx, struct rx_pass *pass)
{
    pass->info.queue %= CHIP_QUEUES;
    if (!rx->fifo.part[pass->info.tc].frames && rx->flows && rx_ring_put(rx, &pass->info, pass->frame->data))
        return;
    if (!rx_fifo_push(rx, &pass->info, pass->frame->data)) {
        bump(rx->regs, R_MPC(pass->info.tc), 1);
        rx->count.rx_fifo_full++;
        rx->cause(rx->intr, EICR_RX_MISS);
    }
}

void rx_store_copy(struct rx *rx, struct rx_pass *pass)
{
    uint64_t before = rx->count.rx_frames;

    rx_store_stage(rx, pass);
    if (rx->count.rx_frames != before)
        rx->of_pool(rx->card, &pass->info, pass->frame->data);
}

/* One frame from the wire; data has at least ETH_FRAME_MIN_BYTES unless it is not even an Ethernet header. */
static inline void receive(struct rx *rx, const struct frame *frame)
{
    struct rx_pass pass;

    pass.frame = frame;
    pass.info = (struct rx_info){ .len_bytes = frame->len_bytes, .flags = frame->flags };
    pass.steered = 0;
    if (!rx->pass_on(rx->card, &pass))
        rx->count.rx_filtered++;
}

/* Kernels hand over short frames without the padding that the sender's MAC puts on the wire. */
static __attribute__((noinline)) void receive_padded(struct rx *rx, const struct frame *frame)
{
    uint8_t padded[ETH_FRAME_MIN_BYTES];
    struct frame whole = *frame;

    memcpy(padded, frame->data, frame->len_bytes);
    memset(padded + frame->len_bytes, 0, sizeof(padded) - frame->len_bytes);
    whole.data = padded;
    whole.len_bytes = sizeof(padded);
    receive(rx, &whole);
}

int rx_frames(struct rx *rx, const struct frame *frames, uint32_t n)
{
    int enabled = (reg(rx->regs, R_RXCTRL) & RXCTRL_RXEN) != 0, moved = 0;

    rx->flows = flows(rx);
    rx_tags(rx);
    if (rx->fifo.frames && rx->flows)
        moved = rx_fifo_run(rx);      /* older frames first */
    for (uint32_t i = 0; i < n; i++) {
        const struct frame *frame;

        if (enabled)
            i += rx->usual(rx->card, &frames[i], n - i);
        if (i == n)
            break;
        frame = &frames[i];
        if (!enabled || !(rx->link_up || (frame->flags & FRAME_LOOPBACK))) {
            rx->count.rx_disabled++;
        } else if (frame->len_bytes > FRAME_MAX_BYTES) {
            bump(rx->regs, frame->flags & FRAME_BAD_CRC ? R_RJC : R_ROC, 1);
            rx->count.rx_filtered++;
        } else if (frame->len_bytes < ETH_FRAME_MIN_BYTES && frame->len_bytes >= ETH_HEADER_BYTES && !(frame->flags & FRAME_EXACT)) {
            receive_padded(rx, frame);
        } else {
            receive(rx, frame);
        }
    }
    rx_ring_close(rx);
    return moved;
}
