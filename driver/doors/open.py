# SPDX-License-Identifier: BSD-3-Clause
"""From a name to a door: ``vfio-user:PATH``, or the address of a PCI function, ``[DDDD:]BB:DD.F``."""

import errno

from driver.doors.address import address_of
from driver.doors.door import Door
from driver.doors.vfio import VfioDoor
from driver.doors.vfio_user import VfioUserDoor
from driver.errors import DoorError

VFIO_USER = "vfio-user:"


def open_door(name: str, *, bind: bool = False, timeout_s: float | None = None) -> Door:
    """Open the door called ``name``.

    Args:
        name: ``vfio-user:PATH``, or the address of a PCI function of this machine, ``[DDDD:]BB:DD.F``.
        bind: For an address: take the function from its kernel driver, and give it back when the door is closed.
        timeout_s: For vfio-user: how long the device may take to answer anything, 0 for ever; 5 s, and 2 s for the
            handshake, if left out.

    Raises:
        DoorError: The name is neither, or the door does not open (``Busy``: somebody else has it).
    """
    if name.startswith(VFIO_USER):
        path = name.removeprefix(VFIO_USER)
        if not path:
            raise DoorError(errno.EINVAL, f"{name}: the socket's path is missing; write vfio-user:/run/nic.sock")
        if timeout_s is None:
            return VfioUserDoor(path)
        return VfioUserDoor(path, timeout_s=timeout_s, handshake_timeout_s=timeout_s)
    address = address_of(name)
    if not address:
        raise DoorError(
            errno.EINVAL,
            f"{name}: neither a socket nor a PCI address; "
            "write vfio-user:/run/nic.sock or 0000:01:00.0 (`lspci -D` lists them)",
        )
    return VfioDoor(address, bind=bind)
