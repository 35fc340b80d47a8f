# SPDX-License-Identifier: BSD-3-Clause
"""The link: is it up, how fast, laser, pause frames; and the careful way AUTOC has to be written."""

import enum
import logging
from dataclasses import dataclass
from typing import Any

from device.regs.i82599 import (
    ANLP1,
    AUTOC,
    AUTOC2,
    ESDP,
    FACTPS,
    FCCFG,
    FCRTH,
    FCRTL,
    FCRTV,
    FCTTV,
    FWSM,
    LINKS,
    MANC,
    MFLCN,
    MMNGC,
    PCS1GANA,
    RXPBSIZE,
)
from device.regs.i82599.general import FwMode
from device.regs.i82599.mac import LinkSpeed, Lms
from driver.core.bar import Bar
from driver.ixgbe.hw.common import Common
from driver.ixgbe.hw.swfw import Resource, SwFw

log = logging.getLogger(__name__)

AN_TRIES = 10
AN_WAIT_S = 0.004
LASER_ON_S = 0.1
LASER_OFF_S = 0.0001
CROSSTALK_WAIT_S = 0.005
PAUSE_TIME = 0xFFFF
PAUSE_SYMMETRIC, PAUSE_ASYMMETRIC = 0x80, 0x100  # of PCS1GANA
MANC_RECEIVES = 0x20000  # of MANC: frames for firmware are let in
FIFO_SLACK_KIB = 40
FIFO_LOW_KIB = 32
SPEED_MBPS = {LinkSpeed.SPEED_10G: 10_000, LinkSpeed.SPEED_1G: 1000, LinkSpeed.SPEED_100: 100}


class FlowControl(enum.Enum):
    """Which pauses we obey and which we send, with ethtool's words."""

    NONE = "none"
    RX = "rx"
    TX = "tx"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """What LINKS says; speed 0 while down."""

    up: bool = False
    speed_mbps: int = 0


def link_figures(bar: Bar) -> dict[str, Any]:
    """The link as the MAC sees it now, as plain data."""
    links = bar.read(LINKS)
    return {
        "up": bool(links.UP),
        "speed_mbps": SPEED_MBPS.get(LinkSpeed(links.SPEED), 0) if links.UP else 0,
        "duplex": "full",
    }


