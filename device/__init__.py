# SPDX-License-Identifier: BSD-3-Clause
"""An 82599 as a program: `python -m device`.  Imports nothing: `device.regs` must bring nothing else along."""
