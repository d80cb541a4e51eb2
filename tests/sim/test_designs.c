/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The designs of mlir/ in the simulator against kernels/ref, byte for byte: from the text, again in
 * the same array, and from instruction words in a fresh one. Arguments: which parts ("gemm",
 * "rows", "heads", "mel"; "real": base and speech), none: all but "real"; --table prints the table
 * of designs. */
#include "tests/sim/designs.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } parts[] = {{"gemm", designs_gemm},
                 {"rows", designs_rows},
                 {"heads", designs_heads},
                 {"mel", designs_mel},
                 {"real", designs_real}};
    bool all = true;
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--table") == 0)
            designs_table = true;
        else
            all = false;
    if (designs_table)
        designs_table_head();
    else
        kit_start();
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        bool wanted = all && parts[i].run != designs_real;
        for (int j = 1; j < argc; j++)
            wanted |= strcmp(argv[j], parts[i].name) == 0;
        if (wanted)
            parts[i].run();
    }
    return designs_finish();
}
