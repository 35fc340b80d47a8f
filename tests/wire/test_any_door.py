# SPDX-License-Identifier: BSD-3-Clause
"""What the driver does with a NIC, through whatever door.

Here that is a device process of this file's own, over a socket.  ``IXLAB_NIC=0000:01:00.0`` names another NIC to drive,
one whose wire sends everything back: tests/boot/test_ours_door.py runs this file so, in a guest, through vfio-pci.
Nothing here knows which it is.
"""

import errno
import os
import select
import struct
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from device.regs import pci as layout
from device.regs.core import Register
from device.regs.i82599 import (
    EEC,
    EIAM_EX,
    EICS_EX,
    EIMC_EX,
    EIMS_EX,
    HLREG0,
    RDBAH,
    RDBAL,
    RDLEN,
    STATUS,
    TDBAH,
    TDBAL,
    TDLEN,
    TXDCTL,
)
from driver.core.dma import IOVA_BASE_64, Arena
from driver.core.napi import NapiMode, Sink
from driver.doors.config import Config
from driver.doors.door import IrqKind
from driver.doors.open import open_door
from driver.errors import Busy, DeviceGone, DoorError, DriverError
from driver.ixgbe.hw.phy import SfpType
from tests.rigs.driving import Driver
from tests.rigs.frames import PEER, frame
from tests.rigs.process import WAIT_S, Device, until
from tests.twins.csum import checksum

pytestmark = pytest.mark.usefixtures("_no_fd_left")
QUIET_S = 0.1


@pytest.fixture(scope="module")
def nic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a NIC; each test is one more driver to it."""
    if named := os.environ.get("IXLAB_NIC"):
        yield named
        return
    with Device(tmp_path_factory.mktemp("d"), "--loopback") as device:
        yield device.name
        report = device.report()
        assert (report["unknown"], report["stalls"]) == ([], [])


def fired(fd: int, timeout_s: float = WAIT_S) -> bool:
    """Whether an eventfd was signalled in time; if so it is read."""
    if not select.select([fd], [], [], timeout_s)[0]:
        return False
    os.eventfd_read(fd)
    return True


# ---- what it is ------------------------------------------------------------------------------------------------------


def test_it_is_a_82599(nic: str) -> None:
    with Driver(nic, up=False) as driver:
        config = Config(driver.door)
        assert config.ids()[:2] == (0x8086, 0x10FB)
        assert [config.has(cap) for cap in (layout.PM_CAP_ID, layout.MSIX_CAP_ID, layout.EXP_CAP_ID)] == [True] * 3
        assert driver.door.irq_count(IrqKind.MSIX) == 64
        assert driver.door.bar_len_bytes(0) == 512 * 1024
        found = driver.adapter.describe()
    assert found["device"].startswith("82599ES")
    assert found["bus"] == "5.0 GT/s x8"
    assert found["interrupts"] == "MSIX"


def test_address_and_serial_number(nic: str) -> None:
    """The address is in RAR 0, in the EEPROM's picture of the port, and in the PCI Express serial number."""
    with Driver(nic, up=False) as driver:
        mac = bytes.fromhex(driver.adapter.mac.replace(":", ""))
        config = Config(driver.door)
        serial = driver.door.config_read(config.find_extended(0x0003) + 4, 8)[::-1]
    assert mac[0] & 1 == 0
    assert any(mac)
    assert serial == mac[:3] + b"\xff\xff" + mac[3:]


def test_eeprom_read_in_both_ways(nic: str) -> None:
    with Driver(nic, up=False) as driver:
        eeprom = driver.adapter.hw.eeprom
        assert driver.adapter.bar.read(EEC).PRES
        by_register = [eeprom.read_eerd(word) for word in range(16)]
        assert by_register == [eeprom.read_bit_bang(word) for word in range(16)]
        assert by_register == driver.adapter.read_eeprom(16)
        assert eeprom.validate_checksum()
    assert by_register[0] not in {0, 0xFFFF}


