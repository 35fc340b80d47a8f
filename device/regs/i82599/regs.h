/* SPDX-License-Identifier: BSD-3-Clause */
/* Generated from the tables in device/regs by `python -m device.regs header`.  Do not edit; change the tables.
 *
 * Per register X:
 *   R_X              offset in BAR0 bytes; for an array R_X(n), n from 0, at its canonical (not alias) address
 *   X_COUNT          how many there are
 *   X_RESET          value after reset, if it is not 0 (not given where instances differ)
 *   N_X(offset)      arrays: which instance a canonical offset is; only meaningful if IS_X(offset)
 *   IS_X(offset)     arrays: is this canonical offset one of them
 * Per field X.F:
 *   X_F              mask in place
 *   X_F_SHIFT        lowest bit
 *   X_F_NAME         a named value, in place: (v & X_F) == X_F_NAME
 * Descriptor words (desc.py beside this file) have fields only; those of 64-bit words are 64-bit constants.
 * The macros with arguments use them more than once: no side effects in them.
 */

#define R_CTRL 0x00000u
#define CTRL_COUNT 1
#define CTRL_GIO_DIS 0x00000004u
#define CTRL_GIO_DIS_SHIFT 2
#define CTRL_LRST 0x00000008u
#define CTRL_LRST_SHIFT 3
#define CTRL_RST 0x04000000u
#define CTRL_RST_SHIFT 26

#define R_STATUS 0x00008u
#define STATUS_COUNT 1
#define STATUS_RESET 0x00080000u
#define STATUS_LAN_ID 0x0000000cu
#define STATUS_LAN_ID_SHIFT 2
#define STATUS_LINK_UP 0x00000080u
#define STATUS_LINK_UP_SHIFT 7
#define STATUS_NUM_VFS 0x0003fc00u
#define STATUS_NUM_VFS_SHIFT 10
#define STATUS_IOV_ACTIVE 0x00040000u
#define STATUS_IOV_ACTIVE_SHIFT 18
#define STATUS_GIO 0x00080000u
#define STATUS_GIO_SHIFT 19

#define R_CTRL_EXT 0x00018u
#define CTRL_EXT_COUNT 1
#define CTRL_EXT_PFRSTD 0x00004000u
#define CTRL_EXT_PFRSTD_SHIFT 14
#define CTRL_EXT_NS_DIS 0x00010000u
#define CTRL_EXT_NS_DIS_SHIFT 16
#define CTRL_EXT_RO_DIS 0x00020000u
#define CTRL_EXT_RO_DIS_SHIFT 17
#define CTRL_EXT_EXTENDED_VLAN 0x04000000u
#define CTRL_EXT_EXTENDED_VLAN_SHIFT 26
#define CTRL_EXT_DRV_LOAD 0x10000000u
#define CTRL_EXT_DRV_LOAD_SHIFT 28

#define R_ESDP 0x00020u
#define ESDP_COUNT 1
#define ESDP_RESET 0x00000804u
#define ESDP_SDP0 0x00000001u
#define ESDP_SDP0_SHIFT 0
#define ESDP_SDP1 0x00000002u
#define ESDP_SDP1_SHIFT 1
#define ESDP_SDP2 0x00000004u
#define ESDP_SDP2_SHIFT 2
#define ESDP_SDP3 0x00000008u
#define ESDP_SDP3_SHIFT 3
#define ESDP_SDP4 0x00000010u
#define ESDP_SDP4_SHIFT 4
#define ESDP_SDP5 0x00000020u
#define ESDP_SDP5_SHIFT 5
#define ESDP_SDP6 0x00000040u
#define ESDP_SDP6_SHIFT 6
#define ESDP_SDP7 0x00000080u
#define ESDP_SDP7_SHIFT 7
#define ESDP_SDP0_DIR 0x00000100u
#define ESDP_SDP0_DIR_SHIFT 8
#define ESDP_SDP1_DIR 0x00000200u
#define ESDP_SDP1_DIR_SHIFT 9
#define ESDP_SDP2_DIR 0x00000400u
#define ESDP_SDP2_DIR_SHIFT 10
#define ESDP_SDP3_DIR 0x00000800u
#define ESDP_SDP3_DIR_SHIFT 11
#define ESDP_SDP4_DIR 0x00001000u
#define ESDP_SDP4_DIR_SHIFT 12
#define ESDP_SDP5_DIR 0x00002000u
#define ESDP_SDP5_DIR_SHIFT 13
#define ESDP_SDP6_DIR 0x00004000u
#define ESDP_SDP6_DIR_SHIFT 14
#define ESDP_SDP7_DIR 0x00008000u
#define ESDP_SDP7_DIR_SHIFT 15
#define ESDP_SDP0_NATIVE 0x00010000u
#define ESDP_SDP0_NATIVE_SHIFT 16
#define ESDP_SDP1_NATIVE 0x00020000u
#define ESDP_SDP1_NATIVE_SHIFT 17

#define R_I2CCTL 0x00028u
#define I2CCTL_COUNT 1
#define I2CCTL_RESET 0x0000000fu
#define I2CCTL_CLK_IN 0x00000001u
#define I2CCTL_CLK_IN_SHIFT 0
#define I2CCTL_CLK_OUT 0x00000002u
#define I2CCTL_CLK_OUT_SHIFT 1
#define I2CCTL_DATA_IN 0x00000004u
#define I2CCTL_DATA_IN_SHIFT 2
#define I2CCTL_DATA_OUT 0x00000008u
#define I2CCTL_DATA_OUT_SHIFT 3

#define R_FRTIMER 0x00048u
#define FRTIMER_COUNT 1
#define FRTIMER_VALUE 0xffffffffu
#define FRTIMER_VALUE_SHIFT 0

#define R_TCPTIMER 0x0004cu
#define TCPTIMER_COUNT 1
#define TCPTIMER_RESET 0x00000100u
#define TCPTIMER_DURATION 0x000000ffu
#define TCPTIMER_DURATION_SHIFT 0
#define TCPTIMER_KICKSTART 0x00000100u
#define TCPTIMER_KICKSTART_SHIFT 8
#define TCPTIMER_TCPCOUNTEN 0x00000200u
#define TCPTIMER_TCPCOUNTEN_SHIFT 9
#define TCPTIMER_TCPCOUNTFINISH 0x00000400u
#define TCPTIMER_TCPCOUNTFINISH_SHIFT 10
#define TCPTIMER_LOOP 0x00000800u
#define TCPTIMER_LOOP_SHIFT 11

#define R_LEDCTL 0x00200u
#define LEDCTL_COUNT 1
#define LEDCTL_RESET 0x00040000u
#define LEDCTL_LED0_MODE 0x0000000fu
#define LEDCTL_LED0_MODE_SHIFT 0
#define LEDCTL_LED0_MODE_LINK_UP 0x00000000u
#define LEDCTL_LED0_MODE_LINK_10G 0x00000001u
#define LEDCTL_LED0_MODE_MAC 0x00000002u
#define LEDCTL_LED0_MODE_FILTER 0x00000003u
#define LEDCTL_LED0_MODE_LINK_ACT 0x00000004u
#define LEDCTL_LED0_MODE_LINK_1G 0x00000005u
#define LEDCTL_LED0_MODE_LINK_100 0x00000006u
#define LEDCTL_LED0_MODE_ON 0x0000000eu
#define LEDCTL_LED0_MODE_OFF 0x0000000fu
#define LEDCTL_GLOBAL_BLINK 0x00000020u
#define LEDCTL_GLOBAL_BLINK_SHIFT 5
#define LEDCTL_LED0_IVRT 0x00000040u
#define LEDCTL_LED0_IVRT_SHIFT 6
#define LEDCTL_LED0_BLINK 0x00000080u
#define LEDCTL_LED0_BLINK_SHIFT 7
#define LEDCTL_LED1_MODE 0x00000f00u
#define LEDCTL_LED1_MODE_SHIFT 8
#define LEDCTL_LED1_MODE_LINK_UP 0x00000000u
#define LEDCTL_LED1_MODE_LINK_10G 0x00000100u
#define LEDCTL_LED1_MODE_MAC 0x00000200u
#define LEDCTL_LED1_MODE_FILTER 0x00000300u
#define LEDCTL_LED1_MODE_LINK_ACT 0x00000400u
#define LEDCTL_LED1_MODE_LINK_1G 0x00000500u
#define LEDCTL_LED1_MODE_LINK_100 0x00000600u
#define LEDCTL_LED1_MODE_ON 0x00000e00u
#define LEDCTL_LED1_MODE_OFF 0x00000f00u
#define LEDCTL_LED1_IVRT 0x00004000u
#define LEDCTL_LED1_IVRT_SHIFT 14
#define LEDCTL_LED1_BLINK 0x00008000u
#define LEDCTL_LED1_BLINK_SHIFT 15
#define LEDCTL_LED2_MODE 0x000f0000u
#define LEDCTL_LED2_MODE_SHIFT 16
#define LEDCTL_LED2_MODE_LINK_UP 0x00000000u
#define LEDCTL_LED2_MODE_LINK_10G 0x00010000u
#define LEDCTL_LED2_MODE_MAC 0x00020000u
#define LEDCTL_LED2_MODE_FILTER 0x00030000u
#define LEDCTL_LED2_MODE_LINK_ACT 0x00040000u
#define LEDCTL_LED2_MODE_LINK_1G 0x00050000u
#define LEDCTL_LED2_MODE_LINK_100 0x00060000u
#define LEDCTL_LED2_MODE_ON 0x000e0000u
#define LEDCTL_LED2_MODE_OFF 0x000f0000u
#define LEDCTL_LED2_IVRT 0x00400000u
#define LEDCTL_LED2_IVRT_SHIFT 22
#define LEDCTL_LED2_BLINK 0x00800000u
#define LEDCTL_LED2_BLINK_SHIFT 23
#define LEDCTL_LED3_MODE 0x0f000000u
#define LEDCTL_LED3_MODE_SHIFT 24
#define LEDCTL_LED3_MODE_LINK_UP 0x00000000u
#define LEDCTL_LED3_MODE_LINK_10G 0x01000000u
#define LEDCTL_LED3_MODE_MAC 0x02000000u
#define LEDCTL_LED3_MODE_FILTER 0x03000000u
#define LEDCTL_LED3_MODE_LINK_ACT 0x04000000u
#define LEDCTL_LED3_MODE_LINK_1G 0x05000000u
#define LEDCTL_LED3_MODE_LINK_100 0x06000000u
#define LEDCTL_LED3_MODE_ON 0x0e000000u
#define LEDCTL_LED3_MODE_OFF 0x0f000000u
#define LEDCTL_LED3_IVRT 0x40000000u
#define LEDCTL_LED3_IVRT_SHIFT 30
#define LEDCTL_LED3_BLINK 0x80000000u
#define LEDCTL_LED3_BLINK_SHIFT 31

#define R_VFLRE(n) ((n) < 1 ? 0x00600u : 0x001c0u)
#define N_VFLRE(o) ((o) >= 0x00600 && (o) <= 0x00600 ? 0u : 1u + 0u)
#define IS_VFLRE(o) (((o) >= 0x00600 && (o) <= 0x00600) || ((o) >= 0x001c0 && (o) <= 0x001c0))
#define VFLRE_COUNT 2
#define VFLRE_VALUE 0xffffffffu
#define VFLRE_VALUE_SHIFT 0

#define R_VFLREC(n) (0x00700u + 0x4u * ((n)))
#define N_VFLREC(o) (((o) - 0x00700u) / 0x4u)
#define IS_VFLREC(o) (((o) >= 0x00700 && (o) <= 0x00704 && ((o) - 0x00700) % 0x4 == 0))
#define VFLREC_COUNT 2
#define VFLREC_VALUE 0xffffffffu
#define VFLREC_VALUE_SHIFT 0

#define R_MBVFICR(n) (0x00710u + 0x4u * ((n)))
#define N_MBVFICR(o) (((o) - 0x00710u) / 0x4u)
#define IS_MBVFICR(o) (((o) >= 0x00710 && (o) <= 0x0071c && ((o) - 0x00710) % 0x4 == 0))
#define MBVFICR_COUNT 4
#define MBVFICR_VFREQ 0x0000ffffu
#define MBVFICR_VFREQ_SHIFT 0
#define MBVFICR_VFACK 0xffff0000u
#define MBVFICR_VFACK_SHIFT 16

#define R_PFMBIMR(n) (0x00720u + 0x4u * ((n)))
#define N_PFMBIMR(o) (((o) - 0x00720u) / 0x4u)
#define IS_PFMBIMR(o) (((o) >= 0x00720 && (o) <= 0x00724 && ((o) - 0x00720) % 0x4 == 0))
#define PFMBIMR_COUNT 2
#define PFMBIMR_RESET 0xffffffffu
#define PFMBIMR_VALUE 0xffffffffu
#define PFMBIMR_VALUE_SHIFT 0

#define R_EICR 0x00800u
#define EICR_COUNT 1
#define EICR_RTX_QUEUE 0x0000ffffu
#define EICR_RTX_QUEUE_SHIFT 0
#define EICR_FLOW_DIR 0x00010000u
#define EICR_FLOW_DIR_SHIFT 16
#define EICR_RX_MISS 0x00020000u
#define EICR_RX_MISS_SHIFT 17
#define EICR_PCI 0x00040000u
#define EICR_PCI_SHIFT 18
#define EICR_MAILBOX 0x00080000u
#define EICR_MAILBOX_SHIFT 19
#define EICR_LSC 0x00100000u
#define EICR_LSC_SHIFT 20
#define EICR_LINKSEC 0x00200000u
#define EICR_LINKSEC_SHIFT 21
#define EICR_MNG 0x00400000u
#define EICR_MNG_SHIFT 22
#define EICR_TS 0x00800000u
#define EICR_TS_SHIFT 23
#define EICR_GPI_SDP0 0x01000000u
#define EICR_GPI_SDP0_SHIFT 24
#define EICR_GPI_SDP1 0x02000000u
#define EICR_GPI_SDP1_SHIFT 25
#define EICR_GPI_SDP2 0x04000000u
#define EICR_GPI_SDP2_SHIFT 26
#define EICR_GPI_SDP3 0x08000000u
#define EICR_GPI_SDP3_SHIFT 27
#define EICR_ECC 0x10000000u
#define EICR_ECC_SHIFT 28
#define EICR_DHER 0x20000000u
#define EICR_DHER_SHIFT 29
#define EICR_TCP_TIMER 0x40000000u
#define EICR_TCP_TIMER_SHIFT 30
#define EICR_OTHER 0x80000000u
#define EICR_OTHER_SHIFT 31

#define R_EICS 0x00808u
#define EICS_COUNT 1
#define EICS_RTX_QUEUE 0x0000ffffu
#define EICS_RTX_QUEUE_SHIFT 0
#define EICS_FLOW_DIR 0x00010000u
#define EICS_FLOW_DIR_SHIFT 16
#define EICS_RX_MISS 0x00020000u
#define EICS_RX_MISS_SHIFT 17
#define EICS_PCI 0x00040000u
#define EICS_PCI_SHIFT 18
#define EICS_MAILBOX 0x00080000u
#define EICS_MAILBOX_SHIFT 19
#define EICS_LSC 0x00100000u
#define EICS_LSC_SHIFT 20
#define EICS_LINKSEC 0x00200000u
#define EICS_LINKSEC_SHIFT 21
#define EICS_MNG 0x00400000u
#define EICS_MNG_SHIFT 22
#define EICS_TS 0x00800000u
#define EICS_TS_SHIFT 23
#define EICS_GPI_SDP0 0x01000000u
#define EICS_GPI_SDP0_SHIFT 24
#define EICS_GPI_SDP1 0x02000000u
#define EICS_GPI_SDP1_SHIFT 25
#define EICS_GPI_SDP2 0x04000000u
#define EICS_GPI_SDP2_SHIFT 26
#define EICS_GPI_SDP3 0x08000000u
#define EICS_GPI_SDP3_SHIFT 27
#define EICS_ECC 0x10000000u
#define EICS_ECC_SHIFT 28
#define EICS_DHER 0x20000000u
#define EICS_DHER_SHIFT 29
#define EICS_TCP_TIMER 0x40000000u
#define EICS_TCP_TIMER_SHIFT 30
#define EICS_OTHER 0x80000000u
#define EICS_OTHER_SHIFT 31

#define R_EIAC 0x00810u
#define EIAC_COUNT 1
#define EIAC_RTX_QUEUE 0x0000ffffu
#define EIAC_RTX_QUEUE_SHIFT 0
#define EIAC_FLOW_DIR 0x00010000u
#define EIAC_FLOW_DIR_SHIFT 16
#define EIAC_RX_MISS 0x00020000u
#define EIAC_RX_MISS_SHIFT 17
#define EIAC_PCI 0x00040000u
#define EIAC_PCI_SHIFT 18
#define EIAC_MAILBOX 0x00080000u
#define EIAC_MAILBOX_SHIFT 19
#define EIAC_LSC 0x00100000u
#define EIAC_LSC_SHIFT 20
#define EIAC_LINKSEC 0x00200000u
#define EIAC_LINKSEC_SHIFT 21
#define EIAC_MNG 0x00400000u
#define EIAC_MNG_SHIFT 22
#define EIAC_TS 0x00800000u
#define EIAC_TS_SHIFT 23
#define EIAC_GPI_SDP0 0x01000000u
#define EIAC_GPI_SDP0_SHIFT 24
#define EIAC_GPI_SDP1 0x02000000u
#define EIAC_GPI_SDP1_SHIFT 25
#define EIAC_GPI_SDP2 0x04000000u
#define EIAC_GPI_SDP2_SHIFT 26
#define EIAC_GPI_SDP3 0x08000000u
#define EIAC_GPI_SDP3_SHIFT 27
#define EIAC_ECC 0x10000000u
#define EIAC_ECC_SHIFT 28
#define EIAC_DHER 0x20000000u
#define EIAC_DHER_SHIFT 29
#define EIAC_TCP_TIMER 0x40000000u
#define EIAC_TCP_TIMER_SHIFT 30
#define EIAC_OTHER 0x80000000u
#define EIAC_OTHER_SHIFT 31

#define R_EITR(n) ((n) < 24 ? 0x00820u + 0x4u * ((n)) : 0x12300u + 0x4u * ((n) - 24))
#define N_EITR(o) ((o) >= 0x00820 && (o) <= 0x0087c ? ((o) - 0x00820u) / 0x4u : 24u + ((o) - 0x12300u) / 0x4u)
#define IS_EITR(o) (((o) >= 0x00820 && (o) <= 0x0087c && ((o) - 0x00820) % 0x4 == 0) || ((o) >= 0x12300 && (o) <= 0x124a0 && ((o) - 0x12300) % 0x4 == 0))
#define EITR_COUNT 129
#define EITR_ITR_INTERVAL 0x00000ff8u
#define EITR_ITR_INTERVAL_SHIFT 3
#define EITR_LLI_MOD 0x00008000u
#define EITR_LLI_MOD_SHIFT 15
#define EITR_LLI_CREDIT 0x001f0000u
#define EITR_LLI_CREDIT_SHIFT 16
#define EITR_ITR_COUNTER 0x0fe00000u
#define EITR_ITR_COUNTER_SHIFT 21
#define EITR_CNT_WDIS 0x80000000u
#define EITR_CNT_WDIS_SHIFT 31

#define R_EIMS 0x00880u
#define EIMS_COUNT 1
#define EIMS_RTX_QUEUE 0x0000ffffu
#define EIMS_RTX_QUEUE_SHIFT 0
#define EIMS_FLOW_DIR 0x00010000u
#define EIMS_FLOW_DIR_SHIFT 16
#define EIMS_RX_MISS 0x00020000u
#define EIMS_RX_MISS_SHIFT 17
#define EIMS_PCI 0x00040000u
#define EIMS_PCI_SHIFT 18
#define EIMS_MAILBOX 0x00080000u
#define EIMS_MAILBOX_SHIFT 19
#define EIMS_LSC 0x00100000u
#define EIMS_LSC_SHIFT 20
#define EIMS_LINKSEC 0x00200000u
#define EIMS_LINKSEC_SHIFT 21
#define EIMS_MNG 0x00400000u
#define EIMS_MNG_SHIFT 22
#define EIMS_TS 0x00800000u
#define EIMS_TS_SHIFT 23
#define EIMS_GPI_SDP0 0x01000000u
#define EIMS_GPI_SDP0_SHIFT 24
#define EIMS_GPI_SDP1 0x02000000u
#define EIMS_GPI_SDP1_SHIFT 25
#define EIMS_GPI_SDP2 0x04000000u
#define EIMS_GPI_SDP2_SHIFT 26
#define EIMS_GPI_SDP3 0x08000000u
#define EIMS_GPI_SDP3_SHIFT 27
#define EIMS_ECC 0x10000000u
#define EIMS_ECC_SHIFT 28
#define EIMS_DHER 0x20000000u
#define EIMS_DHER_SHIFT 29
#define EIMS_TCP_TIMER 0x40000000u
#define EIMS_TCP_TIMER_SHIFT 30
#define EIMS_OTHER 0x80000000u
#define EIMS_OTHER_SHIFT 31

#define R_EIMC 0x00888u
#define EIMC_COUNT 1
#define EIMC_RTX_QUEUE 0x0000ffffu
#define EIMC_RTX_QUEUE_SHIFT 0
#define EIMC_FLOW_DIR 0x00010000u
#define EIMC_FLOW_DIR_SHIFT 16
#define EIMC_RX_MISS 0x00020000u
#define EIMC_RX_MISS_SHIFT 17
#define EIMC_PCI 0x00040000u
#define EIMC_PCI_SHIFT 18
#define EIMC_MAILBOX 0x00080000u
#define EIMC_MAILBOX_SHIFT 19
#define EIMC_LSC 0x00100000u
#define EIMC_LSC_SHIFT 20
#define EIMC_LINKSEC 0x00200000u
#define EIMC_LINKSEC_SHIFT 21
#define EIMC_MNG 0x00400000u
#define EIMC_MNG_SHIFT 22
#define EIMC_TS 0x00800000u
#define EIMC_TS_SHIFT 23
#define EIMC_GPI_SDP0 0x01000000u
#define EIMC_GPI_SDP0_SHIFT 24
#define EIMC_GPI_SDP1 0x02000000u
#define EIMC_GPI_SDP1_SHIFT 25
#define EIMC_GPI_SDP2 0x04000000u
#define EIMC_GPI_SDP2_SHIFT 26
#define EIMC_GPI_SDP3 0x08000000u
#define EIMC_GPI_SDP3_SHIFT 27
#define EIMC_ECC 0x10000000u
#define EIMC_ECC_SHIFT 28
#define EIMC_DHER 0x20000000u
#define EIMC_DHER_SHIFT 29
#define EIMC_TCP_TIMER 0x40000000u
#define EIMC_TCP_TIMER_SHIFT 30
#define EIMC_OTHER 0x80000000u
#define EIMC_OTHER_SHIFT 31

#define R_EIAM 0x00890u
#define EIAM_COUNT 1
#define EIAM_RTX_QUEUE 0x0000ffffu
#define EIAM_RTX_QUEUE_SHIFT 0
#define EIAM_FLOW_DIR 0x00010000u
#define EIAM_FLOW_DIR_SHIFT 16
#define EIAM_RX_MISS 0x00020000u
#define EIAM_RX_MISS_SHIFT 17
#define EIAM_PCI 0x00040000u
#define EIAM_PCI_SHIFT 18
#define EIAM_MAILBOX 0x00080000u
#define EIAM_MAILBOX_SHIFT 19
#define EIAM_LSC 0x00100000u
#define EIAM_LSC_SHIFT 20
#define EIAM_LINKSEC 0x00200000u
#define EIAM_LINKSEC_SHIFT 21
#define EIAM_MNG 0x00400000u
#define EIAM_MNG_SHIFT 22
#define EIAM_TS 0x00800000u
#define EIAM_TS_SHIFT 23
#define EIAM_GPI_SDP0 0x01000000u
#define EIAM_GPI_SDP0_SHIFT 24
#define EIAM_GPI_SDP1 0x02000000u
#define EIAM_GPI_SDP1_SHIFT 25
#define EIAM_GPI_SDP2 0x04000000u
#define EIAM_GPI_SDP2_SHIFT 26
#define EIAM_GPI_SDP3 0x08000000u
#define EIAM_GPI_SDP3_SHIFT 27
#define EIAM_ECC 0x10000000u
#define EIAM_ECC_SHIFT 28
#define EIAM_DHER 0x20000000u
#define EIAM_DHER_SHIFT 29
#define EIAM_TCP_TIMER 0x40000000u
#define EIAM_TCP_TIMER_SHIFT 30
#define EIAM_OTHER 0x80000000u
#define EIAM_OTHER_SHIFT 31

#define R_EITRSEL 0x00894u
#define EITRSEL_COUNT 1
#define EITRSEL_VALUE 0xffffffffu
#define EITRSEL_VALUE_SHIFT 0

#define R_GPIE 0x00898u
#define GPIE_COUNT 1
#define GPIE_SDP0_GPIEN 0x00000001u
#define GPIE_SDP0_GPIEN_SHIFT 0
#define GPIE_SDP1_GPIEN 0x00000002u
#define GPIE_SDP1_GPIEN_SHIFT 1
#define GPIE_SDP2_GPIEN 0x00000004u
#define GPIE_SDP2_GPIEN_SHIFT 2
#define GPIE_SDP3_GPIEN 0x00000008u
#define GPIE_SDP3_GPIEN_SHIFT 3
#define GPIE_MSIX_MODE 0x00000010u
#define GPIE_MSIX_MODE_SHIFT 4
#define GPIE_OCD 0x00000020u
#define GPIE_OCD_SHIFT 5
#define GPIE_EIMEN 0x00000040u
#define GPIE_EIMEN_SHIFT 6
#define GPIE_LL_INTERVAL 0x00000780u
#define GPIE_LL_INTERVAL_SHIFT 7
#define GPIE_RSC_DELAY 0x00003800u
#define GPIE_RSC_DELAY_SHIFT 11
#define GPIE_VTMODE 0x0000c000u
#define GPIE_VTMODE_SHIFT 14
#define GPIE_VTMODE_NONE 0x00000000u
#define GPIE_VTMODE_VT16 0x00004000u
#define GPIE_VTMODE_VT32 0x00008000u
#define GPIE_VTMODE_VT64 0x0000c000u
#define GPIE_EIAME 0x40000000u
#define GPIE_EIAME_SHIFT 30
#define GPIE_PBA_SUPPORT 0x80000000u
#define GPIE_PBA_SUPPORT_SHIFT 31

#define R_IVAR(n) (0x00900u + 0x4u * ((n)))
#define N_IVAR(o) (((o) - 0x00900u) / 0x4u)
#define IS_IVAR(o) (((o) >= 0x00900 && (o) <= 0x009fc && ((o) - 0x00900) % 0x4 == 0))
#define IVAR_COUNT 64
#define IVAR_RX0 0x0000003fu
#define IVAR_RX0_SHIFT 0
#define IVAR_RX0_VALID 0x00000080u
#define IVAR_RX0_VALID_SHIFT 7
#define IVAR_TX0 0x00003f00u
#define IVAR_TX0_SHIFT 8
#define IVAR_TX0_VALID 0x00008000u
#define IVAR_TX0_VALID_SHIFT 15
#define IVAR_RX1 0x003f0000u
#define IVAR_RX1_SHIFT 16
#define IVAR_RX1_VALID 0x00800000u
#define IVAR_RX1_VALID_SHIFT 23
#define IVAR_TX1 0x3f000000u
#define IVAR_TX1_SHIFT 24
#define IVAR_TX1_VALID 0x80000000u
#define IVAR_TX1_VALID_SHIFT 31

#define R_IVAR_MISC 0x00a00u
#define IVAR_MISC_COUNT 1
#define IVAR_MISC_TCP_TIMER 0x0000003fu
#define IVAR_MISC_TCP_TIMER_SHIFT 0
#define IVAR_MISC_TCP_TIMER_VALID 0x00000080u
#define IVAR_MISC_TCP_TIMER_VALID_SHIFT 7
#define IVAR_MISC_OTHER 0x00003f00u
#define IVAR_MISC_OTHER_SHIFT 8
#define IVAR_MISC_OTHER_VALID 0x00008000u
#define IVAR_MISC_OTHER_VALID_SHIFT 15

#define R_EICR_EX(n) (0x00a80u + 0x4u * ((n)))
#define N_EICR_EX(o) (((o) - 0x00a80u) / 0x4u)
#define IS_EICR_EX(o) (((o) >= 0x00a80 && (o) <= 0x00a84 && ((o) - 0x00a80) % 0x4 == 0))
#define EICR_EX_COUNT 2
#define EICR_EX_VALUE 0xffffffffu
#define EICR_EX_VALUE_SHIFT 0

#define R_EICS_EX(n) (0x00a90u + 0x4u * ((n)))
#define N_EICS_EX(o) (((o) - 0x00a90u) / 0x4u)
#define IS_EICS_EX(o) (((o) >= 0x00a90 && (o) <= 0x00a94 && ((o) - 0x00a90) % 0x4 == 0))
#define EICS_EX_COUNT 2
#define EICS_EX_VALUE 0xffffffffu
#define EICS_EX_VALUE_SHIFT 0

#define R_EIMS_EX(n) (0x00aa0u + 0x4u * ((n)))
#define N_EIMS_EX(o) (((o) - 0x00aa0u) / 0x4u)
#define IS_EIMS_EX(o) (((o) >= 0x00aa0 && (o) <= 0x00aa4 && ((o) - 0x00aa0) % 0x4 == 0))
#define EIMS_EX_COUNT 2
#define EIMS_EX_VALUE 0xffffffffu
#define EIMS_EX_VALUE_SHIFT 0

#define R_EIMC_EX(n) (0x00ab0u + 0x4u * ((n)))
#define N_EIMC_EX(o) (((o) - 0x00ab0u) / 0x4u)
#define IS_EIMC_EX(o) (((o) >= 0x00ab0 && (o) <= 0x00ab4 && ((o) - 0x00ab0) % 0x4 == 0))
#define EIMC_EX_COUNT 2
#define EIMC_EX_VALUE 0xffffffffu
#define EIMC_EX_VALUE_SHIFT 0

#define R_EIAC_EX 0x00ac0u
#define EIAC_EX_COUNT 1
#define EIAC_EX_VALUE 0xffffffffu
#define EIAC_EX_VALUE_SHIFT 0

#define R_EIAM_EX(n) (0x00ad0u + 0x4u * ((n)))
#define N_EIAM_EX(o) (((o) - 0x00ad0u) / 0x4u)
#define IS_EIAM_EX(o) (((o) >= 0x00ad0 && (o) <= 0x00ad4 && ((o) - 0x00ad0) % 0x4 == 0))
#define EIAM_EX_COUNT 2
#define EIAM_EX_VALUE 0xffffffffu
#define EIAM_EX_VALUE_SHIFT 0

#define R_RDBAL(n) ((n) < 64 ? 0x01000u + 0x40u * ((n)) : 0x0d000u + 0x40u * ((n) - 64))
#define N_RDBAL(o) ((o) >= 0x01000 && (o) <= 0x01fc0 ? ((o) - 0x01000u) / 0x40u : 64u + ((o) - 0x0d000u) / 0x40u)
#define IS_RDBAL(o) (((o) >= 0x01000 && (o) <= 0x01fc0 && ((o) - 0x01000) % 0x40 == 0) || ((o) >= 0x0d000 && (o) <= 0x0dfc0 && ((o) - 0x0d000) % 0x40 == 0))
#define RDBAL_COUNT 128
#define RDBAL_BASE 0xffffff80u
#define RDBAL_BASE_SHIFT 7

