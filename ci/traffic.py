# SPDX-License-Identifier: BSD-3-Clause
"""One TCP transfer with its SHA-256, as two small programs: ``python -m ci.traffic receive|send ADDRESS PORT BYTES``.

Each prints what it does and ends with one JSON line: bytes, seconds, sha256.  SIGTERM ends ``send`` before BYTES.
"""

import errno
import hashlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable

BLOCK_BYTES = 1 << 20
REPORT_BYTES = 16 << 20
TIMEOUT_S = 300.0  # a link that comes and goes makes TCP wait ever longer
RETRY_S = 0.1
AWAY = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.ENETDOWN}


def _done(count: int, start_s: float, digest: str) -> None:
    print(json.dumps({"bytes": count, "seconds": time.monotonic() - start_s, "sha256": digest}), flush=True)


def _patiently(connect: Callable[[], socket.socket]) -> socket.socket:
    """Open a socket; while a link or an address is away for a moment, try again, until ``TIMEOUT_S`` is over."""
    end_s = time.monotonic() + TIMEOUT_S
    while True:
        try:
            return connect()
        except OSError as exc:
            if exc.errno not in AWAY or time.monotonic() > end_s:
                raise
            time.sleep(RETRY_S)


def receive(address: str, port: int, want_bytes: int) -> None:
    """Accept one connection and take ``want_bytes`` from it; stops early only if the peer does."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with _patiently(lambda: socket.create_server((address, port), family=family)) as server:
        server.settimeout(TIMEOUT_S)
        print("listening", flush=True)
        stream, _ = server.accept()
    buffer = bytearray(BLOCK_BYTES)
    digest = hashlib.sha256()
    count, reported, start_s = 0, 0, time.monotonic()
    with stream:
        stream.settimeout(TIMEOUT_S)
        while count < want_bytes and (got := stream.recv_into(buffer)):
            digest.update(memoryview(buffer)[:got])
            count += got
            if count - reported >= REPORT_BYTES:
                reported = count
                print(f"progress {count}", flush=True)
    _done(count, start_s, digest.hexdigest())


def send(address: str, port: int, total_bytes: int) -> None:
    """Connect and send ``total_bytes`` that no link can guess or compress."""
    digest = hashlib.sha256()
    noise = os.urandom(BLOCK_BYTES)
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
    count, start_s = 0, time.monotonic()
    with _patiently(lambda: socket.create_connection((address, port), timeout=TIMEOUT_S)) as stream:
        print("sending", flush=True)
        while count < total_bytes and not told:
            block = (count.to_bytes(8, "big") + noise)[: min(BLOCK_BYTES, total_bytes - count)]
            stream.sendall(block)
            digest.update(block)
            count += len(block)
    _done(count, start_s, digest.hexdigest())


if __name__ == "__main__":
    {"receive": receive, "send": send}[sys.argv[1]](sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
