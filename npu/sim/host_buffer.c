/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npu/sim/host_buffer.h"
#include "npu/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MOST_BYTES  ((uint64_t)1 << 32)
#define MOST_HEADER 65548 /* bytes of a .npy header, including what comes before its length */

/* NumPy's name of an element type ("<i4"); NULL: NumPy lacks the type. */
static const char *numpy_name(enum npu_ir_elem elem)
{
    switch (elem) {
    case NPU_IR_I1:
        return "|b1";
    case NPU_IR_I8:
        return "|i1";
    case NPU_IR_I16:
        return "<i2";
    case NPU_IR_I32:
        return "<i4";
    case NPU_IR_I64:
        return "<i8";
    case NPU_IR_F16:
        return "<f2";
    case NPU_IR_F32:
        return "<f4";
    default:
        return NULL;
    }
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* No more than `most` bytes, so that an endless device file does not fill the memory. */
static int read_file(const char *path, uint64_t most, uint8_t **data, uint64_t *bytes,
                     struct npu_error *err)
{
    struct stat about;
    FILE *file = fopen(path, "rb");
    if (!file)
        return npu_fail(err, -errno, "%.500s: %s", path, strerror(errno));
    if (fstat(fileno(file), &about) == 0 && S_ISDIR(about.st_mode)) {
        fclose(file);
        return npu_fail(err, -EISDIR, "%.500s: a folder, expected a file", path);
    }
    uint64_t n = 0, room = 1 << 16;
    uint8_t *buffer = malloc(room);
    while (buffer) {
        n += fread(buffer + n, 1, room - n, file);
        if (n < room || n > most)
            break;
        room *= 2;
        uint8_t *more = realloc(buffer, room);
        if (!more)
            free(buffer);
        buffer = more;
    }
    bool bad = ferror(file) != 0;
    fclose(file);
    if (!buffer)
        return npu_fail(err, -ENOMEM, "%.500s: no memory for it", path);
    if (bad) {
        free(buffer);
        return npu_fail(err, -EIO, "%.500s: cannot be read", path);
    }
    if (n > most) {
        free(buffer);
        return npu_fail(err, -EINVAL, "%.500s: has more than %" PRIu64 " bytes", path, most);
    }
    *data = buffer;
    *bytes = n;
    return 0;
}

/* The text of a .npy header's key up to the next comma outside of brackets, cut to size. */
static bool header_value(const char *header, const char *key, char *value, size_t size)
{
    const char *at = strstr(header, key);
    if (!at)
        return false;
    at += strlen(key);
    at += strspn(at, "': ");
    size_t n = 0;
    for (int depth = 0; *at && n + 1 < size && !(depth == 0 && (*at == ',' || *at == '}')); at++) {
        depth += (*at == '(') - (*at == ')');
        value[n++] = *at;
    }
    value[n] = '\0';
    return true;
}

/* Remove a .npy header: checks element type and order; the caller checks the size. */
static int strip_numpy(uint8_t *data, uint64_t *bytes, const struct npu_ir_type *type,
                       const char *path, struct npu_error *err)
{
    uint64_t start, length;
    if (*bytes < 12)
        return npu_fail(err, -EINVAL, "%.500s: a .npy file that ends in its header", path);
    if (data[6] == 1) {
        start = 10;
        length = data[8] | data[9] << 8;
    } else {
        start = 12;
        length =
            data[8] | (uint64_t)data[9] << 8 | (uint64_t)data[10] << 16 | (uint64_t)data[11] << 24;
    }
    if (length > *bytes - start || length > MOST_HEADER - 12)
        return npu_fail(err, -EINVAL, "%.500s: a .npy file that ends in its header", path);
    char header[MOST_HEADER - 11], value[64];
    memcpy(header, data + start, length);
    header[length] = '\0';
    const char *wanted = type ? numpy_name(type->elem) : NULL;
    if (!header_value(header, "descr", value, sizeof(value)))
        return npu_fail(err, -EINVAL, "%.500s: a .npy header without descr", path);
    value[strcspn(value, "'")] = '\0';
    /* Unsigned and signed of one width hold the same bits. */
    if (wanted && strcmp(value, wanted) != 0 &&
        !(value[0] == wanted[0] && value[1] == 'u' && wanted[1] == 'i' && value[2] == wanted[2]))
        return npu_fail(err, -EINVAL, "%.400s: elements of type %.20s, the buffer's are %s (%s)",
                        path, value, npu_ir_elem_name(type->elem), wanted);
    if (!header_value(header, "fortran_order", value, sizeof(value)) ||
        strncmp(value, "False", 5) != 0)
        return npu_fail(err, -EINVAL, "%.500s: in Fortran order, expected C order", path);
    *bytes -= start + length;
    memmove(data, data + start + length, *bytes);
    return 0;
}

static int from_file(struct npu_sim_buffer *out, const struct npu_ir_type *type, const char *path,
                     struct npu_error *err)
{
    uint8_t *data = NULL;
    uint64_t bytes = 0;
    uint64_t wanted = type ? npu_ir_type_bytes(type) : 0;
    uint64_t most = type && wanted < MOST_BYTES ? wanted + MOST_HEADER : MOST_BYTES;
    int code = read_file(path, most, &data, &bytes, err);
    if (code)
        return code;
    if (bytes >= 8 && !memcmp(data, "\x93NUMPY", 6))
        code = strip_numpy(data, &bytes, type, path, err);
    if (!code && type && bytes != npu_ir_type_bytes(type))
        code = npu_fail(err, -EINVAL, "%.400s: %" PRIu64 " bytes, %s has %" PRIu64, path, bytes,
                        npu_ir_type_format(type).text, npu_ir_type_bytes(type));
    if (code) {
        free(data);
        return code;
    }
    out->data = data;
    out->bytes = bytes;
    return 0;
}

/* xorshift64*: the same bytes for the same seed everywhere. */
static void fill_random(uint8_t *to, uint64_t bytes, uint64_t seed)
{
    uint64_t x = seed * 0x9E3779B97F4A7C15u + 0x1234567;
    for (uint64_t i = 0; i < bytes; i++) {
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        to[i] = (uint8_t)(x * 0x2545F4914F6CDD1Du >> 56);
    }
}

int npu_sim_buffer_make(struct npu_sim_buffer *out, const struct npu_ir_type *type,
                        const char *spec, struct npu_error *err)
{
    bool zero = !strncmp(spec, "zero", 4) && (spec[4] == '\0' || spec[4] == ':');
    bool random = !strncmp(spec, "random", 6) && (spec[6] == '\0' || spec[6] == ':');
    if (!zero && !random)
        return from_file(out, type, spec, err);
    const char *colon = strchr(spec, ':');
    uint64_t number = 0;
    if (colon) {
        char *end;
        errno = 0;
        number = strtoull(colon + 1, &end, 0);
        if (end == colon + 1 || *end || errno || colon[1] == '-')
            return npu_fail(err, -EINVAL, "\"%.200s\": expected a number after ':'", spec);
    }
    uint64_t bytes = type ? npu_ir_type_bytes(type) : zero ? number : 0;
    if (zero && colon && bytes != number)
        return npu_fail(err, -EINVAL, "\"%.200s\": %s has %" PRIu64 " bytes", spec,
                        npu_ir_type_format(type).text, bytes);
    if (!type && !bytes)
        return npu_fail(err, -EINVAL, "\"%.200s\": no runtime sequence is named that says its size",
                        spec);
    if (!bytes || bytes > MOST_BYTES)
        return npu_fail(err, -EINVAL, "\"%.200s\": expected a size of 1 byte to 4 GiB", spec);
    out->data = calloc(1, bytes);
    if (!out->data)
        return npu_fail(err, -ENOMEM, "no memory for a host buffer of %" PRIu64 " bytes", bytes);
    out->bytes = bytes;
    if (random)
        fill_random(out->data, bytes, number);
    return 0;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static int numpy_header(char *header, size_t size, const struct npu_ir_type *type, const char *path,
                        struct npu_error *err)
{
    const char *name = type ? numpy_name(type->elem) : NULL;
    if (!name)
        return npu_fail(err, -EINVAL, "%.500s: %s has no type in NumPy, write raw bytes", path,
                        type ? npu_ir_elem_name(type->elem) : "the buffer");
    int n = snprintf(header, size, "{'descr': '%s', 'fortran_order': False, 'shape': (", name);
    for (uint32_t d = 0; d < type->rank; d++)
        n += snprintf(header + n, size - (size_t)n, "%" PRId64 ", ", type->shape[d]);
    n += snprintf(header + n, size - (size_t)n, "), }");
    /* The data begins at a multiple of 64. */
    while ((n + 11) % 64 != 0)
        header[n++] = ' ';
    header[n++] = '\n';
    return n;
}

int npu_sim_buffer_write(const struct npu_sim_buffer *buffer, const struct npu_ir_type *type,
                         const char *path, struct npu_error *err)
{
    size_t length = strlen(path);
    char header[1024];
    int n = 0;
    if (length > 4 && !strcmp(path + length - 4, ".npy")) {
        n = numpy_header(header, sizeof(header) - 64, type, path, err);
        if (n < 0)
            return n;
    }
    FILE *file = fopen(path, "wb");
    if (!file)
        return npu_fail(err, -errno, "%.500s: %s", path, strerror(errno));
    bool good = true;
    if (n) {
        const uint8_t lead[10] = {0x93, 'N', 'U', 'M',        'P',
                                  'Y',  1,   0,   (uint8_t)n, (uint8_t)(n >> 8)};
        good = fwrite(lead, 1, 10, file) == 10 && fwrite(header, 1, (size_t)n, file) == (size_t)n;
    }
    good = good && fwrite(buffer->data, 1, buffer->bytes, file) == buffer->bytes;
    if (fclose(file) != 0 || !good)
        return npu_fail(err, -EIO, "%.500s: cannot be written: %s", path, strerror(errno));
    return 0;
}
