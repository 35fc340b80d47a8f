# SPDX-License-Identifier: BSD-3-Clause
"""Bad options and machines that lack something: an exit code, one clear line, and nothing left behind."""

import os
import socket
from pathlib import Path

import pytest

from device.__main__ import main
from device.i82599.nvm.image import build
from device.machine.wire import TapPort
from tests.rigs.client import Client
from tests.rigs.process import Device, Run, run_device, until

EEWR = 0x10018


def test_an_eeprom_file_of_a_wrong_size(tmp_path: Path, run: Run) -> None:
    file = tmp_path / "nvm.bin"
    image = build()
    image.save(file)
    whole = file.read_bytes()
    for data in (whole[:-1], whole[: len(whole) // 2 + 2], whole + b"\0", b""):
        file.write_bytes(data)
        code, err = run("--socket", str(tmp_path / "s"), "--nvm", str(file))
        assert code == 1
        assert str(file) in err
        assert str(len(data)) in err, "it says the size it found"
        assert len(err.splitlines()) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["nvm.bin"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--trace", "RXDCTL,NOSUCH"), ("NOSUCH", "python -m device.regs")),
        (("--trace", "RXDCTL[128]"), ("there is no RXDCTL[128]",)),
        (("--trace", "0x1029"), ("no register at 0x1029",)),
        (("--sfp", "xfp"), ("'xfp' is neither one of sr, lr, da, da-active, ", ", none nor a file")),
        (("--tap", "a", "--peer", "b"), ("one wire",)),
        (("--wire", "null", "--tap", "a"), ("one wire", "--wire, --tap, --loopback, --null, --pcap, --peer")),
        (("--tap",), ("--tap",)),
        (("--wire",), ("--wire",)),
        (
            ("--wire", "rope"),
            ("'--wire'", "'rope'", "loopback[:SLOTS]", "null", "pcap:IN[,OUT]", "peer:PATH", "tap:NAME"),
        ),
        (("--wire", "tap"), ("'--wire'", "tap:NAME")),
        (("--wire", "null:5"), ("'--wire'", "no argument", "'5'")),
        (("--wire", "loopback:none"), ("'--wire'", "SLOTS", "'none'")),
        (("--mac", "02:00:00:82:59"), ("six bytes",)),
        (("--mac", "02:00:00:82:59:zz"), ("six bytes",)),
        (("--nonsense",), ("--nonsense",)),
        (("extra",), ("extra",)),
    ],
)
def test_usage_errors_are_exit_code_2(
    tmp_path: Path, options: tuple[str, ...], words: tuple[str, ...], run: Run
) -> None:
    code, err = run("--socket", str(tmp_path / "s"), *options)
    assert code == 2
    assert all(word in err for word in words), err
    assert list(tmp_path.iterdir()) == []


def test_the_kinds_of_wires_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--wire", "list"]) == 0
    said = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert {"loopback[:SLOTS]", "null", "pcap:IN[,OUT]", "peer:PATH", "tap:NAME"} <= set(said)
    assert said["peer:PATH"] == "Another device, with the same PATH."


def test_a_wire_by_its_kind(tmp_path: Path) -> None:
    """Plugged in before any client comes."""
    cable, record = tmp_path / "cable", tmp_path / "out.pcap"
    for wire, made in (
        ("null", None),
        ("loopback:9", None),
        (f"peer:{cable}", cable),
        (f"pcap:,{record}", record),
    ):
        with Device(tmp_path, "--wire", wire) as device:
            assert device.report()["port"]["tx_frames"] == 0
            assert made is None or made.exists()
            assert device.end() == 0
    assert not cable.exists()


def test_what_a_wire_finds_wrong_is_exit_code_1(tmp_path: Path, run: Run) -> None:
    missing = tmp_path / "none.pcap"
    for wire, words in ((f"pcap:{missing}", f"{missing}: No such file"), ("tap:a/b", "not a name for an interface")):
        code, err = run("--socket", str(tmp_path / "s"), "--wire", wire)
        assert code == 1
        assert words in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["x" * 16, "a/b", ""])
def test_no_name_for_an_interface(tmp_path: Path, name: str, run: Run) -> None:
    code, err = run("--socket", str(tmp_path / "s"), "--tap", name)
    assert code == 1
    assert "not a name for an interface" in err
    assert list(tmp_path.iterdir()) == []


