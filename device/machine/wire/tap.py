# SPDX-License-Identifier: BSD-3-Clause
"""A wire into the kernel's network stack: a tap interface, found or made.

The interface shows our light as its carrier; its being up or down is the carrier we see.
"""

import errno
import fcntl
import logging
import os
import select
import socket
import struct
import time
from pathlib import Path
from typing import Self

from device.errors import ConfigError, MissingError
from device.machine.core import ffi, lib
from device.machine.wire.base import Port, PortBusyError

log = logging.getLogger(__name__)

TUN = Path("/dev/net/tun")
NAME_MAX_BYTES = 15
LOOK_S = 0.5  # between two looks for an interface that was deleted
QUEUE_FRAMES = 10000  # what the kernel may keep for us; its default of 1000 overflows while we look away
IFREQ_NAME = "16s"
IFREQ_FLAGS = IFREQ_NAME + "H22x"

# Ref: linux/if_tun.h, linux/if.h; _IOW('T', n, int)
TUNSETIFF = 0x400454CA
TUNSETCARRIER = 0x400454E2
IFF_TAP = 0x0002
IFF_MULTI_QUEUE = 0x0100
IFF_NO_PI = 0x1000
IFF_VNET_HDR = 0x4000
TUNGETFEATURES = 0x800454CF
TUNSETOFFLOAD = 0x400454D0
TUNSETVNETHDRSZ = 0x400454D8
TUN_F_CSUM = 0x01
TUN_F_TSO = 0x02 | 0x04 | 0x08  # IPv4, IPv6, with CWR
TUN_F_USO = 0x20 | 0x40  # IPv4, IPv6; since Linux 6.2
VNET_HDR_BYTES = 10
SUPERS = lib.PORT_CSUM | lib.PORT_TCP4 | lib.PORT_TCP6 | lib.PORT_UDP


