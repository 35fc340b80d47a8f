# SPDX-License-Identifier: BSD-3-Clause
"""The census and the readings it is made of, held on a small tree of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from device.regs.census import census
from device.regs.core import Field, Register, every
from device.regs.tree import Tree, macros

Write = Callable[[str, str], None]


class ALPHA(Register, at=0x100):
    GO = Field(0)


class BETA(Register, at=every(0x200, 4, 2)):
    VALUE = Field(31, 0)


REGISTERS = (ALPHA, BETA)

C = """
void alpha_run(struct card *card)
{
    uint32_t go = ALPHA_GO;
    if (card->word[R_ALPHA / 4] & go)
        card->count++;
}
int is_beta(uint32_t offset) { return IS_BETA(offset); }
int looks(uint32_t value) { return value & ALPHA_GO; }
"""
OWNER = """
from device.regs.i82599 import ALPHA, BETA
class Block:
    registers = (ALPHA,)
    hook = "beta"
    hooked = (BETA,)
"""
TEST = """
from device.regs.i82599 import ALPHA
def test_alpha() -> None:
    assert ALPHA
def test_beta() -> None:
    assert main(["BETA"])
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A checkout in which all is well; files are added to it or replaced."""

    def put(path: str, text: str) -> None:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)

    put("pyproject.toml", "")
    put("device/chip/run.c", C)
    put("device/chip/block.py", OWNER)
    put("device/regs/chip/regs.h", "#define R_ALPHA 0x100\n")
    put("tests/unit/chip/test_chip.py", TEST)
    put("driver/chip.py", "from device.regs.i82599 import ALPHA\ndef use(bar):\n    return bar.read(ALPHA)\n")
    return put


def lacks(root: Path, *, owners: bool = True) -> list[str]:
    acted, lines = census(REGISTERS, owners=owners, root=root)
    assert acted == 2
    return lines


def test_a_tree_in_order(write: Write, tmp_path: Path) -> None:
    assert lacks(tmp_path) == []


def test_who_acts_and_who_looks(write: Write, tmp_path: Path) -> None:
    tree = Tree(REGISTERS, tmp_path)
    c = tree.c("device")
    assert [(use.function, use.place, use.how) for use in c["ALPHA"]] == [
        ("alpha_run", "device/chip/run.c:5", "acts"),  # though it looks first
        ("looks", "device/chip/run.c:9", "looks"),
    ]
    assert [(use.function, use.acts) for use in c["BETA"]] == [("is_beta", True)]
    assert [(use.function, use.how) for use in tree.python("driver")["ALPHA"]] == [("use", "read")]
    assert tree.python("device") == {}
    assert [(test.path, test.name) for test in tree.tests()["BETA"]] == [("tests/unit/chip/test_chip.py", "test_beta")]


def test_no_owner(write: Write, tmp_path: Path) -> None:
    write("device/chip/block.py", OWNER.replace("(ALPHA,)", "()"))
    assert lacks(tmp_path) == ["ALPHA: C alpha_run (device/chip/run.c:5) acts on it; no block owns it"]
    assert lacks(tmp_path, owners=False) == []


@pytest.mark.parametrize(
    "test",
    [
        TEST.replace("ALPHA", "OTHER"),
        'def test_alpha() -> None:\n    """ALPHA"""\n    # ALPHA\ndef test_beta() -> None:\n    assert BETA\n',
        "class Bench:\n    what = ALPHA\ndef test_beta() -> None:\n    assert BETA\n",
    ],
    ids=["other name", "docstring", "only a bench"],
)
def test_no_test(write: Write, tmp_path: Path, test: str) -> None:
    write("tests/unit/chip/test_chip.py", test)
    assert lacks(tmp_path) == ["ALPHA: C alpha_run (device/chip/run.c:5) acts on it; no test names it"]


def test_a_test_of_the_declaration_is_not_enough(write: Write, tmp_path: Path) -> None:
    write("tests/unit/chip/test_chip.py", "def test_beta() -> None:\n    assert BETA\n")
    write("tests/unit/regs/test_map.py", TEST)
    assert lacks(tmp_path) == ["ALPHA: C alpha_run (device/chip/run.c:5) acts on it; no test names it"]


def test_neither(write: Write, tmp_path: Path) -> None:
    write("device/chip/block.py", "")
    write("tests/unit/chip/test_chip.py", "")
    assert lacks(tmp_path) == [
        "ALPHA: C alpha_run (device/chip/run.c:5) acts on it; no block owns it, no test names it",
        "BETA: C is_beta (device/chip/run.c:8) acts on it; no block owns it, no test names it",
    ]


def test_python_acts_too(write: Write, tmp_path: Path) -> None:
    write("device/chip/run.c", C.replace("R_ALPHA", "R_OTHER"))
    write("device/chip/block.py", OWNER + "    @on_write(ALPHA)\n    def go(self) -> None: ...\n")
    write("tests/unit/chip/test_chip.py", "def test_beta() -> None:\n    assert BETA\n")
    assert lacks(tmp_path) == ["ALPHA: Python Block.go (device/chip/block.py:8) acts on it; no test names it"]


def test_two_owners(write: Write, tmp_path: Path) -> None:
    write("device/other/block.py", OWNER.replace("Block", "Other").replace("(ALPHA,)", "()"))
    (line,) = lacks(tmp_path)
    assert line == (
        "BETA: owned by Block (device/chip/block.py:3) and by Other (device/other/block.py:3); "
        "one block owns a register"
    )


def test_owned_and_hooked_by_one_block_is_one_owner(write: Write, tmp_path: Path) -> None:
    write("device/chip/block.py", OWNER.replace("(ALPHA,)", "(ALPHA, BETA)"))
    assert lacks(tmp_path) == []


def test_an_owner_of_what_does_not_exist(write: Write, tmp_path: Path) -> None:
    write("device/chip/block.py", OWNER.replace("(ALPHA,)", "(ALPHA, ALFA)"))
    assert lacks(tmp_path) == ["ALFA: no such register, but Block (device/chip/block.py:3) owns it"]


def test_what_cannot_be_read_is_said(write: Write, tmp_path: Path) -> None:
    write("device/chip/block.py", OWNER.replace("(ALPHA,)", "(ALPHA, *more())"))
    assert lacks(tmp_path) == [
        "device/chip/block.py:3 Block owns '*more()', which is no register and no tuple of this file"
    ]


def test_tests_come_quick_ones_first(write: Write, tmp_path: Path) -> None:
    for path in ("boot/test_b.py", "wire/test_w.py", "rigs/rig.py", "unit/regs/test_map.py", "pair/test_p.py"):
        write(f"tests/{path}", TEST)
    assert list(dict.fromkeys(test.path for test in Tree(REGISTERS, tmp_path).tests()["ALPHA"])) == [
        "tests/unit/chip/test_chip.py",
        "tests/pair/test_p.py",
        "tests/wire/test_w.py",
        "tests/boot/test_b.py",
        "tests/rigs/rig.py",
        "tests/unit/regs/test_map.py",
    ]


def test_without_a_checkout(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"holds no sources: .* run this in a checkout"):
        census(REGISTERS, root=tmp_path)


def test_macros_of_a_register() -> None:
    found = macros([BETA])
    assert {name for name, (_, how) in found.items() if how == "acts"} == {"R_BETA", "N_BETA", "IS_BETA"}
    assert found["BETA_VALUE_SHIFT"] == ("BETA", "looks")
