# SPDX-License-Identifier: BSD-3-Clause
"""The faults that any chip knows: of its registers and configuration space, of DMA and interrupts, and on its wire."""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from device.machine.faults import Door, Fault, Place, Plan, Target, Undo, halves, number, place
from device.machine.function import LOST
from device.machine.irq import IrqKind
from device.regs.core import Access

DELAY_MAX_S = 60.0
VECTOR_BITS = 64
ALL_VECTORS = (1 << VECTOR_BITS) - 1
IDS = ("PCI_VENDOR_ID", "PCI_DEVICE_ID")
HEX_WORD = re.compile(r"[0-9a-fA-F]{1,4}")
F = TypeVar("F")
Planner = Callable[[Target, str], Plan]


def together(undos: Sequence[Undo]) -> Undo:
    """Undo all of these, in this order."""

    def undo() -> None:
        for one in undos:
            one()

    return undo


# -- registers and configuration space -------------------------------------------------------------------------------


def _slow(target: Target, arg: str) -> Plan:
    text, seconds = halves(arg, "REG:SECONDS")
    where = place(target, text)
    try:
        delay_s = float(seconds)
    except ValueError:
        raise ValueError(f"{seconds!r} is not a number of seconds") from None
    if not 0 < delay_s <= DELAY_MAX_S:
        raise ValueError(f"a register may be slow by 0 to {DELAY_MAX_S:.0f} seconds, not {seconds}")
    if where.in_config or where.field or "[" in text or (text[0].isdigit() and where.register.count > 1):
        raise ValueError(f"{text}: only whole registers of BAR0, with all their instances, can be slow; wanted REG")

    def answer(value: int, is_write: bool) -> int:
        if not is_write:
            target.regs.hold(where.register, where.n, delay_s)
        return value

    def begin() -> Undo:
        return together([target.regs.set_fault(where.register, n, answer) for n in range(where.register.count)])

    return Plan(where.register.NAME, begin)


def _config_bytes(where: Place) -> tuple[int, int]:
    return where.register.offset(where.n), where.register.WIDTH // 8


def _overlay(offset: int, data: bytes, at: int, value: bytes) -> bytes:
    """``data``, which lies at ``offset``, with ``value`` at ``at`` as far as they overlap."""
    changed = bytearray(data)
    for n, byte in enumerate(value, at - offset):
        if 0 <= n < len(data):
            changed[n] = byte
    return bytes(changed)


def listed(faults: list[F], fault: F) -> Undo:
    """Add to a list, and what takes it out again."""
    faults.append(fault)
    return lambda: faults.remove(fault)


def _stuck(target: Target, arg: str) -> Plan:
    text, wanted = halves(arg, "REG[N][.FIELD]:VALUE")
    where = place(target, text)
    value = number(wanted, 0, 2**32 - 1, "a value")
    where.change(0, value)  # refuses a value that does not fit
    at, len_bytes = _config_bytes(where)

    def read(old: int, is_write: bool) -> int:
        return old if is_write else where.change(old, value)

    def config_read(offset: int, data: bytes) -> bytes:
        stored = target.pf.config.get(where.register, where.n).to_bytes(len_bytes, "little")
        old = int.from_bytes(_overlay(at, stored, offset, data), "little")  # another fault may have another field
        return _overlay(offset, data, at, where.change(old, value).to_bytes(len_bytes, "little"))

    def begin() -> Undo:
        if where.in_config:
            return listed(target.pf.config_read_faults, config_read)
        return target.regs.set_fault(where.register, where.n, read)

    return Plan(where, begin)


def stuck_at(*asked: str) -> Planner:
    """Plan a fault that has no argument: these registers or fields read so, whatever they hold."""

    def plan(target: Target, _arg: str) -> Plan:
        plans = [_stuck(target, one) for one in asked]
        return Plan(None, lambda: together([one.begin() for one in plans]))

    return plan


def stuck_number(where: str, low: int, high: int, what: str) -> Planner:
    """Plan a fault whose argument is what this register or field reads."""

    def plan(target: Target, arg: str) -> Plan:
        return Plan(None, _stuck(target, f"{where}:{number(arg, low, high, what)}").begin)

    return plan


def _deaf(target: Target, arg: str) -> Plan:
    where = place(target, arg)
    if where.field:
        raise ValueError(f"{arg}: only whole registers can be deaf; wanted REG or REG[N]")
    at, len_bytes = _config_bytes(where)
    cleared_by_1 = where.register.bits(Access.W1C, Access.RCW1C)

    def write(value: int, is_write: bool) -> int:
        return LOST if is_write else value

    def config_write(offset: int, data: bytes, stored: bytes) -> bytes:
        # What is there is written again, but for bits that would be cleared by that.
        kept = int.from_bytes(_overlay(at, bytes(len_bytes), offset, stored), "little") & ~cleared_by_1
        return _overlay(offset, data, at, kept.to_bytes(len_bytes, "little"))

    def begin() -> Undo:
        if where.in_config:
            return listed(target.pf.config_write_faults, config_write)
        return target.regs.set_fault(where.register, where.n, write)

    return Plan(where, begin)


def ids(target: Target, arg: str) -> Plan:
    """Plan other ids: ``VVVV:DDDD``."""
    words = arg.split(":")
    if len(words) != 2 or not all(HEX_WORD.fullmatch(word) for word in words):
        raise ValueError(f"{arg!r}: wanted two hexadecimal numbers of at most four digits, such as 8086:1572")
    plans = [_stuck(target, f"{name}:0x{word}") for name, word in zip(IDS, words, strict=True)]
    return Plan(None, lambda: together([plan.begin() for plan in plans]))


