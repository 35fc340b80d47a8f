# SPDX-License-Identifier: BSD-3-Clause
"""How a command ended, as a number: one for each kind of failure, so that a script need not read messages.

driver/README.md has this table; a test compares them.
"""

import enum
import errno

from driver.errors import Busy, DeviceGone, DoorError, MissingError, ProbeError, code_of


class Exit(enum.IntEnum):
    """What ``python -m driver`` returns to the shell."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    MISSING = 3
    NO_NIC = 4
    IN_USE = 5
    REFUSED = 6
    NO_ANSWER = 7
    INTERRUPTED = 130


MEANING = {
    Exit.DONE: "done",
    Exit.FAILED: "something else failed; the message says what",
    Exit.USAGE: "the command line makes no sense",
    Exit.MISSING: "something is missing on this machine, or not permitted: a module, a file, a right",
    Exit.NO_NIC: "there is no such NIC, or it is none that this driver knows",
    Exit.IN_USE: "another driver has the NIC",
    Exit.REFUSED: "the NIC is there, and cannot be driven: its EEPROM, its module, a step of the probe",
    Exit.NO_ANSWER: "the NIC has gone, or did not answer in time",
    Exit.INTERRUPTED: "a signal ended it before it was done",
}

NOT_PERMITTED = frozenset({errno.EACCES, errno.EPERM})
NOTHING_THERE = frozenset(
    {errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ENOTSOCK, errno.ECONNREFUSED, errno.EINVAL, errno.ENAMETOOLONG}
)


def exit_of(failure: Exception) -> Exit:
    """Which kind of failure this is."""
    code = code_of(failure)
    door, probed = isinstance(failure, DoorError), isinstance(failure, ProbeError)
    rules = (  # the first that holds
        (isinstance(failure, MissingError), Exit.MISSING),
        (isinstance(failure, Busy), Exit.IN_USE),
        (isinstance(failure, (DeviceGone, TimeoutError)) or code == errno.ETIMEDOUT, Exit.NO_ANSWER),
        (probed and code == errno.ENODEV, Exit.NO_NIC),
        (probed, Exit.REFUSED),
        (code in NOT_PERMITTED, Exit.MISSING),
        (door and code in NOTHING_THERE, Exit.NO_NIC),
        (door, Exit.REFUSED),
    )
    return next((kind for holds, kind in rules if holds), Exit.FAILED)


def table() -> str:
    """The numbers and what they mean, a line each."""
    return "\n".join(f"{code.value:>4}  {meaning}" for code, meaning in MEANING.items())
