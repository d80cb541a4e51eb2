/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The checker: each design in broken/ breaks the rule that it is named after and no other; the
 * designs in good/ and mlir/ break none. */
#include "npu/sim/check/check.h"
#include "tests/check.h"
#include "tests/sim/plan.h"

#include <dirent.h>
#include <stdint.h>

#define E NPU_SEVERITY_ERROR
#define W NPU_SEVERITY_WARNING
#define N NPU_SEVERITY_NOTE

/* What a finding must say besides its rule: the numbers of the design. */
static const struct {
    const char *rule;
    enum npu_severity severity;
    uint32_t line;
    const char *text;
} rules[] = {
    {"access-held", E, 15,
     "object 1 of @in is accessed, but the acquire at line 14 holds 1, numbered from 0"},
    {"acquire-balance", E, 13,
     "core (0,2) holds 0 objects of @in before each turn of this loop and 1 after it"},
    {"acquire-depth", E, 14,
     "core (0,2) acquires 3 objects of @in, which has 2 there: it waits for ever"},
    {"acquire-siblings", E, 25,
     "@out is acquired in two regions of the scf.if at line 19: the stock compiler drops the "
     "second acquire"},
    {"buffer-place", W, 8,
     "buffer acc lies at 0x400 in bank 0 of core (0,2): the place that it asks for is taken or "
     "does not exist"},
    {"buffer-tile", E, 8, "buffer x is on shim (0,0), which has no memory"},
    {"call-offset", W, 21, "argument 0 of @half was cast from a memref with an offset"},
    {"call-signature", E, 18, "@copy64 takes 2 arguments, this call gives 1"},
    {"channels", E, 5, "core (0,2) needs 3 DMA channels for input (S2MM) and has 2"},
    {"constants-room", W, 12,
     "core (0,2) has 0 bytes above its highest buffer for the constants of its kernels, advised "
     "are at least 512"},
    {"core-tile", E, 8, "shim (0,0) has no core"},
    {"core-twice", E, 24, "core (0,2) has a second aie.core"},
    {"descriptor-id", E, 26, "buffer descriptor 16 does not exist, a shim has 0 .. 15"},
    {"descriptor-perhaps", W, 29,
     "buffer descriptor 1 of shim (0,0) is in use since line 26, unless the waits on other fifos "
     "since then mean that it ended"},
    {"descriptor-reuse", E, 27,
     "buffer descriptor 1 of shim (0,0) is in use since line 26, and nothing waited since"},
    {"descriptors-half", E, 8,
     "@in on mem tile (0,1), channel 0, needs buffer descriptors 20 .. 39"},
    {"descriptors-live", E, 89,
     "shim (0,0) has more than 16 tasks that are neither awaited nor freed"},
    {"descriptors", E, 5, "core (0,2) needs 18 buffer descriptors and has 16"},
    {"device-name", E, 3, "device npu1_4col is not known here"},
    {"dims-count", E, 6, "@in has 4 dimensions at core (0,2), whose descriptors have 3"},
    {"dims-granule", E, 6,
     "the innermost dimension of @in at core (0,2) has size 128 and stride 2"},
    {"dims-range", E, 6,
     "the dimensions of @in at core (0,2) reach element 125 of a transfer of 64"},
    {"dims-shim", E, 6,
     "@in has dimensions at shim (0,0): give them in the transfer of the sequence"},
    {"dims-size", E, 6, "the dimensions of @in at core (0,2) take 32 elements of a transfer of 64"},
    {"dims-step", E, 6, "dimension 0 of @in at core (0,2) steps 8200 words"},
    {"dims-wrap", E, 6, "dimension 1 of @in at core (0,2) repeats 512 times"},
    {"dynamic-loop", E, 18,
     "this loop runs a number of times known at run time only and acquires @out: without "
     "dynamic_objfifo_lowering = true on the core the stock compiler crashes"},
    {"fifo-consumers", E, 6, "@in lists core (0,2) twice as a consumer"},
    {"fifo-granule", E, 6, "@in has objects of 6 bytes, no multiple of the 4 of a stream word"},
    {"fifo-init", E, 6, "@in has initial values, but its producer is a shim, which has no memory"},
    {"fifo-iter", E, 7,
     "@out has iter_count 2, but none of its ends is in a mem tile, whose channels alone count "
     "their "
     "rounds"},
    {"fifo-length", E, 6, "@in has objects of 131072 words"},
    {"fifo-no-locks", W, 6, "@in has disable_synchronization: what its ends read depends on time"},
    {"fifo-port", E, 21, "core (0,2) is no consumer of @out"},
    {"fifo-ratio", E, 6, "@in has objects of 256 bytes, no multiple of the consumer's 160"},
    {"fifo-repeat", E, 6,
     "@in has repeat_count 2, but its producer is a shim: repeat in the transfer of the sequence"},
    {"fifo-type", E, 19, "@in has objects of memref<64xi32>, this acquires memref<16xi32>"},
    {"fifo-unlinked", W, 9, "@x ends in mem tile (0,1), but no link takes it on"},
    {"fifo-unused", W, 8, "core (0,2) never empties @x, which then stops after its buffers"},
    {"for-step", E, 13, "the step is 0, expected more than 0"},
    {"host-buffers-portable", N, 24, "sequence @sequence has 6 host buffers"},
    {"host-buffers", E, 24, "sequence @sequence has 17 host buffers"},
    {"index-range", E, 19, "index 0 of this memref.load is 64 in a memref<64xi32>"},
    {"kernel-extent", E, 9, "argument 0 of @copy256 has 256 bytes, the kernel uses 1024"},
    {"kernel-signature", E, 9,
     "@count is declared as vp, the kernel is ip (v nothing, i i32, p memref, ? another type"},
    {"kernel-elsewhere", W, 9,
     "no kernel that is known is called other: its arguments are not checked, and a misspelt name "
     "is found by the linker alone"},
    {"kernel-unknown", E, 9, "no kernel is called other"},
    {"link-count", E, 11, "the link has 1 input and 0 output offsets, expected 2 and 0"},
    {"link-mem", E, 9, "this join or distribute is in core (0,2)"},
    {"link-offset", E, 15, "@p5 takes bytes 768 .. 1023 of @out, but its part ends at 768"},
    {"link-part", E, 11,
     "the part of @p2 in @in has 128 bytes, no multiple of the 96 of its objects"},
    {"link-repeat", E, 11,
     "@p2 repeats 1 times and @p3 2: the outputs of a distribute must repeat equally often"},
    {"link-size", E, 9, "@first hands on objects of 256 bytes, @in takes 96"},
    {"link-tile", E, 10,
     "the fifos of this link meet in no tile: each input must end, and each output begin, in mem "
     "tile (1,1)"},
    {"link-twice", E, 9, "@second is in two links, at lines 11 and 12"},
    {"link-with", W, 18,
     "core (0,2) calls @copy64, but neither the core nor the function says link_with"},
    {"lock-value", E, 8, "a lock of @in at mem tile (0,1) would count to 100; it has 0 .. 63"},
    {"locks", E, 5, "core (0,2) needs 18 locks and has 16"},
    {"memory-align", W, 12,
     "buffer x4 on core (0,2) lies at 0x524, no multiple of 32: the allocator aligns nothing, so "
     "make the stack and the sizes multiples"},
    {"memory-banks", W, 5,
     "core (0,2): its buffers do not fit into banks of 16384 bytes, so they are placed one after "
     "the other, across banks"},
    {"memory-core", E, 5, "core (0,2) needs 67584 bytes of its 65536"},
    {"memory-mem", E, 5, "mem tile (0,1) needs 786432 bytes of its 524288"},
    {"memory-overlap", E, 8,
     "object 0 of @out at 0x4000 on core (0,2) begins inside of buffer acc"},
    {"memory-word", E, 7,
     "object 0 of @out on core (0,2) lies at 0x402, no multiple of the 4 of a DMA's word"},
    {"one-device", E, 30, "the module has 2 devices"},
    {"queue-depth", E, 30, "@in has 4 transfers that nothing waited for"},
    {"queue-perhaps", W, 32, "@in has 4 transfers without a token of their own"},
    {"release-held", E, 21, "core (0,2) releases 1 objects of @in and holds 0"},
    {"rtp-range", E, 26, "word 16 is outside of buffer rtp, which has 16 words"},
    {"stack-bank", E, 9,
     "core (0,2) has a stack of 16416 bytes, more than the 16384 of one bank: the stock compiler "
     "then puts buffers into the stack"},
    {"stack-missing", N, 9,
     "core (0,2) sets no stack_size and gets 1024 bytes without a guard below its buffers"},
    {"streams", W, 3, "7 streams leave switch (0,1) going up on the straight way"},
    {"task-order", E, 29, "this task was not started"},
    {"task-repeat", W, 27,
     "the outermost dimension repeats 4 times with stride 0, but only repeat_count counts: the "
     "task "
     "runs 16 times"},
    {"task-stride", E, 27,
     "only the innermost dimension of this task is over 1, with a stride of 4: the stock compiler "
     "says nothing and moves neighbours; write [<size = 256, stride = 4>, <size = 1, stride = 1>]"},
    {"task-token", E, 36, "the task of line 29 has no issue_token, so this waits for ever"},
    {"tile-range", E, 6, "tile (4,2) is outside of npu1, which has columns 0 .. 3 and rows 0 .. 5"},
    {"tile-twice", E, 6, "tile (0,2) is declared a second time"},
    {"token-unclaimed", N, 26,
     "nothing waits for 1 token of @in: without harm unless a later launch waits for one"},
    {"transfer-bounds", E, 26, "the transfer reaches element 1087 of %a, which has 1024"},
    {"transfer-dims", E, 26,
     "dimension 1 of the transfer has size 0 and stride 0, expected a size of 1 .. 2^40 and no "
     "negative stride"},
    {"transfer-element", E, 26, "%a has elements of 64 bits"},
    {"transfer-granule", E, 26, "the transfer starts at byte 2, no multiple of 4"},
    {"transfer-objects", E, 26,
     "the transfer has 4000 bytes, 15 objects of @in and 160 bytes: it never ends"},
    {"transfer-rounds", E, 26, "the outermost dimension has size 65 and stride 64"},
    {"transfer-shim", E, 29, "@in has no end at a shim"},
    {"transfer-step", E, 26, "dimension 2 of the transfer steps 1048640 words"},
    {"transfer-stride", E, 26,
     "dimension 2 of the transfer repeats with stride 0, which only the outermost may"},
    {"transfer-unknown", N, 26,
     "this transfer takes a number from an argument: its bounds are checked when it runs; the "
     "stock "
     "compiler of March 2026 takes constants only, and there are no instruction words for it"},
    {"transfer-wrap", E, 26, "the transfer repeats 2048 words or 2 rows"},
    {"wait-channel", E, 28, "no fifo uses S2MM channel 1 of tile (0,0), so this waits for ever"},
    {"wait-missing", W, 25,
     "nothing waits for this transfer of @out: the host may read its buffer too early"},
    {"wait-token", E, 28, "no transfer of @in in flight issues a token, so this waits for ever"},
    {"write-range", E, 27,
     "address 0x400 of tile (4,2) does not exist on npu1: expected a multiple of 4 up to 0xfffff "
     "of a "
     "tile "
     "that it has"},
    {"write-register", W, 27,
     "address 0x1f000 of tile (0,2) is no word of a buffer or of a fifo's object: it becomes an "
     "instruction, but is not executed here"},
};
#define N_RULES (sizeof(rules) / sizeof(rules[0]))

