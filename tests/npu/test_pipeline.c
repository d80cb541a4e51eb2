/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pipeline: every strategy and depth gives the bits of the contract, tile by tile and in order,
 * and a fault at any point ends it as its header says.
 *
 *     test_pipeline [--tiles N]      random tiles per strategy, depth and device; default 300 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <time.h>

#include "npu/clock.h"
#include "npu/launch/pipeline.h"
#include "tests/check.h"
#include "tests/npu/fake.h"
#include "tests/sanitizer.h"
#if IN_SANITIZER
#define TILE_ROWS 1
#endif
#include "tests/npu/attention_tile.h"

#define MS     UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)
/* Deadline of launches one of which hangs; the others take some 0.1 ms a tile. Tried again with a
 * longer one where a busy machine makes one of those late. */
#define HANG_NS (50 * MS)

static uint64_t n_tiles = 300;
static int16_t (*expected)[TILE_VALUES]; /* [n_tiles] */

/* ---- Tiles ----------------------------------------------------------------------------------- */

static void expect_all(void)
{
    static struct tile tile;
    tile_fill_exp(tile.exp);
    expected = malloc(n_tiles * sizeof(*expected));
    if (!expected)
        exit(1);
    for (uint64_t i = 0; i < n_tiles; i++) {
        tile_fill(&tile, i);
        tile_compute(expected[i], tile.exp, tile.q, tile.k, tile.v);
    }
}

struct run {
    struct npu_device *device;
    struct npu_context *context;
    struct npu_pipeline *pipeline;
    struct npu_error err;
    struct tile_flow flow;
};

static struct npu_pipeline_params params_of(enum npu_strategy strategy, unsigned depth,
                                            unsigned batch)
{
    return (struct npu_pipeline_params){
        .strategy = strategy,
        .depth = depth,
        .batch = batch,
        .in_bytes = {TILE_Q_BYTES, TILE_KV_BYTES},
        .n_in = 2,
        .out_bytes = TILE_OUT_BYTES,
        .deadline_ns = 60 * SECOND,
    };
}

static int run_open(struct run *run, const char *device, struct npu_pipeline_params params)
{
    memset(run, 0, sizeof(*run));
    tile_fill_exp(run->flow.tile.exp);
    run->flow.expected = expected;
    int ret = npu_device_open(&run->device,
                              &(struct npu_device_params){.name = device, .threads = 1}, &run->err);
    if (ret == 0)
        ret =
            npu_context_open(&run->context, run->device,
                             &(struct npu_code){.name = "attention", .call = tile_call}, &run->err);
    params.device = run->device;
    params.context = run->context;
    if (ret == 0)
        ret = npu_pipeline_open(&run->pipeline, &params, &run->err);
    return ret;
}

static void run_close(struct run *run)
{
    npu_pipeline_close(&run->pipeline);
    npu_context_close(&run->context, 10 * MS);
    npu_device_close(&run->device);
}

static int run_tiles(struct run *run, uint64_t n)
{
    run->flow.taken = run->flow.wrong = 0;
    return npu_pipeline_run(run->pipeline,
                            &(struct npu_pipeline_job){n, tile_give, tile_take, &run->flow});
}

/* ---- Equality -------------------------------------------------------------------------------- */

static const struct {
    enum npu_strategy strategy;
    unsigned depth, batch;
} ways[] = {
    {NPU_SEQUENTIAL, 1, 1}, {NPU_POOLED, 1, 1},    {NPU_PIPELINED, 1, 1}, {NPU_PIPELINED, 2, 1},
    {NPU_PIPELINED, 3, 1},  {NPU_PIPELINED, 4, 1}, {NPU_PIPELINED, 5, 1}, {NPU_PIPELINED, 6, 1},
    {NPU_PIPELINED, 7, 1},  {NPU_PIPELINED, 8, 1}, {NPU_BATCHED, 2, 2},   {NPU_BATCHED, 1, 7},
    {NPU_BATCHED, 3, 16},   {NPU_ADAPTIVE, 8, 1},
};
enum { WAYS = sizeof(ways) / sizeof(ways[0]) };

