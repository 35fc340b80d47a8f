# SPDX-License-Identifier: BSD-3-Clause
"""What an explained probe says, in Korean.  The keys are those of en.py."""

HEAD: dict[str, str] = {
    "title": "{nic}: probe를 단계별로 설명",
    "intro": (
        "단계마다 커널 함수, 노트의 줄 번호, 알아낸 것, 그렇게 하는 이유, 그리고 이번 probe가 방금 읽고 쓴 "
        "레지스터를 보여 준다. 값이 0인 필드는 생략한다."
    ),
    "kernel": "커널",
    "note": "노트",
    "newer": "노트에 없음: 더 새로운 커널에만 있다",
    "found": "결과",
    "why": "이유",
    "touched": "접근",
    "nothing": "레지스터 접근 없음",
    "failing": "실패",
    "to_undo": "되돌림",
    "asked": "{line}번 줄",
    "read": "읽음",
    "wrote": "씀",
    "each": "하나씩",
    "times": "{count}번",
    "aside": " ({text})",
    "comma": ", ",
    "all_ones": "모두 1",
    "walk": "capability 목록을 훑음: 읽기 {count}번",
    "counters": "카운터 {count}개, {values}",
    "failed": "{step} 실패, {errno}: {message}",
    "jumps": "커널은 노트 {line}번 줄처럼 {label}(으)로 점프한다.",
    "would": "커널은 이 단계의 실패를 확인하지 않는다. 확인한다면 {label}(으)로 점프해야 한다.",
    "returns": "커널은 레이블 없이 바로 반환한다. 아직 되돌릴 것이 없기 때문이다.",
    "falls": "거기서부터 차례로 내려가며 되돌린다:",
    "undone": "여기서는 다음 순서로 되돌렸다:",
    "not_undone": "되돌리지 못함: {why}",
    "not_reached": "이르지 못한 단계: {steps}",
    "at": "커널: {label}에서",
    "vectors": "어느 벡터가 어느 링을 어느 CPU에서 맡는가",
    "vector": "벡터",
    "entry": "reg_idx",
    "rx": "Rx 링",
    "tx": "Tx 링",
    "xdp": "XDP 링",
    "cpu": "CPU",
    "any": "아무 CPU",
    "other": "그 밖의 모든 것",
    "one_irq": "{kind} 인터럽트 하나가 모든 것을 알린다.",
    "skipped": "대응하는 단계가 없는 ixgbe_probe의 줄",
    "sequence": "단계의 순서",
    "memory": "netdev와 adapter",
    "memory_why": (
        "커널은 둘을 한 덩어리로 할당한다. 여기서는 서로를 가리키는 객체들이다. 화살표는 이번 probe가 만든 객체의 "
        "속성이고, 화살표의 글자가 그 속성의 이름이다."
    ),
    "rings": "q_vector와 그 링",
    "glossary": "필드의 뜻",
    "field": "필드",
    "bits": "비트",
    "meaning": "뜻",
    "accesses": "접근 {count}번",
    "more": "레지스터마다 설명이 있다: python -m device.regs show NAME",
}

