# SPDX-License-Identifier: BSD-3-Clause
"""The type stubs of the C modules are what cffi was told, and what the built modules offer."""

import re
from pathlib import Path
from typing import Any

import pytest
from cffi import FFI

from ci import stubs
from ci.say import CiError
from device.machine import core
from driver import compiled

DECLARATIONS = """
#define ROOM 12
#define KNOWN_BY_THE_COMPILER ...
enum colour { RED, GREEN = 7 };
struct thing { int unused; };
struct thing *thing_new(void);
void thing_paint(struct thing *thing, enum colour colour, const char *name);
double thing_weight(const struct thing *self, _Bool packed, float limit, char unit);
uint64_t thing_each(struct thing *thing, int (*run)(void *arg), uint8_t from, long);
int thing_print(const char *format, ...);
uint32_t thing_with_a_long_name(struct thing *thing, uint32_t first_bytes, uint32_t second_bytes, uint32_t third_bytes);
extern "Python" int py_thing(void *self, int kind);
"""
MEMBERS = """\
class _Lib:
    ROOM: Final[int]
    RED: Final[int]
    GREEN: Final[int]
    KNOWN_BY_THE_COMPILER: Final[int]
    def thing_new(self) -> Pointer: ...
    def thing_paint(self, thing: Pointer, colour: int, name: Pointer, /) -> None: ...
    def thing_weight(self, self_0: Pointer, packed: bool, limit: float, unit: bytes, /) -> float: ...
    def thing_each(self, thing: Pointer, run: Pointer, from_2: int, _3: int, /) -> int: ...
    def thing_print(self, format: Pointer, /, *more: Pointer) -> int: ...
    def thing_with_a_long_name(
        self, thing: Pointer, first_bytes: int, second_bytes: int, third_bytes: int, /
    ) -> int: ...
    py_thing: Pointer

lib: _Lib
"""


@pytest.mark.parametrize(("stub", "script"), stubs.SCRIPTS.items())
def test_every_stub_is_current(root: Path, stub: str, script: str) -> None:
    try:
        ffi = stubs.declared(script)
    except CiError as exc:  # build_vfu.py without libvfio-user's sources
        pytest.skip(str(exc))
    assert (root / stub).read_text() == stubs.text(ffi, script), "stale: run `python3 -m ci stubs`"


def test_every_c_module_has_a_stub(root: Path) -> None:
    named = re.findall(r'"([\w/]+\.py):ffi"', (root / "setup.py").read_text())
    assert sorted(stubs.SCRIPTS.values()) == sorted(named)


def test_declarations_become_names_and_types() -> None:
    ffi = FFI()
    ffi.cdef(DECLARATIONS)
    assert stubs.text(ffi, "there.py").partition("class")[1:] == ("class", MEMBERS.removeprefix("class"))


@pytest.mark.parametrize("spoil", [lambda said: said.replace("value: int", "value: str"), lambda said: None])
def test_a_stale_stub_is_named_with_what_mends_it(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Any
) -> None:
    stub, script = "driver/_core.pyi", "driver/csrc/build_core.py"
    (tmp_path / "driver").mkdir()
    spoiled = spoil((root / stub).read_text())
    if spoiled is not None:
        (tmp_path / stub).write_text(spoiled)
    monkeypatch.setattr(stubs, "SCRIPTS", {stub: script})
    monkeypatch.setattr(stubs, "declared", lambda script, declared=stubs.declared: declared(str(root / script)))
    monkeypatch.setattr(stubs, "ROOT", tmp_path)
    with pytest.raises(CiError, match=r"driver/_core\.pyi is not what .*: run `python3 -m ci stubs`"):
        stubs.check()
    stubs.write()
    assert (tmp_path / stub).read_text() == (root / stub).read_text()
    stubs.check()


@pytest.mark.parametrize(("stub", "module"), [("device/_core.pyi", core), ("driver/_core.pyi", compiled)])
def test_a_built_module_offers_what_its_stub_says(root: Path, stub: str, module: Any) -> None:
    """A witness from cffi's public side, should the names with an underscore ever mean something else."""
    said = (root / stub).read_text()
    functions = {name: arguments.count(": ") for name, arguments in re.findall(r"def (\w+)\(([^)]*)\)", said)}
    others = set(re.findall(r"^    (\w+): (?:Final\[int\]|Pointer)$", said, flags=re.MULTILINE))
    assert len(functions) > 10
    assert functions.keys() | others == set(dir(module.lib))
    for name, count in functions.items():
        assert count == len(module.ffi.typeof(getattr(module.lib, name)).args), name
