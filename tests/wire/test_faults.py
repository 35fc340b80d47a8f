# SPDX-License-Identifier: BSD-3-Clause
"""Faults of a running device: asked for on its command line and its control socket, seen by a client."""

import os
import select
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.__main__ import main
from device.i82599.faults import FAULTS
from device.machine.faults import Door
from tests.rigs.client import (
    CONFIG,
    DMA_MAP,
    INTX,
    IRQ_INFO,
    MSI,
    MSIX,
    NO_REPLY,
    REGION_READ,
    SET_IRQS,
    Client,
    error_of,
)
from tests.rigs.counts import fd_count
from tests.rigs.process import Device, Run, until

STATUS, EERD, RAL5 = 0x0008, 0x10014, 0xA228
MSIX_CONTROL = 0x72
SLOW_S = 1.5
SOON_S = 1.0  # much less than what a held answer would cost, and still enough on a busy machine
PAGE_BYTES = 4096


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Device]:
    with Device(tmp_path) as made:
        yield made


def refusal(device: Device, wanted: object) -> str:
    with pytest.raises(AssertionError) as caught:
        device.ask(fault=wanted)
    return str(caught.value)


# ---- asking --------------------------------------------------------------------------------------------------------


def test_the_faults_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--fault", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sorted(line.split()[0] for line in lines if line[0] not in " #") == sorted(kind.written for kind in FAULTS)
    assert max(map(len, lines)) <= 80
    assert [line for line in lines if line[0] == "#"] == [f"# {door.value}" for door in Door]
    text = " ".join(" ".join(lines).split())
    assert all(f"-> {kind.reaches}" in text for kind in FAULTS)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--fault", "bogus"), ("'--fault'", "'bogus'", "slow, stuck", "`--fault list`")),
        (("--fault", "stuck"), ("'--fault'", "'stuck'", "stuck=REG[N][.FIELD]:VALUE")),
        (("--fault", "no-dma", "--fault", "few-msix=0"), ("'--fault'", "'few-msix=0'", "1 to 64")),
        (("--sfp", "none", "--fault", "module=3:0"), ("'--fault'", "'module=3:0'", "no module in the cage")),
        (("--fault",), ("--fault",)),
    ],
)
def test_a_fault_that_makes_no_sense_is_exit_code_2(
    tmp_path: Path, options: tuple[str, ...], words: tuple[str, ...], run: Run
) -> None:
    code, err = run("--socket", str(tmp_path / "s"), *options)
    assert code == 2
    assert all(word in err for word in words), err
    assert list(tmp_path.iterdir()) == []


def test_faults_of_the_command_line_are_there_from_the_start(tmp_path: Path) -> None:
    faults = ["ids=8086:1572", "stuck=STATUS:0x55"]
    options = [word for fault in faults for word in ("--fault", fault)]
    with Device(tmp_path, *options) as device, Client(device.path) as client:
        assert client.read(CONFIG, 0, 4) == bytes.fromhex("86807215")
        assert client.read32(0, STATUS) == 0x55
        assert device.report()["injected"] == faults
        device.ask(fault={"end": "all"})
        assert client.read(CONFIG, 0, 4) == bytes.fromhex("8680fb10")
        assert client.read32(0, STATUS) != 0x55


def test_inject_list_and_end_by_the_control_socket(device: Device) -> None:
    def active(wanted: object) -> object:
        return device.ask(fault=wanted)["fault"]["active"]

    with Client(device.path) as client:
        client.write32(0, RAL5, 0x1234)
        assert active("stuck=RAL[5]:7") == ["stuck=RAL[5]:7"]
        assert client.read32(0, RAL5) == 7
        assert active("deaf=RAL[5]") == ["stuck=RAL[5]:7", "deaf=RAL[5]"]
        for asked in ("list", None):
            listed = device.ask(fault=asked)["fault"]
            assert listed["active"] == ["stuck=RAL[5]:7", "deaf=RAL[5]"]
            assert [kind["fault"] for kind in listed["kinds"]] == [kind.written for kind in FAULTS]
            assert all(kind["door"] and kind["does"] and kind["reaches"] for kind in listed["kinds"])
        assert active({"end": "stuck=RAL[5]:7"}) == ["deaf=RAL[5]"]
        client.write32(0, RAL5, 0x5678)
        assert client.read32(0, RAL5) == 0x1234
        assert active({"end": "all"}) == []
        client.write32(0, RAL5, 0x5678)
        assert client.read32(0, RAL5) == 0x5678
        assert active({"end": "all"}) == [], "nothing was active, and that is no error"


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("bogus=1", "no fault is called 'bogus'"),
        ("stuck=NOSUCH:1", "no register is called NOSUCH"),
        ("", "no fault is called ''"),
        ({"end": "stuck"}, "'stuck' is not active; active: no-dma"),
        ({"end": ""}, "wanted"),
        ({"end": True}, "wanted"),
        ({"end": "no-dma", "begin": "no-dma"}, "wanted"),
        ({}, "wanted"),
        (["no-dma"], 'wanted \\"NAME=ARG\\"'),
        (7, "wanted"),
        (True, "wanted"),
    ],
)
def test_what_the_control_socket_refuses(device: Device, wanted: object, words: str) -> None:
    device.ask(fault="no-dma")
    assert words.replace("\\", "") in refusal(device, wanted).replace("\\", "")
    assert device.report()["injected"] == ["no-dma"]


