/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The log-mel front end against stored float64 values, an independent double-precision reference,
 * and itself in other chunkings. --bench: milliseconds per 30 s. */
#include "npu/clock.h"
#include "npu/mel/f32.h"
#include "npu/mel/fft.h"
#include "npu/npu.h"
#include "tests/check.h"
#include "tests/npu/mel_reference.h"
#include "tests/npu/mel_stream.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdint.h>

#define W             NPU_WINDOW_SAMPLES
#define MAX_ERROR     5e-5
#define MAX_RMS_ERROR 1e-6

static struct result run(unsigned n_mels, const float *x, size_t n, size_t chunk)
{
    return stream_run(NPU_MEL_F32, n_mels, x, n, chunk);
}

/* limit: 1 for speech; other signals may ask for a multiple of its error. */
static void difference_check(const struct difference *d, const char *name, double limit)
{
    check_case(d->n > 0 && d->max <= limit * MAX_ERROR &&
                   difference_rms(d) <= limit * MAX_RMS_ERROR,
               name, "max %.2e, rms %.2e over %zu values", d->max, difference_rms(d), d->n);
}

/* ---- Stored values ---- */

static void test_golden_clip(const char *clip)
{
    char name[128], wav[128], golden[128];
    snprintf(name, sizeof(name), "golden_%s", clip);
    snprintf(wav, sizeof(wav), "%s.wav", clip);
    snprintf(golden, sizeof(golden), "%s.mel.f32", clip);
    size_t n = 0, size = 0;
    float *x = read_wav(TESTS_SHARED "/data/audio", wav, &n);
    float *want = read_file(TESTS_SHARED "/data/golden", golden, &size);
    if (!x || size != sizeof(float) * 80 * FRAMES) {
        check_skip(name, "no ../shared/data beside the source tree");
    } else {
        struct result got = run(80, x, n, 0);
        struct difference d = {0};
        for (int i = 0; i < 80 && got.n_windows == 1; i++) {
            for (int t = 0; t < FRAMES; t++)
                difference_add(&d, got.mel[0][t * 80 + i], want[i * FRAMES + t]);
        }
        difference_check(&d, name, 1);
        result_free(&got);
    }
    free(x);
    free(want);
}

/* Every 50th frame, [60][n_mels], as make_mel_golden.py in the same folder writes it. */
static void test_golden_frames(unsigned n_mels)
{
    char name[64], golden[64];
    snprintf(name, sizeof(name), "golden_frames_%u", n_mels);
    snprintf(golden, sizeof(golden), "librivox-sense-0870.mel%u.f32", n_mels);
    size_t n = 0, size = 0;
    float *x = read_wav(TESTS_DATA, "librivox-sense-0870.wav", &n);
    float *want = read_file(TESTS_DATA, golden, &size);
    struct difference d = {0};
    if (x && size == sizeof(float) * 60 * n_mels) {
        struct result got = run(n_mels, x, n, 0);
        for (unsigned t = 0; t < 60 && got.n_windows == 1; t++) {
            for (unsigned i = 0; i < n_mels; i++)
                difference_add(&d, got.mel[0][50 * t * n_mels + i], want[t * n_mels + i]);
        }
        result_free(&got);
    }
    difference_check(&d, name, 1);
    free(x);
    free(want);
}

/* ---- The reference ---- */

static void test_signal(const char *signal, unsigned n_mels, const float *x, size_t n, double limit)
{
    double *want = must_alloc(sizeof(double) * FRAMES * n_mels);
    struct result got = run(n_mels, x, n, 0);
    struct difference d = {0};
    for (unsigned w = 0; w < got.n_windows && w < 8; w++) {
        reference_window(want, n_mels, x, n, (int)w);
        for (size_t i = 0; i < (size_t)FRAMES * n_mels; i++)
            difference_add(&d, got.mel[w][i], want[i]);
    }
    char name[64];
    snprintf(name, sizeof(name), "reference_%s_%u", signal, n_mels);
    difference_check(&d, name, limit);
    result_free(&got);
    free(want);
}

static void test_signals(unsigned n_mels)
{
    size_t n = 40000;
    float *x = noise(n, 1.0);
    test_signal("noise", n_mels, x, n, 1);
    test_signal("short_150", n_mels, x, 150, 1);
    for (size_t i = 0; i < n; i++)
        x[i] *= 1e-4f;
    test_signal("quiet_noise", n_mels, x, n, 1);
    memset(x, 0, sizeof(*x) * n);
    test_signal("silence", n_mels, x, n, 1);
    x[12345] = 1;
    test_signal("impulse", n_mels, x, n, 1);
    for (size_t i = 0; i < n; i++)
        x[i] = 0.5f;
    test_signal("dc", n_mels, x, n, 1);
    for (size_t i = 0; i < n; i++)
        x[i] = i / 37 % 2 ? 1 : -1;
    /* A pure tone's empty bins hold the rounding of its strong ones, and 8 decades are kept. */
    test_signal("square", n_mels, x, n, 4);
    free(x);
}

