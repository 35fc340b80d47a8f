# SPDX-License-Identifier: BSD-3-Clause
"""The service task: what has to be looked at now and then, and the interrupt that says "look now".

Ref: ixgbe_service_task, ixgbe_watchdog_subtask, ixgbe_check_hang_subtask, ixgbe_sfp_detection_subtask,
ixgbe_msix_other.
"""

import logging
from collections.abc import Callable

from device.regs.i82599 import EICR, EICS, EICS_EX, EIMC, EIMS, EIMS_EX, ESDP, FWSM
from driver.core.progress import Progress
from driver.errors import DeviceGone, DriverError
from driver.ixgbe.hw.link import LinkStatus
from driver.ixgbe.hw.phy import UnsupportedSfpError
from driver.ixgbe.interrupts import OTHER_CAUSES
from driver.ixgbe.port import Port
from driver.ixgbe.power import was_reset

log = logging.getLogger(__name__)

ALL = 0xFFFFFFFF
WATCHDOG_S = 2.0


class Service:
    """Periodic work of one port.

    Args:
        port: The port.
        reinit: Resets it while it runs.
        recover: Sets it up again after somebody else reset it.
    """

    def __init__(self, port: Port, reinit: Callable[[], None], recover: Callable[[], None]) -> None:
        """Nothing is due until ``start``."""
        self.port = port
        self._reinit = reinit
        self._recover = recover
        self.look_at_sfp = False
        self.lsc_int = 0
        self.tx_timeout_count = 0
        self.kicks = 0
        self._watchdog_s = float("-inf")
        self._progress = Progress()
        self._fw_error = False
        self._refused = ""
        self._look = True  # something other than a mailbox wants a look
        self._looked_s = float("-inf")

    def start(self) -> None:
        """The port came up: look at everything at the next pass."""
        self._watchdog_s = float("-inf")
        self._progress.clear()
        self._look = True

    def counts(self) -> dict[str, int]:
        """Figures of the service task, with ethtool's names."""
        return {
            "lsc_int": self.lsc_int,
            "tx_timeout_count": self.tx_timeout_count,
            "resets": self.port.hw.reset.resets,
        }

    def run(self) -> None:
        """One pass: a function that was reset, firmware, module, link; every 2 s statistics, hang check, the kick.

        Raises:
            DeviceGone: The function no longer answers.
        """
        port = self.port
        if not port.running:
            return
        if port.vfs is not None:
            port.vfs.turn()
            if not self._is_due():
                return
        if was_reset(port):
            self._recover()
            return
        self._check_fw()
        now_s = port.hw.clock.now_s()
        watchdog = now_s - self._watchdog_s >= WATCHDOG_S
        if watchdog and not port.hw.phy.present:
            self.look_at_sfp = True
        if self.look_at_sfp:
            self._sfp_detect()
        self._check_link()
        if watchdog:
            self._watchdog_s = now_s
            moved = port.hw.stats.update()
            if port.vfs is not None:
                port.vfs.watch()
            if self._check_hang(paused=bool(moved.get("rx_flow_control_xoff"))):
                return
            self._kick()

    def _is_due(self) -> bool:
        """Whether there is more to do than mailboxes, which want a turn more often than everything else."""
        now_s = self.port.hw.clock.now_s()
        due = self._look or not self.port.link.up or now_s - self._looked_s >= WATCHDOG_S
        if due:
            self._look, self._looked_s = False, now_s
        return due

    def _check_fw(self) -> None:
        fwsm = self.port.bar.read(FWSM)
        bad = not fwsm.FW_VALID or fwsm.EXT_ERR_IND != 0
        if bad and not self._fw_error:
            log.warning("firmware error detected: %s", fwsm)
        self._fw_error = bad

    # ---- module ----------------------------------------------------------------------------------------------------

    def _sfp_detect(self) -> None:
        """Look into the cage; a module that was not there before is set up.

        A module we do not drive costs the link, not the port: the driver waits for a better one.
        """
        self.look_at_sfp = False
        hw = self.port.hw
        hw.phy.forget()
        if not hw.bar.read(ESDP).SDP2:
            hw.phy.mark_absent()
            return
        try:
            hw.phy.identify()
            hw.phy.setup_sfp()
            hw.link.setup(one_gigabit=hw.phy.one_gigabit)
        except (UnsupportedSfpError, TimeoutError, DriverError) as err:
            if isinstance(err, DeviceGone):
                raise
            if str(err) != self._refused:
                log.warning("the SFP+ module cannot be used: %s", err)
            self._refused = str(err)
            return
        self._refused = ""
        log.info("detected SFP+: %s", hw.phy.title)

    # ---- link ------------------------------------------------------------------------------------------------------

    def _check_link(self) -> None:
        port = self.port
        before, now = port.link, port.hw.link.check()
        port.link = now
        port.bar.write(EIMS, EIMS.of(LSC=1))
        if now.up and not before.up:
            port.hw.link.enable_flow_control(port.sw.rx_fifo_kib)
            log.info(
                "%s: link is up, %g Gb/s, flow control %s",
                port.door.name,
                now.speed_mbps / 1000,
                port.hw.link.flow_control.value,
            )
        elif before.up and not now.up:
            log.info("%s: link is down", port.door.name)
            if self._tx_pending():
                log.info("%s: resetting to clear Tx work after link loss", port.door.name)
                self._reinit()
                port.link = LinkStatus()
        if port.vfs is not None and (now.up, now.speed_mbps) != (before.up, before.speed_mbps):
            port.vfs.link_changed(now)

    def _tx_pending(self) -> bool:
        return any(ring.pending for ring in self.port.senders)

    # ---- hang ------------------------------------------------------------------------------------------------------

    def _check_hang(self, *, paused: bool) -> bool:
        """Reset a port whose rings get nowhere; True if that happened."""
        port = self.port
        if not port.link.up:
            self._progress.clear()
            return False
        queue = self._progress.stuck(port.senders, paused=paused)
        if queue is None:
            return False
        log.error("%s: detected Tx unit hang on queue %d, resetting", port.door.name, queue)
        self.tx_timeout_count += 1
        self._reinit()
        return True

    def _kick(self) -> None:
        """Make every queue vector interrupt once: what was lost is found by the poll that follows."""
        port = self.port
        self.kicks += 1
        if not port.scheme.msix:
            port.bar.write(EICS, EICS.of(TCP_TIMER=1, OTHER=1))
            return
        for n, word in port.scheme.kicks():
            port.bar.write(EICS_EX, word, n)

    # ---- the other interrupt ---------------------------------------------------------------------------------------

    def msix_other(self) -> None:
        """MSI-X: everything but queues.  Reading EICS does not clear, so queue causes stay where they are."""
        bar = self.port.bar
        causes = bar.read(EICS).replace(RTX_QUEUE=0)
        bar.write(EICR, int(causes))
        self._causes(EICR(int(causes)))
        bar.write(EIMS, EIMS.of(**OTHER_CAUSES))

    def legacy(self) -> bool:
        """MSI and INTx: one interrupt for all.  True if rings want polling; they stay masked until then."""
        bar = self.port.bar
        bar.write(EIMC, ALL)
        causes = bar.read(EICR)
        rings = causes.RTX_QUEUE != 0 or bool(causes.TCP_TIMER)
        self._causes(causes)
        bar.write(EIMS, EIMS.of(**OTHER_CAUSES))
        if not rings:
            bar.write(EIMS_EX, ALL)
        return rings

    def _causes(self, causes: EICR) -> None:
        if causes.MAILBOX and self.port.vfs is not None:
            self.port.vfs.turn()
        if causes.LSC or causes.GPI_SDP2:
            self._look = True
        if causes.LSC:
            self.lsc_int += 1
        if causes.GPI_SDP2:
            self.look_at_sfp = True
        if causes.ECC:
            log.error("%s: packet buffer ECC error, resetting", self.port.door.name)
            self._reinit()
