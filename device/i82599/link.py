# SPDX-License-Identifier: BSD-3-Clause
"""Is there a link: the cage, the laser, AUTOC and the wire's carrier decide; LINKS, ESDP and LSC tell.

Owns AUTOC, AUTOC2, LINKS, what the 1G PCS says, and the pins in ESDP, and listens to HLREG0.LPBK. Every input ends
in `evaluate`: registers when they are written, the world when `look` finds that it is another one.
"""

import logging
from collections.abc import Callable
from typing import NamedTuple, Protocol

from device.i82599.block import Block
from device.machine.regfile import RegFile, on_write
from device.machine.seam import Irq, Port
from device.regs.core import Counter
from device.regs.i82599 import (
    AUTOC,
    AUTOC2,
    EICR,
    ESDP,
    GPIE,
    HLREG0,
    LINKS,
    MLFC,
    MRFC,
    PCS1GANLP,
    PCS1GLSTA,
    Register,
)
from device.regs.i82599.mac import LinkSpeed, Lms

log = logging.getLogger(__name__)

# By LMS: the speed of the serial lane, which is all that the cage hangs on; every other mode is for backplanes.
MODES = {
    Lms.LMS_10G_SERIAL: (10_000, LinkSpeed.SPEED_10G),
    Lms.LMS_1G_NO_AN: (1_000, LinkSpeed.SPEED_1G),
    Lms.LMS_1G_AN: (1_000, LinkSpeed.SPEED_1G),
}


class Optics(Protocol):
    """What the link block asks of a module: its pins, and what it can do."""

    tx_disable: bool  # set by us: laser off
    rx_light: bool  # set by us: the other end sends light

    @property
    def sending(self) -> bool:
        """Whether the other end can see us."""

    @property
    def speeds_mbps(self) -> frozenset[int]:
        """At which speeds it runs."""

    @property
    def names(self) -> list[str]:
        """What it is, for people."""


class Cage(Protocol):
    """What the link block asks of the SFP+ cage."""

    @property
    def module(self) -> Optics | None:
        """What is plugged in."""


class World(NamedTuple):
    """The link's inputs of which no register write tells."""

    module: Optics | None
    optics: tuple[bool, frozenset[int]] | None
    port: Port | None
    carrier: bool
    dark: bool


