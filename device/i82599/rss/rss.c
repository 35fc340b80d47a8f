/* SPDX-License-Identifier: BSD-3-Clause */
/* Receive side scaling: what is hashed, its type, and the redirection table; and the traffic classes and pools, each
 * of which has queues of its own.
 *
 * Ref: 82599 datasheet, Receive-Side Scaling; Microsoft "RSS hashing types" for the inputs of each type.
 */
#include <stdint.h>
#include <string.h>
#include "desc.h"
#include "regs.h"
#include "machine/toeplitz.h"
#include "machine/eth.h"
#include "machine/regfile.h"
#include "machine/parse.h"
#include "machine/wire/port.h"
#include "i82599/chip.h"
#include "i82599/pass.h"
#include "i82599/rss/rss.h"
#include "i82599/rss/steps.h"

#define RSS_FIELDS                                                                                                    \
    (MRQC_RSS_FIELD_IPV4 | MRQC_RSS_FIELD_IPV4_TCP | MRQC_RSS_FIELD_IPV4_UDP | MRQC_RSS_FIELD_IPV6 |                  \
     MRQC_RSS_FIELD_IPV6_TCP | MRQC_RSS_FIELD_IPV6_UDP | MRQC_RSS_FIELD_IPV6_EX | MRQC_RSS_FIELD_IPV6_EX_TCP |        \
     MRQC_RSS_FIELD_IPV6_EX_UDP)

static inline uint32_t hash_ipv4(const struct rss *rss, uint32_t mrqc, const uint8_t *data, const struct packet *pkt, uint32_t *type)
{
    const uint8_t *src = data + pkt->l3 + IPV4_SRC, *ports = data + pkt->l4;

    if (pkt->l4_proto == PROTO_TCP && (mrqc & MRQC_RSS_FIELD_IPV4_TCP))
        *type = RXDADV_RSSTYPE_IPV4_TCP;
    else if (pkt->l4_proto == PROTO_UDP && (mrqc & MRQC_RSS_FIELD_IPV4_UDP))
        *type = RXDADV_RSSTYPE_IPV4_UDP;
    else if (mrqc & MRQC_RSS_FIELD_IPV4) {
        *type = RXDADV_RSSTYPE_IPV4;
        ports = NULL;
    } else
        return 0;
    return toeplitz_hash(&rss->toeplitz, src, src + 4, 4, ports);
}

/* The Ex types take a mobile node's home address and a type 2 routing header's destination instead of the header's
 * addresses.  Where a packet has neither, Ex and plain type are the same hash, and the plain one is reported first. */
static uint32_t hash_ipv6(const struct rss *rss, uint32_t mrqc, const uint8_t *data, const struct packet *pkt, uint32_t *type)
{
    uint32_t plain = 0, ex = 0, plain_type = 0, ex_type = 0;
    const uint8_t *src = data + pkt->l3 + IPV6_SRC, *dst = src + 16, *ports = data + pkt->l4;
    int other_addresses = pkt->home_src || pkt->route_dst;

    if (pkt->l4_proto == PROTO_TCP) {
        plain = mrqc & MRQC_RSS_FIELD_IPV6_TCP;
        ex = mrqc & MRQC_RSS_FIELD_IPV6_EX_TCP;
        plain_type = RXDADV_RSSTYPE_IPV6_TCP;
        ex_type = RXDADV_RSSTYPE_IPV6_EX_TCP;
    } else if (pkt->l4_proto == PROTO_UDP) {
        plain = mrqc & MRQC_RSS_FIELD_IPV6_UDP;
        ex = mrqc & MRQC_RSS_FIELD_IPV6_EX_UDP;
        plain_type = RXDADV_RSSTYPE_IPV6_UDP;
        ex_type = RXDADV_RSSTYPE_IPV6_EX_UDP;
    }
    if (!plain && !ex) {
        plain = mrqc & MRQC_RSS_FIELD_IPV6;
        ex = mrqc & MRQC_RSS_FIELD_IPV6_EX;
        plain_type = RXDADV_RSSTYPE_IPV6;
        ex_type = RXDADV_RSSTYPE_IPV6_EX;
        ports = NULL;
    }
    if (!plain && !ex)
        return 0;
    if (ex && (other_addresses || !plain)) {
        *type = ex_type;
        if (pkt->home_src)
            src = data + pkt->home_src;
        if (pkt->route_dst)
            dst = data + pkt->route_dst;
    } else
        *type = plain_type;
    return toeplitz_hash(&rss->toeplitz, src, dst, 16, ports);
}

