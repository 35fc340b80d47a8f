# SPDX-License-Identifier: BSD-3-Clause
"""``python -m driver``: probe a NIC, run it as a network interface, and ask it for its figures."""

import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from driver.exits import Exit, exit_of, table

REMEDY = "`python3 -m ci setup` in a checkout, or installing ixlab anew, brings what is missing"

try:
    import click
    from rich.logging import RichHandler

    from device.regs.terminal import any_locale
    from device.regs.version import version
    from driver import claim, completion, ethtool, explaining, families, status, vectors_table, xdp_program
    from driver.core.family import Nic
    from driver.core.moderation import ItrSetting
    from driver.core.napi import NapiMode
    from driver.core.netdev import NetDev, check_name
    from driver.core.threads import Threads
    from driver.doors import kernel
    from driver.doors.address import address_of
    from driver.doors.door import Door
    from driver.doors.open import open_door
    from driver.errors import Busy, DriverError, code_of, errno_name
    from driver.irq_commands import irq_command, vector_options, wanted
    from driver.session import Session, looks, requests
    from driver.slices import whole
    from driver.tables import Steps, counts, emit, err, pairs, print_table, registers, rows
    from driver.vf_commands import vf_command, vfs_option, with_vfs
except ImportError as exc:
    sys.stderr.write(f"driver: {exc}; {REMEDY}\n")
    raise SystemExit(Exit.MISSING) from exc

STATUS_WAIT_S = 3.0  # how long a driver that holds the NIC may take until it can be asked
STATUS_RETRY_S = 0.05
EEPROM_WORDS_MAX = 8192
VECTOR_COLUMNS = ("vector", "interrupt", "Rx queues", "Tx queues")
RUNNING = ("vectors", "vector_figures", "itr")  # what only a running driver has
LOOKS = ("stats", "regs", "link", "module")  # what a NIC that nobody drives tells without being touched


def _door(nic: str) -> Door:
    # The claim decides in the end; asking first saves the wait for a server that serves somebody else.
    if holder := claim.holder(nic):
        raise Busy(f"{nic} is in use by {holder}; end that first", holder)
    # Nobody is to be told how to take a function from its driver that this one could not drive.
    if (address := address_of(nic)) and (ids := kernel.ids(address)):
        families.check_ids(address, *ids)
    patience = click.get_current_context().ensure_object(dict)  # what --timeout said, if anything
    return open_door(nic, **patience)


def _open(nic: str, *, show: bool, **options: Any) -> tuple[Nic, Steps]:
    """Probe a NIC; ``options`` are those of ``families.probe``."""
    steps = Steps(show=show)
    return families.probe(_door(nic), steps, **options), steps


def _ask(nic: str, *request: str) -> Any:
    """Ask the driver that holds the NIC; if nobody does, look at it, or probe it where looking does not tell.

    Raises:
        Busy: Somebody holds it who cannot be asked.
        DriverError: Nobody does, and only a driver could answer.
    """
    deadline_s = time.monotonic() + STATUS_WAIT_S
    while holder := claim.holder(nic):
        try:
            return status.ask(claim.status_path(nic), " ".join(request))
        except (FileNotFoundError, ConnectionRefusedError) as exc:  # it is starting, ending, or another program
            if time.monotonic() > deadline_s:
                raise Busy(f"{nic} is in use by {holder}, which cannot be asked for its figures", holder) from exc
        time.sleep(STATUS_RETRY_S)
    name, *words = request
    if name.startswith("vf_"):
        raise DriverError(f"{nic}: nobody drives it, so it has no VFs; `driver up {nic} --vfs N` makes them")
    if name in RUNNING or name.startswith("irq_"):
        raise DriverError(f"{nic}: nobody drives it, so it has no vectors; `driver up` makes them")
    if name in LOOKS:
        with families.look(_door(nic)) as seen:
            return looks(seen, seen.stats)[name](*words)
    probed, _ = _open(nic, show=False, allow_unsupported_sfp=True)  # one may look at what one may not drive
    with probed:
        return whole(requests(probed, probed.stats)[name](*words))


# ---- arguments -------------------------------------------------------------------------------------------------------


