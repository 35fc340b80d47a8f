# SPDX-License-Identifier: BSD-3-Clause
"""What can be done with the virtual functions of a NIC, whatever its family."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable


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
