/* Register and memory use of kernels, as `info` and `compile` show it. */
#include "usage.h"
#include "cli.h"

void cli_put_usage(cJSON *object, const qjit_kernel_usage *usage)
{
    cli_put_number(object, "vgprs", usage->vgprs);
    cli_put_number(object, "sgprs", usage->sgprs);
    cli_put_number(object, "agprs", usage->agprs);
    cli_put_number(object, "lds_bytes", usage->lds_bytes);
    cli_put_number(object, "scratch_bytes", usage->scratch_bytes);
    cli_put_number(object, "wavefront_size", usage->wavefront_size);
    cli_put_number(object, "max_workgroup", usage->max_workgroup);
    cli_put_number(object, "kernarg_bytes", usage->kernarg_bytes);
    cli_put_number(object, "n_args", usage->n_args);
}