static void test_equal(const char *device)
{
    for (unsigned w = 0; w < WAYS; w++) {
        struct run run;
        struct npu_pipeline_stats stats = {0};
        char name[96];
        int ret = run_open(&run, device, params_of(ways[w].strategy, ways[w].depth, ways[w].batch));
        if (ret == 0)
            ret = run_tiles(&run, n_tiles);
        if (run.pipeline)
            npu_pipeline_get_stats(run.pipeline, &stats);
        snprintf(name, sizeof(name), "%s_%s_depth_%u_batch_%u_equals_the_contract", device,
                 npu_strategy_name(ways[w].strategy), ways[w].depth, ways[w].batch);
        uint64_t launches = (n_tiles + ways[w].batch - 1) / ways[w].batch;
        check_case(ret == 0 && run.flow.taken == n_tiles && run.flow.wrong == 0 &&
                       stats.tiles == n_tiles && stats.launches == launches &&
                       stats.occupancy <= NPU_MAX_FLIGHT,
                   name, "%" PRIu64 " tiles, %" PRIu64 " wrong, %.3f ms a tile, occupancy %.2f %s",
                   run.flow.taken, run.flow.wrong, stats.per_tile_ns * 1e-6, stats.occupancy,
                   run.err.text);
        run_close(&run);
    }
}

/* Submitter and collector on two threads. */
static void *submit_all(void *user)
{
    struct run *run = user;
    static struct tile tile;
    const void *in[] = {tile.exp, tile.k};
    int ret = 0;
    tile_fill_exp(tile.exp);
    for (uint64_t i = 0; i < n_tiles && ret == 0; i++) {
        tile_fill(&tile, i);
        ret = npu_pipeline_submit(run->pipeline, in, i + 1000, NPU_TIMEOUT_NONE);
    }
    return (void *)(intptr_t)ret;
}

static void test_two_threads(const char *device, enum npu_strategy strategy, unsigned depth,
                             unsigned batch)
{
    static int16_t out[TILE_VALUES];
    struct run run;
    pthread_t submitter;
    char name[96];
    uint64_t tag = 0, taken = 0, wrong = 0;

    int ret = run_open(&run, device, params_of(strategy, depth, batch));
    if (ret == 0 && pthread_create(&submitter, NULL, submit_all, &run) == 0) {
        while (taken < n_tiles) {
            ret = npu_pipeline_collect(run.pipeline, out, &tag, 10 * SECOND);
            if (ret == -ENODATA && nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL) == 0)
                continue; /* faster than the submitter */
            if (ret)
                break;
            wrong += tag != taken + 1000 || memcmp(out, expected[taken], sizeof(out)) != 0;
            taken++;
        }
        pthread_join(submitter, NULL);
    }
    snprintf(name, sizeof(name), "%s_%s_depth_%u_batch_%u_two_threads", device,
             npu_strategy_name(strategy), depth, batch);
    check_case(ret == 0 && taken == n_tiles && wrong == 0, name,
               "%" PRIu64 " tiles, %" PRIu64 " wrong, last %d", taken, wrong, ret);
    run_close(&run);
}

/* ---- Faults ---------------------------------------------------------------------------------- */

static const char *const point_names[FAKE_POINTS] = {"nowhere", "alloc", "open", "write",
                                                     "begin",   "run",   "read"};
static const char *const kind_names[FAKE_KINDS] = {"error", "delay", "hang", "short"};

/* Some time after the fault has struck: an earlier release would be lost. */
static void *release_later(void *ended)
{
    while (!fake_struck() && !atomic_load((atomic_bool *)ended))
        nanosleep(&(struct timespec){.tv_nsec = 5 * (long)MS}, NULL);
    nanosleep(&(struct timespec){.tv_nsec = 60 * (long)MS}, NULL);
    fake_release();
    return NULL;
}

/* The result of a fault according to the header. */
static int outcome_of(enum fake_point point, enum fake_kind kind)
{
    if (kind == FAKE_DELAY)
        return 0;
    if (kind == FAKE_HANG) /* the host's own calls go on when released */
        return point == FAKE_RUN ? -ETIMEDOUT : 0;
    if (kind == FAKE_SHORT)
        return point == FAKE_WRITE || point == FAKE_READ || point == FAKE_RUN ? -EIO : 0;
    return point == FAKE_ALLOC ? -ENOMEM : -EIO;
}

