/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include "turns.h"

struct turns {
    pthread_mutex_t lock;                /* held for a moment only */
    pthread_cond_t moved;
    uint64_t next, now;                  /* the number that who comes next gets, and whose turn it is */
};

struct turns *turns_new(void)
{
    struct turns *turns = calloc(1, sizeof *turns);

    if (turns == NULL)
        return NULL;
    pthread_mutex_init(&turns->lock, NULL);
    pthread_cond_init(&turns->moved, NULL);
    return turns;
}

void turns_free(struct turns *turns)
{
    if (turns == NULL)
        return;
    pthread_cond_destroy(&turns->moved);
    pthread_mutex_destroy(&turns->lock);
    free(turns);
}

void turns_take(struct turns *turns)
{
    pthread_mutex_lock(&turns->lock);
    uint64_t mine = turns->next++;
    while (mine != turns->now)
        pthread_cond_wait(&turns->moved, &turns->lock);
    pthread_mutex_unlock(&turns->lock);
}

void turns_give(struct turns *turns)
{
    pthread_mutex_lock(&turns->lock);
    int others = ++turns->now != turns->next;
    pthread_mutex_unlock(&turns->lock);
    if (others)
        pthread_cond_broadcast(&turns->moved);
}
