/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/amx/emulator.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

enum { TILES = 8, ROWS = 16, ROW_BYTES = 64 }; /* of palette 1 */

static struct {
    bool configured;
    uint8_t config[64];
    int rows[TILES], row_bytes[TILES];
    uint8_t tile[TILES][ROWS][ROW_BYTES];
    struct amx_counts counts;
    enum amx_fault fault;
    sigjmp_buf leave;
    struct kit_why *why;
} amx;

struct amx_counts amx_counts(void)
{
    return amx.counts;
}

void amx_set_fault(enum amx_fault fault)
{
    amx.fault = fault;
}

/* ---- Decoding ---------------------------------------------------------------------------------
 */

struct instruction {
    const uint8_t *at;
    const char *name;
    int length, prefix, opcode; /* prefix: VEX.pp, 0 none, 1 66, 2 f3, 3 f2 */
    int mod, reg, rm, vvvv;     /* the last three with VEX's extra bits */
    bool has_sib;
    uint8_t *address;
    ptrdiff_t stride;
};

__attribute__((noreturn, format(printf, 2, 3))) static void broken(const struct instruction *in,
                                                                   const char *format, ...)
{
    char text[160];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (in->name)
        kit_fail(amx.why, "%s: %s", in->name, text);
    else
        kit_fail(amx.why, "%02x %02x %02x %02x %02x: %s", in->at[0], in->at[1], in->at[2],
                 in->at[3], in->at[4], text);
    siglongjmp(amx.leave, 1);
}

static int64_t general(const ucontext_t *context, int number)
{
    static const int registers[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                      REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                      REG_R12, REG_R13, REG_R14, REG_R15};
    return context->uc_mcontext.gregs[registers[number]];
}

static int32_t displacement(const uint8_t *p, int bytes)
{
    int32_t wide = 0;
    if (bytes == 1)
        return (int8_t)*p;
    if (bytes == 4)
        memcpy(&wide, p, 4);
    return wide;
}

/* The memory operand; p is after the ModRM byte. x, b: the third bit of index and base, above 7. */
static void decode_address(struct instruction *in, const ucontext_t *context, const uint8_t *p,
                           int x, int b)
{
    int low = in->at[4] & 7, bytes = in->mod == 1 ? 1 : in->mod == 2 ? 4 : 0;
    int64_t base = 0;
    bool relative = false;
    in->has_sib = low == 4;
    if (in->has_sib) {
        int sib = *p++, index = (sib >> 3 & 7) | x;
        in->stride = index == 4 ? 0 : general(context, index) * ((ptrdiff_t)1 << (sib >> 6));
        if ((sib & 7) == 5 && in->mod == 0)
            bytes = 4;
        else
            base = general(context, (sib & 7) | b);
    } else if (low == 5 && in->mod == 0) {
        bytes = 4;
        relative = true;
    } else {
        base = general(context, low | b);
    }
    base += displacement(p, bytes);
    p += bytes;
    in->length = (int)(p - in->at);
    if (relative)
        base += (int64_t)(intptr_t)p;
    in->address = (uint8_t *)(intptr_t)base; /* the index of a tile address is its stride */
}

static void decode(struct instruction *in, const ucontext_t *context)
{
    const uint8_t *p = in->at = (const uint8_t *)(intptr_t)context->uc_mcontext.gregs[REG_RIP];
    if (p[0] != 0xc4 || (p[1] & 0x1f) != 2 || (p[3] != 0x49 && p[3] != 0x4b && p[3] != 0x5e))
        broken(in, "an illegal instruction, not one of AMX");
    in->prefix = p[2] & 3;
    in->opcode = p[3];
    in->vvvv = ~p[2] >> 3 & 15;
    if (p[2] & 0x80 || p[2] & 4)
        broken(in, "VEX.W and VEX.L must be 0");
    int r = ~p[1] >> 4 & 8, x = ~p[1] >> 3 & 8, b = ~p[1] >> 2 & 8;
    in->mod = p[4] >> 6;
    in->reg = (p[4] >> 3 & 7) | r;
    in->rm = (p[4] & 7) | b;
    in->length = 5;
    if (in->mod != 3)
        decode_address(in, context, p + 5, x, b);
}

