/* SPDX-License-Identifier: BSD-3-Clause */
/* When the other end is told to stop, and to go on.
 *
 * Each class has marks of its own.  By priority pause it is stopped by itself: the frame names every priority that
 * RTRUP2TC gives to it.  The pause of 802.3x stops all: it is sent when one class wants it, and ends when none does.
 * Ref: FCCFG, FCRTH, FCRTL, FCTTV, FCRTV; ixgbe_fc_enable_generic, ixgbe_dcb_config_pfc_82599.
 */
#include <stdint.h>
#include <string.h>
#include "regs.h"
#include "machine/bytes.h"
#include "machine/clock.h"
#include "machine/eth.h"
#include "machine/regfile.h"
#include "machine/parse.h"
#include "machine/wire/port.h"
#include "i82599/chip.h"
#include "i82599/pass.h"
#include "i82599/flow/flow.h"

#define SENDS (FCCFG_TFCE_802_3X | FCCFG_TFCE_PRIORITY)
#define RECORD_MOST_BYTES 96          /* what a frame's record takes besides the frame, and tags beyond the longest frame */
#define RETRY_NS 100000ull            /* a wire that took no XOFF is asked again after so long */
#define REFRESH_LEAST_NS 10000ull
#define XOFF 1
#define XON 2

static inline int is_lossless(const struct flow *flow, uint32_t tc)
{
    return (reg(flow->regs, R_FCRTH(tc)) & FCRTH_FCEN) != 0;
}

static inline int by_priority(const struct flow *flow)
{
    return (reg(flow->regs, R_FCCFG) & FCCFG_TFCE_PRIORITY) != 0;
}

int flow_sends(const struct flow *flow)
{
    uint32_t any = 0;

    if (!(reg(flow->regs, R_FCCFG) & SENDS))
        return 0;
    for (uint32_t tc = 0; tc < FLOW_CLASSES; tc++)
        any |= reg(flow->regs, R_FCRTH(tc));
    return (any & FCRTH_FCEN) != 0;
}

/* One less than fits: a record that would reach over the buffer's end begins at its start. */
static uint32_t room_of(const struct flow *flow, uint32_t size, uint32_t used_bytes)
{
    uint32_t longest = ETH_FRAME_MAX_BYTES, n;

    if (reg(flow->regs, R_HLREG0) & HLREG0_JUMBOEN)
        longest = field(reg(flow->regs, R_MAXFRS), MAXFRS_MFS);
    if (!used_bytes && longest <= ETH_FRAME_MAX_BYTES && size >= FRAME_BATCH * (ETH_FRAME_MAX_BYTES + RECORD_MOST_BYTES))
        return FRAME_BATCH;
    n = size > used_bytes ? (size - used_bytes) / (longest + RECORD_MOST_BYTES) : 0;
    if (n)
        n--;
    if (!n && !used_bytes)
        return 1;
    return n < FRAME_BATCH ? n : FRAME_BATCH;
}

/* Any of the frames may be of any class that has a part of the buffer: Linux sets marks for the others, too, with FCEN by an
 * underflow (ixgbe_fc_enable_generic: RXPBSIZE - 24576). */
uint32_t flow_room(const struct flow *flow, const uint32_t *used_of)
{
    uint32_t least = FRAME_BATCH;

    for (uint32_t tc = 0; tc < FLOW_CLASSES; tc++) {
        uint32_t size = is_lossless(flow, tc) ? rx_buffer_bytes(flow->regs, tc) : 0;
        uint32_t n = size ? room_of(flow, size, used_of[tc]) : FRAME_BATCH;

        if (n < least)
            least = n;
    }
    return least;
}

static void count_priorities(struct flow *flow, uint32_t counter, uint32_t vector)
{
    for (uint32_t up = 0; up < FLOW_CLASSES; up++)
        if (vector >> up & 1)
            bump(flow->regs, counter + 4 * up, 1);
}

/* The priorities of a class. */
static uint32_t vector_of(const struct flow *flow, uint32_t tc)
{
    uint32_t map = reg(flow->regs, R_RTRUP2TC), vector = 0;

    for (uint32_t up = 0; up < FLOW_CLASSES; up++)
        vector |= (uint32_t)((map >> 3 * up & 7) == tc) << up;
    return vector;
}

static uint32_t quanta_of(const struct flow *flow, uint32_t tc)
{
    uint32_t fcttv = reg(flow->regs, R_FCTTV(tc / 2));

    return tc % 2 ? field(fcttv, FCTTV_TTV1) : field(fcttv, FCTTV_TTV0);
}

