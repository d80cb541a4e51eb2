/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*   {"metadata": {"total_size": 16794200000},
 *    "weight_map": {"audio_tower.conv1.bias": "model-00001-of-00004.safetensors", ...}}
 */
#include "npu/model/index.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "npu/log.h"
#include "npu/model/foreign.h"
#include "npu/model/json.h"

#define MAX_PART_NAME 255 /* bytes: what a folder's entry may have */

/* ---- The index ------------------------------------------------------------------------------- */

static int read_part_name(struct npu_json *json, const char **out)
{
    struct npu_json_text text;
    int code = npu_json_read_plain(json, MAX_PART_NAME, &text);
    if (code)
        return code;
    *out = npu_json_terminate(&text);
    if (strchr(*out, '/') || strchr(*out, '\\') || **out == '.')
        return npu_fail(json->err, -EBADMSG,
                        "%s: tensor %.160s: expected the name of a file beside the index, found "
                        "%.255s",
                        json->label, json->tensor, *out);
    return 0;
}

static int read_map(struct npu_file *file, struct npu_json *json)
{
    int code = npu_json_expect(json, '{');
    if (code || npu_json_accept(json, '}'))
        return code;
    do {
        struct npu_file_tensor tensor = {.source = NPU_FILE_NO_SOURCE};
        struct npu_json_text name;
        code = npu_json_read_plain(json, NPU_FILE_MAX_NAME, &name);
        if (!code)
            code = npu_json_expect(json, ':');
        if (!code) {
            tensor.name = json->tensor = npu_json_terminate(&name);
            code = read_part_name(json, &tensor.part);
        }
        if (!code)
            code = npu_file_append(file, &tensor, json->err);
        json->tensor = "";
    } while (!code && npu_json_accept(json, ','));
    return code ? code : npu_json_expect(json, '}');
}

/* A server's own error text, for the message; "" where it has none. */
struct server_error {
    char text[120];
};

static void note_error(struct server_error *error, const struct npu_json_text *key,
                       const uint8_t *value, size_t n)
{
    static const char *const keys[] = {"error", "message", "detail"};
    bool known = false;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        known = known || npu_json_equals(key, keys[i]);
    for (size_t i = 0; i < n; i++)
        known = known && value[i] >= 32 && value[i] < 127;
    if (known && !error->text[0])
        snprintf(error->text, sizeof(error->text), ", \"%.*s\": %.*s", (int)key->n,
                 (const char *)key->at, n < 80 ? (int)n : 80, (const char *)value);
}

static int read_index(struct npu_file *file, struct npu_json *json, bool *has_map,
                      struct server_error *error)
{
    int code = npu_json_expect(json, '{');
    if (code || npu_json_accept(json, '}'))
        return code;
    do {
        struct npu_json_text key;
        code = npu_json_read_plain(json, NPU_FILE_MAX_NAME, &key);
        if (!code)
            code = npu_json_expect(json, ':');
        if (code)
            return code;
        if (npu_json_equals(&key, "weight_map")) {
            if (*has_map)
                return npu_json_fail(json, "weight_map once");
            *has_map = true;
            code = read_map(file, json);
        } else {
            npu_json_skip_blanks(json);
            const uint8_t *value = json->at;
            code = npu_json_skip_value(json);
            if (!code)
                note_error(error, &key, value, (size_t)(json->at - value));
        }
    } while (!code && npu_json_accept(json, ','));
    return code ? code : npu_json_expect(json, '}');
}

static int load_text(struct npu_file *file, struct npu_error *err)
{
    if (file->size > NPU_JSON_MAX_BYTES)
        return npu_fail(err, -EBADMSG,
                        "%s: expected an index of at most 16 MiB, found %" PRIu64 " bytes of JSON",
                        file->label, file->size);
    file->text = malloc((size_t)file->size);
    if (!file->text)
        return npu_fail(err, -ENOMEM, "%s: no memory for an index of %" PRIu64 " bytes",
                        file->label, file->size);
    return npu_file_read(file->fd, file->label, "index", 0, file->text, (size_t)file->size, err);
}

int npu_index_read(struct npu_file *file, struct npu_error *err)
{
    bool has_map = false;
    struct server_error error = {""};
    file->format = "safetensors";
    int code = load_text(file, err);
    if (code)
        return code;
    struct npu_json json = {
        file->label, "index", "", err, file->text, file->text, file->text + file->size};
    code = read_index(file, &json, &has_map, &error);
    if (code)
        return code;
    npu_json_skip_blanks(&json);
    if (json.at < json.end)
        return npu_json_fail(&json, "only blanks after the last '}'");
    if (!has_map)
        return npu_fail(
            err, -ENOTSUP,
            "%s: expected weights or the index of a sharded model, found JSON without "
            "a weight_map, %s%s; %s",
            file->label, error.text[0] ? "a server's error message" : "such as a configuration",
            error.text,
            error.text[0] ? "fetch the weights file again" : "give the weights file itself");
    return npu_file_check_names(file, err);
}

/* ---- Its parts ------------------------------------------------------------------------------- */

struct parts {
    struct npu_file *index;
    const struct npu_slots *slots;
    const char *path; /* of the index */
    struct npu_file_source *sources;
    unsigned n;
};