/* Tiles that must have come out before the fault, or -1: more than one number is right. */
static int tiles_before(enum npu_strategy strategy, unsigned batch, enum fake_point point,
                        unsigned nth)
{
    if (point == FAKE_OPEN)
        return 0;
    if (point == FAKE_ALLOC) /* three buffers a slot, made at the opening or for each tile */
        return strategy == NPU_SEQUENTIAL ? ((int)nth - 1) / 3 : strategy == NPU_ADAPTIVE ? -1 : 0;
    return (int)batch * ((int)nth - 1) / (point == FAKE_WRITE ? 2 : 1) / (int)batch * (int)batch;
}

/* False: a launch that does not hang was later than hang_ns, and nothing has been said. */
static bool try_fault(enum npu_strategy strategy, unsigned depth, unsigned batch,
                      enum fake_point point, enum fake_kind kind, unsigned nth, uint64_t hang_ns)
{
    enum { TILES = 40 };
    struct run run;
    struct npu_pipeline_params params = params_of(strategy, depth, batch);
    int want = outcome_of(point, kind), again = 0;
    bool hangs = kind == FAKE_HANG && point == FAKE_RUN;
    atomic_bool ended = false;
    pthread_t releaser;
    char name[96];

    if (hangs)
        params.deadline_ns = hang_ns;
    fake_set_fault(point, kind, nth);
    bool released =
        kind == FAKE_HANG && !hangs && pthread_create(&releaser, NULL, release_later, &ended) == 0;
    int ret = run_open(&run, "fake", params);
    bool opened = ret == 0;
    if (opened)
        ret = run_tiles(&run, TILES);
    bool struck = fake_struck(), sentence = run.err.text[0] != '\0';
    uint64_t taken = run.flow.taken;
    atomic_store(&ended, true);
    if (released)
        pthread_join(releaser, NULL);
    if (opened) {
        struct npu_error err;
        npu_pipeline_get_error(run.pipeline, &err);
        sentence = sentence || err.text[0];
        fake_set_fault(FAKE_NOWHERE, FAKE_ERROR, 0);
        again = npu_pipeline_resume(run.pipeline);
        if (again == 0)
            again = run_tiles(&run, TILES);
        if (again == 0 && run.flow.taken != TILES)
            again = -ENODATA;
    }
    uint64_t wrong = run.flow.wrong;
    run_close(&run);
    fake_release();
    fake_set_fault(FAKE_NOWHERE, FAKE_ERROR, 0);
    for (unsigned i = 0; i < 2000 && fake_buffers(); i++)
        nanosleep(&(struct timespec){.tv_nsec = 5 * (long)MS}, NULL);
    if (!struck) /* this strategy does not pass the point that often */
        want = 0;
    int before = want ? tiles_before(strategy, batch, point, nth) : TILES;
    if (hangs && ret == -ETIMEDOUT && (!struck || (before >= 0 && taken < (uint64_t)before)) &&
        hang_ns < 100 * SECOND)
        return false;
    snprintf(name, sizeof(name), "%s_%s_%s_at_%u", npu_strategy_name(strategy), point_names[point],
             kind_names[kind], nth);
    check_case(ret == want && wrong == 0 && (before < 0 || taken == (uint64_t)before) &&
                   again == (hangs && struck ? -EIO : 0) && (ret == 0 || sentence) &&
                   fake_buffers() == 0,
               name, "%s -> %d (%s), %" PRIu64 " tiles before, then %s, %u buffers left",
               struck ? "struck" : "not reached", ret, ret ? strerror(-ret) : "equal", taken,
               !opened      ? "not open"
               : again == 0 ? "goes on"
                            : strerror(-again),
               fake_buffers());
    return true;
}

static void fault(enum npu_strategy strategy, unsigned depth, unsigned batch, enum fake_point point,
                  enum fake_kind kind, unsigned nth)
{
    for (uint64_t hang_ns = HANG_NS; !try_fault(strategy, depth, batch, point, kind, nth, hang_ns);
         hang_ns *= 10)
        printf("# %" PRIu64 " ms were too short\n", hang_ns / MS);
}

