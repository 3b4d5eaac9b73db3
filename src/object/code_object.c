#include "object/code_object.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "object/arch.h"
#include "object/elf.h"
#include "object/kernel_args.h"
#include "object/mach.h"
#include "object/msgpack.h"

enum { OSABI_HSA = 64, ABI_V4 = 2, NOTE_METADATA = 32, MACHINE_AMDGPU = 224 };

static const char target_prefix[] = "amdgcn-amd-amdhsa--";

/* The numbers of a kernel's metadata; all but the optional ones must be there. */
static const struct {
    const char *key;
    size_t offset;
    bool optional;
} numbers[] = {
    {".vgpr_count", offsetof(qjit_kernel_usage, vgprs), false},
    {".sgpr_count", offsetof(qjit_kernel_usage, sgprs), false},
    {".agpr_count", offsetof(qjit_kernel_usage, agprs), true}, /* only where the processor has them */
    {".group_segment_fixed_size", offsetof(qjit_kernel_usage, lds_bytes), false},
    {".private_segment_fixed_size", offsetof(qjit_kernel_usage, scratch_bytes), false},
    {".wavefront_size", offsetof(qjit_kernel_usage, wavefront_size), false},
    {".max_flat_workgroup_size", offsetof(qjit_kernel_usage, max_workgroup), false},
    {".kernarg_segment_size", offsetof(qjit_kernel_usage, kernarg_bytes), false},
};
enum { N_NUMBERS = sizeof numbers / sizeof *numbers };

static qjit_status bad_metadata(void)
{
    return qj_fail(QJIT_OBJECT_REFUSED, "code object's metadata is damaged");
}

static bool is(const char *text, size_t n, const char *expected)
{
    return n == strlen(expected) && memcmp(text, expected, n) == 0;
}

/* The descriptor's symbol, "axpy.kd", as the name "axpy" appended at *names. */
static bool read_symbol(struct qj_msgpack *reader, qjit_kernel_usage *kernel, char **names)
{
    const char *text;
    size_t n;
    if (!qj_msgpack_text(reader, &text, &n) || n <= 3 || memcmp(text + n - 3, ".kd", 3) != 0 ||
        memchr(text, '\0', n)) {
        return false;
    }
    memcpy(*names, text, n - 3);
    (*names)[n - 3] = '\0';
    kernel->name = *names;
    *names += n - 2;
    return true;
}

static bool read_number(struct qj_msgpack *reader, qjit_kernel_usage *kernel, size_t i)
{
    uint64_t value;
    if (!qj_msgpack_uint(reader, &value) || value > UINT32_MAX) {
        return false;
    }
    uint32_t narrow = (uint32_t)value;
    memcpy((char *)kernel + numbers[i].offset, &narrow, sizeof narrow);
    return true;
}

static bool read_kernel_value(struct qj_msgpack *reader, qjit_kernel_usage *kernel, struct qj_buf *args,
                              char **names, const char *key, size_t n_key, bool seen[static N_NUMBERS])
{
    if (is(key, n_key, ".symbol")) {
        return read_symbol(reader, kernel, names);
    }
    if (is(key, n_key, ".args")) {
        return kernel->n_args == 0 && qj_kernel_args_read(reader, args, &kernel->n_args);
    }
    for (size_t i = 0; i < N_NUMBERS; i++) {
        if (is(key, n_key, numbers[i].key)) {
            seen[i] = true;
            return read_number(reader, kernel, i);
        }
    }
    return qj_msgpack_skip(reader);
}

static qjit_status read_kernel(struct qj_msgpack *reader, qjit_kernel_usage *kernel, struct qj_buf *args,
                               char **names)
{
    bool seen[N_NUMBERS] = {false};
    size_t n_pairs, n_key;
    const char *key;
    if (!qj_msgpack_map(reader, &n_pairs)) {
        return bad_metadata();
    }
    for (; n_pairs > 0; n_pairs--) {
        if (!qj_msgpack_text(reader, &key, &n_key) ||
            !read_kernel_value(reader, kernel, args, names, key, n_key, seen)) {
            return bad_metadata();
        }
    }
    if (!kernel->name) {
        return qj_fail(QJIT_OBJECT_REFUSED, "code object has a kernel without a symbol");
    }
    for (size_t i = 0; i < N_NUMBERS; i++) {
        if (!seen[i] && !numbers[i].optional) {
            return qj_fail(QJIT_OBJECT_REFUSED, "code object's kernel '%s' lacks '%s'", kernel->name,
                           numbers[i].key);
        }
    }
    return QJIT_OK;
}

static qjit_status read_kernels(struct qj_msgpack *reader, struct qj_code_object *out)
{
    size_t n;
    if (out->kernels || !qj_msgpack_array(reader, &n)) { /* a second list is damage */
        return bad_metadata();
    }
    /* A name, its end included, is shorter than the text it is read from: the bytes left hold all of them. */
    out->names = malloc((size_t)(reader->end - reader->at) + 1);
    out->kernels = calloc(n + 1, sizeof *out->kernels);
    if (!out->names || !out->kernels) {
        return qj_fail(QJIT_NO_MEMORY, "out of memory");
    }
    out->n_kernels = n;
    char *names = out->names;
    qjit_status status = QJIT_OK;
    for (size_t i = 0; i < n && status == QJIT_OK; i++) {
        status = read_kernel(reader, &out->kernels[i], &out->arg_bytes, &names);
    }
    if (status == QJIT_OK && out->arg_bytes.failed) {
        status = qj_fail(QJIT_NO_MEMORY, "out of memory");
    }
    return status;
}

