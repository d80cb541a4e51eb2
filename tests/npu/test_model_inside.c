/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Encoders inside other files: under which prefixes and names they are found, what outside the
 * prefix is ignored, what inside it is refused.
 *
 *   test_model_inside VECTORS   tests/data/ggml */
#include "tests/npu/model_folder.h"
#include "tests/npu/model_rig.h"

/* ---- What is read ---------------------------------------------------------------------------- */

/* Tensors of other things, of every type without a reader. */
static void put_others(struct safetensors_parts *out)
{
    static char name[3001]; /* of a module in a module in a module ... */
    memset(name, 'x', sizeof(name) - 1);
    memcpy(name, "language_model.", 15);
    safetensors_any(out, name, "BF16", "3", 6);
    safetensors_any(out, "visual.patch_embed.proj.weight", "F32", "2,1,1,1,2", 16);
    safetensors_any(out, "visual.deep", "U8", "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2", 2);
    safetensors_any(out, "lm_head.weight_packed", "F4", "64,64", 2048);
    safetensors_any(out, "lm_head.weight_scale", "F8_E8M0", "64", 64);
    safetensors_any(out, "lm_head.spectrum", "C64", "2", 16);
    safetensors_any(out, "lm_head.nothing", "F32", "0,64", 0);
    safetensors_any(out, "lm_head.nothing_more", "I64", "7,0", 0);
    safetensors_any(out, "lm_head.huge_nothing", "I64", "2147483648,2147483648,2147483648,0", 0);
    safetensors_any(out, "lm_head.scalar", "I64", "", 8);
    safetensors_any(out, "projector.weight", "F16", "2,64", 256);
    safetensors_any(out, "classifier.bias", "F32", "5", 20);
    safetensors_any(out, "decoder.token_embedding.weight", "F16", "3", 6);
    for (unsigned i = 0; i < 80; i += 79) {
        char layer[96];
        snprintf(layer, sizeof(layer), "language_model.model.layers.%u.self_attn.q_proj.weight", i);
        safetensors_any(out, layer, "F16", "1,2,3", 12);
    }
}

static unsigned count_wrong(const struct npu_model *model, enum format format)
{
    unsigned wrong = 0;
    for (int i = 0; i < NPU_TENSOR_COUNT; i++)
        wrong += compare_part(model, &parts[i], &vectors[format]);
    return wrong;
}

static void write_parts(struct safetensors_parts *from)
{
    struct weights_file file;
    strcat(from->header, "}");
    safetensors_join(&file, from);
    memory_write(file.data.at, file.data.n);
    free(file.data.at);
    free(from->data.at);
}

#define EVERY_PREFIX \
    "module._orig_mod.thinker.audio_tower.whisper.model.audio_tower.encoder._orig_mod."

static void test_prefixes(void)
{
    static const char *const prefixes[] = {
        "",
        "encoder.",
        "model.encoder.",
        "_orig_mod.model.encoder.",
        "module.model.encoder.",
        "model.",
        "model.model.",
        "audio_tower.",
        "model.audio_tower.",
        "thinker.audio_tower.",
        "whisper.",
        "whisper.encoder.",
        "whisper.model.encoder.",
        "model.whisper.encoder.",
        "module._orig_mod.model.encoder.",
        "model.encoder._orig_mod.",
        EVERY_PREFIX,
    };
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        for (int openai = 0; openai < 2; openai++) {
            static struct safetensors_parts from;
            struct npu_model *model;
            struct npu_model_info info = {0};
            char name[128];
            safetensors_begin(&from);
            safetensors_encoder(&from, F16, prefixes[i], openai);
            if (prefixes[i][0]) /* else nothing is outside */
                put_others(&from);
            write_parts(&from);
            int code = open_memory(&model);
            unsigned wrong = code ? 0 : count_wrong(model, F16);
            if (!code)
                npu_model_get_info(model, &info);
            snprintf(name, sizeof(name), "prefix.%s.%s", openai ? "openai" : "hf",
                     prefixes[i][0] ? prefixes[i] : "none");
            check_case(code == 0 && wrong == 0 && info.n_layers == 1 && info.n_ctx == N_CTX, name,
                       "code %d, %u values wrong: %s", code, wrong, error.text);
            npu_model_close(&model);
        }
    }
}

/* ---- What is refused ------------------------------------------------------------------------- */

enum extra { NOTHING, SECOND, OTHER_NAMES, LANGUAGE_MODEL, OMNI, MANY_PREFIXES, NO_POSITIONS };

