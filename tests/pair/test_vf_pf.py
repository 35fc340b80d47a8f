# SPDX-License-Identifier: BSD-3-Clause
"""Our driver of the physical function with virtual functions on the real device: coming up, limits, resets, the end."""

import pytest

from device.i82599.card import Card
from device.machine.wire.loopback import LoopbackPort
from device.regs import pci
from device.regs.i82599 import (
    EITRSEL,
    GCR_EXT,
    GPIE,
    IVAR,
    MPSAR,
    MRQC,
    MTQC,
    PFDTXGSWC,
    PFVFSPOOF,
    PSRTYPE,
    RETA,
    RXDCTL,
    SRRCTL,
    STATUS,
    TXDCTL,
    VFRE,
    VFTE,
    VLNCTRL,
    VLVF,
    VLVFB,
    VMOLR,
    VT_CTL,
)
from device.regs.i82599.mbx import HEAD, MessageType
from device.regs.i82599.vf import VFLINKS
from driver.core.vector_options import Like, VectorOptions
from driver.doors.door import IrqKind
from driver.errors import DriverError, ProbeError
from driver.exits import Exit, exit_of
from driver.ixgbe.probe import ProbeOptions, probe
from driver.ixgbe.sriov.enable import SETTLE_S
from tests.rigs.driver_clock import NoWait
from tests.rigs.pair import FAR, Wire, flow, plain, steered
from tests.rigs.pair_door import PairDoor
from tests.rigs.vf import enable
from tests.rigs.vf_pf import PfRig, pf_rig

PING = int(MessageType.PF_CONTROL)
MODES = [(1, 4, 2, 0xA, 0xA), (31, 4, 2, 0xA, 0xA), (32, 2, 3, 0xB, 6), (63, 2, 3, 0xB, 6)]


