/* SPDX-License-Identifier: BSD-3-Clause */
/* The sums of the Internet: RFC 1071 ones' complement, CRC32c (SCTP, RFC 4960 appendix B) and the Ethernet FCS. */

uint32_t csum_add(uint32_t sum, const uint8_t *data, uint32_t len_bytes);     /* big-endian words; only the last piece may be odd */
uint16_t csum_fold(uint32_t sum);
uint32_t crc32c(const uint8_t *data, uint32_t len_bytes);
uint32_t crc32_fcs(const uint8_t *data, uint32_t len_bytes);
