# SPDX-License-Identifier: BSD-3-Clause
"""Two guests with stock ixgbevf on one card, whose physical function our driver has on the host."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.boot.judge import eventually
from tests.boot.parties import MACS, NIC_ADDRESS, End, Party, echoes, party, seen_by, silent, tcp

KERNELS = ("6.12", "6.1")
PAIRS = [
    ("guest0", "guest1"),
    ("guest1", "guest0"),
    ("guest0", "wire"),
    ("wire", "guest0"),
    ("guest1", "wire"),
    ("wire", "guest1"),
    ("guest0", "pf"),
    ("pf", "guest0"),
    ("guest1", "pf"),
    ("pf", "guest1"),
]


@pytest.fixture(scope="module")
def we() -> Iterator[Party]:
    made = party(KERNELS)
    yield made
    made.close()


def report(we: Party) -> Any:
    return we.card.nic.ask(report=True)["report"]


@pytest.mark.parametrize("n", [0, 1])
def test_probe(we: Party, n: int) -> None:
    """Without a complaint, and with the address that the physical function's driver gives."""
    guest = we.guests[n]
    said = "\n".join(message.text for message in guest.vm.messages if "ixgbevf" in message.text)
    assert guest.mac == we.card.table()[n]["mac"] == MACS[n]
    assert f"ixgbevf {NIC_ADDRESS}: {guest.mac}" in said
    assert f"ixgbevf {NIC_ADDRESS}: Intel(R) 82599 Virtual Function" in said
    assert "NIC Link is Up 10 Gbps" in said
    assert "driver: ixgbevf" in guest.run("ethtool -i eth0")


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_ping(we: Party, source: str, target: str) -> None:
    for address in (we.ends[target].v4, we.ends[target].v6):
        echoes(we.ends[source], address)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_tcp(we: Party, source: str, target: str) -> None:
    tcp(we.ends[source], we.ends[target], we.ends[target].v4)


def test_what_stays_inside_is_never_on_the_wire(we: Party) -> None:
    one, other = we.guests
    with seen_by(we.wire, f"host {one.v4} and (host {other.v4} or host {we.pf.v4})") as lines:
        tcp(one, other, other.v4)
        tcp(one, we.pf, we.pf.v4)
    unicast = [line for line in lines if "ff:ff:ff:ff:ff:ff" not in line]
    assert unicast == []
    with seen_by(we.pf, f"host {one.v4} and host {other.v4}") as lines:
        echoes(one, other.v4)
    assert [line for line in lines if "ff:ff:ff:ff:ff:ff" not in line] == [], "nor with a third one"


@pytest.mark.parametrize("n", [0, 1])
def test_ethtool(we: Party, n: int) -> None:
    guest = we.guests[n]
    for each in we.guests:  # they have one device, and each reads its log
        each.vm.expect(
            r"RDT 23130 or RDH \d+ lies beyond", "its register test switches the queue on for patterns in RDT"
        )
    out = guest.run("ethtool -t eth0 offline", check=False)
    assert "The test result is PASS" in out, out
    guest.wait_for_carrier()
    we.card.vf(str(n), "query_rss", "on")  # ixgbevf asks the physical function's driver for both
    out = guest.run("ethtool -x eth0")
    assert "RX flow hash indirection table for eth0 with 2 RX ring(s)" in out, out
    assert re.search(r"([0-9a-f]{2}:){39}[0-9a-f]{2}", out), out
    assert "Speed: 10000Mb/s" in guest.run("ethtool eth0")


def test_counters_are_the_guests(we: Party) -> None:
    """Frames that the physical function's driver, the card and the guest's driver count."""
    guest = we.guests[0]
    ways = (("rx_packets", "rx_frames"), ("tx_packets", "tx_frames"))

    def figures() -> list[tuple[int, int]]:
        ours, chips = guest.counters(), report(we)["vfs"][0]["traffic"]
        return [(ours[one], chips[other]) for one, other in ways]

    before = figures()
    echoes(guest, we.wire.v4, 100)

    def agree() -> bool:
        rose = [(a - c, b - d) for (a, b), (c, d) in zip(figures(), before, strict=True)]
        return all(one == other >= 100 for one, other in rose)

    eventually(agree, "driver and card count the same frames")


def test_link_follows_the_cable(we: Party) -> None:
    we.card.nic.ask(carrier=False)
    for guest in we.guests:
        guest.wait_for_carrier(up=False)
    we.card.nic.ask(carrier=True)
    for guest in we.guests:
        guest.wait_for_carrier()
    echoes(we.guests[0], we.guests[1].v4)


def test_multicast_comes_to_who_asked(we: Party) -> None:
    """The chip has one hash table for all: with what one asks for, all get that have asked for any."""
    one = we.guests[0]
    group = "239.1.2.3"

    def sent() -> list[int]:
        before = [guest.counters()["multicast"] for guest in we.guests]
        we.wire.run(f"ping -c 20 -i 0.05 -W 1 -I {we.wire.interface} {group}", check=False)
        return [guest.counters()["multicast"] - then for guest, then in zip(we.guests, before, strict=True)]

    assert max(sent()) < 20
    one.run(f"ip maddress add 01:00:5e:01:02:03 dev {one.interface}")
    assert sent()[0] >= 20
    one.run(f"ip maddress del 01:00:5e:01:02:03 dev {one.interface}")


