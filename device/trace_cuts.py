# SPDX-License-Identifier: BSD-3-Clause
"""Where the steps of a probe begin in a trace without marks: by accesses that only that step begins with."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from device.regs.i82599 import EERD
from device.trace_diff import Access as Line

BEFORE = "before the probe"


class Access(Line, Protocol):
    """A line of a trace, and how often it stands there in a row."""

    @property
    def times(self) -> int:
        """How often in a row."""


Begin = tuple[str, int | None]  # ``W WUS``, and the value if it matters
Steps = Sequence[tuple[str, Sequence[Access]]]


@dataclass(frozen=True)
class Cut:
    """What a step begins with.

    Attributes:
        step: Its name in our driver.
        begins: Accesses in a row.
        optional: Not every driver does it.
    """

    step: str
    begins: tuple[Begin, ...]
    optional: bool = False


def _word(word: int) -> Begin:
    return "W EERD", int(EERD.of(ADDR=word, START=1))


CUTS: tuple[Cut, ...] = (
    Cut("select_eeprom", (("R EEC", None),)),
    Cut("sw_init", (("R FWSM", None), ("R SECTXSTAT", None)), optional=True),
    Cut("clear_wake_status", (("W WUS", None),)),
    Cut("reset_hw", (("R RXCTRL", None),)),
    Cut("check_fw_error", (("R FWSM", None), _word(0x00))),
    Cut("validate_eeprom", (_word(0x00),)),
    Cut("mac_set_default_filter", (("R MPSAR[0]", None),)),
    Cut("check_wol", (_word(0x2C),)),
    Cut("read_versions", (_word(0x1B),)),
    Cut("get_bus_info", (("R STATUS", None), ("R FACTPS", None))),
    Cut("read_pba", (_word(0x15),)),
    Cut("start_hw", (("W VFTA[0]", None),)),
    Cut("disable_tx_laser", (("R ESDP", None),)),
    Cut("set_fw_drv_ver", (("R SWSM", None),)),
    Cut("add_san_mac", (("W MPSAR[254]", None),)),
    Cut("sensors", (("R STATUS", None), _word(0x26)), optional=True),
    Cut("setup_link", (("R FWSM", None),)),
)
"""In the order of ixgbe_probe.  ``sensors`` is stock's registration of thermal sensors, which ours has not."""


def _begins(accesses: Sequence[Access], at: int, cut: Cut) -> bool:
    for place, (what, value) in enumerate(cut.begins, at):
        if place >= len(accesses):
            return False
        access = accesses[place]
        if f"{access.kind} {access.name}" != what or value not in {None, access.value}:
            return False
    return True


def cut_up(accesses: Iterable[Access]) -> Steps:
    """Cut a trace without marks into steps.

    A step is looked for from the one before it on, up to the next that every driver does.
    """
    whole = list(accesses)
    found: list[tuple[str, list[Access]]] = [(BEFORE, [])]
    left = list(CUTS)
    for at, access in enumerate(whole):
        for n, cut in enumerate(left):
            if _begins(whole, at, cut):
                found.append((cut.step, []))
                del left[: n + 1]
                break
            if not cut.optional:
                break
        found[-1][1].append(access)
    return [(step, done) for step, done in found if done]
