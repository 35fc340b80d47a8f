# SPDX-License-Identifier: BSD-3-Clause
"""Processes that cannot outlive us, and how they end.

Those of a guest are in process groups of their own (``OWN_GROUP``): the terminal's Ctrl-C is told to us alone, and we
end them in order.
"""

import signal
import subprocess
from collections.abc import Sequence

STOP_TIMEOUT_S = 30.0
OWN_GROUP, OUR_GROUP = 0, -1  # for Popen's process_group


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
