# SPDX-License-Identifier: BSD-3-Clause
"""The interface the system sees: a multi-queue tap with the NIC's MAC, MTU and carrier.

The kernel's packets come out of the tap with a virtio-net header and become descriptors; received frames go the other
way (driver/core/csrc/netdev.c).  This file owns the interface: it is made here and gone when ``close`` returns, or when
the process dies, because a tap lives no longer than its file descriptors.  What others do to it: netstate.py.
"""

import errno
import fcntl
import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

from driver.compiled import lib
from driver.core.netstate import NetState, NetWatch
from driver.core.station import ADDRESS_BYTES
from driver.core.xdp import XdpPort
from driver.errors import DriverError, MissingError, remedy

TUN = "/dev/net/tun"
NAME_MAX_BYTES = 15
JOINED = Path("/proc/thread-self/net/dev_mcast")
DEV_MCAST_WORDS = 5

# Ref: linux/if_tun.h.
TUNSETIFF = 0x400454CA
TUNSETOFFLOAD = 0x400454D0
TUNSETVNETHDRSZ = 0x400454D8
TUNSETCARRIER = 0x400454E2
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR, IFF_MULTI_QUEUE, IFF_TUN_EXCL = 0x0002, 0x1000, 0x4000, 0x0100, 0x8000
TUN_F_CSUM, TUN_F_TSO4, TUN_F_TSO6, TUN_F_TSO_ECN, TUN_F_USO4, TUN_F_USO6 = 0x01, 0x02, 0x04, 0x08, 0x20, 0x40

TXQUEUELEN = 1000


