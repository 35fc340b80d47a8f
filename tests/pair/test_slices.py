# SPDX-License-Identifier: BSD-3-Clause
"""``driver module`` and ``driver eeprom`` while traffic flows: the loop has its turn after each byte, and each word."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from device.machine.wire.loopback import LoopbackPort
from driver.session import requests
from driver.status import StatusServer
from tests.rigs.pair import Rig, plain, rig

# Of one byte of a module: two semaphores, three bytes out and one in, three edges a bit and looks at them.
ACCESSES_OF_A_BYTE = 400
TURNS_MAX = 20_000


class Asked:
    """A request on its way through a status server, as a loop polls it."""

    def __init__(self, up: Rig, path: Path, request: str) -> None:
        self._mmio: Any = up.adapter.bar.mmio
        self.server = StatusServer(path, requests(up.adapter, up.adapter.stats))
        self.client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.client.connect(str(path))
        self.client.setblocking(False)
        self.client.sendall(request.encode() + b"\n")
        self.accesses: list[int] = []  # of each turn

    def turn(self) -> None:
        """One turn of the loop."""
        before = self._mmio.reads + self._mmio.writes
        self.server.poll()
        self.accesses.append(int(self._mmio.reads + self._mmio.writes - before))

    def answer(self, between: Callable[[], None] = lambda: None) -> Any:
        """Turn until it is answered; ``between`` is the rest of the loop's work."""
        text = b""
        for _ in range(TURNS_MAX):
            self.turn()
            between()
            try:
                more = self.client.recv(1 << 20)
            except BlockingIOError:
                continue
            text += more
            if not more or text.endswith(b"\n"):
                return json.loads(text)
        raise AssertionError(f"no answer in {TURNS_MAX} turns")


@contextmanager
def asked(up: Rig, tmp_path: Path, request: str) -> Iterator[Asked]:
    made = Asked(up, tmp_path / "s.sock", request)
    try:
        yield made
    finally:
        made.client.close()
        made.server.close()


@pytest.fixture
def up() -> Iterator[Rig]:
    with LoopbackPort() as port, rig(port) as made:
        yield made


def test_a_turn_reads_one_byte_of_the_module(up: Rig, tmp_path: Path) -> None:
    sent: list[bytes] = []

    def traffic() -> None:
        frame = plain(len(sent))
        assert up.echo([frame]) == [frame]
        sent.append(frame)

    with asked(up, tmp_path, "module") as one:
        found = one.answer(traffic)["ok"]
        assert found["vendor"] == "Intel Corp"
        busy = [count for count in one.accesses if count]
        assert len(busy) > 70, "a turn each byte"
        assert max(busy) < ACCESSES_OF_A_BYTE
        assert len(sent) >= len(busy), "and a frame there and back after each"
        assert not one.server.working


def test_a_turn_reads_one_word_of_the_eeprom(up: Rig, tmp_path: Path) -> None:
    with asked(up, tmp_path, "eeprom 100") as one:
        found = one.answer()["ok"]
        busy = [count for count in one.accesses if count]
    assert found == up.adapter.read_eeprom(100)
    assert len(busy) == 100
    assert max(busy) < 10


def test_the_eeprom_ends_where_it_ends(up: Rig, tmp_path: Path) -> None:
    up.adapter.hw.eeprom.words = 70
    with asked(up, tmp_path, "eeprom 100") as one:
        assert len(one.answer()["ok"]) == 70


def test_who_hangs_up_is_no_more_worked_for(up: Rig, tmp_path: Path) -> None:
    with asked(up, tmp_path, "module") as one:
        for _ in range(5):
            one.turn()
        working = [one.server.working]
        one.client.close()
        one.turn()
        one.turn()
        working.append(one.server.working)
        assert working == [True, False]
        del one.accesses[:]
        one.turn()
        assert one.accesses == [0]
        assert up.adapter.read_module(0xA0, 0) == 3, "the wires are free again"


def test_two_who_ask_wait_for_each_other(up: Rig, tmp_path: Path) -> None:
    with asked(up, tmp_path, "module") as one:
        one.turn()
        second = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with second:
            second.connect(str(one.server.path))
            second.sendall(b"link\n")
            one.answer()
            for _ in range(5):
                one.turn()
            second.settimeout(5)
            assert "ok" in json.loads(second.recv(1 << 20))
        assert max(one.accesses) < ACCESSES_OF_A_BYTE


def test_a_module_that_is_pulled_meanwhile(up: Rig, tmp_path: Path) -> None:
    with asked(up, tmp_path, "module") as one:
        for _ in range(30):
            one.turn()
        up.nic.remove_sfp()
        assert "error" in one.answer()
