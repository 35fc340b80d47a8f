# SPDX-License-Identifier: BSD-3-Clause
"""Filters that choose a queue, programmed through our driver's door while its rings run; both doorbell modes."""

from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest

from device.regs.i82599 import (
    DAQF,
    FDIRCMD,
    FDIRCTRL,
    FDIRHASH,
    FDIRHKEY,
    FDIRMATCH,
    FDIRSKEY,
    FTQF,
    L34TIMIR,
    SAQF,
    SDPQF,
    SYNQF,
)
from device.regs.i82599.desc import RssType
from device.regs.i82599.fdir import FdirCmd
from tests.rigs.fdir import ATR
from tests.rigs.pair import Rig, Wire, flow, rig
from tests.twins import fdir as twin

QUEUES = 4
FRAME = flow(7).ljust(60, b"\0")
SEEN = twin.Flow("10.1.0.7", "10.0.0.1", 1007, 80, twin.TCP, flex=0x0800)  # FRAME as its receiver sees it


@pytest.fixture(params=[False, True], ids=["messages", "shared doorbells"])
def up(request: pytest.FixtureRequest, wire: Wire) -> Iterator[Rig]:
    with rig(wire, queues=QUEUES) as made:
        if request.param:
            made.nic.core.share_doorbells()
        yield made


def arrives(up: Rig, wire: Wire) -> int:
    """The queue that FRAME comes on."""
    wire.inject(FRAME)
    ((queue, frames),) = up.take_all().items()
    assert frames == [FRAME]
    return queue


def test_atr_moves_a_connection_to_the_queue_that_sends(up: Rig, wire: Wire) -> None:
    """As ixgbe_init_fdir_signature_82599 and ixgbe_atr: every queue in turn, and RSS again when the table is new."""
    bar = up.adapter.bar
    by_rss = arrives(up, wire)
    bar.write(FDIRHKEY, twin.BUCKET_KEY)
    bar.write(FDIRSKEY, twin.SIGNATURE_KEY)
    bar.write(FDIRCTRL, ATR)
    for queue in range(QUEUES):
        bar.write(FDIRHASH, twin.linux_atr(SEEN))
        command = FDIRCMD.of(CMD=FdirCmd.ADD_FLOW, FILTER_UPDATE=1, LAST=1, QUEUE_EN=1, RX_QUEUE=queue, L4TYPE=twin.TCP)
        bar.write(FDIRCMD, command)
        assert arrives(up, wire) == queue
    assert bar.read(FDIRMATCH) == QUEUES
    bar.write(FDIRCTRL, ATR)
    assert arrives(up, wire) == by_rss


def test_a_driver_is_told_that_the_number_is_a_report(up: Rig, wire: Wire) -> None:
    """DPDK takes the id out of the hash's place only with RSS type 15."""
    bar = up.adapter.bar
    bar.write(FDIRHKEY, twin.BUCKET_KEY)
    bar.write(FDIRSKEY, twin.SIGNATURE_KEY)
    bar.write(FDIRCTRL, ATR | FDIRCTRL.of(REPORT_STATUS_ALWAYS=1))
    wire.inject(FRAME)
    up.settle()
    (frame,) = [frame for ring in up.adapter.rx_rings for frame in ring.harvest()]
    assert frame.rss_type == RssType.FDIR
    assert frame.rss_hash == twin.bucket(SEEN) << 16 | twin.signature(SEEN)


def test_a_5_tuple_and_a_syn_filter(up: Rig, wire: Wire) -> None:
    """As ixgbe_inject_5tuple_filter and ixgbe_syn_filter_set of DPDK; FRAME is no SYN."""
    bar = up.adapter.bar
    by_rss = arrives(up, wire)
    queue = (by_rss + 1) % QUEUES
    bar.write(SYNQF, SYNQF.of(QUEUE_EN=1, RX_QUEUE=queue, SYNQFP=1))
    assert arrives(up, wire) == by_rss
    bar.write(SAQF, int.from_bytes(IPv4Address(SEEN.src).packed, "little"))
    bar.write(DAQF, int.from_bytes(IPv4Address(SEEN.dst).packed, "little"))
    ports = SEEN.sport.to_bytes(2) + SEEN.dport.to_bytes(2)
    bar.write(SDPQF, int.from_bytes(ports, "little"))
    bar.write(L34TIMIR, L34TIMIR.of(RESERVE=1, QUEUE=queue))
    bar.write(FTQF, FTQF.of(PRIORITY=1, POOL_MASK=1, ENABLE=1))
    assert arrives(up, wire) == queue
    bar.write(FTQF, 0)
    assert arrives(up, wire) == by_rss
