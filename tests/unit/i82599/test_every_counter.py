# SPDX-License-Identifier: BSD-3-Clause
"""Every counter that ``ethtool -S``, DPDK's xstats and FreeBSD's sysctl show moves when it should, or is said not to.

What makes each of them move is in ``test_counters_full``; here they are read as a driver reads them, in both doorbell
modes.  Names are those that the drivers show.
"""

import itertools
from collections.abc import Iterator

import pytest

from device.i82599.card import Card
from device.machine.wire import LoopbackPort
from device.regs.core import Full, Register
from device.regs.i82599 import ALL, FCTRL, QPTC
from device.regs.i82599 import features as rows
from tests.rigs.rx import Rig
from tests.rigs.tx import TxRig
from tests.unit.i82599.test_counters_full import BATCH, BY_NAME, CASES, Case, Stage

ESDP, ESDP_LASER_OFF = 0x20, 0x8

# Linux 6.12, ixgbe_gstrings_stats and ixgbe_update_stats, for this chip.
ETHTOOL = {
    "rx_pkts_nic": "GPRC", "tx_pkts_nic": "GPTC", "rx_bytes_nic": "GORCL GORCH", "tx_bytes_nic": "GOTCL GOTCH",
    "multicast": "MPRC", "broadcast": "BPRC", "rx_crc_errors": "CRCERRS", "rx_missed_errors": "MPC",
    "rx_length_errors": "RLEC", "rx_long_length_errors": "ROC", "rx_short_length_errors": "RUC",
    "tx_flow_control_xon": "LXONTXC", "rx_flow_control_xon": "LXONRXCNT", "tx_flow_control_xoff": "LXOFFTXC",
    "rx_flow_control_xoff": "LXOFFRXCNT", "fdir_match": "FDIRMATCH", "fdir_miss": "FDIRMISS",
    "rx_no_dma_resources": "QPRDC", "fcoe_bad_fccrc": "FCCRC", "rx_fcoe_dropped": "FCOERPDC FCLAST",
    "rx_fcoe_packets": "FCOEPRC", "rx_fcoe_dwords": "FCOEDWRC", "tx_fcoe_packets": "FCOEPTC",
    "tx_fcoe_dwords": "FCOEDWTC", "tx_pb_pxon": "PXONTXC", "tx_pb_pxoff": "PXOFFTXC", "rx_pb_pxon": "PXONRXCNT",
    "rx_pb_pxoff": "PXOFFRXCNT", "rx_pb_pxon2off": "PXON2OFFCNT", "n spoofed packets (log)": "SSVPC",
    "tx hang (log)": "TXDGPC",
}  # fmt: skip
# DPDK's rte_ixgbe_stats_strings, rte_ixgbe_macsec_strings and the queues'.
DPDK = {
    "rx_illegal_byte_errors": "ILLERRC", "rx_error_bytes": "ERRBC", "mac_local_errors": "MLFC",
    "mac_remote_errors": "MRFC", "rx_size_64_packets": "PRC64", "rx_size_65_to_127_packets": "PRC127",
    "rx_size_128_to_255_packets": "PRC255", "rx_size_256_to_511_packets": "PRC511",
    "rx_size_512_to_1023_packets": "PRC1023", "rx_size_1024_to_max_packets": "PRC1522",
    "rx_fragment_errors": "RFC", "rx_undersize_errors": "RUC", "rx_oversize_errors": "ROC", "rx_jabber_errors": "RJC",
    "rx_management_packets": "MNGPRC", "rx_management_dropped": "MNGPDC", "tx_management_packets": "MNGPTC",
    "rx_total_packets": "TPR", "rx_total_bytes": "TORL TORH", "tx_total_packets": "TPT",
    "tx_size_64_packets": "PTC64", "tx_size_65_to_127_packets": "PTC127", "tx_size_128_to_255_packets": "PTC255",
    "tx_size_256_to_511_packets": "PTC511", "tx_size_512_to_1023_packets": "PTC1023",
    "tx_size_1024_to_max_packets": "PTC1522", "tx_multicast_packets": "MPTC", "tx_broadcast_packets": "BPTC",
    "rx_mac_short_packet_dropped": "MSPDC", "rx_l3_l4_xsum_error": "XEC",
    "flow_director_added_filters": "FDIRUSTAT.ADD",
    "flow_director_removed_filters": "FDIRUSTAT.REMOVE", "flow_director_filter_add_errors": "FDIRFSTAT.FADD",
    "flow_director_filter_remove_errors": "FDIRFSTAT.FREMOVE", "rx_dma_packets": "RXDGPC",
    "rx_dma_bytes": "RXDGBCL RXDGBCH", "tx_dma_bytes": "TXDGBCL TXDGBCH", "rx_qn_packets": "QPRC",
    "rx_qn_bytes": "QBRC_L QBRC_H", "tx_qn_packets": "QPTC", "tx_qn_bytes": "QBTC_L QBTC_H",
    "out_pkts_untagged": "LSECTXUT", "in_pkts_untagged": "LSECRXUT",
}  # fmt: skip
# FreeBSD's ixgbe_add_hw_stats.
FREEBSD = {
    "crc_errs": "CRCERRS", "ill_errs": "ILLERRC", "byte_errs": "ERRBC", "short_discards": "MSPDC",
    "local_faults": "MLFC", "remote_faults": "MRFC", "rec_len_errs": "RLEC", "rx_missed_packets": "MPC",
    "xon_txd": "LXONTXC", "xon_recvd": "LXONRXCNT", "xoff_txd": "LXOFFTXC", "xoff_recvd": "LXOFFRXCNT",
    "total_octets_rcvd": "TORL TORH", "good_octets_rcvd": "GORCL GORCH", "total_pkts_rcvd": "TPR",
    "good_pkts_rcvd": "GPRC", "mcast_pkts_rcvd": "MPRC", "bcast_pkts_rcvd": "BPRC", "recv_undersized": "RUC",
    "recv_fragmented": "RFC", "recv_oversized": "ROC", "recv_jabberd": "RJC", "management_pkts_rcvd": "MNGPRC",
    "management_pkts_drpd": "MNGPDC", "management_pkts_txd": "MNGPTC", "checksum_errs": "XEC",
    "good_octets_txd": "GOTCL GOTCH", "total_pkts_txd": "TPT", "good_pkts_txd": "GPTC", "bcast_pkts_txd": "BPTC",
    "mcast_pkts_txd": "MPTC",
}  # fmt: skip

