/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npu/sim/backend.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "npu/array/array.h"
#include "npu/backend.h"
#include "npu/block.h"
#include "npu/log.h"
#include "npu/sim/resident.h"

#define CODE_HEAP (UINT64_C(64) << 20)

static atomic_ullong code_bytes;

/* ---- Buffers --------------------------------------------------------------------------------- */

static int sim_memory_open(struct npu_memory *memory)
{
    memory->host = npu_block_alloc_zeroed(memory->bytes);
    memory->remote = npu_block_alloc_zeroed(memory->bytes);
    if (!memory->host || !memory->remote) {
        free(memory->host);
        free(memory->remote);
        return -ENOMEM;
    }
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
    struct npu_sim_resident *resident; /* a design; or */
    void *host;                        /* a function of the host: npu_host_launch_ops' state */
    char *sequence;                    /* NULL: the only one, or launches bring words */
};

static void sim_context_close(void *state)
{
    struct sim_context *c = state;

    if (c->host)
        npu_host_launch_ops.context_close(c->host);
    npu_sim_resident_close(&c->resident);
    free(c->sequence);
    free(c);
}

static int open_design(struct sim_context *c, const struct npu_code *code, struct npu_error *err)
{
    struct npu_design *design = NULL;

    if (code->sequence) {
        c->sequence = strdup(code->sequence);
        if (!c->sequence)
            return npu_fail(err, -ENOMEM, "out of memory");
    }
    int ret = npu_design_parse(&design, code->text, strlen(code->text),
                               code->name ? code->name : "design", err);
    return ret ? ret : npu_sim_resident_open(&c->resident, design, err);
}

/* An array program is its design. */
static int open_program(struct sim_context *c, const struct npu_code *code, struct npu_error *err)
{
    const char *folder = getenv("WHISPERNPU_DESIGNS");
    struct npu_design *design = NULL;
    struct npu_error why = {""};
    char path[1024];

    if (!folder || !folder[0])
        folder = NPU_SIM_DESIGN_FOLDER;
    int n = snprintf(path, sizeof(path), "%s/%s.mlir", folder, code->program);
    if (n < 0 || (size_t)n >= sizeof(path))
        return npu_fail(err, -ENAMETOOLONG, "%s: the name is too long", folder);
    int ret = npu_design_open(&design, path, &why);
    if (ret == -EBADMSG || ret == -ENOMEM)
        return npu_fail(err, ret, "%s", why.text);
    if (ret)
        return npu_fail(err, ret, "%.900s; WHISPERNPU_DESIGNS names the folder of the designs",
                        why.text);
    return npu_sim_resident_open(&c->resident, design, err);
}

static int sim_context_open(void **state, struct npu_device *device, const struct npu_code *code,
                            struct npu_error *err)
{
    struct sim_context *c = calloc(1, sizeof(*c));
    if (!c)
        return npu_fail(err, -ENOMEM, "out of memory");
    int ret = code->kind == NPU_CODE_HOST
                  ? npu_host_launch_ops.context_open(&c->host, device, code, err)
              : code->kind == NPU_CODE_WORDS ? open_program(c, code, err)
                                             : open_design(c, code, err);
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

    if (c->host)
        return npu_host_launch_ops.run(c->host, call, err);
    for (unsigned i = 0; i < call->n_spans; i++)
        buffers[i] = (struct npu_sim_buffer){call->span[i].data, call->span[i].bytes};
    const struct npu_sim_launch launch = {.sequence = c->sequence,
                                          .words = call->words.data,
                                          .n_words = call->words.bytes / sizeof(uint32_t),
                                          .buffers = buffers,
                                          .n_buffers = call->n_spans};
    return npu_sim_resident_launch(c->resident, &launch, call->cancel, &call->modelled_ns, err);
}

static const struct npu_launch_ops ops = {
    .max_contexts = 0, /* resident.c counts; a function of the host takes none of the driver's */
    .code_heap = CODE_HEAP,
    .code_bytes = &code_bytes,
    .deadline_ns = NPU_TIMEOUT_NONE,
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

static const struct npu_backend backend = {
    .name = "sim",
    .best_profile = NPU_PROFILE_NPU,
    .open = sim_open,
    .get_info = sim_get_info,
    .close = sim_close,
    .load = npu_array_load,
    .unload = npu_array_unload,
    .overlaps = true,
    .run = npu_array_run,
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
