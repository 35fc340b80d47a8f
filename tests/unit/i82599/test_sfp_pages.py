# SPDX-License-Identifier: BSD-3-Clause
"""Identification and diagnostics pages, judged as drivers and SFF-8472 do."""

import pytest

from device.errors import ConfigError
from device.i82599.sfp.kinds import make
from device.i82599.sfp.module import Module


def module(kind: str) -> Module:
    made = make(kind)
    assert made is not None
    return made


def a2(m: Module) -> bytes:
    return bytes(m.read(0xA2, i) for i in range(256))


@pytest.mark.parametrize("kind", ["sr", "lr", "da"])
def test_checksums(kind: str) -> None:
    page = module(kind).a0
    assert len(page) == 256
    assert page[0x3F] == sum(page[:0x3F]) & 0xFF
    assert page[0x5F] == sum(page[0x40:0x5F]) & 0xFF


@pytest.mark.parametrize(
    ("kind", "code_10g", "cable", "connector"), [("sr", 0x10, 0, 0x07), ("lr", 0x20, 0, 0x07), ("da", 0, 0x04, 0x21)]
)
def test_identification_bytes(kind: str, code_10g: int, cable: int, connector: int) -> None:
    page = module(kind).a0
    assert page[0x00] == 0x03
    assert page[0x02] == connector
    assert page[0x03] == code_10g
    assert page[0x06] == 0  # a 1G code would make drivers try two speeds
    assert page[0x08] == cable
    if kind != "da":
        assert page[0x25:0x28] == bytes.fromhex("001b21")  # Intel, or drivers refuse


def test_sr_wavelength_and_reach() -> None:
    sr, lr = module("sr").a0, module("lr").a0
    assert int.from_bytes(sr[60:62], "big") == 850
    assert int.from_bytes(lr[60:62], "big") == 1310
    assert lr[14] == 10  # km
    assert sr[20:36] == b"Intel Corp      "


def test_cable_has_no_diagnostics_and_no_laser() -> None:
    da = module("da")
    assert da.a2 is None
    assert da.a0[0x5C] == 0
    assert da.a0[0x5E] == 0
    da.tx_disable = True
    assert da.sending


def test_none_and_unknown() -> None:
    assert make("none") is None
    with pytest.raises(ConfigError, match=r"'xfp'.*sr, lr, da, .*none"):
        make("xfp")


@pytest.mark.parametrize("kind", ["sr", "lr"])
def test_diagnostics_advertised(kind: str) -> None:
    page = module(kind).a0
    assert page[0x5C] & 0x40  # digital diagnostics
    assert page[0x5C] & 0x20  # internally calibrated
    assert not page[0x5C] & 0x04  # no address change: drivers refuse to read such modules
    assert page[0x5E]


def test_thresholds_are_in_order_and_summed() -> None:
    page = a2(module("sr"))
    assert page[0x5F] == sum(page[:0x5F]) & 0xFF
    for i in range(5):
        high, low, warn_high, warn_low = (
            int.from_bytes(page[8 * i + 2 * k : 8 * i + 2 * k + 2], "big", signed=i == 0) for k in range(4)
        )
        assert high > warn_high > warn_low > low


def live(page: bytes) -> list[int]:
    return [int.from_bytes(page[96 + 2 * i : 98 + 2 * i], "big", signed=i == 0) for i in range(5)]


def test_live_values_of_a_lit_module_raise_no_alarm() -> None:
    m = module("sr")
    m.rx_light = True
    page = a2(m)
    temperature, supply, bias, tx_power, rx_power = live(page)
    assert 20 < temperature / 256 < 60
    assert 3.2 < supply / 10000 < 3.4
    assert 1 < bias * 2 / 1000 < 20
    assert 0.2 < tx_power / 10000 < 1
    assert 0.2 < rx_power / 10000 < 1
    assert page[112:114] == page[116:118] == b"\x00\x00"
    assert page[110] == 0


def test_dark_module_shows_alarms() -> None:
    m = module("lr")
    m.tx_disable = True
    page = a2(m)
    assert live(page)[2:] == [0, 0, 0]
    assert page[112] == 0b00000101  # bias low, Tx power low
    assert page[113] == 0b01000000  # Rx power low
    assert page[116:118] == page[112:114]
    assert page[110] == 0x82  # Tx disabled by pin, loss of signal


def test_live_values_move_with_time_but_not_their_high_byte() -> None:
    """Software reads byte by byte: a value may not tear between two reads."""
    m = module("sr")
    seconds = iter(range(100000))
    m.seconds = lambda: next(seconds)
    seen = {live(a2(m))[0] for _ in range(100)}
    assert len(seen) > 10
    assert {value // 256 for value in seen} == {38}


def test_soft_tx_disable() -> None:
    m = module("sr")
    seen = []
    for control in (0, 0x40, 0):
        m.write(0xA2, 110, control)
        seen.append((m.sending, m.read(0xA2, 110) & 0x40))
    assert seen == [(True, 0), (False, 0x40), (True, 0)]


def test_only_the_user_area_can_be_written() -> None:
    m = module("sr")
    m.write(0xA0, 0, 0)
    m.write(0xA2, 0, 0x77)
    m.write(0xA2, 120, 0x77)
    assert m.read(0xA0, 0) == 3
    assert m.read(0xA2, 0) == 78
    assert m.read(0xA2, 120) == 0x77
