/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/sim/launches.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "npu/array/pack.h"
#include "npu/sim/engine/sim.h"

enum { BUFFERS = 16 };

static atomic_int fault, at, n_launches;
static void (*_Atomic call_back)(void);
static atomic_uint n_words, n_texts;

int __real_npu_sim_launch(struct npu_sim *sim, const struct npu_sim_launch *launch,
                          struct npu_sim_result *result, struct npu_error *err);
int __wrap_npu_sim_launch(struct npu_sim *sim, const struct npu_sim_launch *launch,
                          struct npu_sim_result *result, struct npu_error *err);

void launches_set_fault(enum launches_fault kind, int number)
{
    atomic_store(&fault, (int)kind);
    atomic_store(&at, number);
    atomic_store(&n_launches, 0);
}

void launches_set_call(void (*call)(void), int number)
{
    launches_set_fault(LAUNCHES_NONE, number);
    atomic_store(&call_back, call);
}

void launches_count(unsigned *words, unsigned *texts)
{
    *words = atomic_load(&n_words);
    *texts = atomic_load(&n_texts);
}

static int launch_stuck(struct npu_sim *sim, const struct npu_sim_launch *launch,
                        struct npu_sim_buffer *buffers, struct npu_sim_result *result,
                        struct npu_error *err)
{
    struct npu_core_job *job = malloc(buffers[1].bytes);
    if (!job)
        return -ENOMEM;
    memcpy(job, buffers[1].data, buffers[1].bytes);
    job->count[0]++;
    buffers[1].data = job;
    int ret = __real_npu_sim_launch(sim, launch, result, err);
    free(job);
    return ret;
}

int __wrap_npu_sim_launch(struct npu_sim *sim, const struct npu_sim_launch *launch,
                          struct npu_sim_result *result, struct npu_error *err)
{
    struct npu_sim_buffer buffers[BUFFERS];
    struct npu_sim_launch l = *launch;
    void (*call)(void) = atomic_load(&call_back);

    atomic_fetch_add(launch->words ? &n_words : &n_texts, 1);
    if (atomic_fetch_add(&n_launches, 1) + 1 != atomic_load(&at) || launch->n_buffers > BUFFERS)
        return __real_npu_sim_launch(sim, launch, result, err);
    if (call)
        call();
    memcpy(buffers, launch->buffers, launch->n_buffers * sizeof(*buffers));
    l.buffers = buffers;
    switch (atomic_load(&fault)) {
    case LAUNCHES_REFUSE:
        snprintf(err->text, sizeof(err->text), "a fault of the test");
        return -EIO;
    case LAUNCHES_STUCK:
        return launch_stuck(sim, &l, buffers, result, err);
    case LAUNCHES_SHORTEN:
        buffers[1].bytes -= NPU_ARRAY_OBJECT;
        break;
    default:
        break;
    }
    return __real_npu_sim_launch(sim, &l, result, err);
}
