/* Register and memory use of kernels, as `info` and `compile` show it. */
#ifndef QJIT_CLI_USAGE_H
#define QJIT_CLI_USAGE_H

#include "cli.h"

/* vgprs, sgprs, agprs, lds_bytes, scratch_bytes, wavefront_size, max_workgroup, kernarg_bytes, n_args. */
void cli_put_usage(cJSON *object, const qjit_kernel_usage *usage);

#endif
