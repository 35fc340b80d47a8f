# SPDX-License-Identifier: BSD-3-Clause
"""What can be done with the virtual functions of a NIC, whatever its family, and whom a virtual one depends on."""

import re
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

SOCKET = re.compile(r"(?P<port>.+)\.vf\d+")  # of a virtual function, beside that of its physical one


def advice(name: str) -> str:
    """Which program has to run for a virtual function of this name to be of use; empty if it is called like none."""
    found = SOCKET.fullmatch(name)
    return who_drives(found["port"]) if found else ""


def who_drives(port: str = "NIC") -> str:
    """Which program has to run for the virtual functions of ``port`` to be of use."""
    return f"`python -m driver up {port} --vfs N` drives its physical function"


class VfAdmin(Protocol):
    """The virtual functions of a NIC, for people."""

    def table(self) -> dict[str, Any]:
        """Every VF: what was decided, what its driver asked for, what it counted; plain data."""

    def change(self, n: int, what: str, words: Sequence[str]) -> dict[str, Any]:
        """Change something of VF ``n``; returns how it is now.

        Raises:
            DriverError: There is no such VF, no such thing, or it cannot have this value; nothing was changed.
        """


@runtime_checkable
class HasVfs(Protocol):
    """A NIC that can have virtual functions.

    Attributes:
        vfs: They; None: it has none now.
    """

    vfs: VfAdmin | None

    def enable_vfs(self, vfs: int) -> None:
        """Have ``vfs`` of them, before the NIC comes up; they go with it.

        Raises:
            DriverError: It cannot have so many, or is up already.
        """