struct seen {
    const char *rule; /* expected; NULL: no finding is expected */
    struct npu_finding finding;
    unsigned n, n_others;
    char text[640], other[640];
};

static void report(void *user, const struct npu_finding *finding)
{
    struct seen *seen = user;
    if (seen->rule && strcmp(finding->rule, seen->rule) == 0) {
        if (seen->n++ == 0) {
            seen->finding = *finding;
            snprintf(seen->text, sizeof(seen->text), "%s", finding->text);
        }
        return;
    }
    if (seen->n_others++ == 0)
        snprintf(seen->other, sizeof(seen->other), "%u:%u: [%s] %.500s", finding->pos.line,
                 finding->pos.column, finding->rule, finding->text);
}

/* The kernels of the designs below. */
static const char *kernel(void *user, const char *name, const uint32_t **bytes)
{
    static const uint32_t copy64[] = {256, 256}, copy256[] = {1024, 1024}, count[] = {4};
    static const struct {
        const char *name, *args;
        const uint32_t *bytes;
    } kernels[] = {{"copy64", "vpp", copy64}, {"copy256", "vpp", copy256}, {"count", "ip", count},
                   {"copy40", "vpp", NULL},   {"copy6", "vpp", NULL},      {"take", "vpp", NULL},
                   {"half", "vp", NULL},      {"plus", "vpp", NULL},       {"minus", "vpp", NULL},
                   {"finish", "vpp", NULL},   {"step", "vppp", NULL},      {"colop", "vppi", NULL}};
    for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++)
        if (strcmp(kernels[i].name, name) == 0) {
            *bytes = kernels[i].bytes;
            return kernels[i].args;
        }
    return NULL;
}

