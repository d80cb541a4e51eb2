/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The instruction words that npu/array composes as data, for every size of Whisper and windows of
 * many lengths, equal those that the simulator makes of the same sequences written as text.
 *
 *     test_array_words [NPU-SIM]     with a program: also compares the files that it writes */
#include <errno.h>
#include <unistd.h>

#include "npu/array/array.h"
#include "tests/check.h"
#include "tests/sim/compose.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static const struct size {
    const char *name;
    unsigned n_mels, d_model, n_layers;
} sizes[] = {
    {"tiny", 80, 384, 4},     {"base", 80, 512, 6},       {"small", 80, 768, 12},
    {"medium", 80, 1024, 24}, {"large_v2", 80, 1280, 32}, {"large_v3_turbo", 128, 1280, 32},
    {"narrow", 128, 256, 2}, /* the other design for LayerNorm */
};
static const unsigned lengths[] = {1, 63, 64, 65, 192, 750, 1500};

/* Which matrices have 8 bits and sums of 32: those of real models; all; none, so that all products
 * go to the one core. */
enum mix { AS_TRAINED, ALL_NARROW, ALL_WIDE, MIXES };
static const char *const mix_names[MIXES] = {"as_trained", "all_8_bit", "all_wide"};

/* A planned encoder without weights: the plan looks at shapes and bits alone. */
struct plan {
    struct npu_array_loaded l;
    struct npu_fixed fixed;
    int16_t zeros[NPU_FIXED_GELU_ENTRIES > 1280 ? NPU_FIXED_GELU_ENTRIES : 1280];
};

static unsigned bits_of(enum mix mix, const struct npu_stage *s)
{
    bool wide = s->op == NPU_OP_CONV1 ||
                (s->layer == 0 && (s->op == NPU_OP_NORM_QKV || s->op == NPU_OP_OUT));
    return mix == ALL_WIDE || (mix == AS_TRAINED && wide) ? 16 : 8;
}

static void plan_init(struct plan *p, struct npu_device *device, const struct size *size,
                      enum mix mix)
{
    const struct npu_model_info info = {.n_mels = size->n_mels,
                                        .d_model = size->d_model,
                                        .n_heads = size->d_model / 64,
                                        .n_layers = size->n_layers,
                                        .d_ffn = 4 * size->d_model,
                                        .n_ctx = 1500};
    memset(p, 0, sizeof(*p));
    if (npu_program_build(&p->l.program, &info))
        exit(1);
    const unsigned n = p->l.program.n_stages;
    p->l.device = device;
    p->l.fixed = &p->fixed;
    p->fixed.program = p->l.program;
    p->l.stage = calloc(n, sizeof(*p->l.stage));
    p->l.sequence = calloc((size_t)n * 6, sizeof(*p->l.sequence));
    p->fixed.stage = calloc(n, sizeof(*p->fixed.stage));
    if (!p->l.stage || !p->l.sequence || !p->fixed.stage)
        exit(1);
    for (unsigned i = 0; i < n; i++) {
        struct npu_fixed_stage *to = &p->fixed.stage[i];
        to->norm_mult = to->table = p->zeros;
        for (unsigned m = 0; m < NPU_STAGE_MATRICES; m++)
            to->matrix[m].bits = bits_of(mix, &p->l.program.stage[i]);
    }
    npu_array_choose(&p->l);
}

static void plan_clear(struct plan *p)
{
    npu_array_unplan(&p->l);
    for (unsigned i = 0; i < p->l.program.n_stages; i++) {
        npu_memory_close(&p->l.stage[i].gelu_job);
        npu_memory_close(&p->l.stage[i].norm_job);
    }
    free(p->l.stage);
    free(p->l.sequence);
    free(p->fixed.stage);
}

/* ---- Against text ---------------------------------------------------------------------------- */

struct texts {
    struct composed *of[NPU_ARRAY_DESIGNS];
    unsigned compared, words, files;
};

/* All sequences of all lengths, written as text. */
static int texts_open(struct texts *t, struct plan *p, struct npu_error *err)
{
    char path[512];
    int ret = 0;

    for (unsigned i = 0; i < COUNT(lengths) && ret == 0; i++) {
        ret = npu_array_plan(&p->l, lengths[i], err);
        for (unsigned s = 0; s < p->l.n_sequences && ret == 0; s++) {
            const struct npu_array_shape *shape = &p->l.sequence[s].shape;
            snprintf(path, sizeof(path), "%s/mlir/%s.mlir", TESTS_SOURCE,
                     npu_array_design_name(&p->l.program, shape->design));
            if (!t->of[shape->design])
                ret = composed_open(&t->of[shape->design], path, err);
            if (ret == 0)
                ret = composed_add(t->of[shape->design], shape);
        }
    }
    for (unsigned i = 0; i < NPU_ARRAY_DESIGNS && ret == 0; i++)
        if (t->of[i])
            ret = composed_end(t->of[i], err);
    return ret;
}

