/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One warm encoder that runs windows on request, for tests/bench/run and check_sizes.py.
 *
 * Lines on standard input       answers on standard output
 *   run                         ms X                one window, submit to collect
 *   mel PATH                    took PATH           the next runs' window, f32 [3000][n_mels]
 *   dump PATH                   dumped PATH         features of the last run, f32 [positions][d]
 *   reset                       reset done          statistics start again
 *   stats                       stage NAME ms=X narrow=X wide=X f32=X   per window: the wall time
 *                               and 1e9 multiply-adds by kind of operand; then "end"
 *   memory                      memory hwm_kb=N     the most that this process ever had resident
 *
 * Before the first answer: `ready key=value ...`. A failure is one sentence on standard error, exit
 * 1. With --stream WAV it reads no lines: log-mel and encoder over all windows of the file, then
 * `stream windows=N ms=X`. */
#include "npu/clock.h"
#include "npu/cpu/recipe.h"
#include "npu/npu.h"
#include "npu/program.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bench_options {
    const char *model, *profile, *audio, *mel, *write_mel, *stream;
    unsigned threads;
};

struct bench {
    struct npu_model *model;
    struct npu_device *device;
    struct npu_encoder *encoder;
    struct npu_model_info model_info;
    struct npu_encoder_info info;
    float *mel, *features;
};

static void bench_log(void *user, enum npu_log_level level, const char *text)
{
    if (level <= NPU_LOG_WARNING)
        fprintf(stderr, "bench-encoder: %s\n", text);
}

static int bench_fail(const char *what, int code)
{
    fprintf(stderr, "bench-encoder: %s: %s\n", what, strerror(-code));
    return code;
}

static double bench_now_ms(void)
{
    return (double)npu_now_ns() * 1e-6;
}

static uint32_t bench_get_le(const unsigned char *bytes, unsigned n)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < n; i++)
        value |= (uint32_t)bytes[i] << (8 * i);
    return value;
}

/* Find the samples of a RIFF file: leaves `file` at them and gives their count. */
static int bench_open_wav(FILE *file, size_t *n_samples)
{
    unsigned char head[12], chunk[8], format[16] = {0};
    if (fread(head, 1, 12, file) != 12 || memcmp(head, "RIFF", 4) || memcmp(head + 8, "WAVE", 4))
        return -EBADMSG;
    while (fread(chunk, 1, 8, file) == 8) {
        uint32_t size = bench_get_le(chunk + 4, 4);
        if (!memcmp(chunk, "data", 4)) {
            *n_samples = size / 2;
            /* PCM, mono, 16 kHz, 16 bit */
            return bench_get_le(format, 2) == 1 && bench_get_le(format + 2, 2) == 1 &&
                           bench_get_le(format + 4, 4) == NPU_SAMPLE_RATE &&
                           bench_get_le(format + 14, 2) == 16
                       ? 0
                       : -ENOTSUP;
        }
        uint32_t skip = size + (size & 1);
        if (!memcmp(chunk, "fmt ", 4)) {
            if (size < 16 || fread(format, 1, 16, file) != 16)
                return -EBADMSG;
            skip -= 16;
        }
        if (fseek(file, (long)skip, SEEK_CUR))
            return -EBADMSG;
    }
    return -EBADMSG;
}

static FILE *bench_open_audio(const char *path, size_t *n_samples)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        bench_fail(path, -errno);
        return NULL;
    }
    if (bench_open_wav(file, n_samples) == 0)
        return file;
    fprintf(stderr, "bench-encoder: %s: not a 16 kHz mono 16-bit PCM WAV file\n", path);
    fclose(file);
    return NULL;
}

/* n samples, s16 to -1 .. 1. */
static int bench_read_samples(FILE *file, const char *path, float *samples, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char bytes[2];
        if (fread(bytes, 1, 2, file) != 2) {
            fprintf(stderr, "bench-encoder: %s: the file ends within its samples\n", path);
            return -EBADMSG;
        }
        samples[i] = (float)(int16_t)bench_get_le(bytes, 2) / 32768.0f;
    }
    return 0;
}

/* The first 30 s of a WAV file. */
static int bench_read_wav(const char *path, float *samples, size_t *n_samples)
{
    FILE *file = bench_open_audio(path, n_samples);
    if (!file)
        return -EBADMSG;
    if (*n_samples > NPU_WINDOW_SAMPLES)
        *n_samples = NPU_WINDOW_SAMPLES;
    int err = bench_read_samples(file, path, samples, *n_samples);
    fclose(file);
    return err;
}

