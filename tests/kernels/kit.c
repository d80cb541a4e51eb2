/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/kernels/kit.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define GUARD_BITS 0x7fc5a5a5u /* a quiet NaN that no kernel makes */

bool kit_fail(struct kit_why *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
    return false;
}

static uint64_t random_state;

void kit_seed(uint64_t seed)
{
    random_state = seed * 2 + 1;
}

static unsigned one_of = 1;

void kit_thin(unsigned every)
{
    one_of = every;
}

bool kit_left_out(void)
{
    return one_of > 1 && kit_random() % one_of != 0;
}

uint32_t kit_random(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 32);
}

int kit_range(int lo, int hi)
{
    return lo + (int)(kit_random() % (uint32_t)(hi - lo + 1));
}

float kit_float(enum kit_values kind)
{
    static const float edges[] = {0.0f,      -0.0f,      0x1p-149f, -0x1p-149f, 0x1.8p-130f,
                                  0x1p-126f, -0x1p-126f, 1e17f,     -1e17f,     1.0f};
    uint32_t u = kit_random();
    if (kind == KIT_EDGES && u % 3 != 0)
        return edges[u / 3 % (sizeof edges / sizeof *edges)];
    return (float)(int32_t)kit_random() * 0x1p-31f;
}

void kit_fill(float *x, size_t n, enum kit_values kind)
{
    for (size_t i = 0; i < n; i++)
        x[i] = kit_float(kind);
}

static void fill_guard(float *x, size_t n)
{
    const uint32_t bits = GUARD_BITS;
    for (size_t i = 0; i < n; i++)
        memcpy(x + i, &bits, sizeof bits);
}

/* Bytes of n floats in whole pages. */
static size_t page_bytes(size_t n, size_t *page)
{
    *page = (size_t)sysconf(_SC_PAGESIZE);
    return (n * sizeof(float) + *page - 1) / *page * *page;
}

float *kit_alloc(size_t n)
{
    size_t page, bytes = page_bytes(n, &page);
    char *map =
        mmap(NULL, bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED || mprotect(map + bytes, page, PROT_NONE) != 0) {
        perror("kit_alloc");
        exit(1);
    }
    float *x = (float *)(void *)(map + bytes) - n;
    fill_guard(x, n);
    return x;
}

void kit_free(float *x, size_t n)
{
    size_t page, bytes = page_bytes(n, &page);
    munmap((char *)(x + n) - bytes, bytes + page);
}

void kit_matrix_open(struct kit_matrix *matrix, int m, int n, int pad)
{
    matrix->m = m;
    matrix->n = n;
    matrix->ld = n + 2 * pad;
    matrix->size = (size_t)(m + 2) * (size_t)matrix->ld;
    matrix->base = kit_alloc(matrix->size);
    matrix->x = matrix->base + matrix->ld + pad;
}

void kit_matrix_close(struct kit_matrix *matrix)
{
    kit_free(matrix->base, matrix->size);
}

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

bool kit_matrix_intact(const struct kit_matrix *matrix, struct kit_why *why)
{
    ptrdiff_t first = matrix->x - matrix->base;
    for (ptrdiff_t i = 0; i < (ptrdiff_t)matrix->size; i++) {
        ptrdiff_t row = i >= first ? (i - first) / matrix->ld : -1;
        ptrdiff_t column = i >= first ? (i - first) % matrix->ld : i - first;
        bool inside = row >= 0 && row < matrix->m && column < matrix->n;
        if (!inside && bits_of(matrix->base[i]) != GUARD_BITS)
            return kit_fail(why, "wrote outside: row %td column %td of %d x %d", row, column,
                            matrix->m, matrix->n);
    }
    return true;
}

bool kit_matrix_equal(const struct kit_matrix *a, const struct kit_matrix *b, struct kit_why *why)
{
    for (int i = 0; i < a->m; i++) {
        for (int j = 0; j < a->n; j++) {
            float x = a->x[i * a->ld + j], y = b->x[i * b->ld + j];
            if (bits_of(x) != bits_of(y) && !(isnan(x) && isnan(y)))
                return kit_fail(why, "row %d column %d of %d x %d: %a, expected %a", i, j, a->m,
                                a->n, (double)x, (double)y);
        }
    }
    return true;
}

void kit_matrix_copy(struct kit_matrix *dst, const struct kit_matrix *src)
{
    for (int i = 0; i < src->m; i++)
        memcpy(dst->x + i * dst->ld, src->x + i * src->ld, (size_t)src->n * sizeof *src->x);
}

static sigjmp_buf guarded_jump;
static volatile sig_atomic_t guarded_signal;

static void on_signal(int number)
{
    guarded_signal = number;
    siglongjmp(guarded_jump, 1);
}

bool kit_guarded(kit_check_fn *fn, void *user, struct kit_why *why)
{
    static const int caught[] = {SIGILL, SIGSEGV, SIGBUS, SIGFPE};
    enum { N = sizeof caught / sizeof *caught };
    struct sigaction old[N], action = {.sa_handler = on_signal};
    bool ok;

    why->text[0] = '\0';
    for (int i = 0; i < N; i++)
        sigaction(caught[i], &action, &old[i]);
    if (sigsetjmp(guarded_jump, 1) == 0)
        ok = fn(user, why);
    else
        ok = kit_fail(why, "died of %s", strsignal(guarded_signal));
    for (int i = 0; i < N; i++)
        sigaction(caught[i], &old[i], NULL);
    return ok;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); /* other programs may share the core */
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

bool kit_kernels(struct npu_kernels *out, const char *set)
{
    return npu_kernels_choose(out, set) && !strcmp(out->name, set);
}

double kit_fastest(void (*fn)(void *user), void *user, double budget)
{
    double best = 1e9, start = now();
    for (int calls = 0; calls < 3 || now() - start < budget; calls++) {
        double t = now();
        fn(user);
        t = now() - t;
        best = t < best ? t : best;
    }
    return best;
}
