/* SPDX-License-Identifier: BSD-3-Clause */
/* What the receive registers do, and the way of a frame from the wire to a ring: one stage after the other. */
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

/* Packet types of the descriptor are the parser's kinds in place. */
_Static_assert(RXDADV_PKTTYPE_IPV4 == PACKET_IPV4 << RXDADV_PKTTYPE_SHIFT && RXDADV_PKTTYPE_IPV4_EX == PACKET_IPV4_EX << RXDADV_PKTTYPE_SHIFT &&
               RXDADV_PKTTYPE_IPV6 == PACKET_IPV6 << RXDADV_PKTTYPE_SHIFT && RXDADV_PKTTYPE_IPV6_EX == PACKET_IPV6_EX << RXDADV_PKTTYPE_SHIFT &&
               RXDADV_PKTTYPE_TCP == PACKET_TCP << RXDADV_PKTTYPE_SHIFT && RXDADV_PKTTYPE_UDP == PACKET_UDP << RXDADV_PKTTYPE_SHIFT &&
               RXDADV_PKTTYPE_SCTP == PACKET_SCTP << RXDADV_PKTTYPE_SHIFT, "kinds are packet types");

/* ---- registers -------------------------------------------------------------------------------------------------- */

void rx_reset(struct rx *rx)
{
    for (uint32_t i = 0; i < CHIP_QUEUES; i++)
        rx->queue[i] = (struct rxq){ .dma = rx->queue[i].dma };
    memset(rx->open, 0, sizeof(rx->open));
    rx->fifo.head = rx->fifo.tail = rx->fifo.used_bytes = rx->fifo.frames = 0;
}

/* The enable bit is the guest's to set and ours to act on at once: nothing of a queue is in flight between batches. */
static void queue_enable(struct rx *rx, uint32_t queue, int on)
{
    struct rxq *q = &rx->queue[queue];

    if (on == (int)q->on)
        return;
    q->on = (uint32_t)on;
    q->stall = STALL_NONE;
    if (!on)
        return;
    q->head = reg(rx->regs, R_RDH(queue)) & RDH_RDH;
    /* A tail written before the queue was on is not honoured.  With shared doorbells the order cannot be seen. */
    q->tail = rx->regs->shared ? reg(rx->regs, R_RDT(queue)) & RDT_RDT : q->head;
}

static void tail_written(struct rx *rx, uint32_t queue, uint32_t tail)
{
    struct rxq *q = &rx->queue[queue];

    if (!rx->regs->shared)            /* shared doorbells are counted in tails.c, look() */
        rx->count.doorbells++;
    if (!q->on)
        return;
    q->tail = tail;
    if (rx_flows(rx) && !q->dma->off) {              /* a ring that cannot work is told about now, not at the first frame */
        rx_ring_open(rx, queue);
        rx_ring_close(rx);
    }
}

void rx_write(void *arg, uint32_t offset, uint32_t old, uint32_t seen, uint32_t written)
{
    struct rx *rx = arg;

    (void)old;
    (void)written;
    if (offset == R_RXCTRL) {
        if (!(seen & RXCTRL_RXEN))
            rx_fifo_clear(rx);
    } else if (IS_RDT(offset)) {
        tail_written(rx, N_RDT(offset), seen & RDT_RDT);
    } else if (IS_RXDCTL(offset)) {
        queue_enable(rx, N_RXDCTL(offset), (seen & RXDCTL_ENABLE) != 0);
    } else if (IS_RDH(offset)) {
        rx->queue[N_RDH(offset)].head = seen & RDH_RDH;
    }
}

/* ---- stages ----------------------------------------------------------------------------------------------------- */

/* EXVET holds it; 0 there (its reset value) leaves 802.1ad's own. */
static uint32_t outer_ethertype(const struct rx *rx)
{
    uint32_t ext = field(reg(rx->regs, R_EXVET), EXVET_VET_EXT);

    return ext ? ext : ETH_TYPE_VLAN_OUTER;
}

