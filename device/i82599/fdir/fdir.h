/* SPDX-License-Identifier: BSD-3-Clause */
/* Flow Director: perfect and signature filters that send a flow to a queue, or drop it. */

#define FDIR_FILTERS_MAX 32768        /* signature filters in 256 KB, and one */
#define FDIR_BUCKETS 32768            /* a bucket is at most all 15 bits of the hash */
#define FDIR_KEY_WORDS 8              /* source 4, destination 1, ports, VLAN and flexible bytes, kind of packet */

struct fdir_filter {
    uint32_t used;
    uint32_t ipsa[4], ipda[4];
    uint32_t port;                    /* FDIRPORT */
    uint32_t vlan_flex;               /* FDIRVLAN */
    uint32_t hash;                    /* FDIRHASH */
    uint32_t cmd;                     /* FDIRCMD */
    uint32_t key[FDIR_KEY_WORDS];     /* the fields above under the masks, in the order a frame's are compared */
    uint32_t next;                    /* next filter of the same bucket, or next free one, counted from 1; 0 = last */
};

struct fdir_masks {                   /* 1 = compare and hash; made from the mask registers when one of them changed */
    uint32_t key4[FDIR_KEY_WORDS], key6[FDIR_KEY_WORDS];   /* of an IPv4 and of an IPv6 packet; ports aside */
    uint32_t ports_udp, ports_other;
    uint32_t destination6[4];
};

struct fdir {
    struct regfile *regs;
    void (*cause)(void *intr, uint32_t causes);       /* EICR causes, in place */
    void *intr;
    struct fdir_filter *filter;       /* FDIR_FILTERS_MAX */
    uint32_t used, collided;          /* filters in the table, and those of them that were added twice */
    uint32_t top, freed;              /* filters from `top` on were never used; first that is free again, counted from 1 */
    uint32_t stale;                   /* mask registers changed: masks, and the keys of filters, must be made anew */
    struct fdir_masks masks;
    uint32_t bucket[FDIR_BUCKETS];    /* first filter of each bucket, counted from 1 */
};

/* fdir.c: the table and its commands */
void fdir_reset(struct fdir *fdir);
void fdir_write(void *fdir, uint32_t offset, uint32_t old, uint32_t seen, uint32_t written);  /* struct reg_hook's */

/* key.c: what is compared */
uint32_t fdir_index_bits(const struct fdir *fdir);                /* of a bucket's number, by size and mode of the table */
uint32_t fdir_bucket(const struct fdir *fdir, uint32_t hash);     /* of FDIRHASH or of a frame */
void fdir_masks_renew(struct fdir *fdir);                         /* masks, and keys of all filters */
void fdir_filter_key(const struct fdir *fdir, struct fdir_filter *filter);
void fdir_mask_key(const struct fdir_masks *masks, uint32_t *key);     /* raw fields in, masked fields out */

/* match.c: frames */
void fdir_stage(struct fdir *fdir, struct rx_pass *pass);
/* Of a frame of pool 0.  1: a filter fits, and *out is a copy of it; 0: none, and out->hash is what the frame hashes to. */
int fdir_match(struct fdir *fdir, const uint8_t *data, const struct packet *pkt, struct fdir_filter *out);
