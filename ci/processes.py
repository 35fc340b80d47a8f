# SPDX-License-Identifier: BSD-3-Clause
"""Processes that cannot outlive us, and how they end.

Those of a guest are in process groups of their own (``OWN_GROUP``): the terminal's Ctrl-C is told to us alone, and we
end them in order.
"""

import signal
import subprocess
from collections.abc import Sequence

from ci.say import CiError

STOP_TIMEOUT_S = 30.0
OWN_GROUP, OUR_GROUP = 0, -1  # for Popen's process_group
STOPS = (signal.SIGTERM, signal.SIGHUP)  # besides Ctrl-C, which Python makes an exception of


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
