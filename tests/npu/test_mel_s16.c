/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The integer log-mel front end: golden integers (tests/data/make_mel_s16_golden.py), its distance
 * from log-mel in double, hard signals, and the stream beside the f32 front end's.
 *
 *     test_mel_s16 [CASE...]    all cases, or those named: golden bits error hard stream
 *     test_mel_s16 --bench      milliseconds per 30 s */
#include "npu/clock.h"
#include "npu/npu.h"
#include "tests/check.h"
#include "tests/npu/mel_reference.h"
#include "tests/npu/mel_stream.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>

#define W    NPU_WINDOW_SAMPLES
#define CLIP "librivox-sense-0870"

static struct result run(unsigned n_mels, const float *x, size_t n, size_t chunk)
{
    return stream_run(NPU_MEL_S16, n_mels, x, n, chunk);
}

/* ---- Golden integers ---- */

/* The signals of make_mel_s16_golden.py. */
static float *golden_signal(const char *name, size_t *n)
{
    float *x;
    if (strcmp(name, "noise") == 0) {
        uint32_t state = 1;
        x = must_alloc(sizeof(*x) * (*n = W));
        for (size_t i = 0; i < W; i++) {
            state = state * 1664525u + 1013904223u;
            x[i] = (float)((int32_t)(state >> 8) - (1 << 23)) * 0x1p-23f;
        }
    } else if (strcmp(name, "pulses") == 0) {
        x = must_alloc(sizeof(*x) * (*n = 100003));
        for (size_t i = 0; i < *n; i++)
            x[i] = i % 1999 == 0 ? 1 : i % 80 < 40 ? 1.0f / 3 : -(1.0f / 3);
    } else {
        char wav[80];
        snprintf(wav, sizeof(wav), "%s.wav", name);
        bool own = strcmp(name, CLIP) == 0;
        x = read_wav(own ? TESTS_DATA : TESTS_SHARED "/data/audio", wav, n);
    }
    return x;
}

/* A value as its integer; `odd` counts values that are not integers. */
static int to_integer(float value, unsigned *odd)
{
    float y = value * 8192;
    *odd += !(y == rintf(y) && y >= -12288 && y <= 32767);
    return (int)y;
}

static uint64_t hash_frames(const float *mel, size_t n, unsigned *odd)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < n; i++) {
        unsigned y = (unsigned)to_integer(mel[i], odd);
        hash = (hash ^ (y & 255)) * UINT64_C(0x100000001b3);
        hash = (hash ^ (y >> 8 & 255)) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* One line of mel_s16.txt. */
static void test_golden_line(char *line)
{
    char name[96], signal[64];
    int gain, at;
    unsigned n_mels, same = 0, odd = 0;
    size_t n = 0;
    if (sscanf(line, "%63s %u %d%n", signal, &n_mels, &gain, &at) != 3) {
        check_case(false, "golden_line", "cannot read: %s", line);
        return;
    }
    snprintf(name, sizeof(name), "golden_%s_%u", signal, n_mels);
    char *plus = strchr(signal, '+');
    if (plus)
        *plus = 0;
    float *x = golden_signal(signal, &n);
    if (!x) {
        check_skip(name, "no ../shared/data beside the source tree");
        return;
    }
    for (size_t i = 0; plus && i < n; i++)
        x[i] *= strtof(plus + 1, NULL);
    struct result got = run(n_mels, x, n, 0);
    const char *next = line + at;
    for (int block = 0; block < 30 && got.n_windows == 1; block++) {
        uint64_t hash = hash_frames(got.mel[0] + (size_t)block * 100 * n_mels, 100 * n_mels, &odd);
        char *end;
        same += strtoull(next, &end, 16) == hash && end != next;
        next = end;
    }
    check_case(same == 30 && odd == 0, name, "%u of 30 blocks of frames; %u no integers", same,
               odd);
    result_free(&got);
    free(x);
}

/* Some of the clip's integers themselves, so that a difference shows where and how large. */
static void test_golden_frames(void)
{
    size_t n = 0, size = 0, differ = 0;
    unsigned odd = 0;
    int worst = 0;
    float *x = read_wav(TESTS_DATA, CLIP ".wav", &n);
    unsigned char *want = read_file(TESTS_DATA, CLIP ".mel80.s16", &size);
    bool found = x && want && size == 72 * 80 * 2;
    if (found) {
        struct result got = run(80, x, n, 0);
        for (size_t i = 0; i < 72 * 80; i++) {
            int y = to_integer(got.mel[0][i / 80 * 800 + i % 80], &odd);
            int error = abs(y - (int16_t)(want[2 * i] | want[2 * i + 1] << 8));
            differ += error != 0;
            worst = error > worst ? error : worst;
        }
        result_free(&got);
    }
    check_case(found && differ == 0 && odd == 0, "golden_frames", "%zu differ, by at most %d",
               differ, worst);
    free(x);
    free(want);
}

/* The lines that begin with `start`. */
static void test_golden_lines(const char *start, unsigned expected)
{
    size_t size = 0;
    char *text = read_file(TESTS_DATA, "mel_s16.txt", &size);
    unsigned lines = 0;
    char *copy = must_alloc(size + 1), *save = NULL;
    if (text)
        memcpy(copy, text, size);
    for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (strncmp(line, start, strlen(start)) == 0) {
            test_golden_line(line);
            lines++;
        }
    }
    check_case(lines == expected, "golden_lines", "%u", lines);
    free(copy);
    free(text);
}

