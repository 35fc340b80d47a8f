# SPDX-License-Identifier: BSD-3-Clause
"""The second transcription of the map, typed by someone who did not see ``device/regs``: does it say the same?

Each row of ``tests/data/82599.csv`` is a register or one of its fields: name, offset, stride, count, msb, lsb, access,
reset.  A field row is named REGISTER.FIELD; a register row speaks of the whole word; empty cells claim nothing.
"""

import csv
from pathlib import Path

import pytest

from device.regs.core import Register
from device.regs.i82599 import ALL, lookup

PATH = Path(__file__).resolve().parents[2] / "data" / "82599.csv"
COLUMNS = ["name", "offset", "stride", "count", "msb", "lsb", "access", "reset"]
BY_NAME = {register.NAME: register for register in ALL}


def number(text: str) -> int:
    return int(text, 0)


def disagreements(row: dict[str, str]) -> list[str]:
    """What the tables say differently from one row, in words."""
    name, _, field = row["name"].strip().partition(".")
    register = BY_NAME.get(name)
    if register is None:
        return [f"there is no register {name}"]
    return [*_place(row, register), *_bits(row, register, field)]


def _place(row: dict[str, str], register: type[Register]) -> list[str]:
    wrong = []
    first = number(row["offset"])
    found = lookup(first)
    if found is None or found[0] is not register:
        return [f"{first:#x} is {found[0].NAME if found else 'nothing'}"]
    count = number(row["count"]) if row["count"] else 1
    stride = number(row["stride"]) if row["stride"] else 0
    for i in range(count):
        found = lookup(first + i * stride)
        if found is None or found[0] is not register:
            wrong.append(f"{first + i * stride:#x}, its number {i}, is {found[0].NAME if found else 'nothing'}")
            break
    return wrong


def _bits(row: dict[str, str], register: type[Register], field: str) -> list[str]:
    wrong = []
    msb, lsb = row["msb"].strip(), row["lsb"].strip()
    high = number(msb) if msb else 31
    low = number(lsb) if lsb else (number(msb) if msb else 0)
    mask = (1 << high + 1) - (1 << low)
    same = [item for item in register.FIELDS.values() if item.mask == mask]
    if field in register.FIELDS:
        if register.FIELDS[field].mask != mask:
            wrong.append(f"its bits are {register.FIELDS[field].msb}:{register.FIELDS[field].lsb}")
    elif field and not same:
        # Where the sheet has prose, the two of us chose a name each; the bits are the fact.
        return [f"it has no field {field}, nor one of bits {high}:{low}; it has {', '.join(register.FIELDS)}"]
    wanted = row["access"].strip().upper()
    if wanted == "ALIAS":
        found = lookup(number(row["offset"]))
        if found is None or not found[2]:
            wrong.append("it is no alias")
    elif wanted and field:
        kinds = {item.access.value for item in register.FIELDS.values() if item.mask & mask}
        if kinds != {wanted}:
            wrong.append(f"access is {'/'.join(sorted(kinds)) or 'nothing declared'}")
    elif wanted and wanted not in {item.access.value for item in register.FIELDS.values()}:
        wrong.append(f"no bit of it is {wanted}")
    if row["reset"].strip():
        found = lookup(number(row["offset"]))
        value = (int(register.reset(found[1] if found else 0)) & mask) >> (low if msb else 0)
        if value != number(row["reset"]):
            wrong.append(f"reset is {value:#x}")
    return wrong


def rows() -> list[dict[str, str]]:
    with PATH.open(newline="") as file:
        reader = csv.DictReader(line for line in file if line.strip() and not line.startswith("#"))
        assert reader.fieldnames == COLUMNS, f"{PATH.name}: columns {COLUMNS} wanted, found {reader.fieldnames}"
        return list(reader)


def test_the_second_transcription_agrees_with_the_tables() -> None:
    assert PATH.is_file(), f"{PATH} is missing: the map has no witness"
    told = [
        f"  {row['name']} at {row['offset']} ({','.join(row[c] or '-' for c in COLUMNS[2:])}): {'; '.join(wrong)}"
        for row in rows()
        if (wrong := disagreements(row))
    ]
    assert not told, f"{len(told)} rows of {PATH.name} disagree with device/regs, which says:\n" + "\n".join(told)


def test_the_second_transcription_is_not_a_stub() -> None:
    assert PATH.is_file(), f"{PATH} is missing: the map has no witness"
    assert len({row["name"].partition(".")[0] for row in rows()}) >= 90


GOOD = {
    "name": "RXDCTL.ENABLE", "offset": "0x1028", "stride": "0x40", "count": "64", "msb": "25", "lsb": "25",
    "access": "RW", "reset": "0",
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "RXDCTX"}, "there is no register RXDCTX"),
        ({"offset": "0x1018"}, "0x1018 is RDT"),
        ({"offset": "0x1024"}, "0x1024 is nothing"),
        ({"count": "65"}, "0x2028, its number 64, is nothing"),
        ({"msb": "24", "lsb": "24"}, "its bits are 25:25"),
        ({"name": "RXDCTL.ON", "msb": "24", "lsb": "24"}, "it has no field ON, nor one of bits 24:24"),
        ({"access": "alias"}, "it is no alias"),
        ({"access": "W1C"}, "access is RW"),
        ({"reset": "1"}, "reset is 0x0"),
    ],
)
def test_a_wrong_row_is_found(change: dict[str, str], said: str) -> None:
    assert disagreements(GOOD) == []
    assert said in "; ".join(disagreements(GOOD | change))
