/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The array designs of mlir/ in the simulator, as tests/sim/test_designs runs them, and one of them
 * on 1 to 4 of its columns. All times are modelled. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "npu/log.h"
#include "npu/sim/check/check.h"
#include "npu/sim/engine/sim.h"
#include "tests/bench/npu-bench.h"
#include "tests/sim/designs.h"

/* ---- All designs ----------------------------------------------------------------------------- */

static const struct column design_columns[] = {
    {"design", "design", "", BASIS_GIVEN, 0, "mlir/NAME.mlir"},
    {"sequence", "sequence", "", BASIS_GIVEN, 0, "its runtime sequence"},
    {"cores", "cores", "", BASIS_GIVEN, 0, "that the design has; the array has 16"},
    {"operands", "operands", "", BASIS_GIVEN, 0,
     "of the products: activations x weights; of log-mel constants x samples"},
    {"mmac", "work", "MMAC", BASIS_GIVEN, 2,
     "1e6 multiply-adds of a launch without padding; - : hardly any"},
    MODELLED("cycles", "cycles", "", 0, "of a launch, from its first instruction to its last wait"),
    MODELLED("total_us", "with launch", "us", 1,
             "the cycles at the clock of the constants, and what a launch costs on top"),
    MODELLED("busy_percent", "busy", "%", 0, "of the cycles, a core at work; mean of all"),
    {"ddr_read_bytes", "DDR read", "bytes", BASIS_COUNTED, 0, "from host memory, a launch"},
    {"ddr_written_bytes", "DDR written", "bytes", BASIS_COUNTED, 0, "to host memory, a launch"},
    MODELLED("macs_per_cycle", "MAC/cycle", "a core", 1, "work / cycles / cores"),
    {"peak", "peak", "MAC/cycle", BASIS_GIVEN, 0,
     "of a core with such operands, as AMD's manuals have it"},
};

/* What a launch multiplies, by design and sequence: tests/sim/designs_*.c has the sizes. */
static const struct work {
    const char *design, *sequence, *operands;
    double macs;
    unsigned peak;
} works[] = {
    {"gemm_s16s8", "sequence", "s16 x s8", 5.0 * 64 * 64 * 512, 128},
    {"gemm_s16s8", "fc1", "s16 x s8", 64.0 * 2048 * 512, 128},
    {"gemm_s16s16", NULL, "s16 x s16", 2.0 * 64 * 64 * 512, 64},
    {"matmul_16", NULL, "s8 x s8", 32.0 * 16 * 16 * 16, 256},
    {"matmul_32", NULL, "s8 x s8", 32.0 * 32 * 32 * 32, 256},
    {"matmul_64", NULL, "s8 x s8", 32.0 * 64 * 64 * 64, 256},
    {"matmul_4col", NULL, "s8 x s8", 256.0 * 256 * 256, 256},
    {"encoder", "sequence", "s16 x s8", 256.0 * 256 * 512, 128},
    {"encoder", "out", "s16 x s8", 256.0 * 256 * 512, 128},
    {"encoder", "fc1", "s16 x s8", 1536.0 * 2048 * 512, 128},
    {"chain", NULL, "s16 x s8", 256.0 * 64 * 128, 128},
    {"attention_64", NULL, "s16 x s16", 16 * 2.0 * 64 * 64 * 64, 64},
    {"attention", "sequence", "s16 x s16", 2.0 * 256 * 1500 * 64, 64},
    {"attention_4col", NULL, "s16 x s16", 4 * 2.0 * 128 * 1500 * 64, 64},
    /* 101 bins of even and odd samples, real and imaginary; the other half follows from them */
    {"mel", "mel", "s32 x s16", 256 * 4.0 * 101 * 200, 32},
    {"mel_4core", "mel", "s32 x s16", 3008 * 4.0 * 101 * 200, 32},
};

static struct results *rows_to; /* its last table */

static bool is(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

static double busy_percent(const struct npu_sim_result *result, unsigned preset)
{
    double sum = 0;
    unsigned cores = 0;
    for (uint32_t i = 0; i < result->n_tiles; i++) {
        sum += (double)result->tile[i].core_cycles[preset];
        cores += result->tile[i].row >= 2;
    }
    return cores ? 100 * sum / cores / (double)result->time[preset].cycles : NAN;
}

static void keep_headlines(const struct designs_row *row)
{
    struct headlines *h = &rows_to->headlines;
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++) {
        double ms = row->result->time[p].total_us * 1e-3;
        if (is(row->design, "layernorm_256"))
            h->norm_ms[p] = ms;
        if (is(row->design, "gelu_512"))
            h->gelu_ms[p] = ms;
        if (is(row->design, "matmul_16"))
            h->matmul_ms[p] = ms;
        if (is(row->design, "mel_4core"))
            h->mel_npu_ms[p] = is(row->sequence, "mel") ? ms : h->mel_npu_ms[p] + ms;
    }
}