static bool check(struct npu_design *design, bool kernels, struct seen *seen,
                  struct npu_check_result *result)
{
    bool elsewhere = seen->rule && strcmp(seen->rule, "kernel-elsewhere") == 0;
    const struct npu_check_options options = {.kernel = kernels ? kernel : NULL,
                                              .kernels_elsewhere = elsewhere};
    struct npu_error err = {""};
    int code = npu_design_check(design, &options, report, seen, result, &err);
    if (code)
        printf("# %d %s\n", code, err.text);
    return code == 0;
}

static void test_rule(size_t i)
{
    struct seen seen = {.rule = rules[i].rule};
    struct npu_check_result result = {0};
    struct npu_design *design = NULL;
    struct npu_error err = {""};
    char path[1024], name[80];
    snprintf(path, sizeof(path), "%s/broken/%s.mlir", TESTS_SIM, rules[i].rule);
    snprintf(name, sizeof(name), "check_broken_%s", rules[i].rule);
    if (npu_design_open(&design, path, &err) != 0) {
        check_case(false, name, "%s", err.text);
        return;
    }
    bool ok = check(design, true, &seen, &result) && seen.n > 0 && seen.n_others == 0 &&
              seen.finding.severity == rules[i].severity &&
              seen.finding.pos.line == rules[i].line && strstr(seen.text, rules[i].text);
    uint32_t counted[] = {result.n_errors, result.n_warnings, result.n_notes};
    ok = ok && counted[rules[i].severity] == seen.n &&
         result.n_errors + result.n_warnings + result.n_notes == seen.n;
    check_case(ok, name, "%u:%u: %s (%u times)%s%s", seen.finding.pos.line, seen.finding.pos.column,
               seen.text, seen.n, seen.n_others ? "; beside it " : "", seen.other);
    npu_design_close(&design);
}

