# SPDX-License-Identifier: BSD-3-Clause
"""Virtual functions come and go with the SR-IOV capability in configuration space.

Ref: pci_enable_sriov, pci_disable_sriov; SR-IOV 1.1, 3.3.3 and 3.3.7.
"""

import errno
import logging
from collections.abc import Callable

from device.regs.pci import SRIOV_CTRL, SRIOV_NUM_VFS, SRIOV_TOTAL_VFS
from driver.doors.config import Config
from driver.errors import ProbeError

log = logging.getLogger(__name__)

SETTLE_S = 0.1  # before the queues of VFs that are gone are used again


def enable(config: Config, name: str, vfs: int) -> None:
    """Let ``vfs`` virtual functions exist; as many that are there already are taken over.

    Args:
        config: The physical function's configuration space.
        name: The door, for messages.
        vfs: How many, 1 to 63.

    Raises:
        ProbeError: EOPNOTSUPP, the function has no SR-IOV, or not so many VFs; EBUSY, another number is there; EIO, it
            does not take it.
    """
    if not config.has(SRIOV_CTRL):
        raise ProbeError(
            errno.EOPNOTSUPP,
            f"{name} has no SR-IOV capability, so it can have no VFs: QEMU hides it from its guests; drive the NIC "
            "without QEMU in between, or leave out --vfs",
        )
    total = int(config.read(SRIOV_TOTAL_VFS))
    if vfs > total:
        raise ProbeError(
            errno.EOPNOTSUPP, f"{name} has {total} VFs (SR-IOV's TotalVFs), {vfs} were asked for: ask for no more"
        )
    there = enabled(config)
    if there == vfs:
        log.warning("%s: its %d VFs were enabled before; whoever drives one has to start it anew", name, vfs)
        config.update(SRIOV_CTRL, VF_MSE=1)
        return
    if there:
        raise ProbeError(
            errno.EBUSY,
            f"{name} has {there} VFs enabled, and their number cannot change meanwhile: --vfs {there} takes them over, "
            "or end what enabled them",
        )
    config.write(SRIOV_NUM_VFS, vfs)
    config.update(SRIOV_CTRL, VF_ENABLE=1, VF_MSE=1)
    if enabled(config) != vfs:
        raise ProbeError(
            errno.EIO,
            f"{name} does not take {vfs} VFs: SR-IOV says {config.read(SRIOV_CTRL)!r}, {config.read(SRIOV_NUM_VFS)!r}; "
            "a kernel in between may keep them for itself (sriov_numvfs)",
        )


def enabled(config: Config) -> int:
    """How many VFs exist now."""
    return int(config.read(SRIOV_NUM_VFS)) if config.read(SRIOV_CTRL).VF_ENABLE else 0


def disable(config: Config, sleep: Callable[[float], None]) -> None:
    """Let no VF exist any more, and wait until none is on the bus.

    Args:
        config: The physical function's configuration space.
        sleep: Waits so many seconds.
    """
    config.update(SRIOV_CTRL, VF_ENABLE=0, VF_MSE=0)
    sleep(SETTLE_S)
    config.write(SRIOV_NUM_VFS, 0)
