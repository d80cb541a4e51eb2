/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Windows that their collector computes: the line alone, and an encoder on the CPU, which reads the
 * mel and writes the features where the caller has them, on the caller's thread. */
#include <dirent.h>
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "npu/backend.h"
#include "npu/direct.h"
#include "tests/check.h"
#include "tests/npu/encoder_input.h"
#include "tests/npu/encoder_rig.h"
#include "tests/small_model.h"

#define DEPTH 3

/* ---- The line alone -------------------------------------------------------------------------- */

struct line {
    struct npu_direct *direct;
    uint64_t fail_at; /* tag of a window that fails; 0: none */
    atomic_bool holds, inside;
    unsigned n_computed;
};

/* The feature is the first value of the mel. Holds until it is cancelled, where asked. */
static int compute(void *user, const struct npu_direct_window *window, float *features,
                   const atomic_bool *cancel, struct npu_error *err)
{
    struct line *line = user;

    line->n_computed++;
    atomic_store(&line->inside, true);
    while (atomic_load(&line->holds) && !atomic_load(cancel))
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    if (atomic_load(cancel))
        return -ECANCELED;
    if (window->tag == line->fail_at && window->tag) {
        snprintf(err->text, sizeof(err->text), "window %u fails", (unsigned)window->tag);
        return -EIO;
    }
    features[0] = window->mel[0];
    return 0;
}

static void line_open(struct line *line)
{
    *line = (struct line){0};
    if (npu_direct_open(&line->direct, DEPTH, compute, line))
        exit(1);
}

static int line_submit(struct line *line, const float *mel, uint64_t tag)
{
    const struct npu_direct_window window = {.mel = mel, .positions = 1, .tag = tag};
    return npu_direct_submit(line->direct, &window, 0);
}

static void test_line(void)
{
    float mel[DEPTH + 1] = {1, 2, 3, 4}, out = 0;
    struct line line;
    uint64_t tag = 99;
    bool right = true;

    line_open(&line);
    check_case(npu_direct_collect(line.direct, &out, &tag) == -ENODATA && tag == 99,
               "direct_nothing_is_enodata", " ");
    for (unsigned i = 0; i < DEPTH; i++)
        right &= line_submit(&line, &mel[i], i + 1) == 0;
    check_case(right && line_submit(&line, &mel[DEPTH], 9) == -EAGAIN && line.n_computed == 0,
               "direct_full_is_eagain", "%u computed by submit", line.n_computed);
    mel[2] = 30; /* read when it is collected */
    for (unsigned i = 0; i < 2 * DEPTH; i++) {
        right &= npu_direct_collect(line.direct, &out, &tag) == 0 && tag == i % DEPTH + 1 &&
                 out == mel[i % DEPTH];
        if (i < DEPTH) /* and once around */
            right &= line_submit(&line, &mel[i], i + 1) == 0;
    }
    check_case(right && line.n_computed == 2 * DEPTH, "direct_keeps_order_and_reads_late",
               "%u computed", line.n_computed);
    npu_direct_close(&line.direct);
    check_case(!line.direct, "direct_close_clears", " ");
}

static void test_error(void)
{
    const float mel = 1;
    struct npu_error err;
    struct line line;
    float out = 0;

    line_open(&line);
    line.fail_at = 2;
    for (unsigned i = 1; i <= DEPTH; i++)
        line_submit(&line, &mel, i);
    int first = npu_direct_collect(line.direct, &out, NULL);
    int second = npu_direct_collect(line.direct, &out, NULL);
    int third = npu_direct_collect(line.direct, &out, NULL);
    int submit = line_submit(&line, &mel, 4);
    npu_direct_get_error(line.direct, &err);
    check_case(first == 0 && second == -EIO && third == -EIO && submit == -EIO &&
                   line.n_computed == 2 && !strcmp(err.text, "window 2 fails"),
               "direct_first_error_stays", "%d, %d, %d, submit %d, %u computed, \"%s\"", first,
               second, third, submit, line.n_computed, err.text);
    unsigned n_dropped = npu_direct_resume(line.direct);
    npu_direct_get_error(line.direct, &err);
    bool again = line_submit(&line, &mel, 5) == 0 &&
                 npu_direct_collect(line.direct, &out, NULL) == 0 && err.text[0] == '\0';
    check_case(n_dropped == 1 && again, "direct_resume_starts_clean", "%u dropped, \"%s\"",
               n_dropped, err.text);
    check_case(npu_direct_resume(line.direct) == 0, "direct_resume_without_cause_does_nothing",
               " ");
    npu_direct_close(&line.direct);
}

