# SPDX-License-Identifier: BSD-3-Clause
"""Configuration space through a door, register by register."""

import errno
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from device.regs import pci as layout
from device.regs.core import Register
from driver.doors.door import Door, IrqKind
from driver.errors import DeviceGone

R = TypeVar("R", bound=Register)

CONFIG_BYTES = layout.CONFIG_BYTES
HEADER_BYTES = 0x40
EXTENDED_START = 0x100
CAPABILITIES_MAX = 48  # as many as fit behind the header; a list that is longer loops
EXTENDED_MAX = (CONFIG_BYTES - EXTENDED_START) // 8
POWER_UP_S = 0.01  # D3hot to D0, PCI power management 1.2, 5.4
ALL_ONES_16 = 0xFFFF


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """What the PCI Express link came to.

    Attributes:
        gts: Speed per lane in gigatransfers a second; 0 if the link has no registers (root complex bus) or is unknown.
        width: Lanes; 0 likewise.
    """

    gts: float
    width: int

    @property
    def mbps(self) -> int:
        """Bandwidth after line coding, in Mbit/s: 8b/10b up to 5 GT/s, 128b/130b above."""
        coded = self.gts * self.width * 1000
        return int(coded * 8 / 10) if self.gts <= 5 else int(coded * 128 / 130)


SPEEDS_GTS = {1: 2.5, 2: 5.0, 3: 8.0}

# First register of each capability: its reset value is the capability's id, its offset where the real card has it.
_STANDARD = (layout.PM_CAP_ID, layout.MSI_CAP_ID, layout.MSIX_CAP_ID, layout.EXP_CAP_ID)
_EXTENDED = (layout.AER_CAP, layout.DSN_CAP, layout.ARI_CAP, layout.SRIOV_CAP)

# What pci_save_state keeps of a function of this kind, in the order it is put back; COMMAND last.
_SAVED: tuple[type[Register], ...] = (
    layout.EXP_DEVCTL,
    layout.EXP_LNKCTL,
    layout.EXP_DEVCTL2,
    layout.PCI_INTERRUPT_LINE,
    layout.PCI_BAR0,
    layout.PCI_BAR1,
    layout.PCI_BAR2,
    layout.PCI_BAR3,
    layout.PCI_BAR4,
    layout.PCI_BAR5,
    layout.PCI_CACHE_LINE,
    layout.MSI_CTRL,
    layout.MSIX_CTRL,
    layout.PCI_COMMAND,
)


