# SPDX-License-Identifier: BSD-3-Clause
"""Whether an installed copy works: ``python ci/smoke.py`` with the Python it is installed for.

The NIC with its cable looped back, our driver on it, frames out and in again, by the commands and by the library.
It needs no root, no interface and nothing of the checkout; a NIC without libvfio-user leaves its core to be tried.
"""

import argparse
import contextlib
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

FRAMES = 200
READY_TIMEOUT_S = 60
RX_TIMEOUT_S = 5.0
END_TIMEOUT_S = 30
MISSING = 3


def command(name: str) -> str:
    """Return the path of a command that came with the copy."""
    return str(Path(sys.executable).parent / name)


def said(*words: str, code: int = 0) -> str:
    """Run a program; returns all it printed.

    Raises:
        SystemExit: It ended with another exit code.
    """
    done = subprocess.run(words, text=True, capture_output=True, check=False, timeout=READY_TIMEOUT_S)
    if done.returncode != code:
        raise SystemExit(f"smoke: {' '.join(words)} exited with {done.returncode}, not {code}:\n{done.stderr[-2000:]}")
    return done.stdout + done.stderr


def expect(text: str, *wanted: str) -> None:
    """See that a text holds what it should.

    Raises:
        SystemExit: It does not.
    """
    for word in wanted:
        if word not in text:
            raise SystemExit(f"smoke: {word!r} is not in:\n{text[-2000:]}")


def commands(version: str) -> None:
    """Try what needs no NIC."""
    expect(said(command("ixlab-driver"), "--version"), version)
    expect(said(command("ixlab-driver"), "--help"), "probe", "up")
    python = sys.executable
    expect(said(python, "-m", "ixlab.driver", "--version"), version)
    expect(said(python, "-m", "ixlab.device.regs", "show", "RDT"), "RDT[0..127]", "Rx tail")
    expect(said(python, "-m", "ixlab.device.regs", "decode", "0x042a4=0x70000000"), "SPEED_10G")


def frames(socket: str) -> int:
    """Send frames by the library; returns how many came back as they went."""
    from ixlab.driver.doors.open import open_door
    from ixlab.driver.ixgbe.probe import ProbeOptions, probe

    with probe(open_door(f"vfio-user:{socket}"), ProbeOptions()) as nic:
        nic.up(queues=1)
        sent = [bytes.fromhex(str(nic.mac).replace(":", "")) * 2 + b"\x88\xb5" + bytes([n]) * 50 for n in range(FRAMES)]
        tx = nic.tx(0)
        for frame in sent:
            tx.post(frame)
        tx.flush()
        got = []
        for batch in nic.rx(0, timeout_s=RX_TIMEOUT_S):
            got += [bytes(frame) for frame in batch]
            if len(got) >= len(sent):
                break
    if sorted(got) != sorted(sent):
        raise SystemExit(f"smoke: {len(sent)} frames went out, {len(got)} came back, and they are not the same")
    return len(got)


def device_and_driver(version: str) -> int:
    """Start the NIC, look at it with the driver's command, send frames by its library; returns how many."""
    device = command("ixlab-device")
    expect(said(device, "--version"), version)
    expect(said(device, "--wire", "list"), "loopback", "peer", "tap")
    with tempfile.TemporaryDirectory(prefix="ixlab-smoke-") as folder:
        os.environ["IXLAB_RUN_DIR"] = folder
        socket = f"{folder}/nic.sock"
        with running([device, "--socket", socket, "--loopback", "-q"], "device ready: "):
            expect(said(command("ixlab-driver"), "probe", f"vfio-user:{socket}", "--json"), "82599")
            count = frames(socket)
    return count


def interfaces() -> str:
    """Run the NIC on a tap and the driver as an interface, in a network namespace of its own; returns what was done."""
    alone = ["unshare", "--net"]
    may = shutil.which("unshare") and os.geteuid() == 0 and os.access("/dev/net/tun", os.R_OK | os.W_OK)
    if not may or subprocess.run([*alone, "true"], check=False, capture_output=True).returncode != 0:
        return "no interfaces tried (no root, /dev/net/tun or namespaces)"
    with tempfile.TemporaryDirectory(prefix="ixlab-smoke-") as folder:
        said(*alone, sys.executable, "-P", __file__, "--interfaces-in", folder)
    return "a tap and an interface made"


def interfaces_in(folder: str) -> None:
    """Do so, inside of the namespace already."""
    os.environ["IXLAB_RUN_DIR"] = folder
    nic = f"{folder}/nic.sock"
    device = [command("ixlab-device"), "--socket", nic, "--tap", "wire0", "-q"]
    driver = [command("ixlab-driver"), "up", f"vfio-user:{nic}", "--netdev", "ix0", "--mtu", "9000"]
    with running(device, "device ready: "), running(driver, "driver ready: "):
        for name in ("wire0", "ix0"):
            if not Path("/sys/class/net", name).exists() and name not in Path("/proc/net/dev").read_text():
                raise SystemExit(f"smoke: there is no interface {name}")
        expect(said(command("ixlab-driver"), "stats", f"vfio-user:{nic}", "--json"), '"rx_packets"')


@contextlib.contextmanager
def running(words: list[str], ready: str) -> Iterator[None]:
    """Run a program from its word that it is ready until it is told to end.

    Raises:
        SystemExit: It did not start, or did not end well.
    """
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            lines: list[str] = []
            while not (lines and lines[-1].startswith(ready)):
                line = process.stdout.readline()
                if not line:
                    code = process.wait(END_TIMEOUT_S)
                    raise SystemExit(f"smoke: {words[0]} did not start: exit code {code}\n{''.join(lines)}")
                lines.append(line)
            yield
        finally:
            process.terminate()
        process.stdout.read()
        if code := process.wait(END_TIMEOUT_S):
            raise SystemExit(f"smoke: {words[0]} ended with {code}")


def without_socket() -> None:
    """A copy without libvfio-user says so, and its device core works."""
    expect(said(command("ixlab-device"), "--help", code=MISSING), "libvfio-user")
    from ixlab.device.i82599.card import Card
    from ixlab.device.machine.wire import LoopbackPort

    with LoopbackPort() as port, Card(port=port):
        pass


def main(arguments: list[str] | None = None) -> None:
    """Run all of it, and say in one line what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-socket", action="store_true", help="the copy was built without libvfio-user, on purpose")
    parser.add_argument("--interfaces-in", metavar="DIR", help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.interfaces_in:
        interfaces_in(asked.interfaces_in)
        return
    version = importlib.metadata.version("ixlab")
    for name in ("device", "driver"):
        found = importlib.util.find_spec(name)
        if found is not None and found.origin and not Path(found.origin).read_text().startswith("# somebody else's"):
            raise SystemExit(f"smoke: a top-level package is called {name}: {found.origin}")
    commands(version)
    if asked.no_socket:
        without_socket()
        what = "driver and device core, no socket"
    else:
        what = f"{device_and_driver(version)} frames out and in, {interfaces()}"
    packages = " ".join(f"{name} {importlib.metadata.version(name)}" for name in ("cffi", "click", "pyroute2", "rich"))
    sys.stdout.write(f"smoke: ixlab {version} on Python {sys.version.split()[0]}: {what}; {packages}\n")


if __name__ == "__main__":
    own = str(Path(__file__).resolve().parent)
    if own in sys.path:  # a script's own folder, which holds the house's modules
        sys.path.remove(own)
    main()
