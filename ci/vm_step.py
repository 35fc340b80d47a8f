# SPDX-License-Identifier: BSD-3-Clause
"""``python3 -m ci vm``: the guest, for a person or for one command."""

import argparse
import contextlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ci import complaints, guest, junit, machine, net, stale
from ci.demo import HOST4, HOST6, WIRE4, WIRE6, WIRE_IF
from ci.nic import NicOptions
from ci.processes import OWN_GROUP, child, ended, stop_in_order, undisturbed
from ci.say import CiError, say
from ci.talk import Job
from ci.vfs import SharedCard
from ci.vm import Options, Vm

RUN_TIMEOUT_S = 86400
CATCH_UP_S = 0.1
CATCH_UP_LOOKS = 20
VFS_MOST = 63
SMP_MOST = 64  # each has an MSI-X vector then
KERNEL_FAILED = 1
SHARED = "/mnt/share"
SHARE_TAG = "share"
SHARE_MOUNT = "trans=virtio,version=9p2000.L,msize=131072"

MORE = """\
Without --run it is a shell in the guest; Ctrl-A X ends it.  With it, the command's output and its exit code are yours.
The first run makes the guest in the cache, from Debian packages."""


def _memory(text: str) -> str:
    if not re.fullmatch(r"[1-9]\d*[MG]", text):
        raise argparse.ArgumentTypeError(f"{text!r}: a number of MiB or GiB is wanted, such as 512M or 4G")
    return text


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `vm`."""
    parser.add_argument(
        *("--driver",),
        choices=["ixgbe", "ixgbevf", "ours", "none"],
        help="who drives the NIC (ixgbe; with --vf ixgbevf)",
    )
    parser.add_argument(
        *("--vf",),
        type=int,
        action="append",
        default=[],
        choices=range(VFS_MOST),
        metavar="N",
        help=f"the guest gets virtual function N, 0 to {VFS_MOST - 1}, of a card; may be repeated",
    )
    parser.add_argument(
        *("--pf",),
        choices=["ours", "none"],
        default="ours",
        help="with --vf: who drives the physical function on this machine; none: the device answers for it (ours)",
    )
    parser.add_argument(
        *("--kernel",),
        default="6.12",
        metavar="KERNEL",
        help="6.12 or 6.1 (Debian's), a Debian package, a folder with boot and lib/modules, a kernel's build tree, or "
        "a bzImage with all it needs built in (6.12)",
    )
    parser.add_argument(
        "--smp", type=int, default=2, choices=range(1, SMP_MOST + 1), metavar="N", help=f"CPUs, up to {SMP_MOST} (2)"
    )
    parser.add_argument("--memory", type=_memory, default="1G", metavar="SIZE", help="RAM, such as 512M or 4G (1G)")
    parser.add_argument(
        "--share", type=Path, metavar="DIR", help=f"this folder is {SHARED} in the guest, for reading and writing"
    )
    parser.add_argument(
        *("--doorbells",),
        choices=["trapped", "shared"],
        default="trapped",
        help="as `python -m device --doorbells` (trapped)",
    )
    parser.add_argument(
        *("--posted",),
        choices=["on", "off"],
        default="on",
        help="off: the guest waits for each of its writes, and cannot be faster than the NIC (on)",
    )
    parser.add_argument(
        "--interrupts", choices=["msix", "msi", "intx"], default="msix", help="the best kind the NIC offers (msix)"
    )
    parser.add_argument("--junit", type=Path, metavar="FILE", help="with --run: what came of it, for a CI's reports")
    parser.add_argument(
        *("--allow-warnings",),
        action="store_true",
        help="with --run: exit code 0 though the guest's kernel said BUG or WARNING",
    )
    parser.add_argument("--capture", type=Path, metavar="FILE.pcap", help="record what the wire carries")
    parser.add_argument(
        *("--device-arg",),
        action="append",
        default=[],
        metavar="ARG",
        help="one more argument for `python -m device`; may be repeated",
    )
    parser.add_argument(
        "--qemu-arg", action="append", default=[], metavar="ARG", help="one more argument for QEMU; may be repeated"
    )
    parser.add_argument("--run", metavar="'COMMAND'", help="run it in the guest, in place of a shell")


def _check(asked: argparse.Namespace) -> None:
    """See that what was asked for can be, before anything is started.

    Raises:
        CiError: It cannot.
    """
    if asked.run is None and not sys.stdin.isatty():
        raise CiError("`vm` without --run is a shell: it wants a terminal", 2)
    for option, path in (("--capture", asked.capture), ("--junit", asked.junit)):
        if path:
            try:
                path.open("ab").close()
            except OSError as exc:
                raise CiError(f"{option} {path}: {exc.strerror}", 2) from exc
    if asked.share and not asked.share.is_dir():
        raise CiError(f"--share {asked.share}: no such folder", 2)
    if len(set(asked.vf)) < len(asked.vf):
        raise CiError(f"--vf {' --vf '.join(map(str, asked.vf))}: a guest can have each virtual function once", 2)
    if asked.vf and asked.driver == "ixgbe":
        raise CiError("--vf gives the guest virtual functions, which ixgbe does not drive: --driver ixgbevf", 2)
    if asked.run is None and (asked.junit or asked.allow_warnings):
        raise CiError("--junit and --allow-warnings go with --run", 2)


def nic_of(asked: argparse.Namespace) -> NicOptions:
    """Return how the guest's NIC is to be."""
    posted, more = asked.posted == "on", tuple(asked.device_arg)
    return NicOptions(doorbells=asked.doorbells, interrupts=asked.interrupts, posted=posted, more=more)


