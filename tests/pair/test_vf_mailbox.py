# SPDX-License-Identifier: BSD-3-Clause
"""The mailbox service on the real device: locks of both kinds of drivers, floods, resets, garbage, and who waits."""

import logging
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device.machine.wire.loopback import LoopbackPort
from device.regs.core import Register
from device.regs.i82599 import MBVFICR, PFMAILBOX, PFMBIMR, VFLRE, VFRE, VFTE
from device.regs.i82599.mbx import HEAD, WORDS, ApiVersion, MessageType
from device.regs.i82599.vf import VFMAILBOX, VFMBMEM
from driver.ixgbe.hw.link import LinkStatus
from driver.ixgbe.sriov.turns import LATER_S, PATIENCE_S, SHARE_BURST, SHARE_PER_S, SOON_S
from tests.rigs.vf_pf import PfRig, pf_rig

PING, CTS_PING = int(MessageType.PF_CONTROL), int(HEAD.of(TYPE=MessageType.PF_CONTROL, CTS=1))
NEGOTIATE, LPE = MessageType.API_NEGOTIATE, MessageType.SET_LPE


@pytest.fixture
def pf(port: LoopbackPort) -> Iterator[PfRig]:
    with pf_rig(port, 4) as rig:
        yield rig


def locks(pf: PfRig, n: int) -> tuple[int, int]:
    state = pf.nic.regs.get(PFMAILBOX, n)
    return state.PFU, state.VFU


# ---- locks -----------------------------------------------------------------------------------------------------------


def test_an_old_driver_gets_its_answer_and_finds_the_lock_free(pf: PfRig) -> None:
    pf.start(0)
    answer = pf.ask(0, LPE, 1518)
    assert answer[:2] == [HEAD.of(TYPE=LPE, ACK=1, CTS=1), 1518], "what it does not change stays there"
    pf.serve()
    assert locks(pf, 0) == (0, 0)
    assert int(pf.nic.regs.get(MBVFICR, 0)) == 0, "all of it was taken note of"


def new_driver_asks(pf: PfRig, n: int, *words: int) -> None:
    """From API 1.5 on: the lock is held until the message was read."""
    guest = pf.guests[n]
    guest.mailbox_read()
    guest.write(VFMAILBOX, VFMAILBOX.of(VFU=1))
    assert guest.mailbox_read().VFU
    for at, word in enumerate(words):
        guest.write(VFMBMEM, word, at)
    guest.write(VFMAILBOX, VFMAILBOX.of(VFU=1, REQ=1))


def test_a_new_driver_holds_its_lock_until_we_have_read_and_we_ours_until_it_has(pf: PfRig) -> None:
    pf.start(0, ApiVersion.V1_5)
    pf.serve()
    guest = pf.guests[0]
    new_driver_asks(pf, 0, LPE, 1518)
    assert locks(pf, 0) == (0, 1)
    pf.serve()
    seen = guest.mailbox_read()
    assert (seen.PFACK, seen.PFSTS) == (1, 0), "read, and nothing is written under its lock"
    assert pf.adapter.service_interval_s == SOON_S, "its answer is tried again at once"
    guest.write(VFMAILBOX, VFMAILBOX.of())
    pf.adapter.service()
    seen = guest.mailbox_read()
    assert (seen.PFSTS, seen.PFU) == (1, 1)
    assert guest.read(VFMBMEM, 0) == HEAD.of(TYPE=LPE, ACK=1, CTS=1)
    guest.write(VFMAILBOX, VFMAILBOX.of(VFU=1))
    assert not guest.mailbox_read().VFU, "it cannot write over what it has not read"
    guest.write(VFMAILBOX, VFMAILBOX.of(ACK=1))
    pf.serve()
    assert locks(pf, 0) == (0, 0)


def test_the_answer_that_agrees_upon_the_new_way_is_read_in_the_old_one(pf: PfRig) -> None:
    """Ixgbevf reads it by taking the lock, and changes its ways afterwards."""
    guest = pf.guests[0]
    guest.reset()
    pf.ask(0, MessageType.RESET)
    guest.mailbox_read()
    guest.send(MessageType.API_NEGOTIATE, ApiVersion.V1_5)
    pf.serve()
    assert guest.mailbox_read().PFSTS
    guest.write(VFMAILBOX, VFMAILBOX.of(VFU=1))
    assert guest.mailbox_read().VFU
    assert guest.receive(1) == [HEAD.of(TYPE=MessageType.API_NEGOTIATE, ACK=1, CTS=1)]


