#include <string.h>

#include "kernels.h"

static const struct type types[] = {
    {"q4_0", 32, 18, {0, 0}},
    {"q4_1", 32, 20, {0, 2}},
    {"q5_0", 32, 22, {0, 0}},
    {"q5_1", 32, 24, {0, 2}},
    {"q8_0", 32, 34, {0, 0}},
    {"q2_K", 256, 84, {80, 82}},
    {"q3_K", 256, 110, {108, 108}},
    {"q4_K", 256, 144, {0, 2}},
    {"q5_K", 256, 176, {0, 2}},
    {"q6_K", 256, 210, {208, 208}},
    {"q8_K", 256, 292, {0, 2}}, /* f32: its halves are numbers of about one size too */
    {"iq4_nl", 32, 18, {0, 0}},
    {"iq4_xs", 256, 136, {0, 0}},
    {"mxfp4", 32, 17, {NO_SCALE, NO_SCALE}},
    {"nvfp4", 64, 36, {NO_SCALE, NO_SCALE}},
    {"f32", 1, 4, {NO_SCALE, NO_SCALE}},
    {"f16", 1, 2, {NO_SCALE, NO_SCALE}},
    {"bf16", 1, 2, {NO_SCALE, NO_SCALE}},
};

const struct type *type_find(const char *name)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(types[i].name, name) == 0) {
            return &types[i];
        }
    }
    return NULL;
}
