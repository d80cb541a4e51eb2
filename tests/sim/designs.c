/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/sim/designs.h"

#include "npu/sim/check/check.h"
#include "npu/sim/engine/sim.h"
#include "npu/sim/map/map.h"
#include "npu/sim/map/sequence_txn.h"
#include "tests/check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool designs_table;

void *designs_alloc(size_t bytes)
{
    void *p = calloc(1, bytes ? bytes : 1);
    if (!p)
        abort();
    return p;
}

/* ---- Running --------------------------------------------------------------------------------- */

struct run {
    const char *name, *design_name, *sequence;
    struct npu_sim_buffer buffers[8];
    void *before[8]; /* of the inputs */
    uint32_t n_buffers, out;
    const void *expected;
    struct npu_design *design;
    struct npu_map *map;
    uint32_t index; /* of the sequence */
};

static bool open_design(struct run *r, struct npu_error *err)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/mlir/%s.mlir", TESTS_SOURCE, r->design_name);
    if (npu_design_open(&r->design, path, err))
        return false;
    const struct npu_ir_array *array = &r->design->array[0];
    if (npu_map_open(&r->map, array, err))
        return false;
    const struct npu_sequence *sequence = npu_ir_find_sequence(array, r->sequence);
    if (!sequence) {
        snprintf(err->text, sizeof(err->text), "no sequence %s",
                 r->sequence ? r->sequence : "alone");
        return false;
    }
    r->index = (uint32_t)(sequence - array->sequence);
    return true;
}

static void keep_finding(void *user, const struct npu_finding *finding)
{
    char *text = user;
    /* Expected: three designs have a buffer larger than a bank; the compiler warns too. */
    if (strcmp(finding->rule, "memory-banks") == 0)
        return;
    if (finding->severity != NPU_SEVERITY_NOTE && text[0] == 0)
        snprintf(text, 256, "%u:%u: %s: %s", finding->pos.line, finding->pos.column, finding->rule,
                 finding->text);
}

/* No error and no warning of the checker. */
static void check_clean(const struct run *r)
{
    const struct npu_check_options options = {.kernel = npu_check_core_kernel};
    struct npu_check_result result = {0};
    char name[128], text[256] = "";
    int code = npu_design_check(r->design, &options, keep_finding, text, &result, NULL);
    snprintf(name, sizeof(name), "design_%s_is_clean", r->name);
    if (!designs_table || text[0])
        check_case(code == 0 && !text[0], name, text[0] ? "%s" : "%s%u notes", text,
                   result.n_notes);
}

/* The bank of the buffer on `tile` whose name begins with `name`; -1: not found. */
static int bank_of(const struct run *r, const struct npu_map_tile *tile, const char *name)
{
    for (uint32_t i = 0; i < tile->n_pieces; i++) {
        const struct npu_map_piece *piece = &tile->piece[i];
        if (piece->what == NPU_PIECE_BUFFER &&
            strncmp(r->map->array->buffer[piece->index].name, name, strlen(name)) == 0)
            return (int)(piece->address / npu_tile_limits(NPU_TILE_CORE)->bank_bytes);
    }
    return -1;
}

/* Two look-ups a cycle need the two arrays in different banks. */
static void check_banks(const struct run *r)
{
    char name[128];
    uint32_t pairs = 0, apart = 0;
    for (uint32_t i = 0; i < r->map->array->n_tiles; i++) {
        int ab = bank_of(r, &r->map->tile[i], "lut_ab"),
            cd = bank_of(r, &r->map->tile[i], "lut_cd");
        pairs += ab >= 0 && cd >= 0;
        apart += ab >= 0 && cd >= 0 && ab != cd;
    }
    snprintf(name, sizeof(name), "design_%s_has_its_tables_apart", r->name);
    if (pairs && (!designs_table || apart != pairs))
        check_case(apart == pairs, name, "%u of %u cores", apart, pairs);
}