static void test_golden(void)
{
    test_golden_frames();
    test_golden_lines("", 19);
}

/* A short check of the bits that every processor must give. */
static void test_bits(void)
{
    test_golden_frames();
    test_golden_lines("pulses+0.1", 2);
}

/* ---- Distance from log-mel in double ---- */

/* Windows of the front end fed with x against the reference on `real`. */
static struct difference distance(unsigned n_mels, const float *x, const float *real, size_t n)
{
    double *want = must_alloc(sizeof(double) * FRAMES * n_mels);
    struct result got = run(n_mels, x, n, 0);
    struct difference d = {0};
    for (unsigned w = 0; w < got.n_windows && w < 8; w++) {
        reference_window(want, n_mels, real, n, (int)w);
        for (size_t i = 0; i < (size_t)FRAMES * n_mels; i++)
            difference_add(&d, got.mel[w][i], want[i]);
    }
    result_free(&got);
    free(want);
    return d;
}

static void distance_check(const char *name, unsigned n_mels, const float *x, const float *real,
                           size_t n, double max, double rms)
{
    char text[64];
    struct difference d = distance(n_mels, x, real, n);
    snprintf(text, sizeof(text), "%s_%u", name, n_mels);
    check_case(d.n > 0 && d.max <= max && difference_rms(&d) <= rms, text,
               "max %.2e, rms %.2e over %zu values", d.max, difference_rms(&d), d.n);
}

/* x times level, rounded to multiples of 2^-bits. */
static float *requantised(const float *x, size_t n, float level, int bits)
{
    float *y = must_alloc(sizeof(*y) * n);
    for (size_t i = 0; i < n; i++)
        y[i] = (float)ldexp(rint(ldexp((double)x[i] * level, bits)), -bits);
    return y;
}

