# SPDX-License-Identifier: BSD-3-Clause
"""What a stranger has: the wheel in an environment of its own, any QEMU, and the README's line for it.

The checkout gives only the sources of the wheel and the README's text; all that runs is what was installed, in a folder
elsewhere.
"""

import contextlib
import importlib.metadata
import re
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ci import complaints, guest, vfu, wheel
from ci.processes import OWN_GROUP, child, ended
from ci.say import ROOT, cache_dir
from ci.vm import NIC_ADDRESS

GUEST_TIMEOUT_S = 300
START_TIMEOUT_S = 60
# pyproject.toml's dependencies, and theirs.
NEEDS = ("cffi", "click", "pyroute2", "rich", "markdown-it-py", "mdurl", "Pygments")
MAC = "02:00:00:82:59:77"
# The guest's first program: stock ixgbe and its link, as the guest's sysfs has them.
INIT = f"""\
export PATH=/usr/sbin:/usr/bin; mount -t proc p /proc; mount -t sysfs s /sys; mount -t devtmpfs d /dev; modprobe ixgbe;
n=$(ls /sys/bus/pci/devices/{NIC_ADDRESS}/net); ip link set $n up; i=0;
until grep -q 1 /sys/class/net/$n/carrier || [ $i = 600 ]; do i=$((i+1)); sleep 0.1; done;
cd /sys/class/net/$n; echo guest: address $(cat address) carrier $(cat carrier) speed $(cat speed);
echo guest: driver $(basename $(readlink device/driver)) in $(uname -r); poweroff -f"""


def qemu_line() -> list[str]:
    """The README's command line for one's own QEMU, as a shell takes it apart; ``…`` is a word of it."""
    (line,) = re.findall(r"^qemu-system-x86_64 (?:.*\\\n)*.*$", (ROOT / "README.md").read_text(), re.MULTILINE)
    return shlex.split(line.replace("\\\n", " "))


def qemu(socket: Path, console: Path) -> list[str]:
    """That line, with the cache's QEMU, this socket, and what a reader puts in the place of ``…``."""
    program, kernel = guest.qemu(), guest.kernel()
    append = f'console=ttyS0 quiet no_timer_check panic=-1 rdinit=/bin/bash -- -c "{INIT}"'.replace("\n", " ")
    machine = f"-accel tcg,thread=multi -cpu max -smp 2 -nodefaults -display none -no-reboot -serial file:{console}"
    own = [*machine.split(), "-kernel", str(kernel.image), "-initrd", str(kernel.initrd), "-append", append]
    words = [word.replace("/tmp/nic.sock", str(socket)) for word in qemu_line()[1:]]
    at = words.index("…")
    return [*program.command, *words[:at], *own, *words[at + 1 :]]


def copy_needs(site: Path) -> None:
    """Copy what the wheel needs at run time from here, so that no index of packages is asked."""
    for name in NEEDS:
        for file in importlib.metadata.files(name) or []:
            if ".." not in file.parts and "__pycache__" not in file.parts:
                (site / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(str(file.locate()), site / file)


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Path]:
    """A folder with a short name, for sockets, that is not the checkout's."""
    with tempfile.TemporaryDirectory(prefix="ix-") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def installed(elsewhere: Path) -> wheel.Clean:
    """The wheel, made of the sdist as `ci wheel` makes it, in a clean environment."""
    archive = wheel.sdist(elsewhere, vfu.ensure(cache_dir()))
    clean = wheel.Clean(elsewhere / "clean")
    clean.install("--no-index", "--no-deps", wheel.wheel(archive, elsewhere / "wheel"))
    copy_needs(next((elsewhere / "clean" / "lib").glob("python3*/site-packages")))
    return clean


@contextlib.contextmanager
def device(clean: wheel.Clean, folder: Path, socket: Path) -> Iterator[None]:
    """The installed `ixlab-device`, from its word that it is ready to its end in order."""
    words = [clean.python.with_name("ixlab-device"), "--socket", socket, "--loopback", "--mac", MAC]
    with (folder / "device.log").open("w") as log, (folder / "device.out").open("w") as out:
        process = subprocess.Popen(child(list(map(str, words))), stdout=out, stderr=log, cwd=folder,
                                   env={"PATH": "/usr/sbin:/usr/bin"}, process_group=OWN_GROUP)  # fmt: skip
    try:
        late_s = time.monotonic() + START_TIMEOUT_S
        while f"device ready: {socket}" not in (folder / "device.out").read_text():
            assert process.poll() is None, (folder / "device.log").read_text()
            assert time.monotonic() < late_s, "the device is not ready"
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        ended("ixlab-device", process)
    assert process.returncode == 0


def test_the_wheel_serves_a_guest_by_the_readmes_qemu_line(installed: wheel.Clean, elsewhere: Path) -> None:
    socket, console, log = elsewhere / "nic.sock", elsewhere / "console", elsewhere / "qemu.log"
    words = child(qemu(socket, console))
    with device(installed, elsewhere, socket), ThreadPoolExecutor(1) as beside, log.open("w") as errors:
        driver = beside.submit(installed.smoke)  # `ixlab-driver` on sockets of its own: probe, frames, up
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, check=False, cwd=elsewhere,
                              timeout=GUEST_TIMEOUT_S)  # fmt: skip
        driver.result(GUEST_TIMEOUT_S)
    said = console.read_text(errors="replace") if console.exists() else "QEMU opened no console"
    told = f"{said[-2000:]}\n{log.read_text()[-2000:]}\n{(elsewhere / 'device.log').read_text()[-2000:]}"
    assert done.returncode == 0, told
    assert f"guest: address {MAC} carrier 1 speed 10000" in said, told
    assert "guest: driver ixgbe in 6.12" in said, told
    assert complaints.of_qemu(log.read_text(), ()) == []
    assert complaints.of_device((elsewhere / "device.log").read_text(), ()) == []
