# SPDX-License-Identifier: BSD-3-Clause
"""Interrupts in ice's way on this chip: a budget, a tracker, and VSIs that take their vectors from it.

Vector 0 serves everything but queues; the port's VSI takes the next ones, then a control VSI one.  What was enabled at
once is static; further vectors are added where the door can, and the top of the table may be kept for VFs.

Ref: ice_init_interrupt_scheme, ice_ena_msix_range, ice_req_irq_msix_misc, ice_vsi_setup, ice_set_per_vf_res.
"""

import errno
import logging
import os
from collections.abc import Mapping, Sequence

from driver.core.bar import Bar
from driver.core.irq import MIN_MSIX, Budget, IrqTracker, Policy, alloc_misc, vector_budget
from driver.core.msix import DoorMsix
from driver.core.queues import QueuePool
from driver.core.vector_options import Like, VectorOptions
from driver.core.vf_vectors import SriovVectors, VfVectors
from driver.core.vsi import Pf, Vsi, VsiType
from driver.doors.door import Door, IrqKind
from driver.errors import ProbeError
from driver.ixgbe import acquire
from driver.ixgbe.interrupts import HARDWARE_QUEUES, InterruptScheme
from driver.ixgbe.sw_init import QUEUES_MAX

log = logging.getLogger(__name__)


class IceScheme(InterruptScheme):
    """Interrupts of one port, ice's way; MSI-X or nothing.

    Attributes:
        budget: How the vectors were divided.
        sriov: The part of the table that is kept for VFs, if any was asked for.
    """

    budget: Budget | None = None
    sriov: SriovVectors | None = None

    notes: Mapping[str, str] = {
        "CTRL": "flow director's rules go through registers on this chip: its queue pair has no rings",
        "VF": "its window of vectors is kept for it; on this chip it has a table of its own, and its pool's queues",
        "LB": "this chip has none: its loopback is a bit of the MAC, and uses the port's rings",
        "CHNL": "this chip has none: it has no channels",
        "WB_ON_ITR": "this chip has none: descriptors are written back whether a vector is masked or not",
    }

    @property
    def vfs(self) -> Sequence[VfVectors]:
        """The windows of VFs."""
        return self.sriov.vfs if self.sriov is not None else ()

    def _set_capability(self, queues: int) -> int:
        """Enable what the budget wants, or what the system has of it; the number of vectors for queues.

        Raises:
            ProbeError: EIO, fewer than two vectors: ice has no other kind of interrupt to turn to.
        """
        backend = DoorMsix(self.door)
        budget = vector_budget(backend.table_len, self.cpus, flow_director=True)
        if isinstance(budget, int) or IrqKind.MSIX not in self.kinds:
            raise self._too_few(errno.ERANGE)
        wanted = budget.wanted
        if self.wanted.vectors is not None:
            wanted = min(wanted, acquire.asked_by_hand(self.door, self.wanted.vectors))
        granted = backend.enable(MIN_MSIX, wanted)
        if granted < 0:
            raise self._too_few(-granted)
        self.budget = budget.after_grant(granted)
        self.kind, self.backend, self.queues = IrqKind.MSIX, backend, queues
        return self.budget.lan

    def _too_few(self, code: int) -> ProbeError:
        return ProbeError(
            errno.EIO,
            f"{self.door.name}: in ice's way there are {MIN_MSIX} MSI-X vectors at least, and no other kind: "
            f"{os.strerror(code)} (of {errno.errorcode.get(code, code)} it makes ENOMEM, and its probe EIO); "
            "--vectors-like ixgbe does with less",
        )

    def _alloc(self, vectors: int) -> None:
        assert self.backend is not None
        assert self.budget is not None
        tracker = IrqTracker(self.backend, self.budget.wanted, policy=self.wanted.policy)
        self.all_irqs = tracker
        self.other = alloc_misc(tracker, lambda _irq: 0)
        if self.other.index < 0:
            raise ProbeError(-self.other.index, f"no vector left for other causes: {os.strerror(-self.other.index)}")
        pf = Pf(tracker, QueuePool(QUEUES_MAX), QueuePool(HARDWARE_QUEUES), vectors, cpus=self.cpus)
        # Of the older generation's VSIs only those that can do with nothing else take added vectors.
        dyn = self.backend.can_alloc_dyn and self.wanted.policy is Policy.V6_12
        queues = self.queues
        vsi = Vsi(
            pf, VsiType.PF, req_txq=queues, req_rxq=queues, req_xdp=self.xdp_rings, irq_dyn_alloc=dyn,
            netdev=self.netdev,
        )  # fmt: skip
        self._set_up(vsi)
        self.vsi = vsi
        ctrl = Vsi(pf, VsiType.CTRL, irq_dyn_alloc=dyn)
        if err := ctrl.setup():
            log.warning("%s: no control VSI: %s", self.door.name, os.strerror(-err))
        else:
            self.vsis.append(ctrl)
        if self.wanted.reserve_vfs:
            self._reserve(pf, self.wanted.reserve_vfs)

    def _reserve(self, pf: Pf, num_vfs: int) -> None:
        """Keep the top of the table for VFs; the tracker gives none of it away.

        Raises:
            ProbeError: With the errno of ice: ENOSPC, EINVAL or EAGAIN.
        """
        table = pf.tracker.backend.table_len
        sriov = SriovVectors(pf.tracker, table)
        used, free = pf.tracker.max_used + 1, pf.txqs.free
        if err := sriov.enable(num_vfs, free):
            raise ProbeError(
                -err,
                f"{self.door.name}: no room for {num_vfs} VFs: {os.strerror(-err)}: the table has {table} vectors, "
                f"{used} of them are the port's, and {free} queue pairs are free; a VF wants two and one",
            )
        self.sriov = sriov
        for vf in sriov.vfs:
            self._set_up(Vsi(pf, VsiType.VF, vf=vf))

    def _said(self, vectors: int, queues: int) -> str:
        assert self.budget is not None
        assert self.backend is not None
        more = "others can be added" if self.backend.can_alloc_dyn else "none can be added"
        xdp = f" and {self.xdp_rings} XDP rings" if self.xdp_rings else ""
        ctrl = "".join(f"; CTRL {q.reg_idx}" for vsi in self.vsis if vsi.is_ctrl for q in vsi.live_q_vectors)
        base = self.sriov.tracker.sriov_base_vector if self.sriov is not None else 0
        kept = f"; {base} to {self.backend.table_len - 1} are kept for {len(self.vfs)} VFs" if base else ""
        return (
            f"MSIX, ice's way ({self.wanted.policy.value}): {self.budget.wanted} static vectors of "
            f"{self.backend.table_len}, {more}; other 0; PF, {self.queues} ring pairs{xdp} on "
            f"{len(self.q_vectors)} of {vectors} ({acquire.show(self.q_vectors)}){ctrl}{kept}"
        )

    def clear(self) -> None:
        """Give every interrupt back, in reverse: the VFs' part, the VSIs, that of everything else."""
        while self.vsis and self.vsis[-1].is_vf:
            self.vsis.pop().release()
        if self.sriov is not None:
            self.sriov.disable()
            self.sriov = None
        super().clear()
        self.budget = None


def scheme_for(door: Door, bar: Bar, *, cpus: int, kinds: Sequence[IrqKind], wanted: VectorOptions) -> InterruptScheme:
    """The interrupt scheme that the user wants; arguments as its own."""
    make = IceScheme if wanted.like is Like.ICE else InterruptScheme
    return make(door, bar, cpus=cpus, kinds=kinds, wanted=wanted)
