/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The timing model against what others published of XDNA1 and of cores like its own: small designs
 * of the same work, and prices of single kernels. A published figure lies between preset best and
 * preset pessimistic, or its row says why not, and then it does not.
 *
 *     test_published [--table]       --table: the page in npu/sim/README.md */
#include "kernels/aie2/host/registry.h"
#include "npu/sim/check/check.h"
#include "npu/sim/engine/sim.h"
#include "tests/check.h"

#include <errno.h>
#include <math.h>

/* ---- The page -------------------------------------------------------------------------------- */

struct point {
    const char *name, *what, *source, *unit;
    double least, most; /* published; one figure: both */
    const char *why;    /* NULL: it must lie inside; else why it does not */
};

static bool table;

static bool is_inside(const struct point *point, const double modelled[NPU_SIM_PRESETS])
{
    double low = fmin(modelled[NPU_SIM_BEST], modelled[NPU_SIM_PESSIMISTIC]);
    double high = fmax(modelled[NPU_SIM_BEST], modelled[NPU_SIM_PESSIMISTIC]);
    return low <= point->least && point->most <= high;
}

static void put(const struct point *point, const double modelled[NPU_SIM_PRESETS])
{
    bool inside = is_inside(point, modelled);
    char range[64], name[128];
    const char *unit = strcmp(point->unit, "%") ? point->unit : "%";
    if (point->least < point->most)
        snprintf(range, sizeof(range), "%.10g to %.10g %s", point->least, point->most, unit);
    else
        snprintf(range, sizeof(range), "%.10g %s", point->least, unit);
    if (table)
        printf("| %s | %s | %s | %.4g / %.4g / %.4g | %s |\n", point->what, point->source, range,
               modelled[0], modelled[1], modelled[2], point->why ? point->why : "inside");
    snprintf(name, sizeof(name), "published_%s_lies_%s", point->name,
             point->why ? "outside" : "inside");
    if (!table || inside != !point->why)
        check_case(inside == !point->why, name, "%s; modelled %g, %g, %g", range, modelled[0],
                   modelled[1], modelled[2]);
}

/* ---- Kernels --------------------------------------------------------------------------------- */

/* c += a b, row by row: [m][k], [k][n], [m][n]. */
#define PRODUCT(name, type, m, k, n)                                            \
    static void name(const type *a, const type *b, int32_t *c)                  \
    {                                                                           \
        for (int i = 0; i < (m); i++)                                           \
            for (int l = 0; l < (k); l++)                                       \
                for (int j = 0; j < (n); j++)                                   \
                    c[i * (n) + j] += (int32_t)a[i * (k) + l] * b[l * (n) + j]; \
    }
PRODUCT(mul_i16_32, int16_t, 32, 32, 32)
PRODUCT(mul_i16_64, int16_t, 64, 64, 64)
PRODUCT(mul_i8_128, int8_t, 64, 128, 64)

/* Groups of 4 x 2 blocks of C: blocks of 4 x 4 with 16 bits, of 4 x 8 with 8. */
static uint64_t mul_i16_32_cycles(const int64_t *args)
{
    (void)args;
    return npu_core_product_cycles(32 * 32 * 32, 64, 2 * 4);
}
static uint64_t mul_i16_64_cycles(const int64_t *args)
{
    (void)args;
    return npu_core_product_cycles(64 * 64 * 64, 64, 4 * 8);
}
static uint64_t mul_i8_128_cycles(const int64_t *args)
{
    (void)args;
    return npu_core_product_cycles(64 * 128 * 64, 256, 4 * 4);
}

static void zero_32(int32_t *c)
{
    memset(c, 0, sizeof(int32_t) * 32 * 32);
}
static void zero_64(int32_t *c)
{
    memset(c, 0, sizeof(int32_t) * 64 * 64);
}
/* 32 bytes a store. */
static uint64_t zero_32_cycles(const int64_t *args)
{
    (void)args;
    return npu_core_loop_cycles(32 * 32 / 8);
}
static uint64_t zero_64_cycles(const int64_t *args)
{
    (void)args;
    return npu_core_loop_cycles(64 * 64 / 8);
}

