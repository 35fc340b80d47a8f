# SPDX-License-Identifier: BSD-3-Clause
"""VSIs and q_vectors: rows V1..V12 of the table, the ring map, and "after any failure nothing is held"."""

import errno
from collections.abc import Callable
from typing import TypeVar

import pytest

from driver.core.irq import IrqEntry, IrqTracker, MsiMap
from driver.core.itr import Dim, DimSample, ItrIndex, ItrMode
from driver.core.queues import QueuePool, share
from driver.core.qvector import QVector, irq_name, request_irqs
from driver.core.vf_vectors import VfVectors
from driver.core.vsi import Pf, Vsi, VsiType, alloc_q_vectors, free_q_vector
from tests.rigs.msix import FakeMsix

T = TypeVar("T")


class Hw:
    def __init__(self) -> None:
        self.itr: list[tuple[ItrIndex, int, int]] = []
        self.let_go: list[tuple[ItrIndex, int]] = []
        self.intrl: list[tuple[int, int]] = []
        self.tx: list[tuple[int, int, ItrIndex]] = []
        self.rx: list[tuple[int, int, ItrIndex]] = []

    def write_itr(self, itr_idx: ItrIndex, reg_idx: int, itr_us: int) -> None:
        self.itr.append((itr_idx, reg_idx, itr_us))

    def let_go_itr(self, itr_idx: ItrIndex, reg_idx: int) -> None:
        self.let_go.append((itr_idx, reg_idx))

    def write_intrl(self, reg_idx: int, value: int) -> None:
        self.intrl.append((reg_idx, value))

    def map_tx(self, queue: int, reg_idx: int, itr_idx: ItrIndex) -> None:
        self.tx.append((queue, reg_idx, itr_idx))

    def map_rx(self, queue: int, reg_idx: int, itr_idx: ItrIndex) -> None:
        self.rx.append((queue, reg_idx, itr_idx))


class RingStub:
    q_vector: QVector | None = None


def make_pf(
    static: int = 8,
    queues: int = 16,
    cpus: int = 4,
    *,
    new_entry: Callable[[], IrqEntry] = IrqEntry,
    new_q_vector: Callable[[int], QVector] = QVector,
) -> Pf:
    backend = FakeMsix(64, can_alloc_dyn=True)
    backend.enable(static, static)
    tracker = IrqTracker(backend, static, new_entry=new_entry)
    online = frozenset(range(cpus))
    txqs, rxqs = QueuePool(queues), QueuePool(queues)
    return Pf(tracker, txqs, rxqs, static, cpus=cpus, online_cpus=online, new_q_vector=new_q_vector)


def held(pf: Pf) -> tuple[int, int, int, int]:
    return len(pf.tracker.entries), len(pf.txqs.taken), len(pf.rxqs.taken), len(pf.vsis)


def vectors(vsi: Vsi) -> list[QVector]:
    found = list(vsi.live_q_vectors)
    assert len(found) == len(vsi.q_vectors)
    return found


def test_v1_a_vsi_with_q_vectors_keeps_them() -> None:
    vsi = Vsi(make_pf(), VsiType.PF)
    assert vsi.setup() == 0
    before = vectors(vsi)
    assert alloc_q_vectors(vsi) == -errno.EEXIST
    assert all(now is then for now, then in zip(vectors(vsi), before, strict=True))


def test_v2_failure_at_the_third_frees_the_two_before_it() -> None:
    pf = make_pf(static=2)  # the third index is not static any more
    pf.num_lan_msix = 4
    freed: list[int] = []
    free_irq = pf.tracker.free_irq

    def spy(irq: MsiMap) -> None:
        freed.append(irq.index)
        free_irq(irq)

    pf.tracker.free_irq = spy  # type: ignore[method-assign]  # a spy
    vsi = Vsi(pf, VsiType.PF)
    assert vsi.setup() == -errno.ENOMEM
    assert (freed, vsi.num_q_vectors, vsi.q_vectors) == ([1, 0], 0, [None] * 4)
    vsi.irq_dyn_alloc = True
    assert vsi.setup() == 0
    assert [vector.reg_idx for vector in vectors(vsi)] == [0, 1, 2, 3]


