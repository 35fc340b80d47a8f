# SPDX-License-Identifier: BSD-3-Clause
"""Our driver of virtual functions on the real device: frames, queues, vectors, counters, and what it asks for."""

import os
import select
from typing import TypeVar

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

from device.machine.wire.loopback import LoopbackPort
from device.regs.i82599 import (
    PSRTYPE,
    RXDCTL,
    SRRCTL,
    TXDCTL,
    VLVF,
    VMOLR,
    Register,
)
from device.regs.i82599.vf import (
    VFDCA_RXCTRL,
    VFDCA_TXCTRL,
    VFPSRTYPE,
    VFSRRCTL,
    VFTDWBAL,
    VFTXDCTL,
    VTEIAC,
    VTEIAM,
    VTEICR,
    VTEIMS,
    VTEITR,
    VTIVAR,
    VTIVAR_MISC,
)
from driver.compiled import lib
from driver.core.napi import NapiMode
from driver.core.station import show
from driver.core.xdp import Verdict
from driver.errors import DriverError
from driver.ixgbevf.adapter import VfAdapter
from driver.ixgbevf.mailbox import RefusedError
from tests.rigs.pair import FAR, Wire, pattern, run_napis
from tests.rigs.vf_driver import Pair, pair

R = TypeVar("R", bound=Register)
BROADCAST = b"\xff" * 6
FAR_BYTES = bytes.fromhex(FAR.replace(":", ""))


def frame(to: bytes, source: bytes, seed: int = 1, len_bytes: int = 100) -> bytes:
    return to + source + b"\x88\xb5" + pattern(seed, len_bytes - 14)


def address(vf: VfAdapter) -> bytes:
    return vf.hw.address


# ---- frames ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("len_bytes", [60, 61, 1514])
def test_between_two_functions_and_never_on_the_wire(wire: Wire, len_bytes: int) -> None:
    with pair(wire, 3) as rig:
        one, two, three = (rig.up(n) for n in range(3))
        frames = [frame(address(two), address(one), seed, len_bytes) for seed in range(20)]
        rig.send(one, frames)
        assert rig.take(two) == frames
        assert rig.take(three) == rig.take(one) == []
        assert wire.sent() == []
        rig.send(two, frames[:1])
        assert rig.take(two) == [], "nobody gets what it sent"


def test_to_the_wire_and_from_it(wire: Wire) -> None:
    with pair(wire, 2) as rig:
        one, two = rig.up(0), rig.up(1)
        out = [frame(FAR_BYTES, address(one), seed) for seed in range(5)]
        rig.send(one, out)
        assert wire.sent() == out
        into = [frame(address(two), FAR_BYTES, seed) for seed in range(5)]
        wire.inject(*into)
        assert rig.take(two) == into
        assert rig.take(one) == []


def test_to_the_port_and_back(wire: Wire) -> None:
    with pair(wire, 1) as rig:
        vf, port = rig.up(0), rig.port
        assert port is not None
        there = frame(port.hw.mac.address, address(vf))
        rig.send(vf, [there])
        assert rig.take(port) == [there]
        back = frame(address(vf), port.hw.mac.address)
        ring = port.tx_rings[0]
        assert ring.post(back)
        ring.flush()
        assert rig.take(vf) == [back]
        assert wire.sent() == []


def test_broadcast_goes_to_all(wire: Wire) -> None:
    with pair(wire, 3) as rig:
        vfs = [rig.up(n) for n in range(3)]
        sent = frame(BROADCAST, address(vfs[0]))
        rig.send(vfs[0], [sent])
        assert [rig.take(vf) for vf in vfs] == [[], [sent], [sent]]
        assert wire.sent() == [sent]


def test_a_ring_goes_round(wire: Wire) -> None:
    with pair(wire, 2) as rig:
        one, two = rig.up(0), rig.up(1)
        for turn in range(10):
            frames = [frame(address(two), address(one), turn * 50 + seed) for seed in range(40)]
            rig.send(one, frames)
            assert rig.take(two) == frames