def _checked(check: Callable[[Any], Any]) -> Callable[[click.Context, click.Parameter, Any], Any]:
    def callback(_: click.Context, __: click.Parameter, value: Any) -> Any:
        try:
            return check(value)
        except DriverError as exc:
            raise click.BadParameter(str(exc)) from exc

    return callback


def _version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        click.echo(f"ixlab-driver {version()}")
        context.exit()


json_option = click.option("--json", "as_json", is_flag=True, help="One JSON value on stdout, for programs.")
sfp_option = click.option(
    "--allow-unsupported-sfp", is_flag=True, help="Accept a module of a vendor the kernel would refuse."
)


def _set_timeout(context: click.Context, _: click.Parameter, timeout_s: float | None) -> None:
    if timeout_s is not None:
        context.ensure_object(dict)["timeout_s"] = timeout_s


timeout_option = click.option(
    "--timeout",
    type=click.FloatRange(0),
    callback=_set_timeout,
    expose_value=False,
    metavar="SECONDS",
    help="How long a vfio-user device may take to answer (5); 0: for ever, for one that stands at a breakpoint.",
)
FC = TypeVar("FC", bound=Callable[..., Any])


def nic_argument(command: FC) -> FC:
    """NIC, and how long it may take to answer."""
    return click.argument("nic", shell_complete=completion.nics)(timeout_option(command))


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]}, epilog=f"\b\nIt ends with one of these codes:\n{table()}"
)
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Say it, and end.")
@click.option("-v", "--verbose", count=True, help="Log more; twice: everything.")
@click.option("-q", "--quiet", is_flag=True, help="Log errors only.")
def cli(verbose: int, quiet: bool) -> None:
    """Drive an Intel 82599.  NIC is vfio-user:PATH or a PCI address such as 0000:01:00.0."""
    if verbose and quiet:
        raise click.UsageError("-v and -q contradict each other")
    level = logging.ERROR if quiet else [logging.WARNING, logging.INFO, logging.DEBUG][min(verbose, 2)]
    if err.is_terminal:
        handler: logging.Handler = RichHandler(console=err, show_path=False, show_time=False, markup=False)
    else:  # a line of a log file stays one line
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(levelname)s: %(name)s: %(message)s"))
    logging.basicConfig(level=level, format="%(name)s: %(message)s", handlers=[handler], force=True)


@cli.command(name="probe", cls=explaining.ProbeCommand)
@nic_argument
@sfp_option
@json_option
@explaining.options
@vector_options
def probe_command(
    nic: str, allow_unsupported_sfp: bool, as_json: bool, explain: str | None, lang: str | None, out: str | None,
    queues: int | None, trace_file: str | None, **vectors: Any,
) -> None:  # fmt: skip
    """Probe NIC, say what it is, and let it go."""
    explaining.check(explain, as_json=as_json, lang=lang, out=out)
    options: dict[str, Any] = {
        "allow_unsupported_sfp": allow_unsupported_sfp,
        "queues": queues,
        "vectors": wanted(vectors),
    }
    if explain or trace_file:
        explained = families.explain(_door(nic), **options)
        explaining.tell(explained, explain, as_json=as_json, lang=lang or "en", out=out, trace=trace_file)
        return
    probed, steps = _open(nic, show=not as_json, **options)
    with probed:
        found = probed.describe()
    emit({**found, "steps": steps.seen} if as_json else found, as_json, nic, pairs)


