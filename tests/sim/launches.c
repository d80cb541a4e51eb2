/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/sim/launches.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/aie2/operands.h"
#include "npu/sim/map.h"
#include "npu/sim/sequence_txn.h"
#include "npu/sim/sim.h"

enum { BUFFERS = 16, SIMS = 16 };

static atomic_int fault, at, n_launches;
static void (*_Atomic call_back)(void);
static atomic_bool from_words;
static atomic_uint n_words, n_opened;
/* The designs of the arrays that were opened last. */
static struct {
    const struct npu_sim *sim;
    const struct npu_design *design;
} opened[SIMS];

int __real_npu_sim_open(struct npu_sim **out, const struct npu_sim_params *params,
                        struct npu_error *err);
int __real_npu_sim_launch(struct npu_sim *sim, const struct npu_sim_launch *launch,
                          struct npu_sim_result *result, struct npu_error *err);
int __wrap_npu_sim_open(struct npu_sim **out, const struct npu_sim_params *params,
                        struct npu_error *err);
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

void launches_set_words(bool on)
{
    atomic_store(&from_words, on);
}

unsigned launches_words(void)
{
    return atomic_load(&n_words);
}

int __wrap_npu_sim_open(struct npu_sim **out, const struct npu_sim_params *params,
                        struct npu_error *err)
{
    int ret = __real_npu_sim_open(out, params, err);
    if (ret == 0) {
        unsigned place = atomic_fetch_add(&n_opened, 1) % SIMS;
        opened[place].sim = *out;
        opened[place].design = params->design;
    }
    return ret;
}

static int launch_words(struct npu_sim *sim, const struct npu_sim_launch *launch,
                        struct npu_sim_result *result, struct npu_error *err)
{
    struct npu_sim_launch l = *launch;
    const struct npu_design *design = NULL;
    struct npu_map *map = NULL;
    struct npu_txn *txn = NULL;

    for (unsigned i = 0; i < SIMS; i++) /* an address may come back: the last one counts */
        if (opened[(atomic_load(&n_opened) + i) % SIMS].sim == sim)
            design = opened[(atomic_load(&n_opened) + i) % SIMS].design;
    const struct npu_array *array = design ? &design->array[0] : NULL;
    const struct npu_sequence *sequence =
        array ? npu_array_find_sequence(array, launch->sequence) : NULL;
    int ret = sequence ? npu_map_open(&map, array, err) : -ENOENT;
    if (ret == 0)
        ret = npu_sequence_words(&txn, design, array, map, (uint32_t)(sequence - array->sequence),
                                 err);
    if (ret == 0) {
        l.words = npu_txn_words(txn, &l.n_words);
        atomic_fetch_add(&n_words, (unsigned)l.n_words);
        ret = __real_npu_sim_launch(sim, &l, result, err);
    }
    npu_txn_close(&txn);
    npu_map_close(&map);
    return ret;
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

    if (atomic_load(&from_words))
        return launch_words(sim, launch, result, err);
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
        buffers[1].bytes -= NPU_CORE_OBJECT;
        break;
    default:
        break;
    }
    return __real_npu_sim_launch(sim, &l, result, err);
}
