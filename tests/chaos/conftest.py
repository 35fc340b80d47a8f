# SPDX-License-Identifier: BSD-3-Clause
"""What ``python3 -m ci test chaos -- …`` takes."""

from random import SystemRandom

import pytest

MINUTES = 5.0


def pytest_addoption(parser: pytest.Parser) -> None:
    """How long, and which."""
    group = parser.getgroup("chaos")
    group.addoption("--minutes", type=float, default=MINUTES, help="how long [5]")
    group.addoption("--seed", type=int, default=SystemRandom().randrange(1 << 32), help="makes it the same again")
    group.addoption("--moves", default="", help="only moves whose names contain this")
