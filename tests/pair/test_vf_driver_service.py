# SPDX-License-Identifier: BSD-3-Clause
"""Our driver of a virtual function on the real device: the link, and a peer that resets, goes, or is silent."""

import select

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device.machine.wire.loopback import LoopbackPort
from device.regs.i82599 import PFMAILBOX, PFMBMEM, VFRE
from device.regs.i82599.mbx import HEAD, MessageType, XcastMode
from device.regs.i82599.vf import VFTXDCTL, VTEIMS
from device.regs.pci import PCI_COMMAND
from driver.errors import DeviceGone, DriverError
from driver.ixgbevf.adapter import VfAdapter
from driver.ixgbevf.mailbox import MailboxError
from driver.ixgbevf.service import RETRY_S
from tests.rigs.counts import fd_count
from tests.rigs.pair import FAR, Wire, pattern
from tests.rigs.vf import enable
from tests.rigs.vf_driver import Pair, pair

FAR_BYTES = bytes.fromhex(FAR.replace(":", ""))


def flows(rig: Pair, wire: Wire, vf: VfAdapter) -> bool:
    """Whether frames go both ways."""
    out = FAR_BYTES + vf.hw.address + b"\x88\xb5" + pattern(1, 60)
    into = vf.hw.address + FAR_BYTES + b"\x88\xb5" + pattern(2, 60)
    wire.sent()
    rig.send(vf, [out])
    wire.inject(into)
    return wire.sent() == [out] and rig.take(vf) == [into]


def interrupted(rig: Pair, vf: VfAdapter) -> bool:
    """Whether the mailbox interrupts, once its interval is over."""
    for _ in range(20):
        rig.settle()
        if select.select(vf.other_fds(), [], [], 0.001)[0]:
            return True
    return False


# ---- link ------------------------------------------------------------------------------------------------------------


def test_the_link_follows_the_ports(wire: Wire) -> None:
    with pair(wire, 1) as rig:
        vf = rig.up(0)
        assert (vf.link.up, vf.link.speed_mbps) == (True, 10000)
        assert vf.read_link() == {"up": True, "speed_mbps": 10000, "virtual_function": True, "usable": True}
        for lit in (False, True):
            wire.light(on=lit)
            rig.settle()
            rig.nic.link.evaluate()
            rig.serve()
            vf.other_irq()
            assert vf.link.up == lit, "a ping told of it"
        assert vf.work.counts()["pings"] >= 1
        assert vf.reinits == 0, "a link that goes is no reset"
        assert flows(rig, wire, vf)


def test_the_mailbox_interrupts(wire: Wire) -> None:
    with pair(wire, 1) as rig:
        vf = rig.up(0)
        if interrupted(rig, vf):
            vf.other_irq()
        rig.port.vfs.ping_all()  # type: ignore[union-attr]  # it has both
        rig.serve()
        assert interrupted(rig, vf)
        before = vf.scheme.other_told
        vf.other_irq()
        assert vf.scheme.other_told == before + 1
        for _ in range(10):
            if not interrupted(rig, vf):
                break
            vf.other_irq()
        assert vf.bar.read(VTEIMS).VECTORS & 2**vf.scheme.other.index, "and may do so again"


def test_a_function_without_a_link_of_its_own(wire: Wire) -> None:
    with pair(wire, 1) as rig:
        assert rig.port is not None
        assert rig.port.vfs is not None
        rig.port.vfs.change(0, "state", ["disable"])
        vf = rig.up(0)
        assert not vf.link.up
        assert vf.read_link()["up"], "the hardware shows the port's"
        assert not vf.read_link()["usable"]
        before = dict(rig.port.vfs.table()["vfs"][0]["asked"])
        for _ in range(5):
            vf.service()
            rig.serve()
        assert rig.port.vfs.table()["vfs"][0]["asked"] == before, "it does not ask again and again"
        rig.port.vfs.change(0, "state", ["auto"])
        rig.pass_s(vf)
        assert vf.link.up


