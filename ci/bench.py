# SPDX-License-Identifier: BSD-3-Clause
"""``python3 -m ci bench``: how fast the pair is, beside what the same cores can do at best, in one run.

Absolute figures on a shared machine say little.  So each benchmark (``tests/bench/``) measures what matters and what it
is divided by in turn, round after round; what counts is the median of the rounds' ratios.  ``instructions`` counts what
a busy machine cannot spoil.
"""

import argparse
import os
import sys
from typing import NoReturn

from ci import guest, machine, net
from ci.say import ROOT, CiError

PLOTS = ("itr", "loop", "scale")
NETWORK = ("netdev", "vm")  # what makes taps and namespaces
GUEST = "6.12"


def check(asked: argparse.Namespace) -> None:
    """See that the options make sense together.

    Raises:
        CiError: They do not.
    """
    if asked.plot is not None and asked.what not in PLOTS:
        raise CiError(f"--plot draws what `bench {'` or `bench '.join(PLOTS)}` measures; give both, or neither", 2)
    if asked.record and asked.what != "instructions":
        raise CiError("--record writes what `bench instructions` counts; give both, or neither", 2)
    if asked.what == "instructions" and asked.rounds is not None:
        raise CiError("--rounds: `bench instructions` counts, and every round would count the same", 2)


def main(asked: argparse.Namespace) -> NoReturn:
    """Go on as the program that measures and prints; it is what signals are for, then."""
    check(asked)
    if asked.what == "instructions":
        machine.ensure((machine.VALGRIND,))
    if asked.what in NETWORK:
        machine.ensure(machine.NETWORK)
        if asked.what == "vm" and not net.entered():
            guest.prepare([GUEST])  # while there still is a network
        if not net.privileged():
            net.enter_user_namespace(asked.words)
    words = [sys.executable, "-m", "tests.bench", *asked.words[1:]]
    if asked.what == "vm":
        words = ["unshare", "--net", *words]  # QEMU makes its taps where it runs
    os.chdir(ROOT)
    sys.stdout.flush()
    os.execvp(words[0], words)