#define R_RDBAH(n) ((n) < 64 ? 0x01004u + 0x40u * ((n)) : 0x0d004u + 0x40u * ((n) - 64))
#define N_RDBAH(o) ((o) >= 0x01004 && (o) <= 0x01fc4 ? ((o) - 0x01004u) / 0x40u : 64u + ((o) - 0x0d004u) / 0x40u)
#define IS_RDBAH(o) (((o) >= 0x01004 && (o) <= 0x01fc4 && ((o) - 0x01004) % 0x40 == 0) || ((o) >= 0x0d004 && (o) <= 0x0dfc4 && ((o) - 0x0d004) % 0x40 == 0))
#define RDBAH_COUNT 128
#define RDBAH_VALUE 0xffffffffu
#define RDBAH_VALUE_SHIFT 0

#define R_RDLEN(n) ((n) < 64 ? 0x01008u + 0x40u * ((n)) : 0x0d008u + 0x40u * ((n) - 64))
#define N_RDLEN(o) ((o) >= 0x01008 && (o) <= 0x01fc8 ? ((o) - 0x01008u) / 0x40u : 64u + ((o) - 0x0d008u) / 0x40u)
#define IS_RDLEN(o) (((o) >= 0x01008 && (o) <= 0x01fc8 && ((o) - 0x01008) % 0x40 == 0) || ((o) >= 0x0d008 && (o) <= 0x0dfc8 && ((o) - 0x0d008) % 0x40 == 0))
#define RDLEN_COUNT 128
#define RDLEN_LEN 0x000fff80u
#define RDLEN_LEN_SHIFT 7

#define R_DCA_RXCTRL(n) ((n) < 64 ? 0x0100cu + 0x40u * ((n)) : 0x0d00cu + 0x40u * ((n) - 64))
#define N_DCA_RXCTRL(o) ((o) >= 0x0100c && (o) <= 0x01fcc ? ((o) - 0x0100cu) / 0x40u : 64u + ((o) - 0x0d00cu) / 0x40u)
#define IS_DCA_RXCTRL(o) (((o) >= 0x0100c && (o) <= 0x01fcc && ((o) - 0x0100c) % 0x40 == 0) || ((o) >= 0x0d00c && (o) <= 0x0dfcc && ((o) - 0x0d00c) % 0x40 == 0))
#define DCA_RXCTRL_COUNT 128
#define DCA_RXCTRL_RESET 0x0000b200u
#define DCA_RXCTRL_DESC_DCA_EN 0x00000020u
#define DCA_RXCTRL_DESC_DCA_EN_SHIFT 5
#define DCA_RXCTRL_HEAD_DCA_EN 0x00000040u
#define DCA_RXCTRL_HEAD_DCA_EN_SHIFT 6
#define DCA_RXCTRL_DATA_DCA_EN 0x00000080u
#define DCA_RXCTRL_DATA_DCA_EN_SHIFT 7
#define DCA_RXCTRL_DESC_RRO_EN 0x00000200u
#define DCA_RXCTRL_DESC_RRO_EN_SHIFT 9
#define DCA_RXCTRL_BIT12 0x00001000u
#define DCA_RXCTRL_BIT12_SHIFT 12
#define DCA_RXCTRL_DATA_WRO_EN 0x00002000u
#define DCA_RXCTRL_DATA_WRO_EN_SHIFT 13
#define DCA_RXCTRL_HEAD_WRO_EN 0x00008000u
#define DCA_RXCTRL_HEAD_WRO_EN_SHIFT 15
#define DCA_RXCTRL_CPUID 0xff000000u
#define DCA_RXCTRL_CPUID_SHIFT 24

#define R_RDH(n) ((n) < 64 ? 0x01010u + 0x40u * ((n)) : 0x0d010u + 0x40u * ((n) - 64))
#define N_RDH(o) ((o) >= 0x01010 && (o) <= 0x01fd0 ? ((o) - 0x01010u) / 0x40u : 64u + ((o) - 0x0d010u) / 0x40u)
#define IS_RDH(o) (((o) >= 0x01010 && (o) <= 0x01fd0 && ((o) - 0x01010) % 0x40 == 0) || ((o) >= 0x0d010 && (o) <= 0x0dfd0 && ((o) - 0x0d010) % 0x40 == 0))
#define RDH_COUNT 128
#define RDH_RDH 0x0000ffffu
#define RDH_RDH_SHIFT 0

#define R_SRRCTL(n) ((n) < 64 ? 0x01014u + 0x40u * ((n)) : 0x0d014u + 0x40u * ((n) - 64))
#define N_SRRCTL(o) ((o) >= 0x01014 && (o) <= 0x01fd4 ? ((o) - 0x01014u) / 0x40u : 64u + ((o) - 0x0d014u) / 0x40u)
#define IS_SRRCTL(o) (((o) >= 0x01014 && (o) <= 0x01fd4 && ((o) - 0x01014) % 0x40 == 0) || ((o) >= 0x0d014 && (o) <= 0x0dfd4 && ((o) - 0x0d014) % 0x40 == 0))
#define SRRCTL_COUNT 128
#define SRRCTL_RESET 0x00000402u
#define SRRCTL_BSIZEPACKET 0x0000001fu
#define SRRCTL_BSIZEPACKET_SHIFT 0
#define SRRCTL_BSIZEHEADER 0x00003f00u
#define SRRCTL_BSIZEHEADER_SHIFT 8
#define SRRCTL_RDMTS 0x01c00000u
#define SRRCTL_RDMTS_SHIFT 22
#define SRRCTL_DESCTYPE 0x0e000000u
#define SRRCTL_DESCTYPE_SHIFT 25
#define SRRCTL_DESCTYPE_LEGACY 0x00000000u
#define SRRCTL_DESCTYPE_ADV_ONEBUF 0x02000000u
#define SRRCTL_DESCTYPE_HDR_SPLIT 0x04000000u
#define SRRCTL_DESCTYPE_HDR_SPLIT_ALWAYS 0x0a000000u
#define SRRCTL_DROP_EN 0x10000000u
#define SRRCTL_DROP_EN_SHIFT 28

#define R_RDT(n) ((n) < 64 ? 0x01018u + 0x40u * ((n)) : 0x0d018u + 0x40u * ((n) - 64))
#define N_RDT(o) ((o) >= 0x01018 && (o) <= 0x01fd8 ? ((o) - 0x01018u) / 0x40u : 64u + ((o) - 0x0d018u) / 0x40u)
#define IS_RDT(o) (((o) >= 0x01018 && (o) <= 0x01fd8 && ((o) - 0x01018) % 0x40 == 0) || ((o) >= 0x0d018 && (o) <= 0x0dfd8 && ((o) - 0x0d018) % 0x40 == 0))
#define RDT_COUNT 128
#define RDT_RDT 0x0000ffffu
#define RDT_RDT_SHIFT 0

#define R_PVFGPRC(n) (0x0101cu + 0x40u * ((n)))
#define N_PVFGPRC(o) (((o) - 0x0101cu) / 0x40u)
#define IS_PVFGPRC(o) (((o) >= 0x0101c && (o) <= 0x01fdc && ((o) - 0x0101c) % 0x40 == 0))
#define PVFGPRC_COUNT 64
#define PVFGPRC_VALUE 0xffffffffu
#define PVFGPRC_VALUE_SHIFT 0

#define R_PVFGORC_LSB(n) (0x01020u + 0x40u * ((n)))
#define N_PVFGORC_LSB(o) (((o) - 0x01020u) / 0x40u)
#define IS_PVFGORC_LSB(o) (((o) >= 0x01020 && (o) <= 0x01fe0 && ((o) - 0x01020) % 0x40 == 0))
#define PVFGORC_LSB_COUNT 64
#define PVFGORC_LSB_VALUE 0xffffffffu
#define PVFGORC_LSB_VALUE_SHIFT 0

#define R_RXDCTL(n) ((n) < 64 ? 0x01028u + 0x40u * ((n)) : 0x0d028u + 0x40u * ((n) - 64))
#define N_RXDCTL(o) ((o) >= 0x01028 && (o) <= 0x01fe8 ? ((o) - 0x01028u) / 0x40u : 64u + ((o) - 0x0d028u) / 0x40u)
#define IS_RXDCTL(o) (((o) >= 0x01028 && (o) <= 0x01fe8 && ((o) - 0x01028) % 0x40 == 0) || ((o) >= 0x0d028 && (o) <= 0x0dfe8 && ((o) - 0x0d028) % 0x40 == 0))
#define RXDCTL_COUNT 128
#define RXDCTL_RLPML 0x00007fffu
#define RXDCTL_RLPML_SHIFT 0
#define RXDCTL_RLPML_EN 0x00008000u
#define RXDCTL_RLPML_EN_SHIFT 15
#define RXDCTL_ENABLE 0x02000000u
#define RXDCTL_ENABLE_SHIFT 25
#define RXDCTL_SWFLSH 0x04000000u
#define RXDCTL_SWFLSH_SHIFT 26
#define RXDCTL_VME 0x40000000u
#define RXDCTL_VME_SHIFT 30

#define R_RSCCTL(n) ((n) < 64 ? 0x0102cu + 0x40u * ((n)) : 0x0d02cu + 0x40u * ((n) - 64))
#define N_RSCCTL(o) ((o) >= 0x0102c && (o) <= 0x01fec ? ((o) - 0x0102cu) / 0x40u : 64u + ((o) - 0x0d02cu) / 0x40u)
#define IS_RSCCTL(o) (((o) >= 0x0102c && (o) <= 0x01fec && ((o) - 0x0102c) % 0x40 == 0) || ((o) >= 0x0d02c && (o) <= 0x0dfec && ((o) - 0x0d02c) % 0x40 == 0))
#define RSCCTL_COUNT 128
#define RSCCTL_RSCEN 0x00000001u
#define RSCCTL_RSCEN_SHIFT 0
#define RSCCTL_MAXDESC 0x0000000cu
#define RSCCTL_MAXDESC_SHIFT 2
#define RSCCTL_MAXDESC_MAXDESC_1 0x00000000u
#define RSCCTL_MAXDESC_MAXDESC_4 0x00000004u
#define RSCCTL_MAXDESC_MAXDESC_8 0x00000008u
#define RSCCTL_MAXDESC_MAXDESC_16 0x0000000cu

#define R_QPRC(n) (0x01030u + 0x40u * ((n)))
#define N_QPRC(o) (((o) - 0x01030u) / 0x40u)
#define IS_QPRC(o) (((o) >= 0x01030 && (o) <= 0x013f0 && ((o) - 0x01030) % 0x40 == 0))
#define QPRC_COUNT 16
#define QPRC_VALUE 0xffffffffu
#define QPRC_VALUE_SHIFT 0

#define R_QBRC_L(n) (0x01034u + 0x40u * ((n)))
#define N_QBRC_L(o) (((o) - 0x01034u) / 0x40u)
#define IS_QBRC_L(o) (((o) >= 0x01034 && (o) <= 0x013f4 && ((o) - 0x01034) % 0x40 == 0))
#define QBRC_L_COUNT 16
#define QBRC_L_VALUE 0xffffffffu
#define QBRC_L_VALUE_SHIFT 0

#define R_QBRC_H(n) (0x01038u + 0x40u * ((n)))
#define N_QBRC_H(o) (((o) - 0x01038u) / 0x40u)
#define IS_QBRC_H(o) (((o) >= 0x01038 && (o) <= 0x013f8 && ((o) - 0x01038) % 0x40 == 0))
#define QBRC_H_COUNT 16
#define QBRC_H_VALUE 0x0000000fu
#define QBRC_H_VALUE_SHIFT 0

#define R_QPRDC(n) (0x01430u + 0x40u * ((n)))
#define N_QPRDC(o) (((o) - 0x01430u) / 0x40u)
#define IS_QPRDC(o) (((o) >= 0x01430 && (o) <= 0x017f0 && ((o) - 0x01430) % 0x40 == 0))
#define QPRDC_COUNT 16
#define QPRDC_VALUE 0xffffffffu
#define QPRDC_VALUE_SHIFT 0

#define R_RTRPT4C(n) (0x02140u + 0x4u * ((n)))
#define N_RTRPT4C(o) (((o) - 0x02140u) / 0x4u)
#define IS_RTRPT4C(o) (((o) >= 0x02140 && (o) <= 0x0215c && ((o) - 0x02140) % 0x4 == 0))
#define RTRPT4C_COUNT 8
#define RTRPT4C_VALUE 0xffffffffu
#define RTRPT4C_VALUE_SHIFT 0

#define R_RTRPT4S(n) (0x02160u + 0x4u * ((n)))
#define N_RTRPT4S(o) (((o) - 0x02160u) / 0x4u)
#define IS_RTRPT4S(o) (((o) >= 0x02160 && (o) <= 0x0217c && ((o) - 0x02160) % 0x4 == 0))
#define RTRPT4S_COUNT 8
#define RTRPT4S_VALUE 0xffffffffu
#define RTRPT4S_VALUE_SHIFT 0

#define R_RQSMR(n) (0x02300u + 0x4u * ((n)))
#define N_RQSMR(o) (((o) - 0x02300u) / 0x4u)
#define IS_RQSMR(o) (((o) >= 0x02300 && (o) <= 0x0237c && ((o) - 0x02300) % 0x4 == 0))
#define RQSMR_COUNT 32
#define RQSMR_MAP0 0x0000000fu
#define RQSMR_MAP0_SHIFT 0
#define RQSMR_MAP1 0x00000f00u
#define RQSMR_MAP1_SHIFT 8
#define RQSMR_MAP2 0x000f0000u
#define RQSMR_MAP2_SHIFT 16
#define RQSMR_MAP3 0x0f000000u
#define RQSMR_MAP3_SHIFT 24

#define R_FCPTRL 0x02410u
#define FCPTRL_COUNT 1
#define FCPTRL_VALUE 0xffffffffu
#define FCPTRL_VALUE_SHIFT 0

#define R_FCPTRH 0x02414u
#define FCPTRH_COUNT 1
#define FCPTRH_VALUE 0xffffffffu
#define FCPTRH_VALUE_SHIFT 0

#define R_FCBUFF 0x02418u
#define FCBUFF_COUNT 1
#define FCBUFF_VALUE 0xffffffffu
#define FCBUFF_VALUE_SHIFT 0

#define R_FCOERPDC 0x0241cu
#define FCOERPDC_COUNT 1
#define FCOERPDC_VALUE 0xffffffffu
#define FCOERPDC_VALUE_SHIFT 0

#define R_FCDMARW 0x02420u
#define FCDMARW_COUNT 1
#define FCDMARW_VALUE 0xffffffffu
#define FCDMARW_VALUE_SHIFT 0

#define R_FCLAST 0x02424u
#define FCLAST_COUNT 1
#define FCLAST_VALUE 0xffffffffu
#define FCLAST_VALUE_SHIFT 0

#define R_FCOEPRC 0x02428u
#define FCOEPRC_COUNT 1
#define FCOEPRC_VALUE 0xffffffffu
#define FCOEPRC_VALUE_SHIFT 0

#define R_FCOEDWRC 0x0242cu
#define FCOEDWRC_COUNT 1
#define FCOEDWRC_VALUE 0xffffffffu
#define FCOEDWRC_VALUE_SHIFT 0

#define R_RTRPCS 0x02430u
#define RTRPCS_COUNT 1
#define RTRPCS_RRM 0x00000002u
#define RTRPCS_RRM_SHIFT 1
#define RTRPCS_RAC 0x00000004u
#define RTRPCS_RAC_SHIFT 2
#define RTRPCS_RPPC 0xfffffff8u
#define RTRPCS_RPPC_SHIFT 3

#define R_RDSTAT(n) (0x02c00u + 0x4u * ((n)))
#define N_RDSTAT(o) (((o) - 0x02c00u) / 0x4u)
#define IS_RDSTAT(o) (((o) >= 0x02c00 && (o) <= 0x02c1c && ((o) - 0x02c00) % 0x4 == 0))
#define RDSTAT_COUNT 8
#define RDSTAT_VALUE 0xffffffffu
#define RDSTAT_VALUE_SHIFT 0

#define R_RDSTATCTL 0x02c20u
#define RDSTATCTL_COUNT 1
#define RDSTATCTL_VALUE 0xffffffffu
#define RDSTATCTL_VALUE_SHIFT 0

#define R_RDRXCTL 0x02f00u
#define RDRXCTL_COUNT 1
#define RDRXCTL_RESET 0x00100008u
#define RDRXCTL_RDMTS_1_2 0x00000001u
#define RDRXCTL_RDMTS_1_2_SHIFT 0
#define RDRXCTL_CRCSTRIP 0x00000002u
#define RDRXCTL_CRCSTRIP_SHIFT 1
#define RDRXCTL_MVMEN 0x00000004u
#define RDRXCTL_MVMEN_SHIFT 2
#define RDRXCTL_DMAIDONE 0x00000008u
#define RDRXCTL_DMAIDONE_SHIFT 3
#define RDRXCTL_AGGDIS 0x00010000u
#define RDRXCTL_AGGDIS_SHIFT 16
#define RDRXCTL_RSCFRSTSIZE 0x003e0000u
#define RDRXCTL_RSCFRSTSIZE_SHIFT 17
#define RDRXCTL_RSCLLIDIS 0x00800000u
#define RDRXCTL_RSCLLIDIS_SHIFT 23
#define RDRXCTL_RSCACKC 0x02000000u
#define RDRXCTL_RSCACKC_SHIFT 25
#define RDRXCTL_FCOE_WRFIX 0x04000000u
#define RDRXCTL_FCOE_WRFIX_SHIFT 26

#define R_PFQDE 0x02f04u
#define PFQDE_COUNT 1
#define PFQDE_QDE 0x00000001u
#define PFQDE_QDE_SHIFT 0
#define PFQDE_HIDE_VLAN 0x00000002u
#define PFQDE_HIDE_VLAN_SHIFT 1
#define PFQDE_IDX 0x00007f00u
#define PFQDE_IDX_SHIFT 8
#define PFQDE_WE 0x00010000u
#define PFQDE_WE_SHIFT 16
#define PFQDE_RE 0x00020000u
#define PFQDE_RE_SHIFT 17

#define R_RDHMPN 0x02f08u
#define RDHMPN_COUNT 1
#define RDHMPN_VALUE 0xffffffffu
#define RDHMPN_VALUE_SHIFT 0

#define R_RIC_DW(n) (0x02f10u + 0x4u * ((n)))
#define N_RIC_DW(o) (((o) - 0x02f10u) / 0x4u)
#define IS_RIC_DW(o) (((o) >= 0x02f10 && (o) <= 0x02f1c && ((o) - 0x02f10) % 0x4 == 0))
#define RIC_DW_COUNT 4
#define RIC_DW_VALUE 0xffffffffu
#define RIC_DW_VALUE_SHIFT 0

#define R_RDPROBE 0x02f20u
#define RDPROBE_COUNT 1
#define RDPROBE_VALUE 0xffffffffu
#define RDPROBE_VALUE_SHIFT 0

#define R_RDMAM 0x02f30u
#define RDMAM_COUNT 1
#define RDMAM_VALUE 0xffffffffu
#define RDMAM_VALUE_SHIFT 0

#define R_RDMAD 0x02f34u
#define RDMAD_COUNT 1
#define RDMAD_VALUE 0xffffffffu
#define RDMAD_VALUE_SHIFT 0

#define R_RXDSTATCTRL 0x02f40u
#define RXDSTATCTRL_COUNT 1
#define RXDSTATCTRL_VALUE 0xffffffffu
#define RXDSTATCTRL_VALUE_SHIFT 0

#define R_RXDGPC 0x02f50u
#define RXDGPC_COUNT 1
#define RXDGPC_VALUE 0xffffffffu
#define RXDGPC_VALUE_SHIFT 0

#define R_RXDGBCL 0x02f54u
#define RXDGBCL_COUNT 1
#define RXDGBCL_VALUE 0xffffffffu
#define RXDGBCL_VALUE_SHIFT 0

#define R_RXDGBCH 0x02f58u
#define RXDGBCH_COUNT 1
#define RXDGBCH_VALUE 0x0000000fu
#define RXDGBCH_VALUE_SHIFT 0

#define R_RXDDGPC 0x02f5cu
#define RXDDGPC_COUNT 1
#define RXDDGPC_VALUE 0xffffffffu
#define RXDDGPC_VALUE_SHIFT 0

#define R_RXDDGBCL 0x02f60u
#define RXDDGBCL_COUNT 1
#define RXDDGBCL_VALUE 0xffffffffu
#define RXDDGBCL_VALUE_SHIFT 0

#define R_RXDDGBCH 0x02f64u
#define RXDDGBCH_COUNT 1
#define RXDDGBCH_VALUE 0x0000000fu
#define RXDDGBCH_VALUE_SHIFT 0

#define R_RXLPBKGPC 0x02f68u
#define RXLPBKGPC_COUNT 1
#define RXLPBKGPC_VALUE 0xffffffffu
#define RXLPBKGPC_VALUE_SHIFT 0

#define R_RXLPBKGBCL 0x02f6cu
#define RXLPBKGBCL_COUNT 1
#define RXLPBKGBCL_VALUE 0xffffffffu
#define RXLPBKGBCL_VALUE_SHIFT 0

#define R_RXLPBKGBCH 0x02f70u
#define RXLPBKGBCH_COUNT 1
#define RXLPBKGBCH_VALUE 0x0000000fu
#define RXLPBKGBCH_VALUE_SHIFT 0

#define R_RXDLPBKGPC 0x02f74u
#define RXDLPBKGPC_COUNT 1
#define RXDLPBKGPC_VALUE 0xffffffffu
#define RXDLPBKGPC_VALUE_SHIFT 0

#define R_RXDLPBKGBCL 0x02f78u
#define RXDLPBKGBCL_COUNT 1
#define RXDLPBKGBCL_VALUE 0xffffffffu
#define RXDLPBKGBCL_VALUE_SHIFT 0

#define R_RXDLPBKGBCH 0x02f7cu
#define RXDLPBKGBCH_COUNT 1
#define RXDLPBKGBCH_VALUE 0x0000000fu
#define RXDLPBKGBCH_VALUE_SHIFT 0

#define R_RXCTRL 0x03000u
#define RXCTRL_COUNT 1
#define RXCTRL_RXEN 0x00000001u
#define RXCTRL_RXEN_SHIFT 0
#define RXCTRL_DMBYPS 0x00000002u
#define RXCTRL_DMBYPS_SHIFT 1

#define R_PFCTOP 0x03008u
#define PFCTOP_COUNT 1
#define PFCTOP_RESET 0x01018808u
#define PFCTOP_FCT 0x0000ffffu
#define PFCTOP_FCT_SHIFT 0
#define PFCTOP_FCOP 0xffff0000u
#define PFCTOP_FCOP_SHIFT 16

#define R_RTRUP2TC 0x03020u
#define RTRUP2TC_COUNT 1
#define RTRUP2TC_VALUE 0xffffffffu
#define RTRUP2TC_VALUE_SHIFT 0

#define R_RSCDBU 0x03028u
#define RSCDBU_COUNT 1
#define RSCDBU_RSCSMALDIS 0x0000007fu
#define RSCDBU_RSCSMALDIS_SHIFT 0
#define RSCDBU_RSCACKDIS 0x00000080u
#define RSCDBU_RSCACKDIS_SHIFT 7

#define R_RXWRPTR(n) (0x03100u + 0x4u * ((n)))
#define N_RXWRPTR(o) (((o) - 0x03100u) / 0x4u)
#define IS_RXWRPTR(o) (((o) >= 0x03100 && (o) <= 0x0311c && ((o) - 0x03100) % 0x4 == 0))
#define RXWRPTR_COUNT 8
#define RXWRPTR_VALUE 0xffffffffu
#define RXWRPTR_VALUE_SHIFT 0

#define R_RXUSED(n) (0x03120u + 0x4u * ((n)))
#define N_RXUSED(o) (((o) - 0x03120u) / 0x4u)
#define IS_RXUSED(o) (((o) >= 0x03120 && (o) <= 0x0313c && ((o) - 0x03120) % 0x4 == 0))
#define RXUSED_COUNT 8
#define RXUSED_VALUE 0xffffffffu
#define RXUSED_VALUE_SHIFT 0

#define R_RXRDPTR(n) (0x03140u + 0x4u * ((n)))
#define N_RXRDPTR(o) (((o) - 0x03140u) / 0x4u)
#define IS_RXRDPTR(o) (((o) >= 0x03140 && (o) <= 0x0315c && ((o) - 0x03140) % 0x4 == 0))
#define RXRDPTR_COUNT 8
#define RXRDPTR_VALUE 0xffffffffu
#define RXRDPTR_VALUE_SHIFT 0

#define R_RXRDWRPTR(n) (0x03160u + 0x4u * ((n)))
#define N_RXRDWRPTR(o) (((o) - 0x03160u) / 0x4u)
#define IS_RXRDWRPTR(o) (((o) >= 0x03160 && (o) <= 0x0317c && ((o) - 0x03160) % 0x4 == 0))
#define RXRDWRPTR_COUNT 8
#define RXRDWRPTR_VALUE 0xffffffffu
#define RXRDWRPTR_VALUE_SHIFT 0

#define R_RXMEMWRAP 0x03190u
#define RXMEMWRAP_COUNT 1
#define RXMEMWRAP_VALUE 0xffffffffu
#define RXMEMWRAP_VALUE_SHIFT 0

#define R_FCTTV(n) (0x03200u + 0x4u * ((n)))
#define N_FCTTV(o) (((o) - 0x03200u) / 0x4u)
#define IS_FCTTV(o) (((o) >= 0x03200 && (o) <= 0x0320c && ((o) - 0x03200) % 0x4 == 0))
#define FCTTV_COUNT 4
#define FCTTV_TTV0 0x0000ffffu
#define FCTTV_TTV0_SHIFT 0
#define FCTTV_TTV1 0xffff0000u
#define FCTTV_TTV1_SHIFT 16

#define R_FCRTL(n) (0x03220u + 0x4u * ((n)))
#define N_FCRTL(o) (((o) - 0x03220u) / 0x4u)
#define IS_FCRTL(o) (((o) >= 0x03220 && (o) <= 0x0323c && ((o) - 0x03220) % 0x4 == 0))
#define FCRTL_COUNT 8
#define FCRTL_RTL 0x0007fff0u
#define FCRTL_RTL_SHIFT 4
#define FCRTL_XONE 0x80000000u
#define FCRTL_XONE_SHIFT 31

#define R_PXON2OFFCNT(n) (0x03240u + 0x4u * ((n)))
#define N_PXON2OFFCNT(o) (((o) - 0x03240u) / 0x4u)
#define IS_PXON2OFFCNT(o) (((o) >= 0x03240 && (o) <= 0x0325c && ((o) - 0x03240) % 0x4 == 0))
#define PXON2OFFCNT_COUNT 8
#define PXON2OFFCNT_VALUE 0xffffffffu
#define PXON2OFFCNT_VALUE_SHIFT 0

#define R_FCRTH(n) (0x03260u + 0x4u * ((n)))
#define N_FCRTH(o) (((o) - 0x03260u) / 0x4u)
#define IS_FCRTH(o) (((o) >= 0x03260 && (o) <= 0x0327c && ((o) - 0x03260) % 0x4 == 0))
#define FCRTH_COUNT 8
#define FCRTH_RTH 0x0007fff0u
#define FCRTH_RTH_SHIFT 4
#define FCRTH_FCEN 0x80000000u
#define FCRTH_FCEN_SHIFT 31

#define R_FCRTV 0x032a0u
#define FCRTV_COUNT 1
#define FCRTV_FC_REFRESH_TH 0x0000ffffu
#define FCRTV_FC_REFRESH_TH_SHIFT 0

#define R_PBRXECC 0x03300u
#define PBRXECC_COUNT 1
#define PBRXECC_VALUE 0xffffffffu
#define PBRXECC_VALUE_SHIFT 0

#define R_RXBUFCTRL 0x03600u
#define RXBUFCTRL_COUNT 1
#define RXBUFCTRL_VALUE 0xffffffffu
#define RXBUFCTRL_VALUE_SHIFT 0

#define R_RXBUFDATA(n) (0x03610u + 0x4u * ((n)))
#define N_RXBUFDATA(o) (((o) - 0x03610u) / 0x4u)
#define IS_RXBUFDATA(o) (((o) >= 0x03610 && (o) <= 0x0361c && ((o) - 0x03610) % 0x4 == 0))
#define RXBUFDATA_COUNT 4
#define RXBUFDATA_VALUE 0xffffffffu
#define RXBUFDATA_VALUE_SHIFT 0

#define R_RXDATAWRPTR(n) (0x03700u + 0x4u * ((n)))
#define N_RXDATAWRPTR(o) (((o) - 0x03700u) / 0x4u)
#define IS_RXDATAWRPTR(o) (((o) >= 0x03700 && (o) <= 0x0370c && ((o) - 0x03700) % 0x4 == 0))
#define RXDATAWRPTR_COUNT 4
#define RXDATAWRPTR_VALUE 0xffffffffu
#define RXDATAWRPTR_VALUE_SHIFT 0

#define R_RXDESCWRPTR(n) (0x03710u + 0x4u * ((n)))
#define N_RXDESCWRPTR(o) (((o) - 0x03710u) / 0x4u)
#define IS_RXDESCWRPTR(o) (((o) >= 0x03710 && (o) <= 0x0371c && ((o) - 0x03710) % 0x4 == 0))
#define RXDESCWRPTR_COUNT 4
#define RXDESCWRPTR_VALUE 0xffffffffu
#define RXDESCWRPTR_VALUE_SHIFT 0

#define R_RXDATARDPTR(n) (0x03720u + 0x4u * ((n)))
#define N_RXDATARDPTR(o) (((o) - 0x03720u) / 0x4u)
#define IS_RXDATARDPTR(o) (((o) >= 0x03720 && (o) <= 0x0372c && ((o) - 0x03720) % 0x4 == 0))
#define RXDATARDPTR_COUNT 4
#define RXDATARDPTR_VALUE 0xffffffffu
#define RXDATARDPTR_VALUE_SHIFT 0

#define R_RXDESCRDPTR(n) (0x03730u + 0x4u * ((n)))
#define N_RXDESCRDPTR(o) (((o) - 0x03730u) / 0x4u)
#define IS_RXDESCRDPTR(o) (((o) >= 0x03730 && (o) <= 0x0373c && ((o) - 0x03730) % 0x4 == 0))
#define RXDESCRDPTR_COUNT 4
#define RXDESCRDPTR_VALUE 0xffffffffu
#define RXDESCRDPTR_VALUE_SHIFT 0

#define R_RXPBSIZE(n) (0x03c00u + 0x4u * ((n)))
#define N_RXPBSIZE(o) (((o) - 0x03c00u) / 0x4u)
#define IS_RXPBSIZE(o) (((o) >= 0x03c00 && (o) <= 0x03c1c && ((o) - 0x03c00) % 0x4 == 0))
#define RXPBSIZE_COUNT 8
#define RXPBSIZE_RESET 0x00080000u
#define RXPBSIZE_SIZE 0x000ffc00u
#define RXPBSIZE_SIZE_SHIFT 10

#define R_FCCFG 0x03d00u
#define FCCFG_COUNT 1
#define FCCFG_TFCE_802_3X 0x00000008u
#define FCCFG_TFCE_802_3X_SHIFT 3
#define FCCFG_TFCE_PRIORITY 0x00000010u
#define FCCFG_TFCE_PRIORITY_SHIFT 4

#define R_DROPEN 0x03d04u
#define DROPEN_COUNT 1
#define DROPEN_VALUE 0xffffffffu
#define DROPEN_VALUE_SHIFT 0

