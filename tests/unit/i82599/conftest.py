# SPDX-License-Identifier: BSD-3-Clause
"""A card with receive rings, made once a file and as new for each test; a file that wants it otherwise has its own."""

from collections.abc import Iterator

import pytest

from tests.rigs.rx import Rig


@pytest.fixture(scope="module")
def made() -> Iterator[Rig]:
    with Rig() as rig:
        yield rig


@pytest.fixture
def rig(made: Rig) -> Rig:
    made.renew()
    return made
