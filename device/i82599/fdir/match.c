/* SPDX-License-Identifier: BSD-3-Clause */
/* Flow Director: which filter a frame meets, and what the descriptor says of it.
 *
 * Frame and filters are compared under the same masks, so each filter keeps its fields already masked.  The hash of the
 * frame's masked fields picks one bucket; there a perfect filter fits when all fields are equal, a signature filter when
 * its signature is.
 *
 * The hash: a key of 32 bits, and the fields as one long string of bits, of which each place whose key bit is set adds
 * (xor) the 15 bits that begin there.  The key repeats every 32 bits, so all 32-bit words of the string can be added up
 * first; what is left is 47 bits of tape.  Kind and VLAN stand at the string's end, where its first place does not reach.
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

#define KIND_SHIFT FDIRCMD_L4TYPE_SHIFT               /* L4 type and IPv6 bits follow each other, in FDIRCMD and in the hash */
#define KINDS (FDIRCMD_L4TYPE | FDIRCMD_IPV6)

/* Guess: 15 bits of a signature count.  Linux writes that many, DPDK writes 16 of the same hash: this suits both. */
#define HASH_MASK 0x7FFFu
#define SIGNATURE (HASH_MASK << FDIRHASH_SIG_SW_INDEX_SHIFT)

#define ERR_FDIR_LENGTH (1u << RXD_ERR_FDIR_SHIFT)     /* Ref: names of the three bits in Linux */
#define ERR_FDIR_DROP (2u << RXD_ERR_FDIR_SHIFT)
#define ERR_FDIR_COLLISION (4u << RXD_ERR_FDIR_SHIFT)

struct lookup {                       /* a frame, ready to be compared */
    uint32_t key[FDIR_KEY_WORDS];
    uint32_t hash;                    /* signature and bucket, as in FDIRHASH */
    uint32_t distance;                /* filters looked at in the bucket */
};

/* ---- a frame ---------------------------------------------------------------------------------------------------- */

/* The registers with IP addresses and their masks hold them as they lie in the header: the first byte lowest.
 * Observed: Linux 6.12 writes 192.0.2.2 as 0x020200C0. */
static uint32_t as_it_lies(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint32_t hash_with(uint32_t key, uint64_t tape, uint32_t vlan)
{
    uint64_t sum = key & 1 ? vlan : 0;                 /* the first place does not reach the VLAN: take it out again */

    for (; key; key &= key - 1)
        sum ^= tape >> __builtin_ctz(key);
    return (uint32_t)sum & HASH_MASK;
}

/* Masked fields, and what is hashed of an IPv6 destination; signature and bucket, as FDIRHASH has them. */
static uint32_t hash_of(const struct fdir *fdir, const uint32_t *key, uint32_t destination6)
{
    uint32_t addresses = key[0] ^ key[1] ^ key[2] ^ key[3] ^ key[4] ^ destination6, flex = key[6] >> FDIRVLAN_FLEX_SHIFT;
    uint32_t sum = __builtin_bswap32(addresses) ^ (key[5] << 16 | key[5] >> 16) ^ (uint32_t)__builtin_bswap16((uint16_t)flex) << 16;
    uint32_t vlan = key[6] & FDIRVLAN_VLAN, high = sum >> 16, low = sum & 0xFFFF;
    uint32_t kind = (key[7] & KINDS) >> KIND_SHIFT | field(key[7], FDIRCMD_VT_POOL) << 8;
    uint64_t tape = (high ^ vlan) | (low ^ kind ^ vlan) << 16 | (uint64_t)(high ^ kind) << 32;

    return hash_with(reg(fdir->regs, R_FDIRSKEY), tape, vlan) << FDIRHASH_SIG_SW_INDEX_SHIFT |
           hash_with(reg(fdir->regs, R_FDIRHKEY), tape, vlan);
}

static void read_frame(const struct fdir *fdir, const uint8_t *data, const struct packet *pkt, uint32_t pool, struct lookup *frame)
{
    uint32_t *key = frame->key, destination6 = 0, kind = 0;
    uint32_t flex_offset = 2 * field(reg(fdir->regs, R_FDIRCTRL), FDIRCTRL_FLEX);

    memset(key, 0, sizeof(frame->key));
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
        for (uint32_t i = 0; i < 4; i++) {
            key[i] = as_it_lies(data + pkt->l3 + IPV6_SRC + 4 * i);
            destination6 ^= as_it_lies(data + pkt->l3 + IPV6_SRC + 16 + 4 * i) & fdir->masks.destination6[i];
        }
    }
    if (pkt->l4)                        /* the header has source first, FDIRPORT has it low */
        key[5] = be32(data + pkt->l4) >> 16 | be32(data + pkt->l4) << 16;
    key[6] = pkt->vlan_tci << FDIRVLAN_VLAN_SHIFT;
    /* Every IP frame has 34 bytes, but the flexible bytes may be asked for up to byte 63: behind a short frame, 0. */
    if (flex_offset + 2 <= (pkt->l4 ? pkt->l4 + pkt->l4_len_bytes : pkt->l3 + (uint32_t)IPV4_HEADER_BYTES))
        key[6] |= (data[flex_offset] | (uint32_t)data[flex_offset + 1] << 8) << FDIRVLAN_FLEX_SHIFT;
    key[7] = kind | pool << FDIRCMD_VT_POOL_SHIFT;
    fdir_mask_key(&fdir->masks, key);
    frame->hash = hash_of(fdir, key, destination6);
}

