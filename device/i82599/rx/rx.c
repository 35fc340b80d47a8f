/* SPDX-License-Identifier: BSD-3-Clause */
/* Receive: what the queue registers do, and which queue a frame goes to.
 *
 * Order of decisions: link and RXEN, size and filters, EtherType filter, flow director, RSS.
 */
#include <stdint.h>
#include <string.h>
#include "desc.h"
#include "regs.h"
#include "core.h"

#define FCS_BYTES 4
#define FRAME_MIN_BYTES 60            /* without FCS: shorter frames do not exist on a wire */
#define TAG_OFFSET 12
#define TAG_BYTES 4
#define TYPE_VLAN_OUTER 0x88A8

static inline uint32_t word(const struct nic *nic, uint32_t offset)
{
    return nic->word[offset / 4];
}

static inline void stat(struct nic *nic, uint32_t offset)
{
    uint32_t *at = &nic->word[offset / 4];

    if (*at != UINT32_MAX)            /* the chip's counters stay at their highest value */
        ++*at;
}

/* ---- registers -------------------------------------------------------------------------------------------------- */

void rx_reset(struct nic *nic)
{
    memset(nic->rxq, 0, sizeof(nic->rxq));
    memset(nic->rx_open, 0, sizeof(nic->rx_open));
    nic->fifo_head = nic->fifo_tail = nic->fifo_used_bytes = nic->fifo_frames = 0;
    nic->filters_stale = 1;
    nic->rss_stale = 1;
}

/* The enable bit is the guest's to set and ours to act on at once: nothing of a queue is in flight between batches. */
static void queue_enable(struct nic *nic, uint32_t queue, int on)
{
    struct rxq *q = &nic->rxq[queue];

    if (on == (int)q->on)
        return;
    q->on = (uint32_t)on;
    q->fault = FAULT_NONE;
    if (!on)
        return;
    q->head = word(nic, R_RDH(queue)) & RDH_RDH;
    /* A tail written before the queue was on is not honoured.  With shared doorbells the order cannot be seen. */
    q->tail = nic->shared_doorbells ? word(nic, R_RDT(queue)) & RDT_RDT : q->head;
}

void rx_write(struct nic *nic, uint32_t offset, uint32_t old, uint32_t value)
{
    uint32_t queue;

    (void)old;
    if (offset == R_RXCTRL) {
        if (!(value & RXCTRL_RXEN))
            rx_fifo_clear(nic);
        return;
    }
    if (IS_RDT(offset)) {
        queue = N_RDT(offset);
        if (!nic->shared_doorbells)   /* those are counted where they are found */
            nic->count.doorbells++;
        if (!nic->rxq[queue].on)
            return;
        nic->rxq[queue].tail = value & RDT_RDT;
        if (rx_flows(nic)) {             /* a ring that cannot work is told about now, not at the first frame */
            rx_ring_open(nic, queue);
            rx_ring_close(nic);
        }
    } else if (IS_RXDCTL(offset)) {
        queue_enable(nic, N_RXDCTL(offset), (value & RXDCTL_ENABLE) != 0);
    } else if (IS_RDH(offset)) {
        nic->rxq[N_RDH(offset)].head = value & RDH_RDH;
    }
}

/* ---- frames ----------------------------------------------------------------------------------------------------- */

/* EtherType filters are for what is not IP (LLDP, FCoE, time sync): index of the one that matches, or -1. */
static int etqf_match(const struct nic *nic, const struct packet *pkt)
{
    if (pkt->ip_version)
        return -1;
    for (uint32_t i = 0; i < ETQF_COUNT; i++) {
        uint32_t etqf = word(nic, R_ETQF(i));

        if ((etqf & ETQF_FILTER_EN) && (etqf & ETQF_ETYPE) == pkt->ethertype)
            return (int)i;
    }
    return -1;
}

/* Queue, hash and type of a frame that passed the filters. */
static void steer(struct nic *nic, const uint8_t *data, uint32_t len_bytes, const struct packet *pkt,
                  struct rx_info *info)
{
    uint32_t rss_type = 0, fdirctrl = word(nic, R_FDIRCTRL);
    struct fdir_filter filter;
    int pcsd = (word(nic, R_RXCSUM) & RXCSUM_PCSD) != 0, etqf = etqf_match(nic, pkt);

