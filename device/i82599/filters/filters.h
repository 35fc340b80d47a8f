/* SPDX-License-Identifier: BSD-3-Clause */
/* Which frames are for us, by size, MAC control, destination address and VLAN; and the EtherType filters. */

#define FILTERS_RARS 128

struct filters {
    struct regfile *regs;
    int stale;                        /* addresses changed: the list below must be made anew */
    uint32_t rar_count;               /* compact list of valid RARs */
    uint64_t rar[FILTERS_RARS];       /* MAC as RAL | RAH << 32, address bytes only */
};

void filters_changed(void *filters);                              /* struct reg_hook's */
int filters_stage(void *filters, struct rx_pass *pass);           /* drop, or mark a wrong size that software asked for */
int etqf_stage(void *filters, struct rx_pass *pass);              /* EtherType filters, after RSS */
int filters_pass(struct filters *filters, const uint8_t *data, uint32_t len_bytes, const struct packet *pkt); /* 1 pass, 0 drop */
uint32_t filters_size_errors(const struct filters *filters, uint32_t len_bytes, const struct packet *pkt); /* RXD_ERR_USE or _OSE */
