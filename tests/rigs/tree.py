# SPDX-License-Identifier: BSD-3-Clause
"""The source tree as a graph: which file needs which, in Python by its imports, in C by what it includes and calls."""

import ast
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
Graph = dict[str, set[str]]

COMMENT_OR_TEXT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.DOTALL)
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
DEFINITION = re.compile(
    r"^(?!static|typedef|struct \w+ \{|enum|#|extern)[A-Za-z_][\w \t*]*?[ *](\w+)"
    r"\([^;{}()]*(?:\([^()]*\)[^;{}()]*)*\)\s*\{",
    re.MULTILINE,
)
CALL = re.compile(r"\b([A-Za-z_]\w+)\s*\(")


def python_files(folder: str) -> list[Path]:
    """Every Python file under ``folder`` but the build scripts of C."""
    return sorted(path for path in (ROOT / folder).rglob("*.py") if "csrc" not in path.parts)


def module_of(path: Path) -> str:
    """The dotted name of a Python file."""
    name = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
    return name.removesuffix(".__init__")


def imports(path: Path) -> set[str]:
    """Every dotted name that a file imports, wherever in it the import stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def inside(name: str, package: str) -> bool:
    """Whether a dotted name is ``package`` or below it."""
    return name == package or name.startswith(package + ".")


def python_graph(*folders: str) -> Graph:
    """Who imports whom among the files of these folders; a package stands for its ``__init__``."""
    files = {module_of(path): path for folder in folders for path in python_files(folder)}
    graph: Graph = {}
    for name, path in files.items():
        wanted = imports(path)
        # `from package import module` names the module; the package's own __init__ comes along and is not counted.
        modules = {other for other in wanted if other in files and files[other].name != "__init__.py"}
        packages = {other for other in wanted if other in files and files[other].name == "__init__.py"}
        modules |= {p for p in packages if not any(inside(m, p) and m != p for m in wanted if m in files)}
        graph[name] = modules - {name}
    return graph


def c_files(folder: str) -> list[Path]:
    """Every C file and header under ``folder``, but what cffi made."""
    return sorted(p for p in (ROOT / folder).rglob("*.[ch]") if not p.name.startswith("_"))


def code_of(path: Path) -> str:
    """A C file without comments and texts."""
    return COMMENT_OR_TEXT.sub(" ", path.read_text())


def includes(path: Path) -> set[str]:
    """What a C file includes by quotes, as it is written."""
    return set(INCLUDE.findall(path.read_text()))


def c_graph(folder: str) -> Graph:
    """Which C file calls a function that another one defines."""
    files = {path.relative_to(ROOT).as_posix(): code_of(path) for path in c_files(folder) if path.suffix == ".c"}
    home: dict[str, set[str]] = {}
    for name, code in files.items():
        for function in DEFINITION.findall(code):
            home.setdefault(function, set()).add(name)
    graph: Graph = {}
    for name, code in files.items():
        called = set(CALL.findall(code))
        graph[name] = {next(iter(home[f])) for f in called if len(home.get(f, ())) == 1} - {name}
    return graph


def circles(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Files that need each other in a loop, each loop's files in order of name (Tarjan)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in graph.get(node, ()):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            at = stack.index(node)
            loop, stack[at:] = sorted(stack[at:]), []
            if len(loop) > 1:
                found.append(loop)

    for node in graph:
        if node not in index:
            visit(node)
    return found
