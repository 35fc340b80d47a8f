# SPDX-License-Identifier: BSD-3-Clause
"""First inputs for the fuzz targets: recorded probes of stock drivers, frames made by scapy, and rings as drivers
use them.

An input is a row of acts, each a byte that says what and its arguments, lowest byte first; victim.c and wire.c read it.
"""

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrRouting
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.layers.sctp import SCTP
from scapy.packet import Packet, Raw

from device.i82599.card import make_registers
from device.i82599.core import CardCore
from device.regs.i82599 import FDIRCMD, FDIRCTRL, HLREG0, MRQC, RXCSUM, SRRCTL
from device.regs.i82599.desc import TXCTX0, TXCTX1, TXDADV, L4Type, TxDescType
from device.trace import read

DATA = Path(__file__).resolve().parent.parent / "data"
ACTS_OF_A_SEED = 500
WRITE, STORE, LOAD, TX_RING, RX_RING, DESCRIPTORS, SEGMENTS, BELL, FRAME, POKE, WORLD, PLAIN, STEP = (
    *(0, 1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 13, 14),
)
RX_BELL = BELL + 16
SHARE, LOOP, FLR = 12, 14, 7  # acts of WORLD
NIC, FAR = "02:00:00:82:59:90", "02:00:00:00:00:01"


def frames() -> list[bytes]:
    """One of each kind the parser knows."""
    head = Ether(dst=NIC, src=FAR)
    v4, v6 = IP(src="10.0.0.2", dst="10.0.0.1"), IPv6(src="2001:db8::2", dst="2001:db8::1")
    kinds: list[Packet] = [
        head / v4 / TCP(flags="A") / Raw(b"tcp"),
        head / v4 / UDP() / Raw(b"udp"),
        head / v4 / SCTP() / Raw(b"sctp"),
        head / v4 / ICMP(),
        head / IP(src="10.0.0.2", dst="10.0.0.1", frag=3, flags="MF") / Raw(b"fragment"),
        head / IP(src="10.0.0.2", dst="10.0.0.1", options=b"\x01\x01\x01\x00") / TCP(),
        head / v6 / TCP() / Raw(b"tcp"),
        head / v6 / UDP() / Raw(b"udp"),
        head / v6 / ICMPv6EchoRequest(),
        head / v6 / IPv6ExtHdrDestOpt() / UDP(),
        head / v6 / IPv6ExtHdrRouting(type=2, addresses=["2001:db8::3"]) / TCP(),
        head / v6 / IPv6ExtHdrFragment() / Raw(b"fragment"),
        head / Dot1Q(vlan=5) / v4 / TCP(),
        head / Dot1Q(vlan=5) / Dot1Q(vlan=6) / v6 / UDP(),
        head / ARP(),
        Ether(dst="01:80:c2:00:00:01", src=FAR, type=0x8808) / Raw(bytes([0, 1, 0, 9])),
    ]
    return [bytes(kind) for kind in kinds]