static void *collect_main(void *data)
{
    struct line *line = data;
    float out;
    return (void *)(intptr_t)npu_direct_collect(line->direct, &out, NULL);
}

static void *submit_main(void *data)
{
    struct line *line = data;
    static const float mel = 1;
    const struct npu_direct_window window = {.mel = &mel, .positions = 1, .tag = 9};
    return (void *)(intptr_t)npu_direct_submit(line->direct, &window, NPU_TIMEOUT_NONE);
}

/* A window that is computed, those that wait, and a submitter without room: all give up, and resume
 * returns after the last of them has. */
static void test_cancel(void)
{
    const float mel = 1;
    unsigned good = 0;
    struct line line;
    float out = 0;

    line_open(&line);
    for (unsigned i = 0; i < 50; i++) {
        pthread_t collector, submitter;
        void *collected, *submitted;

        atomic_store(&line.holds, true);
        atomic_store(&line.inside, false);
        for (unsigned j = 0; j < DEPTH; j++)
            line_submit(&line, &mel, 1);
        pthread_create(&collector, NULL, collect_main, &line);
        pthread_create(&submitter, NULL, submit_main, &line);
        while (!atomic_load(&line.inside))
            nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
        npu_direct_cancel(line.direct);
        bool refused = line_submit(&line, &mel, 2) == -ECANCELED &&
                       npu_direct_collect(line.direct, &out, NULL) == -ECANCELED;
        pthread_join(submitter, &submitted);
        unsigned n_dropped = npu_direct_resume(line.direct);
        atomic_store(&line.holds, false);
        bool empty = npu_direct_collect(line.direct, &out, NULL) == -ENODATA;
        pthread_join(collector, &collected);
        good += refused && empty && n_dropped == DEPTH - 1 && (intptr_t)collected == -ECANCELED &&
                (intptr_t)submitted == -ECANCELED;
    }
    check_case(good == 50, "direct_cancel_ends_all_calls", "%u of 50", good);
    npu_direct_close(&line.direct);
}

/* ---- An encoder ------------------------------------------------------------------------------ */

/* The CPU's backend, and what its run was given. */
static struct {
    const float *mel;
    const float *features;
    pthread_t thread;
    unsigned n;
} witnessed;

static struct npu_backend witness;

static int witness_run(struct npu_loaded *loaded, struct npu_run *run)
{
    witnessed.mel = run->mel;
    witnessed.features = run->features;
    witnessed.thread = pthread_self();
    witnessed.n++;
    return npu_backend_cpu.run(loaded, run);
}

static int witness_load(struct npu_loaded **out, struct npu_device *device,
                        const struct npu_program *program, enum npu_profile profile,
                        unsigned positions, const struct npu_model *model, struct npu_error *err)
{
    int ret = npu_backend_cpu.load(out, device, program, profile, positions, model, err);
    if (ret == 0)
        (*out)->backend = &witness;
    return ret;
}

static unsigned count_threads(void)
{
    DIR *dir = opendir("/proc/self/task");
    unsigned n = 0;

    for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir))
        n += entry->d_name[0] != '.';
    if (dir)
        closedir(dir);
    return n;
}

