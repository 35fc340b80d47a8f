# SPDX-License-Identifier: BSD-3-Clause
"""``python3 -m ci test chaos``: hostile clients, signals, full disks and storms, minutes long, beside one honest TCP
stream.

``-- --seed N`` does the same again, ``-- --minutes M`` changes how long, ``-- --moves TEXT`` picks moves by name.
"""

import time
from collections import Counter
from pathlib import Path

import pytest

from tests.chaos import clients, machine
from tests.chaos.held import Held
from tests.chaos.world import World
from tests.rigs.host import eventually

ROUNDS_MOST = 10_000
FLAT_S = 30.0


@pytest.mark.root
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("doorbells", ["trapped", "shared"])
def test_chaos(request: pytest.FixtureRequest, tmp_path: Path, doorbells: str) -> None:
    """The stream arrives as it was sent, both devices live, and hold no more than before."""
    seed, minutes = request.config.getoption("--seed"), request.config.getoption("--minutes")
    moves = [move for move in (*clients.MOVES, *machine.MOVES) if request.config.getoption("--moves") in move.name]
    print(f"\nchaos: seed {seed}, {minutes:g} minutes in all, doorbells {doorbells}, {len(moves)} moves", flush=True)
    done: Counter[str] = Counter()
    with World(tmp_path, seed, doorbells) as world:
        possible = [move for move in moves if world.disk_is_small or not move.small_disk]
        for move in possible:  # once each: what is made only once is made now
            move.do(world)
        world.settled()
        pids = world.both()
        before = {name: Held.of(pid) for name, pid in pids.items()}
        world.honest.start()
        end_s = time.monotonic() + minutes * 30
        for _ in range(ROUNDS_MOST):
            if time.monotonic() > end_s or world.honest.error:
                break
            move = world.dice.choice(possible)
            print(f"chaos: {move.name}", flush=True)
            move.do(world)
            done[move.name] += 1
            assert world.both() == pids
        world.honest.end()
        world.settled()
        eventually(
            lambda: not any(Held.of(pids[name]).more_than(before[name]) for name in pids),
            f"the devices hold what they held: {before}, now { {name: Held.of(pid) for name, pid in pids.items()} }",
            FLAT_S,
        )
        after = {name: Held.of(pid) for name, pid in pids.items()}
        with world.guest() as guest:
            guest.alive()
        print(f"chaos: {sum(done.values())} moves, {dict(done)}")
        print(f"chaos: {world.honest.transfers} transfers, the longest {world.honest.worst_s:.1f} s")
        for name in pids:
            print(f"chaos: device {name} before {before[name]}, after {after[name]}")
        assert world.honest.transfers > 0
        for program in (world.driver, world.a, world.b):
            assert program.end() == 0, program.log.read_text()[-3000:]
            assert "Traceback" not in program.log.read_text()
