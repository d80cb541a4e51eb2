/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The weights readers: values against an independent quantiser's, every refusal, every truncation
 * and header bit of small files of both formats, the search for a file, memory.
 *
 *   test_model VECTORS DEFAULT SHARED   tests/data/ggml, the weights of the tree, ../shared
 *   test_model VECTORS --write FOLDER   write one small file of each kind, for a fuzzer's corpus */
#include <math.h>

#include "tests/npu/model_refusals.h"
#include "tests/npu/model_rig.h"
#include "tests/small_model.h"

/* ---- Values ---------------------------------------------------------------------------------- */

static void test_values(const char *name, const struct weights_file *file, bool ggml,
                        enum format format)
{
    struct npu_model *model;
    struct npu_model_info info = {0};
    unsigned wrong = 0;
    uint64_t params = 0;
    memory_write(file->data.at, file->data.n);
    int code = open_memory(&model);
    for (int i = 0; i < NPU_TENSOR_COUNT && !code; i++) {
        enum format part_format = ggml ? ggml_part_format(format, &parts[i]) : format;
        wrong += compare_part(model, &parts[i], &vectors[part_format]);
        params += part_count(&parts[i]);
    }
    if (!code)
        npu_model_get_info(model, &info);
    bool sizes = info.n_mels == N_MELS && info.n_ctx == N_CTX && info.d_model == D_MODEL &&
                 info.n_heads == 1 && info.n_layers == 1 && info.d_ffn == 4 * D_MODEL &&
                 info.n_params == params && info.load_bytes < file->data.n && info.format &&
                 strcmp(info.format, ggml ? "ggml" : "safetensors") == 0 &&
                 strcmp(info.path, memory_path) == 0;
    check_case(code == 0 && wrong == 0 && sizes, name, "code %d, %u of %u values wrong, sizes %s%s",
               code, wrong, (unsigned)params, sizes ? "right" : "wrong", error.text);
    npu_model_close(&model);
}

static void test_all_values(void)
{
    char name[64];
    struct weights_file file;
    for (int f = 0; f < N_FORMATS; f++) {
        if (vectors[f].safetensors) {
            for (int extras = 0; extras < 2; extras++) {
                snprintf(name, sizeof(name), "values.safetensors.%s.%s", vectors[f].name,
                         extras ? "whole" : "encoder");
                safetensors_make(&file, (enum format)f, extras ? "model." : "", extras);
                test_values(name, &file, false, (enum format)f);
                free(file.data.at);
            }
        }
        snprintf(name, sizeof(name), "values.ggml.%s", vectors[f].name);
        ggml_make(&file, (enum format)f);
        test_values(name, &file, true, (enum format)f);
        free(file.data.at);
    }
}

/* All 65 536 patterns of the 16-bit formats, against arithmetic on their fields. */
static double half_by_fields(unsigned half, bool bf16)
{
    unsigned bits = bf16 ? 7 : 10, bias = bf16 ? 127 : 15;
    unsigned exponent = half >> bits & (bf16 ? 255 : 31), mantissa = half & ((1u << bits) - 1);
    double value = exponent ? ldexp(1.0 + ldexp(mantissa, -(int)bits), (int)exponent - (int)bias)
                            : ldexp(mantissa, 1 - (int)bias - (int)bits);
    bool special = exponent == (bf16 ? 255u : 31u);
    return special ? INFINITY : half & 0x8000 ? -value : value;
}

static void test_every_half(enum format format, const char *name)
{
    struct weights_file file;
    struct npu_model *model;
    unsigned wrong = 0, tried = 0;
    float values[256];
    safetensors_make(&file, format, "model.", false);
    memory_write(file.data.at, file.data.n);
    int code = open_memory(&model);
    npu_model_close(&model);
    for (unsigned half = 0; half < 65536 && !code; half += 256) {
        uint8_t raw[512];
        double largest = 0;
        for (unsigned i = 0; i < 256; i++) {
            raw[2 * i] = (uint8_t)(half + i);
            raw[2 * i + 1] = (uint8_t)((half + i) >> 8);
            largest = fmax(largest, fabs(half_by_fields(half + i, format == BF16)));
        }
        memcpy(file.data.at + file.offset_of[NPU_TENSOR_FC1_WEIGHT], raw, sizeof(raw));
        memory_write(file.data.at, file.data.n);
        code = open_memory(&model);
        if (code)
            break;
        int got = npu_model_read_f32(model, NPU_TENSOR_FC1_WEIGHT, 0, 0, 256, values, &error);
        npu_model_close(&model);
        wrong += (got == 0) != (largest < 1e4);
        for (unsigned i = 0; i < 256 && got == 0; i++, tried++) {
            double want = half_by_fields(half + i, format == BF16);
            wrong += values[i] != (float)want || !signbit(values[i]) != !((half + i) & 0x8000);
        }
    }
    check_case(code == 0 && wrong == 0 && tried > 20000, name, "code %d, %u wrong, %u tried %s",
               code, wrong, tried, error.text);
    free(file.data.at);
}

