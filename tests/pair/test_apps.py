# SPDX-License-Identifier: BSD-3-Clause
"""The packet programs that run whole in C: what they send, what they notice, and what they leave behind."""

import errno
from typing import Any

import pytest

from device.machine.wire.loopback import LoopbackPort
from driver.compiled import ffi, lib
from tests.rigs.pair import Rig, Wire, plain, rig

HEADER = bytes.fromhex("020000825990") * 2 + b"\x88\xb5"
PATIENCE_NS = 20_000_000_000


def loop(up: Rig, len_bytes: int, frames: int, batch: int, *, patience_ns: int = PATIENCE_NS) -> tuple[int, Any]:
    """Run the loop; what it returned, and what it counted."""
    result, adapter = ffi.new("struct app_result *"), up.adapter
    rings = adapter.rx_rings[0].c, adapter.tx_rings[0].c
    rc = lib.app_loop(*rings, HEADER, len_bytes, frames, batch, lib.napi_now() + patience_ns, result)
    return rc, result


@pytest.mark.parametrize("batch", [1, 7, 32, 64])
@pytest.mark.parametrize("len_bytes", [60, 64, 65, 1514])
def test_the_loop_takes_back_what_it_sent(len_bytes: int, batch: int) -> None:
    """Past the ring's end, and again from wherever the last run ended."""
    with LoopbackPort() as port, rig(port) as up:
        up.send([plain(n) for n in range(5)])
        assert len(up.take()) == 5
        for _ in range(2):
            rc, result = loop(up, len_bytes, 500, batch)
            assert (rc, result.sent, result.received, result.bad) == (0, 500, 500, 0)
        assert up.adapter.rx_rings[0].stats()["bytes"] == 5 * 60 + 1000 * len_bytes


def test_every_frame_of_the_loop_is_whole_and_has_its_number() -> None:
    """The far end of a cable, which sends nothing back, sees them."""
    with Wire() as wire, rig(wire) as up:
        rc, result = loop(up, 100, 20, 32, patience_ns=0)
        assert (rc, result.sent) == (-errno.ETIMEDOUT, 0)
        rc, result = loop(up, 100, 20, 32, patience_ns=200_000_000)
        assert (rc, result.sent, result.received) == (-errno.ETIMEDOUT, 20, 0)
        up.settle()
        assert wire.sent() == [HEADER + n.to_bytes(8, "little") + bytes(78) for n in range(20)]


def test_the_loop_notices_a_damaged_frame_and_a_missing_one() -> None:
    with Wire() as wire, rig(wire) as up:
        numbers = [0, 1, 3, 4, 5]
        frames = [HEADER + n.to_bytes(8, "little") + bytes(38) for n in numbers]
        wire.inject(*frames, frames[4] + b"x", plain(1))
        up.settle()
        rc, result = loop(up, 60, 7, 1)
        assert (rc, result.received, result.bad) == (0, 7, 5)


def test_what_the_echo_cannot_send_back_is_dropped_and_counted() -> None:
    """A full Tx ring, a frame in two buffers; the rest goes back, in order."""
    with Wire() as wire, rig(wire, mtu=9004, ring_count=128) as up:
        (napi, *_) = up.adapter.napis()
        napi.c.sink = lib.SINK_ECHO
        frames = [plain(n, 60 + n) for n in range(30)]
        wire.inject(*frames[:10], plain(99, 3000), *frames[10:])
        up.settle()
        assert napi.poll() == 31
        up.settle()
        assert wire.sent() == [frame[6:12] + frame[:6] + frame[12:] for frame in frames]
        assert up.adapter.rx_rings[0].stats()["drops"] == 1
        ring = up.adapter.tx_rings[0]
        ring.clean()
        while ring.free > 6:
            assert ring.post(plain(0))
        wire.inject(*frames[:20])
        up.settle()
        assert lib.napi_poll(napi.c, 64, 0) == 20
        up.settle()
        assert wire.sent()[-5:] == [frame[6:12] + frame[:6] + frame[12:] for frame in frames[:5]]
        assert up.adapter.rx_rings[0].stats()["drops"] == 1 + 15
