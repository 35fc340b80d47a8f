# SPDX-License-Identifier: BSD-3-Clause
"""Every kind of module, judged by SFF-8472 (QSFP: SFF-8636); offsets and codes are typed here on their own."""

import pytest

from device.errors import ConfigError
from device.i82599.sfp.kinds import KINDS, make
from device.i82599.sfp.module import Module

# kind: 10G code, 1G code, cable, nominal rate, speeds, names
SFPS = {
    "sr": (0x10, 0, 0, 0x67, {10_000}, ["10GBASE-SR"]),
    "lr": (0x20, 0, 0, 0x67, {10_000}, ["10GBASE-LR"]),
    "da": (0, 0, 0x04, 0x67, {10_000}, ["passive direct attach"]),
    "da-active": (0, 0, 0x08, 0x67, {10_000}, ["active direct attach (limiting)"]),
    "sr-dual": (0x10, 0x01, 0, 0x67, {10_000, 1_000}, ["10GBASE-SR", "1000BASE-SX"]),
    "lrm": (0x40, 0, 0, 0x67, {10_000}, ["10GBASE-LRM"]),
    "10g-t": (0, 0, 0, 0x67, {10_000}, ["10GBASE-T"]),
    "sx": (0, 0x01, 0, 0x0D, {1_000}, ["1000BASE-SX"]),
    "lx": (0, 0x02, 0, 0x0D, {1_000}, ["1000BASE-LX"]),
    "bx10": (0, 0x40, 0, 0x0D, {1_000}, ["1000BASE-BX10"]),
    "t": (0, 0x08, 0, 0x0D, {1_000}, ["1000BASE-T"]),
    "foreign": (0x10, 0, 0, 0x67, {10_000}, ["10GBASE-SR"]),
}


def module(kind: str) -> Module:
    made = make(kind)
    assert made is not None
    return made


def test_every_kind_is_judged_here() -> None:
    assert set(KINDS) == {*SFPS, "qsfp", "none"}


@pytest.mark.parametrize("kind", SFPS)
def test_what_drivers_decide_by(kind: str) -> None:
    code_10g, code_1g, cable, rate, speeds, names = SFPS[kind]
    made = module(kind)
    page = made.a0
    assert (page[0], page[3], page[6], page[8], page[12]) == (3, code_10g, code_1g, cable, rate)
    assert made.speeds_mbps == speeds
    assert made.names == names
    assert made.kind == kind


@pytest.mark.parametrize("kind", SFPS)
def test_both_checksums(kind: str) -> None:
    page = module(kind).a0
    assert len(page) == 256
    assert page[0x3F] == sum(page[:0x3F]) % 256
    assert page[0x5F] == sum(page[0x40:0x5F]) % 256


@pytest.mark.parametrize("kind", SFPS)
def test_diagnostics_are_there_where_the_page_says_so(kind: str) -> None:
    made = module(kind)
    assert bool(made.a0[92] & 0x40) == bool(made.a0[94]) == (made.slave(0xA2) is not None)
    assert not made.a0[92] & 0x04


def test_vendors() -> None:
    """A card that lists none takes Intel's 10G optics, and any vendor's cables and 1G."""
    by_vendor = {kind: bytes(module(kind).a0[37:40]).hex() for kind in SFPS}
    assert [kind for kind, oui in by_vendor.items() if oui == "001b21"] == ["sr", "lr", "sr-dual"]
    assert by_vendor["foreign"] == "00176a"
    assert by_vendor["lrm"] == "009065"


def test_an_active_cable_is_a_limiting_one() -> None:
    assert module("da-active").a0[60] & 0x04


def test_cables_have_no_laser_and_the_others_obey_tx_disable() -> None:
    for kind in SFPS:
        made = module(kind)
        made.tx_disable = True
        assert made.sending == (kind in {"da", "da-active"}), kind


def test_a_qsfp_keeps_its_own_pages() -> None:
    made = module("qsfp")
    page = made.a0
    assert (page[0], page[128]) == (0x0D, 0x0D)
    assert page[148:164] == b"FINISAR CORP    "
    assert page[191] == sum(page[128:191]) % 256
    assert page[223] == sum(page[192:223]) % 256
    assert (made.speeds_mbps, made.names) == (frozenset(), ["QSFP+"])
    assert made.slave(0xA2) is None


def test_a_kind_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match=r"SFP kind 'xfp' is unknown; choose one of sr, lr, da, .*none, or a file"):
        make("xfp")
