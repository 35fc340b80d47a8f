# SPDX-License-Identifier: BSD-3-Clause
"""XDP programs from files: what the command line may name, and what it is told when it may not."""

import subprocess
from pathlib import Path

import pytest

from driver.compiled import ffi
from driver.core.xdp import Verdict, Xdp
from driver.errors import DriverError
from driver.xdp_program import load

PYTHON = """
from driver.core.xdp import Verdict
NUMBER = 3
def drop(frame):
    return Verdict.DROP
"""


def test_a_python_function(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(PYTHON)
    assert load(f"{tmp_path}/one.py:drop")(None) is Verdict.DROP


def test_a_c_function(tmp_path: Path) -> None:
    (tmp_path / "one.c").write_text("unsigned drop(void *frame, void *context) { return frame == context; }")
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", tmp_path / "one.so", tmp_path / "one.c"], check=True)
    program = load(f"{tmp_path}/one.so:drop")
    assert ffi.cast("xdp_program *", ffi.cast("uintptr_t", program))(ffi.NULL, ffi.NULL) == 1
    Xdp(program)
    with pytest.raises(DriverError, match="exports no function keep"):
        load(f"{tmp_path}/one.so:keep")


@pytest.mark.parametrize("text", ["", "x", "x.py", ":x", "x.py:", "x.txt:f", "x.py:a b", "x.so:f()"])
def test_written_otherwise(text: str) -> None:
    with pytest.raises(DriverError, match=r"is not written FILE\.py:NAME or FILE\.so:NAME"):
        load(text)


def test_no_such_file_or_function(tmp_path: Path) -> None:
    with pytest.raises(DriverError, match=r"there is no file .*/none\.py"):
        load(f"{tmp_path}/none.py:f")
    (tmp_path / "one.py").write_text(PYTHON)
    for name in ("keep", "NUMBER"):
        with pytest.raises(DriverError, match=f"no function is called {name}; there is Verdict, drop"):
            load(f"{tmp_path}/one.py:{name}")


def test_a_file_that_does_not_load(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("1 / 0")
    with pytest.raises(DriverError, match=r"bad\.py: loading it failed: ZeroDivisionError"):
        load(f"{tmp_path}/bad.py:f")
    (tmp_path / "bad.so").write_text("no library")
    with pytest.raises(DriverError, match=r"bad\.so: loading it failed"):
        load(f"{tmp_path}/bad.so:f")