/* Frames at a window's edges see the samples beyond it; only the last window's end is reflected. */
static void test_neighbours(void)
{
    size_t lengths[] = {W, W + 20, 2 * W};
    float *x = noise(2 * W, 0.3);
    for (size_t i = 0; i < 2 * W; i++)
        x[i] *= i > W - 300 && i < W + 300 ? 3.0f : 0.1f; /* so that the edge decides */
    for (int i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof(name), "edges_%zu", lengths[i]);
        test_signal(name, 80, x, lengths[i], 1);
    }
    free(x);
}

/* ---- The stream ---- */

static void test_chunking(unsigned n_mels)
{
    static const size_t chunks[] = {1, 7, 160, 1021, 48000, W + 1, 0, 0, 0, 0};
    size_t n = 2 * W + 123457;
    float *x = noise(n, 0.5);
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

static void test_boundaries(void)
{
    static const size_t lengths[] = {0,      1,         199,   200,       201,
                                     479999, W,         W + 1, W + 39,    W + 40,
                                     W + 41, 2 * W - 1, 2 * W, 2 * W + 1, 2 * W + 40};
    float *x = noise(2 * W + 40, 0.5);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        size_t n = lengths[i], windows = (n + W - 1) / W;
        struct result got = run(80, x, n, 0);
        bool ok = got.n_windows == windows;
        for (size_t w = 0; ok && w < windows; w++) {
            size_t left = n - w * W;
            ok = got.window[w].first_sample == w * W &&
                 got.window[w].n_samples == (left < W ? left : W);
        }
        char name[64];
        snprintf(name, sizeof(name), "length_%zu", n);
        check_case(ok, name, "%u windows, last of %u samples", got.n_windows,
                   got.n_windows ? got.window[got.n_windows - 1].n_samples : 0);
        result_free(&got);
    }
    free(x);
}

