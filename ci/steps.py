# SPDX-License-Identifier: BSD-3-Clause
"""The steps, as plain functions; they run inside ``.venv``."""

import argparse
import os
import sys
import tempfile
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from ci import captures, guest, machine, net, pins, vm_step, wheel
from ci.command_line import ALONE, CAPTURES, CHAOS, FUZZ, QUICK, SOAK, TIERS
from ci.processes import child
from ci.say import ROOT, CiError, Timed, cache_dir, run, say

NEEDS_NETWORK = {"wire", "host", "boot", QUICK, SOAK, CHAOS}
NEEDS_GUEST = {"boot", SOAK}
# Processes a core, where tests wait for other processes, deadlines and links.  Observed: two take half the time of one.
A_CORE = {"wire": 2, "host": 2, QUICK: 2, "boot": 1.5}
FILES = {
    SOAK: "tests/boot/soak.py",
    FUZZ: "tests/fuzz/fuzz.py",
    CHAOS: "tests/chaos/chaos.py",
    CAPTURES: "tests/captures/captures.py",
}
COVERAGE_FLOOR_PERCENT = 90
TIER_TIMEOUT_S = 3600
# Unit tests that run no C of ours: sanitizers have nothing to say to them.
WITHOUT_C = ("ci", "regs", "test_layers.py", "test_readme_lines.py", "test_stubs.py", "driver/test_driver_layers.py")
WORKERS_MOST = 8  # each may hold a guest of 1 GiB
# A test that ends its process ends the run.  Observed: pytest-xdist 3.8 starts another process and then waits for ever.
NO_SECOND_PROCESS = "--max-worker-restart=0"


def run_step(asked: argparse.Namespace) -> int:
    """Run one step, as the command line asked for it; returns the exit code."""
    code = 0
    match asked.step:
        case "test":
            code = test(asked)
        case "demo":
            from ci import demo, demo_vfs

            code = demo_vfs.main() if asked.what == "vfs" else demo.main()
        case "vm":
            code = vm_step.main(asked)
        case "bench":
            from ci import bench

            bench.main(asked)
        case "stubs":
            from ci import stubs

            stubs.check() if asked.check else stubs.write()
        case "completion":
            from ci import completion

            completion.show(asked.shell)
        case "man":
            from ci import man

            man.write(asked.out)
        case "lint":
            lint()
        case "sanitize":
            sanitize()
        case "pins":
            code = pins.main(asked)
        case "wheel":
            code = wheel.main(asked)
    return code  # set-up itself was done on the way here


def lint() -> None:
    """Hold the code to its written rules.

    Raises:
        CiError: Something does not; its own words stand above.
    """
    from ci import stubs

    folders = ["device", "driver", "ci", "tests", "examples"]
    with Timed("lint"):
        run([sys.executable, "-m", "ruff", "check", "--ignore-noqa", "--quiet", *folders, "setup.py"])
        run([sys.executable, "-m", "ruff", "format", "--check", "--quiet", *folders, "setup.py"])
        run([sys.executable, "-m", "mypy", "--no-error-summary"])
        run([sys.executable, "-m", "device.regs", "header", "--check"])
        run([sys.executable, "-m", "device.regs", "features", "--check"])
        stubs.check()
        run([sys.executable, "-m", "device.regs", "show", "--census"])


def _workers(tier: str = "") -> list[str]:
    """Return the options that keep every core busy; tests/groups.py says which tests stay together."""
    return ["-n", str(min(int(A_CORE.get(tier, 1) * (os.cpu_count() or 1)), WORKERS_MOST)), NO_SECOND_PROCESS]


def _where(tier: str) -> list[str]:
    """Return what pytest is given for a tier."""
    if tier == QUICK:
        return [*(f"tests/{each}" for each in TIERS if each not in NEEDS_GUEST), "-m", "not slow"]
    return [FILES.get(tier, f"tests/{tier}")]


def _pytest(tier: str, more: list[str], *, coverage: bool) -> int:
    command = [sys.executable, "-m", "pytest", *_where(tier)]
    command += ["-s"] if tier in FILES else _workers(tier)  # these show how far they are
    env = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    if coverage and tier not in NEEDS_GUEST:  # a guest waits for each register: the device goes unwatched there
        env["COVERAGE_PROCESS_START"] = str(ROOT / "pyproject.toml")
    elif not coverage:
        env["PYTHONDEVMODE"] = "1"
    return run(child([*command, "-q", *more]), env=env, check=False, timeout_s=TIER_TIMEOUT_S).returncode


def _ready_for_network(asked: argparse.Namespace, *, guests: bool) -> None:
    machine.ensure(machine.NETWORK)
    if guests and not net.entered():
        guest.prepare()
    if not net.privileged():
        if guests and not net.entered():
            guest.try_kvm()
        try:
            net.enter_user_namespace(asked.words)
        except CiError as exc:  # what cannot run is skipped, each with the reason
            say(f"{exc}\ntests that need it are skipped")


