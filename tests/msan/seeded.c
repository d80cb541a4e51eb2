/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What MemorySanitizer must report: memory that was never written, read in C ("c") or in assembly
 * ("asm"). What it must not report: memory that assembly ("written") or a system call ("stat")
 * wrote. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kernels/asm_memory.h"

static void __attribute__((noinline)) look(const int *memory)
{
    if (*memory == 7)
        puts("seven");
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    int *memory = malloc(16 * sizeof(*memory));
    struct stat st;

    if (!memory)
        return 2;
    if (!strcmp(what, "asm"))
        npu_asm_reads(memory, 32, 2, 32);
    if (!strcmp(what, "written"))
        npu_asm_writes(memory, 32, 2, 32);
    if (!strcmp(what, "c") || !strcmp(what, "written"))
        look(memory + 15);
    if (!strcmp(what, "stat")) {
        if (stat("/", &st) == 0 && S_ISDIR(st.st_mode))
            puts("a folder");
    }
    free(memory);
    return 0;
}
