# SPDX-License-Identifier: BSD-3-Clause
"""Talking to the card's management firmware: a command in shared memory, a bit that says "go", an answer.

Ref: ixgbe_host_interface_command, ixgbe_set_fw_drv_ver_generic.
"""

import logging

from device.regs.i82599 import FLEX_MNG, FWSTS, HICR
from driver.ixgbe.hw.common import Common
from driver.ixgbe.hw.swfw import Resource, SwFw

log = logging.getLogger(__name__)

RESET_SEEN = 0x200  # of FWSTS: written, it takes back that firmware was reset
COMMAND_TIMEOUT_S = 0.5
TRIES = 4

DRIVER_INFO = 0xDD
VERSION_OF_NO_DRIVER = b"\xff\xff\xff\xff"  # what a system says that has no version to tell
DONE = 1


class Firmware:
    """The firmware's mailbox."""

    def __init__(self, hw: Common, swfw: SwFw) -> None:
        """Nothing is said yet."""
        self.hw = hw
        self.swfw = swfw

    def tell_driver_version(self) -> int:
        """Say that a driver is here; returns how many tries that took, 0 if firmware did not take it.

        A card without such firmware is no worse for it, so this is no failure.
        """
        for tried in range(1, TRIES + 1):
            try:
                with self.swfw.held(Resource.SW_MNG):
                    answer = self._command(DRIVER_INFO, bytes([self.hw.function]) + VERSION_OF_NO_DRIVER)
            except TimeoutError as err:
                log.debug("firmware: %s", err)
                continue
            if answer == DONE:
                return tried
        return 0

    def _command(self, command: int, body: bytes) -> int | None:
        """Give one command; returns the status of the answer, None if nobody is there to take it.

        Raises:
            TimeoutError: It was not done in time.
        """
        bar = self.hw.bar
        bar.write_offset(FWSTS.offset(), int(bar.read(FWSTS)) | RESET_SEEN)
        hicr = bar.read(HICR)
        if not hicr.EN:
            return None
        block = bytearray([command, len(body), 0, 0, *body])
        block[3] = -sum(block) % 256
        block += bytes(-len(block) % 4)
        for at in range(0, len(block), 4):
            bar.write(FLEX_MNG, int.from_bytes(block[at : at + 4], "little"), at // 4)
        bar.write(HICR, hicr.replace(C=1))
        done = bar.wait(HICR, timeout_s=COMMAND_TIMEOUT_S, C=0)
        return int(bar.read(FLEX_MNG)) // 2**16 % 256 if done.SV else None
