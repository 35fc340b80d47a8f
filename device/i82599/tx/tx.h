/* SPDX-License-Identifier: BSD-3-Clause */
/* Transmit: queues, whose turn it is, and the way from descriptors to frames.
 *
 * Fetch (desc.c), build one frame (frame.c) or many (tso.c), out (out.c, and the card beyond it), then write-back.
 */

struct tx_context {
    uint32_t dword0;                  /* VLAN | MACLEN | IPLEN */
    uint32_t dword1;
    uint32_t dword2;
    uint32_t dword3;                  /* MSS | L4LEN | IDX */
    uint32_t valid;
};

struct txq {
    struct dma *dma;                  /* memory of the function that owns the queue */
    struct tx_context context[2];     /* sticky: stay until overwritten or the queue is reset */
    uint32_t stall;                   /* STALL_*: stands still until it is enabled again */
    uint32_t tso_sent_bytes;          /* payload of the packet at TDH that earlier turns already segmented */
};

struct tx_rate {                      /* how fast a queue may send; it holds while the queue is off, too */
    uint32_t rttbcnrc, rttdt1c;       /* its values of the registers behind RTTDQSEL */
    uint32_t factor;                  /* link over rate, in 2^-14; 0: no limit */
    uint32_t behind;                  /* it has had frames to send all the time */
    uint64_t due_ns, part;            /* from then on it may send; what is less than a nanosecond */
};

struct tx_share {                     /* what a traffic class may send */
    uint64_t queues[2];               /* its queues, one bit each */
    uint32_t next;                    /* round robin among them */
    uint32_t strict;                  /* it goes before those that are not */
    int64_t refill_bytes, most_bytes; /* a round; and at any time */
    int64_t credit_bytes;             /* left of it; below 0: owed */
};

struct tx_count {
    uint64_t tx_frames, tx_bytes, tx_packets_tso, tx_dropped, doorbells;
};

struct tx {
    struct regfile *regs;
    void (*written)(void *card, uint32_t queue);      /* descriptors of a queue were written back */
    uint32_t (*out)(void *card, uint32_t queue, struct frame *frames, uint32_t n);  /* how many of the first ones went */
    void *card;
    const struct clock *clock;
    struct txq queue[CHIP_QUEUES];
    struct tx_rate rate[CHIP_QUEUES];
    uint64_t pending[2];              /* queues with work */
    uint64_t waits[2];                /* queues with work that are not due yet */
    uint64_t wake_ns;                 /* when the first of those is */
    uint64_t stopped[2];              /* queues that stopped, of which nobody has been told yet */
    uint64_t early[2];                /* queues whose tail was written while they were off; Python tells */
    uint64_t frozen[2];               /* a fault: these queues take no descriptors, until a reset after that was felt */
    int frozen_felt;                  /* one of them had something to send */
    uint32_t next;                    /* round robin over all queues, or: */
    uint32_t weighted;                /* classes share by their credits; both kinds are in arbiter.c */
    uint32_t stale;                   /* a register changed: the former and struct tx_share must be made anew */
    uint32_t share_next;              /* the class whose turn it is */
    struct tx_share share[CHIP_CLASSES];
    uint8_t *arena;                   /* where segments and gathered frames are built */
    uint64_t arena_bytes;
    uint32_t usual_off;               /* all descriptors go the exact way; tests set it */
    uint64_t usual_frames;            /* so many went the usual way */
    uint32_t pools;                   /* there are pools, or nobody has looked since a register changed */
    uint32_t (*pool_rule)(void *card, uint32_t queue);                /* VMVIR of the queue's pool; 0: there is none */
    uint32_t supers;                  /* PORT_*: super-frames that may leave as they are, in this turn */
    uint32_t damaged;                 /* what goes out next has a wrong FCS of its own, and is alone */
    uint32_t stamps;                  /* the first frame that goes out next asks for a time stamp; who takes it clears this */
    struct tx_count count;
};

/* What passes between the files.  A positive return is a STALL_*. */
struct tx_packet {                    /* one packet as its descriptors and its context describe it */
    uint64_t buffer;                  /* iova of the first piece */
    uint32_t first, descs;            /* ring index of the first descriptor; how many */
    uint32_t len_bytes;               /* what the descriptors hold together */
    uint32_t payload_bytes;           /* TSE: all of it behind the headers */
    uint32_t mac_len, ip_len, l4_len; /* bytes */
    uint32_t mss, l4t;
    uint32_t cso, css;                /* legacy: where the checksum goes, where the sum starts */
    uint16_t vlan_tci;
    uint8_t rs, tse, vle, ixsm, txsm, ic, ipv4, stamp;
    uint8_t rs_early;                 /* a descriptor before the last one wants to be reported, too */
    uint8_t copied;                   /* others look at it before it leaves: never straight from guest memory */
    uint8_t own_fcs;                  /* its last four bytes are its FCS */
};
struct tx_cursor {                    /* a place inside a packet */
    uint32_t at, descs;               /* next descriptor to open, how many are left */
    uint64_t iova;                    /* rest of the open one */
    uint32_t left_bytes;
};
struct tx_turn {                      /* one queue's turn, and what waits for tx_flush() */
    struct tx *tx;
    struct txq *q;
    uint32_t queue;
    uint64_t base;
    uint8_t *ring;                    /* NULL: the ring crosses DMA regions, each descriptor is looked up */
    uint32_t count, head, tail;       /* in descriptors */
    uint32_t budget, sent;            /* frames */
    struct tx_share *share;           /* whose credits it uses; NULL: nobody's */
    struct tx_rate *rate;
    int metered;                      /* one of: */
    uint64_t byte_units, now_ns;      /* limited: what a byte takes of its time; 0: no limit */
    uint32_t frames, dones;
    uint32_t more;                    /* frames that super-frames among these stand for, beyond one each */
    uint64_t arena_used;
    uint32_t pools, vmvir;            /* others look at what leaves, so all of it is copied first; the tag it must have */
    int no_fcs;                       /* the MAC makes none, whatever a descriptor says */
    int head_write_back, head_due;    /* report the head instead of single descriptors; there is news */
    int report;                       /* something was written back: one interrupt at the end */
    struct frame frame[FRAME_BATCH];
    struct tx_desc *done[FRAME_BATCH];  /* descriptors to mark, once the frames have left */
    uint64_t done_q1[FRAME_BATCH];
};

