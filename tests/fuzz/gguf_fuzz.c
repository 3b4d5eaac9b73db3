/* A libFuzzer target: any bytes are a GGUF file or are refused. What is taken for one is read whole, and its
 * metadata goes through the writer: read again, it must be the same. */
#include <stdlib.h>
#include <string.h>

#include <qjit/gguf.h>

#include "base/buf.h"
#include "gguf/writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* Only a broken promise ends the process; the fuzzer then keeps the input. */
static void need(int holds)
{
    if (!holds) {
        __builtin_trap();
    }
}

static uint64_t sum_bytes(uint64_t sum, const void *bytes, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        sum = sum * 31 + ((const uint8_t *)bytes)[i];
    }
    return sum;
}

static uint64_t sum_value(uint64_t sum, const qjit_gguf_value *value)
{
    qjit_gguf_elements elements;
    qjit_gguf_value element;
    uint64_t n = 0;
    need(qjit_gguf_kind_name(value->kind) != NULL);
    sum = sum * 31 + (uint64_t)value->kind;
    if (value->kind == QJIT_GGUF_STRING) {
        return sum_bytes(sum, value->bytes, value->n);
    }
    if (value->kind == QJIT_GGUF_FLOAT32 && value->number.f != value->number.f) {
        return sum; /* a NaN may come back with other bits */
    }
    if (value->kind != QJIT_GGUF_ARRAY) {
        return sum * 31 + value->number.u;
    }
    qjit_gguf_elements_init(&elements, value);
    for (; qjit_gguf_next_element(&elements, &element); n++) {
        sum = sum_value(sum, &element);
    }
    need(n == value->n);
    return sum * 31 + (uint64_t)value->element_kind;
}

static uint64_t sum_metadata(const qjit_gguf *gguf)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < qjit_gguf_entry_count(gguf); i++) {
        const qjit_gguf_entry *entry, *found;
        need(qjit_gguf_get_entry(gguf, &entry, i) == QJIT_OK);
        need(qjit_gguf_find_entry(gguf, &found, entry->key) == QJIT_OK && found == entry);
        sum = sum_value(sum_bytes(sum, entry->key, strlen(entry->key)), &entry->value);
    }
    return sum;
}

static uint64_t sum_tensors(const qjit_gguf *gguf)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < qjit_gguf_tensor_count(gguf); i++) {
        const qjit_gguf_tensor *tensor, *found;
        need(qjit_gguf_get_tensor(gguf, &tensor, i) == QJIT_OK);
        need(qjit_gguf_find_tensor(gguf, &found, tensor->name) == QJIT_OK && found == tensor);
        need(tensor->n_bytes ==
             tensor->n_elements / tensor->type->block_elements * tensor->type->block_bytes);
        sum = sum_bytes(sum, tensor->data, tensor->n_bytes);
    }
    return sum;
}

static void copy_metadata(const qjit_gguf *gguf, uint64_t sum)
{
    qjit_gguf_writer *writer;
    qjit_gguf *copy;
    struct qj_buf header = {0};
    need(qjit_gguf_writer_create(&writer) == QJIT_OK);
    for (uint64_t i = 0; i < qjit_gguf_entry_count(gguf); i++) {
        const qjit_gguf_entry *entry;
        need(qjit_gguf_get_entry(gguf, &entry, i) == QJIT_OK);
        need(qjit_gguf_put(writer, entry->key, &entry->value) == QJIT_OK);
    }
    qj_gguf_writer_header(writer, &header);
    need(!header.failed);
    need(qjit_gguf_open_bytes(&copy, header.bytes, header.size) == QJIT_OK);
    need(sum_metadata(copy) == sum);
    qjit_gguf_close(copy);
    qj_buf_finish(&header);
    qjit_gguf_writer_destroy(writer);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static volatile uint64_t sink;
    qjit_gguf *gguf = NULL;
    qjit_status status = qjit_gguf_open_bytes(&gguf, bytes, n);
    if (status != QJIT_OK) {
        need(status == QJIT_BAD_FILE && !gguf && *qjit_error_detail());
        return 0;
    }
    sink = sum_tensors(gguf);
    copy_metadata(gguf, sum_metadata(gguf));
    qjit_gguf_close(gguf);
    return 0;
}
