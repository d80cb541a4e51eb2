/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Windows in, features out, in order. On a device whose windows do not overlap, who collects a
 * window computes it. On the others each is a launch of a host function, which runs the backend's
 * program, through a pipeline. Lock order: `stats_lock` is a leaf. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "npu/backend.h"
#include "npu/clock.h"
#include "npu/direct.h"
#include "npu/launch/pipeline.h"
#include "npu/log.h"

#define MAX_DEPTH     NPU_PIPELINE_DEPTH
#define DEFAULT_DEPTH 2

struct npu_encoder {
    struct npu_program program;
    struct npu_loaded *loaded;
    uint64_t load_ns;
    enum npu_profile profile;
    unsigned depth, positions;
    struct npu_direct *direct; /* or */
    struct npu_context *context;
    struct npu_pipeline *pipeline;

    pthread_mutex_t stats_lock;
    struct npu_stats stats; /* stats_lock */
};

static void count_window(struct npu_stats *stats, const struct npu_run *run, uint64_t ns)
{
    stats->windows++;
    stats->total_ns += ns;
    stats->last_ns = ns;
    if (stats->min_ns == 0 || ns < stats->min_ns)
        stats->min_ns = ns;
    if (ns > stats->max_ns)
        stats->max_ns = ns;
    for (unsigned op = 0; op < NPU_OP_COUNT; op++) {
        stats->stage[op].total_ns += run->op_ns[op];
        stats->stage[op].modelled_ns += run->op_modelled_ns[op];
        stats->modelled_ns += run->op_modelled_ns[op];
    }
}

static void add_gmac(struct npu_encoder *e, unsigned positions)
{
    for (unsigned i = 0; i < e->program.n_stages; i++)
        e->stats.stage[e->program.stage[i].op].gmac +=
            npu_stage_gmac(&e->program.stage[i], positions);
}

static size_t row_bytes(const struct npu_encoder *e)
{
    return e->program.d_model * sizeof(float);
}

/* One window, counted. Threads: the collector's, or the context's. */
static int run_window(struct npu_encoder *e, struct npu_run *run)
{
    uint64_t start = npu_now_ns();
    int ret = e->loaded->backend->run(e->loaded, run);
    uint64_t ns = npu_now_ns() - start;

    if (ret == 0 && atomic_load(run->cancel))
        ret = -ECANCELED; /* too late for anybody */
    pthread_mutex_lock(&e->stats_lock);
    if (ret == -ECANCELED) {
        e->stats.cancelled++;
    } else if (ret == 0) {
        count_window(&e->stats, run, ns);
        add_gmac(e, run->positions);
    }
    pthread_mutex_unlock(&e->stats_lock);
    return ret;
}

static int compute_window(void *user, const struct npu_direct_window *window, float *features,
                          const atomic_bool *cancel, struct npu_error *err)
{
    struct npu_run run = {.positions = window->positions,
                          .mel = window->mel,
                          .features = features,
                          .cancel = cancel,
                          .err = err};
    return run_window(user, &run);
}

/* The host function of a launch. */
static int launch_window(void *user, struct npu_call *call)
{
    struct npu_encoder *e = user;
    struct npu_run run = {.positions = (unsigned)(call->span[1].bytes / row_bytes(e)),
                          .mel = call->span[0].data,
                          .features = call->span[1].data,
                          .cancel = call->cancel,
                          .err = call->err};
    int ret = run_window(e, &run);

    for (unsigned op = 0; op < NPU_OP_COUNT; op++)
        call->modelled_ns += run.op_modelled_ns[op];
    return ret;
}

static int open_pipeline(struct npu_encoder *e, struct npu_device *device, struct npu_error *err)
{
    const struct npu_program *p = &e->program;
    const struct npu_code code = {
        .kind = NPU_CODE_HOST, .name = "encoder", .call = launch_window, .user = e};

    int ret = npu_context_open(&e->context, device, &code, err);
    if (ret)
        return ret;
    const struct npu_pipeline_params params = {
        .device = device,
        .context = e->context,
        .strategy = NPU_PIPELINED,
        .depth = e->depth,
        .in_bytes = {2 * e->positions * p->n_mels * sizeof(float)},
        .n_in = 1,
        .out_bytes = e->positions * row_bytes(e),
        .deadline_ns = NPU_TIMEOUT_NONE,
    };
    return npu_pipeline_open(&e->pipeline, &params, err);
}

static int open_windows(struct npu_encoder *e, struct npu_device *device, struct npu_error *err)
{
    if (device->backend->overlaps)
        return open_pipeline(e, device, err);
    int ret = npu_direct_open(&e->direct, e->depth, compute_window, e);
    return ret ? npu_fail(err, ret, "out of memory") : 0;
}

static const char *const profile_names[NPU_PROFILE_COUNT] = {
    [NPU_PROFILE_F32] = "f32",
    [NPU_PROFILE_INT8] = "int8",
    [NPU_PROFILE_NPU] = "npu",
};

static int check_params(struct npu_encoder *e, const struct npu_device *device,
                        const struct npu_encoder_params *params, struct npu_error *err)
{
    const char *name = params->profile && params->profile[0] ? params->profile : "auto";
    unsigned profile = 0;

    if (params->depth > MAX_DEPTH)
        return npu_fail(err, -EINVAL, "depth is %u, expected 1 to %d", params->depth, MAX_DEPTH);
    e->positions = params->positions;
    e->depth = params->depth ? params->depth : DEFAULT_DEPTH;
    while (profile < NPU_PROFILE_COUNT && strcmp(name, profile_names[profile]) != 0)
        profile++;
    if (!strcmp(name, "auto"))
        profile = device->backend->best_profile;
    if (profile == NPU_PROFILE_COUNT)
        return npu_fail(err, -ENOTSUP, "unknown profile \"%s\", expected auto, int8, f32 or npu",
                        name);
    e->profile = (enum npu_profile)profile;
    return 0;
}

