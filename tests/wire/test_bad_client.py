# SPDX-License-Identifier: BSD-3-Clause
"""Clients that come at the wrong time, bring the wrong memory, or want too much: told so, and nobody else suffers."""

import errno
import json
import mmap
import os
import re
import select
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from driver.doors.vfio_user import VfioUserDoor
from driver.errors import Busy
from tests.rigs.client import CAPABILITIES, DMA_MAP, HEADER, REGION_READ, VERSION, Client
from tests.rigs.counts import fd_count
from tests.rigs.process import Device, until

STATUS, EICS, EIMS, EERD = 0x0008, 0x0808, 0x0880, 0x10014
GPIE, IVAR = 0x0898, 0x0900
MSIX_CONTROL, DEVCTL = 0x72, 0xA8
TDBAL, TDLEN, TDT, TXDCTL, DMATXCTL = 0x6000, 0x6008, 0x6018, 0x6028, 0x4A80
ENABLE, TRANSMIT = 1 << 25, 1
BASE, SIZE = 0x10_0000, 0x1_0000
HELLO = struct.pack("<HH", 0, 1) + CAPABILITIES


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Device]:
    with Device(tmp_path) as made:
        yield made


def test_a_second_client_is_turned_away_at_once(device: Device) -> None:
    with Client(device.path) as first:
        for _ in range(3):
            refused = pytest.raises(OSError, match=os.strerror(errno.EBUSY))
            with Client(device.path, shake_hands=False) as second, refused:
                second.call(VERSION, HELLO)
        assert first.read32(0, STATUS)
        words = rf"W device.serve.doorman: pid {os.getpid()} \(\S+\) was turned away \(EBUSY\): pid {os.getpid()} "
        assert len(device.said(words, 3)) == 3
        assert device.report()["socket"]["turned_away"] == 3
    device.without_client()
    with Client(device.path) as after:
        assert after.read32(0, STATUS)


def test_one_who_comes_when_the_first_has_left_is_served(device: Device) -> None:
    for _ in range(30):
        Client(device.path).close()
    with Client(device.path) as last:
        assert last.read32(0, STATUS)
    assert device.logged_until_now("turned away") == []


def test_callers_that_say_nothing_or_nonsense(device: Device) -> None:
    with Client(device.path) as first:
        callers = [socket.socket(socket.AF_UNIX) for _ in range(40)]
        for caller in callers:
            caller.connect(str(device.path))
        callers[0].send(b"x")
        callers[1].send(b"\xff" * 100_000)
        callers[2].close()
        for caller in callers[1:2] + callers[3:]:
            assert select.select([caller], [], [], 30)[0], "sent away in the end"
        assert callers[0].recv(HEADER.size)
        for caller in callers:
            caller.close()
        assert first.read32(0, STATUS)
        assert len(device.said("turned away", 2)) == 2


def test_memory_without_a_file_is_named_once_and_refused(device: Device) -> None:
    with Client(device.path) as client:
        for page in range(8):
            at = BASE + page * SIZE
            client.call(DMA_MAP, struct.pack("<IIQQQ", 32, 3, 0, at, SIZE))
        client.call(DMA_MAP, struct.pack("<IIQQQ", 32, 1, 0, 0xFFFC_0000, SIZE))  # a VM's ROM is no news
        warned = device.said(r"W device.serve.vfu: client memory \[0x100000, 0x10ffff\] came without .*memfd.*share=on")
        assert len(warned) == len(device.logged_until_now("came without")) == 1
        client.write(7, 4, b"\x06\0")
        client.write32(0, DMATXCTL, TRANSMIT)
        client.write32(0, TDBAL, BASE)
        client.write32(0, TDLEN, 1024)
        client.write32(0, TXDCTL, ENABLE)
        client.write32(0, TDT, 1)
        assert device.said(r"Tx queue 0 stands still: .*not mapped for DMA")
        report = device.report()
        assert report["counters"]["dma_errors"] >= 1
        assert report["socket"]["dma_without_fd"] == 8
    device.without_client()
    with Client(device.path) as client:
        client.call(DMA_MAP, struct.pack("<IIQQQ", 32, 3, 0, BASE, SIZE))
        assert len(device.said("came without", 2)) == 2, "another client is told, too"


def test_a_vgas_memory_is_no_news(device: Device) -> None:
    """QEMU hands over a VGA's memory as if it were the guest's, without a file, beside memory that is one."""
    vga = 0xFD00_0000, 16 << 20
    fd = os.memfd_create("ram")
    os.ftruncate(fd, SIZE)
    with Client(device.path) as client:
        client.call(DMA_MAP, struct.pack("<IIQQQ", 32, 3, 0, BASE, SIZE), fds=[fd])
        client.call(DMA_MAP, struct.pack("<IIQQQ", 32, 3, 0, *vga))
        assert client.read32(0, STATUS)
        assert not device.logged_until_now("shared memfd")
        client.call(DMA_MAP, struct.pack("<IIQQQ", 32, 3, 0, 0x1_0000_0000, 1 << 30))
        assert device.said(r"W .*\[0x100000000, 0x13fffffff\] came without .*shared memfd"), "a guest's own is"
    device.without_client()
    with Client(device.path) as client:  # of another client nothing is known
        client.call(DMA_MAP, struct.pack("<IIQQQ", 32, 3, 0, *vga))
        assert device.said(r"W .*\[0xfd000000, 0xfdffffff\] came without .*shared memfd")
    os.close(fd)


