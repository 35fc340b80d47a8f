/* SPDX-License-Identifier: BSD-3-Clause */
/* Time as a device sees it: the machine's, or a test's. */

struct clock {
    uint64_t (*now)(void *arg);       /* ns, monotonic; NULL: CLOCK_MONOTONIC */
    void *arg;
    uint64_t manual_ns;               /* what clock_manual() answers */
};

uint64_t clock_now(const struct clock *clock);
uint64_t clock_mono(void);            /* CLOCK_MONOTONIC in ns, whatever a test says */
uint64_t clock_manual(void *clock);   /* a `now` that stands still unless somebody moves manual_ns */
