# SPDX-License-Identifier: BSD-3-Clause
"""``python -m driver``: probe a NIC, run it as a network interface, and ask it for its figures."""

import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import click
from rich.console import Console
from rich.logging import RichHandler
from rich.table import Table

from device.regs import ALL

from driver import claim, ethtool, status
from driver.errors import DriverError
from driver.ixgbe.adapter import Adapter
from driver.ixgbe.probe import ProbeOptions, probe
from driver.napi import NapiMode
from driver.netdev import check_mtu
from driver.pci import open_door
from driver.session import Session

EXIT_ERROR, EXIT_USAGE, EXIT_MISSING, EXIT_INTERRUPTED = 1, 2, 3, 130

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


class Steps:
    """Shows the probe as it happens; keeps the steps for ``--json``."""

    def __init__(self, *, show: bool) -> None:
        self.seen: list[dict[str, str]] = []
        self._show = show

    def step(self, name: str, detail: str = "") -> None:
        """One step of the probe is done."""
        self.seen.append({"step": name, "detail": detail})
        if self._show:
            err.print(f"  {name:<28} {detail}", markup=False)


def _open(nic: str, *, show: bool, allow_unsupported_sfp: bool = False) -> tuple[Adapter, Steps]:
    steps = Steps(show=show)
    options = ProbeOptions(allow_unsupported_sfp=allow_unsupported_sfp)
    return probe(open_door(nic), options, steps), steps


def _emit(data: Any, as_json: bool, table: Callable[[Any], Any]) -> None:
    if as_json:
        click.echo(json.dumps(data))
    else:
        out.print(table(data))


def _from_running_or_card(nic: str, request: str, read: Callable[[Adapter], Any]) -> Any:
    """Ask the driver that holds the NIC, or probe it ourselves if nobody does."""
    if claim.holder(nic):
        return status.ask(claim.status_path(nic), request)
    adapter, _ = _open(nic, show=False)
    with adapter:
        return read(adapter)


