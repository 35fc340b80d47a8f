# SPDX-License-Identifier: BSD-3-Clause
"""``python3 -m ci vm`` itself: what it returns, and what it says when it cannot."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ci.say import CiError
from ci.vm import NicOptions, Options, Vm


def step(*words: str, timeout_s: float = 900) -> subprocess.CompletedProcess[str]:
    code = "import sys\nfrom ci import vm_step\nfrom ci.say import CiError\ntry: sys.exit(vm_step.main(sys.argv[1:]))\n"
    code += "except CiError as exc: print('ci:', exc, file=sys.stderr); sys.exit(exc.code)"
    return subprocess.run(
        [sys.executable, "-c", code, *words], text=True, capture_output=True, timeout=timeout_s, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_a_command_runs_and_nothing_is_left(tmp_path: Path) -> None:
    before = {path.name for path in Path("/tmp").glob("ixlab-vm-*")}
    pcap = tmp_path / "wire.pcap"
    done = step("--capture", str(pcap), "--run", "ping -c 3 -w 60 192.0.2.1 >/dev/null && ethtool -i eth0; exit 7")
    assert done.returncode == 7, done.stderr
    assert "driver: ixgbe" in done.stdout
    assert pcap.stat().st_size > 500
    assert {path.name for path in Path("/tmp").glob("ixlab-vm-*")} <= before


def test_a_shell_wants_a_terminal() -> None:
    done = step()
    assert done.returncode == 2
    assert "it wants a terminal" in done.stderr


def test_no_such_kernel() -> None:
    done = step("--kernel", "/no/such/vmlinuz", "--run", "true")
    assert done.returncode == 2
    assert "no such file or folder" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="no root: this test makes taps and network namespaces")
def test_a_device_that_does_not_start() -> None:
    with (
        pytest.raises(CiError, match="the device did not start"),
        Vm(Options(nics=(NicOptions(more=("--no-such-option",)),))) as made,
    ):
        made.start()
