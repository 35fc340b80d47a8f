# SPDX-License-Identifier: BSD-3-Clause
"""A recorded driver, without the driver: its accesses in order, and what is answered otherwise today."""

from collections.abc import Iterable, Iterator

from device.i82599.card import Card
from device.trace import Access

# Registers whose answers are not the device's doing alone, and why.
MAY_DIFFER = {
    "TORL": "octets that were on the wire, for whomever",
    "TORH": "the same",
    "TPR": "frames that were on the wire, for whomever",
    "FRTIMER": "a clock",
}


def replay(nic: Card, accesses: Iterable[Access]) -> Iterator[str]:
    """Do to a device what was recorded; yields a line for each answer that differs."""
    for number, access in enumerate(accesses, 1):
        for _ in range(access.times):
            if access.kind == "X":
                nic.reset(software=False)
            elif access.kind == "W":
                nic.pf.bar0_write(access.offset, access.value.to_bytes(access.len_bytes, "little"))
            else:
                answer = int.from_bytes(nic.pf.bar0_read(access.offset, access.len_bytes), "little")
                if answer != access.value and access.name not in MAY_DIFFER:
                    yield f"access {number}: {access}: now {answer:#x}"