# What no frame moves, and why.
STILL = {
    rows.SYMBOLS: "ILLERRC ERRBC MSPDC",
    rows.FCOE: "FCCRC FCOERPDC FCLAST FCOEPRC FCOEDWRC FCOEPTC FCOEDWTC",
    rows.MANAGEMENT: "MNGPRC MNGPDC MNGPTC",
    rows.COUNTERS_82598: "PXONRXC PXOFFRXC LXONRXC LXOFFRXC",
    rows.MACSEC: " ".join(register.NAME for register in ALL if register.COUNTER and register.STORED == rows.MACSEC),
}
LINK = {"MLFC", "MRFC"}  # a lost link moves these two
WHY = {name: why for why, names in STILL.items() for name in names.split()}


def registers_of(shown: dict[str, str]) -> set[str]:
    return {name.partition(".")[0] for names in shown.values() for name in names.split()}


def moving() -> set[str]:
    """The counters that a test moves, and the high halves of theirs."""
    names = {case.register.NAME for case in CASES}
    return names | {BY_NAME[name].PAIR for name in names} - {""} | LINK


@pytest.mark.parametrize("driver", [ETHTOOL, DPDK, FREEBSD], ids=["ethtool -S", "DPDK xstats", "FreeBSD sysctl"])
def test_what_a_driver_shows_moves_or_is_said_to_stand_still(driver: dict[str, str]) -> None:
    assert registers_of(driver) - moving() - set(WHY) == set()


