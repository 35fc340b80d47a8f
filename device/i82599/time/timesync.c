/* SPDX-License-Identifier: BSD-3-Clause */
/* SYSTIM's rate, its adjustment, and the one stamp each of received and sent frames. */
#include <stdint.h>
#include <string.h>
#include "desc.h"
#include "regs.h"
#include "machine/bytes.h"
#include "machine/clock.h"
#include "machine/eth.h"
#include "machine/regfile.h"
#include "machine/parse.h"
#include "machine/wire/port.h"
#include "i82599/chip.h"
#include "i82599/pass.h"
#include "i82599/time/timesync.h"

#define NS_PER_US 1000ull
#define UDP_DST_PORT 2
#define PER_NS 5                      /* time is kept in fifths of a nanosecond */
#define TICK_10G 32
#define TICK_1G 320
#define TICK_100M 3200

/* A PTP message, IEEE 1588-2002 (version 1) and -2008 (version 2). */
#define PTP_BYTES_MIN 36
#define PTP_TYPE 0                    /* version 2: low half of the byte; 0 to 7 are event messages */
#define PTP_VERSION 1                 /* low half of the byte */
#define PTP_SOURCE 22                 /* version 1: address of the sender; version 2: the end of its identity, and its port's */
#define PTP_SOURCE_BYTES 6
#define PTP_SEQUENCE 30
#define PTP_CONTROL 32                /* version 1: what kind of message */
#define PTP_TYPE_PDELAY_REQ 2
#define PTP_TYPE_PDELAY_RESP 3
#define PTP_TYPE_EVENT_MAX 7

/* ---- the clock -------------------------------------------------------------------------------------------------- */

/* SYSTIM gains TIMINCA's increment every `period` ticks.  What is left of a period goes into the next one, whatever is
 * written meanwhile: a driver that trims the increment many times a second must not lose time by it. */
uint64_t timesync_now(struct timesync *time)
{
    uint64_t now = clock_now(time->clock) * PER_NS, gains;
    uint64_t every = (uint64_t)field(time->timinca, TIMINCA_INCPERIOD) * time->tick;

    if (!every) {                     /* it stands still */
        time->since = now;
        return time->systim;
    }
    gains = (now - time->since) / every;
    time->since += gains * every;
    time->systim += gains * (time->timinca & TIMINCA_INCVALUE);
    return time->systim;
}

/* Without a link the rate stays what it was.  Guess. */
void timesync_speed(struct timesync *time)
{
    uint32_t links = reg(time->regs, R_LINKS);

    (void)timesync_now(time);         /* the time so far passed at the old rate */
    if (!(links & LINKS_UP))
        return;
    switch (links & LINKS_SPEED) {
    case LINKS_SPEED_SPEED_100: time->tick = TICK_100M; break;
    case LINKS_SPEED_SPEED_1G: time->tick = TICK_1G; break;
    default: time->tick = TICK_10G; break;
    }
}

/* Guess: SYSTIM jumps by TIMADJ when its high half is written, and bit 31 of that is the sign.  Ref: libmoon uses it. */
static void adjust(struct timesync *time, uint32_t high)
{
    uint64_t by = reg(time->regs, R_TIMADJL) | (uint64_t)(high & TIMADJH_OFFSET) << 32;

    time->systim += high & TIMADJH_MINUS ? 0 - by : by;
}

/* ---- stamps ----------------------------------------------------------------------------------------------------- */

/* The first stamp stays until software has read its high half; the next frame has none.  0: not free. */
static int latch(struct timesync *time, uint32_t control, uint32_t valid, uint32_t low, uint32_t high, uint64_t systim)
{
    uint32_t was = reg(time->regs, control);

    if (was & valid)
        return 0;
    reg_set(time->regs, low, (uint32_t)systim);
    reg_set(time->regs, high, (uint32_t)(systim >> 32));
    reg_set(time->regs, control, was | valid);
    return 1;
}

void timesync_sent(struct timesync *time, uint64_t systim)
{
    if (reg(time->regs, R_TSYNCTXCTL) & TSYNCTXCTL_ENABLED)
        (void)latch(time, R_TSYNCTXCTL, TSYNCTXCTL_VALID, R_TXSTMPL, R_TXSTMPH, systim);
}

/* PTP right on Ethernet: the frame that an ethertype filter with IEEE_1588 took.  Where the message starts; 0: it is none. */
static uint32_t l2_message(const struct timesync *time, const struct rx_pass *pass)
{
    uint32_t at = ETH_TYPE_OFFSET, end = ETH_TYPE_OFFSET + 2 * ETH_TAG_BYTES;

    if (!(pass->info.type & RXDETQF_MATCH) ||
        !(reg(time->regs, R_ETQF(field(pass->info.type, RXDETQF_INDEX))) & ETQF_IEEE_1588))
        return 0;
    while (at < end && be16(pass->frame->data + at) != pass->packet.ethertype)
        at += ETH_TAG_BYTES;
    return at + 2;
}

/* PTP in UDP, over IPv4 or IPv6, to the port that RXMTRL names. */
static uint32_t l4_message(const struct timesync *time, const struct rx_pass *pass)
{
    const struct packet *packet = &pass->packet;

    if (packet->l4_proto != PROTO_UDP ||
        be16(pass->frame->data + packet->l4 + UDP_DST_PORT) != field(reg(time->regs, R_RXMTRL), RXMTRL_UDP_PORT))
        return 0;
    return packet->l4 + UDP_HEADER_BYTES;
}

