/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames of many flows out of and into the driver's rings, as a program of the driver's user would send them: each flow has
 * a template, each frame a number within its flow.  Who answers the rings does not matter; a device in the same thread is
 * given its turns by `step`, and the time of these alone is counted, too. */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include "mmio.h"
#include "rings.h"
#include "traffic.h"

#define RINGS_MAX 64
#define FLOWS_MAX 4096
#define BATCH_MAX 64
#define CLEAN_MAX 256
#define STEPS_MAX 64                     /* turns in a row that a device in this thread may take for nothing */

/* Take what came; a frame counts as bad unless it is whole, the next of its flow, and as `want_flags` says. */
static uint64_t take(const struct traffic *t, const struct traffic_calls *calls, uint32_t r, uint32_t *next, uint64_t *bad)
{
    struct rx_frame got[BATCH_MAX];
    int n = calls->harvest(t->rx[r], got, BATCH_MAX);

    for (int i = 0; i < n; i++) {
        uint32_t flow = 0, number = 0;

        if (got[i].total_bytes == t->len_bytes && got[i].bufs == 1) {
            flow = (uint32_t)got[i].data[0][t->flow_at] << 8 | got[i].data[0][t->flow_at + 1];
            memcpy(&number, got[i].data[0] + t->number_at, sizeof number);
        }
        if (flow >= t->flows || number != next[flow] || (got[i].flags & t->want_flags) != t->want_flags)
            (*bad)++;
        if (flow < t->flows)
            next[flow] = number + 1;
    }
    if (n > 0)
        calls->refill(t->rx[r]);
    return n > 0 ? (uint64_t)n : 0;
}

int traffic_run(struct traffic *t, const struct traffic_calls *calls)
{
    static uint32_t sent_of[FLOWS_MAX], next[FLOWS_MAX];     /* one run at a time */
    uint32_t window = t->window, per_ring, turn_of_ring = 0, idle = 0;
    uint64_t start_ns = calls->now(), now_ns = start_ns;

    if (!t->rx_count || t->rx_count > RINGS_MAX || !t->tx_count || t->tx_count > RINGS_MAX || !t->batch || t->batch > BATCH_MAX ||
        t->flows > FLOWS_MAX || t->flows < t->tx_count || t->flows % t->tx_count || t->len_bytes > TRAFFIC_FRAME_MAX || !window ||
        t->number_at + sizeof(uint32_t) > t->len_bytes)
        return -EINVAL;
    memset(sent_of, 0, sizeof sent_of);
    memset(next, 0, sizeof next);
    t->sent = t->received = t->bad = t->step_ns = 0;
    memset(t->received_of, 0, sizeof t->received_of);
    per_ring = t->flows / t->tx_count;
    for (uint64_t turn = 0; t->received < t->frames; turn++) {
        uint32_t q = (uint32_t)(turn % t->tx_count), posted = 0;
        uint64_t came = 0;

        if ((turn & 63) == 0) {
            now_ns = calls->now();
            if (now_ns > t->deadline_ns || t->rx[0]->bar->error)
                break;
        }
        for (; posted < t->batch && t->sent < t->frames && t->sent - t->received < window; posted++) {
            uint32_t flow = q + t->tx_count * (turn_of_ring++ % per_ring);   /* a flow stays on its ring, so it stays in order */
            uint8_t *frame = t->templates + (uint64_t)flow * TRAFFIC_FRAME_MAX;

            memcpy(frame + t->number_at, &sent_of[flow], sizeof sent_of[flow]);
            if (calls->post(t->tx[q], frame, t->len_bytes, t->off) < 0)
                break;
            sent_of[flow]++;
            t->sent++;
        }
        calls->flush(t->tx[q]);
        if (t->step) {
            uint64_t before_ns = calls->now();

            (void)t->step(t->device);
            t->step_ns += calls->now() - before_ns;
        }
        calls->clean(t->tx[q], CLEAN_MAX, now_ns);
        for (uint32_t r = 0; r < t->rx_count; r++) {
            uint64_t n = take(t, calls, r, next, &t->bad);

            t->received_of[r] += n;
            came += n;
        }
        t->received += came;
        idle = came || posted ? 0 : idle + 1;
        if (t->step && idle > STEPS_MAX)
            break;
    }
    t->elapsed_ns = calls->now() - start_ns;
    return t->received == t->frames ? 0 : t->rx[0]->bar->error ? t->rx[0]->bar->error : -ETIMEDOUT;
}