def pools_of(rig: PfRig, register: type[VFRE] | type[VFTE]) -> set[int]:
    word = int(rig.nic.regs.get(register, 0)) + int(rig.nic.regs.get(register, 1)) * 2**32
    return {pool for pool in range(64) if word // 2**pool % 2}


@pytest.mark.parametrize(("vfs", "queues", "mode", "mrqe", "mtqc"), MODES)
def test_the_chip_is_divided(port: LoopbackPort, vfs: int, queues: int, mode: int, mrqe: int, mtqc: int) -> None:
    with pf_rig(port, vfs, queues=queues) as rig:
        regs = rig.nic.regs
        assert regs.get(GCR_EXT).VT_MODE == regs.get(GPIE).VTMODE == mode
        assert mrqe == regs.get(MRQC).MRQE
        assert mtqc == regs.get(MTQC).MODE
        assert regs.get(VT_CTL) == VT_CTL.of(VT_ENABLE=1, POOL=vfs, REPLEN=1)
        assert regs.get(PFDTXGSWC).VT_LBEN == 1
        assert int(regs.get(EITRSEL)) == (2 ** (vfs - 32) - 1 if vfs > 32 else 0)
        assert pools_of(rig, VFRE) == pools_of(rig, VFTE) == set(range(vfs, 64)), "no VF has started yet"
        assert (1, vfs) == (regs.get(STATUS).IOV_ACTIVE, regs.get(STATUS).NUM_VFS)
        config = rig.adapter.hw.config
        assert int(config.read(pci.SRIOV_NUM_VFS)) == vfs
        assert (config.read(pci.SRIOV_CTRL).VF_ENABLE, config.read(pci.SRIOV_CTRL).VF_MSE) == (1, 1)


@pytest.mark.parametrize(("vfs", "queues"), [(3, 4), (3, 1), (40, 2), (63, 1)])
def test_the_port_has_the_pool_behind_theirs(port: LoopbackPort, vfs: int, queues: int) -> None:
    of_pool = 4 if vfs < 32 else 2
    own = range(vfs * of_pool, vfs * of_pool + queues)
    with pf_rig(port, vfs, queues=queues) as rig:
        regs = rig.nic.regs
        assert [ring.reg_idx for ring in rig.adapter.rx_rings] == [ring.reg_idx for ring in rig.adapter.tx_rings]
        assert [ring.reg_idx for ring in rig.adapter.rx_rings] == list(own)
        assert [ring.queue for ring in rig.adapter.rx_rings] == list(range(queues)), "the interface counts from 0"
        assert [q for q in range(128) if regs.get(RXDCTL, q).ENABLE] == list(own)
        assert [q for q in range(128) if regs.get(TXDCTL, q).ENABLE] == list(own)
        assert all(regs.get(SRRCTL, q).DROP_EN for q in own), "a slow pool must not hold up another"
        routed = [2 * n + half for n in range(64) for half in (0, 1) if getattr(regs.get(IVAR, n), f"RX{half}_VALID")]
        assert routed == list(own)
        assert {1: 0, 2: 1, 4: 2}[queues] == regs.get(PSRTYPE, vfs).RQPL
        assert {regs.get(RETA, n) for n in range(32)} == {RETA.of(ENTRY0=0, ENTRY1=1, ENTRY2=2, ENTRY3=3)}
        word, bit = divmod(vfs, 32)
        assert int(regs.get(MPSAR, word)) == 2**bit
        assert int(regs.get(MPSAR, 1 - word)) == 0
        taken = regs.get(VMOLR, vfs)
        assert (taken.BAM, taken.AUPE, taken.ROMPE) == (1, 1, 1)
        assert regs.get(VLNCTRL).VFE == 1, "a pool sees its own VLANs only"
        assert regs.get(VLVF, 0) == VLVF.of(VLANID=0, VIEN=1)
        assert int(regs.get(VLVFB, word)) == 2**bit


def test_spoofed_frames_are_dropped_from_the_start(port: LoopbackPort) -> None:
    with pf_rig(port, 10) as rig:
        assert rig.nic.regs.get(PFVFSPOOF, 0) == PFVFSPOOF.of(MACAS=0xFF, VLANAS=0xFF)
        assert rig.nic.regs.get(PFVFSPOOF, 1) == PFVFSPOOF.of(MACAS=0x03, VLANAS=0x03)


@pytest.mark.parametrize(("vfs", "queues"), [(3, 4), (40, 2)])
def test_frames_find_the_ports_rings(wire: Wire, vfs: int, queues: int) -> None:
    """RSS spreads over the queues of its pool, tagged or not, and what it sends leaves by the wire."""
    with pf_rig(wire, vfs, queues=queues) as rig:
        wire.sent()
        frames = [flow(n, vlan=7 if n % 2 else None, payload=b"x" * 40) for n in range(0, 4000, 97)]
        wire.inject(*frames)
        got = rig.take_all()
        assert set(got) == set(range(queues))
        assert sorted(frame for some in got.values() for frame in some) == sorted(frames)
        for queue, some in got.items():
            assert {steered(rig, frame) % queues for frame in some} == {queue}
        rig.send([plain(n, dst=FAR) for n in range(5)], queue=queues - 1)
        assert wire.sent() == [plain(n, dst=FAR) for n in range(5)]


@pytest.mark.parametrize("kind", [IrqKind.MSI, IrqKind.INTX])
def test_without_msix_one_interrupt_tells_of_mailboxes_too(wire: Wire, kind: IrqKind) -> None:
    with pf_rig(wire, 2, kinds=[kind]) as rig:
        assert rig.nic.regs.get(GPIE).VTMODE == 2
        assert rig.start(1)[0] == HEAD.of(TYPE=MessageType.RESET, NACK=1)
        wire.inject(plain(1))
        assert rig.take() == [plain(1)]


def test_in_ices_way_the_top_of_the_table_is_kept_for_them(wire: Wire) -> None:
    with pf_rig(wire, 4, queues=2, vectors=VectorOptions(like=Like.ICE, reserve_vfs=4)) as rig:
        table = rig.adapter.irq_table.table()
        assert [vsi["vsi"] for vsi in table["vsis"]][:2] == ["PF", "CTRL"]
        assert table["reserved_from"] == 44
        assert rig.start(3)[0] == HEAD.of(TYPE=MessageType.RESET, NACK=1)
        wire.inject(plain(1))
        assert rig.take_all() == {0: [plain(1)]}
        assert [q for q in range(128) if rig.nic.regs.get(RXDCTL, q).ENABLE] == [16, 17]


def test_in_ices_way_there_is_no_room_for_63(port: LoopbackPort) -> None:
    options = ProbeOptions(clock=NoWait(), vectors=VectorOptions(like=Like.ICE, reserve_vfs=63))
    with Card(sfp="sr", port=port, vfs=63) as nic, pytest.raises(ProbeError, match="no room for 63 VFs"):
        probe(PairDoor(nic), options)


# ---- limits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vfs", [-1, 64, 1000])
def test_too_many_and_too_few(nic: Card, vfs: int) -> None:
    with probe(PairDoor(nic), ProbeOptions(clock=NoWait(), cpus=1)) as adapter:
        with pytest.raises(DriverError, match=rf"{vfs} VFs: the 82599 has 64 pools.*0 to 63"):
            adapter.enable_vfs(vfs)
        adapter.enable_vfs(0)
        assert adapter.vfs is None


def test_a_hidden_capability(nic: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    with probe(PairDoor(nic), ProbeOptions(clock=NoWait(), cpus=1)) as adapter:
        find = adapter.hw.config.find_extended
        monkeypatch.setattr(adapter.hw.config, "find_extended", lambda cap: 0 if cap == 16 else find(cap))
        with pytest.raises(ProbeError, match=r"pair has no SR-IOV capability.*QEMU hides it") as failure:
            adapter.enable_vfs(1)
        assert exit_of(failure.value) is Exit.REFUSED
        assert adapter.vfs is None
        adapter.up(ring_count=64)


def test_others_are_enabled_already(port: LoopbackPort) -> None:
    with Card(sfp="sr", port=port, vfs=4) as nic:
        door = PairDoor(nic)
        with probe(door, ProbeOptions(clock=NoWait(), cpus=1)) as adapter:
            enable(door, 3)
            with pytest.raises(ProbeError, match=r"has 3 VFs enabled.*--vfs 3 takes them over"):
                adapter.enable_vfs(2)
            adapter.enable_vfs(3)
            assert adapter.vfs is not None
            with pytest.raises(DriverError, match="has 3 VFs, and keeps them until it is closed"):
                adapter.enable_vfs(4)


def test_it_does_not_take_them(port: LoopbackPort, monkeypatch: pytest.MonkeyPatch) -> None:
    options = ProbeOptions(clock=NoWait(), cpus=1)
    with Card(sfp="sr", port=port, vfs=2) as nic, probe(PairDoor(nic), options) as adapter:
        write = adapter.door.config_write
        ours = range(pci.SRIOV_CTRL.offset(), pci.SRIOV_CTRL.offset() + 2)
        monkeypatch.setattr(adapter.door, "config_write", lambda at, data: None if at in ours else write(at, data))
        with pytest.raises(ProbeError, match=r"does not take 2 VFs.*sriov_numvfs"):
            adapter.enable_vfs(2)


def test_only_before_it_is_up_and_within_its_pool(port: LoopbackPort) -> None:
    with pf_rig(port, 2, up=False) as rig:
        with pytest.raises(DriverError, match=r"5 queues: with 2 VFs the port has a pool of 4 for both"):
            rig.adapter.up(queues=5)
        with pytest.raises(DriverError, match=r"3 queues and 2 XDP rings: with 2 VFs the port has a pool of 4"):
            rig.adapter.up(queues=3, xdp_rings=2)
        rig.adapter.up(queues=2, xdp_rings=2, ring_count=64)
        assert [ring.reg_idx for ring in rig.adapter.senders] == [8, 9, 10, 11]
    with pf_rig(port, 63, up=False) as rig, pytest.raises(DriverError, match="31 VFs or fewer leave it four"):
        rig.adapter.up(queues=3)


def test_an_up_port_gets_none(port: LoopbackPort) -> None:
    with Card(sfp="sr", port=port, vfs=1) as nic, probe(PairDoor(nic), ProbeOptions(clock=NoWait())) as adapter:
        adapter.up(queues=1, ring_count=64)
        with pytest.raises(DriverError, match="is up: VFs are made before that"):
            adapter.enable_vfs(1)


# ---- the end, and resets ---------------------------------------------------------------------------------------------


def test_they_end_with_the_driver(port: LoopbackPort) -> None:
    with Card(sfp="sr", port=port, vfs=2) as nic:
        door, time = PairDoor(nic), NoWait()
        config = None
        with probe(door, ProbeOptions(clock=time, cpus=1)) as adapter:
            config = adapter.hw.config
            adapter.enable_vfs(2)
            adapter.up(queues=1, ring_count=64)
            seen: list[tuple[int, int, float]] = []
            sleep = time.sleep

            def watch(seconds: float) -> None:
                seen.append((config.read(pci.SRIOV_CTRL).VF_ENABLE, int(config.read(pci.SRIOV_NUM_VFS)), seconds))
                sleep(seconds)

            time.sleep = watch  # type: ignore[method-assign]  # it is what the test looks at
        assert (0, 2, SETTLE_S) in seen, "off, then a pause, then the number goes"
        assert not nic.vfs[0].function.is_present


def reset_state(rig: PfRig, n: int) -> tuple[int, int]:
    mailbox = rig.guests[n].mailbox_read()
    return mailbox.RSTI, mailbox.RSTD


def test_a_reset_of_the_port_takes_them_along_and_they_come_back(port: LoopbackPort) -> None:
    with pf_rig(port, 3) as rig:
        assert reset_state(rig, 1) == (0, 1)
        rig.sriov.change(1, "mac", ["02:00:00:00:00:11"])
        assert rig.start(1)[:2] == [HEAD.of(TYPE=MessageType.RESET, ACK=1), 0x00000002]
        assert pools_of(rig, VFRE) == {1, *range(3, 64)}
        down = rig.adapter.hw.reset.init_hw
        seen: list[tuple[int, int]] = []

        def watched() -> None:
            down()
            seen.append(reset_state(rig, 1))

        rig.adapter.hw.reset.init_hw = watched  # type: ignore[method-assign]  # it is what the test looks at
        rig.adapter.reinit()
        assert seen == [(1, 0)], "while it is reset they see that"
        assert reset_state(rig, 1) == (0, 1), "and that it is over"
        assert pools_of(rig, VFRE) == set(range(3, 64)), "nobody receives before it has started anew"
        assert rig.guests[1].receive(1) == [PING], "not clear to send"
        rig.serve()
        assert rig.guests[1].receive(1) == [HEAD.of(NACK=1)], "who reads it all the same is told more clearly"
        assert rig.ask(1, MessageType.SET_LPE, 1518)[0] == HEAD.of(TYPE=MessageType.SET_LPE, NACK=1)
        assert rig.start(1)[:3] == [HEAD.of(TYPE=MessageType.RESET, ACK=1), 0x00000002, 0x00001100]
        assert pools_of(rig, VFRE) == {1, *range(3, 64)}


def test_down_and_up(port: LoopbackPort) -> None:
    with pf_rig(port, 2) as rig:
        rig.start(0)
        rig.adapter.down()
        assert reset_state(rig, 0)[0] == 1
        assert not rig.row(0)["ready"]
        assert rig.nic.vfs[0].function.is_present, "a port that is down keeps its VFs"
        rig.guests[0].send(MessageType.RESET)
        rig.adapter.other_irq()
        rig.adapter.service()
        assert not rig.guests[0].mailbox_read().PFSTS, "nobody answers while it is down"
        rig.sriov.change(0, "vlan", ["7"])
        rig.adapter.up()
        rig.serve()
        assert reset_state(rig, 0)[0] == 0
        assert HEAD(rig.start(0)[0]).TYPE == MessageType.RESET
        assert rig.row(0)["vlan"] == 7


def test_somebody_resets_the_whole_function(port: LoopbackPort) -> None:
    with pf_rig(port, 2) as rig:
        rig.start(0)
        rig.door.reset()
        assert not rig.adapter.hw.config.read(pci.SRIOV_CTRL).VF_ENABLE
        rig.time.sleep(3)
        rig.adapter.service()
        assert rig.adapter.reinits == 1
        assert rig.adapter.hw.config.read(pci.SRIOV_CTRL).VF_ENABLE
        assert HEAD(rig.start(0)[0]).TYPE == MessageType.RESET


def test_somebody_changes_their_number(port: LoopbackPort, caplog: pytest.LogCaptureFixture) -> None:
    with pf_rig(port, 2) as rig:
        enable(rig.door, 1)
        for _ in range(3):
            rig.time.sleep(3)
            rig.adapter.service()
        told = [record.getMessage() for record in caplog.records if "changed the number of VFs" in record.getMessage()]
        assert told == ["pair: somebody changed the number of VFs from 2 to 1 under this driver: start it anew"]


def test_pings_follow_the_link(wire: Wire) -> None:
    with pf_rig(wire, 2) as rig:
        rig.start(0)
        rig.sriov.change(1, "state", ["disable"])
        for lit in (False, True):
            wire.light(on=lit)
            rig.settle()
            rig.nic.link.evaluate()
            rig.serve(2)
            assert rig.adapter.link.up == lit == VFLINKS(rig.guests[0].read(VFLINKS)).UP
            assert rig.guests[0].mailbox_read().PFSTS
            assert rig.guests[0].receive(1) == [HEAD.of(TYPE=MessageType.PF_CONTROL, CTS=1)]
            assert rig.guests[1].mailbox_read().PFSTS
            rig.guests[1].receive(1)
            rig.serve()
            rig.guests[0].mailbox_read()


def test_more_than_there_are(port: LoopbackPort) -> None:
    options = ProbeOptions(clock=NoWait(), cpus=1)
    with Card(sfp="sr", port=port, vfs=2) as nic, probe(PairDoor(nic), options) as adapter:
        with pytest.raises(ProbeError, match=r"has 2 VFs \(SR-IOV's TotalVFs\), 3 were asked for") as failure:
            adapter.enable_vfs(3)
        assert exit_of(failure.value) is Exit.REFUSED
