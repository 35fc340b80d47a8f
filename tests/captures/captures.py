# SPDX-License-Identifier: BSD-3-Clause
"""``python3 -m ci test captures``: frames of public captures, which nobody of us wrote, through both ways of the card.

Each file's frames are sent to two cards, of which one takes usual frames the usual way and the other all the exact way:
as they are, to the card's own address, and mutated.  Descriptors, buffers, registers, causes and counters must be the
same.  What the descriptors say is also held against scapy's sums and the twins of the parser and of RSS; and all frames
go out, too.  Every file is seen in the first round; each further one has other configurations, until time is up.

``-- --minutes M`` changes how long at most, ``-- --frames N`` how much of a file, ``-- --seed N`` the mutations, and
``-- --files TEXT`` picks files by name.
"""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ci import captures
from ci.say import cache_dir
from tests.captures.configurations import CONFIGURATIONS, Configuration
from tests.captures.judge import Judge
from tests.captures.reader import DamagedError, frames_of
from tests.captures.sending import Sender
from tests.rigs.rx import MAC
from tests.rigs.usual_rx import Twins

BATCH = 32
MIN_BYTES = 60
SUMMED = 16  # FRAME_SUMMED: whoever brings the frame has looked at its sums
HEADERS_BYTES = 80  # where most of what decides about a frame lies


def to_us(data: bytes) -> bytes:
    return MAC + data[6:]


def mutated(data: bytes, dice: random.Random) -> bytes:
    """To us, with a few other bytes, mostly in the headers; one in four is cut, one in eight longer."""
    frame = bytearray(to_us(data))
    for _ in range(dice.randrange(4)):
        frame[dice.randrange(6, min(len(frame), HEADERS_BYTES) if dice.random() < 0.8 else len(frame))] = (
            dice.randrange(256)
        )
    what = dice.randrange(8)
    if what < 2:
        del frame[dice.randrange(14, len(frame)) :]
    elif what == 2:
        frame += dice.randbytes(dice.randrange(1, 40))
    return bytes(frame).ljust(MIN_BYTES, b"\0")


def in_lines(frames: list[bytes]) -> str:
    return "\n".join(frame.hex() for frame in frames)


@dataclass(frozen=True)
class Way:
    """How a capture's frames are sent.

    Attributes:
        name: What a failure calls it.
        make: Makes the frame that is sent.
        flags: Of ``struct frame``.
    """

    name: str
    make: Callable[[bytes, random.Random], bytes]
    flags: int = 0


WAYS = [
    Way("as it is", lambda data, _: data),
    Way("to us", lambda data, _: to_us(data)),
    Way("mutated", mutated),
    Way("mutated, sums said to be good", mutated, SUMMED),
]


class Run:
    """Both pairs of cards, and what was counted.

    Attributes:
        configurations: Pairs of way and configuration that were had, by name.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.twins = Twins()
        self.sender = Sender()
        self.judge = Judge()
        self.frames = self.usual = 0
        self.configurations: set[str] = set()

    def close(self) -> None:
        self.twins.close()
        self.sender.twins.close()

    def receive(self, path: Path, frames: list[bytes], way: Way, configuration: Configuration) -> None:
        """A file's frames in batches, to cards that are new; fails with the frame that makes a difference."""
        dice = random.Random(f"{self.seed} {path.name} {way.name}")
        made = [way.make(data, dice) for data in frames]
        before = self.twins.usual
        configuration.apply(self.twins)
        for start in range(0, len(made), BATCH):
            batch = made[start : start + BATCH]
            if text := self.batch(batch, way, configuration):
                number, frame, text = self.first(batch, way, configuration, text)
                pytest.fail(
                    f"{path.name}, frame {start + number + 1}, {way.name}, configuration {configuration.name!r}, "
                    f"seed {self.seed}; the usual way first, then the exact one:\n{text}\n{frame}"
                )
        self.frames += len(made)
        self.usual += self.twins.usual - before
        self.configurations.add(configuration.name)

    def batch(self, batch: list[bytes], way: Way, configuration: Configuration) -> str:
        """One batch, and then a reader gives the descriptors back; returns what is wrong, "" if nothing is."""
        text = self.twins.send(batch, way.flags)
        if not text and configuration.judged is not None and not way.flags:
            text = self.judge.look(self.twins, batch, configuration.judged)
        self.twins.give_back()
        return text

    def first(self, batch: list[bytes], way: Way, configuration: Configuration, text: str) -> tuple[int, str, str]:
        """The first frame of a batch that by itself, on new cards, is received in two ways; else the whole batch."""
        for number, frame in enumerate(batch):
            configuration.apply(self.twins)
            if alone := self.batch([frame], way, configuration):
                return number, frame.hex(), alone
        return 0, in_lines(batch), f"only the {len(batch)} frames from here on together: {text}"

    def send(self, path: Path, frames: list[bytes]) -> None:
        """A file's frames out, in batches; fails as ``receive`` does."""
        self.sender.renew()
        for start in range(0, len(frames), BATCH):
            batch = frames[start : start + BATCH]
            if not (text := self.sender.send(batch)):
                continue
            where, frame = start + 1, in_lines(batch)
            for number, one in enumerate(batch):
                self.sender.renew()
                if alone := self.sender.send([one]):
                    where, frame, text = start + number + 1, one.hex(), alone
                    break
            pytest.fail(f"{path.name}, frame {where}, out through Tx, the usual way first:\n{text}\n{frame}")


