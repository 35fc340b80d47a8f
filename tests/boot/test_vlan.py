# SPDX-License-Identifier: BSD-3-Clause
"""802.1Q with stock ixgbe: tags put on and taken off by the NIC or by software, and foreign VLANs kept out.

One guest with three NICs: ``eth0`` at the tap, where tags are seen and made by hand, and two at the ends of one cable.
The second of these lives in a namespace of its own, so the kernel's 8021q and ixgbe are at both ends.
"""

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from scapy.compat import raw
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether
from scapy.packet import Packet, Raw

from ci.demo import FCS_BYTES, HOST4, WIRE4
from ci.vm import MAC, NicOptions, Options, Vm
from tests.boot.figures import quiet, rises, tally
from tests.boot.judge import MIB, WAIT_S, allow_frames_left_behind, counters, eventually, feature
from tests.boot.traffic import captured, listening, send_frames

MACS = (MAC, "02:00:00:82:59:a0", "02:00:00:82:59:b0")
VLAN, FOREIGN = 100, 300
TAG_BYTES = 4
PORT = 7000
COUNT = 25
TAGGED4 = "203.0.113.2"  # TEST-NET-3, RFC 5737
BY_HAND = "02:00:00:00:aa:ff"
FAR = "ip netns exec far "


@pytest.fixture(scope="module", params=["6.12", "6.1"])
def vm(
    request: pytest.FixtureRequest, start: Callable[[Options], Vm], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Vm]:
    cable = ("--peer", str(tmp_path_factory.mktemp("cable") / "sock"))
    nics = (NicOptions(), NicOptions(mac=MACS[1], port=cable), NicOptions(mac=MACS[2], port=cable))
    made = start(Options(kernel=request.param, nics=nics))
    allow_frames_left_behind(made)  # a change at one end takes the other's link down
    made.run("modprobe -a ixgbe 8021q")
    assert made.bind() == "eth0"
    for number in (1, 2):
        assert made.run(f"ls /sys/bus/pci/devices/0000:0{number + 1}:00.0/net").out.split() == [f"eth{number}"]
    made.run(f"ip link add link eth0 name eth0.{VLAN} type vlan id {VLAN}")
    made.run(f"ip address add {TAGGED4}/24 dev eth0.{VLAN}; ip link set eth0.{VLAN} up")
    made.run("ip netns add far; ip link set eth2 netns far")
    for end in ENDS:
        end.run(made, f"ip link set {end.interface} up; ip link set lo up")
        end.run(made, f"ip link add link {end.interface} name tagged type vlan id {VLAN}")
        end.run(made, f"ip address add {end.v4}/24 dev tagged; ip address add {end.v6}/64 dev tagged nodad")
        end.run(made, "ip link set tagged up")
        other = ENDS[1 - ENDS.index(end)]  # no frame shorter than 64 bytes: those are padded, and counted so
        for address in (other.v4, other.v6):
            end.run(made, f"ip neigh replace {address} lladdr {MACS[other.number - 1]} dev tagged nud permanent")
    for end in ENDS:
        end.wait_for_link(made)
    yield made
    made.stop_qemu()


@dataclass(frozen=True)
class End:
    """One end of the cable between the two NICs."""

    interface: str
    number: int
    prefix: str
    v4: str
    v6: str

    def run(self, vm: Vm, command: str) -> str:
        return vm.run(f"{self.prefix}sh -c '{command}'").out

    def wait_for_link(self, vm: Vm) -> None:
        words = f"cat /sys/class/net/{self.interface}/carrier"
        eventually(lambda: self.run(vm, words).strip() == "1", f"{self.interface} has a carrier")

    def set(self, vm: Vm, words: str) -> None:
        self.run(vm, f"ethtool -K {self.interface} {words}")
        for end in ENDS:
            end.wait_for_link(vm)

    def counters(self, vm: Vm) -> dict[str, int]:
        out = self.run(vm, f"ethtool -S {self.interface}")
        return {name: int(value) for name, value in re.findall(r"^ *(\S+): (\d+)$", out, re.MULTILINE)}

    def card(self, vm: Vm) -> dict[str, int]:
        report: Any = vm.nics[self.number - 1].ask(report=True)["report"]
        found: dict[str, int] = report["counters"]
        return found


ENDS = NEAR_END, FAR_END = (
    End("eth1", 2, "", "198.51.100.1", "2001:db8:64::1"),
    End("eth2", 3, FAR, "198.51.100.2", "2001:db8:64::2"),
)


def between(vm: Vm, source: End, target: End, address: str, len_bytes: int = 4 * MIB) -> None:
    """TCP from one end to the other, SHA-256 equal."""
    tail = f"{address} 5400 {len_bytes}"
    taker = vm.begin(f"exec {target.prefix}python3 -m ci.traffic receive {tail}")
    taker.wait_for("listening", WAIT_S)
    sent = vm.run(f"{source.prefix}python3 -m ci.traffic send {tail}").out
    said = [json.loads(text.splitlines()[-1]) for text in (sent, taker.wait(WAIT_S).out)]
    assert said[0]["bytes"] == said[1]["bytes"] == len_bytes
    assert said[0]["sha256"] == said[1]["sha256"]


