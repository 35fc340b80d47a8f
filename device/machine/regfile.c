/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE                   /* memfd_create */
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "machine/clock.h"
#include "machine/guard.h"
#include "machine/trace.h"
#include "machine/regfile.h"

#define PY_DEPTH_MAX 8                /* a Python handler may touch registers itself, but not without end */

int regfile_init(struct regfile *regs, uint64_t bytes, const struct clock *clock)
{
    void *map;

    memset(regs, 0, sizeof(*regs));
    regs->shown_fd = -1;
    regs->bytes = bytes;
    regs->clock = clock;
    regs->page = calloc(bytes / REG_PAGE_BYTES, sizeof(*regs->page));
    if (!regs->page)
        return -ENOMEM;
    map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED)
        return -errno;
    regs->word = map;
    return 0;
}

void regfile_free(struct regfile *regs)
{
    for (uint64_t i = 0; regs->page && i < regs->bytes / REG_PAGE_BYTES; i++)
        free(regs->page[i]);
    free(regs->page);
    guard_free(regs->guard);
    if (regs->word)
        munmap(regs->word, regs->bytes);
    if (regs->shown)
        munmap(regs->shown, regs->shown_bytes);
    if (regs->shown_fd >= 0)
        close(regs->shown_fd);
    memset(regs, 0, sizeof(*regs));
    regs->shown_fd = -1;
}

/* ---- what clients map ---- */

static void show_all(struct regfile *regs)
{
    for (uint32_t i = 0; i < regs->shown_pages; i++)
        memcpy(&regs->shown[regs->shown_page[i] / 4], &regs->word[regs->shown_page[i] / 4], REG_PAGE_BYTES);
}

static int is_shown(const struct regfile *regs, uint32_t offset)
{
    for (uint32_t i = 0; i < regs->shown_pages; i++)
        if (regs->shown_page[i] == offset / REG_PAGE_BYTES * REG_PAGE_BYTES)
            return 1;
    return 0;
}

/* Out of line, as all that is done with shared doorbells only: an access without them pays for a test. */
static __attribute__((noinline)) void show(struct regfile *regs, uint32_t offset)
{
    if (is_shown(regs, offset))
        __atomic_store_n(&regs->shown[offset / 4], regs->word[offset / 4], __ATOMIC_RELEASE);
}

static int lose_shown(void *arg, uint8_t *at, uint8_t **map, uint64_t *map_bytes)
{
    struct regfile *regs = arg;

    if ((uint64_t)(at - (uint8_t *)regs->shown) >= regs->shown_bytes)
        return 0;
    regs->shown_gone++;
    *map = (uint8_t *)regs->shown;
    *map_bytes = regs->shown_bytes;
    return 1;
}

static int map_shown(struct regfile *regs)
{
    void *map = mmap(regs->shown, regs->shown_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | (regs->shown ? MAP_FIXED : 0),
                     regs->shown_fd, 0);

    if (map == MAP_FAILED)
        return -errno;
    regs->shown = map;
    return 0;
}

