/* SPDX-License-Identifier: BSD-3-Clause */
/* Receive side scaling: which fields are hashed, and the table from hash to queue. */

struct rss {
    struct regfile *regs;
    int stale;                        /* the key changed: the sums below must be made anew */
    struct toeplitz toeplitz;
};

void rss_changed(void *rss);                                      /* struct reg_hook's */
int rss_stage(void *rss, struct rx_pass *pass);                   /* hash, its type, and the queue it selects */
uint32_t rss_hash(struct rss *rss, const uint8_t *data, const struct packet *pkt, uint32_t *rss_type);
uint32_t rss_queue(const struct rss *rss, uint32_t hash);
