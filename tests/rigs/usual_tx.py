# SPDX-License-Identifier: BSD-3-Clause
"""Two cards that send the same: with one, usual descriptors go the usual way; with the other, all the exact way."""

from device.machine.core import ffi
from device.regs.i82599 import DMATXCTL, HLREG0, TDH, TDT, TDWBAH, Register
from tests.rigs.tx import IOVA, Desc, TxRig
from tests.rigs.usual import difference, exact, usual_frames

COUNT = 32
AT = IOVA + (2 << 20)  # where buffers lie
WB = IOVA + (1 << 20)  # and where heads are reported


class Twins:
    """Two cards with the same memory; everything is done to both."""

    def __init__(self) -> None:
        self.cards = (TxRig(), TxRig())
        self.count = COUNT

    def renew(self, count: int = COUNT) -> None:
        """Both as new, queue 0 and 5 on."""
        self.count = count
        for card in self.cards:
            card.nic.pf.reset(software=False)
            card.nic.stalls.seen.clear()
            card.port.state.keeps = 1
            card.nic.manual_clock(10**9)
            card.memory[: 1 << 20] = bytes(1 << 20)
            card.memory[AT - IOVA : AT - IOVA + 32768] = bytes(n * 7 % 256 for n in range(32768))
            card.nic.pf.bus_master = True
            card.nic.link_up = True
            card.write(DMATXCTL, DMATXCTL.of(TE=1, VT=0x8100))
            card.write(HLREG0, HLREG0.of(TXCRCEN=1, TXPADEN=1, RXCRCSTRP=1))
            card.write(TDWBAH, WB >> 32, 0)
            card.wire()
            card.enable(0, count)
            card.enable(5, count)
        exact(self.cards[1].nic)

    def write(self, register: type[Register], value: int, n: int = 0) -> None:
        for card in self.cards:
            card.write(register, value, n)

    def post(self, *descs: Desc, q: int = 0) -> None:
        """As many as the ring has room for."""
        for card in self.cards:
            room = self.count - 1 - (card.read(TDT, q) - card.read(TDH, q)) % self.count
            card.post(*descs[:room], q=q)

    def both(self, budget: int = 1000) -> tuple[list[bytes], str]:
        """A turn of both; returns what left the first, and what is different then, "" if nothing is."""
        usual, other = self.cards
        ran = usual.run(budget), other.run(budget)
        left, left_other = usual.wire(), other.wire()
        if ran[0] != ran[1]:
            return left, f"sent {ran}"
        if left != left_other:
            at = next((n for n, pair in enumerate(zip(left, left_other, strict=False)) if pair[0] != pair[1]), -1)
            return left, f"frames that left: {len(left)} {len(left_other)}, the first that is different: {at}"
        if text := difference(usual.nic, other.nic):
            return left, text
        memory = [ffi.buffer(ffi.from_buffer(card.memory)) for card in self.cards]
        if memory[0] != memory[1]:
            return left, "memory"
        stalls = [[card.stall(q) for q in (0, 5)] for card in self.cards]
        return left, f"stalls {stalls}" if stalls[0] != stalls[1] else ""

    def run(self, budget: int = 1000) -> list[bytes]:
        """A turn of both, after which nothing may be different; returns what left."""
        left, text = self.both(budget)
        assert text == ""
        return left

    @property
    def usual(self) -> int:
        """Frames that went the usual way, of which the second card has none."""
        assert usual_frames(self.cards[1].nic)[1] == 0
        return usual_frames(self.cards[0].nic)[1]

    def close(self) -> None:
        for card in self.cards:
            card.__exit__()
