/* SPDX-License-Identifier: BSD-3-Clause */
/* Flow Director: what of a filter and of a frame is compared, and which bucket that lies in. */
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

#define PERFECT_BITS 10u              /* of a bucket, plus PBALLOC: 11, 12, 13; and as many filters, less one */
#define SIGNATURE_BITS 12u            /* 13, 14, 15 */
#define KINDS (FDIRCMD_L4TYPE | FDIRCMD_IPV6)

uint32_t fdir_index_bits(const struct fdir *fdir)
{
    uint32_t fdirctrl = reg(fdir->regs, R_FDIRCTRL);

    return (fdirctrl & FDIRCTRL_PERFECT_MATCH ? PERFECT_BITS : SIGNATURE_BITS) + field(fdirctrl, FDIRCTRL_PBALLOC);
}

uint32_t fdir_bucket(const struct fdir *fdir, uint32_t hash)
{
    return hash & ((1u << fdir_index_bits(fdir)) - 1);
}

/* ---- masks ------------------------------------------------------------------------------------------------------ */

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

/* FDIRIP6M: bit i ignores byte i of the address as it lies in the header.  Ref: DPDK's masks of a signature filter. */
static void bytes_mask(uint32_t ignore, uint32_t *mask)
{
    for (uint32_t i = 0; i < 16; i++)
        if (!(ignore >> i & 1))
            mask[i / 4] |= 0xFFu << i % 4 * 8;
}

void fdir_masks_renew(struct fdir *fdir)
{
    struct fdir_masks *masks = &fdir->masks;
    uint32_t fdirm = reg(fdir->regs, R_FDIRM), ip6 = reg(fdir->regs, R_FDIRIP6M), kind = FDIRCMD_IPV6;
    int perfect = (reg(fdir->regs, R_FDIRCTRL) & FDIRCTRL_PERFECT_MATCH) != 0;

    *masks = (struct fdir_masks){ .key4 = { ~reg(fdir->regs, R_FDIRSIP4M) } };
    masks->key4[4] = ~reg(fdir->regs, R_FDIRDIP4M);
    bytes_mask(field(ip6, FDIRIP6M_SOURCE), masks->key6);
    /* No filter can name an IPv6 destination, it is only hashed.  Guess: FDIRM.DIPv6 is for perfect filters; DPDK sets it
     * with signature filters too, and has hashed the destination nevertheless. */
    if (!perfect || !(fdirm & FDIRM_DIPv6))
        bytes_mask(field(ip6, FDIRIP6M_DESTINATION), masks->destination6);
    masks->ports_udp = port_mask(reg(fdir->regs, R_FDIRUDPM));
    masks->ports_other = port_mask(reg(fdir->regs, R_FDIRTCPM));
    if (!(fdirm & FDIRM_L4P))
        kind |= FDIRCMD_L4TYPE;
    if (!(fdirm & FDIRM_POOL))
        kind |= FDIRCMD_VT_POOL;
    masks->key4[6] = masks->key6[6] = vlan_flex_mask(fdirm);
    masks->key4[7] = masks->key6[7] = kind;
    fdir->stale = 0;
    for (uint32_t i = 0; i < fdir->top; i++)           /* once per change that is used */
        if (fdir->filter[i].used)
            fdir_filter_key(fdir, &fdir->filter[i]);
}

/* Raw fields in, masked fields out.  key[7]: L4 type, IPv6 and pool as in FDIRCMD. */
void fdir_mask_key(const struct fdir_masks *masks, uint32_t *key)
{
    int udp = (key[7] & FDIRCMD_L4TYPE) == FDIRCMD_L4TYPE_UDP;
    const uint32_t *mask = key[7] & FDIRCMD_IPV6 ? masks->key6 : masks->key4;

    key[5] &= udp ? masks->ports_udp : masks->ports_other;
    for (uint32_t i = 0; i < FDIR_KEY_WORDS; i++)
        if (i != 5)
            key[i] &= mask[i];
}

void fdir_filter_key(const struct fdir *fdir, struct fdir_filter *filter)
{
    memcpy(filter->key, filter->ipsa, sizeof(filter->ipsa));
    filter->key[4] = filter->ipda[0];
    filter->key[5] = filter->port;
    filter->key[6] = filter->vlan_flex;
    filter->key[7] = filter->cmd & (KINDS | FDIRCMD_VT_POOL);
    fdir_mask_key(&fdir->masks, filter->key);
}
