# SPDX-License-Identifier: BSD-3-Clause
"""What the authors of the two seed notes asked or wondered about, by line, and where it can be seen.

The answers are in en.py, zh.py and ko.py, by the same keys.  Quotes are the authors' own words, in their language.
"""

from dataclasses import dataclass

PROBE, Q_VECTOR = "ixgbe_probe.md", "ice_vsi_alloc_q_vector.md"


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Attributes:
        note: The note.
        line: Its line, counted from 1.
        quote: What stands there.
        steps: The steps of the probe it is about.
    """

    note: str
    line: int
    quote: str
    steps: tuple[str, ...] = ()


QUESTIONS: dict[str, Question] = {
    "dac": Question(PROBE, 65, "is this mean support in 64 bit sys???", ("set_dma_mask",)),
    "memory": Question(PROBE, 99, "the alloc size is net_device plus ixgbe_adapter", ("ioremap",)),
    "eec": Question(
        PROBE, 142, "If EEPROM is valid (bit 8 = 1), use default otherwise use bit bang", ("select_eeprom",)
    ),
    "max_vfs": Question(PROBE, 183, "max_vfs??? 0"),
    "work": Question(PROBE, 215, "service_task->fun=ixgbe_service_task ???work", ("init_service_task",)),
    "wol": Question(PROBE, 233, "wake on lan", ("check_wol",)),
    "ports": Question(PROBE, 260, "ixgbe_enumerate_functions get the port numbers of the dev", ("check_minimum_link",)),
    "dca": Question(PROBE, 309, "direct cache access"),
    "rss": Question(PROBE, 375, "this value will be used to alloc q_vector if the feather used is rss", ("sw_init",)),
    "enough": Question(
        PROBE, 415, "if the num of q vector is enaugh,every rx ring alloc a q vector", ("init_interrupt_scheme",)
    ),
    "round_up": Question(PROBE, 430, "tail of the rxr_remaining/(q_vectors - v_idx)", ("init_interrupt_scheme",)),
    "own_vector": Question(PROBE, 452, "这样做可以提升网卡处理效率", ("init_interrupt_scheme",)),
    "fewer": Question(
        PROBE, 453, "如果中断向量特别少的时候可能会有多个tx和rx队列在同一个向量", ("init_interrupt_scheme",)
    ),
    "v_count": Question(PROBE, 522, "add next to the txr_idx", ("init_interrupt_scheme",)),
    "defaults": Question(Q_VECTOR, 31, "q_vector->tx.itr_setting = ICE_DFLT_TX_ITR;"),
    "reg_idx": Question(Q_VECTOR, 63, "q_vector->reg_idx = q_vector->irq.index;"),
    "online": Question(Q_VECTOR, 65, "only set affinity_mask if the CPU is online"),
    "napi": Question(Q_VECTOR, 76, "그런데 로드 될 때는 netdev가 없으므로 실행되지 않음."),
    "inside": Question(Q_VECTOR, 99, "q_vector 내부에 vsi, napi_struct, rx_queue, tx_queue 있다"),
    "exists": Question(Q_VECTOR, 132, "이미 vsi에 q_vector가 존재하면 넘어간다"),
    "vf": Question(Q_VECTOR, 141, "ice_alloc_irq 안함"),
    "dynamic": Question(Q_VECTOR, 158, "and dynamically allocated interrupts are supported then new"),
    "flexible": Question(Q_VECTOR, 204, "더 flexible 하다고 한다??"),
    "own_irq": Question(
        Q_VECTOR, 205, "rx queue가 그것만의 hw interrupt를 할당할 수 있다. 이는 특정 cpu에 의해 관리된다?"
    ),
    "smp_affinity": Question(Q_VECTOR, 206, "each RX queue can **have its own hardware interrupt assigned**"),
    "idt": Question(Q_VECTOR, 209, "Interrupt는 0에서 255까지 숫자와 연결되어 있고"),
    "budget": Question(Q_VECTOR, 215, "tx queue 초기화, budget 분배, rx queue 초기화"),
}


def of_step(step: str) -> dict[str, Question]:
    """The questions about a step of the probe, by their keys."""
    return {key: question for key, question in QUESTIONS.items() if step in question.steps}


def of_lines(first: int, last: int) -> dict[str, Question]:
    """The questions that stand in these lines of ``ixgbe_probe.md``."""
    return {key: q for key, q in QUESTIONS.items() if q.note == PROBE and first <= q.line <= last}
