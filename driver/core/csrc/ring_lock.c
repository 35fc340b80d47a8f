/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include "mmio.h"
#include "rings.h"
#include "ring_lock.h"

struct ring_lock { pthread_mutex_t mutex; };

struct ring_lock *ring_lock_new(void)
{
    struct ring_lock *lock = malloc(sizeof *lock);

    if (lock != NULL)
        pthread_mutex_init(&lock->mutex, NULL);
    return lock;
}

void ring_lock_free(struct ring_lock *lock)
{
    if (lock == NULL)
        return;
    pthread_mutex_destroy(&lock->mutex);
    free(lock);
}

void ring_lock(struct ring_lock *lock)
{
    if (lock != NULL)
        pthread_mutex_lock(&lock->mutex);
}

void ring_unlock(struct ring_lock *lock)
{
    if (lock != NULL)
        pthread_mutex_unlock(&lock->mutex);
}
