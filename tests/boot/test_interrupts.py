# SPDX-License-Identifier: BSD-3-Clause
"""A card that offers no MSI-X: the stock driver falls back to MSI, then to INTx, and all still works."""

from collections.abc import Callable

import pytest

from ci.vm import NicOptions, Options, Vm
from tests.boot.judge import ping, tcp


@pytest.mark.parametrize(("kind", "line"), [("msi", "PCI-MSI"), ("intx", "IO-APIC")])
def test_stock_driver_falls_back(start: Callable[[Options], Vm], kind: str, line: str) -> None:
    vm = start(Options(nics=(NicOptions(interrupts=kind),)))
    vm.bind()
    assert line in next(row for row in vm.run("cat /proc/interrupts").out.splitlines() if row.endswith(" eth0"))
    ping(vm)
    tcp(vm)
    out = vm.run("ethtool -t eth0 offline", timeout_s=300).out
    assert "The test result is PASS" in out, out
    assert vm.complaints() == []
    vm.stop_qemu()  # one guest at a time


def test_stock_driver_with_shared_doorbells(start: Callable[[Options], Vm]) -> None:
    vm = start(Options(nics=(NicOptions(doorbells="shared"),)))
    vm.bind()
    ping(vm)
    tcp(vm)
