# SPDX-License-Identifier: BSD-3-Clause
"""Somebody beside a hostile client who must not notice it, and what the client says."""

import contextlib
import json
import select
import socket
import struct
import time
from typing import Any

from tests.rigs.client import (
    CAPABILITIES,
    HEADER,
    REGION_READ,
    VERSION,
    Client,
)
from tests.rigs.process import Device

STATUS, EICS, EIMS = 0x0008, 0x0808, 0x0880
SOON_S = 0.8  # a few milliseconds, and what a busy machine adds; whoever is waited for costs 2 s
HELLO = HEADER.pack(1, VERSION, HEADER.size + 4 + len(CAPABILITIES), 0, 0) + struct.pack("<HH", 0, 1) + CAPABILITIES
READ_STATUS = HEADER.pack(7, REGION_READ, 32, 0, 0) + struct.pack("<QII", STATUS, 0, 4)


class Asking:
    """Control round trips, over and over; the longest is what others have noticed."""

    def __init__(self, device: Device) -> None:
        self.longest_s = 0.0
        self.count = 0
        self._sock = socket.socket(socket.AF_UNIX)
        self._sock.settimeout(30)
        self._sock.connect(str(device.control))

    def __enter__(self) -> "Asking":
        return self

    def __exit__(self, *_: object) -> None:
        self._sock.close()

    def report(self) -> dict[str, Any]:
        """Through a connection that is there already: a device without descriptors answers, too."""
        self._sock.sendall(b'{"report": true}\n')
        with self._sock.makefile("rb") as answers:
            report = json.loads(answers.readline())["report"]
        assert isinstance(report, dict)
        return report

    def go_on(self, for_s: float) -> None:
        end_s = time.monotonic() + for_s
        with self._sock.makefile("rb") as answers:
            while time.monotonic() < end_s:
                start_s = time.monotonic()
                self._sock.sendall(b'{"report": true}\n')
                assert json.loads(answers.readline())["ok"]
                self.longest_s = max(self.longest_s, time.monotonic() - start_s)
                self.count += 1
                time.sleep(0.01)


def left(client: Client) -> bool:
    """Whether the device has closed the connection; its last answers are read."""
    with contextlib.suppress(ConnectionResetError):
        while select.select([client.sock], [], [], 0)[0]:
            if not client.sock.recv(65536):
                return True
        return False
    return True
