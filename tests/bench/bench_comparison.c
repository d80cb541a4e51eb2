/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices and profiles side by side: one window, its stages, lengths of audio; log-mel alone. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "npu/clock.h"
#include "npu/launch/stats.h"
#include "npu/log.h"
#include "tests/bench/npu-bench.h"
#include "tests/bench/subject.h"

#define COUNT(a)       (sizeof(a) / sizeof((a)[0]))
#define WINDOW_SECONDS 30.0
#define TILES          ((NPU_WINDOW_POSITIONS + 63) / 64) /* of 64 rows, a window */

#define WHO                                                                  \
    {"device", "device", "", BASIS_GIVEN, 0, "that computes"},               \
        {"isa", "set", "", BASIS_GIVEN, 0, "its kernel set"},                \
        {"threads", "threads", "", BASIS_GIVEN, 0, "that work on a window"}, \
    {                                                                        \
        "profile", "profile", "", BASIS_GIVEN, 0, "the arithmetic"           \
    }

static const struct column window_columns[] = {
    WHO,
    {"windows", "windows", "", BASIS_COUNTED, 0, "timed, after one that was not"},
    {"open_ms", "open", "ms", BASIS_MEASURED, 1, "reading, checking and packing the weights"},
    {"weight_mb", "weights", "MB", BASIS_GIVEN, 1, "packed"},
    {"mean_ms", "mean", "ms", BASIS_MEASURED, 2, "a window of 30 s from submit to collect"},
    {"std_ms", "std", "ms", BASIS_MEASURED, 2, "its standard deviation"},
    {"p50_ms", "p50", "ms", BASIS_MEASURED, 2, "the median"},
    {"p95_ms", "p95", "ms", BASIS_MEASURED, 2, "95 % took no longer"},
    {"p99_ms", "p99", "ms", BASIS_MEASURED, 2, "99 % took no longer"},
    {"realtime_factor", "x real time", "", BASIS_MEASURED, 0, "30 s / p50; the encoder alone"},
};

static const struct column stage_columns[] = {
    WHO,
    {"stage", "stage", "", BASIS_GIVEN, 0, "of the encoder, over all layers"},
    {"ms", "a window", "ms", BASIS_MEASURED, 3, "wall time inside the device, mean"},
    {"percent", "share", "%", BASIS_MEASURED, 1, "of all stages' time"},
    {"gmac", "work", "GMAC", BASIS_GIVEN, 3, "1e9 multiply-adds of a window"},
    {"gmacs", "speed", "GMAC/s", BASIS_MEASURED, 1, "work / time"},
};

static const struct column length_columns[] = {
    WHO,
    {"audio_length", "audio", "s", BASIS_GIVEN, 0, "16 kHz samples in memory"},
    {"windows", "windows", "", BASIS_COUNTED, 0, "of 30 s, the last one padded"},
    {"frames", "frames", "", BASIS_COUNTED, 0, "log-mel columns of the windows, padding included"},
    {"tiles", "tiles", "", BASIS_COUNTED, 0, "of 64 positions, 24 a window and stage"},
    {"mel_time", "mel", "ms", BASIS_MEASURED, 2, "log-mel of all windows"},
    {"encoder_time", "encoder", "ms", BASIS_MEASURED, 2, "the encoder, window after window"},
    {"total_time", "total", "ms", BASIS_MEASURED, 2, "both and what lies between, one run"},
    {"mel_percent", "mel", "%", BASIS_MEASURED, 1, "of the total"},
    {"encoder_percent", "encoder", "%", BASIS_MEASURED, 1, "of the total"},
    {"realtime_factor", "x real time", "", BASIS_MEASURED, 0, "audio / total"},
};

