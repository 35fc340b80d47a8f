/* SPDX-License-Identifier: BSD-3-Clause */
/* One thread for everything: the sockets of all functions, the chips, and sleep when there is nothing to do. */

#define LOOP_SOURCES_MAX 80       /* functions: a PF and 64 VFs, and a few more */
#define LOOP_CHIPS_MAX 8

struct loop_source {
    int fd;                       /* -1: not now; its run() may change it at any time */
    int (*run)(void *arg);        /* > 0 what it cost in messages, 0 nothing to do, -errno: the loop returns it */
    void *arg;
    uint32_t idle;                /* turns in a row that found nothing to do */
};

struct loop_chip {
    void *chip;
    const struct chip_ops *ops;
};

struct loop {
    struct loop_chip *chip;
    uint32_t chips;
    struct loop_source *source;   /* vfio-user connections */
    uint32_t sources;
    int stop_fd;                  /* eventfd: readable = return 0 */
    uint32_t spin_us;             /* busy time without work before the loop sleeps */
    uint64_t looked_ns;           /* when the idle sources were looked at last, */
    uint32_t looks;               /* and how often */
    int wake_fd;                  /* readable = return 0: somebody else has work; or -1 */
    uint64_t sleeps;
    uint64_t worked_ns;           /* when it did something last, in this run or one before */
    uint64_t idle_ns;             /* a run in which nothing happens may last so long, if that is longer than its timeout, which
                                     then counts from the first thing that does happen */
};

int loop_run(struct loop *loop, int64_t timeout_ns);              /* until stop, error or timeout; < 0: no timeout */
