# SPDX-License-Identifier: BSD-3-Clause
# Generated from the declarations in device/csrc/build_vfu.py by `python3 -m ci stubs`.  Do not edit.
from typing import Any, Final, TypeAlias

Pointer: TypeAlias = Any  # a cffi pointer, array or struct; mypy cannot know which

ffi: Any

class _Lib:
    VDEV_REGIONS: Final[int]
    VDEV_CONFIG: Final[int]
    VDEV_READ: Final[int]
    VDEV_WRITE: Final[int]
    VDEV_MEM: Final[int]
    VDEV_ALWAYS_CB: Final[int]
    VDEV_AREAS_MAX: Final[int]
    VDEV_VECTORS: Final[int]
    VDEV_RESET_DEVICE: Final[int]
    VDEV_RESET_LOST: Final[int]
    VDEV_RESET_FLR: Final[int]
    VDEV_MSIX_BYTES: Final[int]
    VDEV_PBA: Final[int]
    def vdev_new(self) -> Pointer: ...
    def vdev_free(self, v: Pointer, /) -> None: ...
    def vdev_open(self, v: Pointer, path: Pointer, log_level: int, /) -> int: ...
    def vdev_add_region(
        self, v: Pointer, index: int, len_bytes: int, flags: int, areas: Pointer, n: int, fd: int, /
    ) -> int: ...
    def vdev_realize(self, v: Pointer, msi: int, msix: int, /) -> int: ...
    def vdev_run(self, v: Pointer, /) -> int: ...
    def vdev_drop(self, v: Pointer, /) -> None: ...
    def vdev_irq_send(self, v: Pointer, vector: int, /) -> int: ...
    def vdev_intx_level(self, v: Pointer, level: int, /) -> int: ...
    def vdev_dma_regions(self, v: Pointer, /) -> int: ...
    def vdev_reset_state(self, v: Pointer, /) -> None: ...
    def vdev_msix_access(self, v: Pointer, buf: Pointer, count: int, offset: int, is_write: int, /) -> int: ...
    def vdev_io_access(self, v: Pointer, buf: Pointer, count: int, offset: int, is_write: int, /) -> int: ...
    py_region: Pointer
    py_on_reset: Pointer
    py_on_client: Pointer
    py_on_irqs: Pointer
    py_on_log: Pointer

lib: _Lib
