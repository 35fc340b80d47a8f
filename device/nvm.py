# SPDX-License-Identifier: BSD-3-Clause
"""``python -m device.nvm make|show FILE``: EEPROM images for ``python -m device --nvm FILE``."""

import json
import logging
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from device.errors import ConfigError
from device.i82599.identity import parse_mac
from device.i82599.nvm import decode, wishes
from device.i82599.nvm.image import DEFAULT_MAC, Image, ImageOptions, load
from device.regs.terminal import any_locale

FAILED = 1
SIZES = {str(2 ** (code + 6)): code for code in range(3, 10)}
NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|\d+")
WIDE = 80


def _number(text: str, what: str) -> int:
    if not NUMBER.fullmatch(text):
        raise click.BadParameter(f"{what} {text!r} is not a number: give one such as 12 or 0x2b")
    return int(text, 0)


def _mac(_context: click.Context, _parameter: click.Parameter, value: str | None) -> bytes | None:
    try:
        return None if value is None else parse_mac(value)  # also one that no station can have
    except ConfigError as exc:
        raise click.BadParameter(str(exc)) from exc


def _version(text: str | None, base: int, what: str) -> wishes.Version | None:
    if text is None:
        return None
    try:
        major, minor, last = (int(part, base) for part in text.split("."))
    except ValueError:
        numbers = "hexadecimal numbers" if base == 16 else "numbers"
        raise click.BadParameter(f"{what} {text!r}: give three {numbers} with dots, such as 1.2.3") from None
    return major, minor, last


def _oem(_context: click.Context, _parameter: click.Parameter, value: str | None) -> wishes.Version | None:
    return _version(value, 16, "OEM version")


def _rom(_context: click.Context, _parameter: click.Parameter, value: str | None) -> wishes.Version | None:
    return _version(value, 10, "boot ROM version")


def _firmware(_context: click.Context, _parameter: click.Parameter, value: str | None) -> int | None:
    if value is None:
        return None
    return -1 if value == "none" else _number(value, "firmware version")


def _checksum(_context: click.Context, _parameter: click.Parameter, value: str) -> int | None:
    known = {"good": None, "bad": -1}
    return known[value] if value in known else _number(value, "checksum")


def _etrack(_context: click.Context, _parameter: click.Parameter, value: str | None) -> int | None:
    return None if value is None else _number(value, "eTrack id")


def _sfp(_context: click.Context, _parameter: click.Parameter, value: Sequence[str]) -> dict[int, list[int]] | None:
    if "none" in value:
        if len(value) > 1:
            raise click.BadParameter("`none` and a kind of module contradict each other: give one or the other")
        return {}
    listed: dict[int, list[int]] = {}
    for each in value:
        kind, _, words = each.partition(":")
        listed[_number(kind, "module kind")] = [_number(word, "word") for word in words.split(",") if word]
    return listed or None