/* tx.c */
void tx_reset(struct tx *tx);
void tx_freeze(struct tx *tx, uint64_t low, uint64_t high);         /* a fault: queues 0..63 and 64..127, one bit each */
void tx_write(void *tx, uint32_t offset, uint32_t old, uint32_t seen, uint32_t written);   /* struct reg_hook's */
int tx_run(struct tx *tx, uint32_t budget_frames);                /* frames sent, or 1 when only descriptors were passed */

/* usual.c: the first descriptors, as far as they are usual, `most` of them; how many */
uint32_t tx_usual(struct tx_turn *turn, uint32_t most);

/* arbiter.c */
void tx_arbiter_reset(struct tx *tx);
void tx_arbiter_refresh(struct tx *tx);
uint32_t tx_next_marked(const uint64_t *marks, uint32_t from);    /* CHIP_QUEUES: none */
uint32_t tx_arbiter_next(struct tx *tx, struct tx_share **of);    /* weighted: the same, and who pays */

/* rate.c */
void tx_rate_reset(struct tx *tx);
int tx_rate_write(struct tx *tx, uint32_t offset, uint32_t seen); /* 1: the selected queue has another limit */
int tx_rate_waits(struct tx *tx, uint32_t q);                     /* a limited queue has work; 1: it is not due, and waits */
void tx_rate_open(struct tx_turn *turn);                          /* a limited queue's turn, from here ... */
void tx_rate_spend(struct tx_turn *turn, uint32_t len_bytes);
void tx_rate_close(struct tx_turn *turn, int left);               /* ... to here */
void tx_rate_release(struct tx *tx);                              /* queues that are due now are pending again */
uint64_t tx_wait_ns(const struct tx *tx);                         /* until one is due; UINT64_MAX: none waits */

/* out.c: a turn's results */
void tx_flush(struct tx_turn *turn);                              /* frames to the wire, then head, then DD */
int tx_full(const struct tx_turn *turn);                          /* the budget is used up */
uint8_t *tx_slot(struct tx_turn *turn, uint32_t len_bytes);       /* room for one more frame; flushes when there is none */
void tx_emit(struct tx_turn *turn, uint8_t *data, uint32_t len_bytes);
void tx_emit_built(struct tx_turn *turn, const struct tx_packet *pkt, uint8_t *data, uint32_t len_bytes);

/* desc.c */
int tx_fetch(struct tx_turn *turn, uint32_t at, struct tx_desc *out);
int tx_context_load(struct txq *q, uint64_t q0, uint64_t q1);     /* a context descriptor; 0 or STALL_* */
int tx_next(struct tx_turn *turn, struct tx_packet *pkt);         /* 0, STALL_*, -EAGAIN: the rest is not there yet */
int tx_done(struct tx_turn *turn, uint32_t at);                   /* RS: mark it with the next flush */
int tx_done_early(struct tx_turn *turn, const struct tx_packet *pkt);   /* the same for those before the last that want it */
void tx_rewind(const struct tx_packet *pkt, struct tx_cursor *cursor);
int tx_read(struct tx_turn *turn, struct tx_cursor *cursor, uint8_t *dst, uint32_t len_bytes); /* dst NULL: skip */

/* super.c: a packet to be segmented that leaves as one super-frame, for whoever is at the other end to cut */
int super_fits(const struct tx_turn *turn, const struct tx_packet *pkt, const uint8_t *header);
int super_send(struct tx_turn *turn, const struct tx_packet *pkt, const uint8_t *header, struct tx_cursor *cursor);

/* frame.c, tso.c */
int tx_frame(struct tx_turn *turn, const struct tx_packet *pkt);
int tx_insert_sums(const struct tx_packet *pkt, uint8_t *data, uint32_t len_bytes);  /* as IXSM and TXSM ask; 0 or STALL_* */
int tso_send(struct tx_turn *turn, const struct tx_packet *pkt);  /* -EBUSY: the budget ended in the middle */