def test_a_peer_path_that_cannot_be(tmp_path: Path, run: Run) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for path, words in ((str(file), "no socket"), (str(tmp_path / ("x" * 120)), "107 fit")):
        code, err = run("--socket", str(tmp_path / "s"), "--peer", path)
        assert code == 1
        assert words in err
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_capture_that_is_damaged(tmp_path: Path, run: Run) -> None:
    file = tmp_path / "in.pcap"
    file.write_bytes(b"\xd4\xc3\xb2\xa1 and nothing that follows")
    code, err = run("--socket", str(tmp_path / "s"), "--pcap", str(file))
    assert code == 1
    assert str(file) in err
    assert [entry.name for entry in tmp_path.iterdir()] == ["in.pcap"]


def test_what_is_missing_on_this_machine_is_exit_code_3(tmp_path: Path) -> None:
    for module in ("device._vfu", "click"):
        program = f"import sys; sys.modules[{module!r}] = None"
        code, err = run_device("--socket", str(tmp_path / "s"), program=program)
        assert code == 3
        assert "python3 -m ci setup" in err
    program = "import device.machine.wire.tap as t, pathlib; t.TUN = pathlib.Path('/dev/net/nonesuch')"
    code, err = run_device("--socket", str(tmp_path / "s"), "--tap", "ixlabnone", program=program)
    assert code == 3
    assert "tap ixlabnone: cannot open" in err
    assert "modprobe tun" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.root
def test_a_tap_in_use_by_another_program(tmp_path: Path, run: Run) -> None:
    name = f"ixq{os.getpid()}"
    with TapPort(name):
        code, err = run("--socket", str(tmp_path / "s"), "--tap", name)
        assert code == 1
        assert f"{name} is in use by another program" in err
    assert list(tmp_path.iterdir()) == []
    code, err = run("--socket", str(tmp_path / "s"), "--tap", "lo")
    assert code == 1
    assert "is no tap" in err


@pytest.mark.root
def test_a_tap_is_made_and_taken_away_again(tmp_path: Path) -> None:
    name = f"ixr{os.getpid()}"
    with Device(tmp_path, "--tap", name) as device:
        assert socket.if_nametoindex(name)
        device.ask(report=True)
    with pytest.raises(OSError, match=r"."):
        socket.if_nametoindex(name)
    with Device(tmp_path, "--wire", f"tap:{name}") as device:
        assert socket.if_nametoindex(name)
        device.kill()
        until(lambda: name not in [entry for _, entry in socket.if_nameindex()], "the kernel takes it away", 2)


def test_what_it_made_is_gone_when_a_later_step_fails(tmp_path: Path, run: Run) -> None:
    """The cable's socket is made before the control socket turns out to be impossible."""
    cable = tmp_path / "cable"
    code, err = run(*("--socket", str(tmp_path / "s"), "--peer", str(cable), "--control", str(tmp_path / ("c" * 120))))
    assert code == 1
    assert "at most 107 bytes" in err
    assert list(tmp_path.iterdir()) == []


def test_an_eeprom_file_that_cannot_be_written_back_is_said(tmp_path: Path) -> None:
    """The guest wrote a word, and the folder vanished meanwhile."""
    folder = tmp_path / "nvm"
    folder.mkdir()
    file = folder / "nvm.bin"
    build().save(file)
    with Device(tmp_path, "--nvm", str(file)) as device:
        with Client(device.path) as client:
            client.write32(0, EEWR, 0x1234_0000 | 0x1F0 << 2 | 1)
            assert client.read32(0, EEWR) & 2
        file.unlink()
        folder.rmdir()
        assert device.end() == 1
        text = device.error_text()
    assert f"NVM file {file}: what was written to the EEPROM is lost" in text
    assert "Traceback" not in text
    assert not device.path.exists()


def test_an_address_on_the_command_line_does_not_change_the_file(tmp_path: Path) -> None:
    file = tmp_path / "nvm.bin"
    build().save(file)
    before = file.read_bytes()
    with Device(tmp_path, "--mac", "02:00:00:00:00:05", "--nvm", str(file)) as device:
        assert device.report()["card"]["mac"] == "02:00:00:00:00:05"
    assert file.read_bytes() == before
