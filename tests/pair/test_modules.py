# SPDX-License-Identifier: BSD-3-Clause
"""Every kind of module under our driver: what ixgbe drives, at which speed, and what it says of the others."""

import errno
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from device.i82599.card import Card
from device.i82599.nvm.image import build
from device.i82599.sfp.kinds import make
from device.machine.wire.loopback import LoopbackPort
from device.regs.i82599 import AUTOC, CTRL_EXT, FCTRL
from device.regs.i82599.mac import Lms
from driver import __main__ as cli
from driver.errors import LinkError, ProbeError
from driver.ixgbe.adapter import Adapter
from driver.ixgbe.hw.i2c import NoAckError
from driver.ixgbe.hw.link import LinkStatus
from driver.ixgbe.hw.phy import PhyType, SfpType
from driver.ixgbe.probe import ProbeOptions, probe
from driver.slices import whole
from tests.rigs.driver_clock import NoWait
from tests.rigs.pair_door import PairDoor

MAC = "02:00:00:82:59:90"
Capture = pytest.CaptureFixture[str]
# kind, Linux's number for the module and for the PHY, speed.  Ref: ixgbe_identify_sfp_module_generic of 6.12.
DRIVEN = [
    ("sr", 5, PhyType.SFP_INTEL, 10_000),
    ("lr", 5, PhyType.SFP_INTEL, 10_000),
    ("da", 3, PhyType.SFP_PASSIVE_UNKNOWN, 10_000),
    ("da-active", 7, PhyType.SFP_ACTIVE_UNKNOWN, 10_000),
    ("sr-dual", 5, PhyType.SFP_INTEL, 10_000),
    ("sx", 11, PhyType.SFP_FTL, 1_000),
    ("lx", 13, PhyType.SFP_FTL, 1_000),
    ("bx10", 15, PhyType.SFP_UNKNOWN, 1_000),
    ("t", 9, PhyType.SFP_FTL, 1_000),
]
REFUSED = [
    ("foreign", "the module's vendor 00:17:6a is not supported", "AVAGO AFBR-700SDZ (10GBASE-SR)"),
    ("lrm", "the module's vendor 00:90:65 is not supported", "FINISAR CORP. FTLX1371D3BCL (10GBASE-LRM)"),
    ("10g-t", "neither 10GBASE-SR/LR nor a cable", "ixlab SFP-10G-T (10GBASE-T)"),
    ("qsfp", "of kind 0x0d, an SFP would say 0x03", "FINISAR CORP FTL410QE2C (QSFP+)"),
]
ACCEPTED = "driven are cables of any vendor, 1000BASE-SX, -LX, -T and -BX10 of any vendor, and 10G optics by Intel"


@contextmanager
def driven(nic: Card, *, allow: bool = False) -> Iterator[Adapter]:
    options = ProbeOptions(clock=NoWait(), cpus=2, allow_unsupported_sfp=allow)
    with probe(PairDoor(nic), options) as adapter:
        yield adapter


def up(adapter: Adapter) -> LinkStatus:
    adapter.up(queues=1)
    adapter.service()
    return adapter.link


@pytest.mark.parametrize(("kind", "number", "phy", "speed_mbps"), DRIVEN)
def test_what_ixgbe_drives_has_a_link(
    port: LoopbackPort, kind: str, number: int, phy: PhyType, speed_mbps: int
) -> None:
    with Card(mac=MAC, sfp=kind, port=port) as nic, driven(nic) as adapter:
        assert adapter.hw.phy.sfp_type == SfpType(number)
        assert adapter.hw.phy.type is phy
        assert up(adapter) == LinkStatus(up=True, speed_mbps=speed_mbps)
        assert Lms(nic.regs.get(AUTOC).LMS) is (Lms.LMS_10G_SERIAL if speed_mbps == 10_000 else Lms.LMS_1G_AN)


@pytest.mark.parametrize(("kind", "number"), [("da-active", 8), ("bx10", 16)])
def test_the_second_port_has_its_own_numbers(port: LoopbackPort, kind: str, number: int) -> None:
    with Card(mac=MAC, sfp=kind, port=port, lan_id=1) as nic, driven(nic) as adapter:
        assert adapter.hw.phy.sfp_type == SfpType(number)