def _rows(title: str, *columns: str) -> Callable[[list[tuple[Any, ...]]], Table]:
    def make(rows: list[tuple[Any, ...]]) -> Table:
        table = Table(*columns, title=title, title_justify="left")
        for row in rows:
            table.add_row(*(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
        return table

    return make


def _pairs(title: str) -> Callable[[dict[str, Any]], Table]:
    def make(data: dict[str, Any]) -> Table:
        return _rows(title, "what", "value")([(key, value) for key, value in data.items()])

    return make


def _mtu(_: click.Context, __: click.Parameter, value: int) -> int:
    try:
        check_mtu(value)
    except DriverError as exc:
        raise click.BadParameter(str(exc)) from exc
    return value


json_option = click.option("--json", "as_json", is_flag=True, help="One JSON value on stdout, for programs.")
nic_argument = click.argument("nic")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-v", "--verbose", count=True, help="Log more; twice for every register access that matters.")
@click.option("-q", "--quiet", is_flag=True, help="Log errors only.")
def cli(verbose: int, quiet: bool) -> None:
    """Drive an Intel 82599.  NIC is vfio-user:PATH or a PCI address such as 0000:01:00.0."""
    level = logging.ERROR if quiet else [logging.WARNING, logging.INFO, logging.DEBUG][min(verbose, 2)]
    handler = RichHandler(console=err, show_path=False, show_time=False, markup=False)
    logging.basicConfig(level=level, format="%(name)s: %(message)s", handlers=[handler], force=True)


@cli.command(name="probe")
@nic_argument
@click.option("--allow-unsupported-sfp", is_flag=True, help="Accept a module of a vendor the kernel would refuse.")
@json_option
def probe_command(nic: str, allow_unsupported_sfp: bool, as_json: bool) -> None:
    """Probe NIC, say what it is, and let it go."""
    adapter, steps = _open(nic, show=not as_json, allow_unsupported_sfp=allow_unsupported_sfp)
    with adapter:
        found = adapter.describe()
    _emit({**found, "steps": steps.seen} if as_json else found, as_json, _pairs(nic))


@cli.command()
@nic_argument
@click.option(
    "--netdev", default="ix%d", show_default=True, help="Name of the network interface; %d is numbered by the kernel."
)
@click.option("--queues", type=click.IntRange(1, 64), default=1, show_default=True, help="Rx/Tx queue pairs.")
@click.option("--mode", type=click.Choice(["irq", "poll", "hybrid"]), default="irq", show_default=True)
@click.option("--mtu", type=int, default=1500, show_default=True, callback=_mtu, help="Bytes, 68 to 9710.")
@click.option("--allow-unsupported-sfp", is_flag=True, help="Accept a module of a vendor the kernel would refuse.")
@json_option
def up(nic: str, netdev: str, queues: int, mode: str, mtu: int, allow_unsupported_sfp: bool, as_json: bool) -> None:
    """Run NIC as a network interface until a signal."""
    stop_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os.eventfd_write(stop_fd, 1))
    adapter, _ = _open(nic, show=not as_json, allow_unsupported_sfp=allow_unsupported_sfp)
    with adapter, Session(adapter, netdev, queues=queues, mode=NapiMode[mode.upper()], mtu=mtu) as session:
        if not as_json:
            err.print(_rows("rings and vectors", "vector", "interrupt", "Rx queues", "Tx queues")(session.vectors()))
        click.echo(f"driver ready: {session.netdev.name}")
        sys.stdout.flush()
        session.serve(stop_fd)
        final = session.stats()
    shown = {key: value for key, value in final.items() if value}
    if as_json:
        click.echo(json.dumps(final))
    else:
        err.print(_pairs(f"{nic}: what happened")(shown))


@cli.command()
@nic_argument
@json_option
def stats(nic: str, as_json: bool) -> None:
    """Show NIC's statistics, under the kernel driver's names."""
    found = _from_running_or_card(nic, "stats", lambda adapter: adapter.stats())
    _emit(found, as_json, lambda data: _pairs(f"{nic}: statistics")({k: v for k, v in data.items() if v}))


@cli.command()
@nic_argument
@click.argument("names", nargs=-1)
@click.option("--all", "zero", is_flag=True, help="Also registers that read 0.")
@json_option
def regs(nic: str, names: tuple[str, ...], zero: bool, as_json: bool) -> None:
    """Dump NIC's registers, all or those NAMED; none whose reading has an effect."""
    known = {register.NAME for register in ALL}
    wanted = tuple(name.upper() for name in names)
    if unknown := [name for name in wanted if name not in known]:
        raise click.BadParameter(f"no register called {', '.join(unknown)}; `python -m device.regs list` has them all")
    found = _from_running_or_card(nic, "regs", lambda adapter: ethtool.registers(adapter.bar, zero=zero, names=wanted))
    found = [row for row in found if not wanted or row["name"].split("[")[0] in wanted]

    def table(rows: list[dict[str, Any]]) -> Table:
        lines = [
            (
                f"0x{row['offset']:05x}",
                row["name"],
                f"0x{row['value']:08x}",
                " ".join(
                    f"{field}={value:#x}" if value > 9 else f"{field}={value}" for field, value in row["fields"].items()
                ),
            )
            for row in rows
        ]
        return _rows(f"{nic}: registers", "offset", "register", "value", "fields")(lines)

    _emit(found, as_json, table)


@cli.command()
@nic_argument
@click.option("--words", type=click.IntRange(1, 8192), default=64, show_default=True, help="How many 16-bit words.")
@json_option
def eeprom(nic: str, words: int, as_json: bool) -> None:
    """Show NIC's EEPROM."""
    found = _from_running_or_card(nic, f"eeprom {words}", lambda adapter: adapter.read_eeprom(words))
    if as_json:
        click.echo(json.dumps(found))
    else:
        out.print("\n".join(ethtool.hexdump(found)), markup=False)


@cli.command()
@nic_argument
@json_option
def module(nic: str, as_json: bool) -> None:
    """Show NIC's SFP+ module and its live values."""
    found = _from_running_or_card(nic, "module", lambda adapter: ethtool.module(adapter.read_module))
    _emit(found, as_json, _pairs(f"{nic}: module"))


@cli.command()
@nic_argument
@json_option
def link(nic: str, as_json: bool) -> None:
    """Show NIC's link."""
    found = _from_running_or_card(nic, "link", lambda adapter: ethtool.link(adapter.bar))
    _emit(found, as_json, _pairs(f"{nic}: link"))


def main() -> None:
    """Run the command line; exit codes are 0 fine, 1 our error, 2 usage, 3 something missing, 130 interrupted."""
    try:
        cli(standalone_mode=False)
    except click.ClickException as exc:
        exc.show()
        sys.exit(EXIT_USAGE)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(EXIT_INTERRUPTED)
    except (DriverError, TimeoutError) as exc:
        err.print(f"driver: {exc}", markup=False)
        sys.exit(EXIT_MISSING if isinstance(exc, FileNotFoundError | PermissionError) else EXIT_ERROR)
    except OSError as exc:
        err.print(f"driver: {exc}", markup=False)
        sys.exit(EXIT_MISSING if isinstance(exc, FileNotFoundError | PermissionError) else EXIT_ERROR)


if __name__ == "__main__":
    main()
