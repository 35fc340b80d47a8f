/* SPDX-License-Identifier: BSD-3-Clause */
/* A fuzz target without a fuzzer: each file named on the command line once.  Any compiler can build it. */
#include <stdio.h>
#include <stdlib.h>

#include "victim.h"

#define INPUT_MAX_BYTES (1 << 20)

int main(int argc, char **argv)
{
    static uint8_t data[INPUT_MAX_BYTES];

    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        uint8_t *exact;
        size_t bytes;

        if (!file) {
            perror(argv[i]);
            return 2;
        }
        bytes = fread(data, 1, sizeof(data), file);
        fclose(file);
        exact = malloc(bytes ? bytes : 1);
        if (!exact)
            return 2;
        for (size_t at = 0; at < bytes; at++)
            exact[at] = data[at];
        LLVMFuzzerTestOneInput(exact, bytes);
        free(exact);
    }
    printf("%d inputs\n", argc - 1);
    return 0;
}
