# SPDX-License-Identifier: BSD-3-Clause
"""How many vectors to ask for, and what people are told of those that came.

Ref: ixgbe_acquire_msix_vectors, ixgbe_set_interrupt_capability.
"""

import errno
import logging
import os
from collections.abc import Sequence

from driver.core.cpus import online_cpus
from driver.core.qvector import QVector
from driver.core.vector_options import VectorOptions
from driver.doors.door import Door, IrqKind
from driver.errors import ProbeError
from driver.ixgbe.sw_init import MAX_MSIX_VECTORS, NON_Q_VECTORS

log = logging.getLogger(__name__)

SHOWN = 4


def asked_by_hand(door: Door, asked: int) -> int:
    """As many MSI-X vectors as the user asks for.

    Raises:
        ProbeError: EINVAL, none or more than the table has.
    """
    table = door.irq_count(IrqKind.MSIX)
    if not 1 <= asked <= table:
        advice = f"give 1 to {table}" if table else "leave --vectors out"
        raise ProbeError(
            errno.EINVAL, f"{door.name}: {asked} vectors were asked for, and its MSI-X table has {table}: {advice}"
        )
    return min(asked, MAX_MSIX_VECTORS)


def vectors_to_ask_for(door: Door, wanted: VectorOptions, cpus: int, queues: int, xdp_rings: int) -> int:
    """A vector for each ring of the way that has most of them, but no more than CPUs, and one for all else.

    Who asks for queues and does not say how many CPUs to reckon with gets a vector for each of them, CPU or not.

    Args:
        door: Whose vectors.
        wanted: What the user decided.
        cpus: Online CPUs.
        queues: Rx rings, and as many Tx rings.
        xdp_rings: Tx rings for XDP.

    Raises:
        ProbeError: EINVAL, the user wants none or more than the table has.
    """
    if wanted.vectors is not None:
        return asked_by_hand(door, wanted.vectors)
    limit = wanted.cpus or max(cpus, queues)
    return min(min(max(queues, xdp_rings), limit) + NON_Q_VECTORS, MAX_MSIX_VECTORS)


def tell_without(door: Door, kind: IrqKind, err: int, queues: int) -> None:
    """Say what goes without this kind of interrupt: a warning, unless the function does not offer it at all.

    Linux names DCB and SR-IOV too: this driver has neither to lose.

    Args:
        door: Whose interrupts.
        kind: What could not be had.
        err: Why, a negative errno.
        queues: Queue pairs that were asked for.
    """
    name, why = door.name, os.strerror(-err)
    level = logging.WARNING if door.irq_count(kind) else logging.INFO
    if kind is IrqKind.MSIX:
        log.log(level, "%s: no MSI-X interrupts can be had: %s", name, why)
        if queues > 1:
            log.log(level, "%s: without them RSS is off: one queue pair", name)
    elif kind is IrqKind.MSI:
        log.log(level, "%s: no MSI interrupt can be had either: %s; INTx is left", name, why)
    else:
        log.log(level, "%s: no %s interrupt can be had: %s", name, kind.name, why)


def tell_homeless(name: str, wanted: VectorOptions, q_vectors: Sequence[QVector]) -> None:
    """Say which vectors have no CPU of their own because fewer are online than the user reckons with."""
    homeless = [str(vector.reg_idx) for vector in q_vectors if not vector.affinity]
    if homeless and wanted.cpus is not None:
        log.warning(
            "%s: %d CPUs were to be reckoned with, and %d are online: no CPU of their own for vectors %s",
            *(name, wanted.cpus, len(online_cpus()), ", ".join(homeless)),
        )


def show(q_vectors: Sequence[QVector]) -> str:
    """The rings of the first few vectors, for people."""

    def rings(vector: QVector) -> str:
        xdp = f" xdp {vector.xdp_queues}" if vector.xdp_queues else ""
        return f"{vector.reg_idx}: rx {vector.rx_container.queues} tx {vector.tx_container.queues}{xdp}"

    return ", ".join(map(rings, q_vectors[:SHOWN])) + (" …" if len(q_vectors) > SHOWN else "")