#define R_PXONTXC(n) (0x03f00u + 0x4u * ((n)))
#define N_PXONTXC(o) (((o) - 0x03f00u) / 0x4u)
#define IS_PXONTXC(o) (((o) >= 0x03f00 && (o) <= 0x03f1c && ((o) - 0x03f00) % 0x4 == 0))
#define PXONTXC_COUNT 8
#define PXONTXC_VALUE 0xffffffffu
#define PXONTXC_VALUE_SHIFT 0

#define R_PXOFFTXC(n) (0x03f20u + 0x4u * ((n)))
#define N_PXOFFTXC(o) (((o) - 0x03f20u) / 0x4u)
#define IS_PXOFFTXC(o) (((o) >= 0x03f20 && (o) <= 0x03f3c && ((o) - 0x03f20) % 0x4 == 0))
#define PXOFFTXC_COUNT 8
#define PXOFFTXC_VALUE 0xffffffffu
#define PXOFFTXC_VALUE_SHIFT 0

#define R_LXONTXC 0x03f60u
#define LXONTXC_COUNT 1
#define LXONTXC_VALUE 0xffffffffu
#define LXONTXC_VALUE_SHIFT 0

#define R_LXOFFTXC 0x03f68u
#define LXOFFTXC_COUNT 1
#define LXOFFTXC_VALUE 0xffffffffu
#define LXOFFTXC_VALUE_SHIFT 0

#define R_MPC(n) (0x03fa0u + 0x4u * ((n)))
#define N_MPC(o) (((o) - 0x03fa0u) / 0x4u)
#define IS_MPC(o) (((o) >= 0x03fa0 && (o) <= 0x03fbc && ((o) - 0x03fa0) % 0x4 == 0))
#define MPC_COUNT 8
#define MPC_VALUE 0xffffffffu
#define MPC_VALUE_SHIFT 0

#define R_FCINVST(n) (0x03fc0u + 0x4u * ((n)))
#define N_FCINVST(o) (((o) - 0x03fc0u) / 0x4u)
#define IS_FCINVST(o) (((o) >= 0x03fc0 && (o) <= 0x03fdc && ((o) - 0x03fc0) % 0x4 == 0))
#define FCINVST_COUNT 8
#define FCINVST_VALUE 0xffffffffu
#define FCINVST_VALUE_SHIFT 0

#define R_CRCERRS 0x04000u
#define CRCERRS_COUNT 1
#define CRCERRS_VALUE 0xffffffffu
#define CRCERRS_VALUE_SHIFT 0

#define R_ILLERRC 0x04004u
#define ILLERRC_COUNT 1
#define ILLERRC_VALUE 0xffffffffu
#define ILLERRC_VALUE_SHIFT 0

#define R_ERRBC 0x04008u
#define ERRBC_COUNT 1
#define ERRBC_VALUE 0xffffffffu
#define ERRBC_VALUE_SHIFT 0

#define R_MSPDC 0x04010u
#define MSPDC_COUNT 1
#define MSPDC_VALUE 0xffffffffu
#define MSPDC_VALUE_SHIFT 0

#define R_MLFC 0x04034u
#define MLFC_COUNT 1
#define MLFC_VALUE 0xffffffffu
#define MLFC_VALUE_SHIFT 0

#define R_MRFC 0x04038u
#define MRFC_COUNT 1
#define MRFC_VALUE 0xffffffffu
#define MRFC_VALUE_SHIFT 0

#define R_RLEC 0x04040u
#define RLEC_COUNT 1
#define RLEC_VALUE 0xffffffffu
#define RLEC_VALUE_SHIFT 0

#define R_PRC64 0x0405cu
#define PRC64_COUNT 1
#define PRC64_VALUE 0xffffffffu
#define PRC64_VALUE_SHIFT 0

#define R_PRC127 0x04060u
#define PRC127_COUNT 1
#define PRC127_VALUE 0xffffffffu
#define PRC127_VALUE_SHIFT 0

#define R_PRC255 0x04064u
#define PRC255_COUNT 1
#define PRC255_VALUE 0xffffffffu
#define PRC255_VALUE_SHIFT 0

#define R_PRC511 0x04068u
#define PRC511_COUNT 1
#define PRC511_VALUE 0xffffffffu
#define PRC511_VALUE_SHIFT 0

#define R_PRC1023 0x0406cu
#define PRC1023_COUNT 1
#define PRC1023_VALUE 0xffffffffu
#define PRC1023_VALUE_SHIFT 0

#define R_PRC1522 0x04070u
#define PRC1522_COUNT 1
#define PRC1522_VALUE 0xffffffffu
#define PRC1522_VALUE_SHIFT 0

#define R_GPRC 0x04074u
#define GPRC_COUNT 1
#define GPRC_VALUE 0xffffffffu
#define GPRC_VALUE_SHIFT 0

#define R_BPRC 0x04078u
#define BPRC_COUNT 1
#define BPRC_VALUE 0xffffffffu
#define BPRC_VALUE_SHIFT 0

#define R_MPRC 0x0407cu
#define MPRC_COUNT 1
#define MPRC_VALUE 0xffffffffu
#define MPRC_VALUE_SHIFT 0

#define R_GPTC 0x04080u
#define GPTC_COUNT 1
#define GPTC_VALUE 0xffffffffu
#define GPTC_VALUE_SHIFT 0

#define R_GORCL 0x04088u
#define GORCL_COUNT 1
#define GORCL_VALUE 0xffffffffu
#define GORCL_VALUE_SHIFT 0

#define R_GORCH 0x0408cu
#define GORCH_COUNT 1
#define GORCH_VALUE 0x0000000fu
#define GORCH_VALUE_SHIFT 0

#define R_GOTCL 0x04090u
#define GOTCL_COUNT 1
#define GOTCL_VALUE 0xffffffffu
#define GOTCL_VALUE_SHIFT 0

#define R_GOTCH 0x04094u
#define GOTCH_COUNT 1
#define GOTCH_VALUE 0x0000000fu
#define GOTCH_VALUE_SHIFT 0

#define R_RUC 0x040a4u
#define RUC_COUNT 1
#define RUC_VALUE 0xffffffffu
#define RUC_VALUE_SHIFT 0

#define R_RFC 0x040a8u
#define RFC_COUNT 1
#define RFC_VALUE 0xffffffffu
#define RFC_VALUE_SHIFT 0

#define R_ROC 0x040acu
#define ROC_COUNT 1
#define ROC_VALUE 0xffffffffu
#define ROC_VALUE_SHIFT 0

#define R_RJC 0x040b0u
#define RJC_COUNT 1
#define RJC_VALUE 0xffffffffu
#define RJC_VALUE_SHIFT 0

#define R_MNGPRC 0x040b4u
#define MNGPRC_COUNT 1
#define MNGPRC_VALUE 0xffffffffu
#define MNGPRC_VALUE_SHIFT 0

#define R_MNGPDC 0x040b8u
#define MNGPDC_COUNT 1
#define MNGPDC_VALUE 0xffffffffu
#define MNGPDC_VALUE_SHIFT 0

#define R_TORL 0x040c0u
#define TORL_COUNT 1
#define TORL_VALUE 0xffffffffu
#define TORL_VALUE_SHIFT 0

#define R_TORH 0x040c4u
#define TORH_COUNT 1
#define TORH_VALUE 0x0000000fu
#define TORH_VALUE_SHIFT 0

#define R_TPR 0x040d0u
#define TPR_COUNT 1
#define TPR_VALUE 0xffffffffu
#define TPR_VALUE_SHIFT 0

#define R_TPT 0x040d4u
#define TPT_COUNT 1
#define TPT_VALUE 0xffffffffu
#define TPT_VALUE_SHIFT 0

#define R_PTC64 0x040d8u
#define PTC64_COUNT 1
#define PTC64_VALUE 0xffffffffu
#define PTC64_VALUE_SHIFT 0

#define R_PTC127 0x040dcu
#define PTC127_COUNT 1
#define PTC127_VALUE 0xffffffffu
#define PTC127_VALUE_SHIFT 0

#define R_PTC255 0x040e0u
#define PTC255_COUNT 1
#define PTC255_VALUE 0xffffffffu
#define PTC255_VALUE_SHIFT 0

#define R_PTC511 0x040e4u
#define PTC511_COUNT 1
#define PTC511_VALUE 0xffffffffu
#define PTC511_VALUE_SHIFT 0

#define R_PTC1023 0x040e8u
#define PTC1023_COUNT 1
#define PTC1023_VALUE 0xffffffffu
#define PTC1023_VALUE_SHIFT 0

#define R_PTC1522 0x040ecu
#define PTC1522_COUNT 1
#define PTC1522_VALUE 0xffffffffu
#define PTC1522_VALUE_SHIFT 0

#define R_MPTC 0x040f0u
#define MPTC_COUNT 1
#define MPTC_VALUE 0xffffffffu
#define MPTC_VALUE_SHIFT 0

#define R_BPTC 0x040f4u
#define BPTC_COUNT 1
#define BPTC_VALUE 0xffffffffu
#define BPTC_VALUE_SHIFT 0

#define R_XEC 0x04120u
#define XEC_COUNT 1
#define XEC_VALUE 0xffffffffu
#define XEC_VALUE_SHIFT 0

#define R_PXONRXCNT(n) (0x04140u + 0x4u * ((n)))
#define N_PXONRXCNT(o) (((o) - 0x04140u) / 0x4u)
#define IS_PXONRXCNT(o) (((o) >= 0x04140 && (o) <= 0x0415c && ((o) - 0x04140) % 0x4 == 0))
#define PXONRXCNT_COUNT 8
#define PXONRXCNT_VALUE 0xffffffffu
#define PXONRXCNT_VALUE_SHIFT 0

#define R_PXOFFRXCNT(n) (0x04160u + 0x4u * ((n)))
#define N_PXOFFRXCNT(o) (((o) - 0x04160u) / 0x4u)
#define IS_PXOFFRXCNT(o) (((o) >= 0x04160 && (o) <= 0x0417c && ((o) - 0x04160) % 0x4 == 0))
#define PXOFFRXCNT_COUNT 8
#define PXOFFRXCNT_VALUE 0xffffffffu
#define PXOFFRXCNT_VALUE_SHIFT 0

#define R_LXONRXCNT 0x041a4u
#define LXONRXCNT_COUNT 1
#define LXONRXCNT_VALUE 0xffffffffu
#define LXONRXCNT_VALUE_SHIFT 0

#define R_LXOFFRXCNT 0x041a8u
#define LXOFFRXCNT_COUNT 1
#define LXOFFRXCNT_VALUE 0xffffffffu
#define LXOFFRXCNT_VALUE_SHIFT 0

#define R_RXNFGPC 0x041b0u
#define RXNFGPC_COUNT 1
#define RXNFGPC_VALUE 0xffffffffu
#define RXNFGPC_VALUE_SHIFT 0

#define R_RXNFGBCL 0x041b4u
#define RXNFGBCL_COUNT 1
#define RXNFGBCL_VALUE 0xffffffffu
#define RXNFGBCL_VALUE_SHIFT 0

#define R_RXNFGBCH 0x041b8u
#define RXNFGBCH_COUNT 1
#define RXNFGBCH_VALUE 0x0000000fu
#define RXNFGBCH_VALUE_SHIFT 0

#define R_PCS1GCFIG 0x04200u
#define PCS1GCFIG_COUNT 1
#define PCS1GCFIG_VALUE 0xffffffffu
#define PCS1GCFIG_VALUE_SHIFT 0

#define R_PCS1GLCTL 0x04208u
#define PCS1GLCTL_COUNT 1
#define PCS1GLCTL_VALUE 0xffffffffu
#define PCS1GLCTL_VALUE_SHIFT 0

#define R_PCS1GLSTA 0x0420cu
#define PCS1GLSTA_COUNT 1
#define PCS1GLSTA_LINK_OK 0x00000001u
#define PCS1GLSTA_LINK_OK_SHIFT 0
#define PCS1GLSTA_SYNC_OK 0x00000010u
#define PCS1GLSTA_SYNC_OK_SHIFT 4
#define PCS1GLSTA_AN_COMPLETE 0x00010000u
#define PCS1GLSTA_AN_COMPLETE_SHIFT 16
#define PCS1GLSTA_AN_PAGE_RX 0x00020000u
#define PCS1GLSTA_AN_PAGE_RX_SHIFT 17
#define PCS1GLSTA_AN_TIMED_OUT 0x00040000u
#define PCS1GLSTA_AN_TIMED_OUT_SHIFT 18

#define R_PCS1GDBG0 0x04210u
#define PCS1GDBG0_COUNT 1
#define PCS1GDBG0_VALUE 0xffffffffu
#define PCS1GDBG0_VALUE_SHIFT 0

#define R_PCS1GDBG1 0x04214u
#define PCS1GDBG1_COUNT 1
#define PCS1GDBG1_VALUE 0xffffffffu
#define PCS1GDBG1_VALUE_SHIFT 0

#define R_PCS1GANA 0x04218u
#define PCS1GANA_COUNT 1
#define PCS1GANA_VALUE 0xffffffffu
#define PCS1GANA_VALUE_SHIFT 0

#define R_PCS1GANLP 0x0421cu
#define PCS1GANLP_COUNT 1
#define PCS1GANLP_FULL_DUPLEX 0x00000020u
#define PCS1GANLP_FULL_DUPLEX_SHIFT 5
#define PCS1GANLP_HALF_DUPLEX 0x00000040u
#define PCS1GANLP_HALF_DUPLEX_SHIFT 6
#define PCS1GANLP_SYM_PAUSE 0x00000080u
#define PCS1GANLP_SYM_PAUSE_SHIFT 7
#define PCS1GANLP_ASM_PAUSE 0x00000100u
#define PCS1GANLP_ASM_PAUSE_SHIFT 8
#define PCS1GANLP_FAULT 0x00003000u
#define PCS1GANLP_FAULT_SHIFT 12
#define PCS1GANLP_ACK 0x00004000u
#define PCS1GANLP_ACK_SHIFT 14
#define PCS1GANLP_NEXT_PAGE 0x00008000u
#define PCS1GANLP_NEXT_PAGE_SHIFT 15

#define R_PCS1GANNP 0x04220u
#define PCS1GANNP_COUNT 1
#define PCS1GANNP_VALUE 0xffffffffu
#define PCS1GANNP_VALUE_SHIFT 0

#define R_PCS1GANLPNP 0x04224u
#define PCS1GANLPNP_COUNT 1
#define PCS1GANLPNP_VALUE 0xffffffffu
#define PCS1GANLPNP_VALUE_SHIFT 0

#define R_HLREG0 0x04240u
#define HLREG0_COUNT 1
#define HLREG0_RESET 0x08012c0bu
#define HLREG0_TXCRCEN 0x00000001u
#define HLREG0_TXCRCEN_SHIFT 0
#define HLREG0_RXCRCSTRP 0x00000002u
#define HLREG0_RXCRCSTRP_SHIFT 1
#define HLREG0_JUMBOEN 0x00000004u
#define HLREG0_JUMBOEN_SHIFT 2
#define HLREG0_RESERVED3 0x00000008u
#define HLREG0_RESERVED3_SHIFT 3
#define HLREG0_TXPADEN 0x00000400u
#define HLREG0_TXPADEN_SHIFT 10
#define HLREG0_RESERVED11 0x00000800u
#define HLREG0_RESERVED11_SHIFT 11
#define HLREG0_RESERVED13 0x00002000u
#define HLREG0_RESERVED13_SHIFT 13
#define HLREG0_LPBK 0x00008000u
#define HLREG0_LPBK_SHIFT 15
#define HLREG0_MDCSPD 0x00010000u
#define HLREG0_MDCSPD_SHIFT 16
#define HLREG0_CONTMDC 0x00020000u
#define HLREG0_CONTMDC_SHIFT 17
#define HLREG0_CTRLFLTR 0x00040000u
#define HLREG0_CTRLFLTR_SHIFT 18
#define HLREG0_PREPEND 0x00f00000u
#define HLREG0_PREPEND_SHIFT 20
#define HLREG0_PRIPADEN 0x01000000u
#define HLREG0_PRIPADEN_SHIFT 24
#define HLREG0_RXLNGTHERREN 0x08000000u
#define HLREG0_RXLNGTHERREN_SHIFT 27
#define HLREG0_RXPADSTRIPEN 0x10000000u
#define HLREG0_RXPADSTRIPEN_SHIFT 28

#define R_HLREG1 0x04244u
#define HLREG1_COUNT 1
#define HLREG1_VALUE 0xffffffffu
#define HLREG1_VALUE_SHIFT 0

#define R_PAP 0x04248u
#define PAP_COUNT 1
#define PAP_VALUE 0xffffffffu
#define PAP_VALUE_SHIFT 0

#define R_MACA 0x0424cu
#define MACA_COUNT 1
#define MACA_VALUE 0xffffffffu
#define MACA_VALUE_SHIFT 0

#define R_APAE 0x04250u
#define APAE_COUNT 1
#define APAE_VALUE 0xffffffffu
#define APAE_VALUE_SHIFT 0

#define R_ARD 0x04254u
#define ARD_COUNT 1
#define ARD_VALUE 0xffffffffu
#define ARD_VALUE_SHIFT 0

#define R_AIS 0x04258u
#define AIS_COUNT 1
#define AIS_VALUE 0xffffffffu
#define AIS_VALUE_SHIFT 0

#define R_MSCA 0x0425cu
#define MSCA_COUNT 1
#define MSCA_NP_ADDR 0x0000ffffu
#define MSCA_NP_ADDR_SHIFT 0
#define MSCA_DEV_TYPE 0x001f0000u
#define MSCA_DEV_TYPE_SHIFT 16
#define MSCA_PHY_ADDR 0x03e00000u
#define MSCA_PHY_ADDR_SHIFT 21
#define MSCA_OP_CODE 0x0c000000u
#define MSCA_OP_CODE_SHIFT 26
#define MSCA_OP_CODE_ADDR 0x00000000u
#define MSCA_OP_CODE_WRITE 0x04000000u
#define MSCA_OP_CODE_READ_AUTOINC 0x08000000u
#define MSCA_OP_CODE_READ 0x0c000000u
#define MSCA_ST_CODE 0x30000000u
#define MSCA_ST_CODE_SHIFT 28
#define MSCA_MDI_COMMAND 0x40000000u
#define MSCA_MDI_COMMAND_SHIFT 30
#define MSCA_MDI_IN_PROG_EN 0x80000000u
#define MSCA_MDI_IN_PROG_EN_SHIFT 31

#define R_MSRWD 0x04260u
#define MSRWD_COUNT 1
#define MSRWD_WRITE_DATA 0x0000ffffu
#define MSRWD_WRITE_DATA_SHIFT 0
#define MSRWD_READ_DATA 0xffff0000u
#define MSRWD_READ_DATA_SHIFT 16

#define R_MLADD 0x04264u
#define MLADD_COUNT 1
#define MLADD_VALUE 0xffffffffu
#define MLADD_VALUE_SHIFT 0

#define R_MAXFRS 0x04268u
#define MAXFRS_COUNT 1
#define MAXFRS_RESET 0x05ee0000u
#define MAXFRS_MFS 0xffff0000u
#define MAXFRS_MFS_SHIFT 16

#define R_TREG 0x0426cu
#define TREG_COUNT 1
#define TREG_VALUE 0xffffffffu
#define TREG_VALUE_SHIFT 0

#define R_PCSS1 0x04288u
#define PCSS1_COUNT 1
#define PCSS1_VALUE 0xffffffffu
#define PCSS1_VALUE_SHIFT 0

#define R_PCSS2 0x0428cu
#define PCSS2_COUNT 1
#define PCSS2_VALUE 0xffffffffu
#define PCSS2_VALUE_SHIFT 0

#define R_XPCSS 0x04290u
#define XPCSS_COUNT 1
#define XPCSS_VALUE 0xffffffffu
#define XPCSS_VALUE_SHIFT 0

#define R_MFLCN 0x04294u
#define MFLCN_COUNT 1
#define MFLCN_PMCF 0x00000001u
#define MFLCN_PMCF_SHIFT 0
#define MFLCN_DPF 0x00000002u
#define MFLCN_DPF_SHIFT 1
#define MFLCN_RPFCE 0x00000004u
#define MFLCN_RPFCE_SHIFT 2
#define MFLCN_RFCE 0x00000008u
#define MFLCN_RFCE_SHIFT 3
#define MFLCN_RPFCE_TC 0x00000ff0u
#define MFLCN_RPFCE_TC_SHIFT 4

#define R_SERDESC 0x04298u
#define SERDESC_COUNT 1
#define SERDESC_VALUE 0xffffffffu
#define SERDESC_VALUE_SHIFT 0

#define R_MACS 0x0429cu
#define MACS_COUNT 1
#define MACS_VALUE 0xffffffffu
#define MACS_VALUE_SHIFT 0

#define R_AUTOC 0x042a0u
#define AUTOC_COUNT 1
#define AUTOC_RESET 0x00006000u
#define AUTOC_FLU 0x00000001u
#define AUTOC_FLU_SHIFT 0
#define AUTOC_ANACK2 0x00000002u
#define AUTOC_ANACK2_SHIFT 1
#define AUTOC_ANSF 0x0000007cu
#define AUTOC_ANSF_SHIFT 2
#define AUTOC_PMA_PMD_10G 0x00000180u
#define AUTOC_PMA_PMD_10G_SHIFT 7
#define AUTOC_PMA_PMD_1G 0x00000200u
#define AUTOC_PMA_PMD_1G_SHIFT 9
#define AUTOC_D10GMP 0x00000400u
#define AUTOC_D10GMP_SHIFT 10
#define AUTOC_RATD 0x00000800u
#define AUTOC_RATD_SHIFT 11
#define AUTOC_AN_RESTART 0x00001000u
#define AUTOC_AN_RESTART_SHIFT 12
#define AUTOC_LMS 0x0000e000u
#define AUTOC_LMS_SHIFT 13
#define AUTOC_LMS_LMS_1G_NO_AN 0x00000000u
#define AUTOC_LMS_LMS_10G_NO_AN 0x00002000u
#define AUTOC_LMS_LMS_1G_AN 0x00004000u
#define AUTOC_LMS_LMS_10G_SERIAL 0x00006000u
#define AUTOC_LMS_LMS_KX4_KX_KR 0x00008000u
#define AUTOC_LMS_LMS_SGMII_1G_100M 0x0000a000u
#define AUTOC_LMS_LMS_KX4_KX_KR_1G_AN 0x0000c000u
#define AUTOC_LMS_LMS_KX4_KX_KR_SGMII 0x0000e000u
#define AUTOC_KR_SUPP 0x00010000u
#define AUTOC_KR_SUPP_SHIFT 16
#define AUTOC_FECR 0x00020000u
#define AUTOC_FECR_SHIFT 17
#define AUTOC_FECA 0x00040000u
#define AUTOC_FECA_SHIFT 18
#define AUTOC_AN_RX_ALIGN 0x00780000u
#define AUTOC_AN_RX_ALIGN_SHIFT 19
#define AUTOC_AN_RX_DRIFT 0x00800000u
#define AUTOC_AN_RX_DRIFT_SHIFT 23
#define AUTOC_AN_RX_LOOSE 0x01000000u
#define AUTOC_AN_RX_LOOSE_SHIFT 24
#define AUTOC_PD_TMR 0x06000000u
#define AUTOC_PD_TMR_SHIFT 25
#define AUTOC_RF 0x08000000u
#define AUTOC_RF_SHIFT 27
#define AUTOC_SYM_PAUSE 0x10000000u
#define AUTOC_SYM_PAUSE_SHIFT 28
#define AUTOC_ASM_PAUSE 0x20000000u
#define AUTOC_ASM_PAUSE_SHIFT 29
#define AUTOC_KX_SUPP 0x40000000u
#define AUTOC_KX_SUPP_SHIFT 30
#define AUTOC_KX4_SUPP 0x80000000u
#define AUTOC_KX4_SUPP_SHIFT 31

#define R_LINKS 0x042a4u
#define LINKS_COUNT 1
#define LINKS_PCS_LOW 0x0000007fu
#define LINKS_PCS_LOW_SHIFT 0
#define LINKS_NOT_DOWN 0x00000080u
#define LINKS_NOT_DOWN_SHIFT 7
#define LINKS_PCS 0x0fffff00u
#define LINKS_PCS_SHIFT 8
#define LINKS_SPEED 0x30000000u
#define LINKS_SPEED_SHIFT 28
#define LINKS_SPEED_NONE 0x00000000u
#define LINKS_SPEED_SPEED_100 0x10000000u
#define LINKS_SPEED_SPEED_1G 0x20000000u
#define LINKS_SPEED_SPEED_10G 0x30000000u
#define LINKS_UP 0x40000000u
#define LINKS_UP_SHIFT 30
#define LINKS_AN_COMP 0x80000000u
#define LINKS_AN_COMP_SHIFT 31

#define R_AUTOC2 0x042a8u
#define AUTOC2_COUNT 1
#define AUTOC2_RESET 0x00020000u
#define AUTOC2_STORE 0x0000ffffu
#define AUTOC2_STORE_SHIFT 0
#define AUTOC2_PMA_PMD_10G_SERIAL 0x00030000u
#define AUTOC2_PMA_PMD_10G_SERIAL_SHIFT 16
#define AUTOC2_PMA_PMD_10G_SERIAL_KR 0x00000000u
#define AUTOC2_PMA_PMD_10G_SERIAL_XFI 0x00010000u
#define AUTOC2_PMA_PMD_10G_SERIAL_SFI 0x00020000u
#define AUTOC2_STORE18 0x0ffc0000u
#define AUTOC2_STORE18_SHIFT 18
#define AUTOC2_LINK_DISABLE_ON_D3 0x10000000u
#define AUTOC2_LINK_DISABLE_ON_D3_SHIFT 28
#define AUTOC2_LINK_DISABLE 0x20000000u
#define AUTOC2_LINK_DISABLE_SHIFT 29
#define AUTOC2_LINK_DISABLE_ON_D3_MASK 0x40000000u
#define AUTOC2_LINK_DISABLE_ON_D3_MASK_SHIFT 30
#define AUTOC2_STORE31 0x80000000u
#define AUTOC2_STORE31_SHIFT 31

#define R_AUTOC3 0x042acu
#define AUTOC3_COUNT 1
#define AUTOC3_VALUE 0xffffffffu
#define AUTOC3_VALUE_SHIFT 0

#define R_ANLP1 0x042b0u
#define ANLP1_COUNT 1
#define ANLP1_RESET 0x00010000u
#define ANLP1_LP 0x0000ffffu
#define ANLP1_LP_SHIFT 0
#define ANLP1_AN_STATE 0x000f0000u
#define ANLP1_AN_STATE_SHIFT 16
#define ANLP1_LP_HIGH 0xfff00000u
#define ANLP1_LP_HIGH_SHIFT 20

#define R_ANLP2 0x042b4u
#define ANLP2_COUNT 1
#define ANLP2_VALUE 0xffffffffu
#define ANLP2_VALUE_SHIFT 0

#define R_MDFTC1 0x042b8u
#define MDFTC1_COUNT 1
#define MDFTC1_VALUE 0xffffffffu
#define MDFTC1_VALUE_SHIFT 0

#define R_MDFTC2 0x042c0u
#define MDFTC2_COUNT 1
#define MDFTC2_VALUE 0xffffffffu
#define MDFTC2_VALUE_SHIFT 0

#define R_MDFTFIFO1 0x042c4u
#define MDFTFIFO1_COUNT 1
#define MDFTFIFO1_VALUE 0xffffffffu
#define MDFTFIFO1_VALUE_SHIFT 0

#define R_MDFTFIFO2 0x042c8u
#define MDFTFIFO2_COUNT 1
#define MDFTFIFO2_VALUE 0xffffffffu
#define MDFTFIFO2_VALUE_SHIFT 0

#define R_MDFTS 0x042ccu
#define MDFTS_COUNT 1
#define MDFTS_VALUE 0xffffffffu
#define MDFTS_VALUE_SHIFT 0

#define R_MMNGC 0x042d0u
#define MMNGC_COUNT 1
#define MMNGC_MNG_VETO 0x00000001u
#define MMNGC_MNG_VETO_SHIFT 0

#define R_ANLPNP1 0x042d4u
#define ANLPNP1_COUNT 1
#define ANLPNP1_VALUE 0xffffffffu
#define ANLPNP1_VALUE_SHIFT 0

#define R_ANLPNP2 0x042d8u
#define ANLPNP2_COUNT 1
#define ANLPNP2_VALUE 0xffffffffu
#define ANLPNP2_VALUE_SHIFT 0

#define R_KRPCSFC 0x042e0u
#define KRPCSFC_COUNT 1
#define KRPCSFC_VALUE 0xffffffffu
#define KRPCSFC_VALUE_SHIFT 0

#define R_KRPCSS 0x042e4u
#define KRPCSS_COUNT 1
#define KRPCSS_VALUE 0xffffffffu
#define KRPCSS_VALUE_SHIFT 0

#define R_FECS1 0x042e8u
#define FECS1_COUNT 1
#define FECS1_VALUE 0xffffffffu
#define FECS1_VALUE_SHIFT 0

#define R_FECS2 0x042ecu
#define FECS2_COUNT 1
#define FECS2_VALUE 0xffffffffu
#define FECS2_VALUE_SHIFT 0

#define R_SGMIIC 0x04314u
#define SGMIIC_COUNT 1
#define SGMIIC_VALUE 0xffffffffu
#define SGMIIC_VALUE_SHIFT 0

#define R_MPVC 0x04318u
#define MPVC_COUNT 1
#define MPVC_VALUE 0xffffffffu
#define MPVC_VALUE_SHIFT 0

#define R_LINKS2 0x04324u
#define LINKS2_COUNT 1
#define LINKS2_VALUE 0xffffffffu
#define LINKS2_VALUE_SHIFT 0

#define R_MACC 0x04330u
#define MACC_COUNT 1
#define MACC_VALUE 0xffffffffu
#define MACC_VALUE_SHIFT 0

#define R_ATLASCTL 0x04800u
#define ATLASCTL_COUNT 1
#define ATLASCTL_VALUE 0xffffffffu
#define ATLASCTL_VALUE_SHIFT 0

#define R_RTTDCS 0x04900u
#define RTTDCS_COUNT 1
#define RTTDCS_RESET 0x00c00000u
#define RTTDCS_TDPAC 0x00000001u
#define RTTDCS_TDPAC_SHIFT 0
#define RTTDCS_VMPAC 0x00000002u
#define RTTDCS_VMPAC_SHIFT 1
#define RTTDCS_TDRM 0x00000010u
#define RTTDCS_TDRM_SHIFT 4
#define RTTDCS_ARBDIS 0x00000040u
#define RTTDCS_ARBDIS_SHIFT 6
#define RTTDCS_BDPM 0x00400000u
#define RTTDCS_BDPM_SHIFT 22
#define RTTDCS_BPBFSM 0x00800000u
#define RTTDCS_BPBFSM_SHIFT 23
#define RTTDCS_SPEED_CHG 0x80000000u
#define RTTDCS_SPEED_CHG_SHIFT 31

#define R_RTTDQSEL 0x04904u
#define RTTDQSEL_COUNT 1
#define RTTDQSEL_TXDQ_IDX 0x0000007fu
#define RTTDQSEL_TXDQ_IDX_SHIFT 0

#define R_RTTDT1C 0x04908u
#define RTTDT1C_COUNT 1
#define RTTDT1C_CRQ 0x00003fffu
#define RTTDT1C_CRQ_SHIFT 0
#define RTTDT1C_STORE 0xffffc000u
#define RTTDT1C_STORE_SHIFT 14

#define R_RTTDT1S 0x0490cu
#define RTTDT1S_COUNT 1
#define RTTDT1S_VALUE 0xffffffffu
#define RTTDT1S_VALUE_SHIFT 0

