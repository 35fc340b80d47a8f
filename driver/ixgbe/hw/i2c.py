# SPDX-License-Identifier: BSD-3-Clause
"""The two I2C wires of the SFP+ cage, driven bit by bit through I2CCTL.

Both wires are open drain: who drives 1 lets go, and must look whether the wire really rose.

Ref: SFF-8472 (the module is an EEPROM at 0xA0 and diagnostics at 0xA2); timing of I2C standard mode, 100 kHz.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from device.regs.i82599 import I2CCTL
from driver.errors import LinkError
from driver.ixgbe.hw.common import Common
from driver.ixgbe.hw.swfw import Resource, SwFw
from driver.slices import Slices, whole

log = logging.getLogger(__name__)

HALF_PERIOD_US = 5
CLOCK_STRETCH_TRIES = 500
RETRIES = 10
DETECT_RETRIES = 2
RETRY_WAIT_S = 0.1
RETRY_SLICES = 20
MODULE_ADDRESS = 0xA0
DIAGNOSTICS_ADDRESS = 0xA2


class NoAckError(LinkError):
    """Nobody answers at this address, or the wires are stuck."""


class I2c:
    """One cage."""

    def __init__(self, hw: Common, swfw: SwFw) -> None:
        """Nothing is driven yet."""
        self.hw = hw
        self.swfw = swfw
        self._until_s = float("inf")

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Try no byte again once so much time has passed: a module that fails now and then would take minutes."""
        self._until_s = self.hw.clock.now_s() + seconds
        try:
            yield
        finally:
            self._until_s = float("inf")

    def _drive(self, **wires: int) -> None:
        self.hw.bar.update(I2CCTL, **wires)
        self.hw.clock.delay_us(HALF_PERIOD_US)

    def _clock_high(self) -> I2CCTL:
        """Let the clock rise and wait for a slave that stretches it."""
        self._drive(CLK_OUT=1)
        for _ in range(CLOCK_STRETCH_TRIES):
            now = self.hw.bar.read(I2CCTL)
            if now.CLK_IN:
                return now
        raise NoAckError("I2CCTL: CLK_IN stays 0 while we let go of the clock")

    def _clock_low(self) -> None:
        self._drive(CLK_OUT=0)

    def _data(self, level: int) -> None:
        self._drive(DATA_OUT=level)
        if level and not self.hw.bar.read(I2CCTL).DATA_IN:
            raise NoAckError("I2CCTL: DATA_IN stays 0 while we let go of the data wire")

    def _start(self) -> None:
        """SDA falls while SCL is high."""
        self._drive(DATA_OUT=1)
        self._clock_high()
        self._drive(DATA_OUT=0)
        self._clock_low()

    def _stop(self) -> None:
        """SDA rises while SCL is high."""
        self._drive(DATA_OUT=0)
        self._clock_high()
        self._drive(DATA_OUT=1)

    def _write(self, byte: int) -> None:
        for digit in f"{byte:08b}":
            self._data(int(digit))
            self._clock_high()
            self._clock_low()
        self._drive(DATA_OUT=1)
        acknowledged = not self._clock_high().DATA_IN
        self._clock_low()
        if not acknowledged:
            raise NoAckError(f"no acknowledge for byte {byte:#04x}")

    def _read(self) -> int:
        self._drive(DATA_OUT=1)
        value = 0
        for _ in range(8):
            value = value * 2 + self._clock_high().DATA_IN
            self._clock_low()
        self._data(1)  # NACK: this was the last byte
        self._clock_high()
        self._clock_low()
        return value

    def _bus_clear(self) -> None:
        """Nine clocks, a start and a stop bring a slave that lost count back to idle."""
        try:
            self._start()
            self._drive(DATA_OUT=1)
            for _ in range(9):
                self._clock_high()
                self._clock_low()
            self._start()
            self._stop()
        except NoAckError as err:
            log.debug("bus clear: %s", err)

    @property
    def _lock(self) -> Resource:
        return Resource.PHY1 if self.hw.lan_id else Resource.PHY0

    def read_byte(self, offset: int, *, address: int = MODULE_ADDRESS, retries: int = RETRIES) -> int:
        """Read one byte of the module at once; see ``byte``."""
        return int(whole(self.byte(offset, address=address, retries=retries)))

    def byte(self, offset: int, *, address: int = MODULE_ADDRESS, retries: int = RETRIES) -> Slices[int]:
        """Read one byte of the module in slices: each time that it is asked, and some before it is asked again.

        Args:
            offset: 0..255.
            address: 0xA0 for the identification page, 0xA2 for diagnostics.
            retries: How often to try again after clearing the bus.

        Raises:
            NoAckError: Nobody answered, in the end, or in time (``within``).
            TimeoutError: The semaphore of the wires cannot be had.
        """
        for left in range(retries, -1, -1):
            try:
                with self.swfw.held(self._lock):
                    return self._read_once(address, offset)
            except NoAckError as err:
                self._bus_clear()
                if not left or self.hw.clock.now_s() >= self._until_s:
                    tries = retries - left + 1
                    raise NoAckError(f"byte {offset:#04x} at {address:#04x}, asked {tries} times: {err}") from err
            for _ in range(RETRY_SLICES):
                self.hw.clock.sleep(RETRY_WAIT_S / RETRY_SLICES)
                yield
        raise NoAckError("no try was allowed")

    def _read_once(self, address: int, offset: int) -> int:
        self._start()
        self._write(address)
        self._write(offset)
        self._start()
        self._write(address + 1)
        value = self._read()
        self._stop()
        return value

    def write_byte(self, offset: int, value: int, *, address: int = MODULE_ADDRESS) -> None:
        """Write one byte of the module.

        Raises:
            NoAckError: Nobody answered.
            TimeoutError: The semaphore of the wires cannot be had.
        """
        with self.swfw.held(self._lock):
            try:
                self._start()
                for byte in (address, offset, value):
                    self._write(byte)
                self._stop()
            except NoAckError:
                self._bus_clear()
                raise
