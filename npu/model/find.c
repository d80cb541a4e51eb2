/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which file a user means. Nothing is opened here but a cache's reference; a reference is a name
 * of letters and digits, never a path. */
#include "npu/log.h"
#include "npu/model/model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_NAME "default.safetensors"

static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

__attribute__((format(printf, 1, 2))) static char *make_path(const char *format, ...)
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

static int no_memory(struct npu_error *err)
{
    return npu_fail(err, -ENOMEM, "no memory for a path");
}

static const char *get_set(const char *variable)
{
    const char *value = getenv(variable);
    return value && value[0] ? value : NULL;
}

/* $XDG_DATA_HOME must be absolute to count, says the XDG base directory specification. */
static int user_default(char **path, struct npu_error *err)
{
    const char *data = get_set("XDG_DATA_HOME"), *home = get_set("HOME");
    *path = NULL;
    if (data && data[0] == '/')
        *path = make_path("%s/whispernpu/" DEFAULT_NAME, data);
    else if (home)
        *path = make_path("%s/.local/share/whispernpu/" DEFAULT_NAME, home);
    else
        return 0;
    return *path ? 0 : no_memory(err);
}

/* The places looked at, for the message; cut where it gets long. */
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

/* Takes over `candidate`. Returns whether it is the one. */
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
    const char *set = get_set("WHISPERNPU_MODEL");
    if (set) {
        if (!is_file(set))
            return npu_fail(err, -ENOENT,
                            "WHISPERNPU_MODEL: expected the path of a weights file, found %.300s, "
                            "which is none; correct or unset it",
                            set);
        *path = make_path("%s", set);
        return *path ? 0 : no_memory(err);
    }
    int code = user_default(&candidate, err);
    if (code)
        return code;
    if (candidate && try_candidate(path, candidate, &places))
        return 0;
    for (; data_dirs && *data_dirs; data_dirs++) {
        candidate = make_path("%s/" DEFAULT_NAME, *data_dirs);
        if (!candidate)
            return no_memory(err);
        if (try_candidate(path, candidate, &places))
            return 0;
    }
    return npu_fail(err, -ENOENT,
                    "no weights file: expected one of %s, found none; install the default weights, "
                    "or name a file by the model-file property or WHISPERNPU_MODEL",
                    places.used ? places.text : "(no folder known)");
}

/* Letters, digits, '.', '_', '-', and not only dots: what Hugging Face allows, and no path. */
static bool is_repository_part(const char *text, size_t n)
{
    bool letter = false;
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!alnum && c != '.' && c != '_' && c != '-')
            return false;
        letter = letter || alnum;
    }
    return letter && n <= 96 && text[0] != '.';
}

static bool is_repository(const char *name)
{
    const char *slash = strchr(name, '/');
    return slash && is_repository_part(name, (size_t)(slash - name)) &&
           is_repository_part(slash + 1, strlen(slash + 1));
}

/* The cache's folder, NULL where no variable says. */
static int cache_folder(char **folder, struct npu_error *err)
{
    const char *hub = get_set("HF_HUB_CACHE"), *hf = get_set("HF_HOME"), *home = get_set("HOME");
    *folder = NULL;
    if (hub)
        *folder = make_path("%s", hub);
    else if (hf)
        *folder = make_path("%s/hub", hf);
    else if (home)
        *folder = make_path("%s/.cache/huggingface/hub", home);
    else
        return 0;
    return *folder ? 0 : no_memory(err);
}

/* refs/main holds the revision. Returns its length, 0 for anything but letters and digits. */
static size_t read_reference(const char *path, char *revision, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, revision, size);
    close(fd);
    while (n > 0 && (revision[n - 1] == '\n' || revision[n - 1] == '\r' || revision[n - 1] == ' '))
        n--;
    if (n <= 0 || (size_t)n >= size)
        return 0;
    for (ssize_t i = 0; i < n; i++)
        if (!((revision[i] >= '0' && revision[i] <= '9') ||
              (revision[i] >= 'a' && revision[i] <= 'z') ||
              (revision[i] >= 'A' && revision[i] <= 'Z')))
            return 0;
    revision[n] = 0;
    return (size_t)n;
}

static int find_snapshot(char **path, const char *name, const char *model_folder,
                         struct npu_error *err)
{
    char revision[65];
    char *reference = make_path("%s/refs/main", model_folder);
    if (!reference)
        return no_memory(err);
    size_t n = read_reference(reference, revision, sizeof(revision));
    free(reference);
    if (n == 0)
        return npu_fail(err, -ENOENT,
                        "%s: expected a file of that name or a model in the Hugging Face cache, "
                        "found neither (no usable %.300s/refs/main); download it with `hf download "
                        "%s` or give the path of a weights file",
                        name, model_folder, name);
    char *candidate = make_path("%s/snapshots/%s/model.safetensors", model_folder, revision);
    char *index = make_path("%s/snapshots/%s/model.safetensors.index.json", model_folder, revision);
    int code = candidate && index ? 0 : no_memory(err);
    if (!code && is_file(candidate)) {
        *path = candidate;
        candidate = NULL;
    } else if (!code && is_file(index)) {
        code = npu_fail(err, -ENOENT,
                        "%s: expected its weights in one model.safetensors, found a sharded model "
                        "(%.300s); save it as one file and give that file's path",
                        name, index);
    } else if (!code) {
        code = npu_fail(err, -ENOENT,
                        "%s: expected %.400s, found no such file; download it with `hf download %s "
                        "model.safetensors`",
                        name, candidate, name);
    }
    free(candidate);
    free(index);
    return code;
}

static int find_cached(char **path, const char *name, struct npu_error *err)
{
    char *folder;
    int code = cache_folder(&folder, err);
    if (code)
        return code;
    if (!folder)
        return npu_fail(err, -ENOENT,
                        "%s: expected a file of that name or a Hugging Face cache, found neither: "
                        "HF_HUB_CACHE, HF_HOME and HOME are unset",
                        name);
    int owner = (int)(strchr(name, '/') - name);
    char *model_folder = make_path("%s/models--%.*s--%s", folder, owner, name, name + owner + 1);
    code = model_folder ? find_snapshot(path, name, model_folder, err) : no_memory(err);
    free(model_folder);
    free(folder);
    return code;
}

int npu_model_find(char **path, const char *name, const char *const *data_dirs,
                   struct npu_error *err)
{
    if (!name || !name[0])
        return find_default(path, data_dirs, err);
    if (!is_file(name) && is_repository(name))
        return find_cached(path, name, err);
    if (!is_file(name))
        return npu_fail(err, -ENOENT,
                        "%.300s: expected a weights file (safetensors or ggml) or the name of a "
                        "cached model such as openai/whisper-small, found %s",
                        name, access(name, F_OK) == 0 ? "no regular file" : "nothing of that name");
    *path = make_path("%s", name);
    return *path ? 0 : no_memory(err);
}
