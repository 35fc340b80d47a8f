# SPDX-License-Identifier: BSD-3-Clause
"""What our driver of the port lets its VFs send and receive: frames through the real device, between all of them."""

from collections.abc import Callable, Iterator

import pytest
from scapy.layers.l2 import Dot1Q, Ether

from device.regs.i82599.mbx import HASHES, HEAD, MessageType, XcastMode
from driver.ixgbe.hw.mac import mta_place
from driver.ixgbe.sriov.messages import address_words
from tests.rigs.pair import FAR, Wire, pattern
from tests.rigs.vf_pf import PfRig, pf_rig
from tests.rigs.vf_rings import Port, ports

NAMES = {n: f"02:00:00:00:11:{n:02x}" for n in range(16)}
BROADCAST, GROUP = "ff:ff:ff:ff:ff:ff", "01:00:5e:01:02:03"
SEEDS = 60


def frame(dst: str, src: str = FAR, *, vlan: int | None = None, prio: int = 0, seed: int = 0) -> bytes:
    head = Ether(dst=dst, src=src)
    ether = bytes(head / Dot1Q(vlan=vlan, prio=prio, type=0x88B5) if vlan is not None else head.copy())
    if vlan is None:
        ether = ether[:12] + b"\x88\xb5"
    return ether + pattern(seed, SEEDS)


class Lab:
    """A port and four VFs; VF 0 to 2 have started with addresses of their own."""

    def __init__(self, pf: PfRig, wire: Wire, vfs: dict[int, Port]) -> None:
        self.pf = pf
        self.wire = wire
        self.vfs = vfs

    def start(self, n: int, *, mac: str | None = None) -> None:
        self.pf.start(n)
        self.ask(n, MessageType.SET_MAC, *address_words(bytes.fromhex((mac or NAMES[n]).replace(":", ""))))
        self.vfs[n].open(strip=bool(self.pf.row(n)["vlan"]))

    def ask(self, n: int, kind: MessageType, *words: int, info: int = 0) -> None:
        assert HEAD(self.pf.ask(n, HEAD.of(TYPE=kind, INFO=info), *words)[0]).ACK

    def who_got(self, what: bytes) -> set[object]:
        """Who has received ``what`` since the last call: VFs, "port" and "wire"; nobody has anything else."""
        found: dict[object, list[bytes]] = {n: port.take() for n, port in self.vfs.items()}
        found["port"] = self.pf.take()
        found["wire"] = self.wire.sent()
        for who, frames in found.items():
            assert frames in ([], [what]), (who, [got[:24] for got in frames])
        return {who for who, frames in found.items() if frames}

    def from_wire(self, what: bytes) -> set[object]:
        self.wire.inject(what)
        return self.who_got(what)

    def from_vf(self, n: int, what: bytes, *, seen: bytes | None = None) -> set[object]:
        self.vfs[n].send(what)
        return self.who_got(what if seen is None else seen)


@pytest.fixture
def lab(wire: Wire) -> Iterator[Lab]:
    with pf_rig(wire, 4) as pf, ports(pf, range(4)) as vfs:
        lab = Lab(pf, wire, vfs)
        for n in range(3):
            lab.start(n)
        wire.sent()
        yield lab


def test_unicast_finds_who_has_the_address(lab: Lab) -> None:
    assert lab.from_wire(frame(NAMES[1])) == {1}
    assert lab.from_wire(frame(lab.pf.adapter.mac)) == {"port"}
    assert lab.from_wire(frame(NAMES[9])) == set(), "nobody is promiscuous"
    lab.pf.adapter.set_rx_mode(promiscuous=True)
    assert lab.from_wire(frame(NAMES[9])) == {"port"}
    assert lab.from_wire(frame(NAMES[1])) == {1}


def test_they_send_to_each_other_and_not_to_the_wire(lab: Lab) -> None:
    assert lab.from_vf(0, frame(NAMES[1], NAMES[0])) == {1}
    assert lab.from_vf(1, frame(lab.pf.adapter.mac, NAMES[1])) == {"port"}
    assert lab.from_vf(1, frame(FAR, NAMES[1])) == {"wire"}
    ours = frame(NAMES[2], lab.pf.adapter.mac)
    lab.pf.send([ours])
    assert lab.who_got(ours) == {2}


def test_broadcast_is_for_all_but_the_sender_and_who_has_not_started(lab: Lab) -> None:
    assert lab.from_wire(frame(BROADCAST)) == {0, 1, 2, "port"}
    assert lab.from_vf(0, frame(BROADCAST, NAMES[0])) == {1, 2, "port", "wire"}