WHY: dict[str, str] = {
    "refuse_vf": (
        "고장 난 카드는 가상 기능(VF)에 포트의 장치 ID를 달아 놓기도 한다. VF에는 자기 EEPROM도 MAC도 없으므로 "
        "아무것도 건드리기 전에 거절한다."
    ),
    "enable_device_mem": (
        "COMMAND.MEMORY를 켜기 전에는 장치가 메모리 창에서 응답하지 않아, 모든 레지스터가 모두 1로 읽힌다."
    ),
    "set_dma_mask": (
        "NIC는 프레임을 스스로 메모리에 쓰므로, 주소가 어디까지 닿는지 먼저 합의해야 한다. 64비트를 먼저 시도하고, "
        "32비트뿐이면 모든 버퍼가 4 GiB 아래에 있어야 한다."
    ),
    "request_mem_regions": (
        "드라이버 둘이 한 카드를 다루면 서로의 링을 망가뜨린다. 점유 기록은 누가 쓰는지 말해 주며, 첫 레지스터 "
        "접근보다 앞선다."
    ),
    "enable_error_reporting": "이제부터 장치는 PCI Express의 오류를 루트 포트에 알린다.",
    "set_master": "COMMAND.BUS_MASTER는 DMA를 허용한다. MSI-X 메시지도 메모리 쓰기이므로 함께 허용된다.",
    "save_state": (
        "기능 리셋이나 절전은 설정 공간을 지운다. BAR, MSI-X, 방금 켠 비트까지 사라진다. 복귀할 때 되돌려 쓰는 것이 "
        "이 사본이다."
    ),
    "ioremap": (
        "레지스터는 BAR 0 뒤의 메모리다. 매핑하면 읽기는 load, 쓰기는 store가 된다. 커널은 그 포인터를 둘 곳이 "
        "필요해서 net_device와 adapter를 먼저 만든다."
    ),
    "setup_hw_api": (
        "드라이버 하나가 여러 세대의 MAC을 다룬다. 장치 ID로 함수를 한 번 고르면 그 뒤로는 어느 칩인지 묻지 않는다."
    ),
    "select_eeprom": (
        "EEC의 8번 비트 PRES는 칩이 유효한 이미지를 찾았다는 뜻이다. 그러면 EERD로 명령 하나에 한 워드를 읽고, "
        "아니면 드라이버가 클록과 데이터 핀을 직접 움직여 한 비트씩 읽는다."
    ),
    "sw_init": "하드웨어를 건드리지 않고 정할 수 있는 것: RSS 큐는 최대 16개, 큐는 CPU 수 이하, 수신 주소는 128개.",
    "init_swfw_sync": (
        "이후의 칩은 여기서 세마포어를 새로 시작한다. 이 칩의 세마포어는 다른 포트와 함께 쓰고, 그쪽 드라이버가 "
        "쥐고 있을 수 있으므로 그대로 둔다."
    ),
    "clear_wake_status": "WUS에는 무엇이 시스템을 깨웠는지 남는다. 1을 써서 지워야 다음에 깨운 것과 구별된다.",
    "reset_hw": (
        "전에 누가 썼을 수 있다: 펌웨어, 부트 ROM, 다른 드라이버. 수신과 인터럽트와 큐를 멈추고, DMA가 끝난 것을 "
        "확인하고, 모듈을 알아본 뒤에 리셋 비트를 켠다. 그 뒤 RAR 0에는 EEPROM의 MAC 주소가 들어 있다."
    ),
    "check_fw_error": (
        "FWSM은 카드의 펌웨어가 살아 있는지, 무엇을 불평하는지 말해 준다. 포트는 동작할 수 있으므로 경고로 그친다."
    ),
    "validate_eeprom": (
        "모든 워드의 합이 0xBABA여야 한다. 비트 하나만 틀려도 MAC 주소나 모듈 표가 틀릴 수 있으므로 여기서 끝낸다."
    ),
    "get_mac_address": (
        "리셋이 EEPROM의 주소를 RAR 0에 넣었고 reset_hw가 그것을 읽었다. 모두 0이거나 멀티캐스트인 주소는 어느 "
        "장치의 것도 아니다."
    ),
    "mac_set_default_filter": "수신 필터가 우리 주소로 오는 프레임을 0번 풀, 곧 포트 자신에게 넘기게 한다.",
    "init_service_task": (
        "링크 변화, 통계, 멈춤 검사는 시간이 걸리고 기다릴 수도 있는데, 인터럽트 핸들러는 그럴 수 없다. 그래서 "
        "작업(task)으로 만들고, 포트가 올라올 때까지는 아무 일도 하지 않는다."
    ),
    "init_interrupt_scheme": (
        "링 쌍의 수만큼 벡터를 얻고, 나머지 일에 하나를 더 얻는다. MSI-X, MSI, INTx 순서로 시도한다. 그런 다음 링을 "
        "벡터에 나누어 준다."
    ),
    "check_wol": (
        "Wake on LAN에 필요한 전원 배선이 있는 보드는 일부뿐이다. 서브시스템 ID로 판단하며, 첫 포트에서만 되는 "
        "보드도 있다."
    ),
    "read_versions": "ethtool -i의 firmware-version에 나오는 값이다. 제조사 버전이거나 이미지의 eTrack ID다.",
    "get_bus_info": "슬롯의 속도와 폭을 알린다. 다음 단계에서 비교한다.",
    "check_minimum_link": "좁은 슬롯으로는 10 Gbit/s가 다 지나가지 못한다. 그래도 동작은 하므로 경고로 그친다.",
    "read_pba": "보드 라벨에 적힌 부품 번호다. 같은 것을 다시 주문할 때 필요하다.",
    "start_hw": (
        "리셋 뒤에 VLAN과 풀 필터, 속도 제한기에는 어떤 값이든 있을 수 있고 카운터에는 전의 수가 남아 있다. 모두 "
        "아는 상태로 만든다."
    ),
    "register_netdev": (
        "이제부터 시스템에 인터페이스가 보인다. 시스템이 바로 쓸 수 있으므로, 실패할 수 있는 단계 가운데 맨 나중이다."
    ),
    "disable_tx_laser": (
        "아직 보낼 수 없으므로 상대편이 빛을 보아서는 안 된다. ESDP의 SDP3가 모듈의 TX_DISABLE에 이어져 있다."
    ),
    "set_fw_drv_ver": (
        "포트를 함께 쓰는 펌웨어는 드라이버가 왔는지 알고 싶어 한다. 그런 펌웨어가 없으면 HICR.EN이 0이고, 그래도 "
        "괜찮다."
    ),
    "add_san_mac": "스토리지용 주소가 하나 더 있는 카드가 있다. 그 주소에 수신 필터를 따로 준다.",
    "setup_link": "펌웨어가 이 포트로 통신한다면 인터페이스가 올라오기 전에 링크가 필요하다.",
}

