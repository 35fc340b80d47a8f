/* SPDX-License-Identifier: BSD-3-Clause */
/* Asking about an interface that somebody may have moved to another network namespace. */

int netns_socket(int tap_fd, int domain, int type, int protocol);    /* a socket where the interface lives now, or -errno */
