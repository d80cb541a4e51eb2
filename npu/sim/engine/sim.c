/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npu/sim/engine/sim.h"

#include "npu/sim/engine/array.h"
#include "npu/sim/engine/trace.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_STEPS 10000000000ULL
/* What a stream may hold at its two ends on the hardware (measured on a Phoenix by xdna-emu: 16
 * words in, 12 out). Nothing may rely on it, so it is tried only to explain a deadlock. */
#define SLACK_BYTES ((16 + 12) * 4)

/* ---- Running --------------------------------------------------------------------------------- */

/* Turns for cores and streams until nothing moves. */
static int settle(struct npu_sim *sim)
{
    for (bool moved = true; moved;) {
        moved = false;
        for (uint32_t i = 0; i < sim->array->n_cores; i++) {
            int code = npu_sim_core_turn(sim, &sim->core[i]);
            if (code < 0)
                return code;
            moved |= code > 0;
        }
        for (uint32_t i = 0; i < sim->n_streams; i++) {
            int code = npu_sim_stream_turn(sim, &sim->stream[i]);
            if (code < 0)
                return code;
            moved |= code > 0;
        }
    }
    return 0;
}

/* One step of the sequence. 1: something happened, 0: it waits or has ended, < 0: error. */
static int host_turn(struct npu_sim *sim)
{
    if (!sim->host.running)
        return 0;
    return sim->host.sequence ? npu_sim_sequence_turn(sim) : npu_sim_words_turn(sim);
}

/* Until the sequence has ended and the array rests; -EDEADLK with nothing reported yet. */
static int run(struct npu_sim *sim)
{
    for (;;) {
        int code = settle(sim);
        if (code || !sim->host.running)
            return code;
        code = host_turn(sim);
        if (code == 0)
            return -EDEADLK;
        if (code < 0)
            return code;
    }
}

/* Nothing moves: tell it, and whether words held by the streams would have helped. */
static int explain_deadlock(struct npu_sim *sim)
{
    struct npu_error *err = sim->err;
    int code = npu_sim_report_deadlock(sim);
    sim->err = NULL;
    bool room = true;
    for (uint32_t s = 0; s < sim->n_streams && room; s++)
        for (uint32_t i = 0; i < sim->stream[s].n_sinks && room; i++) {
            sim->stream[s].residue[i].data = malloc(SLACK_BYTES);
            room = sim->stream[s].residue[i].data != NULL;
        }
    if (room) {
        sim->slack_bytes = SLACK_BYTES;
        sim->trace = NULL;
        if (run(sim) == 0 && sim->report) {
            static const char more[] = "With 28 words held in each stream the sequence would end. "
                                       "Hardware may hold as many; "
                                       "a design must not need it.\n";
            char *longer = realloc(sim->report, strlen(sim->report) + sizeof(more));
            if (longer) {
                strcat(longer, more);
                sim->report = longer;
            }
        }
    }
    sim->err = err;
    return code;
}

/* ---- Opening --------------------------------------------------------------------------------- */

/* Of the constant at that place in struct npu_sim_timing, a double. */
static struct npu_sim_time milli(const struct npu_sim *sim, size_t offset)
{
    struct npu_sim_time time;
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++) {
        double cycles;
        memcpy(&cycles, (const char *)&sim->timing[p] + offset, sizeof(cycles));
        time.of[p] = (uint64_t)llround(cycles * NPU_SIM_MC);
    }
    return time;
}

static void set_costs(struct npu_sim *sim)
{
#define COST(field) .field = milli(sim, offsetof(struct npu_sim_timing, field))
    sim->cost = (struct npu_sim_cost){
        COST(shim_read_word),   COST(shim_write_word),     COST(stream_word),
        COST(route_base),       COST(route_hop),           COST(bd_start),
        COST(bd_chain),         COST(channel_start),       COST(lock),
        COST(task_read),        COST(task_write),          COST(task_first_read),
        COST(task_first_write), COST(task_decay_read),     COST(dispatch_idle),
        COST(dispatch_busy),    COST(sequence_blockwrite), COST(sequence_patch),
        COST(sequence_push),    COST(sequence_mask),       COST(sequence_write),
        COST(sequence_wait),    COST(core_acquire),        COST(core_release),
        COST(core_operation),   COST(kernel_unknown),      COST(kernel_scale),
    };
#undef COST
}

static const struct npu_core_kernel *find_linked(void *user, const char *name)
{
    (void)user;
    return npu_core_kernel_find(name);
}

static int load(struct npu_sim *sim)
{
    if (sim->design->n_arrays != 1)
        return npu_sim_fail(sim, -EINVAL, NULL, "%u devices in the module: expected one",
                            sim->design->n_arrays);
    struct npu_error inner = {""};
    int code = npu_map_open(&sim->map, sim->array, &inner);
    if (code)
        return npu_sim_fail(sim, code, NULL, "%.900s", inner.text);
    code = npu_sim_build(sim);
    if (!code)
        code = npu_sim_cores_open(sim);
    return code ? code : settle(sim);
}

