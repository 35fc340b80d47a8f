# SPDX-License-Identifier: BSD-3-Clause
"""Time stamps: in which registers, and for how long.  Each test names the call of a public driver that needs it."""

from collections.abc import Iterator

import pytest
from scapy.compat import raw
from scapy.layers.inet import IP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from device.machine.core import lib
from device.regs.i82599 import (
    DMATXCTL,
    ETQF,
    HLREG0,
    RDT,
    RXSATRH,
    RXSATRL,
    RXSTMPH,
    RXSTMPL,
    SYSTIMH,
    SYSTIML,
    TIMINCA,
    TSYNCRXCTL,
    TSYNCTXCTL,
    TXSTMPH,
    TXSTMPL,
)
from device.regs.i82599.desc import RXD
from device.regs.i82599.timesync import TsyncType
from tests.rigs.ptp import EVERY, NS, SEQUENCE, SOURCE, START_NS, PtpRig, listen
from tests.rigs.rx import Rig, one
from tests.rigs.tx import TxRig, context_desc, data_desc, options
from tests.twins.tso import Offload


@pytest.fixture
def rig() -> Iterator[PtpRig]:
    with PtpRig() as rig:
        yield rig


# -- the stamp of a received frame ---------------------------------------------------------------------------------


def test_a_stamp_stays_until_its_high_half_is_read(rig: Rig) -> None:
    # ixgbe_ptp_rx_rgtstamp: only the frame with the bit owns what the registers hold.
    ring = listen(rig, TsyncType.EVENT_V2)
    rig.nic.advance(32_000)
    rig.receive(EVERY["l2 sync"])
    rig.nic.advance(32_000)
    rig.receive(EVERY["v4 sync"])
    assert [q1.STAT_TS for _, _, q1 in ring.take()] == [1, 0]
    assert rig.read(RXSTMPL) == 32_000
    rig.receive(EVERY["v4 sync"])
    assert one(ring.take())[2].STAT_TS == 0, "the low half alone frees nothing"
    assert TSYNCRXCTL(rig.read(TSYNCRXCTL)).VALID == 1
    assert rig.rf.get(RXSTMPH) == 0, "nor does a look that is not the driver's"
    assert (rig.read(RXSTMPL), rig.read(RXSTMPH)) == (32_000, 0)
    assert TSYNCRXCTL(rig.read(TSYNCRXCTL)).VALID == 0
    rig.receive(EVERY["v4 sync"])
    assert one(ring.take())[2].STAT_TS == 1
    assert rig.read(RXSTMPL) == 64_000


def test_a_lost_stamp_is_cleared_by_hand(rig: Rig) -> None:
    # ixgbe_ptp_rx_hang: a stamped frame that never reached a ring; "clearing RX Timestamp hang".
    listen(rig, TsyncType.EVENT_V2)
    rig.receive(EVERY["l2 sync"])
    assert TSYNCRXCTL(rig.read(TSYNCRXCTL)).VALID
    rig.read(RXSTMPH)
    assert not TSYNCRXCTL(rig.read(TSYNCRXCTL)).VALID


def test_a_written_valid_bit_means_nothing(rig: Rig) -> None:
    # ixgbe_ptp_set_timestamp_mode reads the register and writes back what it read.
    for register in (TSYNCRXCTL, TSYNCTXCTL):
        rig.write(register, register.of(VALID=1, ENABLED=1))
        assert not register(rig.read(register)).VALID


def test_both_halves_are_the_clocks(rig: Rig) -> None:
    # ixgbe_ptp_rx_rgtstamp.
    ring = listen(rig, TsyncType.EVENT_V2)
    rig.write(SYSTIML, 0xFFFF_FFF0)
    rig.write(SYSTIMH, 0x89AB_CDEF)
    rig.receive(EVERY["l2 sync"])
    assert (rig.read(RXSTMPL), rig.read(RXSTMPH)) == (0xFFFF_FFF0, 0x89AB_CDEF)
    rig.nic.advance(32)
    rig.receive(EVERY["l2 sync"])
    assert (rig.read(RXSTMPL), rig.read(RXSTMPH)) == (0x10, 0x89AB_CDF0)
    assert len(ring.take()) == 2


