/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Instruction streams as others write them: every bit of a buffer descriptor against a table of its
 * meaning for the hardware (the same as in npu/sim/DESIGNS.md), and other forms of operations. */
#include "npu/txn/txn.h"
#include "tests/check.h"

#include <errno.h>
#include <inttypes.h>

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* A stream under construction; its header is filled in by read_steps(). */
struct stream {
    uint32_t word[512];
    size_t n;
    uint32_t n_ops;
};

#define ADD(s, ...) \
    add(s, (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

static void add(struct stream *s, const uint32_t *word, size_t n)
{
    if (s->n == 0)
        s->n = 4;
    memcpy(s->word + s->n, word, 4 * n);
    s->n += n;
    s->n_ops++;
}

static void add_bd(struct stream *s, unsigned id, const uint32_t bd[8])
{
    ADD(s, 1, 0, 0x1D000 + 32 * id, 48, bd[0], bd[1], bd[2], bd[3], bd[4], bd[5], bd[6], bd[7]);
}

static void add_patch(struct stream *s, unsigned id, uint32_t argument, uint32_t offset)
{
    ADD(s, 0x81, 48, 0, 0, 0, 0, 0x1D004 + 32 * id, 0, argument, 0, offset, 0);
}

/* Into the queue of MM2S 0. */
static void add_push(struct stream *s, unsigned id, uint32_t runs)
{
    ADD(s, 0, 0, 0x1D214, 0, (runs - 1) << 16 | id, 24);
}

struct read {
    struct npu_txn_step *step;
    size_t n;
    struct npu_error err;
    int code;
};

static struct read read_steps(struct stream *s, uint32_t format)
{
    struct read r = {.err = {""}};
    struct npu_txn_device device;
    s->word[0] = format;
    s->word[1] = 0x104;
    s->word[2] = s->n_ops;
    s->word[3] = (uint32_t)(4 * s->n);
    r.code = npu_txn_decode_steps(&r.step, &r.n, &device, s->word, s->n, &r.err);
    return r;
}

#define FORMAT_0_1 0x06030100
#define FORMAT_1_0 0x06030001

/* ---- Every bit of a BD ----------------------------------------------------------------------- */

enum outcome {
    MODELLED, /* the words that the counters below give; refused where they are no box */
    IGNORED,  /* the same transfer */
    BURST,    /* the same but for its bursts */
    REFUSED,  /* with a sentence that names word, bits and meaning */
};

static const struct field {
    uint8_t word, low, high;
    enum outcome outcome;
    const char *sentence;
} fields[] = {
    {0, 0, 31, MODELLED, "its word 0 (the length"},
    {1, 0, 31, IGNORED, NULL},  /* the address: the patch decides; two bits do not exist */
    {2, 0, 15, IGNORED, NULL},  /* the address */
    {2, 16, 18, IGNORED, NULL}, /* packet type, id, out-of-order id without a packet */
    {2, 19, 23, IGNORED, NULL},
    {2, 24, 29, IGNORED, NULL},
    {2, 30, 30, REFUSED, "its word 2 (0x40000000), bit 30 (a packet header on the stream): 1"},
    {2, 31, 31, IGNORED, NULL}, /* reserved */
    {3, 0, 29, MODELLED, "its word 0 (the length"},
    {3, 30, 30, REFUSED, "bit 30 (secure access): 1, expected 0"},
    {3, 31, 31, IGNORED, NULL}, /* reserved */
    {4, 0, 29, MODELLED, "its word 0 (the length"},
    {4, 30, 31, BURST, NULL},
    {5, 0, 19, MODELLED, NULL},
    {5, 20, 23, IGNORED, NULL}, /* priority in the network */
    {5, 24, 27, IGNORED, NULL}, /* cache attributes */
    {5, 28, 31, REFUSED, "bits 28..31 (the stream id that chooses an address space)"},
    {6, 0, 19, MODELLED, NULL},
    {6, 20, 31, MODELLED, "its word 6 ("},
    {7, 0, 3, IGNORED, NULL},  /* lock to take, while none is taken */
    {7, 4, 4, IGNORED, NULL},  /* reserved */
    {7, 5, 11, IGNORED, NULL}, /* its value */
    {7, 12, 12, REFUSED, "bit 12 (a lock taken before the transfer): 1, expected 0"},
    {7, 13, 16, IGNORED, NULL}, /* lock to give 0 to */
    {7, 17, 17, IGNORED, NULL}, /* reserved */
    {7, 18, 24, REFUSED, "bits 18..24 (a value given to a lock after the transfer)"},
    {7, 25, 25, REFUSED, "bit 25 (a valid BD): 0, expected 1"},
    {7, 26, 26, REFUSED, "bit 26 (a next BD, and chains are not modelled): 1, expected 0"},
    {7, 27, 30, IGNORED, NULL}, /* the next BD, while none is used */
    {7, 31, 31, REFUSED, "bit 31 (no TLAST at the end of the stream): 1, expected 0"},
};

/* Word `n` of run `run`, counted as the hardware counts: a wrap of 0 never ends its dimension. */
static uint64_t walk(const uint32_t *bd, uint32_t run, uint64_t n)
{
    uint32_t wrap0 = bd[3] >> 20 & 0x3FF, wrap1 = bd[4] >> 20 & 0x3FF;
    uint64_t i0 = wrap0 ? n % wrap0 : n, rest = wrap0 ? n / wrap0 : 0;
    uint64_t i1 = wrap1 ? rest % wrap1 : rest, i2 = wrap1 ? rest / wrap1 : 0;
    uint64_t turn = ((bd[6] >> 26) + run) % ((bd[6] >> 20 & 0x3F) + 1);
    return i0 * ((bd[3] & 0xFFFFF) + 1) + i1 * ((bd[4] & 0xFFFFF) + 1) +
           i2 * ((bd[5] & 0xFFFFF) + 1) + turn * ((bd[6] & 0xFFFFF) + 1);
}

/* Word `n` of run `run` of the decoded transfer. */
static uint64_t place(const struct npu_txn_transfer *t, uint32_t run, uint64_t n)
{
    uint64_t at = (uint64_t)run * t->stride[0];
    for (unsigned d = 3; d > 0; d--) {
        at += n % t->size[d] * t->stride[d];
        n /= t->size[d];
    }
    return t->offset_bytes / 4 + at;
}

/* A run that stops within a row or a plane, or runs that begin or go beyond the iterations. */
static bool is_no_box(const uint32_t *bd, uint32_t runs)
{
    uint64_t length = bd[0], row = bd[3] >> 20 & 0x3FF, plane = row * (bd[4] >> 20 & 0x3FF);
    uint32_t turns = (bd[6] >> 20 & 0x3F) + 1, first = bd[6] >> 26;
    bool broken = length == 0 || (row && length > row && length % row) ||
                  (plane && length > plane && length % plane);
    return broken || first >= turns || (turns > 1 && first + runs > turns);
}

static bool moves(const struct npu_txn_transfer *t, const uint32_t *bd, uint32_t runs)
{
    uint64_t n = (uint64_t)t->size[1] * t->size[2] * t->size[3];
    if (n != bd[0] || t->size[0] != runs)
        return false;
    for (uint32_t run = 0; run < runs; run++)
        for (uint64_t i = 0; i < 700; i++) {
            uint64_t at = i < 600 ? i : n - 1 - (n * (i - 600) / 100);
            if (at < n && place(t, run, at) != walk(bd, run, at))
                return false;
        }
    return true;
}

static const struct base {
    const char *name;
    uint32_t bd[8];
    uint32_t runs;
} bases[] = {
    {"linear", {64, 0, 0, 0, 0x80000000, 0x02000000, 0, 0x02000000}, 1},
    {"boxes",
     {4 * 6 * 8, 0, 0, 8 << 20, 0x80000000 | 6 << 20 | 39, 0x02000000 | 999, 0, 0x02000000},
     4},
    {"iterations", {48, 0, 0, 8 << 20 | 1, 3 << 20 | 31, 149, 4 << 20 | 499, 0x02000000}, 3},
    {"open_rows", {48, 0, 0, 8 << 20, 0x80000000 | 39, 0x02000000 | 777, 0, 0x02000000}, 1},
    {"long_rows", {3000, 0, 0, 0, 0x40000000, 0x02000000, 0, 0x02000000}, 2},
};

static struct read read_bd(const uint32_t bd[8], uint32_t runs)
{
    struct stream s = {.n = 0};
    add_bd(&s, 3, bd);
    add_patch(&s, 3, 1, 0);
    add_push(&s, 3, runs);
    return read_steps(&s, FORMAT_0_1);
}

/* Bytes by bits 30 and 31 of word 4; 3 is reserved and read as the longest. */
static const uint16_t burst_of[4] = {64, 128, 256, 256};

/* What is wrong with the descriptor of `base` with one bit changed, or NULL. */
static const char *judge(const struct base *base, const struct field *field, unsigned bit,
                         struct npu_error *err)
{
    uint32_t bd[8];
    memcpy(bd, base->bd, sizeof(bd));
    bd[field->word] ^= 1U << bit;
    struct read was = read_bd(base->bd, base->runs), r = read_bd(bd, base->runs);
    const char *why = NULL;
    bool refuse =
        field->outcome == REFUSED || (field->outcome == MODELLED && is_no_box(bd, base->runs));
    *err = r.err;
    if (was.code || was.n != 1)
        why = "the descriptor itself is refused";
    else if (refuse &&
             (r.code != -EBADMSG || !field->sentence || !strstr(r.err.text, field->sentence)))
        why = "expected a refusal that names it";
    else if (!refuse && (r.code || r.n != 1))
        why = "expected a transfer";
    else if (field->outcome == BURST && r.step->u.transfer.burst_bytes != burst_of[bd[4] >> 30])
        why = "expected other bursts";
    else if (!refuse && field->outcome == IGNORED &&
             memcmp(&r.step->u.transfer, &was.step->u.transfer, sizeof(was.step->u.transfer)) != 0)
        why = "expected the same transfer";
    else if (!refuse && !moves(&r.step->u.transfer, bd, base->runs))
        why = "it moves other words than the hardware";
    free(r.step);
    free(was.step);
    return why;
}

static void test_fields(void)
{
    for (size_t b = 0; b < COUNT(bases); b++) {
        uint32_t seen[8] = {0};
        const char *why = NULL;
        struct npu_error err = {""};
        unsigned word = 0, bit = 0;
        for (size_t i = 0; i < COUNT(fields) && !why; i++)
            for (bit = fields[i].low; bit <= fields[i].high && !why; bit++) {
                word = fields[i].word;
                seen[word] ^= 1U << bit;
                why = judge(&bases[b], &fields[i], bit, &err);
            }
        for (word = why ? word : 0; !why && word < 8; word++)
            if (seen[word] != UINT32_MAX)
                why = "the table does not have each bit once";
        char name[64];
        snprintf(name, sizeof(name), "txn_read_every_bit_of_%s", bases[b].name);
        if (why)
            check_case(false, name, "word %u, bit %u: %s, \"%s\"", word, bit - 1, why, err.text);
        else
            check_case(true, name, "256 bits");
    }
}

/* ---- Descriptors and their address ----------------------------------------------------------- */

static const uint32_t plain[8] = {64, 0, 0, 0, 0x80000000, 0x02000000, 0, 0x02000000};

static bool is_linear(const struct read *r, size_t step, uint32_t argument, uint32_t offset)
{
    return r->code == 0 && step < r->n && r->step[step].kind == NPU_TXN_STEP_TRANSFER &&
           r->step[step].u.transfer.argument == argument &&
           r->step[step].u.transfer.offset_bytes == offset &&
           r->step[step].u.transfer.size[3] == 64;
}

static void test_address(void)
{
    struct stream s = {.n = 0};
    uint32_t bd[8];
    memcpy(bd, plain, sizeof(bd));
    bd[1] = 64; /* as compilers since spring 2026 write it */
    add_bd(&s, 0, bd);
    add_patch(&s, 0, 2, 64);
    add_push(&s, 0, 1);
    struct read r = read_steps(&s, FORMAT_0_1);
    check_case(is_linear(&r, 0, 2, 64), "txn_read_offset_in_the_bd_too", "%d %s", r.code,
               r.err.text);
    free(r.step);

    static const struct {
        const char *name;
        uint32_t argument, offset, expected;
    } maps[] = {{"txn_read_argument_5_with_map", 5, 0x80000100, 0x100},
                {"txn_read_argument_5_without_map", 5, 0x100, 0x100},
                {"txn_read_argument_4_has_no_map", 4, 0x80000100, 0x80000100}};
    for (size_t i = 0; i < COUNT(maps); i++) {
        s = (struct stream){.n = 0};
        add_bd(&s, 0, plain);
        add_patch(&s, 0, maps[i].argument, maps[i].offset);
        add_push(&s, 0, 1);
        r = read_steps(&s, FORMAT_0_1);
        check_case(is_linear(&r, 0, maps[i].argument, maps[i].expected), maps[i].name, "%d %s",
                   r.code, r.err.text);
        free(r.step);
    }
}

/* A BD written word by word, in part, again; a patch that a later write undoes. */
static void test_parts(void)
{
    struct stream s = {.n = 0};
    for (uint32_t i = 0; i < 8; i++)
        ADD(&s, 0, 0, 0x1D000 + 4 * i, 0, plain[i], 24);
    add_patch(&s, 0, 1, 8);
    ADD(&s, 3, 0, 0x1D010, 0, 0, 0xC0000000, 28); /* shorter bursts */
    ADD(&s, 0, 0, 0x1D214, 0, 0, 24);
    struct read r = read_steps(&s, FORMAT_0_1);
    check_case(is_linear(&r, 0, 1, 8), "txn_read_bd_word_by_word", "%d %s", r.code, r.err.text);
    free(r.step);

    s = (struct stream){.n = 0};
    uint32_t both[16];
    memcpy(both, plain, sizeof(plain));
    memcpy(both + 8, plain, sizeof(plain));
    ADD(&s, 1, 0, 0x1D000, 36, both[0], both[1], both[2], both[3], both[4]);
    ADD(&s, 1, 0, 0x1D014, 60, both[5], both[6], both[7], both[8], both[9], both[10], both[11],
        both[12], both[13], both[14], both[15]);
    add_patch(&s, 1, 3, 0);
    ADD(&s, 1, 0, 0x1D210, 24, 0x0F00, 0x80000001); /* control register and queue */
    r = read_steps(&s, FORMAT_0_1);
    check_case(is_linear(&r, 0, 3, 0) && r.step[0].u.transfer.token, "txn_read_blocks_of_any_words",
               "%d %s", r.code, r.err.text);
    free(r.step);

    static const struct {
        const char *name, *sentence;
        uint32_t address, value, mask; /* written between the patch and the push */
    } cases[] = {
        {"txn_read_length_after_the_patch", NULL, 0x1D000, 64, UINT32_MAX},
        {"txn_read_packet_bits_after_the_patch", NULL, 0x1D008, 0x00FF0000, 0x00FF0000},
        {"txn_read_address_after_the_patch", "was not patched before", 0x1D004, 0, UINT32_MAX},
        {"txn_read_upper_address_after_the_patch", "was not patched before", 0x1D008, 0,
         UINT32_MAX},
        {"txn_read_channel_paused",
         "control register 0x1D210 of shim tile (0, 0) becomes "
         "0x00000002",
         0x1D210, 2, UINT32_MAX},
        {"txn_read_queue_by_mask", "expected a whole word written into a task queue", 0x1D214, 0,
         0xF},
        {"txn_read_lock_of_the_shim", "register 0x14000 of shim tile (0, 0)", 0x14000, 1,
         UINT32_MAX},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        s = (struct stream){.n = 0};
        add_bd(&s, 0, plain);
        add_patch(&s, 0, 0, 0);
        ADD(&s, 3, 0, cases[i].address, 0, cases[i].value, cases[i].mask, 28);
        add_push(&s, 0, 1);
        r = read_steps(&s, FORMAT_0_1);
        check_case(cases[i].sentence ? r.code == -EBADMSG && strstr(r.err.text, cases[i].sentence)
                                     : is_linear(&r, 0, 0, 0),
                   cases[i].name, "%d %s", r.code, r.err.text);
        free(r.step);
    }
    s = (struct stream){.n = 0};
    ADD(&s, 1, 0, 0x1D000, 44, 64, 0, 0, 0, 0, 0, 0);
    add_patch(&s, 0, 0, 0);
    add_push(&s, 0, 1);
    r = read_steps(&s, FORMAT_0_1);
    check_case(r.code == -EBADMSG && strstr(r.err.text, "was not written before"),
               "txn_read_bd_without_its_last_word", "%d %s", r.code, r.err.text);
}

/* Two tasks of one BD: the second goes on where the first ended. */
static void test_iterations(void)
{
    struct stream s = {.n = 0};
    uint32_t bd[8];
    memcpy(bd, plain, sizeof(bd));
    bd[6] = 3 << 20 | 99; /* 4 iterations, 100 words apart */
    add_bd(&s, 0, bd);
    add_patch(&s, 0, 0, 16);
    add_push(&s, 0, 3);
    add_push(&s, 0, 1);
    add_push(&s, 0, 2);
    struct read r = read_steps(&s, FORMAT_0_1);
    check_case(is_linear(&r, 0, 0, 16) && r.step[0].u.transfer.size[0] == 3 &&
                   r.step[0].u.transfer.stride[0] == 100 && is_linear(&r, 1, 0, 16 + 1200) &&
                   r.step[1].u.transfer.size[0] == 1 && is_linear(&r, 2, 0, 16),
               "txn_read_iterations_go_on", "%d %s", r.code, r.err.text);
    free(r.step);
    s = (struct stream){.n = 0};
    add_bd(&s, 0, bd);
    add_patch(&s, 0, 0, 16);
    add_push(&s, 0, 3);
    add_bd(&s, 0, bd);
    add_patch(&s, 0, 0, 16);
    add_push(&s, 0, 4);
    r = read_steps(&s, FORMAT_0_1);
    check_case(is_linear(&r, 1, 0, 16) && r.step[1].u.transfer.size[0] == 4,
               "txn_read_iterations_begin_again_with_a_new_bd", "%d %s", r.code, r.err.text);
    free(r.step);
}

/* Polls of a channel's status: how many tasks may be unfinished; other polls are refused. */
static void test_polls(void)
{
    static const struct {
        const char *name;
        uint32_t address, value, mask;
        int unfinished; /* -1: refused */
        unsigned direction, channel;
    } cases[] = {
        {"txn_poll_full", 0x1D228, 0, 0x400000, 4, NPU_TXN_MM2S, 0},
        {"txn_poll_over_1", 0x1D22C, 0, 0x600000, 2, NPU_TXN_MM2S, 1},
        {"txn_poll_over_0", 0x1D220, 0, 0x700000, 1, NPU_TXN_S2MM, 0},
        {"txn_poll_busy", 0x1D224, 0, 0x78003C, 0, NPU_TXN_S2MM, 1},
        {"txn_poll_value_outside_of_the_mask", 0x1D228, 1, 0x400000, 4, NPU_TXN_MM2S, 0},
        {"txn_poll_until_full", 0x1D228, 0x400000, 0x400000, -1, 0, 0},
        {"txn_poll_other_bits", 0x1D228, 0, 0x500000, -1, 0, 0},
        {"txn_poll_below_the_status", 0x1D21C, 0, 0x400000, -1, 0, 0},
        {"txn_poll_above_the_status", 0x1D230, 0, 0x400000, -1, 0, 0},
        {"txn_poll_of_a_core", 0x0021D228, 0, 0x400000, -1, 0, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct stream s = {.n = 0};
        ADD(&s, 4, 0, cases[i].address | 3 << 25, 0, cases[i].value, cases[i].mask, 28);
        struct read r = read_steps(&s, FORMAT_0_1);
        bool taken = r.code == 0 && r.n == 1 && r.step->kind == NPU_TXN_STEP_POLL &&
                     r.step->u.poll.unfinished == cases[i].unfinished &&
                     r.step->u.poll.column == 3 && r.step->u.poll.direction == cases[i].direction &&
                     r.step->u.poll.channel == cases[i].channel;
        check_case(cases[i].unfinished < 0
                       ? r.code == -EBADMSG && strstr(r.err.text, "word 4: MASKPOLL of address")
                       : taken,
                   cases[i].name, "%d %s", r.code, r.err.text);
        free(r.step);
    }
}

/* ---- Forms of operations --------------------------------------------------------------------- */

static bool same_steps(const struct read *a, const struct read *b)
{
    bool same = a->code == 0 && b->code == 0 && a->n == b->n && a->n > 0;
    for (size_t i = 0; same && i < a->n; i++)
        same = a->step[i].kind == b->step[i].kind &&
               memcmp(&a->step[i].u, &b->step[i].u, sizeof(a->step[i].u)) == 0;
    return same;
}

/* The same sequence in the form that is built, in format 1.0, and as aie-rt and mlir-aie repeat the
 * tile, here column 2 and row 0, once more row 3. */
static void test_forms(void)
{
    enum { AT = 2 << 25, CORE = 2 << 25 | 3 << 20 };
    struct stream s = {.n = 0}, compact = {.n = 0}, rt = {.n = 0}, mlir = {.n = 0};
    const uint32_t *p = plain;
    ADD(&s, 1, 0, AT | 0x1D000, 48, p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]);
    ADD(&s, 0x81, 48, 0, 0, 0, 0, AT | 0x1D004, 0, 1, 0, 32, 0);
    ADD(&s, 3, 0, AT | 0x1D210, 0, 0xF00, 0x1F00, 28);
    ADD(&s, 0, 0, AT | 0x1D214, 0, 0x80000000, 24);
    ADD(&s, 1, 0, CORE | 0x400, 20, 7);
    ADD(&s, 0x80, 16, 2 << 16 | 1, 0x00010100);

    ADD(&compact, 1, AT | 0x1D000, 44, p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]);
    ADD(&compact, 0x81, 24, AT | 0x1D004, 1, 32, 0);
    ADD(&compact, 3, AT | 0x1D210, 0xF00, 0x1F00);
    ADD(&compact, 0, AT | 0x1D214, 0x80000000);
    ADD(&compact, 1, CORE | 0x400, 16, 7);
    ADD(&compact, 0x80, 16, 2 << 16 | 1, 0x00010100);

    ADD(&rt, 0x02000201, 0, AT | 0x1D000, 48, p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]);
    ADD(&rt, 0x81, 48, 0, 0, 0, 0, AT | 0x1D004, 0, 1, 0, 32, 0);
    ADD(&rt, 5);
    ADD(&rt, 0x0203, 0, AT | 0x1D210, 0, 0xF00, 0x1F00, 32, 0);
    ADD(&rt, 0x0200, 0, AT | 0x1D214, 0, 0x80000000, 24);
    ADD(&rt, 0x02030201, 3, CORE | 0x400, 20, 7);
    ADD(&rt, 0x80, 16, 2 << 16 | 1, 0x00010100);

    ADD(&mlir, 1, 2, AT | 0x1D000, 48, p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]);
    ADD(&mlir, 0x81, 48, 0, 0, 0, 0, AT | 0x1D004, 0, 1, 0, 32, 0);
    ADD(&mlir, 0x0106); /* PREEMPT */
    ADD(&mlir, 3, 0, AT | 0x1D210, 0, 0xF00, 0x1F00, 28);
    ADD(&mlir, 0, 0, AT | 0x1D214, 0, 0x80000000, 24);
    ADD(&mlir, 1, 0x0302, CORE | 0x400, 20, 7);
    ADD(&mlir, 0x80, 16, 2 << 16 | 1, 0x00010100);

    struct read built = read_steps(&s, FORMAT_0_1);
    struct {
        const char *name;
        struct read read;
    } others[] = {{"txn_read_format_1_0", read_steps(&compact, FORMAT_1_0)},
                  {"txn_read_as_aie_rt_writes", read_steps(&rt, FORMAT_0_1)},
                  {"txn_read_as_mlir_aie_writes", read_steps(&mlir, FORMAT_0_1)}};
    for (size_t i = 0; i < COUNT(others); i++) {
        check_case(same_steps(&built, &others[i].read) && built.n == 3, others[i].name,
                   "%d, %zu steps %s", others[i].read.code, others[i].read.n,
                   others[i].read.err.text);
        free(others[i].read.step);
    }
    free(built.step);
}

