# SPDX-License-Identifier: BSD-3-Clause
"""Whatever a guest or a client can cause any number of times has an end in the log."""

import contextlib
import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from device.regs.i82599 import AUTOC, CTRL, HLREG0
from tests.rigs.client import CAPABILITIES, CONFIG, RESET, VERSION, Client
from tests.rigs.process import Device

TIMES = 2000
LINES_MAX = 150  # of each cause; every kind of line has 30 at once, and then one in ten seconds
PCIE_CAP_DEVCTL, FLR = 0xA8, 1 << 15


def link_up_and_down(client: Client) -> None:
    for n in range(TIMES):
        client.write32(0, HLREG0.offset(), HLREG0.of(LPBK=n % 2))
        client.write32(0, AUTOC.offset(), AUTOC.of(FLU=n % 2))
    client.read32(0, AUTOC.offset())


def resets(client: Client) -> None:
    for n in range(TIMES):
        if n % 2:
            client.write32(0, CTRL.offset(), CTRL.of(RST=1))
        else:
            client.call(RESET)


def function_resets(client: Client) -> None:
    for _ in range(TIMES):
        client.write(CONFIG, PCIE_CAP_DEVCTL, struct.pack("<H", FLR))


def nonsense(client: Client) -> None:
    chance = random.Random(3)
    for _ in range(TIMES):
        with contextlib.suppress(OSError):
            client.call(chance.randrange(3, 15), chance.randbytes(chance.randrange(64)))


def offsets_nobody_declared(client: Client) -> None:
    for n in range(TIMES):
        client.read32(0, 0x1F000 + 4 * n % 0x1000)


@pytest.mark.parametrize(
    "cause", [link_up_and_down, resets, function_resets, nonsense, offsets_nobody_declared], ids=lambda f: f.__name__
)
def test_a_guest_that_does_it_again_and_again(tmp_path: Path, cause: Callable[[Client], None]) -> None:
    with Device(tmp_path, "-v") as device:
        with contextlib.suppress(ConnectionError), Client(device.path) as client:
            cause(client)
        device.without_client()
        assert device.report()["card"]
        assert device.end() == 0
    assert len(device.error_text().splitlines()) < LINES_MAX + 60, "the closing tables have a few lines, too"


def test_clients_that_come_and_go_and_are_turned_away(tmp_path: Path) -> None:
    with Device(tmp_path) as device:
        for _ in range(TIMES // 4):
            with Client(device.path):
                pass
        with Client(device.path) as served:
            for _ in range(TIMES // 20):
                with Client(device.path, shake_hands=False) as second, pytest.raises(OSError, match="busy"):
                    second.call(VERSION, struct.pack("<HH", 0, 1) + CAPABILITIES)
            served.read32(0, CTRL.offset())
        device.without_client()
        assert device.end() == 0
    text = device.error_text()
    assert len(text.splitlines()) < LINES_MAX + 60
    assert "such lines were left out: client %d %s" in text, "and how many they were"


def test_commands_of_the_control_socket(tmp_path: Path) -> None:
    with Device(tmp_path) as device:
        for n in range(TIMES // 4):
            device.ask(sfp=("sr", "none")[n % 2])
        assert device.end() == 0
    assert len(device.error_text().splitlines()) < LINES_MAX + 60
