/* SPDX-License-Identifier: BSD-3-Clause */
/* Descriptors as they lie in memory: 16 bytes, little-endian, naturally aligned.  What their bits mean is declared in
 * device/regs/i82599/desc.py and reaches C as macros through regs.h.  Read by the compiler and by cffi. */

struct rx_desc {
    uint64_t q0;                  /* read: packet buffer; written back: type and hash */
    uint64_t q1;                  /* read: header buffer; written back: status, errors, length, VLAN */
};

struct tx_desc {
    uint64_t q0;                  /* buffer address, or the first half of a context */
    uint64_t q1;                  /* command and length, or the second half of a context; DD is written back here */
};