static void test_error(void)
{
    static const struct {
        const char *name;
        float level;
        double max, rms;
    } levels[] = {{"0_db", 1, 9e-5, 6e-5},
                  {"20_db_down", 0.1f, 1.4e-4, 6e-5},
                  {"40_db_down", 0.01f, 3e-4, 6e-5}};
    size_t n = 0;
    float *clip = read_wav(TESTS_DATA, CLIP ".wav", &n);
    if (!clip) {
        check_case(false, "error", "no %s.wav", CLIP);
        return;
    }
    for (int i = 0; i < 3; i++) {
        char name[64];
        /* The same int16 samples: what the arithmetic costs. */
        float *x = requantised(clip, n, levels[i].level, 15);
        snprintf(name, sizeof(name), "error_s16_%s", levels[i].name);
        distance_check(name, 80, x, x, n, levels[i].max, levels[i].rms);
        if (i == 0)
            distance_check(name, 128, x, x, n, levels[i].max, levels[i].rms);
        free(x);
        /* 24 bits and f32: what the rounding to 16 bits after the gain costs. 0.77 keeps the 24
         * bits of the clip's 16 busy. */
        x = requantised(clip, n, 0.77f * levels[i].level, 23);
        snprintf(name, sizeof(name), "error_s24_%s", levels[i].name);
        distance_check(name, 80, x, x, n, 1.9e-2, 6e-4);
        for (size_t k = 0; k < n; k++)
            x[k] = clip[k] * 0.77f * levels[i].level;
        snprintf(name, sizeof(name), "error_f32_%s", levels[i].name);
        distance_check(name, 80, x, x, n, 1.9e-2, 6e-4);
        free(x);
    }
    free(clip);
}

/* ---- Hard signals ---- */

static void fill(float *x, size_t n, size_t period, float high, float low)
{
    for (size_t i = 0; i < n; i++)
        x[i] = i / period % 2 ? low : high;
}

static void test_loud_and_quiet(void)
{
    size_t n = 40000;
    float *x = must_alloc(sizeof(*x) * n), *real = must_alloc(sizeof(*x) * n);
    distance_check("silence", 80, x, x, n, 0, 0);
    fill(x, n, 80, 32767 / 32768.0f, -1);
    distance_check("square_100_hz", 80, x, x, n, 4e-4, 1e-4);
    fill(x, n, 1, 32767 / 32768.0f, -1);
    distance_check("square_8_khz", 128, x, x, n, 4e-4, 1e-4);
    fill(x, n, 80, 1, -1);
    distance_check("square_of_float", 80, x, x, n, 4e-4, 1e-4);
    fill(x, n, 80, 1.5f, -1); /* whole steps, but more than there are */
    distance_check("square_of_1.5", 80, x, x, n, 4e-4, 1e-4);
    for (size_t i = 0; i < n; i++)
        x[i] = i % 4001 == 0 ? 32767 / 32768.0f : 0;
    distance_check("clicks", 80, x, x, n, 4e-4, 1e-4);
    fill(x, n, 37, 1e4f, -1e4f); /* gain 2^-14 */
    distance_check("loudest", 128, x, x, n, 4e-4, 1e-4);
    fill(x, n, 37, 2e-5f, -2e-5f); /* 2 / 3 of an s16 step: the gain saves it */
    distance_check("quieter_than_s16", 80, x, x, n, 1e-3, 1e-4);
    fill(x, n, 37, 1e-30f, -1e-45f); /* below the floor of 1e-10, beyond the largest gain */
    distance_check("denormal", 80, x, real, n, 0, 0);
    for (size_t i = 0; i < n; i++)
        x[i] = real[i] = 0.999f * (float)random_unit();
    x[777] = real[777] = nextafterf(1, 0); /* 32768 after rounding: one more than there is */
    x[778] = real[778] = -x[777];
    distance_check("just_below_1", 80, x, real, n, 4e-4, 1e-4);
    free(x);
    free(real);
}

static void test_hostile(void)
{
    static const float values[] = {NAN, -NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 1e-45f, -1e-40f};
    size_t n = 50000;
    float *x = noise(n, 1.0), *tame = must_alloc(sizeof(*x) * n);
    for (size_t i = 0; i < n; i++) {
        if (random_bits() % 3 == 0)
            x[i] = values[random_bits() % 8];
        tame[i] = x[i] != x[i] ? 0 : fmaxf(-1e4f, fminf(1e4f, x[i]));
    }
    unsigned odd = 0;
    struct result got = run(128, x, n, 0), want = run(128, tame, n, 0);
    for (size_t i = 0; i < (size_t)FRAMES * 128 && got.n_windows; i++)
        to_integer(got.mel[0][i], &odd);
    check_case(got.n_windows == 1 && odd == 0 && result_equal(&want, &got), "hostile",
               "as NaN = 0, limit 1e4; %u values out of range", odd);
    distance_check("hostile", 128, tame, tame, n, 2e-2, 6e-4);
    result_free(&got);
    result_free(&want);
    free(x);
    free(tame);
}