def test_a_lock_held_for_too_long_is_taken(pf: PfRig, caplog: pytest.LogCaptureFixture) -> None:
    pf.start(0, ApiVersion.V1_5)
    pf.serve()
    for _ in range(2):
        new_driver_asks(pf, 0, LPE, 1518)
        pf.serve(3)
        assert not pf.guests[0].mailbox_read().PFSTS
        pf.time.sleep(2 * LATER_S)
        assert pf.adapter.service_interval_s == LATER_S
        pf.time.sleep(PATIENCE_S)
        pf.adapter.service()
        assert locks(pf, 0) == (1, 0)
        assert pf.guests[0].mailbox_read().PFSTS
        pf.guests[0].write(VFMAILBOX, VFMAILBOX.of(ACK=1))
        pf.serve()
    assert pf.row(0)["mailbox"]["locks_taken"] == 2
    assert sum("held its mailbox for more than 1 s" in record.getMessage() for record in caplog.records) == 1


def test_our_lock_is_let_go_when_nobody_reads(pf: PfRig) -> None:
    pf.start(0, ApiVersion.V1_5)
    pf.serve()
    pf.guests[0].send(LPE, 1518)
    pf.serve()
    assert locks(pf, 0) == (1, 0)
    pf.time.sleep(PATIENCE_S)
    pf.adapter.service()
    assert locks(pf, 0) == (0, 0)
    assert pf.row(0)["mailbox"]["unread"] == 1


def test_a_ping_never_overwrites_a_message_on_its_way(pf: PfRig) -> None:
    """The driver looked, saw nothing, and only then the VF wrote: the ping has to wait, whatever the lock says."""
    pf.start(0)
    pf.serve()
    guest = pf.guests[0]
    guest.mailbox_read()
    look = pf.sriov.turns.mailboxes.look

    def look_and_be_late() -> object:
        events = look()
        guest.send(LPE, 1518)
        pf.sriov.turns.mailboxes.look = look  # type: ignore[method-assign]  # once
        return events

    pf.sriov.turns.mailboxes.look = look_and_be_late  # type: ignore[method-assign,assignment]  # the test's race
    pf.sriov.ping_all()
    pf.sriov.turn()
    assert not guest.mailbox_read().PFSTS
    assert guest.read(VFMBMEM, 0) == LPE
    pf.serve()
    assert guest.receive(1) == [HEAD.of(TYPE=LPE, ACK=1, CTS=1)]
    pf.serve()
    assert guest.receive(1) == [CTS_PING], "when the answer was read"


def test_a_ping_does_not_overwrite_an_answer_that_was_not_read(pf: PfRig) -> None:
    pf.start(0)
    pf.serve()
    pf.guests[0].send(LPE, 1518)
    pf.serve()
    pf.sriov.ping_all()
    pf.serve()
    assert HEAD(pf.guests[0].receive(1)[0]).TYPE == LPE
    pf.serve()
    assert pf.guests[0].receive(1) == [CTS_PING]


def test_a_ping_waits_for_a_vf_that_is_writing(pf: PfRig) -> None:
    pf.start(0)
    pf.serve()
    guest = pf.guests[0]
    guest.write(VFMAILBOX, VFMAILBOX.of(VFU=1))
    guest.write(VFMBMEM, LPE)
    pf.sriov.ping_all()
    pf.serve()
    assert guest.read(VFMBMEM, 0) == LPE
    guest.write(VFMBMEM, 1518, 1)
    guest.write(VFMAILBOX, VFMAILBOX.of(REQ=1))
    pf.serve()
    assert guest.receive(1) == [HEAD.of(TYPE=LPE, ACK=1, CTS=1)]


# ---- those who are not clear to send ---------------------------------------------------------------------------------


def test_who_reads_without_being_clear_to_send_is_told_so(pf: PfRig) -> None:
    pf.start(0)
    pf.serve()
    pf.sriov.change(0, "trust", ["on"])
    pf.settle()
    assert pf.guests[0].receive(1) == [PING]
    pf.serve()
    assert pf.guests[0].receive(1) == [HEAD.of(NACK=1)]
    assert pf.ask(0, LPE, 1518)[0] == HEAD.of(TYPE=LPE, NACK=1)
    pf.start(0)
    pf.sriov.ping_all()
    pf.serve(2)
    assert pf.guests[0].receive(1) == [CTS_PING]


def test_a_reset_that_comes_with_the_acknowledgement_is_answered(pf: PfRig) -> None:
    """Read a ping without CTS, then RESET at once: "not clear to send" must not be written over it."""
    pf.start(0)
    pf.serve()
    pf.sriov.change(0, "trust", ["on"])
    assert pf.guests[0].receive(1) == [PING]
    pf.guests[0].send(MessageType.RESET)
    pf.serve()
    assert pf.guests[0].receive(1) == [HEAD.of(TYPE=MessageType.RESET, NACK=1)]
    assert pf.row(0)["ready"]


