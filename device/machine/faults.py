# SPDX-License-Identifier: BSD-3-Clause
"""Faults: what a broken card, a broken host or a bad cable does, injected on purpose and taken away again.

A fault has a name, one of six doors at which it acts (or a part of the card whose bytes it changes), and the branch
of a driver that it reaches; it is asked for as ``NAME`` or ``NAME=ARG``.  Which there are is said elsewhere: those that
any chip knows in ``common_faults`` and ``pci_faults``, a chip's own with the chip.  The list is closed.
"""

import difflib
import enum
import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from device.machine.core import Pointer
from device.machine.function import Function
from device.machine.regfile import RegFile
from device.regs import pci
from device.regs.core import Register
from device.regs.names import at, written
from device.regs.names import number as number_of

PLACE = re.compile(r"(?P<name>\w+?)(?:\[(?P<n>\d+)\])?(?:\.(?P<field>\w+))?")
Undo = Callable[[], None]
Chore = Callable[[int], None]  # done some times a second; gets the time in ns

NEAR = 0.6  # names at least so much alike are meant, perhaps


class Door(enum.Enum):
    """Where a fault acts."""

    REGISTER_READ = "register read"
    REGISTER_WRITE = "register write"
    CONFIG = "configuration space"
    DMA = "DMA"
    INTERRUPT = "interrupt"
    WIRE = "wire"
    PARTS = "parts"


class Target(Protocol):
    """What the faults of any chip reach."""

    pf: Function
    regs: RegFile
    chores: list[Chore]

    @property
    def register_names(self) -> Mapping[str, type[Register]]:
        """Registers of BAR0 by name."""

    @property
    def wire_faults(self) -> Pointer:
        """The card's ``struct wire_faults``."""


T = TypeVar("T", bound=Target)
T_contra = TypeVar("T_contra", bound=Target, contravariant=True)


@dataclass(frozen=True)
class Plan:
    """A fault whose argument makes sense, before it is injected.

    Attributes:
        at: What it reaches; of one name there is one fault at a time at the same place.
        begin: Injects it; returns what takes it away.
        over: Whether it has ended by itself, once it was injected.
    """

    at: Hashable
    begin: Callable[[], Undo]
    over: Callable[[], bool] = lambda: False


@dataclass(frozen=True)
class Fault(Generic[T_contra]):
    """One kind of fault.

    Attributes:
        name: What it is called.
        door: Where it acts.
        arg: How its argument is written; "" if it takes none.
        does: What one sees of it; and where it cannot be seen.
        plan: Looks at an argument and changes nothing yet.  Raises ``ValueError`` if it makes no sense.
        reaches: Which branch of a driver: the kernel's function, what it looks at, the label it jumps to, the errno.
        against: Names of faults that contradict it.
        optional: It is understood without its argument, too.
        part: The part of the card whose bytes it changes; it ends when that part is taken away or saved.
    """

    name: str
    door: Door
    arg: str
    does: str
    plan: Callable[[T_contra, str], Plan]
    reaches: str = ""
    against: Sequence[str] = ()
    optional: bool = False
    part: str = ""

    @property
    def written(self) -> str:
        """How it is asked for."""
        if self.optional:
            return f"{self.name}[={self.arg}]"
        return f"{self.name}={self.arg}" if self.arg else self.name

    def takes(self, *, arg: bool) -> bool:
        """Whether it may be asked for with an argument, or without."""
        return self.optional or arg == bool(self.arg)


def number(text: str, low: int, high: int, what: str) -> int:
    """A number of a fault's argument; raises ``ValueError`` unless it is one from ``low`` to ``high``."""
    try:
        value = int(text, 0)
    except ValueError:
        raise ValueError(f"{text!r} is not a number; wanted {what}, {low} to {high}") from None
    if not low <= value <= high:
        raise ValueError(f"{text} is out of range; wanted {what}, {low} to {high}")
    return value


def halves(arg: str, what: str) -> tuple[str, str]:
    """Split ``A:B``; raises ``ValueError`` where there is no colon."""
    first, colon, second = arg.rpartition(":")
    if not colon or not first:
        raise ValueError(f"{arg!r}: wanted {what}")
    return first, second


@dataclass(frozen=True)
class Place:
    """A register, or one field of it, that a fault reaches."""

    register: type[Register]
    n: int
    field: str
    in_config: bool

    def change(self, old: int, value: int) -> int:
        """``old`` with the field, or all of it, set to ``value``."""
        if not self.field:
            return int(self.register(value))
        return int(self.register(old).replace(**{self.field: value}))