/* ---- Bad values, bad ranges, files that change ----------------------------------------------- */

static void test_bad_value(const char *name, struct weights_file *file, enum npu_tensor tensor,
                           size_t at, const void *raw, size_t n, const char *const *words)
{
    struct npu_model *model;
    static float values[1 << 15];
    uint8_t saved[16];
    uint8_t *place = file->data.at + file->offset_of[tensor] + at;
    memcpy(saved, place, n);
    memcpy(place, raw, n);
    memory_write(file->data.at, file->data.n);
    memcpy(place, saved, n);
    int code = open_memory(&model);
    if (!code)
        code = npu_model_read_f32(model, tensor, 0, 0, 64 * 64, values, &error);
    bool said = true;
    for (; *words; words++)
        said = said && strstr(error.text, *words);
    check_case(code == -EBADMSG && said && strstr(error.text, memory_path), name, "code %d: %s",
               code, error.text);
    npu_model_close(&model);
}

static void test_bad_values(void)
{
    struct weights_file file;
    safetensors_make(&file, F32, "model.", false);
    const char *const q_nan[] = {"q_proj.weight", "element 1234", "nan", "expected", "found", NULL};
    const char *const q_inf[] = {"q_proj.weight", "element 0", "-inf", NULL};
    const char *const q_limit[] = {"q_proj.weight", "element 4095", "found 10000", NULL};
    test_bad_value("bad_value.f32.nan", &file, NPU_TENSOR_Q_WEIGHT, 4 * 1234, "\1\0\xc0\x7f", 4,
                   q_nan);
    test_bad_value("bad_value.f32.inf", &file, NPU_TENSOR_Q_WEIGHT, 0, "\0\0\x80\xff", 4, q_inf);
    test_bad_value("bad_value.f32.limit", &file, NPU_TENSOR_Q_WEIGHT, 4 * 4095, "\0\x40\x1c\x46", 4,
                   q_limit);
    free(file.data.at);

    safetensors_make(&file, F16, "model.", false);
    const char *const fc_inf[] = {"fc1.weight", "element 7", "found inf", NULL};
    const char *const fc_nan[] = {"fc1.weight", "element 8", "nan", NULL};
    const char *const fc_large[] = {"fc1.weight", "element 9", "found -16384", NULL};
    test_bad_value("bad_value.f16.inf", &file, NPU_TENSOR_FC1_WEIGHT, 14, "\0\x7c", 2, fc_inf);
    test_bad_value("bad_value.f16.nan", &file, NPU_TENSOR_FC1_WEIGHT, 16, "\1\xfe", 2, fc_nan);
    test_bad_value("bad_value.f16.large", &file, NPU_TENSOR_FC1_WEIGHT, 18, "\0\xf4", 2, fc_large);
    free(file.data.at);

    ggml_make(&file, Q5_1);
    const char *const v_inf[] = {"attn.value.weight", "element 32", NULL}; /* inf or nan, from d */
    const char *const v_min[] = {"attn.value.weight", "element 0", "inf", NULL};
    test_bad_value("bad_value.q5_1.scale", &file, NPU_TENSOR_V_WEIGHT, 24, "\0\x7c", 2, v_inf);
    test_bad_value("bad_value.q5_1.offset", &file, NPU_TENSOR_V_WEIGHT, 2, "\0\x7c", 2, v_min);
    free(file.data.at);
}