def test_each_counter_of_the_map_moves_or_stands_still() -> None:
    counters = {register.NAME for register in ALL if register.FULL}
    assert counters - moving() == set(WHY)


@pytest.mark.parametrize("why", STILL)
def test_it_stands_still(why: str) -> None:
    """It reads 0, and `regs show` and FEATURES.md say why."""
    with Card() as nic:
        for name in STILL[why].split():
            assert why == BY_NAME[name].STORED, name
            assert nic.regs.read(BY_NAME[name].offset()) == 0, name
    assert {row.name: row.state for row in rows.FEATURES}[why] is not rows.State.WORKS


def stage(*, shared: bool) -> Iterator[Stage]:
    with Rig() as rx, TxRig() as tx:
        tx.enable(0, 32)
        if shared:
            rx.nic.share_doorbells()
            tx.nic.share_doorbells()
        yield Stage(rx, tx)


@pytest.fixture(scope="module")
def trapped() -> Iterator[Stage]:
    yield from stage(shared=False)


@pytest.fixture(scope="module")
def shared() -> Iterator[Stage]:
    yield from stage(shared=True)


def places(register: type[Register]) -> list[int]:
    """Where drivers read it: of QPTC at the alias, too."""
    return [register.offset(), *(register.ALIAS[:1] if register is QPTC else ())]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("doorbells", ["trapped", "shared"])
def test_it_moves(request: pytest.FixtureRequest, doorbells: str, case: Case) -> None:
    stage: Stage = request.getfixturevalue(doorbells)
    stage.rx.renew()
    stage.rx.write(FCTRL, FCTRL.of(UPE=1, MPE=1, BAM=1, DPF=1))
    rf = stage.rx.rf if case.side == "rx" else stage.tx.regs
    happen = case.prepare(stage)
    field = case.register.FIELDS[case.name.partition(".")[2] or "VALUE"]
    for offset, _ in itertools.product(places(case.register), range(2)):
        rf.read(offset)
        happen()
        value = (rf.read(offset) & field.mask) >> field.lsb
        assert value >= BATCH, f"at {offset:#x}"
        left = value if case.register.FULL is Full.WRAPS else 0
        assert (rf.read(offset) & field.mask) >> field.lsb == left, "a read clears it, unless it is a pool's"


@pytest.mark.parametrize(
    ("event", "moves"), [("dark", [1, 0]), ("pulled", [1, 0]), ("laser", [0, 1]), ("mode", [0, 0])]
)
def test_a_lost_link(event: str, moves: list[int]) -> None:
    """DPDK's mac_local_errors and mac_remote_errors: who sees no light, we or the other end."""

    def faults() -> list[int]:
        return [nic.regs.read(BY_NAME[name].offset()) for name in ("MLFC", "MRFC")]

    with LoopbackPort() as port, Card(mac="02:00:00:82:59:90", port=port) as nic:
        esdp = nic.regs.read(ESDP)
        assert nic.link.why_down() == ""
        assert faults() == [0, 0]
        if event == "dark":
            port.c.carrier = 0
        elif event == "pulled":
            nic.remove_sfp()
        elif event == "laser":
            nic.regs.write(ESDP, esdp | ESDP_LASER_OFF)
        else:
            nic.regs.write(0x042A0, 0)  # AUTOC, 1G
        nic.link.evaluate()
        nic.link.evaluate()
        assert not nic.link.up
        assert faults() == moves
        assert faults() == [0, 0], "a read clears them"


def test_a_reset_is_no_fault() -> None:
    with LoopbackPort() as port, Card(port=port) as nic:
        nic.regs.write(ESDP, nic.regs.read(ESDP) | ESDP_LASER_OFF)
        nic.regs.write(0x0, 0x04000000)
        assert [nic.regs.read(BY_NAME[name].offset()) for name in ("MLFC", "MRFC")] == [0, 0]
