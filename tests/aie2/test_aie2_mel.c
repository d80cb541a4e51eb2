/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Log-mel on a core against kernels/ref: the transform on signals that reach its ends, bank and
 * logarithm on spectra of every magnitude, the whole on sound. Argument: a WAV file, 16 kHz mono 16
 * bit. */
#include "kernels/aie2/mel_pack.h"
#include "tests/aie2/kit.h"
#include "tests/check.h"

#include <math.h>

enum { FRAMES = NPU_MEL_PASS, BINS = NPU_MEL_BINS, SPECTRUM = NPU_MEL_SPECTRUM };

enum { OBJECT, JOB, X, C, BLOCKS, SPECTRA, Y, CLAMPED, BUFFERS };

struct core {
    struct kit_buffer b[BUFFERS];
    int32_t *constants;
    struct npu_mel_tables *tables;
};

static void core_open(struct core *core, int n_mels)
{
    const size_t bytes[BUFFERS] = {
        4096, 4096, 5632, 3200, 12800, 26624, (size_t)n_mels * 32, (size_t)n_mels * 32};
    for (int i = 0; i < BUFFERS; i++)
        core->b[i] = kit_buffer_new(bytes[i]);
    core->constants = malloc(sizeof(int32_t) * NPU_MEL_OBJECTS * NPU_MEL_CONSTANTS);
    core->tables = malloc(sizeof(*core->tables));
    if (!core->constants || !core->tables)
        exit(1);
    npu_mel_tables_init(core->tables, n_mels);
    npu_mel_pack_constants(core->constants, core->tables);
}

/* Returns whether nothing outside the buffers was written. */
static bool core_close(struct core *core)
{
    bool intact = true;
    for (int i = 0; i < BUFFERS; i++) {
        intact &= kit_buffer_intact(&core->b[i]);
        kit_buffer_free(&core->b[i]);
    }
    free(core->constants);
    free(core->tables);
    return intact;
}

static void core_job(const struct core *core, int gain, int floor)
{
    struct npu_core_mel job;
    npu_mel_pack_job(&job, core->tables, gain);
    job.floor = floor;
    memcpy(core->b[OBJECT].data, &job, sizeof(job));
    npu_job_begin(core->b[OBJECT].data, core->b[JOB].data, NULL, NULL);
}

/* x: 2816 samples. */
static void core_transform(const struct core *core, const int16_t *x)
{
    memcpy(core->b[X].data, x, sizeof(*x) * NPU_MEL_X);
    npu_logmel_begin(core->b[X].data, core->b[BLOCKS].data);
    for (int i = 0; i < NPU_MEL_OBJECTS; i++) {
        memcpy(core->b[C].data, core->constants + i * NPU_MEL_CONSTANTS, 4 * NPU_MEL_CONSTANTS);
        npu_logmel_dft(core->b[C].data, core->b[BLOCKS].data, core->b[SPECTRA].data, i);
    }
}

/* Where the core keeps part 0 (real) or 1 (imaginary) of a bin, as aie2.h states it. */
static int32_t *core_bin(const struct core *core, int bin, int part)
{
    int32_t *spectrum = core->b[SPECTRA].data;
    int i = bin > 100 ? 200 - bin : bin;
    return spectrum + (((i / 4 * 2 + part) * 2 + (bin > 100)) * 4 + i % 4) * FRAMES;
}

static const char *compare_spectrum(const struct core *core, const int32_t *expected)
{
    static char why[128];
    for (int bin = 0; bin < BINS; bin++) {
        for (int part = 0; part < 2; part++) {
            for (int f = 0; f < FRAMES; f++) {
                int32_t seen = core_bin(core, bin, part)[f];
                int32_t right = expected[f * SPECTRUM + part * BINS + bin];
                if (seen == right)
                    continue;
                snprintf(why, sizeof(why), "bin %d, part %d, frame %d: %d, expected %d", bin, part,
                         f, seen, right);
                return why;
            }
        }
    }
    return NULL;
}

static const char *compare_mel(const struct core *core, int buffer, const int16_t *expected)
{
    static char why[128];
    const int16_t *y = core->b[buffer].data;
    int n_mels = core->tables->n_mels;
    for (int i = 0; i < FRAMES * n_mels; i++) {
        if (y[i] == expected[i])
            continue;
        snprintf(why, sizeof(why), "frame %d, mel %d: %d, expected %d", i / n_mels, i % n_mels,
                 y[i], expected[i]);
        return why;
    }
    return NULL;
}

