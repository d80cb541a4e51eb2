/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What both file formats share: exact reads, the list of tensors, its checks. */
#include "npu/model/file.h"
#include "npu/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int npu_file_read(int fd, const char *label, const char *what, uint64_t offset, void *dst,
                  size_t bytes, struct npu_error *err)
{
    size_t done = 0;
    while (done < bytes) {
        ssize_t n = pread(fd, (uint8_t *)dst + done, bytes - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return npu_fail(err, -EIO,
                            "%s: %s: expected %zu bytes at %" PRIu64 ", found a read error: %s",
                            label, what, bytes, offset, strerror(errno));
        if (n == 0)
            return npu_fail(err, -EIO,
                            "%s: %s: expected %zu bytes at %" PRIu64
                            ", found the end of the file after %zu: it was cut while in use",
                            label, what, bytes, offset, done);
        done += (size_t)n;
    }
    return 0;
}

struct npu_shape_text npu_shape_format(unsigned n_dims, const uint64_t *dims)
{
    struct npu_shape_text out = {"["};
    size_t used = 1;
    for (unsigned i = 0; i < n_dims; i++)
        used += (size_t)snprintf(out.text + used, sizeof(out.text) - used, "%s%" PRIu64,
                                 i ? ", " : "", dims[i]);
    snprintf(out.text + used, sizeof(out.text) - used, "]");
    return out;
}

int npu_file_tensor_bytes(const struct npu_file *file, const struct npu_file_tensor *tensor,
                          uint64_t *bytes, struct npu_error *err)
{
    const struct npu_dtype_info *type = &npu_dtypes[tensor->dtype];
    struct npu_shape_text shape = npu_shape_format(tensor->n_dims, tensor->dims);
    uint64_t count = 1;
    bool fits = true;
    for (unsigned i = 0; i < tensor->n_dims; i++) {
        if (tensor->dims[i] == 0 || tensor->dims[i] > NPU_FILE_MAX_DIM)
            return npu_fail(err, -EBADMSG,
                            "%s: tensor %s: expected dimensions of 1 .. 2^31, found %s",
                            file->label, tensor->name, shape.text);
        fits = fits && !__builtin_mul_overflow(count, tensor->dims[i], &count);
    }
    uint64_t row = tensor->n_dims ? tensor->dims[tensor->n_dims - 1] : 1;
    if (row % type->block != 0)
        return npu_fail(err, -EBADMSG,
                        "%s: tensor %s: expected rows in multiples of %u for %s, found shape %s",
                        file->label, tensor->name, type->block, type->name, shape.text);
    if (!fits || __builtin_mul_overflow(count / type->block, (uint64_t)type->block_bytes, bytes) ||
        *bytes > file->size)
        return npu_fail(err, -EBADMSG,
                        "%s: tensor %s: expected a shape that fits the file's %" PRIu64
                        " bytes, found %s of %s",
                        file->label, tensor->name, file->size, shape.text, type->name);
    return 0;
}

static int grow(struct npu_file *file, struct npu_error *err)
{
    if (file->n_tensors < file->n_allocated)
        return 0;
    if (file->n_tensors >= NPU_FILE_MAX_TENSORS)
        return npu_fail(err, -EBADMSG, "%s: expected at most %u tensors, found more", file->label,
                        NPU_FILE_MAX_TENSORS);
    size_t n = file->n_allocated ? 2 * file->n_allocated : 64;
    struct npu_file_tensor *tensors = realloc(file->tensors, n * sizeof(*tensors));
    if (!tensors)
        return npu_fail(err, -ENOMEM, "%s: no memory for a list of %zu tensors", file->label, n);
    file->tensors = tensors;
    file->n_allocated = n;
    return 0;
}

int npu_file_add(struct npu_file *file, const struct npu_file_tensor *tensor, struct npu_error *err)
{
    uint64_t bytes;
    int code = npu_file_tensor_bytes(file, tensor, &bytes, err);
    if (code)
        return code;
    if (bytes != tensor->bytes)
        return npu_fail(err, -EBADMSG,
                        "%s: tensor %s: expected %" PRIu64 " bytes for shape %s of %s, found"
                        " %" PRIu64,
                        file->label, tensor->name, bytes,
                        npu_shape_format(tensor->n_dims, tensor->dims).text,
                        npu_dtypes[tensor->dtype].name, tensor->bytes);
    if (tensor->offset > file->size || bytes > file->size - tensor->offset)
        return npu_fail(err, -EBADMSG,
                        "%s: tensor %s: expected its %" PRIu64 " bytes at %" PRIu64
                        " inside the file, found a file of %" PRIu64 " bytes",
                        file->label, tensor->name, bytes, tensor->offset, file->size);
    code = grow(file, err);
    if (code)
        return code;
    file->tensors[file->n_tensors++] = *tensor;
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    const struct npu_file_tensor *const *left = a, *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

int npu_file_check_names(const struct npu_file *file, struct npu_error *err)
{
    if (file->n_tensors == 0)
        return 0;
    const struct npu_file_tensor **sorted = malloc(file->n_tensors * sizeof(*sorted));
    if (!sorted)
        return npu_fail(err, -ENOMEM, "%s: no memory for %zu names", file->label, file->n_tensors);
    for (size_t i = 0; i < file->n_tensors; i++)
        sorted[i] = &file->tensors[i];
    qsort(sorted, file->n_tensors, sizeof(*sorted), compare_names);
    int code = 0;
    for (size_t i = 1; i < file->n_tensors && !code; i++)
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
            code = npu_fail(err, -EBADMSG, "%s: tensor %s: expected once, found twice", file->label,
                            sorted[i]->name);
    free(sorted);
    return code;
}