struct refusal {
    const char *name, *prefix;
    bool openai;
    enum extra extra;
    const char *from, *to; /* an edit of the header, or NULL */
    const char *words[4];
};

static const struct refusal refusals[] = {
    {"two",
     "model.encoder.",
     false,
     SECOND,
     NULL,
     NULL,
     {"two complete", "under the prefix model.encoder.", "under the prefix whisper."}},
    {"two_and_none",
     "",
     false,
     SECOND,
     NULL,
     NULL,
     {"two complete", "without a prefix", "under the prefix whisper."}},
    {"both_namings_whole",
     "encoder.",
     false,
     OTHER_NAMES,
     NULL,
     NULL,
     {"mix of both", "under the prefix encoder."}},
    {"mixed",
     "model.encoder.",
     false,
     NOTHING,
     "layers.0.fc1.bias",
     "blocks.0.mlp.0.bias",
     {"mix of both", "under the prefix model.encoder."}},
    {"mixed_norm",
     "encoder.",
     true,
     NOTHING,
     "ln_post.bias",
     "layer_norm.bias",
     {"mix of both", "under the prefix encoder."}},
    {"one_of_the_other",
     "model.",
     false,
     NOTHING,
     "{\"",
     "{\"model.ln_post.bias\":{\"dtype\":\"F16\",\"shape\":[0],\"data_offsets\":[0,0]},\"",
     {"model.ln_post.bias", "named in another way"}},
    {"adapter",
     "model.encoder.",
     false,
     NOTHING,
     "{\"",
     "{\"model.encoder.layers.0.fc1.lora_A.weight\":{\"dtype\":\"F16\",\"shape\":[0],"
     "\"data_offsets\":[0,0]},\"",
     {"layers.0.fc1.lora_A.weight", "Whisper encoder only", "under the prefix model.encoder."}},
    {"nested",
     "encoder.",
     false,
     NOTHING,
     "{\"",
     "{\"encoder.model.conv1.bias\":{\"dtype\":\"F16\",\"shape\":[0],\"data_offsets\":[0,0]},\"",
     {"tensor encoder.model.conv1.bias", "under the prefix encoder."}},
    {"head_without_prefix",
     "",
     false,
     NOTHING,
     "{\"",
     "{\"head.weight\":{\"dtype\":\"F16\",\"shape\":[0],\"data_offsets\":[0,0]},\"",
     {"tensor head.weight", "without a prefix"}},
    {"missing",
     "model.encoder.",
     false,
     LANGUAGE_MODEL,
     "model.encoder.conv2.bias",
     "conv2.beside",
     {"tensor model.encoder.conv2.bias", "1 layer under the prefix model.encoder.",
      "most complete one"}},
    {"missing_many",
     "speech_tower.",
     false,
     LANGUAGE_MODEL,
     NULL,
     NULL,
     {"tensor model.conv1.weight", "nor 566 others", "under the prefix model.",
      "a prefix that is not read there is speech_tower.conv1.weight"}},
    {"omni",
     "thinker.audio_tower.",
     false,
     OMNI,
     "thinker.audio_tower.embed_positions.weight",
     "thinker.audio_tower.proj.weight",
     {"thinker.audio_tower.embed_positions.weight", "found no tensor",
      "thinker.audio_tower.proj.weight is not one of an encoder's"}},
    {"prefix_unknown",
     "speech_tower.",
     false,
     NOTHING,
     NULL,
     NULL,
     {"model.encoder.conv1.weight",
      "a prefix that is not read there is speech_tower.conv1.weight"}},
    {"prefix_too_deep",
     "model." EVERY_PREFIX,
     false,
     NOTHING,
     NULL,
     NULL,
     {"found none of their names", "a prefix that is not read"}},
    {"prefix_without_dot", "modelencoder.", false, NOTHING, NULL, NULL, {"found none of their"}},
    {"many_prefixes", "", false, MANY_PREFIXES, NULL, NULL, {"at most 32 prefixes", "found more"}},
    {"shape",
     "model.encoder.",
     false,
     NOTHING,
     "[256,64]",
     "[64,256]",
     {"tensor model.encoder.layers.0.fc1.weight", "[256, 64]", "[64, 256]",
      "the one under the prefix model.encoder."}},
    {"shape_without_prefix",
     "",
     true,
     NOTHING,
     "[256,64]",
     "[64,256]",
     {"tensor blocks.0.mlp.0.weight", "[64, 256]", "the one without a prefix"}},
    {"no_positions",
     "encoder.",
     false,
     NO_POSITIONS,
     "encoder.embed_positions.weight",
     "positions",
     {"encoder.embed_positions.weight", "[1 .. 1500, 64]", "found [0, 64]"}},
    {"type",
     "encoder.",
     false,
     NOTHING,
     "\"F16\"",
     "\"F4\"",
     {"encoder.conv1.weight", "F32, F16 or BF16, found F4", "under the prefix encoder."}},
};

