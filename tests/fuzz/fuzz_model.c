/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libFuzzer target of the weights readers: any bytes give a model or one error. Not part of the
 * build; from the source root:
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -I. tests/fuzz/fuzz_model.c \
 *       npu/model/[a-z]*.c npu/log.c -o fuzz_model -lpthread
 *   ./fuzz_model -max_len=262144 -max_total_time=60 CORPUS
 *
 * A corpus is one whole small file of either format; test_model --write FOLDER makes them. */
#include "npu/log.h"
#include "npu/model/model.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_everything(const struct npu_model *model)
{
    static float values[1 << 16];
    struct npu_model_info info;
    struct npu_error err = {""};
    npu_model_get_info(model, &info);
    for (unsigned layer = 0; layer < info.n_layers; layer++)
        for (unsigned i = 0; i < NPU_TENSOR_COUNT; i++)
            if (npu_model_read_f32(model, (enum npu_tensor)i, layer, 0, 32, values, &err) != 0 &&
                err.text[0] == 0)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[64];
    if (fd < 0) {
        fd = memfd_create("model", MFD_CLOEXEC);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    }
    if (fd < 0 || ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    struct npu_error err = {""};
    struct npu_model *model = NULL;
    if (npu_model_open(&model, path, &err) != 0) {
        if (err.text[0] == 0 || model)
            abort();
        return 0;
    }
    read_everything(model);
    npu_model_close(&model);
    return 0;
}