class Link(Block):
    """The link's state.

    Args:
        regs: The function's registers.
        irq: Takes LSC and the pins' causes.
        cage: Where the module sits.
        set_up: Told whether frames may pass the MAC.

    The link is up when the module is in, AUTOC selects a mode the module can do, our transmitter is on and the other
    end is alive. Our own laser counts: a peer that sees no light answers with remote faults, and a link with remote
    faults carries no frames. AUTOC.FLU and MAC loopback force it up.

    Ref: IEEE 802.3 clause 46.3.4 (remote fault); ixgbe switches the laser off in probe and down, on in up.
    Guess: that the chip's LINKS.UP follows a remote fault.
    """

    registers = (AUTOC, AUTOC2, LINKS, ESDP, PCS1GLSTA, PCS1GANLP)

    def __init__(self, regs: RegFile, irq: Irq, cage: Cage, set_up: Callable[[bool], None]) -> None:
        self.regs = regs
        self.irq = irq
        self.cage = cage
        self.port: Port | None = None
        self.up = False
        self.speed: LinkSpeed | None = None  # while it is up
        self.dark = False  # a fault: no light passes the cable
        self.changes = 0  # how often it came up, went down, or changed its speed
        self._set_up = set_up
        self._told_peer: bool | None = None
        self._port_failed = False
        self._loss = True  # levels of the input pins
        self._present = False
        self._world: World | None = None  # as it was evaluated last

    def reset(self, *, software: bool) -> None:
        """See where we are after the words were reset. Quietly: a reset leaves no cause pending."""
        self.evaluate(quiet=True)

    def set_port(self, port: Port | None) -> None:
        """Change the wire; the other end of the old one sees our link go down."""
        self._tell_peer(up=False)
        self.port = port
        self._told_peer = None
        self._port_failed = False
        self.evaluate()

    @staticmethod
    def _speed(autoc: AUTOC, autoc2: AUTOC2, module: Optics | None) -> LinkSpeed | None:
        """The speed that AUTOC selects, if the module can do it: 1G optics do not lock at 10G serial."""
        mode = MODES.get(Lms(autoc.LMS))
        if module is None or autoc2.LINK_DISABLE or mode is None:
            return None
        mbps, speed = mode
        return speed if mbps in module.speeds_mbps else None

    def _see_world(self) -> World:
        module, port = self.cage.module, self.port
        optics = None if module is None else (module.sending, module.speeds_mbps)
        return World(module, optics, port, port is not None and port.carrier, self.dark)

    def look(self) -> None:
        """See whether module, light or wire changed; cheap, for ten times a second."""
        if self._see_world() != self._world:
            self.evaluate()

    def evaluate(self, *, quiet: bool = False) -> None:
        """Look at every input and tell whoever has to know what changed. ``quiet``: no interrupt causes."""
        esdp, autoc = self.regs.get(ESDP), self.regs.get(AUTOC)
        module = self.cage.module
        speed = self._speed(autoc, self.regs.get(AUTOC2), module)
        if module is not None:
            # As an input the pin floats, and the module pulls Tx disable up.
            module.tx_disable = bool(esdp.SDP3 or not esdp.SDP3_DIR)
        lit = speed is not None and module is not None and module.sending
        self._tell_peer(up=lit and not self.dark)
        self._world = self._see_world()
        carrier = self._world.carrier and not self.dark
        if module is not None:
            module.rx_light = carrier
        self._pins(esdp, present=module is not None, loss=module is None or not carrier, quiet=quiet)

        forced = bool(autoc.FLU or self.regs.get(HLREG0).LPBK)
        up = forced or (lit and carrier)
        now = (speed or LinkSpeed.SPEED_10G) if up else None
        self.regs.put(LINKS, 0, LINKS.of() if now is None else LINKS.of(UP=1, SPEED=now))
        self._pcs_1g(up=now is LinkSpeed.SPEED_1G, negotiated=autoc.LMS == Lms.LMS_1G_AN)
        self._set_up(up)
        if now is not self.speed:
            if now is None and self.speed is LinkSpeed.SPEED_10G and not quiet:
                self._count_fault(dark=module is None or not carrier, silent=speed is not None and not lit)
            self.up, self.speed = up, now
            self.changes += 1
            log.info("link is %s%s", "up" if up else "down", " at 1 Gb/s" if now is LinkSpeed.SPEED_1G else "")
            if not quiet:
                self.irq.cause(EICR.LSC.mask)

    def _count_fault(self, *, dark: bool, silent: bool) -> None:
        """The link ended: a local fault if we see no light, a remote one if the other end sees none and says so.

        Ref: IEEE 802.3 clause 46.3.4; the counters mean something at 10 Gb/s only.  Guess: one a lost link.
        """
        counter: type[Counter] | None = MLFC if dark else MRFC if silent else None
        if counter is not None:
            self.regs.put(counter, 0, min(self.regs.get(counter) + 1, counter.VALUE.max))

    def _pcs_1g(self, *, up: bool, negotiated: bool) -> None:
        """What the PCS for 1G says: drivers ask it what the other end agreed to.

        Guess: the other end takes what we offer, pauses included; the wires know nothing of autonegotiation.
        Ref: ixgbe compares PCS1GANA and PCS1GANLP; IEEE 802.3 clause 37 for the bits.
        """
        done = int(up and negotiated)
        link = int(up)
        self.regs.put(PCS1GLSTA, 0, PCS1GLSTA.of(LINK_OK=link, SYNC_OK=link, AN_COMPLETE=done, AN_PAGE_RX=done))
        self.regs.put(PCS1GANLP, 0, PCS1GANLP.of(FULL_DUPLEX=done, SYM_PAUSE=done, ASM_PAUSE=done, ACK=done))

    def why_down(self, dark: str = "") -> str:
        """What keeps the link down and what mends it, for people; "" if it is up.

        Args:
            dark: What the wire says about having no carrier.
        """
        if self.up:
            return ""
        autoc, autoc2 = self.regs.get(AUTOC), self.regs.get(AUTOC2)
        module = self.cage.module
        why = []
        if module is None:
            why.append("no module is in the cage: plug one (sfp)")
        elif self._speed(autoc, autoc2, module) is None:
            what = " and ".join(module.names) or "of a kind that is not known"
            why.append(f"the driver chose a mode that this module has not, which is {what}: {autoc}, {autoc2}")
        elif not module.sending:
            why.append("our laser is off: the driver has not switched it on (ESDP.SDP3); bring its interface up")
        if self.dark:
            why.append("a fault keeps the light away: end link-flap")
        if self.port is None:
            why.append("the cable is out: plug it (carrier)")
        elif not self.port.carrier:
            why.append(dark or "no light comes from the other end")
        return "; ".join(why)

    def _tell_peer(self, *, up: bool) -> None:
        if self.port is None or up == self._told_peer:
            return
        self._told_peer = up
        try:
            self.port.set_link(up=up)
        except OSError as err:
            if not self._port_failed:
                self._port_failed = True
                log.warning("cannot show link %s on the wire: %s", "up" if up else "down", err)

    def _pins(self, esdp: ESDP, *, present: bool, loss: bool, quiet: bool) -> None:
        """Set the input pins; an edge is an interrupt cause where GPIE asks for it.

        SDP2 = module present. SDP1 = loss of signal (Guess: drivers only know that it asks for a new link set-up).
        """
        new = esdp
        gpie = self.regs.get(GPIE)
        causes = 0
        if not esdp.SDP1_DIR:
            new = new.replace(SDP1=int(loss))
            if loss != self._loss and gpie.SDP1_GPIEN:
                causes += EICR.GPI_SDP1.mask
        if not esdp.SDP2_DIR:
            new = new.replace(SDP2=int(present))
            if present != self._present and gpie.SDP2_GPIEN:
                causes += EICR.GPI_SDP2.mask
        self._loss, self._present = loss, present
        if new != esdp:
            self.regs.put(ESDP, 0, new)
        if causes and not quiet:
            self.irq.cause(causes)

    @on_write(ESDP)
    def pins_written(self, _n: int, _old: ESDP, _new: ESDP, _written: ESDP) -> None:
        """Output pins moved, among them perhaps the laser; input pins do not listen to writes."""
        self.evaluate()

    @on_write(AUTOC, AUTOC2)
    def mode_written(self, _n: int, _old: Register, _new: Register, _written: Register) -> None:
        """A new mode, or Restart_AN, which our far end answers at once (ANLP1 always says so)."""
        self.evaluate()

    @on_write(HLREG0)
    def loopback_written(self, _n: int, old: HLREG0, new: HLREG0, _written: HLREG0) -> None:
        """MAC loopback needs no far end."""
        if old.LPBK != new.LPBK:
            self.evaluate()
