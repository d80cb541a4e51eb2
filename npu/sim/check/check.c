/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The order of the checks. */
#include "npu/sim/check/checker.h"
#include "npu/log.h"

#include <errno.h>

static bool check_array(struct npu_checker *c)
{
    npu_check_device(c);
    npu_check_memory(c);
    npu_check_fifos(c);
    return npu_check_links(c) && npu_check_streams(c) && npu_check_flow(c) && npu_check_bodies(c) &&
           npu_check_sequences(c);
}

int npu_design_check(const struct npu_design *design, const struct npu_check_options *options,
                     npu_check_report *report, void *user, struct npu_check_result *result,
                     struct npu_error *err)
{
    static const struct npu_check_options no_options;
    struct npu_check_result counted = {0};
    struct npu_checker c = {.design = design,
                            .options = options ? options : &no_options,
                            .report = report,
                            .user = user,
                            .result = &counted};
    if (design->n_arrays > 1)
        npu_check_error(
            &c, "one-device", design->array[1].pos,
            "the module has %u devices; the stock compiler keeps tables from one to the "
            "next and crashes: write one device per module",
            design->n_arrays);
    for (uint32_t i = 0; i < design->n_arrays; i++) {
        struct npu_map *map = NULL;
        c.array = &design->array[i];
        int code = npu_map_open(&map, c.array, err);
        if (code)
            return code;
        c.map = map;
        bool ok = check_array(&c);
        npu_map_close(&map);
        npu_arena_free(&c.arena);
        if (!ok)
            return npu_fail(err, -ENOMEM, "%s: no memory to check the design", design->file_name);
    }
    *result = counted;
    return 0;
}
