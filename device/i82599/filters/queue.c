/* SPDX-License-Identifier: BSD-3-Clause */
/* Filters that choose a queue: EtherType, then SYN and 5-tuple, before the flow director and after RSS.  They, and the VLAN
 * priority, also choose frames whose interrupt does not wait.
 *
 * Guess: SYN and 5-tuple filters go before the flow director; no source that can be read says which is first.
 */
#include <stdint.h>
#include <string.h>
#include "desc.h"
#include "regs.h"
#include "machine/eth.h"
#include "machine/regfile.h"
#include "machine/parse.h"
#include "machine/wire/port.h"
#include "i82599/chip.h"
#include "i82599/pass.h"
#include "i82599/filters/filters.h"

#define IGNORE_SOURCE (1u << FTQF_MASK_SHIFT)          /* bits of FTQF.MASK */
#define IGNORE_DESTINATION (2u << FTQF_MASK_SHIFT)
#define IGNORE_SOURCE_PORT (4u << FTQF_MASK_SHIFT)
#define IGNORE_DESTINATION_PORT (8u << FTQF_MASK_SHIFT)
#define IGNORE_PROTOCOL (16u << FTQF_MASK_SHIFT)
#define PRIORITY_MAX (FTQF_PRIORITY >> FTQF_PRIORITY_SHIFT)

#define NO_PRIORITY 8u
#define FRAGMENT_PROTOCOL 4u                           /* no filter's: its L4 header is not looked at */
#define TCP_SYN 0x02u                                  /* in the flags' low byte */

/* ---- registers -------------------------------------------------------------------------------------------------- */

/* Guess: the threshold counts bytes as the descriptor does, without FCS. */
static uint32_t at_once_below(const struct regfile *regs, uint32_t l34timir)
{
    if (!(l34timir & L34TIMIR_LLI))
        return 0;
    return l34timir & L34TIMIR_SIZE_BP ? UINT32_MAX : field(reg(regs, R_LLITHRESH), LLITHRESH_SIZE);
}

static void take(struct filters *filters, uint32_t n)
{
    const struct regfile *regs = filters->regs;
    uint32_t ftqf = reg(regs, R_FTQF(n));
    struct tuple *tuple = &filters->tuple[filters->tuples++];

    tuple->source_mask = ftqf & IGNORE_SOURCE ? 0 : UINT32_MAX;
    tuple->destination_mask = ftqf & IGNORE_DESTINATION ? 0 : UINT32_MAX;
    tuple->ports_mask = (ftqf & IGNORE_SOURCE_PORT ? 0 : (uint32_t)SDPQF_SRC_PORT) |
                        (ftqf & IGNORE_DESTINATION_PORT ? 0 : (uint32_t)SDPQF_DST_PORT);
    tuple->source = reg(regs, R_SAQF(n)) & tuple->source_mask;
    tuple->destination = reg(regs, R_DAQF(n)) & tuple->destination_mask;
    tuple->ports = reg(regs, R_SDPQF(n)) & tuple->ports_mask;
    tuple->protocols = ftqf & IGNORE_PROTOCOL ? UINT32_MAX : 1u << field(ftqf, FTQF_PROTOCOL);
    tuple->any_pool = (ftqf & FTQF_POOL_MASK) != 0;
    tuple->pool = field(ftqf, FTQF_POOL);
    tuple->queue = field(reg(regs, R_L34TIMIR(n)), L34TIMIR_QUEUE);
    tuple->at_once_below_bytes = at_once_below(regs, reg(regs, R_L34TIMIR(n)));
}

/* In the order in which they are asked: priority 7 first; of equal ones, Guess, the lower number. */
void queue_filters_refresh(struct filters *filters)
{
    const struct regfile *regs = filters->regs;

    filters->tuples = 0;
    for (uint32_t left = PRIORITY_MAX + 1; left > 0; left--)
        for (uint32_t n = 0; n < FTQF_COUNT; n++)
            if ((reg(regs, R_FTQF(n)) & FTQF_ENABLE) && field(reg(regs, R_FTQF(n)), FTQF_PRIORITY) == left - 1)
                take(filters, n);
    filters->priority_at_once = NO_PRIORITY;
    if (reg(regs, R_IMIRVP) & IMIRVP_ENABLE)
        filters->priority_at_once = field(reg(regs, R_IMIRVP), IMIRVP_PRIORITY);
    filters->queue_filters = filters->tuples + (reg(regs, R_SYNQF) & SYNQF_QUEUE_EN) + (filters->priority_at_once < NO_PRIORITY);
    for (uint32_t n = 0; n < ETQF_COUNT; n++)
        filters->queue_filters += (reg(regs, R_ETQF(n)) & ETQF_FILTER_EN) != 0;
}