/* What the frame is; a damaged one ends here unless software asked for those. */
int rx_parse_stage(void *arg, struct rx_pass *pass)
{
    struct rx *rx = arg;
    const struct frame *frame = pass->frame;
    int double_vlan = (reg(rx->regs, R_CTRL_EXT) & CTRL_EXT_EXTENDED_VLAN) != 0;

    parse_tagged(frame->data, frame->len_bytes, field(reg(rx->regs, R_VLNCTRL), VLNCTRL_VET),
                 double_vlan ? outer_ethertype(rx) : 0, &pass->packet);
    pass->info.type = pass->packet.kind << RXDADV_PKTTYPE_SHIFT;
    if (pass->packet.has_vlan) {
        pass->info.vlan_tci = pass->packet.vlan_tci;
        pass->info.vlan_offset = (uint16_t)(ETH_TYPE_OFFSET + (double_vlan ? ETH_TAG_BYTES : 0));
    }
    if (frame->flags & FRAME_BAD_CRC) {
        bump(rx->regs, R_CRCERRS, 1);
        if (!(reg(rx->regs, R_FCTRL) & FCTRL_SBP))
            return RX_FILTERED;
        pass->info.status = RXD_ERR_CE;
    }
    return RX_NEXT;
}

/* To its ring, or into the packet buffer behind what waits there already. */
int rx_store_stage(void *arg, struct rx_pass *pass)
{
    struct rx *rx = arg;

    pass->info.queue %= CHIP_QUEUES;
    if (!rx->fifo.frames && rx_flows(rx) && rx_ring_put(rx, &pass->info, pass->frame->data))
        return RX_TAKEN;
    if (!rx_fifo_push(rx, &pass->info, pass->frame->data)) {
        bump(rx->regs, R_MPC(0), 1);
        rx->count.rx_fifo_full++;
        rx->cause(rx->intr, EICR_RX_MISS);
    }
    return RX_TAKEN;
}

/* One frame from the wire; data has at least ETH_FRAME_MIN_BYTES unless it is not even an Ethernet header. */
static void receive(struct rx *rx, const struct frame *frame)
{
    struct rx_pass pass;
    int rc = RX_NEXT;

    pass.frame = frame;
    pass.info = (struct rx_info){ .len_bytes = frame->len_bytes, .flags = frame->flags };
    pass.steered = 0;
    for (const struct rx_stage *stage = rx->stage; stage->run && rc == RX_NEXT; stage++)
        rc = stage->run(stage->block, &pass);
    if (rc == RX_FILTERED)
        rx->count.rx_filtered++;
}

int rx_frames(struct rx *rx, const struct frame *frames, uint32_t n)
{
    uint8_t padded[ETH_FRAME_MIN_BYTES];

    if (rx->fifo.frames && rx_flows(rx))
        rx_fifo_run(rx);              /* older frames first */
    for (uint32_t i = 0; i < n; i++) {
        struct frame frame = frames[i];

        if (!(reg(rx->regs, R_RXCTRL) & RXCTRL_RXEN) || !(rx->link_up || (frame.flags & FRAME_LOOPBACK))) {
            rx->count.rx_disabled++;
            continue;
        }
        if (frame.len_bytes > FRAME_MAX_BYTES) {
            bump(rx->regs, R_ROC, 1);
            rx->count.rx_filtered++;
            continue;
        }
        if (frame.len_bytes < ETH_FRAME_MIN_BYTES && frame.len_bytes >= ETH_HEADER_BYTES) {
            /* Kernels hand over short frames without the padding that the sender's MAC puts on the wire. */
            memcpy(padded, frame.data, frame.len_bytes);
            memset(padded + frame.len_bytes, 0, sizeof(padded) - frame.len_bytes);
            frame.data = padded;
            frame.len_bytes = sizeof(padded);
        }
        receive(rx, &frame);
    }
    rx_ring_close(rx);
    return (int)n;
}

int rx_drain(struct rx *rx)
{
    int moved;

    if (!rx->fifo.frames || !rx_flows(rx))
        return 0;
    moved = rx_fifo_run(rx);
    rx_ring_close(rx);
    return moved;
}
