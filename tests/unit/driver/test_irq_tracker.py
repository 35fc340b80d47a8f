# SPDX-License-Identifier: BSD-3-Clause
"""The vector tracker: rows I1..I12 of the table, the budget, and the VF windows."""

import errno

import pytest

from driver.core.irq import Budget, IrqEntry, IrqTracker, MsiMap, Policy, alloc_misc, vector_budget
from driver.core.vf_vectors import SriovVectors
from tests.rigs.msix import FakeMsix


def tracker(static: int, table: int = 16, *, dyn: bool = False, **options: object) -> tuple[IrqTracker, FakeMsix]:
    backend = FakeMsix(table, can_alloc_dyn=dyn)
    assert backend.enable(static, static) == static
    return IrqTracker(backend, static, **options), backend  # type: ignore[arg-type]  # options are forwarded as they are


@pytest.mark.parametrize(
    ("hw", "cpus", "fd", "granted", "lan"),
    [
        (2048, 8, False, 10, 8),
        (64, 8, True, 12, 8),
        (8, 8, False, 8, 6),
        (6, 8, True, 6, 2),
        (3, 8, True, 2, 1),
        (2, 8, False, 2, 1),
    ],
)
def test_budget_follows_the_table(hw: int, cpus: int, fd: bool, granted: int, lan: int) -> None:
    budget = vector_budget(hw, cpus, flow_director=fd)
    assert isinstance(budget, Budget)
    assert (budget.wanted, budget.lan) == (granted, lan)


def test_budget_with_one_vector_is_erange() -> None:
    assert vector_budget(1, 8) == -errno.ERANGE


def test_budget_shrinks_with_the_grant() -> None:
    budget = vector_budget(64, 8)
    assert isinstance(budget, Budget)
    assert (budget.after_grant(4).wanted, budget.after_grant(4).lan) == (4, 2)
    assert budget.after_grant(99) is budget


def test_i1_indices_come_in_order_and_then_none() -> None:
    irqs, _ = tracker(4)
    assert [irqs.alloc_irq().index for _ in range(5)] == [0, 1, 2, 3, -errno.ENOENT]


def test_i1_seed_hands_out_one_too_many_unless_strict() -> None:
    loose, _ = tracker(4, policy=Policy.SEED, strict=False)
    fifth = [loose.alloc_irq() for _ in range(5)][-1]
    assert fifth == MsiMap(4, -errno.EINVAL)
    strict, _ = tracker(4, policy=Policy.SEED)
    assert [strict.alloc_irq().index for _ in range(5)][-1] == -errno.ENOENT


def test_seed_inclusive_limit_with_dynamic_fails_in_the_backend() -> None:
    irqs, backend = tracker(1, 2, dyn=True, policy=Policy.SEED, strict=False)
    assert irqs.alloc_irq(True).index == 1
    assert irqs.alloc_irq(True).index == -errno.ERANGE
    assert sorted(irqs.entries) == [1]
    assert backend.live == {1}


def test_i2_a_freed_index_is_the_next_one() -> None:
    irqs, _ = tracker(4)
    taken = [irqs.alloc_irq() for _ in range(4)]
    irqs.free_irq(taken[1])
    assert irqs.alloc_irq().index == 1


def test_i3_beyond_the_static_ones_the_backend_is_asked_once() -> None:
    irqs, backend = tracker(2, 8, dyn=True)
    third = [irqs.alloc_irq(True) for _ in range(3)][-1]
    assert third.index == 2
    assert irqs.entries[2].dynamic
    irqs.free_irq(third)
    assert backend.calls == [("alloc_at", 2), ("free_at", 2)]


def test_i4_seed_dyn_only_wastes_static_vectors() -> None:
    irqs, _ = tracker(4, dyn=True, policy=Policy.SEED)
    assert irqs.alloc_irq(True).index == 4


def test_i5_dyn_allowed_starts_at_the_static_ones() -> None:
    irqs, _ = tracker(4, dyn=True)
    assert irqs.alloc_irq(True).index == 0


