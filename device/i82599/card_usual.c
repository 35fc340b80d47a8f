/* SPDX-License-Identifier: BSD-3-Clause */
/* The usual way of received frames: all stages in one loop, registers looked at when one has changed, counters once a batch.
 *
 * A frame is usual when it is whole, untagged, of a good size and for our own address, and is either no IP or TCP or UDP over
 * IPv4 without options, in one piece, with good sums; its ring is ready, in one piece and has room.  Whatever else comes goes
 * the exact way (card.c, receive()), which alone says what a frame means.  The tests of tests/unit/i82599/test_usual_rx.py
 * send the same frames both ways and compare memory, registers and counters.
 */
#include <stdint.h>
#include <string.h>
#include "desc.h"
#include "regs.h"
#include "machine/bytes.h"
#include "machine/clock.h"
#include "machine/csum.h"
#include "machine/eth.h"
#include "machine/trace.h"
#include "machine/dma.h"
#include "machine/irq.h"
#include "machine/stall.h"
#include "machine/regfile.h"
#include "machine/toeplitz.h"
#include "machine/short.h"
#include "machine/parse.h"
#include "machine/wire/port.h"
#include "machine/faults.h"
#include "machine/function.h"
#include "i82599/chip.h"
#include "i82599/pass.h"
#include "i82599/intr/intr.h"
#include "i82599/filters/filters.h"
#include "i82599/rss/rss.h"
#include "i82599/rss/steps.h"
#include "i82599/fdir/fdir.h"
#include "i82599/rx/rx.h"
#include "i82599/rx/steps.h"
#include "i82599/stats/stats.h"
#include "i82599/stats/tally.h"
#include "i82599/tx/tx.h"
#include "i82599/flow/flow.h"
#include "i82599/time/timesync.h"
#include "i82599/tails/tails.h"
#include "i82599/virt/virt.h"
#include "i82599/vf/vf.h"
#include "i82599/card.h"
#include "i82599/card_ways.h"

#define ADDRESS_MASK 0xFFFFFFFFFFFFull
#define ADDRESSES_BYTES 8             /* both, of IPv4 */
#define L3 ETH_HEADER_BYTES
#define L4 (ETH_HEADER_BYTES + IPV4_HEADER_BYTES)
#define IPV4_PLAIN 0x45               /* version 4, five words of header */
#define IPV4_IN_PIECES 0xFF3F         /* more-fragments flag and offset, as a little-endian host reads the two bytes */

static const uint32_t NOTHING[CHIP_CLASSES];   /* bytes of each class in an empty packet buffer */

_Static_assert(sizeof(struct frame) - __builtin_offsetof(struct frame, segment_bytes) == sizeof(uint64_t), "what it asks for");

/* What a frame is found to be: a plain one has none of it. */
struct found {
    uint32_t queue, type, hash, status;
};

#define EXACT 0                       /* kinds of frames: whatever is not usual, */
#define PLAIN 1                       /* neither IP nor a tag, no length, and not for the MAC, */
#define IPV4 2                        /* perhaps usual */

/* IPv4 TCP and UDP besides: sums and hash go to the descriptor, and the flow director has nothing to say but that it missed. */
static uint32_t ip_ways(struct card *card)
{
    const struct regfile *regs = &card->pf.regs;
    uint32_t fdirctrl = reg(regs, R_FDIRCTRL);

    if (!(reg(regs, R_RXCSUM) & RXCSUM_PCSD))
        return 0;
    if (!(fdirctrl & FDIRCTRL_PBALLOC))
        return USUAL_IP;
    return card->fdir.used || (fdirctrl & FDIRCTRL_REPORT_STATUS_ALWAYS) ? 0 : USUAL_IP | USUAL_FDIR_MISS;
}

