/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_NPU_MODEL_REFUSALS_H
#define TESTS_NPU_MODEL_REFUSALS_H
/* Single faults put into good weights files, and what the refusal must say. */
#include <errno.h>
#include <stdint.h>

#include "npu/model/model.h"

struct edit {
    const char *name, *from, *to; /* the first `from` of the header becomes `to` */
    int code;
    const char *words[3]; /* that the sentence holds */
};

#define CONV2 "\"model.encoder.conv2.bias\""
static const struct edit edits[] = {
    {"blanks", "{\"__", "{ \n\t\"__", 0, {0}},
    {"trailing_blanks", "]}}", "]}}    ", 0, {0}},
    {"order_of_fields",
     "\"dtype\":\"F16\",\"shape\":[64,80,3],",
     "\"shape\":[64,80,3],\"dtype\":\"F16\",",
     0,
     {0}},
    {"metadata_escape", "\"pt\"", "\"p\\\"\\\\\\u12aF\"", 0, {0}},
    {"decoder_integer",
     "proj_out.weight\":{\"dtype\":\"F16\"",
     "proj_out.weight\":{\"dtype\":\"I16\"",
     0,
     {0}},
    {"decoder_damaged",
     "proj_out.weight\":{\"dtype\":\"F16\"",
     "proj_out.weight\":{\"dtype\":\"F32\"",
     -EBADMSG,
     {"proj_out.weight", "24", "12"}},
    {"duplicate_tensor",
     "model.encoder.conv2.bias",
     "model.encoder.conv1.bias",
     -EBADMSG,
     {"model.encoder.conv1.bias", "twice"}},
    {"two_prefixes",
     "model.encoder.conv2.bias",
     "encoder.conv1.bias",
     -EBADMSG,
     {"encoder.conv1.bias", "one of that meaning"}},
    {"duplicate_metadata", "\"note\"", "\"format\"", -EBADMSG, {"twice"}},
    {"duplicate_field",
     "\"shape\":[64,80,3]",
     "\"dtype\":\"F16\"",
     -EBADMSG,
     {"conv1.weight", "dtype again"}},
    {"missing_field", "\"shape\":[64,80,3],", "", -EBADMSG, {"conv1.weight", "no shape"}},
    {"unknown_field",
     "\"shape\":[64,80,3]",
     "\"shapes\":[64,80,3]",
     -EBADMSG,
     {"conv1.weight", "found shapes"}},
    {"metadata_no_string", "\"pt\"", "7", -EBADMSG, {"'\"'", "'7'"}},
    {"metadata_deep", "\"pt\"", "{}", -EBADMSG, {"'\"'", "'{'"}},
    {"metadata_control", "\"pt\"", "\"\n\"", -EBADMSG, {"control character"}},
    {"metadata_utf8", "\xc3\xa9", "\xc3(", -EBADMSG, {"UTF-8"}},
    {"metadata_overlong", "\xc3\xa9", "\xc0\xa9", -EBADMSG, {"UTF-8"}},
    {"metadata_bad_escape", "\\u00e9", "\\x00e9", -EBADMSG, {"escape"}},
    {"name_escape",
     "model.encoder.conv2.bias",
     "model.encoder.conv2\\u002ebias",
     -EBADMSG,
     {"escapes"}},
    {"name_not_ascii", "model.encoder.conv2.bias", "model.encoder.\xc3\xa9", -EBADMSG, {"ASCII"}},
    {"name_empty", "model.encoder.conv2.bias", "", -EBADMSG, {"not empty"}},
    {"name_unknown",
     "model.encoder.conv2.bias",
     "model.encoder.conv3.bias",
     -ENOTSUP,
     {"model.encoder.conv3.bias"}},
    {"name_other_model", "\"proj_out.weight\"", "\"lm_head.weight\"", -ENOTSUP, {"lm_head.weight"}},
    {"layer_leading_zero", "layers.0.fc1.bias", "layers.00.fc1.bias", -ENOTSUP, {"layers.00"}},
    {"layer_too_high", "layers.0.fc1.bias", "layers.64.fc1.bias", -ENOTSUP, {"layers.64"}},
    {"layer_missing",
     "layers.0.fc1.bias",
     "layers.2.fc1.bias",
     -ENOTSUP,
     {"layers.0.fc1.bias", "found none", "3 layers"}},
    {"dtype_unknown", "\"F16\"", "\"F17\"", -EBADMSG, {"conv1.weight", "F32, F16 or BF16", "F17"}},
    {"dtype_integer", "\"F16\"", "\"I16\"", -ENOTSUP, {"conv1.weight", "F32, F16 or BF16"}},
    {"dtype_size", "\"F16\"", "\"F32\"", -EBADMSG, {"conv1.weight", "61440", "30720"}},
    {"number_float", "[64,80,3]", "[64,80,3.0]", -EBADMSG, {"conv1.weight", "'.'"}},
    {"number_exponent", "[64,80,3]", "[64,8e1,3]", -EBADMSG, {"conv1.weight", "'e'"}},
    {"number_negative", "[64,80,3]", "[64,-80,3]", -EBADMSG, {"an integer", "'-'"}},
    {"number_leading_zero", "[64,80,3]", "[064,80,3]", -EBADMSG, {"leading zero"}},
    {"number_large", "[64,80,3]", "[9007199254740993,80,3]", -EBADMSG, {"2^53"}},
    {"number_wraps", "[64,80,3]", "[18446744073709551680,80,3]", -EBADMSG, {"2^53"}},
    {"shape_deep", "[64,80,3]", "[[64,80,3]]", -EBADMSG, {"'['"}},
    {"shape_five", "[64,80,3]", "[64,80,3,1,1]", -EBADMSG, {"four dimensions"}},
    {"shape_zero", "[64,80,3]", "[64,0,3]", -EBADMSG, {"conv1.weight", "[64, 0, 3]"}},
    {"shape_huge", "[64,80,3]", "[2147483649,80,3]", -EBADMSG, {"2^31"}},
    {"shape_overflow",
     "[64,80,3]",
     "[2147483648,2147483648,4]",
     -EBADMSG,
     {"conv1.weight", "fits"}},
    {"shape_swapped",
     "[64,80,3]",
     "[80,64,3]",
     -ENOTSUP,
     {"conv1.weight", "80 or 128", "[80, 64, 3]"}},
    {"shape_of_layer", "[256,64]", "[64,256]", -ENOTSUP, {"fc1.weight", "[256, 64]", "[64, 256]"}},
    {"shape_rank",
     "conv1.bias\":{\"dtype\":\"F16\",\"shape\":[64]",
     "conv1.bias\":{\"dtype\":\"F16\",\"shape\":[64,1]",
     -ENOTSUP,
     {"conv1.bias", "[64]", "[64, 1]"}},
    {"scalar",
     "conv1.bias\":{\"dtype\":\"F16\",\"shape\":[64]",
     "conv1.bias\":{\"dtype\":\"F16\",\"shape\":[]",
     -EBADMSG,
     {"conv1.bias", "expected 2 bytes", "found 128"}},
    {"offsets_reversed", "[0,30720]", "[30720,0]", -EBADMSG, {"conv1.weight", "[30720, 0]"}},
    {"offsets_one", "[0,30720]", "[30720]", -EBADMSG, {"two integers"}},
    {"offsets_three", "[0,30720]", "[0,30720,1]", -EBADMSG, {"two integers"}},
    {"offsets_beyond", "[0,30720]", "[0,9007199254740992]", -EBADMSG, {"conv1.weight", "inside"}},
    {"offsets_hole", "[30720,30848]", "[30722,30850]", -EBADMSG, {"conv1.bias", "hole"}},
    {"offsets_overlap", "[30720,30848]", "[30718,30846]", -EBADMSG, {"conv1.bias", "over another"}},
    {"trailing_text", "]}}", "]}}x", -EBADMSG, {"nothing but blanks", "'x'"}},
    {"trailing_comma", "]}}", "]},}", -EBADMSG, {"'\"'", "'}'"}},
    {"unclosed", "]}}", "]}", -EBADMSG, {"'}'", "the header's end"}},
};

