/* SPDX-License-Identifier: BSD-3-Clause */
/* Receive side coalescing: frames of one TCP flow become one packet in a chain of descriptors. */

#define RSC_FLOWS 32                  /* at once, of all queues */
#define RSC_DESCS_MAX 16              /* of one packet; RSCCTL.MAXDESC may say fewer */
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

struct rsc {
    const struct clock *clock;
    struct rsc_flow flow[RSC_FLOWS];
    uint32_t used;                    /* flows, one bit each */
    uint64_t births;
    uint64_t deadline_ns;             /* when one of them is to end; UINT64_MAX: there is none */
    uint64_t packets, frames;         /* chains of more than one frame, and the frames in them */
};

void rsc_reset(struct rsc *rsc);
uint64_t rsc_wait_ns(const struct rx *rx);                        /* until one is to end; UINT64_MAX: there is none */
void rsc_run(struct rx *rx);                                      /* between batches: those whose time has come end */
