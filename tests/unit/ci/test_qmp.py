# SPDX-License-Identifier: BSD-3-Clause
"""QEMU's monitor, played by a thread: an answer, a refusal, silence, and an end in the middle."""

import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ci import qmp
from ci.say import CiError

GREETING = {"QMP": {"version": {"qemu": {"micro": 1, "minor": 1, "major": 11}, "package": ""}, "capabilities": []}}
Play = Callable[[socket.socket], None]


def serve(path: Path, play: Play, *, late_s: float = 0) -> threading.Thread:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    if not late_s:
        listener.listen(1)

    def run() -> None:
        if late_s:
            time.sleep(late_s)
            listener.listen(1)
        with listener, listener.accept()[0] as client:
            client.settimeout(20)
            play(client)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def say(client: socket.socket, message: object) -> None:
    client.sendall(json.dumps(message).encode() + b"\r\n")


def answers(client: socket.socket) -> None:
    """Greet, then answer each command; what is refused is called so."""
    say(client, GREETING)
    while data := client.recv(65536):  # a client sends one command and waits
        asked = json.loads(data)
        name = {"id": asked["id"]} if "id" in asked else {}
        if asked["execute"] == "refused":
            say(client, {"error": {"class": "GenericError", "desc": "not today"}, **name})
        elif asked["execute"] == "gone":
            return
        else:
            say(client, {"return": asked.get("arguments", {}), **name})


def silent(client: socket.socket) -> None:
    assert client.recv(1) == b""


def test_an_answer_and_a_refusal(tmp_path: Path) -> None:
    thread = serve(tmp_path / "qmp", answers)
    with qmp.Monitor(tmp_path / "qmp") as monitor:
        assert monitor.call("device_add", x_msg_timeout=5, bus="slot1") == {"x-msg-timeout": 5, "bus": "slot1"}
        with pytest.raises(CiError, match=r"QMP refused : .*not today"):
            monitor.call("refused")
        assert monitor.call("query-status") == {}, "a refusal is not the end"
    monitor.close()
    thread.join(20)


def test_two_at_once(tmp_path: Path) -> None:
    threads = [serve(tmp_path / name, answers) for name in "ab"]
    with qmp.Monitor(tmp_path / "a") as first:
        with qmp.Monitor(tmp_path / "b") as second:
            assert second.call("stop", n=2) == {"n": 2}
        assert first.call("stop", n=1) == {"n": 1}
    for thread in threads:
        thread.join(20)


def test_an_end_in_the_middle(tmp_path: Path) -> None:
    thread = serve(tmp_path / "qmp", answers)
    with qmp.Monitor(tmp_path / "qmp") as monitor:
        with pytest.raises(CiError, match="QMP gone"):
            monitor.call("gone")
        with pytest.raises(CiError, match="QMP stop"):
            monitor.call("stop")
    thread.join(20)


def test_a_socket_at_which_nobody_listens_yet(tmp_path: Path) -> None:
    thread = serve(tmp_path / "qmp", answers, late_s=0.3)
    with qmp.Monitor(tmp_path / "qmp") as monitor:
        assert monitor.call("query-status") == {}
    thread.join(20)


def test_nobody_there_and_nobody_who_talks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CiError, match="does not answer"):
        qmp.Monitor(tmp_path / "none")
    monkeypatch.setattr(qmp, "ANSWER_TIMEOUT_S", 0.2)
    thread = serve(tmp_path / "qmp", silent)
    with pytest.raises(CiError, match=r"does not answer: no word within 0\.2 s"):
        qmp.Monitor(tmp_path / "qmp")
    thread.join(20)
