# SPDX-License-Identifier: BSD-3-Clause
"""The whole chain under the kernel's own TCP/IP: device and driver processes, real interfaces, real streams."""

import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ci.net import Namespace
from driver.exits import Exit
from tests.rigs.host import HOST4, HOST6, HOST_IF, WIRE4, WIRE6, WIRE_IF, Program, Stage, eventually

pytestmark = [pytest.mark.root, pytest.mark.timeout(240)]

SIZE = 24 << 20
FCS_BYTES = 4  # a chip counts them, a tap never sees them
TCP4_BYTES = 66  # Ethernet, IPv4, TCP with time stamps

UDP = """
import socket, sys
how, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
family = socket.AF_INET6 if ":" in address else socket.AF_INET
sizes = [1, 100, 1472, 5000, 60000]
blob = bytes(n * 7 % 251 for n in range(60000))
SOL_UDP, UDP_SEGMENT = 17, 103
with socket.socket(family, socket.SOCK_DGRAM) as sock:
    sock.settimeout(40)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    if how == "serve":
        sock.bind((address, port))
        print("listening", flush=True)
        while True:
            data, peer = sock.recvfrom(65536)
            sock.sendto(data, peer)
            if data == b"end":
                break
    else:
        sock.connect((address, port))
        for size in sizes:
            sock.send(blob[:size])
            assert sock.recv(65536) == blob[:size], size
        # One send, many datagrams: the interface gets it whole and the NIC cuts it.
        sock.setsockopt(SOL_UDP, UDP_SEGMENT, 1000)
        sock.send(blob[:10500])
        got = sorted(sock.recv(65536) for _ in range(11))
        assert got == sorted(blob[at:min(at + 1000, 10500)] for at in range(0, 10500, 1000))
        sock.setsockopt(SOL_UDP, UDP_SEGMENT, 0)
        sock.send(b"end")
        assert sock.recv(100) == b"end"
        print("fine")
"""


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path) as stage:
        yield stage


def udp(stage: Stage, address: str, port: int) -> None:
    """Datagrams of many sizes from the host to the wire and back."""
    server = stage.child(stage.wire, sys.executable, "-c", UDP, "serve", address, str(port))
    assert server.stdout is not None
    assert server.stdout.readline() == "listening\n"
    assert stage.host.run(sys.executable, "-c", UDP, "ask", address, str(port)) == "fine\n"
    server.communicate(timeout=40)
    assert server.returncode == 0


def nothing_left(stage: Stage, driver: Program) -> None:
    """A driver that ended has left no interface, claim, or socket."""
    assert driver.process.poll() is not None
    assert HOST_IF not in interfaces(stage.host)
    assert stage.run_dir() == []


def interfaces(where: Namespace) -> set[str]:
    """Names of the interfaces in a namespace."""
    return {line.split(": ")[1].split("@")[0] for line in where.run("ip", "-o", "link").splitlines()}


def counted(stage: Stage) -> dict[str, tuple[int, int]]:
    """Pairs that have to be equal: driver and wire, interface and driver."""
    stats, report = stage.stats(), stage.ask_device({"report": True})["report"]
    port, core = report["port"], report["counters"]
    shown = stage.link(stage.host, HOST_IF)["stats64"]
    joined = stats["hw_rsc_aggregated"] - stats["hw_rsc_flushed"]  # frames that came without a header of their own
    return {
        "frames sent: chip, wire": (stats["tx_pkts_nic"], port["tx_frames"]),
        "bytes sent: chip, wire": (stats["tx_bytes_nic"] - FCS_BYTES * stats["tx_pkts_nic"], port["tx_bytes"]),
        "frames received: chip, wire": (stats["rx_pkts_nic"], core["rx_frames"]),
        # The chip's byte counter has frames that were missed, too; the ring's has what was delivered.
        "bytes received: rings, wire": (stats["rx_bytes"] + TCP4_BYTES * joined, core["rx_bytes"]),
        "frames received: rings, chip": (stats["rx_packets"] + joined, stats["rx_pkts_nic"]),
        "frames received: interface, tap": (shown["rx"]["packets"], stats["netdev_rx_frames"]),
        "bytes received: interface, tap": (shown["rx"]["bytes"], stats["netdev_rx_bytes"]),
        "frames sent: interface, tap": (shown["tx"]["packets"], stats["netdev_tx_frames"]),
        "bytes sent: interface, tap": (shown["tx"]["bytes"], stats["netdev_tx_bytes"]),
        "frames sent: rings, tap": (stats["tx_packets"], stats["netdev_tx_frames"]),
    }


