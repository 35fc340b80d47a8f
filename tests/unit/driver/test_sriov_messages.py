# SPDX-License-Identifier: BSD-3-Clause
"""What a VF's driver may ask for, message by message, on a chip that only takes notes."""

import errno
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.regs.i82599.mbx import HEAD, RETA_ENTRIES, RETA_WORD, WORDS, ApiVersion, MessageType, XcastMode
from driver.ixgbe.sriov.messages import HANDLERS, address_of, address_words, answer_to
from driver.ixgbe.sriov.state import ORDER, LinkWish, Vf, at_least

MAC = bytes.fromhex("020000000011")
OTHER = bytes.fromhex("020000000022")
OLD, NEW = ApiVersion.V1_0, ApiVersion.V1_5
Words = list[int]


class Notes:
    """A chip that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []
        self.full = False
        self.port_frame_bytes = 1514
        self.queues = 4
        self.rss_entries: Sequence[int] = [n % 16 for n in range(128)]
        self.rss_key = bytes(range(40))
        self.filter_type = 2

    def _room(self) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "there is no room")

    def restarted(self, vf: Vf) -> None:
        vf.forget()
        vf.started = vf.cts = True
        self.told.append(("restarted",))

    def set_mac(self, vf: Vf, address: bytes) -> None:
        self._room()
        vf.mac = address
        self.told.append(("mac", address))

    def set_multicast(self, vf: Vf) -> None:
        self.told.append(("multicast", vf.hashes))

    def set_xcast(self, vf: Vf) -> None:
        self.told.append(("xcast", vf.xcast))

    def add_vlan(self, vf: Vf, vid: int) -> None:
        self._room()
        self.told.append(("add vlan", vid))

    def remove_vlan(self, vf: Vf, vid: int) -> None:
        self.told.append(("remove vlan", vid))

    def add_macvlan(self, vf: Vf, address: bytes) -> None:
        self._room()
        self.told.append(("add", address))

    def clear_macvlans(self, vf: Vf) -> None:
        self.told.append(("clear",))

    def set_max_frame(self, vf: Vf, len_bytes: int) -> None:
        self.told.append(("max frame", len_bytes))

    def set_receive(self, vf: Vf) -> None:
        self.told.append(("receive", vf.may_receive))

    def may_have_link(self, vf: Vf) -> bool:
        return vf.wish.link is not LinkWish.DISABLE


def ready(api: ApiVersion = NEW) -> Vf:
    return Vf(0, cts=True, started=True, api=api)


def ask(vf: Vf, chip: Notes, *words: int) -> Words:
    answer = answer_to(chip, vf, [*words, *[0] * (WORDS - len(words))])
    assert answer is not None
    assert len(answer) <= WORDS
    return answer


def accepted(vf: Vf, chip: Notes, kind: MessageType, *words: int, info: int = 0) -> Words:
    """The words behind the head of an answer that says yes."""
    head = HEAD.of(TYPE=kind, INFO=info)
    answer = ask(vf, chip, head, *words)
    assert answer[0] == head.replace(ACK=1, CTS=1)
    return answer[1:]


def refused(vf: Vf, chip: Notes, kind: int, *words: int, info: int = 0) -> str:
    """Why an answer says no."""
    head = HEAD.of(TYPE=kind, INFO=info)
    assert ask(vf, chip, head, *words) == [head.replace(NACK=1, CTS=1)]
    return vf.last_refusal


# ---- beginning -------------------------------------------------------------------------------------------------------


def test_reset_gives_the_address_that_was_set_for_it() -> None:
    vf, chip = Vf(0), Notes()
    assert ask(vf, chip, MessageType.RESET)[:4] == [0x40000001, 0, 0, 2], "none: it takes one of its own"
    vf.wish.mac = MAC
    answer = ask(vf, chip, MessageType.RESET)
    assert answer[:4] == [0x80000001, 0x00000002, 0x1100, 2]
    assert address_of(answer) == MAC
    assert answer[4:] == [0] * 12, "nothing of a former life is left in the mailbox"


@pytest.mark.parametrize("kind", [kind for kind in MessageType if kind is not MessageType.RESET])
def test_nothing_but_reset_before_reset(kind: MessageType) -> None:
    vf, chip = Vf(0, api=NEW), Notes()
    assert ask(vf, chip, kind, 1, 2) == [HEAD.of(TYPE=kind, NACK=1)], "and no CTS: it has to start anew"
    assert chip.told == []
    assert vf.api is NEW, "not even a version is agreed upon"


@pytest.mark.parametrize("flag", ["ACK", "NACK"])
def test_an_answer_is_not_answered(flag: str) -> None:
    vf, chip = ready(), Notes()
    words = [HEAD.of(TYPE=MessageType.SET_MAC, **{flag: 1}), *address_words(MAC), *[0] * 13]
    assert answer_to(chip, vf, [int(word) for word in words]) is None
    assert chip.told == []


@pytest.mark.parametrize("version", ORDER)
def test_versions_that_are_agreed_upon(version: ApiVersion) -> None:
    vf = ready(OLD)
    accepted(vf, Notes(), MessageType.API_NEGOTIATE, version)
    assert vf.api is version


@pytest.mark.parametrize("number", [ApiVersion.V2_0, ApiVersion.V1_6, ApiVersion.V1_7, 9, 0xFFFFFFFF])
def test_versions_that_are_not(number: int) -> None:
    vf = ready(ApiVersion.V1_3)
    assert f"API number {int(number)} is none of ours: 1.0 to 1.5" in refused(
        vf, Notes(), MessageType.API_NEGOTIATE, number
    )
    assert vf.api is ApiVersion.V1_3


@pytest.mark.parametrize(("kind", "since"), [(kind, since) for kind, (since, _) in HANDLERS.items()])
def test_a_message_before_its_version(kind: MessageType, since: ApiVersion) -> None:
    for version in ORDER:
        if not at_least(version, since):
            chip = Notes()
            vf = ready(version)
            vf.wish.query_rss = True
            assert "it came with API" in refused(vf, chip, kind)
            assert chip.told == []


def test_which_messages_came_when() -> None:
    since = {kind: version for kind, (version, _) in HANDLERS.items() if version is not ApiVersion.V1_0}
    assert since == {
        MessageType.GET_QUEUES: ApiVersion.V1_1,
        MessageType.GET_RETA: ApiVersion.V1_2,
        MessageType.GET_RSS_KEY: ApiVersion.V1_2,
        MessageType.UPDATE_XCAST: ApiVersion.V1_2,
        MessageType.GET_LINK_STATE: ApiVersion.V1_2,
        MessageType.IPSEC_ADD: ApiVersion.V1_4,
        MessageType.IPSEC_DEL: ApiVersion.V1_4,
    }


@pytest.mark.parametrize("kind", [0, 7, 0x0F, 0x11, 0x12, 0x100, 0xFFFF])
def test_messages_that_there_are_not(kind: int) -> None:
    assert "there is no such message" in refused(ready(), Notes(), kind)


# ---- addresses -------------------------------------------------------------------------------------------------------


def test_an_address_of_its_own() -> None:
    vf, chip = ready(OLD), Notes()
    accepted(vf, chip, MessageType.SET_MAC, *address_words(MAC))
    assert chip.told == [("mac", MAC)]


@pytest.mark.parametrize("address", ["000000000000", "010000000001", "ffffffffffff"])
def test_addresses_that_no_station_has(address: str) -> None:
    vf, chip = ready(OLD), Notes()
    words = address_words(bytes.fromhex(address))
    assert "cannot be a station address" in refused(vf, chip, MessageType.SET_MAC, *words)
    assert "cannot be a station address" in refused(vf, chip, MessageType.SET_MACVLAN, *words, info=1)
    assert chip.told == []


def test_an_address_that_was_set_stays_unless_the_vf_is_trusted() -> None:
    vf, chip = ready(OLD), Notes()
    vf.wish.mac = MAC
    assert "is not trusted" in refused(vf, chip, MessageType.SET_MAC, *address_words(OTHER))
    assert "not trusted with others" in refused(vf, chip, MessageType.SET_MACVLAN, *address_words(OTHER), info=1)
    assert chip.told == []
    accepted(vf, chip, MessageType.SET_MAC, *address_words(MAC))
    accepted(vf, chip, MessageType.SET_MACVLAN)
    vf.wish.trusted = True
    accepted(vf, chip, MessageType.SET_MAC, *address_words(OTHER))
    accepted(vf, chip, MessageType.SET_MACVLAN, *address_words(OTHER), info=2)
    assert chip.told == [("mac", MAC), ("clear",), ("mac", OTHER), ("add", OTHER)]


def test_a_list_of_addresses_begins_anew_with_its_first() -> None:
    vf, chip = ready(OLD), Notes()
    accepted(vf, chip, MessageType.SET_MACVLAN, *address_words(MAC), info=1)
    accepted(vf, chip, MessageType.SET_MACVLAN, *address_words(OTHER), info=2)
    accepted(vf, chip, MessageType.SET_MACVLAN)
    assert chip.told == [("clear",), ("add", MAC), ("add", OTHER), ("clear",)]


def test_no_room() -> None:
    vf, chip = ready(OLD), Notes()
    chip.full = True
    assert "no room" in refused(vf, chip, MessageType.SET_MAC, *address_words(MAC))
    assert "no room" in refused(vf, chip, MessageType.SET_MACVLAN, *address_words(MAC), info=2)
    assert "no room" in refused(vf, chip, MessageType.SET_VLAN, 5, info=1)


# ---- what it takes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("info", "taken"), [(0, 0), (1, 1), (3, 3), (30, 30), (31, 30), (255, 30)])
def test_multicast_hashes(info: int, taken: int) -> None:
    vf, chip = ready(OLD), Notes()
    words = [(2 * n + 1) + (2 * n + 2) * 2**16 for n in range(15)]
    accepted(vf, chip, MessageType.SET_MULTICAST, *words, info=info)
    assert chip.told == [("multicast", tuple(range(1, taken + 1)))]


def test_vlans() -> None:
    vf, chip = ready(OLD), Notes()
    accepted(vf, chip, MessageType.SET_VLAN, 4094, info=1)
    accepted(vf, chip, MessageType.SET_VLAN, 4094)
    accepted(vf, chip, MessageType.SET_VLAN, 0)
    assert chip.told == [("add vlan", 4094), ("remove vlan", 4094)], "VLAN 0 stays"
    assert "VLAN 4095 is out of range" in refused(vf, chip, MessageType.SET_VLAN, 4095, info=1)
    vf.wish.vlan = 7
    assert "all of its frames are in VLAN 7" in refused(vf, chip, MessageType.SET_VLAN, 8, info=1)
    assert "all of its frames are in VLAN 7" in refused(vf, chip, MessageType.SET_VLAN, 7)


@pytest.mark.parametrize("wanted", [XcastMode.NONE, XcastMode.MULTI, XcastMode.ALLMULTI])
def test_reception_modes(wanted: XcastMode) -> None:
    vf, chip = ready(ApiVersion.V1_2), Notes()
    allowed = min(wanted, XcastMode.MULTI)
    assert accepted(vf, chip, MessageType.UPDATE_XCAST, wanted) == [allowed]
    vf.wish.trusted = True
    assert accepted(vf, chip, MessageType.UPDATE_XCAST, wanted) == [wanted]
    assert chip.told == [("xcast", allowed), ("xcast", wanted)]


def test_promiscuous_reception() -> None:
    vf, chip = ready(ApiVersion.V1_2), Notes()
    assert "came with API 1.3" in refused(vf, chip, MessageType.UPDATE_XCAST, XcastMode.PROMISC)
    vf.api = ApiVersion.V1_3
    assert accepted(vf, chip, MessageType.UPDATE_XCAST, XcastMode.PROMISC) == [XcastMode.MULTI], "what it may have"
    vf.wish.trusted = True
    assert "this chip has no promiscuous" in refused(vf, chip, MessageType.UPDATE_XCAST, XcastMode.PROMISC)
    assert "no reception mode 4" in refused(vf, chip, MessageType.UPDATE_XCAST, 4)
    assert vf.xcast is XcastMode.MULTI


# ---- jumbo frames ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("api", "port", "wanted", "yes"),
    [
        (ApiVersion.V1_0, 1514, 1518, True),
        (ApiVersion.V1_0, 1514, 1519, False),
        (ApiVersion.V1_0, 9014, 1518, False),
        (ApiVersion.V1_0, 9014, 9018, False),
        (ApiVersion.V1_1, 1514, 1518, True),
        (ApiVersion.V1_1, 1514, 9018, False),
        (ApiVersion.V1_1, 9014, 1518, True),
        (ApiVersion.V1_5, 9014, 9018, True),
        (ApiVersion.V1_5, 1515, 9018, True),
    ],
)
def test_jumbo_frames(api: ApiVersion, port: int, wanted: int, yes: bool) -> None:
    vf, chip = ready(api), Notes()
    chip.port_frame_bytes = port
    if yes:
        accepted(vf, chip, MessageType.SET_LPE, wanted)
        assert chip.told == [("receive", True), ("max frame", wanted)]
    else:
        refused(vf, chip, MessageType.SET_LPE, wanted)
        assert chip.told == [("receive", False)]


@pytest.mark.parametrize("wanted", [0, 67, 9729, 0xFFFFFFFF])
def test_frames_of_no_length(wanted: int) -> None:
    vf, chip = ready(), Notes()
    assert f"frames of {wanted} bytes are out of range: 68 to 9728" in refused(vf, chip, MessageType.SET_LPE, wanted)
    assert chip.told == []


# ---- what it may know ------------------------------------------------------------------------------------------------


def test_queues() -> None:
    vf, chip = ready(ApiVersion.V1_1), Notes()
    assert accepted(vf, chip, MessageType.GET_QUEUES) == [4, 4, 0, 0]
    vf.wish.vlan, chip.queues = 100, 2
    assert accepted(vf, chip, MessageType.GET_QUEUES) == [2, 2, 1, 0], "the tag is none of its business"


def test_the_ports_rss() -> None:
    vf, chip = ready(ApiVersion.V1_2), Notes()
    for kind in (MessageType.GET_RETA, MessageType.GET_RSS_KEY):
        assert "may not read" in refused(vf, chip, kind)
    vf.wish.query_rss = True
    words = accepted(vf, chip, MessageType.GET_RETA)
    entries = [getattr(RETA_WORD(word), f"E{n}") for word in words for n in range(16)]
    assert entries == [n % 4 for n in range(RETA_ENTRIES)]
    key = accepted(vf, chip, MessageType.GET_RSS_KEY)
    assert b"".join(word.to_bytes(4, "little") for word in key) == chip.rss_key


def test_the_link_that_it_may_have() -> None:
    vf, chip = ready(ApiVersion.V1_2), Notes()
    assert accepted(vf, chip, MessageType.GET_LINK_STATE) == [1]
    vf.wish.link = LinkWish.DISABLE
    assert accepted(vf, chip, MessageType.GET_LINK_STATE) == [0]


def test_no_ipsec() -> None:
    for kind in (MessageType.IPSEC_ADD, MessageType.IPSEC_DEL):
        assert "no IPsec" in refused(ready(ApiVersion.V1_4), Notes(), kind, 1)


# ---- anything --------------------------------------------------------------------------------------------------------


@given(
    words=st.lists(st.integers(0, 0xFFFFFFFF), min_size=WORDS, max_size=WORDS),
    kind=st.one_of(st.none(), st.sampled_from(list(MessageType))),
    api=st.sampled_from(ORDER),
    cts=st.booleans(),
    trusted=st.booleans(),
    full=st.booleans(),
)
def test_garbage_is_answered_or_left_alone(
    words: Words, kind: MessageType | None, api: ApiVersion, cts: bool, trusted: bool, full: bool
) -> None:
    """Whatever a guest writes: an answer of sixteen words at most, yes or no, or none to what looks like one."""
    vf, chip = Vf(0, cts=cts, started=cts, api=api), Notes()
    vf.wish.trusted, chip.full = trusted, full
    if kind is not None:
        words[0] = int(HEAD(words[0]).replace(TYPE=kind, ACK=0, NACK=0))
    answer = answer_to(chip, vf, words)
    head = HEAD(words[0])
    assert (answer is None) == bool(head.ACK or head.NACK)
    if answer is None:
        return
    said = HEAD(answer[0])
    assert said.TYPE == head.TYPE
    assert said.ACK + said.NACK == 1
    assert len(answer) <= WORDS
    assert all(0 <= word <= 0xFFFFFFFF for word in answer)
    if not cts and words[0] != MessageType.RESET:
        assert said.NACK
        assert chip.told == []
    assert vf.mac is None or (vf.mac[0] % 2 == 0 and any(vf.mac))