/* Areas have the same offset in BAR and file, so the file begins where the BAR does; what is between the pages is nobody's. */
int regfile_show(struct regfile *regs, const uint32_t *page, uint32_t n)
{
    int rc;

    if (n > REG_SHOWN_MAX || regs->shown)
        return -EINVAL;
    for (uint32_t i = 0; i < n; i++) {
        if (page[i] % REG_PAGE_BYTES || page[i] >= regs->bytes)
            return -EINVAL;
        if (page[i] + REG_PAGE_BYTES > regs->shown_bytes)
            regs->shown_bytes = page[i] + REG_PAGE_BYTES;
    }
    regs->shown_fd = memfd_create("ixlab-doorbells", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (regs->shown_fd < 0 || ftruncate(regs->shown_fd, (off_t)regs->shown_bytes) < 0 ||
        fcntl(regs->shown_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return -errno;
    rc = guard_arm();                 /* a client may still punch holes, and filling them may fail */
    if (rc == 0)
        rc = map_shown(regs);
    if (rc < 0)
        return rc;
    regs->guard = guard_new(lose_shown, regs);
    if (!regs->guard)
        return -ENOMEM;
    memcpy(regs->shown_page, page, n * sizeof(*page));
    regs->shown_pages = n;
    show_all(regs);
    regs->shared = 1;
    return 0;
}

static struct reg_page *page_at(struct regfile *regs, uint32_t offset)
{
    struct reg_page **page = &regs->page[offset / REG_PAGE_BYTES];

    if (*page)
        return *page;
    *page = calloc(1, sizeof(**page));
    for (uint32_t i = 0; *page && i < REG_PAGE_WORDS; i++)
        (*page)->canonical[i] = offset / REG_PAGE_BYTES * REG_PAGE_BYTES + i * 4;
    return *page;
}

int regfile_place(struct regfile *regs, uint32_t offset, uint32_t rule)
{
    struct reg_page *page;

    if (offset >= regs->bytes || offset % 4 || rule >= REG_RULES_MAX)
        return -EINVAL;
    page = page_at(regs, offset);
    if (!page)
        return -ENOMEM;
    page->rule[offset / 4 % REG_PAGE_WORDS] = (uint16_t)rule;
    return 0;
}

int64_t regfile_lay(struct regfile *regs, const struct reg_rule *rule, uint32_t rules, const struct reg_place *place, uint32_t n)
{
    if (rules > REG_RULES_MAX)
        return -EINVAL;
    memcpy(regs->rule, rule, rules * sizeof(*rule));
    for (uint32_t i = 0; i < n; i++) {
        if (place[i].canonical >= regs->bytes || place[i].canonical % 4 ||
            regfile_place(regs, place[i].offset, place[i].rule) < 0)
            return i;
        page_at(regs, place[i].offset)->canonical[place[i].offset / 4 % REG_PAGE_WORDS] = place[i].canonical;
    }
    return n;
}

/* The rule of the register at an offset, and where it is stored; rule 0, which knows nothing, where none is declared. */
static inline const struct reg_rule *rule_at(const struct regfile *regs, uint32_t offset, uint32_t *at)
{
    const struct reg_page *page = regs->page[offset / REG_PAGE_BYTES];
    uint32_t word = offset / 4 % REG_PAGE_WORDS;

    *at = page ? page->canonical[word] : offset & ~3u;
    return &regs->rule[page ? page->rule[word] : 0];
}

/* Pages without a register stay untouched: they read 0 and are no memory. */
void regfile_load(struct regfile *regs, int keep)
{
    for (uint64_t i = 0; i < regs->bytes / REG_PAGE_BYTES; i++) {
        const struct reg_page *page = regs->page[i];

        for (uint32_t word = 0; page && word < REG_PAGE_WORDS; word++) {
            const struct reg_rule *rule = &regs->rule[page->rule[word]];

            if (page->canonical[word] != (i * REG_PAGE_WORDS + word) * 4)
                continue;             /* an alias: it has no storage of its own */
            if (!(keep && (rule->flags & RULE_KEEP)))
                regs->word[i * REG_PAGE_WORDS + word] = rule->reset;
        }
    }
    regs->changes++;
    if (regs->shared) {
        if (regs->shown_gone)
            (void)map_shown(regs);    /* perhaps there is memory again; else clients' stores stay lost */
        show_all(regs);
    }
}

uint32_t reg_peek(struct regfile *regs, uint32_t offset)
{
    const struct reg_hook *hook;
    uint32_t at;

    if (offset >= regs->bytes)
        return 0;
    hook = &regs->hook[rule_at(regs, offset, &at)->hook];
    return hook->peek ? hook->peek(hook->block, at) : regs->word[at / 4];
}

void reg_put(struct regfile *regs, uint32_t offset, uint32_t value)
{
    const struct reg_hook *hook;
    uint32_t at;

    if (offset >= regs->bytes)
        return;
    hook = &regs->hook[rule_at(regs, offset, &at)->hook];
    regs->word[at / 4] = value;
    if (regs->shared)
        show(regs, at);
    regs->changes += !hook->quiet;
    if (hook->changed)
        hook->changed(hook->block);
}

static __attribute__((noinline)) void tell_none(struct regfile *regs, uint32_t at, uint32_t written)
{
    if (regs->py_none && regs->in_py < PY_DEPTH_MAX)
        regs->py_none(regs->self, at, written);
}

/* Read-only bits and what is no register go back to what they were.  A client that stored again meanwhile is not undone:
 * that store is taken at the next look. */
int reg_take(struct regfile *regs, uint32_t offset)
{
    uint32_t at, old, now, stored = __atomic_load_n(&regs->shown[offset / 4], __ATOMIC_ACQUIRE);
    const struct reg_rule *rule;
    const struct reg_hook *hook;

    if (stored == regs->word[offset / 4])
        return 0;
    rule = rule_at(regs, offset, &at);
    if (at != offset)
        rule = &regs->rule[0];        /* an alias has no storage of its own, and none of those in use is a page of its own */
    old = regs->word[offset / 4];
    now = (old & ~rule->rw) | (stored & rule->rw);
    now &= ~(stored & rule->w1c);
    now |= stored & rule->w1s;
    regs->word[offset / 4] = now;
    if (now != stored)
        (void)__atomic_compare_exchange_n(&regs->shown[offset / 4], &stored, now, 0, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
    if (stored & rule->none)
        tell_none(regs, offset, stored);
    if (now == old)
        return 0;
    hook = &regs->hook[rule->hook];
    regs->changes += !hook->quiet;
    if (hook->write)
        hook->write(hook->block, offset, old, now, now);
    else if (hook->changed)
        hook->changed(hook->block);
    if ((rule->flags & RULE_PY_WRITE) && regs->py_write && regs->in_py < PY_DEPTH_MAX) {
        regs->in_py++;
        regs->py_write(regs->self, offset, old, now, stored);
        regs->in_py--;
    }
    return 1;
}

/* What the client stored before an access comes before it. */
static __attribute__((noinline)) void take_first(struct regfile *regs, uint32_t at)
{
    if (is_shown(regs, at))
        (void)reg_take(regs, at);
}

static void unknown(struct regfile *regs, uint32_t at, uint32_t value, int is_write)
{
    regs->count.reg_unknown++;
    if (regs->py_unknown)
        regs->py_unknown(regs->self, at, value, is_write);
}

uint32_t reg_read(struct regfile *regs, uint32_t offset)
{
    const struct reg_rule *rule;
    const struct reg_hook *hook;
    uint32_t at, value;

    regs->count.reg_reads++;
    if (offset >= regs->bytes)
        return 0;
    rule = rule_at(regs, offset, &at);
    if (!(rule->flags & RULE_KNOWN)) {
        unknown(regs, at, 0, 0);
        return 0;
    }
    if (regs->shared)
        take_first(regs, at);
    hook = &regs->hook[rule->hook];
    value = hook->read ? hook->read(hook->block, at) : regs->word[at / 4];
    if ((rule->flags & RULE_PY_READ) && regs->py_read && regs->in_py < PY_DEPTH_MAX) {
        regs->in_py++;
        value = regs->py_read(regs->self, at, value);
        regs->in_py--;
    }
    regs->word[at / 4] &= ~rule->rc;
    if (regs->shared && rule->rc)
        show(regs, at);
    value &= ~rule->wo;
    if ((rule->flags & RULE_FAULT) && regs->py_fault)
        value = (uint32_t)regs->py_fault(regs->self, at, value, 0);
    if ((rule->flags & RULE_TRACE) && regs->py_trace)
        regs->py_trace(regs->self, at, value, 0);
    return value;
}

void reg_write(struct regfile *regs, uint32_t offset, uint32_t value)
{
    const struct reg_rule *rule;
    const struct reg_hook *hook;
    uint32_t at, old, now;

    regs->count.reg_writes++;
    if (offset >= regs->bytes)
        return;
    rule = rule_at(regs, offset, &at);
    if (!(rule->flags & RULE_KNOWN)) {
        unknown(regs, at, value, 1);
        return;
    }
    if ((rule->flags & RULE_TRACE) && regs->py_trace)
        regs->py_trace(regs->self, at, value, 1);
    if ((rule->flags & RULE_FAULT) && regs->py_fault) {
        uint64_t instead = regs->py_fault(regs->self, at, value, 1);

        if (instead & FAULT_LOST)
            return;
        value = (uint32_t)instead;
    }
    if (regs->shared)
        take_first(regs, at);
    old = regs->word[at / 4];
    now = (old & ~rule->rw) | (value & rule->rw);
    now &= ~(value & rule->w1c);
    now |= value & rule->w1s;
    regs->word[at / 4] = now;
    if (regs->shared)
        show(regs, at);
    hook = &regs->hook[rule->hook];
    regs->changes += !hook->quiet;
    if (hook->write)
        hook->write(hook->block, at, old, now | (value & rule->wo), value);
    else if (hook->changed)
        hook->changed(hook->block);
    if ((rule->flags & RULE_PY_WRITE) && regs->py_write && regs->in_py < PY_DEPTH_MAX) {
        regs->in_py++;
        regs->py_write(regs->self, at, old, regs->word[at / 4], value);
        regs->in_py--;
    }
    if (__builtin_expect(value & rule->none, 0))
        tell_none(regs, at, value);
}

/* What a write that leaves some bytes of a dword alone must carry in them: storage bits keep their value, and
 * bits that act when written as 1 stay 0. */
static uint32_t untouched_bytes(struct regfile *regs, uint32_t offset)
{
    uint32_t at;
    const struct reg_rule *rule = rule_at(regs, offset, &at);

    return reg_peek(regs, offset) & rule->rw & ~(rule->w1c | rule->w1s);
}

static uint32_t low_bytes(uint32_t value, uint32_t bytes)
{
    return bytes < 4 ? value & ((1u << 8 * bytes) - 1) : value;
}

static void note(struct regfile *regs, int kind, uint32_t offset, uint32_t value, uint32_t bytes)
{
    trace_note(regs->trace, clock_now(regs->clock), kind, offset, low_bytes(value >> 8 * (offset % 4), bytes), bytes);
}

/* What lies within one dword: `bytes` at `at`. */
static inline void part(struct regfile *regs, uint8_t *buf, uint32_t at, uint32_t bytes, int is_write)
{
    uint32_t skip = at % 4, value;

    if (is_write) {
        value = bytes < 4 ? untouched_bytes(regs, at) : 0;
        memcpy((uint8_t *)&value + skip, buf, bytes);
        if (regs->trace)
            note(regs, TRACE_WRITE, at, value, bytes);
        reg_write(regs, at - skip, value);
    } else {
        value = reg_read(regs, at - skip);
        memcpy(buf, (uint8_t *)&value + skip, bytes);
        if (regs->trace)
            note(regs, TRACE_READ, at, value, bytes);
    }
}

/* Any width and alignment: cut into dwords, lowest first, so an 8-byte store is its low half and then its high one. */
int64_t regfile_access(void *arg, uint8_t *buf, uint64_t count, uint64_t offset, int is_write)
{
    struct regfile *regs = arg;
    uint64_t done = 0;

    if (count > INT64_MAX || offset > UINT64_MAX - count)
        return -EINVAL;
    if (regs->off) {
        if (!is_write)
            memset(buf, 0xFF, count);
        return (int64_t)count;
    }
    if (count == 4 && offset % 4 == 0 && offset < regs->bytes) {
        part(regs, buf, (uint32_t)offset, 4, is_write);              /* as almost every access is */
        return 4;
    }
    while (done < count && offset + done < regs->bytes) {
        uint32_t at = (uint32_t)(offset + done), bytes = 4 - at % 4;

        if (bytes > count - done)
            bytes = (uint32_t)(count - done);
        part(regs, buf + done, at, bytes, is_write);
        done += bytes;
    }
    if (!is_write && done < count)
        memset(buf + done, 0, count - done);
    return (int64_t)count;
}