static void test_hard(void)
{
    test_loud_and_quiet();
    test_hostile();
}

/* ---- The stream ---- */

/* Samples of 16 bits so that gains do not differ between windows. */
static float *noise_s16(size_t n, double amplitude)
{
    float *x = noise(n, amplitude);
    for (size_t i = 0; i < n; i++)
        x[i] = rintf(x[i] * 32768) / 32768;
    return x;
}

static void test_chunking(unsigned n_mels)
{
    static const size_t chunks[] = {1, 160, 1021, W + 1, 0, 0};
    size_t n = 2 * W + 123457;
    float *x = noise(n, 0.5);
    for (size_t i = W; i < n; i++)
        x[i] *= 0.01f; /* another gain */
    struct result want = run(n_mels, x, n, n);
    for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
        char name[64];
        snprintf(name, sizeof(name), "chunks_of_%zu_%zu_%u", chunks[i], i, n_mels);
        uint64_t before = seed;
        struct result got = run(n_mels, x, n, chunks[i]);
        check_case(want.n_windows == 3 && result_equal(&want, &got), name,
                   "%u and %u windows, seed %llu", want.n_windows, got.n_windows,
                   (unsigned long long)before);
        result_free(&got);
    }
    result_free(&want);
    free(x);
}

/* Frames at a window's edges see the samples beyond it; only the last window's end is reflected. */
static void test_neighbours(void)
{
    static const size_t lengths[] = {W, W + 20, W + 50000};
    float *x = noise_s16(W + 50000, 0.9);
    for (size_t i = 0; i < W + 50000; i++)
        x[i] = i > W - 5000 ? x[i] : 0; /* so that the reference is quick, and the edge decides */
    for (int i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof(name), "edges_%zu", lengths[i]);
        distance_check(name, 80, x, x, lengths[i], 4e-4, 1e-4);
    }
    free(x);
}

/* The same samples are consumed, the same windows come out at the same time as in f32. */
static void test_beside_f32(void)
{
    static const size_t lengths[] = {0, 1, 199, 201, W - 1, W, W + 39, W + 40, W + 41, 2 * W};
    float *x = noise_s16(2 * W, 0.5);
    unsigned differ = 0;
    double worst = 0;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        size_t n = lengths[i], chunk = 1 + random_bits() % 200000;
        struct result a = stream_run(NPU_MEL_F32, 80, x, n, chunk), b = run(80, x, n, chunk);
        differ += a.n_windows != b.n_windows || a.n_windows != (n + W - 1) / W;
        for (unsigned w = 0; w < a.n_windows && w < b.n_windows; w++) {
            differ += a.window[w].first_sample != b.window[w].first_sample ||
                      a.window[w].n_samples != b.window[w].n_samples;
            for (size_t k = 0; k < (size_t)FRAMES * 80; k++) {
                double error = fabsf(a.mel[w][k] - b.mel[w][k]);
                worst = error > worst || error != error ? error : worst;
            }
        }
        result_free(&a);
        result_free(&b);
    }
    check_case(differ == 0 && worst < 2e-4, "windows_as_in_f32", "%u differ, values by %.2e",
               differ, worst);
    free(x);
}

