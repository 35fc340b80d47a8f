# SPDX-License-Identifier: BSD-3-Clause
"""Which test runs each command line of the READMEs; ``tests/unit/test_readme_lines.py`` wants every line in here once.

``RUN``: what ``tests/host/test_readme.py`` runs, by scenario, with what must be seen of it, as a regular expression.
``ELSEWHERE``: file, function and step of what runs a line somewhere else. ``NOT_RUN``: why nothing can.
"""

from tests.rigs import notes_pages

CTL = ".venv/bin/python -m device ctl /tmp/nic.control"
CI_TEST = (".github/workflows/ci.yml", "", "run: python3 -m ci test\n")
WORKFLOW_WHEEL = (".github/workflows/ci.yml", "", "run: python3 -m ci wheel --out dist\n")
TIERS = ("tests/unit/test_readme_lines.py", "test_every_tier_has_its_tests", "steps._where(")
GUEST = ("tests/boot/test_vm.py", "test_a_command_runs_and_nothing_is_left", '"--run"')
STOCK = ("tests/boot/test_stock.py", "test_ethtool_answers", "ethtool {option} eth0")

RUN: dict[str, dict[str, str]] = {
    "alone": {
        "python3 -m ci": r"python3 -m ci demo ",
        "python3 -m ci STEP": r"python3 -m ci demo ",
        "python3 -m ci STEP --help": r"python3 -m ci demo ",
        "python3 -m ci vm --help": r"--capture",
        "python3 -m ci man --out DIR": r"ixlab-device\.1",
        'eval "$(python3 -m ci completion bash)"': r"complete .* ixlab-device",
        'eval "$(_IXLAB_DRIVER_COMPLETE=bash_source ixlab-driver)"': r"complete .* ixlab-driver",
        "ixlab-device --version": r"\d+\.\d+",
        ".venv/bin/python -m device --fault list": r"slow",
        ".venv/bin/python -m device.nvm make /tmp/nvm.bin --mac 02:00:00:00:00:07 --checksum bad": r"is wrong",
        ".venv/bin/python -m device.regs list": r"0x042a4",
        ".venv/bin/python -m device.regs show RDT": r"Rx tail",
        ".venv/bin/python -m device.regs show EERD": r"EERD",
        ".venv/bin/python -m device.regs show EEC.PRES": r"bit 8: the chip found a valid image",
        ".venv/bin/python -m device.regs show NAME": r"LINKS",
        ".venv/bin/python -m device.regs decode 0x1028=0x02000000": r"RXDCTL\[0\] = 0x02000000  ENABLE=1",
        ".venv/bin/python -m device.regs decode 0x042a4=0x70000000": r"LINKS = 0x70000000 .* UP=1",
        ".venv/bin/python -m driver probe|up|stats|regs|eeprom|module|link|vectors|itr|irq|vf NIC": r"Usage: driver",
        ".venv/bin/python -m pytest FILE::TEST": r"1 passed",
        ".venv/bin/python -m pytest tests/unit/i82599/test_rx_ring.py::test_one_frame": r"\d passed",
        ".venv/bin/python -m pytest tests/unit/i82599/test_rx_ring.py -k wrap -x": r"\d passed",
    },
    "looped": {
        ".venv/bin/python -m device --socket PATH": r"device ready: ",
        f"{CTL} --watch": r"link|carrier",
        f"{CTL} carrier on=false": r'"link": "down"',
        f"{CTL} sfp kind=none": r"^none$",
        f"{CTL} report --json": r'"sfp": "none", "link": "down"',
        CTL: r"sfp kind=sr\|lr\|da\|…\|none\|FILE .*\ncarrier on=boolean",
        f"{CTL} fault inject=slow=EERD:8": r"slow=EERD:8",
        "grep -m 2 ' LINKS ' /tmp/nic.trace": r"R 0x042a4 4 0x[0-9a-f]{8} LINKS",
        ".venv/bin/python -m device.trace FILE": r"R 0x042a4",
        ".venv/bin/python -m device.trace /tmp/probe.trace": r"R 0x042a4",
        ".venv/bin/python -m driver probe NIC --explain": r"10  select_eeprom .*\n +kernel +IXGBE_READ_REG",
        ".venv/bin/python -m driver probe NIC --explain=md --lang zh --out FILE": r"^$",
        ".venv/bin/python -m driver probe NIC --trace-file ours.trace": r"^$",
        ".venv/bin/python -m device.trace diff tests/data/ixgbe-6.12-probe.trace ours.trace --steps": r"reset_hw: \d+",
    },
    "many drivers": {
        ".venv/bin/python -m device --socket /tmp/nic.sock --tap wire0 --vfs 4": r"device ready: ",
        ".venv/bin/python -m driver up vfio-user:/tmp/nic.sock --netdev pf0 --vfs 4": r"driver ready: ",
        ".venv/bin/python -m driver up vfio-user:/tmp/nic.sock.vf0 --netdev vf0": r"driver ready: ",
        ".venv/bin/python -m driver vf vfio-user:/tmp/nic.sock": r"4 VFs of 4 queues each",
        ".venv/bin/python -m driver vf vfio-user:/tmp/nic.sock 0 vlan 100": r"VF 0: vlan 100",
    },
    "frames": {"python examples/echo.py NIC [SECONDS]": r"[1-9]\d* frames echoed"},
    "by hand": {
        "ip netns add wire && ip netns add host": r"",
        ".venv/bin/python -m device --socket /tmp/nic.sock --tap wire0": r"device ready: ",
        ".venv/bin/python -m driver probe vfio-user:/tmp/nic.sock": r"82599",
        ".venv/bin/python -m driver up vfio-user:/tmp/nic.sock --netdev nic0 --queues 2": r"driver ready: ",
        "ip netns exec wire": r"device ready: ",
        "ip netns exec host": r"driver ready: ",
        "ip -n wire address add 192.0.2.1/24 dev wire0": r"",
        "ip -n wire link set wire0 up": r"",
        "ip -n host address add 192.0.2.2/24 dev nic0": r"",
        "ip -n host link set nic0 up": r"",
        "ip netns exec host ping -c 3 192.0.2.1": r"3 packets transmitted, 3 received",
        "tcpdump -i wire0": r"ICMP echo reply",
        "nsenter --net=/proc/4006/ns/net tcpdump -n -i ixwire0": r"192\.0\.2\.2 > 192\.0\.2\.1: ICMP echo request",
        "nsenter --net=/proc/4006/ns/net tcpdump -U -w - -i ixwire0 | tcpdump -n -r -": r"ICMP echo reply",
        "tcpdump -nr /tmp/wire.pcap icmp": r"192\.0\.2\.1 > 192\.0\.2\.2: ICMP echo reply",
        ".venv/bin/python -m driver stats vfio-user:/tmp/nic.sock": r"rx_packets +│ +[1-9]",
        ".venv/bin/python -m driver regs vfio-user:/tmp/nic.sock STATUS LINKS TDH": r"0x042a4 │ LINKS .*UP=1",
        ".venv/bin/python -m driver vectors vfio-user:/tmp/nic.sock --watch --count 2": r"ixlab-nic0-TxRx-1",
        "ip netns delete wire; ip netns delete host": r"",
    },
}

