# SPDX-License-Identifier: BSD-3-Clause
"""What runs in the guest for ``test_ptp``: PTP messages on a raw socket, and their stamps by SO_TIMESTAMPING."""

import json
import select
import socket
import struct
import sys
import time

SO_TIMESTAMPING = 37
TX_HARDWARE, RX_HARDWARE, RAW_HARDWARE = 1 << 0, 1 << 2, 1 << 6  # linux/net_tstamp.h
ETH_P_1588 = 0x88F7
GROUP = bytes.fromhex("011b19000000")
COUNT = 8
WAIT_S = 60.0
CONTROL_BYTES = 512
SCM_TIMESPECS = struct.Struct("qqqqqq")  # software, unused, hardware: seconds and nanoseconds each


def opened(interface: str) -> socket.socket:
    """Return a raw socket for PTP on Ethernet that asks for the card's stamps."""
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_1588))
    made.bind((interface, ETH_P_1588))
    made.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, TX_HARDWARE | RX_HARDWARE | RAW_HARDWARE)
    # PACKET_ADD_MEMBERSHIP, PACKET_MR_MULTICAST: the messages' group.
    request = struct.pack("iHH8s", socket.if_nametoindex(interface), 0, len(GROUP), GROUP)
    made.setsockopt(263, 1, request)  # SOL_PACKET
    return made


def stamp_ns(control: list[tuple[int, int, bytes]]) -> int:
    """Return the card's stamp out of a message's control data, 0 if there is none."""
    for level, kind, value in control:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPING):
            *_, seconds, ns = SCM_TIMESPECS.unpack(value[: SCM_TIMESPECS.size])
            return int(seconds * 1_000_000_000 + ns)
    return 0


def received(sock: socket.socket, flags: int) -> int:
    """Wait for a message, or for what became of one that was sent; returns its stamp in ns.

    Raises:
        SystemExit: None came in time, or it has no stamp.
    """
    end_s = time.monotonic() + WAIT_S
    waiter = select.poll()
    waiter.register(sock, select.POLLERR if flags else select.POLLIN)
    while time.monotonic() < end_s:
        if not waiter.poll(1000):
            continue
        try:
            _, control, _, _ = sock.recvmsg(2048, CONTROL_BYTES, flags | socket.MSG_DONTWAIT)
        except BlockingIOError:
            continue
        found = stamp_ns(control)
        if not found:
            raise SystemExit(f"no hardware stamp in {control}")
        return found
    raise SystemExit(f"no {'stamp' if flags else 'message'} came in {WAIT_S:.0f} s")


def message(sock: socket.socket, number: int) -> bytes:
    """Return a Sync message of PTP version 2 on Ethernet."""
    source = sock.getsockname()[4]
    header = struct.pack(">BBHBBHq4x10sHBb", 0, 2, 44, 0, 0, 0, 0, b"\x02" * 10, number, 0, 0)
    return bytes(GROUP + source + struct.pack(">H", ETH_P_1588) + header + bytes(10)).ljust(60, b"\0")


def main(command: str, interface: str) -> None:
    """Send or take ``COUNT`` messages one by one and print their stamps."""
    with opened(interface) as sock:
        stamps = []
        if command == "take":
            print("waiting", flush=True)
        for number in range(COUNT):
            if command == "send":
                sock.send(message(sock, number))
                stamps.append(received(sock, socket.MSG_ERRQUEUE))
                time.sleep(0.2)  # one Rx stamp is held until it is read: the taker's turn
            else:
                stamps.append(received(sock, 0))
        print(json.dumps(stamps), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
