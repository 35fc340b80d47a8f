/* SPDX-License-Identifier: BSD-3-Clause */
/* Which frames are for us: size, MAC control, destination address, VLAN.
 *
 * Ref: 82599 datasheet, Packet Filtering (non-virtualized); pools come on top of this elsewhere.
 */
#include <stdint.h>
#include <string.h>
#include "desc.h"
#include "regs.h"
#include "core.h"

#define FCS_BYTES 4
#define TAG_BYTES 4
#define FRAME_MIN_BYTES 60            /* without FCS */
#define FRAME_MAX_BYTES 1518          /* with FCS, without tags; the limit unless HLREG0.JUMBOEN */
#define TYPE_MAC_CONTROL 0x8808
#define OPCODE_PAUSE 1
#define ADDRESS_MASK 0xFFFFFFFFFFFFull
#define TCI_CFI 0x1000
#define TCI_VID 0x0FFF

/* The chip's counters stay at their highest value. */
static void stat(struct nic *nic, uint32_t offset)
{
    uint32_t *word = &nic->word[offset / 4];

    if (*word != UINT32_MAX)
        ++*word;
}

static inline int bit_of(struct nic *nic, uint32_t table, uint32_t bit)
{
    return nic->word[table / 4 + bit / 32] >> bit % 32 & 1;
}

static void rar_list(struct nic *nic)
{
    nic->rar_count = 0;
    for (uint32_t i = 0; i < RAL_COUNT; i++) {
        uint32_t high = nic->word[R_RAH(i) / 4];

        if (high & RAH_AV)
            nic->rar[nic->rar_count++] = nic->word[R_RAL(i) / 4] | (uint64_t)(high & RAH_RAH) << 32;
    }
    nic->filters_stale = 0;
}

static inline int rar_has(const struct nic *nic, uint64_t address)
{
    for (uint32_t i = 0; i < nic->rar_count; i++)
        if (nic->rar[i] == address)
            return 1;
    return 0;
}

/* The 12 address bits that index MTA and UTA: 47:36, 46:35, 45:34 or 43:32, as MCSTCTRL.MO says. */
static uint32_t hash_bit(uint32_t mcstctrl, const uint8_t *address)
{
    static const uint8_t drop[4] = { 4, 3, 2, 0 };
    uint32_t last_two = address[4] | (uint32_t)address[5] << 8;

    return last_two >> drop[(mcstctrl & MCSTCTRL_MO) >> MCSTCTRL_MO_SHIFT & 3] & 0xFFF;
}

static int address_passes(struct nic *nic, const uint8_t *data)
{
    uint32_t fctrl = nic->word[R_FCTRL / 4], mcstctrl = nic->word[R_MCSTCTRL / 4];
    uint64_t address = 0;

    memcpy(&address, data, 6);
    if (address == ADDRESS_MASK)
        return (fctrl & (FCTRL_BAM | FCTRL_MPE)) != 0;
    if (nic->filters_stale)
        rar_list(nic);
    if (rar_has(nic, address))
        return 1;
    if (data[0] & 1)
        return (fctrl & FCTRL_MPE) ||
               ((mcstctrl & MCSTCTRL_MFE) && bit_of(nic, R_MTA(0), hash_bit(mcstctrl, data)));
    /* Guess: UTA is not gated by MFE, which the datasheet names after the multicast table only. */
    return (fctrl & FCTRL_UPE) || bit_of(nic, R_UTA(0), hash_bit(mcstctrl, data));
}

static int vlan_passes(struct nic *nic, const struct packet *pkt)
{
    uint32_t vlnctrl = nic->word[R_VLNCTRL / 4];

    if (!(vlnctrl & VLNCTRL_VFE) || !pkt->has_vlan)
        return 1;                     /* untagged frames always pass */
    if ((vlnctrl & VLNCTRL_CFIEN) && !(pkt->vlan_tci & TCI_CFI) != !(vlnctrl & VLNCTRL_CFI))
        return 0;
    return bit_of(nic, R_VFTA(0), pkt->vlan_tci & TCI_VID);
}

/* Pause frames and other MAC control frames end in the MAC unless software asks for them. */
static int control_passes(struct nic *nic, const uint8_t *data, uint32_t len_bytes)
{
    uint32_t fctrl = nic->word[R_FCTRL / 4], mflcn = nic->word[R_MFLCN / 4];
    uint32_t opcode = len_bytes >= 16 ? (uint32_t)data[14] << 8 | data[15] : 0;

    if (opcode != OPCODE_PAUSE)
        return (fctrl & FCTRL_PMCF) || (mflcn & MFLCN_PMCF);
    if ((mflcn & MFLCN_RFCE) && len_bytes >= 18)
        stat(nic, data[16] || data[17] ? R_LXOFFRXCNT : R_LXONRXCNT);
    return !(fctrl & FCTRL_DPF) && !(mflcn & MFLCN_DPF);
}

/* Descriptor error bits of a frame too short or too long, as MAXFRS and HLREG0.JUMBOEN say; 0 when its size is legal. */
uint32_t rx_size_errors(struct nic *nic, uint32_t len_bytes, const struct packet *pkt)
{
    uint32_t limit = FRAME_MAX_BYTES;

    if (nic->word[R_HLREG0 / 4] & HLREG0_JUMBOEN)
        limit = (nic->word[R_MAXFRS / 4] & MAXFRS_MFS) >> MAXFRS_MFS_SHIFT;
    if (nic->word[R_CTRL_EXT / 4] & CTRL_EXT_EXTENDED_VLAN)
        limit += TAG_BYTES;
    if (pkt->has_vlan)
        limit += TAG_BYTES;
    if (len_bytes < FRAME_MIN_BYTES)
        return RXD_ERR_USE;
    return len_bytes + FCS_BYTES > limit ? RXD_ERR_OSE : 0;
}

/* 1: the frame goes on to a queue; 0: it is dropped here.  Counts runts and giants (RUC, ROC). */
int rx_filter(struct nic *nic, const uint8_t *data, uint32_t len_bytes, const struct packet *pkt)
{
    uint32_t errors = rx_size_errors(nic, len_bytes, pkt);

    if (errors) {
        stat(nic, errors & RXD_ERR_USE ? R_RUC : R_ROC);
        if (len_bytes < 14 || !(nic->word[R_FCTRL / 4] & FCTRL_SBP))
            return 0;
    }
    if (pkt->ethertype == TYPE_MAC_CONTROL && !control_passes(nic, data, len_bytes))
        return 0;
    return address_passes(nic, data) && vlan_passes(nic, pkt);
}

/* An address, a table or a control word changed; the list is made again when a frame needs it. */
void filter_write(struct nic *nic, uint32_t offset, uint32_t value)
{
    (void)offset;
    (void)value;
    nic->filters_stale = 1;
}
