# SPDX-License-Identifier: BSD-3-Clause
import pytest

from ci import guest, pins
from ci.say import CiError

HASH = "--hash=sha256:" + "a" * 64


def test_all_that_pyproject_wants_is_pinned_with_hashes() -> None:
    pins.check()


def test_the_guests_packages_are_pinned_with_hashes_too() -> None:
    assert all(HASH[:14] in line for line in guest._pinned().values())
    assert {line.partition("==")[0] for line in guest._pins()} == set(guest.GUEST_PYTHON)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (f"cffi==2.1 {HASH}\n", "qemu.qmp is not in it"),
        (f"cffi==2.1\nqemu-qmp==1 {HASH}\n", "cffi==2.1 has no hashes"),
        (f"cffi==2.1 --hash=md5:00\nqemu-qmp==1 {HASH}\n", "cffi==2.1 has no hashes"),
        (f"cffi>=2.1 {HASH}\nqemu-qmp==1 {HASH}\n", "is no exact version"),
    ],
)
def test_what_is_not_pinned_is_named(text: str, word: str) -> None:
    assert any(word in line for line in pins.faults(text, ["cffi>=2", "qemu.qmp"]))


def test_names_are_compared_in_every_spelling() -> None:
    text = f"# head\nqemu-qmp==1 \\\n    {HASH} \\\n    {HASH}\ncffi==2 {HASH}\n"
    assert pins.faults(text, ["qemu.qmp>=0", "CFFI>=2"]) == []
    assert pins.entries(text)["qemu-qmp"].split() == ["qemu-qmp==1", HASH, HASH]


def test_a_file_that_lacks_something_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pins, "wanted", lambda: ["nothing-of-that-name>=1"])
    with pytest.raises(CiError, match=r"nothing-of-that-name.*python3 -m ci pins"):
        pins.check()