def test_v3_no_memory_for_the_first() -> None:
    def out_of_memory(_v_idx: int) -> QVector:
        raise MemoryError

    pf = make_pf(new_q_vector=out_of_memory)
    assert Vsi(pf, VsiType.PF).setup() == -errno.ENOMEM
    assert held(pf) == (0, 0, 0, 0)


def test_v4_a_vfs_vectors_are_the_vfs_own() -> None:
    pf = make_pf()
    vsi = Vsi(pf, VsiType.VF, vf=VfVectors(5, 100))
    assert vsi.setup() == 0
    assert [(v.reg_idx, v.vf_reg_idx, v.irq.index, v.napi) for v in vectors(vsi)] == [
        (101 + n, n + 1, -errno.ENOENT, None) for n in range(4)
    ]
    assert not pf.tracker.entries
    vsi.release()
    assert held(pf) == (0, 0, 0, 0)


def test_v5_vf_control_vsis_share_one_interrupt() -> None:
    pf = make_pf()
    controls = [Vsi(pf, VsiType.CTRL, vf=VfVectors(5, 100 + n)) for n in range(3)]
    assert [vsi.setup() for vsi in controls] == [0, 0, 0]
    assert len({vectors(vsi)[0].irq for vsi in controls}) == len(pf.tracker.entries) == 1
    for vsi, left in zip(controls, (1, 1, 0), strict=True):
        vsi.release()
        assert len(pf.tracker.entries) == left


def test_v6_a_control_vsi_without_vectors_cannot_share() -> None:
    pf = make_pf()
    first, second = (Vsi(pf, VsiType.CTRL, vf=VfVectors(5, 100 + n)) for n in range(2))
    assert first.setup() == 0
    first.q_vectors.clear()
    assert second.setup() == -errno.ENOENT


def test_v7_an_offline_cpu_gives_no_affinity() -> None:
    pf = make_pf(cpus=4)
    pf.online_cpus = frozenset({0, 2})
    vsi = Vsi(pf, VsiType.PF)
    vsi.setup()
    assert [vector.affinity for vector in vectors(vsi)] == [{0}, set(), {2}, set()]


def test_v8_napi_comes_with_the_netdev() -> None:
    vsi = Vsi(make_pf(), VsiType.PF)
    vsi.setup()
    assert all(vector.napi is None for vector in vectors(vsi))
    vsi.attach_netdev("eth0")
    assert all(vector.napi is not None for vector in vectors(vsi))
    vsi.release()
    vsi.setup()
    assert all(vector.napi is not None for vector in vectors(vsi))


def test_v9_freeing_detaches_the_rings() -> None:
    vsi = Vsi(make_pf(), VsiType.PF)
    vsi.setup()
    vector = vectors(vsi)[0]
    rings = [RingStub() for _ in range(3)]
    for ring in rings:
        vector.rx_container.attach(ring, vector)
    assert vector.rx == rings[::-1]
    assert all(ring.q_vector is vector for ring in rings)
    free_q_vector(vsi, 0)
    assert not vector.rx
    assert all(ring.q_vector is None for ring in rings)
    free_q_vector(vsi, 0)  # an empty slot is nothing to complain about


def test_v10_affinity_follows_the_system() -> None:
    vsi = Vsi(make_pf(), VsiType.PF)
    vsi.setup()
    vectors(vsi)[1].affinity_notify(frozenset({3}))
    assert vectors(vsi)[1].affinity == {3}


