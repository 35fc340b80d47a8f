# SPDX-License-Identifier: BSD-3-Clause
"""An adapter on the real device core: up, down, changes, the service task, and its figures."""

import errno
import logging
import os
import select
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from device.i82599.card import Card
from device.machine.wire.loopback import LoopbackPort
from device.regs.i82599 import (
    CTRL_EXT,
    DMATXCTL,
    EIMS,
    EIMS_EX,
    EITR,
    ESDP,
    FCCFG,
    FCTRL,
    GPIE,
    HLREG0,
    MAXFRS,
    MCSTCTRL,
    MFLCN,
    MRQC,
    MTA,
    PSRTYPE,
    RETA,
    RSSRK,
    RXCTRL,
    RXDCTL,
    RXPBSIZE,
    SECRXCTRL,
    SRRCTL,
    TXDCTL,
    VFTA,
    VLNCTRL,
)
from driver import claim
from driver.doors.door import IrqKind
from driver.errors import DeviceGone, DriverError, LinkError, RingError
from driver.ixgbe.adapter import Adapter
from driver.ixgbe.hw.link import FlowControl, LinkStatus
from driver.ixgbe.hw.phy import SfpType
from driver.ixgbe.probe import ProbeOptions, probe
from driver.ixgbe.sw_init import RSS_KEY
from tests.rigs.driver_clock import NoWait
from tests.rigs.pair_door import PairDoor

MAC = "02:00:00:82:59:90"
FRAME = bytes.fromhex("ffffffffffff" + "020000000001" + "88b5") + bytes(range(100))


@pytest.fixture
def time() -> NoWait:
    return NoWait()


@pytest.fixture
def adapter(door: PairDoor, time: NoWait) -> Iterator[Adapter]:
    with probe(door, ProbeOptions(clock=time, cpus=4)) as adapter:
        yield adapter


def fds() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


# ---- registers ------------------------------------------------------------------------


def test_up_writes_what_linux_writes(nic: Card, adapter: Adapter) -> None:
    adapter.up(queues=4)
    regs = nic.regs
    assert int(regs.get(GPIE)) == 0xC0000036
    assert (regs.get(RXPBSIZE, 0).SIZE, regs.get(RXPBSIZE, 1).SIZE) == (512, 0)
    assert regs.get(MAXFRS).MFS == 1522
    assert regs.get(HLREG0).JUMBOEN == 1
    assert int(regs.get(MRQC)) == 0x00330001
    assert int(regs.get(PSRTYPE)) == 0x1330 + 2 * 2**29
    assert [int(regs.get(RETA, n)) for n in (0, 31)] == [0x03020100, 0x03020100]
    assert b"".join(int(regs.get(RSSRK, n)).to_bytes(4, "little") for n in range(10)) == RSS_KEY
    assert int(regs.get(SRRCTL, 3)) == 0x02000402
    assert [regs.get(RXDCTL, n).ENABLE for n in range(6)] == [1, 1, 1, 1, 0, 0]
    assert [int(regs.get(TXDCTL, n)) for n in (3, 4)] == [0x02010120, 0]
    assert (regs.get(RXCTRL).RXEN, regs.get(DMATXCTL).TE, regs.get(SECRXCTRL).RX_DIS) == (1, 1, 0)
    assert [regs.get(EITR, n).ITR_INTERVAL for n in (0, 3, 4)] == [25, 25, 243]
    eims = adapter.bar.read(EIMS)
    assert (eims.LSC, eims.GPI_SDP1, eims.GPI_SDP2, eims.MAILBOX, eims.TCP_TIMER) == (1, 1, 1, 1, 1)
    assert [int(adapter.bar.read(EIMS_EX, n)) for n in range(2)] == [0xFFFFFFFF] * 2
    assert regs.get(ESDP).SDP3 == 0
    assert (regs.get(CTRL_EXT).DRV_LOAD, regs.get(CTRL_EXT).PFRSTD) == (1, 1)
    assert nic.regs.unknown == {}


