/* SPDX-License-Identifier: BSD-3-Clause */

#define PEER_HELLO_BYTES 8        /* "IXLAB", version, 1 = our side sends light, 0; too short for a frame */
#define PEER_HELLO_VERSION 1
