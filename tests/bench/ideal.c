/* SPDX-License-Identifier: BSD-3-Clause */
/* A device that only answers descriptors, as fast as a thread can: what leaves one Tx ring arrives in one Rx ring, copied
 * once.  No registers but the two tails, no filter, no checksum, no counter.  It shows what the driver costs alone. */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "regs.h"
#include "ideal.h"

struct ideal {
    struct ideal_rings *rings;
    pthread_t thread;
    uint32_t stop;
};

static uint32_t tail(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

/* One frame from the Tx slot into the Rx slot. */
static void move(const struct ideal_rings *r, uint32_t tx, uint32_t rx)
{
    uint64_t *out = r->tx_desc + 2 * tx, *in = r->rx_desc + 2 * rx;
    uint64_t len = (out[1] & TXDADV_DTALEN) >> TXDADV_DTALEN_SHIFT;

    memcpy(r->memory + (in[0] - r->iova), r->memory + (out[0] - r->iova), len);
    in[0] = 0;
    __atomic_store_n(&in[1], RXD_STAT_DD | RXD_STAT_EOP | len << RXD_LENGTH_SHIFT, __ATOMIC_RELEASE);
    __atomic_store_n(&out[1], out[1] | TXD_STAT_DD, __ATOMIC_RELEASE);
}

static void *answer(void *arg)
{
    struct ideal *ideal = arg;
    struct ideal_rings *r = ideal->rings;
    uint32_t tx = r->tx, rx = r->rx;

    while (!__atomic_load_n(&ideal->stop, __ATOMIC_RELAXED)) {
        uint32_t tx_tail = tail(r->tx_tail), rx_tail = tail(r->rx_tail);

        for (; tx != tx_tail && rx != rx_tail; tx = tx + 1 == r->count ? 0 : tx + 1, rx = rx + 1 == r->count ? 0 : rx + 1)
            move(r, tx, rx);
    }
    r->tx = tx;
    r->rx = rx;
    return NULL;
}

struct ideal *ideal_start(struct ideal_rings *rings)
{
    struct ideal *ideal = calloc(1, sizeof *ideal);

    if (!ideal)
        return NULL;
    ideal->rings = rings;
    if (pthread_create(&ideal->thread, NULL, answer, ideal)) {
        free(ideal);
        return NULL;
    }
    return ideal;
}

void ideal_stop(struct ideal *ideal)
{
    __atomic_store_n(&ideal->stop, 1, __ATOMIC_RELAXED);
    pthread_join(ideal->thread, NULL);
    free(ideal);
}
