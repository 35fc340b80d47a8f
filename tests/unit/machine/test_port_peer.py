# SPDX-License-Identifier: BSD-3-Clause
"""A cable between two devices: frames, light, and who comes and goes."""

import contextlib
import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from device.errors import ConfigError
from device.machine.core import lib
from device.machine.socket_rule import CALLERS_MAX, DEADLINE_S
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


HELLO = b"IXLAB\x01\x01\0"


def stranger(path: Path, *says: bytes) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.setblocking(False)
    sock.connect(str(path))
    for message in says:
        sock.send(message)
    return sock


def left(sock: socket.socket) -> bool:
    try:
        return not sock.recv(100)
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


@pytest.mark.parametrize("says", [b"hello", b"x" * 14, HELLO + b"x", HELLO[:5] + b"\x02\x01\0", b"y" * 20000])
def test_a_stranger_is_sent_away_and_gives_neither_carrier_nor_frames(
    tmp_path: Path, says: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with PeerPort(tmp_path / "wire") as port, stranger(tmp_path / "wire", says, b"x" * 14) as other:
        assert lit(port) == [False]
        assert not port.connected
        assert port.counters()["rx_frames"] == 0
        assert left(other)
        assert "said no hello first: sent away" in caplog.text


def test_who_says_hello_is_a_device(tmp_path: Path) -> None:
    with PeerPort(tmp_path / "wire") as port, stranger(tmp_path / "wire", HELLO, FRAMES[0]) as other:
        port.poll()
        assert port.connected
        assert port.carrier
        assert Wire(port).all() == [FRAMES[0]], "what came behind it is a frame"
        assert other.recv(100) == HELLO[:6] + b"\0\0"


@pytest.mark.parametrize("count", [1, 10, 16])
def test_silent_strangers_do_not_keep_the_other_device_from_the_cable(
    tmp_path: Path, count: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Observed before: the first who connected had the cable until he left."""
    clock_s = [100.0]
    path = tmp_path / "wire"
    with PeerPort(path) as first, contextlib.ExitStack() as silent:
        monkeypatch.setattr(first._callers, "_now_s", lambda: clock_s[0])
        others = [silent.enter_context(stranger(path)) for _ in range(count)]
        first.poll()
        with PeerPort(path) as second:
            first.set_link(up=True)
            second.set_link(up=True)
            assert lit(first, second) == [True, True]
            Wire(first).send(FRAMES)
            assert Wire(second).all() == FRAMES
            assert all(left(other) for other in others)
    assert "said nothing" not in caplog.text


def test_a_silent_stranger_has_his_time_and_then_is_sent_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock_s = [100.0]
    with PeerPort(tmp_path / "wire") as port, stranger(tmp_path / "wire") as other:
        monkeypatch.setattr(port._callers, "_now_s", lambda: clock_s[0])
        port.poll()
        clock_s[0] += DEADLINE_S * 0.9
        port.poll()
        assert not left(other)
        clock_s[0] += DEADLINE_S * 0.2
        port.poll()
        assert left(other)
        assert "said nothing for 2 s: sent away" in caplog.text


def test_a_crowd_of_strangers_is_bounded(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    with PeerPort(tmp_path / "wire") as port, contextlib.ExitStack() as crowd:
        for _ in range(5):
            for _ in range(CALLERS_MAX):
                crowd.enter_context(stranger(tmp_path / "wire"))
            port.poll()
        assert len(list(Path("/proc/self/fd").iterdir())) == before + 1 + 6 * CALLERS_MAX
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_no_descriptor_for_a_caller_is_said_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with PeerPort(tmp_path / "wire") as port, PeerPort(tmp_path / "wire") as second:
        listener = port._listener
        assert listener is not None
        tried: list[int] = []

        class Full:
            def accept(self) -> None:
                tried.append(1)
                raise OSError(errno.EMFILE, "Too many open files")

        clock_s = [100.0]
        monkeypatch.setattr(port._callers, "_now_s", lambda: clock_s[0])
        monkeypatch.setattr(port, "_listener", Full())
        for _ in range(5):
            with monkeypatch.context() as patch:
                patch.setattr(port, "_meet", lambda _path: None)
                port.poll()
        assert len(tried) == 1, "it is left alone for a while"
        assert "Too many open files" in caplog.text
        monkeypatch.setattr(port, "_listener", listener)
        clock_s[0] += 1
        second.set_link(up=True)
        assert lit(port, second) == [True, False]


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
