/* SPDX-License-Identifier: BSD-3-Clause */
/* The chip's own statistics registers: MAC counters (stats.c), and those of groups of queues (groups.c). */

#define STATS_GROUPS 16               /* RQSMR and TQSM put every queue into one of them */

#define TALLY_CLASSES 6               /* 64, 65-127, 128-255, 256-511, 512-1023, 1024 octets and more */

struct tally {                        /* what many frames add to the counters, before a register is touched (tally.h) */
    uint64_t bytes, octets;           /* as they lie in memory; with FCS and padding */
    uint32_t frames, multicast, broadcast;
    uint32_t of_class[TALLY_CLASSES];
};

struct stats_group {                  /* counted, and not shown yet to a client that maps the queues' pages */
    uint64_t rx_frames, rx_bytes, rx_dropped, tx_frames, tx_octets;
};

struct stats {
    struct regfile *regs;
    uint32_t leader;                  /* the counter whose read begins a client's round; 0: none was read yet */
    uint32_t other;                   /* the first other one that this round has read */
    struct stats_group late[STATS_GROUPS];
};

/* stats.c */
void stats_stage(struct regfile *regs, const struct rx_pass *pass); /* counts a good frame that passed the filters */
/* Any frames off the wire, dropped ones too: TPR, TOR, RXNFG*. */
void stats_rx_total(struct regfile *regs, const struct frame *frames, uint32_t n);
void stats_rx_all(struct regfile *regs, uint32_t frames, uint64_t octets);  /* the same of frames that are whole */
void stats_rx_good(struct regfile *regs, const struct tally *tally);        /* stats_stage() for many */
/* Sent from a ring: GPTC, TPT, the queue's own by TQSM …; *tally: all of them. */
void stats_tx(struct regfile *regs, uint32_t queue, const struct frame *frames, uint32_t n, struct tally *tally);
void stats_tx_queue(struct regfile *regs, uint32_t queue, const struct frame *frame);   /* without what the MAC counts */
void stats_tx_mac(struct regfile *regs, const struct frame *frames, uint32_t n);  /* the MAC's own, pause frames: no queue counts them */
uint32_t stats_octets(uint32_t len_bytes);                         /* what a frame counts as: with FCS, 64 at least */

/* pools.c */
void stats_rx_pool(struct regfile *regs, uint32_t pool, const uint8_t *data, uint32_t len_bytes);
void stats_rx_copy(struct regfile *regs, uint32_t len_bytes, int switched, int again); /* 1: from a pool; 1: not the first copy */
void stats_tx_pool(struct regfile *regs, uint32_t pool, const struct frame *frame);

/* groups.c */
void stats_reset(struct stats *stats);
void stats_rx_group(void *stats, uint32_t queue, uint32_t frames, uint64_t bytes, uint32_t dropped); /* dropped: no descriptor */
void stats_tx_group(struct stats *stats, uint32_t queue, uint32_t frames, uint64_t octets);  /* shared doorbells only */
uint32_t stats_read(void *stats, uint32_t offset);                 /* struct reg_hook's */
uint32_t stats_peek(void *stats, uint32_t offset);
