# SPDX-License-Identifier: BSD-3-Clause
"""What the tests run at either end of the wire; stdlib only, for the guest has no more.

``receive JSON``: sockets to count datagrams on, each ``{"port": 5000}`` and, where wanted, ``address``, ``buffer``
(bytes that may wait), ``tcp`` (listen, and count bytes), ``group`` (joined by ``interface``, an address), ``hash``
and ``queue`` (only frames of which the driver has told the kernel just that are taken).  Prints ``listening``, counts
until SIGINT, then prints the counts.

``send JSON``: flows, each ``{"to": …, "port": …, "count": …}`` and, where wanted, ``from`` (a port), ``tcp``,
``interface`` (for multicast), ``priority`` (SO_PRIORITY) and ``size``.

``frames JSON``: ``{"interface": …, "frames": [hex, …], "count": …}``, sent as they are.

``stream ADDRESS PORT STOP``: one TCP connection that sends until the file STOP is there, then prints bytes and SHA-256.
"""

import array
import hashlib
import json
import os
import select
import signal
import socket
import struct
import sys
from pathlib import Path
from types import FrameType
from typing import Any

LOOK_S = 0.3
READ_BYTES = 65536
STREAM_BYTES = 1 << 17
SIZE_LEAST = 18  # with Ethernet, IPv4, UDP and FCS: 64 bytes, the shortest frame there is
TIMEOUT_S = 120.0
# Ref: linux/filter.h, asm-generic/socket.h
SO_ATTACH_FILTER = 26
SKF_AD_OFF, SKF_AD_QUEUE, SKF_AD_RXHASH = 0xFFFFF000, 24, 32
LD_W_ABS, JEQ_K, RET_K = 0x20, 0x15, 0x06


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _kind(wanted: dict[str, Any]) -> socket.SocketKind:
    return socket.SOCK_STREAM if wanted.get("tcp") else socket.SOCK_DGRAM


def _only(sock: socket.socket, wanted: dict[str, Any]) -> None:
    # The kernel keeps a queue's number plus one: 0 is none.
    queue = wanted["queue"] + 1 if "queue" in wanted else None
    rows = []
    for offset, value in ((SKF_AD_RXHASH, wanted.get("hash")), (SKF_AD_QUEUE, queue)):
        if value is not None:
            rows += [(LD_W_ABS, 0, 0, SKF_AD_OFF + offset), (JEQ_K, 1, 0, value), (RET_K, 0, 0, 0)]
    if rows:
        rows.append((RET_K, 0, 0, READ_BYTES))
        code = array.array("B", b"".join(struct.pack("=HBBI", *row) for row in rows))
        sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HP", len(rows), code.buffer_info()[0]))


def _open(wanted: dict[str, Any]) -> socket.socket:
    address = wanted.get("address", "0.0.0.0")
    sock = socket.socket(_family(address), _kind(wanted))
    if "buffer" in wanted:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, wanted["buffer"])
    _only(sock, wanted)
    sock.bind((address, wanted["port"]))
    if wanted.get("tcp"):
        sock.listen()
    if "group" in wanted:
        pair = socket.inet_aton(wanted["group"]) + socket.inet_aton(wanted["interface"])
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, pair)
    sock.setblocking(False)
    return sock


class Counter:
    """Sockets, and what has come to each: datagrams, or bytes of connections."""

    def __init__(self, wanted: list[dict[str, Any]]) -> None:
        self.counts = [0] * len(wanted)
        self._index = {_open(one): index for index, one in enumerate(wanted)}
        self._listeners = {sock for sock, index in self._index.items() if wanted[index].get("tcp")}

    def look(self) -> bool:
        """Take what has come; whether anything had."""
        ready = select.select(list(self._index), [], [], LOOK_S)[0]
        for sock in ready:
            if sock in self._listeners:
                made, _ = sock.accept()
                made.setblocking(False)
                self._index[made] = self._index[sock]
            else:
                self._take(sock)
        return bool(ready)

    def _take(self, sock: socket.socket) -> None:
        stream = sock.type == socket.SOCK_STREAM
        try:
            while data := sock.recv(READ_BYTES):
                self.counts[self._index[sock]] += len(data) if stream else 1
        except BlockingIOError:
            return
        del self._index[sock]
        sock.close()


def receive(wanted: list[dict[str, Any]]) -> None:
    """Count what comes to each socket."""
    over = False

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal over
        over = True

    signal.signal(signal.SIGINT, interrupt)
    counter = Counter(wanted)
    print("listening", flush=True)
    while True:
        last = over
        if not counter.look() and last:
            break
    print(json.dumps(counter.counts), flush=True)


def send(flows: list[dict[str, Any]]) -> None:
    """Send each flow's datagrams, the flows in turns."""
    opened = []
    for flow in flows:
        sock = socket.socket(_family(flow["to"]), _kind(flow))
        sock.settimeout(TIMEOUT_S)
        if "interface" in flow:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(flow["interface"]))
        if "priority" in flow:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, flow["priority"])
        if "from" in flow:
            sock.bind(("", flow["from"]))
        sock.connect((flow["to"], flow["port"]))
        opened.append((sock, bytes(flow.get("size", SIZE_LEAST)), flow["count"]))
    for turn in range(max(count for *_, count in opened)):
        for sock, data, count in opened:
            if turn < count:
                sock.send(data)


def frames(wanted: dict[str, Any]) -> None:
    """Send frames as they are."""
    listed = [bytes.fromhex(text) for text in wanted["frames"]]
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((wanted["interface"], 0))
        for _ in range(wanted["count"]):
            for frame in listed:
                sock.send(frame)


def stream(address: str, port: int, stop: Path) -> None:
    """Send over TCP until told to stop."""
    digest = hashlib.sha256()
    noise = os.urandom(STREAM_BYTES)
    count = 0
    with socket.create_connection((address, port), timeout=TIMEOUT_S) as sock:
        print("connected", flush=True)
        while not stop.exists():
            block = count.to_bytes(8, "big") + noise
            sock.sendall(block)
            digest.update(block)
            count += len(block)
    print(json.dumps({"bytes": count, "sha256": digest.hexdigest()}), flush=True)


def main(what: str, *words: str) -> None:
    """Do what the command line says."""
    if what == "stream":
        stream(words[0], int(words[1]), Path(words[2]))
    elif what == "receive":
        receive(json.loads(words[0]))
    elif what == "send":
        send(json.loads(words[0]))
    else:
        frames(json.loads(words[0]))


if __name__ == "__main__":
    main(*sys.argv[1:])
