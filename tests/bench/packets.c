/* SPDX-License-Identifier: BSD-3-Clause */
/* UDP datagrams of 64 byte frames, for hosts and guests alike: a C program costs a guest less than what it
 * measures.
 * usage: packets send ADDRESS PORT MS       as many datagrams as the socket takes; prints: sent elapsed_ns
 *        packets count PORT                 says "ready", counts those that come; prints: received elapsed_ns */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PAYLOAD_BYTES 18                 /* 14 + 20 + 8 + 18 and the FCS: 64 */
#define LOOK_EVERY 64                    /* datagrams between two looks at the clock */
#define FIRST_MS 10000                   /* how long the first may take to come, */
#define LAST_MS 300                      /* and how long another one is waited for */
#define BUFFER_BYTES (4 << 20)

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int said(uint64_t count, uint64_t ns)
{
    printf("%llu %llu\n", (unsigned long long)count, (unsigned long long)ns);
    return 0;
}

static int send_them(int fd, const struct sockaddr_in *to, uint64_t ms)
{
    uint8_t payload[PAYLOAD_BYTES] = { 0 };
    uint64_t start_ns, now_ns, sent = 0;

    if (connect(fd, (const struct sockaddr *)to, sizeof *to)) {
        perror("connect");
        return 1;
    }
    start_ns = now_ns = now();
    for (uint64_t tries = 0; now_ns - start_ns < ms * 1000000u; tries++) {
        sent += send(fd, payload, sizeof payload, 0) == sizeof payload;
        if (tries % LOOK_EVERY == 0)
            now_ns = now();
    }
    return said(sent, now() - start_ns);
}

static int count_them(int fd, const struct sockaddr_in *at)
{
    uint64_t first_ns = 0, last_ns = 0, received = 0;
    struct pollfd ready = { fd, POLLIN, 0 };
    uint8_t payload[2048];

    if (bind(fd, (const struct sockaddr *)at, sizeof *at)) {
        perror("bind");
        return 1;
    }
    printf("ready\n");
    fflush(stdout);
    while (poll(&ready, 1, received ? LAST_MS : FIRST_MS) == 1) {
        if (!first_ns)
            first_ns = now();
        while (recv(fd, payload, sizeof payload, MSG_DONTWAIT) == PAYLOAD_BYTES)
            received++;
        last_ns = now();
    }
    return said(received, last_ns - first_ns);
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY) };
    int fd = socket(AF_INET, SOCK_DGRAM, 0), bytes = BUFFER_BYTES;

    if (fd < 0)
        return 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
    if (argc == 5 && !strcmp(argv[1], "send") && inet_pton(AF_INET, argv[2], &address.sin_addr) == 1) {
        address.sin_port = htons((uint16_t)atoi(argv[3]));
        return send_them(fd, &address, strtoull(argv[4], NULL, 10));
    }
    if (argc == 3 && !strcmp(argv[1], "count")) {
        address.sin_port = htons((uint16_t)atoi(argv[2]));
        return count_them(fd, &address);
    }
    fprintf(stderr, "usage: packets send ADDRESS PORT MS | packets count PORT\n");
    return 2;
}
