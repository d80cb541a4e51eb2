/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How encoders share the threads of one device.
 *
 *     bench-turns [--model FILE] [--profile NAME] [--threads N] [--rounds N] [--windows N]
 *
 * Each round runs one encoder alone and then 2, 4 and 8 side by side, all with the same number of
 * windows, a thread for each encoder. Prints the medians over the rounds: the time of a window
 * alone, the throughput of N encoders together as a share of one's alone, their processor time a
 * window as a share of one's, which a busy machine changes less, and how much earlier than the last
 * encoder the first one ends. Then the time of npu_encoder_cancel() and npu_encoder_resume()
 * together beside 0, 1, 3 and 7 busy encoders. */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "npu/clock.h"
#include "npu/npu.h"

enum { STREAMS = 8, MAX_ROUNDS = 99, CANCELS = 40 };

struct stream {
    struct npu_encoder *encoder;
    float *features;
    pthread_t thread;
    struct turns *turns;
    uint64_t done_ns;
    int result;
};

struct turns {
    struct npu_model *model;
    struct npu_device *device;
    struct npu_encoder_info info;
    float *mel;
    struct stream stream[STREAMS];
    unsigned n_windows, n_rounds;
    pthread_barrier_t start;
    uint64_t start_ns;
    atomic_bool stop; /* for encoders that are busy until they are told */
};

static int turns_encode(struct stream *s)
{
    struct turns *t = s->turns;
    int ret = npu_encoder_submit_mel(s->encoder, t->mel, t->info.positions, 0, NPU_TIMEOUT_NONE);
    return ret ? ret : npu_encoder_collect(s->encoder, s->features, NULL, NPU_TIMEOUT_NONE);
}

static void *turns_run_windows(void *data)
{
    struct stream *s = data;

    pthread_barrier_wait(&s->turns->start);
    s->result = 0;
    for (unsigned i = 0; i < s->turns->n_windows && s->result == 0; i++)
        s->result = turns_encode(s);
    s->done_ns = npu_now_ns();
    return NULL;
}

static void *turns_run_until_stop(void *data)
{
    struct stream *s = data;

    do
        s->result = turns_encode(s);
    while (s->result == 0 && !atomic_load(&s->turns->stop));
    return NULL;
}

static int turns_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double turns_median(double *x, unsigned n)
{
    qsort(x, n, sizeof(*x), turns_compare);
    return x[n / 2];
}

static double turns_cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

struct result {
    double ms, cpu_ms; /* of a window: elapsed while n are made, processor time */
    double spread;     /* how much earlier the first one ends than the last, share of the time */
};

/* n encoders with n_windows each. */
static struct result turns_together(struct turns *t, unsigned n)
{
    uint64_t first = UINT64_MAX, last = 0;
    double cpu_ms = turns_cpu_ms();

    pthread_barrier_init(&t->start, NULL, n + 1);
    for (unsigned i = 0; i < n; i++)
        pthread_create(&t->stream[i].thread, NULL, turns_run_windows, &t->stream[i]);
    uint64_t start = npu_now_ns();
    pthread_barrier_wait(&t->start);
    for (unsigned i = 0; i < n; i++) {
        pthread_join(t->stream[i].thread, NULL);
        uint64_t done = t->stream[i].done_ns - start;
        first = done < first ? done : first;
        last = done > last ? done : last;
    }
    pthread_barrier_destroy(&t->start);
    unsigned windows = n * t->n_windows;
    return (struct result){.ms = (double)last * 1e-6 / windows,
                           .cpu_ms = (turns_cpu_ms() - cpu_ms) / windows,
                           .spread = (double)(last - first) / (double)last};
}

static void turns_throughput(struct turns *t)
{
    static const unsigned counts[] = {2, 4, 8};
    static double alone[MAX_ROUNDS], share[3][MAX_ROUNDS], cpu[3][MAX_ROUNDS];
    static double spread[3][MAX_ROUNDS];

    for (unsigned r = 0; r < t->n_rounds; r++) {
        struct result one = turns_together(t, 1);
        alone[r] = one.ms;
        for (unsigned c = 0; c < 3; c++) {
            struct result many = turns_together(t, counts[c]);
            share[c][r] = one.ms / many.ms;
            cpu[c][r] = many.cpu_ms / one.cpu_ms;
            spread[c][r] = many.spread;
        }
    }
    double median = turns_median(alone, t->n_rounds);
    printf("1 encoder: %.2f ms a window, least %.2f\n", median, alone[0]);
    for (unsigned c = 0; c < 3; c++) {
        median = turns_median(spread[c], t->n_rounds);
        printf("%u encoders: %.1f %% of the throughput of one, %.1f %% of its processor time a "
               "window; ends apart %.1f %%, at most %.1f %%\n",
               counts[c], 100 * turns_median(share[c], t->n_rounds),
               100 * turns_median(cpu[c], t->n_rounds), 100 * median,
               100 * spread[c][t->n_rounds - 1]);
    }
}

