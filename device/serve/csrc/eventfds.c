/* SPDX-License-Identifier: BSD-3-Clause */
/* A client's eventfds: proved to be such, and signalled without ever waiting.
 *
 * write() to a full eventfd waits for its reader unless its file is non-blocking; but that flag is the client's, too: set
 * by us it breaks a client that reads blocking, and left to the client it is no promise.  poll() before write() is none
 * either: the client may fill it in between.  The kernel's own VFIO signals an eventfd from inside, which never waits and
 * stops at the counter's end.  The same is to be had by asynchronous I/O: a write to /dev/null is complete at once, and
 * its completion signals the eventfd (Ref: io_submit(2), IOCB_FLAG_RESFD).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "mend.h"

#define COMPLETIONS 64                /* kept by the kernel before somebody must fetch them */
#define EVENTFD_LINK "anon_inode:[eventfd]"

static aio_context_t context;
static int null_fd = -1;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void set_up(void)
{
    null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null_fd >= 0 && syscall(SYS_io_setup, COMPLETIONS, &context) != 0)
        context = 0;
}

void mend_eventfds_prepare(void)
{
    pthread_once(&once, set_up);
}

static int submit(int eventfd, int opcode)
{
    struct iocb request = {.aio_fildes = (uint32_t)null_fd, .aio_lio_opcode = (uint16_t)opcode,
                           .aio_flags = IOCB_FLAG_RESFD, .aio_resfd = (uint32_t)eventfd};
    struct iocb *requests[1] = {&request};

    if (context == 0)
        return -ENOSYS;
    return syscall(SYS_io_submit, context, 1, requests) == 1 ? 0 : -errno;
}

static void fetch_completions(void)
{
    struct io_event events[COMPLETIONS];
    struct timespec now = {0};

    (void)syscall(SYS_io_getevents, context, 0, COMPLETIONS, events, &now);
}

int mend_eventfd_signal(int fd)
{
    struct pollfd look = {.fd = fd, .events = POLLOUT};
    int rc = submit(fd, IOCB_CMD_PWRITE);

    if (rc == -EAGAIN) {
        fetch_completions();
        rc = submit(fd, IOCB_CMD_PWRITE);
    }
    if (rc == 0)
        return 0;
    /* No asynchronous I/O here (a sandbox, or none left in the system): a full eventfd counts as signalled, as it is. */
    if (poll(&look, 1, 0) <= 0 || !(look.revents & POLLOUT))
        return 0;
    return eventfd_write(fd, 1) == 0 || errno == EAGAIN ? 0 : -errno;
}

void mend_fd_kind(int fd, char *words, size_t room)
{
    static const struct {
        mode_t type;
        const char *name;
    } NAMED[] = {{S_IFREG, "a file"}, {S_IFDIR, "a folder"}, {S_IFIFO, "a pipe"}, {S_IFSOCK, "a socket"},
                 {S_IFCHR, "a character device"}, {S_IFBLK, "a block device"}};
    char path[32], link[64] = "";
    struct stat st;
    ssize_t len;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    len = readlink(path, link, sizeof(link) - 1);
    link[len < 0 ? 0 : len] = '\0';
    snprintf(words, room, "%s", strncmp(link, "anon_inode:", 11) == 0 ? link : "something unknown");
    if (strncmp(link, "anon_inode:", 11) == 0 || fstat(fd, &st) != 0)
        return;
    for (size_t i = 0; i < sizeof(NAMED) / sizeof(NAMED[0]); i++)
        if ((st.st_mode & S_IFMT) == NAMED[i].type)
            snprintf(words, room, "%s", NAMED[i].name);
}

/* Reading a file that is open for writing only fails after the kernel has seen whether the other one is an eventfd, and
 * signals nothing.  Without asynchronous I/O its name tells. */
bool mend_is_eventfd(int fd)
{
    char words[64];

    if (submit(fd, IOCB_CMD_PREAD) == -EBADF && fcntl(fd, F_GETFD) != -1)
        return true;
    mend_fd_kind(fd, words, sizeof(words));
    return strcmp(words, EVENTFD_LINK) == 0;
}