@pytest.mark.parametrize("frame", ["l2 sync", "v4 sync", "v6 sync"])
def test_the_registers_say_whose_stamp_it_is(rig: Rig, frame: str) -> None:
    # libmoon's hasRxTimestamp swaps the bytes of the upper half of RXSATRH and has the sequence number.
    listen(rig, TsyncType.EVENT_V2)
    rig.receive(EVERY[frame])
    high = rig.read(RXSATRH)
    assert (high >> 16).to_bytes(2, "little") == SEQUENCE.to_bytes(2, "big")
    assert rig.read(RXSATRL).to_bytes(4, "little") + (high % 65536).to_bytes(2, "little") == SOURCE


def test_a_frame_that_waits_for_a_descriptor_keeps_the_time_it_came(rig: Rig) -> None:
    # ixgbe_ptp_rx_rgtstamp.
    ring = rig.ring()
    rig.write(TSYNCRXCTL, TSYNCRXCTL.of(ENABLED=1, TYPE=TsyncType.EVENT_V2))
    rig.receive(EVERY["l2 sync"])
    rig.nic.advance(1_000_000)
    ring.post(1)
    assert rig.drain() == 1
    assert one(ring.take())[2].STAT_TS == 1
    assert rig.read(RXSTMPL) == 0


def test_a_damaged_frame_takes_no_stamp(rig: Rig) -> None:
    # ixgbe_ptp_rx_hang would have to clear it.
    listen(rig, TsyncType.EVENT_V2)
    rig.receive(EVERY["l2 sync"], flags=lib.FRAME_BAD_CRC)
    assert not TSYNCRXCTL(rig.read(TSYNCRXCTL)).VALID


def test_reset_forgets_stamps_and_what_was_asked(rig: Rig) -> None:
    # ixgbe_ptp_reset sets everything anew after a reset.
    listen(rig, TsyncType.EVENT_V2)
    rig.receive(EVERY["l2 sync"])
    rig.renew()
    assert [rig.read(reg) for reg in (TSYNCRXCTL, RXSTMPL, RXSATRH, TIMINCA, SYSTIML)] == [0] * 5
    ring = rig.ring()
    ring.post(2)
    rig.write(ETQF, ETQF.of(FILTER_EN=1, IEEE_1588=1, ETYPE=0x88F7), 3)
    rig.receive(EVERY["l2 sync"])
    assert one(ring.take())[2] & RXD.STAT_TS.mask == 0
    assert rig.read(RDT) == 2


# -- the stamp of a sent frame -------------------------------------------------------------------------------------


@pytest.fixture
def tx() -> Iterator[TxRig]:
    with TxRig() as tx:
        tx.nic.manual_clock(START_NS)
        tx.nic.pf.reset(software=False)
        tx.nic.pf.bus_master = True
        tx.write(DMATXCTL, DMATXCTL.of(TE=1, VT=0x8100))
        tx.write(TIMINCA, NS)
        tx.write(TSYNCTXCTL, TSYNCTXCTL.of(ENABLED=1))
        tx.enable(0, 64)
        yield tx


def sent(tx: TxRig) -> int | None:
    """The stamp, read as ixgbe_ptp_tx_hwtstamp does it; None: there is none."""
    if not TSYNCTXCTL(tx.read(TSYNCTXCTL)).VALID:
        return None
    return tx.read(TXSTMPL) | tx.read(TXSTMPH) << 32


@pytest.mark.parametrize("len_bytes", [60, 40, 1514])  # as it lies in memory; padded; long
def test_a_frame_that_asks_is_stamped(tx: TxRig, len_bytes: int) -> None:
    # ixgbe_ptp_tx_hwtstamp_work.
    frame = EVERY["l2 sync"][:14].ljust(len_bytes, b"\1")
    tx.write(HLREG0, HLREG0.of(TXPADEN=1, TXCRCEN=1))
    tx.nic.advance(3200)
    tx.send(frame)
    tx.run()
    assert sent(tx) is None, "it did not ask"
    tx.send(frame, MAC_TSTAMP=1)
    tx.run()
    assert sent(tx) == 3200
    assert sent(tx) is None
    assert [left[:14] for left in tx.wire()] == [frame[:14]] * 2
    assert (tx.done(0), tx.done(1)) == (True, True)


