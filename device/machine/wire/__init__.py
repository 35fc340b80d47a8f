# SPDX-License-Identifier: BSD-3-Clause
"""The wire side of the device: where frames come from and go to.  Python opens and mends, C moves the frames.

The ports that others of our files name are imported here; one that is only asked for by ``--wire`` need not be.
"""

from device.machine.wire.base import Port, PortBusyError
from device.machine.wire.loopback import LoopbackPort
from device.machine.wire.null import NullPort
from device.machine.wire.pcap import PcapPort
from device.machine.wire.peer import PeerPort
from device.machine.wire.tap import TapPort

__all__ = ["LoopbackPort", "NullPort", "PcapPort", "PeerPort", "Port", "PortBusyError", "TapPort"]