int npu_sim_open(struct npu_sim **out, const struct npu_sim_params *params, struct npu_error *err)
{
    struct npu_sim *sim = calloc(1, sizeof(*sim));
    if (!sim) {
        if (err)
            snprintf(err->text, sizeof(err->text), "no memory for a simulator");
        return -ENOMEM;
    }
    sim->design = params->design;
    sim->array = &params->design->array[0];
    sim->find = params->find ? params->find : find_linked;
    sim->find_user = params->find_user;
    sim->trace = params->trace;
    sim->progress = params->progress;
    sim->progress_user = params->progress_user;
    sim->most_steps = params->most_steps ? params->most_steps : MOST_STEPS;
    npu_sim_timing_init(sim->timing);
    if (params->timing)
        memcpy(sim->timing, params->timing, sizeof(sim->timing));
    set_costs(sim);
    sim->err = err;
    int code = load(sim);
    sim->err = NULL;
    if (code) {
        npu_sim_close(&sim);
        return code;
    }
    *out = sim;
    return 0;
}

void npu_sim_close(struct npu_sim **sim)
{
    if (!*sim)
        return;
    npu_sim_cores_close(*sim);
    npu_sim_unbuild(*sim);
    npu_sim_program_close(&(*sim)->host.program);
    npu_map_close(&(*sim)->map);
    free((*sim)->report);
    free(*sim);
    *sim = NULL;
}

const char *npu_sim_report(const struct npu_sim *sim)
{
    return sim->report ? sim->report : "";
}

/* ---- Launching ------------------------------------------------------------------------------- */

static int choose_sequence(struct npu_sim *sim, const char *name, const struct npu_sequence **out)
{
    const struct npu_ir_array *array = sim->array;
    const struct npu_sequence *found = npu_ir_find_sequence(array, name);
    if (found) {
        *out = found;
        return 0;
    }
    if (array->n_sequences == 0)
        return npu_sim_fail(sim, -EINVAL, NULL, "the design has no runtime sequence");
    if (!name)
        return npu_sim_fail(sim, -EINVAL, NULL,
                            "the design has %u runtime sequences: expected a name",
                            array->n_sequences);
    return npu_sim_fail(sim, -EINVAL, NULL, "no runtime sequence @%.100s, the first is @%s", name,
                        array->sequence[0].name);
}

static int set_arguments(struct npu_sim *sim, const struct npu_sim_launch *launch)
{
    const struct npu_sequence *sequence = sim->host.sequence;
    uint32_t n_buffers = 0, n_scalars = 0;
    for (uint32_t i = 0; i < sequence->n_arguments; i++) {
        const struct npu_ir_type *type = &sequence->body.slot_type[i];
        struct npu_sim_value *value = &sim->host.program.value[i];
        if (type->kind != NPU_IR_MEMREF) {
            if (n_scalars == launch->n_scalars)
                return npu_sim_fail(sim, -EINVAL, &sequence->pos,
                                    "a value for the argument %%%s is missing",
                                    sequence->argument_name[i]);
            value->i = launch->scalars[n_scalars++];
            continue;
        }
        uint64_t need = npu_ir_type_bytes(type);
        if (n_buffers == launch->n_buffers)
            return npu_sim_fail(sim, -EINVAL, &sequence->pos,
                                "host buffer %u is missing: %%%s, %llu bytes", n_buffers,
                                sequence->argument_name[i], (unsigned long long)need);
        const struct npu_sim_buffer *buffer = &launch->buffers[n_buffers++];
        if (buffer->bytes != need)
            return npu_sim_fail(
                sim, -EINVAL, &sequence->pos, "host buffer %u has %zu bytes, %%%s is %llu",
                n_buffers - 1, buffer->bytes, sequence->argument_name[i], (unsigned long long)need);
        npu_sim_memref_init(&value->m, type, buffer->data, buffer->bytes);
    }
    if (n_buffers != launch->n_buffers || n_scalars != launch->n_scalars)
        return npu_sim_fail(sim, -EINVAL, &sequence->pos,
                            "%u host buffers and %u numbers given: expected %u and %u",
                            launch->n_buffers, launch->n_scalars, n_buffers, n_scalars);
    return 0;
}

static int prepare(struct npu_sim *sim, const struct npu_sim_launch *launch,
                   struct npu_txn_step **steps)
{
    struct npu_sim_host *host = &sim->host;
    npu_sim_program_close(&host->program);
    host->sequence = NULL;
    host->buffer = launch->buffers;
    host->n_buffers = launch->n_buffers;
    host->waits = NULL;
    if (launch->words) {
        struct npu_txn_device device;
        host->at_step = 0;
        int code = npu_txn_decode_steps(steps, &host->n_steps, &device, launch->words,
                                        launch->n_words, sim->err);
        host->step = *steps;
        return code;
    }
    int code = choose_sequence(sim, launch->sequence, &host->sequence);
    if (!code)
        code = npu_sim_lower(sim, &host->program, &host->sequence->body, NULL, NULL);
    return code ? code : set_arguments(sim, launch);
}

