# SPDX-License-Identifier: BSD-3-Clause
"""Whatever a probe, or a port that goes up, reads and writes has a meaning in words."""

import pytest

from device.regs import show
from device.regs.__main__ import main
from device.regs.core import Field, Register
from device.regs.i82599 import ALL
from driver.ixgbe.explain import explain
from driver.ixgbe.explain.record import Section
from driver.ixgbe.probe import ProbeOptions
from tests.rigs.driver_clock import NoWait
from tests.rigs.pair_door import PairDoor

NOTES = frozenset({
    "EEC", "EERD", "CTRL", "STATUS", "CTRL_EXT", "SWSM", "GSSR", "FWSM", "RAH", "RAL", "EICR", "EICS",
    "EIMS", "EIMC", "EIAC", "EIAM", "EITR", "IVAR", "IVAR_MISC", "GPIE", "AUTOC", "AUTOC2", "LINKS", "ESDP",
    "I2CCTL", "WUC", "WUFC", "WUS", "MRQC", "RETA", "SRRCTL", "RXDCTL", "TXDCTL", "RXCTRL", "FCTRL", "VLNCTRL",
    "MPSAR", "VLVF",
})  # fmt: skip


def nameless(registers: set[type[Register]]) -> list[str]:
    return sorted(
        f"{register.NAME}.{name}"
        for register in registers
        for name in register.FIELDS
        if not show.meaning(register, name)
    )


def test_what_the_notes_touch() -> None:
    registers = {register for register in ALL if register.NAME in NOTES}
    assert len(registers) == len(NOTES)
    assert nameless(registers) == []


def test_what_a_probe_and_a_port_touch(door: PairDoor) -> None:
    with explain(door, ProbeOptions(clock=NoWait(), cpus=4, queues=4)) as found:
        up = Section("up")
        found.recorder._now = up
        assert found.adapter is not None
        found.adapter.up()
        found.adapter.down()
        found.recorder._now = None
    touched = {touch.register for section in [*found.recorder.steps, up] for touch in section.touches}
    registers = {register for register in touched if register is not None}
    assert {"RETA", "GPIE", "IVAR", "SRRCTL", "EEC", "PCI_COMMAND"} <= {register.NAME for register in registers}
    assert nameless(registers) == []


def test_a_field_without_a_meaning_is_seen() -> None:
    class STRANGE(Register, at=0x0):
        """A register that nobody describes."""

        BIT = Field(0)

    assert nameless({STRANGE}) == ["STRANGE.BIT"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("EEC.PRES", "EEC.PRES, bit 8: the chip found a valid image; 0 makes the driver read bit by bit"),
        ("swsm.smbi", "SWSM.SMBI, bit 0: a driver of either port has it; reading 0 takes it"),
        ("IVAR.RX0", "IVAR.RX0, bits 5:0: vector of Rx queue 2n"),
        ("AUTOC.LMS", "3 = LMS_10G_SERIAL"),
    ],
)
def test_a_bit_is_asked_for_by_name(name: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", name]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert said in out


def test_a_bit_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "EEC.VALID"]) == 2
    assert "EEC has no field 'VALID'; it has SK, CS, DI, DO, FWE, REQ, GNT, PRES" in capsys.readouterr().err


def test_programs_are_told_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "EEC", "--json"]) == 0
    assert '"meaning": "the chip found a valid image' in capsys.readouterr().out
