# SPDX-License-Identifier: BSD-3-Clause
"""What an explained probe says, in Chinese (simplified).  The keys are those of en.py."""

HEAD: dict[str, str] = {
    "title": "{nic}：逐步讲解 probe",
    "intro": (
        "每一步列出：对应的内核函数、笔记中的行号、得到的结果、为什么要这样做，以及这次 probe 刚刚读写的寄存器。值"
        "为 0 的字段不列出。"
    ),
    "kernel": "内核",
    "note": "笔记",
    "newer": "笔记中没有：较新的内核才有",
    "found": "结果",
    "why": "原因",
    "touched": "读写",
    "nothing": "没有访问寄存器",
    "failing": "出错",
    "to_undo": "待撤销",
    "asked": "第{line}行",
    "read": "读",
    "wrote": "写",
    "each": "每个一次",
    "times": "{count} 次",
    "aside": "（{text}）",
    "comma": "，",
    "all_ones": "全 1",
    "walk": "遍历能力列表：读 {count} 次",
    "counters": "{count} 个计数器，{values}",
    "failed": "{step} 失败，{errno}：{message}",
    "jumps": "内核会跳转到 {label}，见笔记第 {line} 行。",
    "would": "内核不检查这一步是否失败；如果要检查，就得跳转到 {label}。",
    "returns": "内核直接返回，不经过任何标号：此时还没有什么需要撤销。",
    "falls": "从那里依次往下执行，撤销：",
    "undone": "这里按以下顺序撤销：",
    "not_undone": "无法撤销：{why}",
    "not_reached": "没有执行到的步骤：{steps}",
    "at": "内核：在 {label} 处",
    "vectors": "哪个中断向量服务哪些环、在哪个 CPU 上",
    "vector": "向量",
    "entry": "reg_idx",
    "rx": "Rx 环",
    "tx": "Tx 环",
    "xdp": "XDP 环",
    "cpu": "CPU",
    "any": "任意",
    "other": "其他事件",
    "one_irq": "所有事件共用一个 {kind} 中断。",
    "skipped": "ixgbe_probe 中没有对应步骤的行",
    "sequence": "各步骤的顺序",
    "memory": "netdev 与 adapter",
    "memory_why": (
        "内核把二者放在同一块内存里；在这里它们是互相引用的对象。每个箭头都是这次 probe 的对象的一个属性，箭头上写"
        "的就是属性名。"
    ),
    "rings": "q_vector 与它的环",
    "glossary": "各字段的含义",
    "field": "字段",
    "bits": "位",
    "meaning": "含义",
    "accesses": "{count} 次访问",
    "more": "每个寄存器都有说明：python -m device.regs show NAME",
}

