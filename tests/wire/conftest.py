# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures of the wire tier; every test has its own place for drivers' claims, and leaves no descriptor behind."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rigs.counts import fd_count
from tests.rigs.process import Run


@pytest.fixture(autouse=True)
def _claims_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Claims of tests do not meet those of the machine."""
    monkeypatch.setenv("IXLAB_RUN_DIR", str(tmp_path / "run"))


@pytest.fixture
def _no_fd_left(_claims_here: None) -> Iterator[None]:
    """This process has as many open files after the test as before."""
    gc.collect()
    before = fd_count()
    yield
    gc.collect()
    assert fd_count() == before


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """The device's command line in this process."""
    monkeypatch.setattr("device.__main__.raise_file_limit", lambda: None)
    return Run(capsys)
