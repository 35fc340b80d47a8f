# SPDX-License-Identifier: BSD-3-Clause
"""The mailbox of a virtual function's driver, and what it learns through it, from peers of all kinds."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.regs.i82599.mbx import HEAD, ApiVersion, MessageType, XcastMode
from device.regs.i82599.vf import VFLINKS, VFMAILBOX, VFRXDCTL, VFTXDCTL
from driver.core.station import valid_station
from driver.ixgbevf.hw import LINK_LOOKS, Offer, VfHw, VfLink, local_address, multicast_hash
from driver.ixgbevf.mailbox import ANSWER_S, Mailbox, MailboxError, RefusedError, RestartError
from tests.rigs.memory_door import MemoryDoor
from tests.rigs.vf_peer import GIVEN, Answers, PeerBar, good

PING = int(HEAD.of(TYPE=MessageType.PF_CONTROL, CTS=1))
WORD = st.integers(0, 2**32 - 1)


def hw_on(bar: PeerBar) -> VfHw:
    return VfHw(bar, MemoryDoor("vf"), bar.clock)  # type: ignore[arg-type]  # it is one as far as anybody looks


def mailbox_on(bar: PeerBar, api: ApiVersion = ApiVersion.V1_0) -> Mailbox:
    made = Mailbox(bar, bar.clock, "vf")  # type: ignore[arg-type]  # likewise
    made.api = api
    return made


def mailbox_writes(bar: PeerBar) -> list[int]:
    return [value for name, value in bar.writes if name == "VFMAILBOX"]


# ---- one message -----------------------------------------------------------------------------------------------------


def test_the_old_kind_lets_go_of_the_lock_with_the_pulses() -> None:
    bar = PeerBar()
    answer = mailbox_on(bar, ApiVersion.V1_4).ask(MessageType.SET_LPE, 1518)
    assert answer[:2] == [int(HEAD.of(TYPE=MessageType.SET_LPE, ACK=1, CTS=1)), 1518]
    vfu, req, ack = (int(VFMAILBOX.of(**{name: 1})) for name in ("VFU", "REQ", "ACK"))
    assert mailbox_writes(bar) == [vfu, req, vfu, ack]


def test_the_new_kind_holds_it_until_the_peer_has_read() -> None:
    bar = PeerBar()
    mailbox_on(bar, ApiVersion.V1_5).ask(MessageType.SET_LPE, 1518)
    vfu, ack = int(VFMAILBOX.of(VFU=1)), int(VFMAILBOX.of(ACK=1))
    assert mailbox_writes(bar) == [vfu, int(VFMAILBOX.of(REQ=1, VFU=1)), 0, ack]


def test_an_answer_that_the_peer_holds_is_read_all_the_same() -> None:
    bar = PeerBar()

    def and_hold(words: list[int]) -> list[list[int]]:
        bar.holds = True
        return good(words)

    bar.answers = and_hold
    assert mailbox_on(bar).ask(MessageType.API_NEGOTIATE, ApiVersion.V1_5)
    assert mailbox_writes(bar)[-1] == int(VFMAILBOX.of(ACK=1))


@pytest.mark.parametrize("api", [ApiVersion.V1_0, ApiVersion.V1_5])
def test_a_peer_that_does_not_read_is_given_up_in_time(api: ApiVersion) -> None:
    bar = PeerBar(lambda _words: None)
    start_s = bar.clock.now_s()
    with pytest.raises(MailboxError, match=r"vf: waited 1 s for SET_LPE to be read: .* does not answer"):
        mailbox_on(bar, api).ask(MessageType.SET_LPE, 1518)
    assert ANSWER_S <= bar.clock.now_s() - start_s < 2 * ANSWER_S
    assert not bar.read(VFMAILBOX).VFU, "and nobody is locked out by us"


def test_one_that_does_not_answer_too() -> None:
    with pytest.raises(MailboxError, match="waited 1 s for the answer to SET_LPE"):
        mailbox_on(PeerBar(lambda _words: [])).ask(MessageType.SET_LPE, 1518)


def test_and_one_that_never_lets_go_of_the_lock() -> None:
    bar = PeerBar()
    bar.holds = True
    with pytest.raises(MailboxError, match=r"waited 1 s for the mailbox \(SET_LPE\)"):
        mailbox_on(bar).ask(MessageType.SET_LPE, 1518)
    assert not bar.heard


def test_a_reset_of_the_port_ends_the_wait_at_once() -> None:
    bar = PeerBar(lambda _words: None)
    told: list[str] = []
    mailbox = mailbox_on(bar)
    mailbox.on_lost = told.append
    bar.in_reset = True
    start_s = bar.clock.now_s()
    with pytest.raises(RestartError, match="is being reset"):
        mailbox.ask(MessageType.SET_LPE, 1518)
    assert bar.clock.now_s() - start_s < ANSWER_S / 2
    assert len(told) == 1


def test_pings_before_the_answer_are_passed_on() -> None:
    bar = PeerBar(lambda words: [[PING], [PING], *good(words)])
    heard: list[HEAD] = []
    mailbox = mailbox_on(bar)
    mailbox.on_ping = heard.append
    assert mailbox.ask(MessageType.SET_LPE, 1518)[1] == 1518
    assert heard == [HEAD(PING)] * 2


def test_pings_without_end_are_no_answer() -> None:
    with pytest.raises(MailboxError, match="8 pings in a row, and no answer"):
        mailbox_on(PeerBar(lambda _words: [[PING]] * 20)).ask(MessageType.SET_LPE, 1518)


def test_a_question_that_a_ping_overwrote_is_asked_again() -> None:
    def lose_first(words: list[int]) -> list[list[int]]:
        lost = int(HEAD.of(TYPE=MessageType.PF_CONTROL, NACK=1, CTS=1))
        return good(words) if bar.heard else [[lost]]

    bar = PeerBar(lose_first)
    assert mailbox_on(bar).ask(MessageType.SET_LPE, 1518)[1] == 1518
    bar.answers = lambda _words: [[int(HEAD.of(TYPE=MessageType.PF_CONTROL, NACK=1, CTS=1))]]
    with pytest.raises(MailboxError, match="pings overwrite each question"):
        mailbox_on(bar).ask(MessageType.SET_LPE, 1518)


@pytest.mark.parametrize(
    ("head", "error"),
    [
        (HEAD.of(TYPE=MessageType.SET_LPE, NACK=1, CTS=1), RefusedError),
        (HEAD.of(TYPE=MessageType.SET_LPE, NACK=1), RestartError),
        (HEAD.of(NACK=1), RestartError),
        (HEAD.of(TYPE=MessageType.SET_LPE, CTS=1), MailboxError),
        (HEAD.of(TYPE=MessageType.SET_LPE, ACK=1, NACK=1, CTS=1), MailboxError),
        (HEAD.of(TYPE=MessageType.SET_MAC, ACK=1, CTS=1), MailboxError),
        (HEAD(0), MailboxError),
    ],
)
def test_what_an_answer_means(head: HEAD, error: type[Exception]) -> None:
    with pytest.raises(MailboxError) as caught:
        mailbox_on(PeerBar(lambda _words: [[int(head)]])).ask(MessageType.SET_LPE, 1518)
    assert type(caught.value) is error
    if error is MailboxError:
        assert f"{int(head):#010x}" in str(caught.value), "the value seen is named"


def test_what_is_told_once_is_kept_until_it_is_taken() -> None:
    bar = PeerBar()
    mailbox = mailbox_on(bar)
    bar.reset_over = True
    bar.say([PING])
    assert not mailbox.in_reset(), "a look, which takes the bits away"
    assert mailbox.take() == HEAD(PING)
    assert mailbox.take() is None
    assert mailbox.told("RSTD")
    assert not mailbox.told("RSTD")


def test_what_was_told_before_the_question_is_not_its_answer() -> None:
    bar = PeerBar()
    bar.slow = True
    mailbox = mailbox_on(bar)
    bar.say([int(HEAD.of(TYPE=MessageType.SET_LPE, NACK=1, CTS=1))])
    mailbox.in_reset()
    assert mailbox.ask(MessageType.SET_LPE, 1518)[1] == 1518


# ---- the introduction ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "agreed"),
    [
        ((ApiVersion.V1_0,), ApiVersion.V1_0),
        ((ApiVersion.V1_0, ApiVersion.V1_1), ApiVersion.V1_1),
        ((ApiVersion.V1_0, ApiVersion.V1_1, ApiVersion.V1_2), ApiVersion.V1_2),
        ((ApiVersion.V1_0, ApiVersion.V1_3), ApiVersion.V1_3),
        ((ApiVersion.V1_4,), ApiVersion.V1_4),
        ((ApiVersion.V1_5,), ApiVersion.V1_5),
        ((ApiVersion.V2_0,), ApiVersion.V1_0),
    ],
)
def test_the_latest_api_that_both_speak(order: tuple[ApiVersion, ...], agreed: ApiVersion) -> None:
    bar = PeerBar(lambda words: good(words, order=order))
    hw = hw_on(bar)
    hw.start()
    assert hw.mailbox.api is agreed
    asked = [words[1] for words in bar.heard if HEAD(words[0]).TYPE == MessageType.API_NEGOTIATE]
    newest_first = [6, 5, 4, 3, 2, 0]
    assert asked == newest_first[: newest_first.index(agreed) + 1]
    queues = [words for words in bar.heard if HEAD(words[0]).TYPE == MessageType.GET_QUEUES]
    assert len(queues) == (agreed is not ApiVersion.V1_0), "a question that came with 1.1"
    assert hw.offer == (Offer(4, 4) if queues else Offer())
    assert bar.resets == 1
    assert hw.clear


def answering(**changed: list[int]) -> Answers:
    """As a good peer, except for these messages: the words of the answer."""

    def answers(words: list[int]) -> list[list[int]]:
        kind = MessageType(HEAD(words[0]).TYPE)
        return [changed[kind.name]] if kind.name in changed else good(words)

    return answers


def test_the_address_that_was_given() -> None:
    hw = hw_on(PeerBar())
    hw.start()
    assert (hw.address, hw.perm_addr, hw.given) == (GIVEN, GIVEN, True)


@pytest.mark.parametrize(
    "answer",
    [
        [int(HEAD.of(TYPE=MessageType.RESET, NACK=1)), 0, 0, 0],
        [int(HEAD.of(TYPE=MessageType.RESET, ACK=1)), 0, 0, 0],
        [int(HEAD.of(TYPE=MessageType.RESET, ACK=1)), 0x01, 0, 0],
        [int(HEAD.of(TYPE=MessageType.RESET, NACK=1)), 0x02, 0x0B00, 0],
    ],
)
def test_an_address_of_our_own_that_stays(answer: list[int]) -> None:
    hw = hw_on(PeerBar(answering(RESET=answer)))
    hw.start()
    made = hw.address
    assert not hw.given
    assert valid_station(made)
    assert made[0] & 2, "locally administered"
    hw.start()
    assert hw.address == made


def test_an_address_that_changes_with_a_reset_and_one_that_somebody_chose() -> None:
    bar = PeerBar(answering(RESET=[int(HEAD.of(TYPE=MessageType.RESET, NACK=1)), 0, 0, 0]))
    hw = hw_on(bar)
    hw.start()
    bar.answers = good
    hw.start()
    assert hw.address == GIVEN, "its administrator set one meanwhile"
    hw.set_mac(b"\x02\0\0\0\0\x99")
    hw.start()
    assert (hw.address, hw.perm_addr) == (b"\x02\0\0\0\0\x99", GIVEN)


def test_made_up_addresses_differ() -> None:
    made = {local_address() for _ in range(200)}
    assert len(made) == 200
    assert all(valid_station(address) and address[0] & 3 == 2 for address in made)


@pytest.mark.parametrize("offer", [(0, 4), (4, 0), (9, 4), (4, 2**32 - 1)])
def test_an_offer_that_cannot_be(offer: tuple[int, int], caplog: pytest.LogCaptureFixture) -> None:
    ack = int(HEAD.of(TYPE=MessageType.GET_QUEUES, ACK=1, CTS=1))
    hw = hw_on(PeerBar(answering(GET_QUEUES=[ack, *offer, 0, 0])))
    hw.start()
    assert hw.offer == Offer()
    assert f"offers {offer[0]} Tx and {offer[1]} Rx queues, a virtual function has 1 to 8" in caplog.text


def test_a_port_that_stays_in_reset() -> None:
    bar = PeerBar()
    bar.in_reset = True
    hw = hw_on(bar)
    with pytest.raises(RestartError, match=r"still in reset after 1 s \(VFMAILBOX.RSTI\)"):
        hw.start()
    assert not bar.heard
    assert not hw.clear


def test_everything_is_stopped_before_the_reset() -> None:
    bar = PeerBar()
    bar.write(VFRXDCTL, VFRXDCTL.of(ENABLE=1, VME=1), 3)
    bar.write(VFTXDCTL, VFTXDCTL.of(ENABLE=1), 7)
    bar.writes.clear()
    hw_on(bar).start()
    names = [name for name, _ in bar.writes]
    assert names[:4] == ["VFRXDCTL", "VTEIMC", "VFTXDCTL", "VFCTRL"]
    assert [value for _, value in bar.writes[:3]] == [int(VFRXDCTL.of(VME=1)), 7, 0]


def test_after_a_reset_the_old_way_is_spoken_again() -> None:
    bar = PeerBar()
    hw = hw_on(bar)
    hw.start()
    agreed = hw.mailbox.api
    assert agreed is ApiVersion.V1_5
    bar.writes.clear()
    bar.say([PING])
    hw.start()
    vfu, req = int(VFMAILBOX.of(VFU=1)), int(VFMAILBOX.of(REQ=1))
    assert mailbox_writes(bar)[:2] == [vfu, req], "a peer that is new knows nothing of 1.5"
    hw.reset()
    assert hw.mailbox.api is ApiVersion.V1_0
    assert not hw.clear


@pytest.mark.parametrize("looks", range(7))
def test_a_link_that_goes_while_it_is_looked_at_is_none(looks: int) -> None:
    hw = hw_on(PeerBar())
    seen = iter([VFLINKS.of(UP=1, SPEED=3)] * looks + [VFLINKS.of(SPEED=3)] + [VFLINKS.of(UP=1, SPEED=3)] * 9)

    def read(reg: Any, n: int = 0) -> Any:
        return next(seen)

    hw.bar.read = read  # type: ignore[method-assign]  # every look sees another value
    found = hw.read_link()
    assert found == (VfLink(True, 10000) if looks > LINK_LOOKS else VfLink())


def test_a_reset_that_was_over_before_is_not_taken_for_a_new_one() -> None:
    bar = PeerBar()
    bar.reset_over = True
    hw = hw_on(bar)
    hw.start()
    assert not hw.mailbox.told("RSTD")


# ---- wishes ----------------------------------------------------------------------------------------------------------


def test_multicast_groups_go_as_hashes() -> None:
    bar = PeerBar()
    hw = hw_on(bar)
    groups = [bytes.fromhex(text) for text in ("01005e000001", "333300000001", "3333ff123456")]
    assert hw.set_multicast(groups) == 3
    head = HEAD(bar.heard[-1][0])
    assert (head.TYPE, head.INFO) == (MessageType.SET_MULTICAST, 3)
    hashes = [multicast_hash(group, 0) for group in groups]
    assert hashes == [0x010, 0x010, 0x563]
    assert bar.heard[-1][1:3] == [0x010 + 0x010 * 2**16, 0x563]
    assert hw.set_multicast([bytes([1, 0, 0, 0, 0, n]) for n in range(40)]) == 30
    assert HEAD(bar.heard[-1][0]).INFO == 30


@pytest.mark.parametrize(("kind", "place"), [(0, 0x563), (1, 0xAC6), (2, 0x58D), (3, 0x634)])
def test_the_bits_that_make_a_hash_are_the_peers_choice(kind: int, place: int) -> None:
    assert multicast_hash(bytes.fromhex("3333ff123456"), kind) == place


def test_what_an_old_peer_does_not_know_is_not_asked() -> None:
    bar = PeerBar()
    hw = hw_on(bar)
    hw.mailbox.api = ApiVersion.V1_1
    assert hw.may_have_link()
    assert hw.set_xcast(XcastMode.ALLMULTI) is None
    assert not bar.heard
    hw.mailbox.api = ApiVersion.V1_2
    assert hw.may_have_link()
    assert hw.set_xcast(XcastMode.ALLMULTI) is XcastMode.ALLMULTI
    assert len(bar.heard) == 2


def test_link_state_of_a_peer_that_says_no() -> None:
    ack = int(HEAD.of(TYPE=MessageType.GET_LINK_STATE, ACK=1, CTS=1))
    bar = PeerBar(answering(GET_LINK_STATE=[ack, 0]))
    hw = hw_on(bar)
    hw.mailbox.api = ApiVersion.V1_4
    assert not hw.may_have_link()
    bar.answers = answering(GET_LINK_STATE=[int(HEAD.of(TYPE=MessageType.GET_LINK_STATE, NACK=1, CTS=1))])
    assert hw.may_have_link(), "a question that it does not know costs nothing"


# ---- garbage ---------------------------------------------------------------------------------------------------------


@given(st.lists(st.lists(WORD, max_size=16), max_size=12), st.sampled_from([ApiVersion.V1_0, ApiVersion.V1_5]))
def test_any_answers_end_in_an_answer_or_in_an_error(script: list[list[int]], api: ApiVersion) -> None:
    bar = PeerBar(lambda _words: script)
    mailbox = mailbox_on(bar, api)
    start_s = bar.clock.now_s()
    for kind in MessageType:
        try:
            answer = mailbox.ask(kind, 1, 2)
        except MailboxError:
            continue
        assert kind == HEAD(answer[0]).TYPE
    assert bar.clock.now_s() - start_s < len(MessageType) * 3 * ANSWER_S, "no wait without an end"


@given(st.data())
def test_any_introduction_leaves_a_function_that_can_be_used_or_says_why(data: st.DataObject) -> None:
    def garbage(words: list[int]) -> list[list[int]]:
        head = HEAD(words[0]).replace(ACK=1, CTS=1)
        kind = data.draw(st.sampled_from(["good", "acked", "any", "silent"]))
        if kind == "good":
            return good(words)
        if kind == "silent":
            return []
        rest = data.draw(st.lists(WORD, max_size=15))
        return [[int(head) if kind == "acked" else data.draw(WORD), *rest]]

    hw = hw_on(PeerBar(garbage))
    with suppress(MailboxError):
        hw.start()
    if not hw.clear:
        return
    assert valid_station(hw.address)
    assert 1 <= hw.offer.tx <= 8
    assert 1 <= hw.offer.rx <= 8
    assert hw.filter_type in range(4)


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=8))
def test_any_link_register(values: list[int]) -> None:
    hw = hw_on(PeerBar())
    left = iter(values)
    last = [0]

    def read(reg: Any, n: int = 0) -> Any:
        last[0] = next(left, last[0])
        return reg(last[0])

    hw.bar.read = read  # type: ignore[method-assign]  # every look sees another value
    found = hw.read_link()
    assert found == VfLink() or (found.up and found.speed_mbps in {0, 100, 1000, 10000})