# ---- resets ----------------------------------------------------------------------------------------------------------


def test_a_reset_takes_back_what_was_asked_for(pf: PfRig) -> None:
    pf.start(0)
    assert pf.row(0)["receives"]
    assert pf.row(0)["sends"]
    pf.ask(0, HEAD.of(TYPE=MessageType.SET_VLAN, INFO=1), 100)
    assert pf.sriov.chip.vlans.pools(100) == {0, 4}
    pf.guests[0].reset()
    pf.serve()
    assert int(pf.nic.regs.get(VFLRE, 0)) == 0
    row = pf.row(0)
    assert (row["ready"], row["receives"], row["sends"], row["vlans"], row["api"]) == (False, False, False, [], "1.0")
    assert pf.sriov.chip.vlans.pools(100) == set()
    assert pf.ask(0, LPE, 1518)[0] == HEAD.of(TYPE=LPE, NACK=1)


def test_a_reset_between_a_message_and_its_turn(pf: PfRig) -> None:
    """VFCTRL.RST and RESET both wait: the reset is taken note of first, or it would undo what RESET began."""
    pf.guests[0].reset()
    pf.guests[0].send(MessageType.RESET)
    pf.serve()
    assert pf.row(0)["ready"]
    assert pf.guests[0].mailbox_read().PFSTS
    pf.guests[0].send(LPE, 1518)
    pf.guests[0].reset()
    pf.serve()
    assert not pf.row(0)["ready"]
    assert pf.start(0)[0] == HEAD.of(TYPE=MessageType.RESET, NACK=1)


