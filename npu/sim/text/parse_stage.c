/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operations of other stages of mlir-aie's pipeline, and what text to give instead. */
#include "npu/sim/text/parse.h"

#include <string.h>

#define BEFORE_FIFOS                                                                             \
    "text from after --aie-objectFifo-stateful-transform, or written without objectfifos: give " \
    "the text before that pass, with aie.objectfifo"
#define BEFORE_ROUTES                                                      \
    "text from after --aie-create-pathfinder-flows: give the text before " \
    "--aie-objectFifo-stateful-transform"
#define BEFORE_NPU                                                                                 \
    "text from after --aie-dma-to-npu: give the text before that pass, or its words with --insts " \
    "beside a design that has aiex.npu.dma_memcpy_nd"
#define BEFORE_TASKS                                                               \
    "text from after --aie-substitute-shim-dma-allocations: give the text before " \
    "that pass, with aiex.dma_configure_task_for @fifo"
#define AFTER_CHAINS                                                              \
    "text from before --aie-materialize-bd-chains: run that pass first; a chain " \
    "of several descriptors is not modelled"
#define AFTER_AFFINE "text from before --lower-affine: run that pass first"
#define BEFORE_CF    "text from after --convert-scf-to-cf: give the text before that pass"
#define BEFORE_LLVM  "text from after --aie-standard-lowering: give the text before that pass"
#define AFTER_TRACE                                                                \
    "text from before --aie-trace-to-config: give a design without traces, which " \
    "are not modelled"
#define ONE_DEVICE                                                                   \
    "the array program is changed within a launch, which is not modelled: give one " \
    "device a file"
#define OLD "the spelling of before 2025: give the text of a newer mlir-aie"

/* A name that ends in '.' stands for all that begin so. */
static const struct {
    const char *name, *hint;
} stages[] = {
    {"aie.logical_tile", "text from before placement: place the tiles first, with aie-opt "
                         "--aie-place-tiles or IRON's placer, or write aie.tile(column, row)"},
    {"aie.lock", BEFORE_FIFOS},
    {"aie.use_lock", BEFORE_FIFOS},
    {"aie.mem", BEFORE_FIFOS},
    {"aie.memtile_dma", BEFORE_FIFOS},
    {"aie.shim_dma", BEFORE_FIFOS},
    {"aie.shim_dma_allocation", BEFORE_FIFOS},
    {"aie.dma_start", BEFORE_FIFOS},
    {"aie.dma", BEFORE_FIFOS},
    {"aie.flow", BEFORE_FIFOS},
    {"aie.external_buffer", BEFORE_FIFOS},
    {"aie.switchbox", BEFORE_ROUTES},
    {"aie.shim_mux", BEFORE_ROUTES},
    {"aie.connect", BEFORE_ROUTES},
    {"aie.wire", BEFORE_ROUTES},
    {"aie.amsel", BEFORE_ROUTES},
    {"aie.masterset", BEFORE_ROUTES},
    {"aie.packet_rules", BEFORE_ROUTES},
    {"aie.trace", AFTER_TRACE},
    {"aie.trace.", AFTER_TRACE},
    {"memref.global", BEFORE_NPU},
    {"memref.get_global", BEFORE_NPU},
    {"aiex.npu.blockwrite", BEFORE_NPU},
    {"aiex.npu.address_patch", BEFORE_NPU},
    {"aiex.npu.push_queue", BEFORE_NPU},
    {"aiex.npu.writebd", BEFORE_NPU},
    {"aiex.npu.maskpoll", "a poll, which is read in words (--insts) alone: give the text before "
                          "--aie-dma-to-npu"},
    {"aiex.dma_configure_task", BEFORE_TASKS},
    {"aiex.dma_start_bd_chain", AFTER_CHAINS},
    {"aiex.dma_start_bd_chain_for", AFTER_CHAINS},
    {"aie.bd_chain", AFTER_CHAINS},
    {"aiex.configure", ONE_DEVICE},
    {"aiex.run", ONE_DEVICE},
    {"aiex.npu.load_pdi", ONE_DEVICE},
    {"aiex.runtime_sequence", "the spelling of before 2026: write aie.runtime_sequence"},
    {"affine.", AFTER_AFFINE},
    {"cf.", BEFORE_CF},
    {"llvm.", BEFORE_LLVM},
    {"AIE.", OLD},
    {"AIEX.", OLD},
    {"air.", "text of MLIR-AIR from before --air-to-aie: run its passes first"},
    {"amdaie.", "text of IREE's compiler: give that of mlir-aie"},
};

const char *npu_parser_stage(const struct npu_token *token)
{
    if (token->kind != NPU_TOKEN_WORD)
        return NULL;
    for (size_t i = 0; i < sizeof(stages) / sizeof(*stages); i++) {
        size_t n = strlen(stages[i].name);
        bool all = stages[i].name[n - 1] == '.';
        if (token->n >= n && (all || token->n == n) && !memcmp(token->text, stages[i].name, n))
            return stages[i].hint;
    }
    return NULL;
}