/* ---- frames ----------------------------------------------------------------------------------------------------- */

/* EtherType filters are for what is not IP (LLDP, FCoE, time sync): index of the first that matches, or -1. */
static int etqf_match(const struct filters *filters, const struct packet *pkt)
{
    for (uint32_t i = 0; i < ETQF_COUNT; i++) {
        uint32_t etqf = reg(filters->regs, R_ETQF(i));

        if (!(etqf & ETQF_FILTER_EN) || (etqf & ETQF_ETYPE) != pkt->ethertype)
            continue;
        if (!(etqf & ETQF_UP_EN) || (pkt->has_vlan && field(etqf, ETQF_UP) == pkt->vlan_tci >> TCI_PRIORITY_SHIFT))
            return (int)i;
    }
    return -1;
}

static void by_ethertype(const struct filters *filters, struct rx_pass *pass)
{
    int etqf = etqf_match(filters, &pass->packet);
    uint32_t etqs;

    if (etqf < 0)
        return;
    etqs = reg(filters->regs, R_ETQS((uint32_t)etqf));
    pass->info.type = RXDETQF_MATCH | (uint32_t)etqf << RXDETQF_INDEX_SHIFT;
    if (etqs & ETQS_LLI)
        pass->info.status |= RXD_STAT_LLINT;
    if (etqs & ETQS_QUEUE_EN) {
        pass->info.queue = field(etqs, ETQS_RX_QUEUE);
        pass->steered = STEERED_BEFORE;
    }
}

/* Bit of the protocol as FTQF numbers them.  Guess: fragments fit no filter that looks at the protocol. */
static uint32_t protocol_bit(const struct packet *pkt)
{
    switch (pkt->l4_proto) {
    case PROTO_TCP: return 1u << 0;
    case PROTO_UDP: return 1u << 1;
    case PROTO_SCTP: return 1u << 2;
    default: return 1u << (pkt->fragment ? FRAGMENT_PROTOCOL : 3u);
    }
}

/* Addresses and ports lie in the registers as in the header: the first byte lowest. */
static uint32_t as_it_lies(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* IPv4 only: the registers have no room for other addresses. */
static const struct tuple *tuple_match(const struct filters *filters, const uint8_t *data, const struct packet *pkt, uint32_t pool)
{
    uint32_t source, destination, ports, protocol = protocol_bit(pkt);

    if (pkt->ip_version != 4)
        return NULL;
    source = as_it_lies(data + pkt->l3 + IPV4_SRC);
    destination = as_it_lies(data + pkt->l3 + IPV4_SRC + 4);
    ports = pkt->l4 ? as_it_lies(data + pkt->l4) : 0;
    for (uint32_t i = 0; i < filters->tuples; i++) {
        const struct tuple *tuple = &filters->tuple[i];

        if (((source & tuple->source_mask) ^ tuple->source) | ((destination & tuple->destination_mask) ^ tuple->destination) |
            ((ports & tuple->ports_mask) ^ tuple->ports))
            continue;
        if ((protocol & tuple->protocols) && (tuple->any_pool || tuple->pool == pool) && (pkt->l4 || !tuple->ports_mask))
            return tuple;
    }
    return NULL;
}

/* Guess: the SYN flag alone decides, an answer's SYN and ACK too. */
static int is_syn(const uint8_t *data, const struct packet *pkt)
{
    return pkt->l4_proto == PROTO_TCP && (data[pkt->l4 + TCP_FLAGS + 1] & TCP_SYN);
}

static __attribute__((noinline)) void by_connection(const struct filters *filters, struct rx_pass *pass)
{
    const uint8_t *data = pass->frame->data;
    uint32_t synqf = reg(filters->regs, R_SYNQF);
    const struct tuple *tuple = tuple_match(filters, data, &pass->packet, pass->info.pool);
    int syn = (synqf & SYNQF_QUEUE_EN) && is_syn(data, &pass->packet);

    if (tuple && pass->info.len_bytes < tuple->at_once_below_bytes)
        pass->info.status |= RXD_STAT_LLINT;
    if (syn && (!tuple || (synqf & SYNQF_SYNQFP)))
        pass->info.queue = field(synqf, SYNQF_RX_QUEUE);
    else if (tuple)
        pass->info.queue = tuple->queue;
    else
        return;
    pass->steered = STEERED_BEFORE;
}

void queue_filters_stage(const struct filters *filters, struct rx_pass *pass)
{
    if (!filters->queue_filters)
        return;
    if (pass->packet.has_vlan && pass->packet.vlan_tci >> TCI_PRIORITY_SHIFT >= filters->priority_at_once)
        pass->info.status |= RXD_STAT_LLINT;
    if (pass->packet.ip_version)
        by_connection(filters, pass);
    else
        by_ethertype(filters, pass);
}
