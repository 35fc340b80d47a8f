/* SPDX-License-Identifier: BSD-3-Clause */
/* Which frames are for us, by size, MAC control, destination address and VLAN; and the EtherType filters. */

#define FILTERS_RARS 128

struct filters {
    struct regfile *regs;
    int stale;                        /* a register changed: what follows must be made anew */
    uint32_t longest_bytes;           /* an untagged frame with FCS, as HLREG0, MAXFRS and CTRL_EXT allow */
    uint32_t etqf_on;                 /* EtherType filters in use */
    uint32_t rar_count;               /* compact list of valid RARs */
    uint64_t rar[FILTERS_RARS];       /* MAC as RAL | RAH << 32, address bytes only */
};

void filters_changed(void *filters);                              /* struct reg_hook's */
int filters_stage(struct filters *filters, struct rx_pass *pass); /* 1: for us, perhaps marked as of a wrong size; 0: drop */
void etqf_stage(const struct filters *filters, struct rx_pass *pass);   /* EtherType filters, after RSS */
int filters_pass(struct filters *filters, const uint8_t *data, uint32_t len_bytes, const struct packet *pkt); /* 1 pass, 0 drop */