static qjit_status read_target(struct qj_msgpack *reader, struct qj_code_object *out)
{
    const char *text;
    size_t n, n_prefix = strlen(target_prefix);
    char arch[QJ_ARCH_MAX];
    if (!qj_msgpack_text(reader, &text, &n)) {
        return bad_metadata();
    }
    if (n < n_prefix || n - n_prefix >= sizeof arch || memchr(text, '\0', n) ||
        memcmp(text, target_prefix, n_prefix) != 0) {
        return qj_fail(QJIT_OBJECT_REFUSED, "code object's target '%.*s' is not one for amdhsa",
                       n < 100 ? (int)n : 100, text);
    }
    memcpy(arch, text + n_prefix, n - n_prefix);
    arch[n - n_prefix] = '\0';
    return qj_arch_canonical(out->arch, arch) == QJIT_OK ? QJIT_OK : bad_metadata();
}

static qjit_status read_metadata(struct qj_code_object *out, const uint8_t *bytes, size_t n)
{
    struct qj_msgpack reader = {bytes, bytes + n};
    size_t n_pairs, n_key;
    const char *key;
    if (!qj_msgpack_map(&reader, &n_pairs)) {
        return bad_metadata();
    }
    qjit_status status = QJIT_OK;
    for (; n_pairs > 0 && status == QJIT_OK; n_pairs--) {
        if (!qj_msgpack_text(&reader, &key, &n_key)) {
            status = bad_metadata();
        } else if (is(key, n_key, "amdhsa.target")) {
            status = read_target(&reader, out);
        } else if (is(key, n_key, "amdhsa.kernels")) {
            status = read_kernels(&reader, out);
        } else if (!qj_msgpack_skip(&reader)) {
            status = bad_metadata();
        }
    }
    if (status == QJIT_OK && (!out->arch[0] || !out->kernels)) {
        status = qj_fail(QJIT_OBJECT_REFUSED, "code object's metadata has no target or no list of kernels");
    }
    return status;
}

static qjit_status check_amdgpu(const struct qj_elf *elf)
{
    const Elf64_Ehdr *header = &elf->header;
    if (header->e_machine != MACHINE_AMDGPU) {
        return qj_fail(QJIT_OBJECT_REFUSED, "code object is for ELF machine %u, not for AMDGPU (%d)",
                       header->e_machine, MACHINE_AMDGPU);
    }
    if (header->e_ident[EI_OSABI] != OSABI_HSA) {
        return qj_fail(QJIT_OBJECT_REFUSED, "code object has OS/ABI %u, not HSA (%d)",
                       header->e_ident[EI_OSABI], OSABI_HSA);
    }
    if (header->e_ident[EI_ABIVERSION] < ABI_V4) {
        return qj_fail(QJIT_OBJECT_REFUSED, "code object has ABI version %u, older than code object V4 (%d)",
                       header->e_ident[EI_ABIVERSION], ABI_V4);
    }
    return QJIT_OK;
}

static qjit_status init(struct qj_code_object *out, const void *bytes, size_t n)
{
    struct qj_elf elf;
    struct qj_elf_note note;
    qjit_status status = qj_elf_init(&elf, bytes, n);
    if (status == QJIT_OK) {
        status = check_amdgpu(&elf);
    }
    if (status != QJIT_OK) {
        return status;
    }
    if (!qj_elf_note_find(&note, &elf, "AMDGPU", NOTE_METADATA)) {
        return qj_fail(QJIT_OBJECT_REFUSED, "code object has no AMDGPU metadata note");
    }
    out->e_flags = elf.header.e_flags;
    out->abi_version = elf.header.e_ident[EI_ABIVERSION];
    status = read_metadata(out, note.bytes, note.n);
    return status == QJIT_OK ? qj_mach_check(out->e_flags, out->arch) : status;
}

qjit_status qj_code_object_init(struct qj_code_object *out, const void *bytes, size_t n)
{
    memset(out, 0, sizeof *out);
    qjit_status status = init(out, bytes, n);
    if (status != QJIT_OK) {
        qj_code_object_finish(out);
    }
    return status;
}

void qj_code_object_finish(struct qj_code_object *object)
{
    if (!object) {
        return;
    }
    free(object->kernels);
    free(object->names);
    qj_buf_finish(&object->arg_bytes);
    memset(object, 0, sizeof *object);
}

qjit_status qj_code_object_check(const void *bytes, size_t n, const char *arch)
{
    struct qj_elf elf;
    qjit_status status = qj_elf_init(&elf, bytes, n);
    if (status != QJIT_OK || strncmp(arch, "gfx", 3) != 0) {
        return status;
    }
    status = check_amdgpu(&elf);
    return status == QJIT_OK ? qj_mach_check(elf.header.e_flags, arch) : status;
}

bool qj_code_object_has(const struct qj_code_object *object, const char *symbol)
{
    for (size_t i = 0; i < object->n_kernels; i++) {
        if (strcmp(object->kernels[i].name, symbol) == 0) {
            return true;
        }
    }
    return false;
}

uint32_t qj_code_object_arg_bytes(const struct qj_code_object *object, size_t kernel, uint32_t arg)
{
    uint32_t n_bytes = 0;
    size_t before = 0;
    for (size_t i = 0; i < kernel; i++) {
        before += object->kernels[i].n_args;
    }
    memcpy(&n_bytes, object->arg_bytes.bytes + (before + arg) * sizeof n_bytes, sizeof n_bytes);
    return n_bytes;
}