static void pass(const uint8_t *in, uint8_t *out)
{
    memcpy(out, in, 1024);
}
/* A load and a store of 32 bytes. */
static uint64_t pass_cycles(const int64_t *args)
{
    (void)args;
    return npu_core_loop_cycles(2 * 1024 / 32);
}

#define FN(name) (void (*)(void))(name)
static const uint32_t c_32[] = {4096}, c_64[] = {16384}, i16_32[] = {2048, 2048, 4096},
                      i16_64[] = {8192, 8192, 16384}, i8_128[] = {8192, 8192, 16384},
                      pass_bytes[] = {1024, 1024};
static const struct npu_core_kernel kernels[] = {
    {"mul_i16_32", FN(mul_i16_32), "vppp", i16_32, mul_i16_32_cycles, NULL},
    {"mul_i16_64", FN(mul_i16_64), "vppp", i16_64, mul_i16_64_cycles, NULL},
    {"mul_i8_128", FN(mul_i8_128), "vppp", i8_128, mul_i8_128_cycles, NULL},
    {"zero_32", FN(zero_32), "vp", c_32, zero_32_cycles, NULL},
    {"zero_64", FN(zero_64), "vp", c_64, zero_64_cycles, NULL},
    {"pass", FN(pass), "vpp", pass_bytes, pass_cycles, NULL},
};

static const struct npu_core_kernel *find(void *user, const char *name)
{
    (void)user;
    for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++)
        if (!strcmp(kernels[i].name, name))
            return &kernels[i];
    return NULL;
}

/* ---- A matrix product on 1 or 16 cores ------------------------------------------------------- */

/* A core makes `jobs` tiles of C, each in `steps` products of m x k by k x n. */
struct product {
    const char *kernel, *zero;
    unsigned side; /* columns, and rows of cores: 1 or 4 */
    unsigned m, k, n, elem_bytes, c_depth, jobs, steps;
};

static size_t bytes_of(const struct product *p, char which)
{
    return which == 'a'   ? (size_t)p->m * p->k * p->elem_bytes
           : which == 'b' ? (size_t)p->k * p->n * p->elem_bytes
                          : (size_t)p->m * p->n * 4;
}

/* Of all objects of a stream; C: of a column's. */
static size_t stream_bytes(const struct product *p, char which)
{
    return bytes_of(p, which) * p->jobs * (which == 'c' ? p->side : p->steps);
}

static void put_fifo(FILE *f, const char *name, char which, unsigned at, unsigned side,
                     size_t bytes)
{
    fprintf(f, "aie.objectfifo @%c_l2_%u(%%shim%u, {%%mem%u}, [2, 2]) : !aie.objectfifo<%s>\n",
            which, at, at, at, name);
    fprintf(f, "aie.objectfifo @%c_l1_%u(%%mem%u, {", which, at, at);
    for (unsigned i = 0; i < side; i++)
        fprintf(f, "%s%%t%u_%u", i ? ", " : "", which == 'a' ? i : at, which == 'a' ? at : i);
    fputs("}, [2", f);
    for (unsigned i = 0; i < side; i++)
        fputs(", 2", f);
    fprintf(f, "]) : !aie.objectfifo<memref<%zuxi8>>\n", bytes);
    fprintf(f, "aie.objectfifo.link [@%c_l2_%u] -> [@%c_l1_%u] ([] [])\n", which, at, which, at);
}