# Those of docs/notes-*.md: tests/host/test_notes_pages.py runs them, and holds all that they show against the pages.
RUN["notes"] = {
    line: r"."
    for line in (notes_pages.DEVICE, notes_pages.UP, *notes_pages.commands())
    if not any(line in lines for lines in RUN.values())
}

ELSEWHERE: dict[str, tuple[str, str, str]] = {
    "python3 -m ci demo vfs": ("tests/host/test_demo_vfs.py", "test_it_plays_to_its_end", '"demo", "vfs"'),
    "python3 -m ci vm --vf 1 --run 'ip link show eth0'": (
        "tests/boot/test_vf_alone.py", "test_a_command_in_a_guest_on_a_virtual_function", '"--vf", "1"',
    ),
    "python3 -m ci demo": ("tests/host/test_demo_ends.py", "test_two_at_once", "Demo("),
    ".venv/bin/python -m driver irq NIC add|free|fire|table|affinity": (
        "tests/host/test_irq_hands.py", "test_a_vector_is_added_fired_and_freed_under_traffic", '"fire", "9"',
    ),
    ".venv/bin/python -m driver vf NIC": (
        "tests/host/test_vf_hands.py", "test_decisions_and_what_becomes_of_them", 'stage.cli("vf", stage.nic)',
    ),
    "python -m driver up NIC --xdp-rings 1 --xdp examples/xdp_filter.py:program": (
        "tests/host/test_xdp.py", "test_pings_are_answered_before_the_kernel_sees_them", '"--xdp", PROGRAM',
    ),
    "python3 -m ci setup": ("tests/unit/ci/test_setup.py", "test_without_libvfio_user_the_rest_is_built", "build."),
    "python3 -m ci lint": ("ci/steps.py", "_run_tiers", "lint()"),
    "python3 -m ci sanitize": ("ci/steps.py", "_run_tiers", "sanitize)"),
    ".venv/bin/python -m device.nvm show /tmp/nvm.bin": (
        *("tests/unit/i82599/test_nvm_command.py", "test_it_is_shown_to_people_in_80_columns"),
        'main(["show", str(path)])',
    ),
    "python3 -m ci test": CI_TEST,
    "python3 -m ci test unit pair": CI_TEST,
    "python3 -m ci test unit pair wire": CI_TEST,
    "python3 -m ci test quick": TIERS,
    "python3 -m ci test boot": (".github/workflows/ci.yml", "", "python3 -m ci test boot\n"),
    "IXLAB_THOROUGH=1 python3 -m ci test boot": (
        "tests/boot/conftest.py", "pytest_collection_modifyitems", '"IXLAB_THOROUGH"',
    ),
    "python3 -m ci test soak": TIERS,
    "python3 -m ci test fuzz": ("tests/unit/test_fuzz_corpus.py", "test_what_the_fuzzers_found_stays_mended", "target"),
    "python3 -m ci test fuzz -- --keep": ("tests/fuzz/conftest.py", "pytest_addoption", '"--keep"'),
    "python3 -m ci test chaos": ("tests/chaos/conftest.py", "pytest_addoption", '"--minutes"'),
    "python3 -m ci test captures": ("tests/captures/conftest.py", "pytest_addoption", '"--minutes"'),
    "python3 -m ci wheel --out dist": WORKFLOW_WHEEL,
    "python3 -m ci wheel --lowest": ("ci/wheel.py", "_try", "try_lowest("),
    "python3 -m ci pins": (
        "tests/unit/ci/test_pins.py", "test_all_that_pyproject_wants_is_pinned_with_hashes", "pins.check()",
    ),
    "python3 -m ci stubs": ("tests/unit/test_stubs.py", "test_a_stale_stub_is_named_with_what_mends_it", "stubs."),
    ".venv/bin/python -m device.regs header": (
        "tests/unit/regs/test_regs_map.py", "test_regs_h_is_what_the_tables_say", "header.path(",
    ),
    "python3 -m ci bench": ("tests/unit/ci/test_bench.py", "test_every_benchmark_is_known_to_the_command", '"bench"'),
    "python3 -m ci bench loop": ("tests/wire/test_bench_quick.py", "test_loop", '"loop"'),
    "python3 -m ci bench latency": ("tests/wire/test_bench_quick.py", "test_latency", '"latency"'),
    "python3 -m ci bench scale --plot docs/bench": ("tests/wire/test_bench_quick.py", "test_scale", '"--plot"'),
    "python3 -m ci bench idle": ("tests/wire/test_bench_quick.py", "test_idle", '"idle"'),
    "python3 -m ci bench netdev": (
        "tests/host/test_bench_netdev.py", "test_it_runs_to_its_end_and_leaves_nothing", '"netdev"',
    ),
    "python3 -m ci bench vm": ("tests/boot/test_bench_vm.py", "test_it_runs_to_its_end", '"vm"'),
    "python3 -m ci bench instructions": (
        "tests/pair/test_instructions.py", "test_no_hot_path_costs_more_than_recorded", "by_counting(",
    ),
    "python3 -m ci bench instructions --record": (
        "tests/unit/ci/test_bench.py", "test_recording_leaves_other_compilers_alone", "record(",
    ),
    ".venv/bin/python -m tests.bench.report FILE.json … --into README.md": (
        "tests/unit/ci/test_bench_report.py", "test_it_takes_the_place_of_the_old_one", "into(",
    ),
    "python3 -m ci bench itr --plot FILE.svg": ("tests/wire/test_bench_itr.py", "test_it_runs_to_its_end", "main("),
    ".venv/bin/python -m tests.bench.driver_rows": (
        "tests/wire/test_driver_rows.py", "test_every_row_carries_its_frames", "rows(",
    ),
    "python3 -m ci vm": ("tests/boot/test_vm.py", "test_a_shell_for_a_person", '"vm"'),
    "python3 -m ci vm --driver ixgbe --run 'ethtool -t eth0 online'": (
        "tests/boot/test_stock.py", "test_its_own_self_test", "ethtool -t eth0 {kind}",
    ),
    "python3 -m ci vm --driver ours --run 'python3 -m driver stats 0000:01:00.0'": (
        "tests/boot/test_ours.py", "test_questions_to_a_running_driver", "stats {short}",
    ),
    "python3 -m ci vm --capture /tmp/wire.pcap --device-arg=--trace-file --device-arg=/tmp/nic.trace": GUEST,
    "python3 -m ci vm --driver none --kernel 6.12 --device-arg=--trace-file --device-arg=/tmp/probe.trace "
    "--run 'modprobe ixgbe; sleep 1'": ("tests/boot/test_vm.py", "test_a_trace_of_the_probe_replays", "modprobe ixgbe"),
    "ethtool -S": STOCK,
    "ethtool -S eth0": STOCK,
    "ethtool -d eth0": STOCK,
    "qemu-system-x86_64 -M q35,memory-backend=m -object memory-backend-memfd,id=m,size=1G,share=on -m 1G … "
    "-device pcie-root-port,id=rp0,chassis=1,slot=1 "
    """-device '{"driver":"vfio-user-pci","bus":"rp0","socket":{"type":"unix","path":"/tmp/nic.sock"}}'""": (
        "tests/boot/test_installed.py", "test_the_wheel_serves_a_guest_by_the_readmes_qemu_line", "qemu(",
    ),
    "pip install": ("tests/boot/test_installed.py", "installed", "clean.install("),
    "IXLAB_NIC=0000:01:00.0 .venv/bin/python -m pytest tests/wire/test_any_door.py": (
        "tests/boot/test_ours_door.py", "test_the_same_file_outside_and_inside", "IXLAB_NIC=",
    ),
}  # fmt: skip

NOT_RUN = {
    "wireshark -k -i -": "a window on a desktop; the line it is put into is run with tcpdump",
    "apt install -t trixie-backports qemu-system-x86": "it would change the machine",
}
