/* SPDX-License-Identifier: BSD-3-Clause */
/* Header split: how much of a frame goes into the header buffer, and what the descriptor says about it.
 *
 * Ref: ixgbe up to Linux 3.5 splits always and takes HDR_LEN bytes, at most its buffer, from there: what did not fit is in
 * the packet buffer.  Ref: 82599 datasheet, "Header Splitting and Replication", for what is not a header PSRTYPE names.
 * Guess: without "always" a header that does not fit leaves its buffer empty; the header of an IPv6 packet with extensions
 * and no TCP, UDP or SCTP behind them ends after 40 bytes.
 */
#include <stdint.h>
#include "desc.h"
#include "regs.h"
#include "machine/eth.h"
#include "machine/bytes.h"
#include "machine/dma.h"
#include "machine/regfile.h"
#include "machine/parse.h"
#include "machine/wire/port.h"
#include "i82599/chip.h"
#include "i82599/pass.h"
#include "i82599/rx/rx.h"

#define HEADER_UNIT_BYTES 64
#define HDR_LEN_MOST (RXDADV_HDRLEN >> RXDADV_HDRLEN_SHIFT)

static uint32_t l2_bytes(const struct packet *pkt)
{
    return ETH_HEADER_BYTES + (pkt->has_vlan + pkt->has_outer_vlan) * (uint32_t)ETH_TAG_BYTES;
}

static uint32_t l3_end(const uint8_t *data, const struct packet *pkt)
{
    if (pkt->l4)
        return pkt->l4;
    return pkt->l3 + (pkt->ip_version == 4 ? data[pkt->l3] % 16u * 4 : IPV6_HEADER_BYTES);
}

/* All headers up to the innermost that PSRTYPE names; 0: the frame has none of those. */
static uint32_t header_bytes(const uint8_t *data, uint32_t len_bytes, const struct packet *pkt, uint32_t psrtype)
{
    uint32_t end = psrtype & PSRTYPE_L2HDR && len_bytes >= ETH_HEADER_BYTES ? l2_bytes(pkt) : 0;

    if (psrtype & (pkt->ip_version == 4 ? PSRTYPE_IPV4HDR : pkt->ip_version == 6 ? PSRTYPE_IPV6HDR : 0u))
        end = l3_end(data, pkt);
    if ((psrtype & PSRTYPE_UDPHDR) && pkt->l4_proto == PROTO_UDP)
        end = pkt->l4 + UDP_HEADER_BYTES;
    if ((psrtype & PSRTYPE_TCPHDR) && pkt->l4_proto == PROTO_TCP) {
        uint32_t tcp_bytes = data[pkt->l4 + TCP_FLAGS] / 16u * 4;

        if (tcp_bytes >= TCP_HEADER_BYTES && tcp_bytes <= pkt->l4_len_bytes)
            end = pkt->l4 + tcp_bytes;
    }
    return end <= len_bytes ? end : 0;
}

struct rx_split rx_split(const struct rx *rx, uint32_t srrctl, const struct rx_info *info, const uint8_t *data, uint32_t stored)
{
    uint32_t room = field(srrctl, SRRCTL_BSIZEHEADER) * HEADER_UNIT_BYTES, header, said, always;
    struct rx_split split = { 0 };
    struct packet pkt;

    if (room > HDR_LEN_MOST)
        room = HDR_LEN_MOST;          /* HDR_LEN cannot tell of more */
    always = (srrctl & SRRCTL_DESCTYPE) == SRRCTL_DESCTYPE_HDR_SPLIT_ALWAYS;
    parse_tagged(data, info->len_bytes, rx->vet, rx->vet_outer, &pkt);
    header = header_bytes(data, info->len_bytes, &pkt, reg(rx->regs, R_PSRTYPE(info->pool)));
    if (header && stored < info->len_bytes)         /* the tag was taken out, and it was in there */
        header -= ETH_TAG_BYTES;
    if (header > room)
        split.status = RXD_ERR_HBO;
    if (header && header <= room)
        split.bytes = header;
    else if (always)
        split.bytes = room;
    if (split.bytes > stored)
        split.bytes = stored;
    said = header ? header : split.bytes;
    split.type = (said < HDR_LEN_MOST ? said : HDR_LEN_MOST) << RXDADV_HDRLEN_SHIFT | (header ? (uint32_t)RXDADV_SPH : 0);
    return split;
}
