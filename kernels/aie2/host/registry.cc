/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/aie2/host/registry.h"
#include "kernels/aie2/aie2.h"
#include "kernels/aie2/host/cycles.h"

#include <aie_api/aie.hpp>

#include <cstring>
#include <iterator>

namespace
{

const npu_core_cycles defaults = {
#define NPU_CORE_FACTOR(name, pessimistic, published, best, unit, basis) published,
#define NPU_CORE_SLOTS(name, slots, what)                                slots,
    NPU_CORE_CYCLES(NPU_CORE_FACTOR, NPU_CORE_SLOTS)
#undef NPU_CORE_FACTOR
#undef NPU_CORE_SLOTS
};

thread_local const npu_core_cycles *in_use = &defaults;

const npu_core_cycles &cost()
{
    return *in_use;
}

const npu_core_job *job_at(const int64_t *args, int i)
{
    return reinterpret_cast<const npu_core_job *>((uintptr_t)args[i]);
}

/* 64 x 64 x k products at `rate` a cycle, in groups of 4 x 2 blocks. */
uint64_t product_cycles(uint64_t k, uint64_t rate, uint64_t groups)
{
    return npu_core_product_cycles(64 * 64 * k, rate, groups);
}

uint64_t lane_cycles(uint64_t lanes, uint64_t per_16)
{
    return npu_core_loop_cycles((lanes + 15) / 16 * per_16);
}

/* The loops of a call that is counted already. */
uint64_t more_cycles(uint64_t slots)
{
    return slots * cost().loops / 100;
}

uint64_t job_cycles(const int64_t *args)
{
    uint64_t copied = NPU_JOB_BYTES + (job_at(args, 0)->lut ? 8192 : 0);
    return npu_core_loop_cycles(copied / 32 * cost().copy_32b);
}
uint64_t begin_s32_cycles(const int64_t *)
{
    return npu_core_loop_cycles(16384 / 32 * cost().copy_32b / 2);
}
uint64_t begin_s64_cycles(const int64_t *)
{
    return npu_core_loop_cycles(32768 / 32 * cost().copy_32b / 2);
}
uint64_t step_s16s8_cycles(const int64_t *)
{
    return product_cycles(32, 128, 16);
}
uint64_t step_s8s8_cycles(const int64_t *)
{
    return product_cycles(64, 256, 16);
}
uint64_t step_s16s16_cycles(const int64_t *)
{
    return product_cycles(32, 64, 32);
}
uint64_t narrow_cycles(const int64_t *)
{
    return lane_cycles(4096, cost().narrow_16);
}
uint64_t finish_s16_cycles(const int64_t *)
{
    return lane_cycles(2048, cost().requant_16);
}
uint64_t finish_gelu_cycles(const int64_t *)
{
    return lane_cycles(2048, cost().requant_16 + cost().gelu_16);
}
uint64_t finish_s32_cycles(const int64_t *)
{
    return lane_cycles(1024, cost().requant_16);
}
uint64_t finish_residual_cycles(const int64_t *)
{
    return lane_cycles(1024, cost().residual_16);
}
uint64_t finish_stem_cycles(const int64_t *)
{
    return lane_cycles(1024, cost().residual_16 + cost().stem_16);
}
uint64_t matmul_cycles(const int64_t *args)
{
    uint64_t n = (uint64_t)args[3];
    return npu_core_product_cycles(n * n * n, 256, n / 16 * (n / 16));
}
uint64_t gelu_cycles(const int64_t *args)
{
    return lane_cycles((uint64_t)args[5], cost().gelu_16);
}
uint64_t norm_cycles(const int64_t *args)
{
    uint64_t rows = (uint64_t)args[3], d = (uint64_t)job_at(args, 0)->d;
    return npu_core_loop_cycles(rows * (cost().norm_row + d / 16 * cost().norm_16));
}
uint64_t attention_begin_cycles(const int64_t *)
{
    return npu_core_loop_cycles((16384 + 3072) / 32 * cost().copy_32b / 2);
}
uint64_t scores_cycles(const int64_t *)
{
    return product_cycles(32, 64, 16) + more_cycles(128 * cost().score_16 + 16 * cost().octave_4);
}
/* Counts the rows whose octave rose; the first block rescales none. */
uint64_t weights_cycles(const int64_t *args)
{
    const int32_t *octave = reinterpret_cast<const int32_t *>((uintptr_t)args[2]);
    const int32_t *before = octave + 256;
    uint64_t risen = 0;
    for (int row = 0; row < 64; row++)
        risen += before[0] != NPU_ATTENTION_NO_OCTAVE && octave[4 * row] > before[4 * row];
    return lane_cycles(4096, cost().exp_16) + more_cycles(risen * 17 * cost().rescale_16);
}
uint64_t values_cycles(const int64_t *)
{
    return product_cycles(32, 64, 16);
}
uint64_t attention_finish_cycles(const int64_t *)
{
    return lane_cycles(2048, cost().out_16) + more_cycles(16 * cost().divide_4);
}
uint64_t mel_begin_cycles(const int64_t *)
{
    return npu_core_loop_cycles(200 * cost().turn_32);
}
/* 4 bins x 200 n x 16 frames at 32 products a cycle. */
uint64_t mel_dft_cycles(const int64_t *args)
{
    return cost().call + 4 * 200 * 16 * 100 / (32 * cost().percent) +
           more_cycles(args[3] & 1 ? cost().combine : 8) + cost().blocks / 2;
}
uint64_t mel_finish_cycles(const int64_t *args)
{
    uint64_t n_mels = (uint64_t) reinterpret_cast<const npu_core_mel *>((uintptr_t)args[0])->n_mels;
    return npu_core_loop_cycles(208 * cost().power_16 + 201 * cost().bin_16 +
                                n_mels * cost().log_16 + n_mels / 16 * cost().tile);
}
uint64_t mel_clamp_cycles(const int64_t *args)
{
    uint64_t n_mels = (uint64_t) reinterpret_cast<const npu_core_mel *>((uintptr_t)args[0])->n_mels;
    return npu_core_loop_cycles(n_mels * cost().copy_32b);
}

/* ---- Refusals: the contracts of aie2.h, as far as memory and shifts depend on them ---- */

bool is_within(int32_t value, int32_t least, int32_t most)
{
    return value >= least && value <= most;
}

const char *refuse_part(int64_t part, int32_t most)
{
    if (is_within((int32_t)part, 0, most))
        return nullptr;
    return most == 1 ? "the part is not 0 or 1" : "the part is not 0 .. 3";
}

const char *refuse_shift(const npu_core_job *job)
{
    return is_within(job->shift, 0, 47) ? nullptr : "job.shift is not 0 .. 47";
}

const char *refuse_gelu_shift(const npu_core_job *job)
{
    return is_within(job->gelu_shift, 0, 15) ? nullptr : "job.gelu_shift is not 0 .. 15";
}

const char *refuse_step(const int64_t *args, const uint64_t *)
{
    return is_within((int32_t)args[3], 0, 1) ? nullptr : "the half is not 0 or 1";
}
const char *refuse_narrow(const int64_t *args, const uint64_t *)
{
    return is_within(job_at(args, 0)->acc_shift, 0, 30) ? nullptr : "job.acc_shift is not 0 .. 30";
}
const char *refuse_s16(const int64_t *args, const uint64_t *)
{
    const char *why = refuse_part(args[3], 1);
    return why ? why : refuse_shift(job_at(args, 0));
}
const char *refuse_gelu_result(const int64_t *args, const uint64_t *)
{
    const char *why = refuse_part(args[5], 1);
    why = why ? why : refuse_shift(job_at(args, 0));
    return why ? why : refuse_gelu_shift(job_at(args, 0));
}
const char *refuse_s32(const int64_t *args, const uint64_t *)
{
    const char *why = refuse_part(args[3], 3);
    return why ? why : refuse_shift(job_at(args, 0));
}
const char *refuse_residual(const int64_t *args, const uint64_t *)
{
    const char *why = refuse_part(args[4], 3);
    return why ? why : refuse_shift(job_at(args, 0));
}
const char *refuse_stem(const int64_t *args, const uint64_t *)
{
    const char *why = refuse_part(args[6], 3);
    why = why ? why : refuse_shift(job_at(args, 0));
    if (why)
        return why;
    return is_within(job_at(args, 0)->gelu_shift, -2, 2) ? nullptr
                                                         : "job.gelu_shift is not -2 .. 2";
}
const char *refuse_matmul(const int64_t *args, const uint64_t *room)
{
    int32_t n = (int32_t)args[3];
    if (n != 16 && n != 32 && n != 64)
        return "n is not 16, 32 or 64";
    uint64_t all = (uint64_t)n * (uint64_t)n;
    return room[0] < all || room[1] < all || room[2] < 4 * all ? "n x n is more than a matrix has"
                                                               : nullptr;
}
const char *refuse_gelu(const int64_t *args, const uint64_t *room)
{
    int32_t n = (int32_t)args[5];
    if (n < 32 || n % 32 != 0)
        return "n is no multiple of 32";
    if (room[3] < 4 * (uint64_t)n || room[4] < 2 * (uint64_t)n)
        return "n is more than u or the result has";
    return refuse_gelu_shift(job_at(args, 0));
}
const char *refuse_norm(const int64_t *args, const uint64_t *room)
{
    const npu_core_job *job = job_at(args, 0);
    int32_t rows = (int32_t)args[3];
    if (!is_within(job->d, 64, NPU_JOB_NORM_D) || job->d % 64 != 0)
        return "job.d is no multiple of 64 from 64 to 1280";
    if (rows < 1 || room[1] / 4 / (uint64_t)job->d < (uint64_t)rows ||
        room[2] / 2 / (uint64_t)job->d < (uint64_t)rows)
        return "rows of job.d are more than x or y has";
    /* 2^40 / d, d 10^-5 at up to 2^-14, and 2^10 sqrt(d), each with a margin */
    const int64_t one = 1;
    if (job->u.norm.inv_d < 1 || job->u.norm.inv_d > one << 35 || job->u.norm.eps < 0 ||
        job->u.norm.eps > one << 32 || job->u.norm.sqrt_d < one << 12 ||
        job->u.norm.sqrt_d > one << 17)
        return "the job's inv_d, eps, sqrt_d are not those of a width from 64 to 1280";
    return is_within(job->shift, -16, 40) ? nullptr : "job.shift is not -16 .. 40";
}
const char *refuse_scores(const int64_t *args, const uint64_t *)
{
    const npu_core_job *job = job_at(args, 0);
    if (!is_within(job->shift, 6, 40))
        return "job.shift, of the scores, is not 6 .. 40";
    if (!is_within(job->keys, 1, 1536) || !is_within((int32_t)args[6], 0, 23))
        return "job.keys is not 1 .. 1536, or the block is not 0 .. 23";
    return refuse_part(args[7], 1);
}
const char *refuse_last_part(const int64_t *args, const uint64_t *)
{
    return refuse_part(args[3], 1);
}
/* Of each row: 1 to 1536 weights of at most 32767, four times. */
const char *refuse_attention_finish(const int64_t *args, const uint64_t *)
{
    const int32_t *sum = reinterpret_cast<const int32_t *>((uintptr_t)args[0]) + 512;
    for (int i = 0; i < 256; i++)
        if (!is_within(sum[i], 1, (1 << 26) - 1))
            return "a row's sum of weights is not 1 .. 2^26 - 1";
    return refuse_part(args[3], 1);
}
const char *refuse_mel_dft(const int64_t *args, const uint64_t *)
{
    return is_within((int32_t)args[3], 0, NPU_MEL_OBJECTS - 1) ? nullptr
                                                               : "the object is not 0 .. 103";
}
/* Of finish and clamp: job.n_mels, and whether y is large enough for it. */
const char *refuse_mels(const npu_core_mel *mel, uint64_t y_bytes)
{
    if (mel->n_mels != 80 && mel->n_mels != 128)
        return "job.n_mels is not 80 or 128";
    return y_bytes < 2 * NPU_MEL_PASS * (uint64_t)mel->n_mels ? "y has less than 16 x job.n_mels"
                                                              : nullptr;
}
const char *refuse_mel_finish(const int64_t *args, const uint64_t *room)
{
    const npu_core_mel *mel = reinterpret_cast<const npu_core_mel *>((uintptr_t)args[0]);
    const char *why = refuse_mels(mel, room[2]);
    if (why)
        return why;
    /* filter - 1 triangles are complete at a bin */
    for (int k = 0; k < 201; k++)
        if (mel->filter[k] > mel->n_mels + 1)
            return "job.filter has more triangles than job.n_mels";
    return is_within(mel->gain, -14, 32) ? nullptr : "job.gain is not -14 .. 32";
}
const char *refuse_mel_clamp(const int64_t *args, const uint64_t *room)
{
    const npu_core_mel *mel = reinterpret_cast<const npu_core_mel *>((uintptr_t)args[0]);
    return refuse_mels(mel, room[1] < room[2] ? room[1] : room[2]);
}

template <typename F> void (*untyped(F *fn))(void)
{
    return reinterpret_cast<void (*)(void)>(fn);
}

/* An extent that depends on an argument is given for the smallest: one row of 64 (norm), 32 values
 * (gelu), n = 16 (matmul), 80 mels. */
const uint32_t job_bytes[] = {4096, 4096, 4096, 4096}, begin_s32_bytes[] = {4096, 16384},
               begin_s64_bytes[] = {4096, 32768}, step_bytes[] = {4096, 4096, 16384},
               step_s64_bytes[] = {4096, 4096, 32768}, finish_bytes[] = {4096, 16384, 4096},
               finish_lut_bytes[] = {4096, 4096, 4096, 16384, 4096},
               residual_bytes[] = {4096, 16384, 4096, 4096},
               stem_bytes[] = {4096, 4096, 4096, 16384, 2048, 4096},
               matmul_bytes[] = {256, 256, 1024}, gelu_bytes[] = {4096, 4096, 4096, 128, 64},
               norm_bytes[] = {4096, 256, 128}, attention_begin_bytes[] = {3072, 16384},
               scores_bytes[] = {4096, 4096, 4096, 4096, 3072, 8192},
               weights_bytes[] = {4096, 4096, 3072, 8192, 16384},
               values_bytes[] = {8192, 4096, 16384}, attention_finish_bytes[] = {3072, 16384, 4096},
               mel_begin_bytes[] = {5632, 12800}, mel_dft_bytes[] = {3200, 12800, 26624},
               mel_finish_bytes[] = {4096, 26624, 2560}, mel_clamp_bytes[] = {4096, 2560, 2560};

const npu_core_kernel kernels[] = {
    {"npu_job_begin", untyped(npu_job_begin), "vpppp", job_bytes, job_cycles, nullptr},
    {"npu_gemm_begin_s32", untyped(npu_gemm_begin_s32), "vpp", begin_s32_bytes, begin_s32_cycles,
     nullptr},
    {"npu_gemm_begin_s64", untyped(npu_gemm_begin_s64), "vpp", begin_s64_bytes, begin_s64_cycles,
     nullptr},
    {"npu_gemm_step_s16s8", untyped(npu_gemm_step_s16s8), "vpppi", step_bytes, step_s16s8_cycles,
     refuse_step},
    {"npu_gemm_step_s8s8", untyped(npu_gemm_step_s8s8), "vppp", step_bytes, step_s8s8_cycles,
     nullptr},
    {"npu_gemm_step_s16s16", untyped(npu_gemm_step_s16s16), "vppp", step_s64_bytes,
     step_s16s16_cycles, nullptr},
    {"npu_gemm_narrow", untyped(npu_gemm_narrow), "vpp", begin_s64_bytes, narrow_cycles,
     refuse_narrow},
    {"npu_gemm_finish_s16", untyped(npu_gemm_finish_s16), "vpppi", finish_bytes, finish_s16_cycles,
     refuse_s16},
    {"npu_gemm_finish_gelu", untyped(npu_gemm_finish_gelu), "vpppppi", finish_lut_bytes,
     finish_gelu_cycles, refuse_gelu_result},
    {"npu_gemm_finish_s32", untyped(npu_gemm_finish_s32), "vpppi", finish_bytes, finish_s32_cycles,
     refuse_s32},
    {"npu_gemm_finish_residual", untyped(npu_gemm_finish_residual), "vppppi", residual_bytes,
     finish_residual_cycles, refuse_residual},
    {"npu_gemm_finish_stem", untyped(npu_gemm_finish_stem), "vppppppi", stem_bytes,
     finish_stem_cycles, refuse_stem},
    {"npu_matmul_s8s8", untyped(npu_matmul_s8s8), "vpppi", matmul_bytes, matmul_cycles,
     refuse_matmul},
    {"npu_gelu_s32s16", untyped(npu_gelu_s32s16), "vpppppi", gelu_bytes, gelu_cycles, refuse_gelu},
    {"npu_norm_s32s16", untyped(npu_norm_s32s16), "vpppi", norm_bytes, norm_cycles, refuse_norm},
    {"npu_attention_begin", untyped(npu_attention_begin), "vpp", attention_begin_bytes,
     attention_begin_cycles, nullptr},
    {"npu_attention_scores", untyped(npu_attention_scores), "vppppppii", scores_bytes,
     scores_cycles, refuse_scores},
    {"npu_attention_weights", untyped(npu_attention_weights), "vppppp", weights_bytes,
     weights_cycles, nullptr},
    {"npu_attention_values", untyped(npu_attention_values), "vpppi", values_bytes, values_cycles,
     refuse_last_part},
    {"npu_attention_finish", untyped(npu_attention_finish), "vpppi", attention_finish_bytes,
     attention_finish_cycles, refuse_attention_finish},
    {"npu_logmel_begin", untyped(npu_logmel_begin), "vpp", mel_begin_bytes, mel_begin_cycles,
     nullptr},
    {"npu_logmel_dft", untyped(npu_logmel_dft), "vpppi", mel_dft_bytes, mel_dft_cycles,
     refuse_mel_dft},
    {"npu_logmel_finish", untyped(npu_logmel_finish), "vppp", mel_finish_bytes, mel_finish_cycles,
     refuse_mel_finish},
    {"npu_logmel_clamp", untyped(npu_logmel_clamp), "vppp", mel_clamp_bytes, mel_clamp_cycles,
     refuse_mel_clamp},
};

} // namespace

const npu_core_kernel *npu_core_kernels(uint32_t *n)
{
    *n = (uint32_t)std::size(kernels);
    return kernels;
}

uint64_t npu_core_product_cycles(uint64_t macs, uint64_t rate, uint64_t groups)
{
    return cost().call + macs * 100 / (rate * cost().percent) + groups * cost().blocks;
}

uint64_t npu_core_loop_cycles(uint64_t slots)
{
    return cost().call + slots * cost().loops / 100;
}

void npu_core_cycles_use(const struct npu_core_cycles *constants)
{
    in_use = constants ? constants : &defaults;
}

const npu_core_kernel *npu_core_kernel_find(const char *name)
{
    for (const npu_core_kernel &kernel : kernels)
        if (strcmp(kernel.name, name) == 0)
            return &kernel;
    return nullptr;
}

npu_core_modes npu_core_modes_get(void)
{
    return {(uint32_t)aie::get_rounding(), (uint32_t)aie::get_saturation()};
}

void npu_core_modes_set(npu_core_modes modes)
{
    aie::set_rounding((aie::rounding_mode)modes.rounding);
    aie::set_saturation((aie::saturation_mode)modes.saturation);
}
