/* SPDX-License-Identifier: BSD-3-Clause */
/* Receive: the queue registers, the packet buffer, and the rings where frames become the driver's memory. */

#define RX_FIFO_BYTES 524288          /* Rx packet buffer; each class has room for as much, RXPBSIZE says how much it uses */

struct rxq {
    struct dma *dma;                  /* memory of the function that owns the queue */
    uint32_t stall;                   /* STALL_*: stands still until it is enabled again */
    uint32_t on;                      /* RXDCTL.ENABLE as last acted on */
    uint32_t head;                    /* next descriptor to fill; RDH shows it after every batch */
    uint32_t tail;                    /* RDT as last honoured: first descriptor that is not ours */
    uint32_t open;                    /* this batch has looked at the ring; what follows holds until it ends */
    uint32_t count;                   /* descriptors */
    uint32_t buffer_bytes;
    uint32_t srrctl, rxdctl;
    uint32_t strips;                  /* RXDCTL.VME if PFQDE hides VLANs */
    uint32_t qde;                     /* this queue's entry of PFQDE */
    uint32_t keeps_fcs;               /* HLREG0 and RDRXCTL leave the FCS in memory */
    uint32_t splits;                  /* SRRCTL wants headers in buffers of their own */
    uint32_t rsc;                     /* its frames are coalesced, as far as they can be */
    uint32_t never_whole;             /* one of these: no frame is stored as it came */
    uint32_t usual_bytes;             /* so long a frame may go the usual way: into one buffer, in the advanced format; 0: none */
    uint32_t seen_regs, seen_dma;     /* regfile.changes and dma.changes when the ring was looked at: all above holds until then */
    uint64_t near_iova, near_starts;  /* the DMA region of its last usual buffer: where it begins, and at how many bytes of it one */
    uint8_t *near_ptr;                /* may start without reaching out of it; and where it is here */
    uint64_t base;                    /* iova of the ring */
    uint8_t *ring;                    /* the whole ring; NULL: it crosses DMA regions, look every descriptor up */
    uint32_t written;                 /* status of the descriptors that this batch used; not 0: publish the head, interrupt */
    uint32_t batch_frames;            /* stored whole in this batch */
    uint64_t batch_bytes;
};

struct rx_part {                      /* one class's part of it */
    uint8_t *data;                    /* RX_FIFO_BYTES */
    uint32_t head, tail, frames;
};

struct rx_fifo {                      /* the Rx packet buffer: frames that wait for a descriptor */
    uint8_t *data;                    /* RX_FIFO_BYTES for each class */
    uint32_t used_bytes, frames;      /* of all */
    uint32_t used_of[CHIP_CLASSES];   /* bytes */
    struct rx_part part[CHIP_CLASSES];
};

struct rx_count {
    uint64_t rx_frames, rx_bytes, rx_filtered, rx_no_desc, rx_fifo_full, rx_disabled, doorbells;
};

struct rsc;
struct rx {
    struct regfile *regs;
    struct rsc *rsc;
    void (*written)(void *card, uint32_t queue);      /* descriptors of a queue were written back */
    void (*at_once)(void *card, uint32_t queue);      /* the same, and the message does not wait */
    void (*cause)(void *intr, uint32_t causes);       /* EICR causes, in place */
    int (*coalesce)(struct rx *rx, const struct rx_info *info, const uint8_t *data); /* rsc_put() */
    void (*batch_ends)(struct rx *rx, uint32_t queue);                               /* rsc_batch_ends() */
    uint64_t (*untold_ns)(void *intr, uint32_t queue); /* until a message of the queue may leave; 0: now, or none will */
    void *intr;
    void (*counted)(void *stats, uint32_t queue, uint32_t frames, uint64_t bytes, uint32_t dropped); /* for want of descriptors */
    void *stats;
    int (*pass_on)(void *card, struct rx_pass *pass); /* a frame's way, stage by stage; 0: it was filtered out */
    uint32_t (*usual)(void *card, const struct frame *frames, uint32_t n);    /* how many of the first ones went the usual way */
    void *card;
    int link_up;                                      /* frames pass the MAC */
    uint32_t pools;                                   /* there are pools: none of them waits for a function that is off */
    void (*of_pool)(void *card, const struct rx_info *info, const uint8_t *data);     /* a pool's frame was stored */
    int flows;                                        /* this batch may go to memory; and the ethertypes of its tags: */
    uint32_t vet, vet_outer;                          /* registers cannot change in a batch, so they are looked at once */
    struct rxq queue[CHIP_QUEUES];
    uint64_t open[2];                                 /* queues with `open` set */
    uint64_t stopped[2];                              /* queues that stopped, of which nobody has been told yet */
    uint64_t early[2];                                /* queues whose tail was written while they were off; Python tells */
    uint64_t frozen[2];                               /* a fault: these queues take no descriptors, until a reset after that was felt */
    int frozen_felt;                                  /* a frame came for one of them */
    struct rx_fifo fifo;
    struct rx_count count;
};