WHY: dict[str, str] = {
    "refuse_vf": (
        "有问题的网卡可能给虚拟功能（VF）写上端口的设备 ID。VF 没有自己的 EEPROM 和 MAC，所以在动任何东西之前就拒绝它。"
    ),
    "enable_device_mem": "在 COMMAND.MEMORY 置 1 之前，设备不响应自己的内存窗口，所有寄存器读出来都是全 1。",
    "set_dma_mask": (
        "网卡自己把帧写进内存，所以双方必须先约定它的地址能到多远。先试 64 位；如果只有 32 位，所有缓冲区都必须在 4 "
        "GiB 以下。"
    ),
    "request_mem_regions": (
        "两个驱动同时操作一块网卡会互相破坏对方的环。占用记录写明归谁所有，并且先于第一次寄存器访问。"
    ),
    "enable_error_reporting": "从现在起，设备会把 PCI Express 上的错误报告给根端口。",
    "set_master": "COMMAND.BUS_MASTER 允许 DMA，也允许 MSI-X 消息：它们本身就是内存写操作。",
    "save_state": "功能复位或睡眠会清掉配置空间：BAR、MSI-X，连上一步的使能位也会丢。恢复时写回的就是这份副本。",
    "ioremap": (
        "寄存器是 BAR 0 后面的一段内存；映射之后，读就是 load，写就是 store。内核在此之前先分配 net_device 和 "
        "adapter，好有地方存这个指针。"
    ),
    "setup_hw_api": "同一个驱动要支持好几代 MAC。这里按设备 ID 选定一次操作函数，以后就不必再问是哪种芯片。",
    "select_eeprom": (
        "EEC 的第 8 位 PRES 表示芯片找到了有效的镜像。有效时用 EERD 一条命令读一个字；无效时驱动只能自己拨动时钟和"
        "数据引脚，逐位读取。"
    ),
    "sw_init": "不碰硬件就能确定的事：RSS 队列最多 16 个，队列数不超过 CPU 数，接收地址 128 个。",
    "init_swfw_sync": (
        "后来的芯片会在这里重新初始化信号量。这块芯片的信号量与另一个端口共用，对方的驱动可能正持有它，所以不去动它。"
    ),
    "clear_wake_status": "WUS 记录是什么唤醒了系统；写 1 清除，下一次唤醒才分得清。",
    "reset_hw": (
        "之前可能有人用过网卡：固件、引导 ROM 或别的驱动。先停接收、中断和队列，确认 DMA 已经结束，识别光模块，然后"
        "才置复位位；复位后 RAR 0 里就是 EEPROM 中的 MAC 地址。"
    ),
    "check_fw_error": "FWSM 说明网卡固件是否活着、有没有报错。这里只是警告：端口仍可能正常工作。",
    "validate_eeprom": "所有字加起来必须等于 0xBABA。镜像错一位，就可能得到错误的 MAC 地址或模块表，所以到此为止。",
    "get_mac_address": "复位时芯片把 EEPROM 里的地址装入 RAR 0，reset_hw 已经读出。全 0 或多播地址不属于任何站点。",
    "mac_set_default_filter": "让接收过滤器收下发给本机地址的帧，归 0 号池，也就是端口自己。",
    "init_service_task": (
        "链路变化、统计和挂死检测都花时间、可能要等待，而中断处理函数不能等。所以把它们做成一个任务，端口启动之前它"
        "什么也不做。"
    ),
    "init_interrupt_scheme": (
        "有多少对环就要多少个向量，再加一个处理其余事件；先试 MSI-X，再试 MSI，最后 INTx。然后把环分配给各个向量。"
    ),
    "check_wol": "只有部分板卡接了网络唤醒所需的供电。由子系统 ID 判断，有的板卡还只限第一个端口。",
    "read_versions": "就是 ethtool -i 显示的 firmware-version：厂商版本，或者镜像的 eTrack 编号。",
    "get_bus_info": "报告插槽的速率和宽度，下一步要拿来比较。",
    "check_minimum_link": "窄的插槽装不下 10 Gbit/s。不过仍能工作，所以只是警告。",
    "read_pba": "板卡标签上的部件号，再订购时用得着。",
    "start_hw": (
        "复位之后，VLAN 和池的过滤表、限速器里什么值都可能有，计数器里还有以前的数。这里把它们都置为已知状态。"
    ),
    "register_netdev": "从这里起系统就能看到网络接口。它排在所有可能失败的步骤之后，因为系统可能马上就用它。",
    "disable_tx_laser": "现在还不能发送，所以对端不应看到光。ESDP 的 SDP3 接到模块的 TX_DISABLE。",
    "set_fw_drv_ver": "与驱动共用端口的固件想知道驱动已经在了。没有这种固件时 HICR.EN 一直为 0，也没有关系。",
    "add_san_mac": "有的网卡还有第二个地址，用于存储流量；给它单独一个接收过滤器。",
    "setup_link": "如果固件要通过这个端口通信，它在接口启动之前就需要链路。",
}