def test_a_ping_is_a_reason_to_ask_for_the_link_again(wire: Wire) -> None:
    with pair(wire, 1) as rig:
        vf = rig.up(0)
        for may in (False, True):
            vf.hw.may_have_link = lambda may=may: may  # type: ignore[method-assign,misc]  # the peer changed its mind
            vf.service()
            assert vf.link.up != may, "it has not heard of it"
            rig.port.vfs.ping_all()  # type: ignore[union-attr]  # it has both
            rig.serve()
            vf.service()
            assert vf.link.up == may


def test_how_often_it_is_looked_at(wire: Wire) -> None:
    with pair(wire, 1) as rig:
        vf = rig.up(0)
        assert vf.service_interval_s == 0.1, "groups are still being joined"
        rig.clock.sleep(4)
        assert vf.service_interval_s == 2.0
        wire.light(on=False)
        rig.settle()
        rig.nic.link.evaluate()
        vf.service()
        assert vf.service_interval_s == 0.1
        vf.down()
        assert vf.service_interval_s == 2.0


# ---- the port resets, goes, and comes back ---------------------------------------------------------------------------


def test_a_reset_of_the_port(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    with pair(wire, 2) as rig:
        one, two = rig.up(0), rig.up(1)
        order: list[str] = []
        one.pause, one.resume = lambda: order.append("pause"), lambda: order.append("resume")
        assert rig.port is not None
        for n in range(1, 6):
            rig.port.reinit()
            rig.serve()
            for vf in (one, two):
                vf.service()
                assert (vf.reinits, vf.link.up, vf.running) == (n, True, True)
                assert flows(rig, wire, vf)
        assert order == ["pause", "resume"] * 5
        assert one.work.counts()["pf_losses"] == 5
        assert "card.vf0: the physical function was reset; it waits, and introduces itself again" in caplog.text


def test_a_port_that_is_down_for_a_while(wire: Wire) -> None:
    with pair(wire, 1) as rig:
        vf, port = rig.up(0), rig.port
        assert port is not None
        port.down()
        vf.service()
        assert (vf.link.up, vf.running) == (False, True)
        waited = rig.clock.now_s()
        for _ in range(50):
            vf.service()
        vf.set_rx_mode(promiscuous=True)
        assert rig.clock.now_s() - waited < 0.01, "nobody waits for it, and nothing is asked"
        assert vf.work.lost == "the physical function is being reset"
        assert vf.reinits == 0
        port.up(queues=1, ring_count=64)
        rig.nic.link.evaluate()
        rig.serve()
        vf.service()
        rig.pass_s(vf)
        assert flows(rig, wire, vf)


def test_a_driver_that_ends_and_another_that_comes(wire: Wire) -> None:
    with pair(wire, 2) as rig:
        one, two = rig.up(0), rig.up(1)
        mac = one.mac
        rig.stop_port()
        for vf in (one, two):
            vf.service()
            assert (vf.link.up, vf.running) == (False, True)
            vf.stats()
        rig.start_port(2)
        for vf in (one, two):
            rig.pass_s(vf)
            assert vf.link.up
            assert flows(rig, wire, vf)
        assert one.mac == mac, "an address that it made up stays"


def test_the_whole_port_is_reset_from_outside(wire: Wire) -> None:
    with pair(wire, 1) as rig:
        vf, door = rig.up(0), rig.port_door
        assert door is not None
        door.reset()
        vf.service()
        assert not vf.link.up
        rig.pass_s(vf, 3)
        rig.pass_s(vf)
        assert flows(rig, wire, vf)


def test_somebody_resets_the_function_itself(wire: Wire) -> None:
    with pair(wire, 1) as rig:
        vf = rig.up(0, queues=2)
        vf.door.reset()
        vf.service()
        assert vf.reinits == 1
        vf.service()
        assert flows(rig, wire, vf)


def test_the_administrator_changes_its_address(wire: Wire) -> None:
    with pair(wire, 1) as rig:
        vf = rig.up(0)
        rig.port.vfs.change(0, "mac", ["02:00:00:00:00:42"])  # type: ignore[union-attr]  # it has both
        rig.pass_s(vf)
        assert vf.mac == "02:00:00:00:00:42"
        assert flows(rig, wire, vf)


def test_fewer_queues_than_are_in_use(wire: Wire) -> None:
    with pair(wire, 2) as rig:
        vf = rig.up(0, queues=4)
        vf.hw._queues = lambda: type(vf.hw.offer)(2, 2)  # type: ignore[method-assign]  # another driver came
        vf.work.lose("as the test wants it")
        with pytest.raises(DriverError, match="4 queues: the physical function's driver lets it have 1 to 2"):
            vf.service()
        assert not vf.running


def test_a_peer_with_a_smaller_limit_than_before(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    with pair(wire, 1, mtu=9000) as rig:
        vf = rig.up(0, mtu=9000)
        assert rig.port is not None
        rig.port.set_mtu(1500)
        rig.serve()
        rig.pass_s(vf)
        assert (vf.running, vf.link.up) == (True, True)
        assert "refuses MTU 9000 (frames of 9018 bytes)" in caplog.text
        assert "nothing is received until one of the two changes" in caplog.text
        assert not int(rig.nic.regs.get(VFRE, 0)) & 1
        vf.set_mtu(1500)
        assert flows(rig, wire, vf)


# ---- a peer that is there and says nothing ---------------------------------------------------------------------------


def silence(rig: Pair) -> None:
    rig.clock.serve = rig.settle


def test_silence_costs_wishes_and_not_traffic(wire: Wire) -> None:
    with pair(wire, 1) as rig:
        vf = rig.up(0)
        rig.port.vfs.change(0, "trust", ["on"])  # type: ignore[union-attr]  # it has both
        rig.pass_s(vf)
        silence(rig)
        start_s = rig.clock.now_s()
        vf.set_rx_mode(promiscuous=True)
        assert rig.clock.now_s() - start_s < 2
        assert (vf.running, vf.link.up, vf.hw.clear) == (True, True, True)
        assert flows(rig, wire, vf)
        with pytest.raises(MailboxError, match="does not answer"):
            vf.set_mac(bytes.fromhex("020000000077"))
        with pytest.raises(MailboxError):
            vf.set_mtu(1400)
        assert (vf.mtu, vf.mac != "02:00:00:00:00:77") == (1500, True)
        told: list[XcastMode] = []
        tell = vf.hw.set_xcast

        def counted(mode: XcastMode) -> XcastMode | None:
            told.append(mode)
            return tell(mode)

        vf.hw.set_xcast = counted  # type: ignore[method-assign]  # it is what the test looks at
        rig.clock.serve = rig.serve
        rig.serve()
        rig.pass_s(vf)
        assert told, "the wish is told again"


def test_silence_after_a_reset(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    with pair(wire, 1) as rig:
        vf = rig.up(0)
        vf.work.lose("as the test wants it")
        silence(rig)
        before_s = rig.clock.now_s()
        vf.set_rx_mode(promiscuous=True)
        assert rig.clock.now_s() == before_s, "who has forgotten us is not asked"
        paused: list[int] = []
        vf.pause, vf.resume = lambda: paused.append(1), paused.clear
        for _ in range(3):
            before_s = rig.clock.now_s()
            vf.service()
            assert not vf.link.up
            assert not paused, "whoever polls goes on, for the interface may be taken down meanwhile"
            assert rig.clock.now_s() - before_s < 1.5
            vf.service()
            assert rig.clock.now_s() - before_s < 1.5, "not tried again at once"
            rig.clock.sleep(RETRY_S)
        assert caplog.text.count("waited 1 s for RESET") == 1
        rig.clock.serve = rig.serve
        rig.serve()
        rig.pass_s(vf)
        assert flows(rig, wire, vf)


def test_silence_at_the_end(wire: Wire) -> None:
    with pair(wire, 1) as rig:
        vf = rig.up(0)
        silence(rig)
        before_s = rig.clock.now_s()
        vf.down()
        assert rig.clock.now_s() - before_s < 0.5
        with pytest.raises(MailboxError, match="does not answer"):
            vf.up()
        assert not vf.running
        rig.clock.serve = rig.serve
        rig.serve()
        vf.up()
        vf.service()
        assert flows(rig, wire, vf)


# ---- a peer that talks nonsense --------------------------------------------------------------------------------------


@pytest.mark.parametrize("head", [0, 0xFFFFFFFF, int(HEAD.of(TYPE=MessageType.PF_CONTROL)), int(HEAD.of(NACK=1))])
def test_a_message_without_cts_is_a_reason_to_start_anew(wire: Wire, head: int) -> None:
    with pair(wire, 1) as rig:
        vf = rig.up(0)
        rig.nic.regs.write(PFMBMEM.offset(0), head)
        rig.nic.regs.write(PFMAILBOX.offset(0), PFMAILBOX.of(STS=1))
        vf.service()
        assert vf.reinits == (head != 0xFFFFFFFF)
        rig.pass_s(vf)
        assert flows(rig, wire, vf)


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.booleans(), st.booleans()), min_size=1, max_size=20))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_written_into_its_mailbox(wire: Wire, garbage: list[tuple[int, bool, bool]]) -> None:
    """Messages, acknowledgements and locks of all kinds, while it runs: it goes on, or starts anew."""
    with pair(wire, 1) as rig:
        vf = rig.up(0)
        for word, says, locks in garbage:
            rig.nic.regs.write(PFMBMEM.offset(0), word)
            rig.nic.regs.write(PFMAILBOX.offset(0), PFMAILBOX.of(STS=int(says), ACK=1, PFU=int(locks)))
            vf.other_irq()
            vf.service()
            assert vf.running
        rig.nic.regs.write(PFMAILBOX.offset(0), 0)
        for _ in range(3):
            rig.pass_s(vf)
        assert flows(rig, wire, vf)


