# SPDX-License-Identifier: BSD-3-Clause
"""The one rule for every socket of the device, for those that are served by Python (see socket_rule.h)."""

from device.machine.core import lib

DEADLINE_S: float = lib.SOCKET_DEADLINE_MS / 1000  # for a message to come whole or to leave, and for a handshake
TURN_MESSAGES: int = lib.SOCKET_TURN_MESSAGES  # of one connection in one turn
AHEAD_BYTES: int = lib.SOCKET_AHEAD_BYTES  # read from one connection before it is obeyed
UNSENT_MAX_BYTES: int = lib.SOCKET_UNSENT_BYTES  # of answers that a client does not fetch
CALLERS_MAX: int = lib.SOCKET_CALLERS  # accepted in one turn
DEAF_S: float = lib.SOCKET_DEAF_MS / 1000  # without accept() after one failed for want of descriptors or memory
