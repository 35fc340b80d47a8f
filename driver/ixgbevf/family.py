# SPDX-License-Identifier: BSD-3-Clause
"""This family as the rest of the driver sees it."""

from device.regs.i82599.vf import ALL
from driver.core.family import Explanation, Family, ProbeLog, Registrar
from driver.core.vector_options import VectorOptions
from driver.doors.door import Door
from driver.errors import DriverError
from driver.ixgbevf.adapter import VfAdapter
from driver.ixgbevf.figures import DUMPED
from driver.ixgbevf.interrupts import ITR_MAX_US
from driver.ixgbevf.look import VfLook
from driver.ixgbevf.port import MTUS, check_mtu
from driver.ixgbevf.probe import IDS, VfOptions, probe


def _probe(
    door: Door,
    watch: ProbeLog | None,
    *,
    allow_unsupported_sfp: bool,
    queues: int | None,
    register: Registrar | None,
    vectors: VectorOptions,
) -> VfAdapter:
    """A virtual function has no module, so nothing is said of one."""
    return probe(door, VfOptions(queues=queues, register=register, vectors=vectors), watch)


def _explain(door: Door, *, allow_unsupported_sfp: bool, queues: int | None, vectors: VectorOptions) -> Explanation:
    door.close()
    raise DriverError(
        f"{door.name} is a virtual function: what is explained and traced is the probe of a port; "
        "leave --explain and --trace out"
    )


FAMILY = Family(
    name="ixgbevf",
    ids=IDS,
    probe=_probe,
    explain=_explain,
    look=VfLook,
    mtus=MTUS,
    itr_max_us=ITR_MAX_US,
    check_mtu=check_mtu,
    registers=ALL,
    dumped=DUMPED,
)