/* A wrong element of output or inputs, as text; empty if all are right. */
static const char *compare(const struct run *r)
{
    static char text[160];
    const uint8_t *got = r->buffers[r->out].data, *expected = r->expected;
    size_t n = r->buffers[r->out].bytes, wrong = 0, first = 0;
    for (size_t i = n; i-- > 0;)
        if (got[i] != expected[i]) {
            wrong++;
            first = i;
        }
    text[0] = 0;
    if (wrong)
        snprintf(text, sizeof(text), "%zu of %zu bytes differ, the first at %zu: %u, expected %u",
                 wrong, n, first, got[first], expected[first]);
    for (uint32_t i = 0; i < r->n_buffers; i++)
        if (i != r->out && memcmp(r->buffers[i].data, r->before[i], r->buffers[i].bytes) != 0)
            snprintf(text, sizeof(text), "buffer %" PRIu32 ", an input, was written", i);
    return text;
}

static bool launch(struct run *r, struct npu_sim *sim, const struct npu_txn *txn, const char *what,
                   struct npu_sim_result *result)
{
    struct npu_error err = {""};
    struct npu_sim_launch l = {
        .sequence = r->sequence, .buffers = r->buffers, .n_buffers = r->n_buffers};
    char name[128];
    if (txn)
        l.words = npu_txn_words(txn, &l.n_words);
    memset(r->buffers[r->out].data, 0xA5, r->buffers[r->out].bytes);
    int code = npu_sim_launch(sim, &l, result, &err);
    const char *wrong = code ? err.text : compare(r);
    snprintf(name, sizeof(name), "design_%s_%s", r->name, what);
    if (code)
        fputs(npu_sim_report(sim), stderr);
    if (designs_table && !wrong[0])
        return true;
    return check_case(!wrong[0], name, wrong[0] ? "%s" : "%s%" PRIu64 " modelled cycles", wrong,
                      result->time[NPU_SIM_PUBLISHED].cycles);
}

static void print_row(const struct designs_row *row)
{
    const struct npu_sim_result *result = row->result;
    printf("| %s%s%s | %" PRIu32 " | %" PRIu64 " | %" PRIu64 " | %" PRIu64 " |", row->design,
           row->sequence ? " @" : "", row->sequence ? row->sequence : "", row->cores, row->l1,
           row->room, row->l2);
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++)
        printf(" %" PRIu64 "%s", result->time[p].cycles, p + 1 < NPU_SIM_PRESETS ? " /" : " |");
    printf(" %.1f |", (double)(result->ddr_read + result->ddr_written) / 1e6);
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++)
        printf(" %.1f%s", result->time[p].total_us, p + 1 < NPU_SIM_PRESETS ? " /" : " |\n");
}
void (*designs_row)(const struct designs_row *row) = print_row;

static void give_row(const struct run *r, const struct npu_sim_result *result)
{
    struct designs_row row = {.design = r->design_name,
                              .sequence = r->sequence,
                              .cores = r->map->array->n_cores,
                              .room = UINT64_MAX,
                              .result = result};
    for (uint32_t i = 0; i < r->map->array->n_tiles; i++) {
        const struct npu_map_tile *tile = &r->map->tile[i];
        if (tile->kind == NPU_TILE_MEM && tile->used > row.l2)
            row.l2 = tile->used;
        if (tile->core == NPU_IR_NONE)
            continue;
        row.l1 = tile->used > row.l1 ? tile->used : row.l1;
        row.room = tile->room < row.room ? tile->room : row.room;
    }
    designs_row(&row);
}

int designs_finish(void)
{
    return designs_table && !check_failed ? 0 : check_finish();
}

void designs_table_head(void)
{
    puts("| design | cores | L1, bytes | left | mem tile, bytes "
         "| modelled cycles: pessimistic / published / best | DDR, MB "
         "| modelled us, launch included, at 1 GHz: the same |\n"
         "|---|---|---|---|---|---|---|---|");
}