def unequal(stage: Stage) -> dict[str, tuple[int, int]]:
    """What is not equal, once the strays of two IPv6 stacks leave a quiet moment."""
    rows: dict[str, tuple[int, int]] = {}
    for _ in range(40):
        rows = {what: pair for what, pair in counted(stage).items() if pair[0] != pair[1]}
        if not rows:
            break
        time.sleep(0.1)
    return rows


@pytest.mark.parametrize(("mode", "queues", "mtu"), [("irq", 4, 1500), ("hybrid", 2, 9000), ("poll", 1, 9710)], ids=str)
def test_streams_arrive_as_they_were_sent(stage: Stage, mode: str, queues: int, mtu: int) -> None:
    device = stage.device()
    driver = stage.driver("--mode", mode, "--queues", str(queues), "--mtu", str(mtu))
    stage.address(mtu)
    for address in (WIRE4, WIRE6):
        stage.ping(address)
        stage.ping(address, "-M", "do", "-s", str(mtu - (28 if address == WIRE4 else 48)))
    host, wire = stage.host, stage.wire
    stage.tcp_many([(host, wire, WIRE4, 5201), (wire, host, HOST6, 5202)], SIZE)
    stage.tcp_many([(wire, host, HOST4, 5203), (host, wire, WIRE6, 5204)], SIZE)
    udp(stage, WIRE4, 5205)
    udp(stage, WIRE6, 5206)
    assert unequal(stage) == {}
    stats = stage.stats()
    assert stats["netdev_tx_gso"] > 0
    assert stats["netdev_csum_left"] > 0
    assert stats["netdev_csum_good"] > 0
    assert stats["netdev_tx_dropped"] == stats["rx_csum_offload_errors"] == 0
    assert (stats["vector_0_rearms"] > 0) == (mode != "poll")
    assert driver.end() == 0
    nothing_left(stage, driver)
    assert device.end() == 0
    assert not stage.socket.exists()
    assert not stage.control.exists()


def test_flows_spread_over_four_queues(stage: Stage) -> None:
    stage.device()
    driver = stage.driver("--queues", "4")
    table = driver.log.read_text()
    assert [f"ixlab-{HOST_IF}-TxRx-{n}" in table for n in range(5)] == [True] * 4 + [False]
    stage.address()
    stage.tcp_many([(stage.wire, stage.host, HOST4, 5300 + n) for n in range(12)], 1 << 20)
    stats = stage.stats()
    used = [n for n in range(4) if stats[f"rx_queue_{n}_packets"] > 100]
    assert len(used) > 1
    assert sum(stats[f"rx_queue_{n}_packets"] for n in range(4)) == stats["rx_packets"]
    assert driver.end(signal.SIGINT) == 0
    nothing_left(stage, driver)


# Each refused connection is a flow of its own: a SYN one way, a RST back.
FLOWS = """
import socket, sys
for _ in range(200):
    with socket.socket() as sock:
        sock.settimeout(20)
        assert sock.connect_ex((sys.argv[1], 9)) == 111
"""


