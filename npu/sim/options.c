/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npu/sim/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "Usage: npu-sim [OPTION]... DESIGN.mlir [BUFFER]...\n"
    "Check and run an MLIR-AIE design on a modelled NPU. All times are modelled.\n"
    "\n"
    "A BUFFER for each memref argument of the runtime sequence, in order; missing ones are zero:\n"
    "  FILE               its bytes, or a NumPy .npy of the argument's type\n"
    "  zero, zero:BYTES   zeros\n"
    "  random:SEED        bytes that depend on SEED alone\n"
    "\n"
    "  -o, --out N=FILE       write host buffer N (from 0) at the end; .npy if FILE ends so\n"
    "  -s, --sequence NAME    which runtime sequence, if there are several\n"
    "  -i, --insts FILE       run these instruction words (little endian) instead of the text\n"
    "      --write-insts FILE write the sequence as instruction words\n"
    "  -n, --launches N       launch N times, the array keeps its state (default 1)\n"
    "  -v, --value N          a number for each sequence argument that is no memref, in order\n"
    "  -k, --kernels FILE.so  kernels by the functions' names, before the built-in ones; their\n"
    "                         modelled cycles: uint64_t NAME_cycles(const int64_t *args)\n"
    "  -c, --constant N=V     change a constant of the timing model in every preset (repeat)\n"
    "      --constants FILE   the same from lines of a file\n"
    "      --list-constants   print the table with its presets and end\n"
    "      --clock MHz        the array's clock, as --constant clock_mhz=MHz; only 1000 was "
    "measured\n"
    "      --cycles           modelled cycles of the launch and of every tile under the presets\n"
    "                         pessimistic, published and best, and bytes; without it the one\n"
    "                         number is of published\n"
    "      --trace FILE       write a trace in Chrome's format, of preset published (load it at\n"
    "                         ui.perfetto.dev)\n"
    "      --keep             what a launch leaves in the array is no failure\n"
    "      --check-only       check the design, notes included, and end\n"
    "      --map              draw tiles, memory and channels, and end\n"
    "      --steps N          give up after N steps of cores (default 10^10)\n"
    "  -q, --quiet            print only errors\n"
    "  -h, --help             print this\n"
    "\n"
    "Exit: 0 it ran and left nothing behind; 1 the design is wrong or got stuck; 2 wrong\n"
    "usage, or a file that cannot be read or written.\n";

int npu_sim_complain(const struct npu_error *err)
{
    fprintf(stderr, "npu-sim: %s\n", err->text);
    return 2;
}

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

static int add_output(struct npu_sim_options *options, const char *text)
{
    const char *equal = strchr(text, '=');
    char number[16] = "";
    int64_t n = -1;
    if (equal && (size_t)(equal - text) < sizeof(number))
        memcpy(number, text, (size_t)(equal - text));
    if (!equal || !equal[1] || !parse_number(number, 0, 15, &n) || options->n_outputs == 16)
        return bad_value("--out", text, "N=FILE, N the number of a host buffer");
    options->output[options->n_outputs++] = (struct npu_sim_output){(uint32_t)n, equal + 1};
    return 0;
}

static void list_constants(const struct npu_sim_options *options)
{
    size_t n;
    const struct npu_sim_constant *row = npu_sim_constants(&n);
    printf("%-22s", "");
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++)
        printf(" %11s", npu_sim_preset_name((enum npu_sim_preset)p));
    puts("  unit         where from");
    for (size_t i = 0; i < n; i++) {
        printf("%-22s", row[i].name);
        for (unsigned p = 0; p < NPU_SIM_PRESETS; p++)
            printf(" %11g", npu_sim_timing_get(&options->timing[p], &row[i]));
        printf("  %-12s %s\n", row[i].unit, row[i].basis);
    }
}

enum {
    OPTION_CONSTANTS = 256,
    OPTION_LIST,
    OPTION_CLOCK,
    OPTION_CYCLES,
    OPTION_TRACE,
    OPTION_KEEP,
    OPTION_STEPS,
    OPTION_WRITE_INSTS,
    OPTION_CHECK_ONLY,
    OPTION_MAP
};

static const struct option table[] = {
    {"out", required_argument, NULL, 'o'},
    {"sequence", required_argument, NULL, 's'},
    {"insts", required_argument, NULL, 'i'},
    {"write-insts", required_argument, NULL, OPTION_WRITE_INSTS},
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
    {"check-only", no_argument, NULL, OPTION_CHECK_ONLY},
    {"map", no_argument, NULL, OPTION_MAP},
    {"steps", required_argument, NULL, OPTION_STEPS},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* One option that takes a number or adds to a list. */
static int set_counted(struct npu_sim_options *options, int option, const char *text)
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
        if (options->n_libraries == NPU_SIM_LIBRARIES)
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

static int set_constant(struct npu_sim_options *options, int option, const char *text)
{
    struct npu_error err = {""};
    char clock[64];
    int code;
    if (option == OPTION_CONSTANTS) {
        code = npu_sim_timing_read(options->timing, text, &err);
    } else {
        if (option == OPTION_CLOCK) {
            snprintf(clock, sizeof(clock), "clock_mhz=%s", text);
            text = clock;
        }
        code = npu_sim_timing_set(options->timing, text, &err);
    }
    return code ? npu_sim_complain(&err) : 0;
}

/* -1: go on; else the exit code. */
static int set_option(struct npu_sim_options *options, int option, bool *list)
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
    case OPTION_CHECK_ONLY:
        options->check_only = true;
        break;
    case OPTION_MAP:
        options->map = true;
        break;
    case OPTION_WRITE_INSTS:
        options->write_insts = optarg;
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

int npu_sim_options_parse(struct npu_sim_options *options, int argc, char **argv)
{
    bool list = false;
    npu_sim_timing_init(options->timing);
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
