/* SPDX-License-Identifier: BSD-3-Clause */
/* Flow Director: the table of filters, and the commands that change it.
 *
 * Commands run inside the write to FDIRCMD, so software that polls CMD for 0 sees it at once.  A filter lies in the
 * bucket that software names in FDIRHASH, behind those that were there before; a frame looks into one bucket only
 * (match.c).  A perfect filter is named by its bucket and the number software gave it, a signature filter by its bucket
 * and its signature.
 */
#include <stdint.h>
#include <string.h>
#include "desc.h"
#include "regs.h"
#include "machine/regfile.h"
#include "machine/parse.h"
#include "machine/wire/port.h"
#include "i82599/chip.h"
#include "i82599/pass.h"
#include "i82599/fdir/fdir.h"

#define FULL_THRESH_UNIT 16u          /* Ref: Linux, whose 4 in FULL_THRESH means 64 filters */

static uint32_t capacity(const struct fdir *fdir)
{
    return reg(fdir->regs, R_FDIRCTRL) & FDIRCTRL_PBALLOC ? (1u << fdir_index_bits(fdir)) - 1 : 0;
}

static uint32_t left(const struct fdir *fdir)
{
    uint32_t all = capacity(fdir);

    return all > fdir->used ? all - fdir->used : 0;
}

static void count_free(const struct fdir *fdir)
{
    reg_set(fdir->regs, R_FDIRFREE, left(fdir) << FDIRFREE_FREE_SHIFT | fdir->collided << FDIRFREE_COLL_SHIFT);
}

void fdir_reset(struct fdir *fdir)
{
    if (fdir->filter)
        memset(fdir->filter, 0, fdir->top * sizeof(*fdir->filter));
    memset(fdir->bucket, 0, sizeof(fdir->bucket));
    fdir->used = fdir->collided = fdir->top = fdir->freed = 0;
    fdir->stale = 1;
}

/* Where the number of the filter with this name stands, or the end of its bucket; *length: filters in front of it. */
static uint32_t *find(struct fdir *fdir, uint32_t hash, uint32_t *length)
{
    int perfect = (reg(fdir->regs, R_FDIRCTRL) & FDIRCTRL_PERFECT_MATCH) != 0;
    uint32_t name = perfect ? FDIRHASH_SIG_SW_INDEX : FDIRHASH_SIG_SW_INDEX & ~(1u << 31);   /* match.c says why */
    uint32_t *at = &fdir->bucket[fdir_bucket(fdir, hash)];

    for (*length = 0; *at; at = &fdir->filter[*at - 1].next, ++*length)       /* ends: a bucket has no circles */
        if (!((fdir->filter[*at - 1].hash ^ hash) & name))
            break;
    return at;
}

static uint32_t take_free(struct fdir *fdir)
{
    uint32_t number = fdir->freed;

    if (!number)
        return ++fdir->top;
    fdir->freed = fdir->filter[number - 1].next;
    return number;
}

static void fill(struct fdir *fdir, struct fdir_filter *filter, uint32_t cmd)
{
    memset(filter->ipsa, 0, sizeof(filter->ipsa));
    memset(filter->ipda, 0, sizeof(filter->ipda));
    if (cmd & FDIRCMD_IPV6) {
        for (uint32_t i = 0; i < 3; i++)
            filter->ipsa[i] = reg(fdir->regs, R_FDIRSIPv6(i));
        filter->ipsa[3] = reg(fdir->regs, R_FDIRIPSA);
    } else {
        filter->ipsa[0] = reg(fdir->regs, R_FDIRIPSA);
        filter->ipda[0] = reg(fdir->regs, R_FDIRIPDA);
    }
    filter->port = reg(fdir->regs, R_FDIRPORT);
    filter->vlan_flex = reg(fdir->regs, R_FDIRVLAN);
    filter->hash = reg(fdir->regs, R_FDIRHASH);
    filter->cmd = cmd;
    fdir_filter_key(fdir, filter);
}

static void collide(struct fdir *fdir, struct fdir_filter *filter)
{
    fdir->collided += !(filter->cmd & FDIRCMD_COLLISION);
    filter->cmd |= FDIRCMD_COLLISION;
}

/* FDIRLEN keeps the longest bucket since it was read. */
static void note_length(const struct fdir *fdir, uint32_t length, uint32_t hash)
{
    uint32_t fdirlen = reg(fdir->regs, R_FDIRLEN), most = FDIRLEN_MAXLEN >> FDIRLEN_MAXLEN_SHIFT;

    if (length > most)
        length = most;
    if (length <= field(fdirlen, FDIRLEN_MAXLEN))
        return;
    fdirlen &= ~(uint32_t)(FDIRLEN_MAXLEN | FDIRLEN_MAXHASH);
    reg_set(fdir->regs, R_FDIRLEN,
            fdirlen | length << FDIRLEN_MAXLEN_SHIFT | fdir_bucket(fdir, hash) << FDIRLEN_MAXHASH_SHIFT);
}

