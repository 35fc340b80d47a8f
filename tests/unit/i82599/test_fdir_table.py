# SPDX-License-Identifier: BSD-3-Clause
"""Flow director: room, buckets, collisions, pools, overflow, and the statistics that DPDK reads."""

from ipaddress import IPv4Address

import pytest

from device.i82599.fdir.block import Fdir
from device.regs.i82599 import (
    EICR,
    FDIRCMD,
    FDIRCTRL,
    FDIRFREE,
    FDIRFSTAT,
    FDIRHASH,
    FDIRIPDA,
    FDIRIPSA,
    FDIRLEN,
    FDIRM,
    FDIRMATCH,
    FDIRMISS,
    FDIRTCPM,
    FDIRUSTAT,
    VFRE,
    VT_CTL,
)
from device.regs.i82599.desc import RXDFDIR, RssType
from device.regs.i82599.fdir import FdirCmd, PbAlloc
from tests.rigs.fdir import (
    ATR,
    FLOW,
    IPV4_TYPE,
    PERFECT,
    arrives,
    atr,
    do,
    frame,
    queues,
    renew,
)
from tests.rigs.rx import Rig, Ring
from tests.twins import fdir as twin

FLM_COLLISION, FLM_DROP, FLM_LENGTH = 4, 2, 1


@pytest.fixture
def rig(made: Rig) -> Rig:
    return renew(made)


@pytest.fixture
def rings(rig: Rig) -> dict[int, Ring]:
    return queues(rig, 0, 5, 9)


@pytest.mark.parametrize("pballoc", [PbAlloc.K64, PbAlloc.K128, PbAlloc.K256])
@pytest.mark.parametrize(("perfect", "bits"), [(0, 12), (1, 10)])
def test_buckets_and_room_grow_with_the_table(
    rig: Rig, rings: dict[int, Ring], pballoc: PbAlloc, perfect: int, bits: int
) -> None:
    """Drivers write 13 or 15 bits of bucket whatever the size, and the chip takes what it has."""
    rig.write(FDIRCTRL, FDIRCTRL.of(PBALLOC=pballoc, PERFECT_MATCH=perfect))
    bits += pballoc
    assert (1 << bits) - 1 == FDIRFREE(rig.read(FDIRFREE)).FREE
    do(rig, 0x77_0000 | 1 << bits | 5, FdirCmd.ADD_FLOW)
    assert do(rig, 0x77_0005, FdirCmd.QUERY_REM_FILT).FILTER_VALID
    assert not do(rig, 0x77_0005 ^ 1 << bits - 1, FdirCmd.QUERY_REM_FILT).FILTER_VALID
    assert (1 << bits) - 2 == FDIRFREE(rig.read(FDIRFREE)).FREE


def test_without_memory_there_is_no_room(rig: Rig) -> None:
    """FDIRCTRL.PBALLOC = 0, as ixgbe leaves it with ntuple filters and ATR off."""
    rig.write(FDIRCTRL, 0)
    assert FDIRFREE(rig.read(FDIRFREE)).FREE == 0
    do(rig, 0x77_0005, FdirCmd.ADD_FLOW)
    assert FDIRFSTAT(rig.read(FDIRFSTAT)) == FDIRFSTAT.of(FADD=1)
    assert not do(rig, 0x77_0005, FdirCmd.QUERY_REM_FILT).FILTER_VALID


def test_clearht_empties_the_table(rig: Rig, rings: dict[int, Ring]) -> None:
    """ixgbe_reinit_fdir_tables_82599 writes it before FDIRCTRL, which would do it, too."""
    room = FDIRFREE(rig.read(FDIRFREE)).FREE
    atr(rig, FLOW)
    rig.write(FDIRCMD, FDIRCMD.of(CLEARHT=1))
    rig.write(FDIRCMD, 0)
    assert FDIRFREE(rig.read(FDIRFREE)) == FDIRFREE.of(FREE=room)
    assert arrives(rig, rings, frame(FLOW))[0] == 0