/* Every number of an operation: read, or refused by its name. */
static void test_numbers(void)
{
    static const struct {
        uint8_t number;
        const char *name;
    } named[] = {
        {2, "BLOCKSET"},
        {7, "MASKPOLL_BUSY"},
        {8, "LOADPDI"},
        {9, "LOAD_PM_START"},
        {10, "CREATE_SCRATCHPAD"},
        {11, "UPDATE_STATE_TABLE"},
        {12, "UPDATE_REG"},
        {13, "UPDATE_SCRATCH"},
        {14, "CONFIG_SHIMDMA_BD"},
        {15, "CONFIG_SHIMDMA_DMABUF_BD"},
        {0x82, "READ_REGS"},
        {0x83, "RECORD_TIMER"},
        {0x84, "MERGE_SYNC"},
    };
    const char *wrong = NULL;
    unsigned number = 0;
    for (; number < 256 && !wrong; number++) {
        const char *expected = "expected 0 (WRITE32)";
        if (number < 7 && number != 2)
            continue;
        if (number == 0x80 || number == 0x81)
            continue;
        for (size_t i = 0; i < COUNT(named); i++)
            if (named[i].number == number)
                expected = named[i].name;
        struct stream s = {.n = 0};
        ADD(&s, number, 0, 0, 0, 0, 0, 0);
        struct read r = read_steps(&s, FORMAT_0_1);
        char begin[48];
        snprintf(begin, sizeof(begin), "word 4: operation 0x%X", number);
        if (r.code != -EBADMSG || strncmp(r.err.text, begin, strlen(begin)) ||
            !strstr(r.err.text, expected))
            wrong = expected;
        free(r.step);
    }
    check_case(!wrong, "txn_read_other_operations_are_named", "0x%X, expected %s", number - 1,
               wrong ? wrong : "");
    static const struct {
        const char *name, *sentence;
        uint32_t format, first; /* the only word after the header */
    } cases[] = {
        {"txn_read_preempt_of_no_level", "word 4: PREEMPT of level 4", FORMAT_0_1, 0x0406},
        {"txn_read_generation_4", "word 0: device generation 4, expected 3", 0x06040100, 5},
        {"txn_read_format_1_1", "word 0: format 1.1, expected 0.1 or 1.0", 0x06030101, 5},
        {"txn_read_another_tile", "word 4: 0x00000300, expected the number of a WRITE32",
         FORMAT_0_1, 0x0300},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct stream s = {.n = 0};
        if ((cases[i].first & 0xFF) == 0)
            ADD(&s, cases[i].first, 0, 0x1D000, 0, 0, 24);
        else
            ADD(&s, cases[i].first);
        struct read r = read_steps(&s, cases[i].format);
        check_case(r.code == -EBADMSG && strstr(r.err.text, cases[i].sentence), cases[i].name,
                   "%d %s", r.code, r.err.text);
        free(r.step);
    }
}

int main(void)
{
    test_fields();
    test_address();
    test_parts();
    test_iterations();
    test_polls();
    test_forms();
    test_numbers();
    return check_finish();
}