/* The log-mel that goes with a profile. */
static enum npu_mel_arithmetic bench_arithmetic(const char *profile)
{
    return strcmp(profile, "npu") ? NPU_MEL_F32 : NPU_MEL_S16;
}

static int bench_mel_from_audio(const char *path, unsigned n_mels, const char *profile, float *out)
{
    struct npu_mel *mel = NULL;
    struct npu_mel_window window;
    size_t n = 0;
    float *samples = malloc(NPU_WINDOW_SAMPLES * sizeof(float));
    if (!samples)
        return bench_fail(path, -ENOMEM);
    int err = bench_read_wav(path, samples, &n);
    if (!err) {
        err = npu_mel_open(&mel, &(struct npu_mel_params){n_mels, bench_arithmetic(profile), 0, 0});
        if (!err) {
            npu_mel_push(mel, samples, n);
            npu_mel_finish(mel);
            err = npu_mel_take(mel, out, &window);
        }
        if (err)
            bench_fail(path, err);
    }
    npu_mel_close(&mel);
    free(samples);
    return err;
}

static int bench_mel_from_file(const char *path, size_t count, float *out)
{
    bool is_stdin = !strcmp(path, "-");
    FILE *file = is_stdin ? stdin : fopen(path, "rb");
    if (!file)
        return bench_fail(path, -errno);
    size_t n = fread(out, sizeof(float), count, file);
    bool rest = !is_stdin && fgetc(file) != EOF;
    if (!is_stdin)
        fclose(file);
    if (n == count && !rest)
        return 0;
    fprintf(stderr, "bench-encoder: %s: expected %zu float32 values, found %s\n", path, count,
            rest ? "more" : "fewer");
    return -EBADMSG;
}

static int bench_write(const char *path, const float *data, size_t count)
{
    FILE *file = fopen(path, "wb");
    if (!file)
        return bench_fail(path, -errno);
    bool whole = fwrite(data, sizeof(float), count, file) == count;
    whole = fclose(file) == 0 && whole;
    return whole ? 0 : bench_fail(path, -EIO);
}

static int bench_open_model(struct bench *b, const struct bench_options *options)
{
    struct npu_error err = {{0}};
    char *path = NULL;
    int code = npu_model_find(&path, options->model, NULL, &err);
    if (!code)
        code = npu_model_open(&b->model, path, &err);
    free(path);
    if (code) {
        fprintf(stderr, "bench-encoder: %s\n", err.text);
        return code;
    }
    npu_model_get_info(b->model, &b->model_info);
    size_t count = (size_t)NPU_WINDOW_FRAMES * b->model_info.n_mels;
    b->mel = malloc(count * sizeof(float));
    if (!b->mel)
        return bench_fail("log-mel", -ENOMEM);
    if (options->stream)
        return 0;
    if (!options->audio)
        return bench_mel_from_file(options->mel, count, b->mel);
    return bench_mel_from_audio(options->audio, b->model_info.n_mels, options->profile, b->mel);
}

static int bench_open_encoder(struct bench *b, const struct bench_options *options)
{
    struct npu_error err = {{0}};
    struct npu_device_params device = {.name = "cpu", .threads = options->threads};
    struct npu_encoder_params encoder = {.profile = options->profile, .depth = 1};
    struct npu_device_info device_info;
    int code = npu_device_open(&b->device, &device, &err);
    double start = bench_now_ms();
    if (!code)
        code = npu_encoder_open(&b->encoder, b->model, b->device, &encoder, &err);
    if (code) {
        fprintf(stderr, "bench-encoder: %s\n", err.text);
        return code;
    }
    double open_ms = bench_now_ms() - start;
    npu_device_get_info(b->device, &device_info);
    npu_encoder_get_info(b->encoder, &b->info);
    b->features = malloc((size_t)b->info.positions * b->info.d_model * sizeof(float));
    if (!b->features)
        return bench_fail("features", -ENOMEM);
    printf("ready profile=%s isa=%s threads=%u n_mels=%u d_model=%u positions=%u layers=%u "
           "params=%" PRIu64 " open_ms=%.1f load_ms=%.1f weight_bytes=%" PRIu64
           " scratch_bytes=%" PRIu64 "\n",
           b->info.profile, device_info.isa, device_info.threads, b->model_info.n_mels,
           b->info.d_model, b->info.positions, b->model_info.n_layers, b->model_info.n_params,
           open_ms, (double)b->info.load_ns / 1e6, b->info.weight_bytes, b->info.scratch_bytes);
    return 0;
}

static void bench_close(struct bench *b)
{
    npu_encoder_close(&b->encoder);
    npu_device_close(&b->device);
    npu_model_close(&b->model);
    free(b->mel);
    free(b->features);
}

