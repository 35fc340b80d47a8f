# SPDX-License-Identifier: BSD-3-Clause
"""The status socket: requests, refusals, and peers that misbehave."""

import errno
import json
import os
import selectors
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from driver import status
from driver.errors import DriverError, LinkError
from driver.status import StatusServer, ask, wait_readable


def broken() -> None:
    raise LinkError("no module in the cage")


def bug() -> object:
    nothing: dict[str, object] = {}
    return nothing["key"]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StatusServer]:
    handlers: dict[str, Callable[..., object]] = {"stats": lambda: {"rx": 7}, "add": lambda a, b: int(a) + int(b)}
    server = StatusServer(tmp_path / "s.sock", handlers | {"broken": broken, "bug": bug})
    yield server
    server.close()


def exchange(server: StatusServer, request: str) -> object:
    """Ask from another thread while we serve."""
    found: list[object] = []

    def client() -> None:
        try:
            found.append(ask(server.path, request, timeout_s=10))
        except DriverError as exc:
            found.append(exc)

    thread = threading.Thread(target=client)
    thread.start()
    end_s = time.monotonic() + 10
    while not found and time.monotonic() < end_s:
        wait_readable([server.fileno()], 0.05)
        server.poll()
    thread.join(10)
    return found[0]


def test_a_request_is_answered_with_what_its_handler_returns(server: StatusServer) -> None:
    assert exchange(server, "stats") == {"rx": 7}
    assert exchange(server, "add 2 3") == 5


def test_an_answer_in_slices_takes_a_turn_each(tmp_path: Path) -> None:
    turns: list[int] = []

    def long() -> Generator[None, None, int]:
        for n in range(5):
            turns.append(n)
            yield
        return 7

    server = StatusServer(tmp_path / "s.sock", {"long": long})
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.connect(str(server.path))
            client.sendall(b"long\n")
            server.poll()
            for done in range(1, 6):
                assert not turns or len(turns) == done - 1
                server.poll()
                assert (len(turns), server.working) == (done, True)
            client.sendall(b"more words that nobody reads")
            server.poll()
            assert not server.working
            client.settimeout(10)
            assert json.loads(client.recv(100)) == {"ok": 7}
    finally:
        server.close()


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        ("nonsense", "unknown request 'nonsense'; there are: add, broken, bug, stats"),
        ("", "unknown request ''"),
        ("add 2", "add: .*missing 1 required"),
        ("add 2 x", "add: invalid literal"),
        ("broken", "broken: no module in the cage"),
        ("x" * 5000, "a request is one line"),
    ],
)
def test_a_request_that_cannot_be_answered_says_why(server: StatusServer, request_: str, text: str) -> None:
    got = exchange(server, request_)
    assert isinstance(got, DriverError)
    with pytest.raises(DriverError, match=f"the running driver says: {text}"):
        raise got


def test_nobody_waiting_is_no_error(server: StatusServer) -> None:
    server.poll()


def test_a_client_that_leaves_or_says_nothing_costs_nothing(
    server: StatusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Observed before: each one that says nothing kept the service task waiting for 2 s."""
    monkeypatch.setattr(status, "ACCEPT_PAUSE_S", 0.0)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(os.fspath(server.path))
    silent = [socket.socket(socket.AF_UNIX) for _ in range(status.CLIENTS_MAX - 1)]
    begin_s = time.monotonic()
    for n, client in enumerate(silent):
        client.connect(os.fspath(server.path))
        client.send(b"stats"[:n])
        server.poll()
    assert exchange(server, "stats") == {"rx": 7}
    assert time.monotonic() - begin_s < 1
    for client in silent:
        client.close()


def test_who_takes_too_long_is_sent_away(server: StatusServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "CLIENT_TIMEOUT_S", 0.05)
    silent = [socket.socket(socket.AF_UNIX) for _ in range(2 * status.CLIENTS_MAX)]
    for client in silent:
        client.setblocking(False)
        with suppress(BlockingIOError):
            client.connect(os.fspath(server.path))
        server.poll()
    assert len(server._clients) <= status.CLIENTS_MAX
    assert exchange(server, "stats") == {"rx": 7}
    for client in silent:
        client.close()


def test_no_descriptor_for_a_client_is_no_end(server: StatusServer, monkeypatch: pytest.MonkeyPatch) -> None:
    real = server._socket

    class Full:
        def accept(self) -> object:
            raise OSError(errno.EMFILE, "Too many open files")

        def fileno(self) -> int:
            return real.fileno()

    with socket.socket(socket.AF_UNIX) as client:
        client.connect(os.fspath(server.path))
        server._selector.unregister(real)
        server._selector.register(Full(), selectors.EVENT_READ)
        monkeypatch.setattr(server, "_socket", Full())
        server.poll()
        assert not wait_readable([server.fileno()], 0), "it does not spin"
        monkeypatch.setattr(server, "_socket", real)
    assert exchange(server, "stats") == {"rx": 7}


def test_a_mistake_of_ours_is_an_answer(server: StatusServer) -> None:
    assert "bug: KeyError" in str(exchange(server, "bug"))


def test_only_its_owner_may_ask(server: StatusServer) -> None:
    assert server.path.stat().st_mode & 0o777 == 0o600


def test_the_socket_is_removed_and_a_dead_drivers_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(os.fspath(path))
    with pytest.raises(ConnectionRefusedError):
        ask(path, "stats")
    server = StatusServer(path, {})
    server.close()
    assert not path.exists()
    server.close()
    with pytest.raises(FileNotFoundError):
        ask(path, "stats")


def test_a_place_where_no_socket_can_be_says_so(tmp_path: Path) -> None:
    with pytest.raises(DriverError, match="set IXLAB_RUN_DIR to a short path"):
        StatusServer(tmp_path / ("x" * 120), {})


@contextmanager
def liar(path: Path, answer: bytes | None) -> Iterator[None]:
    """Something that is no driver answers; None: it does not."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.fspath(path))
        listener.listen(1)

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(4096)
                if answer is None:
                    client.recv(4096)  # until it gives up
                else:
                    client.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join(10)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (b"hello\n", "answered `stats` with b'hello"),
        (b"", "answered `stats` with b''"),
        (b"[1]\n", "says: \\[1\\]"),
        (json.dumps({"x": 1}).encode() + b"\n", "says: {'x': 1}"),
        (None, "did not answer `stats` within 0.05 s"),
    ],
)
def test_an_answer_that_is_none_is_reported(tmp_path: Path, answer: bytes | None, text: str) -> None:
    path = tmp_path / "s.sock"
    with liar(path, answer), pytest.raises(DriverError, match=text):
        ask(path, "stats", timeout_s=10 if answer is not None else 0.05)