/* One table for everybody, and with traffic classes for each of them. */
static __attribute__((noinline)) void refresh(struct rss *rss)
{
    uint32_t mrqc = reg(rss->regs, R_MRQC), on = 0;

    rss->by_table = rss->classes = 0;
    rss->pool_shift = reg(rss->regs, R_VT_CTL) & VT_CTL_VT_ENABLE ? rx_pool_shift(mrqc) : 0;
    switch (mrqc & MRQC_MRQE) {
    case MRQC_MRQE_RSS:
    case MRQC_MRQE_RTRSS8TC:
    case MRQC_MRQE_RTRSS4TC: rss->by_table = 1; __attribute__((fallthrough));
    case MRQC_MRQE_VMDQRSS32:
    case MRQC_MRQE_VMDQRSS64: on = 1; rss->by_table |= rss->pool_shift != 0; break;
    default: break;
    }
    switch (mrqc & MRQC_MRQE) {
    case MRQC_MRQE_RT8TC:
    case MRQC_MRQE_RTRSS8TC: rss->classes = CHIP_CLASSES; break;
    case MRQC_MRQE_RT4TC:
    case MRQC_MRQE_RTRSS4TC: rss->classes = CHIP_CLASSES / 2; break;
    case MRQC_MRQE_VMDQRT8TC: rss->classes = rss->pool_shift ? CHIP_CLASSES : 0; break;
    case MRQC_MRQE_VMDQRT4TC: rss->classes = rss->pool_shift ? CHIP_CLASSES / 2 : 0; break;
    default: break;
    }
    rss->fields = on ? mrqc & RSS_FIELDS : 0;
    if (rss->fields)                  /* register i of RSSRK holds key bytes 4i.., lowest first */
        toeplitz_set_key(&rss->toeplitz, (const uint8_t *)&rss->regs->word[R_RSSRK(0) / 4]);
    rss->stale = 0;
}

/* Hash and type for the descriptor; type 0 and hash 0: this packet is not hashed, and belongs to queue 0.
 * L4 type if it is enabled, else IP type if it is enabled; a fragment has no L4. */
static inline uint32_t hash_packet(struct rss *rss, const uint8_t *data, const struct packet *pkt, uint32_t *rss_type)
{
    *rss_type = 0;
    if (!rss->fields || !pkt->ip_version)
        return 0;
    if (pkt->ip_version == 4)
        return hash_ipv4(rss, rss->fields, data, pkt, rss_type);
    return hash_ipv6(rss, rss->fields, data, pkt, rss_type);
}

void rss_look(struct rss *rss)
{
    if (rss->stale)
        refresh(rss);
}

uint32_t rss_hash(struct rss *rss, const uint8_t *data, const struct packet *pkt, uint32_t *rss_type)
{
    if (rss->stale)
        refresh(rss);
    return hash_packet(rss, data, pkt, rss_type);
}

uint32_t rss_queue(struct rss *rss, uint32_t hash)
{
    if (rss->stale)
        refresh(rss);
    return rss_queue_of(rss, hash);
}

void rss_changed(void *rss)
{
    ((struct rss *)rss)->stale = 1;
}

/* From the priority in the tag to the class, and to the first of its queues; RQTC limits by how many bits of RETA's entry
 * frames spread over them.  Guess: a frame without a tag has priority 0; of two tags the inner one counts. */
static __attribute__((noinline)) void to_class(const struct rss *rss, struct rx_pass *pass)
{
    uint32_t up = pass->packet.has_vlan ? pass->packet.vlan_tci >> TCI_PRIORITY_SHIFT : 0;
    uint32_t tc = reg(rss->regs, R_RTRUP2TC) >> 3 * up & (rss->classes - 1);
    uint32_t bits = reg(rss->regs, R_RQTC) >> 4 * tc & 7;

    pass->info.tc = (uint16_t)tc;
    pass->info.queue = tc * (CHIP_QUEUES / rss->classes) + (pass->info.queue & ((1u << bits) - 1));
}

/* The hash reaches the descriptor unless RXCSUM gives its place to the fragment checksum. */
void rss_stage(struct rss *rss, struct rx_pass *pass)
{
    uint32_t rss_type, hash;

    if (rss->stale)
        refresh(rss);
    if (pass->packet.ip_version) {
        hash = hash_packet(rss, pass->frame->data, &pass->packet, &rss_type);
        if (rss_type)
            pass->info.queue = rss_queue_of(rss, hash);
        if (reg(rss->regs, R_RXCSUM) & RXCSUM_PCSD) {
            pass->info.type |= rss_type;
            pass->info.hash = hash;
        }
    }
    if (__builtin_expect(rss->classes, 0))
        to_class(rss, pass);
}

/* Within a pool the class is the queue, or RETA's entry is, of which PSRTYPE.RQPL says how many bits count.  Guess: more
 * than a pool has queues is as many as it has. */
void rss_pool_stage(const struct rss *rss, struct rx_pass *pass)
{
    uint32_t bits = field(reg(rss->regs, R_PSRTYPE(pass->info.pool)), PSRTYPE_RQPL), within = pass->info.tc;

    if (!rss->pool_shift)
        return;
    if (!rss->classes)
        within = pass->info.queue & ((1u << (bits < rss->pool_shift ? bits : rss->pool_shift)) - 1);
    pass->info.queue = (uint32_t)pass->info.pool << rss->pool_shift | within;
}