static void put_design(const struct designs_row *row)
{
    struct table *table = &rows_to->tables[rows_to->n_tables - 1];
    const struct npu_sim_result *result = row->result;
    const struct work *work = NULL;
    double cycles[NPU_SIM_PRESETS], us[NPU_SIM_PRESETS], busy[NPU_SIM_PRESETS];
    double speed[NPU_SIM_PRESETS];
    for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++)
        if (is(works[i].design, row->design) && is(works[i].sequence, row->sequence))
            work = &works[i];
    table_text(table, "%s", row->design);
    table_text(table, "%s", row->sequence ? row->sequence : "the only one");
    table_number(table, row->cores);
    table_text(table, "%s", work ? work->operands : "-");
    table_number(table, work ? work->macs * 1e-6 : NAN);
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++) {
        cycles[p] = (double)result->time[p].cycles;
        us[p] = result->time[p].total_us;
        busy[p] = busy_percent(result, p);
        speed[p] = work ? work->macs / cycles[p] / row->cores : NAN;
    }
    bench_modelled(table, cycles);
    bench_modelled(table, us);
    bench_modelled(table, busy);
    table_number(table, (double)result->ddr_read);
    table_number(table, (double)result->ddr_written);
    bench_modelled(table, speed);
    table_number(table, work ? work->peak : NAN);
    keep_headlines(row);
}

static int run_designs(const struct bench_options *options, struct results *results,
                       struct npu_error *err)
{
    static void (*const parts[])(void) = {designs_gemm, designs_rows, designs_heads, designs_mel};
    struct table *table = results_table(
        results, "designs", "Array designs on the simulated NPU",
        "One launch of each, random operands. Each ran three times, twice in one array and once "
        "from instruction words in another, and gave kernels/ref's bytes each time; one that does "
        "not has no row here and fails the run. No NPU was there.",
        design_columns, sizeof(design_columns) / sizeof(design_columns[0]));
    if (options->describe)
        return 0;
    rows_to = results;
    designs_table = true;
    designs_row = put_design;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        parts[i]();
    table = &results->tables[results->n_tables - 1];
    table_plot(table, (struct plot){"macs_per_cycle", {"design", "sequence"}});
    if (designs_finish())
        return npu_fail(err, -EIO, "a design does not give kernels/ref's bytes, see above");
    return 0;
}

/* ---- Columns --------------------------------------------------------------------------------- */

enum { HEADS = 12, KEYS = 1500, BLOCK = 4 * OBJECT };

static const struct column column_columns[] = {
    {"columns", "columns", "", BASIS_GIVEN, 0, "of the array at work, one core each"},
    {"heads", "heads", "", BASIS_GIVEN, 0, "of attention in all, 64 queries and 1500 keys each"},
    MODELLED("cycles", "cycles", "", 0, "of the one launch"),
    MODELLED("total_us", "with launch", "us", 1, "at the constants' clock"),
    MODELLED("speedup", "x 1 column", "", 2, "cycles of one column over these"),
    {"ddr_bytes", "DDR", "bytes", BASIS_COUNTED, 0, "read and written"},
    {"wrong_bytes", "wrong", "bytes", BASIS_COUNTED, 0, "of the results, against kernels/ref"},
};

struct heads {
    size_t q_bytes, kv_bytes, o_bytes; /* of one head */
    uint8_t *q, *kv, *o, *expected;
};

static struct heads heads_new(void)
{
    size_t blocks = (KEYS + T - 1) / T;
    struct heads h = {.q_bytes = 3 * OBJECT, .kv_bytes = blocks * BLOCK, .o_bytes = 2 * OBJECT};
    h.q = designs_alloc(HEADS * h.q_bytes);
    h.kv = designs_alloc(HEADS * h.kv_bytes);
    h.o = designs_alloc(HEADS * h.o_bytes);
    h.expected = designs_alloc(HEADS * h.o_bytes);
    for (size_t i = 0; i < HEADS; i++) {
        struct designs_head head = designs_head_random(T, KEYS);
        designs_head_compute(&head);
        designs_pack_q(h.q + i * h.q_bytes, &head);
        designs_pack_kv(h.kv + i * h.kv_bytes, &head);
        designs_pack_o(h.expected + i * h.o_bytes, &head);
        designs_head_free(&head);
    }
    return h;
}

static void heads_free(struct heads *h)
{
    free(h->q);
    free(h->kv);
    free(h->o);
    free(h->expected);
}

/* mlir/attention_4col.mlir with a sequence that gives each of `columns` columns an equal share of
 * the heads; NULL: the file is missing. */
