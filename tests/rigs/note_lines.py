# SPDX-License-Identifier: BSD-3-Clause
"""The lines of the two seed notes that explanations cite: their first words, and what is quoted of them.

The notes are not in the repository.  ``tests/data/note-lines.txt`` has a line for each: note, number, first words, and
behind a bar the quote.  Whoever has the notes makes it again with ``python -m tests.rigs.note_lines FOLDER``.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from driver.ixgbe.explain.questions import QUESTIONS
from driver.ixgbe.explain.steps import LABELS, NOT_STEPS, NOTE, STANDS

TABLE = Path(__file__).resolve().parents[1] / "data" / "note-lines.txt"
WORDS_LETTERS = 60
HEAD = """\
# Lines of the seed notes that driver/ixgbe/explain cites: their first words, and behind a bar what it quotes of them.
# Made by `python -m tests.rigs.note_lines FOLDER`; tests/rigs/note_lines.py says more.
"""


@dataclass(frozen=True)
class Line:
    """One line of a note.

    Attributes:
        words: How it begins.
        quote: What is quoted of it; "" if nothing is.
    """

    words: str
    quote: str


def cited() -> set[tuple[str, int]]:
    """Every line that is cited: its note and its number."""
    lines = {(NOTE, line) for stands in STANDS.values() for pair in stands.lines for line in pair}
    lines |= {(NOTE, stands.jump) for stands in STANDS.values() if stands.jump}
    lines |= {(NOTE, line) for pair in NOT_STEPS for line in pair}
    lines |= {(NOTE, line) for line in LABELS.values()}
    return lines | {(question.note, question.line) for question in QUESTIONS.values()}


def table() -> dict[tuple[str, int], Line]:
    """The table, by note and number."""
    found = {}
    for row in TABLE.read_text(encoding="utf-8").splitlines():
        if not row.startswith("#"):
            place, _, rest = row.partition(": ")
            note, number = place.rsplit(" ", 1)
            words, _, quote = rest.partition(" | ")
            found[note, int(number)] = Line(words.strip(), quote)
    return found


def make(folder: Path) -> str:
    """The table as the notes in ``folder`` have it.

    Raises:
        ValueError: Something is quoted that the note does not say there.
    """
    rows = [HEAD]
    for note, number in sorted(cited()):
        text = (folder / note).read_text(encoding="utf-8").splitlines()[number - 1].strip()
        words = text[:WORDS_LETTERS].replace(" | ", " ").strip()
        quotes = [one.quote for one in QUESTIONS.values() if (one.note, one.line) == (note, number)]
        if missing := [quote for quote in quotes if quote not in text]:
            raise ValueError(f"{note}, line {number} does not say {missing}: {text}")
        rows.append(f"{note} {number}: {words}{f' | {quotes[0]}' if quotes else ''}\n")
    return "".join(rows)


if __name__ == "__main__":
    TABLE.write_text(make(Path(sys.argv[1])), encoding="utf-8")
