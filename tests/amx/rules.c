/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/amx/rules.h"

#include <stdio.h>
#include <string.h>

struct config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

/* Tiles 0: 3 x 2 sums, 1: 3 rows of 8 bytes, 2: 2 rows of 8 bytes, 3: 2 rows of 6 bytes,
 * 4: 2 x 16 bytes, 5: 3 x 16 bytes; 6, 7 not configured. */
static const struct config small = {
    .palette = 1, .row_bytes = {8, 8, 8, 6, 16, 16}, .rows = {3, 3, 2, 2, 2, 3}};

static void load_config(const struct config *config)
{
    __asm__ volatile("ldtilecfg %0" : : "m"(*config) : "memory");
}

static void release(void)
{
    __asm__ volatile("tilerelease" : : : "memory");
}

#define LOAD(TILE, FROM, STRIDE)                           \
    __asm__ volatile("tileloadd (%0,%1), %%tmm" #TILE      \
                     :                                     \
                     : "r"(FROM), "r"((ptrdiff_t)(STRIDE)) \
                     : "memory")
#define STORE(TILE, TO, STRIDE)                           \
    __asm__ volatile("tilestored %%tmm" #TILE ", (%0,%1)" \
                     :                                    \
                     : "r"(TO), "r"((ptrdiff_t)(STRIDE))  \
                     : "memory")

/* ---- Results ---------------------------------------------------------------------------------
 */

/* All four signs of products; bytes 128 and 255 tell them apart. */
static bool products(void *user, struct kit_why *why)
{
    static const uint8_t a[3][8] = {
        {1, 2, 3, 4, 5, 6, 7, 8}, {255, 0, 0, 0, 0, 0, 0, 128}, {0, 0, 0, 0, 0, 0, 0, 0}};
    static const uint8_t b[2][8] = {{1, 1, 1, 1, 255, 0, 0, 0}, {0, 0, 0, 1, 2, 0, 0, 128}};
    /* row 0: 1+2+3+4+8 = 18; 255 * 1 + 5*2 + 8*128, or with -1 and -128;
     * row 1: 255 * 1 + 128 * 1; 255 * 255 + 128 * 128, with the signs that each has */
    static const int32_t want[4][3][2] = {
        {{18, 1289}, {383, 81409}, {0, 0}},         /* u8 x u8 */
        {{18, -1015}, {383, -255 - 16384}, {0, 0}}, /* u8 x s8 */
        {{18, 1289}, {-129, -255 - 16384}, {0, 0}}, /* s8 x u8 */
        {{18, -1015}, {-129, 1 + 16384}, {0, 0}},   /* s8 x s8 */
    };
    int32_t c[4][3][2];
    (void)user;
    load_config(&small);
    LOAD(1, a, 8);
    LOAD(2, b, 8);
    __asm__ volatile("tilezero %tmm0\n\ttdpbuud %tmm2, %tmm1, %tmm0");
    STORE(0, c[0], 8);
    __asm__ volatile("tilezero %tmm0\n\ttdpbusd %tmm2, %tmm1, %tmm0");
    STORE(0, c[1], 8);
    __asm__ volatile("tilezero %tmm0\n\ttdpbsud %tmm2, %tmm1, %tmm0");
    STORE(0, c[2], 8);
    __asm__ volatile("tilezero %tmm0\n\ttdpbssd %tmm2, %tmm1, %tmm0");
    STORE(0, c[3], 8);
    release();
    for (int i = 0; i < 24; i++)
        if ((&c[0][0][0])[i] != (&want[0][0][0])[i])
            return kit_fail(why, "variant %d row %d column %d: %d", i / 6, i / 2 % 3, i % 2,
                            (&c[0][0][0])[i]);
    return true;
}

