/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sharded checkpoints: an index and its parts.
 *
 *   test_model_shards VECTORS   tests/data/ggml */
#include "tests/npu/model_folder.h"
#include "tests/npu/model_rig.h"

#define INDEX "s/model.safetensors.index.json"
#define FIRST "model-00001-of-00003.safetensors"
#define NEXT  "model-00002-of-00003.safetensors"
#define LAST  "model-00003-of-00003.safetensors"

/* The encoder's first tensors are in the first part, the others in the second; the third has no
 * tensor of it. */
#define SPLIT 9

static struct weights_file part_files[2];
static char index_text[8192];

static const char *part_of(int i)
{
    return i < SPLIT ? FIRST : NEXT;
}

static void add_to_index(const char *name, const char *part)
{
    size_t used = strlen(index_text);
    snprintf(index_text + used, sizeof(index_text) - used, "%s\"%s\":\"%s\"",
             index_text[used - 1] == '{' ? "" : ",\n    ", name, part);
}

static void make_index(void)
{
    char name[128];
    strcpy(index_text,
           "{\n  \"metadata\": {\"total_size\": 16794200000, \"other\": [1.5e3, {}, "
           "[null, true, false, -0.25E-1, \"\\u00e9\xc3\xa9\"]]},\n  \"weight_map\": {");
    add_to_index("language_model.model.embed_tokens.weight", LAST);
    for (int i = 0; i < NPU_TENSOR_COUNT; i++) {
        snprintf(name, sizeof(name), "audio_tower.%s", parts[i].hf);
        add_to_index(name, part_of(i));
    }
    add_to_index("multi_modal_projector.linear.bias", NEXT);
    strcat(index_text, "}\n}\n");
}

/* The tensors of one part, of different types in each; `but` is left out, `also` is put in. */
static void make_part(struct weights_file *file, int part, int but, int also)
{
    static struct safetensors_parts from;
    char name[128];
    safetensors_begin(&from);
    for (int i = 0; i < NPU_TENSOR_COUNT; i++) {
        snprintf(name, sizeof(name), "audio_tower.%s", parts[i].hf);
        from.offset_of[parts[i].id] = from.data.n;
        if ((((i < SPLIT) == !part) && i != but) || i == also)
            safetensors_entry(&from, &vectors[part ? BF16 : F16], name, parts[i].dims);
    }
    safetensors_any(&from, part ? "multi_modal_projector.linear.bias" : "x", "I64", "1", 8);
    strcat(from.header, "}");
    safetensors_join(file, &from);
    free(from.data.at);
}

static void write_part(int part)
{
    make_bytes(part ? "s/" NEXT : "s/" FIRST, part_files[part].data.at, part_files[part].data.n);
}

static void restore(void)
{
    make_file(INDEX, index_text);
    write_part(0);
    write_part(1);
}

static int open_index(struct npu_model **model)
{
    *model = NULL;
    error.text[0] = 0;
    return npu_model_open(model, in_root(INDEX), &error);
}

static unsigned count_wrong(const struct npu_model *model)
{
    unsigned wrong = 0;
    for (int i = 0; i < NPU_TENSOR_COUNT; i++)
        wrong += compare_part(model, &parts[i], &vectors[i < SPLIT ? F16 : BF16]);
    return wrong;
}

/* ---- What is read ---------------------------------------------------------------------------- */

static void check_good(const char *name, const char *path)
{
    struct npu_model *model = NULL;
    struct npu_model_info info = {0};
    error.text[0] = 0;
    int code = npu_model_open(&model, path, &error);
    unsigned wrong = code ? 0 : count_wrong(model);
    uint64_t bytes = 0;
    for (int i = 0; i < NPU_TENSOR_COUNT; i++)
        bytes += 2 * part_count(&parts[i]);
    if (!code)
        npu_model_get_info(model, &info);
    check_case(code == 0 && wrong == 0 && info.load_bytes == bytes && info.n_ctx == N_CTX &&
                   strcmp(info.path, path) == 0 && strcmp(info.format, "safetensors") == 0,
               name, "code %d, %u values wrong: %s", code, wrong, error.text);
    npu_model_close(&model);
}