@pytest.mark.parametrize("queues", [2, 4])
def test_flows_spread_over_its_queues(wire: Wire, queues: int) -> None:
    with pair(wire, 1) as rig:
        vf = rig.up(0, queues=queues)
        flows = [
            bytes(
                Ether(dst=vf.mac, src=FAR)
                / IP(src=f"10.1.0.{n}", dst="10.0.0.1")
                / UDP(sport=n, dport=53)
                / (b"x" * 20)
            )
            for n in range(1, 41)
        ]
        got: list[list[bytes]] = [[] for _ in range(queues)]
        for one in flows:
            wire.inject(one)
            for queue in range(queues):
                got[queue] += rig.take(vf, queue)
        assert sorted(one for found in got for one in found) == sorted(flows)
        assert all(got), "each queue had some"


# ---- registers -------------------------------------------------------------------------------------------------------


def of(rig: Pair, register: type[R], n: int = 0) -> R:
    return rig.nic.regs.get(register, n)


def own(vf: VfAdapter, register: type[R], n: int = 0) -> R:
    return vf.bar.read(register, n)


def test_queues_are_set_up_whole_whatever_was_there(wire: Wire) -> None:
    with pair(wire, 2) as rig:
        vf = rig.probe(1, queues=2)
        for n in range(4):
            vf.bar.write(VFTDWBAL, VFTDWBAL.of(HEAD_WB_EN=1, ADDR=5), n)
            vf.bar.write(VFSRRCTL, 0, n)
            vf.bar.write(VFDCA_RXCTRL, 0xA200, n)
        vf.up(ring_count=64)
        for queue in range(2):
            assert own(vf, VFTXDCTL, queue) == VFTXDCTL.of(ENABLE=1, PTHRESH=32, HTHRESH=1, WTHRESH=1)
            assert not own(vf, VFTDWBAL, queue)
            assert (int(own(vf, VFDCA_TXCTRL, queue)), int(own(vf, VFDCA_RXCTRL, queue))) == (0x2200, 0x200)
            assert int(own(vf, VFSRRCTL, queue)) == 0x12000402
            assert of(rig, RXDCTL, 4 + queue).ENABLE, "the windows lead to its pool"
            assert of(rig, TXDCTL, 4 + queue).ENABLE
            assert of(rig, SRRCTL, 4 + queue).DROP_EN
        assert not of(rig, RXDCTL, 6).ENABLE
        assert own(vf, VFPSRTYPE) == VFPSRTYPE.of(RQPL=1)
        assert of(rig, PSRTYPE, 1).RQPL == 1


@pytest.mark.parametrize(("queues", "log2"), [(1, 0), (2, 1), (3, 1), (4, 2)])
def test_rss_takes_a_power_of_two(port: LoopbackPort, queues: int, log2: int) -> None:
    with pair(port, 1) as rig:
        assert own(rig.up(0, queues=queues), VFPSRTYPE) == VFPSRTYPE.of(RQPL=log2)


def test_vectors(port: LoopbackPort) -> None:
    with pair(port, 1) as rig:
        vf = rig.up(0, queues=4)
        assert own(vf, VTIVAR, 0) == VTIVAR.of(
            RX0=0, RX0_VALID=1, TX0=0, TX0_VALID=1, RX1=0, RX1_VALID=1, TX1=0, TX1_VALID=1
        )
        assert own(vf, VTIVAR, 1) == VTIVAR.of(
            RX0=1, RX0_VALID=1, TX0=1, TX0_VALID=1, RX1=1, RX1_VALID=1, TX1=1, TX1_VALID=1
        )
        assert own(vf, VTIVAR_MISC) == VTIVAR_MISC.of(OTHER=2, OTHER_VALID=1)
        assert {int(own(vf, register)) for register in (VTEIAM, VTEIAC)} == {7}
        vf.scheme.disable()
        assert {int(own(vf, register)) for register in (VTEIMS, VTEIAM, VTEIAC)} == {0}
        vf.bar.read(VTEICR)
        vf.scheme.enable()
        assert own(vf, VTEIMS) == 7
        vf.set_itr_us(100)
        assert own(vf, VTEITR, 0).ITR_INTERVAL == own(vf, VTEITR, 1).ITR_INTERVAL == 50
        assert own(vf, VTEITR, 2).ITR_INTERVAL == 243
        found = vf.read_vectors([0, 1, 2])
        assert found[0] == {
            "eitr_us": 100,
            "ivar": ["VTIVAR[0].RX0", "VTIVAR[0].TX0", "VTIVAR[0].RX1", "VTIVAR[0].TX1"],
        }
        assert found[2]["ivar"] == ["VTIVAR_MISC.OTHER"]


