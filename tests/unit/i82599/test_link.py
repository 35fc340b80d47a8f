# SPDX-License-Identifier: BSD-3-Clause
"""Link truth table, pins and causes; offsets and bits are typed here on their own."""

import itertools
from collections.abc import Callable

import pytest

from device.i82599.card import make_registers
from device.i82599.core import CardCore
from device.i82599.link import Link
from device.i82599.sfp.kinds import make
from device.i82599.sfp.module import Module

ESDP, AUTOC, AUTOC2, LINKS, ANLP1, HLREG0, GPIE, MACC, PCS1GLSTA, PCS1GANLP = (
    0x00020, 0x042A0, 0x042A8, 0x042A4, 0x042B0, 0x04240, 0x00898, 0x04330, 0x0420C, 0x0421C,
)  # fmt: skip
SDP1, SDP2, SDP3, SDP3_DIR = 0x2, 0x4, 0x8, 0x800
LSC, GPI1, GPI2 = 1 << 20, 1 << 25, 1 << 26
LINKS_UP, LINKS_10G, LINKS_1G = 1 << 30, 3 << 28, 2 << 28


class Irq:
    def __init__(self) -> None:
        self.seen: list[int] = []

    def cause(self, causes: int) -> None:
        self.seen.append(causes)

    def take(self) -> int:
        causes = 0
        for one in self.seen:
            causes |= one
        self.seen.clear()
        return causes


class Wire:
    def __init__(self) -> None:
        self.carrier = True
        self.told: list[bool] = []
        self.fails = False

    def set_link(self, *, up: bool) -> None:
        if self.fails:
            raise OSError(19, "No such device")
        self.told.append(up)


class Cage:
    def __init__(self, module: Module | None) -> None:
        self.module = module


class Bench:
    def __init__(self, kind: str | Module = "sr") -> None:
        self.core = CardCore()
        self.regs = make_registers(self.core)
        self.irq = Irq()
        self.cage = Cage(make(kind) if isinstance(kind, str) else kind)
        self.ups: list[bool] = []
        self.link = Link(self.regs, self.irq, self.cage, self.ups.append)
        self.regs.bind(self.link)
        self.wire = Wire()
        self.link.reset(software=False)
        self.link.set_port(self.wire)
        self.irq.take()

    @property
    def links(self) -> int:
        return self.regs.read(LINKS)

    def laser(self, *, on: bool) -> None:
        esdp = self.regs.read(ESDP)
        self.regs.write(ESDP, esdp & ~SDP3 if on else esdp | SDP3)


def test_up_after_reset_with_everything_in_place() -> None:
    b = Bench()
    assert b.links == LINKS_UP | LINKS_10G
    assert b.ups[-1]
    assert b.wire.told == [True]
    assert b.regs.read(ANLP1) & 0xF0000  # or a driver's pipeline reset never ends
    assert b.regs.read(AUTOC) >> 13 & 7 == 3
    assert b.regs.read(AUTOC2) >> 16 & 3 == 2


@pytest.mark.parametrize("kind", ["sr", "da", "none"])
def test_truth_table(kind: str) -> None:
    b = Bench(kind)
    for carrier, laser, lms, flu, lpbk in itertools.product((0, 1), (0, 1), range(8), (0, 1), (0, 1)):
        b.wire.carrier = bool(carrier)
        b.laser(on=bool(laser))
        b.regs.write(AUTOC, lms << 13 | flu)
        b.regs.write(HLREG0, b.regs.read(HLREG0) & ~0x8000 | lpbk << 15)
        b.link.evaluate()
        sending = kind != "none" and lms == 3 and bool(laser or kind == "da")
        up = flu or lpbk or (carrier and sending)
        row = f"carrier={carrier} laser={laser} lms={lms} flu={flu} lpbk={lpbk}"
        assert b.links == (LINKS_UP | LINKS_10G if up else 0), row
        assert b.ups[-1] == bool(up) == b.link.up, row
        assert b.wire.told[-1] == sending, row


BOTH, ONE, TEN = {0: LINKS_1G, 2: LINKS_1G, 3: LINKS_10G}, {0: LINKS_1G, 2: LINKS_1G}, {3: LINKS_10G}


