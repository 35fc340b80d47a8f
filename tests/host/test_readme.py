# SPDX-License-Identifier: BSD-3-Clause
"""Every command line of every README, as it is written: run, its exit code 0, and what it shows looked at.

``tests/rigs/readme_lines.py`` says which belong to which scenario here, and which other tests run the rest.
"""

import contextlib
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from ci import command_line
from ci.demo import Lines
from device.__main__ import cli as device_cli
from device.nvm import cli as nvm_cli
from driver.__main__ import cli as driver_cli
from driver.doors.open import open_door
from driver.ixgbe.probe import ProbeOptions, probe
from tests.rigs import readme
from tests.rigs.process import Device, until
from tests.rigs.readme_lines import CTL, ELSEWHERE, RUN

LINE_TIMEOUT_S = 60
TEST = "tests/unit/i82599/test_rx_ring.py::test_one_frame"
FILLED = {
    "STEP": "help",
    "FILE::TEST": TEST,
    "NAME": "LINKS",
    "DIR": "man",
    "probe|up|stats|regs|eeprom|module|link|vectors|itr|irq|vf": "",
}
SHOWN_BY = {"eval ": "; complete -p ixlab-device || complete -p ixlab-driver", "python3 -m ci man": "; ls man"}
OF_OTHERS = {
    "--help",
    "--version",
    "--seed",
    "--minutes",
    "--seconds",
    "--keep",
    "--into",
    "--census",
    "--steps",
}  # chaos, fuzz, `regs show`, `device.trace diff`
FRAME = b"\xff" * 6 + bytes.fromhex("020000000099") + b"\x88\xb5" + bytes(50)


class Reader:
    """Somebody who types a README's lines, in a folder and with sockets of his own.

    Attributes:
        ran: The lines that were typed.
    """

    def __init__(self, root: Path, folder: Path, scenario: str) -> None:
        self.root, self.folder, self.lines = root, folder, RUN[scenario]
        self.ran: set[str] = set()
        (folder / "bin").mkdir()
        for name in ("device", "driver"):
            program = folder / "bin" / f"ixlab-{name}"
            call = f"import sys; sys.argv[0] = 'ixlab-{name}'; from {name}.__main__ import main; sys.exit(main())"
            program.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{call}" "$@"\n')
            program.chmod(0o755)
        self.env = os.environ | {
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(root),
            "IXLAB_READY": "1",
            "IXLAB_RUN_DIR": str(folder / "run"),
            "PYTHONUNBUFFERED": "1",
            "PYTEST_ADDOPTS": f"-p no:cacheprovider -q --rootdir {root}",
        }
        self.env.pop("COVERAGE_PROCESS_START", None)

    def typed(self, line: str, **fills: str) -> str:
        """A line with this checkout's Python, this folder in the place of /tmp, and words for those in capitals."""
        self.ran.add(line)
        line = line.replace("/tmp/", f"{self.folder}/")
        for word, value in (FILLED | fills).items():
            line = line.replace(word, value)
        line = re.sub(r"(?<= )(tests|examples)/", f"{self.root}/\\1/", line)
        return re.sub(r"(?<![\w/])(\.venv/bin/python|python3|python)(?= )", sys.executable, line)

    def see(self, line: str, shown: str) -> None:
        assert re.search(self.lines[line], shown), f"{line}\nshows no {self.lines[line]!r}, but\n{shown}"

    def run(self, line: str, *, after: str = "", **fills: str) -> str:
        """Run a line to its end, which is a good one."""
        done = subprocess.run(
            ["bash", "-c", self.typed(line, **fills) + after], cwd=self.folder, env=self.env, text=True, check=False,
            capture_output=True, stdin=subprocess.DEVNULL, timeout=LINE_TIMEOUT_S,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}\nexit code {done.returncode}\n{done.stdout}{done.stderr}"
        self.see(line, done.stdout)
        return done.stdout

    @contextlib.contextmanager
    def running(self, line: str, **fills: str) -> Iterator["subprocess.Popen[str]"]:
        """A line that goes on until it is told to end; what it shows first is looked at by ``first``."""
        with subprocess.Popen(
            ["bash", "-c", f"exec {self.typed(line, **fills)}"], cwd=self.folder, env=self.env, text=True, bufsize=1,
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
        ) as process:  # fmt: skip
            try:
                yield process
            finally:
                process.terminate()
                process.wait(LINE_TIMEOUT_S)

    def done(self, scenario: str) -> None:
        assert self.ran == set(RUN[scenario]), "the table names lines that this test does not run"


