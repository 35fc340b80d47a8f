# SPDX-License-Identifier: BSD-3-Clause
"""``docs/notes-*.md``: what the notes' authors asked, answered, with the command that shows it and what it showed.

``python -m tests.rigs.notes_pages --write`` runs the commands (as root: a port goes up) and writes the pages;
``tests/host/test_notes_pages.py`` runs them again and says when a page is old.
"""

import contextlib
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from driver.ixgbe.explain.paper import wrapped
from driver.ixgbe.explain.questions import PROBE, Q_VECTOR, QUESTIONS
from driver.ixgbe.explain.words import LANGUAGES

ROOT = Path(__file__).resolve().parents[2]
NIC = "vfio-user:/tmp/nic.sock"
PYTHON = ".venv/bin/python -m "
DEVICE = PYTHON + "device --socket /tmp/nic.sock --loopback"
UP = PYTHON + f"driver up {NIC} --netdev nic0 --queues 4 --vectors 3"
EXPLAIN = PYTHON + f"driver probe {NIC} --explain"
TIMEOUT_S = 120
ALL = r".*"
PAGE_COLUMNS = 120
SUMMARY = r"\d+ passed"
TABLE = r"Which vector serves"


@dataclass(frozen=True, slots=True)
class Shown:
    """A command and what of its output the page shows.

    Attributes:
        command: As it is typed.
        begin: The first line shown has this in it.
        end: The last line shown is the one before the next that has this in it.
        same: The output is the same on every machine.
        live: It asks a driver that runs.
        changes: It changes something that others show.
    """

    command: str
    begin: str = ALL
    end: str = r"^$"
    same: bool = True
    live: bool = False
    changes: bool = False


def _step(name: str, *, same: bool = True) -> Shown:
    return Shown(EXPLAIN, rf"^ ?\d+  {name} ", r"^    line \d+|^$", same=same)


def _table(options: str) -> Shown:
    return Shown(f"{EXPLAIN} {options}", r"^  vector ", same=False)


def _test(words: str) -> Shown:
    return Shown(f"{PYTHON}pytest {words}", SUMMARY, same=False)


def _live(words: str, begin: str = ALL, end: str = r"^$") -> Shown:
    changes = bool(set(words.split()) & {"add", "fire", "free", "affinity"})
    command = f"{PYTHON}driver {words.replace('NIC', NIC)}"
    return Shown(command, begin, end, same=False, live=True, changes=changes)


def _shown(*names: str) -> Shown:
    return Shown(f"{PYTHON}device.regs show {' '.join(names)}", end=r"^\0$")


VSI_TESTS = "tests/unit/driver/test_vsi_qvector.py"
SHOWN: dict[str, tuple[Shown, ...]] = {
    "dac": (_step("set_dma_mask"),),
    "memory": (Shown(f"{EXPLAIN}=md --queues 2", r"^flowchart LR", r"^```"),),
    "eec": (_shown("EEC.PRES"), _step("select_eeprom")),
    "max_vfs": (
        Shown(EXPLAIN, r"^  175-186", r"^    line"),
        Shown(f"{PYTHON}driver regs {NIC} STATUS", "STATUS", r"^└", same=False),
        _shown("STATUS.NUM_VFS"),
    ),
    "work": (_step("init_service_task"),),
    "wol": (_step("check_wol"), _shown("WUFC.MAG")),
    "ports": (_step("check_minimum_link"),),
    "dca": (_test("tests/pair/test_against_stock.py -k dca"),),
    "rss": (_step("sw_init", same=False), _shown("RETA.ENTRY0")),
    "enough": (_table("--queues 2 --vectors 5 --cpus 4"),),
    "round_up": (_table("--queues 5 --vectors 4"),),
    "own_vector": (_table("--queues 2"),),
    "fewer": (
        _table("--queues 4 --vectors 3"),
        Shown(f"{EXPLAIN}=md --queues 4 --vectors 3", r'^    q0\["PF', r"^```"),
    ),
    "v_count": (_table("--queues 6 --vectors 3"),),
    "defaults": (_live("vectors NIC", r"^ vec ", r"^ 1 "), _test("tests/unit/driver/test_itr_dim.py -k constant")),
    "reg_idx": (_table("--vectors-like ice --queues 2 --cpus 2"),),
    "online": (_table("--queues 4 --cpus 4"), _test(f"{VSI_TESTS} -k v7")),
    "inside": (
        _table("--vectors-like ice --queues 5 --cpus 3"),
        Shown(f"{EXPLAIN}=md --vectors-like ice --queues 5 --cpus 3", r'^    q1\["PF', r"^```"),
    ),
    "napi": (_live("irq NIC table", r"NAPI added", r"^└"), _test("tests/pair/test_ice_scheme.py -k napi")),
    "exists": (_test(f"{VSI_TESTS} -k v1_"),),
    "vf": (_test(f"{VSI_TESTS} -k v4"),),
    "dynamic": (_live("irq NIC add 9"), _live("irq NIC fire 9"), _live("irq NIC free 9")),
    "flexible": (_live("irq NIC table", r"^a table of", r"^VSIs"),),
    "own_irq": (
        _shown("IVAR.RX0"),
        _live("vectors NIC", r"^ vec ", r"^ 1 "),
    ),
    "smp_affinity": (_live("irq NIC affinity 1 0"), _live("vectors NIC", r"^ 1 +\(", r"^ - ")),
    "idt": (_live("irq NIC table", r"│ 0 ", r"^└"),),
    "budget": (_test("tests/pair/test_rings.py -k budget"),),
}