/* DESIGNS.md lists every rule with its severity. */
static void test_manual(void)
{
    static char text[65536];
    FILE *file = fopen(TESTS_MLIR "/../npu/sim/DESIGNS.md", "rb");
    size_t n = file ? fread(text, 1, sizeof(text) - 1, file) : 0, missing = 0;
    const char *first = "";
    if (file)
        fclose(file);
    text[n] = '\0';
    for (size_t i = 0; i < N_RULES; i++) {
        char row[96];
        snprintf(row, sizeof(row), "| `%s` %s |", rules[i].rule,
                 npu_severity_name(rules[i].severity));
        if (!strstr(text, row) && missing++ == 0)
            first = rules[i].rule;
    }
    check_case(n > 0 && missing == 0, "check_manual_lists_every_rule", "%zu missing, first %s",
               missing, first);
}

/* Every design in broken/ is in the table. */
static void test_files(void)
{
    DIR *dir = opendir(TESTS_SIM "/broken");
    unsigned n = 0, unknown = 0;
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        size_t length = strlen(entry->d_name), known = 0;
        if (length < 6 || strcmp(entry->d_name + length - 5, ".mlir") != 0)
            continue;
        n++;
        for (size_t i = 0; i < N_RULES; i++)
            known += strlen(rules[i].rule) == length - 5 &&
                     strncmp(rules[i].rule, entry->d_name, length - 5) == 0;
        unknown += known != 1;
    }
    if (dir)
        closedir(dir);
    check_case(n == N_RULES && unknown == 0, "check_every_broken_design_has_a_rule",
               "%u designs, %u without a rule", n, unknown);
}

