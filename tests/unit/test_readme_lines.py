# SPDX-License-Identifier: BSD-3-Clause
"""No command line stands in a README that no test runs: a new one has to be put into ``tests/rigs/readme_lines.py``."""

import ast
import contextlib
import re
import shlex
from pathlib import Path

import pytest

from ci import command_line, steps
from tests.rigs import readme, readme_lines

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = readme.documents(ROOT)
RUN_HERE = [line for lines in readme_lines.RUN.values() for line in lines]
KNOWN = [*RUN_HERE, *readme_lines.ELSEWHERE, *readme_lines.NOT_RUN]
STEPS = [line for line in KNOWN if re.match(r"(IXLAB_\w+=\S+ )?python3 -m ci ", line) and "STEP" not in line]


def written() -> set[str]:
    lines = {line for text in DOCUMENTS.values() for line in readme.commands(text)}
    return lines | set(readme.usages(ROOT).values())


def test_all_documents_are_read() -> None:
    for name in ("README.md", "device/README.md", "driver/README.md", "qemu/README.md", "ci/README.md", "SECURITY.md",
                 "CONTRIBUTING.md", "tests/README.md", "tests/data/README.md"):  # fmt: skip
        assert name in DOCUMENTS


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_line_is_run_by_a_test(name: str) -> None:
    missing = set(readme.commands(DOCUMENTS[name])) - set(KNOWN)
    assert not missing, (
        f"{name} has command lines that no test runs; put them into tests/rigs/readme_lines.py: {missing}"
    )


def test_every_example_says_how_it_is_started() -> None:
    assert set(readme.usages(ROOT).values()) <= set(KNOWN)


def test_nothing_is_listed_that_no_readme_has() -> None:
    gone = set(KNOWN) - written()
    assert not gone, f"tests/rigs/readme_lines.py lists what no README has any more: {gone}"
    assert len(KNOWN) == len(set(KNOWN))


@pytest.mark.parametrize("line", readme_lines.ELSEWHERE)
def test_who_runs_it_elsewhere_is_there_and_does_so(line: str) -> None:
    name, function, step = readme_lines.ELSEWHERE[line]
    text = (ROOT / name).read_text(encoding="utf-8")
    if function:
        nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
        bodies = [ast.get_source_segment(text, node) or "" for node in nodes if node.name == function]
        assert bodies, f"{name} has no {function}() any more, and that was to run: {line}"
        text = bodies[0]
    assert step in text, f"{name} {function} does not do {step!r} any more, and that was to run: {line}"


@pytest.mark.parametrize("line", STEPS)
def test_every_step_is_understood(line: str) -> None:
    words = shlex.split(line.partition("python3 -m ci ")[2].partition(")")[0])
    with pytest.raises(SystemExit, match=r"^0$") if "--help" in words else contextlib.nullcontext():
        asked = command_line.parse(words)
        tiers = {*command_line.TIERS, *command_line.ALONE}
        assert set(getattr(asked, "tiers", ())) <= tiers


@pytest.mark.parametrize("tier", [*command_line.TIERS, *command_line.ALONE])
def test_every_tier_has_its_tests(tier: str) -> None:
    """What takes longer than a test may: its name is understood, and finds tests."""
    for path in (ROOT / word for word in steps._where(tier) if word.startswith("tests/")):
        files = [path] if path.is_file() else list(path.rglob("test_*.py"))
        assert any("def test_" in file.read_text(encoding="utf-8") for file in files), path


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_test_file_in_the_running_text_is_there(name: str) -> None:
    words = {word for text in readme.inline(DOCUMENTS[name]) for word in text.split() if word.startswith("tests/")}
    assert {word for word in words if not any(ROOT.glob(word.partition("::")[0]))} == set()


@pytest.mark.parametrize("text", ["```\nnew-thing --x\n```", "Use `.venv/bin/python -m device --new-thing` for it."])
def test_a_new_line_is_seen(text: str) -> None:
    assert set(readme.commands(text)) - set(KNOWN)
