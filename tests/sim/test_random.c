/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random designs: the bytes that the simulator moves, from the text and from its instruction words,
 * equal plain loops over the numbers that the design was drawn from; so do the words, read again.
 *
 *     test_random [--designs N] [--seed S] [--print]
 *
 * Each design has its own seed: --designs 1 --seed S runs a failed one alone, --print shows its
 * text. */
#include "npu/sim/check/check.h"
#include "npu/sim/engine/sim.h"
#include "npu/sim/map/sequence_txn.h"
#include "tests/check.h"
#include "tests/sim/random_design.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>

enum { ARGUMENTS = RANDOM_LANES * (1 + RANDOM_CORES), STREAM = 1 << 16 };

static struct random_design design;
static uint8_t *in[ARGUMENTS], *expected[ARGUMENTS], *out[ARGUMENTS];
static size_t bytes[ARGUMENTS];
static char why[2048];

__attribute__((format(printf, 1, 2))) static bool wrong(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    return false;
}

/* ---- What should be in the buffers ----------------------------------------------------------- */

/* Elements as they pass a point of a lane. */
struct elements {
    uint32_t value[STREAM];
    size_t n;
};

static uint32_t get(const uint8_t *buffer, size_t element, unsigned elem_bytes)
{
    uint32_t value = 0;
    for (unsigned b = 0; b < elem_bytes; b++)
        value |= (uint32_t)buffer[element * elem_bytes + b] << 8 * b;
    return value;
}

/* Each element of a move in its order: at. */
#define FOR_MOVE(m, at)                                                             \
    for (uint32_t i0 = 0; i0 < (m)->size[0]; i0++)                                  \
        for (uint32_t i1 = 0; i1 < (m)->size[1]; i1++)                              \
            for (uint32_t i2 = 0; i2 < (m)->size[2]; i2++)                          \
                for (uint32_t i3 = 0, at = 0;                                       \
                     i3 < (m)->size[3] &&                                           \
                     (at = (m)->start + i0 * (m)->stride[0] + i1 * (m)->stride[1] + \
                           i2 * (m)->stride[2] + i3 * (m)->stride[3],               \
                     true);                                                         \
                     i3++)

static void read_flow(struct elements *to, const struct random_lane *lane,
                      const struct random_flow *f)
{
    to->n = 0;
    for (unsigned round = 0; round < design.n_rounds; round++)
        for (unsigned i = 0; i < f->n_moves[round]; i++) {
            const struct random_move *m = &f->move[round][i];
            FOR_MOVE(m, at)
            to->value[to->n++] = get(in[f->argument], at, lane->elem_bytes);
        }
}

static void write_flow(const struct elements *from, const struct random_lane *lane,
                       const struct random_flow *f)
{
    size_t n = 0;
    for (unsigned round = 0; round < design.n_rounds; round++)
        for (unsigned i = 0; i < f->n_moves[round]; i++) {
            const struct random_move *m = &f->move[round][i];
            FOR_MOVE(m, at)
            {
                uint32_t value = from->value[n++];
                for (unsigned b = 0; b < lane->elem_bytes; b++)
                    expected[f->argument][(size_t)at * lane->elem_bytes + b] =
                        (uint8_t)(value >> 8 * b);
            }
        }
}

/* The place in the object of element k of its stream. */
static uint32_t place(const struct random_dims *dims, uint32_t k)
{
    uint32_t at = 0;
    if (dims->n == 0)
        return k;
    for (unsigned d = dims->n; d-- > 0;) {
        at += k % dims->size[d] * dims->stride[d];
        k /= dims->size[d];
    }
    return at;
}

/* Objects of `n` elements come off a stream (`arrive`) or go onto one. */
static void reorder(struct elements *e, uint32_t n, const struct random_dims *dims, bool arrive)
{
    uint32_t object[4096];
    for (size_t first = 0; first < e->n; first += n) {
        for (uint32_t k = 0; k < n; k++)
            object[arrive ? place(dims, k) : k] = e->value[first + (arrive ? k : place(dims, k))];
        memcpy(e->value + first, object, n * sizeof(*object));
    }
}

static void pass_core(struct elements *e, const struct random_lane *lane, unsigned core)
{
    reorder(e, lane->object, &lane->core_in[core], true);
    for (size_t i = 0; i < e->n; i++)
        e->value[i] = (e->value[i] + lane->add[core]) & (UINT32_MAX >> (32 - 8 * lane->elem_bytes));
    reorder(e, lane->object, &lane->core_out[core], false);
}

static void repeat(struct elements *e, uint32_t n, unsigned times)
{
    static struct elements all;
    all.n = 0;
    for (size_t first = 0; first < e->n; first += n)
        for (unsigned i = 0; i < times; i++, all.n += n)
            memcpy(all.value + all.n, e->value + first, n * sizeof(*e->value));
    *e = all;
}

