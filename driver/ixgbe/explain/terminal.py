# SPDX-License-Identifier: BSD-3-Clause
"""An explained probe for a terminal of 80 columns."""

from collections.abc import Iterable, Iterator
from typing import Any

from driver.ixgbe.explain.paper import COLUMNS, padded, table, width, wrapped
from driver.ixgbe.explain.steps import NOTE, written
from driver.ixgbe.explain.words import Words

LABEL_COLUMNS = 13
NAME_COLUMNS = 16
Item = dict[str, Any]


def _kind(item: Item, name: str, words: Words) -> str:
    values = item[name]
    text = values["fields"] or words.say("all_ones")
    return f"{words.say(name)} {text}"


def _count(item: Item, name: str, words: Words) -> str:
    times = item[name]["times"]
    if times < 2:
        return ""
    text = words.say("each") if times == item["instances"] else words.say("times", count=times)
    return words.say("aside", text=text)


def run_text(item: Item, words: Words) -> str:
    """What was done to a register: ``read 0, wrote SWFLSH=1 (each)``."""
    names = ["read" if kind == "R" else "wrote" for kind in item["op"]]
    counts = [_count(item, name, words) for name in names]
    if len(set(counts)) == 1:
        counts = [""] * (len(counts) - 1) + counts[:1]
    return words.say("comma").join(_kind(item, name, words) + count for name, count in zip(names, counts, strict=True))


def item_lines(item: Item, words: Words, indent: str = "") -> Iterator[str]:
    """The lines of one item, without the label column."""
    room = COLUMNS - LABEL_COLUMNS
    if "door" in item:
        yield from wrapped(item["door"], indent, columns=room)
    elif "walk" in item:
        yield from wrapped(words.say("walk", count=item["walk"]), indent, columns=room)
    elif "counters" in item:
        text = words.say("counters", count=item["counters"], values=f"{words.say('read')} {item['fields']}")
        yield from wrapped(f"{item['first']} … {item['last']}: {text}", indent, indent + "  ", room)
    elif "turns" in item:
        yield f"{indent}{words.say('times', count=item['turns'])}:"
        for part in item["body"]:
            yield from item_lines(part, words, indent + "  ")
    else:
        head = indent + padded(item["register"], NAME_COLUMNS - len(indent)) + " "
        yield from wrapped(run_text(item, words), head, " " * (NAME_COLUMNS + 1), room)


def _labelled(label: str, lines: Iterable[str]) -> Iterator[str]:
    head = "    " + padded(label, LABEL_COLUMNS - 4)
    for n, line in enumerate(lines):
        yield ((head if n == 0 else " " * LABEL_COLUMNS) + line).rstrip()


def _said(label: str, text: str) -> Iterator[str]:
    yield from _labelled(label, wrapped(text, columns=COLUMNS - LABEL_COLUMNS))


def _touched(items: list[Item], words: Words) -> list[str]:
    return [line for item in items for line in item_lines(item, words)] or [words.say("nothing")]


def _asked(asked: Item, words: Words) -> Iterator[str]:
    label = words.say("asked", line=asked["line"])
    yield from _said(label, f'"{asked["quote"]}"')
    yield from _said("", asked["answer"])


def step_lines(number: int, step: Item, words: Words) -> Iterator[str]:
    """One step."""
    head = f"{number:>2}  {step['step']} "
    yield head + "─" * (COLUMNS - width(head))
    yield from _said(words.say("kernel"), step["kernel"])
    lines = tuple((first, last) for first, last in step["note_lines"])
    yield from _said(words.say("note"), f"{NOTE} {written(lines)}" if lines else words.say("newer"))
    if step["found"]:
        yield from _said(words.say("found"), step["found"])
    yield from _said(words.say("why"), step["why"])
    yield from _labelled(words.say("touched"), _touched(step["touched"], words))
    if step["undo"]:
        yield from _said(words.say("to_undo"), ", ".join(step["undo"]))
    for asked in step["questions"]:
        yield from _asked(asked, words)
    yield ""


def undone_at(one: Item, words: Words) -> str:
    """At which label the kernel undoes it, if at any."""
    return words.say("aside", text=words.say("at", label=one["label"])) if one["label"] else ""


def failure_lines(found: Item, words: Words) -> Iterator[str]:
    """Where the probe ended, and what was undone."""
    yield "═" * COLUMNS
    yield from wrapped(words.say("failed", **{name: found[name] for name in ("step", "errno", "message")}))
    if not found["label"]:
        yield from wrapped(words.say("returns"))
    elif found["jump_line"]:
        yield from wrapped(words.say("jumps", label=found["label"], line=found["jump_line"]))
    else:
        yield from wrapped(words.say("would", label=found["label"]))
    if found["kernel_undoes"]:
        yield from wrapped(words.say("falls"))
        for one in found["kernel_undoes"]:
            functions = ", ".join(one["functions"])
            aside = words.say("aside", text=functions) if functions else ""
            yield from wrapped(f"{one['what']}{aside}", f"  {one['label']:<19}")
    yield words.say("undone")
    for number, one in enumerate(found["undone"], 1):
        yield from wrapped(f"{one['what']}{undone_at(one, words)}", f"  {number}. ")
        if one["failed"]:
            yield from wrapped(words.say("not_undone", why=one["failed"]), "     ")
        for item in one["touched"]:
            yield from ("     " + line for line in item_lines(item, words))
    if found["not_reached"]:
        yield from wrapped(words.say("not_reached", steps=", ".join(found["not_reached"])), rest="  ")
    yield ""


def vector_rows(vectors: list[Item], words: Words) -> list[tuple[str, ...]]:
    """The table of vectors; a column for each kind of ring that there is."""
    kinds = ["rx", "tx", *(["xdp"] if any(row.get("xdp") for row in vectors) else [])]
    several = len({row["vsi"] for row in vectors if row["vsi"]}) > 1
    rows = [tuple(words.say(key) for key in ("vector", "entry", *kinds, "cpu"))]
    for row in vectors:
        own = row["vector"] is not None
        rings = (" ".join(map(str, row.get(kind, ()))) if own else "-" for kind in kinds)
        cpus = " ".join(map(str, row["cpus"])) or words.say("any")
        name = " ".join([row["vsi"]] * several + [str(row["vector"])]) if own else words.say("other")
        rows.append((name, str(row["reg_idx"]), *rings, cpus))
    return rows


def pair(lines: list[int]) -> tuple[int, int]:
    """First and last line."""
    first, last = lines
    return first, last


def text(data: Item, words: Words) -> str:
    """The whole page."""
    lines = [words.say("title", nic=data["nic"]), "", *wrapped(words.say("intro")), ""]
    for number, step in enumerate(data["steps"], 1):
        lines += step_lines(number, step, words)
    if data["failure"]:
        lines += failure_lines(data["failure"], words)
    if data["vectors"]:
        lines += [words.say("vectors"), ""]
        lines += ["  " + line for line in table(vector_rows(data["vectors"], words))]
        if data["one_irq"]:
            lines += ["", *wrapped(words.say("one_irq", kind=data["one_irq"]))]
        lines.append("")
    lines.append(words.say("skipped"))
    for one in data["skipped"]:
        lines += wrapped(one["why"], f"  {written((pair(one['lines']),)):<11}")
        lines += [line for asked in one["questions"] for line in _asked(asked, words)]
    return "\n".join([*lines, "", *wrapped(words.say("more")), ""])
