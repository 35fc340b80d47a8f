/* SPDX-License-Identifier: BSD-3-Clause */
/* What cffi and the compiler both read; behind the driver's mmio.h and rings.h. */

#define TRAFFIC_FRAME_MAX 2048

struct traffic_calls {                   /* functions of the driver's module, by address: it exports none by name */
    int (*post)(struct tx_ring *, const uint8_t *, uint32_t, const struct tx_offload *);
    void (*flush)(struct tx_ring *);
    int (*clean)(struct tx_ring *, uint32_t, uint64_t);
    int (*harvest)(struct rx_ring *, struct rx_frame *, uint32_t);
    int (*refill)(struct rx_ring *);
    uint64_t (*now)(void);
    void (*write32)(struct mmio *, uint64_t, uint32_t);
};

struct traffic {
    struct rx_ring **rx;
    struct tx_ring **tx;
    uint32_t rx_count, tx_count;
    uint8_t *templates;                  /* a frame of each flow, TRAFFIC_FRAME_MAX apart */
    uint32_t flows;                      /* a multiple of tx_count: flow f goes out on ring f % tx_count */
    uint32_t len_bytes;
    uint32_t flow_at, number_at;         /* where a frame has its flow (two bytes, network order) and its number (four, ours) */
    uint32_t want_flags;                 /* RX_* that each frame is to arrive with */
    const struct tx_offload *off;
    uint64_t frames;
    uint32_t batch, window;              /* frames a doorbell, and under way at most */
    uint64_t deadline_ns;
    int (*step)(void *device);           /* a turn of a device in this thread, or NULL */
    void *device;
    uint64_t sent, received, bad, elapsed_ns, step_ns;           /* what came of it */
    uint64_t received_of[64];
};

int traffic_run(struct traffic *t, const struct traffic_calls *calls);   /* 0, or -errno */
