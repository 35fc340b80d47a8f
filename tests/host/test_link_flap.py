# SPDX-License-Identifier: BSD-3-Clause
"""A cable that goes dark again and again under TCP: the driver resets what hangs, and the stream arrives whole."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rigs.host import WIRE4, Stage, eventually

pytestmark = [pytest.mark.root, pytest.mark.timeout(240)]

SIZE = 256 << 20
FLAP_MS = 150


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path) as stage:
        yield stage


def test_tcp_lives_through_a_flapping_link(stage: Stage) -> None:
    stage.device()
    stage.driver()
    stage.address()

    def changes() -> int:
        return int(stage.ask_device({"report": True})["report"]["counters"]["link_changes"])

    before, arrived = changes(), list[bool]()

    def streams() -> None:
        stage.tcp_many([(stage.host, stage.wire, WIRE4, 5301)], SIZE)
        arrived.append(True)

    stage.ask_device({"fault": f"link-flap={FLAP_MS}"})
    stream = threading.Thread(target=streams)
    stream.start()
    try:
        eventually(lambda: changes() >= before + 6, "the link went and came three times")
        assert stream.is_alive(), "there was no stream any more for the link to interrupt"
    finally:
        stage.ask_device({"fault": {"end": "link-flap"}})
        stream.join(100)
    assert arrived == [True]
    stage.wait_for_link()
    stage.ping(WIRE4)
