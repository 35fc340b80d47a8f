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
#include "core.h"

#define FDIR_BUCKETS 512
#define KEY_WORDS 8                   /* source 4, destination 1, ports, VLAN and flexible bytes, kind of packet */
#define PROTO_TCP 6
#define PROTO_UDP 17
#define PROTO_SCTP 132

static inline uint32_t word(const struct nic *nic, uint32_t offset)
{
    return nic->word[offset / 4];
}

static void add_to(struct nic *nic, uint32_t offset, uint32_t mask, uint32_t one)
{
    uint32_t *at = &nic->word[offset / 4];

    if ((*at & mask) != mask)         /* counters stay at their highest value */
        *at += one;
}

static uint32_t be32(const uint8_t *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof(value));
    return __builtin_bswap32(value);
}

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
static void key_mask(const struct nic *nic, uint32_t *key, uint32_t kind)
{
    uint32_t fdirm = word(nic, R_FDIRM);
    int is_udp = (kind & FDIRCMD_L4TYPE) == FDIRCMD_L4TYPE_UDP;

    if (!(kind & FDIRCMD_IPV6)) {
        key[0] &= ~word(nic, R_FDIRSIP4M);
        key[1] = key[2] = key[3] = 0;
        key[4] &= ~word(nic, R_FDIRDIP4M);
    } else {
        uint32_t ignore = word(nic, R_FDIRIP6M) & FDIRIP6M_SOURCE;

        for (uint32_t i = 0; i < 16 && ignore; i++)     /* Guess: bit i is byte i as it lies in the header */
            if (ignore >> i & 1)
                key[i / 4] &= ~(0xFFu << i % 4 * 8);
        key[4] = 0;
    }
    key[5] &= port_mask(word(nic, is_udp ? R_FDIRUDPM : R_FDIRTCPM));
    key[6] &= vlan_flex_mask(fdirm);
    key[7] = kind & ((fdirm & FDIRM_L4P) ? FDIRCMD_IPV6 : FDIRCMD_IPV6 | FDIRCMD_L4TYPE);
}

static uint32_t bucket_of(const uint32_t *key)
{
    uint64_t sum = 0;

    for (int i = 0; i < KEY_WORDS; i++)
        sum = (sum ^ key[i]) * 0x9E3779B97F4A7C15ull;   /* spreads, no more: golden ratio */
    return (uint32_t)(sum >> 55) % FDIR_BUCKETS;
}

/* Masks or filters changed: all keys and chains anew.  At most NIC_FDIR_MAX steps, once per change that is used. */
static void rebuild(struct nic *nic)
{
    memset(nic->fdir_bucket, 0, sizeof(nic->fdir_bucket));
    for (uint32_t i = NIC_FDIR_MAX; i-- > 0;) {         /* backwards: chains then run from the first filter on */
        struct fdir_filter *filter = &nic->fdir[i];
        uint32_t bucket;

        if (!filter->used)
            continue;
        memcpy(filter->key, filter->ipsa, sizeof(filter->ipsa));
        filter->key[4] = filter->ipda[0];
        filter->key[5] = filter->port;
        filter->key[6] = filter->vlan_flex;
        key_mask(nic, filter->key, filter->cmd & (FDIRCMD_L4TYPE | FDIRCMD_IPV6));
        bucket = bucket_of(filter->key);
        filter->next = nic->fdir_bucket[bucket];
        nic->fdir_bucket[bucket] = i + 1;
    }
    nic->fdir_stale = 0;
}

static uint32_t capacity(const struct nic *nic)
{
    uint32_t pballoc = (word(nic, R_FDIRCTRL) & FDIRCTRL_PBALLOC) >> FDIRCTRL_PBALLOC_SHIFT;

    return pballoc ? (1024u << pballoc) - 1 : 0;        /* 2, 4 or 8 K filters for 64, 128 or 256 KB, less one */
}

