# SPDX-License-Identifier: BSD-3-Clause
"""A card whose physical function our driver drives, with virtual functions, and a hand in each of their mailboxes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from device.i82599.card import Card
from device.machine.wire.base import Port
from device.regs.i82599.mbx import HEAD, WORDS, ApiVersion, MessageType
from device.regs.i82599.vf import VFCTRL, VFMAILBOX, VFMBMEM
from driver.core.vector_options import VectorOptions
from driver.doors.door import IrqKind
from driver.ixgbe.adapter import Adapter
from driver.ixgbe.interrupts import KINDS
from driver.ixgbe.probe import ProbeOptions, probe
from driver.ixgbe.sriov.host import Sriov
from tests.rigs.driver_clock import NoWait
from tests.rigs.pair import MAC, Rig
from tests.rigs.pair_door import PairDoor
from tests.rigs.vf import Vf


class Guest(Vf):
    """A VF's driver of the old kind (up to API 1.4): it lets go of its lock with the write that says "sent"."""

    def send(self, *words: int) -> None:
        """Write a message and say so; the physical function's driver has not been told yet."""
        self.write(VFMAILBOX, VFMAILBOX.of(VFU=1))
        assert VFMAILBOX(self.read(VFMAILBOX)).VFU, "we have the lock"
        for n, word in enumerate([*words, *[0] * (WORDS - len(words))]):
            self.write(VFMBMEM, word, n)
        self.write(VFMAILBOX, VFMAILBOX.of(REQ=1))

    def receive(self, count: int = WORDS) -> list[int]:
        """Take the message that is there, and say so."""
        self.write(VFMAILBOX, VFMAILBOX.of(VFU=1))
        words = [self.read(VFMBMEM, n) for n in range(count)]
        self.write(VFMAILBOX, VFMAILBOX.of(ACK=1))
        return words

    def mailbox_read(self) -> VFMAILBOX:
        """VFMAILBOX as a driver reads it: what it is told once is told by this."""
        return VFMAILBOX(self.read(VFMAILBOX))

    def reset(self) -> None:
        """VFCTRL.RST."""
        self.write(VFCTRL, VFCTRL.of(RST=1))


class PfRig(Rig):
    """Our driver on the physical function, and the VFs by hand."""

    def __init__(self, nic: Card, door: PairDoor, adapter: Adapter, time: NoWait, guests: list[Guest]) -> None:
        super().__init__(nic, door, adapter, time)
        self.guests = guests

    @property
    def sriov(self) -> Sriov:
        """The driver's side of the VFs."""
        assert self.adapter.vfs is not None
        return self.adapter.vfs

    def row(self, n: int) -> dict[str, Any]:
        """What the driver's table says of VF ``n``."""
        found: dict[str, Any] = self.sriov.table()["vfs"][n]
        return found

    def serve(self, turns: int = 1) -> None:
        """Let the driver see what waits, as its interrupt does."""
        for _ in range(turns):
            self.settle()
            self.adapter.other_irq()
            self.adapter.service()
            self.settle()

    def ask(self, n: int, *words: int) -> list[int]:
        """Send a message as VF ``n`` and take the answer."""
        guest = self.guests[n]
        guest.mailbox_read()
        guest.send(*words)
        self.serve()
        seen = guest.mailbox_read()
        assert seen.PFACK, "the message was read"
        assert seen.PFSTS, "there is an answer"
        return guest.receive()

    def start(self, n: int, api: ApiVersion = ApiVersion.V1_4) -> list[int]:
        """Do as a VF's driver does when it comes up; returns the answer to RESET."""
        self.guests[n].reset()
        answer = self.ask(n, MessageType.RESET)
        agreed = self.ask(n, MessageType.API_NEGOTIATE, api)
        assert HEAD(agreed[0]).ACK
        return answer


@contextmanager
def pf_rig(
    port: Port,
    vfs: int,
    *,
    queues: int = 1,
    mtu: int = 1500,
    up: bool = True,
    kinds: Sequence[IrqKind] = KINDS,
    vectors: VectorOptions | None = None,
) -> Iterator[PfRig]:
    """A port with ``vfs`` virtual functions, up; the card has as many."""
    time = NoWait()
    options = ProbeOptions(
        clock=time, cpus=4, queues=queues, itr_us=0, interrupts=kinds, vectors=vectors or VectorOptions()
    )
    with Card(mac=MAC, sfp="sr", port=port, vfs=vfs) as nic:
        door = PairDoor(nic)
        with probe(door, options) as adapter:
            adapter.enable_vfs(vfs)
            guests = [Guest(nic, n) for n in range(vfs)]
            try:
                rig = PfRig(nic, door, adapter, time, guests)
                if up:
                    adapter.up(queues=queues, ring_count=64, mtu=mtu)
                    rig.settle()
                    nic.link.evaluate()
                    adapter.service()
                    rig.serve(2)
                yield rig
            finally:
                for guest in guests:
                    guest.door.close()
