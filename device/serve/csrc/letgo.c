/* SPDX-License-Identifier: BSD-3-Clause */
/* The end of a descriptor that a client sent.
 *
 * Closing a file tells its file system, which may take its time: a FUSE file's close() waits for a program, which may be
 * the client itself.  So what is neither memory nor without a name is closed by a thread that has nothing else to do.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "mend.h"

#define CLOSING_MAX 16              /* threads that wait in close(); a descriptor that comes then stays open */

static atomic_int closing;

/* Memory files and what has no file system (sockets, pipes, eventfds: their links do not begin with a slash). */
static bool closes_at_once(int fd)
{
    char path[32], name[1];

    if (fcntl(fd, F_GET_SEALS) >= 0)
        return true;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return readlink(path, name, sizeof(name)) == 1 && name[0] != '/';
}

static void *closer(void *arg)
{
    (void)close((int)(intptr_t)arg);
    atomic_fetch_sub(&closing, 1);
    return NULL;
}

int mend_let_go(int fd)
{
    sigset_t all, mine;
    pthread_t thread;
    int rc;

    if (closes_at_once(fd))
        return close(fd);
    if (atomic_fetch_add(&closing, 1) >= CLOSING_MAX) {
        atomic_fetch_sub(&closing, 1);
        return 0;
    }
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &mine);      /* signals are the loop's */
    rc = pthread_create(&thread, NULL, closer, (void *)(intptr_t)fd);
    pthread_sigmask(SIG_SETMASK, &mine, NULL);
    if (rc != 0)
        atomic_fetch_sub(&closing, 1);
    else
        pthread_detach(thread);
    return 0;
}