class TapPort(Port):
    """Attaches to the persistent tap ``name``, or makes one that is brought up now and disappears with us.

    Frames cross as they are on the wire, with complete checksums; after ``set_offload(on=True)`` super-frames do, too,
    if this kernel has virtio-net headers for them.

    Args:
        name: The interface.

    Raises:
        ConfigError: No name for an interface, or the interface is there but is no tap.
        PortBusyError: Another program holds the interface.
        MissingError: No /dev/net/tun, or no right to use it.
    """

    KIND = "tap"
    ARG = ":NAME"

    def __init__(self, name: str) -> None:
        super().__init__(f"tap {name}", state=ffi.new("struct tap_port *"), slots=lib.FRAME_BATCH + lib.TAP_SLOTS_MORE)
        self._offload = False
        self._fd = -1
        self._gone = False
        self._told = ""  # why a tap that returned could not be had
        self._look_again_s = 0.0
        encoded = name.encode()
        if not 0 < len(encoded) <= NAME_MAX_BYTES or set("/%: \t\n") & set(name) or name in (".", ".."):
            raise ConfigError(
                f"tap {name!r}: not a name for an interface (1 to {NAME_MAX_BYTES} bytes, no / % : space)"
            )
        self.interface = name
        existed = _exists(name)
        self._fd = self._open()
        try:
            self._attach(existed=existed)
            if not existed:
                _bring_up(name)
        except BaseException:
            self.close()
            raise
        self.made = not existed
        self.c.fd = self._fd
        self.poll()

    @classmethod
    def from_arg(cls, arg: str) -> Self:
        """The tap interface NAME; made, and removed at exit, if it is not there."""
        return cls(arg)

    def _open(self) -> int:
        try:
            return os.open(TUN, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except PermissionError as err:
            raise MissingError(f"{self.name}: no right to open {TUN} ({err.strerror}); run as root") from err
        except OSError as err:
            raise MissingError(
                f"{self.name}: cannot open {TUN} ({err.strerror}); load its module: modprobe tun"
            ) from err

    def _attach(self, *, existed: bool) -> None:
        able = struct.unpack("I", fcntl.ioctl(self._fd, TUNGETFEATURES, bytes(4)))[0]
        basic = IFF_TAP | IFF_NO_PI | (able & IFF_VNET_HDR)
        # An interface made with multi_queue wants that flag again.
        for flags in (basic, basic | IFF_MULTI_QUEUE):
            try:
                fcntl.ioctl(self._fd, TUNSETIFF, struct.pack(IFREQ_FLAGS, self.interface.encode(), flags))
            except OSError as err:
                if err.errno == errno.EINVAL and existed and not flags & IFF_MULTI_QUEUE:
                    continue
                raise self._explained(err, existed=existed) from err
            break
        self.state.header = int(bool(basic & IFF_VNET_HDR))
        if self.state.header:  # whoever had the interface before may have left another size
            fcntl.ioctl(self._fd, TUNSETVNETHDRSZ, struct.pack("i", VNET_HDR_BYTES))
        self.set_offload(on=self._offload)

    def set_offload(self, *, on: bool) -> None:
        """Let super-frames out as they are and in as they come, as far as the kernel does it; or none.

        Raises:
            OSError: The interface is gone.
        """
        self._offload = on
        self.c.lacks = 0 if on and self.state.header else SUPERS
        if not self.state.header:
            return
        try:
            fcntl.ioctl(self._fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_USO)
        except OSError:
            self.c.lacks |= lib.PORT_UDP
        fcntl.ioctl(self._fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO if on else 0)
        self.state.supers = int(on)

    def _explained(self, err: OSError, *, existed: bool) -> Exception:
        if err.errno == errno.EBUSY:
            return PortBusyError(f"{self.name}: interface {self.interface} is in use by another program (EBUSY)")
        if err.errno == errno.EPERM:
            return MissingError(
                f"{self.name}: needs CAP_NET_ADMIN; run as root, in `unshare -Urn`, or on an interface made for you: "
                f"ip tuntap add {self.interface} mode tap user {os.getuid()}"
            )
        if err.errno == errno.EINVAL and existed:
            return ConfigError(f"{self.name}: interface {self.interface} exists and is no tap; choose another name")
        return ConfigError(f"{self.name}: {err.strerror}")

    @property
    def carrier(self) -> bool:
        """Whether the interface is there and up, in whatever network namespace it may be by now."""
        if self.c.fd < 0:
            return False
        look = select.poll()
        look.register(self._fd, select.POLLOUT)
        # The kernel calls a tap writable only while its interface is up, and reports an error once it is deleted.
        return [events for _, events in look.poll(0)] == [select.POLLOUT]

    def set_link(self, *, up: bool) -> None:
        """Give the interface carrier, or take it away.

        Raises:
            OSError: The interface is gone.
        """
        super().set_link(up=up)
        if self._fd >= 0:
            fcntl.ioctl(self._fd, TUNSETCARRIER, struct.pack("i", int(up)))

    def why_dark(self) -> str:
        """The interface was deleted, or is down."""
        if self.c.fd < 0:
            return (
                f"the interface {self.interface} was deleted: make it again (ip tuntap add {self.interface} mode tap)"
            )
        return "" if self.carrier else f"the interface {self.interface} is down: ip link set {self.interface} up"

    def poll(self) -> None:
        """Look at the carrier; say once when the interface was deleted, and take one of its name when it is there."""
        if self._fd >= 0 and self.c.fd >= 0 and self._deleted():
            self.c.fd = -1
        if self._fd >= 0 and self.c.fd < 0:
            os.close(self._fd)
            self._fd = -1
            self._gone = True
            log.warning("%s: the interface was deleted; no carrier until there is one of this name again", self.name)
        now_s = time.monotonic()
        if self._gone and now_s >= self._look_again_s:
            self._look_again_s = now_s + LOOK_S
            self._return()
        self.c.carrier = int(self.carrier)

    def _deleted(self) -> bool:
        look = select.poll()
        look.register(self._fd, 0)
        return bool(look.poll(0))  # nothing else is reported of a tap unasked

    def _return(self) -> None:
        """Attach to the interface if somebody has made it again."""
        if not _exists(self.interface):
            self._told = ""
            return
        try:
            self._fd = self._open()
            self._attach(existed=True)
            fcntl.ioctl(self._fd, TUNSETCARRIER, struct.pack("i", self.c.link))  # a new one begins with carrier
        except (ConfigError, MissingError, OSError) as exc:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1
            if str(exc) != self._told:
                self._told = str(exc)
                log.warning("%s: there is an interface of this name again, but: %s", self.name, exc)
            return
        self._gone, self._told = False, ""
        self.made = False
        self.c.fd = self._fd
        log.info("%s: the interface is there again", self.name)

    def close(self) -> None:
        """Let go of the interface; one that we made is gone then.  May be called twice."""
        super().close()
        self._gone = False
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _exists(name: str) -> bool:
    try:
        socket.if_nametoindex(name)
    except OSError:
        return False
    return True


def _bring_up(name: str) -> None:
    from pyroute2 import IPRoute

    # By netlink, which asks for rights in this namespace only; the ioctl for the queue length wants them everywhere.
    with IPRoute() as ipr:
        ipr.link("set", index=socket.if_nametoindex(name), txqlen=QUEUE_FRAMES, state="up")