static void test_push_stops(void)
{
    struct npu_mel *mel = must_open(80, NPU_MEL_F32);
    float *x = noise(W + 1000, 0.5), *out = must_alloc(WINDOW_BYTES);
    struct npu_mel_window window;
    bool early = npu_mel_ready(mel);
    size_t first = npu_mel_push(mel, x, W + 39);
    early |= npu_mel_ready(mel);
    int early_take = npu_mel_take(mel, out, &window);
    size_t second = npu_mel_push(mel, x + W + 39, 961), third = npu_mel_push(mel, x, 1);
    bool ready = npu_mel_ready(mel);
    check_case(!early && early_take == -EAGAIN && first == W + 39 && second == 1 && third == 0 &&
                   ready,
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
    struct result got = run(128, x, n, 0), want = run(128, tame, n, 0);
    bool finite = got.n_windows == 1;
    for (size_t i = 0; finite && i < (size_t)FRAMES * 128; i++)
        finite = isfinite(got.mel[0][i]) && fabsf(got.mel[0][i]) < 8;
    check_case(finite && result_equal(&want, &got), "hostile", "as NaN = 0, limit 1e4");
    test_signal("loud", 80, tame, n, 1);
    result_free(&got);
    result_free(&want);
    free(x);
    free(tame);
}

static void test_reset(void)
{
    float *x = noise(W + 5000, 0.5);
    struct result want = run(80, x, W + 5000, 0);
    struct npu_mel *mel = must_open(80, NPU_MEL_F32);
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
    npu_mel_push(mel, x, W + 5000);
    npu_mel_reset(mel); /* a window waits */
    struct result waiting = run_on(mel, 80, x, W + 5000, 0);
    check_case(result_equal(&want, &waiting), "reset_when_ready", "as a fresh one");
    npu_mel_close(&mel);
    result_free(&want);
    result_free(&middle);
    result_free(&after);
    result_free(&again);
    result_free(&waiting);
    free(x);
}

static void test_open(void)
{
    struct npu_mel *mel = NULL;
    int odd = npu_mel_open(&mel, &(struct npu_mel_params){.n_mels = 81});
    int none = npu_mel_open(&mel, &(struct npu_mel_params){.n_mels = 0});
    check_case(odd == -EINVAL && none == -EINVAL && !mel, "open_refuses", "%d and %d", odd, none);
}

struct thread_work {
    pthread_t thread;
    float *x;
    struct result want;
    unsigned different;
};

static void *thread_main(void *arg)
{
    struct thread_work *work = arg;
    for (int i = 0; i < 30; i++) {
        struct result got = run(80, work->x, 100000, 4096);
        work->different += !result_equal(&work->want, &got);
        result_free(&got);
    }
    return NULL;
}

/* Opening and running on several threads at once, each with its own samples. */
static void test_threads(void)
{
    struct thread_work work[4] = {{0}};
    unsigned different = 0;
    for (int i = 0; i < 4; i++) {
        work[i].x = noise(100000, 0.5);
        work[i].want = run(80, work[i].x, 100000, 4096);
    }
    for (int i = 0; i < 4; i++) {
        if (pthread_create(&work[i].thread, NULL, thread_main, &work[i]) != 0)
            exit(1);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(work[i].thread, NULL);
        different += work[i].different + (work[i].want.n_windows != 1);
        result_free(&work[i].want);
        free(work[i].x);
    }
    check_case(different == 0, "threads", "%u of 120 windows differ", different);
}

/* ---- The parts ---- */

static void test_log10(void)
{
    double far_ulp = 0, near_relative = 0;
    for (uint32_t bits = 0x00800000; bits < 0x7f800000 - 291; bits += 97 * 4) {
        npu_i32x4 raw = {(int)bits, (int)bits + 97, (int)bits + 194, (int)bits + 291};
        npu_f32x4 x = (npu_f32x4)raw, y = npu_log10_f32x4(x);
        for (int i = 0; i < 4; i++) {
            double want = log10((double)x[i]), error = fabs((double)y[i] - want);
            int exponent;
            frexp(want, &exponent);
            if (x[i] <= 0.5f || x[i] >= 2)
                far_ulp = fmax(far_ulp, error / ldexp(1, exponent - 24));
            else if (want != 0)
                near_relative = fmax(near_relative, error / fabs(want));
        }
    }
    npu_f32x4 one = npu_log10_f32x4((npu_f32x4){1, 1, 1, 1});
    check_case(far_ulp < 2 && near_relative < 2.5e-7 && one[0] == 0, "log10",
               "%.3f ulp; %.2e of the value between 0.5 and 2", far_ulp, near_relative);
}

#ifdef TESTS_OWN_FFT
static void test_fft(void)
{
    struct npu_fft fft;
    npu_f32x4 x[400], spectrum[402];
    double worst = 0;
    npu_fft_init(&fft);
    for (int round = 0; round < 100; round++) {
        float in[4][400] = {{0}};
        double norm[4] = {0};
        for (int i = 0; i < 400; i++) {
            in[0][i] = (float)random_unit();
            in[1][i] = i == round * 4 % 400;
            in[2][i] = (float)cos(2 * PI * i * round * 2 / 400);
            in[3][i] = (float)ldexp(random_unit(), (int)(random_bits() % 20));
            for (int lane = 0; lane < 4; lane++)
                norm[lane] += in[lane][i] * in[lane][i];
            x[i] = (npu_f32x4){in[0][i], in[1][i], in[2][i], in[3][i]};
        }
        npu_fft_run(&fft, spectrum, x);
        for (int k = 0; k < 201; k++) {
            for (int lane = 0; lane < 4; lane++) {
                double re = 0, im = 0;
                for (int i = 0; i < 400; i++) {
                    re += in[lane][i] * cos(2 * PI * (i * k % 400) / 400);
                    im -= in[lane][i] * sin(2 * PI * (i * k % 400) / 400);
                }
                double e = hypot(spectrum[2 * k][lane] - re, spectrum[2 * k + 1][lane] - im);
                worst = fmax(worst, e / (20 * sqrt(norm[lane])));
            }
        }
    }
    check_case(worst < 2e-7, "fft", "%.2e of 20 times the norm", worst);
}
#endif

/* ---- Speed ---- */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void bench(unsigned n_mels)
{
    enum { RUNS = 201 };
    double ms[RUNS];
    struct npu_mel *mel = must_open(n_mels, NPU_MEL_F32);
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
    printf("log-mel of 30 s, %u mels: min %.3f ms, median %.3f ms of %d\n", n_mels, ms[0],
           ms[RUNS / 2], RUNS);
    npu_mel_close(&mel);
    free(x);
    free(out);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--bench") == 0) {
        bench(80);
        bench(128);
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "threads") == 0) {
        test_threads();
        return check_finish();
    }
    test_open();
    test_push_stops();
    test_log10();
#ifdef TESTS_OWN_FFT
    test_fft();
#endif
    test_golden_clip("jfk");
    test_golden_clip("librivox-sense-0870");
    test_golden_clip("librivox-sense-0880");
    test_golden_clip("librivox-sense-0890");
    test_golden_frames(80);
    test_golden_frames(128);
    test_signals(80);
    test_signals(128);
    test_neighbours();
    test_boundaries();
    test_chunking(80);
    test_chunking(128);
    test_hostile();
    test_reset();
    test_threads();
    return check_finish();
}
