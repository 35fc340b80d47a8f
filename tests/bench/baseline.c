/* SPDX-License-Identifier: BSD-3-Clause */
/* What the machine can do at best: two threads, a descriptor ring each way in shared memory, payload copied at both ends.
 * usage: baseline LEN_BYTES BATCH FRAMES     prints Mpps of the loop */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLOTS 512

struct ring {
    _Alignas(64) _Atomic uint32_t tail;
    _Alignas(64) _Atomic uint32_t head;
    uint64_t desc[SLOTS][2];
    uint8_t buf[SLOTS][2048];
};

static struct ring there, back;
static _Atomic int ready;
static uint64_t frames;
static uint32_t len, batch;

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint32_t put(struct ring *r, const uint8_t *from, uint32_t want)
{
    uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    uint32_t room = SLOTS - (tail - atomic_load_explicit(&r->head, memory_order_acquire));
    uint32_t n = want < room ? want : room;

    for (uint32_t i = 0; i < n; i++) {
        memcpy(r->buf[(tail + i) % SLOTS], from, len);
        r->desc[(tail + i) % SLOTS][0] = (uint64_t)(uintptr_t)r->buf[(tail + i) % SLOTS];
        r->desc[(tail + i) % SLOTS][1] = len;
    }
    atomic_store_explicit(&r->tail, tail + n, memory_order_release);
    return n;
}

static uint32_t take(struct ring *r, uint8_t *into, uint32_t want)
{
    uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    uint32_t ready = atomic_load_explicit(&r->tail, memory_order_acquire) - head;
    uint32_t n = want < ready ? want : ready;

    for (uint32_t i = 0; i < n; i++)
        memcpy(into, (void *)(uintptr_t)r->desc[(head + i) % SLOTS][0], (size_t)r->desc[(head + i) % SLOTS][1]);
    atomic_store_explicit(&r->head, head + n, memory_order_release);
    return n;
}

static void *echo(void *unused)
{
    uint8_t frame[2048];

    (void)unused;
    atomic_store(&ready, 1);
    for (uint64_t done = 0; done < frames;) {
        uint32_t n = take(&there, frame, batch);

        for (uint32_t sent = 0; sent < n;)
            sent += put(&back, frame, n - sent);
        done += n;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    uint8_t frame[2048] = { 1 };
    pthread_t other;
    uint64_t start, sent = 0, received = 0;

    if (argc != 4)
        return 2;
    len = (uint32_t)atoi(argv[1]);
    batch = (uint32_t)atoi(argv[2]);
    frames = strtoull(argv[3], NULL, 10);
    if (len == 0 || len > sizeof frame || batch == 0)
        return 2;
    pthread_create(&other, NULL, echo, NULL);
    while (!atomic_load(&ready))
        ;
    start = now();
    while (received < frames) {
        uint32_t want = frames - sent < batch ? (uint32_t)(frames - sent) : batch;

        if (want)
            sent += put(&there, frame, want);
        received += take(&back, frame, batch);
    }
    printf("%.3f\n", (double)frames * 1e3 / (double)(now() - start));
    pthread_join(other, NULL);
    return 0;
}
