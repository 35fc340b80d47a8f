# SPDX-License-Identifier: BSD-3-Clause
"""Interrupt moderation: units, profiles, and the algorithm that walks between profiles (DIM).

DIM measures a load for a while, moves one profile up or down, and measures again.  It keeps going while things get
better, turns when they do not, and parks when it stands on a hilltop or is tired of walking back and forth.

Who runs it: moderation.py, which also has the other ways to choose an interval.

Ref: the behaviour of Linux lib/dim and of ice 6.12's ice_net_dim.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field

ITR_GRANULARITY_US = 2
ITR_MAX_US = 8160
ITR_20K_US = 50
INTRL_GRANULARITY_US = 4
INTRL_MAX_US = 236
INTRL_ENABLE = 64  # value of ice's GLINT_RATE enable bit

RX_PROFILES_US = (2, 8, 16, 62, 126)
TX_PROFILES_US = (2, 8, 40, 128, 256)
PROFILES = 5
START_PROFILE = 1

EVENTS_PER_DECISION = 64
EVENT_WRAP = 65536
STALE_US = 1_000_000
SIGNIFICANT_PERCENT = 10
TIRED_AFTER = PROFILES * 2


class ItrIndex(enum.IntEnum):
    """ITR registers of a vector.  ``NONE`` never indexes a register."""

    RX = 0
    TX = 1
    SOFTWARE = 2
    NONE = 3


class ItrMode(enum.Enum):
    """Whether a container's interval is fixed or follows the load."""

    STATIC = "static"
    DYNAMIC = "dynamic"


def itr_reg(itr_us: int) -> int:
    """Register value of an interval in µs; odd values round down, more than 8160 µs is cut."""
    return min(max(itr_us, 0), ITR_MAX_US) // ITR_GRANULARITY_US


def intrl_reg(intrl_us: int) -> int:
    """Register value of a rate limit in µs; less than 4 disables it, more than 236 is cut."""
    value = min(max(intrl_us, 0), INTRL_MAX_US) // INTRL_GRANULARITY_US
    return value + INTRL_ENABLE if value else 0


class DimState(enum.Enum):
    """Where a measurement stands."""

    START_MEASURE = 0
    MEASURE_IN_PROGRESS = 1
    APPLY_NEW_PROFILE = 2


class Tune(enum.Enum):
    """What the walk is doing; the letter is the one used in traces."""

    PARKING_ON_TOP = "T"
    PARKING_TIRED = "Z"
    GOING_RIGHT = "R"
    GOING_LEFT = "L"


@dataclass(frozen=True, slots=True)
class DimSample:
    """Totals at one moment; ``events`` wraps at 65536."""

    time_us: int
    events: int
    packets: int
    bytes: int


@dataclass(frozen=True, slots=True)
class DimStats:
    """Rates per millisecond."""

    bpms: int = 0
    ppms: int = 0
    epms: int = 0


def _better(now: int, before: int) -> int:
    """1 for significantly more, -1 for significantly less, 0 for about the same."""
    if abs(now - before) * 100 // before <= SIGNIFICANT_PERCENT:
        return 0
    return 1 if now > before else -1


def compare(now: DimStats, before: DimStats) -> int:
    """Whether things got better (1), worse (-1) or neither (0): bytes first, then packets, then fewer events."""
    for new, old in ((now.bpms, before.bpms), (now.ppms, before.ppms)):
        if old == 0:
            return 1 if new else 0
        verdict = _better(new, old)
        if verdict:
            return verdict
    return -_better(now.epms, before.epms) if before.epms else 0


