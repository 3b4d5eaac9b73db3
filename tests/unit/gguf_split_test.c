/* Models in several files. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gguf_support.h"

static const uint8_t data[64] = {1, 2, 3};

/* One part: its number from 0, with tensors PART.0 to PART.n-1 of `part + 1` elements. */
static void write_part(const char *path, unsigned part, unsigned n_parts, unsigned n_tensors, int total)
{
    qjit_gguf_writer *writer;
    cr_assert_eq(qjit_gguf_writer_create(&writer), QJIT_OK);
    if (part == 0) {
        cr_assert_eq(qjit_gguf_put_text(writer, "general.name", "in parts"), QJIT_OK);
    }
    cr_assert_eq(qjit_gguf_put_uint32(writer, "general.alignment", 32u << part), QJIT_OK);
    cr_assert_eq(qjit_gguf_put(writer, "split.no", &(qjit_gguf_value){QJIT_GGUF_UINT16, .number.u = part}),
                 QJIT_OK);
    cr_assert_eq(
        qjit_gguf_put(writer, "split.count", &(qjit_gguf_value){QJIT_GGUF_UINT16, .number.u = n_parts}),
        QJIT_OK);
    cr_assert_eq(
        qjit_gguf_put(writer, "split.tensors.count", &(qjit_gguf_value){QJIT_GGUF_INT32, .number.i = total}),
        QJIT_OK);
    for (unsigned i = 0; i < n_tensors; i++) {
        char name[32];
        snprintf(name, sizeof name, "%u.%u", part, i);
        cr_assert_eq(qjit_gguf_add_tensor(writer, name, QJIT_GGML_I8, 1, (uint64_t[]){part + 1}, data + part),
                     QJIT_OK);
    }
    cr_assert_eq(qjit_gguf_write(writer, path), QJIT_OK, "%s", qjit_error_detail());
    qjit_gguf_writer_destroy(writer);
}

static void write_model(void)
{
    write_part("m-00001-of-00003.gguf", 0, 3, 1, 6);
    write_part("m-00002-of-00003.gguf", 1, 3, 3, 6);
    write_part("m-00003-of-00003.gguf", 2, 3, 2, 6);
}

static void refuse(const char *path, qjit_status status, const char *words)
{
    qjit_gguf *gguf = NULL;
    cr_assert_eq(qjit_gguf_open(&gguf, path, 0), status, "%s: %s", words, qjit_error_detail());
    cr_assert_null(gguf);
    cr_assert_str_eq(qjit_error_detail(), words);
}