/* Sums wrap, they do not saturate, and start from what the tile held. */
static bool wraps(void *user, struct kit_why *why)
{
    static const int32_t start[3][2] = {{INT32_MAX, INT32_MIN}, {1, 2}, {-1, 0}};
    static const uint8_t a[3][8] = {{1}, {1}, {1}};
    static const int8_t b[2][8] = {{1, 0, 0, 0, -1}};
    int32_t c[3][2];
    (void)user;
    load_config(&small);
    LOAD(0, start, 8);
    LOAD(1, a, 8);
    LOAD(2, b, 8);
    __asm__ volatile("tdpbusd %tmm2, %tmm1, %tmm0");
    STORE(0, c, 8);
    release();
    if (c[0][0] != INT32_MIN || c[0][1] != INT32_MAX || c[1][0] != 2 || c[1][1] != 1 ||
        c[2][0] != 0 || c[2][1] != -1)
        return kit_fail(why, "%d %d, %d %d, %d %d", c[0][0], c[0][1], c[1][0], c[1][1], c[2][0],
                        c[2][1]);
    return true;
}

/* Rows and bytes past a tile's shape are neither read nor written; every form of address. */
static bool addresses(void *user, struct kit_why *why)
{
    _Alignas(64) uint8_t from[2048], to[8][64], expected[64];
    (void)user;
    for (int i = 0; i < 2048; i++)
        from[i] = (uint8_t)(i * 7);
    memset(to, 0x5a, sizeof to);
    memset(expected, 0x5a, sizeof expected);
    for (int i = 0; i < 3; i++)
        memcpy(expected + 20 * i, from + 1100 + 24 * i, 8);
    load_config(&small);
    uint8_t *t = to[0];
    const uint8_t *mid = from + 1100;
    ptrdiff_t in = 24, third = 3, twelve = 12, out = 20;
#define PAIR(TEXT, ...)                                        \
    __asm__ volatile("tileloadd " TEXT ", %%tmm0\n\t"          \
                     "tilestored %%tmm0, (%[t],%[out])"        \
                     :                                         \
                     : [t] "r"(t), [out] "r"(out), __VA_ARGS__ \
                     : "memory");                              \
    t += 64
    PAIR("(%[f],%[s])", [f] "r"(mid), [s] "r"(in));
    PAIR("(%[f],%[s],8)", [f] "r"(mid), [s] "r"(third));
    PAIR("(%[f],%[s],2)", [f] "r"(mid), [s] "r"(twelve));
    PAIR("-9(%[f],%[s])", [f] "r"(mid + 9), [s] "r"(in));
    PAIR("1000(%[f],%[s])", [f] "r"(mid - 1000), [s] "r"(in));
    register const uint8_t *r13 __asm__("r13") = mid, *r12 __asm__("r12") = mid;
    register ptrdiff_t r9 __asm__("r9") = in, r15 __asm__("r15") = third;
    PAIR("(%[f],%[s])", [f] "r"(r13), [s] "r"(r9));
    PAIR("(%[f],%[s],8)", [f] "r"(r12), [s] "r"(r15));
    __asm__ volatile("tileloaddt1 (%0,%1), %%tmm0" : : "r"(mid + 48), "r"(-in) : "memory");
    STORE(0, to[7] + 40, -20);
    release();
    for (int i = 0; i < 8; i++)
        if (memcmp(to[i], expected, 64) != 0)
            return kit_fail(why, "address form %d", i);
    return true;
}

/* A stride of 0, and no index register at all, repeat one row. */
static bool repeats(void *user, struct kit_why *why)
{
    static const int32_t row[2] = {5, -6};
    int32_t c[2][3][2];
    (void)user;
    load_config(&small);
    LOAD(0, row, 0);
    STORE(0, c[0], 8);
    __asm__ volatile("tilezero %tmm0");
    __asm__ volatile(".byte 0xc4, 0xe2, 0x7b, 0x4b, 0x04, 0x20"
                     :
                     : "a"(row)
                     : "memory"); /* (%rax) */
    STORE(0, c[1], 8);
    release();
    for (int i = 0; i < 12; i++)
        if ((&c[0][0][0])[i] != row[i % 2])
            return kit_fail(why, "value %d: %d", i, (&c[0][0][0])[i]);
    return true;
}

