/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_SIM_CHECK_CHECK_H
#define NPU_SIM_CHECK_CHECK_H
/* npu/sim/check: whether a design may be run. check.h is the interface, check.c the order of the
 * checks; each other file has the rules of one kind of thing: device, memory, fifos, links,
 * streams, flow of objects, bodies of cores, sequences, transfers. checker.h is what they share,
 * finding.c reports. It reads designs and maps, and executes nothing. */

/* What a design must obey beyond its text: limits of the array, rules of the language, and what the
 * stock compiler accepts in silence and miscompiles. npu/sim/DESIGNS.md lists every rule;
 * tests/sim/broken has a design for each. Threads: any; a check changes nothing. */
#include "npu/sim/text/design.h"

#ifdef __cplusplus
extern "C" {
#endif

enum npu_severity {
    NPU_SEVERITY_ERROR,   /* does not compile, hangs, or computes something else */
    NPU_SEVERITY_WARNING, /* may work; the sentence says on what that depends */
    NPU_SEVERITY_NOTE,    /* works; worth knowing */
};

struct npu_finding {
    const char *rule; /* "acquire-siblings" (static) */
    enum npu_severity severity;
    struct npu_ir_pos pos;
    const char *text; /* one sentence with the numbers; valid during the call only */
};

/* Called for each finding, in the order of the checks (transfer none). */
typedef void npu_check_report(void *user, const struct npu_finding *finding);

struct npu_check_options {
    /* The signature of a kernel, result first: 'v' void, 'i' i32, 'p' pointer; "" where it is
     * unknown and the design is trusted. *bytes receives the least extent of each pointer, or NULL
     * where that is unknown. Returns NULL: no such kernel. The member is NULL: kernels are not
     * looked up. */
    const char *(*kernel)(void *user, const char *name, const uint32_t **bytes);
    void *user;
    bool kernels_elsewhere;  /* nothing is run: a missing kernel is only a warning */
    uint32_t constant_bytes; /* of the kernels (.data, .rodata, .bss) per core; 0: not known */
};

/* A `kernel` member for the built-in core kernels; `user` is not used. Threads: any. */
const char *npu_check_core_kernel(void *user, const char *name, const uint32_t **bytes);

struct npu_check_result {
    uint32_t n_errors, n_warnings, n_notes;
};

/* Check a design; `options` and `report` may be NULL. Returns 0 whatever was found (*result counts
 * it; a design with errors must not be run), or -ENOMEM. Never blocks. */
int npu_design_check(const struct npu_design *design, const struct npu_check_options *options,
                     npu_check_report *report, void *user, struct npu_check_result *result,
                     struct npu_error *err);

/* "error", "warning", "note" (static). */
const char *npu_severity_name(enum npu_severity severity);

#ifdef __cplusplus
}
#endif

#endif /* NPU_SIM_CHECK_CHECK_H */
