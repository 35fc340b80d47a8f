/* SPDX-License-Identifier: BSD-3-Clause */
/* Checksums of received packets, as the descriptor reports them.
 *
 * Ref: 82599 datasheet, Receive Checksum Offloading.
 */
#include <stdint.h>
#include <string.h>
#include "desc.h"
#include "regs.h"
#include "machine/bytes.h"
#include "machine/csum.h"
#include "machine/eth.h"
#include "machine/dma.h"
#include "machine/regfile.h"
#include "machine/parse.h"
#include "machine/wire/port.h"
#include "i82599/chip.h"
#include "i82599/pass.h"
#include "i82599/rx/rx.h"

/* IPv4 header length, or 0 when the header is not (any more) what parse_frame() saw. */
static uint32_t ipv4_header_bytes(const uint8_t *data, uint32_t len_bytes, const struct packet *pkt)
{
    uint32_t bytes = data[pkt->l3] % 16u * 4;

    return bytes >= IPV4_HEADER_BYTES && pkt->l3 + bytes <= len_bytes ? bytes : 0;
}

/* The CRC32c runs over the packet with its own field as zero. */
static uint32_t sctp_status(const uint8_t *l4, uint32_t bytes)
{
    uint8_t packet[FRAME_MAX_BYTES];
    uint32_t sent;

    if (bytes > sizeof(packet))
        return 0;
    memcpy(packet, l4, bytes);
    memcpy(&sent, packet + SCTP_CHECK, sizeof(sent));
    memset(packet + SCTP_CHECK, 0, sizeof(sent));
    return RXD_STAT_L4CS | (crc32c(packet, bytes) == sent ? 0 : RXD_ERR_TCPE);
}

static inline uint32_t l4_status(const uint8_t *data, const struct packet *pkt, int is_summed)
{
    const uint8_t *l4 = data + pkt->l4, *addresses = data + pkt->l3 + (pkt->ip_version == 4 ? IPV4_SRC : IPV6_SRC);
    uint32_t bytes = pkt->l4_len_bytes, status = RXD_STAT_L4CS, address_bytes = pkt->ip_version == 4 ? 8 : 32, sum;

    if (pkt->l4_proto == PROTO_SCTP)
        return sctp_status(l4, bytes);
    if (pkt->l4_proto == PROTO_UDP) {
        uint32_t udp_bytes = be16(l4 + UDP_LENGTH);

        if (!be16(l4 + UDP_CHECK))  /* the sender did not sum it: nothing to say */
            return 0;
        if (udp_bytes < UDP_HEADER_BYTES || udp_bytes > bytes)
            return 0;
        bytes = udp_bytes;
        status |= RXD_STAT_UDPCS;
    }
    if (is_summed)
        return status;
    if (addresses + address_bytes == l4)             /* no options, no extension headers: one piece */
        sum = csum_add(pkt->l4_proto + bytes, addresses, address_bytes + bytes);
    else
        sum = csum_add(csum_add(0, addresses, address_bytes) + pkt->l4_proto + bytes, l4, bytes);
    return status | (csum_fold(sum) ? RXD_ERR_TCPE : 0);
}

/* IPCS, IPE, L4CS, TCPE and UDPCS of the advanced descriptor.  TCPE means any L4 checksum was wrong. */
static inline uint32_t checksum_status(const uint8_t *data, uint32_t len_bytes, const struct packet *pkt, int is_summed)
{
    uint32_t status = 0;

    if (pkt->ip_version == 4) {
        uint32_t header_bytes = ipv4_header_bytes(data, len_bytes, pkt);

        if (!header_bytes)
            return 0;
        status = RXD_STAT_IPCS;
        if (csum_fold(csum_add(0, data + pkt->l3, header_bytes)))
            status |= RXD_ERR_IPE;
    }
    /* A packet whose addresses change on the way is summed over addresses this header does not show. */
    if (pkt->l4 && !pkt->rerouted && (uint32_t)pkt->l4 + pkt->l4_len_bytes <= len_bytes)
        status |= l4_status(data, pkt, is_summed);
    return status;
}

/* RXCSUM.PCSD = 0: the sum of an IPv4 fragment's payload (so that software can add up the pieces) and the packet's id. */
uint32_t rx_fragment_word(const uint8_t *data, uint32_t len_bytes, const struct packet *pkt)
{
    uint32_t header_bytes, total_bytes, sum = 0;

    if (pkt->ip_version != 4)
        return 0;
    header_bytes = ipv4_header_bytes(data, len_bytes, pkt);
    total_bytes = be16(data + pkt->l3 + IPV4_LENGTH);
    if (pkt->fragment && header_bytes && total_bytes > header_bytes && total_bytes <= len_bytes - pkt->l3)
        sum = (uint16_t)~csum_fold(csum_add(0, data + pkt->l3 + header_bytes, total_bytes - header_bytes));
    return sum << 16 | (uint32_t)be16(data + pkt->l3 + IPV4_ID);
}

/* The first fragment of a UDP datagram over IPv4 whose sender summed it: adding up the fragments' sums pays.
 * Ref: 82599 datasheet, "Receive Descriptors"; Linux only names the bit "valid UDP checksum". */
static int starts_summed_udp(const uint8_t *data, uint32_t len_bytes, const struct packet *pkt)
{
    uint32_t header_bytes;

    if (pkt->ip_version != 4 || !pkt->fragment || data[pkt->l3 + IPV4_PROTO] != PROTO_UDP ||
        (be16(data + pkt->l3 + IPV4_FRAGMENT) & IPV4_FRAGMENT_OFFSET))
        return 0;
    header_bytes = ipv4_header_bytes(data, len_bytes, pkt);
    return header_bytes && pkt->l3 + header_bytes + UDP_HEADER_BYTES <= len_bytes &&
           be16(data + pkt->l3 + header_bytes + UDP_CHECK) != 0;
}

uint32_t rx_checksum_status(const uint8_t *data, uint32_t len_bytes, const struct packet *pkt)
{
    return checksum_status(data, len_bytes, pkt, 0);
}

/* Sums of a frame without other errors; RXCSUM.PCSD = 0 puts the fragment's into the place of the hash. */
void rx_checksum_stage(const struct rx *rx, struct rx_pass *pass)
{
    const struct frame *frame = pass->frame;

    if (!pass->packet.ip_version)
        return;
    if (!(pass->info.status & RXD_ERR_RXE))
        pass->info.status |= checksum_status(frame->data, frame->len_bytes, &pass->packet, (frame->flags & FRAME_SUMMED) != 0);
    if (!(reg(rx->regs, R_RXCSUM) & RXCSUM_PCSD)) {
        pass->info.hash = rx_fragment_word(frame->data, frame->len_bytes, &pass->packet);
        if (starts_summed_udp(frame->data, frame->len_bytes, &pass->packet))
            pass->info.status |= RXD_STAT_UDPV;
    }
}
