#include "hip/elf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium/utils.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "object/elf.h"

enum { NOTES_MAX = 8192, SYMBOL_MAX = 128, CHAIN_MAX = 1 << 16 };

/* Where we do not know our own machine's number any is taken, and dlopen decides. */
static bool is_this_machine(Elf64_Half machine)
{
#if defined(__x86_64__)
    return machine == EM_X86_64;
#elif defined(__aarch64__)
    return machine == EM_AARCH64;
#else
    return machine != EM_NONE;
#endif
}

static bool read_at(const struct qj_elf_file *file, uint64_t offset, void *out, size_t n)
{
    if (offset > file->size || n > file->size - offset) {
        return false;
    }
    if (offset + n <= file->n_head) {
        memcpy(out, file->head + offset, n);
        return true;
    }
    ssize_t got;
    do {
        got = pread(file->fd, out, n, (off_t)offset);
    } while (got < 0 && errno == EINTR);
    return got >= 0 && (size_t)got == n;
}

/* Where in the file the loader would find `address`; the number of file bytes from there. */
static bool locate(const struct qj_elf_file *file, uint64_t address, uint64_t *offset, uint64_t *n)
{
    for (size_t i = 0; i < file->n_segments; i++) {
        const Elf64_Phdr *segment = &file->segments[i];
        if (segment->p_type == PT_LOAD && address >= segment->p_vaddr &&
            address - segment->p_vaddr < segment->p_filesz && segment->p_offset <= file->size) {
            uint64_t inside = address - segment->p_vaddr;
            *offset = segment->p_offset + inside;
            *n = segment->p_filesz - inside;
            return true;
        }
    }
    return false;
}

static bool read_address(const struct qj_elf_file *file, uint64_t address, void *out, size_t n)
{
    uint64_t offset, left;
    return locate(file, address, &offset, &left) && n <= left && read_at(file, offset, out, n);
}

static bool read_text(const struct qj_elf_file *file, uint64_t address, char *out, size_t n)
{
    uint64_t offset, left;
    if (!locate(file, address, &offset, &left) || offset > file->size) {
        return false;
    }
    left = left < file->size - offset ? left : file->size - offset;
    n = left < n ? (size_t)left : n;
    return n > 0 && read_at(file, offset, out, n) && memchr(out, '\0', n);
}

/* Reads the dynamic section, on first need: it mostly lies far from the head. */
static void read_dynamic(struct qj_elf_file *file)
{
    if (file->dynamic_read) {
        return;
    }
    file->dynamic_read = true;
    for (size_t i = 0; i < file->n_segments; i++) {
        const Elf64_Phdr *segment = &file->segments[i];
        size_t n = segment->p_filesz / sizeof(Elf64_Dyn);
        n = n < QJ_ELF_DYNAMIC ? n : QJ_ELF_DYNAMIC;
        if (segment->p_type == PT_DYNAMIC &&
            read_at(file, segment->p_offset, file->dynamic, n * sizeof(Elf64_Dyn))) {
            file->n_dynamic = n;
            return;
        }
    }
}

static bool find_dynamic(struct qj_elf_file *file, int64_t tag, size_t index, uint64_t *value)
{
    read_dynamic(file);
    for (size_t i = 0; i < file->n_dynamic && file->dynamic[i].d_tag != DT_NULL; i++) {
        if (file->dynamic[i].d_tag == tag && index-- == 0) {
            *value = file->dynamic[i].d_un.d_val;
            return true;
        }
    }
    return false;
}

static bool read_headers(struct qj_elf_file *file)
{
    Elf64_Ehdr header;
    if (!read_at(file, 0, &header, sizeof header) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
        header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
        header.e_type != ET_DYN || !is_this_machine(header.e_machine) ||
        header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum > QJ_ELF_SEGMENTS) {
        return false;
    }
    file->n_segments = header.e_phnum;
    return read_at(file, header.e_phoff, file->segments, file->n_segments * sizeof(Elf64_Phdr));
}

