# SPDX-License-Identifier: BSD-3-Clause
"""Faults: what a broken card, a broken host or a bad cable does, injected on purpose and taken away again.

A fault has a name, one of six doors at which it acts (or a part of the card whose bytes it changes), and what it
reaches, written ``NAME`` or ``NAME=ARG``.  Here are the faults that any chip knows; a chip adds its own.
"""

import enum
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from device.machine.core import Pointer
from device.machine.function import LOST, Function
from device.machine.irq import IrqKind
from device.machine.regfile import RegFile
from device.regs import pci
from device.regs.core import Register

DELAY_MAX_S = 60.0
VECTOR_BITS = 64
PLACE = re.compile(r"(?P<name>\w+?)(?:\[(?P<n>\d+)\])?(?:\.(?P<field>\w+))?")
Undo = Callable[[], None]


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

    @property
    def register_names(self) -> Mapping[str, type[Register]]:
        """Registers of BAR0 by name."""

    @property
    def wire_faults(self) -> Pointer:
        """The card's ``struct wire_faults``."""


T = TypeVar("T", bound=Target)
T_contra = TypeVar("T_contra", bound=Target, contravariant=True)


@dataclass(frozen=True)
class Fault(Generic[T_contra]):
    """One kind of fault.

    Attributes:
        name: What it is called.
        door: Where it acts.
        arg: How its argument is written; "" if it takes none.
        does: What one sees of it, in a line.
        inject: Injects it with an argument; returns what takes it away.  Raises ``ValueError`` for a bad argument.
    """

    name: str
    door: Door
    arg: str
    does: str
    inject: Callable[[T_contra, str], Undo]

    @property
    def written(self) -> str:
        """How it is asked for."""
        return f"{self.name}={self.arg}" if self.arg else self.name


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

    Raises:
        ValueError: There is no such register, instance or field.
    """
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


def _all(undos: Sequence[Undo]) -> Undo:
    def undo() -> None:
        for one in undos:
            one()

    return undo


# -- registers and configuration space -------------------------------------------------------------------------------


def _slow(target: Target, arg: str) -> Undo:
    text, seconds = halves(arg, "REG:SECONDS")
    where = place(target, text)
    try:
        delay_s = float(seconds)
    except ValueError:
        raise ValueError(f"{seconds!r} is not a number of seconds") from None
    if not 0 < delay_s <= DELAY_MAX_S:
        raise ValueError(f"a register may be slow by 0 to {DELAY_MAX_S:.0f} seconds, not {seconds}")
    if where.in_config or where.field:
        raise ValueError(f"{text}: only whole registers of BAR0 can be slow")

    def answer(value: int, is_write: bool) -> int:
        if not is_write:
            target.regs.hold(where.register, where.n, delay_s)
        return value

    return _all([target.regs.set_fault(where.register, n, answer) for n in range(where.register.count)])


def _config_bytes(where: Place) -> tuple[int, int]:
    return where.register.offset(where.n), where.register.WIDTH // 8


def _overlay(offset: int, data: bytes, at: int, value: bytes) -> bytes:
    """``data``, which lies at ``offset``, with ``value`` at ``at`` as far as they overlap."""
    changed = bytearray(data)
    for n, byte in enumerate(value, at - offset):
        if 0 <= n < len(data):
            changed[n] = byte
    return bytes(changed)


def _stuck(target: Target, arg: str) -> Undo:
    text, wanted = halves(arg, "REG[N][.FIELD]:VALUE")
    where = place(target, text)
    value = number(wanted, 0, 2**32 - 1, "a value")
    where.change(0, value)  # refuses a value that does not fit
    if not where.in_config:

        def read(old: int, is_write: bool) -> int:
            return old if is_write else where.change(old, value)

        return target.regs.set_fault(where.register, where.n, read)
    at, len_bytes = _config_bytes(where)

    def config_read(offset: int, data: bytes) -> bytes:
        stored = target.pf.config.get(where.register, where.n)
        return _overlay(offset, data, at, where.change(int(stored), value).to_bytes(len_bytes, "little"))

    faults = target.pf.config_read_faults
    faults.append(config_read)
    return lambda: faults.remove(config_read)


def _deaf(target: Target, arg: str) -> Undo:
    where = place(target, arg)
    if where.field:
        raise ValueError(f"{arg}: only whole registers can be deaf")
    if not where.in_config:
        return target.regs.set_fault(where.register, where.n, lambda value, is_write: LOST if is_write else value)
    at, len_bytes = _config_bytes(where)

    def config_write(offset: int, data: bytes, stored: bytes) -> bytes:
        kept = stored[max(at - offset, 0) : max(at + len_bytes - offset, 0)]
        return _overlay(offset, data, max(at, offset), kept)

    faults = target.pf.config_write_faults
    faults.append(config_write)
    return lambda: faults.remove(config_write)


def _ids(target: Target, arg: str) -> Undo:
    vendor, device = halves(arg, "VVVV:DDDD")
    return _all([_stuck(target, f"PCI_VENDOR_ID:0x{vendor}"), _stuck(target, f"PCI_DEVICE_ID:0x{device}")])


# -- DMA and interrupts ----------------------------------------------------------------------------------------------


def _no_dma(target: Target, _arg: str) -> Undo:
    target.pf.set_reachable(on=False)
    return lambda: target.pf.set_reachable(on=True)


def _dma_reach(target: Target, arg: str) -> Undo:
    bits = number(arg, 0, 63, "address bits")
    target.pf.c.dma.reach = max(2**bits - 1, 1)

    def undo() -> None:
        target.pf.c.dma.reach = 0

    return undo


def _few_msix(target: Target, arg: str) -> Undo:
    target.pf.vector_limit = number(arg, 1, VECTOR_BITS, "vectors")

    def undo() -> None:
        target.pf.vector_limit = None

    return undo


def _irq_refused(target: Target, arg: str) -> Undo:
    kinds = {kind.name.lower(): kind for kind in IrqKind if kind is not IrqKind.NONE}
    if arg.lower() not in kinds:
        raise ValueError(f"{arg!r} is no kind of interrupt; there are {', '.join(kinds)}")
    irq, bit = target.pf.c.irq, 1 << kinds[arg.lower()]
    irq.refused |= bit

    def undo() -> None:
        irq.refused &= ~bit

    return undo


def _irq_lost(target: Target, arg: str) -> Undo:
    irq, bit = target.pf.c.irq, 1 << number(arg, 0, VECTOR_BITS - 1, "a vector")
    irq.lost |= bit

    def undo() -> None:
        irq.lost &= ~bit

    return undo


# -- wire ------------------------------------------------------------------------------------------------------------


def _on_wire(field: str) -> Callable[[Target, str], Undo]:
    def inject(target: Target, arg: str) -> Undo:
        faults = target.wire_faults
        setattr(faults, field, number(arg, 1, 2**32 - 1, "every how many frames"))
        faults.seen = 0

        def undo() -> None:
            setattr(faults, field, 0)

        return undo

    return inject


GENERAL: tuple[Fault[Target], ...] = (
    Fault("slow", Door.REGISTER_READ, "REG:SECONDS", "reads of REG are answered late; nobody else waits", _slow),
    Fault(
        "stuck", Door.REGISTER_READ, "REG[N][.FIELD]:VALUE", "it reads VALUE, whatever it holds (BAR0, PCI_*)", _stuck
    ),
    Fault("deaf", Door.REGISTER_WRITE, "REG[N]", "writes to it are lost (BAR0, PCI_*)", _deaf),
    Fault("ids", Door.CONFIG, "VVVV:DDDD", "vendor and device id are these", _ids),
    Fault("no-dma", Door.DMA, "", "every DMA access fails, as if nothing were mapped", _no_dma),
    Fault("dma-reach", Door.DMA, "BITS", "memory that ends above 2^BITS cannot be mapped; 0: none can", _dma_reach),
    Fault(
        "few-msix", Door.INTERRUPT, "N", "the MSI-X table has N vectors, for clients that come from now on", _few_msix
    ),
    Fault(
        "irq-refused", Door.INTERRUPT, "msix|msi|intx", "eventfds for this kind of interrupt are refused", _irq_refused
    ),
    Fault("irq-lost", Door.INTERRUPT, "VECTOR", "its messages are sent and never arrive", _irq_lost),
    Fault("wire-lost", Door.WIRE, "N", "every Nth frame that comes in is lost", _on_wire("lose_every")),
    Fault("wire-damaged", Door.WIRE, "N", "every Nth frame that comes in has a wrong FCS", _on_wire("damage_every")),
)


class Faults(Generic[T]):
    """The faults of one card: which there are, which are active.

    Args:
        target: The card.
        kinds: What can be injected.
    """

    def __init__(self, target: T, kinds: Sequence[Fault[T]]) -> None:
        self.kinds = {kind.name: kind for kind in kinds}
        self._target = target
        self._active: dict[str, Undo] = {}

    @property
    def active(self) -> list[str]:
        """What is injected now, as it was asked for."""
        return list(self._active)

    def inject(self, asked: str) -> None:
        """Inject ``NAME`` or ``NAME=ARG``; one that is active already is injected anew.

        Raises:
            ValueError: There is no such fault, or its argument makes no sense.
        """
        name, equals, arg = asked.partition("=")
        kind = self.kinds.get(name)
        if kind is None:
            raise ValueError(f"no fault is called {name!r}; there are {', '.join(self.kinds)} (`--fault list`)")
        if bool(kind.arg) != bool(equals):
            raise ValueError(f"{asked!r}: this fault is written {kind.written}")
        self.end(asked)
        try:
            self._active[asked] = kind.inject(self._target, arg)
        except ValueError as exc:
            raise ValueError(f"fault {name}: {exc}") from None

    def end(self, asked: str = "") -> int:
        """Take faults away: the one asked for so, all whose text begins so up to ``=`` or ``:``, or all of them.

        Returns:
            How many there were.
        """
        found = [one for one in self._active if not asked or one == asked or one.startswith((f"{asked}=", f"{asked}:"))]
        for one in found:
            self._active.pop(one)()
        return len(found)


def table(kinds: Iterable[Fault[T]]) -> list[tuple[str, str, str]]:
    """Rows for people: how it is written, where it acts, what it does."""
    return [(kind.written, kind.door.value, kind.does) for kind in kinds]
