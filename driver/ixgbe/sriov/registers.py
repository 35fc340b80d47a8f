# SPDX-License-Identifier: BSD-3-Clause
"""What the chip is told of pools: all of them at once after a reset, and each VF's as it changes.

Ref: ixgbe_configure_virtualization, ixgbe_vf_reset_event, ixgbe_vf_reset_msg, ixgbe_set_vf_rate_limit,
ixgbe_ndo_set_vf_spoofchk.
"""

from device.regs.i82599 import (
    EITRSEL,
    GCR_EXT,
    PFDTXGSWC,
    PFMBIMR,
    PFQDE,
    PFVFSPOOF,
    RTTBCNRC,
    RTTBCNRM,
    RTTDQSEL,
    TDWBAH,
    TDWBAL,
    TXDCTL,
    VFRE,
    VFTE,
    VMECM,
    VMOLR,
    VMVIR,
    VT_CTL,
)
from device.regs.i82599.mbx import XcastMode
from driver.core.bar import Bar
from driver.ixgbe.sriov.pools import WORD_BITS, Pools, write_bit, write_map
from driver.ixgbe.sriov.state import Vf

POOLS_MAX = 64
PER_PFVFSPOOF = 8
MMW_SIZE = 4  # without jumbo frames; Ref: ixgbe_set_vf_rate_limit
ALL = 2**WORD_BITS - 1
PRIORITY_PLACE = 2**13  # of a VLAN tag


def divide(bar: Bar, pools: Pools) -> None:
    """After a reset: pools on, local switching on, and only the port's pool and those above it send and receive."""
    bar.update(VT_CTL, VT_ENABLE=1, POOL=pools.own, DIS_DEFPL=0, REPLEN=1)
    bar.update(GCR_EXT, VT_MODE=pools.vt_mode)
    rest = set(range(pools.own, POOLS_MAX))
    write_map(bar, VFRE, rest)
    write_map(bar, VFTE, rest)
    bar.write(PFDTXGSWC, PFDTXGSWC.of(VT_LBEN=1))
    above = pools.vfs - WORD_BITS
    bar.write(EITRSEL, 2**above - 1 if above > 0 else 0)
    for n in range(PFMBIMR.count):
        bar.write(PFMBIMR, ALL, n)


def spoof_checks(bar: Bar, vf: int, *, on: bool) -> None:
    """Drop what a VF sends from an address or in a VLAN that is not its own."""
    n, bit = divmod(vf, PER_PFVFSPOOF)
    checks = bar.read(PFVFSPOOF, n)
    wanted = {}
    for name in ("MACAS", "VLANAS"):
        bits = getattr(checks, name)
        has = bool(bits // 2**bit % 2)
        wanted[name] = bits + (int(on) - int(has)) * 2**bit
    bar.write(PFVFSPOOF, checks.replace(**wanted), n)


def accepts(bar: Bar, vf: Vf) -> None:
    """Which frames a VF's pool takes, beside those to its own addresses."""
    all_multicast = vf.xcast >= XcastMode.ALLMULTI
    multicast = bool(vf.hashes) or vf.xcast >= XcastMode.MULTI
    bar.write(VMOLR, VMOLR.of(BAM=1, AUPE=int(not vf.wish.vlan), ROMPE=int(multicast), MPE=int(all_multicast)), vf.n)


def port_vlan(bar: Bar, pools: Pools, vf: Vf) -> None:
    """The tag that every frame of a VF gets when it is sent, and loses unseen when it arrives."""
    wish = vf.wish
    tag = VMVIR.of(PORT_VLAN_ID=wish.vlan + wish.qos * PRIORITY_PLACE, VLANA_DEFAULT=1)
    bar.write(VMVIR, tag if wish.vlan or wish.qos else VMVIR.of(), vf.n)
    for queue in pools.queues_of(vf.n):
        bar.flush()
        bar.write(PFQDE, PFQDE.of(QDE=1, HIDE_VLAN=int(bool(wish.vlan)), IDX=queue, WE=1))


def traffic(bar: Bar, vf: int, *, receive: bool, send: bool) -> None:
    """Let a VF receive and send, or not."""
    write_bit(bar, VFTE, vf, on=send)
    write_bit(bar, VFRE, vf, on=receive)


def count_spoofed(bar: Bar, vf: int) -> None:
    """Let SSVPC count what is dropped of this VF."""
    write_bit(bar, VMECM, vf, on=True)


def stop_tx(bar: Bar, pools: Pools, vf: int) -> None:
    """A VF was reset: none of its Tx queues goes on.  Only those that it set up are touched.

    Linux enables them for a moment first; a queue that was left with work in its ring would send it then.
    """
    for queue in pools.queues_of(vf):
        control = bar.read(TXDCTL, queue)
        if control:
            bar.write(TXDCTL, control.replace(ENABLE=0), queue)


def forget_head_writeback(bar: Bar, pools: Pools, vf: int) -> None:
    """No Tx queue of a VF writes its head into memory any more; its own reset leaves that on."""
    for queue in pools.queues_of(vf):
        bar.write(TDWBAH, 0, queue)
        bar.write(TDWBAL, 0, queue)


def rate(bar: Bar, pools: Pools, vf: int, *, max_mbps: int, link_mbps: int) -> None:
    """How fast each Tx queue of a VF may send; 0: as fast as it can."""
    factor = 0
    if max_mbps:
        factor = link_mbps * 2**RTTBCNRC.RF_DEC.width // max_mbps
    whole, behind = divmod(factor, 2**RTTBCNRC.RF_DEC.width)
    limit = RTTBCNRC.of(RS_ENA=int(bool(factor)), RF_INT=whole, RF_DEC=behind)
    bar.write(RTTBCNRM, RTTBCNRM.of(MMW_SIZE=MMW_SIZE))
    for queue in pools.queues_of(vf):
        bar.write(RTTDQSEL, RTTDQSEL.of(TXDQ_IDX=queue))
        bar.write(RTTBCNRC, limit)