/* Part `part` of two of every object of 2 n elements, or such parts put together. */
static void split(struct elements *to, const struct elements *from, uint32_t n, unsigned part)
{
    to->n = from->n / 2;
    for (size_t i = 0; i < to->n; i++)
        to->value[i] = from->value[i / n * 2 * n + part * n + i % n];
}

static void join(struct elements *to, const struct elements *part, uint32_t n)
{
    to->n = 2 * part[0].n;
    for (size_t i = 0; i < to->n; i++)
        to->value[i] = part[i / n % 2].value[i / (2 * n) * n + i % n];
}

static void expect_lane(const struct random_lane *lane)
{
    static struct elements e, part[2];
    read_flow(&e, lane, &lane->flow[0]);
    switch (lane->kind) {
    case RANDOM_LINKED:
        reorder(&e, lane->object, &lane->mem_in, true);
        repeat(&e, lane->object, lane->repeat);
        reorder(&e, lane->object, &lane->mem_to, false);
        pass_core(&e, lane, 0);
        reorder(&e, lane->object, &lane->mem_from, true);
        reorder(&e, lane->object, &lane->mem_out, false);
        break;
    case RANDOM_DISTRIBUTE:
        for (unsigned i = 0; i < 2; i++) {
            split(&part[i], &e, lane->object, i);
            pass_core(&part[i], lane, i);
        }
        join(&e, part, lane->object);
        break;
    case RANDOM_BROADCAST:
        part[1] = e;
        pass_core(&part[1], lane, 1);
        write_flow(&part[1], lane, &lane->flow[2]);
        pass_core(&e, lane, 0);
        break;
    default:
        pass_core(&e, lane, 0);
        if (lane->kind == RANDOM_CHAIN)
            pass_core(&e, lane, 1);
    }
    write_flow(&e, lane, &lane->flow[1]);
}

static void fill_buffers(uint64_t seed)
{
    for (unsigned l = 0; l < design.n_lanes; l++)
        for (unsigned i = 0; i < design.lane[l].n_flows; i++) {
            const struct random_flow *f = &design.lane[l].flow[i];
            unsigned a = f->argument;
            bytes[a] = (size_t)f->n_elements * design.lane[l].elem_bytes;
            in[a] = realloc(in[a], bytes[a]);
            out[a] = realloc(out[a], bytes[a]);
            expected[a] = realloc(expected[a], bytes[a]);
            if (!in[a] || !out[a] || !expected[a])
                exit(2);
            for (size_t b = 0; b < bytes[a]; b++) {
                seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
                in[a][b] = (uint8_t)(seed >> 56);
            }
            memcpy(expected[a], in[a], bytes[a]);
        }
    for (unsigned l = 0; l < design.n_lanes; l++)
        expect_lane(&design.lane[l]);
}

/* ---- What the simulator does ----------------------------------------------------------------- */

static void keep_error(void *user, const struct npu_finding *finding)
{
    (void)user;
    if (finding->severity == NPU_SEVERITY_ERROR)
        wrong("the checker says at %u:%u: %s [%s]", finding->pos.line, finding->pos.column,
              finding->text, finding->rule);
}

/* timing: NULL or [NPU_SIM_PRESETS]; time: out, [NPU_SIM_PRESETS]. */
static bool run(const struct npu_design *parsed, const struct npu_txn *txn,
                const struct npu_sim_timing *timing, struct npu_sim_modelled *time, const char *how)
{
    const struct npu_sim_params params = {.design = parsed, .timing = timing};
    struct npu_sim_buffer buffer[ARGUMENTS];
    struct npu_sim_launch launch = {.buffers = buffer, .n_buffers = design.n_arguments};
    struct npu_sim_result result;
    struct npu_sim *sim = NULL;
    struct npu_error err = {""};

    for (unsigned a = 0; a < design.n_arguments; a++) {
        memcpy(out[a], in[a], bytes[a]);
        buffer[a] = (struct npu_sim_buffer){out[a], bytes[a]};
    }
    if (txn)
        launch.words = npu_txn_words(txn, &launch.n_words);
    int code = npu_sim_open(&sim, &params, &err);
    if (code == 0)
        code = npu_sim_launch(sim, &launch, &result, &err);
    npu_sim_close(&sim);
    if (code)
        return wrong("%s: %d %s", how, code, err.text);
    memcpy(time, result.time, sizeof(result.time));
    for (unsigned a = 0; a < design.n_arguments; a++)
        for (size_t b = 0; b < bytes[a]; b++)
            if (out[a][b] != expected[a][b])
                return wrong("%s: byte %zu of argument %u is %u, expected %u", how, b, a, out[a][b],
                             expected[a][b]);
    return true;
}

