# SPDX-License-Identifier: BSD-3-Clause
"""Which kinds of ports there are, and which one ``KIND[:ARG]`` on a command line means.

Nobody keeps a list of them: a kind is whatever module of this package has a ``Port`` with a ``KIND``, so that adding
one changes no file.
"""

import importlib
import pkgutil

from device.machine import wire
from device.machine.wire.base import Port


def kinds() -> dict[str, type[Port]]:
    """Every kind by its name, in the order of the alphabet."""
    found: dict[str, type[Port]] = {}
    for info in pkgutil.iter_modules(wire.__path__, wire.__name__ + "."):
        # By name, because this file must not name them; none of them imports this one.
        for value in vars(importlib.import_module(info.name)).values():
            if isinstance(value, type) and value.__module__ == info.name and issubclass(value, Port) and value.KIND:
                found[value.KIND] = value
    return found


def usage() -> str:
    """How all of them are asked for: ``loopback[:SLOTS], null, …``."""
    return ", ".join(kind.KIND + kind.ARG for kind in kinds().values())


def chosen(text: str) -> tuple[type[Port], str]:
    """Return the kind that ``text`` names, and the argument for its ``from_arg``.

    Args:
        text: ``KIND`` or ``KIND:ARG``.

    Raises:
        ValueError: There is no such kind, or its ARG is missing or too much.
    """
    name, colon, arg = text.partition(":")
    kind = kinds().get(name)
    if kind is None:
        raise ValueError(f"no wire is called {name!r}; there are {usage()}")
    if colon and not kind.ARG:
        raise ValueError(f"{name} takes no argument, and was given {arg!r}")
    if not arg and (colon or kind.ARG.startswith(":")):
        raise ValueError(f"{name} lacks its argument: {name}{kind.ARG}")
    return kind, arg
