# SPDX-License-Identifier: BSD-3-Clause
"""An XDP program: answer pings before the kernel sees them, drop UDP to port 9, let the rest pass.

usage: python -m driver up NIC --xdp-rings 1 --xdp examples/xdp_filter.py:program

`python -m driver stats NIC` counts what became of the frames: xdp_pass, xdp_drop, xdp_tx.
"""

from driver.core.xdp import Verdict, XdpFrame

IPV4, ICMP, UDP = b"\x08\x00", 1, 17
ECHO_REQUEST, ECHO_REPLY = 8, 0
DISCARD_PORT = 9


def program(frame: XdpFrame) -> Verdict:
    """Decide what becomes of one frame; called on the thread that polls its queue."""
    data = frame.data
    if data[12:14] != IPV4 or len(data) < 42 or data[14] != 0x45:
        return Verdict.PASS
    if data[23] == UDP and int.from_bytes(data[36:38], "big") == DISCARD_PORT:
        return Verdict.DROP
    if data[23] == ICMP and data[34] == ECHO_REQUEST:
        data[0:6], data[6:12] = bytes(data[6:12]), bytes(data[0:6])
        data[26:30], data[30:34] = bytes(data[30:34]), bytes(data[26:30])
        data[34] = ECHO_REPLY
        # The type is in the upper half of a word of the checksum: take 0x0800 off the sum, in ones' complement.
        checksum = int.from_bytes(data[36:38], "big") + (ECHO_REQUEST << 8)
        data[36:38] = ((checksum & 0xFFFF) + (checksum >> 16)).to_bytes(2, "big")
        return Verdict.TX
    return Verdict.PASS
