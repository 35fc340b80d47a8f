/* SPDX-License-Identifier: BSD-3-Clause */
/* The chip's clocks: the free running timer, and SYSTIM for time stamps. */

struct timesync {
    struct regfile *regs;
    const struct clock *clock;
    uint64_t timer_ns;                /* FRTIMER counts from here */
    uint64_t systim;                  /* SYSTIM at systim_ns */
    uint64_t systim_ns;
    uint32_t systim_high;             /* latched by a read of SYSTIML */
    uint32_t timinca;                 /* TIMINCA in force since systim_ns */
};

void timesync_reset(struct timesync *time);
uint32_t timesync_read(void *time, uint32_t offset);              /* struct reg_hook's */
void timesync_write(void *time, uint32_t offset, uint32_t old, uint32_t seen, uint32_t written);
