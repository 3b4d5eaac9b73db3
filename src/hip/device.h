/* What we need to know of a device. Sole reader of hipDeviceProp_t, of which there are two layouts. */
#ifndef QJ_HIP_DEVICE_H
#define QJ_HIP_DEVICE_H

#include "hip/hip.h"

/* The number of devices; 0 where HIP answers that there is none. */
qjit_status qj_device_count(uint32_t *out, const struct qj_hip *hip);

/* Fills all of out but struct_size. arch is canonical. Fails with QJIT_NO_DEVICE, QJIT_HIP_FAILED. */
qjit_status qj_device_get(qjit_device *out, const struct qj_hip *hip, uint32_t ordinal);

#endif
