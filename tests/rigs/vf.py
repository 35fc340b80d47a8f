# SPDX-License-Identifier: BSD-3-Clause
"""A card with virtual functions whose physical function is driven by hand, for tests of the device alone."""

from collections.abc import Iterator
from contextlib import contextmanager

from device.i82599.card import Card
from device.regs import pci
from device.regs.i82599 import (
    CTRL_EXT,
    GCR_EXT,
    GPIE,
    MRQC,
    MTQC,
    PFDTXGSWC,
    VFRE,
    VFTE,
    VT_CTL,
    Register,
)
from device.regs.i82599 import vf as vf_regs
from device.regs.i82599.interrupts import VtMode
from tests.rigs.pair_door import PairDoor

MODES = {8: (VtMode.VT16, 0xC, 0xF), 4: (VtMode.VT32, 0xA, 0xA), 2: (VtMode.VT64, 0xB, 0x6)}
"""By queues of a pool: GCR_EXT.VT_MODE, MRQC and MTQC.  Ref: facts of the chip, pools and queues."""


def enable(door: PairDoor, vfs: int) -> None:
    """Have SR-IOV enable ``vfs`` functions, through the physical function's configuration space; 0: none."""
    write_config(door, pci.SRIOV_CTRL, 0)
    write_config(door, pci.SRIOV_NUM_VFS, vfs)
    if vfs:
        write_config(door, pci.SRIOV_CTRL, pci.SRIOV_CTRL.of(VF_ENABLE=1, VF_MSE=1))


def write_config(door: PairDoor, register: type[Register], value: int) -> None:
    """Write a whole register of configuration space."""
    door.config_write(register.offset(), int(value).to_bytes(register.WIDTH // 8, "little"))


def pools(card: Card, queues: int, default_pool: int) -> None:
    """Deal out the queues, as a driver of the physical function does, and say that its reset is over."""
    mode, mrqc, mtqc = MODES[queues]
    card.regs.write(GCR_EXT.offset(), GCR_EXT.of(VT_MODE=mode, MSIX_EN=1))
    card.regs.write(GPIE.offset(), GPIE.of(MSIX_MODE=1, VTMODE=mode, EIAME=1, PBA_SUPPORT=1))
    card.regs.write(MRQC.offset(), mrqc)
    card.regs.write(MTQC.offset(), mtqc)
    card.regs.write(VT_CTL.offset(), VT_CTL.of(VT_ENABLE=1, POOL=default_pool, REPLEN=1))
    card.regs.write(PFDTXGSWC.offset(), PFDTXGSWC.of(VT_LBEN=1))
    for n in range(2):
        card.regs.write(VFRE.offset(n), 2**32 - 1)
        card.regs.write(VFTE.offset(n), 2**32 - 1)
    card.regs.write(CTRL_EXT.offset(), CTRL_EXT.of(PFRSTD=1, DRV_LOAD=1))


class Vf:
    """A virtual function and its registers, as its driver reaches them."""

    def __init__(self, card: Card, n: int) -> None:
        self.n = n
        self.made = card.vfs[n]
        self.door = PairDoor(card, f"vf{n}", vf=n)

    def read(self, register: type[Register], n: int = 0) -> int:
        """A register, as the client sees it."""
        return self.made.regs.read(register.offset(n))

    def write(self, register: type[Register], value: int, n: int = 0) -> None:
        """A register, as the client writes it."""
        self.made.regs.write(register.offset(n), int(value))

    def mailbox(self) -> vf_regs.VFMAILBOX:
        """VFMAILBOX, without the effects of looking."""
        return self.made.regs.get(vf_regs.VFMAILBOX)


@contextmanager
def card_with(vfs: int, *, enabled: int | None = None, queues: int = 2) -> Iterator[tuple[Card, PairDoor, list[Vf]]]:
    """A card whose virtual functions are enabled and have ``queues`` each, with a door to every function."""
    with Card(vfs=vfs) as card:
        door = PairDoor(card)
        enable(door, vfs if enabled is None else enabled)
        pools(card, queues, vfs)
        made = [Vf(card, n) for n in range(vfs)]
        try:
            yield card, door, made
        finally:
            for vf in made:
                vf.door.close()
            door.close()
