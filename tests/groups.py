# SPDX-License-Identifier: BSD-3-Clause
"""Which tests stay together when several processes share them: those of a file, and there those of one kernel.

A guest lives as long as its file's tests run in one process: scattered over two, every guest would boot twice.
"""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

OLDER_KERNEL = "6.1"
# Seconds that the long groups took on two busy cores: they start first, or one of them would run alone at the end.
SECONDS: dict[str, int] = {
    "tests/boot/test_life.py": 670,
    "tests/boot/test_life.py on 6.1": 390,
    "tests/boot/test_traffic.py": 360,
    "tests/boot/test_bad.py": 220,
    "tests/boot/test_ours.py": 220,
    "tests/boot/test_modules.py": 190,
    "tests/boot/test_ours_refused.py": 180,
    "tests/boot/test_traffic.py on 6.1": 155,
    "tests/boot/test_vm.py": 140,
    "tests/boot/test_ours_door.py": 130,
    "tests/boot/test_bad_host.py": 110,
    "tests/boot/test_ptp.py": 110,
    "tests/boot/test_vlan.py": 100,
    "tests/boot/test_boot_time.py": 100,
    "tests/boot/test_filters.py": 80,
    "tests/boot/test_interrupts.py": 65,
    "tests/boot/test_installed.py": 70,
    "tests/boot/test_pause_guests.py": 70,
    "tests/boot/test_hotplug.py": 50,
    "tests/boot/test_stock.py on 6.1": 45,
    "tests/boot/test_stock.py": 30,
    "tests/boot/test_faults.py": 20,
    "tests/boot/test_branches.py": 200,
    "tests/boot/test_vf.py": 240,
    "tests/boot/test_vf_life.py": 220,
    "tests/boot/test_vf_alone.py": 60,
    "tests/boot/test_macvlan.py": 60,
    "tests/boot/test_bench_vm.py": 60,
    "tests/pair/test_instructions.py": 60,
}
# What `ci test quick` leaves out: long random runs, many clients, programs that end in all ways, every README line; and
# of what starts a device or a driver for each test, what is about waiting, floods, memory that goes away, and signals.
SLOW = (
    "tests/host/test_bench_netdev.py",
    "tests/host/test_cli.py",
    "tests/host/test_demo_ends.py",
    "tests/host/test_demo_vfs.py",
    "tests/host/test_full_disk.py",
    "tests/host/test_irq_hands.py",
    "tests/host/test_link_flap.py",
    "tests/host/test_netdev.py",
    "tests/host/test_notes_pages.py",
    "tests/host/test_readme.py",
    "tests/host/test_user.py",
    "tests/host/test_vectors_live.py",
    "tests/host/test_vf_driver.py",
    "tests/host/test_vf_hands.py",
    "tests/host/test_xdp.py::test_pings_are_answered_before_the_kernel_sees_them",
    "tests/wire/test_any_door.py",
    "tests/wire/test_bad_client.py::test_an_answer_goes_out_whole_however_slowly_it_is_read",
    "tests/wire/test_bad_client.py::test_callers_that_say_nothing_or_nonsense",
    "tests/wire/test_bench_itr.py",
    "tests/wire/test_bench_quick.py",
    "tests/wire/test_completion.py",
    "tests/wire/test_control.py",
    "tests/wire/test_door.py::test_a_server_of_another_kind",
    "tests/wire/test_door.py::test_areas_that_cannot_be_are_refused",
    "tests/wire/test_door.py::test_capabilities_that_are_not_as_agreed",
    "tests/wire/test_driver.py::test_down_and_up_again_with_other_sizes",
    "tests/wire/test_driver.py::test_each_kind_of_interrupt_carries_traffic",
    "tests/wire/test_driver.py::test_five_drivers_one_after_another",
    "tests/wire/test_driver.py::test_nothing_is_said_when_clients_come_and_go",
    "tests/wire/test_driver.py::test_polling_needs_no_interrupt",
    "tests/wire/test_driver.py::test_rings_wrap_many_times",
    "tests/wire/test_driver.py::test_rss_spreads_flows_over_both_queues",
    "tests/wire/test_driver_crash.py",
    "tests/wire/test_driver_interrupts.py::test_a_card_without_msix_carries_traffic",
    "tests/wire/test_driver_load.py",
    "tests/wire/test_driver_patience.py",
    "tests/wire/test_driver_threads.py",
    "tests/wire/test_driver_wire.py",
    "tests/wire/test_faults.py",
    "tests/wire/test_log_flood.py",
    "tests/wire/test_lossy_files.py",
    "tests/wire/test_lost_memory.py",
    "tests/wire/test_patience.py",
    "tests/wire/test_patience_answers.py",
    "tests/wire/test_patience_fds.py",
    "tests/wire/test_pause.py",
    "tests/wire/test_posted.py",
    "tests/wire/test_posted_driver.py",
    "tests/wire/test_shared_pages.py",
    "tests/wire/test_signals.py",
    "tests/wire/test_socket_rule.py",
    "tests/wire/test_vf_sockets.py",
    "tests/wire/test_vfu.py::test_a_client_that_reads_no_replies_is_sent_away",
    "tests/wire/test_vfu.py::test_a_client_that_stops_in_the_middle_is_sent_away",
    "tests/wire/test_xdp_live.py",
    "tests/unit/ci/test_command_line.py::test_help_of_every_step_does_nothing",
    "tests/unit/ci/test_groups.py::test_a_group_runs_in_one_process",
    "tests/unit/ci/test_rename.py::test_every_source_can_be_renamed",
    "tests/unit/driver/test_sriov_pools.py::test_whatever_happens_the_registers_say_who_is_in",
    "tests/unit/driver/test_vf_mailbox.py::test_any_answers_end_in_an_answer_or_in_an_error",
    "tests/unit/i82599/test_card.py::test_no_sequence_of_accesses_upsets_a_block",
    "tests/unit/i82599/test_filter_rx.py::test_random_filters_agree_with_the_twin",
    "tests/unit/i82599/test_flow.py::test_with_pause_on_two_nics_lose_nothing",
    "tests/unit/i82599/test_pools_fuzz.py",
    "tests/unit/i82599/test_porter.py::test_stock_ixgbe_is_told_nothing",
    "tests/unit/i82599/test_rsc.py::test_every_byte_of_every_flow_comes_in_order",
    "tests/unit/i82599/test_rx_fuzz.py",
    "tests/unit/i82599/test_sfp_regs.py::test_every_byte_of_the_diagnostics_page",
    "tests/unit/i82599/test_sfp_regs.py::test_every_byte_of_the_identification_page",
    "tests/unit/i82599/test_super_tx.py::test_nobody_can_tell_a_super_frame_from_what_it_stands_for",
    "tests/unit/i82599/test_tso.py",
    "tests/unit/i82599/test_tx.py::test_random",
    "tests/unit/i82599/test_usual_rx.py::test_any_sequence",
    "tests/unit/i82599/test_usual_tx.py::test_any_sequence",
    "tests/unit/i82599/test_vf_mailbox.py::test_both_never_hold_it",
    "tests/unit/i82599/test_vf_standin.py::test_garbage_reaches_no_neighbour",
    "tests/unit/machine/test_regfile_rules.py::test_random_accesses_never_crash",
    "tests/unit/regs/test_show.py::test_a_page_fits_a_terminal_and_is_quick",
    "tests/unit/regs/test_show.py::test_names_in_any_case_and_offsets",
    "tests/unit/regs/test_show.py::test_several_pages",
    "tests/unit/regs/test_show.py::test_the_first_few_or_all",
    "tests/unit/serve/test_rpc.py::test_any_line_is_answered",
    "tests/unit/test_fuzz_corpus.py",
    "tests/unit/test_layers.py::test_the_unit_and_pair_tiers_do_without_libvfio_user",
    "tests/pair/test_branches.py::test_the_page_is_what_the_scenarios_give",
    "tests/pair/test_fuzz.py",
    "tests/pair/test_instructions.py",
    "tests/pair/test_leaks.py",
    "tests/pair/test_modules.py",
    "tests/pair/test_reset.py::test_whole_life_over_and_over_leaves_nothing_behind",
    "tests/pair/test_rings.py::test_napi_takes_no_more_than_its_budget",
    "tests/pair/test_rings.py::test_no_interleaving_loses",
    "tests/pair/test_vf_driver_service.py",
    "tests/pair/test_vf_mailbox.py::test_whatever_guests_do_the_last_one_is_served",
)
QUICK_CASES = 3  # of a test with more cases, `ci test quick` runs the first, the last, and some between
TEST_S = 0.05  # any other test