def test_down_leaves_the_card_silent(nic: Card, door: PairDoor, adapter: Adapter) -> None:
    adapter.up(queues=2)
    adapter.down()
    adapter.down()
    assert door.maps == {}
    assert (nic.regs.get(RXCTRL).RXEN, nic.regs.get(CTRL_EXT).DRV_LOAD, nic.regs.get(ESDP).SDP3) == (0, 0, 1)
    assert [int(nic.regs.get(EIMS_EX, n)) for n in range(2)] == [0, 0]
    assert adapter.mac == MAC
    assert not adapter.link.up


def test_up_and_down_twenty_times_leaks_nothing(nic: Card, door: PairDoor, adapter: Adapter) -> None:
    adapter.up(queues=3)
    adapter.down()
    before = fds()
    for n in range(20):
        adapter.up(queues=(1, 2, 4, 5, 3)[n % 5], mtu=1500 + n)
        assert len(door.maps) == 1
        adapter.down()
    assert fds() == before
    assert door.maps == {}
    assert nic.report().faults == []


def test_rss_uses_sixteen_of_more_queues(nic: Card, adapter: Adapter) -> None:
    adapter.up(queues=20, ring_count=64)
    entries = {getattr(nic.regs.get(RETA, n), f"ENTRY{k}") for n in range(32) for k in range(4)}
    assert entries == set(range(16))
    assert nic.regs.get(RXDCTL, 19).ENABLE == 1
    assert nic.regs.get(TXDCTL, 19).ENABLE == 1


def test_sixty_four_queues(nic: Card, adapter: Adapter) -> None:
    adapter.up(queues=64, ring_count=64)
    assert all(nic.regs.get(RXDCTL, n).ENABLE for n in range(64))
    assert len(adapter.q_vectors) == 63
    assert [ring.queue for ring in adapter.q_vectors[0].rx] == [63, 0]


# ---- numbers out of range ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"queues": 0}, "0 queues"),
        ({"queues": 65}, "65 queues"),
        ({"mtu": 67}, "MTU 67"),
        ({"mtu": 9711}, "68 to 9710"),
        ({"ring_count": 63}, "63 descriptors"),
        ({"ring_count": 100}, "multiple of 8"),
        ({"ring_count": 5000}, "64 to 4096"),
    ],
)
def test_a_number_out_of_range_changes_nothing(
    nic: Card, door: PairDoor, adapter: Adapter, wrong: dict[str, Any], says: str
) -> None:
    with pytest.raises(DriverError, match=says):
        adapter.up(**wrong)
    assert not adapter.running
    assert door.maps == {}
    adapter.up(queues=1)


def test_up_twice_is_an_error(adapter: Adapter) -> None:
    adapter.up(queues=1)
    with pytest.raises(DriverError, match="up already"):
        adapter.up(queues=1)
    assert adapter.running


def test_mtu_change_on_a_running_port(nic: Card, adapter: Adapter) -> None:
    adapter.up(queues=1)
    told: list[str] = []
    adapter.pause, adapter.resume = lambda: told.append("pause"), lambda: told.append("resume")
    rings = list(adapter.rx_rings)
    adapter.set_mtu(9000)
    assert nic.regs.get(MAXFRS).MFS == 9018
    assert told == ["pause", "resume"]
    assert adapter.rx_rings == rings
    with pytest.raises(DriverError):
        adapter.set_mtu(10)
    assert adapter.mtu == 9000


def test_a_queue_that_does_not_start_takes_everything_down(nic: Card, door: PairDoor, adapter: Adapter) -> None:
    nic.faults.inject("stuck=TXDCTL[1].ENABLE:0")
    with pytest.raises(RingError, match="queue 1 does not start"):
        adapter.up(queues=2)
    assert not adapter.running
    assert door.maps == {}
    nic.faults.end()
    adapter.up(queues=2)


def test_no_memory_for_rings(door: PairDoor, adapter: Adapter) -> None:
    def no_memory(*_: object) -> object:
        raise RingError("full")

    make, adapter.make_tx = adapter.make_tx, no_memory
    with pytest.raises(RingError, match="full"):
        adapter.up(queues=2)
    assert door.maps == {}
    adapter.make_tx = make
    adapter.up(queues=2)