def test_i6_the_vfs_part_is_never_touched(caplog: pytest.LogCaptureFixture) -> None:
    irqs, backend = tracker(4, dyn=True)
    irqs.sriov_base_vector = 6
    for _ in range(6):
        assert irqs.alloc_irq(True).index >= 0
    calls = list(backend.calls)
    assert irqs.alloc_irq(True).index == -errno.ENOENT
    assert [record.getMessage() for record in caplog.records] == [
        "could not allocate irq at index 6: that and what follows is kept for VFs"
    ]
    assert len(irqs.entries) == 6
    assert backend.calls == calls


@pytest.mark.parametrize("err", [errno.ENOSPC, errno.EBUSY])
def test_i7_the_backends_errno_is_the_answer_and_the_index_is_tried_again(err: int) -> None:
    irqs, backend = tracker(5, dyn=True)
    for _ in range(5):
        irqs.alloc_irq(True)
    backend.fail_at[5] = -err
    assert irqs.alloc_irq(True).index == -err
    backend.fail_at.clear()
    assert irqs.alloc_irq(True).index == 5
    assert backend.calls == [("alloc_at", 5), ("alloc_at", 5)]


def test_i8_freeing_what_is_not_in_use_is_one_log_line(caplog: pytest.LogCaptureFixture) -> None:
    irqs, backend = tracker(4, dyn=True)
    taken = irqs.alloc_irq()
    irqs.free_irq(taken)
    for wrong in (MsiMap(-2), MsiMap(99), taken):
        caplog.clear()
        irqs.free_irq(wrong)
        assert len(caplog.records) == 1
    assert backend.calls == []


def test_i9_no_memory_is_enoent() -> None:
    def out_of_memory() -> IrqEntry:
        raise MemoryError

    irqs, _ = tracker(4, new_entry=out_of_memory)
    assert irqs.alloc_irq().index == -errno.ENOENT
    assert not irqs.entries


def test_i10_idle_static_vectors_count_as_used() -> None:
    irqs, _ = tracker(4, dyn=True)
    taken = [irqs.alloc_irq(True) for _ in range(7)]
    assert irqs.max_used == 6
    for irq in taken[4:]:
        irqs.free_irq(irq)
    assert irqs.max_used == 3


def test_i11_deinit_reports_what_leaked() -> None:
    irqs, _ = tracker(2, dyn=True)
    for _ in range(4):
        irqs.alloc_irq(True)
    assert irqs.deinit() == [2, 3]
    assert not irqs.entries


def test_i12_the_misc_vector_is_the_first_and_a_refused_handler_gives_it_back() -> None:
    irqs, _ = tracker(4)
    assert alloc_misc(irqs, lambda _irq: 0).index == 0
    irqs, _ = tracker(4)
    seen: list[int] = []

    def refuse(irq: MsiMap) -> int:
        seen.append(irq.index)
        return -errno.EBUSY

    assert alloc_misc(irqs, refuse) == MsiMap(-errno.EBUSY)
    assert (seen, irqs.entries) == ([0], {})
    for _ in range(4):
        irqs.alloc_irq()
    assert alloc_misc(irqs, lambda _irq: 0).index == -errno.ENOENT, "none is left"


def test_a_vector_of_ones_own_choice() -> None:
    irqs, backend = tracker(4, dyn=True)
    assert irqs.alloc_irq_at(7).index == 7
    assert irqs.entries[7].dynamic
    assert irqs.alloc_irq_at(2).index == 2
    assert not irqs.entries[2].dynamic
    assert backend.calls == [("alloc_at", 7)]
    assert [irqs.alloc_irq_at(index).index for index in (7, 2)] == [-errno.EBUSY] * 2
    assert [irqs.alloc_irq_at(index).index for index in (16, -1)] == [-errno.ERANGE] * 2
    irqs.sriov_base_vector = 12
    assert irqs.alloc_irq_at(12).index == -errno.ENOENT
    backend.fail_at[9] = -errno.ENOSPC
    assert irqs.alloc_irq_at(9).index == -errno.ENOSPC
    assert sorted(irqs.entries) == [2, 7]
    assert [irqs.alloc_irq(True).index for _ in range(4)] == [0, 1, 3, 4], "the others are as free as before"


def test_without_dynamic_vectors_there_are_the_static_ones() -> None:
    irqs, _ = tracker(4)
    assert irqs.alloc_irq_at(4).index == -errno.ERANGE
    assert irqs.alloc_irq_at(3).index == 3


