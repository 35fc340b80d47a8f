# SPDX-License-Identifier: BSD-3-Clause
"""The tap port against the kernel, in a network namespace of its own."""

import errno
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import ARP, Ether

from ci.net import Namespace
from ci.say import CiError
from device.__main__ import main
from device.errors import ConfigError
from device.machine.wire import PortBusyError, TapPort
from tests.rigs.process import Device
from tests.rigs.wire import Wire

Route = Any  # pyroute2 has no types
Packet = Any  # and scapy finds its layers at run time
ROOT = Path(__file__).resolve().parents[2]
GONE = "tap ixtap0: the interface was deleted; no carrier until there is one of this name again"
FRAME = bytes(Ether(dst="ff:ff:ff:ff:ff:ff", src="02:00:00:00:00:02", type=0x88B5)) + bytes(50)

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: makes a network namespace and taps"),
    pytest.mark.skipif(not Path("/dev/net/tun").exists(), reason="needs /dev/net/tun"),
]


@pytest.fixture
def ip() -> Iterator[Route]:
    """An IPRoute inside a new network namespace, which the test's thread is in, too."""
    from pyroute2 import IPRoute, netns

    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        with Namespace("tap") as there:
            netns.setns(there.path, flags=0)
            with IPRoute() as route:
                yield route
    except CiError as exc:
        pytest.skip(f"needs the right to make a network namespace: {exc}")
    finally:
        netns.setns(home)
        os.close(home)


def index(ip: Route, name: str) -> int:
    return int(ip.link_lookup(ifname=name)[0])


def link(ip: Route, name: str) -> dict[str, Any]:
    return dict(ip.get_links(index(ip, name))[0]["attrs"]) | {"flags": ip.get_links(index(ip, name))[0]["flags"]}


def alive(port: TapPort) -> bool:
    return port.carrier


def eventually(true: Callable[[], object], timeout_s: float = 3) -> bool:
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.005)
    return False


def wanted(port: TapPort, want: Callable[[Packet], bool], timeout_s: float = 3) -> Packet:
    """The first frame that ``want`` likes; the kernel sends others of its own."""
    found: list[Packet] = []

    def look() -> bool:
        found.extend(p for p in map(Ether, Wire(port).recv()) if want(p))
        return bool(found)

    assert eventually(look, timeout_s)
    return found[0]


def test_an_interface_is_made_brought_up_and_removed(ip: Route) -> None:
    with TapPort("ixtap0") as port:
        port.set_link(up=True)
        seen = link(ip, "ixtap0")
        assert seen["flags"] & 1
        assert seen["IFLA_TXQLEN"] == 10000
        assert port.made
        assert alive(port)
    assert not ip.link_lookup(ifname="ixtap0")
    port.close()


def test_frames_reach_the_kernel_and_come_from_it(ip: Route) -> None:
    with TapPort("ixtap0") as port:
        port.set_link(up=True)
        ip.addr("add", index=index(ip, "ixtap0"), address="10.11.12.1", prefixlen=24)
        mac = link(ip, "ixtap0")["IFLA_ADDRESS"]
        ask = Ether(dst="ff:ff:ff:ff:ff:ff", src="02:00:00:00:00:02") / ARP(
            psrc="10.11.12.2", pdst="10.11.12.1", hwsrc="02:00:00:00:00:02"
        )
        assert Wire(port).send([bytes(ask)]) == 1
        answer = wanted(port, lambda p: ARP in p and p[ARP].op == 2)
        assert answer[ARP].hwsrc == mac
        ping = (
            Ether(dst=mac, src="02:00:00:00:00:02") / IP(src="10.11.12.2", dst="10.11.12.1") / ICMP(id=7) / (b"x" * 50)
        )
        Wire(port).send([bytes(ping)])
        pong = wanted(port, lambda p: ICMP in p and p[ICMP].type == 0)
        assert bytes(pong[ICMP].payload)[:50] == b"x" * 50
        assert port.counters()["tx_frames"] == 2
        assert port.counters()["rx_frames"] >= 2