@cli.command()
@nic_argument
@click.option(
    "--netdev",
    default="ix%d",
    show_default=True,
    callback=_checked(check_name),
    help="Name of the network interface; %d is numbered by the kernel.",
)
@click.option("--queues", type=click.IntRange(1, 64), default=1, show_default=True, help="Rx/Tx queue pairs.")
@click.option("--mode", type=click.Choice(["irq", "poll", "hybrid"]), default="irq", show_default=True)
@click.option(
    "--mtu",
    type=int,
    default=1500,
    show_default=True,
    callback=_checked(families.check_mtu),
    help=f"Bytes, {families.MTUS[0]} to {families.MTUS[-1]}.",
)
@vector_options
@vfs_option
@click.option(
    "--itr",
    default="auto",
    show_default=True,
    callback=_checked(families.check_itr),
    metavar="auto|dim|adaptive|MICROSECONDS",
    help="Who sets how long a vector waits between two interrupts: load (4 or 50 µs), DIM, ixgbe's own rule, or you.",
)
@click.option(
    "--threads",
    type=click.Choice([one.value for one in Threads]),
    default=Threads.ONE.value,
    show_default=True,
    help="One thread polls all vectors, or each has its own, pinned to the CPU of its vector.",
)
@click.option(
    "--lro",
    type=click.Choice(["on", "off"]),
    help="Whether TCP comes in packets of many frames, made by the NIC. Without it: on, if nothing forbids it.",
)
@click.option(
    "--xdp",
    callback=_checked(lambda text: xdp_program.load(text) if text is not None else None),
    metavar="FILE.py:NAME|FILE.so:NAME",
    help="A program that sees each frame before the interface does; see examples/xdp_filter.py.",
)
@sfp_option
@json_option
def up(
    nic: str,
    netdev: str,
    queues: int,
    mode: str,
    mtu: int,
    itr: ItrSetting,
    threads: str,
    lro: str | None,
    xdp: Any,
    allow_unsupported_sfp: bool,
    as_json: bool,
    vfs: int,
    **vectors: Any,
) -> None:
    """Run NIC as a network interface until a signal.

    Prints `driver ready: NAME` when the interface is there.  SIGINT or SIGTERM ends it, with a table of what happened.
    With --json stdout has two lines: {"ready": NAME}, and at the end the figures.
    """
    stop_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os.eventfd_write(stop_fd, 1))
    interfaces: list[NetDev] = []

    def register(probed: Nic) -> Callable[[], object]:
        interfaces.append(NetDev(netdev, probed.mac, mtu))
        return interfaces[0].close

    probed, _ = _open(
        nic,
        show=not as_json,
        allow_unsupported_sfp=allow_unsupported_sfp,
        queues=queues,
        register=register,
        vectors=wanted(vectors, vfs),
    )
    napi_mode, split = NapiMode[mode.upper()], Threads(threads)
    if xdp is not None:
        probed.xdp(xdp)
    wants_lro = None if lro is None else lro == "on"
    with (
        probed,
        with_vfs(probed, vfs),
        Session(
            probed,
            interfaces[0],
            queues=queues,
            mode=napi_mode,
            mtu=mtu,
            itr=itr,
            threads=split,
            lro=wants_lro,
        ) as session,
    ):
        if not as_json:
            print_table(err, "rings and vectors", rows(VECTOR_COLUMNS, session.vectors()))
            click.echo(f"driver ready: {session.netdev.name}")
        else:  # programs read JSON only; people see on stderr what they know
            click.echo(json.dumps({"ready": session.netdev.name}))
            click.echo(f"driver ready: {session.netdev.name}", err=True)
        sys.stdout.flush()
        session.serve(stop_fd)
        final = session.stats()
    if as_json:
        click.echo(json.dumps(final))
    else:
        print_table(err, f"{nic}: what happened", counts(final))


@cli.command()
@nic_argument
@json_option
def stats(nic: str, as_json: bool) -> None:
    """Show NIC's statistics, under the kernel driver's names.

    If nobody drives it: what it counted since somebody looked last, for its counters are cleared by reading.
    """
    found = _ask(nic, "stats")
    emit(found, as_json, f"{nic}: statistics", counts)


@cli.command()
@nic_argument
@click.argument("names", nargs=-1, callback=_checked(families.check_registers), shell_complete=completion.registers)
@click.option("--all", "zero", is_flag=True, help="Also registers that read 0.")
@json_option
def regs(nic: str, names: tuple[str, ...], zero: bool, as_json: bool) -> None:
    """Dump NIC's registers, all or those of NAMES; none whose reading has an effect.

    A name is STATUS, RDT (all that are not 0), RDT[3], or a byte offset such as 0x1018.
    """
    found = _ask(nic, "regs", "all" if zero else "set", *names)
    emit(found, as_json, f"{nic}: registers", registers)