@pytest.mark.parametrize(
    ("total", "static", "vfs", "count", "queues", "base", "firsts"),
    [
        (1024, 18, 8, 17, 16, 888, [1007, 990, 973]),
        (256, 18, 16, 5, 4, 176, [251, 246]),
        (64, 10, 4, 5, 4, 44, [59, 54, 49, 44]),
        (64, 10, 16, 3, 2, 16, [61, 58]),
        (20, 10, 5, 2, 1, 10, [18, 16, 14, 12, 10]),
    ],
)
def test_vf_windows_come_from_the_top(
    total: int, static: int, vfs: int, count: int, queues: int, base: int, firsts: list[int]
) -> None:
    irqs, _ = tracker(static, total)
    sriov = SriovVectors(irqs, total)
    assert sriov.enable(vfs) == 0
    assert (sriov.vfs[0].count, sriov.vfs[0].queues, irqs.sriov_base_vector) == (count, queues, base)
    assert [vf.first for vf in sriov.vfs][: len(firsts)] == firsts
    assert sriov.vfs[0].reg_idx(0) == firsts[0] + 1
    sriov.disable()
    assert irqs.sriov_base_vector == 0


def test_too_many_vfs_and_none() -> None:
    irqs, _ = tracker(10, 20)
    assert SriovVectors(irqs, 20).enable(6) == -errno.ENOSPC
    assert SriovVectors(irqs, 20).enable(0) == -errno.EINVAL
    assert SriovVectors(irqs, 20).enable(4, free_queues=3) == -errno.ENOSPC


@pytest.mark.parametrize(("free", "queues"), [(64, 4), (16, 4), (15, 2), (11, 2), (7, 1), (4, 1)])
def test_free_queues_cut_a_vfs_share_to_a_power_of_two(free: int, queues: int) -> None:
    irqs, _ = tracker(10, 64)
    sriov = SriovVectors(irqs, 64)
    assert sriov.enable(4, free_queues=free) == 0
    assert [(vf.count, vf.queues) for vf in sriov.vfs] == [(5, queues)] * 4, "vectors are as many as before"


def test_the_off_by_one_of_the_base_vector() -> None:
    irqs, _ = tracker(10, 26)
    assert SriovVectors(irqs, 26).enable(1) == -errno.EINVAL
    loose = SriovVectors(irqs, 26, strict=False)
    assert loose.enable(1) == 0
    assert loose.vfs[0].first == 9  # the PF's own last static vector


def test_changing_one_vfs_count() -> None:
    irqs, _ = tracker(10, 64)
    sriov = SriovVectors(irqs, 64)
    assert sriov.set_count(0, 4) == -errno.ENOENT
    assert sriov.enable(4) == 0
    assert sriov.set_count(0, 0) == 0
    assert sriov.set_count(0, 9, free_queues=8) == -errno.EINVAL
    assert sriov.set_count(9, 4) == -errno.ENOENT
    before = [vf.first for vf in sriov.vfs]
    assert sriov.set_count(0, 60) == -errno.ENOSPC
    assert [vf.first for vf in sriov.vfs] == before
    for vf in sriov.vfs[1:]:
        vf.active = False
    assert sriov.set_count(0, 8) == 0
    assert sriov.vfs[0].queues == 8
    windows = [set(range(vf.first, vf.first + vf.count)) for vf in sriov.vfs]
    assert sum(map(len, windows)) == len(set.union(*windows)) == 9 + 15
    assert min(map(min, windows)) >= irqs.sriov_base_vector > irqs.max_used


def test_a_count_that_finds_no_window_changes_nothing() -> None:
    irqs, _ = tracker(10, 64)
    sriov = SriovVectors(irqs, 64)
    assert sriov.enable(4) == 0
    state = [(vf.first, vf.count) for vf in sriov.vfs], irqs.sriov_base_vector
    assert sriov.set_count(0, 8) == -errno.EINVAL  # 5 at the top and 4 at the bottom are not 9 in one piece
    assert ([(vf.first, vf.count) for vf in sriov.vfs], irqs.sriov_base_vector) == state