static const struct fdir_filter *look_up(const struct fdir *fdir, struct lookup *frame)
{
    int perfect = (reg(fdir->regs, R_FDIRCTRL) & FDIRCTRL_PERFECT_MATCH) != 0;

    frame->distance = 0;
    for (uint32_t i = fdir->bucket[fdir_bucket(fdir, frame->hash)]; i; i = fdir->filter[i - 1].next) {
        const struct fdir_filter *filter = &fdir->filter[i - 1];

        frame->distance++;
        if (perfect ? !memcmp(filter->key, frame->key, sizeof(frame->key)) : !((filter->hash ^ frame->hash) & SIGNATURE))
            return filter;
    }
    return NULL;
}

static const struct fdir_filter *match(struct fdir *fdir, const uint8_t *data, const struct packet *pkt, uint32_t pool,
                                       struct lookup *frame)
{
    const struct fdir_filter *filter;

    if (fdir->stale)
        fdir_masks_renew(fdir);
    read_frame(fdir, data, pkt, pool, frame);
    filter = look_up(fdir, frame);
    bump(fdir->regs, filter ? R_FDIRMATCH : R_FDIRMISS, 1);
    return filter;
}

int fdir_match(struct fdir *fdir, const uint8_t *data, const struct packet *pkt, struct fdir_filter *out)
{
    struct lookup frame;
    const struct fdir_filter *filter;

    *out = (struct fdir_filter){ .used = 0 };
    if (!(reg(fdir->regs, R_FDIRCTRL) & FDIRCTRL_PBALLOC) || !pkt->ip_version)
        return 0;
    filter = match(fdir, data, pkt, 0, &frame);
    if (filter)
        *out = *filter;
    else
        out->hash = frame.hash;
    return filter != NULL;
}

/* The descriptor's RSS type 15: the hash in its place is the filter's, bucket high, signature or software's number low.
 * Without a filter (REPORT_STATUS_ALWAYS) it is the frame's own; Guess: a perfect filter's number is 0 then. */
static void report(const struct fdir *fdir, uint32_t fdirctrl, const struct fdir_filter *filter, const struct lookup *frame,
                   struct rx_pass *pass)
{
    uint32_t hash = filter ? filter->hash : frame->hash, longest = field(fdirctrl, FDIRCTRL_MAX_LENGTH);

    if (!(reg(fdir->regs, R_RXCSUM) & RXCSUM_PCSD))
        return;
    if (!filter && (fdirctrl & FDIRCTRL_PERFECT_MATCH))
        hash &= HASH_MASK;
    pass->info.type = pass->packet.kind << RXDADV_PKTTYPE_SHIFT | RXDADV_RSSTYPE_FDIR;
    pass->info.hash = (hash & HASH_MASK) << 16 | hash >> FDIRHASH_SIG_SW_INDEX_SHIFT;
    if (!filter)
        return;
    if (longest && frame->distance > longest)          /* Guess: the place in the bucket counts */
        pass->info.status |= ERR_FDIR_LENGTH;
    if (filter->cmd & FDIRCMD_DROP)
        pass->info.status |= ERR_FDIR_DROP;
    if (filter->cmd & FDIRCMD_COLLISION)
        pass->info.status |= ERR_FDIR_COLLISION;
}

static __attribute__((noinline)) void steer(struct fdir *fdir, uint32_t fdirctrl, struct rx_pass *pass)
{
    struct lookup frame;
    const struct fdir_filter *filter = match(fdir, pass->frame->data, &pass->packet, pass->info.pool, &frame);

    if (filter) {
        pass->info.status |= RXD_STAT_FLM;
        if (filter->cmd & FDIRCMD_DROP) {  /* software leaves that queue off, so what goes there is gone */
            pass->info.queue = field(fdirctrl, FDIRCTRL_DROP_Q);
            pass->steered = STEERED_TO_DROP;
        } else if (filter->cmd & FDIRCMD_QUEUE_EN)
            pass->info.queue = field(filter->cmd, FDIRCMD_RX_QUEUE);
    }
    if (fdirctrl & (filter ? FDIRCTRL_REPORT_STATUS | FDIRCTRL_REPORT_STATUS_ALWAYS : FDIRCTRL_REPORT_STATUS_ALWAYS))
        report(fdir, fdirctrl, filter, &frame, pass);
}

void fdir_stage(struct fdir *fdir, struct rx_pass *pass)
{
    uint32_t fdirctrl = reg(fdir->regs, R_FDIRCTRL);

    if (!(fdirctrl & FDIRCTRL_PBALLOC) || pass->steered || !pass->packet.ip_version)
        return;
    if (fdir->used || (fdirctrl & FDIRCTRL_REPORT_STATUS_ALWAYS))
        steer(fdir, fdirctrl, pass);
    else
        bump(fdir->regs, R_FDIRMISS, 1);
}
