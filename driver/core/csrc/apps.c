/* SPDX-License-Identifier: BSD-3-Clause */
/* Small packet programs and measurements that run whole in C. */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "mmio.h"
#include "rings.h"
#include "netdev.h"
#include "napi.h"
#include "apps.h"

#define APP_BATCH_MAX 64
#define APP_HEADER_BYTES 14
#define APP_IN_FLIGHT_MIN 8

/* Numbered frames, written where they are sent from; every slot's buffer needs the whole frame but once.  How many went. */
static uint32_t app_send(struct tx_ring *tx, const uint8_t *frame, uint32_t len_bytes, uint32_t n, uint64_t sequence)
{
    struct tx_piece piece[APP_BATCH_MAX];
    int rc;

    for (uint32_t i = 0; i < n; i++, sequence++) {
        uint8_t *place = tx_place(tx, i);

        if (sequence < tx->count)
            memcpy(place, frame, len_bytes);
        memcpy(place + APP_HEADER_BYTES, &sequence, sizeof sequence);
        piece[i] = (struct tx_piece){ place, len_bytes };
    }
    rc = tx_post_many(tx, piece, n);
    return rc > 0 ? (uint32_t)rc : 0;
}

int app_loop(struct rx_ring *rx, struct tx_ring *tx, const uint8_t *header, uint32_t len_bytes, uint64_t frames, uint32_t batch,
             uint64_t deadline_ns, struct app_result *out)
{
    struct rx_frame got[APP_BATCH_MAX];
    uint8_t frame[2048] = { 0 };
    uint64_t start_ns = napi_now(), now_ns = start_ns;
    /* Never more on the way than the Rx ring can take: the other end may drop what finds no descriptor. */
    uint64_t window = rx->count / 2 > APP_IN_FLIGHT_MIN ? rx->count / 2 : APP_IN_FLIGHT_MIN;

    if (len_bytes < APP_HEADER_BYTES + sizeof(uint64_t) || len_bytes > sizeof frame || batch == 0 || batch > APP_BATCH_MAX)
        return -EINVAL;
    memcpy(frame, header, APP_HEADER_BYTES);
    memset(out, 0, sizeof *out);
    for (uint64_t turn = 0; out->received < frames; turn++) {
        uint64_t want = frames - out->sent, room = tx_free(tx), under_way = out->sent - out->received;
        uint64_t received = out->received, bad = 0;
        int n;

        if ((turn & 63) == 0) {
            now_ns = napi_now();
            if (now_ns > deadline_ns || rx->bar->error)
                break;
        }
        want = want < batch ? want : batch;
        want = want < window - under_way ? want : window - under_way;
        want = want < room ? want : room;        /* no frame is written where another still lies */
        out->sent += app_send(tx, frame, len_bytes, (uint32_t)want, out->sent);
        tx_flush(tx);
        tx_clean(tx, APP_BATCH_MAX, now_ns);
        n = rx_harvest(rx, got, APP_BATCH_MAX);
        for (int i = 0; i < n; i++, received++) {
            uint64_t sequence = ~received;

            if (got[i].total_bytes == len_bytes)
                memcpy(&sequence, got[i].data[0] + APP_HEADER_BYTES, sizeof sequence);
            bad += sequence != received;
        }
        out->received = received;
        out->bad += bad;
        rx_refill(rx);
    }
    out->elapsed_ns = napi_now() - start_ns;
    return out->received == frames ? 0 : rx->bar->error ? rx->bar->error : -ETIMEDOUT;
}

uint64_t app_read_ns(struct mmio *bar, uint64_t offset, uint32_t times)
{
    uint64_t start_ns = napi_now();

    for (uint32_t i = 0; i < times; i++)
        (void)mmio_read32(bar, offset);
    return times ? (napi_now() - start_ns) / times : 0;
}

uint64_t app_write_ns(struct mmio *bar, uint64_t offset, uint32_t value, uint32_t times)
{
    uint64_t start_ns = napi_now();

    for (uint32_t i = 0; i < times; i++)
        mmio_write32(bar, offset, value);
    (void)mmio_read32(bar, offset);      /* posted writes are done when a later read is answered */
    return times ? (napi_now() - start_ns) / times : 0;
}

int app_irq_ns(struct mmio *bar, uint64_t offset, uint32_t value, int irq_fd, uint64_t rearm_offset, uint32_t rearm_value,
               uint64_t *out_ns, uint32_t times, uint32_t pause_us)
{
    for (uint32_t i = 0; i < times; i++) {
        struct pollfd fd = { .fd = irq_fd, .events = POLLIN };
        uint64_t start_ns, fired;

        mmio_write32(bar, rearm_offset, rearm_value);
        (void)mmio_read32(bar, rearm_offset);
        (void)!read(irq_fd, &fired, sizeof fired);
        if (pause_us)
            usleep(pause_us);
        start_ns = napi_now();
        mmio_write32(bar, offset, value);
        if (poll(&fd, 1, 1000) != 1)
            return -ETIMEDOUT;
        out_ns[i] = napi_now() - start_ns;
        (void)!read(irq_fd, &fired, sizeof fired);
    }
    return (int)times;
}
