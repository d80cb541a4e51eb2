/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_AMX_RULES_H
#define TESTS_AMX_RULES_H
#include "tests/amx/emulator.h"

/* Tests of the emulator: results computed by hand, and every refusal. Calls `report` for each
 * case. */
void amx_test_rules(void (*report)(bool ok, const char *name, const char *text));

#endif /* TESTS_AMX_RULES_H */
