# SPDX-License-Identifier: BSD-3-Clause
"""What a VF's driver may ask for, and what it is answered.

A message means something only from the API version on that the VF negotiated; before its RESET was answered nothing
does.  Whatever does not make sense is refused (NACK), and costs nobody else anything.

Ref: ixgbe_rcv_msg_from_vf and what it calls; 82599 specification update for jumbo frames.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from device.regs.i82599.mbx import (
    HASHES,
    HASHES_MAX,
    HEAD,
    RETA_ENTRIES,
    RETA_WORD,
    VLAN,
    WORDS,
    ApiVersion,
    MessageType,
    QueuesWord,
    XcastMode,
)
from driver.core.station import ADDRESS_BYTES, show, valid_station
from driver.ixgbe.sriov.state import VERSIONS, Vf, at_least

log = logging.getLogger(__name__)

WORD_BYTES = 4
VID_MAX = 4094
FRAME_MIN_BYTES, FRAME_MAX_BYTES = 68, 9728
FRAME_BYTES, FCS_BYTES, HEADER_BYTES = 1514, 4, 14  # of a frame that is not jumbo; without its checksum
RETA_MASK = 4  # entries have two bits


class Refused(Exception):
    """The VF is answered no; says why."""


class Chip(Protocol):
    """What the messages change: the pools of a port."""

    def restarted(self, vf: Vf) -> None:
        """Its driver starts anew: forget what it had, and let it begin."""

    def set_mac(self, vf: Vf, address: bytes) -> None:
        """Take frames to ``address`` for it; OSError, there is no room."""

    def set_multicast(self, vf: Vf) -> None:
        """Its hashes changed."""

    def set_xcast(self, vf: Vf) -> None:
        """Its mode changed."""

    def add_vlan(self, vf: Vf, vid: int) -> None:
        """It joins a VLAN; OSError, there is no room."""

    def remove_vlan(self, vf: Vf, vid: int) -> None:
        """It leaves a VLAN."""

    def add_macvlan(self, vf: Vf, address: bytes) -> None:
        """Take frames to one more address for it; OSError, there is no room."""

    def clear_macvlans(self, vf: Vf) -> None:
        """Its additional addresses go."""

    def set_max_frame(self, vf: Vf, len_bytes: int) -> None:
        """Let frames of this length in; what is longer already stays."""

    def set_receive(self, vf: Vf) -> None:
        """Whether it may receive changed."""

    @property
    def port_frame_bytes(self) -> int:
        """The port's largest frame, without its checksum."""

    @property
    def queues(self) -> int:
        """Queue pairs of a pool."""

    @property
    def rss_entries(self) -> Sequence[int]:
        """The port's RSS table."""

    @property
    def rss_key(self) -> bytes:
        """The port's RSS key."""

    @property
    def filter_type(self) -> int:
        """Which bits of a multicast address make its hash."""

    def may_have_link(self, vf: Vf) -> bool:
        """Whether its administrator lets it have a link."""


Words = list[int]
Handler = Callable[[Chip, Vf, HEAD, Words], Words]


def address_of(words: Sequence[int]) -> bytes:
    """The address in words 1 and 2."""
    return b"".join(word.to_bytes(WORD_BYTES, "little") for word in words[1:3])[:ADDRESS_BYTES]


def address_words(address: bytes | None) -> Words:
    """An address as two words; zeros for none."""
    padded = (address or b"").ljust(2 * WORD_BYTES, b"\0")
    return [int.from_bytes(padded[at : at + WORD_BYTES], "little") for at in (0, WORD_BYTES)]


def _station(words: Words) -> bytes:
    address = address_of(words)
    if not valid_station(address):
        raise Refused(f"{show(address)} cannot be a station address")
    return address


def _room(change: Callable[[], None]) -> None:
    try:
        change()
    except OSError as err:
        raise Refused(str(err)) from err


def _negotiate(_: Chip, vf: Vf, __: HEAD, words: Words) -> Words:
    known = next((version for version in VERSIONS if version == words[1]), None)
    if known is None:
        raise Refused(f"API number {words[1]} is none of ours: 1.0 to {VERSIONS[ApiVersion.V1_5]}")
    vf.api = known
    return []


