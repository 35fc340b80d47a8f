# SPDX-License-Identifier: BSD-3-Clause
"""How the 128 queues are divided when there are virtual functions: a pool for each, and the next one for the port.

Ref: ixgbe_set_sriov_queues, ixgbe_setup_mtqc, ixgbe_setup_mrqc, ixgbe_configure_virtualization.
"""

from dataclasses import dataclass

from device.regs.core import Register
from device.regs.i82599.filters import MrqeMode
from device.regs.i82599.interrupts import VtMode
from device.regs.i82599.tx import MtqcMode
from driver.core.bar import Bar
from driver.errors import DriverError

VFS_MAX = 63  # of 64 pools the port wants one
VFS_OF_FOUR = 31  # as many find room when a pool has four queues
WORD_BITS = 32


def check_vfs(vfs: int) -> int:
    """A number of virtual functions that the chip can serve beside its port.

    Raises:
        DriverError: Not 0..63.
    """
    if not 0 <= vfs <= VFS_MAX:
        raise DriverError(f"{vfs} VFs: the 82599 has 64 pools, one of them is the port's: 0 to {VFS_MAX} VFs")
    return vfs


@dataclass(frozen=True, slots=True)
class Pools:
    """The division for ``vfs`` virtual functions, 1 to 63: VF n is pool n."""

    vfs: int

    @property
    def queues(self) -> int:
        """Queue pairs of each pool."""
        return 4 if self.vfs <= VFS_OF_FOUR else 2

    @property
    def own(self) -> int:
        """The port's pool."""
        return self.vfs

    @property
    def first_queue(self) -> int:
        """The port's queue 0, as the registers number it."""
        return self.own * self.queues

    @property
    def vt_mode(self) -> VtMode:
        """For GCR_EXT and GPIE."""
        return VtMode.VT32 if self.vfs <= VFS_OF_FOUR else VtMode.VT64

    @property
    def mrqe(self) -> MrqeMode:
        """For MRQC."""
        return MrqeMode.VMDQRSS32 if self.vfs <= VFS_OF_FOUR else MrqeMode.VMDQRSS64

    @property
    def mtqc(self) -> MtqcMode:
        """For MTQC."""
        return MtqcMode.VT_32VF if self.vfs <= VFS_OF_FOUR else MtqcMode.VT_64VF

    def queues_of(self, pool: int) -> range:
        """The queues of a pool, as the registers number them."""
        return range(pool * self.queues, (pool + 1) * self.queues)

    def check_queues(self, queues: int, xdp_rings: int) -> None:
        """See that the port's rings find room in its pool.

        Raises:
            DriverError: They do not.
        """
        if queues + xdp_rings > self.queues:
            xdp = f" and {xdp_rings} XDP rings" if xdp_rings else ""
            fewer = f", {VFS_OF_FOUR} VFs or fewer leave it four" if self.vfs > VFS_OF_FOUR else ""
            raise DriverError(
                f"{queues} queues{xdp}: with {self.vfs} VFs the port has a pool of {self.queues} for both; "
                f"ask for no more{fewer}"
            )


def write_bit(bar: Bar, register: type[Register], bit: int, *, on: bool, first: int = 0) -> None:
    """Set or clear one bit of a map that goes over several words; a word that is right already is left alone.

    Args:
        bar: Register window.
        register: The map.
        bit: Which bit, counted from the lowest of word ``first``.
        on: Its new value.
        first: Instance of the register that the map begins with.
    """
    n, place = first + bit // WORD_BITS, 2 ** (bit % WORD_BITS)
    word = int(bar.read(register, n))
    if bool(word // place % 2) != on:
        bar.write(register, word + place if on else word - place, n)


def write_map(bar: Bar, register: type[Register], bits: set[int], *, first: int = 0, words: int = 2) -> None:
    """Write a whole map of ``words`` words: 1 for each of ``bits``."""
    for n in range(words):
        here = range(n * WORD_BITS, (n + 1) * WORD_BITS)
        bar.write(register, sum(2 ** (bit % WORD_BITS) for bit in bits if bit in here), first + n)