static void put_results(FILE *f, const struct product *p, unsigned c)
{
    size_t bytes = bytes_of(p, 'c');
    for (unsigned r = 0; r < p->side; r++)
        fprintf(f,
                "aie.objectfifo @c_l1_%u_%u(%%t%u_%u, {%%mem%u}, [%u, 2]) : "
                "!aie.objectfifo<memref<%zuxi8>>\n",
                c, r, c, r, c, p->c_depth, bytes);
    fprintf(f,
            "aie.objectfifo @c_l2_%u(%%mem%u, {%%shim%u}, [2, 2]) : "
            "!aie.objectfifo<memref<%zuxi8>>\naie.objectfifo.link [",
            c, c, c, p->side * bytes);
    for (unsigned r = 0; r < p->side; r++)
        fprintf(f, "%s@c_l1_%u_%u", r ? ", " : "", c, r);
    fprintf(f, "] -> [@c_l2_%u] ([", c);
    for (unsigned r = 0; r < p->side && p->side > 1; r++)
        fprintf(f, "%s%zu", r ? ", " : "", r * bytes);
    fputs("] [])\n", f);
}

static void put_acquire(FILE *f, char name, const char *fifo, const char *port, size_t bytes)
{
    fprintf(f,
            "%%%cv = aie.objectfifo.acquire @%s(%s, 1) : "
            "!aie.objectfifosubview<memref<%zuxi8>>\n"
            "%%%c = aie.objectfifo.subview.access %%%cv[0] : "
            "!aie.objectfifosubview<memref<%zuxi8>> -> memref<%zuxi8>\n",
            name, fifo, port, bytes, name, name, bytes, bytes);
}

static void put_core(FILE *f, const struct product *p, unsigned c, unsigned r)
{
    size_t a = bytes_of(p, 'a'), b = bytes_of(p, 'b'), out = bytes_of(p, 'c');
    char fifo_a[32], fifo_b[32], fifo_c[32];
    snprintf(fifo_a, sizeof(fifo_a), "a_l1_%u", r);
    snprintf(fifo_b, sizeof(fifo_b), "b_l1_%u", c);
    snprintf(fifo_c, sizeof(fifo_c), "c_l1_%u_%u", c, r);
    fprintf(f,
            "aie.core(%%t%u_%u) {\n%%c0 = arith.constant 0 : index\n"
            "%%c1 = arith.constant 1 : index\n%%steps = arith.constant %u : index\n"
            "%%cmax = arith.constant 9223372036854775807 : index\n"
            "scf.for %%it = %%c0 to %%cmax step %%c1 {\n",
            c, r, p->steps);
    put_acquire(f, 'c', fifo_c, "Produce", out);
    fprintf(f, "func.call @%s(%%c) : (memref<%zuxi8>) -> ()\n", p->zero, out);
    fputs("scf.for %k = %c0 to %steps step %c1 {\n", f);
    put_acquire(f, 'a', fifo_a, "Consume", a);
    put_acquire(f, 'b', fifo_b, "Consume", b);
    fprintf(f,
            "func.call @%s(%%a, %%b, %%c) : (memref<%zuxi8>, memref<%zuxi8>, memref<%zuxi8>) -> "
            "()\naie.objectfifo.release @%s(Consume, 1)\n"
            "aie.objectfifo.release @%s(Consume, 1)\n}\n"
            "aie.objectfifo.release @%s(Produce, 1)\n}\naie.end\n"
            "} {dynamic_objfifo_lowering = true, stack_size = 1024 : i32, link_with = \"k.o\"}\n",
            p->kernel, a, b, out, fifo_a, fifo_b, fifo_c);
}

static void put_sequence(FILE *f, const struct product *p)
{
    static const char order[] = "cab";
    size_t all[3];
    for (unsigned i = 0; i < 3; i++)
        all[i] = p->side * stream_bytes(p, order[i]);
    fprintf(f,
            "aie.runtime_sequence(%%a : memref<%zuxi8>, %%b : memref<%zuxi8>, %%c : "
            "memref<%zuxi8>) {\n",
            all[1], all[2], all[0]);
    for (unsigned c = 0; c < p->side; c++)
        for (unsigned i = 0; i < 3; i++) {
            size_t bytes = stream_bytes(p, order[i]);
            fprintf(f,
                    "aiex.npu.dma_memcpy_nd (%%%c[0, 0, 0, %zu][1, 1, 1, %zu][0, 0, 0, 1]) "
                    "{metadata = @%c_l2_%u, id = %u : i64%s} : memref<%zuxi8>\n",
                    order[i], c * bytes, bytes, order[i], c, i,
                    order[i] == 'c' ? ", issue_token = true" : "", all[i]);
        }
    for (unsigned c = 0; c < p->side; c++)
        fprintf(f, "aiex.npu.dma_wait {symbol = @c_l2_%u}\n", c);
    fputs("}\n}\n}\n", f);
}

