# SPDX-License-Identifier: BSD-3-Clause
"""Ice's way on this chip: who takes which vector, what is written to registers, VFs' windows, NAPI, and the end."""

import errno
import logging
import os
import select
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from device.i82599.card import Card
from device.machine.wire.loopback import LoopbackPort
from device.regs.i82599 import EITR, IVAR, IVAR_MISC
from driver.core.irq import Policy
from driver.core.napi import Sink
from driver.core.vector_options import Like, VectorOptions
from driver.core.vsi import VsiType, alloc_q_vectors
from driver.doors.door import IrqKind
from driver.errors import DriverError, ProbeError
from driver.ixgbe.adapter import Adapter
from driver.ixgbe.ice_scheme import IceScheme
from driver.ixgbe.probe import ProbeOptions, probe
from tests.rigs.counts import fd_count
from tests.rigs.driver_clock import NoWait
from tests.rigs.frames import BROADCAST, frame
from tests.rigs.pair_door import PairDoor

MAC = "02:00:00:82:59:90"
TABLES = ("vsi", "rx", "tx", "reg_idx")


class Fixed(PairDoor):
    """A door that enables all vectors at once."""

    def irq_dynamic(self, kind: IrqKind) -> bool:
        return False


@contextmanager
def ice(
    queues: int = 2, *, table: int = 64, cpus: int = 4, door: type[PairDoor] = PairDoor, **vectors: Any
) -> Iterator[tuple[Card, Adapter, IceScheme]]:
    wanted = VectorOptions(cpus=cpus, like=Like.ICE, **vectors)
    options = ProbeOptions(clock=NoWait(), queues=queues, itr_us=0, vectors=wanted)
    port = LoopbackPort()
    with Card(mac=MAC, sfp="sr", port=port, msix_vectors=table) as nic, probe(door(nic), options) as adapter:
        assert isinstance(adapter.scheme, IceScheme)
        yield nic, adapter, adapter.scheme
    port.close()


def bring_up(nic: Card, adapter: Adapter) -> None:
    adapter.up(ring_count=64)
    nic.core.settle(1000)
    nic.link.evaluate()
    adapter.service()
    adapter.set_rx_mode(promiscuous=True)


def vsis(adapter: Adapter) -> list[tuple[str, ...]]:
    return [tuple(row[field] for field in TABLES) for row in adapter.irq_table.table()["vsis"]]


def by_index(adapter: Adapter) -> dict[int, tuple[str, str]]:
    return {row["index"]: (row["kind"], row["owner"]) for row in adapter.irq_table.table()["vectors"]}


def test_the_budget_and_who_takes_what() -> None:
    with ice(2) as (_, adapter, scheme):
        assert scheme.budget is not None
        assert (scheme.budget.wanted, scheme.budget.other, scheme.budget.lan) == (8, 4, 4)
        assert scheme.other.index == 0
        assert vsis(adapter) == [("PF", "0-1", "0-1", "1-2"), ("CTRL", "2", "2", "3")]
        seen = by_index(adapter)
        assert seen == {
            0: ("static", "other"),
            1: ("static", "PF q_vector 0"),
            2: ("static", "PF q_vector 1"),
            3: ("static", "CTRL q_vector 0"),
            **dict.fromkeys(range(4, 8), ("static", "")),
        }
        assert adapter.irq_table.table()["free"] == "4-63"


def test_its_registers_and_frames_through_them() -> None:
    with ice(2) as (nic, adapter, scheme):
        bring_up(nic, adapter)
        assert (nic.regs.get(IVAR_MISC).OTHER, nic.regs.get(IVAR_MISC).OTHER_VALID) == (0, 1)
        assert nic.regs.get(EITR, 0).ITR_INTERVAL == 243
        ivar = nic.regs.get(IVAR, 0)
        assert (ivar.RX0, ivar.TX0, ivar.RX1, ivar.TX1) == (1, 1, 2, 2)
        assert int(nic.regs.get(IVAR, 1)) == 0, "the control VSI's queues have no rings"
        napis = adapter.napis()
        for napi in napis:
            napi.c.sink = Sink.DROP
            napi.poll()
        first = adapter.q_vectors[0]
        adapter.bar.write_offset(*scheme.rearm(first))
        fds = [vector.irq.irq_fd for vector in adapter.q_vectors]
        while select.select(fds, [], [], 0)[0]:
            for fd in select.select(fds, [], [], 0)[0]:
                os.eventfd_read(fd)
        adapter.tx_rings[0].send([frame(1, dst=BROADCAST)])
        nic.core.settle(1000)
        assert fds[0] in select.select(fds, [], [], 0)[0]
        napis[0].poll()
        assert sum(ring.stats()["packets"] for ring in adapter.rx_rings) >= 1


def fired_of(adapter: Adapter) -> dict[int, int]:
    """How often each vector fired so far; two messages may be one event of its eventfd."""
    return {row["index"]: row["fired"] for row in adapter.irq_table.table()["vectors"]}