def test_eight_rings_on_two_vectors_are_all_used(stage: Stage) -> None:
    """The kernel spreads flows over the interface's queues; each has a ring of its own, whatever vector that is on."""
    stage.device("--fault", "few-msix=3")
    driver = stage.driver("--queues", "8")
    stage.address()
    stage.ping(WIRE4)
    table = [row[2:] for row in stage.ask_driver("vectors")]
    assert table == [["0 2 4 6", "0 2 4 6"], ["1 3 5 7", "1 3 5 7"], ["", ""]]
    before = stage.stats()
    stage.host.run(sys.executable, "-c", FLOWS, WIRE4)
    after = stage.stats()
    for way in ("tx", "rx"):
        names = [f"{way}_queue_{n}_packets" for n in range(8)]
        assert all(after[name] > before[name] for name in names), {name: after[name] for name in names}
    assert driver.end() == 0
    nothing_left(stage, driver)


def test_what_is_done_to_the_interface_is_done_to_the_nic(stage: Stage) -> None:
    stage.device()
    driver = stage.driver("--queues", "2")
    stage.address()
    stage.ping(WIRE4)
    host, wire = stage.host, stage.wire

    # MTU
    wire.run("ip", "link", "set", WIRE_IF, "mtu", "9000")
    host.run("ip", "link", "set", HOST_IF, "mtu", "9000")
    large = ("ping", "-c", "1", "-W", "1", "-M", "do", "-s", "8972", WIRE4)
    eventually(lambda: "1 received" in host.run(*large, check=False), "a jumbo ping is answered")
    host.run("ip", "link", "set", HOST_IF, "mtu", "20000")
    eventually(lambda: stage.link(host, HOST_IF)["mtu"] == 9000, "an impossible MTU is taken back")
    assert "the 82599 takes 68 to 9710" in driver.log.read_text()

    # Promiscuous, by whoever looks at the interface
    def fctrl() -> int:
        return int(stage.ask_driver("regs all FCTRL")[0]["fields"].get("UPE", 0))

    assert fctrl() == 0
    host.run("ip", "link", "set", HOST_IF, "promisc", "on")
    eventually(fctrl, "the NIC is promiscuous")
    host.run("ip", "link", "set", HOST_IF, "promisc", "off")
    eventually(lambda: not fctrl(), "the NIC is not promiscuous any more")

    # Down is dark at the other end; up is light again, and the counters go on
    packets = stage.stats()["netdev_rx_frames"]
    host.run("ip", "link", "set", HOST_IF, "down")
    eventually(lambda: "NO-CARRIER" in stage.link(wire, WIRE_IF)["flags"], "the wire is dark")
    assert stage.stats()["netdev_rx_frames"] >= packets
    # Another address and another name, too
    host.run("ip", "link", "set", HOST_IF, "address", "02:00:00:00:be:ef")
    host.run("ip", "link", "set", HOST_IF, "up")
    stage.wait_for_link()
    host.run("ip", "address", "replace", f"{HOST4}/24", "dev", HOST_IF)
    eventually(lambda: "1 received" in host.run("ping", "-c", "1", "-W", "1", WIRE4, check=False), "ping is back")
    assert "02:00:00:00:be:ef" in wire.run("ip", "neigh")
    assert stage.stats()["netdev_rx_frames"] > packets
    assert driver.end() == 0
    nothing_left(stage, driver)


def test_streams_survive_resets_of_the_port(stage: Stage) -> None:
    stage.device()
    driver = stage.driver("--queues", "2")
    stage.address()

    def shake() -> None:
        for mtu in (1600, 1500, 1600, 1500):
            stage.host.run("ip", "link", "set", HOST_IF, "mtu", str(mtu))
            time.sleep(0.1)

    resets = stage.stats()["resets"]
    thread = threading.Thread(target=shake)
    thread.start()
    stage.tcp_many([(stage.host, stage.wire, WIRE4, 5201), (stage.wire, stage.host, HOST4, 5202)], SIZE)
    thread.join(60)
    assert stage.stats()["resets"] > resets
    assert driver.end() == 0
    nothing_left(stage, driver)


