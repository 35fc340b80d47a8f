# SPDX-License-Identifier: BSD-3-Clause
"""What can be asked of a running driver about its NIC's virtual functions: ``vf_table`` and ``vf_set``."""

from collections.abc import Callable
from typing import Any

from driver.core.family import Nic
from driver.core.sriov import HasVfs, VfAdmin
from driver.errors import DriverError

Handler = Callable[..., Any]


def vf_requests(nic: Nic) -> dict[str, Handler]:
    """Return the requests by name; each takes the words behind it."""

    def admin() -> VfAdmin:
        if not isinstance(nic, HasVfs) or nic.vfs is None:
            raise DriverError("this driver runs without VFs; `driver up NIC --vfs N` makes them")
        return nic.vfs

    def table() -> dict[str, Any]:
        return admin().table()

    def change(number: str, what: str, *words: str) -> dict[str, Any]:
        vfs = admin()
        if not number.isdecimal():
            raise DriverError(f"{number!r} is no VF: give its number, as `driver vf NIC` shows them")
        return vfs.change(int(number), what, words)

    return {"vf_table": table, "vf_set": change}
