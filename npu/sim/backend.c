/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npu/sim/backend.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "npu/backend.h"
#include "npu/log.h"
#include "npu/sim/check.h"
#include "npu/sim/sim.h"

#define MAX_CONTEXTS 6 /* of the driver, for all processes; here of this one */
#define CODE_HEAP    (UINT64_C(64) << 20)

static atomic_uint n_contexts;
static atomic_ullong code_bytes;

/* ---- Buffers --------------------------------------------------------------------------------- */

static int sim_memory_open(struct npu_memory *memory)
{
    size_t bytes = (memory->bytes + 63) / 64 * 64;

    memory->host = aligned_alloc(64, bytes);
    memory->remote = aligned_alloc(64, bytes);
    if (!memory->host || !memory->remote) {
        free(memory->host);
        free(memory->remote);
        return -ENOMEM;
    }
    memset(memory->host, 0, bytes);
    memset(memory->remote, 0, bytes);
    return 0;
}

static void sim_memory_close(struct npu_memory *memory)
{
    free(memory->host);
    free(memory->remote);
}

static int64_t sim_memory_sync(struct npu_memory *memory, enum npu_direction direction,
                               size_t offset, size_t bytes)
{
    char *host = (char *)memory->host + offset, *remote = (char *)memory->remote + offset;

    if (direction == NPU_TO_DEVICE)
        memcpy(remote, host, bytes);
    else
        memcpy(host, remote, bytes);
    return (int64_t)bytes;
}

/* ---- Contexts -------------------------------------------------------------------------------- */

struct sim_context {
    struct npu_design *design;
    struct npu_sim *sim;       /* NULL: lost by a failure, to be loaded again */
    char *sequence;            /* NULL: the only one */
    const atomic_bool *cancel; /* of the call that runs */
};

static void sim_context_close(void *state)
{
    struct sim_context *c = state;

    npu_sim_close(&c->sim);
    npu_design_close(&c->design);
    free(c->sequence);
    free(c);
}

static bool go_on(void *user, uint64_t cycles, uint64_t calls)
{
    const struct sim_context *c = user;

    (void)cycles, (void)calls;
    return !c->cancel || !atomic_load(c->cancel);
}

static int load(struct sim_context *c, struct npu_error *err)
{
    const struct npu_sim_params params = {
        .design = c->design, .progress = go_on, .progress_user = c};
    return npu_sim_open(&c->sim, &params, err);
}

/* The first error that the checker finds. */
static void keep_finding(void *user, const struct npu_finding *finding)
{
    struct npu_error *err = user;

    if (finding->severity == NPU_SEVERITY_ERROR && !err->text[0])
        snprintf(err->text, sizeof(err->text), "%u:%u: %s [%s]", finding->pos.line,
                 finding->pos.column, finding->text, finding->rule);
}

static int check(const struct npu_design *design, struct npu_error *err)
{
    const struct npu_check_options options = {.kernel = npu_check_core_kernel};
    struct npu_check_result result;
    struct npu_error first = {""};

    int ret = npu_design_check(design, &options, keep_finding, &first, &result, err);
    if (ret == 0 && result.n_errors)
        ret = npu_fail(err, -EBADMSG, "%s:%.900s", design->file_name, first.text);
    return ret;
}

static int sim_context_open(void **state, struct npu_device *device, const struct npu_code *code,
                            struct npu_error *err)
{
    (void)device;
    if (code->kind != NPU_CODE_DESIGN)
        return npu_fail(err, -ENOTSUP, "device sim runs array designs only");
    struct sim_context *c = calloc(1, sizeof(*c));
    if (!c)
        return npu_fail(err, -ENOMEM, "out of memory");
    int ret = 0;
    if (code->sequence) {
        c->sequence = strdup(code->sequence);
        ret = c->sequence ? 0 : npu_fail(err, -ENOMEM, "out of memory");
    }
    if (ret == 0)
        ret = npu_design_parse(&c->design, code->text, strlen(code->text),
                               code->name ? code->name : "design", err);
    if (ret == 0)
        ret = check(c->design, err);
    if (ret == 0)
        ret = load(c, err);
    if (ret) {
        sim_context_close(c);
        return ret;
    }
    *state = c;
    return 0;
}

static int sim_run(void *state, struct npu_call *call, struct npu_error *err)
{
    struct sim_context *c = state;
    struct npu_sim_buffer buffers[NPU_MAX_SPANS];
    struct npu_sim_result result = {0};
    int ret = 0;

    for (unsigned i = 0; i < call->n_spans; i++)
        buffers[i] = (struct npu_sim_buffer){call->span[i].data, call->span[i].bytes};
    const struct npu_sim_launch launch = {
        .sequence = c->sequence, .buffers = buffers, .n_buffers = call->n_spans};
    c->cancel = call->cancel;
    if (atomic_load(call->cancel))
        ret = npu_fail(err, -ECANCELED, "cancelled before its start");
    else if (!c->sim)
        ret = load(c, err);
    if (ret == 0)
        ret = npu_sim_launch(c->sim, &launch, &result, err);
    c->cancel = NULL;
    if (ret == 0)
        call->modelled_ns = (uint64_t)(result.total_us * 1e3 + 0.5);
    else
        npu_sim_close(&c->sim); /* the array may be lost; a driver resets it, too */
    return ret;
}

static const struct npu_launch_ops ops = {
    .max_contexts = MAX_CONTEXTS,
    .n_contexts = &n_contexts,
    .code_heap = CODE_HEAP,
    .code_bytes = &code_bytes,
    .memory_open = sim_memory_open,
    .memory_close = sim_memory_close,
    .memory_sync = sim_memory_sync,
    .context_open = sim_context_open,
    .context_close = sim_context_close,
    .run = sim_run,
};

/* ---- The device ------------------------------------------------------------------------------ */

static int sim_open(struct npu_device **out, const struct npu_device_params *params,
                    struct npu_error *err);

static void sim_get_info(const struct npu_device *device, struct npu_device_info *info)
{
    (void)device;
    *info = (struct npu_device_info){
        .name = "sim",
        .isa = "aie2",
        .note = "A simulated NPU: its times are modelled, not measured.",
        .threads = 1,
    };
}

static void sim_close(struct npu_device *device)
{
    free(device);
}

static int sim_load(struct npu_loaded **out, struct npu_device *device,
                    const struct npu_program *program, enum npu_profile profile,
                    unsigned positions, const struct npu_model *model, struct npu_error *err)
{
    (void)out, (void)device, (void)program, (void)profile, (void)positions, (void)model;
    return npu_fail(err, -ENOTSUP,
                    "device \"sim\" runs single array designs, not the whole encoder; use \"cpu\"");
}

static const struct npu_backend backend = {
    .name = "sim",
    .best_profile = NPU_PROFILE_NPU,
    .open = sim_open,
    .get_info = sim_get_info,
    .close = sim_close,
    .load = sim_load,
    .launch = &ops,
};

static int sim_open(struct npu_device **out, const struct npu_device_params *params,
                    struct npu_error *err)
{
    struct npu_device *device = calloc(1, sizeof(*device));

    (void)params;
    if (!device)
        return npu_fail(err, -ENOMEM, "out of memory");
    device->backend = &backend;
    *out = device;
    return 0;
}

int npu_sim_backend_register(void)
{
    return npu_backend_register(&backend);
}