static void put_extra(struct safetensors_parts *out, const struct refusal *r)
{
    char name[192];
    switch (r->extra) {
    case SECOND:
        safetensors_encoder(out, F16, "whisper.", true);
        break;
    case OTHER_NAMES: /* the convolutions have the same in both */
        for (int i = 0; i < NPU_TENSOR_COUNT; i++) {
            snprintf(name, sizeof(name), "%s%s", r->prefix, parts[i].ggml);
            if (strcmp(parts[i].ggml, parts[i].hf) != 0)
                safetensors_entry(out, &vectors[F16], name, parts[i].dims);
        }
        break;
    case LANGUAGE_MODEL: /* more names like an encoder's than the encoder has */
        for (int i = 0; i < 40; i++) {
            snprintf(name, sizeof(name), "model.layers.%d.self_attn.q_proj.weight", i);
            safetensors_any(out, name, "F16", "4,4", 32);
        }
        break;
    case OMNI:
        safetensors_any(out, "thinker.model.layers.0.self_attn.q_proj.weight", "F16", "4,4", 32);
        break;
    case MANY_PREFIXES:
        for (int i = 0; i < 33; i++) {
            static const char *const two[] = {"model.", "encoder."};
            snprintf(name, sizeof(name), "%s%s%s%s%s%sconv1.bias", two[i & 1], two[i >> 1 & 1],
                     two[i >> 2 & 1], two[i >> 3 & 1], two[i >> 4 & 1], two[i >> 5 & 1]);
            safetensors_any(out, name, "F16", "1", 2);
        }
        break;
    case NO_POSITIONS: /* the edit removes them */
        safetensors_any(out, "encoder.embed_positions.weight", "F16", "0,64", 0);
        break;
    case NOTHING:
        break;
    }
}

static void test_refusals(void)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        static struct safetensors_parts from;
        static char tail[sizeof(from.header)];
        const struct refusal *r = &refusals[i];
        struct npu_model *model;
        char name[96];
        bool said = true;
        safetensors_begin(&from);
        safetensors_encoder(&from, F16, r->prefix, r->openai);
        put_extra(&from, r);
        char *at = r->from ? strstr(from.header, r->from) : NULL;
        if (at) {
            snprintf(tail, sizeof(tail), "%s%s", r->to, at + strlen(r->from));
            strcpy(at, tail);
        }
        write_parts(&from);
        int code = open_memory(&model);
        for (size_t w = 0; w < 4 && r->words[w]; w++)
            said = said && strstr(error.text, r->words[w]);
        snprintf(name, sizeof(name), "inside.%s", r->name);
        check_case((!r->from || at) && refused_well(code, model) && said, name, "code %d: %s", code,
                   error.text);
        npu_model_close(&model);
    }
}

/* ---- Sizes ----------------------------------------------------------------------------------- */

/* An encoder and so many other tensors, all empty. */
static int open_with_others(unsigned n, struct npu_model **model)
{
    static struct safetensors_parts from;
    struct bytes file = {0}, header = {0};
    char entry[96];
    safetensors_begin(&from);
    safetensors_encoder(&from, F16, "model.encoder.", false);
    put_text(&header, from.header);
    for (unsigned i = 0; i < n; i++) {
        snprintf(entry, sizeof(entry),
                 ",\"l.%u\":{\"dtype\":\"F16\",\"shape\":[0],\"data_offsets\":[0,0]}", i);
        put_text(&header, entry);
    }
    put_text(&header, "}");
    put_u32(&file, (uint32_t)header.n);
    put_u32(&file, 0);
    put(&file, header.at, header.n);
    put(&file, from.data.at, from.data.n);
    memory_write(file.at, file.n);
    free(file.at);
    free(header.at);
    free(from.data.at);
    return open_memory(model);
}

static void test_many(void)
{
    struct npu_model *model;
    unsigned most = 100000 - NPU_TENSOR_COUNT;
    int code = open_with_others(most, &model);
    check_case(code == 0 && model && count_wrong(model, F16) == 0, "inside.100000_tensors",
               "code %d: %s", code, error.text);
    npu_model_close(&model);
    code = open_with_others(most + 1, &model);
    check_case(code == -EBADMSG && refused_well(code, model) &&
                   strstr(error.text, "at most 100000 tensors"),
               "inside.100001_tensors", "code %d: %s", code, error.text);
    npu_model_close(&model);
}

