# SPDX-License-Identifier: BSD-3-Clause
"""Virtual functions without a driver of the physical one: the device enables them and answers their mailboxes itself.

It does with the registers what such a driver would do, and no more: a guest with a virtual function gets an address,
a link and frames.  As soon as a driver takes the physical function (by a reset through CTRL, or by SR-IOV) it stands
back: that reset has undone all of this, and the virtual functions wait for that driver.  When it is gone, this begins
again.

Ref: Linux ixgbe's and ixgbevf's mailbox messages; facts of the chip, "what works under QEMU".
"""

import logging
from collections.abc import Callable, Sequence

from device.machine.regfile import RegFile, on_write
from device.regs.core import Register
from device.regs.i82599 import (
    CTRL_EXT,
    DMATXCTL,
    FCTRL,
    GCR_EXT,
    GPIE,
    HLREG0,
    MAXFRS,
    MBVFICR,
    MCSTCTRL,
    MPSAR,
    MRQC,
    MTA,
    MTQC,
    PFDTXGSWC,
    PFMAILBOX,
    PFMBMEM,
    RAH,
    RAL,
    RXCTRL,
    VFLREC,
    VFRE,
    VFTA,
    VFTE,
    VLNCTRL,
    VLVF,
    VLVFB,
    VMOLR,
    VT_CTL,
)
from device.regs.i82599.filters import MrqeMode
from device.regs.i82599.interrupts import VtMode
from device.regs.i82599.mbx import HEAD, WORDS, ApiVersion, MessageType, QueuesWord, XcastMode
from device.regs.i82599.vf import VFCTRL, VFMAILBOX

log = logging.getLogger(__name__)

VERSIONS = (ApiVersion.V1_0, ApiVersion.V1_1, ApiVersion.V1_2, ApiVersion.V1_3, ApiVersion.V1_4)
FEW_VFS = 31  # so many leave four queues to each pool
OWN_RAR = 0  # the physical function's address
FIRST_MORE = 64  # receive addresses from here on are whoever's asks first
FRAME_MIN_BYTES, FRAME_MAX_BYTES = 64, 9728
DWORD = 2**32


