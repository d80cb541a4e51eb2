/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libwhisper has no interface for the encoder's features. This library, loaded before it with
 * global symbols, wraps the function of ggml that runs a graph and copies the features out after
 * it. Only peer.py loads it. */
#include <stddef.h>
#include <stdint.h>

/* The part of ggml's interface that is used here, with opaque types. */
struct ggml_cgraph;
struct ggml_tensor;
typedef int ggml_compute_fn(void *sched, struct ggml_cgraph *graph);

static struct {
    ggml_compute_fn *compute;
    struct ggml_tensor *(*graph_node)(struct ggml_cgraph *graph, int i);
    int64_t (*nrows)(const struct ggml_tensor *tensor);
    int64_t (*nelements)(const struct ggml_tensor *tensor);
    void (*tensor_get)(const struct ggml_tensor *tensor, void *data, size_t offset, size_t size);
} real;
static float *wanted; /* [rows][columns], NULL: nothing */
static int64_t wanted_rows, wanted_columns;
static int copies;

#define SHOWN __attribute__((visibility("default")))
SHOWN void whisper_features_open(void *compute, void *graph_node, void *nrows, void *nelements,
                                 void *tensor_get);
SHOWN void whisper_features_want(float *to, int64_t rows, int64_t columns);
SHOWN int whisper_features_copies(void);
SHOWN int ggml_backend_sched_graph_compute(void *sched, struct ggml_cgraph *graph);

/* The real functions. */
void whisper_features_open(void *compute, void *graph_node, void *nrows, void *nelements,
                           void *tensor_get)
{
    real.compute = (ggml_compute_fn *)compute;
    *(void **)&real.graph_node = graph_node;
    *(void **)&real.nrows = nrows;
    *(void **)&real.nelements = nelements;
    *(void **)&real.tensor_get = tensor_get;
}

/* Where the next features go, f32; NULL: nowhere. */
void whisper_features_want(float *to, int64_t rows, int64_t columns)
{
    wanted = to;
    wanted_rows = rows;
    wanted_columns = columns;
    copies = 0;
}

/* Since they were wanted. */
int whisper_features_copies(void)
{
    return copies;
}

/* Three graphs make an encoder pass: the convolutions, which end in [columns][rows], the layers,
 * which end in the features, and the cross attention, which ends in one row. */
int ggml_backend_sched_graph_compute(void *sched, struct ggml_cgraph *graph)
{
    int status = real.compute(sched, graph);
    if (status != 0 || !wanted)
        return status;
    const struct ggml_tensor *last = real.graph_node(graph, -1);
    if (real.nrows(last) == wanted_rows && real.nelements(last) == wanted_rows * wanted_columns) {
        real.tensor_get(last, wanted, 0, (size_t)(wanted_rows * wanted_columns) * sizeof *wanted);
        copies++;
    }
    return status;
}
