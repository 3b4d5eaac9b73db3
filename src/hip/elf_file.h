/* What we need of a shared library's file, read without loading it: a few small reads, every offset checked.
 */
#ifndef QJ_HIP_ELF_FILE_H
#define QJ_HIP_ELF_FILE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { QJ_BUILD_ID_MAX = 136, QJ_ELF_HEAD = 4096, QJ_ELF_SEGMENTS = 64, QJ_ELF_DYNAMIC = 256 };

struct qj_elf_file {
    int fd;
    uint64_t size;
    int64_t mtime_ns;
    bool is_library; /* an ELF64 shared library for this machine; the rest is set only then */
    bool dynamic_read;
    size_t n_head, n_segments, n_dynamic;
    unsigned char head[QJ_ELF_HEAD]; /* the file's beginning: headers and build-id mostly lie in it */
    Elf64_Phdr segments[QJ_ELF_SEGMENTS];
    Elf64_Dyn dynamic[QJ_ELF_DYNAMIC];
};

/* Opens any regular file. False, with errno, if that fails; close only on success. */
bool qj_elf_file_open(struct qj_elf_file *out, const char *path);
void qj_elf_file_close(struct qj_elf_file *file);

/* The GNU build-id in hexadecimal. */
bool qj_elf_file_build_id(char out[static QJ_BUILD_ID_MAX], const struct qj_elf_file *file);

/* The text of the `index`th dynamic entry with that tag: DT_NEEDED, DT_SONAME, DT_RUNPATH. False if there is
 * none, or none that fits into n bytes. */
bool qj_elf_file_text(char *out, size_t n, struct qj_elf_file *file, int64_t tag, size_t index);

/* True if the library exports that symbol (by its GNU hash table, which every linker in use writes). */
bool qj_elf_file_exports(struct qj_elf_file *file, const char *symbol);

/* The build-id note among notes in memory; `align` as of their segment. */
bool qj_build_id_from_notes(char out[static QJ_BUILD_ID_MAX], const void *notes, size_t n, uint64_t align);

#endif
