/* SPDX-License-Identifier: BSD-3-Clause */
/* The end of a descriptor that a client sent.
 *
 * Closing a file tells its file system, which may take its time: a FUSE file's close() waits for a program, which may be
 * the client itself.  So what is neither memory nor without a name is closed by threads that do nothing else.  While all
 * of them wait, descriptors wait in a list: one that was forgotten would count against RLIMIT_NOFILE for ever.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "mend.h"

#define CLOSERS_MAX 16              /* threads that wait in close() at once */

struct named {
    struct named *next;
    int fd;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct named *to_close;      /* under lock */
static int closers;                 /* under lock */

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
    struct named *named;

    (void)arg;
    for (;;) {
        pthread_mutex_lock(&lock);
        named = to_close;
        if (named != NULL)
            to_close = named->next;
        else
            closers--;
        pthread_mutex_unlock(&lock);
        if (named == NULL)
            return NULL;
        (void)close(named->fd);
        free(named);
    }
}

/* One more thread, if there may be; without it those that run, or the next one, find the descriptor in the list. */
static void add_closer(void)
{
    sigset_t all, mine;
    pthread_t thread;

    if (closers == CLOSERS_MAX)
        return;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &mine);      /* signals are the loop's */
    if (pthread_create(&thread, NULL, closer, NULL) == 0) {
        pthread_detach(thread);
        closers++;
    }
    pthread_sigmask(SIG_SETMASK, &mine, NULL);
}

int mend_let_go(int fd)
{
    struct named *named;

    if (closes_at_once(fd))
        return close(fd);
    named = malloc(sizeof(*named));
    if (named == NULL)
        return close(fd);
    named->fd = fd;
    pthread_mutex_lock(&lock);
    named->next = to_close;
    to_close = named;
    add_closer();
    pthread_mutex_unlock(&lock);
    return 0;
}