/* Samples +-32767 (or -32768) with the signs of one row of the transform: its largest sum. */
static void fill_worst(int16_t *x, const struct npu_mel_tables *t, int row)
{
    for (int i = 0; i < NPU_MEL_X; i++)
        x[i] = t->hi[row][i % NPU_MEL_FRAME] < 0 ? -32768 : 32767;
}

static void check_transform(void)
{
    static int32_t expected[FRAMES * SPECTRUM];
    int16_t x[NPU_MEL_X];
    const char *why = NULL;
    int32_t most = 0;
    int runs = 0;
    struct core core;
    core_open(&core, 80);
    for (int i = 0; i < KIT_PATTERNS + 80 && !why; i++, runs++) {
        for (int j = 0; j < NPU_MEL_X; j++)
            x[j] = kit_s16((enum kit_pattern)(i % KIT_PATTERNS), (size_t)j);
        if (i >= KIT_PATTERNS)
            fill_worst(x, core.tables, (i - KIT_PATTERNS) * 5);
        core_transform(&core, x);
        npu_mel_dft_s16_ref(expected, x, FRAMES, core.tables);
        why = compare_spectrum(&core, expected);
        for (int j = 0; j < FRAMES * SPECTRUM; j++)
            most = abs(expected[j]) > most ? abs(expected[j]) : most;
    }
    if (!core_close(&core))
        why = "wrote outside a buffer";
    if (why)
        check_case(false, "mel_transform_equals_ref", "run %d: %s", runs, why);
    else
        check_case(true, "mel_transform_equals_ref", "%d runs, largest 2^%.2f", runs, log2(most));
}

/* Frame f of magnitude 2^bits, of one of six shapes. */
static void fill_spectrum(int32_t *s, int shape, double bits)
{
    double most = fmin(exp2(bits), exp2(30.7));
    int spike = kit_range(0, BINS - 1);
    for (int k = 0; k < BINS; k++) {
        double re = 0, im = 0;
        if (shape == 0) { /* any phase, full magnitude */
            double phase = kit_range(0, 6283) * 1e-3;
            re = most * cos(phase);
            im = most * sin(phase);
        } else if (shape == 1) { /* a smooth decay over 20 bits */
            re = most * exp2(-k * 0.1);
            im = -re / 3;
        } else if (shape == 2) { /* one bin */
            re = k == spike ? -most : 0;
        } else if (shape == 3) { /* small beside one large */
            im = k == spike ? most : kit_range(-3, 3);
        } else if (shape == 4) { /* powers of two and neighbours */
            re = k % 3 ? floor(most) : floor(most) - 1;
        } /* else silence */
        s[k] = (int32_t)re;
        s[BINS + k] = (int32_t)im;
    }
}

static void set_spectrum(const struct core *core, const int32_t *s)
{
    memset(core->b[SPECTRA].data, 0, core->b[SPECTRA].bytes);
    for (int bin = 0; bin < BINS; bin++)
        for (int part = 0; part < 2; part++)
            for (int f = 0; f < FRAMES; f++)
                core_bin(core, bin, part)[f] = s[f * SPECTRUM + part * BINS + bin];
}

static void check_bank(int n_mels)
{
    static int32_t s[FRAMES * SPECTRUM];
    static int64_t sum[FRAMES * NPU_MEL_MOST];
    static int16_t expected[FRAMES * NPU_MEL_MOST];
    static const int gains[] = {NPU_MEL_GAIN_MIN, -1, 0, 3, NPU_MEL_GAIN_MAX};
    int32_t exponent[FRAMES];
    const char *why = NULL;
    char name[64];
    int runs = 0, largest = 0;
    struct core core;
    core_open(&core, n_mels);
    for (int round = 0; round < 400 && !why; round++, runs++) {
        int gain = gains[round % 5];
        for (int f = 0; f < FRAMES; f++)
            fill_spectrum(s + f * SPECTRUM, (round + f) % 6,
                          round < 31 ? round : kit_range(0, 3070) * 0.01);
        set_spectrum(&core, s);
        core_job(&core, gain, 0);
        npu_logmel_finish(core.b[JOB].data, core.b[SPECTRA].data, core.b[Y].data);
        npu_mel_bank_s32_ref(sum, exponent, s, FRAMES, core.tables);
        npu_mel_log_s64_ref(expected, sum, exponent, FRAMES, gain, core.tables);
        why = compare_mel(&core, Y, expected);
        for (int f = 0; f < FRAMES; f++)
            largest = exponent[f] > largest ? exponent[f] : largest;
    }
    if (!core_close(&core))
        why = "wrote outside a buffer";
    snprintf(name, sizeof(name), "mel_%d_bank_and_log_equal_ref", n_mels);
    if (why)
        check_case(false, name, "round %d: %s", runs, why);
    else
        check_case(true, name, "%d x 16 spectra, exponents to %d", runs, largest);
}

