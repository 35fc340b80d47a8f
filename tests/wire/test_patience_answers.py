# SPDX-License-Identifier: BSD-3-Clause
"""No client makes anybody wait by what it does not read, or by asking for much.

Each test has a hostile client, and somebody else who must not notice.
"""

import contextlib
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.machine.socket_rule import DEADLINE_S
from tests.rigs.client import (
    REGION_READ,
    Client,
    error_of,
)
from tests.rigs.patience import READ_STATUS, SOON_S, STATUS, Asking
from tests.rigs.process import ROOT, Device, cpu_s, until


@pytest.fixture(params=[(), ("--doorbells", "shared")], ids=["trapped", "shared"])
def device(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Device]:
    """A device in each doorbell mode."""
    with Device(tmp_path, *request.param) as made:
        yield made


def test_who_reads_no_answers_is_not_read_from_and_is_dropped(device: Device) -> None:
    """Observed before: the thread waited 2 s in sendmsg()."""
    with Client(device.path) as client, Asking(device) as asking:
        client.sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                client.sock.send(READ_STATUS * 100)
        asking.go_on(0.5)
        before = device.report()["socket"]["requests"]
        asking.go_on(0.5)
        assert device.report()["socket"]["requests"] == before, "it is not obeyed beyond what it reads"
        until(lambda: not device.report()["client"], "it is dropped", DEADLINE_S * 2)
        assert asking.longest_s < SOON_S
    assert device.said("dropping a client: it has not read its answers for 2 s")
    assert device.report()["socket"]["dropped"] == 1


def test_who_reads_late_gets_every_answer_in_order(device: Device) -> None:
    asked = 20_000
    with Client(device.path) as client:
        sender = threading.Thread(target=client.sock.sendall, args=(READ_STATUS * asked,))
        sender.start()
        time.sleep(DEADLINE_S / 2)
        for _ in range(asked):
            assert len(client.receive(7)[0]) == 20
        sender.join()
        assert client.read32(0, STATUS)


def test_a_long_answer_goes_out_in_pieces(device: Device) -> None:
    """An answer larger than the socket's buffer, to one that reads slowly."""
    with Client(device.path) as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for _ in range(3):
            number = client.send(REGION_READ, struct.pack("<QII", 0, 0, 0x2_0000))
            time.sleep(0.2)
            assert len(client.receive(number)[0]) == 16 + 0x2_0000


def test_a_burst_of_reads_does_not_keep_others_waiting(device: Device) -> None:
    with Client(device.path) as client, Asking(device) as asking:
        done = threading.Event()

        def flood() -> None:
            with contextlib.suppress(OSError):
                while not done.is_set():
                    client.sock.sendall(READ_STATUS * 10_000)

        def fetch() -> None:
            with contextlib.suppress(OSError):
                while client.sock.recv(1 << 20):
                    pass

        threads = [threading.Thread(target=flood), threading.Thread(target=fetch)]
        for thread in threads:
            thread.start()
        asking.go_on(1)
        done.set()
        client.sock.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()
        assert asking.longest_s < SOON_S
        assert asking.count > 10


def test_a_long_access_leaves_others_their_turn(device: Device) -> None:
    """Observed before: a read of the whole of BAR0 takes 20 ms, and nobody else has a turn meanwhile."""
    body = struct.pack("<QII", 0, 0, 0x2_0000)
    data = bytes(range(256)) * 4096
    with Client(device.path) as client, Asking(device) as asking:
        done = threading.Event()

        def read_all() -> None:
            while not done.is_set():
                client.call(REGION_READ, body)

        reader = threading.Thread(target=read_all)
        reader.start()
        asking.go_on(1)
        done.set()
        reader.join()
        assert asking.longest_s < SOON_S
        whole = client.read(0, 0, 0x2_0000)
        for offset, count in ((0, 4), (0x1002, 2), (0x8, 0x2000), (0x3FFC, 0x1008)):
            assert client.read(0, offset, count)[:4] == whole[offset : offset + min(count, 4)]
        client.write(4, 0, data[: 64 * 16])
        client.write(4, 0, data[:0x2000], posted=True)
        assert client.read(4, 0, 12) == data[:12]
        assert client.read(4, 0x3F0, 12) == data[0x3F0:0x3FC]
        assert len(client.read(4, 0x100, 0x3000)) == 0x3000
        assert error_of(client.read, 0, 0x100, 0x10_0000) == "EINVAL"


def test_a_client_that_is_stopped_leaves_nothing(device: Device) -> None:
    """SIGSTOP in the middle of a message: dropped after the deadline, and the next one is served."""
    code = (
        "import sys, os, signal; sys.path.insert(0, '.')\n"
        "from tests.rigs.client import *\nfrom pathlib import Path\n"
        "c = Client(Path(sys.argv[1])); c.sock.send(HEADER.pack(7, REGION_WRITE, 200, 0, 0))\n"
        "print('up', flush=True); os.kill(os.getpid(), signal.SIGSTOP)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(device.path)], stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        try:
            until(lambda: not device.report()["client"], "it is dropped", DEADLINE_S * 2)
            with Client(device.path) as after:
                assert after.read32(0, STATUS)
        finally:
            process.send_signal(signal.SIGKILL)


def test_an_urgent_byte_does_not_make_it_spin(device: Device) -> None:
    with Client(device.path) as client:
        client.sock.send(b"!", socket.MSG_OOB)
        used_s = cpu_s(device.pid)
        time.sleep(1)
        assert cpu_s(device.pid) - used_s < 0.5
