/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP echo, one after the other, each as soon as the last is answered; the far end's kernel answers.
 * usage: ping ADDRESS TIMES      prints: lost p50_ns p99_ns */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include "times.h"

#define TIMES_MAX 1000000u
#define ANSWER_S 1
#define PAYLOAD_BYTES 56

static uint64_t took_ns[TIMES_MAX];

static uint16_t summed(const void *data, size_t len_bytes)
{
    uint32_t sum = 0;
    uint16_t word;

    for (size_t at = 0; at + 1 < len_bytes; at += 2) {
        memcpy(&word, (const uint8_t *)data + at, 2);
        sum += word;
    }
    sum = (sum >> 16) + (sum & 0xffff);
    return (uint16_t)~(sum + (sum >> 16));
}

/* Whether the answer to number `sequence` came before the socket's timeout. */
static int answered(int fd, uint16_t id, uint16_t sequence)
{
    uint8_t packet[512];

    for (;;) {
        ssize_t got = recv(fd, packet, sizeof packet, 0);
        size_t header = got > 0 ? (size_t)(packet[0] & 15) * 4 : 0;
        struct icmphdr icmp;

        if (got < 0)
            return 0;
        if (got < (ssize_t)(header + sizeof icmp))
            continue;
        memcpy(&icmp, packet + header, sizeof icmp);
        if (icmp.type == ICMP_ECHOREPLY && icmp.un.echo.id == id && icmp.un.echo.sequence == sequence)
            return 1;
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in to = { .sin_family = AF_INET };
    struct timeval patience = { .tv_sec = ANSWER_S };
    struct { struct icmphdr head; uint8_t payload[PAYLOAD_BYTES]; } echo = { .head = { .type = ICMP_ECHO } };
    uint32_t times = argc == 3 ? (uint32_t)atoi(argv[2]) : 0, lost = 0, n = 0;

    if (!times || times > TIMES_MAX || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
        fprintf(stderr, "usage: ping ADDRESS TIMES\n");
        return 2;
    }
    int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience)) {
        perror("ping");
        return 1;
    }
    echo.head.un.echo.id = htons((uint16_t)getpid());
    for (uint32_t i = 0; i < times && lost < 10 + times / 10; i++) {
        uint64_t start_ns;

        echo.head.un.echo.sequence = htons((uint16_t)i);
        echo.head.checksum = 0;
        echo.head.checksum = summed(&echo, sizeof echo);
        start_ns = now();
        if (send(fd, &echo, sizeof echo, 0) == sizeof echo && answered(fd, echo.head.un.echo.id, echo.head.un.echo.sequence))
            took_ns[n++] = now() - start_ns;
        else
            lost++;
    }
    if (!n) {
        fprintf(stderr, "ping: no answer from %s\n", argv[1]);
        return 1;
    }
    qsort(took_ns, n, sizeof took_ns[0], by_size);
    printf("%u %llu %llu\n", lost, (unsigned long long)took_ns[n / 2], (unsigned long long)took_ns[(uint64_t)n * 99 / 100]);
    return 0;
}
