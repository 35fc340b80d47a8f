# SPDX-License-Identifier: BSD-3-Clause
"""A virtual function's hardware: its reset, what its peer lets it have, and its link.

The peer is the driver of the physical function; everything beyond queues and vectors is asked of it.

Ref: ixgbevf/vf.c and ixgbevf_reset; facts of the chip for registers that the function's reset leaves alone.
"""

import logging
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from device.regs.i82599.mac import LinkSpeed
from device.regs.i82599.mbx import (
    ADDRESS_HIGH,
    ADDRESS_LOW,
    HASHES,
    HASHES_MAX,
    HEAD,
    ApiVersion,
    MessageType,
    QueuesWord,
    XcastMode,
)
from device.regs.i82599.vf import (
    VFCTRL,
    VFLINKS,
    VFRXDCTL,
    VFSTATUS,
    VFTXDCTL,
    VTEICR,
    VTEIMC,
)
from driver.core.bar import Bar
from driver.core.clock import Clock
from driver.core.station import ADDRESS_BYTES, show, valid_station
from driver.doors.config import Config
from driver.doors.door import Door
from driver.ixgbevf.mailbox import ORDER, VERSIONS, Mailbox, RefusedError, RestartError

log = logging.getLogger(__name__)

WORD_BYTES = 4
QUEUES_MAX = VFRXDCTL.count
RESET_TIMEOUT_S = 1.0  # for the physical function's reset to be over; ixgbevf gives it one millisecond
RESET_POLL_S = 0.001
AFTER_RESET_S = 0.01
LINK_LOOKS, LINK_LOOK_US = 5, 100  # Ref: ixgbevf: with SFP+ the bit is not right at once
ALL_VECTORS = 7
SPEEDS_MBPS: dict[int, int] = {LinkSpeed.SPEED_100: 100, LinkSpeed.SPEED_1G: 1000, LinkSpeed.SPEED_10G: 10000}
FIRST_OCTET_LOCAL = 2  # a station's address that somebody made up


@dataclass(frozen=True, slots=True)
class VfLink:
    """The link as a virtual function sees it."""

    up: bool = False
    speed_mbps: int = 0


@dataclass(frozen=True, slots=True)
class Offer:
    """What the peer lets us have.

    Attributes:
        tx: Tx queues.
        rx: Rx queues.
        tagged: The peer adds and removes the VLAN tag of all our frames.
    """

    tx: int = 1
    rx: int = 1
    tagged: bool = False

    @property
    def pairs(self) -> int:
        """Queue pairs."""
        return min(self.tx, self.rx)


def local_address() -> bytes:
    """An address of our own making, for a function that was given none."""
    made = bytearray(secrets.token_bytes(ADDRESS_BYTES))
    made[0] = made[0] & ~1 & 0xFF | FIRST_OCTET_LOCAL
    return bytes(made)


def address_words(address: bytes) -> tuple[int, int]:
    """An address as two words of a message."""
    low, high = address[:WORD_BYTES], address[WORD_BYTES:]
    return ADDRESS_LOW(int.from_bytes(low, "little")), ADDRESS_HIGH(int.from_bytes(high, "little"))


def address_in(words: Sequence[int]) -> bytes:
    """The address in words 1 and 2 of a message."""
    return b"".join(word.to_bytes(WORD_BYTES, "little") for word in words[1:3])[:ADDRESS_BYTES]


def multicast_hash(address: bytes, filter_type: int) -> int:
    """Where a multicast address stands in the table, by the bits that the peer's MCSTCTRL chooses.

    Ref: ixgbevf_mta_vector: types 0 to 3 take twelve bits from bit 36, 35, 34 and 32 of the address on.
    """
    first = (36, 35, 34, 32)[filter_type % 4]
    return int.from_bytes(address, "little") >> first & 0xFFF


