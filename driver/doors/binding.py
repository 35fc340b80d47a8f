# SPDX-License-Identifier: BSD-3-Clause
"""From a kernel driver to vfio-pci and back, through sysfs.

Observed, in Debian guests (Linux 6.12 and 6.1), by tests/boot/test_ours*.py: unbind blocks until every fd and every
mapping of a BAR is gone; without a vIOMMU "probe failed with error -22", and there is no iommu_group.
"""

import errno
import logging
import time

from driver.doors.kernel import Kernel
from driver.errors import DoorError, NotReadyError

log = logging.getLogger(__name__)

BIND_WAIT_S = 2.0
VFIO_PCI = "vfio-pci"


class Binding:
    """Which kernel driver has the function, and the way there and back.

    Args:
        address: ``DDDD:BB:DD.F``.
        kernel: What we ask.

    Raises:
        DoorError: There is no such function, or no IOMMU stands before it.
    """

    def __init__(self, address: str, kernel: Kernel) -> None:
        self.address = address
        self.sysfs = f"/sys/bus/pci/devices/{address}"
        self._kernel = kernel
        self._restore_to: str | None = None
        if not kernel.path(self.sysfs).exists():
            raise DoorError(errno.ENODEV, f"{address}: no such PCI function; `lspci -D` lists what there is")
        self.group = kernel.link(f"{self.sysfs}/iommu_group")
        if not self.group:
            raise NotReadyError(
                errno.ENODEV,
                f"{address}: no iommu_group: boot with intel_iommu=on (or amd_iommu=on); "
                "in QEMU also add -device intel-iommu,caching-mode=on,intremap=on before the device",
            )

    @property
    def driver(self) -> str:
        """Name of the kernel driver that has it now; empty if none."""
        return self._kernel.link(f"{self.sysfs}/driver")

    def _advice(self) -> str:
        load = "" if self._loaded() else f"modprobe {VFIO_PCI}; "
        unbind = f"echo {self.address} > {self.sysfs}/driver/unbind; " if self.driver else ""
        probe = f"echo {self.address} > /sys/bus/pci/drivers_probe"
        return f"{load}echo {VFIO_PCI} > {self.sysfs}/driver_override; {unbind}{probe}"

    def _loaded(self) -> bool:
        return self._kernel.path(f"/sys/bus/pci/drivers/{VFIO_PCI}").exists()

    def need(self, *, bind: bool) -> None:
        """Make sure vfio-pci has the function.

        Args:
            bind: Take it from whoever has it, and give it back in :meth:`restore`.

        Raises:
            DoorError: vfio-pci is not loaded, does not have the function, or refused it.
        """
        before = self.driver
        if before == VFIO_PCI:
            return
        has = f"the driver {before} has it" if before else "no driver has it"
        if not bind:
            raise NotReadyError(errno.ENODEV, f"{self.address}: {has}, not {VFIO_PCI}; do: {self._advice()}")
        if not self._loaded():
            raise NotReadyError(
                errno.ENODEV, f"{self.address}: the {VFIO_PCI} driver is not loaded; do: modprobe {VFIO_PCI}"
            )
        self._restore_to = before
        try:
            self._rebind(VFIO_PCI)
        except BaseException:
            self.restore()
            raise

    def _rebind(self, driver: str) -> None:
        try:
            self._kernel.write(f"{self.sysfs}/driver_override", (driver if driver == VFIO_PCI else "") + "\n")
            if self.driver not in {"", driver}:
                self._kernel.write(f"{self.sysfs}/driver/unbind", self.address)
            if self.driver != driver:
                self._kernel.write("/sys/bus/pci/drivers_probe", self.address)
        except OSError as error:
            code = error.errno or errno.EIO
            raise DoorError(
                code, f"{self.address}: cannot bind to {driver or 'no driver'}: {error}; are you root?"
            ) from error
        deadline = time.monotonic() + BIND_WAIT_S
        while self.driver != driver:
            if time.monotonic() >= deadline:
                raise DoorError(
                    errno.EINVAL,
                    f"{self.address}: {driver or 'nobody'} was to get it, {self.driver or 'no driver'} has it; "
                    "see dmesg",
                )
            time.sleep(0.01)

    def restore(self) -> None:
        """Give the function back to the driver it was taken from; never raises."""
        before, self._restore_to = self._restore_to, None
        if before is None:
            return
        try:
            self._rebind(before)
        except DoorError as error:
            log.warning("%s", error)