static void reset_counters(struct npu_sim *sim)
{
    static const struct npu_sim_time zero;
    for (uint32_t i = 0; i < sim->array->n_cores; i++) {
        sim->core[i].busy = zero;
        sim->core[i].n_calls = 0;
    }
    for (uint32_t i = 0; i < sim->n_channels; i++) {
        sim->channel[i].busy = zero;
        sim->channel[i].bytes = 0;
        sim->channel[i].n_this_launch = 0;
    }
    sim->ddr_read = sim->ddr_written = sim->n_steps = 0;
}

static void fill_tiles(const struct npu_sim *sim, struct npu_sim_result *result)
{
    for (uint32_t t = 0; t < sim->array->n_tiles && t < NPU_SIM_MAX_TILES; t++) {
        struct npu_sim_tile_result *tile = &result->tile[result->n_tiles++];
        *tile = (struct npu_sim_tile_result){.column = sim->array->tile[t].column,
                                             .row = sim->array->tile[t].row};
        for (uint32_t i = 0; i < sim->array->n_cores; i++)
            if (sim->core[i].ir->tile == t) {
                for (unsigned p = 0; p < NPU_SIM_PRESETS; p++)
                    tile->core_cycles[p] = sim->core[i].busy.of[p] / NPU_SIM_MC;
                tile->n_calls = sim->core[i].n_calls;
                result->n_calls += tile->n_calls;
            }
        for (uint32_t i = 0; i < sim->n_channels; i++) {
            const struct npu_sim_channel *channel = &sim->channel[i];
            if (channel->tile != t)
                continue;
            tile->dma_bytes += channel->bytes;
            for (unsigned p = 0; p < NPU_SIM_PRESETS; p++)
                if (channel->busy.of[p] / NPU_SIM_MC > tile->dma_cycles[p])
                    tile->dma_cycles[p] = channel->busy.of[p] / NPU_SIM_MC;
        }
    }
}

/* array: milli-cycles. */
static void fill_time(const struct npu_sim *sim, const struct npu_sim_timing *t, uint64_t array,
                      unsigned n_shims, struct npu_sim_modelled *time)
{
    double memory = t->ddr_gb_per_s * 1e3 / t->clock_mhz; /* bytes per cycle */
    double shims = t->shim_bytes_per_cycle * (n_shims ? n_shims : 1);
    double all = (double)(sim->ddr_read + sim->ddr_written) / memory;
    double more = (double)(sim->ddr_read > sim->ddr_written ? sim->ddr_read : sim->ddr_written);
    time->ddr_cycles = (uint64_t)ceil(fmax(all, more / shims));
    time->array_cycles = (array + NPU_SIM_MC - 1) / NPU_SIM_MC;
    time->cycles = time->array_cycles > time->ddr_cycles ? time->array_cycles : time->ddr_cycles;
    time->launch_us = t->launch_host_us + t->launch_firmware / t->clock_mhz;
    time->total_us = time->launch_us + (double)time->cycles / t->clock_mhz;
}

static void fill_result(const struct npu_sim *sim, const struct npu_sim_time *begin,
                        struct npu_sim_result *result)
{
    memset(result, 0, sizeof(*result));
    fill_tiles(sim, result);
    result->ddr_read = sim->ddr_read;
    result->ddr_written = sim->ddr_written;
    unsigned n_shims = 0;
    for (uint32_t i = 0; i < result->n_tiles; i++)
        n_shims += result->tile[i].row == 0;
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++)
        fill_time(sim, &sim->timing[p], sim->host.clock.time.of[p] - begin->of[p], n_shims,
                  &result->time[p]);
}

/* The run itself, everything prepared. */
static int work(struct npu_sim *sim, const struct npu_sim_launch *launch,
                struct npu_sim_result *result)
{
    const struct npu_sim_time begin = sim->host.clock.time;
    reset_counters(sim);
    sim->host.dispatch = begin;
    npu_sim_state_note(sim);
    sim->host.running = true;
    int code = run(sim);
    if (code == -EDEADLK)
        code = explain_deadlock(sim);
    sim->host.running = false;
    if (code) {
        sim->lost = true;
        return code;
    }
    if (result)
        fill_result(sim, &begin, result);
    code = npu_sim_state_check(sim);
    return code == -EUCLEAN && launch->keep_leftovers ? 0 : code;
}

int npu_sim_launch(struct npu_sim *sim, const struct npu_sim_launch *launch,
                   struct npu_sim_result *result, struct npu_error *err)
{
    struct npu_txn_step *steps = NULL;
    sim->err = err;
    if (sim->report)
        sim->report[0] = '\0';
    int code = sim->lost ? npu_sim_fail(sim, -EIO, NULL,
                                        "an earlier launch failed, the array's "
                                        "state is lost: load the design again")
                         : prepare(sim, launch, &steps);
    if (!code)
        code = work(sim, launch, result);
    sim->host.step = NULL;
    sim->host.n_steps = 0;
    sim->host.buffer = NULL;
    free(steps);
    sim->err = NULL;
    return code;
}
