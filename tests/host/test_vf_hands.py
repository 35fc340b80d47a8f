# SPDX-License-Identifier: BSD-3-Clause
"""Virtual functions of a running driver by its command line, with a VF's driver by hand at each socket."""

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from device.regs.i82599.mbx import HEAD, WORDS, ApiVersion, MessageType
from device.regs.i82599.vf import VFCTRL, VFLINKS, VFMAILBOX, VFMBMEM
from driver.core.bar import Bar
from driver.doors.config import Config
from driver.doors.open import open_door
from driver.exits import Exit
from driver.ixgbe.sriov.turns import SHARE_BURST, SHARE_PER_S
from tests.rigs.host import HOST_IF, WIRE4, Stage, eventually

pytestmark = [pytest.mark.root, pytest.mark.timeout(240)]

Take = Callable[[int], "Hand"]
VFS = 3
ANSWER_S = 5.0
FLOOD_S = 20.0


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path) as stage:
        stage.device("--vfs", str(VFS))
        yield stage


class Hand:
    """A VF's driver that asks for one thing at a time."""

    def __init__(self, stage: Stage, n: int) -> None:
        self.door = open_door(f"{stage.nic}.vf{n}")
        Config(self.door).enable_memory()
        self.bar = Bar(self.door)
        self._seen = VFMAILBOX(0)

    def seen(self) -> VFMAILBOX:
        """What was told since the last message, told once or not."""
        self._seen = VFMAILBOX(int(self._seen) | int(self.bar.read(VFMAILBOX)))
        return self._seen

    def ask(self, *words: int) -> list[int]:
        """Send a message and take the answer; a ping that came before it is read over."""
        self._seen = VFMAILBOX(0)
        eventually(self._locked, "the lock can be had")
        for n, word in enumerate([*words, *[0] * (WORDS - len(words))]):
            self.bar.write(VFMBMEM, int(word), n)
        self.bar.write(VFMAILBOX, VFMAILBOX.of(REQ=1))
        eventually(lambda: self.seen().PFSTS and self.seen().PFACK, f"{words} is answered", ANSWER_S)
        return self.read()

    def _locked(self) -> bool:
        self.bar.write(VFMAILBOX, VFMAILBOX.of(VFU=1))
        return bool(self.bar.read(VFMAILBOX).VFU)

    def read(self) -> list[int]:
        """The message that is there."""
        words = [int(self.bar.read(VFMBMEM, n)) for n in range(WORDS)]
        self.bar.write(VFMAILBOX, VFMAILBOX.of(ACK=1))
        return words

    def told(self) -> int:
        """Wait for a message that was not asked for, and take its first word."""
        eventually(lambda: self.seen().PFSTS, "a message comes", ANSWER_S)
        self._seen = VFMAILBOX(0)
        return self.read()[0]

    def start(self) -> list[int]:
        """As a driver that comes up."""
        self.bar.write(VFCTRL, VFCTRL.of(RST=1))
        eventually(lambda: not self.bar.read(VFMAILBOX).RSTI, "the port's reset is over")
        answer = self.ask(MessageType.RESET)
        assert HEAD(self.ask(MessageType.API_NEGOTIATE, ApiVersion.V1_4)[0]).ACK
        return answer


@pytest.fixture
def take(stage: Stage) -> Iterator[Take]:
    """Takes a VF; all of them are let go at the end."""
    with ExitStack() as rest:

        def made(n: int) -> Hand:
            hand = Hand(stage, n)
            rest.callback(hand.door.close)
            return hand

        yield made


