/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fixed_attention on a core against kernels/ref: numbers of keys at every edge of blocks and parts,
 * scores that rise by whole octaves, extreme operands. */
#include "tests/aie2/attention_rig.h"
#include "tests/check.h"

/* How Q, K and V are filled. */
enum scene {
    SPREAD,  /* random, scores a few octaves apart */
    WILD,    /* random over the whole range, scores thousands of octaves apart */
    EQUAL,   /* all scores 0: l is the largest there is, or next to it */
    RISING,  /* every block of 64 keys `step` octaves above the one before, a jitter on top */
    HALVES,  /* every part of 32 keys above the one before */
    FALLING, /* every block below the one before */
    LATE,    /* only the last key scores high */
    MAX,     /* 32767 everywhere */
    SIGNS,   /* +-32767, queries of both signs: scores at both ends */
    EDGES,   /* random among -32767, -1, 0, 1, 32767 */
    SCENES
};

static const char *const names[SCENES] = {"spread",  "wild", "equal", "rising", "halves",
                                          "falling", "late", "max",   "signs",  "edges"};

static int16_t edge(void)
{
    const int16_t edges[] = {-32767, -1, 0, 1, 32767};
    return edges[kit_random() % 5];
}

/* With shift 6, q = 64 (or 1 for a quarter of the queries) and one level in all 64 channels of a
 * key the score is 64 (or 1) * level: `level` octaves. */
static int level_of(enum scene scene, int key, int n, int step)
{
    switch (scene) {
    case RISING:
        return key / 64 * step;
    case HALVES:
        return key / 32 * step < 32000 ? key / 32 * step : 32000;
    case FALLING:
        return -(key / 64) * step;
    default:
        return key == n - 1 ? 20 * step : 0;
    }
}

static void fill(struct attention_case *c, enum scene scene, int step)
{
    const int n = c->n;
    bool levels = scene == RISING || scene == HALVES || scene == FALLING || scene == LATE;
    for (int i = 0; i < 64 * 64; i++) {
        if (levels)
            c->q[i] = i / 64 % 4 == 3 ? 1 : 64;
        else if (scene == SPREAD)
            c->q[i] = (int16_t)kit_range(-256, 256);
        else if (scene == WILD)
            c->q[i] = (int16_t)kit_range(-32767, 32767);
        else if (scene == EDGES)
            c->q[i] = edge();
        else if (scene == SIGNS)
            c->q[i] = i / 64 & 1 ? -32767 : 32767;
        else
            c->q[i] = scene == MAX ? 32767 : 0;
    }
    for (int i = 0; i < 64 * n; i++) {
        int key = i / 64;
        c->v[i] = (int16_t)kit_range(-32767, 32767);
        if (levels)
            c->k[i] = (int16_t)(level_of(scene, key, n, step) + (i % 64 == key % 64));
        else if (scene == SPREAD)
            c->k[i] = (int16_t)kit_range(-256, 256);
        else if (scene == EDGES)
            c->k[i] = edge(), c->v[i] = edge();
        else if (scene == SIGNS)
            c->k[i] = key % 3 ? 32767 : -32767, c->v[i] = key % 3 ? 32767 : -32767;
        else if (scene == MAX)
            c->k[i] = c->v[i] = 32767;
        else
            c->k[i] = (int16_t)kit_range(-32767, 32767);
    }
}

/* NULL, or what differs from ref (static). */
static const char *attention_differs(const struct attention_case *c)
{
    static char why[160];
    static int16_t expected[64 * 64], out[64 * 64], table[NPU_FIXED_EXP_ENTRIES];
    attention_exp(table);
    npu_fixed_attention_s16_ref(&(struct npu_fixed_attention_args){.out = expected,
                                                                   .q = c->q,
                                                                   .k = c->k,
                                                                   .v = c->v,
                                                                   .exp = table,
                                                                   .ldo = 64,
                                                                   .ldq = 64,
                                                                   .ldk = 64,
                                                                   .ldv = 64,
                                                                   .m = 64,
                                                                   .n = c->n,
                                                                   .qk_shift = c->qk_shift});
    if (!attention_run(c, out))
        return "wrote outside a buffer";
    for (int i = 0; i < 64 * 64; i++) {
        if (out[i] == expected[i])
            continue;
        snprintf(why, sizeof(why), "%d keys: [%d][%d] is %d, expected %d", c->n, i / 64, i % 64,
                 out[i], expected[i]);
        return why;
    }
    return NULL;
}

