# SPDX-License-Identifier: BSD-3-Clause
"""The card as a whole: builds the blocks, ties them to registers and functions, and owns the order of reset."""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol, Self

from device.errors import ConfigError
from device.i82599.block import Block, hooks_of
from device.i82599.core import VECTORS, CardCore
from device.i82599.faults import FAULTS, MODULE, NVM, CardTarget
from device.i82599.fdir.block import Fdir
from device.i82599.filters.block import Filters
from device.i82599.flow.block import Flow
from device.i82599.hostif import HostInterface
from device.i82599.identity import identity_of, parse_mac
from device.i82599.intr.block import Intr
from device.i82599.link import Link
from device.i82599.mac import Mac
from device.i82599.nvm import image as nvm_image
from device.i82599.nvm.block import Nvm
from device.i82599.nvm.image import DEFAULT_MAC, Image, ImageOptions
from device.i82599.nvm.spi import SpiEeprom
from device.i82599.nvm.vpd import NvmVpd
from device.i82599.porter import Porter
from device.i82599.report import Report, ring_rows, stall_rows, unknown_rows
from device.i82599.rss.block import Rss
from device.i82599.rx.block import Rx
from device.i82599.semaphores import Semaphores
from device.i82599.sfp import kinds as sfp_kinds
from device.i82599.sfp.block import Sfp
from device.i82599.sfp.i2c import I2cBus
from device.i82599.sfp.module import Module
from device.i82599.stats.block import Stats
from device.i82599.time.block import TimeSync
from device.i82599.tx.block import Tx
from device.i82599.vf.block import Vfs
from device.i82599.vf.function import MOST as VFS_MOST
from device.i82599.vf.function import VirtualFunction
from device.i82599.vf.standin import StandIn
from device.i82599.virt.block import Virt
from device.machine.core import Pointer, lib
from device.machine.faults import Chore, Faults
from device.machine.function import Function
from device.machine.regfile import RegFile, on_write
from device.machine.seam import Clock, Port
from device.regs import pci
from device.regs.i82599 import ALL, CTRL, STATUS, Register

log = logging.getLogger(__name__)

POLL_NS = 100_000_000  # how often the slow world (carrier, cage) is looked at

BLOCKS: tuple[type[Block], ...] = (
    *(Nvm, Sfp, Mac, Semaphores, HostInterface, Link, Filters, Rss, Fdir, Rx, Tx, Intr, Stats, TimeSync, Flow),
    *(Virt, Vfs, Porter),
)


def make_registers(core: CardCore) -> RegFile:
    """The physical function's registers, with every block's hook in place."""
    return RegFile(core.pf, ALL, hooks_of(BLOCKS))


class CardPort(Port, Protocol):
    """A wire that C can move frames through (device/machine/wire)."""

    c: Any  # its ``struct port *``; a cffi pointer has no type mypy could know

    def counters(self) -> dict[str, int]:
        """Frames and bytes so far, seen from the device."""

    def poll(self) -> None:
        """Housekeeping; never waits."""


def image_of(nvm: Image | Path | str | None, mac: bytes | None, lan_id: int) -> Image:
    """The NVM contents: built, or loaded and given our address.

    Raises:
        ConfigError: The image cannot be read, is none, or has no place for an address.
    """
    if nvm is None:
        base = ImageOptions()
        return nvm_image.build(base if mac is None else ImageOptions(mac=nvm_image.next_mac(mac, -lan_id)))
    image = nvm if isinstance(nvm, Image) else nvm_image.load(Path(nvm))
    if mac is not None and not image.set_mac(mac, lan_id):
        raise ConfigError(f"the NVM image has no LAN core section to hold the address {mac.hex(':')}; leave one out")
    image.dirty = False  # what the guest changes from now on
    return image


