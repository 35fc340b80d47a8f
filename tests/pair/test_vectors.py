# SPDX-License-Identifier: BSD-3-Clause
"""``driver vectors``: rows from registers, rings and counters; the table in 80 columns; watching."""

import io
import json
from collections import Counter
from typing import Any

import pytest
from rich.console import Console

from device.regs.i82599 import EITR, IVAR
from driver import __main__ as cli
from driver import vectors_table
from driver.claim import Claim
from driver.core.cpus import online_cpus
from driver.core.moderation import Moderation, parse_itr
from driver.core.napi import Poller, Sink
from driver.core.threads import Threads
from driver.errors import DriverError
from driver.session import Session
from driver.vector_figures import COUNTS
from driver.vectors_table import Watch, short, table
from tests.rigs.pair import Rig, Wire, plain, rig, run_napis

Capture = pytest.CaptureFixture[str]


class Named:
    name = "nic0"


def session_of(up: Rig, *, threads: Threads = Threads.ONE, itr: str = "50") -> Session:
    """A session without an interface, whose poller does not run."""
    session = Session.__new__(Session)
    session.nic, session.netdev = up.adapter, Named()  # type: ignore[assignment]  # only its name
    session._past, session._other_irqs, session._lro = Counter(), 7, False
    session.itr, session.poller, session.moderation = parse_itr(itr, 1022), None, None
    if up.adapter.running:
        napis = up.adapter.napis()
        session.moderation = Moderation(
            list(zip(up.adapter.q_vectors, napis, strict=True)), up.adapter.vector_hw(), session.itr
        )
        session.moderation.start()
        session.poller = Poller(napis, sink=Sink.DROP, threads=threads, moderation=session.moderation)
        up.settle()
    return session


def test_a_row_is_what_registers_rings_and_counters_say(wire: Wire) -> None:
    with rig(wire, queues=4, vectors=3) as up:
        session = session_of(up, itr="dim")
        assert session.poller is not None
        run_napis(session.poller.napis)
        before = session.vector_figures()[0]
        up.nic.regs.put(EITR, 1, int(EITR.of(ITR_INTERVAL=33)))  # not what the driver wrote
        wire.inject(*[plain(n) for n in range(5)])
        up.settle()
        run_napis(session.poller.napis)
        rows = session.vector_figures()
        first, second, other = rows
    assert (first["vector"], first["rx_queues"], first["tx_queues"], first["xdp_queues"]) == ("0", "0 2", "0 2", "")
    assert first["ivar"] == ["IVAR[0].RX0", "IVAR[0].TX0", "IVAR[1].RX0", "IVAR[1].TX0"]
    assert second["ivar"] == ["IVAR[0].RX1", "IVAR[0].TX1", "IVAR[1].RX1", "IVAR[1].TX1"]
    assert (first["eitr_us"], first["set_by"]) == (8, "dim rx 1T tx 1T")
    assert second["eitr_us"] == 66
    assert [first[name] - before[name] for name in ("irqs", "events", "work")] == [1, 1, 5]
    assert first["polls"] > before["polls"]
    assert first["rearms"] > before["rearms"]
    assert (other["vector"], other["interrupt"], other["ivar"]) == ("2", "ixlab-nic0-other", ["IVAR_MISC.OTHER"])
    assert [(one["v_idx"], one["reg_idx"]) for one in rows] == [(0, 0), (1, 1), (None, 2)]
    assert (other["eitr_us"], other["irqs"], other["events"]) == (486, 7, None)


def test_a_row_of_a_port_that_is_down_is_what_is_left(wire: Wire) -> None:
    with rig(wire, queues=2) as up:
        up.adapter.down()
        session = session_of(up)
        session._past = Counter(vector_1_irqs=9)
        rows = session.vector_figures()
    assert [row["not_pinned"] for row in rows] == ["the port is down", "the port is down", ""]
    assert [row["set_by"] for row in rows] == ["", "", "static"]
    assert rows[1]["irqs"] == 9
    shown(rows)


def test_a_route_that_the_driver_did_not_make_is_seen(wire: Wire) -> None:
    with rig(wire, queues=2) as up:
        up.nic.regs.put(IVAR, 5, int(IVAR.of(RX1=1, RX1_VALID=1, TX1=1)))
        rows = session_of(up).vector_figures()
    assert rows[1]["ivar"] == ["IVAR[0].RX1", "IVAR[0].TX1", "IVAR[5].RX1"]


def test_affinity_is_changed_or_refused_whole(wire: Wire) -> None:
    cpu = str(min(online_cpus()))
    with rig(wire, queues=2) as up:
        session = session_of(up, threads=Threads.VECTOR)
        before = [vector.affinity for vector in up.adapter.q_vectors]
        for words, said in {
            ("2", cpu): "no vector 2 serves rings; those that do: 0, 1",
            ("x", cpu): "no vector x serves rings",
            ("1", "8000"): "there is no CPU 8000",
            ("1", f"{cpu},8000"): "there is no CPU 8000",
            ("1", ""): "CPUs are written as 0-1,3",
            ("1", "0-"): "CPUs are written as 0-1,3",
        }.items():
            with pytest.raises(DriverError, match=said):
                session.set_affinity(*words)
        assert [vector.affinity for vector in up.adapter.q_vectors] == before
        assert session.set_affinity("1", cpu) == {"vector": 1, "affinity": cpu, "cpu": "", "not_pinned": ""}
        assert up.adapter.q_vectors[1].affinity == {int(cpu)}
        assert session.vector_figures()[1]["affinity"] == cpu
        session = session_of(up)
        assert session.set_affinity("1", cpu)["not_pinned"] == "one thread polls all vectors"