def test_a_frame_interrupts_its_vector_and_nobody_else(wire: Wire) -> None:
    with pair(wire, 2) as rig:
        vf, other = rig.up(0, queues=1), rig.up(1, queues=1)
        fds = [vf.irqs.irq_fd(vf.q_vectors[0]), other.irqs.irq_fd(other.q_vectors[0])]
        for fd in fds:
            if select.select([fd], [], [], 0)[0]:
                os.eventfd_read(fd)
        for one in (vf, other):
            one.bar.write_offset(*one.irqs.rearm(one.q_vectors[0]))
        wire.inject(frame(address(vf), FAR_BYTES))
        rig.settle()
        assert select.select(fds, [], [], 0)[0] == fds[:1]
        assert len(rig.take(vf)) == 1


def test_frames_for_a_program_of_our_own(wire: Wire) -> None:
    with pair(wire, 1) as rig:
        vf = rig.up(0)
        sent = frame(address(vf), FAR_BYTES)
        wire.inject(sent)
        rig.settle()
        batches = [bytes(one) for batch in vf.rx(timeout_s=0.05) for one in batch]
        assert batches == [sent]


def test_vectors_can_be_fired_and_are_whose_they_are(port: LoopbackPort) -> None:
    with pair(port, 1) as rig:
        vf = rig.up(0, queues=2)
        table = vf.irq_table.table()
        assert [one["owner"].split(" (")[0] for one in table["vectors"]] == ["PF q_vector 0", "PF q_vector 1", "other"]
        before = vf.irq_table.fire(1)
        rig.settle()
        after = vf.irq_table.table()["vectors"][1]["fired"]
        assert after == before + 1
        vf.down()
        with pytest.raises(DriverError, match="is down: no vector fires"):
            vf.irq_table.fire(1)


# ---- counters --------------------------------------------------------------------------------------------------------


def test_counters_agree_with_the_cards_and_outlive_resets(wire: Wire) -> None:
    with pair(wire, 2) as rig:
        one, two = rig.up(0), rig.up(1)
        sent = [frame(address(two), address(one), seed) for seed in range(7)]
        rig.send(one, sent)
        rig.take(two)
        before = (one.stats()["tx_pkts_nic"], two.stats()["rx_pkts_nic"])
        assert before == (7, 7)
        assert two.stats()["rx_bytes_nic"] == 7 * 104
        assert rig.nic.vfs[1].traffic()["rx_frames"] == 7
        assert rig.port is not None
        rig.port.reinit()
        rig.serve()
        for vf in (one, two):
            vf.service()
        assert (one.stats()["tx_pkts_nic"], two.stats()["rx_pkts_nic"]) == before
        assert one.stats()["tx_packets"] == 7
        rig.send(one, sent)
        rig.take(two)
        assert (one.stats()["tx_pkts_nic"], two.stats()["rx_pkts_nic"]) == (14, 14)
        two.down()
        two.up()
        two.service()
        rig.send(one, sent)
        rig.take(two)
        assert two.stats()["rx_pkts_nic"] == two.stats()["rx_packets"] == 21


# ---- wishes ----------------------------------------------------------------------------------------------------------


