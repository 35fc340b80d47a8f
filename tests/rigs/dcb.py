# SPDX-License-Identifier: BSD-3-Clause
"""What stock ixgbe 6.12 writes for traffic classes: ``tc qdisc add dev eth0 root mqprio num_tc 4 map ... hw 1``.

The order is that of ixgbe_configure: packet buffers, DCB (ixgbe_configure_dcb, ixgbe_dcb_hw_config_82599), transmit
(ixgbe_setup_mtqc), receive (ixgbe_setup_mrqc).
"""

from collections.abc import Sequence
from typing import Protocol

from device.regs.core import Register
from device.regs.i82599 import (
    FCCFG,
    FCRTH,
    FCRTL,
    FCRTV,
    FCTTV,
    MFLCN,
    MRQC,
    MTQC,
    RETA,
    RQSMR,
    RQTC,
    RSSRK,
    RTRPCS,
    RTRPT4C,
    RTRUP2TC,
    RTTDCS,
    RTTDQSEL,
    RTTDT1C,
    RTTDT2C,
    RTTPCS,
    RTTPT2C,
    RTTUP2TC,
    RXPBSIZE,
    SECTXMINIFG,
    TQSM,
    TXPBSIZE,
    TXPBTHRESH,
)
from device.regs.i82599.filters import MrqeMode
from device.regs.i82599.tx import MtqcMode

KIB = 1024
RX_KIB, TX_KIB = 512, 160
CLASSES = 8
ARBDIS = 1 << 6
RSS_FIELDS = 0x00330000
PAUSE_QUANTA = 0xFFFF
GROUP_OF_TQSM = (*[0] * 8, *[1] * 8, *[2] * 4, *[3] * 4, 4, 4, 5, 5, 6, 6, 7, 7)


class Nic(Protocol):
    """Whose registers can be written and read."""

    def write(self, register: type[Register], value: int, n: int = 0) -> None:
        """As the guest writes."""

    def read(self, register: type[Register], n: int = 0) -> int:
        """As the guest reads."""


def by_priority(values: Sequence[int]) -> int:
    """RTRUP2TC and RTTUP2TC: three bits a priority."""
    return sum(value << 3 * up for up, value in enumerate(values))


def packet_buffers(nic: Nic, classes: int) -> None:
    """ixgbe_set_rxpba_generic, in equal parts."""
    for tc in range(CLASSES):
        nic.write(RXPBSIZE, RX_KIB // classes * KIB if tc < classes else 0, tc)
    for tc in range(CLASSES):
        nic.write(TXPBSIZE, TX_KIB // classes * KIB if tc < classes else 0, tc)
        nic.write(TXPBTHRESH, TX_KIB // classes - 10 if tc < classes else 0, tc)


def arbiters(nic: Nic, prio_tc: Sequence[int], credits_of: Sequence[int], strict: Sequence[int] = ()) -> None:
    """ixgbe_dcb_config_rx_arbiter_82599 and both for transmit; a credit is 64 bytes."""
    words = [credit | credit * 2 << 12 | (1 << 31 if tc in strict else 0) for tc, credit in enumerate(credits_of)]
    words += [0] * (CLASSES - len(words))
    nic.write(RTRPCS, RTRPCS.of(RRM=1, RAC=1) | ARBDIS)
    nic.write(RTRUP2TC, by_priority(prio_tc))
    for tc in range(CLASSES):
        nic.write(RTRPT4C, words[tc], tc)
    nic.write(RTRPCS, RTRPCS.of(RRM=1, RAC=1))
    for queue in range(128):
        nic.write(RTTDQSEL, queue)
        nic.write(RTTDT1C, 0)
    for tc in range(CLASSES):
        nic.write(RTTDT2C, words[tc], tc)
    nic.write(RTTDCS, RTTDCS.of(TDPAC=1, TDRM=1, BDPM=0, BPBFSM=0))
    nic.write(RTTPCS, RTTPCS.of(TPPAC=1, TPRM=1, ARBD=4, ARBDIS=1))
    nic.write(RTTUP2TC, by_priority(prio_tc))
    for tc in range(CLASSES):
        nic.write(RTTPT2C, words[tc], tc)
    nic.write(RTTPCS, RTTPCS.of(TPPAC=1, TPRM=1, ARBD=4))


def priority_pause(nic: Nic, lossless: Sequence[int], high: int, low: int) -> None:
    """ixgbe_dcb_config_pfc_82599; ``lossless``: the classes."""
    nic.write(FCCFG, FCCFG.of(TFCE_PRIORITY=1))
    nic.write(MFLCN, MFLCN.of(DPF=1, RPFCE=1))
    for tc in range(CLASSES):
        nic.write(FCRTL, FCRTL.of(XONE=1) | low if tc in lossless else 0, tc)
        nic.write(FCRTH, FCRTH.of(FCEN=1) | high if tc in lossless else nic.read(RXPBSIZE, tc) // 2, tc)
    for n in range(CLASSES // 2):
        nic.write(FCTTV, PAUSE_QUANTA | PAUSE_QUANTA << 16, n)
    nic.write(FCRTV, PAUSE_QUANTA // 2)


def statistics(nic: Nic) -> None:
    """ixgbe_dcb_config_tc_stats_82599."""
    for n in range(RQSMR.count):
        nic.write(RQSMR, 0x01010101 * (n // 4), n)
        nic.write(TQSM, 0x01010101 * GROUP_OF_TQSM[n], n)


def transmit(nic: Nic, classes: int) -> None:
    """ixgbe_setup_mtqc."""
    nic.write(RTTDCS, nic.read(RTTDCS) | ARBDIS)
    nic.write(MTQC, MtqcMode.DCB_8TC if classes > 4 else MtqcMode.DCB_4TC)
    nic.write(SECTXMINIFG, nic.read(SECTXMINIFG) | 0x1F00)
    nic.write(RTTDCS, nic.read(RTTDCS) & ~ARBDIS)


def receive(nic: Nic, classes: int, rss: int) -> None:
    """ixgbe_setup_mrqc with so many RSS queues a class."""
    for n in range(RSSRK.count):
        nic.write(RSSRK, 0x01234567 * (n + 3) % 2**32, n)
    for n in range(RETA.count):
        nic.write(RETA, sum((4 * n + i) % rss << 8 * i for i in range(4)), n)
    nic.write(MRQC, RSS_FIELDS | (MrqeMode.RTRSS8TC if classes > 4 else MrqeMode.RTRSS4TC))


def mqprio(
    nic: Nic,
    classes: int,
    prio_tc: Sequence[int],
    *,
    rss: int = 4,
    credits_of: Sequence[int] = (),
    strict: Sequence[int] = (),
    lossless: Sequence[int] = (),
) -> None:
    """All of it."""
    packet_buffers(nic, classes)
    arbiters(nic, prio_tc, credits_of or [50] * classes, strict)
    priority_pause(nic, lossless, 0x8000, 0x4000)
    statistics(nic)
    nic.write(RQTC, (rss - 1).bit_length() * 0x11111111)
    transmit(nic, classes)
    receive(nic, classes, rss)
