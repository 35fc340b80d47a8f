# SPDX-License-Identifier: BSD-3-Clause
"""Which CPU and which NUMA node a vector prefers.

Ref: Linux cpumask_local_spread, ice_vsi_alloc_q_vector.
"""

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

NO_NODE = -1
NODES = Path("/sys/devices/system/node")


def numbers(values: Iterable[int], separator: str = " ") -> str:
    """Numbers for people, runs of them in short: ``0-2 7``; empty for none."""
    runs: list[list[int]] = []
    for value in sorted(values):
        if runs and value == runs[-1][1] + 1:
            runs[-1][1] = value
        else:
            runs.append([value, value])
    return separator.join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a vector is to be served.

    Attributes:
        cpus: Its CPUs; empty: wherever the system likes.
        node: NUMA node of its memory; -1: any.
    """

    cpus: frozenset[int] = frozenset()
    node: int = NO_NODE


def online_cpus() -> frozenset[int]:
    """The CPUs that are online and that this process may use, whatever its threads are pinned to."""
    return frozenset(os.sched_getaffinity(os.getpid()))


def node_of(cpu: int, root: Path = NODES) -> int:
    """The NUMA node of a CPU; -1 where there are none."""
    for folder in sorted(root.glob("node[0-9]*")):
        if (folder / f"cpu{cpu}").exists():
            return int(folder.name.removeprefix("node"))
    return NO_NODE


def own_cpu(v_idx: int, online: Collection[int]) -> Place:
    """Vector n on CPU n, as ice has it; nowhere in particular if that CPU is offline or does not exist."""
    return Place(frozenset({v_idx})) if v_idx in online else Place()


def near_cpu(v_idx: int, near: int, online: Collection[int], root: Path = NODES) -> Place:
    """Vector n on the n-th CPU, counted from those of node ``near``; nowhere in particular if there are fewer.

    Args:
        v_idx: The vector's place among its q_vectors.
        near: The card's NUMA node; -1: it has none, and CPUs count by their numbers.
        online: CPUs that may be used.
        root: Where the system shows its nodes.
    """
    ordered = sorted(online, key=lambda cpu: (near != NO_NODE and node_of(cpu, root) != near, cpu))
    if v_idx >= len(ordered):
        return Place()
    cpu = ordered[v_idx]
    return Place(frozenset({cpu}), node_of(cpu, root))
