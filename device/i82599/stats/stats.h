/* SPDX-License-Identifier: BSD-3-Clause */
/* The chip's own statistics registers.  The block has no state but the registers themselves. */

void stats_stage(struct regfile *regs, const struct rx_pass *pass); /* counts a good frame that passed the filters */
/* Any frames off the wire, dropped ones too: TPR, TOR, RXNFG*. */
void stats_rx_total(struct regfile *regs, const struct frame *frames, uint32_t n);
/* Sent from a ring: GPTC, TPT, the queue's own by TQSM …; returns their bytes without FCS. */
uint64_t stats_tx(struct regfile *regs, uint32_t queue, const struct frame *frames, uint32_t n);
