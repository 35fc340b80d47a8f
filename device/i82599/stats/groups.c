/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters of groups of queues: QPRC, QBRC, QPRDC, and QPTC and QBTC where the 82598 had them.
 *
 * They lie in the pages of the queues.  A client that maps those (shared doorbells) reads them as memory: nobody sees the
 * read, so nothing can clear them after it.  Drivers read all counters in rounds, each of them once, and one that is in
 * no such page first (CRCERRS, usually).  So the read of that one, the leader, puts into the pages what was counted since
 * the round before; it stays there until the next round.  Every frame is in one round and no frame in two.
 *
 * A trapped read gets, and clears, what is shown and what is not.
 */
#include <stdint.h>
#include <string.h>
#include "regs.h"
#include "machine/eth.h"
#include "machine/regfile.h"
#include "machine/parse.h"
#include "machine/wire/port.h"
#include "i82599/chip.h"
#include "i82599/pass.h"
#include "i82599/stats/stats.h"

#define QSEL 0x1Fu                    /* of RXDSTATCTRL: the group that RXDGPC counts; 16 and more: all.  Guess */
#define BYTES_MOST ((1ull << 36) - 1)

/* The 82598's places of QPTC and QBTC: aliases, in the pages of the Tx queues. */
#define ALIAS_QPTC(group) (R_TDBAL(group) + 0x30)
#define ALIAS_QBTC(group) (R_TDBAL(group) + 0x34)

static inline uint32_t low_word(uint64_t count)
{
    return count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
}

void stats_reset(struct stats *stats)
{
    stats->leader = stats->other = 0;
    memset(stats->late, 0, sizeof(stats->late));
    for (uint32_t i = 0; i < STATS_GROUPS; i++) {     /* these words are no register's: nobody else sets them back */
        reg_publish(stats->regs, ALIAS_QPTC(i), 0);
        reg_publish(stats->regs, ALIAS_QBTC(i), 0);
    }
}

void stats_rx_group(void *arg, uint32_t queue, uint32_t frames, uint64_t bytes, uint32_t dropped)
{
    struct stats *stats = arg;
    uint32_t i = reg_byte(stats->regs, R_RQSMR(0), queue) & RQSMR_MAP0, selected = reg(stats->regs, R_RXDSTATCTRL) & QSEL;

    if (selected == i || selected >= STATS_GROUPS) {
        bump(stats->regs, R_RXDGPC, frames);
        bump36(stats->regs, R_RXDGBCL, bytes);
    }
    if (stats->regs->shared) {
        stats->late[i].rx_frames += frames;
        stats->late[i].rx_bytes += bytes;
        stats->late[i].rx_dropped += dropped;
        return;
    }
    bump(stats->regs, R_QPRC(i), frames);
    bump36(stats->regs, R_QBRC_L(i), bytes);
    bump(stats->regs, R_QPRDC(i), dropped);
}

/* What the aliases show; the registers themselves, in a page that nobody maps, count on their own (stats.c). */
void stats_tx_group(struct stats *stats, uint32_t queue, uint32_t frames, uint64_t octets)
{
    struct stats_group *late = &stats->late[reg_byte(stats->regs, R_TQSM(0), queue) & TQSM_MAP0];

    late->tx_frames += frames;
    late->tx_octets += octets;
}

static void show(struct stats *stats)
{
    for (uint32_t i = 0; i < STATS_GROUPS; i++) {
        struct stats_group *late = &stats->late[i];
        uint64_t bytes = late->rx_bytes > BYTES_MOST ? BYTES_MOST : late->rx_bytes;

        reg_publish(stats->regs, R_QPRC(i), low_word(late->rx_frames));
        reg_publish(stats->regs, R_QBRC_L(i), (uint32_t)bytes);
        reg_publish(stats->regs, R_QBRC_H(i), (uint32_t)(bytes >> 32));
        reg_publish(stats->regs, R_QPRDC(i), low_word(late->rx_dropped));
        reg_publish(stats->regs, ALIAS_QPTC(i), low_word(late->tx_frames));
        reg_publish(stats->regs, ALIAS_QBTC(i), (uint32_t)late->tx_octets);
    }
    memset(stats->late, 0, sizeof(stats->late));
}

/* Of a counter in the Rx pages: what waits to be shown.  NULL: it is no such counter. */
static uint64_t *late_of(struct stats *stats, uint32_t offset)
{
    if (IS_QPRC(offset))
        return &stats->late[N_QPRC(offset)].rx_frames;
    if (IS_QBRC_L(offset))
        return &stats->late[N_QBRC_L(offset)].rx_bytes;
    if (IS_QBRC_H(offset))
        return &stats->late[N_QBRC_H(offset)].rx_bytes;
    return IS_QPRDC(offset) ? &stats->late[N_QPRDC(offset)].rx_dropped : NULL;
}

/* A driver that never reads the leader again has another one: the counter that comes twice. */
static void round_of(struct stats *stats, uint32_t offset)
{
    if (!stats->leader || stats->other == offset)
        stats->leader = offset;
    if (stats->leader == offset) {
        stats->other = 0;
        show(stats);
    } else if (!stats->other) {
        stats->other = offset;
    }
}

uint32_t stats_read(void *arg, uint32_t offset)
{
    struct stats *stats = arg;
    uint64_t *late;

    if (!stats->regs->shared)
        return reg(stats->regs, offset);
    late = late_of(stats, offset);
    if (!late) {
        round_of(stats, offset);
    } else {
        if (IS_QBRC_L(offset) || IS_QBRC_H(offset)) {
            uint32_t low = IS_QBRC_L(offset) ? offset : offset - 4;

            bump36(stats->regs, low, *late);
            reg_publish(stats->regs, low, reg(stats->regs, low));
            reg_publish(stats->regs, low + 4, reg(stats->regs, low + 4));
        } else {
            bump(stats->regs, offset, low_word(*late));
        }
        *late = 0;
    }
    return reg(stats->regs, offset);
}

uint32_t stats_peek(void *arg, uint32_t offset)
{
    struct stats *stats = arg;
    const uint64_t *late = stats->regs->shared ? late_of(stats, offset) : NULL;
    uint64_t value = reg(stats->regs, offset);

    if (!late)
        return (uint32_t)value;
    if (IS_QBRC_H(offset))
        return (uint32_t)(((value << 32) + reg(stats->regs, offset - 4) + *late) >> 32);
    return IS_QBRC_L(offset) ? (uint32_t)(value + *late) : low_word(value + *late);
}