# ---- filters ------------------------------------------------------------------------


def test_rx_mode(nic: Card, adapter: Adapter) -> None:
    adapter.up(queues=1)
    assert (nic.regs.get(FCTRL).BAM, nic.regs.get(FCTRL).UPE, nic.regs.get(FCTRL).MPE) == (1, 0, 1)
    adapter.set_rx_mode(promiscuous=True)
    assert (nic.regs.get(FCTRL).UPE, nic.regs.get(FCTRL).MPE, nic.regs.get(VLNCTRL).VFE) == (1, 1, 0)
    adapter.set_rx_mode(promiscuous=False, all_multicast=True)
    assert (nic.regs.get(FCTRL).UPE, nic.regs.get(FCTRL).MPE) == (0, 1)
    # 01:00:5e:00:00:fb: bits 47:36 are 0xfb0, that is register 0x7d, bit 16
    adapter.set_rx_mode(all_multicast=False, multicast=[bytes.fromhex("01005e0000fb")])
    assert int(nic.regs.get(MTA, 0x7D)) == 1 << 16
    assert nic.regs.get(MCSTCTRL).MFE == 1
    adapter.set_rx_mode(multicast=[])
    assert not any(int(nic.regs.get(MTA, n)) for n in range(128))
    with pytest.raises(DriverError, match="not a multicast"):
        adapter.set_rx_mode(multicast=[bytes.fromhex("020000000001")])


def test_vlans_survive_a_reset(nic: Card, adapter: Adapter) -> None:
    adapter.up(queues=1)
    assert nic.regs.get(VLNCTRL).VFE == 0
    adapter.vlan_add(100)
    adapter.reinit()
    assert nic.regs.get(VLNCTRL).VFE == 1
    assert int(nic.regs.get(VFTA, 3)) == 1 << 4
    assert int(nic.regs.get(VFTA, 0)) == 1
    adapter.vlan_kill(100)
    adapter.vlan_kill(0)
    assert int(nic.regs.get(VFTA, 3)) == 0
    assert int(nic.regs.get(VFTA, 0)) == 1
    adapter.set_vlan_features(filtering=False, stripping=True)
    assert (nic.regs.get(VLNCTRL).VFE, nic.regs.get(RXDCTL, 0).VME) == (0, 1)
    with pytest.raises(DriverError, match="4096"):
        adapter.vlan_add(4096)


def test_more_addresses_until_the_table_is_full(adapter: Adapter) -> None:
    mac = adapter.hw.mac
    places = [mac.add_unicast(bytes([2, 0, 0, 0, 1, n])) for n in range(126)]
    assert places == list(range(1, 127)), "the last is the storage address's"
    assert mac.add_unicast(bytes([2, 0, 0, 0, 1, 5])) == 6
    with pytest.raises(OSError, match="in use") as caught:
        mac.add_unicast(bytes([2, 0, 0, 0, 2, 0]))
    assert caught.value.errno == errno.ENOSPC
    mac.del_unicast(bytes([2, 0, 0, 0, 1, 5]))
    assert mac.add_unicast(bytes([2, 0, 0, 0, 2, 0])) == 6
    with pytest.raises(OSError, match="not an added"):
        mac.del_unicast(mac.address)


# ---- traffic, statistics ------------------------------------------------------------------------


def spin(nic: Card, adapter: Adapter, frames: int = 1) -> int:
    """Send ``frames`` and count what comes back."""
    for _ in range(frames):
        assert adapter.tx_rings[0].post(FRAME)
    adapter.tx_rings[0].flush()
    got = 0
    for _ in range(50):
        nic.step()
        adapter.tx_rings[0].clean()
        for ring in adapter.rx_rings:
            for batch in ring.batches():
                got += sum(bytes(frame) == FRAME for frame in batch)
    return got