static void test_faults(void)
{
    static const struct {
        enum npu_strategy strategy;
        unsigned depth, batch;
    } some[] = {{NPU_SEQUENTIAL, 1, 1}, {NPU_POOLED, 1, 1},  {NPU_PIPELINED, 3, 1},
                {NPU_PIPELINED, 8, 1},  {NPU_BATCHED, 2, 4}, {NPU_ADAPTIVE, 4, 1}};
    static const unsigned nths[] = {1, 5, 11};

    for (unsigned s = 0; s < sizeof(some) / sizeof(some[0]); s++)
        for (enum fake_point point = FAKE_ALLOC; point < FAKE_POINTS; point++)
            for (enum fake_kind kind = 0; kind < FAKE_KINDS; kind++) {
                bool queue = point == FAKE_BEGIN || point == FAKE_OPEN;
                bool moves = point == FAKE_WRITE || point == FAKE_READ || point == FAKE_RUN;
                if ((kind == FAKE_SHORT && !moves) || (kind == FAKE_HANG && queue))
                    continue; /* nothing to be short; begin() and open() must not block */
                for (unsigned i = 0; i < (point == FAKE_OPEN ? 1 : 3); i++)
                    fault(some[s].strategy, some[s].depth, some[s].batch, point, kind, nths[i]);
            }
}

/* ---- Cancel ---------------------------------------------------------------------------------- */

struct canceller {
    struct npu_pipeline *pipeline;
    long after_ns;
};

static void *cancel_later(void *user)
{
    const struct canceller *c = user;
    nanosleep(&(struct timespec){.tv_nsec = c->after_ns}, NULL);
    npu_pipeline_cancel(c->pipeline);
    return NULL;
}

static void test_cancel(void)
{
    enum { ROUNDS = 30 };
    struct run run;
    unsigned bad = 0;
    uint64_t tiles = 0;

    fake_set_jitter(200000);
    int ret = run_open(&run, "fake", params_of(NPU_PIPELINED, 3, 1));
    for (unsigned i = 0; i < ROUNDS && ret == 0; i++) {
        pthread_t canceller;
        struct canceller how = {run.pipeline, 50000 * (long)i};
        run.flow.taken = 0;
        if (pthread_create(&canceller, NULL, cancel_later, &how))
            break;
        int got = npu_pipeline_run(
            run.pipeline, &(struct npu_pipeline_job){n_tiles, tile_give, tile_take, &run.flow});
        pthread_join(canceller, NULL);
        tiles += run.flow.taken;
        bad += got != -ECANCELED && got != 0;
        bad += npu_pipeline_collect(run.pipeline, (char[TILE_OUT_BYTES]){0}, NULL, 0) != -ECANCELED;
        ret = npu_pipeline_resume(run.pipeline);
        if (ret == 0)
            ret = run_tiles(&run, 5);
        bad += run.flow.wrong != 0;
    }
    fake_set_jitter(0);
    check_case(ret == 0 && bad == 0, "cancel_and_resume",
               "%d rounds, %" PRIu64 " tiles, %u bad, %d", ROUNDS, tiles, bad, ret);
    if (run.pipeline)
        npu_pipeline_submit(run.pipeline, (const void *[]){run.flow.tile.exp, run.flow.tile.k}, 0,
                            0);
    run_close(&run);
    check_case(fake_buffers() == 0, "close_in_flight_frees_all", "%u left", fake_buffers());
}

/* ---- Pool, depth, memory --------------------------------------------------------------------- */

static void test_allocations(void)
{
    static const enum npu_strategy strategies[] = {NPU_POOLED, NPU_PIPELINED, NPU_BATCHED};
    for (unsigned s = 0; s < 3; s++) {
        struct run run;
        char name[96];
        int ret = run_open(&run, "fake",
                           params_of(strategies[s], 0, strategies[s] == NPU_BATCHED ? 4 : 1));
        unsigned before = fake_buffers();
        fake_set_fault(FAKE_ALLOC, FAKE_ERROR, 0);
        if (ret == 0)
            ret = run_tiles(&run, 50);
        bool more = fake_struck();
        fake_set_fault(FAKE_NOWHERE, FAKE_ERROR, 0);
        snprintf(name, sizeof(name), "%s_allocates_nothing_once_open",
                 npu_strategy_name(strategies[s]));
        check_case(ret == 0 && !more && fake_buffers() == before, name, "%u buffers", before);
        run_close(&run);
    }
}

