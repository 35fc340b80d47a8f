# SPDX-License-Identifier: BSD-3-Clause
"""What others do to our interface (``ip link set``), as the kernel tells it: name, MTU, up, promiscuous, address.

One netlink socket asks and is told about changes.  The interface may be moved to another network namespace; the socket
then has to be made again over there, which ``driver/core/csrc/netns.c`` does.

Ref: rtnetlink(7); linux/if_link.h.
"""

import contextlib
import errno
import fcntl
import os
import socket
import struct
from dataclasses import dataclass

from driver.compiled import lib
from driver.errors import DriverError

NETLINK_ROUTE, RTMGRP_LINK = 0, 1
NLMSG_ERROR, RTM_NEWLINK, RTM_GETLINK, NLM_F_REQUEST = 2, 16, 18, 1
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_PROMISCUITY = 1, 3, 4, 30
IFF_UP = 0x1
TUNGETIFF, SIOCSIFMTU, SIOCSIFHWADDR = 0x800454D2, 0x8922, 0x8924
ARPHRD_ETHER = 1
HEADER, IFINFO, ATTR = struct.Struct("=IHHII"), struct.Struct("=BxHiII"), struct.Struct("=HH")
ALIGN = 4
REPLY_MAX_BYTES = 65536
REPLY_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class NetState:
    """How the interface is set now.

    Attributes:
        name: Its name; somebody may have renamed it.
        mtu: Bytes.
        up: Administratively up.
        promiscuous: Somebody wants every frame (``tcpdump``, a bridge).
        mac: Its address.
    """

    name: str
    mtu: int
    up: bool
    promiscuous: bool
    mac: bytes


class NetWatch:
    """Asks about the interface behind a tap's file descriptor, in whatever namespace it is.

    Args:
        tap_fd: One of the tap's file descriptors; stays the caller's.
    """

    def __init__(self, tap_fd: int) -> None:
        self._tap_fd = tap_fd
        self._sequence = 0
        self._socket = self._open()

    def _open(self) -> socket.socket:
        fd = lib.netns_socket(self._tap_fd, socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE)
        if fd >= 0:
            sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE, fileno=fd)
        else:  # an old kernel, or no right to enter a namespace: then only our own can be asked
            sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_ROUTE)
        try:
            sock.bind((0, RTMGRP_LINK))
            sock.settimeout(REPLY_TIMEOUT_S)
        except BaseException:
            sock.close()
            raise
        return sock

    def fileno(self) -> int:
        """File descriptor that is readable when some interface in its namespace changed."""
        return self._socket.fileno()

    def name(self) -> str:
        """Return what the interface is called now.

        Raises:
            DriverError: Somebody removed it.
        """
        try:
            got = fcntl.ioctl(self._tap_fd, TUNGETIFF, bytes(40))
        except OSError as exc:
            raise DriverError("the network interface is gone: somebody removed it") from exc
        return got[:16].rstrip(b"\0").decode()

    def state(self) -> NetState:
        """Return how the interface is set now; takes every notification that waits.

        Raises:
            DriverError: Somebody removed the interface.
            OSError: The kernel does not answer.
        """
        self._drain()
        try:
            return self._ask(self.name())
        except OSError as exc:
            if exc.errno != errno.ENODEV:
                raise
        # Not here any more, yet the tap lives: it was moved.
        self._socket.close()
        self._socket = self._open()
        return self._ask(self.name())

    def _drain(self) -> None:
        self._socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                # A full queue loses notifications and says so; we ask for the state anyway.
                with contextlib.suppress(InterruptedError):
                    try:
                        self._socket.recv(REPLY_MAX_BYTES)
                    except OSError as exc:
                        if exc.errno != errno.ENOBUFS:
                            raise
        self._socket.settimeout(REPLY_TIMEOUT_S)

    def _ask(self, name: str) -> NetState:
        self._sequence += 1
        text = name.encode() + b"\0"
        attr = ATTR.pack(ATTR.size + len(text), IFLA_IFNAME) + text + bytes(-len(text) % ALIGN)
        body = IFINFO.pack(socket.AF_UNSPEC, 0, 0, 0, 0) + attr
        self._socket.sendto(
            HEADER.pack(HEADER.size + len(body), RTM_GETLINK, NLM_F_REQUEST, self._sequence, 0) + body, (0, 0)
        )
        while True:
            found = self._answer(self._socket.recv(REPLY_MAX_BYTES))
            if found is not None:
                return found

    def _answer(self, data: bytes) -> NetState | None:
        at = 0
        while at + HEADER.size <= len(data):
            size, kind, _, sequence, _ = HEADER.unpack_from(data, at)
            body = data[at + HEADER.size : at + size]
            at += max(size, HEADER.size) + -size % ALIGN
            if sequence != self._sequence:
                continue  # a notification; our answer tells the same, or newer
            if kind == NLMSG_ERROR:
                code = -struct.unpack_from("=i", body)[0]
                raise OSError(code, f"asking about our interface: {os.strerror(code)}")
            if kind == RTM_NEWLINK:
                return _decode(body)
        return None

    def set_mtu(self, mtu: int) -> None:
        """Set the interface's MTU, in bytes, wherever it is.

        Raises:
            OSError: The kernel refuses.
        """
        # Any socket takes this request; what counts is the namespace it was made in.
        fcntl.ioctl(self._socket, SIOCSIFMTU, struct.pack("16si20x", self.name().encode(), mtu))

    def set_mac(self, address: bytes) -> None:
        """Set the interface's address, wherever it is.

        Raises:
            OSError: The kernel refuses.
        """
        request = struct.pack("16sH6s16x", self.name().encode(), ARPHRD_ETHER, address)
        fcntl.ioctl(self._socket, SIOCSIFHWADDR, request)

    def close(self) -> None:
        """Stop watching."""
        self._socket.close()


def _decode(body: bytes) -> NetState:
    _, _, _, flags, _ = IFINFO.unpack_from(body)
    attrs: dict[int, bytes] = {}
    at = IFINFO.size
    while at + ATTR.size <= len(body):
        size, kind = ATTR.unpack_from(body, at)
        attrs[kind] = body[at + ATTR.size : at + size]
        at += max(size, ATTR.size) + -size % ALIGN
    return NetState(
        name=attrs[IFLA_IFNAME].rstrip(b"\0").decode(),
        mtu=int.from_bytes(attrs[IFLA_MTU], "little"),
        up=bool(flags & IFF_UP),
        promiscuous=any(attrs.get(IFLA_PROMISCUITY, b"")),
        mac=attrs.get(IFLA_ADDRESS, b""),
    )