def test_checksums_of_the_kernels_frames_are_complete(ip: Route) -> None:
    with TapPort("ixtap0") as port, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        port.set_link(up=True)
        ip.addr("add", index=index(ip, "ixtap0"), address="10.11.12.1", prefixlen=24)
        ip.neigh("add", ifindex=index(ip, "ixtap0"), dst="10.11.12.2", lladdr="02:00:00:00:00:02")
        sock.sendto(b"payload", ("10.11.12.2", 9))
        seen = wanted(port, lambda p: p.haslayer("UDP") and p["UDP"].dport == 9)
        right = seen.copy()
        del right["UDP"].chksum
        assert Ether(bytes(right))["UDP"].chksum == seen["UDP"].chksum


def test_our_light_is_the_interfaces_carrier(ip: Route) -> None:
    with TapPort("ixtap0") as port:
        for up in (False, True, False):
            port.set_link(up=up)
            assert link(ip, "ixtap0")["IFLA_CARRIER"] == int(up)


def test_the_interface_being_down_is_no_carrier_for_us(ip: Route) -> None:
    with TapPort("ixtap0") as port:
        port.set_link(up=True)
        ip.link("set", index=index(ip, "ixtap0"), state="down")
        port.poll()
        assert not alive(port)
        assert not port.c.carrier
        assert Wire(port).send([FRAME] * 3) == 0
        assert port.counters()["tx_dropped"] == 3
        assert port.c.last_errno == errno.EIO
        ip.link("set", index=index(ip, "ixtap0"), state="up")
        port.poll()
        assert port.c.carrier
        assert Wire(port).send([FRAME] * 3) == 3


def test_carrier_is_seen_across_namespaces(ip: Route) -> None:
    from pyroute2 import NetNS

    with Namespace("other") as other, TapPort("ixtap0") as port, NetNS(other.path, flags=0) as there:
        ip.link("set", index=index(ip, "ixtap0"), net_ns_fd=other.path)
        assert eventually(lambda: there.link_lookup(ifname="ixtap0"))
        assert not alive(port)  # moving takes an interface down
        there.link("set", index=index(there, "ixtap0"), state="up")
        assert alive(port)
        port.set_link(up=True)
        assert Wire(port).send([FRAME]) == 1


@pytest.mark.parametrize("multi_queue", [False, True])
def test_a_persistent_interface_is_kept_as_it_was(ip: Route, multi_queue: bool) -> None:
    ip.link("add", ifname="ixtap0", kind="tuntap", mode="tap", **({"multi_queue": 1} if multi_queue else {}))
    with TapPort("ixtap0") as port:
        assert not port.made
        assert not alive(port)  # nobody brought it up
        ip.link("set", index=index(ip, "ixtap0"), state="up")
        assert alive(port)
        assert Wire(port).send([FRAME]) == 1
    assert ip.link_lookup(ifname="ixtap0")
    with TapPort("ixtap0") as port:
        assert not port.made


def test_a_name_in_use_is_refused_by_name(ip: Route) -> None:
    with (
        TapPort("ixtap0"),
        pytest.raises(PortBusyError, match=r"ixtap0 is in use by another program \(EBUSY\)") as info,
    ):
        TapPort("ixtap0")
    assert info.value.errno == errno.EBUSY


