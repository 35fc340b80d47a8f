# SPDX-License-Identifier: BSD-3-Clause
"""Registers between their declarations in ``device.regs``, the C core that executes them, and the blocks that watch.

What an access does is ``rules.rule_of``'s to say.  Blocks use ``get``/``put``/``update`` (the device's own view: no
rules, no hooks) and mark methods with ``on_read``/``on_write``.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from device.machine.core import check, ffi, lib
from device.machine.function import LOST, Function
from device.machine.layout import fill, layout_of, with_flag
from device.machine.limit import EVERY, LimitedLog
from device.machine.rules import Rule
from device.machine.stored import Stored
from device.machine.told import NoBits, Told
from device.regs.core import Register

R = TypeVar("R", bound=Register)
F = TypeVar("F", bound=Callable[..., object])
Handler = Callable[..., Any]
Fault = Callable[[int, bool], int]  # value and is_write to the value instead, or function.LOST

log = logging.getLogger(__name__)

SLOW_S = 3.0  # a client waits for every answer, and QEMU for 5 s
NS_PER_S = 1_000_000_000
LINES_PER_S = 8


_marks: WeakKeyDictionary[Handler, list[tuple[int, type[Register]]]] = WeakKeyDictionary()


def _marker(flag: int, registers: tuple[type[Register], ...]) -> Callable[[F], F]:
    def mark(method: F) -> F:
        _marks.setdefault(method, []).extend((flag, register) for register in registers)
        return method

    return mark


def on_read(*registers: type[Register]) -> Callable[[F], F]:
    """Mark ``method(self, n, value) -> int``: it answers the guest's reads of these registers."""
    return _marker(int(lib.RULE_PY_READ), registers)


def on_write(*registers: type[Register]) -> Callable[[F], F]:
    """Mark ``method(self, n, old, new, written)``: it hears of guest writes, after the access rule was applied."""
    return _marker(int(lib.RULE_PY_WRITE), registers)


