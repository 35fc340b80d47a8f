# SPDX-License-Identifier: BSD-3-Clause
"""QEMU, kernels and the guest's userland: Debian packages, unpacked once into the cache.

Everything is made by mmdebstrap from the mirror this machine's apt is configured for, kept in a folder named after a
hash of its recipe, and moved there in one step when it is whole.  Nothing is installed, and no package's script runs.
"""

import contextlib
import hashlib
import json
import os
import platform
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ci import archives, machine, own_kernel, pins
from ci.processes import child
from ci.say import ROOT, CiError, Timed, cache_dir, run, say, writable

RECIPES = ROOT / "qemu"
QEMU_LEAST = (10, 1)
KEEP_UNUSED_S = 14 * 86400
QEMU_DEVICE = "vfio-user-pci"
ANSWER_TIMEOUT_S = 60.0
KVM = Path("/dev/kvm")
KVM_TIMEOUT_S = 60.0
QEMU_PACKAGES = ("qemu-system-x86", "seabios", "ipxe-qemu")
USERLAND = "trixie"
# What our driver needs at run time, and pytest, for the guest's own Python; versions are those of ci/requirements.txt.
GUEST_PYTHON = (
    *("cffi", "click", "pyroute2", "rich", "markdown-it-py", "mdurl", "Pygments"),
    *("pytest", "pluggy", "iniconfig", "packaging", "pytest-timeout"),
)
# Of the modules in qemu/modules, those without which there is no guest, or nobody for the NIC.
GUEST_NEEDS = ("virtio_pci", "virtio_console", "9p", "9pnet_virtio", "overlay")
DRIVER_NEEDS = {
    "ixgbe": ("ixgbe",),
    "ixgbevf": ("ixgbevf",),
    "ours": ("vfio-pci", "vfio_iommu_type1", "tun"),
    "none": (),
}
ADVICE = {"ixgbe": ": it needs CONFIG_IXGBE=m, or somebody else to drive the NIC (--driver ours, --driver none)"}
KERNELS = {"6.12": "trixie", "6.1": "bookworm"}
NEEDS = (
    machine.KEYRING,
    machine.Need("mmdebstrap", "unpacks Debian packages into a folder", lambda: shutil.which("mmdebstrap") is not None),
    machine.Need("xz-utils", "kernel modules are packed with it", lambda: shutil.which("xz") is not None),
)


def lines(name: str) -> list[str]:
    """Return what a recipe file of qemu/ lists, without comments."""
    stripped = (line.partition("#")[0].strip() for line in (RECIPES / name).read_text(encoding="utf-8").splitlines())
    return [line for line in stripped if line]


def _made(name: str, recipe: Sequence[str], make: Callable[[Path], None]) -> Path:
    """Return the cache's folder for a recipe; make it first, under another name, if it is not there."""
    digest = hashlib.sha256("\0".join(recipe).encode()).hexdigest()[:12]
    target = cache_dir() / f"{name}-{digest}"
    if target.exists():
        with contextlib.suppress(OSError):  # somebody else's cache may be used too, and one that is read-only
            os.utime(target)
        return target
    writable(cache_dir(), name)
    machine.ensure(NEEDS)
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=cache_dir()) as folder, Timed(f"making {target.name}"):
        made = Path(folder) / "made"
        made.mkdir()
        make(made)
        made.chmod(0o755)
        try:
            made.rename(target)
        except OSError:
            if not target.exists():  # else somebody else was faster
                raise
    _forget(name)
    return target


def _forget(name: str) -> None:
    """Remove what was made of older recipes of the same name and has not been used for a while."""
    for path in cache_dir().glob(f"{name}-*"):
        if path.is_dir() and time.time() - path.stat().st_mtime > KEEP_UNUSED_S:
            say(f"{path} has not been used for {KEEP_UNUSED_S // 86400} days: removing it")
            shutil.rmtree(path, ignore_errors=True)