def left_out_of_quick(nodes: Sequence[str]) -> set[str]:
    """Return the tests, by their pytest names, that `ci test quick` does not run: slow ones, and most of many cases."""
    out = {node for node in nodes if node.startswith(SLOW)}
    cases: dict[str, list[str]] = {}
    for node in nodes:
        cases.setdefault(node.partition("[")[0], []).append(node)
    for these in cases.values():
        if len(these) > QUICK_CASES:
            kept = {these[n * (len(these) - 1) // (QUICK_CASES - 1)] for n in range(QUICK_CASES)}
            out.update(set(these) - kept)
    return out


def on_older_kernel(node: str) -> bool:
    """Return whether a test, by its pytest name, is for a guest with the older kernel."""
    return OLDER_KERNEL in node.partition("[")[2].removesuffix("]").split("-")


def group(node: str) -> str:
    """Return the name of the group that a test, by its pytest name, belongs to."""
    path = node.partition("::")[0]
    return f"{path} on {OLDER_KERNEL}" if on_older_kernel(node) else path


def longest_first(nodes: Sequence[str]) -> list[str]:
    """Return tests, by their pytest names, with those of the longest groups first, and else in their order."""
    counts = Counter(map(group, nodes))
    seconds = {name: SECONDS.get(name, TEST_S * count) for name, count in counts.items()}
    return sorted(nodes, key=lambda node: -seconds[group(node)])


def scheduler(config: pytest.Config, log: object) -> "LoadScopeScheduling":
    """Return what gives each process one group after the other."""
    from xdist.scheduler import LoadScopeScheduling  # a guest has no pytest-xdist, and no use for it

    grouped = LoadScopeScheduling(config, log)
    grouped._split_scope = group
    config.option.loadscopereorder = (
        False  # it would start those with the most tests first; conftest.py has sorted them
    )
    return grouped
