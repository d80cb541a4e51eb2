/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hugging Face's cache: HUB/models--OWNER--NAME/snapshots/REVISION/FILES, and refs/main with the
 * current REVISION in it; a reference is a name of letters and digits, never a path. Where HUB is:
 * huggingface_hub, src/huggingface_hub/constants.py. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "npu/log.h"
#include "npu/model/find.h"

/* Letters, digits, '.', '_', '-', and not only dots: what Hugging Face allows, and never a path. */
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

bool npu_cache_is_repository(const char *name)
{
    const char *slash = strchr(name, '/');
    return slash && is_repository_part(name, (size_t)(slash - name)) &&
           is_repository_part(slash + 1, strlen(slash + 1));
}

/* Value of the variable that a path names at `at`, as $NAME or ${NAME}, and the length of that
 * text. NULL: not set; the text stays as it is. */
static const char *variable_at(const char *at, size_t *length)
{
    char name[64];
    bool braces = at[1] == '{';
    const char *first = at + 1 + braces, *end = first;
    while (isalnum((unsigned char)*end) || *end == '_')
        end++;
    size_t n = (size_t)(end - first);
    if (*at != '$' || n == 0 || n >= sizeof(name) || (braces && *end != '}'))
        return NULL;
    memcpy(name, first, n);
    name[n] = 0;
    *length = (size_t)(end - at) + braces;
    return getenv(name);
}

/* With "~" and variables replaced, as huggingface_hub does with each of its own. (transfer full)
 * NULL: no memory. */
static char *expand(const char *path)
{
    const char *home = npu_find_variable("HOME");
    bool tilde = home && path[0] == '~' && (path[1] == '/' || path[1] == 0);
    char *out = npu_find_path("%s", tilde ? home : "");
    for (path += tilde; out && *path;) {
        size_t length = strcspn(path + 1, "$") + 1;
        const char *value = variable_at(path, &length);
        char *longer = value ? npu_find_path("%s%s", out, value)
                             : npu_find_path("%s%.*s", out, (int)length, path);
        free(out);
        out = longer;
        path += length;
    }
    return out;
}

/* The cache's folder, NULL where no variable is set. */
static int cache_folder(char **folder, struct npu_error *err)
{
    static const struct {
        const char *variable, *below;
    } places[] = {
        {"HF_HUB_CACHE", ""},
        {"HUGGINGFACE_HUB_CACHE", ""},
        {"HF_HOME", "/hub"},
        {"XDG_CACHE_HOME", "/huggingface/hub"},
        {"HOME", "/.cache/huggingface/hub"},
    };
    *folder = NULL;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        const char *value = npu_find_variable(places[i].variable);
        if (!value)
            continue;
        char *expanded = expand(value);
        if (expanded)
            *folder = npu_find_path("%s%s", expanded, places[i].below);
        free(expanded);
        return *folder ? 0 : npu_find_no_memory(err);
    }
    return 0;
}

enum reference { REFERENCE_NONE, REFERENCE_GOOD, REFERENCE_BAD };

/* The revision in refs/main; bad: anything but letters and digits. */
static enum reference read_reference(const char *path, char *revision, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return errno == ENOENT ? REFERENCE_NONE : REFERENCE_BAD;
    ssize_t n = read(fd, revision, size);
    close(fd);
    while (n > 0 && (revision[n - 1] == '\n' || revision[n - 1] == '\r' || revision[n - 1] == ' '))
        n--;
    if (n <= 0 || (size_t)n >= size)
        return REFERENCE_BAD;
    for (ssize_t i = 0; i < n; i++)
        if (!((revision[i] >= '0' && revision[i] <= '9') ||
              (revision[i] >= 'a' && revision[i] <= 'z') ||
              (revision[i] >= 'A' && revision[i] <= 'Z')))
            return REFERENCE_BAD;
    revision[n] = 0;
    return REFERENCE_GOOD;
}

/* Without refs/main: the only snapshot there is. */
static int only_snapshot(char **snapshot, const char *name, const char *model_folder,
                         const char *snapshots, struct npu_error *err)
{
    struct npu_find_entries entries;
    int code = npu_find_list(&entries, snapshots, "", true, err);
    if (code)
        return code;
    if (entries.n == 1) {
        *snapshot = npu_find_path("%s/%s", snapshots, entries.first);
        return *snapshot ? 0 : npu_find_no_memory(err);
    }
    if (entries.n > 1)
        return npu_fail(err, -ENOENT,
                        "%s: expected %.200s/refs/main or one snapshot, found no refs/main and %u "
                        "snapshots: %s; give the path of the one that you mean, in "
                        "%.200s",
                        name, model_folder, entries.n, entries.text, snapshots);
    return npu_fail(err, -ENOENT,
                    "%s: expected a file of that name or a model in the Hugging Face cache, found "
                    "neither (no %.300s/refs/main); download it with `hf download %s` or give the "
                    "path of a weights file",
                    name, model_folder, name);
}

static int find_snapshot(char **snapshot, const char *name, const char *model_folder,
                         struct npu_error *err)
{
    char revision[65];
    char *reference = npu_find_path("%s/refs/main", model_folder);
    char *snapshots = npu_find_path("%s/snapshots", model_folder);
    int code = reference && snapshots ? 0 : npu_find_no_memory(err);
    if (!code) {
        switch (read_reference(reference, revision, sizeof(revision))) {
        case REFERENCE_GOOD:
            *snapshot = npu_find_path("%s/%s", snapshots, revision);
            code = *snapshot ? 0 : npu_find_no_memory(err);
            break;
        case REFERENCE_NONE:
            code = only_snapshot(snapshot, name, model_folder, snapshots, err);
            break;
        case REFERENCE_BAD:
            code = npu_fail(err, -ENOENT,
                            "%s: expected the name of a snapshot in %.300s, found something else; "
                            "download it with `hf download %s` or give the path of a weights file",
                            name, reference, name);
        }
    }
    free(snapshots);
    free(reference);
    return code;
}

int npu_cache_find(char **path, const char *name, struct npu_error *err)
{
    char *folder, *snapshot = NULL;
    int code = cache_folder(&folder, err);
    if (code)
        return code;
    if (!folder)
        return npu_fail(err, -ENOENT,
                        "%s: expected a file of that name or a Hugging Face cache, found neither: "
                        "HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME, XDG_CACHE_HOME and HOME are "
                        "unset",
                        name);
    int owner = (int)(strchr(name, '/') - name);
    char *model_folder =
        npu_find_path("%s/models--%.*s--%s", folder, owner, name, name + owner + 1);
    code =
        model_folder ? find_snapshot(&snapshot, name, model_folder, err) : npu_find_no_memory(err);
    if (!code)
        code = npu_find_in_folder(path, snapshot, err);
    if (code == -ENOENT && snapshot)
        npu_fail_more(err, code, "; `hf download %s` fetches what there is of it", name);
    free(snapshot);
    free(model_folder);
    free(folder);
    return code;
}