def test_an_address_of_its_own(wire: Wire) -> None:
    new = bytes.fromhex("0200000000aa")
    with pair(wire, 1) as rig:
        vf = rig.up(0)
        old = address(vf)
        vf.set_mac(new)
        assert vf.mac == show(new)
        wire.inject(frame(new, FAR_BYTES), frame(old, FAR_BYTES))
        assert rig.take(vf) == [frame(new, FAR_BYTES)]
        with pytest.raises(DriverError, match="01:00:00:00:00:01 cannot be a station's address"):
            vf.set_mac(b"\x01\0\0\0\0\x01")
        vf.down()
        vf.set_mac(old)
        vf.up()
        wire.inject(frame(new, FAR_BYTES), frame(old, FAR_BYTES))
        assert rig.take(vf) == [frame(old, FAR_BYTES)]


def test_multicast_groups(wire: Wire) -> None:
    group, other = bytes.fromhex("01005e010203"), bytes.fromhex("01005e7f7f7f")
    with pair(wire, 1) as rig:
        vf = rig.up(0)
        vf.set_rx_mode(multicast=[group])
        wire.inject(frame(group, FAR_BYTES), frame(other, FAR_BYTES))
        assert rig.take(vf) == [frame(group, FAR_BYTES)], "its peer does not trust it with all multicast"
        with pytest.raises(DriverError, match="02:00:00:00:00:01 is no multicast address"):
            vf.set_rx_mode(multicast=[b"\x02\0\0\0\0\x01"])


def test_groups_that_the_system_joined(wire: Wire) -> None:
    group = bytes.fromhex("3333ff123456")

    class Netdev:
        def groups(self) -> list[bytes]:
            return [group]

    with pair(wire, 1) as rig:
        vf = rig.up(0)
        vf.attach_netdev(Netdev())
        wire.inject(frame(group, FAR_BYTES))
        assert rig.take(vf) == []
        vf.service()
        wire.inject(frame(group, FAR_BYTES))
        assert len(rig.take(vf)) == 1