static int is_version_1(const struct timesync *time, const uint8_t *message)
{
    return (message[PTP_VERSION] & 0xF) == 1 && message[PTP_CONTROL] == field(reg(time->regs, R_RXMTRL), RXMTRL_CTRLT);
}

static int is_version_2(const struct timesync *time, const uint8_t *message, int all_events)
{
    uint32_t type = message[PTP_TYPE] & 0xF;

    if ((message[PTP_VERSION] & 0xF) != 2)
        return 0;
    if (all_events)
        return type <= PTP_TYPE_EVENT_MAX;
    return type == field(reg(time->regs, R_RXMTRL), RXMTRL_MSGT) || type == PTP_TYPE_PDELAY_REQ || type == PTP_TYPE_PDELAY_RESP;
}

/* The message that is to be stamped; NULL: there is none.  Types that later parts have stamp nothing. */
static const uint8_t *wanted(const struct timesync *time, const struct rx_pass *pass)
{
    uint32_t type = reg(time->regs, R_TSYNCRXCTL) & TSYNCRXCTL_TYPE, at = 0;
    const uint8_t *message;

    if (type != TSYNCRXCTL_TYPE_L4_V1)
        at = l2_message(time, pass);
    if (!at && type != TSYNCRXCTL_TYPE_L2_V2)
        at = l4_message(time, pass);
    if (!at || at + PTP_BYTES_MIN > pass->frame->len_bytes)
        return NULL;
    message = pass->frame->data + at;
    switch (type) {
    case TSYNCRXCTL_TYPE_L4_V1: return is_version_1(time, message) ? message : NULL;
    case TSYNCRXCTL_TYPE_L2_V2:
    case TSYNCRXCTL_TYPE_L2_L4_V2: return is_version_2(time, message, 0) ? message : NULL;
    case TSYNCRXCTL_TYPE_EVENT_V2: return is_version_2(time, message, 1) ? message : NULL;
    default: return NULL;
    }
}

/* The descriptor's bit says that the registers hold this very frame's stamp: drivers ask for no more.  Ref: ixgbe.
 * RXSATR has the bytes in their order in the message, the first one lowest: so libmoon reads the sequence number.  Guess:
 * the source likewise. */
void timesync_stage(struct timesync *time, struct rx_pass *pass)
{
    const uint8_t *message = wanted(time, pass);
    uint64_t source = 0;

    if (!message || !latch(time, R_TSYNCRXCTL, TSYNCRXCTL_VALID, R_RXSTMPL, R_RXSTMPH, timesync_now(time)))
        return;
    memcpy(&source, message + PTP_SOURCE, PTP_SOURCE_BYTES);
    memcpy((uint8_t *)&source + PTP_SOURCE_BYTES, message + PTP_SEQUENCE, sizeof(source) - PTP_SOURCE_BYTES);
    reg_set(time->regs, R_RXSATRL, (uint32_t)source);
    reg_set(time->regs, R_RXSATRH, (uint32_t)(source >> 32));
    pass->info.status |= RXD_STAT_TS;
}

/* ---- registers -------------------------------------------------------------------------------------------------- */

uint32_t timesync_peek(void *arg, uint32_t offset)
{
    struct timesync *time = arg;

    switch (offset) {
    case R_FRTIMER: return (uint32_t)((clock_now(time->clock) - time->timer_ns) / NS_PER_US);
    case R_SYSTIML: return (uint32_t)timesync_now(time);
    case R_SYSTIMH: return time->systim_high;
    default: return reg(time->regs, offset);
    }
}

uint32_t timesync_read(void *arg, uint32_t offset)
{
    struct timesync *time = arg;
    uint32_t value = timesync_peek(time, offset);

    switch (offset) {
    case R_SYSTIML: time->systim_high = (uint32_t)(time->systim >> 32); break; /* the half a driver reads next belongs to this one */
    case R_RXSTMPH: reg_set(time->regs, R_TSYNCRXCTL, reg(time->regs, R_TSYNCRXCTL) & ~TSYNCRXCTL_VALID); break;
    case R_TXSTMPH: reg_set(time->regs, R_TSYNCTXCTL, reg(time->regs, R_TSYNCTXCTL) & ~TSYNCTXCTL_VALID); break;
    default: break;
    }
    return value;
}

void timesync_write(void *arg, uint32_t offset, uint32_t old, uint32_t value, uint32_t written)
{
    struct timesync *time = arg;

    (void)old;
    (void)written;
    (void)timesync_now(time);
    switch (offset) {
    case R_SYSTIML: time->systim = (time->systim & ~(uint64_t)UINT32_MAX) | value; break;
    case R_SYSTIMH:
        time->systim = (time->systim & UINT32_MAX) | (uint64_t)value << 32;
        time->systim_high = value;
        break;
    case R_TIMINCA: time->timinca = value; break;
    case R_TIMADJH: adjust(time, value); break;
    case R_TSYNCRXCTL: time->rx_on = value & TSYNCRXCTL_ENABLED; break;
    default: break;
    }
}

void timesync_reset(struct timesync *time)
{
    time->timer_ns = clock_now(time->clock);
    time->systim = 0;
    time->since = time->timer_ns * PER_NS;
    time->tick = TICK_10G;
    time->systim_high = 0;
    time->timinca = 0;
    time->rx_on = 0;
}