def _set_mac(chip: Chip, vf: Vf, _: HEAD, words: Words) -> Words:
    address = _station(words)
    if vf.wish.mac is not None and not vf.wish.trusted and address != vf.wish.mac:
        raise Refused(f"its address is set to {show(vf.wish.mac)}, it wants {show(address)} and is not trusted")
    _room(lambda: chip.set_mac(vf, address))
    return []


def _set_multicast(chip: Chip, vf: Vf, head: HEAD, words: Words) -> Words:
    hashes: list[int] = []
    for word in words[1:]:
        pair = HASHES(word)
        hashes += [pair.FIRST, pair.SECOND]
    vf.hashes = tuple(hashes[: min(head.INFO, HASHES_MAX)])
    chip.set_multicast(vf)
    return []


def _set_vlan(chip: Chip, vf: Vf, head: HEAD, words: Words) -> Words:
    if vf.wish.vlan:
        raise Refused(f"all of its frames are in VLAN {vf.wish.vlan}")
    vid = VLAN(words[1]).ID
    if vid > VID_MAX:
        raise Refused(f"VLAN {vid} is out of range: 0 to {VID_MAX}")
    if head.INFO:
        _room(lambda: chip.add_vlan(vf, vid))
    elif vid:  # VLAN 0 is for frames without a VLAN: it stays
        chip.remove_vlan(vf, vid)
    return []


def _set_lpe(chip: Chip, vf: Vf, _: HEAD, words: Words) -> Words:
    """The chip has one limit for all: a VF that does not know of jumbo frames must not be given any.

    From API 1.1 on a VF can take what it did not ask for.
    """
    wanted = words[1]
    if not FRAME_MIN_BYTES <= wanted <= FRAME_MAX_BYTES:
        raise Refused(f"frames of {wanted} bytes are out of range: {FRAME_MIN_BYTES} to {FRAME_MAX_BYTES}")
    port_is_jumbo = chip.port_frame_bytes > FRAME_BYTES
    knows_jumbo = at_least(vf.api, ApiVersion.V1_1)
    is_jumbo = wanted > FRAME_BYTES + FCS_BYTES
    vf.max_frame_bytes = wanted
    vf.may_receive = (port_is_jumbo and knows_jumbo) or not (port_is_jumbo or is_jumbo)
    chip.set_receive(vf)
    if not vf.may_receive:
        raise Refused(
            f"frames of {wanted} bytes beside the port's {chip.port_frame_bytes + FCS_BYTES}: "
            "a VF has jumbo frames when the port has them and both speak API 1.1"
        )
    chip.set_max_frame(vf, wanted)
    return []


def _set_macvlan(chip: Chip, vf: Vf, head: HEAD, words: Words) -> Words:
    if head.INFO and vf.wish.mac is not None and not vf.wish.trusted:
        raise Refused(f"its address is set to {show(vf.wish.mac)}, and it is not trusted with others")
    address = _station(words) if head.INFO else b""
    if head.INFO <= 1:  # the first of a list replaces the list before
        chip.clear_macvlans(vf)
    if head.INFO:
        _room(lambda: chip.add_macvlan(vf, address))
    return []


def _get_queues(chip: Chip, vf: Vf, _: HEAD, __: Words) -> Words:
    answer = {
        QueuesWord.TX: chip.queues,
        QueuesWord.RX: chip.queues,
        QueuesWord.TRANS_VLAN: int(bool(vf.wish.vlan or vf.wish.qos)),
        QueuesWord.DEFAULT: 0,
    }
    return [answer[word] for word in sorted(answer)]


def _may_query_rss(vf: Vf) -> None:
    if not vf.wish.query_rss:
        raise Refused("it may not read the port's RSS table and key")


def _get_reta(chip: Chip, vf: Vf, _: HEAD, __: Words) -> Words:
    _may_query_rss(vf)
    entries = [entry % RETA_MASK for entry in chip.rss_entries]
    per_word = len(RETA_WORD.FIELDS)
    return [
        RETA_WORD.of(**{f"E{n}": entry for n, entry in enumerate(entries[at : at + per_word])})
        for at in range(0, RETA_ENTRIES, per_word)
    ]


def _get_rss_key(chip: Chip, vf: Vf, _: HEAD, __: Words) -> Words:
    _may_query_rss(vf)
    key = chip.rss_key
    return [int.from_bytes(key[at : at + WORD_BYTES], "little") for at in range(0, len(key), WORD_BYTES)]


