/* SPDX-License-Identifier: BSD-3-Clause */
/* Register access: a plain store or load where the page is mapped, a function call where it is not.
 *
 * Descriptors are written before the tail that publishes them, and status is read before the data it guards, so a mapped
 * store releases and a mapped load acquires.  A store to a mapped page is NOT ordered against an earlier posted message
 * to another page: whoever mixes the two reads a register in between (a read is a flush).
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include "mmio.h"

#define PAGE_SHIFT 12
#define PAGE_MASK 4095u

/* The word's place in this process, or NULL if it takes a function. */
static uint32_t *mapped(const struct mmio *bar, uint64_t offset)
{
    uint64_t index = offset >> PAGE_SHIFT;
    if (index >= MMIO_PAGES || bar->page[index] == NULL)
        return NULL;
    return (uint32_t *)(void *)(bar->page[index] + (offset & PAGE_MASK));
}

static int outside(const struct mmio *bar, uint64_t offset)
{
    return bar->len_bytes < sizeof(uint32_t) || offset > bar->len_bytes - sizeof(uint32_t) || offset % sizeof(uint32_t) != 0;
}

int mmio_is_mapped(const struct mmio *bar, uint64_t offset)
{
    return mapped(bar, offset) != NULL;
}

static void note(struct mmio *bar, int rc)
{
    if (rc < 0 && bar->error == 0)
        bar->error = rc;
}

/* The server sleeps, perhaps, and its next look would be late.  A lost race costs one message too many, or one look. */
static __attribute__((noinline)) int wake(struct mmio *bar)
{
    bar->slept = 0;
    return bar->wake_offset && bar->write32 ? bar->write32(bar->arg, bar->wake_offset, 0) : 0;
}

/* 0 or -errno; the value is left alone then. */
static int read_one(struct mmio *bar, uint64_t offset, uint32_t *value)
{
    uint32_t *word;

    if (outside(bar, offset))
        return -EINVAL;
    word = mapped(bar, offset);
    bar->reads++;
    if (word == NULL)
        return bar->read32 ? bar->read32(bar->arg, offset, value) : -ENODEV;
    *value = __atomic_load_n(word, __ATOMIC_ACQUIRE);
    return 0;
}

uint32_t mmio_read32(struct mmio *bar, uint64_t offset)
{
    uint32_t value = UINT32_MAX;
    int rc = read_one(bar, offset, &value);

    if (rc < 0) {
        note(bar, rc);
        return UINT32_MAX;
    }
    return value;
}

void mmio_read_many(struct mmio *bar, struct mmio_read *reads, uint32_t n)
{
    uint32_t at = 0;

    for (uint32_t i = 0; i < n; i++)
        reads[i].value = UINT32_MAX;
    while (at < n) {
        uint32_t end = at;

        while (bar->read_many && end < n && !outside(bar, reads[end].offset) && !mapped(bar, reads[end].offset))
            end++;
        if (end > at) {
            bar->reads += end - at;
            bar->read_many(bar->arg, reads + at, end - at);
            at = end;
        } else {
            reads[at].error = read_one(bar, reads[at].offset, &reads[at].value);
            at++;
        }
    }
}

void mmio_write32(struct mmio *bar, uint64_t offset, uint32_t value)
{
    int rc = -EINVAL;
    if (!outside(bar, offset)) {
        uint32_t *word = mapped(bar, offset);
        bar->writes++;
        if (word) {
            __atomic_store_n(word, value, __ATOMIC_RELEASE);
            if (__builtin_expect(bar->slept, 0))
                note(bar, wake(bar));
            return;
        }
        rc = bar->write32 ? bar->write32(bar->arg, offset, value) : -ENODEV;
    }
    note(bar, rc);
}
