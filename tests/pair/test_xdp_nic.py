# SPDX-License-Identifier: BSD-3-Clause
"""``nic.xdp(program)``: a NIC's program from up to down and up again, its XDP Tx rings, and other NICs as targets."""

from collections.abc import Iterator

import pytest

from driver.core.xdp import Verdict, XdpFrame
from driver.errors import DriverError
from tests.rigs.pair import Rig, Wire, plain, rig, run_napis

PASS, DROP, TX = Verdict.PASS, Verdict.DROP, Verdict.TX
FRAMES = [plain(n) for n in range(12)]


@pytest.fixture
def up(wire: Wire) -> Iterator[Rig]:
    with rig(wire) as made:
        made.adapter.down()
        bring_up(made, xdp_rings=2)
        yield made


def bring_up(rig_: Rig, *, xdp_rings: int, mtu: int = 1500) -> None:
    rig_.adapter.up(queues=1, ring_count=64, xdp_rings=xdp_rings, mtu=mtu)
    rig_.settle()
    rig_.nic.link.evaluate()
    rig_.adapter.service()


def polled(up: Rig, wire: Wire, *frames: bytes) -> list[bytes]:
    """Send frames to the NIC and poll its rings; what passed, as our own loop sees it."""
    wire.inject(*frames)
    got = up.take()
    up.settle()
    for ring in up.adapter.senders:
        ring.clean()
    return got


def counts(up: Rig) -> dict[str, int]:
    return {
        name: count
        for name, count in up.adapter.stats().items()
        if name.startswith("xdp_") and "_queue_" not in name and count
    }


def test_tx_goes_out_through_the_xdp_ring(up: Rig, wire: Wire) -> None:
    up.adapter.xdp(lambda _frame: TX)
    assert polled(up, wire, *FRAMES) == []
    assert wire.sent() == FRAMES
    assert [ring.stats()["packets"] for ring in up.adapter.senders] == [0, 12, 0]
    assert [ring.queue for ring in up.adapter.xdp_rings] == [1, 2], "the hardware queues above those of the interface"
    assert counts(up) == {"xdp_tx": 12}


def test_napi_cleans_the_xdp_rings(up: Rig, wire: Wire) -> None:
    """More than the ring holds goes through it, for the vector that it is mapped to completes what was sent."""
    up.adapter.xdp(lambda _frame: TX)
    napis = up.adapter.napis()
    sent: list[bytes] = []
    for first in range(0, 200, 20):
        wire.inject(*(plain(first + n) for n in range(20)))
        up.take()
        up.settle()
        sent += wire.sent()
        for napi in napis:
            napi.poll()
    assert sent == [plain(n) for n in range(200)]
    assert counts(up) == {"xdp_tx": 200}


def test_a_program_stays_while_the_port_goes_down_and_up(up: Rig, wire: Wire) -> None:
    up.adapter.xdp(lambda frame: PASS if frame.data[17] % 2 else TX)
    for n in range(3):
        assert polled(up, wire, *FRAMES) == FRAMES[1::2], n
        assert wire.sent() == FRAMES[::2]
        if n == 0:
            up.adapter.reinit()
            up.settle()
            up.adapter.service()
        else:
            up.adapter.down()
            bring_up(up, xdp_rings=2)
    assert counts(up) == {"xdp_pass": 18, "xdp_tx": 18}
    up.adapter.xdp(None)
    assert polled(up, wire, *FRAMES) == FRAMES
    assert counts(up) == {"xdp_pass": 18, "xdp_tx": 18}, "what the program did stays counted"


def test_a_program_before_the_port_is_up(wire: Wire) -> None:
    with rig(wire) as made:
        made.adapter.down()
        made.adapter.xdp(lambda _frame: DROP)
        bring_up(made, xdp_rings=0)
        assert polled(made, wire, *FRAMES) == []
        assert counts(made) == {"xdp_drop": 12}


def test_without_xdp_rings_tx_is_aborted(wire: Wire) -> None:
    with rig(wire) as made:
        made.adapter.xdp(lambda _frame: TX)
        assert polled(made, wire, *FRAMES) == []
        assert counts(made) == {"xdp_aborted": 12}


def to_the_other(frame: XdpFrame) -> Verdict:
    return frame.redirect()


def test_redirect_to_a_nic_that_goes_down_and_up(up: Rig, wire: Wire) -> None:
    far = Wire()
    try:
        with rig(far, name="other") as other:
            other.adapter.down()
            bring_up(other, xdp_rings=1)
            up.adapter.xdp(to_the_other, [other.adapter])
            assert polled(up, wire, *FRAMES) == []
            other.settle()
            assert far.sent() == FRAMES
            other.adapter.down()
            assert polled(up, wire, *FRAMES) == []
            bring_up(other, xdp_rings=1)
            assert far.sent() == []
            assert polled(up, wire, *FRAMES[:5]) == []
            other.settle()
            assert far.sent() == FRAMES[:5]
            other.adapter.reinit()
            other.settle()
            other.adapter.service()
            assert polled(up, wire, *FRAMES[5:]) == []
            other.settle()
            assert far.sent() == FRAMES[5:]
            assert counts(up) == {"xdp_redirect": 36, "xdp_redirect_lost": 12}
        assert polled(up, wire, *FRAMES) == []  # it was closed altogether
        assert counts(up)["xdp_redirect_lost"] == 24
    finally:
        far.close()


def test_a_target_without_xdp_rings_is_refused(up: Rig, wire: Wire) -> None:
    far = Wire()
    try:
        with rig(far, name="other") as other:
            up.adapter.xdp(lambda _frame: DROP)
            with pytest.raises(DriverError, match=r"other has no XDP Tx rings to send on; .*--xdp-rings"):
                up.adapter.xdp(to_the_other, [other.adapter])
            assert polled(up, wire, *FRAMES) == []
            assert counts(up) == {"xdp_drop": 12}, "the program before is still there"
    finally:
        far.close()


def test_mtu_and_programs_exclude_each_other(up: Rig, wire: Wire) -> None:
    words = "MTU 2027 is too large for an XDP program, whose frames lie in one buffer: 2026 at most"
    up.adapter.xdp(lambda _frame: PASS)
    with pytest.raises(DriverError) as caught:
        up.adapter.set_mtu(2027)
    assert str(caught.value) == words
    assert up.adapter.mtu == 1500
    up.adapter.set_mtu(2026)
    up.settle()
    up.adapter.service()
    longest = plain(1, 2026 + 14)
    assert polled(up, wire, longest) == [longest]
    assert counts(up) == {"xdp_pass": 1}
    up.adapter.xdp(None)
    up.adapter.set_mtu(2027)
    with pytest.raises(DriverError) as caught:
        up.adapter.xdp(lambda _frame: PASS)
    assert str(caught.value) == words
    up.adapter.down()
    up.adapter.set_mtu(1500)
    up.adapter.xdp(lambda _frame: PASS)
    with pytest.raises(DriverError, match="MTU 9000 is too large"):
        bring_up(up, xdp_rings=2, mtu=9000)


def test_frames_that_polling_takes_go_through_the_program(up: Rig, wire: Wire) -> None:
    """The driver's own loop: interrupt, poll, program, re-arm."""
    seen: list[int] = []

    def program(frame: XdpFrame) -> Verdict:
        seen.append(frame.data[17])
        return DROP

    up.adapter.xdp(program)
    napis = up.adapter.napis()
    for napi in napis:
        napi.c.sink = 1  # Sink.DROP
        napi.c.scheduled = 1
    wire.inject(*FRAMES)
    up.settle()
    run_napis(napis)
    assert seen == list(range(12))
