# SPDX-License-Identifier: BSD-3-Clause
"""The wire side of the device: where frames come from and go to.  Python opens and mends, C moves the frames."""

from device.ports.base import Port, PortBusyError
from device.ports.loopback import LoopbackPort
from device.ports.null import NullPort
from device.ports.pcap import PcapPort
from device.ports.peer import PeerPort
from device.ports.tap import TapPort

__all__ = ["LoopbackPort", "NullPort", "PcapPort", "PeerPort", "Port", "PortBusyError", "TapPort"]