def both_ways(vm: Vm) -> None:
    between(vm, NEAR_END, FAR_END, FAR_END.v4)
    between(vm, FAR_END, NEAR_END, NEAR_END.v6)


def echoes(vm: Vm, size: int = 56) -> None:
    vm.run(f"ping -c 1 -w 30 {FAR_END.v4}")
    assert " 0% packet loss" in vm.run(f"ping -q -c 100 -A -W 30 -s {size} {FAR_END.v4}").out


@pytest.mark.parametrize("near", ["", "txvlan", "rxvlan", "rx-vlan-filter", "txvlan rxvlan rx-vlan-filter"])
def test_two_kernels_talk_in_a_vlan(vm: Vm, near: str) -> None:
    """With the one end's offloads on, whatever those of the other are."""
    names = near.split()
    if names:
        NEAR_END.set(vm, " ".join(f"{name} off" for name in names))
    echoes(vm)
    both_ways(vm)
    if names:
        NEAR_END.set(vm, " ".join(f"{name} on" for name in names))


def test_jumbo_frames_in_a_vlan(vm: Vm) -> None:
    for end in ENDS:
        end.run(vm, f"ip link set {end.interface} mtu 9000; ip link set tagged mtu 9000")
    for end in ENDS:
        end.wait_for_link(vm)
    echoes(vm, 8972)
    both_ways(vm)
    for end in ENDS:
        end.run(vm, f"ip link set tagged mtu 1500; ip link set {end.interface} mtu 1500")
    for end in ENDS:
        end.wait_for_link(vm)


def figures(vm: Vm, way: str) -> list[int]:
    """Frames that the driver counts, that the chip counts, that the VLAN counts; and the bytes only the chip counts."""
    now = NEAR_END.counters(vm)
    tagged = json.loads(NEAR_END.run(vm, "ip -s -j link show dev tagged"))[0]["stats64"][way]["packets"]
    more = now[f"{way}_bytes_nic"] - FCS_BYTES * now[f"{way}_pkts_nic"] - now[f"{way}_bytes"]
    return [now[f"{way}_packets"], now[f"{way}_pkts_nic"], tagged, more]


@pytest.mark.parametrize("state", ["on", "off"])
@pytest.mark.parametrize("way", ["tx", "rx"])
def test_who_handles_the_tag(vm: Vm, way: str, state: str) -> None:
    """A tag that the NIC puts on or takes off is none of the bytes that the driver counts."""
    if state == "off":
        NEAR_END.set(vm, f"{way}vlan off")
    # A reading takes a while: one that the next one repeats was not disturbed by a frame of the kernel's own.
    before = eventually(lambda: (now := figures(vm, way)) == figures(vm, way) and now, "nothing is on its way")
    assert before
    vm.run(f"ping -q -c 50 -A -w 60 {FAR_END.v4}")

    def agreed() -> tuple[int, int] | None:
        """The tagged frames and the bytes only the chip counts, of one reading in which all counters are level."""
        frames, of_chip, tagged, more = (now - then for now, then in zip(figures(vm, way), before, strict=True))
        return (tagged, more) if frames == of_chip >= tagged >= 50 else None

    found = eventually(agreed, "driver and chip count the same frames")
    assert found
    tagged, more = found
    assert more == (TAG_BYTES * tagged if state == "on" else 0)
    if state == "off":
        NEAR_END.set(vm, f"{way}vlan on")


def test_a_vlan_that_the_other_end_has_not(vm: Vm) -> None:
    """Its frames end in the other NIC's filter, until that end has it too, or filters no more."""
    NEAR_END.run(vm, f"ip link add link eth1 name foreign type vlan id {FOREIGN}")
    NEAR_END.run(vm, "ip address add 203.0.113.65/26 dev foreign; ip link set foreign up")

    def reach() -> bool:
        """Whether a broadcast in that VLAN gets through the other NIC's filter."""
        before = FAR_END.card(vm)["rx_filtered"]
        with captured(vm, f"vlan {FOREIGN}", "-q", interface="eth2", prefix=FAR) as capture:
            NEAR_END.run(vm, "ping -c 1 -W 1 203.0.113.66 || true")
            eventually(
                lambda: capture.frames_so_far or FAR_END.card(vm)["rx_filtered"] > before, "it came, or was stopped"
            )
        return capture.frames > 0

    assert not reach()
    FAR_END.set(vm, "rx-vlan-filter off")
    assert reach()
    FAR_END.set(vm, "rx-vlan-filter on")
    assert not reach()
    FAR_END.run(vm, f"ip link add link eth2 name foreign type vlan id {FOREIGN}")
    FAR_END.run(vm, "ip address add 203.0.113.66/26 dev foreign; ip link set foreign up")
    assert " 0% packet loss" in NEAR_END.run(
        vm, "ping -c 1 -w 30 203.0.113.66 >/dev/null; ping -c 5 -i 0.01 203.0.113.66"
    )
    FAR_END.run(vm, "ip link delete foreign")
    assert not reach()
    NEAR_END.run(vm, "ip link delete foreign")


