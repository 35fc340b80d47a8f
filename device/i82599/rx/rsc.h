/* SPDX-License-Identifier: BSD-3-Clause */
/* Receive side coalescing: frames of one TCP flow become one packet in a chain of descriptors. */

#define RSC_FLOWS 32                  /* at once, of all queues */
#define RSC_DESCS_MAX 16              /* of one packet; RSCCTL.MAXDESC may say fewer */
#define RSC_TCP_ACK 8                 /* offset of a field */
#define RSC_HEADER_MAX 70             /* Ethernet, a tag, IPv4, TCP with time stamps */

struct rsc_desc {
    uint64_t iova;                    /* of its buffer */
    uint32_t at;                      /* its place in the ring */
    uint32_t begun;                   /* frames that begin in it */
};

struct rsc_flow {                     /* a packet that grows: its bytes are in memory, its descriptors not yet software's */
    struct rx_info info;              /* of the first frame */
    struct rsc_desc desc[RSC_DESCS_MAX];
    uint8_t header[RSC_HEADER_MAX];   /* as it lies in memory, and as it will be */
    uint32_t header_bytes, l3, l4;    /* offsets in it */
    uint32_t descs, buffer_bytes;
    uint32_t fill_bytes;              /* of the last descriptor's buffer */
    uint32_t len_bytes, frames;
    uint32_t next_seq;
    uint64_t born;                    /* the lowest is the oldest */
};

struct rsc_segment {                  /* a TCP segment over IPv4, as its own header says */
    uint8_t header[RSC_HEADER_MAX];   /* as software will see it: without a tag that is taken out */
    uint32_t header_bytes, l3, l4;
    uint32_t payload_bytes;
    uint32_t cut_bytes;               /* of a tag that is taken out */
    int fit;                          /* it may be coalesced */
};

struct rsc {
    const struct clock *clock;
    struct rsc_flow flow[RSC_FLOWS];
    uint32_t used;                    /* flows, one bit each */
    uint64_t births;
    uint64_t deadline_ns;             /* when one of them is to end; UINT64_MAX: there is none */
    uint64_t packets, frames;         /* chains of more than one frame, and the frames in them */
};

/* rsc_look.c */
int rsc_look(const struct rx *rx, const struct rx_info *info, const uint8_t *data, struct rsc_segment *out);  /* 0: no segment */
struct rsc_flow *rsc_flow_of(struct rsc *rsc, uint32_t queue, const struct rsc_segment *seg); /* or NULL */
int rsc_continues(const struct rsc_flow *flow, const struct rx_info *info, const struct rsc_segment *seg);

/* rsc.c */
void rsc_reset(struct rsc *rsc);
uint64_t rsc_wait_ns(const struct rx *rx);                        /* until one is to end; UINT64_MAX: there is none */
void rsc_run(struct rx *rx);                                      /* between batches: those whose time has come end */