@pytest.mark.parametrize(
    ("kind", "modes"),
    [
        *(("sr-dual", BOTH), ("sr", TEN), ("lrm", TEN), ("da-active", TEN), ("10g-t", TEN), ("foreign", TEN)),
        *(("sx", ONE), ("lx", ONE), ("bx10", ONE), ("t", ONE), ("qsfp", {})),
    ],
)
def test_speed_follows_mode_and_module(kind: str, modes: dict[int, int]) -> None:
    """1G optics never lock at "10G serial", 10G ones never at 1G; the cage hangs on no other lane."""
    b = Bench(kind)
    for lms in range(8):
        b.regs.write(AUTOC, lms << 13)
        assert b.links == (modes[lms] | LINKS_UP if lms in modes else 0), lms
        assert b.wire.told[-1] == (lms in modes), lms


def test_another_speed_is_another_link() -> None:
    """ixgbe looks at LINKS again only when it is told of a change."""
    b = Bench("sr-dual")
    b.regs.write(AUTOC, 2 << 13)
    assert b.irq.take() == LSC
    assert (b.links, b.link.changes) == (LINKS_UP | LINKS_1G, 2)
    b.regs.write(AUTOC, 0)
    assert (b.irq.take(), b.link.changes) == (0, 2)


def test_the_1g_pcs_tells_of_its_link() -> None:
    """Ref: ixgbe's flow control at 1G waits for PCS1GLSTA.AN_COMPLETE, and compares PCS1GANA with PCS1GANLP."""
    b = Bench("sx")
    assert (b.regs.read(PCS1GLSTA), b.regs.read(PCS1GANLP)) == (0, 0)
    b.regs.write(AUTOC, 2 << 13)
    assert b.regs.read(PCS1GLSTA) == 1 << 0 | 1 << 4 | 1 << 16 | 1 << 17
    assert b.regs.read(PCS1GANLP) & (1 << 7 | 1 << 8) == 1 << 7 | 1 << 8  # both pauses
    b.regs.write(AUTOC, 0)  # without autonegotiation nothing is agreed
    assert (b.regs.read(PCS1GLSTA), b.regs.read(PCS1GANLP)) == (1 << 0 | 1 << 4, 0)
    b.wire.carrier = False
    b.link.evaluate()
    assert b.regs.read(PCS1GLSTA) == 0


def test_it_says_what_keeps_a_1g_module_down() -> None:
    b = Bench("sx")
    assert "the driver chose a mode that this module has not, which is 1000BASE-SX: AUTOC" in b.link.why_down()


def test_link_disable_bit() -> None:
    b = Bench()
    b.regs.write(AUTOC2, b.regs.read(AUTOC2) | 1 << 29)
    assert b.links == 0
    b.regs.write(AUTOC2, b.regs.read(AUTOC2) & ~(1 << 29))
    assert b.links & LINKS_UP


def test_lsc_on_every_change_and_only_then() -> None:
    b = Bench()
    b.link.evaluate()
    assert b.irq.take() == 0
    b.wire.carrier = False
    b.link.evaluate()
    assert b.irq.take() == LSC
    b.link.evaluate()
    assert b.irq.take() == 0
    b.wire.carrier = True
    b.link.evaluate()
    assert b.irq.take() == LSC
    assert b.link.changes == 3


def _carrier(b: Bench) -> None:
    b.wire.carrier = False


def _darkness(b: Bench) -> None:
    b.link.dark = True


def _another_module(b: Bench) -> None:
    b.cage.module = make("sx")


def _no_module(b: Bench) -> None:
    b.cage.module = None


def _soft_tx_disable(b: Bench) -> None:
    module = b.cage.module
    assert isinstance(module, Module)
    assert module.a2 is not None
    module.a2[110] = 0x40  # as by its two wires


def _another_speed(b: Bench) -> None:
    module = b.cage.module
    assert isinstance(module, Module)
    module.a0[0] = 0x0D  # a QSFP+ module's identifier: no speed of this cage


@pytest.mark.parametrize(
    "change",
    [_carrier, _darkness, _another_module, _no_module, _soft_tx_disable, _another_speed],
    ids=lambda f: f.__name__,
)
def test_a_look_sees_whatever_no_register_tells(change: Callable[[Bench], None]) -> None:
    b = Bench()
    b.link.look()
    assert (b.links, b.irq.take()) == (LINKS_UP | LINKS_10G, 0)
    change(b)
    b.link.look()
    assert (b.links, b.irq.take()) == (0, LSC)