def test_part_number(nic: str) -> None:
    with Driver(nic, up=False) as driver:
        pba = driver.adapter.hw.eeprom.pba()
        assert driver.adapter.describe()["pba"] == pba
    assert pba.isprintable()
    assert len(pba) >= 10


def test_module(nic: str) -> None:
    """SFF-8472: identifier 3 is SFP, and bytes 63 and 95 are the sums of what stands before them."""
    with Driver(nic, up=False) as driver:
        assert driver.adapter.hw.phy.sfp_type is SfpType.SRLR_CORE0
        page = bytes(driver.adapter.read_module(0xA0, at) for at in range(96))
    assert page[0] == 3
    assert sum(page[:63]) % 256 == page[63]
    assert sum(page[64:95]) % 256 == page[95]
    assert page[20:36].decode("ascii").strip()


# ---- registers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("register", "mask"),
    [
        (RDBAL, 0xFFFFFF80),
        (RDBAH, 0xFFFFFFFF),
        (RDLEN, 0x000FFF80),
        (TDBAL, 0xFFFFFF80),
        (TDBAH, 0xFFFFFFFF),
        (TDLEN, 0x000FFF80),
    ],
    ids=["RDBAL", "RDBAH", "RDLEN", "TDBAL", "TDBAH", "TDLEN"],
)
def test_registers_keep_what_is_written(nic: str, register: type[Register], mask: int) -> None:
    """The patterns and masks of ``ethtool -t``."""
    with Driver(nic, up=False) as driver:
        bar = driver.adapter.bar
        for n in (0, 1, 63):
            before = bar.read(register, n)
            for pattern in (0x5A5A5A5A, 0xA5A5A5A5, 0x00000000, 0xFFFFFFFF):
                bar.write_offset(register.offset(n), pattern & mask)
                assert bar.read_offset(register.offset(n)) & mask == pattern & mask
            bar.write(register, before, n)


def test_a_wait_has_a_deadline_and_says_what_it_saw(nic: str) -> None:
    with Driver(nic, up=False) as driver:
        bar = driver.adapter.bar
        assert bar.wait(STATUS, timeout_s=WAIT_S, LAN_ID=0).LAN_ID == 0
        start_s = time.monotonic()
        with pytest.raises(TimeoutError, match=r"waited 0.05 s for TXDCTL\[100\] ENABLE=1, last read TXDCTL\("):
            bar.wait(TXDCTL, 100, timeout_s=0.05, ENABLE=1)
        assert time.monotonic() - start_s >= 0.05


# ---- DMA memory ------------------------------------------------------------------------------------------------------


def test_memory_is_mapped_cut_up_and_taken_back(nic: str) -> None:
    with Driver(nic, up=False) as driver:
        for turn in range(3):  # the same addresses again: they were really taken back
            arenas = [Arena(driver.door, 1 << 20, IOVA_BASE_64 + (n << 21)) for n in range(8)]
            buffers = [arena.alloc(5000, align=4096) for arena in arenas]
            for n, buffer in enumerate(buffers):
                assert (buffer.iova % 4096, bytes(buffer.view[:16])) == (0, bytes(16))
                buffer.view[:] = bytes([turn + n]) * 5000
            assert [buffer.view[4999] for buffer in buffers] == [turn + n for n in range(8)]
            for arena, buffer in zip(arenas, buffers, strict=True):
                arena.free(buffer)
                arena.close()


def test_memory_that_cannot_be_mapped(nic: str) -> None:
    with Driver(nic, up=False) as driver:
        arena = Arena(driver.door, 1 << 16, IOVA_BASE_64)
        with pytest.raises(FileExistsError):
            Arena(driver.door, 1 << 16, IOVA_BASE_64)
        for iova, len_bytes in ((IOVA_BASE_64 + (1 << 30), 4096), (IOVA_BASE_64, 4096)):
            with pytest.raises(OSError, match=rf"iova 0x{iova:x}"):
                driver.door.dma_unmap(iova, len_bytes)
        arena.close()
        Arena(driver.door, 1 << 16, IOVA_BASE_64).close()