@pytest.mark.parametrize("pballoc", [PbAlloc.K64, PbAlloc.K256])
def test_overflow_tells_early_and_refuses_late(rig: Rig, rings: dict[int, Ring], pballoc: PbAlloc) -> None:
    """Linux asks to be told when 64 filters are left, and starts over."""
    rig.write(FDIRCTRL, FDIRCTRL.of(PBALLOC=pballoc, FULL_THRESH=4, FLEX=6))
    room = FDIRFREE(rig.read(FDIRFREE)).FREE
    rig.read(EICR)
    for n in range(room - 65):
        do(rig, n % 0x1000 | n // 0x1000 << 16, FdirCmd.ADD_FLOW)
    assert not EICR(rig.read(EICR)).FLOW_DIR
    do(rig, 0x7FFE_0000, FdirCmd.ADD_FLOW)
    assert FDIRFREE(rig.read(FDIRFREE)).FREE == 64
    assert EICR(rig.read(EICR)).FLOW_DIR
    for n in range(64):
        do(rig, 0x7FF0_0000 | n, FdirCmd.ADD_FLOW)
    assert FDIRFREE(rig.read(FDIRFREE)).FREE == 0
    atr(rig, FLOW)
    assert FDIRFSTAT(rig.read(FDIRFSTAT)) == FDIRFSTAT.of(FADD=1)
    assert arrives(rig, rings, frame(FLOW))[0] == 0
    start_over(rig, rings)


def start_over(rig: Rig, rings: dict[int, Ring]) -> None:
    """ixgbe_reinit_fdir_tables_82599, write by write."""
    fdirctrl = rig.read(FDIRCTRL) & ~int(FDIRCTRL.of(INIT_DONE=1))
    rig.write(FDIRFREE, 0)
    rig.write(FDIRCMD, rig.read(FDIRCMD) | FDIRCMD.of(CLEARHT=1))
    rig.write(FDIRCMD, rig.read(FDIRCMD) & ~int(FDIRCMD.of(CLEARHT=1)))
    rig.write(FDIRHASH, 0)
    rig.write(FDIRCTRL, fdirctrl)
    assert FDIRCTRL(rig.read(FDIRCTRL)).INIT_DONE
    for register in (FDIRUSTAT, FDIRFSTAT, FDIRMATCH, FDIRMISS, FDIRLEN):
        rig.read(register)
    atr(rig, FLOW)
    assert arrives(rig, rings, frame(FLOW))[0] == 5
    assert [rig.read(register) for register in (FDIRUSTAT, FDIRFSTAT, FDIRMATCH, FDIRMISS)] == [1, 0, 1, 0]


def test_a_bucket_with_many_filters(rig: Rig, rings: dict[int, Ring]) -> None:
    """FDIRLEN: the longest bucket, and which; a query tells how long its own is.  Order and neighbours stay."""
    home = twin.bucket(FLOW)
    for n in range(12):
        do(rig, n << 16 | home, FdirCmd.ADD_FLOW)
    atr(rig, FLOW)
    do(rig, 99 << 16 | home ^ 1, FdirCmd.ADD_FLOW)  # a short one, later
    longest = FDIRLEN(rig.read(FDIRLEN))
    assert (13, home & 0x1FFF) == (longest.MAXLEN, longest.MAXHASH)
    assert FDIRLEN(rig.read(FDIRLEN)).MAXLEN == 0, "a read clears it"
    do(rig, 3 << 16 | home, FdirCmd.QUERY_REM_FILT)
    assert FDIRLEN(rig.read(FDIRLEN)).BUCKET_LEN == 13
    rig.write(FDIRHASH, 0)
    for n in (0, 5, 11):
        do(rig, n << 16 | home, FdirCmd.REMOVE_FLOW)
    assert arrives(rig, rings, frame(FLOW))[0] == 5
    assert [bool(do(rig, n << 16 | home, FdirCmd.QUERY_REM_FILT).FILTER_VALID) for n in range(12)] == [
        n not in {0, 5, 11} for n in range(12)
    ]
    assert FDIRLEN(rig.read(FDIRLEN)).BUCKET_LEN == 10


def test_what_is_longer_than_fdirlen_can_tell(rig: Rig) -> None:
    """ixgbe and DPDK show MAXLEN and MAXHASH; neither may run over into the other."""
    most = FDIRLEN.MAXLEN.max
    for n in range(most + 2):
        do(rig, n << 16 | 5, FdirCmd.ADD_FLOW)
    do(rig, 3 << 16 | 5, FdirCmd.QUERY_REM_FILT)
    told = FDIRLEN(rig.read(FDIRLEN))
    assert (most, 5, min(most + 2, FDIRLEN.BUCKET_LEN.max)) == (told.MAXLEN, told.MAXHASH, told.BUCKET_LEN)


def test_a_removed_place_is_used_again(rig: Rig) -> None:
    for n in range(3):
        do(rig, n, FdirCmd.ADD_FLOW)
    do(rig, 1, FdirCmd.REMOVE_FLOW)
    do(rig, 7, FdirCmd.ADD_FLOW)
    assert sorted(flow.name for flow in Fdir(rig.nic).flows()) == [0, 0, 0]
    assert (rig.nic.c.fdir.used, rig.nic.c.fdir.top) == (3, 3)
    assert [bool(do(rig, n, FdirCmd.QUERY_REM_FILT).FILTER_VALID) for n in (0, 1, 2, 7)] == [True, False, True, True]


def test_collision(rig: Rig, rings: dict[int, Ring]) -> None:
    """Without FILTER_UPDATE the filter that is there stays, and is marked; frames that meet it say so."""
    rig.write(FDIRCTRL, ATR | FDIRCTRL.of(REPORT_STATUS=1))
    do(rig, FDIRHASH.of(BUCKET_VALID=1) | twin.linux_atr(FLOW), FdirCmd.ADD_FLOW, QUEUE_EN=1, RX_QUEUE=5)
    for _ in range(3):
        assert atr(rig, FLOW, 9, FILTER_UPDATE=0).COLLISION
    assert FDIRFREE(rig.read(FDIRFREE)) == FDIRFREE.of(FREE=8190, COLL=1)
    queue, q0, q1 = arrives(rig, rings, frame(FLOW))
    assert (queue, q0.RSSTYPE, q1.ERR_FDIR) == (5, RssType.FDIR, FLM_COLLISION)
    assert (twin.bucket(FLOW), twin.signature(FLOW)) == (RXDFDIR(q0).HASH, RXDFDIR(q0).SOFT_ID)
    atr(rig, FLOW, 9)
    queue, _, q1 = arrives(rig, rings, frame(FLOW))
    assert (queue, q1.ERR_FDIR) == (9, FLM_COLLISION)
    do(rig, twin.linux_atr(FLOW), FdirCmd.REMOVE_FLOW)
    assert FDIRFREE(rig.read(FDIRFREE)) == FDIRFREE.of(FREE=8191)


def test_the_descriptor_tells_of_drops_and_long_buckets(rig: Rig, rings: dict[int, Ring]) -> None:
    rig.write(FDIRCTRL, FDIRCTRL.of(PBALLOC=1, REPORT_STATUS=1, FLEX=6, DROP_Q=9, MAX_LENGTH=2))
    atr(rig, FLOW, DROP=1)
    queue, _, q1 = arrives(rig, rings, frame(FLOW))
    assert (queue, q1.ERR_FDIR) == (9, FLM_DROP)
    for ahead, told in ((1, 0), (2, FLM_LENGTH)):
        rig.write(FDIRCTRL, rig.read(FDIRCTRL))
        for n in range(ahead):
            do(rig, n << 16 | twin.bucket(FLOW), FdirCmd.ADD_FLOW)
        atr(rig, FLOW)
        queue, _, q1 = arrives(rig, rings, frame(FLOW))
        assert (queue, q1.ERR_FDIR) == (5, told)


def test_pools_are_compared_and_hashed(rig: Rig, rings: dict[int, Ring]) -> None:
    """FDIRM.POOL = 0, its reset value; without pools a frame is of pool 0."""
    rig.write(VT_CTL, VT_CTL.of(POOL=3))
    atr(rig, FLOW)
    assert arrives(rig, rings, frame(FLOW))[0] == 5
    rig.write(VT_CTL, VT_CTL.of(VT_ENABLE=1, POOL=3))
    rig.write(VFRE, 1 << 3)
    assert arrives(rig, rings, frame(FLOW))[0] == 0
    of_pool = twin.Flow("10.1.2.3", "10.9.8.7", 1000, 2000, twin.TCP, flex=IPV4_TYPE, pool=3)
    atr(rig, of_pool, 9, VT_POOL=3)
    assert arrives(rig, rings, frame(FLOW))[0] == 9
    rig.write(FDIRM, FDIRM.of(POOL=1))
    assert arrives(rig, rings, frame(FLOW))[0] == 5


def test_a_frame_without_a_perfect_filter_reports_its_bucket_alone(rig: Rig, rings: dict[int, Ring]) -> None:
    rig.write(FDIRCTRL, PERFECT | FDIRCTRL.of(REPORT_STATUS_ALWAYS=1))
    _, q0, q1 = arrives(rig, rings, frame(FLOW))
    assert (q0.RSSTYPE, q1.STAT_FLM) == (RssType.FDIR, 0)
    assert (twin.bucket(FLOW), 0) == (RXDFDIR(q0).HASH, RXDFDIR(q0).SOFT_ID)


def test_a_perfect_filter_in_the_wrong_bucket_is_never_met(rig: Rig, rings: dict[int, Ring]) -> None:
    """A driver whose hash is wrong learns it here, not on the card."""
    rig.write(FDIRCTRL, PERFECT)
    everything = FDIRM.of(VLANID=1, VLANP=1, POOL=1, FLEX=1, DIPv6=1, L4P=1)
    rig.write(FDIRM, everything)
    rig.write(FDIRTCPM, 0xFFFF_FFFF)
    sources = twin.Flow("10.1.2.3", "10.9.8.7")
    for register, address in ((FDIRIPSA, sources.src), (FDIRIPDA, sources.dst)):
        rig.write(register, int.from_bytes(IPv4Address(address).packed, "little"))
    do(rig, twin.bucket(sources) ^ 1, FdirCmd.ADD_FLOW, QUEUE_EN=1, RX_QUEUE=5)
    assert arrives(rig, rings, frame(FLOW))[0] == 0
    do(rig, twin.bucket(sources), FdirCmd.ADD_FLOW, QUEUE_EN=1, RX_QUEUE=9)
    assert arrives(rig, rings, frame(FLOW))[0] == 9
