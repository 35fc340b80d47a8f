# SPDX-License-Identifier: BSD-3-Clause
"""Text in a terminal's columns: Chinese and Korean letters are two columns wide, and Chinese breaks between any two."""

import unicodedata
from collections.abc import Iterator

COLUMNS = 80
_NOT_FIRST = "，。、；：！？）」』》…,.;:!?)"  # never begins a line


def width(text: str) -> int:
    """Columns that ``text`` takes."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def padded(text: str, columns: int) -> str:
    """``text`` and spaces up to ``columns``."""
    return text + " " * (columns - width(text))


def _is_ideograph(letter: str) -> bool:
    return unicodedata.east_asian_width(letter) in "WF" and not unicodedata.name(letter, "").startswith("HANGUL")


def _pieces(text: str) -> Iterator[tuple[bool, str]]:
    """What is never broken, and whether a space stands before it."""
    for word in text.split():
        spaced, piece = True, ""
        for letter in word:
            if piece and letter not in _NOT_FIRST and (_is_ideograph(letter) or _is_ideograph(piece[-1])):
                yield spaced, piece
                spaced, piece = False, ""
            piece += letter
        yield spaced, piece


def wrapped(text: str, first: str = "", rest: str | None = None, columns: int = COLUMNS) -> list[str]:
    """Lines of at most ``columns``.

    Args:
        text: What to say.
        first: Stands before the first line.
        rest: Stands before the others; as many spaces if left out.
        columns: The room; a piece without a place to break may be longer.
    """
    rest = " " * width(first) if rest is None else rest
    lines, line, empty = [], first, True
    for spaced, piece in _pieces(text):
        space = " " if spaced and not empty else ""
        if not empty and width(line) + len(space) + width(piece) > columns:
            lines.append(line)
            line, space = rest, ""
        line += space + piece
        empty = False
    lines.append(line.rstrip())
    return lines


def table(rows: list[tuple[str, ...]], gap: str = "  ") -> list[str]:
    """Columns as wide as they must be."""
    widths = [max(width(row[n]) for row in rows) for n in range(len(rows[0]))]
    return [gap.join(padded(cell, widths[n]) for n, cell in enumerate(row)).rstrip() for row in rows]