/* ---- Execution --------------------------------------------------------------------------------
 */

static void clear(void)
{
    amx.configured = false;
    memset(amx.config, 0, sizeof amx.config);
    memset(amx.rows, 0, sizeof amx.rows);
    memset(amx.row_bytes, 0, sizeof amx.row_bytes);
    memset(amx.tile, 0, sizeof amx.tile);
}

static void load_config(const struct instruction *in)
{
    uint8_t c[64];
    int rows[TILES], row_bytes[TILES];
    memcpy(c, in->address, sizeof c);
    if (c[0] > 1)
        broken(in, "palette %d", c[0]);
    if (c[0] == 0) {
        clear();
        return;
    }
    if (c[1] != 0)
        broken(in, "start row %d", c[1]);
    for (int i = 2; i < 64; i++)
        if ((i < 16 || (i >= 32 && i < 48) || i >= 56) && c[i] != 0)
            broken(in, "reserved byte %d is %d", i, c[i]);
    for (int i = 0; i < TILES; i++) {
        rows[i] = c[48 + i];
        row_bytes[i] = c[16 + 2 * i] | c[17 + 2 * i] << 8;
        if (rows[i] > ROWS || row_bytes[i] > ROW_BYTES)
            broken(in, "tile %d has %d rows of %d bytes", i, rows[i], row_bytes[i]);
        if ((rows[i] == 0) != (row_bytes[i] == 0))
            broken(in, "tile %d has %d rows of %d bytes", i, rows[i], row_bytes[i]);
    }
    clear();
    amx.configured = true;
    memcpy(amx.config, c, sizeof c);
    memcpy(amx.rows, rows, sizeof rows);
    memcpy(amx.row_bytes, row_bytes, sizeof row_bytes);
}

static void check_tile(const struct instruction *in, int tile)
{
    if (!amx.configured)
        broken(in, "no tiles are configured");
    if (tile >= TILES)
        broken(in, "there is no tile %d", tile);
    if (amx.rows[tile] == 0)
        broken(in, "tile %d is not configured", tile);
}

static void check_words(const struct instruction *in, int tile)
{
    check_tile(in, tile);
    if (amx.row_bytes[tile] % 4 != 0)
        broken(in, "tile %d has rows of %d bytes", tile, amx.row_bytes[tile]);
}

static void no_vvvv(const struct instruction *in)
{
    if (in->vvvv != 0)
        broken(in, "VEX.vvvv must be 1111b");
}

static void move(const struct instruction *in, bool store)
{
    check_words(in, in->reg);
    no_vvvv(in);
    if (!in->has_sib)
        broken(in, "the address has no SIB byte");
    size_t bytes = (size_t)amx.row_bytes[in->reg];
    if (!store)
        memset(amx.tile[in->reg], 0, sizeof amx.tile[in->reg]);
    for (int i = 0; i < amx.rows[in->reg]; i++) {
        uint8_t *row = amx.tile[in->reg][i], *memory = in->address + i * in->stride;
        memcpy(store ? memory : row, store ? row : memory, bytes);
    }
}

static void check_product(const struct instruction *in, int c, int a, int b)
{
    if (c == a || c == b || a == b)
        broken(in, "tiles %d, %d, %d must differ", c, a, b);
    check_words(in, c);
    check_words(in, a);
    check_words(in, b);
    if (amx.rows[c] != amx.rows[a] || amx.row_bytes[c] != amx.row_bytes[b] ||
        amx.row_bytes[a] / 4 != amx.rows[b])
        broken(in, "%d rows of %d bytes by %d of %d to %d of %d", amx.rows[a], amx.row_bytes[a],
               amx.rows[b], amx.row_bytes[b], amx.rows[c], amx.row_bytes[c]);
}

static int byte_of(uint8_t byte, bool is_signed)
{
    return is_signed ? (int8_t)byte : byte;
}

