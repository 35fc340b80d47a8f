# SPDX-License-Identifier: BSD-3-Clause
"""``--vfs-always``: virtual functions whose mailbox the device answers while nobody drives the physical function."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.i82599.card import Card
from device.regs.i82599 import CTRL, CTRL_EXT, GCR_EXT, MPSAR, MTA, RAH, RAL, VFTA, VLVF, VLVFB, VMOLR, VT_CTL
from device.regs.i82599.mbx import HEAD, ApiVersion, MessageType, QueuesWord, XcastMode
from device.regs.i82599.vf import VFCTRL, VFMAILBOX, VFMBMEM
from tests.rigs.pair_door import PairDoor
from tests.rigs.vf import Vf, enable

MAC = bytes.fromhex("020000825990")
N = 1


@pytest.fixture
def card() -> Iterator[Card]:
    with Card(MAC, vfs=3, vfs_always=True) as made:
        yield made


@pytest.fixture
def vf(card: Card) -> Iterator[Vf]:
    made = Vf(card, N)
    yield made
    made.door.close()


def ask(vf: Vf, kind: MessageType | int, *words: int, info: int = 0) -> tuple[HEAD, list[int]]:
    """Write a message as ixgbevf does; the answer's head, and what stands behind it."""
    vf.write(VFMAILBOX, VFMAILBOX.of(VFU=1))
    for i, word in enumerate([HEAD.of(TYPE=int(kind), INFO=info), *words]):
        vf.write(VFMBMEM, int(word), i)
    vf.write(VFMAILBOX, VFMAILBOX.of(REQ=1))
    told = VFMAILBOX(vf.read(VFMAILBOX))
    assert (told.PFACK, told.PFSTS) == (1, 1)
    vf.write(VFMAILBOX, VFMAILBOX.of(VFU=1))
    answer = [vf.read(VFMBMEM, i) for i in range(16)]
    vf.write(VFMAILBOX, VFMAILBOX.of(ACK=1))
    return HEAD(answer[0]), answer[1:]


def begin(vf: Vf, version: ApiVersion = ApiVersion.V1_4) -> None:
    assert ask(vf, MessageType.RESET)[0] == HEAD.of(TYPE=1, ACK=1)
    assert ask(vf, MessageType.API_NEGOTIATE, version)[0].ACK


def is_active(card: Card) -> bool:
    return card.standin is not None and card.standin.active


def neighbours(card: Card) -> list[int]:
    return [*(card.regs.get(RAL, n + 1) for n in (0, 2)), *(card.regs.get(VMOLR, n) for n in (0, 2))]


def words_of(mac: bytes) -> list[int]:
    return [int.from_bytes(mac[:4], "little"), int.from_bytes(mac[4:], "little")]


def test_it_is_there_and_has_an_address_and_no_reset_to_wait_for(card: Card, vf: Vf) -> None:
    assert vf.door.config_read(0, 4) == b"\x86\x80\xed\x10"
    assert not VFMAILBOX(vf.read(VFMAILBOX)).RSTI
    head, words = ask(vf, MessageType.RESET)
    assert (head, words[:2]) == (HEAD.of(TYPE=1, ACK=1), words_of(bytes.fromhex("020000825992")))
    assert card.regs.get(MPSAR, 2 * (N + 1)) == 1 << N
    assert card.regs.get(RAH, N + 1).AV


@pytest.mark.parametrize("version", [0, 2, 3, 4, 5])
def test_versions_up_to_1_4(vf: Vf, version: int) -> None:
    begin(vf, ApiVersion(version))


@pytest.mark.parametrize("version", [1, 6, 7, 8, 9, 2**31])
def test_versions_it_does_not_speak(vf: Vf, version: int) -> None:
    ask(vf, MessageType.RESET)
    head, _ = ask(vf, MessageType.API_NEGOTIATE, version)
    assert (head.ACK, head.NACK, head.CTS) == (0, 1, 1)


def test_nothing_but_reset_before_reset(vf: Vf) -> None:
    head, _ = ask(vf, MessageType.SET_LPE, 1522)
    assert (head.ACK, head.NACK, head.CTS) == (0, 1, 0)
    begin(vf)
    assert ask(vf, MessageType.SET_LPE, 1522)[0].ACK
    vf.write(VFCTRL, VFCTRL.of(RST=1))
    assert ask(vf, MessageType.SET_LPE, 1522)[0].NACK


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (MessageType.SET_MAC, words_of(bytes.fromhex("010203040506"))),
        (MessageType.SET_MAC, [0, 0]),
        (MessageType.SET_LPE, [63]),
        (MessageType.SET_LPE, [9729]),
        (MessageType.UPDATE_XCAST, [XcastMode.PROMISC]),
        (MessageType.UPDATE_XCAST, [99]),
        (MessageType.GET_RETA, []),
        (MessageType.IPSEC_ADD, [1, 2, 3]),
        (0x77, []),
    ],
)
def test_what_it_refuses(vf: Vf, kind: int, words: Sequence[int]) -> None:
    begin(vf)
    head, _ = ask(vf, kind, *words)
    assert head == HEAD.of(TYPE=kind, NACK=1, CTS=1)