static const struct column context_columns[] = {
    WHO,
    {"window", "window", "s", BASIS_GIVEN, 0, "of audio that the encoder sees"},
    {"positions", "positions", "", BASIS_GIVEN, 0, "rows of the features, 50 a second"},
    {"windows", "windows", "", BASIS_COUNTED, 0, "timed, after one that was not"},
    {"p50_ms", "p50", "ms", BASIS_MEASURED, 2, "a window from submit to collect, the median"},
    {"percent", "of 30 s", "%", BASIS_MEASURED, 1, "of the time that a window of 30 s takes"},
    {"realtime_factor", "x real time", "", BASIS_MEASURED, 0, "window / p50; the encoder alone"},
};

static const struct column mel_columns[] = {
    {"device", "device", "", BASIS_GIVEN, 0, "cpu: one thread"},
    {"arithmetic", "arithmetic", "", BASIS_GIVEN, 0, "f32, or profile npu's integers"},
    {"frames", "frames", "", BASIS_GIVEN, 0, "of 80 channels (the model's where it has others)"},
    {"measured_ms", "p50", "ms", BASIS_MEASURED, 3, "of a window of speech, on this host"},
    MODELLED("modelled_ms", "modelled", "ms", 3,
             "mlir/mel_4core.mlir, launches and the clamp included; values equal kernels/ref's"),
    {"measured_frame_us", "a frame", "us", BASIS_MEASURED, 3, "p50 / frames"},
    MODELLED("modelled_frame_us", "a frame", "us", 3, "modelled / frames"),
};

static double ms_since(uint64_t start)
{
    return (double)(npu_now_ns() - start) * 1e-6;
}

static void put_who(struct table *table, const struct subject *s)
{
    table_text(table, "%s", s->device_info.name);
    table_text(table, "%s", s->device_info.isa);
    table_number(table, s->device_info.threads);
    table_text(table, "%s", s->info.profile);
}

/* ---- One window ------------------------------------------------------------------------------ */

static void put_stages(struct table *table, struct subject *s)
{
    struct npu_stats stats;
    uint64_t all = 0;
    npu_encoder_get_stats(s->encoder, &stats);
    for (unsigned i = 0; i < stats.n_stages; i++)
        all += stats.stage[i].total_ns;
    for (unsigned i = 0; i < stats.n_stages; i++) {
        const struct npu_stage_stats *stage = &stats.stage[i];
        double ms = (double)stage->total_ns * 1e-6 / (double)stats.windows;
        double gmac = stage->gmac / (double)stats.windows;
        put_who(table, s);
        table_text(table, "%s", stage->name);
        table_number(table, ms);
        table_number(table, 100 * (double)stage->total_ns / (double)all);
        table_number(table, gmac > 0 ? gmac : NAN);
        table_number(table, gmac > 0 ? gmac / ms * 1e3 : NAN);
    }
}

/* Consecutive windows of `positions` positions. */
static int time_encoder(struct subject *s, const float *mel, unsigned positions, float *features,
                        unsigned n, struct npu_summary *sum)
{
    static struct npu_series series;
    memset(&series, 0, sizeof(series));
    int ret = subject_encode(s, mel, positions, features);
    npu_encoder_reset_stats(s->encoder);
    for (unsigned i = 0; i < n && ret == 0; i++) {
        uint64_t start = npu_now_ns();
        ret = subject_encode(s, mel, positions, features);
        npu_series_add(&series, npu_now_ns() - start);
    }
    npu_series_summarise(&series, sum);
    return ret;
}

static unsigned windows_of(const struct bench_options *options)
{
    return options->iterations ? options->iterations : options->quick ? 3 : 10;
}

static int put_window(const struct bench_options *options, struct results *results, unsigned first,
                      struct subject *s, const float *mel, float *features)
{
    struct table *table = &results->tables[first];
    struct npu_summary sum;
    int ret = time_encoder(s, mel, s->info.positions, features, windows_of(options), &sum);
    if (ret)
        return ret;
    put_who(table, s);
    table_number(table, (double)sum.n);
    table_number(table, s->open_ms);
    table_number(table, (double)s->info.weight_bytes * 1e-6);
    table_number(table, sum.mean_ns * 1e-6);
    table_number(table, sum.std_ns * 1e-6);
    table_number(table, (double)sum.p50_ns * 1e-6);
    table_number(table, (double)sum.p95_ns * 1e-6);
    table_number(table, (double)sum.p99_ns * 1e-6);
    table_number(table, WINDOW_SECONDS * 1e9 / (double)sum.p50_ns);
    put_stages(&results->tables[first + 1], s);
    if (!strcmp(s->info.profile, "int8") && !strcmp(s->device_info.name, "cpu"))
        results->headlines.real_time = WINDOW_SECONDS * 1e9 / (double)sum.p50_ns;
    return 0;
}

