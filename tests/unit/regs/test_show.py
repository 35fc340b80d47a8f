# SPDX-License-Identifier: BSD-3-Clause
"""A register's page, and who is let onto it."""

import re
import time
from pathlib import Path

import pytest

from device.regs import __main__ as cli
from device.regs import show
from device.regs.core import STICKS, Counter, Field, Monotonic, Register, every
from device.regs.i82599 import EERD, FDIRFSTAT, FLA, GORCH, GPRC, QPTC, RDT, SRRCTL, TXPBSIZE, VFLRE, desc, vf

ROOT = Path(__file__).resolve().parents[3]
QUICK_S = 6.0  # of CPU time; a fifth of that without sanitizers


def page(register: type[Register], *, everything: bool = False, root: Path = ROOT) -> list[str]:
    return show.page(register, everything=everything, root=root).splitlines()


def rows(lines: list[str], title: str) -> list[list[str]]:
    """The lines below a title, as columns."""
    start = lines.index(title) + 1
    end = next((n for n in range(start, len(lines)) if not lines[n].startswith(" ")), len(lines))
    return [re.split(r"  +", line.strip()) for line in lines[start:end]]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with nothing in it."""
    (tmp_path / "pyproject.toml").touch()
    for folder in ("tests", "device"):
        (tmp_path / folder).mkdir()
    return tmp_path


def test_what_the_declaration_says() -> None:
    lines = page(SRRCTL)
    assert lines[:2] == [
        "SRRCTL[0..127]   Split and replication receive control, one per Rx queue; 0..15",
        "    answer at the 82598 address too.",
    ]
    place = next(line.split()[1] for line in lines if line.startswith("  declared"))
    path, line = place.split(":")
    assert (ROOT / path).read_text().splitlines()[int(line) - 1].startswith("class SRRCTL(")
    text = "\n".join(lines)
    for said in (
        "  Ref         ixgbe; datasheet for what is there after reset: drivers that set\n",
        "  offset      0x01014 + 0x40 n         n = 0..63\n              0x0d014 + 0x40 (n - 64)  n = 64..127\n",
        "  alias       0x02100 + 0x4 n          n = 0..15\n",
        "  reset       0x00000402\n",
        "  13:8   BSIZEHEADER  RW      4      header buffer, 64-byte units\n",
        "layout of descriptors: 0=LEGACY\n",
    ):
        assert said in text


def test_who_has_to_do_with_it() -> None:
    lines = page(SRRCTL)
    for title, path in (("In the device", "device/i82599/"), ("In the driver", "driver/ixgbe/")):
        for how, function, place in rows(lines, title):
            if how in {"owner", "hook"}:
                continue
            file, line = place.split(":")
            assert file.startswith(path)
            assert "SRRCTL" in (ROOT / file).read_text().splitlines()[int(line) - 1], function
    assert any(row[0] == "C" for row in rows(lines, "In the device"))
    tests = lines[lines.index("Tests (python -m pytest FILE::TEST)") + 1 :]
    assert tests[0].strip().startswith("tests/unit/i82599/")
    assert any(line.startswith("    ::test_") for line in tests)


def test_a_handler_is_found() -> None:
    assert "on_write" in [row[0] for row in rows(page(EERD), "In the device")]


@pytest.mark.parametrize("register", [EERD, SRRCTL, RDT, GORCH, QPTC, TXPBSIZE, FDIRFSTAT, vf.VFCTRL, desc.RXDADV])
def test_a_page_fits_a_terminal_and_is_quick(register: type[Register]) -> None:
    start_s = time.process_time()
    lines = page(register)
    assert time.process_time() - start_s < QUICK_S
    assert [line for line in lines if len(line) > 80 and "::test_" not in line] == []
    assert [line for line in lines if line != line.rstrip()] == []


def test_the_first_few_or_all() -> None:
    short, whole = page(RDT), page(RDT, everything=True)
    assert any("more: --all" in line for line in short)
    assert not any("more: --all" in line for line in whole)
    assert len(whole) > len(short)


def test_who_acts_comes_first_and_a_long_list_is_cut(checkout: Path) -> None:
    functions = [f"int f{n}(void) {{ return RDT_RDT; }}" for n in range(20)] + ["int last(void) { return R_RDT(0); }"]
    (checkout / "device/many.c").write_text("\n".join(functions))
    short = rows(page(RDT, root=checkout), "In the device")
    assert short[:2] == [["C", "last", "device/many.c:21"], ["C layout", "f0", "device/many.c:1"]]
    assert short[12:] == [["and 9 more: --all"]]
    assert len(rows(page(RDT, everything=True, root=checkout), "In the device")) == 21


def test_nobody_is_said_too(checkout: Path) -> None:
    lines = page(VFLRE, root=checkout)
    assert lines[-5:] == [
        "In the device: nobody names it",
        "",
        "In the driver: nobody names it",
        "",
        "Tests: none names it",
    ]


def test_outside_a_checkout_the_declaration_is_left(tmp_path: Path) -> None:
    lines = page(EERD, root=tmp_path)
    assert lines[0].startswith("EERD   EEPROM read")
    said = " ".join(lines[lines.index("  31:16  DATA   RO      0      the word") + 2 :])
    assert said.startswith("Who uses it is in the sources: ")
    assert said.endswith("run this in a checkout")


def test_owner_and_hook(checkout: Path) -> None:
    (checkout / "device/rx.py").write_text(
        "from device.regs.i82599 import RDT\n\n\nclass Rx:\n    hook = 'rxq'\n    hooked = (RDT,)\n"
    )
    assert rows(page(RDT, root=checkout), "In the device") == [
        ["owner", "Rx", "device/rx.py:4"],
        ["hook", "rxq, in C", "device/rx.py:4"],
    ]


# -- the pieces ------------------------------------------------------------------------------------------------------


def test_marks_of_a_docstring() -> None:
    class MARKED(Register):
        """What it is, with a
        second line.  Ref: one: two.  Observed: Linux.  Guess: 1
        """

    class PLAIN(Register):
        """No mark."""

    assert show.about(MARKED) == (
        "What it is, with a second line.",
        ["Ref: one: two.", "Observed: Linux.", "Guess: 1"],
    )
    assert show.about(PLAIN) == ("No mark.", [])


def test_comments_beside_fields_come_from_the_source() -> None:
    assert show.declared(SRRCTL).comments["BSIZEPACKET"] == "packet buffer, KiB"
    assert show.declared(FLA).comments == {}


def test_what_a_full_counter_does() -> None:
    class TWO(Register, at=0, counter=True, full=STICKS):
        A = Field(15, 0)
        B = Field(31, 16)

    class RUNS(Monotonic, at=every(4, 4, 2)): ...

    class ONE(Counter, at=0): ...

    assert show.when_full(EERD) == ""
    assert show.when_full(TWO) == "sticks at its highest value, each field by itself"
    assert show.when_full(ONE).startswith("sticks at its highest value. Ref: 82598")
    assert show.when_full(RUNS).startswith("wraps: after its highest value comes 0. Ref: ixgbevf")
    assert show.when_full(GORCH).startswith("sticks at its highest value (36 bits, with GORCL). Ref: 82575")
    assert "  when full   sticks at its highest value" in "\n".join(page(GPRC))


# -- the command -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["EERD", "eerd", "Eerd", "0x10014", "65556"])
def test_names_in_any_case_and_offsets(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["show", name]) == 0
    out = capsys.readouterr().out
    assert "EERD   EEPROM read" in out
    assert out.startswith("0x10014 is EERD\n\n" if name[0].isdigit() else "EERD")


def test_an_alias_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["show", "0x2104"]) == 0
    assert capsys.readouterr().out.startswith("0x02104 is SRRCTL[1], by its alias\n\nSRRCTL[0..127]")


def test_several_pages(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["show", "CTRL", "VFCTRL", "RXDADV"]) == 0
    out = capsys.readouterr().out
    assert [line.split("   ")[0] for line in out.split("\n\n\n")] == ["CTRL", "VFCTRL", "RXDADV"]
    assert "none: it is a word of a descriptor" in out


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("SRRCTRL", "no register is called SRRCTRL; perhaps SRRCTL"),
        ("rdtt", "no register is called rdtt; perhaps RDT"),
        ("qqqqqqqq", "no register is called qqqqqqqq; `python -m device.regs list` has all of them"),
        ("", "no register is called ; `python -m device.regs list` has all of them"),
        ("0x10", "no register at 0x10"),
        ("0x10014g", "'0x10014g' is not a number"),
    ],
)
def test_a_name_that_is_none(name: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["show", name]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"device.regs: {said}")
    assert err.count("\n") == 1


@pytest.mark.parametrize("argv", [["show"], ["show", "EERD", "--census"]])
def test_either_names_or_the_census(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(argv)
    assert caught.value.code == 2
    assert "either names (or offsets) or --census" in capsys.readouterr().err


def test_the_census_is_the_exit_code(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def census(_registers: object, *, owners: bool) -> tuple[int, list[str]]:
        asked.append(owners)
        return 126, ["RDT: nobody"] if owners else []

    monkeypatch.setattr(cli, "census", census)
    assert cli.main(["show", "--census"]) == 1
    assert capsys.readouterr().out == "RDT: nobody\n"
    assert cli.main(["show", "--census", "--no-owners"]) == 0
    assert capsys.readouterr().out == "126 registers have behaviour, and each of them a test\n"
    assert asked == [True, False]


def test_without_a_checkout_there_is_no_census(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def census(_registers: object, *, owners: bool) -> tuple[int, list[str]]:
        raise FileNotFoundError("/site holds no sources")

    monkeypatch.setattr(cli, "census", census)
    assert cli.main(["show", "--census"]) == 2
    assert capsys.readouterr().err == "device.regs: /site holds no sources\n"
