# SPDX-License-Identifier: BSD-3-Clause
"""``driver probe --explain``: its options, and where what it says goes."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click

from driver.core.family import Explanation
from driver.errors import DriverError

FORMATS = ("text", "md")
LANGUAGES = ("en", "zh", "ko")
FC = TypeVar("FC", bound=Callable[..., Any])


class ProbeCommand(click.Command):
    """A command whose ``--explain`` may stand alone, wherever it stands."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse, with the usual format for an ``--explain`` without one."""
        return super().parse_args(ctx, [f"--explain={FORMATS[0]}" if word == "--explain" else word for word in args])


def options(command: FC) -> FC:
    """The options of an explanation."""
    for option in (
        click.option(
            "--trace-file", type=click.Path(dir_okay=False), metavar="FILE",
            help="Write every register access there, step by step, for `python -m device.trace`.",
        ),
        click.option("--out", type=click.Path(dir_okay=False), metavar="FILE", help="Write the explanation there."),
        click.option("--lang", type=click.Choice(LANGUAGES), help="Language of the explanation (en)."),
        click.option(
            "--explain", type=click.Choice(FORMATS), metavar="[=text|=md]",
            help="Say of each step what it reads and writes, why, and which lines of the kernel it stands for; "
            "=md: as a page with pictures.",
        ),
        click.option("--queues", type=click.IntRange(1, 64), help="Rx/Tx queue pairs to take vectors for."),
    ):  # fmt: skip
        command = option(command)
    return command


def _write(option: str, path: str, lines: Iterable[str]) -> None:
    try:
        Path(path).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    except OSError as exc:
        said = f"{option} {path}: {exc.strerror}; name a file that can be written, in a folder that is there"
        raise DriverError(said).with_errno(exc.errno) from exc


def check(explain: str | None, *, as_json: bool, lang: str | None, out: str | None) -> None:
    """See that the options fit together.

    Raises:
        click.UsageError: They do not.
    """
    for name, value in (("--lang", lang), ("--out", out)):
        if value and not explain:
            raise click.UsageError(f"{name} is about an explanation: give --explain too")
    if as_json and explain not in {None, FORMATS[0]}:
        raise click.UsageError(f"--json and --explain={explain} contradict each other: leave one out")


def tell(
    found: Explanation, explain: str | None, *, as_json: bool, lang: str, out: str | None, trace: str | None
) -> None:
    """Say what there is to say, where it is wanted.

    Raises:
        DriverError: The probe's own failure, after all was said; or a file cannot be written.
    """
    with found:
        if trace is not None:
            _write("--trace-file", trace, found.trace())
        if explain is not None:
            data = found.data(lang) if as_json else {}
            text = json.dumps(data, ensure_ascii=False) if as_json else _page(found, explain, lang)
            if found.failure is not None:
                found.failure.account = data
            if out is not None:
                _write("--out", out, [text.rstrip("\n")])
                click.echo(f"{out} is written", err=True)
            elif not (as_json and found.failure is not None):  # a failure's one JSON value is made of it
                click.echo(text.rstrip("\n"))
        if found.failure is not None:
            raise found.failure


def _page(found: Explanation, explain: str, lang: str) -> str:
    return found.markdown(lang) if explain == "md" else found.text(lang)
