# SPDX-License-Identifier: BSD-3-Clause
"""What stock ixgbe moves through the NIC: all of it arrives as it was sent, or some counter says where it stayed."""

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from scapy.compat import raw
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from ci import guest
from ci.demo import FCS_BYTES, HOST4, HOST6, WIRE4, WIRE6
from ci.nic import NicOptions
from ci.say import CiError
from ci.vm import MAC, Options, Vm
from tests.boot import judge
from tests.boot.figures import Rises, quiet, rises, shown, tally
from tests.boot.judge import GUEST, MIB, WIRE, eventually, feature, ping, settle, tcp
from tests.boot.traffic import Here, Streams, captured, listening, send, send_frames

NEWEST = "6.12"
BOTH_KERNELS = (NEWEST, "6.1")
DATAGRAMS = 12000
PORT = 7000
HEADERS_BYTES = 14


@pytest.fixture(scope="module")
def vm(request: pytest.FixtureRequest, start: Callable[[Options], Vm]) -> Iterator[Vm]:
    # Frames on the tap are counted, and looked at.
    made = start(Options(kernel=request.param, smp=4, nics=(NicOptions(more=("--tap-offload", "off")),)))
    assert made.bind() == "eth0"
    yield made
    made.stop_qemu()


@pytest.fixture(autouse=True)
def mtu(request: pytest.FixtureRequest, vm: Vm) -> int:
    """What a test asks for, else Ethernet's own; changing it takes a second, so it stays until the next one asks."""
    size: int = getattr(request, "param", 1500)
    if vm.run("cat /sys/class/net/eth0/mtu").out.strip() != str(size):
        judge.mtu(vm, size)
    return size


