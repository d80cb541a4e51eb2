/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libFuzzer target of the simulator's parser, map and checker: any bytes give a design or one
 * error, and any design can be mapped, drawn and checked. Not part of the build; from the source
 * root:
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -I. tests/fuzz/fuzz_design.c \
 *       npu/sim/{text,check}/?*.c npu/sim/map/{limits,map,draw,memory}.c npu/log.c -lm -lpthread \
 *       -o fuzz_design
 *   ./fuzz_design -dict=tests/fuzz/design.dict -max_len=16384 -max_total_time=60 CORPUS \
 *       tests/sim/good tests/sim/broken mlir */
#include "npu/sim/check/check.h"
#include "npu/sim/map/map.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every finding has a sentence and a place in the text. */
static void report(void *user, const struct npu_finding *finding)
{
    const size_t *size = user;
    if (finding->text[0] == 0 || finding->rule[0] == 0 || finding->pos.line == 0 ||
        finding->pos.line > *size + 1 || finding->pos.column == 0 ||
        finding->pos.column > *size + 1)
        abort();
}

/* Every kernel exists and takes any arguments. */
static const char *kernel(void *user, const char *name, const uint32_t **bytes)
{
    static const uint32_t least[] = {64, 64, 64};
    *bytes = least;
    return name[0] & 1 ? "vppp" : "ip";
}

static void use(const struct npu_design *design, size_t size)
{
    const struct npu_check_options options = {.kernel = kernel, .constant_bytes = 4096};
    struct npu_check_result result;
    struct npu_error err = {""};
    int code = npu_design_check(design, &options, report, &size, &result, &err);
    if (code != 0 && code != -ENOMEM)
        abort();
    for (uint32_t i = 0; i < design->n_arrays; i++) {
        struct npu_map *map = NULL;
        if (npu_map_open(&map, &design->array[i], &err) != 0)
            continue;
        char *text = npu_map_draw(map);
        if (!text)
            abort();
        free(text);
        npu_map_close(&map);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct npu_error err = {""};
    struct npu_design *design = NULL;
    int code = npu_design_parse(&design, (const char *)data, size, "text", &err);
    if (code != 0 && (err.text[0] == 0 || design))
        abort();
    if (code == 0)
        use(design, size);
    npu_design_close(&design);
    return 0;
}
