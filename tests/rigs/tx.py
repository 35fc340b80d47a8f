# SPDX-License-Identifier: BSD-3-Clause
"""A transmit ring by hand: memory, descriptors, doorbells, and a wire that gives back what left."""

import mmap
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from device.i82599.card import make_registers
from device.i82599.core import CardCore
from device.machine.core import ffi, lib
from device.machine.wire import LoopbackPort, Port
from device.regs.i82599 import DMATXCTL, TDBAH, TDBAL, TDH, TDLEN, TDT, TXDCTL, Register
from device.regs.i82599.desc import TXCTX0, TXCTX1, TXD, TXDADV
from tests.twins.tso import Offload

IOVA = 0x1_0000_0000
MEMORY_BYTES = 4 << 20
RINGS_BYTES = 2 << 20  # rings below, buffers above
CTXT, DATA = 2, 3
DESC_BYTES = 16
Desc = tuple[int, int]


def data_desc(iova: int, length: int, *, eop: int = 1, rs: int = 1, **fields: int) -> Desc:
    q1 = TXDADV.of(
        DTALEN=length, DTYP=DATA, DCMD_DEXT=1, DCMD_IFCS=1, DCMD_EOP=int(eop), DCMD_RS=int(eop and rs), **fields
    )
    return iova, int(q1)


def legacy_desc(iova: int, length: int, *, eop: bool = True, **fields: int) -> Desc:
    return iova, int(TXD.of(LENGTH=length, CMD_EOP=int(eop), CMD_RS=int(eop), CMD_IFCS=1, **fields))


def context_desc(how: Offload, idx: int = 0, *, rs: bool = False) -> Desc:
    q0 = TXCTX0.of(IPLEN=how.ip_len, MACLEN=how.mac_len, VLAN=how.vlan or 0)
    q1 = TXCTX1.of(
        IPV4=int(how.ipv4),
        L4T=how.l4t,
        DTYP=CTXT,
        DCMD_DEXT=1,
        DCMD_RS=int(rs),
        IDX=idx,
        L4LEN=how.l4_len,
        MSS=how.mss,
    )
    return int(q0), int(q1)


def options(how: Offload, payload: int = 0, *, tse: bool = False) -> dict[str, int]:
    """Fields of the first data descriptor."""
    return {
        "DCMD_TSE": int(tse),
        "DCMD_VLE": int(how.vlan is not None),
        "POPTS_IXSM": int(how.ixsm),
        "POPTS_TXSM": int(how.txsm),
        "PAYLEN": payload,
    }


class TxRig:
    """One function with its own memory; queue q's ring lies at ``ring_iova(q)``."""

    def __init__(self, port: Port | None = None) -> None:
        self.nic = CardCore()
        self.regs = make_registers(self.nic)
        self.nic.pf.reset(software=False)
        self.memory = mmap.mmap(-1, MEMORY_BYTES)
        self.nic.pf.dma_add(IOVA, MEMORY_BYTES, self.memory)
        self.nic.pf.bus_master = True
        self.nic.link_up = True
        self.port: Port = port or LoopbackPort()
        if isinstance(self.port, LoopbackPort):
            self.port.state.keeps = 1  # wire() looks there
        self.nic.set_port(self.port.c)
        self.count: dict[int, int] = {}
        self.next_buffer = RINGS_BYTES
        self.write(DMATXCTL, DMATXCTL.of(TE=1, VT=0x8100))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.nic.close()
        self.port.close()

    def write(self, register: type[Register], value: int, n: int = 0) -> None:
        self.regs.write(register.offset(n), value)

    def read(self, register: type[Register], n: int = 0) -> int:
        return self.regs.read(register.offset(n))

    def ring_iova(self, q: int = 0) -> int:
        return IOVA + q * 0x4000

    def enable(self, q: int = 0, count: int = 8) -> None:
        self.write(TXDCTL, 0, q)
        self.write(TDBAL, self.ring_iova(q) % 2**32, q)
        self.write(TDBAH, self.ring_iova(q) >> 32, q)
        self.write(TDLEN, count * DESC_BYTES, q)
        self.write(TDH, 0, q)
        self.write(TDT, 0, q)
        self.write(TXDCTL, TXDCTL.of(ENABLE=1), q)
        self.count[q] = count

    def buffer(self, data: bytes) -> int:
        """Put data somewhere the device can read; returns its iova."""
        room = (len(data) + 63) // 64 * 64
        if self.next_buffer + room > MEMORY_BYTES:
            self.next_buffer = RINGS_BYTES
        at = self.next_buffer
        self.next_buffer += room
        self.memory[at : at + len(data)] = data
        return IOVA + at

    def post(self, *descs: Desc, q: int = 0, doorbell: bool = True) -> None:
        tail = self.read(TDT, q)
        for q0, q1 in descs:
            at = self.ring_iova(q) - IOVA + tail * DESC_BYTES
            self.memory[at : at + DESC_BYTES] = struct.pack("<QQ", q0, q1)
            tail = (tail + 1) % self.count[q]
        if doorbell:
            self.write(TDT, tail, q)

    def send(self, packet: bytes, *, q: int = 0, **fields: int) -> None:
        self.post(data_desc(self.buffer(packet), len(packet), **fields), q=q)

    def done(self, at: int, q: int = 0) -> bool:
        """Is DD set in this slot."""
        offset = self.ring_iova(q) - IOVA + at * DESC_BYTES
        return bool(TXDADV(int.from_bytes(self.memory[offset + 8 : offset + 16], "little")).STAT_DD)

    def run(self, budget: int = 1000) -> int:
        sent = int(lib.tx_run(ffi.addressof(self.nic.c, "tx"), budget))
        lib.card_tell_stalls(self.nic.c)
        return sent

    def wire(self) -> list[bytes]:
        """What left since the last look."""
        frames = ffi.new("struct frame[]", lib.FRAME_BATCH)
        left = []
        while n := lib.port_recv(self.port.c, frames, lib.FRAME_BATCH, ffi.NULL):
            left += [bytes(ffi.buffer(frames[i].data, frames[i].len_bytes)) for i in range(n)]
        return left

    def stall(self, q: int = 0) -> int:
        return int(self.nic.c.tx.queue[q].stall)


@contextmanager
def rig(count: int = 8) -> Iterator[TxRig]:
    """A rig with queue 0 enabled."""
    with TxRig() as tx:
        tx.enable(0, count)
        yield tx
