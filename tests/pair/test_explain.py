# SPDX-License-Identifier: BSD-3-Clause
"""A probe that explains itself says what it did: compared with what the device counted and recorded."""

import errno
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from device import trace
from device.i82599.card import Card
from device.trace import TraceFile
from driver.core.vector_options import Like, VectorOptions
from driver.errors import ProbeError
from driver.ixgbe import explain as explaining
from driver.ixgbe.explain import LANGUAGES, explain
from driver.ixgbe.explain.paper import COLUMNS, width
from driver.ixgbe.explain.steps import OURS, STANDS
from driver.ixgbe.probe import STEPS, ProbeOptions
from driver.ixgbe.probing import Probing
from tests.rigs.driver_clock import NoWait
from tests.rigs.pair_door import PairDoor

OPTIONS = ProbeOptions(clock=NoWait(), cpus=4, queues=4)


def accesses(items: list[dict[str, Any]], *, config: bool = False) -> Iterator[tuple[str, int]]:
    """Each run's reads and writes of BAR 0, or of configuration space."""
    for item in items:
        if "turns" in item:
            yield from accesses(item["body"], config=config)
        elif "counters" in item and not config:
            yield "read", item["counters"]
        elif "register" in item:
            name = item["register"].partition("[")[0]
            is_config = name.startswith(("PCI_", "PM_", "EXP_", "MSI_", "MSIX_", "AER_", "config"))
            if is_config == config:
                yield from ((kind, item[kind]["times"]) for kind in ("read", "wrote") if kind in item)


