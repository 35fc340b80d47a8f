# SPDX-License-Identifier: BSD-3-Clause
"""Captures as people have them, made into what the pcap port plays: whole frames as they are on the wire.

Classic pcap in all four forms, and pcapng.  What tcpdump refuses is refused.  What is changed on the way is said once:
snapped frames are padded with zeros to their length, a file that is cut at its end is played up to there.  An FCS that
the file speaks of stays, and C checks it and takes it off: a wrong one makes a damaged frame.  One that it does not
speak of is taken off here.  Ref: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng; libpcap's behaviour.
"""

import io
import logging
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.errors import ConfigError

log = logging.getLogger(__name__)

MAGIC_US = 0xA1B2C3D4
MAGIC_NS = 0xA1B23C4D
MAGIC_PCAPNG = bytes.fromhex("0a0d0d0a")
SECTION_MAGIC = 0x1A2B3C4D
BLOCK_HEAD_BYTES, BLOCK_LEAST_BYTES, BLOCK_MAX_BYTES = (
    8,
    12,
    16 << 20,
)  # type and length; and the length again; libpcap's
SECTION_HEAD_BYTES = 16
VERSION = (2, 4)
LINKTYPE_ETHERNET = 1
SNAPLEN_MAX_BYTES = 262144  # libpcap's: a larger one in a file's header means this, a larger frame is damage
HEADER = "IHHiIII"  # magic, version major and minor, zone, accuracy, snaplen, link type
RECORD = "IIII"  # seconds, fraction, bytes in the file, bytes on the wire
HEADER_BYTES = struct.calcsize("<" + HEADER)
RECORD_BYTES = struct.calcsize("<" + RECORD)
FILE_HEADER = struct.pack("<" + HEADER, MAGIC_NS, *VERSION, 0, 0, SNAPLEN_MAX_BYTES, LINKTYPE_ETHERNET)
FCS_BYTES = 4
FCS_SAID = 1 << 26  # of the link type: its bits 31:28 count the FCS in units of two bytes
FCS_OF_4 = 2 << 28 | FCS_SAID
NS_PER_S = 1_000_000_000
US_DIGITS = 6  # of a second, where pcapng says nothing else


@dataclass(slots=True)
class Frame:
    """One frame of a file.

    Attributes:
        time_ns: Since 1970.
        data: What the file has of it.
        wire_bytes: How long it was.
    """

    time_ns: int
    data: bytes
    wire_bytes: int


