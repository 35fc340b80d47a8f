# SPDX-License-Identifier: BSD-3-Clause
"""Runs in a guest, as root: programs the card as nobody should.  What the guest's Python brings, and no more.

``python3 -m tests.boot.abuse garbage|rings|buffers|receive|vectors|small_bars [NUMBER]`` prints one JSON object with
what it saw.  Nothing here judges: the tests do.
"""

import json
import mmap
import os
import random
import sys
import time
from pathlib import Path
from typing import Literal

Kind = Literal["B", "H", "I", "Q"]  # items of struct, 1 to 8 bytes

ADDRESS = "0000:01:00.0"
FOLDER = Path("/sys/bus/pci/devices") / ADDRESS
ALL_ONES = 0xFFFF_FFFF
PAGE_BYTES = 4096
BAR0_BYTES, CSR_BYTES, BAR4_BYTES = 0x80000, 0x20000, 0x4000

COMMAND = 0x04
COMMAND_ALL = 0x407  # I/O, memory and bus master, INTx off: nobody here would answer one
ROM_BAR = 0x30
MSI_CONTROL, MSIX_CONTROL = 0x52, 0x72
MSI_ENABLE, MSIX_ENABLE, MSIX_MASK_ALL = 1, 0x8000, 0x4000

CTRL, CTRL_RST = 0x00000, 1 << 26
STATUS = 0x00008
EICS, EIMS, GPIE, GPIE_MSIX = 0x00808, 0x00880, 0x00898, 1 << 4
IVAR = 0x00900
EERD, EEWR, EE_START, EE_DONE = 0x10014, 0x10018, 1 << 0, 1 << 1
NVM_WORDS = 8192
TX, RX = 0x6000, 0x1000  # blocks of ring registers: base low, base high, length …
LENGTH, HEAD, TAIL, CONTROL = 0x8, 0x10, 0x18, 0x28
QUEUE_ENABLE = 1 << 25
STRIDE = 0x40
SRRCTL_2K = 2
RXCTRL, FCTRL, DMATXCTL = 0x3000, 0x5080, 0x4A80
FCTRL_ALL = 0x700  # broadcast, unicast and multicast promiscuous
RAL5 = 0xA228  # plain storage
IOADDR, IODATA, IO_BYTES = 0, 4, 32
TABLE_DWORDS = 64 * 4
# Of a guest with 1 GiB: behind its end, across it, in the hole below 4 GiB, an IOAPIC, the CPUs' interrupt window,
# behind the address width, and two that wrap around 2^64.
OUTSIDE = (
    *(0x4000_0000, 0x3FFF_FF80, 0xC000_0000, 0xFEC0_0000, 0xFEE0_0000),
    *(0x1_0000_0000, 0x10_0000_0000_0000, 0x8000_0000_0000_0000, 0xFFFF_FFFF_FFFF_F000, 0xFFFF_FFFF_FFFF_FF80),
)
UNALIGNED = 0x62  # within the last 128 bytes of memory: a frame of 60 does not fit any more


