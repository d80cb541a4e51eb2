/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Times the parts of whispernpu on this machine and on the simulated NPU. The manual is README.md
 * of this folder, and --help. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "npu/sim/backend.h"
#include "tests/bench/npu-bench.h"

static bench_phase *const kernels[] = {phase_kernels, phase_designs, NULL};
static bench_phase *const pipeline[] = {phase_pipeline, NULL};
static bench_phase *const batch[] = {phase_batch, NULL};
static bench_phase *const accuracy[] = {phase_accuracy, NULL};
static bench_phase *const comparison[] = {phase_comparison, NULL};
static bench_phase *const report[] = {phase_kernels,   phase_designs,   phase_pipeline,
                                      phase_batch,     phase_accuracy,  phase_comparison,
                                      phase_prototype, phase_constants, NULL};

static const struct command {
    const char *name, *what;
    bench_phase *const *phases;
} commands[] = {
    {"kernels", "each kernel of the cpu's sets, and the array designs on the simulated NPU",
     kernels},
    {"pipeline", "attention tiles through every strategy and depth, compared bit by bit", pipeline},
    {"batch", "the same with 1, 2, 4, 8, ... tiles a launch", batch},
    {"accuracy", "the profiles' features against float64", accuracy},
    {"comparison", "devices and profiles side by side: windows, stages, lengths of audio, log-mel",
     comparison},
    {"report", "all of it, with what the prototype claimed beside it", report},
};
enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

/* ---- For the phases -------------------------------------------------------------------------- */

void bench_modelled(struct table *table, const double number[NPU_SIM_PRESETS])
{
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++)
        table_number(table, number[p]);
}

bool bench_wants(const struct bench_options *options, const char *device)
{
    return !options->device || !strcmp(options->device, device);
}

