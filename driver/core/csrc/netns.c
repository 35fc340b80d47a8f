/* SPDX-License-Identifier: BSD-3-Clause */
/* A tap keeps working when its interface is moved to another network namespace, but questions about it must be asked there.
 * A socket belongs for life to the namespace it was made in, so only this one moment has to be spent over there.
 *
 * Ref: setns(2); linux/if_tun.h (TUNGETDEVNETNS, Linux 5.2).
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE                      /* setns() */
#endif
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/if_tun.h>
#include "netns.h"

int netns_socket(int tap_fd, int domain, int type, int protocol)
{
    int fd, home, there = ioctl(tap_fd, TUNGETDEVNETNS);

    if (there < 0)
        return -errno;
    home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (home < 0 || setns(there, CLONE_NEWNET) < 0) {
        fd = -errno;
    } else {
        fd = socket(domain, type | SOCK_CLOEXEC, protocol);
        if (fd < 0)
            fd = -errno;
        if (setns(home, CLONE_NEWNET) < 0)
            abort();                     /* a thread in the wrong namespace would go on to change the wrong machine */
    }
    if (home >= 0)
        close(home);
    close(there);
    return fd;
}