/* Row stream r along row r, column stream c up column c, a column's results joined. */
static char *product_design(const struct product *p)
{
    char *text = NULL, type[2][32];
    size_t size;
    FILE *f = open_memstream(&text, &size);
    if (!f)
        return NULL;
    snprintf(type[0], sizeof(type[0]), "memref<%zuxi8>", bytes_of(p, 'a'));
    snprintf(type[1], sizeof(type[1]), "memref<%zuxi8>", bytes_of(p, 'b'));
    fputs("module {\naie.device(npu1) {\n", f);
    for (unsigned c = 0; c < p->side; c++) {
        fprintf(f, "%%shim%u = aie.tile(%u, 0)\n%%mem%u = aie.tile(%u, 1)\n", c, c, c, c);
        for (unsigned r = 0; r < p->side; r++)
            fprintf(f, "%%t%u_%u = aie.tile(%u, %u)\n", c, r, c, r + 2);
    }
    for (unsigned c = 0; c < p->side; c++) {
        put_fifo(f, type[0], 'a', c, p->side, bytes_of(p, 'a'));
        put_fifo(f, type[1], 'b', c, p->side, bytes_of(p, 'b'));
        put_results(f, p, c);
    }
    fprintf(f,
            "func.func private @%s(%s, %s, memref<%zuxi8>)\nfunc.func private "
            "@%s(memref<%zuxi8>)\n",
            p->kernel, type[0], type[1], bytes_of(p, 'c'), p->zero, bytes_of(p, 'c'));
    for (unsigned c = 0; c < p->side; c++)
        for (unsigned r = 0; r < p->side; r++)
            put_core(f, p, c, r);
    put_sequence(f, p);
    fclose(f);
    return text;
}

/* ---- Running --------------------------------------------------------------------------------- */

static bool run(const char *text, const struct npu_sim_buffer *buffers, uint32_t n,
                struct npu_sim_result *result)
{
    struct npu_design *design = NULL;
    struct npu_sim *sim = NULL;
    struct npu_error err = {""};
    struct npu_check_result found = {0};
    int code = npu_design_parse(&design, text, strlen(text), "published", &err);
    if (code == 0)
        code = npu_design_check(design, &(struct npu_check_options){.kernels_elsewhere = true},
                                NULL, NULL, &found, &err);
    if (code == 0 && found.n_errors) {
        snprintf(err.text, sizeof(err.text), "the checker refuses the design");
        code = -EINVAL;
    }
    if (code == 0)
        code = npu_sim_open(&sim, &(struct npu_sim_params){.design = design, .find = find}, &err);
    if (code == 0)
        code = npu_sim_launch(sim, &(struct npu_sim_launch){.buffers = buffers, .n_buffers = n},
                              result, &err);
    npu_sim_close(&sim);
    npu_design_close(&design);
    if (code)
        check_case(false, "published_design_runs", "%d %s", code, err.text);
    return code == 0;
}

/* -3 .. 3, so that no sum is too large. */
static void fill(uint8_t *to, size_t bytes, unsigned elem_bytes, uint32_t seed)
{
    for (size_t i = 0; i < bytes / elem_bytes; i++) {
        seed = seed * 1664525u + 1013904223u;
        int16_t value = (int16_t)(seed >> 16) % 4;
        memcpy(to + i * elem_bytes, &value, elem_bytes); /* little endian */
    }
}

