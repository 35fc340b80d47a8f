/* SPDX-License-Identifier: BSD-3-Clause */
/* A Tx ring that several threads use has a lock: XDP rings, which other NICs' programs may send on.  cffi does not read this. */

void ring_lock(struct ring_lock *lock);      /* NULL: the ring belongs to one thread */
void ring_unlock(struct ring_lock *lock);
