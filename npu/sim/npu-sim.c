/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* npu-sim: run an array design on a modelled NPU. The manual is README.md of this folder. */
#include "npu/sim/host_buffer.h"
#include "npu/sim/map.h"
#include "npu/sim/sim.h"
#include "npu/sim/trace.h"

#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MOST_LIBRARIES 8
#define MOST_FOUND     256 /* functions found in libraries */

static const char help[] =
    "Usage: npu-sim [OPTION]... DESIGN.mlir [BUFFER]...\n"
    "Check and run an MLIR-AIE design on a modelled NPU. All times are modelled.\n"
    "\n"
    "A BUFFER for each memref argument of the runtime sequence, in order; missing ones are zero:\n"
    "  FILE               its bytes, or a NumPy .npy of the argument's type\n"
    "  zero, zero:BYTES   zeros\n"
    "  random:SEED        bytes that depend on SEED alone\n"
    "\n"
    "  -o, --out N=FILE       write host buffer N (from 0) after the last launch; .npy by the "
    "name\n"
    "  -s, --sequence NAME    which runtime sequence, if there are several\n"
    "  -i, --insts FILE       run these instruction words (little endian) instead of the text\n"
    "  -n, --launches N       launch N times, the array keeps its state (default 1)\n"
    "  -v, --value N          a number for each sequence argument that is no memref, in order\n"
    "  -k, --kernels FILE.so  kernels by the functions' names, before the built-in ones; a "
    "kernel's\n"
    "                         modelled cycles come from `uint64_t NAME_cycles(const int64_t "
    "*args)`\n"
    "  -c, --constant N=V     change a constant of the timing model (repeat)\n"
    "      --constants FILE   the same from lines of a file\n"
    "      --list-constants   print the table and end\n"
    "      --clock MHz        the array's clock, as --constant clock_mhz=MHz\n"
    "      --cycles           modelled cycles and bytes of every tile\n"
    "      --trace FILE       write a trace in Chrome's format (load it at ui.perfetto.dev)\n"
    "      --keep             what a launch leaves in the array is no failure\n"
    "      --steps N          give up after N steps of cores (default 10^10)\n"
    "  -q, --quiet            print nothing but errors\n"
    "  -h, --help             print this\n"
    "\n"
    "Exit: 0 it ran and left nothing behind; 1 the design is wrong or got stuck; 2 wrong usage, or "
    "a\n"
    "file that cannot be read or written.\n";

struct output {
    uint32_t buffer;
    const char *path;
};

struct options {
    const char *design, *sequence, *insts, *trace;
    char **buffer;
    uint32_t n_buffers, n_launches, n_libraries, n_outputs, n_values;
    const char *library[MOST_LIBRARIES];
    struct output output[16];
    int64_t value[16];
    uint64_t most_steps;
    bool cycles, keep, quiet;
    struct npu_sim_timing timing;
};

static int complain(const struct npu_error *err)
{
    fprintf(stderr, "npu-sim: %s\n", err->text);
    return 2;
}

/* ---- Kernels ------------------------------------------------------------------------------------
 */

struct kernels {
    void *library[MOST_LIBRARIES];
    uint32_t n_libraries, n_found;
    struct npu_core_kernel found[MOST_FOUND];
};

/* POSIX lets a function's address come as void *; C wants it taken this way. */
static void *symbol(void *library, const char *name, const char *suffix)
{
    char text[256];
    if (snprintf(text, sizeof(text), "%s%s", name, suffix) >= (int)sizeof(text))
        return NULL;
    return dlsym(library, text);
}

static const struct npu_core_kernel *find_kernel(void *user, const char *name)
{
    struct kernels *kernels = user;
    for (uint32_t i = 0; i < kernels->n_libraries; i++) {
        void *fn = symbol(kernels->library[i], name, "");
        if (!fn || kernels->n_found == MOST_FOUND)
            continue;
        struct npu_core_kernel *kernel = &kernels->found[kernels->n_found++];
        *kernel = (struct npu_core_kernel){.name = name};
        memcpy(&kernel->fn, &fn, sizeof(fn));
        void *cycles = symbol(kernels->library[i], name, "_cycles");
        memcpy(&kernel->cycles, &cycles, sizeof(cycles));
        return kernel;
    }
    return npu_core_kernel_find(name);
}

