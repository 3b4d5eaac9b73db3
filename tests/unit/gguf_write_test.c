/* Writing, read back, and against bytes put together by hand. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "gguf_support.h"

/* ggml's types again: number, elements of a block, and the fields of a block in bytes. */
static const struct {
    const char *name;
    uint32_t number, elements, bytes;
} types[] = {
    {"F32", 0, 1, 4},
    {"F16", 1, 1, 2},
    {"Q4_0", 2, 32, 2 + 16},
    {"Q4_1", 3, 32, 2 + 2 + 16},
    {"Q5_0", 6, 32, 2 + 4 + 16},
    {"Q5_1", 7, 32, 2 + 2 + 4 + 16},
    {"Q8_0", 8, 32, 2 + 32},
    {"Q8_1", 9, 32, 2 + 2 + 32},
    {"Q2_K", 10, 256, 16 + 64 + 2 + 2},
    {"Q3_K", 11, 256, 32 + 64 + 12 + 2},
    {"Q4_K", 12, 256, 2 + 2 + 12 + 128},
    {"Q5_K", 13, 256, 2 + 2 + 12 + 32 + 128},
    {"Q6_K", 14, 256, 128 + 64 + 16 + 2},
    {"Q8_K", 15, 256, 4 + 256 + 16 * 2},
    {"IQ2_XXS", 16, 256, 2 + 64},
    {"IQ2_XS", 17, 256, 2 + 64 + 8},
    {"IQ3_XXS", 18, 256, 2 + 64 + 32},
    {"IQ1_S", 19, 256, 2 + 32 + 16},
    {"IQ4_NL", 20, 32, 2 + 16},
    {"IQ3_S", 21, 256, 2 + 64 + 8 + 32 + 4},
    {"IQ2_S", 22, 256, 2 + 32 + 32 + 8 + 8},
    {"IQ4_XS", 23, 256, 2 + 2 + 4 + 128},
    {"I8", 24, 1, 1},
    {"I16", 25, 1, 2},
    {"I32", 26, 1, 4},
    {"I64", 27, 1, 8},
    {"F64", 28, 1, 8},
    {"IQ1_M", 29, 256, 32 + 16 + 8},
    {"BF16", 30, 1, 2},
    {"TQ1_0", 34, 256, 48 + 4 + 2},
    {"TQ2_0", 35, 256, 64 + 2},
    {"MXFP4", 39, 32, 1 + 16},
    {"NVFP4", 40, 64, 4 + 32},
    {"Q1_0", 41, 128, 2 + 16},
    {"Q2_0", 42, 64, 2 + 16},
};
enum { N_TYPES = sizeof types / sizeof *types };

Test(gguf_types, by_number_and_by_name)
{
    const qjit_ggml_type_info *info = NULL, *same;
    uint32_t n_known = 0;
    for (size_t i = 0; i < N_TYPES; i++) {
        cr_assert_eq(qjit_get_ggml_type(&info, types[i].number), QJIT_OK, "%s", types[i].name);
        cr_assert_str_eq(info->name, types[i].name);
        cr_assert_eq(info->type, types[i].number);
        cr_assert_eq(info->block_elements, types[i].elements, "%s", types[i].name);
        cr_assert_eq(info->block_bytes, types[i].bytes, "%s", types[i].name);
        cr_assert_eq(qjit_find_ggml_type(&same, types[i].name), QJIT_OK);
        cr_assert_eq(same, info);
    }
    for (uint32_t number = 0; number < 1000; number++) {
        n_known += qjit_get_ggml_type(&info, number) == QJIT_OK;
    }
    cr_assert_eq(n_known, N_TYPES);
    cr_assert_eq(qjit_find_ggml_type(&info, "q4_k"), QJIT_OK);
    cr_assert_eq(info->type, QJIT_GGML_Q4_K);
    cr_assert_eq(qjit_find_ggml_type(&info, "Q4"), QJIT_NOT_FOUND);
    cr_assert_str_eq(qjit_error_detail(), "there is no ggml type 'Q4'");
    cr_assert_eq(qjit_get_ggml_type(&info, 31), QJIT_NOT_FOUND);
    cr_assert_str_eq(qjit_error_detail(),
                     "type 31, 'Q4_0_4_4', is no longer part of ggml: quantise the model again");
    cr_assert_eq(qjit_get_ggml_type(&info, UINT32_MAX), QJIT_NOT_FOUND);
}

