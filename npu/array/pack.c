/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npu/array/pack.h"

#include <string.h>

enum { T = NPU_ARRAY_TILE, OBJECT = NPU_ARRAY_OBJECT };

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Index of the first element of row `row`, columns column .. of its block. */
static size_t block_at(int row, int column, int n_columns, int r, int c)
{
    size_t block = (size_t)(row / r) * (size_t)(n_columns / c) + (size_t)(column / c);
    return block * (size_t)(r * c) + (size_t)(row % r * c);
}

void npu_array_block(void *blocks, const void *rows, ptrdiff_t ld, int n_rows, int n_columns, int r,
                     int c, size_t bytes)
{
    for (int i = 0; i < n_rows; i++)
        for (int j = 0; j < n_columns; j += c)
            memcpy((char *)blocks + block_at(i, j, n_columns, r, c) * bytes,
                   (const char *)rows + (i * ld + j) * (ptrdiff_t)bytes, (size_t)c * bytes);
}

void npu_array_unblock(void *rows, ptrdiff_t ld, const void *blocks, int n_rows, int n_columns,
                       int r, int c, size_t bytes)
{
    for (int i = 0; i < n_rows; i++)
        for (int j = 0; j < n_columns; j += c)
            memcpy((char *)rows + (i * ld + j) * (ptrdiff_t)bytes,
                   (const char *)blocks + block_at(i, j, n_columns, r, c) * bytes,
                   (size_t)c * bytes);
}

/* ---- fixed_gemm ---------------------------------------------------------------------------------
 * */

static size_t element_bytes(enum npu_array_types types, bool weight)
{
    return types == NPU_ARRAY_S8S8 || (types == NPU_ARRAY_S16S8 && weight) ? 1 : 2;
}

/* k of an object of A, of B. */
static int a_depth(enum npu_array_types types)
{
    return types == NPU_ARRAY_S8S8 ? 64 : 32;
}

static int b_depth(enum npu_array_types types)
{
    return types == NPU_ARRAY_S16S16 ? 32 : 64;
}

/* An object of B always meets whole objects of A: k counts up to whole ones of B. */
int npu_array_a_objects(enum npu_array_types types, int k)
{
    return npu_array_b_objects(types, k) * b_depth(types) / a_depth(types);
}

int npu_array_b_objects(enum npu_array_types types, int k)
{
    return (k + b_depth(types) - 1) / b_depth(types);
}

int npu_array_c_objects(enum npu_fixed_result result)
{
    return result == NPU_FIXED_S16 || result == NPU_FIXED_GELU ? 2 : 4;
}

bool npu_array_has_operands(enum npu_fixed_result result)
{
    return result == NPU_FIXED_RESIDUAL || result == NPU_FIXED_STEM;
}

uint8_t *npu_array_pack_a(uint8_t *to, const struct npu_fixed_gemm_args *g,
                          enum npu_array_types types, int row)
{
    const int depth = a_depth(types), rows = least(g->m - row * T, T);
    const size_t bytes = element_bytes(types, false);

    for (int i = 0; i < npu_array_a_objects(types, g->k); i++, to += OBJECT) {
        uint8_t tile[OBJECT] = {0};
        int k = least(g->k - i * depth, depth);
        for (int r = 0; r < rows && k > 0; r++)
            memcpy(tile + (size_t)(r * depth) * bytes,
                   (const uint8_t *)g->a + ((row * T + r) * g->lda + i * depth) * (ptrdiff_t)bytes,
                   (size_t)k * bytes);
        npu_array_block(to, tile, depth, T, depth, 4, types == NPU_ARRAY_S8S8 ? 8 : 4, bytes);
    }
    return to;
}

static void pack_job(uint8_t *to, const struct npu_fixed_gemm_args *g, enum npu_array_types types,
                     int column, int columns)
{
    struct npu_core_job job = {.count = {0}};
    bool operands = npu_array_has_operands(g->result);

    job.count[0] = npu_array_b_objects(types, g->k);
    job.count[1] = operands ? 0 : npu_array_c_objects(g->result);
    job.count[2] = operands ? 4 * columns : 0;
    job.result = (int32_t)g->result;
    job.acc_shift = g->acc_shift;
    job.gelu_shift = g->gelu_shift;
    job.lut = g->result == NPU_FIXED_GELU || g->result == NPU_FIXED_STEM;
    if (column * T < g->n)
        job.shift = g->shift[column];
    for (int i = 0; i < T && column * T + i < g->n; i++) {
        if (types == NPU_ARRAY_S16S16)
            job.u.bias64[i] = g->bias[column * T + i];
        else
            job.u.bias32[i] = (int32_t)g->bias[column * T + i];
        job.mult[i] = g->mult[column * T + i];
    }
    if (job.lut)
        memcpy(job.table, g->table, NPU_FIXED_GELU_ENTRIES * sizeof(*g->table));
    memcpy(to, &job, sizeof(job));
}

uint8_t *npu_array_pack_b(uint8_t *to, const struct npu_fixed_gemm_args *g,
                          enum npu_array_types types, int column, int columns)
{
    const int depth = b_depth(types), channels = least(g->n - column * T, T);
    const size_t bytes = element_bytes(types, true);

    pack_job(to, g, types, column, columns);
    to += OBJECT;
    for (int i = 0; i < npu_array_b_objects(types, g->k); i++, to += OBJECT) {
        uint8_t turned[OBJECT] = {0}; /* [depth][T] */
        for (int k = 0; k < depth && i * depth + k < g->k; k++)
            for (int j = 0; j < channels; j++)
                memcpy(turned + (size_t)(k * T + j) * bytes,
                       (const uint8_t *)g->w +
                           ((column * T + j) * g->ldw + i * depth + k) * (ptrdiff_t)bytes,
                       bytes);
        npu_array_block(to, turned, T, depth, T, types == NPU_ARRAY_S8S8 ? 8 : 4,
                        types == NPU_ARRAY_S16S16 ? 4 : 8, bytes);
    }
    return to;
}