/* Files with more than a few GiB of other things. */
static void test_large(void)
{
    static const struct {
        const char *name;
        uint64_t bytes;
        int code;
    } files[] = {
        {"inside.40_gib", UINT64_C(40) << 30, 0},
        {"inside.above_1_tib", (UINT64_C(1) << 40) + 1, -EBADMSG},
    };
    for (size_t i = 0; i < 2; i++) {
        static struct safetensors_parts from;
        struct npu_model *model;
        char text[128];
        safetensors_begin(&from);
        safetensors_encoder(&from, F16, "model.encoder.", false);
        uint64_t begin = from.data.n, n = strlen(from.header);
        /* header and data grow by the entry and its data: the sum is the file */
        snprintf(text, sizeof(text), ",\"l\":{\"dtype\":\"U8\",\"shape\":[%010u,%010u],", 0u, 0u);
        n += strlen(text) + strlen("\"data_offsets\":[0000000000000,0000000000000]}}");
        uint64_t rows = (files[i].bytes - begin - n - 8) >> 20;
        snprintf(text, sizeof(text),
                 ",\"l\":{\"dtype\":\"U8\",\"shape\":[%llu,1048576],"
                 "\"data_offsets\":[%llu,%llu]}",
                 (unsigned long long)rows, (unsigned long long)begin,
                 (unsigned long long)(begin + (rows << 20)));
        strcat(from.header, text);
        write_parts(&from);
        struct stat st;
        uint64_t size = fstat(memory_fd, &st) == 0 ? (uint64_t)st.st_size + (rows << 20) : 0;
        if (files[i].code)
            size = files[i].bytes;
        bool grown = ftruncate(memory_fd, (off_t)size) == 0;
        int code = open_memory(&model);
        if (grown)
            check_case(code == files[i].code && (code || count_wrong(model, F16) == 0),
                       files[i].name, "code %d: %s", code, error.text);
        else
            check_skip(files[i].name, "no file of that size is possible here");
        npu_model_close(&model);
    }
}

/* A part of a sharded model without the rest of it. */
static void test_part_alone(void)
{
    static const struct {
        const char *name, *word;
        bool part;
    } names[] = {
        {"model-00001-of-00003.safetensors", "part 1 of 3", true},
        {"model.fp16-00012-of-00345.safetensors", "part 12 of 345", true},
        {"model-00001-of-00003.bin", "most complete one", false},
        {"model-1of3.safetensors", "most complete one", false},
        {"-of-3.safetensors", "most complete one", false},
        {"1-of-3.safetensors", "most complete one", false},
    };
    static struct safetensors_parts from;
    char target[64];
    safetensors_begin(&from);
    safetensors_encoder(&from, F16, "model.encoder.", false);
    char *first = strstr(from.header, "model.encoder.conv2.bias");
    first[0] = 'x';
    write_parts(&from);
    snprintf(target, sizeof(target), "/proc/%d/fd/%d", (int)getpid(), memory_fd);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct npu_model *model = NULL;
        char name[96];
        const char *path = in_root(names[i].name);
        bool linked = symlink(target, path) == 0;
        int code = npu_model_open(&model, path, &error);
        bool index = strstr(error.text, "give the index");
        snprintf(name, sizeof(name), "part_alone.%s", names[i].name);
        check_case(linked && code == -ENOTSUP && !model && strstr(error.text, names[i].word) &&
                       index == names[i].part,
                   name, "code %d: %s", code, error.text);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2 || !load_vectors(argv[1])) {
        fprintf(stderr, "usage: test_model_inside VECTORS; VECTORS is tests/data/ggml\n");
        return 2;
    }
    make_root();
    memory_fd = memfd_create("model", MFD_CLOEXEC);
    snprintf(memory_path, sizeof(memory_path), "/proc/self/fd/%d", memory_fd);
    unsigned descriptors = count_descriptors();
    test_prefixes();
    test_refusals();
    test_many();
    test_large();
    test_part_alone();
    static struct safetensors_parts from;
    safetensors_begin(&from);
    safetensors_encoder(&from, F16, "model.encoder.", true);
    put_others(&from);
    write_parts(&from);
    check_no_memory("inside.no_memory", memory_path);
    check_descriptors(descriptors);
    close(memory_fd);
    remove_root();
    return check_finish();
}
