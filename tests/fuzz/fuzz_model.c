/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libFuzzer target of the weights readers: any bytes give a model or one error. tests/run builds
 * and runs it.
 *
 * Weights are large and have no effect, so an input may be only what comes before them. Its first
 * byte says what the rest is:
 *   S  the header of a safetensors file; its length comes before it, zeros after it
 *   I  the index of a sharded model, in a folder with two good parts, "a" and "b"
 *   P  the header of part "a", beside a good index and part "b"
 * Anything else is a whole file; test_model --write FOLDER makes small ones. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "npu/log.h"
#include "npu/model/names.h"

#define MAX_DATA (1ul << 20) /* bytes of zeros: more than an encoder of the least size has */
#define SPLIT    9           /* of the slots of one layer, those below are in part "a" */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64];

static const char *in_folder(const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void remove_folder(void)
{
    static const char *const names[] = {"file", "index.json", "a", "b"};
    for (size_t i = 0; i < 4; i++)
        unlink(in_folder(names[i]));
    rmdir(folder);
}

static void write_file(const char *name, const void *data, size_t n, uint64_t zeros)
{
    int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, data, n) != (ssize_t)n || ftruncate(fd, (off_t)(n + zeros)) != 0)
        abort();
    close(fd);
}

/* Where the last tensor of a header ends, if that is a sane number. */
static uint64_t data_bytes(const char *header, size_t n)
{
    static const char key[] = "data_offsets\":[";
    unsigned long most = 0;
    const char *at = header, *end = header + n;
    while ((at = memmem(at, (size_t)(end - at), key, sizeof(key) - 1))) {
        unsigned long first, last;
        char numbers[40] = "";
        at += sizeof(key) - 1;
        memcpy(numbers, at, (size_t)(end - at) < 39 ? (size_t)(end - at) : 39);
        if (sscanf(numbers, "%lu,%lu", &first, &last) == 2 && last > most && last <= MAX_DATA)
            most = last;
    }
    return most;
}

static void write_safetensors(const char *name, const char *header, size_t n)
{
    uint8_t *file = malloc(8 + n);
    if (!file)
        abort();
    for (int i = 0; i < 8; i++)
        file[i] = (uint8_t)((uint64_t)n >> (8 * i));
    memcpy(file + 8, header, n);
    write_file(name, file, 8 + n, data_bytes(header, n));
    free(file);
}

/* A header, F16, of the slots `first` .. `end` - 1 of an encoder of the least size. */
static size_t make_header(char *out, size_t room, unsigned first, unsigned end)
{
    const struct npu_model_info info = {
        .n_mels = 80, .n_ctx = 4, .d_model = 64, .n_heads = 1, .n_layers = 1, .d_ffn = 256};
    unsigned long at = 0;
    size_t used = 0;
    for (unsigned i = first; i < end; i++) {
        uint64_t dims[3] = {1, 1, 1};
        unsigned n = npu_tensor_shape(&info, npu_slot_tensor(i), dims);
        unsigned long begin = at;
        at += 2 * dims[0] * (n > 1 ? dims[1] : 1) * (n > 2 ? dims[2] : 1);
        char shape[64];
        snprintf(shape, sizeof(shape),
                 n > 2   ? "%u,%u,%u"
                 : n > 1 ? "%u,%u"
                         : "%u",
                 (unsigned)dims[0], (unsigned)dims[1], (unsigned)dims[2]);
        used += (size_t)snprintf(
            out + used, room - used,
            "%c\"%s\":{\"dtype\":\"F16\",\"shape\":[%s],\"data_offsets\":[%lu,%lu]}",
            i == first ? '{' : ',',
            npu_name_format("model.encoder.", npu_slot_tensor(i), 0, NPU_NAMING_HF).text, shape,
            begin, at);
    }
    return used + (size_t)snprintf(out + used, room - used, "}");
}

static size_t make_index(char *out, size_t room)
{
    size_t used = 0;
    for (unsigned i = 0; i < npu_slot_count(1); i++)
        used += (size_t)snprintf(
            out + used, room - used, "%s\"%s\":\"%s\"", i ? "," : "{\"weight_map\":{",
            npu_name_format("model.encoder.", npu_slot_tensor(i), 0, NPU_NAMING_HF).text,
            i < SPLIT ? "a" : "b");
    return used + (size_t)snprintf(out + used, room - used, "}}");
}

/* Restores what an input changed. */
static void restore(bool part, bool index)
{
    static char text[8192];
    if (part)
        write_safetensors("a", text, make_header(text, sizeof(text), 0, SPLIT));
    if (index)
        write_file("index.json", text, make_index(text, sizeof(text)), 0);
}

static void make_folder(void)
{
    static char text[8192];
    /* memory rather than a disk: every input is a file */
    snprintf(folder, sizeof(folder), "%s/fuzz_model.XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(folder))
        abort();
    atexit(remove_folder);
    restore(true, true);
    write_safetensors("b", text, make_header(text, sizeof(text), SPLIT, npu_slot_count(1)));
}

static void read_everything(const struct npu_model *model)
{
    static float values[32];
    struct npu_model_info info;
    struct npu_error err = {""};
    npu_model_get_info(model, &info);
    for (unsigned layer = 0; layer < info.n_layers; layer++)
        for (unsigned i = 0; i < NPU_TENSOR_COUNT; i++)
            if (npu_model_read_f32(model, (enum npu_tensor)i, layer, 0, 32, values, &err) != 0 &&
                err.text[0] == 0)
                abort();
}

static int try_open(const char *name)
{
    struct npu_error err = {""};
    struct npu_model *model = NULL;
    int code = npu_model_open(&model, in_folder(name), &err);
    if (code ? err.text[0] == 0 || model != NULL : model == NULL)
        abort();
    if (!code)
        read_everything(model);
    npu_model_close(&model);
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!folder[0]) {
        make_folder();
        if (try_open("index.json") != 0)
            abort(); /* it is good; were it not, nothing would be tested */
    }
    char kind = size ? (char)data[0] : 0;
    const char *rest = (const char *)data + 1;
    switch (kind) {
    case 'S':
        write_safetensors("file", rest, size - 1);
        try_open("file");
        break;
    case 'I':
        write_file("index.json", rest, size - 1, 0);
        try_open("index.json");
        restore(false, true);
        break;
    case 'P':
        write_safetensors("a", rest, size - 1);
        try_open("index.json");
        restore(true, false);
        break;
    default:
        write_file("file", data, size, 0);
        try_open("file");
    }
    return 0;
}