static void test_text(const char *name, struct npu_design *design, bool kernels,
                      uint32_t max_warnings)
{
    struct seen seen = {0};
    struct npu_check_result result = {0};
    bool ok = check(design, kernels, &seen, &result) && result.n_errors == 0 &&
              result.n_warnings <= max_warnings;
    check_case(ok, name, "%u findings: %s", seen.n_others, seen.other);
}

static void test_good(void)
{
    static const char *const names[] = {"passthrough", "passthrough_e3", "broadcast_e3", "loops",
                                        "forwarded"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct npu_design *design = NULL;
        struct npu_error err = {""};
        char path[1024], name[80];
        snprintf(path, sizeof(path), "%s/good/%s.mlir", TESTS_SIM, names[i]);
        snprintf(name, sizeof(name), "check_good_%s", names[i]);
        if (npu_design_open(&design, path, &err) == 0)
            test_text(name, design, true, 0);
        else
            check_case(false, name, "%s", err.text);
        npu_design_close(&design);
    }
    char *text = plan_text();
    struct npu_design *design = NULL;
    struct npu_error err = {""};
    if (npu_design_parse(&design, text, strlen(text), "plan", &err) == 0)
        test_text("check_good_plan", design, true, 0);
    else
        check_case(false, "check_good_plan", "%s", err.text);
    npu_design_close(&design);
    free(text);
}

/* The project's own designs: no errors. */
static void test_designs(void)
{
    DIR *dir = opendir(TESTS_MLIR);
    unsigned n = 0;
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        size_t length = strlen(entry->d_name);
        struct npu_design *design = NULL;
        struct npu_error err = {""};
        char path[1024], name[320];
        if (length < 6 || strcmp(entry->d_name + length - 5, ".mlir") != 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", TESTS_MLIR, entry->d_name);
        snprintf(name, sizeof(name), "check_design_%.*s", (int)(length - 5), entry->d_name);
        n++;
        if (npu_design_open(&design, path, &err) == 0)
            test_text(name, design, false, UINT32_MAX);
        else
            check_case(false, name, "%s", err.text);
        npu_design_close(&design);
    }
    if (dir)
        closedir(dir);
    check_case(n > 0, "check_designs_found", "%u", n);
}

/* Constants that are known: the room must hold them. */
static void test_constants(void)
{
    struct npu_design *design = NULL;
    struct npu_error err = {""};
    struct npu_check_result fits = {0}, over = {0};
    char *text = plan_text();
    struct npu_check_options options = {.constant_bytes = 8192};
    int code = npu_design_parse(&design, text, strlen(text), "plan", &err);
    if (code == 0)
        code = npu_design_check(design, &options, NULL, NULL, &fits, &err);
    options.constant_bytes = 8193;
    if (code == 0)
        code = npu_design_check(design, &options, NULL, NULL, &over, &err);
    check_case(code == 0 && fits.n_errors == 0 && over.n_errors == 16, "check_constants_known",
               "%u and %u errors", fits.n_errors, over.n_errors);
    npu_design_close(&design);
    free(text);
}

int main(void)
{
    for (size_t i = 0; i < N_RULES; i++)
        test_rule(i);
    test_files();
    test_manual();
    test_good();
    test_designs();
    test_constants();
    return check_finish();
}