static int open_kernels(struct kernels *kernels, const struct options *options)
{
    for (uint32_t i = 0; i < options->n_libraries; i++) {
        char path[4096];
        /* Without a slash dlopen() looks in the system's folders. */
        snprintf(path, sizeof(path), "%s%s", strchr(options->library[i], '/') ? "" : "./",
                 options->library[i]);
        void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (!library) {
            fprintf(stderr, "npu-sim: %s\n", dlerror());
            return 2;
        }
        kernels->library[kernels->n_libraries++] = library;
    }
    return 0;
}

static void close_kernels(struct kernels *kernels)
{
    while (kernels->n_libraries)
        dlclose(kernels->library[--kernels->n_libraries]);
}

/* ---- Options ------------------------------------------------------------------------------------
 */

static bool parse_number(const char *text, int64_t least, int64_t most, int64_t *out)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 0);
    if (end == text || *end || errno || value < least || value > most)
        return false;
    *out = value;
    return true;
}

static int bad_value(const char *option, const char *text, const char *expected)
{
    fprintf(stderr, "npu-sim: %s \"%s\": expected %s\n", option, text, expected);
    return 2;
}

static int add_output(struct options *options, const char *text)
{
    const char *equal = strchr(text, '=');
    char number[16] = "";
    int64_t n = -1;
    if (equal && (size_t)(equal - text) < sizeof(number))
        memcpy(number, text, (size_t)(equal - text));
    if (!equal || !equal[1] || !parse_number(number, 0, 15, &n) || options->n_outputs == 16)
        return bad_value("--out", text, "N=FILE, N the number of a host buffer");
    options->output[options->n_outputs++] = (struct output){(uint32_t)n, equal + 1};
    return 0;
}

static void list_constants(const struct options *options)
{
    size_t n;
    const struct npu_sim_constant *row = npu_sim_constants(&n);
    for (size_t i = 0; i < n; i++) {
        double value;
        memcpy(&value, (const char *)&options->timing + row[i].offset, sizeof(value));
        printf("%-22s %10g %-12s %s\n", row[i].name, value, row[i].unit, row[i].basis);
    }
}

enum {
    OPTION_CONSTANTS = 256,
    OPTION_LIST,
    OPTION_CLOCK,
    OPTION_CYCLES,
    OPTION_TRACE,
    OPTION_KEEP,
    OPTION_STEPS
};

