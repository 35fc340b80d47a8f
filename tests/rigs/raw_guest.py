# SPDX-License-Identifier: BSD-3-Clause
"""A guest by hand, over the socket: memory, rings and registers without any driver, so that it can do all that is
wrong."""

import contextlib
import fcntl
import mmap
import os
import struct
from pathlib import Path

from device.regs.i82599 import (
    DMATXCTL,
    FCTRL,
    HLREG0,
    RDBAH,
    RDBAL,
    RDH,
    RDLEN,
    RDT,
    RXCTRL,
    RXDCTL,
    SRRCTL,
    TDBAH,
    TDBAL,
    TDH,
    TDLEN,
    TDT,
    TXDCTL,
    Register,
)
from device.regs.i82599.desc import TXDADV, TxDescType
from tests.rigs.client import CONFIG, Client
from tests.rigs.process import until

IOVA = 0x10_0000
MEMORY_BYTES = 4 << 20
TX_RING, RX_RING, BUFFERS = 0, 0x10_0000, 0x20_0000
DEVCTL, FLR = 0xA8, 0x8000
SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
RX_BUFFER = 0x8000
COUNT = 8


class RawGuest:
    """One client with 4 MiB of sealed memory at ``IOVA``.

    Attributes:
        client: The connection.
        memory: What is mapped, from this side.
    """

    def __init__(self, path: Path, *, mapped: bool = True) -> None:
        with contextlib.ExitStack() as stack:
            self._begin(path, stack, mapped=mapped)
            self._stack = stack.pop_all()

    def _begin(self, path: Path, stack: contextlib.ExitStack, *, mapped: bool) -> None:
        self.client = stack.enter_context(Client(path))
        self.fd = os.memfd_create("guest", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
        stack.callback(os.close, self.fd)
        os.ftruncate(self.fd, MEMORY_BYTES)
        fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, SEALS)
        self.memory = stack.enter_context(mmap.mmap(self.fd, MEMORY_BYTES))
        if mapped:
            self.client.map(self.fd, IOVA, MEMORY_BYTES)
        self.master()

    def __enter__(self) -> "RawGuest":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def master(self) -> None:
        """Memory decoding and bus master on."""
        self.client.write(CONFIG, 4, b"\x06\0")

    def flr(self) -> None:
        """A function level reset, and PCI as firmware leaves it."""
        control = int.from_bytes(self.client.read(CONFIG, DEVCTL, 2), "little")
        self.client.write(CONFIG, DEVCTL, (control | FLR).to_bytes(2, "little"))
        self.master()

    def write(self, register: type[Register], value: int, n: int = 0) -> None:
        self.client.write32(0, register.offset(n), int(value) & 0xFFFF_FFFF)

    def read(self, register: type[Register], n: int = 0) -> int:
        return self.client.read32(0, register.offset(n))

    def poke(self, at: int, data: bytes) -> None:
        self.memory[at : at + len(data)] = data

    def open(self, *, loop: bool = True) -> None:
        """The data path, with the MAC looped: then neither a link nor a wire is needed."""
        self.write(DMATXCTL, int(DMATXCTL.of(TE=1)))
        self.write(HLREG0, int(HLREG0.of(LPBK=int(loop), TXCRCEN=1, TXPADEN=1, RXCRCSTRP=1)))
        self.write(FCTRL, int(FCTRL.of(UPE=1, MPE=1, BAM=1)))
        self.write(RXCTRL, int(RXCTRL.of(RXEN=1)))

    def tx_ring(self, queue: int = 0, *, base: int = IOVA + TX_RING, len_bytes: int = 1024, head: int = 0) -> None:
        """Program and enable a transmit ring."""
        for register, value in (
            *((TXDCTL, 0), (TDBAL, base), (TDBAH, base >> 32), (TDLEN, len_bytes), (TDH, head), (TDT, head)),
            (TXDCTL, int(TXDCTL.of(ENABLE=1))),
        ):
            self.write(register, value, queue)

    def rx_ring(
        self, queue: int = 0, *, base: int = IOVA + RX_RING, len_bytes: int = 1024, head: int = 0, **srrctl: int
    ) -> None:
        """Program and enable a receive ring."""
        fields = {"BSIZEPACKET": 2, "DESCTYPE": 1, **srrctl}
        for register, value in (
            *((RXDCTL, 0), (RDBAL, base), (RDBAH, base >> 32), (RDLEN, len_bytes), (RDH, head), (RDT, head)),
            *((SRRCTL, int(SRRCTL.of(**fields))), (RXDCTL, int(RXDCTL.of(ENABLE=1)))),
        ):
            self.write(register, value, queue)

    def descriptors(self, at: int, *descs: tuple[int, int]) -> None:
        """Descriptors, ``at`` bytes from the start of memory."""
        self.poke(at, b"".join(struct.pack("<QQ", *desc) for desc in descs))

    def alive(self) -> None:
        """After a function level reset, what is sent comes back: the device is as good as new."""
        self.flr()
        self.open()
        frame = os.urandom(6) + bytes(range(94))
        data = TXDADV.of(DTALEN=100, DTYP=TxDescType.DATA, DCMD_DEXT=1, DCMD_EOP=1, DCMD_IFCS=1, DCMD_RS=1, PAYLEN=100)
        self.poke(BUFFERS, frame)
        self.descriptors(TX_RING, (IOVA + BUFFERS, int(data)))
        self.descriptors(RX_RING, *[(IOVA + BUFFERS + RX_BUFFER, 0)] * COUNT)
        self.rx_ring()
        self.write(RDT, COUNT - 1)
        self.tx_ring()
        self.write(TDT, 1)
        until(lambda: self.memory[RX_RING + 8] & 1, "what is sent comes back")
        at = BUFFERS + RX_BUFFER
        assert self.memory[at : at + 100] == frame
