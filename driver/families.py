# SPDX-License-Identifier: BSD-3-Clause
"""Which families of chips there are, and which of them a function belongs to.  Nobody else names one."""

from device.regs.core import Register
from device.regs.names import find, written
from driver.core.family import Explanation, Family, Look, Nic, ProbeLog, Registrar, stranger
from driver.core.moderation import ItrSetting, parse_itr
from driver.core.sriov import advice
from driver.core.vector_options import VectorOptions
from driver.doors.config import Config
from driver.doors.door import Door
from driver.errors import DeviceGone, DriverError
from driver.ixgbe.family import FAMILY as IXGBE
from driver.ixgbevf.family import FAMILY as IXGBEVF

FAMILIES: tuple[Family, ...] = (IXGBE, IXGBEVF)
MTUS = range(min(family.mtus[0] for family in FAMILIES), max(family.mtus[-1] for family in FAMILIES) + 1)


def family_of(vendor: int, device: int) -> Family | None:
    """Return the family that drives a function, else the one that knows and refuses it; None if nobody does."""
    known = [family for family in FAMILIES if family.ids.has(vendor, device)]
    return next((family for family in known if (vendor, device) in family.ids.driven), known[0] if known else None)


def check_ids(name: str, vendor: int, device: int) -> Family:
    """Return the family that drives this function.

    Raises:
        ProbeError: EINVAL, it is a virtual function; ENODEV, nobody drives it.
    """
    family = family_of(vendor, device)
    if family is None:
        raise stranger(name, vendor, device, (known for family in FAMILIES for known in sorted(family.ids.driven)))
    family.ids.check(name, vendor, device)
    return family


def probe(
    door: Door,
    watch: ProbeLog | None = None,
    *,
    allow_unsupported_sfp: bool = False,
    queues: int | None = None,
    register: Registrar | None = None,
    vectors: VectorOptions | None = None,
) -> Nic:
    """Probe the function behind ``door``, whatever it is.

    The door belongs to the probe from now on: it is closed on failure, and by the NIC's ``close``.

    Args:
        door: The function.
        watch: Told of each step as it is done.
        allow_unsupported_sfp: Drive modules of vendors that the card does not list.
        queues: Ring pairs to take vectors for; one per CPU if not given.
        register: Makes the NIC's interface, late in the probe; what it returns removes it again, when a later step
            fails or the NIC is closed.
        vectors: How to share out interrupt vectors.

    Raises:
        ProbeError: The function cannot be driven.
        Busy: Another driver has it.
        DeviceGone: It does not answer.
        DriverError: The interface cannot be made.
    """
    return _family(door).probe(
        *(door, watch),
        allow_unsupported_sfp=allow_unsupported_sfp,
        queues=queues,
        register=register,
        vectors=vectors or VectorOptions(),
    )


def explain(
    door: Door,
    *,
    allow_unsupported_sfp: bool = False,
    queues: int | None = None,
    vectors: VectorOptions | None = None,
) -> Explanation:
    """Probe the function behind ``door`` and keep all that is done to it, and why.

    The door belongs to the probe from now on.  A probe that fails is explained too: ``failure`` says why.

    Raises:
        ProbeError: Nobody drives such a function.
        DeviceGone: It does not answer.
    """
    return _family(door, virtual=True).explain(
        door, allow_unsupported_sfp=allow_unsupported_sfp, queues=queues, vectors=vectors or VectorOptions()
    )


def look(door: Door) -> Look:
    """Look at the function behind ``door``, which nobody drives, and leave it as it is.

    The door belongs to the look from now on: it is closed on failure, and by its ``close``.

    Raises:
        ProbeError: Nobody knows such a function.
        Busy: A driver has it.
        DeviceGone: It does not answer.
    """
    return _family(door).look(door)


def _family(door: Door, *, virtual: bool = False) -> Family:
    try:
        vendor, device = _ids(door)
        if virtual and (family := family_of(vendor, device)):  # its probe refuses virtual functions, and says why
            return family
        return check_ids(door.name, vendor, device)
    except BaseException:
        door.close()
        raise


def _ids(door: Door) -> tuple[int, int]:
    try:
        vendor, device, _, _ = Config(door).ids()
    except DeviceGone as err:
        if why := advice(door.name):
            raise DeviceGone(f"{err}; VFs are not enabled: {why}") from err
        raise
    return vendor, device


def check_mtu(mtu: int) -> int:
    """Return an MTU that one family at least takes; what a NIC of another says is for it to say.

    Raises:
        DriverError: None does; the first one's reason.
    """
    if any(mtu in family.mtus for family in FAMILIES):
        return mtu
    return FAMILIES[0].check_mtu(mtu)


def check_itr(text: str) -> ItrSetting:
    """Return who shall set the intervals of vectors: ``auto``, ``dim``, ``adaptive``, or µs that one family takes.

    Raises:
        DriverError: It is none of them.
    """
    return parse_itr(text, max(family.itr_max_us for family in FAMILIES))


def _at(offset: str, family: Family) -> list[tuple[type[Register], int | None]]:
    try:
        return [find(offset, family.registers)]
    except ValueError:
        return []


def check_registers(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return registers by name (``RDT``, ``RDT[3]``), if one family at least has each of them and may dump it.

    Args:
        names: As people write them: in capitals or not, one of an array, byte offsets.

    Raises:
        DriverError: Names those that there are not, or that a dump leaves alone.
    """
    known = [register for family in FAMILIES for register in family.registers]
    dumped = {register.NAME for family in FAMILIES for register in family.dumped}
    wanted, unknown, effect = [], [], []
    for name in names:
        try:
            places = [find(name, known)]
        except ValueError as exc:
            unknown.append(str(exc) if "[" in name else name.upper())
            continue
        if name[:1].isdigit():  # families have different registers at one offset: each takes its own
            places = [place for family in FAMILIES for place in _at(name, family)]
        found = [written(register, n) for register, n in places if register.NAME in dumped]
        wanted += found
        if not found:
            effect.append(written(*places[0]))
    if unknown:
        raise DriverError(f"no register called {', '.join(unknown)}; `python -m device.regs list` has them all")
    if effect:
        raise DriverError(f"reading {', '.join(effect)} has an effect on the NIC, so a dump leaves it alone")
    return tuple(wanted)
