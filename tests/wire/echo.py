# SPDX-License-Identifier: BSD-3-Clause
"""A driver as a program: ``python -m tests.wire.echo DOOR`` keeps frames circling until it is killed."""

import sys

from tests.rigs.driving import Driver
from tests.rigs.process import until

BUSY_FRAMES = 2000


def main(name: str) -> None:
    driver = Driver(name)
    driver.echo()
    until(lambda: driver.packets() > BUSY_FRAMES, "frames circle")
    print("busy", flush=True)
    while True:
        driver.serve()


if __name__ == "__main__":
    main(sys.argv[1])
