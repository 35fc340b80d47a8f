# SPDX-License-Identifier: BSD-3-Clause
"""The SFP+ cage: which module is in it, and the two wires by which software reads the module (I2CCTL).

Owns I2CCTL. The cage's other pins (module present, Tx disable, loss of signal) end in ESDP, which the link block owns.
The bus is i2c.py, the modules are module.py; the card puts them in.
"""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from device.i82599.block import Block
from device.machine.regfile import RegFile, on_write
from device.machine.seam import Clock
from device.regs.i82599 import I2CCTL

NS_PER_S = 1_000_000_000


class Slave(Protocol):
    """256 byte registers behind one address of the bus."""

    def read(self, offset: int) -> int:
        """Value of the byte at ``offset``, 0..255."""

    def write(self, offset: int, value: int) -> None:
        """Take a byte."""


class Plugged(Protocol):
    """What the cage asks of a module."""

    seconds: Callable[[], int]  # the module's sense of time

    def slave(self, address: int) -> Slave | None:
        """Who answers at an even bus address, if anybody."""


class Bus(Protocol):
    """The I2C bus."""

    deaf_every: int  # a fault: every so manieth call of an address nobody answers

    def reset(self) -> None:
        """Both lines high, no transfer under way."""

    def forget(self) -> None:
        """The slaves lost power."""

    def drive(self, *, scl: int, sda: int) -> int:
        """The master lets go of (1) or pulls (0) the lines; returns the level of SDA."""


M = TypeVar("M", bound=Plugged)


class Sfp(Block, Generic[M]):
    """Cage and I2C bus.

    Args:
        regs: The function's registers.
        clock: Time for the module's live values.
        bus: Makes the bus, given a function that finds the slave behind an address.
        module: What is plugged at the start, if anything.

    ``insert`` and ``remove`` only change the cage; whoever calls them lets the link look again.
    """

    registers = (I2CCTL,)

    def __init__(
        self, regs: RegFile, clock: Clock, bus: Callable[[Callable[[int], Slave | None]], Bus], module: M | None = None
    ) -> None:
        self.regs = regs
        self.clock = clock
        self.module: M | None = None
        self.bus = bus(lambda address: self.module.slave(address) if self.module is not None else None)
        if module is not None:
            self.insert(module)

    def reset(self, *, software: bool) -> None:
        """Let go of both wires. The module does not notice: it has no reset pin, and keeps its power."""
        self.bus.reset()

    def insert(self, module: M) -> None:
        """Plug a module; another one comes out first."""
        self.remove()
        module.seconds = lambda: self.clock.now_ns() // NS_PER_S
        self.module = module

    def remove(self) -> M | None:
        """Pull the module, even in the middle of a transfer. Returns it; None if the cage was empty."""
        module, self.module = self.module, None
        self.bus.forget()
        self._drive(self.regs.get(I2CCTL))
        return module

    def _drive(self, new: I2CCTL) -> None:
        sda = self.bus.drive(scl=new.CLK_OUT, sda=new.DATA_OUT)
        self.regs.put(I2CCTL, 0, new.replace(CLK_IN=new.CLK_OUT, DATA_IN=sda))

    @on_write(I2CCTL)
    def wires(self, _n: int, _old: I2CCTL, new: I2CCTL, _written: I2CCTL) -> None:
        """Clock the bus. Only writes move it; reading a level, or STATUS in between, means nothing to the module."""
        self._drive(new)