def unpack(suites: Sequence[str], packages: Iterable[str], target: Path) -> None:
    """Unpack Debian packages and all they depend on into ``target``; the last suite is preferred.

    Raises:
        CiError: No Debian mirror is known here, or mmdebstrap failed twice.
    """
    mirror = archives.debian()
    sources = [f"deb {archives.Archive(mirror, suite).line()}" for suite in suites]
    options = {"Acquire::Languages": "none", "Acquire::Retries": "3", "APT::Default-Release": suites[-1]}
    if os.geteuid() == 0:
        options["APT::Sandbox::User"] = "root"  # nothing here is to depend on what the user _apt may read
    command: list[str | Path] = ["mmdebstrap", "--variant=extract", "--architectures=amd64", "--format=dir"]
    command += [f"--mode={'root' if os.geteuid() == 0 else 'chrootless'}"]  # no package's script runs either way
    command += [f'--aptopt={key} "{value}"' for key, value in options.items()]
    command += [f"--include={','.join(packages)}"]
    try:
        run([*command, "", target, *sources], quiet=True, timeout_s=1800)
    except CiError as exc:
        said = [line for line in str(exc).splitlines() if line.startswith("E:")] or str(exc).splitlines()[:1]
        say(f"mmdebstrap failed ({said[0]}); trying again without the Release file's date")
        shutil.rmtree(target, ignore_errors=True)
        command += ['--aptopt=Acquire::Check-Valid-Until "false"', '--aptopt=Acquire::Check-Date "false"']
        try:
            run([*command, "", target, *sources], quiet=True, timeout_s=1800)
        except CiError as again:
            shutil.rmtree(target, ignore_errors=True)
            advice = f"see that apt on this machine can use {mirror} (/etc/apt, network), or name another archive in "
            advice += f"{archives.MIRROR_VARIABLE}, then try again"
            raise CiError(f"{again}\n{advice}", 3) from None


def by_loader(tree: Path, program: str, name: str = "") -> list[str]:
    """Return the command that runs a program of an unpacked tree here, with that tree's own libraries.

    Args:
        tree: An amd64 tree.
        program: Its path inside the tree.
        name: What it is to be called, if not by its file's name.
    """
    libraries = tree / "usr/lib/x86_64-linux-gnu"
    loader = next((path for path in (tree / "usr/lib64", tree / "lib64") if path.exists()), tree / "lib64")
    return [
        *(str(loader / "ld-linux-x86-64.so.2"), "--library-path", f"{libraries}:{libraries}/pulseaudio"),
        *("--argv0", name or Path(program).name, str(tree / program)),
    ]


@dataclass(frozen=True)
class Qemu:
    """A QEMU that has vfio-user-pci.

    Attributes:
        command: The program and the arguments every call of it needs.
        version: As it says itself.
        home: ``PATH``, or the cache's folder.
    """

    command: tuple[str, ...]
    version: str
    home: str


