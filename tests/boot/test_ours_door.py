# SPDX-License-Identifier: BSD-3-Clause
"""The wire tier's tests of any door, run again inside a guest: the same file, through vfio-pci and the vIOMMU."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable

import pytest

from ci import guest
from ci.say import ROOT
from ci.vm import NIC_ADDRESS, VFIO_BIND, NicOptions, Options, Vm
from tests.boot.judge import report

FILE = "tests/wire/test_any_door.py"
TIMEOUT_S = 900
# What passes on the host and not inside, each with its reason.
NOT_INSIDE: dict[str, str] = {}
VERSIONS = """
import importlib.metadata, json, sys
print(json.dumps({name: importlib.metadata.version(name) for name in sys.argv[1:]}))
"""


@pytest.fixture(scope="module")
def vm(start: Callable[[Options], Vm]) -> Vm:
    made = start(Options(driver="none", smp=1, nics=(NicOptions(port=("--loopback",)),)))
    made.run(VFIO_BIND)
    return made


def passed(out: str) -> set[str]:
    return set(re.findall(r"^PASSED (.*)$", out, re.MULTILINE))


def test_the_same_file_outside_and_inside(vm: Vm, record_property: Callable[[str, object], None]) -> None:
    words = ["-m", "pytest", "-q", "-rpfEs", "-p", "no:cacheprovider", "-o", f"timeout={TIMEOUT_S}", FILE]
    before = vm.nic.footprint()
    inside = vm.run(f"IXLAB_NIC={NIC_ADDRESS} python3 {' '.join(words)}", timeout_s=TIMEOUT_S, check=False)
    assert inside.code == 0, inside.out
    env = {name: value for name, value in os.environ.items() if name not in {"IXLAB_NIC", "PYTEST_ADDOPTS"}}
    outside = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=env, text=True, capture_output=True, timeout=TIMEOUT_S, check=False
    )
    assert outside.returncode == 0, outside.stdout
    assert len(passed(inside.out)) > 30
    assert passed(inside.out) | NOT_INSIDE.keys() == passed(outside.stdout)
    record_property(FILE, inside.out.splitlines()[-1] + " inside, through vfio-pci")
    after = vm.nic.footprint()
    assert (after["fds"], after["threads"]) == (before["fds"], before["threads"])
    assert report(vm)["socket"]["dma_regions"] == 0, "every driver took its mappings back"
    assert vm.complaints() == []


def test_the_guest_has_the_pinned_versions(vm: Vm) -> None:
    lines = (ROOT / "ci" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split()[0].split("==", 1) for line in lines if "==" in line)
    wanted = {name: next(pins[pin] for pin in pins if pin.lower() == name.lower()) for name in guest.GUEST_PYTHON}
    assert json.loads(vm.run(f"python3 -c '{VERSIONS}' {' '.join(wanted)}").out) == wanted
