# SPDX-License-Identifier: BSD-3-Clause
"""The driver's wall: what is neutral knows no chip, in Python and in C, and nothing imports in a circle."""

import ast
import re
import subprocess
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DRIVER = ROOT / "driver"
CORE_C = DRIVER / "core" / "csrc"
FAMILIES = ("driver.ixgbe", "driver.ixgbevf")
CHIPS = {"driver.i82599": FAMILIES}  # what families of one chip share, and who they are
CHIP_WORDS = re.compile(
    r"\b(i?82599\w*|ixgbe\w*|R_[A-Z]\w*|(RXD|TXD|RXDADV|TXDADV|TXCTX\d)_\w+|[RT]D[TH]|regs\.h|desc\.h)\b"
)


def modules(folder: Path, root: Path) -> dict[str, Path]:
    """Every Python module under ``folder`` by its dotted name."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        if "csrc" not in path.parts:
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules(DRIVER, ROOT)
NEUTRAL = [name for name in MODULES if name.startswith(("driver.core", "driver.doors"))]


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """Every import in a file, wherever it stands: module, and the name taken from it or nothing."""
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module, f"{path}: a relative import"
            yield from ((node.module, alias.name) for alias in node.names)


def edges(files: Mapping[str, Path]) -> dict[str, set[str]]:
    """Who imports whom; a name that is a module of its own counts as that module."""
    found: dict[str, set[str]] = {}
    for name, path in files.items():
        targets = (f"{module}.{taken}" if f"{module}.{taken}" in files else module for module, taken in imports(path))
        found[name] = {target for target in targets if target in files and target != name}
    return found


def circles(graph: Mapping[str, set[str]]) -> list[set[str]]:
    """Sets of modules each of which imports itself in the end, through the others."""

    def reach(start: str) -> set[str]:
        seen: set[str] = set()
        ahead = [start]
        while ahead:
            new = graph[ahead.pop()] - seen
            seen |= new
            ahead += new
        return seen

    reached = {name: reach(name) for name in graph}
    found: list[set[str]] = []
    for name in graph:
        ring = {other for other in reached[name] if name in reached[other]}
        if ring and ring not in found:
            found.append(ring)
    return found


# ---- Python ----------------------------------------------------------------------------------------------------------


def test_nothing_imports_in_a_circle() -> None:
    assert circles(edges(MODULES)) == []


def test_a_circle_would_be_seen(tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    pack.mkdir()
    for name, text in {
        "__init__": "",
        "one": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pack.two import Two\n",
        "two": "def late():\n    import pack.three\n",
        "three": "from pack import one\n",
        "four": "from pack import three\nfrom pack.one import something\n",
    }.items():
        (pack / f"{name}.py").write_text(text)
    assert circles(edges(modules(pack, tmp_path))) == [{"pack.one", "pack.two", "pack.three"}]


@pytest.mark.parametrize("name", NEUTRAL)
def test_neutral_parts_see_no_register_of_a_chip(name: str) -> None:
    for module, taken in imports(MODULES[name]):
        if module.split(".")[0] == "device":
            full = f"{module}.{taken}" if module == "device.regs" else module
            assert full in {"device.regs.core", "device.regs.pci"}, f"{name} imports {full}"


@pytest.mark.parametrize("name", MODULES)
def test_only_families_py_names_a_family(name: str) -> None:
    if name == "driver.families":
        return
    for module, taken in imports(MODULES[name]):
        for family in FAMILIES:
            if f"{module}.{taken}.".startswith(f"{family}."):
                assert f"{name}.".startswith(f"{family}."), f"{name} imports {module}"


@pytest.mark.parametrize("name", MODULES)
def test_what_families_of_a_chip_share_is_seen_by_them_only(name: str) -> None:
    for module, taken in imports(MODULES[name]):
        for chip, families in CHIPS.items():
            if f"{module}.{taken}.".startswith(f"{chip}."):
                assert f"{name}.".startswith(tuple(f"{one}." for one in (chip, *families))), f"{name} imports {module}"


@pytest.mark.parametrize("name", NEUTRAL)
def test_neutral_parts_import_nothing_above_them(name: str) -> None:
    above = {"driver.families", "driver.session", "driver.ethtool", "driver.status", "driver.tables", "driver.__main__"}
    below = {"driver.core"} if name.startswith("driver.doors") else set()
    for module, taken in imports(MODULES[name]):
        full = f"{module}.{taken}" if module == "driver" else module
        assert not any(f"{full}.".startswith(f"{other}.") for other in above | below), f"{name} imports {full}"


def test_nobody_hides_an_import() -> None:
    for name, path in MODULES.items():
        assert not any(module.startswith("importlib") for module, _ in imports(path)), name


@pytest.mark.parametrize(
    "path", [MODULES[name] for name in NEUTRAL] + sorted(CORE_C.iterdir()), ids=lambda path: path.name
)
def test_neutral_parts_do_not_speak_of_a_chip(path: Path) -> None:
    found = {match.group() for match in CHIP_WORDS.finditer(path.read_text())}
    assert not found, f"{path.name} says {', '.join(sorted(found))}"


# ---- C ---------------------------------------------------------------------------------------------------------------


def compiles(source: Path) -> subprocess.CompletedProcess[str]:
    """Let the compiler read one file that may include headers of the neutral folder only."""
    compiler = sysconfig.get_config_var("CC").split()[0]
    words = [compiler, "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I", str(CORE_C), str(source)]
    return subprocess.run(words, text=True, capture_output=True, timeout=60, check=False)


@pytest.mark.parametrize("source", sorted(CORE_C.glob("*.c")), ids=lambda path: path.name)
def test_neutral_c_is_whole_without_any_family(source: Path) -> None:
    included = re.findall(r'^#include "(.*)"', source.read_text(), flags=re.MULTILINE)
    assert {path.name for path in CORE_C.glob("*.h")} >= set(included)
    done = compiles(source)
    assert done.returncode == 0, done.stderr


def test_neutral_c_that_asks_for_registers_does_not_compile(tmp_path: Path) -> None:
    source = tmp_path / "curious.c"
    source.write_text('#include "regs.h"\n')
    assert "regs.h: No such file" in compiles(source).stderr


def test_a_family_sees_no_other_familys_c() -> None:
    for source in DRIVER.glob("*/csrc/*.[ch]"):
        if source.parent == CORE_C:
            continue
        for name in re.findall(r'^#include "(.*)"', source.read_text(), flags=re.MULTILINE):
            near = (CORE_C / name, source.parent / name)
            assert any(path.is_file() for path in near) or name.startswith("../../../device/regs/"), f"{source}: {name}"
