# SPDX-License-Identifier: BSD-3-Clause
"""What the reading of Python finds: who names a register, who owns one, which tests name it."""

import pytest

from device.regs.tree_py import Source, SourceOfTests

NAMES = {"CTRL", "EERD", "RDT", "RDH", "RXDCTL", "GPRC", "EICR"}

BLOCK = '''
"""CTRL in a docstring is no use of it."""
from device.machine.regfile import on_read, on_write
from device.regs import i82599 as regs
from device.regs.i82599 import CTRL, EERD, RDT as TAIL, RXDCTL, stats
from device.regs.i82599.rx import DescType
from elsewhere import EICR

TABLE = {"good": stats.GPRC}

class Nvm:
    limit: CTRL = 5

    @on_write(EERD, CTRL)
    def started(self, n: int, old: EERD, new: EERD) -> None:
        self.regs.update(EERD, n, DONE=new.DONE)

    @on_read(regs.RDH)
    async def head(self) -> int:
        def inner() -> int:
            return self.regs.get(TAIL, 0).RDT
        return inner()

    def layout(self, value: int) -> bool:
        return bool(RXDCTL(value).ENABLE or RXDCTL.ENABLE.mask or EICR)

def alone(regs_: object) -> None:
    for register in (CTRL, RXDCTL):
        regs_.look(register, RXDCTL.of(ENABLE=1))
    regs.NOTHING
'''


def test_functions_and_what_they_do() -> None:
    found = {(seen.function, seen.register, seen.how) for seen in Source(BLOCK, NAMES).mentions()}
    assert found == {
        ("TABLE", "GPRC", "table"),
        ("Nvm.started", "EERD", "on_write"),
        ("Nvm.started", "CTRL", "on_write"),
        ("Nvm.started", "EERD", "update"),
        ("Nvm.head", "RDH", "on_read"),
        ("Nvm.head", "RDT", "get"),
        ("Nvm.layout", "RXDCTL", "looks"),
        ("alone", "CTRL", "uses"),
        ("alone", "RXDCTL", "uses"),
        ("alone", "RXDCTL", "looks"),
    }


def test_lines_are_those_to_go_to() -> None:
    lines = {(seen.register, seen.how): seen.line for seen in Source(BLOCK, NAMES).mentions()}
    text = BLOCK.splitlines()
    assert text[lines["EERD", "on_write"] - 1].startswith("    def started")
    assert "self.regs.update(EERD" in text[lines["EERD", "update"] - 1]
    assert "TABLE = " in text[lines["GPRC", "table"] - 1]


OWNERS = """
from typing import ClassVar
from device.regs import i82599 as regs
from device.regs.i82599 import CTRL, EERD, RDH, RDT, RXDCTL

QUEUE = (RDH, RDT)
AND_MORE = (*QUEUE, RXDCTL)

class Rx:
    registers = (regs.GPRC, *AND_MORE)
    hook = "rxq"
    hooked: ClassVar = QUEUE

class Card:
    hook = lib.HOOK_CARD
    hooked: ClassVar[tuple[type[Register], ...]]
    registers = (CTRL,)

class Nothing:
    other = (EERD,)

class Odd:
    registers = (CTRL, MISTYPED, *elsewhere(), *UNKNOWN, "EERD")

class Circle:
    LOOP = (*LOOP2,)
    LOOP2 = (*LOOP,)
    registers = LOOP
"""


def test_blocks_say_what_they_own() -> None:
    blocks = {block.name: block for block in Source(OWNERS, NAMES).blocks()}
    assert list(blocks) == ["Rx", "Card", "Odd", "Circle"]
    rx = blocks["Rx"]
    assert (rx.registers, rx.hooked, rx.hook) == (["GPRC", "RDH", "RDT", "RXDCTL"], ["RDH", "RDT"], "rxq")
    assert OWNERS.splitlines()[rx.line - 1] == "class Rx:"
    card = blocks["Card"]
    assert (card.registers, card.hooked, card.hook) == (["CTRL"], [], "HOOK_CARD")
    odd = blocks["Odd"]
    assert odd.registers == ["CTRL", "MISTYPED"]
    assert odd.unread == ["*elsewhere()", "*UNKNOWN", "'EERD'"]
    assert blocks["Circle"].unread == ["*LOOP"]


def test_what_a_block_owns_is_no_use_of_it() -> None:
    text = "from device.regs.i82599 import CTRL, EERD\nclass Card:\n    registers = (CTRL,)\n    hooked = (EERD,)\n"
    assert not list(Source(text, NAMES).mentions())


TESTS = '''
import pytest
from device.regs.i82599 import CTRL, EERD
from device.regs import i82599 as table

"""GPRC"""
RXDCTL = 0x1028
ROWS = [("RDT", 1)]
MORE = [*ROWS, table.RDH]

class Bench:
    def start(self) -> None:
        """EICR is only spoken of."""
        self.write(EERD, 1)

@pytest.mark.parametrize("row", MORE)
def test_rows(row: object) -> None: ...

def test_cli() -> None:
    """GPRC"""
    assert main(["--trace", "CTRL,EICR_NOT"]) == "EICR[0] = 1"

def test_typed_here() -> None:
    assert read(RXDCTL)

def test_through_the_bench(bench: Bench) -> None:
    bench.start()
'''


def test_tests_name_registers_by_themselves_and_through_tables() -> None:
    assert SourceOfTests(TESTS, NAMES).named_by() == {
        "Bench": {"EERD"},
        "test_rows": {"RDT", "RDH"},
        "test_cli": {"CTRL", "EICR"},
        "test_typed_here": {"RXDCTL"},
    }


@pytest.mark.parametrize("kind", [Source, SourceOfTests])
def test_an_empty_file_has_nothing(kind: type[Source]) -> None:
    made = kind("", NAMES)
    assert (list(made.mentions()), list(made.blocks())) == ([], [])
