/* What a fake device says of itself, put into the two layouts of hipDeviceProp_t. properties.c has them
 * written out by hand; tests/rocm/real_properties.c, used instead in the roots of scripts/rocm-matrix, takes
 * HIP's own headers. */
#ifndef FAKE_HIP_PROPERTIES_H
#define FAKE_HIP_PROPERTIES_H

#include <stddef.h>

struct fake_device {
    char name[64], arch[256];
    int wavefront, max_workgroup, n_cus;
    size_t memory_bytes, lds_bytes;
};

/* Every byte that is no field of `device` is 0x5a. */
void fake_put_old(void *out, const struct fake_device *device);
void fake_put_r0600(void *out, const struct fake_device *device);

/* For a structure `out` with fields of these names. */
#define FAKE_PUT(out, device, memory, lds, warp, workgroup, cus, arch_name)                                  \
    do {                                                                                                     \
        memset((out), 0x5a, sizeof *(out));                                                                  \
        memcpy((out)->name, (device)->name, sizeof(device)->name);                                           \
        memcpy((out)->arch_name, (device)->arch, sizeof(device)->arch);                                      \
        (out)->memory = (device)->memory_bytes;                                                              \
        (out)->lds = (device)->lds_bytes;                                                                    \
        (out)->warp = (device)->wavefront;                                                                   \
        (out)->workgroup = (device)->max_workgroup;                                                          \
        (out)->cus = (device)->n_cus;                                                                        \
    } while (0)

#endif