def _ready_to_count() -> None:
    """Bring what counts instructions; where that cannot be, the test that wants it is skipped."""
    try:
        machine.ensure((machine.VALGRIND,))
    except CiError as exc:
        say(f"{exc}\nthe test that counts instructions is skipped")


def test(asked: argparse.Namespace) -> int:
    """Run test tiers; all of them, lint, coverage and sanitizers when none is named.

    Args:
        asked: ``tiers``; ``pytest``, what pytest is given besides; ``words``, the whole command line.

    Raises:
        CiError: A tier has no such name, no capture could be had, or a step other than pytest failed.
    """
    named, more = asked.tiers, asked.pytest
    if unknown := [tier for tier in named if tier not in (*TIERS, *ALONE)]:
        raise CiError(f"no test tier called {', '.join(unknown)}; there are: {', '.join((*TIERS, *ALONE))}", 2)
    tiers = named or [tier for tier in TIERS if any((ROOT / "tests" / tier).glob("test_*.py"))]
    if NEEDS_NETWORK & set(tiers):
        _ready_for_network(asked, guests=bool(NEEDS_GUEST & set(tiers)))
    if CAPTURES in tiers:
        captures.ensure(cache_dir())
    if "pair" in tiers and not net.entered():
        _ready_to_count()
    with ThreadPoolExecutor(1) as beside:  # KVM is tried while tiers run that need no guest
        kvm = beside.submit(guest.try_kvm if NEEDS_GUEST & set(tiers) else lambda: None)
        return _run_tiers(tiers, more, kvm, whole=not named and not more)


def _run_tiers(tiers: list[str], more: list[str], kvm: Future[None], *, whole: bool) -> int:
    """Run tiers one after the other, with what belongs to the whole; returns the worst exit code."""
    figures: list[tuple[str, float, int]] = []
    if whole:
        lint()
        for old in ROOT.glob(".coverage*"):
            old.unlink()
    for tier in tiers:
        start = time.monotonic()
        if tier in NEEDS_GUEST:
            kvm.result()
        say(" ".join(_where(tier)))
        code = _pytest(tier, more, coverage=whole)
        figures.append((tier, time.monotonic() - start, code))
    if whole:
        for name, step in (("sanitized unit + pair", sanitize), ("coverage", _coverage)):
            start = time.monotonic()
            try:
                step()
                code = 0
            except CiError as exc:  # what the tiers took and gave is still to be told
                say(str(exc))
                code = exc.code
            figures.append((name, time.monotonic() - start, code))
    for name, seconds, code in figures:
        say(f"{name:<24} {seconds:7.1f} s  {'passed' if code == 0 else f'FAILED (exit {code})'}")
    return max((code for _, _, code in figures), default=0)


def _coverage() -> None:
    run([sys.executable, "-m", "coverage", "combine", "-q"], quiet=True)
    run([sys.executable, "-m", "coverage", "report", f"--fail-under={COVERAGE_FLOOR_PERCENT}"])


def _gcc_file(name: str) -> str:
    """Return where gcc keeps one of its own libraries."""
    return run(["gcc", f"-print-file-name={name}"], quiet=True).stdout.strip()


def sanitize() -> None:
    """Build the extensions with ASan and UBSan in a copy of the checkout, and run the unit and pair tiers on them.

    Raises:
        CiError: A test failed, or a sanitizer had something to say.
    """
    flags = "-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -O1"
    with tempfile.TemporaryDirectory(prefix="ixlab-sanitize-") as folder, Timed("sanitized unit and pair tiers"):
        copy = wheel.bare_copy(Path(folder))
        env = {"IXLAB_CFLAGS": flags, "IXLAB_LDFLAGS": "-fsanitize=address,undefined", "IXLAB_VFU": ""}
        run([sys.executable, "setup.py", "-q", "build_ext", "--inplace", "--force"], env=env, quiet=True, cwd=copy)
        env = {
            "LD_PRELOAD": f"{_gcc_file('libasan.so')} {_gcc_file('libubsan.so')}",
            # CPython itself leaves memory at exit, so leaks are counted by tests of our own.
            "ASAN_OPTIONS": "detect_leaks=0:exitcode=99:allocator_may_return_null=1",
            "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
            "PYTHONPATH": str(copy),
            "PYTHONMALLOC": "malloc",
            "IXLAB_SANITIZED": "1",
        }
        tiers = ["tests/unit", "tests/pair", *(f"--ignore=tests/unit/{name}" for name in WITHOUT_C)]
        run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *_workers(), *tiers],
            env=env,
            timeout_s=2400,
            cwd=copy,
        )