SECOND = {PROBE: "zh", Q_VECTOR: "ko"}  # the language of the note's author
NAMES = {PROBE: "notes-ixgbe-probe.md", Q_VECTOR: "notes-ice-q-vector.md"}
HEAD = {
    PROBE: f"""# Questions of the note on ixgbe_probe

<!-- Made by tests/rigs/notes_pages.py of what commands show; tests/host/test_notes_pages.py says when it is old. -->

What the author of `ixgbe_probe.md` asked or wondered about, by line, with an answer and a command that shows it on this
NIC; [branches.md](branches.md) has every way in which the probe ends. The NIC is

```
$ {DEVICE}
```

`{EXPLAIN}` says all of it for every step; `--lang zh` says it in Chinese.
""",
    Q_VECTOR: f"""# Questions of the note on ice_vsi_alloc_q_vector

<!-- Made by tests/rigs/notes_pages.py of what commands show; tests/host/test_notes_pages.py says when it is old. -->

What the author of `ice_vsi_alloc_q_vector.md` asked or wondered about, by line, with an answer and a command that shows
it. The NIC is an 82599; `--vectors-like ice` shares out its vectors in ice's way, and a test shows what this chip has
not. Commands that begin with `driver vectors` and `driver irq` ask the driver that runs, as root:

```
$ {DEVICE}
$ {UP}
```
""",
}
PICTURES = {
    "memory": f"{EXPLAIN}=md --queues 2",
    "fewer": f"{EXPLAIN}=md --queues 4 --vectors 3",
    "inside": f"{EXPLAIN}=md --vectors-like ice --queues 5 --cpus 3",
}
"""Questions whose answer is a picture too, and where it comes from."""


def cut(shown: Shown, output: str) -> list[str]:
    """The lines of an output that the page shows; none if it does not begin."""
    lines = output.splitlines()
    first = next((n for n, line in enumerate(lines) if re.search(shown.begin, line)), len(lines))
    last = next((n for n in range(first + 1, len(lines)) if re.search(shown.end, lines[n])), len(lines))
    kept = (re.sub(r" in \d+\.\d+s", "", line).rstrip() for line in lines[first:last])
    return [line.strip("= ") if line.startswith("==") else line for line in kept]  # pytest's last line is a banner


def commands() -> list[str]:
    """Every command, in the order they are run in: those that ask a driver last, of these who changes it first."""
    every = sorted((one for shown in SHOWN.values() for one in shown), key=lambda one: (one.live, not one.changes))
    return list(dict.fromkeys(one.command for one in every))


def is_live(command: str) -> bool:
    """Whether a command asks a driver that runs."""
    return any(one.live for shown in SHOWN.values() for one in shown if one.command == command)


