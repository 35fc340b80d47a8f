# SPDX-License-Identifier: BSD-3-Clause
"""``python -m device``: an 82599 at the end of a socket."""

import contextlib
import logging
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

FAILED, MISSING = 1, 3
REMEDY = "`python3 -m ci setup` in a checkout, or installing ixlab anew, brings what is missing"

try:
    import click

    from device import completion
    from device.ctl import ctl
    from device.ending import Ending
    from device.errors import DeviceError, MissingError
    from device.i82599.card import Card
    from device.i82599.core import VECTORS
    from device.i82599.faults import FAULTS, NVM
    from device.i82599.nvm.file import NvmFile
    from device.i82599.sfp.kinds import KINDS
    from device.i82599.vf.function import MOST as VFS_MOST
    from device.logs import Logs
    from device.machine import rom as expansion_rom
    from device.machine.irq import IrqKind
    from device.machine.socket_file import group_of, mode_of, rule_of
    from device.machine.wire import LoopbackPort, NullPort, PcapPort, PeerPort, Port, TapPort
    from device.machine.wire.kinds import chosen, kinds, usage
    from device.outlet import Patient
    from device.regs.core import Register
    from device.regs.i82599 import ALL
    from device.regs.names import find
    from device.regs.pci import PCI_DEVICE_ID, PCI_VENDOR_ID
    from device.regs.terminal import any_locale
    from device.regs.version import version
    from device.serve.rights import User, become, user_of
    from device.serve.server import Server, raise_file_limit
    from device.serve.vfu import no_new_privileges
    from device.tables import fault_lines, print_report
    from device.trace import TraceFile

    WIRES = usage()  # brings in every kind
except ImportError as exc:
    sys.stderr.write(f"device: {exc}; {REMEDY}\n")
    raise SystemExit(MISSING) from exc

MAC_BYTES = 6
IDS = (int(PCI_VENDOR_ID.reset()), int(PCI_DEVICE_ID.reset()))

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
    return raw  # one that no station can have, too: a broken card has it, and says so in the log