static void test_ranges(void)
{
    struct weights_file file;
    struct npu_model *model;
    float values[64];
    const enum npu_tensor q = NPU_TENSOR_Q_WEIGHT, bias = NPU_TENSOR_NORM_BIAS;
    ggml_make(&file, Q4_0);
    memory_write(file.data.at, file.data.n);
    free(file.data.at);
    if (!check_case(open_memory(&model) == 0, "ranges.open", "%s", error.text))
        return;
    bool ok = npu_model_read_f32(model, q, 0, 4096 - 64, 64, values, &error) == 0 &&
              npu_model_read_f32(model, q, 0, 4096, 0, values, &error) == 0 &&
              npu_model_read_f32(model, bias, 9, 63, 1, values, &error) == 0;
    check_case(ok, "ranges.good", "%s", error.text);
    int beyond = npu_model_read_f32(model, q, 0, 4096 - 32, 64, values, &error);
    int wraps = npu_model_read_f32(model, q, 0, 32, UINT64_MAX - 31, values, &error);
    int far = npu_model_read_f32(model, q, 0, UINT64_MAX - 31, 32, values, &error);
    int layer = npu_model_read_f32(model, q, 1, 0, 32, values, &error);
    int first = npu_model_read_f32(model, q, 0, 1, 32, values, &error);
    int count = npu_model_read_f32(model, q, 0, 0, 31, values, NULL);
    check_case(beyond == -EINVAL && wraps == -EINVAL && far == -EINVAL && layer == -EINVAL &&
                   first == -EINVAL && count == -EINVAL,
               "ranges.bad", "%d %d %d %d %d %d", beyond, wraps, far, layer, first, count);
    npu_model_close(&model);
    npu_model_close(&model);
}

static void test_changed_file(void)
{
    struct weights_file file;
    struct npu_model *model;
    float values[64];
    safetensors_make(&file, F16, "model.", false);
    memory_write(file.data.at, file.data.n);
    int opened = open_memory(&model);
    bool cut = ftruncate(memory_fd, (off_t)file.data.n - 1) == 0;
    int shrunk =
        opened ? opened : npu_model_read_f32(model, NPU_TENSOR_NORM_BIAS, 0, 0, 64, values, &error);
    check_case(cut && shrunk == -EIO && strstr(error.text, "layer_norm.bias"), "changed.shrunk",
               "code %d: %s", shrunk, error.text);
    npu_model_close(&model);

    memory_write(file.data.at, file.data.n);
    opened = open_memory(&model);
    struct stat st;
    bool touched = fstat(memory_fd, &st) == 0;
    const struct timespec times[2] = {st.st_mtim, {st.st_mtim.tv_sec - 5, st.st_mtim.tv_nsec}};
    touched = touched && futimens(memory_fd, times) == 0;
    int rewritten =
        opened ? opened : npu_model_read_f32(model, NPU_TENSOR_NORM_BIAS, 0, 0, 64, values, &error);
    check_case(touched && rewritten == -EBADMSG && strstr(error.text, "rewritten"),
               "changed.rewritten", "code %d: %s", rewritten, error.text);
    npu_model_close(&model);
    free(file.data.at);
}

/* A cancelled model gives no weights; another one of the same file does. */
static void test_cancel(void)
{
    struct weights_file file;
    struct npu_model *model = NULL, *other = NULL;
    float values[64];
    safetensors_make(&file, F16, "model.", false);
    memory_write(file.data.at, file.data.n);
    free(file.data.at);
    if (!check_case(open_memory(&model) == 0 && open_memory(&other) == 0, "cancel.open", "%s",
                    error.text))
        return;
    int before = npu_model_read_f32(model, NPU_TENSOR_NORM_BIAS, 0, 0, 64, values, &error);
    npu_model_cancel(model);
    int after = npu_model_read_f32(model, NPU_TENSOR_NORM_BIAS, 0, 0, 64, values, &error);
    check_case(before == 0 && after == -ECANCELED && strstr(error.text, "cancelled"), "cancel.read",
               "codes %d and %d: %s", before, after, error.text);
    struct npu_device *device = NULL;
    struct npu_encoder *encoder = NULL;
    int opened = npu_device_open(&device, &(struct npu_device_params){.name = "cpu"}, &error);
    int loaded = opened ? opened
                        : npu_encoder_open(&encoder, model, device,
                                           &(struct npu_encoder_params){.profile = "int8"}, &error);
    int others = opened ? opened
                        : npu_encoder_open(&encoder, other, device,
                                           &(struct npu_encoder_params){.profile = "int8"}, &error);
    check_case(loaded == -ECANCELED && others == 0, "cancel.load", "codes %d and %d: %s", loaded,
               others, error.text);
    npu_encoder_close(&encoder);
    npu_device_close(&device);
    npu_model_close(&model);
    npu_model_close(&other);
}