#define R_RTTDT2C(n) (0x04910u + 0x4u * ((n)))
#define N_RTTDT2C(o) (((o) - 0x04910u) / 0x4u)
#define IS_RTTDT2C(o) (((o) >= 0x04910 && (o) <= 0x0492c && ((o) - 0x04910) % 0x4 == 0))
#define RTTDT2C_COUNT 8
#define RTTDT2C_CRQ 0x000001ffu
#define RTTDT2C_CRQ_SHIFT 0
#define RTTDT2C_BWG 0x00000e00u
#define RTTDT2C_BWG_SHIFT 9
#define RTTDT2C_MCL 0x00fff000u
#define RTTDT2C_MCL_SHIFT 12
#define RTTDT2C_GSP 0x40000000u
#define RTTDT2C_GSP_SHIFT 30
#define RTTDT2C_LSP 0x80000000u
#define RTTDT2C_LSP_SHIFT 31

#define R_RTTDT2S(n) (0x04930u + 0x4u * ((n)))
#define N_RTTDT2S(o) (((o) - 0x04930u) / 0x4u)
#define IS_RTTDT2S(o) (((o) >= 0x04930 && (o) <= 0x0494c && ((o) - 0x04930) % 0x4 == 0))
#define RTTDT2S_COUNT 8
#define RTTDT2S_VALUE 0xffffffffu
#define RTTDT2S_VALUE_SHIFT 0

#define R_TXPBTHRESH(n) (0x04950u + 0x4u * ((n)))
#define N_TXPBTHRESH(o) (((o) - 0x04950u) / 0x4u)
#define IS_TXPBTHRESH(o) (((o) >= 0x04950 && (o) <= 0x0496c && ((o) - 0x04950) % 0x4 == 0))
#define TXPBTHRESH_COUNT 8
#define TXPBTHRESH_THRESH 0x000003ffu
#define TXPBTHRESH_THRESH_SHIFT 0

#define R_RTTBCNRM 0x04980u
#define RTTBCNRM_COUNT 1
#define RTTBCNRM_MMW_SIZE 0x000007ffu
#define RTTBCNRM_MMW_SIZE_SHIFT 0
#define RTTBCNRM_STORE 0xfffff800u
#define RTTBCNRM_STORE_SHIFT 11

#define R_RTTBCNRC 0x04984u
#define RTTBCNRC_COUNT 1
#define RTTBCNRC_RF_DEC 0x00003fffu
#define RTTBCNRC_RF_DEC_SHIFT 0
#define RTTBCNRC_RF_INT 0x00ffc000u
#define RTTBCNRC_RF_INT_SHIFT 14
#define RTTBCNRC_RS_ENA 0x80000000u
#define RTTBCNRC_RS_ENA_SHIFT 31

#define R_RTTBCNRS 0x04988u
#define RTTBCNRS_COUNT 1
#define RTTBCNRS_VALUE 0xffffffffu
#define RTTBCNRS_VALUE_SHIFT 0

#define R_RTTBCNRD 0x0498cu
#define RTTBCNRD_COUNT 1
#define RTTBCNRD_VALUE 0xffffffffu
#define RTTBCNRD_VALUE_SHIFT 0

#define R_RTTDTECC 0x04990u
#define RTTDTECC_COUNT 1
#define RTTDTECC_VALUE 0xffffffffu
#define RTTDTECC_VALUE_SHIFT 0

#define R_DMATXCTL 0x04a80u
#define DMATXCTL_COUNT 1
#define DMATXCTL_RESET 0x81000000u
#define DMATXCTL_TE 0x00000001u
#define DMATXCTL_TE_SHIFT 0
#define DMATXCTL_NS 0x00000002u
#define DMATXCTL_NS_SHIFT 1
#define DMATXCTL_GDV 0x00000008u
#define DMATXCTL_GDV_SHIFT 3
#define DMATXCTL_MDP_EN 0x00000020u
#define DMATXCTL_MDP_EN_SHIFT 5
#define DMATXCTL_MBINTEN 0x00000040u
#define DMATXCTL_MBINTEN_SHIFT 6
#define DMATXCTL_VT 0xffff0000u
#define DMATXCTL_VT_SHIFT 16

#define R_DTXTCPFLGL 0x04a88u
#define DTXTCPFLGL_COUNT 1
#define DTXTCPFLGL_RESET 0x0f760ff6u
#define DTXTCPFLGL_FIRST 0x00000fffu
#define DTXTCPFLGL_FIRST_SHIFT 0
#define DTXTCPFLGL_MIDDLE 0x0fff0000u
#define DTXTCPFLGL_MIDDLE_SHIFT 16

#define R_DTXTCPFLGH 0x04a8cu
#define DTXTCPFLGH_COUNT 1
#define DTXTCPFLGH_RESET 0x00000f7fu
#define DTXTCPFLGH_LAST 0x00000fffu
#define DTXTCPFLGH_LAST_SHIFT 0

#define R_RTTBCNTG 0x04a90u
#define RTTBCNTG_COUNT 1
#define RTTBCNTG_VALUE 0xffffffffu
#define RTTBCNTG_VALUE_SHIFT 0

#define R_TEOFF 0x04a94u
#define TEOFF_COUNT 1
#define TEOFF_VALUE 0xffffffffu
#define TEOFF_VALUE_SHIFT 0

#define R_TSOFF 0x04a98u
#define TSOFF_COUNT 1
#define TSOFF_VALUE 0xffffffffu
#define TSOFF_VALUE_SHIFT 0

#define R_PFMAILBOX(n) (0x04b00u + 0x4u * ((n)))
#define N_PFMAILBOX(o) (((o) - 0x04b00u) / 0x4u)
#define IS_PFMAILBOX(o) (((o) >= 0x04b00 && (o) <= 0x04bfc && ((o) - 0x04b00) % 0x4 == 0))
#define PFMAILBOX_COUNT 64
#define PFMAILBOX_STS 0x00000001u
#define PFMAILBOX_STS_SHIFT 0
#define PFMAILBOX_ACK 0x00000002u
#define PFMAILBOX_ACK_SHIFT 1
#define PFMAILBOX_VFU 0x00000004u
#define PFMAILBOX_VFU_SHIFT 2
#define PFMAILBOX_PFU 0x00000008u
#define PFMAILBOX_PFU_SHIFT 3
#define PFMAILBOX_RVFU 0x00000010u
#define PFMAILBOX_RVFU_SHIFT 4

#define R_RXCSUM 0x05000u
#define RXCSUM_COUNT 1
#define RXCSUM_IPPCSE 0x00001000u
#define RXCSUM_IPPCSE_SHIFT 12
#define RXCSUM_PCSD 0x00002000u
#define RXCSUM_PCSD_SHIFT 13

#define R_RFCTL 0x05008u
#define RFCTL_COUNT 1
#define RFCTL_RSC_DIS 0x00000020u
#define RFCTL_RSC_DIS_SHIFT 5
#define RFCTL_NFSW_DIS 0x00000040u
#define RFCTL_NFSW_DIS_SHIFT 6
#define RFCTL_NFSR_DIS 0x00000080u
#define RFCTL_NFSR_DIS_SHIFT 7
#define RFCTL_NFS_VER 0x00000300u
#define RFCTL_NFS_VER_SHIFT 8
#define RFCTL_IPFRSP_DIS 0x00004000u
#define RFCTL_IPFRSP_DIS_SHIFT 14

#define R_MAVTV(n) (0x05010u + 0x4u * ((n)))
#define N_MAVTV(o) (((o) - 0x05010u) / 0x4u)
#define IS_MAVTV(o) (((o) >= 0x05010 && (o) <= 0x0502c && ((o) - 0x05010) % 0x4 == 0))
#define MAVTV_COUNT 8
#define MAVTV_VALUE 0xffffffffu
#define MAVTV_VALUE_SHIFT 0

#define R_EXVET 0x05078u
#define EXVET_COUNT 1
#define EXVET_VET_EXT 0xffff0000u
#define EXVET_VET_EXT_SHIFT 16

#define R_FCTRL 0x05080u
#define FCTRL_COUNT 1
#define FCTRL_SBP 0x00000002u
#define FCTRL_SBP_SHIFT 1
#define FCTRL_MPE 0x00000100u
#define FCTRL_MPE_SHIFT 8
#define FCTRL_UPE 0x00000200u
#define FCTRL_UPE_SHIFT 9
#define FCTRL_BAM 0x00000400u
#define FCTRL_BAM_SHIFT 10
#define FCTRL_PMCF 0x00001000u
#define FCTRL_PMCF_SHIFT 12
#define FCTRL_DPF 0x00002000u
#define FCTRL_DPF_SHIFT 13
#define FCTRL_RPFCE 0x00004000u
#define FCTRL_RPFCE_SHIFT 14
#define FCTRL_RFCE 0x00008000u
#define FCTRL_RFCE_SHIFT 15

#define R_VLNCTRL 0x05088u
#define VLNCTRL_COUNT 1
#define VLNCTRL_RESET 0x00008100u
#define VLNCTRL_VET 0x0000ffffu
#define VLNCTRL_VET_SHIFT 0
#define VLNCTRL_CFI 0x10000000u
#define VLNCTRL_CFI_SHIFT 28
#define VLNCTRL_CFIEN 0x20000000u
#define VLNCTRL_CFIEN_SHIFT 29
#define VLNCTRL_VFE 0x40000000u
#define VLNCTRL_VFE_SHIFT 30
#define VLNCTRL_VME 0x80000000u
#define VLNCTRL_VME_SHIFT 31

#define R_MCSTCTRL 0x05090u
#define MCSTCTRL_COUNT 1
#define MCSTCTRL_MO 0x00000003u
#define MCSTCTRL_MO_SHIFT 0
#define MCSTCTRL_MFE 0x00000004u
#define MCSTCTRL_MFE_SHIFT 2

#define R_RFVAL 0x050a4u
#define RFVAL_COUNT 1
#define RFVAL_VALUE 0xffffffffu
#define RFVAL_VALUE_SHIFT 0

#define R_PFFLPL 0x050b0u
#define PFFLPL_COUNT 1
#define PFFLPL_VALUE 0xffffffffu
#define PFFLPL_VALUE_SHIFT 0

#define R_PFFLPH 0x050b4u
#define PFFLPH_COUNT 1
#define PFFLPH_VALUE 0xffffffffu
#define PFFLPH_VALUE_SHIFT 0

#define R_FCRXCTRL 0x05100u
#define FCRXCTRL_COUNT 1
#define FCRXCTRL_VALUE 0xffffffffu
#define FCRXCTRL_VALUE_SHIFT 0

#define R_FCFLT 0x05108u
#define FCFLT_COUNT 1
#define FCFLT_VALUE 0xffffffffu
#define FCFLT_VALUE_SHIFT 0

#define R_FCFLTRW 0x05110u
#define FCFLTRW_COUNT 1
#define FCFLTRW_VALUE 0xffffffffu
#define FCFLTRW_VALUE_SHIFT 0

#define R_FCCRC 0x05118u
#define FCCRC_COUNT 1
#define FCCRC_VALUE 0xffffffffu
#define FCCRC_VALUE_SHIFT 0

#define R_RXMTRL 0x05120u
#define RXMTRL_COUNT 1
#define RXMTRL_RESET 0x03190000u
#define RXMTRL_CTRLT 0x000000ffu
#define RXMTRL_CTRLT_SHIFT 0
#define RXMTRL_MSGT 0x0000ff00u
#define RXMTRL_MSGT_SHIFT 8
#define RXMTRL_UDP_PORT 0xffff0000u
#define RXMTRL_UDP_PORT_SHIFT 16

#define R_ETQF(n) (0x05128u + 0x4u * ((n)))
#define N_ETQF(o) (((o) - 0x05128u) / 0x4u)
#define IS_ETQF(o) (((o) >= 0x05128 && (o) <= 0x05144 && ((o) - 0x05128) % 0x4 == 0))
#define ETQF_COUNT 8
#define ETQF_ETYPE 0x0000ffffu
#define ETQF_ETYPE_SHIFT 0
#define ETQF_UP 0x00070000u
#define ETQF_UP_SHIFT 16
#define ETQF_UP_EN 0x00080000u
#define ETQF_UP_EN_SHIFT 19
#define ETQF_POOL 0x03f00000u
#define ETQF_POOL_SHIFT 20
#define ETQF_POOL_EN 0x04000000u
#define ETQF_POOL_EN_SHIFT 26
#define ETQF_FCOE 0x08000000u
#define ETQF_FCOE_SHIFT 27
#define ETQF_TX_ANTISPOOF 0x20000000u
#define ETQF_TX_ANTISPOOF_SHIFT 29
#define ETQF_IEEE_1588 0x40000000u
#define ETQF_IEEE_1588_SHIFT 30
#define ETQF_FILTER_EN 0x80000000u
#define ETQF_FILTER_EN_SHIFT 31

#define R_RTTBCNRTT 0x05150u
#define RTTBCNRTT_COUNT 1
#define RTTBCNRTT_VALUE 0xffffffffu
#define RTTBCNRTT_VALUE_SHIFT 0

#define R_REOFF 0x05158u
#define REOFF_COUNT 1
#define REOFF_VALUE 0xffffffffu
#define REOFF_VALUE_SHIFT 0

#define R_MDEF_EXT(n) (0x05160u + 0x4u * ((n)))
#define N_MDEF_EXT(o) (((o) - 0x05160u) / 0x4u)
#define IS_MDEF_EXT(o) (((o) >= 0x05160 && (o) <= 0x0517c && ((o) - 0x05160) % 0x4 == 0))
#define MDEF_EXT_COUNT 8
#define MDEF_EXT_VALUE 0xffffffffu
#define MDEF_EXT_VALUE_SHIFT 0

#define R_VMTXSW(n) (0x05180u + 0x4u * ((n)))
#define N_VMTXSW(o) (((o) - 0x05180u) / 0x4u)
#define IS_VMTXSW(o) (((o) >= 0x05180 && (o) <= 0x05184 && ((o) - 0x05180) % 0x4 == 0))
#define VMTXSW_COUNT 2
#define VMTXSW_VALUE 0xffffffffu
#define VMTXSW_VALUE_SHIFT 0

#define R_TSYNCRXCTL 0x05188u
#define TSYNCRXCTL_COUNT 1
#define TSYNCRXCTL_VALID 0x00000001u
#define TSYNCRXCTL_VALID_SHIFT 0
#define TSYNCRXCTL_TYPE 0x0000000eu
#define TSYNCRXCTL_TYPE_SHIFT 1
#define TSYNCRXCTL_TYPE_L2_V2 0x00000000u
#define TSYNCRXCTL_TYPE_L4_V1 0x00000002u
#define TSYNCRXCTL_TYPE_L2_L4_V2 0x00000004u
#define TSYNCRXCTL_TYPE_ALL 0x00000008u
#define TSYNCRXCTL_TYPE_EVENT_V2 0x0000000au
#define TSYNCRXCTL_ENABLED 0x00000010u
#define TSYNCRXCTL_ENABLED_SHIFT 4

#define R_METF(n) (0x05190u + 0x4u * ((n)))
#define N_METF(o) (((o) - 0x05190u) / 0x4u)
#define IS_METF(o) (((o) >= 0x05190 && (o) <= 0x0519c && ((o) - 0x05190) % 0x4 == 0))
#define METF_COUNT 4
#define METF_VALUE 0xffffffffu
#define METF_VALUE_SHIFT 0

#define R_RXSATRL 0x051a0u
#define RXSATRL_COUNT 1
#define RXSATRL_VALUE 0xffffffffu
#define RXSATRL_VALUE_SHIFT 0

#define R_RXSTMPH 0x051a4u
#define RXSTMPH_COUNT 1
#define RXSTMPH_VALUE 0xffffffffu
#define RXSTMPH_VALUE_SHIFT 0

#define R_RXSATRH 0x051a8u
#define RXSATRH_COUNT 1
#define RXSATRH_VALUE 0xffffffffu
#define RXSATRH_VALUE_SHIFT 0

#define R_VT_CTL 0x051b0u
#define VT_CTL_COUNT 1
#define VT_CTL_VT_ENABLE 0x00000001u
#define VT_CTL_VT_ENABLE_SHIFT 0
#define VT_CTL_POOL 0x00001f80u
#define VT_CTL_POOL_SHIFT 7
#define VT_CTL_DIS_DEFPL 0x20000000u
#define VT_CTL_DIS_DEFPL_SHIFT 29
#define VT_CTL_REPLEN 0x40000000u
#define VT_CTL_REPLEN_SHIFT 30

#define R_RXFECCERR0 0x051b8u
#define RXFECCERR0_COUNT 1
#define RXFECCERR0_VALUE 0xffffffffu
#define RXFECCERR0_VALUE_SHIFT 0

#define R_FCPARAM 0x051d8u
#define FCPARAM_COUNT 1
#define FCPARAM_VALUE 0xffffffffu
#define FCPARAM_VALUE_SHIFT 0

#define R_VFRE(n) (0x051e0u + 0x4u * ((n)))
#define N_VFRE(o) (((o) - 0x051e0u) / 0x4u)
#define IS_VFRE(o) (((o) >= 0x051e0 && (o) <= 0x051e4 && ((o) - 0x051e0) % 0x4 == 0))
#define VFRE_COUNT 2
#define VFRE_VALUE 0xffffffffu
#define VFRE_VALUE_SHIFT 0

#define R_RXSTMPL 0x051e8u
#define RXSTMPL_COUNT 1
#define RXSTMPL_VALUE 0xffffffffu
#define RXSTMPL_VALUE_SHIFT 0

#define R_RSOFF 0x051f8u
#define RSOFF_COUNT 1
#define RSOFF_VALUE 0xffffffffu
#define RSOFF_VALUE_SHIFT 0

#define R_MTA(n) (0x05200u + 0x4u * ((n)))
#define N_MTA(o) (((o) - 0x05200u) / 0x4u)
#define IS_MTA(o) (((o) >= 0x05200 && (o) <= 0x053fc && ((o) - 0x05200) % 0x4 == 0))
#define MTA_COUNT 128
#define MTA_VALUE 0xffffffffu
#define MTA_VALUE_SHIFT 0

#define R_WUC 0x05800u
#define WUC_COUNT 1
#define WUC_APME 0x00000001u
#define WUC_APME_SHIFT 0
#define WUC_PME_EN 0x00000002u
#define WUC_PME_EN_SHIFT 1
#define WUC_PME_STATUS 0x00000004u
#define WUC_PME_STATUS_SHIFT 2
#define WUC_WKEN 0x00000010u
#define WUC_WKEN_SHIFT 4

#define R_WUFC 0x05808u
#define WUFC_COUNT 1
#define WUFC_LNKC 0x00000001u
#define WUFC_LNKC_SHIFT 0
#define WUFC_MAG 0x00000002u
#define WUFC_MAG_SHIFT 1
#define WUFC_EX 0x00000004u
#define WUFC_EX_SHIFT 2
#define WUFC_MC 0x00000008u
#define WUFC_MC_SHIFT 3
#define WUFC_BC 0x00000010u
#define WUFC_BC_SHIFT 4
#define WUFC_ARP 0x00000020u
#define WUFC_ARP_SHIFT 5
#define WUFC_IPV4 0x00000040u
#define WUFC_IPV4_SHIFT 6
#define WUFC_IPV6 0x00000080u
#define WUFC_IPV6_SHIFT 7
#define WUFC_MNG 0x00000100u
#define WUFC_MNG_SHIFT 8
#define WUFC_IGNORE_TCO 0x00008000u
#define WUFC_IGNORE_TCO_SHIFT 15
#define WUFC_FLX 0x003f0000u
#define WUFC_FLX_SHIFT 16

#define R_WUS 0x05810u
#define WUS_COUNT 1
#define WUS_VALUE 0xffffffffu
#define WUS_VALUE_SHIFT 0

#define R_VMD_CTL 0x0581cu
#define VMD_CTL_COUNT 1
#define VMD_CTL_VALUE 0xffffffffu
#define VMD_CTL_VALUE_SHIFT 0

#define R_MANC 0x05820u
#define MANC_COUNT 1
#define MANC_VALUE 0xffffffffu
#define MANC_VALUE_SHIFT 0

#define R_MFVAL 0x05824u
#define MFVAL_COUNT 1
#define MFVAL_VALUE 0xffffffffu
#define MFVAL_VALUE_SHIFT 0

#define R_IPAV 0x05838u
#define IPAV_COUNT 1
#define IPAV_VALUE 0xffffffffu
#define IPAV_VALUE_SHIFT 0

#define R_IP4AT(n) (0x05840u + 0x4u * ((n)))
#define N_IP4AT(o) (((o) - 0x05840u) / 0x4u)
#define IS_IP4AT(o) (((o) >= 0x05840 && (o) <= 0x0585c && ((o) - 0x05840) % 0x4 == 0))
#define IP4AT_COUNT 8
#define IP4AT_VALUE 0xffffffffu
#define IP4AT_VALUE_SHIFT 0

#define R_MANC2H 0x05860u
#define MANC2H_COUNT 1
#define MANC2H_VALUE 0xffffffffu
#define MANC2H_VALUE_SHIFT 0

#define R_IP6AT(n) (0x05880u + 0x4u * ((n)))
#define N_IP6AT(o) (((o) - 0x05880u) / 0x4u)
#define IS_IP6AT(o) (((o) >= 0x05880 && (o) <= 0x0588c && ((o) - 0x05880) % 0x4 == 0))
#define IP6AT_COUNT 4
#define IP6AT_VALUE 0xffffffffu
#define IP6AT_VALUE_SHIFT 0

#define R_MDEF(n) (0x05890u + 0x4u * ((n)))
#define N_MDEF(o) (((o) - 0x05890u) / 0x4u)
#define IS_MDEF(o) (((o) >= 0x05890 && (o) <= 0x058ac && ((o) - 0x05890) % 0x4 == 0))
#define MDEF_COUNT 8
#define MDEF_VALUE 0xffffffffu
#define MDEF_VALUE_SHIFT 0

#define R_MIPAF(n) (0x058b0u + 0x4u * ((n)))
#define N_MIPAF(o) (((o) - 0x058b0u) / 0x4u)
#define IS_MIPAF(o) (((o) >= 0x058b0 && (o) <= 0x058ec && ((o) - 0x058b0) % 0x4 == 0))
#define MIPAF_COUNT 16
#define MIPAF_VALUE 0xffffffffu
#define MIPAF_VALUE_SHIFT 0

#define R_WUPL 0x05900u
#define WUPL_COUNT 1
#define WUPL_VALUE 0xffffffffu
#define WUPL_VALUE_SHIFT 0

#define R_MMAL(n) (0x05910u + 0x8u * ((n)))
#define N_MMAL(o) (((o) - 0x05910u) / 0x8u)
#define IS_MMAL(o) (((o) >= 0x05910 && (o) <= 0x05928 && ((o) - 0x05910) % 0x8 == 0))
#define MMAL_COUNT 4
#define MMAL_VALUE 0xffffffffu
#define MMAL_VALUE_SHIFT 0

#define R_MMAH(n) (0x05914u + 0x8u * ((n)))
#define N_MMAH(o) (((o) - 0x05914u) / 0x8u)
#define IS_MMAH(o) (((o) >= 0x05914 && (o) <= 0x0592c && ((o) - 0x05914) % 0x8 == 0))
#define MMAH_COUNT 4
#define MMAH_VALUE 0xffffffffu
#define MMAH_VALUE_SHIFT 0

#define R_WUPM(n) (0x05a00u + 0x4u * ((n)))
#define N_WUPM(o) (((o) - 0x05a00u) / 0x4u)
#define IS_WUPM(o) (((o) >= 0x05a00 && (o) <= 0x05a7c && ((o) - 0x05a00) % 0x4 == 0))
#define WUPM_COUNT 32
#define WUPM_VALUE 0xffffffffu
#define WUPM_VALUE_SHIFT 0

#define R_IMIR(n) (0x05a80u + 0x4u * ((n)))
#define N_IMIR(o) (((o) - 0x05a80u) / 0x4u)
#define IS_IMIR(o) (((o) >= 0x05a80 && (o) <= 0x05a9c && ((o) - 0x05a80) % 0x4 == 0))
#define IMIR_COUNT 8
#define IMIR_VALUE 0xffffffffu
#define IMIR_VALUE_SHIFT 0

#define R_IMIREXT(n) (0x05aa0u + 0x4u * ((n)))
#define N_IMIREXT(o) (((o) - 0x05aa0u) / 0x4u)
#define IS_IMIREXT(o) (((o) >= 0x05aa0 && (o) <= 0x05abc && ((o) - 0x05aa0) % 0x4 == 0))
#define IMIREXT_COUNT 8
#define IMIREXT_VALUE 0xffffffffu
#define IMIREXT_VALUE_SHIFT 0

#define R_TDBAL(n) (0x06000u + 0x40u * ((n)))
#define N_TDBAL(o) (((o) - 0x06000u) / 0x40u)
#define IS_TDBAL(o) (((o) >= 0x06000 && (o) <= 0x07fc0 && ((o) - 0x06000) % 0x40 == 0))
#define TDBAL_COUNT 128
#define TDBAL_BASE 0xffffff80u
#define TDBAL_BASE_SHIFT 7

#define R_TDBAH(n) (0x06004u + 0x40u * ((n)))
#define N_TDBAH(o) (((o) - 0x06004u) / 0x40u)
#define IS_TDBAH(o) (((o) >= 0x06004 && (o) <= 0x07fc4 && ((o) - 0x06004) % 0x40 == 0))
#define TDBAH_COUNT 128
#define TDBAH_VALUE 0xffffffffu
#define TDBAH_VALUE_SHIFT 0

#define R_TDLEN(n) (0x06008u + 0x40u * ((n)))
#define N_TDLEN(o) (((o) - 0x06008u) / 0x40u)
#define IS_TDLEN(o) (((o) >= 0x06008 && (o) <= 0x07fc8 && ((o) - 0x06008) % 0x40 == 0))
#define TDLEN_COUNT 128
#define TDLEN_LEN 0x000fff80u
#define TDLEN_LEN_SHIFT 7

#define R_DCA_TXCTRL(n) (0x0600cu + 0x40u * ((n)))
#define N_DCA_TXCTRL(o) (((o) - 0x0600cu) / 0x40u)
#define IS_DCA_TXCTRL(o) (((o) >= 0x0600c && (o) <= 0x07fcc && ((o) - 0x0600c) % 0x40 == 0))
#define DCA_TXCTRL_COUNT 128
#define DCA_TXCTRL_RESET 0x00002a00u
#define DCA_TXCTRL_DESC_DCA_EN 0x00000020u
#define DCA_TXCTRL_DESC_DCA_EN_SHIFT 5
#define DCA_TXCTRL_DESC_RRO_EN 0x00000200u
#define DCA_TXCTRL_DESC_RRO_EN_SHIFT 9
#define DCA_TXCTRL_DESC_WRO_EN 0x00000800u
#define DCA_TXCTRL_DESC_WRO_EN_SHIFT 11
#define DCA_TXCTRL_DATA_RRO_EN 0x00002000u
#define DCA_TXCTRL_DATA_RRO_EN_SHIFT 13
#define DCA_TXCTRL_CPUID 0xff000000u
#define DCA_TXCTRL_CPUID_SHIFT 24

#define R_TDH(n) (0x06010u + 0x40u * ((n)))
#define N_TDH(o) (((o) - 0x06010u) / 0x40u)
#define IS_TDH(o) (((o) >= 0x06010 && (o) <= 0x07fd0 && ((o) - 0x06010) % 0x40 == 0))
#define TDH_COUNT 128
#define TDH_TDH 0x0000ffffu
#define TDH_TDH_SHIFT 0

#define R_TDT(n) (0x06018u + 0x40u * ((n)))
#define N_TDT(o) (((o) - 0x06018u) / 0x40u)
#define IS_TDT(o) (((o) >= 0x06018 && (o) <= 0x07fd8 && ((o) - 0x06018) % 0x40 == 0))
#define TDT_COUNT 128
#define TDT_TDT 0x0000ffffu
#define TDT_TDT_SHIFT 0

#define R_TXDCTL(n) (0x06028u + 0x40u * ((n)))
#define N_TXDCTL(o) (((o) - 0x06028u) / 0x40u)
#define IS_TXDCTL(o) (((o) >= 0x06028 && (o) <= 0x07fe8 && ((o) - 0x06028) % 0x40 == 0))
#define TXDCTL_COUNT 128
#define TXDCTL_PTHRESH 0x0000007fu
#define TXDCTL_PTHRESH_SHIFT 0
#define TXDCTL_HTHRESH 0x00007f00u
#define TXDCTL_HTHRESH_SHIFT 8
#define TXDCTL_WTHRESH 0x007f0000u
#define TXDCTL_WTHRESH_SHIFT 16
#define TXDCTL_ENABLE 0x02000000u
#define TXDCTL_ENABLE_SHIFT 25
#define TXDCTL_SWFLSH 0x04000000u
#define TXDCTL_SWFLSH_SHIFT 26

#define R_TDWBAL(n) (0x06038u + 0x40u * ((n)))
#define N_TDWBAL(o) (((o) - 0x06038u) / 0x40u)
#define IS_TDWBAL(o) (((o) >= 0x06038 && (o) <= 0x07ff8 && ((o) - 0x06038) % 0x40 == 0))
#define TDWBAL_COUNT 128
#define TDWBAL_HEAD_WB_EN 0x00000001u
#define TDWBAL_HEAD_WB_EN_SHIFT 0
#define TDWBAL_SEQNUM_WB_EN 0x00000002u
#define TDWBAL_SEQNUM_WB_EN_SHIFT 1
#define TDWBAL_ADDR 0xfffffffcu
#define TDWBAL_ADDR_SHIFT 2

#define R_TDWBAH(n) (0x0603cu + 0x40u * ((n)))
#define N_TDWBAH(o) (((o) - 0x0603cu) / 0x40u)
#define IS_TDWBAH(o) (((o) >= 0x0603c && (o) <= 0x07ffc && ((o) - 0x0603c) % 0x40 == 0))
#define TDWBAH_COUNT 128
#define TDWBAH_VALUE 0xffffffffu
#define TDWBAH_VALUE_SHIFT 0

#define R_VMVIR(n) (0x08000u + 0x4u * ((n)))
#define N_VMVIR(o) (((o) - 0x08000u) / 0x4u)
#define IS_VMVIR(o) (((o) >= 0x08000 && (o) <= 0x080fc && ((o) - 0x08000) % 0x4 == 0))
#define VMVIR_COUNT 64
#define VMVIR_PORT_VLAN_ID 0x0000ffffu
#define VMVIR_PORT_VLAN_ID_SHIFT 0
#define VMVIR_VLANA_DEFAULT 0x40000000u
#define VMVIR_VLANA_DEFAULT_SHIFT 30
#define VMVIR_VLANA_NEVER 0x80000000u
#define VMVIR_VLANA_NEVER_SHIFT 31

#define R_DTXMXSZRQ 0x08100u
#define DTXMXSZRQ_COUNT 1
#define DTXMXSZRQ_MAX_BYTES_NUM_REQ 0x00000fffu
#define DTXMXSZRQ_MAX_BYTES_NUM_REQ_SHIFT 0
#define DTXMXSZRQ_STORE 0xfffff000u
#define DTXMXSZRQ_STORE_SHIFT 12

#define R_VFTE(n) (0x08110u + 0x4u * ((n)))
#define N_VFTE(o) (((o) - 0x08110u) / 0x4u)
#define IS_VFTE(o) (((o) >= 0x08110 && (o) <= 0x08114 && ((o) - 0x08110) % 0x4 == 0))
#define VFTE_COUNT 2
#define VFTE_VALUE 0xffffffffu
#define VFTE_VALUE_SHIFT 0

