#include <criterion/criterion.h>
#include <elf.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fs.h"
#include "object/code_object.h"
#include "object/msgpack.h"

static struct qj_buf read_sample(const char *name)
{
    struct qj_buf buf = {0};
    struct qj_buf path = {0};
    qj_buf_printf(&path, "%s/%s", SAMPLES, name);
    cr_assert_eq(qj_fs_read(&buf, path.bytes, 1 << 20), 0, "%s", path.bytes);
    qj_buf_finish(&path);
    return buf;
}

static void expect_kernel(const qjit_kernel_usage *kernel, const qjit_kernel_usage *expected)
{
    cr_assert_str_eq(kernel->name, expected->name);
    cr_assert_eq(kernel->vgprs, expected->vgprs);
    cr_assert_eq(kernel->sgprs, expected->sgprs);
    cr_assert_eq(kernel->agprs, expected->agprs);
    cr_assert_eq(kernel->lds_bytes, expected->lds_bytes);
    cr_assert_eq(kernel->scratch_bytes, expected->scratch_bytes);
    cr_assert_eq(kernel->wavefront_size, expected->wavefront_size);
    cr_assert_eq(kernel->max_workgroup, expected->max_workgroup);
    cr_assert_eq(kernel->kernarg_bytes, expected->kernarg_bytes);
    cr_assert_eq(kernel->n_args, expected->n_args);
}

