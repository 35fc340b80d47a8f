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
#include "machine/super.h"
#include "i82599/chip.h"
#include "i82599/pass.h"
#include "i82599/stats/stats.h"
#include "i82599/stats/tally.h"

uint32_t stats_octets(uint32_t len_bytes)
{
    return tally_octets(len_bytes);
}

/* Registers of neighbouring numbers: the six classes of sizes. */
static inline void bump_classes(struct regfile *regs, uint32_t first, const struct tally *tally)
{
    for (uint32_t i = 0; i < TALLY_CLASSES; i++)
        if (tally->of_class[i])
            bump(regs, first + 4 * i, tally->of_class[i]);
}

void stats_rx_good(struct regfile *regs, const struct tally *tally)
{
    bump(regs, R_GPRC, tally->frames);
    bump36(regs, R_GORCL, tally->octets);
    bump_classes(regs, R_PRC64, tally);
    bump(regs, R_MPRC, tally->multicast);
    bump(regs, R_BPRC, tally->broadcast);
}

void stats_stage(struct regfile *regs, const struct rx_pass *pass)
{
    struct tally one = { 0 };

    if (pass->info.status & RXD_ERR_RXE) /* damaged, or of a size that software asked for: not a good frame */
        return;
    tally_frame(&one, pass->frame);
    stats_rx_good(regs, &one);
}

void stats_rx_all(struct regfile *regs, uint32_t frames, uint64_t octets)
{
    bump(regs, R_TPR, frames);
    bump36(regs, R_TORL, octets);
    bump(regs, R_RXNFGPC, frames);
    bump36(regs, R_RXNFGBCL, octets);
}

void stats_rx_total(struct regfile *regs, const struct frame *frames, uint32_t n)
{
    uint32_t damaged = 0;
    uint64_t octets = 0, damaged_octets = 0;

    for (uint32_t i = 0; i < n; i++) {
        octets += tally_octets(frames[i].len_bytes);
        if (!(frames[i].flags & FRAME_BAD_CRC))
            continue;
        damaged++;
        damaged_octets += tally_octets(frames[i].len_bytes);
    }
    stats_rx_all(regs, n - damaged, octets - damaged_octets);
    bump(regs, R_TPR, damaged);
    bump36(regs, R_TORL, damaged_octets);
}

/* The pieces of a super-frame. */
static __attribute__((noinline)) void tally_super(struct tally *tally, const struct frame *frame)
{
    struct super_size size = super_size(frame);

    tally_size(tally, size.len_bytes, size.pieces - 1);
    tally_size(tally, size.last_bytes, 1);
    tally_address(tally, frame, size.pieces);
}

static inline void count_mac(struct regfile *regs, const struct frame *frames, uint32_t n, struct tally *tally)
{
    uint32_t run_bytes = 0, run = 0;

    for (uint32_t k = 0; k < n; k++) {
        if (__builtin_expect(frames[k].kind != FRAME_WHOLE, 0)) {
            tally_super(tally, &frames[k]);
            continue;
        }
        tally_run(tally, &run_bytes, &run, frames[k].len_bytes);
        tally_address(tally, &frames[k], 1);
    }
    tally_size(tally, run_bytes, run);
    bump_classes(regs, R_PTC64, tally);
    bump(regs, R_BPTC, tally->broadcast);
    bump(regs, R_MPTC, tally->multicast);
    bump(regs, R_GPTC, tally->frames);
    bump(regs, R_TPT, tally->frames);
    bump36(regs, R_GOTCL, tally->octets);
}

/* Drivers subtract LXONTXC and LXOFFTXC from GPTC, MPTC, PTC64 and GOTC (ixgbe_update_stats). */
void stats_tx_mac(struct regfile *regs, const struct frame *frames, uint32_t n)
{
    struct tally tally = { 0 };

    count_mac(regs, frames, n, &tally);
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
    count_queue(regs, queue, 1, tally_octets(frame->len_bytes));
}

void stats_tx(struct regfile *regs, uint32_t queue, const struct frame *frames, uint32_t n, struct tally *tally)
{
    *tally = (struct tally){ 0 };
    count_mac(regs, frames, n, tally);
    count_queue(regs, queue, tally->frames, tally->octets);
}