def test_frames_go_round_and_every_counter_agrees(nic: Card, adapter: Adapter) -> None:
    adapter.up(queues=1)
    assert spin(nic, adapter, 10) == 10
    stats = adapter.stats()
    size = len(FRAME)
    assert (stats["tx_packets"], stats["rx_packets"]) == (10, 10)
    assert (stats["tx_bytes"], stats["rx_bytes"], stats["rx_queue_0_bytes"]) == (10 * size,) * 3
    assert (stats["tx_pkts_nic"], stats["rx_pkts_nic"], stats["broadcast"]) == (10, 10, 10)
    assert (stats["tx_bytes_nic"], stats["rx_bytes_nic"]) == (10 * (size + 4),) * 2
    adapter.down()
    after = adapter.stats()
    assert {name: after[name] for name in ("tx_packets", "rx_packets", "rx_pkts_nic")} == {
        "tx_packets": 10,
        "rx_packets": 10,
        "rx_pkts_nic": 10,
    }


def test_reset_under_load(nic: Card, adapter: Adapter) -> None:
    adapter.up(queues=1)
    for _ in range(5):
        for _ in range(100):
            adapter.tx_rings[0].post(FRAME)
        adapter.tx_rings[0].flush()
        adapter.reinit()
        assert spin(nic, adapter, 3) >= 3
    assert nic.report().faults == []
    assert nic.report().counters["dma_errors"] == 0


# ---- service task ------------------------------------------------------------------------