# ---- interrupts ------------------------------------------------------------------------------------------------------


def test_every_vector_fires_through_its_own_eventfd(nic: str) -> None:
    with Driver(nic, queues=4) as driver:
        adapter = driver.adapter
        vectors = adapter.q_vectors
        fds = {vector.reg_idx: adapter.scheme.irq_fd(vector) for vector in vectors}
        assert len(set(fds.values())) == 4
        adapter.bar.write(EIAM_EX, 0)  # else EICS unmasks what it sets
        adapter.bar.write(EIMC_EX, 0xFFFFFFFF)
        adapter.bar.flush()
        while any(fired(fd, QUIET_S) for fd in fds.values()):
            pass  # the service task kicked all of them when the link came up
        for _ in range(3):
            for vector in vectors:
                adapter.bar.write(EIMC_EX, 2**vector.reg_idx)
                adapter.bar.write(EICS_EX, 2**vector.reg_idx)
                adapter.bar.flush()
                assert not fired(fds[vector.reg_idx], QUIET_S), "masked"
                adapter.bar.write_offset(*adapter.scheme.rearm(vector))
                assert fired(fds[vector.reg_idx])
                assert not any(fired(fd, 0) for fd in fds.values()), "nobody else's"


def test_a_vector_is_armed_beside_those_that_run_and_fires(nic: str) -> None:
    """SET_IRQS for vector 7 alone while 0 to 2 carry traffic, and back again."""
    with Driver(nic) as driver:
        adapter = driver.adapter
        tracker = adapter.scheme.tracker
        assert tracker is not None
        if not driver.door.irq_dynamic(IrqKind.MSIX):
            assert tracker.alloc_irq_at(7).index == -errno.ERANGE, "there are the enabled ones and no more"
            pytest.skip("this kernel enables all vectors at once")
        assert sorted(tracker.entries) == [0, 1, 2]
        for _ in range(2):
            added = tracker.alloc_irq_at(7)
            assert added.index == 7
            fd = added.irq_fd
            for n in range(3):
                adapter.bar.write(EIMS_EX, 2**7)
                adapter.bar.write(EICS_EX, 2**7)
                adapter.bar.flush()
                assert fired(fd), n
                assert not fired(fd, 0)
            while fired(adapter.q_vectors[0].irq.irq_fd, QUIET_S):
                pass
            adapter.bar.write_offset(*adapter.scheme.rearm(adapter.q_vectors[0]))
            driver.send([frame(7)])
            assert driver.receive(1) == [frame(7)], "the others go on"
            assert fired(adapter.q_vectors[0].irq.irq_fd)
            tracker.free_irq(added)
            assert sorted(tracker.entries) == [0, 1, 2]
        driver.send([frame(8)])
        assert driver.receive(1) == [frame(8)]


@pytest.mark.parametrize("kind", list(IrqKind), ids=lambda kind: kind.name)
def test_each_kind_of_interrupt_carries_traffic(nic: str, kind: IrqKind) -> None:
    with Driver(nic, kinds=(kind,)) as driver:
        assert driver.adapter.scheme.kind is kind
        driver.echo(8)

        def look() -> bool:
            driver.serve()
            return driver.napis[0].stats()["irqs"] >= 10 and driver.packets() >= 200

        until(look, "10 interrupts and 200 frames")
        driver.stop()
        assert driver.napis[0].stats()["rearms"] >= 9


@pytest.mark.parametrize("mode", [NapiMode.POLL, NapiMode.HYBRID], ids=lambda mode: mode.name)
def test_polling_needs_no_interrupt(nic: str, mode: NapiMode) -> None:
    with Driver(nic, queues=1) as driver:
        driver.poll(Sink.DROP, [frame(n) for n in range(100)], mode)
        until(lambda: driver.packets() == 100, "100 frames")
        driver.stop()