class Capture:
    """A capture that was read from end to end.

    Args:
        path: The file.

    Attributes:
        data: A classic pcap file: the one that was read if all of it can be played as it is, else one made of it.
        swapped: Whether its numbers are big-endian.
        nsec: Whether its times are in nanoseconds.
        records: How many frames it has.
        fcs_bytes: How long the FCS at the end of each frame in ``data`` is: 4, or 0.

    Raises:
        ConfigError: It cannot be read, is no Ethernet capture, or is damaged; most name the offset in bytes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.data = path.read_bytes()
        except OSError as err:
            raise ConfigError(f"pcap {path}: {err.strerror}") from err
        self.swapped = self.nsec = False
        self._fcs_bytes: int | None = None  # None: the file does not say
        self.fcs_bytes = 0
        self._cut = ""
        if self.data.startswith(MAGIC_PCAPNG):
            frames, as_it_is = list(self._pcapng()), False
        else:
            snaplen_bytes = self._header()
            frames, as_it_is = list(self._classic(snaplen_bytes)), True
        self.records = len(frames)
        if self._cut and not frames:
            raise self._refused(f"{self._cut}, and nothing is before it")
        as_it_is &= self._without_fcs(frames)
        as_it_is &= self._padded(frames)
        if self._cut:
            log.warning("pcap %s: %s; the %d frames before it are played", path, self._cut, self.records)
        if not as_it_is or self._cut:
            self._rebuild(frames)

    def _refused(self, words: str) -> ConfigError:
        return ConfigError(f"pcap {self.path}: {words}")

    # ---- classic pcap

    def _header(self) -> int:
        if len(self.data) < HEADER_BYTES:
            raise self._refused(f"{len(self.data)} bytes, a file header has {HEADER_BYTES}")
        for order in "<>":
            magic, major, _, _, _, snaplen, network = struct.unpack_from(order + HEADER, self.data)
            if magic in (MAGIC_US, MAGIC_NS):
                self.swapped = order == ">"
                self.nsec = magic == MAGIC_NS
                break
        else:
            raise self._refused(f"magic {self.data[:4].hex()} at offset 0 is not that of a pcap file")
        if major != VERSION[0]:
            raise self._refused(f"format version {major} at offset 4, only {VERSION[0]} is known")
        if (link_type := network & 0xFFFF) != LINKTYPE_ETHERNET:
            raise self._refused(f"link type {link_type} at offset 20 is not Ethernet (1)")
        if network & FCS_SAID:
            self._fcs_bytes = 2 * (network >> 28)
        return min(int(snaplen) or SNAPLEN_MAX_BYTES, SNAPLEN_MAX_BYTES)

    def _classic(self, snaplen_bytes: int) -> Iterator[Frame]:
        unpack = struct.Struct((">" if self.swapped else "<") + RECORD).unpack_from
        offset, count = HEADER_BYTES, 0
        unit_ns = 1 if self.nsec else 1000
        while offset < len(self.data):
            what = f"record {count} at offset {offset}"
            left = len(self.data) - offset - RECORD_BYTES
            if left < 0:
                self._cut = f"{what} is truncated: {left + RECORD_BYTES} of {RECORD_BYTES} header bytes"
                return
            seconds, fraction, caplen, wire_bytes = unpack(self.data, offset)
            if caplen > SNAPLEN_MAX_BYTES:
                raise self._refused(f"{what} says {caplen} bytes, and a frame has at most {SNAPLEN_MAX_BYTES}")
            if caplen > left:
                self._cut = f"{what} is truncated: {left} of {caplen} bytes"
                return
            offset += RECORD_BYTES
            kept = self.data[offset : offset + min(caplen, snaplen_bytes)]
            yield Frame(seconds * NS_PER_S + fraction * unit_ns, kept, max(wire_bytes, len(kept)))
            offset += caplen
            count += 1

    # ---- pcapng

    def _whole_blocks(self) -> int:
        """Return where the last whole block ends, having looked at each one's frame as libpcap does."""
        offset, order = 0, "<"
        while offset < len(self.data):
            head = self.data[offset : offset + SECTION_HEAD_BYTES]
            if head.startswith(MAGIC_PCAPNG) and len(head) == SECTION_HEAD_BYTES:
                order = self._byte_order(head, offset)
            if len(head) < BLOCK_HEAD_BYTES:
                self._cut = f"the block at offset {offset} is truncated"
                return offset
            (length,) = struct.unpack_from(order + "I", head, 4)
            if length < BLOCK_LEAST_BYTES or length % 4 or length > BLOCK_MAX_BYTES:
                raise self._refused(f"the block at offset {offset} cannot have a length of {length}")
            end = offset + length
            if end > len(self.data):
                self._cut = f"the block at offset {offset} is truncated: {len(self.data) - offset} of {length} bytes"
                return offset
            (again,) = struct.unpack_from(order + "I", self.data, end - 4)
            if again != length:
                raise self._refused(f"the block at offset {offset} has a length of {length}, and of {again} at its end")
            offset = end
        return offset

    def _byte_order(self, head: bytes, offset: int) -> str:
        for order in "<>":
            magic, major, minor = struct.unpack_from(order + "IHH", head, BLOCK_HEAD_BYTES)
            if magic == SECTION_MAGIC:
                if major != 1 or minor not in (0, 2):
                    raise self._refused(f"format version {major}.{minor} at offset {offset + 12}, only 1.0 is known")
                return order
        raise self._refused(f"the section at offset {offset} has no byte order: {head[8:12].hex()}")

    def _pcapng(self) -> Iterator[Frame]:
        from pcapng import FileScanner
        from pcapng.blocks import EnhancedPacket, InterfaceDescription, ObsoletePacket, SimplePacket
        from pcapng.exceptions import PcapngException

        whole = self._whole_blocks()
        stream = io.BytesIO(self.data[:whole])
        blocks = iter(FileScanner(stream))
        first = None
        while True:
            offset = stream.tell()
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # the library's own, about itself
                    block = next(blocks, None)
                    if isinstance(block, InterfaceDescription):
                        first = self._interface(block, first)
                    elif isinstance(block, EnhancedPacket | ObsoletePacket | SimplePacket):
                        yield self._packet(block, first)
            except (PcapngException, ValueError, KeyError, IndexError, struct.error, OverflowError) as exc:
                raise self._refused(f"the block at offset {offset} is damaged: {exc or type(exc).__name__}") from exc
            if block is None:
                if offset != whole:
                    raise self._refused(f"the block at offset {offset} is damaged")
                return

    def _interface(self, block: Any, first: Any) -> Any:
        """See that one interface is like the first; libpcap refuses a file in which they differ."""
        if block.link_type != LINKTYPE_ETHERNET:
            raise self._refused(f"an interface has link type {block.link_type}, not Ethernet (1)")
        fcs_bytes = block.options.get("if_fcslen", None)
        if first is None:
            self._fcs_bytes = fcs_bytes
            return block
        if (block.snaplen, fcs_bytes) != (first.snaplen, self._fcs_bytes):
            raise self._refused("its interfaces differ in snaplen or FCS; split it by editcap or tshark")
        return first

    @staticmethod
    def _packet(block: Any, first: Any) -> Frame:
        if first is None:
            raise ValueError("a frame before any interface")
        data = bytes(block.packet_data)
        wire_bytes = max(int(block.packet_len), len(data))
        most_bytes = min(block.interface.snaplen or SNAPLEN_MAX_BYTES, SNAPLEN_MAX_BYTES)
        if len(data) > most_bytes:
            raise ValueError(f"{len(data)} bytes of a frame, and there are at most {most_bytes} (its snaplen)")
        options = block.interface.options
        ticks = (block.timestamp_high << 32) + block.timestamp_low if hasattr(block, "timestamp_high") else 0
        resolution = bytes(options["if_tsresol"])[0] if "if_tsresol" in options else US_DIGITS
        offset_s = int(options["if_tsoffset"]) if "if_tsoffset" in options else 0
        in_a_second = 1 << (resolution & 0x7F) if resolution & 0x80 else 10**resolution
        return Frame(max(0, ticks * NS_PER_S // in_a_second + offset_s * NS_PER_S), data, wire_bytes)

    # ---- what is changed

    def _without_fcs(self, frames: list[Frame]) -> bool:
        """Take the FCS off where the file says that there is one, or every frame ends with the right one."""
        whole = [frame for frame in frames if len(frame.data) == frame.wire_bytes]
        if self._fcs_bytes is None:
            said = "the file does not say so, but each whole frame ends with its FCS"
            if not whole or not all(map(_fcs_is_right, whole)):
                return True
        elif self._fcs_bytes == 0:
            return True
        elif self._fcs_bytes != FCS_BYTES:
            raise self._refused(f"frames with an FCS of {self._fcs_bytes} bytes; Ethernet's has {FCS_BYTES}")
        else:
            self.fcs_bytes = FCS_BYTES
            return self._said_fcs(whole)
        for frame in frames:
            frame.wire_bytes -= FCS_BYTES
            frame.data = frame.data[: frame.wire_bytes]
        log.info("pcap %s: %s; it is taken off", self.path, said)
        return False

    def _said_fcs(self, whole: list[Frame]) -> bool:
        damaged = [frame for frame in whole if not _fcs_is_right(frame)]
        if damaged:
            log.warning(
                "pcap %s: its frames have an FCS, wrong in %d of %d: those arrive damaged (CRCERRS)",
                *(self.path, len(damaged), len(whole)),
            )
        else:
            log.info("pcap %s: its frames have an FCS; it is taken off", self.path)
        return True

    def _padded(self, frames: list[Frame]) -> bool:
        snapped = [frame for frame in frames if len(frame.data) < frame.wire_bytes]
        for frame in snapped:
            if frame.wire_bytes > SNAPLEN_MAX_BYTES:
                raise self._refused(f"a frame of {frame.wire_bytes} bytes, and one has at most {SNAPLEN_MAX_BYTES}")
            frame.data = frame.data.ljust(frame.wire_bytes - self.fcs_bytes, b"\0")
            if self.fcs_bytes:  # what is made up here is whole
                frame.data = frame.data[: frame.wire_bytes - FCS_BYTES]
                frame.data += zlib.crc32(frame.data).to_bytes(FCS_BYTES, "little")
        if snapped:
            log.warning(
                "pcap %s: %d of %d frames are not whole in it and are padded with zeros to their length, so their"
                " checksums are wrong; capture with snaplen 0",
                *(self.path, len(snapped), len(frames)),
            )
        return not snapped

    def _rebuild(self, frames: list[Frame]) -> None:
        parts = [FILE_HEADER[:-4] + struct.pack("<I", LINKTYPE_ETHERNET | (FCS_OF_4 if self.fcs_bytes else 0))]
        for frame in frames:
            seconds, ns = divmod(frame.time_ns, NS_PER_S)
            parts += [struct.pack("<" + RECORD, seconds & 0xFFFFFFFF, ns, len(frame.data), len(frame.data)), frame.data]
        self.data = b"".join(parts)
        self.swapped, self.nsec = False, True


def _fcs_is_right(frame: Frame) -> bool:
    body, fcs = frame.data[:-FCS_BYTES], frame.data[-FCS_BYTES:]
    return len(body) > 0 and zlib.crc32(body) == int.from_bytes(fcs, "little")
