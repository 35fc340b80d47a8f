# SPDX-License-Identifier: BSD-3-Clause
"""A chip's ``regs.h``: its register map and descriptor bits as C macros."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from device.regs.core import Field, Register

WIDE = 64

PREAMBLE = """\
/* SPDX-License-Identifier: BSD-3-Clause */
/* Generated from the tables in device/regs by `python -m device.regs header`.  Do not edit; change the tables.
 *
 * Per register X:
 *   R_X              offset in BAR0 bytes; for an array R_X(n), n from 0, at its canonical (not alias) address
 *   X_COUNT          how many there are
 *   X_RESET          value after reset, if it is not 0 (not given where instances differ)
 *   N_X(offset)      arrays: which instance a canonical offset is; only meaningful if IS_X(offset)
 *   IS_X(offset)     arrays: is this canonical offset one of them
 * Per field X.F:
 *   X_F              mask in place
 *   X_F_SHIFT        lowest bit
 *   X_F_NAME         a named value, in place: (v & X_F) == X_F_NAME
 * Descriptor words (desc.py beside this file) have fields only; those of 64-bit words are 64-bit constants.
 * The macros with arguments use them more than once: no side effects in them.
 */
"""


def path(chip: str) -> Path:
    """Where a chip's header is: beside its tables."""
    return Path(__file__).resolve().parent / chip / "regs.h"


def runs(offsets: tuple[int, ...]) -> list[tuple[int, int, int, int]]:
    """Split offsets into evenly spaced runs of (first instance, base, stride, count)."""
    found: list[tuple[int, int, int, int]] = []
    n = 0
    while n < len(offsets):
        stride = offsets[n + 1] - offsets[n] if n + 1 < len(offsets) else 0
        count = 1
        if stride > 0:
            while n + count < len(offsets) and offsets[n + count] == offsets[n] + stride * count:
                count += 1
        found.append((n, offsets[n], stride if count > 1 else 0, count))
        n += count
    return found


def _offset_macros(register: type[Register]) -> Iterator[str]:
    name = register.NAME
    if register.count == 1:
        yield f"#define R_{name} {register.AT[0]:#07x}u"
        yield f"#define {name}_COUNT 1"
        return
    place, number, test = "", "", ""
    pieces = runs(register.AT)
    for first, base, stride, count in pieces:
        last = first + count == register.count
        step = f" + {stride:#x}u * ({f'(n) - {first}' if first else '(n)'})" if stride else ""
        # Bare constants in comparisons: then neither a signed nor an unsigned argument warns.
        near = f"(o) >= {base:#07x} && (o) <= {base + stride * (count - 1):#07x}"
        index = f"((o) - {base:#07x}u) / {stride:#x}u" if stride else "0u"
        index = f"{first}u + {index}" if first else index
        place += f"{base:#07x}u{step}" if last else f"(n) < {first + count} ? {base:#07x}u{step} : "
        number += index if last else f"{near} ? {index} : "
        test += f"({near}" + (f" && ((o) - {base:#07x}) % {stride:#x} == 0)" if stride > 1 else ")")
        test += "" if last else " || "
    yield f"#define R_{name}(n) ({place})"
    yield f"#define N_{name}(o) ({number})"
    yield f"#define IS_{name}(o) ({test})"
    yield f"#define {name}_COUNT {register.count}"


def _field_macros(register: type[Register], name: str, field: Field) -> Iterator[str]:
    macro = f"{register.NAME}_{name}"
    suffix, digits = ("ull", 18) if register.WIDTH == WIDE else ("u", 10)
    yield f"#define {macro} {field.mask:#0{digits}x}{suffix}"
    yield f"#define {macro}_SHIFT {field.lsb}"
    for item in field.values or ():
        yield f"#define {macro}_{item.name} {item.value << field.lsb:#0{digits}x}{suffix}"


def lines(tables: Iterable[Iterable[type[Register]]], words: Iterable[type[Register]]) -> Iterator[str]:
    """Every line of the header.

    Args:
        tables: BAR0 registers, of each kind of function.
        words: Descriptor words, which have no offset.

    Raises:
        ValueError: Two different macros would have one name.
    """
    seen: dict[str, str] = {}
    yield PREAMBLE
    ordered = [one for table in tables for one in sorted(table, key=lambda register: register.AT[0])]
    for register in [*ordered, *words]:
        made = list(_offset_macros(register)) if register.AT else [f"/* {register.NAME} */"]
        if isinstance(register.RESET, int) and register.RESET:
            made.append(f"#define {register.NAME}_RESET {register.RESET:#010x}u")
        for name, field in register.FIELDS.items():
            made.extend(_field_macros(register, name, field))
        for line in made:
            name = line.split("(")[0].split()[1]
            if line.startswith("#define") and seen.setdefault(name, line) != line:
                raise ValueError(
                    f"macro {name} would be defined twice: {seen[name]!r} and {line!r}; rename register or field"
                )
            yield line
        yield ""
