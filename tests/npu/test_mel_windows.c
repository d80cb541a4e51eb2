/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Log-mel windows shorter than 30 s, and windows that overlap, in both arithmetics: against a plain
 * double-precision reference, against windows that do not overlap, and where they lie. */
#include <errno.h>
#include <math.h>
#include <time.h>

#include "npu/npu.h"
#include "tests/check.h"
#include "tests/npu/mel_reference.h"
#include "tests/npu/mel_stream.h"

#define MELS       80
#define SAMPLES    320 /* a position */
#define LOOK_AHEAD 40  /* samples past a window that its last frame sees */

static const char *const arithmetic_names[] = {[NPU_MEL_F32] = "f32", [NPU_MEL_S16] = "s16"};

struct shape {
    unsigned window, hop; /* positions */
};

/* Multiples of four frames and not, alone and as hops. */
static const struct shape shapes[] = {{50, 50}, {50, 1}, {51, 51}, {65, 7}, {64, 63}, {250, 50}};
#define N_SHAPES (sizeof(shapes) / sizeof(shapes[0]))

struct windows {
    unsigned n, most;
    size_t values;             /* of a window */
    float *mel;                /* [n][values] */
    struct npu_mel_window *at; /* [n] */
};

static struct npu_mel *open_shape(enum npu_mel_arithmetic arithmetic, struct shape shape)
{
    struct npu_mel *mel = NULL;
    const struct npu_mel_params params = {MELS, arithmetic, shape.window, shape.hop};
    if (npu_mel_open(&mel, &params) < 0) {
        check_case(false, "open", "window %u, hop %u", shape.window, shape.hop);
        exit(check_finish());
    }
    return mel;
}

static void take(struct npu_mel *mel, struct windows *w)
{
    while (npu_mel_ready(mel)) {
        if (w->n == w->most) {
            w->most = 2 * w->most + 8;
            w->mel = realloc(w->mel, w->most * w->values * sizeof(float));
            w->at = realloc(w->at, w->most * sizeof(*w->at));
            if (!w->mel || !w->at)
                abort();
        }
        if (npu_mel_take(mel, w->mel + w->n * w->values, &w->at[w->n]))
            abort();
        w->n++;
    }
}

/* The windows of a stream pushed `chunk` at a time, 0: at random. */
static struct windows run(enum npu_mel_arithmetic arithmetic, struct shape shape, const float *x,
                          size_t n, size_t chunk)
{
    struct npu_mel *mel = open_shape(arithmetic, shape);
    struct windows w = {.values = (size_t)2 * shape.window * MELS};

    for (size_t done = 0; done < n;) {
        size_t count = chunk ? chunk : 1 + random_bits() % 50000;
        count = count < n - done ? count : n - done;
        done += npu_mel_push(mel, x + done, count);
        take(mel, &w);
    }
    npu_mel_finish(mel);
    take(mel, &w);
    npu_mel_close(&mel);
    return w;
}

static void windows_free(struct windows *w)
{
    free(w->mel);
    free(w->at);
}

/* How many windows a stream has: as many as hold all of it. */
static unsigned count_windows(struct shape shape, size_t n)
{
    unsigned windows = 0;
    for (size_t held = 0; held < n; windows++)
        held = ((size_t)windows * shape.hop + shape.window) * SAMPLES;
    return windows;
}

/* Noise of 16 bits, whose level changes every 0.1 s. */
static float *new_noise(size_t n)
{
    float *x = noise(n, 0.9), level = 1;
    for (size_t i = 0; i < n; i++) {
        if (i % 1600 == 0)
            level = (float)(random_bits() % 100 + 1) / 100;
        x[i] = rintf(x[i] * level * 32768) / 32768;
    }
    return x;
}

/* ---- Values ---------------------------------------------------------------------------------- */

static void test_reference_of(enum npu_mel_arithmetic arithmetic, struct shape shape, size_t n)
{
    /* As in the tests of 30 s. */
    const double max = arithmetic == NPU_MEL_F32 ? 5e-5 : 4e-4;
    const double rms = arithmetic == NPU_MEL_F32 ? 1e-6 : 1e-4;
    char name[96];
    float *x = new_noise(n);
    struct windows w = run(arithmetic, shape, x, n, 0);
    double *want = must_alloc(w.values * sizeof(*want));
    struct difference d = {0};
    unsigned expected = count_windows(shape, n);
    int64_t end = ((int64_t)(expected - 1) * shape.hop + shape.window) * SAMPLES;

    for (unsigned i = 0; i < w.n && i < expected;
         i += i < 2 || i + 3 > expected ? 1 : 1 + w.n / 4) {
        reference_frames(want, MELS, x, n, end, (int64_t)i * 2 * shape.hop,
                         (int)(2 * shape.window));
        for (size_t k = 0; k < w.values; k++)
            difference_add(&d, w.mel[i * w.values + k], want[k]);
    }
    snprintf(name, sizeof(name), "%s_window_%u_hop_%u_of_%zu_samples_near_double",
             arithmetic_names[arithmetic], shape.window, shape.hop, n);
    check_case(w.n == expected && d.max <= max && difference_rms(&d) <= rms, name,
               "%u windows, expected %u; max %.2e, rms %.2e over %zu values", w.n, expected, d.max,
               difference_rms(&d), d.n);
    free(want);
    windows_free(&w);
    free(x);
}

