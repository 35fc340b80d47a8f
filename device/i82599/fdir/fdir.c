/* SPDX-License-Identifier: BSD-3-Clause */
/* Flow Director: perfect filters that send a flow to a queue, or drop it.
 *
 * Commands run inside the write to FDIRCMD, so software that polls CMD for 0 sees it at once.  Signature filters (what
 * a driver adds from its own transmit path) are hints: they are accepted and forgotten.
 *
 * A filter matches when all fields under the masks are equal.  So each filter keeps its fields already masked, and a
 * frame's masked fields pick one bucket of candidates.
 */
#include <stdint.h>
#include <string.h>
#include "desc.h"
#include "regs.h"
#include "machine/bytes.h"
#include "machine/eth.h"
#include "machine/regfile.h"
#include "machine/parse.h"
#include "machine/wire/port.h"
#include "i82599/chip.h"
#include "i82599/pass.h"
#include "i82599/fdir/fdir.h"

#define KEY_WORDS 8                   /* source 4, destination 1, ports, VLAN and flexible bytes, kind of packet */
#define BUCKET_SHIFT (64 - 9)         /* the top bits of a 64-bit hash: FDIR_BUCKETS is 2^9 */

_Static_assert(FDIR_BUCKETS == 1 << (64 - BUCKET_SHIFT), "a bucket is 9 bits of the hash");

/* The registers with IP addresses and their masks hold them as they lie in the header: the first byte lowest.
 * Observed: Linux 6.12 writes 192.0.2.2 as 0x020200C0. */
