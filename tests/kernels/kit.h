/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_KERNELS_KIT_H
#define TESTS_KERNELS_KIT_H
/* Helpers of the kernel tests: repeatable random numbers, memory that detects stray reads and
 * writes, calls that survive a signal, and a clock. */
#include "kernels/kernels.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Why a check failed; empty text when it passed. */
struct kit_why {
    char text[256];
};

__attribute__((format(printf, 2, 3))) bool kit_fail(struct kit_why *why, const char *format, ...);

void kit_seed(uint64_t seed);
/* One shape of `every` stays (1 at first: all), by random; kit_left_out() says of the next one whether it
 * goes. For an emulator, which shows the instructions of a set on a few. */
void kit_thin(unsigned every);
bool kit_left_out(void);
uint32_t kit_random(void);
int kit_range(int lo, int hi); /* lo .. hi, both included */

enum kit_values {
    KIT_NORMAL, /* about -1 .. 1 */
    KIT_EDGES,  /* +-0, denormals, the smallest normals, up to 1e17, mixed with normal ones */
    KIT_KINDS
};
float kit_float(enum kit_values kind);
void kit_fill(float *x, size_t n, enum kit_values kind);

/* Memory for n floats whose end meets a page that may not be touched; 64-byte aligned where n is a
 * multiple of 16. Filled with the guard pattern. Never fails: ends the program. */
float *kit_alloc(size_t n);
void kit_free(float *x, size_t n);

/* A matrix with `pad` guard columns at each side and a guard row above and below. */
struct kit_matrix {
    float *base, *x; /* x: the first element proper */
    int m, n;
    ptrdiff_t ld;
    size_t size;
};
void kit_matrix_open(struct kit_matrix *matrix, int m, int n, int pad);
void kit_matrix_close(struct kit_matrix *matrix);
/* False when anything outside the m x n elements changed. */
bool kit_matrix_intact(const struct kit_matrix *matrix, struct kit_why *why);
/* Same bits in both, element by element. */
bool kit_matrix_equal(const struct kit_matrix *a, const struct kit_matrix *b, struct kit_why *why);
void kit_matrix_copy(struct kit_matrix *dst, const struct kit_matrix *src);

/* Run fn(user, why); SIGILL, SIGSEGV, SIGBUS and SIGFPE become a failure that names the signal. */
typedef bool kit_check_fn(void *user, struct kit_why *why);
bool kit_guarded(kit_check_fn *fn, void *user, struct kit_why *why);

/* The kernels of the set and those before it; false where this processor lacks the set. */
bool kit_kernels(struct npu_kernels *out, const char *set);

/* CPU seconds of the fastest of many calls of fn(user), for about `budget` seconds, never under 3.
 */
double kit_fastest(void (*fn)(void *user), void *user, double budget);

#endif /* TESTS_KERNELS_KIT_H */