def _ask(*words: str) -> str:
    """Return what a QEMU prints about itself.

    Raises:
        CiError: It does not run here, or hangs.
    """
    try:
        done = subprocess.run(words, text=True, capture_output=True, check=False, timeout=ANSWER_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise CiError(f"does not answer within {ANSWER_TIMEOUT_S:.0f} s") from None
    except OSError as exc:
        raise CiError(f"does not run here ({exc.strerror})") from exc
    if done.returncode:
        raise CiError(f"does not run here (exit code {done.returncode}: {done.stderr.strip()[-200:]})")
    return done.stdout


def _new_enough(command: Sequence[str]) -> str:
    """Return the version of a QEMU that will do.

    Raises:
        CiError: It will not; the message goes on where its name ends.
    """
    found = re.search(r"version (\d+)\.(\d+)\.(\d+)", _ask(*command, "--version"))
    if not found:
        raise CiError("does not say its version")
    version = ".".join(found.groups())
    if tuple(map(int, found.groups())) < QEMU_LEAST:
        raise CiError(f"is {version}, older than {'.'.join(map(str, QEMU_LEAST))}")
    if f'"{QEMU_DEVICE}"' not in _ask(*command, "-device", "help"):
        raise CiError(f"was built without {QEMU_DEVICE}")
    return version


def qemu() -> Qemu:
    """Return a QEMU that is new enough: from PATH, or Debian's, unpacked into the cache.

    Raises:
        CiError: There is none here, and Debian's could not be had.
    """
    path = shutil.which("qemu-system-x86_64")
    if path:
        try:
            return Qemu((path,), _new_enough([path]), "PATH")
        except CiError as exc:
            say(f"{path} {exc}; using Debian's own QEMU from the cache")
    suites = (USERLAND, f"{USERLAND}-backports")
    tree = _made("qemu", [*suites, *QEMU_PACKAGES, "1"], lambda made: unpack(suites, QEMU_PACKAGES, made))
    share = tree / "usr/share"
    command = by_loader(tree, "usr/bin/qemu-system-x86_64")
    try:
        version = _new_enough(command)
    except CiError as exc:
        raise CiError(
            f"the QEMU in {tree} {exc}; if that was an accident, remove that folder and try again", 3
        ) from exc
    command += ["-L", str(share / "qemu"), "-L", str(share / "seabios")]
    return Qemu(tuple(command), version, str(tree))


class Cpio:
    """Writes a newc archive, as the kernel unpacks into its first root file system; everything belongs to root."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._number = 0

    def add(self, name: str, mode: int, data: bytes = b"") -> None:
        """Add one file, folder (``data`` empty) or symbolic link (``data`` its target)."""
        self._number += 1
        path = name.encode() + b"\0"
        fields = (self._number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + path
        self._stream.write(head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4))

    def tree(self, root: Path, prefix: str = "") -> None:
        """Add what a folder holds."""
        for path in sorted(root.rglob("*")):
            info = path.lstat()
            name = prefix + str(path.relative_to(root))
            if stat.S_ISLNK(info.st_mode):
                self.add(name, 0o120777, os.fsencode(path.readlink()))
            elif stat.S_ISDIR(info.st_mode):
                self.add(name, 0o040755)
            elif stat.S_ISREG(info.st_mode):
                self.add(name, 0o100000 | stat.S_IMODE(info.st_mode) & 0o755, path.read_bytes())

    def end(self) -> None:
        """Write the trailer."""
        self.add("TRAILER!!!", 0)


def _pinned() -> dict[str, str]:
    """Return the guest's packages with their version and hashes, as ci/requirements.txt has them."""
    found = pins.entries((ROOT / "ci" / "requirements.txt").read_text(encoding="utf-8"))
    if lacking := [name for name in GUEST_PYTHON if pins.plain(name) not in found]:
        raise CiError(f"ci/requirements.txt does not pin {', '.join(lacking)}")
    return {name: found[pins.plain(name)] for name in GUEST_PYTHON}


def _pins() -> list[str]:
    versions = {name: line.split()[0].partition("==")[2] for name, line in _pinned().items()}
    return sorted((f"{name}=={version}" for name, version in versions.items()), key=str.lower)


def _python_packages(tree: Path, target: Path) -> None:
    # Wheels for the guest's Python, whatever runs here.
    version = next(path.name for path in (tree / "usr/lib").glob("python3.*")).removeprefix("python")
    platforms = [f"--platform=manylinux{tag}_x86_64" for tag in ("2014", "_2_17", "_2_28")]
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--retries", "5"]
    pip += [
        "--no-deps",
        "--no-compile",
        "--only-binary=:all:",
        f"--python-version={version}",
        "--implementation=cp",
        *platforms,
    ]
    with tempfile.NamedTemporaryFile("w", prefix="ixlab-pins-", suffix=".txt") as wanted:
        wanted.write("\n".join(_pinned().values()) + "\n")
        wanted.flush()
        run([*pip, "--target", target, "--require-hashes", "-r", wanted.name], quiet=True)


def _userland(made: Path, packages: list[str]) -> None:
    tree = made / "tree"
    unpack([USERLAND], packages, tree)
    for name in ("bin", "sbin", "lib", "lib64"):  # Debian's merged /usr, which base-files would have brought
        (tree / "usr" / name).mkdir(exist_ok=True)
        if not (tree / name).exists():
            (tree / name).symlink_to(f"usr/{name}")
    for name in ("doc", "man", "locale", "info", "i18n", "bug", "lintian", "bash-completion", "zoneinfo", "perl5"):
        shutil.rmtree(tree / "usr/share" / name, ignore_errors=True)
    for name in ("var/lib/apt", "var/cache", "usr/include"):
        shutil.rmtree(tree / name, ignore_errors=True)
    for name in ("proc", "sys", "dev", "tmp", "run", "mnt", "root", "ixlab", "etc"):
        (tree / name).mkdir(exist_ok=True)
    (tree / "usr/bin/sh").unlink(missing_ok=True)
    (tree / "usr/bin/sh").symlink_to("bash")  # busybox would prefer its own applets to the programs beside it
    busybox = next(path for path in (tree / "usr/bin/busybox", tree / "bin/busybox") if path.exists())
    for applet in subprocess.run([busybox, "--list"], text=True, capture_output=True, check=True).stdout.split():
        if not any((tree / "usr" / folder / applet).exists() for folder in ("bin", "sbin")):
            (tree / "usr/bin" / applet).symlink_to("busybox")
    (tree / "etc/passwd").write_text(
        "root::0:0:root:/root:/bin/bash\ntcpdump:x:100:100::/tmp:/bin/false\n", encoding="utf-8"
    )
    (tree / "etc/group").write_text("root:x:0:\ntcpdump:x:100:\n", encoding="utf-8")
    _python_packages(tree, tree / "opt/python")
    python = by_loader(tree, "usr/bin/python3")
    env = {"PYTHONHOME": str(tree / "usr"), "PYTHONPATH": ""}
    # Without this every boot would compile what it imports, which under TCG takes longer than the boot.
    compiled = [tree / "opt/python", *(tree / "usr/lib").glob("python3.*")]
    run([*python, "-m", "compileall", "-q", "--invalidation-mode=unchecked-hash", "-s", tree, "-p", "/", *compiled],
        env=env, quiet=True)  # fmt: skip
    (tree / "init").write_bytes((RECIPES / "init").read_bytes())
    (tree / "init").chmod(0o755)
    with (made / "root.cpio").open("wb") as stream:
        archive = Cpio(stream)
        archive.tree(tree)
        archive.end()


def compile_checkout() -> None:
    """Compile the checkout for the guest's Python: it sees it read-only, and every program would do it again."""
    tree = userland() / "tree"
    words = [*by_loader(tree, "usr/bin/python3"), "-m", "compileall", "-q", "ci", "device", "driver"]
    run(words, env={"PYTHONHOME": str(tree / "usr"), "PYTHONPATH": ""}, quiet=True, check=False, cwd=ROOT)


def userland() -> Path:
    """Return the folder with the guest's userland: ``tree``, and ``root.cpio``."""
    packages = lines("packages")
    recipe = [USERLAND, *packages, *_pins(), (RECIPES / "init").read_text(encoding="utf-8"), "4"]
    return _made("guest", recipe, lambda made: _userland(made, packages))


@dataclass(frozen=True)
class Kernel:
    """A kernel and its modules.

    Attributes:
        release: As ``uname -r`` gives it in the guest.
        image: The bzImage.
        initrd: Userland and modules.
    """

    release: str
    image: Path
    initrd: Path


def _module_name(path: Path) -> str:
    return path.name.partition(".")[0].replace("-", "_")


def _module_bytes(path: Path) -> bytes:
    if path.suffix == ".ko":
        return path.read_bytes()
    program = {".xz": "xz", ".zst": "zstd", ".gz": "gzip"}.get(path.suffix)
    if program is None:
        raise CiError(f"{path.name} is packed in a way unknown here")
    return subprocess.run([program, "-dc", path], capture_output=True, check=True).stdout


def _pick_modules(source: Path, target: Path, wanted: list[str]) -> None:
    """Copy modules and what they depend on, unpacked; modules say that themselves in their .modinfo."""
    available = {_module_name(path): path for path in (source / "kernel").rglob("*.ko*")}
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        if (source / name).exists():
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / name, target / name)
    built_in = {
        _module_name(Path(line)) for line in (target / "modules.builtin").read_text(encoding="utf-8").splitlines()
    }
    todo, done = list(wanted), set[str]()
    while todo:
        word = todo.pop()
        name = word.removesuffix("?").strip().replace("-", "_")
        if name in done or name in built_in:
            continue
        done.add(name)
        if name not in available:
            if word.endswith("?"):
                continue
            raise CiError(f"this kernel ({source.name}) has no module {name}{ADVICE.get(name, '')}")
        data = _module_bytes(available[name])
        path = target / available[name].relative_to(source).with_name(f"{available[name].name.partition('.')[0]}.ko")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        found = re.search(rb"\0depends=([^\0]*)\0", data)
        todo += found[1].decode().split(",") if found and found[1] else []