static bool remembers(void *user, struct kit_why *why)
{
    struct config seen;
    uint8_t held[3][8];
    (void)user;
    memset(held, 1, sizeof held);
    load_config(&small);
    LOAD(1, held, 8);
    load_config(&small); /* zeroes tiles */
    STORE(1, held, 8);
    __asm__ volatile("sttilecfg %0" : "=m"(seen));
    bool same = !memcmp(&seen, &small, sizeof seen);
    release();
    __asm__ volatile("sttilecfg %0" : "=m"(seen));
    if (!same || seen.palette != 0 || seen.rows[0] != 0)
        return kit_fail(why, "stored configuration differs");
    return held[2][7] == 0 || kit_fail(why, "a new configuration left tiles as they were");
}

/* ---- Refusals --------------------------------------------------------------------------------
 */

/* user: a configuration that the processor refuses. */
static bool bad_config(void *user, struct kit_why *why)
{
    (void)why;
    load_config(user);
    release();
    return true;
}

#define REFUSED(NAME, ...)                                                           \
    static bool NAME(void *user, struct kit_why *why)                                \
    {                                                                                \
        static uint8_t memory[1024];                                                 \
        (void)why;                                                                   \
        if (user)                                                                    \
            load_config(user);                                                       \
        __asm__ volatile(__VA_ARGS__ : : "a"(memory), "d"((ptrdiff_t)8) : "memory"); \
        release();                                                                   \
        return true;                                                                 \
    }
REFUSED(loads_0, "tileloadd (%%rax,%%rdx), %%tmm0")
REFUSED(loads_3, "tileloadd (%%rax,%%rdx), %%tmm3")
REFUSED(loads_6, "tileloadd (%%rax,%%rdx), %%tmm6")
REFUSED(stores_7, "tilestored %%tmm7, (%%rax,%%rdx)")
REFUSED(zeroes_7, "tilezero %%tmm7")
REFUSED(load_without_sib, ".byte 0xc4, 0xe2, 0x7b, 0x4b, 0x00")     /* tileloadd (%rax) */
REFUSED(load_with_vvvv, ".byte 0xc4, 0xe2, 0x73, 0x4b, 0x04, 0x10") /* VEX.vvvv = 1 */
REFUSED(load_of_tile_8, ".byte 0xc4, 0x62, 0x7b, 0x4b, 0x04, 0x10") /* VEX.R */
REFUSED(load_with_w, ".byte 0xc4, 0xe2, 0xfb, 0x4b, 0x04, 0x10")    /* VEX.W */
REFUSED(load_with_l, ".byte 0xc4, 0xe2, 0x7f, 0x4b, 0x04, 0x10")    /* VEX.L */
REFUSED(multiplies_same, ".byte 0xc4, 0xe2, 0x71, 0x5e, 0xc1")      /* tdpbusd 1, 1, 0 */
REFUSED(multiplies_into_a, ".byte 0xc4, 0xe2, 0x69, 0x5e, 0xc0")    /* tdpbusd 2, 0, 0 */
REFUSED(multiplies_odd_bytes, "tdpbusd %%tmm3, %%tmm1, %%tmm0")
REFUSED(multiplies_other_columns, "tdpbusd %%tmm4, %%tmm1, %%tmm0")
REFUSED(multiplies_other_depth, "tdpbusd %%tmm2, %%tmm5, %%tmm0")
REFUSED(multiplies_other_rows, "tdpbusd %%tmm2, %%tmm1, %%tmm4")
REFUSED(multiplies_unshaped, "tdpbusd %%tmm6, %%tmm1, %%tmm0")
REFUSED(is_other, "ud2")

static bool leaves_tiles(void *user, struct kit_why *why)
{
    (void)why;
    load_config(user);
    return true;
}

static void (*report_case)(bool ok, const char *name, const char *text);

static void refuses(const char *name, kit_check_fn *fn, const struct config *config,
                    const char *word)
{
    struct kit_why why;
    char full[80];
    struct config copy;
    if (config)
        copy = *config;
    snprintf(full, sizeof full, "emulator_refuses_%s", name);
    bool passed = amx_run(fn, config ? &copy : NULL, &why);
    bool ok = !passed && strstr(why.text, word);
    report_case(ok, full, passed ? "nothing noticed" : why.text);
}