def _update_xcast(chip: Chip, vf: Vf, _: HEAD, words: Words) -> Words:
    wanted = next((mode for mode in XcastMode if mode == words[1]), None)
    if wanted is None:
        raise Refused(f"there is no reception mode {words[1]}")
    if wanted is XcastMode.PROMISC and not at_least(vf.api, ApiVersion.V1_3):
        raise Refused("promiscuous reception came with API 1.3")
    if wanted > XcastMode.MULTI and not vf.wish.trusted:
        wanted = XcastMode.MULTI
    if wanted is XcastMode.PROMISC:
        raise Refused("this chip has no promiscuous reception for VFs")
    vf.xcast = wanted
    chip.set_xcast(vf)
    return [wanted]


def _get_link_state(chip: Chip, vf: Vf, _: HEAD, __: Words) -> Words:
    return [int(chip.may_have_link(vf))]


def _ipsec(_: Chip, __: Vf, ___: HEAD, ____: Words) -> Words:
    raise Refused("this port does no IPsec")


HANDLERS: dict[MessageType, tuple[ApiVersion, Handler]] = {
    MessageType.SET_MAC: (ApiVersion.V1_0, _set_mac),
    MessageType.SET_MULTICAST: (ApiVersion.V1_0, _set_multicast),
    MessageType.SET_VLAN: (ApiVersion.V1_0, _set_vlan),
    MessageType.SET_LPE: (ApiVersion.V1_0, _set_lpe),
    MessageType.SET_MACVLAN: (ApiVersion.V1_0, _set_macvlan),
    MessageType.API_NEGOTIATE: (ApiVersion.V1_0, _negotiate),
    MessageType.GET_QUEUES: (ApiVersion.V1_1, _get_queues),
    MessageType.GET_RETA: (ApiVersion.V1_2, _get_reta),
    MessageType.GET_RSS_KEY: (ApiVersion.V1_2, _get_rss_key),
    MessageType.UPDATE_XCAST: (ApiVersion.V1_2, _update_xcast),
    MessageType.IPSEC_ADD: (ApiVersion.V1_4, _ipsec),
    MessageType.IPSEC_DEL: (ApiVersion.V1_4, _ipsec),
    MessageType.GET_LINK_STATE: (ApiVersion.V1_2, _get_link_state),
}
"""From which version on a message means something, and who answers it."""


def _reset(chip: Chip, vf: Vf) -> Words:
    chip.restarted(vf)
    given = vf.wish.mac
    head = HEAD.of(TYPE=MessageType.RESET, ACK=int(given is not None), NACK=int(given is None))
    answer = [int(head), *address_words(given), chip.filter_type]
    return answer + [0] * (WORDS - len(answer))  # what one life of the VF left there is not for the next


def answer_to(chip: Chip, vf: Vf, words: Words) -> Words | None:
    """Do what a message of a VF asks for.

    Args:
        chip: What it changes.
        vf: Who sent it.
        words: All sixteen.

    Returns:
        What to write back, from word 0 on; None if it wants no answer, for it is one itself.
    """
    head = HEAD(words[0])
    if head.ACK or head.NACK:
        return None
    kind = next((kind for kind in MessageType if kind == head.TYPE), None)
    vf.asked[kind.name if kind is not None else "unknown"] += 1
    if kind is MessageType.RESET and words[0] == MessageType.RESET:
        return _reset(chip, vf)
    if not vf.cts:
        vf.counts["refused"] += 1
        return [int(head.replace(NACK=1))]
    try:
        return [int(head.replace(ACK=1, CTS=1)), *_handle(chip, vf, kind, head, words)]
    except Refused as err:
        vf.counts["refused"] += 1
        log.debug("VF %d: %s refused: %s", vf.n, head, err)
        vf.last_refusal = f"{kind.name if kind is not None else f'{head.TYPE:#x}'}: {err}"
        return [int(head.replace(NACK=1, CTS=1))]


def _handle(chip: Chip, vf: Vf, kind: MessageType | None, head: HEAD, words: Words) -> Words:
    version, handler = HANDLERS.get(kind, (None, None)) if kind is not None else (None, None)
    if version is None or handler is None:
        raise Refused("there is no such message")
    if not at_least(vf.api, version):
        raise Refused(f"it came with API {VERSIONS[version]}, and {VERSIONS[vf.api]} is agreed upon")
    return handler(chip, vf, head, words)