def _kernel(made: Path, tree: Path, user: Path, wanted: list[str]) -> None:
    images = sorted(tree.glob("boot/vmlinuz-*"))
    if not images:
        raise CiError(f"{tree} holds no boot/vmlinuz-* (nor {own_kernel.IMAGE}, as a kernel's build tree would)")
    release = images[-1].name.removeprefix("vmlinuz-")
    source = next(
        (tree / p / release for p in ("usr/lib/modules", "lib/modules") if (tree / p / release).exists()), None
    )
    if source is None:
        raise CiError(f"{tree} holds no modules for {release}")
    shutil.copy(images[-1], made / "vmlinuz")
    modules = made / "modules"
    _pick_modules(source, modules / "usr/lib/modules" / release, wanted)
    (modules / "lib").symlink_to("usr/lib")  # depmod looks there; the guest has the same link
    run([*by_loader(user / "tree", "usr/bin/kmod", "depmod"), "-b", modules, release], quiet=True)
    (modules / "lib").unlink()
    with (made / "initrd").open("wb") as stream:
        with (user / "root.cpio").open("rb") as root:
            shutil.copyfileobj(root, stream, 1 << 20)
        archive = Cpio(stream)
        archive.tree(modules)
        archive.end()
    (made / "release").write_text(release, encoding="utf-8")


