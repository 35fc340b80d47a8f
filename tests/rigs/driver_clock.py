# SPDX-License-Identifier: BSD-3-Clause
"""A clock for the driver whose sleeps take no time but count: the device in the same process answers at once."""


class NoWait:
    def __init__(self) -> None:
        self.time_s = 1000.0

    def now_s(self) -> float:
        return self.time_s

    def sleep(self, seconds: float) -> None:
        self.time_s += seconds

    def delay_us(self, microseconds: float) -> None:
        self.time_s += microseconds / 1e6
