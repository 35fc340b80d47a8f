# SPDX-License-Identifier: BSD-3-Clause
"""Addresses of stations."""

ADDRESS_BYTES = 6


def valid_station(address: bytes) -> bool:
    """Whether ``address`` can be a station's: six bytes, not all zero, not multicast."""
    return len(address) == ADDRESS_BYTES and any(address) and address[0] % 2 == 0


def show(address: bytes) -> str:
    """An address as people write it."""
    return address.hex(":")