def _wanted(driver: str) -> list[str]:
    """Return the modules of a kernel of one's own: it must have those that the guest or the NIC's driver needs."""
    needed = {*GUEST_NEEDS, *DRIVER_NEEDS[driver]}
    return [name if name in needed else f"{name.removesuffix('?')}?" for name in lines("modules")]


def kernel(which: str = "6.12", *, driver: str = "ixgbe") -> Kernel:
    """Return a kernel ready to boot with the guest's userland.

    Args:
        which: ``6.12`` or ``6.1`` (Debian's), a Debian package file, a folder with ``boot`` and ``lib/modules``, a
            kernel's build tree, or a bzImage that has all it needs built in.
        driver: Who is to drive the NIC (``ixgbe``, ``ours``, ``none``): what such a kernel must have for it.

    Raises:
        CiError: There is no such kernel, or it has not what the driver needs.
    """
    user = userland()
    recipe = [user.name, *lines("modules"), "2"]
    if which in KERNELS:
        suite = KERNELS[which]

        def make(made: Path) -> None:
            tree = made / "packages"
            unpack([suite], ["linux-image-amd64"], tree)
            _kernel(made, tree, user, lines("modules"))
            shutil.rmtree(tree)

        folder = _made(f"kernel-{which}", [suite, *recipe], make)
    else:
        path = Path(which).resolve()
        if not path.exists():
            raise CiError(f"--kernel {which}: not {' or '.join(KERNELS)}, and no such file or folder", 2)
        images = [*path.glob("boot/vmlinuz-*"), *path.glob(str(own_kernel.IMAGE))]
        newest = max((image.stat().st_mtime_ns for image in images), default=0)
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else f"{path} {newest}"

        def make(made: Path) -> None:
            tree = made / "packages"
            if path.is_file() and own_kernel.is_image(path):
                own_kernel.stage_image(path, tree, lines("modules"))
            elif path.is_file():
                run(["dpkg-deb", "-x", path, tree], quiet=True)
            elif own_kernel.is_build_tree(path):
                own_kernel.stage_build(path, tree)
            else:
                tree = path
            _kernel(made, tree, user, _wanted(driver))
            if tree != path:
                shutil.rmtree(tree)

        folder = _made("kernel-own", [digest, driver, *recipe], make)
    return Kernel((folder / "release").read_text(encoding="utf-8"), folder / "vmlinuz", folder / "initrd")


def accelerator(program: Qemu, image: Kernel, *, timeout_s: float = KVM_TIMEOUT_S) -> str:
    """Return ``kvm`` if a real guest runs under it here, else ``tcg``; the answer is kept until this machine restarts.

    A /dev/kvm that opens is no proof: some nested set-ups accept a VM and then fail.
    """
    if not os.access(KVM, os.R_OK | os.W_OK):
        return "tcg"
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    about = json.dumps([boot_id(), platform.release(), cpu[1] if cpu else "", program.version])
    answer = cache_dir() / f"accelerator-{hashlib.sha256(about.encode()).hexdigest()[:12]}"
    if answer.exists():
        return answer.read_text(encoding="utf-8").strip()
    say(f"/dev/kvm is there: booting a small guest under it, up to {timeout_s:.0f} s, to see whether it works here …")
    command = [*program.command, "-M", "q35", "-accel", "kvm", "-cpu", "host", "-m", "1G", "-smp", "2", "-nodefaults"]
    command += ["-display", "none", "-no-reboot", "-serial", "stdio", "-kernel", str(image.image)]
    command += ["-initrd", str(image.initrd), "-append", "console=ttyS0 quiet panic=-1 ixlab.probe"]
    try:
        done = subprocess.run(
            child(command), text=True, capture_output=True, timeout=timeout_s, check=False, stdin=subprocess.DEVNULL
        )
        works = "guest runs" in done.stdout
    except subprocess.TimeoutExpired:
        works = False
    name = "kvm" if works else "tcg"
    say(f"/dev/kvm is there, and a guest {'runs' if works else 'does not run'} under it: using {name}")
    with contextlib.suppress(OSError):  # a read-only cache: the next one asks again
        answer.write_text(name, encoding="utf-8")
    return name


def boot_id() -> str:
    """Return what tells this machine, as it runs now, from every other; a host's name may be that of many."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return platform.node()


def prepare(kernels: Iterable[str] = KERNELS, *, driver: str = "ixgbe") -> None:
    """Make everything a boot needs, while there still is a network: the tests run in namespaces that have none."""
    qemu()
    for which in kernels:
        kernel(which, driver=driver)


def try_kvm() -> None:
    """Find out what guests run under; where KVM hangs this takes a minute, in which the machine has nothing to do."""
    accelerator(qemu(), kernel(next(iter(KERNELS))))
