# SPDX-License-Identifier: BSD-3-Clause
"""Twin of a kernel that cuts a super-frame: frames, given one with what its virtio-net header says."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from tests.twins.csum import checksum

UDP_KIND = 3


@dataclass(frozen=True)
class Super:
    """A super-frame: ``struct frame`` in Python."""

    data: bytes
    kind: int
    segment_bytes: int
    csum_start: int
    csum_offset: int
    pads: bool = False

    @property
    def header(self) -> int:
        """Bytes before the payload."""
        return self.csum_start + (8 if self.kind == UDP_KIND else self.data[self.csum_start + 12] // 16 * 4)

    def pieces(self) -> Iterator[bytes]:
        """The frames that it stands for."""
        l4, payload = self.csum_start, self.data[self.header :]
        l3 = l4 - 40 if self.data[l4 - 40] // 16 == 6 and self.data[l4 - 34] in (6, 17) else l4 - 20
        v6 = l3 == l4 - 40
        for k, start in enumerate(range(0, len(payload), self.segment_bytes)):
            part = payload[start : start + self.segment_bytes]
            last = start + len(part) == len(payload)
            frame = bytearray(self.data[: self.header] + part)
            if v6:
                struct.pack_into(">H", frame, l3 + 4, len(frame) - l4)
            else:
                number = (int.from_bytes(frame[l3 + 4 : l3 + 6], "big") + k) % 65536
                struct.pack_into(">HH", frame, l3 + 2, len(frame) - l3, number)
                struct.pack_into(">H", frame, l3 + 10, 0)
                struct.pack_into(">H", frame, l3 + 10, checksum(bytes(frame[l3:l4])))
            if self.kind == UDP_KIND:
                struct.pack_into(">H", frame, l4 + 4, len(frame) - l4)
            else:
                seq = int.from_bytes(frame[l4 + 4 : l4 + 8], "big") + start
                struct.pack_into(">I", frame, l4 + 4, seq % 2**32)
                frame[l4 + 13] &= 0xFF & ~((0 if last else 9) | (0x80 if k else 0))
            at = l4 + self.csum_offset
            frame[at : at + 2] = b"\0\0"
            addresses = bytes(frame[l3 + 8 : l4] if v6 else frame[l3 + 12 : l4])
            proto = 17 if self.kind == UDP_KIND else 6
            value = checksum(addresses + struct.pack(">HH", proto, len(frame) - l4) + bytes(frame[l4:]))
            struct.pack_into(">H", frame, at, value or (0xFFFF if self.kind == UDP_KIND else 0))
            yield bytes(frame).ljust(60, b"\0") if self.pads else bytes(frame)
