# SPDX-License-Identifier: BSD-3-Clause
"""Low-latency interrupts, as Intel's ixgbe sets them up: LLIPort, LLISize, LLIEType and LLIVLANP."""

import os
from collections.abc import Iterator

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw

from device.i82599.core import VECTORS
from device.machine.irq import IrqFds, IrqKind
from device.regs.i82599 import (
    EIAC,
    EIMC_EX,
    EIMS_EX,
    EITR,
    ETQF,
    ETQS,
    FTQF,
    GPIE,
    IMIRVP,
    IVAR,
    L34TIMIR,
    LLITHRESH,
    SDPQF,
)
from tests.rigs.rx import Rig

ETHER = Ether(dst="ff:ff:ff:ff:ff:ff", src="02:00:00:00:00:01")
PORT = 3260
ANY = FTQF.of(ENABLE=1, PRIORITY=7, POOL_MASK=1, MASK=0x1F)
TO_PORT = FTQF.of(ENABLE=1, PRIORITY=7, POOL_MASK=1, MASK=0x1F & ~8)


def tcp(port: int, len_bytes: int = 200) -> bytes:
    head = ETHER / IP(src="10.0.0.1", dst="10.0.0.2") / TCP(sport=1, dport=port)
    return bytes(head / Raw(bytes(len_bytes - len(head))))


def tagged(priority: int) -> bytes:
    return bytes(ETHER / Dot1Q(vlan=1, prio=priority) / IP(src="10.0.0.1", dst="10.0.0.2") / UDP() / Raw(bytes(40)))


class Lazy:
    """A queue whose vector has just sent a message and may not send another for 1 ms."""

    def __init__(self, rig: Rig, fd: int) -> None:
        self.rig = rig
        self.irqs = IrqFds(rig.nic.pf, VECTORS)
        self.irqs.set(3, fd)
        rig.nic.manual_clock(10**9)
        rig.nic.pf.irq_kind = IrqKind.MSIX
        rig.write(GPIE, GPIE.of(MSIX_MODE=1))
        rig.write(IVAR, IVAR.of(RX0=3, RX0_VALID=1))
        rig.write(EIAC, 1 << 3)
        rig.write(EITR, EITR.of(ITR_INTERVAL=500), 3)
        rig.write(EIMS_EX, 1 << 3)
        self.ring = rig.ring(0, 16)
        self.ring.post(14)
        assert self.ask(tcp(1)) == (True, False)

    def ask(self, *frames: bytes) -> tuple[bool, bool]:
        """Frames arrive: whether a message tells of them at once, and whether the first one's descriptor says so."""
        before = self.irqs.sent(3)
        self.rig.receive(*frames)
        _, _, status = self.ring.take()[0]
        return self.irqs.sent(3) > before, bool(status.STAT_LLINT)


@pytest.fixture
def lazy() -> Iterator[Lazy]:
    fd = os.eventfd(0, os.EFD_NONBLOCK)
    with Rig() as rig:
        yield Lazy(rig, fd)
    os.close(fd)


AT_ONCE = (True, True)
LATER = (False, False)


def test_a_port(lazy: Lazy) -> None:
    lazy.rig.write(L34TIMIR, L34TIMIR.of(SIZE_BP=1, RESERVE=1, LLI=1))
    lazy.rig.write(SDPQF, SDPQF.of(DST_PORT=int.from_bytes(PORT.to_bytes(2, "big"), "little")))
    lazy.rig.write(FTQF, TO_PORT)
    assert lazy.ask(tcp(80)) == LATER
    assert lazy.ask(tcp(PORT)) == AT_ONCE
    assert lazy.ask(tcp(PORT)) == AT_ONCE
    lazy.rig.write(L34TIMIR, L34TIMIR.of(SIZE_BP=1, RESERVE=1))
    assert lazy.ask(tcp(PORT)) == LATER


def test_one_frame_hurries_a_batch(lazy: Lazy) -> None:
    lazy.rig.write(L34TIMIR, L34TIMIR.of(SIZE_BP=1, RESERVE=1, LLI=1))
    lazy.rig.write(SDPQF, SDPQF.of(DST_PORT=int.from_bytes(PORT.to_bytes(2, "big"), "little")))
    lazy.rig.write(FTQF, TO_PORT)
    assert lazy.ask(tcp(80), tcp(PORT), tcp(80)) == (True, False)
    assert lazy.ask(tcp(80)) == LATER


def test_what_waited_goes_with_it(lazy: Lazy) -> None:
    lazy.rig.write(IMIRVP, IMIRVP.of(ENABLE=1, PRIORITY=5))
    assert lazy.ask(tcp(80)) == LATER
    assert lazy.ask(tagged(5)) == AT_ONCE
    before = lazy.irqs.sent(3)
    lazy.rig.nic.advance(10_000_000)
    assert lazy.irqs.sent(3) == before


def test_short_frames(lazy: Lazy) -> None:
    lazy.rig.write(FTQF, ANY)
    lazy.rig.write(L34TIMIR, L34TIMIR.of(RESERVE=1, LLI=1))
    lazy.rig.write(LLITHRESH, 128)
    assert lazy.ask(tcp(80, 127)) == AT_ONCE
    assert lazy.ask(tcp(80, 128)) == LATER
    lazy.rig.write(LLITHRESH, 200)
    assert lazy.ask(tcp(80, 128)) == AT_ONCE


def test_an_ethertype(lazy: Lazy) -> None:
    lazy.rig.write(ETQF, ETQF.of(ETYPE=0x88F7, FILTER_EN=1), 2)
    frame = bytes(Ether(dst="01:1b:19:00:00:00", src="02:00:00:00:00:01", type=0x88F7) / Raw(bytes(50)))
    assert lazy.ask(frame) == LATER
    lazy.rig.write(ETQS, ETQS.of(LLI=1), 2)
    assert lazy.ask(frame) == AT_ONCE


@pytest.mark.parametrize("offset", [IMIRVP.offset(0), 0x05AC0])
def test_a_vlan_priority_and_those_above(lazy: Lazy, offset: int) -> None:
    assert lazy.ask(tagged(7)) == LATER
    lazy.rig.rf.write(offset, 8 | 5)
    assert [lazy.ask(tagged(priority)) for priority in (4, 5, 7)] == [LATER, AT_ONCE, AT_ONCE]
    assert lazy.ask(tcp(80)) == LATER
    lazy.rig.rf.write(offset, 5)
    assert lazy.ask(tagged(7)) == LATER


def test_a_masked_vector_stays_silent(lazy: Lazy) -> None:
    lazy.rig.write(IMIRVP, IMIRVP.of(ENABLE=1))
    lazy.rig.write(EIMC_EX, 1 << 3)
    assert lazy.ask(tagged(7)) == (False, True)