@cli.command()
@nic_argument
@click.option(
    "--words", type=click.IntRange(1, EEPROM_WORDS_MAX), default=64, show_default=True, help="How many 16-bit words."
)
@json_option
def eeprom(nic: str, words: int, as_json: bool) -> None:
    """Show NIC's EEPROM."""
    found = _ask(nic, "eeprom", str(words))
    if as_json:
        click.echo(json.dumps(found))
    else:
        click.echo("\n".join(ethtool.hexdump(found)))


@cli.command()
@nic_argument
@json_option
def module(nic: str, as_json: bool) -> None:
    """Show NIC's SFP+ module, its live values, and whether it is driven or why not."""
    found = _ask(nic, "module")
    emit(found, as_json, f"{nic}: module", pairs)


@cli.command()
@nic_argument
@click.option("--watch", is_flag=True, help="Again and again, until ^C or until the driver ends.")
@click.option("--count", type=click.IntRange(1), help="With --watch: so many times.")
@click.option("--interval", type=click.FloatRange(0.1), default=1.0, show_default=True, help="Seconds in between.")
@json_option
def vectors(nic: str, watch: bool, count: int | None, interval: float, as_json: bool) -> None:
    """Show the interrupt vectors of a NIC that runs: rings, CPU, interval and who set it, and what each did.

    IVAR and EITR are read from the registers.  A CPU in brackets is preferred, but no thread is pinned to it.
    """
    if count is not None and not watch:
        raise click.UsageError("--count says how often --watch looks; give both, or neither")
    how = vectors_table.Watch(as_json=as_json, count=count, interval_s=interval) if watch else None
    vectors_table.show(nic, lambda: _ask(nic, "vector_figures"), how, as_json=as_json)


@cli.command()
@nic_argument
@click.argument("setting", required=False, callback=_checked(lambda text: text and str(families.check_itr(text))))
@json_option
def itr(nic: str, setting: str | None, as_json: bool) -> None:
    """Show or change who sets the intervals of a NIC that runs: `auto`, `dim`, `adaptive`, or so many microseconds."""
    found = _ask(nic, "itr", *([setting] if setting else []))
    emit({"itr": found}, as_json, f"{nic}: moderation", pairs)


@cli.command()
@nic_argument
@json_option
def link(nic: str, as_json: bool) -> None:
    """Show NIC's link."""
    found = _ask(nic, "link")
    emit(found, as_json, f"{nic}: link", pairs)


cli.add_command(irq_command(_ask, nic_argument, json_option))
cli.add_command(vf_command(_ask, nic_argument, json_option))


def _failure(exc: Exception) -> dict[str, Any]:
    """What programs are told of a failure."""
    if isinstance(exc, click.ClickException):
        found = {"error": exc.format_message(), "step": "", "errno": "", "undone": []}
        return {**found, "exit_code": exc.exit_code}
    code = errno_name(code_of(exc))
    found = {"error": str(exc), "step": "", "errno": code, "undone": []}
    if isinstance(exc, DriverError):
        found.update({**exc.account, "step": exc.step, "undone": list(exc.undone)})
    return {**found, "exit_code": int(exit_of(exc))}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns one of the codes of ``driver.exits``."""
    any_locale()
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        cli.main(
            args=words,
            prog_name=completion.PROGRAM if completion.VARIABLE in os.environ else "driver",
            complete_var=completion.VARIABLE,
            standalone_mode=False,
        )
    except (click.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except BrokenPipeError:  # `driver stats … | head`: nobody wants the rest
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.DONE
    except (click.ClickException, DriverError, OSError) as exc:
        failure = _failure(exc)
        if isinstance(exc, click.ClickException):
            exc.show()
        else:
            where = f" (at {failure['step']} {failure['errno']}".rstrip() + ")" if failure["step"] else ""
            click.echo(f"driver: {exc}{where}", err=True)
        if "--json" in words:
            click.echo(json.dumps(failure))
        return int(failure["exit_code"])
    return Exit.DONE


if __name__ == "__main__":
    sys.exit(main())
