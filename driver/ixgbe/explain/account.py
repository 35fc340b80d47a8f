# SPDX-License-Identifier: BSD-3-Clause
"""An explained probe as plain data, for programs and for both ways of showing it (terminal.py, page.py)."""

import errno
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from device.regs.core import Register
from device.regs.fold import Part, Run, Touch, described, fold, is_sweep
from driver.core.vsi import VsiType
from driver.errors import DeviceGone, DriverError, errno_name
from driver.ixgbe.adapter import Adapter
from driver.ixgbe.explain.questions import QUESTIONS, of_lines, of_step
from driver.ixgbe.explain.record import CAPABILITIES, Section
from driver.ixgbe.explain.steps import NOT_STEPS, OURS, STANDS, UNDOES, falls_through
from driver.ixgbe.explain.words import Words

ALL_ONES = 0xFFFFFFFF
SWEEP_MIN = 3  # so many counters in a row are one line
WALK = ("PCI_STATUS", "PCI_CAP_PTR", CAPABILITIES)  # what is read to find a capability
Item = dict[str, Any]


def _values(run: Run, kind: Any) -> Item:
    seen = run.seen[kind]
    all_ones = (1 << run.register.WIDTH) - 1 if run.register is not None else ALL_ONES
    return {
        "times": run.counts[kind],
        "values": seen,
        "fields": "" if seen == [all_ones] else described(run.register, seen),
    }


def _item(part: Part) -> Item:
    if not isinstance(part, Run):
        return {"turns": part.turns, "body": list(_items(part.body))}
    found: Item = {"register": part.title, "op": part.kinds, "instances": len(part.instances)}
    for kind, name in (("R", "read"), ("W", "wrote")):
        if kind in part.counts:
            found[name] = _values(part, kind)
    return found


def _sweep(parts: list[Part]) -> Item:
    runs = [run for part in parts for run in part.runs()]
    values = [value for run in runs for value in run.seen["R"]]
    return {
        "counters": sum(len(run.instances) for run in runs),
        "first": runs[0].name,
        "last": runs[-1].name,
        "fields": described(None, values),
    }


def _without_walks(parts: Sequence[Part]) -> Iterator[Part | Item]:
    at = 0
    while at < len(parts):
        walk = [part for part in parts[at : at + len(WALK)] if isinstance(part, Run) and part.kinds == "R"]
        if tuple(part.name for part in walk) == WALK:
            yield {"walk": sum(part.accesses for part in walk)}
            at += len(WALK)
        else:
            yield parts[at]
            at += 1


def _items(parts: Sequence[Part]) -> Iterator[Item]:
    counters: list[Part] = []
    for part in [*_without_walks(parts), None]:
        if part is not None and not isinstance(part, dict) and is_sweep(part):
            counters.append(part)
            continue
        if sum(1 for one in counters for _ in one.runs()) >= SWEEP_MIN:
            yield _sweep(counters)
        else:
            yield from map(_item, counters)
        counters = []
        if part is not None:
            yield part if isinstance(part, dict) else _item(part)


def touched(does: Iterable[Touch | str]) -> list[Item]:
    """Accesses folded, and what was asked of the door where it was asked."""
    found: list[Item] = []
    touches: list[Touch] = []
    for what in [*does, ""]:
        if isinstance(what, Touch):
            touches.append(what)
            continue
        found += _items(fold(touches))
        touches = []
        if what:
            found.append({"door": what})
    return found


def _question(key: str, words: Words) -> Item:
    asked = QUESTIONS[key]
    return {"line": asked.line, "quote": asked.quote, "answer": words.answers[key]}


def step(section: Section, words: Words) -> Item:
    """One step: what it stands for, what it did, and why."""
    stands = STANDS[section.name]
    return {
        "step": section.name,
        "kernel": stands.kernel,
        "note_lines": [list(lines) for lines in stands.lines],
        "found": section.detail,
        "why": words.why[section.name],
        "touched": touched(section.does),
        "undo": list(section.undo),
        "label": stands.label,
        "jump_line": stands.jump or None,
        "questions": [_question(key, words) for key in of_step(section.name)],
    }


def failure(error: DriverError, section: Section, undone: Iterable[Section], words: Words) -> Item:
    """A probe that ended early: where the kernel would jump, and what was undone in which order.

    A function that is gone has no errno of its own here; ixgbe_probe makes EIO of it.
    """
    stands, names = STANDS[section.name], list(STANDS)
    return {
        "step": section.name,
        "errno": error.errno_name or (errno_name(errno.EIO) if isinstance(error, DeviceGone) else ""),
        "message": str(error),
        "label": stands.label,
        "jump_line": stands.jump or None,
        "kernel_undoes": [
            {"label": label, "functions": list(UNDOES[label]), "what": words.labels[label]}
            for label in falls_through(stands.label)
        ],
        "not_reached": names[names.index(section.name) + 1 :],
        "undone": [
            {"what": one.name, "label": OURS.get(one.name, ""), "touched": touched(one.does), "failed": one.detail}
            for one in undone
        ],
    }


def vectors(adapter: Adapter) -> list[Item]:
    """The vectors as they are now, VSI by VSI: their rings and CPUs; the last one may serve everything else."""
    found: list[Item] = [
        {
            "vsi": VsiType(vsi.kind).name,
            "vector": q_vector.v_idx,
            "reg_idx": q_vector.reg_idx,
            "cpus": sorted(q_vector.affinity),
            "rx": [vsi.rxq_map[queue] for queue in q_vector.rx_container.queues],
            "tx": [vsi.txq_map[queue] for queue in q_vector.tx_container.queues],
            "xdp": list(q_vector.xdp_queues),
        }
        for vsi in adapter.scheme.vsis
        for q_vector in vsi.live_q_vectors
    ]
    if adapter.other_vector is not None:
        found.append({"vsi": "", "vector": None, "reg_idx": adapter.other_vector, "cpus": []})
    return found


def skipped(words: Words) -> list[Item]:
    """Lines of the note that no step does, and why."""
    return [
        {
            "lines": [first, last],
            "why": words.not_steps[name],
            "questions": [_question(key, words) for key in of_lines(first, last)],
        }
        for (first, last), name in NOT_STEPS.items()
    ]


def fields_seen(sections: Iterable[Section]) -> list[tuple[type[Register], str]]:
    """Every field of a register in BAR 0 that was not 0 in an access, in the order in which it was seen first."""
    found: dict[tuple[type[Register], str], None] = {}
    for section in sections:
        for touch in section.touches:
            if touch.register is None or touch.value == ALL_ONES:
                continue
            for name, field in touch.register.FIELDS.items():
                if touch.value & field.mask:
                    found.setdefault((touch.register, name))
    return list(found)