class NetDev:
    """A network interface that is the NIC's other end; at first with one queue.

    Args:
        name: Its name, 1 to 15 bytes; ``%d`` is filled in by the kernel.
        mac: Its address.
        mtu: Bytes; whoever asks knows what the NIC takes.

    Attributes:
        name: The name it has.
        fds: One file descriptor per queue, non-blocking, every frame after a 10-byte virtio-net header.

    Raises:
        DriverError: The name is taken or impossible, or the kernel does not take the MTU.
        MissingError: Taps cannot be made here: no /dev/net/tun, or no right.
    """

    def __init__(self, name: str, mac: str, mtu: int) -> None:
        self.name = check_name(name)
        self.fds: list[int] = []
        self._xdp_ports: dict[int, XdpPort] = {}
        self._carrier: bool | None = None
        self._watch: NetWatch | None = None
        try:
            self.open_queues(1)
            self._configure(mac, mtu)
            self._watch = NetWatch(self.fds[0])
        except BaseException:
            self.close()
            raise

    def open_queues(self, count: int) -> None:
        """Have ``count`` queues, one for each ring that sends; there are never fewer than before."""
        while len(self.fds) < count:
            self._open_queue()

    def _open_queue(self) -> None:
        try:
            fd = os.open(TUN, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as exc:
            advice = remedy(exc.errno or 0, "a netdev needs it: be root, and `modprobe tun`")
            raise MissingError(f"{TUN}: {exc.strerror}; {advice}").with_errno(exc.errno) from exc
        self.fds.append(fd)
        flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE
        if len(self.fds) == 1:
            flags |= IFF_TUN_EXCL  # ours, not somebody's interface of that name
        try:
            got = fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", self.name.encode(), flags))
        except PermissionError as exc:
            raise MissingError(
                f"cannot make network interface {self.name!r}: CAP_NET_ADMIN is missing: be root, or use `unshare -Urn`"
            ).with_errno(exc.errno) from exc
        except OSError as exc:
            why = {
                errno.EBUSY: "an interface of that name exists already; choose another with --netdev",
                errno.EEXIST: "an interface of that name exists already; choose another with --netdev",
                errno.EINVAL: "the kernel does not take this name; choose another with --netdev",
            }.get(exc.errno or 0, exc.strerror)
            raise DriverError(f"cannot make network interface {self.name!r}: {why}").with_errno(exc.errno) from exc
        self.name = got[:16].rstrip(b"\0").decode()
        fcntl.ioctl(fd, TUNSETVNETHDRSZ, struct.pack("i", lib.VNET_HDR_BYTES))
        offloads = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN
        try:
            fcntl.ioctl(fd, TUNSETOFFLOAD, offloads | TUN_F_USO4 | TUN_F_USO6)
        except OSError:  # before Linux 6.2
            fcntl.ioctl(fd, TUNSETOFFLOAD, offloads)

    def _configure(self, mac: str, mtu: int) -> None:
        self._link("set", address=mac, mtu=mtu, txqlen=TXQUEUELEN)
        self.set_carrier(up=False)

    def _link(self, command: str, **what: Any) -> None:
        try:
            import pyroute2  # not on top: 1.5 s in an emulated guest
        except ImportError as exc:
            raise MissingError(f"a netdev needs pyroute2: {exc}; `python3 -m ci setup` gets it") from exc
        with pyroute2.IPRoute() as ipr:
            indexes = ipr.link_lookup(ifname=self.name)
            if not indexes:
                raise DriverError(f"network interface {self.name} is gone: somebody removed or renamed it")
            try:
                ipr.link(command, index=indexes[0], **what)
            except pyroute2.NetlinkError as exc:
                said = f"network interface {self.name}: {command} {what}: {exc}"
                raise DriverError(said).with_errno(exc.code) from exc

    def state(self) -> NetState:
        """Return how the interface is set now, by whomever; it may have a new name since.

        Raises:
            DriverError: Somebody removed the interface.
            OSError: The kernel does not answer.
        """
        assert self._watch is not None
        found = self._watch.state()
        self.name = found.name
        return found

    def watch_fd(self) -> int:
        """File descriptor that is readable when ``state`` may have changed."""
        assert self._watch is not None
        return self._watch.fileno()

    def set_mtu(self, mtu: int) -> None:
        """Change the MTU, in bytes.

        Raises:
            OSError: The kernel refuses.
        """
        assert self._watch is not None
        self._watch.set_mtu(mtu)

    def set_mac(self, address: bytes) -> None:
        """Change the address: the NIC has another than the interface.

        Raises:
            OSError: The kernel refuses.
        """
        assert self._watch is not None
        self._watch.set_mac(address)

    def groups(self) -> list[bytes]:
        """Multicast groups that the system joined here; none are seen of an interface in another namespace."""
        return groups_of(self.name)

    def set_up(self) -> None:
        """Set the interface administratively up."""
        self._link("set", state="up")

    def set_carrier(self, *, up: bool) -> None:
        """Tell the system whether the NIC's link is up."""
        if up != self._carrier and self.fds:
            fcntl.ioctl(self.fds[0], TUNSETCARRIER, struct.pack("i", int(up)))
            self._carrier = up

    def xdp_port(self, queue: int) -> XdpPort:
        """Where XDP programs send frames that this interface shall receive.

        Args:
            queue: The Rx queue that they came through.
        """
        at = queue % len(self.fds)
        port = self._xdp_ports.get(at)
        if port is None:
            port = self._xdp_ports[at] = XdpPort()
            port.plug(tap_fd=self.fds[at])
        return port

    def close(self) -> None:
        """Remove the interface.  Safe to call twice."""
        while self._xdp_ports:
            self._xdp_ports.popitem()[1].plug()
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        while self.fds:
            os.close(self.fds.pop())


def groups_of(name: str, source: Path = JOINED) -> list[bytes]:
    """Multicast groups that the system joined on an interface, by its address list.

    Ref: proc_net(5), dev_mcast: index, name, users, global users, address.
    """
    try:
        lines = source.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        words = line.split()
        with suppress(ValueError):
            if len(words) == DEV_MCAST_WORDS and words[1] == name:
                found.append(bytes.fromhex(words[-1]))
    return [address for address in found if len(address) == ADDRESS_BYTES and address[0] % 2]


def check_name(name: str) -> str:
    """Return ``name`` if an interface can have it.

    Raises:
        DriverError: It cannot.
    """
    size = len(name.encode(errors="surrogateescape"))
    if not 0 < size <= NAME_MAX_BYTES or name in {".", ".."} or any(c in "/:" or c.isspace() for c in name):
        raise DriverError(
            f"an interface name has 1 to {NAME_MAX_BYTES} bytes, no slash, colon or blank, and is not . or ..; "
            f"got {name!r}"
        )
    return name
