/* SPDX-License-Identifier: BSD-3-Clause */
/* The chip's own statistics registers.  The block has no state but the registers themselves. */

int stats_stage(void *regs, struct rx_pass *pass);                /* counts a good frame that passed the filters */
void stats_rx_total(struct regfile *regs, const struct frame *frame); /* any frame off the wire, dropped ones too: TPR, TOR */
void stats_tx(struct regfile *regs, uint32_t queue, const struct frame *frame);   /* sent from a ring: QPTC, QBTC by TQSM */
