# SPDX-License-Identifier: BSD-3-Clause
"""The state of a guest that has booted: the next one of its kind goes on from there, in place of booting.

The first guest of a kind boots without NICs, lets go of the checkout (QEMU saves no guest that has a 9p folder mounted)
and is saved to the cache; then it goes on, as those do that are loaded from there: with the right time, the checkout of
today, and its NICs plugged in.  vfio-user devices cannot be saved, so no NIC is ever part of a state.

Observed under TCG: 9 s of processor time from QEMU's start to a guest with a NIC, 1 s from a state.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ci import guest
from ci.say import ROOT, CiError, cache_dir, say

if TYPE_CHECKING:
    from ci.vm import Vm

FORMAT = "1"  # another one whenever this file makes other states
KEEP_UNUSED_S = 2 * 86400  # each takes 0.3 GB, and none outlives a restart of this machine
HALF_MADE_S = 3600
LOAD_TIMEOUT_S = 120.0
SAVE_TIMEOUT_S = 300.0
AT_ONCE = 1 << 40  # bytes a second; QEMU's default is for networks
FILE = "state"
LET_GO = "cd / && umount /ixlab /mnt/checkout"


def place(vm: "Vm", program: guest.Qemu, kernel: guest.Kernel) -> Path:
    """Return where the state of such a guest is kept, if it is.

    Its name is a hash of all it depends on: QEMU, the kernel and userland, the machine, the agent that runs in it, and
    this machine since its last restart, whose time stamp counter is that of the guest.  Root ports count: they have
    interrupts, and the next free CPU gets a NIC's first one.
    """
    options = vm.options
    recipes = [guest.lines(name) for name in ("machine", "iommu", "slot", "kernel")]
    about = [
        FORMAT,
        len(vm.nics),
        program.version,
        program.command,
        str(kernel.image),
        kernel.image.stat().st_mtime_ns,
        recipes,
    ]
    about += [options.memory, options.smp, options.iommu, options.append, guest.boot_id()]
    about += [(ROOT / "ci" / "agent.py").read_text(encoding="utf-8")]
    return cache_dir() / f"state-{hashlib.sha256(json.dumps(about).encode()).hexdigest()[:12]}"


def start(vm: "Vm", program: guest.Qemu, kernel: guest.Kernel) -> None:
    """Start a guest from the state of its kind; if there is none yet, boot it and leave one.

    Raises:
        CiError: It did not boot, could not be loaded, or does not find its NICs.
    """
    folder = place(vm, program, kernel)
    if (folder / FILE).exists():
        with contextlib.suppress(OSError):  # a cache that is read-only
            os.utime(folder)
        vm.launch(program, kernel, (), "-S", "-incoming", "defer")
        _prepare(vm)
        vm.qmp("migrate-incoming", uri=f"file:{folder / FILE}")
        if why := _ended(vm, LOAD_TIMEOUT_S):
            raise CiError(f"QEMU cannot load {folder} ({why}); remove that folder and try again")
    else:
        vm.launch(program, kernel, ())
        vm.wait_boot()
        vm.run(LET_GO)
        vm.qmp("stop")
        with _maker() as making:
            if making:
                _save(vm, folder)
    vm.messages.clear()  # they are all said again
    vm.qmp("cont")
    vm.ask({"id": 0, "wake": time.time_ns()})
    vm.wait_boot()
    vm.boots = 1
    vm.run("; ".join(_mounts()))
    if vm.options.plugged:
        for nic in vm.nics:  # one after the other: a driver takes them in the order in which they came
            vm.plug(nic.number)
            there = f"[ -e /sys/bus/pci/devices/0000:{nic.number:02x}:00.0 ]"
            vm.run(f"i=0; until {there}; do sleep 0.02; i=$((i+1)); [ $i -lt 3000 ] || exit 1; done")


def _mounts() -> list[str]:
    """Return the commands that the guest's init mounts the checkout with."""
    text = (guest.RECIPES / "init").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.startswith(("mount -t 9p ", "mount -t overlay "))]


def _prepare(vm: "Vm") -> None:
    """Have QEMU keep each page at a place of its own in the file: those with zeros need neither place nor time."""
    vm.qmp("migrate-set-capabilities", capabilities=[{"capability": "mapped-ram", "state": True}])


def _ended(vm: "Vm", timeout_s: float) -> str:
    """Wait until a state is saved or loaded; returns why it could not be, or nothing."""
    end_s = time.monotonic() + timeout_s
    while True:
        found = vm.qmp("query-migrate")
        assert isinstance(found, dict)
        if found.get("status") == "completed":
            return ""
        if found.get("status") == "failed":
            return str(found.get("error-desc", "it does not say why"))
        if time.monotonic() > end_s:
            return f"not done after {timeout_s:.0f} s"
        vm.check_alive("saving or loading its state")
        time.sleep(0.01)


@contextlib.contextmanager
def _maker() -> Iterator[bool]:
    """Whether a state can be left in the cache now: it may be read-only, and there is one maker at a time."""
    lock = os.open(cache_dir(), os.O_RDONLY | os.O_DIRECTORY)
    can = os.access(cache_dir(), os.W_OK)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        can = False
    try:
        yield can
    finally:
        os.close(lock)


def _save(vm: "Vm", folder: Path) -> None:
    """Save a guest that stands still; what could not be saved whole is not there."""
    _forget()
    with tempfile.TemporaryDirectory(prefix=".state-", dir=cache_dir()) as beside:
        made = Path(beside) / "made"
        made.mkdir()
        _prepare(vm)
        vm.qmp("migrate-set-parameters", max_bandwidth=AT_ONCE)
        vm.qmp("migrate", uri=f"file:{made / FILE}")
        if why := _ended(vm, SAVE_TIMEOUT_S):
            say(f"the guest's state could not be saved ({why}): the next one boots again")
            return
        with contextlib.suppress(OSError):  # somebody else was faster
            made.rename(folder)


def _forget() -> None:
    """Remove states that nobody uses any more, and what a maker that was killed has left."""
    for pattern, keep_s in (("state-*", KEEP_UNUSED_S), (".state-*", HALF_MADE_S)):
        for path in cache_dir().glob(pattern):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > keep_s:
                    shutil.rmtree(path, ignore_errors=True)
