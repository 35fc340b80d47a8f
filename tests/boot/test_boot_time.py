# SPDX-License-Identifier: BSD-3-Clause
"""How long a boot takes, by driver, and beside the same guest with a NIC of QEMU's own: figures, no verdicts."""

import os
import statistics
import time
from collections.abc import Callable

import pytest

from ci.demo import WIRE4
from ci.vm import Options, Vm

ROUNDS = 3 if os.environ.get("IXLAB_THOROUGH") else 1  # figures, on which no verdict hangs
RIVAL = Options(nics=(), qemu=("-netdev", "user,id=rival,restrict=on", "-device", "igb,netdev=rival,addr=0x2"))
RIVAL_GATEWAY = "10.0.2.2"
RIVAL_UP = "modprobe igb && ip address add 10.0.2.15/24 dev eth0 && ip link set eth0 up"


def first_ping(vm: Vm, address: str) -> None:
    """Ping until something answers."""
    vm.run(f"i=0; until ping -q -c 1 -W 1 {address}; do i=$((i+1)); [ $i -lt 60 ] || exit 1; done")


@pytest.mark.parametrize(("driver", "kernel"), [("ixgbe", "6.12"), ("ixgbe", "6.1"), ("ours", "6.12")])
def test_boot_to_first_ping(
    start: Callable[[Options], Vm], record_property: Callable[[str, object], None], driver: str, kernel: str
) -> None:
    began_s = time.monotonic()
    vm = start(Options(driver=driver, kernel=kernel))
    vm.bind()
    first_ping(vm, WIRE4)
    took_s = time.monotonic() - began_s
    vm.stop_qemu()
    record_property(f"{driver} on {kernel}", f"boot {vm.boot_s:.1f} s, first ping answered after {took_s:.1f} s")


def test_boot_beside_igb(start: Callable[[Options], Vm], record_property: Callable[[str, object], None]) -> None:
    boots: dict[str, list[float]] = {"ixgbe": [], "igb": []}
    for _ in range(ROUNDS):
        for name, options in (("ixgbe", Options()), ("igb", RIVAL)):
            vm = start(options)
            boots[name].append(vm.boot_s)
            if name == "ixgbe":
                vm.bind()
                first_ping(vm, WIRE4)
            else:
                vm.run(RIVAL_UP)
                first_ping(vm, RIVAL_GATEWAY)
            vm.stop_qemu()
    ours_s, rivals_s = (statistics.median(boots[name]) for name in ("ixgbe", "igb"))
    text = f"{ours_s:.1f} s beside {rivals_s:.1f} s with igb: {ours_s / rivals_s:.2f} of it, medians of {ROUNDS}"
    record_property("boot to the guest's agent", text)
