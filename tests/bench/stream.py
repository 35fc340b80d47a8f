# SPDX-License-Identifier: BSD-3-Clause
"""One TCP stream for some seconds, stdlib only: ``stream.py receive ADDRESS PORT`` and ``send ADDRESS PORT SECONDS``.

Each ends with a line of JSON: bytes, and the seconds from the first to the last of them.
"""

import json
import socket
import sys
import time

BLOCK_BYTES = 1 << 20
TIMEOUT_S = 30.0


def receive(address: str, port: int) -> tuple[int, float]:
    """Take one connection's bytes until the sender ends it."""
    buffer = bytearray(BLOCK_BYTES)
    with socket.create_server((address, port)) as server:
        server.settimeout(TIMEOUT_S)
        print("listening", flush=True)
        stream, _ = server.accept()
    count, start_s, end_s = 0, time.monotonic(), time.monotonic()
    with stream:
        stream.settimeout(TIMEOUT_S)
        while got := stream.recv_into(buffer):
            count += got
            end_s = time.monotonic()
    return count, end_s - start_s


def send(address: str, port: int, seconds: float) -> tuple[int, float]:
    """Connect, and send for so long."""
    block = memoryview(bytes(range(256)) * (BLOCK_BYTES // 256))
    count = 0
    with socket.create_connection((address, port), timeout=TIMEOUT_S) as stream:
        start_s = time.monotonic()
        while time.monotonic() - start_s < seconds:
            stream.sendall(block)
            count += len(block)
    return count, time.monotonic() - start_s


if __name__ == "__main__":
    how, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    count, seconds = receive(address, port) if how == "receive" else send(address, port, float(sys.argv[4]))
    print(json.dumps({"bytes": count, "seconds": seconds}), flush=True)
