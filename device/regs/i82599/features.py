# SPDX-License-Identifier: BSD-3-Clause
"""What becomes of each feature that the chip offers to drivers, and the test that proves it.

``python -m device.regs features`` makes ``device/FEATURES.md`` of it.  A register or field that only belongs to a
feature is marked ``stored=``, with the name that the feature has here.
"""

from enum import Enum
from typing import NamedTuple


class State(Enum):
    """What a driver gets that asks for it."""

    WORKS       = "works"
    NOT_OFFERED = "not offered"     # the driver is told before that there is none, by what it asks anyway
    STORED      = "stored"          # read back and not obeyed; a log line says so when it is asked for


class Feature(NamedTuple):
    """One row.

    Attributes:
        name: As in ``stored=``.
        state: What becomes of it.
        test: What proves it, as pytest names it: ``FILE::TEST``.
        note: What a driver developer should know besides; "" if there is nothing.
    """

    name: str
    state: State
    test: str
    note: str = ""


MACSEC     = "MACsec"
IPSEC      = "inline IPsec"
FCOE       = "FCoE offload"
RSC_DELAYS = "delays of coalesced frames"
DCA        = "cache hints (DCA)"
POOLS      = "shares and interrupts of pools"
WAKE       = "wake-up"
MANAGEMENT = "management traffic"
LEDS       = "LEDs"
PTP_PINS   = "pulses and stamps on pins"
TX_HALT    = "halt of the Tx path"
CREDITS    = "credits of low-latency interrupts"
IMMEDIATE_82598 = "immediate interrupts by the 82598's filters"
DOUBLE_VLAN = "insertion of a second VLAN tag"
GROUPS     = "strict classes within a bandwidth group"
RX_WEIGHTS = "weights of receive classes"
PCIE_COUNT = "counters of the PCIe block"
PCIE_CAUSE = "causes of the PCIe block"
SYMBOLS    = "errors of single bytes and symbols"
COUNTERS_82598 = "pause counters at the 82598's places"

WORKS, NOT_OFFERED, STORED = State

_UNIT    = "tests/unit/i82599/"
_RESETS  = f"{_UNIT}test_reset_values.py::"
_OFFLOAD = "tests/pair/test_offload.py::"
_PROBE   = "tests/pair/test_probe.py::"
_FILTERS = "tests/boot/test_filters.py::"
_COUNTERS = f"{_UNIT}test_every_counter.py::"
_MARK    = f"{_UNIT}test_stored.py::test_asking_for_it_is_said_once"

