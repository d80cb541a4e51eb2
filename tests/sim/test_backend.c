/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Device "sim" through npu_device_open(): the conformance suite, and mlir/attention_64.mlir with
 * every strategy of the pipeline.
 *
 *     test_backend [--tiles N]      tiles per strategy; default 200 */
#include <sys/stat.h>
#include <unistd.h>

#include "npu/launch/pipeline.h"
#include "npu/sim/backend.h"
#include "tests/npu/backend_suite.h"
#include "tests/sim/packed_tile.h"

/* A core that copies objects of 256 bytes without a kernel; with `extra` once more per object. */
#define DESIGN(take, extra)                                                                     \
    "module {\n"                                                                                \
    "  aie.device(npu1_1col) {\n"                                                               \
    "    %shim = aie.tile(0, 0)\n"                                                              \
    "    %core = aie.tile(0, 2)\n"                                                              \
    "    aie.objectfifo @in(%shim, {%core}, [2, 2]) : !aie.objectfifo<memref<64xi32>>\n"        \
    "    aie.objectfifo @out(%core, {%shim}, [2, 2]) : !aie.objectfifo<memref<64xi32>>\n"       \
    "    %k = aie.core(%core) {\n"                                                              \
    "      %c0 = arith.constant 0 : index\n"                                                    \
    "      %c1 = arith.constant 1 : index\n"                                                    \
    "      %c64 = arith.constant 64 : index\n"                                                  \
    "      %cmax = arith.constant 9223372036854775807 : index\n"                                \
    "      scf.for %it = %c0 to %cmax step %c1 {\n"                                             \
    "        %iv = aie.objectfifo.acquire @in(Consume, " take                                   \
    ") : !aie.objectfifosubview<memref<64xi32>>\n"                                              \
    "        %i = aie.objectfifo.subview.access %iv[0] : "                                      \
    "!aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>\n"                                \
    "        %ov = aie.objectfifo.acquire @out(Produce, 1) : "                                  \
    "!aie.objectfifosubview<memref<64xi32>>\n"                                                  \
    "        %o = aie.objectfifo.subview.access %ov[0] : "                                      \
    "!aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>\n"                                \
    "        scf.for %j = %c0 to %c64 step %c1 {\n"                                             \
    "          %v = memref.load %i[%j] : memref<64xi32>\n"                                      \
    "          memref.store %v, %o[%j] : memref<64xi32>\n"                                      \
    "        }\n" extra "        aie.objectfifo.release @in(Consume, " take ")\n"               \
    "        aie.objectfifo.release @out(Produce, 1)\n"                                         \
    "      }\n"                                                                                 \
    "      aie.end\n"                                                                           \
    "    } {dynamic_objfifo_lowering = true, stack_size = 1024 : i32}\n"                        \
    "    aie.runtime_sequence(%a : memref<64xi32>, %b : memref<64xi32>) {\n"                    \
    "      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 0][1, 1, 1, 64][0, 0, 0, 1]) {metadata = @out, " \
    "id = 1 : i64, issue_token = true} : memref<64xi32>\n"                                      \
    "      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 0][1, 1, 1, 64][0, 0, 0, 1]) {metadata = @in, "  \
    "id = 0 : i64} : memref<64xi32>\n"                                                          \
    "      aiex.npu.dma_wait {symbol = @out}\n"                                                 \
    "    }\n"                                                                                   \
    "  }\n"                                                                                     \
    "}\n"

#define SPIN                                                \
    "        scf.for %s = %c0 to %cmax step %c1 {\n"        \
    "          %w = memref.load %i[%c0] : memref<64xi32>\n" \
    "          memref.store %w, %o[%c0] : memref<64xi32>\n" \
    "        }\n"

/* ---- attention_64 ---------------------------------------------------------------------------- */

static uint64_t n_tiles = 200;
static uint8_t (*expected)[TILE_OUT_BYTES];

struct user {
    struct tile tile;
    struct packed_tile packed;
    uint64_t taken, wrong;
};

static void give(void *data, uint64_t number, const void **in)
{
    struct user *user = data;
    tile_fill(&user->tile, number);
    packed_tile_fill(&user->packed, &user->tile);
    in[0] = user->packed.q;
    in[1] = user->packed.kv;
}