static void test_configs(void)
{
    static const struct {
        const char *name;
        int byte, value;
        const char *word;
    } changes[] = {{"palette_2", 0, 2, "palette 2"},
                   {"start_row", 1, 1, "start row"},
                   {"reserved_byte_2", 2, 1, "byte 2 is"},
                   {"reserved_byte_15", 15, 1, "byte 15 is"},
                   {"bytes_of_tile_8", 32, 1, "byte 32 is"},
                   {"bytes_of_tile_15", 46, 64, "byte 46 is"},
                   {"rows_of_tile_8", 56, 1, "byte 56 is"},
                   {"rows_of_tile_15", 63, 1, "byte 63 is"},
                   {"65_bytes", 16, 65, "3 rows of 65"},
                   {"17_rows", 48, 17, "17 rows of 8"},
                   {"no_rows", 48, 0, "0 rows of 8"},
                   {"no_bytes", 16, 0, "3 rows of 0"},
                   {"rows_of_unshaped_tile", 55, 1, "1 rows of 0"}};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct config config = small;
        ((uint8_t *)&config)[changes[i].byte] = (uint8_t)changes[i].value;
        refuses(changes[i].name, bad_config, &config, changes[i].word);
    }
}

static void test_instructions(void)
{
    static const struct {
        const char *name;
        kit_check_fn *fn;
        bool configured;
        const char *word;
    } cases[] = {{"load_without_configuration", loads_0, false, "no tiles are configured"},
                 {"product_without_configuration", multiplies_unshaped, false, "no tiles"},
                 {"load_of_rows_of_6_bytes", loads_3, true, "rows of 6 bytes"},
                 {"load_of_unshaped_tile", loads_6, true, "tile 6 is not"},
                 {"store_of_unshaped_tile", stores_7, true, "tile 7 is not"},
                 {"zeroing_of_unshaped_tile", zeroes_7, true, "tile 7 is not"},
                 {"load_without_sib", load_without_sib, true, "no SIB"},
                 {"load_with_vvvv", load_with_vvvv, true, "vvvv"},
                 {"load_of_tile_8", load_of_tile_8, true, "no tile 8"},
                 {"load_with_vex_w", load_with_w, true, "VEX.W"},
                 {"load_with_vex_l", load_with_l, true, "VEX.L"},
                 {"product_of_tile_by_itself", multiplies_same, true, "must differ"},
                 {"product_into_operand", multiplies_into_a, true, "must differ"},
                 {"product_of_rows_of_6_bytes", multiplies_odd_bytes, true, "rows of 6 bytes"},
                 {"product_of_other_columns", multiplies_other_columns, true, "2 of 16 to"},
                 {"product_of_other_depth", multiplies_other_depth, true, "of 16 bytes by 2"},
                 {"product_of_other_rows", multiplies_other_rows, true, "to 2 of 16"},
                 {"product_of_unshaped_tile", multiplies_unshaped, true, "tile 6 is not"},
                 {"other_instruction", is_other, true, "not one of AMX"},
                 {"tiles_left_behind", leaves_tiles, true, "still configured"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuses(cases[i].name, cases[i].fn, cases[i].configured ? &small : NULL, cases[i].word);
}

void amx_test_rules(void (*report)(bool ok, const char *name, const char *text))
{
    static const struct {
        const char *name;
        kit_check_fn *fn;
    } results[] = {{"emulator_products_by_hand", products},
                   {"emulator_sums_wrap", wraps},
                   {"emulator_addresses", addresses},
                   {"emulator_stride_0_repeats", repeats},
                   {"emulator_keeps_configuration", remembers}};
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        struct kit_why why;
        bool ok = amx_run(results[i].fn, NULL, &why);
        report(ok, results[i].name, why.text);
    }
    report_case = report;
    test_configs();
    test_instructions();
}