/* C += A x B, 4 bytes of a row of A by 4 bytes of a column of B at a time. */
static void product(const struct instruction *in)
{
    const int c = in->reg, a = in->rm, b = in->vvvv;
    const bool a_signed = in->prefix >= 2 || amx.fault == AMX_FAULT_SIGNED; /* f2, f3 */
    const bool b_signed = in->prefix == 1 || in->prefix == 3;               /* 66, f2 */
    check_product(in, c, a, b);
    int groups = amx.rows[b] - (amx.fault == AMX_FAULT_SHORT);
    for (int i = 0; i < amx.rows[c]; i++) {
        for (int j = 0; j < amx.row_bytes[c] / 4; j++) {
            uint32_t sum = 0;
            if (amx.fault != AMX_FAULT_FORGETFUL)
                memcpy(&sum, &amx.tile[c][i][4 * j], sizeof sum);
            for (int g = 0; g < groups; g++)
                for (int t = 0; t < 4; t++)
                    sum += (uint32_t)(byte_of(amx.tile[a][i][4 * g + t], a_signed) *
                                      byte_of(amx.tile[b][g][4 * j + t], b_signed));
            memcpy(&amx.tile[c][i][4 * j], &sum, sizeof sum);
        }
    }
    amx.counts.products++;
    amx.counts.macs += (unsigned long)(amx.rows[c] * amx.row_bytes[c] * amx.rows[b]);
    if (amx.fault == AMX_FAULT_ONE_BIT && amx.counts.products % 3 == 0)
        amx.tile[c][amx.rows[c] - 1][amx.row_bytes[c] - 4] ^= 1;
}

/* Opcode 49: configuration and zeroing. */
static void configure(struct instruction *in)
{
    no_vvvv(in);
    if (in->mod == 3 && in->prefix == 0 && in->at[4] == 0xc0) {
        in->name = "tilerelease";
        clear();
        amx.counts.releases++;
    } else if (in->mod == 3 && in->prefix == 3 && in->rm == 0) {
        in->name = "tilezero";
        check_tile(in, in->reg);
        memset(amx.tile[in->reg], 0, sizeof amx.tile[in->reg]);
        amx.counts.zeros++;
    } else if (in->mod != 3 && in->prefix == 0 && in->reg == 0) {
        in->name = "ldtilecfg";
        load_config(in);
        amx.counts.configs++;
    } else if (in->mod != 3 && in->prefix == 1 && in->reg == 0) {
        in->name = "sttilecfg";
        memcpy(in->address, amx.config, sizeof amx.config);
    } else {
        broken(in, "no instruction of AMX");
    }
}

static void execute(struct instruction *in)
{
    static const char *const products[] = {"tdpbuud", "tdpbusd", "tdpbsud", "tdpbssd"};
    if (in->opcode == 0x49) {
        configure(in);
    } else if (in->opcode == 0x4b && in->mod != 3 && in->prefix != 0) {
        in->name = in->prefix == 1 ? "tileloaddt1" : in->prefix == 2 ? "tilestored" : "tileloadd";
        move(in, in->prefix == 2);
        *(in->prefix == 2 ? &amx.counts.stores : &amx.counts.loads) += 1;
    } else if (in->opcode == 0x5e && in->mod == 3) {
        in->name = products[in->prefix];
        product(in);
    } else {
        broken(in, "no instruction of AMX");
    }
}

static void on_illegal(int number, siginfo_t *info, void *context)
{
    struct instruction in = {.name = NULL};
    (void)number;
    (void)info;
    decode(&in, context);
    execute(&in);
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += in.length;
}

bool amx_run(kit_check_fn *fn, void *user, struct kit_why *why)
{
    struct sigaction old, action = {.sa_sigaction = on_illegal, .sa_flags = SA_SIGINFO};
    bool ok;
    clear();
    memset(&amx.counts, 0, sizeof amx.counts);
    amx.why = why;
    why->text[0] = '\0';
    sigaction(SIGILL, &action, &old);
    if (sigsetjmp(amx.leave, 1) == 0)
        ok = fn(user, why);
    else
        ok = false;
    if (ok && amx.configured)
        ok = kit_fail(why, "tiles are still configured at the end");
    sigaction(SIGILL, &old, NULL);
    return ok;
}
