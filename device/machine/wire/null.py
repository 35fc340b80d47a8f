# SPDX-License-Identifier: BSD-3-Clause
"""A wire into nothing: counts and forgets what is sent, and can generate frames to receive."""

import os
from typing import Self

from device.machine.core import ffi, lib
from device.machine.wire.base import Port

BROADCAST = b"\xff" * 6
SOURCE = bytes.fromhex("02000000aaaa")  # locally administered
FRAME_MIN_BYTES: int = lib.ETH_FRAME_MIN_BYTES


class NullPort(Port):
    """Accepts every frame.  ``generate`` makes the other direction busy, once our side of the link is up."""

    KIND = "null"

    def __init__(self) -> None:
        super().__init__("null", state=ffi.new("struct null_port *"))
        self._timer = lib.port_timer()
        if self._timer < 0:
            raise OSError(-self._timer, os.strerror(-self._timer), "timerfd_create")

    @classmethod
    def from_arg(cls, arg: str) -> Self:
        """Count what is sent, and drop it."""
        return cls()

    def generate(
        self, frames: int, *, len_bytes: int = FRAME_MIN_BYTES, dst: bytes = BROADCAST, src: bytes = SOURCE
    ) -> None:
        """Receive ``frames`` frames as fast as the device takes them.

        Each has EtherType 0x88B5, then a 64-bit big-endian sequence number from 0, then zeros.

        Args:
            frames: How many.
            len_bytes: Length of each without FCS, 60 to ``FRAME_MAX_BYTES``.
            dst: Destination address.
            src: Source address.

        Raises:
            ValueError: A length or address is not one.
        """
        if not FRAME_MIN_BYTES <= len_bytes <= lib.FRAME_MAX_BYTES:
            raise ValueError(f"len_bytes={len_bytes}: need {FRAME_MIN_BYTES} to {lib.FRAME_MAX_BYTES}")
        if len(dst) != len(BROADCAST) or len(src) != len(BROADCAST):
            raise ValueError(f"addresses have 6 bytes, not {len(dst)} and {len(src)}")
        self.state.generate = frames
        self.state.seq = 0
        self.state.len_bytes = len_bytes
        self.state.dst = dst
        self.state.src = src
        self._wake()

    def set_link(self, *, up: bool) -> None:
        """Generated frames flow only while our side is up."""
        super().set_link(up=up)
        self._wake()

    def _wake(self) -> None:
        # The timer has expired and stays readable, so the loop does not sleep while there is something to generate.
        self.c.fd = self._timer if self.c.link and self.state.generate else -1

    def close(self) -> None:
        """Stop generating.  May be called twice."""
        super().close()
        self.state.generate = 0
        if self._timer >= 0:
            os.close(self._timer)
            self._timer = -1
