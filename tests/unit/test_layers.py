# SPDX-License-Identifier: BSD-3-Clause
"""Who may know whom, held by reading every import, include and call in the tree."""

import sys
from pathlib import Path

import pytest

from tests.rigs.tree import ROOT, c_files, c_graph, circles, imports, includes, inside, python_files, python_graph

BLOCK_MAY = {"device.regs", "device.machine", "device.errors"}
# Of the chip's own files a block may know: what a block is, the card in C, and what a ring is.
BLOCK_MAY |= {"device.i82599.block", "device.i82599.core", "device.i82599.ring"}
WIRING = {
    "card",
    "faults",
    "faults_chip",
    "faults_module",
    "faults_nvm",
    "report",
    "core",
    "block",
    "ring",
}  # put blocks together, or are what all of them know


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# ---- Python ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", python_files("device/regs"), ids=relative)
def test_regs_import_the_standard_library_only(path: Path) -> None:
    for name in imports(path):
        top = name.split(".")[0]
        assert top in sys.stdlib_module_names or inside(name, "device.regs"), f"{path.name} imports {name}"


@pytest.mark.parametrize("path", python_files("device/machine"), ids=relative)
def test_the_machine_knows_no_chip_no_register_of_one_and_no_server(path: Path) -> None:
    for name in imports(path):
        for above in ("device.i82599", "device.regs.i82599", "device.serve", "device.trace"):
            assert not inside(name, above), f"{path.name} imports {name}"


@pytest.mark.parametrize("path", python_files("device/i82599"), ids=relative)
def test_blocks_do_not_know_each_other(path: Path) -> None:
    own = ".".join(("device", "i82599", path.parent.name))
    for name in imports(path):
        assert not inside(name, "device.serve"), f"{path.name} imports {name}"
        if path.stem not in WIRING and inside(name, "device") and name not in {"device", "device.i82599"}:
            allowed = any(inside(name, known) for known in BLOCK_MAY) or inside(name, own)
            assert allowed, f"block {path.name} imports {name}"


def test_one_file_sees_each_c_module() -> None:
    seers: dict[str, set[str]] = {"device._core": set(), "device._vfu": set(), "driver._core": set()}
    for path in python_files("device") + python_files("driver"):
        for name in imports(path):
            for module, who in seers.items():
                if inside(name, module):
                    who.add(relative(path))
    assert seers == {
        "device._core": {"device/machine/core.py"},
        "device._vfu": {"device/serve/vfu.py"},
        "driver._core": {"driver/compiled.py"},
    }


@pytest.mark.parametrize("path", python_files("driver"), ids=relative)
def test_driver_sees_only_the_register_map_of_the_device(path: Path) -> None:
    for name in imports(path):
        if inside(name, "device") and name != "device":
            assert inside(name, "device.regs"), f"{path.name} imports {name}"


def test_nobody_imports_ci_tests_or_ctypes() -> None:
    for path in python_files("device") + python_files("driver") + python_files("examples"):
        for name in imports(path):
            assert name.split(".")[0] not in {"ci", "tests", "ctypes"}, f"{path} imports {name}"
    for path in python_files("ci"):
        assert not any(inside(name, "ctypes") or inside(name, "tests") for name in imports(path)), path


def test_the_unit_and_pair_tiers_do_without_libvfio_user() -> None:
    """They run on a build with sanitizers, too, which has no ``device._vfu``."""
    files = python_files("device") + python_files("tests/rigs")
    modules = {path.relative_to(ROOT).with_suffix("").as_posix().replace("/", "."): path for path in files}
    need = {"device._vfu"}
    while more := {name for name, path in modules.items() if name not in need and imports(path) & need}:
        need |= more
    assert {"device.serve.vfu", "device.serve.server", "device.__main__"} <= need
    for path in python_files("tests/unit") + python_files("tests/pair"):
        assert not (names := imports(path) & need), f"{relative(path)} imports {names}: it belongs in tests/wire"


def test_the_qemu_folder_is_not_a_python_package() -> None:
    # PyPI's qemu.qmp owns that name; one __init__.py here would hide it.
    assert not list((ROOT / "qemu").rglob("*.py"))
    assert not (ROOT / "tests" / "qemu").exists()


# ---- C -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", c_files("device/machine"), ids=relative)
def test_the_machine_in_c_includes_no_chip(path: Path) -> None:
    """What is not included cannot be named: the compiler keeps the wall."""
    for name in includes(path):
        assert name.startswith("machine/"), f"{relative(path)} includes {name}"


@pytest.mark.parametrize("path", [p for p in c_files("device/i82599") if not p.name.startswith("card")], ids=relative)
def test_blocks_in_c_include_no_other_block(path: Path) -> None:
    own = path.parent.relative_to(ROOT / "device").as_posix() + "/"
    shared = {"desc.h", "regs.h", "i82599/chip.h", "i82599/pass.h"}
    for name in includes(path):
        assert name in shared or name.startswith(("machine/", own)), f"{relative(path)} includes {name}"


@pytest.mark.parametrize("path", c_files("device/serve"), ids=relative)
def test_the_server_in_c_knows_of_the_machine_only_numbers(path: Path) -> None:
    ours = {name for name in includes(path) if name.startswith(("machine/", "i82599/"))}
    assert ours <= {"machine/irq.h", "machine/socket_rule.h"}, f"{relative(path)} includes {ours}"


# ---- circles -----------------------------------------------------------------------------------------------------


def test_no_python_files_import_each_other_in_a_circle() -> None:
    assert circles(python_graph("device", "driver")) == []


@pytest.mark.parametrize("folder", ["device", "driver"])
def test_no_c_files_call_each_other_in_a_circle(folder: str) -> None:
    assert circles(c_graph(folder)) == []


def test_a_circle_would_be_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set()}) == [["a", "b", "c"]]
    graph = c_graph("device")
    assert graph["device/machine/function.c"] >= {"device/machine/regfile.c", "device/machine/dma.c"}


def test_nothing_is_imported_by_name_to_hide_a_circle() -> None:
    users = {relative(p) for p in python_files("device") + python_files("driver") if "importlib" in imports(p)}
    assert users <= {"device/machine/wire/kinds.py"}, "wires are found in their folder; nothing else may be"