def main(asked: argparse.Namespace) -> int:
    """Start a guest, and run a command in it or give it to a person; returns the exit code."""
    _check(asked)
    nic = nic_of(asked)
    options = Options(
        driver=asked.driver or ("ixgbevf" if asked.vf else "ixgbe"),
        kernel=asked.kernel, smp=asked.smp, memory=asked.memory, nics=(nic,),
        qemu=(*(shared(asked.share) if asked.share else ()), *asked.qemu_arg),
    )  # fmt: skip
    machine.ensure((*machine.NETWORK, *guest.NEEDS))
    if not net.entered():
        guest.prepare([options.kernel], driver=options.driver)
    if not net.privileged():
        net.enter_user_namespace(asked.words)
    net.need_tun()
    with contextlib.ExitStack() as stack:
        start_s = time.monotonic()
        if asked.vf:
            card = stack.enter_context(SharedCard(stale.run_folder("vfs"), max(asked.vf) + 1, nic, pf=asked.pf))
            stop_in_order()
            card.start()
            iommu = options.driver != "ixgbevf"  # which never unmaps what it received; see qemu/README.md
            options = replace(options, others=tuple(card.of_guest(*asked.vf)), wire=card.wire, iommu=iommu)
        vm = stack.enter_context(Vm(options, console=asked.run is None))
        stack.callback(undisturbed)
        stop_in_order()
        vm.start()
        if asked.capture:
            stack.enter_context(captured(vm, asked.capture))
        interface = vm.bind()
        if asked.share:
            vm.run(f"mkdir -p {SHARED} && mount -t 9p -o {SHARE_MOUNT} {SHARE_TAG} {SHARED}")
        took_s = time.monotonic() - start_s
        say(f"Linux {vm.release} answered after {vm.boot_s:.1f} s; all is ready after {took_s:.1f} s")
        if asked.run is None:
            return _shell(vm, interface)
        job = vm.begin(asked.run, timeout_s=RUN_TIMEOUT_S, show=_show)
        code = job.wait(RUN_TIMEOUT_S).code
        for line in vm.complaints():
            say(line)
        bad = complaints.fatal(vm.messages)
    return _judged(asked, job, code, time.monotonic() - start_s, bad)


def _judged(asked: argparse.Namespace, job: Job, code: int, seconds: float, bad: Sequence[str]) -> int:
    """Return the exit code of a command in the guest, and write what is wanted of it."""
    code = code if code >= 0 else 128 - code
    if asked.junit:
        junit.write(asked.junit, asked.run, code, seconds, job.out, bad)
    if bad and not asked.allow_warnings:
        say(f"the guest's kernel said {bad[0]!r}: this is a failure (--allow-warnings: it is not)")
        return code or KERNEL_FAILED
    return code


def shared(folder: Path) -> tuple[str, ...]:
    """Return QEMU's options for a folder that the guest is to see."""
    path = str(folder.resolve()).replace(",", ",,")
    filesystem = f"local,id=share,path={path},security_model=none"
    return ("-fsdev", filesystem, "-device", f"virtio-9p-pci,fsdev=share,mount_tag={SHARE_TAG},addr=0x1b")


def _show(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


@contextlib.contextmanager
def captured(vm: Vm, path: Path) -> Iterator[None]:
    """Record what the wire carries while the block runs.

    Raises:
        CiError: tcpdump cannot; in its words.
    """
    words = ["tcpdump", "-i", WIRE_IF, "-U", "--immediate-mode", "-n", "-w", str(path.resolve())]
    process = vm.wire.popen(*child(words), stderr=subprocess.PIPE, group=OWN_GROUP)
    assert process.stderr is not None
    with process.stderr:
        said = []
        for line in process.stderr:
            if "listening on" in line:  # from here on nothing is missed
                break
            said.append(line.strip())
        else:
            process.wait()
            raise CiError(f"--capture {path}: {'; '.join(said) or f'tcpdump ended with {process.returncode}'}")
        try:
            yield
        finally:
            _let_catch_up(path)
            ended("capture", process)


def _let_catch_up(path: Path) -> None:
    """Wait until a file that somebody writes has stopped growing, within reason."""
    size = -1
    for _ in range(CATCH_UP_LOOKS):
        if path.exists() and size == (size := path.stat().st_size):
            return
        time.sleep(CATCH_UP_S)


def _shell(vm: Vm, interface: str) -> int:
    enter = f"nsenter --net={vm.wire.path}"
    print(
        f"""
guest  {interface or "no interface yet"}  {HOST4}  {HOST6}
wire   {WIRE_IF}  {WIRE4}  {WIRE6}   (in a namespace of its own on this machine)
try    ping {WIRE4}                        here, in the guest
       {enter} tcpdump -n -i {WIRE_IF}     in another terminal, as root
Ctrl-A X ends it, and so does `exit`.
""".replace("\n", "\r\n"),
        end="",
        flush=True,
    )
    vm.run("touch /run/shell")
    assert vm.qemu is not None
    vm.qemu.wait()
    return 0
