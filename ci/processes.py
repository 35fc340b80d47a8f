# SPDX-License-Identifier: BSD-3-Clause
"""Processes that cannot outlive us, and how they end.

Those of a guest are in process groups of their own (``OWN_GROUP``): the terminal's Ctrl-C is told to us alone, and we
end them in order.
"""

import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ci.say import CiError

STOP_TIMEOUT_S = 30.0
OWN_GROUP, OUR_GROUP = 0, -1  # for Popen's process_group
STOPS = (signal.SIGTERM, signal.SIGHUP)  # besides Ctrl-C, which Python makes an exception of


@dataclass(frozen=True)
class Stat:
    """What the kernel says of a process.  Ref: Linux, proc_pid_stat(5).

    Attributes:
        state: A letter; "Z" or "X" is one that is dead.
        parent: Pid of its parent.
        cpu_s: Processor time used so far, user and system, in seconds.
        start: When it started, in clock ticks since the boot; with the pid it names one process.
    """

    state: str
    parent: int
    cpu_s: float
    start: str


def stat(pid: int | str) -> Stat:
    """Return what ``/proc/PID/stat`` says.

    Raises:
        OSError: There is no such process.
    """
    # The name, in brackets, may hold anything; what is counted begins behind it.
    fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].decode("ascii").split()
    ticks = int(fields[11]) + int(fields[12])
    return Stat(fields[0], int(fields[1]), ticks / os.sysconf("SC_CLK_TCK"), fields[19])


def child(words: Sequence[str]) -> list[str]:
    """Return the command that runs ``words`` and dies with this process, however that goes."""
    return ["setpriv", "--pdeathsig", "KILL", *words]


def ended(name: str, process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> list[str]:
    """End a process, by force if it takes too long; returns what is to be said about how it went."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return [f"the {name} did not end within {STOP_TIMEOUT_S:.0f} s of SIGTERM"]
    return [f"the {name} exited with {process.returncode}"] if process.returncode else []


def _stopped(number: int, _frame: object) -> None:
    raise CiError(f"ended by {signal.Signals(number).name}", 128 + number)


def stop_in_order() -> None:
    """From here on TERM and HUP are exceptions, so that what was made is taken away on the way out."""
    for number in STOPS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, _stopped)


def undisturbed() -> None:
    """From here on all is being ended, and each wait has a limit: one more Ctrl-C would only leave something behind."""
    for number in (signal.SIGINT, *STOPS):
        signal.signal(number, signal.SIG_IGN)