void card_usual_look(struct card *card)
{
    struct usual *usual = &card->usual;

    usual->seen = card->pf.regs.changes;
    usual->ways = flow_sends(&card->flow) ? 0 : USUAL_NO_XOFF;
    if (flow_room(&card->flow, NOTHING) == FRAME_BATCH)
        usual->ways |= USUAL_ROOM;
    if (usual->off || card_has_pools(card))
        return;
    filters_look(&card->filters);
    rss_look(&card->rss);
    rx_tags(&card->rx);
    if (!card->filters.rar_count || (card->filters.rar[0] & 1) || card->filters.queue_filters || card->rss.classes ||
        card->timesync.rx_on || card->rx.vet_outer)
        return;
    usual->address = card->filters.rar[0];
    usual->longest_bytes = card->filters.longest_bytes - ETH_FCS_BYTES;
    if (usual->longest_bytes > FRAME_MAX_BYTES)
        usual->longest_bytes = FRAME_MAX_BYTES;
    usual->ways |= USUAL_RX | ip_ways(card);
}

/* L4's checksum, in which the addresses count, too. */
static inline int l4_is_good(uint32_t proto, uint32_t l4_bytes, const uint8_t *data)
{
    uint32_t bytes = ADDRESSES_BYTES + l4_bytes;

    if (bytes <= SHORT_BYTES)
        return short_sum_is_good(__builtin_bswap16((uint16_t)(proto + l4_bytes)) + short_sum(data + L3 + IPV4_SRC, bytes));
    return !csum_fold(csum_add(proto + l4_bytes, data + L3 + IPV4_SRC, bytes));
}

static inline void hash_it(struct card *card, const uint8_t *data, uint32_t tcp, struct found *found)
{
    struct rss *rss = &card->rss;
    const uint8_t *source = data + L3 + IPV4_SRC;

    if (rss->fields & (tcp ? MRQC_RSS_FIELD_IPV4_TCP : MRQC_RSS_FIELD_IPV4_UDP)) {
        found->hash = short_hash(&rss->toeplitz, source, TOEPLITZ_IPV4_BYTES);
        found->type |= tcp ? RXDADV_RSSTYPE_IPV4_TCP : RXDADV_RSSTYPE_IPV4_UDP;
    } else if (rss->fields & MRQC_RSS_FIELD_IPV4) {
        found->hash = short_hash(&rss->toeplitz, source, ADDRESSES_BYTES);
        found->type |= RXDADV_RSSTYPE_IPV4;
    } else {
        return;
    }
    found->queue = rss_queue_of(rss, found->hash);
}

/* TCP or UDP over IPv4, all of it good; 0: it is something else, or not good.  Each byte is looked at once where it matters
 * that it stays as it was: a looped-back frame may change under us. */
static inline int ipv4_is_usual(struct card *card, const struct frame *frame, struct found *found)
{
    const uint8_t *data = frame->data;
    uint32_t total_bytes = be16(data + L3 + IPV4_LENGTH), l4_bytes = total_bytes - IPV4_HEADER_BYTES, proto = data[L3 + IPV4_PROTO];
    uint16_t pieces;

    memcpy(&pieces, data + L3 + IPV4_FRAGMENT, sizeof(pieces));
    if (data[L3] != IPV4_PLAIN || (pieces & IPV4_IN_PIECES) || total_bytes > frame->len_bytes - L3 ||
        !short_sum_is_good(short_sum(data + L3, IPV4_HEADER_BYTES)))
        return 0;
    if (proto == PROTO_TCP) {
        if (total_bytes < IPV4_HEADER_BYTES + TCP_HEADER_BYTES)
            return 0;
        found->status = RXD_STAT_IPCS | RXD_STAT_L4CS;
        found->type = (PACKET_IPV4 | PACKET_TCP) << RXDADV_PKTTYPE_SHIFT;
    } else if (proto == PROTO_UDP) {
        if (total_bytes < IPV4_HEADER_BYTES + UDP_HEADER_BYTES || be16(data + L4 + UDP_LENGTH) != l4_bytes || !be16(data + L4 + UDP_CHECK))
            return 0;
        found->status = RXD_STAT_IPCS | RXD_STAT_L4CS | RXD_STAT_UDPCS;
        found->type = (PACKET_IPV4 | PACKET_UDP) << RXDADV_PKTTYPE_SHIFT;
    } else {
        return 0;
    }
    if (!(frame->flags & FRAME_SUMMED) && !l4_is_good(proto, l4_bytes, data))
        return 0;
    hash_it(card, data, proto == PROTO_TCP, found);
    return 1;
}

