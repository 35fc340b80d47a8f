/* SPDX-License-Identifier: BSD-3-Clause */
/* TCPTIMER: a clock for software, in milliseconds, whose end is a cause of interrupts.
 *
 * Ref: a public test driver runs it as its only source of interrupts, with DURATION, KICKSTART, TCPCOUNTEN and LOOP.
 * Guess: a timer that is disabled keeps what is left, and a DURATION of 0 starts nothing.
 */
#include <stdint.h>
#include "regs.h"
#include "machine/clock.h"
#include "machine/irq.h"
#include "machine/regfile.h"
#include "i82599/chip.h"
#include "i82599/intr/intr.h"

#define NS_PER_MS 1000000ull

static uint64_t duration_ns(uint32_t tcptimer)
{
    return (tcptimer & TCPTIMER_DURATION) * NS_PER_MS;
}

int intr_timer_write(struct intr *intr, uint32_t written)
{
    uint64_t now = clock_now(intr->clock);

    if (intr->timer_ns != UINT64_MAX)
        intr->timer_left_ns = intr->timer_ns > now ? intr->timer_ns - now : 0;
    if (written & TCPTIMER_TCPCOUNTFINISH)          /* the end, now; what follows is a new round */
        intr->timer_left_ns = written & TCPTIMER_LOOP ? duration_ns(written) : 0;
    if (written & TCPTIMER_KICKSTART)
        intr->timer_left_ns = duration_ns(written);
    intr->timer_ns = (written & TCPTIMER_TCPCOUNTEN) && intr->timer_left_ns ? now + intr->timer_left_ns : UINT64_MAX;
    return (written & TCPTIMER_TCPCOUNTFINISH) != 0;
}

/* Rounds that a sleeping device missed are one cause: it could not have been latched twice. */
int intr_timer_run(struct intr *intr)
{
    uint32_t tcptimer = reg(intr->regs, R_TCPTIMER);
    uint64_t now = clock_now(intr->clock), round_ns = duration_ns(tcptimer);

    if (now < intr->timer_ns)
        return 0;
    if ((tcptimer & TCPTIMER_LOOP) && round_ns)
        intr->timer_ns += (1 + (now - intr->timer_ns) / round_ns) * round_ns;
    else
        intr->timer_ns = UINT64_MAX;
    intr->timer_left_ns = 0;
    return 1;
}
