#include "gguf_support.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void made_bytes(struct made *made, const void *bytes, size_t n)
{
    qj_buf_append(&made->buf, bytes, n);
}

static void little_endian(struct made *made, uint64_t number, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        made_bytes(made, &(uint8_t){(uint8_t)(number >> (8 * i))}, 1);
    }
}

void made_u32(struct made *made, uint32_t number)
{
    little_endian(made, number, 4);
}

void made_u64(struct made *made, uint64_t number)
{
    little_endian(made, number, 8);
}

void made_length(struct made *made, uint64_t number)
{
    little_endian(made, number, made->version == 1 ? 4 : 8);
}

void made_text(struct made *made, const char *text)
{
    made_length(made, strlen(text));
    made_bytes(made, text, strlen(text));
}

void made_start(struct made *made, unsigned version, uint64_t n_tensors, uint64_t n_entries)
{
    *made = (struct made){.version = version};
    made_bytes(made, "GGUF", 4);
    made_u32(made, version);
    made_length(made, n_tensors);
    made_length(made, n_entries);
}

void made_key(struct made *made, const char *key, uint32_t kind)
{
    made_text(made, key);
    made_u32(made, kind);
}

void made_entry(struct made *made, const char *key, uint32_t number)
{
    made_key(made, key, 4);
    made_u32(made, number);
}

void made_tensor(struct made *made, const char *name, uint32_t type, uint64_t width, uint64_t offset)
{
    made_text(made, name);
    made_u32(made, 1);
    made_length(made, width);
    made_u32(made, type);
    made_u64(made, offset);
}

void made_data(struct made *made, size_t alignment, size_t n)
{
    while (made->buf.size % alignment) {
        made_bytes(made, "", 1);
    }
    for (size_t i = 0; i < n; i++) {
        made_bytes(made, &(uint8_t){(uint8_t)i}, 1);
    }
}

void made_finish(struct made *made)
{
    qj_buf_finish(&made->buf);
}

void made_write(const struct made *made, const char *path)
{
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file, "%s", path);
    cr_assert_eq(fwrite(made->buf.bytes, 1, made->buf.size, file), made->buf.size);
    cr_assert_eq(fclose(file), 0);
}

qjit_status made_open(qjit_gguf **out, void **copy, const struct made *made)
{
    *copy = malloc(made->buf.size ? made->buf.size : 1);
    memcpy(*copy, made->buf.bytes, made->buf.size);
    return qjit_gguf_open_bytes(out, *copy, made->buf.size);
}

static uint64_t add_bytes(uint64_t sum, const void *bytes, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        sum = sum * 31 + ((const uint8_t *)bytes)[i];
    }
    return sum;
}

static uint64_t walk_value(uint64_t sum, const qjit_gguf_value *value)
{
    qjit_gguf_elements elements;
    qjit_gguf_value element;
    uint64_t n = 0;
    if (value->kind == QJIT_GGUF_STRING) {
        return add_bytes(sum, value->bytes, value->n);
    }
    if (value->kind != QJIT_GGUF_ARRAY) {
        return sum + value->number.u;
    }
    qjit_gguf_elements_init(&elements, value);
    for (; qjit_gguf_next_element(&elements, &element); n++) {
        sum = walk_value(sum, &element);
    }
    if (n != value->n) {
        cr_assert_fail("an array of %llu elements gave %llu", (unsigned long long)value->n,
                       (unsigned long long)n);
    }
    return sum;
}

uint64_t gguf_walk(const qjit_gguf *gguf)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < qjit_gguf_entry_count(gguf); i++) {
        const qjit_gguf_entry *entry = NULL, *found = NULL;
        (void)qjit_gguf_get_entry(gguf, &entry, i);
        (void)qjit_gguf_find_entry(gguf, &found, entry->key);
        if (entry != found) {
            cr_assert_fail("'%s' is not found", entry->key);
        }
        sum = walk_value(add_bytes(sum, entry->key, strlen(entry->key)), &entry->value);
    }
    for (uint64_t i = 0; i < qjit_gguf_tensor_count(gguf); i++) {
        const qjit_gguf_tensor *tensor = NULL, *found = NULL;
        (void)qjit_gguf_get_tensor(gguf, &tensor, i);
        (void)qjit_gguf_find_tensor(gguf, &found, tensor->name);
        if (tensor != found) {
            cr_assert_fail("'%s' is not found", tensor->name);
        }
        sum = add_bytes(sum, tensor->data, tensor->n_bytes) + tensor->n_elements;
    }
    return sum;
}

void expect_bad(const struct made *made, const char *words)
{
    qjit_gguf *gguf = NULL;
    void *copy;
    qjit_status status = made_open(&gguf, &copy, made);
    cr_assert_eq(status, QJIT_BAD_FILE, "%s: %s", words, qjit_status_name(status));
    cr_assert_null(gguf);
    cr_assert_not_null(strstr(qjit_error_detail(), words), "wanted '%s': %s", words, qjit_error_detail());
    cr_assert_not_null(strstr(qjit_error_detail(), "bytes in memory"), "%s", qjit_error_detail());
    free(copy);
}