class Card:
    """The NIC, by what sysfs offers of it."""

    def __init__(self) -> None:
        self._config = os.open(FOLDER / "config", os.O_RDWR)
        if not (FOLDER / "driver").exists():
            (FOLDER / "enable").write_text("1")
            self.config_write(COMMAND, COMMAND_ALL, 2)
        self._bar0 = self._map(0, BAR0_BYTES)
        self.words = self.view("I")
        self.bar4 = memoryview(self._map(4, BAR4_BYTES)).cast("I")

    @staticmethod
    def _map(bar: int, len_bytes: int) -> mmap.mmap:
        fd = os.open(FOLDER / f"resource{bar}", os.O_RDWR | os.O_SYNC)
        try:
            return mmap.mmap(fd, len_bytes)
        finally:
            os.close(fd)

    def view(self, kind: Kind) -> memoryview:
        """BAR0 in items of one size."""
        return memoryview(self._bar0).cast(kind)

    def read(self, offset: int) -> int:
        return self.words[offset // 4]

    def write(self, offset: int, value: int) -> None:
        self.words[offset // 4] = value & ALL_ONES

    def config_read(self, offset: int, len_bytes: int) -> int:
        return int.from_bytes(os.pread(self._config, len_bytes, offset), "little")

    def config_write(self, offset: int, value: int, len_bytes: int) -> None:
        os.pwrite(self._config, value.to_bytes(len_bytes, "little"), offset)

    def nvm_read(self, word: int) -> int:
        self.write(EERD, word << 2 | EE_START)
        for _ in range(1000):
            value = self.read(EERD)
            if value & EE_DONE:
                return value >> 16
        raise SystemExit(f"EERD is never done with word {word:#x}")

    def nvm(self) -> list[int]:
        return [self.nvm_read(word) for word in range(NVM_WORDS)]

    def nvm_write(self, word: int, data: int) -> None:
        self.write(EEWR, data << 16 | word << 2 | EE_START)
        self.read(STATUS)

    def reset(self) -> None:
        """FLR, as the kernel does it."""
        (FOLDER / "reset").write_text("1")
        self.config_write(COMMAND, COMMAND_ALL, 2)

    def ring(self, block: int, queue: int, iova: int, len_bytes: int, tail: int) -> None:
        """Start a queue on a ring; ``block`` is TX or RX."""
        base = block + queue * STRIDE
        for offset, value in (
            *((CONTROL, 0), (0, iova), (4, iova >> 32), (LENGTH, len_bytes), (HEAD, 0), (TAIL, 0)),
            *((CONTROL, QUEUE_ENABLE), (TAIL, tail)),
        ):
            self.write(base + offset, value)

    def go(self) -> None:
        """Transmitter and receiver on, and all frames let through."""
        self.write(DMATXCTL, 1)
        self.write(FCTRL, FCTRL_ALL)
        self.write(RXCTRL, 1)


class Page:
    """A page of this process, and where it lies in the guest's memory."""

    def __init__(self) -> None:
        self.memory = mmap.mmap(-1, PAGE_BYTES)
        self.memory[:] = bytes(PAGE_BYTES)
        maps = Path("/proc/self/maps").read_text().splitlines()
        virtual = next(int(line.split("-")[0], 16) for line in maps if line.endswith("/dev/zero (deleted)"))
        with Path("/proc/self/pagemap").open("rb") as pagemap:
            pagemap.seek(virtual // PAGE_BYTES * 8)
            entry = int.from_bytes(pagemap.read(8), "little")
        if not entry >> 63:
            raise SystemExit("the page is not in memory")
        self.physical = (entry & (1 << 55) - 1) * PAGE_BYTES


def garbage(card: Card, seed: int) -> dict[str, object]:
    """Random values at every offset, in every width; NVM words that were hit are put right again.

    A random EEWR with its start bit set writes a random NVM word, on a real card too.
    """
    chance = random.Random(seed)
    before = card.nvm()
    written = read = 0
    widths: tuple[tuple[Kind, int, int], ...] = (("I", 32, 2), ("B", 8, 1), ("H", 16, 1), ("Q", 64, 1))
    for kind, bits, rounds in widths:
        view = card.view(kind)
        count = CSR_BYTES * 8 // bits
        for _ in range(rounds):
            for at in range(count) if bits >= 32 else chance.sample(range(count), 8192):
                view[at] = chance.getrandbits(bits)
                written += 1
            for at in chance.sample(range(len(view)), 8192):
                _ = view[at]
                read += 1
            # Whatever was hit, DMA stays possible.
            card.config_write(COMMAND, COMMAND_ALL, 2)
            card.go()
    card.write(CTRL, CTRL_RST)
    card.read(STATUS)
    time.sleep(0.01)
    card.reset()
    after = card.nvm()
    hit = [word for word in range(NVM_WORDS) if after[word] != before[word]]
    for word in hit:
        card.nvm_write(word, before[word])
    wrong = [word for word in range(NVM_WORDS) if card.nvm_read(word) != before[word]]
    return {"written": written, "read": read, "nvm_hit": len(hit), "nvm_wrong": wrong}


def rings(card: Card, _seed: int) -> dict[str, object]:
    """Rings outside memory, and of lengths that cannot be, on a queue each; says which heads moved."""
    card.reset()
    card.go()
    cases = [(iova, 0x1000, 4) for iova in OUTSIDE]
    page = Page().physical
    cases += [(page, len_bytes, 4) for len_bytes in (0, 0x10, 0x7F, 0x81)]
    cases += [(0x4000_0000, ALL_ONES, 0xFFFF), (0x4000_0000, 0x80, 0x8000)]
    for queue, (iova, len_bytes, tail) in enumerate(cases):
        card.ring(TX, queue, iova, len_bytes, tail)
        card.ring(RX, queue, iova, len_bytes, tail)
    time.sleep(0.3)
    moved = [
        (block, queue)
        for block in (TX, RX)
        for queue in range(len(cases))
        if card.read(block + queue * STRIDE + HEAD) != 0
    ]
    return {"queues": len(cases), "moved": moved}


def buffers(card: Card, _seed: int) -> dict[str, object]:
    """A good ring of packets whose data is outside memory: a queue for each address and length."""
    card.reset()
    card.go()
    cases = [(iova | UNALIGNED, length) for iova in OUTSIDE for length in (60, 65535)]
    page = Page()
    for queue, (iova, length) in enumerate(cases):
        at = queue * 128
        # Legacy descriptors: EOP, IFCS and RS.
        descriptor = iova.to_bytes(8, "little") + length.to_bytes(2, "little") + bytes((0, 0x0B, 0, 0, 0, 0))
        page.memory[at : at + 128] = descriptor + bytes(112)
        card.ring(TX, queue, page.physical + at, 128, 1)
    time.sleep(0.3)
    done = [queue for queue in range(len(cases)) if page.memory[queue * 128 + 12] & 1]
    return {"queues": len(cases), "done": done}


def receive(card: Card, number: int) -> dict[str, object]:
    """A good receive ring whose buffers are at one of the addresses outside memory; frames are the caller's part.

    Returns when there is a file /tmp/go.
    """
    card.reset()
    page = Page()
    iova = OUTSIDE[number] | UNALIGNED
    page.memory[:128] = b"".join((iova.to_bytes(8, "little") + bytes(8)) for _ in range(8))
    card.write(RX + 0x14, SRRCTL_2K)
    card.ring(RX, 0, page.physical, 128, 7)
    card.go()
    print("receiving", flush=True)
    end_s = time.monotonic() + 60
    while not Path("/tmp/go").exists() and time.monotonic() < end_s:
        time.sleep(0.02)
    Path("/tmp/go").unlink()
    return {"iova": iova, "written_back": [at for at in range(8) if page.memory[at * 16 + 8] & 1]}


def vectors(card: Card, seed: int) -> dict[str, object]:
    """Nonsense in the MSI-X table, storms of masks and of MSI-X itself, and interrupts all the while."""
    chance = random.Random(seed)
    card.reset()
    card.write(GPIE, GPIE_MSIX)
    for n in range(64):
        card.write(IVAR + 4 * n, 0x80808080 | chance.getrandbits(32) & 0x3F3F3F3F)
    card.write(EIMS, 0x7FFF_FFFF)
    steps = 0
    for turn in range(300):
        what = turn % 6
        entry = chance.randrange(64)
        if what == 0:  # address and data: anything, or something in the CPUs' window
            low = chance.choice((chance.getrandbits(32), 0xFEE0_0000 | chance.getrandbits(20)))
            for at, value in enumerate((low, chance.choice((0, chance.getrandbits(32))), chance.getrandbits(32))):
                card.bar4[4 * entry + at] = value
        elif what == 1:
            for n in range(64):
                card.bar4[4 * n + 3] = chance.getrandbits(32)
        elif what == 2:
            card.config_write(MSIX_CONTROL, chance.choice((0, MSIX_ENABLE, MSIX_ENABLE | MSIX_MASK_ALL)), 2)
        elif what == 3:
            # Never both at a time: QEMU 11.1 aborts when MSI-X ends while MSI is on, whatever the device does.
            card.config_write(MSIX_CONTROL, 0, 2)
            card.config_write(MSI_CONTROL, MSI_ENABLE, 2)
            card.write(EICS, chance.getrandbits(31))
            card.config_write(MSI_CONTROL, 0, 2)
            card.config_write(MSIX_CONTROL, chance.getrandbits(16), 2)
        elif what == 4:
            card.bar4[chance.randrange(TABLE_DWORDS, BAR4_BYTES // 4)] = chance.getrandbits(32)
        card.write(EICS, chance.getrandbits(31))
        steps += 1
    for n in range(64):
        for at in range(4):
            card.bar4[4 * n + at] = int(at == 3)
    card.config_write(MSIX_CONTROL, 0, 2)
    card.config_write(MSI_CONTROL, 0, 2)
    card.reset()
    return {"steps": steps, "entry": list(card.bar4[0:4])}


def small_bars(card: Card, seed: int) -> dict[str, object]:
    """The I/O BAR's window, every odd access to it, BAR4 behind its table, and an expansion ROM that is not there."""
    chance = random.Random(seed)
    card.reset()
    seen: dict[str, object] = {"rom": (FOLDER / "rom").exists()}
    card.config_write(ROM_BAR, ALL_ONES, 4)
    seen["rom_bar"] = card.config_read(ROM_BAR, 4)
    card.config_write(ROM_BAR, 0, 4)
    window = os.open(FOLDER / "resource2", os.O_RDWR)

    def port(offset: int, len_bytes: int = 4) -> int:
        return int.from_bytes(os.pread(window, len_bytes, offset), "little")

    def out(offset: int, value: int, len_bytes: int = 4) -> None:
        os.pwrite(window, value.to_bytes(len_bytes, "little"), offset)

    out(IOADDR, STATUS)
    seen["status"] = [port(IODATA), card.read(STATUS), port(IOADDR)]
    out(IOADDR, RAL5)
    out(IODATA, 0x12345678)
    seen["storage"] = [card.read(RAL5), port(IODATA)]
    for address in (CSR_BYTES, BAR0_BYTES, 0x7FFF_FFFC, ALL_ONES - 3, ALL_ONES, RAL5 + 1, RAL5 + 2):
        out(IOADDR, address)
        out(IODATA, chance.getrandbits(32))
        port(IODATA)
    seen["untouched"] = card.read(RAL5)
    for offset in range(IO_BYTES):
        for len_bytes in (1, 2, 4):
            if offset % len_bytes == 0 and offset + len_bytes <= IO_BYTES:
                out(offset, chance.getrandbits(8 * len_bytes), len_bytes)
                port(offset, len_bytes)
    os.close(window)
    rest = range(TABLE_DWORDS, BAR4_BYTES // 4)
    for at in rest:
        card.bar4[at] = chance.getrandbits(32)
    seen["behind_table"] = sorted({card.bar4[at] for at in rest})
    seen["behind_csr"] = sorted({card.words[at] for at in range(CSR_BYTES // 4, BAR0_BYTES // 4, 61)})
    card.reset()
    return seen


def main() -> None:
    """Do what is asked, and say what was seen."""
    what = {f.__name__: f for f in (garbage, rings, buffers, receive, vectors, small_bars)}[sys.argv[1]]
    print(json.dumps(what(Card(), int(sys.argv[2]) if len(sys.argv) > 2 else 0)))


if __name__ == "__main__":
    main()
