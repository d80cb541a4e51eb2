/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npu/sim/engine/trace.h"

#include "npu/sim/engine/array.h"
#include "npu/sim/engine/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_EVENTS (1u << 20)
#define HOST_TRACK  UINT32_MAX

enum kind { CALL, WAIT, TRANSFER, HOST };

struct event {
    uint64_t begin, end; /* milli-cycles */
    const char *name, *fifo;
    uint32_t tile;       /* index in the array; HOST_TRACK: the sequence */
    uint8_t kind, track; /* track: 0 core, 1.. S2MM, 9.. MM2S channels */
};

struct npu_sim_trace {
    struct event *event;
    uint64_t n, room, most, lost;
    bool no_memory;
};

int npu_sim_trace_open(struct npu_sim_trace **out, uint64_t most_events)
{
    struct npu_sim_trace *trace = calloc(1, sizeof(*trace));
    if (!trace)
        return -ENOMEM;
    trace->most = most_events ? most_events : MOST_EVENTS;
    *out = trace;
    return 0;
}

void npu_sim_trace_close(struct npu_sim_trace **trace)
{
    if (*trace)
        free((*trace)->event);
    free(*trace);
    *trace = NULL;
}

uint64_t npu_sim_trace_lost(const struct npu_sim_trace *trace)
{
    return trace->lost;
}

static void add(struct npu_sim_trace *trace, const struct event *event)
{
    if (trace->n == trace->most || trace->no_memory) {
        trace->lost++;
        return;
    }
    if (trace->n == trace->room) {
        uint64_t room = trace->room ? trace->room * 2 : 1024;
        struct event *more = realloc(trace->event, room * sizeof(*more));
        if (!more) {
            trace->no_memory = true;
            trace->lost++;
            return;
        }
        trace->event = more;
        trace->room = room;
    }
    trace->event[trace->n++] = *event;
}

void npu_sim_trace_call(struct npu_sim_trace *trace, const struct npu_sim_core *core,
                        const char *kernel, const struct npu_sim_time *begin,
                        const struct npu_sim_time *end)
{
    if (trace)
        add(trace, &(struct event){.begin = begin->of[NPU_SIM_PUBLISHED],
                                   .end = end->of[NPU_SIM_PUBLISHED],
                                   .name = kernel,
                                   .tile = core->ir->tile,
                                   .kind = CALL});
}

void npu_sim_trace_wait(struct npu_sim_trace *trace, const struct npu_sim_core *core,
                        const char *fifo, const struct npu_sim_time *begin,
                        const struct npu_sim_time *end)
{
    if (trace && end->of[NPU_SIM_PUBLISHED] > begin->of[NPU_SIM_PUBLISHED])
        add(trace, &(struct event){.begin = begin->of[NPU_SIM_PUBLISHED],
                                   .end = end->of[NPU_SIM_PUBLISHED],
                                   .name = "wait",
                                   .fifo = fifo,
                                   .tile = core->ir->tile,
                                   .kind = WAIT});
}

void npu_sim_trace_transfer(struct npu_sim_trace *trace, const struct npu_sim_channel *channel,
                            const struct npu_sim_time *begin, const struct npu_sim_time *end)
{
    if (trace)
        add(trace, &(struct event){.begin = begin->of[NPU_SIM_PUBLISHED],
                                   .end = end->of[NPU_SIM_PUBLISHED],
                                   .name = channel->fifo->name,
                                   .tile = channel->tile,
                                   .kind = TRANSFER,
                                   .track = (uint8_t)(1 + 8 * channel->mm2s + channel->number)});
}

void npu_sim_trace_host(struct npu_sim_trace *trace, const char *what, const char *fifo,
                        const struct npu_sim_time *begin, const struct npu_sim_time *end)
{
    if (trace)
        add(trace, &(struct event){.begin = begin->of[NPU_SIM_PUBLISHED],
                                   .end = end->of[NPU_SIM_PUBLISHED],
                                   .name = what,
                                   .fifo = fifo,
                                   .tile = HOST_TRACK,
                                   .kind = HOST});
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void put_name(FILE *file, const char *what, unsigned pid, unsigned tid, const char *name)
{
    fprintf(file, "{\"ph\":\"M\",\"name\":\"%s\",\"pid\":%u,\"tid\":%u,\"args\":{\"name\":", what,
            pid, tid);
    npu_sim_json_string(file, name);
    fputs("}},\n", file);
}

static void put_names(FILE *file, const struct npu_ir_array *array)
{
    char text[64];
    put_name(file, "process_name", 0, 0, "sequence");
    put_name(file, "thread_name", 0, 0, "sequence");
    for (uint32_t t = 0; t < array->n_tiles; t++) {
        uint32_t row = array->tile[t].row;
        snprintf(text, sizeof(text), "%s (%u,%u)",
                 row == 0   ? "shim"
                 : row == 1 ? "mem"
                            : "core",
                 array->tile[t].column, row);
        put_name(file, "process_name", t + 1, 0, text);
        unsigned channels = row == 1 ? 6 : 2;
        if (row > 1)
            put_name(file, "thread_name", t + 1, 0, "core");
        for (unsigned c = 0; c < channels; c++) {
            snprintf(text, sizeof(text), "S2MM %u", c);
            put_name(file, "thread_name", t + 1, 1 + c, text);
            snprintf(text, sizeof(text), "MM2S %u", c);
            put_name(file, "thread_name", t + 1, 9 + c, text);
        }
    }
}

static void put_event(FILE *file, const struct event *event, double clock_mhz)
{
    static const char *const category[] = {"kernel", "wait", "dma", "sequence"};
    double scale = 1.0 / (NPU_SIM_MC * clock_mhz);
    fputs("{\"ph\":\"X\",\"name\":", file);
    npu_sim_json_string(file, event->name);
    fprintf(file, ",\"cat\":\"%s\",\"pid\":%u,\"tid\":%u,\"ts\":%.4f,\"dur\":%.4f",
            category[event->kind], event->tile == HOST_TRACK ? 0 : event->tile + 1, event->track,
            (double)event->begin * scale, (double)(event->end - event->begin) * scale);
    if (event->fifo) {
        fputs(",\"args\":{\"fifo\":", file);
        npu_sim_json_string(file, event->fifo);
        fputc('}', file);
    }
    fputs("},\n", file);
}

int npu_sim_trace_write(const struct npu_sim_trace *trace, const struct npu_ir_array *array,
                        const char *path, double clock_mhz, struct npu_error *err)
{
    int code = trace->no_memory ? -ENOMEM : 0;
    FILE *file = code ? NULL : fopen(path, "w");
    if (!file) {
        code = code ? code : -errno;
        if (err)
            snprintf(err->text, sizeof(err->text), "%.500s: %s", path, strerror(-code));
        return code;
    }
    fprintf(file,
            "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"time\":\"modelled, preset published, %g "
            "MHz\",\"lost\":\"%llu\"},"
            "\"traceEvents\":[\n",
            clock_mhz, (unsigned long long)trace->lost);
    put_names(file, array);
    for (uint64_t i = 0; i < trace->n; i++)
        put_event(file, &trace->event[i], clock_mhz);
    /* JSON wants no comma after the last: an event of no meaning ends the list. */
    fputs("{\"ph\":\"M\",\"name\":\"trace_end\",\"pid\":0,\"tid\":0,\"args\":{}}\n]}\n", file);
    bool bad = ferror(file) != 0;
    if (fclose(file) != 0 || bad) {
        if (err)
            snprintf(err->text, sizeof(err->text), "%.500s: %s", path, strerror(errno));
        return -EIO;
    }
    return 0;
}