def test_a_number_of_a_later_version_means_nothing(vf: Vf) -> None:
    begin(vf, ApiVersion.V1_0)
    assert ask(vf, MessageType.GET_QUEUES)[0].NACK
    begin(vf, ApiVersion.V1_2)
    assert ask(vf, MessageType.GET_QUEUES)[0].ACK
    assert ask(vf, MessageType.UPDATE_XCAST, XcastMode.MULTI)[0].ACK


def test_what_it_does(card: Card, vf: Vf) -> None:
    begin(vf)
    mac = bytes.fromhex("020000000042")
    assert ask(vf, MessageType.SET_MAC, *words_of(mac))[0].ACK
    assert int(card.regs.get(RAL, N + 1)).to_bytes(4, "little") == mac[:4]
    assert ask(vf, MessageType.SET_MULTICAST, 0x0123 | 0x0FFF << 16, info=2)[0].ACK
    assert card.regs.get(MTA, 0x123 >> 5) == 1 << (0x123 & 31)
    assert card.regs.get(MTA, 127) == 1 << 31
    assert card.regs.get(VMOLR, N).ROMPE
    assert ask(vf, MessageType.UPDATE_XCAST, XcastMode.ALLMULTI)[0].ACK
    assert card.regs.get(VMOLR, N).MPE
    _, words = ask(vf, MessageType.GET_QUEUES)
    assert (words[QueuesWord.TX - 1], words[QueuesWord.RX - 1], words[QueuesWord.TRANS_VLAN - 1]) == (4, 4, 0)


def test_more_addresses(card: Card, vf: Vf) -> None:
    begin(vf)
    for i in range(64):
        assert ask(vf, MessageType.SET_MACVLAN, 2, i, info=1 + i % 255)[0].ACK
    assert ask(vf, MessageType.SET_MACVLAN, 2, 64, info=1)[0].NACK, "there are no more"
    assert (card.regs.get(RAH, 127).AV, card.regs.get(MPSAR, 254)) == (1, 1 << N)
    assert ask(vf, MessageType.SET_MACVLAN)[0].ACK
    assert not any(card.regs.get(RAH, rar).AV for rar in range(64, 128))
    head, words = ask(vf, MessageType.GET_LINK_STATE)
    assert (head, words[0]) == (HEAD.of(TYPE=0x10, ACK=1, CTS=1), 1)


def test_vlans_come_and_go(card: Card, vf: Vf) -> None:
    begin(vf)
    assert ask(vf, MessageType.SET_VLAN, 77, info=1)[0].ACK
    assert (card.regs.get(VLVF, 1), card.regs.get(VLVFB, 2)) == (VLVF.of(VLANID=77, VIEN=1), 1 << N)
    assert card.regs.get(VFTA, 2) == 1 << 13
    assert ask(vf, MessageType.SET_VLAN, 77)[0].ACK
    assert (card.regs.get(VLVF, 1), card.regs.get(VLVFB, 2), card.regs.get(VFTA, 2)) == (0, 0, 0)
    for vid in range(1, 64):
        assert ask(vf, MessageType.SET_VLAN, vid, info=1)[0].ACK
    assert ask(vf, MessageType.SET_VLAN, 64, info=1)[0].NACK, "VLVF is full"
    begin(vf)
    assert not any(card.regs.get(VLVF, i).VIEN for i in range(VLVF.count)), "a reset undoes it"


def test_it_stands_back_for_a_driver_and_begins_again(card: Card, vf: Vf) -> None:
    door = PairDoor(card)
    card.regs.write(CTRL.offset(), CTRL.of(RST=1))
    assert (card.regs.get(GCR_EXT), card.regs.get(VT_CTL)) == (0, 0), "a driver finds the card as after any reset"
    assert vf.mailbox().RSTI
    vf.write(VFMAILBOX, VFMAILBOX.of(REQ=1))
    assert not vf.mailbox().PFACK, "it is that driver's to answer"
    card.regs.write(CTRL_EXT.offset(), CTRL_EXT.of(DRV_LOAD=1))
    door.reset()  # as when that client is gone
    assert is_active(card)
    assert VFMAILBOX(vf.read(VFMAILBOX)) == VFMAILBOX.of(RSTD=1)
    begin(vf)
    enable(door, 2)
    assert not is_active(card)
    assert card.vfs[2].function.is_present is False
    door.close()


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(st.integers(0, 2**32 - 1), min_size=16, max_size=16), min_size=1, max_size=8))
def test_garbage_reaches_no_neighbour(messages: list[list[int]]) -> None:
    with Card(MAC, vfs=3, vfs_always=True) as card:
        vf = Vf(card, N)
        before = neighbours(card)
        ask(vf, MessageType.RESET)
        for words in messages:
            kind = HEAD(words[0])
            if not (kind.ACK or kind.NACK):
                head, _ = ask(vf, kind.TYPE % 16, *words[1:], info=kind.INFO)
                assert head.ACK != head.NACK
        assert neighbours(card) == before
        assert card.regs.handler_errors == vf.made.regs.handler_errors == 0
        vf.door.close()
