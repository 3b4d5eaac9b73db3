#include "gguf_check.h"
#include "gguf_value.h"

#include <float.h>
#include <math.h>
#include <qjit/blocks.h>
#include <qjit/ops.h>
#include <stdlib.h>

/* Elements that are compared at a time, whatever the shape of their tensor: blocks know nothing of rows. A
 * multiple of every block, and 16 MiB as floats. */
#define PIECE ((uint64_t)1 << 22)

/* What came of one tensor. */
struct verdict {
    uint64_t n_different, n_not_finite; /* elements; not finite: on the host */
    uint64_t first;                     /* that is different */
    float device, host;                 /* what it is */
};

struct check {
    struct cli *cli;
    qjit_buffer *out; /* PIECE floats on the device */
    float *device, *host;
    cJSON *tensors;
    uint32_t n_equal, n_different, n_unchecked, n_unchecked_of[QJIT_GGML_TYPE_END];
    uint64_t n_elements;
};

/* Both sides take one float from the same bits by the same formula, of which at most one operation rounds:
 * they are equal. But a device may take numbers below the smallest normal one for zero. */
static int is_equal(float device, float host)
{
    return device == host || (isnan(device) && isnan(host)) ||
           (fabsf(device) < FLT_MIN && fabsf(host) < FLT_MIN);
}

static void compare(struct check *check, struct verdict *verdict, uint64_t first, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        verdict->n_not_finite += isfinite(check->host[i]) ? 0 : 1;
        if (is_equal(check->device[i], check->host[i]))
            continue;
        if (!verdict->n_different++) {
            verdict->first = first + i;
            verdict->device = check->device[i];
            verdict->host = check->host[i];
        }
    }
}

/* n elements at `blocks`, as one row. */
static qjit_status dequantize_piece(struct check *check, uint32_t type, const void *blocks, uint64_t n)
{
    qjit_weights *weights = NULL;
    qjit_status status = qjit_weights_create(check->cli->context, &weights, 0, type, 1, n, 1);
    if (status == QJIT_OK)
        status = qjit_weights_upload(weights, 0, 1, blocks);
    if (status == QJIT_OK)
        status = qjit_dequantize(weights, check->out, QJIT_GGML_F32, 0, 1, NULL);
    if (status == QJIT_OK)
        status = qjit_buffer_download(check->out, check->device, 0, n * sizeof(float));
    qjit_weights_destroy(weights);
    return status == QJIT_OK ? qjit_dequantize_blocks(check->host, type, blocks, n) : status;
}

static qjit_status check_tensor(struct check *check, struct verdict *verdict, const qjit_gguf_tensor *tensor)
{
    const qjit_ggml_type_info *type = tensor->type;
    qjit_status status = QJIT_OK;
    for (uint64_t first = 0; first < tensor->n_elements && status == QJIT_OK; first += PIECE) {
        const uint64_t rest = tensor->n_elements - first, n = rest < PIECE ? rest : PIECE;
        const char *blocks = (const char *)tensor->data + first / type->block_elements * type->block_bytes;
        status = dequantize_piece(check, type->type, blocks, n);
        if (status == QJIT_OK)
            compare(check, verdict, first, n);
    }
    return status;
}

/* Whether both sides can read this type. */
static int can_check(const qjit_ggml_type_info *type)
{
    const qjit_op_call call = {.struct_size = sizeof call,
                               .op = QJIT_OP_DEQUANTIZE_F32,
                               .type = type->type,
                               .n = 1,
                               .k = type->block_elements,
                               .batch = 1};
    qjit_op_plan plan = {.struct_size = sizeof plan};
    return qjit_plan_op(&plan, &call) == QJIT_OK &&
           qjit_dequantize_blocks(NULL, type->type, NULL, 0) == QJIT_OK;
}

/* ---- what is said ---- */

static void put_verdict(cJSON *row, const struct verdict *verdict)
{
    cli_put_number(row, "different", (double)verdict->n_different);
    cli_put_number(row, "not_finite", (double)verdict->n_not_finite);
    if (verdict->n_different) {
        char device[32], host[32]; /* as text: JSON has no numbers that are not finite */
        snprintf(device, sizeof device, "%.9g", (double)verdict->device);
        snprintf(host, sizeof host, "%.9g", (double)verdict->host);
        cli_put_number(row, "first", (double)verdict->first);
        cli_put_text(row, "device", device);
        cli_put_text(row, "host", host);
    }
}

