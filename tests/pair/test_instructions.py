# SPDX-License-Identifier: BSD-3-Clause
"""No hot path grows by more than a tenth unseen: its instructions are counted, and compared with what was recorded."""

import os

import pytest

from ci import machine
from tests.bench import instructions

ANEW = "if that is meant, or the work counted is another: `python3 -m ci bench instructions --record`, and commit it"


@pytest.mark.skipif(
    "IXLAB_SANITIZED" in os.environ, reason="sanitized build: its instructions are not those of the product"
)
@pytest.mark.skipif(bool(machine.missing((machine.VALGRIND,))), reason="no valgrind here: apt install valgrind")
@pytest.mark.timeout(900)
def test_no_hot_path_costs_more_than_recorded() -> None:
    recorded = instructions.recorded()
    compiler = instructions.compiler()
    if compiler not in recorded:
        pytest.skip(f"no instructions are recorded for {compiler}; there are {', '.join(recorded)}")
    counts, _ = instructions.by_counting(timed=False)
    grown = instructions.grown(instructions.own(counts), recorded[compiler]["instructions"])
    assert not grown, "\n".join([*grown, ANEW])
