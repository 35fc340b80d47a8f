/* SPDX-License-Identifier: BSD-3-Clause */
/* Who has connected and not said yet who he is.  cffi never reads this.
 *
 * All of them are listened to at once, so one that says nothing costs the others nothing.  Whose first message is whole
 * first becomes the client; while there is one, the others are answered EBUSY.
 */
#ifndef IXLAB_CALLERS_H
#define IXLAB_CALLERS_H

#include <stdint.h>

#include "conn.h"

struct vdev;

struct callers {
    int listen_fd;
    int wait_fd;                      /* epoll: readable when somebody comes or speaks */
    uint64_t deaf_ns;                 /* when accept() failed for want of something; 0: it did not */
    uint32_t count;
    struct conn *caller[SOCKET_CALLERS];      /* the oldest first */
};

struct callers *callers_new(int listen_fd);
void callers_free(struct callers *callers);

/* Accept, listen, and send away whoever has had his time; never waits.  Returns how much there was to do. */
int callers_tend(struct vdev *v);
/* One whose first message is whole (or can never be), and out of the set; its fd goes along.  NULL: nobody. */
struct conn *callers_pick(struct callers *callers);

#endif
