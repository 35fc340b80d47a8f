# SPDX-License-Identifier: BSD-3-Clause
"""A probe that explains itself: ``explain`` probes a function and keeps all that was done to it and why.

steps.py says what each step stands for in the kernel and in the seed note, questions.py what the notes' authors asked;
en.py, zh.py and ko.py have the sentences.  What was read and written is listened to (record.py), never written by hand.
"""

from collections.abc import Iterator
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from device.regs import show
from driver.doors.door import Door
from driver.errors import DriverError
from driver.ixgbe.adapter import Adapter
from driver.ixgbe.explain import account, page, pictures, terminal
from driver.ixgbe.explain.record import Recorder
from driver.ixgbe.explain.words import LANGUAGES
from driver.ixgbe.probe import STEPS, ProbeOptions, probe

__all__ = ["LANGUAGES", "Explained", "explain"]


class Explained:
    """A probe and its explanation; ends with ``close``, which lets the function go.

    Attributes:
        failure: Why the probe ended early; None if it did not.
    """

    def __init__(self, nic: str, recorder: Recorder, adapter: Adapter | None, failure: DriverError | None) -> None:
        """What came of a probe of ``nic``."""
        self.nic = nic
        self.recorder = recorder
        self.adapter = adapter
        self.failure = failure

    def data(self, language: str = "en") -> dict[str, Any]:
        """All of it as plain data."""
        words = LANGUAGES[language]
        found: dict[str, Any] = {
            "nic": self.nic,
            "steps": [account.step(section, words) for section in self.recorder.steps],
            "failure": None,
            "vectors": [],
            "one_irq": "",
            "skipped": account.skipped(words),
        }
        if self.failure is not None:
            steps = self.recorder.steps
            found["failure"] = account.failure(self.failure, steps[-1], self.recorder.undone, words)
        if self.adapter is not None:
            kind = self.adapter.scheme.kind
            found["vectors"] = account.vectors(self.adapter)
            found["one_irq"] = kind.name if kind is not None and not self.adapter.scheme.msix else ""
        return found

    def text(self, language: str = "en") -> str:
        """For a terminal of 80 columns."""
        return terminal.text(self.data(language), LANGUAGES[language])

    def markdown(self, language: str = "en") -> str:
        """A page with pictures."""
        words, data = LANGUAGES[language], self.data(language)
        drawn = {"sequence": pictures.sequence(self.recorder.steps, words)}
        if self.adapter is not None:
            drawn["memory"] = pictures.memory(self.adapter, words)
            drawn["rings"] = pictures.rings(data["vectors"], words)
        seen = account.fields_seen(self.recorder.steps)
        meanings = [
            (f"{register.NAME}.{name}", show.bits(register.FIELDS[name]), meaning)
            for register, name in seen
            if (meaning := show.meaning(register, name))
        ]
        return page.markdown(data, meanings, drawn, words)

    def trace(self) -> Iterator[str]:
        """Every access to BAR 0 as a line of a trace, which ``python -m device.trace`` reads; steps are marked."""
        for section in self.recorder.steps:
            yield f"# step {section.name}"
            for touch in section.touches:
                if touch.register is not None and touch.register.__module__.startswith("device.regs.i82599"):
                    offset = touch.register.offset(touch.n)
                    name = f"{touch.name}[{touch.n}]" if touch.register.count > 1 else touch.name
                    yield f"{touch.kind} {offset:#07x} 4 {touch.value:#010x} {name}"

    def close(self) -> None:
        """Let the function go; safe to call twice."""
        if self.adapter is not None:
            self.adapter.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def explain(door: Door, options: ProbeOptions | None = None) -> Explained:
    """Probe the function behind ``door`` and listen.

    The door belongs to the probe from now on.  A failure is not raised: it is in ``failure``, and explained.

    Args:
        door: The function.
        options: The user's decisions.
    """
    recorder = Recorder()
    listening = replace(options or ProbeOptions(), make_bar=recorder.bar)
    adapter, failure = None, None
    try:
        adapter = probe(recorder.door(door), listening, steps=recorder.listen(STEPS))
    except DriverError as exc:
        failure = exc
    recorder.finish()
    return Explained(door.name, recorder, adapter, failure)
