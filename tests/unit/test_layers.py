# SPDX-License-Identifier: BSD-3-Clause
"""Who may import whom (design: Layers), held by reading every import in the tree."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
BLOCK_MAY = {"device.regs", "device.machine", "device.errors", "device.i82599.ring"}
WIRING = {"card", "__init__"}


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def python_files(folder: str) -> list[Path]:
    return sorted(path for path in (ROOT / folder).rglob("*.py") if "csrc" not in path.parts)


def inside(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


@pytest.mark.parametrize("path", python_files("device/regs"), ids=lambda path: path.name)
def test_regs_import_the_standard_library_only(path: Path) -> None:
    for name in imports(path):
        top = name.split(".")[0]
        assert top in sys.stdlib_module_names or inside(name, "device.regs"), f"{path.name} imports {name}"


@pytest.mark.parametrize("path", python_files("device/machine"), ids=lambda path: path.stem)
def test_the_machine_knows_no_chip_and_no_server(path: Path) -> None:
    for name in imports(path):
        assert not inside(name, "device.i82599"), f"{path.name} imports {name}"
        assert not inside(name, "device.serve"), f"{path.name} imports {name}"


@pytest.mark.parametrize("path", python_files("device/i82599"), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_blocks_do_not_know_each_other(path: Path) -> None:
    if path.stem in WIRING:
        return
    own = ".".join(("device", "i82599", path.parent.name))
    for name in imports(path):
        if inside(name, "device") and name != "device":
            allowed = any(inside(name, known) for known in BLOCK_MAY) or inside(name, own)
            assert allowed, f"block {path.name} imports {name}"


def test_one_file_sees_each_c_module() -> None:
    seers: dict[str, set[str]] = {"device._core": set(), "device._vfu": set(), "driver._core": set()}
    for path in python_files("device") + python_files("driver"):
        for name in imports(path):
            for module, who in seers.items():
                if inside(name, module):
                    who.add(path.relative_to(ROOT).as_posix())
    assert seers == {
        "device._core": {"device/machine/core.py"},
        "device._vfu": {"device/serve/vfu.py"},
        "driver._core": {"driver/compiled.py"},
    }


@pytest.mark.parametrize("path", python_files("driver"), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_driver_sees_only_the_register_map_of_the_device(path: Path) -> None:
    for name in imports(path):
        if inside(name, "device") and name != "device":
            assert inside(name, "device.regs"), f"{path.name} imports {name}"


@pytest.mark.parametrize(
    "path", [*python_files("driver/core"), *python_files("driver/doors")], ids=lambda path: path.stem
)
def test_neutral_driver_parts_do_not_know_the_family(path: Path) -> None:
    for name in imports(path):
        assert not inside(name, "driver.ixgbe"), f"{path.name} imports {name}"


def test_nobody_imports_ci_tests_or_ctypes() -> None:
    for path in python_files("device") + python_files("driver") + python_files("examples"):
        for name in imports(path):
            assert name.split(".")[0] not in {"ci", "tests", "ctypes"}, f"{path} imports {name}"
    for path in python_files("ci"):
        assert not any(inside(name, "ctypes") or inside(name, "tests") for name in imports(path)), path


def test_the_unit_and_pair_tiers_do_without_libvfio_user() -> None:
    """They run on a build with sanitizers, too, which has no ``device._vfu``."""
    modules = {
        path.relative_to(ROOT).with_suffix("").as_posix().replace("/", "."): path for path in python_files("device")
    }
    need = {"device._vfu"}
    while more := {name for name, path in modules.items() if name not in need and imports(path) & need}:
        need |= more
    assert {"device.serve.vfu", "device.serve.server", "device.__main__"} <= need
    for path in python_files("tests/unit") + python_files("tests/pair"):
        assert not (names := imports(path) & need), (
            f"{path.relative_to(ROOT)} imports {names}: it belongs in tests/wire"
        )


def test_the_qemu_folder_is_not_a_python_package() -> None:
    # PyPI's qemu.qmp owns that name; one __init__.py here would hide it.
    assert not list((ROOT / "qemu").rglob("*.py"))
    assert not (ROOT / "tests" / "qemu").exists()