def first(lines: Lines, wanted: str = "") -> str:
    """The first line of a program's output that has ``wanted`` in it."""
    end_s, said = time.monotonic() + LINE_TIMEOUT_S, ""
    while (line := lines.next(end_s - time.monotonic())) is not None:
        said += f"{line}\n"
        if re.search(wanted, line):
            return line
    raise AssertionError(f"no line with {wanted!r}, but:\n{said}")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a name that is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="ix-") as name:
        yield Path(name)


@pytest.mark.parametrize("line", RUN["alone"])
def test_what_needs_no_nic(root: Path, folder: Path, line: str) -> None:
    reader = Reader(root, folder, "alone")
    shown = [more for begin, more in SHOWN_BY.items() if line.startswith(begin)]
    after = " --help" if line.endswith(" NIC") else ""
    reader.run(line, after="".join(shown) + after, NIC="")


def test_a_nic_whose_cable_is_looped(root: Path, folder: Path) -> None:
    reader = Reader(root, folder, "looped")
    options = ("--loopback", "--trace-file", str(folder / "nic.trace"))
    with Device(folder, *options) as nic:
        with reader.running(f"{CTL} --watch") as watch:
            lines, told = Lines(watch), list[str]()

            def flapping() -> bool:
                """The cable, in and out again until the watcher, who may still be starting, says so."""
                nic.ask(carrier=True)
                reader.run(f"{CTL} carrier on=false")
                told.append(lines.next(0.2) or "")
                return told[-1] != ""

            until(flapping, "--watch tells of the cable", LINE_TIMEOUT_S)
            reader.see(f"{CTL} --watch", told[-1])
        reader.run(f"{CTL} sfp kind=none")
        reader.run(f"{CTL} report --json")
        reader.run(CTL)
        nic.ask(sfp="sr", carrier=True)
        probe(open_door(nic.name), ProbeOptions()).close()
        for words in ("--explain", "--explain=md --lang zh --out FILE", "--trace-file ours.trace"):
            reader.run(f".venv/bin/python -m driver probe NIC {words}", NIC=nic.name, FILE="probe.md")
        assert "## netdev 与 adapter" in (folder / "probe.md").read_text()
        reader.run(".venv/bin/python -m device.trace diff tests/data/ixgbe-6.12-probe.trace ours.trace --steps")
        reader.run(f"{CTL} fault inject=slow=EERD:8")
    reader.run("grep -m 2 ' LINKS ' /tmp/nic.trace")
    reader.run(".venv/bin/python -m device.trace FILE", FILE="nic.trace")
    (folder / "nic.trace").rename(folder / "probe.trace")
    reader.run(".venv/bin/python -m device.trace /tmp/probe.trace")
    line = ".venv/bin/python -m device --socket PATH"
    with reader.running(line, PATH=str(folder / "other")) as other:
        reader.see(line, first(Lines(other), "ready"))
    assert other.returncode == 0
    reader.done("looped")


@contextlib.contextmanager
def back_to_back(folder: Path) -> Iterator[tuple[Device, Device]]:
    """Two NICs with one cable."""
    cable = ("--peer", str(folder / "cable"))
    with Device(folder, *cable) as one, Device(folder, *cable, "--mac", "02:00:00:00:00:99", name="far") as other:
        yield one, other


