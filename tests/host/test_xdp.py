# SPDX-License-Identifier: BSD-3-Clause
"""``driver up --xdp``: a program before the kernel, on a real interface with the kernel's own ping and UDP."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from driver.exits import Exit
from tests.rigs.host import HOST4, HOST_IF, ROOT, Stage, eventually

pytestmark = [pytest.mark.root, pytest.mark.timeout(240)]

PROGRAM = f"{ROOT}/examples/xdp_filter.py:program"
SEND = "import socket, sys; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'x', (sys.argv[1], 9))"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path) as stage:
        yield stage


def test_pings_are_answered_before_the_kernel_sees_them(stage: Stage) -> None:
    stage.device()
    driver = stage.driver("--xdp-rings", "1", "--xdp", PROGRAM)
    stage.address()
    stage.wait_for_link()
    before = stage.link(stage.host, HOST_IF)["stats64"]["rx"]["packets"]
    stage.wire.run("ping", "-c", "5", "-i", "0.2", "-w", "20", HOST4)
    for _ in range(3):
        stage.wire.run(sys.executable, "-c", SEND, HOST4)
    eventually(lambda: stage.stats().get("xdp_drop", 0) >= 3, "three datagrams to port 9 are dropped")
    stats = stage.stats()
    assert stats["xdp_tx"] == 5
    assert stats["xdp_drop"] == 3
    seen = stage.link(stage.host, HOST_IF)["stats64"]["rx"]["packets"] - before
    assert seen <= stats["xdp_pass"]
    assert stats["xdp_queue_1_packets"] == 5, "they left through the XDP ring"
    assert driver.end() == Exit.DONE


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("examples/none.py:program", "there is no file examples/none.py"),
        ("examples/xdp_filter.py:nothing", "no function is called nothing; there is Verdict, XdpFrame, program"),
        ("examples/xdp_filter.py", "is not written FILE.py:NAME or FILE.so:NAME"),
    ],
)
def test_what_is_no_program_is_refused_before_the_nic_is_touched(stage: Stage, program: str, words: str) -> None:
    done = stage.cli("up", "vfio-user:/nobody", "--xdp", program)
    assert done.returncode == Exit.USAGE
    assert words in " ".join(done.stderr.split())
