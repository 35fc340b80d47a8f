/* SPDX-License-Identifier: BSD-3-Clause */
/* Which frames are for us: size, MAC control, destination address, VLAN.
 *
 * Ref: 82599 datasheet, Packet Filtering (non-virtualized).  With pools address and VLAN choose those (virt/), and are not
 * looked at here.
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
#include "i82599/filters/filters.h"

#define PASSES 1                      /* how a frame passed, as RXD's status bit tells it */
#define PASSES_INEXACT (PASSES | RXD_STAT_PIF)
#define ADDRESS_MASK 0xFFFFFFFFFFFFull

static void refresh(struct filters *filters)
{
    uint32_t longest = ETH_FRAME_MAX_BYTES;

    if (reg(filters->regs, R_HLREG0) & HLREG0_JUMBOEN)
        longest = field(reg(filters->regs, R_MAXFRS), MAXFRS_MFS);
    if (reg(filters->regs, R_CTRL_EXT) & CTRL_EXT_EXTENDED_VLAN)
        longest += ETH_TAG_BYTES;
    filters->longest_bytes = longest;
    filters->rar_count = 0;
    for (uint32_t i = 0; i < RAL_COUNT; i++) {
        uint32_t high = reg(filters->regs, R_RAH(i));

        if (high & RAH_AV)
            filters->rar[filters->rar_count++] = reg(filters->regs, R_RAL(i)) | (uint64_t)(high & RAH_RAH) << 32;
    }
    queue_filters_refresh(filters);
    filters->stale = 0;
}

static inline int rar_has(const struct filters *filters, uint64_t address)
{
    for (uint32_t i = 0; i < filters->rar_count; i++)
        if (filters->rar[i] == address)
            return 1;
    return 0;
}

/* 0, or how it passes.  Guess: broadcast counts as exact, what only a promiscuous mode lets in does not. */
static int address_passes(struct filters *filters, const uint8_t *data)
{
    uint32_t fctrl = reg(filters->regs, R_FCTRL), mcstctrl = reg(filters->regs, R_MCSTCTRL);
    uint64_t address = 0;

    memcpy(&address, data, ETH_ADDR_BYTES);
    if (address == ADDRESS_MASK)
        return fctrl & (FCTRL_BAM | FCTRL_MPE) ? PASSES : 0;
    if (rar_has(filters, address))
        return PASSES;
    if (data[0] & 1)
        return (fctrl & FCTRL_MPE) || ((mcstctrl & MCSTCTRL_MFE) && reg_bit(filters->regs, R_MTA(0), address_bit(mcstctrl, data)))
                   ? PASSES_INEXACT
                   : 0;
    /* Guess: UTA is not gated by MFE, which the datasheet names after the multicast table only. */
    return (fctrl & FCTRL_UPE) || reg_bit(filters->regs, R_UTA(0), address_bit(mcstctrl, data)) ? PASSES_INEXACT : 0;
}

static int vlan_passes(struct filters *filters, const struct packet *pkt)
{
    uint32_t vlnctrl = reg(filters->regs, R_VLNCTRL);

    if (!(vlnctrl & VLNCTRL_VFE) || !pkt->has_vlan)
        return 1;                     /* untagged frames always pass */
    if ((vlnctrl & VLNCTRL_CFIEN) && !(pkt->vlan_tci & TCI_CFI) != !(vlnctrl & VLNCTRL_CFI))
        return 0;
    return reg_bit(filters->regs, R_VFTA(0), pkt->vlan_tci & TCI_VID);
}

/* Pause frames and other MAC control frames end in the MAC unless software asks for them. */
static int control_passes(struct filters *filters, const uint8_t *data, uint32_t len_bytes)
{
    uint32_t fctrl = reg(filters->regs, R_FCTRL), mflcn = reg(filters->regs, R_MFLCN);

    if (!filters->control(filters->flow, data, len_bytes))
        return (fctrl & FCTRL_PMCF) || (mflcn & MFLCN_PMCF);
    return !(fctrl & FCTRL_DPF) && !(mflcn & MFLCN_DPF);
}

/* The counter of frames that have this one's wrong size; 0: there is nothing wrong with it. */
static inline uint32_t wrong_size(const struct filters *filters, uint32_t len_bytes, const struct packet *pkt)
{
    if (len_bytes < ETH_FRAME_MIN_BYTES)
        return R_RUC;
    return len_bytes + ETH_FCS_BYTES > filters->longest_bytes + (pkt->has_vlan ? ETH_TAG_BYTES : 0) ? R_ROC : 0;
}

/* Counts runts and giants (RUC, ROC); both end here unless software asked for them.  Then MAC control. */
static inline int admits(struct filters *filters, const uint8_t *data, uint32_t len_bytes, const struct packet *pkt,
                         uint32_t wrong, int damaged)
{
    if (wrong) {
        if (!damaged)                 /* fragments and jabbers are counted as such */
            bump(filters->regs, wrong, 1);
        if (len_bytes < ETH_HEADER_BYTES || !(reg(filters->regs, R_FCTRL) & FCTRL_SBP))
            return 0;
    }
    return pkt->ethertype != ETH_TYPE_MAC_CONTROL || wrong || damaged || control_passes(filters, data, len_bytes);
}

static inline int passes(struct filters *filters, const uint8_t *data, uint32_t len_bytes, const struct packet *pkt,
                         uint32_t wrong, int damaged)
{
    int how;

    if (!admits(filters, data, len_bytes, pkt, wrong, damaged))
        return 0;
    how = address_passes(filters, data);
    return how && vlan_passes(filters, pkt) ? how : 0;
}

int filters_pass(struct filters *filters, const uint8_t *data, uint32_t len_bytes, const struct packet *pkt)
{
    if (filters->stale)
        refresh(filters);
    return passes(filters, data, len_bytes, pkt, wrong_size(filters, len_bytes, pkt), 0) != 0;
}

int filters_fits(struct filters *filters, uint32_t len_bytes, const struct packet *pkt)
{
    if (filters->stale)
        refresh(filters);
    return !wrong_size(filters, len_bytes, pkt);
}

int filters_admit_stage(struct filters *filters, struct rx_pass *pass)
{
    const struct frame *frame = pass->frame;
    uint32_t wrong;

    if (filters->stale)
        refresh(filters);
    wrong = wrong_size(filters, frame->len_bytes, &pass->packet);
    if (wrong)
        pass->info.status |= RXD_ERR_RXE;
    return admits(filters, frame->data, frame->len_bytes, &pass->packet, wrong, (frame->flags & FRAME_BAD_CRC) != 0);
}

/* A wrong size that software asked for is marked in the descriptor. */
int filters_stage(struct filters *filters, struct rx_pass *pass)
{
    const struct frame *frame = pass->frame;
    uint32_t wrong;
    int how;

    if (filters->stale)
        refresh(filters);
    wrong = wrong_size(filters, frame->len_bytes, &pass->packet);
    how = passes(filters, frame->data, frame->len_bytes, &pass->packet, wrong, (frame->flags & FRAME_BAD_CRC) != 0);
    pass->info.status |= (uint32_t)how & RXD_STAT_PIF;
    if (wrong)
        pass->info.status |= RXD_ERR_RXE;       /* only FCTRL.SBP lets such a one pass */
    return how;
}

void filters_look(struct filters *filters)
{
    if (filters->stale)
        refresh(filters);
}

void filters_changed(void *filters)
{
    ((struct filters *)filters)->stale = 1;
}
