/* SPDX-License-Identifier: BSD-3-Clause */
/* What a frame is: Ethernet, VLAN tags, IPv4, IPv6, TCP, UDP, SCTP.
 *
 * Every header is looked at only after it is known to lie inside the frame; what is cut short or contradicts itself is
 * reported as absent.  Bytes are read once: a looped-back frame may change under us.
 */
#include <stdint.h>
#include <string.h>
#include "machine/bytes.h"
#include "machine/eth.h"
#include "machine/parse.h"

#define IPV4_FRAGMENTED 0x3FFF        /* more-fragments flag and offset */
#define IPV6_EXTENSIONS_MAX 16

#define NEXT_HOP_BY_HOP 0
#define NEXT_ROUTING 43
#define NEXT_FRAGMENT 44
#define NEXT_OPTIONS 60
#define NEXT_MOBILITY 135

#define ROUTING_TYPE_2_BYTES 24
#define OPTION_PAD1 0
#define OPTION_HOME_ADDRESS 0xC9
#define OPTION_HOME_ADDRESS_BYTES 16

/* from: first byte after the IP headers; end: where the IP packet ends, inside the frame. */
static void parse_l4(uint8_t proto, uint32_t from, uint32_t end, struct packet *out)
{
    uint32_t header_bytes, kind;

    switch (proto) {
    case PROTO_TCP: header_bytes = TCP_HEADER_BYTES; kind = PACKET_TCP; break;
    case PROTO_UDP: header_bytes = UDP_HEADER_BYTES; kind = PACKET_UDP; break;
    case PROTO_SCTP: header_bytes = SCTP_HEADER_BYTES; kind = PACKET_SCTP; break;
    default: return;
    }
    if (end - from < header_bytes)
        return;
    out->l4 = (uint16_t)from;
    out->l4_len_bytes = (uint16_t)(end - from);
    out->l4_proto = proto;
    out->kind |= kind;
}

static void parse_ipv4(const uint8_t *data, uint32_t at, uint32_t len_bytes, struct packet *out)
{
    uint32_t first, header_bytes, total_bytes;

    if (len_bytes - at < IPV4_HEADER_BYTES)
        return;
    first = data[at];
    header_bytes = first % 16 * 4;
    if (first / 16 != 4 || header_bytes < IPV4_HEADER_BYTES || header_bytes > len_bytes - at)
        return;
    out->l3 = (uint16_t)at;
    out->ip_version = 4;
    out->ip_options = header_bytes > IPV4_HEADER_BYTES;
    out->kind = PACKET_IPV4 | (out->ip_options ? PACKET_IPV4_EX : 0);
    out->fragment = (be16(data + at + IPV4_FRAGMENT) & IPV4_FRAGMENTED) != 0;
    total_bytes = be16(data + at + IPV4_LENGTH);
    if (out->fragment || total_bytes < header_bytes || total_bytes > len_bytes - at)
        return;
    parse_l4(data[at + IPV4_PROTO], at + header_bytes, at + total_bytes, out);
}

/* A home address stands for the source, so that a mobile node's flow keeps its hash (Microsoft RSS, IPv6 "Ex" types). */
static void parse_destination_options(const uint8_t *data, uint32_t at, uint32_t end, struct packet *out)
{
    at += 2;
    while (end - at >= 2) {           /* every round takes at least one byte */
        uint32_t option = data[at], bytes;

        if (option == OPTION_PAD1) {
            at++;
            continue;
        }
        bytes = data[at + 1];
        if (bytes > end - at - 2)
            return;
        if (option == OPTION_HOME_ADDRESS && bytes == OPTION_HOME_ADDRESS_BYTES) {
            out->home_src = (uint16_t)(at + 2);
            out->rerouted = 1;
        }
        at += 2 + bytes;
    }
}

static void parse_ipv6(const uint8_t *data, uint32_t at, uint32_t len_bytes, struct packet *out)
{
    uint32_t next, end;

    if (len_bytes - at < IPV6_HEADER_BYTES || data[at] / 16 != 6)
        return;
    out->l3 = (uint16_t)at;
    out->ip_version = 6;
    out->kind = PACKET_IPV6;
    next = data[at + IPV6_NEXT];
    end = at + IPV6_HEADER_BYTES + be16(data + at + IPV6_LENGTH);
    at += IPV6_HEADER_BYTES;
    if (end > len_bytes)
        return;
    for (int i = 0; i < IPV6_EXTENSIONS_MAX; i++) {
        uint32_t bytes, following;

        if (next != NEXT_HOP_BY_HOP && next != NEXT_ROUTING && next != NEXT_FRAGMENT && next != NEXT_OPTIONS &&
            next != NEXT_MOBILITY) {
            parse_l4((uint8_t)next, at, end, out);
            return;
        }
        out->ip_options = 1;
        out->kind |= PACKET_IPV6_EX;
        if (next == NEXT_FRAGMENT) {
            out->fragment = 1;
            return;
        }
        if (end - at < 8)
            return;
        following = data[at];
        bytes = 8 + data[at + 1] * 8u;
        if (bytes > end - at)
            return;
        if (next == NEXT_ROUTING) {
            out->rerouted = 1;
            if (data[at + 2] == 2 && bytes == ROUTING_TYPE_2_BYTES)
                out->route_dst = (uint16_t)(at + 8);
        } else if (next == NEXT_OPTIONS) {
            parse_destination_options(data, at, at + bytes, out);
        }
        at += bytes;
        next = following;
    }
}

/* With double VLAN (vet_outer not 0) a first tag is the outer one and is stepped over, if it has either of the two
 * ethertypes or 802.1ad's; the inner one is the frame's VLAN. */
int parse_tagged(const uint8_t *data, uint32_t len_bytes, uint32_t vet, uint32_t vet_outer, struct packet *out)
{
    uint32_t at = ETH_TYPE_OFFSET;
    uint16_t type;

    memset(out, 0, sizeof(*out));
    if (len_bytes < ETH_HEADER_BYTES)
        return 0;
    if (len_bytes > UINT16_MAX)
        len_bytes = UINT16_MAX;       /* offsets are 16 bits; no wire brings that much */
    type = be16(data + at);
    if (vet_outer && (type == vet || type == vet_outer || type == ETH_TYPE_VLAN_OUTER) && len_bytes >= at + ETH_TAG_BYTES + 2) {
        at += ETH_TAG_BYTES;
        type = be16(data + at);
        vet_outer = 0;
        out->has_outer_vlan = 1;
    }
    if (!vet_outer && type == vet && len_bytes >= at + ETH_TAG_BYTES + 2) {
        out->has_vlan = 1;
        out->vlan_tci = be16(data + at + 2);
        at += ETH_TAG_BYTES;
        type = be16(data + at);
    }
    out->ethertype = type;
    at += 2;
    if (type == ETH_TYPE_IPV4)
        parse_ipv4(data, at, len_bytes, out);
    else if (type == ETH_TYPE_IPV6)
        parse_ipv6(data, at, len_bytes, out);
    return 1;
}

int parse_frame(const uint8_t *data, uint32_t len_bytes, int double_vlan, struct packet *out)
{
    return parse_tagged(data, len_bytes, ETH_TYPE_VLAN, double_vlan ? ETH_TYPE_VLAN_OUTER : 0, out);
}
