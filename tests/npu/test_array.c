/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The encoder's array code without an array: npu/array on device "fake", which takes programs by
 * name and follows instruction words but computes nothing. Checks what a driver needs: words in
 * code memory, transfers inside their buffers, every byte moved to the device's side and back,
 * recovery after every failure. Linked without the simulator and without C++. */
#include <errno.h>
#include <time.h>

#include "npu/array/array.h"
#include "tests/npu/encoder_rig.h"
#include "tests/npu/fake.h"
#include "tests/npu/fixed_model.h"
#include "tests/npu/fixed_rig.h"

enum { POSITIONS = 70, LAUNCHES = 10 }; /* of a window of one layer, without a design for norms */
#define MS UINT64_C(1000000)

static float *mel;

static float *encode(struct rig *rig, unsigned positions, int *ret)
{
    float *features = new_floats((size_t)rig->info.positions * rig->info.d_model);

    *ret = npu_encoder_submit_mel(rig->encoder, mel, positions, 0, NPU_TIMEOUT_NONE);
    if (*ret == 0)
        *ret = npu_encoder_collect(rig->encoder, features, NULL, NPU_TIMEOUT_NONE);
    return features;
}

static bool same(const struct rig *rig, const float *a, const float *b, unsigned positions)
{
    return !memcmp(a, b, (size_t)positions * rig->info.d_model * sizeof(*a));
}

/* If both sides of a buffer are the same memory nothing is moved; if they are separate, the
 * features are the same only if everything was moved. */
static void test_sides(void)
{
    static const unsigned lengths[] = {POSITIONS, 1, 64, POSITIONS};
    struct rig near, far;
    unsigned equal = 0, before;
    int ret[2];

    fake_set_near(true);
    rig_open_on(&near, "fake", "npu", fixed_model_path(), 0, 1);
    float *expected[4];
    for (unsigned i = 0; i < 4; i++)
        expected[i] = encode(&near, lengths[i], &ret[0]);
    rig_close(&near);
    fake_set_near(false);
    rig_open_on(&far, "fake", "npu", fixed_model_path(), 0, 1);
    before = fake_word_launches();
    for (unsigned i = 0; i < 4; i++) {
        float *features = encode(&far, lengths[i], &ret[1]);
        equal += ret[0] == 0 && ret[1] == 0 && same(&far, features, expected[i], lengths[i]);
        free(features);
    }
    unsigned launches = fake_word_launches() - before;
    check_case(equal == 4, "array_moves_what_launches_read_and_write", "%u of 4 equal, %d %d",
               equal, ret[0], ret[1]);
    check_case(launches == 4 * LAUNCHES, "array_launches_each_stage", "%u launches", launches);
    bool alike = same(&far, expected[0], expected[3], POSITIONS);
    check_case(alike, "array_window_depends_on_none_before", "%s", alike ? "equal" : "not equal");
    rig_close(&far);
    for (unsigned i = 0; i < 4; i++)
        free(expected[i]);
}

/* The first convolution's input is the window's mel with zeros around it, whatever the window before
 * left there, and nothing else of the caller's memory. */
