/* SPDX-License-Identifier: BSD-3-Clause */
/* When the other end is told to stop, and to go on.
 *
 * The packet buffer is one for all classes here, so its marks are those of class 0, and a priority pause frame names
 * every priority that RTRUP2TC gives to that class.  Ref: FCCFG, FCRTH, FCRTL, FCTTV, FCRTV; ixgbe_fc_enable_generic.
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

int flow_sends(const struct flow *flow)
{
    return (reg(flow->regs, R_FCCFG) & SENDS) && (reg(flow->regs, R_FCRTH(0)) & FCRTH_FCEN);
}

/* One less than fits: a record that would reach over the buffer's end begins at its start. */
uint32_t flow_room(const struct flow *flow, uint32_t used_bytes)
{
    uint32_t size = reg(flow->regs, R_RXPBSIZE(0)) & RXPBSIZE_SIZE, longest = ETH_FRAME_MAX_BYTES, n;

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

static void count_priorities(struct flow *flow, uint32_t counter, uint32_t vector)
{
    for (uint32_t up = 0; up < FLOW_CLASSES; up++)
        if (vector >> up & 1)
            bump(flow->regs, counter + 4 * up, 1);
}

/* Priorities of class 0. */
static uint32_t vector_of(const struct flow *flow)
{
    uint32_t map = reg(flow->regs, R_RTRUP2TC), vector = 0;

    for (uint32_t up = 0; up < FLOW_CLASSES; up++)
        vector |= (uint32_t)!(map >> 3 * up & 7) << up;
    return vector;
}

static void build(struct flow *flow, uint16_t quanta)
{
    static const uint8_t to[ETH_ADDR_BYTES] = { 0x01, 0x80, 0xC2, 0x00, 0x00, 0x01 };
    uint32_t low = reg(flow->regs, R_RAL(0)), high = reg(flow->regs, R_RAH(0)), vector = vector_of(flow);
    uint8_t *at = flow->frame;

    memset(at, 0, sizeof(flow->frame));
    memcpy(at, to, sizeof(to));
    memcpy(at + 6, &low, sizeof(low));
    memcpy(at + 10, &high, 2);
    put_be16(at + ETH_TYPE_OFFSET, ETH_TYPE_MAC_CONTROL);
    if (!(reg(flow->regs, R_FCCFG) & FCCFG_TFCE_PRIORITY)) {
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

int flow_due(struct flow *flow, uint32_t used_bytes, struct frame *frame)
{
    uint32_t high = reg(flow->regs, R_FCRTH(0)) & FCRTH_RTH, low = reg(flow->regs, R_FCRTL(0));
    int what = 0;

    if (!flow_sends(flow)) {
        flow->xoff = 0;               /* software has changed its mind: what was said lapses */
        return 0;
    }
    if (flow->xoff && used_bytes <= (low & FCRTL_RTL)) {
        flow->xoff = 0;
        what = low & FCRTL_XONE ? XON : 0;
    } else if (used_bytes && used_bytes >= high) {
        if (!flow->xoff || clock_now(flow->clock) >= flow->refresh_ns)
            what = XOFF;
    } else if (flow->xoff && clock_now(flow->clock) >= flow->refresh_ns) {
        what = XOFF;                  /* between the marks it goes on as it was */
    }
    if (!what)
        return 0;
    build(flow, what == XOFF ? (uint16_t)(reg(flow->regs, R_FCTTV(0)) & FCTTV_TTV0) : 0);
    *frame = (struct frame){ .data = flow->frame, .len_bytes = sizeof(flow->frame) };
    return what;
}

void flow_said(struct flow *flow, int what, uint32_t sent)
{
    uint32_t quanta = reg(flow->regs, R_FCTTV(0)) & FCTTV_TTV0, threshold = reg(flow->regs, R_FCRTV) & FCRTV_FC_REFRESH_TH;
    int by_priority = (reg(flow->regs, R_FCCFG) & FCCFG_TFCE_PRIORITY) != 0;
    uint64_t wait_ns;

    if (what == XON) {                /* not taken: its pause ends without it */
        if (sent) {
            bump(flow->regs, R_LXONTXC, 1);
            if (by_priority)
                count_priorities(flow, R_PXONTXC(0), vector_of(flow));
        }
        return;
    }
    wait_ns = flow_quanta_ns(flow, quanta > threshold ? quanta - threshold : quanta);
    if (wait_ns < REFRESH_LEAST_NS)
        wait_ns = REFRESH_LEAST_NS;
    flow->refresh_ns = clock_now(flow->clock) + (sent ? wait_ns : RETRY_NS);
    if (sent) {
        bump(flow->regs, R_LXOFFTXC, 1);
        if (by_priority) {
            count_priorities(flow, R_PXOFFTXC(0), vector_of(flow));
            if (!flow->xoff)
                count_priorities(flow, R_PXON2OFFCNT(0), vector_of(flow));
        }
    }
    flow->xoff = 1;
}