static void test_good(void)
{
    restore(); /* without a third part, which is not opened */
    check_good("shards.index", in_root(INDEX));
    make_file("s/" LAST, "no weights");
    check_good("shards.index_beside_garbage", in_root(INDEX));

    char *path = NULL;
    int code = npu_model_find(&path, in_root("s"), NULL, &error);
    if (check_case(code == 0, "shards.folder", "code %d: %s", code, error.text))
        check_good("shards.folder_open", path);
    free(path);

    char here[512];
    bool moved = getcwd(here, sizeof(here)) && chdir(in_root("s")) == 0;
    if (check_case(moved, "shards.chdir", "%s", strerror(errno)))
        check_good("shards.index_without_folder", "model.safetensors.index.json");
    moved = chdir(here) == 0;

    /* as in Hugging Face's cache: a snapshot of links to where the bytes are */
    make_folders("c/models--q--a/snapshots/1/x");
    make_bytes("c/models--q--a/blobs/p1", part_files[0].data.at, part_files[0].data.n);
    make_bytes("c/models--q--a/blobs/p2", part_files[1].data.at, part_files[1].data.n);
    make_file("c/models--q--a/blobs/i", index_text);
    make_file("c/models--q--a/refs/main", "1");
    bool linked = symlink("../../blobs/p1", in_root("c/models--q--a/snapshots/1/" FIRST)) == 0 &&
                  symlink("../../blobs/p2", in_root("c/models--q--a/snapshots/1/" NEXT)) == 0 &&
                  symlink("../../blobs/i",
                          in_root("c/models--q--a/snapshots/1/model.safetensors.index.json")) == 0;
    setenv("HF_HUB_CACHE", in_root("c"), 1);
    path = NULL;
    code = npu_model_find(&path, "q/a", NULL, &error);
    if (check_case(moved && linked && code == 0, "shards.cache", "code %d: %s", code, error.text))
        check_good("shards.cache_open", path);
    free(path);
}

/* ---- What is refused ------------------------------------------------------------------------- */

