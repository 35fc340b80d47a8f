# SPDX-License-Identifier: BSD-3-Clause
"""One virtual function: a PCI function of its own, for as long as SR-IOV has it enabled.

Before, it does not answer: configuration space and registers read all ones.  When SR-IOV is switched off while a client
holds it, it stays, in reset (VFMAILBOX.RSTI): a real one would vanish, and its guest would lose it for good, where the
physical function's driver may only have been started anew.
"""

from collections.abc import Callable, Iterable

from device.i82599.core import CardCore
from device.machine.core import Pointer, counts, ffi, lib
from device.machine.function import Function
from device.machine.irq import IrqKind
from device.machine.regfile import RegFile
from device.regs import pci
from device.regs.core import Register
from device.regs.i82599 import vf

VECTORS: int = lib.VF_VECTORS
MOST: int = lib.VFS_MAX
DWORD = 2**32


def _nobody() -> bool:
    return False


class VirtualFunction:
    """VF ``n`` of a card.

    Args:
        core: The card in C, made with more than ``n`` of them.
        n: Which one.

    Attributes:
        function: What PCI sees of it.
        regs: Its registers.
        is_held: Whether a client is there; set by whoever serves it.
    """

    def __init__(self, core: CardCore, n: int) -> None:
        self.core = core
        self.n = n
        self._c: Pointer = core.c.vfs.vf[n]
        self.function = Function(ffi.addressof(self._c, "function"), core.c)
        self.function.missing_irqs = {IrqKind.INTX, IrqKind.MSI}
        self.function.on_reset = self._reset
        self.regs = RegFile(self.function, vf.ALL, dict.fromkeys(vf.ALL, int(lib.HOOK_VF_BAR0)))  # all of it in C
        self.is_held: Callable[[], bool] = _nobody
        self.function.is_present = False

    def _reset(self) -> None:
        self.function.reset(software=False)

    def appear(self, *, enabled: bool) -> None:
        """SR-IOV has it enabled, or no longer."""
        self.function.is_present = enabled or (self.function.is_present and self.is_held())

    def leave(self) -> None:
        """Its client is gone: it vanishes, unless SR-IOV has it enabled."""
        self.function.is_present = self.n < int(self.core.c.vfs.enabled)

    def identity(self) -> Iterable[tuple[type[Register], int]]:
        """What configuration space says of this very function."""
        return [(pci.MSIX_CTRL, pci.MSIX_CTRL.of(TABLE_SIZE=VECTORS - 1))]

    def traffic(self) -> dict[str, int]:
        """Frames and octets of its pool so far, as its own registers show them: they go round at 2**32 and 2**36."""
        get = self.regs.get
        return {
            "rx_frames": int(get(vf.VFGPRC)),
            "rx_octets": int(get(vf.VFGORC_LSB)) + int(get(vf.VFGORC_MSB)) * DWORD,
            "rx_multicast": int(get(vf.VFMPRC)),
            "tx_frames": int(get(vf.VFGPTC)),
            "tx_octets": int(get(vf.VFGOTC_LSB)) + int(get(vf.VFGOTC_MSB)) * DWORD,
        }

    def counters(self) -> dict[str, int]:
        """What happened so far, by name."""
        return {**self.function.counters(), **counts(self._c.count)}

    def close(self) -> None:
        """Let go of the struct.  May be called twice."""
        self.function.close()
