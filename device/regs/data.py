# SPDX-License-Identifier: BSD-3-Clause
"""A register's declaration as data for programs: what ``show`` and ``list`` print, without who uses it."""

from typing import Any

from device.regs import show
from device.regs.core import Register


def of(register: type[Register]) -> dict[str, Any]:
    """All that a register's declaration says; ``stored`` names the features that the device has not."""
    what, marks = show.about(register)
    reset = register.RESET if isinstance(register.RESET, tuple) else (register.RESET,)
    return {
        "name": register.NAME,
        "what": what,
        "marks": marks,
        "offsets": list(register.AT),
        "aliases": list(register.ALIAS),
        "bits": register.WIDTH,
        "reset": list(reset),
        "kept_by_software_reset": register.KEEP,
        "full": register.FULL.value if register.FULL else None,
        "stored": list(register.stored_features()),
        "fields": [
            {
                "name": field.name,
                "meaning": show.meaning(register, field.name),
                "msb": field.msb,
                "lsb": field.lsb,
                "access": field.access.value,
                "reset": field.reset,
                "values": {value.name: value.value for value in field.values or ()},
                "stored": field.stored or None,
            }
            for field in register.FIELDS.values()
        ],
    }