class VfHw:
    """One virtual function.

    Args:
        bar: Register window.
        door: The function.
        clock: Time.

    Attributes:
        mailbox: To the peer.
        clear: Whether the peer answered our RESET and has not forgotten us since.
        perm_addr: The address that it gave us, or that we made up.
        given: Whether it gave us one.
        address: The one in use.
        offer: What it lets us have.
        resets: How often the function was reset.
    """

    def __init__(self, bar: Bar, door: Door, clock: Clock) -> None:
        self.bar = bar
        self.door = door
        self.clock = clock
        self.config = Config(door)
        self.mailbox = Mailbox(bar, clock, door.name)
        self.clear = False
        self.perm_addr = bytes(ADDRESS_BYTES)
        self.given = False
        self.address = bytes(ADDRESS_BYTES)
        self.offer = Offer()
        self.filter_type = 0
        self.resets = 0

    # ---- reset -----------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Stop queues that are on, whoever left them so, and mask interrupts.

        Ref: ixgbevf_stop_hw_vf.
        """
        bar = self.bar
        for queue in range(QUEUES_MAX):
            if bar.read(VFRXDCTL, queue).ENABLE:
                bar.update(VFRXDCTL, queue, ENABLE=0)
        bar.write(VTEIMC, ALL_VECTORS)
        bar.read(VTEICR)
        for queue in range(QUEUES_MAX):
            if bar.read(VFTXDCTL, queue).ENABLE:
                bar.update(VFTXDCTL, queue, ENABLE=0)

    def reset(self) -> None:
        """Reset the function alone: its DMA stops.  The peer is told by the hardware, and no longer knows us."""
        self.clear = False
        self.stop()
        self.mailbox.forget()
        self.bar.write(VFCTRL, VFCTRL.of(RST=1))
        self.bar.flush()
        self.resets += 1

    def wait_for_peer(self, timeout_s: float = RESET_TIMEOUT_S) -> None:
        """See that the physical function is not in reset.

        Raises:
            RestartError: It still is.
        """
        deadline_s = self.clock.now_s() + timeout_s
        while True:
            late = self.clock.now_s() >= deadline_s
            if not self.mailbox.in_reset():
                self.mailbox.told("RSTD")  # of a reset before ours
                return
            if late:
                raise RestartError(
                    f"{self.door.name}: the physical function is still in reset after {timeout_s:g} s "
                    "(VFMAILBOX.RSTI): its interface is down, or no driver has it"
                )
            self.clock.sleep(RESET_POLL_S)

    def start(self, timeout_s: float = RESET_TIMEOUT_S) -> str:
        """Reset the function, introduce ourselves to the peer, and learn what it lets us have.

        Returns:
            What was agreed upon, for people.

        Raises:
            MailboxError: The peer does not answer in a way that makes sense.
            DeviceGone: The function no longer answers.
        """
        self.reset()
        self.wait_for_peer(timeout_s)
        answer = self.mailbox.ask(MessageType.RESET)
        self._learn_address(answer)
        self.clock.sleep(AFTER_RESET_S)
        self._negotiate()
        self.offer = self._queues()
        self.clear = True
        return f"API {VERSIONS[self.mailbox.api]}, {self.offer.pairs} queue pairs"

    def _learn_address(self, answer: Sequence[int]) -> None:
        """Ours, if the peer has one for us; what cannot be a station's is as good as none.

        Ref: ixgbevf_reset_hw_vf; a made-up address stays the same through resets.
        """
        given = address_in(answer)
        self.given = valid_station(given) and not HEAD(answer[0]).NACK
        if self.given:
            before, self.perm_addr = self.perm_addr, given
            if self.address in {before, bytes(ADDRESS_BYTES)}:
                self.address = given
        elif not valid_station(self.perm_addr):
            self.perm_addr = self.address = local_address()
            log.info("%s: no address was given: it is %s", self.door.name, show(self.address))
        self.filter_type = answer[3] % 4

    def _negotiate(self) -> None:
        """Agree upon the latest version that both sides speak.

        Ref: ixgbevf_negotiate_api.
        """
        for version in reversed(ORDER):
            try:
                self.mailbox.ask(MessageType.API_NEGOTIATE, version)
            except RefusedError:
                continue
            self.mailbox.api = version
            return
        self.mailbox.api = ApiVersion.V1_0

    def _queues(self) -> Offer:
        """How many queues we may use: one pair if the peer does not say, or says something that cannot be.

        Ref: ixgbevf_get_queues.
        """
        if not self.mailbox.at_least(ApiVersion.V1_1):
            return Offer()
        try:
            answer = self.mailbox.ask(MessageType.GET_QUEUES)
        except RefusedError:
            return Offer()
        tx, rx, tagged = (answer[word] for word in (QueuesWord.TX, QueuesWord.RX, QueuesWord.TRANS_VLAN))
        if not (1 <= tx <= QUEUES_MAX and 1 <= rx <= QUEUES_MAX):
            log.warning(
                "%s: the physical function's driver offers %d Tx and %d Rx queues, a virtual function has 1 to %d: "
                "one pair is used", self.door.name, tx, rx, QUEUES_MAX,
            )  # fmt: skip
            return Offer()
        return Offer(tx, rx, bool(tagged))

    # ---- what is asked of the peer ---------------------------------------------------------------------------------

    def set_mac(self, address: bytes) -> None:
        """Have frames to ``address``.

        Raises:
            RefusedError: The peer does not let us.
        """
        self.mailbox.ask(MessageType.SET_MAC, *address_words(address))
        self.address = address

    def set_multicast(self, addresses: Iterable[bytes]) -> int:
        """Have frames to these groups; returns how many there was room for."""
        hashes = [multicast_hash(address, self.filter_type) for address in addresses][:HASHES_MAX]
        words = [
            HASHES.of(FIRST=hashes[n], SECOND=hashes[n + 1] if n + 1 < len(hashes) else 0)
            for n in range(0, len(hashes), 2)
        ]
        self.mailbox.ask(MessageType.SET_MULTICAST, *words, info=len(hashes))
        return len(hashes)

    def set_vlan(self, vid: int, *, on: bool) -> None:
        """Join a VLAN, or leave it."""
        self.mailbox.ask(MessageType.SET_VLAN, vid, info=int(on))

    def set_max_frame(self, len_bytes: int) -> None:
        """Have frames of up to so many bytes, their checksum included."""
        self.mailbox.ask(MessageType.SET_LPE, len_bytes)

    def set_xcast(self, mode: XcastMode) -> XcastMode | None:
        """Have more than our own frames; returns what the peer made of it, None if it cannot be asked.

        Raises:
            RefusedError: The peer does not let us.
        """
        if not self.mailbox.at_least(ApiVersion.V1_2):
            return None
        answer = self.mailbox.ask(MessageType.UPDATE_XCAST, mode)
        return next((made for made in XcastMode if made == answer[1]), mode)

    def may_have_link(self) -> bool:
        """Whether the peer lets us have a link; it is not asked if it does not know the question."""
        if not self.mailbox.at_least(ApiVersion.V1_2):
            return True
        try:
            return bool(self.mailbox.ask(MessageType.GET_LINK_STATE)[1])
        except RefusedError:
            return True

    # ---- link ------------------------------------------------------------------------------------------------------

    def read_link(self) -> VfLink:
        """The link as the hardware shows it: up only if it is up in each of several looks.

        Ref: ixgbevf_check_mac_link_vf.
        """
        seen = self.bar.read(VFLINKS)
        for _ in range(LINK_LOOKS):
            if not seen.UP:
                return VfLink()
            self.clock.delay_us(LINK_LOOK_US)
            seen = self.bar.read(VFLINKS)
        return VfLink(True, SPEEDS_MBPS.get(seen.SPEED, 0)) if seen.UP else VfLink()

    def number(self) -> str:
        """The port of the card, for people."""
        return f"port {self.bar.read(VFSTATUS).LAN_ID}"
