# SPDX-License-Identifier: BSD-3-Clause
"""Twin of device/i82599/tx/frame.c and tso.c: what leaves the MAC, given what software handed over."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from tests.twins.csum import CRC32C, checksum, crc

UDP, TCP, SCTP = 0, 1, 2
CHECK_AT = {UDP: 6, TCP: 16, SCTP: 8}


@dataclass(frozen=True)
class Offload:
    """A context and the options of a data descriptor."""

    mac_len: int = 14
    ip_len: int = 20
    l4_len: int = 20
    l4t: int = TCP
    ipv4: bool = True
    mss: int = 0
    vlan: int | None = None
    ixsm: bool = True
    txsm: bool = True

    @property
    def l4(self) -> int:
        return self.mac_len + self.ip_len

    @property
    def header(self) -> int:
        return self.l4 + self.l4_len


def put16(frame: bytearray, at: int, value: int) -> None:
    struct.pack_into(">H", frame, at, value & 0xFFFF)


def get16(frame: bytes | bytearray, at: int) -> int:
    return int.from_bytes(frame[at : at + 2], "big")


def finish(frame: bytes | bytearray, vlan: int | None) -> bytes:
    """VLAN tag and padding."""
    tag = b"" if vlan is None else struct.pack(">HH", 0x8100, vlan)
    return bytes(frame[:12] + tag + frame[12:]).ljust(60, b"\0")


def l4_check(frame: bytearray, how: Offload, extra: int = 0) -> None:
    at = how.l4 + CHECK_AT[how.l4t]
    if how.l4t == SCTP:
        frame[at : at + 4] = bytes(4)
        frame[at : at + 4] = struct.pack("<I", crc(bytes(frame[how.l4 :]), CRC32C))
        return
    value = checksum(bytes(frame[how.l4 :]), extra)
    put16(frame, at, 0xFFFF if not value and how.l4t == UDP else value)


def ip_check(frame: bytearray, how: Offload) -> None:
    put16(frame, how.mac_len + 10, checksum(bytes(frame[how.mac_len : how.l4])))


def one(packet: bytes, how: Offload) -> bytes:
    """A packet that is not segmented."""
    frame = bytearray(packet)
    if how.ixsm:
        ip_check(frame, how)
    if how.txsm:
        l4_check(frame, how)
    return finish(frame, how.vlan)


def segments(packet: bytes, how: Offload) -> Iterator[bytes]:
    """A packet that is."""
    header, payload = packet[: how.header], packet[how.header :]
    for k, start in enumerate(range(0, len(payload), how.mss)):
        part = payload[start : start + how.mss]
        frame = bytearray(header + part)
        if how.ipv4:
            put16(frame, how.mac_len + 2, how.ip_len + how.l4_len + len(part))
            put16(frame, how.mac_len + 4, get16(header, how.mac_len + 4) + k)
            if how.ixsm:
                ip_check(frame, how)
        else:
            put16(frame, how.mac_len + 4, how.ip_len - 40 + how.l4_len + len(part))
        if how.l4t == TCP:
            seq = int.from_bytes(header[how.l4 + 4 : how.l4 + 8], "big") + start
            struct.pack_into(">I", frame, how.l4 + 4, seq & 0xFFFFFFFF)
            if start + len(part) < len(payload):
                frame[how.l4 + 13] &= 0xF6  # FIN, PSH
            if k:
                frame[how.l4 + 13] &= 0x7F  # CWR
        else:
            put16(frame, how.l4 + 4, how.l4_len + len(part))
        if how.txsm:
            l4_check(frame, how, how.l4_len + len(part))
        yield finish(frame, how.vlan)