# ---- tags made and looked at by hand


def datagram(*tags: Packet) -> bytes:
    frame: Packet = Ether(dst=MAC, src=BY_HAND)
    for tag in tags:
        frame /= tag
    frame /= IP(src="203.0.113.1", dst=TAGGED4) / UDP(sport=1, dport=PORT) / Raw(b"hello" * 20)
    return bytes(raw(frame))


@contextlib.contextmanager
def promiscuous(vm: Vm) -> Iterator[None]:
    vm.run("ip link set eth0 promisc on")
    try:
        yield
    finally:
        vm.run("ip link set eth0 promisc off")


def came(vm: Vm, *tags: Packet) -> tuple[int, int, int]:
    """Send tagged datagrams: how many passed the NIC's filters, came to the driver, and to a socket of the VLAN."""
    before = tally(vm)
    with listening(vm, {"address": TAGGED4, "port": PORT}) as got:
        send_frames(vm, datagram(*tags), count=COUNT)
        rise = rises(
            vm,
            before,
            lambda rise: (
                rise["card.rx_frames"] + rise["card.rx_filtered"] == COUNT
                and rise["nic.rx_packets"] == rise["card.rx_frames"]
            ),
        )
    assert rise["tap.tx.packets"] == rise["port.rx_frames"] == COUNT
    assert rise["card.rx_frames"] + rise["card.rx_filtered"] == COUNT
    assert rise["nic.rx_pkts_nic"] == rise["card.rx_frames"]
    return rise["card.rx_frames"], rise["nic.rx_packets"], got[0]


@pytest.mark.parametrize("rxvlan", ["on", "off"])
def test_tagged_frames_from_the_wire(vm: Vm, rxvlan: str) -> None:
    with feature(vm, "rxvlan", "off") if rxvlan == "off" else contextlib.nullcontext():
        quiet(vm)
        assert came(vm, Dot1Q(vlan=VLAN)) == (COUNT, COUNT, COUNT)
        assert came(vm, Dot1Q(vlan=VLAN, prio=5)) == (COUNT, COUNT, COUNT)
        assert came(vm, Dot1Q(vlan=FOREIGN)) == (0, 0, 0)
        with promiscuous(vm):
            assert came(vm, Dot1Q(vlan=FOREIGN)) == (COUNT, COUNT, 0)
        assert came(vm, Dot1Q(vlan=FOREIGN)) == (0, 0, 0)


def test_without_the_filter_every_vlan_comes(vm: Vm) -> None:
    with feature(vm, "rx-vlan-filter", "off"):
        quiet(vm)
        assert came(vm, Dot1Q(vlan=VLAN)) == (COUNT, COUNT, COUNT)
        assert came(vm, Dot1Q(vlan=FOREIGN)) == (COUNT, COUNT, 0)
    quiet(vm)
    assert came(vm, Dot1Q(vlan=FOREIGN)) == (0, 0, 0)


def test_priority_tags_belong_to_no_vlan(vm: Vm) -> None:
    """VLAN 0 is none: the frame is the untagged interface's, which does not have that address but is asked."""
    quiet(vm)
    assert came(vm, Dot1Q(vlan=0, prio=7))[:2] == (COUNT, COUNT)


def test_two_tags(vm: Vm) -> None:
    """The NIC takes off the outer one only; the inner one is there to be seen."""
    with captured(vm, f"ether src {BY_HAND}", "-e", interface=f"eth0.{VLAN}") as capture:
        send_frames(vm, datagram(Dot1Q(vlan=VLAN), Dot1Q(vlan=200)))
        capture.wait_for(r"vlan 200, p 0, ethertype IPv4")
    with captured(vm, f"ether src {BY_HAND}", "-e") as capture:
        send_frames(vm, datagram(Dot1AD(vlan=VLAN), Dot1Q(vlan=200)))
        capture.wait_for(rf"vlan {VLAN}, p 0, ethertype 802.1Q \(0x8100\), vlan 200, p 0, ethertype IPv4")


@pytest.mark.parametrize("txvlan", ["on", "off"])
def test_tags_on_the_wire(vm: Vm, txvlan: str) -> None:
    with (
        feature(vm, "txvlan", "off") if txvlan == "off" else contextlib.nullcontext(),
        captured(vm, "vlan", "-e", guest=False) as capture,
    ):
        vm.run("ping -c 3 -W 1 203.0.113.9", check=False)  # nobody is asked, three times
        capture.wait_for(
            rf"{MAC} > ff:ff:ff:ff:ff:ff, ethertype 802.1Q .*vlan {VLAN}, p 0, ethertype ARP.*203\.0\.113\.9"
        )


def test_the_untagged_interface_still_works(vm: Vm) -> None:
    assert HOST4 in vm.run("ip address show dev eth0").out
    vm.run(f"ping -c 3 -i 0.1 -w 30 {WIRE4}")
    assert counters(vm)["rx_errors"] == 0
