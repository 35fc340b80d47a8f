/* SPDX-License-Identifier: BSD-3-Clause */
/* Receive side scaling: which fields are hashed, and the table from hash to queue. */

struct rss {
    struct regfile *regs;
    int stale;                        /* a register changed: what follows must be made anew */
    uint32_t fields;                  /* MRQC_RSS_FIELD_*: what is hashed; 0: nothing */
    uint32_t by_table;                /* RETA chooses the queue; else 0 does, and pools pick their own */
    uint32_t pool_shift;              /* queues of a pool, as a power of two; 0: there are no pools */
    uint32_t classes;                 /* traffic classes among which the queues are dealt out; 0: there are none */
    struct toeplitz toeplitz;
};

void rss_changed(void *rss);                                      /* struct reg_hook's */
void rss_look(struct rss *rss);                                   /* what follows from the registers is as they are now */
void rss_stage(struct rss *rss, struct rx_pass *pass);            /* hash, its type, and the queue it selects */
void rss_pool_stage(const struct rss *rss, struct rx_pass *pass); /* a pool's copy: to a queue of that pool */
uint32_t rss_hash(struct rss *rss, const uint8_t *data, const struct packet *pkt, uint32_t *rss_type);
uint32_t rss_queue(struct rss *rss, uint32_t hash);