static void test_adaptive(void)
{
    struct run run;
    struct npu_pipeline_stats stats;
    struct npu_pool_stats pool_stats;
    struct npu_pool *pool = NULL;
    struct npu_pipeline_params params = params_of(NPU_ADAPTIVE, 6, 1);

    int ret = run_open(&run, "fake", params);
    if (ret == 0)
        ret = run_tiles(&run, 100);
    npu_pipeline_get_stats(run.pipeline, &stats);
    check_case(ret == 0 && stats.grown > 0 && stats.most_depth > 1 && stats.most_depth <= 6,
               "adaptive_grows", "depth %u: %s", stats.most_depth, stats.why);
    uint64_t slot_bytes = npu_pipeline_slot_bytes(run.pipeline);
    run_close(&run);

    struct npu_error err = {""};
    struct npu_device *device = NULL;
    ret = npu_device_open(&device, &(struct npu_device_params){.name = "fake"}, &err);
    if (ret == 0)
        ret = npu_pool_open(&pool, device, &(struct npu_pool_params){0}, &err);
    params.pool = pool;
    params.memory_limit = 3 * slot_bytes + slot_bytes / 2;
    if (ret == 0)
        ret = run_open(&run, "fake", params);
    if (ret == 0)
        ret = run_tiles(&run, 200);
    npu_pipeline_get_stats(run.pipeline, &stats);
    npu_pool_get_stats(pool, &pool_stats);
    check_case(ret == 0 && stats.most_depth >= 2 && stats.most_depth <= 3 && stats.shrunk == 0 &&
                   pool_stats.bytes <= params.memory_limit,
               "adaptive_keeps_the_memory_limit", "depth %u, %" PRIu64 " of %" PRIu64 " bytes",
               stats.most_depth, pool_stats.bytes, params.memory_limit);
    npu_pipeline_set_memory_limit(run.pipeline, slot_bytes);
    ret = run_tiles(&run, 30);
    npu_pipeline_get_stats(run.pipeline, &stats);
    npu_pool_get_stats(pool, &pool_stats);
    check_case(ret == 0 && stats.depth == 1 && stats.shrunk == 1 && stats.why[0] &&
                   pool_stats.bytes <= slot_bytes,
               "adaptive_shrinks_under_the_limit", "%" PRIu64 " bytes: %s", pool_stats.bytes,
               stats.why);
    run_close(&run);
    npu_pool_close(&pool);
    npu_device_close(&device);
}

/* ---- Statistics and arguments ---------------------------------------------------------------- */

static void test_series(void)
{
    static struct npu_series series;
    struct npu_summary s;

    npu_series_summarise(&series, &s);
    check_case(s.n == 0 && s.p99_ns == 0 && s.mean_ns == 0, "empty_series_is_zero", "%s", "");
    for (uint64_t i = 1; i <= 100; i++) /* 1 .. 100 in another order */
        npu_series_add(&series, i * 37 % 101);
    npu_series_summarise(&series, &s);
    check_case(s.n == 100 && fabs(s.mean_ns - 50.5) < 1e-9 &&
                   fabs(s.std_ns - 29.011491975882016) < 1e-9,
               "mean_and_deviation", "%.3f %.6f", s.mean_ns, s.std_ns);
    check_case(s.p50_ns == 50 && s.p95_ns == 95 && s.p99_ns == 99 && s.above_twice_median == 0,
               "percentiles_by_nearest_rank", "%" PRIu64 " %" PRIu64, s.p50_ns, s.p99_ns);
    for (uint64_t i = 0; i < NPU_SERIES_KEPT; i++)
        npu_series_add(&series, i < 10 ? 201 : 100);
    npu_series_summarise(&series, &s);
    check_case(s.n == 100 + NPU_SERIES_KEPT && s.p50_ns == 100 && s.above_twice_median == 10,
               "stalls_are_above_twice_the_median", "%" PRIu64, s.above_twice_median);
}