static void test_reference(enum npu_mel_arithmetic arithmetic)
{
    for (size_t i = 0; i < N_SHAPES; i++) {
        size_t window = (size_t)shapes[i].window * SAMPLES, hop = (size_t)shapes[i].hop * SAMPLES;
        test_reference_of(arithmetic, shapes[i], window + 3 * hop + 5000);
        test_reference_of(arithmetic, shapes[i], window + 2 * hop); /* reflected at real samples */
    }
}

/* A window of an overlapping stream has the same bits as in a stream without overlap, where that
 * has the window: every second one if the hop is half a window, and so on. Not all samples are
 * multiples of 2^-15, so that s16 has windows of equal and of different gains. */
static void test_alone(enum npu_mel_arithmetic arithmetic)
{
    static const struct shape overlapping[] = {
        {50, 25}, {100, 10}, {66, 33}, {51, 17}, {1500, 750}};
    for (size_t i = 0; i < sizeof(overlapping) / sizeof(overlapping[0]); i++) {
        struct shape shape = overlapping[i], alone = {shape.window, shape.window};
        unsigned times = shape.window / shape.hop, same = 0;
        size_t n = (size_t)shape.window * SAMPLES * 4 - 777;
        char name[96];
        float *x = new_noise(n);
        for (size_t k = n / 3; k < 2 * n / 3; k++)
            x[k] *= k % 3 ? 0.0123f : 0.01f;
        struct windows a = run(arithmetic, alone, x, n, 0), b = run(arithmetic, shape, x, n, 0);
        for (unsigned w = 0; w < a.n && w * times < b.n; w++) /* but the last: its end is padded */
            same += !memcmp(a.mel + w * a.values, b.mel + w * times * b.values,
                            a.values * sizeof(float));
        snprintf(name, sizeof(name), "%s_window_%u_hop_%u_as_without_overlap",
                 arithmetic_names[arithmetic], shape.window, shape.hop);
        check_case(a.n == 4 && same == 4, name, "%u of %u the same", same, a.n);
        windows_free(&a);
        windows_free(&b);
        free(x);
    }
}

static void test_chunks(enum npu_mel_arithmetic arithmetic)
{
    static const size_t chunks[] = {1, 160, 1021, 0, 0};
    for (size_t i = 0; i < N_SHAPES; i++) {
        size_t n = (size_t)(shapes[i].window + 3 * shapes[i].hop) * SAMPLES + 1234;
        char name[96];
        unsigned same = 0;
        float *x = new_noise(n);
        struct windows want = run(arithmetic, shapes[i], x, n, n);
        for (size_t k = 0; k < sizeof(chunks) / sizeof(chunks[0]); k++) {
            struct windows got = run(arithmetic, shapes[i], x, n, chunks[k]);
            bool equal =
                got.n == want.n && !memcmp(got.mel, want.mel, want.n * want.values * sizeof(float));
            for (unsigned j = 0; equal && j < want.n; j++)
                equal = got.at[j].first_sample == want.at[j].first_sample &&
                        got.at[j].n_samples == want.at[j].n_samples;
            same += equal;
            windows_free(&got);
        }
        snprintf(name, sizeof(name), "%s_window_%u_hop_%u_same_bits_for_any_chunks",
                 arithmetic_names[arithmetic], shapes[i].window, shapes[i].hop);
        check_case(same == 5, name, "%u of 5, %u windows", same, want.n);
        windows_free(&want);
        free(x);
    }
}

/* ---- Places ---------------------------------------------------------------------------------- */