static void say_verdict(const qjit_gguf_tensor *tensor, const cJSON *row, const struct verdict *verdict)
{
    const char *name = cJSON_GetObjectItem(row, "name")->valuestring;
    if (verdict->n_different)
        printf("%s: %s: %llu of %llu elements differ, first element %llu: %.9g on the device, %.9g on the "
               "host\n",
               name, tensor->type->name, (unsigned long long)verdict->n_different,
               (unsigned long long)tensor->n_elements, (unsigned long long)verdict->first,
               (double)verdict->device, (double)verdict->host);
    if (verdict->n_not_finite)
        printf("%s: %s: %llu of %llu elements are infinite or no numbers\n", name, tensor->type->name,
               (unsigned long long)verdict->n_not_finite, (unsigned long long)tensor->n_elements);
}

static qjit_status take_tensor(struct check *check, const qjit_gguf_tensor *tensor)
{
    struct verdict verdict = {0};
    const int can = can_check(tensor->type);
    qjit_status status = can ? check_tensor(check, &verdict, tensor) : QJIT_OK;
    if (status != QJIT_OK)
        return status;
    cJSON *row = cli_object();
    cli_put_text(row, "name", tensor->name);
    cli_put_text(row, "type", tensor->type->name);
    cli_put_text(row, "result", !can ? "not checked" : verdict.n_different ? "different" : "equal");
    if (can) {
        check->n_equal += !verdict.n_different;
        check->n_different += verdict.n_different > 0;
        check->n_elements += tensor->n_elements;
        put_verdict(row, &verdict);
    } else {
        check->n_unchecked++;
        check->n_unchecked_of[tensor->type->type]++;
    }
    if (!check->cli->json) {
        cli_gguf_cut(row, "name", 0, SIZE_MAX);
        say_verdict(tensor, row, &verdict);
    }
    cli_add(check->tensors, row);
    return QJIT_OK;
}

static void print_summary(const struct check *check)
{
    const qjit_ggml_type_info *type;
    const uint32_t n = check->n_equal + check->n_different;
    const char *between = " (";
    printf("%u tensor%s of %llu elements checked: ", n, n == 1 ? "" : "s",
           (unsigned long long)check->n_elements);
    if (check->n_different)
        printf("%u differ%s", check->n_different, check->n_different == 1 ? "s" : "");
    else
        printf("device and host agree");
    if (check->n_unchecked)
        printf("; %u not checked, for want of kernels", check->n_unchecked);
    for (uint32_t i = 0; i < QJIT_GGML_TYPE_END; i++)
        if (check->n_unchecked_of[i] && qjit_get_ggml_type(&type, i) == QJIT_OK) {
            printf("%s%u %s", between, check->n_unchecked_of[i], type->name);
            between = ", ";
        }
    puts(check->n_unchecked ? ")" : "");
}

static void print_object(struct check *check, const qjit_gguf *gguf)
{
    const qjit_gguf_part *part;
    cJSON *object = cli_object();
    if (qjit_gguf_get_part(gguf, &part, 0) == QJIT_OK)
        cli_put_text(object, "file", part->path);
    cli_put_number(object, "equal", check->n_equal);
    cli_put_number(object, "different", check->n_different);
    cli_put_number(object, "not_checked", check->n_unchecked);
    cli_put_number(object, "elements", (double)check->n_elements);
    cli_put_item(object, "tensors", check->tensors);
    check->tensors = NULL;
    cli_print_json(object);
    cJSON_Delete(object);
}

int cli_gguf_check(struct cli *cli, const qjit_gguf *gguf)
{
    struct check check = {.cli = cli, .tensors = cli_array()};
    const qjit_gguf_tensor *tensor;
    int result = cli_open(cli);
    check.device = cli_need(malloc(PIECE * sizeof(float)));
    check.host = cli_need(malloc(PIECE * sizeof(float)));
    if (result == CLI_OK) {
        qjit_status status = qjit_buffer_create(cli->context, &check.out, 0, PIECE * sizeof(float));
        for (uint64_t i = 0; status == QJIT_OK && i < qjit_gguf_tensor_count(gguf); i++) {
            status = qjit_gguf_get_tensor(gguf, &tensor, i);
            if (status == QJIT_OK)
                status = take_tensor(&check, tensor);
        }
        result = status != QJIT_OK ? cli_fail(cli, status, 0) : check.n_different ? CLI_FAILED : CLI_OK;
        if (status == QJIT_OK && cli->json)
            print_object(&check, gguf);
        else if (status == QJIT_OK)
            print_summary(&check);
    }
    qjit_buffer_destroy(check.out);
    free(check.device);
    free(check.host);
    cJSON_Delete(check.tensors);
    return result;
}