#define R_MTQC 0x08120u
#define MTQC_COUNT 1
#define MTQC_MODE 0x0000000fu
#define MTQC_MODE_SHIFT 0
#define MTQC_MODE_Q64 0x00000000u
#define MTQC_MODE_VT_64VF 0x00000006u
#define MTQC_MODE_DCB_4TC 0x00000009u
#define MTQC_MODE_VT_32VF 0x0000000au
#define MTQC_MODE_VT_4TC 0x0000000bu
#define MTQC_MODE_DCB_8TC 0x0000000du
#define MTQC_MODE_VT_8TC 0x0000000fu

#define R_PFVFSPOOF(n) (0x08200u + 0x4u * ((n)))
#define N_PFVFSPOOF(o) (((o) - 0x08200u) / 0x4u)
#define IS_PFVFSPOOF(o) (((o) >= 0x08200 && (o) <= 0x0821c && ((o) - 0x08200) % 0x4 == 0))
#define PFVFSPOOF_COUNT 8
#define PFVFSPOOF_MACAS 0x000000ffu
#define PFVFSPOOF_MACAS_SHIFT 0
#define PFVFSPOOF_VLANAS 0x0000ff00u
#define PFVFSPOOF_VLANAS_SHIFT 8
#define PFVFSPOOF_ETHERAS 0x00ff0000u
#define PFVFSPOOF_ETHERAS_SHIFT 16

#define R_PFDTXGSWC 0x08220u
#define PFDTXGSWC_COUNT 1
#define PFDTXGSWC_VT_LBEN 0x00000001u
#define PFDTXGSWC_VT_LBEN_SHIFT 0

#define R_TIC_DW2(n) (0x082b0u + 0x4u * ((n)))
#define N_TIC_DW2(o) (((o) - 0x082b0u) / 0x4u)
#define IS_TIC_DW2(o) (((o) >= 0x082b0 && (o) <= 0x082bc && ((o) - 0x082b0) % 0x4 == 0))
#define TIC_DW2_COUNT 4
#define TIC_DW2_VALUE 0xffffffffu
#define TIC_DW2_VALUE_SHIFT 0

#define R_TXDESCIC 0x082ccu
#define TXDESCIC_COUNT 1
#define TXDESCIC_VALUE 0xffffffffu
#define TXDESCIC_VALUE_SHIFT 0

#define R_TXLLQ(n) (0x082e0u + 0x4u * ((n)))
#define N_TXLLQ(o) (((o) - 0x082e0u) / 0x4u)
#define IS_TXLLQ(o) (((o) >= 0x082e0 && (o) <= 0x082ec && ((o) - 0x082e0) % 0x4 == 0))
#define TXLLQ_COUNT 4
#define TXLLQ_VALUE 0xffffffffu
#define TXLLQ_VALUE_SHIFT 0

#define R_TDHMPN2 0x082fcu
#define TDHMPN2_COUNT 1
#define TDHMPN2_VALUE 0xffffffffu
#define TDHMPN2_VALUE_SHIFT 0

#define R_PVFGPTC(n) (0x08300u + 0x4u * ((n)))
#define N_PVFGPTC(o) (((o) - 0x08300u) / 0x4u)
#define IS_PVFGPTC(o) (((o) >= 0x08300 && (o) <= 0x083fc && ((o) - 0x08300) % 0x4 == 0))
#define PVFGPTC_COUNT 64
#define PVFGPTC_VALUE 0xffffffffu
#define PVFGPTC_VALUE_SHIFT 0

#define R_PVFGOTC_LSB(n) (0x08400u + 0x8u * ((n)))
#define N_PVFGOTC_LSB(o) (((o) - 0x08400u) / 0x8u)
#define IS_PVFGOTC_LSB(o) (((o) >= 0x08400 && (o) <= 0x085f8 && ((o) - 0x08400) % 0x8 == 0))
#define PVFGOTC_LSB_COUNT 64
#define PVFGOTC_LSB_VALUE 0xffffffffu
#define PVFGOTC_LSB_VALUE_SHIFT 0

#define R_PVFGOTC_MSB(n) (0x08404u + 0x8u * ((n)))
#define N_PVFGOTC_MSB(o) (((o) - 0x08404u) / 0x8u)
#define IS_PVFGOTC_MSB(o) (((o) >= 0x08404 && (o) <= 0x085fc && ((o) - 0x08404) % 0x8 == 0))
#define PVFGOTC_MSB_COUNT 64
#define PVFGOTC_MSB_VALUE 0x0000000fu
#define PVFGOTC_MSB_VALUE_SHIFT 0

#define R_TQSM(n) (0x08600u + 0x4u * ((n)))
#define N_TQSM(o) (((o) - 0x08600u) / 0x4u)
#define IS_TQSM(o) (((o) >= 0x08600 && (o) <= 0x0867c && ((o) - 0x08600) % 0x4 == 0))
#define TQSM_COUNT 32
#define TQSM_MAP0 0x0000000fu
#define TQSM_MAP0_SHIFT 0
#define TQSM_MAP1 0x00000f00u
#define TQSM_MAP1_SHIFT 8
#define TQSM_MAP2 0x000f0000u
#define TQSM_MAP2_SHIFT 16
#define TQSM_MAP3 0x0f000000u
#define TQSM_MAP3_SHIFT 24

#define R_QPTC(n) (0x08680u + 0x4u * ((n)))
#define N_QPTC(o) (((o) - 0x08680u) / 0x4u)
#define IS_QPTC(o) (((o) >= 0x08680 && (o) <= 0x086bc && ((o) - 0x08680) % 0x4 == 0))
#define QPTC_COUNT 16
#define QPTC_VALUE 0xffffffffu
#define QPTC_VALUE_SHIFT 0

#define R_QBTC_L(n) (0x08700u + 0x8u * ((n)))
#define N_QBTC_L(o) (((o) - 0x08700u) / 0x8u)
#define IS_QBTC_L(o) (((o) >= 0x08700 && (o) <= 0x08778 && ((o) - 0x08700) % 0x8 == 0))
#define QBTC_L_COUNT 16
#define QBTC_L_VALUE 0xffffffffu
#define QBTC_L_VALUE_SHIFT 0

#define R_QBTC_H(n) (0x08704u + 0x8u * ((n)))
#define N_QBTC_H(o) (((o) - 0x08704u) / 0x8u)
#define IS_QBTC_H(o) (((o) >= 0x08704 && (o) <= 0x0877c && ((o) - 0x08704) % 0x8 == 0))
#define QBTC_H_COUNT 16
#define QBTC_H_VALUE 0x0000000fu
#define QBTC_H_VALUE_SHIFT 0

#define R_SSVPC 0x08780u
#define SSVPC_COUNT 1
#define SSVPC_VALUE 0xffffffffu
#define SSVPC_VALUE_SHIFT 0

#define R_FCOEPTC 0x08784u
#define FCOEPTC_COUNT 1
#define FCOEPTC_VALUE 0xffffffffu
#define FCOEPTC_VALUE_SHIFT 0

#define R_FCOEDWTC 0x08788u
#define FCOEDWTC_COUNT 1
#define FCOEDWTC_VALUE 0xffffffffu
#define FCOEDWTC_VALUE_SHIFT 0

#define R_VMECM(n) (0x08790u + 0x4u * ((n)))
#define N_VMECM(o) (((o) - 0x08790u) / 0x4u)
#define IS_VMECM(o) (((o) >= 0x08790 && (o) <= 0x08794 && ((o) - 0x08790) % 0x4 == 0))
#define VMECM_COUNT 2
#define VMECM_VALUE 0xffffffffu
#define VMECM_VALUE_SHIFT 0

#define R_TXDGPC 0x087a0u
#define TXDGPC_COUNT 1
#define TXDGPC_VALUE 0xffffffffu
#define TXDGPC_VALUE_SHIFT 0

#define R_TXDGBCL 0x087a4u
#define TXDGBCL_COUNT 1
#define TXDGBCL_VALUE 0xffffffffu
#define TXDGBCL_VALUE_SHIFT 0

#define R_TXDGBCH 0x087a8u
#define TXDGBCH_COUNT 1
#define TXDGBCH_VALUE 0x0000000fu
#define TXDGBCH_VALUE_SHIFT 0

#define R_SECTXCTRL 0x08800u
#define SECTXCTRL_COUNT 1
#define SECTXCTRL_RESET 0x00000001u
#define SECTXCTRL_SECTX_DIS 0x00000001u
#define SECTXCTRL_SECTX_DIS_SHIFT 0
#define SECTXCTRL_TX_DIS 0x00000002u
#define SECTXCTRL_TX_DIS_SHIFT 1
#define SECTXCTRL_STORE_FORWARD 0x00000004u
#define SECTXCTRL_STORE_FORWARD_SHIFT 2

#define R_SECTXSTAT 0x08804u
#define SECTXSTAT_COUNT 1
#define SECTXSTAT_RESET 0x00000003u
#define SECTXSTAT_SECTX_RDY 0x00000001u
#define SECTXSTAT_SECTX_RDY_SHIFT 0
#define SECTXSTAT_SECTX_OFF_DIS 0x00000002u
#define SECTXSTAT_SECTX_OFF_DIS_SHIFT 1
#define SECTXSTAT_ECC_TXERR 0x00000004u
#define SECTXSTAT_ECC_TXERR_SHIFT 2

#define R_SECTXBUFFAF 0x08808u
#define SECTXBUFFAF_COUNT 1
#define SECTXBUFFAF_RESET 0x00000250u
#define SECTXBUFFAF_FULLTHRESH 0x000003ffu
#define SECTXBUFFAF_FULLTHRESH_SHIFT 0

#define R_SECTXMINIFG 0x08810u
#define SECTXMINIFG_COUNT 1
#define SECTXMINIFG_RESET 0x00000001u
#define SECTXMINIFG_MINSECIFG 0x0000000fu
#define SECTXMINIFG_MINSECIFG_SHIFT 0
#define SECTXMINIFG_MRKINSERT 0x00001f00u
#define SECTXMINIFG_MRKINSERT_SHIFT 8

#define R_IPSTXIDX 0x08900u
#define IPSTXIDX_COUNT 1
#define IPSTXIDX_EN 0x00000001u
#define IPSTXIDX_EN_SHIFT 0
#define IPSTXIDX_IDX 0x00001ff8u
#define IPSTXIDX_IDX_SHIFT 3
#define IPSTXIDX_READ 0x40000000u
#define IPSTXIDX_READ_SHIFT 30
#define IPSTXIDX_WRITE 0x80000000u
#define IPSTXIDX_WRITE_SHIFT 31

#define R_IPSTXSALT 0x08904u
#define IPSTXSALT_COUNT 1
#define IPSTXSALT_VALUE 0xffffffffu
#define IPSTXSALT_VALUE_SHIFT 0

#define R_IPSTXKEY(n) (0x08908u + 0x4u * ((n)))
#define N_IPSTXKEY(o) (((o) - 0x08908u) / 0x4u)
#define IS_IPSTXKEY(o) (((o) >= 0x08908 && (o) <= 0x08914 && ((o) - 0x08908) % 0x4 == 0))
#define IPSTXKEY_COUNT 4
#define IPSTXKEY_VALUE 0xffffffffu
#define IPSTXKEY_VALUE_SHIFT 0

#define R_LSECTXCAP 0x08a00u
#define LSECTXCAP_COUNT 1
#define LSECTXCAP_VALUE 0xffffffffu
#define LSECTXCAP_VALUE_SHIFT 0

#define R_LSECTXCTRL 0x08a04u
#define LSECTXCTRL_COUNT 1
#define LSECTXCTRL_VALUE 0xffffffffu
#define LSECTXCTRL_VALUE_SHIFT 0

#define R_LSECTXSCL 0x08a08u
#define LSECTXSCL_COUNT 1
#define LSECTXSCL_VALUE 0xffffffffu
#define LSECTXSCL_VALUE_SHIFT 0

#define R_LSECTXSCH 0x08a0cu
#define LSECTXSCH_COUNT 1
#define LSECTXSCH_VALUE 0xffffffffu
#define LSECTXSCH_VALUE_SHIFT 0

#define R_LSECTXSA 0x08a10u
#define LSECTXSA_COUNT 1
#define LSECTXSA_VALUE 0xffffffffu
#define LSECTXSA_VALUE_SHIFT 0

#define R_LSECTXPN(n) (0x08a14u + 0x4u * ((n)))
#define N_LSECTXPN(o) (((o) - 0x08a14u) / 0x4u)
#define IS_LSECTXPN(o) (((o) >= 0x08a14 && (o) <= 0x08a18 && ((o) - 0x08a14) % 0x4 == 0))
#define LSECTXPN_COUNT 2
#define LSECTXPN_VALUE 0xffffffffu
#define LSECTXPN_VALUE_SHIFT 0

#define R_LSECTXKEY0(n) (0x08a1cu + 0x4u * ((n)))
#define N_LSECTXKEY0(o) (((o) - 0x08a1cu) / 0x4u)
#define IS_LSECTXKEY0(o) (((o) >= 0x08a1c && (o) <= 0x08a28 && ((o) - 0x08a1c) % 0x4 == 0))
#define LSECTXKEY0_COUNT 4
#define LSECTXKEY0_VALUE 0xffffffffu
#define LSECTXKEY0_VALUE_SHIFT 0

#define R_LSECTXKEY1(n) (0x08a2cu + 0x4u * ((n)))
#define N_LSECTXKEY1(o) (((o) - 0x08a2cu) / 0x4u)
#define IS_LSECTXKEY1(o) (((o) >= 0x08a2c && (o) <= 0x08a38 && ((o) - 0x08a2c) % 0x4 == 0))
#define LSECTXKEY1_COUNT 4
#define LSECTXKEY1_VALUE 0xffffffffu
#define LSECTXKEY1_VALUE_SHIFT 0

#define R_LSECTXUT 0x08a3cu
#define LSECTXUT_COUNT 1
#define LSECTXUT_VALUE 0xffffffffu
#define LSECTXUT_VALUE_SHIFT 0

#define R_LSECTXPKTE 0x08a40u
#define LSECTXPKTE_COUNT 1
#define LSECTXPKTE_VALUE 0xffffffffu
#define LSECTXPKTE_VALUE_SHIFT 0

#define R_LSECTXPKTP 0x08a44u
#define LSECTXPKTP_COUNT 1
#define LSECTXPKTP_VALUE 0xffffffffu
#define LSECTXPKTP_VALUE_SHIFT 0

#define R_LSECTXOCTE 0x08a48u
#define LSECTXOCTE_COUNT 1
#define LSECTXOCTE_VALUE 0xffffffffu
#define LSECTXOCTE_VALUE_SHIFT 0

#define R_LSECTXOCTP 0x08a4cu
#define LSECTXOCTP_COUNT 1
#define LSECTXOCTP_VALUE 0xffffffffu
#define LSECTXOCTP_VALUE_SHIFT 0

#define R_RTTBCNCR 0x08b00u
#define RTTBCNCR_COUNT 1
#define RTTBCNCR_VALUE 0xffffffffu
#define RTTBCNCR_VALUE_SHIFT 0

#define R_RTTBCNACH 0x08b04u
#define RTTBCNACH_COUNT 1
#define RTTBCNACH_VALUE 0xffffffffu
#define RTTBCNACH_VALUE_SHIFT 0

#define R_RTTBCNACL 0x08b08u
#define RTTBCNACL_COUNT 1
#define RTTBCNACL_VALUE 0xffffffffu
#define RTTBCNACL_VALUE_SHIFT 0

#define R_RTTBCNIDX 0x08b0cu
#define RTTBCNIDX_COUNT 1
#define RTTBCNIDX_VALUE 0xffffffffu
#define RTTBCNIDX_VALUE_SHIFT 0

#define R_RTTBCNCP 0x08b10u
#define RTTBCNCP_COUNT 1
#define RTTBCNCP_VALUE 0xffffffffu
#define RTTBCNCP_VALUE_SHIFT 0

#define R_RTFRTIMER 0x08b14u
#define RTFRTIMER_COUNT 1
#define RTFRTIMER_VALUE 0xffffffffu
#define RTFRTIMER_VALUE_SHIFT 0

#define R_TSYNCTXCTL 0x08c00u
#define TSYNCTXCTL_COUNT 1
#define TSYNCTXCTL_VALID 0x00000001u
#define TSYNCTXCTL_VALID_SHIFT 0
#define TSYNCTXCTL_ENABLED 0x00000010u
#define TSYNCTXCTL_ENABLED_SHIFT 4

#define R_TXSTMPL 0x08c04u
#define TXSTMPL_COUNT 1
#define TXSTMPL_VALUE 0xffffffffu
#define TXSTMPL_VALUE_SHIFT 0

#define R_TXSTMPH 0x08c08u
#define TXSTMPH_COUNT 1
#define TXSTMPH_VALUE 0xffffffffu
#define TXSTMPH_VALUE_SHIFT 0

#define R_SYSTIML 0x08c0cu
#define SYSTIML_COUNT 1
#define SYSTIML_VALUE 0xffffffffu
#define SYSTIML_VALUE_SHIFT 0

#define R_SYSTIMH 0x08c10u
#define SYSTIMH_COUNT 1
#define SYSTIMH_VALUE 0xffffffffu
#define SYSTIMH_VALUE_SHIFT 0

#define R_TIMINCA 0x08c14u
#define TIMINCA_COUNT 1
#define TIMINCA_INCVALUE 0x00ffffffu
#define TIMINCA_INCVALUE_SHIFT 0
#define TIMINCA_INCPERIOD 0xff000000u
#define TIMINCA_INCPERIOD_SHIFT 24

#define R_TIMADJL 0x08c18u
#define TIMADJL_COUNT 1
#define TIMADJL_VALUE 0xffffffffu
#define TIMADJL_VALUE_SHIFT 0

#define R_TIMADJH 0x08c1cu
#define TIMADJH_COUNT 1
#define TIMADJH_OFFSET 0x7fffffffu
#define TIMADJH_OFFSET_SHIFT 0
#define TIMADJH_MINUS 0x80000000u
#define TIMADJH_MINUS_SHIFT 31

#define R_TSAUXC 0x08c20u
#define TSAUXC_COUNT 1
#define TSAUXC_VALUE 0xffffffffu
#define TSAUXC_VALUE_SHIFT 0

#define R_TRGTTIML0 0x08c24u
#define TRGTTIML0_COUNT 1
#define TRGTTIML0_VALUE 0xffffffffu
#define TRGTTIML0_VALUE_SHIFT 0

#define R_TRGTTIMH0 0x08c28u
#define TRGTTIMH0_COUNT 1
#define TRGTTIMH0_VALUE 0xffffffffu
#define TRGTTIMH0_VALUE_SHIFT 0

#define R_TRGTTIML1 0x08c2cu
#define TRGTTIML1_COUNT 1
#define TRGTTIML1_VALUE 0xffffffffu
#define TRGTTIML1_VALUE_SHIFT 0

#define R_TRGTTIMH1 0x08c30u
#define TRGTTIMH1_COUNT 1
#define TRGTTIMH1_VALUE 0xffffffffu
#define TRGTTIMH1_VALUE_SHIFT 0

#define R_FREQOUT0 0x08c34u
#define FREQOUT0_COUNT 1
#define FREQOUT0_VALUE 0xffffffffu
#define FREQOUT0_VALUE_SHIFT 0

#define R_FREQOUT1 0x08c38u
#define FREQOUT1_COUNT 1
#define FREQOUT1_VALUE 0xffffffffu
#define FREQOUT1_VALUE_SHIFT 0

#define R_AUXSTMPL0 0x08c3cu
#define AUXSTMPL0_COUNT 1
#define AUXSTMPL0_VALUE 0xffffffffu
#define AUXSTMPL0_VALUE_SHIFT 0

#define R_AUXSTMPH0 0x08c40u
#define AUXSTMPH0_COUNT 1
#define AUXSTMPH0_VALUE 0xffffffffu
#define AUXSTMPH0_VALUE_SHIFT 0

#define R_AUXSTMPL1 0x08c44u
#define AUXSTMPL1_COUNT 1
#define AUXSTMPL1_VALUE 0xffffffffu
#define AUXSTMPL1_VALUE_SHIFT 0

#define R_AUXSTMPH1 0x08c48u
#define AUXSTMPH1_COUNT 1
#define AUXSTMPH1_VALUE 0xffffffffu
#define AUXSTMPH1_VALUE_SHIFT 0

#define R_SYSTIMR 0x08c58u
#define SYSTIMR_COUNT 1
#define SYSTIMR_VALUE 0xffffffffu
#define SYSTIMR_VALUE_SHIFT 0

#define R_TSICR 0x08c60u
#define TSICR_COUNT 1
#define TSICR_VALUE 0xffffffffu
#define TSICR_VALUE_SHIFT 0

#define R_TSIM 0x08c68u
#define TSIM_COUNT 1
#define TSIM_VALUE 0xffffffffu
#define TSIM_VALUE_SHIFT 0

#define R_SECRXCTRL 0x08d00u
#define SECRXCTRL_COUNT 1
#define SECRXCTRL_RESET 0x00000001u
#define SECRXCTRL_SECRX_DIS 0x00000001u
#define SECRXCTRL_SECRX_DIS_SHIFT 0
#define SECRXCTRL_RX_DIS 0x00000002u
#define SECRXCTRL_RX_DIS_SHIFT 1

#define R_SECRXSTAT 0x08d04u
#define SECRXSTAT_COUNT 1
#define SECRXSTAT_RESET 0x00000003u
#define SECRXSTAT_SECRX_RDY 0x00000001u
#define SECRXSTAT_SECRX_RDY_SHIFT 0
#define SECRXSTAT_SECRX_OFF_DIS 0x00000002u
#define SECRXSTAT_SECRX_OFF_DIS_SHIFT 1
#define SECRXSTAT_ECC_RXERR 0x00000004u
#define SECRXSTAT_ECC_RXERR_SHIFT 2

#define R_IPSRXIDX 0x08e00u
#define IPSRXIDX_COUNT 1
#define IPSRXIDX_EN 0x00000001u
#define IPSRXIDX_EN_SHIFT 0
#define IPSRXIDX_TABLE 0x00000006u
#define IPSRXIDX_TABLE_SHIFT 1
#define IPSRXIDX_TABLE_NONE 0x00000000u
#define IPSRXIDX_TABLE_IP 0x00000002u
#define IPSRXIDX_TABLE_SPI 0x00000004u
#define IPSRXIDX_TABLE_KEY 0x00000006u
#define IPSRXIDX_IDX 0x00001ff8u
#define IPSRXIDX_IDX_SHIFT 3
#define IPSRXIDX_READ 0x40000000u
#define IPSRXIDX_READ_SHIFT 30
#define IPSRXIDX_WRITE 0x80000000u
#define IPSRXIDX_WRITE_SHIFT 31

#define R_IPSRXIPADDR(n) (0x08e04u + 0x4u * ((n)))
#define N_IPSRXIPADDR(o) (((o) - 0x08e04u) / 0x4u)
#define IS_IPSRXIPADDR(o) (((o) >= 0x08e04 && (o) <= 0x08e10 && ((o) - 0x08e04) % 0x4 == 0))
#define IPSRXIPADDR_COUNT 4
#define IPSRXIPADDR_VALUE 0xffffffffu
#define IPSRXIPADDR_VALUE_SHIFT 0

#define R_IPSRXSPI 0x08e14u
#define IPSRXSPI_COUNT 1
#define IPSRXSPI_VALUE 0xffffffffu
#define IPSRXSPI_VALUE_SHIFT 0

#define R_IPSRXIPIDX 0x08e18u
#define IPSRXIPIDX_COUNT 1
#define IPSRXIPIDX_VALUE 0xffffffffu
#define IPSRXIPIDX_VALUE_SHIFT 0

#define R_IPSRXKEY(n) (0x08e1cu + 0x4u * ((n)))
#define N_IPSRXKEY(o) (((o) - 0x08e1cu) / 0x4u)
#define IS_IPSRXKEY(o) (((o) >= 0x08e1c && (o) <= 0x08e28 && ((o) - 0x08e1c) % 0x4 == 0))
#define IPSRXKEY_COUNT 4
#define IPSRXKEY_VALUE 0xffffffffu
#define IPSRXKEY_VALUE_SHIFT 0

#define R_IPSRXSALT 0x08e2cu
#define IPSRXSALT_COUNT 1
#define IPSRXSALT_VALUE 0xffffffffu
#define IPSRXSALT_VALUE_SHIFT 0

#define R_IPSRXMOD 0x08e30u
#define IPSRXMOD_COUNT 1
#define IPSRXMOD_VALUE 0xffffffffu
#define IPSRXMOD_VALUE_SHIFT 0

#define R_LSECRXCAP 0x08f00u
#define LSECRXCAP_COUNT 1
#define LSECRXCAP_VALUE 0xffffffffu
#define LSECRXCAP_VALUE_SHIFT 0

#define R_LSECRXCTRL 0x08f04u
#define LSECRXCTRL_COUNT 1
#define LSECRXCTRL_VALUE 0xffffffffu
#define LSECRXCTRL_VALUE_SHIFT 0

#define R_LSECRXSCL 0x08f08u
#define LSECRXSCL_COUNT 1
#define LSECRXSCL_VALUE 0xffffffffu
#define LSECRXSCL_VALUE_SHIFT 0

#define R_LSECRXSCH 0x08f0cu
#define LSECRXSCH_COUNT 1
#define LSECRXSCH_VALUE 0xffffffffu
#define LSECRXSCH_VALUE_SHIFT 0

#define R_LSECRXSA(n) (0x08f10u + 0x4u * ((n)))
#define N_LSECRXSA(o) (((o) - 0x08f10u) / 0x4u)
#define IS_LSECRXSA(o) (((o) >= 0x08f10 && (o) <= 0x08f14 && ((o) - 0x08f10) % 0x4 == 0))
#define LSECRXSA_COUNT 2
#define LSECRXSA_VALUE 0xffffffffu
#define LSECRXSA_VALUE_SHIFT 0

#define R_LSECRXPN(n) (0x08f18u + 0x4u * ((n)))
#define N_LSECRXPN(o) (((o) - 0x08f18u) / 0x4u)
#define IS_LSECRXPN(o) (((o) >= 0x08f18 && (o) <= 0x08f1c && ((o) - 0x08f18) % 0x4 == 0))
#define LSECRXPN_COUNT 2
#define LSECRXPN_VALUE 0xffffffffu
#define LSECRXPN_VALUE_SHIFT 0

#define R_LSECRXKEY(n) (0x08f20u + 0x4u * ((n)))
#define N_LSECRXKEY(o) (((o) - 0x08f20u) / 0x4u)
#define IS_LSECRXKEY(o) (((o) >= 0x08f20 && (o) <= 0x08f3c && ((o) - 0x08f20) % 0x4 == 0))
#define LSECRXKEY_COUNT 8
#define LSECRXKEY_VALUE 0xffffffffu
#define LSECRXKEY_VALUE_SHIFT 0

#define R_LSECRXUT 0x08f40u
#define LSECRXUT_COUNT 1
#define LSECRXUT_VALUE 0xffffffffu
#define LSECRXUT_VALUE_SHIFT 0

#define R_LSECRXOCTD 0x08f44u
#define LSECRXOCTD_COUNT 1
#define LSECRXOCTD_VALUE 0xffffffffu
#define LSECRXOCTD_VALUE_SHIFT 0

#define R_LSECRXOCTV 0x08f48u
#define LSECRXOCTV_COUNT 1
#define LSECRXOCTV_VALUE 0xffffffffu
#define LSECRXOCTV_VALUE_SHIFT 0

#define R_LSECRXBAD 0x08f4cu
#define LSECRXBAD_COUNT 1
#define LSECRXBAD_VALUE 0xffffffffu
#define LSECRXBAD_VALUE_SHIFT 0

#define R_LSECRXNOSCI 0x08f50u
#define LSECRXNOSCI_COUNT 1
#define LSECRXNOSCI_VALUE 0xffffffffu
#define LSECRXNOSCI_VALUE_SHIFT 0

#define R_LSECRXUNSCI 0x08f54u
#define LSECRXUNSCI_COUNT 1
#define LSECRXUNSCI_VALUE 0xffffffffu
#define LSECRXUNSCI_VALUE_SHIFT 0

#define R_LSECRXUNCH 0x08f58u
#define LSECRXUNCH_COUNT 1
#define LSECRXUNCH_VALUE 0xffffffffu
#define LSECRXUNCH_VALUE_SHIFT 0

#define R_LSECRXDELAY 0x08f5cu
#define LSECRXDELAY_COUNT 1
#define LSECRXDELAY_VALUE 0xffffffffu
#define LSECRXDELAY_VALUE_SHIFT 0

#define R_LSECRXLATE 0x08f60u
#define LSECRXLATE_COUNT 1
#define LSECRXLATE_VALUE 0xffffffffu
#define LSECRXLATE_VALUE_SHIFT 0

#define R_LSECRXOK(n) (0x08f64u + 0x4u * ((n)))
#define N_LSECRXOK(o) (((o) - 0x08f64u) / 0x4u)
#define IS_LSECRXOK(o) (((o) >= 0x08f64 && (o) <= 0x08f68 && ((o) - 0x08f64) % 0x4 == 0))
#define LSECRXOK_COUNT 2
#define LSECRXOK_VALUE 0xffffffffu
#define LSECRXOK_VALUE_SHIFT 0

#define R_LSECRXINV(n) (0x08f6cu + 0x4u * ((n)))
#define N_LSECRXINV(o) (((o) - 0x08f6cu) / 0x4u)
#define IS_LSECRXINV(o) (((o) >= 0x08f6c && (o) <= 0x08f70 && ((o) - 0x08f6c) % 0x4 == 0))
#define LSECRXINV_COUNT 2
#define LSECRXINV_VALUE 0xffffffffu
#define LSECRXINV_VALUE_SHIFT 0

#define R_LSECRXNV(n) (0x08f74u + 0x4u * ((n)))
#define N_LSECRXNV(o) (((o) - 0x08f74u) / 0x4u)
#define IS_LSECRXNV(o) (((o) >= 0x08f74 && (o) <= 0x08f78 && ((o) - 0x08f74) % 0x4 == 0))
#define LSECRXNV_COUNT 2
#define LSECRXNV_VALUE 0xffffffffu
#define LSECRXNV_VALUE_SHIFT 0

#define R_LSECRXUNSA 0x08f7cu
#define LSECRXUNSA_COUNT 1
#define LSECRXUNSA_VALUE 0xffffffffu
#define LSECRXUNSA_VALUE_SHIFT 0

#define R_LSECRXNUSA 0x08f80u
#define LSECRXNUSA_COUNT 1
#define LSECRXNUSA_VALUE 0xffffffffu
#define LSECRXNUSA_VALUE_SHIFT 0

#define R_FHFT(n) (0x09000u + 0x4u * ((n)))
#define N_FHFT(o) (((o) - 0x09000u) / 0x4u)
#define IS_FHFT(o) (((o) >= 0x09000 && (o) <= 0x093fc && ((o) - 0x09000) % 0x4 == 0))
#define FHFT_COUNT 256
#define FHFT_VALUE 0xffffffffu
#define FHFT_VALUE_SHIFT 0

#define R_FTFT(n) (0x09400u + 0x4u * ((n)))
#define N_FTFT(o) (((o) - 0x09400u) / 0x4u)
#define IS_FTFT(o) (((o) >= 0x09400 && (o) <= 0x097fc && ((o) - 0x09400) % 0x4 == 0))
#define FTFT_COUNT 256
#define FTFT_VALUE 0xffffffffu
#define FTFT_VALUE_SHIFT 0

