/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_NPU_MODEL_RIG_H
#define TESTS_NPU_MODEL_RIG_H
/* Shared by the tests of the weights readers: a counting allocator, failing reads, a file in
 * memory, the check of a refusal. Programs are linked with
 * --wrap=malloc,calloc,realloc,pread,pread64. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "npu/npu.h"
#include "tests/check.h"
#include "tests/npu/model_files.h"

/* ---- Counting allocator: the linker sends malloc and the like here (--wrap) ------------------ */

static size_t alloc_largest;        /* bytes of the largest request */
static unsigned long alloc_calls;   /* since the count was cleared */
static unsigned long alloc_fail_at; /* this call fails, and the later ones do; 0: none */
static bool alloc_fail_once;        /* the later ones do not */

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t n);

static inline bool alloc_refused(size_t n)
{
    if (n > alloc_largest)
        alloc_largest = n;
    alloc_calls++;
    return alloc_fail_at &&
           (alloc_fail_once ? alloc_calls == alloc_fail_at : alloc_calls >= alloc_fail_at);
}

void *__wrap_malloc(size_t n)
{
    return alloc_refused(n) ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return alloc_refused(n * size) ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t n)
{
    return alloc_refused(n) ? NULL : __real_realloc(old, n);
}

/* ---- Failing reads: pread() comes here too --------------------------------------------------- */

enum read_mode { READ_WELL, READ_DRIBBLE, READ_END, READ_FAIL };
static enum read_mode read_mode;
static unsigned long read_calls; /* since the mode was set */

ssize_t __wrap_pread(int fd, void *dst, size_t n, off_t offset);
ssize_t __real_pread(int fd, void *dst, size_t n, off_t offset);
ssize_t __wrap_pread64(int fd, void *dst, size_t n, off_t offset);

ssize_t __wrap_pread(int fd, void *dst, size_t n, off_t offset)
{
    read_calls++;
    if (read_mode == READ_FAIL || (read_mode == READ_DRIBBLE && read_calls % 3 == 0)) {
        errno = read_mode == READ_FAIL ? EIO : EINTR;
        return -1;
    }
    if (read_mode == READ_END)
        return 0;
    return __real_pread(fd, dst, read_mode == READ_DRIBBLE && n > 7 ? 7 : n, offset);
}

/* what the C library calls pread() where off_t was made 64 bits */
ssize_t __wrap_pread64(int fd, void *dst, size_t n, off_t offset)
{
    return __wrap_pread(fd, dst, n, offset);
}

/* ---- A file in memory ------------------------------------------------------------------------ */

static int memory_fd = -1;
static char memory_path[64];
static struct npu_error error;

static inline void memory_write(const void *data, size_t n)
{
    bool ok = ftruncate(memory_fd, 0) == 0;
    for (size_t done = 0; ok && done < n;) {
        ssize_t k = pwrite(memory_fd, (const uint8_t *)data + done, n - done, (off_t)done);
        ok = k > 0;
        done += ok ? (size_t)k : 0;
    }
    if (!ok)
        abort();
}

static inline int open_memory(struct npu_model **model)
{
    *model = NULL;
    error.text[0] = 0;
    return npu_model_open(model, memory_path, &error);
}

/* A proper refusal: no output, a sentence with the file, what was expected and what was found. */
static inline bool refused_well(int code, const struct npu_model *model)
{
    return (code == -EBADMSG || code == -ENOTSUP || code == -EIO) && !model &&
           strstr(error.text, memory_path) && strstr(error.text, "expected") &&
           strstr(error.text, "found");
}

static inline int try_open(const void *data, size_t n)
{
    struct npu_model *model;
    memory_write(data, n);
    int code = open_memory(&model);
    npu_model_close(&model);
    return code;
}

/* ---- Checks ---------------------------------------------------------------------------------- */

static inline unsigned compare_part(const struct npu_model *model, const struct part *part,
                                    const struct vector *v)
{
    static float values[1 << 15];
    unsigned count = part_count(part), wrong = 0;
    if (npu_model_read_f32(model, part->id, 0, 0, count, values, &error) != 0)
        return count;
    for (unsigned i = 0; i < count; i++)
        wrong += memcmp(&values[i], &v->values[i % VECTOR_VALUES], sizeof(float)) != 0;
    /* a piece from the middle; 96 values are three blocks */
    if (count > 160 && (npu_model_read_f32(model, part->id, 0, 64, 96, values, &error) != 0 ||
                        memcmp(values, &v->values[64], 96 * sizeof(float)) != 0))
        wrong++;
    return wrong;
}

static inline void check_refusal(const char *name, const struct weights_file *file, int want,
                                 const char *const *words, size_t n_words)
{
    struct npu_model *model;
    memory_write(file->data.at, file->data.n);
    int code = open_memory(&model);
    bool said = code == 0 || refused_well(code, model);
    for (size_t i = 0; i < n_words && words[i]; i++)
        said = said && strstr(error.text, words[i]);
    check_case(code == want && said, name, "code %d, expected %d: %s", code, want, error.text);
    npu_model_close(&model);
}

/* How many descriptors are open, a leaked one above free ones included. */
static inline unsigned count_descriptors(void)
{
    unsigned n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static inline void check_descriptors(unsigned before)
{
    unsigned now = count_descriptors();
    check_case(now == before, "descriptors", "%u, %u before", now, before);
}

/* The k-th allocation fails, alone or with all after it: -ENOMEM, nothing leaks (the sanitizer
 * checks). `attempt` returns its result and whether its outputs are right. */
struct attempt {
    int code;
    bool right;
};
typedef struct attempt attempt_fn(const char *path);

static inline void check_no_memory_of(const char *name, attempt_fn *attempt, const char *path)
{
    char case_name[96];
    for (int once = 0; once < 2; once++) {
        unsigned long points = 0, bad = 0;
        int code = -ENOMEM;
        alloc_fail_once = once;
        for (unsigned long k = 1; code == -ENOMEM && k < 100; k++) {
            error.text[0] = 0;
            alloc_calls = 0;
            alloc_fail_at = k;
            struct attempt a = attempt(path);
            alloc_fail_at = 0;
            code = a.code;
            bool struck = alloc_calls >= k; /* then it must be an error */
            bad += !a.right || (code ? error.text[0] == 0 : struck);
            points += code != 0;
        }
        snprintf(case_name, sizeof(case_name), "%s%s", name, once ? ".once" : "");
        check_case(code == 0 && points >= 4 && bad == 0, case_name,
                   "%lu points, %lu bad, last code %d", points, bad, code);
    }
    alloc_fail_once = false;
}

static inline struct attempt attempt_open(const char *path)
{
    struct npu_model *model = NULL;
    int code = npu_model_open(&model, path, &error);
    bool right = code ? !model : model != NULL;
    npu_model_close(&model);
    return (struct attempt){code, right};
}

static inline void check_no_memory(const char *name, const char *path)
{
    check_no_memory_of(name, attempt_open, path);
}

#endif /* TESTS_NPU_MODEL_RIG_H */
