/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_NPU_FAKE_H
#define TESTS_NPU_FAKE_H
/* Device "fake": runs functions of the host as an NPU would run commands: its side of a buffer is
 * separate memory, 6 contexts, a queue filled by begin(); and fails on demand. It follows
 * instruction words as tests/npu/wire.h says, whatever the program. */
#include <stdbool.h>
#include <stdint.h>

/* Where a fault strikes, and how. */
enum fake_point {
    FAKE_NOWHERE,
    FAKE_ALLOC,
    FAKE_OPEN,
    FAKE_WRITE, /* sync to the device */
    FAKE_BEGIN,
    FAKE_RUN,
    FAKE_READ, /* sync from the device */
    FAKE_POINTS
};
enum fake_kind {
    FAKE_ERROR, /* -EIO; ALLOC: -ENOMEM */
    FAKE_DELAY, /* a while longer */
    FAKE_HANG,  /* RUN: until fake_release(), deaf to cancel */
    FAKE_SHORT, /* WRITE, READ: half of the bytes move; RUN: -EIO after half of the work */
    FAKE_KINDS
};

/* Register the device, once. Returns 0 or -errno. */
int fake_register(void);
/* One fault, at the `nth` (1, 2, ...) time that `point` is passed from now on; nth = 0: every time.
 * FAKE_NOWHERE: none. Threads: any. */
void fake_set_fault(enum fake_point point, enum fake_kind kind, unsigned nth);
/* Whether the fault has struck since it was set. */
bool fake_struck(void);
/* End a hang. */
void fake_release(void);
/* Every function takes a random time up to `ns` longer (0: none), from a seed. */
void fake_set_jitter(uint64_t ns);
/* Deadline of an encoder's launches; NPU_TIMEOUT_NONE by default. */
void fake_set_deadline(uint64_t ns);
/* From now on both sides of a new buffer are the same memory. */
void fake_set_near(bool near);
/* Launches of words so far. */
unsigned fake_word_launches(void);
/* Buffers that exist now. */
unsigned fake_buffers(void);

#endif /* TESTS_NPU_FAKE_H */