def test_a_look_at_the_same_world_does_nothing() -> None:
    """Ten times a second it would be half of what an idle NIC costs."""
    b = Bench()
    for laser in (False, True):
        b.laser(on=laser)
        told = len(b.ups)
        for _ in range(3):
            b.link.look()
        assert len(b.ups) == told, "evaluated"


def test_laser_off_and_on_is_seen_on_both_sides() -> None:
    b = Bench()
    b.laser(on=False)
    assert b.links == 0
    assert b.wire.told == [True, False]
    assert b.cage.module is not None
    assert b.cage.module.tx_disable
    b.laser(on=True)
    assert b.links & LINKS_UP
    assert b.wire.told == [True, False, True]
    assert b.irq.take() == LSC


def test_tx_disable_as_input_floats_high() -> None:
    b = Bench()
    b.regs.write(ESDP, b.regs.read(ESDP) & ~SDP3_DIR)
    assert b.links == 0


def test_pipeline_reset_as_the_driver_does_it() -> None:
    b = Bench()
    autoc = b.regs.read(AUTOC)
    b.regs.write(AUTOC, (autoc ^ 4 << 13) | 1 << 12)
    assert b.regs.read(ANLP1) & 0xF0000
    b.regs.write(AUTOC, autoc | 1 << 12)
    assert b.regs.read(AUTOC) == autoc  # Restart_AN clears itself
    assert b.links & LINKS_UP


def test_input_pins_ignore_writes() -> None:
    b = Bench()
    assert b.regs.read(ESDP) == SDP3_DIR | SDP2
    b.regs.write(ESDP, SDP3_DIR | SDP1)
    assert b.regs.read(ESDP) == SDP3_DIR | SDP2
    b.regs.write(ESDP, SDP3_DIR | 0x600)  # as outputs they do as told
    assert b.regs.read(ESDP) == SDP3_DIR | 0x600


def test_module_pin_and_its_cause() -> None:
    b = Bench()
    b.regs.write(GPIE, 0x6)
    module, b.cage.module = b.cage.module, None
    b.link.evaluate()
    assert b.regs.read(ESDP) & (SDP1 | SDP2) == SDP1
    assert b.irq.take() == GPI2 | GPI1 | LSC
    b.cage.module = module
    b.link.evaluate()
    assert b.regs.read(ESDP) & (SDP1 | SDP2) == SDP2
    assert b.irq.take() == GPI2 | GPI1 | LSC


def test_loss_of_signal_pin() -> None:
    b = Bench()
    b.regs.write(GPIE, 0x2)
    b.wire.carrier = False
    b.link.evaluate()
    assert b.regs.read(ESDP) & SDP1
    assert b.irq.take() == LSC | GPI1


def test_pin_causes_only_where_enabled() -> None:
    b = Bench()
    b.cage.module = None
    b.link.evaluate()
    assert b.irq.take() == LSC


def test_no_port_no_link() -> None:
    b = Bench()
    b.link.set_port(None)
    assert b.links == 0
    assert b.wire.told == [True, False]


def test_new_port_is_told_the_state() -> None:
    b = Bench()
    other = Wire()
    b.link.set_port(other)
    assert other.told == [True]
    assert b.links & LINKS_UP


def test_a_port_that_fails_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    b = Bench()
    b.wire.fails = True
    for on in (False, True, False):
        b.laser(on=on)
    assert len([r for r in caplog.records if r.levelname == "WARNING"]) == 1
    assert b.links == 0


def test_software_reset_keeps_a_link_without_a_cause() -> None:
    b = Bench()
    b.regs.reset(software=True)
    b.link.reset(software=True)
    assert b.links & LINKS_UP
    assert b.irq.take() == 0


def test_software_reset_ends_what_was_forced() -> None:
    b = Bench("none")
    b.regs.write(HLREG0, b.regs.read(HLREG0) | 0x8000)
    assert b.irq.take() == LSC
    b.regs.reset(software=True)
    b.link.reset(software=True)
    assert b.links == 0
    assert not b.ups[-1]
    assert b.irq.take() == 0  # a reset leaves nothing pending


def test_macc_is_storage() -> None:
    b = Bench()
    b.regs.write(MACC, 0x5A5A)
    assert b.regs.read(MACC) == 0x5A5A
