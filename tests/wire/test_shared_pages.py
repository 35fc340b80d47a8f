# SPDX-License-Identifier: BSD-3-Clause
"""Shared doorbells hand out four pages and nothing else; nothing there is believed but what software may write."""

import fcntl
import mmap
import os
import random
import struct
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from device.regs.i82599 import CRCERRS, PVFGPRC, QPRC, QPTC, RAL, RDT, SRRCTL, TDBAL
from tests.rigs.hostile import PAGE, PART_BYTES, RDBAL, TAIL, Rings, memfd
from tests.rigs.process import Device, until

pytestmark = pytest.mark.usefixtures("_no_fd_left")
TAIL_PAGES = [0x1000, 0x6000, 0x7000, 0xD000]
ROUNDS, BATCH = 90_000, 500
STATUS, CTRL, SOFTWARE_RESET = 0x8, 0x0, 1 << 26
CANARY = b"\xa5" * PAGE


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Device]:
    with Device(tmp_path, "--loopback", "--doorbells", "shared") as device:
        yield device


def test_the_file_holds_these_pages_alone_and_nobody_resizes_it(device: Device) -> None:
    with Rings(device.path) as rings:
        assert sorted(rings.areas) == TAIL_PAGES
        (fd,) = rings.bar_fds
        assert os.fstat(fd).st_size == TAIL_PAGES[-1] + PAGE
        assert fcntl.fcntl(fd, fcntl.F_GET_SEALS) == fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
        for size in (0, 1 << 20):
            with pytest.raises(PermissionError):
                os.ftruncate(fd, size)
        with mmap.mmap(fd, TAIL_PAGES[-1] + PAGE) as whole:
            for page in range(0, len(whole), PAGE):
                if page not in TAIL_PAGES:
                    whole[page : page + PAGE] = CANARY
        assert rings.read32(0, STATUS) not in (0, 0xA5A5_A5A5)
        assert rings.read(0, RAL.offset(0), 4) != CANARY[:4]
        rings.start()
        rings.post(8)
        until(lambda: rings.received() == 8, "frames pass")


def holds(rings: Rings, offset: int, value: int) -> bool:
    return rings.load(offset) == value


def test_a_store_is_a_write_by_the_registers_rule(device: Device) -> None:
    """Read-only bits go back to what they were, in the page and in the device."""
    with Rings(device.path) as rings:
        for offset, stored, kept in (
            (PVFGPRC.offset(3), 0xFFFF_FFFF, 0),
            (TDBAL.offset(5), 0xFFFF_FFFF, 0xFFFF_FF80),
            (RDT.offset(64), 0x1234_5678, 0x5678),
            (0x1000 + 0x3C, 0xFFFF_FFFF, 0),  # no register
        ):
            rings.store(offset, stored)
            until(partial(holds, rings, offset, kept), f"{offset:#x} holds {kept:#x}")
            assert rings.read32(0, offset) == kept


def test_a_write_to_another_address_of_a_register_shows_in_the_page(device: Device) -> None:
    with Rings(device.path) as rings:
        rings.write32(0, SRRCTL.ALIAS[2], 4)
        assert rings.load(SRRCTL.offset(2)) == 4
        rings.write32(0, RDT.offset(2), 9)
        assert rings.load(RDT.offset(2)) == 9


def test_a_hole_punched_into_the_pages_stops_queues_and_nothing_else(device: Device) -> None:
    with Rings(device.path) as rings:
        rings.start()
        with mmap.mmap(rings.bar_fds[0], TAIL_PAGES[-1] + PAGE) as whole:
            whole.madvise(mmap.MADV_REMOVE)
        assert rings.read32(0, STATUS)
        rings.start()
        rings.post(8)
        until(lambda: rings.received() == 8, "frames pass once rings are set up anew")


def has(rings: Rings, frames: int) -> bool:
    return rings.received() == frames


def test_a_client_that_maps_the_pages_finds_its_queues_counted(device: Device) -> None:
    """A round of ixgbe's: CRCERRS by a trap, then the queues' counters as memory; each frame is in one round."""
    with Rings(device.path) as rings:
        rings.start()
        for frames in (8, 0, 3):
            before = rings.received()
            rings.post(frames)
            until(partial(has, rings, before + frames), "frames pass")
            rings.read32(0, CRCERRS.offset(0))
            assert [rings.load(offset) for offset in (QPRC.offset(0), QPTC.ALIAS[0])] == [frames, frames]


def others(rings: Rings) -> bytes:
    """Every register outside the pages that has no side effect of reading, and is no counter."""
    return b"".join(rings.read(0, at, 4) for at in (*RAL.AT, 0x5080, 0x4240, 0x3000, 0x2F00, 0x4A80, 0x5000, 0x5818))


def test_random_stores_while_rings_run(device: Device) -> None:
    """Whatever is stored there: registers outside stay, DMA stays in what is mapped, and a reset heals all of it."""
    dice = random.Random(82599)
    with Rings(device.path, lambda name, len_bytes: memfd(name, len_bytes + PAGE)) as rings:
        rings.start()
        rings.post(8)
        until(lambda: rings.received() == 8, "frames pass")
        before = others(rings)
        near = [iova + skip for iova in rings.iova.values() for skip in (0, PART_BYTES - 128, PART_BYTES, -PAGE)]
        for fd in rings.fd.values():
            os.pwrite(fd, CANARY, PART_BYTES)
        with mmap.mmap(rings.bar_fds[0], TAIL_PAGES[-1] + PAGE) as whole:
            for turn in range(ROUNDS // BATCH):
                for _ in range(BATCH):
                    at = dice.choice(TAIL_PAGES) + 4 * dice.randrange(PAGE // 4)
                    if dice.random() < 0.5:  # near the queues that run
                        at = dice.choice((0x1000, 0x6000)) + 4 * dice.randrange(16)
                    value = dice.choice((0, 1, 0xFFFF_FFFF, 1 << 25, dice.choice(near)))
                    struct.pack_into("<I", whole, at, value if dice.random() < 0.7 else dice.getrandbits(32))
                if turn % 10 == 0:
                    assert rings.read32(0, STATUS), f"round {turn * BATCH}"
        assert others(rings) == before
        for part, fd in rings.fd.items():
            assert os.pread(fd, 2 * PAGE, PART_BYTES) == CANARY, f"DMA reached behind {part}"
        assert device.report()["client"] is True

        rings.write32(0, CTRL, SOFTWARE_RESET)
        rings.start()
        rings.post(8)
        until(lambda: rings.received() == 8, "after a reset frames pass again")
    device.without_client()
    with Rings(device.path) as rings:
        rings.start()
        assert rings.load(RDBAL + TAIL)
        rings.post(8)
        until(lambda: rings.received() == 8, "the next client's frames pass")
