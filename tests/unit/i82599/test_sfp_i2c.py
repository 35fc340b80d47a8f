# SPDX-License-Identifier: BSD-3-Clause
import pytest

from device.i82599.sfp.i2c import I2cBus
from tests.rigs.bitbang import I2cMaster, NackError


class Memory:
    def __init__(self) -> None:
        self.data = bytearray((7 * i + 3) & 0xFF for i in range(256))

    def read(self, offset: int) -> int:
        return self.data[offset]

    def write(self, offset: int, value: int) -> None:
        self.data[offset] = value


class Bench:
    def __init__(self) -> None:
        self.slaves: dict[int, Memory] = {0xA0: Memory(), 0xA2: Memory()}
        self.bus = I2cBus(self.slaves.get)
        self.sda = 1
        self.scl = 1
        self.master = I2cMaster(self._drive, lambda: (self.scl, self.sda))

    def _drive(self, scl: int, sda: int) -> None:
        self.scl = scl
        self.sda = self.bus.drive(scl=scl, sda=sda)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_random_reads(bench: Bench) -> None:
    for offset in (0, 255, 17, 17, 128):
        assert bench.master.read_byte(offset) == bench.slaves[0xA0].data[offset]
    bench.slaves[0xA2].data[5] = 0xEE
    assert bench.master.read_byte(5, 0xA2) == 0xEE


def test_write_then_read(bench: Bench) -> None:
    bench.master.write_byte(0x40, 0x5A)
    assert bench.slaves[0xA0].data[0x40] == 0x5A
    assert bench.master.read_byte(0x40) == 0x5A


def test_sequential_read_wraps(bench: Bench) -> None:
    m = bench.master
    m.start()
    m.byte_out(0xA0)
    m.byte_out(254)
    m.start()
    m.byte_out(0xA1)
    got = [m.byte_in(ack=True), m.byte_in(ack=True), m.byte_in(ack=False)]
    m.stop()
    data = bench.slaves[0xA0].data
    assert got == [data[254], data[255], data[0]]
    # current-address read goes on from there
    m.start()
    m.byte_out(0xA1)
    assert m.byte_in(ack=False) == data[1]
    m.stop()


def test_nobody_answers_other_addresses(bench: Bench) -> None:
    with pytest.raises(NackError):
        bench.master.read_byte(0, 0xF8)
    bench.master.stop()
    assert bench.master.read_byte(9) == bench.slaves[0xA0].data[9]


def test_absent_module_never_acks_and_sda_stays_high(bench: Bench) -> None:
    bench.slaves.clear()
    for _ in range(3):
        with pytest.raises(NackError):
            bench.master.read_byte(0)
        bench.master.bus_clear()
    assert bench.sda == 1


@pytest.mark.parametrize("clocks", range(1, 9))
def test_bus_clear_frees_a_slave_stuck_in_a_read(bench: Bench, clocks: int) -> None:
    m = bench.master
    bench.slaves[0xA0].data[3] = 0  # eight times SDA low
    m.start()
    m.byte_out(0xA0)
    m.byte_out(3)
    m.start()
    m.byte_out(0xA1)
    for _ in range(clocks):
        m.set(scl=1)
        m.set(scl=0)
    # The master gives up here: nine clocks with SDA released, as drivers do.
    m.sda = 1
    for _ in range(9):
        m.set(scl=1)
        m.set(scl=0)
    assert bench.sda == 1
    m.start()
    m.stop()
    assert m.read_byte(4) == bench.slaves[0xA0].data[4]


def test_module_pulled_in_the_middle(bench: Bench) -> None:
    m = bench.master
    m.start()
    m.byte_out(0xA0)
    del bench.slaves[0xA0]
    bench.bus.forget()
    with pytest.raises(NackError):
        m.byte_out(0)
    m.stop()
    assert bench.sda == 1


def test_slave_pulled_without_notice(bench: Bench) -> None:
    m = bench.master
    m.start()
    m.byte_out(0xA0)
    m.byte_out(1)
    m.start()
    m.byte_out(0xA1)
    m.byte_in(ack=True)
    del bench.slaves[0xA0]
    m.byte_in(ack=True)
    assert m.byte_in(ack=False) == 0xFF
    m.stop()


def test_now_and_then_nobody_answers_and_never_a_wrong_byte(bench: Bench) -> None:
    bench.bus.deaf_every = 5
    got: list[int | None] = []
    for offset in range(20):
        try:
            got.append(bench.master.read_byte(offset))
        except NackError:
            got.append(None)
            bench.master.stop()
    assert 0 < got.count(None) < 20
    assert all(byte in {None, bench.slaves[0xA0].data[offset]} for offset, byte in enumerate(got))