def test_the_link_tells_vector_0_alone() -> None:
    with ice(2) as (nic, adapter, scheme):
        bring_up(nic, adapter)
        before, fired = scheme.other_told, fired_of(adapter)
        nic.remove_sfp()
        nic.core.settle(1000)
        (fd,) = adapter.other_fds()
        assert select.select([fd], [], [], 1)[0]
        adapter.other_irq()
        assert scheme.other_told > before
        now = fired_of(adapter)
        assert [index for index in now if now[index] != fired[index]] == [0]


def test_rings_are_cut_into_runs_and_listed_from_the_last() -> None:
    with ice(5, cpus=3, xdp_rings=4) as (nic, adapter, _):
        bring_up(nic, adapter)
        assert [vector.rx_container.queues for vector in adapter.q_vectors] == [[0, 1], [2, 3], [4]]
        assert [vector.xdp_queues for vector in adapter.q_vectors] == [[5, 6], [7], [8]]
        assert [[ring.queue for ring in vector.rx] for vector in adapter.q_vectors] == [[1, 0], [3, 2], [4]]
        assert [[ring.queue for ring in vector.tx] for vector in adapter.q_vectors] == [[6, 5, 1, 0], [7, 3, 2], [8, 4]]


@pytest.mark.parametrize(("policy", "first"), [(Policy.V6_12, 4), (Policy.SEED, 8)])
def test_the_two_generations_add_differently(policy: Policy, first: int) -> None:
    """6.12 takes what is idle first; the older one takes added vectors only."""
    with ice(2, policy=policy) as (_, adapter, scheme):
        assert scheme.tracker is not None
        assert scheme.tracker.policy is policy
        assert [vsi.irq_dyn_alloc for vsi in scheme.vsis] == [policy is Policy.V6_12] * 2
        assert adapter.irq_table.add() == first


@pytest.mark.parametrize(
    ("options", "seen"),
    [
        ({"vectors": 6}, (6, 2)),
        ({"vectors": 3}, (3, 1)),
        ({"vectors": 64}, (8, 4)),
        ({"table": 6}, (6, 2)),
        ({"table": 2}, (2, 1)),
    ],
)
def test_fewer_vectors_than_wanted(options: dict[str, int], seen: tuple[int, int]) -> None:
    with ice(4, **options) as (_, adapter, scheme):  # type: ignore[arg-type]  # numbers all
        assert scheme.budget is not None
        assert (scheme.budget.wanted, scheme.budget.lan) == seen
        assert len(adapter.q_vectors) == min(seen[1], adapter.scheme.queues)


def test_one_vector_is_the_end_of_it() -> None:
    with Card(mac=MAC, msix_vectors=1) as nic:
        door, before = PairDoor(nic), fd_count()
        options = ProbeOptions(clock=NoWait(), cpus=2, vectors=VectorOptions(like=Like.ICE))
        with pytest.raises(ProbeError, match=r"2 MSI-X vectors at least.*ERANGE.*ENOMEM.*EIO") as caught:
            probe(door, options)
        assert caught.value.code == errno.EIO
        assert fd_count() <= before


def test_refused_vectors_are_the_end_of_it_too() -> None:
    with Card(mac=MAC) as nic:
        nic.faults.inject("irq-refused=msix")
        options = ProbeOptions(clock=NoWait(), cpus=2, vectors=VectorOptions(like=Like.ICE))
        with pytest.raises(ProbeError, match="No space left on device") as caught:
            probe(PairDoor(nic), options)
        assert caught.value.code == errno.EIO


def test_a_control_vsi_that_finds_no_queue_is_done_without(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), ice(64) as (_, adapter, _):
        assert "no control VSI: Cannot allocate memory" in caplog.text
        assert [row[0] for row in vsis(adapter)] == ["PF"]


def test_what_this_chip_does_not_have_is_said() -> None:
    with ice(2) as (_, adapter, _):
        table = adapter.irq_table.table()
        assert set(table["absent"]) == {"LB", "CHNL", "WB_ON_ITR"}
        assert all("this chip has none" in note for note in table["absent"].values())
        (ctrl,) = (row for row in table["vsis"] if row["vsi"] == "CTRL")
        assert "registers" in ctrl["note"]


def test_a_vsi_that_has_q_vectors_keeps_them() -> None:
    with ice(2) as (_, adapter, scheme):
        before = adapter.q_vectors
        assert scheme.vsi is not None
        assert alloc_q_vectors(scheme.vsi) == -errno.EEXIST
        assert all(now is then for now, then in zip(adapter.q_vectors, before, strict=True))


# ---- NAPI ------------------------------------------------------------------------------------------------------------


