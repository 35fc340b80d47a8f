/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters of pools: PVFGPRC, PVFGORC, PVFMPRC, PVFGPTC, PVFGOTC.  Nothing clears them, so they begin again after their
 * highest value.  Some lie in pages that clients may map.  And those of copies: RXDDGPC, RXLPBKGPC, RXDLPBKGPC.
 *
 * Guess: octets of pools are those of the MAC's counters, and multicast is without broadcast; octets of copies are those of
 * RXDGBC, which counts every copy, too.
 */
#include <stdint.h>
#include "regs.h"
#include "machine/eth.h"
#include "machine/regfile.h"
#include "machine/parse.h"
#include "machine/wire/port.h"
#include "i82599/chip.h"
#include "i82599/pass.h"
#include "i82599/stats/stats.h"

#define HIGH_BITS 0xFu                /* of 36 */
#define GROUP 1u                      /* first bit on the wire of a group address */

static void count(struct regfile *regs, uint32_t offset)
{
    reg_publish(regs, offset, reg(regs, offset) + 1);
}

static void add36(struct regfile *regs, uint32_t low, uint32_t high, uint32_t n)
{
    uint64_t sum = (reg(regs, low) | (uint64_t)reg(regs, high) << 32) + n;

    reg_publish(regs, low, (uint32_t)sum);
    reg_publish(regs, high, (uint32_t)(sum >> 32) & HIGH_BITS);
}

void stats_rx_pool(struct regfile *regs, uint32_t pool, const uint8_t *data, uint32_t len_bytes)
{
    int is_broadcast = (data[0] & data[1] & data[2] & data[3] & data[4] & data[5]) == UINT8_MAX;

    count(regs, R_PVFGPRC(pool));
    add36(regs, R_PVFGORC_LSB(pool), R_PVFGORC_MSB(pool), stats_octets(len_bytes));
    if ((data[0] & GROUP) && !is_broadcast)
        count(regs, R_PVFMPRC(pool));
}

void stats_tx_pool(struct regfile *regs, uint32_t pool, const struct frame *frame)
{
    count(regs, R_PVFGPTC(pool));
    add36(regs, R_PVFGOTC_LSB(pool), R_PVFGOTC_MSB(pool), stats_octets(frame->len_bytes));
}

void stats_rx_copy(struct regfile *regs, uint32_t len_bytes, int switched, int again)
{
    static const uint32_t frames[2][2] = { { 0, R_RXDDGPC }, { R_RXLPBKGPC, R_RXDLPBKGPC } };
    static const uint32_t bytes[2][2] = { { 0, R_RXDDGBCL }, { R_RXLPBKGBCL, R_RXDLPBKGBCL } };

    if (!switched && !again)
        return;
    bump(regs, frames[switched][again], 1);
    bump36(regs, bytes[switched][again], len_bytes);
}