def runs(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for item in items:
        if "turns" in item:
            yield from runs(item["body"])
        elif "register" in item:
            yield item


def step(data: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in data["steps"] if one["step"] == name)


def test_it_did_what_the_device_counted(nic: Card, door: PairDoor) -> None:
    before = nic.report().counters
    with explain(door, OPTIONS) as found:
        after = nic.report().counters
        data = found.data()
    said = [one for section in data["steps"] for one in accesses(section["touched"])]
    for kind, counter in (("read", "reg_reads"), ("wrote", "reg_writes")):
        assert sum(times for what, times in said if what == kind) == after[counter] - before[counter]
    assert [section["step"] for section in data["steps"]] == [name for name, _ in STEPS]
    assert data["failure"] is None


def test_its_trace_is_the_devices_trace(nic: Card, door: PairDoor, tmp_path: Path) -> None:
    with TraceFile(nic.pf, tmp_path / "device.trace"):
        found = explain(door, OPTIONS)
    (tmp_path / "driver.trace").write_text("".join(f"{line}\n" for line in found.trace()))
    found.close()
    device, driver = (list(trace.squeeze(trace.read(tmp_path / f"{who}.trace"))) for who in ("device", "driver"))
    assert driver == device
    marked = [name for name, _ in trace.read_steps(tmp_path / "driver.trace")]
    assert marked == [name for name, _ in STEPS if name in marked]
    assert {"select_eeprom", "reset_hw", "start_hw"} <= set(marked)


def test_bit_8_is_seen_and_decides(nic: Card, door: PairDoor) -> None:
    with explain(door, OPTIONS) as found:
        (eec,) = runs(step(found.data(), "select_eeprom")["touched"])
    assert "PRES=1" in eec["read"]["fields"].split()
    nic.faults.inject("stuck=EEC.PRES:0")
    with explain(PairDoor(nic), OPTIONS) as found:
        section = step(found.data(), "select_eeprom")
    (eec,) = runs(section["touched"])
    assert "PRES" not in eec["read"]["fields"]
    assert "bit-bang" in section["found"]


def test_the_vectors_are_those_of_the_adapter(door: PairDoor) -> None:
    with explain(door, OPTIONS) as found:
        adapter = found.adapter
        assert adapter is not None
        rows = found.data()["vectors"]
        assert [row["reg_idx"] for row in rows] == [0, 1, 2, 3, 4]
        for row, q_vector in zip(rows, adapter.q_vectors, strict=False):
            assert row["rx"] == q_vector.rx_container.queues
            assert row["tx"] == q_vector.tx_container.queues
            assert row["cpus"] == sorted(q_vector.affinity)
        assert rows[-1]["vector"] is None


def test_fewer_vectors_share(nic: Card) -> None:
    nic.faults.inject("few-msix=3")
    with explain(PairDoor(nic), OPTIONS) as found:
        rows = found.data()["vectors"]
        drawn = found.markdown()
    assert [row["rx"] for row in rows if row["vector"] is not None] == [[0, 2], [1, 3]]
    assert "rx2([" in drawn
    assert "rx2 -- next --> rx0" in drawn, "the kernel's list begins with the last ring"


def test_xdp_rings_and_ices_way_are_shown(nic: Card) -> None:
    wanted = VectorOptions(xdp_rings=2)
    with explain(PairDoor(nic), replace(OPTIONS, vectors=wanted)) as found:
        rows, text = found.data()["vectors"], found.text()
    assert [queue for row in rows[:-1] for queue in row["xdp"]] == [4, 5]
    assert "XDP rings" in text
    with explain(PairDoor(nic), replace(OPTIONS, vectors=VectorOptions(like=Like.ICE))) as found:
        rows, text, page = found.data()["vectors"], found.text(), found.markdown()
    assert {row["vsi"] for row in rows[:-1]} == {"PF", "CTRL"}
    assert rows[0]["reg_idx"] == 1, "vector 0 serves everything else"
    assert "  PF 0 " in text
    assert "CTRL q_vector 0" in page


@pytest.mark.parametrize("kind", ["msix", "msi"])
def test_one_interrupt_for_everything_is_said(nic: Card, kind: str) -> None:
    nic.faults.inject("few-msix=1")
    if kind == "msi":
        nic.faults.inject("irq-refused=msi")
    with explain(PairDoor(nic), OPTIONS) as found:
        assert f"One {'INTX' if kind == 'msi' else 'MSI'} interrupt tells everything." in found.text()


# ---- failures ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", range(len(STEPS)), ids=[name for name, _ in STEPS])
def test_a_failure_at_any_step_is_explained(
    nic: Card, door: PairDoor, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = STEPS[at][0]

    def fail(p: Probing) -> str:
        STEPS[at][1](p)
        raise ProbeError(errno.EIO, "nobody answers")

    monkeypatch.setattr(explaining, "STEPS", [*STEPS[:at], (name, fail), *STEPS[at + 1 :]])
    with explain(door, OPTIONS) as found:
        data, text = found.data(), found.text()
    failure, stands = data["failure"], STANDS[name]
    assert (failure["step"], failure["errno"], failure["message"]) == (name, "EIO", "nobody answers")
    assert failure["not_reached"] == [later for later, _ in STEPS[at + 1 :]]
    assert failure["label"] == stands.label
    assert found.failure is not None
    assert tuple(one["what"] for one in failure["undone"]) == found.failure.undone
    planned = [what for section in data["steps"] for what in section["undo"]]
    assert [one["what"] for one in failure["undone"]] == [*reversed(planned), "door"]
    assert {one["what"] for one in failure["undone"]} <= {*OURS, "door"}
    assert f"{name} failed with EIO: nobody answers" in text
    assert (f"would jump to {stands.label}, as in line {stands.jump}" in text) == bool(stands.jump)
    json.dumps(data)
    assert door.maps == {}


def test_what_is_undone_is_told_with_its_registers(nic: Card, door: PairDoor) -> None:
    nic.faults.inject("stuck=CTRL.RST:1")
    nic.faults.inject("stuck=CTRL.LRST:1")
    with explain(door, OPTIONS) as found:
        data = found.data()
    undone = {one["what"]: one for one in data["failure"]["undone"]}
    assert "EIMC" in [run["register"] for run in runs(undone["registers"]["touched"])]
    assert [run["register"] for run in runs(undone["bus master"]["touched"])] == ["PCI_COMMAND"]
    assert undone["door"]["touched"] == [{"door": "close()"}]
    assert undone["claim"]["touched"] == []
    assert undone["claim"]["label"] == "err_alloc_etherdev"
    assert data["failure"]["kernel_undoes"][0]["label"] == "err_sw_init"
    assert data["vectors"] == []


def test_a_function_that_leaves_the_bus_is_eio_as_in_the_kernel(nic: Card, door: PairDoor) -> None:
    nic.faults.inject("bus-all-ones=MPSAR[0]:3")
    with explain(door, OPTIONS) as found:
        text, failure = found.text(), found.data()["failure"]
    assert (failure["step"], failure["errno"]) == ("mac_set_default_filter", "EIO")
    assert "could not be undone: pair: CTRL_EXT and STATUS read all ones" in text
    assert "PCI_COMMAND      read all ones" in text
    assert "Not reached: init_service_task," in text


def test_a_virtual_function_is_explained_too(nic: Card, door: PairDoor) -> None:
    nic.faults.inject("ids=8086:10ed")
    with explain(door, OPTIONS) as found:
        assert "The kernel returns at once" in found.text()
        assert found.data()["failure"]["errno"] == "EINVAL"


# ---- as people see it --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_fits_80_columns(nic: Card, door: PairDoor, language: str) -> None:
    with explain(door, OPTIONS) as found:
        text = found.text(language)
    assert [line for line in text.splitlines() if width(line) > COLUMNS] == []
    words = LANGUAGES[language]
    assert words.say("vectors") in text
    flat = re.sub(r"\s+", "", text)
    for reason in words.why.values():
        assert re.sub(r"\s+", "", reason) in flat


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_has_its_pictures(door: PairDoor, language: str) -> None:
    with explain(door, OPTIONS) as found:
        page = found.markdown(language)
    pictures = re.findall(r"```mermaid\n(.*?)\n```", page, re.DOTALL)
    assert [picture.split()[0] for picture in pictures] == ["sequenceDiagram", "flowchart", "flowchart"]
    assert "adapter -- hw --> hw" in pictures[1]
    assert "vsi -- q_vectors 3 --> q_vector3" in pictures[1]
    assert 'q0["PF q_vector 0<br/>reg_idx 0, CPU 0"]' in pictures[2]
    assert page.count("```") % 2 == 0


def test_an_arrow_is_an_attribute(door: PairDoor) -> None:
    with explain(door, OPTIONS) as found:
        adapter = found.adapter
        assert adapter is not None
        before = found.markdown()
        del adapter.scheme.vsi.q_vectors[3]  # type: ignore[union-attr]  # a probe that ended well has a VSI
        assert "q_vectors 3 --> q_vector3" in before
        assert "q_vectors 3 --> q_vector3" not in found.markdown()