Test(gguf_split, parts_are_one_model)
{
    qjit_gguf *gguf;
    const qjit_gguf_part *part;
    const qjit_gguf_tensor *tensor;
    const qjit_gguf_entry *entry;
    write_model();
    cr_assert_eq(qjit_gguf_open(&gguf, "./m-00001-of-00003.gguf", 0), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(qjit_gguf_part_count(gguf), 3);
    cr_assert_eq(qjit_gguf_tensor_count(gguf), 6);
    cr_assert_eq(qjit_gguf_find_entry(gguf, &entry, "general.name"), QJIT_OK);
    cr_assert_eq(qjit_gguf_find_tensor(gguf, &tensor, "2.1"), QJIT_OK);
    cr_assert_eq(tensor->part, 2);
    cr_assert_eq(tensor->n_bytes, 3);
    cr_assert_eq(memcmp(tensor->data, data + 2, 3), 0);
    cr_assert_eq(qjit_gguf_get_part(gguf, &part, 2), QJIT_OK);
    cr_assert_str_eq(part->path, "./m-00003-of-00003.gguf");
    cr_assert_eq(part->alignment, 128);
    cr_assert_eq(part->n_tensors, 2);
    cr_assert_eq(tensor->offset, part->data_offset + 128);
    cr_assert_eq(qjit_gguf_get_tensor(gguf, &tensor, 1), QJIT_OK);
    cr_assert_str_eq(tensor->name, "1.0");
    (void)gguf_walk(gguf);
    qjit_gguf_close(gguf);
}

Test(gguf_split, one_part_can_be_opened_alone)
{
    qjit_gguf *gguf;
    const qjit_gguf_tensor *tensor;
    write_model();
    refuse("m-00002-of-00003.gguf", QJIT_BAD_FILE,
           "'m-00002-of-00003.gguf' is part 2 of 3: open 'm-00001-of-00003.gguf', or this part alone");
    cr_assert_eq(qjit_gguf_open(&gguf, "m-00002-of-00003.gguf", QJIT_GGUF_ONE_PART), QJIT_OK);
    cr_assert_eq(qjit_gguf_part_count(gguf), 1);
    cr_assert_eq(qjit_gguf_tensor_count(gguf), 3);
    cr_assert_eq(qjit_gguf_find_tensor(gguf, &tensor, "1.2"), QJIT_OK);
    cr_assert_eq(tensor->part, 0);
    qjit_gguf_close(gguf);
}

Test(gguf_split, a_model_of_one_part_needs_no_name)
{
    qjit_gguf *gguf;
    write_part("model.gguf", 0, 1, 2, 2);
    cr_assert_eq(qjit_gguf_open(&gguf, "model.gguf", 0), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(qjit_gguf_tensor_count(gguf), 2);
    qjit_gguf_close(gguf);
}

Test(gguf_split, what_does_not_belong_together_is_said)
{
    write_model();
    cr_assert_eq(unlink("m-00003-of-00003.gguf"), 0);
    refuse(
        "m-00001-of-00003.gguf", QJIT_IO,
        "cannot open 'm-00003-of-00003.gguf': No such file or directory (it is part 3 of 3 of the model: put "
        "all parts into one folder)");
    write_part("m-00003-of-00003.gguf", 1, 3, 2, 6);
    refuse("m-00001-of-00003.gguf", QJIT_BAD_FILE,
           "'m-00003-of-00003.gguf' does not say that it is part 3 of 3: it belongs to another model, or was "
           "renamed");
    write_part("m-00003-of-00003.gguf", 2, 3, 1, 6);
    refuse(
        "m-00001-of-00003.gguf", QJIT_BAD_FILE,
        "'m-00001-of-00003.gguf' says that all parts together have 6 tensors, but they have 5: they are not "
        "parts of one model");
    write_part("other.gguf", 0, 3, 1, 6);
    refuse("other.gguf", QJIT_BAD_FILE,
           "'other.gguf' is part 1 of 3, so that its name must end in '-00001-of-00003.gguf': give all parts "
           "the "
           "names that they were made with");
    write_part("m-00001-of-00003.gguf", 3, 3, 1, 6);
    refuse("m-00001-of-00003.gguf", QJIT_BAD_FILE,
           "'m-00001-of-00003.gguf' says that it is part 3, from 0, of 3: the file is damaged, or made by a "
           "faulty program");
}

/* A damaged part is named, and so is a tensor that two parts have. */
Test(gguf_split, faults_of_a_part_are_its_own)
{
    struct made made;
    write_model();
    made_start(&made, 3, 1, 2);
    made_entry(&made, "split.no", 2);
    made_entry(&made, "split.count", 3);
    made_tensor(&made, "1.1", QJIT_GGML_I8, 64, 0);
    made_data(&made, 32, 63);
    made_write(&made, "m-00003-of-00003.gguf");
    refuse("m-00001-of-00003.gguf", QJIT_BAD_FILE,
           "'m-00003-of-00003.gguf': tensor '1.1' needs 64 bytes at offset 0, but there are 63 bytes of "
           "data: the "
           "file is cut off or damaged, fetch it again");
    made_finish(&made);
    write_part("m-00001-of-00003.gguf", 0, 3, 1, 5);
    made_start(&made, 3, 1, 2);
    made_entry(&made, "split.no", 2);
    made_entry(&made, "split.count", 3);
    made_tensor(&made, "1.1", QJIT_GGML_I8, 64, 0);
    made_data(&made, 32, 64);
    made_write(&made, "m-00003-of-00003.gguf");
    refuse("m-00001-of-00003.gguf", QJIT_BAD_FILE,
           "'m-00001-of-00003.gguf' has two tensors called '1.1': the file is damaged, or made by a faulty "
           "program");
    made_finish(&made);
}

Test(gguf_split, counts_are_integers)
{
    struct made made;
    made_start(&made, 3, 0, 1);
    made_key(&made, "split.count", 8);
    made_text(&made, "3");
    made_write(&made, "m-00001-of-00003.gguf");
    refuse("m-00001-of-00003.gguf", QJIT_BAD_FILE,
           "'m-00001-of-00003.gguf': 'split.count' is no integer: the file is damaged");
    made_finish(&made);
    made_start(&made, 3, 0, 2);
    made_key(&made, "split.count", 5);
    made_u32(&made, 0xffffffff);
    made_entry(&made, "split.no", 0);
    made_write(&made, "m-00001-of-00003.gguf");
    qjit_gguf *gguf = NULL;
    cr_assert_eq(qjit_gguf_open(&gguf, "m-00001-of-00003.gguf", 0), QJIT_BAD_FILE);
    made_finish(&made);
}