/* Every length around the ends of windows: which come, where they begin, what they hold. */
static void test_places(enum npu_mel_arithmetic arithmetic)
{
    static const int around[] = {-1, 0, 1, LOOK_AHEAD - 1, LOOK_AHEAD, LOOK_AHEAD + 1};
    float *x = noise((size_t)320 * SAMPLES, 0.5);
    for (size_t i = 0; i < N_SHAPES; i++) {
        const struct shape s = shapes[i];
        unsigned right = 0, tried = 0;
        char name[96];
        for (unsigned k = 0; k < 2; k++) {
            for (size_t a = 0; a < sizeof(around) / sizeof(around[0]); a++) {
                size_t n = (size_t)((int)((s.window + k * s.hop) * SAMPLES) + around[a]);
                struct windows w = run(arithmetic, s, x, n, 0);
                bool good = w.n == count_windows(s, n);
                for (unsigned j = 0; j < w.n; j++) {
                    size_t first = (size_t)j * s.hop * SAMPLES, size = (size_t)s.window * SAMPLES;
                    good &= w.at[j].first_sample == first &&
                            w.at[j].n_samples == (n - first < size ? n - first : size);
                }
                right += good;
                tried++;
                windows_free(&w);
            }
        }
        snprintf(name, sizeof(name), "%s_window_%u_hop_%u_places", arithmetic_names[arithmetic],
                 s.window, s.hop);
        check_case(right == tried, name, "%u of %u lengths", right, tried);
    }
    struct windows none = run(arithmetic, (struct shape){50, 10}, x, 0, 1);
    struct windows one = run(arithmetic, (struct shape){50, 10}, x, 1, 1);
    check_case(none.n == 0 && one.n == 1 && one.at[0].n_samples == 1, "stream_of_none_and_of_one",
               "%u and %u windows", none.n, one.n);
    windows_free(&none);
    windows_free(&one);
    free(x);
}

/* A window is ready with the last sample that it needs, and no more samples are taken until it is
 * taken. */
static void test_ready(enum npu_mel_arithmetic arithmetic)
{
    for (size_t i = 0; i < N_SHAPES; i++) {
        const struct shape s = shapes[i];
        struct npu_mel *mel = open_shape(arithmetic, s);
        struct windows w = {.values = (size_t)2 * s.window * MELS};
        size_t n = (size_t)(s.window + 4 * s.hop) * SAMPLES + LOOK_AHEAD, at = 0;
        float *x = noise(n, 0.5);
        unsigned right = 0;
        char name[96];
        for (unsigned k = 0; k < 5; k++) {
            size_t need = (size_t)(s.window + k * s.hop) * SAMPLES + LOOK_AHEAD;
            at += npu_mel_push(mel, x + at, need - 1 - at);
            bool early = npu_mel_ready(mel);
            at += npu_mel_push(mel, x + at, n - at);
            right += !early && npu_mel_ready(mel) && at == need;
            take(mel, &w);
        }
        snprintf(name, sizeof(name), "%s_window_%u_hop_%u_comes_with_its_last_sample",
                 arithmetic_names[arithmetic], s.window, s.hop);
        check_case(right == 5 && w.n == 5, name, "%u of 5", right);
        npu_mel_close(&mel);
        windows_free(&w);
        free(x);
    }
}

static void test_open(enum npu_mel_arithmetic arithmetic)
{
    static const struct shape bad[] = {{49, 1}, {1501, 1}, {50, 51}, {0, 1501}};
    unsigned refused = 0;
    struct npu_mel *mel = NULL;
    for (size_t i = 0; i < 4; i++) {
        const struct npu_mel_params params = {MELS, arithmetic, bad[i].window, bad[i].hop};
        refused += npu_mel_open(&mel, &params) == -EINVAL && !mel;
    }
    check_case(refused == 4, "shapes_out_of_range_are_refused", "%u of 4", refused);
}

/* ---- Cost ------------------------------------------------------------------------------------ */

static double run_ms(enum npu_mel_arithmetic arithmetic, struct shape shape, const float *x,
                     size_t n)
{
    struct npu_mel *mel = open_shape(arithmetic, shape);
    struct npu_mel_window window;
    float *out = must_alloc((size_t)2 * shape.window * MELS * sizeof(*out));
    double best = 1e9;
    for (int i = 0; i < 5; i++) {
        struct timespec a, b;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
        npu_mel_reset(mel);
        for (size_t done = 0; done < n;) {
            done += npu_mel_push(mel, x + done, n - done);
            npu_mel_take(mel, out, &window);
        }
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
        double ms = (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) * 1e-6;
        best = ms < best ? ms : best;
    }
    npu_mel_close(&mel);
    free(out);
    return best;
}

/* 20 s in windows of 10 s, two of them or one every 0.2 s: 52. If each were computed from its
 * samples it would cost 26 times as much; here it is the normalising of its values: 2 to 3, 9
 * with sanitizers. */
static void test_once(enum npu_mel_arithmetic arithmetic)
{
    size_t n = (size_t)20 * 16000 + LOOK_AHEAD;
    float *x = new_noise(n);
    double two = run_ms(arithmetic, (struct shape){500, 500}, x, n);
    double many = run_ms(arithmetic, (struct shape){500, 10}, x, n);
    char name[64];
    snprintf(name, sizeof(name), "%s_frames_are_computed_once", arithmetic_names[arithmetic]);
    check_case(many < 13 * two, name, "2 windows %.2f ms, 52 windows %.2f ms", two, many);
    free(x);
}

int main(void)
{
    for (enum npu_mel_arithmetic a = NPU_MEL_F32; a <= NPU_MEL_S16; a++) {
        test_open(a);
        test_places(a);
        test_ready(a);
        test_reference(a);
        test_alone(a);
        test_chunks(a);
        test_once(a);
    }
    return check_finish();
}
