# SPDX-License-Identifier: BSD-3-Clause
"""Taking a running port down, past everything that fails, until its queues are known to do no DMA any more.

A write may be refused, a queue may not let go, a reset may not end.  Each costs its own step only; what counts in the
end is whether the memory under the rings can be given back.

Ref: ixgbe_down.
"""

from device.regs.i82599 import CTRL_EXT, DMATXCTL, EIMC, EIMC_EX, RXDCTL, TXDCTL
from driver.core.teardown import Teardown
from driver.errors import DeviceGone
from driver.ixgbe import config
from driver.ixgbe.port import Port

ALL = 0xFFFFFFFF


def hw_down(port: Port) -> Teardown:
    """Rx off, interrupts off, Tx off, reset, laser off."""
    bar, hw = port.bar, port.hw
    done = Teardown(port.door.name)
    attempt = done.attempt
    if port.vfs is not None:
        attempt("VFs", port.vfs.quiesce)
    attempt("receive off", hw.reset.disable_rx)
    for ring in port.rx_rings:
        attempt(f"Rx queue {ring.queue} off", config.disable_rx_queues, bar, [ring.reg_idx])
    attempt("interrupts off", bar.write, EIMC, ALL)
    for n in range(EIMC_EX.count):
        attempt("interrupts off", bar.write, EIMC_EX, ALL, n)
    attempt("flush", hw.flush)
    link: list[bool] = []
    attempt("link", lambda: link.append(hw.link.check().up))
    for ring in port.senders:
        attempt(f"Tx queue {ring.queue} off", lambda queue: config.disable_tx_queues(bar, [queue], wait=any(link)),
                ring.reg_idx)  # fmt: skip
    attempt("transmit off", lambda: bar.update(DMATXCTL, TE=0))
    attempt("statistics", hw.stats.update)  # the reset would lose what was counted since
    done.reset = attempt("reset", hw.reset.init_hw)
    attempt("address", lambda: hw.mac.set_default_filter(hw.mac.address))
    attempt("storage address", hw.mac.add_san_address)
    attempt("laser off", lambda: hw.link.set_laser(on=False))
    attempt("driver loaded no more", lambda: bar.update(CTRL_EXT, DRV_LOAD=0))
    done.silent = done.gone is not None or done.reset or not _running(port)
    return done


def _running(port: Port) -> bool:
    """Whether any queue of the port may still do DMA; one that cannot be asked may."""
    try:
        return any(port.bar.read(RXDCTL, ring.reg_idx).ENABLE for ring in port.rx_rings) or any(
            port.bar.read(TXDCTL, ring.reg_idx).ENABLE for ring in port.senders
        )
    except DeviceGone:
        return False
    except OSError:
        return True