static void test_reads(const char *name, enum read_mode mode, int want, const char *word)
{
    struct weights_file file;
    struct npu_model *model, *second;
    float values[64];
    safetensors_make(&file, F16, "model.", false);
    memory_write(file.data.at, file.data.n);
    free(file.data.at);
    int code = open_memory(&model);
    read_mode = mode;
    read_calls = 0;
    int opened = open_memory(&second);
    bool said = opened == 0 || refused_well(opened, second);
    int got = code ? code : npu_model_read_f32(model, NPU_TENSOR_Q_BIAS, 0, 0, 64, values, &error);
    read_mode = READ_WELL;
    said = said && (got == 0 || strstr(error.text, "q_proj.bias")) && strstr(error.text, word);
    bool same = got || memcmp(values, vectors[F16].values, sizeof(values)) == 0;
    check_case(opened == want && got == want && said && same && read_calls >= 2, name,
               "open %d, read %d, %lu calls: %s", opened, got, read_calls, error.text);
    npu_model_close(&model);
    npu_model_close(&second);
}

/* ---- Refusals -------------------------------------------------------------------------------- */

static bool edit_header(struct safetensors_parts *from, const struct edit *edit)
{
    static char tail[sizeof(from->header)];
    char *at = strstr(from->header, edit->from);
    if (!at)
        return false;
    snprintf(tail, sizeof(tail), "%s", at + strlen(edit->from));
    snprintf(at, sizeof(from->header) - (size_t)(at - from->header), "%s%s", edit->to, tail);
    return true;
}

static void test_safetensors_refusals(void)
{
    for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
        char name[64];
        struct safetensors_parts from;
        struct weights_file file;
        snprintf(name, sizeof(name), "safetensors.%s", edits[i].name);
        safetensors_parts_make(&from, F16, "model.", true);
        bool edited = edit_header(&from, &edits[i]);
        safetensors_join(&file, &from);
        if (edited)
            check_refusal(name, &file, edits[i].code, edits[i].words, 3);
        else
            check_case(false, name, "the header has no %s", edits[i].from);
        free(from.data.at);
        free(file.data.at);
    }
}

static void test_ggml_refusals(void)
{
    for (size_t i = 0; i < sizeof(patches) / sizeof(patches[0]); i++) {
        const struct patch *patch = &patches[i];
        struct weights_file file;
        char name[64];
        snprintf(name, sizeof(name), "ggml.%s", patch->name);
        ggml_make(&file, Q8_0);
        size_t base = patch->tensor == NPU_TENSOR_COUNT ? 0 : file.offset_of[patch->tensor];
        for (int b = 0; b < 4; b++)
            file.data.at[(long)base + patch->at + b] = (uint8_t)(patch->value >> (8 * b));
        check_refusal(name, &file, patch->code, patch->words, 3);
        free(file.data.at);
    }
}

static void test_safetensors_lengths(void)
{
    static const char *const many[] = {"at most 256 entries"};
    static const char *const longer[] = {"bytes as the header describes"};
    struct safetensors_parts from;
    struct weights_file file;
    char keys[4096] = "\"note\"";
    for (int i = 0; i < 255; i++) /* and "format": 257 */
        snprintf(keys + strlen(keys), sizeof(keys) - strlen(keys), ":\"\",\"k%d\"", i);
    const struct edit edit = {"", "\"note\"", keys, 0, {0}};
    safetensors_parts_make(&from, F16, "model.", true);
    bool edited = edit_header(&from, &edit);
    safetensors_join(&file, &from);
    if (check_case(edited, "safetensors.edit_metadata", "%zu bytes", strlen(from.header)))
        check_refusal("safetensors.metadata_many", &file, -EBADMSG, many, 1);
    free(file.data.at);
    free(from.data.at);

    safetensors_make(&file, F16, "model.", false);
    put_u32(&file.data, 0);
    check_refusal("safetensors.trailing_data", &file, -EBADMSG, longer, 1);
    free(file.data.at);
}