def vf(stage: Stage, *words: str) -> Any:
    done = stage.cli("vf", stage.nic, *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def row(stage: Stage, n: int) -> dict[str, Any]:
    found: dict[str, Any] = stage.ask_driver("vf_table")["vfs"][n]
    return found


def in_reset(hand: Hand) -> bool:
    return bool(hand.bar.read(VFMAILBOX).RSTI)


def test_decisions_and_what_becomes_of_them(stage: Stage, take: Take) -> None:
    stage.driver("--vfs", str(VFS), "--queues", "2")
    stage.address()
    hand = take(1)
    assert hand.start()[0] == HEAD.of(TYPE=MessageType.RESET, NACK=1)
    assert row(stage, 1)["api"] == "1.4"
    said = stage.cli("vf", stage.nic, "1", "mac", "02:00:00:00:00:11")
    assert said.stdout == "VF 1: mac 02:00:00:00:00:11; its driver starts anew\n"
    assert hand.told() == MessageType.PF_CONTROL, "without CTS"
    assert hand.start()[:3] == [HEAD.of(TYPE=MessageType.RESET, ACK=1), 0x00000002, 0x1100]
    assert vf(stage, "1", "vlan", "100", "qos", "2")["qos"] == 2
    shown = stage.cli("vf", stage.nic).stdout
    assert "3 VFs of 4 queues each, the port has pool 3" in shown
    for n in range(VFS):
        vf(stage, str(n), "spoofchk", "off")
    assert [one["spoofchk"] for one in vf(stage)["vfs"]] == [False] * VFS
    assert bool(hand.bar.read(VFLINKS).UP)
    stage.ping(WIRE4)


def test_the_port_goes_down_and_comes_up(stage: Stage, take: Take) -> None:
    stage.driver("--vfs", str(VFS))
    stage.address()
    hand = take(0)
    hand.start()
    stage.host.run("ip", "link", "set", HOST_IF, "down")
    eventually(partial(in_reset, hand), "the VF sees the port's reset")
    assert not row(stage, 0)["ready"]
    stage.host.run("ip", "link", "set", HOST_IF, "up")
    assert HEAD(hand.start()[0]).TYPE == MessageType.RESET
    stage.host.run("ip", "link", "set", HOST_IF, "mtu", "9000")
    eventually(lambda: not row(stage, 0)["ready"], "a larger MTU resets the port")
    hand.start()
    assert HEAD(hand.ask(MessageType.SET_LPE, 9018)[0]).ACK


def test_the_driver_is_killed_and_another_takes_over(stage: Stage, take: Take) -> None:
    """-9, three times: the VF's client stays, sees a reset, and gets its address from the new driver."""
    hand: Hand | None = None
    for turn in range(3):
        program = stage.driver("--vfs", str(VFS))
        stage.address()
        vf(stage, "2", "mac", f"02:00:00:00:01:{turn:02x}")
        hand = guest = hand or take(2)
        answer = guest.start()
        assert answer[2] == 0x0001 + turn * 0x100
        program.process.send_signal(signal.SIGKILL)
        program.process.wait(10)
        eventually(partial(in_reset, guest), "the VF sees that the port is gone")


def test_a_guest_that_floods_keeps_nobody_waiting(stage: Stage, take: Take) -> None:
    program = stage.driver("--vfs", str(VFS))
    stage.address()
    loud, other = take(0), take(1)
    other.start()
    over = threading.Event()

    def flood() -> None:
        while not over.is_set():
            loud.bar.write(VFMBMEM, MessageType.SET_LPE)
            loud.bar.write(VFMAILBOX, VFMAILBOX.of(REQ=1))
            loud.bar.write(VFCTRL, VFCTRL.of(RST=1))
            loud.bar.flush()

    guest = threading.Thread(target=flood)
    guest.start()
    try:
        slowest_s = 0.0

        def is_muted() -> bool:
            nonlocal slowest_s
            began_s = time.monotonic()
            assert HEAD(other.ask(MessageType.SET_LPE, 1518)[0]).ACK
            slowest_s = max(slowest_s, time.monotonic() - began_s)
            return bool(row(stage, 0)["mailbox"].get("floods"))

        began_s = time.monotonic()
        muted = False
        while not muted and time.monotonic() - began_s < FLOOD_S:
            muted = is_muted()
        messages = row(stage, 0)["mailbox"]["messages"] + row(stage, 0)["mailbox"].get("resets", 0)
        # A machine that is too slow to send more than its share is not muted, and need not be.
        assert muted or messages < SHARE_BURST + SHARE_PER_S * (time.monotonic() - began_s), messages
        for _ in range(5):
            is_muted()
        stage.ping(WIRE4)
    finally:
        over.set()
        guest.join()
    assert slowest_s < 1.0, "a VF's driver gives up after a second"
    assert program.log.read_text().count("VF 0 sends messages or resets itself without end") == int(muted)


def test_what_cannot_be_is_said(stage: Stage) -> None:
    done = stage.cli("up", stage.nic, "--vfs", str(VFS + 1))
    assert (done.returncode, "has 3 VFs (SR-IOV's TotalVFs), 4 were asked for" in done.stderr) == (Exit.REFUSED, True)
    done = stage.cli("up", stage.nic, "--vfs", str(VFS), "--queues", "5")
    assert (done.returncode, "5 queues: with 3 VFs the port has a pool of 4" in done.stderr) == (Exit.FAILED, True)
    stage.driver()
    stage.address()
    for words in ((), ("0", "mac", "none")):
        done = stage.cli("vf", stage.nic, *words)
        assert (done.returncode, "runs without VFs; `driver up NIC --vfs N`" in done.stderr) == (Exit.FAILED, True)
