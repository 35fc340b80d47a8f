/* SPDX-License-Identifier: BSD-3-Clause */
/* A packet to be segmented that leaves as one super-frame: the other end cuts it, or takes it as it is.
 *
 * Only what the other end would cut as tso.c does: plain headers, the pseudo-header's sum where the checksum goes, the
 * usual flags, and nothing that looks at single frames on their way.
 */
#include <stdint.h>
#include <string.h>
#include "desc.h"
#include "regs.h"
#include "machine/bytes.h"
#include "machine/csum.h"
#include "machine/eth.h"
#include "machine/dma.h"
#include "machine/stall.h"
#include "machine/regfile.h"
#include "machine/parse.h"
#include "machine/wire/port.h"
#include "machine/super.h"
#include "i82599/chip.h"
#include "i82599/pass.h"
#include "i82599/tx/tx.h"

#define PIECES_MOST 128               /* more are cut here: nobody else should have such work from one write */
#define IPV4_NOT_WHOLE 0xBFFF         /* of the fragment field: anything but "do not fragment" */
#define FLAGS_ODD 0xF26               /* SYN, RST, URG, and those that TCP has added since: who knows who cuts them how */
#define FLAGS_FIRST 0xFF6             /* what DTXTCPFLG* say after reset */
#define FLAGS_MIDDLE 0xF76
#define FLAGS_LAST 0xF7F

static uint32_t kind_of(const struct tx_packet *pkt)
{
    if (pkt->l4t == TXCTX1_L4T_UDP)
        return FRAME_UDP;
    return pkt->ipv4 ? FRAME_TCP4 : FRAME_TCP6;
}

/* The IP header is what the context says, and ends where the L4 header begins. */
static int ip_is_plain(const uint8_t *ip, const struct tx_packet *pkt, uint32_t proto)
{
    if (!pkt->ipv4)
        return pkt->ip_len == IPV6_HEADER_BYTES && ip[0] / 16 == 6 && ip[IPV6_NEXT] == proto;
    return pkt->ixsm && ip[0] / 16 == 4 && ip[0] % 16u * 4 == pkt->ip_len && ip[IPV4_PROTO] == proto &&
           !(be16(ip + IPV4_FRAGMENT) & IPV4_NOT_WHOLE) && !be16(ip + IPV4_CHECK);
}

static int l4_is_plain(const struct regfile *regs, const uint8_t *l4, const struct tx_packet *pkt)
{
    if (pkt->l4t == TXCTX1_L4T_UDP)
        return pkt->l4_len == UDP_HEADER_BYTES;
    return l4[TCP_FLAGS] / 16u * 4 == pkt->l4_len && !(be16(l4 + TCP_FLAGS) & FLAGS_ODD) &&
           field(reg(regs, R_DTXTCPFLGL), DTXTCPFLGL_FIRST) == FLAGS_FIRST &&
           field(reg(regs, R_DTXTCPFLGL), DTXTCPFLGL_MIDDLE) == FLAGS_MIDDLE &&
           field(reg(regs, R_DTXTCPFLGH), DTXTCPFLGH_LAST) == FLAGS_LAST;
}

/* The sum of the pseudo-header without its length, as it has to be in the checksum field. */
static uint16_t pseudo_sum(const uint8_t *ip, const struct tx_packet *pkt, uint32_t proto)
{
    uint32_t sum = pkt->ipv4 ? csum_add(proto, ip + IPV4_SRC, 8) : csum_add(proto, ip + IPV6_SRC, 32);

    return (uint16_t)~csum_fold(sum);
}

int super_fits(const struct tx_turn *turn, const struct tx_packet *pkt, const uint8_t *header)
{
    static const uint32_t cap_of[] = { [FRAME_TCP4] = PORT_TCP4, [FRAME_TCP6] = PORT_TCP6, [FRAME_UDP] = PORT_UDP };
    uint32_t proto = pkt->l4t == TXCTX1_L4T_UDP ? PROTO_UDP : PROTO_TCP, header_bytes = pkt->mac_len + pkt->ip_len + pkt->l4_len;
    const uint8_t *ip = header + pkt->mac_len, *l4 = ip + pkt->ip_len;

    if (turn->pools || turn->metered || pkt->stamp || !(turn->tx->supers & cap_of[kind_of(pkt)]))
        return 0;
    if (pkt->mac_len != ETH_HEADER_BYTES || be16(header + ETH_TYPE_OFFSET) != (pkt->ipv4 ? ETH_TYPE_IPV4 : ETH_TYPE_IPV6))
        return 0;
    if (pkt->payload_bytes <= pkt->mss || pkt->payload_bytes > pkt->mss * PIECES_MOST || !pkt->txsm)
        return 0;
    if (header_bytes - pkt->mac_len + pkt->payload_bytes > UINT16_MAX || header_bytes + pkt->payload_bytes < ETH_FRAME_MIN_BYTES)
        return 0;
    return ip_is_plain(ip, pkt, proto) && l4_is_plain(turn->tx->regs, l4, pkt) &&
           be16(l4 + (proto == PROTO_UDP ? UDP_CHECK : TCP_CHECK)) == pseudo_sum(ip, pkt, proto);
}

static void fix(uint8_t *data, const struct tx_packet *pkt)
{
    uint8_t *ip = data + pkt->mac_len, *l4 = ip + pkt->ip_len;
    uint32_t l4_bytes = pkt->l4_len + pkt->payload_bytes, at = pkt->l4t == TXCTX1_L4T_UDP ? UDP_CHECK : TCP_CHECK;

    if (pkt->ipv4) {
        put_be16(ip + IPV4_LENGTH, pkt->ip_len + l4_bytes);
        put_be16(ip + IPV4_CHECK, csum_fold(csum_add(0, ip, pkt->ip_len)));
    } else {
        put_be16(ip + IPV6_LENGTH, l4_bytes);
    }
    if (pkt->l4t == TXCTX1_L4T_UDP)
        put_be16(l4 + UDP_LENGTH, l4_bytes);
    put_be16(l4 + at, (uint16_t)~csum_fold((uint32_t)be16(l4 + at) + l4_bytes));
}

int super_send(struct tx_turn *turn, const struct tx_packet *pkt, const uint8_t *header, struct tx_cursor *cursor)
{
    uint32_t header_bytes = pkt->mac_len + pkt->ip_len + pkt->l4_len, len_bytes = header_bytes + pkt->payload_bytes;
    uint8_t *data = tx_slot(turn, ETH_TAG_BYTES + len_bytes);
    struct frame *frame;
    int rc;

    if (!data)
        return STALL_TSO;
    data += ETH_TAG_BYTES;
    memcpy(data, header, header_bytes);
    rc = tx_read(turn, cursor, data + header_bytes, pkt->payload_bytes);
    if (rc)
        return rc;
    fix(data, pkt);
    tx_emit_built(turn, pkt, data, len_bytes);
    frame = &turn->frame[turn->frames - 1];
    frame->kind = (uint8_t)kind_of(pkt);
    frame->segment_bytes = (uint16_t)pkt->mss;
    frame->csum_start = (uint16_t)(pkt->mac_len + pkt->ip_len + (pkt->vle ? ETH_TAG_BYTES : 0));
    frame->csum_offset = pkt->l4t == TXCTX1_L4T_UDP ? UDP_CHECK : TCP_CHECK;
    if (reg(turn->tx->regs, R_HLREG0) & HLREG0_TXPADEN)
        frame->flags |= FRAME_PADS;
    turn->more += super_size(frame).pieces - 1;
    turn->tx->count.tx_packets_tso++;
    return 0;
}