static void test_frame(void)
{
    static const unsigned lengths[] = {POSITIONS, 1, 33, POSITIONS};
    atomic_bool cancel = false;
    struct rig rig;
    struct npu_program program;
    struct npu_loaded *loaded = NULL;
    struct npu_error err = {""};
    unsigned equal = 0;

    rig_open_on(&rig, "fake", "npu", fixed_model_path(), 0, 1);
    float *features = new_floats((size_t)POSITIONS * rig.info.d_model);
    npu_encoder_close(&rig.encoder); /* its contexts are wanted here */
    int ret = npu_program_build(&program, &rig.model_info);
    if (ret == 0)
        ret = rig.device->backend->load(&loaded, rig.device, &program, NPU_PROFILE_NPU, POSITIONS,
                                        rig.model, &err);
    for (unsigned i = 0; i < 4 && ret == 0; i++) {
        const size_t n_mels = program.n_mels, n = 2 * lengths[i] * n_mels;
        float *own = malloc(n * sizeof(*own)); /* so that ASan sees a read beside it */
        int16_t *expected = calloc(n + 2 * n_mels, sizeof(*expected));
        if (!own || !expected)
            abort();
        memcpy(own, mel, n * sizeof(*own));
        npu_fixed_quantise_mel(expected + n_mels, own, n);
        struct npu_run run = {.positions = lengths[i],
                              .mel = own,
                              .features = features,
                              .cancel = &cancel,
                              .err = &err};
        ret = loaded->backend->run(loaded, &run);
        const char *framed = ((const struct npu_array_loaded *)loaded)->buffer[NPU_BUFFER_MEL] -
                             n_mels * sizeof(*expected);
        equal += !memcmp(framed, expected, (n + 2 * n_mels) * sizeof(*expected));
        free(own);
        free(expected);
    }
    check_case(ret == 0 && equal == 4, "array_frames_a_window_by_zeros", "%u of 4, %d %s", equal,
               ret, err.text);
    if (loaded)
        rig.device->backend->unload(loaded);
    free(features);
    rig_close(&rig);
}

/* ---- Failures -------------------------------------------------------------------------------- */

/* A window with a fault, then one without: as before. */
static void fail_once(enum fake_point point, enum fake_kind kind, unsigned nth, const char *name,
                      const char *words)
{
    struct npu_error err = {""};
    struct rig rig;
    int ret[3];
    char full[96];

    rig_open_on(&rig, "fake", "npu", fixed_model_path(), 0, 1);
    float *expected = encode(&rig, POSITIONS, &ret[0]);
    fake_set_fault(point, kind, nth);
    free(encode(&rig, POSITIONS, &ret[1]));
    npu_encoder_get_error(rig.encoder, &err);
    bool struck = fake_struck();
    fake_set_fault(FAKE_NOWHERE, FAKE_ERROR, 1);
    npu_encoder_resume(rig.encoder);
    float *features = encode(&rig, POSITIONS, &ret[2]);
    snprintf(full, sizeof(full), "array_%s_%u_fails_once", name, nth);
    check_case(ret[0] == 0 && struck && ret[1] == -EIO && strstr(err.text, words) && ret[2] == 0 &&
                   same(&rig, features, expected, POSITIONS),
               full, "%d, then %d; %s", ret[1], ret[2], err.text);
    free(features);
    free(expected);
    rig_close(&rig);
}

/* The window is the first launch of the encoder, and the copies of its mel and its features are two
 * more than those of its stages. */
static void test_failures(void)
{
    for (unsigned nth = 2; nth <= LAUNCHES + 1; nth += 3) {
        fail_once(FAKE_RUN, FAKE_ERROR, nth, "run", "injected: run");
        fail_once(FAKE_BEGIN, FAKE_ERROR, nth, "submit", "injected: begin");
        fail_once(FAKE_WRITE, FAKE_ERROR, nth, "move_to", "to the device failed");
        fail_once(FAKE_WRITE, FAKE_SHORT, nth, "short_move_to", "moved to the device");
        fail_once(FAKE_READ, FAKE_ERROR, nth - 1, "move_from", "from the device failed");
    }
}

/* Encodes until it succeeds: it fails as long as a launch keeps its buffers. */
static float *encode_again(struct rig *rig, int *ret)
{
    float *features = NULL;

    *ret = -EIO;
    for (unsigned i = 0; i < 1000 && *ret; i++) {
        npu_encoder_resume(rig->encoder);
        free(features);
        features = encode(rig, POSITIONS, ret);
        if (*ret)
            nanosleep(&(struct timespec){.tv_nsec = 10 * (long)MS}, NULL);
    }
    return features;
}

/* A window whose launch `nth` hangs past the deadline. If another launch takes too long because the
 * machine is busy, tries again with a longer deadline. */
