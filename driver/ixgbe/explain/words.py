# SPDX-License-Identifier: BSD-3-Clause
"""One language: its headings, reasons and answers."""

from collections.abc import Mapping
from dataclasses import dataclass

from driver.ixgbe.explain import en, ko, zh


@dataclass(frozen=True, slots=True)
class Words:
    """What one language says, by the keys of steps.py and questions.py.

    Attributes:
        head: Headings and the sentences between figures.
        why: Why a step is done.
        labels: What the kernel does at a label.
        not_steps: Why lines of the note have no step.
        answers: To the questions.
    """

    head: Mapping[str, str]
    why: Mapping[str, str]
    labels: Mapping[str, str]
    not_steps: Mapping[str, str]
    answers: Mapping[str, str]

    def say(self, key: str, **what: object) -> str:
        """A heading with its blanks filled in."""
        return self.head[key].format(**what)


LANGUAGES: dict[str, Words] = {
    name: Words(module.HEAD, module.WHY, module.LABELS, module.NOT_STEPS, module.ANSWERS)
    for name, module in (("en", en), ("zh", zh), ("ko", ko))
}