def test_who_sets_the_intervals_can_change_while_it_runs(wire: Wire) -> None:
    with rig(wire, queues=2) as up:
        session = session_of(up)
        assert session.set_itr() == "50"
        assert session.moderation is not None
        moderation = session.moderation
        session._pause = lambda: None  # type: ignore[method-assign]  # in one process nobody may poll beside the device
        session._resume = moderation.start  # type: ignore[method-assign]
        assert session.set_itr("dim") == "dim"
        assert [row["eitr_us"] for row in session.vector_figures()] == [8, 8, 486]
        assert session.set_itr("101") == "101"
        assert [row["eitr_us"] for row in session.vector_figures()] == [100, 100, 486]
        with pytest.raises(DriverError, match="dim, adaptive, or 0 to 1022"):
            session.set_itr("fast")
        assert session.set_itr() == "101"


# ---- the table -------------------------------------------------------------------------------------------------------


def row(**more: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "vector": "0", "v_idx": 0, "reg_idx": 0, "interrupt": "ixlab-nic0-TxRx-0",
        "rx_queues": "0", "tx_queues": "0", "xdp_queues": "", "lro": True,
        "ivar": ["IVAR[0].RX0", "IVAR[0].TX0"], "eitr_us": 62, "set_by": "dim rx 3R tx -", "affinity": "0",
        "cpu": "0", "not_pinned": "",
    }  # fmt: skip
    return usual | dict.fromkeys(COUNTS, 1234567890) | more


def shown(rows: list[dict[str, Any]], columns: int = 80) -> str:
    text = io.StringIO()
    console = Console(file=text, width=columns)
    console.print(table(rows))
    found = text.getvalue()
    assert max(len(line.rstrip()) for line in found.splitlines()) <= columns
    assert "…" not in found
    return found


def test_80_columns_hold_all_of_it() -> None:
    many = " ".join(str(n) for n in range(0, 64, 2))
    text = shown(
        [
            row(vector="63", interrupt="ixlab-a0123456789abcd-TxRx-63", rx_queues=many, tx_queues=many, xdp_queues="63",
                set_by="adaptive latency", cpu="", affinity="0-127", eitr_us=1022),
            row(interrupt="ixlab-nic0-other", rx_queues="", tx_queues="", ivar=[], irqs=3, events=None),
        ]
    )  # fmt: skip
    for what in (
        "1022 µs",
        "adaptive",
        "latency",
        "(0-127)",
        "xdp 63",
        "1.235G",
        "IVAR[0] RX0 TX0; LRO",
        "62 µs",
        "3R tx -",
    ):
        assert what in text, text


@pytest.mark.parametrize(
    ("count", "text"), [(None, "-"), (0, "0"), (9_999_999, "9999999"), (10_000_000, "10M"), (123_456_789_012, "123.5G")]
)
def test_counts_are_short(count: int | None, text: str) -> None:
    assert short(count) == text


# ---- watching --------------------------------------------------------------------------------------------------------


class Driver:
    """What answers: so many rows, and then what ends it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, end: BaseException) -> None:
        self.asked = 0
        self.claim: Claim | None = Claim("pair")
        self._end = end
        monkeypatch.setattr("driver.status.ask", self._ask)
        monkeypatch.setattr("time.sleep", lambda _: None)
        monkeypatch.setattr(vectors_table, "END_WAIT_S", 0.1)
        monkeypatch.setattr(cli, "STATUS_WAIT_S", 0.1)

    def _ask(self, _path: object, name: str) -> Any:
        assert name == "vector_figures"
        self.asked += 1
        if self.asked > 3:
            if isinstance(self._end, DriverError):
                self.release()
            raise self._end
        return [row(irqs=self.asked)]

    def release(self) -> None:
        if self.claim is not None:
            self.claim.release()
            self.claim = None


WATCH = ("vectors", "pair", "--watch", "--interval", "0.1")


def test_it_is_watched_until_its_driver_ends(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver(monkeypatch, DriverError("it ended before it answered"))
    assert cli.main([*WATCH, "--json"]) == 0
    said = capsys.readouterr()
    assert [json.loads(line)[0]["irqs"] for line in said.out.splitlines()] == [1, 2, 3]
    assert said.err == "pair: its driver has ended\n"
    driver.release()


def test_it_is_watched_until_somebody_has_seen_enough(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver(monkeypatch, KeyboardInterrupt())
    assert cli.main(WATCH) == 0
    assert capsys.readouterr().out.count("ixlab-nic0-TxRx-0") == 3
    driver.asked = 0
    assert cli.main([*WATCH, "--count", "9"]) == 130  # it was to be more
    driver.asked = 0
    assert cli.main([*WATCH, "--count", "2"]) == 0
    assert driver.asked == 2
    driver.release()


def test_a_driver_that_stays_and_says_no_is_no_end(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver(monkeypatch, OSError(5, "an error"))
    assert cli.main(WATCH) != 0
    driver.release()


def test_count_without_watch_makes_no_sense(capsys: Capture) -> None:
    assert cli.main(["vectors", "pair", "--count", "2"]) == 2
    assert "--count says how often --watch looks" in capsys.readouterr().err


def test_the_live_table_is_drawn_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    text = io.StringIO()
    monkeypatch.setattr(vectors_table, "out", Console(file=text, width=80, force_terminal=True))
    monkeypatch.setattr("time.sleep", lambda _: None)
    asked: list[int] = []

    def ask() -> list[dict[str, Any]]:
        asked.append(1)
        return [row(irqs=100 + len(asked))]

    vectors_table.watch(ask, "nic: vectors", Watch(as_json=False, count=3, interval_s=0.1))
    assert [str(101 + n) in text.getvalue() for n in range(3)] == [True] * 3
