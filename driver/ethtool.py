# SPDX-License-Identifier: BSD-3-Clause
"""The figures a person asks a NIC for: registers, EEPROM, module; as plain data, for tables and for JSON."""

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from device.regs.core import Register
from driver.core.bar import Bar

SFP_IDENTIFIER = 0x03
SFP_CODES_10G = {0x10: "10GBASE-SR", 0x20: "10GBASE-LR"}
SFP_CABLES = {0x04: "passive direct attach", 0x08: "active direct attach"}
ASCII = range(0x20, 0x7F)


def registers(
    bar: Bar, dumped: Iterable[type[Register]], *, zero: bool = False, names: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Read registers.

    Args:
        bar: Register window.
        dumped: Registers whose reading has no effect, as the family lists them.
        zero: Include registers that read 0.
        names: Only these registers (``RDT``), the first of each even if it reads 0, or ones of an array (``RDT[3]``);
            all if empty.

    Returns:
        One row per register: name, offset, value, fields by name (set ones only).
    """
    rows = []
    for register in dumped:
        for n in range(register.count):
            name = register.NAME if register.count == 1 else f"{register.NAME}[{n}]"
            if names and register.NAME not in names and name not in names:
                continue
            value = bar.read(register, n)
            if not value and not zero and not (name in names or (register.NAME in names and n == 0)):
                continue
            fields = {field: int(getattr(value, field)) for field in register.FIELDS if getattr(value, field)}
            rows.append({"name": name, "offset": register.offset(n), "value": int(value), "fields": fields})
    return rows


def module(read: Callable[[int, int], int]) -> dict[str, Any]:
    """Decode an SFP+ module.

    Args:
        read: ``read(i2c_address, offset)`` returns one byte; addresses are 0xA0 and 0xA2.

    Returns:
        Identity, and live values where the module has diagnostics.

    Ref: SFF-8472, address A0h fields and A2h real-time diagnostics.
    """

    def text(start: int, end: int) -> str:
        raw = bytes(read(0xA0, at) for at in range(start, end))
        return "".join(chr(byte) if byte in ASCII else "?" for byte in raw).strip()

    identifier, code, cable = read(0xA0, 0), read(0xA0, 3), read(0xA0, 8) & 0x0C
    found: dict[str, Any] = {
        "identifier": "SFP/SFP+" if identifier == SFP_IDENTIFIER else f"0x{identifier:02x}",
        "type": SFP_CODES_10G.get(code) or SFP_CABLES.get(cable, "unknown"),
        "vendor": text(20, 36),
        "vendor_oui": ":".join(f"{read(0xA0, at):02x}" for at in range(37, 40)),
        "part": text(40, 56),
        "revision": text(56, 60),
        "serial": text(68, 84),
        "date": text(84, 92),
    }
    if cable:
        found["length_m"] = read(0xA0, 18)
    else:
        found["wavelength_nm"] = int.from_bytes(bytes((read(0xA0, 60), read(0xA0, 61))), "big")
    if read(0xA0, 92) & 0x40:
        live = struct.unpack(">hHHHH", bytes(read(0xA2, at) for at in range(96, 106)))
        found |= {
            "temperature_c": live[0] / 256,
            "voltage_v": live[1] / 10000,
            "bias_ma": live[2] * 2 / 1000,
            "tx_power_mw": live[3] / 10000,
            "rx_power_mw": live[4] / 10000,
        }
    return found


def hexdump(words: Sequence[int]) -> list[str]:
    """Render 16-bit words as lines of eight, as ``ethtool -e`` orders bytes."""
    raw = b"".join(struct.pack("<H", word) for word in words)
    return [f"0x{at:04x}:  {raw[at : at + 16].hex(' ')}" for at in range(0, len(raw), 16)]