/* rx.c */
void rx_reset(struct rx *rx);
void rx_write(void *rx, uint32_t offset, uint32_t old, uint32_t seen, uint32_t written);   /* struct reg_hook's */
/* A batch: the packet buffer, as far as descriptors go, then frames from the wire; all are taken or counted.  Returns how
 * many left the packet buffer. */
int rx_frames(struct rx *rx, const struct frame *frames, uint32_t n);
int rx_parse_stage(struct rx *rx, struct rx_pass *pass);          /* what the frame is; 0: damaged, drop */
void rx_store_stage(struct rx *rx, struct rx_pass *pass);         /* to its ring, or behind what waits already */
void rx_store_copy(struct rx *rx, struct rx_pass *pass);          /* the same with a pool's copy, which its pool counts */
void rx_tags(struct rx *rx);                                      /* rx.vet and rx.vet_outer, as registers have them now */

/* split.c: the part of a frame that goes to the header buffer, and what it adds to the write-back */
struct rx_split {
    uint32_t bytes;                   /* 0: nothing */
    uint32_t type;                    /* HDRLEN and SPH, for the first descriptor */
    uint32_t status;                  /* HBO, for the last */
};
struct rx_split rx_split(const struct rx *rx, uint32_t srrctl, const struct rx_info *info, const uint8_t *data,
                         uint32_t stored);      /* bytes of the frame that go to memory: without its tag if that is cut out */

/* checksum.c */
void rx_checksum_stage(const struct rx *rx, struct rx_pass *pass);
uint32_t rx_checksum_status(const uint8_t *data, uint32_t len_bytes, const struct packet *pkt); /* of the advanced descriptor */
uint32_t rx_fragment_word(const uint8_t *data, uint32_t len_bytes, const struct packet *pkt);  /* fragment checksum | IP id */

/* rsc.c */
int rsc_put(struct rx *rx, const struct rx_info *info, const uint8_t *data); /* 1: coalesced; 0: it goes the ordinary way */
void rsc_batch_ends(struct rx *rx, uint32_t queue);               /* what has to end now does */
void rsc_queue_ends(struct rx *rx, uint32_t queue);               /* all does: the queue is about to be off */
void rsc_forget(struct rx *rx, uint32_t queue);                   /* its descriptors are no longer what they were */

/* fifo.c */
int rx_fifo_push(struct rx *rx, const struct rx_info *info, const uint8_t *data); /* 0: full */
int rx_fifo_run(struct rx *rx);
void rx_fifo_reset(struct rx *rx);                                /* nothing waits, and nothing is counted */
void rx_fifo_clear(struct rx *rx);

/* ring.c: descriptors of one queue */
int rx_rsc_on(const struct rx *rx, uint32_t queue);               /* the queue's frames may be coalesced */
int rx_ring_open(struct rx *rx, uint32_t queue);                  /* 1: usable; 0: off, or it stands still */
int rx_ring_put(struct rx *rx, const struct rx_info *info, const uint8_t *data); /* 1: stored or dropped; 0: must wait */
/* A usual buffer in another region than the last one: that is the near one now.  NULL: the exact way will see why. */
uint8_t *rx_far(struct rxq *q, uint64_t iova, uint32_t bytes);
int rx_ring_close(struct rx *rx);                                 /* end of a batch: heads, counters, interrupts */
