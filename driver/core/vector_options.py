# SPDX-License-Identifier: BSD-3-Clause
"""What a user may decide about interrupt vectors."""

import enum
from dataclasses import dataclass

from driver.core.irq import Policy
from driver.errors import DriverError


class Like(enum.Enum):
    """Whose way of sharing out vectors."""

    OWN = "own"  # that of the family's kernel driver
    ICE = "ice"


@dataclass(frozen=True, slots=True)
class VectorOptions:
    """The user's decisions; each has a default that lets the driver decide.

    Attributes:
        vectors: MSI-X vectors to ask for, that of everything but queues included; None: as many as are of use.
        cpus: Online CPUs to reckon with; None: those there are.
        xdp_rings: Tx rings beside those of the interface, for programs that send on their own.
        like: Whose way.
        policy: ice's way: which generation of its tracker.
        reserve_vfs: ice's way: VFs for which the top of the table is kept free.
    """

    vectors: int | None = None
    cpus: int | None = None
    xdp_rings: int = 0
    like: Like = Like.OWN
    policy: Policy = Policy.V6_12
    reserve_vfs: int = 0

    def __post_init__(self) -> None:
        """See that they fit together.

        Raises:
            DriverError: VFs' vectors are kept in ice's way only.
        """
        if self.reserve_vfs and self.like is not Like.ICE:
            raise DriverError(f"vectors for {self.reserve_vfs} VFs are kept in ice's way only")