def test_a_1g_link_comes_back_after_a_reset(port: LoopbackPort) -> None:
    """The reset puts AUTOC back to 10G serial, and coming up chooses 1G again."""
    with Card(mac=MAC, sfp="sx", port=port) as nic, driven(nic) as adapter:
        for _ in range(2):
            assert up(adapter) == LinkStatus(up=True, speed_mbps=1_000)
            adapter.down()


@pytest.mark.parametrize(("kind", "why", "who"), REFUSED)
def test_what_ixgbe_refuses_is_named(port: LoopbackPort, kind: str, why: str, who: str) -> None:
    with Card(mac=MAC, sfp=kind, port=port) as nic:
        with pytest.raises(ProbeError) as refused, driven(nic):
            pass
        assert refused.value.code == errno.EOPNOTSUPP
        assert why in str(refused.value)
        assert f": {who}; {ACCEPTED}" in str(refused.value)


@pytest.mark.parametrize(("kind", "title"), [("foreign", "SRLR_CORE0"), ("lrm", "10GBASE-LRM")])
def test_allow_unsupported_sfp_is_for_other_vendors(port: LoopbackPort, kind: str, title: str) -> None:
    """An LRM has no settings in the EEPROM and no number in Linux: it runs with what the reset left."""
    with Card(mac=MAC, sfp=kind, port=port) as nic, driven(nic, allow=True) as adapter:
        assert adapter.describe()["sfp"] == title
        assert up(adapter) == LinkStatus(up=True, speed_mbps=10_000)


@pytest.mark.parametrize("kind", ["10g-t", "qsfp"])
def test_it_is_not_for_what_ixgbe_does_not_know(port: LoopbackPort, kind: str) -> None:
    with Card(mac=MAC, sfp=kind, port=port) as nic, pytest.raises(ProbeError), driven(nic, allow=True):
        pass


def test_an_active_cable_that_is_not_limiting_is_a_cable(port: LoopbackPort) -> None:
    """Ref: ixgbe takes a cable of any vendor before it looks at anything else."""
    with Card(mac=MAC, sfp="da-active", port=port) as nic:
        nic.faults.inject("module=0x3C:0")
        with driven(nic) as adapter:
            assert adapter.describe()["sfp"] == "active direct attach"
            assert up(adapter) == LinkStatus(up=True, speed_mbps=10_000)


def test_bx10_of_another_rate_is_not_ethernets(port: LoopbackPort) -> None:
    with Card(mac=MAC, sfp="bx10", port=port) as nic:
        nic.faults.inject("module=0x0C:0x2A")
        with pytest.raises(ProbeError, match="nor of a 1G kind that is known"), driven(nic):
            pass


def test_modules_change_while_it_runs(port: LoopbackPort) -> None:
    """10G to 1G and back; one that is refused costs the link, not the port."""
    with Card(mac=MAC, sfp="sr", port=port) as nic, driven(nic) as adapter:
        up(adapter)
        for kind, speed_mbps in (
            ("sx", 1_000),
            ("lrm", 0),
            ("da", 10_000),
            ("qsfp", 0),
            ("bx10", 1_000),
            ("sr", 10_000),
        ):
            nic.remove_sfp()
            adapter.work.look_at_sfp = True
            adapter.service()
            nic.insert_sfp(kind)
            adapter.work.look_at_sfp = True
            adapter.service()
            adapter.service()
            assert adapter.link.speed_mbps == speed_mbps, kind
            about = whole(adapter.about_module())
            assert about["driven"].startswith("yes, as" if speed_mbps else "no: the module"), kind


def test_a_module_without_a_number_needs_no_settings(port: LoopbackPort) -> None:
    """Neither its own nor those that the EEPROM has not for the one before it."""
    image = build()
    image.write(image.read(0x2B) + 1, 0xFFFF)  # the list of settings ends at once
    image.seal()
    with Card(mac=MAC, sfp="lrm", nvm=image, port=port) as nic, driven(nic, allow=True) as adapter:
        up(adapter)
        for kind, speed_mbps in (("sr", 0), ("lrm", 10_000)):
            nic.remove_sfp()
            adapter.service()
            nic.insert_sfp(kind)
            adapter.work.look_at_sfp = True
            adapter.service()
            assert adapter.hw.phy.type is (PhyType.SFP_FTL if speed_mbps else PhyType.SFP_UNSUPPORTED)
        assert adapter.link.speed_mbps == 10_000


