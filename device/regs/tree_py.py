# SPDX-License-Identifier: BSD-3-Clause
"""Which Python function names which register, and which block says that it owns which: Python sources read as trees.

A name is a register's if it was imported from a table, or is an attribute of a table that was.
"""

import ast
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

TABLES = "device.regs"
MARKS = {"on_read", "on_write"}
CALLS = {"get", "peek", "put", "update", "read", "write"}  # methods of a register file or of a driver's BAR
OWNED = ("registers", "hooked")
TABLE = "table"  # what a module keeps outside of its functions
_WORD = re.compile(r"\w+")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Mention:
    """One place where a register is named.

    Attributes:
        function: ``Class.method``, a function, or the module's name for a table outside of functions.
        line: From 1.
        register: Its name.
        how: What is done with it in a word or two; ``looks`` if only its layout is used (``X.FIELD``, ``X(value)``).
    """

    function: str
    line: int
    register: str
    how: str


@dataclass
class Block:
    """A class that says which registers are its own.

    Attributes:
        name: The class.
        line: Where it begins.
        registers: Names in ``registers``: those whose behaviour is here.
        hooked: Names in ``hooked``: those whose accesses go to the C hook ``hook``.
        unread: What stands in one of the two and could not be read: they hold names and ``*`` of other tuples.
    """

    name: str
    line: int
    registers: list[str] = field(default_factory=list)
    hooked: list[str] = field(default_factory=list)
    hook: str = ""
    unread: list[str] = field(default_factory=list)


class Source:
    """One Python file.

    Args:
        text: Its source.
        names: Names of registers.
    """

    def __init__(self, text: str, names: Collection[str]) -> None:
        self.module = ast.parse(text)
        self._names = names
        self._registers: dict[str, str] = {}  # local name -> register
        self._tables: set[str] = set()  # local names of table modules
        for node in ast.walk(self.module):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(TABLES):
                for alias in node.names:
                    local = alias.asname or alias.name
                    if alias.name in names:
                        self._registers[local] = alias.name
                    else:
                        self._tables.add(local)

    def register_of(self, node: ast.AST) -> str:
        """The register that an expression is, or ""."""
        if isinstance(node, ast.Name):
            return self._registers.get(node.id, "")
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in self._tables:
            return node.attr if node.attr in self._names else ""
        return ""

    # -- what functions do --------------------------------------------------------------------------------------------

    def mentions(self) -> Iterator[Mention]:
        """Every place that names a register, but for imports, annotations and what blocks own."""
        yield from self._in_body(self.module.body, "")

    def _in_body(self, body: list[ast.stmt], where: str) -> Iterator[Mention]:
        for node in body:
            if isinstance(node, Function):
                yield from self._marked(node, where + node.name)
                yield from self._used(node, where + node.name)
            elif isinstance(node, ast.ClassDef):
                yield from self._in_body(node.body, f"{where}{node.name}.")
            elif not (names := _assigned(node)) or not set(names) & set(OWNED):
                yield from self._used(node, where + names[0] if names else where.rstrip(".") or TABLE, TABLE)

    def _marked(self, node: Function, where: str) -> Iterator[Mention]:
        """Registers in ``@on_read(…)`` and ``@on_write(…)``."""
        for mark in node.decorator_list:
            if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name) and mark.func.id in MARKS:
                for argument in mark.args:
                    if name := self.register_of(argument):
                        yield Mention(where, node.lineno, name, mark.func.id)

    def _used(self, top: ast.AST, where: str, how: str = "uses") -> Iterator[Mention]:
        """Registers named in a function's body, or in a statement outside of one."""
        waiting: list[tuple[ast.AST, str]] = [(top, how)]
        while waiting:
            node, as_what = waiting.pop()
            if name := self.register_of(node):
                yield Mention(where, getattr(node, "lineno", 0), name, as_what)
                continue
            if isinstance(node, ast.Attribute):
                waiting.append((node.value, "looks" if self.register_of(node.value) else how))
            elif isinstance(node, ast.Call):
                method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
                waiting.append((node.func, "looks"))
                rest = [*node.args, *(keyword.value for keyword in node.keywords)]
                waiting += ((one, method if method in CALLS else how) for one in rest)
            else:
                waiting += ((child, how) for child in _children(node))

    # -- who owns what ------------------------------------------------------------------------------------------------

    def blocks(self) -> Iterator[Block]:
        """Classes with ``registers = (…)``, ``hooked = (…)`` or both."""
        outside = _assignments(self.module.body)
        for node in ast.walk(self.module):
            if isinstance(node, ast.ClassDef):
                inside = _assignments(node.body)
                if not set(OWNED) & set(inside):
                    continue
                block = Block(node.name, node.lineno)
                for name, into in (("registers", block.registers), ("hooked", block.hooked)):
                    if name in inside:
                        self._collect(inside[name], outside | inside, into, block.unread, {name})
                block.hook = _last_word(inside.get("hook"))
                yield block

    def _collect(
        self, value: ast.expr, known: dict[str, ast.expr], into: list[str], unread: list[str], seen: set[str]
    ) -> None:
        """Names of registers in a tuple, and in the tuples of this file that it takes in with ``*``."""
        if isinstance(value, ast.Tuple):
            for item in value.elts:
                self._collect(item, known, into, unread, seen)
            return
        inner = value.value if isinstance(value, ast.Starred) else value
        if isinstance(inner, ast.Name) and inner.id in known and inner.id not in seen:
            self._collect(known[inner.id], known, into, unread, seen | {inner.id})
        elif isinstance(value, ast.Name | ast.Attribute):
            into.append(self.register_of(value) or ast.unparse(value))
        else:
            unread.append(ast.unparse(value))


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """What is inside of a node, but for annotations and for decorators, which are read elsewhere."""
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield child


