/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_SIM_ENGINE_TRACE_H
#define NPU_SIM_ENGINE_TRACE_H
/* What happened when, in modelled time of preset published: one track for each core and each DMA channel. Threads: one
 * at a time per trace. */
#include <stdint.h>

#include "npu/npu.h"

#ifdef __cplusplus
extern "C" {
#endif

struct npu_sim_trace;
struct npu_sim_core;
struct npu_sim_channel;
struct npu_sim_time;
struct npu_ir_array;

/* An empty trace that keeps at most `most_events` events (0: 2^20); what comes after is only
 * counted. Returns 0 and *out (transfer full), -ENOMEM. */
int npu_sim_trace_open(struct npu_sim_trace **out, uint64_t most_events);
void npu_sim_trace_close(struct npu_sim_trace **trace);
/* Write the events of `array` in Chrome's trace event format (load it in ui.perfetto.dev or
 * chrome://tracing): a process for each tile, a thread for its core and each of its channels; times
 * in microseconds at clock_mhz. Returns 0; -errno from the file with a sentence in `err`; -ENOMEM
 * if events were lost for want of memory. */
int npu_sim_trace_write(const struct npu_sim_trace *trace, const struct npu_ir_array *array,
                        const char *path, double clock_mhz, struct npu_error *err);
/* Events that did not fit. */
uint64_t npu_sim_trace_lost(const struct npu_sim_trace *trace);

/* For the executor; a wait of no time is none; names (transfer none) live as long as the design. A NULL
 * trace is allowed. */
void npu_sim_trace_call(struct npu_sim_trace *trace, const struct npu_sim_core *core,
                        const char *kernel, const struct npu_sim_time *begin,
                        const struct npu_sim_time *end);
void npu_sim_trace_wait(struct npu_sim_trace *trace, const struct npu_sim_core *core,
                        const char *fifo, const struct npu_sim_time *begin,
                        const struct npu_sim_time *end);
void npu_sim_trace_transfer(struct npu_sim_trace *trace, const struct npu_sim_channel *channel,
                            const struct npu_sim_time *begin, const struct npu_sim_time *end);
void npu_sim_trace_host(struct npu_sim_trace *trace, const char *what, const char *fifo,
                        const struct npu_sim_time *begin, const struct npu_sim_time *end);

#ifdef __cplusplus
}
#endif

#endif /* NPU_SIM_ENGINE_TRACE_H */
