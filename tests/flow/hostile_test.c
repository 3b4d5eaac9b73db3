/* Rows whose checksums hold and whose code objects lie: for another arch, headers that point outside, no ELF
 * at all. Each is refused, and what comes is what the compiler makes. */
#include <criterion/criterion.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "cache/cache.h"
#include "flow/flow.h"

static const char kernel[] = "dequantize_block_q8_0_f32", arch[] = "gfx1030";

TestSuite(hostile, .init = flow_init, .timeout = 600);

static qjit_object *get_object(const char *wanted, bool from_store)
{
    qjit_context *context = flow_create(NULL);
    qjit_kernel id;
    qjit_object *object;
    cr_assert_eq(qjit_find_kernel(context, &id, kernel), QJIT_OK);
    cr_assert_eq(qjit_get_object(context, &object, id, wanted), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_eq(object->from_store, from_store);
    qjit_destroy(context);
    return object;
}

struct forgery {
    const char *what;
    size_t at, n; /* bytes of the object that are replaced; n 0: none */
    uint64_t value;
    size_t n_object; /* its new size; 0: as it was */
};

static int take_key(void *payload, const struct qj_row *row)
{
    if (strcmp(row->arch, arch) == 0) {
        memcpy(payload, row->key, QJ_DIGEST_BYTES);
    }
    return 0;
}

/* Puts `bytes` in the place of the object for `arch`, as the store itself puts. */
static void replace(const void *bytes, size_t n)
{
    struct qj_store *store;
    struct qj_store_options options = {.directory = getenv("QJIT_CACHE_DIR")};
    struct qj_entry entry;
    uint8_t key[QJ_DIGEST_BYTES] = {0};
    cr_assert_eq(qj_store_open(&store, &options), QJIT_OK);
    cr_assert_eq(qj_store_each(store, NULL, take_key, key), QJIT_OK);
    cr_assert_eq(qj_store_get(store, &entry, key), QJIT_OK);
    cr_assert_eq(qj_store_put(store, &entry.row, bytes, n), QJIT_OK);
    qj_entry_finish(&entry);
    qj_store_close(store);
}

static void expect_refused(const qjit_object *right, const void *bytes, size_t n, const char *what)
{
    replace(bytes, n);
    qjit_object *object = get_object(arch, false);
    cr_assert_eq(object->n_bytes, right->n_bytes, "%s", what);
    cr_assert_eq(memcmp(object->bytes, right->bytes, right->n_bytes), 0, "%s", what);
    qjit_object_destroy(object);
}

Test(hostile, code_objects_that_lie)
{
#define FIELD(member) offsetof(Elf64_Ehdr, member), sizeof(((Elf64_Ehdr *)0)->member)
    static const struct forgery forgeries[] = {
        {"no ELF", 0, 4, 0, 0},
        {"an empty object", 0, 0, 0, 1},
        {"half an object", 0, 0, 0, 1000},
        {"another machine", FIELD(e_machine), EM_X86_64, 0},
        {"the flags of another processor", FIELD(e_flags), 0x3f, 0},
        {"program headers past the end", FIELD(e_phoff), UINT64_MAX - 8, 0},
        {"section headers past the end", FIELD(e_shoff), (uint64_t)1 << 40, 0},
        {"more program headers than there are", FIELD(e_phnum), 0xffff, 0},
    };
    qjit_object *right = get_object(arch, false), *other = get_object("gfx90a:xnack-", false);
    for (size_t i = 0; i < sizeof forgeries / sizeof *forgeries; i++) {
        const struct forgery *forgery = &forgeries[i];
        char *copy = malloc(right->n_bytes);
        memcpy(copy, right->bytes, right->n_bytes);
        memcpy(copy + forgery->at, &forgery->value, forgery->n);
        expect_refused(right, copy, forgery->n_object ? forgery->n_object : right->n_bytes, forgery->what);
        free(copy);
    }
    expect_refused(right, other->bytes, other->n_bytes, "the object of another arch");
    qjit_object *again = get_object(arch, true);
    qjit_object_destroy(again);
    qjit_object_destroy(other);
    qjit_object_destroy(right);
}
