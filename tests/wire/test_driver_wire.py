# SPDX-License-Identifier: BSD-3-Clause
"""What hangs on the card's wire and what sits in its cage, seen by the real driver over a real socket."""

from pathlib import Path

import pytest
from scapy.layers.l2 import Ether
from scapy.utils import rdpcap, wrpcap

from device.i82599.nvm.image import ImageOptions, build
from device.regs.i82599 import EEWR
from driver.errors import ProbeError
from driver.ixgbe.hw.phy import SfpType
from tests.rigs.driving import Driver
from tests.rigs.frames import frame
from tests.rigs.process import Device, until

pytestmark = pytest.mark.usefixtures("_no_fd_left")
MAC = "02:00:5e:10:20:30"


def test_a_module_pulled_and_another_plugged_in(tmp_path: Path) -> None:
    with Device(tmp_path, "--loopback") as device, Driver(device.name) as driver:
        phy = driver.adapter.hw.phy
        kinds = [phy.sfp_type]

        def empty() -> bool:
            driver.serve()
            return not phy.present

        device.ask(sfp="none")
        driver.wait_link(up=False)
        until(empty, "the driver sees an empty cage")
        device.ask(sfp="da")
        driver.wait_link(up=True)
        kinds.append(phy.sfp_type)
        assert kinds == [SfpType.SRLR_CORE0, SfpType.DA_CU_CORE0]
        driver.send([frame(1)])
        assert driver.receive(1) == [frame(1)]


def test_a_cage_that_is_empty_at_probe_is_filled_later(tmp_path: Path) -> None:
    with Device(tmp_path, "--loopback", "--sfp", "none") as device, Driver(device.name, link=False) as driver:
        driver.serve()
        assert not driver.adapter.link.up
        device.ask(sfp="da")
        driver.wait_link(up=True)


def test_the_cable_pulled_and_plugged_in(tmp_path: Path) -> None:
    with Device(tmp_path, "--loopback") as device, Driver(device.name) as driver:
        for _ in range(2):
            device.ask(carrier=False)
            driver.wait_link(up=False)
            device.ask(carrier=True)
            driver.wait_link(up=True)
        assert driver.adapter.work.counts()["lsc_int"] >= 2, "told by interrupt"
        driver.send([frame(1)])
        assert driver.receive(1) == [frame(1)]


def test_a_capture_is_played_and_another_recorded(tmp_path: Path) -> None:
    played = [frame(n, 60 + n * 7 % 1400) for n in range(300)]
    sent = [frame(1000 + n, 60 + n * 11 % 1400) for n in range(250)]
    folder = tmp_path / "pcap"
    folder.mkdir()
    wrpcap(str(folder / "in.pcap"), [Ether(data) for data in played])
    with Device(tmp_path, "--pcap", f"{folder}/in.pcap,{folder}/out.pcap") as device:
        with Driver(device.name) as driver:
            assert driver.receive(300) == played
            driver.send(sent)
            assert driver.take() == []
        assert device.report()["port"]["tx_frames"] == 250
    assert [bytes(packet) for packet in rdpcap(str(folder / "out.pcap"))] == sent


def test_two_devices_back_to_back(tmp_path: Path) -> None:
    cable = str(tmp_path / "cable")
    with (
        Device(tmp_path, "--peer", cable, name="a") as one,
        Device(tmp_path, "--peer", cable, "--mac", MAC, name="b") as other,
        Driver(one.name, link=False) as left,
        Driver(other.name) as right,
    ):
        left.wait_link(up=True)
        there = [frame(n, 60 + n % 1400) for n in range(200)]
        back = [frame(5000 + n) for n in range(150)]
        left.send(there)
        right.send(back)
        assert right.receive(200) == there
        assert left.receive(150) == back
        assert (one.report()["port"]["tx_frames"], other.report()["port"]["rx_frames"]) == (200, 200)
        right.adapter.down()
        left.wait_link(up=False)
        right.up()
        left.wait_link(up=True)
        assert other.end() == 0
        left.wait_link(up=False)
    assert not Path(cable).exists()