def _words(_context: click.Context, _parameter: click.Parameter, value: Sequence[str]) -> dict[int, int]:
    found: dict[int, int] = {}
    for each in value:
        word, equals, number = each.partition("=")
        if not equals:
            raise click.BadParameter(f"{each!r}: give WORD=VALUE, such as 0x2c=0x0081")
        found[_number(word, "word")] = _number(number, "value")
    return found


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Make EEPROM images, sane or broken on purpose, and say what one holds."""


@cli.command()
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--mac", callback=_mac, metavar="MAC", default=DEFAULT_MAC.hex(":"), help="Of port 0; port 1 has the next."
)
@click.option("--san-mac", callback=_mac, metavar="MAC", help="For storage traffic; by default two behind --mac.")
@click.option("--pba", metavar="TEXT", help="Part number as a string, up to 10 characters.")
@click.option("--pba-legacy", metavar="NUMBER", help="Part number in two words instead, such as E66560-001.")
@click.option(
    *("--sfp",),
    multiple=True,
    callback=_sfp,
    metavar="KIND[:WORD,…]|none",
    help="Initialise this kind of module, with these words for CORECTL; may be given again. 3, 4: cables; 5, 6: optics"
    " (port 0, 1). `none`: no list. By default all four, without words.",
)
@click.option("--signature/--no-signature", default=True, help="Word 0 says that this is an EEPROM, or does not.")
@click.option("--checksum", callback=_checksum, metavar="good|bad|VALUE", default="good", help="Word 0x3f.")
@click.option("--etrack", callback=_etrack, metavar="ID", help="The image's id, as `ethtool -i` shows it.")
@click.option(
    "--firmware-version", callback=_firmware, metavar="N|none", help="Below 6, or none, is a pre-production part."
)
@click.option("--oem-version", callback=_oem, metavar="A.B.C", help="The maker's, hexadecimal; goes before the id.")
@click.option("--boot-rom-version", callback=_rom, metavar="A.B.C", help="Of the boot ROM in the image.")
@click.option("--any-sfp", is_flag=True, help="Word 0x2c: modules of any vendor are driven.")
@click.option("--no-crosstalk", is_flag=True, help="Word 0x2c: a link is believed though the cage's pin says empty.")
@click.option(
    "--wake",
    type=click.Choice(list(wishes.WAKES)),
    default="none",
    help="Word 0x2c: ports that may wake the system; of an 82599, Linux asks the board's id.",
)
@click.option("--words", "size", type=click.Choice(list(SIZES)), default="8192", help="Size of the part.")
@click.option(
    *("--word", "words"), multiple=True, callback=_words, metavar="WORD=VALUE", help="Any word; may be given again."
)
@click.option("--force", is_flag=True, help="Put it in the place of a file that is there.")
def make(
    *,
    path: Path,
    mac: bytes,
    san_mac: bytes | None,
    pba: str | None,
    size: str,
    force: bool,
    **rest: Any,
) -> None:
    """Write an image to FILE: one that drivers accept, but for what is asked for."""
    if pba is not None and rest["pba_legacy"] is not None:
        raise click.UsageError("--pba and --pba-legacy contradict each other: a card has one part number")
    if path.exists() and not force:
        raise ConfigError(f"NVM file {path}: it is there already; take another name, or replace it with --force")
    usual = ImageOptions()
    base = ImageOptions(
        mac=mac,
        san_mac=san_mac,
        pba=usual.pba if pba is None else pba,
        size_code=SIZES[size],
    )
    image = wishes.make(wishes.Wishes(base, **rest))
    try:
        image.save(path)
    except OSError as exc:
        raise ConfigError(f"NVM file {path}: {exc.strerror}; nothing was written") from exc
    click.echo(f"{path}: {image.words} words, checksum {_fact(image, 'checksum')}")


def _fact(image: Image, name: str) -> str:
    return next(fact.text for fact in decode.facts(image) if fact.name == name)


@cli.command()
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON value on stdout, for programs.")
def show(*, path: Path, as_json: bool) -> None:
    """Say what the image in FILE holds, as a driver finds it."""
    image = load(path)
    if as_json:
        click.echo(json.dumps(decode.plain(image)))
        return
    console = Console(width=None if sys.stdout.isatty() else WIDE)
    table = Table("what", "words", "value", title=str(path), title_justify="left")
    for fact in decode.facts(image):
        if fact.name != "pba_kind":
            table.add_row(fact.name, fact.words, fact.text)
    console.print(table)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 fine, 1 a wish or a file that is wrong, 2 usage."""
    any_locale()
    logging.basicConfig(level=logging.ERROR)  # what is wrong with an image is in the table
    try:
        cli.main(args=None if arguments is None else list(arguments), prog_name="device.nvm", standalone_mode=False)
    except click.ClickException as exc:
        exc.show()
        return exc.exit_code
    except click.Abort:
        return 130
    except (ConfigError, OSError) as exc:
        click.echo(f"device.nvm: {exc}", err=True)
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