static void take(void *data, uint64_t number, const void *out)
{
    struct user *user = data;
    user->wrong += number != user->taken || memcmp(out, expected[number], TILE_OUT_BYTES) != 0;
    user->taken++;
}

static void attention(enum npu_strategy strategy, unsigned depth, unsigned batch)
{
    static struct user user;
    struct npu_device *device = NULL;
    struct npu_context *context = NULL;
    struct npu_pipeline *pipeline = NULL;
    struct npu_pipeline_stats stats = {0};
    struct npu_error err = {""};
    char name[96], *text = packed_tile_design(TESTS_SOURCE, batch);

    user.taken = user.wrong = 0;
    tile_fill_exp(user.tile.exp);
    snprintf(name, sizeof(name), "sim_attention_64_%s_depth_%u_batch_%u",
             npu_strategy_name(strategy), depth, batch);
    int ret =
        text ? npu_device_open(&device, &(struct npu_device_params){.name = "sim"}, &err) : -ENOENT;
    if (ret == 0)
        ret = npu_context_open(
            &context, device,
            &(struct npu_code){.kind = NPU_CODE_DESIGN, .name = "attention_64", .text = text},
            &err);
    const struct npu_pipeline_params params = {
        .device = device,
        .context = context,
        .strategy = strategy,
        .depth = depth,
        .batch = batch,
        .in_bytes = {TILE_Q_BYTES, TILE_KV_BYTES},
        .n_in = 2,
        .out_bytes = TILE_OUT_BYTES,
        .deadline_ns = 100 * SECOND,
    };
    if (ret == 0)
        ret = npu_pipeline_open(&pipeline, &params, &err);
    if (ret == 0)
        ret = npu_pipeline_run(pipeline, &(struct npu_pipeline_job){n_tiles, give, take, &user});
    if (pipeline) {
        npu_pipeline_get_stats(pipeline, &stats);
        if (!err.text[0])
            npu_pipeline_get_error(pipeline, &err);
    }
    check_case(ret == 0 && user.taken == n_tiles && user.wrong == 0 && stats.modelled_ns > 0, name,
               "%u tiles, %u wrong, modelled %.1f us a tile %s", (unsigned)user.taken,
               (unsigned)user.wrong, (double)stats.modelled_ns * 1e-3 / (double)n_tiles, err.text);
    npu_pipeline_close(&pipeline);
    npu_context_close(&context, PATIENT);
    npu_device_close(&device);
    free(text);
}

static void expect_all(void)
{
    static struct tile tile;
    static int16_t out[TILE_VALUES];
    tile_fill_exp(tile.exp);
    expected = malloc(n_tiles * sizeof(*expected));
    if (!expected)
        exit(1);
    for (uint64_t i = 0; i < n_tiles; i++) {
        tile_fill(&tile, i);
        tile_compute(out, tile.exp, tile.q, tile.k, tile.v);
        packed_tile_a16(expected[i], out);
    }
}

static void test_refused(void)
{
    struct npu_device *device = NULL;
    struct npu_context *context = NULL;
    struct npu_error err = {""};
    int ret = npu_device_open(&device, &(struct npu_device_params){.name = "sim"}, &err);
    if (ret == 0)
        ret =
            npu_context_open(&context, device,
                             &(struct npu_code){.kind = NPU_CODE_DESIGN, .text = "module {"}, &err);
    check_case(ret == -EBADMSG && err.text[0] && !context, "sim_text_that_is_no_design_refused",
               "%d %s", ret, err.text);
    npu_device_close(&device);
}

/* ---- A program in a folder of its own -------------------------------------------------------- */

#define PROGRAM "passthrough"

static char program_folder[64], program_path[96];

/* Writes the program into a folder where the simulator looks for designs. */
static bool program_write(const char *text)
{
    snprintf(program_folder, sizeof(program_folder), "test-programs-%d", (int)getpid());
    snprintf(program_path, sizeof(program_path), "%s/" PROGRAM ".mlir", program_folder);
    setenv("WHISPERNPU_DESIGNS", program_folder, 1);
    mkdir(program_folder, 0700);
    FILE *file = fopen(program_path, "w");
    bool good = file && fputs(text, file) >= 0;
    return file && fclose(file) == 0 && good;
}

