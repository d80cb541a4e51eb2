/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lock order: `lock` is a leaf, held while a file is read: who asks for the same model waits for
 * it, which is what he would do anyway. */
#include "npu/cpu/weights.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "npu/log.h"

#define ALIGN 64

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct npu_cpu_weights *all; /* lock */

void *npu_cpu_alloc(size_t bytes)
{
    size_t page = 2u << 20; /* whole huge pages: fewer TLB misses while panels stream */
    size_t align = bytes >= page ? page : ALIGN;
    void *p = aligned_alloc(align, (bytes + align - 1) / align * align);
    if (p && bytes >= page)
        madvise(p, bytes, MADV_HUGEPAGE);
    return p;
}

void *npu_cpu_carve(char *base, size_t *used, size_t bytes)
{
    char *p = base ? base + *used : NULL;
    *used += (bytes + ALIGN - 1) / ALIGN * ALIGN;
    return p;
}

static struct npu_cpu_weights *find(const struct npu_model_identity *identity,
                                    enum npu_profile profile, enum npu_isa isa)
{
    struct npu_cpu_weights *w = all;
    while (w && (w->profile != profile || w->kernels.isa != isa ||
                 memcmp(&w->identity, identity, sizeof(*identity)) != 0))
        w = w->next;
    return w;
}

static void destroy(struct npu_cpu_weights *w)
{
    npu_integer_close(&w->integer);
    free(w->block);
    free(w->stage);
    free(w);
}

static int create(struct npu_cpu_weights **out, const struct npu_kernels *kernels,
                  const struct npu_program *program, enum npu_profile profile,
                  const struct npu_model *model, struct npu_error *err)
{
    struct npu_cpu_weights *w = calloc(1, sizeof(*w));
    struct npu_cpu_stage *stage = calloc(program->n_stages, sizeof(*stage));
    if (!w || !stage) {
        free(w);
        free(stage);
        return npu_fail(err, -ENOMEM, "out of memory");
    }
    w->program = *program;
    w->kernels = *kernels;
    w->profile = profile;
    w->stage = stage;
    w->users = 1;
    npu_model_get_identity(model, &w->identity);
    int ret;
    if (profile == NPU_PROFILE_NPU) {
        ret = npu_integer_open(&w->integer, program, model, err);
        w->bytes = ret ? 0 : w->integer->bytes;
    } else {
        for (unsigned i = 0; i < program->n_stages; i++)
            stage[i].recipe = npu_cpu_choose_recipe(program, i, profile);
        ret = npu_cpu_pack(w, model, err);
    }
    if (ret) {
        destroy(w);
        return ret;
    }
    *out = w;
    return 0;
}

int npu_cpu_weights_get(struct npu_cpu_weights **out, const struct npu_kernels *kernels,
                        const struct npu_program *program, enum npu_profile profile,
                        const struct npu_model *model, struct npu_error *err)
{
    struct npu_model_identity identity;
    int ret = 0;

    npu_model_get_identity(model, &identity);
    pthread_mutex_lock(&lock);
    struct npu_cpu_weights *w = find(&identity, profile, kernels->isa);
    if (w) {
        w->users++;
    } else {
        ret = create(&w, kernels, program, profile, model, err);
        if (ret == 0) {
            w->next = all;
            all = w;
        }
    }
    pthread_mutex_unlock(&lock);
    if (ret == 0)
        *out = w;
    return ret;
}

void npu_cpu_weights_put(struct npu_cpu_weights **weights)
{
    struct npu_cpu_weights *w = *weights;
    *weights = NULL;
    if (!w)
        return;
    pthread_mutex_lock(&lock);
    if (--w->users == 0) {
        struct npu_cpu_weights **at = &all;
        while (*at != w)
            at = &(*at)->next;
        *at = w->next;
        destroy(w);
    }
    pthread_mutex_unlock(&lock);
}