def test_slow_is_an_older_name_of_a_fault(device: Device) -> None:
    for delay_s in (1, 2.5):
        device.ask(slow={"register": "EERD", "s": delay_s})
        assert device.report()["injected"] == [f"slow=EERD:{delay_s}"]
    device.ask(slow={"register": "EERD", "s": 0})
    assert device.report()["injected"] == []


# ---- an answer that is held ----------------------------------------------------------------------------------------


def ask_slowly(client: Client) -> int:
    """Ask for a slow register and wait for nothing."""
    return client.send(REGION_READ, struct.pack("<QII", EERD, 0, 4))


def reads(device: Device) -> int:
    return int(device.report()["counters"]["reg_reads"])


def hold_one(device: Device, client: Client) -> int:
    """Ask for a slow register; returns once the device knows."""
    before = reads(device)
    number = ask_slowly(client)
    until(lambda: reads(device) > before, "it was asked for")
    return number


def test_while_an_answer_is_held_the_loop_goes_on(tmp_path: Path) -> None:
    with Device(tmp_path, "--wire", "null") as device:
        device.ask(fault=f"slow=EERD:{SLOW_S}")
        with Client(device.path) as client:
            start_s = time.monotonic()
            number = ask_slowly(client)
            client.message_id = number
            later = client.send(REGION_READ, struct.pack("<QII", STATUS, 0, 4))
            turns = 0
            before = device.report()["counters"]["loop_turns"]
            device.ask(generate=1000)
            until(lambda: device.report()["port"]["rx_frames"] >= 1000, "frames come in", SOON_S)
            while time.monotonic() < start_s + SLOW_S / 2:
                device.report()
                turns += 1
            assert turns > 5
            assert device.report()["counters"]["loop_turns"] > before
            assert not select.select([client.sock], [], [], 0)[0], "nothing is answered meanwhile"
            reply, _ = client.receive(number)
            took_s = time.monotonic() - start_s
            assert SLOW_S <= took_s < SLOW_S + SOON_S
            assert len(reply) == 20
            assert client.receive(later)[0], "the one behind it follows at once"
            assert time.monotonic() - start_s < took_s + SOON_S


def test_a_fault_that_ends_while_an_answer_is_held(device: Device) -> None:
    device.ask(fault=f"slow=EERD:{SLOW_S}")
    with Client(device.path) as client:
        start_s = time.monotonic()
        number = hold_one(device, client)
        assert device.ask(fault={"end": "slow"})["fault"]["active"] == []
        client.receive(number)
        assert time.monotonic() - start_s >= SLOW_S, "that answer is given when it was to be"
        start_s = time.monotonic()
        client.read32(0, EERD)
        assert time.monotonic() - start_s < SOON_S


@pytest.mark.parametrize("how", ["leaves", "is dropped"])
def test_a_client_that_goes_while_its_answer_is_held(device: Device, how: str) -> None:
    device.ask(fault="slow=EERD:30")
    fds = fd_count(device.pid)
    for _ in range(3):
        with Client(device.path) as client:
            hold_one(device, client)
            if how == "is dropped":
                device.ask(drop=True)
                assert client.sock.recv(1) == b""
        device.without_client(5)
        with Client(device.path, timeout_s=5) as after:
            assert after.read32(0, STATUS)
        device.without_client(5)
    until(lambda: fd_count(device.pid) <= fds, "timer and socket are closed", 5)


def test_a_slow_read_that_wants_no_answer_delays_nobody(device: Device) -> None:
    device.ask(fault="slow=EERD:30")
    with Client(device.path, timeout_s=5) as client:
        client.send(REGION_READ, struct.pack("<QII", EERD, 0, 4), flags=NO_REPLY)
        assert client.read32(0, STATUS)


# ---- what a client is told -----------------------------------------------------------------------------------------


def vectors(client: Client, kind: int = MSIX) -> int:
    reply = client.call(IRQ_INFO, struct.pack("<IIII", 16, 0, kind, 0))
    return int(struct.unpack_from("<IIII", reply)[3])


def table_size(client: Client) -> int:
    return int.from_bytes(client.read(CONFIG, MSIX_CONTROL, 2), "little") % 2048 + 1


def arm(client: Client, kind: int, count: int) -> None:
    fds = [os.eventfd(0) for _ in range(count)]
    try:
        for n, fd in enumerate(fds):
            client.irqs(kind, n, [fd])
    finally:
        for fd in fds:
            os.close(fd)


