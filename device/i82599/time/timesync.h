/* SPDX-License-Identifier: BSD-3-Clause */
/* The chip's clocks: the free running timer, and SYSTIM with the time stamps taken from it. */

struct timesync {
    struct regfile *regs;
    const struct clock *clock;
    uint64_t timer_ns;                /* FRTIMER counts from here */
    uint64_t systim;                  /* SYSTIM at `since` */
    uint64_t since;                   /* in fifths of a nanosecond, as all ticks of the chip are whole numbers of them */
    uint32_t tick;                    /* likewise: 6.4 ns at 10 Gb/s, 64 ns at 1 Gb/s, 640 ns at 100 Mb/s */
    uint32_t systim_high;             /* latched by a read of SYSTIML */
    uint32_t timinca;                 /* TIMINCA in force since `since` */
    uint32_t rx_on;                   /* TSYNCRXCTL.ENABLED: timesync_stage() has something to do */
};

void timesync_reset(struct timesync *time);
void timesync_speed(struct timesync *time);                       /* LINKS may say another speed now: the clock's rate */
uint64_t timesync_now(struct timesync *time);                     /* SYSTIM */
void timesync_stage(struct timesync *time, struct rx_pass *pass); /* after the ethertype filters: stamp what PTP asks for */
void timesync_sent(struct timesync *time, uint64_t systim);       /* a frame that asked for a stamp left then */
uint32_t timesync_read(void *time, uint32_t offset);              /* struct reg_hook's */
uint32_t timesync_peek(void *time, uint32_t offset);
void timesync_write(void *time, uint32_t offset, uint32_t old, uint32_t seen, uint32_t written);
