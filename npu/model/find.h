/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_MODEL_FIND_H
#define NPU_MODEL_FIND_H
/* Which file a user means: what find.c (paths, the default) and cache.c (Hugging Face's cache)
 * share. Nothing here reads weights. Threads: any, as long as nobody changes the environment. */
#include <stdbool.h>
#include <stddef.h>

#include "npu/npu.h"

/* (transfer full) NULL: no memory. */
__attribute__((format(printf, 1, 2))) char *npu_find_path(const char *format, ...);
int npu_find_no_memory(struct npu_error *err); /* -ENOMEM */

/* A variable that is set and not empty, else NULL. (transfer none) */
const char *npu_find_variable(const char *name);

/* The entries of a folder that end in `suffix`, files or folders, in order of their names: the
 * first, and a list for messages, cut where it gets long. Hidden ones do not count. */
struct npu_find_entries {
    unsigned n;
    char first[256];
    char text[300];
};
/* Returns 0, also where there is no such folder; -ENOMEM. */
int npu_find_list(struct npu_find_entries *entries, const char *folder, const char *suffix,
                  bool folders, struct npu_error *err);

/* The weights of a folder: model.safetensors; else model.safetensors.index.json; else the one
 * index of another name. Returns 0 and *path (transfer full); -ENOENT (`err` says what is in it
 * instead); -ENOMEM. */
int npu_find_in_folder(char **path, const char *folder, struct npu_error *err);

/* Whether it is "owner/model" as Hugging Face allows it; never a path that leads out of a folder.
 * */
bool npu_cache_is_repository(const char *name);
/* The current snapshot of such a model in Hugging Face's cache. As npu_find_in_folder(). */
int npu_cache_find(char **path, const char *name, struct npu_error *err);

#endif /* NPU_MODEL_FIND_H */
