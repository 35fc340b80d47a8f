# SPDX-License-Identifier: BSD-3-Clause
"""``python3 -m ci test fuzz``: both fuzz targets for ten minutes, from the kept corpus and the seeds.

``-- --seconds N`` changes how long; ``-- --keep`` writes the corpus back, made small.  An input that ends the device
stays
in build/fuzz, and the message says how to try it again.
"""

import re
import subprocess
from pathlib import Path

import pytest

from tests.fuzz import corpus
from tests.fuzz.build import ROOT, TARGETS, build, clang
from tests.fuzz.seeds import write_seeds

FOLDER = ROOT / "build" / "fuzz"
INPUT_MAX_BYTES = 3600
ONE_INPUT_S = 20
OVER_S = 300  # building, reading the corpus
KEPT_KIB = {"core": 120, "wire": 70}
FIGURES = (
    "number_of_executed_units",
    "average_exec_per_sec",
    "new_units_added",
    "slowest_unit_time_sec",
    "peak_rss_mb",
)


def fuzz(target: str, program: Path, found: Path, seconds: int) -> "subprocess.Popen[bytes]":
    """Start a fuzzer; its output goes to a file beside the program."""
    seeds = FOLDER / target / "seeds"
    write_seeds(target, seeds)
    kept = FOLDER / target / "kept"
    if corpus.archive_of(target).exists():
        corpus.unpack(target, kept)
    kept.mkdir(exist_ok=True)
    found.mkdir(exist_ok=True)
    with (FOLDER / f"{target}.log").open("wb") as log:
        return subprocess.Popen(
            [
                program,
                f"-max_total_time={seconds}",
                f"-max_len={INPUT_MAX_BYTES}",
                f"-timeout={ONE_INPUT_S}",
                "-print_final_stats=1",
                f"-artifact_prefix={FOLDER}/{target}-",
                *(found, kept, seeds),
            ],
            stdout=log, stderr=log, cwd=FOLDER,
        )  # fmt: skip


def keep(target: str, program: Path, found: Path) -> None:
    """Make the corpus small, and keep the smallest of it as far as the room goes."""
    small = FOLDER / target / "small"
    small.mkdir(exist_ok=True)
    folders = [small, FOLDER / target / "kept", FOLDER / target / "seeds", found]
    subprocess.run(
        [program, "-merge=1", f"-max_len={INPUT_MAX_BYTES}", *folders],
        check=True,
        timeout=OVER_S,
        capture_output=True,
        cwd=FOLDER,
    )
    inputs = sorted(small.iterdir(), key=lambda path: path.stat().st_size)
    while corpus.pack(target, inputs).stat().st_size > KEPT_KIB[target] * 1024:
        inputs = inputs[: len(inputs) * 9 // 10]
    print(f"{target}: {len(inputs)} inputs kept")


@pytest.mark.timeout(86400)
def test_fuzz(request: pytest.FixtureRequest, record_property: "object") -> None:
    """Nothing that is found ends the device, makes it read or write where it may not, or keeps it for long."""
    if clang() is None:
        pytest.fail("no clang with libFuzzer on this machine: apt install clang libclang-rt-14-dev")
    assert callable(record_property)
    seconds = int(request.config.getoption("--seconds"))
    programs = {target: build(target, FOLDER / target, fuzzer=True) for target in TARGETS}
    found = {target: FOLDER / target / "found" for target in TARGETS}
    running = {target: fuzz(target, programs[target], found[target], seconds) for target in TARGETS}
    failed = []
    for target, process in running.items():
        try:
            code = process.wait(seconds + OVER_S)
        finally:
            process.kill()
            process.wait()
        said = (FOLDER / f"{target}.log").read_text(errors="replace")
        figures = {name: n for name, n in re.findall(r"stat::(\w+): +(\d+)", said) if name in FIGURES}
        covered = re.findall(r"cov: (\d+) ft: (\d+)", said)
        record_property(target, f"{figures}, edges and features {covered[-1] if covered else None}")
        if code != 0:
            artifact = re.findall(r"Test unit written to (\S+)", said)
            failed.append(f"{target}: {said[-3000:]}\nagain: {programs[target]} {' '.join(artifact)}")
    assert not failed, "\n\n".join(failed)
    if request.config.getoption("--keep"):
        for target in TARGETS:
            keep(target, programs[target], found[target])
