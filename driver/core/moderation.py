# SPDX-License-Identifier: BSD-3-Clause
"""Who sets the intervals of a running NIC's vectors: the user (static), DIM, the adaptive rule, or one of two (auto).

The polling loop runs in C.  It comes back when a vector owes a decision (``decision_due`` in csrc/napi.c); the decision
is made here, on the thread that polls the vector, and the loop goes on.

Observed: a decision takes 25 (adaptive) to 40 us (DIM), so one each 2 ms is no more than 2 % of a core.  At each of
20,000 completions a second it would be half a core and more; C is not needed for what happens so rarely.
"""

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from driver.compiled import lib
from driver.core.adaptive import TEN_GIGABIT_MBPS, Adaptive, chosen
from driver.core.auto_itr import QUICK_US, auto_us
from driver.core.itr import EVENTS_PER_DECISION, ITR_20K_US, STALE_US, START_PROFILE, ItrMode
from driver.core.napi import Napi
from driver.core.qvector import QVector, VectorHw
from driver.errors import DriverError

ADAPTIVE_EVENTS = 1  # Linux decides at each completion; how often at most is up to the loop
AUTO_EVENTS = 16

assert lib.NAPI_DECIDE_STALE_US == STALE_US, "the loop reports a vector when DIM's measurement is stale"


class Policy(enum.Enum):
    """Who sets the interval."""

    STATIC = "static"
    DIM = "dim"
    ADAPTIVE = "adaptive"
    AUTO = "auto"


ONE_CHOICE = (Policy.ADAPTIVE, Policy.AUTO)  # they choose for a vector, not for each of its sides


@dataclass(frozen=True, slots=True)
class ItrSetting:
    """What the user decided.

    Attributes:
        policy: Who sets the intervals.
        itr_us: The interval of ``STATIC``, in µs.
    """

    policy: Policy = Policy.STATIC
    itr_us: int = ITR_20K_US

    def __str__(self) -> str:
        return str(self.itr_us) if self.policy is Policy.STATIC else self.policy.value


STATIC_20K = ItrSetting()  # 20,000 interrupts a second at most
AUTO = ItrSetting(Policy.AUTO, QUICK_US)  # where it starts


def parse_itr(text: str, max_us: int) -> ItrSetting:
    """Return what ``auto``, ``dim``, ``adaptive`` or a number of microseconds stands for.

    Raises:
        DriverError: It is none of them, or the register cannot hold it.
    """
    if text == Policy.AUTO.value:
        return AUTO
    if text in {Policy.DIM.value, Policy.ADAPTIVE.value}:
        return ItrSetting(Policy(text))
    if not (text.isascii() and text.isdigit()) or int(text) > max_us:
        raise DriverError(f"an interval is auto, dim, adaptive, or 0 to {max_us} microseconds; got {text!r}")
    return ItrSetting(Policy.STATIC, int(text))


def ring_totals(ring: Any) -> tuple[int, int]:
    """Packets and bytes of a ring so far."""
    return int(ring.c.stats.packets), int(ring.c.stats.bytes)


