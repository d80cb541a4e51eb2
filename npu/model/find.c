/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npu/model/find.h"
#include "npu/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_NAME "default.safetensors"
#define INDEX_SUFFIX ".safetensors.index.json"

static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

char *npu_find_path(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *path = n < 0 ? NULL : malloc((size_t)n + 1);
    if (!path)
        return NULL;
    va_start(args, format);
    vsnprintf(path, (size_t)n + 1, format, args);
    va_end(args);
    return path;
}

int npu_find_no_memory(struct npu_error *err)
{
    return npu_fail(err, -ENOMEM, "no memory for a path");
}

const char *npu_find_variable(const char *variable)
{
    const char *value = getenv(variable);
    return value && value[0] ? value : NULL;
}

/* $XDG_DATA_HOME must be absolute to count, says the XDG base directory specification. */
static int user_default(char **path, struct npu_error *err)
{
    const char *data = npu_find_variable("XDG_DATA_HOME"), *home = npu_find_variable("HOME");
    *path = NULL;
    if (data && data[0] == '/')
        *path = npu_find_path("%s/whispernpu/" DEFAULT_NAME, data);
    else if (home)
        *path = npu_find_path("%s/.local/share/whispernpu/" DEFAULT_NAME, home);
    else
        return 0;
    return *path ? 0 : npu_find_no_memory(err);
}

/* The places searched, for the message; cut where it gets long. */
struct places {
    char text[600];
    size_t used;
};

static void note_place(struct places *places, const char *path)
{
    size_t left = sizeof(places->text) - places->used;
    int n = snprintf(places->text + places->used, left, "%s%s", places->used ? ", " : "", path);
    places->used += n > 0 && (size_t)n < left ? (size_t)n : left - 1;
}

/* Takes over `candidate`. Returns whether the file exists. */
static bool try_candidate(char **path, char *candidate, struct places *places)
{
    if (is_file(candidate)) {
        *path = candidate;
        return true;
    }
    note_place(places, candidate);
    free(candidate);
    return false;
}

static int find_default(char **path, const char *const *data_dirs, struct npu_error *err)
{
    struct places places = {"", 0};
    char *candidate;
    const char *set = npu_find_variable("WHISPERNPU_MODEL");
    if (set) {
        if (is_folder(set))
            return npu_find_in_folder(path, set, err);
        if (!is_file(set))
            return npu_fail(err, -ENOENT,
                            "WHISPERNPU_MODEL: expected the path of a weights file, found %.300s, "
                            "where there is no file; correct or unset it",
                            set);
        *path = npu_find_path("%s", set);
        return *path ? 0 : npu_find_no_memory(err);
    }
    int code = user_default(&candidate, err);
    if (code)
        return code;
    if (candidate && try_candidate(path, candidate, &places))
        return 0;
    for (; data_dirs && *data_dirs; data_dirs++) {
        candidate = npu_find_path("%s/" DEFAULT_NAME, *data_dirs);
        if (!candidate)
            return npu_find_no_memory(err);
        if (try_candidate(path, candidate, &places))
            return 0;
    }
    return npu_fail(err, -ENOENT,
                    "no weights file: expected one of %s, found none; install the default weights, "
                    "or name a file by the model-file property or WHISPERNPU_MODEL",
                    places.used ? places.text : "(no folder known)");
}

/* ---- Folders --------------------------------------------------------------------------------- */

static bool ends_in(const char *text, const char *suffix)
{
    size_t n = strlen(text), n_suffix = strlen(suffix);
    return n >= n_suffix && strcmp(text + n - n_suffix, suffix) == 0;
}

static bool is_entry(int folder, const char *name, const char *suffix, bool folders)
{
    struct stat st;
    return name[0] != '.' && ends_in(name, suffix) && fstatat(folder, name, &st, 0) == 0 &&
           (folders ? S_ISDIR(st.st_mode) : S_ISREG(st.st_mode));
}

int npu_find_list(struct npu_find_entries *entries, const char *folder, const char *suffix,
                  bool folders, struct npu_error *err)
{
    struct dirent **list = NULL;
    size_t used = 0;
    *entries = (struct npu_find_entries){.n = 0};
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int n = fd < 0 ? 0 : scandir(folder, &list, NULL, alphasort);
    int code = n < 0 && errno == ENOMEM ? npu_find_no_memory(err) : 0;
    for (int i = 0; i < n; i++) {
        const char *name = list[i]->d_name;
        size_t left = sizeof(entries->text) - used;
        if (is_entry(fd, name, suffix, folders)) {
            int put = snprintf(entries->text + used, left, "%s%s", used ? ", " : "", name);
            used += put > 0 && (size_t)put < left ? (size_t)put : left - 1;
            if (entries->n++ == 0)
                snprintf(entries->first, sizeof(entries->first), "%s", name);
        }
        free(list[i]);
    }
    free(list);
    if (fd >= 0)
        close(fd);
    return code;
}

