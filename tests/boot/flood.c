/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs in a guest, as root: stores to one register of the card for so many seconds, as fast as the CPU can, and says how
 * many stores that were and how long the read behind them took. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define STATUS 0x00008
#define RAL5 0x0A228                  /* plain storage */
#define BAR0_BYTES 0x80000
#define CLOCK_EVERY 100               /* stores between two looks at the clock */

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    int fd = open("/sys/bus/pci/devices/0000:01:00.0/resource0", O_RDWR | O_SYNC);
    volatile uint32_t *bar = mmap(NULL, BAR0_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    double end_s = now_s() + (argc > 1 ? atof(argv[1]) : 1), began_s;
    uint32_t status, stores = 0;

    if (bar == MAP_FAILED) {
        perror("resource0");
        return 1;
    }
    while (now_s() < end_s)
        for (int i = 0; i < CLOCK_EVERY; i++)
            bar[RAL5 / 4] = stores++;
    began_s = now_s();
    status = bar[STATUS / 4];
    printf("{\"stores\": %u, \"status\": %u, \"read_s\": %.3f}\n", stores, status, now_s() - began_s);
    return 0;
}
