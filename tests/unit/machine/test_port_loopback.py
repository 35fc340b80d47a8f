# SPDX-License-Identifier: BSD-3-Clause
"""The loopback: everything comes back, in order, and what does not fit is counted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.machine.core import lib
from device.machine.wire import LoopbackPort
from tests.rigs.wire import FRAMES, Wire

BIG = b"J" * lib.FRAME_MAX_BYTES


@given(st.lists(st.lists(st.binary(min_size=1, max_size=100), max_size=100), max_size=6))
@settings(deadline=None)
def test_loopback_gives_back_what_it_took_in_order(batches: list[list[bytes]]) -> None:
    with LoopbackPort(slots=128) as port:
        wire = Wire(port)
        for batch in batches:
            assert wire.send(batch) == len(batch)
            assert wire.all() == batch


def test_loopback_drops_what_exceeds_its_slots() -> None:
    with LoopbackPort(slots=4) as port:
        wire = Wire(port)
        assert wire.send(FRAMES) == 4
        assert wire.all() == FRAMES[:4]
        count = port.counters()
        assert (count["tx_frames"], count["tx_dropped"], count["rx_frames"]) == (4, 16, 4)
        assert count["tx_bytes"] == count["rx_bytes"] == sum(map(len, FRAMES[:4]))


def test_a_ring_of_any_size_goes_round() -> None:
    with LoopbackPort(slots=7) as port:
        wire = Wire(port)
        for i in range(12):
            part = FRAMES[i : i + 5]
            assert wire.send(part) == 5
            assert wire.all() == part


def test_loopback_takes_the_longest_frame_and_no_longer_one() -> None:
    with LoopbackPort() as port:
        wire = Wire(port)
        assert wire.send([BIG, BIG + b"x", FRAMES[0]]) == 1  # a refusal ends the batch
        assert wire.all() == [BIG]
        assert port.counters()["tx_dropped"] == 2


def test_a_closed_loopback_takes_nothing() -> None:
    port = LoopbackPort()
    port.close()
    port.close()
    assert Wire(port).send(FRAMES) == 0
    assert Wire(port).recv() == []
    assert not port.carrier
    with pytest.raises(ValueError, match="slots=0"):
        LoopbackPort(slots=0)
