# SPDX-License-Identifier: BSD-3-Clause
"""States of guests: which guest takes which, and that only whole ones are left; QEMU and the guest are played."""

import fcntl
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ci import guest, saved
from ci.nic import NicOptions
from ci.say import CiError, cache_dir
from ci.talk import Message
from ci.vm import Options

PROGRAM = guest.Qemu(("qemu",), "11.1.3", "PATH")
USUAL = Options()


class Played:
    """A Vm as ``ci.saved`` uses it; ``breaks`` names the QMP command whose work fails.

    Attributes:
        did: What was asked of it, in order.
    """

    def __init__(self, options: Options, breaks: str = "") -> None:
        self.options = options
        self.nics = [type("Nic", (), {"number": number})() for number, _ in enumerate(options.nics, 1)]
        self.messages = [Message(6, "of the boot")]
        self.did: list[str] = []
        self.boots = 0
        self._breaks = breaks
        self._last = ""

    def launch(self, _program: object, _kernel: object, devices: object, *more: str) -> None:
        assert devices == ()
        self.did.append("load" if "-incoming" in more else "boot")

    def qmp(self, command: str, **arguments: Any) -> object:
        if command == "query-migrate":
            failed = self._last == self._breaks
            return {"status": "failed", "error-desc": "disk full"} if failed else {"status": "completed"}
        self._last = command
        self.did.append(command)
        if command == "migrate":
            Path(arguments["uri"].removeprefix("file:")).write_text("state")
        return {}

    def run(self, command: str) -> None:
        self.did.append(command.split(maxsplit=1)[0])

    def plug(self, number: int) -> None:
        self.did.append(f"plug {number}")

    def ask(self, request: dict[str, object]) -> None:
        assert abs(int(str(request["wake"])) - time.time_ns()) < 10**10
        self.did.append("wake")

    def wait_boot(self) -> None:
        self.boots += 1

    def check_alive(self, _doing: str) -> None: ...


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return cache_dir()


@pytest.fixture
def kernel(tmp_path: Path) -> guest.Kernel:
    image = tmp_path / "vmlinuz"
    image.touch()
    return guest.Kernel("6.12", image, tmp_path / "initrd")


def states() -> list[Path]:
    return list(cache_dir().iterdir())


def start(kernel: guest.Kernel, options: Options = USUAL, breaks: str = "") -> Played:
    vm = Played(options, breaks)
    saved.start(vm, PROGRAM, kernel)  # type: ignore[arg-type]  # played
    return vm


def test_the_first_boots_and_the_next_goes_on_from_there(kernel: guest.Kernel) -> None:
    first, second = start(kernel), start(kernel)
    assert first.did[0] == "boot"
    assert first.did[-5:] == second.did[-5:] == ["cont", "wake", "mount", "plug 1", "i=0;"]
    assert first.did.index("cd") < first.did.index("stop") < first.did.index("migrate") < first.did.index("cont")
    assert second.did[:-5] == ["load", "migrate-set-capabilities", "migrate-incoming"]
    assert (first.boots, second.boots, first.messages, second.messages) == (1, 1, [], [])
    (folder,) = states()
    assert [path.name for path in folder.iterdir()] == [saved.FILE]


def test_nics_are_plugged_only_if_they_are_to_be_there(kernel: guest.Kernel) -> None:
    options = Options(nics=(NicOptions(), NicOptions()))
    assert start(kernel, options).did[-4:] == ["plug 1", "i=0;", "plug 2", "i=0;"]  # each is found before the next
    assert "plug 1" not in start(kernel, replace(options, plugged=False)).did
    assert len(states()) == 1  # NICs are no part of a state, only the slots for them are
    start(kernel)
    assert len(states()) == 2


@pytest.mark.parametrize(
    "other",
    [Options(smp=1), Options(memory="512M"), Options(iommu=False), Options(append="iomem=relaxed")],
    ids=lambda options: f"{options.smp} {options.memory} {options.iommu} {options.append}",
)
def test_another_kind_has_a_state_of_its_own(kernel: guest.Kernel, other: Options) -> None:
    start(kernel)
    assert start(kernel, other).did[0] == "boot"
    assert start(kernel, other).did[0] == "load"


@pytest.mark.parametrize("what", ["qemu", "kernel", "recipe", "restart"])
def test_what_a_state_depends_on_makes_another(
    kernel: guest.Kernel, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    def at() -> Path:
        return saved.place(Played(Options()), program, kernel)  # type: ignore[arg-type]  # played

    program = PROGRAM
    before = at()
    lines = guest.lines
    changes: dict[str, Callable[[], object]] = {
        "qemu": lambda: None,
        "kernel": lambda: os.utime(kernel.image, (1, 1)),
        "recipe": lambda: monkeypatch.setattr(guest, "lines", lambda name: [*lines(name), "-more"]),
        "restart": lambda: monkeypatch.setattr(guest, "boot_id", lambda: "another"),
    }
    changes[what]()
    if what == "qemu":
        program = replace(PROGRAM, version="11.1.4")
    assert at() != before
    assert at() == at()


def test_a_state_that_was_not_saved_whole_is_not_there(
    kernel: guest.Kernel, capsys: pytest.CaptureFixture[str]
) -> None:
    assert start(kernel, breaks="migrate").did[-5] == "cont"  # it goes on without
    assert "could not be saved (disk full): the next one boots again" in capsys.readouterr().err
    assert states() == []


def test_a_state_that_cannot_be_loaded_is_named(kernel: guest.Kernel) -> None:
    start(kernel)
    (folder,) = states()
    with pytest.raises(CiError, match=rf"cannot load {folder} \(disk full\); remove that folder and try again"):
        start(kernel, breaks="migrate-incoming")


def test_one_makes_states_at_a_time_and_nobody_waits(kernel: guest.Kernel) -> None:
    other = os.open(cache_dir(), os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    assert "migrate" not in start(kernel).did
    assert states() == []
    os.close(other)
    assert "migrate" in start(kernel).did


def test_unused_states_and_those_half_made_go(kernel: guest.Kernel) -> None:
    start(kernel)
    (used,) = states()
    old, half, young = (cache_dir() / name for name in ("state-old", ".state-killed", ".state-now"))
    for folder, age_s in ((old, saved.KEEP_UNUSED_S), (half, saved.HALF_MADE_S), (young, 0)):
        folder.mkdir()
        os.utime(folder, (time.time() - age_s - 60,) * 2)
    start(kernel, Options(smp=1))
    assert {path.name for path in states()} >= {used.name, young.name}
    assert not old.exists()
    assert not half.exists()


def test_the_checkout_is_mounted_as_init_mounts_it() -> None:
    ninep, overlay = saved._mounts()
    assert ninep.endswith(" checkout /mnt/checkout")
    assert overlay.endswith(" overlay /ixlab")