def test_a_vf_that_was_reset_gets_nothing_until_it_starts(lab: Lab) -> None:
    lab.pf.guests[1].reset()
    lab.pf.serve()
    lab.vfs[1].open(strip=False)
    assert lab.from_wire(frame(NAMES[1])) == set()
    assert lab.from_wire(frame(BROADCAST)) == {0, 2, "port"}
    assert lab.from_vf(1, frame(FAR, NAMES[1])) == set()
    lab.start(1)
    assert lab.from_wire(frame(NAMES[1])) == {1}


def test_multicast_is_for_who_asked(lab: Lab) -> None:
    lab.pf.adapter.set_rx_mode(all_multicast=False)
    assert lab.from_wire(frame(GROUP)) == set()
    register, bit = mta_place(bytes.fromhex(GROUP.replace(":", "")))
    lab.ask(1, MessageType.SET_MULTICAST, HASHES.of(FIRST=register * 32 + bit), info=1)
    assert lab.from_wire(frame(GROUP)) == {1, "port"}, "one table for all whose ROMPE is on"
    lab.pf.sriov.change(2, "trust", ["on"])
    lab.start(2)
    lab.ask(2, MessageType.UPDATE_XCAST, XcastMode.ALLMULTI)
    assert lab.from_wire(frame("01:00:5e:09:09:09")) == {2}
    assert lab.from_vf(1, frame(GROUP, NAMES[1])) == {2, "port", "wire"}


def test_a_vlan_is_for_who_is_in_it(lab: Lab) -> None:
    tagged = frame(BROADCAST, vlan=100)
    assert lab.from_wire(tagged) == {"port"}, "the port takes every VLAN, and the VFs none that they did not join"
    lab.ask(0, MessageType.SET_VLAN, 100, info=1)
    lab.ask(1, MessageType.SET_VLAN, 100, info=1)
    assert lab.from_wire(tagged) == {0, 1, "port"}
    assert lab.from_vf(0, frame(NAMES[1], NAMES[0], vlan=100)) == {1}
    assert lab.from_vf(0, frame(NAMES[2], NAMES[0], vlan=100)) == {"wire"}, "VF 2 is not in VLAN 100: it is for others"
    lab.ask(1, MessageType.SET_VLAN, 100)
    assert lab.from_wire(tagged) == {0, "port"}


def test_a_port_vlan_is_put_on_and_taken_off_unseen(lab: Lab) -> None:
    for n in (0, 1):
        lab.pf.sriov.change(n, "vlan", ["7", "qos", "3"] if n == 0 else ["7"])
        lab.start(n)
    plain, on_wire = frame(FAR, NAMES[0]), frame(FAR, NAMES[0], vlan=7, prio=3)
    assert lab.from_vf(0, plain, seen=on_wire) == {"wire"}
    lab.wire.inject(frame(NAMES[0], vlan=7))
    assert lab.who_got(frame(NAMES[0])) == {0}
    assert lab.from_vf(0, frame(NAMES[1], NAMES[0])) == {1}
    assert lab.from_wire(frame(NAMES[0])) == set(), "without the tag it is another network"
    assert lab.from_wire(frame(NAMES[0], vlan=8)) == set()
    assert lab.from_vf(2, frame(NAMES[0], NAMES[2])) == {"wire"}, "VF 0 is not where that frame is"


def spoofed(lab: Lab) -> int:
    lab.pf.adapter.hw.stats.update()
    return int(lab.pf.sriov.table()["spoofed"])