@contextlib.contextmanager
def sending(far: Device, folder: Path) -> Iterator[None]:
    """Broadcasts from the far NIC, ten a second, in a program of its own."""
    code = f"""
import time
from driver.doors.open import open_door
from driver.ixgbe.probe import ProbeOptions, probe
with probe(open_door({far.name!r}), ProbeOptions()) as nic:
    nic.up(queues=1)
    while True:
        nic.tx(0).post({FRAME!r}); nic.tx(0).flush(); time.sleep(0.1)
"""
    env = os.environ | {"IXLAB_RUN_DIR": str(folder / "far-run"), "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, "-c", code], env=env, cwd=folder.parent, stderr=subprocess.PIPE) as process:
        try:
            yield
            assert process.poll() is None, process.communicate()[1]
        finally:
            process.terminate()


def test_frames_in_python(root: Path, folder: Path) -> None:
    """The README's Python, and each example, get frames and show them."""
    reader = Reader(root, folder, "frames")
    (snippet,) = readme.snippets((root / "README.md").read_text(encoding="utf-8"))
    with back_to_back(folder) as (nic, far), sending(far, folder):
        (folder / "snippet.py").write_text(snippet.replace("/tmp/", f"{folder}/"))
        assert str(nic.path) in (folder / "snippet.py").read_text()
        with subprocess.Popen(
            [sys.executable, "snippet.py"], cwd=folder, env=reader.env, text=True, stdout=subprocess.PIPE
        ) as process:
            try:
                assert first(Lines(process)).startswith(f"{len(FRAME)} {FRAME[:14].hex(' ')}")
            finally:
                process.terminate()
        nic.without_client()
        for line in readme.usages(root).values():
            if line in ELSEWHERE:
                continue
            reader.run(line, **{"NIC": nic.name, "[SECONDS]": "3"})
    reader.done("frames")


def options_of(command: click.Command) -> set[str]:
    """The options of a command and of all below it."""
    below = command.commands.values() if isinstance(command, click.Group) else ()
    return {option for param in command.params for option in param.opts}.union(*map(options_of, below))


def test_every_option_in_the_running_text_is_one(root: Path) -> None:
    """Of the device, its `ctl`, the driver, or a step of ours."""
    known = OF_OTHERS | options_of(device_cli) | options_of(driver_cli) | options_of(nvm_cli)
    known.update(*(parser._option_string_actions for parser in command_line.parser()[1].values()))
    for name, text in readme.documents(root).items():
        named = {option for words in readme.inline(text) for option in re.findall(r"(?<!\S)--[a-z][\w-]*", words)}
        assert named <= known, f"{name}: {named - known}"


def test_no_document_has_python_that_is_not_run(root: Path) -> None:
    assert {name for name, text in readme.documents(root).items() if readme.snippets(text)} == {"README.md"}


@pytest.mark.root
@pytest.mark.timeout(120)
def test_by_hand_on_to_a_ping(root: Path, folder: Path) -> None:
    """The README's "By hand" and "Watching it work", in namespaces that only this test sees; each line has its file."""
    reader = Reader(root, folder, "by hand")
    lines = list(reader.lines)
    make, device, look, up, in_wire, in_host, *rest = lines
    setting, ping, (dump, inside, piped), (capture, stats, regs, vectors, end) = rest[:4], rest[4], rest[5:8], rest[8:]

    def at(line: str) -> str:
        return f"out.{lines.index(line)}"

    def kept(line: str, before: str = "") -> str:
        words = reader.typed(line, **{"/proc/4006/": "/proc/$D/", "ixwire0": "wire0"})
        return f"{{ {before} {words}; }} >{at(line)} 2>&1 || {{ echo failed: {shlex.quote(line)}; exit 1; }}"

    def beside(line: str, before: str = "") -> str:
        words = reader.typed(line, **{"/proc/4006/": "/proc/$D/", "ixwire0": "wire0"})
        return f'timeout 60 bash -c "{before} {words}" >{at(line)} 2>&1 & T="$T $!"'

    def wait(file: str, word: str) -> str:
        look = f"for i in $(seq 300); do grep -q '{word}' {file} && break; sleep 0.1; done"
        return f"{look}; grep -q '{word}' {file} || {{ echo {file} has no {word}; cat {file}; exit 1; }}"

    started = [f"{reader.typed(line)} {reader.typed(words)}" for line, words in ((in_wire, device), (in_host, up))]
    script = "\n".join([
        "mkdir -p /run/netns; mount -t tmpfs own /run/netns", kept(make),
        f"{started[0]} >{at(device)} 2>&1 & D=$!", wait(at(device), "device ready"), kept(look),
        f"{started[1]} >{at(up)} 2>&1 & U=$!", wait(at(up), "driver ready"), *map(kept, setting),
        "for i in $(seq 100); do ip -n host link show nic0 | grep -q LOWER_UP && break; sleep 0.1; done",
        beside(dump, in_wire), beside(inside), beside(piped),
        f"{in_wire} timeout 60 tcpdump -Z root -U -w {folder}/wire.pcap -i wire0 >capture 2>&1 & T=\"$T $!\"",
        *(wait(file, "listening on") for file in (at(dump), at(inside), at(piped), "capture")),
        kept(ping), "sleep 0.5; kill $T; wait $T", kept(capture), kept(stats), kept(regs), kept(vectors),
        "kill $U; wait $U || exit 1; kill $D; wait $D || exit 1", kept(end), "umount /run/netns",
    ])  # fmt: skip
    done = subprocess.run(["unshare", "--mount", "bash", "-c", script], cwd=folder, text=True, capture_output=True,
                          timeout=100, env=reader.env, check=False)  # fmt: skip
    shown = {path.name: path.read_text(errors="replace") for path in folder.glob("out.*")}
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{shown}"
    for line in lines:
        reader.see(line, shown.get(at({in_wire: device, in_host: up}.get(line, line)), ""))
    assert until(lambda: not (folder / "nic.sock").exists(), "the device took its socket away")
    reader.done("by hand")


@pytest.mark.root
@pytest.mark.timeout(120)
def test_one_card_many_drivers(root: Path, folder: Path) -> None:
    """The README's "One card, many drivers", in a network namespace that only this test sees."""
    reader = Reader(root, folder, "many drivers")
    device, pf, vf, table, change = reader.lines

    def ready(name: str, line: str) -> str:
        look = f"for i in $(seq 300); do grep -q '{line}' {name} && break; sleep 0.1; done"
        return f"{look}; grep -q '{line}' {name} || {{ cat {name}; exit 1; }}"

    script = "\n".join([
        f"{reader.typed(device)} >out.0 2>&1 & D=$!", ready("out.0", "device ready"),
        f"{reader.typed(pf)} >out.1 2>&1 & P=$!", ready("out.1", "driver ready"),
        f"{reader.typed(vf)} >out.2 2>&1 & V=$!", ready("out.2", "driver ready"),
        f"{reader.typed(table)} >out.3 2>&1 || exit 1", f"{reader.typed(change)} >out.4 2>&1 || exit 1",
        "kill $V; wait $V || exit 1; kill $P; wait $P || exit 1; kill $D; wait $D || exit 1",
    ])  # fmt: skip
    done = subprocess.run(["unshare", "--net", "bash", "-c", script], cwd=folder, text=True, capture_output=True,
                          timeout=100, env=reader.env, check=False)  # fmt: skip
    shown = [(folder / f"out.{n}").read_text(errors="replace") for n in range(5) if (folder / f"out.{n}").exists()]
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{shown}"
    for line, text in zip(reader.lines, shown, strict=True):
        reader.see(line, text)
    assert not list(folder.glob("nic.sock*"))
    reader.done("many drivers")
