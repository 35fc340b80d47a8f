# SPDX-License-Identifier: BSD-3-Clause
"""Packets that leave as one super-frame, against the same ones cut here: frames, counters, and who has to be cut."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.machine.core import ffi, lib
from device.machine.wire import NullPort
from device.regs.i82599 import (
    BPTC,
    DTXTCPFLGL,
    GOTCH,
    GOTCL,
    GPTC,
    HLREG0,
    MPTC,
    PTC64,
    PTC127,
    PTC255,
    PTC511,
    PTC1023,
    PTC1522,
    QBTC_H,
    QBTC_L,
    QPTC,
    TPT,
    TXDGBCH,
    TXDGBCL,
    TXDGPC,
    Register,
)
from tests.rigs.tx import TxRig, context_desc, data_desc, options
from tests.twins import tso as twin
from tests.twins.gso import Super
from tests.twins.tso import Offload
from tests.unit.i82599.test_tso import KINDS, offload, packet, seed, send

ALL = lib.PORT_CSUM | lib.PORT_TCP4 | lib.PORT_TCP6 | lib.PORT_UDP
COUNTERS: tuple[type[Register], ...] = (
    GPTC,
    GOTCL,
    GOTCH,
    TPT,
    PTC64,
    PTC127,
    PTC255,
    PTC511,
    PTC1023,
    PTC1522,
    MPTC,
    BPTC,
    QPTC,
    QBTC_L,
    QBTC_H,
)
COUNTERS += (TXDGPC, TXDGBCL, TXDGBCH)


class Taker(NullPort):
    """Takes what it is given, super-frames as far as ``caps`` says, and keeps them."""

    def __init__(self, caps: int) -> None:
        super().__init__()
        self.taken: list[Super] = []
        self._send = ffi.callback("uint32_t(struct port *, const struct frame *, uint32_t)", self._take)
        self._recv = ffi.callback(
            "uint32_t(struct port *, struct frame *, uint32_t, const struct clock *)", lambda *_: 0
        )
        self._ops = ffi.new("struct port_ops *", {"send": self._send, "recv": self._recv, "caps": caps})
        self.c.ops = self._ops

    def _take(self, _port: object, frames: Any, n: int) -> int:
        for frame in (frames[i] for i in range(n)):
            data = bytes(ffi.buffer(frame.data, frame.len_bytes))
            pads = bool(frame.flags & lib.FRAME_PADS)
            self.taken.append(Super(data, frame.kind, frame.segment_bytes, frame.csum_start, frame.csum_offset, pads))
        return n

    def wire(self) -> list[bytes]:
        """The frames, super-frames cut."""
        return [piece for one in self.taken for piece in (one.pieces() if one.kind else (one.data,))]


@contextmanager
def taking(caps: int) -> Iterator[tuple[TxRig, Taker]]:
    port = Taker(caps)
    with TxRig(port) as tx:
        tx.enable(0, 64)
        yield tx, port


def turns(tx: TxRig) -> None:
    while lib.card_step(tx.nic.c):
        pass


def seen(tx: TxRig, port: Taker) -> dict[str, int]:
    counts = {register.NAME: tx.read(register) for register in COUNTERS}
    ours = {name: n for name, n in tx.nic.counters().items() if name != "loop_turns"}
    return counts | ours | {f"port {name}": n for name, n in port.counters().items()}


def both(frames: list[tuple[bytes, Offload]], cuts: tuple[int, ...] = (), caps: int = ALL) -> tuple[Taker, Taker]:
    """The same packets cut here, and not: asserts that the world cannot tell."""
    ports, counts = [], []
    for able in (0, caps):
        with taking(able) as (tx, port):
            for frame, how in frames:
                send(tx, frame, how, tse=True, cuts=cuts)
                turns(tx)
            counts.append(seen(tx, port))
            ports.append(port)
    assert counts[0] == counts[1]
    assert ports[0].wire() == ports[1].wire()
    assert not any(one.kind for one in ports[0].taken)
    return ports[0], ports[1]


def made(
    l4t: int, *, ipv4: bool, mss: int, size: int, vlan: int | None = None, flags: str = "PA"
) -> tuple[bytes, Offload]:
    how = offload(l4t, ipv4=ipv4, mss=mss, vlan=vlan)
    return seed(packet(how, (bytes(range(251)) * 300)[:size], flags=flags), how, length=False), how


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(KINDS),
            st.integers(1, 9000),
            st.integers(1, 65400),
            st.sampled_from([None, 0x6042]),
            st.sampled_from(["A", "PA", "FPA", "CA", "CPA", "SA", "UA", "EA"]),
        ),
        min_size=1,
        max_size=4,
    ),
    st.lists(st.integers(1, 60000), max_size=3),
)
def test_nobody_can_tell_a_super_frame_from_what_it_stands_for(
    asked: list[tuple[tuple[int, bool], int, int, int | None, str]], cuts: list[int]
) -> None:
    frames = [
        made(l4t, ipv4=ipv4, mss=mss, size=min(size, mss * 200), vlan=vlan, flags=flags)
        for (l4t, ipv4), mss, size, vlan, flags in asked
    ]
    both(frames, tuple(cuts))


@pytest.mark.parametrize(("l4t", "ipv4"), KINDS)
@pytest.mark.parametrize("vlan", [None, 5])
@pytest.mark.parametrize("pads", [0, 1])
def test_a_usual_packet_leaves_as_one(l4t: int, ipv4: bool, vlan: int | None, pads: int) -> None:
    frame, how = made(l4t, ipv4=ipv4, mss=1000, size=9001, vlan=vlan)
    with taking(ALL) as (tx, port):
        tx.write(HLREG0, tx.read(HLREG0) & ~HLREG0.TXPADEN.mask | pads * HLREG0.TXPADEN.mask)
        send(tx, frame, how, tse=True)
        turns(tx)
        assert [one.kind for one in port.taken] == [lib.FRAME_UDP if l4t == twin.UDP else 1 + (not ipv4)]
        assert port.counters()["tx_frames"] == tx.read(GPTC) == 10
        last = len(frame) - 9000 + (0 if vlan is None else 4)
        assert tx.read(GOTCL) == 9 * (1000 + last - 1 + 4) + max(64, last + 4)
        assert port.counters()["tx_bytes"] == 9 * (1000 + last - 1) + (max(60, last) if pads else last)


def test_a_super_frame_uses_up_the_budget_of_its_pieces() -> None:
    frame, how = made(twin.TCP, ipv4=True, mss=100, size=4000)
    with taking(ALL) as (tx, port):
        for _ in range(4):
            send(tx, frame, how, tse=True)
        lib.card_step(tx.nic.c)
        assert [len(port.taken), tx.read(GPTC)] == [2, 80]  # 64, and to the end of the packet that went beyond
        turns(tx)
        assert [len(port.taken), tx.read(GPTC)] == [4, 80]


def broken(frame: bytes, at: int, value: int) -> bytes:
    return frame[:at] + bytes([value]) + frame[at + 1 :]


CUT: dict[str, Callable[[bytes, Offload], tuple[bytes, Offload]]] = {
    "one frame": lambda f, h: (f[: h.header + 1000], h),
    "a wrong pseudo sum": lambda f, h: (broken(f, h.l4 + 16, f[h.l4 + 16] ^ 1), h),
    "a fragment": lambda f, h: (broken(f, 20, 0x20), h),
    "another protocol": lambda f, h: (broken(f, 23, 41), h),
    "SYN": lambda f, h: (broken(f, h.l4 + 13, 0x12), h),
    "no L4 checksum": lambda f, h: (f, Offload(mss=h.mss, txsm=False)),
    "no IP checksum": lambda f, h: (f, Offload(mss=h.mss, ixsm=False)),
    "a sum in the IP header": lambda f, h: (broken(f, 25, 1), h),
    "a longer TCP header": lambda f, h: (broken(f, h.l4 + 12, 0x60), h),
    "very many": lambda f, _h: (f, Offload(mss=20)),
}


@pytest.mark.parametrize("what", CUT)
def test_what_another_might_cut_otherwise_is_cut_here(what: str) -> None:
    base, how = made(twin.TCP, ipv4=True, mss=1000, size=5000)
    frame, asked = CUT[what](base, how)
    cut, left = both([(frame, asked)])
    assert [one.data for one in left.taken] == [one.data for one in cut.taken]
    assert not any(one.kind for one in left.taken)


def test_other_rules_for_flags_are_kept_here() -> None:
    frame, how = made(twin.TCP, ipv4=True, mss=1000, size=5000)
    with taking(ALL) as (tx, port):
        tx.write(DTXTCPFLGL, DTXTCPFLGL.of(FIRST=0xFFF, MIDDLE=0xF76))
        send(tx, frame, how, tse=True)
        turns(tx)
        assert [one.kind for one in port.taken] == [0] * 5


@pytest.mark.parametrize("lost", [lib.PORT_CSUM, lib.PORT_TCP4])
def test_a_port_that_lacks_what_its_kind_can_do_gets_frames(lost: int) -> None:
    frame, how = made(twin.TCP, ipv4=True, mss=1000, size=5000)
    with taking(ALL) as (tx, port):
        port.c.lacks = lost
        send(tx, frame, how, tse=True)
        turns(tx)
        assert [one.kind for one in port.taken] == [0] * 5


def test_one_that_asks_for_a_time_stamp_is_cut() -> None:
    frame, how = made(twin.TCP, ipv4=True, mss=1000, size=5000)
    with taking(ALL) as (tx, port):
        fields = options(how, 5000, tse=True)
        tx.post(context_desc(how), data_desc(tx.buffer(frame), len(frame), MAC_TSTAMP=1, **fields))
        turns(tx)
        assert [one.kind for one in port.taken] == [0] * 5
