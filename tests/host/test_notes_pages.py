# SPDX-License-Identifier: BSD-3-Clause
"""The pages on the notes' questions: their commands run, and the pages are what these show."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from driver.ixgbe.explain.questions import QUESTIONS
from tests.rigs import notes_pages, readme, readme_lines
from tests.rigs.notes_pages import NAMES, SHOWN, cut, masked

pytestmark = [pytest.mark.root, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def outputs() -> Iterator[dict[str, str]]:
    """Every command is run once; one that fails, or a NIC that does not come up, is an error here."""
    with tempfile.TemporaryDirectory(prefix="ix-") as name:
        yield notes_pages.outputs(Path(name))


@pytest.mark.parametrize("key", SHOWN)
def test_a_command_shows_what_it_is_there_for(outputs: dict[str, str], key: str) -> None:
    for shown in SHOWN[key]:
        assert cut(shown, outputs[shown.command]), f"{shown.command} has no line with {shown.begin!r}"


@pytest.mark.parametrize("note", NAMES)
def test_a_page_is_what_its_commands_show(outputs: dict[str, str], note: str, root: Path) -> None:
    written = (root / "docs" / NAMES[note]).read_text(encoding="utf-8")
    assert masked(written) == masked(notes_pages.page(note, outputs)), "python -m tests.rigs.notes_pages --write"


def test_every_question_is_answered_with_a_command(root: Path) -> None:
    assert set(SHOWN) == set(QUESTIONS)
    for note, name in NAMES.items():
        text = (root / "docs" / name).read_text(encoding="utf-8")
        lines = [question.line for question in QUESTIONS.values() if question.note == note]
        assert re.findall(r"^## Line (\d+): ", text, re.MULTILINE) == [str(line) for line in lines]
        assert lines == sorted(lines)


def test_what_is_masked_is_only_what_differs() -> None:
    text = "\n".join(("```", f"$ {notes_pages.EXPLAIN} --queues 2", "  0  1  any", "```", "5 rings"))
    assert masked(text) == masked(text.replace("0  1  any", "7  9  2"))
    assert masked(text) != masked(text.replace("5 rings", "6 rings"))


def test_the_lines_of_the_pages_are_run_here(root: Path) -> None:
    lines = {line for name in NAMES.values() for line in readme.commands((root / "docs" / name).read_text())}
    assert lines == {notes_pages.DEVICE, notes_pages.UP, *notes_pages.commands()}
    assert set(readme_lines.RUN["notes"]) <= lines
