# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Iterator
from pathlib import Path

import pytest

from device import trace
from device.errors import ConfigError
from device.i82599.card import Card
from device.regs.i82599 import CTRL, STATUS
from device.trace import Access, TraceFile, parse, read, squeeze


@pytest.fixture
def nic() -> Iterator[Card]:
    with Card() as made:
        made.core.manual_clock(5_000_000_000)
        yield made


def use(nic: Card) -> None:
    for _ in range(3):
        nic.pf.bar0_read(STATUS.offset())
    nic.core.advance(1_500_000_000)
    nic.pf.bar0_write(CTRL.offset(), bytes.fromhex("44332211"))
    nic.pf.bar0_read(CTRL.offset() + 1, 2)
    nic.pf.bar0_read(0x1FFF8, 8)
    nic.reset(software=False)


LINES = """\
R 0x00008 4 0x00080000 STATUS x3 @0.000000
W 0x00000 4 0x11223344 CTRL @1.500000
R 0x00001 2 0x{value:04x} CTRL @1.500000
R 0x1fff8 4 0x00000000 0x1fff8 @1.500000
R 0x1fffc 4 0x00000000 0x1fffc @1.500000
X @1.500000
"""


def test_every_access_is_a_line_and_equal_ones_are_one(nic: Card, tmp_path: Path) -> None:
    path = tmp_path / "trace"
    with TraceFile(nic.pf, path) as file:
        use(nic)
        file.poll()
        before = path.read_text()  # flushed: all but the last, which may come again
    kept = nic.pf.peek(CTRL.offset())
    nic.pf.bar0_read(STATUS.offset())  # after the end
    text = path.read_text()
    value = int(text.splitlines()[2].split()[3], 16)
    assert text == LINES.format(value=value)
    assert before == "".join(text.splitlines(keepends=True)[:-1])
    assert kept >= 0


def test_only_the_registers_asked_for(nic: Card, tmp_path: Path) -> None:
    with TraceFile(nic.pf, tmp_path / "trace", [(CTRL, None)]):
        use(nic)
    assert [access.name for access in read(tmp_path / "trace")] == ["CTRL", "CTRL", ""]


def test_what_there_was_no_room_for_is_counted(nic: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "ENTRIES", 4)
    with TraceFile(nic.pf, tmp_path / "trace") as file:
        for n in range(10):
            nic.pf.bar0_read(4 * n)
        file.poll()
        nic.pf.bar0_read(STATUS.offset())
    lines = (tmp_path / "trace").read_text().splitlines()
    assert lines[4] == "# 6 accesses are missing here"
    assert len(lines) == 6


def test_it_does_not_fill_the_disk(
    nic: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(trace, "LINES_MAX", 5)
    with TraceFile(nic.pf, tmp_path / "trace") as file:
        for n in range(10):
            nic.pf.bar0_read(4 * n)
            file.poll()
    assert len((tmp_path / "trace").read_text().splitlines()) == 6
    assert "5 lines are enough" in caplog.text


def test_a_full_disk_ends_the_trace_and_not_the_device(nic: Card, caplog: pytest.LogCaptureFixture) -> None:
    with TraceFile(nic.pf, Path("/dev/full")) as file:
        for n in range(10_000):
            nic.pf.bar0_read(4 * n % 0x20000)
        file.poll()
        nic.pf.bar0_read(0)
    assert "No space left on device" in caplog.text


def test_a_file_that_cannot_be_written(nic: Card, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--trace-file .*No such file or directory"):
        TraceFile(nic.pf, tmp_path / "no" / "trace")


@pytest.mark.parametrize("text", ["R 0x00008 4 0x00080000 STATUS x3", "W 0x1ffff 1 0x07 0x1fffc", "X"])
def test_a_line_is_read_as_it_is_written(text: str) -> None:
    assert str(parse(text)) == text


@pytest.mark.parametrize("text", ["R 0x8", "Q 0x00008 4 0x0 STATUS", "R 8z 4 0x0 STATUS"])
def test_another_line_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "trace").write_text(f"# on top\n\nX\n{text}\n")
    with pytest.raises(ConfigError, match="line 4: "):
        list(read(tmp_path / "trace"))


def test_squeezed() -> None:
    one, other = Access("R", 8, 4, 1), Access("R", 8, 4, 2)
    assert [str(a)[-2:] for a in squeeze([one, one, Access("R", 8, 4, 1, 3), other])] == ["x5", "US"]


def test_as_a_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "trace").write_text(
        "X @0.1\nR 0x00008 4 0x00080000 STATUS @0.2\nR 0x00008 4 0x00080000 STATUS x2 @0.3\n"
    )
    assert trace.main([str(tmp_path / "trace")]) == 0
    assert capsys.readouterr().out == "X\nR 0x00008 4 0x00080000 STATUS x3\n"
    assert trace.main([]) == 2
    assert "usage" in capsys.readouterr().err
    assert trace.main([str(tmp_path / "nothing")]) == 1
    assert "No such file" in capsys.readouterr().err
