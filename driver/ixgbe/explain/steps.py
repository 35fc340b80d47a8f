# SPDX-License-Identifier: BSD-3-Clause
"""What each step of the probe stands for: the kernel's function, the lines of the note, and the label on failure.

No sentences in here: those are in en.py, zh.py and ko.py.  Line numbers are those of the seed note ``ixgbe_probe.md``.

Ref: ixgbe_probe as printed in the note; the labels' bodies, which the note leaves out, in Linux 4.14.
"""

from dataclasses import dataclass

NOTE = "ixgbe_probe.md"
Lines = tuple[int, int]  # first and last


@dataclass(frozen=True, slots=True)
class Stands:
    """What a step stands for.

    Attributes:
        kernel: The kernel's functions.
        lines: The lines of the note; none for what only newer kernels do.
        label: Where ``ixgbe_probe`` would jump if this failed; "" where it returns at once, with nothing to undo.
        jump: The line of the note that jumps there.  0: the kernel does not look whether this failed, and ``label`` is
            where it would have to jump.
    """

    kernel: str
    lines: tuple[Lines, ...]
    label: str
    jump: int = 0


DMA, PCI_REG, ALLOC, IOREMAP, SW_INIT, REGISTER = (
    "err_dma", "err_pci_reg", "err_alloc_etherdev", "err_ioremap", "err_sw_init", "err_register",
)  # fmt: skip

LABELS: dict[str, int] = {DMA: 71, PCI_REG: 81, ALLOC: 102, IOREMAP: 120, SW_INIT: 149, REGISTER: 296}
"""Labels in the order in which the note prints jumps to them, with the line of the first one."""

UNDOES: dict[str, tuple[str, ...]] = {
    REGISTER: ("ixgbe_release_hw_control", "ixgbe_clear_interrupt_scheme"),
    SW_INIT: ("ixgbe_disable_sriov", "iounmap", "kfree(mac_table)"),
    IOREMAP: ("free_netdev",),
    ALLOC: ("pci_release_mem_regions",),
    PCI_REG: (),
    DMA: ("pci_disable_device",),
}
"""What the kernel undoes at each label; it falls through to the next one, from the last label up to the first."""

OURS: dict[str, str] = {
    "netdev": REGISTER,
    "interrupts": REGISTER,
    "registers": SW_INIT,
    "bus master": DMA,
    "error reporting": ALLOC,
    "claim": ALLOC,
    "memory enable": DMA,
}
"""At which label the kernel undoes what the driver here calls so; the door to the function it does not have."""

STANDS: dict[str, Stands] = {
    "refuse_vf": Stands("pdev->is_virtfn", ((50, 57),), ""),
    "enable_device_mem": Stands("pci_enable_device_mem", ((60, 62),), ""),
    "set_dma_mask": Stands("dma_set_mask_and_coherent", ((64, 74),), DMA, 71),
    "request_mem_regions": Stands("pci_request_mem_regions", ((77, 82),), PCI_REG, 81),
    "enable_error_reporting": Stands("pci_enable_pcie_error_reporting", ((84, 84),), ALLOC),
    "set_master": Stands("pci_set_master", ((86, 86),), ALLOC),
    "save_state": Stands("pci_save_state", ((87, 87),), ALLOC),
    "ioremap": Stands("alloc_etherdev_mq, netdev_priv, ioremap", ((97, 121), (338, 362)), IOREMAP, 120),
    "setup_hw_api": Stands("ii->mac_ops, ii->eeprom_ops, ii->link_ops", ((123, 133),), IOREMAP),
    "select_eeprom": Stands("IXGBE_READ_REG(hw, IXGBE_EEC(hw))", ((135, 144),), IOREMAP, 140),
    "sw_init": Stands("ixgbe_sw_init", ((146, 149), (371, 378)), SW_INIT, 149),
    "init_swfw_sync": Stands("mac.ops.init_swfw_sync", ((151, 153),), SW_INIT),
    "clear_wake_status": Stands("IXGBE_WRITE_REG(hw, IXGBE_WUS, ~0)", ((155, 155),), SW_INIT),
    "reset_hw": Stands("ixgbe_reset_hw_82599", ((157, 173),), SW_INIT, 172),
    "check_fw_error": Stands("ixgbe_check_fw_error", (), SW_INIT),
    "validate_eeprom": Stands("eeprom.ops.validate_checksum", ((187, 192),), SW_INIT, 191),
    "get_mac_address": Stands("eth_platform_get_mac_address, is_valid_ether_addr", ((194, 203),), SW_INIT, 202),
    "mac_set_default_filter": Stands("ixgbe_mac_set_default_filter", ((205, 207),), SW_INIT),
    "init_service_task": Stands("timer_setup, INIT_WORK", ((209, 217),), SW_INIT, 213),
    "init_interrupt_scheme": Stands(
        "ixgbe_init_interrupt_scheme", ((219, 222), (387, 396), (402, 450), (479, 528)), SW_INIT, 222
    ),
    "check_wol": Stands("ixgbe_wol_supported, device_set_wakeup_enable", ((230, 238),), REGISTER),
    "read_versions": Stands("eeprom.ops.read(0x2e), (0x2d)", ((240, 242),), REGISTER),
    "get_bus_info": Stands("mac.ops.get_bus_info", ((244, 248),), REGISTER),
    "check_minimum_link": Stands("ixgbe_check_minimum_link", ((250, 266),), REGISTER),
    "read_pba": Stands("ixgbe_read_pba_string_generic", ((268, 279),), REGISTER),
    "start_hw": Stands("ixgbe_start_hw_82599", ((281, 291),), REGISTER),
    "register_netdev": Stands("register_netdev", ((292, 296),), REGISTER, 296),
    "disable_tx_laser": Stands("mac.ops.disable_tx_laser, netif_carrier_off", ((299, 304),), REGISTER),
    "set_fw_drv_ver": Stands("mac.ops.set_fw_drv_ver", ((316, 322),), REGISTER),
    "add_san_mac": Stands("ixgbe_add_sanmac_netdev", ((324, 325),), REGISTER),
    "setup_link": Stands("mac.ops.setup_link", (), REGISTER),
}
"""By the step's name in ``driver.ixgbe.probe.STEPS``."""

NOT_STEPS: dict[Lines, str] = {
    (89, 96): "82598",
    (175, 186): "sriov",
    (224, 229): "u64_stats",
    (306, 311): "dca",
    (312, 315): "vfs",
    (327, 327): "description",
}
"""Lines of ``ixgbe_probe`` that no step here does; the languages say why, by these names."""


def falls_through(label: str) -> list[str]:
    """The labels that the kernel passes from ``label`` on, in the order in which it does."""
    names = list(LABELS)
    return names[: names.index(label) + 1][::-1] if label else []


def written(lines: tuple[Lines, ...]) -> str:
    """Lines as people write them: ``146-149, 371-378``."""
    return ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in lines)