# ---- frames ----------------------------------------------------------------------------------------------------------


def test_frames_of_all_sizes_out_and_in_with_equal_figures(nic: str) -> None:
    frames = [frame(n, 60 + n * 13 % 1455) for n in range(300)]
    size = sum(map(len, frames))
    with Driver(nic) as driver:
        driver.send(frames[:150])
        got = driver.receive(150)
        driver.send(frames[150:], queue=1)
        got += driver.receive(150)
        seen = driver.adapter.stats()
    assert got == frames
    for name in ("tx_packets", "rx_packets", "tx_pkts_nic", "rx_pkts_nic", "broadcast"):
        assert (name, seen[name]) == (name, 300)
    assert (seen["tx_bytes"], seen["rx_bytes"]) == (size, size)
    assert (seen["tx_bytes_nic"], seen["rx_bytes_nic"]) == (size + 4 * 300,) * 2, "the chip counts the FCS"
    for name in ("rx_dropped", "rx_csum_offload_errors", "rx_crc_errors", "rx_no_dma_resources", "tx_busy"):
        assert (name, seen[name]) == (name, 0)


def test_rings_wrap_many_times(nic: str) -> None:
    with Driver(nic, queues=1, up=False) as driver:
        driver.up(ring_count=64)
        for turn in range(10):
            frames = [frame(turn * 50 + n) for n in range(50)]
            driver.send(frames)
            assert driver.receive(50) == frames


def test_jumbo_frames_after_a_change_of_mtu(nic: str) -> None:
    frames = [frame(n, 9014 - n) for n in range(20)]
    with Driver(nic, queues=1) as driver:
        driver.adapter.set_mtu(9000)
        driver.wait_link(up=True)
        driver.send(frames)
        assert driver.receive(20) == frames


def tcp4(source: str, target: str, ports: tuple[int, int]) -> bytes:
    """A TCP segment without data."""
    addresses = bytes(map(int, f"{source}.{target}".split(".")))
    head = bytes.fromhex("450000280000400040060000") + addresses
    head = head[:10] + checksum(head).to_bytes(2, "big") + head[12:]
    segment = struct.pack(">HHIIHHHH", *ports, 0, 0, 0x5010, 0, 0, 0)
    pseudo = addresses + struct.pack(">HH", 6, len(segment))
    segment = segment[:16] + checksum(pseudo + segment).to_bytes(2, "big") + segment[18:]
    return (b"\xff" * 6 + PEER + b"\x08\x00" + head + segment).ljust(60, b"\0")


# "Verifying the RSS hash calculation", Microsoft: the driver's key is theirs.
PUBLISHED = {
    tcp4("66.9.149.187", "161.142.100.80", (2794, 1766)): 0x51CCC178,
    tcp4("199.92.111.2", "65.69.140.83", (14230, 4739)): 0xC626B0EA,
    tcp4("24.19.198.95", "12.22.207.184", (12898, 38024)): 0x5C2B394A,
    tcp4("38.27.205.30", "209.142.163.6", (48228, 2217)): 0xAFC7327F,
    tcp4("153.39.163.191", "202.188.127.2", (44251, 1303)): 0x10E828A2,
}


def test_rss_spreads_by_the_published_hashes(nic: str) -> None:
    with Driver(nic, queues=4) as driver:
        driver.send(list(PUBLISHED))
        got: dict[bytes, tuple[int, int]] = {}

        def look() -> bool:
            for ring in driver.adapter.rx_rings:
                for batch in ring.batches():
                    got.update({bytes(frame): (frame.rss_hash, ring.queue) for frame in batch})
            return len(got) == len(PUBLISHED)

        until(look, f"{len(PUBLISHED)} frames")
        errors = driver.adapter.stats()["rx_csum_offload_errors"]
    assert got == {data: (value, value % 128 % 4) for data, value in PUBLISHED.items()}
    assert len(Counter(queue for _, queue in got.values())) > 1
    assert errors == 0


