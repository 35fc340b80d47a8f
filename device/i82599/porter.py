# SPDX-License-Identifier: BSD-3-Clause
"""What those who port a driver to this chip are told: what it ignores, or counts in another unit than they think.

A queue that cannot run is a stall, and explained as such (``rx/block.py``, ``tx/block.py``); features that are only
stored have ``machine/stored.py``.  This is the rest: one line each and driver's life, and nothing is done otherwise.
"""

import logging

from device.i82599.block import Block
from device.i82599.core import CardCore
from device.i82599.ring import DESC_BYTES, Rings
from device.machine.core import Pointer, lib
from device.machine.regfile import RegFile, on_write
from device.machine.told import hints_of
from device.regs.i82599 import (
    CTRL,
    EITR,
    FCRTH,
    FCRTL,
    FCTRL,
    RDBAL,
    RDLEN,
    RDT,
    RXCTRL,
    RXDCTL,
    RXPBSIZE,
    SRRCTL,
    TDBAL,
    TDLEN,
    TDT,
    TXDCTL,
    Register,
)
from device.regs.i82599.rx import DescType

KIB_MAX = 16
HEADER_UNIT_BYTES = 64
LENGTH = f"it counts bytes and takes multiples of 128, {128 // DESC_BYTES} descriptors"
BASE = "a ring begins at a multiple of 128 bytes"
KIBS = "its value is bytes, in steps of 1024"
MARK = "its value is bytes, in steps of 16"
UNITS: dict[type[Register], str] = {
    **{RDLEN: LENGTH, TDLEN: LENGTH, RDBAL: BASE, TDBAL: BASE},
    **{RXPBSIZE: KIBS, FCRTL: MARK, FCRTH: MARK},
}
# Ref: Linux's ixgbe_configure_msix, for the vector of other causes, and ixgbe_fc_enable_generic, for a class without a
# packet buffer.  Observed: stock ixgbe 6.12 and 6.1, at each start.
USUAL_VALUES: set[tuple[type[Register], int]] = {(EITR, 1950), (FCRTH, 0xFFFFFFFF & -24576)}
SPLITS = {DescType.HDR_SPLIT, DescType.HDR_SPLIT_ALWAYS}
# Ref: Linux's ixgbe_set_rx_mode, which changes these two while it receives.
USUAL = FCTRL.of(UPE=1, MPE=1)


def _line(register: type[Register], value: int, what: str, n: int | None = None) -> str:
    name = register.NAME if n is None else f"{register.NAME}[{n}]"
    return f"{name} <- {int(value):#010x} {what}"