def place(target: Target, text: str) -> Place:
    """Find what ``REG``, ``REG[N]`` or ``REG[N].FIELD`` names, in BAR0 or in configuration space.

    A byte offset in BAR0, such as ``0x1028``, stands for the ``REG[N]`` that is there.

    Raises:
        ValueError: There is no such register, instance or field.
    """
    if text[:1].isdigit():  # an offset stands for its register's name
        offset, dot, field = text.partition(".")
        text = written(*at(number_of(offset), target.register_names.values())) + dot + field
    match = PLACE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} names no register; wanted REG, REG[N] or REG[N].FIELD")
    name, n, field = match["name"].upper(), int(match["n"] or 0), match["field"] or ""
    config = {register.NAME: register for register in pci.CONFIG}
    register = target.register_names.get(name) or config.get(name)
    if register is None:
        raise ValueError(f"no register is called {name}; `python -m device.regs list` lists them")
    if n >= register.count:
        raise ValueError(f"there is no {name}[{n}]: it has {register.count} of them")
    if field and field.upper() not in register.FIELDS:
        raise ValueError(f"{name} has no field {field}; it has {', '.join(register.FIELDS)}")
    return Place(register, n, field.upper(), name not in target.register_names)


@dataclass(frozen=True)
class _Active:
    name: str
    at: Hashable
    undo: Undo
    over: Callable[[], bool]


def _means(asked: str, active: str) -> bool:
    return active == asked or active.startswith((f"{asked}=", f"{asked}:"))


class Faults(Generic[T]):
    """The faults of one card: which there are, which are active.

    Args:
        target: The card.
        kinds: What can be injected.
    """

    def __init__(self, target: T, kinds: Sequence[Fault[T]]) -> None:
        self.kinds = {kind.name: kind for kind in kinds}
        self._target = target
        self._active: dict[str, _Active] = {}

    @property
    def active(self) -> list[str]:
        """What is injected now, as it was asked for; what has ended by itself is forgotten."""
        for asked in [asked for asked, active in self._active.items() if active.over()]:
            self._active.pop(asked).undo()
        return list(self._active)

    def inject(self, asked: str) -> None:
        """Inject ``NAME`` or ``NAME=ARG``, in place of one of that name that reaches the same.

        Raises:
            ValueError: There is no such fault, its argument makes no sense, or one that is active contradicts it; what
                is active stays as it is.
        """
        name, plan = self._plan(asked, self._target)
        for text, active in list(self._active.items()):
            if (active.name, active.at) == (name, plan.at):
                self._active.pop(text).undo()
        self._active[asked] = _Active(name, plan.at, plan.begin(), plan.over)

    def check(self, asked: str, target: T | None = None) -> None:
        """See that ``inject`` would do it, and change nothing; on ``target``, if the card is about to change.

        Raises:
            ValueError: As ``inject``.
        """
        self._plan(asked, self._target if target is None else target)

    def _plan(self, asked: str, target: T) -> tuple[str, Plan]:
        name, equals, arg = asked.partition("=")
        kind = self.kinds.get(name)
        if kind is None:
            raise ValueError(f"no fault is called {name!r}; {self._near(name)}")
        if not kind.takes(arg=bool(equals)) or (equals and not arg):
            raise ValueError(f"fault {asked!r}: this one is written {kind.written}")
        if other := next((other for other in self.active if self._contradict(kind, other)), None):
            raise ValueError(
                f"faults {other!r} and {asked!r} contradict each other: leave one out, or end {other!r} first"
            )
        try:
            return name, kind.plan(target, arg)
        except ValueError as exc:
            raise ValueError(f"fault {asked!r}: {exc}") from None

    def _near(self, name: str) -> str:
        """What may have been meant."""
        near = difflib.get_close_matches(name.lower(), self.kinds, n=3, cutoff=NEAR)
        if near:
            return f"did you mean {' or '.join(near)}? (`--fault list` shows all)"
        return f"there are {', '.join(self.kinds)} (`--fault list`)"

    def _contradict(self, kind: Fault[T], active: str) -> bool:
        other = self.kinds[self._active[active].name]
        return other is not kind and (other.name in kind.against or kind.name in other.against)

    def meant(self, asked: str = "") -> list[str]:
        """What ``end`` would take away."""
        return [one for one in self.active if not asked or _means(asked.lower(), one.lower())]

    def in_part(self, part: str) -> list[str]:
        """What changes bytes of this part of the card."""
        return [asked for asked in self.active if self.kinds[self._active[asked].name].part == part]

    def end_in_part(self, part: str) -> int:
        """Take away all that changes bytes of this part, last first; returns how many there were."""
        found = self.in_part(part)
        for asked in reversed(found):
            self._active.pop(asked).undo()
        return len(found)

    def end(self, asked: str = "") -> int:
        """Take faults away: the one asked for so, all whose text begins so up to ``=`` or ``:``, or all of them.

        Returns:
            How many there were.
        """
        found = self.meant(asked)
        for one in found:
            self._active.pop(one).undo()
        return len(found)


def table(kinds: Iterable[Fault[T]]) -> list[tuple[str, str, str, str]]:
    """Rows for people: how it is written, where it acts, what it does, which branch it reaches."""
    return [(kind.written, kind.door.value, kind.does, kind.reaches) for kind in kinds]
