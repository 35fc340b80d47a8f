/* SPDX-License-Identifier: BSD-3-Clause */
/* Which frames may be coalesced, and which continue a flow. */
#include <stdint.h>
#include <string.h>
#include "regs.h"
#include "machine/bytes.h"
#include "machine/clock.h"
#include "machine/eth.h"
#include "machine/dma.h"
#include "machine/regfile.h"
#include "machine/parse.h"
#include "machine/wire/port.h"
#include "i82599/chip.h"
#include "i82599/pass.h"
#include "i82599/rx/rx.h"
#include "i82599/rx/rsc.h"

#define GROUP 1u                      /* first bit on the wire of a group address */
#define IPV4_TOS 1
#define ECN 3u                        /* of that byte; all of it: congestion was met */
#define TCP_ACKS 0x010u               /* the one flag that may be set */
#define TCP_FLAG_BITS 0xFFFu
#define STAMP_OPTION 0x0101080Au      /* two of padding, time stamps, 10 bytes */
#define STAMP_BYTES 12u
#define NFS_PORT 2049u
#define PLAIN_TCP4 (RXDADV_PKTTYPE_IPV4 | RXDADV_PKTTYPE_TCP)
#define GOOD (RXD_STAT_IPCS | RXD_STAT_L4CS)
#define UNFIT (RXD_ERR_RXE | RXD_ERR_IPE | RXD_ERR_TCPE | RXD_STAT_VEXT | RXD_STAT_TS)

static int ports_are_plain(const struct rx *rx, const uint8_t *l4)
{
    uint32_t off = RFCTL_NFSW_DIS | RFCTL_NFSR_DIS;

    return (reg(rx->regs, R_RFCTL) & off) == off || (be16(l4) != NFS_PORT && be16(l4 + 2) != NFS_PORT);
}

static int options_are_plain(const uint8_t *l4, uint32_t tcp_bytes)
{
    return tcp_bytes == TCP_HEADER_BYTES ||
           (tcp_bytes == TCP_HEADER_BYTES + STAMP_BYTES && be32(l4 + TCP_HEADER_BYTES) == STAMP_OPTION);
}

/* 0: no such segment.  The header is copied first, and judged by the copy: it may be a guest's memory. */
int rsc_look(const struct rx *rx, const struct rx_info *info, const uint8_t *data, struct rsc_segment *out)
{
    uint32_t whole = info->len_bytes < RSC_HEADER_MAX ? info->len_bytes : RSC_HEADER_MAX, total, tcp_bytes, status = info->status;

    if ((info->type & RXDADV_PKTTYPE) != PLAIN_TCP4 || whole < ETH_HEADER_BYTES + IPV4_HEADER_BYTES + TCP_HEADER_BYTES)
        return 0;
    memcpy(out->header, data, whole);
    out->l3 = ETH_HEADER_BYTES + (info->vlan_offset ? ETH_TAG_BYTES : 0);
    out->cut_bytes = info->vlan_offset == ETH_TYPE_OFFSET && (rx->queue[info->queue].rxdctl & RXDCTL_VME) ? ETH_TAG_BYTES : 0;
    if (out->cut_bytes) {
        memmove(out->header + ETH_TYPE_OFFSET, out->header + ETH_TYPE_OFFSET + ETH_TAG_BYTES, whole - ETH_TYPE_OFFSET - ETH_TAG_BYTES);
        out->l3 -= ETH_TAG_BYTES;
        whole -= ETH_TAG_BYTES;
    }
    out->l4 = out->l3 + IPV4_HEADER_BYTES;
    if (out->l4 + TCP_HEADER_BYTES > whole)
        return 0;
    total = be16(out->header + out->l3 + IPV4_LENGTH);
    tcp_bytes = out->header[out->l4 + TCP_FLAGS] / 16u * 4;
    out->header_bytes = out->l4 + tcp_bytes;
    out->fit = 0;
    if (out->header_bytes > whole || total <= IPV4_HEADER_BYTES + tcp_bytes || out->l3 + total + out->cut_bytes != info->len_bytes)
        return 1;
    out->payload_bytes = total - IPV4_HEADER_BYTES - tcp_bytes;
    out->fit = (status & GOOD) == GOOD && !(status & UNFIT) && !(info->flags & (FRAME_BAD_CRC | FRAME_SWITCHED)) &&
               (!(status & RXD_STAT_LLINT) || (reg(rx->regs, R_RDRXCTL) & RDRXCTL_RSCLLIDIS)) && !(out->header[0] & GROUP) &&
               (out->header[out->l3 + IPV4_TOS] & ECN) != ECN && options_are_plain(out->header + out->l4, tcp_bytes) &&
               (be16(out->header + out->l4 + TCP_FLAGS) & TCP_FLAG_BITS) == TCP_ACKS && ports_are_plain(rx, out->header + out->l4);
    return 1;
}

/* Of one connection, one way. */
struct rsc_flow *rsc_flow_of(struct rsc *rsc, uint32_t queue, const struct rsc_segment *seg)
{
    for (uint32_t left = rsc->used; left; left &= left - 1) {
        struct rsc_flow *flow = &rsc->flow[__builtin_ctz(left)];

        if (flow->info.queue == queue && !memcmp(flow->header + flow->l3 + IPV4_SRC, seg->header + seg->l3 + IPV4_SRC, 8) &&
            !memcmp(flow->header + flow->l4, seg->header + seg->l4, 4))
            return flow;
    }
    return NULL;
}

/* Whether the segment is what comes next, and looks like those before. */
int rsc_continues(const struct rsc_flow *flow, const struct rx_info *info, const struct rsc_segment *seg)
{
    const uint8_t *had = flow->header, *has = seg->header;

    return seg->fit && seg->header_bytes == flow->header_bytes && be32(has + seg->l4 + TCP_SEQ) == flow->next_seq &&
           info->vlan_offset == flow->info.vlan_offset && info->vlan_tci == flow->info.vlan_tci &&
           !memcmp(had, has, flow->l3) && had[flow->l3 + IPV4_TOS] == has[seg->l3 + IPV4_TOS] &&
           (int32_t)(be32(has + seg->l4 + RSC_TCP_ACK) - be32(had + flow->l4 + RSC_TCP_ACK)) >= 0 &&
           flow->len_bytes - flow->l3 + seg->payload_bytes <= UINT16_MAX;
}
