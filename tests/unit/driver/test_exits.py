# SPDX-License-Identifier: BSD-3-Clause
"""Exit codes: one for each kind of failure, and everywhere the same table."""

import errno
import re
from pathlib import Path

import pytest

from driver.errors import (
    Busy,
    DeviceGone,
    DoorError,
    DriverError,
    LinkError,
    MissingError,
    NotReadyError,
    ProbeError,
    gone,
)
from driver.exits import MEANING, Exit, exit_of, table

README = Path(__file__).resolve().parents[3] / "driver" / "README.md"


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (DriverError("something"), Exit.FAILED),
        (DriverError("name taken").with_errno(errno.EBUSY), Exit.FAILED),
        (LinkError("no module"), Exit.FAILED),
        (OSError(errno.ENOSPC, "full"), Exit.FAILED),
        (MissingError("no tap"), Exit.MISSING),
        (NotReadyError(errno.ENODEV, "vfio-pci is not loaded"), Exit.MISSING),
        (PermissionError(errno.EACCES, "no"), Exit.MISSING),
        (DoorError(errno.EPERM, "the group has other functions"), Exit.MISSING),
        (DoorError(errno.ENOENT, "no such socket"), Exit.NO_NIC),
        (DoorError(errno.ENODEV, "no such PCI function"), Exit.NO_NIC),
        (DoorError(errno.EINVAL, "no address"), Exit.NO_NIC),
        (ProbeError(errno.ENODEV, "a stranger"), Exit.NO_NIC),
        (Busy("somebody has it"), Exit.IN_USE),
        (ProbeError(errno.EIO, "checksum"), Exit.REFUSED),
        (ProbeError(errno.EINVAL, "a virtual function"), Exit.REFUSED),
        (ProbeError(errno.EPERM, "EERD: refused"), Exit.REFUSED),
        (ProbeError(errno.EOPNOTSUPP, "module"), Exit.REFUSED),
        (DoorError(errno.EPROTO, "not vfio-user"), Exit.REFUSED),
        (DeviceGone("pulled"), Exit.NO_ANSWER),
        (gone("nic", errno.ETIMEDOUT, 100, 5.0), Exit.NO_ANSWER),
        (TimeoutError("too late"), Exit.NO_ANSWER),
    ],
    ids=str,
)
def test_each_kind_has_its_number(failure: Exception, code: Exit) -> None:
    assert exit_of(failure) is code


def test_every_number_is_explained() -> None:
    assert set(MEANING) == set(Exit)
    assert [line.split()[0] for line in table().splitlines()] == [str(code.value) for code in Exit]


def test_the_readme_has_the_same_table() -> None:
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", README.read_text(), re.MULTILINE)
    assert [(int(code), meaning) for code, meaning in rows] == [(code.value, text) for code, text in MEANING.items()]