void bench_say(const struct bench_options *options, const char *format, ...)
{
    va_list args;
    if (!options->verbose && !isatty(STDERR_FILENO))
        return;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

const char *bench_file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* ---- Options --------------------------------------------------------------------------------- */

static const char usage[] = "usage: npu-bench COMMAND [OPTION]...\n"
                            "       npu-bench COMMAND --help      what the command's tables mean\n";

static const char option_help[] =
    "  --quick            fewer of everything: a smoke test, its times mean little\n"
    "  --verbose          what goes on, and the meaning of every column\n"
    "  --tiles N          attention tiles a round, 8 .. 100000 (1000; quick: 64)\n"
    "  --iterations N     timed calls a kernel, windows a profile, 3 .. 100000 (100 and 10;\n"
    "                     quick: 10 and 3)\n"
    "  --lengths S,S,...  seconds of audio, 1 .. 3600 (10,30,60,120,300; quick: 10,30)\n"
    "  --output-dir DIR   write DIR/COMMAND.json, DIR/COMMAND.md and its plots\n"
    "                     (report: npu-bench-report)\n"
    "  --device NAME      only this device: cpu, sim (the simulated NPU), ...\n"
    "  --model FILE       a weights file ($WHISPERNPU_MODEL, else the base model that\n"
    "                     comes with the project)\n"
    "Exit code 0: done. 1: something failed or is not equal. 2: wrong usage.\n";

static void print_help(void)
{
    fputs(usage, stdout);
    fputs("\nCommands:\n", stdout);
    for (unsigned i = 0; i < COMMANDS; i++)
        printf("  %-12s %s\n", commands[i].name, commands[i].what);
    fputs("\nOptions:\n", stdout);
    fputs(option_help, stdout);
}

__attribute__((format(printf, 1, 2))) static int refuse(const char *format, ...)
{
    va_list args;
    fputs("npu-bench: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputs("; see npu-bench --help\n", stderr);
    return 2;
}

static int parse_number(const char *option, const char *text, unsigned least, unsigned most,
                        unsigned *out)
{
    char *end = NULL;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || value < least || value > most)
        return refuse("--%s %s: expected a whole number, %u to %u", option, text, least, most);
    *out = (unsigned)value;
    return 0;
}

static int parse_lengths(const char *text, struct bench_options *options)
{
    options->n_lengths = 0;
    for (const char *at = text;; at++) {
        char *end = NULL;
        unsigned long value = *at >= '0' && *at <= '9' ? strtoul(at, &end, 10) : 0;
        bool rises = options->n_lengths == 0 || value > options->lengths[options->n_lengths - 1];
        if (!end || value < 1 || value > 3600 || !rises || options->n_lengths == MOST_LENGTHS ||
            (*end && *end != ','))
            return refuse("--lengths %s: expected at most %d rising seconds, 1 to 3600, with "
                          "commas between",
                          text, MOST_LENGTHS);
        options->lengths[options->n_lengths++] = (unsigned)value;
        if (!*end)
            return 0;
        at = end;
    }
}

/* A name that npu_device_list() has. */
static int parse_device(const char *name, struct bench_options *options)
{
    struct npu_device_entry entries[8];
    char known[128] = "";
    size_t n = npu_device_list(entries, 8);
    for (size_t i = 0; i < n && i < 8; i++) {
        if (!strcmp(entries[i].name, name)) {
            options->device = name;
            return 0;
        }
        snprintf(known + strlen(known), sizeof(known) - strlen(known), "%s%s", i ? ", " : "",
                 entries[i].name);
    }
    return refuse("--device %s: expected one of %s", name, known);
}

/* Returns 0; 2 wrong usage; -1 help was asked for. */
static int parse(int argc, char **argv, struct bench_options *options, const char **model)
{
    static const struct option known[] = {
        {"quick", no_argument, NULL, 'q'},         {"verbose", no_argument, NULL, 'v'},
        {"tiles", required_argument, NULL, 't'},   {"iterations", required_argument, NULL, 'i'},
        {"lengths", required_argument, NULL, 'l'}, {"output-dir", required_argument, NULL, 'o'},
        {"device", required_argument, NULL, 'd'},  {"model", required_argument, NULL, 'm'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
    };
    int c, ret = 0;
    opterr = 0;
    while (ret == 0 && (c = getopt_long(argc, argv, ":", known, NULL)) != -1) {
        if (c == 'q')
            options->quick = true;
        else if (c == 'v')
            options->verbose = true;
        else if (c == 't')
            ret = parse_number("tiles", optarg, 8, 100000, &options->tiles);
        else if (c == 'i')
            ret = parse_number("iterations", optarg, 3, 100000, &options->iterations);
        else if (c == 'l')
            ret = parse_lengths(optarg, options);
        else if (c == 'o')
            options->output_dir = optarg;
        else if (c == 'd')
            ret = parse_device(optarg, options);
        else if (c == 'm')
            *model = optarg;
        else if (c == 'h')
            ret = -1;
        else if (c == ':')
            ret = refuse("%s: expected a value", argv[optind - 1]);
        else
            ret = refuse("%s: no such option", argv[optind - 1]);
    }
    if (ret == 0 && optind < argc)
        ret = refuse("%s: expected options only after the command", argv[optind]);
    return ret;
}

static void set_defaults(struct bench_options *options, const struct command *command)
{
    static const unsigned all[] = {10, 30, 60, 120, 300};
    if (options->tiles == 0)
        options->tiles = options->quick ? 64 : 1000;
    if (options->n_lengths == 0) {
        options->n_lengths = options->quick ? 2 : 5;
        memcpy(options->lengths, all, sizeof(all));
    }
    if (!options->output_dir && !strcmp(command->name, "report"))
        options->output_dir = "npu-bench-report";
}

/* ---- Running --------------------------------------------------------------------------------- */

static int describe(const struct command *command)
{
    struct bench_options options = {.describe = true};
    struct results results;
    struct npu_error err = {""};
    results_init(&results);
    printf("%s\n%s: %s.\n\n%s", usage, command->name, command->what, option_help);
    fputs("\nTables. A column's numbers are\n", stdout);
    for (enum basis basis = 0; basis < BASIS_COUNT; basis++)
        printf("  %-8s  %s\n", basis_name(basis), basis_text(basis));
    for (bench_phase *const *phase = command->phases; *phase; phase++)
        (*phase)(&options, &results, &err);
    results_print(&results, true, stdout);
    results_clear(&results);
    return 0;
}

static int complain(const struct npu_error *err)
{
    fprintf(stderr, "npu-bench: %s\n", err->text);
    return 1;
}

/* Refuse a device that has a name but no backend. */
static int check_device(const struct bench_options *options)
{
    struct npu_device_entry entries[8];
    size_t n = npu_device_list(entries, 8);
    for (size_t i = 0; i < n && i < 8 && options->device; i++)
        if (!strcmp(entries[i].name, options->device) && !entries[i].available) {
            fprintf(stderr, "npu-bench: device %s: %s\n", options->device, entries[i].why);
            return 1;
        }
    return 0;
}

/* The phases in order; the others run even if one fails. */
static int run(const struct command *command, const struct bench_options *options)
{
    struct results results;
    struct npu_error err = {""};
    int code = 0;
    results_init(&results);
    if (phase_host(options, &results, &err))
        code = complain(&err);
    for (bench_phase *const *phase = command->phases; *phase; phase++) {
        err.text[0] = '\0';
        if ((*phase)(options, &results, &err))
            code = complain(&err);
    }
    results_print(&results, options->verbose, stdout);
    if (options->output_dir) {
        if (results_write(&results, options->output_dir, command->name, &err))
            code = complain(&err);
        else
            printf("\nwrote %s/%s.md, %s.json and the plots\n", options->output_dir, command->name,
                   command->name);
    }
    results_clear(&results);
    return code;
}

int main(int argc, char **argv)
{
    struct bench_options options = {.quick = false};
    const char *model = NULL;
    const struct command *command = NULL;
    struct npu_error err = {""};

    if (npu_sim_backend_register() != 0)
        return 1;
    if (argc > 1 && !strcmp(argv[1], "--help")) {
        print_help();
        return 0;
    }
    if (argc < 2) {
        fputs(usage, stderr);
        return 2;
    }
    for (unsigned i = 0; i < COMMANDS; i++)
        if (!strcmp(argv[1], commands[i].name))
            command = &commands[i];
    if (!command)
        return refuse("%s: no such command", argv[1]);
    int ret = parse(argc - 1, argv + 1, &options, &model);
    if (ret)
        return ret < 0 ? describe(command) : ret;
    set_defaults(&options, command);
    if (!model && !getenv("WHISPERNPU_MODEL"))
        model = TESTS_SOURCE "/npu/model/whisper-base-encoder.safetensors";
    if (check_device(&options))
        return 1;
    if (npu_model_find(&options.model, model, NULL, &err))
        return complain(&err);
    ret = run(command, &options);
    free(options.model);
    return ret;
}
