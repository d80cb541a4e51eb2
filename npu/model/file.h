/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_MODEL_FILE_H
#define NPU_MODEL_FILE_H
/* What the two readers hand to model.c: an opened file and a checked list of the tensors in it, as
 * named and shaped by the file. Nothing here knows what a Whisper encoder needs. */
#include "npu/model/convert.h"
#include "npu/npu.h"

#define NPU_FILE_MAX_BYTES   (UINT64_C(8) << 30)
#define NPU_FILE_MAX_TENSORS 4096u /* large-v3 with its decoder has 1259 */
#define NPU_FILE_MAX_DIM     (UINT64_C(1) << 31)
#define NPU_FILE_NAME_SIZE   129 /* 1 .. 128 bytes of printable ASCII and a NUL */
#define NPU_FILE_MAX_DIMS    4

struct npu_file_tensor {
    char name[NPU_FILE_NAME_SIZE];
    enum npu_dtype dtype;
    unsigned n_dims;
    uint64_t dims[NPU_FILE_MAX_DIMS]; /* torch's order: the last one runs fastest */
    uint64_t offset, bytes;           /* in the file; inside it, and bytes == count * type */
};

/* What a ggml header claims besides the shapes; all 0 where the format claims nothing. */
struct npu_file_claims {
    unsigned n_mels, n_ctx, d_model, n_heads, n_layers;
    unsigned n_decoder_layers;
};

struct npu_file {
    int fd;
    uint64_t size;
    char label[320]; /* the path, or its end, for messages */
    const char *format;
    struct npu_file_tensor *tensors;
    size_t n_tensors, n_allocated;
    struct npu_file_claims claims;
};

/* Read exactly `bytes` at `offset`. Returns 0; -EIO, with `what` in the message. Threads: any. */
int npu_file_read(int fd, const char *label, const char *what, uint64_t offset, void *dst,
                  size_t bytes, struct npu_error *err);

/* Append a copy of `tensor`, after checking its dimensions, its type and that
 * `tensor->bytes` is what they need. The list grows with the entries seen, never with a number
 * read. Returns 0; -EBADMSG; -ENOMEM. */
int npu_file_add(struct npu_file *file, const struct npu_file_tensor *tensor,
                 struct npu_error *err);

/* Bytes of a tensor from its dimensions and type, overflow checked. Returns 0; -EBADMSG. */
int npu_file_tensor_bytes(const struct npu_file *file, const struct npu_file_tensor *tensor,
                          uint64_t *bytes, struct npu_error *err);

/* No name twice. Returns 0; -EBADMSG; -ENOMEM. */
int npu_file_check_names(const struct npu_file *file, struct npu_error *err);

/* "[512, 80, 3]", for messages. */
struct npu_shape_text {
    char text[4 * 24];
};
struct npu_shape_text npu_shape_format(unsigned n_dims, const uint64_t *dims);

/* The readers. On failure the list may be half full; the caller frees it in any case. Returns 0;
 * -EBADMSG; -ENOTSUP; -EIO; -ENOMEM. */
int npu_safetensors_read(struct npu_file *file, struct npu_error *err);
int npu_ggml_read(struct npu_file *file, struct npu_error *err);

#define NPU_GGML_MAGIC 0x67676d6cu /* "ggml" as a little-endian number: bytes 6c 6d 67 67 */

#endif /* NPU_MODEL_FILE_H */