def test_trust_gives_all_multicast_and_says_once_what_it_does_not_give(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    with pair(wire, 1) as rig:
        assert rig.port is not None
        assert rig.port.vfs is not None
        rig.port.vfs.change(0, "trust", ["on"])
        vf = rig.up(0)
        assert of(rig, VMOLR, 0).MPE, "asked for from the start"
        vf.set_rx_mode(all_multicast=False)
        assert not of(rig, VMOLR, 0).MPE
        for on in (True, False, True):
            vf.set_rx_mode(promiscuous=on)
        assert of(rig, VMOLR, 0).MPE, "the most there is"
        assert caplog.text.count("refuses reception mode PROMISC (said once)") == 1


def test_vlans(wire: Wire) -> None:
    with pair(wire, 2) as rig:
        vf, other = rig.up(0), rig.up(1)
        tagged = address(vf) + FAR_BYTES + bytes.fromhex("8100000588b5") + bytes(60)
        wire.inject(tagged)
        assert rig.take(vf) == []
        vf.vlan_add(5)
        wire.inject(tagged)
        assert rig.take(vf) == [tagged], "as it was on the wire"
        rig.port.reinit()  # type: ignore[union-attr]  # it has one
        rig.serve()
        vf.service()
        wire.inject(tagged)
        assert rig.take(vf) == [tagged], "joined again after the reset"
        vf.vlan_kill(5)
        wire.inject(tagged)
        assert rig.take(vf) == rig.take(other) == []
        assert not [n for n in range(1, 64) if of(rig, VLVF, n).VIEN]
        with pytest.raises(DriverError, match="VLAN 4095 is out of range: 0 to 4094"):
            vf.vlan_add(4095)


def test_a_port_vlan_is_not_its_own_to_leave(wire: Wire) -> None:
    with pair(wire, 1) as rig:
        assert rig.port is not None
        assert rig.port.vfs is not None
        rig.port.vfs.change(0, "vlan", ["7"])
        vf = rig.up(0)
        assert vf.describe()["vlan"] == "tagged by the physical function's driver"
        with pytest.raises(RefusedError):
            vf.vlan_add(8)
        assert vf.wish.vlans == set()


# ---- sizes -----------------------------------------------------------------------------------------------------------


def test_jumbo_frames_where_the_port_has_them(wire: Wire) -> None:
    with pair(wire, 2, mtu=9000) as rig:
        one, two = rig.up(0, mtu=9000), rig.up(1)
        two.set_mtu(9000)
        assert (two.mtu, two.reinits) == (9000, 1)
        two.service()
        big = frame(address(two), address(one), 3, 9014)
        rig.send(one, [big])
        assert rig.take(two) == [big]


def test_a_size_that_the_peer_refuses_costs_nothing(wire: Wire) -> None:
    with pair(wire, 1) as rig:
        with pytest.raises(RefusedError, match=r"refuses MTU 9000 \(frames of 9018 bytes\): jumbo frames want an MTU"):
            rig.up(0, mtu=9000)
        vf = rig.vfs[0]
        assert not vf.running
        vf.up(mtu=1500)
        vf.service()
        with pytest.raises(RefusedError):
            vf.set_mtu(9000)
        assert (vf.mtu, vf.running, vf.reinits) == (1500, True, 0)
        small = frame(address(vf), FAR_BYTES)
        wire.inject(small)
        assert rig.take(vf) == [small], "the refusal did not cost it its reception"
        for mtu in (67, 9711):
            with pytest.raises(DriverError, match=f"MTU {mtu} is out of range: a VF of the 82599 takes 68 to 9710"):
                vf.set_mtu(mtu)


def test_ring_lengths(port: LoopbackPort) -> None:
    with pair(port, 1) as rig:
        vf = rig.probe(0)
        for count in (56, 65, 4104):
            with pytest.raises(DriverError, match=f"{count} descriptors"):
                vf.up(ring_count=count)
        vf.up(ring_count=4096)
        with pytest.raises(DriverError, match="is up already"):
            vf.up()


# ---- programs, and the driver's own loop -----------------------------------------------------------------------------


def test_a_program_sees_each_frame_and_stays_through_resets(wire: Wire) -> None:
    with pair(wire, 1) as rig:
        vf = rig.probe(0)
        vf.up(queues=1, ring_count=64, xdp_rings=2)
        vf.service()
        assert [(ring.queue, ring.xdp) for ring in vf.xdp_rings] == [(1, True), (2, True)]
        vf.xdp(lambda seen: Verdict.PASS if seen.data[14] % 2 else Verdict.DROP)
        frames = [frame(address(vf), FAR_BYTES, seed) for seed in range(8)]
        for _ in range(2):
            wire.inject(*frames)
            assert rig.take(vf) == [one for one in frames if one[14] % 2]
            rig.port.reinit()  # type: ignore[union-attr]  # it has one
            rig.serve()
            vf.service()
        with pytest.raises(DriverError, match="MTU 9000 is too large for an XDP program"):
            vf.set_mtu(9000)
        vf.xdp(None)
        wire.inject(*frames)
        assert rig.take(vf) == frames


def test_a_program_sends_on_a_ring_of_its_own(wire: Wire) -> None:
    with pair(wire, 2) as rig:
        one, two = rig.up(0), rig.probe(1)
        two.up(queues=1, ring_count=64, xdp_rings=1)
        two.service()
        two.xdp(lambda _frame: Verdict.TX)
        rig.send(one, [frame(address(two), address(one), seed) for seed in range(5)])
        assert rig.take(two) == []
        rig.settle()
        for ring in two.senders:
            ring.clean()
        assert [ring.stats()["packets"] for ring in two.senders] == [0, 5]


@pytest.mark.parametrize("mode", list(NapiMode), ids=lambda mode: mode.name.lower())
def test_the_drivers_own_loop_serves_it(wire: Wire, mode: NapiMode) -> None:
    with pair(wire, 1) as rig:
        vf = rig.up(0, queues=2)
        napis = vf.napis()
        for napi in napis:
            napi.c.sink, napi.c.mode = lib.SINK_ECHO, mode
        back: list[bytes] = []
        for first in range(0, 100, 20):
            wire.inject(*(frame(address(vf), FAR_BYTES, first + n) for n in range(20)))
            for _ in range(10):
                rig.settle()
                run_napis(napis)
                rig.settle()
                back += wire.sent()
        assert back == [frame(FAR_BYTES, address(vf), n) for n in range(100)]
