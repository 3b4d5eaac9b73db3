/* A bounds-checked view of an ELF64 file in memory: headers, segments, notes. Untrusted bytes, no allocation.
 */
#ifndef QJ_OBJECT_ELF_H
#define QJ_OBJECT_ELF_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qjit/qjit.h>

struct qj_elf {
    const uint8_t *bytes;
    size_t n;
    Elf64_Ehdr header; /* a copy: the bytes need not be aligned */
};

/* A note: its owner ("AMDGPU", "GNU"; need not end in NUL), type and descriptor. */
struct qj_elf_note {
    const char *owner;
    size_t n_owner; /* without a NUL at its end */
    uint32_t type;
    const uint8_t *bytes;
    size_t n;
};

/* Checks what qj_code_object_check promises of every ELF: 64 bit, little endian, the headers and all that
 * they point to lie inside. The view lives as long as `bytes`. QJIT_OK or QJIT_OBJECT_REFUSED. */
qjit_status qj_elf_init(struct qj_elf *out, const void *bytes, size_t n);

/* The program header `i` of header.e_phnum. */
Elf64_Phdr qj_elf_segment(const struct qj_elf *elf, size_t i);

/* Takes the next note from [*at, end), whose notes are padded to `align` (4 or 8). False at the end, and at a
 * note that does not fit. */
bool qj_elf_note_next(struct qj_elf_note *out, const uint8_t **at, const uint8_t *end, size_t align);

/* The first note of that owner and type in any PT_NOTE segment. */
bool qj_elf_note_find(struct qj_elf_note *out, const struct qj_elf *elf, const char *owner, uint32_t type);

/* True if `note` is of that owner and type. */
bool qj_elf_note_is(const struct qj_elf_note *note, const char *owner, uint32_t type);

#endif