class Moderator:
    """The moderation of one vector.

    Args:
        q_vector: The vector.
        napi: What polls it, and counts its events.
        hw: The registers.
        setting: What the user decided.
        speed_mbps: How fast the link is.
    """

    def __init__(
        self, q_vector: QVector, napi: Napi, hw: VectorHw, setting: ItrSetting, speed_mbps: Callable[[], int]
    ) -> None:
        self._q_vector, self._napi, self._hw = q_vector, napi, hw
        self._speed_mbps = speed_mbps
        self.setting = setting
        self.decisions = 0
        self._adaptive = {container.itr_idx: Adaptive() for container in q_vector.containers}
        self._totals = {container.itr_idx: (0, 0) for container in q_vector.containers}
        self._itr_us = ITR_20K_US  # of the vector, as the adaptive rule has it

    def start(self, now_us: int) -> None:
        """The vector is about to be polled: write the interval that it starts with.  Nobody polls it yet."""
        vector, policy = self._q_vector, self.setting.policy
        for container in vector.containers:
            container.itr_mode = ItrMode.STATIC if policy is Policy.STATIC else ItrMode.DYNAMIC
            container.itr_us = self.setting.itr_us
        if policy is Policy.DIM:
            vector.init_moderation(self._hw)
            self._measure(now_us)
        else:
            vector.cfg_itr(self._hw)
        if policy in ONE_CHOICE:  # the first container has the word
            for container in [one for one in vector.containers if one.rings][1:]:
                self._hw.let_go_itr(container.itr_idx, vector.reg_idx)
        self._adaptive = {idx: Adaptive(updated_us=now_us) for idx in self._adaptive}
        self._itr_us = self.setting.itr_us
        self._since_last()
        self._decided(now_us)
        self._napi.c.decide_events = {
            Policy.STATIC: 0,
            Policy.DIM: EVENTS_PER_DECISION if vector.rx or vector.tx else 0,
            Policy.ADAPTIVE: ADAPTIVE_EVENTS if vector.rx or vector.tx else 0,
            Policy.AUTO: AUTO_EVENTS if vector.rx or vector.tx else 0,
        }[policy]

    def decide(self, now_us: int) -> None:
        """The loop says that a decision is owed.

        Raises:
            DeviceGone: The register cannot be written any more.
        """
        self.decisions += 1
        events = int(self._napi.c.events - self._napi.c.decided_events)
        if self.setting.policy is Policy.ADAPTIVE:
            self._decide_adaptive(events, now_us)
        elif self.setting.policy is Policy.AUTO:
            self._choose(auto_us(self._since_last().values(), max(events, 1)))
        elif self.setting.policy is Policy.DIM:
            if events >= EVENTS_PER_DECISION:
                self._measure(now_us)
            else:
                self._rest(now_us)
        self._decided(now_us)

    def who(self) -> str:
        """Who set the interval that the vector has, for people."""
        if self.setting.policy is Policy.STATIC:
            return Policy.STATIC.value
        if self.setting.policy is Policy.AUTO:
            return f"{Policy.AUTO.value} {'quick' if self._itr_us == QUICK_US else 'bulk'}"
        live = [container for container in self._q_vector.containers if container.rings]
        if self.setting.policy is Policy.DIM:
            said = [
                f"{one.itr_idx.name.lower()} {'-' if one.dim.silent else f'{one.dim.profile}{one.dim.tune.value}'}"
                for one in live
            ]
            return " ".join([Policy.DIM.value, *said])
        modes = chosen(*(self._adaptive[one.itr_idx] for one in live)).mode if live else ""
        return f"{Policy.ADAPTIVE.value} {modes}".rstrip()

    def _decided(self, now_us: int) -> None:
        napi = self._napi.c
        napi.decided_events, napi.decided_ns, napi.owes = napi.events, now_us * 1000, 0

    def _measure(self, now_us: int) -> None:
        self._q_vector.total_events = int(self._napi.c.events)
        self._q_vector.net_dim(self._hw, now_us, ring_totals)

    def _rest(self, now_us: int) -> None:
        """Too few events for a measurement within a second: back to where it starts.

        Linux leaves the interval where the last load had it; the next load then begins with that.
        """
        vector = self._q_vector
        if any(one.dim.profile != START_PROFILE or one.dim.silent for one in vector.containers if one.rings):
            vector.init_moderation(self._hw)
        self._measure(now_us)

    def _since_last(self) -> dict[Any, tuple[int, int]]:
        """Packets and bytes of each container since this was asked last."""
        found = {}
        for container in self._q_vector.containers:
            counts = [ring_totals(ring) for ring in container.rings]
            now = (sum(packets for packets, _ in counts), sum(size for _, size in counts))
            before = self._totals[container.itr_idx]
            self._totals[container.itr_idx] = now
            found[container.itr_idx] = (now[0] - before[0], now[1] - before[1])
        return found

    def _decide_adaptive(self, events: int, now_us: int) -> None:
        moved, irqs = self._since_last(), max(events, 1)
        live = [container for container in self._q_vector.containers if container.rings]
        speed_mbps = self._speed_mbps() or TEN_GIGABIT_MBPS
        for container in live:
            packets, size_bytes = moved[container.itr_idx]
            self._adaptive[container.itr_idx].update(
                -(-packets // irqs), -(-size_bytes // irqs), self._itr_us, now_us, speed_mbps=speed_mbps
            )
        self._choose(chosen(*(self._adaptive[container.itr_idx] for container in live)).us)

    def _choose(self, new_us: int) -> None:
        """One interval for the vector, whose register is written if it is another than before."""
        live = [container for container in self._q_vector.containers if container.rings]
        if new_us == self._itr_us:
            return
        self._itr_us = new_us
        for container in live:
            container.itr_us = new_us
        self._hw.write_itr(live[0].itr_idx, self._q_vector.reg_idx, new_us)


class Moderation:
    """The moderation of all vectors of a NIC that runs.

    Args:
        vectors: Each q_vector and what polls it.
        hw: The registers.
        setting: What the user decided.
        speed_mbps: How fast the link is.
        now_us: The clock that the polling loop has; tests bring their own.
    """

    def __init__(
        self,
        vectors: Sequence[tuple[QVector, Napi]],
        hw: VectorHw,
        setting: ItrSetting,
        *,
        speed_mbps: Callable[[], int] = lambda: TEN_GIGABIT_MBPS,
        now_us: Callable[[], int] = lambda: int(lib.napi_now()) // 1000,
    ) -> None:
        self._now_us = now_us
        self.moderators = {napi.v_idx: Moderator(q_vector, napi, hw, setting, speed_mbps) for q_vector, napi in vectors}

    def start(self) -> None:
        """The vectors are about to be polled."""
        for moderator in self.moderators.values():
            moderator.start(self._now_us())

    def decide(self, napis: Sequence[Napi]) -> None:
        """Make the decisions that these vectors owe.

        Raises:
            DeviceGone: A register cannot be written any more.
        """
        for napi in napis:
            if napi.c.owes:
                self.moderators[napi.v_idx].decide(self._now_us())

    def set(self, setting: ItrSetting) -> None:
        """Let somebody else set the intervals from the next ``start`` on.  Nobody polls meanwhile."""
        for moderator in self.moderators.values():
            moderator.setting = setting

    def who(self, v_idx: int) -> str:
        """Who set the interval of this vector, for people."""
        return self.moderators[v_idx].who()
