# SPDX-License-Identifier: BSD-3-Clause
"""The guest's agent, on a kernel log that is a socket and a port that is a pipe."""

import json
import os
import platform
import socket
import time
from pathlib import Path

import pytest

from ci.agent import Agent


def test_the_kernel_has_its_say_before_a_command_ends() -> None:
    kernel, log = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)  # as of /dev/kmsg, each read is one record
    ours, port = os.pipe()
    with kernel, log, os.fdopen(ours, "rb") as heard:
        log.setblocking(False)
        kernel.send(b"6,1,100,-;first\n SUBSYSTEM=pci\n")
        kernel.send(b"4,2,200,-;second; with more\n")
        Agent(port, log.fileno()).run(7, "echo out; exit 3", 60)
        os.close(port)
        said = [json.loads(line) for line in heard]
    assert said[0] == {"id": 7, "out": "out\n"}
    assert said[1:] == [{"kmsg": [6, "first"]}, {"kmsg": [4, "second; with more"]}, {"id": 7, "exit": 3}]


def test_woken_it_sets_the_clock_and_says_it_all_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock: list[tuple[int, int]] = []
    monkeypatch.setattr(time, "clock_settime_ns", lambda *what: clock.append(what))
    records = tmp_path / "kmsg"
    records.write_bytes(b"6,1,100,-;of the boot\n")
    log = os.open(records, os.O_RDONLY)
    os.lseek(log, 0, os.SEEK_END)  # somebody has heard it
    ours, port = os.pipe()
    with os.fdopen(ours, "rb") as heard:
        agent = Agent(port, log)
        monkeypatch.setattr(agent, "catch_up", lambda: agent.say({"kmsg": os.read(log, 100).decode()}))
        agent._obey({"id": 0, "wake": 17})
        os.close(port)
        os.close(log)
        said = [json.loads(line) for line in heard]
    assert clock == [(time.CLOCK_REALTIME, 17)]
    assert said[0] == {"kmsg": "6,1,100,-;of the boot\n"}
    assert said[1]["hello"] == platform.release()
