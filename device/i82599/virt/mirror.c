/* SPDX-License-Identifier: BSD-3-Clause */
/* Mirror rules: one more copy of a frame, for a pool that watches others, the wire, or VLANs.
 *
 * Ref: 82599 datasheet, "Mirroring"; DPDK's mirror rules for which word of VMRVM and VMRVLAN is whose.
 */
#include <stdint.h>
#include "regs.h"
#include "machine/eth.h"
#include "machine/regfile.h"
#include "machine/parse.h"
#include "machine/wire/port.h"
#include "i82599/chip.h"
#include "i82599/pass.h"
#include "i82599/virt/virt.h"

/* Guess: without replication there is no copy to give away. */
void virt_take_mirrors(struct virt *virt)
{
    virt->mirrors = 0;
    for (uint32_t i = 0; virt->replicates && i < VIRT_MIRRORS; i++) {
        uint32_t mrctl = reg(virt->regs, R_MRCTL(i));

        if (mrctl & (MRCTL_VPME | MRCTL_UPME | MRCTL_DPME | MRCTL_VLME))
            virt->mirror[virt->mirrors++] = (struct virt_mirror){
                .rules = mrctl,
                .target = 1ull << field(mrctl, MRCTL_MP),
                .pools = reg_pools(virt->regs, R_VMRVM(i), R_VMRVM(i + VIRT_MIRRORS)),
                .vlans = reg_pools(virt->regs, R_VMRVLAN(i), R_VMRVLAN(i + VIRT_MIRRORS)),
            };
    }
}

/* Guess: a frame of the wire that no pool has is mirrored to none. */
uint64_t virt_mirrored(const struct virt *virt, uint64_t pools, const struct packet *pkt, int from_wire, int to_wire)
{
    uint32_t entry = pkt->has_vlan ? virt->vlan_entry[pkt->vlan_tci & TCI_VID] : 0;
    uint64_t targets = 0;

    if (!pools && !to_wire)
        return 0;
    for (uint32_t i = 0; i < virt->mirrors; i++) {
        const struct virt_mirror *mirror = &virt->mirror[i];

        if (((mirror->rules & MRCTL_VPME) && (pools & mirror->pools)) || ((mirror->rules & MRCTL_UPME) && from_wire) ||
            ((mirror->rules & MRCTL_DPME) && to_wire) ||
            ((mirror->rules & MRCTL_VLME) && entry && (mirror->vlans >> (entry - 1) & 1)))
            targets |= mirror->target;
    }
    return targets;
}