def test_the_device_says_so_and_ends(ip: Route, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with TapPort("ixtap0"):
        assert main(["--socket", str(tmp_path / "nic.sock"), "--tap", "ixtap0"]) == 1
    assert capsys.readouterr().err == "device: tap ixtap0: interface ixtap0 is in use by another program (EBUSY)\n"
    assert not list(tmp_path.iterdir())


def test_an_interface_that_is_no_tap_is_refused(ip: Route) -> None:
    with pytest.raises(ConfigError, match="lo exists and is no tap"):
        TapPort("lo")
    ip.link("add", ifname="ixtun0", kind="tuntap", mode="tun")
    with pytest.raises(ConfigError, match="ixtun0 exists and is no tap"):
        TapPort("ixtun0")


def test_a_deleted_interface_costs_frames_not_time(ip: Route, caplog: pytest.LogCaptureFixture) -> None:
    with TapPort("ixtap0") as port:
        ip.link("del", index=index(ip, "ixtap0"))
        assert Wire(port).send([FRAME]) == 0
        assert Wire(port).recv() == []
        assert port.c.fd == -1
        assert not alive(port)
        port.poll()
        port.poll()
        assert [r.message for r in caplog.records] == [GONE]


def test_a_deleted_interface_is_found_again_when_it_returns(
    ip: Route, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device.machine.wire.tap.LOOK_S", 0.01)
    caplog.set_level("INFO")

    def polled(want: bool) -> bool:
        def look() -> bool:
            port.poll()
            return bool(port.c.carrier) is want

        return eventually(look)

    def found() -> bool:
        port.poll()
        return bool(port.c.fd >= 0)

    with TapPort("ixtap0") as port:
        for light in (1, 0, 1):
            port.set_link(up=bool(light))
            ip.link("del", index=index(ip, "ixtap0"))
            assert polled(False), "seen without a frame"
            assert "was deleted" in port.why_dark()
            ip.link("add", ifname="ixtap0", kind="tuntap", mode="tap")
            assert eventually(found)
            assert "is down" in port.why_dark()
            ip.link("set", index=index(ip, "ixtap0"), state="up")
            assert polled(True)
            assert port.why_dark() == ""
            assert link(ip, "ixtap0")["IFLA_CARRIER"] == light, "our light is as before"
            assert Wire(port).send([FRAME]) == 1
        fds = len(list(Path("/proc/self/fd").iterdir()))
        ip.link("del", index=index(ip, "ixtap0"))
        assert polled(False)
        ip.link("add", ifname="ixtap0", kind="tuntap", mode="tun")
        for _ in range(20):
            port.poll()
            time.sleep(0.01)
        assert not port.c.carrier, "an interface of another kind is none of ours"
        ip.link("del", index=index(ip, "ixtap0"))
        ip.link("add", ifname="ixtap0", kind="tuntap", mode="tap")
        assert eventually(found)
        assert len(list(Path("/proc/self/fd").iterdir())) == fds
    assert ip.link_lookup(ifname="ixtap0"), "it is not ours to remove"
    said = [r.message for r in caplog.records]
    assert said.count(GONE) == 4
    assert said.count("tap ixtap0: the interface is there again") == 4
    assert len([line for line in said if "exists and is no tap" in line]) == 1


def test_the_device_finds_a_tap_again_and_its_cable_says_so(ip: Route, tmp_path: Path) -> None:
    with Device(tmp_path, "--tap", "ixtap0") as device:
        ip.link("del", index=index(ip, "ixtap0"))

        def why(words: str) -> bool:
            return words in device.ask(carrier=True)["why"]

        assert eventually(lambda: why("the interface ixtap0 was deleted: make it again"), 10)
        assert device.ask(carrier=True)["link"] == "down"
        ip.link("add", ifname="ixtap0", kind="tuntap", mode="tap")
        assert eventually(lambda: why("the interface ixtap0 is down"), 10)
        ip.link("set", index=index(ip, "ixtap0"), state="up")
        assert eventually(lambda: not why("ixtap0"), 10)


def test_the_fd_wakes_the_loop(ip: Route) -> None:
    with TapPort("ixtap0") as port:
        port.set_link(up=True)
        Wire(port).all()
        ip.addr("add", index=index(ip, "ixtap0"), address="10.11.12.1", prefixlen=24)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"x", ("10.11.12.9", 9))  # asks for an address first
            assert select.select([port.c.fd], [], [], 3)[0]


UNPRIVILEGED = """
import os, sys
from device.errors import MissingError
from device.machine.wire import TapPort
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
try:
    TapPort("ixtap0")
except MissingError as err:
    print(err)
"""


def test_without_the_right_a_missing_error_says_what_to_do(ip: Route) -> None:
    # Imports first: another user may not be able to read the checkout.
    done = subprocess.run(
        [sys.executable, "-c", UNPRIVILEGED], capture_output=True, text=True, timeout=30, check=True, cwd=ROOT
    )
    assert "run as root" in done.stdout


@pytest.mark.parametrize("name", ["", "a" * 16, "a/b", "tap%d", "a b", "."])
def test_a_name_no_interface_can_have_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="not a name for an interface"):
        TapPort(name)
