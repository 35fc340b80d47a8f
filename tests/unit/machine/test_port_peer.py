# SPDX-License-Identifier: BSD-3-Clause
"""A cable between two devices: frames, light, and who comes and goes."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from device.errors import ConfigError
from device.machine.core import lib
from device.machine.wire import PeerPort
from tests.rigs.wire import FRAMES, Wire

BIG = b"J" * lib.FRAME_MAX_BYTES


@contextmanager
def peers(path: Path) -> Iterator[tuple[PeerPort, PeerPort]]:
    with PeerPort(path) as first, PeerPort(path) as second:
        first.poll()
        yield first, second


def lit(*ports: PeerPort) -> list[bool]:
    """Let everybody hear the others' hellos, then look."""
    for _ in range(3):
        for port in ports:
            port.poll()
            Wire(port).all()
    return [port.carrier for port in ports]


def test_a_pair_carries_frames_both_ways() -> None:
    one, two = PeerPort.pair()
    with one, two:
        assert Wire(one).send(FRAMES) == len(FRAMES)
        assert Wire(two).all() == FRAMES
        assert Wire(two).send([BIG]) == 1
        assert Wire(one).all() == [BIG]
        assert two.counters()["rx_frames"] == len(FRAMES)


def test_carrier_is_the_other_sides_light() -> None:
    one, two = PeerPort.pair()
    with one, two:
        assert lit(one, two) == [False, False]
        one.set_link(up=True)
        assert lit(one, two) == [False, True]
        two.set_link(up=True)
        assert lit(one, two) == [True, True]
        one.set_link(up=False)
        assert lit(one, two) == [True, False]


def test_the_first_listens_and_the_second_connects(tmp_path: Path) -> None:
    with peers(tmp_path / "wire") as (first, second):
        first.set_link(up=True)
        second.set_link(up=True)
        assert lit(first, second) == [True, True]
        Wire(first).send(FRAMES)
        assert Wire(second).all() == FRAMES
    assert list(tmp_path.iterdir()) == []


def test_alone_there_is_no_carrier_and_frames_are_dropped(tmp_path: Path) -> None:
    with PeerPort(tmp_path / "wire") as port:
        port.set_link(up=True)
        assert lit(port) == [False]
        assert not port.connected
        assert Wire(port).send(FRAMES) == 0
        assert port.counters()["tx_dropped"] == len(FRAMES)
        assert port.counters()["errors"] == 0


@pytest.mark.parametrize("who_leaves", ["first", "second"])
def test_either_may_leave_and_come_back(tmp_path: Path, who_leaves: str) -> None:
    path = tmp_path / "wire"
    with peers(path) as (first, second):
        stays, leaves = (second, first) if who_leaves == "first" else (first, second)
        stays.set_link(up=True)
        leaves.set_link(up=True)
        assert lit(stays, leaves) == [True, True]
        leaves.close()
        assert lit(stays) == [False]
        assert stays.c.fd == -1  # the loop does not wake for a dead connection
        with PeerPort(path) as again:
            again.set_link(up=True)
            assert lit(stays, again) == [True, True]
            Wire(again).send(FRAMES)
            assert Wire(stays).all() == FRAMES


def test_a_stale_socket_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "wire"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as dead:
        dead.bind(str(path))
    with peers(path) as (first, second):
        assert first.connected
        assert second.connected


def test_two_that_come_at_once_find_each_other(tmp_path: Path) -> None:
    path = tmp_path / "wire"
    with PeerPort(path) as first:
        path.unlink()  # as if the second had found nobody there, too
        with PeerPort(path) as second:
            first.set_link(up=True)
            second.set_link(up=True)
            assert lit(first, second) == [True, True]


def test_a_third_device_gets_no_carrier_and_harms_nobody(tmp_path: Path) -> None:
    path = tmp_path / "wire"
    with peers(path) as (first, second), PeerPort(path) as third:
        for port in (first, second, third):
            port.set_link(up=True)
        assert lit(first, second, third) == [True, True, False]
        Wire(third).send(FRAMES)
        assert Wire(first).all() == []


def test_a_stranger_gives_no_carrier(tmp_path: Path) -> None:
    with PeerPort(tmp_path / "wire") as port:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as stranger:
            stranger.connect(str(tmp_path / "wire"))
            port.poll()
            stranger.send(b"hello")
            stranger.send(b"x" * 14)
            stranger.send(b"y" * (lib.FRAME_MAX_BYTES + 1))
            assert Wire(port).all() == [b"x" * 14]
            assert not port.carrier
            assert port.counters()["rx_dropped"] == 2
        assert lit(port) == [False]


def test_a_peer_that_does_not_read_costs_frames_not_time() -> None:
    one, two = PeerPort.pair()
    with one, two:
        sent = sum(Wire(one).send([BIG] * 64) for _ in range(20))
        count = one.counters()
        assert 0 < sent < 1280
        assert count["tx_dropped"] == 1280 - sent
        assert count["errors"] == 0
        assert len(Wire(two).all()) == sent
        assert Wire(one).send(FRAMES) == len(FRAMES)


def test_light_is_told_late_if_the_peer_does_not_read() -> None:
    one, two = PeerPort.pair()
    with one, two:
        while Wire(one).send([BIG] * 64):
            pass
        one.set_link(up=True)
        Wire(two).all()
        assert not two.carrier
        assert lit(one, two) == [False, True]


def test_bad_paths_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="107 fit"):
        PeerPort(Path("/" + "x" * 108))
    (tmp_path / "file").write_text("precious")
    with pytest.raises(ConfigError, match="no socket"):
        PeerPort(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "precious"
    with pytest.raises(ConfigError, match="No such file"):
        PeerPort(tmp_path / "nowhere" / "wire")


def test_closing_twice_leaks_no_descriptor(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    with peers(tmp_path / "wire") as (first, second):
        second.close()
        first.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
