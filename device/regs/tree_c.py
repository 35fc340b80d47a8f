# SPDX-License-Identifier: BSD-3-Clause
"""Which C function names which word: a reading of C sources that knows just enough of C.

Comments and strings are blanked first, so what is only spoken of does not count.  Then braces are counted: a word
belongs to the function, table or macro it stands in.
"""

import re
from bisect import bisect
from collections.abc import Iterator

_NOISE = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[ \t]*define[ \t]+(\w+))?(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
_ATTRIBUTE = re.compile(r"__attribute__\s*\(\(.*?\)\)", re.DOTALL)
_BORDER = re.compile(r"[{};]")
_CALLED = re.compile(r"(\w+)\s*\(")
_LAST_WORD = re.compile(r"(\w+)\s*(?:\[[^]]*\]\s*)*$")
_WORD = re.compile(r"\b[A-Z]\w*")  # registers are in capitals, and so are their macros


def _blank(match: re.Match[str]) -> str:
    """As many lines and columns, empty."""
    return re.sub(r"[^\n]", " ", match[0])


def _defined(head: str) -> str:
    """The name that a piece of C outside of braces defines, given its text up to ``{`` or ``;``."""
    head, has_value, _ = _ATTRIBUTE.sub(" ", head).partition("=")
    found = None if has_value else _CALLED.search(head)
    found = found or _LAST_WORD.search(head)
    return found[1] if found else ""


def _pieces(text: str) -> Iterator[tuple[str, int, int]]:
    """(name, start, end) of all that is defined at the outermost level; ``text`` has no comments and no directives."""
    depth = start = 0
    name = ""
    for found in _BORDER.finditer(text):
        if found[0] == "{":
            if not depth:
                name = name or _defined(text[start : found.start()])
            depth += 1
            continue
        if found[0] == "}":
            depth = max(depth - 1, 0)  # a stray one is no reason to give up
            if depth or text[found.end() :].lstrip()[:1] in {";", ","}:
                continue
        elif depth:
            continue
        yield name or _defined(text[start : found.start()]), start, found.end()
        start, name = found.end(), ""
    yield name, start, len(text)


def words(source: str) -> Iterator[tuple[str, int, str]]:
    """Every word in C that begins with a capital: (function, table or macro it stands in, line from 1, word)."""
    text = _NOISE.sub(_blank, source)
    code = _DIRECTIVE.sub(_blank, text)
    spans = [(found[1] or "", text, *found.span()) for found in _DIRECTIVE.finditer(text)]
    spans += [(name, code, start, end) for name, start, end in _pieces(code)]
    line_ends = [found.start() for found in re.finditer("\n", text)]
    for name, within, start, end in spans:
        for word in _WORD.finditer(within, start, end):
            yield name, bisect(line_ends, word.start()) + 1, word[0]
