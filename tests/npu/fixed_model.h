/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_NPU_FIXED_MODEL_H
#define TESTS_NPU_FIXED_MODEL_H
/* A small random model in a file of its own, some of whose tensors are changed. One at a time. */
#include <stdint.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/small_model.h"

static inline const char *fixed_model_path(void)
{
    static char path[64];
    snprintf(path, sizeof(path), "test-fixed-%d.safetensors", (int)getpid());
    return path;
}

_Noreturn static inline void fixed_model_fail(const char *what)
{
    check_case(false, "small_model", "%s: %s", fixed_model_path(), what);
    exit(check_finish());
}

static inline void fixed_model_write(unsigned n_mels, unsigned d, unsigned layers, unsigned n_ctx,
                                     uint64_t seed)
{
    if (test_small_model_write(fixed_model_path(), n_mels, d, layers, n_ctx, seed))
        fixed_model_fail("cannot write");
}

static inline void fixed_model_remove(void)
{
    unlink(fixed_model_path());
}

/* Every value x of a tensor becomes x * factor + add. */
static inline void fixed_model_change(const char *tensor, float factor, float add)
{
    FILE *file = fopen(fixed_model_path(), "r+b");
    unsigned long long first, last;
    uint64_t length;
    char key[160];

    if (!file || fread(&length, sizeof(length), 1, file) != 1 || length > 1 << 20)
        fixed_model_fail("cannot read");
    char *header = calloc(1, length + 1);
    if (!header || fread(header, 1, length, file) != length)
        fixed_model_fail("cannot read");
    snprintf(key, sizeof(key), "\"model.encoder.%s\"", tensor);
    const char *at = strstr(header, key);
    at = at ? strstr(at, "data_offsets\":[") : NULL;
    if (!at || sscanf(at, "data_offsets\":[%llu,%llu]", &first, &last) != 2)
        fixed_model_fail(tensor);
    for (unsigned long long i = first; i < last; i += sizeof(float)) {
        float x;
        long place = (long)(8 + length + i);
        if (fseek(file, place, SEEK_SET) || fread(&x, sizeof(x), 1, file) != 1)
            fixed_model_fail("cannot read");
        x = x * factor + add;
        if (fseek(file, place, SEEK_SET) || fwrite(&x, sizeof(x), 1, file) != 1)
            fixed_model_fail("cannot write");
    }
    free(header);
    if (fclose(file))
        fixed_model_fail("cannot write");
}

#endif /* TESTS_NPU_FIXED_MODEL_H */