static void test_stats(void)
{
    struct run run;
    struct npu_pipeline_stats s;
    char *text = NULL;
    size_t size = 0;

    int ret = run_open(&run, "fake", params_of(NPU_PIPELINED, 2, 1));
    uint64_t start = npu_now_ns();
    if (ret == 0)
        ret = run_tiles(&run, 50);
    uint64_t took = npu_now_ns() - start;
    npu_pipeline_get_stats(run.pipeline, &s);
    check_case(ret == 0 && s.tiles == 50 && s.launches == 50 && s.errors == 0 &&
                   s.latency.n == 50 && s.wait.n == 50 && s.total_ns <= took && s.compute_ns > 0 &&
                   s.compute_ns <= s.total_ns && s.write_ns > 0 && s.read_ns > 0 &&
                   s.overhead_percent > 0 && s.overhead_percent < 100 && s.occupancy > 0 &&
                   s.occupancy <= 2 && s.latency.p50_ns <= s.latency.p99_ns,
               "statistics_agree", "occupancy %.2f, overhead %.1f %%", s.occupancy,
               s.overhead_percent);
    FILE *file = open_memstream(&text, &size);
    npu_pipeline_stats_print(&s, file);
    fclose(file);
    check_case(strstr(text, "tiles            50\n") && strstr(text, "p99") &&
                   strstr(text, "stalls"),
               "statistics_print", "%zu bytes", size);
    free(text);
    npu_pipeline_reset_stats(run.pipeline);
    npu_pipeline_get_stats(run.pipeline, &s);
    check_case(s.tiles == 0 && s.total_ns == 0 && s.latency.n == 0 && s.occupancy == 0,
               "statistics_reset", "%s", "");
    run_close(&run);
}

/* ---- Short tiles ----------------------------------------------------------------------------- */

enum { SHORT_MOST = 1000 };

/* The result is the tile's bytes plus one; all 99 where the spans are not as long as the tile. */
static int short_call(void *user, struct npu_call *call)
{
    const unsigned char *in = call->span[0].data;
    unsigned char *out = call->span[1].data;
    size_t n = call->span[1].bytes;

    (void)user;
    for (size_t i = 0; i < n; i++)
        out[i] = call->span[0].bytes == n ? (unsigned char)(in[i] + 1) : 99;
    return 0;
}

/* Tile i of any length, in buffers that held longer and shorter ones before. */
static struct npu_pipeline_tile short_tile(unsigned i, const unsigned char *bytes)
{
    size_t n = i % 5 == 0 ? SHORT_MOST : 1 + i * 379 % SHORT_MOST;
    return (struct npu_pipeline_tile){.in = {bytes + i}, .in_bytes = {n}, .out_bytes = n, .tag = i};
}

static void test_short_on(const char *device, enum npu_strategy strategy, unsigned depth)
{
    enum { TILES = 60 };
    static unsigned char bytes[SHORT_MOST + TILES], out[SHORT_MOST + 1];
    struct npu_pipeline_params params = {.strategy = strategy,
                                         .depth = depth,
                                         .in_bytes = {SHORT_MOST},
                                         .n_in = 1,
                                         .out_bytes = SHORT_MOST,
                                         .deadline_ns = 60 * SECOND};
    struct run run;
    unsigned given = 0, right = 0;
    char name[96];

    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(1 + i * 7 % 200);
    int ret = run_open(&run, device, params);
    npu_pipeline_close(&run.pipeline);
    npu_context_close(&run.context, 10 * MS);
    if (ret == 0)
        ret = npu_context_open(&run.context, run.device,
                               &(struct npu_code){.name = "short", .call = short_call}, &run.err);
    params.device = run.device;
    params.context = run.context;
    if (ret == 0)
        ret = npu_pipeline_open(&run.pipeline, &params, &run.err);
    for (unsigned i = 0; i < TILES && ret == 0; i++) {
        while (given < TILES) {
            struct npu_pipeline_tile tile = short_tile(given, bytes);
            if (npu_pipeline_submit_tile(run.pipeline, &tile, 0))
                break;
            given++;
        }
        size_t n = short_tile(i, bytes).out_bytes;
        uint64_t tag = 999;
        out[n] = 77;
        ret = npu_pipeline_collect(run.pipeline, out, &tag, 10 * SECOND);
        bool good = ret == 0 && tag == i && out[n] == 77;
        for (size_t j = 0; good && j < n; j++)
            good = out[j] == (unsigned char)(bytes[i + j] + 1);
        right += good;
    }
    snprintf(name, sizeof(name), "%s_%s_depth_%u_short_tiles", device, npu_strategy_name(strategy),
             depth);
    check_case(ret == 0 && right == TILES, name, "%u of %d, last %d %s", right, TILES, ret,
               run.err.text);
    run_close(&run);
}