@pytest.mark.parametrize("private", [True, False])
def test_memory_that_is_not_shared_is_named(device: Device, private: bool) -> None:
    fd = os.memfd_create("ram")
    os.ftruncate(fd, 2 * SIZE)
    with mmap.mmap(fd, 2 * SIZE, mmap.MAP_PRIVATE if private else mmap.MAP_SHARED), Client(device.path) as client:
        client.map(fd, BASE, SIZE)
        client.map(fd, BASE + SIZE, SIZE, SIZE)
        assert device.report()["socket"]["dma_private"] == int(private)
    os.close(fd)
    words = (
        r"W device.serve.vfu: client memory \[0x100000, 0x10ffff\] is a file that the client maps privately.*share=on"
    )
    assert len(device.logged_until_now(words)) == int(private)


def test_a_function_level_reset_forgets_pending_interrupts(device: Device) -> None:
    pending, flr = 0x2000, 0x8000
    with Client(device.path) as client:
        client.write(7, MSIX_CONTROL, b"\x00\x80")
        client.write32(0, GPIE, 0x10)
        client.write32(0, IVAR, 0x80)
        client.write32(0, EIMS, 1)
        client.write32(0, EICS, 1)
        until(lambda: client.read32(4, pending), "an interrupt that nobody hears is pending")
        control = int.from_bytes(client.read(7, DEVCTL, 2), "little")
        client.write(7, DEVCTL, (control | flr).to_bytes(2, "little"))
        assert client.read32(4, pending) == 0


def test_a_slow_register_is_named_and_the_next_client_served(device: Device) -> None:
    slow = {"register": "EERD", "s": 3.5}
    assert device.ask(slow=slow)["slow"] == slow
    with Client(device.path, timeout_s=1) as client, pytest.raises(TimeoutError):
        client.read32(0, EERD)
    assert device.said(r"W device.machine.regfile: reading EERD\[0\] took [34]\.\d s; .*x-msg-timeout")
    device.without_client()
    device.ask(slow={"register": "EERD", "s": 0})
    with Client(device.path, timeout_s=3) as client:
        client.read32(0, EERD)
    assert device.report()["counters"]["slow_answers"] == 1


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"register": "NOSUCH", "s": 1}, "no register is called NOSUCH"),
        ({"register": "EERD", "s": -1}, "0 to 60 seconds"),
        ({"register": "EERD", "s": 1e9}, "0 to 60 seconds"),
        ({"register": "EERD"}, "wanted"),
        (8, "wanted"),
    ],
)
def test_a_slow_register_must_be_one(device: Device, wanted: object, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        device.ask(slow=wanted)


def test_a_guest_that_tries_every_offset_leaves_a_report_that_can_be_read(device: Device) -> None:
    with Client(device.path) as client:
        for offset in range(0, 0x2_0000, 0x1000):
            client.read(0, offset, 0x1000)
        unknown = device.report()["unknown"]
        assert len(unknown) == 65
        assert re.fullmatch(r"\d{4,} more", unknown[-1][0])
        assert unknown[-1][1] >= 1000


def test_an_answer_goes_out_whole_however_slowly_it_is_read(device: Device) -> None:
    asked = 1000
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(100)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        sock.connect(str(device.control))
        for _ in range(asked // 100):
            sock.sendall(b'{"report": true}\n' * 100)
        sock.shutdown(socket.SHUT_WR)
        time.sleep(0.2)
        device.report()  # nobody waits for the slow one
        with sock.makefile("rb") as answers:
            lines = answers.readlines()
    assert len(lines) == asked
    assert all(json.loads(line)["ok"] for line in lines)


def test_our_driver_says_who_has_the_nic(device: Device) -> None:
    with Client(device.path), pytest.raises(Busy, match="says that it is serving another client"):
        VfioUserDoor(device.path)


def test_the_version_reply_names_the_error(device: Device) -> None:
    with Client(device.path), Client(device.path, shake_hands=False) as second:
        number = second.send(VERSION, HELLO)
        reply = second.sock.recv(100)
        assert HEADER.unpack(reply) == (number, VERSION, HEADER.size, 0x21, errno.EBUSY)
        assert second.sock.recv(1) == b""


def test_files_sent_in_a_burst_are_all_closed(device: Device) -> None:
    """Found by the fuzzer: files with a name are closed by threads, and those beyond sixteen at once stayed open."""
    with Client(device.path) as client, Path("/dev/null").open("rb") as file:
        assert client.read32(0, STATUS)
        before = fd_count(device.pid)
        body = struct.pack("<QII", STATUS, 0, 4)
        for _ in range(200):
            assert client.call(REGION_READ, body, [file.fileno()] * 9)
        until(lambda: fd_count(device.pid) == before, "they are closed")
