/* SPDX-License-Identifier: BSD-3-Clause */
/* Which frames are for us, by size, MAC control, destination address and VLAN; and filters that choose a queue. */

#define FILTERS_RARS 128
#define FILTERS_TUPLES 128

struct tuple {                        /* a 5-tuple filter that is on; what is not compared is 0, and so is its mask */
    uint32_t source, source_mask, destination, destination_mask;
    uint32_t ports, ports_mask;       /* as SDPQF has them */
    uint32_t protocols;               /* bit n: FTQF.PROTOCOL n fits */
    uint32_t pool, any_pool;
    uint32_t queue;
    uint32_t at_once_below_bytes;     /* shorter frames interrupt at once; 0: none */
};

struct filters {
    struct regfile *regs;
    int (*control)(void *flow, const uint8_t *data, uint32_t len_bytes);  /* a MAC control frame came; 1: one that pauses */
    void *flow;
    int stale;                        /* a register changed: what follows must be made anew */
    uint32_t longest_bytes;           /* an untagged frame with FCS, as HLREG0, MAXFRS and CTRL_EXT allow */
    uint32_t queue_filters;           /* EtherType, SYN and 5-tuple filters in use, and IMIRVP */
    uint32_t priority_at_once;        /* VLAN priorities from here on interrupt at once; 8: none */
    uint32_t rar_count;               /* compact list of valid RARs */
    uint64_t rar[FILTERS_RARS];       /* MAC as RAL | RAH << 32, address bytes only */
    uint32_t tuples;                  /* 5-tuple filters in use, in the order in which they are asked */
    struct tuple tuple[FILTERS_TUPLES];
};

void filters_changed(void *filters);                              /* struct reg_hook's */
void filters_look(struct filters *filters);                       /* what follows from the registers is as they are now */
int filters_admit_stage(struct filters *filters, struct rx_pass *pass);    /* the same without address and VLAN */
int filters_fits(struct filters *filters, uint32_t len_bytes, const struct packet *pkt);   /* 1: neither runt nor giant */
int filters_stage(struct filters *filters, struct rx_pass *pass); /* 1: for us, perhaps marked as of a wrong size; 0: drop */
int filters_pass(struct filters *filters, const uint8_t *data, uint32_t len_bytes, const struct packet *pkt); /* 1 pass, 0 drop */

/* queue.c: filters that choose a queue */
void queue_filters_refresh(struct filters *filters);
void queue_filters_stage(const struct filters *filters, struct rx_pass *pass);   /* after RSS, before the flow director */
