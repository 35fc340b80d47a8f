# SPDX-License-Identifier: BSD-3-Clause
"""``python -m device.regs``: a register's page, a value in words, the map as a list, the C header."""

import argparse
import json
import sys

try:
    from device.regs import data, header, i82599, show
    from device.regs.census import census
    from device.regs.core import Field, Register
    from device.regs.i82599 import ALL, desc, features, vf
    from device.regs.names import find, number, written
    from device.regs.terminal import any_locale
    from device.regs.tree import ROOT
except ValueError as exc:  # registers that collide, fields that overlap: said while they are declared
    sys.stderr.write(f"device.regs: the tables are wrong: {exc}\n")
    raise SystemExit(1) from exc

CHIPS = {"i82599": ((i82599.ALL, vf.ALL), desc.WORDS)}
"""Folder below device/regs to its header's registers, a table a kind of function, and descriptor words."""


class InputError(Exception):
    """The command line makes no sense; the message is one line for the user."""


def decode(text: str) -> str:
    """One ``OFFSET=VALUE`` or ``NAME=VALUE`` in words.

    Raises:
        InputError: It is not of that form, or no register is there, or the value does not fit.
    """
    place, equals, value = text.partition("=")
    if not equals:
        raise InputError(f"{text!r}: OFFSET=VALUE or NAME=VALUE wanted, such as 0x1028=0x02000000")
    try:
        register, n = find(place, ALL)
        decoded = register(number(value))
    except ValueError as error:
        raise InputError(str(error)) from None
    is_alias = place[:1].isdigit() and number(place) in register.ALIAS
    name = written(register, n) + (" (alias)" if is_alias else "")
    return f"{name} = {int(decoded):#010x}  {decoded.describe() or 'all fields 0'}"


def _access(register: type[Register]) -> str:
    return "/".join(sorted({field.access.value for field in register.FIELDS.values()}))


def _reset(register: type[Register]) -> str:
    values = register.RESET if isinstance(register.RESET, tuple) else (register.RESET,)
    return ",".join(f"{value:#x}" for value in values)


def table() -> str:
    """Every register on a line: offset, name, count, access, reset, what a counter does when full, a mark."""
    rows = [f"{'offset':9}{'name':14}{'count':>5}  {'access':10}{'reset':12}{'full':8}mark"]
    for register in sorted(ALL, key=lambda register: register.AT[0]):
        full = register.FULL.value if register.FULL else ""
        what = f"{register.AT[0]:#07x}  {register.NAME:14}{register.count:5}  {_access(register):10}"
        rows.append(f"{what}{_reset(register):12}{full:8}{show.when_stored(register)}".rstrip())
    return "\n".join(rows)


def _found(text: str) -> tuple[type[Register], int | None]:
    try:
        return find(text, ALL if text[:1].isdigit() else (*ALL, *vf.ALL, *desc.WORDS))
    except ValueError as error:
        raise InputError(str(error)) from None


def _field(register: type[Register], text: str) -> Field:
    if text.upper() not in register.FIELDS:
        raise InputError(f"{register.NAME} has no field {text!r}; it has {', '.join(register.FIELDS)}")
    return register.FIELDS[text.upper()]


def page(text: str, *, everything: bool) -> str:
    """The page of the register with this name, or at this offset of BAR0; of ``NAME.FIELD`` what the field means.

    Raises:
        InputError: There is none.
    """
    is_offset = text[:1].isdigit()
    name, dot, of_it = text.partition(".")
    register, n = _found(name)
    if dot:
        return show.of_field(register, _field(register, of_it))
    shown = show.page(register, everything=everything)
    if not is_offset:
        return shown
    offset = number(text)
    alias = ", by its alias" if offset in register.ALIAS else ""
    return f"{offset:#07x} is {written(register, n)}{alias}\n\n{shown}"


def hold_census(*, owners: bool) -> int:
    """Print what registers lack; the exit code."""
    acted, lacks = census(ALL, owners=owners)
    what = "an owner and a test" if owners else "a test"
    lines = lacks or [f"{acted} registers have behaviour, and each of them {what}"]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if lacks else 0


