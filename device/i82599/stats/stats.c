/* SPDX-License-Identifier: BSD-3-Clause */
/* The chip's own counters.
 *
 * Counters are plain words: the access rules clear them when they are read.  Each half of a 36-bit pair clears on its
 * own read, so nothing is lost between the two reads, and drivers that throw the high half away are served as well.
 * Octets are counted from the destination address to the FCS, 64 at least.
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

#define OCTETS_MIN 64u
#define BITS_OF_65 7u                 /* 65..127 octets have 7 significant bits */
#define CLASS_LAST 5u
#define GROUP 1u                      /* first bit on the wire of a group address */

static inline uint32_t octets(uint32_t len_bytes)
{
    return len_bytes + ETH_FCS_BYTES < OCTETS_MIN ? OCTETS_MIN : len_bytes + ETH_FCS_BYTES;
}

uint32_t stats_octets(uint32_t len_bytes)
{
    return octets(len_bytes);
}

/* Offset of the size class, given the first of the six: 64, 65-127, 128-255, 256-511, 512-1023, 1024 and more. */
static inline uint32_t class_of(uint32_t first, uint32_t size)
{
    uint32_t bits = 32u - (uint32_t)__builtin_clz(size), i = size == OCTETS_MIN ? 0 : bits - BITS_OF_65 + 1;

    return first + 4 * (i < CLASS_LAST ? i : CLASS_LAST);
}

static inline int is_group(const struct frame *frame)
{
    return frame->len_bytes && (frame->data[0] & GROUP);
}

static inline int is_broadcast(const struct frame *frame)
{
    const uint8_t *da = frame->data;

    return frame->len_bytes >= ETH_ADDR_BYTES && (da[0] & da[1] & da[2] & da[3] & da[4] & da[5]) == UINT8_MAX;
}

void stats_stage(struct regfile *regs, const struct rx_pass *pass)
{
    const struct frame *frame = pass->frame;
    uint32_t size = octets(frame->len_bytes);

    if (pass->info.status & RXD_ERR_RXE) /* damaged, or of a size that software asked for: not a good frame */
        return;
    bump(regs, R_GPRC, 1);
    bump36(regs, R_GORCL, size);
    bump(regs, class_of(R_PRC64, size), 1);
    if (is_group(frame))
        bump(regs, is_broadcast(frame) ? R_BPRC : R_MPRC, 1);
}

void stats_rx_total(struct regfile *regs, const struct frame *frames, uint32_t n)
{
    uint32_t good = 0;
    uint64_t all_octets = 0, good_octets = 0;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t size = octets(frames[i].len_bytes);

        all_octets += size;
        if (frames[i].flags & FRAME_BAD_CRC)
            continue;
        good++;
        good_octets += size;
    }
    bump(regs, R_TPR, n);
    bump36(regs, R_TORL, all_octets);
    bump(regs, R_RXNFGPC, good);
    bump36(regs, R_RXNFGBCL, good_octets);
}

/* Returns the octets; *bytes: the same without FCS and padding. */
static inline uint64_t count_mac(struct regfile *regs, const struct frame *frames, uint32_t n, uint64_t *bytes)
{
    uint64_t sent_octets = 0;

    for (uint32_t k = 0; k < n; k++) {
        uint32_t size = octets(frames[k].len_bytes);

        *bytes += frames[k].len_bytes;
        sent_octets += size;
        bump(regs, class_of(R_PTC64, size), 1);
        if (is_group(&frames[k]))
            bump(regs, is_broadcast(&frames[k]) ? R_BPTC : R_MPTC, 1);
    }
    bump(regs, R_GPTC, n);
    bump(regs, R_TPT, n);
    bump36(regs, R_GOTCL, sent_octets);
    return sent_octets;
}

/* Drivers subtract LXONTXC and LXOFFTXC from GPTC, MPTC, PTC64 and GOTC (ixgbe_update_stats). */
void stats_tx_mac(struct regfile *regs, const struct frame *frames, uint32_t n)
{
    uint64_t bytes = 0;

    (void)count_mac(regs, frames, n, &bytes);
}

static inline void count_queue(struct regfile *regs, uint32_t queue, uint32_t n, uint64_t sent_octets)
{
    uint32_t i = reg_byte(regs, R_TQSM(0), queue) & TQSM_MAP0;

    bump(regs, R_TXDGPC, n);
    bump36(regs, R_TXDGBCL, sent_octets);
    bump(regs, R_QPTC(i), n);
    bump36(regs, R_QBTC_L(i), sent_octets);
}

void stats_tx_queue(struct regfile *regs, uint32_t queue, const struct frame *frame)
{
    count_queue(regs, queue, 1, octets(frame->len_bytes));
}

uint64_t stats_tx(struct regfile *regs, uint32_t queue, const struct frame *frames, uint32_t n)
{
    uint64_t bytes = 0, sent_octets = count_mac(regs, frames, n, &bytes);

    count_queue(regs, queue, n, sent_octets);
    return bytes;
}