class Config:
    """Configuration space of a door, register by register.

    Registers are those of ``device.regs.pci``.  Capabilities are looked for, so they may sit elsewhere than on the real
    card.
    """

    def __init__(self, door: Door) -> None:
        self.door = door
        self._found: dict[type[Register], int] = {}

    def find(self, cap_id: int) -> int:
        """Return the offset of a standard capability, or 0 if the function does not have it."""
        if not self.read(layout.PCI_STATUS).CAP_LIST:
            return 0
        at = int(self.read(layout.PCI_CAP_PTR))
        for _ in range(CAPABILITIES_MAX):
            if at < HEADER_BYTES:
                return 0
            kind, following = self.door.config_read(at, 2)
            if kind == cap_id:
                return at
            at = following
        return 0

    def find_extended(self, cap_id: int) -> int:
        """Return the offset of an extended capability, or 0 if the function does not have it."""
        at = EXTENDED_START
        for _ in range(EXTENDED_MAX):
            header = layout.AER_CAP(int.from_bytes(self.door.config_read(at, 4), "little"))
            if header in {0, layout.AER_CAP((1 << 32) - 1)}:
                return 0
            if cap_id == header.CAP_ID:
                return at
            at = header.NEXT
            if at < EXTENDED_START:
                return 0
        return 0

    def has(self, reg: type[Register]) -> bool:
        """Whether the function has this register: its capability is there."""
        return self._place(reg) is not None

    # Where the register is on this function, or None if its capability is missing.
    def _place(self, reg: type[Register]) -> int | None:
        home = next((cap for cap in (*_EXTENDED[::-1], *_STANDARD[::-1]) if reg.offset() >= cap.offset()), None)
        if home is None:
            return reg.offset()
        if home not in self._found:
            value = home.reset()
            self._found[home] = (
                self.find_extended(layout.AER_CAP(value).CAP_ID) if home in _EXTENDED else self.find(value)
            )
        start = self._found[home]
        return start + reg.offset() - home.offset() if start else None

    def _need(self, reg: type[Register]) -> int:
        place = self._place(reg)
        if place is None:
            if int.from_bytes(self.door.config_read(0, 2), "little") == ALL_ONES_16:
                seen = "configuration space reads all ones: the function has left the bus"
                raise OSError(errno.ENODEV, f"{self.door.name}: {reg.NAME}: {seen}")
            raise OSError(errno.ENXIO, f"{self.door.name}: the function has no {reg.NAME}: its capability is missing")
        return place

    def read(self, reg: type[R]) -> R:
        """Read a register of configuration space.

        Raises:
            OSError: The function does not have it, or the access failed.
        """
        return reg(int.from_bytes(self.door.config_read(self._need(reg), reg.WIDTH // 8), "little"))

    def write(self, reg: type[R], value: int) -> None:
        """Write a register of configuration space.

        Raises:
            OSError: The function does not have it, or the access failed.
            ValueError: The value does not fit.
        """
        self.door.config_write(self._need(reg), int(reg(value)).to_bytes(reg.WIDTH // 8, "little"))

    def update(self, reg: type[R], **fields: int) -> R:
        """Read, change the named fields, write back if that changed anything; return the value."""
        before = self.read(reg)
        after = before.replace(**fields)
        if after != before:
            self.write(reg, after)
        return after

    def ids(self) -> tuple[int, int, int, int]:
        """Return vendor, device, subsystem vendor and subsystem id.

        Raises:
            DeviceGone: Nobody answers there (all ones).
        """
        vendor = int(self.read(layout.PCI_VENDOR_ID))
        if vendor == ALL_ONES_16:
            raise DeviceGone(f"{self.door.name}: no vendor id: the function has left the bus")
        return (
            vendor,
            int(self.read(layout.PCI_DEVICE_ID)),
            int(self.read(layout.PCI_SUBSYSTEM_VENDOR_ID)),
            int(self.read(layout.PCI_SUBSYSTEM_ID)),
        )

    def enable_memory(self, *, sleep: Callable[[float], None] = time.sleep) -> None:
        """Power the function up and let it decode memory, as pci_enable_device_mem does."""
        if self.has(layout.PM_PMCSR) and self.read(layout.PM_PMCSR).POWER_STATE:
            self.update(layout.PM_PMCSR, POWER_STATE=0)
            sleep(POWER_UP_S)
        self.update(layout.PCI_COMMAND, MEMORY=1)

    def set_master(self, *, on: bool) -> None:
        """Allow or forbid DMA and interrupt messages."""
        self.update(layout.PCI_COMMAND, BUS_MASTER=int(on))

    def save_state(self) -> dict[type[Register], Register]:
        """Return what a reset of the function would lose, for :meth:`restore_state`."""
        return {reg: self.read(reg) for reg in _SAVED if self.has(reg)}

    def restore_state(self, state: dict[type[Register], Register]) -> None:
        """Write back what differs from ``state``: after a reset that somebody else asked for, and after sleep."""
        for reg, value in state.items():
            if self.read(reg) != value:
                self.write(reg, value)

    def link_status(self) -> LinkStatus:
        """Return speed and width of the PCI Express link; zeros if it cannot be told."""
        if not self.has(layout.EXP_LNKSTA):
            return LinkStatus(0, 0)
        link = self.read(layout.EXP_LNKSTA)
        gts = SPEEDS_GTS.get(link.LINK_SPEED, 0)
        return LinkStatus(gts, link.LINK_WIDTH) if gts else LinkStatus(0, 0)


def set_irq_enable(config: Config, kind: IrqKind, *, enable: bool, vectors: int = 1) -> None:
    """Set or clear the bit in configuration space that goes with an interrupt kind.

    The Linux kernel does this for its own doors; for a vfio-user device it is ours to do.
    """
    if kind is IrqKind.INTX:
        config.update(layout.PCI_COMMAND, INTX_DISABLE=int(not enable))
    elif kind is IrqKind.MSI:
        config.update(layout.MSI_CTRL, ENABLE=int(enable), MULTI_ENABLE=(vectors - 1).bit_length() if enable else 0)
    else:
        config.update(layout.MSIX_CTRL, ENABLE=int(enable), FUNCTION_MASK=0)