def write_headers(*, check: bool) -> int:
    """Write each chip's ``regs.h``, or only say whether it is current; the exit code."""
    code = 0
    if not (ROOT / "pyproject.toml").is_file():
        sys.stderr.write(f"device.regs: {ROOT} is an installed copy, which has no headers; run this in a checkout\n")
        return 2
    for chip, (tables, words) in CHIPS.items():
        try:
            path, wanted = header.path(chip), "\n".join(header.lines(tables, words))
        except ValueError as error:
            sys.stderr.write(f"device.regs: {chip}: {error}\n")
            return 1
        if not check:
            path.write_text(wanted, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != wanted:
            sys.stderr.write(f"{chip}/{path.name} is not what the tables say: run python -m device.regs header\n")
            code = 1
    return code


def write_features(*, check: bool) -> int:
    """Write the table of features beside the device's README, or only say whether it is current; the exit code."""
    path, wanted = ROOT / "device" / "FEATURES.md", features.markdown()
    if not check:
        path.write_text(wanted, encoding="utf-8")
    elif not path.is_file() or path.read_text(encoding="utf-8") != wanted:
        sys.stderr.write(f"{path.name} is not what its rows say: run python -m device.regs features --write\n")
        return 1
    return 0


def main(argv: list[str] | None = None) -> int:
    """Run a command line; the exit code (0 fine, 1 header out of date or something lacking, 2 usage)."""
    any_locale()
    parser = argparse.ArgumentParser(prog="python -m device.regs", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="show|decode|list|features|header")
    shown = commands.add_parser("show", help="a register's page: what it is, who acts on it, which tests name it")
    shown.add_argument("names", nargs="*", metavar="NAME|NAME.FIELD|OFFSET")
    shown.add_argument("--all", action="store_true", help="every function and test, not the first few")
    shown.add_argument("--census", action="store_true", help="list registers with behaviour but no owner or no test")
    shown.add_argument("--no-owners", action="store_true", help="with --census: a test is enough")
    one = commands.add_parser("decode", help="say what a value in a register means")
    one.add_argument("pairs", nargs="+", metavar="OFFSET=VALUE|NAME=VALUE")
    listed = commands.add_parser("list", help="every register: offset, name, count, access, reset, when full, mark")
    for command in (shown, listed):
        command.add_argument("--json", action="store_true", help="for programs")
    offered = commands.add_parser("features", help="what becomes of each feature, and the test that proves it")
    written_or_not = offered.add_mutually_exclusive_group()
    written_or_not.add_argument("--write", action="store_true", help="into device/FEATURES.md")
    written_or_not.add_argument("--check", action="store_true", help="exit 1 if that file is not current")
    made = commands.add_parser("header", help="write regs.h of each chip")
    made.add_argument("--check", action="store_true", help="write nothing; exit 1 if the file is not current")
    args = parser.parse_args(argv)
    if args.command == "show" and bool(args.names) == args.census:
        shown.error("either names (or offsets) or --census")
    if args.command == "header":
        return write_headers(check=args.check)
    if args.command == "features" and (args.write or args.check):
        return write_features(check=args.check)
    try:
        if args.command == "show" and args.census:
            return hold_census(owners=not args.no_owners)
        if args.command in {"show", "list"} and args.json:
            wanted = [_found(name.partition(".")[0])[0] for name in args.names] if args.command == "show" else ALL
            lines = [json.dumps([data.of(register) for register in wanted], indent=2)]
        elif args.command == "features":
            lines = [features.markdown().rstrip("\n")]
        elif args.command == "show":
            lines = ["\n\n\n".join(page(name, everything=args.all) for name in args.names)]
        else:
            lines = [decode(pair) for pair in args.pairs] if args.command == "decode" else [table()]
    except (InputError, FileNotFoundError) as error:
        sys.stderr.write(f"device.regs: {error}\n")
        return 2
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
