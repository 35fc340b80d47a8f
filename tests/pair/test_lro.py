# SPDX-License-Identifier: BSD-3-Clause
"""Coalescing between the real driver and the real device: what is switched on when, and what a flow becomes."""

import logging
from collections.abc import Iterator

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from device.regs.i82599 import RFCTL, RSCCTL
from device.regs.i82599.rx import MaxDesc
from driver.core.xdp import Verdict
from tests.rigs.pair import Rig, Wire, plain, rig
from tests.rigs.rsc import STAMPS, segment, stream

SIZE = 1448


@pytest.fixture
def up(wire: Wire) -> Iterator[Rig]:
    with rig(wire) as made:
        made.adapter.set_lro(on=True)
        started(made)
        yield made


def started(up: Rig) -> None:
    """The port was reset: it gets its link back."""
    up.settle()
    up.nic.link.evaluate()
    up.adapter.service()


def programmed(up: Rig) -> tuple[bool, bool]:
    """Whether queue 0 coalesces and whether the chip allows it, by its registers."""
    bar = up.adapter.bar
    queue = bar.read(RSCCTL, 0)
    if queue.RSCEN:
        assert queue.MAXDESC == MaxDesc.MAXDESC_16
    return bool(queue.RSCEN), not bar.read(RFCTL).RSC_DIS


def received(up: Rig) -> list[tuple[int, bytes]]:
    """Frames that each packet was, and the packet."""
    ring = up.adapter.rx_rings[0]
    got: list[tuple[int, bytes]] = []
    while True:
        up.settle()
        frames = ring.harvest()
        if not frames:
            return got
        got += [(frame.segments, bytes(frame)) for frame in frames]
        ring.refill()


def test_nobody_who_did_not_ask_gets_it(wire: Wire) -> None:
    with rig(wire) as up:
        assert programmed(up) == (False, False)
        wire.inject(*stream(4, SIZE))
        assert [segments for segments, _ in received(up)] == [1] * 4
        assert up.adapter.stats()["hw_rsc_flushed"] == 0


def test_a_stream_is_one_packet_and_its_header_is_right(up: Rig, wire: Wire) -> None:
    assert programmed(up) == (True, True)
    wire.inject(*stream(12, SIZE, options=STAMPS))
    ((segments, data),) = received(up)
    packet = Ether(data)
    assert (segments, packet[IP].len, len(packet[TCP].payload)) == (12, len(data) - 14, 12 * SIZE)
    again = Ether(data)
    del again[IP].chksum
    assert bytes(again)[14:34] == data[14:34], "the IP checksum is that of the new length"
    stats = up.adapter.stats()
    assert (stats["hw_rsc_aggregated"], stats["hw_rsc_flushed"]) == (12, 1)
    assert (stats["rx_packets"], stats["rx_pkts_nic"]) == (1, 12)


def test_interleaved_flows_and_others_between_them(up: Rig, wire: Wire) -> None:
    """Sixty slots turn several times: everything comes once and whole."""
    for turn in range(12):
        flows = [stream(9, SIZE, start=1 + turn * 9 * SIZE, flow=flow) for flow in range(3)]
        wire.inject(*(frame for frames in zip(*flows, strict=True) for frame in (*frames, plain(turn))))
        got = received(up)
        assert [data for segments, data in got if segments == 1] == [plain(turn)] * 9
        coalesced = [(segments, Ether(data)[TCP]) for segments, data in got if segments > 1]
        assert sorted(tcp.sport for _, tcp in coalesced) == [1000, 1001, 1002]
        for segments, tcp in coalesced:
            assert segments == 9
            assert bytes(tcp.payload) == b"".join(bytes(Ether(frame)[TCP].payload) for frame in flows[tcp.sport - 1000])
    assert up.adapter.rx_rings[0].stats()["errors"] == 0


@pytest.mark.parametrize(
    ("third", "shape"),
    [
        pytest.param(segment(1 + 2 * SIZE, bytes(SIZE), flags="PA"), [2, 1], id="push"),
        pytest.param(segment(1 + 2 * SIZE, bytes(SIZE), flags="FA"), [2, 1], id="fin"),
        pytest.param(segment(1 + 3 * SIZE, bytes(SIZE)), [2, 1], id="a hole"),
        pytest.param(segment(1 + 2 * SIZE, bytes(SIZE)), [3], id="the next"),
    ],
)
def test_what_ends_a_packet(up: Rig, wire: Wire, third: bytes, shape: list[int]) -> None:
    wire.inject(*stream(2, SIZE), third)
    assert [segments for segments, _ in received(up)] == shape


def test_a_reset_in_the_midst_leaves_nothing_behind(up: Rig, wire: Wire) -> None:
    wire.inject(*(frame for frames in zip(stream(5, SIZE), stream(5, SIZE, flow=1), strict=True) for frame in frames))
    up.settle()
    up.adapter.reinit()
    started(up)
    assert programmed(up) == (True, True)
    for turn in range(40):
        wire.inject(*stream(4, SIZE, start=1 + turn * 4 * SIZE))
        assert [segments for segments, _ in received(up)] == [4]


def test_a_program_sees_frames_as_they_were(up: Rig, wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[int] = []

    def look(frame: object) -> Verdict:
        seen.append(len(frame.data))  # type: ignore[attr-defined]
        return Verdict.PASS

    with caplog.at_level(logging.INFO):
        up.adapter.xdp(look)
    assert "LRO is off now: an XDP program sees each frame" in caplog.text
    assert up.adapter.reinits == 2
    started(up)
    assert programmed(up) == (False, False)
    wire.inject(*stream(3, SIZE))
    assert len(received(up)) == len(seen) == 3
    up.adapter.xdp(None)
    assert (up.adapter.reinits, programmed(up)) == (2, (False, False))
    up.restart()
    assert programmed(up) == (True, True)


def test_a_program_that_is_none_changes_nothing(up: Rig) -> None:
    with pytest.raises(Exception, match="program"):
        up.adapter.xdp(42)
    assert (up.adapter.reinits, up.adapter.lro, programmed(up)) == (1, True, (True, True))


@pytest.mark.parametrize(("itr_us", "on"), [(0, False), (6, False), (7, True), (None, True)])
def test_an_interval_that_is_too_short_is_not_worth_it(up: Rig, itr_us: int | None, on: bool) -> None:
    up.adapter.set_lro(on=True, fixed_itr_us=itr_us)
    assert programmed(up) == (on, on)
    assert (up.adapter.why_no_lro() == "") == on
    up.adapter.set_lro(on=False, fixed_itr_us=itr_us)
    assert programmed(up) == (False, False)
