# SPDX-License-Identifier: BSD-3-Clause
"""``python3 -m ci stubs``: what mypy is told of the C modules, from what their build scripts told cffi.

A stub follows from the declarations alone: no compiler and no built module, so it is the same on every machine.
cffi keeps the declarations to itself, hence the names with an underscore; ``requirements.txt`` pins it, and a test
compares with what the built modules offer.
"""

import keyword
import runpy
from collections.abc import Iterator, Sequence
from typing import Any

from cffi import model

from ci.say import ROOT, CiError, say

# Stub -> the build script whose `ffi` it describes.  build_vfu.py wants libvfio-user's sources, which set-up brings.
SCRIPTS: dict[str, str] = {
    "device/_core.pyi": "device/csrc/build_core.py",
    "device/_vfu.pyi": "device/csrc/build_vfu.py",
    "driver/_core.pyi": "driver/csrc/build_core.py",
}
LINE_CHARS = 120  # ruff's limit: a stub must be as ruff would format it

PREAMBLE = """\
# SPDX-License-Identifier: BSD-3-Clause
# Generated from the declarations in {script} by `python3 -m ci stubs`.  Do not edit.
from typing import Any, Final, TypeAlias

Pointer: TypeAlias = Any  # a cffi pointer, array or struct; mypy cannot know which

ffi: Any

class _Lib:"""


def declared(script: str) -> Any:
    """Return the ``cffi.FFI`` of a build script, which is run but not asked to compile anything.

    Raises:
        CiError: The script cannot say yet; the message is its own.
    """
    try:
        return runpy.run_path(str(ROOT / script))["ffi"]
    except SystemExit as exc:
        raise CiError(f"{script}: {exc}", 3) from exc


def _python_type(c_type: model.BaseTypeByIdentity) -> str:
    """Return what a value of a C type is in Python, going in or coming out."""
    if isinstance(c_type, model.VoidType):
        return "None"
    if isinstance(c_type, model.PrimitiveType) and c_type.name in {"_Bool", "char"}:
        return {"_Bool": "bool", "char": "bytes"}[c_type.name]
    if isinstance(c_type, model.EnumType) or c_type.is_integer_type():
        return "int"
    if isinstance(c_type, model.PrimitiveType) and c_type.name in {"float", "double"}:
        return "float"
    return "Pointer"


def _parameter_names(ffi: Any) -> dict[str, list[str]]:
    """Return each function's parameter names; cffi forgets them, so its parser reads the declarations again."""
    found = {}
    for source in ffi._cdefsources:
        syntax, _, _ = ffi._parser._parse(source)
        for node in syntax.ext:
            if type(node.type).__name__ == "FuncDecl":
                found[node.name] = [parameter.name or "" for parameter in getattr(node.type.args, "params", ())]
    return found


def _function(name: str, c_type: model.BaseFunctionType, names: Sequence[str]) -> str:
    """Return one ``def``, broken the way ruff breaks it."""
    arguments = ["self"]
    for at, argument in enumerate(c_type.args):
        c_name = names[at] if at < len(names) else ""
        if not c_name or c_name == "self" or keyword.iskeyword(c_name):
            c_name += f"_{at}"
        arguments.append(f"{c_name}: {_python_type(argument)}")
    if c_type.args:
        arguments.append("/")  # cffi takes no keywords
    if c_type.ellipsis:
        arguments.append("*more: Pointer")
    result = _python_type(c_type.result)
    line = f"    def {name}({', '.join(arguments)}) -> {result}: ..."
    if len(line) <= LINE_CHARS:
        return line
    inside = f"        {', '.join(arguments)}"
    if len(inside) > LINE_CHARS:
        inside = "\n".join(f"        {argument}," for argument in arguments)
    return f"    def {name}(\n{inside}\n    ) -> {result}: ..."


def _members(ffi: Any) -> Iterator[str]:
    """Yield what ``lib`` has: numbers, functions, then what Python itself provides to C."""
    names = _parameter_names(ffi)
    numbers = list(ffi._parser._int_constants)
    functions, others = [], []
    for key, (c_type, _) in ffi._parser._declarations.items():
        kind, _, name = key.partition(" ")
        if kind == "macro" and name not in numbers:
            numbers.append(name)  # `#define X ...`: the compiler knows the value
        elif kind == "function":
            functions.append(_function(name, c_type, names.get(name, ())))
        elif kind in {"variable", "constant"}:
            others.append(f"    {name}: {_python_type(c_type)}")
        elif kind.startswith("extern_python"):
            others.append(f"    {name}: Pointer")
    yield from (f"    {name}: Final[int]" for name in numbers)
    yield from functions
    yield from others


def text(ffi: Any, script: str) -> str:
    """Return the stub of a module.

    Args:
        ffi: Its ``cffi.FFI``.
        script: Where that comes from, for the stub's first lines.
    """
    return "\n".join([PREAMBLE.format(script=script), *_members(ffi), "", "lib: _Lib", ""])


def check() -> None:
    """See that every stub is current.

    Raises:
        CiError: One is not; the message names it and the command that mends it.
    """
    stale = []
    for stub, script in SCRIPTS.items():
        path = ROOT / stub
        if not path.is_file() or path.read_text(encoding="utf-8") != text(declared(script), script):
            stale.append(f"{stub} is not what {script} declares")
    if stale:
        raise CiError("; ".join(stale) + ": run `python3 -m ci stubs`")


def write() -> None:
    """Write the stubs that are not current."""
    for stub, script in SCRIPTS.items():
        path, wanted = ROOT / stub, text(declared(script), script)
        if not path.is_file() or path.read_text(encoding="utf-8") != wanted:
            path.write_text(wanted, encoding="utf-8")
            say(f"{stub}: written")