def test_null_swallows_and_generates(tmp_path: Path) -> None:
    with Device(tmp_path, "--null") as device, Driver(device.name) as driver:
        driver.send([frame(n) for n in range(100)])
        assert device.report()["port"]["tx_frames"] == 100
        assert driver.take() == []
        device.ask(generate=300)
        got = driver.receive(300)
        assert [int.from_bytes(data[14:22], "big") for data in got] == list(range(300))
        assert {len(data) for data in got} == {60}


def test_the_address_of_the_command_line(tmp_path: Path) -> None:
    with Device(tmp_path, "--mac", MAC) as device, Driver(device.name, up=False) as driver:
        assert driver.adapter.mac == MAC


def test_what_is_written_to_the_eeprom_is_there_next_time(tmp_path: Path) -> None:
    file = tmp_path / "nvm.bin"
    image = build(ImageOptions(mac=bytes.fromhex(MAC.replace(":", ""))))
    image.save(file)
    before = file.read_bytes()
    with Device(tmp_path, "--nvm", str(file)) as device, Driver(device.name, up=False) as driver:
        assert driver.adapter.mac == MAC
        assert [driver.adapter.hw.eeprom.read_eerd(word) for word in range(64)] == [
            int.from_bytes(before[2 * word : 2 * word + 2], "little") for word in range(64)
        ]
    assert file.read_bytes() == before, "reading changes nothing"
    with Device(tmp_path, "--nvm", str(file)) as device, Driver(device.name, up=False) as driver:
        driver.adapter.bar.write(EEWR, EEWR.of(START=1, ADDR=0x1F0, DATA=0xBEEF))
        driver.adapter.bar.wait(EEWR, timeout_s=1, DONE=1)
    after = file.read_bytes()
    assert after[0x3E0:0x3E2] == b"\xef\xbe"
    assert after[:0x3E0] + after[0x3E2:] == before[:0x3E0] + before[0x3E2:]
    with Device(tmp_path, "--nvm", str(file)) as device, Driver(device.name, up=False) as driver:
        assert driver.adapter.hw.eeprom.read_eerd(0x1F0) == 0xBEEF


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ("checksum", "checksum"),
        ("multicast", "invalid MAC address 03:.*multicast"),
        ("zero", "invalid MAC address.*zero"),
    ],
)
def test_an_eeprom_that_drivers_refuse(tmp_path: Path, spoil: str, words: str) -> None:
    mac = {"multicast": bytes.fromhex("030000000001"), "zero": bytes(6)}.get(spoil, bytes.fromhex("020000000001"))
    image = build(ImageOptions(mac=mac))
    if spoil == "checksum":
        image.data[0x40] ^= 0xFF
    file = tmp_path / "nvm.bin"
    image.save(file)
    with Device(tmp_path, "--nvm", str(file)) as device, pytest.raises(ProbeError, match=words):
        Driver(device.name)


@pytest.mark.parametrize(("mac", "why"), [("01:00:5e:00:00:01", "multicast"), ("00:00:00:00:00:00", "zero")])
def test_mac_takes_what_a_broken_card_has(tmp_path: Path, mac: str, why: str) -> None:
    """The device says so in its log; refusing it is the driver's part, as stock ixgbe does: "invalid MAC address"."""
    with Device(tmp_path, "--mac", mac) as device:
        with pytest.raises(ProbeError, match=f"invalid MAC address {mac}: {why}"):
            Driver(device.name)
        assert device.logged(f"MAC address {mac} is {why}; drivers will refuse it")


def test_trace_lines_and_log_file(tmp_path: Path) -> None:
    log = tmp_path / "log"
    options = ("--loopback", "--trace", "RXDCTL,TDT", "--log-file", str(log))
    with Device(tmp_path, *options) as device, Driver(device.name) as driver:
        driver.send([frame(n) for n in range(3)])
        driver.receive(3)
    text = log.read_text()
    assert "RXDCTL[1] <- " in text
    assert "RXDCTL[1] -> RXDCTL(0x02" in text
    assert "TDT[0] <- TDT(0x00000003" in text
    assert "client 1 attached" in text
    assert "attached" not in device.error_text(), "with a log file only warnings go to the terminal"
