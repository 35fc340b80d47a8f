# SPDX-License-Identifier: BSD-3-Clause
"""The branches of ``ice_vsi_alloc_q_vector`` and ``ice_alloc_irq`` as the note prints them, on what driver/core has."""

import errno
from collections.abc import Callable
from dataclasses import dataclass

from device.i82599.card import Card
from driver.core.irq import IrqEntry, IrqTracker
from driver.core.msix import DoorMsix
from driver.core.queues import QueuePool
from driver.core.qvector import QVector
from driver.core.vf_vectors import VfVectors
from driver.core.vsi import Pf, Vsi, VsiType, alloc_q_vectors
from driver.errors import errno_name
from tests.rigs.branches import NAME, watched
from tests.rigs.msix import FakeMsix
from tests.rigs.pair_door import PairDoor

STATIC, TABLE, QUEUES, CPUS = 4, 8, 16, 4


@dataclass(frozen=True)
class IceSeen:
    """What a branch gave.

    Attributes:
        errno: What it returned, by name; "0" if it went on.
        said: What was logged, or what the vectors are.
        held: Vectors that are held afterwards.
    """

    errno: str
    said: str
    held: tuple[int, ...]


@dataclass(frozen=True)
class IceScenario:
    """One branch.

    Attributes:
        branch: As the note has it.
        label: Where the kernel goes then.
        cause: What reaches it.
        run: Does it.
    """

    branch: str
    label: str
    cause: str
    run: Callable[[], IceSeen]


def _no_memory(*_args: object) -> QVector:
    raise MemoryError


def _no_entry() -> IrqEntry:
    raise MemoryError


def _pf(
    *,
    static: int = STATIC,
    dyn: bool = True,
    new_entry: Callable[[], IrqEntry] = IrqEntry,
    new_q_vector: Callable[[int], QVector] = QVector,
) -> tuple[Pf, FakeMsix]:
    backend = FakeMsix(TABLE, can_alloc_dyn=dyn)
    backend.enable(static, static)
    tracker = IrqTracker(backend, static, new_entry=new_entry)
    online = frozenset(range(CPUS))
    pools = QueuePool(QUEUES), QueuePool(QUEUES)
    return Pf(tracker, *pools, STATIC, cpus=CPUS, online_cpus=online, new_q_vector=new_q_vector), backend


def _name(code: int) -> str:
    return f"-{errno_name(-code)}" if code < 0 else "0"


def _setup(pf: Pf, vsi: Vsi) -> IceSeen:
    with watched() as watch:
        err = vsi.setup()
    said = "; ".join(watch.warnings) or "; ".join(
        f"q_vector {vector.v_idx}: reg_idx {vector.reg_idx}, irq {vector.irq.index}, "
        f"CPUs {sorted(vector.affinity)}, NAPI {'added' if vector.napi is not None else 'not yet'}"
        for vector in vsi.live_q_vectors
    )
    return IceSeen(_name(err), said, tuple(sorted(pf.tracker.entries)))


def _alloc_irqs(pf: Pf, times: int) -> IceSeen:
    with watched() as watch:
        irqs = [pf.tracker.alloc_irq(True) for _ in range(times)]
    said = "; ".join(watch.warnings) or f"indices {[irq.index for irq in irqs]}"
    return IceSeen(_name(min(irqs[-1].index, 0)), said, tuple(sorted(pf.tracker.entries)))


def _of_pf(**options: object) -> Callable[[], IceSeen]:
    def run() -> IceSeen:
        pf, _ = _pf(**options)  # type: ignore[arg-type]  # a table of options
        return _setup(pf, Vsi(pf, VsiType.PF, req_txq=2, req_rxq=2))

    return run


def _vf() -> VfVectors:
    return VfVectors(count=3, first=60)


def _vf_vsi() -> IceSeen:
    pf, _ = _pf()
    return _setup(pf, Vsi(pf, VsiType.VF, vf=_vf()))


def _ctrl(*, owner_has_vectors: bool) -> Callable[[], IceSeen]:
    def run() -> IceSeen:
        pf, _ = _pf()
        first = Vsi(pf, VsiType.CTRL, vf=_vf())
        first.setup()
        if not owner_has_vectors:
            first.q_vectors.clear()
        return _setup(pf, Vsi(pf, VsiType.CTRL, vf=_vf()))

    return run


def _again() -> IceSeen:
    pf, _ = _pf()
    vsi = Vsi(pf, VsiType.PF, req_txq=2, req_rxq=2)
    vsi.setup()
    return IceSeen(_name(alloc_q_vectors(vsi)), "the vectors stay", tuple(sorted(pf.tracker.entries)))