/* Sizes at and beyond what is taken, by the writer that the encoder's tests use. */
static void test_sizes(void)
{
    static const struct {
        const char *name;
        unsigned n_mels, d_model, n_layers, n_ctx;
        int code;
        const char *word;
    } sizes[] = {
        {"sizes.positions_1500", 80, 64, 1, 1500, 0, ""},
        {"sizes.positions_1501", 80, 64, 1, 1501, -ENOTSUP, "[1501, 64]"},
        {"sizes.mels_128", 128, 128, 3, 2, 0, ""},
        {"sizes.mels_96", 96, 64, 1, 2, -ENOTSUP, "[64, 96, 3]"},
        {"sizes.width_96", 80, 96, 1, 2, -ENOTSUP, "[96, 80, 3]"},
        {"sizes.width_32", 80, 32, 1, 2, -ENOTSUP, "[32, 80, 3]"},
        {"sizes.layers_12", 80, 64, 12, 2, 0, ""},
        {"sizes.layers_0", 80, 64, 0, 2, -ENOTSUP, "encoder.layers.0."},
    };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct npu_model *model;
        struct npu_model_info info = {0};
        int code = test_small_model_write(memory_path, sizes[i].n_mels, sizes[i].d_model,
                                          sizes[i].n_layers, sizes[i].n_ctx, 1);
        if (!code)
            code = open_memory(&model);
        if (!code) {
            npu_model_get_info(model, &info);
            npu_model_close(&model);
        }
        bool same = code || (info.n_mels == sizes[i].n_mels && info.d_model == sizes[i].d_model &&
                             info.n_layers == sizes[i].n_layers && info.n_ctx == sizes[i].n_ctx);
        check_case(code == sizes[i].code && same && strstr(error.text, sizes[i].word),
                   sizes[i].name, "code %d: %s", code, error.text);
    }
}

/* The list of tensors ends at 4096, however many a file has. */
static void test_many_tensors(void)
{
    static const char *const words[] = {"at most 4096 tensors", "found more"};
    static const unsigned dims[3] = {1};
    struct weights_file file;
    char name[32];
    ggml_make(&file, F16);
    for (int i = 0; i < 4096; i++) {
        snprintf(name, sizeof(name), "decoder.more.%d", i);
        file.n_spans = 0;
        ggml_tensor(&file, &vectors[F16], name, dims, false);
    }
    check_refusal("ggml.many_tensors", &file, -EBADMSG, words, 2);
    free(file.data.at);
}

/* 48 values of q4_0 are no whole blocks. */
static void test_ggml_blocks(void)
{
    static const char *const words[] = {"encoder.ln_post.bias", "multiples of 32 for q4_0", "[48]"};
    struct weights_file file;
    ggml_make(&file, Q8_0);
    uint8_t *bias = file.data.at + file.offset_of[NPU_TENSOR_NORM_BIAS];
    bias[-28] = 2;
    bias[-24] = 48;
    check_refusal("ggml.type_blocks", &file, -EBADMSG, words, 3);
    free(file.data.at);
}

/* ---- Every truncation, every bit ------------------------------------------------------------- */

static void test_truncations(const char *name, const struct weights_file *file)
{
    unsigned bad = 0;
    size_t first_bad = 0;
    memory_write(file->data.at, file->data.n);
    for (size_t n = file->data.n; n-- > 0;) {
        struct npu_model *model;
        if (ftruncate(memory_fd, (off_t)n) != 0)
            abort();
        int code = open_memory(&model);
        if (!refused_well(code, model)) {
            bad++;
            first_bad = n;
        }
        npu_model_close(&model);
    }
    check_case(bad == 0, name, "%zu lengths, %u not refused well, one at %zu: %s", file->data.n,
               bad, first_bad, error.text);
}

/* A flip is refused well, or the file still means the same: same sizes, same places of the values
 * (their first ones are looked at). */
