/* SPDX-License-Identifier: BSD-3-Clause */
/* Which pools a frame is for: by its address, then only those that may have its VLAN, then only those that receive at all.
 *
 * Frames that a pool sends are looked at in the same way; the sender is taken out, and what is for nobody here by its very
 * address goes to the wire.  Ref: 82599 datasheet, "Rx Packets Switching", "Tx Packets Switching"; Specification Update,
 * clarification 12: the address makes the list, and the VLAN makes it shorter.
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

#define BROADCAST 0xFFFFFFFFFFFFull
#define GROUP 1u                      /* first bit on the wire of a group address */

struct found {
    uint64_t pools;
    uint64_t exact;                   /* those of them that a filter of the very address names */
    uint32_t inexact;                 /* neither that nor broadcast */
};

uint64_t virt_owners(const struct virt *virt, uint64_t address)
{
    uint32_t slot = virt_slot(address);

    while (virt->address[slot].pools && virt->address[slot].address != address)
        slot = (slot + 1) % VIRT_SLOTS;
    return virt->address[slot].pools;
}

static int in_mta(const struct virt *virt, const uint8_t *data)
{
    uint32_t mcstctrl = reg(virt->regs, R_MCSTCTRL);

    return (mcstctrl & MCSTCTRL_MFE) && reg_bit(virt->regs, R_MTA(0), address_bit(mcstctrl, data));
}

/* FCTRL.UPE lets strangers in, and the default pool takes them.  Guess: the other bits of FCTRL mean nothing to pools. */
static uint64_t of_unicast(const struct virt *virt, const uint8_t *data, int from_wire)
{
    uint64_t pools = 0;

    if (reg_bit(virt->regs, R_UTA(0), address_bit(reg(virt->regs, R_MCSTCTRL), data)))
        pools = virt->unicast_hash;
    if (!pools && from_wire && (reg(virt->regs, R_FCTRL) & FCTRL_UPE))
        pools = virt->default_pool;
    return pools;
}

/* Broadcast and multicast without replication: the default pool is to have them all, as far as FCTRL lets them in. */
static uint64_t group_alone(const struct virt *virt, const uint8_t *data, int is_broadcast)
{
    uint32_t fctrl = reg(virt->regs, R_FCTRL);

    if (fctrl & (is_broadcast ? FCTRL_BAM | FCTRL_MPE : FCTRL_MPE))
        return virt->default_pool;
    return !is_broadcast && in_mta(virt, data) ? virt->default_pool : 0;
}

static struct found by_address(const struct virt *virt, const uint8_t *data, int from_wire)
{
    uint64_t address = 0;
    struct found found;

    memcpy(&address, data, ETH_ADDR_BYTES);
    found.pools = found.exact = virt_owners(virt, address);
    found.inexact = !found.exact && address != BROADCAST;
    if (!(data[0] & GROUP)) {
        if (!found.pools)
            found.pools = of_unicast(virt, data, from_wire);
        return found;
    }
    if (!virt->replicates) {
        if (!found.pools)
            found.pools = group_alone(virt, data, address == BROADCAST);
    } else if (address == BROADCAST) {
        found.pools |= virt->broadcast;
    } else {
        if (!found.pools && in_mta(virt, data))
            found.pools = virt->multicast_hash;
        found.pools |= virt->multicast_all;
    }
    return found;
}

/* Pools that may have frames of this VLAN, or without one.  Guess: a VLAN that VFTA has and VLVF has not is the default
 * pool's alone.  Ref: ixgbe_vlan_rx_add_vid, which leaves VLVF out for the physical function. */
static uint64_t by_vlan(const struct virt *virt, const struct packet *pkt)
{
    uint32_t vlnctrl = reg(virt->regs, R_VLNCTRL), vid = pkt->vlan_tci & TCI_VID, entry;

    if (!(vlnctrl & VLNCTRL_VFE))
        return UINT64_MAX;
    if (!pkt->has_vlan)
        return virt->untagged;
    if ((vlnctrl & VLNCTRL_CFIEN) && !(pkt->vlan_tci & TCI_CFI) != !(vlnctrl & VLNCTRL_CFI))
        return 0;
    if (!reg_bit(virt->regs, R_VFTA(0), vid))
        return 0;
    entry = virt->vlan_entry[vid];
    return entry ? virt->vlan_pools[entry - 1] : virt->default_pool;
}

/* An EtherType filter with a pool sends what passed to that pool alone. */
static uint64_t by_ethertype(const struct virt *virt, const struct packet *pkt, uint64_t pools)
{
    for (uint32_t i = 0; pools && !pkt->ip_version && i < ETQF_COUNT; i++) {
        uint32_t etqf = reg(virt->regs, R_ETQF(i));

        if (!(etqf & ETQF_FILTER_EN) || (etqf & ETQF_ETYPE) != pkt->ethertype)
            continue;
        if (!(etqf & ETQF_UP_EN) || (pkt->has_vlan && field(etqf, ETQF_UP) == pkt->vlan_tci >> TCI_PRIORITY_SHIFT))
            return etqf & ETQF_POOL_EN ? 1ull << field(etqf, ETQF_POOL) & virt->exist : pools;
    }
    return pools;
}

/* Guess: without replication the lowest of several pools has it. */
static uint64_t at_most(const struct virt *virt, uint64_t pools)
{
    return virt->replicates ? pools : pools & (0 - pools);
}

struct virt_way virt_received(const struct virt *virt, const uint8_t *data, const struct packet *pkt)
{
    struct found found = by_address(virt, data, 1);
    uint64_t pools = at_most(virt, by_ethertype(virt, pkt, found.pools & by_vlan(virt, pkt))) & virt->receive;

    pools |= virt_mirrored(virt, pools, pkt, 1, 0);
    return (struct virt_way){ .pools = pools & virt->receive, .may = virt->receive, .inexact = found.inexact };
}

/* A unicast frame for another pool stays inside; that one need not receive now.  All else goes to the wire, too. */
struct virt_way virt_sent(const struct virt *virt, uint32_t pool, const uint8_t *data, const struct packet *pkt)
{
    uint64_t others = ~(1ull << pool) | virt->own, vlan = by_vlan(virt, pkt);
    struct found found = by_address(virt, data, 0);
    uint64_t may = others & virt->receive, pools = at_most(virt, by_ethertype(virt, pkt, found.pools & others & vlan)) & may;
    int to_wire = (data[0] & GROUP) || !(found.exact & others & vlan);

    pools |= virt_mirrored(virt, pools, pkt, 0, to_wire);
    return (struct virt_way){ .pools = pools & may, .may = may, .inexact = found.inexact, .to_wire = (uint32_t)to_wire };
}
