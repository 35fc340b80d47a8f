/* SPDX-License-Identifier: BSD-3-Clause */
/* A lock that is had in the order in which it was asked for.
 *
 * A mutex goes to whoever comes first once it is free, and a thread that lets go of it and wants it again is there before
 * one that has yet to wake.  One that reads register after register keeps another from its doorbell for 30 ms so.
 */

struct turns;

struct turns *turns_new(void);           /* NULL: no memory */
void turns_free(struct turns *turns);    /* NULL is fine; nobody may be inside */
void turns_take(struct turns *turns);
void turns_give(struct turns *turns);
