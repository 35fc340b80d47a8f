# SPDX-License-Identifier: BSD-3-Clause
"""Our own driver does nothing that the device tells those who port one (``device/i82599/porter.py``)."""

import logging

import pytest

from tests.rigs.pair import Wire, plain, rig

LOOK_US = 100_000


def test_the_device_has_nothing_to_tell_our_driver(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    wire = Wire()
    try:
        with rig(wire, queues=2, manual_clock=True) as up:
            up.send([plain(1)])
            wire.inject(plain(2))
            assert len(up.take_all()) == 1
            up.adapter.set_vlan_features(filtering=True, stripping=True)
            up.adapter.set_mtu(9000)
            up.restart()
            for _ in range(3):
                up.advance_us(LOOK_US)
                up.nic.poll()
            assert up.nic.report().rings[0][5] > 0, "descriptors that are the device's"
            before = [one.getMessage() for one in caplog.records if one.name == "device.machine.told"]
            up.adapter.set_rx_mode(promiscuous=True)
            after = [one.getMessage() for one in caplog.records if one.name == "device.machine.told"]
    finally:
        wire.close()
    assert before == []
    assert [line[:40] for line in after] == ["FCTRL <- 0x00002700 changes UPE=1 while "], "as Linux, and no warning"
    assert {one.levelno for one in caplog.records if one.name == "device.machine.told"} == {logging.INFO}
