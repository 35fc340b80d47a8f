/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE                   /* memfd_create */
#endif
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "machine/clock.h"
#include "machine/trace.h"
#include "machine/regfile.h"

#define PY_DEPTH_MAX 8                /* a Python handler may touch registers itself, but not without end */

int regfile_init(struct regfile *regs, uint64_t bytes, const struct clock *clock)
{
    void *map;

    memset(regs, 0, sizeof(*regs));
    regs->word_fd = memfd_create("ixlab-bar0", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (regs->word_fd < 0)
        return -errno;
    regs->bytes = bytes;
    regs->clock = clock;
    regs->page = calloc(bytes / REG_PAGE_BYTES, sizeof(*regs->page));
    if (!regs->page || ftruncate(regs->word_fd, (off_t)bytes) < 0)
        return regs->page ? -errno : -ENOMEM;
    map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, regs->word_fd, 0);
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
    if (regs->word)
        munmap(regs->word, regs->bytes);
    if (regs->word_fd >= 0)
        close(regs->word_fd);
    memset(regs, 0, sizeof(*regs));
    regs->word_fd = -1;
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

int regfile_alias(struct regfile *regs, uint32_t offset, uint32_t canonical)
{
    struct reg_page *page;

    if (offset >= regs->bytes || canonical >= regs->bytes || offset % 4 || canonical % 4)
        return -EINVAL;
    page = page_at(regs, offset);
    if (!page)
        return -ENOMEM;
    page->canonical[offset / 4 % REG_PAGE_WORDS] = canonical;
    return 0;
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
    if (hook->changed)
        hook->changed(hook->block);
}

void reg_poked(struct regfile *regs, uint32_t offset, uint32_t old, uint32_t now)
{
    uint32_t at;
    const struct reg_hook *hook = &regs->hook[rule_at(regs, offset, &at)->hook];

    if (hook->write)
        hook->write(hook->block, at, old, now, now);
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
    hook = &regs->hook[rule->hook];
    value = hook->read ? hook->read(hook->block, at) : regs->word[at / 4];
    if ((rule->flags & RULE_PY_READ) && regs->py_read && regs->in_py < PY_DEPTH_MAX) {
        regs->in_py++;
        value = regs->py_read(regs->self, at, value);
        regs->in_py--;
    }
    regs->word[at / 4] &= ~rule->rc;
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
    old = regs->word[at / 4];
    now = (old & ~rule->rw) | (value & rule->rw);
    now &= ~(value & rule->w1c);
    now |= value & rule->w1s;
    regs->word[at / 4] = now;
    hook = &regs->hook[rule->hook];
    if (hook->write)
        hook->write(hook->block, at, old, now | (value & rule->wo), value);
    else if (hook->changed)
        hook->changed(hook->block);
    if ((rule->flags & RULE_PY_WRITE) && regs->py_write && regs->in_py < PY_DEPTH_MAX) {
        regs->in_py++;
        regs->py_write(regs->self, at, old, regs->word[at / 4], value);
        regs->in_py--;
    }
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
