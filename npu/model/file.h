/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_MODEL_FILE_H
#define NPU_MODEL_FILE_H
/* What the readers produce: an opened file and a checked list of the tensors in it, as named and
 * shaped by the file. Nothing here knows what a Whisper encoder needs: a tensor of any name, rank
 * and type is listed, because it may belong to something else in the file. */
#include <sys/stat.h>

#include "npu/model/convert.h"
#include "npu/npu.h"

#define NPU_FILE_MIN_BYTES        10u
#define NPU_FILE_MAX_BYTES        (UINT64_C(1) << 40)
#define NPU_FILE_MAX_TENSORS      100000u /* a model of 7 billion parameters has about 1000 */
#define NPU_FILE_MAX_GGML_TENSORS 4096u   /* large-v3 with its decoder has 1259 */
#define NPU_FILE_MAX_DIM          (UINT64_C(1) << 31)
#define NPU_FILE_MAX_NAME         4096u
#define NPU_FILE_MAX_DIMS         4 /* that are kept; a tensor may have more */
#define NPU_FILE_MAX_TYPE         16u

#define NPU_FILE_NO_SOURCE UINT32_MAX

struct npu_file_tensor {
    const char *name; /* in the file's text (transfer none) */
    const char
        *part; /* of a sharded model: the name of the file it is in (transfer none), or NULL */
    enum npu_dtype dtype;
    char type_name[NPU_FILE_MAX_TYPE + 1]; /* as the file has it; "" for ggml */
    unsigned n_dims;
    uint64_t dims[NPU_FILE_MAX_DIMS]; /* torch's order: the last one runs fastest */
    uint64_t count;                   /* product of all dimensions; UINT64_MAX: 2^64 or more */
    uint64_t offset, bytes;           /* in the file; inside it, and bytes == count * type */
    uint32_t source;                  /* of a sharded model: which of its opened files */
};

/* What a ggml header claims besides the shapes; all 0 where the format claims nothing. */
struct npu_file_claims {
    unsigned n_mels, n_ctx, d_model, n_heads, n_layers;
    unsigned n_decoder_layers;
};

/* An opened regular file. */
struct npu_file_source {
    int fd;             /* -1: closed */
    struct stat opened; /* to notice that the file changed */
    char label[320];    /* the path, or its end, for messages */
};

struct npu_file_names; /* memory for names that are not in the file's text */

struct npu_file {
    int fd;
    uint64_t size;
    const char *label;
    const char *format;
    struct npu_file_tensor *tensors;
    size_t n_tensors, n_allocated, max_tensors;
    struct npu_file_claims claims;
    uint8_t *text; /* header or index, for the names in it */
    struct npu_file_names *names;
};

/* Open a regular file of 10 bytes .. 1 TiB. Returns 0; -ENOENT, -EACCES, -EIO, -ENOMEM from the
 * system; -EBADMSG no regular file or another size. */
int npu_file_open(struct npu_file_source *source, const char *path, struct npu_error *err);
void npu_file_close(struct npu_file_source *source);

/* Whether the file is still what it was when it was opened. `what` for the message. Returns 0;
 * -EIO; -EBADMSG. Threads: any. */
int npu_file_check_unchanged(const struct npu_file_source *source, const char *what,
                             struct npu_error *err);

/* An empty list for a reader to fill; and the call that frees it. The source stays the caller's. */
void npu_file_init(struct npu_file *file, const struct npu_file_source *source);
void npu_file_clear(struct npu_file *file);

/* Read exactly `bytes` at `offset`. Returns 0; -EIO, with `what` in the message. Threads: any. */
int npu_file_read(int fd, const char *label, const char *what, uint64_t offset, void *dst,
                  size_t bytes, struct npu_error *err);

/* Append a copy of `tensor`. The list grows with the entries seen, never by a number from the file.
 * Returns 0; -EBADMSG more than max_tensors; -ENOMEM. */
int npu_file_append(struct npu_file *file, const struct npu_file_tensor *tensor,
                    struct npu_error *err);

/* The same, after checking its dimensions, its type and that `tensor->bytes` is what they need. */
int npu_file_add(struct npu_file *file, const struct npu_file_tensor *tensor,
                 struct npu_error *err);

/* Bytes of a tensor from its dimensions and type, overflow checked; tensor->bytes for a type of
 * unknown size. Returns 0; -EBADMSG. */
int npu_file_tensor_bytes(const struct npu_file *file, const struct npu_file_tensor *tensor,
                          uint64_t *bytes, struct npu_error *err);

/* Product of dimensions, UINT64_MAX where it does not fit. */
uint64_t npu_file_multiply(uint64_t count, uint64_t dim);

/* A copy of a name of n <= 128 bytes that lives as long as the file. NULL: no memory. */
const char *npu_file_keep_name(struct npu_file *file, const char *name, size_t n);

/* Checks that no name occurs twice. Returns 0; -EBADMSG; -ENOMEM. */
int npu_file_check_names(const struct npu_file *file, struct npu_error *err);

/* "[512, 80, 3]", for messages. */
struct npu_shape_text {
    char text[4 * 24 + 8];
};
struct npu_shape_text npu_shape_format(unsigned n_dims, const uint64_t *dims);

/* The readers. On failure the list may be half full; the caller clears it in any case. Returns 0;
 * -EBADMSG; -ENOTSUP; -EIO; -ENOMEM. */
int npu_safetensors_read(struct npu_file *file, struct npu_error *err);
int npu_ggml_read(struct npu_file *file, struct npu_error *err);

#define NPU_GGML_MAGIC 0x67676d6cu /* "ggml" as a little-endian number: bytes 6c 6d 67 67 */

#endif /* NPU_MODEL_FILE_H */