@pytest.fixture
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    made = Run(request.config.getoption("--seed"))
    yield made
    made.close()


def read(text: str, most: int) -> tuple[dict[Path, list[bytes]], list[str], int]:
    """Captures whose names contain this: those with Ethernet, what is wrong with damaged ones, how many others."""
    found, damaged, others = dict[Path, list[bytes]](), list[str](), 0
    for folder in captures.kept(cache_dir()).values():
        for path in sorted(folder.iterdir()):
            if text not in path.name:
                continue
            try:
                frames = frames_of(path, most)
            except DamagedError as exc:
                damaged.append(str(exc))
                continue
            if frames:
                found[path] = frames
            else:
                others += 1
    return found, damaged, others


@pytest.mark.timeout(86400)
def test_captures(request: pytest.FixtureRequest, run: Run, record_property: Callable[[str, object], None]) -> None:
    """Neither way says anything else of any frame than the other, nor than those who are asked besides."""
    option = request.config.getoption
    start_s = time.monotonic()
    end_s = start_s + option("--minutes") * 60
    found, damaged, others = read(option("--files"), option("--frames"))
    for text in damaged:
        print(f"captures: damaged, left out: {text}")
    assert found, "no capture with Ethernet frames; `python3 -m ci test captures` fetches them"
    whole_rounds, files = 0, 0
    for turn in range(len(CONFIGURATIONS)):
        print(f"captures: round {turn + 1}, after {time.monotonic() - start_s:.0f} s", flush=True)
        for at, (path, frames) in enumerate(found.items()):
            if time.monotonic() > end_s:
                break
            files = max(files, at + 1)
            for number, way in enumerate(WAYS):
                run.receive(path, frames, way, CONFIGURATIONS[(turn + at + 5 * number) % len(CONFIGURATIONS)])
            if turn == 0:
                run.send(path, frames)
        else:
            whole_rounds += 1
            continue
        break
    folders = ", ".join(path.name.removeprefix(captures.PREFIX) for path in captures.kept(cache_dir()).values())
    record_property("captures of", folders)
    record_property(
        "files",
        f"{files} of {len(found)} with Ethernet; {others} with none, {len(damaged)} damaged; {whole_rounds} rounds",
    )
    record_property("frames of the files", sum(map(len, found.values())))
    record_property("received by both cards", f"{run.frames}, {run.usual} of them the usual way")
    record_property("configurations", f"{len(run.configurations)}, {len(WAYS)} ways each")
    record_property("judged", f"{run.judge.frames} descriptors, {run.judge.summed} L4 sums")
    record_property(
        "sent by both cards",
        f"{run.sender.frames}, {run.sender.offloaded} with sums by the card, {run.sender.twins.usual} the usual way",
    )
    assert run.usual > 0