static int encode_late(struct rig *rig, unsigned nth)
{
    int ret = 0, again = 0;

    for (uint64_t deadline_ns = 50 * MS; deadline_ns < 100000 * MS && again == 0;
         deadline_ns *= 2) {
        fake_set_deadline(deadline_ns);
        fake_set_fault(FAKE_RUN, FAKE_HANG, nth);
        free(encode(rig, POSITIONS, &ret));
        fake_set_deadline(NPU_TIMEOUT_NONE);
        if (fake_struck())
            return ret;
        printf("# %u ms were too short\n", (unsigned)(deadline_ns / MS));
        fake_set_fault(FAKE_NOWHERE, FAKE_ERROR, 1);
        free(encode_again(rig, &again));
    }
    return again;
}

/* A launch that does not end keeps its context and its buffers; the next window after its end is
 * right. */
static void hang_at(unsigned nth)
{
    struct npu_error late = {""}, busy = {""};
    struct rig rig;
    int ret[4];
    char name[64];

    rig_open_on(&rig, "fake", "npu", fixed_model_path(), 0, 1);
    float *expected = encode(&rig, POSITIONS, &ret[0]);
    ret[1] = encode_late(&rig, nth);
    npu_encoder_get_error(rig.encoder, &late);
    npu_encoder_resume(rig.encoder);
    free(encode(&rig, POSITIONS, &ret[2]));
    npu_encoder_get_error(rig.encoder, &busy);
    fake_release();
    fake_set_fault(FAKE_NOWHERE, FAKE_ERROR, 1);
    float *features = encode_again(&rig, &ret[3]);
    snprintf(name, sizeof(name), "array_launch_%u_late_then_recovers", nth - 1);
    check_case(ret[0] == 0 && ret[1] == -EIO && strstr(late.text, "did not end within") &&
                   ret[2] == -EIO && strstr(busy.text, "a launch works on") && ret[3] == 0 &&
                   same(&rig, features, expected, POSITIONS),
               name, "%d %s; then %d %s; then %d", ret[1], late.text, ret[2], busy.text, ret[3]);
    free(features);
    free(expected);
    rig_close(&rig);
}

static void test_late(void)
{
    hang_at(2);
    hang_at(5);
    hang_at(LAUNCHES + 1);
}

/* An encoder that could not be opened leaves nothing. */
static void open_fails(enum fake_point point, unsigned nth, int code, const char *name)
{
    struct npu_device *device = NULL;
    struct npu_model *model = NULL;
    struct npu_encoder *encoder = NULL;
    struct npu_error err = {""};
    char full[64];

    int ret = npu_device_open(&device, &(struct npu_device_params){.name = "fake"}, &err);
    if (ret == 0)
        ret = npu_model_open(&model, fixed_model_path(), &err);
    fake_set_fault(point, FAKE_ERROR, nth);
    if (ret == 0)
        ret = npu_encoder_open(&encoder, model, device,
                               &(struct npu_encoder_params){.profile = "npu"}, &err);
    bool struck = fake_struck();
    fake_set_fault(FAKE_NOWHERE, FAKE_ERROR, 1);
    snprintf(full, sizeof(full), "array_open_without_%s_%u", name, nth);
    check_case(struck && ret == code && !encoder && err.text[0] && fake_buffers() == 0, full,
               "%d %s; %u buffers left", ret, err.text, fake_buffers());
    npu_model_close(&model);
    npu_device_close(&device);
}

static void test_open(void)
{
    for (unsigned nth = 1; nth <= 21; nth += 4)
        open_fails(FAKE_ALLOC, nth, -ENOMEM, "buffer");
    for (unsigned nth = 1; nth <= 4; nth++)
        open_fails(FAKE_OPEN, nth, -EIO, "context");
    for (unsigned nth = 1; nth <= 13; nth += 4)
        open_fails(FAKE_WRITE, nth, -EIO, "move");
}

int main(void)
{
    if (fake_register())
        return 2;
    fixed_model_write(80, 64, 1, POSITIONS, 6);
    mel = lcg_mel(4, 80);
    test_sides();
    test_frame();
    test_failures();
    test_late();
    test_open();
    check_case(fake_buffers() == 0, "array_leaves_no_buffer", "%u left", fake_buffers());
    free(mel);
    fixed_model_remove();
    return check_finish();
}
