/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define OPERAND     uint8_t
#define CONSTANTS   struct npu_vbmi_constants
#define TILE_SCORES npu_tile_scores_vbmi
#define TILE_VALUES npu_tile_values_vbmi
#define UNITS       NPU_NUMERATOR_STEPS
#include "kernels/avx512vbmi/init.h"
#include "kernels/avx512vbmi/attention_turns.h"

_Static_assert(offsetof(struct npu_vbmi_constants, last) == 320, "tile_attention.h");
_Static_assert(offsetof(struct npu_vbmi_constants, ones) == 324, "tile_attention.h");

static void softmax(const struct npu_vbmi_turn *t)
{
    const struct npu_vbmi_constants *c = t->constants;
    struct npu_numerator_table table;
    for (int v = 0; v < 4; v++)
        table.quarter[v] = _mm512_load_si512(c->table + 64 * v);
    for (int i = 0; i < 2; i++) {
        const struct npu_vbmi_factors *f = t->f;
        __m512i p = npu_numerators_8_avx512(t->s + i * KEYS, _mm512_set1_epi32(f->max[i]),
                                            _mm512_set1_ps(f->unit[i]), &table);
        p = _mm512_maskz_mov_epi8(t->valid, p);
        _mm512_store_si512((uint8_t *)t->p + i * KEYS, p);
        __m512 l = _mm512_mul_ps(_mm512_load_ps(t->l + 16 * i), _mm512_set1_ps(f->alpha[i]));
        __m512 sum = _mm512_cvtepi32_ps(npu_sum_bytes_avx512(p));
        _mm512_store_ps(t->l + 16 * i, _mm512_fmadd_ps(sum, _mm512_set1_ps(f->beta[i]), l));
    }
}

void npu_attention_u8s8_avx512vbmi(const struct npu_attention_int_args *args, void *scratch)
{
    struct state *st = scratch;
    const struct npu_numerator_table table = npu_numerator_table();
    for (int v = 0; v < 4; v++)
        _mm512_store_si512(st->constants.table + 64 * v, table.quarter[v]);
    for (int i = 0; i < 16; i++)
        st->constants.order[i] = i / 4 + i % 4 * 4;
    st->constants.last = NPU_NUMERATOR_LAST;
    st->constants.ones = 0x01010101;
    all_rows(st, args);
}