/* The index with one `from` as `to`; words that the sentence holds. */
static const struct {
    const char *name, *from, *to;
    int code;
    const char *words[3];
} edits[] = {
    {"key_unknown", "\"metadata\"", "\"meta data\"", 0, {0}},
    {"blanks", "\n}\n", "\n\t \r}\n \n", 0, {0}},
    {"metadata_null", "\"weight_map\"", "\"x\": null, \"weight_map\"", 0, {0}},
    {"metadata_deep", "[1.5e3,", "[[[[[[[[[[[[[[[1]]]]]]]]]]]]]],", 0, {0}},
    {"metadata_too_deep",
     "[1.5e3,",
     "[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]],",
     -EBADMSG,
     {"at most 16", "of the index"}},
    {"metadata_number", "16794200000", "016794200000", -EBADMSG, {"JSON value"}},
    {"metadata_sign", "16794200000", "+16794200000", -EBADMSG, {"JSON value", "'+'"}},
    {"metadata_point", "1.5e3", "1.e3", -EBADMSG, {"digit after the point"}},
    {"metadata_exponent", "1.5e3", "1.5e", -EBADMSG, {"digit of the exponent"}},
    {"metadata_word", "null", "nul", -EBADMSG, {"JSON value"}},
    {"metadata_comma", "[null, true", "[null true", -EBADMSG, {"','", "'t'"}},
    {"metadata_bracket", "\"\\u00e9\xc3\xa9\"]]}", "\"\\u00e9\xc3\xa9\"}]}", -EBADMSG, {"','"}},
    {"metadata_key", "{\"total_size\"", "{total_size", -EBADMSG, {"'\"'", "'t'"}},
    {"metadata_text", "\\u00e9", "\\u00g9", -EBADMSG, {"four hex digits"}},
    {"map_twice",
     "\"metadata\"",
     "\"weight_map\": {}, \"metadata\"",
     -EBADMSG,
     {"weight_map once"}},
    {"map_array", "\"weight_map\": {", "\"weight_map\": [", -EBADMSG, {"'{'", "'['"}},
    {"map_number",
     "\"" LAST "\"",
     "3",
     -EBADMSG,
     {"tensor language_model.model.embed_tokens.weight", "'\"'"}},
    {"map_empty_name", LAST, "", -EBADMSG, {"not empty"}},
    {"name_twice",
     "audio_tower.conv2.bias",
     "audio_tower.conv1.bias",
     -EBADMSG,
     {"tensor audio_tower.conv1.bias", "twice"}},
    {"name_escape",
     "audio_tower.conv2.bias",
     "audio_tower.conv2\\u002ebias",
     -EBADMSG,
     {"escapes"}},
    {"trailing_text", "\n}\n", "\n}\nx", -EBADMSG, {"only blanks", "'x'"}},
    {"trailing_comma", "\"}\n}\n", "\",}\n}\n", -EBADMSG, {"'\"'", "'}'"}},
    {"path_up",
     LAST,
     "../" LAST,
     -EBADMSG,
     {"tensor language_model.model.embed_tokens.weight", "beside the index", "../" LAST}},
    {"path_dots", LAST, "..", -EBADMSG, {"beside the index"}},
    {"path_absolute", LAST, "/etc/passwd", -EBADMSG, {"beside the index", "/etc/passwd"}},
    {"path_folder",
     "\"audio_tower.conv1.weight\":\"" FIRST,
     "\"audio_tower.conv1.weight\":\"a/" FIRST,
     -EBADMSG,
     {"beside the index"}},
    {"path_backslash", LAST, "a\\\\b", -EBADMSG, {"escapes"}},
    {"path_hidden", LAST, ".hidden", -EBADMSG, {"beside the index"}},
    {"path_zero", LAST, "a\\u0000b", -EBADMSG, {"escapes"}},
    {"part_missing",
     "\"audio_tower.conv1.weight\":\"" FIRST,
     "\"audio_tower.conv1.weight\":\"q",
     -ENOENT,
     {"/s/q: ", "No such file", "fetch it too"}},
    {"part_is_folder",
     "\"audio_tower.conv1.weight\":\"" FIRST,
     "\"audio_tower.conv1.weight\":\"folder",
     -EBADMSG,
     {"/s/folder: ", "a folder"}},
    {"part_is_index",
     "\"audio_tower.conv1.weight\":\"" FIRST,
     "\"audio_tower.conv1.weight\":\"model.safetensors.index.json",
     -ENOTSUP,
     {"/s/model.safetensors.index.json: ", "a part of a sharded model, found JSON"}},
    {"part_is_ggml",
     "\"audio_tower.conv1.weight\":\"" FIRST,
     "\"audio_tower.conv1.weight\":\"ggml.bin",
     -ENOTSUP,
     {"/s/ggml.bin: ", "found ggml"}},
    {"part_is_pointer",
     "\"audio_tower.conv1.weight\":\"" FIRST,
     "\"audio_tower.conv1.weight\":\"pointer",
     -EBADMSG,
     {"/s/pointer: ", "Git LFS pointer"}},
    {"part_is_another",
     "\"audio_tower.conv1.bias\":\"" FIRST,
     "\"audio_tower.conv1.bias\":\"" NEXT,
     -EBADMSG,
     {"/s/" FIRST ": tensor audio_tower.conv1.bias", "expected in " NEXT " alone"}},
    {"encoder_incomplete",
     "audio_tower.conv2.bias",
     "conv2.bias",
     -ENOTSUP,
     {"audio_tower.conv2.bias", "under the prefix audio_tower.", "the index of a sharded model"}},
    {"encoder_adapter",
     "multi_modal_projector.linear.bias",
     "audio_tower.lora",
     -ENOTSUP,
     {"tensor audio_tower.lora", "Whisper encoder only"}},
};