class StandIn:
    """What a driver of the physical function would do for virtual functions.

    Args:
        regs: The physical function's registers.
        address_of: The address that virtual function n is given.
        vfs: The registers of the virtual functions.

    Attributes:
        active: Whether it is in charge now.
    """

    def __init__(self, regs: RegFile, address_of: Callable[[int], bytes], vfs: Sequence[RegFile]) -> None:
        self.regs = regs
        self.address_of = address_of
        self._vfs = vfs
        self._version: dict[int, ApiVersion] = {}
        self._more: dict[int, int] = {}  # receive addresses besides each one's first: which, and whose
        self._refused: set[tuple[int, int]] = set()  # who was told that it cannot have which, until all is new
        self.active = False
        for n, vf in enumerate(vfs):
            vf.bind(Ear(self, n))

    # -- in charge, or not ---------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Deal out the pools and let virtual functions go on."""
        self.active = True
        self._version.clear()
        self._more.clear()
        self._refused.clear()
        count = len(self._vfs)
        few = count <= FEW_VFS
        self._write(GCR_EXT, GCR_EXT.of(VT_MODE=VtMode.VT32 if few else VtMode.VT64, MSIX_EN=1))
        self._write(GPIE, GPIE.of(MSIX_MODE=1, VTMODE=VtMode.VT32 if few else VtMode.VT64, EIAME=1, PBA_SUPPORT=1))
        self._write(MRQC, MRQC.of(MRQE=MrqeMode.VMDQRSS32 if few else MrqeMode.VMDQRSS64))
        self._write(MTQC, 0xA if few else 0x6)
        self._write(VT_CTL, VT_CTL.of(VT_ENABLE=1, POOL=count, REPLEN=1))
        self._write(PFDTXGSWC, PFDTXGSWC.of(VT_LBEN=1))
        self._write(VLNCTRL, self.regs.get(VLNCTRL).replace(VFE=1))
        self._write(FCTRL, FCTRL.of(BAM=1))
        self._write(MCSTCTRL, MCSTCTRL.of(MFE=1))
        self._write(HLREG0, self.regs.get(HLREG0).replace(TXCRCEN=1, TXPADEN=1, RXCRCSTRP=1))
        for n in range(count):
            self._admit(n)
        self._write(DMATXCTL, self.regs.get(DMATXCTL).replace(TE=1))
        self._write(RXCTRL, RXCTRL.of(RXEN=1))
        self._write(CTRL_EXT, self.regs.get(CTRL_EXT).replace(PFRSTD=1))

    def end(self) -> None:
        """Stand back."""
        self.active = False

    def _write(self, register: type[Register], value: int, n: int = 0) -> None:
        self.regs.write(register.offset(n), int(value))

    def _set_bit(self, register: type[Register], bit: int, *, on: bool, first: int = 0) -> None:
        n, mask = first + bit // 32, 1 << bit % 32
        old = int(self.regs.get(register, n))
        self._write(register, old | mask if on else old & ~mask, n)

    def _admit(self, n: int) -> None:
        self._give_address(n, self.address_of(n))
        self._write(VMOLR, VMOLR.of(AUPE=1, BAM=1), n)
        self._set_bit(VFTE, n, on=True)
        self._set_bit(VFRE, n, on=True)

    def _give_address(self, n: int, address: bytes) -> None:
        self._fill(OWN_RAR + 1 + n, n, address)

    def _fill(self, rar: int, n: int, address: bytes) -> None:
        self._write(RAL, int.from_bytes(address[:4], "little"), rar)
        self._write(RAH, RAH.of(RAH=int.from_bytes(address[4:], "little"), AV=1), rar)
        for half in range(2):
            self._write(MPSAR, (1 << n % 32) if n // 32 == half else 0, 2 * rar + half)

    # -- messages ------------------------------------------------------------------------------------------------------

    def hear(self, n: int) -> None:
        """Virtual function ``n`` has written a message: answer it."""
        at = [PFMBMEM.offset(WORDS * n + i) for i in range(WORDS)]
        words = [self.regs.read(where) for where in at]
        self._write(MBVFICR, 1 << n % 16, n // 16)
        self._write(PFMAILBOX, PFMAILBOX.of(ACK=1), n)
        head = HEAD(words[0])
        if head.ACK or head.NACK:
            return  # what we said last: a driver that acknowledges by a message of its own
        answer = self._answer(n, head, words)
        if answer is None:
            self._say_refused(n, int(head.TYPE))
        done = HEAD.of(TYPE=head.TYPE, INFO=head.INFO, ACK=int(answer is not None), NACK=int(answer is None))
        if n in self._version:
            done = done.replace(CTS=1)
        if head.TYPE == MessageType.RESET:
            done = HEAD.of(TYPE=head.TYPE, ACK=1)
        for where, value in zip(at, [int(done), *(answer or [])], strict=False):
            self.regs.write(where, value)
        self._write(PFMAILBOX, PFMAILBOX.of(STS=1), n)

    def _say_refused(self, n: int, kind: int) -> None:
        if (n, kind) in self._refused:
            return
        self._refused.add((n, kind))
        name = MessageType(kind).name if kind in set(MessageType) else f"message {kind:#x}"
        log.info("virtual function %d asks for %s, and is refused it", n, name)

    def _answer(self, n: int, head: HEAD, words: Sequence[int]) -> list[int] | None:
        """The words behind the head of what is answered; None: refused."""
        if head.TYPE == MessageType.RESET:
            return self._reset(n)
        if n not in self._version:
            return None
        known: dict[int, Callable[[int, HEAD, Sequence[int]], list[int] | None]] = {
            MessageType.API_NEGOTIATE: self._negotiate,
            MessageType.SET_MAC: self._set_mac,
            MessageType.SET_MULTICAST: self._set_multicast,
            MessageType.SET_VLAN: self._set_vlan,
            MessageType.SET_LPE: self._set_lpe,
            MessageType.SET_MACVLAN: self._set_macvlan,
        }
        if self._version[n] >= ApiVersion.V1_1:
            known[MessageType.GET_QUEUES] = self._queues
        if self._version[n] >= ApiVersion.V1_2:
            known[MessageType.UPDATE_XCAST] = self._xcast
            known[MessageType.GET_LINK_STATE] = self._link_state
        method = known.get(head.TYPE)
        return None if method is None else method(n, head, words)

    def reset(self, n: int) -> None:
        """Virtual function ``n`` was reset: what it asked for is undone."""
        self._version.pop(n, None)
        self._forget_macvlans(n)
        self._write(VFLREC, 1 << n % 32, n // 32)
        for i in range(VLVF.count):
            self._leave_vlan(n, i)
        self._admit(n)

    def _reset(self, n: int) -> list[int]:
        self.reset(n)
        self._version[n] = ApiVersion.V1_0
        address = self.address_of(n)
        return [
            int.from_bytes(address[:4], "little"),
            int.from_bytes(address[4:], "little"),
            self.regs.get(MCSTCTRL).MO,
        ]

    def _negotiate(self, n: int, _head: HEAD, words: Sequence[int]) -> list[int] | None:
        if words[1] not in VERSIONS:
            return None
        self._version[n] = ApiVersion(words[1])
        return [words[1]]

    def _set_mac(self, n: int, _head: HEAD, words: Sequence[int]) -> list[int] | None:
        address = (words[1] + words[2] % 2**16 * DWORD).to_bytes(6, "little")
        if address[0] % 2 or not any(address):
            return None
        self._give_address(n, address)
        return [words[1], words[2]]

    def _forget_macvlans(self, n: int) -> None:
        for rar in [rar for rar, owner in self._more.items() if owner == n]:
            self._write(RAH, 0, rar)
            del self._more[rar]

    def _set_macvlan(self, n: int, head: HEAD, words: Sequence[int]) -> list[int] | None:
        """More addresses of one VF, as long as there are receive addresses that nobody has."""
        if not head.INFO:
            self._forget_macvlans(n)
            return []
        address = (words[1] + words[2] % 2**16 * DWORD).to_bytes(6, "little")
        free = next((rar for rar in range(FIRST_MORE, RAL.count) if rar not in self._more), None)
        if address[0] % 2 or not any(address) or free is None:
            return None
        self._more[free] = n
        self._fill(free, n, address)
        return [words[1], words[2]]

    def _link_state(self, _n: int, _head: HEAD, _words: Sequence[int]) -> list[int]:
        return [1]

    def _set_multicast(self, n: int, head: HEAD, words: Sequence[int]) -> list[int]:
        data = b"".join(word.to_bytes(4, "little") for word in words[1:])
        for i in range(min(head.INFO, len(data) // 2)):
            self._set_bit(MTA, int.from_bytes(data[2 * i : 2 * i + 2], "little") % 4096, on=True)
        self.regs.write(VMOLR.offset(n), self.regs.get(VMOLR, n).replace(ROMPE=1))
        return []

    def _leave_vlan(self, n: int, i: int) -> None:
        self._set_bit(VLVFB, n, on=False, first=2 * i)
        if self.regs.get(VLVF, i).VIEN and not any(self.regs.get(VLVFB, 2 * i + half) for half in range(2)):
            self._set_bit(VFTA, self.regs.get(VLVF, i).VLANID, on=False)
            self._write(VLVF, 0, i)

    def _set_vlan(self, n: int, head: HEAD, words: Sequence[int]) -> list[int] | None:
        vid = words[1] % 4096
        entries = [self.regs.get(VLVF, i) for i in range(VLVF.count)]
        found = next((i for i, entry in enumerate(entries) if entry.VIEN and vid == entry.VLANID), None)
        if not head.INFO:
            if found is not None:
                self._leave_vlan(n, found)
            return [vid]
        if found is None:
            found = next((i for i, entry in enumerate(entries) if i and not entry.VIEN), None)
        if found is None:
            return None
        self._write(VLVF, VLVF.of(VLANID=vid, VIEN=1), found)
        self._set_bit(VLVFB, n, on=True, first=2 * found)
        self._set_bit(VFTA, vid, on=True)
        return [vid]

    def _set_lpe(self, _n: int, _head: HEAD, words: Sequence[int]) -> list[int] | None:
        if not FRAME_MIN_BYTES <= words[1] <= FRAME_MAX_BYTES:
            return None
        if words[1] > self.regs.get(MAXFRS).MFS:  # it only grows: others may need what is there
            self._write(MAXFRS, MAXFRS.of(MFS=words[1]))
            self._write(HLREG0, self.regs.get(HLREG0).replace(JUMBOEN=1))
        return [words[1]]

    def _queues(self, _n: int, _head: HEAD, _words: Sequence[int]) -> list[int]:
        answer = [0] * len(QueuesWord)
        answer[QueuesWord.TX - 1] = answer[QueuesWord.RX - 1] = 4 if len(self._vfs) <= FEW_VFS else 2
        return answer

    def _xcast(self, n: int, _head: HEAD, words: Sequence[int]) -> list[int] | None:
        if words[1] not in {XcastMode.NONE, XcastMode.MULTI, XcastMode.ALLMULTI}:
            return None
        more = {"BAM": int(words[1] > XcastMode.NONE), "ROMPE": int(words[1] > XcastMode.NONE)}
        more["MPE"] = int(words[1] == XcastMode.ALLMULTI)
        self._write(VMOLR, self.regs.get(VMOLR, n).replace(**more), n)
        return [words[1]]


class Ear:
    """Hears what one virtual function writes into its mailbox's register.

    Args:
        standin: Who answers.
        n: Whose mailbox.
    """

    def __init__(self, standin: StandIn, n: int) -> None:
        self._standin = standin
        self._n = n

    @on_write(VFMAILBOX)
    def mailbox(self, _n: int, _old: VFMAILBOX, _new: VFMAILBOX, written: VFMAILBOX) -> None:
        """A request is answered before the write is over."""
        if written.REQ and self._standin.active:
            self._standin.hear(self._n)

    @on_write(VFCTRL)
    def control(self, _n: int, _old: VFCTRL, _new: VFCTRL, written: VFCTRL) -> None:
        """A reset by the virtual function's own driver."""
        if written.RST and self._standin.active:
            self._standin.reset(self._n)
