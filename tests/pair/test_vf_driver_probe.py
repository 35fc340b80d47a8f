# SPDX-License-Identifier: BSD-3-Clause
"""Our driver of a virtual function on the real device: the probe, and everything that can be in its way."""

import errno
import os

import pytest

from device.i82599.card import Card
from device.machine.wire.loopback import LoopbackPort
from device.regs.i82599 import CTRL_EXT
from device.regs.i82599.vf import VFMAILBOX, VFRDBAL, VFRDLEN, VFRXDCTL, VTEIMS
from device.regs.pci import PCI_COMMAND
from driver import families
from driver.core.vector_options import Like, VectorOptions
from driver.doors.door import IrqKind
from driver.errors import Busy, DeviceGone, DriverError, ProbeError
from driver.exits import Exit, exit_of
from driver.ixgbevf.probe import STEPS, VfOptions, VfProbing, probe
from tests.rigs.counts import fd_count
from tests.rigs.driver_clock import NoWait
from tests.rigs.pair_door import PairDoor
from tests.rigs.vf import Vf, enable, pools
from tests.rigs.vf_driver import pair

GIVEN = "02:00:00:00:00:42"
START_WITH = "`python -m driver up card --vfs N` drives its physical function"


def test_a_function_is_probed(port: LoopbackPort) -> None:
    with pair(port, 2) as rig:
        vf = rig.probe(1)
        found = vf.describe()
        assert found["mac"] == vf.mac
        assert (found["api"], found["queues"]) == ("1.5", "4 Rx, 4 Tx")
        assert found["address"] == "made up"
        assert not vf.running
        assert vf.scheme.kind is IrqKind.MSIX
        assert [q.reg_idx for q in vf.q_vectors] == [0, 1], "a vector for each CPU's queue, up to two"
        assert vf.other_vector == 2


def test_the_address_that_the_administrator_chose(port: LoopbackPort) -> None:
    with pair(port, 2) as rig:
        assert rig.port is not None
        assert rig.port.vfs is not None
        rig.port.vfs.change(0, "mac", [GIVEN])
        vf = rig.up(0)
        assert vf.mac == GIVEN
        assert vf.describe()["address"] == "given by the physical function's driver"
        with pytest.raises(DriverError, match=f"refuses the address 02:00:00:00:00:43, it stays {GIVEN}"):
            vf.set_mac(bytes.fromhex("020000000043"))
        assert vf.mac == GIVEN
        rig.port.vfs.change(0, "trust", ["on"])
        vf.service()
        vf.set_mac(bytes.fromhex("020000000043"))
        assert vf.mac == "02:00:00:00:00:43"


@pytest.mark.parametrize(("vfs", "offered"), [(2, 4), (40, 2)])
def test_as_many_queues_as_the_pool_has(port: LoopbackPort, vfs: int, offered: int) -> None:
    with pair(port, vfs) as rig:
        vf = rig.probe(0, queues=offered)
        assert len(vf.q_vectors) == 2
        vf.up(ring_count=64)
        assert len(vf.rx_rings) == len(vf.tx_rings) == offered
        vf.down()
        with pytest.raises(DriverError, match=f"{offered + 1} queues: .* lets it have 1 to {offered}"):
            vf.up(queues=offered + 1)
        with pytest.raises(DriverError, match=rf"1 XDP rings beside {offered} queues: it has {offered} Tx"):
            vf.up(queues=offered, xdp_rings=1)


def test_functions_that_are_not_enabled(port: LoopbackPort) -> None:
    with Card(sfp="sr", port=port, vfs=1) as nic:
        door = PairDoor(nic, "card.vf0", vf=0)
        with pytest.raises(DeviceGone) as caught:
            families.probe(door)
        assert f"VFs are not enabled: {START_WITH}" in str(caught.value)
        assert exit_of(caught.value) is Exit.NO_ANSWER


# ---- no peer ---------------------------------------------------------------------------------------------------------


def undriven(nic: Card, *, ready: bool) -> PairDoor:
    """Functions that are enabled, on a port that nobody drives."""
    enable(PairDoor(nic), 1)
    pools(nic, 4, 1)
    if not ready:
        nic.regs.write(CTRL_EXT.offset(), 0)
    return PairDoor(nic, "card.vf0", vf=0)


def test_a_port_without_a_driver(port: LoopbackPort) -> None:
    time = NoWait()
    with Card(sfp="sr", port=port, vfs=1) as nic:
        door = undriven(nic, ready=True)
        before = time.now_s()
        with pytest.raises(ProbeError) as caught:
            probe(door, VfOptions(clock=time))
        assert "waited 1 s for RESET to be read: the physical function's driver does not answer" in str(caught.value)
        assert START_WITH in str(caught.value)
        assert (caught.value.step, caught.value.code) == ("reset_and_introduce", errno.ETIMEDOUT)
        assert exit_of(caught.value) is Exit.NO_ANSWER
        assert time.now_s() - before < 3
        assert nic.vfs[0].function.is_present


def test_a_port_in_reset(port: LoopbackPort) -> None:
    with Card(sfp="sr", port=port, vfs=1) as nic:
        enable(PairDoor(nic), 1)
        with pytest.raises(ProbeError, match="is still in reset") as caught:
            probe(PairDoor(nic, "card.vf0", vf=0), VfOptions(clock=NoWait()))
        assert START_WITH in str(caught.value)
        assert exit_of(caught.value) is Exit.NO_ANSWER


def test_a_name_that_does_not_tell_the_port(port: LoopbackPort) -> None:
    with Card(sfp="sr", port=port, vfs=1) as nic:
        enable(PairDoor(nic), 1)
        with pytest.raises(ProbeError, match=r"`python -m driver up NIC --vfs N` drives"):
            probe(PairDoor(nic, "0000:01:10.0", vf=0), VfOptions(clock=NoWait()))


