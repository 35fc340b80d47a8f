# SPDX-License-Identifier: BSD-3-Clause
"""The command line of virtual functions: ``up --vfs N``, ``vf NIC`` and ``vf NIC N WHAT …``."""

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import click

from driver.core.family import Nic
from driver.core.sriov import HasVfs
from driver.errors import DriverError
from driver.irq_commands import VFS_MAX
from driver.tables import out, print_table, rows

Ask = Callable[..., Any]  # a NIC and the words of a request; returns the running driver's answer
Decorator = Callable[[Callable[..., None]], Callable[..., None]]

# What behind NIC N: how many words it takes, and what they are.
CHANGES = {
    "mac": (range(1, 2), "ADDR|none"),
    "vlan": (range(1, 4), "VID [qos Q]"),
    "spoofchk": (range(1, 2), "on|off"),
    "trust": (range(1, 2), "on|off"),
    "query_rss": (range(1, 2), "on|off"),
    "rate": (range(2, 3), "MIN MAX"),
    "state": (range(1, 2), "auto|enable|disable"),
    "mirror": (range(1, 7), "off|uplink|downlink|pools LIST|vlans LIST ..."),
}
DECIDED = ("VF", "MAC", "VLAN", "spoofchk", "trust", "RSS", "state", "rate", "mirror of")
MAILBOX = ("messages", "refused", "restarts", "resets", "pings", "unread", "locks_taken", "floods")

vfs_option = click.option(
    *("--vfs",),
    type=click.IntRange(0, VFS_MAX),
    default=0,
    show_default=True,
    help="Have so many virtual functions; queues: 4 for each and for NIC itself up to 31 of them, 2 above.",
)


def with_vfs(nic: Nic, vfs: int) -> AbstractContextManager[None]:
    """Let a probed NIC have ``vfs`` virtual functions, which end with it.

    Raises:
        DriverError: It cannot.
    """
    if vfs:
        if not isinstance(nic, HasVfs):
            raise DriverError(f"a NIC of this kind has no VFs of its own: leave out --vfs {vfs}")
        nic.enable_vfs(vfs)
    return nullcontext()


def request_of(number: str | None, words: Sequence[str]) -> tuple[str, ...]:
    """The request of ``vf NIC [N WHAT WORDS]``.

    Raises:
        click.UsageError: No number, nothing to change, no such thing, or words too many or too few.
    """
    if number is None:
        return ("vf_table",)
    if not number.isdecimal():
        raise click.UsageError(f"{number!r} is no VF: give its number, as `driver vf NIC` shows them")
    if not words:
        raise click.UsageError(f"what of VF {number}? There are {', '.join(CHANGES)}; `driver vf NIC` shows all")
    what, *values = words
    if what not in CHANGES:
        raise click.UsageError(f"{what!r} cannot be changed; there are {', '.join(CHANGES)}")
    counts, usage = CHANGES[what]
    if len(values) not in counts:
        raise click.UsageError(f"it is `vf NIC {number} {what} {usage}`, not {len(values)} words behind {what}")
    return ("vf_set", number, what, *values)


def _vlan(row: dict[str, Any]) -> str:
    return f"{row['vlan']} qos {row['qos']}" if row["qos"] else str(row["vlan"] or "")


def _decided(row: dict[str, Any]) -> tuple[object, ...]:
    given = "*" if row["mac_set"] else ""
    rate = f"{row['max_mbps']} Mb/s" if row["max_mbps"] else ""
    switches = (row["spoofchk"], row["trust"], row["query_rss"])
    return str(row["vf"]), f"{row['mac'] or 'none'}{given}", _vlan(row), *switches, row["state"], rate, row["mirror"]


def _asked(row: dict[str, Any]) -> tuple[object, ...]:
    more = ", ".join(
        part
        for part in (
            f"VLANs {','.join(map(str, row['vlans']))}" if row["vlans"] else "",
            f"{row['multicast']} multicast" if row["multicast"] else "",
            f"{len(row['macvlans'])} addresses" if row["macvlans"] else "",
            f"frames of {row['max_frame']}" if row["max_frame"] else "",
        )
        if part
    )
    api = row["api"] if row["ready"] else "none yet"
    return str(row["vf"]), api, row["xcast"], more, row["receives"], row["sends"], row["refused"]


def _counted(row: dict[str, Any]) -> tuple[object, ...]:
    traffic = (row[name] for name in ("rx_packets", "rx_bytes", "rx_multicast", "tx_packets", "tx_bytes"))
    boxes = " ".join(f"{name} {row['mailbox'][name]}" for name in MAILBOX if row["mailbox"].get(name))
    return str(row["vf"]), *traffic, boxes


def _show(found: dict[str, Any], nic: str) -> None:
    vfs = found["vfs"]
    up = "" if found["up"] else "; the port is down, and they with it"
    print_table(
        out,
        f"{nic}: {len(vfs)} VFs of {found['queues']} queues each, the port has pool {found['port_pool']} "
        f"(queue {found['port_queue']} on){up}; spoofed frames dropped: {found['spoofed']}",
        rows(DECIDED, map(_decided, vfs), whole=("MAC", "VLAN")),
    )
    if any(row["mac_set"] for row in vfs):
        out.print("* set here; the others are their drivers' own")
    heads = ("VF", "API", "takes", "and asked for", "receives", "sends", "refused last")
    print_table(out, "what their drivers asked for", rows(heads, map(_asked, vfs)))
    heads = ("VF", "Rx packets", "Rx bytes", "multicast", "Tx packets", "Tx bytes", "mailbox")
    print_table(out, "what they did", rows(heads, map(_counted, vfs)))


def vf_command(ask: Ask, nic_argument: Decorator, json_option: Decorator) -> click.Command:
    """The command ``vf``.

    Args:
        ask: Asks the driver that holds a NIC.
        nic_argument: The NIC, as every command has it.
        json_option: ``--json``, likewise.
    """

    @click.command(name="vf")
    @nic_argument
    @click.argument("number", required=False, metavar="[N")
    @click.argument("words", nargs=-1, metavar="WHAT ...]")
    @json_option
    def vf(nic: str, number: str | None, words: tuple[str, ...], as_json: bool) -> None:
        r"""Show a running NIC's virtual functions, or change something of VF N, as `ip link set NIC vf N` does.

        \b
        mac ADDR|none         its address; none: its own choice
        vlan VID [qos Q]      all of its frames are in this VLAN, unseen by it; 0: none
        spoofchk on|off       drop frames from addresses and VLANs that are not its own
        trust on|off          it may change its address, and have all multicast
        query_rss on|off      it may read the RSS table and key of the port
        rate MIN MAX          Mb/s that it may send; MIN is 0, MAX 0 means no limit
        state auto|enable|disable
        mirror off, or of what it gets a copy: uplink, downlink, pools 0,2,pf, vlans 10,20
        """
        found = ask(nic, *request_of(number, words))
        if as_json:
            click.echo(json.dumps(found))
        elif number is None:
            _show(found, nic)
        else:
            _, _, what, *_ = request_of(number, words)
            value = " ".join(words[1:])
            waits = (
                "" if found["ready"] or what not in {"mac", "vlan", "trust", "state"} else "; its driver starts anew"
            )
            click.echo(f"VF {number}: {what} {value}{waits}")

    return vf
