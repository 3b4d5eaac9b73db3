#include "model.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

static int parse_batches(const struct cli *cli, struct cli_model *out, const struct cli_list *words)
{
    out->batches = cli_need(calloc(words->n + 1, sizeof *out->batches));
    for (size_t i = 0; i < words->n; i++) {
        const char *word = words->items[i];
        char *end = NULL;
        errno = 0;
        unsigned long value = strtoul(word, &end, 10);
        if (!isdigit((unsigned char)*word) || *end || errno || value == 0 || value > 1 << 24)
            return cli_usage(cli, "--batch is '%s'; it takes numbers from 1 to 16777216", word);
        out->batches[out->n_batches++] = value;
    }
    return CLI_OK;
}

int cli_model_open(const struct cli *cli, struct cli_model *out, const char *path,
                   const struct cli_list *batches)
{
    *out = (struct cli_model){0};
    if (!path)
        return batches->n ? cli_usage(cli, "--batch says how a model is used; name it with --model") : CLI_OK;
    int result = parse_batches(cli, out, batches);
    if (result != CLI_OK)
        return result;
    qjit_status status = qjit_gguf_open(&out->gguf, path, 0);
    return status == QJIT_OK ? CLI_OK : cli_fail(cli, status, 0);
}

void cli_model_close(struct cli_model *model)
{
    qjit_gguf_close(model->gguf);
    free(model->batches);
    *model = (struct cli_model){0};
}

struct count {
    const qjit_gguf_tensor *last;
    uint32_t n_tensors[QJIT_GGML_TYPE_END]; /* without kernels */
};

static int count_call(void *payload, const qjit_gguf_tensor *tensor, const qjit_op_call *call)
{
    struct count *count = payload;
    qjit_op_plan plan = {.struct_size = sizeof plan};
    if (tensor != count->last && qjit_plan_op(&plan, call) != QJIT_OK) {
        count->n_tensors[tensor->type->type]++;
        count->last = tensor; /* a tensor may be for two operators */
    }
    return 0;
}

cJSON *cli_model_without_kernels(const struct cli_model *model)
{
    static const uint64_t one = 1;
    struct count count = {0};
    const qjit_ggml_type_info *type;
    cJSON *rows = cli_array();
    (void)qjit_each_model_op(model->gguf, &one, 1, NULL, count_call, &count);
    for (uint32_t i = 0; i < QJIT_GGML_TYPE_END; i++)
        if (count.n_tensors[i] && qjit_get_ggml_type(&type, i) == QJIT_OK) {
            cJSON *row = cli_object();
            cli_put_text(row, "type", type->name);
            cli_put_number(row, "tensors", count.n_tensors[i]);
            cli_add(rows, row);
        }
    return rows;
}