static inline uint32_t kind_of_type(const struct card *card, uint32_t ethertype)
{
    if (ethertype == card->rx.vet)
        return EXACT;
    if (ethertype == ETH_TYPE_IPV4)
        return card->usual.ways & USUAL_IP ? IPV4 : EXACT;
    return ethertype >= ETH_TYPE_LEAST && ethertype != ETH_TYPE_IPV6 && ethertype != ETH_TYPE_MAC_CONTROL ? PLAIN : EXACT;
}

/* *plain: the last ethertype that was found plain in this batch, as it lies in the frame; at first none. */
static inline uint32_t kind_of(const struct card *card, const struct frame *frame, uint32_t *plain)
{
    const struct usual *usual = &card->usual;
    uint32_t len_bytes = frame->len_bytes, kind;
    uint64_t address, asks;
    uint16_t type;

    memcpy(&asks, &frame->segment_bytes, sizeof(asks));   /* all that a frame may ask for, as one word */
    if ((frame->flags & ~(uint32_t)(FRAME_LOOPBACK | FRAME_SUMMED)) | asks)
        return EXACT;
    if (len_bytes < ETH_FRAME_MIN_BYTES || len_bytes > usual->longest_bytes)
        return EXACT;
    memcpy(&address, frame->data, sizeof(address));
    if ((address & ADDRESS_MASK) != usual->address)
        return EXACT;
    memcpy(&type, frame->data + ETH_TYPE_OFFSET, sizeof(type));
    if (type == *plain)
        return PLAIN;
    kind = kind_of_type(card, __builtin_bswap16(type));
    if (kind == PLAIN)
        *plain = type;
    return kind;
}

static inline __attribute__((always_inline)) int put(struct rx *rx, const struct frame *frame, const struct found *found)
{
    return rx_ready(rx, found->queue) && rx_put_usual(&rx->queue[found->queue], frame->data, frame->len_bytes,
                                                      found->type | (uint64_t)found->hash << 32, found->status);
}

static __attribute__((noinline)) int put_ipv4(struct card *card, const struct frame *frame)
{
    struct found found = { 0 };

    return ipv4_is_usual(card, frame, &found) && put(&card->rx, frame, &found);
}

uint32_t card_receive_usual(void *arg, const struct frame *frames, uint32_t n)
{
    struct card *card = arg;
    struct rx *rx = &card->rx;
    const struct found nothing = { 0 };
    struct tally tally = { 0 };
    uint32_t i, ip = 0, plain = UINT32_MAX, run_bytes = 0, run = 0;

    if (!(card_ways(card) & USUAL_RX) || rx->fifo.frames || !rx->flows || !rx->link_up)
        return 0;
    for (i = 0; i < n; i++) {
        uint32_t kind = kind_of(card, &frames[i], &plain);

        if (kind == EXACT || !(kind == PLAIN ? put(rx, &frames[i], &nothing) : put_ipv4(card, &frames[i])))
            break;
        ip += kind == IPV4;
        tally_run(&tally, &run_bytes, &run, frames[i].len_bytes);
    }
    tally_size(&tally, run_bytes, run);
    card->usual.frames += i;
    rx->count.rx_frames += i;
    rx->count.rx_bytes += tally.bytes;
    if (i)
        stats_rx_good(&card->pf.regs, &tally);
    if (ip && (card->usual.ways & USUAL_FDIR_MISS))
        bump(&card->pf.regs, R_FDIRMISS, ip);
    return i;
}
