# SPDX-License-Identifier: BSD-3-Clause
"""``python -m driver`` against a device in another process: what it prints, and how it refuses."""

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.i82599.nvm.image import build
from driver.exits import Exit
from tests.rigs.host import HOST_IF, WIRE_IF, Stage

pytestmark = [pytest.mark.root, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A device, and a driver that runs it."""
    with Stage(tmp_path_factory.mktemp("stage")) as stage:
        stage.device()
        stage.driver("--queues", "2")
        yield stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path) as stage:
        yield stage


def refusal(stage: Stage, code: Exit, *words: str) -> str:
    """The one line with which the driver refuses."""
    done = stage.cli(*words)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    (line,) = [line for line in done.stderr.splitlines() if not line.startswith("  ")]  # steps are indented
    assert line.startswith("driver: ")
    return line


@pytest.mark.parametrize("command", ["stats", "regs", "eeprom", "module", "link"])
def test_figures_while_the_driver_runs(running: Stage, command: str) -> None:
    done = running.cli(command, running.nic, "--json")
    assert done.returncode == 0
    assert done.stderr == ""
    assert json.loads(done.stdout)


def test_a_table_in_a_pipe_has_eighty_columns(running: Stage) -> None:
    shown = running.cli("stats", running.nic)
    assert shown.returncode == 0
    assert shown.stdout.splitlines()[0] == f"{running.nic}: statistics"
    assert max(map(len, shown.stdout.splitlines()[1:])) <= 80


@pytest.mark.parametrize("words", [("probe",), ("up", "--netdev", "other0")])
def test_a_second_driver_is_refused_by_name(running: Stage, words: tuple[str, ...]) -> None:
    line = refusal(running, Exit.IN_USE, words[0], running.nic, *words[1:])
    pid = running.programs[1].process.pid
    assert line.startswith(f"driver: {running.nic} is in use by pid {pid} (")
    assert "driver up" in line
    assert line.endswith("; end that first")


def test_a_name_in_use_is_refused_and_the_nic_let_go(stage: Stage) -> None:
    stage.device()
    stage.host.run("ip", "tuntap", "add", HOST_IF, "mode", "tap")
    line = refusal(stage, Exit.FAILED, "up", stage.nic, "--netdev", HOST_IF)
    assert line == (
        f"driver: cannot make network interface '{HOST_IF}': an interface of that name exists already; "
        "choose another with --netdev (at register_netdev EBUSY)"
    )
    assert stage.run_dir() == []
    said = json.loads(stage.cli("up", stage.nic, "--netdev", HOST_IF, "--json").stdout)
    assert (said["step"], said["errno"], said["exit_code"]) == ("register_netdev", "EBUSY", Exit.FAILED)
    assert said["undone"][0] == "interrupts"
    assert said["undone"][-2:] == ["memory enable", "door"]
    done = stage.cli("probe", stage.nic, "--json")
    assert json.loads(done.stdout)["mac"] == "02:00:00:82:59:90"


def test_figures_without_a_running_driver(stage: Stage) -> None:
    stage.device(wire=("--loopback",))
    for command in ("stats", "module"):
        done = stage.cli(command, stage.nic, "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)
    assert stage.run_dir() == []


def test_corrupt_nvm(stage: Stage) -> None:
    image = build()
    image.write(0x20, 0x1234)
    (stage.folder / "nvm.bin").write_bytes(bytes(image.data))
    stage.device("--nvm", str(stage.folder / "nvm.bin"), wire=("--null",))
    assert "checksum" in refusal(stage, Exit.REFUSED, "up", stage.nic).lower()
    assert stage.run_dir() == []


def test_no_server(stage: Stage) -> None:
    assert "no such socket; start the device first" in refusal(stage, Exit.NO_NIC, "up", stage.nic)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(stage.socket))
    assert str(stage.socket) in refusal(stage, Exit.NO_NIC, "up", stage.nic)


def test_not_a_vfio_user_server(stage: Stage) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(stage.socket))
        listener.listen(1)

        def talk() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(4096)
                client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=talk)
        thread.start()
        line = refusal(stage, Exit.REFUSED, "probe", stage.nic)
        thread.join(20)
    assert str(stage.socket) in line


def test_the_devices_interface_is_no_name_for_ours(stage: Stage) -> None:
    """Two taps of one name in one namespace: the second is refused, not joined."""
    stage.device()
    done = stage.wire.run("ip", "-o", "link", "show", "dev", WIRE_IF)
    assert WIRE_IF in done
    stage.host.close()
    stage.host = stage.wire
    assert "exists already" in refusal(stage, Exit.FAILED, "up", stage.nic, "--netdev", WIRE_IF)
