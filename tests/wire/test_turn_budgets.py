# SPDX-License-Identifier: BSD-3-Clause
"""What one turn obeys of posted writes: each budget bites alone, whatever the others still allow.

The function is served by hand, turn by turn: what is counted is writes, not time.
"""

import logging
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.i82599.core import CardCore
from device.machine.core import c_function
from device.machine.irq import IrqKind
from device.serve import vfu
from tests.rigs.client import CAPABILITIES, HEADER, NO_REPLY, REGION_WRITE, VERSION, Client

MESSAGES = 32  # socket_rule.h: of one connection in one turn
CLOCK_EVERY, WRITES_A_MESSAGE, MULTI_MAX = 8, 16, 200  # burst.c
WRITE_MULTI = 15
FAST, SLOW = 4, 1  # BARs: one is storage in C, one Python
SLOW_S = 20e-6  # eight of these are more than a burst's 100 us


class Slow:
    """Memory that takes its time."""

    def read(self, offset: int, len_bytes: int) -> bytes:
        return bytes(len_bytes)

    def write(self, offset: int, data: bytes) -> None:
        time.sleep(SLOW_S)


class ByHand:
    """A function with a fast and a slow region, whose client has said hello."""

    def __init__(self, path: Path) -> None:
        self.nic = CardCore()
        self.context = vfu.VfuContext(path, self, logging.getLogger("device.serve.vfu"))
        self.context.add_msix_bar(FAST)
        self.context.add_python_region(SLOW, 4096, Slow())
        self.context.set_dma(c_function("dma_add"), c_function("dma_del"), self.nic.pf.dma_handle)
        self.context.realize(msi=0, msix=0)
        self.client = Client(path, shake_hands=False)
        number = self.client.send(VERSION, struct.pack("<HH", 0, 1) + CAPABILITIES)
        while not self.context.attached:
            self.context.run()
        self.client.receive(number)

    def on_reset(self, kind: vfu.ResetKind) -> None:
        pass

    def on_client(self, *, attached: bool) -> None:
        pass

    def on_irqs(self, armed: IrqKind) -> None:
        pass

    def close(self) -> None:
        self.client.close()
        self.context.close()
        self.nic.close()

    def turns(self, stream: bytes, what: str, count: int) -> list[int]:
        """By how much ``what`` grows in each call in which it does, but for the first: there the library reads."""
        self.client.sock.sendall(stream)
        before = last = self.context.counters()[what]
        got: list[int] = []
        for _ in range(10 * count):
            self.context.run()
            now = self.context.counters()[what]
            got += [now - last] if now > last else []
            last = now
            if now - before == count:
                return got[1:]
        raise AssertionError(f"only {last - before} of {count}")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ByHand]:
    made = ByHand(tmp_path / "nic.sock")
    yield made
    made.close()


def message(command: int, body: bytes) -> bytes:
    return HEADER.pack(0xFFFF, command, HEADER.size + len(body), NO_REPLY, 0) + body


def one(region: int) -> bytes:
    return message(REGION_WRITE, struct.pack("<QIII", 0, region, 4, 1))


def many(region: int, writes: int = MULTI_MAX) -> bytes:
    return message(WRITE_MULTI, struct.pack("<Q", writes) + struct.pack("<QIIQ", 0, region, 4, 1) * writes)


def test_so_many_messages_though_there_is_time(served: ByHand) -> None:
    assert max(served.turns(one(FAST) * 640, "requests", 640)) == MESSAGES


def test_so_much_time_though_there_are_messages(served: ByHand) -> None:
    assert max(served.turns(one(SLOW) * 31, "requests", 31)) == CLOCK_EVERY


def test_a_message_with_many_writes_counts_as_so_many(served: ByHand) -> None:
    costs = 1 + len(many(FAST)) // 4096 + MULTI_MAX // WRITES_A_MESSAGE
    turns = served.turns(many(FAST) * 40, "multi_writes", 40 * MULTI_MAX)
    assert max(turns) == -(-MESSAGES // costs) * MULTI_MAX


def test_time_ends_a_turn_within_a_message(served: ByHand) -> None:
    turns = served.turns(many(FAST, 1) + many(SLOW, 48), "multi_writes", 49)
    assert max(turns) == CLOCK_EVERY
