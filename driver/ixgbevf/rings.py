# SPDX-License-Identifier: BSD-3-Clause
"""A virtual function's rings: the chip's, with tails in its own windows.  Nothing stamps its frames."""

from device.regs.i82599.vf import VFRDT, VFTDT
from driver.i82599.rings import ring_model

RINGS = ring_model(VFRDT, VFTDT)
RX_BUF_BYTES = 2048
TX_BUF_BYTES = 2048
RING_DEFAULT = 512