static void test_edits(void)
{
    static char text[sizeof(index_text) + 256];
    struct weights_file ggml;
    make_folders("s/folder/x");
    make_file("s/pointer", "version https://git-lfs.github.com/spec/v1\noid x\nsize 5\n");
    ggml_make(&ggml, F16);
    make_bytes("s/ggml.bin", ggml.data.at, ggml.data.n);
    free(ggml.data.at);
    for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
        struct npu_model *model;
        char name[64];
        const char *at = strstr(index_text, edits[i].from);
        restore();
        if (at)
            snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - index_text), index_text,
                     edits[i].to, at + strlen(edits[i].from));
        make_file(INDEX, text);
        int code = open_index(&model);
        bool said = at && (code == 0 || (!model && strstr(error.text, "expected") &&
                                         strstr(error.text, "found")));
        for (size_t w = 0; w < 3 && edits[i].words[w]; w++)
            said = said && strstr(error.text, edits[i].words[w]);
        snprintf(name, sizeof(name), "shards.%s", edits[i].name);
        check_case(said && code == edits[i].code && (code || count_wrong(model) == 0), name,
                   "code %d: %s", code, error.text);
        npu_model_close(&model);
    }
    restore();
}

/* Parts that do not hold what the index says. */
static void test_parts(void)
{
    static const struct {
        const char *name;
        int part, but, also;
        const char *words[3];
    } cases[] = {
        {"absent",
         1,
         SPLIT,
         -1,
         {"/s/" NEXT ": tensor audio_tower.", "as the index says", "no tensor"}},
        {"in_two",
         1,
         -1,
         1,
         {"/s/" NEXT ": tensor audio_tower.conv1.bias", "expected in " FIRST " alone",
          "found here too"}},
        {"in_two_first",
         0,
         -1,
         NPU_TENSOR_COUNT - 1,
         {"/s/" FIRST ": tensor audio_tower.layers.0.fc2.bias", "expected in " NEXT " alone"}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct npu_model *model;
        struct weights_file file;
        char name[64];
        make_part(&file, cases[i].part, cases[i].but, cases[i].also);
        make_bytes(cases[i].part ? "s/" NEXT : "s/" FIRST, file.data.at, file.data.n);
        free(file.data.at);
        int code = open_index(&model);
        bool said = strstr(error.text, "expected") && strstr(error.text, "found");
        for (size_t w = 0; w < 3 && cases[i].words[w]; w++)
            said = said && strstr(error.text, cases[i].words[w]);
        snprintf(name, sizeof(name), "shards.tensor_%s", cases[i].name);
        check_case(code == -EBADMSG && !model && said, name, "code %d: %s", code, error.text);
        npu_model_close(&model);
        restore();
    }
    /* a tensor with the encoder's prefix that is not in the index */
    static struct safetensors_parts from;
    struct weights_file file;
    struct npu_model *model;
    safetensors_begin(&from);
    safetensors_any(&from, "audio_tower.layers.1.fc1.bias", "F16", "1", 2);
    strcat(from.header, "}");
    safetensors_join(&file, &from);
    make_bytes("s/" FIRST, file.data.at, file.data.n);
    int code = open_index(&model);
    check_case(code == -EBADMSG && !model && strstr(error.text, "audio_tower.layers.1.fc1.bias") &&
                   strstr(error.text, "that the index has"),
               "shards.tensor_unknown", "code %d: %s", code, error.text);
    free(from.data.at);
    free(file.data.at);
    restore();
    bool closed = chmod(in_root("s/" NEXT), 0) == 0 && access(in_root("s/" NEXT), R_OK) != 0;
    code = open_index(&model);
    if (closed)
        check_case(code == -EACCES && strstr(error.text, "/s/" NEXT), "shards.part_closed",
                   "code %d: %s", code, error.text);
    else
        check_skip("shards.part_closed", "root may read everything");
    npu_model_close(&model);
    chmod(in_root("s/" NEXT), 0600);
}

/* More parts than are opened for one encoder: 257 of one tensor each. */
static void test_many_parts(void)
{
    static struct safetensors_parts from;
    static char text[1 << 16];
    char name[128], part[64];
    unsigned n = 0;
    size_t used = (size_t)snprintf(text, sizeof(text), "{\"weight_map\":{");
    for (int layer = 0; layer < 17; layer++) {
        for (int i = 0; i < NPU_TENSOR_COUNT; i++) {
            bool global = strncmp(parts[i].hf, "layers.0.", 9) != 0;
            if (global && layer)
                continue;
            if (global)
                snprintf(name, sizeof(name), "encoder.%s", parts[i].hf);
            else
                snprintf(name, sizeof(name), "encoder.layers.%d.%s", layer, parts[i].hf + 9);
            struct weights_file file;
            safetensors_begin(&from);
            safetensors_any(&from, name, "F16", "1", 2);
            strcat(from.header, "}");
            safetensors_join(&file, &from);
            snprintf(part, sizeof(part), "m/%u", n);
            make_bytes(part, file.data.at, file.data.n);
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s\"%s\":\"%u\"",
                                     n ? "," : "", name, n);
            n++;
            free(from.data.at);
            free(file.data.at);
        }
    }
    strcat(text, "}}");
    make_file("m/index.json", text);
    struct npu_model *model = NULL;
    int code = npu_model_open(&model, in_root("m/index.json"), &error);
    check_case(n == 262 && code == -ENOTSUP && !model && strstr(error.text, "at most 256 parts"),
               "shards.many_parts", "%u parts, code %d: %s", n, code, error.text);
}

