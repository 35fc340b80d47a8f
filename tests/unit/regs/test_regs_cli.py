# SPDX-License-Identifier: BSD-3-Clause
"""``python -m device.regs``."""

from pathlib import Path

import pytest

from device.regs import __main__ as cli
from device.regs import header
from device.regs.core import Field, Register, every
from device.regs.i82599 import ALL


def test_decode_says_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["decode", "0x1028=0x02000000", "0x2100=0x12000402", "0=0"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "RXDCTL[0] = 0x02000000  ENABLE=1",
        "SRRCTL[0] (alias) = 0x12000402  BSIZEPACKET=2 BSIZEHEADER=4 DESCTYPE=1(ADV_ONEBUF) DROP_EN=1",
        "CTRL = 0x00000000  all fields 0",
    ]


def test_decode_takes_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["decode", "rxdctl[3]=0x02000000", "RXDCTL=0x02000000", "LINKS=0x70000000"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "RXDCTL[3] = 0x02000000  ENABLE=1",
        "RXDCTL = 0x02000000  ENABLE=1",
        "LINKS = 0x70000000  SPEED=3(SPEED_10G) UP=1",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0x1028", "OFFSET=VALUE or NAME=VALUE wanted"),
        ("RXDCTX=1", "no register is called RXDCTX; perhaps RXDCTL"),
        ("RXDCTL[128]=1", "there is no RXDCTL[128]: it has 128 of them"),
        ("0x1028=", "'' is not a number"),
        ("0x1028=1Z", "'1Z' is not a number"),
        ("0x1024=1", "no register at 0x1024"),
        ("0x1029=1", "no register at 0x1029"),
        ("0x99999999=1", "no register at 0x99999999"),
        ("0x1028=0x100000000", "does not fit in 32 bits"),
        ("0x1028=-1", "does not fit in 32 bits"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(text: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["decode", text]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("device.regs: ")
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("argv", [[], ["decode"], ["nonsense"], ["list", "more"]])
def test_usage_errors_exit_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(argv)
    assert caught.value.code == 2
    assert "error" in capsys.readouterr().err


def test_list_has_a_line_per_register(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["offset", "name", "count", "access", "reset", "full", "mark"]
    assert next(line.split() for line in lines if " EEC " in line) == ["0x10010", "EEC", "1", "RO/RW", "0x3f10"]
    full = {line.split()[1]: line.split()[-1] for line in lines[1:]}
    assert (full["GPRC"], full["FDIRUSTAT"]) == ("sticks", "sticks")
    assert next(line.split() for line in lines if " PVFGPRC " in line)[5] == "wraps"
    assert next(line.split() for line in lines if " EITRSEL " in line)[-1] == "pools"
    offsets = [int(line.split()[0], 16) for line in lines[1:]]
    assert offsets == sorted(offsets)
    assert len(offsets) == len(ALL)


def test_header_is_written_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(header, "path", lambda chip: tmp_path / chip / "regs.h")
    (tmp_path / "i82599").mkdir()
    assert cli.main(["header", "--check"]) == 1
    said = capsys.readouterr().err
    assert said == "i82599/regs.h is not what the tables say: run python -m device.regs header\n"
    assert cli.main(["header"]) == 0
    assert cli.main(["header", "--check"]) == 0
    (tmp_path / "i82599/regs.h").write_text("#define OLD\n")
    assert cli.main(["header", "--check"]) == 1


def test_names_that_clash_in_c_are_one_line_and_exit_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class CLASH(Register, at=every(0, 4, 2)):
        COUNT = Field(7, 0)

    monkeypatch.setattr(header, "path", lambda chip: tmp_path / chip / "regs.h")
    monkeypatch.setattr(cli, "CHIPS", {"one": ([[CLASH]], [])})
    assert cli.main(["header"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("device.regs: one: macro CLASH_COUNT would be defined twice: ")
    assert said.count("\n") == 1


def test_each_chip_has_its_own_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class FIRST(Register, at=0): ...

    class SECOND(Register, at=4): ...

    for chip in ("one", "two"):
        (tmp_path / chip).mkdir()
    monkeypatch.setattr(header, "path", lambda chip: tmp_path / chip / "regs.h")
    monkeypatch.setattr(cli, "CHIPS", {"one": ([[FIRST]], []), "two": ([[SECOND]], [])})
    assert cli.main(["header"]) == 0
    assert "#define R_FIRST 0x00000u" in (tmp_path / "one/regs.h").read_text()
    assert "FIRST" not in (tmp_path / "two/regs.h").read_text()
    (tmp_path / "one/regs.h").unlink()
    assert cli.main(["header", "--check"]) == 1