def test_napi_comes_with_the_interface_and_after_that_with_the_vector() -> None:
    with ice(2) as (_, adapter, scheme):
        assert [vector.napi for vector in adapter.q_vectors] == [None, None]
        adapter.attach_netdev("nic0")
        assert [vector.napi_when for vector in adapter.q_vectors] == ["by the later load"] * 2
        assert all(vector.napi is not None for vector in adapter.q_vectors)
        adapter.up(queues=3, ring_count=64)
        assert [vector.napi_when for vector in adapter.q_vectors] == ["with the vector"] * 3
        (ctrl,) = (vsi for vsi in scheme.vsis if vsi.is_ctrl)
        assert [vector.napi for vector in ctrl.live_q_vectors] == [None], "no interface is behind it"
        napi = {row["vsi"]: row["napi"] for row in adapter.irq_table.table()["vsis"]}
        assert napi == {"PF": "with the vector", "CTRL": "none"}


# ---- VFs' part of the table ------------------------------------------------------------------------------------------


def test_the_top_of_the_table_is_kept_for_vfs() -> None:
    with ice(2, reserve_vfs=4) as (_, adapter, scheme):
        assert scheme.tracker is not None
        assert scheme.tracker.sriov_base_vector == 44
        assert [vf.first for vf in scheme.vfs] == [59, 54, 49, 44]
        kinds = [vsi.kind for vsi in scheme.vsis]
        assert kinds == [VsiType.PF, VsiType.CTRL, *[VsiType.VF] * 4]
        rows = {row[0]: row for row in vsis(adapter)}
        assert (rows["VF 0"][3], rows["VF 3"][3]) == ("60-63", "45-48")
        seen = by_index(adapter)
        assert (seen[59], seen[60]) == (("reserved", "VF 0 mailbox"), ("reserved", "VF 0 q_vector 0"))
        assert adapter.irq_table.table()["free"] == "4-43"
        with pytest.raises(DriverError, match="vector 44 is kept for VFs, which have 44 to 63"):
            adapter.irq_table.add(44)
        added = [adapter.irq_table.add() for _ in range(40)]
        assert added == list(range(4, 44))
        with pytest.raises(DriverError, match=r"no vector can be armed: .*; free now: none"):
            adapter.irq_table.add()
        assert len(scheme.tracker.entries) == 44
        assert adapter.irq_table.free(43) == 43
        assert adapter.irq_table.add() == 43


@pytest.mark.parametrize(("vfs", "code"), [(40, errno.ENOSPC), (63, errno.ENOSPC)])
def test_more_vfs_than_there_is_room_for(vfs: int, code: int) -> None:
    with Card(mac=MAC) as nic:
        door, before = PairDoor(nic), fd_count()
        wanted = VectorOptions(cpus=4, like=Like.ICE, reserve_vfs=vfs)
        with pytest.raises(ProbeError, match=f"no room for {vfs} VFs: .* 64 vectors, 8 of them are the port") as caught:
            probe(door, ProbeOptions(clock=NoWait(), queues=2, vectors=wanted))
        assert caught.value.code == code
        assert fd_count() <= before


def test_vfs_are_for_ices_way_only() -> None:
    with pytest.raises(DriverError, match="for 2 VFs are kept in ice's way only"):
        VectorOptions(reserve_vfs=2)


# ---- the end ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("door", [PairDoor, Fixed])
def test_all_is_given_back_and_can_be_had_again(door: type[PairDoor], caplog: pytest.LogCaptureFixture) -> None:
    with ice(2, reserve_vfs=2, door=door) as (_, adapter, scheme):
        scheme.clear()
        before = fd_count()
        for _ in range(3):
            adapter.attach_netdev("nic0")
            scheme.init(2)
            if door is PairDoor:
                assert adapter.irq_table.add() == 4
                assert adapter.irq_table.add(20) == 20
            tracker = scheme.tracker
            assert tracker is not None
            scheme.clear()
            assert fd_count() == before
            assert (scheme.vsis, tracker.entries, tracker.sriov_base_vector) == ([], {}, 0)
        assert "never freed" not in caplog.text


def test_a_failure_half_way_gives_everything_back(monkeypatch: pytest.MonkeyPatch) -> None:
    with ice(2) as (_, adapter, scheme):
        scheme.clear()
        before = fd_count()
        monkeypatch.setattr("driver.ixgbe.ice_scheme.Vsi.setup", lambda _: -errno.ENOMEM)
        with pytest.raises(ProbeError, match="interrupt vectors: Cannot allocate memory"):
            scheme.init(2)
        assert fd_count() == before
        assert scheme.kind is None
        assert adapter.irq_table.table()["vectors"] == []


def test_every_vector_above_the_first_word_can_be_an_added_one() -> None:
    with ice(2) as (nic, adapter, scheme):
        bring_up(nic, adapter)
        for index in (31, 32, 63):
            adapter.irq_table.add(index)
            assert adapter.irq_table.fire(index) == 0
            nic.core.settle(100)
            assert select.select([scheme.by_hand[index].irq_fd], [], [], 1)[0]
            assert adapter.irq_table.fire(index) == 1
