/* Reading, against files put together by hand. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "gguf_support.h"

/* The same small model in three versions, written out. */
static const uint8_t version_1[] = {
    'G', 'G', 'U', 'F', 1,   0, 0, 0,                                       /* magic, version */
    1,   0,   0,   0,   2,   0, 0, 0,                                       /* 1 tensor, 2 entries */
    1,   0,   0,   0,   'k', 8, 0, 0, 0, 2,    0,    0,  0, 'h', 'i',       /* k: string "hi" */
    1,   0,   0,   0,   'n', 2, 0, 0, 0, 0x34, 0x12,                        /* n: uint16 0x1234 */
    1,   0,   0,   0,   't', 2, 0, 0, 0, 2,    0,    0,  0, 3,   0,   0, 0, /* t: 2 x 3 */
    1,   0,   0,   0,   0,   0, 0, 0, 0, 0,    0,    0,                     /* F16, at 0 */
    0,   0,   0,   0,   0,   0, 0, 0, 0, 0,    0,    0,  0, 0,   0,   0, 0,
    0,   0,   0,   0, /* 71 bytes so far, up to 96 */
    0,   0,   0,   0, /* */
    1,   2,   3,   4,   5,   6, 7, 8, 9, 10,   11,   12,
};
#define VERSION_2_AND_3(version)                                                                             \
    'G', 'G', 'U', 'F', version, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, /* */              \
        1, 0, 0, 0, 0, 0, 0, 0, 'k', 8, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 'h', 'i',        /* */              \
        1, 0, 0, 0, 0, 0, 0, 0, 'n', 2, 0, 0, 0, 0x34, 0x12,                              /* */              \
        1, 0, 0, 0, 0, 0, 0, 0, 't', 2, 0, 0, 0,                                          /* */              \
        2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0,                                   /* */              \
        1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 103 bytes so far, up to 128 */                                \
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* */                     \
        1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
static const uint8_t version_2[] = {VERSION_2_AND_3(2)};
static const uint8_t version_3[] = {VERSION_2_AND_3(3)};