/* ---- What the words say ---------------------------------------------------------------------- */

/* The byte address of word `n` of a move. */
static uint64_t word_of_move(const struct random_move *m, unsigned elem_bytes, uint64_t n)
{
    uint64_t k = n * 4 / elem_bytes, at = m->start;
    for (unsigned d = 4; d-- > 0;) {
        at += k % m->size[d] * m->stride[d];
        k /= m->size[d];
    }
    return at * elem_bytes;
}

static uint64_t word_of_transfer(const struct npu_txn_transfer *t, uint64_t n)
{
    uint64_t at = 0;
    for (unsigned d = 4; d-- > 0;) {
        at += n % t->size[d] * t->stride[d];
        n /= t->size[d];
    }
    return t->offset_bytes + 4 * at;
}

static bool same_move(const struct npu_txn_step *step, const struct random_lane *lane,
                      const struct random_flow *f, const struct random_move *m)
{
    const struct npu_txn_transfer *t = &step->u.transfer;
    uint64_t words =
        (uint64_t)m->size[0] * m->size[1] * m->size[2] * m->size[3] * lane->elem_bytes / 4;
    if (step->kind != NPU_TXN_STEP_TRANSFER || t->column != lane->column ||
        (t->direction == NPU_TXN_MM2S) != f->in || t->channel != f->channel ||
        t->argument != f->argument || t->token == f->in || (!design.tasks && t->bd != m->bd) ||
        (uint64_t)t->size[0] * t->size[1] * t->size[2] * t->size[3] != words)
        return false;
    for (uint64_t n = 0; n < words; n++)
        if (word_of_transfer(t, n) != word_of_move(m, lane->elem_bytes, n))
            return false;
    return true;
}

static bool compare_steps(const uint32_t *words, size_t n_words, const char *how)
{
    struct npu_txn_step *step = NULL;
    struct npu_txn_device device;
    struct npu_error err = {""};
    size_t n = 0, i = 0;
    bool ok = npu_txn_decode_steps(&step, &n, &device, words, n_words, &err) == 0 ||
              wrong("%s: %s", how, err.text);
    if (ok && n != design.n_steps)
        ok = wrong("%s: %zu steps, expected %u", how, n, design.n_steps);
    for (; ok && i < n; i++) {
        const struct random_step *s = &design.step[i];
        const struct random_lane *lane = &design.lane[s->lane];
        const struct random_flow *f = &lane->flow[s->flow];
        const struct npu_txn_wait *w = &step[i].u.wait;
        ok = s->what == RANDOM_ISSUE
                 ? same_move(&step[i], lane, f, &f->move[s->round][s->move])
                 : step[i].kind == NPU_TXN_STEP_WAIT && w->column == lane->column && w->row == 0 &&
                       w->direction == NPU_TXN_S2MM && w->channel == f->channel &&
                       w->n_columns == 1 && w->n_rows == 1;
        if (!ok)
            wrong("%s: step %zu (word %zu) is another than the sequence's", how, i, step[i].word);
    }
    free(step);
    return ok;
}

/* The same stream as others may write it: random bits where the hardware ignores them in a BD, and
 * a BD written word by word. Returns the words (transfer full). */
static uint32_t *write_otherwise(const uint32_t *words, size_t n, size_t *n_out, uint64_t seed)
{
    static const uint32_t ignored[8] = {0,          0xFFFFFFFF, 0xBFFFFFFF, 0x80000000,
                                        0xC0000000, 0x0FF00000, 0,          0x7803EFFF};
    uint32_t *to = calloc(8 * n + 4, sizeof(*to));
    size_t at = 4, ops = 0;
    if (!to)
        exit(2);
    for (size_t i = 4, length; i < n; i += length) {
        length = words[i] == NPU_TXN_BLOCKWRITE ? words[i + 3] / 4
                 : words[i] == NPU_TXN_SYNC     ? 4
                 : words[i] == NPU_TXN_PATCH    ? 12
                 : words[i] == NPU_TXN_WRITE32  ? 6
                                                : 7;
        if (words[i] != NPU_TXN_BLOCKWRITE) {
            memcpy(to + at, words + i, 4 * length);
            at += length;
            ops++;
            continue;
        }
        for (uint32_t j = 0; j < 8; j++, ops++) {
            seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
            uint32_t noise = (uint32_t)(seed >> 32) & ignored[j];
            const uint32_t op[6] = {0, 0, words[i + 2] + 4 * j, 0, words[i + 4 + j] ^ noise, 24};
            memcpy(to + at, op, sizeof(op));
            at += 6;
        }
    }
    to[0] = words[0];
    to[1] = words[1];
    to[2] = (uint32_t)ops;
    to[3] = (uint32_t)(4 * at);
    *n_out = at;
    return to;
}