    info->type = pkt->type;
    info->queue = 0;
    info->hash = rss_hash(nic, data, pkt, &rss_type);
    if (rss_type)
        info->queue = rss_queue(nic, info->hash);
    if (pcsd)
        info->type |= rss_type;
    else
        info->hash = rx_fragment_word(data, len_bytes, pkt);
    if (etqf >= 0) {
        uint32_t etqs = word(nic, R_ETQS((uint32_t)etqf));

        info->type = RXDETQF_MATCH | (uint32_t)etqf << RXDETQF_INDEX_SHIFT;
        if (etqs & ETQS_QUEUE_EN) {
            info->queue = (etqs & ETQS_RX_QUEUE) >> ETQS_RX_QUEUE_SHIFT;
            return;
        }
    }
    if (!(fdirctrl & FDIRCTRL_PBALLOC) || !fdir_match(nic, data, pkt, &filter))
        return;
    info->status |= RXD_STAT_FLM;
    if (filter.cmd & FDIRCMD_DROP)    /* software leaves that queue off, so what goes there is gone */
        info->queue = (fdirctrl & FDIRCTRL_DROP_Q) >> FDIRCTRL_DROP_Q_SHIFT;
    else if (filter.cmd & FDIRCMD_QUEUE_EN)
        info->queue = (filter.cmd & FDIRCMD_RX_QUEUE) >> FDIRCMD_RX_QUEUE_SHIFT;
    if (pcsd && (fdirctrl & (FDIRCTRL_REPORT_STATUS | FDIRCTRL_REPORT_STATUS_ALWAYS))) {
        info->type = pkt->type;
        info->hash = filter.hash << 16 | filter.hash >> 16;   /* bucket high, software's number low */
    }
}

/* EXVET holds it; 0 there (its reset value) leaves 802.1ad's own. */
static uint32_t outer_ethertype(const struct nic *nic)
{
    uint32_t ext = (word(nic, R_EXVET) & EXVET_VET_EXT) >> EXVET_VET_EXT_SHIFT;

    return ext ? ext : TYPE_VLAN_OUTER;
}

/* One frame from the wire; data has at least FRAME_MIN_BYTES unless it is not even an Ethernet header. */
static void receive(struct nic *nic, const struct frame *frame)
{
    const uint8_t *data = frame->data;
    int double_vlan = (word(nic, R_CTRL_EXT) & CTRL_EXT_EXTENDED_VLAN) != 0;
    struct rx_info info = { .len_bytes = frame->len_bytes, .flags = frame->flags };
    struct packet pkt;

    parse_tagged(data, frame->len_bytes, (word(nic, R_VLNCTRL) & VLNCTRL_VET) >> VLNCTRL_VET_SHIFT,
                 double_vlan ? outer_ethertype(nic) : 0, &pkt);
    if (frame->flags & FRAME_BAD_CRC) {
        stat(nic, R_CRCERRS);
        if (!(word(nic, R_FCTRL) & FCTRL_SBP)) {
            nic->count.rx_filtered++;
            return;
        }
        info.status = RXD_ERR_CE;
    }
    if (!rx_filter(nic, data, frame->len_bytes, &pkt)) {
        nic->count.rx_filtered++;
        return;
    }
    if (word(nic, R_FCTRL) & FCTRL_SBP)
        info.status |= rx_size_errors(nic, frame->len_bytes, &pkt);
    if (!info.status) {
        stats_rx(nic, frame);
        info.status = rx_checksum_status(data, frame->len_bytes, &pkt);
    }
    if (pkt.has_vlan) {
        info.vlan_tci = pkt.vlan_tci;
        info.vlan_offset = (uint16_t)(TAG_OFFSET + (double_vlan ? TAG_BYTES : 0));
    }
    steer(nic, data, frame->len_bytes, &pkt, &info);
    info.queue %= NIC_QUEUES;
    if (!nic->fifo_frames && rx_flows(nic) && rx_ring_put(nic, &info, data))
        return;
    if (!rx_fifo_push(nic, &info, data)) {
        stat(nic, R_MPC(0));
        nic->count.rx_fifo_full++;
        intr_cause(nic, EICR_RX_MISS);
    }
}

int rx_frames(struct nic *nic, const struct frame *frames, uint32_t n)
{
    uint8_t padded[FRAME_MIN_BYTES];

    if (nic->fifo_frames && rx_flows(nic))
        rx_fifo_run(nic);                /* older frames first */
    for (uint32_t i = 0; i < n; i++) {
        struct frame frame = frames[i];

        if (!(word(nic, R_RXCTRL) & RXCTRL_RXEN) || !(nic->link_up || (frame.flags & FRAME_LOOPBACK))) {
            nic->count.rx_disabled++;
            continue;
        }
        if (frame.len_bytes > NIC_FRAME_MAX) {
            stat(nic, R_ROC);
            nic->count.rx_filtered++;
            continue;
        }
        if (frame.len_bytes < FRAME_MIN_BYTES && frame.len_bytes >= TAG_OFFSET + 2) {
            /* Kernels hand over short frames without the padding that the sender's MAC puts on the wire. */
            memcpy(padded, frame.data, frame.len_bytes);
            memset(padded + frame.len_bytes, 0, sizeof(padded) - frame.len_bytes);
            frame.data = padded;
            frame.len_bytes = sizeof(padded);
        }
        receive(nic, &frame);
    }
    rx_ring_close(nic);
    return (int)n;
}