# ---- hangs and the end -----------------------------------------------------------------------------------------------


def test_a_ring_that_gets_nowhere(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    with pair(wire, 1) as rig:
        vf = rig.up(0)
        vf.bar.update(VFTXDCTL, 0, ENABLE=0)
        rig.send(vf, [FAR_BYTES + vf.hw.address + b"\x88\xb5" + pattern(1, 60)])
        assert vf.tx_rings[0].pending
        for _ in range(3):
            rig.pass_s(vf)
        assert vf.work.counts()["tx_timeout_count"] == 1
        assert "detected Tx unit hang on queue 0, resetting" in caplog.text
        rig.pass_s(vf)
        assert flows(rig, wire, vf)


def test_a_function_that_leaves_while_it_runs(wire: Wire) -> None:
    with pair(wire, 1) as rig:
        vf, door = rig.up(0), rig.port_door
        assert door is not None
        rig.nic.vfs[0].is_held = lambda: False
        enable(door, 0)
        with pytest.raises(DeviceGone, match="has left the bus"):
            vf.service()
        vf.down()
        vf.close()


def test_up_and_down_without_end(port: LoopbackPort) -> None:
    with pair(port, 1) as rig:
        vf = rig.up(0, queues=2)
        fds = fd_count()
        for _ in range(20):
            vf.down()
            vf.down()
            vf.up()
            vf.service()
        assert vf.link.up
        assert fd_count() == fds


def test_queues_that_do_not_stop_lose_their_right_to_memory(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    with pair(wire, 1) as rig:
        vf = rig.up(0)

        def refuse() -> None:
            raise OSError("as the test wants it")

        vf.hw.reset = refuse  # type: ignore[method-assign]  # it is what fails
        vf.bar.update = lambda *_args, **_fields: refuse()  # type: ignore[method-assign,assignment]  # and so do queues
        vf.down()
        assert "bus master is off until they can" in caplog.text
        assert not vf.hw.config.read(PCI_COMMAND).BUS_MASTER
        del vf.hw.reset
        del vf.bar.update
        vf.up()
        vf.service()
        assert flows(rig, wire, vf)


def test_all_63_at_once(wire: Wire) -> None:
    with pair(wire, 63) as rig:
        vfs = [rig.up(n, queues=2) for n in range(63)]
        assert all(vf.link.up for vf in vfs)
        assert rig.port is not None
        rig.port.reinit()
        for _ in range(3):
            rig.pass_s(vfs[0])
            for vf in vfs:
                vf.service()
        assert all(vf.link.up and vf.reinits == 1 for vf in vfs)
        assert flows(rig, wire, vfs[62])
        frames = [to.hw.address + vfs[0].hw.address + b"\x88\xb5" + pattern(n, 60) for n, to in enumerate(vfs[1:31])]
        rig.send(vfs[0], frames)
        assert [got for vf in vfs for got in rig.take(vf)] == frames
        assert len({vf.mac for vf in vfs}) == 63
