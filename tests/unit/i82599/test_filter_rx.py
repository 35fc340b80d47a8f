# SPDX-License-Identifier: BSD-3-Clause
"""Receive filters: addresses, hash tables, broadcast, VLAN, size, MAC control."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scapy.compat import raw
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether
from scapy.packet import Raw

from device.i82599.card import make_registers
from device.i82599.core import CardCore
from device.machine.core import ffi, lib
from device.regs.i82599 import (
    CTRL_EXT,
    FCTRL,
    HLREG0,
    LXOFFRXCNT,
    LXONRXCNT,
    MAXFRS,
    MCSTCTRL,
    MFLCN,
    MTA,
    RAH,
    RAL,
    ROC,
    RUC,
    UTA,
    VFTA,
    VLNCTRL,
    Register,
)
from tests.twins.rxfilter import BROADCAST, Filters, table_bit

OURS = bytes.fromhex("020000825990")
OTHER = bytes.fromhex("0211223344f5")
GROUP = bytes.fromhex("01005e7f1234")
SENDER = "02:00:00:00:00:02"


class Gate:
    def __init__(self, nic: CardCore) -> None:
        self.nic = nic
        self.rf = make_registers(nic)

    def write(self, register: type[Register], value: int, n: int = 0) -> None:
        self.rf.write(register.offset(n), value)

    def rar(self, n: int, address: bytes, *, alias: bool = False, valid: int = 1) -> None:
        low = RAL.ALIAS[n] if alias else RAL.offset(n)
        high = RAH.ALIAS[n] if alias else RAH.offset(n)
        self.rf.write(low, int.from_bytes(address[:4], "little"))
        self.rf.write(high, RAH.of(RAH=int.from_bytes(address[4:], "little"), AV=valid))

    def set_bit(self, register: type[Register], bit: int) -> None:
        offset = register.offset(bit // 32)
        self.rf.write(offset, self.rf.read(offset) | 1 << bit % 32)

    def passes(self, data: bytes) -> bool:
        packet = ffi.new("struct packet *")
        lib.parse_frame(data, len(data), int(self.rf.get(CTRL_EXT).EXTENDED_VLAN), packet)
        return bool(lib.filters_pass(ffi.addressof(self.nic.c, "filters"), data, len(data), packet))


@pytest.fixture
def gate() -> Iterator[Gate]:
    with CardCore() as nic:
        yield Gate(nic)


def frame(dst: bytes, *layers: Dot1Q, size: int = 60) -> bytes:
    made = Ether(dst=dst.hex(":"), src=SENDER)
    for layer in layers:
        made /= layer
    made.lastlayer().type = 0x88B5
    data = raw(made)
    return data + bytes(max(size - len(data), 0))


def test_nothing_passes_after_reset(gate: Gate) -> None:
    assert not any(map(gate.passes, (frame(OURS), frame(GROUP), frame(BROADCAST), frame(bytes(6)))))


@pytest.mark.parametrize(("n", "alias"), [(0, True), (15, True), (0, False), (16, False), (127, False)])
def test_every_receive_address(gate: Gate, n: int, alias: bool) -> None:
    gate.rar(n, OURS, alias=alias)
    assert gate.passes(frame(OURS))
    assert not gate.passes(frame(OTHER))
    gate.rar(n, OURS, alias=alias, valid=0)
    assert not gate.passes(frame(OURS))


def test_a_multicast_address_in_a_receive_address_register(gate: Gate) -> None:
    gate.rar(3, GROUP)
    assert gate.passes(frame(GROUP))


@pytest.mark.parametrize("mo", range(4))
def test_multicast_table(gate: Gate, mo: int) -> None:
    gate.set_bit(MTA, table_bit(GROUP, mo))
    assert not gate.passes(frame(GROUP))
    gate.write(MCSTCTRL, MCSTCTRL.of(MO=mo, MFE=1))
    assert gate.passes(frame(GROUP))
    assert not gate.passes(frame(bytes.fromhex("01005e7fedcb")))
    assert not gate.passes(frame(BROADCAST))


def test_linux_multicast_vector(gate: Gate) -> None:
    """82599.md 6.6: vector = (addr[4] >> 4) | (addr[5] << 4) for filter type 0."""
    vector = GROUP[4] >> 4 | GROUP[5] << 4
    gate.write(MTA, 1 << (vector & 31), vector >> 5)
    gate.write(MCSTCTRL, MCSTCTRL.of(MFE=1))
    assert gate.passes(frame(GROUP))


def test_unicast_table(gate: Gate) -> None:
    gate.set_bit(UTA, table_bit(OTHER, 0))
    assert gate.passes(frame(OTHER))
    assert not gate.passes(frame(OURS))


@pytest.mark.parametrize(
    ("flags", "unicast", "multicast", "broadcast"),
    [
        (FCTRL.of(UPE=1), True, False, False),
        (FCTRL.of(MPE=1), False, True, True),
        (FCTRL.of(BAM=1), False, False, True),
    ],
)
def test_promiscuous_bits(gate: Gate, flags: int, unicast: bool, multicast: bool, broadcast: bool) -> None:
    gate.write(FCTRL, flags)
    assert [gate.passes(frame(to)) for to in (OTHER, GROUP, BROADCAST)] == [unicast, multicast, broadcast]


def test_vlan_table(gate: Gate) -> None:
    gate.write(FCTRL, FCTRL.of(UPE=1))
    gate.write(VLNCTRL, VLNCTRL.of(VET=0x8100, VFE=1))
    gate.set_bit(VFTA, 0x321)
    assert gate.passes(frame(OURS))
    assert gate.passes(frame(OURS, Dot1Q(vlan=0x321)))
    assert not gate.passes(frame(OURS, Dot1Q(vlan=0x322)))
    gate.write(VLNCTRL, VLNCTRL.of(VET=0x8100))
    assert gate.passes(frame(OURS, Dot1Q(vlan=0x322)))


def test_vlan_cfi(gate: Gate) -> None:
    gate.write(FCTRL, FCTRL.of(UPE=1))
    gate.write(VLNCTRL, VLNCTRL.of(VFE=1, CFIEN=1))
    gate.set_bit(VFTA, 5)
    assert gate.passes(frame(OURS, Dot1Q(vlan=5)))
    assert not gate.passes(frame(OURS, Dot1Q(vlan=5, dei=1)))


def test_vlan_of_a_double_tagged_frame_is_the_inner_one(gate: Gate) -> None:
    gate.write(FCTRL, FCTRL.of(UPE=1))
    gate.write(VLNCTRL, VLNCTRL.of(VFE=1))
    gate.write(CTRL_EXT, CTRL_EXT.of(EXTENDED_VLAN=1))
    gate.set_bit(VFTA, 7)
    made = Ether(dst=OURS.hex(":"), src=SENDER)
    assert gate.passes(raw(made / Dot1AD(vlan=9) / Dot1Q(vlan=7) / Raw(bytes(60))))
    assert not gate.passes(raw(made / Dot1AD(vlan=7) / Dot1Q(vlan=9) / Raw(bytes(60))))


def test_sizes(gate: Gate) -> None:
    gate.write(FCTRL, FCTRL.of(UPE=1))
    assert gate.passes(frame(OURS, size=1514))
    assert not gate.passes(frame(OURS, size=1515))
    assert gate.passes(frame(OURS, Dot1Q(vlan=1), size=1518))
    assert not gate.passes(frame(OURS, Dot1Q(vlan=1), size=1519))
    assert not gate.passes(frame(OURS)[:59])
    assert not gate.passes(b"short")
    assert (gate.rf.read(ROC.offset()), gate.rf.read(RUC.offset())) == (2, 2)


def test_jumbo_frames_need_the_enable_bit(gate: Gate) -> None:
    gate.write(FCTRL, FCTRL.of(UPE=1))
    gate.write(MAXFRS, MAXFRS.of(MFS=9018))
    assert not gate.passes(frame(OURS, size=9014))
    gate.write(HLREG0, HLREG0.reset().replace(JUMBOEN=1))
    assert gate.passes(frame(OURS, size=9014))
    assert not gate.passes(frame(OURS, size=9015))


def test_bad_frames_pass_with_sbp(gate: Gate) -> None:
    gate.write(FCTRL, FCTRL.of(UPE=1, SBP=1))
    assert gate.passes(frame(OURS, size=2000))
    assert gate.passes(frame(OURS)[:30])
    assert not gate.passes(frame(OURS)[:13])


def control(opcode: int, quanta: int = 0) -> bytes:
    made = Ether(dst="01:80:c2:00:00:01", src=SENDER, type=0x8808)
    return raw(made / Raw(opcode.to_bytes(2, "big") + quanta.to_bytes(2, "big") + bytes(42)))


def test_pause_frames(gate: Gate) -> None:
    gate.write(FCTRL, FCTRL.of(MPE=1))
    gate.write(MFLCN, MFLCN.of(RFCE=1))
    assert gate.passes(control(1, 0xFFFF))
    assert gate.passes(control(1, 0))
    assert (gate.rf.read(LXOFFRXCNT.offset()), gate.rf.read(LXONRXCNT.offset())) == (1, 1)
    gate.write(MFLCN, MFLCN.of(DPF=1))
    assert not gate.passes(control(1, 5))
    gate.write(MFLCN, 0)
    gate.write(FCTRL, FCTRL.of(MPE=1, DPF=1))
    assert not gate.passes(control(1, 5))


def test_other_control_frames_need_pmcf(gate: Gate) -> None:
    gate.write(FCTRL, FCTRL.of(MPE=1))
    assert not gate.passes(control(0x101))
    gate.write(FCTRL, FCTRL.of(MPE=1, PMCF=1))
    assert gate.passes(control(0x101))
    gate.write(FCTRL, FCTRL.of(MPE=1))
    gate.write(MFLCN, MFLCN.of(PMCF=1))
    assert gate.passes(control(0x101))


ADDRESSES = st.sampled_from([OURS, OTHER, GROUP, BROADCAST, bytes.fromhex("3333000000fb"), bytes(6)])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_random_filters_agree_with_the_twin(gate: Gate, data: st.DataObject) -> None:
    flags = data.draw(st.lists(st.booleans(), min_size=6, max_size=6))
    filters = Filters(
        addresses=data.draw(st.sets(ADDRESSES, max_size=3)) - {BROADCAST},
        vlans=data.draw(st.sets(st.integers(0, 7))),
        mo=data.draw(st.integers(0, 3)),
        upe=flags[0],
        mpe=flags[1],
        bam=flags[2],
        mfe=flags[3],
        vfe=flags[4],
        jumbo_bytes=2000 * flags[5],
    )
    filters.multicast_bits = {table_bit(a, filters.mo) for a in data.draw(st.sets(ADDRESSES, max_size=2))}
    filters.unicast_bits = {table_bit(a, filters.mo) for a in data.draw(st.sets(ADDRESSES, max_size=1))}

    gate.nic.pf.reset(software=False)
    for n, address in enumerate(filters.addresses):
        gate.rar(n * 20, address)
    for table, bits in ((MTA, filters.multicast_bits), (UTA, filters.unicast_bits), (VFTA, filters.vlans)):
        for bit in bits:
            gate.set_bit(table, bit)
    gate.write(MCSTCTRL, MCSTCTRL.of(MO=filters.mo, MFE=filters.mfe))
    gate.write(FCTRL, FCTRL.of(UPE=filters.upe, MPE=filters.mpe, BAM=filters.bam))
    gate.write(VLNCTRL, VLNCTRL.of(VET=0x8100, VFE=filters.vfe))
    gate.write(HLREG0, HLREG0.reset().replace(JUMBOEN=flags[5]))
    gate.write(MAXFRS, MAXFRS.of(MFS=2000))
    for _ in range(8):
        tag = [Dot1Q(vlan=data.draw(st.integers(0, 8)))] if data.draw(st.booleans()) else []
        size = data.draw(st.sampled_from([60, 59, 64, 1514, 1515, 1518, 1519, 1996, 1997, 2000, 2001]))
        sent = frame(data.draw(ADDRESSES), *tag, size=size)[:size]
        assert gate.passes(sent) == filters.passes(sent)
