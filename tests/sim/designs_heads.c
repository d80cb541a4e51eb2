/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The designs of attention. */
#include "tests/sim/designs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD = 64, BLOCK_BYTES = 4 * OBJECT };

struct designs_head designs_head_random(int queries, int keys)
{
    int blocks = (keys + T - 1) / T;
    struct designs_head h = {.m = queries, .n = keys, .ld = HEAD, .owned = true};
    int16_t *q = designs_alloc((size_t)queries * HEAD * 2);
    int16_t *k = designs_alloc((size_t)blocks * T * HEAD * 2);
    int16_t *v = designs_alloc((size_t)blocks * T * HEAD * 2);
    /* Scores over some 40 octaves, in a few rows over all there are: maxima rise and fall from
     * block to block. Keys past the last are as large as any. */
    h.qk_shift = 19;
    for (int i = 0; i < queries * HEAD; i++)
        q[i] = (int16_t)kit_range(-32767, 32767);
    for (int i = 0; i < blocks * T * HEAD; i++) {
        int most = i / HEAD % 97 == 0 ? 32767 : 6000;
        k[i] = (int16_t)kit_range(-most, most);
        v[i] = (int16_t)kit_range(-32767, 32767);
    }
    h.q = q;
    h.k = k;
    h.v = v;
    h.out = designs_alloc((size_t)queries * HEAD * 2);
    return h;
}

void designs_head_free(struct designs_head *h)
{
    if (!h->owned)
        return;
    free((void *)h->q);
    free((void *)h->k);
    free((void *)h->v);
    free((void *)h->out);
}

static void fill_exp(int16_t *table)
{
    for (int i = 0; i < NPU_FIXED_EXP_ENTRIES; i++)
        table[i] = (int16_t)rint(32767 * exp2(-i / 64.0));
}

/* As the kernels take it. */
static struct npu_fixed_attention_args head_args(const struct designs_head *h, const int16_t *exp)
{
    return (struct npu_fixed_attention_args){.out = (int16_t *)h->out,
                                             .q = h->q,
                                             .k = h->k,
                                             .v = h->v,
                                             .exp = exp,
                                             .ldo = h->ld,
                                             .ldq = h->ld,
                                             .ldk = h->ld,
                                             .ldv = h->ld,
                                             .m = h->m,
                                             .n = h->n,
                                             .qk_shift = h->qk_shift};
}

void designs_head_compute(struct designs_head *h)
{
    int16_t table[NPU_FIXED_EXP_ENTRIES];
    fill_exp(table);
    const struct npu_fixed_attention_args args = head_args(h, table);
    npu_fixed_attention_s16_ref(&args);
}

/* rows x 64 from `first` as two A16; rows beyond `n` are zero. */
static uint8_t *pack_a16(uint8_t *to, const int16_t *from, ptrdiff_t ld, int first, int n)
{
    int16_t tile[T * HEAD] = {0};
    for (int i = 0; i < T && first + i < n; i++)
        memcpy(tile + i * HEAD, from + (first + i) * ld, HEAD * 2);
    for (int part = 0; part < 2; part++, to += OBJECT)
        npu_array_block(to, tile + 32 * part, HEAD, T, 32, 4, 4, 2);
    return to;
}

uint8_t *designs_pack_q(uint8_t *to, const struct designs_head *h)
{
    int16_t table[NPU_FIXED_EXP_ENTRIES];
    fill_exp(table);
    const struct npu_fixed_attention_args args = head_args(h, table);
    return npu_array_pack_q(to, &args);
}

uint8_t *designs_pack_kv(uint8_t *to, const struct designs_head *h)
{
    const struct npu_fixed_attention_args args = head_args(h, NULL);
    /* An owned head has whole blocks: masked keys hold values that must not matter. */
    return npu_array_pack_kv(to, &args, h->owned ? (h->n + T - 1) / T * T : h->n);
}

uint8_t *designs_pack_o(uint8_t *to, const struct designs_head *h)
{
    for (int row = 0; row < h->m; row += T)
        to = pack_a16(to, h->out, h->ld, row, h->m);
    return to;
}

/* `n` heads in the buffers of a design. */
void designs_heads_run(const char *name, const char *design, const char *sequence,
                       struct designs_head *heads, int n)
{
    size_t blocks = (size_t)(heads[0].n + T - 1) / T, tiles = (size_t)(heads[0].m + T - 1) / T;
    size_t q_bytes = (size_t)n * (1 + 2 * tiles) * OBJECT, o_bytes = (size_t)n * 2 * tiles * OBJECT;
    size_t kv_bytes = (size_t)n * blocks * BLOCK_BYTES;
    uint8_t *q = designs_alloc(q_bytes), *kv = designs_alloc(kv_bytes), *o = designs_alloc(o_bytes);
    uint8_t *expected = designs_alloc(o_bytes), *to[] = {q, kv, expected};
    for (int i = 0; i < n; i++) {
        to[0] = designs_pack_q(to[0], &heads[i]);
        to[1] = designs_pack_kv(to[1], &heads[i]);
        to[2] = designs_pack_o(to[2], &heads[i]);
    }
    const struct designs_buffer buffers[] = {{q, q_bytes}, {kv, kv_bytes}, {o, o_bytes}};
    designs_run(name, design, sequence, buffers, 3, 2, expected);
    free(q);
    free(kv);
    free(o);
    free(expected);
}

static void attention(const char *name, const char *design, const char *sequence, int n,
                      int queries, int keys)
{
    struct designs_head heads[16];
    for (int i = 0; i < n; i++) {
        heads[i] = designs_head_random(queries, keys);
        designs_head_compute(&heads[i]);
    }
    designs_heads_run(name, design, sequence, heads, n);
    for (int i = 0; i < n; i++)
        designs_head_free(&heads[i]);
}

void designs_heads(void)
{
    attention("attention_64", "attention_64", NULL, 16, T, T);
    attention("attention", "attention", "sequence", 1, 256, 1500);
    if (!designs_table) {
        attention("attention_few_keys", "attention", "block", 1, T, 5);
        attention("attention_one_key", "attention", "block", 1, T, 1);
    }
    attention("attention_4col", "attention_4col", NULL, 4, 128, 1500);
}
