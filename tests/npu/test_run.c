/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A backend's run on the caller's own mel: not a value around it is read. Windows of one position to
 * a model's whole table, in every profile, on 1 to 3 threads, with the mel between NaN and a page
 * that nobody may touch.
 *
 *     test_run [CASE...]     all cases, or those named: f32 int8 npu
 */
#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "npu/backend.h"
#include "tests/npu/encoder_input.h"
#include "tests/npu/encoder_rig.h"
#include "tests/small_model.h"

enum { D = 128, N_MELS = 80, POSITIONS = 1500, SIZES = 7 };

static char model_path[64];

/* A tile is 64 rows of a stage, and a position is two rows of the first. */
static const unsigned sizes[SIZES] = {1, 31, 32, 33, 64, 65, POSITIONS};

/* Of lcg_mel(3) in the small model with two layers, one of each width of int8; see encoder_input.h.
 */
static const uint64_t hashes[][SIZES] = {
    [NPU_PROFILE_F32] = {UINT64_C(0x00eefe4e424e85b5), UINT64_C(0x9c2b248d3411b4d0),
                         UINT64_C(0x4d1779459910ef18), UINT64_C(0xf6866c14a8904416),
                         UINT64_C(0xe0ee581343bede1f), UINT64_C(0x48d8d0b560944447),
                         UINT64_C(0x02a12340338d3f40)},
    [NPU_PROFILE_INT8] = {UINT64_C(0xf17a7ad2d1991c81), UINT64_C(0xedbaef8acce31a7c),
                          UINT64_C(0x11e57f7ecedf7a56), UINT64_C(0x16765012dff3c7ce),
                          UINT64_C(0x345ccc78c954fedb), UINT64_C(0xa316dbaad4ee5d12),
                          UINT64_C(0x6166d68a501013dc)},
    [NPU_PROFILE_NPU] = {UINT64_C(0x394ac4dba5c4e65a), UINT64_C(0x05f4c7f3b9c8989c),
                         UINT64_C(0xc2d88fc346c1492b), UINT64_C(0x0c1e99f04bcb4ded),
                         UINT64_C(0x539aa6a05761fe14), UINT64_C(0x52da0a9f145bbdd1),
                         UINT64_C(0x6f663bf975a29602)},
};

/* A page that nobody may touch, n bytes of memory in whole pages, and another such page. */
struct guarded {
    char *map;
    size_t page, inside;
};

static struct guarded guarded_open(size_t n)
{
    struct guarded g = {.page = (size_t)sysconf(_SC_PAGESIZE)};

    g.inside = (n + g.page - 1) / g.page * g.page;
    g.map = mmap(NULL, g.inside + 2 * g.page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                 -1, 0);
    if (g.map == MAP_FAILED || mprotect(g.map, g.page, PROT_NONE) ||
        mprotect(g.map + g.page + g.inside, g.page, PROT_NONE))
        abort();
    return g;
}

static void guarded_close(struct guarded *g)
{
    munmap(g->map, g->inside + 2 * g->page);
}

/* n values where the memory begins or, at_end, where it ends; NaN in the rest, a row at least. */
static const float *guarded_place(const struct guarded *g, const float *values, size_t n,
                                  bool at_end)
{
    float *first = (float *)(g->map + g->page);
    size_t room = g->inside / sizeof(*first), at = at_end ? room - n : 0;

    for (size_t i = 0; i < room; i++)
        first[i] = NAN;
    return memcpy(first + at, values, n * sizeof(*values));
}

/* Whether a window between NaN and the pages has the stored hash, on both ends of its memory; the
 * longest, which takes longest, on one. */
static bool runs_alone(struct npu_loaded *loaded, enum npu_profile profile, unsigned threads,
                       unsigned size, const float *mel, float *features, uint64_t *hash)
{
    const size_t n = 2 * (size_t)sizes[size] * N_MELS, row = N_MELS * sizeof(float);
    const atomic_bool cancel = false;
    bool same = true;

    for (unsigned at_end = 0; at_end < 2; at_end++) {
        if (sizes[size] == POSITIONS && at_end != threads % 2)
            continue;
        struct guarded g = guarded_open(n * sizeof(*mel) + row);
        struct npu_run run = {.positions = sizes[size],
                              .mel = guarded_place(&g, mel, n, at_end),
                              .features = features,
                              .cancel = &cancel};
        int ret = loaded->backend->run(loaded, &run);
        *hash = hash_values(features, (size_t)sizes[size] * D);
        same &= ret == 0 && *hash == hashes[profile][size];
        guarded_close(&g);
    }
    return same;
}

static void check_threads(enum npu_profile profile, const char *name, unsigned threads,
                          const float *mel)
{
    struct rig rig;
    struct npu_program program;
    struct npu_loaded *loaded = NULL;
    struct npu_error err = {""};
    float *features = new_floats((size_t)POSITIONS * D);

    rig_open(&rig, name, model_path, NULL, threads, 1);
    if (npu_program_build(&program, &rig.model_info) ||
        rig.device->backend->load(&loaded, rig.device, &program, profile, POSITIONS, rig.model,
                                  &err)) {
        check_case(false, "load", "%s", err.text);
        exit(check_finish());
    }
    for (unsigned i = 0; i < SIZES; i++) {
        unsigned size = (i * 3 + 6) % SIZES; /* each finds what longer and shorter ones left */
        uint64_t hash = 0;
        char text[96];
        if (profile == NPU_PROFILE_NPU && sizes[size] == POSITIONS && threads < 3)
            continue; /* 10 s each under sanitizers */
        snprintf(text, sizeof(text), "run_%s_%u_positions_%u_threads_reads_its_mel_alone", name,
                 sizes[size], threads);
        bool same = runs_alone(loaded, profile, threads, size, mel, features, &hash);
        check_case(same, text, "%016" PRIx64 ", stored %016" PRIx64, hash, hashes[profile][size]);
    }
    rig.device->backend->unload(loaded);
    rig_close(&rig);
    free(features);
}

static void check_profile(enum npu_profile profile, const char *name)
{
    float *mel = lcg_mel(3, N_MELS);
    for (unsigned threads = 1; threads <= 3; threads++)
        check_threads(profile, name, threads, mel);
    free(mel);
}

static void test_f32(void)
{
    check_profile(NPU_PROFILE_F32, "f32");
}

static void test_int8(void)
{
    check_profile(NPU_PROFILE_INT8, "int8");
}

static void test_npu(void)
{
    check_profile(NPU_PROFILE_NPU, "npu");
}

int main(int argc, char **argv)
{
    static const struct rig_case cases[] = {
        {"f32", test_f32}, {"int8", test_int8}, {"npu", test_npu}};

    snprintf(model_path, sizeof(model_path), "test-run-%d.safetensors", (int)getpid());
    if (test_small_model_write(model_path, N_MELS, D, 2, POSITIONS, 1)) {
        check_case(false, "write_small_model", "%s", model_path);
        return check_finish();
    }
    rig_run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
    unlink(model_path);
    return check_finish();
}
