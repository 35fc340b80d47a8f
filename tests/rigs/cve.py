# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of other NICs' bugs share: turns, and the proof that a bad queue is the only one that stopped."""

import struct

from device.machine.core import lib
from device.regs.i82599 import FCTRL, HLREG0, RDBAH, RDBAL, RDH, RDLEN, RDT, RXCTRL, RXDCTL, SRRCTL
from tests.rigs.tx import IOVA, RINGS_BYTES, Desc, TxRig

FRAME = bytes(range(12)) + b"\x88\xb5" + bytes(range(86))
BAR = 0xFEB0_0000  # where a guest may have put BAR0
LONGEST = 16384
TURNS_MOST = 1000


def turn(tx: TxRig) -> list[bytes]:
    """One turn of transmit; what left."""
    tx.run(lib.FRAME_BATCH)
    return tx.wire()


def settle(tx: TxRig) -> list[bytes]:
    """Turns until there is nothing to do; what left in all."""
    left: list[bytes] = []
    for _ in range(TURNS_MOST):
        if not tx.run(lib.FRAME_BATCH):
            break
        left += tx.wire()
    return left + tx.wire()


def still_sends(tx: TxRig, queue: int = 5) -> None:
    """Another queue sends, so only the bad one stopped; and the bad one does after it was enabled again."""
    tx.wire()
    for n in (queue, 0):
        tx.enable(n)
        tx.send(FRAME, q=n)
        assert settle(tx) == [FRAME]
        assert tx.stall(n) == 0


def stopped(tx: TxRig, *descs: Desc, why: int) -> None:
    """These descriptors stop queue 0 for this reason, and nothing leaves."""
    tx.post(*descs)
    assert settle(tx) == []
    assert tx.stall() == why
    still_sends(tx)


def receive_into(tx: TxRig, buffer: int, *, size: int = 1, count: int = 64) -> None:
    """MAC loopback, and a receive ring of which every buffer is the same place."""
    ring = RINGS_BYTES - 0x8000
    tx.memory[ring : ring + 16 * count] = struct.pack("<QQ", buffer, 0) * count
    tx.write(HLREG0, int(HLREG0.of(LPBK=1, JUMBOEN=1, TXCRCEN=1)))
    tx.write(FCTRL, int(FCTRL.of(UPE=1, MPE=1, BAM=1, SBP=1)))
    tx.write(RXCTRL, int(RXCTRL.of(RXEN=1)))
    tx.write(RDBAL, (IOVA + ring) % 2**32)
    tx.write(RDBAH, (IOVA + ring) >> 32)
    tx.write(RDLEN, 16 * count)
    tx.write(RDH, 0)
    tx.write(SRRCTL, int(SRRCTL.of(BSIZEPACKET=size, DESCTYPE=1)))
    tx.write(RXDCTL, int(RXDCTL.of(ENABLE=1)))
    tx.write(RDT, count - 1)
