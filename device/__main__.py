# SPDX-License-Identifier: BSD-3-Clause
"""``python -m device``: an 82599 at the end of a socket."""

import logging
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

FAILED, MISSING = 1, 3

try:
    import click

    from device.errors import ConfigError, DeviceError, MissingError
    from device.i82599.card import Card
    from device.i82599.faults import FAULTS
    from device.machine.faults import table as table_of_faults
    from device.machine.irq import IrqKind
    from device.machine.wire import LoopbackPort, NullPort, PcapPort, PeerPort, Port, TapPort
    from device.machine.wire.kinds import chosen, kinds, usage
    from device.regs.i82599 import ALL, Register
    from device.serve.server import Server, raise_file_limit
    from device.tables import print_report
    from device.trace import TraceFile

    WIRES = usage()  # brings in every kind
except ImportError as exc:
    sys.stderr.write(f"device: {exc}; `python3 -m ci setup` builds what is missing\n")
    raise SystemExit(MISSING) from exc

MAC_BYTES = 6

log = logging.getLogger("device")


def _mac(_context: click.Context, _parameter: click.Parameter, value: str | None) -> bytes | None:
    if value is None:
        return None
    try:
        raw = bytes(int(part, 16) for part in value.replace("-", ":").split(":"))
    except ValueError:
        raw = b""
    if len(raw) != MAC_BYTES:
        raise click.BadParameter(f"{value!r} is not six bytes like 02:00:00:82:59:90")
    if raw[0] % 2:
        raise click.BadParameter(f"{value} is a multicast address; a card's own has an even first byte")
    if not any(raw):
        raise click.BadParameter(f"{value} is all zero; drivers refuse it")
    return raw


def _registers(_context: click.Context, _parameter: click.Parameter, value: str | None) -> list[type[Register]]:
    by_name = {register.NAME: register for register in ALL}
    found: list[type[Register]] = []
    if value == "all":
        return list(ALL)
    for name in filter(None, (value or "").split(",")):
        if name.upper() not in by_name:
            raise click.BadParameter(f"no register is called {name}; `python -m device.regs` lists them")
        found.append(by_name[name.upper()])
    return found


def _wire(context: click.Context, parameter: click.Parameter, value: str | None) -> Callable[[], Port] | None:
    if value is None:
        return None
    if value == "list":
        for kind in kinds().values():
            click.echo(f"{kind.KIND + kind.ARG:16} {(kind.from_arg.__doc__ or '').splitlines()[0]}")
        context.exit()
    try:
        chosen_kind, arg = chosen(value)
    except ValueError as exc:
        raise click.BadParameter(str(exc)) from exc

    def make() -> Port:
        try:
            return chosen_kind.from_arg(arg)
        except ValueError as exc:
            raise click.BadParameter(f"{value}: {exc}", context, parameter) from exc

    return make


def _faults(context: click.Context, _parameter: click.Parameter, value: Sequence[str]) -> Sequence[str]:
    if "list" in value:
        rows = table_of_faults(FAULTS)
        wide = [max(len(row[column]) for row in rows) for column in range(2)]
        for written, where, does in rows:
            click.echo(f"{written:{wide[0]}}  {where:{wide[1]}}  {does}")
        context.exit()
    return value


def _inject(card: Card, faults: Sequence[str]) -> None:
    """Inject what was asked for.

    Raises:
        click.BadParameter: There is no such fault, or not on this card.
    """
    for asked in faults:
        try:
            card.faults.inject(asked)
        except ValueError as exc:
            raise click.BadParameter(str(exc), param_hint="'--fault'") from exc


def _port(
    wire: Callable[[], Port] | None, *, tap: str | None, loopback: bool, null: bool, pcap: str | None, peer: Path | None
) -> Callable[[], Port]:
    """Return how to make the one wire that was asked for.

    Raises:
        click.UsageError: More than one was.
    """
    makers: list[Callable[[], Port]] = []
    if wire is not None:
        makers.append(wire)
    if tap is not None:
        makers.append(lambda: TapPort(tap))
    if loopback:
        makers.append(LoopbackPort)
    if null:
        makers.append(NullPort)
    if pcap is not None:
        play, _, record = pcap.partition(",")
        makers.append(lambda: PcapPort(Path(play) if play else None, Path(record) if record else None))
    if peer is not None:
        makers.append(lambda: PeerPort(peer))
    if len(makers) > 1:
        raise click.UsageError("one card has one wire: give one of --wire, --tap, --loopback, --null, --pcap, --peer")
    return makers[0] if makers else NullPort


def _logging(verbose: int, *, quiet: bool, log_file: Path | None) -> None:
    level = logging.WARNING if quiet else logging.DEBUG if verbose else logging.INFO
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setLevel(logging.WARNING if log_file else level)
    handlers: list[logging.Handler] = [terminal]
    if log_file is not None:
        handlers.append(logging.FileHandler(log_file))
    logging.basicConfig(level=level, format="%(asctime)s %(levelname).1s %(name)s: %(message)s", handlers=handlers)
    # At its debug level the library writes a line for every access.
    if verbose == 1:
        logging.getLogger("device.serve.vfu").setLevel(logging.INFO)