def test_a_reset_while_the_driver_looks(pf: PfRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two registers of one look a VF resets itself and sends RESET: what RESET begins must not be undone."""
    bar, guest = pf.sriov.turns.mailboxes.bar, pf.guests[0]
    read = bar.read

    def read_and_be_late(register: type[Register], n: int = 0) -> Register:
        value = read(register, n)
        monkeypatch.setattr(bar, "read", read)
        guest.reset()
        guest.send(MessageType.RESET)
        return value

    monkeypatch.setattr(bar, "read", read_and_be_late)
    pf.sriov.turn()
    pf.serve(2)
    assert pf.row(0)["ready"]


def test_all_of_them_reset_at_once(port: LoopbackPort) -> None:
    with pf_rig(port, 63) as pf:
        for n in range(63):
            pf.guests[n].reset()
            pf.guests[n].send(MessageType.RESET)
        pf.serve()
        assert all(row["ready"] and row["sends"] and row["receives"] for row in pf.sriov.table()["vfs"])
        assert int(pf.nic.regs.get(VFRE, 0)) == int(pf.nic.regs.get(VFTE, 1)) == 2**32 - 1
        for n in range(63):
            assert HEAD(pf.guests[n].receive(1)[0]).TYPE == MessageType.RESET


# ---- floods ----------------------------------------------------------------------------------------------------------


def flood(pf: PfRig, n: int, turns: int) -> int:
    """Send a message as VF ``n`` before every turn; how many were answered."""
    answered = 0
    for _ in range(turns):
        pf.guests[n].send(LPE, 1518)
        pf.serve()
        answered += pf.guests[n].mailbox_read().PFSTS
    return answered


def test_a_flood_is_bounded_told_once_and_the_others_are_served(pf: PfRig, caplog: pytest.LogCaptureFixture) -> None:
    pf.start(1)
    answered = flood(pf, 0, SHARE_BURST + 100)
    assert answered <= SHARE_BURST
    assert not int(pf.nic.regs.get(PFMBIMR, 0)) % 2, "it does not even interrupt any more"
    assert pf.ask(1, LPE, 1518)[0] == HEAD.of(TYPE=LPE, ACK=1, CTS=1)
    told = [record.getMessage() for record in caplog.records if "without end" in record.getMessage()]
    assert told == ["pair: VF 0 sends messages or resets itself without end: it gets 200 a second (said once)"]
    assert pf.row(0)["mailbox"]["floods"] == 1
    pf.time.sleep(1.0)
    answered = flood(pf, 0, SHARE_BURST + 100)
    assert SHARE_PER_S / 2 <= answered <= SHARE_PER_S + 1
    pf.time.sleep(10.0)
    pf.adapter.service()
    assert int(pf.nic.regs.get(PFMBIMR, 0)) % 2, "it may interrupt again"
    assert pf.start(0)


def test_resets_without_end_are_a_flood_too(pf: PfRig) -> None:
    pf.start(1)
    for _ in range(SHARE_BURST + 50):
        pf.guests[0].reset()
        pf.serve()
    assert pf.row(0)["mailbox"]["resets"] <= SHARE_BURST
    assert pf.ask(1, LPE, 1518)[0] == HEAD.of(TYPE=LPE, ACK=1, CTS=1)
    pf.time.sleep(2.0)
    assert pf.start(0)[0] == HEAD.of(TYPE=MessageType.RESET, NACK=1), "it was not forgotten"


def test_a_turn_answers_one_message_of_each(pf: PfRig) -> None:
    for n in range(4):
        pf.start(n)
    for n in range(4):
        pf.guests[n].send(LPE, 1518)
    before = [pf.row(n)["mailbox"]["messages"] for n in range(4)]
    pf.sriov.turn()
    assert [pf.row(n)["mailbox"]["messages"] for n in range(4)] == [count + 1 for count in before]


def test_who_never_reads_keeps_nobody_waiting(pf: PfRig, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "driver.ixgbe.sriov.turns")
    for n in range(4):
        pf.start(n)
    pf.serve()
    pf.sriov.ping_all()
    now_s = pf.time.now_s()
    pf.sriov.turn()
    assert pf.time.now_s() == now_s, "not a moment was slept"
    for n in (1, 2, 3):
        assert pf.guests[n].receive(1) == [CTS_PING]
    for _ in range(3):
        pf.time.sleep(PATIENCE_S + LATER_S)
        pf.sriov.ping_all()
        pf.serve()
        assert pf.ask(2, LPE, 1518)[0] == HEAD.of(TYPE=LPE, ACK=1, CTS=1)
    assert pf.row(0)["mailbox"]["unread"] >= 3
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_nothing_is_due_when_nobody_waits(pf: PfRig) -> None:
    pf.start(0)
    for _ in range(3):  # the others have no driver that reads their pings
        pf.serve()
        pf.time.sleep(PATIENCE_S)
    pf.serve()
    assert pf.sriov.due_s == float("inf")
    assert pf.adapter.service_interval_s == 2.0


def test_a_turn_for_mailboxes_leaves_the_rest_alone(pf: PfRig, monkeypatch: pytest.MonkeyPatch) -> None:
    pf.serve()
    looked: list[int] = []
    check = pf.adapter.hw.link.check

    def count_and_check() -> LinkStatus:
        looked.append(1)
        return check()

    monkeypatch.setattr(pf.adapter.hw.link, "check", count_and_check)
    for _ in range(5):
        pf.guests[0].send(MessageType.RESET)
        pf.serve()
    assert looked == []
    pf.time.sleep(2.0)
    pf.adapter.service()
    assert looked == [1]


# ---- garbage ---------------------------------------------------------------------------------------------------------

STEP = st.one_of(
    st.tuples(st.just("message"), st.integers(0, 3), st.lists(st.integers(0, 0xFFFFFFFF), max_size=WORDS)),
    st.tuples(
        st.just("typed"), st.integers(0, 3), st.tuples(st.sampled_from(list(MessageType)), st.integers(0, 0xFFFFFFFF))
    ),
    st.tuples(st.just("mailbox"), st.integers(0, 3), st.integers(0, 0xFF)),
    st.tuples(st.just("reset"), st.integers(0, 3), st.none()),
    st.tuples(st.just("time"), st.just(0), st.floats(0, 2)),
    st.tuples(st.just("ping"), st.just(0), st.none()),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, max_size=40))
def test_whatever_guests_do_the_last_one_is_served(pf: PfRig, steps: list[tuple[str, int, object]]) -> None:
    for what, n, value in steps:
        guest = pf.guests[n]
        if what == "message":
            assert isinstance(value, list)
            for at, word in enumerate(value):
                guest.write(VFMBMEM, word, at)
            guest.write(VFMAILBOX, VFMAILBOX.of(REQ=1))
        elif what == "typed":
            assert isinstance(value, tuple)
            guest.write(VFMBMEM, int(value[0]))
            guest.write(VFMBMEM, value[1], 1)
            guest.write(VFMAILBOX, VFMAILBOX.of(REQ=1))
        elif what == "mailbox":
            assert isinstance(value, int)
            guest.write(VFMAILBOX, value)
        elif what == "reset":
            guest.reset()
        elif what == "time":
            assert isinstance(value, float)
            pf.time.sleep(value)
        else:
            pf.sriov.ping_all()
        pf.serve()
    for n in range(4):
        pf.guests[n].write(VFMAILBOX, VFMAILBOX.of())
        pf.guests[n].reset()
    pf.time.sleep(10.0)
    pf.serve(2)
    for n in range(4):
        assert HEAD(pf.start(n, ApiVersion.V1_4)[0]).TYPE == MessageType.RESET
        assert pf.ask(n, LPE, 1518)[0] == HEAD.of(TYPE=LPE, ACK=1, CTS=1)
    assert pf.sriov.chip.vlans.slot(0) == 0