def _offline() -> IceSeen:
    pf, _ = _pf()
    pf.online_cpus = frozenset({1})
    return _setup(pf, Vsi(pf, VsiType.PF, req_txq=2, req_rxq=2))


def _with_netdev() -> IceSeen:
    pf, _ = _pf()
    return _setup(pf, Vsi(pf, VsiType.PF, req_txq=1, req_rxq=1, netdev=object()))


def _exhausted() -> IceSeen:
    pf, _ = _pf(dyn=False)
    return _alloc_irqs(pf, STATIC + 1)


def _sriov() -> IceSeen:
    pf, _ = _pf()
    pf.tracker.sriov_base_vector = STATIC + 1
    return _alloc_irqs(pf, STATIC + 2)


def _backend_fails() -> IceSeen:
    pf, backend = _pf()
    backend.fail_at[STATIC] = -errno.ENOSPC
    return _alloc_irqs(pf, STATIC + 1)


def _live(fault: str) -> IceSeen:
    """Vectors of a live device, armed one at a time; the second one that is added gets through."""
    with Card() as nic:
        door = PairDoor(nic, NAME)
        backend = DoorMsix(door)
        backend.enable(STATIC, STATIC)
        tracker = IrqTracker(backend, STATIC)
        nic.faults.inject(fault)
        with watched() as watch:
            irqs = [tracker.alloc_irq(True) for _ in range(STATIC + 2)]
        held = tuple(sorted(tracker.entries))
        for irq in irqs:
            if irq.index >= 0:
                tracker.free_irq(irq)
        backend.disable()
        door.close()
    refused = min(irq.index for irq in irqs)
    return IceSeen(_name(refused), "; ".join((*watch.warnings, f"indices {[irq.index for irq in irqs]}")), held)


def _dynamic() -> IceSeen:
    pf, _ = _pf()
    return _alloc_irqs(pf, STATIC + 2)


def _static() -> IceSeen:
    pf, _ = _pf()
    return _alloc_irqs(pf, 2)


Q_VECTOR: tuple[IceScenario, ...] = (
    IceScenario("kzalloc fails", "return -ENOMEM", "no memory", _of_pf(new_q_vector=_no_memory)),
    IceScenario("vsi->type == ICE_VSI_VF", "goto out", "a VF's VSI", _vf_vsi),
    IceScenario(
        "ICE_VSI_CTRL with vf, the other CTRL VSI has vectors",
        "goto skip_alloc",
        "a second CTRL VSI",
        _ctrl(owner_has_vectors=True),
    ),
    IceScenario(
        "ICE_VSI_CTRL with vf, !ctrl_vsi->q_vectors",
        "goto err_free_q_vector",
        "a second CTRL VSI whose first has none",
        _ctrl(owner_has_vectors=False),
    ),
    IceScenario(
        "q_vector->irq.index < 0",
        "goto err_free_q_vector",
        "one static vector, two wanted",
        _of_pf(static=1, dyn=False),
    ),
    IceScenario("!cpu_online(v_idx)", "affinity_mask stays empty", "CPU 0 is offline", _offline),
    IceScenario("vsi->netdev", "netif_napi_add", "an interface that is there already", _with_netdev),
    IceScenario("!vsi->netdev", "NAPI is added by the later load", "a load", _of_pf()),
    IceScenario("q_vectors[0] is there (ice_vsi_alloc_q_vectors)", "return -EEXIST", "a second call", _again),
)

ALLOC_IRQ: tuple[IceScenario, ...] = (
    IceScenario(
        "!entry: kzalloc fails",
        "return map (-ENOENT)",
        "no memory",
        lambda: _alloc_irqs(_pf(new_entry=_no_entry)[0], 1),
    ),
    IceScenario("!entry: the tracker is full", "return map (-ENOENT)", "one more than there are", _exhausted),
    IceScenario(
        "sriov_base_vector && entry->index >= sriov_base_vector", "goto exit_free_res", "VFs have the rest", _sriov
    ),
    IceScenario(
        "pci_msix_alloc_irq_at fails", "goto exit_free_res", "the backend has no more (-ENOSPC)", _backend_fails
    ),
    IceScenario(
        "the same, on a live device",
        "goto exit_free_res",
        "--fault set-irqs-refused=1, once four are armed",
        lambda: _live("set-irqs-refused=1"),
    ),
    IceScenario(
        "pci_msix_can_alloc_dyn && entry->dynamic", "map = pci_msix_alloc_irq_at", "one past the static ones", _dynamic
    ),
    IceScenario("else: a static entry", "map.virq = pci_irq_vector", "one of the static ones", _static),
)