/* The longest window first: the others are compared with it. */
static int put_contexts(const struct bench_options *options, struct table *table, struct subject *s,
                        const float *mel, float *features)
{
    static const unsigned seconds[] = {30, 20, 10, 5, 1};
    uint64_t whole_ns = 0;
    int ret = 0;
    for (unsigned i = 0; i < COUNT(seconds) && ret == 0; i++) {
        struct npu_summary sum;
        ret = time_encoder(s, mel, 50 * seconds[i], features, windows_of(options), &sum);
        if (ret)
            break;
        whole_ns = i ? whole_ns : sum.p50_ns;
        put_who(table, s);
        table_number(table, seconds[i]);
        table_number(table, 50 * seconds[i]);
        table_number(table, (double)sum.n);
        table_number(table, (double)sum.p50_ns * 1e-6);
        table_number(table, 100 * (double)sum.p50_ns / (double)whole_ns);
        table_number(table, seconds[i] * 1e9 / (double)sum.p50_ns);
    }
    return ret;
}

/* ---- Lengths --------------------------------------------------------------------------------- */

struct spent {
    double mel_ms, encoder_ms, total_ms;
    unsigned windows;
};

static int drain(struct subject *s, struct npu_mel *front, float *mel, float *features,
                 struct spent *spent)
{
    struct npu_mel_window window;
    int ret = 0;
    while (ret == 0 && npu_mel_ready(front)) {
        uint64_t start = npu_now_ns();
        ret = npu_mel_take(front, mel, &window);
        spent->mel_ms += ms_since(start);
        start = npu_now_ns();
        if (ret == 0)
            ret = subject_encode(s, mel, s->info.positions, features);
        spent->encoder_ms += ms_since(start);
        spent->windows++;
    }
    return ret;
}

static int run_length(struct subject *s, const float *samples, size_t n, float *mel,
                      float *features, struct spent *spent)
{
    struct npu_mel *front = NULL;
    const struct npu_mel_params params = subject_mel_params(s);
    *spent = (struct spent){0};
    int ret = npu_mel_open(&front, &params);
    uint64_t begin = npu_now_ns();
    for (size_t at = 0; ret == 0 && at < n;) {
        uint64_t start = npu_now_ns();
        at += npu_mel_push(front, samples + at, n - at < 16000 ? n - at : 16000);
        spent->mel_ms += ms_since(start);
        ret = drain(s, front, mel, features, spent);
    }
    if (ret == 0) {
        uint64_t start = npu_now_ns();
        npu_mel_finish(front);
        spent->mel_ms += ms_since(start);
        ret = drain(s, front, mel, features, spent);
    }
    spent->total_ms = ms_since(begin);
    npu_mel_close(&front);
    return ret;
}

static int put_lengths(const struct bench_options *options, struct table *table, struct subject *s,
                       const float *samples, float *mel, float *features)
{
    int ret = 0;
    for (unsigned i = 0; i < options->n_lengths && ret == 0; i++) {
        unsigned seconds = options->lengths[i];
        struct spent spent;
        bench_say(options, "comparison: %s on %s, %u s", s->info.profile, s->device_info.name,
                  seconds);
        ret = run_length(s, samples, (size_t)seconds * NPU_SAMPLE_RATE, mel, features, &spent);
        if (ret)
            break;
        put_who(table, s);
        table_number(table, seconds);
        table_number(table, spent.windows);
        table_number(table, (double)spent.windows * NPU_WINDOW_FRAMES);
        table_number(table, (double)spent.windows * TILES);
        table_number(table, spent.mel_ms);
        table_number(table, spent.encoder_ms);
        table_number(table, spent.total_ms);
        table_number(table, 100 * spent.mel_ms / spent.total_ms);
        table_number(table, 100 * spent.encoder_ms / spent.total_ms);
        table_number(table, seconds * 1e3 / spent.total_ms);
    }
    return ret;
}

