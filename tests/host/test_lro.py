# SPDX-License-Identifier: BSD-3-Clause
"""Coalesced TCP under the kernel's own TCP: what comes through the interface, and what is forwarded from it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ci.net import Namespace
from driver.exits import Exit
from tests.rigs.host import HOST4, HOST_IF, WIRE_IF, Stage

pytestmark = [pytest.mark.root, pytest.mark.timeout(240)]

SIZE = 24 << 20
FRAME_PAYLOAD_BYTES = 1448
BESIDE4, FAR4 = "198.51.100.1", "198.51.100.2"  # TEST-NET-2, RFC 5737

# Two interfaces without offloads, and all frames from one to the other: the kernel has to finish what it sends,
# and believes no checksum of what comes.
PLAIN_WIRE = """
import ctypes, fcntl, os, select, struct, sys
TUNSETIFF, IFF_TAP_NO_PI, CLONE_NEWNET = 0x400454CA, 0x1002, 0x40000000
fds = []
for path, name in (sys.argv[1:3], sys.argv[3:5]):
    assert ctypes.CDLL(None).setns(os.open(path, os.O_RDONLY), CLONE_NEWNET) == 0
    fds.append(os.open("/dev/net/tun", os.O_RDWR))
    fcntl.ioctl(fds[-1], TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP_NO_PI))
print("ready", flush=True)
longest = 0
while True:
    for fd in select.select(fds, [], [])[0]:
        frame = os.read(fd, 65536)
        if len(frame) > longest:
            longest = len(frame)
            print("longest", longest, flush=True)
        try:
            os.write(fds[1 - fds.index(fd)], frame)
        except OSError:
            pass
"""


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path) as stage:
        yield stage


def lro_of(stage: Stage) -> bool:
    """Whether the vector that serves the queue says that it coalesces."""
    return bool(stage.ask_driver("vector_figures")[0]["lro"])


def into_the_interface(stage: Stage) -> int:
    """A stream comes in; returns how many frames the interface saw of it."""
    before = stage.link(stage.host, HOST_IF)["stats64"]["rx"]["packets"]
    stage.tcp(stage.wire, stage.host, HOST4, SIZE)
    return int(stage.link(stage.host, HOST_IF)["stats64"]["rx"]["packets"] - before)


def test_a_stream_comes_in_few_packets_with_it_and_in_all_its_frames_without(stage: Stage) -> None:
    frames = -(-SIZE // FRAME_PAYLOAD_BYTES)
    stage.device()
    driver = stage.driver()
    stage.address()
    assert lro_of(stage)
    assert into_the_interface(stage) < frames / 4
    stats = stage.stats()
    assert stats["hw_rsc_aggregated"] > frames / 2
    assert stats["hw_rsc_aggregated"] > 4 * stats["hw_rsc_flushed"] > 0
    assert stats["netdev_rx_dropped"] == stats["rx_csum_offload_errors"] == 0
    assert stats["rx_packets"] - stats["hw_rsc_flushed"] + stats["hw_rsc_aggregated"] == stats["rx_pkts_nic"]
    assert driver.end() == 0
    driver = stage.driver("--lro", "off")
    stage.address()
    assert not lro_of(stage)
    assert into_the_interface(stage) >= frames
    assert stage.stats()["hw_rsc_flushed"] == 0
    assert driver.end() == 0


def test_it_follows_the_interval_that_vectors_keep(stage: Stage) -> None:
    stage.device()
    driver = stage.driver("--itr", "6")
    stage.address()
    assert not lro_of(stage)
    assert stage.cli("itr", stage.nic, "50").returncode == 0
    assert lro_of(stage)
    stage.wait_for_link()
    assert into_the_interface(stage) < SIZE / FRAME_PAYLOAD_BYTES / 4
    assert stage.cli("itr", stage.nic, "0").returncode == 0
    assert not lro_of(stage)
    stage.wait_for_link()
    stage.tcp(stage.wire, stage.host, HOST4, SIZE // 8)
    assert driver.end() == 0


def test_the_kernel_cuts_what_it_forwards(stage: Stage) -> None:
    """From the wire through the host to a third namespace, over interfaces that take frames of 1514 bytes, summed."""
    stage.device()
    driver = stage.driver()
    stage.address()
    with Namespace("far") as far:
        relay = stage.child(stage.host, sys.executable, "-c", PLAIN_WIRE, stage.host.path, "beside0", far.path, "far0")
        assert relay.stdout is not None
        assert relay.stdout.readline() == "ready\n"
        for where, name, address in ((stage.host, "beside0", BESIDE4), (far, "far0", FAR4)):
            where.run("ip", "address", "add", f"{address}/24", "dev", name)
            where.run("ip", "link", "set", name, "up")
        stage.host.run("sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
        far.run("ip", "route", "add", "default", "via", BESIDE4)
        stage.wire.run("ip", "route", "add", "default", "via", HOST4, "dev", WIRE_IF)
        stage.tcp(stage.wire, far, FAR4, SIZE // 8)
        relay.kill()
        longest = int(relay.stdout.read().split()[-1])
    assert longest == 1514
    assert stage.stats()["hw_rsc_aggregated"] > 0
    assert driver.end() == 0


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--itr", "5"), "an interval of 5 µs is too short: 7 at least"),
        (("--xdp", "examples/xdp_filter.py:program"), "an XDP program sees each frame"),
        (("--vfs", "1"), "the port has virtual functions"),
    ],
)
def test_where_it_cannot_be_it_is_refused_by_name(stage: Stage, options: tuple[str, str], why: str) -> None:
    stage.device("--vfs", "1")
    said = stage.cli("up", stage.nic, "--netdev", HOST_IF, "--lro", "on", *options)
    assert said.returncode == Exit.FAILED
    assert said.stderr.splitlines()[-1] == (
        f"driver: {stage.nic}: --lro on: {why}; without the option LRO is on where it can be"
    )
    assert stage.run_dir() == []
    assert HOST_IF not in [link["ifname"] for link in stage.ip(stage.host, "link")]


def test_a_virtual_function_has_none(stage: Stage) -> None:
    stage.device("--vfs", "1")
    port = stage.driver("--vfs", "1")
    said = stage.cli("up", f"{stage.nic}.vf0", "--netdev", "ixtv0", "--lro", "on")
    assert said.returncode == Exit.FAILED
    assert "--lro on: a virtual function's queues do not coalesce" in said.stderr
    assert not lro_of(stage)
    assert port.end() == 0