static void expect_small(const uint8_t *bytes, size_t n, uint32_t version, uint64_t data_offset)
{
    qjit_gguf *gguf;
    const qjit_gguf_part *part;
    const qjit_gguf_entry *entry;
    const qjit_gguf_tensor *tensor;
    cr_assert_eq(qjit_gguf_open_bytes(&gguf, bytes, n), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(qjit_gguf_part_count(gguf), 1);
    cr_assert_eq(qjit_gguf_get_part(gguf, &part, 0), QJIT_OK);
    cr_assert_eq(part->version, version);
    cr_assert_eq(part->alignment, 32);
    cr_assert_eq(part->data_offset, data_offset);
    cr_assert_eq(part->n_bytes, n);
    cr_assert_eq(part->n_tensors, 1);
    cr_assert_eq(qjit_gguf_entry_count(gguf), 2);
    cr_assert_eq(qjit_gguf_find_entry(gguf, &entry, "k"), QJIT_OK);
    cr_assert_eq(entry->value.kind, QJIT_GGUF_STRING);
    cr_assert_eq(entry->value.n, 2);
    cr_assert_eq(memcmp(entry->value.bytes, "hi", 2), 0);
    cr_assert_eq(qjit_gguf_get_entry(gguf, &entry, 1), QJIT_OK);
    cr_assert_str_eq(entry->key, "n");
    cr_assert_eq(entry->value.kind, QJIT_GGUF_UINT16);
    cr_assert_eq(entry->value.number.u, 0x1234);
    cr_assert_eq(qjit_gguf_tensor_count(gguf), 1);
    cr_assert_eq(qjit_gguf_find_tensor(gguf, &tensor, "t"), QJIT_OK);
    cr_assert_str_eq(tensor->type->name, "F16");
    cr_assert_eq(tensor->n_dims, 2);
    cr_assert_eq(memcmp(tensor->dims, (uint64_t[]){2, 3, 1, 1}, sizeof tensor->dims), 0);
    cr_assert_eq(tensor->n_elements, 6);
    cr_assert_eq(tensor->n_bytes, 12);
    cr_assert_eq(tensor->offset, data_offset);
    cr_assert_eq(tensor->data, bytes + data_offset);
    cr_assert_eq(((const uint8_t *)tensor->data)[11], 12);
    qjit_gguf_close(gguf);
}

Test(gguf_read, versions_1_2_and_3)
{
    expect_small(version_1, sizeof version_1, 1, 96);
    expect_small(version_2, sizeof version_2, 2, 128);
    expect_small(version_3, sizeof version_3, 3, 128);
}

Test(gguf_read, what_is_not_there_is_not_found)
{
    qjit_gguf *gguf;
    const qjit_gguf_entry *entry = NULL;
    const qjit_gguf_tensor *tensor = NULL;
    const qjit_gguf_part *part = NULL;
    cr_assert_eq(qjit_gguf_open_bytes(&gguf, version_3, sizeof version_3), QJIT_OK);
    cr_assert_eq(qjit_gguf_find_entry(gguf, &entry, "kk"), QJIT_NOT_FOUND);
    cr_assert_str_eq(qjit_error_detail(), "'bytes in memory' has no metadata 'kk'");
    cr_assert_eq(qjit_gguf_get_entry(gguf, &entry, 2), QJIT_NOT_FOUND);
    cr_assert_eq(qjit_gguf_find_tensor(gguf, &tensor, ""), QJIT_NOT_FOUND);
    cr_assert_eq(qjit_gguf_get_tensor(gguf, &tensor, 1), QJIT_NOT_FOUND);
    cr_assert_eq(qjit_gguf_get_part(gguf, &part, 1), QJIT_NOT_FOUND);
    cr_assert(!entry && !tensor && !part);
    qjit_gguf_close(gguf);
    qjit_gguf_close(NULL);
}

/* Every kind of number, each with the bytes of one value. */
static const struct {
    uint32_t kind;
    const char *name;
    uint32_t n_bytes;
    uint8_t bytes[8];
    qjit_gguf_value want;
} numbers[] = {
    {0, "uint8", 1, {0xfe}, {.number.u = 254}},
    {1, "int8", 1, {0xfe}, {.number.i = -2}},
    {2, "uint16", 2, {1, 0x80}, {.number.u = 32769}},
    {3, "int16", 2, {1, 0x80}, {.number.i = -32767}},
    {4, "uint32", 4, {1, 0, 0, 0x80}, {.number.u = 2147483649}},
    {5, "int32", 4, {1, 0, 0, 0x80}, {.number.i = -2147483647}},
    {6, "float32", 4, {0, 0, 0xc0, 0xbf}, {.number.f = -1.5}},
    {7, "bool", 1, {1}, {.number.u = 1}},
    {10, "uint64", 8, {1, 0, 0, 0, 0, 0, 0, 0x80}, {.number.u = 9223372036854775809u}},
    {11, "int64", 8, {1, 0, 0, 0, 0, 0, 0, 0x80}, {.number.i = -9223372036854775807}},
    {12, "float64", 8, {0, 0, 0, 0, 0, 0, 4, 0x40}, {.number.f = 2.5}},
};
enum { N_NUMBERS = sizeof numbers / sizeof *numbers };

static const qjit_gguf_value *value_of(const qjit_gguf *gguf, const char *key)
{
    const qjit_gguf_entry *entry;
    cr_assert_eq(qjit_gguf_find_entry(gguf, &entry, key), QJIT_OK, "%s", qjit_error_detail());
    return &entry->value;
}

/* Two elements, the second of zero bytes. */
static void expect_pair(const qjit_gguf_value *array, size_t number)
{
    qjit_gguf_elements elements;
    qjit_gguf_value element;
    cr_assert_eq(array->kind, QJIT_GGUF_ARRAY);
    cr_assert_eq(array->element_kind, numbers[number].kind);
    cr_assert_eq(array->n, 2);
    cr_assert_eq(array->n_bytes, 2 * numbers[number].n_bytes);
    qjit_gguf_elements_init(&elements, array);
    cr_assert(qjit_gguf_next_element(&elements, &element));
    cr_assert_eq(element.kind, numbers[number].kind);
    cr_assert_eq(element.number.u, numbers[number].want.number.u);
    cr_assert(qjit_gguf_next_element(&elements, &element));
    cr_assert_eq(element.number.u, 0);
    cr_assert_not(qjit_gguf_next_element(&elements, &element));
    cr_assert_not(qjit_gguf_next_element(&elements, &element));
}

static void expect_numbers(unsigned version)
{
    struct made made;
    qjit_gguf *gguf;
    void *copy;
    char key[32];
    made_start(&made, version, 0, 2 * N_NUMBERS);
    for (size_t i = 0; i < N_NUMBERS; i++) {
        made_key(&made, numbers[i].name, numbers[i].kind);
        made_bytes(&made, numbers[i].bytes, numbers[i].n_bytes);
        snprintf(key, sizeof key, "two of %s", numbers[i].name);
        made_key(&made, key, 9);
        made_u32(&made, numbers[i].kind);
        made_length(&made, 2);
        made_bytes(&made, numbers[i].bytes, numbers[i].n_bytes);
        made_bytes(&made, (uint8_t[8]){0}, numbers[i].n_bytes);
    }
    cr_assert_eq(made_open(&gguf, &copy, &made), QJIT_OK, "%s", qjit_error_detail());
    for (size_t i = 0; i < N_NUMBERS; i++) {
        const qjit_gguf_value *value = value_of(gguf, numbers[i].name);
        cr_assert_str_eq(qjit_gguf_kind_name(value->kind), numbers[i].name);
        cr_assert_eq(value->kind, numbers[i].kind);
        cr_assert_eq(value->number.u, numbers[i].want.number.u, "%s", numbers[i].name);
        snprintf(key, sizeof key, "two of %s", numbers[i].name);
        expect_pair(value_of(gguf, key), i);
    }
    qjit_gguf_close(gguf);
    free(copy);
    made_finish(&made);
}

Test(gguf_read, numbers_of_every_kind_and_arrays_of_them)
{
    expect_numbers(1);
    expect_numbers(2);
    expect_numbers(3);
    cr_assert_null(qjit_gguf_kind_name(13));
}

/* [["a", ""], [], ["b"]], an array of no strings, and a string with a zero byte. */
static void make_texts(struct made *made, unsigned version)
{
    static const char *const texts[3][2] = {{"a", ""}, {NULL, NULL}, {"b", NULL}};
    made_start(made, version, 0, 3);
    made_key(made, "nested", 9);
    made_u32(made, 9);
    made_length(made, 3);
    for (size_t i = 0; i < 3; i++) {
        size_t n = !texts[i][0] ? 0 : texts[i][1] ? 2 : 1;
        made_u32(made, 8);
        made_length(made, n);
        for (size_t j = 0; j < n; j++) {
            made_text(made, texts[i][j]);
        }
    }
    made_key(made, "none", 9);
    made_u32(made, 8);
    made_length(made, 0);
    made_key(made, "zero", 8);
    made_length(made, 3);
    made_bytes(made, "x\0y", 3);
}

static void expect_texts(unsigned version)
{
    struct made made;
    qjit_gguf *gguf;
    void *copy;
    char seen[32] = "";
    qjit_gguf_elements rows, row;
    qjit_gguf_value inner, text;
    make_texts(&made, version);
    cr_assert_eq(made_open(&gguf, &copy, &made), QJIT_OK, "%s", qjit_error_detail());
    qjit_gguf_elements_init(&rows, value_of(gguf, "nested"));
    while (qjit_gguf_next_element(&rows, &inner)) {
        cr_assert_eq(inner.kind, QJIT_GGUF_ARRAY);
        cr_assert_eq(inner.element_kind, QJIT_GGUF_STRING);
        qjit_gguf_elements_init(&row, &inner);
        while (qjit_gguf_next_element(&row, &text)) {
            strncat(seen, text.bytes, text.n);
            strcat(seen, ",");
        }
        strcat(seen, ";");
    }
    cr_assert_str_eq(seen, "a,,;;b,;");
    cr_assert_eq(value_of(gguf, "none")->n, 0);
    cr_assert_eq(value_of(gguf, "zero")->n, 3);
    cr_assert_eq(memcmp(value_of(gguf, "zero")->bytes, "x\0y", 3), 0);
    /* What is no array has no elements. */
    qjit_gguf_elements_init(&row, value_of(gguf, "zero"));
    cr_assert_not(qjit_gguf_next_element(&row, &text));
    qjit_gguf_close(gguf);
    free(copy);
    made_finish(&made);
}

Test(gguf_read, strings_and_arrays_in_arrays)
{
    expect_texts(1);
    expect_texts(2);
    expect_texts(3);
}

/* A value that nobody checked: its elements end where its bytes do. */
Test(gguf_read, elements_of_a_made_up_array_stay_inside)
{
    static const uint8_t bytes[] = {1, 0, 0, 0, 0, 0, 0, 0, 'a', 200, 0, 0, 0, 0, 0, 0, 0, 'b'};
    qjit_gguf_value element, array = {.kind = QJIT_GGUF_ARRAY,
                                      .element_kind = QJIT_GGUF_STRING,
                                      .n = UINT64_MAX,
                                      .bytes = bytes,
                                      .n_bytes = sizeof bytes,
                                      .length_bytes = 8};
    qjit_gguf_elements elements;
    qjit_gguf_elements_init(&elements, &array);
    cr_assert(qjit_gguf_next_element(&elements, &element));
    cr_assert_eq(element.n, 1);
    cr_assert_not(qjit_gguf_next_element(&elements, &element));
}

Test(gguf_read, tensors_need_not_be_in_order_nor_close_together)
{
    struct made made;
    qjit_gguf *gguf;
    void *copy;
    const qjit_gguf_tensor *tensor;
    made_start(&made, 3, 4, 1);
    made_entry(&made, "general.alignment", 64);
    made_tensor(&made, "second", 8, 64, 256);
    made_tensor(&made, "first", 0, 3, 64);
    made_tensor(&made, "none", 24, 0, 64);
    made_text(&made, "scalar");
    made_u32(&made, 0);
    made_u32(&made, 28);
    made_u64(&made, 0);
    made_data(&made, 64, 256 + 68);
    cr_assert_eq(made_open(&gguf, &copy, &made), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(qjit_gguf_get_tensor(gguf, &tensor, 0), QJIT_OK);
    cr_assert_str_eq(tensor->name, "second");
    cr_assert_eq(tensor->n_bytes, 68);
    cr_assert_eq(*(const uint8_t *)tensor->data, 0); /* 256 */
    cr_assert_eq(qjit_gguf_find_tensor(gguf, &tensor, "first"), QJIT_OK);
    cr_assert_eq(*(const uint8_t *)tensor->data, 64);
    cr_assert_eq(qjit_gguf_find_tensor(gguf, &tensor, "none"), QJIT_OK);
    cr_assert_eq(tensor->n_bytes, 0);
    cr_assert_eq(qjit_gguf_find_tensor(gguf, &tensor, "scalar"), QJIT_OK);
    cr_assert_eq(tensor->n_elements, 1);
    cr_assert_eq(tensor->n_bytes, 8);
    qjit_gguf_close(gguf);
    free(copy);
    made_finish(&made);
}

/* Many writers do not pad a file without tensors. */
Test(gguf_read, a_file_without_tensors_may_end_with_its_metadata)
{
    struct made made;
    qjit_gguf *gguf;
    void *copy;
    made_start(&made, 3, 0, 1);
    made_entry(&made, "answer", 42);
    cr_assert_eq(made_open(&gguf, &copy, &made), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(value_of(gguf, "answer")->number.u, 42);
    qjit_gguf_close(gguf);
    free(copy);
    made_finish(&made);
}

/* Written by ggml's own writer (August 2026): 2 blocks by 3 rows of every type that it has, each byte one
 * more than the type's number, under ggml's name of the type; and a value of each kind. */
Test(gguf_read, a_file_that_ggml_wrote)
{
    qjit_gguf *gguf;
    const qjit_gguf_tensor *tensor;
    const qjit_ggml_type_info *type;
    cr_assert_eq(qjit_gguf_open(&gguf, SAMPLES "/by_ggml.gguf", 0), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(qjit_gguf_tensor_count(gguf), 35);
    for (uint64_t i = 0; qjit_gguf_get_tensor(gguf, &tensor, i) == QJIT_OK; i++) {
        const uint8_t *bytes = tensor->data;
        cr_assert_eq(qjit_find_ggml_type(&type, tensor->name), QJIT_OK, "%s", tensor->name);
        cr_assert_eq(tensor->type, type, "%s", tensor->name);
        cr_assert_eq(tensor->n_bytes, 6 * type->block_bytes, "%s", tensor->name);
        cr_assert_eq(bytes[0], type->type + 1);
        cr_assert_eq(memcmp(bytes, bytes + 1, tensor->n_bytes - 1), 0, "%s", tensor->name);
    }
    cr_assert_eq(qjit_gguf_entry_count(gguf), 14);
    cr_assert_eq(memcmp(value_of(gguf, "general.name")->bytes, "made by ggml", 12), 0);
    cr_assert_eq(value_of(gguf, "u16")->number.u, 60000);
    cr_assert_eq(value_of(gguf, "i16")->number.i, -30000);
    cr_assert_eq(value_of(gguf, "u64")->number.u, 1ull << 63);
    cr_assert_eq(value_of(gguf, "f64")->number.f, 0.1);
    cr_assert_eq(value_of(gguf, "strs")->n, 3);
    qjit_gguf_close(gguf);
}

Test(gguf_read, what_is_no_file_to_map_is_said)
{
    qjit_gguf *gguf = NULL;
    cr_assert_eq(qjit_gguf_open(&gguf, "nowhere.gguf", 0), QJIT_IO);
    cr_assert_str_eq(qjit_error_detail(), "cannot open 'nowhere.gguf': No such file or directory");
    cr_assert_eq(qjit_gguf_open(&gguf, ".", 0), QJIT_IO);
    cr_assert_str_eq(qjit_error_detail(), "'.' is no regular file, so that it cannot be mapped: name a file");
    cr_assert_eq(mkfifo("pipe", 0600), 0);
    cr_assert_eq(qjit_gguf_open(&gguf, "pipe", 0), QJIT_IO);
    cr_assert_eq(qjit_gguf_open(&gguf, "nowhere.gguf", 8), QJIT_INVALID_ARGUMENT);
    fclose(fopen("empty", "w"));
    cr_assert_eq(qjit_gguf_open(&gguf, "empty", 0), QJIT_BAD_FILE);
    cr_assert_str_eq(qjit_error_detail(), "'empty' is empty: fetch it again");
    cr_assert_eq(qjit_gguf_open_bytes(&gguf, NULL, 0), QJIT_BAD_FILE);
    cr_assert_null(gguf);
}
