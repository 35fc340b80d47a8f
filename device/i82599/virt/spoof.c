/* SPDX-License-Identifier: BSD-3-Clause */
/* What a pool may send: its own addresses, its own VLANs, no tag where its tag is the physical function's to choose, and
 * no EtherType that is forbidden.
 *
 * Ref: 82599 datasheet, "Anti-spoofing", "VLAN Tag Validation"; what exactly is compared is not known for sure.
 */
#include <stdint.h>
#include <string.h>
#include "regs.h"
#include "machine/eth.h"
#include "machine/regfile.h"
#include "machine/parse.h"
#include "machine/wire/port.h"
#include "i82599/chip.h"
#include "i82599/pass.h"
#include "i82599/virt/virt.h"

#define POOLS_A_REGISTER 8            /* of PFVFSPOOF */

/* The tag that VMVIR puts in comes first, so one that the pool has put in itself is the second then. */
static int tag_fits(const struct virt *virt, uint32_t vmvir, const struct packet *pkt)
{
    if (vmvir & VMVIR_VLANA_NEVER)
        return !pkt->has_vlan;
    if (vmvir & VMVIR_VLANA_DEFAULT)
        return pkt->ethertype != field(reg(virt->regs, R_VLNCTRL), VLNCTRL_VET);
    return 1;
}

/* Guess: what has no tag is no forged VLAN, and neither is VMVIR's own. */
static int vlan_fits(const struct virt *virt, uint32_t pool, uint32_t vmvir, const struct packet *pkt)
{
    uint32_t entry = virt->vlan_entry[pkt->vlan_tci & TCI_VID];

    if (!pkt->has_vlan || (vmvir & VMVIR_VLANA_DEFAULT))
        return 1;
    return entry && (virt->vlan_pools[entry - 1] >> pool & 1);
}

static int source_fits(const struct virt *virt, uint32_t pool, const uint8_t *data)
{
    uint64_t source = 0;

    memcpy(&source, data + ETH_ADDR_BYTES, ETH_ADDR_BYTES);
    return virt_owners(virt, source) >> pool & 1;
}

static int ethertype_fits(const struct virt *virt, const struct packet *pkt)
{
    for (uint32_t i = 0; i < ETQF_COUNT; i++) {
        uint32_t etqf = reg(virt->regs, R_ETQF(i));

        if ((etqf & ETQF_FILTER_EN) && (etqf & ETQF_TX_ANTISPOOF) && (etqf & ETQF_ETYPE) == pkt->ethertype)
            return 0;
    }
    return 1;
}

int virt_may_send(const struct virt *virt, uint32_t pool, const uint8_t *data, const struct packet *pkt)
{
    uint32_t spoof = reg(virt->regs, R_PFVFSPOOF(pool / POOLS_A_REGISTER)) >> pool % POOLS_A_REGISTER;
    uint32_t vmvir = reg(virt->regs, R_VMVIR(pool));

    if (!tag_fits(virt, vmvir, pkt))
        return 0;
    if ((spoof & 1u << PFVFSPOOF_MACAS_SHIFT) && !source_fits(virt, pool, data))
        return 0;
    if ((spoof & 1u << PFVFSPOOF_VLANAS_SHIFT) && !vlan_fits(virt, pool, vmvir, pkt))
        return 0;
    return !(spoof & 1u << PFVFSPOOF_ETHERAS_SHIFT) || ethertype_fits(virt, pkt);
}

int virt_counts_spoofs(const struct virt *virt, uint32_t pool)
{
    return (int)reg_bit(virt->regs, R_VMECM(0), pool);
}
