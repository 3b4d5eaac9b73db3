#include "hip_cuda/image.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { EM_CUDA_CUBIN = 190, SECTIONS_MAX = 1 << 20 };
static const size_t image_max = (size_t)1 << 28;

/* Where process_vm_readv is not allowed: writing into a pipe, the kernel faults for us. */
static bool read_through_pipe(void *out, const char *from, size_t n)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    bool done = true;
    for (size_t at = 0; done && at < n;) {
        size_t part = n - at < 4096 ? n - at : 4096; /* what an empty pipe takes at once */
        ssize_t written = write(ends[1], from + at, part);
        done = written > 0 && read(ends[0], (char *)out + at, (size_t)written) == written;
        at += done ? (size_t)written : 0;
    }
    close(ends[0]);
    close(ends[1]);
    return done;
}

/* False where some byte is not mapped. */
static bool read_memory(void *out, const void *from, size_t n)
{
    struct iovec local = {out, n}, remote = {(void *)(uintptr_t)from, n};
    ssize_t got = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
    if (got < 0 && (errno == ENOSYS || errno == EPERM)) {
        return read_through_pipe(out, from, n);
    }
    return got >= 0 && (size_t)got == n;
}

static bool fits(uint64_t offset, uint64_t n)
{
    return offset <= image_max && n <= image_max - offset;
}

static size_t larger(size_t end, uint64_t offset, uint64_t n)
{
    return offset + n > end ? (size_t)(offset + n) : end;
}

/* How far the sections reach; 0 where one is impossible. */
static size_t sections_end(const Elf64_Shdr *sections, size_t n)
{
    size_t end = sizeof(Elf64_Ehdr);
    for (size_t i = 0; i < n; i++) {
        if (sections[i].sh_type == SHT_NOBITS || sections[i].sh_type == SHT_NULL) {
            continue;
        }
        if (!fits(sections[i].sh_offset, sections[i].sh_size)) {
            return 0;
        }
        end = larger(end, sections[i].sh_offset, sections[i].sh_size);
    }
    return end;
}

/* The number of bytes of the image, told by its headers; 0 where it is not whole. */
static size_t image_size(const Elf64_Ehdr *header, const char *image)
{
    if (header->e_shentsize != sizeof(Elf64_Shdr) || header->e_shnum == 0 ||
        header->e_shstrndx >= header->e_shnum ||
        (header->e_phnum > 0 && header->e_phentsize != sizeof(Elf64_Phdr)) ||
        !fits(header->e_shoff, (uint64_t)header->e_shnum * sizeof(Elf64_Shdr)) ||
        !fits(header->e_phoff, (uint64_t)header->e_phnum * sizeof(Elf64_Phdr))) {
        return 0;
    }
    size_t n = header->e_shnum;
    Elf64_Shdr *sections = malloc(n * sizeof *sections);
    size_t end = 0;
    if (sections != NULL && read_memory(sections, image + header->e_shoff, n * sizeof *sections)) {
        end = sections_end(sections, n);
    }
    free(sections);
    if (end > 0) {
        end = larger(end, header->e_shoff, n * sizeof(Elf64_Shdr));
        end = larger(end, header->e_phoff, (uint64_t)header->e_phnum * sizeof(Elf64_Phdr));
    }
    return end;
}

/* Strings end, names and links lie inside: what a reader of ELF takes for granted. */
static bool check_sections(const char *image, const Elf64_Ehdr *header)
{
    const Elf64_Shdr *sections = (const Elf64_Shdr *)(const void *)(image + header->e_shoff);
    const Elf64_Shdr *names = &sections[header->e_shstrndx];
    bool has_symbols = false;
    for (size_t i = 0; i < header->e_shnum; i++) {
        const Elf64_Shdr *section = &sections[i];
        bool is_strings = section->sh_type == SHT_STRTAB;
        bool is_symbols = section->sh_type == SHT_SYMTAB;
        has_symbols = has_symbols || is_symbols;
        if (i > 0 && section->sh_type == SHT_NULL) { /* zeros where a header should be */
            return false;
        }
        if (section->sh_name >= names->sh_size || section->sh_link >= header->e_shnum) {
            return false;
        }
        if (is_strings &&
            (section->sh_size == 0 || image[section->sh_offset + section->sh_size - 1] != '\0')) {
            return false;
        }
        if (is_symbols &&
            (section->sh_entsize != sizeof(Elf64_Sym) || section->sh_size % sizeof(Elf64_Sym) != 0 ||
             sections[section->sh_link].sh_type != SHT_STRTAB)) {
            return false;
        }
    }
    return names->sh_type == SHT_STRTAB && has_symbols;
}

static bool check_segments(const char *image, const Elf64_Ehdr *header, size_t n)
{
    const Elf64_Phdr *segments = (const Elf64_Phdr *)(const void *)(image + header->e_phoff);
    for (size_t i = 0; i < header->e_phnum; i++) {
        if (segments[i].p_type == PT_NULL ||
            (segments[i].p_type == PT_LOAD &&
             (segments[i].p_offset > n || segments[i].p_filesz > n - segments[i].p_offset))) {
            return false;
        }
    }
    return true;
}

static hipError_t check_header(const Elf64_Ehdr *header)
{
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_ident[EI_CLASS] != ELFCLASS64 ||
        header->e_ident[EI_DATA] != ELFDATA2LSB) {
        return QJ_HIP_ERROR_INVALID_IMAGE;
    }
    return header->e_machine == EM_CUDA_CUBIN ? QJ_HIP_SUCCESS : QJ_HIP_ERROR_NO_BINARY_FOR_GPU;
}

hipError_t qj_image_copy(void **out, const void *image)
{
    Elf64_Ehdr header;
    if (image == NULL || !read_memory(&header, image, sizeof header)) {
        return QJ_HIP_ERROR_INVALID_IMAGE;
    }
    hipError_t error = check_header(&header);
    size_t n = error == QJ_HIP_SUCCESS ? image_size(&header, image) : 0;
    if (n == 0 || header.e_shoff % 8 != 0 || header.e_phoff % 8 != 0) {
        return error != QJ_HIP_SUCCESS ? error : QJ_HIP_ERROR_INVALID_IMAGE;
    }
    char *copy = malloc(n);
    if (copy == NULL) {
        return QJ_HIP_ERROR_OUT_OF_MEMORY;
    }
    if (!read_memory(copy, image, n) || !check_sections(copy, &header) || !check_segments(copy, &header, n)) {
        free(copy);
        return QJ_HIP_ERROR_INVALID_IMAGE;
    }
    *out = copy;
    return QJ_HIP_SUCCESS;
}