#define R_FHFT_EXT(n) (0x09800u + 0x4u * ((n)))
#define N_FHFT_EXT(o) (((o) - 0x09800u) / 0x4u)
#define IS_FHFT_EXT(o) (((o) >= 0x09800 && (o) <= 0x099fc && ((o) - 0x09800) % 0x4 == 0))
#define FHFT_EXT_COUNT 128
#define FHFT_EXT_VALUE 0xffffffffu
#define FHFT_EXT_VALUE_SHIFT 0

#define R_VFTA(n) (0x0a000u + 0x4u * ((n)))
#define N_VFTA(o) (((o) - 0x0a000u) / 0x4u)
#define IS_VFTA(o) (((o) >= 0x0a000 && (o) <= 0x0a1fc && ((o) - 0x0a000) % 0x4 == 0))
#define VFTA_COUNT 128
#define VFTA_VALUE 0xffffffffu
#define VFTA_VALUE_SHIFT 0

#define R_RAL(n) (0x0a200u + 0x8u * ((n)))
#define N_RAL(o) (((o) - 0x0a200u) / 0x8u)
#define IS_RAL(o) (((o) >= 0x0a200 && (o) <= 0x0a5f8 && ((o) - 0x0a200) % 0x8 == 0))
#define RAL_COUNT 128
#define RAL_VALUE 0xffffffffu
#define RAL_VALUE_SHIFT 0

#define R_RAH(n) (0x0a204u + 0x8u * ((n)))
#define N_RAH(o) (((o) - 0x0a204u) / 0x8u)
#define IS_RAH(o) (((o) >= 0x0a204 && (o) <= 0x0a5fc && ((o) - 0x0a204) % 0x8 == 0))
#define RAH_COUNT 128
#define RAH_RAH 0x0000ffffu
#define RAH_RAH_SHIFT 0
#define RAH_AV 0x80000000u
#define RAH_AV_SHIFT 31

#define R_MPSAR(n) (0x0a600u + 0x4u * ((n)))
#define N_MPSAR(o) (((o) - 0x0a600u) / 0x4u)
#define IS_MPSAR(o) (((o) >= 0x0a600 && (o) <= 0x0a9fc && ((o) - 0x0a600) % 0x4 == 0))
#define MPSAR_COUNT 256
#define MPSAR_VALUE 0xffffffffu
#define MPSAR_VALUE_SHIFT 0

#define R_TXWRPTR(n) (0x0c100u + 0x4u * ((n)))
#define N_TXWRPTR(o) (((o) - 0x0c100u) / 0x4u)
#define IS_TXWRPTR(o) (((o) >= 0x0c100 && (o) <= 0x0c11c && ((o) - 0x0c100) % 0x4 == 0))
#define TXWRPTR_COUNT 8
#define TXWRPTR_VALUE 0xffffffffu
#define TXWRPTR_VALUE_SHIFT 0

#define R_TXUSED(n) (0x0c120u + 0x4u * ((n)))
#define N_TXUSED(o) (((o) - 0x0c120u) / 0x4u)
#define IS_TXUSED(o) (((o) >= 0x0c120 && (o) <= 0x0c13c && ((o) - 0x0c120) % 0x4 == 0))
#define TXUSED_COUNT 8
#define TXUSED_VALUE 0xffffffffu
#define TXUSED_VALUE_SHIFT 0

#define R_TXRDPTR(n) (0x0c140u + 0x4u * ((n)))
#define N_TXRDPTR(o) (((o) - 0x0c140u) / 0x4u)
#define IS_TXRDPTR(o) (((o) >= 0x0c140 && (o) <= 0x0c15c && ((o) - 0x0c140) % 0x4 == 0))
#define TXRDPTR_COUNT 8
#define TXRDPTR_VALUE 0xffffffffu
#define TXRDPTR_VALUE_SHIFT 0

#define R_TXRDWRPTR(n) (0x0c160u + 0x4u * ((n)))
#define N_TXRDWRPTR(o) (((o) - 0x0c160u) / 0x4u)
#define IS_TXRDWRPTR(o) (((o) >= 0x0c160 && (o) <= 0x0c17c && ((o) - 0x0c160) % 0x4 == 0))
#define TXRDWRPTR_COUNT 8
#define TXRDWRPTR_VALUE 0xffffffffu
#define TXRDWRPTR_VALUE_SHIFT 0

#define R_PBTXECC 0x0c300u
#define PBTXECC_COUNT 1
#define PBTXECC_VALUE 0xffffffffu
#define PBTXECC_VALUE_SHIFT 0

#define R_TXBUFCTRL 0x0c600u
#define TXBUFCTRL_COUNT 1
#define TXBUFCTRL_VALUE 0xffffffffu
#define TXBUFCTRL_VALUE_SHIFT 0

#define R_TXBUFDATA(n) (0x0c610u + 0x4u * ((n)))
#define N_TXBUFDATA(o) (((o) - 0x0c610u) / 0x4u)
#define IS_TXBUFDATA(o) (((o) >= 0x0c610 && (o) <= 0x0c61c && ((o) - 0x0c610) % 0x4 == 0))
#define TXBUFDATA_COUNT 4
#define TXBUFDATA_VALUE 0xffffffffu
#define TXBUFDATA_VALUE_SHIFT 0

#define R_TXDATAWRPTR(n) (0x0c700u + 0x4u * ((n)))
#define N_TXDATAWRPTR(o) (((o) - 0x0c700u) / 0x4u)
#define IS_TXDATAWRPTR(o) (((o) >= 0x0c700 && (o) <= 0x0c70c && ((o) - 0x0c700) % 0x4 == 0))
#define TXDATAWRPTR_COUNT 4
#define TXDATAWRPTR_VALUE 0xffffffffu
#define TXDATAWRPTR_VALUE_SHIFT 0

#define R_TXDESCWRPTR(n) (0x0c710u + 0x4u * ((n)))
#define N_TXDESCWRPTR(o) (((o) - 0x0c710u) / 0x4u)
#define IS_TXDESCWRPTR(o) (((o) >= 0x0c710 && (o) <= 0x0c71c && ((o) - 0x0c710) % 0x4 == 0))
#define TXDESCWRPTR_COUNT 4
#define TXDESCWRPTR_VALUE 0xffffffffu
#define TXDESCWRPTR_VALUE_SHIFT 0

#define R_TXDATARDPTR(n) (0x0c720u + 0x4u * ((n)))
#define N_TXDATARDPTR(o) (((o) - 0x0c720u) / 0x4u)
#define IS_TXDATARDPTR(o) (((o) >= 0x0c720 && (o) <= 0x0c72c && ((o) - 0x0c720) % 0x4 == 0))
#define TXDATARDPTR_COUNT 4
#define TXDATARDPTR_VALUE 0xffffffffu
#define TXDATARDPTR_VALUE_SHIFT 0

#define R_TXDESCRDPTR(n) (0x0c730u + 0x4u * ((n)))
#define N_TXDESCRDPTR(o) (((o) - 0x0c730u) / 0x4u)
#define IS_TXDESCRDPTR(o) (((o) >= 0x0c730 && (o) <= 0x0c73c && ((o) - 0x0c730) % 0x4 == 0))
#define TXDESCRDPTR_COUNT 4
#define TXDESCRDPTR_VALUE 0xffffffffu
#define TXDESCRDPTR_VALUE_SHIFT 0

#define R_RTTUP2TC 0x0c800u
#define RTTUP2TC_COUNT 1
#define RTTUP2TC_VALUE 0xffffffffu
#define RTTUP2TC_VALUE_SHIFT 0

#define R_LBDRPEN 0x0ca00u
#define LBDRPEN_COUNT 1
#define LBDRPEN_VALUE 0xffffffffu
#define LBDRPEN_VALUE_SHIFT 0

#define R_TIPG 0x0cb00u
#define TIPG_COUNT 1
#define TIPG_VALUE 0xffffffffu
#define TIPG_VALUE_SHIFT 0

#define R_TXPBSIZE(n) (0x0cc00u + 0x4u * ((n)))
#define N_TXPBSIZE(o) (((o) - 0x0cc00u) / 0x4u)
#define IS_TXPBSIZE(o) (((o) >= 0x0cc00 && (o) <= 0x0cc1c && ((o) - 0x0cc00) % 0x4 == 0))
#define TXPBSIZE_COUNT 8
#define TXPBSIZE_SIZE 0x000ffc00u
#define TXPBSIZE_SIZE_SHIFT 10

#define R_RTTPCS 0x0cd00u
#define RTTPCS_COUNT 1
#define RTTPCS_RESET 0x89000000u
#define RTTPCS_TPPAC 0x00000020u
#define RTTPCS_TPPAC_SHIFT 5
#define RTTPCS_ARBDIS 0x00000040u
#define RTTPCS_ARBDIS_SHIFT 6
#define RTTPCS_TPRM 0x00000100u
#define RTTPCS_TPRM_SHIFT 8
#define RTTPCS_ARBD 0xffc00000u
#define RTTPCS_ARBD_SHIFT 22

#define R_MNGTXMAP 0x0cd10u
#define MNGTXMAP_COUNT 1
#define MNGTXMAP_MAP 0x00000007u
#define MNGTXMAP_MAP_SHIFT 0

#define R_RTTPT2C(n) (0x0cd20u + 0x4u * ((n)))
#define N_RTTPT2C(o) (((o) - 0x0cd20u) / 0x4u)
#define IS_RTTPT2C(o) (((o) >= 0x0cd20 && (o) <= 0x0cd3c && ((o) - 0x0cd20) % 0x4 == 0))
#define RTTPT2C_COUNT 8
#define RTTPT2C_CRQ 0x000001ffu
#define RTTPT2C_CRQ_SHIFT 0
#define RTTPT2C_BWG 0x00000e00u
#define RTTPT2C_BWG_SHIFT 9
#define RTTPT2C_MCL 0x00fff000u
#define RTTPT2C_MCL_SHIFT 12
#define RTTPT2C_GSP 0x40000000u
#define RTTPT2C_GSP_SHIFT 30
#define RTTPT2C_LSP 0x80000000u
#define RTTPT2C_LSP_SHIFT 31

#define R_RTTPT2S(n) (0x0cd40u + 0x4u * ((n)))
#define N_RTTPT2S(o) (((o) - 0x0cd40u) / 0x4u)
#define IS_RTTPT2S(o) (((o) >= 0x0cd40 && (o) <= 0x0cd5c && ((o) - 0x0cd40) % 0x4 == 0))
#define RTTPT2S_COUNT 8
#define RTTPT2S_VALUE 0xffffffffu
#define RTTPT2S_VALUE_SHIFT 0

#define R_TFCS 0x0ce00u
#define TFCS_COUNT 1
#define TFCS_RESET 0x000000ffu
#define TFCS_TC_XON 0x000000ffu
#define TFCS_TC_XON_SHIFT 0

#define R_PXONRXC(n) (0x0cf00u + 0x4u * ((n)))
#define N_PXONRXC(o) (((o) - 0x0cf00u) / 0x4u)
#define IS_PXONRXC(o) (((o) >= 0x0cf00 && (o) <= 0x0cf1c && ((o) - 0x0cf00) % 0x4 == 0))
#define PXONRXC_COUNT 8
#define PXONRXC_VALUE 0xffffffffu
#define PXONRXC_VALUE_SHIFT 0

#define R_PXOFFRXC(n) (0x0cf20u + 0x4u * ((n)))
#define N_PXOFFRXC(o) (((o) - 0x0cf20u) / 0x4u)
#define IS_PXOFFRXC(o) (((o) >= 0x0cf20 && (o) <= 0x0cf3c && ((o) - 0x0cf20) % 0x4 == 0))
#define PXOFFRXC_COUNT 8
#define PXOFFRXC_VALUE 0xffffffffu
#define PXOFFRXC_VALUE_SHIFT 0

#define R_LXONRXC 0x0cf60u
#define LXONRXC_COUNT 1
#define LXONRXC_VALUE 0xffffffffu
#define LXONRXC_VALUE_SHIFT 0

#define R_LXOFFRXC 0x0cf68u
#define LXOFFRXC_COUNT 1
#define LXOFFRXC_VALUE 0xffffffffu
#define LXOFFRXC_VALUE_SHIFT 0

#define R_MNGPTC 0x0cf90u
#define MNGPTC_COUNT 1
#define MNGPTC_VALUE 0xffffffffu
#define MNGPTC_VALUE_SHIFT 0

#define R_PVFMPRC(n) (0x0d01cu + 0x40u * ((n)))
#define N_PVFMPRC(o) (((o) - 0x0d01cu) / 0x40u)
#define IS_PVFMPRC(o) (((o) >= 0x0d01c && (o) <= 0x0dfdc && ((o) - 0x0d01c) % 0x40 == 0))
#define PVFMPRC_COUNT 64
#define PVFMPRC_VALUE 0xffffffffu
#define PVFMPRC_VALUE_SHIFT 0

#define R_PVFGORC_MSB(n) (0x0d020u + 0x40u * ((n)))
#define N_PVFGORC_MSB(o) (((o) - 0x0d020u) / 0x40u)
#define IS_PVFGORC_MSB(o) (((o) >= 0x0d020 && (o) <= 0x0dfe0 && ((o) - 0x0d020) % 0x40 == 0))
#define PVFGORC_MSB_COUNT 64
#define PVFGORC_MSB_VALUE 0x0000000fu
#define PVFGORC_MSB_VALUE_SHIFT 0

#define R_SAQF(n) (0x0e000u + 0x4u * ((n)))
#define N_SAQF(o) (((o) - 0x0e000u) / 0x4u)
#define IS_SAQF(o) (((o) >= 0x0e000 && (o) <= 0x0e1fc && ((o) - 0x0e000) % 0x4 == 0))
#define SAQF_COUNT 128
#define SAQF_VALUE 0xffffffffu
#define SAQF_VALUE_SHIFT 0

#define R_DAQF(n) (0x0e200u + 0x4u * ((n)))
#define N_DAQF(o) (((o) - 0x0e200u) / 0x4u)
#define IS_DAQF(o) (((o) >= 0x0e200 && (o) <= 0x0e3fc && ((o) - 0x0e200) % 0x4 == 0))
#define DAQF_COUNT 128
#define DAQF_VALUE 0xffffffffu
#define DAQF_VALUE_SHIFT 0

#define R_SDPQF(n) (0x0e400u + 0x4u * ((n)))
#define N_SDPQF(o) (((o) - 0x0e400u) / 0x4u)
#define IS_SDPQF(o) (((o) >= 0x0e400 && (o) <= 0x0e5fc && ((o) - 0x0e400) % 0x4 == 0))
#define SDPQF_COUNT 128
#define SDPQF_SRC_PORT 0x0000ffffu
#define SDPQF_SRC_PORT_SHIFT 0
#define SDPQF_DST_PORT 0xffff0000u
#define SDPQF_DST_PORT_SHIFT 16

#define R_FTQF(n) (0x0e600u + 0x4u * ((n)))
#define N_FTQF(o) (((o) - 0x0e600u) / 0x4u)
#define IS_FTQF(o) (((o) >= 0x0e600 && (o) <= 0x0e7fc && ((o) - 0x0e600) % 0x4 == 0))
#define FTQF_COUNT 128
#define FTQF_PROTOCOL 0x00000003u
#define FTQF_PROTOCOL_SHIFT 0
#define FTQF_PROTOCOL_TCP 0x00000000u
#define FTQF_PROTOCOL_UDP 0x00000001u
#define FTQF_PROTOCOL_SCTP 0x00000002u
#define FTQF_PROTOCOL_OTHER 0x00000003u
#define FTQF_PRIORITY 0x0000001cu
#define FTQF_PRIORITY_SHIFT 2
#define FTQF_STORE 0x000000e0u
#define FTQF_STORE_SHIFT 5
#define FTQF_POOL 0x00003f00u
#define FTQF_POOL_SHIFT 8
#define FTQF_STORE14 0x01ffc000u
#define FTQF_STORE14_SHIFT 14
#define FTQF_MASK 0x3e000000u
#define FTQF_MASK_SHIFT 25
#define FTQF_POOL_MASK 0x40000000u
#define FTQF_POOL_MASK_SHIFT 30
#define FTQF_ENABLE 0x80000000u
#define FTQF_ENABLE_SHIFT 31

#define R_L34TIMIR(n) (0x0e800u + 0x4u * ((n)))
#define N_L34TIMIR(o) (((o) - 0x0e800u) / 0x4u)
#define IS_L34TIMIR(o) (((o) >= 0x0e800 && (o) <= 0x0e9fc && ((o) - 0x0e800) % 0x4 == 0))
#define L34TIMIR_COUNT 128
#define L34TIMIR_STORE 0x00000fffu
#define L34TIMIR_STORE_SHIFT 0
#define L34TIMIR_SIZE_BP 0x00001000u
#define L34TIMIR_SIZE_BP_SHIFT 12
#define L34TIMIR_STORE13 0x0007e000u
#define L34TIMIR_STORE13_SHIFT 13
#define L34TIMIR_RESERVE 0x00080000u
#define L34TIMIR_RESERVE_SHIFT 19
#define L34TIMIR_LLI 0x00100000u
#define L34TIMIR_LLI_SHIFT 20
#define L34TIMIR_QUEUE 0x0fe00000u
#define L34TIMIR_QUEUE_SHIFT 21
#define L34TIMIR_STORE28 0xf0000000u
#define L34TIMIR_STORE28_SHIFT 28

#define R_PSRTYPE(n) (0x0ea00u + 0x4u * ((n)))
#define N_PSRTYPE(o) (((o) - 0x0ea00u) / 0x4u)
#define IS_PSRTYPE(o) (((o) >= 0x0ea00 && (o) <= 0x0eafc && ((o) - 0x0ea00) % 0x4 == 0))
#define PSRTYPE_COUNT 64
#define PSRTYPE_STORE0 0x0000000fu
#define PSRTYPE_STORE0_SHIFT 0
#define PSRTYPE_TCPHDR 0x00000010u
#define PSRTYPE_TCPHDR_SHIFT 4
#define PSRTYPE_UDPHDR 0x00000020u
#define PSRTYPE_UDPHDR_SHIFT 5
#define PSRTYPE_STORE6 0x000000c0u
#define PSRTYPE_STORE6_SHIFT 6
#define PSRTYPE_IPV4HDR 0x00000100u
#define PSRTYPE_IPV4HDR_SHIFT 8
#define PSRTYPE_IPV6HDR 0x00000200u
#define PSRTYPE_IPV6HDR_SHIFT 9
#define PSRTYPE_STORE10 0x00000c00u
#define PSRTYPE_STORE10_SHIFT 10
#define PSRTYPE_L2HDR 0x00001000u
#define PSRTYPE_L2HDR_SHIFT 12
#define PSRTYPE_STORE13 0x1fffe000u
#define PSRTYPE_STORE13_SHIFT 13
#define PSRTYPE_RQPL 0xe0000000u
#define PSRTYPE_RQPL_SHIFT 29

#define R_RETA(n) (0x0eb00u + 0x4u * ((n)))
#define N_RETA(o) (((o) - 0x0eb00u) / 0x4u)
#define IS_RETA(o) (((o) >= 0x0eb00 && (o) <= 0x0eb7c && ((o) - 0x0eb00) % 0x4 == 0))
#define RETA_COUNT 32
#define RETA_ENTRY0 0x0000000fu
#define RETA_ENTRY0_SHIFT 0
#define RETA_ENTRY1 0x00000f00u
#define RETA_ENTRY1_SHIFT 8
#define RETA_ENTRY2 0x000f0000u
#define RETA_ENTRY2_SHIFT 16
#define RETA_ENTRY3 0x0f000000u
#define RETA_ENTRY3_SHIFT 24

#define R_RSSRK(n) (0x0eb80u + 0x4u * ((n)))
#define N_RSSRK(o) (((o) - 0x0eb80u) / 0x4u)
#define IS_RSSRK(o) (((o) >= 0x0eb80 && (o) <= 0x0eba4 && ((o) - 0x0eb80) % 0x4 == 0))
#define RSSRK_COUNT 10
#define RSSRK_VALUE 0xffffffffu
#define RSSRK_VALUE_SHIFT 0

#define R_ETQS(n) (0x0ec00u + 0x4u * ((n)))
#define N_ETQS(o) (((o) - 0x0ec00u) / 0x4u)
#define IS_ETQS(o) (((o) >= 0x0ec00 && (o) <= 0x0ec1c && ((o) - 0x0ec00) % 0x4 == 0))
#define ETQS_COUNT 8
#define ETQS_RX_QUEUE 0x007f0000u
#define ETQS_RX_QUEUE_SHIFT 16
#define ETQS_LLI 0x20000000u
#define ETQS_LLI_SHIFT 29
#define ETQS_QUEUE_EN 0x80000000u
#define ETQS_QUEUE_EN_SHIFT 31

#define R_SYNQF 0x0ec30u
#define SYNQF_COUNT 1
#define SYNQF_QUEUE_EN 0x00000001u
#define SYNQF_QUEUE_EN_SHIFT 0
#define SYNQF_RX_QUEUE 0x000000feu
#define SYNQF_RX_QUEUE_SHIFT 1
#define SYNQF_STORE 0x7fffff00u
#define SYNQF_STORE_SHIFT 8
#define SYNQF_SYNQFP 0x80000000u
#define SYNQF_SYNQFP_SHIFT 31

#define R_IMIRVP 0x0ec60u
#define IMIRVP_COUNT 1
#define IMIRVP_PRIORITY 0x00000007u
#define IMIRVP_PRIORITY_SHIFT 0
#define IMIRVP_ENABLE 0x00000008u
#define IMIRVP_ENABLE_SHIFT 3

#define R_RQTC 0x0ec70u
#define RQTC_COUNT 1
#define RQTC_RESET 0x44444444u
#define RQTC_VALUE 0xffffffffu
#define RQTC_VALUE_SHIFT 0

#define R_MRQC 0x0ec80u
#define MRQC_COUNT 1
#define MRQC_MRQE 0x0000000fu
#define MRQC_MRQE_SHIFT 0
#define MRQC_MRQE_NONE 0x00000000u
#define MRQC_MRQE_RSS 0x00000001u
#define MRQC_MRQE_RT8TC 0x00000002u
#define MRQC_MRQE_RT4TC 0x00000003u
#define MRQC_MRQE_RTRSS8TC 0x00000004u
#define MRQC_MRQE_RTRSS4TC 0x00000005u
#define MRQC_MRQE_VMDQ 0x00000008u
#define MRQC_MRQE_VMDQRSS32 0x0000000au
#define MRQC_MRQE_VMDQRSS64 0x0000000bu
#define MRQC_MRQE_VMDQRT8TC 0x0000000cu
#define MRQC_MRQE_VMDQRT4TC 0x0000000du
#define MRQC_L3L4TXSWEN 0x00008000u
#define MRQC_L3L4TXSWEN_SHIFT 15
#define MRQC_RSS_FIELD_IPV4_TCP 0x00010000u
#define MRQC_RSS_FIELD_IPV4_TCP_SHIFT 16
#define MRQC_RSS_FIELD_IPV4 0x00020000u
#define MRQC_RSS_FIELD_IPV4_SHIFT 17
#define MRQC_RSS_FIELD_IPV6_EX_TCP 0x00040000u
#define MRQC_RSS_FIELD_IPV6_EX_TCP_SHIFT 18
#define MRQC_RSS_FIELD_IPV6_EX 0x00080000u
#define MRQC_RSS_FIELD_IPV6_EX_SHIFT 19
#define MRQC_RSS_FIELD_IPV6 0x00100000u
#define MRQC_RSS_FIELD_IPV6_SHIFT 20
#define MRQC_RSS_FIELD_IPV6_TCP 0x00200000u
#define MRQC_RSS_FIELD_IPV6_TCP_SHIFT 21
#define MRQC_RSS_FIELD_IPV4_UDP 0x00400000u
#define MRQC_RSS_FIELD_IPV4_UDP_SHIFT 22
#define MRQC_RSS_FIELD_IPV6_UDP 0x00800000u
#define MRQC_RSS_FIELD_IPV6_UDP_SHIFT 23
#define MRQC_RSS_FIELD_IPV6_EX_UDP 0x01000000u
#define MRQC_RSS_FIELD_IPV6_EX_UDP_SHIFT 24

#define R_LLITHRESH 0x0ec90u
#define LLITHRESH_COUNT 1
#define LLITHRESH_SIZE 0x00000fffu
#define LLITHRESH_SIZE_SHIFT 0
#define LLITHRESH_STORE 0xfffff000u
#define LLITHRESH_STORE_SHIFT 12

#define R_FCRECTL 0x0ed00u
#define FCRECTL_COUNT 1
#define FCRECTL_VALUE 0xffffffffu
#define FCRECTL_VALUE_SHIFT 0

#define R_FCRETA(n) (0x0ed10u + 0x4u * ((n)))
#define N_FCRETA(o) (((o) - 0x0ed10u) / 0x4u)
#define IS_FCRETA(o) (((o) >= 0x0ed10 && (o) <= 0x0ed2c && ((o) - 0x0ed10) % 0x4 == 0))
#define FCRETA_COUNT 8
#define FCRETA_VALUE 0xffffffffu
#define FCRETA_VALUE_SHIFT 0

#define R_FDIRCTRL 0x0ee00u
#define FDIRCTRL_COUNT 1
#define FDIRCTRL_PBALLOC 0x00000003u
#define FDIRCTRL_PBALLOC_SHIFT 0
#define FDIRCTRL_PBALLOC_NONE 0x00000000u
#define FDIRCTRL_PBALLOC_K64 0x00000001u
#define FDIRCTRL_PBALLOC_K128 0x00000002u
#define FDIRCTRL_PBALLOC_K256 0x00000003u
#define FDIRCTRL_INIT_DONE 0x00000008u
#define FDIRCTRL_INIT_DONE_SHIFT 3
#define FDIRCTRL_PERFECT_MATCH 0x00000010u
#define FDIRCTRL_PERFECT_MATCH_SHIFT 4
#define FDIRCTRL_REPORT_STATUS 0x00000020u
#define FDIRCTRL_REPORT_STATUS_SHIFT 5
#define FDIRCTRL_REPORT_STATUS_ALWAYS 0x00000080u
#define FDIRCTRL_REPORT_STATUS_ALWAYS_SHIFT 7
#define FDIRCTRL_DROP_Q 0x00007f00u
#define FDIRCTRL_DROP_Q_SHIFT 8
#define FDIRCTRL_FLEX 0x001f0000u
#define FDIRCTRL_FLEX_SHIFT 16
#define FDIRCTRL_FILTERMODE 0x00600000u
#define FDIRCTRL_FILTERMODE_SHIFT 21
#define FDIRCTRL_SEARCHLIM 0x00800000u
#define FDIRCTRL_SEARCHLIM_SHIFT 23
#define FDIRCTRL_MAX_LENGTH 0x0f000000u
#define FDIRCTRL_MAX_LENGTH_SHIFT 24
#define FDIRCTRL_FULL_THRESH 0xf0000000u
#define FDIRCTRL_FULL_THRESH_SHIFT 28

#define R_FDIRSIPv6(n) (0x0ee0cu + 0x4u * ((n)))
#define N_FDIRSIPv6(o) (((o) - 0x0ee0cu) / 0x4u)
#define IS_FDIRSIPv6(o) (((o) >= 0x0ee0c && (o) <= 0x0ee14 && ((o) - 0x0ee0c) % 0x4 == 0))
#define FDIRSIPv6_COUNT 3
#define FDIRSIPv6_VALUE 0xffffffffu
#define FDIRSIPv6_VALUE_SHIFT 0

#define R_FDIRIPSA 0x0ee18u
#define FDIRIPSA_COUNT 1
#define FDIRIPSA_VALUE 0xffffffffu
#define FDIRIPSA_VALUE_SHIFT 0

#define R_FDIRIPDA 0x0ee1cu
#define FDIRIPDA_COUNT 1
#define FDIRIPDA_VALUE 0xffffffffu
#define FDIRIPDA_VALUE_SHIFT 0

#define R_FDIRPORT 0x0ee20u
#define FDIRPORT_COUNT 1
#define FDIRPORT_SOURCE 0x0000ffffu
#define FDIRPORT_SOURCE_SHIFT 0
#define FDIRPORT_DESTINATION 0xffff0000u
#define FDIRPORT_DESTINATION_SHIFT 16

#define R_FDIRVLAN 0x0ee24u
#define FDIRVLAN_COUNT 1
#define FDIRVLAN_VLAN 0x0000ffffu
#define FDIRVLAN_VLAN_SHIFT 0
#define FDIRVLAN_FLEX 0xffff0000u
#define FDIRVLAN_FLEX_SHIFT 16

#define R_FDIRHASH 0x0ee28u
#define FDIRHASH_COUNT 1
#define FDIRHASH_HASH 0x00007fffu
#define FDIRHASH_HASH_SHIFT 0
#define FDIRHASH_BUCKET_VALID 0x00008000u
#define FDIRHASH_BUCKET_VALID_SHIFT 15
#define FDIRHASH_SIG_SW_INDEX 0xffff0000u
#define FDIRHASH_SIG_SW_INDEX_SHIFT 16

#define R_FDIRCMD 0x0ee2cu
#define FDIRCMD_COUNT 1
#define FDIRCMD_CMD 0x00000003u
#define FDIRCMD_CMD_SHIFT 0
#define FDIRCMD_CMD_NONE 0x00000000u
#define FDIRCMD_CMD_ADD_FLOW 0x00000001u
#define FDIRCMD_CMD_REMOVE_FLOW 0x00000002u
#define FDIRCMD_CMD_QUERY_REM_FILT 0x00000003u
#define FDIRCMD_FILTER_VALID 0x00000004u
#define FDIRCMD_FILTER_VALID_SHIFT 2
#define FDIRCMD_FILTER_UPDATE 0x00000008u
#define FDIRCMD_FILTER_UPDATE_SHIFT 3
#define FDIRCMD_IPV6DMATCH 0x00000010u
#define FDIRCMD_IPV6DMATCH_SHIFT 4
#define FDIRCMD_L4TYPE 0x00000060u
#define FDIRCMD_L4TYPE_SHIFT 5
#define FDIRCMD_L4TYPE_NONE 0x00000000u
#define FDIRCMD_L4TYPE_UDP 0x00000020u
#define FDIRCMD_L4TYPE_TCP 0x00000040u
#define FDIRCMD_L4TYPE_SCTP 0x00000060u
#define FDIRCMD_IPV6 0x00000080u
#define FDIRCMD_IPV6_SHIFT 7
#define FDIRCMD_CLEARHT 0x00000100u
#define FDIRCMD_CLEARHT_SHIFT 8
#define FDIRCMD_DROP 0x00000200u
#define FDIRCMD_DROP_SHIFT 9
#define FDIRCMD_INT 0x00000400u
#define FDIRCMD_INT_SHIFT 10
#define FDIRCMD_LAST 0x00000800u
#define FDIRCMD_LAST_SHIFT 11
#define FDIRCMD_COLLISION 0x00001000u
#define FDIRCMD_COLLISION_SHIFT 12
#define FDIRCMD_QUEUE_EN 0x00008000u
#define FDIRCMD_QUEUE_EN_SHIFT 15
#define FDIRCMD_RX_QUEUE 0x007f0000u
#define FDIRCMD_RX_QUEUE_SHIFT 16
#define FDIRCMD_TUNNEL_FILTER 0x00800000u
#define FDIRCMD_TUNNEL_FILTER_SHIFT 23
#define FDIRCMD_VT_POOL 0x3f000000u
#define FDIRCMD_VT_POOL_SHIFT 24

#define R_FDIRFREE 0x0ee38u
#define FDIRFREE_COUNT 1
#define FDIRFREE_FREE 0x0000ffffu
#define FDIRFREE_FREE_SHIFT 0
#define FDIRFREE_COLL 0x7fff0000u
#define FDIRFREE_COLL_SHIFT 16