static int32_t element(const uint8_t *tile, size_t at, unsigned elem_bytes)
{
    int16_t wide;
    if (elem_bytes == 1)
        return (int8_t)tile[at];
    memcpy(&wide, tile + 2 * at, 2);
    return wide;
}

/* One value of each tile of C, another one in each. */
static bool right(const struct product *p, const uint8_t *a, const uint8_t *b, const uint8_t *out)
{
    for (unsigned c = 0; c < p->side; c++)
        for (unsigned r = 0; r < p->side; r++)
            for (unsigned job = 0; job < p->jobs; job++) {
                size_t i = (7 * job + r) % p->m, j = (11 * job + c) % p->n;
                int32_t sum = 0, got;
                for (unsigned s = 0; s < p->steps; s++) {
                    size_t object = (size_t)job * p->steps + s;
                    const uint8_t *at = a + r * stream_bytes(p, 'a') + object * bytes_of(p, 'a');
                    const uint8_t *bt = b + c * stream_bytes(p, 'b') + object * bytes_of(p, 'b');
                    for (size_t l = 0; l < p->k; l++)
                        sum += element(at, i * p->k + l, p->elem_bytes) *
                               element(bt, l * p->n + j, p->elem_bytes);
                }
                memcpy(&got,
                       out + c * stream_bytes(p, 'c') + (job * p->side + r) * bytes_of(p, 'c') +
                           4 * (i * p->n + j),
                       4);
                if (got != sum)
                    return false;
            }
    return true;
}

static bool run_product(const struct product *p, struct npu_sim_result *result)
{
    struct npu_sim_buffer buffers[3];
    char *text = product_design(p);
    bool ok = text != NULL;
    for (unsigned i = 0; i < 3; i++) {
        buffers[i].bytes = p->side * stream_bytes(p, "abc"[i]);
        buffers[i].data = calloc(1, buffers[i].bytes);
        ok &= buffers[i].data != NULL;
    }
    for (unsigned i = 0; i < 2 && ok; i++)
        fill(buffers[i].data, buffers[i].bytes, p->elem_bytes, i + 1);
    ok = ok && run(text, buffers, 3, result);
    if (ok && !right(p, buffers[0].data, buffers[1].data, buffers[2].data))
        ok = check_case(false, "published_product_is_right", "%s on %u cores", p->kernel,
                        p->side * p->side);
    for (unsigned i = 0; i < 3; i++)
        free(buffers[i].data);
    free(text);
    return ok;
}

/* ---- Points of whole launches ---------------------------------------------------------------- */

static void total_us(const struct npu_sim_result *result, double us[NPU_SIM_PRESETS])
{
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++)
        us[p] = result->time[p].total_us;
}

