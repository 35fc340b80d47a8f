# SPDX-License-Identifier: BSD-3-Clause
"""What the benchmarks share: a NIC of their own, our driver on it in this process, and C programs built on the spot."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ci.processes import child, ended
from ci.say import ROOT, CiError, run

HERE = Path(__file__).resolve().parent
LOOP_TIMEOUT_S = 60.0
FRAMES = 300_000
BATCH = 32
FRAME_BYTES = 60  # 64 on the wire with its FCS
FLAGS = ("-O2", "-Wall", "-Wextra", "-Werror", "-pthread")
INCLUDES = (f"-I{ROOT / 'driver' / 'core' / 'csrc'}", f"-I{ROOT / 'device' / 'regs' / 'i82599'}")


def built(folder: Path, name: str) -> Path:
    """Compile ``NAME.c``, which stands beside this file, to a program in ``folder``; returns where it is."""
    program = folder / name
    run(["gcc", *FLAGS, "-o", program, HERE / f"{name}.c"], quiet=True)
    return program


def library(folder: Path, *names: str) -> Path:
    """Compile ``NAME.c`` … to one shared object that knows the driver's headers; returns where it is."""
    made = folder / f"{names[0]}.so"
    sources = [HERE / f"{name}.c" for name in names]
    run(["gcc", *FLAGS, *INCLUDES, "-shared", "-fPIC", "-o", made, *sources], quiet=True)
    return made


@contextlib.contextmanager
def device(*options: str, inside: Sequence[str] = ()) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    """A NIC of its own for the time of the block: its socket and its process.

    Args:
        options: Of ``ixlab-device``.
        inside: A command in front of it, such as one that enters a network namespace.

    Raises:
        CiError: It did not start; the message has its own words.
    """
    with tempfile.TemporaryDirectory(prefix="ixlab-bench-") as folder:
        path = Path(folder) / "nic.sock"
        command = [*inside, sys.executable, "-m", "device", "--socket", str(path), "-q", *options]
        process = subprocess.Popen(child(command), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
        try:
            assert process.stdout is not None
            if not process.stdout.readline().startswith("device ready: "):
                process.kill()
                raise CiError(f"the device did not start: {process.communicate(timeout=10)[1]}")
            yield path, process
        finally:
            ended("the device", process)
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()


@contextlib.contextmanager
def driven(*options: str, **how: Any) -> Iterator[tuple[Any, subprocess.Popen[str]]]:
    """A NIC with these options and our driver on it in this process, up: the adapter, and the NIC's process.

    Args:
        options: Of ``ixlab-device``.
        how: What ``Adapter.up`` takes, besides the MTU.
    """
    from driver.doors.open import open_door
    from driver.ixgbe.probe import ProbeOptions, probe

    with device(*options) as (path, process), probe(open_door(f"vfio-user:{path}"), ProbeOptions(), None) as nic:
        nic.up(mtu=1500, **how)
        yield nic, process


def cpu_s(process: subprocess.Popen[str]) -> float:
    """CPU time that all threads of a process have used so far, in seconds.

    Nanoseconds on a CPU; /proc/PID/stat counts hundredths of a second.

    Ref: Linux, Documentation/scheduler/sched-stats.rst.
    """
    threads = Path(f"/proc/{process.pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def private_kib(process: subprocess.Popen[str]) -> int:
    """Memory of a process that it shares with nobody, in KiB."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon"))


def loop_mpps(
    nic: Any, lib: Any, ffi: Any, len_bytes: int = FRAME_BYTES, batch: int = BATCH, frames: int = FRAMES
) -> float:
    """Frames per µs that went out through the NIC, over its loopback port, and came back: the driver's own C program.

    Raises:
        CiError: A frame was lost, damaged or out of order.
    """
    rings = nic.q_vectors[0].rx[0].c, nic.q_vectors[0].tx[0].c
    return ring_mpps(rings, nic.mac, lib, ffi, len_bytes, batch, frames)


def ring_mpps(rings: tuple[Any, Any], mac: str, lib: Any, ffi: Any, len_bytes: int, batch: int, frames: int) -> float:
    """The same on an Rx and a Tx ring, whoever answers them."""
    address = bytes.fromhex(mac.replace(":", ""))
    result = ffi.new("struct app_result *")
    deadline_ns = lib.napi_now() + int(LOOP_TIMEOUT_S * 1e9)
    header = address + address + b"\x88\xb5"  # local experimental ethertype
    rc = lib.app_loop(*rings, header, len_bytes, frames, batch, deadline_ns, result)
    if rc or result.bad:
        why = os.strerror(-rc) if rc else "damaged"
        raise CiError(f"loop: sent {result.sent}, received {result.received}, bad {result.bad}: {why}")
    return float(result.received * 1e3 / result.elapsed_ns)
