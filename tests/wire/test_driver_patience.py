# SPDX-License-Identifier: BSD-3-Clause
"""How long the driver waits for a device that does not answer: `--timeout`."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from driver.exits import Exit
from tests.rigs.process import ROOT, Device

STANDS_S = 7.0  # longer than what it waits for by itself
END_S = 20.0


@pytest.fixture
def standing(tmp_path: Path) -> Iterator[Device]:
    """A device at a breakpoint."""
    with Device(tmp_path) as device:
        device.process.send_signal(signal.SIGSTOP)
        yield device
        device.process.send_signal(signal.SIGCONT)


def probe(device: Device, *options: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "driver", "probe", device.name, *options]
    return subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_for_ever(standing: Device) -> None:
    with probe(standing, "--timeout", "0") as driver:
        time.sleep(STANDS_S)
        assert driver.poll() is None
        standing.process.send_signal(signal.SIGCONT)
        out, err = driver.communicate(timeout=END_S)
    assert driver.returncode == 0, err
    assert "82599" in out


def test_for_a_moment(standing: Device) -> None:
    with probe(standing, "--timeout", str(END_S)) as patient:
        with probe(standing, "--timeout", "0.5") as driver:
            _, err = driver.communicate(timeout=END_S)
        assert driver.returncode == Exit.IN_USE
        assert "does not answer" in err
        assert patient.poll() is None, "somebody who waits longer was started before, and waits still"
        patient.kill()


def test_a_signal_ends_even_that(standing: Device) -> None:
    with probe(standing, "--timeout", "0") as driver:
        time.sleep(3)
        driver.send_signal(signal.SIGINT)
        _, err = driver.communicate(timeout=END_S)
    assert driver.returncode in {Exit.NO_ANSWER, Exit.IN_USE, Exit.INTERRUPTED}, err
    assert "Traceback" not in err


@pytest.mark.parametrize("wrong", ["-1", "soon"])
def test_what_is_no_time_is_refused(tmp_path: Path, wrong: str) -> None:
    words = [sys.executable, "-m", "driver", "probe", f"vfio-user:{tmp_path}/s", "--timeout", wrong]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=END_S, check=False)
    assert done.returncode == 2
    assert "--timeout" in done.stderr
