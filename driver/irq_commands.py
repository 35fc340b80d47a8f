# SPDX-License-Identifier: BSD-3-Clause
"""The command line of interrupt vectors: the options of ``up``, and ``irq NIC add|free|fire|table|affinity``."""

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from driver.core.irq import Policy
from driver.core.threads import CPUS_MAX
from driver.core.vector_options import Like, VectorOptions
from driver.tables import out, print_table, rows

FC = TypeVar("FC", bound=Callable[..., Any])
Ask = Callable[..., Any]  # a NIC and the words of a request; returns the running driver's answer

VECTORS_MAX = 2048  # of any MSI-X table
VFS_MAX = 63
LIKE = {"ixgbe": Like.OWN, "ice": Like.ICE}

OPTIONS = (
    click.option(
        *("--vectors",),
        type=click.IntRange(1, VECTORS_MAX),
        help="MSI-X vectors to ask for, that of everything but queues included; 1 is too few, and takes MSI.",
    ),
    click.option(
        *("--cpus",),
        type=click.IntRange(1, CPUS_MAX),
        help="Reckon with so many online CPUs: no more queue vectors than that. Without it each pair has a vector.",
    ),
    click.option(
        *("--xdp-rings",),
        type=click.IntRange(0),
        default=0,
        show_default=True,
        help="Tx rings beside those of the interface, for XDP programs.",
    ),
    click.option(
        *("--vectors-like", "like"),
        type=click.Choice(list(LIKE)),
        default="ixgbe",
        show_default=True,
        help="Whose way of sharing out vectors.",
    ),
    click.option(
        *("--irq-policy", "policy"),
        type=click.Choice([policy.value for policy in Policy]),
        help="ice's way: whose tracker, that of Linux 6.7 to 6.9 (seed) or of 6.12 (the default).",
    ),
    click.option(
        *("--reserve-vfs",),
        type=click.IntRange(0, VFS_MAX),
        default=0,
        show_default=True,
        help="ice's way: keep the top of the table for so many VFs.",
    ),
)

# What behind NIC: how many words it takes, and what they are.
ACTIONS = {
    "table": (range(1), ""),
    "add": (range(2), "[INDEX]"),
    "free": (range(1, 2), "INDEX"),
    "fire": (range(1, 2), "INDEX"),
    "affinity": (range(2, 3), "VECTOR CPUS"),
}


def vector_options(command: FC) -> FC:
    """The options, each as an argument of its own; ``wanted`` makes one thing of them."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def wanted(options: dict[str, Any], vfs_made: int = 0) -> VectorOptions:
    """What ``vector_options`` gave.

    Args:
        options: Theirs.
        vfs_made: Virtual functions that there will be: in ice's way the top of the table is kept for them.

    Raises:
        click.UsageError: They contradict.
    """
    like, policy, vfs = LIKE[options["like"]], options["policy"], options["reserve_vfs"]
    if vfs and vfs_made and vfs != vfs_made:
        raise click.UsageError(f"--reserve-vfs {vfs} and --vfs {vfs_made}: the vectors kept are those of the VFs made")
    if like is not Like.ICE:
        for name, given in (("--irq-policy", policy), ("--reserve-vfs", vfs)):
            if given:
                raise click.UsageError(f"{name} is for ice's way; add --vectors-like ice, or leave it out")
    return VectorOptions(
        vectors=options["vectors"],
        cpus=options["cpus"],
        xdp_rings=options["xdp_rings"],
        like=like,
        policy=Policy(policy) if policy else Policy.V6_12,
        reserve_vfs=vfs or (vfs_made if like is Like.ICE else 0),
    )


def request_of(action: str, words: Sequence[str]) -> tuple[str, ...]:
    """The request of ``irq NIC ACTION WORDS``.

    Raises:
        click.UsageError: Words too many or too few, or no number where one is wanted.
    """
    counts, usage = ACTIONS[action]
    if len(words) not in counts:
        line = f"irq NIC {action} {usage}".rstrip()
        raise click.UsageError(f"it is `{line}`, not {len(words)} words behind {action}")
    if words and not words[0].isdecimal():
        raise click.UsageError(f"{words[0]!r} is no vector: give its number, as `irq NIC table` shows them")
    return (f"irq_{action}", *words)


def _row(row: dict[str, Any]) -> tuple[object, ...]:
    node = "" if row.get("node", -1) < 0 else str(row["node"])
    return str(row["index"]), row["kind"], row["owner"] or "nobody", row.get("cpus", ""), node, row["fired"]


def _moved(found: dict[str, Any]) -> str:
    where = f"its thread is on {found['cpu']}" if found["cpu"] else found["not_pinned"]
    return f"vector {found['vector']} prefers CPUs {found['affinity']}: {where}"


def _show_table(found: dict[str, Any], as_json: bool, nic: str) -> None:
    if as_json:
        click.echo(json.dumps(found))
        return
    columns = ("index", "kind", "owner", "CPUs", "node", "fired")
    print_table(out, f"{nic}: {found['interrupts']} vectors", rows(columns, map(_row, found["vectors"])))
    if "table_len" in found:
        adds = "others can be added" if found["dynamic"] else "none can be added while it runs"
        kept = f", {found['reserved_from']} and up kept for VFs" if found["reserved_from"] else ""
        click.echo(
            f"a table of {found['table_len']}: {found['static']} static, {adds} (policy {found['policy']}){kept}; "
            f"free: {found['free'] or 'none'}"
        )
    fields = ("vsi", "rx", "tx", "xdp", "reg_idx", "napi")
    heads = ("VSI", "Rx queues", "Tx queues", "XDP", "reg_idx", "NAPI added")
    print_table(out, "VSIs", rows(heads, [[vsi[field] for field in fields] for vsi in found["vsis"]]))
    notes = {vsi["vsi"].split()[0]: vsi["note"] for vsi in found["vsis"] if vsi["note"]}
    for name, note in {**notes, **found["absent"]}.items():
        click.echo(f"{name}: {note}")


Decorator = Callable[[Callable[..., None]], Callable[..., None]]


def irq_command(ask: Ask, nic_argument: Decorator, json_option: Decorator) -> click.Command:
    """The command ``irq``.

    Args:
        ask: Asks the driver that holds a NIC.
        nic_argument: The NIC, as every command has it.
        json_option: ``--json``, likewise.
    """

    @click.command(name="irq")
    @nic_argument
    @click.argument("action", type=click.Choice(list(ACTIONS)))
    @click.argument("words", nargs=-1)
    @json_option
    def irq(nic: str, action: str, words: tuple[str, ...], as_json: bool) -> None:
        """Show a running NIC's interrupt vectors, arm or free one, let one fire, or move one.

        `table` says who has which vector and what fired; `add [INDEX]` arms one beside those that run; `free INDEX`
        gives back one that was added; `fire INDEX` lets the NIC fire one; `affinity VECTOR CPUS` has a vector served on
        these CPUs, such as 0-1,3.
        """
        found = ask(nic, *request_of(action, words))
        if action == "table":
            _show_table(found, as_json, nic)
            return
        said = {
            "add": lambda: f"vector {found['index']} is armed",
            "free": lambda: f"vector {found['index']} is free",
            "affinity": lambda: _moved(found),
            "fire": lambda: f"vector {found['index']} was told to fire; it had fired {found['fired_before']} times",
        }
        click.echo(json.dumps(found) if as_json else said[action]())

    return irq
