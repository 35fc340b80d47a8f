# SPDX-License-Identifier: BSD-3-Clause
"""A wire made of files: plays one capture to the device and records what the device sends into another.

What it plays may be any capture that capture.py understands; it records classic pcap, in nanoseconds.
"""

import errno
import logging
import os
from pathlib import Path
from typing import Self

from device.errors import ConfigError
from device.machine.core import ffi, lib
from device.machine.files import Losses, OwnFile
from device.machine.wire.base import Port
from device.machine.wire.capture import FILE_HEADER, HEADER_BYTES, Capture

log = logging.getLogger(__name__)


class PcapPort(Port):
    """Plays ``play`` once our side of the link is up; records to ``record``.

    Args:
        play: Capture that the device receives; None for nothing.
        record: File (replaced) that takes what the device sends; None to count and forget it.
        paced: Keep the recorded distances in time; otherwise as fast as the device takes the frames.

    Raises:
        ConfigError: ``play`` is damaged or ``record`` cannot be written.
    """

    KIND = "pcap"
    ARG = ":IN[,OUT]"

    def __init__(self, play: Path | None, record: Path | None = None, *, paced: bool = False) -> None:
        super().__init__(f"pcap {play or ''}" + (f",{record}" if record else ""), state=ffi.new("struct pcap_port *"))
        self._timer = -1
        self._record: OwnFile | None = None
        self.state.fd_out = -1
        self._rest = ffi.new("uint8_t[]", lib.PCAP_REST_BYTES)
        self.state.rest = self._rest
        self._losses = Losses(f"capture {record}", "frames", log)
        self._finished = play is None
        capture = Capture(play) if play else None
        if record:
            self._record = self._open(record)
            self.state.fd_out = self._record.fd
        self._timer = lib.port_timer()
        if self._timer < 0:
            error = -self._timer
            self.close()
            raise OSError(error, os.strerror(error), "timerfd_create")
        if capture:
            self._play = ffi.new("uint8_t[]", capture.data)  # a copy: C's frames point into it
            self.state.play = self._play
            self.state.play_bytes = len(capture.data)
            self.state.play_offset = HEADER_BYTES
            self.state.swapped = int(capture.swapped)
            self.state.nsec = int(capture.nsec)
            self.state.fcs_bytes = capture.fcs_bytes
            self.state.paced = int(paced)

    @classmethod
    def from_arg(cls, arg: str) -> Self:
        """Play capture IN, record to OUT; either may be empty."""
        play, _, record = arg.partition(",")
        return cls(Path(play) if play else None, Path(record) if record else None)

    @staticmethod
    def _open(path: Path) -> OwnFile:
        try:
            file = OwnFile(path, replace=True)
            try:
                os.write(file.fd, FILE_HEADER)
            except OSError:
                file.close()
                raise
        except OSError as err:
            raise ConfigError(f"pcap {path}: cannot record there: {err.strerror}") from err
        return file

    def _follow(self, file: OwnFile) -> None:
        """A capture that was rotated goes on in a new file, which needs a header of its own."""
        try:
            if not file.follow():
                return
            self.state.fd_out = file.fd
            self.state.rest_bytes = 0
            os.write(file.fd, FILE_HEADER)
        except OSError as err:
            self._losses.once(f"it was moved, and cannot be made anew ({err.strerror})")

    @property
    def left(self) -> int:
        """Bytes of the capture still to play."""
        return int(self.state.play_bytes - self.state.play_offset)

    def set_link(self, *, up: bool) -> None:
        """Frames are played only while our side is up."""
        super().set_link(up=up)
        self.c.fd = self._timer if up and self.left else -1
        self.state.due_ns = 0  # the timer is set anew when the next record turns out not to be due yet

    def poll(self) -> None:
        """Say once when the capture has been played; see after the file that is recorded to."""
        if self._record is not None:
            self._count_losses()
            self._losses.tell()
            self._follow(self._record)
        if not self._finished and not self.left:
            self._finished = True
            log.info("%s: all %d frames played", self.name, self.state.played)

    def _count_losses(self) -> None:
        if new := int(self.state.lost) - self._losses.count:
            error = int(self.state.lost_errno)
            self._losses.lose(new, "nobody reads it" if error == errno.EAGAIN else os.strerror(error))
        if not self.state.failing:
            self._losses.mended()

    def close(self) -> None:
        """Close both files; the recording is complete.  May be called twice."""
        super().close()
        if self._timer >= 0:
            os.close(self._timer)
        if self._record is not None:
            self._count_losses()
            self._losses.tell(end=True)
            self._record.close()
        self._record = None
        self._timer = self.state.fd_out = -1
