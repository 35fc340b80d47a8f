# SPDX-License-Identifier: BSD-3-Clause
"""Who has which vector of a NIC, what fired, and vectors that somebody adds and frees while it runs.

Every figure is read from the live objects: the tracker, the q_vectors, and the kernel's own count of each eventfd.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from driver.core.cpus import NO_NODE, numbers
from driver.core.irq import IrqTracker, MsiMap, MsixBackend
from driver.core.vf_vectors import VfVectors
from driver.core.vsi import Vsi, VsiType
from driver.doors.door import Door, IrqKind
from driver.errors import DriverError

FDINFO = Path("/proc/self/fdinfo")


class Vectors(Protocol):
    """The interrupts of a NIC.

    Attributes:
        kind: What was taken; None: nothing.
        backend: Where single interrupts come from.
        vsis: Who has queues and vectors.
        other: The interrupt of everything but queues.
        other_told: How often it fired, as far as somebody took note.
        by_hand: Vectors added here, by index.
        notes: What to say of a kind of VSI, or of something that this chip does not have.
    """

    door: Door
    kind: IrqKind | None
    backend: MsixBackend | None
    vsis: list[Vsi]
    other: MsiMap
    other_told: int
    by_hand: dict[int, MsiMap]
    notes: Mapping[str, str]

    @property
    def tracker(self) -> IrqTracker | None:
        """Who has which vector; None without an MSI-X table."""

    @property
    def vfs(self) -> Sequence[VfVectors]:
        """Parts of the table that are kept for VFs."""


def waiting(irq_fd: int) -> int:
    """How often an eventfd fired since it was read last; it is not read by this."""
    with suppress(OSError):
        for line in (FDINFO / str(irq_fd)).read_text().splitlines():
            if line.startswith("eventfd-count:"):
                return int(line.split()[1], 16)
    return 0


class IrqTable:
    """The vectors of a NIC.

    Args:
        vectors: Its interrupts, as they are at each call.
        trigger: Makes a vector of this number fire.
    """

    def __init__(self, vectors: Vectors, trigger: Callable[[int], None]) -> None:
        self._vectors = vectors
        self._trigger = trigger

    # ---- what there is ---------------------------------------------------------------------------------------------

    def table(self) -> dict[str, Any]:
        """Every vector in use, idle or kept for somebody, and every VSI."""
        vectors, tracker = self._vectors, self._vectors.tracker
        kind = vectors.kind.name if vectors.kind is not None else "none"
        if tracker is None:
            fired = vectors.other_told + waiting(vectors.other.irq_fd)
            only = {"index": 0, "kind": kind, "owner": "everything", "fired": fired}
            rows = [only] if vectors.kind is not None else []
            return {"interrupts": kind, "vectors": rows, "vsis": list(self._vsis()), "absent": self._absent()}
        owners = self._owners()
        places = {q.irq.index: q for vsi in vectors.vsis for q in vsi.live_q_vectors if q.irq.index >= 0}
        used = sorted({*range(tracker.num_static), *tracker.entries, *owners})
        reserved = tracker.sriov_base_vector
        top = reserved or tracker.num_entries
        return {
            "interrupts": kind,
            "table_len": tracker.backend.table_len,
            "static": tracker.num_static,
            "dynamic": tracker.backend.can_alloc_dyn,
            "policy": tracker.policy.value,
            "reserved_from": reserved,
            "free": numbers([index for index in range(top) if index not in owners]),
            "vectors": [
                {
                    "index": index,
                    "kind": self._kind(tracker, index),
                    "owner": owners.get(index, ""),
                    "cpus": numbers(sorted(places[index].affinity)) if index in places else "",
                    "node": places[index].numa_node if index in places else NO_NODE,
                    "fired": self._fired(tracker, index),
                }
                for index in used
            ],
            "vsis": list(self._vsis()),
            "absent": self._absent(),
        }

    def _kind(self, tracker: IrqTracker, index: int) -> str:
        if tracker.is_reserved(index):
            return "reserved"
        return "static" if index < tracker.num_static else "dynamic"

    def _fired(self, tracker: IrqTracker, index: int) -> int:
        """What was taken note of, and what waits in the eventfd."""
        vectors = self._vectors
        told = vectors.other_told if index == vectors.other.index else 0
        told += sum(q.irqs for vsi in vectors.vsis for q in vsi.live_q_vectors if q.irq.index == index)
        irq_fd = tracker.backend.irq_fd(index)
        return told + (waiting(irq_fd) if irq_fd >= 0 else 0)

    def _owners(self) -> dict[int, str]:
        vectors = self._vectors
        found = dict.fromkeys(vectors.by_hand, "added by hand")
        for number, vf in enumerate(vectors.vfs):
            found[vf.first] = f"VF {number} mailbox"
            found.update({vf.reg_idx(v_idx): f"VF {number} q_vector {v_idx}" for v_idx in range(vf.count - 1)})
        for vsi in vectors.vsis:
            for q_vector in vsi.live_q_vectors:
                if q_vector.irq.index >= 0:
                    name = f" ({q_vector.name})" if q_vector.name else ""
                    found[q_vector.irq.index] = f"{_title(vsi)} q_vector {q_vector.v_idx}{name}"
        if vectors.other.index >= 0:
            found[vectors.other.index] = "other"
        return found

    def _vsis(self) -> Iterator[dict[str, str]]:
        order: dict[str, int] = {}
        for vsi in self._vectors.vsis:
            title = _title(vsi)
            if vsi.is_vf:
                order[title] = order.get(title, -1) + 1
                title = f"{title} {order[title]}"
            q_vectors = list(vsi.live_q_vectors)
            yield {
                "vsi": title,
                "rx": numbers(vsi.rxq_map),
                "tx": numbers(vsi.txq_map),
                "xdp": numbers(vsi.xdp_map),
                "reg_idx": numbers([q_vector.reg_idx for q_vector in q_vectors]),
                "napi": ", ".join(sorted({q_vector.napi_when for q_vector in q_vectors} - {""})) or "none",
                "note": self._vectors.notes.get(_title(vsi), ""),
            }

    def _absent(self) -> dict[str, str]:
        there = {_title(vsi) for vsi in self._vectors.vsis}
        return {name: note for name, note in self._vectors.notes.items() if "has none" in note and name not in there}

    # ---- by hand ---------------------------------------------------------------------------------------------------

    def _need(self) -> IrqTracker:
        tracker = self._vectors.tracker
        if tracker is None:
            kind = self._vectors.kind.name if self._vectors.kind is not None else "no interrupts"
            raise DriverError(f"{self._vectors.door.name} has {kind}: only MSI-X has a table of vectors")
        return tracker

    def add(self, index: int | None = None) -> int:
        """Arm one vector more, that one or the first that the tracker has; return its index.

        Raises:
            DriverError: There is no such vector, it is somebody's, or it cannot be armed now; nothing changed.
        """
        tracker, name = self._need(), self._vectors.door.name
        if index is not None:
            self._may_add(tracker, index)
        irq = tracker.alloc_irq(tracker.backend.can_alloc_dyn) if index is None else tracker.alloc_irq_at(index)
        if irq.index < 0:
            which = "no vector can be armed" if index is None else f"vector {index} cannot be armed"
            last = tracker.sriov_base_vector or tracker.num_entries
            free = numbers([n for n in range(last) if n not in tracker.entries]) or "none"
            failure = DriverError(f"{name}: {which}: {os.strerror(-irq.index)}; free now: {free}")
            raise failure.with_errno(-irq.index)
        self._vectors.by_hand[irq.index] = irq
        return irq.index

    def _may_add(self, tracker: IrqTracker, index: int) -> None:
        name, table = self._vectors.door.name, tracker.backend.table_len
        if not 0 <= index < table:
            raise DriverError(f"{name}: vector {index} is beyond the table, which has 0 to {table - 1}")
        if tracker.is_reserved(index):
            base = tracker.sriov_base_vector
            raise DriverError(f"{name}: vector {index} is kept for VFs, which have {base} to {table - 1}")
        if index in tracker.entries:
            raise DriverError(f"{name}: vector {index} is taken: {self._owners().get(index, 'somebody has it')}")
        if index >= tracker.num_static and not tracker.backend.can_alloc_dyn:
            raise DriverError(
                f"{name}: vector {index} cannot be added while others run: VFIO says NORESIZE of MSI-X here; "
                f"0 to {tracker.num_static - 1} were enabled at the start (--vectors N enables more)"
            )

    def free(self, index: int) -> int:
        """Give back a vector that ``add`` took; return its index.

        Raises:
            DriverError: It is not in use, or is none that was added; nothing changed.
        """
        tracker, name = self._need(), self._vectors.door.name
        irq = self._vectors.by_hand.get(index)
        if irq is None:
            owner = self._owners().get(index)
            if owner is None:
                raise DriverError(f"{name}: vector {index} is not in use; added by hand: {self._added()}")
            kind = self._kind(tracker, index)
            raise DriverError(
                f"{name}: vector {index} is {kind}: {owner}; only those added by hand are freed: {self._added()}"
            )
        tracker.free_irq(irq)
        del self._vectors.by_hand[index]
        return index

    def _added(self) -> str:
        return numbers(list(self._vectors.by_hand)) or "none"

    def fire(self, index: int) -> int:
        """Let the NIC fire a vector that somebody has; return how often that one has fired before.

        Raises:
            DriverError: Nobody has it, or the port is down.
        """
        tracker, name = self._need(), self._vectors.door.name
        if index not in tracker.entries:
            raise DriverError(f"{name}: vector {index} is not in use: nobody would hear it")
        before = self._fired(tracker, index)
        self._trigger(index)
        return before


def _title(vsi: Vsi) -> str:
    return VsiType(vsi.kind).name
