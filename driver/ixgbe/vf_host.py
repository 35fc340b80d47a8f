# SPDX-License-Identifier: BSD-3-Clause
"""A port that may have virtual functions: how they begin and end with it."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from driver.core.bar import Bar
from driver.core.dma import Arena
from driver.core.rings import RxRing, TxRing
from driver.errors import DeviceGone, DriverError
from driver.ixgbe.port import Port
from driver.ixgbe.rings import RINGS
from driver.ixgbe.sriov.host import Sriov, check_down
from driver.ixgbe.sriov.pools import check_vfs

log = logging.getLogger(__name__)

RingMaker = Callable[[Arena, Bar, int, int, int], Any]  # arena, bar, queue, count, buf_bytes


class VfHost(Port):
    """The part of an adapter that has virtual functions.

    Attributes:
        make_rx: Makes an Rx ring.
        make_tx: Makes a Tx ring.
    """

    make_rx: RingMaker
    make_tx: RingMaker

    def enable_vfs(self, vfs: int) -> None:
        """Have ``vfs`` virtual functions from the next ``up`` on, until ``close``; 0: none.

        The port's own rings are those of the pool behind theirs then.

        Raises:
            DriverError: Not 0..63, the port is up, or it has some already.
            ProbeError: The function cannot have them.
        """
        check_vfs(vfs)
        check_down(self.running, self.door.name)
        if self.vfs is not None:
            raise DriverError(f"{self.door.name} has {self.vfs.pools.vfs} VFs, and keeps them until it is closed")
        if not vfs:
            return
        made = Sriov(self, self.door.name, vfs)
        made.enable()
        self.vfs, self.scheme.pools = made, made.pools
        self.make_rx = partial(RxRing, RINGS, first_queue=made.pools.first_queue)
        self.make_tx = partial(TxRing, RINGS, first_queue=made.pools.first_queue)

    def disable_vfs(self) -> None:
        """Have none any more: the port is down for good.  A function that is gone has none anyway."""
        made, self.vfs = self.vfs, None
        self.scheme.pools = None
        if made is None:
            return
        try:
            made.disable()
        except (DeviceGone, OSError) as err:
            log.debug("%s: VFs off: %s", self.door.name, err)
