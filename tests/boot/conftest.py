# SPDX-License-Identifier: BSD-3-Clause
"""Guests for the boot tier: one at a time, started when a test first asks, and held to silence when it ends."""

import dataclasses
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ci.vm import Options, Vm
from tests.groups import on_older_kernel

# What the older kernel's ixgbe runs by itself only with IXLAB_THOROUGH=1: the NIC is the same, the time is not.
NEWEST_ONLY = {"test_filters.py", "test_vlan.py", "test_hotplug.py", "test_ours.py"}

# These are about boots, what firmware does, or a NIC that is there from the start: no saved state for them.
COLD = {"test_boot_time.py", "test_modules.py", "test_stock.py"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A boot may take minutes on a busy machine under TCG; a verdict must not hang on that."""
    here = Path(__file__).parent
    if not os.environ.get("IXLAB_THOROUGH"):
        left_out = [item for item in items if item.path.name in NEWEST_ONLY and on_older_kernel(item.nodeid)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.boot)
            item.add_marker(pytest.mark.root)
            item.add_marker(pytest.mark.timeout(1500))


@pytest.fixture(scope="module")
def start(request: pytest.FixtureRequest) -> Iterator[Callable[[Options], Vm]]:
    """Start a guest; at the module's end it must have left no complaint of its kernel, of QEMU or of the device."""
    running: list[Vm] = []

    def begin(options: Options) -> Vm:
        warm = request.path.name not in COLD and not options.qemu and not options.append
        vm = Vm(dataclasses.replace(options, from_state=warm))
        running.append(vm)
        vm.start()
        return vm

    yield begin
    complaints = []
    for vm in running:
        complaints += vm.complaints()
        vm.close()
    assert complaints == []