/* The words, with the constants of one preset for all, take what the text took under that. */
static bool run_words(const struct npu_design *parsed, const struct npu_txn *txn, unsigned preset,
                      const struct npu_sim_modelled *text)
{
    struct npu_sim_timing timing[NPU_SIM_PRESETS], all[NPU_SIM_PRESETS];
    struct npu_sim_modelled time[NPU_SIM_PRESETS];
    npu_sim_timing_init(timing);
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++)
        all[p] = timing[preset];
    bool ok = run(parsed, txn, all, time, "run from words");
    for (unsigned p = 0; p < NPU_SIM_PRESETS && ok; p++)
        if (memcmp(&time[p], &text[preset], sizeof(time[p])) != 0)
            ok = wrong("preset %s alone: %" PRIu64 " modelled cycles, beside the others %" PRIu64,
                       npu_sim_preset_name((enum npu_sim_preset)preset), time[p].cycles,
                       text[preset].cycles);
    return ok;
}

static bool test_words(const struct npu_design *parsed, uint64_t seed,
                       const struct npu_sim_modelled *text)
{
    struct npu_map *map = NULL;
    struct npu_txn *txn = NULL;
    struct npu_error err = {""};
    bool ok = (npu_map_open(&map, &parsed->array[0], &err) == 0 &&
               npu_sequence_words(&txn, parsed, &parsed->array[0], map, 0, &err) == 0) ||
              wrong("words: %s", err.text);
    size_t n = 0, n_others = 0;
    const uint32_t *words = ok ? npu_txn_words(txn, &n) : NULL;
    uint32_t *others = ok ? write_otherwise(words, n, &n_others, seed) : NULL;
    ok = ok && compare_steps(words, n, "words read again") &&
         compare_steps(others, n_others, "words as others write them") &&
         run_words(parsed, txn, (unsigned)(seed % NPU_SIM_PRESETS), text);
    free(others);
    npu_txn_close(&txn);
    npu_map_close(&map);
    return ok;
}

static bool test_design(uint64_t seed)
{
    struct npu_design *parsed = NULL;
    struct npu_sim_modelled text[NPU_SIM_PRESETS];
    struct npu_check_result result = {0};
    struct npu_error err = {""};
    random_design_draw(&design, seed);
    fill_buffers(seed);
    bool ok = npu_design_parse(&parsed, design.text, strlen(design.text), "random", &err) == 0 ||
              wrong("%s", err.text);
    why[0] = ok ? '\0' : why[0];
    if (ok &&
        npu_design_check(parsed, &(struct npu_check_options){0}, keep_error, NULL, &result, &err))
        ok = wrong("%s", err.text);
    ok = ok && result.n_errors == 0 && run(parsed, NULL, NULL, text, "run from text") &&
         test_words(parsed, seed, text);
    npu_design_close(&parsed);
    return ok;
}

int main(int argc, char **argv)
{
    uint64_t seed = 0x64657369676E, n = 600, lanes[RANDOM_KINDS] = {0};
    bool print = false;
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;
        if (!strcmp(argv[i], "--print"))
            print = true;
        else if (more && !strcmp(argv[i], "--designs"))
            n = strtoull(argv[++i], NULL, 0);
        else if (more && !strcmp(argv[i], "--seed"))
            seed = strtoull(argv[++i], NULL, 0);
        else
            return 2;
    }
    unsigned failed = 0;
    for (uint64_t i = 0; i < n && failed < 5; i++) {
        bool ok = test_design(seed + i);
        for (unsigned l = 0; l < design.n_lanes; l++)
            lanes[design.lane[l].kind]++;
        if (print)
            fputs(design.text, stdout);
        if (!ok)
            check_case(false, "random_design", "--designs 1 --seed 0x%" PRIX64 ": %s", seed + i,
                       why);
        failed += !ok;
    }
    if (!failed)
        check_case(true, "random_designs_move_their_bytes",
                   "%" PRIu64 " designs from seed 0x%" PRIX64 "; lanes %" PRIu64 " straight, "
                   "%" PRIu64 " linked, %" PRIu64 " distributed, %" PRIu64 " broadcast, %" PRIu64
                   " chained",
                   n, seed, lanes[0], lanes[1], lanes[2], lanes[3], lanes[4]);
    for (unsigned a = 0; a < ARGUMENTS; a++) {
        free(in[a]);
        free(out[a]);
        free(expected[a]);
    }
    return check_finish();
}