/* n floats that end where memory ends. */
struct guarded {
    char *base;
    size_t bytes;
    float *x;
};

static struct guarded guarded_open(size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE),
           used = (n * sizeof(float) + page - 1) / page * page;
    struct guarded g = {.bytes = used + 2 * page};

    g.base = mmap(NULL, g.bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (g.base == MAP_FAILED || mprotect(g.base + page, used, PROT_READ | PROT_WRITE))
        abort();
    g.x = (float *)(g.base + page + used) - n;
    return g;
}

/* From the caller's memory, which nothing may be written to, into the caller's memory, on the
 * caller's thread, with no thread of the encoder's own. */
static void check_straight(const char *profile)
{
    char path[] = "/tmp/npu-direct-XXXXXX", name[96];
    int fd = mkstemp(path);
    unsigned before, after;
    struct rig rig = {0};

    if (fd < 0 || close(fd) || test_small_model_write(path, 80, 128, 2, 200, 1))
        exit(1);
    const struct npu_device_params device = {.name = "cpu", .threads = 2};
    const struct npu_encoder_params params = {.profile = profile};
    struct npu_error err = {""};
    if (npu_model_open(&rig.model, path, &err) || npu_device_open(&rig.device, &device, &err))
        exit(1);
    before = count_threads();
    rig.device->backend = &witness;
    int ret = npu_encoder_open(&rig.encoder, rig.model, rig.device, &params, &err);
    rig.device->backend = &npu_backend_cpu; /* which owns it */
    if (!check_case(ret == 0, "direct_open", "%s", err.text))
        exit(check_finish());
    npu_encoder_get_info(rig.encoder, &rig.info);

    const size_t n_mel = (size_t)2 * rig.info.positions * 80;
    struct guarded mel = guarded_open(n_mel);
    struct guarded features = guarded_open((size_t)rig.info.positions * rig.info.d_model);
    float *plain = lcg_mel(5, 80);
    memcpy(mel.x, plain, n_mel * sizeof(float));
    mprotect(mel.base, mel.bytes - (size_t)sysconf(_SC_PAGESIZE), PROT_READ);
    witnessed.n = 0;
    ret = npu_encoder_submit_mel(rig.encoder, mel.x, rig.info.positions, 7, 0);
    unsigned n_submitted = witnessed.n;
    if (ret == 0)
        ret = npu_encoder_collect(rig.encoder, features.x, NULL, 0);
    after = count_threads();
    snprintf(name, sizeof(name), "%s_window_goes_straight", profile);
    check_case(ret == 0 && n_submitted == 0 && witnessed.n == 1 && witnessed.mel == mel.x &&
                   witnessed.features == features.x &&
                   pthread_equal(witnessed.thread, pthread_self()),
               name, "returned %d, mel %+td, features %+td bytes away", ret,
               (const char *)witnessed.mel - (const char *)mel.x,
               (const char *)witnessed.features - (const char *)features.x);
    snprintf(name, sizeof(name), "%s_encoder_has_no_thread", profile);
    check_case(before == after, name, "%u threads before it, %u with it", before, after);
    float *again = rig_encode(&rig, plain);
    snprintf(name, sizeof(name), "%s_straight_bits", profile);
    check_case(!memcmp(again, features.x, (size_t)rig.info.positions * rig.info.d_model * 4) &&
                   rig.info.overlap == 1,
               name, "overlap %u", rig.info.overlap);
    free(again);
    free(plain);
    munmap(mel.base, mel.bytes);
    munmap(features.base, features.bytes);
    rig_close(&rig);
    unlink(path);
}

int main(void)
{
    static const char *const profiles[] = {"f32", "int8", "npu"};

    test_line();
    test_error();
    test_cancel();
    witness = npu_backend_cpu;
    witness.load = witness_load;
    witness.run = witness_run;
    for (unsigned i = 0; i < 3; i++)
        check_straight(profiles[i]);
    return check_finish();
}
