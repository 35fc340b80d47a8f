# SPDX-License-Identifier: BSD-3-Clause
"""This family as the rest of the driver sees it."""

from device.regs.i82599 import ALL
from driver.core.family import Explanation, Family, ProbeLog, Registrar
from driver.core.vector_options import VectorOptions
from driver.doors.door import Door
from driver.ixgbe.adapter import Adapter
from driver.ixgbe.figures import DUMPED
from driver.ixgbe.hw.info import IDS
from driver.ixgbe.look import IxgbeLook
from driver.ixgbe.probe import ProbeOptions, probe
from driver.ixgbe.sw_init import MTUS, check_mtu
from driver.ixgbe.vector_registers import ITR_MAX_US


def _probe(
    door: Door,
    watch: ProbeLog | None,
    *,
    allow_unsupported_sfp: bool,
    queues: int | None,
    register: Registrar | None,
    vectors: VectorOptions,
) -> Adapter:
    options = ProbeOptions(
        allow_unsupported_sfp=allow_unsupported_sfp, queues=queues, register=register, vectors=vectors
    )
    return probe(door, options, watch)


def _explain(door: Door, *, allow_unsupported_sfp: bool, queues: int | None, vectors: VectorOptions) -> Explanation:
    from driver.ixgbe.explain import explain  # not on top: one command needs it, and its sentences are long

    return explain(door, ProbeOptions(allow_unsupported_sfp=allow_unsupported_sfp, queues=queues, vectors=vectors))


FAMILY = Family(
    name="ixgbe",
    ids=IDS,
    probe=_probe,
    explain=_explain,
    look=IxgbeLook,
    mtus=MTUS,
    itr_max_us=ITR_MAX_US,
    check_mtu=check_mtu,
    registers=ALL,
    dumped=DUMPED,
)