class RegFile:
    """The registers of one function.

    Args:
        function: Where they live.
        registers: What is declared.
        hooks: By register, the number of the C hook that looks at accesses to it (``reg_hook`` in C).

    Attributes:
        unknown: Accesses to offsets nobody declared: ``(offset, "read" or "write")`` to how many.
        slow_answers: Accesses that took longer than ``SLOW_S``; each is logged.
        handler_errors: Exceptions that handlers raised; each is logged once per register and then only counted.
        stored: Who says that what a driver asks for is only stored.
        told: Who says what else a driver does wrong, once each and driver's life.
        no_bits: Of writes to bits that no field has.
    """

    def __init__(
        self,
        function: Function,
        registers: Iterable[type[Register]],
        hooks: Mapping[type[Register], int] | None = None,
    ) -> None:
        self.function = function
        self.unknown: Counter[tuple[int, str]] = Counter()
        self.slow_answers = 0
        self.handler_errors = 0
        self.stored = Stored()
        self.told = Told()
        self.no_bits = NoBits(self.told, self.get)
        self._log = LimitedLog(log, LINES_PER_S)
        self._c: Any = ffi.addressof(function.c, "regs")
        self._layout = layout_of(tuple(registers), hooks or {})
        self._at = self._layout.at
        self._rules = dict(self._layout.rules)
        self._rule_at = dict(self._layout.rule_at)
        self._readers: dict[type[Register], Handler] = {}
        self._writers: dict[type[Register], list[Handler]] = {
            register: [self.stored.written] for register in self._layout.stored
        }
        self._faults: dict[int, list[Fault]] = {}
        self._failed: set[tuple[type[Register], int]] = set()
        self._lay_out()
        function.set_listener(self)
        lib.regfile_load(self._c, 0)

    def _lay_out(self) -> None:
        rules, places = self._layout.c_rules, self._layout.c_places
        laid = lib.regfile_lay(self._c, rules, len(rules), places, len(places))
        if laid < len(places):
            offset = int(places[max(laid, 0)].offset)
            check(lib.regfile_place(self._c, offset, 0), f"a register at {offset:#x}")

    def _set_rule(self, offset: int, rule: Rule) -> None:
        index = self._rules.get(rule)
        if index is None:
            index = len(self._rules)
            if index == lib.REG_RULES_MAX:
                raise ValueError(f"more than {index} distinct access rules")
            self._rules[rule] = index
            fill(self._c.rule[index], rule)
        for place in (offset, self._layout.alias_of.get(offset, offset)):
            check(lib.regfile_place(self._c, place, index), f"a register at {place:#x}")
        self._rule_at[offset] = rule

    def _set_flag(self, offset: int, flag: int, *, on: bool = True) -> None:
        self._set_rule(offset, with_flag(self._rule_at[offset], flag, on=on))

    def _add_flag(self, register: type[Register], flag: int) -> None:
        for offset in register.AT:
            self._set_flag(offset, flag)

    # -- the device's own view ---------------------------------------------------------------------------------------

    def at(self, offset: int) -> tuple[type[Register], int]:
        """Which register is at a canonical offset in bytes, and which of its kind; ``KeyError`` if none is."""
        return self._at[offset]

    def get(self, register: type[R], n: int = 0) -> R:
        """What register ``n`` holds.  Raises ``IndexError`` if there is no such one."""
        return register(lib.reg_peek(self._c, register.offset(n)))

    def put(self, register: type[Register], n: int, value: int) -> None:
        """Make register ``n`` hold ``value``: no access rule; C blocks hear only that it is another one.

        Registers that a C block computes (EICR, EIMS and their like) are its own state: change them with ``write``.

        Raises:
            IndexError: There is no such register.
            ValueError: The value does not fit.
        """
        lib.reg_put(self._c, register.offset(n), int(register(value)))

    def update(self, register: type[R], n: int = 0, **fields: int) -> R:
        """Change some fields of register ``n``: no access rule, no hook.

        Returns:
            The new value.

        Raises:
            IndexError: There is no such register.
            ValueError: No such field, or a value does not fit.
        """
        value = self.get(register, n).replace(**fields)
        self.put(register, n, value)
        return value

    # -- the guest's view --------------------------------------------------------------------------------------------

    def read(self, offset: int, len_bytes: int = 4) -> int:
        """Read as the guest does: rules, hooks and side effects."""
        return int.from_bytes(self.function.bar0_read(offset, len_bytes), "little")

    def write(self, offset: int, value: int, len_bytes: int = 4) -> None:
        """Write as the guest does: rules, hooks and side effects."""
        self.function.bar0_write(offset, value.to_bytes(len_bytes, "little"))

    # -- blocks ------------------------------------------------------------------------------------------------------

    def bind(self, block: object) -> None:
        """Connect the methods of ``block`` that are marked ``on_read`` or ``on_write``.

        Raises:
            ValueError: Another block answers reads of the same register already.
            KeyError: The register is not in this file.
        """
        for name in dir(type(block)):
            function = getattr(type(block), name, None)
            if not callable(function) or not hasattr(function, "__code__"):
                continue
            for flag, register in _marks.get(function, ()):
                method = getattr(block, name)
                if flag == lib.RULE_PY_WRITE:
                    self._writers.setdefault(register, []).append(method)
                elif register in self._readers:
                    raise ValueError(f"reads of {register.NAME} have a handler already: {self._readers[register]}")
                else:
                    self._readers[register] = method
                self._add_flag(register, flag)

    def trace(self, register: type[Register], n: int | None = None) -> None:
        """Log every guest access to ``register``, or to one of an array."""
        if n is None:
            self._add_flag(register, int(lib.RULE_TRACE))
        else:
            self._set_flag(register.offset(n), int(lib.RULE_TRACE))

    def set_fault(self, register: type[Register], n: int, fault: Fault) -> Callable[[], None]:
        """Ask ``fault`` at every guest access to register ``n``: after the register has answered, before it is written.

        Returns:
            What takes the fault away again.

        Raises:
            IndexError: There is no such register.
        """
        offset = register.offset(n)
        faults = self._faults.setdefault(offset, [])
        faults.append(fault)
        self._set_flag(offset, int(lib.RULE_FAULT))

        def undo() -> None:
            faults.remove(fault)
            if not faults:
                self._set_flag(offset, int(lib.RULE_FAULT), on=False)

        return undo

    def hold(self, register: type[Register], n: int, delay_s: float) -> None:
        """From within a fault: the answer to this access is given only after ``delay_s``.  Nobody else waits."""
        self._c.hold_ns = int(delay_s * NS_PER_S)
        self._took("reading", register, n, delay_s)

    def reset(self, *, software: bool) -> None:
        """All registers to their reset values; ``software`` spares those that a software reset spares."""
        self.no_bits.settle_all()
        if not software:
            self.driver_gone()
        self.function.reset(software=software)

    def driver_gone(self) -> None:
        """A driver's life ended: what the last one was told, the next one is told again."""
        self.stored.driver_gone()
        self.told.driver_gone()

    # -- C calls these; nothing may escape into it -------------------------------------------------------------------

    def _handler_failed(self, register: type[Register], flag: int) -> bool:
        """Count an exception of a handler; says whether it is the first of its kind."""
        self.handler_errors += 1
        first = (register, flag) not in self._failed
        self._failed.add((register, flag))
        return first

    def py_read(self, offset: int, value: int) -> int:
        """Ask the register's reader."""
        register, n = self._at[offset]
        start_s = time.monotonic()
        try:
            return int(self._readers[register](n, register(value))) % 2**32
        except Exception:
            if self._handler_failed(register, int(lib.RULE_PY_READ)):
                log.exception("reading %s[%d] failed; the guest got %#x", register.NAME, n, value)
            return value
        finally:
            self._took("reading", register, n, time.monotonic() - start_s)

    def py_write(self, offset: int, old: int, now: int, written: int) -> None:
        """Tell the register's writers."""
        register, n = self._at[offset]
        start_s = time.monotonic()
        for handler in self._writers[register]:
            try:
                handler(n, register(old), register(now), register(written))
            except Exception:
                if self._handler_failed(register, int(lib.RULE_PY_WRITE)):
                    log.exception("writing %#x to %s[%d] failed", written, register.NAME, n)
        self._took("writing", register, n, time.monotonic() - start_s)

    def _took(self, doing: str, register: type[Register], n: int, took_s: float) -> None:
        """See that an access was not so slow that the client thinks nobody is there."""
        if took_s > SLOW_S:
            self.slow_answers += 1
            impatient = "a client that is less patient (QEMU: 5 s, or its x-msg-timeout) takes the device for dead"
            self._log.line(logging.WARNING, f"{doing} {register.NAME}[{n}] took {took_s:.1f} s; {impatient}")

    def py_trace(self, offset: int, value: int, *, is_write: bool) -> None:
        """Log one access."""
        register, n = self._at[offset]
        log.info("%s[%d] %s %s", register.NAME, n, "<-" if is_write else "->", register(value), extra=EVERY)

    def py_unknown(self, offset: int, value: int, *, is_write: bool) -> None:
        """Count one access; the first of its kind is logged."""
        key = (offset % int(self._c.bytes), "write" if is_write else "read")
        if key not in self.unknown:
            log.debug("%s of unknown register %#07x (%#x)", key[1], offset, value)
        self.unknown[key] += 1

    def py_none(self, offset: int, written: int) -> None:
        """Remember a write to bits that no field has."""
        self.no_bits.written(*self._at[offset], written)

    def py_fault(self, offset: int, value: int, *, is_write: bool) -> int:
        """Let the faults of a register change an access, in the order in which they were injected."""
        for fault in tuple(self._faults.get(offset, ())):
            try:
                value = fault(value, is_write)
            except Exception:
                log.exception("a fault on %s failed", self._at[offset][0].NAME)
            if value == LOST:
                break
        return value
