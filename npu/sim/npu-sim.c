/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* npu-sim: run an array design on a modelled NPU. The manual is README.md of this folder. */
#include "npu/clock.h"
#include "npu/sim/check/check.h"
#include "npu/sim/engine/sim.h"
#include "npu/sim/engine/trace.h"
#include "npu/sim/host_buffer.h"
#include "npu/sim/library.h"
#include "npu/sim/map/map.h"
#include "npu/sim/map/sequence_txn.h"
#include "npu/sim/options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Buffers and words ----------------------------------------------------------------------- */

#define MOST_BUFFERS 64

struct data {
    struct npu_sim_buffer buffer[MOST_BUFFERS];
    const struct npu_ir_type *type[MOST_BUFFERS]; /* NULL: the design does not say */
    uint32_t n;
    uint32_t *words;
    size_t n_words;
};

/* Prints which sequences there are; returns the exit code. */
static int no_sequence(const struct npu_design *design, const struct npu_sim_options *options)
{
    const struct npu_ir_array *array = &design->array[0];
    if (!array->n_sequences) {
        fprintf(stderr, "npu-sim: %s: the design has no runtime sequence\n", design->file_name);
        return 1;
    }
    fprintf(stderr, "npu-sim: %s: %s%s; the design has %u runtime sequences", design->file_name,
            options->sequence ? "no runtime sequence @" : "expected --sequence NAME",
            options->sequence ? options->sequence : "", array->n_sequences);
    for (uint32_t i = 0; i < array->n_sequences; i++)
        fprintf(stderr, "%s@%s", i ? ", " : ": ", array->sequence[i].name);
    fputc('\n', stderr);
    return 2;
}

static int make_buffers(struct data *data, const struct npu_design *design,
                        const struct npu_sim_options *options)
{
    const struct npu_sequence *sequence =
        npu_ir_find_sequence(&design->array[0], options->sequence);
    uint32_t n = 0;
    if (!sequence && !options->insts)
        return no_sequence(design, options);
    for (uint32_t i = 0; sequence && i < sequence->n_arguments && n < MOST_BUFFERS; i++)
        if (sequence->body.slot_type[i].kind == NPU_IR_MEMREF)
            data->type[n++] = &sequence->body.slot_type[i];
    if (options->n_buffers > MOST_BUFFERS || (sequence && options->n_buffers > n)) {
        fprintf(stderr, "npu-sim: %u buffers given, the sequence has %u\n", options->n_buffers, n);
        return 2;
    }
    if (!sequence)
        n = options->n_buffers;
    for (; data->n < n; data->n++) {
        struct npu_error err = {""};
        const char *spec = data->n < options->n_buffers ? options->buffer[data->n] : "zero";
        if (npu_sim_buffer_make(&data->buffer[data->n], data->type[data->n], spec, &err))
            return npu_sim_complain(&err);
    }
    for (uint32_t i = 0; i < options->n_outputs; i++)
        if (options->output[i].buffer >= n) {
            fprintf(stderr, "npu-sim: --out %u: there are %u host buffers\n",
                    options->output[i].buffer, n);
            return 2;
        }
    return 0;
}

static int read_words(struct data *data, const struct npu_sim_options *options)
{
    struct npu_sim_buffer file;
    struct npu_error err = {""};
    if (!options->insts)
        return 0;
    if (npu_sim_buffer_make(&file, NULL, options->insts, &err))
        return npu_sim_complain(&err);
    if (file.bytes % 4 != 0 || file.bytes == 0) {
        fprintf(stderr, "npu-sim: %s: %zu bytes, expected 32-bit words\n", options->insts,
                file.bytes);
        free(file.data);
        return 2;
    }
    data->n_words = file.bytes / 4;
    data->words = calloc(data->n_words, 4);
    for (size_t i = 0; data->words && i < data->n_words; i++) {
        const uint8_t *b = (const uint8_t *)file.data + i * 4;
        data->words[i] = b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    }
    free(file.data);
    return data->words ? 0 : 2;
}

