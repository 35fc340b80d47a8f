# SPDX-License-Identifier: BSD-3-Clause
"""The control socket with toys behind it: what a turn takes, who waits, who is sent away."""

import contextlib
import errno
import json
import select
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device.machine.socket_file import SocketRule, group_of, mode_of, rule_of
from device.machine.socket_rule import DEADLINE_S, DEAF_S
from device.serve import control
from device.serve.control import CLIENTS_MAX, Control
from device.serve.control_client import EVENTS_MAX_BYTES, UNREAD_MAX_BYTES
from device.serve.rpc_method import Action, Before, Method, Param

BIG = "x" * 5000
SLOW_S = 0.0004


class House:
    """A control socket, a clock that only moves when it is told to, and clients."""

    def __init__(self, path: Path) -> None:
        self.clock_s = 100.0
        self.done: list[object] = []
        self.happened: list[dict[str, object]] = []
        self.looks = 0
        self.sockets: list[socket.socket] = []
        methods = [
            Method("report", "Much.", lambda *_: self._report),
            Method("set", "Little.", self._set, (Param("to", "integer", "what"),)),
            Method("bug", "Ours.", lambda *_: self._bug),
        ]
        self.control = Control(path, {each.name: each for each in methods}, self, now_s=lambda: self.clock_s)

    def begin(self) -> None:
        self.happened.clear()

    def look(self) -> Iterator[dict[str, object]]:
        self.looks += 1
        happened, self.happened = self.happened, []
        yield from happened

    def _report(self) -> object:
        self.clock_s += SLOW_S
        return BIG

    def _set(self, value: object, _before: Before) -> Action:
        if not isinstance(value, int):
            raise TypeError("no")
        return lambda: self.done.append(value)

    def _bug(self) -> object:
        raise RuntimeError("ours")

    def connect(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX)
        sock.setblocking(False)
        sock.connect(str(self.control.path))
        self.sockets.append(sock)
        return sock

    def poll(self, turns: int = 1, step_s: float = 0.0) -> int:
        done = 0
        for _ in range(turns):
            done += self.control.poll()
            self.clock_s += step_s
        return done

    def close(self) -> None:
        self.control.close()
        for sock in self.sockets:
            sock.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path / "c")
    yield made
    made.close()


def answers(sock: socket.socket) -> list[Any]:
    data = b""
    try:
        while more := sock.recv(1 << 20):
            data += more
    except BlockingIOError:
        pass
    return [json.loads(line) for line in data.splitlines()]


def hung_up(sock: socket.socket) -> bool:
    try:
        while sock.recv(1 << 20):
            pass
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    return True


