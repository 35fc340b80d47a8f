# SPDX-License-Identifier: BSD-3-Clause
"""docs/branches.md, made of what the scenarios gave."""

from collections.abc import Iterator, Sequence

from tests.rigs.branches import GONE, Scenario, Seen, run
from tests.rigs.branches_ice import ALLOC_IRQ, Q_VECTOR, IceScenario
from tests.rigs.branches_live import LIVE
from tests.rigs.branches_probe import PROBE

HEAD = """# The probe, to its last branch

<!-- Made of what its scenarios give: python -m tests.rigs.branches --write; tests/pair/test_branches.py says when it is
old. -->

Each branch of `ixgbe_probe`, as the note prints it, with what reaches it (`--fault NAME` of the device, or a cause that
is no fault of the card), what our driver says, and what it takes back, in that order. Nothing is left each time: no
mapping, no claim, no file, no bus master, no interrupt, no driver-loaded bit; and once the fault has ended the same
card is probed and closed again. **Stock ixgbe** is what Linux's driver logs: the text is that of 6.12, and in brackets
is the kernel that was seen to do so.

"""
ICE_HEAD = """
## ice_vsi_alloc_q_vector and ice_alloc_irq

On the vectors, VSIs and trackers of `driver/core` and a table of {table} vectors, {static} of them static.

"""
LIVE_HEAD = """
## Faults of a port that runs

"""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield _row(head)
    yield "|" + " --- |" * len(head)
    yield from (_row(row) for row in rows)


def _probe_row(scenario: Scenario, seen: Seen) -> list[str]:
    reached = ", ".join(f"`{fault}`" for fault in scenario.faults) or scenario.cause
    errno = "the function is gone (-EIO)" if seen.failed == GONE else f"-{seen.failed}"
    ours = f"{errno} at `{seen.step}`" if seen.failed else f"goes on (`{seen.step}`)"
    stock = f"{scenario.stock or 'nothing'} ({scenario.ran})"
    return [scenario.branch, scenario.label, reached, ours, seen.said, ", ".join(seen.undone) or "-", stock]


def _ice_rows(scenarios: Sequence[IceScenario]) -> list[list[str]]:
    rows = []
    for scenario in scenarios:
        seen = scenario.run()
        held = ", ".join(map(str, seen.held)) or "none"
        rows.append([scenario.branch, scenario.label, scenario.cause, seen.errno, seen.said, held])
    return rows


def markdown() -> str:
    """The page; runs every scenario."""
    probe_head = ("branch", "the kernel goes to", "reached by", "our driver", "it says", "taken back", "stock ixgbe")
    lines = [HEAD, *_table(probe_head, [_probe_row(scenario, run(scenario)) for scenario in PROBE])]
    lines.append(ICE_HEAD.format(table=8, static=4).rstrip("\n") + "\n")
    ice_head = ("branch", "the kernel goes to", "reached by", "returned", "seen", "vectors held then")
    for title, scenarios in (("`ice_vsi_alloc_q_vector`", Q_VECTOR), ("`ice_alloc_irq`", ALLOC_IRQ)):
        lines += [f"### {title}", "", *_table(ice_head, _ice_rows(scenarios)), ""]
    lines.append(LIVE_HEAD.strip("\n") + "\n")
    for live in LIVE:
        lines += [f"**`{live.fault}`** ({live.kernel})", "", *(f"1. {told}" for told in live.run()), ""]
        lines += [
            f"Stock ixgbe (6.12): {live.stock or 'nothing'}; once the fault is over, pings are answered again.",
            "",
        ]
    return "\n".join(lines).rstrip("\n") + "\n"