def page(note: str, outputs: Mapping[str, str]) -> str:
    """A page, made of what the commands gave."""
    lines = [HEAD[note]]
    for key, question in QUESTIONS.items():
        if question.note != note:
            continue
        lines += [f"## Line {question.line}: “{question.quote}”", ""]
        lines += [*wrapped(LANGUAGES["en"].answers[key], columns=PAGE_COLUMNS), ""]
        lines += [*wrapped(LANGUAGES[SECOND[note]].answers[key], "> ", "> ", PAGE_COLUMNS), ""]
        for shown in SHOWN[key]:
            if PICTURES.get(key) == shown.command:
                lines += [f"`{shown.command}` draws it:", "", "```mermaid"]
                lines += [] if shown.begin.startswith("^flowchart") else ["flowchart LR"]
                lines += [*cut(shown, outputs[shown.command]), "```", ""]
            else:
                lines += ["```", f"$ {shown.command}", *cut(shown, outputs[shown.command]), "```", ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def masked(text: str) -> str:
    """A page without what differs from one machine to the next: counts, CPUs, columns."""
    plain, blocks = [], re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    different = {one.command for shown in SHOWN.values() for one in shown if not one.same}
    for block in blocks:
        head = block.splitlines()[1].removeprefix("$ ") if block.startswith("```") else ""
        if head in different or block.startswith("```mermaid"):
            before, command, rest = block.partition(head)
            rest = re.sub(r"(\d+|any|-)( +(\d+|any|-))*", "#", re.sub(r"[ ─━]+", " ", rest))
            plain.append(before + command + rest)
        else:
            plain.append(block)
    return "".join(plain)


# ---- running -----------------------------------------------------------------------------------------------------


def _words(command: str, folder: Path) -> list[str]:
    words = shlex.split(command.replace("/tmp/", f"{folder}/"))
    return [sys.executable if word == ".venv/bin/python" else word for word in words]


def _environment(folder: Path) -> dict[str, str]:
    env = os.environ | {"IXLAB_RUN_DIR": str(folder / "run"), "COLUMNS": "80", "PYTHONUNBUFFERED": "1"}
    env |= {"PYTEST_ADDOPTS": f"-p no:cacheprovider --basetemp={folder / 'bt'}"}
    for name in ("COVERAGE_PROCESS_START", "PYTEST_CURRENT_TEST", "PYTEST_XDIST_WORKER"):
        env.pop(name, None)
    return env


@contextlib.contextmanager
def running(command: str, folder: Path, ready: str, prefix: tuple[str, ...] = ()) -> Iterator[None]:
    """A program that says that it is ready, until the end of the block."""
    with subprocess.Popen(
        [*prefix, *_words(command, folder)], cwd=ROOT, env=_environment(folder), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if ready not in line:
                raise AssertionError(f"{command}: not {ready!r}, but {line!r}")
            yield
        finally:
            process.terminate()
            process.wait(TIMEOUT_S)


def run(command: str, folder: Path) -> str:
    """What a command shows; it must end well."""
    done = subprocess.run(
        _words(command, folder), cwd=ROOT, env=_environment(folder), text=True, capture_output=True, check=False,
        stdin=subprocess.DEVNULL, timeout=TIMEOUT_S,
    )  # fmt: skip
    if done.returncode:
        raise AssertionError(f"{command}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout.replace(f"{folder}/", "/tmp/")


def outputs(folder: Path) -> dict[str, str]:
    """Run every command, with a NIC and, for the last of them, a driver on it; what each showed."""
    found: dict[str, str] = {}
    with running(DEVICE, folder, "device ready"):
        for command in commands():
            if not is_live(command):
                found[command] = run(command, folder)
        with running(UP, folder, "driver ready", ("unshare", "--net")):
            for command in commands():
                if is_live(command):
                    found[command] = run(command, folder)
    return found


def write() -> None:
    """Write both pages."""
    with tempfile.TemporaryDirectory(prefix="ix-") as name:
        found = outputs(Path(name))
    for note, file in NAMES.items():
        (ROOT / "docs" / file).write_text(page(note, found), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        raise SystemExit("usage: python -m tests.rigs.notes_pages --write")
    write()
