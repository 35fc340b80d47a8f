# SPDX-License-Identifier: BSD-3-Clause
"""Registers between the declarations in ``device.regs``, the C core that executes them, and the blocks that watch.

What each ``Access`` does is decided here, once: ``rule_of`` turns a register into the masks that C obeys.  Blocks use
``get``/``put``/``update`` (the device's own view: no rules, no hooks) and mark methods with ``on_read``/``on_write``.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from device.machine.core import BAR0_BYTES, FAULTS, FastNic, lib
from device.machine.limit import LimitedLog
from device.regs import i82599 as regs
from device.regs.core import Access, Register

R = TypeVar("R", bound=Register)
F = TypeVar("F", bound=Callable[..., object])
Handler = Callable[..., Any]

log = logging.getLogger(__name__)

SLOW_S = 3.0  # a client waits for every answer, and QEMU for 5 s
DELAY_MAX_S = 60.0
FAULT_LINES_PER_S = 8  # a guest may stop 256 queues at a time, each in several ways

HOOKS: dict[int, tuple[str, ...]] = {
    lib.HOOK_INTR: (
        "EICR", "EICS", "EIMS", "EIMC", "EIAC", "EIAM", "EITR", "GPIE", "IVAR", "IVAR_MISC",
        "EICR_EX", "EICS_EX", "EIMS_EX", "EIMC_EX", "EIAM_EX",
    ),
    lib.HOOK_RXQ: ("RDH", "RDT", "RXDCTL", "RXCTRL", "SECRXCTRL"),
    lib.HOOK_TXQ: ("TDH", "TDT", "TXDCTL", "DMATXCTL", "RTTDCS"),
    lib.HOOK_FILTER: (
        "RAL", "RAH", "MTA", "UTA", "VFTA", "MPSAR", "MCSTCTRL", "FCTRL", "VLNCTRL", "VMOLR", "ETQF", "ETQS",
    ),
    lib.HOOK_RSS: ("RSSRK", "RETA", "MRQC"),
    lib.HOOK_TIME: ("FRTIMER", "SYSTIML", "SYSTIMH", "TIMINCA"),
}  # fmt: skip
"""Registers whose behaviour is C's.  Those whose name starts with FDIR go to the flow director."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One ``struct reg_rule``: masks of the bits that behave in each way."""

    reset: int = 0
    rw: int = 0
    w1c: int = 0
    w1s: int = 0
    rc: int = 0
    wo: int = 0
    hook: int = 0
    flags: int = 0


def hook_of(name: str) -> int:
    """The C block that looks at accesses to the register called ``name`` (``HOOK_*``)."""
    if name.startswith("FDIR"):
        return int(lib.HOOK_FDIR)
    return next((hook for hook, names in HOOKS.items() if name in names), int(lib.HOOK_NONE))


