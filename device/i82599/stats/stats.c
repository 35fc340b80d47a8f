/* SPDX-License-Identifier: BSD-3-Clause */
/* The chip's own counters and clocks.
 *
 * Counters are plain words: the access rules clear them when they are read.  Each half of a 36-bit pair clears on its
 * own read, so nothing is lost between the two reads, and drivers that throw the high half away are served as well.
 * Octets are counted from the destination address to the FCS, 64 at least.
 */
#include <stdint.h>
#include "desc.h"
#include "regs.h"
#include "core.h"

#define FCS_BYTES 4u
#define OCTETS_MIN 64u
#define BITS_OF_65 7u                 /* 65..127 octets have 7 significant bits */
#define CLASS_LAST 5u
#define GROUP 1u                      /* first bit on the wire of a group address */
#define NS_PER_US 1000ull

static inline void count(struct nic *nic, uint32_t offset)
{
    nic->word[offset / 4]++;
}

/* A 36-bit counter; its high word follows the low one. */
static inline void count36(struct nic *nic, uint32_t low, uint32_t n)
{
    uint32_t *pair = &nic->word[low / 4];

    if (__builtin_add_overflow(pair[0], n, &pair[0]))
        pair[1] = (pair[1] + 1) & GORCH_VALUE;
}

static inline uint32_t octets(uint32_t len_bytes)
{
    return len_bytes + FCS_BYTES < OCTETS_MIN ? OCTETS_MIN : len_bytes + FCS_BYTES;
}

/* Offset of the size class, given the first of the six: 64, 65-127, 128-255, 256-511, 512-1023, 1024 and more. */
static inline uint32_t class_of(uint32_t first, uint32_t size)
{
    uint32_t bits = 32u - (uint32_t)__builtin_clz(size), i = size == OCTETS_MIN ? 0 : bits - BITS_OF_65 + 1;

    return first + 4 * (i < CLASS_LAST ? i : CLASS_LAST);
}

static inline int is_group(const struct frame *frame)
{
    return frame->len_bytes && (frame->data[0] & GROUP);
}

static inline int is_broadcast(const struct frame *frame)
{
    const uint8_t *da = frame->data;

    return frame->len_bytes >= 6 && (da[0] & da[1] & da[2] & da[3] & da[4] & da[5]) == UINT8_MAX;
}

void stats_rx(struct nic *nic, const struct frame *frame)
{
    uint32_t size = octets(frame->len_bytes);

    count(nic, R_GPRC);
    count36(nic, R_GORCL, size);
    count(nic, class_of(R_PRC64, size));
    if (is_group(frame))
        count(nic, is_broadcast(frame) ? R_BPRC : R_MPRC);
}

void stats_tx(struct nic *nic, const struct frame *frame)
{
    uint32_t size = octets(frame->len_bytes);

    count(nic, R_GPTC);
    count(nic, R_TPT);
    count36(nic, R_GOTCL, size);
    count36(nic, R_TXDGBCL, size);
    count(nic, class_of(R_PTC64, size));
    if (is_group(frame))
        count(nic, is_broadcast(frame) ? R_BPTC : R_MPTC);
}

void stats_rx_total(struct nic *nic, const struct frame *frame)
{
    uint32_t size = octets(frame->len_bytes);

    count(nic, R_TPR);
    count36(nic, R_TORL, size);
    if (frame->flags & FRAME_BAD_CRC)
        return;
    count(nic, R_RXNFGPC);
    count36(nic, R_RXNFGBCL, size);
}

void stats_tx_queue(struct nic *nic, uint32_t queue, uint32_t len_bytes)
{
    /* TQSM: a byte per queue names the counter. */
    uint32_t map = nic->word[R_TQSM(queue / 4 % TQSM_COUNT) / 4] >> (8 * (queue % 4)), i = map & TQSM_MAP0;

    count(nic, R_QPTC(i));
    count36(nic, R_QBTC_L(i), octets(len_bytes));
}

/* ---- clocks ---- */

/* SYSTIM gains TIMINCA's increment every period ticks of 6.4 ns (the MAC clock at 10 Gb/s). */
static uint64_t systim(struct nic *nic, uint64_t now)
{
    uint64_t ticks = (now - nic->systim_ns) * 5 / 32, inca = nic->timinca;
    uint64_t period = (inca & TIMINCA_INCPERIOD) / (1u << TIMINCA_INCPERIOD_SHIFT);

    return nic->systim + (period ? ticks / period * (inca & TIMINCA_INCVALUE) : 0);
}

uint32_t time_read(struct nic *nic, uint32_t offset)
{
    uint64_t now = nic_now(nic);

    switch (offset) {
    case R_FRTIMER: return (uint32_t)((now - nic->timer_ns) / NS_PER_US);
    case R_SYSTIML:
        /* The high half a driver reads next belongs to this low half. */
        nic->systim_high = (uint32_t)(systim(nic, now) >> 32);
        return (uint32_t)systim(nic, now);
    case R_SYSTIMH: return nic->systim_high;
    default: return nic->word[offset / 4];
    }
}

void time_write(struct nic *nic, uint32_t offset, uint32_t value)
{
    uint64_t now = nic_now(nic);

    nic->systim = systim(nic, now);
    nic->systim_ns = now;
    switch (offset) {
    case R_SYSTIML: nic->systim = (nic->systim & ~(uint64_t)UINT32_MAX) | value; break;
    case R_SYSTIMH:
        nic->systim = (nic->systim & UINT32_MAX) | (uint64_t)value << 32;
        nic->systim_high = value;
        break;
    case R_TIMINCA: nic->timinca = value; break;
    default: break;
    }
}

void stats_reset(struct nic *nic)
{
    nic->timer_ns = nic_now(nic);
    nic->systim = 0;
    nic->systim_ns = nic->timer_ns;
    nic->systim_high = 0;
    nic->timinca = 0;
}
