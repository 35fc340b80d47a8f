/* SPDX-License-Identifier: BSD-3-Clause */
/* What cffi and the compiler both read; behind traffic.h. */

struct latency {
    struct rx_ring *rx;
    struct tx_ring *tx;
    const uint8_t *frame;
    uint32_t len_bytes;
    int irq_fd;                          /* eventfd of the vector; -1: spin */
    uint64_t rearm_offset;
    uint32_t rearm_value;
    uint32_t pause_us;                   /* before each frame; 0: none */
    uint32_t times;
    uint64_t *out_ns;                    /* of each frame */
};

int latency_run(const struct latency *l, const struct traffic_calls *calls);     /* 0, or -errno */
