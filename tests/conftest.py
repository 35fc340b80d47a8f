# SPDX-License-Identifier: BSD-3-Clause
"""Rules for every tier: a skip has a reason, and under CI only the listed reasons are good ones."""

import importlib.util
import logging
import os
import signal
from collections.abc import Generator
from pathlib import Path

import pytest

from ci import net

ROOT = Path(__file__).resolve().parent.parent

# Skips that CI accepts, by the start of their reason, with why.
CI_SKIPS: dict[str, str] = {
    "no instructions are recorded for": "each compiler makes others; they are recorded with the one at hand",
    "no matplotlib": "it is for plots only; nobody else wants it",
    "sanitized build": "the extensions under ASan leave out device._vfu; the wire tier covers it unsanitized",
    "IXLAB_NOTES": "the seed notes are their authors', not in the repository; the cited lines are (note-lines.txt)",
}

WITHOUT_VFU = "no device._vfu: set-up could not get libvfio-user's source here (`python3 -m ci setup` says why)"

_bad_skips: list[str] = []


def pytest_configure() -> None:
    """Take signals as from a terminal: under nohup or `&` in a script some are ignored, by all that tests start too."""
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)  # a guest has no pytest-xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Share the tests between processes by our rule; pytest-xdist's own groups do nothing under pytest 9.2."""
    from tests.groups import scheduler

    return scheduler(config, log)


@pytest.hookimpl(tryfirst=True)  # before -m looks at the markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Report as skips what cannot run here, and why."""
    from tests.groups import left_out_of_quick

    left_out = left_out_of_quick([item.nodeid for item in items])
    for item in items:
        if item.nodeid in left_out:
            item.add_marker(pytest.mark.slow)
    lacking = net.lacking()
    if not lacking and not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        lacking = "no /dev/net/tun"
    if lacking:
        for item in items:
            if item.get_closest_marker("root"):
                item.add_marker(pytest.mark.skip(reason=f"{lacking}: this test makes taps and network namespaces"))
    if os.environ.get("PYTEST_XDIST_WORKER"):
        from tests.groups import longest_first

        place = {node: at for at, node in enumerate(longest_first([item.nodeid for item in items]))}
        items.sort(key=lambda item: place[item.nodeid])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """Take away the root log's handlers that a command run in this process leaves: they write to its closed stderr."""
    root = logging.getLogger()
    handlers, level = tuple(root.handlers), root.level
    try:
        return (yield)
    finally:
        for handler in tuple(root.handlers):
            if handler not in handlers:
                root.removeHandler(handler)
        root.setLevel(level)


class Unbuilt(pytest.Module):
    """A file of tests for a part that could not be built here: one skip, with the reason, instead of an error."""

    def collect(self) -> list[pytest.Item | pytest.Collector]:
        """Skip the file."""
        raise pytest.skip.Exception(WITHOUT_VFU, allow_module_level=True)


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Skip what needs a device on a socket where set-up found no libvfio-user for it."""
    needs = {"wire", "host", "boot"} & set(module_path.relative_to(ROOT / "tests").parts)
    if needs and os.environ.get("IXLAB_SANITIZED") is None and importlib.util.find_spec("device._vfu") is None:
        return Unbuilt.from_parent(parent, path=module_path)
    return None


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember skips whose reason CI does not accept; with several workers this is called for the reports of all."""
    strict = os.environ.get("CI") == "true" and not os.environ.get("IXLAB_MAY_SKIP")
    if strict and report.skipped and isinstance(report.longrepr, tuple):
        reason = str(report.longrepr[2]).removeprefix("Skipped: ")
        if not any(reason.startswith(known) for known in CI_SKIPS):
            _bad_skips.append(f"{report.nodeid}: {reason}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a CI run that skipped what it should have run."""
    if _bad_skips and session.exitstatus == 0:
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the figures that tests took, and say which skips made a CI run fail."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    figures = [(report.nodeid, *pair) for report in reports for pair in report.user_properties]
    if figures:
        terminalreporter.section("figures", sep="-")
    for node, name, value in figures:
        terminalreporter.write_line(f"{node.removeprefix('tests/')}: {name}: {value}")
    for line in _bad_skips:
        terminalreporter.write_line(f"not on CI's list of skips (tests/conftest.py): {line}", red=True)


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the checkout's root."""
    return ROOT
