# SPDX-License-Identifier: BSD-3-Clause
"""The wire into nothing: what it counts, and what it brings."""

import select

import pytest

from device.machine.wire import NullPort
from tests.rigs.wire import FRAMES, Wire


def test_null_counts_and_forgets() -> None:
    with NullPort() as port:
        assert Wire(port).send(FRAMES) == len(FRAMES)
        assert Wire(port).recv() == []
        assert port.counters()["tx_bytes"] == sum(map(len, FRAMES))
        assert port.carrier


def test_null_generates_numbered_frames_while_the_link_is_up() -> None:
    with NullPort() as port:
        wire = Wire(port)
        port.generate(100, len_bytes=64, dst=b"\x02\0\0\0\0\x01")
        assert wire.recv() == []
        assert port.c.fd == -1
        port.set_link(up=True)
        assert select.select([port.c.fd], [], [], 1)[0]
        left = wire.all()
        assert port.c.fd == -1
        head = b"\x02\0\0\0\0\x01\x02\0\0\0\xaa\xaa\x88\xb5"
        assert left == [head + i.to_bytes(8, "big") + bytes(42) for i in range(100)]


@pytest.mark.parametrize("bad", [{"len_bytes": 59}, {"len_bytes": 16385}, {"dst": b"\0" * 5}, {"src": b"\0" * 7}])
def test_null_refuses_frames_that_cannot_be(bad: dict[str, int]) -> None:
    with NullPort() as port, pytest.raises(ValueError, match=r"need 60|6 bytes"):
        port.generate(1, **bad)  # type: ignore[arg-type]  # a dict of either kind
