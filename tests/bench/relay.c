/* SPDX-License-Identifier: BSD-3-Clause */
/* The least that carries frames from one network namespace to another through a process: two taps with virtio-net headers,
 * and what is read from one is written to the other.  Checksums and segmentation stay with the kernel, so a frame is as large
 * as TCP makes it.
 * usage: relay NETNS NAME NETNS NAME     makes the taps, says "ready", and relays until it is ended */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define FRAME_MAX (65536 + 128)
#define AT_ONCE 64                       /* frames one way before the other has its turn */

static void must(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int tap_in(const char *netns, const char *name)
{
    struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
    int ns = open(netns, O_RDONLY | O_CLOEXEC), fd;

    must(ns >= 0 && setns(ns, CLONE_NEWNET) == 0, netns);
    close(ns);
    fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    must(fd >= 0, "/dev/net/tun");
    snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", name);
    must(ioctl(fd, TUNSETIFF, &ifr) == 0, name);
    must(ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) == 0, "offloads");
    return fd;
}

/* What one end has, a part of it; how many frames.  A frame that finds no room is lost, as on a wire. */
static int carry(int from, int to)
{
    static uint8_t frame[FRAME_MAX];
    int n = 0;

    for (; n < AT_ONCE; n++) {
        ssize_t len = read(from, frame, sizeof frame);

        if (len < 0 && (errno == EAGAIN || errno == EINTR || errno == EIO))    /* EIO: the interface is not up yet */
            break;
        must(len > 0, "read");
        must(write(to, frame, (size_t)len) == len || errno == EAGAIN || errno == ENOBUFS || errno == EIO, "write");
    }
    return n;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: relay NETNS NAME NETNS NAME\n");
        return 2;
    }
    int a = tap_in(argv[1], argv[2]), b = tap_in(argv[3], argv[4]);

    printf("ready\n");
    fflush(stdout);
    for (;;) {
        struct pollfd fds[] = {{ .fd = a, .events = POLLIN }, { .fd = b, .events = POLLIN }};

        if (carry(a, b) + carry(b, a) == 0)
            must(poll(fds, 2, -1) >= 0 || errno == EINTR, "poll");
    }
}
