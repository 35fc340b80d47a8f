# SPDX-License-Identifier: BSD-3-Clause
"""``python3 -m ci``: the steps of this house, each by name."""

import os
import sys

from ci import build
from ci.say import CiError, say

STEPS: dict[str, str] = {
    "setup": "make .venv, libvfio-user and the C extensions; nothing to do the second time",
    "demo": "the NIC, its driver and real TCP between two namespaces, in about a minute",
    "vm": "a Debian guest with the NIC in it, under QEMU: a shell, or `--run 'COMMAND'`; `vm --help`",
    "test": "everything CI runs; `test unit …`: some tiers; `test soak|fuzz|chaos`: minutes; `-- ARG…`: pytest's",
    "lint": "ruff, mypy --strict, generated files current",
    "stubs": "write the .pyi files of the C modules anew, after their declarations changed; `--check`: only look",
    "sanitize": "the unit and pair tiers on C built with ASan and UBSan",
    "bench": "speed, as ratios measured in one run; `bench instructions`: what a frame and a register access cost",
    "wheel": "the abi3 wheel: its name, its contents, and that it imports",
    "clean": "remove what set-up and tests made in the checkout",
}


def usage() -> str:
    """Return the list of steps."""
    width = max(map(len, STEPS))
    lines = [f"  python3 -m ci {name:<{width}}  {what}" for name, what in STEPS.items()]
    return "\n".join(["ixlab: an Intel 82599 you can boot, break and read", "", *lines])


def main(arguments: list[str]) -> int:
    """Run one step; returns the exit code (0 fine, 1 our error, 2 usage, 3 something missing on this machine)."""
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        print(usage())
        return 0
    name, rest = arguments[0], arguments[1:]
    if name not in STEPS:
        print(f"ci: no step called {name!r}\n\n{usage()}", file=sys.stderr)
        return 2
    if name == "clean":
        build.clean()
        return 0
    if not build.inside():
        build.setup()
        if name == "setup":
            say("ready: python3 -m ci demo")
            return 0
        build.enter(arguments)
    from ci import steps

    return steps.run_step(name, rest)


if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
    except CiError as exc:
        print(f"ci: {exc}", file=sys.stderr)
        code = exc.code
    except KeyboardInterrupt:
        code = 130
    sys.stdout.flush()
    os._exit(code) if code == 130 else sys.exit(code)