static int bench_encode(struct bench *b)
{
    uint64_t tag = 0;
    int err = npu_encoder_submit_mel(b->encoder, b->mel, b->info.positions, 1, NPU_TIMEOUT_NONE);
    if (!err)
        err = npu_encoder_collect(b->encoder, b->features, &tag, NPU_TIMEOUT_NONE);
    return err ? bench_fail("run", err) : 0;
}

static int bench_run(struct bench *b)
{
    double start = bench_now_ms();
    int err = bench_encode(b);
    if (!err)
        printf("ms %.3f\n", bench_now_ms() - start);
    return err;
}

static enum npu_profile bench_profile(const struct bench *b)
{
    return strcmp(b->info.profile, "int8") ? NPU_PROFILE_F32 : NPU_PROFILE_INT8;
}

/* What a stage multiplies: enum npu_width, or NPU_WIDTHS for f32. */
static unsigned bench_width(const struct bench *b, const struct npu_program *program, unsigned i)
{
    struct npu_cpu_recipe recipe = npu_cpu_choose_recipe(program, i, bench_profile(b));
    if (!strcmp(b->info.profile, "npu"))
        return NPU_WIDE; /* s16 activations, weights s8 in most stages, by s16 products */
    if (!recipe.integer)
        return NPU_WIDTHS;
    return program->stage[i].op == NPU_OP_ATTENTION ? recipe.head_width : recipe.width;
}

/* Of one window, the 1e9 multiply-adds in stages called `name`, by what they multiply. */
static void bench_split_gmac(const struct bench *b, const char *name, double gmac[3])
{
    struct npu_program program;
    npu_program_build(&program, &b->model_info);
    gmac[0] = gmac[1] = gmac[2] = 0;
    for (unsigned i = 0; i < program.n_stages; i++) {
        const struct npu_stage *s = &program.stage[i];
        struct npu_cpu_recipe recipe = npu_cpu_choose_recipe(&program, i, bench_profile(b));
        double gmac_all = npu_stage_gmac(s, program.positions);
        double tail = recipe.tail ? gmac_all * recipe.tail / s->k : 0;
        if (strcmp(npu_op_name(s->op), name))
            continue;
        gmac[bench_width(b, &program, i)] += gmac_all - tail;
        gmac[NPU_WIDE] += tail;
    }
}

static void bench_print_stats(struct bench *b)
{
    struct npu_stats stats;
    npu_encoder_get_stats(b->encoder, &stats);
    for (unsigned i = 0; i < stats.n_stages && stats.windows; i++) {
        const struct npu_stage_stats *stage = &stats.stage[i];
        double gmac[3];
        bench_split_gmac(b, stage->name, gmac);
        printf("stage %s ms=%.4f narrow=%.6f wide=%.6f f32=%.6f\n", stage->name,
               (double)stage->total_ns / 1e6 / (double)stats.windows, gmac[NPU_NARROW],
               gmac[NPU_WIDE], gmac[NPU_WIDTHS]);
    }
    printf("end\n");
}

static int bench_print_memory(void)
{
    char line[256];
    unsigned long kb = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && kb == 0 && fgets(line, sizeof line, file))
        sscanf(line, "VmHWM: %lu", &kb);
    if (file)
        fclose(file);
    if (kb == 0)
        return bench_fail("VmHWM in /proc/self/status", -ENOENT);
    printf("memory hwm_kb=%lu\n", kb);
    return 0;
}

/* One line of standard input. */
static int bench_answer(struct bench *b, const char *line, bool has_run)
{
    if (!strcmp(line, "run"))
        return bench_run(b);
    if (!strncmp(line, "mel ", 4)) {
        size_t count = (size_t)NPU_WINDOW_FRAMES * b->model_info.n_mels;
        int err = bench_mel_from_file(line + 4, count, b->mel);
        if (!err)
            printf("took %s\n", line + 4);
        return err;
    }
    if (!strncmp(line, "dump ", 5) && has_run) {
        size_t count = (size_t)b->info.positions * b->info.d_model;
        int err = bench_write(line + 5, b->features, count);
        if (!err)
            printf("dumped %s\n", line + 5);
        return err;
    }
    if (!strcmp(line, "reset")) {
        npu_encoder_reset_stats(b->encoder);
        printf("reset done\n");
        return 0;
    }
    if (!strcmp(line, "stats")) {
        bench_print_stats(b);
        return 0;
    }
    if (!strcmp(line, "memory"))
        return bench_print_memory();
    fprintf(stderr,
            "bench-encoder: '%s': expected run, mel PATH, reset, stats, memory or, after a run, "
            "dump PATH\n",
            line);
    return -EINVAL;
}

