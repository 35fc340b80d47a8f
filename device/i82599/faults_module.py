# SPDX-License-Identifier: BSD-3-Clause
"""Faults of the module in the cage: what it says of itself, and whether it answers.  They go with the module."""

from collections.abc import Callable, Mapping
from typing import Protocol

from device.i82599.core import CardCore
from device.i82599.sfp.block import Sfp
from device.i82599.sfp.module import Module, seal_a0
from device.machine.common_faults import assign
from device.machine.faults import Door, Fault, Plan, Target, Undo, halves, number
from device.regs.i82599 import EICR
from device.regs.sff import Byte

PART = "module"
PAGE_BYTES = 256
SILENT_MAX = 1 << 20
FLAKY_DEFAULT = 15  # a byte is two calls, so about every seventh has to be read again
SAYS = ("sfp-foreign", "sfp-unknown")
VENDOR_AT, VENDOR_BYTES = 20, 16
FOREIGN = {Byte.OUI + n: byte for n, byte in enumerate(bytes.fromhex("00005e"))}
FOREIGN |= {VENDOR_AT + n: byte for n, byte in enumerate(b"Somebody else".ljust(VENDOR_BYTES))}
UNKNOWN: dict[int, int] = {Byte.CODE_10G: 0, Byte.CODE_1G: 0, Byte.CABLE_TECHNOLOGY: 0}


class HasCage(Target, Protocol):
    """What these faults reach."""

    core: CardCore
    sfp: Sfp[Module]


def _plugged(card: HasCage, what: str) -> Module:
    module = card.sfp.module
    if module is None:
        raise ValueError(f"there is no module in the cage that could {what}; plug one first (--sfp)")
    return module


def _module(card: HasCage, arg: str) -> Plan:
    offset_text, value_text = halves(arg, "OFFSET:VALUE")
    module = _plugged(card, "have a wrong byte")
    at = number(offset_text, 0, PAGE_BYTES - 1, "an offset in page A0h")
    value = number(value_text, 0, 0xFF, "a byte")

    def begin() -> Undo:
        old, module.a0[at] = module.a0[at], value

        def undo() -> None:
            module.a0[at] = old

        return undo

    return Plan(at, begin)


def _says(new: Mapping[int, int]) -> Callable[[HasCage, str], Plan]:
    """Plan other bytes of page A0h, with right checksums."""

    def plan(card: HasCage, _arg: str) -> Plan:
        page = _plugged(card, "say something else").a0

        def begin() -> Undo:
            old = {at: page[at] for at in new}
            change(new)
            return lambda: change({at: old[at] for at in new if page[at] == new[at]})

        def change(to: Mapping[int, int]) -> None:
            for at, byte in to.items():
                page[at] = byte
            seal_a0(page)

        return Plan(None, begin)

    return plan


def _silent(card: HasCage, arg: str) -> Plan:
    module = _plugged(card, "fall silent")
    left = number(arg, 0, SILENT_MAX, "bytes that it still gives")
    return Plan(None, lambda: assign(module, "answers_left", left, None))


def _nak(card: HasCage, _arg: str) -> Plan:
    return _silent(card, "0")


def _flaky(card: HasCage, arg: str) -> Plan:
    _plugged(card, "answer now and then only")
    every = number(arg or str(FLAKY_DEFAULT), 2, SILENT_MAX, "every how many calls")
    return Plan(None, lambda: assign(card.sfp.bus, "deaf_every", every, 0))


def _overtemp(card: HasCage, _arg: str) -> Plan:
    module = _plugged(card, "be hot")
    if module.a2 is None:
        raise ValueError(f"this module ({module.kind}) has no diagnostics page, so nobody can see how hot it is")

    def begin() -> Undo:
        card.core.cause(EICR.TS.mask)
        return assign(module, "hot", 1, 0)

    return Plan(None, begin)


FAULTS: tuple[Fault[HasCage], ...] = (
    Fault(
        "module",
        Door.PARTS,
        "OFFSET:VALUE",
        "this byte of the module's page A0h is another one",
        _module,
        reaches="ixgbe_probe: reset_hw, ixgbe_identify_sfp_module_generic; whichever branch looks at that byte",
        part=PART,
    ),
    Fault(
        "silent",
        Door.PARTS,
        "BYTES",
        "after so many bytes the module answers no more on its two wires",
        _silent,
        reaches="ixgbe_probe: reset_hw gives IXGBE_ERR_SFP_NOT_PRESENT -> err = 0; goes on without link",
        against=("i2c-nak",),
        part=PART,
    ),
    Fault(
        "sfp-foreign",
        Door.PARTS,
        "",
        "the module is of a vendor that nobody lists; a cable is taken all the same; EEPROM word 0x2c, bit 0: any is",
        _says(FOREIGN),
        reaches="ixgbe_probe: reset_hw gives IXGBE_ERR_SFP_NOT_SUPPORTED -> err_sw_init (-EOPNOTSUPP)",
        against=("sfp-unknown", "i2c-nak"),
        part=PART,
    ),
    Fault(
        "sfp-unknown",
        Door.PARTS,
        "",
        "the module is an SFP and neither a cable nor of an Ethernet kind",
        _says(UNKNOWN),
        reaches="ixgbe_probe: reset_hw gives IXGBE_ERR_SFP_NOT_SUPPORTED -> err_sw_init (-EOPNOTSUPP)",
        against=("sfp-foreign", "i2c-nak"),
        part=PART,
    ),
    Fault(
        "i2c-nak",
        Door.PARTS,
        "",
        "the module never answers on its two wires (silent=0)",
        _nak,
        reaches="ixgbe_probe: reset_hw gives IXGBE_ERR_SFP_NOT_PRESENT -> err = 0; goes on without link",
        against=("silent", "i2c-flaky", *SAYS),
        part=PART,
    ),
    Fault(
        "i2c-flaky",
        Door.PARTS,
        "N",
        f"every Nth call of its address the module does not answer ({FLAKY_DEFAULT}: about each seventh byte)",
        _flaky,
        reaches="ixgbe_read_i2c_byte_generic_int: fail -> ixgbe_i2c_bus_clear, tried again; goes on",
        against=("i2c-nak",),
        optional=True,
        part=PART,
    ),
    Fault(
        "overtemp",
        Door.PARTS,
        "",
        "the module is at 85 degrees Celsius, above its alarm, and EICR.TS is raised once",
        _overtemp,
        reaches="none: ixgbe_check_overtemp_subtask is for other device ids; `ethtool -m` shows the alarm",
        part=PART,
    ),
)