/* ---- Damage ---------------------------------------------------------------------------------- */

static bool refused(int code, const struct npu_model *model, const char *file)
{
    return (code == -EBADMSG || code == -ENOTSUP || code == -ENOENT) && !model &&
           strstr(error.text, file) && strstr(error.text, "expected") &&
           strstr(error.text, "found");
}

/* Every truncation of a file, the longest first. */
static void test_truncated(const char *name, const char *path, size_t step)
{
    unsigned bad = 0, n = 0;
    size_t first_bad = 0;
    struct stat st;
    if (stat(path, &st) != 0)
        abort();
    for (size_t size = (size_t)st.st_size - 1;; size -= size < step ? size : step) {
        struct npu_model *model;
        if (truncate(path, (off_t)size) != 0)
            abort();
        int code = open_index(&model);
        if (!refused(code, model, path) && bad++ == 0)
            first_bad = size;
        npu_model_close(&model);
        n++;
        if (size == 0)
            break;
    }
    check_case(bad == 0, name, "%u lengths, %u not refused well, the first %zu: %s", n, bad,
               first_bad, error.text);
    restore();
}

/* Every bit of the index: refused, or the same model from the same parts. */
static void test_flipped(void)
{
    unsigned flips = 0, accepted = 0, bad = 0, first_bad = 0;
    int fd = open(in_root(INDEX), O_RDWR | O_CLOEXEC);
    for (unsigned bit = 0; bit < 8 * strlen(index_text); bit++, flips++) {
        struct npu_model *model;
        uint8_t byte = (uint8_t)index_text[bit / 8] ^ (uint8_t)(1u << bit % 8);
        if (pwrite(fd, &byte, 1, (off_t)(bit / 8)) != 1)
            abort();
        int code = open_index(&model);
        bool ok = code ? refused(code, model, "/s/") : count_wrong(model) == 0;
        accepted += code == 0;
        if (!ok && bad++ == 0)
            first_bad = bit;
        npu_model_close(&model);
        if (pwrite(fd, &index_text[bit / 8], 1, (off_t)(bit / 8)) != 1)
            abort();
    }
    close(fd);
    check_case(bad == 0 && accepted < flips / 4 && flips > 8000, "shards.index_flipped",
               "%u flips, %u without meaning, %u wrong, the first at bit %u", flips, accepted, bad,
               first_bad);
}