/* A hint for the message: files of other formats, or of an unfinished download, in the folder. */
static const char *describe_folder(const char *folder)
{
    static const struct {
        const char *suffix, *text;
    } others[] = {
        {".safetensors", "; it has safetensors files of other names, give the one that you mean"},
        {"pytorch_model.bin", "; it has PyTorch's pytorch_model.bin, which can run code: save the "
                              "model as safetensors"},
        {".bin", "; it has .bin files, give the ggml file that you mean or save the model as "
                 "safetensors"},
        {".msgpack", "; it has Flax's weights: save the model as safetensors"},
        {".h5", "; it has TensorFlow's weights: save the model as safetensors"},
        {".incomplete", "; its download has not ended"},
    };
    struct npu_find_entries entries;
    if (npu_find_list(&entries, folder, "snapshots", true, NULL) == 0 && entries.n)
        return "; it is a model's folder in Hugging Face's cache, give the folder of one of its "
               "snapshots";
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (npu_find_list(&entries, folder, others[i].suffix, false, NULL) == 0 && entries.n)
            return others[i].text;
    }
    return "";
}

/* No model.safetensors and no index of that name. */
static int find_other_index(char **path, const char *folder, struct npu_error *err)
{
    struct npu_find_entries entries;
    int code = npu_find_list(&entries, folder, INDEX_SUFFIX, false, err);
    if (code)
        return code;
    if (entries.n == 1) {
        *path = npu_find_path("%s/%s", folder, entries.first);
        return *path ? 0 : npu_find_no_memory(err);
    }
    if (entries.n > 1)
        return npu_fail(err, -ENOENT,
                        "%.400s: expected model.safetensors or one index of a sharded model, found "
                        "%s; give the path of one",
                        folder, entries.text);
    return npu_fail(err, -ENOENT,
                    "%.400s/model.safetensors: expected it, or model.safetensors.index.json, found "
                    "no such file%s",
                    folder, describe_folder(folder));
}

int npu_find_in_folder(char **path, const char *folder, struct npu_error *err)
{
    static const char *const names[] = {"model.safetensors", "model" INDEX_SUFFIX};
    char *clean = npu_find_path("%s", folder);
    if (!clean)
        return npu_find_no_memory(err);
    for (size_t n = strlen(clean); n > 1 && clean[n - 1] == '/'; n--)
        clean[n - 1] = 0;
    char *found = NULL;
    int code = 0;
    for (size_t i = 0; i < 2 && !found && !code; i++) {
        found = npu_find_path("%s/%s", clean, names[i]);
        if (!found) {
            code = npu_find_no_memory(err);
        } else if (!is_file(found)) {
            free(found);
            found = NULL;
        }
    }
    if (found)
        *path = found;
    else if (!code)
        code = find_other_index(path, clean, err);
    free(clean);
    return code;
}

/* ---- Names ----------------------------------------------------------------------------------- */

/* Hugging Face's name for what looks like one of Whisper's sizes: "base", "small.en", "turbo",
 * "whisper-large-v3", "distil-large-v3". NULL: it looks like none. */
static const char *guess_repository(const char *name)
{
    static const char *const openings[] = {"openai-", "openai_", "whisper-", "whisper_"};
    static const struct {
        const char *name, *repository;
    } sizes[] = {
        {"tiny", "openai/whisper-tiny"},
        {"tiny.en", "openai/whisper-tiny.en"},
        {"base", "openai/whisper-base"},
        {"base.en", "openai/whisper-base.en"},
        {"small", "openai/whisper-small"},
        {"small.en", "openai/whisper-small.en"},
        {"medium", "openai/whisper-medium"},
        {"medium.en", "openai/whisper-medium.en"},
        {"large", "openai/whisper-large"},
        {"large-v1", "openai/whisper-large"},
        {"large-v2", "openai/whisper-large-v2"},
        {"large-v3", "openai/whisper-large-v3"},
        {"large-v3-turbo", "openai/whisper-large-v3-turbo"},
        {"turbo", "openai/whisper-large-v3-turbo"},
        {"distil-small.en", "distil-whisper/distil-small.en"},
        {"distil-medium.en", "distil-whisper/distil-medium.en"},
        {"distil-large-v2", "distil-whisper/distil-large-v2"},
        {"distil-large-v3", "distil-whisper/distil-large-v3"},
        {"distil-large-v3.5", "distil-whisper/distil-large-v3.5"},
    };
    for (size_t i = 0; i < sizeof(openings) / sizeof(openings[0]); i++)
        if (strncasecmp(name, openings[i], strlen(openings[i])) == 0)
            name += strlen(openings[i]);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        if (strcasecmp(name, sizes[i].name) == 0)
            return sizes[i].repository;
    return NULL;
}

static int fail_name(const char *name, struct npu_error *err)
{
    const char *guess = guess_repository(name);
    int code = npu_fail(err, -ENOENT,
                        "%.300s: expected a weights file (safetensors or ggml), a folder with one "
                        "or the name of a cached model such as openai/whisper-small, found %s",
                        name, access(name, F_OK) == 0 ? "no regular file" : "nothing of that name");
    if (strstr(name, "://"))
        return npu_fail_more(err, code,
                             "; nothing is downloaded, fetch it first, with `hf download` for one");
    return guess ? npu_fail_more(err, code, "; did you mean %s?", guess) : code;
}

int npu_model_find(char **path, const char *name, const char *const *data_dirs,
                   struct npu_error *err)
{
    if (!name || !name[0])
        return find_default(path, data_dirs, err);
    if (is_folder(name))
        return npu_find_in_folder(path, name, err);
    if (!is_file(name))
        return access(name, F_OK) != 0 && npu_cache_is_repository(name)
                   ? npu_cache_find(path, name, err)
                   : fail_name(name, err);
    *path = npu_find_path("%s", name);
    return *path ? 0 : npu_find_no_memory(err);
}