def rates(start: DimSample, end: DimSample) -> DimStats | None:
    """Rates between two samples; None if no time passed.

    Linux takes a sample at every event, so there the events are always the 64 that a decision wants; who looks less
    often finds more of them, and they count as they are.
    """
    delta_us = end.time_us - start.time_us
    if delta_us <= 0:
        return None

    def per_ms(count: int) -> int:
        return -(-count * 1000 // delta_us)

    events = (end.events - start.events) % EVENT_WRAP
    return DimStats(per_ms(end.bytes - start.bytes), per_ms(end.packets - start.packets), per_ms(events))


@dataclass(slots=True)
class Dim:
    """The walk of one container (all Rx, or all Tx rings of a vector).

    Attributes:
        silent: The last measurement saw no packet; what the profile says then means nothing.
    """

    profiles_us: Sequence[int] = RX_PROFILES_US
    profile: int = START_PROFILE
    state: DimState = DimState.START_MEASURE
    tune: Tune = Tune.PARKING_ON_TOP
    steps_left: int = 0
    steps_right: int = 0
    tired: int = 0
    prev: DimStats = field(default_factory=DimStats)
    start: DimSample = DimSample(0, 0, 0, 0)
    silent: bool = False

    @property
    def itr_us(self) -> int:
        """Interval of the current profile, in µs."""
        return self.profiles_us[self.profile]

    def sample(self, end: DimSample) -> bool:
        """Take in a sample; True when the profile changed and ``applied()`` is owed."""
        if end.time_us - self.start.time_us >= STALE_US:
            self.state = DimState.START_MEASURE
        if self.state is DimState.APPLY_NEW_PROFILE:
            return False
        if self.state is DimState.MEASURE_IN_PROGRESS:
            if (end.events - self.start.events) % EVENT_WRAP < EVENTS_PER_DECISION:
                return False
            stats = rates(self.start, end)
            if stats is None:
                return False
            if self.decide(stats):
                self.state = DimState.APPLY_NEW_PROFILE
                return True
        self.start = end
        self.state = DimState.MEASURE_IN_PROGRESS
        return False

    def applied(self) -> None:
        """The new interval is in the register: measure again."""
        self.state = DimState.START_MEASURE

    def decide(self, stats: DimStats) -> bool:
        """One decision; True if the profile changed."""
        self.silent = stats.ppms == 0
        was, was_profile = self.tune, self.profile
        if was is Tune.PARKING_ON_TOP:
            if compare(stats, self.prev):
                self._leave_parking()
        elif was is Tune.PARKING_TIRED:
            self.tired -= 1
            if self.tired == 0:
                self._leave_parking()
        else:
            if compare(stats, self.prev) <= 0:
                self._turn()
            self._walk()
        if not (was is Tune.PARKING_ON_TOP and self.tune is Tune.PARKING_ON_TOP):
            self.prev = stats
        return self.profile != was_profile

    def _walk(self) -> None:
        ahead, behind = self.steps_right, self.steps_left
        if self.tune is Tune.GOING_LEFT:
            ahead, behind = behind, ahead
        if behind > 1 and ahead == 1:
            self._park(Tune.PARKING_ON_TOP)
        elif self.tired == TIRED_AFTER:
            self._park(Tune.PARKING_TIRED)
        elif not self._step():
            self._park(Tune.PARKING_ON_TOP)

    def _turn(self) -> None:
        if self.tune is Tune.GOING_RIGHT:
            self.tune, self.steps_left = Tune.GOING_LEFT, 0
        else:
            self.tune, self.steps_right = Tune.GOING_RIGHT, 0

    def _park(self, where: Tune) -> None:
        self.tune = where
        self.steps_left = self.steps_right = 0
        if where is Tune.PARKING_ON_TOP:
            self.tired = 0

    def _leave_parking(self) -> None:
        self.tune = Tune.GOING_LEFT if self.profile else Tune.GOING_RIGHT
        self._step()

    def _step(self) -> bool:
        """One profile further; False at the edge."""
        if self.tune is Tune.GOING_RIGHT:
            if self.profile == PROFILES - 1:
                return False
            self.profile += 1
            self.steps_right += 1
        else:
            if self.profile == 0:
                return False
            self.profile -= 1
            self.steps_left += 1
        self.tired += 1
        return True
