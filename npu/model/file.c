/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by all file formats: the opened file, exact reads, the list of tensors, its checks. */
#include "npu/model/file.h"
#include "npu/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct npu_file_names {
    struct npu_file_names *next;
    size_t used;
    char text[4000];
};

/* The path for messages: its last 300 bytes, so that the rest of a sentence always fits. */
static void set_label(char *label, size_t size, const char *path)
{
    size_t n = strlen(path);
    if (n <= 300)
        snprintf(label, size, "%s", path);
    else
        snprintf(label, size, "...%s", path + n - 300);
}

/* O_NONBLOCK: a FIFO must be refused, not waited for. */
int npu_file_open(struct npu_file_source *source, const char *path, struct npu_error *err)
{
    struct stat *st = &source->opened;
    set_label(source->label, sizeof(source->label), path);
    source->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (source->fd < 0 || fstat(source->fd, st) != 0) {
        int code = errno == ENOENT || errno == ENOTDIR ? -ENOENT
                   : errno == EACCES || errno == EPERM ? -EACCES
                   : errno == ENOMEM                   ? -ENOMEM
                                                       : -EIO;
        return npu_fail(err, code, "%s: expected a weights file, found: %s", source->label,
                        strerror(errno));
    }
    if (!S_ISREG(st->st_mode))
        return npu_fail(err, -EBADMSG, "%s: expected a weights file, found %s", source->label,
                        S_ISDIR(st->st_mode) ? "a folder" : "no regular file");
    if (st->st_size == 0)
        return npu_fail(err, -EBADMSG,
                        "%s: expected a weights file, found an empty one (0 bytes): its download "
                        "has failed or not begun; fetch it again",
                        source->label);
    if (st->st_size < (off_t)NPU_FILE_MIN_BYTES || (uint64_t)st->st_size > NPU_FILE_MAX_BYTES)
        return npu_fail(err, -EBADMSG,
                        "%s: expected a weights file of 10 bytes .. 1 TiB, found %lld bytes",
                        source->label, (long long)st->st_size);
    return 0;
}

void npu_file_close(struct npu_file_source *source)
{
    if (source->fd >= 0)
        close(source->fd);
    source->fd = -1;
}

/* The header was checked once; a file changed since then may contain anything. */
int npu_file_check_unchanged(const struct npu_file_source *source, const char *what,
                             struct npu_error *err)
{
    const struct stat *then = &source->opened;
    struct stat now;
    if (fstat(source->fd, &now) != 0)
        return npu_fail(err, -EIO, "%s: tensor %s: %s", source->label, what, strerror(errno));
    if (now.st_size < then->st_size)
        return npu_fail(err, -EIO,
                        "%s: tensor %s: expected a file of %lld bytes as when it was opened, found "
                        "%lld",
                        source->label, what, (long long)then->st_size, (long long)now.st_size);
    if (now.st_size != then->st_size || now.st_mtim.tv_sec != then->st_mtim.tv_sec ||
        now.st_mtim.tv_nsec != then->st_mtim.tv_nsec)
        return npu_fail(err, -EBADMSG,
                        "%s: tensor %s: expected the file as it was opened, found it rewritten",
                        source->label, what);
    return 0;
}

void npu_file_init(struct npu_file *file, const struct npu_file_source *source)
{
    *file = (struct npu_file){
        .fd = source->fd,
        .size = (uint64_t)source->opened.st_size,
        .label = source->label,
        .max_tensors = NPU_FILE_MAX_TENSORS,
    };
}

void npu_file_clear(struct npu_file *file)
{
    free(file->tensors);
    free(file->text);
    while (file->names) {
        struct npu_file_names *next = file->names->next;
        free(file->names);
        file->names = next;
    }
    *file = (struct npu_file){.fd = -1};
}

const char *npu_file_keep_name(struct npu_file *file, const char *name, size_t n)
{
    struct npu_file_names *names = file->names;
    if (!names || sizeof(names->text) - names->used <= n) {
        names = malloc(sizeof(*names));
        if (!names)
            return NULL;
        names->next = file->names;
        names->used = 0;
        file->names = names;
    }
    char *kept = names->text + names->used;
    memcpy(kept, name, n);
    kept[n] = 0;
    names->used += n + 1;
    return kept;
}

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
    for (unsigned i = 0; i < n_dims && i < NPU_FILE_MAX_DIMS; i++)
        used += (size_t)snprintf(out.text + used, sizeof(out.text) - used, "%s%" PRIu64,
                                 i ? ", " : "", dims[i]);
    snprintf(out.text + used, sizeof(out.text) - used, "%s]",
             n_dims > NPU_FILE_MAX_DIMS ? ", ..." : "");
    return out;
}

