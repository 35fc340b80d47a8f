# SPDX-License-Identifier: BSD-3-Clause
"""The table of features: each names a test that there is, and the file is what the rows say."""

import ast
import json
from pathlib import Path

import pytest

from device.regs import __main__ as cli
from device.regs import census, data, show
from device.regs.core import Counter, Field, Register
from device.regs.i82599 import LSECTXCTRL, LSECTXUT, RSCCTL, RTRPCS, WUC, features
from device.regs.i82599.features import FEATURES, Feature

ROOT = Path(__file__).resolve().parents[3]


def named_in(path: Path) -> set[str]:
    """The tests of a file, as pytest names them without their parameters."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{part.name}" for part in node.body if isinstance(part, ast.FunctionDef)}
    return {name for name in found if name.rpartition("::")[2].startswith("test_")}


@pytest.mark.parametrize("row", FEATURES, ids=lambda row: row.name)
def test_each_feature_has_a_test(row: Feature) -> None:
    path, _, name = row.test.partition("::")
    assert (ROOT / path).is_file(), f"{row.name}: there is no {path}"
    assert name in named_in(ROOT / path), f"{row.name}: {path} has no test {name}"


def test_no_feature_has_two_rows() -> None:
    names = [row.name for row in FEATURES]
    assert sorted(set(names)) == sorted(names)
    assert not [row for row in FEATURES if "|" in row.name + row.note]


def test_the_file_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["features", "--check"]) == 0
    assert cli.main(["features"]) == 0
    assert capsys.readouterr().out == (ROOT / "device/FEATURES.md").read_text()


def test_an_old_file_is_noticed_and_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "device").mkdir()
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    assert cli.main(["features", "--check"]) == 1
    assert "run python -m device.regs features --write" in capsys.readouterr().err
    assert cli.main(["features", "--write"]) == 0
    assert cli.main(["features", "--check"]) == 0
    assert (tmp_path / "device/FEATURES.md").read_text() == features.markdown()


# -- the mark ---------------------------------------------------------------------------------------------------------


class PLAIN(Register, at=0x10):
    A = Field(0)


class WHOLE(Register, at=0x14, stored="magic"):
    A = Field(0)
    B = Field(1, stored="")  # obeyed all the same
    C = Field(3, 2, reset=2)


class PART(Register, at=(0x20, 0x24), reset=(0, 1)):
    A = Field(0, stored="magic")
    B = Field(1)


class TABLE(Register, at=0x18, stored="magic", asks=False):
    A = Field(0)


class HEIR(WHOLE, at=0x1C): ...


class COUNTED(Counter, at=0x28, stored="magic"): ...


def test_which_fields_are_marked() -> None:
    assert PLAIN.stored_features() == ()
    assert [name for name, field in WHOLE.FIELDS.items() if field.stored] == ["A", "C"]
    assert [name for name, field in HEIR.FIELDS.items() if field.stored] == ["A", "C"]
    assert PART.stored_features() == ("magic",)
    assert (WHOLE.STORED, PART.STORED) == ("magic", "")


@pytest.mark.parametrize(
    ("value", "n", "asked"),
    [
        (PLAIN(1), 0, []),
        (WHOLE(8), 0, []),  # what is there after a reset
        (WHOLE(0xB), 0, ["A"]),
        (WHOLE(1), 0, ["A", "C"]),
        (PART(1), 0, ["A"]),
        (PART(1), 1, []),
        (PART(0), 1, ["A"]),
        (TABLE(1), 0, []),
        (COUNTED(1), 0, []),
    ],
)
def test_what_a_value_asks_for(value: Register, n: int, asked: list[str]) -> None:
    assert [field.name for field in value.asked_for(n)] == asked


def test_the_page_shows_it() -> None:
    whole, part, still = (
        "\n".join(show.head(register)).replace("\n              ", " ") for register in (LSECTXCTRL, RTRPCS, LSECTXUT)
    )
    assert "  mark        stored, not obeyed: the device has no MACsec" in whole
    assert "  mark        in part stored, not obeyed: the device has no weights of receive classes" in part
    assert "  mark        nobody moves it: the device has no MACsec" in still
    assert "  2     RAC    RW      0      classes go to memory by weight (stored, not" in part
    assert "MAXDESC_1 1=MAXDESC_4 2=MAXDESC_8 3=MAXDESC_16" in "\n".join(show.head(RSCCTL)).splitlines()[-1]


def test_the_list_shows_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list"]) == 0
    lines = {line.split()[1]: line for line in capsys.readouterr().out.splitlines()}
    assert lines["LSECTXCTRL"].endswith("  stored, not obeyed: the device has no MACsec")
    assert lines["WUC"].endswith("  in part stored, not obeyed: the device has no wake-up")
    assert lines["LSECTXUT"].endswith("  sticks  nobody moves it: the device has no MACsec")
    assert "not obeyed" not in lines["RDT"]


def test_programs_get_it_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["show", "rtrpcs", "0x08a04", "--json"]) == 0
    weights, macsec = json.loads(capsys.readouterr().out)
    assert (weights["name"], macsec["stored"]) == ("RTRPCS", ["MACsec"])
    assert weights["stored"] == ["weights of receive classes"]
    assert [(field["name"], field["stored"]) for field in weights["fields"]] == [
        ("RRM", None),
        ("RAC", "weights of receive classes"),
        ("RPPC", None),
    ]
    assert cli.main(["list", "--json"]) == 0
    listed = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert listed["SRRCTL"]["reset"] == [0x402]
    assert listed["WUC"] == json.loads(json.dumps(data.of(WUC)))
    assert cli.main(["show", "NONE", "--json"]) == 2
    assert "no register is called NONE" in capsys.readouterr().err


def test_a_mark_on_what_somebody_obeys_is_told(tmp_path: Path) -> None:
    for folder in ("tests", "device"):
        (tmp_path / folder).mkdir()
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "device/a.c").write_text("void act(void)\n{\n    use(R_WHOLE);\n}\n")
    (tmp_path / "tests/test_a.py").write_text("from x import WHOLE\n\n\ndef test_it():\n    WHOLE\n")
    said = census.census([WHOLE], owners=False, root=tmp_path)[1]
    assert said == ["WHOLE: C act (device/a.c:3) acts on it, but it is marked stored='magic'"]