static const struct option table[] = {
    {"out", required_argument, NULL, 'o'},
    {"sequence", required_argument, NULL, 's'},
    {"insts", required_argument, NULL, 'i'},
    {"launches", required_argument, NULL, 'n'},
    {"value", required_argument, NULL, 'v'},
    {"kernels", required_argument, NULL, 'k'},
    {"constant", required_argument, NULL, 'c'},
    {"constants", required_argument, NULL, OPTION_CONSTANTS},
    {"list-constants", no_argument, NULL, OPTION_LIST},
    {"clock", required_argument, NULL, OPTION_CLOCK},
    {"cycles", no_argument, NULL, OPTION_CYCLES},
    {"trace", required_argument, NULL, OPTION_TRACE},
    {"keep", no_argument, NULL, OPTION_KEEP},
    {"steps", required_argument, NULL, OPTION_STEPS},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* One option that takes a number or a list place. */
static int set_counted(struct options *options, int option, const char *text)
{
    int64_t number;
    switch (option) {
    case 'n':
        if (!parse_number(text, 1, 1000000, &number))
            return bad_value("--launches", text, "1 to 1000000");
        options->n_launches = (uint32_t)number;
        return 0;
    case 'v':
        if (options->n_values == 16 ||
            !parse_number(text, INT64_MIN, INT64_MAX, &options->value[options->n_values++]))
            return bad_value("--value", text, "a number, 16 times at most");
        return 0;
    case 'k':
        if (options->n_libraries == MOST_LIBRARIES)
            return bad_value("--kernels", text, "8 libraries at most");
        options->library[options->n_libraries++] = text;
        return 0;
    default:
        if (!parse_number(text, 1, INT64_MAX, &number))
            return bad_value("--steps", text, "a number from 1");
        options->most_steps = (uint64_t)number;
        return 0;
    }
}

static int set_constant(struct options *options, int option, const char *text)
{
    struct npu_error err = {""};
    char clock[64];
    int code;
    if (option == OPTION_CONSTANTS) {
        code = npu_sim_timing_read(&options->timing, text, &err);
    } else {
        if (option == OPTION_CLOCK) {
            snprintf(clock, sizeof(clock), "clock_mhz=%s", text);
            text = clock;
        }
        code = npu_sim_timing_set(&options->timing, text, &err);
    }
    return code ? complain(&err) : 0;
}

/* -1: go on; else the exit code. */
static int set_option(struct options *options, int option, bool *list)
{
    int code = 0;
    switch (option) {
    case 'h':
        fputs(help, stdout);
        return 0;
    case 'o':
        code = add_output(options, optarg);
        break;
    case 's':
        options->sequence = optarg;
        break;
    case 'i':
        options->insts = optarg;
        break;
    case 'c':
    case OPTION_CONSTANTS:
    case OPTION_CLOCK:
        code = set_constant(options, option, optarg);
        break;
    case OPTION_LIST:
        *list = true;
        break;
    case OPTION_CYCLES:
        options->cycles = true;
        break;
    case OPTION_TRACE:
        options->trace = optarg;
        break;
    case OPTION_KEEP:
        options->keep = true;
        break;
    case 'q':
        options->quiet = true;
        break;
    case '?':
        fputs("Try npu-sim --help.\n", stderr);
        return 2;
    default:
        code = set_counted(options, option, optarg);
    }
    return code ? code : -1;
}

static int parse_options(struct options *options, int argc, char **argv)
{
    bool list = false;
    npu_sim_timing_init(&options->timing);
    options->n_launches = 1;
    for (int option; (option = getopt_long(argc, argv, "o:s:i:n:v:k:c:qh", table, NULL)) != -1;) {
        int code = set_option(options, option, &list);
        if (code >= 0)
            return code;
    }
    if (list) {
        list_constants(options);
        return 0;
    }
    if (optind == argc) {
        fputs("npu-sim: no design given\nTry npu-sim --help.\n", stderr);
        return 2;
    }
    options->design = argv[optind];
    options->buffer = argv + optind + 1;
    options->n_buffers = (uint32_t)(argc - optind - 1);
    return -1;
}

/* ---- Buffers and words --------------------------------------------------------------------------
 */

#define MOST_BUFFERS 64

struct data {
    struct npu_sim_buffer buffer[MOST_BUFFERS];
    const struct npu_ir_type *type[MOST_BUFFERS]; /* NULL: the design does not say */
    uint32_t n;
    uint32_t *words;
    size_t n_words;
};

static const struct npu_sequence *find_sequence(const struct npu_design *design, const char *name)
{
    const struct npu_array *array = &design->array[0];
    for (uint32_t i = 0; i < array->n_sequences; i++)
        if (!name || !strcmp(array->sequence[i].name, name))
            return &array->sequence[i];
    return NULL;
}

static int make_buffers(struct data *data, const struct npu_design *design,
                        const struct options *options)
{
    const struct npu_sequence *sequence = find_sequence(design, options->sequence);
    uint32_t n = 0;
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
            return complain(&err);
    }
    for (uint32_t i = 0; i < options->n_outputs; i++)
        if (options->output[i].buffer >= n) {
            fprintf(stderr, "npu-sim: --out %u: there are %u host buffers\n",
                    options->output[i].buffer, n);
            return 2;
        }
    return 0;
}