static void test_push_stops(void)
{
    struct npu_mel *mel = must_open(80, NPU_MEL_S16);
    float *x = noise(W + 1000, 0.5), *out = must_alloc(WINDOW_BYTES);
    struct npu_mel_window window;
    size_t first = npu_mel_push(mel, x, W + 39);
    bool early = npu_mel_ready(mel);
    int early_take = npu_mel_take(mel, out, &window);
    size_t second = npu_mel_push(mel, x + W + 39, 961), third = npu_mel_push(mel, x, 1);
    check_case(!early && early_take == -EAGAIN && first == W + 39 && second == 1 && third == 0 &&
                   npu_mel_ready(mel),
               "push_stops", "took %zu, %zu, %zu; take %d", first, second, third, early_take);
    int taken = npu_mel_take(mel, out, &window);
    size_t fourth = npu_mel_push(mel, x, 100);
    check_case(taken == 0 && fourth == 100 && !npu_mel_ready(mel), "push_goes_on",
               "take %d, push %zu", taken, fourth);
    npu_mel_close(&mel);
    npu_mel_close(&mel); /* NULL is accepted */
    free(x);
    free(out);
}

static void test_reset(void)
{
    float *x = noise(W + 5000, 0.5);
    struct result want = run(80, x, W + 5000, 0);
    struct npu_mel *mel = must_open(80, NPU_MEL_S16);
    npu_mel_push(mel, x + 77, 4321);
    npu_mel_reset(mel);
    struct result middle = run_on(mel, 80, x, W + 5000, 0);
    npu_mel_finish(mel); /* a second time: nothing more comes */
    bool quiet = !npu_mel_ready(mel);
    npu_mel_reset(mel);
    struct result after = run_on(mel, 80, x, W + 5000, 0);
    struct result again = run_on(mel, 80, x, W + 5000, 0);
    check_case(result_equal(&want, &middle), "reset_within", "as a fresh one");
    check_case(quiet && result_equal(&want, &after), "reset_after_finish", "as a fresh one");
    check_case(result_equal(&want, &again), "push_after_finish", "starts anew");
    npu_mel_close(&mel);
    result_free(&want);
    result_free(&middle);
    result_free(&after);
    result_free(&again);
    free(x);
}

static void test_open(void)
{
    struct npu_mel *mel = NULL;
    int odd = npu_mel_open(&mel, &(struct npu_mel_params){81, NPU_MEL_S16, 0, 0});
    int other = npu_mel_open(&mel, &(struct npu_mel_params){80, (enum npu_mel_arithmetic)2, 0, 0});
    check_case(odd == -EINVAL && other == -EINVAL && !mel, "open_refuses", "%d and %d", odd, other);
}

static void test_stream(void)
{
    test_open();
    test_chunking(80);
    test_chunking(128);
    test_neighbours();
    test_beside_f32();
    test_push_stops();
    test_reset();
}

/* ---- Speed ---- */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void bench(unsigned n_mels)
{
    enum { RUNS = 21 };
    double ms[RUNS];
    struct npu_mel *mel = must_open(n_mels, NPU_MEL_S16);
    float *x = noise(W, 0.5), *out = must_alloc(WINDOW_BYTES);
    struct npu_mel_window window;
    for (int i = 0; i < RUNS; i++) {
        uint64_t begin = npu_now_ns();
        npu_mel_push(mel, x, W);
        npu_mel_finish(mel);
        npu_mel_take(mel, out, &window);
        npu_mel_reset(mel);
        ms[i] = (double)(npu_now_ns() - begin) * 1e-6;
    }
    qsort(ms, RUNS, sizeof(ms[0]), compare_doubles);
    printf("integer log-mel of 30 s, %u mels: min %.2f ms, median %.2f ms of %d\n", n_mels, ms[0],
           ms[RUNS / 2], RUNS);
    npu_mel_close(&mel);
    free(x);
    free(out);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } cases[] = {{"golden", test_golden},
                 {"bits", test_bits},
                 {"error", test_error},
                 {"hard", test_hard},
                 {"stream", test_stream}};
    if (argc > 1 && strcmp(argv[1], "--bench") == 0) {
        bench(80);
        bench(128);
        return 0;
    }
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool wanted = argc == 1;
        for (int a = 1; a < argc; a++)
            wanted |= strcmp(argv[a], cases[i].name) == 0;
        if (wanted)
            cases[i].run();
    }
    if (check_passed + check_failed + check_skipped == 0)
        check_case(false, "arguments", "no case is called so");
    return check_finish();
}
