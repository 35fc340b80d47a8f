/* SPDX-License-Identifier: BSD-3-Clause */
/* What the registers of pools say, made ready for frames. */
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

void virt_changed(void *arg)
{
    struct virt *virt = arg;

    virt->stale = 1;
}

/* Guess: with an MRQC that knows no pools there are all 64, for addresses and VLANs to choose from, and no queues for each. */
static uint64_t existing(const struct regfile *regs)
{
    uint32_t shift = rx_pool_shift(reg(regs, R_MRQC));

    return shift > 1 ? (1ull << (CHIP_QUEUES >> shift)) - 1 : UINT64_MAX;
}

static void take_modes(struct virt *virt)
{
    virt->untagged = virt->broadcast = virt->multicast_hash = virt->multicast_all = virt->unicast_hash = 0;
    for (uint32_t pool = 0; pool < CHIP_POOLS; pool++) {
        uint32_t vmolr = reg(virt->regs, R_VMOLR(pool));

        virt->untagged |= (uint64_t)field(vmolr, VMOLR_AUPE) << pool;
        virt->broadcast |= (uint64_t)field(vmolr, VMOLR_BAM) << pool;
        virt->multicast_hash |= (uint64_t)field(vmolr, VMOLR_ROMPE) << pool;
        virt->multicast_all |= (uint64_t)field(vmolr, VMOLR_MPE) << pool;
        virt->unicast_hash |= (uint64_t)field(vmolr, VMOLR_ROPE) << pool;
    }
}

_Static_assert(VIRT_SLOTS >= 2 * RAL_COUNT && VIRT_SLOTS == 256, "a search ends, and a slot's number has 8 bits");

/* Where to look for an address first. */
uint32_t virt_slot(uint64_t address)
{
    return (uint32_t)(address * 0x9E3779B97F4A7C15ull >> 56);
}

/* Guess: an address of no pool that exists is as good as none. */
static void take_addresses(struct virt *virt)
{
    memset(virt->address, 0, sizeof(virt->address));
    for (uint32_t i = 0; i < RAL_COUNT; i++) {
        uint32_t high = reg(virt->regs, R_RAH(i));
        uint64_t pools = reg_pools(virt->regs, R_MPSAR(2 * i), R_MPSAR(2 * i + 1)) & virt->exist;

        if ((high & RAH_AV) && pools) {
            uint64_t address = reg(virt->regs, R_RAL(i)) | (uint64_t)(high & RAH_RAH) << 32;
            uint32_t slot = virt_slot(address);

            while (virt->address[slot].pools && virt->address[slot].address != address)
                slot = (slot + 1) % VIRT_SLOTS;   /* ends: half of them are free */
            virt->address[slot].address = address;
            virt->address[slot].pools |= pools;
        }
    }
}

/* Guess: of several entries for one VLAN the lowest counts. */
static void take_vlans(struct virt *virt)
{
    memset(virt->vlan_entry, 0, sizeof(virt->vlan_entry));
    for (uint32_t left = VIRT_VLANS; left > 0; left--) {
        uint32_t vlvf = reg(virt->regs, R_VLVF(left - 1));

        virt->vlan_pools[left - 1] = reg_pools(virt->regs, R_VLVFB(2 * left - 2), R_VLVFB(2 * left - 1));
        if (vlvf & VLVF_VIEN)
            virt->vlan_entry[vlvf & VLVF_VLANID] = (uint8_t)left;
    }
}

void virt_refresh(struct virt *virt)
{
    uint32_t vt_ctl = reg(virt->regs, R_VT_CTL);

    if (!virt->stale)
        return;
    virt->stale = 0;
    virt->on = vt_ctl & VT_CTL_VT_ENABLE;
    if (!virt->on)
        return;
    virt->replicates = vt_ctl & VT_CTL_REPLEN;
    virt->exist = existing(virt->regs);
    virt->default_pool = vt_ctl & VT_CTL_DIS_DEFPL ? 0 : 1ull << (field(vt_ctl, VT_CTL_POOL) % CHIP_POOLS);
    virt->receive = reg_pools(virt->regs, R_VFRE(0), R_VFRE(1)) & virt->exist;
    virt->own = reg_pools(virt->regs, R_VMTXSW(0), R_VMTXSW(1));
    take_modes(virt);
    take_addresses(virt);
    take_vlans(virt);
    virt_take_mirrors(virt);
}
