/* A model file as commands about kernels take it: --model FILE --batch N,... */
#ifndef QJIT_CLI_MODEL_H
#define QJIT_CLI_MODEL_H

#include "cli.h"

#include <qjit/model.h>

struct cli_model {
    qjit_gguf *gguf; /* NULL: no model was named */
    uint64_t *batches;
    size_t n_batches;
};

/* Opens `path`, if it is not NULL, and takes the batches from their words. Says what is wrong and gives a
 * code other than CLI_OK if it can not. Close it, whatever the result. */
int cli_model_open(const struct cli *cli, struct cli_model *out, const char *path,
                   const struct cli_list *batches);
void cli_model_close(struct cli_model *model);

/* An array of {type, tensors}: what there are no kernels for. */
cJSON *cli_model_without_kernels(const struct cli_model *model);

#endif
