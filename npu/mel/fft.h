/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_MEL_FFT_H
#define NPU_MEL_FFT_H
/* The transform of the log-mel front end: four real sequences of 400 samples at once, one in each
 * lane of a vector, so that every step is the same arithmetic on four frames and a lane never
 * depends on its neighbours. Plain C with the vector types of GCC and Clang; f32, tables rounded
 * from double. */

#define NPU_FFT_SIZE  400
#define NPU_FFT_HALF  200 /* the complex transform inside: 5 * 5 * 8 */
#define NPU_FFT_BINS  201
#define NPU_FFT_LANES 4

typedef float npu_f32x4 __attribute__((vector_size(16)));
typedef int npu_i32x4 __attribute__((vector_size(16)));

struct npu_fft {
    float pass1[40][4][2]; /* e^(-2 pi i q (r + 1) / 200): re, im */
    float pass2[8][4][2];  /* e^(-2 pi i q (r + 1) / 40) */
    float split[100][2];   /* e^(-2 pi i k / 400) */
};

void npu_fft_init(struct npu_fft *fft);

/* spectrum[2k], [2k+1] = re, im of sum over n of x[n] e^(-2 pi i k n / 400), k = 0 .. 200, lane by
 * lane, unscaled. x [400] is used as scratch: its contents are undefined after. spectrum [402] and
 * x do not overlap. Error of a bin: below 2e-7 * 20 * sqrt(sum over n of x[n]^2), 20 = sqrt 400. x
 * is finite and so are its sums. Threads: any. */
void npu_fft_run(const struct npu_fft *fft, npu_f32x4 *spectrum, npu_f32x4 *x);

#endif /* NPU_MEL_FFT_H */
