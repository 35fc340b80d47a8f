# SPDX-License-Identifier: BSD-3-Clause
"""What a wire may bring, and the one counter of ``ethtool -S`` that it moves; by hand, and as a capture with FCS does.

rx_crc_errors, rx_length_errors, rx_undersize, rx_oversize, rx_fragments, rx_jabbers, rx_csum_errors.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.errors import ConfigError
from device.machine.core import lib
from device.machine.wire import PcapPort
from device.regs.i82599 import CRCERRS, CTRL_EXT, FCTRL, GPRC, HLREG0, MAXFRS, RFC, RJC, RLEC, ROC, RUC, TPR, XEC
from device.regs.i82599.desc import RXD
from tests.rigs.rx import Rig

ADDRESSES = bytes.fromhex("020000000001020000000002")
ERRORS = (CRCERRS, RLEC, RUC, ROC, RFC, RJC, XEC)
FCS_OF_4 = 0x2400_0001  # link type 1, and 2 times 16 bits of FCS


def frame(size: int, kind: str = "88b5") -> bytes:
    return (ADDRESSES + bytes.fromhex(kind)).ljust(size, b"\0")


def moved(rig: Rig) -> dict[str, int]:
    return {counter.NAME: value for counter in (*ERRORS, GPRC) if (value := rig.read(counter))}


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as rig:
        yield rig


BAD_IP = "0800450000140000000040110000c0000201c0000202"
CASES = {
    "whole": (frame(60), False, "GPRC"),
    "damaged": (frame(60), True, "CRCERRS"),
    "damaged, the longest": (frame(1514), True, "CRCERRS"),
    "undersize": (frame(59), False, "RUC"),
    "no header": (frame(13), False, "RUC"),
    "fragment": (frame(59), True, "RFC"),
    "oversize": (frame(1600), False, "ROC"),
    "jabber": (frame(1600), True, "RJC"),
    "length says more": (frame(60, "0040"), False, "RLEC"),
    "length says less": (frame(200, "0040"), False, "RLEC"),
    "length is right": (frame(14 + 0x40, "0040"), False, "GPRC"),
    "length, padded": (frame(60, "0003"), False, "GPRC"),
    "length behind a tag": (frame(18 + 0x40, "810000050040"), False, "GPRC"),
    "length behind a tag, wrong": (frame(19 + 0x40, "810000050040"), False, "RLEC"),
    "the first type": (frame(60, "0600"), False, "GPRC"),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("way", ["by hand", "capture"])
def test_each_moves_one_counter(rig: Rig, tmp_path: Path, name: str, way: str) -> None:
    data, damaged, counter = CASES[name]
    ring = rig.ring()
    ring.post(7)
    if way == "by hand":
        rig.receive(data, flags=lib.FRAME_EXACT | (lib.FRAME_BAD_CRC if damaged else 0))
    else:
        with PcapPort(capture(tmp_path, [(data, damaged)])) as port:
            play(rig, port)
    assert moved(rig) == {counter: 1}
    assert len(ring.take()) == (counter == "GPRC")


def test_a_wrong_sum_is_a_good_frame_too(rig: Rig) -> None:
    rig.ring().post(7)
    rig.receive(frame(60, BAD_IP))
    assert moved(rig) == {"XEC": 1, "GPRC": 1}


def test_lengths_are_looked_at_only_if_software_wants_it(rig: Rig) -> None:
    rig.ring().post(7)
    rig.write(HLREG0, rig.read(HLREG0) & ~HLREG0.of(RXLNGTHERREN=1))
    rig.receive(frame(200, "0040"))
    assert moved(rig) == {"GPRC": 1}


def test_a_driver_that_stores_bad_frames_gets_a_wrong_length_marked(rig: Rig) -> None:
    ring = rig.ring()
    ring.post(7)
    rig.write(FCTRL, rig.read(FCTRL) | FCTRL.of(SBP=1))
    rig.receive(frame(200, "0040"))
    ((_, _, q1),) = ring.take()
    assert isinstance(q1, RXD)
    assert q1.ERR_RXE
    assert moved(rig) == {"RLEC": 1}


def test_jabbers_begin_where_oversize_does(rig: Rig) -> None:
    rig.ring(count=32).post(31)
    rig.write(HLREG0, rig.read(HLREG0) | HLREG0.of(JUMBOEN=1))
    rig.write(MAXFRS, MAXFRS.of(MFS=9000))
    for size, counter in ((8996, "CRCERRS"), (9100, "RJC")):
        rig.receive(frame(size), flags=lib.FRAME_BAD_CRC)
        assert moved(rig) == {counter: 1}
    assert CTRL_EXT(rig.read(CTRL_EXT)).EXTENDED_VLAN == 0


def capture(folder: Path, frames: list[tuple[bytes, bool]], network: int = FCS_OF_4) -> Path:
    path = folder / "fcs.pcap"
    records = b""
    for data, damaged in frames:
        fcs = (zlib.crc32(data) ^ (0x8000 if damaged else 0)).to_bytes(4, "little")
        records += struct.pack("<IIII", 0, 0, len(data) + 4, len(data) + 4) + data + fcs
    path.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, network) + records)
    return path


def play(rig: Rig, port: PcapPort) -> None:
    port.set_link(up=True)
    rig.nic.set_port(port.c)
    rig.nic.settle()
    rig.nic.set_port(None)


def test_the_fcs_of_a_capture_is_no_part_of_its_frames(rig: Rig, tmp_path: Path) -> None:
    ring = rig.ring()
    ring.post(7)
    with PcapPort(capture(tmp_path, [(frame(60), False), (frame(60), True), (frame(70), False)])) as port:
        play(rig, port)
    assert [data for data, _, _ in ring.take()] == [frame(60), frame(70)]
    assert (rig.read(TPR), rig.read(CRCERRS)) == (3, 1)


@pytest.mark.parametrize(("network", "fcs_bytes"), [(0x1400_0001, 2), (0xF400_0001, 30)])
def test_another_length_of_fcs_is_refused(tmp_path: Path, network: int, fcs_bytes: int) -> None:
    with pytest.raises(ConfigError, match=f"an FCS of {fcs_bytes} bytes"):
        PcapPort(capture(tmp_path, [], network))