def rule_of(register: type[Register], n: int = 0) -> Rule:
    """What C does when register ``n`` of its kind is touched.

    Undeclared bits are in no mask: they ignore writes and keep the register's reset value.
    """
    bits = register.bits
    return Rule(
        reset=int(register.reset(n)),
        rw=bits(Access.RW, Access.WO),
        w1c=bits(Access.W1C, Access.RCW1C),
        w1s=bits(Access.W1S),
        rc=bits(Access.RC, Access.RCW1C),
        wo=bits(Access.WO, Access.SC),
        hook=hook_of(register.NAME),
        flags=int(lib.RULE_KNOWN) + (int(lib.RULE_KEEP) if register.KEEP else 0),
    )


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
    """The registers of one ``FastNic``.

    Args:
        nic: Where they live.
        registers: What is declared; all of ``device.regs`` unless a test wants its own.

    Attributes:
        unknown: Accesses to offsets nobody declared: ``(offset, "read" or "write")`` to how many.
        faults: Queues that stopped: ``("rx" or "tx", queue, why)`` to how often.
        explained: The same, to what was said about it: registers, their values, what to do.
        explainers: ``"rx"`` and ``"tx"`` to who can say why a queue stands still; the function as a whole sets them.
        slow_answers: Accesses that took longer than ``SLOW_S``; each is logged.
        handler_errors: Exceptions that handlers raised; each is logged once per register and then only counted.
    """

    def __init__(self, nic: FastNic, registers: Iterable[type[Register]] | None = None) -> None:
        self.nic = nic
        self.unknown: Counter[tuple[int, str]] = Counter()
        self.faults: Counter[tuple[str, int, str]] = Counter()
        self.explained: dict[tuple[str, int, str], str] = {}
        self.slow_answers = 0
        self._delays: dict[type[Register], float] = {}
        self._fault_log = LimitedLog(log, FAULT_LINES_PER_S)
        self.explainers: dict[str, Callable[[int], str]] = {}
        self.handler_errors = 0
        self._word: Any = nic.c.word
        self._rules: dict[Rule, int] = {Rule(): 0}
        self._rule_at: dict[int, Rule] = {}
        self._at: dict[int, tuple[type[Register], int]] = {}
        self._readers: dict[type[Register], Handler] = {}
        self._writers: dict[type[Register], list[Handler]] = {}
        self._failed: set[tuple[type[Register], int]] = set()
        for register in regs.ALL if registers is None else registers:
            self._declare(register)
        nic.set_hooks(self)
        lib.nic_load(nic.c, 0)

    def _declare(self, register: type[Register]) -> None:
        if register.WIDTH != 32:
            raise ValueError(f"{register.NAME}: BAR0 registers have 32 bits, not {register.WIDTH}")
        same = rule_of(register)
        for n, offset in enumerate(register.AT):
            self._at[offset] = (register, n)
            self._set_rule(offset, same if isinstance(register.RESET, int) else replace(same, reset=register.RESET[n]))
        for n, offset in enumerate(register.ALIAS):
            self.nic.c.canonical[offset // 4] = register.AT[n] // 4

    def _set_rule(self, offset: int, rule: Rule) -> None:
        index = self._rules.get(rule)
        if index is None:
            index = len(self._rules)
            if index == lib.NIC_RULES_MAX:
                raise ValueError(f"more than {index} distinct access rules")
            self._rules[rule] = index
            target = self.nic.c.rule[index]
            for name in Rule.__dataclass_fields__:
                setattr(target, name, getattr(rule, name))
        self.nic.c.rule_of[offset // 4] = index
        self._rule_at[offset] = rule

    def _add_flag(self, register: type[Register], flag: int) -> None:
        for offset in register.AT:
            rule = self._rule_at[offset]
            self._set_rule(offset, replace(rule, flags=rule.flags | flag))

    # -- the device's own view ---------------------------------------------------------------------------------------

    def at(self, offset: int) -> tuple[type[Register], int]:
        """Which register is at a canonical offset in bytes, and which of its kind; ``KeyError`` if none is."""
        return self._at[offset]

    def get(self, register: type[R], n: int = 0) -> R:
        """What register ``n`` holds.  Raises ``IndexError`` if there is no such one."""
        offset = register.offset(n)
        if self._rule_at[offset].hook == lib.HOOK_INTR:
            return register(self.nic.peek(offset))
        return register(self._word[offset // 4])

    def put(self, register: type[Register], n: int, value: int) -> None:
        """Make register ``n`` hold ``value``: no access rule, no hook.

        The interrupt registers (EICR, EIMS and their like) are C's state: change them with ``write``.

        Raises:
            IndexError: There is no such register.
            ValueError: The value does not fit.
        """
        offset = register.offset(n)
        self._word[offset // 4] = register(value)
        hook = self._rule_at[offset].hook
        if hook == lib.HOOK_FILTER:
            self.nic.c.filters_stale = 1
        elif hook == lib.HOOK_RSS:
            self.nic.c.rss_stale = 1

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
        return int.from_bytes(self.nic.bar0_read(offset, len_bytes), "little")

    def write(self, offset: int, value: int, len_bytes: int = 4) -> None:
        """Write as the guest does: rules, hooks and side effects."""
        self.nic.bar0_write(offset, value.to_bytes(len_bytes, "little"))

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

    def trace(self, register: type[Register]) -> None:
        """Log every guest access to ``register``."""
        self._add_flag(register, int(lib.RULE_TRACE))

    def delay(self, register: type[Register], delay_s: float) -> None:
        """Answer the guest's reads of ``register`` only after ``delay_s`` seconds; 0 ends that.

        Raises:
            ValueError: That is no time, or more than ``DELAY_MAX_S``.
        """
        if not 0 <= delay_s <= DELAY_MAX_S:
            raise ValueError(f"a register may be slow by 0 to {DELAY_MAX_S:.0f} seconds, not {delay_s}")
        self._add_flag(register, int(lib.RULE_PY_READ))
        self._delays[register] = delay_s

    def reset(self, *, software: bool) -> None:
        """All registers to their reset values; ``software`` spares those that a software reset spares."""
        self.nic.reset(software=software)

    # -- C calls these; nothing may escape into it -------------------------------------------------------------------

    def _handler_failed(self, register: type[Register], flag: int) -> bool:
        """Count an exception of a handler; says whether it is the first of its kind."""
        self.handler_errors += 1
        first = (register, flag) not in self._failed
        self._failed.add((register, flag))
        return first

    def on_read(self, offset: int, value: int) -> int:
        """Ask the register's reader."""
        register, n = self._at[offset]
        start_s = time.monotonic()
        try:
            if register in self._delays:
                time.sleep(self._delays[register])
            if register not in self._readers:
                return value
            return int(self._readers[register](n, register(value))) % 2**32
        except Exception:
            if self._handler_failed(register, int(lib.RULE_PY_READ)):
                log.exception("reading %s[%d] failed; the guest got %#x", register.NAME, n, value)
            return value
        finally:
            self._took("reading", register, n, start_s)

    def on_write(self, offset: int, old: int, now: int, written: int) -> None:
        """Tell the register's writers."""
        register, n = self._at[offset]
        start_s = time.monotonic()
        for handler in self._writers[register]:
            try:
                handler(n, register(old), register(now), register(written))
            except Exception:
                if self._handler_failed(register, int(lib.RULE_PY_WRITE)):
                    log.exception("writing %#x to %s[%d] failed", written, register.NAME, n)
        self._took("writing", register, n, start_s)

    def _took(self, doing: str, register: type[Register], n: int, start_s: float) -> None:
        """See that an access was not so slow that the client thinks nobody is there."""
        took_s = time.monotonic() - start_s
        if took_s > SLOW_S:
            self.slow_answers += 1
            impatient = "a client that is less patient (QEMU: 5 s, or its x-msg-timeout) takes the device for dead"
            self._fault_log.line(logging.WARNING, f"{doing} {register.NAME}[{n}] took {took_s:.1f} s; {impatient}")

    def on_trace(self, offset: int, value: int, *, is_write: bool) -> None:
        """Log one access."""
        register, n = self._at[offset]
        log.info("%s[%d] %s %s", register.NAME, n, "<-" if is_write else "->", register(value))

    def on_unknown(self, offset: int, value: int, *, is_write: bool) -> None:
        """Count one access; the first of its kind is logged."""
        key = (offset % BAR0_BYTES, "write" if is_write else "read")
        if key not in self.unknown:
            log.debug("%s of unknown register %#07x (%#x)", key[1], offset, value)
        self.unknown[key] += 1

    def on_fault(self, queue: int, fault: int, *, is_tx: bool) -> None:
        """Count a stopped queue; the first of its kind is logged with all that helps to mend it."""
        key = ("tx" if is_tx else "rx", queue, FAULTS.get(fault, str(fault)))
        if key not in self.faults:
            self.explained[key] = self._explain(*key)
            self._fault_log.line(logging.WARNING, self.explained[key])
        self.faults[key] += 1

    def _explain(self, kind: str, queue: int, why: str) -> str:
        text = ""
        if kind in self.explainers:
            try:
                text = self.explainers[kind](queue)
            except Exception:
                log.exception("explaining %s queue %d failed", kind, queue)
        return text or f"{kind.capitalize()} queue {queue} stands still: {why}"
