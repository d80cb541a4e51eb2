/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define OPERAND     int16_t
#define CONSTANTS   struct npu_vbmi_wide_constants
#define TILE_SCORES npu_tile_scores_wide_vbmi
#define TILE_VALUES npu_tile_values_wide_vbmi
#define UNITS       1.0f
#include "kernels/avx512vbmi/init.h"
#include "kernels/avx512vbmi/tile_attention_wide.h"
#include "kernels/avx512vnni/init.h"

#include "kernels/avx512vbmi/attention_turns.h"

_Static_assert(offsetof(struct npu_vbmi_wide_constants, log2_top) == 192, "tile_attention_wide.h");
_Static_assert(offsetof(struct npu_vbmi_wide_constants, ones) == 212, "tile_attention_wide.h");

static void softmax(const struct npu_vbmi_turn *t)
{
    for (int i = 0; i < 2; i++) {
        const struct npu_vbmi_factors *f = t->f;
        __m512i p[2];
        npu_numerators_13_avx512(p, t->s + i * KEYS, _mm512_set1_epi32(f->max[i]),
                                 _mm512_set1_ps(f->unit[i]));
        for (int v = 0; v < 2; v++) {
            p[v] = _mm512_maskz_mov_epi16((__mmask32)(t->valid >> (32 * v)), p[v]);
            _mm512_store_si512((int16_t *)t->p + i * KEYS + 32 * v, p[v]);
        }
        __m512 l = _mm512_mul_ps(_mm512_load_ps(t->l + 16 * i), _mm512_set1_ps(f->alpha[i]));
        __m512 sum = _mm512_cvtepi32_ps(npu_sum_words_avx512(p));
        _mm512_store_ps(t->l + 16 * i, _mm512_fmadd_ps(sum, _mm512_set1_ps(f->beta[i]), l));
    }
}

void npu_attention_s16s16_avx512vbmi(const struct npu_attention_int_args *args, void *scratch)
{
    struct state *st = scratch;
    struct npu_vbmi_wide_constants *c = &st->constants;
    if (args->numerators != NPU_NUMERATORS_13) {
        npu_attention_s16s16_avx512vnni(args, scratch);
        return;
    }
    for (int i = 0; i < 8; i++)
        c->order[i] = i / 4 + i % 4 * 2;
    for (int i = 0; i < 16; i++) {
        c->even[i] = 2 * i;
        c->odd[i] = 2 * i + 1;
    }
    c->log2_top = NPU_NUMERATOR_LOG2_13;
    c->c3 = NPU_EXP2_F32_C3;
    c->c2 = NPU_EXP2_F32_C2;
    c->c1 = NPU_EXP2_F32_C1;
    c->one = 1.0f;
    c->ones = 0x00010001;
    all_rows(st, args);
}
