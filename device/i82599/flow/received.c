/* SPDX-License-Identifier: BSD-3-Clause */
/* What pause frames do to transmit.  Ref: IEEE 802.3 annex 31B (pause), 802.1Q clause 36 (priority pause); MFLCN, TFCS. */
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

#define OPCODE_OFFSET ETH_HEADER_BYTES
#define QUANTA_OFFSET 16              /* of a pause frame; the class-enable vector of a priority pause frame */
#define TIMES_OFFSET 18               /* eight pause times, of priority 0 to 7 */
#define OPCODE_PAUSE 1
#define ALL_CLASSES 0xFFu
#define RETRY_NS 100000ull            /* a full wire is looked at again after so long */

void flow_reset(struct flow *flow)
{
    flow->paused = flow->xoff = 0;
    flow->held[0] = flow->held[1] = 0;
    flow->kept = flow->kept_first = 0;
}

/* A quantum is the time of 512 bits. */
uint64_t flow_quanta_ns(const struct flow *flow, uint32_t quanta)
{
    static const uint32_t tenths[] = { 512, 51200, 5120, 512 };  /* of a nanosecond, by LINKS.SPEED; 0: 10 Gb/s, too */

    return (uint64_t)quanta * tenths[field(reg(flow->regs, R_LINKS), LINKS_SPEED)] / 10;
}

static void hold(struct flow *flow)
{
    uint32_t mtqc = reg(flow->regs, R_MTQC);

    flow->held[0] = flow->held[1] = 0;
    for (uint32_t q = 0; flow->paused && q < CHIP_QUEUES; q++)
        flow->held[q / 64] |= (uint64_t)(flow->paused >> tx_class_of(mtqc, q) & 1) << q % 64;
    reg_set(flow->regs, R_TFCS, ~flow->paused & ALL_CLASSES);
}

static void pause(struct flow *flow, uint32_t classes, uint32_t quanta)
{
    uint64_t until_ns = clock_now(flow->clock) + flow_quanta_ns(flow, quanta);

    for (uint32_t tc = 0; tc < FLOW_CLASSES; tc++)
        if (classes >> tc & 1)
            flow->until_ns[tc] = until_ns;
    flow->paused = quanta ? flow->paused | classes : flow->paused & ~classes;
    hold(flow);
}

/* Counted once, whatever it says of how many priorities: XOFF if one of them is to stop. */
static void priority_pause(struct flow *flow, const uint8_t *data)
{
    uint32_t vector = be16(data + QUANTA_OFFSET) & ALL_CLASSES, any = 0;

    for (uint32_t up = 0; up < FLOW_CLASSES; up++) {
        uint32_t quanta = be16(data + TIMES_OFFSET + 2 * up);

        if (!(vector >> up & 1))
            continue;
        any |= quanta;
        bump(flow->regs, quanta ? R_PXOFFRXCNT(up) : R_PXONRXCNT(up), 1);
        pause(flow, 1u << (reg(flow->regs, R_RTTUP2TC) >> 3 * up & 7), quanta);
    }
    bump(flow->regs, any ? R_LXOFFRXCNT : R_LXONRXCNT, 1);
}

/* To the address that bridges do not forward, or to us. */
static int is_ours(const struct flow *flow, const uint8_t *data)
{
    static const uint8_t reserved[ETH_ADDR_BYTES] = { 0x01, 0x80, 0xC2, 0x00, 0x00, 0x01 };
    uint32_t low = reg(flow->regs, R_RAL(0)), high = reg(flow->regs, R_RAH(0));

    return !memcmp(data, reserved, sizeof(reserved)) || (!memcmp(data, &low, sizeof(low)) && !memcmp(data + 4, &high, 2));
}

int flow_control(void *arg, const uint8_t *data, uint32_t len_bytes)
{
    struct flow *flow = arg;
    uint32_t mflcn = reg(flow->regs, R_MFLCN), pfctop = reg(flow->regs, R_PFCTOP), opcode;

    if (len_bytes < QUANTA_OFFSET + 2)
        return 0;
    opcode = be16(data + OPCODE_OFFSET);
    if (opcode == OPCODE_PAUSE) {
        if ((mflcn & MFLCN_RFCE) && is_ours(flow, data)) {
            uint32_t quanta = be16(data + QUANTA_OFFSET);

            bump(flow->regs, quanta ? R_LXOFFRXCNT : R_LXONRXCNT, 1);
            pause(flow, ALL_CLASSES, quanta);
        }
        return 1;
    }
    if (!(mflcn & MFLCN_RPFCE) || opcode != pfctop >> 16 || len_bytes < TIMES_OFFSET + 2 * FLOW_CLASSES)
        return 0;                     /* to who does not know priority pause it is a control frame as any other */
    if (is_ours(flow, data))
        priority_pause(flow, data);
    return 1;
}

void flow_ends(struct flow *flow)
{
    uint64_t now_ns = clock_now(flow->clock);
    uint32_t obeys = reg(flow->regs, R_MFLCN) & (MFLCN_RFCE | MFLCN_RPFCE), before = flow->paused;

    for (uint32_t tc = 0; tc < FLOW_CLASSES; tc++)
        if (!obeys || now_ns >= flow->until_ns[tc])
            flow->paused &= ~(1u << tc);
    if (flow->paused != before)
        hold(flow);
}

uint32_t flow_keep(struct flow *flow, uint32_t queue, const struct frame *frames, uint32_t n)
{
    uint32_t i;

    if (!(reg(flow->regs, R_MFLCN) & (MFLCN_RFCE | MFLCN_RPFCE)))
        return 0;
    if (!flow->kept) {
        flow->kept_first = 0;
        flow->kept_ns = clock_now(flow->clock);
    }
    for (i = 0; i < n && flow->kept_first + flow->kept < FLOW_KEPT_MAX && frames[i].len_bytes <= FRAME_MAX_BYTES; i++) {
        uint32_t at = flow->kept_first + flow->kept++;

        memcpy(flow->slot[at], frames[i].data, frames[i].len_bytes);
        flow->kept_frame[at] = frames[i];
        flow->kept_frame[at].data = flow->slot[at];
        flow->kept_queue[at] = queue;
    }
    return i;
}

uint32_t flow_kept_sent(struct flow *flow, uint32_t n)
{
    flow->kept -= n;
    flow->kept_first += n;
    if (n)
        flow->kept_ns = clock_now(flow->clock);
    return flow->kept;
}

uint64_t flow_wait_ns(const struct flow *flow)
{
    uint64_t due_ns = UINT64_MAX, now_ns;

    if (!(flow->paused | flow->xoff | flow->kept))
        return UINT64_MAX;
    now_ns = clock_now(flow->clock);
    for (uint32_t tc = 0; tc < FLOW_CLASSES; tc++) {
        if ((flow->paused >> tc & 1) && flow->until_ns[tc] < due_ns)
            due_ns = flow->until_ns[tc];
        if ((flow->xoff >> tc & 1) && flow->refresh_ns[tc] < due_ns)
            due_ns = flow->refresh_ns[tc];
    }
    if (flow->kept && due_ns > now_ns + RETRY_NS)
        due_ns = now_ns + RETRY_NS;
    return due_ns > now_ns ? due_ns - now_ns : 0;
}
