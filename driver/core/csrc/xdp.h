/* SPDX-License-Identifier: BSD-3-Clause */
/* A program that sees each frame of an Rx ring before the netdev does, and says what becomes of it.  Needs rings.h. */

#define XDP_ABORTED 0                    /* Linux's numbers; any other answer counts as this one */
#define XDP_DROP 1
#define XDP_PASS 2
#define XDP_TX 3
#define XDP_REDIRECT 4
#define XDP_VERDICTS 5

struct xdp_frame {                       /* what a program is given; it may change the bytes and the first three members */
    uint8_t *data;
    uint32_t len_bytes;                  /* 14 at least when it is done, and all of it inside the buffer */
    uint32_t target;                     /* XDP_REDIRECT: which one of xdp.targets */
    uint8_t *buf;                        /* the buffer that the frame lies in */
    uint32_t buf_bytes;
    uint32_t queue;
    uint32_t rss_hash;
    uint16_t flags;                      /* RX_* */
    uint16_t vlan_tci;                   /* valid with RX_VLAN: the tag is not among the bytes, and goes with the frame */
};

typedef uint32_t xdp_program(struct xdp_frame *frame, void *context);

struct xdp_port {                        /* where frames can be sent: a Tx ring, or a queue of a tap; it outlives both */
    struct ring_lock *lock;              /* the ring's too; whoever changes the rest holds it */
    struct tx_ring *ring;                /* NULL: there is none now */
    int tap_fd;                          /* -1: likewise */
};

struct xdp_out {                         /* a port as one program sees it on one Rx ring */
    struct xdp_port *port;
    uint64_t sent, lost;                 /* lost: no room, or nothing is behind the port now */
    uint32_t unflushed;
};

struct xdp {
    xdp_program *program;
    void *context;
    struct xdp_out *tx;                  /* of XDP_TX; NULL: there is no such ring, and these frames count as aborted */
    struct xdp_out **targets;            /* of XDP_REDIRECT */
    uint32_t target_count;
    uint64_t seen[5];                    /* frames by verdict; XDP_VERDICTS of them */
};

/* Run the program on n frames just harvested; those to go on are moved to the front. How many they are */
int xdp_run(struct rx_ring *ring, struct rx_frame *frame, int n);
/* Put a program (NULL: none) in place of the present one; 0 once nobody runs the old one, or -ETIMEDOUT: it may still run */
int xdp_set(struct rx_ring *ring, struct xdp *xdp, uint64_t timeout_ns);
/* Put another ring or tap behind a port, or none; when this returns nobody sends on what was there */
void xdp_plug(struct xdp_port *port, struct tx_ring *ring, int tap_fd);