static void build(struct flow *flow, uint32_t tc, uint16_t quanta)
{
    static const uint8_t to[ETH_ADDR_BYTES] = { 0x01, 0x80, 0xC2, 0x00, 0x00, 0x01 };
    uint32_t low = reg(flow->regs, R_RAL(0)), high = reg(flow->regs, R_RAH(0)), vector = vector_of(flow, tc);
    uint8_t *at = flow->frame;

    memset(at, 0, sizeof(flow->frame));
    memcpy(at, to, sizeof(to));
    memcpy(at + 6, &low, sizeof(low));
    memcpy(at + 10, &high, 2);
    put_be16(at + ETH_TYPE_OFFSET, ETH_TYPE_MAC_CONTROL);
    if (!by_priority(flow)) {
        put_be16(at + 14, 1);
        put_be16(at + 16, quanta);
        return;
    }
    put_be16(at + ETH_TYPE_OFFSET, (uint16_t)reg(flow->regs, R_PFCTOP));
    put_be16(at + 14, (uint16_t)(reg(flow->regs, R_PFCTOP) >> 16));
    put_be16(at + 16, (uint16_t)vector);
    for (uint32_t up = 0; up < FLOW_CLASSES; up++)
        if (vector >> up & 1)
            put_be16(at + 18 + 2 * up, quanta);
}

/* The fill of one class, or of all. */
struct fill {
    int high, low;                    /* it is at the mark, or above it; it is at the mark, or below it */
    uint32_t xon;                     /* XON is to be sent */
};

static struct fill fill_of(const struct flow *flow, uint32_t tc, uint32_t used_bytes)
{
    uint32_t high = reg(flow->regs, R_FCRTH(tc)) & FCRTH_RTH, low = reg(flow->regs, R_FCRTL(tc));

    return (struct fill){ .high = used_bytes && used_bytes >= high, .low = used_bytes <= (low & FCRTL_RTL), .xon = low & FCRTL_XONE };
}

static struct fill fill_of_all(const struct flow *flow, const uint32_t *used_of)
{
    struct fill all = { .high = 0, .low = 1, .xon = 0 };

    for (uint32_t tc = 0; tc < FLOW_CLASSES; tc++) {
        struct fill one = fill_of(flow, tc, used_of[tc]);

        if (!is_lossless(flow, tc))
            continue;
        all.high |= one.high;
        all.low &= one.low;
        all.xon |= one.xon;
    }
    return all;
}

/* Between the marks it goes on as it was. */
static int due_of(struct flow *flow, uint32_t tc, struct fill fill)
{
    int told = flow->xoff >> tc & 1;

    if (told && fill.low) {
        flow->xoff &= ~(1u << tc);
        return fill.xon ? XON : 0;
    }
    if ((fill.high || told) && (!told || clock_now(flow->clock) >= flow->refresh_ns[tc]))
        return XOFF;
    return 0;
}

/* The first class that has something to say. */
static int due_by_priority(struct flow *flow, const uint32_t *used_of, uint32_t *tc)
{
    for (*tc = 0; *tc < FLOW_CLASSES; (*tc)++) {
        int what;

        if (!is_lossless(flow, *tc) || !vector_of(flow, *tc)) {
            flow->xoff &= ~(1u << *tc);
            continue;
        }
        what = due_of(flow, *tc, fill_of(flow, *tc, used_of[*tc]));
        if (what)
            return what;
    }
    return 0;
}

int flow_due(struct flow *flow, const uint32_t *used_of, struct frame *frame)
{
    uint32_t tc = 0;
    int what;

    if (!flow_sends(flow)) {
        flow->xoff = 0;               /* software has changed its mind: what was said lapses */
        return 0;
    }
    if (by_priority(flow)) {
        what = due_by_priority(flow, used_of, &tc);
    } else {
        flow->xoff &= 1;
        what = due_of(flow, 0, fill_of_all(flow, used_of));
    }
    if (!what)
        return 0;
    flow->speaks_of = tc;
    build(flow, tc, what == XOFF ? (uint16_t)quanta_of(flow, tc) : 0);
    *frame = (struct frame){ .data = flow->frame, .len_bytes = sizeof(flow->frame) };
    return what;
}

void flow_said(struct flow *flow, int what, uint32_t sent)
{
    uint32_t tc = flow->speaks_of, quanta = quanta_of(flow, tc), vector = by_priority(flow) ? vector_of(flow, tc) : 0;
    uint32_t threshold = reg(flow->regs, R_FCRTV) & FCRTV_FC_REFRESH_TH;
    uint64_t wait_ns;

    if (what == XON) {                /* not taken: its pause ends without it */
        if (sent) {
            bump(flow->regs, R_LXONTXC, 1);
            count_priorities(flow, R_PXONTXC(0), vector);
        }
        return;
    }
    wait_ns = flow_quanta_ns(flow, quanta > threshold ? quanta - threshold : quanta);
    if (wait_ns < REFRESH_LEAST_NS)
        wait_ns = REFRESH_LEAST_NS;
    flow->refresh_ns[tc] = clock_now(flow->clock) + (sent ? wait_ns : RETRY_NS);
    if (sent) {
        bump(flow->regs, R_LXOFFTXC, 1);
        count_priorities(flow, R_PXOFFTXC(0), vector);
        if (!(flow->xoff >> tc & 1))
            count_priorities(flow, R_PXON2OFFCNT(0), vector);
    }
    flow->xoff |= 1u << tc;
}
