/* Images from outside. hipModuleLoadData is given no length, and cuModuleLoadData would follow whatever
 * offsets an image holds; so an image is first copied by calls that cannot fault, and read only in the copy.
 */
#ifndef QJ_HIP_CUDA_IMAGE_H
#define QJ_HIP_CUDA_IMAGE_H

#include "hip_cuda/driver.h"

/* *out: a copy of the cubin at `image`, checked, to be freed. hipErrorInvalidImage (200) where it is no ELF
 * or not whole, hipErrorNoBinaryForGpu (209) where it is an ELF for something else, hipErrorOutOfMemory. */
hipError_t qj_image_copy(void **out, const void *image);

#endif