def test_spoofed_frames_are_dropped_and_counted(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    forged = frame(FAR, NAMES[9])
    assert lab.from_vf(0, forged) == set()
    assert lab.from_vf(0, frame(NAMES[1], NAMES[2])) == set()
    assert spoofed(lab) == 2
    lab.pf.time.sleep(2.0)
    lab.pf.adapter.service()
    assert sum("2 spoofed frames of VFs were dropped" in record.getMessage() for record in caplog.records) == 1
    lab.pf.sriov.change(0, "spoofchk", ["off"])
    assert lab.from_vf(0, forged) == {"wire"}
    assert spoofed(lab) == 2


def test_an_address_that_was_set_is_what_it_may_send_from(lab: Lab) -> None:
    lab.pf.sriov.change(0, "mac", [NAMES[10]])
    lab.pf.start(0)
    lab.vfs[0].open(strip=False)
    assert lab.from_vf(0, frame(FAR, NAMES[10])) == {"wire"}
    assert lab.from_vf(0, frame(FAR, NAMES[0])) == set()
    assert lab.from_wire(frame(NAMES[10])) == {0}
    assert lab.from_wire(frame(NAMES[0])) == set()


def test_a_vf_without_a_link_neither_sends_nor_receives(lab: Lab) -> None:
    lab.pf.sriov.change(0, "state", ["disable"])
    assert lab.from_wire(frame(NAMES[0])) == set()
    assert lab.from_vf(0, frame(FAR, NAMES[0])) == set()
    assert lab.from_wire(frame(BROADCAST)) == {1, 2, "port"}
    lab.pf.sriov.change(0, "state", ["auto"])
    assert lab.who_got(frame(FAR, NAMES[0])) == {"wire"}, "what waited in its ring goes on"
    lab.start(0)
    assert lab.from_wire(frame(NAMES[0])) == {0}


def test_a_mirror_gets_copies(lab: Lab) -> None:
    lab.start(3)
    lab.pf.sriov.change(3, "mirror", ["pools", "1"])
    assert lab.from_wire(frame(NAMES[1])) == {1, 3}
    assert lab.from_wire(frame(NAMES[0])) == {0}
    assert lab.from_vf(0, frame(NAMES[1], NAMES[0])) == {1, 3}
    lab.pf.sriov.change(3, "mirror", ["off"])
    assert lab.from_wire(frame(NAMES[1])) == {1}


def test_counters_are_those_of_the_frames(lab: Lab) -> None:
    before = lab.pf.row(0)
    for n in range(5):
        lab.from_wire(frame(NAMES[0], seed=n))
    lab.from_wire(frame(BROADCAST))
    for n in range(3):
        lab.from_vf(0, frame(FAR, NAMES[0], seed=n))
    after = lab.pf.row(0)
    assert {name: after[name] - before[name] for name in ("rx_packets", "tx_packets")} == {
        "rx_packets": 6, "tx_packets": 3,
    }  # fmt: skip
    assert after["rx_bytes"] - before["rx_bytes"] in (6 * (14 + SEEDS), 6 * (18 + SEEDS))
    assert after["tx_bytes"] - before["tx_bytes"] in (3 * (14 + SEEDS), 3 * (18 + SEEDS))
    assert lab.pf.row(1)["tx_packets"] == 0
    total = lab.pf.row(0)["rx_packets"] + 1
    lab.from_wire(frame(NAMES[0]))  # nobody looks between this and the reset
    lab.pf.adapter.reinit()
    lab.pf.adapter.service()
    assert lab.pf.row(0)["rx_packets"] == total, "a reset of the port loses none"
    lab.start(0)
    lab.from_wire(frame(NAMES[0]))
    assert lab.pf.row(0)["rx_packets"] == total + 1


def test_what_neighbours_do_costs_nobody_a_frame(lab: Lab) -> None:
    """VF 2 and its administrator do all they can while VF 0 and VF 1 talk."""
    disturb: list[Callable[[], object]] = [
        lab.pf.guests[2].reset,
        lambda: lab.start(2),
        lambda: lab.ask(2, MessageType.SET_VLAN, 100, info=1),
        lambda: lab.ask(2, MessageType.SET_MULTICAST, HASHES.of(FIRST=77), info=1),
        lambda: lab.ask(2, MessageType.SET_MACVLAN, *address_words(bytes.fromhex("02000000000e")), info=1),
        lambda: lab.ask(2, MessageType.SET_MAC, *address_words(bytes.fromhex("02000000000f"))),
        lambda: lab.pf.sriov.change(2, "vlan", ["9"]),
        lambda: lab.pf.sriov.change(2, "mac", [NAMES[11]]),
        lambda: lab.pf.sriov.change(2, "state", ["disable"]),
        lambda: lab.pf.sriov.change(2, "rate", ["0", "100"]),
        lambda: lab.pf.adapter.set_rx_mode(promiscuous=True),
    ]
    for step in disturb:
        step()
        lab.pf.serve()
        assert lab.from_vf(0, frame(NAMES[1], NAMES[0])) == {1}
        assert lab.from_vf(1, frame(NAMES[0], NAMES[1])) == {0}
        assert lab.from_wire(frame(NAMES[0])) == {0}
        assert lab.from_vf(0, frame(FAR, NAMES[0])) == {"wire"}
