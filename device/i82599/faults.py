# SPDX-License-Identifier: BSD-3-Clause
"""The faults of this chip: the closed list of what can be broken on purpose, from any function's to its own parts'."""

from typing import Protocol

from device.i82599 import faults_chip, faults_module, faults_nvm
from device.i82599.faults_chip import HasChip
from device.i82599.faults_module import HasCage
from device.i82599.faults_nvm import HasNvm
from device.machine.common_faults import COMMON
from device.machine.faults import Fault
from device.machine.pci_faults import NAMED

NVM, MODULE = faults_nvm.PART, faults_module.PART


class CardTarget(HasNvm, HasCage, HasChip, Protocol):
    """What the faults of this chip reach."""


FAULTS: tuple[Fault[CardTarget], ...] = (
    *COMMON,
    *faults_nvm.FAULTS,
    *faults_module.FAULTS,
    *faults_chip.FAULTS,
    *NAMED,
)
