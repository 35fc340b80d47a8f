# SPDX-License-Identifier: BSD-3-Clause
"""Our driver on a device that offers MSI or INTx at best (``device --interrupts``), over a socket."""

import logging
from pathlib import Path

import pytest

from driver.doors.door import IrqKind
from tests.rigs.driving import Driver
from tests.rigs.frames import frame
from tests.rigs.process import Device, until

pytestmark = pytest.mark.usefixtures("_no_fd_left")


@pytest.mark.parametrize("doorbells", ["trapped", "shared"])
@pytest.mark.parametrize("kind", [IrqKind.MSI, IrqKind.INTX], ids=lambda kind: kind.name)
def test_a_card_without_msix_carries_traffic(
    tmp_path: Path, kind: IrqKind, doorbells: str, caplog: pytest.LogCaptureFixture
) -> None:
    words = ("--loopback", "--interrupts", kind.name.lower(), "--doorbells", doorbells)
    with Device(tmp_path, *words) as device, Driver(device.name, queues=4) as driver:
        assert [driver.door.irq_count(k) > 0 for k in IrqKind] == [k <= kind for k in IrqKind]
        assert driver.adapter.scheme.kind is kind
        assert device.report()["irq_mode"] == kind.name.lower()
        said = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
        assert any("4 ring pairs were asked for, there is 1" in line for line in said)
        frames = [frame(n) for n in range(64)]
        driver.send(frames)
        assert driver.receive(64) == frames
        driver.echo()

        def look() -> bool:
            driver.serve()
            return driver.napis[0].stats()["irqs"] >= 20 and driver.packets() >= 1000

        until(look, "20 interrupts and 1000 frames")
        driver.stop()