static void check_scene(enum scene scene, const int *steps, const int *shifts)
{
    static const int keys[] = {1, 3, 31, 32, 33, 63, 64, 65, 95, 96, 97, 128, 1500, 1536};
    const char *why = NULL;
    char name[64], at[64] = "";
    int runs = 0;
    struct attention_case *c = attention_case_new();
    for (const int *step = steps; *step && !why; step++) {
        bool whole = step == steps || !step[1]; /* windows take long: first and last step only */
        for (const int *shift = shifts; *shift && !why; shift++) {
            for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && !why; i++) {
                if (keys[i] > 128 && !whole)
                    continue;
                c->n = keys[i];
                c->qk_shift = *shift;
                fill(c, scene, *step);
                why = attention_differs(c);
                runs++;
                if (why)
                    snprintf(at, sizeof(at), "step %d, shift %d", *step, *shift);
            }
        }
    }
    attention_case_free(c);
    snprintf(name, sizeof(name), "attention_%s_equals_ref", names[scene]);
    if (why)
        check_case(false, name, "%s: %s", at, why);
    else
        check_case(true, name, "%d runs", runs);
}

/* Keys past the job's count, in the last block, must not matter. */
static void check_masked(void)
{
    struct attention_case *c = attention_case_new();
    const char *why = NULL;
    int n;
    for (n = 1; n <= 128 && !why; n++) {
        c->n = n;
        c->qk_shift = 6;
        c->beyond = 32767;
        fill(c, SIGNS, 1);
        why = attention_differs(c);
    }
    check_case(!why, "attention_keys_beyond_the_count_do_not_matter", "%s", why ? why : "1 .. 128");
    attention_case_free(c);
}

/* The order in which aie2.h says that a transfer makes both K16 of a tile from its two A16. */
static void check_order(void)
{
    int16_t k[64 * 64], pair[2][64 * 32], stream[64 * 64], parts[2][32 * 64];
    size_t at = 0;
    for (int i = 0; i < 64 * 64; i++)
        k[i] = kit_s16(KIT_RANDOM, (size_t)i);
    for (int part = 0; part < 2; part++) {
        npu_array_block(pair[part], k + 32 * part, 64, 64, 32, 4, 4, 2);
        npu_array_block(parts[part], k + 32 * 64 * part, 64, 32, 64, 4, 4, 2);
    }
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < 2; j++)
            for (int l = 0; l < 128; l++)
                stream[at++] = ((int16_t *)pair)[i * 128 + j * 2048 + l];
    check_case(!memcmp(stream, parts, sizeof(stream)), "attention_k16_comes_from_two_a16", "%s",
               "64 x 64 keys");
}

int main(void)
{
    static const int one[] = {1, 0}, few[] = {1, 2, 3, 7, 15, 16, 31, 40, 41, 64, 1000, 0};
    static const int fine[] = {6, 0}, all[] = {6, 7, 13, 16, 25, 40, 0}, usual[] = {10, 13, 0};
    kit_start();
    check_scene(SPREAD, one, usual);
    check_scene(WILD, one, all);
    check_scene(EQUAL, one, fine);
    check_scene(RISING, few, fine);
    check_scene(HALVES, few, fine);
    check_scene(FALLING, few, fine);
    check_scene(LATE, few, fine);
    check_scene(MAX, one, all);
    check_scene(SIGNS, one, all);
    check_scene(EDGES, one, all);
    check_masked();
    check_order();
    return check_finish();
}