/* ---- All devices and profiles ---------------------------------------------------------------- */

/* first: the index of the windows' table; stages, lengths and contexts follow. */
static int compare(const struct bench_options *options, struct results *results, unsigned first,
                   const char *device, const char *profile, const float *samples, size_t n,
                   struct npu_error *err)
{
    struct subject s;
    struct npu_error why = {""};
    int ret = subject_open(&s, device, profile, options->model, &why);
    if (ret) {
        table_note(&results->tables[first], "%s on %s: left out: %s", profile, device, why.text);
        subject_close(&s);
        return 0;
    }
    bench_say(options, "comparison: %s on %s", profile, device);
    float *mel = calloc((size_t)NPU_WINDOW_FRAMES * s.model_info.n_mels, sizeof(float));
    float *features = calloc((size_t)s.info.positions * s.info.d_model, sizeof(float));
    ret = mel && features ? subject_mel(&s, samples, n, mel) : -ENOMEM;
    if (ret == 0)
        ret = put_window(options, results, first, &s, mel, features);
    if (ret == 0)
        ret = put_lengths(options, &results->tables[first + 2], &s, samples, mel, features);
    if (ret == 0)
        ret = put_contexts(options, &results->tables[first + 3], &s, mel, features);
    if (ret)
        npu_fail(err, ret, "comparison: %s on %s failed", profile, device);
    free(mel);
    free(features);
    subject_close(&s);
    return ret;
}

static int compare_all(const struct bench_options *options, struct results *results, unsigned first,
                       const float *samples, size_t n, struct npu_error *err)
{
    struct npu_device_entry devices[8];
    size_t n_devices = npu_device_list(devices, 8);
    int ret = 0;
    for (size_t i = 0; i < n_devices && i < 8 && ret == 0; i++) {
        if (!bench_wants(options, devices[i].name) || !strcmp(devices[i].name, "sim"))
            continue; /* the simulator has its own tables */
        if (!devices[i].available) {
            table_note(&results->tables[first], "device %s: left out: %s", devices[i].name,
                       devices[i].why);
            continue;
        }
        for (unsigned p = 0; p < SUBJECT_PROFILES && ret == 0; p++)
            ret = compare(options, results, first, devices[i].name, subject_profiles[p], samples, n,
                          err);
    }
    return ret;
}

static unsigned new_tables(struct results *results)
{
    static const char about[] =
        "The project's clip of speech, again and again; one window in flight. By the clock of this "
        "host; the simulated NPU has tables of its own.";
    unsigned first = results->n_tables;
    struct table *table = results_table(results, "windows", "One window by device and profile",
                                        about, window_columns, COUNT(window_columns));
    table_plot(table, (struct plot){"p50_ms", {"device", "profile"}});
    table = results_table(results, "stages", "Where a window's time goes", about, stage_columns,
                          COUNT(stage_columns));
    table_plot(table, (struct plot){"ms", {"device", "profile", "stage"}});
    table = results_table(results, "lengths", "Lengths of audio", about, length_columns,
                          COUNT(length_columns));
    table_plot(table, (struct plot){"realtime_factor", {"device", "profile", "audio_length"}});
    table = results_table(results, "contexts", "Shorter windows", about, context_columns,
                          COUNT(context_columns));
    table_plot(table, (struct plot){"p50_ms", {"device", "profile", "window"}});
    return first;
}

/* ---- Log-mel --------------------------------------------------------------------------------- */

