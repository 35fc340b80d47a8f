# SPDX-License-Identifier: BSD-3-Clause
"""Configuration space: all 4096 bytes of it, compiled from ``device.regs.pci``, and what its writes do to the function.

It knows neither libvfio-user nor the chip: what a write changes is told to a ``PciSide``.  So a test can drive it
without a socket, and the server with one.
"""

import errno
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from device.machine.irq import IrqKind
from device.machine.seam import PciSide
from device.machine.stored import Stored
from device.machine.vpd import Vpd
from device.regs import pci
from device.regs.core import RW, SC, W1C, Register

log = logging.getLogger(__name__)

BARS = pci.BARS  # index -> size in bytes
D0, D3HOT = 0, 3
VF_OFFSET, VF_OFFSET_ARI = 384, 128
ROM_ENABLE = 1
R = TypeVar("R", bound=Register)
Identity = Callable[[], Iterable[tuple[type[Register], int]]]  # registers and the values that are this card's own now


def _span(register: type[Register], n: int = 0) -> slice:
    start = register.offset(n)
    return slice(start, start + register.WIDTH // 8)


def _nothing() -> None:
    pass


class ConfigSpace:
    """The function's configuration space; a ``device.serve.vfu.Region``.

    Args:
        function: Who is told what a write changes; the space is attached to it as ``function.config``.
        identity: What is this card's own: serial number, interrupt pin …; asked at every reset.
        best: The best kind of interrupt on offer; capabilities of better kinds are left out.
        vpd: Vital product data, if the card has any.
        rom_bytes: Size of its expansion ROM, a power of two; 0: none.
        registers: What it is made of; those that ``device.regs.pci`` has are found at its offsets.
    """

    def __init__(
        self,
        function: PciSide,
        identity: Identity = tuple,
        *,
        best: IrqKind = IrqKind.MSIX,
        vpd: Vpd | None = None,
        rom_bytes: int = 0,
        registers: Sequence[type[Register]] = pci.CONFIG,
    ) -> None:
        self.function = function
        self.identity = identity
        self.best = best
        self.vpd = vpd
        self.rom_bytes = rom_bytes
        self.armed = IrqKind.NONE
        self.flrs = 0
        self.on_flr: Callable[[], None] = _nothing  # who else keeps state of the function
        self.registers = registers
        self._data = bytearray(pci.CONFIG_BYTES)
        self._rw = bytearray(pci.CONFIG_BYTES)
        self._w1c = bytearray(pci.CONFIG_BYTES)
        self._shut = False  # the client itself has switched memory decoding off
        self._stored = Stored()
        self._vector_limit = function.vector_limit
        self._missing = frozenset(function.missing_irqs)
        function.config = self
        self._load(keep=False)
        self._tell(force=True)

    # -- the function's own view ---------------------------------------------------------------------------------------

    def get(self, register: type[R], n: int = 0) -> R:
        """A register's value, without effects."""
        return register(int.from_bytes(self._data[_span(register, n)], "little"))

    def update(self, register: type[Register], n: int = 0, **fields: int) -> None:
        """Change fields, whatever a guest may do to them."""
        value = self.get(register, n).replace(**fields)
        self._data[_span(register, n)] = value.to_bytes(register.WIDTH // 8, "little")

    def set_armed(self, kind: IrqKind) -> None:
        """Hear which kind of interrupt has eventfds: a client without a VM need not set an enable bit."""
        self.armed = kind
        self._tell()

    @property
    def vectors(self) -> int:
        """MSI-X vectors on offer; 0 without the capability."""
        return self.get(pci.MSIX_CTRL).TABLE_SIZE + 1 if self.offers(IrqKind.MSIX) else 0

    def offers(self, kind: IrqKind) -> bool:
        """Whether the function has interrupts of ``kind``."""
        return kind <= self.best and kind not in self._missing

    def meet_client(self) -> None:
        """A client comes: faults of kinds and numbers of interrupts count as they are now, until it goes.

        In between, a reset changes nothing of that: the client has been told how many there are.
        """
        now = self.function.vector_limit, frozenset(self.function.missing_irqs)
        if (self._vector_limit, self._missing) != now:
            self._vector_limit, self._missing = now
            self.reset()

    # -- the guest's view ----------------------------------------------------------------------------------------------

    def read(self, offset: int, len_bytes: int) -> bytes:
        """Read any range.

        Raises:
            OSError: EINVAL outside configuration space.
        """
        self._check(offset, len_bytes)
        if not self.function.is_present:
            return b"\xff" * len_bytes
        if offset <= pci.PCI_STATUS.offset() < offset + len_bytes:
            self.update(pci.PCI_STATUS, INTX=int(self.function.intx_level))
        data = bytes(self._data[offset : offset + len_bytes])
        for fault in self.function.config_read_faults:
            data = fault(offset, data)
        return data

    def write(self, offset: int, data: bytes) -> None:
        """Write any range: every byte obeys its register's rules, then the function hears what changed.

        Raises:
            OSError: EINVAL outside configuration space.
        """
        self._check(offset, len(data))
        if not self.function.is_present:
            return
        for fault in self.function.config_write_faults:
            data = fault(offset, data, bytes(self._data[offset : offset + len(data)]))
        written = bytearray(pci.CONFIG_BYTES)
        written[offset : offset + len(data)] = data
        power = self.get(pci.PM_PMCSR).POWER_STATE
        vfs, enabled = self.get(pci.SRIOV_NUM_VFS), self.get(pci.SRIOV_CTRL).VF_ENABLE
        decoded = self.get(pci.PCI_COMMAND).MEMORY
        for at, byte in enumerate(data, offset):
            kept = self._data[at] & ~self._rw[at]
            self._data[at] = (kept | byte & self._rw[at]) & ~(byte & self._w1c[at])
        if self.get(pci.SRIOV_CAP):
            self._sriov(vfs, enabled)
        if offset <= _span(pci.VPD_ADDR).stop - 1 < offset + len(data):
            self._vpd()
        pm = self.get(pci.PM_PMCSR)
        self._stored.written(0, pm, pm, pm)
        self._shut = not self.get(pci.PCI_COMMAND).MEMORY and (self._shut or bool(decoded))
        if self._power(power):
            self.flr()
            # A function that can wake from D3hot keeps what it needs for that.  Ref: PCI power management 1.2, 5.4.1.
            self.update(pci.PM_PMCSR, PME_EN=pm.PME_EN)
        elif self._commanded(written):
            self.flr()
        else:
            self._tell()

    @staticmethod
    def _check(offset: int, len_bytes: int) -> None:
        if offset < 0 or len_bytes < 0 or offset + len_bytes > pci.CONFIG_BYTES:
            raise OSError(errno.EINVAL, f"configuration space has no bytes {offset:#x}+{len_bytes}")

    @staticmethod
    def _commanded(written: bytearray) -> bool:
        # FLR clears itself, so it is looked for in what was written, not in what is stored.
        value = int.from_bytes(written[_span(pci.EXP_DEVCTL)], "little")
        return bool(value & pci.EXP_DEVCTL.bits(SC))

    def _power(self, before: int) -> bool:
        """Take a new power state; True if the function leaves D3hot, which resets it."""
        now = self.get(pci.PM_PMCSR).POWER_STATE
        if now not in {D0, D3HOT}:
            # A state the function does not have leaves it where it is.
            self.update(pci.PM_PMCSR, POWER_STATE=before)
            now = before
        return before == D3HOT and now == D0

    def _sriov(self, before: int, enabled: int) -> None:
        """Take a new number of virtual functions: never more than there can be, and none while they are in use."""
        if enabled or self.get(pci.SRIOV_NUM_VFS) > self.get(pci.SRIOV_TOTAL_VFS):
            self.update(pci.SRIOV_NUM_VFS, VALUE=before)
        control = self.get(pci.SRIOV_CTRL)
        self.update(pci.SRIOV_VF_OFFSET, VALUE=VF_OFFSET_ARI if control.ARI else VF_OFFSET)
        self._stored.written(0, control, control, control)

    def _vpd(self) -> None:
        """Do what VPD_ADDR asks for, at once: the flag that software waits for turns over."""
        if self.vpd is None or not self.get(pci.VPD_CAP_ID):
            return
        where, data = self.get(pci.VPD_ADDR), _span(pci.VPD_DATA)
        if where.FLAG:
            self.vpd.write(where.ADDR, bytes(self._data[data]))
        else:
            self._data[data] = self.vpd.read(where.ADDR)
        self.update(pci.VPD_ADDR, FLAG=1 - where.FLAG)

    # -- resets --------------------------------------------------------------------------------------------------------

    def flr(self) -> None:
        """Function level reset: registers but the sticky ones, then the function itself."""
        self.flrs += 1
        log.info("function level reset")
        self.on_flr()
        self._reset(keep=True)

    def reset(self) -> None:
        """As after power-on: a bus reset, or another client."""
        self._reset(keep=False)

    def _reset(self, *, keep: bool) -> None:
        self._load(keep=keep)
        self._stored.driver_gone()
        # DMA stops before the function is reset, so that a reset never races a copy.
        self._shut = False
        self.function.bus_master = False
        self.function.on_reset()
        self._tell(force=True)

    def _load(self, *, keep: bool) -> None:
        old = bytes(self._data)
        self._data[:] = pci.reset_bytes(self.registers)
        self._rw[:] = pci.bits_bytes(RW, registers=self.registers)
        self._w1c[:] = pci.bits_bytes(W1C, registers=self.registers)
        for register in self.registers:
            if keep and register.KEEP:
                for n in range(register.count):
                    self._data[_span(register, n)] = old[_span(register, n)]
        for register, value in self.identity():
            self._data[_span(register)] = value.to_bytes(register.WIDTH // 8, "little")
        if self._vector_limit:
            self.update(pci.MSIX_CTRL, TABLE_SIZE=min(self._vector_limit, self.vectors or 1) - 1)
        if not self.offers(IrqKind.MSIX):
            self._leave_out(pci.MSIX_CAP_ID, pci.MSIX_PBA)
            self.update(pci.MSI_NEXT, VALUE=pci.EXP_CAP_ID.offset())
        if not self.offers(IrqKind.MSI) and self.get(pci.MSI_CAP_ID):
            behind = self.get(pci.MSI_NEXT).VALUE
            self._leave_out(pci.MSI_CAP_ID, pci.MSI_PENDING)
            self.update(pci.PM_NEXT, VALUE=behind)
        if not self.offers(IrqKind.INTX):
            self.update(pci.PCI_INTERRUPT_PIN, VALUE=0)
        if self.get(pci.VPD_CAP_ID) and (self.vpd is None or not self.vpd.present):
            self._leave_out(pci.VPD_CAP_ID, pci.VPD_DATA)
            self.update(pci.EXP_NEXT, VALUE=0)
        if self.rom_bytes:
            self._rw[_span(pci.PCI_ROM)] = ((1 << 32) - self.rom_bytes | ROM_ENABLE).to_bytes(4, "little")

    def _leave_out(self, first: type[Register], last: type[Register]) -> None:
        area = slice(_span(first).start, _span(last).stop)
        for data in (self._data, self._rw, self._w1c):
            data[area] = bytes(area.stop - area.start)

    def _wanted_kind(self) -> IrqKind:
        msix, msi = self.get(pci.MSIX_CTRL), self.get(pci.MSI_CTRL)
        if msix.ENABLE:
            return IrqKind.NONE if msix.FUNCTION_MASK else IrqKind.MSIX
        if msi.ENABLE:
            return IrqKind.NONE if self.get(pci.MSI_MASK).VECTOR0 else IrqKind.MSI
        if self.armed in {IrqKind.MSI, IrqKind.MSIX}:
            return self.armed
        return IrqKind.NONE if self.get(pci.PCI_COMMAND).INTX_DISABLE else IrqKind.INTX

    def _tell(self, *, force: bool = False) -> None:
        """Tell the function what is in force now, where that changed.

        Memory decoding is off in D3hot, and after the client cleared COMMAND.MEMORY: reads give all ones, writes are
        lost.  A client that never set the bit is served all the same, and so is one after a reset: clients without a
        VM need not know configuration space, and those that know Linux's VFIO expect the bit to come back by itself.
        """
        control, wanted = self.get(pci.SRIOV_CTRL), self.get(pci.SRIOV_NUM_VFS)
        self.function.on_sriov(int(wanted) if control.VF_ENABLE else 0, memory=bool(control.VF_MSE))
        awake = self.get(pci.PM_PMCSR).POWER_STATE == D0
        on = bool(self.get(pci.PCI_COMMAND).BUS_MASTER) and awake
        decodes = awake and not self._shut
        kind = self._wanted_kind()
        function = self.function
        if force or decodes != function.memory:
            function.memory = decodes
        if force or on != function.bus_master:
            function.bus_master = on
        if force or kind != function.irq_kind:
            log.debug("interrupts: %s", kind.name)
            function.irq_kind = kind