def kernels(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vm", names, indirect=True)


# ---- echoes


@kernels(NEWEST)
@pytest.mark.parametrize("mtu", [1500, 9000], indirect=True)
@pytest.mark.parametrize("address", WIRE)
@pytest.mark.parametrize("size", [64, 1452, 4000, 8952, 9000])
def test_thousand_pings(vm: Vm, mtu: int, size: int, address: str) -> None:
    """What does not fit goes in fragments."""
    ping(vm, count=1000, size=size, address=address, pace="-A")


@kernels("6.1")
@pytest.mark.parametrize("address", WIRE)
def test_pings(vm: Vm, address: str) -> None:
    for size in (64, 1452, 9000):
        ping(vm, count=200, size=size, address=address, pace="-A")


# ---- TCP


@kernels(*BOTH_KERNELS)
@pytest.mark.parametrize("mtu", [1500, 9000], indirect=True)
def test_tcp_both_ways(vm: Vm, mtu: int) -> None:
    tcp(vm, 16 * MIB, (*WIRE, *GUEST))


@kernels(NEWEST)
@pytest.mark.parametrize("mtu", [1500, 9000], indirect=True)
@pytest.mark.parametrize("name", ["tso", "gso", "gro", "tx", "rx", "sg", "rxhash", "txvlan", "rxvlan"])
def test_tcp_without_an_offload(vm: Vm, mtu: int, name: str) -> None:
    with feature(vm, name):
        tcp(vm, 2 * MIB, (WIRE4, HOST6) if mtu == 1500 else (WIRE6, HOST4))


@kernels(*BOTH_KERNELS)
@pytest.mark.parametrize("mtu", [1500, 9000], indirect=True)
def test_tcp_without_any_offload(vm: Vm, mtu: int) -> None:
    names = ("tso", "gso", "gro", "tx", "rx", "rxhash", "txvlan", "rxvlan")
    words = " ".join(f"{name} {{state}}" for name in names)
    vm.run(f"ethtool -K eth0 {words.format(state='off')}")
    settle(vm)
    tcp(vm, 4 * MIB, (*WIRE, *GUEST))
    vm.run(f"ethtool -K eth0 sg on {words.format(state='on')}")
    settle(vm)


@kernels(*BOTH_KERNELS)
def test_large_receive_offload(vm: Vm) -> None:
    with feature(vm, "lro", "on"):
        tcp(vm, 8 * MIB, GUEST)


# ---- what each offload does


def long_frames(vm: Vm) -> tuple[int, int, int]:
    """How many frames longer than the MTU tcpdump sees of a transfer, in the guest and on the wire; and TSO packets."""
    longer = f"src host {HOST4} and greater 1600"
    quiet(vm)
    before = tally(vm)
    with captured(vm, longer, "-q") as inside, captured(vm, longer, "-q", guest=False) as outside:
        tcp(vm, 2 * MIB, (WIRE4,))
    rise = rises(vm, before, lambda rise: rise["nic.tx_packets"] == rise["tap.rx.packets"])
    assert rise["nic.tx_packets"] == rise["tap.rx.packets"]
    return inside.frames, outside.frames, rise["card.tx_packets_tso"]


@kernels(*BOTH_KERNELS)
def test_segments_are_cut_by_the_nic_or_by_software(vm: Vm) -> None:
    inside, outside, packets = long_frames(vm)
    assert inside > 0
    assert outside == 0
    assert packets > 0
    with feature(vm, "tso"):
        assert long_frames(vm) == (0, 0, 0)


@kernels(*BOTH_KERNELS)
@pytest.mark.parametrize("state", ["on", "off"])
def test_sums_are_made_by_the_nic_or_by_software(vm: Vm, state: str) -> None:
    """tcpdump in the guest sees them before the NIC does."""
    with feature(vm, "tx", state) if state == "off" else contextlib.nullcontext():
        for address in WIRE:
            udp = f"udp and dst host {address}"
            with captured(vm, udp, "-vv") as inside, captured(vm, udp, "-vv", guest=False) as outside:
                send(vm, {"to": address, "port": PORT, "count": 1, "size": 100}, guest=True)
                inside.wait_for(r"udp cksum|udp sum")
                outside.wait_for(r"udp cksum|udp sum")
            assert ("bad udp cksum" in inside.out) == (state == "on")
            assert "udp sum ok" in outside.out


@kernels(*BOTH_KERNELS)
@pytest.mark.parametrize("state", ["on", "off"])
def test_wrong_sums_are_found_by_the_nic_or_by_software(vm: Vm, state: str) -> None:
    head = Ether(dst=MAC)
    wrong = [
        head / IP(src=WIRE4, dst=HOST4, chksum=0x1234) / UDP(dport=PORT) / Raw(b"hello" * 9),
        head / IP(src=WIRE4, dst=HOST4) / TCP(dport=PORT, chksum=0x1234) / Raw(b"hello" * 9),
        head / IPv6(src=WIRE6, dst=HOST6) / TCP(dport=PORT, chksum=0x1234) / Raw(b"hello" * 9),
        head / IP(src=WIRE4, dst=HOST4) / UDP(dport=PORT, chksum=0x1234) / Raw(b"hello" * 9),
        head / IP(src=WIRE4, dst=HOST4) / UDP(dport=PORT) / Raw(b"hello" * 9),
        head / IP(src=WIRE4, dst=HOST4) / UDP(dport=PORT, chksum=0) / Raw(b"hello" * 9),
    ]
    with feature(vm, "rx", state) if state == "off" else contextlib.nullcontext():
        quiet(vm)
        before = tally(vm)
        with listening(vm, {"port": PORT}) as got:
            send_frames(vm, *(bytes(raw(frame)) for frame in wrong), count=10)
            rise = rises(vm, before, lambda rise: rise["udp.InDatagrams"] == 20 and rise["udp.InCsumErrors"] == 10)
    assert got == [20]  # the right one, and the one without
    assert rise["udp.InCsumErrors"] == 10
    # Of UDP the driver does not count any: the chip is known to call a sum of 0 wrong.
    assert rise["nic.rx_csum_offload_errors"] == (30 if state == "on" else 0)


# ---- figures


def frames_balance(rise: Rises) -> bool:
    return (
        rise["tap.tx.packets"] == rise["port.rx_frames"] == rise["nic.rx_pkts_nic"]
        and rise["nic.rx_packets"] == rise["nic.rx_pkts_nic"] - rise["nic.rx_no_dma_resources"]
        and rise["tap.rx.packets"] == rise["port.tx_frames"] == rise["nic.tx_pkts_nic"]
    )


def sum_of_queues(rise: Rises, way: str, what: str) -> int:
    return sum(value for name, value in rise.items() if re.fullmatch(rf"nic\.{way}_queue_\d+_{what}", name))


@kernels(*BOTH_KERNELS)
def test_all_counters_say_the_same(vm: Vm) -> None:
    """The driver's, its rings', the chip's, the device's, and those of the tap: frames and bytes."""
    quiet(vm)
    before = tally(vm)
    tcp(vm, 8 * MIB, (*WIRE, *GUEST))
    ping(vm, size=3000)
    rise = rises(vm, before, frames_balance)
    for way, other in (("rx", "tx"), ("tx", "rx")):
        frames, len_bytes = rise[f"tap.{other}.packets"], rise[f"tap.{other}.bytes"]
        assert frames > 1000
        assert frames == rise[f"port.{way}_frames"] == rise[f"card.{way}_frames"] == rise[f"nic.{way}_pkts_nic"]
        assert (
            frames == rise[f"nic.{way}_packets"] == rise[f"link.{way}.packets"] == sum_of_queues(rise, way, "packets")
        )
        assert len_bytes == rise[f"port.{way}_bytes"] == rise[f"card.{way}_bytes"]
        assert len_bytes == rise[f"nic.{way}_bytes"] == rise[f"link.{way}.bytes"] == sum_of_queues(rise, way, "bytes")
        assert len_bytes + FCS_BYTES * frames == rise[f"nic.{way}_bytes_nic"]
    errors = {name: value for name, value in rise.items() if re.search(r"error|dropped|missed|collision", name)}
    assert not any(errors.values()), errors


@kernels(NEWEST)
def test_short_frames_are_padded(vm: Vm) -> None:
    """The driver gives 43 bytes, the NIC sends 60 and a frame check sequence."""
    quiet(vm)
    before = tally(vm)
    with listening(vm, {"port": PORT}, guest=False) as got:
        send(vm, {"to": WIRE4, "port": PORT, "count": 50, "size": 1}, guest=True)
        rise = rises(vm, before, lambda rise: rise["nic.tx_pkts_nic"] >= 50 and rise["wire.InDatagrams"] >= 50)
    assert got == [50]
    assert (rise["nic.tx_bytes"], rise["tap.rx.bytes"], rise["nic.tx_bytes_nic"]) == (50 * 43, 50 * 60, 50 * 64)


# ---- datagrams, the shortest there are: lost they may be, but not unseen


@kernels(*BOTH_KERNELS)
def test_every_datagram_to_the_guest_is_accounted_for(vm: Vm, record_property: Callable[[str, object], None]) -> None:
    quiet(vm)
    before = tally(vm)
    with listening(vm, {"port": PORT, "buffer": 1 << 16}) as got:
        send(vm, {"to": HOST4, "port": PORT, "count": DATAGRAMS})
        rise = datagrams_in(vm, before)
    balance_in(rise, got[0])
    record_property("to the guest", f"{got[0]} of {DATAGRAMS}")


@kernels(NEWEST)
@pytest.mark.parametrize("pause", ["on", "off"])
def test_a_guest_that_stands_still_loses_datagrams_where_it_is_counted(vm: Vm, pause: str) -> None:
    """With flow control they wait, in the NIC and then in the tap, which drops what is too much; without, the NIC."""
    vm.run(f"ethtool -A eth0 rx {pause} tx {pause}", check=pause == "off")  # it says 79 if nothing is changed
    settle(vm)
    quiet(vm)
    before = tally(vm)
    with listening(vm, {"port": PORT, "buffer": 1 << 16}) as got:
        vm.qmp("stop")
        try:
            send(vm, {"to": HOST4, "port": PORT, "count": 2 * DATAGRAMS})
            eventually(lambda: taken(vm) > before["port.rx_frames"] + 1000, "more frames than a ring has room for")
        finally:
            vm.qmp("cont")
        rise = datagrams_in(vm, before)
    vm.run("ethtool -A eth0 rx on tx on", check=False)
    settle(vm)
    balance_in(rise, got[0], 2 * DATAGRAMS)
    lost = rise["tap.tx.dropped" if pause == "on" else "nic.rx_no_dma_resources"]
    assert lost > 0
    assert (rise["nic.rx_no_dma_resources"] > 0) == (pause == "off")


def taken(vm: Vm) -> int:
    report: Any = vm.ask_nic(report=True)["report"]
    return int(report["port"]["rx_frames"])


def datagrams_in(vm: Vm, before: dict[str, int]) -> Rises:
    return rises(
        vm,
        before,
        lambda rise: (
            frames_balance(rise)
            and rise["nic.rx_packets"] == rise["udp.InDatagrams"] + rise["udp.RcvbufErrors"] + rise["udp.MemErrors"]
        ),
    )


def balance_in(rise: Rises, got: int, sent: int = DATAGRAMS) -> None:
    assert sent == rise["wire.OutDatagrams"] == rise["tap.tx.packets"] + rise["tap.tx.dropped"]
    assert rise["tap.tx.packets"] == rise["port.rx_frames"] == rise["nic.rx_pkts_nic"]
    assert rise["nic.rx_pkts_nic"] == rise["nic.rx_packets"] + rise["nic.rx_no_dma_resources"]
    assert rise["nic.rx_packets"] == rise["link.rx.packets"] == sum_of_queues(rise, "rx", "packets")
    assert rise["nic.rx_packets"] == rise["udp.InDatagrams"] + rise["udp.RcvbufErrors"] + rise["udp.MemErrors"]
    assert rise["udp.InDatagrams"] == got > 0
    assert (rise["nic.rx_bytes"], rise["nic.rx_bytes_nic"]) == (
        60 * rise["nic.rx_packets"],
        64 * rise["nic.rx_pkts_nic"],
    )


@kernels(*BOTH_KERNELS)
def test_every_datagram_from_the_guest_is_accounted_for(vm: Vm, record_property: Callable[[str, object], None]) -> None:
    def lost_before_the_wire(rise: Rises) -> int:
        # fq_codel drops what waited for long, as it does on a busy machine, and UDP does not hear of it.
        return rise["udp.SndbufErrors"] + rise["link.tx.dropped"] + rise["qdisc.drops"]

    def all_there(rise: Rises) -> bool:
        came = rise["wire.InDatagrams"] + rise["wire.RcvbufErrors"] + rise["wire.MemErrors"]
        # The last one may wait in the guest's queueing discipline, where nobody counts it, while all others balance.
        all_sent = rise["nic.tx_packets"] == DATAGRAMS - lost_before_the_wire(rise)
        return all_sent and frames_balance(rise) and came == rise["tap.rx.packets"] - rise["tap.rx.dropped"]

    quiet(vm)
    before = tally(vm)
    with listening(vm, {"port": PORT, "buffer": 1 << 16}, guest=False) as got:
        send(vm, {"to": WIRE4, "port": PORT, "count": DATAGRAMS}, guest=True)
        rise = rises(vm, before, all_there)
    assert all_there(rise), shown(rise)
    assert rise["udp.OutDatagrams"] + rise["udp.SndbufErrors"] == DATAGRAMS
    assert rise["tap.rx.packets"] == rise["port.tx_frames"] == rise["nic.tx_packets"] == rise["link.tx.packets"]
    assert rise["nic.tx_packets"] == sum_of_queues(rise, "tx", "packets") == DATAGRAMS - lost_before_the_wire(rise)
    assert (rise["nic.tx_bytes"], rise["nic.tx_bytes_nic"]) == (
        60 * rise["nic.tx_packets"],
        64 * rise["nic.tx_packets"],
    )
    assert rise["wire.InDatagrams"] == got[0] > 0
    record_property("from the guest", f"{got[0]} of {DATAGRAMS}")


# ---- iperf3


def iperf3(vm: Vm, address: str, *options: str) -> dict[str, dict[str, int]]:
    """Let iperf3 judge; returns the sums of its report."""
    server = guest.by_loader(guest.userland() / "tree", "usr/bin/iperf3")
    here = Here(vm, [*server, "-s", "-1", "-B", address, "-p", "5301", "--forceflush"])
    try:
        here.wait_for("Server listening")
        out = vm.run(f"iperf3 -J -c {address} -p 5301 {' '.join(options)}", timeout_s=120).out
        here.end(None)
    finally:
        here.close()
    end: dict[str, dict[str, int]] = json.loads(out)["end"]
    return end


@kernels(NEWEST)
@pytest.mark.parametrize("way", [[], ["-R"]], ids=["out", "in"])
@pytest.mark.parametrize("address", WIRE)
def test_iperf3_tcp(vm: Vm, record_property: Callable[[str, object], None], address: str, way: list[str]) -> None:
    end = iperf3(vm, address, "-P", "4", "-n", "32M", *way)
    sent, got = end["sum_sent"], end["sum_received"]
    assert sent["bytes"] >= 32 * MIB
    assert got["bytes"] > 16 * MIB  # the end may come while some are under way; each side counts whole blocks, its own
    record_property("iperf3", f"{got['bits_per_second'] / 1e6:.0f} Mbit/s, {sent.get('retransmits', 0)} retransmits")


@kernels(NEWEST)
@pytest.mark.parametrize("way", [[], ["-R"]], ids=["out", "in"])
def test_iperf3_udp(vm: Vm, record_property: Callable[[str, object], None], way: list[str]) -> None:
    end = iperf3(vm, WIRE4, "-u", "-b", "20M", "-l", "1400", "-t", "2", *way)
    total = end["sum"]
    assert total["packets"] > 100
    assert 0 <= total["lost_packets"] < total["packets"] // 2
    record_property("iperf3 -u", f"{total['lost_packets']} of {total['packets']} lost")


# ---- changes under way


CHANGES = (
    ("-X eth0 weight 0 1", "-X eth0 default"),
    ("-G eth0 rx 64 tx 64", "-G eth0 rx 512 tx 512"),
    ("-G eth0 rx 4096 tx 4096", "-G eth0 rx 512 tx 512"),
    ("-C eth0 rx-usecs 200", "-C eth0 rx-usecs 1"),
    ("-A eth0 rx off tx off", "-A eth0 rx on tx on"),
    ("-L eth0 combined 1", "-L eth0 combined 4"),
    ("-L eth0 combined 3", "-L eth0 combined 4"),
    *((f"-K eth0 {name} off", f"-K eth0 {name} on") for name in ("gro", "rx", "rxhash", "rxvlan", "txvlan")),
    ("-K eth0 tso off", "-K eth0 tso on"),
    ("-K eth0 sg off", "-K eth0 sg on tso on gso on"),
    ("-K eth0 tx off", "-K eth0 tx on tso on"),
    ("-K eth0 lro on", "-K eth0 lro off"),
    ("-K eth0 ntuple on", "-K eth0 ntuple off"),
    ("-K eth0 rx-vlan-filter off", "-K eth0 rx-vlan-filter on"),
)


@kernels(*BOTH_KERNELS)
@pytest.mark.parametrize("part", ["rings", "offloads"])
def test_changed_under_tcp(vm: Vm, part: str) -> None:
    """Two connections, one each way, live through all of it."""
    changes = [pair for pair in CHANGES if pair[0].startswith("-K") == (part == "offloads")]
    if vm.options.kernel != NEWEST:
        changes = changes[::3]
    assert vm.complaints() == []
    judge.allow_frames_left_behind(vm)  # most changes take the link down under traffic
    with Streams(vm) as streams:
        for pair in changes:
            for change in pair:
                if vm.options.kernel == "6.1" and change.startswith("-X"):
                    # Debian 13's ethtool sets a field (input_xfrm) that Linux 6.1 does not know and refuses.
                    with pytest.raises(CiError, match="Invalid argument"):
                        vm.run(f"ethtool {change}")
                    continue
                vm.run(f"ethtool {change}")
                streams.flow(change)
    settle(vm)
    ping(vm)
