/* SPDX-License-Identifier: BSD-3-Clause */
/* Registers as the guest sees them: storage, access rules, and who else looks.
 *
 * The rules come from device/regs by way of device/machine/regfile.py; nothing here knows a register by name.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE                   /* memfd_create */
#endif
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "desc.h"
#include "regs.h"
#include "core.h"

#define HOOK_DEPTH_MAX 8              /* a Python handler may touch registers itself, but not without end */
#define NS_PER_S 1000000000ull
#define TX_ARENA_BYTES (2ull * NIC_BATCH * NIC_FRAME_MAX)

uint64_t nic_now(struct nic *nic)
{
    struct timespec now;

    if (nic->clock)
        return nic->clock(nic->clock_arg);
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t nic_manual_clock(void *nic)
{
    return ((struct nic *)nic)->manual_ns;
}

void nic_free(struct nic *nic)
{
    if (!nic)
        return;
    if (nic->word)
        munmap(nic->word, NIC_BAR0_BYTES);
    if (nic->word_fd >= 0)
        close(nic->word_fd);
    free(nic->dma.region);
    free(nic->tx_arena);
    free(nic->fifo);
    free(nic->fdir);
    free(nic);
}

struct nic *nic_new(void)
{
    struct nic *nic = calloc(1, sizeof(*nic));
    void *map;

    if (!nic)
        return NULL;
    nic->word_fd = memfd_create("ixlab-bar0", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (nic->word_fd < 0 || ftruncate(nic->word_fd, NIC_BAR0_BYTES) < 0)
        goto fail;
    map = mmap(NULL, NIC_BAR0_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, nic->word_fd, 0);
    if (map == MAP_FAILED)
        goto fail;
    nic->word = map;
    nic->tx_arena = calloc(1, TX_ARENA_BYTES);
    nic->tx_arena_bytes = TX_ARENA_BYTES;
    nic->fifo = calloc(1, NIC_FIFO_BYTES);
    nic->fdir = calloc(NIC_FDIR_MAX, sizeof(*nic->fdir));
    if (!nic->tx_arena || !nic->fifo || !nic->fdir)
        goto fail;
    for (uint32_t i = 0; i < NIC_WORDS; i++)
        nic->canonical[i] = (uint16_t)i;
    nic->intr.deadline_ns = UINT64_MAX;
    nic->filters_stale = 1;
    nic->rss_stale = 1;
    return nic;
fail:
    nic_free(nic);
    return NULL;
}

void nic_load(struct nic *nic, int keep)
{
    for (uint32_t i = 0; i < NIC_WORDS; i++) {
        const struct reg_rule *rule = &nic->rule[nic->rule_of[i] % NIC_RULES_MAX];

        if (!(keep && (rule->flags & RULE_KEEP)))
            nic->word[i] = rule->reset;
    }
}

static void trace(struct nic *nic, int kind, uint32_t offset, uint32_t value, uint32_t bytes)
{
    struct trace *trace = nic->trace;

    if (trace->used >= trace->size) {
        trace->lost++;
        return;
    }
    trace->entry[trace->used++] = (struct trace_entry){
        .time_ns = nic_now(nic), .offset = offset, .value = value, .len_bytes = (uint8_t)bytes, .kind = (uint8_t)kind,
    };
}

void nic_reset(struct nic *nic, int keep)
{
    if (nic->trace && !keep)
        trace(nic, TRACE_RESET, 0, 0, 0);
    nic_load(nic, keep);
    memset(nic->seen_rdt, 0, sizeof(nic->seen_rdt));
    memset(nic->seen_tdt, 0, sizeof(nic->seen_tdt));
    memset(nic->seen_rx_on, 0, sizeof(nic->seen_rx_on));
    memset(nic->seen_tx_on, 0, sizeof(nic->seen_tx_on));
    nic->seen_on = 0;
    nic->filters_stale = 1;
    nic->rss_stale = 1;
    intr_reset(nic);
    rx_reset(nic);
    tx_reset(nic);
    fdir_reset(nic);
    stats_reset(nic);
}

/* The value without any effect of looking at it. */
uint32_t reg_peek(struct nic *nic, uint32_t offset)
{
    uint32_t at;

    if (offset >= NIC_BAR0_BYTES)
        return 0;
    at = nic->canonical[offset / 4] % NIC_WORDS;
    if (nic->rule[nic->rule_of[at] % NIC_RULES_MAX].hook == HOOK_INTR)
        return intr_peek(nic, at * 4);
    return nic->word[at];
}

uint32_t reg_read(struct nic *nic, uint32_t offset)
{
    const struct reg_rule *rule;
    uint32_t at, value;

    nic->count.reg_reads++;
    if (offset >= NIC_BAR0_BYTES)
        return 0;
    at = nic->canonical[offset / 4] % NIC_WORDS;
    rule = &nic->rule[nic->rule_of[at] % NIC_RULES_MAX];
    if (!(rule->flags & RULE_KNOWN)) {
        nic->count.reg_unknown++;
        if (nic->on_unknown)
            nic->on_unknown(nic->self, at * 4, 0, 0);
        return 0;
    }
    switch (rule->hook) {
    case HOOK_INTR: value = intr_read(nic, at * 4); break;
    case HOOK_TIME: value = time_read(nic, at * 4); break;
    default: value = nic->word[at]; break;
    }
    if ((rule->flags & RULE_PY_READ) && nic->on_read && nic->in_hook < HOOK_DEPTH_MAX) {
        nic->in_hook++;
        value = nic->on_read(nic->self, at * 4, value);
        nic->in_hook--;
    }
    nic->word[at] &= ~rule->rc;
    value &= ~rule->wo;
    if ((rule->flags & RULE_TRACE) && nic->on_trace)
        nic->on_trace(nic->self, at * 4, value, 0);
    return value;
}

/* One dword.  A C hook gets what the register now holds, plus the write-only and self-clearing bits just written. */
void reg_write(struct nic *nic, uint32_t offset, uint32_t value)
{
    const struct reg_rule *rule;
    uint32_t at, old, now, seen;

    nic->count.reg_writes++;
    if (offset >= NIC_BAR0_BYTES)
        return;
    at = nic->canonical[offset / 4] % NIC_WORDS;
    rule = &nic->rule[nic->rule_of[at] % NIC_RULES_MAX];
    if (!(rule->flags & RULE_KNOWN)) {
        nic->count.reg_unknown++;
        if (nic->on_unknown)
            nic->on_unknown(nic->self, at * 4, value, 1);
        return;
    }
    if ((rule->flags & RULE_TRACE) && nic->on_trace)
        nic->on_trace(nic->self, at * 4, value, 1);
    old = nic->word[at];
    now = (old & ~rule->rw) | (value & rule->rw);
    now &= ~(value & rule->w1c);
    now |= value & rule->w1s;
    nic->word[at] = now;
    seen = now | (value & rule->wo);
    switch (rule->hook) {
    case HOOK_INTR: intr_write(nic, at * 4, value); break;
    case HOOK_RXQ: rx_write(nic, at * 4, old, seen); break;
    case HOOK_TXQ: tx_write(nic, at * 4, old, seen); break;
    case HOOK_FILTER: filter_write(nic, at * 4, seen); break;
    case HOOK_RSS: rss_write(nic, at * 4, seen); break;
    case HOOK_FDIR: fdir_write(nic, at * 4, seen); break;
    case HOOK_TIME: time_write(nic, at * 4, seen); break;
    default: break;
    }
    if ((rule->flags & RULE_PY_WRITE) && nic->on_write && nic->in_hook < HOOK_DEPTH_MAX) {
        nic->in_hook++;
        nic->on_write(nic->self, at * 4, old, nic->word[at], value);
        nic->in_hook--;
    }
}

/* What a write that leaves some bytes of a dword alone must carry in them: storage bits keep their value, and
 * bits that act when written as 1 stay 0. */
static uint32_t untouched_bytes(struct nic *nic, uint32_t offset)
{
    uint32_t at = nic->canonical[offset / 4] % NIC_WORDS;
    const struct reg_rule *rule = &nic->rule[nic->rule_of[at] % NIC_RULES_MAX];

    return reg_peek(nic, offset) & rule->rw & ~(rule->w1c | rule->w1s);
}

static uint32_t low_bytes(uint32_t value, uint32_t bytes)
{
    return bytes < 4 ? value & ((1u << 8 * bytes) - 1) : value;
}

/* Any width and alignment: cut into dwords, lowest first, so an 8-byte store is its low half and then its high one. */
int64_t nic_bar0(void *arg, uint8_t *buf, uint64_t count, uint64_t offset, int is_write)
{
    struct nic *nic = arg;
    uint64_t done = 0;

    if (count > INT64_MAX || offset > UINT64_MAX - count)
        return -EINVAL;
    if (nic->memory_off) {
        if (!is_write)
            memset(buf, 0xFF, count);
        return (int64_t)count;
    }
    while (done < count && offset + done < NIC_BAR0_BYTES) {
        uint32_t at = (uint32_t)(offset + done);
        uint32_t skip = at % 4, bytes = 4 - skip, value;

        if (bytes > count - done)
            bytes = (uint32_t)(count - done);
        if (is_write) {
            value = bytes < 4 ? untouched_bytes(nic, at) : 0;
            memcpy((uint8_t *)&value + skip, buf + done, bytes);
            if (nic->trace)
                trace(nic, TRACE_WRITE, at, low_bytes(value >> 8 * skip, bytes), bytes);
            reg_write(nic, at - skip, value);
        } else {
            value = reg_read(nic, at - skip);
            memcpy(buf + done, (uint8_t *)&value + skip, bytes);
            if (nic->trace)
                trace(nic, TRACE_READ, at, low_bytes(value >> 8 * skip, bytes), bytes);
        }
        done += bytes;
    }
    if (!is_write && done < count)
        memset(buf + done, 0, count - done);
    return (int64_t)count;
}

int nic_door_read32(void *nic, uint64_t offset, uint32_t *value)
{
    int64_t rc = nic_bar0(nic, (uint8_t *)value, sizeof(*value), offset, 0);

    if (rc < 0)
        return (int)rc;
    nic_step(nic);
    return 0;
}

int nic_door_write32(void *nic, uint64_t offset, uint32_t value)
{
    int64_t rc = nic_bar0(nic, (uint8_t *)&value, sizeof(value), offset, 1);

    if (rc < 0)
        return (int)rc;
    nic_step(nic);
    return 0;
}