/* Submits and collects until it is told to stop; cancelled ones are what is measured. */
static void *turns_run_cancelled(void *data)
{
    struct stream *s = data;

    while (!atomic_load(&s->turns->stop)) {
        s->result = turns_encode(s);
        if (s->result == -ECANCELED)
            nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL); /* until it is resumed */
        else if (s->result)
            break;
    }
    return NULL;
}

static void turns_cancel(struct turns *t, unsigned n_busy, double window_ms)
{
    struct stream *s = &t->stream[0];
    static double ms[CANCELS];

    atomic_store(&t->stop, false);
    pthread_create(&s->thread, NULL, turns_run_cancelled, s);
    for (unsigned i = 1; i <= n_busy; i++)
        pthread_create(&t->stream[i].thread, NULL, turns_run_until_stop, &t->stream[i]);
    for (unsigned i = 0; i < CANCELS; i++) {
        uint64_t wait_ns = (uint64_t)(window_ms * (n_busy + 1) * 1e6 * (1 + i % 10) / 10);
        nanosleep(&(struct timespec){.tv_sec = (time_t)(wait_ns / 1000000000),
                                     .tv_nsec = (long)(wait_ns % 1000000000)},
                  NULL);
        uint64_t start = npu_now_ns();
        npu_encoder_cancel(s->encoder);
        npu_encoder_resume(s->encoder);
        ms[i] = (double)(npu_now_ns() - start) * 1e-6;
    }
    atomic_store(&t->stop, true);
    for (unsigned i = 0; i <= n_busy; i++)
        pthread_join(t->stream[i].thread, NULL);
    double median = turns_median(ms, CANCELS);
    printf("cancel and resume beside %u busy: median %.2f ms, 90th percentile %.2f, at most %.2f\n",
           n_busy, median, ms[CANCELS * 9 / 10], ms[CANCELS - 1]);
}

static int turns_open(struct turns *t, const char *model, const char *profile, unsigned threads)
{
    struct npu_model_info model_info;
    struct npu_device_info device_info;
    struct npu_error err = {""};
    char *path = NULL;
    int ret = npu_model_find(&path, model, NULL, &err);

    if (ret == 0)
        ret = npu_model_open(&t->model, path, &err);
    free(path);
    if (ret == 0)
        ret = npu_device_open(&t->device, &(struct npu_device_params){"cpu", threads}, &err);
    for (unsigned i = 0; i < STREAMS && ret == 0; i++) {
        const struct npu_encoder_params params = {.profile = profile, .depth = 1};
        ret = npu_encoder_open(&t->stream[i].encoder, t->model, t->device, &params, &err);
        if (ret)
            break;
        npu_encoder_get_info(t->stream[i].encoder, &t->info);
        t->stream[i].turns = t;
        t->stream[i].features = malloc(sizeof(float) * t->info.positions * t->info.d_model);
        if (!t->stream[i].features)
            ret = -ENOMEM;
    }
    if (ret) {
        fprintf(stderr, "bench-turns: %s\n", err.text);
        return ret;
    }
    npu_model_get_info(t->model, &model_info);
    npu_device_get_info(t->device, &device_info);
    size_t n = (size_t)2 * t->info.positions * model_info.n_mels;
    t->mel = malloc(n * sizeof(float));
    if (!t->mel)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        t->mel[i] = (float)(i * 2654435761u % 1000) * 0.002f - 1;
    printf("profile %s, kernel set %s, %u threads, %u windows an encoder, %u rounds\n",
           t->info.profile, device_info.isa, device_info.threads, t->n_windows, t->n_rounds);
    return 0;
}

static void turns_close(struct turns *t)
{
    for (unsigned i = 0; i < STREAMS; i++) {
        npu_encoder_close(&t->stream[i].encoder);
        free(t->stream[i].features);
    }
    npu_device_close(&t->device);
    npu_model_close(&t->model);
    free(t->mel);
}

int main(int argc, char **argv)
{
    static const struct option known[] = {
        {"model", required_argument, NULL, 'm'},   {"profile", required_argument, NULL, 'p'},
        {"threads", required_argument, NULL, 't'}, {"rounds", required_argument, NULL, 'r'},
        {"windows", required_argument, NULL, 'w'}, {NULL, 0, NULL, 0},
    };
    static struct turns t = {.n_windows = 6, .n_rounds = 9};
    const char *model = NULL, *profile = "auto";
    unsigned threads = 0;
    int c;

    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        unsigned value = optarg ? (unsigned)strtoul(optarg, NULL, 10) : 0;
        if (c == 'm')
            model = optarg;
        else if (c == 'p')
            profile = optarg;
        else if (c == 't')
            threads = value;
        else if (c == 'r' && value >= 1 && value <= MAX_ROUNDS)
            t.n_rounds = value;
        else if (c == 'w' && value >= 1)
            t.n_windows = value;
        else
            return 2;
    }
    if (turns_open(&t, model, profile, threads)) {
        turns_close(&t);
        return 1;
    }
    double window_ms = turns_together(&t, 1).ms; /* warm */
    turns_throughput(&t);
    for (unsigned n_busy = 0; n_busy < STREAMS; n_busy = 2 * n_busy + 1)
        turns_cancel(&t, n_busy, window_ms);
    turns_close(&t);
    return 0;
}
