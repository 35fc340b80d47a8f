# SPDX-License-Identifier: BSD-3-Clause
"""The fuzz targets' kept inputs, once each, under AddressSanitizer and UBSan: what was found stays mended.

``python3 -m ci test fuzz`` looks for more; an input that ended the device is added with ``-- --keep`` once it is
mended.
"""

import os
import subprocess
from pathlib import Path

import pytest

from tests.fuzz import corpus
from tests.fuzz.build import TARGETS, build
from tests.fuzz.seeds import write_seeds

RUN_S = 100


@pytest.mark.skipif(
    "IXLAB_SANITIZED" in os.environ, reason="sanitized build: these programs bring their own sanitizers, once is enough"
)
@pytest.mark.timeout(400)
@pytest.mark.parametrize("target", TARGETS)
def test_what_the_fuzzers_found_stays_mended(tmp_path: Path, target: str) -> None:
    program = build(target, tmp_path / "built", fuzzer=False)
    write_seeds(target, tmp_path / "seeds")
    inputs = [*corpus.unpack(target, tmp_path / "kept"), *(tmp_path / "seeds").iterdir()]
    env = {**os.environ, "ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "halt_on_error=1", "LD_PRELOAD": ""}
    done = subprocess.run(
        [program, *inputs], capture_output=True, text=True, timeout=RUN_S, check=False, env=env, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout == f"{len(inputs)} inputs\n"
    assert not list(tmp_path.glob("*.sock")), "a socket was left behind"