static int write_outputs(const struct data *data, const struct npu_sim_options *options)
{
    for (uint32_t i = 0; i < options->n_outputs; i++) {
        struct npu_error err = {""};
        const struct npu_sim_output *output = &options->output[i];
        if (npu_sim_buffer_write(&data->buffer[output->buffer], data->type[output->buffer],
                                 output->path, &err))
            return npu_sim_complain(&err);
    }
    return 0;
}

/* ---- Checking, drawing, words ---------------------------------------------------------------- */

struct finding_user {
    const struct npu_design *design;
    bool notes;
};

static void print_finding(void *user, const struct npu_finding *finding)
{
    const struct finding_user *at = user;
    if (finding->severity == NPU_SEVERITY_NOTE && !at->notes)
        return;
    fprintf(stderr, "%s:%u:%u: %s: %s [%s]\n", at->design->file_name, finding->pos.line,
            finding->pos.column, npu_severity_name(finding->severity), finding->text,
            finding->rule);
}

static int check_design(const struct npu_sim_options *options, const struct npu_design *design,
                        struct npu_sim_kernels *kernels)
{
    struct npu_error err = {""};
    struct npu_check_result result;
    const struct npu_check_options check = {.kernel = npu_sim_kernels_signature,
                                            .user = kernels,
                                            .kernels_elsewhere = options->check_only};
    struct finding_user user = {design, options->check_only};
    if (npu_design_check(design, &check, print_finding, &user, &result, &err)) {
        npu_sim_complain(&err);
        return 2;
    }
    if (options->check_only && !options->quiet)
        printf("%s: %u errors, %u warnings, %u notes\n", design->file_name, result.n_errors,
               result.n_warnings, result.n_notes);
    return result.n_errors ? 1 : 0;
}

static int draw_map(const struct npu_design *design)
{
    struct npu_map *map = NULL;
    struct npu_error err = {""};
    if (npu_map_open(&map, &design->array[0], &err)) {
        npu_sim_complain(&err);
        return 1;
    }
    char *drawing = npu_map_draw(map);
    npu_map_close(&map);
    if (!drawing) {
        fputs("npu-sim: no memory for a drawing\n", stderr);
        return 2;
    }
    fputs(drawing, stdout);
    free(drawing);
    return 0;
}

static int write_words(const char *path, const uint32_t *words, size_t n)
{
    FILE *file = fopen(path, "wb");
    bool good = file != NULL;
    for (size_t i = 0; good && i < n; i++) {
        const uint8_t bytes[4] = {(uint8_t)words[i], (uint8_t)(words[i] >> 8),
                                  (uint8_t)(words[i] >> 16), (uint8_t)(words[i] >> 24)};
        good = fwrite(bytes, 1, 4, file) == 4;
    }
    if (file && fclose(file) != 0)
        good = false;
    if (!good)
        fprintf(stderr, "npu-sim: %s: %s\n", path, strerror(errno));
    return good ? 0 : 2;
}

static int write_sequence(const struct npu_sim_options *options, const struct npu_design *design)
{
    if (!options->write_insts)
        return 0;
    const struct npu_ir_array *array = &design->array[0];
    struct npu_map *map = NULL;
    struct npu_txn *txn = NULL;
    struct npu_error err = {""};
    int code = 0;
    if (npu_map_open(&map, array, &err)) {
        npu_sim_complain(&err);
        return 1;
    }
    const struct npu_sequence *sequence = npu_ir_find_sequence(array, options->sequence);
    if (!sequence) {
        code = no_sequence(design, options);
    } else if (npu_sequence_words(&txn, design, array, map, (uint32_t)(sequence - array->sequence),
                                  &err)) {
        npu_sim_complain(&err);
        code = 1;
    } else {
        size_t n;
        const uint32_t *words = npu_txn_words(txn, &n);
        code = write_words(options->write_insts, words, n);
    }
    npu_txn_close(&txn);
    npu_map_close(&map);
    return code;
}

/* ---- Running --------------------------------------------------------------------------------- */

static double seconds(void)
{
    return (double)npu_now_ns() * 1e-9;
}

/* On a terminal, once a second. */
static bool show_progress(void *user, uint64_t cycles, uint64_t calls)
{
    double *last = user, now = seconds();
    if (now - *last >= 1) {
        fprintf(stderr, "\r%" PRIu64 " modelled cycles, %" PRIu64 " kernel calls ", cycles, calls);
        *last = now;
    }
    return true;
}