/* Copies what a part says of one of the encoder's tensors into the index's entry. */
static int take_tensor(const struct parts *parts, const struct npu_file *part,
                       const struct npu_file_tensor *tensor, const char *part_name,
                       struct npu_error *err)
{
    const struct npu_slots *slots = parts->slots;
    enum npu_tensor id;
    unsigned layer;
    bool known = npu_name_find(tensor->name + strlen(slots->prefix), slots->naming, &id, &layer) &&
                 layer < slots->n_layers;
    if (!known)
        return npu_fail(err, -EBADMSG,
                        "%s: tensor %.160s: expected the encoder's tensors that the index has, "
                        "found this one",
                        part->label, tensor->name);
    struct npu_file_tensor *entry = &parts->index->tensors[slots->index[npu_slot(id, layer)]];
    if (strcmp(entry->part, part_name) != 0)
        return npu_fail(
            err, -EBADMSG,
            "%s: tensor %.160s: expected in %.160s alone, as the index says, found here "
            "too",
            part->label, tensor->name, entry->part);
    struct npu_file_tensor merged = *tensor;
    merged.name = entry->name;
    merged.part = entry->part;
    merged.source = parts->n - 1;
    *entry = merged;
    return 0;
}

static int read_part(const struct parts *parts, const char *part_name, struct npu_error *err)
{
    const struct npu_file_source *source = &parts->sources[parts->n - 1];
    size_t n_prefix = strlen(parts->slots->prefix);
    struct npu_file part;
    enum npu_format format;
    int code = npu_foreign_check(&format, source, err);
    if (code)
        return code;
    if (format != NPU_FORMAT_SAFETENSORS)
        return npu_fail(err, -ENOTSUP,
                        "%s: expected a safetensors file, a part of a sharded model, found %s",
                        source->label, format == NPU_FORMAT_GGML ? "ggml" : "JSON");
    npu_file_init(&part, source);
    code = npu_safetensors_read(&part, err);
    for (size_t i = 0; i < part.n_tensors && !code; i++)
        if (strncmp(part.tensors[i].name, parts->slots->prefix, n_prefix) == 0)
            code = take_tensor(parts, &part, &part.tensors[i], part_name, err);
    npu_file_clear(&part);
    return code;
}

/* The folder of `path` and a name in it. (transfer full) NULL: no memory. */
static char *path_beside(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    size_t folder = slash ? (size_t)(slash - path) + 1 : 0, n = strlen(name);
    char *out = malloc(folder + n + 1);
    if (out) {
        memcpy(out, path, folder);
        memcpy(out + folder, name, n + 1);
    }
    return out;
}

static int open_part(struct parts *parts, const char *part_name, struct npu_error *err)
{
    if (parts->n == NPU_INDEX_MAX_SOURCES)
        return npu_fail(err, -ENOTSUP, "%s: expected an encoder in at most %u parts, found more",
                        parts->index->label, NPU_INDEX_MAX_SOURCES);
    size_t bytes = (parts->n + 1) * sizeof(*parts->sources);
    struct npu_file_source *sources = realloc(parts->sources, bytes);
    char *path = path_beside(parts->path, part_name);
    if (sources)
        parts->sources = sources;
    if (!sources || !path) {
        free(path);
        return npu_fail(err, -ENOMEM, "%s: no memory for its parts", parts->index->label);
    }
    int code = npu_file_open(&sources[parts->n++], path, err);
    free(path);
    if (code == -ENOENT)
        npu_fail_more(err, code, "; it is a part that the index names, fetch it too");
    return code ? code : read_part(parts, part_name, err);
}

int npu_index_open_parts(struct npu_file_source **sources, unsigned *n_sources,
                         struct npu_file *file, const struct npu_slots *slots, const char *path,
                         struct npu_error *err)
{
    struct parts parts = {file, slots, path, NULL, 0};
    int code = 0;
    for (unsigned i = 0; i < npu_slot_count(slots->n_layers) && !code; i++) {
        const struct npu_file_tensor *tensor = &file->tensors[slots->index[i]];
        if (tensor->source != NPU_FILE_NO_SOURCE)
            continue;
        const char *part = tensor->part;
        code = open_part(&parts, part, err);
        if (!code && tensor->source == NPU_FILE_NO_SOURCE)
            code = npu_fail(err, -EBADMSG,
                            "%s: tensor %.160s: expected in this part, as the index says, found "
                            "no tensor of that name",
                            parts.sources[parts.n - 1].label, tensor->name);
    }
    if (code) {
        while (parts.n)
            npu_file_close(&parts.sources[--parts.n]);
        free(parts.sources);
        return code;
    }
    *sources = parts.sources;
    *n_sources = parts.n;
    return 0;
}

bool npu_index_is_part(const char *path, unsigned *part, unsigned *n_parts)
{
    static const char suffix[] = ".safetensors";
    size_t n = strlen(path), n_suffix = sizeof(suffix) - 1;
    if (n <= n_suffix || strcmp(path + n - n_suffix, suffix) != 0)
        return false;
    const char *at = path + n - n_suffix, *start = path;
    for (unsigned i = 0; i < 2; i++) { /* "-00001-of-00003", backwards */
        unsigned digits = 0;
        while (at > start && isdigit((uint8_t)at[-1]) && digits < 9)
            at--, digits++;
        *(i ? part : n_parts) = (unsigned)strtoul(at, NULL, 10);
        const char *before = i ? "-" : "-of-";
        size_t n_before = strlen(before);
        if (digits == 0 || (size_t)(at - start) < n_before ||
            memcmp(at - n_before, before, n_before) != 0)
            return false;
        at -= n_before;
    }
    return true;
}