static void program_remove(void)
{
    unlink(program_path);
    rmdir(program_folder);
    unsetenv("WHISPERNPU_DESIGNS");
}

static void test_program_refused(void)
{
    struct npu_device *device = NULL;
    struct npu_context *context = NULL;
    struct npu_error err = {""};
    const struct npu_code code = {.kind = NPU_CODE_WORDS, .program = "nothing"};

    int ret = npu_device_open(&device, &(struct npu_device_params){.name = "sim"}, &err);
    if (ret == 0)
        ret = npu_context_open(&context, device, &code, &err);
    check_case(ret == -ENOENT && !context && strstr(err.text, "nothing.mlir") &&
                   strstr(err.text, "WHISPERNPU_DESIGNS"),
               "sim_program_that_is_not_there_refused", "%d %s", ret, err.text);
    npu_device_close(&device);
}

static int complain(void *user, struct npu_call *call)
{
    snprintf(call->err->text, sizeof(call->err->text), "%s got %zu bytes", (const char *)user,
             call->span[0].bytes);
    return -ERANGE;
}

/* A host function works on this device too; its error sentence comes back. */
static void test_host_function(void)
{
    static char who[] = "a function";
    struct npu_device *device = NULL;
    struct npu_context *context = NULL;
    struct npu_memory *memory = NULL;
    struct npu_error err = {""};
    const struct npu_code code = {.kind = NPU_CODE_HOST, .call = complain, .user = who};
    uint64_t ticket = 0;

    int ret = npu_device_open(&device, &(struct npu_device_params){.name = "sim"}, &err);
    if (ret == 0)
        ret = npu_context_open(&context, device, &code, &err);
    if (ret == 0)
        ret = npu_memory_open(&memory, device, NPU_MEMORY_DATA, 64, &err);
    if (ret == 0)
        ret = npu_launch_submit(context,
                                &(struct npu_launch){.span = {{memory, 0, 64}},
                                                     .n_spans = 1,
                                                     .deadline_ns = NPU_TIMEOUT_NONE},
                                &ticket, &err);
    if (ret == 0)
        ret = npu_launch_wait(context, ticket, PATIENT, &err);
    check_case(ret == -ERANGE && !strcmp(err.text, "a function got 64 bytes"),
               "sim_host_function_runs_and_says_why", "%d %s", ret, err.text);
    npu_context_close(&context, PATIENT);
    npu_memory_close(&memory);
    npu_device_close(&device);
}

int main(int argc, char **argv)
{
    const struct backend_rig rig = {
        .device = "sim",
        .max_contexts = 6,
        .code_heap = 64 << 20,
        .far = true,
        .copy = {.kind = NPU_CODE_DESIGN, .name = "copy", .text = DESIGN("1", "")},
        .slow = {.kind = NPU_CODE_DESIGN, .name = "slow", .text = DESIGN("1", SPIN)},
        .fail = {.kind = NPU_CODE_DESIGN, .name = "fail", .text = DESIGN("2", "")},
        .program = PROGRAM,
    };

    if (argc == 3 && !strcmp(argv[1], "--tiles"))
        n_tiles = strtoull(argv[2], NULL, 10);
    if (n_tiles < 1 || n_tiles > 100000 || npu_sim_backend_register() != 0)
        return 2;
    if (!program_write(rig.copy.text))
        return 2;
    backend_suite(&rig);
    test_program_refused();
    program_remove();
    test_refused();
    test_host_function();
    expect_all();
    attention(NPU_SEQUENTIAL, 1, 1);
    attention(NPU_POOLED, 1, 1);
    for (unsigned depth = 1; depth <= 8; depth++)
        attention(NPU_PIPELINED, depth, 1);
    attention(NPU_BATCHED, 2, 4);
    attention(NPU_BATCHED, 1, 16);
    attention(NPU_ADAPTIVE, 8, 1);
    free(expected);
    return check_finish();
}
