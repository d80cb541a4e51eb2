/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H
/* The reporting of every test program outside gst-check: one line per case, one count line at the
 * end. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned check_passed, check_failed, check_skipped;

/* Report a case; returns `ok`. The text says what was seen, printed for failures and, after " # ",
 * for successes. */
__attribute__((format(printf, 3, 4), unused)) static bool check_case(bool ok, const char *name,
                                                                     const char *format, ...)
{
    printf("%s %s%s", ok ? "ok" : "not ok", name, format[0] ? (ok ? " # " : ": ") : "");
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
    if (ok)
        check_passed++;
    else
        check_failed++;
    return ok;
}

__attribute__((unused)) static void check_skip(const char *name, const char *why)
{
    printf("skip %s: %s\n", name, why);
    fflush(stdout);
    check_skipped++;
}

/* Print the count line; the exit code of the program: 0, 1 on a failure, 77 (Meson's skip) when
 * nothing else ran. */
__attribute__((unused)) static int check_finish(void)
{
    printf("%u passed, %u failed, %u skipped\n", check_passed, check_failed, check_skipped);
    if (check_failed)
        return 1;
    return check_passed == 0 && check_skipped > 0 ? 77 : 0;
}

#endif /* TESTS_CHECK_H */
