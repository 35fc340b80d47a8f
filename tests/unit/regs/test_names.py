# SPDX-License-Identifier: BSD-3-Clause
"""What people may write where a register is wanted."""

import pytest

from device.regs.i82599 import ALL, RDT, RXDCTL, SRRCTL, STATUS
from device.regs.names import find, written


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("STATUS", (STATUS, None)),
        ("status", (STATUS, None)),
        ("RXDCTL", (RXDCTL, None)),
        ("rxdctl[127]", (RXDCTL, 127)),
        ("0x1018", (RDT, 0)),
        ("0X1018", (RDT, 0)),
        ("4120", (RDT, 0)),
        ("0x2104", (SRRCTL, 1)),
        ("8", (STATUS, 0)),
    ],
)
def test_names_and_offsets(text: str, found: tuple[object, object]) -> None:
    assert find(text, ALL) == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("RXDCTX", r"no register is called RXDCTX; perhaps RXDCTL"),
        ("RXDCTL[128]", r"there is no RXDCTL\[128\]: it has 128 of them"),
        ("RXDCTL[x]", r"no register is called RXDCTL\[x\]; perhaps RXDCTL"),
        ("", r"no register is called ; `python -m device\.regs list` has all of them"),
        ("0x1029", "no register at 0x1029"),
        ("0xzz", "'0xzz' is not a number"),
        ("99999999999999999999", "no register at 0x"),
    ],
)
def test_what_names_none(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}"):
        find(text, ALL)


def test_written() -> None:
    assert [written(RDT), written(RDT, 3), written(STATUS, 0)] == ["RDT", "RDT[3]", "STATUS"]
