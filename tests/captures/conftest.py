# SPDX-License-Identifier: BSD-3-Clause
"""What ``python3 -m ci test captures -- …`` takes."""

import pytest

MINUTES = 5.0
FRAMES = 2000


def pytest_addoption(parser: pytest.Parser) -> None:
    """How long, how much of each file, and which files."""
    group = parser.getgroup("captures")
    group.addoption("--minutes", type=float, default=MINUTES, help="how long at most [5]")
    group.addoption("--frames", type=int, default=FRAMES, help="so many frames of a file at most [2000]")
    group.addoption("--seed", type=int, default=1, help="makes the same mutations again [1]")
    group.addoption("--files", default="", help="only files whose names contain this")
