# SPDX-License-Identifier: BSD-3-Clause
"""What an installed copy is called: the folders ``device`` and ``driver`` become ``ixlab.device`` and ``ixlab.driver``.

In the checkout both are packages at the root, and stay so.  Installed, such plain names would collide with anybody's,
so the build copies the sources and changes the copy: every import of the two, every string that is the whole name of
one of their modules, every logger's name, and ``python -m device`` in what people read.  Stdlib only: setup.py runs it
where nothing else is installed.
"""

import ast
import re
from collections.abc import Collection, Iterator

OWNER = "ixlab"
PACKAGES = ("device", "driver")
_OURS = re.compile(rf"(?:{'|'.join(PACKAGES)})(?:\.\w+)*")
_FROM = re.compile(rb"from\s+")
_COMMAND = re.compile(rf"(\bpython3? -m )(?=(?:{'|'.join(PACKAGES)})\b)")


class RenameError(Exception):
    """A source says something that has no counterpart under the other name; the message names file and line."""


def ours(name: str) -> bool:
    """Whether a dotted name is one of the two packages or inside them."""
    return _OURS.fullmatch(name) is not None


def _names_module(node: ast.AST, modules: Collection[str]) -> bool:
    return (
        isinstance(node, ast.Constant) and isinstance(node.value, str) and "." in node.value and node.value in modules
    )


def _names_logger(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) in {"logging.getLogger", "getLogger"}


def _in_import(node: ast.Import, path: str) -> Iterator[tuple[int, int]]:
    for alias in node.names:
        if ours(alias.name):
            if alias.asname is None:
                raise RenameError(
                    f"{path}:{node.lineno}: `import {alias.name}` binds {alias.name.split('.')[0]}, which is called "
                    "otherwise in an installed copy: write `from … import …`"
                )
            yield alias.lineno - 1, alias.col_offset


def _in_from(node: ast.ImportFrom, line: bytes, path: str) -> Iterator[tuple[int, int]]:
    name = node.module or ""
    if node.level == 0 and ours(name):
        start = _FROM.match(line, node.col_offset)
        if start is None or not line.startswith(name.encode(), start.end()):
            raise RenameError(f"{path}:{node.lineno}: `from` and the module's name stand on different lines")
        yield node.lineno - 1, start.end()


def _places(tree: ast.AST, lines: list[bytes], modules: Collection[str], path: str) -> Iterator[tuple[int, int]]:
    """Yield where ``ixlab.`` is to be put in: line from 0, and column in bytes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from _in_from(node, lines[node.lineno - 1], path)
        elif isinstance(node, ast.Import):
            yield from _in_import(node, path)
        elif isinstance(node, ast.Call) and _names_logger(node):
            for name in node.args:
                if isinstance(name, ast.Constant) and isinstance(name.value, str) and ours(name.value):
                    yield name.lineno - 1, name.col_offset + 1
        elif isinstance(node, ast.Constant) and _names_module(node, modules):
            yield node.lineno - 1, node.col_offset + 1


def renamed(source: str, modules: Collection[str], path: str = "source") -> str:
    """Return a source as an installed copy has it.

    Args:
        source: A Python file's text.
        modules: The names of all modules of the two packages.
        path: What the file is called in an error.

    Raises:
        RenameError: It imports one of them in a way that cannot be changed in place.
    """
    lines = source.encode().splitlines(keepends=True)
    places = sorted(set(_places(ast.parse(source), lines, modules, path)), reverse=True)
    for line, column in places:  # from the end, so that those before stay where they are
        lines[line] = lines[line][:column] + f"{OWNER}.".encode() + lines[line][column:]
    return _COMMAND.sub(rf"\g<1>{OWNER}.", b"".join(lines).decode())


def left(source: str, modules: Collection[str]) -> list[str]:
    """Return what of a source still goes by the checkout's names: imports, and strings that name a module."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and ours(node.module or ""):
            found.append(f"line {node.lineno}: from {node.module}")
        elif isinstance(node, ast.Import):
            found += [f"line {node.lineno}: import {alias.name}" for alias in node.names if ours(alias.name)]
        elif isinstance(node, ast.Constant) and _names_module(node, modules):
            found.append(f"line {node.lineno}: {node.value!r}")
    return found
