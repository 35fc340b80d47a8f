# SPDX-License-Identifier: BSD-3-Clause
"""How the queues are divided among virtual functions, and who is in which VLAN: registers in a dictionary."""

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.regs.core import Register
from device.regs.i82599 import VFRE, VFTA, VLVF, VLVFB
from driver.errors import DriverError
from driver.ixgbe.sriov.pools import Pools, check_vfs, write_bit, write_map
from driver.ixgbe.sriov.vlans import VlanTable


class Words:
    """Registers that keep what is written."""

    def __init__(self) -> None:
        self.words: dict[tuple[str, int], int] = {}
        self.writes: list[tuple[str, int, int]] = []

    def read(self, register: type[Register], n: int = 0) -> Register:
        register.offset(n)
        return register(self.words.get((register.NAME, n), 0))

    def write(self, register: type[Register], value: int, n: int = 0) -> None:
        register.offset(n)
        self.words[register.NAME, n] = int(value)
        self.writes.append((register.NAME, n, int(value)))

    def map(self, register: type[Register], first: int = 0, words: int = 2) -> set[int]:
        whole = sum(int(self.read(register, first + n)) * 2 ** (32 * n) for n in range(words))
        return {bit for bit in range(32 * words) if whole // 2**bit % 2}


@pytest.mark.parametrize(
    ("vfs", "queues", "first", "vt_mode", "mrqe", "mtqc"),
    [(1, 4, 4, 2, 0xA, 0xA), (31, 4, 124, 2, 0xA, 0xA), (32, 2, 64, 3, 0xB, 0x6), (63, 2, 126, 3, 0xB, 0x6)],
)
def test_the_division(vfs: int, queues: int, first: int, vt_mode: int, mrqe: int, mtqc: int) -> None:
    pools = Pools(vfs)
    assert (pools.queues, pools.first_queue, pools.own) == (queues, first, vfs)
    assert (pools.vt_mode, pools.mrqe, pools.mtqc) == (vt_mode, mrqe, mtqc)


@given(st.integers(1, 63))
def test_no_queue_has_two_pools(vfs: int) -> None:
    pools = Pools(vfs)
    queues = [queue for pool in range(vfs + 1) for queue in pools.queues_of(pool)]
    assert queues == list(range(len(queues)))
    assert len(queues) <= 128
    assert pools.queues_of(pools.own)[0] == pools.first_queue


@pytest.mark.parametrize("vfs", [-1, 64])
def test_numbers_that_cannot_be(vfs: int) -> None:
    with pytest.raises(DriverError, match=rf"{vfs} VFs.*0 to 63"):
        check_vfs(vfs)
    assert [check_vfs(able) for able in (0, 63)] == [0, 63]


def test_the_ports_own_rings_fit_its_pool() -> None:
    Pools(31).check_queues(3, 1)
    with pytest.raises(DriverError, match="4 queues and 1 XDP rings: with 31 VFs the port has a pool of 4"):
        Pools(31).check_queues(4, 1)
    with pytest.raises(DriverError, match=r"3 queues: with 32 VFs the port has a pool of 2.*31 VFs or fewer"):
        Pools(32).check_queues(3, 0)


def test_bits_of_maps() -> None:
    bar = Words()
    write_bit(bar, VFRE, 33, on=True)  # type: ignore[arg-type]  # all that is used of a Bar
    write_bit(bar, VFRE, 33, on=True)  # type: ignore[arg-type]
    write_bit(bar, VFRE, 2, on=False)  # type: ignore[arg-type]
    assert bar.writes == [("VFRE", 1, 2)], "what is right already is left alone"
    write_map(bar, VFRE, {0, 31, 32, 63})  # type: ignore[arg-type]
    assert bar.map(VFRE) == {0, 31, 32, 63}


# ---- VLANs -----------------------------------------------------------------------------------------------------------


def table(own: int = 3, *, follows: bool = False) -> tuple[VlanTable, Words]:
    bar = Words()
    made = VlanTable(bar, own)  # type: ignore[arg-type]
    made.set_port({0}, follows=follows)
    return made, bar


def let_in(bar: Words) -> set[int]:
    return bar.map(VFTA, words=128)


def entry(bar: Words, slot: int) -> tuple[int, int, set[int]]:
    vlvf = VLVF(int(bar.read(VLVF, slot)))
    return vlvf.VIEN, vlvf.VLANID, bar.map(VLVFB, 2 * slot)


def test_a_port_that_takes_every_vlan() -> None:
    vlans, bar = table(follows=True)
    assert let_in(bar) == set(range(4096)), "without an entry they are the port's alone"
    vlans.add(1, 100)
    assert entry(bar, 0) == (1, 0, {3})
    assert entry(bar, 1) == (1, 100, {1, 3})
    vlans.set_port({0, 7}, follows=False)
    assert let_in(bar) == {0, 7, 100}
    assert entry(bar, 1) == (1, 100, {1})
    assert entry(bar, 2) == (1, 7, {3})
    vlans.set_port({0, 7}, follows=True)
    vlans.remove(1, 100)
    assert let_in(bar) == set(range(4096))
    assert entry(bar, 1) == (0, 0, set())
    bar.words.clear()
    vlans.forget()
    vlans.write_all()
    assert let_in(bar) == set(range(4096)), "after a reset too"


def test_the_last_one_to_leave_closes_it() -> None:
    vlans, bar = table()
    vlans.add(1, 100)
    vlans.add(40, 100)
    vlans.remove(1, 100)
    assert entry(bar, 1) == (1, 100, {40})
    vlans.clear(40)
    assert entry(bar, 1) == (0, 0, set())
    assert let_in(bar) == {0}
    vlans.remove(40, 100)
    vlans.remove(40, 4000)


def test_the_port_stays_in_its_own() -> None:
    vlans, bar = table()
    vlans.set_port({0, 100}, follows=False)
    vlans.add(1, 100)
    vlans.remove(1, 100)
    assert entry(bar, 1) == (1, 100, {3})


def test_nobody_elses_entry_is_touched() -> None:
    vlans, bar = table()
    vlans.add(1, 100)
    bar.writes.clear()
    vlans.add(2, 200)
    vlans.remove(2, 200)
    touched = {(name, n) for name, n, _ in bar.writes}
    assert touched == {("VLVF", 2), ("VLVFB", 4), ("VLVFB", 5), ("VFTA", 200 // 32)}
    assert bar.writes[0][0] == "VLVFB", "opened last"
    assert bar.writes[-3][0] == "VLVF" or bar.writes[-4][0] == "VFTA", "closed first"


def test_sixty_three_beside_vlan_0() -> None:
    vlans, bar = table()
    for vid in range(1, 64):
        vlans.add(0, vid)
    with pytest.raises(OSError, match="VLAN 64: all 64 entries") as failure:
        vlans.add(0, 64)
    assert failure.value.errno == errno.ENOSPC
    assert 64 not in let_in(bar)
    assert vlans.pools(64) == set()
    vlans.remove(0, 9)
    vlans.add(0, 64)
    assert entry(bar, 9)[1] == 64


def test_after_a_reset_only_the_ports_are_written_again() -> None:
    vlans, bar = table()
    vlans.set_port({0, 5}, follows=False)
    vlans.add(1, 100)
    bar.words.clear()
    vlans.forget()
    vlans.write_all()
    assert let_in(bar) == {0, 5}
    assert vlans.slot(100) is None


@given(st.lists(st.tuples(st.sampled_from(["add", "remove", "clear"]), st.integers(0, 5), st.integers(0, 70))))
def test_whatever_happens_the_registers_say_who_is_in(steps: list[tuple[str, int, int]]) -> None:
    vlans, bar = table(own=6)
    wanted: dict[int, set[int]] = {}
    for what, pool, vid in steps:
        if what == "add":
            try:
                vlans.add(pool, vid)
            except OSError:
                continue
            wanted.setdefault(vid, set()).add(pool)
        elif what == "remove":
            vlans.remove(pool, vid)
            wanted.get(vid, set()).discard(pool)
        else:
            vlans.clear(pool)
            for pools in wanted.values():
                pools.discard(pool)
    found = {vid: pools for slot in range(64) for valid, vid, pools in [entry(bar, slot)] if valid}
    assert found == {vid: pools for vid, pools in wanted.items() if pools} | {0: wanted.get(0, set()) | {6}}
    assert let_in(bar) == set(found)