static void test_damage(void)
{
    char path[512];
    snprintf(path, sizeof(path), "%s", in_root(INDEX));
    index_text[strlen(index_text) - 1] = 0; /* without the line's end, which is not needed */
    restore();
    test_truncated("shards.index_truncated", path, 1);
    snprintf(path, sizeof(path), "%s", in_root("s/" NEXT));
    test_truncated("shards.part_truncated", path, 97);
    test_flipped();
}

/* ---- Identity, changes, memory --------------------------------------------------------------- */

static struct npu_model_identity identity_of(const char *path)
{
    struct npu_model *model = NULL;
    struct npu_model_identity identity = {0};
    if (npu_model_open(&model, path, &error) == 0)
        npu_model_get_identity(model, &identity);
    npu_model_close(&model);
    return identity;
}

static void touch(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        abort();
    const struct timespec times[2] = {st.st_mtim, {st.st_mtim.tv_sec - 5, st.st_mtim.tv_nsec}};
    utimensat(AT_FDCWD, path, times, 0);
}

static void test_identity(void)
{
    const char *const files[] = {INDEX, "s/" FIRST, "s/" NEXT};
    struct npu_model_identity first = identity_of(in_root(INDEX)),
                              again = identity_of(in_root(INDEX));
    check_case(first.size && first.parts && memcmp(&first, &again, sizeof(first)) == 0,
               "shards.identity_same", "%s", error.text);
    for (size_t i = 0; i < 3; i++) {
        char name[64];
        touch(in_root(files[i]));
        struct npu_model_identity now = identity_of(in_root(INDEX));
        snprintf(name, sizeof(name), "shards.identity_of_%zu", i);
        check_case(now.size && memcmp(&first, &now, sizeof(first)) != 0, name, "%s", error.text);
        first = now;
    }
    touch(in_root("s/" LAST)); /* which is not read */
    again = identity_of(in_root(INDEX));
    check_case(memcmp(&first, &again, sizeof(first)) == 0, "shards.identity_of_others", "%s",
               error.text);
}

static void test_changed(void)
{
    struct npu_model *model;
    float values[64];
    int code = open_index(&model);
    touch(in_root("s/" NEXT));
    int first =
        code ? code : npu_model_read_f32(model, NPU_TENSOR_CONV1_BIAS, 0, 0, 64, values, &error);
    int next =
        code ? code : npu_model_read_f32(model, NPU_TENSOR_FC2_BIAS, 0, 0, 64, values, &error);
    check_case(first == 0 && next == -EBADMSG &&
                   strstr(error.text, "/s/" NEXT ": tensor "
                                      "audio_tower.layers.0.fc2.bias") &&
                   strstr(error.text, "rewritten"),
               "shards.changed", "codes %d, %d, %d: %s", code, first, next, error.text);
    npu_model_close(&model);
}

int main(int argc, char **argv)
{
    if (argc != 2 || !load_vectors(argv[1])) {
        fprintf(stderr, "usage: test_model_shards VECTORS; VECTORS is tests/data/ggml\n");
        return 2;
    }
    unsigned descriptors = count_descriptors();
    make_root();
    make_index();
    make_part(&part_files[0], 0, -1, -1);
    make_part(&part_files[1], 1, -1, -1);
    test_good();
    test_edits();
    test_parts();
    test_many_parts();
    test_identity();
    test_changed();
    test_damage();
    check_no_memory("shards.no_memory", in_root(INDEX));
    check_descriptors(descriptors);
    free(part_files[0].data.at);
    free(part_files[1].data.at);
    remove_root();
    return check_finish();
}
