# SPDX-License-Identifier: BSD-3-Clause
"""What can be asked for on the control socket, and how a request is refused."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

PARSE, INVALID, NO_METHOD, BAD_PARAMS, INTERNAL = -32700, -32600, -32601, -32602, -32603
REFUSED, SYSTEM = 1, 2  # ours: the NIC as it is now cannot do it; the operating system would not
TITLES = {
    PARSE: "parse error",
    INVALID: "invalid request",
    NO_METHOD: "no such method",
    BAD_PARAMS: "invalid parameters",
    INTERNAL: "internal error",
    REFUSED: "refused",
    SYSTEM: "the system refused",
}

Action = Callable[[], object]
Before = Mapping[str, object]
Note = Callable[[str, object], None]  # hears name and value of what was obeyed


SHOWN_MAX = 6  # choices in a line of usage


def _few(values: Sequence[str]) -> str:
    return "|".join(values if len(values) <= SHOWN_MAX else (*values[:3], "…", *values[-2:]))


@dataclass(frozen=True)
class Param:
    """A parameter of a method.

    Attributes:
        name: What it is called.
        kind: What JSON calls its type: string, boolean, integer, number or array.
        doc: What it means.
        choices: The only values there are, if not all.
        needed: Whether it must be given.
        others: What else there may be besides the choices, as it is shown; "" if nothing: such a value has a slash.
    """

    name: str
    kind: str
    doc: str
    choices: tuple[str, ...] = ()
    needed: bool = True
    others: str = ""

    @property
    def values(self) -> tuple[str, ...]:
        """What may be given, as it is shown; empty if that is anything."""
        return (*self.choices, *([self.others] if self.others else []))

    def takes(self, value: object) -> bool:
        """Whether it may have this value."""
        other = bool(self.others) and isinstance(value, str) and "/" in value
        return not self.choices or value in self.choices or other


@dataclass(frozen=True)
class Method:
    """Something that can be asked for.

    Attributes:
        name: What it is called, in both forms.
        doc: What it does, in a line.
        prepare: Takes the value that the older form has behind the name, and what the same request does before this
            (names and values); changes nothing, and returns what does it.  Raises ``TypeError`` for a value of the
            wrong shape; ``ValueError`` or ``DeviceError`` for one that cannot be meant now.
        params: Its parameters.
        value: Makes the older form's value of the parameters.
        extra: Makes further members of the older form's answer of the result; its own name gets what this says.
    """

    name: str
    doc: str
    prepare: Callable[[object, Before], Action]
    params: tuple[Param, ...] = ()
    value: Callable[[dict[str, object]], object] = lambda params: next(iter(params.values()), True)
    extra: Callable[[object], dict[str, object]] | None = None

    @property
    def usage(self) -> str:
        """How it is called, for people."""
        words = [f"{p.name}={_few(p.values) or p.kind}" for p in self.params]
        shown = (word if p.needed else f"[{word}]" for word, p in zip(words, self.params, strict=True))
        return " ".join((self.name, *shown))

    def describe(self) -> dict[str, object]:
        """The same for programs."""
        params = [
            {"name": p.name, "type": p.kind, "doc": p.doc, "needed": p.needed, "choices": list(p.choices)}
            for p in self.params
        ]
        return {"name": self.name, "doc": self.doc, "usage": self.usage, "params": params}


class RpcError(Exception):
    """A request that is not obeyed.

    Args:
        code: One of those above.
        message: What was wanted and what was seen, for people.
        data: The same for programs: ``value`` that was seen, ``do`` what mends it, and more.
    """

    def __init__(self, code: int, message: str, **data: object) -> None:
        super().__init__(message)
        self.code = code
        self.data = data

    def answer(self, number: object) -> dict[str, object]:
        """The response to request ``number``."""
        error = {"code": self.code, "message": f"{TITLES[self.code]}: {self}", "data": self.data}
        return {"jsonrpc": "2.0", "id": number, "error": error}
