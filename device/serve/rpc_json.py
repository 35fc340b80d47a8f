# SPDX-License-Identifier: BSD-3-Clause
"""JSON as the control socket takes it: no deeper, no longer and with no greater numbers than any request needs."""

import json
import math
from codecs import BOM_UTF8
from typing import NoReturn

DEPTH_MAX = 16
VALUES_MAX = 4096
SHOWN_MAX = 200  # characters of a wrong value that an answer repeats
INT_MIN, INT_MAX = -(1 << 63), (1 << 64) - 1


def shown(value: object) -> str:
    """A value as JSON, cut where it is long."""
    text = json.dumps(value)
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}…"


def decode(line: bytes) -> object:
    """Return the value of a line of JSON.

    Raises:
        ValueError: It is none; or is nested deeper, has more values or greater numbers than any request needs, or text
            that no file could hold.
    """
    try:
        value: object = json.loads(line.removeprefix(BOM_UTF8).decode(), parse_constant=_no_constant)
    except RecursionError:
        raise ValueError(f"nested deeper than {DEPTH_MAX}") from None
    _see(value)
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _see(value: object) -> None:
    left: list[tuple[object, int]] = [(value, 0)]
    seen = 1
    while left:
        one, depth = left.pop()
        inner: list[object] = []
        match one:
            case dict():
                inner = [*one, *one.values()]
            case list():
                inner = one
            case str():
                _see_text(one)
            case int() if not INT_MIN <= one <= INT_MAX:
                raise ValueError(f"a number is beyond {INT_MIN} to {INT_MAX}")
            case float() if not math.isfinite(one):
                raise ValueError("a number is beyond those of 64 bits")
        seen += len(inner)
        if seen > VALUES_MAX:
            raise ValueError(f"more than {VALUES_MAX} values")
        if inner and depth >= DEPTH_MAX:
            raise ValueError(f"nested deeper than {DEPTH_MAX}")
        left += [(each, depth + 1) for each in inner]


def _see_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise ValueError(f"half a surrogate pair, \\u{ord(text[exc.start]):04x}, is no text") from None
