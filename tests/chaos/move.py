# SPDX-License-Identifier: BSD-3-Clause
"""What a move is: one thing that may happen to two devices, by the name of what it stands for."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos.world import World

Act = Callable[[World], None]


@dataclass(frozen=True)
class Move:
    """One of them.  It leaves the world as it found it, but for what the devices made of it.

    Attributes:
        name: What it stands for.
        do: What it does.
        small_disk: It needs a disk that can be filled.
    """

    name: str
    do: Act
    small_disk: bool = False


def mover(moves: list[Move]) -> Callable[[str], Callable[[Act], Act]]:
    """A decorator that puts a function into ``moves`` under a name."""

    def move(name: str) -> Callable[[Act], Act]:
        def keep(do: Act) -> Act:
            moves.append(Move(name, do, small_disk=name.startswith("disk full")))
            return do

        return keep

    return move