def test_v11_a_refused_irq_undoes_the_ones_before_with_the_same_vector() -> None:
    vsi = Vsi(make_pf(), VsiType.PF)
    vsi.setup()
    released: list[QVector] = []
    err = request_irqs(
        vsi.live_q_vectors, lambda _name, v: -errno.EBUSY if v.v_idx == 3 else 0, released.append, "ixlab", "eth0"
    )
    assert err == -errno.EBUSY
    assert released == vectors(vsi)[2::-1]
    assert all(vector.name == "" for vector in vectors(vsi))
    assert all(not vector.affinity for vector in vectors(vsi)[:3])


def test_v12_names_say_what_a_vector_serves() -> None:
    vsi = Vsi(make_pf(), VsiType.PF, req_txq=4, req_rxq=3)
    vsi.setup()
    third, fourth = vectors(vsi)[2:]
    third.tx_container.queues.clear()
    assert not fourth.rx_container.queues
    requested: list[str] = []

    def request(name: str, _vector: QVector) -> int:
        requested.append(name)
        return 0

    assert request_irqs(vsi.live_q_vectors, request, lambda _v: None, "ixlab", "eth0") == 0
    assert requested == ["ixlab-eth0-TxRx-0", "ixlab-eth0-TxRx-1", "ixlab-eth0-rx-0", "ixlab-eth0-tx-0"]
    fourth.tx_container.queues.clear()
    requested.clear()
    request_irqs(vsi.live_q_vectors, request, lambda _v: None, "ixlab", "eth0")
    assert len(requested) == 3


@pytest.mark.parametrize(
    ("rings", "count", "sizes"),
    [(5, 3, [2, 2, 1]), (16, 5, [4, 3, 3, 3, 3]), (3, 4, [1, 1, 1, 0]), (7, 4, [2, 2, 2, 1]), (300, 1, [300])],
)
def test_rings_are_shared_out_rounded_up(rings: int, count: int, sizes: list[int]) -> None:
    assert [len(run) for run in share(rings, count)] == sizes


def test_every_ring_is_served_once_in_runs_that_differ_by_one() -> None:
    for rings in range(40):
        for count in range(1, 20):
            runs = share(rings, count)
            sizes = [len(run) for run in runs]
            assert [ring for run in runs for ring in run] == list(range(rings))
            assert sizes == sorted(sizes, reverse=True)
            assert sizes[0] - sizes[-1] <= 1


def test_register_image_of_five_rings_on_three_vectors() -> None:
    pf = make_pf(static=3)
    vsi = Vsi(pf, VsiType.PF, req_txq=5, req_rxq=5)
    vsi.setup()
    hw = Hw()
    vsi.cfg_msix(hw)
    assert [(queue, vector) for queue, vector, _ in hw.rx] == [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2)]
    assert {itr for _, _, itr in hw.rx} == {ItrIndex.RX}
    assert {itr for _, _, itr in hw.tx} == {ItrIndex.TX}
    assert hw.itr == [(itr, vector, 50) for vector in range(3) for itr in (ItrIndex.RX, ItrIndex.TX)]
    assert hw.intrl == [(vector, 65) for vector in range(3)]  # dynamic forces 4 us


def test_a_vector_without_rx_rings_gets_no_rx_interval_and_static_its_own_limit() -> None:
    vsi = Vsi(make_pf(), VsiType.PF, req_txq=4, req_rxq=3)
    vsi.setup()
    vector = vectors(vsi)[3]
    vector.intrl_us = 20
    for container in vector.containers:
        container.itr_mode = ItrMode.STATIC
    hw = Hw()
    vector.cfg_itr(hw)
    assert hw.itr == [(ItrIndex.TX, 3, 50)]
    assert hw.intrl == [(3, 64 + 5)]


