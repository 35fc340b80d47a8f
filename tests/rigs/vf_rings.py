# SPDX-License-Identifier: BSD-3-Clause
"""Rings on a VF by hand: what its driver does to receive and send, without the rest of a driver."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from device.regs.i82599.rx import DescType
from device.regs.i82599.vf import (
    VFRDBAH,
    VFRDBAL,
    VFRDH,
    VFRDLEN,
    VFRDT,
    VFRXDCTL,
    VFSRRCTL,
    VFTDBAH,
    VFTDBAL,
    VFTDH,
    VFTDLEN,
    VFTDT,
    VFTXDCTL,
)
from device.regs.pci import PCI_COMMAND
from driver.core.bar import Bar
from driver.core.dma import Arena
from driver.core.rings import RxRing, TxRing
from driver.doors.config import Config
from driver.i82599.rings import ring_model
from tests.rigs.vf_pf import Guest, PfRig

MODEL = ring_model(VFRDT, VFTDT)
COUNT, BUF_BYTES, ARENA_BYTES = 64, 2048, 1 << 20
LOW = 2**32


class Port:
    """A VF with one pair of rings, as its driver sees it."""

    def __init__(self, pf: PfRig, guest: Guest, arena: Arena) -> None:
        self.pf = pf
        self.guest = guest
        Config(guest.door).update(PCI_COMMAND, MEMORY=1, BUS_MASTER=1)
        bar = Bar(guest.door)
        self.rx = RxRing(MODEL, arena, bar, 0, COUNT, BUF_BYTES)
        self.tx = TxRing(MODEL, arena, bar, 0, COUNT, BUF_BYTES)
        self.open(strip=False)

    def open(self, *, strip: bool) -> None:
        """Set the rings up, as after each reset; ``strip``: VLAN tags are taken out on receive."""
        guest = self.guest
        for ring in (self.rx, self.tx):
            ring.reset()
        guest.write(VFTDBAL, self.tx.iova % LOW)
        guest.write(VFTDBAH, self.tx.iova // LOW)
        guest.write(VFTDLEN, self.tx.len_bytes)
        guest.write(VFTDH, 0)
        guest.write(VFTDT, 0)
        guest.write(VFTXDCTL, VFTXDCTL.of(ENABLE=1))
        guest.write(VFRDBAL, self.rx.iova % LOW)
        guest.write(VFRDBAH, self.rx.iova // LOW)
        guest.write(VFRDLEN, self.rx.len_bytes)
        guest.write(VFRDH, 0)
        guest.write(VFRDT, 0)
        guest.write(VFSRRCTL, VFSRRCTL.of(BSIZEPACKET=BUF_BYTES // 1024, DESCTYPE=DescType.ADV_ONEBUF, DROP_EN=1))
        guest.write(VFRXDCTL, VFRXDCTL.of(ENABLE=1, VME=int(strip)))
        self.rx.start()

    def send(self, *frames: bytes) -> None:
        """Send frames and let the device work."""
        for frame in frames:
            assert self.tx.post(frame)
        self.tx.flush()
        self.pf.settle()
        self.tx.clean()

    def take(self) -> list[bytes]:
        """Every frame that came."""
        got: list[bytes] = []
        while True:
            self.pf.settle()
            frames = self.rx.harvest()
            if not frames:
                return got
            got += [bytes(frame) for frame in frames]
            self.rx.refill()


@contextmanager
def ports(pf: PfRig, numbers: Sequence[int]) -> Iterator[dict[int, Port]]:
    """VFs with rings; the first thing that each of them still has to do is to start."""
    arenas: list[Arena] = []
    made: dict[int, Port] = {}
    try:
        for n in numbers:
            arenas.append(Arena(pf.guests[n].door, ARENA_BYTES))
            made[n] = Port(pf, pf.guests[n], arenas[-1])
        yield made
    finally:
        for port in made.values():
            for ring in (port.rx, port.tx):
                ring.close()
        for arena in arenas:
            arena.close()
