/* Offsets into the two layouts of hipDeviceProp_t, in bytes. OLD: HIP up to 5, and the plain
 * hipGetDeviceProperties of later ones; R0600: hipGetDevicePropertiesR0600 of HIP 6 and later.
 * tests/headers holds them against the headers of the HIP that is installed. */
#ifndef QJ_HIP_LAYOUT_H
#define QJ_HIP_LAYOUT_H

enum {
    QJ_PROP_NAME_BYTES = 256,
    QJ_PROP_ARCH_BYTES = 256,

    QJ_PROP_OLD_NAME = 0,
    QJ_PROP_OLD_TOTAL_GLOBAL_MEM = 256,      /* size_t */
    QJ_PROP_OLD_SHARED_MEM_PER_BLOCK = 264,  /* size_t */
    QJ_PROP_OLD_WARP_SIZE = 276,             /* int */
    QJ_PROP_OLD_MAX_THREADS_PER_BLOCK = 280, /* int */
    QJ_PROP_OLD_MULTI_PROCESSOR_COUNT = 336, /* int */
    QJ_PROP_OLD_GCN_ARCH_NAME = 396,         /* char[256] */
    QJ_PROP_OLD_BYTES = 792,

    QJ_PROP_R0600_NAME = 0,
    QJ_PROP_R0600_TOTAL_GLOBAL_MEM = 288,
    QJ_PROP_R0600_SHARED_MEM_PER_BLOCK = 296,
    QJ_PROP_R0600_WARP_SIZE = 308,
    QJ_PROP_R0600_MAX_THREADS_PER_BLOCK = 320,
    QJ_PROP_R0600_MULTI_PROCESSOR_COUNT = 388,
    QJ_PROP_R0600_GCN_ARCH_NAME = 1160,
    QJ_PROP_R0600_BYTES = 1472
};

#endif