def _registers(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> list[tuple[type[Register], int | None]]:
    if value == "all":
        return [(register, None) for register in ALL]
    try:
        return [find(name, ALL) for name in filter(None, (value or "").split(","))]
    except ValueError as exc:
        raise click.BadParameter(str(exc)) from exc


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


def _sfp(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if value in KINDS:
        return value
    if not Path(value).exists():
        raise click.BadParameter(f"{value!r} is neither one of {', '.join(KINDS)} nor a file")
    return str(Path(value).absolute())


def _socket_mode(_context: click.Context, _parameter: click.Parameter, value: str | None) -> int | None:
    try:
        return None if value is None else mode_of(value)
    except ValueError as exc:
        raise click.BadParameter(str(exc)) from exc


def _socket_group(_context: click.Context, _parameter: click.Parameter, value: str | None) -> int | None:
    try:
        return None if value is None else group_of(value)
    except ValueError as exc:
        raise click.BadParameter(str(exc)) from exc


def _faults(context: click.Context, _parameter: click.Parameter, value: Sequence[str]) -> Sequence[str]:
    if "list" in value:
        click.echo("\n".join(fault_lines(FAULTS)))
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


def _version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        click.echo(f"ixlab-device {version()}")
        context.exit()


def _user(_context: click.Context, _parameter: click.Parameter, value: str | None) -> User | None:
    try:
        return None if value is None else user_of(value)
    except ValueError as exc:
        raise click.BadParameter(str(exc)) from exc


def _nvm_file(card: Card, path: Path | None) -> NvmFile | None:
    if path is None:
        return None
    faults = card.faults
    return NvmFile(
        card.image, path, injected=lambda: bool(faults.in_part(NVM)), end_faults=lambda: faults.end_in_part(NVM)
    )


def _give_up_rights(user: User, port: Port, paths: Sequence[Path | None]) -> None:
    become(user, [path for path in paths if path is not None])
    if isinstance(port, TapPort):
        log.warning(
            "%s: should somebody delete the interface, it takes more rights than are left to bring it back", port.name
        )


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
    subcommand_metavar="| ctl …",
)
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Say it, and end.")
@click.option("--socket", "path", type=click.Path(path_type=Path), help="Where clients connect.  [required]")
@click.option(
    *("--wire",),
    callback=_wire,
    is_eager=True,
    metavar="KIND[:ARG]",
    shell_complete=completion.wires,
    help=f"Wire: {WIRES}; `list` says what they are.",
)
@click.option(
    *("--tap",),
    metavar="NAME",
    shell_complete=completion.taps,
    help="Wire: this tap interface; made, and removed at exit, if it is not there.",
)
@click.option(
    *("--tap-offload",),
    type=click.Choice(["on", "off"]),
    default="on",
    show_default=True,
    help="Give a tap whole TCP segments, up to 64 KiB, as other NICs under Linux do; off: every frame by itself.",
)
@click.option("--loopback", is_flag=True, help="Wire: what is sent comes back.")
@click.option("--null", is_flag=True, help="Wire: count and drop (the default).")
@click.option("--pcap", metavar="IN[,OUT]", help="Wire: play capture IN, record to OUT; either may be empty.")
@click.option("--peer", type=click.Path(path_type=Path), help="Wire: another device, with the same PATH.")
@click.option("--mac", callback=_mac, metavar="MAC", help="The card's address; also one that drivers refuse.")
@click.option(
    *("--sfp",),
    callback=_sfp,
    metavar="KIND|FILE",
    default="sr",
    show_default=True,
    shell_complete=completion.modules,
    help=f"Module: {', '.join(KINDS)}, or a file with its pages, raw or as `ethtool -m NIC hex on` prints them.",
)
@click.option(
    "--nvm", type=click.Path(path_type=Path, dir_okay=False), help="EEPROM image; what is written stays in it."
)
@click.option(
    *("--rom",), type=click.Path(path_type=Path, dir_okay=False), help="Expansion ROM of the card; none without it."
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
@click.option(
    *("--msix", "msix_vectors"),
    type=click.IntRange(1, VECTORS),
    default=VECTORS,
    metavar=f"1..{VECTORS}",
    show_default=True,
    help="Vectors of the MSI-X table; 1 is too few for drivers, which take MSI then.",
)
@click.option(
    "--vfs",
    type=click.IntRange(0, VFS_MOST),
    default=0,
    metavar=f"0..{VFS_MOST}",
    help="Virtual functions there can be, each at PATH.vf0 …; its driver enables them by SR-IOV.",
)
@click.option(
    "--vfs-always", is_flag=True, help="They are there from the start; without a driver of the card we answer them."
)
@click.option(
    *("--trace",),
    callback=_registers,
    metavar="REG[,REG…]|all",
    shell_complete=completion.registers,
    help="Log every access to these registers: STATUS, RXDCTL, RXDCTL[3] or an offset such as 0x1028.",
)
@click.option(
    "--trace-file", type=click.Path(path_type=Path, dir_okay=False), help="Accesses go there; all, without --trace."
)
@click.option(
    *("--fault", "faults"),
    callback=_faults,
    is_eager=True,
    multiple=True,
    metavar="NAME[=ARG]",
    shell_complete=completion.faults,
    help="Break the card so, from the start; may be given again. `list` says what can break.",
)
@click.option("--control", type=click.Path(path_type=Path), help="Socket for commands, JSON lines; `ctl` sends them.")
@click.option(
    "--socket-mode", callback=_socket_mode, metavar="OCTAL", help="Who may connect: 600 (the default), 660, …"
)
@click.option(
    "--socket-group", callback=_socket_group, metavar="GROUP", help="The sockets' group, which may connect (660)."
)
@click.option("-v", "--verbose", count=True, help="Say more; twice: every message.")
@click.option("-q", "--quiet", is_flag=True, help="Say only what went wrong, and no table at the end.")
@click.option(
    "--user",
    callback=_user,
    metavar="NAME[:GROUP]",
    help="Whose rights to keep, once wire, sockets and files are open.",
)
@click.option("--log-file", type=click.Path(path_type=Path, dir_okay=False), help="Log there; warnings stay here too.")
def cli(
    *,
    path: Path | None,
    wire: Callable[[], Port] | None,
    tap: str | None,
    tap_offload: str,
    loopback: bool,
    null: bool,
    pcap: str | None,
    peer: Path | None,
    mac: bytes | None,
    sfp: str,
    nvm: Path | None,
    rom: Path | None,
    doorbells: str,
    interrupts: str,
    msix_vectors: int,
    vfs: int,
    vfs_always: bool,
    trace: Sequence[tuple[type[Register], int | None]],
    trace_file: Path | None,
    faults: Sequence[str],
    control: Path | None,
    socket_mode: int | None,
    socket_group: int | None,
    verbose: int,
    quiet: bool,
    user: User | None,
    log_file: Path | None,
) -> None:
    """Serve one Intel 82599ES (8086:10fb) as a vfio-user device, to one client after another.

    Prints `device ready: PATH` when a client may connect.  SIGINT, SIGTERM or SIGHUP ends it, with a table of
    what happened.
    """
    context = click.get_current_context()
    if context.invoked_subcommand:
        if path is not None:
            raise click.UsageError(f"{context.invoked_subcommand} takes SOCKET behind its name; leave --socket out")
        return
    if path is None:
        raise click.MissingParameter(ctx=context, param=next(p for p in context.command.params if p.name == "path"))
    if verbose and quiet:
        raise click.UsageError("-v and -q contradict each other")
    if vfs_always and not vfs:
        raise click.UsageError("--vfs-always needs virtual functions: say how many with --vfs N")
    make_port = _port(wire, tap=tap, loopback=loopback, null=null, pcap=pcap, peer=peer)
    patient = click.get_current_context().obj
    with ExitStack() as stack:
        ending = stack.enter_context(Ending())
        logs = stack.enter_context(Logs(verbose, quiet=quiet, file=log_file, patient=patient))
        raise_file_limit()
        port = stack.enter_context(make_port())
        port.set_offload(on=tap_offload == "on")
        card = stack.enter_context(Card(mac, sfp, nvm, port, msix_vectors=msix_vectors, vfs=vfs, vfs_always=vfs_always))
        for register, n in () if trace_file else trace:
            card.regs.trace(register, n)
        image = _nvm_file(card, nvm)
        rom_bytes = b"" if rom is None else expansion_rom.load(rom, *IDS)
        _inject(card, faults)
        written = stack.enter_context(TraceFile(card.pf, trace_file, trace)) if trace_file else None
        server = Server(
            *(card, path),
            port=port,
            shared_doorbells=doorbells == "shared",
            control=control,
            interrupts=IrqKind[interrupts.upper()],
            trace=written,
            chores=[logs.poll, *([image.poll] if image else [])],
            rule=rule_of(socket_mode, socket_group),
            rom=rom_bytes,
        )
        stack.callback(server.close)
        ending.by(server.stop)
        if user is not None:
            sockets = [endpoint.context.path for endpoint in server.endpoints]
            _give_up_rights(user, port, [*sockets, control, getattr(port, "path", None)])
        if image is not None:
            image.check()
            stack.enter_context(image)
        server.run(lambda: click.echo(f"device ready: {path}"))
        ending.deaf()
        report = server.report()
    if not quiet:
        print_report(report)


cli.add_command(ctl)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 fine, 1 our error, 2 usage, 3 something missing here."""
    any_locale()
    if arguments is None:  # this process is ours alone
        with contextlib.suppress(OSError):
            no_new_privileges()
    with Patient(log) as patient:
        return _main(arguments, patient)


def _main(arguments: Sequence[str] | None, patient: Patient) -> int:
    words = None if arguments is None else list(arguments)
    try:
        cli.main(
            args=words,
            prog_name=completion.PROGRAM if completion.VARIABLE in os.environ else "device",
            complete_var=completion.VARIABLE,
            standalone_mode=False,
            obj=patient,
        )
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