static qjit_gguf_writer *writer;
static uint8_t data[64 << 10];

static void start(void)
{
    cr_assert_eq(qjit_gguf_writer_create(&writer), QJIT_OK);
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(i * 7 + i / 256);
    }
}

static void finish(void)
{
    qjit_gguf_writer_destroy(writer);
    qjit_gguf_writer_destroy(NULL);
}

TestSuite(gguf_write, .init = start, .fini = finish);

static qjit_gguf *write_and_open(const char *path)
{
    qjit_gguf *gguf = NULL;
    cr_assert_eq(qjit_gguf_write(writer, path), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(qjit_gguf_open(&gguf, path, 0), QJIT_OK, "%s", qjit_error_detail());
    return gguf;
}

Test(gguf_write, a_tensor_of_every_type)
{
    const qjit_gguf_tensor *tensor;
    for (size_t i = 0; i < N_TYPES; i++) {
        uint64_t dims[] = {types[i].elements * 2, 3, i % 2 + 1};
        cr_assert_eq(qjit_gguf_add_tensor(writer, types[i].name, types[i].number, 3, dims, data + i), QJIT_OK,
                     "%s", qjit_error_detail());
    }
    qjit_gguf *gguf = write_and_open("types.gguf");
    cr_assert_eq(qjit_gguf_tensor_count(gguf), N_TYPES);
    for (size_t i = 0; i < N_TYPES; i++) {
        cr_assert_eq(qjit_gguf_get_tensor(gguf, &tensor, i), QJIT_OK);
        cr_assert_str_eq(tensor->name, types[i].name);
        cr_assert_eq(tensor->type->type, types[i].number);
        cr_assert_eq(tensor->n_bytes, types[i].bytes * 6 * (i % 2 + 1), "%s", types[i].name);
        cr_assert_eq(tensor->offset % 32, 0);
        cr_assert_eq((uintptr_t)tensor->data % 32, 0);
        cr_assert_eq(memcmp(tensor->data, data + i, tensor->n_bytes), 0, "%s", types[i].name);
    }
    qjit_gguf_close(gguf);
}

/* What the writer makes is, to the byte, what the format asks for. */
Test(gguf_write, the_bytes_of_the_format)
{
    static const char *const words[] = {"one", ""};
    struct qj_buf got = {0};
    struct made made;
    qjit_gguf_value items[2], array = {QJIT_GGUF_ARRAY, QJIT_GGUF_STRING, .n = 2, .items = items};
    for (size_t i = 0; i < 2; i++) {
        items[i] = (qjit_gguf_value){QJIT_GGUF_STRING, .n = strlen(words[i]), .bytes = words[i]};
    }
    made_start(&made, 3, 2, 4);
    made_key(&made, "name", 8);
    made_text(&made, "a model");
    made_entry(&made, "general.alignment", 16);
    made_key(&made, "words", 9);
    made_u32(&made, 8);
    made_length(&made, 2);
    made_text(&made, "one");
    made_text(&made, "");
    made_key(&made, "half", 6);
    made_u32(&made, 0x3f000000);
    made_tensor(&made, "a", 24, 17, 0);
    made_tensor(&made, "b", 24, 16, 32);
    made_data(&made, 16, 0);
    made_bytes(&made, data, 17);
    made_data(&made, 16, 0);
    made_bytes(&made, data + 1, 16);
    cr_assert_eq(qjit_gguf_put_text(writer, "name", "a model"), QJIT_OK);
    cr_assert_eq(qjit_gguf_add_tensor(writer, "a", 24, 1, (uint64_t[]){17}, data), QJIT_OK);
    cr_assert_eq(qjit_gguf_put_uint32(writer, "general.alignment", 16), QJIT_OK);
    cr_assert_eq(qjit_gguf_put(writer, "words", &array), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(qjit_gguf_put(writer, "half", &(qjit_gguf_value){QJIT_GGUF_FLOAT32, .number.f = 0.5}),
                 QJIT_OK);
    cr_assert_eq(qjit_gguf_add_tensor(writer, "b", 24, 1, (uint64_t[]){16}, data + 1), QJIT_OK);
    cr_assert_eq(qjit_gguf_write(writer, "bytes.gguf"), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(qj_fs_read(&got, "bytes.gguf", 1 << 20), 0);
    cr_assert_eq(got.size, made.buf.size, "%zu, %zu", got.size, made.buf.size);
    cr_assert_eq(memcmp(got.bytes, made.buf.bytes, got.size), 0);
    qj_buf_finish(&got);
    made_finish(&made);
}

/* One value of every kind and an array of two of each. */
static void put_every_kind(void)
{
    char key[32];
    for (uint32_t kind = 0; kind < QJIT_GGUF_KIND_END; kind++) {
        qjit_gguf_value value = {.kind = (qjit_gguf_kind)kind, .number.u = 1};
        if (kind == QJIT_GGUF_FLOAT32 || kind == QJIT_GGUF_FLOAT64) {
            value.number.f = -0.25;
        } else if (kind == QJIT_GGUF_STRING) {
            value = (qjit_gguf_value){QJIT_GGUF_STRING, .n = 3, .bytes = "t\0t"};
        } else if (kind == QJIT_GGUF_ARRAY) {
            value.element_kind = QJIT_GGUF_BOOL;
        }
        qjit_gguf_value items[2] = {value, value};
        qjit_gguf_value pair = {QJIT_GGUF_ARRAY, (qjit_gguf_kind)kind, .n = 2, .items = items};
        snprintf(key, sizeof key, "one.%s", qjit_gguf_kind_name(kind));
        cr_assert_eq(qjit_gguf_put(writer, key, &value), QJIT_OK, "%s", qjit_error_detail());
        snprintf(key, sizeof key, "two.%s", qjit_gguf_kind_name(kind));
        cr_assert_eq(qjit_gguf_put(writer, key, &pair), QJIT_OK, "%s", qjit_error_detail());
    }
}

Test(gguf_write, values_of_every_kind_come_back)
{
    put_every_kind();
    qjit_gguf *gguf = write_and_open("kinds.gguf");
    for (uint64_t i = 0; i < qjit_gguf_entry_count(gguf); i++) {
        const qjit_gguf_entry *entry;
        qjit_gguf_elements elements;
        qjit_gguf_value one, two;
        cr_assert_eq(qjit_gguf_get_entry(gguf, &entry, i), QJIT_OK);
        one = entry->value;
        cr_assert_eq(one.kind, i / 2 == QJIT_GGUF_ARRAY || i % 2 ? QJIT_GGUF_ARRAY : i / 2, "%s", entry->key);
        if (i % 2) {
            qjit_gguf_elements_init(&elements, &entry->value);
            cr_assert(qjit_gguf_next_element(&elements, &one) && qjit_gguf_next_element(&elements, &two));
            cr_assert_eq(one.kind, i / 2);
            cr_assert_eq(one.number.u, two.number.u);
            cr_assert_eq(one.n, two.n);
        }
        if (one.kind == QJIT_GGUF_FLOAT32 || one.kind == QJIT_GGUF_FLOAT64) {
            cr_assert_eq(one.number.f, -0.25);
        } else if (one.kind == QJIT_GGUF_STRING) {
            cr_assert(one.n == 3 && memcmp(one.bytes, "t\0t", 3) == 0);
        } else if (one.kind != QJIT_GGUF_ARRAY) {
            cr_assert_eq(one.number.u, 1, "%s", entry->key);
        }
    }
    qjit_gguf_close(gguf);
}

static void copy_metadata(const qjit_gguf *gguf)
{
    for (uint64_t i = 0; i < qjit_gguf_entry_count(gguf); i++) {
        const qjit_gguf_entry *entry;
        cr_assert_eq(qjit_gguf_get_entry(gguf, &entry, i), QJIT_OK);
        cr_assert_eq(qjit_gguf_put(writer, entry->key, &entry->value), QJIT_OK, "%s", qjit_error_detail());
    }
}

/* Also from a file whose lengths have 4 bytes. */
Test(gguf_write, what_was_read_can_be_put)
{
    struct made made;
    void *copy;
    qjit_gguf *from, *to;
    made_start(&made, 1, 0, 2);
    made_key(&made, "nested", 9);
    made_u32(&made, 9);
    made_length(&made, 1);
    made_u32(&made, 8);
    made_length(&made, 2);
    made_text(&made, "first");
    made_text(&made, "second");
    made_entry(&made, "general.alignment", 8);
    cr_assert_eq(made_open(&from, &copy, &made), QJIT_OK, "%s", qjit_error_detail());
    copy_metadata(from);
    cr_assert_eq(qjit_gguf_add_tensor(writer, "t", 24, 1, (uint64_t[]){9}, data), QJIT_OK);
    cr_assert_eq(qjit_gguf_add_tensor(writer, "u", 24, 1, (uint64_t[]){9}, data), QJIT_OK);
    to = write_and_open("copy.gguf");
    const qjit_gguf_part *part;
    const qjit_gguf_tensor *tensor;
    cr_assert_eq(qjit_gguf_get_part(to, &part, 0), QJIT_OK);
    cr_assert_eq(part->alignment, 8);
    cr_assert_eq(qjit_gguf_find_tensor(to, &tensor, "u"), QJIT_OK);
    cr_assert_eq(tensor->offset, part->data_offset + 16);
    cr_assert_eq(gguf_walk(from) != 0, 1);
    qjit_gguf_close(from);
    /* The copy of the copy is the same, to the byte. */
    qjit_gguf_writer_destroy(writer);
    cr_assert_eq(qjit_gguf_writer_create(&writer), QJIT_OK);
    copy_metadata(to);
    qjit_gguf_close(to);
    cr_assert_eq(qjit_gguf_add_tensor(writer, "t", 24, 1, (uint64_t[]){9}, data), QJIT_OK);
    cr_assert_eq(qjit_gguf_add_tensor(writer, "u", 24, 1, (uint64_t[]){9}, data), QJIT_OK);
    cr_assert_eq(qjit_gguf_write(writer, "again.gguf"), QJIT_OK);
    struct qj_buf one = {0}, two = {0};
    cr_assert_eq(qj_fs_read(&one, "copy.gguf", 1 << 20) || qj_fs_read(&two, "again.gguf", 1 << 20), 0);
    cr_assert(one.size == two.size && memcmp(one.bytes, two.bytes, one.size) == 0);
    qj_buf_finish(&one);
    qj_buf_finish(&two);
    free(copy);
    made_finish(&made);
}

static void refuse_value(const qjit_gguf_value *value, const char *words)
{
    cr_assert_eq(qjit_gguf_put(writer, "key", value), QJIT_INVALID_ARGUMENT, "%s", words);
    cr_assert_str_eq(qjit_error_detail(), words);
}

Test(gguf_write, values_that_cannot_be_are_refused)
{
    qjit_gguf_value other = {QJIT_GGUF_INT8, .number.i = 1};
    qjit_gguf_value deep[QJIT_GGUF_MAX_DEPTH + 1];
    for (size_t i = 0; i <= QJIT_GGUF_MAX_DEPTH; i++) {
        deep[i] = (qjit_gguf_value){QJIT_GGUF_ARRAY, QJIT_GGUF_ARRAY, .n = 1, .items = &deep[i + 1]};
    }
    deep[QJIT_GGUF_MAX_DEPTH] = (qjit_gguf_value){.kind = QJIT_GGUF_ARRAY, .element_kind = QJIT_GGUF_BOOL};
    refuse_value(deep, "the value of metadata 'key' has arrays in arrays, more than 8 deep");
    refuse_value(&(qjit_gguf_value){QJIT_GGUF_UINT8, .number.u = 256},
                 "the value of metadata 'key' is a number too large for its kind");
    refuse_value(&(qjit_gguf_value){QJIT_GGUF_INT16, .number.i = -32769},
                 "the value of metadata 'key' is a number too large for its kind");
    refuse_value(&(qjit_gguf_value){QJIT_GGUF_BOOL, .number.u = 2},
                 "the value of metadata 'key' is a number too large for its kind");
    refuse_value(&(qjit_gguf_value){.kind = (qjit_gguf_kind)13},
                 "the value of metadata 'key' is of a kind that there is not");
    refuse_value(&(qjit_gguf_value){.kind = QJIT_GGUF_ARRAY, .element_kind = (qjit_gguf_kind)77},
                 "the value of metadata 'key' is an array of a kind that there is not");
    refuse_value(&(qjit_gguf_value){QJIT_GGUF_ARRAY, QJIT_GGUF_BOOL, .n = 1, .items = &other},
                 "the value of metadata 'key' is an array with an element of another kind");
    refuse_value(&(qjit_gguf_value){QJIT_GGUF_ARRAY, QJIT_GGUF_BOOL, .n = 1},
                 "the value of metadata 'key' is an array with fewer elements than it says");
    refuse_value(&(qjit_gguf_value){QJIT_GGUF_STRING, .n = 1},
                 "the value of metadata 'key' is a string without bytes");
    /* None of them left anything behind. */
    cr_assert_eq(qjit_gguf_put(writer, "key", &deep[1]), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(qjit_gguf_put(writer, "key", &other), QJIT_EXISTS);
    cr_assert_str_eq(qjit_error_detail(), "metadata 'key' has been put already");
    cr_assert_eq(qjit_gguf_put(writer, "", &other), QJIT_INVALID_ARGUMENT);
    cr_assert_eq(qjit_gguf_put_uint32(writer, "general.alignment", 24), QJIT_INVALID_ARGUMENT);
    qjit_gguf *gguf = write_and_open("refused.gguf");
    cr_assert_eq(qjit_gguf_entry_count(gguf), 1);
    qjit_gguf_close(gguf);
}

static void refuse_tensor(uint32_t type, uint32_t n_dims, const uint64_t *dims, const void *bytes,
                          const char *words)
{
    cr_assert_eq(qjit_gguf_add_tensor(writer, "t", type, n_dims, dims, bytes), QJIT_INVALID_ARGUMENT, "%s",
                 words);
    cr_assert_not_null(strstr(qjit_error_detail(), words), "%s", qjit_error_detail());
}

Test(gguf_write, tensors_that_cannot_be_are_refused)
{
    static const uint64_t dims[5] = {32, 1, 1, 1, 1}, huge[3] = {1ull << 31, 1ull << 31, 1ull << 31};
    refuse_tensor(5, 1, dims, data, "tensor 't': type 5, 'Q4_3', is no longer part of ggml");
    refuse_tensor(99, 1, dims, data, "tensor 't': type 99 is unknown");
    refuse_tensor(0, 5, dims, data, "has more than 4 dimensions");
    refuse_tensor(12, 1, dims, data,
                  "has a width that is no multiple of the elements in a block of its type");
    refuse_tensor(0, 3, huge, data, "has dimensions whose product is more than 2^63 - 1");
    refuse_tensor(28, 2, huge, data, "has more than 2^63 - 1 bytes");
    refuse_tensor(0, 1, dims, NULL, "has no data");
    cr_assert_eq(qjit_gguf_add_tensor(writer, "", 0, 1, dims, data), QJIT_INVALID_ARGUMENT);
    cr_assert_eq(qjit_gguf_add_tensor(writer, "t", 0, 1, dims, data), QJIT_OK);
    cr_assert_eq(qjit_gguf_add_tensor(writer, "t", 0, 1, dims, data), QJIT_EXISTS);
    cr_assert_eq(qjit_gguf_add_tensor(writer, "none", 0, 1, (uint64_t[]){0}, NULL), QJIT_OK);
}

/* Whole or not at all: no file appears, none stays behind. */
Test(gguf_write, what_cannot_be_written_is_said)
{
    cr_assert_eq(qjit_gguf_write(writer, "nowhere/model.gguf"), QJIT_IO);
    cr_assert_not_null(strstr(qjit_error_detail(), "No such file or directory"), "%s", qjit_error_detail());
    cr_assert_eq(qjit_gguf_write(writer, "."), QJIT_IO);
    cr_assert_not_null(strstr(qjit_error_detail(), "cannot write '.'"), "%s", qjit_error_detail());
    cr_assert_eq(system("ls -A | grep -q part"), 256);
}