LABELS: dict[str, str] = {
    "err_register": "归还中断",
    "err_sw_init": "撤掉 VF，解除寄存器映射，释放各张表",
    "err_ioremap": "释放 net_device，adapter 随之释放",
    "err_alloc_etherdev": "释放内存区域",
    "err_pci_reg": "自己没有要做的事",
    "err_dma": "禁用设备",
}

NOT_STEPS: dict[str, str] = {
    "82598": "只针对 82598；82599 有 64 个供软件使用的 Tx 队列。",
    "sriov": "probe 不创建 VF，相当于 max_vfs=0；VF 以后在运行中的端口上创建。",
    "u64_stats": "32 位 CPU 要分两半读 64 位计数器，需要加锁。这里的计数器本来就是 64 位。",
    "dca": "需要提供 DCA 的芯片组；现在没有，两个驱动都不会因此访问寄存器。",
    "vfs": "只有 probe 自己创建了 VF 时才用到。",
    "description": "只是一行日志。",
}

ANSWERS: dict[str, str] = {
    "dac": (
        "这里的 DAC 是 Dual Address Cycle（双地址周期）：PCI 分两个周期发送 4 GiB 以上的地址。它说的是设备而不是系"
        "统：pci_using_dac=1 表示可以给这块网卡 64 位的 DMA 地址。它和数模转换器没有关系。"
    ),
    "memory": (
        "对。alloc_netdev_mqs 申请的大小是 sizeof(struct net_device)（向上取整到 32 字节）加上 sizeof(struct "
        "ixgbe_adapter)。netdev_priv 只是把 netdev 的地址加上取整后的大小，所以不需要另存指针。"
    ),
    "eec": (
        "第 8 位就是 EEC.PRES：芯片找到了有效镜像，并已从中装载。为 0 时 EERD 背后的读取电路不可信，驱动就自己拨动 "
        "SPI 引脚（EEC.SK、CS、DI、DO）逐位读取。"
    ),
    "max_vfs": (
        "这是模块参数，没有人设置就是 0：probe 不创建虚拟功能。通常以后再创建：echo 4 > "
        "/sys/class/net/eth0/device/sriov_numvfs。上限是 63，因为有一个池要留给端口自己。"
    ),
    "work": (
        "work 是 work_struct：交给内核线程稍后执行的函数。定时器（每 2 秒）和链路中断只负责把它放进队列，因为它们不"
        "能睡眠；ixgbe_service_task 可以。在这里对应的是 service 循环。"
    ),
    "wol": (
        "网卡靠待机电源工作，收到魔术包时唤醒系统：WUFC.MAG。只有子系统 ID 列出的板卡支持；这块卡是否支持，见 "
        "check_wol 一步。"
    ),
    "ports": (
        "它数的是这块卡上的功能数，每个端口一个。每个端口最多用 10 Gbit/s，两个端口就要求共用的插槽有 20 Gbit/s。"
    ),
    "dca": (
        "网卡给自己的 DMA 写操作做标记，芯片组就把数据放进负责轮询的那个 CPU 的缓存。较新的 CPU 对所有 DMA 写都这样"
        "做（DDIO），不再提供 DCA，所以这一步到此为止。"
    ),
    "rss": (
        "它是 RING_F_RSS 的上限：min(16, 在线 CPU 数)，因为 RETA 的表项只有 4 位。队列数由它决定，向量数又由队列数"
        "决定。"
    ),
    "enough": (
        "只有向量数不少于 Rx、Tx、XDP 环的总数时，每个 Rx 环才独占一个向量，Tx 环分享剩下的向量。通常向量数等于环对"
        "数，这个循环就被跳过。"
    ),
    "round_up": (
        "是向上取整，不是余数：剩余的环 / 剩余的向量。5 个环分给 3 个向量是 2、2、1：靠前的向量多分一些，不会剩下。"
    ),
    "own_vector": (
        "一个向量有一个 EITR、一个 NAPI 上下文、一个 CPU。环独占向量时，中断就按它自己的负载调节，轮询里也没有别的"
        "环在排队。"
    ),
    "fewer": (
        "不会丢东西，只是几个环共用：n 个向量时，向量 v 服务环 v、v+n、v+2n……，轮询时逐个处理。MSI-X 向量少于两个"
        "时，只有一对环，用 MSI 或 INTx。"
    ),
    "v_count": (
        "v_count 是向量的个数。分环就像发牌，所以同一个向量的下一个环在 v_count 之后，相邻的环落在不同的 CPU 上。"
    ),
    "defaults": (
        "50 µs，即每秒 20,000 次中断，两个方向都是 ITR_DYNAMIC：这是 DIM 的起点。之后它按向量的负载在五档之间移动。"
    ),
    "reg_idx": (
        "它是 MSI-X 表中的行号，也就是这个向量的寄存器下标 n（EITR[n]，以及写进 IVAR 的号码）。v_idx 是在 VSI 内部"
        "的序号。只要别的 VSI 先占了向量，二者就不同；VF 的则是 first_vector_idx + v_idx + 1。"
    ),
    "online": (
        "向量 v 倾向于 CPU v。该 CPU 离线时掩码为空，即任意 CPU，由系统决定。这只是愿望：irqbalance 或 /proc/irq 可"
        "以改。"
    ),
    "napi": (
        "加载时先建立 VSI，那时还没有 netdev，之后由 ice_napi_add 统一添加。复位或恢复之后 netdev 已经存在，每个向"
        "量就在这里立刻得到自己的 NAPI 上下文。"
    ),
    "inside": (
        "差不多：它里面是 rx 和 tx 两个链表的表头，环本身属于 VSI。ice 给每个向量一段相邻的环，向上取整，每个环都插"
        "在表头，所以链表从编号最大的环往下走。向量比环少时链表就长一些；没有环的向量不申请中断。"
    ),
    "exists": (
        "这是防护，不是跳过：q_vectors[0] 已经存在时，ice_vsi_alloc_q_vectors 返回 -EEXIST，什么也不改。继续执行会"
        "泄漏旧的向量。"
    ),
    "vf": (
        "VF 的向量归客户机：由客户机自己的驱动在自己的 MSI-X 表里启用。PF 只需知道号码，好映射队列：reg_idx = "
        "first_vector_idx + v_idx + 1，因为 0 号向量是邮箱。"
    ),
    "dynamic": (
        "小于 num_static 的向量在 probe 时一次启用。更大的在需要时才单独启用，用完归还，其他向量照常工作（"
        "pci_msix_alloc_irq_at）。前提是表里有空位，并且中断域支持。"
    ),
    "flexible": (
        "是的，体现在三点：MSI 最多 32 个向量而且号码连续，MSI-X 最多 2048 个；表中每一行有自己的地址和数据，所以可"
        "以发往不同的 CPU；每一行可以单独屏蔽。"
    ),
    "own_irq": (
        "是的。队列映射到向量（IVAR），向量是 MSI-X 表中的一行，这一行的地址指明 CPU。CPU 随后为这个队列做的就是 "
        "NAPI 轮询。"
    ),
    "smp_affinity": (
        "写 /proc/irq/N/smp_affinity 会让内核改写那一行的地址和数据。一个 Rx 队列、一个向量、一个 CPU：环留在它的缓"
        "存里，由 RSS 决定哪条流去那里。"
    ),
    "idt": (
        "这是两张不同的表。0 到 255 是 x86 CPU 的中断描述符表，每个 CPU 一张。MSI-X 表的行在网卡里；它发出的消息写"
        "明送给哪个 CPU、用那个 CPU 的哪个号码。"
    ),
    "budget": (
        "ice_napi_poll 先清理所有 Tx 环，这不算在 budget 里。budget 是 64，由该向量的 Rx 环平分：三个环各 21。只要"
        "有一个没清空，就返回整个 budget，再轮询一次；否则重新打开中断。"
    ),
}
