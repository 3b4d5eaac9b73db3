#include "object/elf.h"

#include <string.h>

#include "base/status.h"

static bool inside(const struct qj_elf *elf, uint64_t offset, uint64_t n)
{
    return offset <= elf->n && n <= elf->n - offset;
}

static Elf64_Shdr section(const struct qj_elf *elf, size_t i)
{
    Elf64_Shdr out;
    memcpy(&out, elf->bytes + elf->header.e_shoff + i * sizeof out, sizeof out);
    return out;
}

Elf64_Phdr qj_elf_segment(const struct qj_elf *elf, size_t i)
{
    Elf64_Phdr out;
    memcpy(&out, elf->bytes + elf->header.e_phoff + i * sizeof out, sizeof out);
    return out;
}

static qjit_status check_ident(const struct qj_elf *elf)
{
    const unsigned char *ident = elf->header.e_ident;
    if (memcmp(ident, ELFMAG, SELFMAG) != 0) {
        return qj_fail(QJIT_OBJECT_REFUSED, "code object is no ELF file");
    }
    if (ident[EI_CLASS] != ELFCLASS64 || ident[EI_DATA] != ELFDATA2LSB) {
        return qj_fail(QJIT_OBJECT_REFUSED, "code object is no 64 bit little endian ELF file");
    }
    if (ident[EI_VERSION] != EV_CURRENT || elf->header.e_version != EV_CURRENT) {
        return qj_fail(QJIT_OBJECT_REFUSED, "code object has ELF version %u, not 1", elf->header.e_version);
    }
    return QJIT_OK;
}

static qjit_status check_segments(const struct qj_elf *elf)
{
    const Elf64_Ehdr *header = &elf->header;
    if (header->e_phnum == 0) {
        return QJIT_OK;
    }
    if (header->e_phentsize != sizeof(Elf64_Phdr) ||
        !inside(elf, header->e_phoff, header->e_phnum * sizeof(Elf64_Phdr))) {
        return qj_fail(QJIT_OBJECT_REFUSED, "code object's program headers do not lie inside its %zu bytes",
                       elf->n);
    }
    for (size_t i = 0; i < header->e_phnum; i++) {
        Elf64_Phdr segment = qj_elf_segment(elf, i);
        if (!inside(elf, segment.p_offset, segment.p_filesz)) {
            return qj_fail(QJIT_OBJECT_REFUSED, "code object's segment %zu does not lie inside its %zu bytes",
                           i, elf->n);
        }
    }
    return QJIT_OK;
}

static qjit_status check_sections(const struct qj_elf *elf)
{
    const Elf64_Ehdr *header = &elf->header;
    if (header->e_shnum == 0) {
        return QJIT_OK;
    }
    if (header->e_shentsize != sizeof(Elf64_Shdr) || header->e_shstrndx >= header->e_shnum ||
        !inside(elf, header->e_shoff, header->e_shnum * sizeof(Elf64_Shdr))) {
        return qj_fail(QJIT_OBJECT_REFUSED, "code object's section headers do not lie inside its %zu bytes",
                       elf->n);
    }
    for (size_t i = 0; i < header->e_shnum; i++) {
        Elf64_Shdr s = section(elf, i);
        if (s.sh_type != SHT_NOBITS && s.sh_type != SHT_NULL && !inside(elf, s.sh_offset, s.sh_size)) {
            return qj_fail(QJIT_OBJECT_REFUSED, "code object's section %zu does not lie inside its %zu bytes",
                           i, elf->n);
        }
    }
    return QJIT_OK;
}

qjit_status qj_elf_init(struct qj_elf *out, const void *bytes, size_t n)
{
    memset(out, 0, sizeof *out);
    out->bytes = bytes;
    out->n = n;
    if (n < sizeof out->header) {
        return qj_fail(QJIT_OBJECT_REFUSED, "code object has %zu bytes, fewer than an ELF header", n);
    }
    memcpy(&out->header, bytes, sizeof out->header);
    qjit_status status = check_ident(out);
    if (status == QJIT_OK) {
        status = check_segments(out);
    }
    if (status == QJIT_OK) {
        status = check_sections(out);
    }
    return status;
}

bool qj_elf_note_next(struct qj_elf_note *out, const uint8_t **at, const uint8_t *end, size_t align)
{
    Elf64_Nhdr header;
    size_t left = (size_t)(end - *at);
    if (left < sizeof header) {
        return false;
    }
    memcpy(&header, *at, sizeof header);
    left -= sizeof header;
    const uint8_t *owner = *at + sizeof header;
    /* Padding is counted from the start of the note: for 8 that differs from padding the lengths alone. */
    size_t name = (sizeof header + (size_t)header.n_namesz + align - 1) / align * align - sizeof header;
    if (name > left || header.n_descsz > left - name) {
        return false;
    }
    size_t padded = ((size_t)header.n_descsz + align - 1) / align * align;
    out->owner = (const char *)owner;
    out->n_owner = strnlen(out->owner, header.n_namesz);
    out->type = header.n_type;
    out->bytes = owner + name;
    out->n = header.n_descsz;
    *at = padded < left - name ? owner + name + padded : end; /* the last one need not be padded */
    return true;
}

bool qj_elf_note_is(const struct qj_elf_note *note, const char *owner, uint32_t type)
{
    return note->type == type && note->n_owner == strlen(owner) &&
           memcmp(note->owner, owner, note->n_owner) == 0;
}

bool qj_elf_note_find(struct qj_elf_note *out, const struct qj_elf *elf, const char *owner, uint32_t type)
{
    for (size_t i = 0; i < elf->header.e_phnum; i++) {
        Elf64_Phdr segment = qj_elf_segment(elf, i);
        if (segment.p_type != PT_NOTE) {
            continue;
        }
        const uint8_t *at = elf->bytes + segment.p_offset;
        const uint8_t *end = at + segment.p_filesz;
        while (qj_elf_note_next(out, &at, end, segment.p_align == 8 ? 8 : 4)) {
            if (qj_elf_note_is(out, owner, type)) {
                return true;
            }
        }
    }
    return false;
}