static char *columns_design(const struct heads *h, unsigned columns)
{
    char *text = NULL, *sequence;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    FILE *from = fopen(TESTS_SOURCE "/mlir/attention_4col.mlir", "r");
    char line[1024];
    if (!to || !from) {
        if (from)
            fclose(from);
        if (to)
            fclose(to);
        free(text);
        return NULL;
    }
    while (fgets(line, sizeof(line), from) && !(sequence = strstr(line, "aie.runtime_sequence")))
        fputs(line, to);
    fclose(from);
    const struct {
        const char *name, *token;
        size_t bytes;
    } buffers[] = {
        {"o", ", issue_token = true", h->o_bytes}, {"q", "", h->q_bytes}, {"kv", "", h->kv_bytes}};
    fprintf(to,
            "aie.runtime_sequence @sequence(%%q: memref<%zuxi8>, %%kv: memref<%zuxi8>, "
            "%%o: memref<%zuxi8>) {\n",
            HEADS * h->q_bytes, HEADS * h->kv_bytes, HEADS * h->o_bytes);
    for (unsigned c = 0; c < columns; c++)
        for (unsigned b = 0; b < 3; b++) {
            size_t part = HEADS / columns * buffers[b].bytes;
            fprintf(to,
                    "aiex.npu.dma_memcpy_nd (%%%s[0, 0, 0, %zu][1, 1, 1, %zu][0, 0, 0, 1]) "
                    "{metadata = @%s_%u, id = %u : i64%s} : memref<%zuxi8>\n",
                    buffers[b].name, c * part, part, buffers[b].name, c, b, buffers[b].token,
                    HEADS * buffers[b].bytes);
        }
    for (unsigned c = 0; c < columns; c++)
        fprintf(to, "aiex.npu.dma_wait {symbol = @o_%u}\n", c);
    fputs("}\n}\n}\n", to);
    fclose(to);
    return text;
}

static int launch_columns(const char *text, const struct heads *h, struct npu_sim_result *result,
                          struct npu_error *err)
{
    struct npu_design *design = NULL;
    struct npu_sim *sim = NULL;
    struct npu_check_result found = {0};
    const struct npu_check_options check = {.kernel = npu_check_core_kernel};
    const struct npu_sim_buffer buffers[] = {
        {h->q, HEADS * h->q_bytes}, {h->kv, HEADS * h->kv_bytes}, {h->o, HEADS * h->o_bytes}};
    memset(h->o, 0xa5, HEADS * h->o_bytes);
    int ret = npu_design_parse(&design, text, strlen(text), "attention on columns", err);
    if (ret == 0)
        ret = npu_design_check(design, &check, NULL, NULL, &found, err);
    if (ret == 0 && found.n_errors)
        ret = npu_fail(err, -EBADMSG, "attention on columns: the checker refuses the design");
    if (ret == 0)
        ret = npu_sim_open(&sim, &(struct npu_sim_params){.design = design}, err);
    if (ret == 0)
        ret = npu_sim_launch(sim, &(struct npu_sim_launch){.buffers = buffers, .n_buffers = 3},
                             result, err);
    npu_sim_close(&sim);
    npu_design_close(&design);
    return ret;
}

static int run_columns(const struct bench_options *options, struct results *results,
                       struct npu_error *err)
{
    struct table *table = results_table(
        results, "columns", "Columns 1 to 4 of the simulated NPU",
        "The array of mlir/attention_4col.mlir, the same heads shared among 1, 2, 3 or 4 columns "
        "by sequences of their own; all columns work at the same time.",
        column_columns, sizeof(column_columns) / sizeof(column_columns[0]));
    int ret = 0;
    double first[NPU_SIM_PRESETS] = {NAN, NAN, NAN};
    if (options->describe)
        return 0;
    table_plot(table, (struct plot){"total_us", {"columns"}});
    struct heads h = heads_new();
    for (unsigned columns = 1; columns <= 4 && ret == 0; columns++) {
        struct npu_sim_result result;
        size_t wrong = 0;
        char *text = columns_design(&h, columns);
        ret = text ? launch_columns(text, &h, &result, err)
                   : npu_fail(err, -ENOENT, "mlir/attention_4col.mlir cannot be read");
        free(text);
        if (ret)
            break;
        for (size_t i = 0; i < HEADS * h.o_bytes; i++)
            wrong += h.o[i] != h.expected[i];
        double cycles[NPU_SIM_PRESETS], us[NPU_SIM_PRESETS];
        double *gain = results->headlines.columns_gain;
        for (unsigned p = 0; p < NPU_SIM_PRESETS; p++) {
            cycles[p] = (double)result.time[p].cycles;
            us[p] = result.time[p].total_us;
            first[p] = columns == 1 ? cycles[p] : first[p];
            gain[p] = first[p] / cycles[p];
        }
        table_number(table, columns);
        table_number(table, HEADS);
        bench_modelled(table, cycles);
        bench_modelled(table, us);
        bench_modelled(table, gain);
        table_number(table, (double)(result.ddr_read + result.ddr_written));
        table_number(table, (double)wrong);
        if (wrong)
            ret = npu_fail(err, -EIO, "%zu bytes are wrong with %u columns", wrong, columns);
    }
    heads_free(&h);
    return ret;
}

int phase_designs(const struct bench_options *options, struct results *results,
                  struct npu_error *err)
{
    if (!bench_wants(options, "sim"))
        return 0;
    bench_say(options, "kernels: the array designs");
    int ret = run_designs(options, results, err);
    return ret ? ret : run_columns(options, results, err);
}