def test_dim_writes_one_register_per_changed_container() -> None:
    vsi = Vsi(make_pf(), VsiType.PF)
    vsi.setup()
    vector, hw = vectors(vsi)[2], Hw()
    vector.init_moderation(hw)
    assert hw.itr == [(ItrIndex.RX, 2, 8), (ItrIndex.TX, 2, 8)]
    vector.tx_container.itr_mode = ItrMode.STATIC
    for container in vector.containers:
        container.attach(RingStub(), vector)
    hw.itr.clear()
    vector.net_dim(hw, 1000, lambda _ring: (0, 0))
    vector.total_events += 64
    vector.net_dim(hw, 2000, lambda _ring: (100, 10_000))
    assert hw.itr == [(ItrIndex.RX, 2, 2)]
    vector.net_dim(hw, 2500, lambda _ring: (100, 10_000))
    assert len(hw.itr) == 1


def test_a_vector_with_rings_of_xdp_only_is_moderated() -> None:
    vector, hw = QVector(5), Hw()
    vector.reg_idx, vector.xdp_queues = 5, [9]
    vector.init_moderation(hw)
    assert hw.itr == [(ItrIndex.TX, 5, 8)]


def test_a_container_that_carries_nothing_has_no_say_until_it_does() -> None:
    vsi = Vsi(make_pf(), VsiType.PF)
    vsi.setup()
    vector, hw = vectors(vsi)[2], Hw()
    vector.init_moderation(hw)
    for container in vector.containers:
        container.attach(RingStub(), vector)
    hw.itr.clear()
    load = {ItrIndex.RX: 0, ItrIndex.TX: 0}

    def decide(n: int, rx: int, tx: int) -> None:
        load[ItrIndex.RX] += rx
        load[ItrIndex.TX] += tx
        vector.total_events += 64
        rx_ring = vector.rx[0]
        vector.net_dim(hw, n * 4000, lambda ring: (load[ItrIndex.RX if ring is rx_ring else ItrIndex.TX], 0))

    vector.net_dim(hw, 0, lambda _ring: (0, 0))
    decide(1, rx=1000, tx=0)
    assert hw.let_go == [(ItrIndex.TX, 2)]
    decide(2, rx=1000, tx=0)
    assert len(hw.let_go) == 1  # it is gone already
    assert {itr_idx for itr_idx, _, _ in hw.itr} <= {ItrIndex.RX}
    decide(3, rx=1000, tx=1000)
    assert hw.itr[-1][0] is ItrIndex.TX


@pytest.mark.parametrize(
    ("kind", "options", "expect"),
    [
        (VsiType.PF, {}, (4, 4, 4)),
        (VsiType.PF, {"req_txq": 6, "req_rxq": 2}, (6, 2, 6)),
        (VsiType.VF, {"vf": VfVectors(17, 40)}, (16, 16, 16)),
        (VsiType.CTRL, {}, (1, 1, 1)),
        (VsiType.SF, {}, (1, 1, 1)),
        (VsiType.LB, {}, (1, 1, 0)),
        (VsiType.CHNL, {"channel": 1}, (0, 0, 0)),
    ],
)
def test_queue_and_vector_counts(kind: VsiType, options: dict[str, object], expect: tuple[int, int, int]) -> None:
    vsi = Vsi(make_pf(), kind, **options)  # type: ignore[arg-type]  # forwarded as they are
    assert vsi.setup() == 0
    assert (vsi.num_txq, vsi.num_rxq, vsi.num_q_vectors) == expect


def test_kinds_that_cannot_be() -> None:
    assert Vsi(make_pf(), VsiType.CHNL).setup() == -errno.EINVAL
    assert Vsi(make_pf(), 77).setup() == -errno.ENODEV
    no_rss = make_pf()
    no_rss.rss = False
    vsi = Vsi(no_rss, VsiType.PF)
    assert vsi.setup() == 0
    assert vsi.num_rxq == 1


def test_queues_scatter_when_no_run_is_left_and_roll_back() -> None:
    pool = QueuePool(8)
    pool.taken = {1, 3, 5}
    assert pool.get(2) == [6, 7]
    assert pool.get(3) == [0, 2, 4]
    assert pool.get(1) == -errno.ENOMEM
    assert pool.taken == set(range(8))
    big = QueuePool(64)
    big.taken = set(range(0, 64, 2))
    got = big.get(20)
    assert isinstance(got, list)
    assert len(got) == 16