def test_vlans_of_the_ports_keep_guests_apart(we: Party) -> None:
    one, other = we.guests
    we.card.vf("0", "vlan", "100")
    we.card.vf("1", "vlan", "200")
    try:
        for guest in we.guests:
            guest.wait_for_carrier()
        with seen_by(other, f"host {one.v4}") as lines, seen_by(we.wire, "vlan 100") as tagged:
            assert silent(one, other.v4)
        assert lines == []
        assert any("vlan 100" in line for line in tagged), "on the wire it has the port's tag"
        we.card.vf("1", "vlan", "100")
        other.wait_for_carrier()
        echoes(one, other.v4)
        with seen_by(one, "vlan") as inside:
            echoes(one, other.v4)
        assert inside == [], "the guest knows nothing of its tag"
    finally:
        for n in ("0", "1"):
            we.card.vf(n, "vlan", "0")
    for guest in we.guests:
        guest.wait_for_carrier()
    echoes(one, other.v4)


SPOOF = (
    'python3 -c \'import socket; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(("eth0", 0)); '
    '[s.send(bytes.fromhex("ffffffffffff" "0200000000ee" "88b5") + bytes(50)) for _ in range(20)]\''
)


def test_frames_with_another_source_are_dropped_and_counted(we: Party) -> None:
    one, other = we.guests
    we.card.vf("0", "spoofchk", "on")
    before = spoofed(we)
    with seen_by(other, "ether src 02:00:00:00:00:ee") as at_other, seen_by(we.wire, "ether proto 0x88b5") as at_wire:
        one.run(SPOOF)
    assert (at_other, at_wire) == ([], [])
    eventually(lambda: spoofed(we) - before == 20, "20 spoofed frames are counted")
    we.card.vf("0", "spoofchk", "off")
    with seen_by(other, "ether src 02:00:00:00:00:ee") as at_other, seen_by(we.wire, "ether proto 0x88b5") as at_wire:
        one.run(SPOOF)
    assert (len(at_other), len(at_wire)) == (20, 20)
    we.card.vf("0", "spoofchk", "on")


def test_only_who_is_trusted_gets_all_multicast(we: Party) -> None:
    one = we.guests[0]

    def wants_all(*, trusted: bool) -> str:
        we.card.vf("0", "trust", "on" if trusted else "off")
        one.wait_for_carrier()
        one.run("ip link set eth0 allmulticast on")
        return str(eventually(lambda: we.card.table()[0]["ready"] and we.card.table()[0]["xcast"], "it has asked"))

    assert wants_all(trusted=False) == "multi"
    one.run("ip link set eth0 allmulticast off")
    assert wants_all(trusted=True) == "allmulti"
    before = one.counters()["multicast"]
    we.wire.run(f"ping -c 20 -i 0.05 -W 1 -I {we.wire.interface} 239.77.66.55", check=False)
    assert one.counters()["multicast"] - before >= 20
    one.run("ip link set eth0 allmulticast off")
    we.card.vf("0", "trust", "off")
    one.wait_for_carrier()


def spoofed(we: Party) -> int:
    return int(report(we)["counters"]["tx_spoofed"])


def test_a_rate_limit_holds(we: Party) -> None:
    one = we.guests[0]
    free_s = tcp(one, we.wire, we.wire.v4)
    we.card.vf("0", "rate", "0", "20")  # Mbit/s
    try:
        limited_s = tcp(one, we.wire, we.wire.v4)
    finally:
        we.card.vf("0", "rate", "0", "0")
    assert limited_s >= 8 * 8 / 20 * 0.8, (free_s, limited_s)  # 8 MiB
    tcp(one, we.wire, we.wire.v4)


def set_mtu(end: End, mtu: int) -> None:
    """The physical function's driver takes a moment to see its own, and refuses a guest's until then."""

    def has_it() -> bool:
        end.run(f"ip link set {end.interface} mtu {mtu}", check=False)
        return f" mtu {mtu} " in end.run(f"ip link show {end.interface}")

    eventually(has_it, f"{end.name} has an MTU of {mtu}")


def test_jumbo_frames(we: Party) -> None:
    """MTU 9000 everywhere; the chip has one longest frame for all."""
    ends: list[End] = [we.wire, we.pf, *we.guests]  # a VF may have jumbo frames once the PF has
    for end in ends:
        set_mtu(end, 9000)
    try:
        for guest in we.guests:
            guest.wait_for_carrier()
        for source, target in (("guest0", "guest1"), ("guest1", "wire"), ("pf", "guest0")):
            echoes(we.ends[source], we.ends[target].v4, more="-s 8972 -M do")
            tcp(we.ends[source], we.ends[target], we.ends[target].v4)
    finally:
        for end in reversed(ends):
            set_mtu(end, 1500)
    for guest in we.guests:
        guest.wait_for_carrier()
    echoes(we.guests[0], we.wire.v4)


def test_the_table_names_them_all(we: Party) -> None:
    text = we.card.vf()
    for guest in we.guests:
        assert guest.mac in text
    assert re.search(r"\b3\b", text), "VF 3 has no guest, and is there"


def test_the_physical_functions_driver_dies_and_returns(we: Party) -> None:
    one, other = we.guests
    we.card.kill_driver()
    for guest in we.guests:
        guest.wait_for_carrier(up=False)
    we.card.start_driver()
    for guest in we.guests:
        guest.wait_for_carrier()
    echoes(one, other.v4)
    for source, target in PAIRS[:4]:
        tcp(we.ends[source], we.ends[target], we.ends[target].v4)