/* The command as it reads afterwards.  What exists is replaced with FILTER_UPDATE, else only marked: it collided. */
static uint32_t add(struct fdir *fdir, uint32_t cmd)
{
    uint32_t hash = reg(fdir->regs, R_FDIRHASH), ahead, *at = find(fdir, hash, &ahead), full;
    struct fdir_filter *filter;

    if (*at && !(cmd & FDIRCMD_FILTER_UPDATE)) {
        collide(fdir, &fdir->filter[*at - 1]);
        return cmd | FDIRCMD_COLLISION;
    }
    if (!*at && !left(fdir)) {
        bump_field(fdir->regs, R_FDIRFSTAT, FDIRFSTAT_FADD, 1u << FDIRFSTAT_FADD_SHIFT);
        return cmd;
    }
    if (!*at) {
        *at = take_free(fdir);
        filter = &fdir->filter[*at - 1];
        memset(filter, 0, sizeof(*filter));
        filter->used = 1;
        fdir->used++;
        note_length(fdir, ahead + 1, hash);
    } else {
        filter = &fdir->filter[*at - 1];
        fdir->collided -= (filter->cmd & FDIRCMD_COLLISION) != 0;
        cmd |= filter->cmd & FDIRCMD_COLLISION;
    }
    fdir->collided += (cmd & FDIRCMD_COLLISION) != 0;
    fill(fdir, filter, cmd);
    bump_field(fdir->regs, R_FDIRUSTAT, FDIRUSTAT_ADD, 1u << FDIRUSTAT_ADD_SHIFT);
    full = field(reg(fdir->regs, R_FDIRCTRL), FDIRCTRL_FULL_THRESH) * FULL_THRESH_UNIT;
    if (full && left(fdir) <= full)
        fdir->cause(fdir->intr, EICR_FLOW_DIR);
    return cmd;
}

static void drop(struct fdir *fdir)
{
    uint32_t ahead, *at = find(fdir, reg(fdir->regs, R_FDIRHASH), &ahead), number = *at;
    struct fdir_filter *filter;

    if (!number) {
        bump_field(fdir->regs, R_FDIRFSTAT, FDIRFSTAT_FREMOVE, 1u << FDIRFSTAT_FREMOVE_SHIFT);
        return;
    }
    filter = &fdir->filter[number - 1];
    *at = filter->next;
    fdir->collided -= (filter->cmd & FDIRCMD_COLLISION) != 0;
    fdir->used--;
    filter->used = 0;
    filter->next = fdir->freed;
    fdir->freed = number;
    bump_field(fdir->regs, R_FDIRUSTAT, FDIRUSTAT_REMOVE, 1u << FDIRUSTAT_REMOVE_SHIFT);
}

/* The filter's command, with VALID; 0: there is none.  FDIRLEN tells how many are in that bucket. */
static uint32_t query(struct fdir *fdir)
{
    uint32_t ahead, number = *find(fdir, reg(fdir->regs, R_FDIRHASH), &ahead), length = ahead;
    uint32_t most = FDIRLEN_BUCKET_LEN >> FDIRLEN_BUCKET_LEN_SHIFT;

    for (uint32_t rest = number; rest; rest = fdir->filter[rest - 1].next)
        length++;
    reg_set(fdir->regs, R_FDIRLEN, (reg(fdir->regs, R_FDIRLEN) & ~(uint32_t)FDIRLEN_BUCKET_LEN) |
                                       (length < most ? length : most) << FDIRLEN_BUCKET_LEN_SHIFT);
    return number ? fdir->filter[number - 1].cmd | FDIRCMD_FILTER_VALID : 0;
}

static void command(struct fdir *fdir, uint32_t cmd)
{
    uint32_t answer = cmd & ~(uint32_t)(FDIRCMD_CMD | FDIRCMD_FILTER_VALID);

    switch (cmd & FDIRCMD_CMD) {
    case FDIRCMD_CMD_ADD_FLOW: answer = add(fdir, answer); break;
    case FDIRCMD_CMD_REMOVE_FLOW: drop(fdir); break;
    case FDIRCMD_CMD_QUERY_REM_FILT: answer = query(fdir); break;
    default: break;
    }
    if (cmd & FDIRCMD_CLEARHT)
        fdir_reset(fdir);
    reg_set(fdir->regs, R_FDIRCMD, answer);  /* CMD reads 0: done */
    count_free(fdir);
}

/* Any flow director register was written; its word already holds what the access rule let through. */
void fdir_write(void *arg, uint32_t offset, uint32_t old, uint32_t seen, uint32_t written)
{
    struct fdir *fdir = arg;

    (void)old;
    (void)written;
    switch (offset) {
    case R_FDIRCMD: command(fdir, seen); break;
    case R_FDIRCTRL:                    /* (re)initializes the tables, in no time */
        fdir_reset(fdir);
        reg_set(fdir->regs, R_FDIRCTRL, reg(fdir->regs, R_FDIRCTRL) | FDIRCTRL_INIT_DONE);
        count_free(fdir);
        break;
    case R_FDIRM:
    case R_FDIRSIP4M:
    case R_FDIRDIP4M:
    case R_FDIRTCPM:
    case R_FDIRUDPM:
    case R_FDIRIP6M: fdir->stale = 1; break;
    default: break;
    }
}