static int read_words(struct data *data, const struct options *options)
{
    struct npu_sim_buffer file;
    struct npu_error err = {""};
    if (!options->insts)
        return 0;
    if (npu_sim_buffer_make(&file, NULL, options->insts, &err))
        return complain(&err);
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

static int write_outputs(const struct data *data, const struct options *options)
{
    for (uint32_t i = 0; i < options->n_outputs; i++) {
        struct npu_error err = {""};
        const struct output *output = &options->output[i];
        if (npu_sim_buffer_write(&data->buffer[output->buffer], data->type[output->buffer],
                                 output->path, &err))
            return complain(&err);
    }
    return 0;
}

/* ---- Running ------------------------------------------------------------------------------------
 */

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
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

static void print_tiles(const struct npu_sim_result *result)
{
    puts("  tile         core busy         dma busy          calls        dma bytes");
    for (uint32_t i = 0; i < result->n_tiles; i++) {
        const struct npu_sim_tile_result *tile = &result->tile[i];
        double all = result->cycles ? (double)result->cycles / 100 : 1;
        printf("  %-4s (%u,%u) %10" PRIu64 " %3.0f %%  %10" PRIu64 " %3.0f %% %10" PRIu64
               " %16" PRIu64 "\n",
               tile->row == 0   ? "shim"
               : tile->row == 1 ? "mem"
                                : "core",
               tile->column, tile->row, tile->core_cycles, (double)tile->core_cycles / all,
               tile->dma_cycles, (double)tile->dma_cycles / all, tile->n_calls, tile->dma_bytes);
    }
}

static void print_result(const struct options *options, uint32_t launch,
                         const struct npu_sim_result *result, double took)
{
    double clock = options->timing.clock_mhz;
    printf("launch %u: %" PRIu64
           " modelled cycles = %.2f us at %g MHz, launch cost %.1f us (modelled)\n",
           launch + 1, result->cycles, (double)result->cycles / clock, clock, result->launch_us);
    if (!options->cycles)
        return;
    printf("  host memory: %" PRIu64 " bytes read, %" PRIu64 " written; alone %" PRIu64
           " of the cycles (modelled)\n",
           result->ddr_read, result->ddr_written, result->ddr_cycles);
    print_tiles(result);
    printf("  simulated in %.3f s (measured), %" PRIu64 " kernel calls\n", took, result->n_calls);
}

static int run_launches(struct npu_sim *sim, const struct options *options, const struct data *data)
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
            complain(&err);
            const char *report = npu_sim_report(sim);
            fputs(report, stderr);
            return 1;
        }
        if (!options->quiet)
            print_result(options, i, &result, seconds() - begin);
    }
    return 0;
}

static int write_trace(const struct npu_sim_trace *trace, const struct npu_design *design,
                       const struct options *options)
{
    struct npu_error err = {""};
    if (npu_sim_trace_write(trace, &design->array[0], options->trace, options->timing.clock_mhz,
                            &err))
        return complain(&err);
    uint64_t lost = npu_sim_trace_lost(trace);
    if (lost)
        fprintf(stderr, "npu-sim: %s: the last %" PRIu64 " events did not fit\n", options->trace,
                lost);
    return 0;
}

static int run(const struct options *options, const struct npu_design *design,
               struct kernels *kernels, struct data *data)
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
                                          .find = find_kernel,
                                          .find_user = kernels,
                                          .timing = &options->timing,
                                          .trace = trace,
                                          .most_steps = options->most_steps,
                                          .progress = isatty(2) ? show_progress : NULL,
                                          .progress_user = &last};
    int code = 1;
    if (npu_sim_open(&sim, &params, &err))
        complain(&err);
    else
        code = run_launches(sim, options, data);
    npu_sim_close(&sim);
    /* What happened before a failure is what one wants to look at. */
    if (trace && write_trace(trace, design, options))
        code = 2;
    npu_sim_trace_close(&trace);
    return code ? code : write_outputs(data, options);
}

static int work(const struct options *options, struct npu_design *design, struct kernels *kernels,
                struct data *data)
{
    int code = open_kernels(kernels, options);
    if (!code)
        code = make_buffers(data, design, options);
    if (!code)
        code = read_words(data, options);
    return code ? code : run(options, design, kernels, data);
}

int main(int argc, char **argv)
{
    static struct options options;
    static struct kernels kernels;
    static struct data data;
    int code = parse_options(&options, argc, argv);
    if (code >= 0)
        return code;
    struct npu_design *design = NULL;
    struct npu_error err = {""};
    int opened = npu_design_open(&design, options.design, &err);
    if (opened) {
        complain(&err);
        return opened == -EBADMSG || opened == -E2BIG ? 1 : 2;
    }
    code = work(&options, design, &kernels, &data);
    for (uint32_t i = 0; i < data.n; i++)
        free(data.buffer[i].data);
    free(data.words);
    npu_design_close(&design);
    close_kernels(&kernels);
    return code;
}
