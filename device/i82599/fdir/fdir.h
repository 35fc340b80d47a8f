/* SPDX-License-Identifier: BSD-3-Clause */
/* Flow Director: perfect filters that send a flow to a queue, or drop it. */

#define FDIR_FILTERS_MAX 8192
#define FDIR_BUCKETS 512

struct fdir_filter {
    uint32_t used;
    uint32_t ipsa[4], ipda[4];
    uint32_t port;                    /* FDIRPORT */
    uint32_t vlan_flex;               /* FDIRVLAN */
    uint32_t hash;                    /* FDIRHASH */
    uint32_t cmd;                     /* FDIRCMD */
    uint32_t key[8];                  /* the fields above under the masks, in the order fdir_match() compares them */
    uint32_t next;                    /* next filter of the same bucket, counted from 1; 0 = last */
};

struct fdir {
    struct regfile *regs;
    struct fdir_filter *filter;       /* FDIR_FILTERS_MAX */
    uint32_t used;
    int stale;                        /* masks changed: keys and buckets must be made anew */
    uint32_t bucket[FDIR_BUCKETS];    /* first filter of each bucket, counted from 1 */
};

void fdir_reset(struct fdir *fdir);
void fdir_write(void *fdir, uint32_t offset, uint32_t old, uint32_t seen, uint32_t written);  /* struct reg_hook's */
void fdir_stage(struct fdir *fdir, struct rx_pass *pass);
int fdir_match(struct fdir *fdir, const uint8_t *data, const struct packet *pkt, struct fdir_filter *out); /* 1 hit */