LABELS: dict[str, str] = {
    "err_register": "인터럽트를 돌려준다",
    "err_sw_init": "VF를 없애고, 레지스터 매핑을 풀고, 표를 해제한다",
    "err_ioremap": "net_device를 해제한다. adapter도 함께 사라진다",
    "err_alloc_etherdev": "메모리 영역을 놓아준다",
    "err_pci_reg": "따로 하는 일이 없다",
    "err_dma": "장치를 끈다",
}

NOT_STEPS: dict[str, str] = {
    "82598": "82598에만 해당한다. 82599는 소프트웨어가 쓰는 Tx 큐가 64개다.",
    "sriov": "probe는 max_vfs=0일 때처럼 VF를 만들지 않는다. VF는 나중에, 동작 중인 포트에서 만든다.",
    "u64_stats": "32비트 CPU는 64비트 카운터를 둘로 나누어 읽으므로 잠금이 필요하다. 여기서는 카운터가 64비트다.",
    "dca": "DCA를 제공하는 칩셋이 있어야 한다. 지금은 없고, 두 드라이버 모두 이 때문에 레지스터를 건드리지 않는다.",
    "vfs": "probe가 스스로 VF를 만들었을 때만 쓰인다.",
    "description": "로그 한 줄이다.",
}

ANSWERS: dict[str, str] = {
    "dac": (
        "여기서 DAC는 Dual Address Cycle이다. PCI가 4 GiB 위의 주소를 두 사이클에 나누어 보내는 것이다. 시스템이 "
        "아니라 장치에 관한 말로, pci_using_dac=1은 이 카드에 64비트 DMA 주소를 주어도 된다는 뜻이다. "
        "디지털-아날로그 변환기와는 관계가 없다."
    ),
    "memory": (
        "그렇다. alloc_netdev_mqs는 sizeof(struct net_device)를 32바이트로 올림한 크기에 sizeof(struct "
        "ixgbe_adapter)를 더해 할당한다. netdev_priv는 netdev의 주소에 그 올림한 크기를 더할 뿐이라 포인터가 따로 "
        "필요 없다."
    ),
    "eec": (
        "8번 비트는 EEC.PRES다. 칩이 유효한 이미지를 찾아 거기서 자신을 초기화했다는 뜻이다. 0이면 EERD의 읽기 "
        "회로를 믿을 수 없으므로 드라이버가 SPI 핀(EEC.SK, CS, DI, DO)을 직접 움직인다."
    ),
    "max_vfs": (
        "모듈 매개변수이고, 아무도 정하지 않으면 0이다. 곧 probe는 가상 기능을 만들지 않는다. 보통은 나중에 만든다: "
        "echo 4 > /sys/class/net/eth0/device/sriov_numvfs. 풀 하나는 포트의 것이므로 63개가 한도다."
    ),
    "work": (
        "work_struct, 곧 커널 스레드가 나중에 실행할 함수다. 타이머(2초마다)와 링크 인터럽트는 잠들 수 없으므로 "
        "큐에 넣기만 하고, ixgbe_service_task는 잠들어도 된다. 여기서는 service 루프가 그 일을 한다."
    ),
    "wol": (
        "카드가 대기 전원으로 살아 있다가 매직 패킷이 오면 시스템을 깨운다: WUFC.MAG. 서브시스템 ID에 적힌 보드만 "
        "된다. 이 카드가 되는지는 check_wol이 말해 준다."
    ),
    "ports": (
        "카드의 기능 수를 센다. 포트마다 하나다. 포트 하나가 10 Gbit/s를 쓸 수 있으므로, 포트 둘이면 함께 쓰는 "
        "슬롯에 20 Gbit/s가 필요하다."
    ),
    "dca": (
        "NIC가 DMA 쓰기에 표시를 해서, 칩셋이 그 데이터를 폴링하는 CPU의 캐시에 넣게 했다. 요즘 CPU는 모든 DMA "
        "쓰기를 그렇게 하고(DDIO) DCA를 제공하지 않으므로 이 단계는 거기서 끝난다."
    ),
    "rss": (
        "RING_F_RSS의 한도다: min(16, 온라인 CPU 수). RETA의 항목이 4비트이기 때문이다. 이 값에서 큐의 수가, 큐의 "
        "수에서 벡터의 수가 나온다."
    ),
    "enough": (
        "벡터가 Rx, Tx, XDP 링을 모두 합한 수 이상일 때만 Rx 링마다 벡터를 하나씩 갖고, Tx 링은 남은 벡터를 나누어 "
        "쓴다. 보통은 벡터 수가 링 쌍의 수와 같아서 이 반복문은 건너뛴다."
    ),
    "round_up": (
        "나머지가 아니라 올림이다: 남은 링 / 남은 벡터. 링 5개를 벡터 3개에 나누면 2, 2, 1이다. 앞의 벡터가 더 맡고 "
        "남는 링은 없다."
    ),
    "own_vector": (
        "벡터 하나에는 EITR 하나, NAPI 컨텍스트 하나, CPU 하나가 있다. 링이 벡터를 독차지하면 인터럽트가 그 링의 "
        "부하에 맞추어 조절되고, 폴링에서 다른 링이 기다리지 않는다."
    ),
    "fewer": (
        "잃는 것은 없고 링이 벡터를 함께 쓴다. 벡터가 n개면 벡터 v는 링 v, v+n, v+2n …을 맡고, 폴링이 모두 돈다. "
        "MSI-X 벡터가 둘보다 적으면 MSI나 INTx로 링 한 쌍만 쓴다."
    ),
    "v_count": (
        "v_count는 벡터의 수다. 링은 카드를 돌리듯 나누어 주므로, 같은 벡터의 다음 링은 v_count만큼 뒤에 있고 "
        "이웃한 링은 다른 CPU에 놓인다."
    ),
    "defaults": (
        "50 µs, 곧 초당 인터럽트 20,000번이고 두 방향 모두 ITR_DYNAMIC이다. DIM이 여기서 출발해, 벡터가 나르는 양에 "
        "따라 다섯 단계 사이를 오간다."
    ),
    "reg_idx": (
        "MSI-X 표의 행 번호이고, 그래서 벡터 레지스터의 번호 n이기도 하다(EITR[n], IVAR에 쓰는 수). v_idx는 VSI "
        "안에서 센 번호다. 다른 VSI가 먼저 벡터를 가져갔으면 둘은 달라진다. VF는 first_vector_idx + v_idx + 1이다."
    ),
    "online": (
        "벡터 v는 CPU v를 바란다. 그 CPU가 오프라인이면 마스크가 비고, 아무 CPU나 된다는 뜻이라 시스템이 정한다. "
        "바람일 뿐이어서 irqbalance나 /proc/irq가 옮길 수 있다."
    ),
    "napi": (
        "맞다. 로드할 때는 netdev보다 VSI가 먼저 만들어지고, 나중에 ice_napi_add가 모든 벡터에 한꺼번에 추가한다. "
        "리셋이나 resume 뒤에는 netdev가 이미 있으므로 벡터마다 여기서 바로 NAPI 컨텍스트를 얻는다."
    ),
    "inside": (
        "거의 맞다. 안에 있는 것은 rx와 tx 두 리스트의 머리이고, 링 자체는 VSI의 것이다. ice는 벡터마다 이웃한 링을 "
        "올림한 수만큼 주고 링을 머리에 끼워 넣으므로, 리스트는 번호가 큰 링부터 내려간다. 벡터가 링보다 적으면 "
        "리스트가 길어지고, 링이 없는 벡터는 인터럽트를 요청하지 않는다."
    ),
    "exists": (
        "건너뛰기가 아니라 방어다. q_vectors[0]이 이미 있으면 ice_vsi_alloc_q_vectors가 -EEXIST를 돌려주고 아무것도 "
        "바꾸지 않는다. 그대로 진행하면 이전 벡터가 샌다."
    ),
    "vf": (
        "VF의 벡터는 게스트의 것이다. 게스트의 드라이버가 자기 MSI-X 표에서 켠다. PF는 큐를 연결할 번호만 알면 "
        "된다: reg_idx = first_vector_idx + v_idx + 1. 0번 벡터는 메일박스이기 때문이다."
    ),
    "dynamic": (
        "num_static보다 작은 벡터는 probe 때 한꺼번에 켠다. 그 위의 벡터는 필요할 때 하나씩 켜고 다 쓰면 돌려주며, "
        "그동안 다른 벡터는 계속 동작한다(pci_msix_alloc_irq_at). 표에 자리가 있고 인터럽트 도메인이 지원해야 한다."
    ),
    "flexible": (
        "그렇다. 세 가지 점에서 그렇다. MSI는 번호가 이어진 벡터가 최대 32개지만 MSI-X는 2048개까지다. 표의 행마다 "
        "주소와 데이터가 따로 있어 서로 다른 CPU로 보낼 수 있다. 그리고 행마다 따로 마스크할 수 있다."
    ),
    "own_irq": (
        "그렇다. 큐는 벡터에 연결되고(IVAR), 벡터는 MSI-X 표의 한 행이며, 그 행의 주소가 CPU를 가리킨다. CPU가 그 "
        "큐를 위해 하는 일이 NAPI 폴링이다."
    ),
    "smp_affinity": (
        "/proc/irq/N/smp_affinity에 쓰면 커널이 그 행의 주소와 데이터를 고쳐 쓴다. Rx 큐 하나, 벡터 하나, CPU 하나: "
        "링이 그 CPU의 캐시에 머물고, 어느 흐름이 그리로 갈지는 RSS가 정한다."
    ),
    "idt": (
        "서로 다른 두 표다. 0에서 255까지는 x86 CPU의 인터럽트 디스크립터 테이블(IDT)이고 CPU마다 하나씩 있다. "
        "MSI-X 표는 NIC 안에 있고, 그 메시지가 어느 CPU의 몇 번인지 알려 준다."
    ),
    "budget": (
        "ice_napi_poll은 먼저 모든 Tx 링을 정리하는데, 이것은 budget에 세지 않는다. budget 64는 벡터의 Rx 링이 "
        "나누어 갖는다. 세 개면 21씩이다. 다 비우지 못한 링이 있으면 budget을 그대로 돌려주어 다시 폴링하고, 아니면 "
        "인터럽트를 다시 켠다."
    ),
}