FEATURES = (
    # Frames
    Feature("receive rings", WORKS, f"{_RESETS}test_a_driver_that_only_changes_the_type_receives"),
    Feature(
        "drop per queue", WORKS, f"{_UNIT}test_rx_drop.py::test_one_full_queue_and_the_others",
        "SRRCTL.DROP_EN, DROPEN, PFQDE; without it a full queue holds up the others",
    ),
    Feature("header split", WORKS, f"{_UNIT}test_rx_split.py::test_headers_and_payload_part"),
    Feature("status bits of received frames", WORKS, f"{_UNIT}test_rx_status.py::test_rxe_is_the_one_error_of_the_mac"),
    Feature("transmit checksums: IPv4, TCP, UDP, SCTP", WORKS, f"{_OFFLOAD}test_l4_checksum_is_filled_in"),
    Feature("receive checksums", WORKS, f"{_OFFLOAD}test_good_and_bad_sums_are_told_apart"),
    Feature("segmentation of TCP", WORKS, f"{_OFFLOAD}test_tso_cuts_a_tcp_packet_into_good_segments"),
    Feature("segmentation of UDP", WORKS, f"{_OFFLOAD}test_udp_segmentation_gives_each_datagram_its_own_header"),
    Feature("VLAN tags put in and taken out", WORKS, "tests/boot/test_vlan.py::test_who_handles_the_tag"),
    Feature(
        DOUBLE_VLAN, STORED, _MARK,
        "DMATXCTL.GDV: the tag goes right behind the addresses; where the chip puts it is not known for sure",
    ),
    Feature(
        "frames with an FCS of their own", WORKS, f"{_UNIT}test_tx_corners.py::test_a_frame_with_its_own_fcs",
        "IFCS or HLREG0.TXCRCEN off; a wrong one reaches our own receiver in loopback, and no wire",
    ),
    Feature("report of any transmit descriptor", WORKS, f"{_UNIT}test_tx_corners.py::test_reports_before_the_end"),
    Feature(
        "receive side coalescing", WORKS, f"{_UNIT}test_rsc.py::test_a_flow_becomes_one_packet",
        "TCP over IPv4, in order, with time stamps or without options; until the queue's EITR ends, or its batch",
    ),
    Feature(RSC_DELAYS, STORED, _MARK, "GPIE.RSC_DELAY: descriptors are complete before the interrupt anyway"),
    Feature("time stamps of PTP messages", WORKS, "tests/boot/test_ptp.py::test_ptp4l_locks_a_clock_to_its_peers"),
    Feature(PTP_PINS, STORED, _MARK, "the pins lead nowhere"),
    Feature("pause frames, both ways", WORKS, "tests/boot/test_pause_guests.py::test_with_pause_on_no_frame_is_lost"),
    Feature(
        "rate limits of transmit queues", WORKS, f"{_UNIT}test_tx_rate.py::test_every_frame_leaves_in_its_time",
        "RTTBCNRC behind RTTDQSEL; frames are counted without FCS, preamble and gap",
    ),
    Feature(
        "traffic classes, transmit", WORKS, f"{_UNIT}test_dcb_tx.py::test_mqprio_classes_share_by_their_credits",
        "by RTTPT2C if RTTPCS.TPPAC is set, else by RTTDT2C if RTTDCS.TDPAC is; nothing waits between ring and wire, "
        "so TXPBSIZE and TXPBTHRESH change nothing",
    ),
    Feature(GROUPS, STORED, _MARK, "RTTDT2C.GSP, RTTPT2C.GSP: such a class takes its weighted share"),
    # Steering
    Feature("RSS", WORKS, f"{_FILTERS}test_each_flow_has_its_queue"),
    Feature(
        "traffic classes, receive", WORKS, f"{_UNIT}test_dcb_rx.py::test_mqprio_frames_land_in_queues_of_their_class",
        "queues by RTRUP2TC, MRQC and RQTC, packet buffers by RXPBSIZE, MPC, DROPEN and priority pause by class",
    ),
    Feature(RX_WEIGHTS, STORED, _MARK, "nothing limits what goes to memory in a turn; the highest class goes first"),
    Feature("perfect flow director filters", WORKS, f"{_FILTERS}test_perfect_filters_steer_and_drop"),
    Feature(
        "signature flow director filters (ATR)", WORKS,
        f"{_FILTERS}test_atr_brings_a_connection_to_the_cpu_that_sends",
    ),
    Feature("5-tuple and SYN filters", WORKS, "tests/pair/test_steering.py::test_a_5_tuple_and_a_syn_filter"),
    Feature(
        "EtherType filters", WORKS, f"{_UNIT}test_queue_filters.py::test_the_first_of_several_ethertype_filters",
        "a queue and the index in the descriptor",
    ),
    Feature("multicast and unicast filters", WORKS, f"{_FILTERS}test_multicast_comes_to_members_only"),
    Feature(
        "pools (VMDq, SR-IOV)", WORKS, f"{_UNIT}test_pools_queues.py::test_the_pf_keeps_rss_beside_a_macvlan",
        "by address, VLAN and VFRE; RSS or classes in each; replication; a counter set a pool",
    ),
    Feature(
        "switch between pools", WORKS, f"{_UNIT}test_switch_tx.py::test_broadcast_goes_to_all_others_and_to_the_wire",
        "PFDTXGSWC.VT_LBEN; nothing is switched while there is no link",
    ),
    Feature(
        "checks of what a pool sends", WORKS, f"{_UNIT}test_switch_tx.py::test_a_forged_address_is_dropped_and_counted",
        "address, VLAN, EtherType; the tag that VMVIR wants",
    ),
    Feature(POOLS, STORED, _MARK, "RTTDT2C.CRQ of a pool, EITRSEL, CIAA"),
    Feature("mirror rules", WORKS, f"{_UNIT}test_switch_mirror.py::test_a_pool_is_mirrored"),
    # Interrupts, link, module, EEPROM
    Feature("MSI-X, MSI, INTx", WORKS, "tests/pair/test_interrupts.py::test_traffic_flows_on_every_kind_of_interrupt"),
    Feature(
        "moderation of interrupts", WORKS, "tests/pair/test_interrupts.py::test_messages_keep_their_distance",
        "EITR counts 2 us",
    ),
    Feature("low-latency interrupts", WORKS, f"{_UNIT}test_intr_at_once.py::test_a_port"),
    Feature(CREDITS, STORED, _MARK, "GPIE.LL_INTERVAL (FreeBSD sets it), EITR.LLI_MOD: every such interrupt is sent"),
    Feature(IMMEDIATE_82598, STORED, _MARK, "IMIR; this chip has L34TIMIR.LLI, ETQS.LLI and IMIRVP"),
    Feature("TCP timer", WORKS, f"{_UNIT}test_intr_timer.py::test_it_ticks_as_long_as_it_loops"),
    Feature("link state in LINKS and STATUS", WORKS, f"{_RESETS}test_status_and_links_tell_of_the_link"),
    Feature("SFP+ modules over I2C", WORKS, f"{_PROBE}test_modules_by_kind"),
    Feature(
        "1G modules and their speed", WORKS, "tests/pair/test_modules.py::test_what_ixgbe_drives_has_a_link",
        "the other end agrees to what is offered",
    ),
    Feature("vital product data (VPD)", WORKS, "tests/wire/test_rom_vpd.py::test_vpd_through_our_drivers_door"),
    Feature(
        "expansion ROM", WORKS, "tests/wire/test_rom_vpd.py::test_the_rom_as_qemu_reads_it", "with `--rom FILE`",
    ),
    Feature("EEPROM by EERD, EEWR and bit by bit", WORKS, f"{_PROBE}test_bit_banged_words_are_those_of_eerd"),
    Feature("other PHYs over MDIO", NOT_OFFERED, f"{_UNIT}test_mac.py::test_the_scan_finds_nobody", "reads all ones"),
    # Security and storage
    Feature(
        IPSEC, NOT_OFFERED, f"{_RESETS}test_a_driver_that_asks_for_crypto_hears_that_there_is_none",
        "SECRXCTRL.SECRX_DIS, SECTXCTRL.SECTX_DIS and OFF_DIS of both states stand at 1",
    ),
    Feature(FCOE, NOT_OFFERED, f"{_UNIT}test_nvm_image.py::test_words_drivers_need", "EEPROM word 0x2C bit 1"),
    Feature(MACSEC, STORED, _MARK, "the chip cannot say that it has none; frames leave and arrive as they are"),
    Feature(TX_HALT, STORED, _MARK, "SECTXCTRL.TX_DIS; switch queues off instead"),
    # Host
    Feature(
        "firmware's host interface", NOT_OFFERED, f"{_UNIT}test_hostif.py::test_never_enabled_and_never_done",
        "HICR.EN stands at 0",
    ),
    Feature(WAKE, STORED, _MARK, "Linux does not offer it for this subsystem id"),
    Feature(MANAGEMENT, STORED, _MARK, "FWSM says that no firmware runs"),
    Feature(DCA, STORED, _MARK),
    Feature(LEDS, STORED, _MARK, "nobody sees them"),
    # Counters
    Feature(
        "counters of ethtool -S, DPDK and FreeBSD", WORKS, f"{_COUNTERS}test_it_moves",
        "all but those below, and those of features that are not there: pools, FCoE, management, MACsec",
    ),
    Feature(SYMBOLS, STORED, f"{_COUNTERS}test_it_stands_still", "ILLERRC, ERRBC, MSPDC: a wire carries whole frames"),
    Feature(COUNTERS_82598, STORED, f"{_COUNTERS}test_it_stands_still", "this chip has LXONRXCNT and its like"),
    Feature(PCIE_COUNT, STORED, _MARK),
    Feature(PCIE_CAUSE, STORED, _MARK),
)  # fmt: skip


def markdown() -> str:
    """The table for people."""
    lines = [
        "<!-- Generated from device/regs/i82599/features.py; its check in lint says how. -->",
        "# What becomes of what a driver asks for",
        "",
        "*Works*: as on the chip. *Not offered*: a driver that asks first is told that there is none. *Stored*: what",
        "was written is read back and nothing comes of it; a log line says so when a driver asks, once in its life.",
        "",
        "| Feature | State | Proved by | |",
        "|---|---|---|---|",
    ]
    lines += [f"| {row.name} | {row.state.value} | `{row.test}` | {row.note} |" for row in FEATURES]
    return "\n".join(lines) + "\n"