static int bench_serve(struct bench *b)
{
    char line[4096];
    bool has_run = false;
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        int err = bench_answer(b, line, has_run);
        fflush(stdout);
        if (err)
            return err;
        has_run = has_run || !strcmp(line, "run");
    }
    return 0;
}

/* Encode the windows that wait. */
static int bench_drain(struct bench *b, struct npu_mel *mel, unsigned *n_windows)
{
    struct npu_mel_window window;
    int err = 0;
    while (!err && npu_mel_ready(mel)) {
        err = npu_mel_take(mel, b->mel, &window);
        if (!err)
            err = bench_encode(b);
        *n_windows += 1;
    }
    return err;
}

/* The bare loop that tests/bench/overhead compares the element with. */
static int bench_stream(struct bench *b, const char *path)
{
    float samples[4096];
    size_t n_samples = 0;
    unsigned n_windows = 0;
    struct npu_mel *mel = NULL;
    FILE *file = bench_open_audio(path, &n_samples);
    if (!file)
        return -EBADMSG;
    double start = bench_now_ms();
    const struct npu_mel_params params = {.n_mels = b->model_info.n_mels,
                                          .arithmetic = bench_arithmetic(b->info.profile)};
    int err = npu_mel_open(&mel, &params);
    while (!err && n_samples > 0) {
        size_t n = sizeof samples / sizeof *samples;
        n = n_samples < n ? n_samples : n;
        err = bench_read_samples(file, path, samples, n);
        for (size_t at = 0; !err && at < n;) {
            at += npu_mel_push(mel, samples + at, n - at);
            err = bench_drain(b, mel, &n_windows);
        }
        n_samples -= n;
    }
    if (!err) {
        npu_mel_finish(mel);
        err = bench_drain(b, mel, &n_windows);
    }
    if (!err)
        printf("stream windows=%u ms=%.1f\n", n_windows, bench_now_ms() - start);
    npu_mel_close(&mel);
    fclose(file);
    return err;
}

static int bench_usage(void)
{
    fprintf(stderr, "usage: bench-encoder [--model FILE] [--profile NAME] [--threads N]\n"
                    "                     --audio WAV | --mel FILE|-  [--write-mel FILE]\n"
                    "                     --stream WAV\n"
                    "Standard input: run, mel PATH, dump PATH, reset, stats, memory.\n"
                    "--mel: f32 [3000][n_mels]. --write-mel writes the log-mel window and ends.\n"
                    "--stream encodes a whole file and ends.\n");
    return -EINVAL;
}

static int bench_parse(int argc, char **argv, struct bench_options *options)
{
    static const struct option known[] = {
        {"model", required_argument, NULL, 'm'},   {"profile", required_argument, NULL, 'p'},
        {"threads", required_argument, NULL, 't'}, {"audio", required_argument, NULL, 'a'},
        {"mel", required_argument, NULL, 'i'},     {"write-mel", required_argument, NULL, 'w'},
        {"stream", required_argument, NULL, 's'},  {NULL, 0, NULL, 0},
    };
    int c;
    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        char *end = NULL;
        switch (c) {
        case 'm':
            options->model = optarg;
            break;
        case 'p':
            options->profile = optarg;
            break;
        case 't':
            options->threads = (unsigned)strtoul(optarg, &end, 10);
            if (end == optarg || *end || options->threads > 256)
                return bench_usage();
            break;
        case 'a':
            options->audio = optarg;
            break;
        case 'i':
            options->mel = optarg;
            break;
        case 'w':
            options->write_mel = optarg;
            break;
        case 's':
            options->stream = optarg;
            break;
        default:
            return bench_usage();
        }
    }
    int n_inputs = !!options->audio + !!options->mel + !!options->stream;
    return optind == argc && n_inputs == 1 ? 0 : bench_usage();
}

int main(int argc, char **argv)
{
    struct bench_options options = {.profile = "auto", .threads = 1};
    struct bench b = {0};
    if (bench_parse(argc, argv, &options))
        return 2;
    npu_log_set(bench_log, NULL);
    int err = bench_open_model(&b, &options);
    if (!err && options.write_mel) {
        err =
            bench_write(options.write_mel, b.mel, (size_t)NPU_WINDOW_FRAMES * b.model_info.n_mels);
    } else if (!err) {
        err = bench_open_encoder(&b, &options);
        fflush(stdout);
        if (!err)
            err = options.stream ? bench_stream(&b, options.stream) : bench_serve(&b);
    }
    bench_close(&b);
    return err ? 1 : 0;
}
