/* Written out a second time, not by the offsets of src/hip/layout.h, which they are to test: field by field
 * in the order of the HIP headers. Fields of no interest here are gathered. */
#include "properties.h"

#include <string.h>

/* HIP up to 5. */
struct old_properties {
    char name[256];
    size_t memory_bytes, lds_bytes;
    int registers_per_block;
    int wavefront, max_workgroup;
    int max_block[3], max_grid[3];
    int clock, memory_clock, bus_width;
    size_t constant_bytes;
    int major, minor;
    int n_cus;
    int l2_bytes, max_threads_per_cu, compute_mode, clock_instruction_rate;
    unsigned arch_flags;
    int concurrent_kernels, pci[3];
    size_t lds_per_cu;
    int multi_gpu_board, can_map_host, gcn_arch;
    char arch[256];
    char rest[140];
};
_Static_assert(sizeof(struct old_properties) == 792, "hipDeviceProp_t of HIP 5");

/* HIP 6 and later. */
struct r0600_properties {
    char name[256];
    char uuid[16], luid[8];
    unsigned node_mask;
    size_t memory_bytes, lds_bytes;
    int registers_per_block;
    int wavefront;
    size_t pitch;
    int max_workgroup;
    int max_block[3], max_grid[3];
    int clock;
    size_t constant_bytes;
    int major, minor;
    size_t texture_alignment[2];
    int overlap;
    int n_cus;
    int until_textures[4];
    int textures_and_surfaces[40];
    size_t surface_alignment;
    int until_lds_per_cu[16];
    size_t lds_per_cu;
    int until_lds_optin[12];
    size_t lds_optin;
    int until_lds_reserved[4];
    size_t lds_reserved;
    int until_reserved[13];
    int reserved[63 + 32];
    char arch[256];
    char rest[56];
};
_Static_assert(sizeof(struct r0600_properties) == 1472, "hipDeviceProp_t of HIP 6");

void fake_put_old(void *out, const struct fake_device *device)
{
    struct old_properties *properties = out;
    FAKE_PUT(properties, device, memory_bytes, lds_bytes, wavefront, max_workgroup, n_cus, arch);
}

void fake_put_r0600(void *out, const struct fake_device *device)
{
    struct r0600_properties *properties = out;
    FAKE_PUT(properties, device, memory_bytes, lds_bytes, wavefront, max_workgroup, n_cus, arch);
}
