# SPDX-License-Identifier: BSD-3-Clause
from typing import Any

ffi: Any

class _Lib:
    VDEV_READ: int
    VDEV_WRITE: int
    VDEV_MEM: int
    VDEV_ALWAYS_CB: int
    VDEV_CONFIG: int
    VDEV_REGIONS: int
    VDEV_AREAS_MAX: int
    VDEV_VECTORS: int
    VDEV_MSIX_BYTES: int
    VDEV_PBA: int
    VDEV_IRQ_NONE: int
    VDEV_IRQ_INTX: int
    VDEV_IRQ_MSI: int
    VDEV_IRQ_MSIX: int
    VDEV_RESET_DEVICE: int
    VDEV_RESET_LOST: int
    VDEV_RESET_FLR: int
    def vdev_free(self, v: object) -> None: ...
    def vdev_open(self, v: object, path: bytes, log_level: int) -> int: ...
    def vdev_add_region(
        self, v: object, index: int, len_bytes: int, flags: int, areas: object, n: int, fd: int
    ) -> int: ...
    def vdev_realize(self, v: object, msi: int, msix: int) -> int: ...
    def vdev_run(self, v: object) -> int: ...
    def vdev_drop(self, v: object) -> None: ...
    def vdev_irq_send(self, v: object, vector: int) -> int: ...
    def vdev_intx_level(self, v: object, level: int) -> int: ...
    def vdev_dma_regions(self, v: object) -> int: ...
    def vdev_reset_state(self, v: object) -> None: ...
    vdev_new: Any  # a cffi pointer has no type mypy could know
    vdev_msix_access: Any
    vdev_io_access: Any
    py_region: Any
    py_on_reset: Any
    py_on_client: Any
    py_on_irqs: Any
    py_on_log: Any

lib: _Lib
