# SPDX-License-Identifier: BSD-3-Clause
"""What explains the probe is complete: every step, every line of the notes, every language."""

import os
import re
import string
from itertools import pairwise
from pathlib import Path

import pytest

from driver.ixgbe.explain.paper import padded, width, wrapped
from driver.ixgbe.explain.questions import PROBE, QUESTIONS
from driver.ixgbe.explain.steps import LABELS, NOT_STEPS, NOTE, OURS, STANDS, UNDOES, falls_through
from driver.ixgbe.explain.words import LANGUAGES, Words
from driver.ixgbe.probe import STEPS
from tests.rigs import note_lines

NAMES = [name for name, _ in STEPS]
TABLE = note_lines.table()
NOTES = os.environ.get("IXLAB_NOTES", "")


def test_every_step_stands_for_something_in_the_probes_order() -> None:
    assert list(STANDS) == NAMES


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_everything(language: str) -> None:
    words, english = LANGUAGES[language], LANGUAGES["en"]
    assert set(words.why) == set(NAMES)
    assert set(words.labels) == set(LABELS)
    assert set(words.not_steps) == set(NOT_STEPS.values())
    assert set(words.answers) == set(QUESTIONS)
    assert list(words.head) == list(english.head)
    for texts in (words.head, words.why, words.labels, words.not_steps, words.answers):
        assert all(text == "" or text.strip() for text in texts.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_blanks(language: str) -> None:
    def blanks(words: Words) -> dict[str, set[str | None]]:
        return {key: {name for _, name, _, _ in string.Formatter().parse(text)} for key, text in words.head.items()}

    assert {key: names - {None} for key, names in blanks(LANGUAGES[language]).items()} == {
        key: names - {None} for key, names in blanks(LANGUAGES["en"]).items()
    }


@pytest.mark.parametrize(("language", "letters"), [("zh", r"[\u4e00-\u9fff]"), ("ko", r"[\uac00-\ud7a3]")])
def test_a_language_is_that_language(language: str, letters: str) -> None:
    words = LANGUAGES[language]
    for texts in (words.why, words.labels, words.not_steps, words.answers):
        assert all(re.search(letters, text) for text in texts.values())


def test_every_line_that_is_cited_is_in_the_table_and_nothing_else() -> None:
    assert set(TABLE) == note_lines.cited()


def test_what_is_quoted_stands_there() -> None:
    for question in QUESTIONS.values():
        assert TABLE[question.note, question.line].quote == question.quote
        assert set(question.steps) <= set(NAMES)


def test_the_lines_of_a_step_are_in_order_and_so_are_the_steps() -> None:
    firsts = [stands.lines[0] for stands in STANDS.values() if stands.lines]
    for first, last in [*(pair for stands in STANDS.values() for pair in stands.lines), *NOT_STEPS]:
        assert first <= last
    assert firsts == sorted(firsts)
    covered = sorted([*firsts, *NOT_STEPS])
    assert all(one[1] < other[0] for one, other in pairwise(covered)), "no line twice"


def test_a_jump_is_printed_where_it_is_said_to_be() -> None:
    for name, stands in STANDS.items():
        if stands.jump:
            assert TABLE[NOTE, stands.jump].words == f"goto {stands.label};", name
            assert any(first <= stands.jump <= last for first, last in stands.lines), name
    for label, line in LABELS.items():
        assert TABLE[NOTE, line].words == f"goto {label};"


def test_labels_follow_the_printed_order() -> None:
    assert list(LABELS.values()) == sorted(LABELS.values())
    order = ["", *LABELS]
    labels = [order.index(stands.label) for stands in STANDS.values()]
    assert labels == sorted(labels)
    assert set(UNDOES) == set(LABELS)
    assert set(OURS.values()) <= set(LABELS)
    assert falls_through("err_sw_init") == [
        "err_sw_init",
        "err_ioremap",
        "err_alloc_etherdev",
        "err_pci_reg",
        "err_dma",
    ]
    assert falls_through("") == []


def test_every_question_of_the_probe_is_shown_at_a_step_or_a_line_without_one() -> None:
    for question in QUESTIONS.values():
        if question.note == PROBE and not question.steps:
            assert any(first <= question.line <= last for first, last in NOT_STEPS), question


@pytest.mark.skipif(not NOTES, reason="IXLAB_NOTES: the folder with the seed notes")
def test_the_table_is_what_the_notes_say() -> None:
    assert note_lines.TABLE.read_text(encoding="utf-8") == note_lines.make(Path(NOTES))


# ---- in a terminal -----------------------------------------------------------------------------------------------


def test_wide_letters_take_two_columns() -> None:
    assert width("a笔记한") == 7
    assert padded("笔记", 6) == "笔记  "


def test_chinese_breaks_anywhere_but_before_a_comma() -> None:
    text = "寄存器是一段内存、映射之后读就是、写就是。" * 3
    lines = wrapped(text, "- ", columns=20)
    assert all(width(line) <= 21 for line in lines)
    assert "".join(line.removeprefix("- ").strip() for line in lines) == text
    assert not any(line.lstrip()[0] in "、。" for line in lines)


def test_korean_breaks_at_spaces() -> None:
    lines = wrapped("레지스터는 메모리다 그리고 매핑하면", columns=20)
    assert lines == ["레지스터는 메모리다", "그리고 매핑하면"]
