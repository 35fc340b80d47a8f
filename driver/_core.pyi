# SPDX-License-Identifier: BSD-3-Clause
# Generated from the declarations in driver/csrc/build_core.py by `python3 -m ci stubs`.  Do not edit.
from typing import Any, Final, TypeAlias

Pointer: TypeAlias = Any  # a cffi pointer, array or struct; mypy cannot know which

ffi: Any

class _Lib:
    MMIO_PAGES: Final[int]
    RX_FRAME_BUFS: Final[int]
    RX_VLAN: Final[int]
    RX_CSUM_GOOD: Final[int]
    RX_L4_CSUM_BAD: Final[int]
    RING_EINVAL: Final[int]
    RING_EAGAIN: Final[int]
    VNET_HDR_BYTES: Final[int]
    NAPI_WEIGHT: Final[int]
    NAPI_TX_WEIGHT: Final[int]
    NAPI_IRQ: Final[int]
    NAPI_POLL: Final[int]
    NAPI_HYBRID: Final[int]
    NAPI_DECIDE: Final[int]
    NAPI_DECIDE_GAP_US: Final[int]
    NAPI_DECIDE_STALE_US: Final[int]
    SINK_NONE: Final[int]
    SINK_DROP: Final[int]
    SINK_NETDEV: Final[int]
    SINK_ECHO: Final[int]
    def mmio_read32(self, bar: Pointer, offset: int, /) -> int: ...
    def mmio_write32(self, bar: Pointer, offset: int, value: int, /) -> None: ...
    def vfu_client_open(self, c: Pointer, fd: int, timeout_ms: int, /) -> int: ...
    def vfu_client_close(self, c: Pointer, /) -> None: ...
    def vfu_client_free(self, c: Pointer, /) -> None: ...
    def vfu_client_read32(self, c: Pointer, offset: int, value: Pointer, /) -> int: ...
    def vfu_client_write32(self, c: Pointer, offset: int, value: int, /) -> int: ...
    def vfu_client_call(
        self,
        c: Pointer,
        command: int,
        body: Pointer,
        body_bytes: int,
        fds: Pointer,
        fd_count: int,
        reply: Pointer,
        reply_bytes: int,
        reply_fds: Pointer,
        reply_fd_max: int,
        /,
    ) -> int: ...
    def rx_harvest(self, ring: Pointer, out: Pointer, budget: int, /) -> int: ...
    def rx_refill(self, ring: Pointer, /) -> int: ...
    def tx_free(self, ring: Pointer, /) -> int: ...
    def tx_clean(self, ring: Pointer, budget: int, now_ns: int, /) -> int: ...
    def tx_post(self, ring: Pointer, frame: Pointer, len_bytes: int, off: Pointer, /) -> int: ...
    def tx_commit(self, ring: Pointer, len_bytes: int, off: Pointer, /) -> int: ...
    def tx_flush(self, ring: Pointer, /) -> None: ...
    def vnet_to_offload(
        self, vnet: Pointer, frame: Pointer, len_bytes: int, ip_max_bytes: int, off: Pointer, /
    ) -> int: ...
    def vnet_sum(self, ring: Pointer, buf: int, len_bytes: int, vnet: Pointer, /) -> None: ...
    def vnet_tso_seed(self, frame: Pointer, len_bytes: int, off: Pointer, /) -> None: ...
    def vnet_from_flags(self, flags: int, vnet: Pointer, /) -> None: ...
    def netdev_rx(self, ring: Pointer, tap_fd: int, budget: int, stats: Pointer, /) -> int: ...
    def netdev_tx(self, ring: Pointer, tap_fd: int, budget: int, stats: Pointer, /) -> int: ...
    def netns_socket(self, tap_fd: int, domain: int, type: int, protocol: int, /) -> int: ...
    def napi_poll(self, napi: Pointer, budget: int, now_ns: int, /) -> int: ...
    def napi_run(self, napi: Pointer, count: int, stop_fd: int, timeout_ns: int, /) -> int: ...
    def napi_now(self) -> int: ...
    def app_loop(
        self,
        rx: Pointer,
        tx: Pointer,
        header: Pointer,
        len_bytes: int,
        frames: int,
        batch: int,
        deadline_ns: int,
        out: Pointer,
        /,
    ) -> int: ...
    def app_read_ns(self, bar: Pointer, offset: int, times: int, /) -> int: ...
    def app_write_ns(self, bar: Pointer, offset: int, value: int, times: int, /) -> int: ...
    def app_irq_ns(
        self,
        bar: Pointer,
        offset: int,
        value: int,
        irq_fd: int,
        rearm_offset: int,
        rearm_value: int,
        out_ns: Pointer,
        times: int,
        pause_us: int,
        /,
    ) -> int: ...
    ixgbe_ring_ops: Pointer

lib: _Lib
