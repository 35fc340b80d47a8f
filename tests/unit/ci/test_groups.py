# SPDX-License-Identifier: BSD-3-Clause
"""How tests are shared between processes: seen by who ran what, in a pytest of their own."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ci.steps import NO_SECOND_PROCESS
from tests.groups import QUICK_CASES, SECONDS, SLOW, group, left_out_of_quick, longest_first

TESTS = """
import os, pathlib, pytest

@pytest.mark.parametrize("kernel", ["6.12", "6.1"])
@pytest.mark.parametrize("size", range(8))
def test_one(size, kernel):
    with (pathlib.Path(__file__).parent / "who").open("a") as who:
        who.write(f"{pathlib.Path(__file__).name}{kernel} {os.getpid()}\\n")
"""


@pytest.mark.parametrize(
    ("node", "name"),
    [
        ("tests/unit/test_a.py::test_b", "tests/unit/test_a.py"),
        ("tests/boot/test_a.py::test_b[64-192.0.2.1-6.12]", "tests/boot/test_a.py"),
        ("tests/boot/test_a.py::test_b[64-192.0.2.1-6.1]", "tests/boot/test_a.py on 6.1"),
        ("tests/boot/test_a.py::test_b[6.1-x]", "tests/boot/test_a.py on 6.1"),
        ("tests/boot/test_a.py::test_b[6.10]", "tests/boot/test_a.py"),
    ],
)
def test_names_of_groups(node: str, name: str) -> None:
    assert group(node) == name


def test_a_group_runs_in_one_process(tmp_path: Path, root: Path) -> None:
    for name in ("test_a.py", "test_b.py", "test_c.py"):
        (tmp_path / name).write_text(TESTS)
    (tmp_path / "conftest.py").write_text("from tests.conftest import pytest_xdist_make_scheduler\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "2", str(tmp_path)],
        cwd=root, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert "48 passed" in done.stdout, done.stdout + done.stderr
    who = {tuple(line.split()) for line in (tmp_path / "who").read_text().splitlines()}
    assert len(who) == 6, "three files on two kernels, each in one process"
    assert len({process for _, process in who}) == 2


def test_a_test_that_ends_its_process_is_named_and_the_run_ends(tmp_path: Path, root: Path) -> None:
    (tmp_path / "test_a.py").write_text(TESTS)
    (tmp_path / "test_b.py").write_text(TESTS + "    if size == 3 and kernel == '6.12': os.abort()\n")
    (tmp_path / "conftest.py").write_text("from tests.conftest import pytest_xdist_make_scheduler\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "2", NO_SECOND_PROCESS, str(tmp_path)],
        cwd=root, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "crashed while running" in done.stdout
    assert "test_b.py::test_one[3-6.12]" in done.stdout
    failed = re.search(r"(\d+) failed", done.stdout)
    assert failed, done.stdout
    assert int(failed[1]) <= 2, "of two processes; no other one was started, to end of the same test"


def test_the_longest_start_first(root: Path) -> None:
    long, short = "tests/boot/test_life.py::test_a[6.12]", "tests/boot/test_stock.py::test_b[6.12]"
    many = [f"tests/unit/test_c.py::test_{n}" for n in range(100)]
    assert longest_first([*many, short, "tests/unit/test_d.py::test_e", long]) == [
        long, short, *many, "tests/unit/test_d.py::test_e",
    ]  # fmt: skip
    for name in SECONDS:
        assert (root / name.partition(" on ")[0]).is_file(), f"{name} is not there any more"


def test_quick_leaves_out_what_is_slow_and_most_of_many_cases(root: Path) -> None:
    few = [f"tests/unit/test_a.py::test_b[{n}]" for n in range(QUICK_CASES)]
    many = [f"tests/unit/test_a.py::test_c[{n}]" for n in range(100)]
    slow = f"{SLOW[0]}::test_d"
    out = left_out_of_quick([*few, *many, slow, "tests/unit/test_a.py::test_e"])
    assert [node for node in many if node not in out] == [f"tests/unit/test_a.py::test_c[{n}]" for n in (0, 49, 99)]
    assert out - set(many) == {slow}
    for name in SLOW:
        path, _, function = name.partition("::")
        assert f"def {function}" in (root / path).read_text(encoding="utf-8"), f"{name} is not there any more"