/* The figures are those that llvm-readelf --notes prints. */
Test(code_object, tells_what_it_holds)
{
    struct qj_buf bytes = read_sample("gfx1030.co");
    struct qj_code_object object;
    cr_assert_eq(qj_code_object_init(&object, bytes.bytes, bytes.size), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_str_eq(object.arch, "gfx1030");
    cr_assert_eq(object.abi_version, 2);
    cr_assert_eq(object.e_flags, 0x36);
    cr_assert_eq(object.n_kernels, 2);
    expect_kernel(&object.kernels[0], &(qjit_kernel_usage){"axpy", 5, 11, 0, 256, 0, 32, 1024, 24, 4});
    expect_kernel(&object.kernels[1], &(qjit_kernel_usage){"two", 2, 6, 0, 0, 0, 32, 1024, 8, 1});
    static const uint32_t axpy_args[] = {8, 8, 4, 4};
    for (uint32_t i = 0; i < 4; i++) {
        cr_assert_eq(qj_code_object_arg_bytes(&object, 0, i), axpy_args[i]);
    }
    cr_assert_eq(qj_code_object_arg_bytes(&object, 1, 0), 8);
    cr_assert(qj_code_object_has(&object, "axpy"));
    cr_assert(qj_code_object_has(&object, "two"));
    cr_assert_not(qj_code_object_has(&object, "axpy.kd"));
    cr_assert_not(qj_code_object_has(&object, "ax"));
    qj_code_object_finish(&object);
    qj_code_object_finish(NULL);
    qj_buf_finish(&bytes);
}

Test(code_object, has_the_features_of_its_target)
{
    struct qj_buf bytes = read_sample("gfx90a.co");
    struct qj_code_object object;
    cr_assert_eq(qj_code_object_init(&object, bytes.bytes, bytes.size), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_str_eq(object.arch, "gfx90a:sramecc+:xnack-");
    expect_kernel(&object.kernels[0], &(qjit_kernel_usage){"axpy", 6, 13, 0, 256, 0, 64, 1024, 24, 4});
    qj_code_object_finish(&object);
    qj_buf_finish(&bytes);
}

static void expect_check(const struct qj_buf *bytes, const char *arch, const char *in_detail)
{
    qjit_status status = qj_code_object_check(bytes->bytes, bytes->size, arch);
    cr_assert_eq(status, in_detail ? QJIT_OBJECT_REFUSED : QJIT_OK, "%s: %s", arch, qjit_error_detail());
    cr_assert(!in_detail || strstr(qjit_error_detail(), in_detail), "%s: %s", arch, qjit_error_detail());
}

Test(code_object, is_held_against_the_arch)
{
    struct qj_buf bytes = read_sample("gfx90a.co");
    expect_check(&bytes, "gfx90a:sramecc+:xnack-", NULL);
    expect_check(&bytes, "gfx90a:sramecc+:xnack+", "xnack off");
    expect_check(&bytes, "gfx90a:sramecc-:xnack-", "sramecc on");
    expect_check(&bytes, "gfx90a", "xnack off");
    expect_check(&bytes, "gfx908:sramecc+:xnack-", "is for gfx90a");
    expect_check(&bytes, "gfx9:sramecc+:xnack-", "is for gfx90a");
    expect_check(&bytes, "gfx9999:sramecc+:xnack-", "is for gfx90a");
    expect_check(&bytes, "cpu-x86_64-w32", NULL); /* only that it is a sound ELF */
    qj_buf_finish(&bytes);
    bytes = read_sample("gfx1030.co");
    expect_check(&bytes, "gfx1030", NULL);
    expect_check(&bytes, "gfx1031", "is for gfx1030");
    expect_check(&bytes, "gfx1030:xnack-", "xnack unsupported");
    qj_buf_finish(&bytes);
}

/* A machine value and a processor that are both unknown here: the metadata decides, which still says gfx1030.
 */
Test(code_object, of_an_unknown_processor_is_left_to_its_metadata)
{
    struct qj_buf bytes = read_sample("gfx1030.co");
    Elf64_Ehdr *header = (Elf64_Ehdr *)bytes.bytes;
    struct qj_code_object object;
    header->e_flags = 0xfe;
    expect_check(&bytes, "gfx2000", NULL);
    expect_check(&bytes, "gfx1030", "machine 0xfe");
    cr_assert_eq(qj_code_object_init(&object, bytes.bytes, bytes.size), QJIT_OBJECT_REFUSED);
    char *target = memmem(bytes.bytes, bytes.size, "--gfx1030", 9);
    memcpy(target, "--gfx2000", 9);
    cr_assert_eq(qj_code_object_init(&object, bytes.bytes, bytes.size), QJIT_OK, "%s", qjit_error_detail());
    cr_assert_str_eq(object.arch, "gfx2000");
    qj_code_object_finish(&object);
    qj_buf_finish(&bytes);
}

/* One field of the header changed: the detail says which. */
static void expect_refused(size_t offset, const void *value, size_t n, const char *in_detail)
{
    struct qj_buf bytes = read_sample("gfx1030.co");
    struct qj_code_object object;
    memcpy(bytes.bytes + offset, value, n);
    expect_check(&bytes, "gfx1030", in_detail);
    cr_assert_eq(qj_code_object_init(&object, bytes.bytes, bytes.size), QJIT_OBJECT_REFUSED);
    cr_assert(strstr(qjit_error_detail(), in_detail), "%s", qjit_error_detail());
    qj_buf_finish(&bytes);
}

Test(code_object, with_a_wrong_header_is_refused)
{
    expect_refused(0,
                   "\x7f"
                   "ELG",
                   4, "no ELF");
    expect_refused(EI_CLASS, "\x01", 1, "64 bit");
    expect_refused(EI_DATA, "\x02", 1, "little endian");
    expect_refused(EI_OSABI, "\x00", 1, "OS/ABI 0");
    expect_refused(EI_ABIVERSION, "\x01", 1, "ABI version 1");
    expect_refused(offsetof(Elf64_Ehdr, e_machine), &(uint16_t){EM_X86_64}, 2, "machine 62");
    expect_refused(offsetof(Elf64_Ehdr, e_phoff), &(uint64_t){UINT64_MAX - 8}, 8, "program headers");
    expect_refused(offsetof(Elf64_Ehdr, e_phnum), &(uint16_t){UINT16_MAX}, 2, "program headers");
    expect_refused(offsetof(Elf64_Ehdr, e_phentsize), &(uint16_t){55}, 2, "program headers");
    expect_refused(offsetof(Elf64_Ehdr, e_shoff), &(uint64_t){UINT64_MAX}, 8, "section headers");
    expect_refused(offsetof(Elf64_Ehdr, e_shnum), &(uint16_t){500}, 2, "section headers");
    size_t segment = 64 + 56; /* the first PT_LOAD */
    expect_refused(segment + offsetof(Elf64_Phdr, p_offset), &(uint64_t){UINT64_MAX}, 8, "segment 1");
    expect_refused(segment + offsetof(Elf64_Phdr, p_filesz), &(uint64_t){1 << 20}, 8, "segment 1");
}

/* Keys of the metadata renamed: what they gave is missing. */
static void expect_missing(const char *key, const char *in_detail)
{
    struct qj_buf bytes = read_sample("gfx1030.co");
    struct qj_code_object object;
    char *at = memmem(bytes.bytes, bytes.size, key, strlen(key));
    cr_assert_not_null(at);
    at[1] = '!';
    cr_assert_eq(qj_code_object_init(&object, bytes.bytes, bytes.size), QJIT_OBJECT_REFUSED, "%s", key);
    cr_assert(strstr(qjit_error_detail(), in_detail), "%s: %s", key, qjit_error_detail());
    qj_buf_finish(&bytes);
}

Test(code_object, without_what_its_metadata_must_have_is_refused)
{
    expect_missing(".vgpr_count", "'axpy' lacks '.vgpr_count'");
    expect_missing(".private_segment_fixed_size", "'axpy' lacks '.private_segment_fixed_size'");
    expect_missing(".symbol", "without a symbol");
    expect_missing("amdhsa.target", "no target");
    expect_missing("amdhsa.kernels", "no target or no list");
    expect_missing("amdgcn-amd-amdhsa--", "is not one for amdhsa");
    expect_missing("AMDGPU", "no AMDGPU metadata");
}

/* Untrusted bytes. AddressSanitizer watches: the copies are exactly as long as they say. Criterion's
 * assertions are slow: one at the end. */
static bool is_refused(const void *bytes, size_t n)
{
    struct qj_code_object object;
    void *copy = malloc(n ? n : 1);
    memcpy(copy, bytes, n);
    qjit_status status = qj_code_object_init(&object, copy, n);
    qjit_status quick = qj_code_object_check(copy, n, "gfx1030");
    if (status == QJIT_OK) {
        qj_code_object_finish(&object);
    }
    free(copy);
    return status == QJIT_OBJECT_REFUSED && quick == QJIT_OBJECT_REFUSED;
}

/* Many a changed byte still makes a code object, instructions for one. A changed header or metadata key does
 * not. */
Test(code_object, survives_any_changed_byte)
{
    static const unsigned char flips[] = {0x01, 0x80, 0xff};
    struct qj_buf bytes = read_sample("gfx1030.co");
    size_t n_refused = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        char before = bytes.bytes[i];
        for (size_t j = 0; j < sizeof flips; j++) {
            bytes.bytes[i] = (char)(before ^ flips[j]);
            n_refused += is_refused(bytes.bytes, bytes.size);
        }
        bytes.bytes[i] = before;
    }
    cr_assert(n_refused > 100, "%zu", n_refused);
    qj_buf_finish(&bytes);
}

Test(code_object, cut_anywhere_is_refused)
{
    struct qj_buf bytes = read_sample("gfx1030.co");
    size_t n_refused = 0;
    for (size_t n = 0; n < bytes.size; n++) {
        n_refused += is_refused(bytes.bytes, n);
    }
    cr_assert_eq(n_refused, bytes.size);
    qj_buf_finish(&bytes);
}

/* ---- MessagePack ------------------------------------------------------------------------------- */

Test(msgpack, reads_numbers_of_every_width)
{
    static const struct {
        const char *bytes;
        size_t n;
        uint64_t value;
    } rows[] = {
        {"\x07", 1, 7},
        {"\x7f", 1, 127},
        {"\xcc\xff", 2, 255},
        {"\xcd\x12\x34", 3, 0x1234},
        {"\xce\x12\x34\x56\x78", 5, 0x12345678},
        {"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9, UINT64_MAX},
        {"\xd0\x7f", 2, 127},
        {"\xd1\x7f\xff", 3, 32767},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct qj_msgpack reader = {(const uint8_t *)rows[i].bytes,
                                    (const uint8_t *)rows[i].bytes + rows[i].n};
        uint64_t value;
        cr_assert(qj_msgpack_uint(&reader, &value), "row %zu", i);
        cr_assert_eq(value, rows[i].value);
        cr_assert_eq(reader.at, reader.end);
        reader = (struct qj_msgpack){(const uint8_t *)rows[i].bytes,
                                     (const uint8_t *)rows[i].bytes + rows[i].n - 1};
        cr_assert_not(qj_msgpack_uint(&reader, &value), "row %zu cut", i);
    }
}

Test(msgpack, takes_no_negative_number_for_a_count)
{
    static const char *const rows[] = {"\xff", "\xd0\x80", "\xd1\x80\x01", "\xd2\x80\x01\x01\x01", "\xc0"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct qj_msgpack reader = {(const uint8_t *)rows[i], (const uint8_t *)rows[i] + strlen(rows[i])};
        uint64_t value;
        cr_assert_not(qj_msgpack_uint(&reader, &value), "row %zu", i);
    }
}

Test(msgpack, skips_whole_values)
{
    static const uint8_t values[] = {
        0x82, 0xa1, 'a',  0x93, 0x01, 0xc0, 0xa2, 'x', 'y',
        0xa1, 'b',  0x81, 0xa1, 'c',  0xc3,               /* {a:[1,nil,"xy"],b:{c:true}} */
        0xca, 1,    2,    3,    4,                        /* float 32 */
        0xcb, 1,    2,    3,    4,    5,    6,    7,   8, /* float 64 */
        0xc4, 2,    9,    9,                              /* bin 8 */
        0xd4, 1,    2,                                    /* fixext 1 */
        0xc7, 3,    1,    7,    7,    7,                  /* ext 8 */
        0xdc, 0,    1,    0x05,                           /* array 16 */
        0xde, 0,    1,    0x05, 0x06,                     /* map 16 */
    };
    struct qj_msgpack reader = {values, values + sizeof values};
    for (int i = 0; i < 8; i++) {
        cr_assert(qj_msgpack_skip(&reader), "value %d", i);
    }
    cr_assert_eq(reader.at, reader.end);
    cr_assert_not(qj_msgpack_skip(&reader));
}

/* Depth costs nothing, and a count cannot promise more than the bytes hold. */
Test(msgpack, stands_depth_and_lies)
{
    static uint8_t deep[1 << 20];
    memset(deep, 0x91, sizeof deep);
    struct qj_msgpack reader = {deep, deep + sizeof deep};
    cr_assert_not(qj_msgpack_skip(&reader)); /* the innermost array has no value */
    deep[sizeof deep - 1] = 0x01;
    reader = (struct qj_msgpack){deep, deep + sizeof deep};
    cr_assert(qj_msgpack_skip(&reader));
    static const uint8_t lie[] = {0xdd, 0xff, 0xff, 0xff, 0xff, 0x01};
    size_t n;
    reader = (struct qj_msgpack){lie, lie + sizeof lie};
    cr_assert_not(qj_msgpack_array(&reader, &n));
    static const uint8_t text[] = {0xdb, 0xff, 0xff, 0xff, 0xff, 'x'};
    const char *at;
    reader = (struct qj_msgpack){text, text + sizeof text};
    cr_assert_not(qj_msgpack_text(&reader, &at, &n));
}