#define R_FDIRDIP4M 0x0ee3cu
#define FDIRDIP4M_COUNT 1
#define FDIRDIP4M_VALUE 0xffffffffu
#define FDIRDIP4M_VALUE_SHIFT 0

#define R_FDIRSIP4M 0x0ee40u
#define FDIRSIP4M_COUNT 1
#define FDIRSIP4M_VALUE 0xffffffffu
#define FDIRSIP4M_VALUE_SHIFT 0

#define R_FDIRTCPM 0x0ee44u
#define FDIRTCPM_COUNT 1
#define FDIRTCPM_SOURCE 0x0000ffffu
#define FDIRTCPM_SOURCE_SHIFT 0
#define FDIRTCPM_DESTINATION 0xffff0000u
#define FDIRTCPM_DESTINATION_SHIFT 16

#define R_FDIRUDPM 0x0ee48u
#define FDIRUDPM_COUNT 1
#define FDIRUDPM_SOURCE 0x0000ffffu
#define FDIRUDPM_SOURCE_SHIFT 0
#define FDIRUDPM_DESTINATION 0xffff0000u
#define FDIRUDPM_DESTINATION_SHIFT 16

#define R_FDIRLEN 0x0ee4cu
#define FDIRLEN_COUNT 1
#define FDIRLEN_MAXLEN 0x0000003fu
#define FDIRLEN_MAXLEN_SHIFT 0
#define FDIRLEN_BUCKET_LEN 0x00003f00u
#define FDIRLEN_BUCKET_LEN_SHIFT 8
#define FDIRLEN_MAXHASH 0x7fff0000u
#define FDIRLEN_MAXHASH_SHIFT 16

#define R_FDIRUSTAT 0x0ee50u
#define FDIRUSTAT_COUNT 1
#define FDIRUSTAT_ADD 0x0000ffffu
#define FDIRUSTAT_ADD_SHIFT 0
#define FDIRUSTAT_REMOVE 0xffff0000u
#define FDIRUSTAT_REMOVE_SHIFT 16

#define R_FDIRFSTAT 0x0ee54u
#define FDIRFSTAT_COUNT 1
#define FDIRFSTAT_FADD 0x000000ffu
#define FDIRFSTAT_FADD_SHIFT 0
#define FDIRFSTAT_FREMOVE 0x0000ff00u
#define FDIRFSTAT_FREMOVE_SHIFT 8

#define R_FDIRMATCH 0x0ee58u
#define FDIRMATCH_COUNT 1
#define FDIRMATCH_VALUE 0xffffffffu
#define FDIRMATCH_VALUE_SHIFT 0

#define R_FDIRMISS 0x0ee5cu
#define FDIRMISS_COUNT 1
#define FDIRMISS_VALUE 0xffffffffu
#define FDIRMISS_VALUE_SHIFT 0

#define R_FDIRHKEY 0x0ee68u
#define FDIRHKEY_COUNT 1
#define FDIRHKEY_VALUE 0xffffffffu
#define FDIRHKEY_VALUE_SHIFT 0

#define R_FDIRSKEY 0x0ee6cu
#define FDIRSKEY_COUNT 1
#define FDIRSKEY_VALUE 0xffffffffu
#define FDIRSKEY_VALUE_SHIFT 0

#define R_FDIRM 0x0ee70u
#define FDIRM_COUNT 1
#define FDIRM_VLANID 0x00000001u
#define FDIRM_VLANID_SHIFT 0
#define FDIRM_VLANP 0x00000002u
#define FDIRM_VLANP_SHIFT 1
#define FDIRM_POOL 0x00000004u
#define FDIRM_POOL_SHIFT 2
#define FDIRM_L4P 0x00000008u
#define FDIRM_L4P_SHIFT 3
#define FDIRM_FLEX 0x00000010u
#define FDIRM_FLEX_SHIFT 4
#define FDIRM_DIPv6 0x00000020u
#define FDIRM_DIPv6_SHIFT 5

#define R_FDIRIP6M 0x0ee74u
#define FDIRIP6M_COUNT 1
#define FDIRIP6M_SOURCE 0x0000ffffu
#define FDIRIP6M_SOURCE_SHIFT 0
#define FDIRIP6M_DESTINATION 0xffff0000u
#define FDIRIP6M_DESTINATION_SHIFT 16

#define R_VMOLR(n) (0x0f000u + 0x4u * ((n)))
#define N_VMOLR(o) (((o) - 0x0f000u) / 0x4u)
#define IS_VMOLR(o) (((o) >= 0x0f000 && (o) <= 0x0f0fc && ((o) - 0x0f000) % 0x4 == 0))
#define VMOLR_COUNT 64
#define VMOLR_UPE 0x00400000u
#define VMOLR_UPE_SHIFT 22
#define VMOLR_VPE 0x00800000u
#define VMOLR_VPE_SHIFT 23
#define VMOLR_AUPE 0x01000000u
#define VMOLR_AUPE_SHIFT 24
#define VMOLR_ROMPE 0x02000000u
#define VMOLR_ROMPE_SHIFT 25
#define VMOLR_ROPE 0x04000000u
#define VMOLR_ROPE_SHIFT 26
#define VMOLR_BAM 0x08000000u
#define VMOLR_BAM_SHIFT 27
#define VMOLR_MPE 0x10000000u
#define VMOLR_MPE_SHIFT 28

#define R_VLVF(n) (0x0f100u + 0x4u * ((n)))
#define N_VLVF(o) (((o) - 0x0f100u) / 0x4u)
#define IS_VLVF(o) (((o) >= 0x0f100 && (o) <= 0x0f1fc && ((o) - 0x0f100) % 0x4 == 0))
#define VLVF_COUNT 64
#define VLVF_VLANID 0x00000fffu
#define VLVF_VLANID_SHIFT 0
#define VLVF_VIEN 0x80000000u
#define VLVF_VIEN_SHIFT 31

#define R_VLVFB(n) (0x0f200u + 0x4u * ((n)))
#define N_VLVFB(o) (((o) - 0x0f200u) / 0x4u)
#define IS_VLVFB(o) (((o) >= 0x0f200 && (o) <= 0x0f3fc && ((o) - 0x0f200) % 0x4 == 0))
#define VLVFB_COUNT 128
#define VLVFB_VALUE 0xffffffffu
#define VLVFB_VALUE_SHIFT 0

#define R_UTA(n) (0x0f400u + 0x4u * ((n)))
#define N_UTA(o) (((o) - 0x0f400u) / 0x4u)
#define IS_UTA(o) (((o) >= 0x0f400 && (o) <= 0x0f5fc && ((o) - 0x0f400) % 0x4 == 0))
#define UTA_COUNT 128
#define UTA_VALUE 0xffffffffu
#define UTA_VALUE_SHIFT 0

#define R_MRCTL(n) (0x0f600u + 0x4u * ((n)))
#define N_MRCTL(o) (((o) - 0x0f600u) / 0x4u)
#define IS_MRCTL(o) (((o) >= 0x0f600 && (o) <= 0x0f60c && ((o) - 0x0f600) % 0x4 == 0))
#define MRCTL_COUNT 4
#define MRCTL_VPME 0x00000001u
#define MRCTL_VPME_SHIFT 0
#define MRCTL_UPME 0x00000002u
#define MRCTL_UPME_SHIFT 1
#define MRCTL_DPME 0x00000004u
#define MRCTL_DPME_SHIFT 2
#define MRCTL_VLME 0x00000008u
#define MRCTL_VLME_SHIFT 3
#define MRCTL_MP 0x00003f00u
#define MRCTL_MP_SHIFT 8

#define R_VMRVLAN(n) (0x0f610u + 0x4u * ((n)))
#define N_VMRVLAN(o) (((o) - 0x0f610u) / 0x4u)
#define IS_VMRVLAN(o) (((o) >= 0x0f610 && (o) <= 0x0f62c && ((o) - 0x0f610) % 0x4 == 0))
#define VMRVLAN_COUNT 8
#define VMRVLAN_VALUE 0xffffffffu
#define VMRVLAN_VALUE_SHIFT 0

#define R_VMRVM(n) (0x0f630u + 0x4u * ((n)))
#define N_VMRVM(o) (((o) - 0x0f630u) / 0x4u)
#define IS_VMRVM(o) (((o) >= 0x0f630 && (o) <= 0x0f64c && ((o) - 0x0f630) % 0x4 == 0))
#define VMRVM_COUNT 8
#define VMRVM_VALUE 0xffffffffu
#define VMRVM_VALUE_SHIFT 0

#define R_EEC 0x10010u
#define EEC_COUNT 1
#define EEC_RESET 0x00003f10u
#define EEC_SK 0x00000001u
#define EEC_SK_SHIFT 0
#define EEC_CS 0x00000002u
#define EEC_CS_SHIFT 1
#define EEC_DI 0x00000004u
#define EEC_DI_SHIFT 2
#define EEC_DO 0x00000008u
#define EEC_DO_SHIFT 3
#define EEC_FWE 0x00000030u
#define EEC_FWE_SHIFT 4
#define EEC_REQ 0x00000040u
#define EEC_REQ_SHIFT 6
#define EEC_GNT 0x00000080u
#define EEC_GNT_SHIFT 7
#define EEC_PRES 0x00000100u
#define EEC_PRES_SHIFT 8
#define EEC_ARD 0x00000200u
#define EEC_ARD_SHIFT 9
#define EEC_ADDR_SIZE 0x00000400u
#define EEC_ADDR_SIZE_SHIFT 10
#define EEC_SIZE 0x00007800u
#define EEC_SIZE_SHIFT 11

#define R_EERD 0x10014u
#define EERD_COUNT 1
#define EERD_RESET 0x00000002u
#define EERD_START 0x00000001u
#define EERD_START_SHIFT 0
#define EERD_DONE 0x00000002u
#define EERD_DONE_SHIFT 1
#define EERD_ADDR 0x0000fffcu
#define EERD_ADDR_SHIFT 2
#define EERD_DATA 0xffff0000u
#define EERD_DATA_SHIFT 16

#define R_EEWR 0x10018u
#define EEWR_COUNT 1
#define EEWR_RESET 0x00000002u
#define EEWR_START 0x00000001u
#define EEWR_START_SHIFT 0
#define EEWR_DONE 0x00000002u
#define EEWR_DONE_SHIFT 1
#define EEWR_ADDR 0x0000fffcu
#define EEWR_ADDR_SHIFT 2
#define EEWR_DATA 0xffff0000u
#define EEWR_DATA_SHIFT 16

#define R_FLA 0x1001cu
#define FLA_COUNT 1
#define FLA_VALUE 0xffffffffu
#define FLA_VALUE_SHIFT 0

#define R_EEMNGCTL 0x10110u
#define EEMNGCTL_COUNT 1
#define EEMNGCTL_RESET 0x000c0000u
#define EEMNGCTL_CFG_DONE0 0x00040000u
#define EEMNGCTL_CFG_DONE0_SHIFT 18
#define EEMNGCTL_CFG_DONE1 0x00080000u
#define EEMNGCTL_CFG_DONE1_SHIFT 19

#define R_EEMNGDATA 0x10114u
#define EEMNGDATA_COUNT 1
#define EEMNGDATA_VALUE 0xffffffffu
#define EEMNGDATA_VALUE_SHIFT 0

#define R_FLMNGCTL 0x10118u
#define FLMNGCTL_COUNT 1
#define FLMNGCTL_VALUE 0xffffffffu
#define FLMNGCTL_VALUE_SHIFT 0

#define R_FLMNGDATA 0x1011cu
#define FLMNGDATA_COUNT 1
#define FLMNGDATA_VALUE 0xffffffffu
#define FLMNGDATA_VALUE_SHIFT 0

#define R_FLMNGCNT 0x10120u
#define FLMNGCNT_COUNT 1
#define FLMNGCNT_VALUE 0xffffffffu
#define FLMNGCNT_VALUE_SHIFT 0

#define R_FLOP 0x1013cu
#define FLOP_COUNT 1
#define FLOP_VALUE 0xffffffffu
#define FLOP_VALUE_SHIFT 0

#define R_SWSM 0x10140u
#define SWSM_COUNT 1
#define SWSM_SMBI 0x00000001u
#define SWSM_SMBI_SHIFT 0
#define SWSM_SWESMBI 0x00000002u
#define SWSM_SWESMBI_SHIFT 1
#define SWSM_WMNG 0x00000004u
#define SWSM_WMNG_SHIFT 2
#define SWSM_DRV_LOAD 0x00000008u
#define SWSM_DRV_LOAD_SHIFT 3

#define R_FWSM 0x10148u
#define FWSM_COUNT 1
#define FWSM_RESET 0x00008000u
#define FWSM_MODE 0x0000000eu
#define FWSM_MODE_SHIFT 1
#define FWSM_MODE_NONE 0x00000000u
#define FWSM_MODE_PASS_THROUGH 0x00000004u
#define FWSM_NVM_RECOVERY 0x00000020u
#define FWSM_NVM_RECOVERY_SHIFT 5
#define FWSM_FW_VALID 0x00008000u
#define FWSM_FW_VALID_SHIFT 15
#define FWSM_EXT_ERR_IND 0x01f80000u
#define FWSM_EXT_ERR_IND_SHIFT 19

#define R_FACTPS 0x10150u
#define FACTPS_COUNT 1
#define FACTPS_MNGCG 0x20000000u
#define FACTPS_MNGCG_SHIFT 29
#define FACTPS_LFS 0x40000000u
#define FACTPS_LFS_SHIFT 30

#define R_GSSR 0x10160u
#define GSSR_COUNT 1
#define GSSR_EEP 0x00000001u
#define GSSR_EEP_SHIFT 0
#define GSSR_PHY0 0x00000002u
#define GSSR_PHY0_SHIFT 1
#define GSSR_PHY1 0x00000004u
#define GSSR_PHY1_SHIFT 2
#define GSSR_MAC_CSR 0x00000008u
#define GSSR_MAC_CSR_SHIFT 3
#define GSSR_FLASH 0x00000010u
#define GSSR_FLASH_SHIFT 4
#define GSSR_FW_EEP 0x00000020u
#define GSSR_FW_EEP_SHIFT 5
#define GSSR_FW_PHY0 0x00000040u
#define GSSR_FW_PHY0_SHIFT 6
#define GSSR_FW_PHY1 0x00000080u
#define GSSR_FW_PHY1_SHIFT 7
#define GSSR_FW_MAC_CSR 0x00000100u
#define GSSR_FW_MAC_CSR_SHIFT 8
#define GSSR_FW_FLASH 0x00000200u
#define GSSR_FW_FLASH_SHIFT 9
#define GSSR_SW_MNG 0x00000400u
#define GSSR_SW_MNG_SHIFT 10
#define GSSR_FW_SW_MNG 0x00008000u
#define GSSR_FW_SW_MNG_SHIFT 15

#define R_GRC 0x10200u
#define GRC_COUNT 1
#define GRC_VALUE 0xffffffffu
#define GRC_VALUE_SHIFT 0

#define R_VPDDIAG(n) (0x10204u + 0x4u * ((n)))
#define N_VPDDIAG(o) (((o) - 0x10204u) / 0x4u)
#define IS_VPDDIAG(o) (((o) >= 0x10204 && (o) <= 0x10208 && ((o) - 0x10204) % 0x4 == 0))
#define VPDDIAG_COUNT 2
#define VPDDIAG_VALUE 0xffffffffu
#define VPDDIAG_VALUE_SHIFT 0

#define R_GCR 0x11000u
#define GCR_COUNT 1
#define GCR_VALUE 0xffffffffu
#define GCR_VALUE_SHIFT 0

#define R_GTV 0x11004u
#define GTV_COUNT 1
#define GTV_VALUE 0xffffffffu
#define GTV_VALUE_SHIFT 0

#define R_FUNCTAG 0x11008u
#define FUNCTAG_COUNT 1
#define FUNCTAG_VALUE 0xffffffffu
#define FUNCTAG_VALUE_SHIFT 0

#define R_GLT 0x1100cu
#define GLT_COUNT 1
#define GLT_VALUE 0xffffffffu
#define GLT_VALUE_SHIFT 0

#define R_GSCL(n) (0x11010u + 0x4u * ((n)))
#define N_GSCL(o) (((o) - 0x11010u) / 0x4u)
#define IS_GSCL(o) (((o) >= 0x11010 && (o) <= 0x1101c && ((o) - 0x11010) % 0x4 == 0))
#define GSCL_COUNT 4
#define GSCL_VALUE 0xffffffffu
#define GSCL_VALUE_SHIFT 0

#define R_GSCN(n) (0x11020u + 0x4u * ((n)))
#define N_GSCN(o) (((o) - 0x11020u) / 0x4u)
#define IS_GSCN(o) (((o) >= 0x11020 && (o) <= 0x1102c && ((o) - 0x11020) % 0x4 == 0))
#define GSCN_COUNT 4
#define GSCN_VALUE 0xffffffffu
#define GSCN_VALUE_SHIFT 0

#define R_GSCL_5_8(n) (0x11030u + 0x4u * ((n)))
#define N_GSCL_5_8(o) (((o) - 0x11030u) / 0x4u)
#define IS_GSCL_5_8(o) (((o) >= 0x11030 && (o) <= 0x1103c && ((o) - 0x11030) % 0x4 == 0))
#define GSCL_5_8_COUNT 4
#define GSCL_5_8_VALUE 0xffffffffu
#define GSCL_5_8_VALUE_SHIFT 0

#define R_PCIEANACTL 0x11040u
#define PCIEANACTL_COUNT 1
#define PCIEANACTL_VALUE 0xffffffffu
#define PCIEANACTL_VALUE_SHIFT 0

#define R_PHYDAT 0x11044u
#define PHYDAT_COUNT 1
#define PHYDAT_VALUE 0xffffffffu
#define PHYDAT_VALUE_SHIFT 0

#define R_PHYCTL 0x11048u
#define PHYCTL_COUNT 1
#define PHYCTL_VALUE 0xffffffffu
#define PHYCTL_VALUE_SHIFT 0

#define R_GCR_EXT 0x11050u
#define GCR_EXT_COUNT 1
#define GCR_EXT_VT_MODE 0x00000003u
#define GCR_EXT_VT_MODE_SHIFT 0
#define GCR_EXT_VT_MODE_NONE 0x00000000u
#define GCR_EXT_VT_MODE_VT16 0x00000001u
#define GCR_EXT_VT_MODE_VT32 0x00000002u
#define GCR_EXT_VT_MODE_VT64 0x00000003u
#define GCR_EXT_APBACD 0x00000010u
#define GCR_EXT_APBACD_SHIFT 4
#define GCR_EXT_BUFFERS_CLEAR 0x40000000u
#define GCR_EXT_BUFFERS_CLEAR_SHIFT 30
#define GCR_EXT_MSIX_EN 0x80000000u
#define GCR_EXT_MSIX_EN_SHIFT 31

#define R_MREVID 0x11064u
#define MREVID_COUNT 1
#define MREVID_VALUE 0xffffffffu
#define MREVID_VALUE_SHIFT 0

#define R_PBACL(n) ((n) < 2 ? 0x11068u + 0x5cu * ((n)) : 0x110c8u + 0x4u * ((n) - 2))
#define N_PBACL(o) ((o) >= 0x11068 && (o) <= 0x110c4 ? ((o) - 0x11068u) / 0x5cu : 2u + ((o) - 0x110c8u) / 0x4u)
#define IS_PBACL(o) (((o) >= 0x11068 && (o) <= 0x110c4 && ((o) - 0x11068) % 0x5c == 0) || ((o) >= 0x110c8 && (o) <= 0x110dc && ((o) - 0x110c8) % 0x4 == 0))
#define PBACL_COUNT 8
#define PBACL_VALUE 0xffffffffu
#define PBACL_VALUE_SHIFT 0

#define R_PCIEECCCTL 0x1106cu
#define PCIEECCCTL_COUNT 1
#define PCIEECCCTL_VALUE 0xffffffffu
#define PCIEECCCTL_VALUE_SHIFT 0

#define R_DCA_ID 0x11070u
#define DCA_ID_COUNT 1
#define DCA_ID_FUNCTION 0x00000007u
#define DCA_ID_FUNCTION_SHIFT 0
#define DCA_ID_DEVICE 0x000000f8u
#define DCA_ID_DEVICE_SHIFT 3
#define DCA_ID_BUS 0x0000ff00u
#define DCA_ID_BUS_SHIFT 8

#define R_DCA_CTRL 0x11074u
#define DCA_CTRL_COUNT 1
#define DCA_CTRL_DCA_DIS 0x00000001u
#define DCA_CTRL_DCA_DIS_SHIFT 0
#define DCA_CTRL_DCA_MODE 0x0000001eu
#define DCA_CTRL_DCA_MODE_SHIFT 1

#define R_CIAA 0x11088u
#define CIAA_COUNT 1
#define CIAA_VALUE 0xffffffffu
#define CIAA_VALUE_SHIFT 0

#define R_CIAD 0x1108cu
#define CIAD_COUNT 1
#define CIAD_VALUE 0xffffffffu
#define CIAD_VALUE_SHIFT 0

#define R_PCIE_DIAG(n) (0x11090u + 0x4u * ((n)))
#define N_PCIE_DIAG(o) (((o) - 0x11090u) / 0x4u)
#define IS_PCIE_DIAG(o) (((o) >= 0x11090 && (o) <= 0x110ac && ((o) - 0x11090) % 0x4 == 0))
#define PCIE_DIAG_COUNT 8
#define PCIE_DIAG_VALUE 0xffffffffu
#define PCIE_DIAG_VALUE_SHIFT 0

#define R_PICAUSE 0x110b0u
#define PICAUSE_COUNT 1
#define PICAUSE_VALUE 0xffffffffu
#define PICAUSE_VALUE_SHIFT 0

#define R_CDQ_MBR 0x110b4u
#define CDQ_MBR_COUNT 1
#define CDQ_MBR_VALUE 0xffffffffu
#define CDQ_MBR_VALUE_SHIFT 0

#define R_PIENA 0x110b8u
#define PIENA_COUNT 1
#define PIENA_VALUE 0xffffffffu
#define PIENA_VALUE_SHIFT 0

#define R_PCIESPARE 0x110bcu
#define PCIESPARE_COUNT 1
#define PCIESPARE_VALUE 0xffffffffu
#define PCIESPARE_VALUE_SHIFT 0

#define R_ECC_STATUS 0x110e0u
#define ECC_STATUS_COUNT 1
#define ECC_STATUS_VALUE 0xffffffffu
#define ECC_STATUS_VALUE_SHIFT 0

#define R_MISC_REG 0x110f0u
#define MISC_REG_COUNT 1
#define MISC_REG_VALUE 0xffffffffu
#define MISC_REG_VALUE_SHIFT 0

#define R_BARCTRL 0x110f4u
#define BARCTRL_COUNT 1
#define BARCTRL_VALUE 0xffffffffu
#define BARCTRL_VALUE_SHIFT 0

#define R_ECC_CTRL(n) (0x11100u + 0x4u * ((n)))
#define N_ECC_CTRL(o) (((o) - 0x11100u) / 0x4u)
#define IS_ECC_CTRL(o) (((o) >= 0x11100 && (o) <= 0x11104 && ((o) - 0x11100) % 0x4 == 0))
#define ECC_CTRL_COUNT 2
#define ECC_CTRL_VALUE 0xffffffffu
#define ECC_CTRL_VALUE_SHIFT 0

#define R_PFMBMEM(n) (0x13000u + 0x4u * ((n)))
#define N_PFMBMEM(o) (((o) - 0x13000u) / 0x4u)
#define IS_PFMBMEM(o) (((o) >= 0x13000 && (o) <= 0x13ffc && ((o) - 0x13000) % 0x4 == 0))
#define PFMBMEM_COUNT 1024
#define PFMBMEM_VALUE 0xffffffffu
#define PFMBMEM_VALUE_SHIFT 0

#define R_CORECTL 0x14f00u
#define CORECTL_COUNT 1
#define CORECTL_VALUE 0xffffffffu
#define CORECTL_VALUE_SHIFT 0

#define R_SMADARCTL 0x14f10u
#define SMADARCTL_COUNT 1
#define SMADARCTL_VALUE 0xffffffffu
#define SMADARCTL_VALUE_SHIFT 0

#define R_LSWFW 0x15014u
#define LSWFW_COUNT 1
#define LSWFW_VALUE 0xffffffffu
#define LSWFW_VALUE_SHIFT 0

#define R_FLEX_MNG(n) (0x15800u + 0x4u * ((n)))
#define N_FLEX_MNG(o) (((o) - 0x15800u) / 0x4u)
#define IS_FLEX_MNG(o) (((o) >= 0x15800 && (o) <= 0x15efc && ((o) - 0x15800) % 0x4 == 0))
#define FLEX_MNG_COUNT 448
#define FLEX_MNG_VALUE 0xffffffffu
#define FLEX_MNG_VALUE_SHIFT 0

#define R_HICR 0x15f00u
#define HICR_COUNT 1
#define HICR_EN 0x00000001u
#define HICR_EN_SHIFT 0
#define HICR_C 0x00000002u
#define HICR_C_SHIFT 1
#define HICR_SV 0x00000004u
#define HICR_SV_SHIFT 2
#define HICR_FW_RESET_ENABLE 0x00000040u
#define HICR_FW_RESET_ENABLE_SHIFT 6
#define HICR_FW_RESET 0x00000080u
#define HICR_FW_RESET_SHIFT 7

#define R_HSMC0R 0x15f04u
#define HSMC0R_COUNT 1
#define HSMC0R_VALUE 0xffffffffu
#define HSMC0R_VALUE_SHIFT 0

#define R_HSMC1R 0x15f08u
#define HSMC1R_COUNT 1
#define HSMC1R_VALUE 0xffffffffu
#define HSMC1R_VALUE_SHIFT 0

#define R_FWSTS 0x15f0cu
#define FWSTS_COUNT 1
#define FWSTS_VALUE 0xffffffffu
#define FWSTS_VALUE_SHIFT 0

#define R_SWSR 0x15f10u
#define SWSR_COUNT 1
#define SWSR_VALUE 0xffffffffu
#define SWSR_VALUE_SHIFT 0

#define R_HFDR 0x15fe8u
#define HFDR_COUNT 1
#define HFDR_VALUE 0xffffffffu
#define HFDR_VALUE_SHIFT 0

#define R_VFCTRL 0x00000u
#define VFCTRL_COUNT 1
#define VFCTRL_RST 0x04000000u
#define VFCTRL_RST_SHIFT 26

#define R_VFSTATUS 0x00008u
#define VFSTATUS_COUNT 1
#define VFSTATUS_RESET 0x00080000u
#define VFSTATUS_LAN_ID 0x0000000cu
#define VFSTATUS_LAN_ID_SHIFT 2
#define VFSTATUS_GIO 0x00080000u
#define VFSTATUS_GIO_SHIFT 19

#define R_VFLINKS 0x00010u
#define VFLINKS_COUNT 1
#define VFLINKS_SPEED 0x30000000u
#define VFLINKS_SPEED_SHIFT 28
#define VFLINKS_SPEED_NONE 0x00000000u
#define VFLINKS_SPEED_SPEED_100 0x10000000u
#define VFLINKS_SPEED_SPEED_1G 0x20000000u
#define VFLINKS_SPEED_SPEED_10G 0x30000000u
#define VFLINKS_UP 0x40000000u
#define VFLINKS_UP_SHIFT 30

#define R_VFFRTIMER 0x00048u
#define VFFRTIMER_COUNT 1
#define VFFRTIMER_VALUE 0xffffffffu
#define VFFRTIMER_VALUE_SHIFT 0

#define R_VTEICR 0x00100u
#define VTEICR_COUNT 1
#define VTEICR_VECTORS 0x00000007u
#define VTEICR_VECTORS_SHIFT 0

#define R_VTEICS 0x00104u
#define VTEICS_COUNT 1
#define VTEICS_VECTORS 0x00000007u
#define VTEICS_VECTORS_SHIFT 0

#define R_VTEIMS 0x00108u
#define VTEIMS_COUNT 1
#define VTEIMS_VECTORS 0x00000007u
#define VTEIMS_VECTORS_SHIFT 0

#define R_VTEIMC 0x0010cu
#define VTEIMC_COUNT 1
#define VTEIMC_VECTORS 0x00000007u
#define VTEIMC_VECTORS_SHIFT 0

#define R_VTEIAC 0x00110u
#define VTEIAC_COUNT 1
#define VTEIAC_VECTORS 0x00000007u
#define VTEIAC_VECTORS_SHIFT 0

#define R_VTEIAM 0x00114u
#define VTEIAM_COUNT 1
#define VTEIAM_VECTORS 0x00000007u
#define VTEIAM_VECTORS_SHIFT 0

#define R_VTIVAR(n) (0x00120u + 0x4u * ((n)))
#define N_VTIVAR(o) (((o) - 0x00120u) / 0x4u)
#define IS_VTIVAR(o) (((o) >= 0x00120 && (o) <= 0x0012c && ((o) - 0x00120) % 0x4 == 0))
#define VTIVAR_COUNT 4
#define VTIVAR_RX0 0x00000003u
#define VTIVAR_RX0_SHIFT 0
#define VTIVAR_RX0_VALID 0x00000080u
#define VTIVAR_RX0_VALID_SHIFT 7
#define VTIVAR_TX0 0x00000300u
#define VTIVAR_TX0_SHIFT 8
#define VTIVAR_TX0_VALID 0x00008000u
#define VTIVAR_TX0_VALID_SHIFT 15
#define VTIVAR_RX1 0x00030000u
#define VTIVAR_RX1_SHIFT 16
#define VTIVAR_RX1_VALID 0x00800000u
#define VTIVAR_RX1_VALID_SHIFT 23
#define VTIVAR_TX1 0x03000000u
#define VTIVAR_TX1_SHIFT 24
#define VTIVAR_TX1_VALID 0x80000000u
#define VTIVAR_TX1_VALID_SHIFT 31

#define R_VTIVAR_MISC 0x00140u
#define VTIVAR_MISC_COUNT 1
#define VTIVAR_MISC_OTHER 0x00000003u
#define VTIVAR_MISC_OTHER_SHIFT 0
#define VTIVAR_MISC_OTHER_VALID 0x00000080u
#define VTIVAR_MISC_OTHER_VALID_SHIFT 7

#define R_VTRSCINT(n) (0x00180u + 0x4u * ((n)))
#define N_VTRSCINT(o) (((o) - 0x00180u) / 0x4u)
#define IS_VTRSCINT(o) (((o) >= 0x00180 && (o) <= 0x00188 && ((o) - 0x00180) % 0x4 == 0))
#define VTRSCINT_COUNT 3
#define VTRSCINT_VALUE 0xffffffffu
#define VTRSCINT_VALUE_SHIFT 0

#define R_VFMBMEM(n) (0x00200u + 0x4u * ((n)))
#define N_VFMBMEM(o) (((o) - 0x00200u) / 0x4u)
#define IS_VFMBMEM(o) (((o) >= 0x00200 && (o) <= 0x0023c && ((o) - 0x00200) % 0x4 == 0))
#define VFMBMEM_COUNT 16
#define VFMBMEM_VALUE 0xffffffffu
#define VFMBMEM_VALUE_SHIFT 0