class Card(Block):
    """One 82599, complete but for PCI's configuration space and its sockets.

    Args:
        mac: Its address; the NVM's own if left out.
        sfp: What is in the cage: a kind (``sfp.kinds``) or the path of a file, a module, or None for an empty cage.
        nvm: An image, or the path of an image file; one is built if left out. Guest writes change the copy in
            memory; ``save_nvm`` writes it to a file.
        port: The wire.
        clock: Time for slow things (the module's live values); the device core's own if left out.
        lan_id: Which of a card's two ports this is, 0 or 1.
        msix_vectors: Size of its MSI-X table, 1 to 64.
        vfs: Virtual functions there can be, 0 to 63.
        vfs_always: They are there from the start, and as long as no driver has the physical function the device
            answers for it.
        trace: Registers whose every access is logged.

    Attributes:
        core: The card in C.
        pf: Its physical function: what PCI sees.
        regs: The physical function's registers.
        vfs: Its virtual functions, those that are not enabled too.
        blocks: Every subject of the chip, one of each of ``BLOCKS``.

    Raises:
        ConfigError: An option is wrong.
    """

    registers = (CTRL, STATUS)

    def __init__(
        self,
        mac: str | bytes | None = None,
        sfp: str | Module | None = "sr",
        nvm: Image | Path | str | None = None,
        port: CardPort | None = None,
        clock: Clock | None = None,
        *,
        lan_id: int = 0,
        msix_vectors: int = VECTORS,
        vfs: int = 0,
        vfs_always: bool = False,
        trace: Iterable[type[Register]] = (),
    ) -> None:
        if lan_id not in {0, 1}:
            raise ConfigError(f"port number {lan_id} is not 0 or 1")
        if not 1 <= msix_vectors <= VECTORS:
            raise ConfigError(f"an MSI-X table of {msix_vectors} vectors: the card has 1 to {VECTORS}")
        if not 0 <= vfs <= VFS_MOST:
            raise ConfigError(f"{vfs} virtual functions: a card has 0 to {VFS_MOST}, for the last pool is its own")
        image = image_of(nvm, None if mac is None else parse_mac(mac), lan_id)
        module = sfp_kinds.make(sfp) if isinstance(sfp, str) else sfp
        self.lan_id = lan_id
        self.msix_vectors = msix_vectors
        self.core = CardCore(vfs)
        self.pf: Function = self.core.pf
        self.pf.on_reset = lambda: self.reset(software=False)
        self.pf.on_sriov = self._enable_vfs
        self.vfs = [VirtualFunction(self.core, n) for n in range(vfs)]
        self.regs = make_registers(self.core)
        self.clock: Clock = clock or self.core
        self.port: CardPort | None = None
        self.closed = False
        self.resets = {"software": 0, "pci": 0}
        self._next_poll_ns = 0
        self.chores: list[Chore] = []  # faults that do something now and then

        self.image = image
        self.vpd = NvmVpd(image)
        self.nvm = Nvm(self.regs, image, SpiEeprom, default_mac=DEFAULT_MAC, port=lan_id)
        self.sfp = Sfp(self.regs, self.clock, I2cBus, module)
        self.link = Link(self.regs, self.core, self.sfp, self._set_link_up)
        self.mac = Mac(self.regs)
        self.semaphores = Semaphores(self.regs)
        self.hostif = HostInterface(self.regs)
        self.filters = Filters(self.regs)
        self.rss = Rss(self.regs)
        self.fdir = Fdir(self.core)
        self.rx = Rx(self.regs, self.core)
        self.tx = Tx(self.regs, self.core)
        self.virt = Virt(self.regs)
        self.sriov = Vfs(self.regs, self.core)
        self.standin = StandIn(self.regs, self._address_of_vf, [vf.regs for vf in self.vfs]) if vfs_always else None
        self.porter = Porter(self.regs, self.core, self.rx, self.tx)
        self.core.stalls.explainers = {"rx": self.rx.explain, "tx": self.tx.explain}
        self.blocks: list[Block] = [self.nvm, self.sfp, self.mac, self.semaphores, self.hostif, self.link]
        self.blocks += [self.filters, self.rss, self.fdir, self.rx, self.tx, Intr(), Stats(), TimeSync(), Flow()]
        self.blocks += [self.virt, self.sriov, self.porter]
        self.faults: Faults[CardTarget] = Faults(self, FAULTS)
        for block in (self, *self.blocks):
            self.regs.bind(block)
        for register in trace:
            self.regs.trace(register)
        self._reset(software=False)
        self.set_port(port)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Take the wire off and give everything back. May be called twice."""
        if self.closed:
            return
        self.set_port(None)
        self.closed = True
        for vf in self.vfs:
            vf.close()
        self.core.close()

    # -- reset and bus master ----------------------------------------------------------------------------------------

    def reset(self, *, software: bool) -> None:
        """Reset the card: by CTRL (``software``) or by PCI (FLR, bus reset, D3hot to D0, lost client).

        All queues, masks, causes, filters and counters go; the address comes back from the NVM. A software reset
        spares semaphores, pins and the NVM's registers. PCI's own registers are the config space's business.

        Ref: 82599 datasheet, "Reset Operation".
        """
        self.resets["software" if software else "pci"] += 1
        log.debug("%s reset", "software" if software else "PCI")
        self._reset(software=software)

    def _reset(self, *, software: bool) -> None:
        self.regs.reset(software=software)
        self.regs.update(STATUS, LAN_ID=self.lan_id)
        for block in self.blocks:
            block.reset(software=software)
        self._gate_dma()
        if self.standin is not None and software:
            self.standin.end()
        elif self.standin is not None:
            self._enable_vfs(0, memory=True)
            self.standin.begin()

    def _gate_dma(self) -> None:
        """GIO master disable: no new DMA, and STATUS tells when the last one is over: at once, we never wait."""
        disabled = self.regs.get(CTRL).GIO_DIS
        self.regs.update(STATUS, GIO=1 - disabled)
        self.pf.set_requests(on=not disabled)

    def identity(self) -> list[tuple[type[Register], int]]:
        """What configuration space says of this very card."""
        vfs = [(pci.SRIOV_INITIAL_VFS, len(self.vfs)), (pci.SRIOV_TOTAL_VFS, len(self.vfs))]
        return [*identity_of(self.nvm.mac, self.lan_id, self.msix_vectors), *vfs]

    def _address_of_vf(self, n: int) -> bytes:
        """The n + 1st address after the card's own."""
        return nvm_image.next_mac(self.nvm.mac, n + 1)

    def _enable_vfs(self, count: int, *, memory: bool) -> None:
        """SR-IOV has so many virtual functions enabled; without ``memory`` they do not answer in their BARs."""
        if self.standin is not None and count:
            self.standin.end()
        elif self.standin is not None:
            count, memory = len(self.vfs), True
        if count != self.sriov.enabled:
            self.sriov.enable(count)
            for vf in self.vfs:
                vf.appear(enabled=vf.n < count)
            log.info("%d of %d virtual functions are enabled", self.sriov.enabled, len(self.vfs))
        for vf in self.vfs[:count]:
            vf.function.set_answers(on=memory, reason=lib.REG_OFF_MSE)

    @on_write(CTRL)
    def control(self, _n: int, old: CTRL, new: CTRL, written: CTRL) -> None:
        """Both reset bits do the full software reset, which also ends GIO master disable."""
        if written.RST or written.LRST:
            self.reset(software=True)
        elif old.GIO_DIS != new.GIO_DIS:
            self._gate_dma()

    # -- the world ---------------------------------------------------------------------------------------------------

    def _set_link_up(self, up: bool) -> None:
        self.core.link_up = up
        self.mac.see_link(up=up)

    def set_port(self, port: CardPort | None) -> None:
        """Change the wire; the other end of the old one sees our link go down."""
        self.port = port
        self.core.set_port(None if port is None else port.c)
        self.link.set_port(port)

    def insert_sfp(self, module: str | Module) -> None:
        """Plug a module into the running card; one that is in comes out first.

        Raises:
            ConfigError: No such kind, or no module in such a file; the one that is in stays.
        """
        made = sfp_kinds.make(module) if isinstance(module, str) else module
        self.remove_sfp()
        if made is not None:
            self.sfp.insert(made)
            self.link.evaluate()

    def remove_sfp(self) -> None:
        """Pull the module, if one is in; faults of its bytes go with it."""
        self.faults.end_in_part(MODULE)
        if self.sfp.remove() is not None:
            self.link.evaluate()

    @property
    def register_names(self) -> Mapping[str, type[Register]]:
        """Registers of BAR0 by name, for faults."""
        return {register.NAME: register for register in ALL}

    @property
    def wire_faults(self) -> Pointer:
        """What faults do to frames that come in."""
        return self.core.c.wire_faults

    def save_nvm(self, path: Path) -> None:
        """Write the NVM, with what the guest changed, to a file.

        Raises:
            OSError: The file cannot be written.
        """
        self.faults.end_in_part(NVM)
        self.image.save(path)

    def step(self) -> int:
        """One turn without waiting: port, rings, interrupts. Returns the work done; 0: nothing to do."""
        return self.core.step()

    def poll(self, now_ns: int | None = None) -> None:
        """Look at the slow world if it is time: carrier above all. Cheap; call it as often as convenient."""
        now = self.clock.now_ns() if now_ns is None else now_ns
        if now < self._next_poll_ns:
            return
        self._next_poll_ns = now + POLL_NS
        if self.port is not None:
            self.port.poll()
        for chore in tuple(self.chores):
            chore(now)
        self.link.look()
        self.porter.look()

    def report(self) -> Report:
        """What the card is and what happened to it so far."""
        module, stalls = self.sfp.module, self.core.stalls
        stopped = stall_rows(stalls.seen, stalls.explained)
        return Report(
            card={
                "mac": self.nvm.mac.hex(":"),
                "sfp": module.kind if module else "none",
                "link": "up" if self.link.up else "down",
                "nvm": "changed" if self.image.dirty else "unchanged",
            },
            counters={
                **self.core.counters(),
                "software_resets": self.resets["software"],
                "pci_resets": self.resets["pci"],
                "link_changes": self.link.changes,
                "nvm_writes": self.nvm.writes,
                "mdio_commands": self.mac.commands,
                "firmware_commands": self.hostif.commands,
                "semaphore_taken": self.semaphores.taken,
                "semaphore_contended": self.semaphores.contended,
                "handler_errors": self.regs.handler_errors,
                "slow_answers": self.regs.slow_answers,
            },
            wire={} if self.port is None else self.port.counters(),
            unknown=unknown_rows(self.regs.unknown),
            filters={**self.filters.rows(), "queues": self.rss.describe(), "flows": str(int(self.core.c.fdir.used))},
            rings=ring_rows("rx", self.rx.rings()) + ring_rows("tx", self.tx.rings()),
            pools=[*self.virt.pools()],
            stalls=stopped,
            faults=stopped,
            injected=self.faults.active,
        )