def test_the_mac_loops_back_by_itself(nic: str) -> None:
    with Driver(nic, queues=1) as driver:
        driver.adapter.bar.update(HLREG0, LPBK=1)
        frames = [frame(n) for n in range(50)]
        driver.send(frames)
        assert driver.receive(50) == frames


# ---- resets and ends -------------------------------------------------------------------------------------------------


def test_down_and_up_and_a_reset_of_the_port(nic: str) -> None:
    with Driver(nic) as driver:
        for ring_count in (64, 256):
            driver.adapter.down()
            driver.up(ring_count=ring_count)
            driver.send([frame(ring_count)])
            assert driver.receive(1) == [frame(ring_count)]
        driver.adapter.reinit()
        driver.wait_link(up=True)
        driver.send([frame(1)])
        assert driver.receive(1) == [frame(1)]


def test_function_level_reset_then_a_new_probe(nic: str) -> None:
    with Driver(nic, up=False) as driver:
        bar = driver.adapter.bar
        bar.write(RDBAH, 0x12345678)
        assert bar.read(RDBAH) == 0x12345678
        driver.door.reset()
        assert bar.read(RDBAH) == 0
        assert Config(driver.door).ids()[:2] == (0x8086, 0x10FB)
    with Driver(nic) as driver:
        driver.send([frame(2)])
        assert driver.receive(1) == [frame(2)]


def test_drivers_one_after_another(nic: str) -> None:
    for turn in range(3):
        with Driver(nic) as driver:
            driver.send([frame(turn)])
            assert driver.receive(1) == [frame(turn)]


# ---- errors ----------------------------------------------------------------------------------------------------------


def test_a_second_driver_is_refused_and_the_first_goes_on(nic: str) -> None:
    with Driver(nic) as driver:
        with pytest.raises(Busy):
            Driver(nic)
        driver.send([frame(7)])
        assert driver.receive(1) == [frame(7)]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("0000:77:00.0", "no such PCI function; `lspci -D`"),
        ("01:00", "neither a socket nor a PCI address"),
        ("vfio-user:/nowhere/nic.sock", "no such socket; start the device first"),
    ],
)
def test_names_behind_which_there_is_nothing(name: str, words: str) -> None:
    with pytest.raises(DoorError, match=words):
        open_door(name)


def test_numbers_that_cannot_be(nic: str) -> None:
    with Driver(nic, up=False) as driver:
        door, adapter = driver.door, driver.adapter
        for offset in (-1, 4096, 1 << 20):
            with pytest.raises(OSError, match="configuration"):
                door.config_read(offset, 4)
        with pytest.raises(OSError, match="no BAR 1"):
            door.bar_mmio(1)
        with pytest.raises(ValueError, match="65 eventfds for 64 MSIX interrupts"):
            door.irq_enable(IrqKind.MSIX, [0] * 65)
        with pytest.raises(OSError, match="BAR 0"):
            adapter.bar.read_offset(door.bar_len_bytes(0))
        for queues, mtu, ring_count, word in ((65, 1500, 64, "65"), (1, 9711, 64, "9711"), (1, 1500, 63, "63")):
            with pytest.raises(DriverError, match=word):
                adapter.up(queues, mtu, ring_count)
        driver.up()
        driver.send([frame(3)])
        assert driver.receive(1) == [frame(3)]


def test_a_closed_door_says_so_and_nothing_crashes(nic: str) -> None:
    with Driver(nic, up=False) as driver:
        door, bar = driver.door, driver.adapter.bar
    door.close()
    with pytest.raises((OSError, DeviceGone)):
        door.config_read(0, 4)
    with pytest.raises(DeviceGone, match="STATUS"):
        bar.read(STATUS)
    with pytest.raises((OSError, DeviceGone)):
        door.irq_enable(IrqKind.MSIX, [0])
    with pytest.raises((OSError, DeviceGone)):
        Arena(door, 4096)