#define R_VFMAILBOX 0x002fcu
#define VFMAILBOX_COUNT 1
#define VFMAILBOX_REQ 0x00000001u
#define VFMAILBOX_REQ_SHIFT 0
#define VFMAILBOX_ACK 0x00000002u
#define VFMAILBOX_ACK_SHIFT 1
#define VFMAILBOX_VFU 0x00000004u
#define VFMAILBOX_VFU_SHIFT 2
#define VFMAILBOX_PFU 0x00000008u
#define VFMAILBOX_PFU_SHIFT 3
#define VFMAILBOX_PFSTS 0x00000010u
#define VFMAILBOX_PFSTS_SHIFT 4
#define VFMAILBOX_PFACK 0x00000020u
#define VFMAILBOX_PFACK_SHIFT 5
#define VFMAILBOX_RSTI 0x00000040u
#define VFMAILBOX_RSTI_SHIFT 6
#define VFMAILBOX_RSTD 0x00000080u
#define VFMAILBOX_RSTD_SHIFT 7

#define R_VFPSRTYPE 0x00300u
#define VFPSRTYPE_COUNT 1
#define VFPSRTYPE_STORE 0x1fffffffu
#define VFPSRTYPE_STORE_SHIFT 0
#define VFPSRTYPE_RQPL 0xe0000000u
#define VFPSRTYPE_RQPL_SHIFT 29

#define R_VTEITR(n) (0x00820u + 0x4u * ((n)))
#define N_VTEITR(o) (((o) - 0x00820u) / 0x4u)
#define IS_VTEITR(o) (((o) >= 0x00820 && (o) <= 0x00828 && ((o) - 0x00820) % 0x4 == 0))
#define VTEITR_COUNT 3
#define VTEITR_ITR_INTERVAL 0x00000ff8u
#define VTEITR_ITR_INTERVAL_SHIFT 3
#define VTEITR_LLI_MOD 0x00008000u
#define VTEITR_LLI_MOD_SHIFT 15
#define VTEITR_LLI_CREDIT 0x001f0000u
#define VTEITR_LLI_CREDIT_SHIFT 16
#define VTEITR_ITR_COUNTER 0x0fe00000u
#define VTEITR_ITR_COUNTER_SHIFT 21
#define VTEITR_CNT_WDIS 0x80000000u
#define VTEITR_CNT_WDIS_SHIFT 31

#define R_VFRDBAL(n) (0x01000u + 0x40u * ((n)))
#define N_VFRDBAL(o) (((o) - 0x01000u) / 0x40u)
#define IS_VFRDBAL(o) (((o) >= 0x01000 && (o) <= 0x011c0 && ((o) - 0x01000) % 0x40 == 0))
#define VFRDBAL_COUNT 8
#define VFRDBAL_BASE 0xffffff80u
#define VFRDBAL_BASE_SHIFT 7

#define R_VFRDBAH(n) (0x01004u + 0x40u * ((n)))
#define N_VFRDBAH(o) (((o) - 0x01004u) / 0x40u)
#define IS_VFRDBAH(o) (((o) >= 0x01004 && (o) <= 0x011c4 && ((o) - 0x01004) % 0x40 == 0))
#define VFRDBAH_COUNT 8
#define VFRDBAH_VALUE 0xffffffffu
#define VFRDBAH_VALUE_SHIFT 0

#define R_VFRDLEN(n) (0x01008u + 0x40u * ((n)))
#define N_VFRDLEN(o) (((o) - 0x01008u) / 0x40u)
#define IS_VFRDLEN(o) (((o) >= 0x01008 && (o) <= 0x011c8 && ((o) - 0x01008) % 0x40 == 0))
#define VFRDLEN_COUNT 8
#define VFRDLEN_LEN 0x000fff80u
#define VFRDLEN_LEN_SHIFT 7

#define R_VFDCA_RXCTRL(n) (0x0100cu + 0x40u * ((n)))
#define N_VFDCA_RXCTRL(o) (((o) - 0x0100cu) / 0x40u)
#define IS_VFDCA_RXCTRL(o) (((o) >= 0x0100c && (o) <= 0x011cc && ((o) - 0x0100c) % 0x40 == 0))
#define VFDCA_RXCTRL_COUNT 8
#define VFDCA_RXCTRL_VALUE 0xffffffffu
#define VFDCA_RXCTRL_VALUE_SHIFT 0

#define R_VFRDH(n) (0x01010u + 0x40u * ((n)))
#define N_VFRDH(o) (((o) - 0x01010u) / 0x40u)
#define IS_VFRDH(o) (((o) >= 0x01010 && (o) <= 0x011d0 && ((o) - 0x01010) % 0x40 == 0))
#define VFRDH_COUNT 8
#define VFRDH_RDH 0x0000ffffu
#define VFRDH_RDH_SHIFT 0

#define R_VFSRRCTL(n) (0x01014u + 0x40u * ((n)))
#define N_VFSRRCTL(o) (((o) - 0x01014u) / 0x40u)
#define IS_VFSRRCTL(o) (((o) >= 0x01014 && (o) <= 0x011d4 && ((o) - 0x01014) % 0x40 == 0))
#define VFSRRCTL_COUNT 8
#define VFSRRCTL_BSIZEPACKET 0x0000001fu
#define VFSRRCTL_BSIZEPACKET_SHIFT 0
#define VFSRRCTL_BSIZEHEADER 0x00003f00u
#define VFSRRCTL_BSIZEHEADER_SHIFT 8
#define VFSRRCTL_RDMTS 0x01c00000u
#define VFSRRCTL_RDMTS_SHIFT 22
#define VFSRRCTL_DESCTYPE 0x0e000000u
#define VFSRRCTL_DESCTYPE_SHIFT 25
#define VFSRRCTL_DESCTYPE_LEGACY 0x00000000u
#define VFSRRCTL_DESCTYPE_ADV_ONEBUF 0x02000000u
#define VFSRRCTL_DESCTYPE_HDR_SPLIT 0x04000000u
#define VFSRRCTL_DESCTYPE_HDR_SPLIT_ALWAYS 0x0a000000u
#define VFSRRCTL_DROP_EN 0x10000000u
#define VFSRRCTL_DROP_EN_SHIFT 28

#define R_VFRDT(n) (0x01018u + 0x40u * ((n)))
#define N_VFRDT(o) (((o) - 0x01018u) / 0x40u)
#define IS_VFRDT(o) (((o) >= 0x01018 && (o) <= 0x011d8 && ((o) - 0x01018) % 0x40 == 0))
#define VFRDT_COUNT 8
#define VFRDT_RDT 0x0000ffffu
#define VFRDT_RDT_SHIFT 0

#define R_VFGPRC 0x0101cu
#define VFGPRC_COUNT 1
#define VFGPRC_VALUE 0xffffffffu
#define VFGPRC_VALUE_SHIFT 0

#define R_VFGORC_LSB 0x01020u
#define VFGORC_LSB_COUNT 1
#define VFGORC_LSB_VALUE 0xffffffffu
#define VFGORC_LSB_VALUE_SHIFT 0

#define R_VFGORC_MSB 0x01024u
#define VFGORC_MSB_COUNT 1
#define VFGORC_MSB_VALUE 0x0000000fu
#define VFGORC_MSB_VALUE_SHIFT 0

#define R_VFRXDCTL(n) (0x01028u + 0x40u * ((n)))
#define N_VFRXDCTL(o) (((o) - 0x01028u) / 0x40u)
#define IS_VFRXDCTL(o) (((o) >= 0x01028 && (o) <= 0x011e8 && ((o) - 0x01028) % 0x40 == 0))
#define VFRXDCTL_COUNT 8
#define VFRXDCTL_ENABLE 0x02000000u
#define VFRXDCTL_ENABLE_SHIFT 25
#define VFRXDCTL_SWFLSH 0x04000000u
#define VFRXDCTL_SWFLSH_SHIFT 26
#define VFRXDCTL_VME 0x40000000u
#define VFRXDCTL_VME_SHIFT 30

#define R_VFRSCCTL(n) (0x0102cu + 0x40u * ((n)))
#define N_VFRSCCTL(o) (((o) - 0x0102cu) / 0x40u)
#define IS_VFRSCCTL(o) (((o) >= 0x0102c && (o) <= 0x011ec && ((o) - 0x0102c) % 0x40 == 0))
#define VFRSCCTL_COUNT 8
#define VFRSCCTL_RSCEN 0x00000001u
#define VFRSCCTL_RSCEN_SHIFT 0
#define VFRSCCTL_MAXDESC 0x0000000cu
#define VFRSCCTL_MAXDESC_SHIFT 2
#define VFRSCCTL_MAXDESC_MAXDESC_1 0x00000000u
#define VFRSCCTL_MAXDESC_MAXDESC_4 0x00000004u
#define VFRSCCTL_MAXDESC_MAXDESC_8 0x00000008u
#define VFRSCCTL_MAXDESC_MAXDESC_16 0x0000000cu

#define R_VFMPRC 0x01034u
#define VFMPRC_COUNT 1
#define VFMPRC_VALUE 0xffffffffu
#define VFMPRC_VALUE_SHIFT 0

#define R_VFTDBAL(n) (0x02000u + 0x40u * ((n)))
#define N_VFTDBAL(o) (((o) - 0x02000u) / 0x40u)
#define IS_VFTDBAL(o) (((o) >= 0x02000 && (o) <= 0x021c0 && ((o) - 0x02000) % 0x40 == 0))
#define VFTDBAL_COUNT 8
#define VFTDBAL_BASE 0xffffff80u
#define VFTDBAL_BASE_SHIFT 7

#define R_VFTDBAH(n) (0x02004u + 0x40u * ((n)))
#define N_VFTDBAH(o) (((o) - 0x02004u) / 0x40u)
#define IS_VFTDBAH(o) (((o) >= 0x02004 && (o) <= 0x021c4 && ((o) - 0x02004) % 0x40 == 0))
#define VFTDBAH_COUNT 8
#define VFTDBAH_VALUE 0xffffffffu
#define VFTDBAH_VALUE_SHIFT 0

#define R_VFTDLEN(n) (0x02008u + 0x40u * ((n)))
#define N_VFTDLEN(o) (((o) - 0x02008u) / 0x40u)
#define IS_VFTDLEN(o) (((o) >= 0x02008 && (o) <= 0x021c8 && ((o) - 0x02008) % 0x40 == 0))
#define VFTDLEN_COUNT 8
#define VFTDLEN_LEN 0x000fff80u
#define VFTDLEN_LEN_SHIFT 7

#define R_VFDCA_TXCTRL(n) (0x0200cu + 0x40u * ((n)))
#define N_VFDCA_TXCTRL(o) (((o) - 0x0200cu) / 0x40u)
#define IS_VFDCA_TXCTRL(o) (((o) >= 0x0200c && (o) <= 0x021cc && ((o) - 0x0200c) % 0x40 == 0))
#define VFDCA_TXCTRL_COUNT 8
#define VFDCA_TXCTRL_VALUE 0xffffffffu
#define VFDCA_TXCTRL_VALUE_SHIFT 0

#define R_VFTDH(n) (0x02010u + 0x40u * ((n)))
#define N_VFTDH(o) (((o) - 0x02010u) / 0x40u)
#define IS_VFTDH(o) (((o) >= 0x02010 && (o) <= 0x021d0 && ((o) - 0x02010) % 0x40 == 0))
#define VFTDH_COUNT 8
#define VFTDH_TDH 0x0000ffffu
#define VFTDH_TDH_SHIFT 0

#define R_VFTDT(n) (0x02018u + 0x40u * ((n)))
#define N_VFTDT(o) (((o) - 0x02018u) / 0x40u)
#define IS_VFTDT(o) (((o) >= 0x02018 && (o) <= 0x021d8 && ((o) - 0x02018) % 0x40 == 0))
#define VFTDT_COUNT 8
#define VFTDT_TDT 0x0000ffffu
#define VFTDT_TDT_SHIFT 0

#define R_VFGPTC 0x0201cu
#define VFGPTC_COUNT 1
#define VFGPTC_VALUE 0xffffffffu
#define VFGPTC_VALUE_SHIFT 0

#define R_VFGOTC_LSB 0x02020u
#define VFGOTC_LSB_COUNT 1
#define VFGOTC_LSB_VALUE 0xffffffffu
#define VFGOTC_LSB_VALUE_SHIFT 0

#define R_VFGOTC_MSB 0x02024u
#define VFGOTC_MSB_COUNT 1
#define VFGOTC_MSB_VALUE 0x0000000fu
#define VFGOTC_MSB_VALUE_SHIFT 0

#define R_VFTXDCTL(n) (0x02028u + 0x40u * ((n)))
#define N_VFTXDCTL(o) (((o) - 0x02028u) / 0x40u)
#define IS_VFTXDCTL(o) (((o) >= 0x02028 && (o) <= 0x021e8 && ((o) - 0x02028) % 0x40 == 0))
#define VFTXDCTL_COUNT 8
#define VFTXDCTL_PTHRESH 0x0000007fu
#define VFTXDCTL_PTHRESH_SHIFT 0
#define VFTXDCTL_HTHRESH 0x00007f00u
#define VFTXDCTL_HTHRESH_SHIFT 8
#define VFTXDCTL_WTHRESH 0x007f0000u
#define VFTXDCTL_WTHRESH_SHIFT 16
#define VFTXDCTL_ENABLE 0x02000000u
#define VFTXDCTL_ENABLE_SHIFT 25
#define VFTXDCTL_SWFLSH 0x04000000u
#define VFTXDCTL_SWFLSH_SHIFT 26

#define R_VFTDWBAL(n) (0x02038u + 0x40u * ((n)))
#define N_VFTDWBAL(o) (((o) - 0x02038u) / 0x40u)
#define IS_VFTDWBAL(o) (((o) >= 0x02038 && (o) <= 0x021f8 && ((o) - 0x02038) % 0x40 == 0))
#define VFTDWBAL_COUNT 8
#define VFTDWBAL_HEAD_WB_EN 0x00000001u
#define VFTDWBAL_HEAD_WB_EN_SHIFT 0
#define VFTDWBAL_SEQNUM_WB_EN 0x00000002u
#define VFTDWBAL_SEQNUM_WB_EN_SHIFT 1
#define VFTDWBAL_ADDR 0xfffffffcu
#define VFTDWBAL_ADDR_SHIFT 2

#define R_VFTDWBAH(n) (0x0203cu + 0x40u * ((n)))
#define N_VFTDWBAH(o) (((o) - 0x0203cu) / 0x40u)
#define IS_VFTDWBAH(o) (((o) >= 0x0203c && (o) <= 0x021fc && ((o) - 0x0203c) % 0x40 == 0))
#define VFTDWBAH_COUNT 8
#define VFTDWBAH_VALUE 0xffffffffu
#define VFTDWBAH_VALUE_SHIFT 0

#define R_VFMRQC 0x03000u
#define VFMRQC_COUNT 1
#define VFMRQC_VALUE 0xffffffffu
#define VFMRQC_VALUE_SHIFT 0

#define R_VFRSSRK(n) (0x03100u + 0x4u * ((n)))
#define N_VFRSSRK(o) (((o) - 0x03100u) / 0x4u)
#define IS_VFRSSRK(o) (((o) >= 0x03100 && (o) <= 0x03124 && ((o) - 0x03100) % 0x4 == 0))
#define VFRSSRK_COUNT 10
#define VFRSSRK_VALUE 0xffffffffu
#define VFRSSRK_VALUE_SHIFT 0

#define R_VFRETA(n) (0x03200u + 0x4u * ((n)))
#define N_VFRETA(o) (((o) - 0x03200u) / 0x4u)
#define IS_VFRETA(o) (((o) >= 0x03200 && (o) <= 0x0323c && ((o) - 0x03200) % 0x4 == 0))
#define VFRETA_COUNT 16
#define VFRETA_VALUE 0xffffffffu
#define VFRETA_VALUE_SHIFT 0

/* RXDADV */
#define RXDADV_RSSTYPE 0x000000000000000full
#define RXDADV_RSSTYPE_SHIFT 0
#define RXDADV_RSSTYPE_NONE 0x0000000000000000ull
#define RXDADV_RSSTYPE_IPV4_TCP 0x0000000000000001ull
#define RXDADV_RSSTYPE_IPV4 0x0000000000000002ull
#define RXDADV_RSSTYPE_IPV6_TCP 0x0000000000000003ull
#define RXDADV_RSSTYPE_IPV6_EX 0x0000000000000004ull
#define RXDADV_RSSTYPE_IPV6 0x0000000000000005ull
#define RXDADV_RSSTYPE_IPV6_EX_TCP 0x0000000000000006ull
#define RXDADV_RSSTYPE_IPV4_UDP 0x0000000000000007ull
#define RXDADV_RSSTYPE_IPV6_UDP 0x0000000000000008ull
#define RXDADV_RSSTYPE_IPV6_EX_UDP 0x0000000000000009ull
#define RXDADV_RSSTYPE_FDIR 0x000000000000000full
#define RXDADV_PKTTYPE 0x000000000001fff0ull
#define RXDADV_PKTTYPE_SHIFT 4
#define RXDADV_PKTTYPE_IPV4 0x0000000000000010ull
#define RXDADV_PKTTYPE_IPV4_EX 0x0000000000000020ull
#define RXDADV_PKTTYPE_IPV6 0x0000000000000040ull
#define RXDADV_PKTTYPE_IPV6_EX 0x0000000000000080ull
#define RXDADV_PKTTYPE_TCP 0x0000000000000100ull
#define RXDADV_PKTTYPE_UDP 0x0000000000000200ull
#define RXDADV_PKTTYPE_SCTP 0x0000000000000400ull
#define RXDADV_PKTTYPE_NFS 0x0000000000000800ull
#define RXDADV_PKTTYPE_IPSEC_ESP 0x0000000000001000ull
#define RXDADV_PKTTYPE_IPSEC_AH 0x0000000000002000ull
#define RXDADV_PKTTYPE_LINKSEC 0x0000000000004000ull
#define RXDADV_PKTTYPE_ETQF 0x0000000000008000ull
#define RXDADV_RSCCNT 0x00000000001e0000ull
#define RXDADV_RSCCNT_SHIFT 17
#define RXDADV_HDRLEN 0x000000007fe00000ull
#define RXDADV_HDRLEN_SHIFT 21
#define RXDADV_SPH 0x0000000080000000ull
#define RXDADV_SPH_SHIFT 31
#define RXDADV_RSS_HASH 0xffffffff00000000ull
#define RXDADV_RSS_HASH_SHIFT 32

/* RXDETQF */
#define RXDETQF_INDEX 0x0000000000000070ull
#define RXDETQF_INDEX_SHIFT 4
#define RXDETQF_MATCH 0x0000000000008000ull
#define RXDETQF_MATCH_SHIFT 15

/* RXDCSUM */
#define RXDCSUM_IP_ID 0x0000ffff00000000ull
#define RXDCSUM_IP_ID_SHIFT 32
#define RXDCSUM_CSUM 0xffff000000000000ull
#define RXDCSUM_CSUM_SHIFT 48

/* RXDFDIR */
#define RXDFDIR_SOFT_ID 0x0000ffff00000000ull
#define RXDFDIR_SOFT_ID_SHIFT 32
#define RXDFDIR_HASH 0xffff000000000000ull
#define RXDFDIR_HASH_SHIFT 48

/* RXD */
#define RXD_STAT_DD 0x0000000000000001ull
#define RXD_STAT_DD_SHIFT 0
#define RXD_STAT_EOP 0x0000000000000002ull
#define RXD_STAT_EOP_SHIFT 1
#define RXD_STAT_FLM 0x0000000000000004ull
#define RXD_STAT_FLM_SHIFT 2
#define RXD_STAT_VP 0x0000000000000008ull
#define RXD_STAT_VP_SHIFT 3
#define RXD_STAT_UDPCS 0x0000000000000010ull
#define RXD_STAT_UDPCS_SHIFT 4
#define RXD_STAT_L4CS 0x0000000000000020ull
#define RXD_STAT_L4CS_SHIFT 5
#define RXD_STAT_IPCS 0x0000000000000040ull
#define RXD_STAT_IPCS_SHIFT 6
#define RXD_STAT_PIF 0x0000000000000080ull
#define RXD_STAT_PIF_SHIFT 7
#define RXD_STAT_VEXT 0x0000000000000200ull
#define RXD_STAT_VEXT_SHIFT 9
#define RXD_STAT_UDPV 0x0000000000000400ull
#define RXD_STAT_UDPV_SHIFT 10
#define RXD_STAT_LLINT 0x0000000000000800ull
#define RXD_STAT_LLINT_SHIFT 11
#define RXD_STAT_TSIP 0x0000000000008000ull
#define RXD_STAT_TSIP_SHIFT 15
#define RXD_STAT_TS 0x0000000000010000ull
#define RXD_STAT_TS_SHIFT 16
#define RXD_STAT_SECP 0x0000000000020000ull
#define RXD_STAT_SECP_SHIFT 17
#define RXD_STAT_LB 0x0000000000040000ull
#define RXD_STAT_LB_SHIFT 18
#define RXD_ERR_FDIR 0x0000000000700000ull
#define RXD_ERR_FDIR_SHIFT 20
#define RXD_ERR_HBO 0x0000000000800000ull
#define RXD_ERR_HBO_SHIFT 23
#define RXD_ERR_SEC 0x0000000018000000ull
#define RXD_ERR_SEC_SHIFT 27
#define RXD_ERR_RXE 0x0000000020000000ull
#define RXD_ERR_RXE_SHIFT 29
#define RXD_ERR_TCPE 0x0000000040000000ull
#define RXD_ERR_TCPE_SHIFT 30
#define RXD_ERR_IPE 0x0000000080000000ull
#define RXD_ERR_IPE_SHIFT 31
#define RXD_LENGTH 0x0000ffff00000000ull
#define RXD_LENGTH_SHIFT 32
#define RXD_VLAN 0xffff000000000000ull
#define RXD_VLAN_SHIFT 48

/* RXDRSC */
#define RXDRSC_NEXTP 0x00000000000ffff0ull
#define RXDRSC_NEXTP_SHIFT 4

/* RXDLEG */
#define RXDLEG_LENGTH 0x000000000000ffffull
#define RXDLEG_LENGTH_SHIFT 0
#define RXDLEG_CSUM 0x00000000ffff0000ull
#define RXDLEG_CSUM_SHIFT 16
#define RXDLEG_STAT_DD 0x0000000100000000ull
#define RXDLEG_STAT_DD_SHIFT 32
#define RXDLEG_STAT_EOP 0x0000000200000000ull
#define RXDLEG_STAT_EOP_SHIFT 33
#define RXDLEG_STAT_VP 0x0000000800000000ull
#define RXDLEG_STAT_VP_SHIFT 35
#define RXDLEG_STAT_UDPCS 0x0000001000000000ull
#define RXDLEG_STAT_UDPCS_SHIFT 36
#define RXDLEG_STAT_L4CS 0x0000002000000000ull
#define RXDLEG_STAT_L4CS_SHIFT 37
#define RXDLEG_STAT_IPCS 0x0000004000000000ull
#define RXDLEG_STAT_IPCS_SHIFT 38
#define RXDLEG_STAT_PIF 0x0000008000000000ull
#define RXDLEG_STAT_PIF_SHIFT 39
#define RXDLEG_ERR_RXE 0x0000010000000000ull
#define RXDLEG_ERR_RXE_SHIFT 40
#define RXDLEG_ERR_TCPE 0x0000400000000000ull
#define RXDLEG_ERR_TCPE_SHIFT 46
#define RXDLEG_ERR_IPE 0x0000800000000000ull
#define RXDLEG_ERR_IPE_SHIFT 47
#define RXDLEG_VLAN 0xffff000000000000ull
#define RXDLEG_VLAN_SHIFT 48

/* TXD */
#define TXD_LENGTH 0x000000000000ffffull
#define TXD_LENGTH_SHIFT 0
#define TXD_CSO 0x0000000000ff0000ull
#define TXD_CSO_SHIFT 16
#define TXD_CMD_EOP 0x0000000001000000ull
#define TXD_CMD_EOP_SHIFT 24
#define TXD_CMD_IFCS 0x0000000002000000ull
#define TXD_CMD_IFCS_SHIFT 25
#define TXD_CMD_IC 0x0000000004000000ull
#define TXD_CMD_IC_SHIFT 26
#define TXD_CMD_RS 0x0000000008000000ull
#define TXD_CMD_RS_SHIFT 27
#define TXD_CMD_DEXT 0x0000000020000000ull
#define TXD_CMD_DEXT_SHIFT 29
#define TXD_CMD_VLE 0x0000000040000000ull
#define TXD_CMD_VLE_SHIFT 30
#define TXD_STAT_DD 0x0000000100000000ull
#define TXD_STAT_DD_SHIFT 32
#define TXD_CSS 0x0000ff0000000000ull
#define TXD_CSS_SHIFT 40
#define TXD_VLAN 0xffff000000000000ull
#define TXD_VLAN_SHIFT 48

/* TXDADV */
#define TXDADV_DTALEN 0x000000000000ffffull
#define TXDADV_DTALEN_SHIFT 0
#define TXDADV_MAC_LINKSEC 0x0000000000040000ull
#define TXDADV_MAC_LINKSEC_SHIFT 18
#define TXDADV_MAC_TSTAMP 0x0000000000080000ull
#define TXDADV_MAC_TSTAMP_SHIFT 19
#define TXDADV_DTYP 0x0000000000f00000ull
#define TXDADV_DTYP_SHIFT 20
#define TXDADV_DTYP_CTXT 0x0000000000200000ull
#define TXDADV_DTYP_DATA 0x0000000000300000ull
#define TXDADV_DCMD_EOP 0x0000000001000000ull
#define TXDADV_DCMD_EOP_SHIFT 24
#define TXDADV_DCMD_IFCS 0x0000000002000000ull
#define TXDADV_DCMD_IFCS_SHIFT 25
#define TXDADV_DCMD_RS 0x0000000008000000ull
#define TXDADV_DCMD_RS_SHIFT 27
#define TXDADV_DCMD_DEXT 0x0000000020000000ull
#define TXDADV_DCMD_DEXT_SHIFT 29
#define TXDADV_DCMD_VLE 0x0000000040000000ull
#define TXDADV_DCMD_VLE_SHIFT 30
#define TXDADV_DCMD_TSE 0x0000000080000000ull
#define TXDADV_DCMD_TSE_SHIFT 31
#define TXDADV_STAT_DD 0x0000000100000000ull
#define TXDADV_STAT_DD_SHIFT 32
#define TXDADV_IDX 0x0000007000000000ull
#define TXDADV_IDX_SHIFT 36
#define TXDADV_CC 0x0000008000000000ull
#define TXDADV_CC_SHIFT 39
#define TXDADV_POPTS_IXSM 0x0000010000000000ull
#define TXDADV_POPTS_IXSM_SHIFT 40
#define TXDADV_POPTS_TXSM 0x0000020000000000ull
#define TXDADV_POPTS_TXSM_SHIFT 41
#define TXDADV_POPTS_IPSEC 0x0000040000000000ull
#define TXDADV_POPTS_IPSEC_SHIFT 42
#define TXDADV_PAYLEN 0xffffc00000000000ull
#define TXDADV_PAYLEN_SHIFT 46

/* TXCTX0 */
#define TXCTX0_IPLEN 0x00000000000001ffull
#define TXCTX0_IPLEN_SHIFT 0
#define TXCTX0_MACLEN 0x000000000000fe00ull
#define TXCTX0_MACLEN_SHIFT 9
#define TXCTX0_VLAN 0x00000000ffff0000ull
#define TXCTX0_VLAN_SHIFT 16
#define TXCTX0_SA_IDX 0x000003ff00000000ull
#define TXCTX0_SA_IDX_SHIFT 32
#define TXCTX0_FCOEF 0x0000fc0000000000ull
#define TXCTX0_FCOEF_SHIFT 42

/* TXCTX1 */
#define TXCTX1_ESP_LEN 0x00000000000001ffull
#define TXCTX1_ESP_LEN_SHIFT 0
#define TXCTX1_IPV4 0x0000000000000400ull
#define TXCTX1_IPV4_SHIFT 10
#define TXCTX1_L4T 0x0000000000001800ull
#define TXCTX1_L4T_SHIFT 11
#define TXCTX1_L4T_UDP 0x0000000000000000ull
#define TXCTX1_L4T_TCP 0x0000000000000800ull
#define TXCTX1_L4T_SCTP 0x0000000000001000ull
#define TXCTX1_L4T_RSV 0x0000000000001800ull
#define TXCTX1_ESP 0x0000000000002000ull
#define TXCTX1_ESP_SHIFT 13
#define TXCTX1_ENCRYPT 0x0000000000004000ull
#define TXCTX1_ENCRYPT_SHIFT 14
#define TXCTX1_DTYP 0x0000000000f00000ull
#define TXCTX1_DTYP_SHIFT 20
#define TXCTX1_DTYP_CTXT 0x0000000000200000ull
#define TXCTX1_DTYP_DATA 0x0000000000300000ull
#define TXCTX1_DCMD_RS 0x0000000008000000ull
#define TXCTX1_DCMD_RS_SHIFT 27
#define TXCTX1_DCMD_DEXT 0x0000000020000000ull
#define TXCTX1_DCMD_DEXT_SHIFT 29
#define TXCTX1_IDX 0x0000007000000000ull
#define TXCTX1_IDX_SHIFT 36
#define TXCTX1_L4LEN 0x0000ff0000000000ull
#define TXCTX1_L4LEN_SHIFT 40
#define TXCTX1_MSS 0xffff000000000000ull
#define TXCTX1_MSS_SHIFT 48

/* TXCTX_D0 */
#define TXCTX_D0_IPLEN 0x000001ffu
#define TXCTX_D0_IPLEN_SHIFT 0
#define TXCTX_D0_MACLEN 0x0000fe00u
#define TXCTX_D0_MACLEN_SHIFT 9
#define TXCTX_D0_VLAN 0xffff0000u
#define TXCTX_D0_VLAN_SHIFT 16

/* TXCTX_D1 */
#define TXCTX_D1_SA_IDX 0x000003ffu
#define TXCTX_D1_SA_IDX_SHIFT 0
#define TXCTX_D1_FCOEF 0x0000fc00u
#define TXCTX_D1_FCOEF_SHIFT 10

/* TXCTX_D2 */
#define TXCTX_D2_ESP_LEN 0x000001ffu
#define TXCTX_D2_ESP_LEN_SHIFT 0
#define TXCTX_D2_IPV4 0x00000400u
#define TXCTX_D2_IPV4_SHIFT 10
#define TXCTX_D2_L4T 0x00001800u
#define TXCTX_D2_L4T_SHIFT 11
#define TXCTX_D2_L4T_UDP 0x00000000u
#define TXCTX_D2_L4T_TCP 0x00000800u
#define TXCTX_D2_L4T_SCTP 0x00001000u
#define TXCTX_D2_L4T_RSV 0x00001800u
#define TXCTX_D2_ESP 0x00002000u
#define TXCTX_D2_ESP_SHIFT 13
#define TXCTX_D2_ENCRYPT 0x00004000u
#define TXCTX_D2_ENCRYPT_SHIFT 14
#define TXCTX_D2_DTYP 0x00f00000u
#define TXCTX_D2_DTYP_SHIFT 20
#define TXCTX_D2_DTYP_CTXT 0x00200000u
#define TXCTX_D2_DTYP_DATA 0x00300000u
#define TXCTX_D2_DCMD_RS 0x08000000u
#define TXCTX_D2_DCMD_RS_SHIFT 27
#define TXCTX_D2_DCMD_DEXT 0x20000000u
#define TXCTX_D2_DCMD_DEXT_SHIFT 29

/* TXCTX_D3 */
#define TXCTX_D3_IDX 0x00000070u
#define TXCTX_D3_IDX_SHIFT 4
#define TXCTX_D3_L4LEN 0x0000ff00u
#define TXCTX_D3_L4LEN_SHIFT 8
#define TXCTX_D3_MSS 0xffff0000u
#define TXCTX_D3_MSS_SHIFT 16

/* TXDWB */
#define TXDWB_DD 0x00000001u
#define TXDWB_DD_SHIFT 0
