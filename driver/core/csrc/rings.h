/* SPDX-License-Identifier: BSD-3-Clause */
/* Descriptor rings of any chip: who owns which slot, and which buffers.  What a descriptor looks like is the family's own
 * business, reached through struct ring_ops.
 *
 * A ring belongs to the one thread that polls its q_vector; an XDP Tx ring has a lock, for others may send on it.  Functions return a count >= 0 or -errno, allocate nothing,
 * and loop no longer than their budget.
 */

#define RX_FRAME_BUFS 16                 /* most buffers one received frame may span */

#define RX_VLAN 1                        /* rx_frame.flags: the NIC took a VLAN tag out; vlan_tci has it */
#define RX_CSUM_GOOD 2                   /* the NIC summed TCP, UDP or SCTP, and whatever it summed was right */
#define RX_L4_CSUM_BAD 4                 /* the NIC found a wrong TCP, UDP or SCTP checksum */
#define RX_COALESCED 8                   /* the NIC made one TCP packet of many frames; segments has their number */
#define RING_EINVAL 22
#define RING_EAGAIN 11

struct ring_stats {
    uint64_t packets, bytes, errors, csum_errors, drops, busy, restarts;
    uint64_t lro_packets, lro_frames;    /* those with RX_COALESCED, and the frames in them */
};

/* Rx: slot i always owns buffer i (buf + i * buf_bytes).  next_to_clean .. next_to_use-1 belong to the NIC. */
struct rx_ring {
    struct mmio *bar;
    const struct ring_ops *ops;
    uint64_t *desc;                      /* count descriptors, as large as the family has them */
    uint64_t buf_iova;
    uint8_t *buf;
    uint32_t buf_bytes;
    uint32_t count;                      /* power of two not needed */
    uint32_t next_to_use, next_to_clean;
    uint32_t tail_offset;                /* where the tail register is in the BAR */
    uint32_t queue;
    struct ring_stats stats;
    struct xdp *xdp;                     /* a program that sees each frame first (xdp.c); NULL: none */
    uint32_t xdp_turn;                   /* odd while it runs */
};

struct rx_frame {                        /* one received frame, still in the NIC's buffers; what lies behind `bufs` parts is old */
    uint32_t bufs;
    uint32_t total_bytes;
    uint32_t found;                      /* kinds of hash and headers; this and status in the family's own bits: nothing here reads them */
    uint32_t rss_hash;
    uint32_t status;
    uint32_t flags;                      /* RX_* */
    uint16_t vlan_tci;                   /* valid with RX_VLAN */
    uint16_t segments;                   /* valid with RX_COALESCED: frames on the wire that it was */
    uint32_t len_bytes[RX_FRAME_BUFS];
    uint8_t *data[RX_FRAME_BUFS];
};

/* Tx: slot i owns buffer i.  A frame takes one context slot if it needs one, then its data slots. */
struct tx_ring {
    struct mmio *bar;
    const struct ring_ops *ops;
    uint64_t *desc;
    uint64_t buf_iova;
    uint8_t *buf;
    uint32_t buf_bytes;
    uint32_t count;
    uint32_t next_to_use, next_to_clean;
    uint64_t *sent;                      /* per frame under way: slot of its last descriptor, and above it sent_bytes with it */
    uint32_t sent_to_use, sent_to_clean; /* the frames under way, in the order in which the NIC completes them */
    uint32_t sent_bytes, cleaned_bytes;  /* of all frames ever; these two wrap */
    uint32_t tail_offset;
    uint32_t tail_written;
    uint32_t queue;
    uint64_t stuck_ns;                   /* since when no descriptor completed while work was pending; 0 = fine */
    struct ring_stats stats;
    struct ring_lock *lock;              /* NULL: only the thread that polls the ring's q_vector touches it */
};

struct tx_offload {                      /* what a frame asks of the NIC; all 0 = nothing */
    uint16_t l3_offset;                  /* start of the IP header */
    uint16_t l4_offset;                  /* start of TCP/UDP/SCTP */
    uint16_t l4_len_bytes;               /* header length, for TSO */
    uint16_t mss;                        /* TSO segment payload; 0 = no TSO */
    uint8_t ipv4;
    uint8_t ip_csum;
    uint8_t l4_csum;
    uint8_t l4_type;                     /* 0 UDP, 1 TCP, 2 SCTP */
    uint16_t vlan_tci;
    uint8_t vlan;                        /* 1 = insert vlan_tci */
    uint8_t stamp;                       /* 1 = the NIC is to note when the frame leaves */
};

struct tx_piece { const uint8_t *data; uint32_t len_bytes; };

/* A family's descriptors.  Called once a batch, but for commit: a frame that needs it asks for something, or is long. */
struct ring_ops {
    uint32_t ip_header_max_bytes;        /* longest IP header, options included, behind which the NIC finds a checksum */
    int (*harvest)(struct rx_ring *ring, struct rx_frame *out, uint32_t budget);   /* as rx_harvest */
    void (*refill)(struct rx_ring *ring, uint32_t slots);      /* describe the buffers of so many slots from next_to_use on */
    int (*clean)(struct tx_ring *ring, uint32_t budget);       /* completed frames, taken off the ring with tx_completed */
    void (*commit)(struct tx_ring *ring, uint32_t len_bytes, const struct tx_offload *off); /* there is room, and it makes sense */
    /* The quick way for frames that ask for nothing and fit into one buffer each, up to the first that does not or has no room.
     * How many were posted; NULL, both of them: all frames go by commit. */
    int (*post_one)(struct tx_ring *ring, const uint8_t *frame, uint32_t len_bytes);
    int (*post)(struct tx_ring *ring, const struct tx_piece *frames, uint32_t n);
};

struct ring_lock *ring_lock_new(void);   /* for a Tx ring that several threads use; NULL: no memory */
void ring_lock_free(struct ring_lock *lock);
int rx_harvest(struct rx_ring *ring, struct rx_frame *out, uint32_t budget);  /* complete frames only */
int rx_refill(struct rx_ring *ring);     /* give every cleaned slot back, in batches; one tail write. Slots given */
uint32_t tx_free(const struct tx_ring *ring);
int tx_clean(struct tx_ring *ring, uint32_t budget, uint64_t now_ns);         /* frames completed */
int tx_post(struct tx_ring *ring, const uint8_t *frame, uint32_t len_bytes, const struct tx_offload *off); /* copies; 1, or -EAGAIN */
/* The same for n frames that ask for nothing: how many found room, or -EINVAL if the first cannot be sent.  What lies where
 * tx_place says is not copied. */
int tx_post_many(struct tx_ring *ring, const struct tx_piece *frames, uint32_t n);
int tx_post_packed(struct tx_ring *ring, const uint8_t *frames, const uint32_t *len_bytes, uint32_t n); /* one behind the other */
uint8_t *tx_place(const struct tx_ring *ring, uint32_t n);   /* where the frame goes that has n of one buffer each before it */
int tx_commit(struct tx_ring *ring, uint32_t len_bytes, const struct tx_offload *off); /* frame already in buffers next_to_use+1 ... */
void tx_flush(struct tx_ring *ring);     /* one tail write for everything posted since the last */