uint8_t *npu_array_pack_operands(uint8_t *to, const struct npu_fixed_gemm_args *g, int row,
                                 int column)
{
    const bool stem = g->result == NPU_FIXED_STEM;
    const int rows = least(g->m - row * T, T), channels = least(g->n - column * T, T);

    memset(to, 0, (size_t)4 * OBJECT);
    for (int i = 0; i < rows && channels > 0; i++) {
        uint8_t *object = to + (size_t)(i / 16) * OBJECT;
        ptrdiff_t at = (row * T + i) * (stem ? g->ldp : g->ldc) + column * T;
        if (stem)
            memcpy(object + (size_t)(i % 16) * T * 2, g->pos + at, (size_t)channels * 2);
        else
            memcpy(object + (size_t)(i % 16) * T * 4, (const int32_t *)g->c + at,
                   (size_t)channels * 4);
    }
    return to + (size_t)4 * OBJECT;
}

const uint8_t *npu_array_unpack_c(const struct npu_fixed_gemm_args *g, const uint8_t *from, int row,
                                  int column, int part)
{
    const bool s16 = npu_array_c_objects(g->result) == 2;
    const int height = s16 ? T : 16, width = s16 ? 32 : T;
    const int first = row * T + (s16 ? 0 : 16 * part), left = column * T + (s16 ? 32 * part : 0);
    const int rows = least(g->m - first, height), channels = least(g->n - left, width);
    const size_t bytes = s16 ? 2 : 4;
    uint8_t tile[OBJECT];

    if (s16)
        npu_array_unblock(tile, width, from, T, width, 4, 4, bytes);
    for (int i = 0; i < rows && channels > 0; i++)
        memcpy((uint8_t *)g->c + ((first + i) * g->ldc + left) * (ptrdiff_t)bytes,
               (s16 ? tile : from) + (size_t)(i * width) * bytes, (size_t)channels * bytes);
    return from + OBJECT;
}

/* ---- Jobs ------------------------------------------------------------------------------------ */

void npu_array_norm_job(struct npu_core_job *job, const struct npu_fixed_norm_args *n, int count)
{
    *job = (struct npu_core_job){.count = {count}, .d = n->d, .shift = n->shift};
    job->final = n->mult == NULL;
    job->u.norm.inv_d = n->inv_d;
    job->u.norm.eps = n->eps;
    job->u.norm.sqrt_d = n->sqrt_d;
    if (n->mult)
        memcpy(job->table, n->mult, (size_t)n->d * sizeof(*n->mult));
}

void npu_array_gelu_job(struct npu_core_job *job, const int16_t *table, int shift, int count)
{
    *job = (struct npu_core_job){.count = {count}, .gelu_shift = shift, .lut = 1};
    memcpy(job->table, table, NPU_FIXED_GELU_ENTRIES * sizeof(*table));
}

/* ---- fixed_attention ----------------------------------------------------------------------------
 * */

/* rows first .. of `from` as [64][64]; those from `n` on are zero. */
static void take_tile(int16_t *tile, const int16_t *from, ptrdiff_t ld, int first, int n)
{
    memset(tile, 0, (size_t)T * T * sizeof(*tile));
    for (int i = 0; i < T && first + i < n; i++)
        memcpy(tile + i * T, from + (first + i) * ld, T * sizeof(*tile));
}

/* A tile as two A16. */
static uint8_t *pack_a16(uint8_t *to, const int16_t *tile)
{
    for (int part = 0; part < 2; part++, to += OBJECT)
        npu_array_block(to, tile + 32 * part, T, T, 32, 4, 4, 2);
    return to;
}

uint8_t *npu_array_pack_q(uint8_t *to, const struct npu_fixed_attention_args *a)
{
    int16_t tile[T * T];
    struct npu_core_job job = {.count = {(a->n + T - 1) / T, (a->m + T - 1) / T},
                               .shift = a->qk_shift,
                               .lut = 1,
                               .keys = a->n};

    memcpy(job.table, a->exp, NPU_FIXED_EXP_ENTRIES * sizeof(*a->exp));
    memcpy(to, &job, sizeof(job));
    to += OBJECT;
    for (int row = 0; row < a->m; row += T) {
        take_tile(tile, a->q, a->ldq, row, a->m);
        to = pack_a16(to, tile);
    }
    return to;
}

uint8_t *npu_array_pack_kv(uint8_t *to, const struct npu_fixed_attention_args *a, int rows)
{
    int16_t tile[T * T];

    for (int key = 0; key < a->n; key += T) {
        take_tile(tile, a->k, a->ldk, key, rows);
        for (int part = 0; part < 2; part++, to += OBJECT)
            npu_array_block(to, tile + part * 32 * T, T, 32, T, 4, 4, 2);
        take_tile(tile, a->v, a->ldv, key, rows);
        to = pack_a16(to, tile);
    }
    return to;
}

const uint8_t *npu_array_unpack_o(const struct npu_fixed_attention_args *a, const uint8_t *from)
{
    for (int row = 0; row < a->m; row += T)
        for (int part = 0; part < 2; part++, from += OBJECT) {
            int16_t half[T * 32];
            npu_array_unblock(half, 32, from, T, 32, 4, 4, 2);
            for (int i = 0; i < least(a->m - row, T); i++)
                memcpy(a->out + (row + i) * a->ldo + 32 * part, half + i * 32, 32 * sizeof(*half));
        }
    return from;
}