def test_link_comes_up_with_flow_control(nic: Card, adapter: Adapter, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    adapter.up(queues=1)
    assert not adapter.link.up
    adapter.service()
    assert (adapter.link.up, adapter.link.speed_mbps) == (True, 10_000)
    assert (nic.regs.get(MFLCN).RFCE, nic.regs.get(FCCFG).TFCE_802_3X) == (1, 1)
    assert "link is up, 10 Gb/s, flow control full" in caplog.text
    assert nic.regs.get(SRRCTL, 0).DROP_EN == 0


def test_without_pauses_a_full_ring_drops(nic: Card, door: PairDoor) -> None:
    options = ProbeOptions(clock=NoWait(), cpus=4, flow_control=FlowControl.NONE)
    with probe(door, options) as adapter:
        adapter.up(queues=2)
        assert nic.regs.get(SRRCTL, 1).DROP_EN == 1
        adapter.service()
        assert (nic.regs.get(MFLCN).RFCE, nic.regs.get(FCCFG).TFCE_802_3X) == (0, 0)


def test_link_lost_with_work_pending_resets(nic: Card, adapter: Adapter) -> None:
    adapter.up(queues=1)
    adapter.service()
    nic.set_port(None)
    adapter.tx_rings[0].post(FRAME)  # no tail written: it stays pending
    resets = adapter.hw.reset.resets
    adapter.service()
    assert not adapter.link.up
    assert adapter.hw.reset.resets == resets + 1
    assert not adapter.tx_rings[0].pending


def test_a_hang_is_two_looks_without_progress(nic: Card, adapter: Adapter, time: NoWait) -> None:
    adapter.up(queues=1)
    adapter.service()
    adapter.tx_rings[0].post(FRAME)  # never told to the chip
    resets = []
    for _ in range(3):
        time.sleep(2.0)
        adapter.service()
        resets.append(adapter.work.tx_timeout_count)
    assert resets == [0, 1, 1]
    assert not adapter.tx_rings[0].pending
    adapter.service()
    assert spin(nic, adapter, 2) == 2


def test_every_vector_is_kicked_every_two_seconds(nic: Card, adapter: Adapter, time: NoWait) -> None:
    adapter.up(queues=3)
    adapter.service()
    poll = select.poll()
    for vector in adapter.q_vectors:
        poll.register(vector.irq.irq_fd, select.POLLIN)
    for _ in range(200):
        nic.step()
        if len(poll.poll(1)) == 3:
            break
    assert len(poll.poll(0)) == 3
    assert adapter.work.kicks == 1
    adapter.service()
    assert adapter.work.kicks == 1
    time.sleep(2.0)
    adapter.service()
    assert adapter.work.kicks == 2


def test_the_other_vector_tells_of_the_link(nic: Card, adapter: Adapter) -> None:
    adapter.up(queues=2)
    adapter.service()
    adapter.other_irq()
    (fd,) = adapter.other_fds()
    before = adapter.stats()["lsc_int"]
    nic.set_port(None)
    for _ in range(200):
        nic.step()
        if select.select([fd], [], [], 0.001)[0]:
            break
    adapter.other_irq()
    assert adapter.stats()["lsc_int"] == before + 1
    assert not select.select([fd], [], [], 0)[0]
    adapter.service()
    assert not adapter.link.up


def test_a_module_that_comes_later(port: LoopbackPort) -> None:
    time = NoWait()
    with (
        Card(mac=MAC, sfp="none", port=port) as nic,
        probe(PairDoor(nic), ProbeOptions(clock=time, cpus=2)) as adapter,
    ):
        with pytest.raises(LinkError, match="no module"):
            adapter.read_module(0xA0, 0)
        adapter.up(queues=1)
        adapter.service()
        assert adapter.link == LinkStatus()
        nic.insert_sfp("lr")
        for _ in range(200):
            nic.step()
            if select.select(adapter.other_fds(), [], [], 0.001)[0]:
                break
        adapter.other_irq()  # SDP2
        adapter.service()
        assert adapter.link == LinkStatus(up=True, speed_mbps=10_000)
        nic.remove_sfp()
        adapter.work.look_at_sfp = True
        adapter.service()
        assert adapter.link == LinkStatus()
        assert adapter.hw.phy.sfp_type is SfpType.NOT_PRESENT


# ---- MSI and INTx ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [IrqKind.MSI, IrqKind.INTX])
def test_one_interrupt_tells_rings_through_the_relay(nic: Card, door: PairDoor, kind: IrqKind) -> None:
    with probe(door, ProbeOptions(clock=NoWait(), cpus=4, interrupts=(kind,))) as adapter:
        adapter.up(queues=4)  # one is all there can be
        assert len(adapter.rx_rings) == 1
        adapter.service()
        relay = adapter.scheme.irq_fd(adapter.q_vectors[0])
        hardware = adapter.other_fds()
        for _ in range(3):
            adapter.tx_rings[0].send([FRAME])
            for _ in range(500):
                nic.step()
                if select.select(hardware, [], [], 0.001)[0]:
                    adapter.other_irq()
                if select.select([relay], [], [], 0)[0]:
                    break
            os.eventfd_read(relay)
            offset, value = adapter.scheme.rearm(adapter.q_vectors[0])
            adapter.bar.write_offset(offset, value)
        assert spin(nic, adapter, 0) >= 3


def test_napis_have_the_vectors_eventfd_and_rearm_write(adapter: Adapter) -> None:
    adapter.up(queues=40, ring_count=64)
    napis = adapter.napis()
    assert len(napis) == 40
    assert [vector.irq.irq_fd for vector in adapter.q_vectors] == [napi.c.irq_fd for napi in napis]
    assert [(napi.c.rearm_offset, napi.c.rearm_value) for napi in (napis[0], napis[33])] == [
        (EIMS_EX.offset(0), 1),
        (EIMS_EX.offset(1), 2),
    ]
    assert adapter.q_vectors[0].name.endswith("-TxRx-0")


# ---- the end of the world ------------------------------------------------------------------------


def test_a_device_that_dies_can_still_be_closed(
    door: PairDoor, adapter: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter.up(queues=2)
    before = fds()

    def gone(*_: object, **__: object) -> None:
        raise DeviceGone("the server died")

    for name in ("read", "write", "update", "wait", "flush"):
        monkeypatch.setattr(adapter.bar, name, gone)
    for name in ("config_read", "config_write", "irq_disable", "dma_unmap"):
        monkeypatch.setattr(door, name, gone)
    with pytest.raises(DeviceGone):
        adapter.service()
    assert adapter.stats()["tx_packets"] == 0
    adapter.close()
    assert fds() < before
    assert claim.holder(door.name) == ""
    assert adapter.arena is None