static const char *tile_name(const struct npu_sim_tile_result *tile)
{
    return tile->row == 0 ? "shim" : tile->row == 1 ? "mem" : "core";
}

static double percent(uint64_t part, const struct npu_sim_modelled *of)
{
    return of->cycles ? 100 * (double)part / (double)of->cycles : 0;
}

static void print_tiles(const struct npu_sim_result *result)
{
    fputs("  tile      ", stdout);
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++)
        printf(" %16s", npu_sim_preset_name((enum npu_sim_preset)p));
    puts("  dma busy, the same      calls        dma bytes");
    for (uint32_t i = 0; i < result->n_tiles; i++) {
        const struct npu_sim_tile_result *tile = &result->tile[i];
        printf("  %-4s (%u,%u)", tile_name(tile), tile->column, tile->row);
        for (unsigned p = 0; p < NPU_SIM_PRESETS; p++)
            printf(" %10" PRIu64 " %3.0f %%", tile->core_cycles[p],
                   percent(tile->core_cycles[p], &result->time[p]));
        for (unsigned p = 0; p < NPU_SIM_PRESETS; p++)
            printf(" %3.0f %%", percent(tile->dma_cycles[p], &result->time[p]));
        printf("  %10" PRIu64 " %16" PRIu64 "\n", tile->n_calls, tile->dma_bytes);
    }
}

/* Published, and the bounds. */
static void print_cycles(const struct npu_sim_options *options, uint32_t launch,
                         const struct npu_sim_result *result, double took)
{
    const struct npu_sim_modelled *worst = &result->time[NPU_SIM_PESSIMISTIC];
    const struct npu_sim_modelled *time = &result->time[NPU_SIM_PUBLISHED];
    const struct npu_sim_modelled *best = &result->time[NPU_SIM_BEST];
    const double clock = options->timing[NPU_SIM_PUBLISHED].clock_mhz;
    printf("launch %u: %" PRIu64 " modelled cycles (pessimistic %" PRIu64 ", best %" PRIu64
           ") = %.2f us (%.2f, %.2f) at %g MHz, launch cost %.1f us (%.1f, %.1f) (modelled)\n",
           launch + 1, time->cycles, worst->cycles, best->cycles, (double)time->cycles / clock,
           (double)worst->cycles / clock, (double)best->cycles / clock, clock, time->launch_us,
           worst->launch_us, best->launch_us);
    if (clock != 1000)
        puts("  the clock is an assumption: 1 GHz alone was measured by others, within 3 %");
    printf("  host memory: %" PRIu64 " bytes read, %" PRIu64 " written; alone %" PRIu64 " (%" PRIu64
           ", %" PRIu64 ") of the cycles (modelled)\n",
           result->ddr_read, result->ddr_written, time->ddr_cycles, worst->ddr_cycles,
           best->ddr_cycles);
    puts("  core busy, modelled:");
    print_tiles(result);
    printf("  simulated in %.3f s (measured), %" PRIu64 " kernel calls\n", took, result->n_calls);
}

static void print_result(const struct npu_sim_options *options, uint32_t launch,
                         const struct npu_sim_result *result, double took)
{
    const struct npu_sim_modelled *time = &result->time[NPU_SIM_PUBLISHED];
    const double clock = options->timing[NPU_SIM_PUBLISHED].clock_mhz;
    if (options->cycles) {
        print_cycles(options, launch, result, took);
        return;
    }
    printf("launch %u: %" PRIu64
           " modelled cycles = %.2f us at %g MHz, launch cost %.1f us (modelled)\n",
           launch + 1, time->cycles, (double)time->cycles / clock, clock, time->launch_us);
}

/* Notes about what the last launch left in the array, without harm. */
static void print_left(const char *report)
{
    while (*report) {
        size_t n = strcspn(report, "\n");
        fprintf(stderr, "npu-sim: note: %.*s\n", (int)n, report);
        report += n + (report[n] != '\0');
    }
}

