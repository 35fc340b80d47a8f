# SPDX-License-Identifier: BSD-3-Clause
"""An explained probe as a Markdown page with pictures."""

from collections.abc import Iterator, Mapping

from driver.ixgbe.explain.steps import NOTE, written
from driver.ixgbe.explain.terminal import Item, item_lines, pair, undone_at, vector_rows
from driver.ixgbe.explain.words import Words


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    """A table; the first row is its head."""
    head, *rest = rows
    yield f"| {' | '.join(map(_cell, head))} |"
    yield f"|{'---|' * len(head)}"
    yield from (f"| {' | '.join(map(_cell, row))} |" for row in rest)


def _accesses(items: list[Item], words: Words) -> Iterator[str]:
    yield "```text"
    yield from (line for item in items for line in item_lines(item, words))
    yield "```"


def picture(text: str) -> Iterator[str]:
    """A picture as a page has it."""
    yield "```mermaid"
    yield text
    yield "```"


def _asked(asked: Item, words: Words) -> Iterator[str]:
    yield f"> **{words.say('asked', line=asked['line'])}**: “{_cell(asked['quote'])}”"
    yield ">"
    yield f"> {_cell(asked['answer'])}"
    yield ""


def _step(number: int, step: Item, words: Words) -> Iterator[str]:
    yield f"### {number}. {step['step']}"
    yield ""
    lines = tuple((first, last) for first, last in step["note_lines"])
    note = f"`{NOTE}` {written(lines)}" if lines else words.say("newer")
    yield f"- **{words.say('kernel')}**: `{step['kernel']}`"
    yield f"- **{words.say('note')}**: {note}"
    if step["found"]:
        yield f"- **{words.say('found')}**: {_cell(step['found'])}"
    yield f"- **{words.say('why')}**: {step['why']}"
    if step["undo"]:
        yield f"- **{words.say('to_undo')}**: {', '.join(step['undo'])}"
    yield ""
    if step["touched"]:
        yield from _accesses(step["touched"], words)
        yield ""
    for asked in step["questions"]:
        yield from _asked(asked, words)


def _failure(found: Item, words: Words) -> Iterator[str]:
    yield "## " + words.say("failed", **{name: found[name] for name in ("step", "errno", "message")})
    yield ""
    if not found["label"]:
        yield words.say("returns")
    elif found["jump_line"]:
        yield words.say("jumps", label=f"`{found['label']}`", line=found["jump_line"])
    else:
        yield words.say("would", label=f"`{found['label']}`")
    yield ""
    if found["kernel_undoes"]:
        yield words.say("falls")
        yield ""
        for one in found["kernel_undoes"]:
            functions = ", ".join(f"`{name}`" for name in one["functions"])
            aside = words.say("aside", text=functions) if functions else ""
            yield f"- `{one['label']}`: {one['what']}{aside}"
        yield ""
    yield words.say("undone")
    yield ""
    for number, one in enumerate(found["undone"], 1):
        failed = f": {words.say('not_undone', why=one['failed'])}" if one["failed"] else ""
        yield f"{number}. {one['what']}{undone_at(one, words)}{failed}"
    yield ""
    if found["not_reached"]:
        yield words.say("not_reached", steps=", ".join(found["not_reached"]))
        yield ""


def markdown(data: Item, meanings: list[tuple[str, str, str]], pictures: Mapping[str, str], words: Words) -> str:
    """The whole page.

    Args:
        data: The account.
        meanings: Fields that were seen: name, bits, what they mean.
        pictures: mermaid's texts, by their headings.
        words: The language.
    """
    lines = [f"# {_cell(words.say('title', nic=data['nic']))}", "", words.say("intro"), ""]
    for heading, drawn in pictures.items():
        lines += [f"## {words.say(heading)}", ""]
        if heading == "memory":
            lines += [words.say("memory_why"), ""]
        lines += [*picture(drawn), ""]
    if data["vectors"]:
        lines += [f"## {words.say('vectors')}", "", *table(vector_rows(data["vectors"], words)), ""]
    for number, step in enumerate(data["steps"], 1):
        lines += _step(number, step, words)
    if data["failure"]:
        lines += _failure(data["failure"], words)
    skipped: list[tuple[str, ...]] = [(words.say("note"), words.say("why"))]
    skipped += [(written((pair(one["lines"]),)), one["why"]) for one in data["skipped"]]
    lines += [f"## {words.say('skipped')}", "", *table(skipped), ""]
    lines += [line for one in data["skipped"] for asked in one["questions"] for line in _asked(asked, words)]
    if meanings:
        head = tuple(words.say(key) for key in ("field", "bits", "meaning"))
        lines += [f"## {words.say('glossary')}", "", *table([(head[0], head[1], head[2]), *meanings]), ""]
    return "\n".join(lines)