bool qj_elf_file_open(struct qj_elf_file *out, const char *path)
{
    struct stat info;
    out->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (out->fd < 0) {
        return false;
    }
    if (fstat(out->fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        (void)close(out->fd);
        errno = EINVAL;
        return false;
    }
    out->size = (uint64_t)info.st_size;
    out->mtime_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
    out->n_head = out->n_segments = out->n_dynamic = 0;
    out->dynamic_read = false;
    ssize_t n = pread(out->fd, out->head, sizeof out->head, 0);
    out->n_head = n > 0 ? (size_t)n : 0;
    out->is_library = read_headers(out);
    return true;
}

void qj_elf_file_close(struct qj_elf_file *file)
{
    (void)close(file->fd);
}

bool qj_build_id_from_notes(char out[static QJ_BUILD_ID_MAX], const void *notes, size_t n, uint64_t align)
{
    const uint8_t *at = notes, *end = at + n;
    struct qj_elf_note note;
    while (qj_elf_note_next(&note, &at, end, align == 8 ? 8 : 4)) {
        if (qj_elf_note_is(&note, "GNU", NT_GNU_BUILD_ID) && note.n > 0 && 2 * note.n < QJ_BUILD_ID_MAX) {
            (void)sodium_bin2hex(out, QJ_BUILD_ID_MAX, note.bytes, note.n);
            return true;
        }
    }
    return false;
}

bool qj_elf_file_build_id(char out[static QJ_BUILD_ID_MAX], const struct qj_elf_file *file)
{
    unsigned char notes[NOTES_MAX];
    for (size_t i = 0; file->is_library && i < file->n_segments; i++) {
        const Elf64_Phdr *segment = &file->segments[i];
        size_t n = segment->p_filesz < sizeof notes ? (size_t)segment->p_filesz : sizeof notes;
        if (segment->p_type == PT_NOTE && read_at(file, segment->p_offset, notes, n) &&
            qj_build_id_from_notes(out, notes, n, segment->p_align)) {
            return true;
        }
    }
    return false;
}

bool qj_elf_file_text(char *out, size_t n, struct qj_elf_file *file, int64_t tag, size_t index)
{
    uint64_t value, strings;
    return file->is_library && find_dynamic(file, tag, index, &value) &&
           find_dynamic(file, DT_STRTAB, 0, &strings) && read_text(file, strings + value, out, n);
}

static uint32_t gnu_hash(const char *symbol)
{
    uint32_t hash = 5381;
    for (const unsigned char *c = (const unsigned char *)symbol; *c; c++) {
        hash = hash * 33 + *c;
    }
    return hash;
}

/* True if entry `i` of the symbol table is defined and has that name. */
static bool is_symbol(const struct qj_elf_file *file, uint64_t symbols, uint64_t strings, uint32_t i,
                      const char *symbol)
{
    Elf64_Sym entry;
    char name[SYMBOL_MAX];
    return read_address(file, symbols + (uint64_t)i * sizeof entry, &entry, sizeof entry) &&
           entry.st_shndx != SHN_UNDEF && read_text(file, strings + entry.st_name, name, sizeof name) &&
           strcmp(name, symbol) == 0;
}

/* The bloom filter's word for the hash has both its bits set; without them the symbol is not there. */
static bool may_hold(const struct qj_elf_file *file, uint64_t bloom, uint32_t n_words, uint32_t shift,
                     uint32_t hash)
{
    uint64_t word;
    return n_words > 0 && shift < 32 &&
           read_address(file, bloom + 8 * (uint64_t)(hash / 64 % n_words), &word, 8) &&
           (word >> hash % 64 & 1) && (word >> (hash >> shift) % 64 & 1);
}

bool qj_elf_file_exports(struct qj_elf_file *file, const char *symbol)
{
    uint64_t table, symbols, strings;
    uint32_t head[4], i,
        hash = gnu_hash(symbol); /* head: buckets, first symbol, words of bloom filter, shift */
    if (!file->is_library || !find_dynamic(file, DT_GNU_HASH, 0, &table) ||
        !find_dynamic(file, DT_SYMTAB, 0, &symbols) || !find_dynamic(file, DT_STRTAB, 0, &strings) ||
        !read_address(file, table, head, sizeof head) || head[0] == 0 ||
        !may_hold(file, table + sizeof head, head[2], head[3], hash)) {
        return false;
    }
    uint64_t buckets = table + sizeof head + 8 * (uint64_t)head[2];
    uint64_t chains = buckets + 4 * (uint64_t)head[0];
    if (!read_address(file, buckets + 4 * (uint64_t)(hash % head[0]), &i, sizeof i) || i < head[1]) {
        return false;
    }
    for (uint32_t end = i < UINT32_MAX - CHAIN_MAX ? i + CHAIN_MAX : UINT32_MAX; i < end; i++) {
        uint32_t chain; /* the hash of symbol i; its lowest bit ends the chain */
        if (!read_address(file, chains + 4 * (uint64_t)(i - head[1]), &chain, sizeof chain)) {
            return false;
        }
        if ((chain | 1) == (hash | 1) && is_symbol(file, symbols, strings, i, symbol)) {
            return true;
        }
        if (chain & 1) {
            return false;
        }
    }
    return false;
}