static uint32_t as_it_lies(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* FDIRTCPM and FDIRUDPM hold ignore bits, and each 16-bit half is written last bit first. */
static uint32_t port_mask(uint32_t reg)
{
    uint32_t mask = 0;

    for (uint32_t bit = 0; bit < 16; bit++) {
        mask |= (reg >> bit & 1) << (15 - bit);
        mask |= (reg >> (16 + bit) & 1) << (31 - bit);
    }
    return ~mask;
}

/* What FDIRM leaves of the VLAN tag and of the flexible bytes. */
static uint32_t vlan_flex_mask(uint32_t fdirm)
{
    uint32_t mask = FDIRVLAN_VLAN | FDIRVLAN_FLEX;

    if (fdirm & FDIRM_VLANID)
        mask &= ~0x0FFFu;
    if (fdirm & FDIRM_VLANP)
        mask &= ~0xE000u;
    if (fdirm & FDIRM_FLEX)
        mask &= ~(uint32_t)FDIRVLAN_FLEX;
    return mask & ~0x1000u;           /* the tag's CFI bit is never compared */
}

/* Raw fields in, masked fields out.  kind: L4 type and IPv6 bits as in FDIRCMD.  IPv6 destinations are not compared. */
static void key_mask(const struct fdir *fdir, uint32_t *key, uint32_t kind)
{
    uint32_t fdirm = reg(fdir->regs, R_FDIRM);
    int is_udp = (kind & FDIRCMD_L4TYPE) == FDIRCMD_L4TYPE_UDP;

    if (!(kind & FDIRCMD_IPV6)) {
        key[0] &= ~reg(fdir->regs, R_FDIRSIP4M);
        key[1] = key[2] = key[3] = 0;
        key[4] &= ~reg(fdir->regs, R_FDIRDIP4M);
    } else {
        uint32_t ignore = reg(fdir->regs, R_FDIRIP6M) & FDIRIP6M_SOURCE;

        for (uint32_t i = 0; i < 16 && ignore; i++)     /* Guess: bit i is byte i as it lies in the header */
            if (ignore >> i & 1)
                key[i / 4] &= ~(0xFFu << i % 4 * 8);
        key[4] = 0;
    }
    key[5] &= port_mask(reg(fdir->regs, is_udp ? R_FDIRUDPM : R_FDIRTCPM));
    key[6] &= vlan_flex_mask(fdirm);
    key[7] = kind & ((fdirm & FDIRM_L4P) ? FDIRCMD_IPV6 : FDIRCMD_IPV6 | FDIRCMD_L4TYPE);
}

static uint32_t bucket_of(const uint32_t *key)
{
    uint64_t sum = 0;

    for (int i = 0; i < KEY_WORDS; i++)
        sum = (sum ^ key[i]) * 0x9E3779B97F4A7C15ull;   /* spreads, no more: golden ratio */
    return (uint32_t)(sum >> BUCKET_SHIFT);
}

/* Masks or filters changed: all keys and chains anew.  At most FDIR_FILTERS_MAX steps, once per change that is used. */
static void rebuild(struct fdir *fdir)
{
    memset(fdir->bucket, 0, sizeof(fdir->bucket));
    for (uint32_t i = FDIR_FILTERS_MAX; i-- > 0;) {         /* backwards: chains then run from the first filter on */
        struct fdir_filter *filter = &fdir->filter[i];
        uint32_t bucket;

        if (!filter->used)
            continue;
        memcpy(filter->key, filter->ipsa, sizeof(filter->ipsa));
        filter->key[4] = filter->ipda[0];
        filter->key[5] = filter->port;
        filter->key[6] = filter->vlan_flex;
        key_mask(fdir, filter->key, filter->cmd & (FDIRCMD_L4TYPE | FDIRCMD_IPV6));
        bucket = bucket_of(filter->key);
        filter->next = fdir->bucket[bucket];
        fdir->bucket[bucket] = i + 1;
    }
    fdir->stale = 0;
}

static uint32_t capacity(const struct fdir *fdir)
{
    uint32_t pballoc = field(reg(fdir->regs, R_FDIRCTRL), FDIRCTRL_PBALLOC);

    return pballoc ? (1024u << pballoc) - 1 : 0;        /* 2, 4 or 8 K filters for 64, 128 or 256 KB, less one */
}

static void free_count(const struct fdir *fdir)
{
    uint32_t all = capacity(fdir), left = all > fdir->used ? all - fdir->used : 0;

    reg_set(fdir->regs, R_FDIRFREE,
            (reg(fdir->regs, R_FDIRFREE) & ~(uint32_t)FDIRFREE_FREE) | left << FDIRFREE_FREE_SHIFT);
}

void fdir_reset(struct fdir *fdir)
{
    if (fdir->filter)
        memset(fdir->filter, 0, FDIR_FILTERS_MAX * sizeof(*fdir->filter));
    memset(fdir->bucket, 0, sizeof(fdir->bucket));
    fdir->used = 0;
    fdir->stale = 0;
}

/* A filter is named by its bucket hash and the number software gave it. */
static struct fdir_filter *find(struct fdir *fdir, uint32_t hash)
{
    const uint32_t name = FDIRHASH_HASH | FDIRHASH_SIG_SW_INDEX;

    for (uint32_t i = 0, seen = 0; i < FDIR_FILTERS_MAX && seen < fdir->used; i++) {
        if (!fdir->filter[i].used)
            continue;
        seen++;
        if (!((fdir->filter[i].hash ^ hash) & name))
            return &fdir->filter[i];
    }
    return NULL;
}

static int filter_add(struct fdir *fdir, uint32_t cmd)
{
    uint32_t hash = reg(fdir->regs, R_FDIRHASH);
    struct fdir_filter *filter = find(fdir, hash);

    if (!filter) {
        if (fdir->used >= capacity(fdir) || fdir->used >= FDIR_FILTERS_MAX)
            return 0;
        for (filter = fdir->filter; filter->used; filter++)
            ;                         /* ends: fewer than FDIR_FILTERS_MAX are in use */
        filter->used = 1;
        fdir->used++;
    }
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
    filter->hash = hash;
    filter->cmd = cmd;
    fdir->stale = 1;
    return 1;
}

static int filter_remove(struct fdir *fdir)
{
    struct fdir_filter *filter = find(fdir, reg(fdir->regs, R_FDIRHASH));

    if (!filter)
        return 0;
    memset(filter, 0, sizeof(*filter));
    fdir->used--;
    fdir->stale = 1;
    return 1;
}

static void command(struct fdir *fdir, uint32_t cmd)
{
    int perfect = (reg(fdir->regs, R_FDIRCTRL) & FDIRCTRL_PERFECT_MATCH) != 0;
    uint32_t answer = cmd & ~(uint32_t)(FDIRCMD_CMD | FDIRCMD_FILTER_VALID);

    switch (cmd & FDIRCMD_CMD) {
    case FDIRCMD_CMD_ADD_FLOW:
        if (!perfect)
            break;
        if (filter_add(fdir, answer))
            bump_field(fdir->regs, R_FDIRUSTAT, FDIRUSTAT_ADD, 1u << FDIRUSTAT_ADD_SHIFT);
        else
            bump_field(fdir->regs, R_FDIRFSTAT, FDIRFSTAT_FADD, 1u << FDIRFSTAT_FADD_SHIFT);
        break;
    case FDIRCMD_CMD_REMOVE_FLOW:
        if (!perfect)
            break;
        if (filter_remove(fdir))
            bump_field(fdir->regs, R_FDIRUSTAT, FDIRUSTAT_REMOVE, 1u << FDIRUSTAT_REMOVE_SHIFT);
        else
            bump_field(fdir->regs, R_FDIRFSTAT, FDIRFSTAT_FREMOVE, 1u << FDIRFSTAT_FREMOVE_SHIFT);
        break;
    case FDIRCMD_CMD_QUERY_REM_FILT: {
        struct fdir_filter *filter = perfect ? find(fdir, reg(fdir->regs, R_FDIRHASH)) : NULL;

        answer = filter ? filter->cmd | FDIRCMD_FILTER_VALID : 0;
        break;
    }
    default:
        break;
    }
    if (cmd & FDIRCMD_CLEARHT)
        fdir_reset(fdir);
    reg_set(fdir->regs, R_FDIRCMD, answer);  /* CMD reads 0: done */
    free_count(fdir);
}

/* Any flow director register was written; its word already holds what the access rule let through. */
void fdir_write(void *arg, uint32_t offset, uint32_t old, uint32_t seen, uint32_t written)
{
    struct fdir *fdir = arg;

    (void)old;
    (void)written;
    if (offset == R_FDIRCMD) {
        command(fdir, seen);
    } else if (offset == R_FDIRCTRL) {  /* (re)initializes the tables, in no time */
        fdir_reset(fdir);
        reg_set(fdir->regs, R_FDIRCTRL, reg(fdir->regs, R_FDIRCTRL) | FDIRCTRL_INIT_DONE);
        free_count(fdir);
    } else {
        fdir->stale = 1;                /* perhaps a mask */
    }
}

/* 1: a filter fits, and *out is a copy of it.  Counts FDIRMATCH and FDIRMISS.  data: at least an Ethernet header. */
int fdir_match(struct fdir *fdir, const uint8_t *data, const struct packet *pkt, struct fdir_filter *out)
{
    uint32_t fdirctrl = reg(fdir->regs, R_FDIRCTRL), key[KEY_WORDS] = { 0 }, kind = 0, flex_offset;

    if (!(fdirctrl & FDIRCTRL_PBALLOC) || !pkt->ip_version)
        return 0;
    if (!fdir->used)
        goto miss;
    if (fdir->stale)
        rebuild(fdir);
    switch (pkt->l4_proto) {
    case PROTO_TCP: kind = FDIRCMD_L4TYPE_TCP; break;
    case PROTO_UDP: kind = FDIRCMD_L4TYPE_UDP; break;
    case PROTO_SCTP: kind = FDIRCMD_L4TYPE_SCTP; break;
    default: break;
    }
    if (pkt->ip_version == 4) {
        key[0] = as_it_lies(data + pkt->l3 + IPV4_SRC);
        key[4] = as_it_lies(data + pkt->l3 + IPV4_SRC + 4);
    } else {
        kind |= FDIRCMD_IPV6;
        for (uint32_t i = 0; i < 4; i++)
            key[i] = as_it_lies(data + pkt->l3 + IPV6_SRC + 4 * i);
    }
    if (pkt->l4)                        /* the header has source first, FDIRPORT has it low */
        key[5] = be32(data + pkt->l4) >> 16 | be32(data + pkt->l4) << 16;
    flex_offset = 2 * field(fdirctrl, FDIRCTRL_FLEX);
    key[6] = pkt->vlan_tci << FDIRVLAN_VLAN_SHIFT;
    /* Every IP frame has 34 bytes, but the flexible bytes may be asked for up to byte 63: behind a short frame, 0. */
    if (flex_offset + 2 <= (pkt->l4 ? pkt->l4 + pkt->l4_len_bytes : pkt->l3 + (uint32_t)IPV4_HEADER_BYTES))
        key[6] |= (data[flex_offset] | (uint32_t)data[flex_offset + 1] << 8) << FDIRVLAN_FLEX_SHIFT;
    key_mask(fdir, key, kind);
    for (uint32_t i = fdir->bucket[bucket_of(key)]; i; i = fdir->filter[i - 1].next) {
        if (memcmp(fdir->filter[i - 1].key, key, sizeof(key)))
            continue;
        *out = fdir->filter[i - 1];
        bump(fdir->regs, R_FDIRMATCH, 1);
        return 1;
    }
miss:
    bump(fdir->regs, R_FDIRMISS, 1);
    return 0;
}

static __attribute__((noinline)) void steer(struct fdir *fdir, uint32_t fdirctrl, struct rx_pass *pass)
{
    struct fdir_filter filter;

    if (!fdir_match(fdir, pass->frame->data, &pass->packet, &filter))
        return;
    pass->info.status |= RXD_STAT_FLM;
    if (filter.cmd & FDIRCMD_DROP)    /* software leaves that queue off, so what goes there is gone */
        pass->info.queue = field(fdirctrl, FDIRCTRL_DROP_Q);
    else if (filter.cmd & FDIRCMD_QUEUE_EN)
        pass->info.queue = field(filter.cmd, FDIRCMD_RX_QUEUE);
    if ((reg(fdir->regs, R_RXCSUM) & RXCSUM_PCSD) &&
        (fdirctrl & (FDIRCTRL_REPORT_STATUS | FDIRCTRL_REPORT_STATUS_ALWAYS))) {
        pass->info.type = pass->packet.kind << RXDADV_PKTTYPE_SHIFT;
        pass->info.hash = filter.hash << 16 | filter.hash >> 16;   /* bucket high, software's number low */
    }
}

void fdir_stage(struct fdir *fdir, struct rx_pass *pass)
{
    uint32_t fdirctrl = reg(fdir->regs, R_FDIRCTRL);

    if ((fdirctrl & FDIRCTRL_PBALLOC) && !pass->steered)
        steer(fdir, fdirctrl, pass);
}
