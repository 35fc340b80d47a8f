# SPDX-License-Identifier: BSD-3-Clause
"""What a running driver tells of its vectors: a userspace driver's /proc/interrupts, and smp_affinity beside it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from driver.core.family import Nic
from driver.core.moderation import Moderation
from driver.core.napi import Napi, Poller
from driver.core.qvector import QVector
from driver.core.threads import check_cpus, parse_cpus, written_cpus
from driver.errors import DriverError

COUNTS = ("irqs", "events", "polls", "work", "tx_work", "budget_spent", "rearms")


def stats_of(napis: Sequence[Napi]) -> dict[str, int]:
    """Return what vectors did, by name and number, and what crossed the interface."""
    found: Counter[str] = Counter()
    for index, napi in enumerate(napis):
        found.update({f"vector_{index}_{name}": count for name, count in napi.stats().items()})
        found.update({f"netdev_{name}": count for name, count in napi.netdev_stats().items()})
    return dict(found)


def figures(
    nic: Nic,
    rows: Sequence[tuple[str, str, str, str]],
    poller: Poller | None,
    moderation: Moderation | None,
    past: Mapping[str, int],
    other_irqs: int,
) -> list[dict[str, Any]]:
    """Return a row for each vector.

    Args:
        nic: The NIC; its registers are read now.
        rows: Vector, interrupt, Rx and Tx queues of each: those with rings in order, then the other one, if any.
        poller: Who polls; nobody while the port is down.
        moderation: Who sets the intervals; nobody while it is down.
        past: What vectors did before the port was down last.
        other_irqs: Interrupts of the other vector.
    """
    live = nic.read_vectors([int(row[0]) for row in rows])
    napis = poller.napis if poller is not None else []
    found = []
    for index, row in enumerate(rows):
        told: dict[str, Any] = dict(zip(("vector", "interrupt", "rx_queues", "tx_queues"), row, strict=True))
        told.update(live[int(row[0])], reg_idx=int(row[0]))
        if index < len(nic.q_vectors):
            q_vector = nic.q_vectors[index]
            told.update(_of_rings(q_vector, poller, moderation))
            now = napis[index].stats() if napis else {}
            told.update({name: past.get(f"vector_{index}_{name}", 0) + now.get(name, 0) for name in COUNTS})
        else:
            told.update(v_idx=None, xdp_queues="", lro=False, set_by="static", affinity="", cpu="", not_pinned="")
            told.update(dict.fromkeys(COUNTS), irqs=other_irqs)
        found.append(told)
    return found


def _of_rings(q_vector: QVector, poller: Poller | None, moderation: Moderation | None) -> dict[str, Any]:
    pin = poller.pin(q_vector.v_idx) if poller is not None else None
    return {
        "v_idx": q_vector.v_idx,
        "tx_queues": " ".join(map(str, sorted(q_vector.tx_container.queues))),
        "xdp_queues": " ".join(map(str, sorted(q_vector.xdp_queues))),
        "lro": any(ring.lro for ring in q_vector.rx_container.rings),
        "set_by": moderation.who(q_vector.v_idx) if moderation is not None else "",
        "affinity": written_cpus(q_vector.affinity),
        "cpu": written_cpus(pin.cpus) if pin is not None else "",
        "not_pinned": _not_pinned(poller, pin.why_not if pin is not None else None),
    }


def _not_pinned(poller: Poller | None, why_not: str | None) -> str:
    if poller is None:
        return "the port is down"
    return "one thread polls all vectors" if why_not is None else why_not


def move(q_vectors: Sequence[QVector], poller: Poller | None, vector: str, cpus: str) -> dict[str, Any]:
    """Move vector ``vector`` to ``cpus``, and its thread, if it has one of its own; returns where they are.

    Raises:
        DriverError: There is no such vector with rings, or it cannot be served there; nothing was changed.
    """
    q_vector = next((one for one in q_vectors if str(one.reg_idx) == vector), None)
    if q_vector is None:
        known = ", ".join(str(one.reg_idx) for one in q_vectors)
        raise DriverError(f"no vector {vector} serves rings; those that do: {known or 'none'}")
    wanted = check_cpus(parse_cpus(cpus))
    q_vector.affinity_notify(wanted)
    pin = poller.pin(q_vector.v_idx) if poller is not None else None
    for napi in poller.napis if poller is not None else ():
        if napi.v_idx == q_vector.v_idx:
            napi.cpus = wanted
    if pin is not None:
        pin.move(wanted)
    return {
        "vector": q_vector.reg_idx,
        "affinity": written_cpus(q_vector.affinity),
        "cpu": written_cpus(pin.cpus) if pin is not None else "",
        "not_pinned": _not_pinned(poller, pin.why_not if pin is not None else None),
    }