uint64_t npu_file_multiply(uint64_t count, uint64_t dim)
{
    uint64_t product;
    return __builtin_mul_overflow(count, dim, &product) ? UINT64_MAX : product;
}

int npu_file_tensor_bytes(const struct npu_file *file, const struct npu_file_tensor *tensor,
                          uint64_t *bytes, struct npu_error *err)
{
    const struct npu_dtype_info *type = &npu_dtypes[tensor->dtype];
    struct npu_shape_text shape = npu_shape_format(tensor->n_dims, tensor->dims);
    for (unsigned i = 0; i < tensor->n_dims && i < NPU_FILE_MAX_DIMS; i++)
        if (tensor->dims[i] > NPU_FILE_MAX_DIM)
            return npu_fail(err, -EBADMSG,
                            "%s: tensor %.160s: expected dimensions of at most 2^31, found %s",
                            file->label, tensor->name, shape.text);
    *bytes = tensor->bytes;
    if (tensor->dtype == NPU_DTYPE_UNKNOWN)
        return 0;
    /* only ggml has blocks, and its tensors have no more dimensions than the list keeps */
    uint64_t row = type->block == 1 ? 0 : tensor->n_dims ? tensor->dims[tensor->n_dims - 1] : 1;
    if (row % type->block != 0)
        return npu_fail(err, -EBADMSG,
                        "%s: tensor %.160s: expected rows in multiples of %u for %s, found shape "
                        "%s",
                        file->label, tensor->name, type->block, type->name, shape.text);
    if (tensor->count == UINT64_MAX ||
        __builtin_mul_overflow(tensor->count / type->block, (uint64_t)type->block_bytes, bytes) ||
        *bytes > file->size)
        return npu_fail(err, -EBADMSG,
                        "%s: tensor %.160s: expected a shape that fits the file's %" PRIu64
                        " bytes, found %s of %s",
                        file->label, tensor->name, file->size, shape.text, type->name);
    return 0;
}

int npu_file_append(struct npu_file *file, const struct npu_file_tensor *tensor,
                    struct npu_error *err)
{
    if (file->n_tensors == file->n_allocated) {
        if (file->n_tensors >= file->max_tensors)
            return npu_fail(err, -EBADMSG, "%s: expected at most %zu tensors, found more",
                            file->label, file->max_tensors);
        size_t n = file->n_allocated ? 2 * file->n_allocated : 64;
        n = n < file->max_tensors ? n : file->max_tensors;
        struct npu_file_tensor *tensors = realloc(file->tensors, n * sizeof(*tensors));
        if (!tensors)
            return npu_fail(err, -ENOMEM, "%s: no memory for a list of %zu tensors", file->label,
                            n);
        file->tensors = tensors;
        file->n_allocated = n;
    }
    file->tensors[file->n_tensors++] = *tensor;
    return 0;
}

int npu_file_add(struct npu_file *file, const struct npu_file_tensor *tensor, struct npu_error *err)
{
    uint64_t bytes = 0;
    int code = npu_file_tensor_bytes(file, tensor, &bytes, err);
    if (code)
        return code;
    if (bytes != tensor->bytes)
        return npu_fail(err, -EBADMSG,
                        "%s: tensor %.160s: expected %" PRIu64 " bytes for shape %s of %s, found"
                        " %" PRIu64,
                        file->label, tensor->name, bytes,
                        npu_shape_format(tensor->n_dims, tensor->dims).text,
                        npu_dtypes[tensor->dtype].name, tensor->bytes);
    if (tensor->offset > file->size || bytes > file->size - tensor->offset)
        return npu_fail(err, -EBADMSG,
                        "%s: tensor %.160s: expected its %" PRIu64 " bytes at %" PRIu64
                        " inside the file, found a file of %" PRIu64 " bytes",
                        file->label, tensor->name, bytes, tensor->offset, file->size);
    return npu_file_append(file, tensor, err);
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
            code = npu_fail(err, -EBADMSG, "%s: tensor %.160s: expected once, found twice",
                            file->label, sorted[i]->name);
    free(sorted);
    return code;
}
