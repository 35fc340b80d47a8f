# SPDX-License-Identifier: BSD-3-Clause
"""Who has to do with a register, read from the checkout's own sources: C, Python, the driver, the tests.

Nothing is imported or run for it, so it works on a tree that does not build.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from device.regs import tree_c
from device.regs.core import Register
from device.regs.tree_py import Block, Source, SourceOfTests

ROOT = Path(__file__).resolve().parents[2]
LOOKS = "looks"  # only the layout of the register is used
ACTS = "acts"
ORDER = ("unit", "pair", "wire", "host", "boot")  # of tests: the quick ones first
DECLARATIONS = "device/regs/"
TESTS_OF_DECLARATIONS = "tests/unit/regs/"


@dataclass(frozen=True)
class Use:
    """One function that names a register.

    Attributes:
        path: File, from the root of the checkout.
        line: Where in it, from 1.
        function: Its name; ``Class.method`` in Python.
        how: What it does with it: ``looks``, ``acts``, or Python's word for it (``update``, ``on_write``).
    """

    path: str
    line: int
    function: str
    how: str

    @property
    def place(self) -> str:
        """``file:line``."""
        return f"{self.path}:{self.line}"

    @property
    def acts(self) -> bool:
        """Whether it reads or changes the register itself."""
        return self.how != LOOKS


@dataclass(frozen=True)
class Owner:
    """A block that says a register is its own.

    Attributes:
        path: Its file, from the root of the checkout.
        block: The class.
        hooked: Accesses go to the C hook of this name; "" if they do not.
    """

    path: str
    block: Block
    hooked: str = ""


@dataclass(frozen=True)
class Check:
    """One test, or what tests share.

    Attributes:
        path: File, from the root of the checkout.
        name: The function or class.
    """

    path: str
    name: str

    @property
    def is_test(self) -> bool:
        """Whether pytest runs it by itself."""
        return self.name.lower().startswith("test")

    @property
    def of_behaviour(self) -> bool:
        """Whether it is a test, and one of more than how registers are declared."""
        return self.is_test and not self.path.startswith(TESTS_OF_DECLARATIONS)

    @property
    def order(self) -> tuple[int, str, bool]:
        """Sorts tests by tier and file; those of the declarations and what all tests share come last."""
        tier = self.path.split("/")[1]
        known = tier in ORDER and not self.path.startswith(TESTS_OF_DECLARATIONS)
        return ORDER.index(tier) if known else len(ORDER), self.path, not self.is_test


Found = dict[str, list[Use]]
"""Register to those who name it, in the order of files and lines."""


def macros(registers: Iterable[type[Register]]) -> dict[str, tuple[str, str]]:
    """Every macro of ``regs.h`` to (its register, ``acts`` or ``looks``)."""
    found: dict[str, tuple[str, str]] = {}
    for register in registers:
        name = register.NAME
        found |= dict.fromkeys((f"R_{name}", f"N_{name}", f"IS_{name}"), (name, ACTS))
        looks = [f"{name}_COUNT", f"{name}_RESET"]
        for field in register.FIELDS.values():
            mask = f"{name}_{field.name}"
            looks += [mask, f"{mask}_SHIFT", *(f"{mask}_{value.name}" for value in field.values or ())]
        found |= dict.fromkeys(looks, (name, LOOKS))
    return found


class Tree:
    """The sources of a checkout.

    Args:
        registers: Those to look for.
        root: The checkout; the one this file is in unless a test wants its own.

    Raises:
        FileNotFoundError: There is no checkout: an installed package has no C and no tests.
    """

    def __init__(self, registers: Collection[type[Register]], root: Path = ROOT) -> None:
        if not (root / "pyproject.toml").is_file() or not (root / "tests").is_dir():
            raise FileNotFoundError(f"{root} holds no sources: no pyproject.toml and tests/; run this in a checkout")
        self.root = root
        self._macros = macros(registers)
        self._names = {register.NAME for register in registers}

    def _files(self, folder: str, *suffixes: str) -> Iterator[tuple[str, str]]:
        """(path, text) of the files below a folder that name one of the registers, in order."""
        for path in sorted((self.root / folder).rglob("*")):
            name = path.relative_to(self.root).as_posix()
            if path.suffix in suffixes and not name.startswith(DECLARATIONS):
                text = path.read_text(encoding="utf-8")
                if any(register in text for register in self._names):
                    yield name, text

    def c(self, folder: str) -> Found:
        """C functions, tables and macros below a folder."""
        found: dict[tuple[str, str, str], Use] = {}
        for path, text in self._files(folder, ".c", ".h"):
            for function, line, word in tree_c.words(text):
                if word in self._macros:
                    register, how = self._macros[word]
                    _keep(found, register, Use(path, line, function, how))
        return _by_register(found)

    def python(self, folder: str) -> Found:
        """Python functions and tables below a folder."""
        found: dict[tuple[str, str, str], Use] = {}
        for path, text in self._files(folder, ".py"):
            for seen in Source(text, self._names).mentions():
                _keep(found, seen.register, Use(path, seen.line, seen.function, seen.how))
        return _by_register(found)

    def owners(self) -> tuple[dict[str, list[Owner]], list[str]]:
        """Register, or what stands where one should, to the blocks that own it; and what nobody can read, in words."""
        found: dict[str, list[Owner]] = {}
        unread = []
        for path, text in self._files("device", ".py"):
            for block in Source(text, self._names).blocks():
                for name in dict.fromkeys(block.registers + block.hooked):
                    hooked = block.hook or "C" if name in block.hooked else ""
                    found.setdefault(name, []).append(Owner(path, block, hooked))
                unread += [
                    f"{path}:{block.line} {block.name} owns {text!r}, which is no register and no tuple of this file"
                    for text in block.unread
                ]
        return found, unread

    def tests(self) -> dict[str, list[Check]]:
        """Register to the tests that name it, the quick ones first."""
        found: dict[str, list[Check]] = {}
        for path, text in self._files("tests", ".py"):
            for name, registers in SourceOfTests(text, self._names).named_by().items():
                for register in registers:
                    found.setdefault(register, []).append(Check(path, name))
        return {name: sorted(tests, key=lambda test: test.order) for name, tests in found.items()}


def _keep(found: dict[tuple[str, str, str], Use], register: str, use: Use) -> None:
    """One entry a function: the first that does more than look."""
    key = (register, use.path, use.function)
    if key not in found or (use.acts and not found[key].acts):
        found[key] = use


def _by_register(found: dict[tuple[str, str, str], Use]) -> Found:
    uses: Found = {}
    for (register, _, _), use in found.items():
        uses.setdefault(register, []).append(use)
    return {name: sorted(all_of_it, key=lambda use: (use.path, use.line)) for name, all_of_it in uses.items()}