def test_a_function_that_vanishes_from_under_the_probe(port: LoopbackPort) -> None:
    with Card(sfp="sr", port=port, vfs=1) as nic:
        pf = PairDoor(nic)
        enable(pf, 1)

        def vanish(_: VfProbing) -> str:
            nic.vfs[0].is_held = lambda: False
            enable(pf, 0)
            return "gone"

        steps = [*STEPS[:6], ("vanish", vanish), *STEPS[6:]]
        with pytest.raises(DeviceGone, match=r"VFSTATUS read all ones.*VFs are not enabled: `python -m driver up card"):
            probe(PairDoor(nic, "card.vf0", vf=0), VfOptions(clock=NoWait()), steps=steps)


# ---- what it has and has not -----------------------------------------------------------------------------------------


class Table(PairDoor):
    """A door to a function whose MSI-X table is shorter."""

    vectors = 3

    def irq_count(self, kind: IrqKind) -> int:
        return min(super().irq_count(kind), self.vectors)


@pytest.mark.parametrize("vectors", [0, 1])
def test_one_vector_is_not_enough(port: LoopbackPort, vectors: int) -> None:
    with pair(port, 1) as rig:
        door = Table(rig.nic, "card.vf0", vf=0)
        door.vectors = vectors
        with pytest.raises(ProbeError, match=rf"needs 2 MSI-X vectors.*its table has {vectors}") as caught:
            probe(door, rig.options())
        assert exit_of(caught.value) is Exit.REFUSED


def test_two_are(port: LoopbackPort) -> None:
    with pair(port, 1) as rig:
        door = Table(rig.nic, "card.vf0", vf=0)
        door.vectors = 2
        with probe(door, rig.options(queues=4)) as vf:
            assert (len(vf.q_vectors), vf.other_vector) == (1, 1)
            assert sorted(vf.q_vectors[0].rx_container.queues) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (VectorOptions(vectors=1), "1 vectors were asked for, and its MSI-X table has 3: give 2 to 3"),
        (VectorOptions(vectors=4), "4 vectors were asked for"),
        (VectorOptions(like=Like.ICE), "ice's way of sharing out vectors is for ports"),
    ],
)
def test_vectors_that_it_cannot_have(port: LoopbackPort, options: VectorOptions, said: str) -> None:
    with pair(port, 1) as rig, pytest.raises(ProbeError, match=said):
        rig.probe(0, vectors=options)


def test_what_only_a_port_has(port: LoopbackPort) -> None:
    with pair(port, 1) as rig:
        vf = rig.probe(0)
        with pytest.raises(DriverError, match="is a virtual function and has no EEPROM: ask its physical function"):
            vf.read_eeprom(1)
        for ask in (vf.about_module, lambda: vf.read_module(0xA0, 0)):
            with pytest.raises(DriverError, match="has no module"):
                ask()


def test_its_probe_is_not_explained(port: LoopbackPort) -> None:
    with pair(port, 1) as rig:
        door = PairDoor(rig.nic, "card.vf0", vf=0)
        with pytest.raises(DriverError, match="what is explained and traced is the probe of a port"):
            families.explain(door)
        with pytest.raises(OSError, match="closed"):
            door.config_read(0, 2)


def test_two_drivers(port: LoopbackPort) -> None:
    with pair(port, 1) as rig:
        rig.probe(0)
        with pytest.raises(Busy, match=rf"card.vf0 is in use by pid {os.getpid()}"):
            rig.probe(0)


# ---- failures on the way ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", range(1, len(STEPS) + 1))
def test_a_failure_anywhere_undoes_what_was_done(port: LoopbackPort, at: int) -> None:
    def fail(_: VfProbing) -> str:
        raise ProbeError(errno.EIO, "as the test wants it")

    with pair(port, 1) as rig:
        fds = fd_count()
        door = PairDoor(rig.nic, "card.vf0", vf=0)
        with pytest.raises(ProbeError, match="as the test wants it") as caught:
            probe(door, rig.options(), steps=[*STEPS[:at], ("fail", fail), *STEPS[at:]])
        assert caught.value.undone[-1] == "door"
        assert fd_count() == fds
        vf = Vf(rig.nic, 0)
        assert not vf.door.config.get(PCI_COMMAND).BUS_MASTER
        assert not vf.read(VTEIMS)
        vf.door.close()
        with probe(PairDoor(rig.nic, "card.vf0", vf=0), rig.options()) as again:
            again.up(ring_count=64)


def test_what_another_driver_left_is_stopped(port: LoopbackPort) -> None:
    with pair(port, 1) as rig:
        by_hand = Vf(rig.nic, 0)
        by_hand.write(VFRDBAL, 0x1000)
        by_hand.write(VFRDLEN, 1024)
        by_hand.write(VFRXDCTL, VFRXDCTL.of(ENABLE=1))
        by_hand.write(VFMAILBOX, VFMAILBOX.of(VFU=1))
        by_hand.door.close()
        rig.probe(0)
        assert not VFRXDCTL(by_hand.read(VFRXDCTL)).ENABLE


def test_the_end_leaves_the_function_silent(port: LoopbackPort) -> None:
    with pair(port, 1) as rig:
        vf = rig.up(0)
        iovas = dict(vf.door.maps)  # type: ignore[attr-defined]  # it is a PairDoor
        assert iovas
        vf.close()
        vf.close()
        by_hand = Vf(rig.nic, 0)
        assert not VFRXDCTL(by_hand.read(VFRXDCTL)).ENABLE
        assert not by_hand.read(VTEIMS)
        by_hand.door.close()