def _last_word(node: ast.expr | None) -> str:
    """``HOOK_RX`` of ``lib.HOOK_RX``, ``rxq`` of ``"rxq"``; "" of nothing."""
    return "" if node is None else ast.unparse(node).strip("'").rpartition(".")[2]


def _is_docstring(node: ast.AST) -> bool:
    """Whether a statement is only a string."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _assigned(node: ast.stmt) -> list[str]:
    """Names that a statement gives a value."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _assignments(body: list[ast.stmt]) -> dict[str, ast.expr]:
    """Names that statements give a value, to that value."""
    found: dict[str, ast.expr] = {}
    for node in body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            found |= dict.fromkeys(_assigned(node), node.value)
    return found


# -- tests -----------------------------------------------------------------------------------------------------------


class SourceOfTests(Source):
    """One file of tests.

    There a name counts without an import, as of ``MSCA = 0x0425C``, and in a string, as command lines take it.
    """

    def named_by(self) -> dict[str, set[str]]:
        """Function or class at the top of the file to the registers it names.

        What a function names, it names by itself or through the file's own tables (``CASES = [...]``).
        """
        direct: dict[str, set[str]] = {}
        uses: dict[str, set[str]] = {}
        tables = set()
        for node in self.module.body:
            names = [node.name] if isinstance(node, Function | ast.ClassDef) else _assigned(node)
            tables |= set() if isinstance(node, Function | ast.ClassDef) else set(names)
            for name in names:
                direct[name] = direct.get(name, set()) | set(self._all_in(node))
                uses[name] = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)} - {name}
        for _ in range(len(tables)):  # tables made of tables
            for name in direct:
                for table in uses[name] & tables:
                    direct[name] |= direct[table]
        return {name: registers for name, registers in direct.items() if name not in tables and registers}

    def _all_in(self, top: ast.AST) -> Iterator[str]:
        waiting = [top]
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.Name | ast.Attribute) and (name := self.register_of(node)):
                yield name
            elif isinstance(node, ast.Name) and node.id in self._names:
                yield node.id
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from set(_WORD.findall(node.value)) & set(self._names)
            waiting += (child for child in ast.iter_child_nodes(node) if not _is_docstring(child))