static int start(struct npu_encoder *e, const struct npu_model *model, struct npu_device *device,
                 struct npu_error *err)
{
    struct npu_model_info info;
    uint64_t begin = npu_now_ns();

    npu_model_get_info(model, &info);
    int ret = npu_program_build(&e->program, &info);
    if (ret)
        return npu_fail(err, ret, "%s: %u layers, expected at most %d", info.path, info.n_layers,
                        NPU_MAX_LAYERS);
    if (e->positions > info.n_ctx)
        return npu_fail(err, -EINVAL, "windows of %u positions, expected 1 to %u", e->positions,
                        info.n_ctx);
    if (e->positions == 0)
        e->positions = info.n_ctx;
    ret = device->backend->load(&e->loaded, device, &e->program, e->profile, e->positions, model,
                                err);
    if (ret)
        return ret;
    ret = open_windows(e, device, err);
    if (ret)
        return ret;
    e->load_ns = npu_now_ns() - begin;
    return 0;
}

int npu_encoder_open(struct npu_encoder **out, const struct npu_model *model,
                     struct npu_device *device, const struct npu_encoder_params *params,
                     struct npu_error *err)
{
    struct npu_encoder *e = calloc(1, sizeof(*e));
    if (!e)
        return npu_fail(err, -ENOMEM, "out of memory");
    int ret = check_params(e, device, params, err);
    if (ret) {
        free(e);
        return ret;
    }
    pthread_mutex_init(&e->stats_lock, NULL);
    npu_encoder_reset_stats(e);
    ret = start(e, model, device, err);
    if (ret) {
        npu_encoder_close(&e);
        return ret;
    }
    *out = e;
    return 0;
}

void npu_encoder_get_info(const struct npu_encoder *e, struct npu_encoder_info *info)
{
    *info = (struct npu_encoder_info){
        .profile = profile_names[e->profile],
        .overlap = e->pipeline ? e->depth : 1,
        .positions = e->positions,
        .d_model = e->program.d_model,
        .load_ns = e->load_ns,
        .weight_bytes = e->loaded->weight_bytes,
        .scratch_bytes = e->loaded->scratch_bytes,
    };
    if (e->pipeline)
        info->scratch_bytes += e->depth * npu_pipeline_slot_bytes(e->pipeline);
}

void npu_encoder_close(struct npu_encoder **encoder)
{
    struct npu_encoder *e = *encoder;
    *encoder = NULL;
    if (!e)
        return;
    if (e->pipeline)
        npu_encoder_cancel(e);
    npu_direct_close(&e->direct);
    npu_pipeline_close(&e->pipeline);
    npu_context_close(&e->context, NPU_TIMEOUT_NONE);
    if (e->loaded)
        e->loaded->backend->unload(e->loaded);
    pthread_mutex_destroy(&e->stats_lock);
    free(e);
}

int npu_encoder_submit_mel(struct npu_encoder *e, const float *mel, unsigned positions,
                           uint64_t tag, uint64_t timeout_ns)
{
    if (positions < 1 || positions > e->positions)
        return -EINVAL;
    if (e->direct) {
        const struct npu_direct_window window = {mel, positions, tag};
        return npu_direct_submit(e->direct, &window, timeout_ns);
    }
    const struct npu_pipeline_tile tile = {
        .in = {mel},
        .in_bytes = {2 * (size_t)positions * e->program.n_mels * sizeof(float)},
        .out_bytes = positions * row_bytes(e),
        .tag = tag,
    };
    return npu_pipeline_submit_tile(e->pipeline, &tile, timeout_ns);
}

int npu_encoder_collect(struct npu_encoder *e, float *features, uint64_t *tag, uint64_t timeout_ns)
{
    return e->direct ? npu_direct_collect(e->direct, features, tag)
                     : npu_pipeline_collect(e->pipeline, features, tag, timeout_ns);
}

void npu_encoder_get_error(struct npu_encoder *e, struct npu_error *err)
{
    if (e->direct)
        npu_direct_get_error(e->direct, err);
    else
        npu_pipeline_get_error(e->pipeline, err);
}

void npu_encoder_cancel(struct npu_encoder *e)
{
    if (e->direct)
        npu_direct_cancel(e->direct);
    else
        npu_pipeline_cancel(e->pipeline);
    if (e->loaded->backend->wake)
        e->loaded->backend->wake(e->loaded);
}

void npu_encoder_resume(struct npu_encoder *e)
{
    if (!e->direct) {
        npu_pipeline_resume(e->pipeline);
        return;
    }
    unsigned n_dropped = npu_direct_resume(e->direct);
    pthread_mutex_lock(&e->stats_lock);
    e->stats.cancelled += n_dropped;
    pthread_mutex_unlock(&e->stats_lock);
}

void npu_encoder_get_stats(struct npu_encoder *e, struct npu_stats *stats)
{
    pthread_mutex_lock(&e->stats_lock);
    *stats = e->stats;
    pthread_mutex_unlock(&e->stats_lock);
}

void npu_encoder_reset_stats(struct npu_encoder *e)
{
    pthread_mutex_lock(&e->stats_lock);
    memset(&e->stats, 0, sizeof(e->stats));
    e->stats.n_stages = NPU_OP_COUNT;
    for (unsigned op = 0; op < NPU_OP_COUNT; op++)
        e->stats.stage[op].name = npu_op_name(op);
    pthread_mutex_unlock(&e->stats_lock);
}