static void run_all(struct run *r)
{
    struct npu_error err = {""};
    struct npu_sim *sim = NULL, *fresh = NULL;
    struct npu_txn *txn = NULL;
    struct npu_sim_result first = {0}, result = {0};
    char name[128];
    snprintf(name, sizeof(name), "design_%s_opens", r->name);
    if (!open_design(r, &err)) {
        check_case(false, name, "%s", err.text);
        return;
    }
    check_clean(r);
    check_banks(r);
    const struct npu_sim_params params = {.design = r->design};
    if (npu_sim_open(&sim, &params, &err) || npu_sim_open(&fresh, &params, &err) ||
        npu_sequence_words(&txn, r->design, &r->design->array[0], r->map, r->index, &err)) {
        check_case(false, name, "%s", err.text);
    } else if (launch(r, sim, NULL, "equals_ref", &first) &&
               launch(r, sim, NULL, "equals_ref_again", &result) &&
               launch(r, fresh, txn, "equals_ref_from_words", &result) && designs_table) {
        give_row(r, &first);
    }
    npu_txn_close(&txn);
    npu_sim_close(&sim);
    npu_sim_close(&fresh);
}

void designs_run(const char *name, const char *design, const char *sequence,
                 const struct designs_buffer *buffers, uint32_t n_buffers, uint32_t out,
                 const void *expected)
{
    struct run r = {.name = name,
                    .design_name = design,
                    .sequence = sequence,
                    .n_buffers = n_buffers,
                    .out = out,
                    .expected = expected};
    for (uint32_t i = 0; i < n_buffers; i++) {
        r.buffers[i] = (struct npu_sim_buffer){buffers[i].data, buffers[i].bytes};
        r.before[i] = designs_alloc(buffers[i].bytes);
        memcpy(r.before[i], buffers[i].data, buffers[i].bytes);
    }
    run_all(&r);
    for (uint32_t i = 0; i < n_buffers; i++)
        free(r.before[i]);
    npu_map_close(&r.map);
    npu_design_close(&r.design);
}

/* ---- Products -------------------------------------------------------------------------------- */

static size_t element_bytes(const struct designs_product *p, bool weight)
{
    return p->kind == NPU_ARRAY_S8S8 || (p->kind == NPU_ARRAY_S16S8 && weight) ? 1 : 2;
}

static bool is_s16(const struct designs_product *p)
{
    return p->result == NPU_FIXED_S16 || p->result == NPU_FIXED_GELU;
}

static void fill_random(void *to, size_t n, size_t bytes)
{
    for (size_t i = 0; i < n; i++)
        if (bytes == 1)
            ((int8_t *)to)[i] = kit_s8(KIT_RANDOM, i);
        else
            ((int16_t *)to)[i] = (int16_t)kit_range(-32767, 32767);
}

struct designs_product designs_product_random(enum npu_array_types kind, int m, int n, int k,
                                              enum npu_fixed_result result)
{
    struct designs_product p = {.kind = kind, .m = m, .n = n, .k = k, .result = result};
    size_t mk = (size_t)m * (size_t)k, nk = (size_t)n * (size_t)k, mn = (size_t)m * (size_t)n;
    p.a = designs_alloc(mk * element_bytes(&p, false));
    p.w = designs_alloc(nk * element_bytes(&p, true));
    p.bias = designs_alloc((size_t)n * sizeof(*p.bias));
    p.mult = designs_alloc((size_t)n * sizeof(*p.mult));
    p.shift = designs_alloc((size_t)n / T);
    p.table = designs_alloc(NPU_FIXED_GELU_ENTRIES * sizeof(*p.table));
    p.pos = designs_alloc(mn * sizeof(*p.pos));
    p.x = designs_alloc(mn * sizeof(*p.x));
    p.c = designs_alloc(mn * sizeof(int32_t));
    fill_random(p.a, mk, element_bytes(&p, false));
    fill_random(p.w, nk, element_bytes(&p, true));
    fill_random(p.pos, mn, 2);
    p.acc_shift = kind == NPU_ARRAY_S16S16 ? 8 : 0;
    for (int i = 0; i < n; i++) {
        p.bias[i] = kit_range(-1000000, 1000000);
        p.mult[i] = (int16_t)kit_range(16384, 32767);
    }
    /* Sums of k random products are some 2^28 (s16 x s8, k = 512): results then fill 16 bits, and
     * 28 of the residual's 32. */
    for (int i = 0; i < n / T; i++)
        p.shift[i] = (uint8_t)(kind == NPU_ARRAY_S8S8 ? 14 : is_s16(&p) ? 28 : 20);
    p.gelu_shift = result == NPU_FIXED_STEM ? 2 : 3;
    for (int i = 0; i < NPU_FIXED_GELU_ENTRIES; i++)
        p.table[i] = (int16_t)kit_range(0, 32767);
    for (size_t i = 0; i < mn; i++)
        p.x[i] = kit_range(-(1 << 29), 1 << 29);
    return p;
}

