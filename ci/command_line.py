# SPDX-License-Identifier: BSD-3-Clause
"""What ``python3 -m ci`` understands: its steps and their options.  Stdlib only: it is asked before set-up, too."""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ci import pins, vm_step, wheel

PROGRAM = "python3 -m ci"
TIERS = ("unit", "pair", "wire", "host", "boot")
QUICK = "quick"
SOAK, FUZZ, CHAOS, CAPTURES = "soak", "fuzz", "chaos", "captures"
ALONE = (QUICK, SOAK, FUZZ, CHAOS, CAPTURES)  # only by their names
BENCHES = {
    "loop": "frames out through the NIC and back, beside a ring in shared memory",
    "latency": "one frame out and back, beside two eventfds",
    "idle": "CPU while nothing happens",
    "scale": "1 to 64 queues, 1 to 63 virtual functions",
    "netdev": "TCP and ping through the interface, beside a relay between two taps",
    "vm": "stock ixgbe in a guest, beside QEMU's own NICs",
    "itr": "interrupts, intervals and polling compared",
    "vfs": "what many virtual functions cost",
    "instructions": "count them, in place of time",
}
ROUNDS_MOST = 1000
SHELLS = ("bash", "zsh", "fish")

Options = Callable[[argparse.ArgumentParser], None]


@dataclass(frozen=True)
class Step:
    """One step of this house.

    Attributes:
        what: What it does, in a line.
        options: Adds its arguments to its parser.
        more: What else ``--help`` says, below the arguments.
    """

    what: str
    options: Options = lambda _parser: None
    more: str = ""


def _test(parser: argparse.ArgumentParser) -> None:
    parser.usage = f"{PROGRAM} test [-h] [TIER …] [-- ARG …]"
    listed = f"{', '.join((*TIERS, *ALONE))}; without any: {len(TIERS)} tiers, lint, sanitizers"
    parser.add_argument("tiers", nargs="*", metavar="TIER", help=listed)


def _demo(parser: argparse.ArgumentParser) -> None:
    what = "vfs: one card, three drivers: its physical function's and those of two virtual functions"
    parser.add_argument("what", nargs="?", choices=["vfs"], help=what)


def _stubs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true", help="write nothing; fail if one is not current")


def _rounds(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= ROUNDS_MOST):
        raise argparse.ArgumentTypeError(f"{text!r}: a number from 1 to {ROUNDS_MOST} is wanted")
    return int(text)


def _bench(parser: argparse.ArgumentParser) -> None:
    listed = "; ".join(f"{name}: {what}" for name, what in BENCHES.items())
    parser.add_argument("what", nargs="?", choices=list(BENCHES), metavar="WHAT", help=listed)
    parser.add_argument("--rounds", type=_rounds, metavar="N", help="how often everything is measured in turn")
    parser.add_argument("--quick", action="store_true", help="one short round: to see that it runs")
    parser.add_argument("--plot", type=Path, metavar="PATH", help="draw it: itr: FILE.svg; loop, scale: a folder")
    parser.add_argument("--record", action="store_true", help="with instructions: they are what tests compare with")
    parser.add_argument("--json", action="store_true", help="one JSON value on stdout, for programs")


def _completion(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, help="whose script is wanted")


def _man(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the pages go; made if not there")


STEPS: dict[str, Step] = {
    "setup": Step("make .venv, libvfio-user and the C extensions; nothing to do the second time"),
    "demo": Step("the NIC, its driver and real TCP between two namespaces, in about a minute", _demo),
    "vm": Step("a Debian guest with the NIC in it, under QEMU: a shell, or one command", vm_step.options, vm_step.MORE),
    "test": Step(
        f"everything CI runs; `test {QUICK}`: a part of it in minutes, no guest; `test unit …`: some tiers",
        _test,
        f"""\
{QUICK}   unit, pair, wire and host but for what is slow and most of many cases: for who changed one thing
{SOAK}    stock ixgbe under traffic and random changes, for ten minutes
{FUZZ}    libFuzzer on the device's C, with ASan and UBSan, for ten minutes
{CHAOS}   hostile clients, signals and storms beside one honest stream; `-- --minutes M --seed N`
{CAPTURES}
        frames of public captures, fetched with apt, through both ways of the device; `-- --minutes M --files TEXT`
ARG     for pytest, such as `-- -k wrap -x`; without a tier: for each of them""",
    ),
    "lint": Step("ruff, mypy --strict, generated files current"),
    "stubs": Step("write the .pyi files of the C modules anew, after their declarations changed", _stubs),
    "sanitize": Step("the unit and pair tiers on C built with ASan and UBSan"),
    "bench": Step("speed, as ratios measured in one run; or what a frame and a register access cost", _bench),
    "wheel": Step("the wheel and the sdist, tried in clean environments; `--out DIR`: leave them there", wheel.options),
    "pins": Step("write ci/requirements.txt anew from pyproject.toml, with the hashes of every file", pins.options),
    "completion": Step(
        "print what makes a shell complete ixlab-device, ixlab-driver and, in bash, `python3 -m …`",
        _completion,
        f"""\
bash    eval "$({PROGRAM} completion bash)"
zsh     eval "$({PROGRAM} completion zsh)"
fish    {PROGRAM} completion fish | source""",
    ),
    "man": Step("write the manual pages of ixlab-device and ixlab-driver", _man),
    "clean": Step("remove what set-up and tests made in the checkout"),
}


def usage() -> str:
    """Return the list of steps."""
    width = max(map(len, STEPS))
    lines = [f"  {PROGRAM} {name:<{width}}  {step.what}" for name, step in STEPS.items()]
    last = f"`{PROGRAM} STEP --help` says what else a step takes."
    return "\n".join(["ixlab: an Intel 82599 you can boot, break and read", "", *lines, "", last])


class _Parser(argparse.ArgumentParser):
    """The list of steps is the help of the whole."""

    def format_help(self) -> str:
        """Return the list of steps."""
        return usage() + "\n"


class _Version(argparse.Action):
    """`--version`: the checkout's, with git's name for it."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Say it, and end."""
        from device.regs.version import version

        print(f"ixlab {version()}")
        parser.exit()


def parser() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """Return what reads a whole command line, and each step's part of it."""
    whole = _Parser(prog=PROGRAM, usage=f"{PROGRAM} STEP …", add_help=True)
    whole.add_argument("--version", action=_Version, nargs=0)
    commands = whole.add_subparsers(dest="step", metavar="STEP", parser_class=argparse.ArgumentParser)
    steps = {}
    for name, step in STEPS.items():
        steps[name] = commands.add_parser(
            name,
            prog=f"{PROGRAM} {name}",
            description=step.what,
            epilog=step.more,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        step.options(steps[name])
    return whole, steps


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read a command line; prints help, or what is wrong with it, and exits if that is all there is to do.

    Returns:
        ``step`` and its options; ``words``, the command line as it was; ``pytest``, what follows ``--`` of ``test``.
    """
    words, more = list(arguments), []
    if words[:1] == ["test"] and "--" in words:
        at = words.index("--")
        words, more = words[:at], words[at + 1 :]
    if words[:1] in ([], ["help"]):
        words = ["--help"]
    if words[0] not in STEPS and not words[0].startswith("-"):
        sys.stderr.write(f"ci: no step called {words[0]!r}\n\n{usage()}\n")
        raise SystemExit(2)
    asked = parser()[0].parse_args(words)
    asked.words, asked.pytest = list(arguments), more
    return asked