static int run_launches(struct npu_sim *sim, const struct npu_sim_options *options,
                        const struct data *data)
{
    for (uint32_t i = 0; i < options->n_launches; i++) {
        struct npu_error err = {""};
        struct npu_sim_result result;
        struct npu_sim_launch launch = {.sequence = options->sequence,
                                        .words = data->words,
                                        .n_words = data->n_words,
                                        .buffers = data->buffer,
                                        .n_buffers = data->n,
                                        .scalars = options->value,
                                        .n_scalars = options->n_values,
                                        .keep_leftovers = options->keep};
        double begin = seconds();
        int code = npu_sim_launch(sim, &launch, &result, &err);
        if (code) {
            if (code == -EBADMSG && options->insts)
                fprintf(stderr, "npu-sim: %s: %s\n", options->insts, err.text);
            else
                npu_sim_complain(&err);
            const char *report = npu_sim_report(sim);
            fputs(report, stderr);
            return 1;
        }
        if (!options->quiet)
            print_result(options, i, &result, seconds() - begin);
    }
    if (!options->quiet && !options->keep)
        print_left(npu_sim_report(sim));
    return 0;
}

static int write_trace(const struct npu_sim_trace *trace, const struct npu_design *design,
                       const struct npu_sim_options *options)
{
    struct npu_error err = {""};
    if (npu_sim_trace_write(trace, &design->array[0], options->trace,
                            options->timing[NPU_SIM_PUBLISHED].clock_mhz, &err))
        return npu_sim_complain(&err);
    uint64_t lost = npu_sim_trace_lost(trace);
    if (lost)
        fprintf(stderr, "npu-sim: %s: the last %" PRIu64 " events did not fit\n", options->trace,
                lost);
    return 0;
}

static int run(const struct npu_sim_options *options, const struct npu_design *design,
               struct npu_sim_kernels *kernels, struct data *data)
{
    struct npu_error err = {""};
    struct npu_sim_trace *trace = NULL;
    struct npu_sim *sim = NULL;
    double last = seconds();
    if (options->trace && npu_sim_trace_open(&trace, 0)) {
        fputs("npu-sim: no memory for a trace\n", stderr);
        return 2;
    }
    const struct npu_sim_params params = {.design = design,
                                          .find = npu_sim_kernels_find,
                                          .find_user = kernels,
                                          .timing = options->timing,
                                          .trace = trace,
                                          .most_steps = options->most_steps,
                                          .progress = isatty(2) ? show_progress : NULL,
                                          .progress_user = &last};
    int code = 1;
    if (npu_sim_open(&sim, &params, &err))
        npu_sim_complain(&err);
    else
        code = run_launches(sim, options, data);
    npu_sim_close(&sim);
    /* A failure writes the trace too: it shows what happened before. */
    if (trace && write_trace(trace, design, options))
        code = 2;
    npu_sim_trace_close(&trace);
    return code ? code : write_outputs(data, options);
}

static int work(const struct npu_sim_options *options, struct npu_design *design,
                struct npu_sim_kernels *kernels, struct data *data)
{
    if (options->map) /* a wrong design is drawn too: the drawing shows what does not fit */
        return draw_map(design);
    int code = npu_sim_kernels_open(kernels, options);
    if (!code)
        code = check_design(options, design, kernels);
    if (!code)
        code = write_sequence(options, design);
    if (code || options->check_only)
        return code;
    code = make_buffers(data, design, options);
    if (!code)
        code = read_words(data, options);
    return code ? code : run(options, design, kernels, data);
}

int main(int argc, char **argv)
{
    static struct npu_sim_options options;
    static struct npu_sim_kernels kernels;
    static struct data data;
    int code = npu_sim_options_parse(&options, argc, argv);
    if (code >= 0)
        return code;
    struct npu_design *design = NULL;
    struct npu_error err = {""};
    int opened = npu_design_open(&design, options.design, &err);
    if (opened) {
        npu_sim_complain(&err);
        return opened == -EBADMSG || opened == -E2BIG ? 1 : 2;
    }
    code = work(&options, design, &kernels, &data);
    for (uint32_t i = 0; i < data.n; i++)
        free(data.buffer[i].data);
    free(data.words);
    npu_design_close(&design);
    npu_sim_kernels_close(&kernels);
    return code;
}