class Link:
    """The link of one port."""

    def __init__(self, hw: Common, swfw: SwFw) -> None:
        """Nothing is read yet."""
        self.hw = hw
        self.swfw = swfw
        self.crosstalk_fix = False
        self.flow_control = FlowControl.FULL
        self.orig_autoc: AUTOC | None = None
        self.orig_autoc2: AUTOC2 | None = None
        self.owns_laser = True

    @property
    def vetoed(self) -> bool:
        """Whether firmware forbids to touch the link: somebody talks to it over this port.

        Ref: ixgbe_check_reset_blocked.
        """
        return bool(self.hw.bar.read(MMNGC).MNG_VETO)

    def managed(self) -> bool:
        """Whether firmware lets packets of its own through this port.

        Ref: ixgbe_mng_enabled.
        """
        bar = self.hw.bar
        return (
            bar.read(FWSM).MODE == FwMode.PASS_THROUGH
            and bool(bar.read(MANC) & MANC_RECEIVES)
            and not bar.read(FACTPS).MNGCG
        )

    def look_at_laser(self) -> None:
        """See whether the optics are ours to switch: not while firmware uses them.

        Ref: ixgbe_init_mac_link_ops_82599.
        """
        self.owns_laser = not self.managed()

    def check(self) -> LinkStatus:
        """Read the link's state.

        LINKS is read twice, because it may latch.  On boards where a neighbour's signal can fake a link, an empty cage
        (SDP2 low) means down, and an up is believed only if it lasts 5 ms.

        Ref: ixgbe_check_mac_link_generic.
        """
        bar = self.hw.bar
        if self.crosstalk_fix and not bar.read(ESDP).SDP2:
            return LinkStatus()
        bar.read(LINKS)
        links = bar.read(LINKS)
        if links.UP and self.crosstalk_fix:
            self.hw.clock.sleep(CROSSTALK_WAIT_S)
            links = bar.read(LINKS)
        if not links.UP:
            return LinkStatus()
        return LinkStatus(up=True, speed_mbps=SPEED_MBPS.get(LinkSpeed(links.SPEED), 0))

    def remember(self) -> None:
        """After a MAC reset: keep AUTOC and AUTOC2 as they came up, or put them back as they were.

        Ref: ixgbe_reset_hw_82599.
        """
        bar = self.hw.bar
        autoc, autoc2 = bar.read(AUTOC), bar.read(AUTOC2)
        awake = autoc2.replace(LINK_DISABLE_ON_D3=0, LINK_DISABLE=0, LINK_DISABLE_ON_D3_MASK=0)
        if autoc2 != awake:
            bar.write(AUTOC2, awake)
            self.hw.flush()
        if self.orig_autoc is None or self.orig_autoc2 is None:
            self.orig_autoc, self.orig_autoc2 = autoc, awake
            return
        if autoc != self.orig_autoc:
            self.write_autoc(self.orig_autoc)
        upper = {name: getattr(self.orig_autoc2, name) for name, field in AUTOC2.FIELDS.items() if field.lsb >= 16}
        if awake.replace(**upper) != awake:
            bar.write(AUTOC2, awake.replace(**upper))

    def select_10g_serial(self) -> None:
        """Put the link on the serial 10G lane that an SFP+ cage is wired to.

        Raises:
            TimeoutError: The autonegotiation state machine does not move.
        """
        base = self.orig_autoc if self.orig_autoc is not None else AUTOC.of()
        self.write_autoc(base.replace(LMS=Lms.LMS_10G_SERIAL))

    def setup(self, *, one_gigabit: bool) -> None:
        """Choose the link mode for the module: 1G with autonegotiation for 1G modules, else what the reset left.

        Ref: ixgbe_setup_mac_link_82599: with a 10G serial link on SFI nothing needs to be written.
        """
        if not one_gigabit:
            return
        autoc = self.hw.bar.read(AUTOC)
        if autoc.LMS != Lms.LMS_1G_AN:
            self.write_autoc(autoc.replace(LMS=Lms.LMS_1G_AN, PMA_PMD_1G=0))

    def write_autoc(self, value: AUTOC) -> None:
        """Write AUTOC so that the PCS pipeline starts afresh; not while firmware holds the link.

        Raises:
            TimeoutError: The autonegotiation state machine does not move; the value is written all the same.

        Ref: ixgbe_reset_pipeline_82599: a wrong link mode first, wait for ANLP1, then the right one.
        """
        bar = self.hw.bar
        if self.vetoed:
            log.info("%s: AUTOC stays as it is: firmware holds the link", self.hw.door.name)
            return
        with self.swfw.held(Resource.MAC_CSR):
            bar.write(AUTOC, value)
            autoc2 = bar.read(AUTOC2)
            if autoc2.LINK_DISABLE:
                bar.write(AUTOC2, autoc2.replace(LINK_DISABLE=0))
                self.hw.flush()
            other = (value.LMS + 4) % 8  # the same mode with its highest bit flipped
            bar.write(AUTOC, value.replace(LMS=other, AN_RESTART=1))
            anlp1 = ANLP1()
            for _ in range(AN_TRIES):
                self.hw.clock.sleep(AN_WAIT_S)
                anlp1 = bar.read(ANLP1)
                if anlp1.AN_STATE:
                    break
            bar.write(AUTOC, value.replace(AN_RESTART=1))
            self.hw.flush()
        if not anlp1.AN_STATE:
            raise TimeoutError(f"ANLP1: AN_STATE stays 0 after AUTOC.AN_RESTART, last read {anlp1}")

    def set_laser(self, *, on: bool) -> None:
        """Switch the module's transmitter: SDP3 is Tx disable.  Firmware that uses the port keeps it as it is.

        Ref: ixgbe_enable_tx_laser_multispeed_fiber and its counterpart.
        """
        if not self.owns_laser:
            return
        esdp = self.hw.bar.read(ESDP)
        if not on and self.vetoed:
            return
        self.hw.bar.write(ESDP, esdp.replace(SDP3=int(not on), SDP3_DIR=1))
        self.hw.flush()
        self.hw.clock.sleep(LASER_ON_S if on else LASER_OFF_S)

    def setup_flow_control(self) -> None:
        """Say to the far end of a 1G link which pauses we obey and send.

        Ref: ixgbe_setup_fc_generic, part of start_hw.
        """
        bar, wanted = self.hw.bar, self.flow_control
        symmetric = PAUSE_SYMMETRIC if wanted in {FlowControl.RX, FlowControl.FULL} else 0
        asymmetric = PAUSE_ASYMMETRIC if wanted is not FlowControl.NONE else 0
        before = int(bar.read(PCS1GANA)) & ~(PAUSE_SYMMETRIC | PAUSE_ASYMMETRIC)
        bar.write(PCS1GANA, before | symmetric | asymmetric)

    def enable_flow_control(self, fifo_kib: int) -> None:
        """Write the pause registers for what was asked; SFI links do not negotiate pause.

        Ref: ixgbe_fc_enable_generic.  Guess: the water marks; Linux computes them from cable and MAC delays.
        """
        bar = self.hw.bar
        sends = self.flow_control in {FlowControl.TX, FlowControl.FULL}
        obeys = self.flow_control in {FlowControl.RX, FlowControl.FULL}
        bar.write(MFLCN, bar.read(MFLCN).replace(DPF=1, RPFCE=0, RPFCE_TC=0, RFCE=int(obeys)))
        bar.write(FCCFG, bar.read(FCCFG).replace(TFCE_PRIORITY=0, TFCE_802_3X=int(sends)))
        high_kib = max(fifo_kib - FIFO_SLACK_KIB, 1)
        for n in range(RXPBSIZE.count):
            on = sends and n == 0
            bar.write(FCRTL, FCRTL.of(RTL=FIFO_LOW_KIB * 64, XONE=1) if on else FCRTL.of(), n)
            bar.write(FCRTH, FCRTH.of(RTH=high_kib * 64, FCEN=1) if on else FCRTH.of(), n)
        for n in range(FCTTV.count):
            bar.write(FCTTV, FCTTV.of(TTV0=PAUSE_TIME, TTV1=PAUSE_TIME), n)
        bar.write(FCRTV, FCRTV.of(FC_REFRESH_TH=PAUSE_TIME // 2))