struct npu_fixed_gemm_args designs_product_args(const struct designs_product *p)
{
    return (struct npu_fixed_gemm_args){.c = p->c,
                                        .a = p->a,
                                        .w = p->w,
                                        .bias = p->bias,
                                        .mult = p->mult,
                                        .shift = p->shift,
                                        .table = p->table,
                                        .pos = p->pos,
                                        .lda = p->k,
                                        .ldw = p->k,
                                        .ldc = p->n,
                                        .ldp = p->n,
                                        .m = p->m,
                                        .n = p->n,
                                        .k = p->k,
                                        .acc_shift = p->acc_shift,
                                        .gelu_shift = p->gelu_shift,
                                        .result = p->result};
}

void designs_product_compute(struct designs_product *p)
{
    static npu_fixed_gemm_fn *const fns[] = {npu_fixed_gemm_s16s8_ref, npu_fixed_gemm_s16s16_ref,
                                             npu_fixed_gemm_s8s8_ref};
    const struct npu_fixed_gemm_args args = designs_product_args(p);
    if (p->result == NPU_FIXED_RESIDUAL)
        memcpy(p->c, p->x, (size_t)p->m * (size_t)p->n * sizeof(*p->x));
    fns[p->kind](&args);
}

void designs_product_free(struct designs_product *p)
{
    void *const all[] = {p->a, p->w, p->bias, p->mult, p->shift, p->table, p->pos, p->x, p->c};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        free(all[i]);
}

uint8_t *designs_pack_a(uint8_t *to, const struct designs_product *p, int row)
{
    const struct npu_fixed_gemm_args args = designs_product_args(p);
    return npu_array_pack_a(to, &args, p->kind, row);
}

uint8_t *designs_pack_b(uint8_t *to, const struct designs_product *p, int column, int columns)
{
    const struct npu_fixed_gemm_args args = designs_product_args(p);
    return npu_array_pack_b(to, &args, p->kind, column, columns);
}

uint8_t *designs_pack_operands(uint8_t *to, const struct designs_product *p, int row, int column)
{
    struct npu_fixed_gemm_args args = designs_product_args(p);
    args.c = p->x;
    return npu_array_pack_operands(to, &args, row, column);
}

uint8_t *designs_pack_c(uint8_t *to, const struct designs_product *p, int row, int column)
{
    size_t at = (size_t)row * T * (size_t)p->n + (size_t)column * T;
    if (is_s16(p)) {
        for (int part = 0; part < 2; part++, to += OBJECT)
            npu_array_block(to, (const int16_t *)p->c + at + 32 * part, p->n, T, 32, 4, 4, 2);
        return to;
    }
    for (int i = 0; i < T; i++)
        memcpy(to + (size_t)i * T * 4, (const int32_t *)p->c + at + (size_t)i * (size_t)p->n,
               T * 4);
    return to + 4 * OBJECT;
}