def _save_nvm(card: Card, path: Path) -> None:
    try:
        card.save_nvm(path)
    except OSError as exc:
        raise ConfigError(f"NVM file {path}: what was written to the EEPROM is lost: {exc.strerror}") from exc
    log.info("NVM file %s: has what was written to the EEPROM", path)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--socket", "path", required=True, type=click.Path(path_type=Path), help="Where clients connect.")
@click.option(
    "--wire", callback=_wire, is_eager=True, metavar="KIND[:ARG]", help=f"Wire: {WIRES}; `list` says what they are."
)
@click.option("--tap", metavar="NAME", help="Wire: this tap interface; made, and removed at exit, if it is not there.")
@click.option("--loopback", is_flag=True, help="Wire: what is sent comes back.")
@click.option("--null", is_flag=True, help="Wire: count and drop (the default).")
@click.option("--pcap", metavar="IN[,OUT]", help="Wire: play capture IN, record to OUT; either may be empty.")
@click.option("--peer", type=click.Path(path_type=Path), help="Wire: another device, with the same PATH.")
@click.option("--mac", callback=_mac, metavar="MAC", help="The card's address.")
@click.option("--sfp", type=click.Choice(["sr", "lr", "da", "none"]), default="sr", show_default=True, help="Module.")
@click.option(
    "--nvm", type=click.Path(path_type=Path, dir_okay=False), help="EEPROM image; what is written stays in it."
)
@click.option(
    "--doorbells",
    type=click.Choice(["trapped", "shared"]),
    default="trapped",
    show_default=True,
    help="trapped: every access is a message, exact as the chip; shared: tails are shared memory, fast.",
)
@click.option(
    "--interrupts",
    type=click.Choice(["msix", "msi", "intx"]),
    default="msix",
    show_default=True,
    help="The best kind the card offers.",
)
@click.option("--trace", callback=_registers, metavar="REG[,REG…]|all", help="Log every access to these registers.")
@click.option(
    "--trace-file", type=click.Path(path_type=Path, dir_okay=False), help="Accesses go there; all, without --trace."
)
@click.option(
    *("--fault", "faults"),
    callback=_faults,
    is_eager=True,
    multiple=True,
    metavar="NAME[=ARG]",
    help="Break the card so, from the start; may be given again. `list` says what can break.",
)
@click.option("--control", type=click.Path(path_type=Path), help="Socket for commands, one JSON object a line.")
@click.option("-v", "--verbose", count=True, help="Say more; twice: every message.")
@click.option("-q", "--quiet", is_flag=True, help="Say only what went wrong, and no table at the end.")
@click.option("--log-file", type=click.Path(path_type=Path, dir_okay=False), help="Log there; warnings stay here too.")
def cli(
    *,
    path: Path,
    wire: Callable[[], Port] | None,
    tap: str | None,
    loopback: bool,
    null: bool,
    pcap: str | None,
    peer: Path | None,
    mac: bytes | None,
    sfp: str,
    nvm: Path | None,
    doorbells: str,
    interrupts: str,
    trace: Sequence[type[Register]],
    trace_file: Path | None,
    faults: Sequence[str],
    control: Path | None,
    verbose: int,
    quiet: bool,
    log_file: Path | None,
) -> None:
    """Serve one Intel 82599ES (8086:10fb) as a vfio-user device, to one client after another.

    Prints `device ready: PATH` when a client may connect.  SIGINT or SIGTERM ends it, with a table of what happened.
    """
    if verbose and quiet:
        raise click.UsageError("-v and -q contradict each other")
    make_port = _port(wire, tap=tap, loopback=loopback, null=null, pcap=pcap, peer=peer)
    _logging(verbose, quiet=quiet, log_file=log_file)
    raise_file_limit()
    with ExitStack() as stack:
        port = stack.enter_context(make_port())
        card = stack.enter_context(Card(mac=mac, sfp=sfp, nvm=nvm, port=port, trace=() if trace_file else trace))
        _inject(card, faults)
        written = stack.enter_context(TraceFile(card.pf, trace_file, trace)) if trace_file else None
        server = Server(
            *(card, path),
            port=port,
            shared_doorbells=doorbells == "shared",
            control=control,
            interrupts=IrqKind[interrupts.upper()],
            trace=written,
        )
        stack.callback(server.close)

        def stop(_signal: int, _frame: FrameType | None) -> None:
            server.stop()

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        server.run(lambda: click.echo(f"device ready: {path}"))
        # An impatient second signal must not stop the cleaning up, nor kill us in the interpreter's last moments.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        report = server.report()
        if nvm is not None and card.image.dirty:
            _save_nvm(card, nvm)
    if not quiet:
        print_report(report)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 fine, 1 our error, 2 usage, 3 something missing here."""
    try:
        cli.main(args=None if arguments is None else list(arguments), prog_name="device", standalone_mode=False)
    except click.ClickException as exc:
        exc.show()
        return exc.exit_code
    except click.Abort:
        return 130
    except MissingError as exc:
        click.echo(f"device: {exc}", err=True)
        return MISSING
    except (DeviceError, OSError) as exc:
        click.echo(f"device: {exc}", err=True)
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
