# SPDX-License-Identifier: BSD-3-Clause
"""What an explained probe says, in English.  zh.py and ko.py have the same keys."""

HEAD: dict[str, str] = {
    "title": "{nic}: the probe, step by step",
    "intro": (
        "For each step: the kernel's function, the lines of the note, what was found, why it is done, and what this "
        "probe read and wrote just now. Fields that are 0 are left out."
    ),
    "kernel": "kernel",
    "note": "note",
    "newer": "not in the note: newer kernels only",
    "found": "found",
    "why": "why",
    "touched": "touched",
    "nothing": "no register",
    "failing": "failing",
    "to_undo": "to undo",
    "asked": "line {line}",
    "read": "read",
    "wrote": "wrote",
    "each": "each",
    "times": "{count} times",
    "aside": " ({text})",
    "comma": ", ",
    "all_ones": "all ones",
    "walk": "capability list walked: {count} reads",
    "counters": "{count} counters, {values}",
    "failed": "{step} failed with {errno}: {message}",
    "jumps": "The kernel would jump to {label}, as in line {line} of the note.",
    "would": "The kernel does not look whether this fails; if it did, it would have to jump to {label}.",
    "returns": "The kernel returns at once, without a label: there is nothing to undo yet.",
    "falls": "From there it falls through, and undoes:",
    "undone": "Undone here, in this order:",
    "not_undone": "could not be undone: {why}",
    "not_reached": "Not reached: {steps}",
    "at": "the kernel: at {label}",
    "vectors": "Which vector serves which rings, and on which CPU",
    "vector": "vector",
    "entry": "reg_idx",
    "rx": "Rx rings",
    "tx": "Tx rings",
    "xdp": "XDP rings",
    "cpu": "CPU",
    "any": "any",
    "other": "all else",
    "one_irq": "One {kind} interrupt tells everything.",
    "skipped": "Lines of ixgbe_probe that no step does",
    "sequence": "The steps in their order",
    "memory": "netdev and adapter",
    "memory_why": (
        "The kernel makes both in one piece; here they are objects that know each other. Each arrow is an attribute of "
        "this probe's objects, and bears its name."
    ),
    "rings": "q_vectors and their rings",
    "glossary": "What the fields mean",
    "field": "field",
    "bits": "bits",
    "meaning": "meaning",
    "accesses": "{count} accesses",
    "more": "Every register has a page: python -m device.regs show NAME",
}

WHY: dict[str, str] = {
    "refuse_vf": (
        "A broken card may give its virtual functions a port's device id. A VF has no EEPROM and no MAC of its own, so "
        "it is refused before anything is touched."
    ),
    "enable_device_mem": (
        "Until COMMAND.MEMORY is set, the function does not answer in its memory windows: every register would read "
        "all ones."
    ),
    "set_dma_mask": (
        "The NIC writes frames into memory by itself, so both sides must agree how far its addresses reach. 64 bits "
        "are tried first; with 32 all buffers must lie below 4 GiB."
    ),
    "request_mem_regions": (
        "Two drivers on one card would destroy each other's rings. The claim says who has it, and comes before the "
        "first register."
    ),
    "enable_error_reporting": "From now on the function tells the root port about errors on PCI Express.",
    "set_master": "COMMAND.BUS_MASTER allows DMA, and MSI-X messages too: those are memory writes.",
    "save_state": (
        "A reset of the function, or sleep, clears configuration space: BARs, MSI-X, this very enable bit. The copy is "
        "what resume puts back."
    ),
    "ioremap": (
        "The registers are memory behind BAR 0; mapped, a read is a load and a write is a store. The kernel makes "
        "net_device and adapter first, to have a place for the pointer."
    ),
    "setup_hw_api": (
        "One driver serves several generations of the MAC. The device id chooses the functions once, and nobody asks "
        "again which chip it is."
    ),
    "select_eeprom": (
        "EEC.PRES, bit 8, says that the chip found a valid image. Then EERD reads a word per command; without it the "
        "driver moves clock and data pins itself, bit by bit."
    ),
    "sw_init": (
        "What can be known without touching the hardware: at most 16 RSS queues, no more queues than CPUs, 128 receive "
        "addresses."
    ),
    "init_swfw_sync": (
        "Later chips start the semaphore afresh here. This chip's is shared with the other port, whose driver may hold "
        "it, so it is left alone."
    ),
    "clear_wake_status": (
        "WUS keeps what woke the system; writing ones clears it, so that the next wake is told apart."
    ),
    "reset_hw": (
        "Somebody was here before: firmware, a boot ROM, another driver. Receive, interrupts and queues are stopped, "
        "DMA is seen to end, the module is identified, then the reset bit; afterwards RAR 0 holds the EEPROM's MAC."
    ),
    "check_fw_error": (
        "FWSM says whether the card's firmware is alive and what it complains about. It is a warning: the port may "
        "still work."
    ),
    "validate_eeprom": (
        "All words together must give 0xBABA. An image with one wrong bit could set a wrong MAC or module table, so "
        "this is the end."
    ),
    "get_mac_address": (
        "The reset loaded the address from the EEPROM into RAR 0, and reset_hw read it. All zeros or a multicast "
        "address belong to no station."
    ),
    "mac_set_default_filter": (
        "The receive filter takes frames to our own address, for pool 0, which is the port itself."
    ),
    "init_service_task": (
        "Link changes, statistics and hang checks need time and may wait, which an interrupt handler must not. They "
        "become a task, which does nothing until the port is up."
    ),
    "init_interrupt_scheme": (
        "As many vectors as there are ring pairs, and one for everything else; MSI-X first, then MSI, then INTx. Then "
        "the rings are dealt out to the vectors."
    ),
    "check_wol": (
        "Only some boards have the power wiring for wake on LAN. The subsystem id says which, and on some only the "
        "first port."
    ),
    "read_versions": "What ethtool -i shows as firmware-version: the maker's, or the image's eTrack id.",
    "get_bus_info": "Speed and width of the slot are reported, and compared in the next step.",
    "check_minimum_link": (
        "10 Gbit/s do not fit through a narrow slot. It works all the same, so it is only a warning."
    ),
    "read_pba": "The part number on the board's label, for people who have to order another one.",
    "start_hw": (
        "After a reset the VLAN and pool filters and the rate limiters hold anything, and the counters count from "
        "before. All are brought to a known state."
    ),
    "register_netdev": (
        "From here on the system sees an interface. It comes last among what can fail, for the system may use it at "
        "once."
    ),
    "disable_tx_laser": (
        "Nobody may send yet, so the far end should see no light. SDP3 of ESDP is wired to the module's TX_DISABLE."
    ),
    "set_fw_drv_ver": (
        "Firmware that shares the port wants to know that a driver is here. Without such firmware HICR.EN stays 0, and "
        "that is as good."
    ),
    "add_san_mac": "Some cards have a second address for storage traffic; it gets a receive filter of its own.",
    "setup_link": "If firmware talks over this port it needs the link before the interface is up.",
}

