/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_NPU_MODEL_FOLDER_H
#define TESTS_NPU_MODEL_FOLDER_H
/* A temporary folder with files in it, for tests that find and read files by name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];

/* A path in the folder, valid for 8 calls. */
static inline const char *in_root(const char *name)
{
    static char paths[8][512];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof(paths[0]), "%s/%s", root, name);
    return path;
}

static inline void make_folders(const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", root, name);
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        mkdir(path, 0700);
        *slash = '/';
    }
}

/* A file, and the folders above it. */
static inline void make_bytes(const char *name, const void *data, size_t n)
{
    make_folders(name);
    FILE *file = fopen(in_root(name), "wb");
    if (!file || fwrite(data, 1, n, file) != n || fclose(file) != 0)
        abort();
}

static inline void make_file(const char *name, const char *text)
{
    make_bytes(name, text, strlen(text));
}

static inline void make_root(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(root, sizeof(root), "%.40s/test_model.XXXXXX", tmp && tmp[0] ? tmp : "/tmp");
    if (!mkdtemp(root))
        abort();
}

static inline void remove_root(void)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", root);
    if (system(command) != 0)
        fprintf(stderr, "%s could not be removed\n", root);
}

#endif /* TESTS_NPU_MODEL_FOLDER_H */