def test_a_file_is_driven_as_the_module_it_was_read_of(port: LoopbackPort, tmp_path: Path) -> None:
    made = make("bx10")
    assert made is not None
    path = tmp_path / "bx10.bin"
    path.write_bytes(bytes(made.a0))
    with Card(mac=MAC, sfp=str(path), port=port) as nic, driven(nic) as adapter:
        assert adapter.hw.phy.sfp_type is SfpType.BX_1G_CORE0
        assert up(adapter) == LinkStatus(up=True, speed_mbps=1_000)


# ---- driver module -----------------------------------------------------------------------------------------------


def look(nic: Card, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> tuple[int, dict[str, object], str]:
    monkeypatch.setattr(cli, "open_door", lambda name: PairDoor(nic, name))
    code = cli.main(["module", "pair", "--json"])
    said = capsys.readouterr()
    return code, json.loads(said.out), said.err


@pytest.mark.parametrize(("kind", "why", "who"), REFUSED)
def test_module_shows_what_is_not_driven(
    port: LoopbackPort, capsys: Capture, monkeypatch: pytest.MonkeyPatch, kind: str, why: str, who: str
) -> None:
    with Card(mac=MAC, sfp=kind, port=port) as nic:
        code, found, _ = look(nic, capsys, monkeypatch)
    assert code == 0
    assert f"{found['vendor']} {found['part']} ({found['type']})" == who
    assert str(found["driven"]).startswith("no: ")
    assert why in str(found["driven"])
    assert ACCEPTED in str(found["driven"])


def test_module_resets_nothing(nic: Card, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    nic.regs.put(FCTRL, 0, int(FCTRL.of(UPE=1)))
    code, found, _ = look(nic, capsys, monkeypatch)
    assert (code, found["type"], found["driven"]) == (0, "10GBASE-SR", "yes, as SRLR_CORE0")
    assert nic.regs.get(FCTRL).UPE == 1
    assert nic.regs.get(CTRL_EXT).DRV_LOAD == 0
    assert nic.resets["software"] == 0


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("silent=0", "the SFP+ cage is full, and its module does not answer (byte 0x00 at 0xa0, asked 3 times: no ack"),
        ("silent=20", "the SFP+ module stopped answering: byte 0x"),
    ],
)
def test_module_survives_one_that_does_not_answer(
    nic: Card, capsys: Capture, monkeypatch: pytest.MonkeyPatch, fault: str, words: str
) -> None:
    nic.faults.inject(fault)
    code, found, err = look(nic, capsys, monkeypatch)
    assert code == 1
    assert words in err
    assert words in str(found["error"])


def test_a_running_driver_says_so_and_lives_on(port: LoopbackPort) -> None:
    with Card(mac=MAC, sfp="sr", port=port) as nic, driven(nic) as adapter:
        assert up(adapter).up
        clock = adapter.hw.clock
        nic.faults.inject("silent=20")
        began_s = clock.now_s()
        with pytest.raises(LinkError, match=r"stopped answering: byte 0x.. at 0xa0"):
            whole(adapter.about_module())
        assert clock.now_s() - began_s < 4
        nic.faults.end("silent")
        assert whole(adapter.about_module())["driven"] == "yes, as SRLR_CORE0"
        adapter.service()
        assert adapter.link.up


def test_patience_with_a_module_ends(port: LoopbackPort) -> None:
    """One byte is asked for eleven times, a tenth of a second apart; many have a time for all of them."""
    with Card(mac=MAC, sfp="sr", port=port) as nic, driven(nic) as adapter:
        i2c, clock = adapter.hw.phy.i2c, adapter.hw.clock
        nic.faults.inject("silent=0")
        began_s = clock.now_s()
        with pytest.raises(NoAckError, match="asked 11 times"):
            i2c.read_byte(0)
        assert clock.now_s() - began_s > 1
        began_s = clock.now_s()
        with i2c.within(0.25), pytest.raises(NoAckError, match=r"byte 0x05 at 0xa2, asked 4 times: no acknowledge"):
            i2c.read_byte(5, address=0xA2)
        assert clock.now_s() - began_s < 0.5
        with pytest.raises(NoAckError, match="asked 11 times"):
            i2c.read_byte(0)


def test_an_empty_cage_stays_an_error(nic: Card, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    nic.remove_sfp()
    code, _, err = look(nic, capsys, monkeypatch)
    assert code == 1
    assert "no module in the SFP+ cage" in err