/* Whether what `program --write-insts` writes for the sequence are these words. */
static bool equal_file(const char *program, struct composed *text, const char *name,
                       const uint32_t *words, size_t n)
{
    char path[64], insts[64], command[1024];
    unsigned char bytes[4];
    size_t i = 0;

    snprintf(path, sizeof(path), "test-array-%d.mlir", (int)getpid());
    snprintf(insts, sizeof(insts), "test-array-%d.bin", (int)getpid());
    snprintf(command, sizeof(command),
             "'%s' --quiet --check-only --sequence %s --write-insts %s %s 2>/dev/null", program,
             name, insts, path);
    FILE *file = fopen(path, "w");
    bool good = file && fputs(composed_text(text), file) >= 0;
    if (file && fclose(file))
        good = false;
    if (good && system(command) != 0)
        good = false;
    file = good ? fopen(insts, "r") : NULL;
    while (file && fread(bytes, 1, 4, file) == 4) {
        uint32_t word = bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
                        (uint32_t)bytes[3] << 24;
        good = good && i < n && words[i] == word;
        i++;
    }
    good = good && file && i == n;
    if (file)
        fclose(file);
    unlink(path);
    unlink(insts);
    return good;
}

/* What differs, or NULL. */
static const char *compare(struct texts *t, const struct npu_array_sequence *s, const char *program,
                           struct npu_error *err)
{
    struct composed *text = t->of[s->shape.design];
    const uint32_t *ours = npu_memory_map(s->words), *words;
    struct npu_txn *txn = NULL;
    size_t bytes[NPU_ARRAY_BUFFERS], n = 0;
    const char *wrong = NULL;

    if (composed_words(text, &s->shape, &txn, bytes, err))
        return "no words";
    words = npu_txn_words(txn, &n);
    if (memcmp(bytes, s->bytes, sizeof(bytes)) != 0)
        wrong = "bytes of buffers differ";
    else if (npu_memory_bytes(s->words) != 4 * n || memcmp(ours, words, 4 * n) != 0)
        wrong = "words differ";
    else if (program && !equal_file(program, text, composed_name(text, &s->shape), ours, n))
        wrong = "npu-sim writes other words";
    t->compared++;
    t->words += (unsigned)n;
    t->files += program && !wrong;
    npu_txn_close(&txn);
    return wrong;
}

static void test_size(struct npu_device *device, const struct size *size, enum mix mix,
                      const char *program)
{
    struct texts texts = {.compared = 0};
    struct npu_error err = {""};
    static struct plan plan;
    const char *wrong = NULL;
    char name[96];
    unsigned at = 0, design = 0;

    plan_init(&plan, device, size, mix);
    int ret = texts_open(&texts, &plan, &err);
    for (unsigned i = 0; i < COUNT(lengths) && ret == 0 && !wrong; i++) {
        ret = npu_array_plan(&plan.l, lengths[i], &err);
        for (unsigned s = 0; s < plan.l.n_sequences && ret == 0 && !wrong; s++) {
            at = lengths[i];
            design = (unsigned)plan.l.sequence[s].shape.design;
            wrong = compare(&texts, &plan.l.sequence[s], at == 65 ? program : NULL, &err);
        }
    }
    snprintf(name, sizeof(name), "array_words_%s_%s_equal_text", size->name, mix_names[mix]);
    check_case(ret == 0 && !wrong && texts.compared >= COUNT(lengths), name,
               "%u sequences, %u words, %u files; the last of %u positions on %s: %s %d %s",
               texts.compared, texts.words, texts.files, at,
               npu_array_design_name(&plan.l.program, (enum npu_array_design)design),
               wrong ? wrong : "equal", ret, err.text);
    for (unsigned i = 0; i < NPU_ARRAY_DESIGNS; i++)
        composed_close(&texts.of[i]);
    plan_clear(&plan);
}

/* ---- Limits ---------------------------------------------------------------------------------- */

/* Offsets of a stream have 32 bits. */
static void test_too_large(void)
{
    const struct npu_array_shape shape = {
        .design = NPU_ARRAY_NORM, .count = 1 << 20, .in_bytes = 4096, .out_bytes = 2048};
    struct npu_txn *txn = NULL;
    struct npu_error err = {""};
    int ret = npu_array_compose(&txn, &shape, &err);

    check_case(ret == -EINVAL && !txn && strstr(err.text, "4 GiB"),
               "array_words_of_4_gib_are_refused", "%d %s", ret, err.text);
}

int main(int argc, char **argv)
{
    struct npu_device *device = NULL;
    struct npu_error err = {""};

    if (npu_device_open(&device, &(struct npu_device_params){.name = "cpu", .threads = 1}, &err))
        return 2;
    for (unsigned i = 0; i < COUNT(sizes); i++)
        for (enum mix mix = 0; mix < MIXES; mix++)
            test_size(device, &sizes[i], mix, argc > 1 ? argv[1] : NULL);
    test_too_large();
    npu_device_close(&device);
    return check_finish();
}