def test_both_halves_of_a_sent_frames_stamp(tx: TxRig) -> None:
    # ixgbe_ptp_tx_hwtstamp.
    tx.write(SYSTIMH, 0x89AB_CDEF)
    tx.send(EVERY["l2 sync"], MAC_TSTAMP=1)
    tx.run()
    assert tx.read(TXSTMPL) == 0
    assert tx.regs.get(TSYNCTXCTL).VALID, "the low half alone frees nothing"
    assert tx.regs.get(TXSTMPH) == 0x89AB_CDEF
    assert tx.regs.get(TSYNCTXCTL).VALID, "nor does a look that is not the driver's"
    assert tx.read(TXSTMPH) == 0x89AB_CDEF
    assert not tx.regs.get(TSYNCTXCTL).VALID


def test_one_is_outstanding(tx: TxRig) -> None:
    # ixgbe_xmit_frame_ring counts tx_hwtstamp_skipped meanwhile; ixgbe_ptp_tx_hang clears one that nobody took.
    for _ in range(2):
        tx.nic.advance(3200)
        tx.send(EVERY["l2 sync"], MAC_TSTAMP=1)
        tx.run()
    assert tx.read(TXSTMPL) == 3200
    assert sent(tx) == 3200
    tx.send(EVERY["l2 sync"], MAC_TSTAMP=1)
    tx.run()
    assert sent(tx) == 6400
    assert len(tx.wire()) == 3


def test_not_without_enable(tx: TxRig) -> None:
    # ixgbe_ptp_set_timestamp_mode, HWTSTAMP_TX_OFF.
    tx.write(TSYNCTXCTL, 0)
    tx.send(EVERY["l2 sync"], MAC_TSTAMP=1)
    tx.run()
    assert sent(tx) is None
    assert len(tx.wire()) == 1


def test_among_others_each_frame_leaves_once_and_in_order(tx: TxRig) -> None:
    # ixgbe_tx_cmd_type.
    frames = [bytes([2] * 12) + b"\x88\xb5" + bytes([n] * 60) for n in range(40)]
    tx.post(*[data_desc(tx.buffer(frame), len(frame), MAC_TSTAMP=int(n % 3 == 1)) for n, frame in enumerate(frames)])
    while tx.run():
        pass
    assert tx.wire() == frames
    assert sent(tx) == 0
    assert all(tx.done(n) for n in range(40))


def test_a_frame_that_cannot_leave_has_none(tx: TxRig) -> None:
    # ixgbe_ptp_tx_hang.
    tx.nic.link_up = False
    tx.send(EVERY["l2 sync"], MAC_TSTAMP=1)
    tx.run()
    tx.nic.link_up = True
    tx.send(EVERY["l2 sync"])
    tx.run()
    assert sent(tx) is None


def test_the_first_segment_is_the_stamped_one(tx: TxRig) -> None:
    # ixgbe_tx_map gives every descriptor the bit, also with segments.
    how = Offload(mac_len=14, ip_len=20, l4_len=20, mss=100)
    packet = raw(
        Ether(dst="02:00:00:00:00:01") / IP(proto=6) / Raw(bytes([0] * 12 + [0x50, 0x10] + [0] * 6) + bytes(900))
    )
    tx.post(context_desc(how), data_desc(tx.buffer(packet), len(packet), MAC_TSTAMP=1, **options(how, 900, tse=True)))
    assert tx.run(4) == 4
    assert sent(tx) == 0
    tx.nic.advance(3200)
    tx.run()
    assert sent(tx) is None, "the rest is the same packet"
    assert len(tx.wire()) == 9
