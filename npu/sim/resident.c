/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npu/sim/resident.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "npu/log.h"
#include "npu/sim/backend.h"
#include "npu/sim/check/check.h"

static atomic_uint n_residents;
static atomic_ullong modelled[NPU_SIM_PRESETS]; /* ns, of all launches */

struct npu_sim_resident {
    struct npu_design *design;
    struct npu_sim *sim;       /* NULL: lost by a failure, loaded again by the next launch */
    const atomic_bool *cancel; /* of the launch that runs */
};

static bool go_on(void *user, uint64_t cycles, uint64_t calls)
{
    const struct npu_sim_resident *r = user;

    (void)cycles, (void)calls;
    return !r->cancel || !atomic_load(r->cancel);
}

static int load(struct npu_sim_resident *r, struct npu_error *err)
{
    const struct npu_sim_params params = {
        .design = r->design, .progress = go_on, .progress_user = r};
    return npu_sim_open(&r->sim, &params, err);
}

/* The first error that the checker finds. */
static void keep_finding(void *user, const struct npu_finding *finding)
{
    struct npu_error *err = user;

    if (finding->severity == NPU_SEVERITY_ERROR && !err->text[0])
        snprintf(err->text, sizeof(err->text), "%u:%u: %s [%s]", finding->pos.line,
                 finding->pos.column, finding->text, finding->rule);
}

static int check(const struct npu_design *design, struct npu_error *err)
{
    const struct npu_check_options options = {.kernel = npu_check_core_kernel};
    struct npu_check_result result;
    struct npu_error first = {""};

    int ret = npu_design_check(design, &options, keep_finding, &first, &result, err);
    if (ret == 0 && result.n_errors)
        ret = npu_fail(err, -EBADMSG, "%s:%.900s", design->file_name, first.text);
    return ret;
}

int npu_sim_resident_open(struct npu_sim_resident **out, struct npu_design *design,
                          struct npu_error *err)
{
    struct npu_sim_resident *r = calloc(1, sizeof(*r));
    if (!r) {
        npu_design_close(&design);
        return npu_fail(err, -ENOMEM, "out of memory");
    }
    r->design = design;
    if (atomic_fetch_add(&n_residents, 1) >= NPU_SIM_MAX_RESIDENTS) {
        int full = npu_fail(err, -ENOENT,
                            "%s: all %d contexts of device sim are in use, designs of "
                            "encoders among them",
                            design->file_name, NPU_SIM_MAX_RESIDENTS);
        npu_sim_resident_close(&r);
        return full;
    }
    int ret = check(r->design, err);
    if (ret == 0)
        ret = load(r, err);
    if (ret) {
        npu_sim_resident_close(&r);
        return ret;
    }
    *out = r;
    return 0;
}

void npu_sim_resident_close(struct npu_sim_resident **resident)
{
    struct npu_sim_resident *r = *resident;

    *resident = NULL;
    if (!r)
        return;
    npu_sim_close(&r->sim);
    npu_design_close(&r->design);
    free(r);
    atomic_fetch_sub(&n_residents, 1);
}

static uint64_t whole_ns(const struct npu_sim_modelled *time)
{
    return (uint64_t)(time->total_us * 1e3 + 0.5);
}

int npu_sim_resident_launch(struct npu_sim_resident *r, const struct npu_sim_launch *launch,
                            const atomic_bool *cancel, uint64_t *modelled_ns, struct npu_error *err)
{
    struct npu_sim_result result = {0};
    int ret = 0;

    r->cancel = cancel;
    if (cancel && atomic_load(cancel))
        ret = npu_fail(err, -ECANCELED, "cancelled before its start");
    else if (!r->sim)
        ret = load(r, err);
    if (ret == 0)
        ret = npu_sim_launch(r->sim, launch, &result, err);
    r->cancel = NULL;
    if (ret) {
        npu_sim_close(&r->sim);
        return ret;
    }
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++)
        atomic_fetch_add(&modelled[p], whole_ns(&result.time[p]));
    *modelled_ns = whole_ns(&result.time[NPU_SIM_PUBLISHED]);
    return 0;
}

void npu_sim_get_modelled(uint64_t ns[NPU_SIM_PRESETS])
{
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++)
        ns[p] = atomic_load(&modelled[p]);
}
