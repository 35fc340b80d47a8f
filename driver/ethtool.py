# SPDX-License-Identifier: BSD-3-Clause
"""The figures a person asks a NIC for: registers, EEPROM, module; as plain data, for tables and for JSON."""

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from device.regs import sff
from device.regs.core import Register
from device.regs.sff import Byte
from driver.core.bar import Bar


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

    def a0(offset: int) -> int:
        return read(sff.PAGE_A0, offset)

    identifier = a0(Byte.IDENTIFIER)
    at = sff.texts(identifier)
    found: dict[str, Any] = {
        "identifier": sff.IDENTIFIERS.get(identifier, f"0x{identifier:02x}"),
        "type": ", ".join(sff.names(a0)) or f"10G code {a0(Byte.CODE_10G):#04x}, 1G code {a0(Byte.CODE_1G):#04x}",
    }
    for what in ("vendor", "oui", "part", "revision", "serial", "date"):
        raw = [a0(offset) for offset in at[what]]
        found["vendor_oui" if what == "oui" else what] = bytes(raw).hex(":") if what == "oui" else sff.text(raw)
    if identifier != sff.IDENTIFIER_SFP:
        return found
    if sff.is_cable(a0):
        found["length_m"] = a0(18)
    elif wavelength := int.from_bytes(bytes((a0(60), a0(61))), "big"):
        found["wavelength_nm"] = wavelength
    if sff.has_diagnostics(a0):
        live = struct.unpack(">hHHHH", bytes(read(sff.PAGE_A2, offset) for offset in range(96, 106)))
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
