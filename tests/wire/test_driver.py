# SPDX-License-Identifier: BSD-3-Clause
"""The real driver and the real device with a socket between them: traffic, figures, interrupts, clients in a row."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from device.regs.i82599 import RDH, RDT, RXDCTL, TDH, TDT, TXDCTL
from driver.core.napi import NapiMode, Sink
from driver.doors.door import IrqKind
from driver.doors.open import open_door
from driver.doors.vfio_user import VfioUserDoor
from driver.errors import Busy
from tests.rigs.driving import Driver, within
from tests.rigs.frames import frame
from tests.rigs.process import Device, until

pytestmark = pytest.mark.usefixtures("_no_fd_left")
DOORBELLS = ("trapped", "shared")


@pytest.fixture(scope="module", params=DOORBELLS)
def device(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Device]:
    """One device for all tests here: each is one more client to it."""
    with Device(tmp_path_factory.mktemp("d"), "--loopback", "--doorbells", request.param) as device:
        yield device
        report = device.report()
        assert report["unknown"] == []
        assert report["stalls"] == []
        assert report["counters"].get("handler_errors", 0) == 0


def flows(count: int) -> list[bytes]:
    """Frames from many hosts, for RSS to spread."""
    top = Ether(dst="ff:ff:ff:ff:ff:ff", src="02:00:00:00:00:01")
    return [
        bytes(top / IP(src=f"10.0.1.{n}", dst="10.0.0.2") / UDP(sport=9, dport=9) / Raw(n.to_bytes(64, "big")))
        for n in range(count)
    ]


def test_frames_out_and_back_with_equal_figures(device: Device) -> None:
    before = device.report()
    frames = [frame(n, 60 + n * 13 % 1455) for n in range(700)]
    with Driver(device.name) as driver:
        driver.send(frames[:300])
        got = driver.receive(300)
        driver.send(frames[300:], queue=1)
        got += driver.receive(400)
        assert got == frames
        seen = driver.adapter.stats()
        after = device.report()
    size = sum(map(len, frames))
    for name, count in (("tx_frames", 700), ("rx_frames", 700), ("tx_bytes", size), ("rx_bytes", size)):
        assert after["counters"][name] - before["counters"].get(name, 0) == count
        assert after["port"][name] - before["port"].get(name, 0) == count
    assert {name: seen[name] for name in ("tx_packets", "rx_packets", "tx_pkts_nic", "rx_pkts_nic", "broadcast")} == {
        "tx_packets": 700, "rx_packets": 700, "tx_pkts_nic": 700, "rx_pkts_nic": 700, "broadcast": 700,
    }  # fmt: skip
    assert (seen["tx_bytes"], seen["rx_bytes"]) == (size, size)
    assert (seen["tx_bytes_nic"], seen["rx_bytes_nic"]) == (size + 4 * 700,) * 2, "the chip counts the FCS"
    for name in ("rx_dropped", "rx_csum_offload_errors", "tx_busy"):
        assert seen[name] == 0
    assert after["counters"]["dma_errors"] == before["counters"]["dma_errors"]


def test_rss_spreads_flows_over_both_queues(device: Device) -> None:
    frames = flows(200)
    with Driver(device.name) as driver:
        driver.send(frames)
        assert Counter(driver.receive(200)) == Counter(frames)
        assert all(ring.stats()["packets"] > 20 for ring in driver.adapter.rx_rings)


def test_rings_wrap_many_times(device: Device) -> None:
    with Driver(device.name, queues=1, up=False) as driver:
        driver.up(ring_count=64)
        for turn in range(20):
            frames = [frame(turn * 50 + n) for n in range(50)]
            driver.send(frames)
            assert driver.receive(50) == frames


def test_down_and_up_again_with_other_sizes(device: Device) -> None:
    """With shared doorbells enable, disable and tails are plain stores, and a reset wipes them."""
    with Driver(device.name) as driver:
        for ring_count in (64, 512, 128):
            driver.adapter.down()
            assert device.report()["rings"] == []
            driver.up(ring_count=ring_count)
            bar = driver.adapter.bar
            assert [bar.read(RXDCTL, n).ENABLE for n in range(3)] == [1, 1, 0]
            assert [bar.read(TXDCTL, n).ENABLE for n in range(3)] == [1, 1, 0]
            assert [int(bar.read(RDT, n)) for n in range(2)] == [ring_count - 1] * 2
            frames = [frame(n) for n in range(40)]
            driver.send(frames)
            assert driver.receive(40) == frames
            assert [int(bar.read(reg)) for reg in (RDH, TDH, TDT)] == [40, 40, 40]
            rows = {row[0]: row[2:] for row in device.report()["rings"]}
            assert rows["tx[0]"] == [ring_count, 40, 40, 0]
        driver.adapter.reinit()
        driver.wait_link(up=True)
        driver.send([frame(1)])
        assert driver.receive(1) == [frame(1)]


@pytest.mark.parametrize("kind", list(IrqKind), ids=lambda kind: kind.name)
def test_each_kind_of_interrupt_carries_traffic(device: Device, kind: IrqKind) -> None:
    with Driver(device.name, kinds=(kind,)) as driver:
        assert driver.adapter.scheme.kind is kind
        assert device.report()["irq_mode"] == kind.name.lower()
        driver.echo()

        def look() -> bool:
            driver.serve()
            return driver.napis[0].stats()["irqs"] >= 50 and driver.packets() >= 2000

        until(look, "50 interrupts and 2000 frames")
        driver.stop()
        assert driver.napis[0].stats()["rearms"] >= 49


@pytest.mark.parametrize("mode", [NapiMode.POLL, NapiMode.HYBRID], ids=lambda mode: mode.name)
def test_polling_needs_no_interrupt(device: Device, mode: NapiMode) -> None:
    with Driver(device.name, queues=1) as driver:
        driver.poll(Sink.DROP, [frame(n) for n in range(100)], mode)
        until(lambda: driver.packets() == 100, "100 frames")
        driver.stop()


def test_five_drivers_one_after_another(device: Device) -> None:
    before = device.report()["socket"]["sessions"]
    for turn in range(5):
        with Driver(device.name) as driver:
            driver.send([frame(turn)])
            assert driver.receive(1) == [frame(turn)]
        report = device.without_client()
        assert report["socket"]["dma_regions"] == 0
        assert report["rings"] == []
    assert device.report()["socket"]["sessions"] == before + 5


def test_a_second_driver_is_refused_while_the_first_works(device: Device) -> None:
    with Driver(device.name) as driver:
        with within(3), pytest.raises(Busy, match="serving another client") as caught:
            VfioUserDoor(device.path, handshake_timeout_s=0.3)
        assert "pid" in caught.value.holder
        driver.send([frame(7)])
        assert driver.receive(1) == [frame(7)]
    with Driver(device.name, up=False) as driver:
        assert driver.adapter.mac == "02:00:00:82:59:90"


def test_nothing_is_said_when_clients_come_and_go(tmp_path: Path) -> None:
    with Device(tmp_path, "--loopback", "-q") as device:
        with Driver(device.name) as driver:
            driver.send([frame(1)])
            driver.receive(1)
        door = open_door(device.name)
        door.config_read(0, 4)
        door.close()
        device.without_client()
    assert device.error_text() == ""
