/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A data race on purpose: tests/run builds this with ThreadSanitizer and fails when it stays
 * silent. Two threads count without a lock, as a lost update in the thread pool would. */
#include <pthread.h>
#include <stdio.h>

static unsigned long counter;

static void *count_up(void *unused)
{
    (void)unused;
    for (int i = 0; i < 100000; i++)
        counter++;
    return NULL;
}

int main(void)
{
    pthread_t other;
    if (pthread_create(&other, NULL, count_up, NULL) != 0)
        return 1;
    count_up(NULL);
    pthread_join(other, NULL);
    printf("counted %lu\n", counter);
    return 0;
}
