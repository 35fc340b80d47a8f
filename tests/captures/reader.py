# SPDX-License-Identifier: BSD-3-Clause
"""Ethernet frames of a capture file, read by scapy, which nobody of us wrote either."""

import io
import logging
import struct
from pathlib import Path
from typing import Any

from scapy.data import MTU
from scapy.error import Scapy_Exception
from scapy.utils import RawPcapNgReader, RawPcapReader

ETHERNET = 1  # LINKTYPE_ETHERNET
FRAME_LEAST_BYTES, FRAME_MOST_BYTES = 14, 16000
PADDED_BYTES = 60  # what a MAC pads to, without the FCS
DAMAGES = (Scapy_Exception, EOFError, OSError, ValueError, KeyError, IndexError, TypeError, struct.error)

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)  # what is odd about a file is counted here


class DamagedError(Exception):
    """A file that is no capture, or one that breaks off with no frame in it; the message says how."""


def frames_of(path: Path, most: int) -> list[bytes]:
    """Return a file's Ethernet frames, padded as a MAC does; those before a damage count.

    Args:
        path: A pcap or pcapng file, packed by gzip or not.
        most: So many at most.

    Raises:
        DamagedError: scapy cannot read it.
    """
    frames: list[bytes] = []
    try:
        packed: Any = io.BytesIO(path.read_bytes())  # scapy takes it, and says that it takes names only
        reader: Any = RawPcapReader(packed)
        several = isinstance(reader, RawPcapNgReader)  # interfaces, each with a link type
        if not several and reader.linktype != ETHERNET:
            return []
        while len(frames) < most:
            try:
                found = reader._read_packet(MTU)
            except EOFError:
                break
            if several and found[1].linktype != ETHERNET:
                continue
            data = bytes(found[0])
            if FRAME_LEAST_BYTES <= len(data) <= FRAME_MOST_BYTES:
                frames.append(data.ljust(PADDED_BYTES, b"\0"))
    except DAMAGES as exc:
        if not frames:
            raise DamagedError(f"{path.name}: {type(exc).__name__} {exc}") from exc
    return frames
