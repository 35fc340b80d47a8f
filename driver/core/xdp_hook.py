# SPDX-License-Identifier: BSD-3-Clause
"""The XDP program of a NIC: it stays while rings come and go, and so do the ports that others send to."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from driver.core.rings import RxRing, TxRing
from driver.core.xdp import Xdp, XdpPort, XdpTarget
from driver.errors import DriverError


class XdpHook:
    """Which program sees the frames of a NIC, if any.

    Args:
        name: The NIC, for messages.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._xdp: Xdp | None = None
        self._rx: list[RxRing] = []
        self._tx: list[TxRing] = []
        self._ports: list[XdpPort] = []
        self._past: Counter[str] = Counter()

    @property
    def attached(self) -> bool:
        """Whether there is a program."""
        return self._xdp is not None

    def set(self, program: Any, targets: Sequence[XdpTarget] = ()) -> None:
        """Let ``program`` see each frame from now on, in place of the one that does; None: no program.

        Args:
            program: A C function or a callable; see ``Xdp``.
            targets: What its ``REDIRECT`` may choose from.

        Raises:
            DriverError: It is no program, or a target has no XDP Tx ring (nothing was changed then); or the one before
                does not return from a frame.
        """
        new = Xdp(program, targets, name=self._name) if program is not None else None
        for target in targets:
            target.xdp_port(0)
        before, self._xdp = self._xdp, new
        if new is not None:
            self._attach(new)
        if before is not None:
            try:
                before.detach()
            finally:
                self._past.update(before.stats())

    def _attach(self, xdp: Xdp) -> None:
        for rx in self._rx:
            xdp.attach(rx, self._ports[rx.queue % len(self._tx)] if self._tx else None)

    def begin(self, rx: Sequence[RxRing], tx: Sequence[TxRing]) -> None:
        """The NIC has these rings now; ``tx`` are its XDP Tx rings."""
        self._rx, self._tx = list(rx), list(tx)
        while len(self._ports) < len(tx):
            self._ports.append(XdpPort())
        for port, ring in zip(self._ports, tx, strict=False):
            port.plug(ring)
        if self._xdp is not None:
            self._attach(self._xdp)

    def end(self) -> None:
        """The rings are about to go: nobody sends on them from now on, and no program sees a frame."""
        for port in self._ports:
            port.plug()
        self._rx, self._tx = [], []
        if self._xdp is not None:
            self._xdp.detach()

    def port(self, queue: int) -> XdpPort:
        """Return where programs of other NICs send what Rx queue ``queue`` of theirs got.

        Raises:
            DriverError: The NIC was never up with XDP Tx rings.
        """
        if not self._ports:
            raise DriverError(f"{self._name} has no XDP Tx rings to send on; bring it up with some (--xdp-rings)")
        return self._ports[queue % len(self._ports)]

    def stats(self) -> dict[str, int]:
        """Return frames by verdict since the first program; empty if there was none."""
        found = Counter(self._past)
        if self._xdp is not None:
            found.update(self._xdp.stats())
        return dict(found)
