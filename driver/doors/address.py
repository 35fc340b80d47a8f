# SPDX-License-Identifier: BSD-3-Clause
"""How people write the address of a PCI function."""

import re

ADDRESS = re.compile(r"(?:([0-9a-fA-F]{4}):)?([0-9a-fA-F]{2}):([01][0-9a-fA-F])\.([0-7])")


def address_of(name: str) -> str:
    """Return a PCI address in full and in lower case, ``0000:01:00.0``; empty if ``name`` is none."""
    match = ADDRESS.fullmatch(name)
    if match is None:
        return ""
    domain, bus, device, function = match.groups()
    return f"{domain or '0000'}:{bus}:{device}.{function}".lower()