static void put_passthrough(void)
{
    static const struct point point = {"passthrough",
                                       "4096 bytes through a core in 4 objects, one launch",
                                       "open-xdna, `passthrough_kernel`, 8845HS",
                                       "us",
                                       120.7,
                                       135.9,
                                       NULL};
    static const char text[] =
        "module { aie.device(npu1) { %s = aie.tile(0, 0) %k = aie.tile(0, 2)\n"
        "aie.objectfifo @in(%s, {%k}, [2, 2]) : !aie.objectfifo<memref<1024xi8>>\n"
        "aie.objectfifo @out(%k, {%s}, [2, 2]) : !aie.objectfifo<memref<1024xi8>>\n"
        "func.func private @pass(memref<1024xi8>, memref<1024xi8>)\n"
        "aie.core(%k) { %c0 = arith.constant 0 : index %c1 = arith.constant 1 : index\n"
        "%cmax = arith.constant 9223372036854775807 : index\n"
        "scf.for %it = %c0 to %cmax step %c1 {\n"
        "%iv = aie.objectfifo.acquire @in(Consume, 1) : !aie.objectfifosubview<memref<1024xi8>>\n"
        "%i = aie.objectfifo.subview.access %iv[0] : !aie.objectfifosubview<memref<1024xi8>> -> "
        "memref<1024xi8>\n"
        "%ov = aie.objectfifo.acquire @out(Produce, 1) : !aie.objectfifosubview<memref<1024xi8>>\n"
        "%o = aie.objectfifo.subview.access %ov[0] : !aie.objectfifosubview<memref<1024xi8>> -> "
        "memref<1024xi8>\n"
        "func.call @pass(%i, %o) : (memref<1024xi8>, memref<1024xi8>) -> ()\n"
        "aie.objectfifo.release @in(Consume, 1) aie.objectfifo.release @out(Produce, 1) }\n"
        "aie.end } {dynamic_objfifo_lowering = true, stack_size = 1024 : i32, link_with = "
        "\"k.o\"}\n"
        "aie.runtime_sequence(%a : memref<4096xi8>, %b : memref<4096xi8>) {\n"
        "aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 0][1, 1, 1, 4096][0, 0, 0, 1]) "
        "{metadata = @out, id = 1 : i64} : memref<4096xi8>\n"
        "aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 0][1, 1, 1, 4096][0, 0, 0, 1]) "
        "{metadata = @in, id = 0 : i64} : memref<4096xi8>\n"
        "aiex.npu.dma_wait {symbol = @out} } } }";
    static uint8_t in[4096], out[4096];
    const struct npu_sim_buffer buffers[] = {{in, sizeof(in)}, {out, sizeof(out)}};
    struct npu_sim_result result;
    double us[NPU_SIM_PRESETS];
    fill(in, sizeof(in), 1, 3);
    if (!run(text, buffers, 2, &result))
        return;
    if (memcmp(in, out, sizeof(in)) != 0)
        check_case(false, "published_passthrough_passes", "other bytes");
    total_us(&result, us);
    put(&point, us);
}

static void put_launch(const struct point *point, const struct product *p)
{
    struct npu_sim_result result;
    double us[NPU_SIM_PRESETS];
    if (!run_product(p, &result))
        return;
    total_us(&result, us);
    put(point, us);
}

/* One launch of N^3, tiles of 32^3. */
static struct product cube(unsigned n, unsigned side)
{
    unsigned tiles = n / 32;
    return (struct product){
        "mul_i16_32", "zero_32", side, 32, 32, 32, 2, 2, tiles * tiles / side / side, tiles};
}

static void put_launches(void)
{
    static const struct point single = {
        "single_core",
        "512^3 int16 to int32 on one core, tiles of 32^3, one launch",
        "open-xdna, `single_core`, 8845HS",
        "us",
        3956,
        3956,
        NULL};
    static const struct point small = {
        "256_cubed",
        "256^3 int16 on one core, one launch",
        "mrtib/phoenix-npu1-iron-kernels: 1100 less about 500 of Python",
        "us",
        600,
        600,
        NULL};
    static const struct point array = {"512_cubed_on_16",
                                       "512^3 int16 on 16 cores, one launch",
                                       "the same, 7840HS: 1010 less about 500 of Python",
                                       "us",
                                       510,
                                       510,
                                       NULL};
    const struct product on_one = cube(512, 1), quarter = cube(256, 1), on_16 = cube(512, 4);
    put_launch(&single, &on_one);
    put_launch(&small, &quarter);
    put_launch(&array, &on_16);
}

/* ---- Points of a long product on 16 cores ---------------------------------------------------- */

/* % of the cores' peak between two lengths: what large sizes come to, their beginning and end and
 * the launch left out. */
static void put_share(const struct point *point, struct product p, unsigned rate)
{
    struct npu_sim_result few, many;
    double share[NPU_SIM_PRESETS];
    const unsigned steps = p.steps;
    const double ideal = (double)p.jobs * steps * p.m * p.k * p.n / rate;
    bool ran = run_product(&p, &few);
    p.steps = 2 * steps;
    if (!ran || !run_product(&p, &many))
        return;
    for (unsigned i = 0; i < NPU_SIM_PRESETS; i++)
        share[i] = 100 * ideal / (double)(many.time[i].cycles - few.time[i].cycles);
    put(point, share);
}