def test_rx_queues_missing_gives_the_tx_queues_back() -> None:
    pf = make_pf()
    pf.rxqs.taken = set(range(16))
    assert Vsi(pf, VsiType.PF, req_rxq=4, req_xdp=3).setup() == -errno.ENOMEM
    assert not pf.txqs.taken


def test_xdp_queues_missing_gives_the_tx_queues_back() -> None:
    pf = make_pf(queues=6)
    pf.txqs.taken = {5}
    assert Vsi(pf, VsiType.PF, req_txq=4, req_rxq=4, req_xdp=2).setup() == -errno.ENOMEM
    assert pf.txqs.taken == {5}
    assert not pf.rxqs.taken


def test_xdp_queues_lie_above_the_others_and_are_cut_into_runs() -> None:
    pf = make_pf()
    vsi = Vsi(pf, VsiType.PF, req_txq=3, req_rxq=3, req_xdp=4)
    assert vsi.setup() == 0
    assert (vsi.txq_map, vsi.xdp_map) == ([0, 1, 2], [3, 4, 5, 6])
    assert [vector.xdp_queues for vector in vectors(vsi)] == [[3, 4], [5], [6]]
    hw = Hw()
    vsi.cfg_msix(hw)
    assert [(queue, vector) for queue, vector, _ in hw.tx] == [(0, 0), (3, 0), (4, 0), (1, 1), (5, 1), (2, 2), (6, 2)]
    vsi.release()
    assert held(pf) == (0, 0, 0, 0)


def test_a_vector_of_xdp_rings_alone_is_moderated_and_named_as_a_sender() -> None:
    vector, hw = QVector(0), Hw()
    assert irq_name("ixlab", "eth0", vector, {}) == ""
    vector.xdp_queues[:] = [5]
    assert irq_name("ixlab", "eth0", vector, {}) == "ixlab-eth0-tx-0"
    vector.cfg_itr(hw)
    assert [itr for itr, _, _ in hw.itr] == [ItrIndex.TX]


def test_interrupts_are_those_of_who_polls_and_who_reads() -> None:
    vector = QVector(0)
    vector.told = 2
    assert vector.irqs == 2

    class Poll:
        def stats(self) -> dict[str, int]:
            return {"irqs": 40, "polls": 50}

    vector.polling = Poll()
    assert vector.irqs == 42


def test_v8_says_when_napi_was_added() -> None:
    vsi = Vsi(make_pf(), VsiType.PF)
    vsi.setup()
    vsi.attach_netdev("eth0")
    assert {vector.napi_when for vector in vectors(vsi)} == {"by the later load"}
    vsi.release()
    vsi.setup()
    assert {vector.napi_when for vector in vectors(vsi)} == {"with the vector"}


def test_after_any_failure_nothing_is_held() -> None:
    """Fail the k-th call of every kind that can fail, for every k a good run makes."""

    def run(fail: int | None) -> tuple[int, int, Pf]:
        calls = 0

        def once(make: Callable[[], T]) -> T:
            nonlocal calls
            calls += 1
            if calls - 1 == fail:
                raise MemoryError
            return make()

        pf = make_pf(
            new_entry=lambda: once(IrqEntry),
            new_q_vector=lambda v_idx: once(lambda: QVector(v_idx)),
        )
        return Vsi(pf, VsiType.PF).setup(), calls, pf

    err, total, _ = run(None)
    assert err == 0
    assert total == 8
    for fail in range(total):
        err, _, pf = run(fail)
        assert err == -errno.ENOMEM
        assert held(pf) == (0, 0, 0, 0)


def test_the_walk_of_a_container_can_be_replaced() -> None:
    dim = Dim((1, 2, 3, 4, 5))
    assert not dim.sample(DimSample(0, 0, 0, 0))
    assert dim.itr_us == 2