static void free_count(struct nic *nic)
{
    uint32_t *fdirfree = &nic->word[R_FDIRFREE / 4], all = capacity(nic);

    *fdirfree &= ~(uint32_t)FDIRFREE_FREE;
    *fdirfree |= all > nic->fdir_used ? (all - nic->fdir_used) << FDIRFREE_FREE_SHIFT : 0;
}

void fdir_reset(struct nic *nic)
{
    if (nic->fdir)
        memset(nic->fdir, 0, NIC_FDIR_MAX * sizeof(*nic->fdir));
    memset(nic->fdir_bucket, 0, sizeof(nic->fdir_bucket));
    nic->fdir_used = 0;
    nic->fdir_stale = 0;
}

/* A filter is named by its bucket hash and the number software gave it. */
static struct fdir_filter *find(struct nic *nic, uint32_t hash)
{
    const uint32_t name = FDIRHASH_HASH | FDIRHASH_SIG_SW_INDEX;

    for (uint32_t i = 0, seen = 0; i < NIC_FDIR_MAX && seen < nic->fdir_used; i++) {
        if (!nic->fdir[i].used)
            continue;
        seen++;
        if (!((nic->fdir[i].hash ^ hash) & name))
            return &nic->fdir[i];
    }
    return NULL;
}

static int filter_add(struct nic *nic, uint32_t cmd)
{
    uint32_t hash = word(nic, R_FDIRHASH);
    struct fdir_filter *filter = find(nic, hash);

    if (!filter) {
        if (nic->fdir_used >= capacity(nic) || nic->fdir_used >= NIC_FDIR_MAX)
            return 0;
        for (filter = nic->fdir; filter->used; filter++)
            ;                         /* ends: fewer than NIC_FDIR_MAX are in use */
        filter->used = 1;
        nic->fdir_used++;
    }
    memset(filter->ipsa, 0, sizeof(filter->ipsa));
    memset(filter->ipda, 0, sizeof(filter->ipda));
    if (cmd & FDIRCMD_IPV6) {
        for (uint32_t i = 0; i < 3; i++)
            filter->ipsa[i] = word(nic, R_FDIRSIPv6(i));
        filter->ipsa[3] = word(nic, R_FDIRIPSA);
    } else {
        filter->ipsa[0] = word(nic, R_FDIRIPSA);
        filter->ipda[0] = word(nic, R_FDIRIPDA);
    }
    filter->port = word(nic, R_FDIRPORT);
    filter->vlan_flex = word(nic, R_FDIRVLAN);
    filter->hash = hash;
    filter->cmd = cmd;
    nic->fdir_stale = 1;
    return 1;
}

static int filter_remove(struct nic *nic)
{
    struct fdir_filter *filter = find(nic, word(nic, R_FDIRHASH));

    if (!filter)
        return 0;
    memset(filter, 0, sizeof(*filter));
    nic->fdir_used--;
    nic->fdir_stale = 1;
    return 1;
}

static void command(struct nic *nic, uint32_t cmd)
{
    int perfect = (word(nic, R_FDIRCTRL) & FDIRCTRL_PERFECT_MATCH) != 0;
    uint32_t answer = cmd & ~(uint32_t)(FDIRCMD_CMD | FDIRCMD_FILTER_VALID);

    switch (cmd & FDIRCMD_CMD) {
    case FDIRCMD_CMD_ADD_FLOW:
        if (!perfect)
            break;
        if (filter_add(nic, answer))
            add_to(nic, R_FDIRUSTAT, FDIRUSTAT_ADD, 1u << FDIRUSTAT_ADD_SHIFT);
        else
            add_to(nic, R_FDIRFSTAT, FDIRFSTAT_FADD, 1u << FDIRFSTAT_FADD_SHIFT);
        break;
    case FDIRCMD_CMD_REMOVE_FLOW:
        if (!perfect)
            break;
        if (filter_remove(nic))
            add_to(nic, R_FDIRUSTAT, FDIRUSTAT_REMOVE, 1u << FDIRUSTAT_REMOVE_SHIFT);
        else
            add_to(nic, R_FDIRFSTAT, FDIRFSTAT_FREMOVE, 1u << FDIRFSTAT_FREMOVE_SHIFT);
        break;
    case FDIRCMD_CMD_QUERY_REM_FILT: {
        struct fdir_filter *filter = perfect ? find(nic, word(nic, R_FDIRHASH)) : NULL;

        answer = filter ? filter->cmd | FDIRCMD_FILTER_VALID : 0;
        break;
    }
    default:
        break;
    }
    if (cmd & FDIRCMD_CLEARHT)
        fdir_reset(nic);
    nic->word[R_FDIRCMD / 4] = answer;  /* CMD reads 0: done */
    free_count(nic);
}