LABELS: dict[str, str] = {
    "err_register": "give the interrupts back",
    "err_sw_init": "take the VFs away, unmap the registers, free the tables",
    "err_ioremap": "free net_device, and the adapter with it",
    "err_alloc_etherdev": "release the memory regions",
    "err_pci_reg": "nothing of its own",
    "err_dma": "disable the device",
}

NOT_STEPS: dict[str, str] = {
    "82598": "For the 82598 only; the 82599 has 64 Tx queues for software.",
    "sriov": "The probe makes no VFs, as with max_vfs=0; VFs are made later, on a port that runs.",
    "u64_stats": (
        "A 32-bit CPU reads a 64-bit counter in two halves, and needs a lock for it. Here counters are 64 bits."
    ),
    "dca": "Needs a chipset that offers direct cache access; there is none, and neither driver touches a register.",
    "vfs": "Only with VFs that the probe itself made.",
    "description": "One line for the log.",
}

ANSWERS: dict[str, str] = {
    "dac": (
        "DAC here is Dual Address Cycle: PCI sends an address above 4 GiB in two cycles. It is about the device, not "
        "the system: pci_using_dac=1 says that this card may be given DMA addresses of 64 bits. It has nothing to do "
        "with digital-to-analogue converters."
    ),
    "memory": (
        "Yes. alloc_netdev_mqs asks for sizeof(struct net_device), rounded up to 32 bytes, plus sizeof(struct "
        "ixgbe_adapter). netdev_priv adds the rounded size to the netdev's address, so it needs no pointer."
    ),
    "eec": (
        "Bit 8 is EEC.PRES: the chip found a valid image and loaded itself from it. If it is 0 the read engine behind "
        "EERD cannot be trusted, and the driver moves the SPI pins (EEC.SK, CS, DI, DO) by hand."
    ),
    "max_vfs": (
        "A module parameter, 0 unless somebody set it: the probe makes no virtual functions. The usual way is later: "
        "echo 4 > /sys/class/net/eth0/device/sriov_numvfs. 63 is the limit, since one pool stays with the port."
    ),
    "work": (
        "A work_struct: a function for a kernel thread to run later. The timer (every 2 s) and the link interrupt only "
        "put it into the queue, for they must not sleep; ixgbe_service_task may. Here it is the service loop."
    ),
    "wol": (
        "The card stays on standby power and wakes the system when a magic packet comes: WUFC.MAG. Only boards that "
        "the subsystem id names have it; check_wol says whether this one does."
    ),
    "ports": (
        "It counts the functions of the card, one per port. Each port can use 10 Gbit/s, so two ports want 20 from the "
        "slot that they share."
    ),
    "dca": (
        "The NIC marked its DMA writes so that the chipset put them into the cache of the CPU that polls. Newer CPUs "
        "do it for every DMA write (DDIO) and offer no provider, so the step ends there."
    ),
    "rss": (
        "It is the limit of RING_F_RSS: min(16, online CPUs), since an entry of RETA has four bits. The number of "
        "queues, and from that the number of vectors, follows from it."
    ),
    "enough": (
        "Only with as many vectors as all Rx, Tx and XDP rings together does each Rx ring get one for itself; the Tx "
        "rings share those that are left. Usually there are as many vectors as ring pairs, and this loop is skipped."
    ),
    "round_up": (
        "It is rounded up, not the remainder: ring pairs left / vectors left. 5 rings on 3 vectors are 2, 2 and 1: the "
        "first vectors take more, and nothing is left over."
    ),
    "own_vector": (
        "A vector has one EITR, one NAPI context and one CPU. If a ring has its own, its interrupts are moderated for "
        "its own load, and no other ring waits in its poll."
    ),
    "fewer": (
        "Nothing is lost, rings share: vector v of n serves rings v, v+n, v+2n …, and its poll walks all of them. With "
        "fewer than two MSI-X vectors there is one ring pair on MSI or INTx."
    ),
    "v_count": (
        "v_count is the number of vectors. Rings are dealt out like cards, so the next ring of this vector is v_count "
        "further on, and neighbours sit on different CPUs."
    ),
    "defaults": (
        "50 µs, which is 20,000 interrupts a second, and ITR_DYNAMIC for both directions: where DIM starts. From then "
        "on it moves between five profiles by what a vector carries."
    ),
    "reg_idx": (
        "The row of the MSI-X table, and so the index n in the vector's registers (EITR[n], the number written into "
        "IVAR). v_idx counts within the VSI. They differ as soon as another VSI took vectors before, and for a VF: "
        "first_vector_idx + v_idx + 1."
    ),
    "online": (
        "Vector v prefers CPU v. If that CPU is offline the mask stays empty, which means any CPU, and the system "
        "decides. It is a wish: irqbalance or /proc/irq may move it."
    ),
    "napi": (
        "At load the VSI is set up before there is a netdev, and ice_napi_add in the later load adds all of them. "
        "After a reset or a resume the netdev is there, and each vector gets its NAPI context at once, here."
    ),
    "inside": (
        "Almost: it holds the heads of two lists, rx and tx; the rings belong to the VSI. ice gives each vector a run "
        "of neighbours, rounded up, and puts each ring at the head, so a list runs from the highest ring down. With "
        "fewer vectors than rings the lists are longer; a vector without rings gets no interrupt."
    ),
    "exists": (
        "It is a guard, not a skip: ice_vsi_alloc_q_vectors returns -EEXIST if q_vectors[0] is set, and changes "
        "nothing. Going on would leak the old ones."
    ),
    "vf": (
        "A VF's vectors are the guest's: the guest's own driver arms them in its own MSI-X table. The PF only needs to "
        "know the numbers, to map queues: reg_idx = first_vector_idx + v_idx + 1, since vector 0 is the mailbox."
    ),
    "dynamic": (
        "Vectors below num_static were enabled at once at probe. One above is armed when it is wanted and freed after, "
        "while the others run (pci_msix_alloc_irq_at). It needs room in the table and an interrupt domain that can."
    ),
    "flexible": (
        "Yes, in three ways. MSI has at most 32 vectors with numbers in a row, MSI-X up to 2048; each row of its table "
        "has an address and data of its own, so each can go to another CPU; and each row can be masked alone."
    ),
    "own_irq": (
        "Yes. The queue is mapped to a vector (IVAR), the vector is a row of the MSI-X table, and the address in that "
        "row names the CPU. What the CPU then does for that queue is its NAPI poll."
    ),
    "smp_affinity": (
        "The mask in /proc/irq/N/smp_affinity makes the kernel rewrite address and data of that row. One Rx queue, one "
        "vector, one CPU: its cache keeps the ring, and RSS decides which flow goes there."
    ),
    "idt": (
        "Those are two tables. 0 to 255 is the x86 CPU's interrupt descriptor table, one per CPU. A row of the MSI-X "
        "table is in the NIC; its message says which CPU and which of that CPU's numbers."
    ),
    "budget": (
        "ice_napi_poll cleans every Tx ring first, which the budget does not count. The budget, 64, is divided among "
        "the vector's Rx rings: three get 21 each. Was one not emptied, it returns the budget and is polled again; "
        "else the interrupt is armed."
    ),
}