class Acts:
    """A row of acts for the core target."""

    def __init__(self) -> None:
        with CardCore() as core:
            make_registers(core)
            page = core.pf.c.regs.page
            words = core.pf.c.regs.bytes // 4
            known = [n for n in range(words) if page[n // 1024] and page[n // 1024].rule[n % 1024]]
        self._number = {4 * word: n for n, word in enumerate(known)}
        self.made = b""

    def write(self, offset: int, value: int) -> None:
        """A register, by its place in the table that build.py writes."""
        self.made += struct.pack("<BHI", WRITE, self._number[offset], value)

    def act(self, what: int, layout: str, *values: int | bytes) -> None:
        """Anything else."""
        self.made += struct.pack("<B" + layout, what, *values)

    def frame(self, data: bytes) -> None:
        """A frame on the wire."""
        self.act(FRAME, "BH", 0, len(data))
        self.made += data

    def rings(self, srrctl: int) -> None:
        """Queue 0 both ways, 32 descriptors each, receive buffers given."""
        self.act(RX_RING, "BBBHBBI", 0, 1, 0, 64, 0, 0, srrctl)
        buffers = b"".join(struct.pack("<BHQ", 0, 0x2000 + 0x400 * n, 0) for n in range(16))
        self.act(DESCRIPTORS, "HB", 0, 15)
        self.made += buffers
        self.act(RX_BELL, "BH", 0, 16)
        self.act(TX_RING, "BBBHBB", 0, 1, 2, 64, 0, 0)

    def send(self, at: int, q1: int, where: int = 0x4000) -> None:
        """A descriptor into the transmit ring; its buffer in bytes from the start of memory."""
        self.act(DESCRIPTORS, "HB", 64 + at, 0)
        self.made += struct.pack("<BHQ", 0, where // 2, q1)


def probes() -> Iterator[bytes]:
    """What stock drivers wrote while they were loaded, in pieces."""
    for path in sorted(DATA.glob("*.trace")):
        acts, seen = Acts(), set()
        for access in read(path):
            if access.kind != "W" or (access.offset, access.value) in seen:
                continue
            seen.add((access.offset, access.value))
            if access.offset in acts._number:
                acts.write(access.offset, access.value)
            if len(acts.made) > ACTS_OF_A_SEED * 7:
                yield acts.made
                acts.made = b""
        yield acts.made


def traffic() -> Iterator[bytes]:
    """Every kind of frame in; whole, summed and segmented frames out; looped in the MAC; with every way to sort
    them."""
    one_buffer = int(SRRCTL.of(BSIZEPACKET=2, DESCTYPE=1))
    for srrctl in (one_buffer, int(SRRCTL.of(BSIZEPACKET=1)), int(SRRCTL.of(BSIZEPACKET=16, DESCTYPE=5, DROP_EN=1))):
        acts = Acts()
        acts.write(HLREG0.offset(), int(HLREG0.of(JUMBOEN=1, TXCRCEN=1, TXPADEN=1, RXCRCSTRP=1)))
        acts.write(RXCSUM.offset(), int(RXCSUM.of(PCSD=1)))
        acts.write(MRQC.offset(), int(MRQC.of(MRQE=1)) | 0xFFFF0000)
        acts.rings(srrctl)
        for frame in frames():
            acts.frame(frame)
            acts.act(STEP, "")
        yield acts.made
    for loop in (0, 1):
        acts = Acts()
        acts.rings(one_buffer)
        if loop:
            acts.act(WORLD, "B", LOOP)
        acts.act(POKE, "HBB", 0x4000, 0, 100)
        acts.made += frames()[0].ljust(100, b"\0")
        whole = {"DTYP": TxDescType.DATA, "DCMD_DEXT": 1, "DCMD_EOP": 1, "DCMD_IFCS": 1, "DCMD_RS": 1}
        acts.send(0, int(TXDADV.of(DTALEN=100, PAYLEN=100, **whole)))
        q1 = int(TXCTX1.of(IPV4=1, L4T=L4Type.TCP, DTYP=TxDescType.CTXT, DCMD_DEXT=1, L4LEN=20, MSS=100))
        acts.act(DESCRIPTORS, "HB", 65, 0)
        acts.made += struct.pack("<BQQ", 0x80, int(TXCTX0.of(IPLEN=20, MACLEN=14)), q1)
        acts.send(2, int(TXDADV.of(DTALEN=60, PAYLEN=60, DCMD_VLE=1, POPTS_IXSM=1, POPTS_TXSM=1, **whole)))
        tso = {"DCMD_TSE": 1, "POPTS_IXSM": 1, "POPTS_TXSM": 1}
        acts.send(3, int(TXDADV.of(DTALEN=1054, PAYLEN=1000, **whole, **tso)))
        acts.act(BELL, "BH", 0, 4)
        acts.act(SEGMENTS, "HBBBHBHb", 68, 14, 20, 20, 300, 0x37, 2000, 0)
        acts.act(BELL, "BH", 0, 6)
        acts.act(STEP, "")
        acts.act(WORLD, "B", FLR)
        acts.act(STEP, "")
        yield acts.made
    acts = Acts()
    acts.write(FDIRCTRL.offset(), int(FDIRCTRL.of(PBALLOC=1, PERFECT_MATCH=1, FLEX=6)))
    acts.write(FDIRCMD.offset(), int(FDIRCMD.of(CMD=1, L4TYPE=2, QUEUE_EN=1, RX_QUEUE=3)))
    acts.rings(one_buffer)
    acts.act(WORLD, "B", SHARE)
    for page in range(4):
        acts.act(PLAIN + 16 * page, "HI", 10, 0x0200_0000)
    for frame in frames()[:4]:
        acts.frame(frame)
    acts.act(LOAD, "HBB", 0x800, 0, 8)
    acts.act(STORE, "HBB", 0x5400, 0, 6)
    acts.made += bytes(6)
    acts.act(STEP, "")
    yield acts.made


def messages() -> Iterator[bytes]:
    """A session over the socket: memory, registers, interrupts, frames, and its end."""
    sent, run = 0x80, 1

    def message(command: int, layout: str, *values: int, fds: bytes = b"", no_reply: int = 0) -> bytes:
        head = struct.pack("<BBB", sent | run, no_reply | len(fds) << 4, command) + fds
        return head + struct.pack("<" + layout, *values)

    def store(offset: int, value: int, region: int = 0, *, no_reply: int = 1) -> bytes:
        return message(10, "HBBBI", offset & 0xFFFF, offset >> 16, region, 4, value, no_reply=no_reply)

    def load(offset: int, count: int = 4, region: int = 0) -> bytes:
        return message(9, "HBBB", offset & 0xFFFF, offset >> 16, region, count)

    memory = message(2, "BBHB", 3, 0, 0, 16, fds=b"\0")
    rows: list[Iterable[bytes]] = [
        [message(4, "B", 0), *(message(5, "BBI", 64, n, 0) for n in range(9)), message(7, "B", 0)],
        [memory, load(8), store(0x4A80, 1), load(0, 64, 7), store(4, 6, 7), load(0x2000, 64, 4), message(13, "B", 0)],
        [memory, message(3, "BHB", 0, 0, 16), message(2, "BBHB", 3, 0, 0, 16, fds=b"\1"), message(3, "BHB", 2, 0, 0)],
        [message(8, "BBBBBB", 0, 0x24, 2, 0, 3, 0, fds=b"\4\4\4"), store(0x808, 1, no_reply=0), load(0x800)],
        [message(8, "BBBBBB", 0, 0x24, 0, 0, 1, 0, fds=b"\4"), message(8, "BBBBBB", 0, 0x21, 0, 0, 0, 0)],
        [memory, store(0, 0x808, 2), load(4, 4, 2), store(0, 0xFFFFFFFF, 4), store(0x2000, 1, 4), message(11, "B", 0)],
    ]
    base = (0x7F_FFFF_0000, 0x7F_FFFF_1000)
    queue = [memory]
    for n, ring in enumerate(base):  # 0: transmit, 1: receive
        at = 0x1000 if n else 0x6000
        for offset, value in ((0, ring & 0xFFFFFFFF), (4, ring >> 32), (8, 512), (0x28, 1 << 25), (0x18, 8)):
            queue.append(store(at + offset, value))
    queue += [struct.pack("<BBH", 0x41, 0, 60) + frames()[0].ljust(60, b"\0"), b"\x01", load(0x4074)]
    for row in [*rows, queue]:
        yield b"".join(row)


def write_seeds(target: str, folder: Path) -> int:
    """Write the first inputs of a target, one file each; returns how many."""
    made = list(messages()) if target == "wire" else [*probes(), *traffic()]
    folder.mkdir(parents=True, exist_ok=True)
    for n, data in enumerate(made):
        (folder / f"seed-{n:02}").write_bytes(data)
    return len(made)