/* Any flow director register was written; its word already holds what the access rule let through. */
void fdir_write(struct nic *nic, uint32_t offset, uint32_t value)
{
    if (offset == R_FDIRCMD) {
        command(nic, value);
    } else if (offset == R_FDIRCTRL) {  /* (re)initializes the tables, in no time */
        fdir_reset(nic);
        nic->word[R_FDIRCTRL / 4] |= FDIRCTRL_INIT_DONE;
        free_count(nic);
    } else {
        nic->fdir_stale = 1;            /* perhaps a mask */
    }
}

/* 1: a filter fits, and *out is a copy of it.  Counts FDIRMATCH and FDIRMISS.  data: at least an Ethernet header. */
int fdir_match(struct nic *nic, const uint8_t *data, const struct packet *pkt, struct fdir_filter *out)
{
    uint32_t fdirctrl = word(nic, R_FDIRCTRL), key[KEY_WORDS] = { 0 }, kind = 0, flex_offset;

    if (!(fdirctrl & FDIRCTRL_PBALLOC) || !pkt->ip_version)
        return 0;
    if (!nic->fdir_used)
        goto miss;
    if (nic->fdir_stale)
        rebuild(nic);
    switch (pkt->l4_proto) {
    case PROTO_TCP: kind = FDIRCMD_L4TYPE_TCP; break;
    case PROTO_UDP: kind = FDIRCMD_L4TYPE_UDP; break;
    case PROTO_SCTP: kind = FDIRCMD_L4TYPE_SCTP; break;
    default: break;
    }
    if (pkt->ip_version == 4) {
        key[0] = as_it_lies(data + pkt->l3 + 12);
        key[4] = as_it_lies(data + pkt->l3 + 16);
    } else {
        kind |= FDIRCMD_IPV6;
        for (uint32_t i = 0; i < 4; i++)
            key[i] = as_it_lies(data + pkt->l3 + 8 + 4 * i);
    }
    if (pkt->l4)                        /* the header has source first, FDIRPORT has it low */
        key[5] = be32(data + pkt->l4) >> 16 | be32(data + pkt->l4) << 16;
    flex_offset = 2 * ((fdirctrl & FDIRCTRL_FLEX) >> FDIRCTRL_FLEX_SHIFT);
    key[6] = pkt->vlan_tci << FDIRVLAN_VLAN_SHIFT;
    /* Every IP frame has 34 bytes, but the flexible bytes may be asked for up to byte 63: behind a short frame, 0. */
    if (flex_offset + 2 <= (pkt->l4 ? pkt->l4 + pkt->l4_len_bytes : pkt->l3 + 20u))
        key[6] |= (data[flex_offset] | (uint32_t)data[flex_offset + 1] << 8) << FDIRVLAN_FLEX_SHIFT;
    key_mask(nic, key, kind);
    for (uint32_t i = nic->fdir_bucket[bucket_of(key)]; i; i = nic->fdir[i - 1].next) {
        if (memcmp(nic->fdir[i - 1].key, key, sizeof(key)))
            continue;
        *out = nic->fdir[i - 1];
        if (nic->word[R_FDIRMATCH / 4] != UINT32_MAX)
            nic->word[R_FDIRMATCH / 4]++;
        return 1;
    }
miss:
    if (nic->word[R_FDIRMISS / 4] != UINT32_MAX)
        nic->word[R_FDIRMISS / 4]++;
    return 0;
}
