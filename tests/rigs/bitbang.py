# SPDX-License-Identifier: BSD-3-Clause
"""Bit-bang masters for SPI and I2C, written from the driver's side; bits and offsets are typed here on their own."""

from collections.abc import Callable


class SpiMaster:
    """``pins(cs, sk, di)`` drives the pins and returns DO. CS is active low."""

    def __init__(self, pins: Callable[[int, int, int], int]) -> None:
        self.pins = pins

    def select(self) -> None:
        self.pins(1, 0, 0)
        self.pins(0, 0, 0)

    def deselect(self) -> None:
        self.pins(0, 0, 0)
        self.pins(1, 0, 0)

    def send(self, value: int, bits: int = 8) -> None:
        for i in reversed(range(bits)):
            bit = value >> i & 1
            self.pins(0, 0, bit)
            self.pins(0, 1, bit)
            self.pins(0, 0, bit)

    def receive(self, bits: int = 8) -> int:
        value = 0
        for _ in range(bits):
            value = value << 1 | self.pins(0, 1, 0)
            self.pins(0, 0, 0)
        return value

    def command(self, op: int, data: bytes = b"") -> None:
        self.select()
        self.send(op)
        for byte in data:
            self.send(byte)
        self.deselect()

    def address(self, op: int, offset: int, address_bits: int) -> None:
        if address_bits == 8 and offset >= 256:
            op |= 0x08
        self.send(op)
        self.send(offset & ((1 << address_bits) - 1), address_bits)

    def status(self) -> int:
        self.select()
        self.send(0x05)
        value = self.receive()
        self.deselect()
        return value

    def read(self, offset: int, count: int, address_bits: int = 16) -> bytes:
        self.select()
        self.address(0x03, offset, address_bits)
        data = bytes(self.receive() for _ in range(count))
        self.deselect()
        return data

    def write(self, offset: int, data: bytes, address_bits: int = 16) -> None:
        self.command(0x06)
        self.select()
        self.address(0x02, offset, address_bits)
        for byte in data:
            self.send(byte)
        self.deselect()


class NackError(Exception):
    pass


class I2cMaster:
    """``drive(scl, sda)`` lets go of (1) or pulls (0) the lines; ``sense()`` gives (scl, sda) as they are."""

    def __init__(self, drive: Callable[[int, int], None], sense: Callable[[], tuple[int, int]]) -> None:
        self.drive = drive
        self.sense = sense
        self.scl = self.sda = 1

    def set(self, *, scl: int | None = None, sda: int | None = None) -> None:
        self.scl = self.scl if scl is None else scl
        self.sda = self.sda if sda is None else sda
        self.drive(self.scl, self.sda)
        if scl:
            assert self.sense()[0] == 1, "SCL did not rise"

    def start(self) -> None:
        self.set(sda=1)
        assert self.sense()[1] == 1, "SDA is held low"
        self.set(scl=1)
        self.set(sda=0)
        self.set(scl=0)

    def stop(self) -> None:
        self.set(sda=0)
        self.set(scl=1)
        self.set(sda=1)

    def bit_out(self, bit: int) -> None:
        self.set(sda=bit)
        self.set(scl=1)
        self.set(scl=0)

    def bit_in(self) -> int:
        self.set(sda=1)
        self.set(scl=1)
        bit = self.sense()[1]
        self.set(scl=0)
        return bit

    def byte_out(self, value: int) -> None:
        for i in reversed(range(8)):
            self.bit_out(value >> i & 1)
        if self.bit_in():
            raise NackError(hex(value))

    def byte_in(self, *, ack: bool) -> int:
        value = 0
        for _ in range(8):
            value = value << 1 | self.bit_in()
        self.bit_out(0 if ack else 1)
        return value

    def bus_clear(self) -> None:
        self.start()
        self.set(sda=1)
        for _ in range(9):
            self.set(scl=1)
            self.set(scl=0)
        self.start()
        self.stop()

    def read_byte(self, offset: int, device: int = 0xA0) -> int:
        self.start()
        self.byte_out(device)
        self.byte_out(offset)
        self.start()
        self.byte_out(device | 1)
        value = self.byte_in(ack=False)
        self.stop()
        return value

    def write_byte(self, offset: int, value: int, device: int = 0xA0) -> None:
        self.start()
        self.byte_out(device)
        self.byte_out(offset)
        self.byte_out(value)
        self.stop()
