/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdint.h>
#include "regs.h"
#include "machine/clock.h"
#include "machine/regfile.h"
#include "i82599/chip.h"
#include "i82599/time/timesync.h"

#define NS_PER_US 1000ull

/* SYSTIM gains TIMINCA's increment every period ticks of 6.4 ns (the MAC clock at 10 Gb/s). */
static uint64_t systim(struct timesync *time, uint64_t now)
{
    uint64_t ticks = (now - time->systim_ns) * 5 / 32, inca = time->timinca;
    uint64_t period = (inca & TIMINCA_INCPERIOD) / (1u << TIMINCA_INCPERIOD_SHIFT);

    return time->systim + (period ? ticks / period * (inca & TIMINCA_INCVALUE) : 0);
}

uint32_t timesync_read(void *arg, uint32_t offset)
{
    struct timesync *time = arg;
    uint64_t now = clock_now(time->clock);

    switch (offset) {
    case R_FRTIMER: return (uint32_t)((now - time->timer_ns) / NS_PER_US);
    case R_SYSTIML:
        /* The high half a driver reads next belongs to this low half. */
        time->systim_high = (uint32_t)(systim(time, now) >> 32);
        return (uint32_t)systim(time, now);
    case R_SYSTIMH: return time->systim_high;
    default: return reg(time->regs, offset);
    }
}

void timesync_write(void *arg, uint32_t offset, uint32_t old, uint32_t value, uint32_t written)
{
    struct timesync *time = arg;
    uint64_t now = clock_now(time->clock);

    (void)old;
    (void)written;
    time->systim = systim(time, now);
    time->systim_ns = now;
    switch (offset) {
    case R_SYSTIML: time->systim = (time->systim & ~(uint64_t)UINT32_MAX) | value; break;
    case R_SYSTIMH:
        time->systim = (time->systim & UINT32_MAX) | (uint64_t)value << 32;
        time->systim_high = value;
        break;
    case R_TIMINCA: time->timinca = value; break;
    default: break;
    }
}

void timesync_reset(struct timesync *time)
{
    time->timer_ns = clock_now(time->clock);
    time->systim = 0;
    time->systim_ns = time->timer_ns;
    time->systim_high = 0;
    time->timinca = 0;
}