struct patch {
    const char *name;
    enum npu_tensor tensor; /* COUNT: `at` is from the start of the file */
    int at;                 /* byte; from the tensor's data backwards */
    uint32_t value;
    int code;
    const char *words[3];
};

/* Before the data of a tensor: n_dims, name length, type, dimensions, name. For the final norm's
 * bias (one dimension, "encoder.ln_post.bias", 20 bytes): -36 n_dims, -32 length, -28 type, -24 ne.
 */
static const struct patch patches[] = {
    {"n_ctx", NPU_TENSOR_COUNT, 8, 5, -EBADMSG, {"n_audio_ctx", "expected 4", "found 5"}},
    {"n_ctx_huge", NPU_TENSOR_COUNT, 8, 0x7fffffff, -EBADMSG, {"n_audio_ctx", "1500"}},
    {"n_state", NPU_TENSOR_COUNT, 12, 128, -EBADMSG, {"n_audio_state", "expected 64", "found 128"}},
    {"n_head", NPU_TENSOR_COUNT, 16, 2, -EBADMSG, {"n_audio_head", "expected 1"}},
    {"n_layer", NPU_TENSOR_COUNT, 20, 2, -EBADMSG, {"n_audio_layer", "found 2"}},
    {"n_layer_zero", NPU_TENSOR_COUNT, 20, 0, -EBADMSG, {"n_audio_layer", "found 0"}},
    {"n_text_layer", NPU_TENSOR_COUNT, 36, 2, -EBADMSG, {"n_text_layer", "52", "28"}},
    {"no_decoder", NPU_TENSOR_COUNT, 36, 0, -EBADMSG, {"n_text_layer", "expected 0", "28"}},
    {"n_mels", NPU_TENSOR_COUNT, 40, 128, -EBADMSG, {"n_mel of the filters", "128", "80"}},
    {"ftype_unknown", NPU_TENSOR_COUNT, 44, 10, -ENOTSUP, {"ftype", "found 10"}},
    {"ftype_old", NPU_TENSOR_COUNT, 44, 1002, -ENOTSUP, {"ftype", "version 2", "found 1"}},
    {"bins", NPU_TENSOR_COUNT, 52, 0xffffffff, -EBADMSG, {"n_fft", "201", "4294967295"}},
    {"tokens", NPU_TENSOR_COUNT, 56 + 4 * 80 * 201, 0x7fffffff, -EBADMSG, {"number of tokens"}},
    {"token_length",
     NPU_TENSOR_COUNT,
     60 + 4 * 80 * 201,
     0x7fffffff,
     -EBADMSG,
     {"length of a token"}},
    {"n_dims", NPU_TENSOR_NORM_BIAS, -36, 5, -EBADMSG, {"n_dims", "0 .. 4", "found 5"}},
    {"n_dims_negative", NPU_TENSOR_NORM_BIAS, -36, 0xffffffff, -EBADMSG, {"n_dims"}},
    {"name_length", NPU_TENSOR_NORM_BIAS, -32, 129, -EBADMSG, {"name", "1 .. 128", "found 129"}},
    {"type_unknown", NPU_TENSOR_NORM_BIAS, -28, 12, -ENOTSUP, {"encoder.ln_post.bias", "found 12"}},
    {"dim_zero", NPU_TENSOR_NORM_BIAS, -24, 0, -EBADMSG, {"dimension", "found 0"}},
    {"dim_huge", NPU_TENSOR_NORM_BIAS, -24, 0x7fffffff, -EBADMSG, {"encoder.ln_post.bias", "fits"}},
    {"name_byte", NPU_TENSOR_NORM_BIAS, -20, 0x00636e65, -EBADMSG, {"ASCII", "0x00"}},
    {"name_unknown", NPU_TENSOR_NORM_BIAS, -4, 0x7361696a, -ENOTSUP, {"encoder.ln_post.jias"}},
};

#endif /* TESTS_NPU_MODEL_REFUSALS_H */