static bool same_meaning(const struct npu_model *model, bool ggml, enum format format)
{
    struct npu_model_info info;
    float values[64];
    npu_model_get_info(model, &info);
    bool same = info.n_layers == 1 && info.d_model == D_MODEL && info.n_mels == N_MELS &&
                info.n_ctx == N_CTX;
    for (int i = 0; i < NPU_TENSOR_COUNT && same; i++) {
        const struct vector *v = &vectors[ggml ? ggml_part_format(format, &parts[i]) : format];
        same = npu_model_read_f32(model, parts[i].id, 0, 0, 64, values, &error) == 0 &&
               memcmp(values, v->values, sizeof(values)) == 0;
    }
    return same;
}

static void test_flips(const char *name, struct weights_file *file, bool ggml, enum format format)
{
    unsigned flips = 0, bad = 0, accepted = 0, first_bad = 0;
    memory_write(file->data.at, file->data.n);
    for (size_t s = 0; s < file->n_spans; s++) {
        for (size_t bit = 8 * file->spans[s].begin; bit < 8 * file->spans[s].end; bit++) {
            struct npu_model *model;
            uint8_t byte = file->data.at[bit / 8] ^ (uint8_t)(1u << bit % 8);
            if (pwrite(memory_fd, &byte, 1, (off_t)(bit / 8)) != 1)
                abort();
            int code = open_memory(&model);
            bool ok = code ? refused_well(code, model) : same_meaning(model, ggml, format);
            if (code == 0 && ggml && !file->spans[s].free)
                ok = false;
            accepted += code == 0;
            flips++;
            if (!ok && bad++ == 0)
                first_bad = (unsigned)bit;
            npu_model_close(&model);
            if (pwrite(memory_fd, &file->data.at[bit / 8], 1, (off_t)(bit / 8)) != 1)
                abort();
        }
    }
    check_case(bad == 0 && accepted < flips / 4 && flips > 8000, name,
               "%u flips, %u without meaning, %u wrong, the first at bit %u", flips, accepted, bad,
               first_bad);
}

