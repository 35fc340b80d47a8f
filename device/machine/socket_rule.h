/* SPDX-License-Identifier: BSD-3-Clause */
/* One rule for every socket of the device, whatever it carries and whoever is at its other end.
 *
 * Nobody is waited for.  What has come is gathered until it is a whole message; what cannot be sent is kept, and its
 * reader is not read from meanwhile.  Each connection gets so much of a turn, so much memory, and so much time.
 */

#define SOCKET_DEADLINE_MS 2000       /* a message may take this long to come whole, or to leave; a handshake, too */
#define SOCKET_TURN_MESSAGES 32       /* of one connection in one turn, so that nobody starves the wire */
#define SOCKET_MESSAGE_BYTES 4096     /* a longer message counts as several: one more for each so many bytes */
#define SOCKET_AHEAD_BYTES 65536      /* read from a connection before it is obeyed; also the longest handshake */
#define SOCKET_UNSENT_BYTES 8388608   /* answers kept for one that asks on without reading them; then it is dropped */
#define SOCKET_CALLERS 16             /* connections that have not said who they are; then the oldest silent one goes */
#define SOCKET_DEAF_MS 100            /* no accept() for so long after one failed for want of descriptors or memory */
#define SOCKET_LOOK_US 1000           /* however busy it is, the loop looks this often whether others have work */