def test_vfio_and_configuration_space_agree_how_many_vectors_there_are(tmp_path: Path) -> None:
    """However and whenever they become few, and whatever is reset."""
    with Device(tmp_path, "--fault", "few-msix=3") as device:
        for wanted, few in ((None, 3), ("few-msix=5", 5), ({"end": "all"}, 64), ("few-msix=1", 1)):
            if wanted is not None:
                device.ask(fault=wanted)
            with Client(device.path) as client:
                assert (vectors(client), table_size(client)) == (few, few)
                arm(client, MSIX, min(few, 8))
                assert few == 64 or error_of(arm, client, MSIX, few + 1) == "EINVAL"
                device.ask(fault="few-msix=2")
                client.call(13)  # reset
                assert (vectors(client), table_size(client)) == (few, few), "who is there has been told"
            device.without_client()


@pytest.mark.parametrize(("words", "vectors_"), [((), 64), (("--msix", "5"), 5), (("--msix", "1"), 1)])
def test_the_table_is_as_large_as_the_command_line_says(tmp_path: Path, words: tuple[str, ...], vectors_: int) -> None:
    with Device(tmp_path, *words) as device:
        for fault, seen in ((None, vectors_), ("few-msix=3", min(3, vectors_)), ("few-msix=64", vectors_)):
            if fault is not None:
                device.ask(fault={"end": "all"})
                device.ask(fault=fault)
            with Client(device.path) as client:
                assert (vectors(client), table_size(client)) == (seen, seen)
                arm(client, MSIX, min(seen, 8))
                assert seen == 64 or error_of(arm, client, MSIX, seen + 1) == "EINVAL"
                client.call(13)  # reset
                assert (vectors(client), table_size(client)) == (seen, seen)
            device.without_client()


@pytest.mark.parametrize("size", ["0", "65", "many"])
def test_a_table_that_cannot_be(tmp_path: Path, size: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--socket", str(tmp_path / "nic.sock"), "--msix", size]) == 2
    assert size in capsys.readouterr().err


def test_refused_interrupts(device: Device) -> None:
    device.ask(fault="irq-refused=msix")
    with Client(device.path) as client:
        assert vectors(client) == 64, "they are offered"
        assert error_of(arm, client, MSIX, 1) == "ENOSPC"
        arm(client, MSI, 1)
        client.call(SET_IRQS, struct.pack("<IIIII", 20, 0x21, MSI, 0, 0))
        device.ask(fault={"end": "irq-refused"})
        arm(client, MSIX, 2)


@pytest.mark.parametrize(
    ("fault", "counts"),
    [("no-msix", (1, 1, 0)), ("no-msi", (1, 0, 64)), ("no-irq", (0, 0, 0)), ("few-msix=5", (1, 1, 5))],
)
def test_kinds_of_interrupt_that_are_not_there(device: Device, fault: str, counts: tuple[int, ...]) -> None:
    for asked, wanted in ((fault, counts), ({"end": "all"}, (1, 1, 64))):
        device.ask(fault=asked)
        with Client(device.path) as client:
            assert tuple(vectors(client, kind) for kind in (INTX, MSI, MSIX)) == wanted
            assert error_of(arm, client, MSIX, wanted[2] + 1) == "EINVAL"
        device.without_client()


def test_the_kth_who_sets_eventfds_is_refused_once(device: Device) -> None:
    device.ask(fault="set-irqs-refused=3")
    with Client(device.path) as client:
        arm(client, MSIX, 2)
        assert device.report()["injected"] == ["set-irqs-refused=3"]
        assert error_of(arm, client, MSIX, 1) == "ENOSPC"
        assert device.report()["injected"] == []
        arm(client, MSIX, 3)


def test_a_function_that_leaves_the_bus(tmp_path: Path) -> None:
    with Device(tmp_path, "--fault", "bus-all-ones=EERD:2") as device, Client(device.path) as client:
        assert [client.read32(0, EERD) == 0xFFFFFFFF for _ in range(3)] == [False, True, True]
        assert client.read(CONFIG, 0, 4) == b"\xff" * 4
        device.ask(fault={"end": "all"})
        assert client.read(CONFIG, 0, 4) == bytes.fromhex("8680fb10")
        assert client.read32(0, EERD) != 0xFFFFFFFF


def test_contraries_are_refused_on_the_command_line_and_later(tmp_path: Path, device: Device, run: Run) -> None:
    code, err = run("--socket", str(tmp_path / "s"), "--fault", "no-msix", "--fault", "few-msix=4")
    assert code == 2
    assert all(word in err for word in ("'no-msix'", "'few-msix=4'", "contradict"))
    device.ask(fault="nvm-absent")
    assert "'nvm-absent' and 'nvm-checksum' contradict" in refusal(device, "nvm-checksum")


def test_memory_out_of_reach(device: Device) -> None:
    def put(client: Client, iova: int) -> None:
        client.call(DMA_MAP, struct.pack("<IIQQQ", 32, 3, 0, iova, PAGE_BYTES), [fd])

    fd = os.memfd_create("ram")
    os.ftruncate(fd, PAGE_BYTES)
    device.ask(fault="dma-reach=32")
    with Client(device.path) as client:
        assert error_of(put, client, 2**32) == "EFAULT"
        assert error_of(put, client, 2**32 - PAGE_BYTES) == "no error"
        device.ask(fault={"end": "dma-reach"})
        assert error_of(put, client, 2**32) == "no error"
        assert device.report()["socket"]["dma_regions"] == 2
    os.close(fd)
