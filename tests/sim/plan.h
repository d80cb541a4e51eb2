/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_SIM_PLAN_H
#define TESTS_SIM_PLAN_H
/* The text of a design for 16 cores, the whole array: A broadcast along the rows, B along the
 * columns, C joined per column. Objects of 4096 bytes, depth 2; counts come with the data. */

/* The caller frees; never NULL. */
char *plan_text(void);

#endif /* TESTS_SIM_PLAN_H */
