# SPDX-License-Identifier: BSD-3-Clause
"""One PCI function at the end of one vfio-user socket: its configuration space, its BARs, one client after another.

The endpoint outlives its clients; whatever a client leaves behind (memory, eventfds, registers) goes with it.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from device.machine.config import ConfigSpace, Identity
from device.machine.core import c_function
from device.machine.function import Function
from device.machine.irq import IrqKind
from device.machine.loop import Loop
from device.machine.socket_file import OWN, SocketRule
from device.machine.vpd import Vpd
from device.regs import pci, pci_vf
from device.regs.core import Register
from device.serve import vfu

log = logging.getLogger(__name__)


def _nothing() -> None:
    pass


MSI_VECTORS = 1


@dataclass(frozen=True)
class Layout:
    """What kind of function it is, as PCI sees it.

    Attributes:
        name: What logs call it, before its number.
        registers: Its configuration space.
        bars: BAR index to size in bytes; BAR 0 has the registers.
        msix_bar: Which has the MSI-X table.
        io_bar: Which is the I/O window to the registers; None: it has none.
    """

    name: str
    registers: Sequence[type[Register]]
    bars: Mapping[int, int]
    msix_bar: int
    io_bar: int | None = None


PHYSICAL = Layout("physical function", pci.CONFIG, pci.BARS, msix_bar=4, io_bar=2)
VIRTUAL = Layout("virtual function", pci_vf.CONFIG, pci_vf.BARS, msix_bar=3)


@dataclass(frozen=True)
class Offer:
    """What a function offers its clients.

    Attributes:
        identity: What configuration space says of this very function.
        vectors: Size of its MSI-X table.
        best: The best kind of interrupt on offer.
        areas: (offset, length) in bytes of parts of BAR0 that clients may map.
        vpd: Its vital product data, if it has any.
        rom: Its expansion ROM, a power of two of bytes; b"" without one.
        layout: What kind of function it is.
    """

    identity: Identity
    vectors: int
    best: IrqKind = IrqKind.MSIX
    areas: Sequence[tuple[int, int]] = ()
    vpd: Vpd | None = None
    rom: bytes = b""
    layout: Layout = PHYSICAL


class Endpoint:
    """Serves ``function`` at ``path``.

    Args:
        function: What is served; it stays its card's.
        path: Where clients connect; a stale socket is replaced.
        offer: What clients get to see.
        rule: Who may connect.
        name: What logs call it; "" where there is no other.
        on_left: Called after a client has gone.

    Raises:
        OSError: The path is too long or in use.
    """

    def __init__(
        self,
        function: Function,
        path: Path,
        offer: Offer,
        rule: SocketRule = OWN,
        *,
        name: str = "",
        on_left: Callable[[], None] = _nothing,
    ) -> None:
        self.function = function
        self.name = name
        self.on_left = on_left
        self.sessions = 0
        self._welcome = self._said_absent = False
        self.config = ConfigSpace(
            *(function, offer.identity),
            best=offer.best,
            vpd=offer.vpd,
            rom_bytes=len(offer.rom),
            registers=offer.layout.registers,
        )
        self.context = vfu.VfuContext(path, self, logging.getLogger("device.serve.vfu"), rule)
        self.config.on_flr = self.context.reset_state
        try:
            self._offer(offer)
        except BaseException:
            self.context.close()
            raise

    def _offer(self, offer: Offer) -> None:
        function, context = self.function, self.context
        areas, layout = list(offer.areas), offer.layout
        fd = function.c.regs.shown_fd if areas else -1
        context.add_region(0, layout.bars[0], c_function("regfile_access"), function.regs_handle, areas=areas, fd=fd)
        if layout.io_bar is not None:
            context.add_io_bar(layout.io_bar)
        context.add_msix_bar(layout.msix_bar)
        context.add_config(self.config)
        if offer.rom:
            context.add_rom(offer.rom)
        guard, is_lost = c_function("dma_guard"), c_function("dma_is_lost")
        context.set_dma(c_function("dma_add"), c_function("dma_del"), function.dma_handle, guard, is_lost)
        context.set_faults(*function.fault_handles())
        function.set_irq_sink(context.irq_function, context.intx_function, context.handle)
        best = offer.best
        context.realize(
            msi=MSI_VECTORS if best >= IrqKind.MSI else 0, msix=offer.vectors if best >= IrqKind.MSIX else 0
        )

    def join(self, loop: Loop, source: int) -> None:
        """Let ``loop`` run the socket as its source number ``source``."""
        loop.set_source(source, fd=-1, run=self.context.run_function, arg=self.context.handle)
        self.context.watch(loop.source_fd(source))

    def poll(self) -> None:
        """Tell of memory that went away under the device; to be called a few times a second."""
        lost = self.function.take_lost()
        if lost is not None:
            self.context.tell_lost(lost)

    def close(self) -> None:
        """Send the client away and remove the socket.  May be called twice."""
        self.context.close()
        if not self.function.closed:
            self.function.set_irq_sink(0, 0, 0)

    # -- what the client does (vfu.Listener) --------------------------------------------------------------------------

    def on_reset(self, kind: vfu.ResetKind) -> None:
        """Reset configuration space and function: asked for, or because the client is gone."""
        log.debug("reset: %s", "by the client" if kind is vfu.ResetKind.DEVICE else "the client is gone")
        if kind is vfu.ResetKind.LOST:
            self.config.armed = IrqKind.NONE
        self.config.reset()

    def on_client(self, *, attached: bool) -> None:
        """Note that a client came or went; one that comes is told of as many vectors as there are now."""
        self.poll()
        self.sessions += attached
        self._welcome = attached
        if attached:
            if not (self.function.is_present or self._said_absent):
                log.warning(
                    "%s: a client came, but there is no function for it: SR-IOV has not enabled it; "
                    "`python -m driver up NIC --vfs N` on the physical function does",
                    self.name,
                )
            self._said_absent = not self.function.is_present
            self.config.meet_client()
            self.context.set_msix(self.config.vectors)
            offers = self.config.offers
            self.context.set_intx_msi(intx=offers(IrqKind.INTX), msi=offers(IrqKind.MSI))
        what = "attached" if attached else "left"
        if self.name:
            log.info("%s: client %d %s", self.name, self.sessions, what)
        else:
            log.info("client %d %s", self.sessions, what)
        if not attached:
            self.on_left()

    def on_irqs(self, armed: IrqKind) -> None:
        """Note which kind of interrupt has eventfds."""
        self.config.set_armed(armed)

    @property
    def attached(self) -> bool:
        """Whether a client is there, its handshake done."""
        return self.context.attached and self._welcome

    @property
    def flrs(self) -> int:
        """How often the function was reset by configuration space."""
        return self.config.flrs

    # -- report -------------------------------------------------------------------------------------------------------

    def report(self) -> dict[str, object]:
        """Figures of the socket, and who is there."""
        return {
            "socket": {
                **self.context.counters(),
                "flrs": self.config.flrs,
                "dma_regions": self.context.dma_regions,
                "vectors_armed": self.context.vectors_armed,
            },
            "client": self.context.attached,
            "irq_mode": self.function.irq_kind.name.lower(),
        }
