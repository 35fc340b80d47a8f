# SPDX-License-Identifier: BSD-3-Clause
"""Steps of a probe that any PCI function wants: memory decoding, DMA, the claim, what is saved."""

import errno
import os

from device.regs.pci import AER_CAP, EXP_DEVCTL, PCI_COMMAND
from driver.claim import Claim
from driver.core.dma import IOVA_BASE_32, IOVA_BASE_64, Arena
from driver.core.probing import PciProbing
from driver.errors import ProbeError

PAGE_BYTES = 4096
REPORTED = ("COR_EN", "NONFATAL_EN", "FATAL_EN", "UR_EN")


def enable_device_mem(p: PciProbing) -> str:
    """Let the function answer in its memory windows."""
    before = p.config.read(PCI_COMMAND)
    p.undo_with("memory enable", lambda: p.config.update(PCI_COMMAND, MEMORY=before.MEMORY))
    p.config.enable_memory(sleep=p.clock.sleep)
    return _command(p, MEMORY=1)


def _command(p: PciProbing, **wanted: int) -> str:
    """See that the command register took it.

    Raises:
        ProbeError: EIO, it did not.
    """
    found = p.config.read(PCI_COMMAND)
    if found != found.replace(**wanted):
        raise ProbeError(errno.EIO, f"{p.door.name}: {wanted} was written, but {found} is read back")
    return str(found)


def set_dma_mask(p: PciProbing) -> str:
    """See how far DMA addresses may reach: 64 bits, else 32.

    Raises:
        ProbeError: EIO, neither can be mapped.
    """
    reasons = []
    for bits, base in ((64, IOVA_BASE_64), (32, IOVA_BASE_32)):
        try:
            Arena(p.door, PAGE_BYTES, base).close()
        except OSError as err:
            reasons.append(f"{bits} bit: {err}")
            continue
        p.iova_base = base
        return f"{bits} bit, from iova {base:#x}"
    raise ProbeError(errno.EIO, f"no usable DMA configuration, aborting ({'; '.join(reasons)})")


def request_mem_regions(p: PciProbing) -> str:
    """Claim the function: one driver at a time.

    Raises:
        Busy: Somebody has it; the message says who.
    """
    p.claim_made = Claim(p.door.name, p.claim_dir)
    p.undo_with("claim", p.claim_made.release)
    return f"{p.door.name} is ours (pid {os.getpid()})"


def enable_error_reporting(p: PciProbing) -> str:
    """Let the function report PCI Express errors, if it can tell of what kind they are.

    Ref: pci_enable_pcie_error_reporting, in the seed notes; newer kernels do it before they probe.
    """
    if not p.config.has(AER_CAP):
        return "the function has no advanced error reporting"
    before = p.config.read(EXP_DEVCTL)
    was = {name: getattr(before, name) for name in REPORTED}
    p.undo_with("error reporting", lambda: p.config.update(EXP_DEVCTL, **was))
    return str(p.config.update(EXP_DEVCTL, **dict.fromkeys(REPORTED, 1)))


def set_master(p: PciProbing) -> str:
    """Let the function do DMA."""
    p.undo_with("bus master", lambda: p.config.set_master(on=False))
    p.config.set_master(on=True)
    return _command(p, BUS_MASTER=1)


def save_state(p: PciProbing) -> str:
    """Keep what a reset of the function or sleep would lose; power.py puts it back."""
    p.saved_state = p.config.save_state()
    return f"{len(p.saved_state)} registers of configuration space"
