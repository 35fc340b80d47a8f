# SPDX-License-Identifier: BSD-3-Clause
"""What ``python3 -m ci test fuzz -- …`` takes."""

import pytest

SECONDS = 600


def pytest_addoption(parser: pytest.Parser) -> None:
    """How long, and whether what was found is kept."""
    group = parser.getgroup("fuzz")
    group.addoption("--seconds", type=int, default=SECONDS, help="how long the fuzzers run, both at once [600]")
    group.addoption("--keep", action="store_true", help="write the corpus, made small, back to tests/data/fuzz")
