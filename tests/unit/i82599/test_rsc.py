# SPDX-License-Identifier: BSD-3-Clause
"""Receive side coalescing, judged by a driver that reads descriptors as Linux's ixgbe does."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from device.machine.core import ffi, lib
from device.machine.irq import IrqKind
from device.regs.i82599 import (
    EIMS_EX,
    EITR,
    GPIE,
    GPRC,
    HLREG0,
    IVAR,
    MAXFRS,
    PSRTYPE,
    QPRC,
    RDRXCTL,
    RFCTL,
    RSCCTL,
    RSCDBU,
    RXDCTL,
    SRRCTL,
)
from tests.rigs.rsc import STAMPS, Coalescing, Packet, segment, stream
from tests.rigs.rx import Rig

SIZE = 1448


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as made:
        made.nic.manual_clock(1_000_000_000)
        yield made
        assert made.guards_whole()


def later(rig: Rig, ns: int) -> None:
    """So much time passes, and the device looks at it."""
    rig.nic.c.clock.manual_ns += ns
    lib.card_step(rig.nic.c)


def shapes(packets: list[Packet]) -> list[tuple[int, int]]:
    """How many frames each packet counts, and the bytes of its payload."""
    return [(packet.appended, len(Ether(packet.data)[TCP].payload)) for packet in packets]


def test_a_flow_becomes_one_packet(rig: Rig) -> None:
    queue = Coalescing(rig)
    frames = [
        segment(
            1 + i * SIZE,
            bytes([i]) * SIZE,
            ack=100 + i,
            window=500 + i,
            options=[*STAMPS[:2], ("Timestamp", (90 + i, i))],
        )
        for i in range(10)
    ]
    rig.receive(*frames)
    (packet,) = queue.clean()
    whole = Ether(packet.data)
    assert bytes(whole[TCP].payload) == b"".join(bytes([i]) * SIZE for i in range(10))
    assert packet.appended == 10
    assert whole[IP].len == len(packet.data) - 14
    assert bytes(whole[IP])[10:12] == bytes(IP(bytes(whole[IP].copy())))[10:12]
    sums = whole.copy()
    del sums[IP].chksum
    assert Ether(bytes(sums))[IP].chksum == whole[IP].chksum
    assert (whole[TCP].seq, whole[TCP].ack, whole[TCP].window) == (1, 109, 509)
    assert dict(whole[TCP].options[2:]) == {"Timestamp": (99, 9)}
    assert (packet.last.STAT_IPCS, packet.last.STAT_L4CS, packet.last.ERR_TCPE) == (1, 1, 0)
    assert (rig.read(GPRC), rig.read(QPRC), rig.count.rx_frames) == (10, 10, 10)
    assert rig.count.rx_bytes == sum(map(len, frames))
    assert (rig.nic.c.rx.rsc.packets, rig.nic.c.rx.rsc.frames) == (1, 10)


def test_each_descriptor_says_how_many_frames_begin_in_it(rig: Rig) -> None:
    queue = Coalescing(rig)
    rig.receive(*stream(4))
    counts = [int(queue.ring.desc(i)[0].RSCCNT) for i in range(3)]
    assert counts == [3, 2, 2]  # at bytes 0, 1502, 2950 and 4398 of 2048 each
    assert [queue.ring.desc(i)[1].STAT_EOP for i in range(3)] == [0, 0, 1]
    assert [int(queue.ring.desc(i)[1]) >> 4 & 0xFFFF for i in range(2)] == [1, 2]


def test_flows_lie_between_each_other(rig: Rig) -> None:
    queue = Coalescing(rig)
    rig.receive(*(one for pair in zip(stream(6), stream(6, flow=1), strict=True) for one in pair))
    assert shapes(queue.clean()) == [(6, 6 * SIZE)] * 2


def test_one_frame_alone_is_as_ever(rig: Rig) -> None:
    queue = Coalescing(rig)
    (frame,) = stream(1)
    rig.receive(frame)
    (packet,) = queue.clean()
    assert (packet.data, packet.first.RSCCNT) == (frame, 0)


ODD = {
    "FIN": {"flags": "FA"},
    "SYN": {"flags": "SA"},
    "RST": {"flags": "RA"},
    "PSH": {"flags": "PA"},
    "URG": {"flags": "UA"},
    "ECE": {"flags": "EA"},
    "CWR": {"flags": "CA"},
    "no ACK": {"flags": ""},
    "congestion": {"tos": 3},
    "options of TCP": {"options": [("NOP", None)] * 4},
    "a wrong sum of TCP": {},
    "a wrong sum of IP": {"chksum": 1},
    "options of IP": {},
}


@pytest.mark.parametrize("what", ODD)
def test_what_is_never_coalesced(rig: Rig, what: str) -> None:
    """It comes alone, behind what came before."""
    queue = Coalescing(rig)
    before, after = stream(2), stream(2, start=1 + 3 * SIZE)
    odd = segment(1 + 2 * SIZE, b"x" * SIZE, **ODD[what])  # type: ignore[arg-type]
    if what == "a wrong sum of TCP":
        odd = odd[:-1] + b"y"
    if what == "options of IP":
        parsed = Ether(odd)
        parsed[IP].options = b"\1\1\1\1"
        del parsed[IP].chksum, parsed[IP].len, parsed[IP].ihl
        odd = bytes(parsed)
    rig.receive(*before, odd, *after)
    packets = queue.clean()
    assert [(one.appended, len(one.data)) for one in packets] == [(2, 54 + 2 * SIZE), (0, len(odd)), (2, 54 + 2 * SIZE)]
    assert packets[1].data == odd


ENDS: dict[str, dict[str, Any]] = {
    "a gap": {"seq": 5000},
    "the same again": {"seq": 1},
    "another class of service": {"tos": 4},
    "time stamps": {"options": STAMPS},
    "an acknowledgment of less": {"ack": 6},
    "another VLAN": {"vlan": 9},
}


@pytest.mark.parametrize("what", ENDS)
def test_what_begins_anew(rig: Rig, what: str) -> None:
    queue = Coalescing(rig)
    how = {"seq": 1 + 2 * SIZE} | ENDS[what]
    rig.receive(
        *stream(2), segment(payload=b"x" * SIZE, **how), segment(payload=b"y" * 50, **how | {"seq": how["seq"] + SIZE})
    )
    packets = queue.clean()
    assert [one.appended for one in packets] == [2, 2]


def test_an_acknowledgment_alone_is_not_coalesced(rig: Rig) -> None:
    queue = Coalescing(rig)
    rig.receive(*stream(2), segment(1 + 2 * SIZE, b"", ack=9), *stream(2, start=1 + 2 * SIZE, ack=9))
    assert [one.appended for one in queue.clean()] == [2, 0, 2]


@pytest.mark.parametrize(("maxdesc", "most"), [(0, 1), (1, 4), (2, 8), (3, 16)])
def test_a_packet_has_so_many_descriptors(rig: Rig, maxdesc: int, most: int) -> None:
    queue = Coalescing(rig, maxdesc=maxdesc)
    rig.receive(*stream(60, 700))
    fit = (most * 2048 - 54) // 700
    assert queue.clean()[0].appended == fit


def test_fourteen_frames_begin_in_a_descriptor(rig: Rig) -> None:
    queue = Coalescing(rig)
    rig.receive(*stream(30, 20))
    assert [one.appended for one in queue.clean()] == [14, 14, 2]


def test_an_ip_packet_is_no_longer_than_64_kib(rig: Rig) -> None:
    queue = Coalescing(rig, count=32, kib=8)
    rig.receive(*stream(48))
    (first, second) = queue.clean()
    assert first.appended == (65535 - 40) // SIZE == 45
    assert second.appended == 3


def test_more_flows_than_there_is_room_for(rig: Rig) -> None:
    """The oldest ends."""
    queue = Coalescing(rig)
    firsts = [stream(1, 100, flow=n)[0] for n in range(33)]
    seconds = [stream(1, 100, start=101, flow=n)[0] for n in range(33)]
    moderated(rig, 50)
    rig.nic.c.intr.next_ns[0] = 1_000_000_000 + 100_000
    rig.receive(*firsts[:33])
    rig.receive(*reversed(seconds[1:]))
    assert [one.appended for one in queue.clean()] == [0]
    assert bin(rig.nic.c.rx.rsc.used).count("1") == 32
    rig.write(RXDCTL, 0)
    assert [one.appended for one in queue.clean()] == [2] * 32


NOT_ON = {
    "RSCCTL.RSCEN": (RSCCTL, 0xC),
    "RFCTL.RSC_DIS": (RFCTL, 0x20),
    "RDRXCTL.AGGDIS": (RDRXCTL, 0x10002),
    "PSRTYPE": (PSRTYPE, 0),
    "SRRCTL.BSIZEHEADER": (SRRCTL, 0x02000002),
    "header split": (SRRCTL, 0x0A000402),
}


@pytest.mark.parametrize("what", NOT_ON)
def test_who_does_not_ask_for_all_of_it_gets_frames(rig: Rig, what: str) -> None:
    queue = Coalescing(rig)
    assert lib.rx_rsc_on(ffi.addressof(rig.nic.c, "rx"), 0)
    register, value = NOT_ON[what]
    rig.write(register, value)
    assert not lib.rx_rsc_on(ffi.addressof(rig.nic.c, "rx"), 0)
    if what == "header split":
        return  # there are no buffers for headers here
    rig.receive(*stream(3))
    assert [int(queue.ring.desc(i)[0].RSCCNT) for i in range(3)] == [0, 0, 0]
    assert int(queue.ring.desc(2)[1].STAT_EOP)


def test_with_their_fcs_frames_are_not_coalesced(rig: Rig) -> None:
    Coalescing(rig)
    rig.write(RDRXCTL, 0)
    rig.write(HLREG0, rig.read(HLREG0) & ~HLREG0.RXCRCSTRP.mask)
    assert not lib.rx_rsc_on(ffi.addressof(rig.nic.c, "rx"), 0)


def test_rscdbu_keeps_what_software_says(rig: Rig) -> None:
    rig.write(RSCDBU, 0x80)
    assert rig.read(RSCDBU) == 0x80


def test_tags_are_taken_out_once(rig: Rig) -> None:
    queue = Coalescing(rig)
    queue.ring.enable(VME=1)
    rig.receive(*stream(3, vlan=5))
    (packet,) = queue.clean()
    assert (packet.appended, packet.last.STAT_VP, packet.last.VLAN) == (3, 1, 5)
    assert packet.data[12:14] == b"\x08\0"
    assert len(packet.data) == 54 + 3 * SIZE


# ---- time


def moderated(rig: Rig, steps: int) -> None:
    rig.nic.pf.irq_kind = IrqKind.MSIX
    rig.write(GPIE, 0xC000_0036)
    rig.write(IVAR, 0x80)
    rig.write(EITR, EITR.of(ITR_INTERVAL=steps))
    rig.write(EIMS_EX, 1)


def test_it_ends_when_the_interrupt_is_due(rig: Rig) -> None:
    moderated(rig, 50)
    queue = Coalescing(rig)
    rig.receive(*stream(2))  # the first message may leave at once
    assert [one.appended for one in queue.clean()] == [2]
    rig.nic.c.intr.next_ns[0] = 1_000_000_000 + 100_000
    rig.receive(*stream(2, start=1 + 2 * SIZE))
    rig.receive(*stream(2, start=1 + 4 * SIZE))
    assert queue.clean() == []
    assert lib.rsc_wait_ns(ffi.addressof(rig.nic.c, "rx")) == 98_000
    later(rig, 97_999)
    assert queue.clean() == []
    later(rig, 1)
    assert [one.appended for one in queue.clean()] == [4]
    assert rig.read(QPRC) == 6


def test_a_queue_that_goes_off_gives_back_what_it_has(rig: Rig) -> None:
    moderated(rig, 50)
    queue = Coalescing(rig)
    rig.nic.c.intr.next_ns[0] = 1_000_000_000 + 100_000
    rig.receive(*stream(2))
    rig.write(RXDCTL, 0)
    assert [one.appended for one in queue.clean()] == [2]


def test_a_reset_forgets_it(rig: Rig) -> None:
    moderated(rig, 50)
    queue = Coalescing(rig)
    rig.nic.c.intr.next_ns[0] = 1_000_000_000 + 100_000
    rig.receive(*stream(2))
    rig.nic.pf.reset(software=False)
    assert rig.nic.c.rx.rsc.used == 0
    assert queue.clean() == []


def test_memory_that_is_gone_at_the_end_costs_the_packet(rig: Rig) -> None:
    moderated(rig, 50)
    Coalescing(rig)
    rig.nic.c.intr.next_ns[0] = 1_000_000_000 + 100_000
    rig.receive(*stream(2))
    rig.nic.pf.dma_del(0, 2**64 - 1)
    later(rig, 100_000)
    assert rig.nic.c.rx.rsc.used == 0


def test_without_descriptors_it_ends_and_the_rest_waits(rig: Rig) -> None:
    queue = Coalescing(rig, count=8)
    rig.receive(*stream(20))
    assert sum(one.appended or 1 for one in queue.clean()) == 9
    rig.drain()
    assert sum(one.appended or 1 for one in queue.clean()) == 9


# ---- anything


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.integers(0, 3000),
            st.sampled_from(["A"] * 6 + ["PA", "FA", "EA"]),
            st.sampled_from([0] * 8 + [-1, 1]),
            st.sampled_from([None] * 5 + [3]),
        ),
        max_size=40,
    ),
    st.integers(0, 3),
    st.lists(st.integers(1, 39), max_size=3),
)
def test_every_byte_of_every_flow_comes_in_order(
    asked: list[tuple[int, int, str, int, int | None]], maxdesc: int, cuts: list[int]
) -> None:
    """Whatever is coalesced: a receiver of TCP that knows only sequence numbers gets what was sent."""
    with Rig() as rig:
        rig.nic.manual_clock(1_000_000_000)
        moderated(rig, 50)
        rig.nic.c.intr.next_ns[0] = 1_000_000_000 + 100_000
        rig.write(HLREG0, rig.read(HLREG0) | HLREG0.JUMBOEN.mask)
        rig.write(MAXFRS, 9000 << 16)
        queue = Coalescing(rig, maxdesc=maxdesc)
        at: Counter[int] = Counter()
        frames = []
        for n, (flow, size, flags, jump, vlan) in enumerate(asked):
            at[flow] += jump
            frames.append(segment(1000 + at[flow], bytes([n]) * size, flow=flow, flags=flags, vlan=vlan))
            at[flow] += size
        edges = sorted({0, *(cut for cut in cuts if cut < len(frames)), len(frames)})
        for a, b in pairwise(edges):
            rig.receive(*frames[a:b])
        later(rig, 200_000)
        packets = queue.clean()
        assert sum(one.appended or 1 for one in packets) == len(frames) == rig.count.rx_frames
        for flow in range(4):
            sent = [Ether(frame) for frame in frames]
            wanted = b"".join(payload(one) for one in sent if one[TCP].sport == 1000 + flow)
            came = [Ether(one.data) for one in packets]
            assert b"".join(payload(one) for one in came if one[TCP].sport == 1000 + flow) == wanted
            for one in came:
                assert one[IP].len <= len(bytes(one[IP]))
        assert rig.guards_whole()


def payload(frame: Ether) -> bytes:
    """Without padding."""
    ip = frame[IP]
    return bytes(ip)[ip.ihl * 4 + ip[TCP].dataofs * 4 : ip.len]
