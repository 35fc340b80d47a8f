# SPDX-License-Identifier: BSD-3-Clause
"""How people name a register, on every command line: ``RXDCTL``, ``rxdctl[3]``, or a byte offset such as ``0x1028``."""

import difflib
import re
from collections.abc import Iterable, Mapping

from device.regs.core import Register

_NAMED = re.compile(r"(?P<name>\w+)(\[(?P<n>\d+)\])?")
NEAR = 5  # names proposed at most


def written(register: type[Register], n: int | None = None) -> str:
    """Return a register's name as people write it; ``n`` is one of an array, None all of it."""
    return register.NAME if n is None or register.count < 2 else f"{register.NAME}[{n}]"


def number(text: str) -> int:
    """Return a number as people write it: ``0x1028``, ``0X1028``, ``4136``.

    Raises:
        ValueError: It is none.
    """
    try:
        return int(text, 0)
    except ValueError:
        raise ValueError(f"{text!r} is not a number (0x1028, 4136)") from None


def find(text: str, registers: Iterable[type[Register]]) -> tuple[type[Register], int | None]:
    """Return the register that ``text`` names, and which one of an array; None is all of them.

    Args:
        text: A name, in capitals or not; a name and an index; or a byte offset, an alias too.
        registers: Those it may be.

    Raises:
        ValueError: It names none; the message says which sound like it.
    """
    if text[:1].isdigit():
        return at(number(text), registers)
    known = {register.NAME.upper(): register for register in registers}
    match = _NAMED.fullmatch(text)
    if match is None or match["name"].upper() not in known:
        raise ValueError(f"no register is called {text}{_near(text, known)}")
    register, n = known[match["name"].upper()], match["n"]
    if n is not None and int(n) >= max(register.count, 1):
        raise ValueError(f"there is no {register.NAME}[{n}]: it has {register.count} of them")
    return register, None if n is None else int(n)


def at(offset: int, registers: Iterable[type[Register]]) -> tuple[type[Register], int]:
    """Return the register at a byte offset, and which one of an array.

    Raises:
        ValueError: Nothing is there.
    """
    for register in registers:
        for places in (register.AT, register.ALIAS):
            if offset in places:
                return register, places.index(offset)
    raise ValueError(f"no register at {offset:#x}")


def _near(text: str, known: Mapping[str, type[Register]]) -> str:
    upper = text.partition("[")[0].upper()
    near = [known[one].NAME for one in difflib.get_close_matches(upper, known, n=NEAR, cutoff=0.6)]
    near += [register.NAME for name, register in known.items() if upper and upper in name][:NEAR]
    return f"; perhaps {', '.join(dict.fromkeys(near))}" if near else "; `python -m device.regs list` has all of them"