static void put_mel_row(struct table *table, const char *device, const char *arithmetic,
                        unsigned frames, double measured_ms,
                        const double modelled_ms[NPU_SIM_PRESETS])
{
    double frame_us[NPU_SIM_PRESETS];
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++)
        frame_us[p] = 1e3 * modelled_ms[p] / frames;
    table_text(table, "%s", device);
    table_text(table, "%s", arithmetic);
    table_number(table, frames);
    table_number(table, measured_ms);
    bench_modelled(table, modelled_ms);
    table_number(table, 1e3 * measured_ms / frames);
    bench_modelled(table, frame_us);
}

static int time_mel(const struct bench_options *options, enum npu_mel_arithmetic arithmetic,
                    const float *samples, float *out, double *ms)
{
    static struct npu_series series;
    struct npu_summary sum;
    struct npu_mel *front = NULL;
    struct npu_mel_window window;
    const struct npu_mel_params params = {.n_mels = 80, .arithmetic = arithmetic};
    int ret = npu_mel_open(&front, &params);
    memset(&series, 0, sizeof(series));
    for (unsigned i = 0; i < (options->quick ? 4u : 21u) && ret == 0; i++) {
        uint64_t start = npu_now_ns();
        npu_mel_push(front, samples, NPU_WINDOW_SAMPLES);
        npu_mel_finish(front);
        ret = npu_mel_take(front, out, &window);
        if (i > 0)
            npu_series_add(&series, npu_now_ns() - start);
        npu_mel_reset(front);
    }
    npu_mel_close(&front);
    npu_series_summarise(&series, &sum);
    *ms = (double)sum.p50_ns * 1e-6;
    return ret;
}

static int run_mel(const struct bench_options *options, struct results *results,
                   const float *samples, struct npu_error *err)
{
    static const double none[NPU_SIM_PRESETS] = {NAN, NAN, NAN};
    static const char *const names[] = {[NPU_MEL_F32] = "f32", [NPU_MEL_S16] = "s16"};
    struct headlines *h = &results->headlines;
    struct table *table = results_table(
        results, "mel", "Log-mel of a window",
        "Everything from samples to a normalised window: on the CPU measured, on four cores of the "
        "simulated NPU modelled.",
        mel_columns, COUNT(mel_columns));
    if (options->describe)
        return 0;
    float *out = malloc((size_t)NPU_WINDOW_FRAMES * 80 * sizeof(float));
    int ret = out ? 0 : -ENOMEM;
    for (int a = NPU_MEL_F32; a <= NPU_MEL_S16 && ret == 0 && bench_wants(options, "cpu"); a++) {
        double ms = NAN;
        ret = time_mel(options, (enum npu_mel_arithmetic)a, samples, out, &ms);
        put_mel_row(table, "cpu", names[a], NPU_WINDOW_FRAMES, ms, none);
        h->mel_cpu_ms = a == NPU_MEL_F32 ? ms : h->mel_cpu_ms;
    }
    if (isnan(h->mel_npu_ms[NPU_SIM_PUBLISHED]))
        table_note(table, "The simulated NPU's row comes with the array designs: command report.");
    else
        put_mel_row(table, "simulated NPU", "s16", 3008, NAN, h->mel_npu_ms);
    free(out);
    return ret ? npu_fail(err, ret, "comparison: log-mel failed") : 0;
}

int phase_comparison(const struct bench_options *options, struct results *results,
                     struct npu_error *err)
{
    bool host = !options->device || strcmp(options->device, "sim") != 0;
    unsigned first = host ? new_tables(results) : 0;
    if (options->describe) {
        phase_simulated(options, results, err);
        return run_mel(options, results, NULL, err);
    }
    size_t longest = options->lengths[options->n_lengths - 1];
    size_t n = (longest > 30 ? longest : 30) * NPU_SAMPLE_RATE;
    float *samples = subject_audio(n);
    if (!samples)
        return npu_fail(err, -ENOENT, "comparison: tests/data/librivox-sense-0870.wav is missing");
    int ret = host ? compare_all(options, results, first, samples, n, err) : 0;
    if (ret == 0)
        ret = phase_simulated(options, results, err);
    if (ret == 0)
        ret = run_mel(options, results, samples, err);
    free(samples);
    return ret;
}