static void put_arrays(void)
{
    static const struct point wide = {"int16_array",
                                      "int16 on 16 cores, tiles of 64^3, of the peak",
                                      "mlir-aie #2735, whole array",
                                      "%",
                                      75,
                                      75,
                                      NULL};
    static const struct point bytes = {"int8_array",
                                       "int8 on 16 cores, steps of K = 128, of the peak",
                                       "arXiv 2512.13282, XDNA, 6.76 TOPS; its tiles may be others",
                                       "%",
                                       80,
                                       80,
                                       NULL};
    put_share(&wide, (struct product){"mul_i16_64", "zero_64", 4, 64, 64, 64, 2, 1, 1, 8}, 64);
    put_share(&bytes, (struct product){"mul_i8_128", "zero_64", 4, 64, 128, 64, 1, 1, 1, 8}, 256);
}

/* ---- Points of one kernel -------------------------------------------------------------------- */

static uint64_t int8_64(void)
{
    const int64_t args[] = {0, 0, 0, 64};
    return npu_core_kernel_find("npu_matmul_s8s8")->cycles(args);
}

/* What 100 times as much takes, for whole cycles. 16 more products of the same blocks: */
static uint64_t in_the_loop(void)
{
    return npu_core_product_cycles(1600 * 128, 128, 8) - npu_core_product_cycles(0, 128, 8);
}
static uint64_t loops_18(void)
{
    return npu_core_loop_cycles(1800) - npu_core_loop_cycles(0);
}
static uint64_t loops_6(void)
{
    return npu_core_loop_cycles(600) - npu_core_loop_cycles(0);
}

/* unit: how many of what cycles() counts make one of the point's. */
static void put_kernel(const struct point *point, uint64_t (*cycles)(void), double unit)
{
    struct npu_sim_timing timing[NPU_SIM_PRESETS];
    double modelled[NPU_SIM_PRESETS];
    npu_sim_timing_init(timing);
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++) {
        npu_core_cycles_use(&timing[p].kernel);
        modelled[p] = (double)cycles() / unit;
    }
    npu_core_cycles_use(NULL);
    put(point, modelled);
}

static void put_kernels(void)
{
    static const struct point points[] = {
        {"int8_64", "int8 64^3, sums of 32 bit stored, the kernel alone",
         "AMD's XD100 AIE-ML tutorial, aiesimulator: optimised, and at first", "cycles", 1750, 2092,
         NULL},
        {"int8_64_s16", "the same, results of 16 bit", "the same", "cycles", 1121, 1121,
         "faster: the kernels here load and store C as 32 bit, which cost that one 630 cycles"},
        {"loop", "16 products inside a product's loop",
         "Peano's test gemm-nopresched.mir, bf16: every cycle one", "cycles", 16, 16, NULL},
        {"tanh", "an element-wise loop of 18 slots, pipelined",
         "Peano's test TanhTemplated-swp.ll: tanh of 32 lanes", "cycles", 19, 19, NULL},
        {"not_pipelined", "an element-wise loop of 6 slots, as one chain of load, operation, store",
         "mlir-air #2006, before it was rewritten; XDNA2", "cycles", 17, 27,
         "slower: no preset covers loops that the compiler does not pipeline"},
    };
    put_kernel(&points[0], int8_64, 1);
    put_kernel(&points[1], int8_64, 1);
    put_kernel(&points[2], in_the_loop, 100);
    put_kernel(&points[3], loops_18, 100);
    put_kernel(&points[4], loops_6, 100);
}

int main(int argc, char **argv)
{
    table = argc > 1 && !strcmp(argv[1], "--table");
    if (table)
        puts("| what | published by | published | modelled: pessimistic / published / best | |\n"
             "|---|---|---|---|---|");
    put_kernels();
    put_passthrough();
    put_launches();
    put_arrays();
    return table && !check_failed ? 0 : check_finish();
}
