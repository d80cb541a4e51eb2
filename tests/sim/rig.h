/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_SIM_RIG_H
#define TESTS_SIM_RIG_H
/* A design's text, its simulator and its host buffers together, with the tests' own kernels. */
#include "kernels/aie2/host/registry.h"
#include "npu/sim/engine/sim.h"
#include "tests/check.h"

#include <errno.h>

#ifndef TESTS_SIM
#define TESTS_SIM "tests/sim" /* from the source root; the build says where that is */
#endif

/* ---- Kernels --------------------------------------------------------------------------------- */

static void rig_copy64(const int32_t *in, int32_t *out)
{
    memcpy(out, in, 256);
}

static uint64_t rig_copy64_cycles(const int64_t *args)
{
    (void)args;
    return 100;
}

/* out[i] = in[i] + add, n values. */
static void rig_add(const int32_t *in, int32_t *out, int32_t n, int32_t add)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = (int32_t)((uint32_t)in[i] + (uint32_t)add);
}

static uint64_t rig_add_cycles(const int64_t *args)
{
    return (uint64_t)args[2];
}

/* out = a + b, 64 values each. */
static void rig_sum64(const int32_t *a, const int32_t *b, int32_t *out)
{
    for (int i = 0; i < 64; i++)
        out[i] = (int32_t)((uint32_t)a[i] + (uint32_t)b[i]);
}

/* acc += in, 64 values. */
static void rig_accumulate(const int32_t *in, int32_t *acc)
{
    for (int i = 0; i < 64; i++)
        acc[i] = (int32_t)((uint32_t)acc[i] + (uint32_t)in[i]);
}

static int32_t rig_first(const int32_t *in)
{
    return in[0];
}

/* Counts the calls of this core in the rounding mode, which belongs to the core. */
static void rig_modes(int32_t *out)
{
    struct npu_core_modes modes = npu_core_modes_get();
    out[0] = (int32_t)modes.rounding;
    modes.rounding++;
    npu_core_modes_set(modes);
}

static const uint32_t rig_bytes[] = {256, 256, 256};
static const uint32_t rig_bytes_small[] = {4, 4};
static const struct npu_core_kernel rig_kernels[] = {
    {"copy64", (void (*)(void))rig_copy64, "vpp", rig_bytes, rig_copy64_cycles, NULL},
    {"add", (void (*)(void))rig_add, "vppii", rig_bytes_small, rig_add_cycles, NULL},
    {"sum64", (void (*)(void))rig_sum64, "vppp", rig_bytes, NULL, NULL},
    {"accumulate", (void (*)(void))rig_accumulate, "vpp", rig_bytes, NULL, NULL},
    {"first", (void (*)(void))rig_first, "ip", rig_bytes_small, NULL, NULL},
    {"modes", (void (*)(void))rig_modes, "vp", rig_bytes_small, NULL, NULL},
};

static const struct npu_core_kernel *rig_find(void *user, const char *name)
{
    (void)user;
    for (size_t i = 0; i < sizeof(rig_kernels) / sizeof(rig_kernels[0]); i++)
        if (!strcmp(rig_kernels[i].name, name))
            return &rig_kernels[i];
    return NULL;
}

/* ---- The rig --------------------------------------------------------------------------------- */

struct rig {
    struct npu_design *design;
    struct npu_sim *sim;
    struct npu_sim_params params; /* what rig_open() used besides the design */
    struct npu_sim_result result;
    struct npu_error err;
    int code; /* of the last call */
};

/* The text of TESTS_SIM/run/`name` with edits: pairs of a text, which must occur, and its
 * replacement; NULL at the end. Returns NULL: no such file or text. */
static char *rig_read(const char *name, const char *const *edits)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/run/%s", TESTS_SIM, name);
    FILE *file = fopen(path, "r");
    if (!file)
        return NULL;
    char *text = calloc(1, 65536);
    if (text)
        text[fread(text, 1, 65535, file)] = '\0';
    fclose(file);
    for (; text && edits && edits[0]; edits += 2) {
        char *at = strstr(text, edits[0]);
        char *next = at ? calloc(1, 65536 + strlen(edits[1])) : NULL;
        if (next)
            sprintf(next, "%.*s%s%s", (int)(at - text), text, edits[1], at + strlen(edits[0]));
        free(text);
        text = next;
    }
    return text;
}

/* Parse and load. False: rig->code and rig->err say why; rig_close() in any case. */
__attribute__((unused)) static bool rig_open(struct rig *rig, const char *name,
                                             const char *const *edits)
{
    char *text = rig_read(name, edits);
    if (!text) {
        rig->code = -ENOENT;
        snprintf(rig->err.text, sizeof(rig->err.text), "%s: not there, or without the edited text",
                 name);
        return false;
    }
    rig->code = npu_design_parse(&rig->design, text, strlen(text), name, &rig->err);
    free(text);
    if (rig->code)
        return false;
    rig->params.design = rig->design;
    if (!rig->params.find)
        rig->params.find = rig_find;
    rig->code = npu_sim_open(&rig->sim, &rig->params, &rig->err);
    return rig->code == 0;
}
#define RIG_EDITS(...) ((const char *const[]){__VA_ARGS__, NULL})

__attribute__((unused)) static bool rig_launch(struct rig *rig, const struct npu_sim_launch *launch)
{
    rig->err.text[0] = '\0';
    rig->code = npu_sim_launch(rig->sim, launch, &rig->result, &rig->err);
    return rig->code == 0;
}

/* One launch with two buffers, as most designs here have them. */
__attribute__((unused)) static bool rig_run(struct rig *rig, void *a, size_t a_bytes, void *b,
                                            size_t b_bytes)
{
    struct npu_sim_buffer buffer[2] = {{a, a_bytes}, {b, b_bytes}};
    return rig_launch(rig, &(struct npu_sim_launch){.buffers = buffer, .n_buffers = b ? 2 : 1});
}

__attribute__((unused)) static void rig_close(struct rig *rig)
{
    npu_sim_close(&rig->sim);
    npu_design_close(&rig->design);
}

/* Values that differ and wrap nowhere. */
__attribute__((unused)) static void rig_fill(int32_t *to, size_t n, uint32_t seed)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (int32_t)((uint32_t)(i * 2654435761u + seed * 40503u) >> 3);
}

#endif /* TESTS_SIM_RIG_H */
