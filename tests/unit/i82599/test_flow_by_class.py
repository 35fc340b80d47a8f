# SPDX-License-Identifier: BSD-3-Clause
"""Flow control and the packet buffer when there are several traffic classes: each has its own marks, time and room.

As ixgbe_dcb_config_pfc_82599 and ixgbe_dcb_config_rx_arbiter_82599 set them up.
"""

from collections.abc import Iterator

import pytest

from device.machine.core import ffi, lib
from device.regs.i82599 import FCRTH, FCRTL, FCTTV, RTRUP2TC, RXPBSIZE
from tests.rigs.rx import Rig
from tests.unit.i82599.test_flow import HIGH, LOW, set_up

XOFF = 1
QUANTA = [0x100 * (tc + 1) for tc in range(8)]


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as made:
        made.nic.manual_clock(1_000_000_000)
        yield made


def with_classes(rig: Rig, *classes: int, priority: bool = True) -> None:
    """Marks for these; priorities 0 to 3 are of class 0, the others of class 1."""
    set_up(rig, priority=priority)
    for tc in classes:
        rig.write(FCRTL, FCRTL.of(XONE=1) | LOW, tc)
        rig.write(FCRTH, FCRTH.of(FCEN=1) | HIGH, tc)
    for n in range(FCTTV.count):
        rig.write(FCTTV, QUANTA[2 * n] | QUANTA[2 * n + 1] << 16, n)
    rig.write(RTRUP2TC, sum((up >= 4) << 3 * up for up in range(8)))


def due(rig: Rig, **used_of: int) -> bytes:
    """What the other end is told when classes (``c1=…``) have so much in use; it takes it."""
    frame, flow = ffi.new("struct frame *"), ffi.addressof(rig.nic.c, "flow")
    used = ffi.new("uint32_t[]", [used_of.get(f"c{tc}", 0) for tc in range(8)])
    what = lib.flow_due(flow, used, frame)
    if not what:
        return b""
    lib.flow_said(flow, what, 1)
    return bytes(ffi.buffer(frame.data, frame.len_bytes))


def test_each_class_has_its_quanta_and_its_time(rig: Rig) -> None:
    with_classes(rig, 0, 1)
    told = due(rig, c1=HIGH)
    assert told[16:18] == (0xF0).to_bytes(2, "big")
    assert told[18 + 2 * 4 : 18 + 2 * 8] == QUANTA[1].to_bytes(2, "big") * 4
    assert due(rig, c1=HIGH) == b"", "not before its time"
    assert due(rig, c0=HIGH, c1=HIGH)[16:18] == (0x0F).to_bytes(2, "big")
    assert due(rig, c0=HIGH, c1=HIGH) == b""


def test_a_class_without_priorities_has_nobody_to_tell(rig: Rig) -> None:
    with_classes(rig, 0, 2)
    assert due(rig, c2=2 * HIGH) == b""


@pytest.mark.parametrize("full", [0, 1])
def test_without_priorities_any_class_at_its_mark_stops_the_wire(rig: Rig, full: int) -> None:
    with_classes(rig, 0, 1, priority=False)
    assert due(rig, **{f"c{full}": HIGH})[14:18] == (1).to_bytes(2, "big") + QUANTA[0].to_bytes(2, "big")


def test_a_full_class_leaves_the_others_their_room(rig: Rig) -> None:
    rx, info = ffi.addressof(rig.nic.c, "rx"), ffi.new("struct rx_info *", {"len_bytes": 1000})
    for tc in range(2):
        rig.write(RXPBSIZE, RXPBSIZE.of(SIZE=64), tc)
    fits = []
    for tc in range(2):
        info.tc = tc
        fits.append(sum(bool(lib.rx_fifo_push(rx, info, bytes(1000))) for _ in range(100)))
    assert fits[0] == fits[1] > 50