def rpc(method: str, **params: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode() + b"\n"


def test_a_turn_takes_a_millisecond_and_one_command(house: House) -> None:
    sock = house.connect()
    house.poll()
    sock.send(b'{"report": 1}\n' * 2000)
    begin_s = house.clock_s
    assert house.poll() == 3
    assert house.clock_s - begin_s < control.TURN_S + SLOW_S
    assert house.control.waiting
    assert select.select([house.control], [], [], 0)[0], "the loop does not sleep while commands wait"


def test_clients_have_equal_shares(house: House) -> None:
    flood, honest = house.connect(), house.connect()
    flood.send(b'{"report": 1}\n' * 2000)
    house.poll(3)
    honest.send(b'{"set": 1}\n')
    house.poll(1)
    assert house.done == [1]


def test_a_batch_is_no_longer_than_a_turn_either(house: House) -> None:
    sock = house.connect()
    house.poll()
    request = {"jsonrpc": "2.0", "id": 1, "method": "report"}
    sock.send(json.dumps([request] * 20).encode() + b"\n")
    assert house.poll() == 3
    assert answers(sock) == []
    house.poll(60)
    assert len(answers(sock)[0]) == 20


def test_who_does_not_read_is_not_read_from(house: House) -> None:
    deaf, honest = house.connect(), house.connect()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    asked = deaf.send(b'{"report": 1}\n' * 1000) // 14
    with contextlib.suppress(BlockingIOError):
        while True:
            asked += deaf.send(b'{"report": 1}\n') // 14
            house.poll()
    (client,) = [each for each in house.control._clients.values() if each._outbox]
    assert len(client._outbox) < UNREAD_MAX_BYTES + 2 * len(BIG)
    assert not house.control.waiting
    assert not select.select([house.control], [], [], 0)[0], "nor does it wake the loop"
    honest.send(b'{"set": 2}\n')
    house.poll(2)
    assert house.done == [2]
    fetched = b""
    for _ in range(6000):
        with contextlib.suppress(BlockingIOError):
            fetched += deaf.recv(1 << 20)
        house.poll()
    assert fetched.count(b"\n") == asked, "it goes on once it reads"


def test_what_a_client_said_before_it_left_is_done(house: House) -> None:
    sock = house.connect()
    sock.send(b"".join(b'{"set": %d}\n' % n for n in range(200)))
    sock.close()
    house.poll(20)
    assert house.done == list(range(200))
    assert not house.control._clients


@pytest.mark.parametrize("speaks", [b"", rpc("set", to=1)])
def test_half_a_line_is_refused_in_time(house: House, speaks: bytes) -> None:
    sock = house.connect()
    sock.send(speaks + b'{"set"')
    house.poll(4)
    house.clock_s += DEADLINE_S / 2
    house.poll()
    sock.send(b" ")  # a byte now and then is no line
    house.poll()
    answers(sock)
    house.clock_s += DEADLINE_S / 2 + 1
    house.poll(3)
    (answer,) = answers(sock)
    assert "half a line" in json.dumps(answer)
    assert ("jsonrpc" in answer) == bool(speaks)
    assert hung_up(sock)


def test_a_line_without_end_is_refused(house: House) -> None:
    sock = house.connect()
    for _ in range(4):
        sock.send(b"x" * 40000)
        house.poll(3)
        if len(house.control._clients) == 0:
            break
    assert "at most 65536 bytes" in answers(sock)[0]["error"]
    assert hung_up(sock)


def test_the_oldest_that_has_said_nothing_makes_room(house: House) -> None:
    silent = [house.connect() for _ in range(CLIENTS_MAX)]
    house.poll(2)
    silent[0].send(b'{"set": 1}\n')
    silent[1].send(b'{"set": ')
    house.poll(2)
    late = house.connect()
    house.poll()
    late.send(b'{"set": 2}\n')
    house.poll(2)
    assert house.done == [1, 2]
    assert [hung_up(sock) for sock in silent] == [False, True, *[False] * (CLIENTS_MAX - 2)]


def test_who_has_done_nothing_for_long_makes_room_and_busy_ones_do_not(house: House) -> None:
    idle = [house.connect() for _ in range(CLIENTS_MAX)]
    for sock in idle:
        sock.send(b'{"set": 1}\n')
    house.poll(4)
    late = house.connect()
    house.poll(2)
    assert "has 16 clients" in answers(late)[0]["error"]
    assert hung_up(late)
    house.clock_s += DEADLINE_S + 1
    for sock in idle[1:]:
        sock.send(b'{"set": 1}\n')
    house.poll(4)
    late = house.connect()
    house.poll(2)
    late.send(b'{"set": 2}\n')
    house.poll(2)
    assert house.done[-1] == 2
    assert hung_up(idle[0])
    assert not hung_up(idle[1])


def test_who_asks_on_and_fetches_nothing_is_dropped(house: House, caplog: pytest.LogCaptureFixture) -> None:
    deaf, honest = house.connect(), house.connect()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    with contextlib.suppress(BlockingIOError):
        while True:
            deaf.send(b'{"report": 1}\n')
            house.poll()
    house.clock_s += DEADLINE_S * 0.9
    house.poll()
    assert len(house.control._clients) == 2
    house.clock_s += DEADLINE_S * 0.2
    house.poll()
    assert len(house.control._clients) == 1
    assert "has not read its answers for 2 s" in caplog.text
    honest.send(b'{"set": 2}\n')
    house.poll(2)
    assert house.done == [2]


def test_who_is_told_events_is_not_silent(house: House) -> None:
    watching = [house.connect() for _ in range(CLIENTS_MAX)]
    for sock in watching:
        sock.send(rpc("subscribe"))
    house.poll(10)
    house.clock_s += 100 * DEADLINE_S
    house.poll(2)
    late = house.connect()
    house.poll(2)
    assert "has 16 clients" in answers(late)[0]["error"]
    assert not hung_up(watching[0])


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_no_descriptor_for_a_client_is_said_once_and_tried_again(
    house: House, number: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = house.control._listener
    tries = []

    class Full:
        def accept(self) -> object:
            tries.append(house.clock_s)
            raise OSError(number, "none left")

        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

    full: Any = Full()
    house.control._selector.unregister(real)
    house.control._selector.register(full, select.EPOLLIN)
    monkeypatch.setattr(house.control, "_listener", full)
    sock = house.connect()
    house.poll(100, step_s=0.02)
    assert 2 <= len(tries) <= 2 / DEAF_S + 1, "2 s: it does not spin"
    assert len([r for r in caplog.records if "no client can be accepted" in r.message]) == 1
    house.clock_s += 10
    house.control._accept_again_s = None
    monkeypatch.setattr(house.control, "_listener", real)
    house.control._selector.register(real, select.EPOLLIN)
    sock.send(b'{"set": 5}\n')
    house.poll(3)
    assert house.done == [5]


def test_an_aborted_connection_is_none(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    real = house.control._listener
    outcomes: list[Callable[[], object]] = [lambda: (_ for _ in ()).throw(ConnectionAbortedError()), real.accept]

    class Aborted:
        def accept(self) -> object:
            return outcomes.pop(0)() if outcomes else real.accept()

    monkeypatch.setattr(house.control, "_listener", Aborted())
    house.connect()
    house.control._accept(house.clock_s)
    assert len(house.control._clients) == 1
    monkeypatch.undo()


def test_a_mistake_of_ours_is_an_answer(house: House, caplog: pytest.LogCaptureFixture) -> None:
    sock = house.connect()
    sock.send(b'{"bug": 1}\n' * 50 + rpc("bug"))
    house.poll(60)
    *old, new = answers(sock)
    assert all(answer["ok"] is False and "internal error" in answer["error"] for answer in old)
    assert new["error"]["code"] == -32603
    assert len(caplog.records) < 10, "a flood of tracebacks is none"


# -- events --------------------------------------------------------------------------------------------------------


def test_events_go_to_those_who_asked(house: House) -> None:
    some, every, none = house.connect(), house.connect(), house.connect()
    house.happened = [{"event": "reset", "pci": 7}]
    some.send(rpc("subscribe", events=["link"]))
    every.send(b'{"subscribe": true}\n')
    none.send(b'{"set": 1}\n')
    house.poll(6)
    answers(none)
    assert answers(some)[0]["result"] == ["link"]
    assert answers(every) == [{"ok": True, "subscribe": ["client", "fault", "link", "lost", "reset", "stall", "vfs"]}]
    house.happened = [{"event": "link", "link": "up"}, {"event": "reset", "pci": 1}]
    house.clock_s += 1
    house.poll(2)
    assert [each["params"] for each in answers(some)] == [{"event": "link", "link": "up"}]
    assert [each["params"]["event"] for each in answers(every)] == ["link", "reset"]
    assert answers(none) == []


def test_nobody_is_looked_for_when_nobody_asked(house: House) -> None:
    sock = house.connect()
    house.poll(10, step_s=0.2)
    assert house.looks == 0
    sock.send(rpc("subscribe"))
    house.poll(3, step_s=0.2)
    assert house.looks
    sock.close()
    house.poll(3, step_s=0.2)
    looks = house.looks
    house.poll(10, step_s=0.2)
    assert house.looks == looks


def test_events_that_nobody_reads_are_counted_as_lost(house: House) -> None:
    sock = house.connect()
    sock.send(rpc("subscribe"))
    house.poll(3)
    total = 3000
    for _ in range(30):
        house.happened = [{"event": "link", "link": BIG[:100]} for _ in range(total // 30)]
        house.clock_s += 1
        house.poll()
    (client,) = house.control._clients.values()
    assert len(client._outbox) < EVENTS_MAX_BYTES + 1000
    told: list[Any] = []
    for _ in range(200):
        told += answers(sock)
        house.poll(1, step_s=0.2)
    kinds = [each["params"]["event"] for each in told[1:]]
    lost = sum(each["params"]["lost"] for each in told[1:] if each["params"]["event"] == "lost")
    assert lost > 0
    assert kinds.count("link") + lost == total


@pytest.mark.parametrize("wanted", [["nope"], [3], 3, {"a": 1}, "link"])
def test_events_there_are_not(house: House, wanted: object) -> None:
    sock = house.connect()
    sock.send(rpc("subscribe", events=wanted))
    house.poll(2)
    assert answers(sock)[0]["error"]["code"] == -32602


# -- anything ------------------------------------------------------------------------------------------------------

PIECES = st.lists(
    st.binary(max_size=40)
    | st.sampled_from(
        [b'{"set": 1}\n', rpc("set", to=1), b"\n", b'{"report": 1}\n', b'"jsonrpc"', b"[" * 30000 + b"\n"]
    )
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(PIECES)
def test_no_bytes_deafen_it(house: House, pieces: list[bytes]) -> None:
    sock = house.connect()
    for piece in pieces:
        try:
            sock.send(piece)
        except (BlockingIOError, ConnectionError):
            break
        house.poll(3)
    sock.close()
    house.done.clear()
    honest = house.connect()
    honest.send(b'{"set": 77}\n')
    house.poll(20)
    assert 77 in house.done
    honest.close()
    house.poll(50)


# -- the file ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "mode"), [(SocketRule(), 0o600), (SocketRule(0o660), 0o660), (SocketRule(0o666), 0o666)]
)
def test_who_may_connect(tmp_path: Path, rule: SocketRule, mode: int) -> None:
    made = Control(tmp_path / "c", {}, rule=rule)
    assert stat.S_IMODE(made.path.stat().st_mode) == mode
    made.close()
    assert not made.path.exists()


def test_a_group_that_we_are_not_in_is_refused_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def chown(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("device.machine.socket_file.os.chown", chown)
    with pytest.raises(PermissionError, match="cannot be given to group 4"):
        Control(tmp_path / "c", {}, rule=rule_of(None, 4))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["", "rw", "888", "060", "1600", "700", "-600", "0o6000"])
def test_a_mode_that_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="not a mode for a socket"):
        mode_of(text)


def test_modes_and_groups() -> None:
    assert (mode_of("600"), mode_of("0660"), group_of("root"), group_of("12")) == (0o600, 0o660, 0, 12)
    assert rule_of(None, None).mode == 0o600
    assert rule_of(None, 4).mode == 0o660
    assert rule_of(0o666, 4).mode == 0o666
    for nobody in ("no-such-group", "", "99999999999"):
        with pytest.raises(ValueError, match="no group is called"):
            group_of(nobody)
