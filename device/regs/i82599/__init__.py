# SPDX-License-Identifier: BSD-3-Clause
"""The register map of the 82599: facts of the chip, no behaviour, standard library only.

    from device.regs.i82599 import RXDCTL
    RXDCTL(value).ENABLE, RXDCTL.of(ENABLE=1), RXDCTL.offset(3), RXDCTL.ENABLE.mask

BAR0 of the physical function is here, ``vf`` has a virtual function's, ``desc`` the descriptors, ``device.regs.pci``
configuration space.  ``python -m device.regs`` decodes values and lists the map.

Where a docstring says ``Ref: ixgbe`` the fact is what the Linux driver (6.1, 6.12) relies on; ``Ref: datasheet`` is
the 82599 datasheet as other public drivers and tables quote it; ``Guess:`` is plausible and unchecked.
"""

from types import ModuleType

from device.regs import core
from device.regs.core import *
from device.regs.i82599 import (
    diag,
    fdir,
    filters,
    general,
    interrupts,
    mac,
    nvm,
    pcie,
    rx,
    security,
    stats,
    timesync,
    tx,
    virt,
    wake,
)
from device.regs.i82599.diag import *
from device.regs.i82599.fdir import *
from device.regs.i82599.filters import *
from device.regs.i82599.general import *
from device.regs.i82599.interrupts import *
from device.regs.i82599.mac import *
from device.regs.i82599.nvm import *
from device.regs.i82599.pcie import *
from device.regs.i82599.rx import *
from device.regs.i82599.security import *
from device.regs.i82599.stats import *
from device.regs.i82599.timesync import *
from device.regs.i82599.tx import *
from device.regs.i82599.virt import *
from device.regs.i82599.wake import *

BAR0_BYTES = 0x20000

_TABLES = (general, nvm, interrupts, rx, tx, filters, fdir, mac, stats, security, timesync, virt, wake, pcie, diag)


def _of(table: ModuleType) -> list[type[core.Register]]:
    """The registers a table module declares."""
    found = [item for item in vars(table).values() if isinstance(item, type) and issubclass(item, core.Register)]
    return [register for register in found if register.__module__ == table.__name__ and register.AT]


ALL: tuple[type[core.Register], ...] = tuple(register for table in _TABLES for register in _of(table))
_INDEX = core.index(ALL, BAR0_BYTES)


def lookup(offset: int) -> core.Found | None:
    """Which register answers at a byte offset of BAR0: (class, instance, is it an alias), or None."""
    return _INDEX.get(offset)


def name_of(offset: int) -> str:
    """The name of what is at a byte offset of BAR0: ``CTRL``, ``RXDCTL[3]``, or the offset itself."""
    found = _INDEX.get(offset)
    if found is None:
        return f"{offset:#07x}"
    register, n, _ = found
    return f"{register.NAME}[{n}]" if register.count > 1 else register.NAME