class Porter(Block):
    """Looks at what a driver writes where that may be a mistake.

    Args:
        regs: The function's registers.
        core: The card in C.
        rx: Receive rings.
        tx: Transmit rings.
    """

    def __init__(self, regs: RegFile, core: CardCore, rx: Rings, tx: Rings) -> None:
        self.regs = regs
        self.core = core
        self._rings = {"rx": rx, "tx": tx}
        self._waited = False  # rings waited for bus mastering at the last look
        regs.no_bits.hints.update(hints_of(UNITS))
        regs.no_bits.usual.update(USUAL_VALUES)

    def reset(self, *, software: bool) -> None:
        """Rings wait no more."""
        self._waited = False

    def look(self) -> None:
        """Look at what needs time to be a mistake; every 100 ms or so."""
        self.regs.no_bits.look()
        waited, self._waited = self._waited, bool(self.core.pf.c.dma.off and self._waiting())
        if waited and self._waited:
            self._say_no_dma()
        for early, tail, control in ((self.core.c.rx.early, RDT, RXDCTL), (self.core.c.tx.early, TDT, TXDCTL)):
            for half, flags in enumerate(early):
                if flags:
                    self._say_early(early, tail, control, half * 64 + int(flags).bit_length() - 1)

    # -- rings -------------------------------------------------------------------------------------------------------

    def _waiting(self) -> str:
        """The physical function's first queue that has descriptors and could go on; "" if there is none."""
        for kind, rings in self._rings.items():
            for ring in rings.rings():
                if ring.waiting and not ring.stall and self.core.c.owner_of_queue[ring.queue] == self.core.pf.c:
                    return f"{kind}[{ring.queue}] has {ring.waiting} descriptors and waits"
        return ""

    def _say_no_dma(self) -> None:
        if self.core.pf.c.dma.off & lib.DMA_OFF_MASTER:
            why = "PCI COMMAND (0x04) has no BUS_MASTER, or the function is not in D0"
            do = "set COMMAND bit 2 before queues are enabled"
        else:
            why = f"CTRL is {int(self.regs.get(CTRL)):#010x}: GIO_DIS stops all DMA"
            do = "clear CTRL.GIO_DIS, or reset by CTRL.RST"
        self.regs.told.say("no dma", f"{self._waiting()}: {why}; {do}")

    def _say_early(self, early: Pointer, tail: type[Register], control: type[Register], queue: int) -> None:
        """If the tail was written while the queue was off, say it, and that is done with."""
        half, bit = divmod(queue, 64)
        if not early[half] >> bit & 1:
            return
        early[half] &= ~(1 << bit)
        became = "is ignored" if tail is RDT else "counts only from then on, and on the chip may be lost"
        value = int(self.regs.get(tail, queue))
        what = f"came while {control.NAME}[{queue}].ENABLE was 0 and {became}: "
        what += f"write {tail.NAME} again once {control.NAME}.ENABLE reads 1"
        self.regs.told.say(("early", tail), _line(tail, value, what, queue))

    @on_write(RXDCTL)
    def rx_enabled(self, n: int, old: RXDCTL, new: RXDCTL, _written: RXDCTL) -> None:
        """An Rx queue is switched on: base, length and buffers count from now on."""
        if old.ENABLE or not new.ENABLE:
            return
        self.regs.no_bits.settle(RDBAL, n)
        self.regs.no_bits.settle(RDLEN, n)
        self.regs.no_bits.settle(SRRCTL, n)
        self._say_early(self.core.c.rx.early, RDT, RXDCTL, n)
        self._say_sizes(n, self.regs.get(SRRCTL, n))

    @on_write(TXDCTL)
    def tx_enabled(self, n: int, old: TXDCTL, new: TXDCTL, _written: TXDCTL) -> None:
        """A Tx queue is switched on: base and length count from now on."""
        if old.ENABLE or not new.ENABLE:
            return
        self.regs.no_bits.settle(TDBAL, n)
        self.regs.no_bits.settle(TDLEN, n)
        self._say_early(self.core.c.tx.early, TDT, TXDCTL, n)

    # -- sizes -------------------------------------------------------------------------------------------------------

    def _say_sizes(self, n: int, srrctl: SRRCTL) -> None:
        what = ""
        if not 0 < srrctl.BSIZEPACKET <= KIB_MAX:
            what = (
                f"gives packet buffers {srrctl.BSIZEPACKET} KiB: BSIZEPACKET (bits 4:0) counts KiB and not bytes, "
                f"1 to {KIB_MAX}; for 2048 bytes write 2"
            )
        elif srrctl.DESCTYPE not in set(DescType):
            what = f"asks for DESCTYPE {srrctl.DESCTYPE}, which is none: write {', '.join(map(_type, DescType))}"
        elif srrctl.DESCTYPE in SPLITS and not srrctl.BSIZEHEADER:
            what = (
                f"splits headers and gives their buffers no size: BSIZEHEADER (bits 13:8) counts {HEADER_UNIT_BYTES} "
                "bytes; for 256 bytes write 4"
            )
        if what:
            self.regs.told.say(SRRCTL, _line(SRRCTL, srrctl, what, n))

    # -- filters -----------------------------------------------------------------------------------------------------

    @on_write(FCTRL)
    def filters(self, _n: int, old: FCTRL, new: FCTRL, written: FCTRL) -> None:
        """Filters are to change only while nothing is received.

        Ref: datasheet, of RXCTRL.RXEN.  Drivers change UPE and MPE all the same, and it works: that is no warning.
        """
        if old == new or not self.regs.get(RXCTRL).RXEN:
            return
        changed = FCTRL(int(old) ^ int(new))
        level = logging.WARNING if int(changed) & ~int(USUAL) else logging.INFO
        what = f"changes {changed.describe()} while RXCTRL.RXEN is 1: clear RXEN, change FCTRL, set RXEN again"
        self.regs.told.say((FCTRL, level), _line(FCTRL, written, what), level=level)


def _type(kind: DescType) -> str:
    return f"{int(kind)} ({kind.name})"
