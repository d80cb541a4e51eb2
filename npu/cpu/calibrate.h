/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_CPU_CALIBRATE_H
#define NPU_CPU_CALIBRATE_H
/* What the input channels of each stage are like: the encoder in f32 over the first positions of
 * silence, stage by stage, while its weights go by on their way to being packed. No audio takes
 * part, so the outcome is a function of the weights alone; the f32 kernels are the same bits on
 * every set, so it does not depend on that either. Threads: any, one at a time per calibration. */
#include "kernels/kernels.h"
#include "npu/npu.h"
#include "npu/program.h"

struct npu_calibration;

/* positions: the position table; all three have to stay. NULL: out of memory. */
struct npu_calibration *npu_calibration_open(const struct npu_kernels *kernels,
                                             const struct npu_program *program,
                                             const float *positions);
void npu_calibration_close(struct npu_calibration **calibration);

/* For each stage of the program in turn: begin; each matrix's rows once, in any pieces of at most
 * NPU_CALIBRATION_ROWS; end. gamma, beta: of the stage's norm, if it has one. */
#define NPU_CALIBRATION_ROWS 64
void npu_calibration_begin(struct npu_calibration *calibration, const struct npu_stage *stage,
                           const float *gamma, const float *beta);
/* Outputs j .. j + n_rows of a matrix; j a multiple of 4. */
void npu_calibration_rows(struct npu_calibration *calibration, unsigned matrix, unsigned j,
                          unsigned n_rows, const float *rows);
/* The bias of a matrix, where it has one. */
void npu_calibration_bias(struct npu_calibration *calibration, unsigned matrix, const float *bias);
void npu_calibration_end(struct npu_calibration *calibration);

/* Between begin and end: the n input channels with the largest magnitudes, so that channel[i]
 * exchanged with channel k - n + i puts them last. */
void npu_calibration_outliers(const struct npu_calibration *calibration, uint16_t *channel,
                              unsigned n);

#endif /* NPU_CPU_CALIBRATE_H */