static void test_short_refused(void)
{
    static const unsigned char bytes[TILE_KV_BYTES];
    static const struct npu_pipeline_tile longer[] = {
        {.in = {bytes, bytes}, .in_bytes = {TILE_Q_BYTES + 1, 0}},
        {.in = {bytes, bytes}, .in_bytes = {0, TILE_KV_BYTES + 1}},
        {.in = {bytes, bytes}, .out_bytes = TILE_OUT_BYTES + 1}};
    const struct npu_pipeline_tile one = {.in = {bytes, bytes}, .out_bytes = 8};
    struct run run;
    unsigned refused = 0;

    int ret = run_open(&run, "fake", params_of(NPU_PIPELINED, 2, 1));
    for (unsigned i = 0; i < 3 && ret == 0; i++)
        refused += npu_pipeline_submit_tile(run.pipeline, &longer[i], 0) == -EINVAL;
    check_case(refused == 3, "longer_tiles_are_refused", "%u of 3 %s", refused, run.err.text);
    run_close(&run);
    ret = run_open(&run, "fake", params_of(NPU_BATCHED, 2, 4));
    if (ret == 0)
        ret = npu_pipeline_submit_tile(run.pipeline, &one, 0);
    check_case(ret == -EINVAL, "short_tiles_are_not_batched", "%d %s", ret, run.err.text);
    run_close(&run);
}

static void test_short(void)
{
    static const char *const devices[] = {"fake", "cpu"};
    for (unsigned d = 0; d < 2; d++) {
        test_short_on(devices[d], NPU_SEQUENTIAL, 1);
        test_short_on(devices[d], NPU_POOLED, 1);
        test_short_on(devices[d], NPU_PIPELINED, 3);
        test_short_on(devices[d], NPU_ADAPTIVE, 4);
    }
    test_short_refused();
}

static void test_arguments(void)
{
    static const struct {
        const char *name;
        enum npu_strategy strategy;
        unsigned depth, batch, n_in;
    } rows[] = {{"unknown_strategy_refused", NPU_STRATEGY_COUNT, 1, 1, 2},
                {"depth_9_refused", NPU_PIPELINED, 9, 1, 2},
                {"sequential_depth_2_refused", NPU_SEQUENTIAL, 2, 1, 2},
                {"batch_without_batching_refused", NPU_PIPELINED, 2, 2, 2},
                {"batch_65_refused", NPU_BATCHED, 2, 65, 2},
                {"no_parts_refused", NPU_PIPELINED, 2, 1, 0},
                {"eight_parts_refused", NPU_PIPELINED, 2, 1, 8}};
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct run run;
        struct npu_pipeline_params params =
            params_of(rows[i].strategy, rows[i].depth, rows[i].batch);
        params.n_in = rows[i].n_in;
        int ret = run_open(&run, "fake", params);
        check_case(ret == -EINVAL && run.err.text[0], rows[i].name, "%d %s", ret, run.err.text);
        run_close(&run);
    }
    struct run run;
    char out[TILE_OUT_BYTES];
    int ret = run_open(&run, "fake", params_of(NPU_PIPELINED, 2, 1));
    const void *in[] = {run.flow.tile.exp, run.flow.tile.k};
    if (ret == 0)
        ret = npu_pipeline_collect(run.pipeline, out, NULL, NPU_TIMEOUT_NONE);
    check_case(ret == -ENODATA, "nothing_to_collect", "%d", ret);
    npu_pipeline_submit(run.pipeline, in, 0, 0);
    npu_pipeline_submit(run.pipeline, in, 0, 0);
    ret = npu_pipeline_submit(run.pipeline, in, 0, 5 * MS);
    check_case(ret == -EAGAIN, "full_pipeline_waits_its_timeout", "%d", ret);
    run_close(&run);
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "--tiles"))
        n_tiles = strtoull(argv[2], NULL, 10);
    if (n_tiles < 200 || n_tiles > 1000000 || fake_register())
        return 2;
    expect_all();
    test_series();
    test_arguments();
    test_stats();
    fake_set_jitter(n_tiles > 1000 ? 0 : 100000);
    test_equal("fake");
    test_two_threads("fake", NPU_PIPELINED, 3, 1);
    test_two_threads("fake", NPU_BATCHED, 2, 5);
    test_two_threads("fake", NPU_ADAPTIVE, 8, 1);
    fake_set_jitter(0);
    test_equal("cpu");
    test_two_threads("cpu", NPU_PIPELINED, 4, 1);
    test_allocations();
    test_adaptive();
    test_short();
    test_faults();
    test_cancel();
    check_case(fake_buffers() == 0, "no_buffer_left", "%u", fake_buffers());
    free(expected);
    return check_finish();
}