def test_the_interface_may_move_to_another_namespace(stage: Stage) -> None:
    stage.device()
    driver = stage.driver()
    with Namespace("elsewhere") as there:
        holder = there.path.split("/")[2]
        stage.host.run("ip", "link", "set", HOST_IF, "netns", holder, "name", "moved0")
        there.run("ip", "address", "add", f"{HOST4}/24", "dev", "moved0")
        there.run("ip", "link", "set", "moved0", "mtu", "9000", "up")
        stage.wire.run("ip", "address", "add", f"{WIRE4}/24", "dev", WIRE_IF)
        stage.wire.run("ip", "link", "set", WIRE_IF, "mtu", "9000")
        large = ("ping", "-c", "1", "-W", "1", "-M", "do", "-s", "8972", WIRE4)
        eventually(lambda: "1 received" in there.run(*large, check=False), "ping from over there")
        assert driver.end() == 0
        assert interfaces(there) == {"lo"}
    assert stage.run_dir() == []


def test_carrier_follows_the_module_and_the_cable(stage: Stage) -> None:
    stage.device()
    driver = stage.driver()
    stage.wait_for_link()

    def dark() -> bool:
        return "NO-CARRIER" in stage.link(stage.host, HOST_IF)["flags"]

    stage.wire.run("ip", "link", "set", WIRE_IF, "down")
    eventually(dark, "no carrier with the far end down")
    stage.wire.run("ip", "link", "set", WIRE_IF, "up")
    stage.wait_for_link()
    stage.ask_device({"sfp": "none"})
    eventually(dark, "no carrier without a module")
    stage.ask_device({"sfp": "lr"})
    stage.wait_for_link()
    assert stage.ask_driver("module")["type"] == "10GBASE-LR"
    assert driver.end() == 0


# ---- sudden ends ---------------------------------------------------------------------------------------------------


def test_a_killed_device_ends_the_driver_with_a_word(stage: Stage) -> None:
    device = stage.device()
    driver = stage.driver("--queues", "2")
    stage.address()
    stage.ping(WIRE4)
    device.end(signal.SIGKILL)
    assert driver.process.wait(40) == Exit.NO_ANSWER
    said = driver.log.read_text()
    assert "Traceback" not in said
    (line,) = [line for line in said.splitlines() if "no longer answers" in line]  # said once
    assert line.startswith(f"driver: {stage.nic}: ")
    assert "start both again" in line
    nothing_left(stage, driver)


def test_a_killed_driver_leaves_a_claim_that_the_next_one_takes_over(stage: Stage) -> None:
    device = stage.device()
    first = stage.driver("--queues", "2")
    stage.address()
    stage.ping(WIRE4)
    first.end(signal.SIGKILL)
    eventually(
        lambda: HOST_IF not in [link["ifname"] for link in stage.ip(stage.host, "link")], "the interface is gone"
    )
    assert [Path(name).suffix for name in stage.run_dir()] == [".claim", ".sock"]
    second = stage.driver("--queues", "2")
    stage.address()
    stage.ping(WIRE4)
    stage.tcp(stage.host, stage.wire, WIRE4, SIZE // 4)
    assert second.end() == 0
    nothing_left(stage, second)
    assert device.end() == 0


def test_a_removed_interface_ends_the_driver_with_a_word(stage: Stage) -> None:
    stage.device()
    driver = stage.driver()
    stage.host.run("ip", "link", "del", HOST_IF)
    assert driver.process.wait(40) == Exit.FAILED
    assert "the network interface is gone" in driver.log.read_text()
    assert "Traceback" not in driver.log.read_text()
    nothing_left(stage, driver)
    assert stage.driver().end() == 0  # the NIC is as good as before


def test_an_idle_driver_is_interrupted_only_by_its_own_service_task(stage: Stage) -> None:
    stage.device()
    driver = stage.driver("--queues", "2")
    stage.address()
    before = stage.stats()
    time.sleep(1)
    after = stage.stats()
    polls = sum(after[f"vector_{n}_polls"] - before[f"vector_{n}_polls"] for n in range(2))
    assert polls < 200  # a loop that spins makes a million
    assert driver.end() == 0
