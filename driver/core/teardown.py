# SPDX-License-Identifier: BSD-3-Clause
"""Taking a running function down, past everything that fails: each failure costs its own step only."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from driver.errors import DeviceGone, DriverError

log = logging.getLogger(__name__)


@dataclass
class Teardown:
    """How it went.

    Attributes:
        name: The door.
        failed: What failed, by step.
        gone: The device stopped answering; nothing was tried after that.
        reset: The port was reset.
        silent: No queue does DMA any more.
    """

    name: str
    failed: dict[str, Exception] = field(default_factory=dict)
    gone: DeviceGone | None = None
    reset: bool = False
    silent: bool = False

    def attempt(self, what: str, action: Callable[..., object], *args: Any) -> bool:
        """Do one step; True if it was done.  What fails is logged, and the next step is none the worse."""
        if self.gone is not None:
            return False
        try:
            action(*args)
        except DeviceGone as err:
            self.gone = err
            log.info("%s: going down: %s: %s", self.name, what, err)
        except (DriverError, OSError) as err:
            self.failed[what] = err
            log.warning("%s: going down: %s: %s; going on", self.name, what, err)
        else:
            return True
        return False

    def check(self) -> None:
        """See that the port may be set up again.

        Raises:
            DeviceGone: It does not answer.
            DriverError: It was not reset.
            OSError: Likewise.
        """
        if self.gone is not None:
            raise self.gone
        if not self.reset:
            raise next(iter(self.failed.values()))
