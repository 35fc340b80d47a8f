/* SPDX-License-Identifier: BSD-3-Clause */
/* A device that does as little as one can: whatever is sent arrives.  It takes a turn when a tail is written, knows the
 * 82599's descriptors, and copies each frame once.  It calls nothing, so what it costs is what its own instructions are. */
#include <stdint.h>

#define LENGTH_MASK 0xFFFFu
#define SENT (1ull << 32)
#define ARRIVED 3u                       /* whole, and done */

struct ideal {
    uint64_t *tx, *rx;                   /* descriptors */
    uint8_t *memory;                     /* what is at the address `iova` */
    uint64_t iova;
    uint32_t tx_count, rx_count;
    uint32_t tx_head, tx_tail, rx_head, rx_tail;
    uint32_t tx_tail_offset;
};

static void copy(uint8_t *to, const uint8_t *from, uint32_t len_bytes)
{
    uint32_t at = 0;

    for (; at + 8 <= len_bytes; at += 8)
        *(uint64_t *)(void *)(to + at) = *(const uint64_t *)(const void *)(from + at);
    for (; at < len_bytes; at++)
        to[at] = from[at];
}

int ideal_write(void *arg, uint64_t offset, uint32_t value)
{
    struct ideal *nic = arg;

    if (offset == nic->tx_tail_offset)
        nic->tx_tail = value;
    else
        nic->rx_tail = value;
    while (nic->tx_head != nic->tx_tail && nic->rx_head != nic->rx_tail) {
        uint64_t *out = &nic->tx[2 * nic->tx_head], *in = &nic->rx[2 * nic->rx_head];
        uint32_t len_bytes = out[1] & LENGTH_MASK;

        copy(nic->memory + (in[0] - nic->iova), nic->memory + (out[0] - nic->iova), len_bytes);
        in[0] = 0;
        __atomic_store_n(&in[1], (uint64_t)len_bytes << 32 | ARRIVED, __ATOMIC_RELEASE);
        __atomic_store_n(&out[1], SENT, __ATOMIC_RELEASE);
        nic->tx_head = nic->tx_head + 1 == nic->tx_count ? 0 : nic->tx_head + 1;
        nic->rx_head = nic->rx_head + 1 == nic->rx_count ? 0 : nic->rx_head + 1;
    }
    return 0;
}
