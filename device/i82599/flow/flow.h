/* SPDX-License-Identifier: BSD-3-Clause */
/* Flow control, both ways.
 *
 * Received pause and priority pause frames keep Tx queues from sending for their quanta; XOFF and XON leave at the water
 * marks of the Rx packet buffer.  Times are looked at in turns, and the loop sleeps until the next one: nobody waits.
 */

#define FLOW_CLASSES 8                /* priorities, and traffic classes */
#define FLOW_KEPT_MAX 128             /* frames: what the turns between two looks at a full wire can make */

struct flow {
    struct regfile *regs;
    const struct clock *clock;
    uint32_t paused;                  /* traffic classes that may not send, one bit each */
    uint64_t until_ns[FLOW_CLASSES];  /* for each of those */
    uint64_t held[2];                 /* their Tx queues, one bit each */
    uint32_t xoff;                    /* classes that we have told the other end to stop; without priorities bit 0 */
    uint32_t speaks_of;               /* the class of the frame that is being sent */
    uint64_t refresh_ns[FLOW_CLASSES];    /* when to tell it again */
    /* A wire that is full for now keeps what it did not take, in order, if the other end may stop us at all (MFLCN).  So
     * nothing is lost between two ends of which one is slow to read that it must stop. */
    uint32_t kept, kept_first;        /* frames in kept_frame[], from kept_first on */
    uint64_t kept_ns;                 /* since when it has taken none */
    struct frame kept_frame[FLOW_KEPT_MAX];
    uint32_t kept_queue[FLOW_KEPT_MAX];
    uint8_t (*slot)[PORT_SLOT_BYTES];
    uint8_t frame[ETH_FRAME_MIN_BYTES];   /* the pause frame that is being sent */
};

/* received.c */
void flow_reset(struct flow *flow);
uint64_t flow_quanta_ns(const struct flow *flow, uint32_t quanta);     /* at the link's speed */
int flow_control(void *flow, const uint8_t *data, uint32_t len_bytes);  /* a MAC control frame; 1: it is a pause frame */
void flow_ends(struct flow *flow);                                /* pauses that are over */
uint32_t flow_keep(struct flow *flow, uint32_t queue, const struct frame *frames, uint32_t n); /* how many it has kept */
uint32_t flow_kept_sent(struct flow *flow, uint32_t n);           /* the first n are gone; how many are left */
uint64_t flow_wait_ns(const struct flow *flow);                   /* until something is due; UINT64_MAX: nothing is */

/* sent.c */
int flow_sends(const struct flow *flow);                          /* software wants XOFF to be sent */
uint32_t flow_room(const struct flow *flow, const uint32_t *used_of); /* frames that surely fit into the packet buffer */
/* What is to be told the other end now that the packet buffer holds so much of each class.  Ask again after flow_said(). */
int flow_due(struct flow *flow, const uint32_t *used_of, struct frame *frame);  /* 0: nothing; 1: XOFF; 2: XON */
void flow_said(struct flow *flow, int what, uint32_t sent);       /* whether the wire took it */
