/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_SIM_LAUNCHES_H
#define TESTS_SIM_LAUNCHES_H
/* Between the simulator and its callers: counts launches and makes them fail on demand. Linked with
 * --wrap=npu_sim_launch. Threads: any, but no launch may run during a call that sets something. */
#include <stdbool.h>

enum launches_fault {
    LAUNCHES_NONE,
    LAUNCHES_REFUSE,  /* -EIO, "a fault of the test" */
    LAUNCHES_SHORTEN, /* the second buffer is an object too short */
    LAUNCHES_STUCK,   /* the second buffer's first job asks for an object that is never sent */
};
/* Of launch `number` (1, 2, ...) from now on. */
void launches_set_fault(enum launches_fault fault, int number);
/* Call a function at the beginning of launch `number` from now on; NULL: no more. */
void launches_set_call(void (*call)(void), int number);
/* Launches so far from instruction words, and from the text of a sequence. */
void launches_count(unsigned *words, unsigned *texts);

#endif /* TESTS_SIM_LAUNCHES_H */
