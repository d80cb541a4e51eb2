/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_TXN_SHIM_H
#define NPU_TXN_SHIM_H
/* Registers of a shim tile's DMA and the fields of its buffer descriptors, for the two halves of
 * npu/txn/txn.h. Offsets and fields as mlir-aie's compiler writes them for npu1 and aie-rt's
 * xaiemlgbl_params.h names them; all lengths, steps and wraps count 32-bit words. */
#include <stdint.h>

#define TXN_HEADER_WORDS 4

#define SHIM_BD_BASE    0x1D000U
#define SHIM_BD_BYTES   0x20U
#define SHIM_BD_WORDS   8U
#define SHIM_N_CHANNELS 2U
/* Per channel 8 bytes: control register, then task queue; S2MM first. */
#define SHIM_CONTROL_BASE 0x1D200U
#define SHIM_QUEUE_BASE   0x1D204U
#define SHIM_MM2S         0x10U

/* Control register: which controller gets the token of a finished task. */
#define CONTROLLER_MASK  0x1F00U
#define CONTROLLER_VALUE 0x0F00U
#define CONTROLLER_FIELD 0xFF00U /* the whole field; the compiler's ids have 5 bits */
#define CONTROLLER_SHIFT 8

/* Status registers, 4 bytes a channel, S2MM first. A queue's size does not count the running task:
 * size n means at most n + 1 unfinished tasks. */
#define SHIM_STATUS_BASE    0x1D220U
#define SHIM_STATUS_MM2S    8U
#define STATUS_QUEUE_FULL   0x00400000U /* size bits 22:20: 4 */
#define STATUS_QUEUE_OVER_1 0x00600000U
#define STATUS_QUEUE_OVER_0 0x00700000U
#define STATUS_BUSY         0x0078003CU /* the size, the running bit and the stalls */

#define QUEUE_TOKEN        0x80000000U
#define QUEUE_REPEAT_SHIFT 16
#define QUEUE_REPEAT_MAX   0xFFU
#define QUEUE_USED         (QUEUE_TOKEN | QUEUE_REPEAT_MAX << QUEUE_REPEAT_SHIFT | 0xFU)

#define BD_ADDRESS_LOW   0xFFFFFFFCU /* word 1 */
#define BD_ADDRESS_HIGH  0x0000FFFFU /* word 2 */
#define BD_BURST_SHIFT   30          /* word 4: bursts of 64 << n bytes, 0..2 */
#define BD_BURST_BYTES   64U
#define BD_BURST_MAX     2U
#define BD_AXI_CACHE     0x02000000U /* word 5: AxCache = 2 */
#define BD_VALID         0x02000000U /* word 7 */
#define BD_WRAP_SHIFT    20
#define BD_WRAP_MAX      0x3FFU
#define BD_STEP_MAX      0xFFFFFU /* stored minus 1 */
#define BD_ITERATION_MAX 0x3FU    /* stored minus 1 */
#define BD_CURRENT_SHIFT 26       /* word 6: the iteration that comes next */

/* The firmware moves the addresses of the first arguments into the array's map of host memory;
 * compilers since July 2026 add the map's start to the patches of the later ones. */
#define FIRMWARE_ARGUMENTS 5U
#define ARGUMENT_MAP       0x80000000U

#define ADDRESS_COLUMN_SHIFT 25
#define ADDRESS_ROW_SHIFT    20
#define ADDRESS_OFFSET_MASK  0xFFFFFU

static inline uint32_t shim_address(unsigned column, uint32_t offset)
{
    return (uint32_t)column << ADDRESS_COLUMN_SHIFT | offset;
}

static inline unsigned address_row(uint32_t address)
{
    return address >> ADDRESS_ROW_SHIFT & 0x1F;
}

static inline unsigned address_column(uint32_t address)
{
    return address >> ADDRESS_COLUMN_SHIFT;
}

#endif /* NPU_TXN_SHIM_H */