static void test_damage(void)
{
    struct weights_file file;
    safetensors_make(&file, F16, "", true);
    test_truncations("truncated.safetensors", &file);
    test_flips("flipped.safetensors", &file, false, F16);
    free(file.data.at);
    ggml_make(&file, Q4_0);
    test_truncations("truncated.ggml", &file);
    test_flips("flipped.ggml", &file, true, Q4_0);
    free(file.data.at);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static void put_le64(uint8_t *at, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static void test_allocation_bound(void)
{
    /* the least memory a model of any size costs: its path, the table of names (64 to begin with)
     */
    const size_t base = 16384;
    uint8_t small[64] = {0};
    small[8] = '{';
    alloc_largest = 0;
    for (int bit = 1; bit < 64; bit++) {
        put_le64(small, UINT64_C(1) << bit);
        try_open(small, sizeof(small));
    }
    check_case(alloc_largest <= base, "memory.header_length", "largest request %zu bytes",
               alloc_largest);

    struct weights_file file;
    ggml_make(&file, Q4_0);
    alloc_largest = 0;
    for (size_t s = 0; s < file.n_spans; s++) {
        for (size_t at = file.spans[s].begin; at + 4 <= file.spans[s].end; at += 4) {
            uint8_t saved[4];
            memcpy(saved, file.data.at + at, 4);
            memcpy(file.data.at + at, "\xff\xff\xff\x7f", 4);
            try_open(file.data.at, file.data.n);
            memcpy(file.data.at + at, saved, 4);
        }
    }
    check_case(alloc_largest <= base, "memory.ggml_numbers", "largest request %zu bytes",
               alloc_largest);
    free(file.data.at);

    /* a sparse file of 8 GiB may ask for 16 MiB of header, no more */
    alloc_largest = 0;
    put_le64(small, (UINT64_C(16) << 20) + 1);
    memory_write(small, sizeof(small));
    struct npu_model *model;
    bool grown = ftruncate(memory_fd, (off_t)(UINT64_C(8) << 30)) == 0;
    int code = open_memory(&model);
    check_case(grown && refused_well(code, model) && alloc_largest <= base, "memory.header_cap",
               "code %d, largest request %zu bytes: %s", code, alloc_largest, error.text);
    npu_model_close(&model);
}

static void test_memory(void)
{
    struct weights_file file;
    test_allocation_bound();
    safetensors_make(&file, F16, "model.", true);
    memory_write(file.data.at, file.data.n);
    check_no_memory("memory.none.safetensors", memory_path);
    free(file.data.at);
    ggml_make(&file, Q8_0);
    memory_write(file.data.at, file.data.n);
    check_no_memory("memory.none.ggml", memory_path);
    free(file.data.at);
}

/* ---- Real weights ---------------------------------------------------------------------------- */

static void test_real(const char *name, const char *path, uint64_t params, unsigned d_model,
                      unsigned n_layers)
{
    struct npu_model *model = NULL;
    struct npu_model_info info = {0};
    static float row[2048];
    unsigned bad = 0;
    if (access(path, R_OK) != 0) {
        check_skip(name, "no such weights here");
        return;
    }
    int code = npu_model_open(&model, path, &error);
    if (!code) {
        npu_model_get_info(model, &info);
        for (unsigned i = 0; i < info.d_model && !code; i++)
            code = npu_model_read_f32(model, NPU_TENSOR_POSITIONS, 0, (uint64_t)i * info.d_model,
                                      info.d_model, row, &error);
        /* sinusoids: the first position's are sin 0 and cos 0 */
        code =
            code ? code
                 : npu_model_read_f32(model, NPU_TENSOR_POSITIONS, 0, 0, info.d_model, row, &error);
        for (unsigned i = 0; i < info.d_model; i++)
            bad += row[i] != (i < info.d_model / 2 ? 0.0f : 1.0f);
    }
    check_case(code == 0 && bad == 0 && info.n_params == params && info.d_model == d_model &&
                   info.n_layers == n_layers && info.n_ctx == 1500 && info.n_mels == 80 &&
                   info.load_bytes == 2 * params,
               name, "code %d, %llu parameters, %u positions wrong %s", code,
               (unsigned long long)info.n_params, bad, error.text);
    npu_model_close(&model);
}

static int write_corpus(const char *folder)
{
    for (int f = 0; f < N_FORMATS; f++) {
        for (int ggml = 0; ggml < 2; ggml++) {
            char path[4096];
            struct weights_file file;
            if (!ggml && !vectors[f].safetensors)
                continue;
            if (ggml)
                ggml_make(&file, (enum format)f);
            else
                safetensors_make(&file, (enum format)f, "model.", true);
            snprintf(path, sizeof(path), "%s/%s-%s", folder, ggml ? "ggml" : "safetensors",
                     vectors[f].name);
            FILE *out = fopen(path, "wb");
            bool ok = out && fwrite(file.data.at, 1, file.data.n, out) == file.data.n;
            free(file.data.at);
            if (!out || fclose(out) != 0 || !ok) {
                fprintf(stderr, "%s could not be written\n", path);
                return 1;
            }
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    char path[4096];
    if (argc != 4 || !load_vectors(argv[1])) {
        fprintf(stderr, "usage: test_model VECTORS DEFAULT SHARED; VECTORS is tests/data/ggml\n");
        return 2;
    }
    if (strcmp(argv[2], "--write") == 0)
        return write_corpus(argv[3]);
    memory_fd = memfd_create("model", MFD_CLOEXEC);
    snprintf(memory_path, sizeof(memory_path), "/proc/self/fd/%d", memory_fd);
    unsigned descriptors = count_descriptors();
    test_all_values();
    test_every_half(F16, "values.every_f16");
    test_every_half(BF16, "values.every_bf16");
    test_bad_values();
    test_ranges();
    test_changed_file();
    test_cancel();
    test_reads("reads.dribble", READ_DRIBBLE, 0, "");
    test_reads("reads.end", READ_END, -EIO, "found the end of the file");
    test_reads("reads.fail", READ_FAIL, -EIO, "Input/output error");
    test_safetensors_refusals();
    test_safetensors_lengths();
    test_sizes();
    test_ggml_refusals();
    test_ggml_blocks();
    test_many_tensors();
    test_memory();
    test_damage();
    test_real("real.default", argv[2], 20590592, 512, 6);
    snprintf(path, sizeof(path), "%s/data/weights/whisper-tiny.en-encoder.safetensors", argv[3]);
    test_real("real.tiny.en", path, 8208384, 384, 4);
    check_descriptors(descriptors);
    close(memory_fd);
    return check_finish();
}