# -- DMA and interrupts ----------------------------------------------------------------------------------------------


def _no_dma(target: Target, _arg: str) -> Plan:
    def begin() -> Undo:
        target.pf.set_reachable(on=False)
        return lambda: target.pf.set_reachable(on=True)

    return Plan(None, begin)


def dma_reach(target: Target, arg: str) -> Plan:
    """Plan how many address bits DMA has."""
    reach = max(2 ** number(arg, 0, 63, "address bits") - 1, 1)  # for C, 0 is no limit
    return Plan(None, lambda: assign(target.pf.c.dma, "reach", reach, 0))


def _few_msix(target: Target, arg: str) -> Plan:
    vectors = number(arg, 1, VECTOR_BITS, "vectors")
    return Plan(None, lambda: assign(target.pf, "vector_limit", vectors, None))


def _irq_refused(target: Target, arg: str) -> Plan:
    kinds = {kind.name.lower(): kind for kind in IrqKind if kind is not IrqKind.NONE}
    kind = kinds.get(arg.lower())
    if kind is None:
        raise ValueError(f"{arg!r} is no kind of interrupt; there are {', '.join(kinds)}")
    return _irq_bit(target, "refused", 1 << kind)


def _irq_lost(target: Target, arg: str) -> Plan:
    if arg:
        return _irq_bit(target, "lost", 1 << number(arg, 0, VECTOR_BITS - 1, "a vector"))
    return _irq_bit(target, "lost", ALL_VECTORS)


def _irq_bit(target: Target, member: str, bits: int) -> Plan:
    """Some bits of a member of C's ``struct irq``; one that is set already stays when this one ends."""
    irq = target.pf.c.irq

    def begin() -> Undo:
        new = bits & ~int(getattr(irq, member))
        setattr(irq, member, getattr(irq, member) | new)
        return lambda: setattr(irq, member, getattr(irq, member) & ~new)

    return Plan(bits, begin)


def assign(owner: object, member: str, value: int, after: int | None) -> Undo:
    """Set a member, and what sets it to ``after``."""
    setattr(owner, member, value)
    return lambda: setattr(owner, member, after)


# -- wire ------------------------------------------------------------------------------------------------------------


def _on_wire(member: str) -> Callable[[Target, str], Plan]:
    def plan(target: Target, arg: str) -> Plan:
        every = number(arg, 1, 2**32 - 1, "every how many frames")

        def begin() -> Undo:
            target.wire_faults.seen = 0
            return assign(target.wire_faults, member, every, 0)

        return Plan(None, begin)

    return plan


NOTHING = "none: no branch of the notes looks at it"
ANY = "any: whichever branch looks there"

COMMON: tuple[Fault[Target], ...] = (
    Fault(
        *("slow", Door.REGISTER_READ, "REG:SECONDS", "reads of REG are answered late; nobody else waits", _slow),
        reaches="any: a wait that runs out (EERD: checksum -> err_sw_init, -EIO); QEMU gives up after 5 s",
    ),
    Fault(
        *("stuck", Door.REGISTER_READ, "REG[N][.FIELD]:VALUE", "it reads VALUE, whatever it holds (BAR0, PCI_*)"),
        _stuck,
        reaches=ANY,
    ),
    Fault("deaf", Door.REGISTER_WRITE, "REG[N]", "writes to it are lost (BAR0, PCI_*)", _deaf, reaches=ANY),
    Fault(
        *("ids", Door.CONFIG, "VVVV:DDDD", "vendor and device id are these", ids),
        reaches="before ixgbe_probe: ixgbe_pci_tbl, no driver matches (our driver: -ENODEV)",
    ),
    Fault(
        *("no-dma", Door.DMA, "", "every DMA access fails, as if nothing were mapped", _no_dma),
        reaches="ixgbe_check_tx_hang: Detected Tx Unit Hang -> reset",
    ),
    Fault(
        *("dma-reach", Door.DMA, "BITS", "memory that ends above 2^BITS cannot be mapped; 0: none can", dma_reach),
        reaches="ixgbe_probe: dma_set_mask_and_coherent, 64 then 32 bits -> err_dma (our driver: -EIO)",
    ),
    Fault(
        *("few-msix", Door.INTERRUPT, "N", "the MSI-X table has N vectors, for clients that come from now on"),
        _few_msix,
        reaches="ixgbe_acquire_msix_vectors: fewer are granted, rings share; 1: MSI instead",
    ),
    Fault(
        *("irq-refused", Door.INTERRUPT, "msix|msi|intx", "eventfds for this kind of interrupt are refused"),
        _irq_refused,
        reaches="ixgbe_set_interrupt_capability: MSI-X, then MSI, then INTx; none: err_sw_init (-EIO)",
    ),
    Fault(
        *("irq-lost", Door.INTERRUPT, "VECTOR", "messages of it, or of all, are sent and never arrive", _irq_lost),
        reaches="ixgbe_check_hang_subtask: EICS makes every vector fire again, each 2 s",
        optional=True,
    ),
    Fault(
        *("wire-lost", Door.WIRE, "N", "every Nth frame that comes in is lost", _on_wire("lose_every")),
        reaches=NOTHING,
    ),
    Fault(
        *("wire-damaged", Door.WIRE, "N", "every Nth frame that comes in has a wrong FCS", _on_wire("damage_every")),
        reaches="ixgbe_update_stats: CRCERRS",
    ),
)