/* Samples of the file, or of a generator, as the passes take them. */
enum sound { CLIP, QUIET, SILENCE, SQUARE, CLICKS, SOUNDS };
static const char *const sound_names[] = {"clip", "clip_at_-40_dB", "silence", "square", "clicks"};

static void fill_sound(int16_t *x, size_t n, enum sound sound, const int16_t *clip)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = 0;
        if (sound == CLIP)
            x[i] = clip[i];
        else if (sound == QUIET)
            x[i] = (int16_t)lrint(clip[i] * 0.01);
        else if (sound == SQUARE)
            x[i] = i / 40 % 2 ? 32767 : -32768;
        else if (sound == CLICKS)
            x[i] = i % 1777 == 0 ? 32767 : 0;
    }
}

enum { PASSES = 20 };

static const char *run_sound(const struct core *core, const int16_t *x)
{
    static int16_t expected[PASSES * FRAMES * NPU_MEL_MOST];
    static int32_t spectrum[FRAMES * SPECTRUM];
    static int64_t sum[FRAMES * NPU_MEL_MOST];
    int32_t exponent[FRAMES];
    size_t pass_values = (size_t)FRAMES * (size_t)core->tables->n_mels;
    const char *why = NULL;
    int most = -32768;

    core_job(core, 0, 0);
    for (int pass = 0; pass < PASSES && !why; pass++) {
        const int16_t *from = x + pass * FRAMES * NPU_MEL_HOP;
        int16_t *y = expected + (size_t)pass * pass_values;
        npu_mel_dft_s16_ref(spectrum, from, FRAMES, core->tables);
        npu_mel_bank_s32_ref(sum, exponent, spectrum, FRAMES, core->tables);
        npu_mel_log_s64_ref(y, sum, exponent, FRAMES, 0, core->tables);
        core_transform(core, from);
        npu_logmel_finish(core->b[JOB].data, core->b[SPECTRA].data, core->b[Y].data);
        why = compare_mel(core, Y, y);
        for (size_t i = 0; i < pass_values; i++)
            most = y[i] > most ? y[i] : most;
    }
    if (why)
        return why;
    /* The second launch gets the first one's values. */
    static int16_t before[PASSES * FRAMES * NPU_MEL_MOST];
    memcpy(before, expected, sizeof(before));
    npu_mel_clamp_s16_ref(expected, PASSES * pass_values);
    core_job(core, 0, most - NPU_MEL_RANGE);
    for (int pass = 0; pass < PASSES && !why; pass++) {
        memcpy(core->b[Y].data, before + (size_t)pass * pass_values, pass_values * 2);
        npu_logmel_clamp(core->b[JOB].data, core->b[Y].data, core->b[CLAMPED].data);
        why = compare_mel(core, CLAMPED, expected + (size_t)pass * pass_values);
    }
    return why;
}

static void check_sound(int n_mels, const int16_t *clip)
{
    static int16_t x[PASSES * FRAMES * NPU_MEL_HOP + NPU_MEL_X];
    struct core core;
    char name[64];
    for (int sound = 0; sound < SOUNDS; sound++) {
        snprintf(name, sizeof(name), "mel_%d_%s_equals_ref", n_mels, sound_names[sound]);
        if (!clip && sound <= QUIET) {
            check_skip(name, "no WAV file");
            continue;
        }
        core_open(&core, n_mels);
        fill_sound(x, sizeof(x) / sizeof(x[0]), (enum sound)sound, clip);
        const char *why = run_sound(&core, x);
        if (!core_close(&core))
            why = "wrote outside a buffer";
        check_case(!why, name, "%s", why ? why : "320 frames");
    }
}

/* The samples of a file whose header has 44 bytes, from its second second on; transfer full. */
static int16_t *read_clip(const char *path)
{
    size_t n = PASSES * FRAMES * NPU_MEL_HOP + NPU_MEL_X;
    int16_t *x = malloc(sizeof(*x) * n);
    FILE *file = path ? fopen(path, "rb") : NULL;
    bool ok = x && file && !fseek(file, 44 + 32000, SEEK_SET) && fread(x, sizeof(*x), n, file) == n;
    if (file)
        fclose(file);
    if (ok)
        return x;
    free(x);
    return NULL;
}

int main(int argc, char **argv)
{
    int16_t *clip = read_clip(argc > 1 ? argv[1] : NULL);
    kit_start();
    check_transform();
    for (int n_mels = 80; n_mels <= 128; n_mels += 48) {
        check_bank(n_mels);
        check_sound(n_mels, clip);
    }
    free(clip);
    return check_finish();
}
